/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_actions - what rules may do in Blueworks Live.
 *
 * I1  Launching and commenting have no way to recognise a repeat: after a doubt a
 *     person decides. work.action is looked up (blueworks_work.c).
 *
 * Source: www.ibm.com/docs/en/blueworks-live, Blueworks Live API: WorkDetail,
 * WorkComment, LaunchInstance, AppList, AppDetail, UserList, account activity. */
#include "engine/connectors/blueworks_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

#define COMMENT_MAX 200 /* characters, says WorkComment */

#define BEHALF_PARAM                                                                               \
	{                                                                                          \
		.name = "on_behalf_of", .type = PARAM_TEXT, .slot = SLOT_HEADER,                   \
		.doc = "Username who does it; the connection's first unless given."                \
	}

/* ---- shared ---- */

void blueworks_behalf_of(const struct call *call, struct value params, struct request *out)
{
	struct text user = param_text(params, "on_behalf_of");

	assert(call != NULL && out != NULL);
	if (user.n == 0)
		(void)blueworks_user(call, 0, &user);
	blueworks_behalf(out, user);
}

enum fate blueworks_ask_detail(struct call *call, struct value params, struct text id,
			       struct request *out)
{
	struct value_map_builder query;

	assert(call != NULL && out != NULL);
	out->method = "GET";
	value_map_begin(&query, call->arena);
	value_map_set(&query, "workId", value_text(id));
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, "/scr/api/WorkDetail", value_map_end(&query));
}

/* Which parameters go into the query, and as what. */
struct naming {
	const char *param, *as; /* NULL ends a table */
};

static enum fate build(struct call *call, struct value given, const struct param *table,
		       const struct naming *names, const char *path, struct request *out)
{
	struct value_map_builder query;
	struct value params;
	enum fate fate = params_fit(call, table, given, &params);

	if (fate != FATE_OK)
		return fate;
	value_map_begin(&query, call->arena);
	for (size_t i = 0; names[i].param != NULL; i++)
		value_map_set(&query, names[i].as, param_value(params, names[i].param));
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, path, value_map_end(&query));
}

/* JSON, or nothing: what these answer isn't on the public pages. */
static enum fate read_any(struct call *call, const struct reply *reply, struct reading *out)
{
	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null(), .object = value_null() };
	return text_trim(reply->body).n == 0 ? FATE_OK : reply_json(call, reply, &out->result);
}

/* ---- work.detail ---- */

static const struct param detail_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the work." },
	BEHALF_PARAM,
	{ .name = NULL },
};

static enum fate build_detail(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, detail_params, given, &params);
	return fate == FATE_OK ? blueworks_ask_detail(call, params, param_text(params, "id"), out)
			       : fate;
}

/* Not observed: only a poll knows since when somebody's work is watched. */
static enum fate read_work(struct call *call, const struct reply *reply, struct reading *out)
{
	struct blueworks_detail detail;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = blueworks_read_detail(call, reply, &detail);
	if (fate != FATE_OK)
		return fate;
	*out = (struct reading){ .result = blueworks_work_object(call, &detail),
				 .object = value_null() };
	return FATE_OK;
}

/* ---- launch_instance ---- */

