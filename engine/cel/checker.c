/* SPDX-License-Identifier: Apache-2.0
 *
 * checker - what every name means, which functions a call may reach, and the
 * types as far as they are known; see checker.h for its parts.
 *
 * I1  After success no CEL_AST_NAME is left: names are variables, locals or
 *     literals (of a type's name).
 * I2  Refuses only what fails on every input: one operand of unknown type leaves
 *     the decision to the evaluator.
 * I3  The tree is at most LIMIT_EXPR_TREE deep. */
#include "engine/cel/checker.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/cel/env.h"
#include "engine/cel/fields.h"
#include "engine/cel/types.h"

/* Without checks what was just refused becomes an error of the evaluation. */
bool cel_check_refused(struct checker *c, struct cel_ast *node)
{
	struct text what;

	if (!c->env->unchecked)
		return false;
	what = text_dup(c->arena, text_of(c->issue->what));
	*c->issue = (struct cel_issue){ .parsed = true };
	if (what.s == NULL)
		return cel_refuse_size(c->issue, node->from);
	node->kind = CEL_AST_FAIL;
	node->value = value_text(what);
	node->count = 0;
	return true;
}

/* ---- Fields ---- */

static bool refuse_field(struct checker *c, const struct cel_ast *node, enum cel_type of)
{
	const char *hint = of == CEL_LIST ? "write list[0], or list.exists(x, x.field == ...)" : "";

	if (text_is(node->name, "length") || text_is(node->name, "size") ||
	    text_is(node->name, "count"))
		hint = "write size(...)";
	cel_refuse(c->issue, node->at, hint, "%s has no field \"%.*s\"", cel_type_name(of),
		   (int)(node->name.n < 60 ? node->name.n : 60), node->name.s);
	cel_field_hint(c->env, node->kids[0], c->issue);
	return false;
}

static bool check_select(struct checker *c, struct cel_ast *node)
{
	enum cel_type of;

	if (node->kind == CEL_AST_SELECT && cel_check_dotted(c, node))
		return true;
	if (!cel_check_node(c, node->kids[0]))
		return false;
	of = cel_ast_type(node->kids[0]);
	if (of != CEL_DYN && of != CEL_MAP && of != CEL_OPTIONAL)
		return refuse_field(c, node, of);
	node->type = (uint8_t)cel_field_type(c->env, node);
	if (of == CEL_OPTIONAL)
		node->type = CEL_OPTIONAL; /* of an optional, so is its part */
	if (node->kind == CEL_AST_HAS)
		node->type = CEL_BOOL;
	return true;
}

static bool check_index(struct checker *c, struct cel_ast *node)
{
	enum cel_type of, key;

	if (!cel_check_node(c, node->kids[0]) || !cel_check_node(c, node->kids[1]))
		return false;
	of = cel_ast_type(node->kids[0]);
	key = cel_ast_type(node->kids[1]);
	node->type = (uint8_t)cel_field_type(c->env, node);
	if (of == CEL_OPTIONAL || node->kind == CEL_AST_OPTIONAL_INDEX)
		node->type = CEL_OPTIONAL;
	if (of != CEL_DYN && of != CEL_MAP && of != CEL_LIST && of != CEL_OPTIONAL)
		return cel_refuse(
		    c->issue, node->from,
		    of == CEL_TEXT ? "write text.charAt(at) or text.substring(from, to)" : "",
		    "%s can't be indexed", cel_type_name(of));
	if (of == CEL_LIST && key != CEL_DYN && !cel_types_number(key))
		return cel_refuse(c->issue, node->kids[1]->from, "",
				  "a list's index is an int, "
				  "not %s",
				  cel_type_name(key));
	if (of == CEL_MAP && !cel_types_key(key))
		return cel_refuse(c->issue, node->kids[1]->from, "", "%s is no key of a map",
				  cel_type_name(key));
	return true;
}

/* ---- Operators ---- */

static enum cel_type item_type(const struct cel_ast *list)
{
	return cel_tree_type(cel_tree_item(cel_check_tree(list)));
}

/* False when no item of the list can ever equal the value. */
static bool may_be_in(const struct cel_ast *value, const struct cel_ast *list)
{
	enum cel_type result;

	return list->type != CEL_LIST ||
	       cel_types_binary(CEL_OP_EQ, cel_ast_type(value), item_type(list), &result);
}

static bool check_binary(struct checker *c, struct cel_ast *node)
{
	enum cel_op op = (enum cel_op)node->op;
	enum cel_type a, b, result;

	if (!cel_check_node(c, node->kids[0]) || !cel_check_node(c, node->kids[1]))
		return false;
	a = cel_ast_type(node->kids[0]);
	b = cel_ast_type(node->kids[1]);
	if (!cel_types_binary(op, a, b, &result))
		return cel_field_refuse(c->env, node, c->issue);
	if (op == CEL_OP_IN && !may_be_in(node->kids[0], node->kids[1]))
		return cel_field_refuse_member(c->env, node, item_type(node->kids[1]), c->issue);
	node->type = (uint8_t)result;
	return true;
}

/* A kid that has to be a bool. */
bool cel_check_condition(struct checker *c, struct cel_ast *kid, const char *of)
{
	if (!cel_check_node(c, kid))
		return false;
	if (cel_ast_type(kid) == CEL_BOOL || cel_ast_type(kid) == CEL_DYN)
		return true;
	return cel_refuse(c->issue, kid->from, "compare it: == != < > or has(...)",
			  "%s needs a bool, not %s", of, cel_type_name(cel_ast_type(kid)));
}

