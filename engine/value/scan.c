/* SPDX-License-Identifier: Apache-2.0
 *
 * The strict scanner: RFC 8259 by recursive descent, over text that simdjson
 * refused (to say where it is wrong, or that only a number was too long for it)
 * and wherever a yes or no is enough.
 *
 * I1  It accepts exactly what json_parse accepts.
 * I2  Keys of the open maps stand in one growing array, those of the innermost
 *     map last; a map's own are checked and dropped when it closes, by sorting,
 *     so prepared collisions cost nothing.
 * Ownership: scan_text owns the array; the text is borrowed. Recursion is
 * bounded by LIMIT_JSON_DEPTH. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/value/inside.h"

#define FEW_KEYS      12u /* compared pair by pair */
#define DIGITS_EXACT  800 /* more than the 767 that decide how a double rounds */
#define EXPONENT_MAX  100000000L
#define SHORT_NUMBER  300u /* characters that cannot exceed a double without an exponent */
#define ENDS_AT_VALUE "the text ends where a value belongs"

struct key {
	const char *s; /* between the quotes */
	uint32_t n;
	uint32_t hash; /* of the decoded characters */
};

struct scan {
	struct text json;
	const char *at, *end;
	int depth;
	struct key *keys;
	size_t key_count, key_room;
	const char *what; /* what was wrong at `at`; NULL: memory is out */
	char room[100];   /* for a message with parts */
};

/* ---- errors ---- */

