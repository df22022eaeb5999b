/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_format - format(): cel-spec, doc/extensions/strings.md; errors in the
 * words of its conformance suite.
 *
 * A clause is %[.precision]verb with one of s d f e x X o b; %% is a percent
 * sign. Each clause takes the next value of the list.
 *
 * I1  What is written is bounded by out.h, so lists that hold one another many
 *     times over end there; their depth is bounded by DEPTH.
 * Never: consults a locale. */
#include "engine/cel/env.h"
#include "engine/cel/out.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hex.h"
#include "engine/base/timetext.h"

#define DEPTH     (LIMIT_JSON_DEPTH + LIMIT_EXPR_DEPTH) /* a document in lists of the expression */
#define PRECISION 6                                     /* unless the clause says otherwise */

#define DOUBLE_DIGITS 17  /* always read back as the same double: IEEE 754 */
#define DOUBLE_STEPS  20  /* writing a double takes as long as so many steps */
#define DOUBLE_WHOLE  309 /* digits before the point of the largest double */
#define DOUBLE_TEXT   360 /* the smallest double without an exponent has 343 characters */

struct format {
	struct cel_run *run;
	struct cel_out out;
	struct value values; /* a list */
	uint32_t next;       /* the value that the next clause takes */
};

static void put_str(struct cel_out *out, const char *s)
{
	cel_out_put(out, text_of(s));
}

static void refuse(struct format *f, const char *who, struct value v)
{
	cel_out_fail(&f->out, cel_error(f->run, "error during formatting: %s, was given %s", who,
					value_kind_name((enum value_kind)v.kind)));
}

/* ---- Numbers ---- */

/* NaN and the infinities; false for other numbers. */
static bool put_special(struct cel_out *out, double d)
{
	if (isnan(d))
		put_str(out, "NaN");
	else if (isinf(d))
		put_str(out, d > 0 ? "Infinity" : "-Infinity");
	return !isfinite(d);
}

/* The fewest digits that read back as d, as the C library writes them with an
 * exponent. Fifteen always come back, but not of a subnormal number. */
static void shortest(double d, char room[DOUBLE_DIGITS + 16])
{
	for (int n = fabs(d) < DBL_MIN ? 1 : DBL_DIG; n <= DOUBLE_DIGITS; n++) {
		snprintf(room, DOUBLE_DIGITS + 16, "%.*e", n - 1, d);
		if (strtod(room, NULL) == d)
			break;
	}
}

/* Digits with a point behind `whole` of them, which may be outside; zeros fill
 * the gaps. Returns the length. */
static size_t place_point(char *to, const char *digits, int count, int whole)
{
	size_t n = 0;

	if (whole <= 0)
		to[n++] = '0';
	for (int i = 0; i < whole; i++)
		to[n++] = i < count ? digits[i] : '0';
	if (count <= whole)
		return n;
	to[n++] = '.';
	for (int i = whole; i < count; i++)
		to[n++] = i < 0 ? '0' : digits[i];
	return n;
}

/* Without an exponent, in the fewest digits that read back as d. */
__attribute__((noinline)) static void put_double(struct cel_out *out, double d)
{
	char room[DOUBLE_DIGITS + 16], digits[DOUBLE_DIGITS], plain[DOUBLE_TEXT];
	const char *s = room;
	int count = 0, used = 0;

	if (put_special(out, d) || !cel_out_charge(out, DOUBLE_STEPS))
		return;
	shortest(d, room);
	if (signbit(d)) {
		put_str(out, "-");
		s++;
	}
	for (; *s != 'e'; s++) {
		if (*s == '.')
			continue;
		digits[count++] = *s;
		used = *s != '0' ? count : used;
	}
	cel_out_put(out, (struct text){ plain, place_point(plain, digits, used, atoi(s + 1) + 1) });
}

static void put_whole(struct cel_out *out, uint64_t u, bool negative, unsigned base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char room[66];
	size_t at = sizeof(room);

	assert(base >= 2 && base <= 16);
	do {
		room[--at] = digits[u % base];
		u /= base;
	} while (u > 0);
	if (negative)
		room[--at] = '-';
	cel_out_put(out, (struct text){ room + at, sizeof(room) - at });
}

static void put_integer(struct cel_out *out, struct value v, unsigned base, bool upper)
{
	bool negative = v.kind == VALUE_INT && v.i < 0;

	put_whole(out, negative ? 0 - (uint64_t)v.i : v.u, negative, base, upper);
}

