/* SPDX-License-Identifier: Apache-2.0
 *
 * text - see text.h. Growth doubles, so writing n bytes costs O(n).
 */
#include "tests/sandbox/text.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("tappet-sandbox: out of memory\n", stderr);
		exit(3);
	}
	return p;
}

void *must_alloc(size_t count, size_t size)
{
	assert(size > 0);
	return checked(calloc(count ? count : 1, size));
}

void *must_grow(void *old, size_t count, size_t size)
{
	assert(count > 0 && size > 0);
	return checked(reallocarray(old, count, size));
}

char *must_copy(const char *s)
{
	assert(s);
	return checked(strdup(s));
}

char *must_copy_n(const char *s, size_t n)
{
	char *copy = must_alloc(n + 1, 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

static void reserve(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 256;

	if (t->len + more + 1 <= t->cap)
		return;
	while (cap < t->len + more + 1)
		cap *= 2;
	t->data = must_grow(t->data, cap, 1);
	t->cap = cap;
}

void text_bytes(struct text *t, const void *bytes, size_t n)
{
	assert(t && (bytes || n == 0));
	reserve(t, n);
	if (n)
		memcpy(t->data + t->len, bytes, n);
	t->len += n;
	t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_bytes(t, s, strlen(s));
}

void text_char(struct text *t, char c)
{
	text_bytes(t, &c, 1);
}

void text_fmt(struct text *t, const char *fmt, ...)
{
	va_list args;
	va_list again;
	int n;

	reserve(t, 256); /* enough nearly always; if not, the length is known then */
	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(t->data + t->len, t->cap - t->len, fmt, args);
	va_end(args);
	assert(n >= 0);
	if ((size_t)n >= t->cap - t->len) {
		reserve(t, (size_t)n);
		(void)vsnprintf(t->data + t->len, t->cap - t->len, fmt, again);
	}
	va_end(again);
	t->len += (size_t)n;
}

void text_int(struct text *t, int64_t n)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t rest = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (n < 0)
		*--p = '-';
	text_bytes(t, p, (size_t)(digits + sizeof(digits) - p));
}

void text_double(struct text *t, double d)
{
	char digits[32];

	if (!isfinite(d)) {
		text_add(t, "null");
		return;
	}
	(void)snprintf(digits, sizeof(digits), "%.15g", d);
	text_add(t, digits);
	if (!strpbrk(digits, ".e"))
		text_add(t, ".0");
}

/* Length of the UTF-8 sequence at s, 0 if it is malformed (Unicode 15, table 3-7). */
static size_t sequence(const unsigned char *s, size_t n)
{
	size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	unsigned low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
	unsigned high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

	if (s[0] < 0xc2 || s[0] > 0xf4 || n < need)
		return 0;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

static void quote_control(struct text *t, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *at = c ? strchr(from, c) : NULL;

	if (at)
		text_fmt(t, "\\%c", to[at - from]);
	else
		text_fmt(t, "\\u%04x", c);
}

void text_quote_n(struct text *t, const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t plain = 0; /* start of the run that is copied as it is */
	size_t i = 0;

	text_char(t, '"');
	while (i < n) {
		size_t step = p[i] < 0x80 ? 1 : sequence(p + i, n - i);

		if (step && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\') {
			i += step;
			continue;
		}
		text_bytes(t, s + plain, i - plain);
		if (step)
			quote_control(t, p[i]);
		else
			text_add(t, "\xef\xbf\xbd");
		plain = ++i;
	}
	text_bytes(t, s + plain, n - plain);
	text_char(t, '"');
}

void text_quote(struct text *t, const char *s)
{
	if (s)
		text_quote_n(t, s, strlen(s));
	else
		text_add(t, "null");
}

void text_key(struct text *t, const char *name)
{
	if (t->len && t->data[t->len - 1] != '{')
		text_char(t, ',');
	text_char(t, '"');
	text_add(t, name);
	text_add(t, "\":");
}

static int dump(const char *bytes, size_t n, void *to)
{
	text_bytes(to, bytes, n);
	return 0;
}

void text_value(struct text *t, const json_t *value)
{
	assert(t && value);
	(void)json_dump_callback(value, dump, t, JSON_COMPACT | JSON_ENCODE_ANY);
}

void text_clear(struct text *t)
{
	t->len = 0;
	if (t->data)
		t->data[0] = '\0';
}

void text_fini(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

char *text_take(struct text *t)
{
	char *data = t->data ? t->data : must_copy("");

	*t = (struct text){ 0 };
	return data;
}
