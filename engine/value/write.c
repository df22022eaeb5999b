/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as JSON text (RFC 8259), as readable text, and in a canonical form.
 *
 * I1  value_write and json_parse are inverse for JSON values: kinds survive, so
 *     a double always has a fraction or an exponent.
 * I2  Values that value_equal holds for have the same canonical form; beyond
 *     that it follows RFC 8785 except that keys sort by bytes (not UTF-16
 *     units) and numbers from 2^64 up and below 1e-4 print as %g does.
 * Failures stick in the buffer; the writer goes on and its caller looks. */
#include "engine/value/value.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/hex.h"
#include "engine/base/mem.h"
#include "engine/base/timetext.h"
#include "engine/value/inside.h"

#define NUMBER_MAX 40   /* the longest %.17g, or 21 whole digits, and a NUL */
#define FEW        32   /* pairs that are sorted without taking memory */
#define WHOLE_MAX  1e21 /* from here even JavaScript writes an exponent */

enum style { STYLE_LINE, STYLE_PRETTY, STYLE_CANONICAL };

/* ---- text ---- */

static bool must_escape(char c)
{
	return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

#define EACH(c) ((c)*UINT64_C(0x0101010101010101))

/* Whether one of eight bytes is a zero: the carry that reaches its top bit
 * (https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord). */
static bool has_zero(uint64_t w)
{
	return ((w - EACH(1)) & ~w & EACH(0x80u)) != 0;
}

/* How many bytes from `at` on need no escape. */
static size_t plain_bytes(struct text t, size_t at)
{
	size_t from = at;
	uint64_t w;

	for (; t.n - at >= sizeof(w); at += sizeof(w)) {
		memcpy(&w, t.s + at, sizeof(w));
		if (has_zero(w ^ EACH('"')) || has_zero(w ^ EACH('\\')) ||
		    ((w - EACH(0x20u)) & ~w & EACH(0x80u)) != 0)
			break;
	}
	while (at < t.n && !must_escape(t.s[at]))
		at++;
	return at - from;
}

/* The letter behind the backslash; 'u' for a character without one. */
static char escape_letter(char c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 'u';
	}
}

/* Bytes that escapes add to those of the text. */
static size_t escapes_add(struct text t)
{
	size_t more = 0;

	for (size_t i = 0; i < t.n; i++)
		if (must_escape(t.s[i]))
			more += escape_letter(t.s[i]) != 'u' ? 1 : 5;
	return more;
}

static char *put_escape(char *to, char c)
{
	static const char digits[] = "0123456789abcdef";
	char letter = escape_letter(c);

	*to++ = '\\';
	*to++ = letter;
	if (letter != 'u')
		return to;
	memcpy(to, "00", 2);
	to[2] = digits[c >> 4];
	to[3] = digits[c & 15];
	return to + 4;
}

void value_write_text(struct buf *out, struct text t)
{
	size_t plain = plain_bytes(t, 0);
	char *to = buf_reserve(out, t.n + 2 + (plain < t.n ? escapes_add(t) : 0));

	assert(out != NULL);
	if (to == NULL)
		return;
	*to++ = '"';
	for (size_t i = 0; i < t.n; plain = plain_bytes(t, i)) {
		memcpy(to, t.s + i, plain);
		to += plain;
		i += plain;
		if (i < t.n)
			to = put_escape(to, t.s[i++]);
	}
	*to++ = '"';
	*to = '\0';
	out->n = (size_t)(to - out->s);
}

static void put_base64(struct buf *out, struct text t)
{
	size_t n = BASE64_SIZE(t.n) - 1;
	char *room = buf_reserve(out, n); /* and the NUL that follows any content */

	if (room == NULL)
		return;
	base64_encode(t.s, t.n, room);
	out->n += n;
}

/* ---- numbers ---- */

/* The shortest of 15 to 17 digits that reads back as d (IEEE 754: 17 always
 * do). d is finite. */
static void format_shortest(double d, char room[NUMBER_MAX])
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(room, NUMBER_MAX, "%.*g", digits, d);
		if (strtod(room, NULL) == d)
			return;
	}
}

