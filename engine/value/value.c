/* SPDX-License-Identifier: Apache-2.0
 *
 * Building, copying and reading values.
 *
 * I1  A map of more than MAP_SMALL pairs has an index right behind them in the
 *     same allocation: whether and how large follows from n alone. Every map is
 *     ended by map_settle, which removes duplicates and fills the index.
 * I2  The index is open addressing with linear probing, at most half full. A
 *     slot holds 1 + a pair's position, 0 when free, in 1, 2 or 4 bytes.
 * I3  Hashes in an index are seeded with the address of the pairs, so a sender
 *     cannot prepare keys that collide, and a map must not be moved in memory.
 * Nesting is bounded where values come from (LIMIT_JSON_DEPTH and its like), so
 * the recursion here is. */
#include "engine/value/value.h"

#include <assert.h>
#include <string.h>

#include "engine/value/inside.h"

#define MAP_SMALL  8u /* pairs that are searched one by one */
#define ROOM_LEAST 4u
#define NOT_FOUND  UINT32_MAX

struct value value_timestamp_ms(int64_t ms)
{
	int64_t seconds = ms / 1000;
	int64_t rest = ms % 1000;

	if (rest < 0) {
		seconds--;
		rest += 1000;
	}
	return (
	    struct value){ .kind = VALUE_TIMESTAMP, .n = (uint32_t)rest * 1000000u, .i = seconds };
}

const char *value_kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null_type",
		[VALUE_BOOL] = "bool",
		[VALUE_INT] = "int",
		[VALUE_UINT] = "uint",
		[VALUE_DOUBLE] = "double",
		[VALUE_TEXT] = "string",
		[VALUE_BYTES] = "bytes",
		[VALUE_LIST] = "list",
		[VALUE_MAP] = "map",
		[VALUE_TIMESTAMP] = "google.protobuf.Timestamp",
		[VALUE_DURATION] = "google.protobuf.Duration",
		[VALUE_TYPE] = "type",
		[VALUE_OPTIONAL] = "optional_type",
		[VALUE_IP] = "net.IP",
		[VALUE_CIDR] = "net.CIDR",
		[VALUE_ERROR] = "error",
	};

	assert((size_t)kind < sizeof(names) / sizeof(names[0]));
	return names[kind];
}

/* ---- lists ---- */

void value_list_begin(struct value_list_builder *b, struct arena *arena)
{
	assert(b != NULL && arena != NULL);
	*b = (struct value_list_builder){ .arena = arena };
}

void value_list_room(struct value_list_builder *b, uint32_t n)
{
	struct value *items;

	if (n <= b->room)
		return;
	items = arena_array(b->arena, n, sizeof(*items));
	if (items == NULL)
		return;
	if (b->n > 0)
		memcpy(items, b->items, b->n * sizeof(*items));
	b->items = items;
	b->room = n;
}

static uint32_t room_after(uint32_t room)
{
	if (room < ROOM_LEAST)
		return ROOM_LEAST;
	return room > UINT32_MAX / 2 ? UINT32_MAX : room * 2;
}

void value_list_add(struct value_list_builder *b, struct value item)
{
	assert(b->arena != NULL);
	if (b->n == b->room)
		value_list_room(b, room_after(b->room));
	if (b->n < b->room)
		b->items[b->n++] = item;
}

struct value value_list_end(struct value_list_builder *b)
{
	assert(b->arena != NULL);
	if (arena_failed(b->arena))
		return value_null();
	return (struct value){ .kind = VALUE_LIST, .n = b->n, .items = b->items };
}

/* ---- the index of a map ---- */

static size_t index_width(uint32_t n)
{
	return n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : 4;
}

/* The least power of two that n pairs fill at most half. */
static size_t index_slots(uint32_t n)
{
	size_t slots = 4 * MAP_SMALL;

	while (slots < (size_t)n * 2)
		slots *= 2;
	return slots;
}

static size_t index_bytes(uint32_t n)
{
	return n > MAP_SMALL ? index_slots(n) * index_width(n) : 0;
}

static uint32_t slot_get(const void *index, size_t width, size_t at)
{
	if (width == 1)
		return ((const uint8_t *)index)[at];
	if (width == 2)
		return ((const uint16_t *)index)[at];
	return ((const uint32_t *)index)[at];
}

