/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_lists - slice, flatten, reverse, sort, first, last and lists.range:
 * cel-go's lists extension; sortBy() is a macro that ends here, too.
 *
 * One thing is wider than there: numbers of different kinds sort together by
 * their value, because JSON writes 1 and 1.5 in one list.
 * I1  Sorting is stable and costs a step for every comparison.
 * Ownership: results live in the evaluation's arena; a slice borrows the list. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"

#include <assert.h>

static struct value list_of(const struct value *items, uint32_t n)
{
	return (struct value){ .kind = VALUE_LIST, .n = n, .items = items };
}

/* Room for n items, paid for; NULL with the error in *bad. */
static struct value *room_for(struct cel_run *run, uint64_t n, struct value *bad)
{
	struct value *items = NULL;

	*bad = cel_error_budget();
	if (!cel_charge(run, n / 4))
		return NULL;
	*bad = cel_error_memory();
	if (n <= UINT32_MAX)
		items = arena_array(cel_arena(run), n, sizeof(*items));
	return items;
}

/* ---- Parts of a list ---- */

static struct value call_slice(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	int64_t from = args[1].i, to = args[2].i;

	(void)of;
	assert(count == 3);
	if (from < 0 || from > to || to > (int64_t)args[0].n)
		return cel_error(run, "slice: %lld to %lld is outside a list of %u",
				 (long long)from, (long long)to, args[0].n);
	return list_of(from == to ? NULL : args[0].items + from, (uint32_t)(to - from));
}

static struct value call_first(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	struct value v = { .kind = VALUE_OPTIONAL };

	(void)run;
	(void)of;
	assert(count == 1);
	if (args[0].n > 0) {
		v.n = 1;
		v.items = args[0].items;
	}
	return v;
}

static struct value call_last(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct value v = { .kind = VALUE_OPTIONAL };

	(void)run;
	(void)of;
	assert(count == 1);
	if (args[0].n > 0) {
		v.n = 1;
		v.items = args[0].items + args[0].n - 1;
	}
	return v;
}

/* ---- reverse, range ---- */

static struct value call_reverse(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	struct value bad, *items = room_for(run, args[0].n, &bad);

	(void)of;
	assert(count == 1);
	if (items == NULL)
		return bad;
	for (uint32_t i = 0; i < args[0].n; i++)
		items[i] = args[0].items[args[0].n - 1 - i];
	return list_of(items, args[0].n);
}

static struct value call_range(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	uint64_t n = args[0].i > 0 ? (uint64_t)args[0].i : 0;
	struct value bad, *items = room_for(run, n, &bad);

	(void)of;
	assert(count == 1);
	if (items == NULL)
		return bad;
	for (uint32_t i = 0; i < n; i++)
		items[i] = value_int(i);
	return list_of(items, (uint32_t)n);
}

/* ---- flatten ---- */

/* How many items the list has when lists in it are opened, `depth` levels down.
 * Every list met is paid for, empty ones too; once the budget is spent the number
 * means nothing. Recurses as deep as the value is nested. */
static uint64_t flat_size(struct cel_run *run, struct value list, int64_t depth)
{
	uint64_t n = 0;

	if (!cel_charge(run, list.n / 8))
		return 0;
	if (depth == 0)
		return list.n;
	for (uint32_t i = 0; i < list.n && run->steps >= 0; i++)
		n +=
		    list.items[i].kind == VALUE_LIST ? flat_size(run, list.items[i], depth - 1) : 1;
	return n;
}

/* Where the next item goes. */
static struct value *flat_copy(struct value list, int64_t depth, struct value *to)
{
	for (uint32_t i = 0; i < list.n; i++) {
		if (depth > 0 && list.items[i].kind == VALUE_LIST)
			to = flat_copy(list.items[i], depth - 1, to);
		else
			*to++ = list.items[i];
	}
	return to;
}

static struct value call_flatten(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	int64_t depth = count == 2 ? args[1].i : 1;
	struct value bad, *items;
	uint64_t n;

	(void)of;
	assert(count == 1 || count == 2);
	if (depth < 0)
		return cel_error(run, "flatten: the depth is negative");
	n = flat_size(run, args[0], depth);
	if (run->steps < 0)
		return cel_error_budget();
	items = room_for(run, n, &bad);
	if (items == NULL)
		return bad;
	flat_copy(args[0], depth, items);
	return list_of(items, (uint32_t)n);
}

/* ---- sort ---- */

struct sorter {
	struct cel_run *run;
	const struct value *keys;
	uint32_t *from, *to; /* positions */
};

static uint32_t read_bytes(struct value v)
{
	return v.kind == VALUE_TEXT || v.kind == VALUE_BYTES ? v.n : 0;
}

