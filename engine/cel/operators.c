/* SPDX-License-Identifier: Apache-2.0
 *
 * operators - arithmetic, comparison, membership and indexing: langdef.md, "List
 * of Standard Definitions".
 *
 * Integers overflow into an error, never around. Numbers of different kinds
 * compare by their value but don't mix in arithmetic.
 * Operands are never errors. */
#include "engine/cel/program.h"

#include <assert.h>
#include <math.h>

#include "engine/cel/types.h"

bool cel_is_number(struct value v)
{
	return v.kind == VALUE_INT || v.kind == VALUE_UINT || v.kind == VALUE_DOUBLE;
}

static struct value no_overload(struct cel_run *run, enum cel_op op, struct value a, struct value b)
{
	const char *hint =
	    cel_types_hint(op, (enum cel_type)(a.kind + 1), (enum cel_type)(b.kind + 1));

	return cel_error(run, "no such overload: %s %s %s%s%s",
			 value_kind_name((enum value_kind)a.kind), cel_op_text(op),
			 value_kind_name((enum value_kind)b.kind), hint[0] != '\0' ? "; " : "",
			 hint);
}

/* ---- Numbers ---- */

static struct value int_op(struct cel_run *run, enum cel_op op, int64_t a, int64_t b)
{
	int64_t r = 0;
	bool over;

	if ((op == CEL_OP_DIV || op == CEL_OP_MOD) && b == 0)
		return cel_error(run, op == CEL_OP_DIV ? "division by zero" : "modulus by zero");
	switch (op) {
	case CEL_OP_ADD:
		over = __builtin_add_overflow(a, b, &r);
		break;
	case CEL_OP_SUB:
		over = __builtin_sub_overflow(a, b, &r);
		break;
	case CEL_OP_MUL:
		over = __builtin_mul_overflow(a, b, &r);
		break;
	default:
		over = a == INT64_MIN && b == -1;
		if (!over)
			r = op == CEL_OP_DIV ? a / b : a % b;
	}
	return over ? cel_error(run, "integer overflow") : value_int(r);
}

static struct value uint_op(struct cel_run *run, enum cel_op op, uint64_t a, uint64_t b)
{
	uint64_t r = 0;
	bool over = false;

	if ((op == CEL_OP_DIV || op == CEL_OP_MOD) && b == 0)
		return cel_error(run, op == CEL_OP_DIV ? "division by zero" : "modulus by zero");
	switch (op) {
	case CEL_OP_ADD:
		over = __builtin_add_overflow(a, b, &r);
		break;
	case CEL_OP_SUB:
		over = __builtin_sub_overflow(a, b, &r);
		break;
	case CEL_OP_MUL:
		over = __builtin_mul_overflow(a, b, &r);
		break;
	default:
		r = op == CEL_OP_DIV ? a / b : a % b;
	}
	return over ? cel_error(run, "unsigned integer overflow") : value_uint(r);
}

static struct value double_op(enum cel_op op, double a, double b)
{
	switch (op) {
	case CEL_OP_ADD:
		return value_double(a + b);
	case CEL_OP_SUB:
		return value_double(a - b);
	case CEL_OP_MUL:
		return value_double(a * b);
	default:
		return value_double(a / b);
	}
}

struct value cel_negate(struct cel_run *run, struct value v)
{
	if (v.kind == VALUE_DOUBLE)
		return value_double(-v.d);
	if (v.kind != VALUE_INT)
		return cel_error(run, "no such overload: -%s",
				 value_kind_name((enum value_kind)v.kind));
	return v.i == INT64_MIN ? cel_error(run, "integer overflow") : value_int(-v.i);
}

/* ---- Joining ---- */

static struct value join_bytes(struct cel_run *run, struct value a, struct value b)
{
	size_t n = (size_t)a.n + b.n;
	char *s;

	if (n > UINT32_MAX)
		return cel_error_memory();
	if (!cel_charge(run, n / 64))
		return cel_error_budget();
	s = arena_alloc(run->arena, n);
	if (s == NULL)
		return cel_error_memory();
	if (a.n > 0)
		memcpy(s, a.s, a.n);
	if (b.n > 0)
		memcpy(s + a.n, b.s, b.n);
	return (struct value){ .kind = a.kind, .n = (uint32_t)n, .s = s };
}