static void slot_set(void *index, size_t width, size_t at, uint32_t value)
{
	if (width == 1)
		((uint8_t *)index)[at] = (uint8_t)value;
	else if (width == 2)
		((uint16_t *)index)[at] = (uint16_t)value;
	else
		((uint32_t *)index)[at] = value;
}

static uint64_t key_hash(const struct value_pair *pairs, struct value key)
{
	return value_hash_seeded(key, (uint64_t)(uintptr_t)pairs);
}

static bool key_same(struct value a, struct value b)
{
	if (a.kind == VALUE_TEXT && b.kind == VALUE_TEXT)
		return text_eq(value_as_text(a), value_as_text(b));
	return value_equal(a, b);
}

/* The position of `key`, or NOT_FOUND and *slot is where it would be noted. The
 * index is that of n pairs. */
static uint32_t index_find(const struct value_pair *pairs, uint32_t n, struct value key,
			   size_t *slot)
{
	const void *index = pairs + n;
	size_t width = index_width(n);
	size_t mask = index_slots(n) - 1;
	size_t at = (size_t)key_hash(pairs, key) & mask;
	uint32_t noted;

	for (; (noted = slot_get(index, width, at)) != 0; at = (at + 1) & mask) {
		if (key_same(pairs[noted - 1].key, key))
			return noted - 1;
	}
	*slot = at;
	return NOT_FOUND;
}

static uint32_t linear_find(const struct value_pair *pairs, uint32_t n, struct value key)
{
	for (uint32_t i = 0; i < n; i++) {
		if (key_same(pairs[i].key, key))
			return i;
	}
	return NOT_FOUND;
}

static uint32_t small_settle(struct value_pair *pairs, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t earlier = linear_find(pairs, kept, pairs[i].key);

		if (earlier != NOT_FOUND)
			pairs[earlier].val = pairs[i].val;
		else
			pairs[kept++] = pairs[i];
	}
	return kept;
}

/* Fills the index of n pairs and moves those with a new key to the front. */
static uint32_t index_settle(struct value_pair *pairs, uint32_t n)
{
	void *index = pairs + n;
	uint32_t kept = 0;

	memset(index, 0, index_bytes(n));
	for (uint32_t i = 0; i < n; i++) {
		size_t slot = 0;
		uint32_t earlier = index_find(pairs, n, pairs[i].key, &slot);

		if (earlier != NOT_FOUND) {
			pairs[earlier].val = pairs[i].val;
			continue;
		}
		if (kept != i)
			pairs[kept] = pairs[i];
		slot_set(index, index_width(n), slot, ++kept);
	}
	return kept;
}

/* Removes duplicates and establishes I1; how many pairs are left. The second
 * round writes the index where and how large it belongs for fewer pairs. */
static uint32_t map_settle(struct value_pair *pairs, uint32_t n)
{
	uint32_t kept;

	if (n <= MAP_SMALL)
		return small_settle(pairs, n);
	kept = index_settle(pairs, n);
	if (kept != n && kept > MAP_SMALL)
		index_settle(pairs, kept);
	return kept;
}

/* ---- maps ---- */

void value_map_begin(struct value_map_builder *b, struct arena *arena)
{
	assert(b != NULL && arena != NULL);
	*b = (struct value_map_builder){ .arena = arena };
}

void value_map_room(struct value_map_builder *b, uint32_t n)
{
	struct value_pair *pairs;

	if (n <= b->room)
		return;
	pairs = arena_alloc(b->arena, (size_t)n * sizeof(*pairs) + index_bytes(n));
	if (pairs == NULL)
		return;
	if (b->n > 0)
		memcpy(pairs, b->pairs, b->n * sizeof(*pairs));
	b->pairs = pairs;
	b->room = n;
}

void value_map_add(struct value_map_builder *b, struct value key, struct value val)
{
	assert(b->arena != NULL);
	assert(key.kind == VALUE_TEXT || key.kind == VALUE_INT || key.kind == VALUE_UINT ||
	       key.kind == VALUE_BOOL);
	if (b->n == b->room)
		value_map_room(b, room_after(b->room));
	if (b->n < b->room)
		b->pairs[b->n++] = (struct value_pair){ key, val };
}

void value_map_set(struct value_map_builder *b, const char *key, struct value val)
{
	assert(key != NULL);
	value_map_add(b, value_text(text_of(key)), val);
}

