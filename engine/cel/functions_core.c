/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_core - size, type and the conversions: langdef.md, "List of Standard
 * Definitions", and our own num().
 *
 * A function is one row of the table at the end. Kinds declared there were
 * checked by the evaluator; dyn arguments are the function's business. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/timetext.h"

#define ONE(type_)                                                                                 \
	{                                                                                          \
		(type_), CEL_DYN, CEL_DYN, CEL_DYN                                                 \
	}
#define NUMBER_TEXT 400 /* longer spellings of a number are refused: 2^1023 has 309 digits */

static struct value no_overload(struct cel_run *run, const char *name, struct value v)
{
	return cel_error(run, "no such overload: %s(%s)", name,
			 value_kind_name((enum value_kind)v.kind));
}

static const char *quoted(struct value v, char out[64])
{
	snprintf(out, 64, "\"%.*s\"%s", TEXT_ARG(text_head(value_as_text(v), 40)),
		 v.n > 40 ? "..." : "");
	return out;
}

static struct value no_number(struct cel_run *run, const char *type, struct value v)
{
	char text[64];

	return cel_error(run, "%s is no %s", quoted(v, text), type);
}

static struct value out_of_range(struct cel_run *run, const char *type)
{
	return cel_error(run, "the number is out of range for %s", type);
}

/* ---- size ---- */

static struct value call_size(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct value v = args[0];
	int64_t points = 0;

	(void)of;
	assert(count == 1);
	if (v.kind != VALUE_TEXT)
		return value_int(v.n);
	if (!cel_charge(run, v.n / 64))
		return cel_error_budget();
	for (uint32_t i = 0; i < v.n; i++)
		points += ((unsigned char)v.s[i] & 0xc0) != 0x80 ? 1 : 0;
	return value_int(points);
}

/* ---- int, uint, double, num ---- */

#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

static struct value call_int(struct cel_run *run, void *of, const struct value *args,
			     uint32_t count)
{
	struct value v = args[0];
	int64_t i;

	(void)of;
	assert(count == 1);
	switch (v.kind) {
	case VALUE_INT:
		return v;
	case VALUE_UINT:
		return v.u <= INT64_MAX ? value_int((int64_t)v.u) : out_of_range(run, "int");
	case VALUE_DOUBLE:
		if (!(v.d > -TWO_63 && v.d < TWO_63))
			return out_of_range(run, "int");
		return value_int((int64_t)v.d);
	case VALUE_TEXT:
		return v.n <= NUMBER_TEXT && text_to_int(value_as_text(v), &i)
			   ? value_int(i)
			   : no_number(run, "int", v);
	case VALUE_TIMESTAMP:
		return value_int(v.i);
	default:
		return no_overload(run, "int", v);
	}
}

static bool text_to_uint(struct text t, uint64_t *out)
{
	uint64_t u = 0;

	if (t.n == 0)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] < '0' || t.s[i] > '9' || __builtin_mul_overflow(u, 10u, &u) ||
		    __builtin_add_overflow(u, (unsigned)(t.s[i] - '0'), &u))
			return false;
	}
	*out = u;
	return true;
}

static struct value call_uint(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct value v = args[0];
	uint64_t u;

	(void)of;
	assert(count == 1);
	switch (v.kind) {
	case VALUE_INT:
		return v.i >= 0 ? value_uint((uint64_t)v.i) : out_of_range(run, "uint");
	case VALUE_UINT:
		return v;
	case VALUE_DOUBLE:
		if (!(v.d > -1.0 && v.d < TWO_64))
			return out_of_range(run, "uint");
		return value_uint((uint64_t)v.d);
	case VALUE_TEXT:
		return v.n <= NUMBER_TEXT && text_to_uint(value_as_text(v), &u)
			   ? value_uint(u)
			   : no_number(run, "uint", v);
	default:
		return no_overload(run, "uint", v);
	}
}