static bool check_logic(struct checker *c, struct cel_ast *node)
{
	for (uint32_t i = 0; i < node->count; i++) {
		if (!cel_check_condition(c, node->kids[i], node->kind == CEL_AST_AND ? "&&" : "||"))
			return false;
	}
	node->type = CEL_BOOL;
	return true;
}

static bool check_unary(struct checker *c, struct cel_ast *node)
{
	enum cel_type of;

	if (node->kind == CEL_AST_NOT) {
		node->type = CEL_BOOL;
		return cel_check_condition(c, node->kids[0], "!");
	}
	if (!cel_check_node(c, node->kids[0]))
		return false;
	of = cel_ast_type(node->kids[0]);
	node->type = (uint8_t)of;
	if (of == CEL_DYN || of == CEL_INT || of == CEL_DOUBLE)
		return true;
	return cel_refuse(c->issue, node->from, "", "no such overload: -%s", cel_type_name(of));
}

/* The type of a value that is one kid or the other. */
static enum cel_type either(const struct cel_ast *a, const struct cel_ast *b)
{
	return a->type == b->type ? cel_ast_type(a) : CEL_DYN;
}

static bool check_choose(struct checker *c, struct cel_ast *node)
{
	if (!cel_check_condition(c, node->kids[0], "?:") || !cel_check_node(c, node->kids[1]) ||
	    !cel_check_node(c, node->kids[2]))
		return false;
	node->type = (uint8_t)either(node->kids[1], node->kids[2]);
	return true;
}

bool cel_check_kids(struct checker *c, struct cel_ast *node)
{
	for (uint32_t i = 0; i < node->count; i++) {
		if (!cel_check_node(c, node->kids[i]))
			return false;
	}
	return true;
}

/* Its type is that of the value there may be, which isn't known. */
static bool check_maybe(struct checker *c, struct cel_ast *node)
{
	enum cel_type of;

	if (!cel_check_node(c, node->kids[0]))
		return false;
	of = cel_ast_type(node->kids[0]);
	node->type = CEL_DYN;
	if (of == CEL_DYN || of == CEL_OPTIONAL)
		return true;
	return cel_refuse(c->issue, node->from, "leave out the question mark",
			  "? needs an optional behind it, not %s", cel_type_name(of));
}

static bool check_map(struct checker *c, struct cel_ast *node)
{
	if (!cel_check_kids(c, node))
		return false;
	node->type = CEL_MAP;
	for (uint32_t i = 0; i < node->count; i += 2) {
		if (!cel_types_key(cel_ast_type(node->kids[i])) ||
		    cel_ast_type(node->kids[i]) == CEL_DOUBLE)
			return cel_refuse(c->issue, node->kids[i]->from, "",
					  "a map's key is text, int, uint or bool, not %s",
					  cel_type_name(cel_ast_type(node->kids[i])));
	}
	return true;
}

static bool check_default(struct checker *c, struct cel_ast *node)
{
	if (!cel_check_kids(c, node))
		return false;
	node->type = (uint8_t)either(node->kids[0], node->kids[1]);
	return true;
}

/* ---- The tree ---- */

static bool check_kind(struct checker *c, struct cel_ast *node)
{
	switch ((enum cel_ast_kind)node->kind) {
	case CEL_AST_LITERAL:
		node->type = (uint8_t)(node->value.kind + 1);
		return true;
	case CEL_AST_NAME:
		return cel_check_name(c, node);
	case CEL_AST_SELECT:
	case CEL_AST_HAS:
		return check_select(c, node);
	case CEL_AST_INDEX:
	case CEL_AST_OPTIONAL_INDEX:
		return check_index(c, node);
	case CEL_AST_MAYBE:
		return check_maybe(c, node);
	case CEL_AST_CALL:
		return cel_check_call(c, node);
	case CEL_AST_LIST:
		node->type = CEL_LIST;
		return cel_check_kids(c, node);
	case CEL_AST_MAP:
		return check_map(c, node);
	case CEL_AST_NOT:
	case CEL_AST_NEGATE:
		return check_unary(c, node);
	case CEL_AST_BINARY:
		return check_binary(c, node);
	case CEL_AST_AND:
	case CEL_AST_OR:
		return check_logic(c, node);
	case CEL_AST_CHOOSE:
		return check_choose(c, node);
	case CEL_AST_LOOP:
		return cel_check_loop(c, node);
	case CEL_AST_DEFAULT:
		return check_default(c, node);
	case CEL_AST_VARIABLE:
	case CEL_AST_LOCAL:
	case CEL_AST_FAIL:
		break;
	}
	return true;
}

bool cel_check_node(struct checker *c, struct cel_ast *node)
{
	bool ok;

	if (c->depth == LIMIT_EXPR_TREE)
		return cel_refuse(c->issue, node->from, "split it with define",
				  "the expression is a chain of more than %d parts",
				  LIMIT_EXPR_TREE);
	c->depth++;
	ok = check_kind(c, node);
	c->depth--;
	if (c->env->unchecked)
		node->type = CEL_DYN; /* fits everywhere: nothing is refused for its type */
	else if (ok)
		cel_check_infer(c, node);
	return ok;
}

bool cel_check(const struct cel_env *env, struct arena *scratch, struct cel_ast *root,
	       struct cel_issue *issue)
{
	struct checker c = { .env = env, .arena = scratch, .issue = issue };

	assert(env != NULL && scratch != NULL && root != NULL && issue != NULL);
	return cel_check_node(&c, root);
}
