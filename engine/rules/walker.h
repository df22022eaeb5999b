/* SPDX-License-Identifier: Apache-2.0
 *
 * walker - byte offsets of a text as lines and columns, in one pass.
 *
 * I1  Visiting offsets in rising order costs one walk over the text in all;
 *     going back starts over.
 * Ownership: borrows the text. */
#ifndef TAPPET_RULES_WALKER_H
#define TAPPET_RULES_WALKER_H

#include "engine/base/diag.h"
#include "engine/base/text.h"

struct walker {
	struct text in;
	size_t byte;
	int line, column; /* of `byte`; 1-based, column in characters */
};

static inline struct walker walker_of(struct text in)
{
	return (struct walker){ in, 0, 1, 1 };
}

/* The place of a byte offset (at most in.n). */
struct place walker_to(struct walker *w, const char *file, size_t byte);

/* One byte on: columns count the first bytes of characters only. */
static inline void walker_step(struct walker *w)
{
	char c = w->in.s[w->byte++];

	if (c == '\n') {
		w->line++;
		w->column = 1;
	} else if (w->byte == w->in.n || ((unsigned char)w->in.s[w->byte] & 0xc0) != 0x80) {
		w->column++;
	}
}

#endif
