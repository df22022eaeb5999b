/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_optional - values that may be missing, as values: optional.of and its
 * relatives. What a.?b, a[?b] and [?a] do is the evaluator's business.
 *
 * Source: cel-spec's suite for optionals and cel-go's cel/library.go
 * (OptionalTypes). or() and orValue() have no function here: their argument is
 * evaluated only when it is needed.
 * An optional is a value of kind VALUE_OPTIONAL; it may hold any value, also null
 * and another optional. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"

#include <assert.h>

struct value cel_optional_none(void)
{
	return (struct value){ .kind = VALUE_OPTIONAL };
}

struct value cel_optional_of(struct cel_run *run, struct value v)
{
	struct value *item = arena_array(run->arena, 1, sizeof(*item));

	if (item == NULL)
		return cel_error_memory();
	*item = v;
	return (struct value){ .kind = VALUE_OPTIONAL, .n = 1, .items = item };
}

struct value cel_optional_index(struct cel_run *run, struct value of, struct value key)
{
	const struct value *hit;
	bool fits;

	assert(key.kind != VALUE_ERROR);
	while (of.kind == VALUE_OPTIONAL && of.n > 0)
		of = of.items[0];
	if (of.kind == VALUE_OPTIONAL)
		return of;
	hit = cel_find(of, key, &fits);
	if (hit != NULL)
		return cel_optional_of(run, *hit);
	if (fits)
		return cel_optional_none();
	return cel_error(run, "no such overload: %s[?%s]",
			 value_kind_name((enum value_kind)of.kind),
			 value_kind_name((enum value_kind)key.kind));
}

/* ---- Making ---- */

static struct value call_of(struct cel_run *run, void *of, const struct value *args, uint32_t count)
{
	(void)of;
	assert(count == 1);
	return cel_optional_of(run, args[0]);
}

static struct value call_none(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	(void)run;
	(void)of;
	(void)args;
	assert(count == 0);
	return cel_optional_none();
}

/* What a field has that nobody set: protobuf's default of its type. */
static bool is_zero(struct value v)
{
	switch (v.kind) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return !v.b;
	case VALUE_INT:
	case VALUE_UINT:
		return v.u == 0;
	case VALUE_DOUBLE:
		return v.d == 0.0;
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return v.i == 0 && v.n == 0;
	case VALUE_TYPE:
	case VALUE_ERROR:
		return false;
	default:
		return v.n == 0;
	}
}

static struct value call_of_non_zero(struct cel_run *run, void *of, const struct value *args,
				     uint32_t count)
{
	(void)of;
	assert(count == 1);
	return is_zero(args[0]) ? cel_optional_none() : cel_optional_of(run, args[0]);
}

/* ---- Asking ---- */

static struct value call_has_value(struct cel_run *run, void *of, const struct value *args,
				   uint32_t count)
{
	(void)run;
	(void)of;
	assert(count == 1);
	return value_bool(args[0].n > 0);
}

static struct value call_value(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	(void)of;
	assert(count == 1);
	return args[0].n > 0 ? args[0].items[0] : cel_error(run, "the optional has no value");
}

/* ---- Lists ---- */

static struct value call_unwrap(struct cel_run *run, void *of, const struct value *args,
				uint32_t count)
{
	struct value *items;
	uint32_t n = 0;

	(void)of;
	assert(count == 1);
	if (!cel_charge(run, args[0].n / 8))
		return cel_error_budget();
	items = arena_array(run->arena, args[0].n, sizeof(*items));
	if (items == NULL)
		return cel_error_memory();
	for (uint32_t i = 0; i < args[0].n; i++) {
		struct value v = args[0].items[i];

		if (v.kind != VALUE_OPTIONAL)
			return cel_error(run, "no such overload: the list holds %s, no optional",
					 value_kind_name((enum value_kind)v.kind));
		if (v.n > 0)
			items[n++] = v.items[0];
	}
	return (struct value){ .kind = VALUE_LIST, .n = n, .items = items };
}

#define ARGS(...)                                                                                  \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define UNWRAP_DOC "The values that the optionals of a list have."

const struct cel_function cel_functions_optional[] = {
	{ "optional.of", "An optional that has the value.", false, CEL_OPTIONAL, 1, 1,
	  ARGS(CEL_DYN), call_of, false },
	{ "optional.ofNonZeroValue",
	  "The same, but none for null, false, 0, \"\", and what is empty.", false, CEL_OPTIONAL, 1,
	  1, ARGS(CEL_DYN), call_of_non_zero, false },
	{ "optional.none", "An optional without a value.", false, CEL_OPTIONAL, 0, 0, ARGS(CEL_DYN),
	  call_none, false },
	{ "optional.unwrap", UNWRAP_DOC, false, CEL_LIST, 1, 1, ARGS(CEL_LIST), call_unwrap,
	  false },
	{ "unwrapOpt", UNWRAP_DOC, true, CEL_LIST, 1, 1, ARGS(CEL_LIST), call_unwrap, false },
	{ "hasValue", "Whether an optional has a value.", true, CEL_BOOL, 1, 1, ARGS(CEL_OPTIONAL),
	  call_has_value, false },
	{ "value", "The value of an optional; an error when it has none.", true, CEL_DYN, 1, 1,
	  ARGS(CEL_OPTIONAL), call_value, false },
	{ "or", "The optional, or another one when it has no value.", true, CEL_OPTIONAL, 2, 2,
	  ARGS(CEL_OPTIONAL, CEL_OPTIONAL), NULL, false },
	{ "orValue", "The value of the optional, or another when it has none.", true, CEL_DYN, 2, 2,
	  ARGS(CEL_OPTIONAL, CEL_DYN), NULL, false },
	{ .name = NULL },
};
