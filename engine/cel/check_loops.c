/* SPDX-License-Identifier: Apache-2.0
 *
 * check_loops - macros that bind names: langdef.md, "Macros".
 *
 * A macro's names take the slots behind those of the macros around it, so a name
 * lives as long as its expression and no two names alive share a slot. */
#include "engine/cel/checker.h"

#include <assert.h>

#include "engine/base/limits.h"

/* The slot behind those that are taken; *out. */
static bool next_slot(struct checker *c, const struct cel_ast *node, uint32_t *out)
{
	*out = c->scope != NULL ? c->scope->slot + 1 : 0;
	if (*out + node->slots <= LIMIT_EXPR_LOCALS)
		return true;
	return cel_refuse(c->issue, node->from, "", "macros are nested too deeply");
}

/* ---- Going over a list or a map ---- */

static bool check_condition(struct checker *c, struct cel_ast *kid)
{
	return cel_check_condition(c, kid, "the condition of a macro");
}

static bool check_entry(struct checker *c, struct cel_ast *kid)
{
	if (!cel_check_node(c, kid))
		return false;
	if (cel_ast_type(kid) == CEL_DYN || cel_ast_type(kid) == CEL_MAP)
		return true;
	return cel_refuse(c->issue, kid->from, "write {key: value}",
			  "transformMapEntry() makes maps, not %s",
			  cel_type_name(cel_ast_type(kid)));
}

/* What is evaluated per element: a condition, or one (when there are two) and what
 * to make of the element. */
static bool check_body(struct checker *c, struct cel_ast *node)
{
	struct cel_ast *last = node->kids[node->count - 1];

	if (node->count == 3 && !check_condition(c, node->kids[1]))
		return false;
	switch ((enum cel_loop)node->loop) {
	case CEL_LOOP_MAP:
	case CEL_LOOP_SORT_BY:
		node->type = CEL_LIST;
		return cel_check_node(c, last);
	case CEL_LOOP_MAP_VALUES:
		node->type = CEL_MAP;
		return cel_check_node(c, last);
	case CEL_LOOP_MAP_ENTRIES:
		node->type = CEL_MAP;
		return check_entry(c, last);
	case CEL_LOOP_FILTER:
		node->type = CEL_LIST;
		return check_condition(c, last);
	default:
		node->type = CEL_BOOL;
		return check_condition(c, last);
	}
}

static bool check_range(struct checker *c, struct cel_ast *node)
{
	enum cel_type range;

	if (!cel_check_node(c, node->kids[0]))
		return false;
	range = cel_ast_type(node->kids[0]);
	if (range == CEL_DYN || range == CEL_LIST || range == CEL_MAP)
		return true;
	return cel_refuse(c->issue, node->kids[0]->from, "",
			  "a macro goes over a list or a map, not %s", cel_type_name(range));
}

static bool check_over(struct checker *c, struct cel_ast *node)
{
	struct scope first = { .outer = c->scope, .name = node->name };
	struct scope second = { .outer = &first, .name = node->second };
	bool ok;

	if (!check_range(c, node) || !next_slot(c, node, &node->index))
		return false;
	first.slot = node->index;
	second.slot = node->index + 1;
	first.tree = cel_check_element(node->kids[0]);
	if (node->slots == 2) {
		first.tree = cel_check_key(node->kids[0]);
		second.tree = cel_tree_item(cel_check_tree(node->kids[0]));
	}
	c->scope = node->slots == 2 ? &second : &first;
	ok = check_body(c, node);
	c->scope = first.outer;
	return ok;
}

/* ---- Optionals ---- */

static bool check_optional(struct checker *c, const struct cel_ast *kid, const char *what)
{
	if (cel_ast_type(kid) == CEL_DYN || cel_ast_type(kid) == CEL_OPTIONAL)
		return true;
	return cel_refuse(c->issue, kid->from, "", "%s, not %s", what,
			  cel_type_name(cel_ast_type(kid)));
}

static bool check_optional_map(struct checker *c, struct cel_ast *node)
{
	struct scope inner = { .outer = c->scope, .name = node->name };
	bool ok;

	if (!cel_check_node(c, node->kids[0]) ||
	    !check_optional(c, node->kids[0], "the macro is for an optional") ||
	    !next_slot(c, node, &node->index))
		return false;
	inner.slot = node->index;
	inner.tree = cel_tree_item(cel_check_tree(node->kids[0]));
	c->scope = &inner;
	ok = cel_check_node(c, node->kids[1]);
	c->scope = inner.outer;
	node->type = CEL_OPTIONAL;
	if (!ok || node->loop == CEL_LOOP_OPTIONAL_MAP)
		return ok;
	return check_optional(c, node->kids[1], "optFlatMap() makes an optional");
}

/* ---- Names for values ---- */

/* Each value sees the names of those before it; the last kid sees all. */
static bool check_bind(struct checker *c, struct cel_ast *node)
{
	const struct scope *outer = c->scope;
	bool ok = next_slot(c, node, &node->index);

	for (uint32_t i = 0; ok && i < node->slots; i++) {
		struct scope *inner = arena_zero(c->arena, sizeof(*inner));

		if (inner == NULL)
			return cel_refuse_size(c->issue, node->from);
		ok = cel_check_node(c, node->kids[i]);
		*inner = (struct scope){ .outer = c->scope,
					 .name = node->name,
					 .slot = node->index + i,
					 .tree = cel_check_tree(node->kids[i]) };
		if (node->name.s == NULL)
			inner->name = cel_macro_index(c->arena, i);
		c->scope = inner;
	}
	ok = ok && cel_check_node(c, node->kids[node->slots]);
	c->scope = outer;
	node->type = node->kids[node->slots]->type;
	return ok;
}

bool cel_check_loop(struct checker *c, struct cel_ast *node)
{
	switch ((enum cel_loop)node->loop) {
	case CEL_LOOP_BIND:
		return check_bind(c, node);
	case CEL_LOOP_OPTIONAL_MAP:
	case CEL_LOOP_OPTIONAL_FLAT_MAP:
		return check_optional_map(c, node);
	default:
		return check_over(c, node);
	}
}
