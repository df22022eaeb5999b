/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_envelope - what every reply of Kantata is wrapped in.
 *
 *   { "count": N, "results": [{"key": "workspaces", "id": "7"}, ...],
 *     "workspaces": {"7": {...}}, "users": {...}, "meta": {...} }
 *
 * or, in an error, {"errors": [{"type", "message", "field"?}]}. The maps hold
 * what was asked for and what was included, by id; the foreign keys in an object
 * say which of those are its own.
 * Source: developer.kantata.com, sections Response Format and Errors.
 * Never: trusts that an id is there. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

/* ---- words of the product ---- */

static void put_words(struct buf *out, struct value error)
{
	struct text message = param_text(error, "message");
	struct text field = param_text(error, "field");

	if (message.n == 0)
		return;
	if (out->n > 0)
		buf_str(out, "; ");
	if (field.n > 0) {
		buf_text(out, field);
		buf_str(out, ": ");
	}
	buf_text(out, message);
}

/* {"errors":[{"type","message","field"?}]}; some replies have error_message instead. */
struct text kantata_words(struct arena *arena, struct value doc)
{
	AUTO_FINI(buf_fini) struct buf out;
	struct value errors = param_value(doc, "errors");

	assert(arena != NULL);
	buf_init(&out, LIMIT_WORDS);
	if (value_is(errors, VALUE_LIST))
		for (uint32_t i = 0; i < errors.n; i++)
			put_words(&out, errors.items[i]);
	if (out.n == 0)
		buf_text(&out, param_text(doc, "error_message"));
	if (out.starved)
		arena_fail(arena);
	return text_dup(arena, buf_view(&out));
}

struct text kantata_error_words(struct call *call, const struct reply *reply)
{
	struct json_error error;
	struct value doc;
	struct text words;

	assert(call != NULL && reply != NULL);
	if (json_parse(call->parser, call->arena, reply->body, &doc, &error) != FATE_OK)
		return TEXT_NONE;
	words = kantata_words(call->arena, doc);
	return words.s != NULL ? words : TEXT_NONE;
}

/* The vendor's own client takes a body with `errors` or `error_message` for a failure, whatever the
 * status. */
static bool is_failure(struct value doc)
{
	struct value errors = param_value(doc, "errors");

	return (value_is(errors, VALUE_LIST) && errors.n > 0) ||
	       param_text(doc, "error_message").n > 0;
}

enum fate kantata_doc(struct call *call, const struct reply *reply, struct value *doc)
{
	enum fate fate = reply_json(call, reply, doc);

	if (fate != FATE_OK || !is_failure(*doc))
		return fate;
	return call_fail(call, FATE_REJECT, "Kantata says: %.*s",
			 TEXT_ARG(kantata_words(call->arena, *doc)));
}

/* ---- the envelope ---- */

bool kantata_result_id(struct arena *arena, const char *plural, struct value result,
		       struct text *id)
{
	assert(arena != NULL && id != NULL);
	if (!text_is(param_text(result, "key"), plural))
		return false;
	return value_id(arena, param_value(result, "id"), id);
}

const struct value *kantata_object(struct value doc, const char *plural, struct text id)
{
	const struct value *object = value_get(param_value(doc, plural), id);

	return object != NULL && value_is(*object, VALUE_MAP) ? object : NULL;
}

/* ---- included objects ---- */

static const struct value *included(struct arena *arena, struct value objects, struct value key)
{
	struct text id;

	return value_id(arena, key, &id) ? value_get(objects, id) : NULL;
}

/* The objects a foreign key names: one, or a list; those the reply doesn't hold are left out. */
static struct value associated(struct arena *arena, struct value objects, struct value key)
{
	struct value_list_builder list;
	const struct value *found;

	if (!value_is(key, VALUE_LIST)) {
		found = included(arena, objects, key);
		return found != NULL ? *found : value_null();
	}
	value_list_begin(&list, arena);
	for (uint32_t i = 0; i < key.n; i++) {
		found = included(arena, objects, key.items[i]);
		if (found != NULL)
			value_list_add(&list, *found);
	}
	return value_list_end(&list);
}

/* An association whose map is not in the reply was not asked for. */
struct value kantata_inlined(struct arena *arena, const struct kantata_include *includes,
			     struct value doc, struct value object)
{
	struct value_map_builder map;

	assert(arena != NULL && value_is(object, VALUE_MAP));
	value_map_begin(&map, arena);
	for (uint32_t i = 0; i < object.n; i++)
		value_map_add(&map, object.pairs[i].key, object.pairs[i].val);
	for (const struct kantata_include *in = includes; in->name != NULL; in++) {
		const struct value *key = value_get(object, text_of(in->key));
		struct value objects = param_value(doc, in->map);

		if (key == NULL || !value_is(objects, VALUE_MAP))
			continue;
		objects = associated(arena, objects, *key);
		value_map_set(&map, in->name, objects);
		if (strcmp(in->name, "custom_field_values") == 0 && value_is(objects, VALUE_LIST))
			value_map_set(&map, "custom", kantata_custom(arena, objects));
	}
	return value_map_end(&map);
}
