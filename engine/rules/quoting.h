/* SPDX-License-Identifier: Apache-2.0
 *
 * quoting - the quoting mistakes people make in rules, found and mended.
 *
 * A YAML parser stops at the first syntax error and names a symptom. When it
 * does, this scanner walks the text once more, line by line, knows what people
 * forget to quote, reports each with its own hint, and says how the text can be
 * mended so that everything else in the file is checked as well.
 * It never runs on a file that parses: a correct file can't be misjudged.
 * Ownership: mends live in the arena given and borrow the text. */
#ifndef TAPPET_RULES_QUOTING_H
#define TAPPET_RULES_QUOTING_H

#include "engine/base/arena.h"
#include "engine/base/diag.h"

/* One edit of a text: `cut` bytes at `at` are replaced. */
struct mend {
	size_t at, cut;
	struct text put;
	bool wraps; /* puts quotes around the bytes: the value itself is unchanged */
	bool drops; /* what stood there could not be read */
};

struct mends {
	struct arena *arena;
	struct mend *items; /* by rising offset, never overlapping */
	size_t count, room;
};

/* Adds an edit; edits inside its bytes are replaced by it. */
void mends_add(struct mends *mends, struct mend mend);

/* The text with all edits applied. */
struct text mends_apply(const struct mends *mends, struct text content);

/* Reports every quoting mistake of the text and adds its edit. */
void quoting_scan(struct mends *mends, struct diags *diags, const char *file, struct text content);

/* Bytes of indentation of the line that starts at `line`. */
size_t quoting_indent(struct text content, size_t line);

/* Offset of the next line's start, or content.n. */
size_t quoting_next_line(struct text content, size_t at);

#endif
