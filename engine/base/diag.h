/* SPDX-License-Identifier: Apache-2.0
 *
 * diag - a mistake in something a user wrote: what, where, and a hint.
 *
 * All mistakes of a run are collected, then printed together in the order of
 * file, line and column:
 *
 *   rules/orders.yaml:14:9: error: unknown action "slack.pots"
 *      14 |       - slack.pots: { text: "hello" }
 *         |         ^
 *      hint: did you mean "slack.post"?
 *
 * Ownership: the list owns copies of everything given to it, including the
 * text of the files it quotes from. */
#ifndef TAPPET_BASE_DIAG_H
#define TAPPET_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/text.h"

enum severity { DIAG_ERROR, DIAG_WARNING };

struct place {
	const char *file; /* borrowed; lives as long as the source list that named it */
	int line, column; /* 1-based; column counts characters, not bytes; 0: unknown */
};

struct diag {
	struct place at;
	enum severity severity;
	const char *what; /* no trailing dot, no newline */
	const char *hint; /* "" when there is none */
};

struct diags;
struct buf;

struct diags *diags_new(void); /* NULL when memory is out */
void diags_free(struct diags *list);

/* Remembers the text of a file so that lines can be quoted. Returns the file's
 * name as kept by the list (what `place.file` should borrow), or NULL. */
const char *diags_source(struct diags *list, const char *file, struct text content);

void diags_add(struct diags *list, enum severity severity, struct place at, const char *hint,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Hides `bytes` of the file's text from this place on, line ends, quotes and ${...} left out: what
 * stands there is a secret, and never quoted. */
void diags_hide(struct diags *list, struct place at, size_t bytes);

size_t diags_errors(const struct diags *list); /* all that were added */
size_t diags_count(const struct diags *list);  /* errors and warnings kept: LIMIT_DIAGS at most */
const struct diag *diags_at(struct diags *list, size_t i); /* in printing order */

/* Text form as above (colour: with ANSI escapes), or one JSON object a line:
 * file line column severity message hint. */
void diags_print(struct diags *list, struct buf *out, bool colour);
void diags_print_json(struct diags *list, struct buf *out);

#endif
