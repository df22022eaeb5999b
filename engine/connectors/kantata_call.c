/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_call - an action's request out of its table of parameters, and the reply
 * that holds one object.
 *
 * I1  Where a parameter goes follows from its row: the id into the path, what
 *     has members into the body, everything else into the query.
 * I2  A list stands in the query with commas, so an item must not have one.
 *
 * Source: developer.kantata.com, sections Response Format and Errors. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

static enum fate put_item(struct call *call, struct buf *url, const char *name, struct value item)
{
	AUTO_FINI(buf_fini) struct buf plain;
	struct text t;

	buf_init(&plain, LIMIT_URL);
	if (value_is(item, VALUE_MAP) || value_is(item, VALUE_LIST) || value_is(item, VALUE_NULL))
		return call_fail(call, FATE_REJECT, "%s: a %s can't stand in it", name,
				 value_kind_name((enum value_kind)item.kind));
	value_write_plain(&plain, item);
	if (plain.starved)
		return call_starved(call);
	t = buf_view(&plain);
	if (t.n == 0 || text_find(t, TEXT(",")) != SIZE_MAX)
		return call_fail(call, FATE_REJECT, "%s: \"%.*s\" is no item", name,
				 t.n > 60 ? 60 : (int)t.n, t.s);
	url_encode(url, t);
	return FATE_OK;
}

static enum fate put_list(struct call *call, struct buf *url, const char *name, struct value list)
{
	enum fate fate = FATE_OK;

	for (uint32_t i = 0; i < list.n && fate == FATE_OK; i++) {
		if (i > 0)
			buf_char(url, ',');
		fate = put_item(call, url, name, list.items[i]);
	}
	return fate;
}

static bool is_body(const struct param *p)
{
	return p->members != NULL;
}

enum fate kantata_put_query(struct call *call, struct buf *url, const struct param *table,
			    struct value params, char joint)
{
	enum fate fate = FATE_OK;

	for (const struct param *p = table; p->name != NULL && fate == FATE_OK; p++) {
		const struct value *v = value_get(params, text_of(p->name));
		AUTO_FINI(buf_fini) struct buf plain;

		buf_init(&plain, LIMIT_URL);
		if (v == NULL || value_is(*v, VALUE_NULL) || is_body(p) ||
		    strcmp(p->name, "id") == 0 || (value_is(*v, VALUE_LIST) && v->n == 0))
			continue;
		buf_printf(url, "%c%s=", joint, p->name);
		joint = '&';
		if (value_is(*v, VALUE_LIST)) {
			fate = put_list(call, url, p->name, *v);
			continue;
		}
		value_write_plain(&plain, *v);
		url_encode(url, buf_view(&plain));
		buf_follow(url, &plain);
	}
	return fate;
}

static enum fate put_body(struct call *call, const struct kantata_op *op, struct value params,
			  struct request *out)
{
	struct value_map_builder body;
	bool any = false;

	value_map_begin(&body, call->arena);
	for (const struct param *p = op->params; p->name != NULL; p++) {
		const struct value *v = value_get(params, text_of(p->name));

		if (!is_body(p) || v == NULL)
			continue;
		value_map_set(&body, p->name, *v);
		any = true;
	}
	return any ? request_json(call, out, value_map_end(&body)) : FATE_OK;
}

/* The body with custom fields by id, or *asked. */
static enum fate put_custom(struct call *call, const struct kantata_op *op, struct value *params,
			    struct request *out, bool *asked)
{
	struct value_map_builder map;
	enum fate fate = FATE_OK;

	value_map_begin(&map, call->arena);
	for (uint32_t i = 0; i < params->n && fate == FATE_OK && !*asked; i++) {
		struct value v = params->pairs[i].val;

		for (const struct param *p = op->params; p->name != NULL; p++)
			if (is_body(p) && text_is(value_as_text(params->pairs[i].key), p->name))
				fate = kantata_custom_put(call, &v, out, asked);
		value_map_add(&map, params->pairs[i].key, v);
	}
	if (!*asked)
		*params = value_map_end(&map);
	return fate;
}

enum fate kantata_build(struct call *call, const struct kantata_op *op, struct value given,
			struct request *out, struct value *params)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value fit;
	bool asked = false;
	enum fate fate;

	assert(call != NULL && op != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = op->method };
	fate = params_fit(call, op->params, given, &fit);
	if (params != NULL)
		*params = fit;
	if (fate == FATE_OK && op->custom)
		fate = put_custom(call, op, &fit, out, &asked);
	if (fate != FATE_OK || asked)
		return fate;
	buf_printf(&url, "/%s", op->kind->plural);
	if (strcmp(op->params[0].name, "id") == 0) {
		buf_char(&url, '/');
		fate = url_segment(call, &url, param_text(fit, "id"));
	}
	buf_str(&url, op->tail != NULL ? op->tail : "");
	if (op->shown)
		buf_printf(&url, "?%s", op->kind->shown);
	if (fate == FATE_OK)
		fate = kantata_put_query(call, &url, op->params, fit, op->shown ? '&' : '?');
	if (fate == FATE_OK)
		fate = request_url(call, out, &url);
	if (fate == FATE_OK)
		fate = put_body(call, op, fit, out);
	return fate;
}

enum fate kantata_read_one(struct call *call, const struct kantata_kind *kind,
			   const struct reply *reply, struct reading *out)
{
	struct value doc, results;
	const struct value *object;
	struct text id;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = kantata_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	results = param_value(doc, "results");
	if (!value_is(results, VALUE_LIST) || results.n == 0 ||
	    !kantata_result_id(call->arena, kind->plural, results.items[0], &id))
		return call_fail(call, FATE_RETRY, "the reply names no %s in results", kind->noun);
	object = kantata_object(doc, kind->plural, id);
	if (object == NULL)
		return call_fail(call, FATE_RETRY, "the reply lacks %s %.*s", kind->noun,
				 TEXT_ARG(id));
	*out = (struct reading){ .kind = kind->object };
	out->object = kantata_inlined(call->arena, kind->includes, doc, *object);
	out->result = out->object;
	if (arena_failed(call->arena))
		return call_fail(call, FATE_RETRY, "the reply takes too much memory");
	return FATE_OK;
}
