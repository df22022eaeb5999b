/* SPDX-License-Identifier: Apache-2.0
 *
 * extent - how large a value may be; see extent.h. */
#include "engine/cel/extent.h"

#include <assert.h>

#include "engine/base/limits.h"

#define READ(bytes) (1 + (bytes) / 64) /* as cel_charge_value charges a text */

uint64_t extent_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? EXTENT_MAX : sum;
}

uint64_t extent_times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? EXTENT_MAX : product;
}

struct extent extent_unknown(void)
{
	return (struct extent){ .type = CEL_DYN,
				.items = LIMIT_COST_ITEMS,
				.bytes = LIMIT_COST_TEXT,
				.read = READ(LIMIT_COST_TEXT) };
}

struct extent extent_text(uint64_t bytes)
{
	return (struct extent){ .type = CEL_TEXT, .bytes = bytes, .read = READ(bytes) };
}

struct extent extent_of_type(enum cel_type type)
{
	struct extent e;

	switch (type) {
	case CEL_DYN:
	case CEL_OPTIONAL:
		return extent_unknown();
	case CEL_TEXT:
	case CEL_BYTES:
		e = extent_text(LIMIT_COST_TEXT);
		e.type = type;
		return e;
	case CEL_LIST:
		return extent_list(NULL, LIMIT_COST_ITEMS, NULL);
	case CEL_MAP:
		return extent_map(NULL, LIMIT_COST_ITEMS, NULL);
	default:
		return (struct extent){ .type = type, .read = 1 };
	}
}

bool extent_is_scalar(struct extent e)
{
	return e.type != CEL_DYN && e.type != CEL_TEXT && e.type != CEL_BYTES &&
	       e.type != CEL_LIST && e.type != CEL_MAP && e.type != CEL_OPTIONAL;
}

/* An item kept in the arena; NULL when it says no more than that it is unknown. */
static const struct extent *kept(struct arena *arena, const struct extent *item)
{
	if (item == NULL || item->depth >= EXTENT_DEPTH)
		return NULL;
	return arena_copy(arena, item, sizeof(*item));
}

static struct extent with_items(struct arena *arena, enum cel_type type, uint64_t items,
				uint64_t key, const struct extent *item)
{
	struct extent e = { .type = type, .items = items, .item = kept(arena, item) };
	uint64_t each = item != NULL ? item->read : extent_unknown().read;

	e.depth = e.item != NULL ? e.item->depth + 1 : 1;
	e.read = extent_add(1, extent_times(items, extent_add(key, each)));
	return e;
}

struct extent extent_list(struct arena *arena, uint64_t items, const struct extent *item)
{
	return with_items(arena, CEL_LIST, items, 0, item);
}

struct extent extent_map(struct arena *arena, uint64_t items, const struct extent *item)
{
	return with_items(arena, CEL_MAP, items, READ(LIMIT_COST_TEXT), item);
}

struct extent extent_optional(struct arena *arena, struct extent of)
{
	return with_items(arena, CEL_OPTIONAL, 1, 0, &of);
}

static struct extent of_parts(struct arena *arena, struct value v, uint32_t depth);

static struct extent of_value(struct arena *arena, struct value v, uint32_t depth)
{
	struct extent e;

	switch (v.kind) {
	case VALUE_TEXT:
	case VALUE_BYTES:
		e = extent_text(v.n);
		e.type = (enum cel_type)(v.kind + 1);
		return e;
	case VALUE_LIST:
	case VALUE_MAP:
		return depth < EXTENT_DEPTH ? of_parts(arena, v, depth + 1)
					    : extent_of_type((enum cel_type)(v.kind + 1));
	case VALUE_OPTIONAL:
		return extent_unknown();
	default:
		return extent_of_type((enum cel_type)(v.kind + 1));
	}
}

static struct extent of_parts(struct arena *arena, struct value v, uint32_t depth)
{
	struct extent item = extent_of_type(CEL_NULL);
	uint64_t key = 0;

	for (uint32_t i = 0; i < v.n; i++) {
		struct value one = v.kind == VALUE_LIST ? v.items[i] : v.pairs[i].val;
		struct extent e = of_value(arena, one, depth);

		item = i == 0 ? e : extent_either(arena, item, e);
		if (v.kind == VALUE_MAP && v.pairs[i].key.kind == VALUE_TEXT &&
		    READ(v.pairs[i].key.n) > key)
			key = READ(v.pairs[i].key.n);
	}
	return with_items(arena, (enum cel_type)(v.kind + 1), v.n, key, &item);
}

struct extent extent_of_value(struct arena *arena, struct value v)
{
	assert(arena != NULL);
	return of_value(arena, v, 0);
}

struct extent extent_taken_as(struct extent e, enum cel_type type)
{
	struct extent taken;

	if (e.type != CEL_DYN || type == CEL_DYN)
		return e;
	taken = extent_of_type(type);
	if (type == CEL_LIST || type == CEL_MAP)
		taken = type == CEL_LIST ? extent_list(NULL, e.items, NULL)
					 : extent_map(NULL, e.items, NULL);
	else if (type == CEL_TEXT || type == CEL_BYTES)
		taken = extent_text(e.bytes);
	taken.type = type;
	return taken;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct extent extent_item(struct extent of)
{
	return of.item != NULL ? *of.item : extent_unknown();
}

struct extent extent_either(struct arena *arena, struct extent a, struct extent b)
{
	struct extent e = { .type = a.type == b.type ? a.type : CEL_DYN,
			    .items = greater(a.items, b.items),
			    .bytes = greater(a.bytes, b.bytes),
			    .read = greater(a.read, b.read) };

	if (a.item != NULL || b.item != NULL) {
		struct extent item = extent_either(arena, extent_item(a), extent_item(b));

		e.item = kept(arena, &item);
	}
	e.depth = e.item != NULL ? e.item->depth + 1 : greater(a.depth, b.depth) > 0;
	return e;
}
