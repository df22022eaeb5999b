/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_write - a tree and its text become the normal form: tokens as they stand,
 * gaps anew; see fmt_text.h.
 *
 * Lists are indented beneath their key, what is inside { } [ ] beneath the line on which that
 * opens. A list in brackets has blanks inside them when a map is among its items. */
#include <assert.h>

#include "engine/commands/fmt_inside.h"

static void node_write(struct fmt *f, const struct yaml_node *node, size_t inner,
		       enum fmt_join join);

/* ---- Tokens. ---- */

static bool token(struct fmt *f, char c)
{
	if (fmt_next(f) != c) {
		fmt_fail(f, f->at, NULL, "");
		return false;
	}
	buf_char(f->out, c);
	f->at++;
	return true;
}

/* A key and its colon. Of {a, b} there is none: the values are null. */
static bool key_write(struct fmt *f, const struct yaml_node *key, size_t inner)
{
	bool empty = key->from == key->to;
	size_t at = f->at;

	if (fmt_next(f) == '?' && (empty || key->from != at)) {
		fmt_fail(f, at, "keys behind \"?\" are not formatted", "write key: value");
		return false;
	}
	fmt_scalar(f, key, inner);
	while (fmt_is_blank(fmt_next(f)))
		f->at++;
	if (fmt_next(f) != ':')
		return false;
	return token(f, ':');
}

/* ---- { } and [ ]. ---- */

static void flow_pair(struct fmt *f, const struct yaml_pair *pair, size_t inner)
{
	if (key_write(f, pair->key, inner))
		node_write(f, pair->val, inner, FMT_AS_IS);
}

/* Behind a key without a value it needs a blank: "a:," reads as one word. */
static void comma(struct fmt *f, size_t inner)
{
	bool bare = f->out->n > 0 && f->out->s[f->out->n - 1] == ':';

	fmt_gap(f, inner, bare ? " " : "", FMT_AS_IS);
	(void)token(f, ',');
}

/* True when a comma follows the gap. */
static bool comma_follows(const struct fmt *f)
{
	bool within = false;

	for (size_t i = f->at; i < f->in.n; i++) {
		char c = f->in.s[i];

		if (fmt_is_break(c))
			within = false;
		else if (c == '#' && !within)
			within = true;
		else if (!within && !fmt_is_blank(c))
			return c == ',';
	}
	return false;
}

static bool padded(const struct yaml_node *node)
{
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		if (node->items[i]->kind == YAML_MAP)
			return true;
	return node->kind == YAML_MAP && node->count > 0;
}

static bool is_flow(const struct fmt *f, const struct yaml_node *node)
{
	return f->in.s[node->from] == (node->kind == YAML_MAP ? '{' : '[');
}

static void flow(struct fmt *f, const struct yaml_node *node);

/* [a: b] holds a map without braces. */
static void flow_item(struct fmt *f, const struct yaml_node *node, size_t inner)
{
	if (node->kind != YAML_MAP && node->kind != YAML_LIST)
		fmt_scalar(f, node, inner);
	else if (is_flow(f, node))
		flow(f, node);
	else if (node->kind == YAML_MAP && node->count == 1)
		flow_pair(f, &node->pairs[0], inner);
	else
		fmt_fail(f, f->at, NULL, "");
}

static void flow(struct fmt *f, const struct yaml_node *node)
{
	const char *between = padded(node) ? " " : "";
	size_t base = f->indent, inner = base + FMT_STEP;
	bool map = node->kind == YAML_MAP;

	if (!token(f, map ? '{' : '['))
		return;
	for (size_t i = 0; i < node->count && !f->failed; i++) {
		fmt_gap(f, inner, i == 0 ? between : " ", FMT_AS_IS);
		if (map)
			flow_pair(f, &node->pairs[i], inner);
		else
			flow_item(f, node->items[i], inner);
		if (i + 1 < node->count || comma_follows(f))
			comma(f, inner);
	}
	if (f->failed)
		return;
	fmt_gap(f, base, between, node->count > 0 ? FMT_AS_IS : FMT_JOIN);
	(void)token(f, map ? '}' : ']');
}

/* ---- Blocks. ---- */

static size_t column_of(const struct fmt *f, size_t offset)
{
	size_t from = offset;

	while (from > 0 && !fmt_is_break(f->in.s[from - 1]))
		from--;
	return offset - from;
}

static bool mark_like(const struct fmt *f, const char *mark)
{
	struct text rest = { f->in.s + f->at, f->in.n - f->at };

	return text_starts(rest, text_of(mark)) &&
	       (rest.n == 3 || fmt_is_blank(rest.s[3]) || fmt_is_break(rest.s[3]));
}

static void pairs_write(struct fmt *f, const struct yaml_node *node, size_t column)
{
	for (size_t i = 0; i < node->count && !f->failed; i++) {
		if (i > 0)
			fmt_gap(f, column, "", FMT_AS_IS);
		f->indent = column;
		if (column == 0 && (mark_like(f, "---") || mark_like(f, "...")))
			fmt_fail(f, f->at, "this key would look like a document's mark",
				 "put it in quotes");
		else if (key_write(f, node->pairs[i].key, column + FMT_STEP))
			node_write(f, node->pairs[i].val, column + FMT_STEP, FMT_AS_IS);
		else
			fmt_fail(f, f->at, NULL, "");
	}
}

