/* SPDX-License-Identifier: Apache-2.0
 *
 * macros - calls that the parser rewrites, because their arguments are names or
 * are not always evaluated: langdef.md, "Macros"; cel-go's extensions for
 * comprehensions with two variables, bindings and blocks; and our own default().
 *
 * The rewritten node keeps the call's shape (range first, then what is
 * evaluated per element), so the tree still prints as it was written. */
#include "engine/cel/ast.h"

#include <assert.h>

struct expansion;

struct macro {
	const char *name;
	const char *usage;
	const char *space; /* "cel": written cel.name(...); NULL: anywhere */
	bool member;
	uint8_t count; /* kids of the call, the receiver included */
	uint8_t names; /* how many of them, behind the receiver, are names */
	uint8_t loop;  /* enum cel_loop */
	bool (*expand)(struct expansion *e);
};

struct expansion {
	const struct macro *macro;
	struct cel_ast *call;
	struct arena *scratch;
	struct cel_issue *issue;
};

/* Behind a refusal: how the macro is written. */
static bool show_usage(struct expansion *e)
{
	cel_hint(e->issue, "write %s", e->macro->usage);
	return false;
}

static bool expand_has(struct expansion *e)
{
	struct cel_ast *field = e->call->kids[0];

	if (field->kind != CEL_AST_SELECT) {
		cel_refuse(e->issue, field->from, "", "has() takes a field selection");
		return show_usage(e);
	}
	e->call->kind = CEL_AST_HAS;
	e->call->name = field->name;
	e->call->kids = field->kids;
	return true;
}

static bool expand_default(struct expansion *e)
{
	e->call->kind = CEL_AST_DEFAULT;
	return true;
}

/* ---- Macros that bind names ---- */

static bool take_name(struct expansion *e, uint32_t i, struct text *out)
{
	const struct cel_ast *kid = e->call->kids[i];

	*out = kid->name;
	if (kid->kind == CEL_AST_NAME && !kid->root)
		return true;
	cel_refuse(e->issue, kid->from, "", "the %s argument of %.*s() is a plain name",
		   i == 1 ? "first" : "second", TEXT_ARG(e->call->name));
	return show_usage(e);
}

/* The first `skip` kids made way for names; kids[0] stays what is gone over. */
static void become_loop(struct expansion *e, uint32_t skip, uint32_t slots)
{
	struct cel_ast *call = e->call;

	call->kind = CEL_AST_LOOP;
	call->loop = e->macro->loop;
	call->slots = slots;
	for (uint32_t i = 1 + skip; i < call->count; i++)
		call->kids[i - skip] = call->kids[i];
	call->count -= skip;
}

/* Turns range.macro(name, a, b) into a loop over range with a and b evaluated
 * per element. */
static bool expand_loop(struct expansion *e)
{
	uint32_t names = e->macro->names;
	struct text first, second = TEXT_NONE;

	assert(e->call->count >= 2 + names);
	if (!take_name(e, 1, &first) || (names == 2 && !take_name(e, 2, &second)))
		return false;
	if (names == 2 && text_eq(first, second)) {
		cel_refuse(e->issue, e->call->kids[2]->from, "",
			   "the two names of %.*s() are the same", TEXT_ARG(e->call->name));
		return show_usage(e);
	}
	become_loop(e, names, names);
	e->call->name = first;
	e->call->second = second;
	return true;
}

/* cel.bind(name, value, expression): kids become value and expression. */
static bool expand_bind(struct expansion *e)
{
	struct text name;

	if (!take_name(e, 1, &name))
		return false;
	e->call->kids[0] = e->call->kids[2];
	become_loop(e, 2, 1);
	e->call->name = name;
	return true;
}

/* cel.block([values], expression): kids become the values and the expression. */
static bool expand_block(struct expansion *e)
{
	struct cel_ast *call = e->call, *values = call->kids[1], **kids;

	if (values->kind != CEL_AST_LIST) {
		cel_refuse(e->issue, values->from, "", "the first argument of block() is a list");
		return show_usage(e);
	}
	kids = arena_array(e->scratch, (size_t)values->count + 1, sizeof(struct cel_ast *));
	if (kids == NULL)
		return cel_refuse_size(e->issue, call->from);
	for (uint32_t i = 0; i < values->count; i++) {
		kids[i] = values->kids[i];
		if (kids[i]->kind == CEL_AST_MAYBE)
			return cel_refuse(e->issue, kids[i]->from, "",
					  "a value of a block can't be left out");
	}
	kids[values->count] = call->kids[2];
	call->kind = CEL_AST_LOOP;
	call->loop = CEL_LOOP_BIND;
	call->slots = values->count;
	call->name = TEXT_NONE;
	call->kids = kids;
	call->count = values->count + 1;
	return true;
}

/* ---- Names that nobody can spell ---- */

#define MOST_INDEX 9999 /* more than any expression has parts */

struct text cel_macro_index(struct arena *scratch, uint32_t i)
{
	return text_printf(scratch, "cel.index(%u)", i);
}

/* cel.index(0), cel.iterVar(0, 1): the call itself, in one spelling, is the name. */
static bool expand_name(struct expansion *e)
{
	struct cel_ast *call = e->call;
	int64_t n[2] = { 0, 0 };

	for (uint32_t i = 1; i < call->count; i++) {
		const struct cel_ast *kid = call->kids[i];

		if (kid->kind != CEL_AST_LITERAL || kid->value.kind != VALUE_INT ||
		    kid->value.i < 0 || kid->value.i > MOST_INDEX) {
			cel_refuse(e->issue, kid->from, "", "%.*s() takes small numbers",
				   TEXT_ARG(call->name));
			return show_usage(e);
		}
		n[i - 1] = kid->value.i;
	}
	if (call->count == 2)
		call->name = cel_macro_index(e->scratch, (uint32_t)n[0]);
	else
		call->name =
		    text_printf(e->scratch, "cel.%s(%d, %d)", e->macro->name, (int)n[0], (int)n[1]);
	call->kind = CEL_AST_NAME;
	call->count = 0;
	call->root = false;
	return call->name.s != NULL || cel_refuse_size(e->issue, call->from);
}