static const struct param launch_params[] = {
	{ .name = "app_id", .type = PARAM_ID, .required = true, .doc = "Id of the application." },
	{ .name = "subject",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Subject of the new work." },
	{ .name = "attachments",
	  .type = PARAM_LIST,
	  .doc = "Ids of files to attach, of the application or uploaded before." },
	{ .name = "tasks",
	  .type = PARAM_LIST,
	  .doc = "Its tasks as LaunchInstance describes them, a map each." },
	{ .name = "fields",
	  .type = PARAM_MAP,
	  .doc = "Further members of the app, sent as they are; they go before ours." },
	BEHALF_PARAM,
	{ .name = NULL },
};

static enum fate attachments_of(struct call *call, struct value ids, struct value *out)
{
	struct value_list_builder list;

	value_list_begin(&list, call->arena);
	for (uint32_t i = 0; value_is(ids, VALUE_LIST) && i < ids.n; i++) {
		struct value_map_builder one;
		struct text id;

		if (!value_id(call->arena, ids.items[i], &id))
			return call_fail(call, FATE_REJECT, "attachments: item %u is no id", i + 1);
		value_map_begin(&one, call->arena);
		value_map_set(&one, "id", value_text(id));
		value_list_add(&list, value_map_end(&one));
	}
	*out = value_list_end(&list);
	return FATE_OK;
}

static struct value instance_of(struct call *call, struct value params, struct value attachments)
{
	struct value fields = param_value(params, "fields");
	const struct value *tasks = value_get(params, TEXT("tasks"));
	struct value_map_builder app, whole;

	value_map_begin(&app, call->arena);
	value_map_set(&app, "id", param_value(params, "app_id"));
	value_map_set(&app, "subject", param_value(params, "subject"));
	value_map_set(&app, "attachments", attachments);
	if (tasks != NULL)
		value_map_set(&app, "tasks", *tasks);
	for (uint32_t i = 0; value_is(fields, VALUE_MAP) && i < fields.n; i++)
		value_map_add(&app, fields.pairs[i].key, fields.pairs[i].val);
	value_map_begin(&whole, call->arena);
	value_map_set(&whole, "app", value_map_end(&app));
	return value_map_end(&whole);
}

static enum fate build_launch(struct call *call, struct value given, struct request *out)
{
	struct value_map_builder query;
	struct value params, attachments;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, launch_params, given, &params);
	if (fate == FATE_OK)
		fate = attachments_of(call, param_value(params, "attachments"), &attachments);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&query, call->arena);
	value_map_set(&query, "instance", instance_of(call, params, attachments));
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, "/scr/api/LaunchInstance", value_map_end(&query));
}

/* ---- comment, comment.remove ---- */

static const struct param comment_params[] = {
	{ .name = "work_id", .type = PARAM_ID, .required = true, .doc = "Id of the work." },
	{ .name = "text",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "What it says; what is beyond 200 characters is cut." },
	{ .name = "parent_comment_id",
	  .type = PARAM_ID,
	  .doc = "Id of the comment it answers, which must not be an answer itself." },
	BEHALF_PARAM,
	{ .name = NULL },
};

/* At most COMMENT_MAX characters, the last of them an ellipsis where some had to go. */
static struct text shortened(struct call *call, struct text t)
{
	size_t keep = 0, at = 0, count = 0;
	uint32_t code;

	for (size_t n; at < t.n && (n = text_char(t, at, &code)) > 0; at += n)
		if (++count == COMMENT_MAX)
			keep = at;
	return count <= COMMENT_MAX ? t
				    : text_printf(call->arena, "%.*s\xe2\x80\xa6", (int)keep, t.s);
}

static enum fate build_comment(struct call *call, struct value given, struct request *out)
{
	struct value_map_builder query;
	struct value params;
	struct text text;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, comment_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	text = shortened(call, text_trim(param_text(params, "text")));
	if (text.n == 0)
		return call_fail(call, FATE_REJECT, "text is empty");
	value_map_begin(&query, call->arena);
	value_map_set(&query, "action", value_text(TEXT("add")));
	value_map_set(&query, "workId", param_value(params, "work_id"));
	value_map_set(&query, "comment", value_text(text));
	value_map_set(&query, "parentCommentId", param_value(params, "parent_comment_id"));
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, "/scr/api/WorkComment", value_map_end(&query));
}

static const struct param comment_remove_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the comment." },
	BEHALF_PARAM,
	{ .name = NULL },
};

static enum fate build_comment_remove(struct call *call, struct value given, struct request *out)
{
	struct value_map_builder query;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, comment_remove_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&query, call->arena);
	value_map_set(&query, "action", value_text(TEXT("remove")));
	value_map_set(&query, "commentId", param_value(params, "id"));
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, "/scr/api/WorkComment", value_map_end(&query));
}

/* ---- app.list, app.detail, user.list, activity.list ---- */

static const struct param user_params[] = {
	BEHALF_PARAM,
	{ .name = NULL },
};

static const struct param app_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the application." },
	BEHALF_PARAM,
	{ .name = NULL },
};

static const struct naming no_names[] = { { NULL, NULL } };
static const struct naming app_names[] = { { "id", "appId" }, { NULL, NULL } };

/* These need a parameter or none at all; a map in any case. */
static enum fate build_simple(struct call *call, struct value given, const struct param *table,
			      const struct naming *names, const char *path, struct request *out)
{
	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "GET" };
	return build(call, given, table, names, path, out);
}