static bool is_whole(double d, double below)
{
	return d < below && d > -below && trunc(d) == d;
}

static void format_plain(double d, char room[NUMBER_MAX])
{
	if (isnan(d))
		snprintf(room, NUMBER_MAX, "NaN");
	else if (isinf(d))
		snprintf(room, NUMBER_MAX, d > 0 ? "Infinity" : "-Infinity");
	else if (is_whole(d, WHOLE_MAX))
		snprintf(room, NUMBER_MAX, "%.0f", d + 0.0); /* -0.0 + 0.0 is 0.0 */
	else
		format_shortest(d, room);
}

static void put_double(struct buf *out, double d, enum style style)
{
	char room[NUMBER_MAX];
	bool plain = style == STYLE_CANONICAL || !isfinite(d);

	if (plain)
		format_plain(d, room);
	else
		format_shortest(d, room);
	if (!isfinite(d)) {
		value_write_text(out, text_of(room));
		return;
	}
	buf_str(out, room);
	if (!plain && strpbrk(room, ".e") == NULL)
		buf_str(out, ".0");
}

/* ---- other scalars ---- */

/* "3.5s", "-0.25s", "90s". */
static void format_duration(struct value v, char room[VALUE_KEY_MAX])
{
	bool negative = v.i < 0 || (int32_t)v.n < 0;
	uint64_t seconds = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;
	uint32_t nanos = (int32_t)v.n < 0 ? 0 - v.n : v.n;
	char fraction[16] = "";

	assert(nanos < 1000000000u);
	if (nanos > 0) {
		snprintf(fraction, sizeof(fraction), ".%09" PRIu32, nanos);
		for (size_t n = 9; n > 0 && fraction[n] == '0'; n--)
			fraction[n] = '\0';
	}
	snprintf(room, VALUE_KEY_MAX, "%s%" PRIu64 "%ss", negative ? "-" : "", seconds, fraction);
}

struct text value_key_text(struct value key, char room[VALUE_KEY_MAX])
{
	switch (key.kind) {
	case VALUE_TEXT:
	case VALUE_TYPE:
	case VALUE_ERROR:
		return value_as_text(key);
	case VALUE_BOOL:
		return key.b ? TEXT("true") : TEXT("false");
	case VALUE_INT:
		snprintf(room, VALUE_KEY_MAX, "%" PRId64, key.i);
		break;
	case VALUE_UINT:
		snprintf(room, VALUE_KEY_MAX, "%" PRIu64, key.u);
		break;
	case VALUE_DOUBLE:
		format_plain(key.d, room);
		break;
	case VALUE_TIMESTAMP:
		timetext_format(key.i, (int32_t)key.n, room);
		break;
	case VALUE_DURATION:
		format_duration(key, room);
		break;
	case VALUE_IP:
	case VALUE_CIDR:
		value_address_text(key, room);
		break;
	default:
		return TEXT("null");
	}
	return text_of(room);
}

_Static_assert(VALUE_KEY_MAX >= TIMETEXT_MAX && VALUE_KEY_MAX >= NUMBER_MAX &&
		   VALUE_KEY_MAX >= VALUE_ADDRESS_TEXT,
	       "all scalars fit");

/* ---- containers ---- */

static void put_value(struct buf *out, struct value v, enum style style, int depth);

static void put_break(struct buf *out, enum style style, int depth)
{
	if (style != STYLE_PRETTY)
		return;
	buf_char(out, '\n');
	for (int i = 0; i < depth; i++)
		buf_str(out, "  ");
}

static void put_list(struct buf *out, struct value v, enum style style, int depth)
{
	buf_char(out, '[');
	for (uint32_t i = 0; i < v.n && !buf_failed(out); i++) {
		if (i > 0)
			buf_char(out, ',');
		put_break(out, style, depth + 1);
		put_value(out, v.items[i], style, depth + 1);
	}
	if (v.n > 0)
		put_break(out, style, depth);
	buf_char(out, ']');
}