/* ---- The table ---- */

#define ALL2    "map.all(key, value, condition)"
#define EXISTS2 "map.exists(key, value, condition)"
#define ONE2    "map.existsOne(key, value, condition)"
#define LIST2   "list.transformList(index, value, expression)"
#define MAP2    "map.transformMap(key, value, expression)"
#define ENTRY2  "map.transformMapEntry(key, value, {key: expression})"
#define BIND    "cel.bind(name, value, expression)"
#define BLOCK   "cel.block([values], expression)"

static const struct macro macros[] = {
	{ "has", "has(data.field)", NULL, false, 1, 0, 0, expand_has },
	{ "default", "default(expression, other)", NULL, false, 2, 0, 0, expand_default },
	{ "all", "list.all(x, condition)", NULL, true, 3, 1, CEL_LOOP_ALL, expand_loop },
	{ "all", ALL2, NULL, true, 4, 2, CEL_LOOP_ALL, expand_loop },
	{ "exists", "list.exists(x, condition)", NULL, true, 3, 1, CEL_LOOP_EXISTS, expand_loop },
	{ "exists", EXISTS2, NULL, true, 4, 2, CEL_LOOP_EXISTS, expand_loop },
	{ "exists_one", "list.exists_one(x, condition)", NULL, true, 3, 1, CEL_LOOP_EXISTS_ONE,
	  expand_loop },
	{ "exists_one", ONE2, NULL, true, 4, 2, CEL_LOOP_EXISTS_ONE, expand_loop },
	{ "existsOne", "list.existsOne(x, condition)", NULL, true, 3, 1, CEL_LOOP_EXISTS_ONE,
	  expand_loop },
	{ "existsOne", ONE2, NULL, true, 4, 2, CEL_LOOP_EXISTS_ONE, expand_loop },
	{ "map", "list.map(x, expression)", NULL, true, 3, 1, CEL_LOOP_MAP, expand_loop },
	{ "map", "list.map(x, condition, expression)", NULL, true, 4, 1, CEL_LOOP_MAP,
	  expand_loop },
	{ "filter", "list.filter(x, condition)", NULL, true, 3, 1, CEL_LOOP_FILTER, expand_loop },
	{ "transformList", LIST2, NULL, true, 4, 2, CEL_LOOP_MAP, expand_loop },
	{ "transformList", LIST2, NULL, true, 5, 2, CEL_LOOP_MAP, expand_loop },
	{ "transformMap", MAP2, NULL, true, 4, 2, CEL_LOOP_MAP_VALUES, expand_loop },
	{ "transformMap", MAP2, NULL, true, 5, 2, CEL_LOOP_MAP_VALUES, expand_loop },
	{ "transformMapEntry", ENTRY2, NULL, true, 4, 2, CEL_LOOP_MAP_ENTRIES, expand_loop },
	{ "transformMapEntry", ENTRY2, NULL, true, 5, 2, CEL_LOOP_MAP_ENTRIES, expand_loop },
	{ "sortBy", "list.sortBy(x, key)", NULL, true, 3, 1, CEL_LOOP_SORT_BY, expand_loop },
	{ "optMap", "optional.optMap(x, expression)", NULL, true, 3, 1, CEL_LOOP_OPTIONAL_MAP,
	  expand_loop },
	{ "optFlatMap", "optional.optFlatMap(x, optional)", NULL, true, 3, 1,
	  CEL_LOOP_OPTIONAL_FLAT_MAP, expand_loop },
	{ "bind", BIND, "cel", true, 4, 1, CEL_LOOP_BIND, expand_bind },
	{ "block", BLOCK, "cel", true, 3, 0, CEL_LOOP_BIND, expand_block },
	{ "index", "cel.index(0)", "cel", true, 2, 0, 0, expand_name },
	{ "iterVar", "cel.iterVar(0, 0)", "cel", true, 3, 0, 0, expand_name },
	{ "accuVar", "cel.accuVar(0, 0)", "cel", true, 3, 0, 0, expand_name },
};

#define MACROS (sizeof(macros) / sizeof(macros[0]))

static bool in_space(const struct macro *m, const struct cel_ast *call)
{
	const struct cel_ast *receiver;

	if (m->space == NULL)
		return true;
	receiver = call->kids[0];
	return receiver->kind == CEL_AST_NAME && text_is(receiver->name, m->space);
}

bool cel_macro_expand(struct cel_ast *call, struct arena *scratch, struct cel_issue *issue)
{
	struct expansion e = { .call = call, .scratch = scratch, .issue = issue };

	assert(call != NULL && call->kind == CEL_AST_CALL && scratch != NULL);
	for (size_t i = 0; i < MACROS; i++) {
		const struct macro *m = &macros[i];

		if (m->member == call->member && m->count == call->count &&
		    text_is(call->name, m->name) && in_space(m, call)) {
			e.macro = m;
			return m->expand(&e);
		}
	}
	return true;
}

const char *cel_macro_usage(struct text space, struct text name)
{
	for (size_t i = 0; i < MACROS; i++) {
		const struct macro *m = &macros[i];

		if (text_is(name, m->name) && (m->space == NULL || text_is(space, m->space)))
			return m->usage;
	}
	return NULL;
}
