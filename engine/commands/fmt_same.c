/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_same - whether two files load the same and have the same comments; see
 * fmt_text.h. Knows nothing of how the normal form is written. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/fmt_text.h"

/* ---- Trees. ---- */

static bool same_scalar(const struct yaml_node *a, const struct yaml_node *b)
{
	return a->quoted == b->quoted && a->block == b->block &&
	       (a->from == a->to) == (b->from == b->to) && text_eq(a->text, b->text);
}

/* Recursion is bounded by LIMIT_YAML_DEPTH. */
static bool same_tree(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	for (size_t i = 0; a->kind == YAML_LIST && i < a->count; i++)
		if (!same_tree(a->items[i], b->items[i]))
			return false;
	for (size_t i = 0; a->kind == YAML_MAP && i < a->count; i++)
		if (!same_tree(a->pairs[i].key, b->pairs[i].key) ||
		    !same_tree(a->pairs[i].val, b->pairs[i].val))
			return false;
	return a->kind == YAML_LIST || a->kind == YAML_MAP || same_scalar(a, b);
}

/* ---- Comments. ---- */

/* Walks the scalars of a tree in the order of the text: a # between them begins a comment, one
 * within them only in the first line of a block. Explicit stack: one entry a level. */
struct comments {
	struct text in;
	size_t at;
	struct frame {
		const struct yaml_node *node;
		size_t next; /* of its keys and values, or items */
	} stack[LIMIT_YAML_DEPTH + 2];
	size_t depth;
	size_t to; /* of the stretch under way: before a scalar, or a block's first line */
	const struct yaml_node *scalar; /* the next one, or the block; NULL: none */
	bool head;                      /* in the first line of a block */
};

static const struct yaml_node *member(const struct yaml_node *node, size_t i)
{
	if (node->kind == YAML_LIST)
		return i < node->count ? node->items[i] : NULL;
	if (node->kind != YAML_MAP || i >= 2 * node->count)
		return NULL;
	return i % 2 == 0 ? node->pairs[i / 2].key : node->pairs[i / 2].val;
}

/* The next scalar that has text, or NULL. */
static const struct yaml_node *next_scalar(struct comments *c)
{
	while (c->depth > 0) {
		struct frame *top = &c->stack[c->depth - 1];
		const struct yaml_node *node = member(top->node, top->next++);

		if (node == NULL) {
			c->depth--;
		} else if (node->kind == YAML_LIST || node->kind == YAML_MAP) {
			assert(c->depth < LIMIT_YAML_DEPTH + 2);
			c->stack[c->depth++] = (struct frame){ node, 0 };
		} else if (node->from < node->to) {
			return node;
		}
	}
	return NULL;
}

static void next_gap(struct comments *c)
{
	c->head = false;
	c->scalar = next_scalar(c);
	c->to = c->scalar != NULL ? c->scalar->from : c->in.n;
}

static struct comments comments_of(const struct fmt_side *side)
{
	struct comments c = { .in = side->content };

	c.stack[c.depth++] = (struct frame){ side->root, 0 };
	next_gap(&c);
	return c;
}

static size_t line_end(const struct comments *c, size_t at)
{
	while (at < c->in.n && c->in.s[at] != '\n' && c->in.s[at] != '\r')
		at++;
	return at;
}

/* On to the next stretch. False: the file ends. */
static bool next_stretch(struct comments *c)
{
	if (c->scalar == NULL)
		return false;
	if (c->scalar->block && !c->head) {
		c->head = true;
		c->at = c->scalar->from;
		c->to = line_end(c, c->at);
		return true;
	}
	c->at = c->scalar->to;
	next_gap(c);
	return true;
}

/* The next comment, its trailing blanks left out. False: there is none. */
static bool next_comment(struct comments *c, struct text *out)
{
	size_t end;

	do {
		while (c->at < c->to && c->in.s[c->at] != '#')
			c->at++;
		if (c->at < c->to) {
			end = line_end(c, c->at);
			*out = text_trim((struct text){ c->in.s + c->at, end - c->at });
			c->at = end;
			return true;
		}
	} while (next_stretch(c));
	return false;
}

static bool same_comments(const struct fmt_side *a, const struct fmt_side *b)
{
	struct comments ca = comments_of(a), cb = comments_of(b);
	struct text ta, tb;

	for (;;) {
		bool more = next_comment(&ca, &ta);

		if (more != next_comment(&cb, &tb))
			return false;
		if (!more)
			return true;
		if (!text_eq(ta, tb))
			return false;
	}
}

bool fmt_same(const struct fmt_side *a, const struct fmt_side *b)
{
	assert(a != NULL && b != NULL);
	return same_tree(a->root, b->root) && same_comments(a, b);
}
