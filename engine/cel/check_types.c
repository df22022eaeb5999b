/* SPDX-License-Identifier: Apache-2.0
 *
 * check_types - what lists, maps and optionals hold, once what stands in a node is
 * known: langdef.md, "Gradual Type Checking".
 *
 * Nodes without parts keep the coarse type that the checker gave them, and no
 * tree. */
#include "engine/cel/checker.h"

const struct cel_tree *cel_check_tree(const struct cel_ast *node)
{
	return node->tree != NULL ? node->tree : cel_tree_plain(cel_ast_type(node));
}

static void settle(struct cel_ast *node, const struct cel_tree *tree)
{
	node->tree = tree;
	node->type = (uint8_t)cel_tree_type(tree);
}

static const struct cel_tree *joined(struct checker *c, const struct cel_ast *a,
				     const struct cel_ast *b)
{
	return cel_tree_join(c->arena, cel_check_tree(a), cel_check_tree(b));
}

static const struct cel_tree *optional(struct checker *c, const struct cel_tree *of)
{
	return cel_tree_of(c->arena, CEL_OPTIONAL, of, NULL);
}

static const struct cel_tree *list(struct checker *c, const struct cel_tree *of)
{
	return cel_tree_of(c->arena, CEL_LIST, of, NULL);
}

/* ---- Lists and maps ---- */

/* The type of every `step`th kid from `first` on. */
static const struct cel_tree *of_kids(struct checker *c, const struct cel_ast *node, uint32_t first,
				      uint32_t step)
{
	const struct cel_tree *all = cel_tree_open();

	for (uint32_t i = first; i < node->count; i += step)
		all = cel_tree_join(c->arena, all, cel_check_tree(node->kids[i]));
	return all;
}

/* A part of a list or map; of an optional, an optional part. */
static const struct cel_tree *part(struct checker *c, const struct cel_tree *of)
{
	if (cel_tree_type(of) == CEL_OPTIONAL)
		return optional(c, cel_tree_item(cel_tree_item(of)));
	return cel_tree_item(of);
}

static const struct cel_tree *optional_part(struct checker *c, const struct cel_tree *of)
{
	if (cel_tree_type(of) == CEL_OPTIONAL)
		return part(c, of);
	return optional(c, cel_tree_item(of));
}

/* ---- Functions ---- */

enum rule {
	SAME,        /* as the first argument */
	ITEM,        /* what the first argument holds */
	JOIN,        /* the first or the second argument */
	ITEM_OR,     /* what the first argument holds, or the second */
	OPTIONAL_OF, /* an optional of the first argument */
	OPTIONAL_ITEM,
	ITEMS_OF_ITEMS, /* a list of what the items of the first argument hold */
	OPTIONAL_NONE,
	TEXTS,
	INTS,
};

static const struct {
	const char *name;
	bool member;
	enum rule rule;
} rules[] = {
	{ "optional.of", false, OPTIONAL_OF },
	{ "optional.ofNonZeroValue", false, OPTIONAL_OF },
	{ "optional.none", false, OPTIONAL_NONE },
	{ "optional.unwrap", false, ITEMS_OF_ITEMS },
	{ "unwrapOpt", true, ITEMS_OF_ITEMS },
	{ "value", true, ITEM },
	{ "sum", true, ITEM },
	{ "sum", false, ITEM },
	{ "or", true, JOIN },
	{ "orValue", true, ITEM_OR },
	{ "first", true, OPTIONAL_ITEM },
	{ "last", true, OPTIONAL_ITEM },
	{ "slice", true, SAME },
	{ "sort", true, SAME },
	{ "reverse", true, SAME },
	{ "distinct", true, SAME },
	{ "lists.range", false, INTS },
	{ "split", true, TEXTS },
};

static const struct cel_tree *by_rule(struct checker *c, const struct cel_ast *call, enum rule rule)
{
	const struct cel_tree *first = call->count > 0 ? cel_check_tree(call->kids[0]) : NULL;

	switch (rule) {
	case SAME:
		return first;
	case ITEM:
		return cel_tree_item(first);
	case JOIN:
		return joined(c, call->kids[0], call->kids[1]);
	case ITEM_OR:
		return cel_tree_join(c->arena, cel_tree_item(first), cel_check_tree(call->kids[1]));
	case OPTIONAL_OF:
		return optional(c, first);
	case OPTIONAL_ITEM:
		return optional(c, cel_tree_item(first));
	case ITEMS_OF_ITEMS:
		return list(c, cel_tree_item(cel_tree_item(first)));
	case OPTIONAL_NONE:
		return optional(c, cel_tree_open());
	case TEXTS:
		return list(c, cel_tree_plain(CEL_TEXT));
	case INTS:
		break;
	}
	return list(c, cel_tree_plain(CEL_INT));
}

