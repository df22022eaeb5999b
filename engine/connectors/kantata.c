/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata - Kantata OX (formerly Mavenlink): projects, called workspaces in its API,
 * and their resources.
 *
 * It sends no webhooks, so both are polled: what changed since the last
 * look, and now and then all of them (a deletion shows up only as an absence). Its feed of
 * changes, which administrators may read, says sooner what to look at.
 *
 * I1  Archived workspaces and unnamed resources are always asked for; without
 *     that a project that is archived would look deleted.
 * I2  A reply is observed as far as it goes (absent_is_unknown): fields that were
 *     not asked for, or that the token may not see, keep their last known value.
 *
 * Source: developer.kantata.com, sections Response Format, Errors, Workspaces,
 * Workspace Resources. */
#include "engine/connectors/kantata_parts.h"

static const char *const ignored[] = { "updated_at", NULL };

static const struct edge edges[] = {
	{ .field = "archived", .to = true, .event = "archived" },
	{ .field = "archived", .to = false, .event = "unarchived" },
	{ .field = NULL },
};

const struct object_kind kantata_workspace = {
	.name = "kantata.workspace",
	.id = "id",
	.fields = kantata_workspace_fields,
	.ignored = ignored,
	.absent_is_unknown = true, /* fields without permission are left out */
	.created = true,
	.updated = true,
	.deleted = true,
	.edges = edges,
};

static const struct edge no_edges[] = { { .field = NULL } };

const struct object_kind kantata_workspace_resource = {
	.name = "kantata.workspace_resource",
	.id = "id",
	.fields = kantata_resource_fields,
	.ignored = ignored,
	.absent_is_unknown = true,
	.created = true,
	.updated = true,
	.deleted = true,
	.edges = no_edges,
};

#define EXAMPLE_OPEN     EXAMPLE_WITH("false")
#define EXAMPLE_ARCHIVED EXAMPLE_WITH("true")
#define EXAMPLE_WITH(archived)                                                                     \
	"{\"id\":\"7\",\"title\":\"Acme rollout\",\"archived\":" archived                          \
	",\"stage\":\"project\",\"over_budget\":true,\"percent_of_budget_used\":101.5,"            \
	"\"price_in_cents\":5000000,\"budget_used_in_cents\":5075000,\"due_date\":\"2026-12-18\"," \
	"\"status\":{\"color\":\"green\",\"key\":\"305\",\"message\":\"In Progress\"},"            \
	"\"created_at\":\"2026-03-02T09:00:00-07:00\",\"updated_at\":"                             \
	"\"2026-11-22T00:50:25-07:00\"}"

#define EXAMPLE_RESOURCE                                                                           \
	"{\"id\":\"31\",\"display_label\":\"Kim Lee\",\"full_name\":\"Kim "                        \
	"Lee\",\"label\":\"Engineer\","                                                            \
	"\"role_name\":\"Engineer\",\"role_initials\":\"E\",\"workspace_id\":7,"                   \
	"\"workspace_title\":\"Acme rollout\",\"created_at\":\"2026-03-02T09:00:00-07:00\","       \
	"\"updated_at\":\"2026-11-22T00:50:25-07:00\"}"

#define EXAMPLE_NEWS                                                                               \
	"{\"id\":\"88001\",\"account_id\":\"1\",\"event_type\":\"time_entry:updated\","            \
	"\"subject_type\":\"TimeEntry\",\"subject_id\":\"5150\",\"user_id\":\"9003\","             \
	"\"created_at\":\"2026-11-22T00:52:10-07:00\","                                            \
	"\"subject_changed_at\":\"2026-11-22T00:50:25-07:00\","                                    \
	"\"payload_changes\":{\"time_in_minutes\":[30,90]},"                                       \
	"\"previous_payload\":{\"time_in_minutes\":30},"                                           \
	"\"current_payload\":{\"time_in_minutes\":90}}"

static const struct event_type events[] = {
	{ "kantata.workspace.created", "A project that was not there before.", &kantata_workspace,
	  EXAMPLE_OPEN },
	{ "kantata.workspace.updated", "A project changed; archiving alone is told apart.",
	  &kantata_workspace, EXAMPLE_OPEN },
	{ "kantata.workspace.archived", "A project was archived.", &kantata_workspace,
	  EXAMPLE_ARCHIVED },
	{ "kantata.workspace.unarchived", "An archived project was brought back.",
	  &kantata_workspace, EXAMPLE_OPEN },
	{ "kantata.workspace.deleted",
	  "A project is gone, as the feed or a full sweep told; data is null, before its last "
	  "known state.",
	  &kantata_workspace, "null" },
	{ "kantata.workspace_resource.created",
	  "A resource of a project that was not there before.", &kantata_workspace_resource,
	  EXAMPLE_RESOURCE },
	{ "kantata.workspace_resource.updated", "A resource of a project changed.",
	  &kantata_workspace_resource, EXAMPLE_RESOURCE },
	{ "kantata.workspace_resource.deleted",
	  "A resource is gone, as the feed or a full sweep told; data is null, before its last "
	  "known state.",
	  &kantata_workspace_resource, "null" },
	{ "kantata.feed.*.*",
	  "The feed told of something that is not polled, or that came and went unseen: subject "
	  "and "
	  "verb as in its event_type, kantata.feed.time_entry.updated.",
	  &kantata_news, EXAMPLE_NEWS },
	{ .name = NULL },
};