static bool is_integer(struct value v)
{
	return v.kind == VALUE_INT || v.kind == VALUE_UINT;
}

static void put_decimal(struct format *f, struct value v)
{
	if (is_integer(v))
		put_integer(&f->out, v, 10, false);
	else if (v.kind == VALUE_DOUBLE)
		put_double(&f->out, v.d);
	else
		refuse(f, "decimal clause can only be used on integers", v);
}

static void put_octal(struct format *f, struct value v)
{
	if (is_integer(v))
		put_integer(&f->out, v, 8, false);
	else
		refuse(f, "octal clause can only be used on integers", v);
}

static void put_binary(struct format *f, struct value v)
{
	if (is_integer(v))
		put_integer(&f->out, v, 2, false);
	else if (v.kind == VALUE_BOOL)
		put_str(&f->out, v.b ? "1" : "0");
	else
		refuse(f, "only integers and bools can be formatted as binary", v);
}

static void put_hex_bytes(struct cel_out *out, struct text t, bool upper)
{
	size_t n = 2 * t.n;
	char *to;

	if (!cel_out_charge(out, t.n / 8))
		return;
	to = cel_out_room(out, n + 1);
	if (to == NULL)
		return;
	hex_encode(t.s, t.n, to);
	for (size_t i = 0; i < n && upper; i++)
		to[i] = (char)(to[i] >= 'a' ? to[i] - 'a' + 'A' : to[i]);
	out->n += n;
}

static void put_hex(struct format *f, struct value v, bool upper)
{
	if (is_integer(v))
		put_integer(&f->out, v, 16, upper);
	else if (v.kind == VALUE_TEXT || v.kind == VALUE_BYTES)
		put_hex_bytes(&f->out, value_as_text(v), upper);
	else
		refuse(f, "only integers, byte buffers, and strings can be formatted as hex", v);
}

/* %f and %e: rounded half to even, as the C library does. */
static void put_rounded(struct format *f, struct value v, char verb, int precision)
{
	char room[1 + DOUBLE_WHOLE + 1 + LIMIT_EXPR_PRECISION + 1];
	double d = v.d;

	assert(precision >= 0 && precision <= LIMIT_EXPR_PRECISION);
	if (is_integer(v))
		d = v.kind == VALUE_INT ? (double)v.i : (double)v.u;
	else if (v.kind != VALUE_DOUBLE) {
		refuse(f,
		       verb == 'f' ? "fixed-point clause can only be used on doubles"
				   : "scientific clause can only be used on doubles",
		       v);
		return;
	}
	if (put_special(&f->out, d) ||
	    !cel_out_charge(&f->out, DOUBLE_STEPS + (unsigned)precision / 8))
		return;
	snprintf(room, sizeof(room), verb == 'f' ? "%.*f" : "%.*e", precision, d);
	put_str(&f->out, room);
}

/* ---- %s ---- */

static void put_value(struct format *f, struct value v, int depth);

/* Every run of bytes that are no UTF-8 becomes one U+FFFD. */
static void put_bytes(struct cel_out *out, struct text t)
{
	size_t from = 0, at = 0;
	uint32_t code;

	if (!cel_out_charge(out, t.n / 8))
		return;
	while (at < t.n) {
		size_t n = text_char(t, at, &code);

		if (n > 0) {
			at += n;
			continue;
		}
		cel_out_put(out, (struct text){ t.s + from, at - from });
		put_str(out, "\xef\xbf\xbd");
		while (at < t.n && text_char(t, at, &code) == 0)
			at++;
		from = at;
	}
	cel_out_put(out, (struct text){ t.s + from, t.n - from });
}

__attribute__((noinline)) static void put_time(struct cel_out *out, struct value v)
{
	char room[TIMETEXT_MAX + CEL_DURATION_TEXT];

	if (v.kind == VALUE_TIMESTAMP)
		timetext_format(v.i, (int32_t)v.n, room);
	else
		cel_duration_text(v, room);
	put_str(out, room);
}

static void put_list(struct format *f, struct value v, int depth)
{
	put_str(&f->out, "[");
	for (uint32_t i = 0; i < v.n && !cel_out_failed(&f->out); i++) {
		if (i > 0)
			put_str(&f->out, ", ");
		put_value(f, v.items[i], depth);
	}
	put_str(&f->out, "]");
}

struct entry {
	struct text key; /* as it is written */
	const struct value *val;
};