static void infer_call(struct checker *c, struct cel_ast *call)
{
	const struct cel_function *f = call->candidates[0];

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct cel_tree *tree;

		if (rules[i].member != f->member || strcmp(rules[i].name, f->name) != 0)
			continue;
		tree = by_rule(c, call, rules[i].rule);
		/* An argument of unknown type leaves the result as the row has it. */
		if (f->type == CEL_DYN || f->type == cel_tree_type(tree))
			settle(call, tree);
		return;
	}
}

/* ---- Macros ---- */

const struct cel_tree *cel_check_element(const struct cel_ast *range)
{
	const struct cel_tree *tree = cel_check_tree(range);

	return cel_tree_type(tree) == CEL_MAP ? cel_tree_key(tree) : cel_tree_item(tree);
}

const struct cel_tree *cel_check_key(const struct cel_ast *range)
{
	const struct cel_tree *tree = cel_check_tree(range);

	return cel_tree_type(tree) == CEL_LIST ? cel_tree_plain(CEL_INT) : cel_tree_key(tree);
}

static void infer_loop(struct checker *c, struct cel_ast *node)
{
	const struct cel_ast *range = node->kids[0];
	const struct cel_tree *last = cel_check_tree(node->kids[node->count - 1]);

	switch ((enum cel_loop)node->loop) {
	case CEL_LOOP_MAP:
		settle(node, list(c, last));
		break;
	case CEL_LOOP_FILTER:
	case CEL_LOOP_SORT_BY:
		settle(node, list(c, cel_check_element(range)));
		break;
	case CEL_LOOP_MAP_VALUES:
		settle(node, cel_tree_of(c->arena, CEL_MAP, cel_check_key(range), last));
		break;
	case CEL_LOOP_MAP_ENTRIES:
		settle(node, cel_tree_type(last) == CEL_MAP ? last : cel_tree_plain(CEL_MAP));
		break;
	case CEL_LOOP_OPTIONAL_MAP:
		settle(node, optional(c, last));
		break;
	case CEL_LOOP_OPTIONAL_FLAT_MAP:
		settle(node,
		       cel_tree_type(last) == CEL_OPTIONAL ? last : cel_tree_plain(CEL_OPTIONAL));
		break;
	case CEL_LOOP_BIND:
		settle(node, last);
		break;
	case CEL_LOOP_ALL:
	case CEL_LOOP_EXISTS:
	case CEL_LOOP_EXISTS_ONE:
		break;
	}
}

void cel_check_infer(struct checker *c, struct cel_ast *node)
{
	switch ((enum cel_ast_kind)node->kind) {
	case CEL_AST_LIST:
		settle(node, list(c, of_kids(c, node, 0, 1)));
		break;
	case CEL_AST_MAP:
		settle(node, cel_tree_of(c->arena, CEL_MAP, of_kids(c, node, 0, 2),
					 of_kids(c, node, 1, 2)));
		break;
	case CEL_AST_MAYBE:
		settle(node, cel_tree_item(cel_check_tree(node->kids[0])));
		break;
	case CEL_AST_SELECT:
	case CEL_AST_INDEX:
		if (node->type == CEL_DYN || node->type == CEL_OPTIONAL)
			settle(node, part(c, cel_check_tree(node->kids[0])));
		break;
	case CEL_AST_OPTIONAL_INDEX:
		settle(node, optional_part(c, cel_check_tree(node->kids[0])));
		break;
	case CEL_AST_BINARY:
		if (node->type == CEL_LIST && node->kids[0]->type == node->kids[1]->type)
			settle(node, joined(c, node->kids[0], node->kids[1]));
		break;
	case CEL_AST_CHOOSE:
		settle(node, joined(c, node->kids[1], node->kids[2]));
		break;
	case CEL_AST_DEFAULT:
		settle(node, joined(c, node->kids[0], node->kids[1]));
		break;
	case CEL_AST_CALL:
		infer_call(c, node);
		break;
	case CEL_AST_LOOP:
		infer_loop(c, node);
		break;
	default:
		break;
	}
}