/* Merges two sorted runs, low..mid and mid..high; false when the budget is spent. */
static bool merge(struct sorter *s, uint32_t low, uint32_t mid, uint32_t high)
{
	uint32_t i = low, k = mid;

	for (uint32_t at = low; at < high; at++) {
		bool right = i == mid;

		if (i < mid && k < high) {
			struct value a = s->keys[s->from[i]], b = s->keys[s->from[k]];

			if (!cel_charge(s->run, read_bytes(a) / 64))
				return false;
			right = value_order(b, a) < 0;
		}
		s->to[at] = s->from[right ? k++ : i++];
	}
	return true;
}

/* Sorts the positions 0..n-1 by their keys, which have an order. False when the
 * budget is spent; the positions are in s->from. */
static bool merge_sort(struct sorter *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		s->from[i] = i;
	for (uint64_t width = 1; width < n; width *= 2) {
		uint32_t *done = s->to;

		for (uint64_t low = 0; low < n; low += 2 * width) {
			uint64_t mid = low + width < n ? low + width : n;
			uint64_t high = mid + width < n ? mid + width : n;

			if (!merge(s, (uint32_t)low, (uint32_t)mid, (uint32_t)high))
				return false;
		}
		s->to = s->from;
		s->from = done;
	}
	return true;
}

/* An error unless all keys have an order: numbers, or one kind that has. Reads no
 * more than the first one. */
static struct value check_keys(struct cel_run *run, const struct value *keys, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bool number = cel_is_number(keys[i]);

		if (number && value_order(keys[i], keys[i]) != 0)
			return cel_error(run, "sorting: NaN has no order");
		if (number ? !cel_is_number(keys[0]) : keys[i].kind != keys[0].kind)
			return cel_error(run, "sorting: %s and %s have no order",
					 value_kind_name((enum value_kind)keys[0].kind),
					 value_kind_name((enum value_kind)keys[i].kind));
	}
	if (n > 0 && cel_charge(run, read_bytes(keys[0]) / 64) &&
	    value_order(keys[0], keys[0]) != 0)
		return cel_error(run, "sorting: %s has no order",
				 value_kind_name((enum value_kind)keys[0].kind));
	return value_null();
}

struct value cel_sort(struct cel_run *run, struct value list, const struct value *keys)
{
	struct sorter s = { .run = run, .keys = keys };
	struct value bad, *items = room_for(run, list.n, &bad);

	assert(list.kind == VALUE_LIST && (keys != NULL || list.n == 0));
	if (items == NULL)
		return bad;
	bad = check_keys(run, keys, list.n);
	if (bad.kind == VALUE_ERROR)
		return bad;
	s.from = arena_array(run->arena, list.n, sizeof(*s.from));
	s.to = arena_array(run->arena, list.n, sizeof(*s.to));
	if (s.from == NULL || s.to == NULL)
		return cel_error_memory();
	if (!merge_sort(&s, list.n))
		return cel_error_budget();
	for (uint32_t i = 0; i < list.n; i++)
		items[i] = list.items[s.from[i]];
	return list_of(items, list.n);
}

static struct value call_sort(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	(void)of;
	assert(count == 1);
	return cel_sort(run, args[0], args[0].items);
}

/* ---- The table ---- */

#define OF_LIST(name_, doc_, type_, call_)                                                         \
	{                                                                                          \
		(name_), (doc_), true, (type_), 1, 1, { CEL_LIST }, (call_), false                 \
	}

const struct cel_function cel_functions_lists[] = {
	{ "slice",
	  "The items from one position up to another.",
	  true,
	  CEL_LIST,
	  3,
	  3,
	  { CEL_LIST, CEL_INT, CEL_INT },
	  call_slice,
	  false },
	{ "flatten",
	  "The list with the lists in it opened, one level or as many as given.",
	  true,
	  CEL_LIST,
	  1,
	  2,
	  { CEL_LIST, CEL_INT },
	  call_flatten,
	  false },
	{ "lists.range",
	  "The ints from 0 up to a number, without it.",
	  false,
	  CEL_LIST,
	  1,
	  1,
	  { CEL_INT },
	  call_range,
	  false },
	OF_LIST("reverse", "The items from the last to the first.", CEL_LIST, call_reverse),
	OF_LIST("sort", "The items from the least to the greatest.", CEL_LIST, call_sort),
	OF_LIST("first", "The first item as an optional.", CEL_OPTIONAL, call_first),
	OF_LIST("last", "The last item as an optional.", CEL_OPTIONAL, call_last),
	{ .name = NULL },
};
