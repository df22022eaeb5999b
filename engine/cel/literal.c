/* SPDX-License-Identifier: Apache-2.0
 *
 * literal - numbers and quoted texts as langdef.md ("Syntax", "String and Bytes
 * Values") spells them. Part of the lexer; see lexer.h.
 *
 * I1  A text literal is valid UTF-8 whatever its escapes; bytes may be anything. */
#include "engine/cel/lexer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_name_char(char c)
{
	return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char at(const struct cel_lexer *lexer, size_t i)
{
	return i < lexer->in.n ? lexer->in.s[i] : '\0';
}

/* ---- Numbers ---- */

static size_t skip_digits(const struct cel_lexer *lexer, size_t i)
{
	while (is_digit(at(lexer, i)))
		i++;
	return i;
}

/* The end of the fraction and exponent that start at i; i itself when there is none. */
static size_t skip_fraction(const struct cel_lexer *lexer, size_t i)
{
	size_t e;

	if (at(lexer, i) == '.' && is_digit(at(lexer, i + 1)))
		i = skip_digits(lexer, i + 1);
	if (at(lexer, i) != 'e' && at(lexer, i) != 'E')
		return i;
	e = i + 1;
	if (at(lexer, e) == '+' || at(lexer, e) == '-')
		e++;
	return is_digit(at(lexer, e)) ? skip_digits(lexer, e) : i;
}

static struct cel_token number_end(struct cel_lexer *lexer, size_t end, enum cel_token_kind kind,
				   struct value value)
{
	struct cel_token t = {
		.kind = kind, .from = (uint32_t)lexer->at, .to = (uint32_t)end, .value = value
	};

	if (is_name_char(at(lexer, end)))
		return cel_lex_refuse(
		    lexer, end,
		    at(lexer, end) == '_'
			? "write the digits without _"
			: "a duration is written duration(\"5m\"), a text in quotes",
		    "a number runs into letters");
	lexer->at = end;
	return t;
}

static struct cel_token lex_double(struct cel_lexer *lexer, size_t end)
{
	struct text digits = { lexer->in.s + lexer->at, end - lexer->at };
	struct text copy = text_dup(lexer->arena, digits);
	double d;

	if (copy.s == NULL)
		return cel_lex_refuse(lexer, lexer->at, "", "the number is too long");
	d = strtod(copy.s, NULL);
	if (isinf(d))
		return cel_lex_refuse(lexer, lexer->at, "", "the number is too large");
	return number_end(lexer, end, CEL_TOKEN_LITERAL, value_double(d));
}

/* The magnitude of the digits from..to-1; false on overflow. */
static bool magnitude(const struct cel_lexer *lexer, size_t from, size_t to, unsigned base,
		      uint64_t *out)
{
	uint64_t u = 0;

	for (size_t i = from; i < to; i++) {
		if (__builtin_mul_overflow(u, base, &u) ||
		    __builtin_add_overflow(u, (unsigned)hex_digit(at(lexer, i)), &u))
			return false;
	}
	*out = u;
	return true;
}

static struct cel_token lex_integer(struct cel_lexer *lexer, size_t from, size_t to, unsigned base)
{
	enum cel_token_kind kind = CEL_TOKEN_INTEGER;
	uint64_t u;

	if (!magnitude(lexer, from, to, base, &u))
		return cel_lex_refuse(lexer, lexer->at, "write it with a fraction: a double",
				      "the number is too large");
	if (at(lexer, to) == 'u' || at(lexer, to) == 'U') {
		kind = CEL_TOKEN_LITERAL;
		to++;
	}
	return number_end(lexer, to, kind, value_uint(u));
}

struct cel_token cel_lex_number(struct cel_lexer *lexer)
{
	size_t from = lexer->at, end;

	if (at(lexer, from) == '0' && (at(lexer, from + 1) == 'x' || at(lexer, from + 1) == 'X')) {
		end = from + 2;
		while (hex_digit(at(lexer, end)) >= 0)
			end++;
		if (end == from + 2)
			return cel_lex_refuse(lexer, from, "", "0x needs hexadecimal digits");
		return lex_integer(lexer, from + 2, end, 16);
	}
	end = skip_digits(lexer, from);
	if (skip_fraction(lexer, end) != end)
		return lex_double(lexer, skip_fraction(lexer, end));
	return lex_integer(lexer, from, end, 10);
}

/* ---- Quoted ---- */

struct quote {
	size_t i;   /* the next byte to read */
	size_t bad; /* where the offence is, when there is one */
	char *out;  /* decoded bytes */
	uint32_t n; /* how many */
	bool bytes, raw, triple;
	char mark;
};

static void put_utf8(struct quote *q, uint32_t c)
{
	if (c < 0x80) {
		q->out[q->n++] = (char)c;
	} else if (c < 0x800) {
		q->out[q->n++] = (char)(0xc0 | (c >> 6));
		q->out[q->n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		q->out[q->n++] = (char)(0xe0 | (c >> 12));
		q->out[q->n++] = (char)(0x80 | ((c >> 6) & 0x3f));
		q->out[q->n++] = (char)(0x80 | (c & 0x3f));
	} else {
		q->out[q->n++] = (char)(0xf0 | (c >> 18));
		q->out[q->n++] = (char)(0x80 | ((c >> 12) & 0x3f));
		q->out[q->n++] = (char)(0x80 | ((c >> 6) & 0x3f));
		q->out[q->n++] = (char)(0x80 | (c & 0x3f));
	}
}

/* A number of exactly `digits` digits in `base` at q->i. */
static bool read_code(const struct cel_lexer *lexer, struct quote *q, int digits, unsigned base,
		      uint32_t *out)
{
	uint32_t c = 0;

	for (int k = 0; k < digits; k++) {
		int d = hex_digit(at(lexer, q->i + (size_t)k));

		if (d < 0 || (unsigned)d >= base)
			return false;
		c = c * base + (unsigned)d;
	}
	q->i += (size_t)digits;
	*out = c;
	return true;
}

static const char *put_code(const struct cel_lexer *lexer, struct quote *q, int digits,
			    unsigned base, bool is_point)
{
	uint32_t c;

	if (!read_code(lexer, q, digits, base, &c))
		return "an escape needs more digits";
	if (q->bytes && !is_point) {
		if (c > 0xff)
			return "an octal escape of bytes is at most \\377";
		q->out[q->n++] = (char)c;
		return NULL;
	}
	if (q->bytes)
		return "bytes have no \\u escapes";
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return "the escape is no Unicode character";
	put_utf8(q, c);
	return NULL;
}

/* One escape; q->i is behind the backslash. Returns what is wrong, or NULL. */
static const char *unescape(const struct cel_lexer *lexer, struct quote *q)
{
	static const char from[] = "abfnrtv\\?\"'`", to[] = "\a\b\f\n\r\t\v\\?\"'`";
	char c = at(lexer, q->i);
	const char *hit = c != '\0' ? strchr(from, c) : NULL;

	if (hit != NULL) {
		q->out[q->n++] = to[hit - from];
		q->i++;
		return NULL;
	}
	if (c >= '0' && c <= '3')
		return put_code(lexer, q, 3, 8, false);
	q->i++;
	if (c == 'x' || c == 'X')
		return put_code(lexer, q, 2, 16, false);
	if (c == 'u')
		return put_code(lexer, q, 4, 16, true);
	if (c == 'U')
		return put_code(lexer, q, 8, 16, true);
	return "there is no such escape";
}

static bool at_end_mark(const struct cel_lexer *lexer, const struct quote *q)
{
	if (at(lexer, q->i) != q->mark)
		return false;
	return !q->triple || (at(lexer, q->i + 1) == q->mark && at(lexer, q->i + 2) == q->mark);
}

static struct quote quote_begin(const struct cel_lexer *lexer)
{
	struct quote q = { .i = lexer->at };

	if (at(lexer, q.i) == 'b' || at(lexer, q.i) == 'B') {
		q.bytes = true;
		q.i++;
	}
	if (at(lexer, q.i) == 'r' || at(lexer, q.i) == 'R') {
		q.raw = true;
		q.i++;
	}
	q.mark = at(lexer, q.i);
	q.triple = at(lexer, q.i + 1) == q.mark && at(lexer, q.i + 2) == q.mark;
	q.i += q.triple ? 3 : 1;
	return q;
}

/* Decodes up to the closing mark. Returns what is wrong, or NULL. */
static const char *decode(const struct cel_lexer *lexer, struct quote *q)
{
	while (q->i < lexer->in.n && !at_end_mark(lexer, q)) {
		char c = at(lexer, q->i);

		q->bad = q->i;
		if (!q->triple && (c == '\n' || c == '\r'))
			return "a line ends within quotes";
		if (c == '\\' && !q->raw) {
			const char *what;

			q->i++;
			what = unescape(lexer, q);
			if (what != NULL)
				return what;
			continue;
		}
		q->out[q->n++] = c;
		q->i++;
	}
	q->bad = lexer->at;
	return q->i < lexer->in.n ? NULL : "the closing quote is missing";
}

struct cel_token cel_lex_quoted(struct cel_lexer *lexer)
{
	struct quote q = quote_begin(lexer);
	struct cel_token t = { .kind = CEL_TOKEN_LITERAL, .from = (uint32_t)lexer->at };
	const char *what;

	/* A decoded text is never longer than its spelling. */
	q.out = lexer->decoded + lexer->at;
	what = decode(lexer, &q);
	if (what != NULL) {
		bool escape = at(lexer, q.bad) == '\\';

		return cel_lex_refuse(
		    lexer, q.bad,
		    escape ? "write \\\\ for a backslash, or r\"...\" for raw text" : "", what);
	}
	lexer->at = q.i + (q.triple ? 3 : 1);
	t.to = (uint32_t)lexer->at;
	t.value = value_text((struct text){ q.out, q.n });
	if (q.bytes)
		t.value.kind = VALUE_BYTES;
	assert(q.n <= t.to - t.from);
	return t;
}
