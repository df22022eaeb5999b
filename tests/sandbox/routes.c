/* SPDX-License-Identifier: Apache-2.0
 *
 * routes - the table. A new route is one row here and one function.
 */
#include "tests/sandbox/routes.h"

#include "tests/sandbox/allocations.h"
#include "tests/sandbox/any.h"
#include "tests/sandbox/blueworks.h"
#include "tests/sandbox/chat.h"
#include "tests/sandbox/control.h"
#include "tests/sandbox/feed.h"
#include "tests/sandbox/custom.h"
#include "tests/sandbox/forms.h"
#include "tests/sandbox/hindsite.h"
#include "tests/sandbox/kantata.h"
#include "tests/sandbox/lists.h"
#include "tests/sandbox/resources.h"
#include "tests/sandbox/targets.h"
#include "tests/sandbox/webhooks.h"

#include <assert.h>
#include <string.h>

static const struct route routes[] = {
	{ "kantata.workspace.list", "GET", "/api/v1/workspaces", &kantata, kantata_list, false },
	{ "kantata.workspace.create", "POST", "/api/v1/workspaces", &kantata, kantata_create,
	  false },
	{ "kantata.workspace.show", "GET", "/api/v1/workspaces/{id}", &kantata, kantata_show,
	  false },
	{ "kantata.workspace.update", "PUT", "/api/v1/workspaces/{id}", &kantata, kantata_update,
	  false },
	{ "kantata.workspace.delete", "DELETE", "/api/v1/workspaces/{id}", &kantata, kantata_delete,
	  false },
	{ "kantata.workspace.apply_template", "PUT", "/api/v1/workspaces/{id}/apply_template",
	  &kantata, kantata_apply_template, false },
	{ "kantata.workspace.invite", "POST", "/api/v1/workspaces/{id}/invite", &kantata,
	  kantata_invite, false },
	{ "kantata.workspace.permissions", "GET", "/api/v1/workspaces/{id}/permissions", &kantata,
	  kantata_permissions, false },
	{ "kantata.workspace.toggle_expense_approvals", "PUT",
	  "/api/v1/workspaces/{id}/toggle_expense_approvals", &kantata, kantata_toggle_expenses,
	  false },
	{ "kantata.workspace.toggle_time_approvals", "PUT",
	  "/api/v1/workspaces/{id}/toggle_time_approvals", &kantata, kantata_toggle_time, false },
	{ "kantata.workspace.unarchive_with_approvals", "PUT",
	  "/api/v1/workspaces/{id}/unarchive_with_approvals", &kantata, kantata_unarchive, false },
	{ "kantata.workspace_resource.list", "GET", "/api/v1/workspace_resources", &kantata,
	  resources_list, false },
	{ "kantata.workspace_resource.create", "POST", "/api/v1/workspace_resources", &kantata,
	  resources_create, false },
	{ "kantata.workspace_resource.allocate_many", "POST",
	  "/api/v1/workspace_resources/allocations_matching_scheduled_hours", &kantata,
	  resources_allocate_many, false },
	{ "kantata.workspace_resource.show", "GET", "/api/v1/workspace_resources/{id}", &kantata,
	  resources_show, false },
	{ "kantata.workspace_resource.update", "PUT", "/api/v1/workspace_resources/{id}", &kantata,
	  resources_update, false },
	{ "kantata.workspace_resource.delete", "DELETE", "/api/v1/workspace_resources/{id}",
	  &kantata, resources_delete, false },
	{ "kantata.workspace_resource.allocate", "POST",
	  "/api/v1/workspace_resources/{id}/allocations_matching_scheduled_hours", &kantata,
	  resources_allocate, false },
	{ "kantata.workspace_allocation.list", "GET", "/api/v1/workspace_allocations", &kantata,
	  allocations_list, false },
	{ "kantata.subscribed_event.list", "GET", "/api/v1/subscribed_events", &kantata, feed_list,
	  false },
	{ "kantata.subscribed_event.types", "GET", "/api/v1/subscribed_events/event_types",
	  &kantata, feed_types, false },
	{ "kantata.custom_field_set.list", "GET", "/api/v1/custom_field_sets", &kantata,
	  custom_sets, false },
	{ "kantata.custom_field.list", "GET", "/api/v1/custom_fields", &kantata, custom_fields,
	  false },
	{ "kantata.custom_field_choice.list", "GET", "/api/v1/custom_field_choices", &kantata,
	  custom_choices, false },
	{ "kantata.custom_field_value.list", "GET", "/api/v1/custom_field_values", &kantata,
	  custom_values, false },
	{ "hindsite.token", "POST", "/oauth/token", &hindsite, hindsite_token, true },
	{ "hindsite.work_set.start", "POST", "/api/v2/work_sets/{id}/start", &hindsite,
	  hindsite_start, false },
	{ "hindsite.work_set_workflow.create", "POST", "/api/v2/work_set_workflows", &hindsite,
	  forms_task, false },
	{ "hindsite.journey.create", "POST", "/api/v2/journeys", &hindsite, forms_journey, false },
	{ "hindsite.journey_step.decision", "POST", "/api/v2/journey_steps/decision", &hindsite,
	  forms_decision, false },
	{ "hindsite.form_step.decision", "POST", "/api/v2/form_steps/decision", &hindsite,
	  forms_form_decision, false },
	{ "hindsite.asset.list", "GET", "/api/v2/assets", &hindsite, forms_assets, false },
	{ "hindsite.asset.search", "POST", "/api/v2/assets/search", &hindsite, forms_search,
	  false },
	{ "hindsite.asset.show", "GET", "/api/v2/assets/{id}", &hindsite, forms_asset, false },
	{ "hindsite.webhook_delivery.list", "GET", "/api/v2/webhook_deliveries", &hindsite,
	  hooks_list, false },
	{ "hindsite.webhook_delivery.bulk", "POST", "/api/v2/webhook_deliveries/redeliveries",
	  &hindsite, hooks_redeliver_many, false },
	{ "hindsite.webhook_delivery.redeliver", "POST",
	  "/api/v2/webhook_deliveries/{id}/redeliveries", &hindsite, hooks_redeliver, false },
	{ "slack.chat.postMessage", "POST", "/slack/api/chat.postMessage", &slack_api,
	  slack_post_message, false },
	{ "slack.chat.update", "POST", "/slack/api/chat.update", &slack_api, slack_update, false },
	{ "slack.webhook", "POST", "/slack/*", &slack, chat_receive, false },
	{ "teams.workflow", "POST", "/teams/*", &teams, teams_receive, false },
	{ "pagerduty.enqueue", "POST", "/pagerduty/v2/enqueue", &pagerduty, pagerduty_enqueue,
	  false },
	{ "pagerduty.change", "POST", "/pagerduty/v2/change/enqueue", &pagerduty, pagerduty_change,
	  false },
	{ "discord.webhook", "POST", "/discord/api/webhooks/{id}/{id}", &discord, discord_execute,
	  false },
	{ "discord.message", "PATCH", "/discord/api/webhooks/{id}/{id}/messages/{id}", &discord,
	  discord_edit, false },
	{ "google_chat.message", "POST", "/google_chat/v1/spaces/{id}/messages", &google_chat,
	  google_chat_create, false },
	{ "any.token", "POST", "/any/token", &any, any_token, true },
	{ "any.upload", "POST", "/any/upload", &any, any_upload, false },
	{ "any.bearer", "", "/any/bearer/*", &any, any_receive, false },
	{ "any.basic", "", "/any/basic/*", &any, any_receive, false },
	{ "any.key", "", "/any/key/*", &any, any_receive, false },
	{ "any.oauth", "", "/any/oauth/*", &any, any_receive, false },
	{ "any.standard", "", "/any/standard/*", &any, any_receive, false },
	{ "any.hmac", "", "/any/hmac/*", &any, any_receive, false },
	{ "any.echo", "", "/any/echo/*", &any, any_echo, false },
	{ "list", "GET", "/lists/{id}", &lists, lists_read, false },
	{ "blueworks.token", "POST", "/blueworks/oauth/token", &blueworks, blueworks_token, true },
	{ "blueworks.work_detail", "GET", "/blueworks/scr/api/WorkDetail", &blueworks,
	  blueworks_work_detail, false },
	{ "blueworks.work_list", "GET", "/blueworks/scr/api/WorkList", &blueworks,
	  blueworks_work_list, false },
	{ "blueworks.task_list", "GET", "/blueworks/scr/api/TaskList", &blueworks,
	  blueworks_task_list, false },
	{ "blueworks.work_action", "POST", "/blueworks/scr/api/WorkAction", &blueworks,
	  blueworks_work_action, false },
	{ "blueworks.launch_instance", "POST", "/blueworks/scr/api/LaunchInstance", &blueworks,
	  blueworks_launch_instance, false },
	{ "blueworks.work_comment", "POST", "/blueworks/scr/api/WorkComment", &blueworks,
	  blueworks_work_comment, false },
	{ "blueworks.app_list", "GET", "/blueworks/scr/api/AppList", &blueworks, blueworks_app_list,
	  false },
	{ "blueworks.app_detail", "GET", "/blueworks/scr/api/AppDetail", &blueworks,
	  blueworks_app_detail, false },
	{ "blueworks.user_list", "GET", "/blueworks/scr/api/UserList", &blueworks,
	  blueworks_user_list, false },
	{ "blueworks.activities", "GET", "/blueworks/bwl/activities", &blueworks,
	  blueworks_activities, false },
	{ "blueworks.elsewhere", "", "/blueworks-www/*", &blueworks_www, blueworks_elsewhere,
	  true },
	{ "sink", "", "/sink/*", &sink, sink_receive, false },
	{ "page", "GET", "/", &control, control_page, false },
	{ "journal.read", "GET", "/_sandbox/journal", &control, control_journal, false },
	{ "journal.clear", "DELETE", "/_sandbox/journal", &control, control_journal_clear, false },
	{ "reset", "POST", "/_sandbox/reset", &control, control_reset, false },
	{ "state", "GET", "/_sandbox/state", &control, control_state, false },
	{ "switches.read", "GET", "/_sandbox/switches", &control, control_switches, false },
	{ "switches.set", "POST", "/_sandbox/switches", &control, control_switches_set, false },
	{ "faults.read", "GET", "/_sandbox/faults", &control, control_faults, false },
	{ "faults.add", "POST", "/_sandbox/faults", &control, control_faults_add, false },
	{ "faults.clear", "DELETE", "/_sandbox/faults", &control, control_faults_clear, false },
	{ "clock", "POST", "/_sandbox/clock", &control, control_clock, false },
	{ "messages", "GET", "/_sandbox/messages", &control, control_messages, false },
	{ "seed", "POST", "/_sandbox/seed", &control, control_seed, false },
	{ "touch", "POST", "/_sandbox/touch", &control, control_touch, false },
	{ "workspace.merge", "POST", "/_sandbox/workspaces/{id}", &control, control_merge, false },
	{ "workspace.delete", "DELETE", "/_sandbox/workspaces/{id}", &control, control_delete,
	  false },
	{ "workspace.hours", "POST", "/_sandbox/workspaces/{id}/log_hours", &control, control_hours,
	  false },
	{ "workspace.archive", "POST", "/_sandbox/workspaces/{id}/archive", &control,
	  control_archive, false },
	{ "workspace.restore", "POST", "/_sandbox/workspaces/{id}/unarchive", &control,
	  control_unarchive, false },
	{ "resource.merge", "POST", "/_sandbox/workspace_resources/{id}", &control, resources_merge,
	  false },
	{ "resource.delete", "DELETE", "/_sandbox/workspace_resources/{id}", &control,
	  resources_remove, false },
	{ "allocation.make", "POST", "/_sandbox/workspace_allocations", &control, allocations_make,
	  false },
	{ "allocation.merge", "POST", "/_sandbox/workspace_allocations/{id}", &control,
	  allocations_merge, false },
	{ "allocation.delete", "DELETE", "/_sandbox/workspace_allocations/{id}", &control,
	  allocations_remove, false },
	{ "subscribed_event.make", "POST", "/_sandbox/subscribed_events", &control, feed_make,
	  false },
	{ "work_set.merge", "POST", "/_sandbox/work_sets/{id}", &control, control_work_set_merge,
	  false },
	{ "work_set.complete", "POST", "/_sandbox/work_sets/{id}/complete", &control,
	  control_work_set_complete, false },
	{ "work_set.approve", "POST", "/_sandbox/work_sets/{id}/approve", &control,
	  control_work_set_approve, false },
	{ "work_set.burst", "POST", "/_sandbox/work_sets/{id}/burst", &control,
	  control_work_set_burst, false },
	{ "list.set", "POST", "/_sandbox/lists/{id}", &control, lists_set, false },
	{ "list.row.merge", "POST", "/_sandbox/lists/{id}/rows", &control, lists_merge, false },
	{ "list.row.delete", "DELETE", "/_sandbox/lists/{id}/rows/{id}", &control, lists_remove,
	  false },
	{ "report_export", "POST", "/_sandbox/report_exports", &control, control_report_export,
	  false },
	{ "blueworks.many", "POST", "/_sandbox/blueworks", &control, blueworks_control_many,
	  false },
	{ "blueworks.merge", "POST", "/_sandbox/blueworks/{id}", &control, blueworks_control_merge,
	  false },
	{ "blueworks.delete", "DELETE", "/_sandbox/blueworks/{id}", &control,
	  blueworks_control_delete, false },
	{ "blueworks.task", "POST", "/_sandbox/blueworks/{id}/task", &control,
	  blueworks_control_task, false },
	{ "blueworks.attach", "POST", "/_sandbox/blueworks/{id}/attach", &control,
	  blueworks_control_attach, false },
	{ "work_set.progress", "POST", "/_sandbox/work_sets/{id}/progress", &control,
	  control_work_set_progress, false },
};

