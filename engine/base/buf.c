/* SPDX-License-Identifier: Apache-2.0
 *
 * buf - doubling storage behind a ceiling; see buf.h for the contract.
 *
 * I1  s is NULL or s[n] is NUL.
 * I2  n <= limit and n < room. */
#include "engine/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

#define FIRST_ROOM 128 /* a short message */

void buf_init(struct buf *b, size_t limit)
{
	assert(b != NULL);
	assert(limit < SIZE_MAX / 2);
	*b = (struct buf){ .limit = limit };
}

void buf_fini(struct buf *b)
{
	assert(b != NULL);
	mem_free(b->s);
	*b = (struct buf){ .limit = b->limit };
}

void buf_clear(struct buf *b)
{
	assert(b != NULL);
	b->n = 0;
	b->failed = false;
	b->starved = false;
	if (b->s != NULL)
		b->s[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t room = b->room > 0 ? b->room : FIRST_ROOM;
	char *s;

	assert(b->n <= b->limit);
	if (b->failed || n > b->limit - b->n) {
		b->failed = true;
		return NULL;
	}
	if (b->n + n < b->room)
		return b->s + b->n;
	while (room <= b->n + n)
		room *= 2;
	if (room > b->limit + 1)
		room = b->limit + 1;
	s = mem_grow(b->s, room, 1);
	if (s == NULL) {
		b->failed = true;
		b->starved = true;
		return NULL;
	}
	s[b->n] = '\0';
	b->s = s;
	b->room = room;
	return b->s + b->n;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
	char *to = buf_reserve(b, n);

	assert(bytes != NULL || n == 0);
	if (to == NULL || n == 0)
		return;
	memcpy(to, bytes, n);
	b->n += n;
	b->s[b->n] = '\0';
}

void buf_text(struct buf *b, struct text t)
{
	buf_put(b, t.s, t.n);
}

void buf_str(struct buf *b, const char *s)
{
	assert(s != NULL);
	buf_put(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (to == NULL)
		return;
	to[0] = c;
	to[1] = '\0';
	b->n++;
}

void buf_int(struct buf *b, int64_t i)
{
	uint64_t rest = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (i < 0)
		digits[--at] = '-';
	buf_put(b, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	char *to;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(n >= 0);
	to = buf_reserve(b, (size_t)n);
	if (to == NULL)
		return;
	va_start(args, format);
	vsnprintf(to, (size_t)n + 1, format, args);
	va_end(args);
	b->n += (size_t)n;
}

void buf_cut(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n = n;
	if (b->s != NULL)
		b->s[n] = '\0';
}

void buf_follow(struct buf *b, const struct buf *from)
{
	assert(b != NULL && from != NULL);
	b->failed = b->failed || from->failed;
	b->starved = b->starved || from->starved;
}

const char *buf_cstr(const struct buf *b)
{
	assert(b != NULL);
	return b->s != NULL ? b->s : "";
}

char *buf_take(struct buf *b, size_t *n)
{
	char *s = b->s;

	assert(n != NULL);
	if (b->failed || s == NULL) {
		*n = 0;
		return NULL;
	}
	*n = b->n;
	*b = (struct buf){ .limit = b->limit };
	return s;
}
