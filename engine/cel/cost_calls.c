/* SPDX-License-Identifier: Apache-2.0
 *
 * cost_calls - what functions charge, by name: a row here follows the cel_charge
 * calls of the function. A library function without a row counts as one that
 * reads all of its arguments slowly and returns as much as it reads. */
#include "engine/cel/cost_calls.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/cel/env.h"

enum result {
	OF_TYPE,    /* its row's type, of the assumed size */
	AS_IS,      /* the first argument, or part of it */
	ALL,        /* all arguments together */
	ITEM,       /* an item of the first argument */
	MAYBE_ITEM, /* an optional of one */
	MAYBE,      /* an optional of the first argument */
	TWICE,      /* a text of at most twice the bytes */
	NUMBERED,
	FLAT,
	SORTED,
	JOINED,
	REPLACED,
	SPLIT,
	FORMATTED,
	SET,
	BOUNDED, /* a text that is a number, a time or the argument itself */
	NUMBER,
	DATED, /* a text of at most five times the second argument's bytes */
};

struct row {
	const char *name;
	uint32_t bytes; /* of text arguments read in one step; 0: they are not read */
	uint32_t items; /* of list arguments */
	enum result result;
};

static const struct row rows[] = {
	{ "size", 64, 0, OF_TYPE },
	{ "int", 0, 0, OF_TYPE },
	{ "uint", 0, 0, OF_TYPE },
	{ "double", 0, 0, OF_TYPE },
	{ "num", 0, 0, OF_TYPE },
	{ "bool", 0, 0, OF_TYPE },
	{ "string", 64, 0, BOUNDED },
	{ "bytes", 0, 0, AS_IS },
	{ "type", 0, 0, OF_TYPE },
	{ "dyn", 0, 0, AS_IS },
	{ "timestamp", 0, 0, OF_TYPE },
	{ "duration", 0, 0, OF_TYPE },
	{ "contains", 32, 0, OF_TYPE },
	{ "startsWith", 64, 0, OF_TYPE },
	{ "endsWith", 64, 0, OF_TYPE },
	{ "matches", 32, 0, OF_TYPE },
	{ "charAt", 64, 0, BOUNDED },
	{ "substring", 64, 0, AS_IS },
	{ "indexOf", 16, 0, OF_TYPE },
	{ "lastIndexOf", 16, 0, OF_TYPE },
	{ "trim", 8, 0, AS_IS },
	{ "lowerAscii", 16, 0, AS_IS },
	{ "upperAscii", 16, 0, AS_IS },
	{ "reverse", 6, 4, AS_IS },
	{ "strings.quote", 4, 0, TWICE },
	{ "base64.encode", 16, 0, TWICE },
	{ "base64.decode", 16, 0, AS_IS },
	{ "join", 0, 1, JOINED },
	{ "replace", 16, 0, REPLACED },
	{ "split", 16, 0, SPLIT },
	{ "format", 8, 0, FORMATTED },
	{ "slice", 0, 0, AS_IS },
	{ "first", 0, 0, MAYBE_ITEM },
	{ "last", 0, 0, MAYBE_ITEM },
	{ "optional.of", 0, 0, MAYBE },
	{ "optional.ofNonZeroValue", 0, 0, MAYBE },
	{ "optional.none", 0, 0, OF_TYPE },
	{ "optional.unwrap", 0, 4, FLAT },
	{ "unwrapOpt", 0, 4, FLAT },
	{ "hasValue", 0, 0, OF_TYPE },
	{ "value", 0, 0, ITEM },
	{ "flatten", 0, 8, FLAT },
	{ "lists.range", 0, 0, NUMBERED },
	{ "sort", 0, 4, SORTED },
	{ "distinct", 0, 0, SET },
	{ "sets.contains", 0, 0, SET },
	{ "sets.equivalent", 0, 0, SET },
	{ "sets.intersects", 0, 0, SET },
	{ "math.greatest", 0, 4, OF_TYPE },
	{ "math.least", 0, 4, OF_TYPE },
	{ "sum", 0, 4, NUMBER },
	{ "round", 0, 0, OF_TYPE },
	{ "money", 0, 0, BOUNDED },
	{ "date", 0, 0, BOUNDED },
	{ "fmt", 8, 0, DATED },
};