static bool map_end(struct value_map_builder *b, struct value *out)
{
	uint32_t kept;

	assert(b->arena != NULL && out != NULL);
	*out = value_null();
	if (arena_failed(b->arena))
		return true;
	kept = map_settle(b->pairs, b->n);
	*out = (struct value){ .kind = VALUE_MAP, .n = kept, .pairs = b->pairs };
	return kept == b->n;
}

struct value value_map_end(struct value_map_builder *b)
{
	struct value out;

	map_end(b, &out);
	return out;
}

bool value_map_end_unique(struct value_map_builder *b, struct value *out)
{
	return map_end(b, out);
}

/* ---- copying ---- */

static struct value copy_bytes(struct arena *arena, struct value v)
{
	if (v.n == 0)
		v.s = "";
	else
		v.s = arena_copy(arena, v.s, v.n);
	return v.s != NULL ? v : value_null();
}

static struct value copy_items(struct arena *arena, struct value v)
{
	struct value *items = arena_array(arena, v.n, sizeof(*items));

	if (items == NULL)
		return value_null();
	for (uint32_t i = 0; i < v.n; i++)
		items[i] = value_copy(arena, v.items[i]);
	v.items = items;
	return v;
}

static struct value copy_map(struct arena *arena, struct value v)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_room(&b, v.n);
	for (uint32_t i = 0; i < v.n && !arena_failed(arena); i++) {
		value_map_add(&b, value_copy(arena, v.pairs[i].key),
			      value_copy(arena, v.pairs[i].val));
	}
	return value_map_end(&b);
}

struct value value_copy(struct arena *arena, struct value v)
{
	assert(arena != NULL);
	if (arena_failed(arena))
		return value_null();
	switch ((enum value_kind)v.kind) {
	case VALUE_TEXT:
	case VALUE_BYTES:
	case VALUE_TYPE:
	case VALUE_IP:
	case VALUE_CIDR:
	case VALUE_ERROR:
		return copy_bytes(arena, v);
	case VALUE_LIST:
	case VALUE_OPTIONAL:
		return copy_items(arena, v);
	case VALUE_MAP:
		return copy_map(arena, v);
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		break;
	}
	return v;
}

/* ---- reading ---- */

const struct value *value_get_value(struct value v, struct value key)
{
	size_t slot;
	uint32_t at;

	if (v.kind != VALUE_MAP)
		return NULL;
	if (v.n <= MAP_SMALL)
		at = linear_find(v.pairs, v.n, key);
	else
		at = index_find(v.pairs, v.n, key, &slot);
	return at != NOT_FOUND ? &v.pairs[at].val : NULL;
}

const struct value *value_get(struct value v, struct text key)
{
	assert(key.s != NULL || key.n == 0);
	if (key.n > UINT32_MAX)
		return NULL;
	return value_get_value(v, value_text(key));
}

static const struct value *list_at(struct value v, struct text segment)
{
	int64_t at;

	for (size_t i = 0; i < segment.n; i++) {
		if (segment.s[i] < '0' || segment.s[i] > '9')
			return NULL;
	}
	if (!text_to_int(segment, &at) || at < 0 || at >= (int64_t)v.n)
		return NULL;
	return &v.items[at];
}

/* Goes no deeper than `most`. */
bool value_is_deeper(struct value v, unsigned most)
{
	if (v.kind != VALUE_LIST && v.kind != VALUE_MAP)
		return false;
	if (most == 0)
		return true;
	for (uint32_t i = 0; i < v.n; i++) {
		struct value part = v.kind == VALUE_MAP ? v.pairs[i].val : v.items[i];

		if (value_is_deeper(part, most - 1))
			return true;
	}
	return false;
}

const struct value *value_path(struct value v, struct text path)
{
	const struct value *at = &v;

	assert(path.s != NULL || path.n == 0);
	for (;;) {
		const char *dot = path.n > 0 ? memchr(path.s, '.', path.n) : NULL;
		size_t n = dot != NULL ? (size_t)(dot - path.s) : path.n;
		struct text segment = { path.s, n };

		at = at->kind == VALUE_LIST ? list_at(*at, segment) : value_get(*at, segment);
		if (at == NULL || dot == NULL)
			return at;
		path = (struct text){ dot + 1, path.n - n - 1 };
	}
}
