/* SPDX-License-Identifier: Apache-2.0
 *
 * buf - a growing byte buffer with a ceiling.
 *
 * The first failure (ceiling or memory) sticks: later writes do nothing and
 * buf_failed() says so, so a writer checks once at its end. What is in the
 * buffer is always NUL-terminated after the last byte.
 * Ownership: the buffer owns its bytes until buf_fini or buf_take. */
#ifndef TAPPET_BASE_BUF_H
#define TAPPET_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"

struct buf {
	char *s;
	size_t n;
	size_t room;  /* bytes allocated, including the NUL */
	size_t limit; /* bytes of content allowed */
	bool failed;
	bool starved; /* it failed because memory is out, not at its limit */
};

void buf_init(struct buf *b, size_t limit);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* empties it and forgets a failure; keeps the memory */

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_text(struct buf *b, struct text t);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t i);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_cut(struct buf *b, size_t n); /* shortens the content to n bytes */

/* Makes room for n more bytes and returns where to write them (then add to
 * b->n), or NULL after failing. */
char *buf_reserve(struct buf *b, size_t n);

static inline struct text buf_view(const struct buf *b)
{
	return (struct text){ b->s, b->n };
}

static inline bool buf_failed(const struct buf *b)
{
	return b->failed;
}

/* What failed in `from` fails in b, too, which was to hold it. */
void buf_follow(struct buf *b, const struct buf *from);

/* The content as a NUL-terminated string ("" while empty). */
const char *buf_cstr(const struct buf *b);

/* Gives the bytes away (free with mem_free); the buffer is empty afterwards.
 * NULL when nothing was written or a write failed. */
char *buf_take(struct buf *b, size_t *n);

#endif