static void put_pair(struct buf *out, const struct value_pair *pair, enum style style, int depth)
{
	char room[VALUE_KEY_MAX];

	value_write_text(out, value_key_text(pair->key, room));
	buf_str(out, style == STYLE_PRETTY ? ": " : ":");
	put_value(out, pair->val, style, depth);
}

static void put_map(struct buf *out, struct value v, enum style style, int depth)
{
	buf_char(out, '{');
	for (uint32_t i = 0; i < v.n && !buf_failed(out); i++) {
		if (i > 0)
			buf_char(out, ',');
		put_break(out, style, depth + 1);
		put_pair(out, &v.pairs[i], style, depth + 1);
	}
	if (v.n > 0)
		put_break(out, style, depth);
	buf_char(out, '}');
}

static int pair_order(const void *a, const void *b)
{
	const struct value_pair *const *left = a;
	const struct value_pair *const *right = b;
	char room[2][VALUE_KEY_MAX];

	return text_cmp(value_key_text((*left)->key, room[0]),
			value_key_text((*right)->key, room[1]));
}

static void put_sorted(struct buf *out, struct value v, int depth)
{
	const struct value_pair *few[FEW];
	const struct value_pair **order = few;

	if (v.n > FEW)
		order = mem_alloc(v.n * sizeof(*order));
	if (order == NULL) {
		out->failed = true;
		out->starved = true;
		return;
	}
	for (uint32_t i = 0; i < v.n; i++)
		order[i] = &v.pairs[i];
	qsort(order, v.n, sizeof(*order), pair_order);
	buf_char(out, '{');
	for (uint32_t i = 0; i < v.n && !buf_failed(out); i++) {
		if (i > 0)
			buf_char(out, ',');
		put_pair(out, order[i], STYLE_CANONICAL, depth);
	}
	buf_char(out, '}');
	if (order != few)
		mem_free(order);
}

/* ---- all kinds ---- */

static void put_scalar(struct buf *out, struct value v)
{
	char room[VALUE_KEY_MAX];
	struct text t = value_key_text(v, room);
	bool bare = v.kind == VALUE_NULL || v.kind == VALUE_BOOL || v.kind == VALUE_UINT;

	if (bare)
		buf_text(out, t);
	else
		value_write_text(out, t);
}

static void put_value(struct buf *out, struct value v, enum style style, int depth)
{
	switch (v.kind) {
	case VALUE_INT:
		buf_int(out, v.i);
		break;
	case VALUE_DOUBLE:
		put_double(out, v.d, style);
		break;
	case VALUE_BYTES:
		buf_char(out, '"');
		put_base64(out, value_as_text(v));
		buf_char(out, '"');
		break;
	case VALUE_LIST:
		put_list(out, v, style, depth);
		break;
	case VALUE_MAP:
		if (style == STYLE_CANONICAL)
			put_sorted(out, v, depth);
		else
			put_map(out, v, style, depth);
		break;
	case VALUE_OPTIONAL:
		put_value(out, v.n > 0 ? v.items[0] : value_null(), style, depth);
		break;
	default:
		put_scalar(out, v);
		break;
	}
}

void value_write(struct buf *out, struct value v)
{
	assert(out != NULL);
	put_value(out, v, STYLE_LINE, 0);
}

void value_write_pretty(struct buf *out, struct value v)
{
	assert(out != NULL);
	put_value(out, v, STYLE_PRETTY, 0);
}

void value_write_canonical(struct buf *out, struct value v)
{
	assert(out != NULL);
	put_value(out, v, STYLE_CANONICAL, 0);
}

void value_write_plain(struct buf *out, struct value v)
{
	char room[VALUE_KEY_MAX];

	assert(out != NULL);
	switch (v.kind) {
	case VALUE_LIST:
	case VALUE_MAP:
		value_write(out, v);
		break;
	case VALUE_BYTES:
		put_base64(out, value_as_text(v));
		break;
	case VALUE_OPTIONAL:
		value_write_plain(out, v.n > 0 ? v.items[0] : value_null());
		break;
	default:
		buf_text(out, value_key_text(v, room));
		break;
	}
}
