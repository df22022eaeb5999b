/* SPDX-License-Identifier: Apache-2.0
 *
 * checker - what the checker's parts share: names (check_names.c), calls
 * (check_calls.c), macros that bind names (check_loops.c) and the rest of the
 * tree (checker.c).
 *
 * All return false when the expression is refused; the issue is filled then.
 * Ownership: a checker lives on the stack of cel_check, scopes on that of the
 * macro they belong to or in the scratch arena. */
#ifndef TAPPET_CEL_CHECKER_H
#define TAPPET_CEL_CHECKER_H

#include "engine/cel/ast.h"
#include "engine/cel/trees.h"

#define CEL_CHECK_CANDIDATES 256 /* names offered as "did you mean" */

/* One name that a macro binds. */
struct scope {
	const struct scope *outer;
	struct text name;
	uint32_t slot;
	const struct cel_tree *tree;
};

struct checker {
	const struct cel_env *env;
	struct arena *arena;
	struct cel_issue *issue;
	const struct scope *scope;
	uint32_t depth;
};

static inline enum cel_type cel_ast_type(const struct cel_ast *node)
{
	return (enum cel_type)node->type;
}

bool cel_check_node(struct checker *c, struct cel_ast *node);
bool cel_check_kids(struct checker *c, struct cel_ast *node);

/* A kid that has to be a bool; `of` says what for. */
bool cel_check_condition(struct checker *c, struct cel_ast *kid, const char *of);

/* Without checks what was just refused becomes an error of the evaluation. */
bool cel_check_refused(struct checker *c, struct cel_ast *node);

/* ---- check_names.c ---- */

bool cel_check_name(struct checker *c, struct cel_ast *node);

/* a.b.c that is one name; the longest is tried first, as the walk starts outside.
 * False, with nothing refused, when it is none. */
bool cel_check_dotted(struct checker *c, struct cel_ast *node);

/* The dotted name that a chain of selections spells ("a.b.c"), or TEXT_NONE when
 * it is no plain chain or starts at a local variable. *root: it begins with a dot. */
struct text cel_check_spelled(struct checker *c, const struct cel_ast *node, bool *root);

/* "a.b" to "a", and "a" to "". */
struct text cel_check_outer(struct text container);

/* The name as it reads in a container; TEXT_NONE when the arena is spent. */
struct text cel_check_within(const struct checker *c, struct text container, struct text name);

/* ---- check_types.c ---- */

/* The type of a node with what is known of its parts. */
const struct cel_tree *cel_check_tree(const struct cel_ast *node);

/* Finds the parts of a node whose kids and coarse type are known. */
void cel_check_infer(struct checker *c, struct cel_ast *node);

/* What a macro with one name goes over: items of a list, keys of a map. */
const struct cel_tree *cel_check_element(const struct cel_ast *range);

/* The first of two names: indexes of a list, keys of a map. */
const struct cel_tree *cel_check_key(const struct cel_ast *range);

/* ---- check_calls.c, check_loops.c ---- */

bool cel_check_call(struct checker *c, struct cel_ast *call);
bool cel_check_loop(struct checker *c, struct cel_ast *node);

#endif