/* Merges two sorted runs; of equal keys the left one comes first. */
static void merge(struct entry *to, const struct entry *a, size_t an, const struct entry *b,
		  size_t bn)
{
	while (an > 0 || bn > 0) {
		bool left = bn == 0 || (an > 0 && text_cmp(a->key, b->key) <= 0);

		*to++ = left ? *a++ : *b++;
		if (left)
			an--;
		else
			bn--;
	}
}

/* Sorts by key within two arrays of n; returns the one that holds the result. */
static struct entry *sort_entries(struct entry *entries, struct entry *spare, size_t n)
{
	for (size_t run = 1; run < n; run *= 2) {
		struct entry *from = entries;

		for (size_t at = 0; at < n; at += 2 * run) {
			size_t an = n - at < run ? n - at : run;
			size_t bn = n - at - an < run ? n - at - an : run;

			merge(spare + at, from + at, an, from + at + an, bn);
		}
		entries = spare;
		spare = from;
	}
	return entries;
}

static struct text key_text(struct format *f, struct value key)
{
	struct cel_out out;

	if (key.kind == VALUE_TEXT)
		return value_as_text(key);
	if (key.kind == VALUE_BOOL)
		return key.b ? TEXT("true") : TEXT("false");
	cel_out_begin(&out, f->run);
	put_integer(&out, key, 10, false);
	if (cel_out_failed(&out))
		cel_out_fail(&f->out, out.bad);
	return (struct text){ out.s, out.n };
}

/* What sorting n keys costs: each is compared once a round. */
static bool charge_sort(struct format *f, struct value v)
{
	uint64_t once = v.n / 2, rounds = 1;

	for (uint32_t i = 0; i < v.n; i++) {
		if (v.pairs[i].key.kind == VALUE_TEXT)
			once += v.pairs[i].key.n / 64;
	}
	for (uint32_t n = v.n; n > 1; n /= 2)
		rounds++;
	return cel_out_charge(&f->out, v.n) && cel_out_charge(&f->out, once * rounds);
}

/* The map's entries by their keys as written; NULL after a failure. */
static const struct entry *sorted_entries(struct format *f, struct value v)
{
	struct entry *entries;

	if (!charge_sort(f, v))
		return NULL;
	entries = arena_array(f->run->arena, (size_t)v.n * 2, sizeof(*entries));
	if (entries == NULL) {
		cel_out_fail(&f->out, cel_error_memory());
		return NULL;
	}
	for (uint32_t i = 0; i < v.n; i++)
		entries[i] = (struct entry){ key_text(f, v.pairs[i].key), &v.pairs[i].val };
	if (cel_out_failed(&f->out))
		return NULL;
	return sort_entries(entries, entries + v.n, v.n);
}

static void put_map(struct format *f, struct value v, int depth)
{
	const struct entry *entries = sorted_entries(f, v);

	put_str(&f->out, "{");
	for (uint32_t i = 0; i < v.n && entries != NULL && !cel_out_failed(&f->out); i++) {
		if (i > 0)
			put_str(&f->out, ", ");
		cel_out_put(&f->out, entries[i].key);
		put_str(&f->out, ": ");
		put_value(f, *entries[i].val, depth);
	}
	put_str(&f->out, "}");
}

#define NO_TEXT                                                                                    \
	"string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, "    \
	"types, durations, and timestamps"

static void put_nested(struct format *f, struct value v, int depth)
{
	if (depth == DEPTH)
		cel_out_fail(&f->out, cel_error(f->run,
						"error during formatting: the value is "
						"nested more than %d deep",
						DEPTH));
	else if (v.kind == VALUE_LIST)
		put_list(f, v, depth + 1);
	else
		put_map(f, v, depth + 1);
}

static void put_value(struct format *f, struct value v, int depth)
{
	if (!cel_out_charge(&f->out, 0))
		return;
	switch (v.kind) {
	case VALUE_NULL:
		put_str(&f->out, "null");
		break;
	case VALUE_BOOL:
		put_str(&f->out, v.b ? "true" : "false");
		break;
	case VALUE_INT:
	case VALUE_UINT:
		put_integer(&f->out, v, 10, false);
		break;
	case VALUE_DOUBLE:
		put_double(&f->out, v.d);
		break;
	case VALUE_TEXT:
	case VALUE_TYPE:
		cel_out_put(&f->out, value_as_text(v));
		break;
	case VALUE_BYTES:
		put_bytes(&f->out, value_as_text(v));
		break;
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		put_time(&f->out, v);
		break;
	case VALUE_LIST:
	case VALUE_MAP:
		put_nested(f, v, depth);
		break;
	default:
		refuse(f, NO_TEXT, v);
	}
}