static void items_write(struct fmt *f, const struct yaml_node *node, size_t column)
{
	for (size_t i = 0; i < node->count && !f->failed; i++) {
		if (i > 0)
			fmt_gap(f, column, "", FMT_AS_IS);
		if (!token(f, '-'))
			return;
		f->indent = column + FMT_STEP;
		node_write(f, node->items[i], column + FMT_STEP, FMT_JOIN);
	}
}

static void block_write(struct fmt *f, const struct yaml_node *node, size_t column,
			enum fmt_join join)
{
	assert(f->depth <= LIMIT_YAML_DEPTH);
	f->levels[f->depth] = (struct fmt_level){ column_of(f, node->from), column };
	f->depth++;
	f->deepest = f->depth;
	fmt_gap(f, column, " ", join);
	if (node->kind == YAML_MAP)
		pairs_write(f, node, column);
	else
		items_write(f, node, column);
	f->depth--;
}

/* A value or an item: the gap before it, and itself. `inner`: the column of lines within it; `join`
 * whether a list or map goes on the line of its dash. */
static void node_write(struct fmt *f, const struct yaml_node *node, size_t inner,
		       enum fmt_join join)
{
	bool collection = node->kind == YAML_MAP || node->kind == YAML_LIST;

	if (f->failed || (!collection && node->from == node->to))
		return;
	if (collection && !is_flow(f, node)) {
		block_write(f, node, inner, join);
		return;
	}
	fmt_gap(f, inner, " ", FMT_AS_IS);
	if (collection)
		flow(f, node);
	else
		fmt_scalar(f, node, inner);
}

/* ---- The document. ---- */

/* --- or ... at the cursor, in the first column. */
static bool mark_here(const struct fmt *f, const char *mark)
{
	return column_of(f, f->at) == 0 && mark_like(f, mark);
}

/* Passes a mark that isn't written, with its line end: no empty line is left in its place. */
static void drop_mark(struct fmt *f)
{
	f->at += 3;
	while (fmt_is_blank(fmt_next(f)))
		f->at++;
	if (f->lines > 0 && f->at < f->in.n && fmt_is_break(f->in.s[f->at]))
		f->at += fmt_break(f->in, f->at);
}

/* %YAML 1.2: as it stands. */
static void directive(struct fmt *f)
{
	size_t from = f->at, to;

	while (f->at < f->in.n && !fmt_is_break(f->in.s[f->at]))
		f->at++;
	for (to = f->at; fmt_is_blank(f->in.s[to - 1]);)
		to--;
	fmt_newline(f, 0);
	buf_put(f->out, f->in.s + from, to - from);
}

static bool head_goes_on(const struct fmt *f)
{
	return fmt_next(f) == '%' || mark_here(f, "---");
}

/* What stands before the first token. Only directives need the mark --- that ends them. */
static void head(struct fmt *f)
{
	bool directives = false;

	for (fmt_comments(f, 0); head_goes_on(f); fmt_comments(f, 0)) {
		if (fmt_next(f) == '%') {
			directives = true;
			directive(f);
		} else if (directives) {
			fmt_newline(f, 0);
			buf_str(f->out, "---");
			f->at += 3;
		} else {
			drop_mark(f);
		}
	}
	/* The document may begin on the line of its mark. */
	if (f->lines == 0)
		f->lines = 1;
}

static void tail(struct fmt *f)
{
	fmt_comments(f, 0);
	while (mark_here(f, "...")) {
		drop_mark(f);
		fmt_comments(f, 0);
	}
	if (f->at < f->in.n)
		fmt_fail(f, f->at, NULL, "");
	if (f->out->n > 0)
		buf_char(f->out, '\n');
}

static void root_write(struct fmt *f, const struct yaml_node *root)
{
	bool empty = root->kind == YAML_NULL && root->from == root->to;

	head(f);
	if (!empty)
		fmt_newline(f, 0);
	if (root->kind == YAML_MAP && is_flow(f, root)) {
		flow(f, root);
	} else if (root->kind == YAML_MAP) {
		f->levels[0] = (struct fmt_level){ column_of(f, root->from), 0 };
		f->depth = f->deepest = 1;
		pairs_write(f, root, 0);
	} else {
		fmt_scalar(f, root, FMT_STEP);
	}
	if (!f->failed)
		tail(f);
}

bool fmt_write(const struct yaml_node *root, struct text content, struct buf *out,
	       struct fmt_refusal *refusal)
{
	struct fmt f = { .in = content, .out = out };

	assert(root != NULL && out != NULL);
	assert(root->kind == YAML_MAP || root->kind == YAML_NULL);
	root_write(&f, root);
	*refusal = f.refusal;
	return !f.failed;
}
