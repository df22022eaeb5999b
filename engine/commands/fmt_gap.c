/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_gap - what stands between two tokens: blanks, line ends, comments; see
 * fmt_inside.h.
 *
 * At most one empty line stays. A comment behind a token keeps its distance, so that comments
 * aligned with each other stay so; one on a line of its own stands where its map or list does. */
#include <assert.h>

#include "engine/commands/fmt_inside.h"

void fmt_fail(struct fmt *f, size_t at, const char *what, const char *hint)
{
	if (f->failed)
		return;
	f->failed = true;
	f->refusal = (struct fmt_refusal){ at, what, hint };
}

void fmt_pad(struct fmt *f, size_t columns)
{
	char *room = buf_reserve(f->out, columns);

	if (room == NULL)
		return;
	memset(room, ' ', columns);
	f->out->n += columns;
}

void fmt_newline(struct fmt *f, size_t column)
{
	/* A file begins without empty lines. */
	if (f->out->n > 0)
		buf_str(f->out, f->lines > 1 ? "\n\n" : "\n");
	f->lines = 0;
	f->indent = column;
	fmt_pad(f, column);
}

/* Where a comment that stood in column `stood` belongs: with what follows, or with a map or list
 * that ends here, as far as it is indented. */
static size_t comment_column(const struct fmt *f, size_t stood, size_t column)
{
	if (f->depth == 0 || stood <= f->levels[f->depth - 1].was)
		return column;
	for (size_t i = f->deepest; i > f->depth; i--)
		if (f->levels[i - 1].was <= stood)
			return f->levels[i - 1].now;
	return column;
}

static void comment(struct fmt *f, size_t blanks, size_t column)
{
	size_t from = f->at, to;

	if (f->lines > 0)
		fmt_newline(f, comment_column(f, blanks, column));
	else if (f->out->n > 0)
		fmt_pad(f, blanks > 0 ? blanks : 1);
	while (f->at < f->in.n && !fmt_is_break(f->in.s[f->at]))
		f->at++;
	to = f->at;
	while (fmt_is_blank(f->in.s[to - 1]))
		to--;
	buf_put(f->out, f->in.s + from, to - from);
}

void fmt_comments(struct fmt *f, size_t column)
{
	size_t blanks = 0;

	assert(f->depth <= f->deepest);
	while (f->at < f->in.n) {
		if (fmt_is_blank(f->in.s[f->at])) {
			blanks++;
			f->at++;
		} else if (fmt_is_break(f->in.s[f->at])) {
			blanks = 0;
			f->lines++;
			f->at += fmt_break(f->in, f->at);
		} else if (f->in.s[f->at] == '#') {
			comment(f, blanks, column);
		} else {
			break;
		}
	}
}

struct gap {
	size_t to;
	bool broken, commented;
};

static struct gap look(const struct fmt *f)
{
	struct gap gap = { .to = f->at, .broken = f->lines > 0 };
	bool within = false;

	for (; gap.to < f->in.n; gap.to++) {
		char c = f->in.s[gap.to];

		if (fmt_is_break(c)) {
			gap.broken = true;
			within = false;
		} else if (c == '#' && !within) {
			gap.commented = within = true;
		} else if (!within && !fmt_is_blank(c)) {
			break;
		}
	}
	return gap;
}

void fmt_gap(struct fmt *f, size_t column, const char *between, enum fmt_join join)
{
	struct gap gap = look(f);

	if (!gap.commented && (!gap.broken || join == FMT_JOIN)) {
		f->at = gap.to;
		buf_str(f->out, between);
	} else {
		fmt_comments(f, column);
		fmt_newline(f, column);
	}
	f->deepest = f->depth;
}