#define COUNT (sizeof(routes) / sizeof(routes[0]))

/* Compares one segment of a request; Kantata's paths may end in `.json`. */
static bool same(const char *segment, const char *word, size_t n, bool suffix)
{
	return !strncmp(segment, word, n) &&
	       (segment[n] == '\0' || (suffix && !strcmp(segment + n, ".json")));
}

static bool fits(const struct route *route, const struct request *rq, size_t *id)
{
	const char *p = route->pattern + 1;
	size_t i = 0;

	*id = SEGMENTS_MAX;
	for (; *p; i++) {
		size_t n = strcspn(p, "/");
		bool last = p[n] == '\0';

		if (!strncmp(p, "*", n))
			return i < rq->n_segments;
		if (i == rq->n_segments)
			return false;
		if (*p == '{')
			*id = i;
		else if (!same(rq->segments[i], p, n, last && route->vendor == &kantata))
			return false;
		p += last ? n : n + 1;
	}
	return i == rq->n_segments;
}

/* Takes `.json` off an id; the segment stands in the request's own buffer. */
static void strip_suffix(struct request *rq, size_t at)
{
	char *segment = rq->split + (rq->segments[at] - rq->split);
	size_t n = strlen(segment);

	if (n > 5 && !strcmp(segment + n - 5, ".json"))
		segment[n - 5] = '\0';
}