/* NaN, Infinity and their short forms in any case, with a sign. */
static bool special_double(struct text t, double *out)
{
	bool negative = t.n > 0 && t.s[0] == '-';

	if (t.n > 0 && (t.s[0] == '-' || t.s[0] == '+')) {
		t.s++;
		t.n--;
	}
	if (text_ieq(t, TEXT("nan")))
		*out = (double)NAN;
	else if (text_ieq(t, TEXT("inf")) || text_ieq(t, TEXT("infinity")))
		*out = negative ? -(double)INFINITY : (double)INFINITY;
	else
		return false;
	return true;
}

bool cel_text_to_double(struct text t, bool words, double *out)
{
	char room[NUMBER_TEXT + 1], *end;

	assert(out != NULL);
	if (words && special_double(t, out))
		return true;
	if (t.n == 0 || t.n > NUMBER_TEXT)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '\0' || strchr("0123456789+-.eE", t.s[i]) == NULL)
			return false;
	}
	memcpy(room, t.s, t.n);
	room[t.n] = '\0';
	*out = strtod(room, &end);
	return end == room + t.n && isfinite(*out);
}

static struct value to_double(struct cel_run *run, const char *name, struct value v, bool words)
{
	double d;

	switch (v.kind) {
	case VALUE_INT:
		return value_double((double)v.i);
	case VALUE_UINT:
		return value_double((double)v.u);
	case VALUE_DOUBLE:
		return v;
	case VALUE_TEXT:
		return cel_text_to_double(value_as_text(v), words, &d)
			   ? value_double(d)
			   : no_number(run, "number", v);
	default:
		return no_overload(run, name, v);
	}
}

static struct value call_double(struct cel_run *run, void *of, const struct value *args,
				uint32_t count)
{
	(void)of;
	assert(count == 1);
	return to_double(run, "double", args[0], true);
}

static struct value call_num(struct cel_run *run, void *of, const struct value *args,
			     uint32_t count)
{
	(void)of;
	assert(count == 1);
	return to_double(run, "num", args[0], false);
}

/* ---- string, bytes, bool ---- */

static struct value text_value(struct text t)
{
	return t.s != NULL ? value_text(t) : cel_error_memory();
}

/* The shortest spelling that reads back as d. */
static struct value double_text(struct cel_run *run, double d)
{
	char room[40];

	if (isnan(d))
		return value_text(TEXT("NaN"));
	if (isinf(d))
		return value_text(d > 0 ? TEXT("Infinity") : TEXT("-Infinity"));
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(room, sizeof(room), "%.*g", digits, d);
		if (strtod(room, NULL) == d)
			break;
	}
	return text_value(text_dup(run->arena, text_of(room)));
}

static struct value bytes_text(struct cel_run *run, struct value v)
{
	if (!cel_charge(run, v.n / 64))
		return cel_error_budget();
	if (!text_is_utf8(value_as_text(v)))
		return cel_error(run, "the bytes are no UTF-8");
	return value_text(value_as_text(v));
}

static struct value call_string(struct cel_run *run, void *of, const struct value *args,
				uint32_t count)
{
	struct value v = args[0];
	char room[TIMETEXT_MAX + CEL_DURATION_TEXT + VALUE_ADDRESS_TEXT];

	(void)of;
	assert(count == 1);
	switch (v.kind) {
	case VALUE_TEXT:
		return v;
	case VALUE_BOOL:
		return value_text(v.b ? TEXT("true") : TEXT("false"));
	case VALUE_INT:
		return text_value(text_printf(run->arena, "%lld", (long long)v.i));
	case VALUE_UINT:
		return text_value(text_printf(run->arena, "%llu", (unsigned long long)v.u));
	case VALUE_DOUBLE:
		return double_text(run, v.d);
	case VALUE_BYTES:
		return bytes_text(run, v);
	case VALUE_TIMESTAMP:
		timetext_format(v.i, (int32_t)v.n, room);
		return text_value(text_dup(run->arena, text_of(room)));
	case VALUE_DURATION:
		cel_duration_text(v, room);
		return text_value(text_dup(run->arena, text_of(room)));
	case VALUE_IP:
	case VALUE_CIDR:
		value_address_text(v, room);
		return text_value(text_dup(run->arena, text_of(room)));
	default:
		return no_overload(run, "string", v);
	}
}