static enum fate build_apps(struct call *call, struct value given, struct request *out)
{
	return build_simple(call, given, user_params, no_names, "/scr/api/AppList", out);
}

static enum fate build_app(struct call *call, struct value given, struct request *out)
{
	return build_simple(call, given, app_params, app_names, "/scr/api/AppDetail", out);
}

static enum fate build_users(struct call *call, struct value given, struct request *out)
{
	return build_simple(call, given, user_params, no_names, "/scr/api/UserList", out);
}

static enum fate read_items(struct call *call, const struct reply *reply, const char *name,
			    struct reading *out)
{
	struct value_map_builder result;
	struct value doc, items;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = blueworks_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	items = param_value(doc, name);
	if (!value_is(items, VALUE_LIST))
		return call_fail(call, FATE_RETRY, "the reply has no %s", name);
	value_map_begin(&result, call->arena);
	value_map_set(&result, "items", items);
	value_map_set(&result, "count", value_int(items.n));
	*out = (struct reading){ .result = value_map_end(&result), .object = value_null() };
	return FATE_OK;
}

static enum fate read_apps(struct call *call, const struct reply *reply, struct reading *out)
{
	return read_items(call, reply, "apps", out);
}

static enum fate read_users(struct call *call, const struct reply *reply, struct reading *out)
{
	return read_items(call, reply, "users", out);
}

static enum fate read_app(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value doc;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = blueworks_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	*out = (struct reading){ .result = param_value(doc, "app"), .object = value_null() };
	if (!value_is(out->result, VALUE_MAP))
		return call_fail(call, FATE_RETRY, "the reply has no app");
	return FATE_OK;
}

