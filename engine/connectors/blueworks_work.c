/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_work - work.action: completes, reassigns, approves, rejects, cancels...
 *
 * WorkAction wants the version of the work that WorkDetail told, and refuses one
 * that is no longer the latest. So the step is two requests: the version is read,
 * then the action is sent with it (decision 020). When the outcome is unknown the
 * work is read again, and shows whether it happened.
 *
 * IBM's public pages name the kinds of actions but don't show the words that stand for them
 * in `type`: ours are sent, unless the connection's action_types has others.
 *
 * I1  runtimeVersion is opaque: it goes back as it came.
 *
 * Source: www.ibm.com/docs/en/blueworks-live, WorkAction, Work APIs. */
#include "engine/connectors/blueworks_parts.h"

#include <assert.h>

static const char *const types[] = { "complete", "reassign", "approve",           "reject",
				     "cancel",   "subject",  "remove_attachment", NULL };

const struct param blueworks_work_action_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the work." },
	{ .name = "type",
	  .type = PARAM_CHOICE,
	  .required = true,
	  .doc = "What to do; subject changes the subject.",
	  .choices = types },
	{ .name = "task_id",
	  .type = PARAM_ID,
	  .doc = "Id of the task to complete, reassign, approve or reject." },
	{ .name = "assignee",
	  .type = PARAM_ID,
	  .doc = "Id of the user to whom the task is reassigned." },
	{ .name = "subject", .type = PARAM_TEXT, .doc = "The new subject." },
	{ .name = "attachment_id", .type = PARAM_ID, .doc = "Id of the attachment to remove." },
	{ .name = "time_zone",
	  .type = PARAM_TEXT,
	  .doc = "Time zone, like Europe/Berlin; the user's unless given." },
	{ .name = "fields",
	  .type = PARAM_MAP,
	  .doc = "Further members of the action, sent as they are; they go before ours." },
	{ .name = "on_behalf_of",
	  .type = PARAM_TEXT,
	  .slot = SLOT_HEADER,
	  .doc = "Username who does it; the connection's first unless given." },
	{ .name = NULL },
};

/* ---- what an action needs ---- */

struct need {
	const char *type, *param;
};

static const struct need needs[] = {
	{ "complete", "task_id" },
	{ "reassign", "task_id" },
	{ "reassign", "assignee" },
	{ "approve", "task_id" },
	{ "reject", "task_id" },
	{ "subject", "subject" },
	{ "remove_attachment", "attachment_id" },
};

static enum fate fit(struct call *call, struct value given, struct value *params)
{
	enum fate fate = params_fit(call, blueworks_work_action_params, given, params);
	struct text type;

	if (fate != FATE_OK)
		return fate;
	type = param_text(*params, "type");
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (text_is(type, needs[i].type) && param_text(*params, needs[i].param).n == 0)
			return call_fail(call, FATE_REJECT, "%s needs %s", needs[i].type,
					 needs[i].param);
	return FATE_OK;
}

/* ---- requests ---- */

static struct value word_of(struct call *call, struct value type)
{
	struct value words = param_value(call->settings, "action_types");
	const struct value *word = value_get(words, value_as_text(type));

	return word != NULL && value_is(*word, VALUE_TEXT) ? *word : type;
}

static void put_param(struct value_map_builder *b, const char *as, struct value params,
		      const char *name)
{
	const struct value *v = value_get(params, text_of(name));

	if (v != NULL)
		value_map_set(b, as, *v);
}

static struct value action_of(struct call *call, struct value params)
{
	struct value fields = param_value(params, "fields");
	struct value_map_builder action, whole;

	value_map_begin(&action, call->arena);
	value_map_set(&action, "type", word_of(call, param_value(params, "type")));
	value_map_set(&action, "workId", param_value(params, "id"));
	value_map_set(&action, "appId", param_value(call->gathered, "appId"));
	value_map_set(&action, "runtimeVersion", param_value(call->gathered, "runtimeVersion"));
	put_param(&action, "taskId", params, "task_id");
	put_param(&action, "assignedTo", params, "assignee");
	put_param(&action, "subject", params, "subject");
	put_param(&action, "attachmentId", params, "attachment_id");
	put_param(&action, "timeZoneId", params, "time_zone");
	for (uint32_t i = 0; value_is(fields, VALUE_MAP) && i < fields.n; i++)
		value_map_add(&action, fields.pairs[i].key, fields.pairs[i].val);
	value_map_begin(&whole, call->arena);
	value_map_set(&whole, "action", value_map_end(&action));
	return value_map_end(&whole);
}

