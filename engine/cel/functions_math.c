/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_math - math.greatest, math.round, math.bitAnd and their relatives:
 * cel-go's math extension.
 *
 * Numbers compare by their value across kinds, as everywhere; the result keeps
 * the kind that it had. What has no answer (the absolute value of the least int,
 * an order among NaN) is an error, never a wrong number. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"

#include <assert.h>
#include <math.h>

#define WORD 64 /* bits of an int */

/* ---- greatest, least ---- */

/* The first of the items that no other one beats; `sign` 1 looks for the
 * greatest, -1 for the least. */
static struct value extreme(struct cel_run *run, const struct value *items, uint32_t n, int sign)
{
	struct value best;

	if (n == 0)
		return cel_error(run, "the list has no %s number", sign > 0 ? "greatest" : "least");
	if (!cel_charge(run, n / 4))
		return cel_error_budget();
	best = items[0];
	for (uint32_t i = 0; i < n; i++) {
		int order;

		if (!cel_is_number(items[i]))
			return cel_error(run, "math.%s takes numbers, not %s",
					 sign > 0 ? "greatest" : "least",
					 value_kind_name((enum value_kind)items[i].kind));
		order = value_order(items[i], best);
		if (order == 2 && n > 1)
			return cel_error(run, "NaN has no order");
		if (order == sign)
			best = items[i];
	}
	return best;
}

static struct value call_greatest(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	(void)of;
	if (count == 1 && args[0].kind == VALUE_LIST)
		return extreme(run, args[0].items, args[0].n, 1);
	return extreme(run, args, count, 1);
}

static struct value call_least(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	(void)of;
	if (count == 1 && args[0].kind == VALUE_LIST)
		return extreme(run, args[0].items, args[0].n, -1);
	return extreme(run, args, count, -1);
}

/* ---- Doubles ---- */

#define DOUBLE_CALL(name_, expression_)                                                            \
	static struct value name_(struct cel_run *run, void *of, const struct value *args,         \
				  uint32_t count)                                                  \
	{                                                                                          \
		double d = args[0].d;                                                              \
                                                                                                   \
		(void)run;                                                                         \
		(void)of;                                                                          \
		assert(count == 1 && args[0].kind == VALUE_DOUBLE);                                \
		return expression_;                                                                \
	}

DOUBLE_CALL(call_ceil, value_double(ceil(d)))
DOUBLE_CALL(call_floor, value_double(floor(d)))
DOUBLE_CALL(call_round, value_double(round(d)))
DOUBLE_CALL(call_trunc, value_double(trunc(d)))
DOUBLE_CALL(call_is_nan, value_bool(isnan(d)))
DOUBLE_CALL(call_is_inf, value_bool(isinf(d)))
DOUBLE_CALL(call_is_finite, value_bool(isfinite(d)))

static struct value call_sqrt(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct value v = args[0];

	(void)run;
	(void)of;
	assert(count == 1 && cel_is_number(v));
	if (v.kind == VALUE_DOUBLE)
		return value_double(sqrt(v.d));
	return value_double(sqrt(v.kind == VALUE_INT ? (double)v.i : (double)v.u));
}

/* ---- abs, sign ---- */

static struct value call_abs(struct cel_run *run, void *of, const struct value *args,
			     uint32_t count)
{
	struct value v = args[0];

	(void)of;
	assert(count == 1 && cel_is_number(v));
	if (v.kind == VALUE_DOUBLE)
		return value_double(fabs(v.d));
	if (v.kind == VALUE_UINT || v.i >= 0)
		return v;
	return v.i == INT64_MIN ? cel_error(run, "integer overflow") : value_int(-v.i);
}

static struct value call_sign(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct value v = args[0];

	(void)run;
	(void)of;
	assert(count == 1 && cel_is_number(v));
	if (v.kind == VALUE_UINT)
		return value_uint(v.u > 0 ? 1 : 0);
	if (v.kind == VALUE_INT)
		return value_int((v.i > 0) - (v.i < 0));
	return isnan(v.d) ? v : value_double((v.d > 0) - (v.d < 0));
}

/* ---- Bits ---- */

/* The two kinds of integers share their bits in the union; C17 reads them as the
 * member named (6.5.2.3, footnote on type punning). */
static struct value with_bits(struct value v, uint64_t bits)
{
	v.u = bits;
	return v;
}

#define BITS_CALL(name_, arguments_, expression_)                                                  \
	static struct value name_(struct cel_run *run, void *of, const struct value *args,         \
				  uint32_t count)                                                  \
	{                                                                                          \
		(void)run;                                                                         \
		(void)of;                                                                          \
		assert(count == (arguments_));                                                     \
		return with_bits(args[0], expression_);                                            \
	}

BITS_CALL(call_and, 2, args[0].u &args[1].u)
BITS_CALL(call_or, 2, args[0].u | args[1].u)
BITS_CALL(call_xor, 2, args[0].u ^ args[1].u)
BITS_CALL(call_not, 1, ~args[0].u)

