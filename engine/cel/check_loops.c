/* SPDX-License-Identifier: Apache-2.0
 *
 * check_loops - macros that bind names: langdef.md, "Macros".
 */
#include "engine/cel/checker.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"

static bool check_body(struct checker *c, struct cel_ast *node)
{
	bool transforms = node->loop == CEL_LOOP_MAP || node->loop == CEL_LOOP_SORT_BY;

	for (uint32_t i = 1; i < node->count; i++) {
		bool condition = !transforms || (node->count == 3 && i == 1);

		if (condition ? !cel_check_condition(c, node->kids[i], "the condition of a macro")
			      : !cel_check_node(c, node->kids[i]))
			return false;
	}
	return true;
}

bool cel_check_loop(struct checker *c, struct cel_ast *node)
{
	struct scope inner = { .outer = c->scope, .name = node->name, .type = CEL_DYN };
	enum cel_type range;
	bool ok;

	if (!cel_check_node(c, node->kids[0]))
		return false;
	range = cel_ast_type(node->kids[0]);
	if (range != CEL_DYN && range != CEL_LIST && range != CEL_MAP)
		return cel_refuse(c->issue, node->kids[0]->from, "",
				  "a macro goes over a list or a map, not %s",
				  cel_type_name(range));
	inner.slot = c->scope != NULL ? c->scope->slot + 1 : 0;
	if (inner.slot >= LIMIT_EXPR_LOCALS)
		return cel_refuse(c->issue, node->from, "", "macros are nested too deeply");
	node->index = inner.slot;
	c->scope = &inner;
	ok = check_body(c, node);
	c->scope = inner.outer;
	node->type = node->loop == CEL_LOOP_MAP || node->loop == CEL_LOOP_FILTER ||
			     node->loop == CEL_LOOP_SORT_BY
			 ? CEL_LIST
			 : CEL_BOOL;
	return ok;
}
