/* SPDX-License-Identifier: Apache-2.0
 *
 * fields - declared types of fields: what the host knows of data.status.key
 * before any data is there (cel_env_fields).
 *
 * I1  A declared field may still be null or absent, so comparing it with null,
 *     has() and default() fit every type. */
#ifndef TAPPET_CEL_FIELDS_H
#define TAPPET_CEL_FIELDS_H

#include "engine/cel/ast.h"

/* The declared type of a selection (a.b or a["b"], already checked) whose chain
 * starts at a variable; CEL_DYN when nothing is known. */
enum cel_type cel_field_type(const struct cel_env *env, const struct cel_ast *node);

/* Refuses an operator that no values of its operands' types fit: in the words of
 * a field when an operand is a declared one. Always false. */
bool cel_field_refuse(const struct cel_env *env, const struct cel_ast *binary,
		      struct cel_issue *issue);

/* The same of `in` a list none of whose items, all of type `item`, can be the value. */
bool cel_field_refuse_member(const struct cel_env *env, const struct cel_ast *binary,
			     enum cel_type item, struct cel_issue *issue);

/* When the node is a declared field, the issue's hint says what it is. */
void cel_field_hint(const struct cel_env *env, const struct cel_ast *node, struct cel_issue *issue);

#endif
