/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_list - the action workspace.list: projects that fit the given filters.
 *
 * One page, the API's largest. More rows than fit are refused with their number
 * rather than cut silently: the result would otherwise be wrong without saying so.
 * Source: developer.kantata.com, specification of Workspaces, filters of the list. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

static const char *const stages[] = { "estimate", "project", NULL };
static const char *const archives[] = { "only", "exclude", "include", NULL };

const struct param kantata_list_params[] = {
	{ .name = "due_date_before", .type = PARAM_DATE, .doc = "Due before this day." },
	{ .name = "due_date_after", .type = PARAM_DATE, .doc = "Due after this day." },
	{ .name = "start_date_before", .type = PARAM_DATE, .doc = "Starting before this day." },
	{ .name = "start_date_after", .type = PARAM_DATE, .doc = "Starting after this day." },
	{ .name = "created_after",
	  .type = PARAM_TEXT,
	  .doc = "Created after this time (ISO 8601)." },
	{ .name = "updated_after",
	  .type = PARAM_TEXT,
	  .doc = "Changed after this time (ISO 8601)." },
	{ .name = "stage",
	  .type = PARAM_CHOICE,
	  .doc = "Estimates or projects.",
	  .choices = stages },
	{ .name = "archived",
	  .type = PARAM_CHOICE,
	  .doc = "Archived ones: exclude (default), include or only.",
	  .choices = archives },
	{ .name = "budgeted",
	  .type = PARAM_BOOL,
	  .doc = "Only projects with (or without) a budget." },
	{ .name = "matching",
	  .type = PARAM_TEXT,
	  .doc = "Words that words of the title start with." },
	{ .name = "order",
	  .type = PARAM_TEXT,
	  .doc = "A field and a direction: due_date:asc; updated_at:desc unless said otherwise." },
	{ .name = "include",
	  .type = PARAM_LIST,
	  .doc = "Names of associations to put into the items." },
	{ .name = "optional_fields",
	  .type = PARAM_LIST,
	  .doc = "Names of optional fields to add." },
	{ .name = NULL },
};

static enum fate put_filters(struct call *call, struct buf *url, struct value params)
{
	for (const struct param *p = kantata_list_params; p->name != NULL; p++) {
		const struct value *v = value_get(params, text_of(p->name));
		AUTO_FINI(buf_fini) struct buf plain;

		buf_init(&plain, LIMIT_URL);
		if (v == NULL || value_is(*v, VALUE_NULL))
			continue;
		if (p->type == PARAM_LIST) {
			enum fate fate = kantata_put_names(call, url, p->name, *v);

			if (fate != FATE_OK)
				return fate;
			continue;
		}
		value_write_plain(&plain, *v);
		buf_printf(url, "&%s=", p->name);
		url_encode(url, buf_view(&plain));
	}
	return FATE_OK;
}

enum fate kantata_build_list(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, kantata_list_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_printf(&url, "/workspaces?per_page=%d", KANTATA_PAGE);
	fate = put_filters(call, &url, params);
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

static enum fate list_items(struct call *call, struct value doc, struct value results,
			    struct value *out)
{
	struct value_list_builder list;

	value_list_begin(&list, call->arena);
	for (uint32_t i = 0; i < results.n; i++) {
		const struct value *object = NULL;
		struct text id;

		if (kantata_result_id(call->arena, results.items[i], &id))
			object = kantata_object(doc, id);
		if (object == NULL)
			return call_fail(call, FATE_RETRY,
					 "result %u names no workspace of the reply", i + 1);
		value_list_add(&list, kantata_inlined(call->arena, doc, *object));
	}
	*out = value_list_end(&list);
	return FATE_OK;
}

enum fate kantata_read_list(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value_map_builder result;
	struct value doc, results, count, items;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = reply_json(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	if (kantata_is_failure(doc))
		return call_fail(call, FATE_REJECT, "Kantata says: %.*s",
				 TEXT_ARG(kantata_words(call->arena, doc)));
	results = param_value(doc, "results");
	count = param_value(doc, "count");
	if (!value_is(results, VALUE_LIST) || !value_is(count, VALUE_INT))
		return call_fail(call, FATE_RETRY, "the reply has no results and count");
	if (count.i > (int64_t)results.n)
		return call_fail(call, FATE_REJECT,
				 "%lld projects fit, more than one page of %d: narrow the filters",
				 (long long)count.i, KANTATA_PAGE);
	fate = list_items(call, doc, results, &items);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&result, call->arena);
	value_map_set(&result, "items", items);
	value_map_set(&result, "count", count);
	*out = (struct reading){ .result = value_map_end(&result), .object = value_null() };
	return arena_failed(call->arena)
		   ? call_fail(call, FATE_RETRY, "the reply takes too much memory")
		   : FATE_OK;
}