const struct route *routes_find(struct request *rq, bool *other_method)
{
	size_t id;

	assert(rq && rq->path && other_method);
	*other_method = false;
	for (size_t i = 0; i < COUNT; i++) {
		if (!fits(&routes[i], rq, &id))
			continue;
		if (*routes[i].method && strcmp(routes[i].method, rq->method) != 0) {
			*other_method = true;
			continue;
		}
		if (id < SEGMENTS_MAX) {
			if (routes[i].vendor == &kantata)
				strip_suffix(rq, id);
			rq->id = rq->segments[id];
		}
		return &routes[i];
	}
	return NULL;
}

/* Systems whose paths begin with their name. */
static const struct vendor *const by_name[] = { &slack,       &teams,        &pagerduty, &discord,
						&google_chat, &any,          &sink,      &lists,
						&blueworks,   &blueworks_www };

const struct vendor *routes_vendor(const struct request *rq)
{
	const char *first = rq->n_segments > 0 ? rq->segments[0] : "";
	const char *second = rq->n_segments > 1 ? rq->segments[1] : "";

	if (!strcmp(first, "api"))
		return !strcmp(second, "v1") ? &kantata : &hindsite;
	if (!strcmp(first, "oauth"))
		return &hindsite;
	for (size_t i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		if (!strcmp(first, by_name[i]->name))
			return by_name[i];
	return &control;
}

void routes_write_names(struct text *out)
{
	bool first = true;

	text_char(out, '[');
	for (size_t i = 0; i < COUNT; i++) {
		if (!routes[i].vendor->observed)
			continue;
		text_add(out, first ? "" : ",");
		text_quote(out, routes[i].name);
		first = false;
	}
	text_add(out, ",\"" HOOK_ROUTE "\"]");
}