/* ---- Clauses ---- */

static void refuse_clause(struct format *f, const char *why)
{
	cel_out_fail(&f->out, cel_error(f->run, "could not parse formatting clause: %s", why));
}

static char next_char(struct text t)
{
	return t.n > 0 ? t.s[0] : '\0';
}

static void advance(struct text *t)
{
	assert(t->n > 0);
	t->s++;
	t->n--;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes ".12" from *t, if it is there. */
static bool take_precision(struct format *f, struct text *t, int *precision)
{
	const char *first;

	*precision = PRECISION;
	if (next_char(*t) != '.')
		return true;
	advance(t);
	first = t->s;
	for (*precision = 0; is_digit(next_char(*t)); advance(t)) {
		*precision = *precision * 10 + (t->s[0] - '0');
		if (*precision > LIMIT_EXPR_PRECISION)
			break;
	}
	if (*precision > LIMIT_EXPR_PRECISION)
		refuse_clause(f, "error while parsing precision: it is too large");
	else if (t->n == 0)
		refuse_clause(f, "error while parsing precision: could not find end of precision "
				 "specifier");
	else if (t->s == first)
		refuse_clause(f, "error while parsing precision: it has no digits");
	return !cel_out_failed(&f->out);
}

static void put_clause(struct format *f, struct text clause, struct value v, int precision)
{
	char why[60];

	switch (clause.n == 1 ? clause.s[0] : '\0') {
	case 's':
		put_value(f, v, 0);
		break;
	case 'd':
		put_decimal(f, v);
		break;
	case 'f':
	case 'e':
		put_rounded(f, v, clause.s[0], precision);
		break;
	case 'x':
	case 'X':
		put_hex(f, v, clause.s[0] == 'X');
		break;
	case 'o':
		put_octal(f, v);
		break;
	case 'b':
		put_binary(f, v);
		break;
	default:
		snprintf(why, sizeof(why), "unrecognized formatting clause \"%.*s\"",
			 TEXT_ARG(clause));
		refuse_clause(f, why);
	}
}

/* Takes the clause behind a percent sign from *t. */
static void take_clause(struct format *f, struct text *t)
{
	uint32_t code;
	size_t n;
	int precision;

	if (next_char(*t) == '%') {
		advance(t);
		put_str(&f->out, "%");
		return;
	}
	if (f->next == f->values.n) {
		cel_out_fail(&f->out, cel_error(f->run, "index %u out of range", f->next));
		return;
	}
	if (t->n == 0) {
		cel_out_fail(&f->out, cel_error(f->run, "unexpected end of string"));
		return;
	}
	if (!cel_out_charge(&f->out, 0) || !take_precision(f, t, &precision))
		return;
	n = text_char(*t, 0, &code);
	n = n > 0 ? n : 1;
	put_clause(f, (struct text){ t->s, n }, f->values.items[f->next++], precision);
	*t = (struct text){ t->s + n, t->n - n };
}

static struct value call_format(struct cel_run *run, void *of, const struct value *args,
				uint32_t count)
{
	struct format f = { .run = run, .values = args[1] };
	struct text t = value_as_text(args[0]);

	(void)of;
	assert(count == 2 && args[1].kind == VALUE_LIST);
	cel_out_begin(&f.out, run);
	while (t.n > 0 && !cel_out_failed(&f.out)) {
		const char *sign = memchr(t.s, '%', t.n);
		size_t n = sign != NULL ? (size_t)(sign - t.s) : t.n;

		cel_out_put(&f.out, (struct text){ t.s, n });
		t = (struct text){ t.s + n, t.n - n };
		if (sign == NULL)
			continue;
		advance(&t);
		take_clause(&f, &t);
	}
	return cel_out_end(&f.out);
}

const struct cel_function cel_functions_format[] = {
	{ "format",
	  "The text with its clauses (%s %d %f %e %x %X %o %b) replaced by a list's values.",
	  true,
	  CEL_TEXT,
	  2,
	  2,
	  { CEL_TEXT, CEL_LIST, CEL_DYN, CEL_DYN },
	  call_format,
	  false },
	{ .name = NULL },
};