static struct value shifted(struct cel_run *run, struct value v, int64_t by, bool left)
{
	if (by < 0)
		return cel_error(run, "a shift by a negative number");
	if (by >= WORD)
		return with_bits(v, 0);
	return with_bits(v, left ? v.u << by : v.u >> by);
}

static struct value call_shift_left(struct cel_run *run, void *of, const struct value *args,
				    uint32_t count)
{
	(void)of;
	assert(count == 2);
	return shifted(run, args[0], args[1].i, true);
}

/* The sign is not kept: zeros come in from the left. */
static struct value call_shift_right(struct cel_run *run, void *of, const struct value *args,
				     uint32_t count)
{
	(void)of;
	assert(count == 2);
	return shifted(run, args[0], args[1].i, false);
}

/* ---- The table ---- */

#define ONE(name_, doc_, type_, argument_, call_)                                                  \
	{                                                                                          \
		(name_), (doc_), false, (type_), 1, 1, { (argument_) }, (call_), false             \
	}
#define TWO(name_, doc_, type_, first_, second_, call_)                                            \
	{                                                                                          \
		(name_), (doc_), false, (type_), 2, 2, { (first_), (second_) }, (call_), false     \
	}
#define MANY(name_, doc_, call_)                                                                   \
	ONE(name_, doc_, CEL_DYN, CEL_LIST, call_), ONE(name_, doc_, CEL_INT, CEL_INT, call_),     \
	    ONE(name_, doc_, CEL_UINT, CEL_UINT, call_),                                           \
	    ONE(name_, doc_, CEL_DOUBLE, CEL_DOUBLE, call_),                                       \
	{                                                                                          \
		(name_), (doc_), false, CEL_DYN, 2, UINT8_MAX, { CEL_DYN }, (call_), false         \
	}
#define INTEGERS(name_, doc_, call_)                                                               \
	TWO(name_, doc_, CEL_INT, CEL_INT, CEL_INT, call_),                                        \
	    TWO(name_, doc_, CEL_UINT, CEL_UINT, CEL_UINT, call_)
#define SHIFT(name_, doc_, call_)                                                                  \
	TWO(name_, doc_, CEL_INT, CEL_INT, CEL_INT, call_),                                        \
	    TWO(name_, doc_, CEL_UINT, CEL_UINT, CEL_INT, call_)
#define NUMBER(name_, doc_, call_)                                                                 \
	ONE(name_, doc_, CEL_INT, CEL_INT, call_), ONE(name_, doc_, CEL_UINT, CEL_UINT, call_),    \
	    ONE(name_, doc_, CEL_DOUBLE, CEL_DOUBLE, call_)

const struct cel_function cel_functions_math[] = {
	MANY("math.greatest", "The greatest of its arguments, or of a list's numbers.",
	     call_greatest),
	MANY("math.least", "The least of its arguments, or of a list's numbers.", call_least),
	ONE("math.ceil", "The double rounded up.", CEL_DOUBLE, CEL_DOUBLE, call_ceil),
	ONE("math.floor", "The double rounded down.", CEL_DOUBLE, CEL_DOUBLE, call_floor),
	ONE("math.round", "The whole number next to a double; halves go away from zero.",
	    CEL_DOUBLE, CEL_DOUBLE, call_round),
	ONE("math.trunc", "The double without its fraction.", CEL_DOUBLE, CEL_DOUBLE, call_trunc),
	NUMBER("math.abs", "The number without its sign.", call_abs),
	NUMBER("math.sign", "-1, 0 or 1 in the number's own type.", call_sign),
	ONE("math.sqrt", "The square root as a double; NaN of a negative number.", CEL_DOUBLE,
	    CEL_INT, call_sqrt),
	ONE("math.sqrt", "The square root as a double.", CEL_DOUBLE, CEL_UINT, call_sqrt),
	ONE("math.sqrt", "The square root as a double; NaN of a negative number.", CEL_DOUBLE,
	    CEL_DOUBLE, call_sqrt),
	ONE("math.isNaN", "True for the double that is not a number.", CEL_BOOL, CEL_DOUBLE,
	    call_is_nan),
	ONE("math.isInf", "True for an infinite double.", CEL_BOOL, CEL_DOUBLE, call_is_inf),
	ONE("math.isFinite", "True for a double that is neither NaN nor infinite.", CEL_BOOL,
	    CEL_DOUBLE, call_is_finite),
	INTEGERS("math.bitAnd", "The bits that both integers have.", call_and),
	INTEGERS("math.bitOr", "The bits that either integer has.", call_or),
	INTEGERS("math.bitXor", "The bits that one of the integers has.", call_xor),
	ONE("math.bitNot", "The bits that the integer doesn't have.", CEL_INT, CEL_INT, call_not),
	ONE("math.bitNot", "The bits that the integer doesn't have.", CEL_UINT, CEL_UINT, call_not),
	SHIFT("math.bitShiftLeft", "The bits moved up; 0 from 64 on.", call_shift_left),
	SHIFT("math.bitShiftRight", "The bits moved down; the sign is not kept.", call_shift_right),
	{ .name = NULL },
};