enum fate blueworks_build_work_action(struct call *call, struct value given, struct request *out)
{
	struct value_map_builder query;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = fit(call, given, &params);
	if (fate != FATE_OK)
		return fate;
	if (!value_is(call->gathered, VALUE_MAP))
		return blueworks_ask_detail(call, params, param_text(params, "id"), out);
	value_map_begin(&query, call->arena);
	value_map_set(&query, "action", action_of(call, params));
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, "/scr/api/WorkAction", value_map_end(&query));
}

/* ---- replies ---- */

static enum fate read_version(struct call *call, const struct reply *reply, struct reading *out)
{
	struct blueworks_detail detail;
	struct value_map_builder b;
	struct value version;
	enum fate fate = blueworks_read_detail(call, reply, &detail);

	if (fate != FATE_OK)
		return fate;
	version = param_value(detail.work, "runtimeVersion");
	if (value_is(version, VALUE_NULL))
		return call_fail(call, FATE_RETRY, "the work has no runtimeVersion");
	value_map_begin(&b, call->arena);
	value_map_set(&b, "runtimeVersion", version);
	value_map_set(&b, "appId", param_value(detail.work, "appId"));
	*out =
	    (struct reading){ .result = value_map_end(&b), .object = value_null(), .more = true };
	return FATE_OK;
}

/* What WorkAction answers isn't on the public pages: JSON, or nothing. */
enum fate blueworks_read_work_action(struct call *call, const struct reply *reply,
				     struct reading *out)
{
	assert(call != NULL && reply != NULL && out != NULL);
	if (!value_is(call->gathered, VALUE_MAP))
		return read_version(call, reply, out);
	*out = (struct reading){ .result = value_null(), .object = value_null() };
	return text_trim(reply->body).n == 0 ? FATE_OK : blueworks_doc(call, reply, &out->result);
}

/* ---- after a doubt ---- */

enum fate blueworks_look_work_action(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "GET" };
	fate = fit(call, given, &params);
	if (fate != FATE_OK)
		return fate;
	return blueworks_ask_detail(call, params, param_text(params, "id"), out);
}

static struct value part_of(struct call *call, struct value work, const char *list, struct text id)
{
	struct value parts = param_value(work, list);
	struct text other;

	for (uint32_t i = 0; value_is(parts, VALUE_LIST) && i < parts.n; i++)
		if (value_id(call->arena, param_value(parts.items[i], "id"), &other) &&
		    text_eq(id, other))
			return parts.items[i];
	return value_null();
}

/* Whether the work shows what was asked for, whoever did it. */
static bool happened(struct call *call, struct value work, struct value params)
{
	struct text type = param_text(params, "type");
	struct value task = part_of(call, work, "tasks", param_text(params, "task_id"));
	struct text status = param_text(task, "status"), owner;
	struct value approved = param_value(task, "isApproved");

	if (text_is(type, "cancel"))
		return text_is(param_text(work, "status"), "Cancelled");
	if (text_is(type, "subject"))
		return text_eq(param_text(work, "subject"), param_text(params, "subject"));
	if (text_is(type, "remove_attachment"))
		return value_is(
		    part_of(call, work, "attachments", param_text(params, "attachment_id")),
		    VALUE_NULL);
	if (text_is(type, "reassign"))
		return text_is(status, "Reassigned") ||
		       (value_id(call->arena, param_value(task, "assignedTo"), &owner) &&
			text_eq(owner, param_text(params, "assignee")));
	if (!text_is(status, "Completed"))
		return false;
	return text_is(type, "complete") ||
	       (value_is(approved, VALUE_BOOL) && approved.b == text_is(type, "approve"));
}

enum fate blueworks_found_work_action(struct call *call, const struct reply *reply,
				      struct reading *out)
{
	struct blueworks_detail detail;
	struct value params;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null(), .object = value_null() };
	fate = blueworks_read_detail(call, reply, &detail);
	if (fate == FATE_OK)
		fate = fit(call, call->params, &params);
	if (fate != FATE_OK)
		return fate;
	out->absent = !happened(call, detail.work, params);
	return FATE_OK;
}
