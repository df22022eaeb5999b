/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_scalar - texts as they were written, their further lines indented anew;
 * see fmt_inside.h.
 *
 * Plain and quoted texts drop the blanks around their line ends (YAML 1.2.2, 6.5), blocks the
 * indentation of their first line or the one given with | or > (8.1). */
#include <assert.h>

#include "engine/commands/fmt_inside.h"

/* ---- Plain and quoted. ---- */

/* The end of a line without its blanks; behind a backslash the first of them is the text's. */
static size_t trimmed(struct text in, size_t from, size_t to)
{
	size_t end = to;

	while (end > from && fmt_is_blank(in.s[end - 1]))
		end--;
	if (end < to && end > from && in.s[end - 1] == '\\')
		end++;
	return end;
}

static void lines(struct fmt *f, const struct yaml_node *node, size_t inner)
{
	while (f->at < node->to) {
		size_t from = f->at, to;

		while (f->at < node->to && !fmt_is_break(f->in.s[f->at]))
			f->at++;
		to = f->at == node->to ? f->at : trimmed(f->in, from, f->at);
		if (from > node->from && to > from)
			fmt_pad(f, inner);
		buf_put(f->out, f->in.s + from, to - from);
		if (f->at == node->to)
			break;
		buf_char(f->out, '\n');
		f->at += fmt_break(f->in, f->at);
		while (f->at < node->to && fmt_is_blank(f->in.s[f->at]))
			f->at++;
		f->indent = inner;
	}
}

/* ---- Blocks. ---- */

struct block {
	size_t marks;    /* bytes from | or > on that say how it is read */
	size_t body, to; /* of the text: behind the line of | or > */
	size_t was, now; /* its indentation */
	bool keep;       /* with +: empty lines at its end are text */
	bool unended;    /* the file ends within its last line, and - doesn't stand there */
};

/* One line: *end is where its line end is. True: it is text; false: an empty line between. */
static bool block_line(const struct fmt *f, const struct block *b, size_t from, size_t *end)
{
	size_t blanks = 0;

	*end = from;
	while (*end < b->to && !fmt_is_break(f->in.s[*end]))
		(*end)++;
	while (from + blanks < *end && f->in.s[from + blanks] == ' ')
		blanks++;
	return *end - from > b->was || from + blanks < *end;
}

/* The first line that isn't empty says how far the text is indented. */
static size_t block_indent(const struct fmt *f, const struct block *b)
{
	size_t from = b->body;

	for (size_t i = b->body; i < b->to; i++) {
		if (fmt_is_break(f->in.s[i]))
			from = i + 1;
		else if (f->in.s[i] != ' ')
			return i - from;
	}
	return SIZE_MAX; /* all lines are empty */
}

/* Reads what stands behind | or >: in either order an indentation and a chomping. */
static struct block block_read(const struct fmt *f, const struct yaml_node *node)
{
	struct fmt_level level = f->levels[f->depth - 1];
	struct block b = { .marks = 1, .body = node->from, .to = node->to };
	size_t given = 0, end = 0;
	bool strip = false, text = false;

	for (size_t i = node->from + 1; i < node->to && i <= node->from + 2; i++) {
		char c = f->in.s[i];

		b.keep = b.keep || c == '+';
		strip = strip || c == '-';
		if (c >= '1' && c <= '9')
			given = (size_t)(c - '0');
		else if (c != '+' && c != '-')
			break;
		b.marks++;
	}
	while (b.body < b.to && !fmt_is_break(f->in.s[b.body]))
		b.body++;
	if (b.body < b.to)
		b.body += fmt_break(f->in, b.body);
	b.was = given > 0 ? level.was + given : block_indent(f, &b);
	b.now = level.now + (given > 0 ? given : FMT_STEP);
	for (size_t i = b.body; i < b.to; i = end + (end < b.to ? fmt_break(f->in, end) : 0))
		text = block_line(f, &b, i, &end);
	b.unended = text && end == f->in.n && !strip;
	return b;
}

/* "|2+  # why" as it stands, but for an end that is not there. */
static void block_head(struct fmt *f, const struct block *b)
{
	size_t from = f->at, end = from;

	while (end < b->body && !fmt_is_break(f->in.s[end]))
		end++;
	f->at = end;
	while (fmt_is_blank(f->in.s[end - 1]))
		end--;
	if (!b->unended) {
		buf_put(f->out, f->in.s + from, end - from);
		return;
	}
	buf_char(f->out, f->in.s[from]);
	buf_char(f->out, '-');
	for (size_t i = from + 1; i < end; i++)
		if (f->in.s[i] != '+' || i >= from + b->marks)
			buf_char(f->out, f->in.s[i]);
}

static void block(struct fmt *f, const struct yaml_node *node)
{
	struct block b = block_read(f, node);
	size_t end, empty = 0;

	block_head(f, &b);
	for (size_t i = b.body; i < b.to; i = end + (end < b.to ? fmt_break(f->in, end) : 0)) {
		bool text = block_line(f, &b, i, &end);

		if (!text && end < b.to)
			empty++;
		if (!text && (!b.keep || end == b.to))
			continue;
		for (; empty > 0; empty--)
			buf_char(f->out, '\n');
		if (text && end - i < b.was) {
			fmt_fail(f, i, NULL, "");
			return;
		}
		if (text) {
			buf_char(f->out, '\n');
			fmt_pad(f, b.now);
			buf_put(f->out, f->in.s + i + b.was, end - i - b.was);
		}
		f->at = end; /* its line end belongs to the gap */
	}
}

void fmt_scalar(struct fmt *f, const struct yaml_node *node, size_t inner)
{
	assert(node->kind != YAML_LIST && node->kind != YAML_MAP);
	if (node->from == node->to)
		return;
	if (f->at != node->from || (node->block && f->depth == 0))
		fmt_fail(f, f->at, NULL, "");
	else if (node->block)
		block(f, node);
	else
		lines(f, node, inner);
}