/* Those that take numbers or parts of a time, and those that may read an address. */
static const struct row nothing = { "", 0, 0, OF_TYPE };
static const struct row address = { "", 0, 0, OF_TYPE };
static const struct row unknown = { "", 4, 1, ALL };

#define ADDRESS_STEPS 11

static bool takes_address(const char *name)
{
	static const char *const names[] = { "ip",
					     "isIP",
					     "ip.isCanonical",
					     "cidr",
					     "isCIDR",
					     "containsIP",
					     "containsCIDR",
					     "family",
					     "isGlobalUnicast",
					     "isLinkLocalMulticast",
					     "isLinkLocalUnicast",
					     "isLoopback",
					     "isUnspecified",
					     "masked",
					     "prefixLength" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static const struct row *row_of(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	if (strncmp(name, "get", 3) == 0 || strncmp(name, "math.", 5) == 0)
		return &nothing;
	return takes_address(name) ? &address : &unknown;
}

/* ---- What is read ---- */

/* The type that all rows take there, CEL_DYN when they differ. */
static enum cel_type wanted(const struct cost_call *call, uint32_t i)
{
	enum cel_type type = i < 4 ? call->rows[0]->args[i] : CEL_DYN;

	for (uint32_t k = 1; k < call->row_count; k++) {
		if (i < 4 && call->rows[k]->args[i] != type)
			return CEL_DYN;
	}
	return type;
}

/* An argument of unknown type is what the function takes. */
static struct extent argument(const struct cost_call *call, uint32_t i)
{
	return extent_taken_as(call->args[i], wanted(call, i));
}

static bool is_text(struct extent e)
{
	return e.type == CEL_TEXT || e.type == CEL_BYTES || e.type == CEL_DYN;
}

static bool is_list(struct extent e)
{
	return e.type == CEL_LIST || e.type == CEL_MAP;
}

/* One charge for each argument, or for the call when it has none. */
static uint64_t reading(const struct cost_call *call, const struct row *row)
{
	uint64_t steps = 1;

	for (uint32_t i = 0; i < call->count; i++) {
		struct extent e = argument(call, i);

		/* math.greatest(x): of one argument it is a list's items that are compared. */
		if (call->count == 1 && row->bytes == 0 && row->items > 0)
			e = extent_taken_as(e, CEL_LIST);
		steps = extent_add(steps, row == &address ? ADDRESS_STEPS : 0);
		if (is_text(e) && row->bytes > 0)
			steps = extent_add(steps, 1 + e.bytes / row->bytes);
		if (is_list(e) && row->items > 0)
			steps = extent_add(steps, 1 + e.items / row->items);
		if (is_list(e) && row == &unknown)
			steps = extent_add(steps, extent_times(2, e.read));
	}
	return steps;
}

static uint64_t reading_all(const struct cost_call *call)
{
	uint64_t steps = 0;

	for (uint32_t i = 0; i < call->count; i++)
		steps = extent_add(steps, argument(call, i).read);
	return steps;
}

/* A pattern or a zone that was not made ahead is made now: it is the last argument. */
static uint64_t making(const struct cost_call *call, const char *name)
{
	static const char *const makers[] = { "matches", "date", "fmt" };
	bool makes = strncmp(name, "get", 3) == 0;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		makes = makes || strcmp(name, makers[i]) == 0;
	if (!makes || call->prepared || call->count < (strcmp(name, "fmt") == 0 ? 3 : 2))
		return 0;
	return extent_add(CEL_MAKE_STEPS + 1, argument(call, call->count - 1).bytes);
}

/* A host's function reads at most a field before and after the change; a text it takes that
 * is no path names a zone. */
static uint64_t host_reads(const struct cost_call *call)
{
	uint64_t steps = 0;

	if (call->rows[0]->path_args)
		return 2 * extent_unknown().read;
	for (uint32_t i = 0; i < call->count; i++) {
		if (wanted(call, i) == CEL_TEXT)
			steps = extent_add(steps, CEL_MAKE_STEPS + argument(call, i).bytes);
	}
	return steps;
}

/* ---- Results ---- */

static uint32_t bits(uint64_t n)
{
	return n > 1 ? 64 - (uint32_t)__builtin_clzll(n - 1) : 1;
}

static struct extent written(uint64_t bytes, uint64_t *steps)
{
	uint64_t most = bytes < LIMIT_EXPR_TEXT ? bytes : LIMIT_EXPR_TEXT;

	*steps = extent_add(*steps, 1 + bytes / 64);
	return extent_text(most);
}

static struct extent joined(const struct cost_call *call, uint64_t *steps)
{
	struct extent list = argument(call, 0), item = extent_item(list);
	uint64_t each = item.bytes;

	if (call->count > 1)
		each = extent_add(each, argument(call, 1).bytes);
	return written(extent_times(list.items, each), steps);
}

/* Every place where the old text may stand gets the new one; an empty old text
 * stands between any two characters. */
static struct extent replaced(const struct cost_call *call, uint64_t *steps)
{
	struct extent of = argument(call, 0), with = argument(call, 2);
	const struct value *old = call->constants[1];
	uint64_t length = old != NULL && old->kind == VALUE_TEXT && old->n > 0 ? old->n : 1;
	uint64_t places = of.bytes / length + 1;

	*steps = extent_add(*steps, places);
	return written(extent_add(of.bytes, extent_times(places, with.bytes)), steps);
}

/* Pieces are counted as items from data are: a text of any length may have few. Between
 * characters there are as many as characters. */
static struct extent pieces(struct arena *arena, const struct cost_call *call, uint64_t *steps)
{
	const struct value *at = call->count > 1 ? call->constants[1] : NULL;
	bool characters = at != NULL && at->kind == VALUE_TEXT && at->n == 0;
	struct extent of = argument(call, 0), piece;
	uint64_t n = LIMIT_COST_ITEMS;

	if (characters || of.bytes < LIMIT_COST_ITEMS)
		n = extent_add(of.bytes, 1);
	piece = extent_text(of.bytes / n + 1);
	*steps = extent_add(*steps, n);
	return extent_list(arena, n, &piece);
}

/* A number takes up to 400 bytes and 25 steps; maps are sorted by their keys. */
static struct extent formatted(const struct cost_call *call, uint64_t *steps)
{
	struct extent list = argument(call, 1);
	uint64_t bytes = extent_add(extent_times(list.items, 400), extent_times(list.read, 64));

	*steps = extent_add(*steps, extent_times(list.items, 25));
	*steps = extent_add(*steps, extent_times(list.read, 5));
	return written(extent_add(argument(call, 0).bytes, bytes), steps);
}

static struct extent flat(struct arena *arena, const struct cost_call *call, uint64_t *steps)
{
	struct extent list = argument(call, 0), item = extent_item(list);
	const struct value *depth = call->count > 1 ? call->constants[1] : NULL;
	int64_t levels = call->count == 1 ? 1 : EXTENT_DEPTH;

	if (depth != NULL && depth->kind == VALUE_INT && depth->i < levels)
		levels = depth->i;
	/* Whoever flattens has lists in the list (or optionals, which have one item); deeper only
	 * when their depth is known. */
	if (levels > 0)
		item = extent_taken_as(item, CEL_LIST);
	for (; levels > 0 && (item.type == CEL_LIST || item.type == CEL_OPTIONAL); levels--) {
		*steps = extent_add(*steps, extent_times(list.items, 1 + item.items / 8));
		list.items = extent_times(list.items, item.items);
		item = extent_item(item);
	}
	*steps = extent_add(*steps, 1 + list.items / 4);
	return extent_list(arena, list.items, &item);
}

static struct extent numbered(struct arena *arena, const struct cost_call *call, uint64_t *steps)
{
	struct extent number = extent_of_type(CEL_INT);
	const struct value *n = call->constants[0];
	uint64_t items = LIMIT_COST_ITEMS;

	if (n != NULL && n->kind == VALUE_INT)
		items = n->i > 0 ? (uint64_t)n->i : 0;
	*steps = extent_add(*steps, 1 + items / 4);
	return extent_list(arena, items, &number);
}

uint64_t cost_sort(struct extent list, struct extent key)
{
	uint64_t each = extent_add(1, key.bytes / 64);

	/* A comparison for each item and doubling of what is in order; room for the result. */
	return extent_add(extent_times(list.items, extent_times(each, bits(list.items))),
			  extent_add(2 + list.items, each));
}

static struct extent sorted(const struct cost_call *call, uint64_t *steps)
{
	struct extent list = argument(call, 0);

	*steps = extent_add(*steps, cost_sort(list, extent_item(list)));
	return list;
}

static struct extent all_of(struct arena *arena, const struct cost_call *call)
{
	struct extent e = call->count > 0 ? argument(call, 0) : extent_unknown();

	for (uint32_t i = 1; i < call->count; i++) {
		struct extent more = argument(call, i);
		uint64_t items = extent_add(e.items, more.items);
		uint64_t bytes = extent_add(e.bytes, more.bytes);
		uint64_t read = extent_add(e.read, more.read);

		e = extent_either(arena, e, more);
		e.items = items;
		e.bytes = bytes;
		e.read = read;
	}
	return e;
}

static struct extent assumed(const struct cost_call *call)
{
	enum cel_type type = call->rows[0]->type;

	for (uint32_t i = 1; i < call->row_count; i++) {
		if (call->rows[i]->type != type)
			return extent_unknown();
	}
	return extent_of_type(type);
}

static struct extent result(struct arena *arena, const struct cost_call *call,
			    const struct row *row, uint64_t *steps)
{
	struct extent first = call->count > 0 ? argument(call, 0) : extent_unknown();

	switch (row->result) {
	case OF_TYPE:
		break;
	case AS_IS:
		return first;
	case ALL:
		return extent_is_scalar(assumed(call)) ? assumed(call) : all_of(arena, call);
	case ITEM:
		return extent_item(first);
	case TWICE:
		return written(extent_add(extent_times(first.bytes, 2), 4), steps);
	case MAYBE_ITEM:
		return extent_optional(arena, extent_item(first));
	case MAYBE:
		return extent_optional(arena, first);
	case NUMBERED:
		return numbered(arena, call, steps);
	case FLAT:
		return flat(arena, call, steps);
	case SORTED:
		return sorted(call, steps);
	case JOINED:
		return joined(call, steps);
	case REPLACED:
		return replaced(call, steps);
	case SPLIT:
		return pieces(arena, call, steps);
	case FORMATTED:
		return formatted(call, steps);
	case SET:
		*steps = extent_add(*steps, extent_times(5, reading_all(call)));
		return assumed(call).type == CEL_LIST ? first : assumed(call);
	case BOUNDED:
		return is_text(first) ? extent_text(first.bytes) : extent_text(40);
	case NUMBER:
		return extent_of_type(CEL_DOUBLE);
	case DATED:
		return written(extent_times(argument(call, 1).bytes, 5), steps);
	}
	return assumed(call);
}

struct extent cost_call(struct arena *arena, const struct cost_call *call, uint64_t *steps)
{
	const char *name;
	const struct row *row;

	assert(arena != NULL && call != NULL && steps != NULL);
	assert(call->row_count > 0);
	name = call->rows[0]->name;
	if (!cel_env_is_library(call->rows[0])) {
		*steps = extent_add(*steps, host_reads(call));
		return call->rows[0]->type == CEL_DYN && call->count == 1 ? call->args[0]
									  : assumed(call);
	}
	row = row_of(name);
	*steps = extent_add(*steps, extent_add(reading(call, row), making(call, name)));
	return result(arena, call, row, steps);
}
