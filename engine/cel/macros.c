/* SPDX-License-Identifier: Apache-2.0
 *
 * macros - calls that the parser rewrites, because their arguments are names or
 * are not always evaluated: langdef.md, "Macros", and our own default().
 *
 * The rewritten node keeps the call's shape (range first, then what is
 * evaluated per element), so the tree still prints as it was written. */
#include "engine/cel/ast.h"

#include <assert.h>

struct macro {
	const char *name;
	const char *usage;
	bool member;
	uint8_t count; /* kids of the call, the receiver included */
	bool (*expand)(struct cel_ast *call, struct cel_issue *issue);
};

static bool expand_has(struct cel_ast *call, struct cel_issue *issue)
{
	struct cel_ast *field = call->kids[0];

	if (field->kind != CEL_AST_SELECT)
		return cel_refuse(issue, field->from, "write has(data.field)",
				  "has() takes a field selection");
	call->kind = CEL_AST_HAS;
	call->name = field->name;
	call->kids = field->kids;
	return true;
}

static bool expand_default(struct cel_ast *call, struct cel_issue *issue)
{
	(void)issue;
	call->kind = CEL_AST_DEFAULT;
	return true;
}

/* Turns range.macro(name, a, b) into a loop over range with a and b evaluated
 * per element. */
static bool expand_loop(struct cel_ast *call, enum cel_loop loop, struct cel_issue *issue)
{
	struct cel_ast *variable = call->kids[1];

	assert(call->count >= 3);
	if (variable->kind != CEL_AST_NAME || variable->root)
		return cel_refuse(issue, variable->from, "write list.all(x, x > 0)",
				  "the first argument of %.*s() is a plain name",
				  TEXT_ARG(call->name));
	call->kind = CEL_AST_LOOP;
	call->loop = (uint8_t)loop;
	call->name = variable->name;
	for (uint32_t i = 2; i < call->count; i++)
		call->kids[i - 1] = call->kids[i];
	call->count--;
	return true;
}

static bool expand_all(struct cel_ast *call, struct cel_issue *issue)
{
	return expand_loop(call, CEL_LOOP_ALL, issue);
}

static bool expand_exists(struct cel_ast *call, struct cel_issue *issue)
{
	return expand_loop(call, CEL_LOOP_EXISTS, issue);
}

static bool expand_exists_one(struct cel_ast *call, struct cel_issue *issue)
{
	return expand_loop(call, CEL_LOOP_EXISTS_ONE, issue);
}

static bool expand_map(struct cel_ast *call, struct cel_issue *issue)
{
	return expand_loop(call, CEL_LOOP_MAP, issue);
}

static bool expand_filter(struct cel_ast *call, struct cel_issue *issue)
{
	return expand_loop(call, CEL_LOOP_FILTER, issue);
}

static bool expand_sort_by(struct cel_ast *call, struct cel_issue *issue)
{
	return expand_loop(call, CEL_LOOP_SORT_BY, issue);
}

static const struct macro macros[] = {
	{ "has", "has(data.field)", false, 1, expand_has },
	{ "default", "default(expression, other)", false, 2, expand_default },
	{ "all", "list.all(x, condition)", true, 3, expand_all },
	{ "exists", "list.exists(x, condition)", true, 3, expand_exists },
	{ "exists_one", "list.exists_one(x, condition)", true, 3, expand_exists_one },
	{ "existsOne", "list.existsOne(x, condition)", true, 3, expand_exists_one },
	{ "map", "list.map(x, expression)", true, 3, expand_map },
	{ "map", "list.map(x, condition, expression)", true, 4, expand_map },
	{ "filter", "list.filter(x, condition)", true, 3, expand_filter },
	{ "sortBy", "list.sortBy(x, key)", true, 3, expand_sort_by },
};

#define MACROS (sizeof(macros) / sizeof(macros[0]))

bool cel_macro_expand(struct cel_ast *call, struct cel_issue *issue)
{
	assert(call != NULL && call->kind == CEL_AST_CALL);
	for (size_t i = 0; i < MACROS; i++) {
		const struct macro *m = &macros[i];

		if (m->member == call->member && m->count == call->count &&
		    text_is(call->name, m->name))
			return m->expand(call, issue);
	}
	return true;
}

const char *cel_macro_usage(struct text name)
{
	for (size_t i = 0; i < MACROS; i++) {
		if (text_is(name, macros[i].name))
			return macros[i].usage;
	}
	return NULL;
}
