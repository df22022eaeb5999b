/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata - Kantata OX (formerly Mavenlink): projects, called workspaces in its API.
 *
 * It sends no webhooks, so workspaces are polled: what changed since the last
 * look, and now and then all of them (a deletion shows up only as an absence).
 *
 * I1  Archived workspaces are always asked for; without that a project that is
 *     archived would look deleted.
 * I2  A reply is observed as far as it goes (absent_is_unknown): fields that were
 *     not asked for, or that the token may not see, keep their last known value.
 *
 * Source: developer.kantata.com, sections Response Format, Errors, Workspaces.
 * Never: deletes or creates anything. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

static const char *const ignored[] = { "updated_at", NULL };

static const struct edge edges[] = {
	{ .field = "archived", .to = true, .event = "archived" },
	{ .field = "archived", .to = false, .event = "unarchived" },
	{ .field = NULL },
};

static const struct object_kind workspace = {
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

#define EXAMPLE_OPEN     EXAMPLE_WITH("false")
#define EXAMPLE_ARCHIVED EXAMPLE_WITH("true")
#define EXAMPLE_WITH(archived)                                                                     \
	"{\"id\":\"7\",\"title\":\"Acme rollout\",\"archived\":" archived                          \
	",\"stage\":\"project\",\"over_budget\":true,\"percent_of_budget_used\":101.5,"            \
	"\"price_in_cents\":5000000,\"budget_used_in_cents\":5075000,\"due_date\":\"2026-12-18\"," \
	"\"status\":{\"color\":\"green\",\"key\":\"305\",\"message\":\"In Progress\"},"            \
	"\"created_at\":\"2026-03-02T09:00:00-07:00\",\"updated_at\":"                             \
	"\"2026-11-22T00:50:25-07:00\"}"

static const struct event_type events[] = {
	{ "kantata.workspace.created", "A project that was not there before.", &workspace,
	  EXAMPLE_OPEN },
	{ "kantata.workspace.updated", "A project changed; archiving alone is told apart.",
	  &workspace, EXAMPLE_OPEN },
	{ "kantata.workspace.archived", "A project was archived.", &workspace, EXAMPLE_ARCHIVED },
	{ "kantata.workspace.unarchived", "An archived project was brought back.", &workspace,
	  EXAMPLE_OPEN },
	{ "kantata.workspace.deleted",
	  "A project is gone, as a full sweep noticed; data is null, before its last known state.",
	  &workspace, "null" },
	{ .name = NULL },
};

/* ---- actions ---- */

/* Reply of show and update: an envelope of one. */
static enum fate read_workspace(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value doc, results;
	const struct value *object;
	struct text id;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = reply_json(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	if (kantata_is_failure(doc)) {
		struct text words = kantata_words(call->arena, doc);

		return call_fail(call, FATE_REJECT, "Kantata says: %.*s", TEXT_ARG(words));
	}
	results = param_value(doc, "results");
	if (!value_is(results, VALUE_LIST) || results.n == 0 ||
	    !kantata_result_id(call->arena, results.items[0], &id))
		return call_fail(call, FATE_RETRY, "the reply names no workspace in results");
	object = kantata_object(doc, id);
	if (object == NULL)
		return call_fail(call, FATE_RETRY, "the reply lacks workspace %.*s", TEXT_ARG(id));
	*out = (struct reading){ .kind = &workspace };
	out->object = kantata_inlined(call->arena, doc, *object);
	out->result = out->object;
	if (arena_failed(call->arena))
		return call_fail(call, FATE_RETRY, "the reply takes too much memory");
	return FATE_OK;
}

static const struct param show_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	{ .name = "include",
	  .type = PARAM_LIST,
	  .doc = "Names of associations to put into the result: [creator, participants]." },
	{ .name = "optional_fields",
	  .type = PARAM_LIST,
	  .doc = "Names of optional fields to add: [stage, provider_lead_name]." },
	{ .name = NULL },
};

/* Names as the API has them; a comma in one would make it two. */
static bool is_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (!((t.s[i] >= 'a' && t.s[i] <= 'z') || t.s[i] == '_'))
			return false;
	return t.n > 0 && t.n <= 64;
}