void scan_error(struct json_error *error, struct text json, size_t offset, const char *what)
{
	int line = 1;
	int column = 1;

	assert(error != NULL && what != NULL && offset <= json.n);
	for (size_t i = 0; i < offset; i++) {
		if (json.s[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)json.s[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	error->offset = offset;
	error->line = line;
	error->column = column;
	snprintf(error->what, sizeof(error->what), "%s", what);
}

static bool refuse(struct scan *s, const char *what)
{
	s->what = what;
	return false;
}

static bool refuse_at(struct scan *s, const char *at, const char *what)
{
	s->at = at;
	return refuse(s, what);
}

/* ---- characters ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits, or -1. */
static int32_t hex4(const char *s, const char *end)
{
	int32_t code = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(s[i]);

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

static bool at_char(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

/* How many bytes the character at hand has, 0 when it is not UTF-8. */
static size_t character(const struct scan *s)
{
	uint32_t code;

	if ((unsigned char)*s->at < 0x80)
		return 1;
	return text_char((struct text){ s->at, (size_t)(s->end - s->at) }, 0, &code);
}

/* ---- strings ---- */

static bool scan_unicode(struct scan *s, const char *escape)
{
	int32_t code = hex4(s->at, s->end);

	if (code < 0)
		return refuse_at(s, escape, "expected four hex digits after \\u");
	s->at += 4;
	if (code < 0xd800 || code > 0xdfff)
		return true;
	if (code <= 0xdbff && s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u') {
		int32_t low = hex4(s->at + 2, s->end);

		if (low >= 0xdc00 && low <= 0xdfff) {
			s->at += 6;
			return true;
		}
	}
	return refuse_at(s, escape, "half of a surrogate pair");
}

static bool scan_escape(struct scan *s)
{
	const char *escape = s->at++;

	if (s->at == s->end)
		return refuse(s, "the text ends inside a string");
	if (*s->at == 'u') {
		s->at++;
		return scan_unicode(s, escape);
	}
	if (*s->at == '\0' || strchr("\"\\/bfnrt", *s->at) == NULL)
		return refuse_at(s, escape, "not an escape that JSON has");
	s->at++;
	return true;
}

/* From the opening quote to behind the closing one. */
static bool scan_string(struct scan *s)
{
	s->at++;
	while (s->at < s->end) {
		unsigned char c = (unsigned char)*s->at;
		size_t n;

		if (c == '"') {
			s->at++;
			return true;
		}
		if (c == '\\') {
			if (!scan_escape(s))
				return false;
			continue;
		}
		if (c < 0x20)
			return refuse(s, "a control character inside a string");
		n = character(s);
		if (n == 0)
			return refuse(s, "not valid UTF-8");
		s->at += n;
	}
	return refuse(s, "the text ends inside a string");
}

static size_t put_utf8(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

size_t scan_unescape(const char **at, char out[4])
{
	static const char letters[] = "bfnrt";
	static const char controls[] = "\b\f\n\r\t";
	const char *s = *at;
	const char *letter;
	uint32_t code;

	assert(s[-1] == '\\');
	*at = s + 1;
	if (*s != 'u') {
		letter = strchr(letters, *s);
		out[0] = letter != NULL ? controls[letter - letters] : *s;
		return 1;
	}
	code = (uint32_t)hex4(s + 1, s + 5);
	*at = s + 5;
	if (code >= 0xd800 && code <= 0xdbff) {
		uint32_t low = (uint32_t)hex4(s + 7, s + 11);

		code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
		*at = s + 11;
	}
	return put_utf8(code, out);
}

/* ---- numbers ---- */

/* Digits and decimal exponent of a number, cut to what decides its value. */
struct decimal {
	char text[DIGITS_EXACT + 32]; /* digits, a marker digit, later the exponent */
	size_t digits;
	long exponent;
	bool cut; /* digits other than 0 were left out */
};

static void decimal_digit(struct decimal *d, char digit, bool fraction)
{
	bool leading = d->digits == 0 && digit == '0';

	if (!leading && d->digits < DIGITS_EXACT) {
		d->text[d->digits++] = digit;
		d->exponent -= fraction;
		return;
	}
	if (!leading) {
		d->cut |= digit != '0';
		d->exponent += !fraction;
	} else {
		d->exponent -= fraction;
	}
}

static long read_exponent(const char *s, const char *end)
{
	bool negative = s < end && *s == '-';
	long exponent = 0;

	if (s < end && (*s == '-' || *s == '+'))
		s++;
	for (; s < end; s++) {
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*s - '0');
	}
	return negative ? -exponent : exponent;
}

double scan_double(struct text number)
{
	const char *s = number.s;
	const char *end = s + number.n;
	bool negative = number.n > 0 && *s == '-';
	bool fraction = false;
	struct decimal d = { .digits = 0 };
	double value;

	assert(number.n > 0);
	for (s += negative; s < end && (is_digit(*s) || *s == '.'); s++) {
		if (*s == '.')
			fraction = true;
		else
			decimal_digit(&d, *s, fraction);
	}
	if (s < end)
		d.exponent += read_exponent(s + 1, end);
	if (d.digits == 0)
		return negative ? -0.0 : 0.0;
	if (d.cut) { /* only says: a little more than the digits before */
		d.text[d.digits++] = '1';
		d.exponent--;
	}
	snprintf(d.text + d.digits, sizeof(d.text) - d.digits, "e%ld", d.exponent);
	value = strtod(d.text, NULL);
	return negative ? -value : value;
}

static bool scan_digits(struct scan *s)
{
	if (s->at == s->end || !is_digit(*s->at))
		return refuse(s, "expected a digit");
	while (s->at < s->end && is_digit(*s->at))
		s->at++;
	return true;
}

static bool scan_fraction(struct scan *s, bool *exponent)
{
	if (at_char(s, '.')) {
		s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (at_char(s, 'e') || at_char(s, 'E')) {
		*exponent = true;
		s->at++;
		if (at_char(s, '+') || at_char(s, '-'))
			s->at++;
		return scan_digits(s);
	}
	return true;
}

static bool scan_number(struct scan *s)
{
	const char *start = s->at;
	bool exponent = false;
	struct text number;

	if (*s->at == '-')
		s->at++;
	if (at_char(s, '0') && s->end - s->at > 1 && is_digit(s->at[1]))
		return refuse(s, "a number may not start with 0");
	if (!scan_digits(s) || !scan_fraction(s, &exponent))
		return false;
	number = (struct text){ start, (size_t)(s->at - start) };
	if ((exponent || number.n > SHORT_NUMBER) && isinf(scan_double(number)))
		return refuse_at(s, start, "a number too large for a double");
	return true;
}

/* ---- keys ---- */

/* The next decoded byte of a key; *left bytes of `from` are still to be given. */
struct key_reader {
	const char *at, *end;
	char from[4];
	size_t given, n;
};

static int key_next(struct key_reader *r)
{
	if (r->given < r->n)
		return (unsigned char)r->from[r->given++];
	if (r->at == r->end)
		return -1;
	if (*r->at != '\\')
		return (unsigned char)*r->at++;
	r->at++;
	r->n = scan_unescape(&r->at, r->from);
	r->given = 1;
	return (unsigned char)r->from[0];
}

static uint32_t key_hash(const struct key *key)
{
	struct key_reader r = { .at = key->s, .end = key->s + key->n };
	uint32_t hash = 2166136261u; /* FNV-1a */
	int c;

	while ((c = key_next(&r)) >= 0)
		hash = (hash ^ (uint32_t)c) * 16777619u;
	return hash;
}

static int key_text_order(const struct key *a, const struct key *b)
{
	struct key_reader left = { .at = a->s, .end = a->s + a->n };
	struct key_reader right = { .at = b->s, .end = b->s + b->n };
	int c;
	int d;

	do {
		c = key_next(&left);
		d = key_next(&right);
	} while (c == d && c >= 0);
	return (c > d) - (c < d);
}

static bool key_equal(const struct key *a, const struct key *b)
{
	return a->hash == b->hash && key_text_order(a, b) == 0;
}

static int key_order(const void *left, const void *right)
{
	const struct key *a = left;
	const struct key *b = right;
	int order;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	order = key_text_order(a, b);
	return order != 0 ? order : (a->s > b->s) - (a->s < b->s);
}

static bool key_push(struct scan *s, const char *start)
{
	struct key key = { .s = start + 1, .n = (uint32_t)(s->at - start - 2) };

	if (s->key_count == s->key_room) {
		size_t room = s->key_room == 0 ? 64 : s->key_room * 2;
		struct key *keys = mem_grow(s->keys, room, sizeof(*keys));

		if (keys == NULL)
			return refuse(s, NULL);
		s->keys = keys;
		s->key_room = room;
	}
	key.hash = key_hash(&key);
	s->keys[s->key_count++] = key;
	return true;
}

/* The first key that stood there before, or NULL. Reorders the keys. */
static const struct key *find_duplicate(struct key *keys, size_t n)
{
	const struct key *first = NULL;

	if (n <= FEW_KEYS) {
		for (size_t i = 1; i < n; i++) {
			for (size_t k = 0; k < i; k++) {
				if (key_equal(&keys[i], &keys[k]))
					return &keys[i];
			}
		}
		return NULL;
	}
	qsort(keys, n, sizeof(*keys), key_order);
	for (size_t i = 1; i < n; i++) {
		if (key_equal(&keys[i - 1], &keys[i]) && (first == NULL || keys[i].s < first->s))
			first = &keys[i];
	}
	return first;
}

static int shortened(const struct key *key)
{
	return (int)text_head((struct text){ key->s, key->n }, 60).n;
}

static bool close_map(struct scan *s, size_t first_key)
{
	const struct key *twice = NULL;

	if (s->key_count > first_key)
		twice = find_duplicate(s->keys + first_key, s->key_count - first_key);
	s->key_count = first_key;
	if (twice == NULL)
		return true;
	snprintf(s->room, sizeof(s->room), "the key \"%.*s\" stands here a second time",
		 shortened(twice), twice->s);
	return refuse_at(s, twice->s - 1, s->room);
}

/* ---- values ---- */

static bool scan_value(struct scan *s);

static bool scan_literal(struct scan *s)
{
	static const struct text words[] = { { "true", 4 }, { "false", 5 }, { "null", 4 } };
	struct text rest = { s->at, (size_t)(s->end - s->at) };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_starts(rest, words[i])) {
			s->at += words[i].n;
			return true;
		}
	}
	return refuse(s, "expected a value");
}

static bool scan_pair(struct scan *s)
{
	const char *start;

	skip_space(s);
	start = s->at;
	if (s->at == s->end)
		return refuse(s, "the text ends where a key belongs");
	if (*s->at != '"')
		return refuse(s, "expected a key in double quotes");
	if (!scan_string(s) || !key_push(s, start))
		return false;
	skip_space(s);
	if (!at_char(s, ':'))
		return refuse(s,
			      s->at == s->end ? "the text ends where ':' belongs" : "expected ':'");
	s->at++;
	return scan_value(s);
}

static bool scan_members(struct scan *s, char close, bool (*member)(struct scan *s))
{
	skip_space(s);
	if (at_char(s, close)) {
		s->at++;
		return true;
	}
	for (;;) {
		if (!member(s))
			return false;
		skip_space(s);
		if (at_char(s, close)) {
			s->at++;
			return true;
		}
		if (s->at == s->end)
			return refuse(s, close == '}' ? "the text ends inside a map"
						      : "the text ends inside a list");
		if (*s->at != ',')
			return refuse(s,
				      close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
		s->at++;
	}
}

static bool scan_container(struct scan *s)
{
	size_t first_key = s->key_count;
	bool is_map = *s->at == '{';
	bool ok;

	assert(s->depth <= LIMIT_JSON_DEPTH);
	if (s->depth == LIMIT_JSON_DEPTH) {
		snprintf(s->room, sizeof(s->room), "nested deeper than %d levels",
			 LIMIT_JSON_DEPTH);
		return refuse(s, s->room);
	}
	s->depth++;
	s->at++;
	if (is_map)
		ok = scan_members(s, '}', scan_pair) && close_map(s, first_key);
	else
		ok = scan_members(s, ']', scan_value);
	s->depth--;
	return ok;
}

static bool scan_value(struct scan *s)
{
	skip_space(s);
	if (s->at == s->end)
		return refuse(s, ENDS_AT_VALUE);
	if (*s->at == '{' || *s->at == '[')
		return scan_container(s);
	if (*s->at == '"')
		return scan_string(s);
	if (*s->at == '-' || is_digit(*s->at))
		return scan_number(s);
	return scan_literal(s);
}

static bool scan_document(struct scan *s)
{
	if (!scan_value(s))
		return false;
	skip_space(s);
	return s->at == s->end || refuse(s, "more text after the end of the document");
}

enum fate scan_text(struct text json, struct json_error *error)
{
	struct scan s = { .json = json, .at = json.s, .end = json.s + json.n };
	bool ok;

	assert(error != NULL && (json.s != NULL || json.n == 0));
	if (json.n > UINT32_MAX) {
		scan_error(error, json, 0, "larger than 4 GiB");
		return FATE_REJECT;
	}
	if (json.n == 0)
		s.at = s.end = "";
	ok = scan_document(&s);
	mem_free(s.keys);
	if (!ok && s.what == NULL)
		scan_error(error, json, 0, "out of memory");
	else if (!ok)
		scan_error(error, json, json.n == 0 ? 0 : (size_t)(s.at - json.s), s.what);
	if (ok)
		return FATE_OK;
	return s.what == NULL ? FATE_RETRY : FATE_REJECT;
}

enum fate json_check(struct text json, struct json_error *error)
{
	struct json_error unused;

	return scan_text(json, error != NULL ? error : &unused);
}
