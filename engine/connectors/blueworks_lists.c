/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_lists - the lists of a user's work and tasks.
 *
 * Parameters and paging are documented, the shape of the replies isn't on the
 * public pages: the rows are taken from the list that has the resource's name, or
 * else from the first list of objects with ids that isn't users or apps. Rows
 * are shown as they come.
 *
 * A list is read page by page until a page is short or brings nothing new: rows
 * move between pages while people work.
 *
 * Source: www.ibm.com/docs/en/blueworks-live, WorkList, TaskList. */
#include "engine/connectors/blueworks_parts.h"

#include <assert.h>

#include "engine/base/limits.h"

static const char *const work_types[] = { "open", "closed", NULL };
static const char *const task_types[] = { "assigned", "completed", NULL };

#define BEHALF_PARAM                                                                               \
	{                                                                                          \
		.name = "on_behalf_of", .type = PARAM_TEXT, .slot = SLOT_HEADER,                   \
		.doc = "Username whose list it is; the connection's first unless given."           \
	}

const struct param blueworks_work_list_params[] = {
	{ .name = "type",
	  .type = PARAM_CHOICE,
	  .required = true,
	  .doc = "Which list.",
	  .choices = work_types },
	BEHALF_PARAM,
	{ .name = NULL },
};

const struct param blueworks_task_list_params[] = {
	{ .name = "type",
	  .type = PARAM_CHOICE,
	  .required = true,
	  .doc = "Which list.",
	  .choices = task_types },
	BEHALF_PARAM,
	{ .name = NULL },
};

/* ---- rows ---- */

static bool is_rows(struct value v)
{
	if (!value_is(v, VALUE_LIST))
		return false;
	for (uint32_t i = 0; i < v.n; i++)
		if (!value_is(v.items[i], VALUE_MAP) ||
		    value_is(param_value(v.items[i], "id"), VALUE_NULL))
			return false;
	return true;
}

static bool is_beside(struct text key)
{
	return text_is(key, "users") || text_is(key, "apps");
}

enum fate blueworks_rows(struct call *call, const struct reply *reply, const char *name,
			 struct value *out)
{
	struct value doc;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = blueworks_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	*out = param_value(doc, name);
	for (uint32_t i = 0; i < doc.n && !is_rows(*out); i++)
		if (!is_beside(value_as_text(doc.pairs[i].key)))
			*out = doc.pairs[i].val;
	if (!is_rows(*out))
		return call_fail(call, FATE_RETRY, "the reply has no list whose items have ids");
	return FATE_OK;
}

bool blueworks_row_work(struct call *call, struct value row, bool is_task, struct text *out)
{
	assert(call != NULL && out != NULL);
	if (value_id(call->arena, param_value(row, "workId"), out) ||
	    value_id(call->arena, param_value(param_value(row, "work"), "id"), out))
		return true;
	return !is_task && value_id(call->arena, param_value(row, "id"), out);
}

/* ---- work.list, task.list ---- */

static enum fate ask_list(struct call *call, const char *path, const struct param *table,
			  struct value given, struct request *out)
{
	struct value_map_builder query;
	struct value params, before;
	enum fate fate;

	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, table, given, &params);
	if (fate != FATE_OK)
		return fate;
	before = param_value(call->gathered, "asked");
	value_map_begin(&query, call->arena);
	value_map_set(&query, "type", param_value(params, "type"));
	value_map_set(&query, "limit", value_int(BLUEWORKS_PAGE));
	value_map_set(&query, "startFrom", value_is(before, VALUE_INT) ? before : value_int(0));
	blueworks_behalf_of(call, params, out);
	return blueworks_url(call, out, path, value_map_end(&query));
}

enum fate blueworks_build_work_list(struct call *call, struct value given, struct request *out)
{
	assert(call != NULL && out != NULL);
	return ask_list(call, "/scr/api/WorkList", blueworks_work_list_params, given, out);
}

enum fate blueworks_build_task_list(struct call *call, struct value given, struct request *out)
{
	assert(call != NULL && out != NULL);
	return ask_list(call, "/scr/api/TaskList", blueworks_task_list_params, given, out);
}

static bool has_row(struct call *call, struct value rows, struct value row)
{
	struct text id, other;

	if (!value_id(call->arena, param_value(row, "id"), &id))
		return false;
	for (uint32_t i = 0; value_is(rows, VALUE_LIST) && i < rows.n; i++)
		if (value_id(call->arena, param_value(rows.items[i], "id"), &other) &&
		    text_eq(id, other))
			return true;
	return false;
}

static struct value joined(struct call *call, struct value before, struct value rows)
{
	struct value_list_builder all;

	value_list_begin(&all, call->arena);
	for (uint32_t i = 0; value_is(before, VALUE_LIST) && i < before.n; i++)
		value_list_add(&all, before.items[i]);
	for (uint32_t i = 0; i < rows.n; i++)
		if (!has_row(call, before, rows.items[i]))
			value_list_add(&all, rows.items[i]);
	return value_list_end(&all);
}

static enum fate read_list(struct call *call, const struct reply *reply, const char *name,
			   struct reading *out)
{
	struct value rows, before = param_value(call->gathered, "items"), items;
	struct value asked = param_value(call->gathered, "asked");
	struct value_map_builder result;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = blueworks_rows(call, reply, name, &rows);
	if (fate != FATE_OK)
		return fate;
	items = joined(call, before, rows);
	if (items.n > LIMIT_LIST_ITEMS)
		return call_fail(call, FATE_REJECT, "more than %d rows are listed",
				 LIMIT_LIST_ITEMS);
	*out = (struct reading){ .object = value_null() };
	out->more = rows.n >= BLUEWORKS_PAGE && items.n > before.n;
	value_map_begin(&result, call->arena);
	value_map_set(&result, "items", items);
	value_map_set(&result, "count", value_int(items.n));
	if (out->more) /* startFrom of the page after it */
		value_map_set(&result, "asked",
			      value_int((value_is(asked, VALUE_INT) ? asked.i : 0) + rows.n));
	out->result = value_map_end(&result);
	return arena_failed(call->arena)
		   ? call_fail(call, FATE_RETRY, "the reply takes too much memory")
		   : FATE_OK;
}

enum fate blueworks_read_work_list(struct call *call, const struct reply *reply,
				   struct reading *out)
{
	return read_list(call, reply, "work", out);
}

enum fate blueworks_read_task_list(struct call *call, const struct reply *reply,
				   struct reading *out)
{
	return read_list(call, reply, "tasks", out);
}