static struct value join_lists(struct cel_run *run, struct value a, struct value b)
{
	size_t n = (size_t)a.n + b.n;
	struct value *items;

	if (n > UINT32_MAX)
		return cel_error_memory();
	if (!cel_charge(run, n / 8))
		return cel_error_budget();
	items = arena_array(run->arena, n, sizeof(*items));
	if (items == NULL)
		return cel_error_memory();
	if (a.n > 0)
		memcpy(items, a.items, a.n * sizeof(*items));
	if (b.n > 0)
		memcpy(items + a.n, b.items, b.n * sizeof(*items));
	return (struct value){ .kind = VALUE_LIST, .n = (uint32_t)n, .items = items };
}

/* ---- Times ---- */

/* a + sign * b for the pairs of times that have a sum. */
static struct value time_op(struct cel_run *run, enum cel_op op, struct value a, struct value b)
{
	int64_t sign = op == CEL_OP_SUB ? -1 : 1;
	int64_t seconds = a.i + sign * b.i; /* both within 2^39: can't overflow */
	int64_t nanos = (int64_t)(int32_t)a.n + sign * (int32_t)b.n;
	bool stamp_a = a.kind == VALUE_TIMESTAMP, stamp_b = b.kind == VALUE_TIMESTAMP;

	if (stamp_a && stamp_b && op == CEL_OP_ADD)
		return no_overload(run, op, a, b);
	if (!stamp_a && stamp_b && op == CEL_OP_SUB)
		return no_overload(run, op, a, b);
	if (stamp_a == stamp_b)
		return cel_duration(run, seconds, nanos);
	return cel_timestamp(run, seconds, nanos);
}

static bool is_time(struct value v)
{
	return v.kind == VALUE_TIMESTAMP || v.kind == VALUE_DURATION;
}

/* ---- Arithmetic ---- */

static struct value arithmetic(struct cel_run *run, enum cel_op op, struct value a, struct value b)
{
	if (is_time(a) && is_time(b) && (op == CEL_OP_ADD || op == CEL_OP_SUB))
		return time_op(run, op, a, b);
	if (a.kind != b.kind)
		return no_overload(run, op, a, b);
	if (a.kind == VALUE_INT)
		return int_op(run, op, a.i, b.i);
	if (a.kind == VALUE_UINT)
		return uint_op(run, op, a.u, b.u);
	if (a.kind == VALUE_DOUBLE && op != CEL_OP_MOD)
		return double_op(op, a.d, b.d);
	if (op == CEL_OP_ADD && (a.kind == VALUE_TEXT || a.kind == VALUE_BYTES))
		return join_bytes(run, a, b);
	if (op == CEL_OP_ADD && a.kind == VALUE_LIST)
		return join_lists(run, a, b);
	return no_overload(run, op, a, b);
}

/* ---- Comparing ---- */

static bool is_composite(struct value v)
{
	return v.kind == VALUE_LIST || v.kind == VALUE_MAP || v.kind == VALUE_OPTIONAL;
}

static bool has_bytes(struct value v)
{
	return v.kind == VALUE_TEXT || v.kind == VALUE_BYTES;
}

static struct value equality(struct cel_run *run, enum cel_op op, struct value a, struct value b)
{
	if (is_composite(a) && a.kind == b.kind && a.n == b.n && !cel_charge_value(run, a))
		return cel_error_budget();
	if (has_bytes(a) && a.kind == b.kind && !cel_charge(run, a.n / 64))
		return cel_error_budget();
	return value_bool(value_equal(a, b) == (op == CEL_OP_EQ));
}

static struct value ordering(struct cel_run *run, enum cel_op op, struct value a, struct value b)
{
	int order = value_order(a, b);

	if (order == 2) /* NaN has no order; anything else is a mistake */
		return cel_is_number(a) && cel_is_number(b) ? value_bool(false)
							    : no_overload(run, op, a, b);
	if (has_bytes(a) && !cel_charge(run, a.n / 64))
		return cel_error_budget();
	switch (op) {
	case CEL_OP_LT:
		return value_bool(order < 0);
	case CEL_OP_LE:
		return value_bool(order <= 0);
	case CEL_OP_GT:
		return value_bool(order > 0);
	default:
		return value_bool(order >= 0);
	}
}

static struct value membership(struct cel_run *run, struct value a, struct value b)
{
	bool afford;

