/* SPDX-License-Identifier: Apache-2.0
 *
 * trees - static types with their parts; see trees.h. */
#include "engine/cel/trees.h"

#include <assert.h>

#define TYPES (CEL_CIDR + 1)

static const struct cel_tree dyn = { .type = CEL_DYN };
static const struct cel_tree open = { .type = CEL_DYN, .open = true };

#define PLAIN(type_) [type_] = { .type = (type_) }

static const struct cel_tree plain[TYPES] = {
	PLAIN(CEL_DYN),
	PLAIN(CEL_NULL),
	PLAIN(CEL_BOOL),
	PLAIN(CEL_INT),
	PLAIN(CEL_UINT),
	PLAIN(CEL_DOUBLE),
	PLAIN(CEL_TEXT),
	PLAIN(CEL_BYTES),
	[CEL_LIST] = { .type = CEL_LIST, .depth = 1, .a = &dyn },
	[CEL_MAP] = { .type = CEL_MAP, .depth = 1, .a = &dyn, .b = &dyn },
	PLAIN(CEL_TIMESTAMP),
	PLAIN(CEL_DURATION),
	PLAIN(CEL_TYPE),
	[CEL_OPTIONAL] = { .type = CEL_OPTIONAL, .depth = 1, .a = &dyn },
	PLAIN(CEL_IP),
	PLAIN(CEL_CIDR),
};

const struct cel_tree *cel_tree_plain(enum cel_type type)
{
	assert((unsigned)type < TYPES);
	return &plain[type];
}

const struct cel_tree *cel_tree_open(void)
{
	return &open;
}

static uint8_t deeper(const struct cel_tree *a, const struct cel_tree *b)
{
	return b != NULL && b->depth > a->depth ? b->depth : a->depth;
}

const struct cel_tree *cel_tree_of(struct arena *arena, enum cel_type type,
				   const struct cel_tree *a, const struct cel_tree *b)
{
	struct cel_tree *tree;

	assert(a != NULL && (b != NULL) == (type == CEL_MAP));
	if (deeper(a, b) >= CEL_TREE_DEPTH)
		return cel_tree_plain(type);
	tree = arena_alloc(arena, sizeof(*tree));
	if (tree == NULL)
		return cel_tree_plain(type);
	*tree = (struct cel_tree){
		.type = (uint8_t)type, .depth = (uint8_t)(deeper(a, b) + 1), .a = a, .b = b
	};
	return tree;
}

/* Null stands for a value of these types, too. */
static bool takes_null(const struct cel_tree *tree)
{
	return tree->type == CEL_OPTIONAL || tree->type == CEL_TIMESTAMP ||
	       tree->type == CEL_DURATION;
}

const struct cel_tree *cel_tree_join(struct arena *arena, const struct cel_tree *x,
				     const struct cel_tree *y)
{
	const struct cel_tree *a, *b;

	assert(x != NULL && y != NULL);
	if (x == y || y->open)
		return x;
	if (x->open)
		return y;
	if (x->type == CEL_NULL && takes_null(y))
		return y;
	if (y->type == CEL_NULL && takes_null(x))
		return x;
	if (x->type != y->type)
		return &dyn;
	if (x->depth == 0)
		return x;
	a = cel_tree_join(arena, x->a, y->a);
	b = x->b != NULL ? cel_tree_join(arena, x->b, y->b) : NULL;
	if (a == x->a && b == x->b)
		return x;
	return cel_tree_of(arena, (enum cel_type)x->type, a, b);
}

enum cel_type cel_tree_type(const struct cel_tree *tree)
{
	return (enum cel_type)tree->type;
}

const struct cel_tree *cel_tree_item(const struct cel_tree *tree)
{
	if (tree->b != NULL)
		return tree->b;
	return tree->a != NULL ? tree->a : &dyn;
}

const struct cel_tree *cel_tree_key(const struct cel_tree *tree)
{
	return tree->b != NULL ? tree->a : &dyn;
}

struct text cel_tree_text(struct arena *arena, const struct cel_tree *tree)
{
	const char *name = cel_type_name(cel_tree_type(tree));
	struct text a, b;

	if (tree->depth == 0)
		return text_of(name);
	a = cel_tree_text(arena, tree->a);
	if (tree->b == NULL)
		return text_printf(arena, "%s(%.*s)", name, TEXT_ARG(a));
	b = cel_tree_text(arena, tree->b);
	return text_printf(arena, "%s(%.*s, %.*s)", name, TEXT_ARG(a), TEXT_ARG(b));
}
