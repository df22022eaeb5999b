/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_more - the calls on one project beside show, update and delete. Status codes and bodies
 * are those of the published reference at https://developer.kantata.com/; the paths are the real
 * ones, which don't follow from the calls' names.
 */
#include "tests/sandbox/kantata.h"
#include "tests/sandbox/feed.h"
#include "tests/sandbox/query.h"

#include <stdlib.h>
#include <string.h>

static struct workspace *project(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = kantata_find(sb, rq->id);

	if (!ws)
		kantata.refuse(re, 404, NULL);
	return ws;
}

static void envelope(struct sandbox *sb, const struct request *rq, struct workspace *ws,
		     struct reply *re)
{
	struct view view = query_view(sb, &rq->query);

	world_touch(sb->world, ws, sandbox_now(sb));
	feed_workspace(sb, ws, "updated");
	query_envelope(&ws, 1, &view, reply_json(re, 200));
}

/* What the body has under a name; NULL with the refusal filled in. The caller frees *body. */
static json_t *inner(const struct request *rq, const char *name, json_t **body, struct reply *re)
{
	char why[160] = "";

	*body = request_object(rq, why);
	if (!*body)
		kantata.refuse(re, 400, why);
	return *body ? kantata_wrapped(*body, name, re) : NULL;
}

/* The template itself is only noted; with edit_stories=true its tasks are in the reply instead. */
void kantata_apply_template(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = project(sb, rq, re);
	const char *edit = args_get(&rq->query, "edit_stories");
	json_t *body = NULL;
	json_t *given = ws ? inner(rq, "workspace", &body, re) : NULL;

	if (given && !json_object_get(given, "project_tracker_template_id")) {
		kantata_invalid(re, "project_tracker_template_id", "can't be blank");
	} else if (given) {
		envelope(sb, rq, ws, re);
		if (edit && !strcmp(edit, "true")) {
			re->body.data[--re->body.len] = '\0';
			text_add(&re->body,
				 ",\"template_stories_json\":[{\"title\":\"Kick-off\"}]}");
		}
	}
	json_decref(body);
}

static bool invitable(const json_t *given, const char **field)
{
	static const char *const needed[] = { "full_name", "email_address", "invitee_role" };
	const char *role = json_string_value(json_object_get(given, "invitee_role"));

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const char *s = json_string_value(json_object_get(given, needed[i]));

		*field = needed[i];
		if (!s || !*s)
			return false;
	}
	return !strcmp(role, "maven") || !strcmp(role, "buyer");
}

void kantata_invite(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = project(sb, rq, re);
	json_t *body = NULL;
	json_t *given = ws ? inner(rq, "invitation", &body, re) : NULL;
	const char *field = "base";

	if (given && !invitable(given, &field)) {
		kantata_invalid(re, field, "is invalid");
	} else if (given) {
		struct text *out = reply_json(re, 200);

		text_add(
		    out,
		    "{\"count\":1,\"results\":[{\"key\":\"workspace_invitations\",\"id\":\"1\"}],"
		    "\"workspace_invitations\":{\"1\":{\"id\":\"1\",\"full_name\":");
		text_quote(out, json_string_value(json_object_get(given, "full_name")));
		text_key(out, "email_address");
		text_quote(out, json_string_value(json_object_get(given, "email_address")));
		text_key(out, "invitee_role");
		text_quote(out, json_string_value(json_object_get(given, "invitee_role")));
		text_fmt(out, ",\"workspace_id\":\"%lld\"}}}", (long long)ws->id);
	}
	json_decref(body);
}

void kantata_permissions(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	static const char *const names[] = {
		"can_change_budgetability",  "can_change_currency",
		"can_change_time_approvals", "can_change_expense_approvals",
		"can_edit_change_orders",    "can_edit_project_settings",
		"can_edit_team_names",       "can_manage_invoice_preferences",
		"can_manage_finance",        "can_view_insights_dynamic_dashboards"
	};
	struct text *out;

	if (!project(sb, rq, re))
		return;
	out = reply_json(re, 200);
	text_char(out, '{');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		text_key(out, names[i]);
		text_add(out, i == 8 && !sb->switches.financials ? "false" : "true");
	}
	text_char(out, '}');
}

static void toggle(struct sandbox *sb, const struct request *rq, struct reply *re, const char *name)
{
	struct workspace *ws = project(sb, rq, re);
	json_t *body = NULL;
	json_t *given = ws ? inner(rq, "workspace", &body, re) : NULL;
	const json_t *enable = json_object_get(given, "enable");
	char why[WHY_MAX];

	if (given && !json_is_boolean(enable)) {
		kantata_invalid(re, "enable", "is invalid");
	} else if (given) {
		(void)fields_set(ws, name, enable, why);
		envelope(sb, rq, ws, re);
	}
	json_decref(body);
}

void kantata_toggle_expenses(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	toggle(sb, rq, re, "require_expense_approvals");
}

void kantata_toggle_time(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	toggle(sb, rq, re, "require_time_approvals");
}

void kantata_unarchive(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = project(sb, rq, re);

	if (!ws)
		return;
	ws->archived = false;
	envelope(sb, rq, ws, re);
}