static const struct param activity_params[] = {
	{ .name = "start_date",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "From when on, ISO 8601 with an offset." },
	{ .name = "end_date",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Until when, ISO 8601 with an offset." },
	{ .name = "query",
	  .type = PARAM_MAP,
	  .doc = "Further parameters: activity types, users, spaces, artifacts." },
	BEHALF_PARAM,
	{ .name = NULL },
};

static enum fate build_activities(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value_map_builder query;
	struct value params, more;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, activity_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	more = param_value(params, "query");
	value_map_begin(&query, call->arena);
	value_map_set(&query, "start_date", param_value(params, "start_date"));
	value_map_set(&query, "end_date", param_value(params, "end_date"));
	for (uint32_t i = 0; value_is(more, VALUE_MAP) && i < more.n; i++)
		value_map_add(&query, more.pairs[i].key, more.pairs[i].val);
	request_header(out, "X-IBM-API-Version", TEXT("1.0.0"));
	blueworks_behalf_of(call, params, out);
	buf_str(&url, "/bwl/activities");
	fate = url_pairs(call, &url, '?', value_map_end(&query));
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

/* ---- request ---- */

static const char *const methods[] = { "GET", "POST", NULL };

static const struct param request_params[] = {
	{ .name = "path",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_URL,
	  .doc = "Path beneath the connection's base_url, without a query: /scr/api/..." },
	{ .name = "method",
	  .type = PARAM_CHOICE,
	  .doc = "Method, GET unless given.",
	  .choices = methods },
	{ .name = "query",
	  .type = PARAM_MAP,
	  .doc = "Its parameters; a map or list is sent as JSON text, version is added." },
	BEHALF_PARAM,
	{ .name = NULL },
};

static enum fate build_request(struct call *call, struct value given, struct request *out)
{
	struct value params;
	struct text path;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, request_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	path = param_text(params, "path");
	if (text_is(param_text(params, "method"), "POST"))
		out->method = "POST";
	if (!url_is_clean(path) || path.s[0] != '/' || url_has_dots(path) ||
	    text_find(path, TEXT("?")) != SIZE_MAX || text_find(path, TEXT("#")) != SIZE_MAX)
		return call_fail(call, FATE_REJECT,
				 "path must begin with / and have no . or .. and no query");
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, text_dup(call->arena, path).s,
			     param_value(params, "query"));
}

/* ---- the table ---- */

const struct action blueworks_actions[] = {
	{ .name = "work.detail",
	  .reads = READS,
	  .doc = "Reads a piece of work with its tasks, comments and attachments.",
	  .params = detail_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ id: \"5f501e134c6bf\" }",
	  .result = "The work, with its app and people put in.",
	  .build = build_detail,
	  .read = read_work },
	{ .name = "work.list",
	  .reads = READS,
	  .doc = "Reads the open or closed work that a user started.",
	  .params = blueworks_work_list_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ type: open }",
	  .result = "{items, count}: the work, in short.",
	  .build = blueworks_build_work_list,
	  .read = blueworks_read_work_list },
	{ .name = "task.list",
	  .reads = READS,
	  .doc = "Reads the tasks that are assigned to a user, or that they completed.",
	  .params = blueworks_task_list_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ type: assigned, on_behalf_of: \"kim@example.com\" }",
	  .result = "{items, count}: the tasks, in short.",
	  .build = blueworks_build_task_list,
	  .read = blueworks_read_task_list },
	{ .name = "work.action",
	  .doc = "Completes, reassigns, approves or rejects a task, cancels work, changes its "
		 "subject or removes an attachment; its version is read right before.",
	  .params = blueworks_work_action_params,
	  .after_doubt = DOUBT_LOOKUP,
	  .example = "{ id: \"5f501e134c6bf\", type: complete, task_id: \"5f501e134c6ce\" }",
	  .result = "What Blueworks Live answers; null when it answers nothing.",
	  .build = blueworks_build_work_action,
	  .read = blueworks_read_work_action,
	  .lookup = blueworks_look_work_action,
	  .found = blueworks_found_work_action,
	  /* As long as a request may take by default; then it is not under way any more. */
	  .settle = 30000 },
	{ .name = "launch_instance",
	  .doc = "Starts work from an application.",
	  .params = launch_params,
	  .after_doubt = DOUBT_PARK,
	  .example = "{ app_id: \"5f500e1349338\", subject: \"Acme\" }",
	  .result = "What Blueworks Live answers.",
	  .build = build_launch,
	  .read = read_any },
	{ .name = "comment",
	  .doc = "Adds a comment to work, or an answer to one.",
	  .params = comment_params,
	  .after_doubt = DOUBT_PARK,
	  .example = "{ work_id: \"5f501e134c6bf\", text: \"Over budget.\" }",
	  .result = "What Blueworks Live answers.",
	  .build = build_comment,
	  .read = read_any },
	{ .name = "comment.remove",
	  .doc = "Removes a comment.",
	  .params = comment_remove_params,
	  .after_doubt = DOUBT_REPEAT, /* what is gone can't be removed twice */
	  .example = "{ id: \"5f501e134c701\" }",
	  .result = "What Blueworks Live answers.",
	  .build = build_comment_remove,
	  .read = read_any },
	{ .name = "app.list",
	  .reads = READS,
	  .doc = "Reads the applications work can be started from.",
	  .params = user_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{}",
	  .result = "{items, count}: the applications.",
	  .build = build_apps,
	  .read = read_apps },
	{ .name = "app.detail",
	  .reads = READS,
	  .doc = "Reads an application.",
	  .params = app_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ id: \"5f500e1349338\" }",
	  .result = "The application.",
	  .build = build_app,
	  .read = read_app },
	{ .name = "user.list",
	  .reads = READS,
	  .doc = "Reads the account's users; takes a service ID of the user management category.",
	  .params = user_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{}",
	  .result = "{items, count}: the users.",
	  .build = build_users,
	  .read = read_users },
	{ .name = "activity.list",
	  .reads = READS,
	  .doc = "Reads the account's activities; takes a service ID of the account activity "
		 "category, and 200 calls an hour are allowed to the whole account.",
	  .params = activity_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ start_date: \"2026-11-21T00:00:00.000Z\", end_date: "
		     "\"2026-11-22T00:00:00.000Z\" }",
	  .result = "What Blueworks Live answers.",
	  .build = build_activities,
	  .read = read_any },
	{ .name = "request",
	  .reads = READS_BY_METHOD,
	  .doc = "Any other call of the API, with the connection's token and limits.",
	  .params = request_params,
	  /* It may change something; a step that only reads says after_doubt: repeat. */
	  .after_doubt = DOUBT_PARK,
	  .example = "{ path: \"/scr/api/ListFiles\", query: { from: \"2026-11-01\" } }",
	  .result = "The reply's body as data; null when it is empty.",
	  .build = build_request,
	  .read = read_any },
	{ .name = NULL },
};