const struct kantata_kind kantata_workspaces = {
	.plural = "workspaces",
	.one = "workspace",
	.noun = "workspace",
	.shown = "include_archived=true",
	.includes = kantata_workspace_includes,
	.object = &kantata_workspace,
	.bulk = 100,
};

const struct kantata_kind kantata_resources = {
	.plural = "workspace_resources",
	.one = "workspace_resource",
	.noun = "resource",
	.shown = "include_unnamed=true",
	.includes = kantata_resource_includes,
	.object = &kantata_workspace_resource,
	.bulk = 200,
};

/* ---- polls ---- */

static enum fate ask_workspaces(struct call *call, const struct page_ask *ask, struct request *out)
{
	return kantata_ask(call, &kantata_workspaces, ask, out);
}

static enum fate read_workspaces(struct call *call, const struct page_ask *ask,
				 const struct reply *reply,
				 bool (*visit)(void *of, struct text id, struct text json),
				 void *of, struct page *out)
{
	return kantata_read_page(call, &kantata_workspaces, ask, reply, visit, of, out);
}

static enum fate ask_resources(struct call *call, const struct page_ask *ask, struct request *out)
{
	return kantata_ask(call, &kantata_resources, ask, out);
}

static enum fate read_resources(struct call *call, const struct page_ask *ask,
				const struct reply *reply,
				bool (*visit)(void *of, struct text id, struct text json), void *of,
				struct page *out)
{
	return kantata_read_page(call, &kantata_resources, ask, reply, visit, of, out);
}

/* updated_at is set before its transaction ends, and a request may run for three minutes
 * (documented): a change can appear that much after its time. Two more for replicas that
 * lag. Rows seen again unchanged cost a hash. */
#define OVERLAP (5 * 60 * 1000)

/* The feed is said to be a few minutes late, and sometimes more. What comes later than this is
 * found by a full cycle. */
#define KANTATA_FEED_OVERLAP (20 * 60 * 1000)

static const struct resource resources[] = {
	{ .name = "workspaces",
	  .doc =
	      "Projects: what changed every minute, and all of them every six hours, which is how "
	      "deletions show up.",
	  .kind = &kantata_workspace,
	  .every = 60 * 1000,
	  .full = INT64_C(6) * 3600 * 1000,
	  .overlap = OVERLAP,
	  .page_size = KANTATA_PAGE,
	  .subject = "workspace",
	  .ask = ask_workspaces,
	  .read = read_workspaces },
	{ .name = "workspace_resources",
	  .doc =
	      "Resources of projects, unnamed ones too: what changed every five minutes, and all "
	      "of them every six hours, which is how deletions show up.",
	  .kind = &kantata_workspace_resource,
	  .every = INT64_C(5) * 60 * 1000,
	  .full = INT64_C(6) * 3600 * 1000,
	  .overlap = OVERLAP,
	  .page_size = KANTATA_PAGE,
	  .subject = "workspace_resource",
	  .ask = ask_resources,
	  .read = read_resources },
	{ .name = "subscribed_events",
	  .doc =
	      "The feed of changes, which takes an administrator's token: what it tells of polled "
	      "objects has them read again at once, the rest are events of their own.",
	  .kind = &kantata_news,
	  .every = 60 * 1000,
	  .full = INT64_C(6) * 3600 * 1000,
	  .overlap = KANTATA_FEED_OVERLAP,
	  .page_size = KANTATA_PAGE,
	  .feed = &kantata_feed,
	  .ask = kantata_ask_feed,
	  .read = kantata_read_feed },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "base_url",
	  .type = PARAM_TEXT,
	  .doc = "Where the API is, https://api.mavenlink.com/api/v1 unless said otherwise." },
	{ .name = "token",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "OAuth 2 bearer token; it doesn't expire.",
	  .secret = true },
	{ .name = NULL },
};

const struct connector connector_kantata = {
	.name = "kantata",
	.title = "Kantata OX",
	.doc = "Projects of Kantata OX (formerly Mavenlink) and their resources.",
	.settings = settings,
	.auth = AUTH_BEARER,
	.auth_setting = "token",
	.base_url = "https://api.mavenlink.com/api/v1",
	.events = events,
	.actions = kantata_actions,
	.resources = resources,
	/* No rate: the vendor publishes no numbers, a connection may set its own. */
	.error_words = kantata_error_words,
};
