/* SPDX-License-Identifier: Apache-2.0
 *
 * redact - see redact.h. Recursion goes no deeper than the value, which JSON's parser bounds. */
#include "engine/value/redact.h"

#include <assert.h>

const char *redact_path_mistake(struct text path)
{
	struct text name;

	if (path.n == 0)
		return "a path names what is left out";
	while (path.s != NULL) {
		path = text_split(path, '.', &name);
		if (name.n == 0)
			return "a path is names joined with single dots";
	}
	return NULL;
}

static struct value redacted(struct arena *arena, struct value v, struct text path);

static struct value redacted_list(struct arena *arena, struct value v, struct text path)
{
	struct value_list_builder b;

	value_list_begin(&b, arena);
	value_list_room(&b, v.n);
	for (uint32_t i = 0; i < v.n; i++)
		value_list_add(&b, redacted(arena, v.items[i], path));
	return value_list_end(&b);
}

static struct value redacted_map(struct arena *arena, struct value v, struct text name,
				 struct text rest)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_room(&b, v.n);
	for (uint32_t i = 0; i < v.n; i++) {
		const struct value_pair *pair = &v.pairs[i];
		bool meant = text_is(name, "*") || (pair->key.kind == VALUE_TEXT &&
						    text_eq(value_as_text(pair->key), name));

		value_map_add(&b, pair->key, meant ? redacted(arena, pair->val, rest) : pair->val);
	}
	return value_map_end(&b);
}

/* path.s is NULL behind its last name. */
static struct value redacted(struct arena *arena, struct value v, struct text path)
{
	struct text name, rest;

	if (path.s == NULL)
		return v.kind == VALUE_NULL ? v : value_text(REDACTED);
	if (v.kind == VALUE_LIST)
		return redacted_list(arena, v, path);
	if (v.kind != VALUE_MAP)
		return v;
	rest = text_split(path, '.', &name);
	if (!text_is(name, "*") && value_get(v, name) == NULL)
		return v;
	return redacted_map(arena, v, name, rest);
}

struct value value_redacted(struct arena *arena, struct value v, struct text path)
{
	struct value out;

	assert(arena != NULL && path.n > 0);
	out = redacted(arena, v, path);
	return arena_failed(arena) ? value_null() : out;
}
