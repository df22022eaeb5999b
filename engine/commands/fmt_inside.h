/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_inside - shared by the files that write the normal form; see fmt_text.h.
 *
 * The text is walked from its start: `at` is the first byte that isn't written yet. What stands
 * between two tokens (blanks, line ends, comments) is a gap. */
#ifndef TAPPET_COMMANDS_FMT_INSIDE_H
#define TAPPET_COMMANDS_FMT_INSIDE_H

#include "engine/base/limits.h"
#include "engine/commands/fmt_text.h"

#define FMT_STEP 2 /* columns from a collection to what is inside */

/* A map or list in block form: the column of its keys or dashes, before and after. */
struct fmt_level {
	size_t was, now;
};

struct fmt {
	struct text in;
	size_t at;
	struct buf *out;
	size_t lines;  /* line ends of the gap that are read, and not written yet */
	size_t indent; /* of the line being written, a list's dash counted as blanks */
	/* Levels that are open, and those closed since the last token: a comment may belong to one
	 * of them. */
	struct fmt_level levels[LIMIT_YAML_DEPTH + 1];
	size_t depth, deepest;
	bool failed;
	struct fmt_refusal refusal;
};

static inline bool fmt_is_break(char c)
{
	return c == '\n' || c == '\r';
}

static inline bool fmt_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes of the line end at `at`: CR LF is one. */
static inline size_t fmt_break(struct text in, size_t at)
{
	return in.s[at] == '\r' && at + 1 < in.n && in.s[at + 1] == '\n' ? 2 : 1;
}

/* The next byte to write, or 0 at the end. */
static inline char fmt_next(const struct fmt *f)
{
	return f->at < f->in.n ? f->in.s[f->at] : '\0';
}

/* The first failure sticks. */
void fmt_fail(struct fmt *f, size_t at, const char *what, const char *hint);

void fmt_pad(struct fmt *f, size_t columns);

/* ---- fmt_gap.c ---- */

enum fmt_join {
	FMT_AS_IS, /* a line break stays one */
	FMT_JOIN,  /* only comments keep it */
};

/* Writes the comments of the gap, `column` being that of what follows; its last line ends stay in
 * `lines`. */
void fmt_comments(struct fmt *f, size_t column);

/* Writes the gap before a token: `between` where it stays on the line, else line ends and `column`
 * blanks. */
void fmt_gap(struct fmt *f, size_t column, const char *between, enum fmt_join join);

/* The line ends in `lines`, at least one, and `column` blanks. */
void fmt_newline(struct fmt *f, size_t column);

/* ---- fmt_scalar.c ---- */

/* A text, key or number; further lines of it begin in column `inner`. */
void fmt_scalar(struct fmt *f, const struct yaml_node *node, size_t inner);

#endif