enum fate kantata_put_names(struct call *call, struct buf *url, const char *name, struct value list)
{
	for (uint32_t i = 0; i < list.n && value_is(list, VALUE_LIST); i++) {
		struct text word = value_as_text(list.items[i]);

		if (!value_is(list.items[i], VALUE_TEXT) || !is_name(word))
			return call_fail(call, FATE_REJECT, "%s: item %u is no name", name, i + 1);
		if (i == 0)
			buf_printf(url, "&%s=", name);
		else
			buf_char(url, ',');
		buf_text(url, word);
	}
	return FATE_OK;
}

static enum fate build_show(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, show_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_str(&url, "/workspaces/");
	fate = url_segment(call, &url, param_text(params, "id"));
	buf_str(&url, "?include_archived=true");
	if (fate == FATE_OK)
		fate = kantata_put_names(call, &url, "include", param_value(params, "include"));
	if (fate == FATE_OK)
		fate = kantata_put_names(call, &url, "optional_fields",
					 param_value(params, "optional_fields"));
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

static const struct param update_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	{ .name = "workspace",
	  .type = PARAM_MAP,
	  .required = true,
	  .doc = "The fields to set; others stay as they are.",
	  .members = kantata_workspace_members },
	{ .name = NULL },
};

static enum fate build_update(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value_map_builder body;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "PUT" };
	fate = params_fit(call, update_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_str(&url, "/workspaces/");
	fate = url_segment(call, &url, param_text(params, "id"));
	if (fate == FATE_OK)
		fate = request_url(call, out, &url);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&body, call->arena);
	value_map_set(&body, "workspace", param_value(params, "workspace"));
	return request_json(call, out, value_map_end(&body));
}

static const struct action actions[] = {
	{ .name = "workspace.list",
	  .doc = "Reads the projects that fit the filters, at most 200 of them.",
	  .params = kantata_list_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ due_date_before: \"2026-11-22\", order: due_date:asc }",
	  .result = "{items, count}: the projects; more than 200 fail the step.",
	  .build = kantata_build_list,
	  .read = kantata_read_list },
	{ .name = "workspace.show",
	  .doc = "Reads a project, archived ones too.",
	  .params = show_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ id: \"7\", include: [creator, participants], optional_fields: [stage] }",
	  .result = "The project, with what was included under its association's name.",
	  .build = build_show,
	  .read = read_workspace },
	{ .name = "workspace.update",
	  .doc = "Changes fields of a project.",
	  .params = update_params,
	  .after_doubt = DOUBT_REPEAT, /* a PUT of the same fields */
	  .example = "{ id: \"7\", workspace: { status_key: 305, due_date: \"2026-12-18\" } }",
	  .result = "The project after the change.",
	  .build = build_update,
	  .read = read_workspace },
	{ .name = NULL },
};

static const struct resource resources[] = {
	{ .name = "workspaces",
	  .doc =
	      "Projects: what changed every minute, and all of them every six hours, which is how "
	      "deletions show up.",
	  .kind = &workspace,
	  .every = 60 * 1000,
	  .full = INT64_C(6) * 3600 * 1000,
	  /* updated_at is set before its transaction ends, and a request may run for three minutes
	   * (documented): a change can appear that much after its time. Two more for replicas that
	   * lag. Rows seen again unchanged cost a hash. */
	  .overlap = 5 * 60 * 1000,
	  .page_size = KANTATA_PAGE,
	  .ask = kantata_ask,
	  .read = kantata_read_page },
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
	.doc = "Projects of Kantata OX (formerly Mavenlink), polled and updated.",
	.settings = settings,
	.auth = AUTH_BEARER,
	.auth_setting = "token",
	.base_url = "https://api.mavenlink.com/api/v1",
	.events = events,
	.actions = actions,
	.resources = resources,
	/* No rate: the vendor publishes no numbers, a connection may set its own. */
	.error_words = kantata_error_words,
};
