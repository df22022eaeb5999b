/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cel_tree - whether two syntax trees are equal, and the property that
 * every tree survives being printed and parsed: for unit tests and fuzzing.
 *
 * Where the trees stand in their texts doesn't count. */
#ifndef TAPPET_TESTS_CEL_TREE_H
#define TAPPET_TESTS_CEL_TREE_H

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/cel/print.h"

/* Bit for bit: 1 is not 1.0, NaN is NaN. Literals are no lists and no maps. */
static inline bool tree_same_value(struct value a, struct value b)
{
	if (a.kind != b.kind)
		return false;
	if (a.kind == VALUE_TEXT || a.kind == VALUE_BYTES)
		return text_eq(value_as_text(a), value_as_text(b));
	if (a.kind == VALUE_NULL)
		return true;
	return a.kind == VALUE_BOOL ? a.b == b.b : a.u == b.u;
}

static inline bool tree_same_head(const struct cel_ast *a, const struct cel_ast *b)
{
	if (a->kind != b->kind || a->count != b->count || !text_eq(a->name, b->name) ||
	    !text_eq(a->second, b->second))
		return false;
	if (a->kind == CEL_AST_LITERAL)
		return tree_same_value(a->value, b->value);
	if (a->kind == CEL_AST_NAME)
		return a->root == b->root;
	if (a->kind == CEL_AST_CALL)
		return a->root == b->root && a->member == b->member;
	if (a->kind == CEL_AST_BINARY || a->kind == CEL_AST_LOOP)
		return a->op == b->op;
	return true;
}

static inline bool tree_same(const struct cel_ast *a, const struct cel_ast *b)
{
	if (!tree_same_head(a, b))
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		if (!tree_same(a->kids[i], b->kids[i]))
			return false;
	}
	return true;
}

/* NULL when the text is refused, or parse(print(tree)) == tree; else the printed
 * text. A print longer than an expression may be proves nothing. */
static inline const char *tree_lost(struct arena *scratch, struct buf *out, struct text text,
				    bool macros)
{
	struct cel_issue issue = { 0 };
	struct cel_ast *tree, *again;
	uint32_t nodes;

	tree = cel_parse(scratch, text, macros, &nodes, &issue);
	if (tree == NULL)
		return NULL;
	buf_clear(out);
	cel_print(out, tree);
	if (out->n > LIMIT_EXPR)
		return NULL;
	again = cel_parse(scratch, buf_view(out), macros, &nodes, &issue);
	return again != NULL && tree_same(tree, again) ? NULL : buf_cstr(out);
}

#endif
