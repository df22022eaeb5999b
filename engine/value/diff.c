/* SPDX-License-Identifier: Apache-2.0
 *
 * The difference of two trees, by walking both at once.
 *
 * A leaf is whatever is not a map with members: scalars, lists, and empty maps
 * where nothing or no map stands on the other side. `from` and `to` are what
 * stands at the path on either side, so where a scalar became a map, its own
 * path says from which scalar to which map, and the map's leaves follow as new.
 * I1  value_same decides, so 1 and 1.0 do not differ and NaN stays NaN.
 * I2  Unchanged members cost no memory: paths are chains on the stack until
 *     there is something to report.
 * Two keys that join to the same path ("a.b" beside a map "a") are two changes
 * with one path. */
#include "engine/value/diff.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/value/inside.h"

struct step {
	const struct step *up; /* NULL: the first key of the path */
	struct value key;
};

struct diff {
	struct arena *arena;
	struct change *items;
	size_t count, room;
};

static struct text join(struct arena *arena, const struct step *step)
{
	char room[VALUE_KEY_MAX];
	size_t n = 0;
	char *s;

	for (const struct step *at = step; at != NULL; at = at->up)
		n += value_key_text(at->key, room).n + (at->up != NULL);
	s = arena_alloc(arena, n);
	if (s == NULL)
		return TEXT_NONE;
	for (size_t end = n; step != NULL; step = step->up) {
		struct text key = value_key_text(step->key, room);

		if (key.n > 0)
			memcpy(s + end - key.n, key.s, key.n);
		end -= key.n;
		if (step->up != NULL)
			s[--end] = '.';
	}
	return (struct text){ s, n };
}

static void report(struct diff *d, const struct step *step, const struct value *before,
		   const struct value *after)
{
	if (d->count == d->room) {
		size_t room = d->room == 0 ? 8 : d->room * 2;
		struct change *items = arena_array(d->arena, room, sizeof(*items));

		if (items == NULL)
			return;
		if (d->count > 0)
			memcpy(items, d->items, d->count * sizeof(*items));
		d->items = items;
		d->room = room;
	}
	d->items[d->count++] = (struct change){
		.path = join(d->arena, step),
		.from = before != NULL ? *before : value_null(),
		.to = after != NULL ? *after : value_null(),
		.was_absent = before == NULL,
		.is_absent = after == NULL,
	};
}

static bool is_map(const struct value *v)
{
	return v != NULL && v->kind == VALUE_MAP;
}

/* The value of pairs[i]'s key in the other map; the same place is tried first,
 * since both sides mostly come from the same sender. */
static const struct value *counterpart(struct value map, uint32_t i, struct value key)
{
	if (i < map.n && key.kind == VALUE_TEXT && map.pairs[i].key.kind == VALUE_TEXT &&
	    text_eq(value_as_text(key), value_as_text(map.pairs[i].key)))
		return &map.pairs[i].val;
	return value_get_value(map, key);
}

static void compare(struct diff *d, const struct step *step, const struct value *before,
		    const struct value *after);

/* Members of `map`, all absent on the other side; `gone` says which side. */
static void compare_lone(struct diff *d, const struct step *step, const struct value *map,
			 bool gone)
{
	for (uint32_t i = 0; i < map->n; i++) {
		struct step next = { step, map->pairs[i].key };
		const struct value *val = &map->pairs[i].val;

		compare(d, &next, gone ? val : NULL, gone ? NULL : val);
	}
}

static void compare_maps(struct diff *d, const struct step *step, struct value before,
			 struct value after)
{
	for (uint32_t i = 0; i < before.n; i++) {
		struct step next = { step, before.pairs[i].key };

		compare(d, &next, &before.pairs[i].val, counterpart(after, i, next.key));
	}
	for (uint32_t i = 0; i < after.n; i++) {
		struct step next = { step, after.pairs[i].key };

		if (counterpart(before, i, next.key) == NULL)
			compare(d, &next, NULL, &after.pairs[i].val);
	}
}

static bool is_leaf(const struct value *v)
{
	return v != NULL && (v->kind != VALUE_MAP || v->n == 0);
}

static void compare(struct diff *d, const struct step *step, const struct value *before,
		    const struct value *after)
{
	if (is_map(before) && is_map(after)) {
		compare_maps(d, step, *before, *after);
		return;
	}
	if (before != NULL && after != NULL && value_same(*before, *after))
		return;
	if (is_leaf(before) || is_leaf(after))
		report(d, step, before, after);
	if (is_map(before))
		compare_lone(d, step, before, true);
	if (is_map(after))
		compare_lone(d, step, after, false);
}

static int change_order(const void *left, const void *right)
{
	const struct change *a = left;
	const struct change *b = right;

	return text_cmp(a->path, b->path);
}

/* Null at the top is "no object": its members are absent, itself has no path. */
static const struct value *top(const struct value *v)
{
	return v->kind == VALUE_NULL ? NULL : v;
}

struct changes diff_values(struct arena *arena, struct value before, struct value after)
{
	struct diff d = { .arena = arena };

	assert(arena != NULL);
	if (is_map(top(&before)) && top(&after) == NULL)
		compare_lone(&d, NULL, &before, true);
	else if (top(&before) == NULL && is_map(&after))
		compare_lone(&d, NULL, &after, false);
	else if (top(&before) != NULL || top(&after) != NULL)
		compare(&d, NULL, top(&before), top(&after));
	if (arena_failed(arena))
		return (struct changes){ NULL, 0 };
	if (d.count > 1)
		qsort(d.items, d.count, sizeof(*d.items), change_order);
	return (struct changes){ d.items, d.count };
}

struct value diff_as_value(struct arena *arena, const struct changes *changes)
{
	struct value_map_builder all;

	assert(arena != NULL && changes != NULL);
	value_map_begin(&all, arena);
	for (size_t i = 0; i < changes->count; i++) {
		struct value_map_builder one;

		value_map_begin(&one, arena);
		value_map_room(&one, 2);
		value_map_set(&one, "from", changes->items[i].from);
		value_map_set(&one, "to", changes->items[i].to);
		value_map_add(&all, value_text(changes->items[i].path), value_map_end(&one));
	}
	return value_map_end(&all);
}