static struct value call_bytes(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	struct value v = args[0];

	(void)of;
	assert(count == 1);
	if (v.kind != VALUE_TEXT && v.kind != VALUE_BYTES)
		return no_overload(run, "bytes", v);
	v.kind = VALUE_BYTES;
	return v;
}

static struct value call_bool(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	static const char *const words[] = { "1", "t", "true",  "TRUE",  "True",
					     "0", "f", "false", "FALSE", "False" };
	struct value v = args[0];
	char text[64];

	(void)of;
	assert(count == 1);
	if (v.kind == VALUE_BOOL)
		return v;
	if (v.kind != VALUE_TEXT)
		return no_overload(run, "bool", v);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_is(value_as_text(v), words[i]))
			return value_bool(i < 5);
	}
	return cel_error(run, "%s is no bool", quoted(v, text));
}

/* ---- type, dyn ---- */

static struct value call_type(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct value v = value_text(text_of(value_kind_name((enum value_kind)args[0].kind)));

	(void)run;
	(void)of;
	assert(count == 1);
	v.kind = VALUE_TYPE;
	return v;
}

static struct value call_dyn(struct cel_run *run, void *of, const struct value *args,
			     uint32_t count)
{
	(void)run;
	(void)of;
	assert(count == 1);
	return args[0];
}

#define SIZE_DOC "How many characters a text has, bytes, items of a list, or pairs of a map."

const struct cel_function cel_functions_core[] = {
	{ "size", SIZE_DOC, false, CEL_INT, 1, 1, ONE(CEL_TEXT), call_size, false },
	{ "size", SIZE_DOC, false, CEL_INT, 1, 1, ONE(CEL_BYTES), call_size, false },
	{ "size", SIZE_DOC, false, CEL_INT, 1, 1, ONE(CEL_LIST), call_size, false },
	{ "size", SIZE_DOC, false, CEL_INT, 1, 1, ONE(CEL_MAP), call_size, false },
	{ "size", SIZE_DOC, true, CEL_INT, 1, 1, ONE(CEL_TEXT), call_size, false },
	{ "size", SIZE_DOC, true, CEL_INT, 1, 1, ONE(CEL_BYTES), call_size, false },
	{ "size", SIZE_DOC, true, CEL_INT, 1, 1, ONE(CEL_LIST), call_size, false },
	{ "size", SIZE_DOC, true, CEL_INT, 1, 1, ONE(CEL_MAP), call_size, false },
	{ "int", "A number, numeric text, or a timestamp's seconds, as an int.", false, CEL_INT, 1,
	  1, ONE(CEL_DYN), call_int, false },
	{ "uint", "A number or numeric text as an unsigned int.", false, CEL_UINT, 1, 1,
	  ONE(CEL_DYN), call_uint, false },
	{ "double", "A number or numeric text as a double.", false, CEL_DOUBLE, 1, 1, ONE(CEL_DYN),
	  call_double, false },
	{ "num", "A number or numeric text as a double; an error for NaN and Infinity as text.",
	  false, CEL_DOUBLE, 1, 1, ONE(CEL_DYN), call_num, false },
	{ "string", "A bool, number, time, duration, address or UTF-8 bytes as text.", false,
	  CEL_TEXT, 1, 1, ONE(CEL_DYN), call_string, false },
	{ "bytes", "The bytes of a text.", false, CEL_BYTES, 1, 1, ONE(CEL_DYN), call_bytes,
	  false },
	{ "bool", "true or false from their spellings.", false, CEL_BOOL, 1, 1, ONE(CEL_DYN),
	  call_bool, false },
	{ "type", "The type of a value.", false, CEL_TYPE, 1, 1, ONE(CEL_DYN), call_type, false },
	{ "dyn", "The value itself, its type unknown to the checker.", false, CEL_DYN, 1, 1,
	  ONE(CEL_DYN), call_dyn, false },
	{ .name = NULL },
};