	if (b.kind == VALUE_MAP)
		return cel_charge_key(run, a) ? value_bool(value_get_value(b, a) != NULL)
					      : cel_error_budget();
	if (b.kind != VALUE_LIST)
		return no_overload(run, CEL_OP_IN, a, b);
	if (is_composite(a) || a.n > 64)
		afford = cel_charge_value(run, b);
	else
		afford = cel_charge(run, b.n / 8);
	if (!afford)
		return cel_error_budget();
	for (uint32_t i = 0; i < b.n; i++) {
		if (value_equal(a, b.items[i]))
			return value_bool(true);
	}
	return value_bool(false);
}

struct value cel_binary(struct cel_run *run, enum cel_op op, struct value a, struct value b)
{
	assert(a.kind != VALUE_ERROR && b.kind != VALUE_ERROR);
	switch (op) {
	case CEL_OP_EQ:
	case CEL_OP_NE:
		return equality(run, op, a, b);
	case CEL_OP_LT:
	case CEL_OP_LE:
	case CEL_OP_GT:
	case CEL_OP_GE:
		return ordering(run, op, a, b);
	case CEL_OP_IN:
		return membership(run, a, b);
	default:
		return arithmetic(run, op, a, b);
	}
}

/* ---- Indexing ---- */

/* A list's index: an int, or another number that is whole. */
static bool whole_index(struct value key, int64_t *out)
{
	if (key.kind == VALUE_INT) {
		*out = key.i;
		return true;
	}
	if (key.kind == VALUE_UINT) {
		*out = key.u <= INT64_MAX ? (int64_t)key.u : INT64_MAX;
		return true;
	}
	if (key.kind != VALUE_DOUBLE || !(fabs(key.d) < 9e15) || trunc(key.d) != key.d)
		return false;
	*out = (int64_t)key.d;
	return true;
}

const struct value *cel_find(struct value of, struct value key, bool *fits)
{
	int64_t at;

	assert(fits != NULL);
	*fits = false;
	if (of.kind == VALUE_MAP) {
		*fits = key.kind == VALUE_TEXT || key.kind == VALUE_BOOL || cel_is_number(key);
		return value_get_value(of, key);
	}
	if (of.kind != VALUE_LIST || !whole_index(key, &at))
		return NULL;
	*fits = true;
	return at >= 0 && at < (int64_t)of.n ? &of.items[at] : NULL;
}

static struct value index_list(struct cel_run *run, struct value of, struct value key)
{
	int64_t at;

	if (!whole_index(key, &at))
		return cel_error(run, "no such overload: list[%s]",
				 value_kind_name((enum value_kind)key.kind));
	if (at < 0 || at >= (int64_t)of.n)
		return cel_error(run, "index out of bounds: %lld of a list of %u", (long long)at,
				 of.n);
	return of.items[at];
}

static struct value index_map(struct cel_run *run, struct value of, struct value key)
{
	const struct value *hit = value_get_value(of, key);

	if (hit != NULL)
		return *hit;
	switch (key.kind) {
	case VALUE_TEXT:
		return cel_error(run, "no such key: %.*s",
				 TEXT_ARG(text_head(value_as_text(key), 100)));
	case VALUE_INT:
		return cel_error(run, "no such key: %lld", (long long)key.i);
	case VALUE_UINT:
		return cel_error(run, "no such key: %llu", (unsigned long long)key.u);
	case VALUE_BOOL:
		return cel_error(run, "no such key: %s", key.b ? "true" : "false");
	case VALUE_DOUBLE:
		return cel_error(run, "no such key: %g", key.d);
	default:
		return cel_error(run, "no such overload: map[%s]",
				 value_kind_name((enum value_kind)key.kind));
	}
}

struct value cel_index(struct cel_run *run, struct value of, struct value key)
{
	assert(of.kind != VALUE_ERROR && key.kind != VALUE_ERROR);
	if (of.kind == VALUE_MAP)
		return cel_charge_key(run, key) ? index_map(run, of, key) : cel_error_budget();
	if (of.kind == VALUE_LIST)
		return index_list(run, of, key);
	if (of.kind == VALUE_OPTIONAL)
		return cel_optional_index(run, of, key);
	return cel_error(run, "no such overload: %s[%s]", value_kind_name((enum value_kind)of.kind),
			 value_kind_name((enum value_kind)key.kind));
}
