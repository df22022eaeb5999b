/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_list - lists, read page by page to their end.
 *
 * The rows of a list may move while its pages are read. Rows that came before are
 * recognised by their id; when the end is reached and rows are missing, or when
 * there are fewer rows than before, the list is read anew rather than given with
 * gaps.
 *
 * I1  Every page adds a row or ends the list.
 * I2  A list of more than LIMIT_LIST_ITEMS is refused at its first page.
 *
 * Source: developer.kantata.com, section Response Format. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

enum fate kantata_build_list(struct call *call, const struct kantata_op *op, struct value given,
			     struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params, items;
	enum fate fate;

	assert(call != NULL && op != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, op->params, given, &params);
	if (fate != FATE_OK)
		return fate;
	items = param_value(call->gathered, "items");
	if (value_is(items, VALUE_LIST))
		buf_printf(&url, "/%s?limit=%d&offset=%u", op->kind->plural, KANTATA_PAGE, items.n);
	else
		buf_printf(&url, "/%s?per_page=%d", op->kind->plural, KANTATA_PAGE);
	fate = kantata_put_query(call, &url, op->params, params, '&');
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

static bool has_id(struct arena *arena, struct value items, struct text id)
{
	struct text other;

	for (uint32_t i = 0; i < items.n; i++)
		if (value_id(arena, param_value(items.items[i], "id"), &other) &&
		    text_eq(other, id))
			return true;
	return false;
}

static const char *noun_of(const struct kantata_kind *kind)
{
	return kind != NULL ? kind->noun : "row";
}

/* Of no kind in particular, a result says itself where its object is. */
static const char *plural_of(struct call *call, const struct kantata_kind *kind,
			     struct value result)
{
	struct text key;

	if (kind != NULL)
		return kind->plural;
	key = text_dup(call->arena, param_text(result, "key"));
	return key.s != NULL ? key.s : "";
}

/* The objects that results name, behind those that were there before. */
static enum fate put_items(struct call *call, const struct kantata_kind *kind, struct value doc,
			   struct value before, struct value *out)
{
	struct value results = param_value(doc, "results");
	struct value_list_builder list;

	value_list_begin(&list, call->arena);
	for (uint32_t i = 0; i < before.n; i++)
		value_list_add(&list, before.items[i]);
	for (uint32_t i = 0; i < results.n; i++) {
		const char *plural = plural_of(call, kind, results.items[i]);
		const struct value *object = NULL;
		struct text id;

		if (kantata_result_id(call->arena, plural, results.items[i], &id))
			object = kantata_object(doc, plural, id);
		if (object == NULL)
			return call_fail(call, FATE_RETRY, "result %u names no %s of the reply",
					 i + 1, noun_of(kind));
		if (has_id(call->arena, before, id))
			continue;
		value_list_add(&list, kind == NULL ? *object
						   : kantata_inlined(call->arena, kind->includes,
								     doc, *object));
	}
	*out = value_list_end(&list);
	return FATE_OK;
}

static enum fate give(struct call *call, struct value items, struct value count,
		      struct reading *out)
{
	struct value_map_builder result;

	value_map_begin(&result, call->arena);
	value_map_set(&result, "items", items);
	value_map_set(&result, "count", count);
	out->result = value_map_end(&result);
	return arena_failed(call->arena)
		   ? call_fail(call, FATE_RETRY, "the reply takes too much memory")
		   : FATE_OK;
}

static enum fate read_rows(struct call *call, const struct reply *reply, struct value *doc)
{
	enum fate fate = kantata_doc(call, reply, doc);

	if (fate != FATE_OK)
		return fate;
	if (!value_is(param_value(*doc, "results"), VALUE_LIST) ||
	    !value_is(param_value(*doc, "count"), VALUE_INT))
		return call_fail(call, FATE_RETRY, "the reply has no results and count");
	return FATE_OK;
}

enum fate kantata_read_many(struct call *call, const struct kantata_kind *kind,
			    const struct reply *reply, struct reading *out)
{
	struct value doc, items;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = read_rows(call, reply, &doc);
	if (fate == FATE_OK)
		fate = put_items(call, kind, doc, value_null(), &items);
	if (fate != FATE_OK)
		return fate;
	*out = (struct reading){ .object = value_null() };
	return give(call, items, value_int(items.n), out);
}

/* What a page is to those before it. */
static enum fate check_page(struct call *call, const struct kantata_kind *kind, struct value before,
			    struct value items, int64_t count)
{
	struct value was = param_value(call->gathered, "count");

	if (count > LIMIT_LIST_ITEMS)
		return call_fail(call, FATE_REJECT, "%lld %ss fit, more than %d: narrow the list",
				 (long long)count, noun_of(kind), LIMIT_LIST_ITEMS);
	if (value_is(was, VALUE_INT) && count < was.i)
		return call_fail(call, FATE_RETRY, "rows went away while the list was read");
	if (items.n == before.n && count > items.n)
		return call_fail(call, FATE_RETRY, "%u of %lld rows could be read", items.n,
				 (long long)count);
	return FATE_OK;
}

enum fate kantata_read_list(struct call *call, const struct kantata_kind *kind,
			    const struct reply *reply, struct reading *out)
{
	struct value doc = value_null(), before, items;
	int64_t count;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = read_rows(call, reply, &doc);
	if (fate == FATE_RETRY && kind == NULL && value_is(doc, VALUE_MAP))
		return FATE_REJECT; /* the path leads to no list, and never will */
	if (fate != FATE_OK)
		return fate;
	before = param_value(call->gathered, "items");
	count = param_value(doc, "count").i;
	fate = put_items(call, kind, doc, before, &items);
	if (fate == FATE_OK)
		fate = check_page(call, kind, before, items, count);
	if (fate != FATE_OK)
		return fate;
	*out = (struct reading){ .object = value_null(), .more = count > items.n };
	return give(call, items, value_int(out->more ? count : items.n), out);
}
