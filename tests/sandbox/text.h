/* SPDX-License-Identifier: Apache-2.0
 *
 * text - growing byte buffer with writers for JSON, and allocation that doesn't fail.
 *
 * Replies are written straight into such a buffer: a page of 200 projects is half a megabyte, and
 * building a tree of values first would cost ten times as much. The sandbox is a tool for tests, so
 * running out of memory ends the process with a message instead of being handled everywhere.
 *
 * Ownership: the buffer owns its bytes until text_fini() or text_take().
 */
#ifndef SANDBOX_TEXT_H
#define SANDBOX_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* always terminated once something was written */
	size_t len;
	size_t cap;
};

/* Memory that is zeroed; never NULL. */
void *must_alloc(size_t count, size_t size);
void *must_grow(void *old, size_t count, size_t size);
char *must_copy(const char *s);
char *must_copy_n(const char *s, size_t n);

void text_bytes(struct text *t, const void *bytes, size_t n);
void text_add(struct text *t, const char *s);
void text_char(struct text *t, char c);
void text_fmt(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_int(struct text *t, int64_t n);

/* A JSON number that stays a fraction when read back: 101 is written 101.0. */
void text_double(struct text *t, double d);

/* A JSON string (RFC 8259). Bytes that aren't UTF-8 become U+FFFD; NULL becomes null. */
void text_quote(struct text *t, const char *s);
void text_quote_n(struct text *t, const char *s, size_t n);

/* `"name":` with a comma before it unless it is the first member. */
void text_key(struct text *t, const char *name);

/* Any JSON value in compact form. */
void text_value(struct text *t, const json_t *value);

void text_clear(struct text *t);
void text_fini(struct text *t);

/* Hands the bytes over to the caller, who frees them; the buffer is empty afterwards. */
char *text_take(struct text *t);

#endif
