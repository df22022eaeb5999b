/* SPDX-License-Identifier: Apache-2.0
 *
 * checker - what every name means, which functions a call may reach, and the
 * types as far as they are known; langdef.md, "Name Resolution" and "Overloads".
 *
 * I1  After success no CEL_AST_NAME is left: names are variables, locals or
 *     literals (of a type's name).
 * I2  Refuses only what fails on every input: one operand of unknown type leaves
 *     the decision to the evaluator.
 * I3  The tree is at most LIMIT_EXPR_TREE deep. */
#include "engine/cel/ast.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/cel/env.h"
#include "engine/cel/types.h"

struct scope {
	const struct scope *outer;
	struct text name;
	uint32_t slot;
	enum cel_type type;
};

struct checker {
	const struct cel_env *env;
	struct arena *arena;
	struct cel_issue *issue;
	const struct scope *scope;
	uint32_t depth;
};

static bool check(struct checker *c, struct cel_ast *node);

static enum cel_type type_of(const struct cel_ast *node)
{
	return (enum cel_type)node->type;
}

/* ---- Names ---- */

static const struct scope *find_local(const struct checker *c, struct text name)
{
	for (const struct scope *s = c->scope; s != NULL; s = s->outer) {
		if (text_eq(s->name, name))
			return s;
	}
	return NULL;
}

static void become_type(struct cel_ast *node, const char *name)
{
	node->kind = CEL_AST_LITERAL;
	node->type = CEL_TYPE;
	node->value = value_text(text_of(name));
	node->value.kind = VALUE_TYPE;
}

/* A variable or the name of a type; false when it is neither. */
static bool resolve_absolute(const struct checker *c, struct cel_ast *node, struct text name)
{
	uint32_t index = cel_env_find(c->env, name);

	if (index != UINT32_MAX) {
		node->kind = CEL_AST_VARIABLE;
		node->index = index;
		node->type = (uint8_t)c->env->variables[index].type;
		node->name = text_of(c->env->variables[index].name);
		return true;
	}
	for (int t = CEL_NULL; t <= CEL_CIDR; t++) {
		const char *type = cel_type_name((enum cel_type)t);

		if (text_is(name, type)) {
			become_type(node, type);
			return true;
		}
	}
	return false;
}

/* "a.b" to "a", and "a" to "". */
static struct text outer_container(struct text container)
{
	while (container.n > 0 && container.s[--container.n] != '.')
		;
	return container;
}

/* The name as it reads in a container; TEXT_NONE when the arena is spent. */
static struct text name_within(const struct checker *c, struct text container, struct text name)
{
	if (container.n == 0)
		return name;
	return text_printf(c->arena, "%.*s.%.*s", TEXT_ARG(container), TEXT_ARG(name));
}

/* Looks in the container and those around it, the innermost first; one written
 * with a leading dot (`root`) stands outside of all. */
static bool resolve_global(const struct checker *c, struct cel_ast *node, struct text name,
			   bool root)
{
	struct text container = root ? TEXT("") : c->env->container;

	while (container.n > 0) {
		if (resolve_absolute(c, node, name_within(c, container, name)))
			return true;
		container = outer_container(container);
	}
	return resolve_absolute(c, node, name);
}

#define CANDIDATES 256 /* names offered as "did you mean" */

static const char *nearest_name(const struct checker *c, struct text name)
{
	const char *names[CANDIDATES + 1];
	struct text locals[16];
	uint32_t n = 0, k = 0;
	const char *hit;

	for (const struct scope *s = c->scope; s != NULL && k < 16; s = s->outer) {
		locals[k] = text_dup(c->arena, s->name);
		if (locals[k].s != NULL)
			names[n++] = locals[k++].s;
	}
	for (uint32_t i = 0; i < c->env->variable_count && n < CANDIDATES; i++)
		names[n++] = c->env->variables[i].name;
	names[n] = NULL;
	hit = text_nearest(name, names);
	return hit;
}

static const char *foreign_name(struct text name)
{
	static const char *const pairs[][2] = {
		{ "True", "write true" },    { "TRUE", "write true" },
		{ "False", "write false" },  { "FALSE", "write false" },
		{ "None", "write null" },    { "nil", "write null" },
		{ "NULL", "write null" },    { "undefined", "write null, or has(a.b)" },
		{ "not", "use ! for not" },  { "str", "write string" },
		{ "float", "write double" }, { "integer", "write int" },
		{ "boolean", "write bool" }, { "now", "there is no clock here: use ctx.now" },
		{ "this", "write data" },    { "self", "write data" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (text_is(name, pairs[i][0]))
			return pairs[i][1];
	}
	return "";
}

static bool is_function(const struct checker *c, struct text name)
{
	uint32_t table = 0, row = 0;
	const struct cel_function *f;

	while ((f = cel_env_next(c->env, &table, &row)) != NULL) {
		if (text_is(name, f->name))
			return true;
	}
	return !c->env->macroless && cel_macro_usage(name) != NULL;
}

/* The names that could stand in its place, as far as they fit. */
static void hint_names(struct checker *c, struct text name)
{
	char names[100];
	size_t n = 0;

	for (uint32_t i = 0; i < c->env->variable_count; i++) {
		const char *v = c->env->variables[i].name;

		if (n + strlen(v) + 3 > sizeof(names))
			break;
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n > 0 ? ", " : "", v);
	}
	if (n == 0 || name.n > 30)
		cel_hint(c->issue, "a text stands in quotes: \"%.*s\"", TEXT_ARG(name));
	else
		cel_hint(c->issue, "a text stands in quotes: \"%.*s\"; names are %.*s",
			 TEXT_ARG(name), (int)n, names);
}

/* Without checks what was just refused becomes an error of the evaluation. */
static bool refused(struct checker *c, struct cel_ast *node)
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

static bool refuse_name(struct checker *c, struct cel_ast *node)
{
	struct text name = node->name;
	const char *near = nearest_name(c, name);

	if (name.n > 60)
		name.n = 60;
	cel_refuse(c->issue, node->from, foreign_name(name), "unknown name \"%.*s\"",
		   TEXT_ARG(name));
	if (near != NULL)
		cel_hint(c->issue, "did you mean \"%.80s\"?", near);
	else if (is_function(c, node->name))
		cel_hint(c->issue, "it is a function: write %.*s(...)", TEXT_ARG(name));
	else
		hint_names(c, name);
	return refused(c, node);
}

static bool check_name(struct checker *c, struct cel_ast *node)
{
	const struct scope *local = node->root ? NULL : find_local(c, node->name);

	if (local != NULL) {
		node->kind = CEL_AST_LOCAL;
		node->index = local->slot;
		node->type = (uint8_t)local->type;
		return true;
	}
	return resolve_global(c, node, node->name, node->root) || refuse_name(c, node);
}

/* The dotted name that a chain of selections spells ("a.b.c"), or TEXT_NONE when
 * it is no plain chain or starts at a local variable. *root: it begins with a dot. */
static struct text dotted_name(struct checker *c, const struct cel_ast *node, bool *root)
{
	const struct cel_ast *chain[16];
	struct text name;
	uint32_t n = 0;

	while (node->kind == CEL_AST_SELECT && n < 15) {
		chain[n++] = node;
		node = node->kids[0];
	}
	if (node->kind != CEL_AST_NAME || (!node->root && find_local(c, node->name) != NULL))
		return TEXT_NONE;
	*root = node->root;
	name = node->name;
	while (n-- > 0)
		name = text_printf(c->arena, "%.*s.%.*s", TEXT_ARG(name), TEXT_ARG(chain[n]->name));
	return name;
}

/* ---- Fields ---- */

static bool refuse_field(struct checker *c, const struct cel_ast *node, enum cel_type of)
{
	const char *hint = of == CEL_LIST ? "write list[0], or list.exists(x, x.field == ...)" : "";

	return cel_refuse(c->issue, node->from, hint, "%s has no field \"%.*s\"", cel_type_name(of),
			  (int)(node->name.n < 60 ? node->name.n : 60), node->name.s);
}

/* a.b.c that is one name; the longest is tried first, as the walk starts outside. */
static bool is_global_select(struct checker *c, struct cel_ast *node)
{
	struct text name;
	bool root;

	if (!c->env->dotted && c->env->container.n == 0 && !cel_types_is_namespace(node->kids[0]))
		return false;
	name = dotted_name(c, node, &root);
	return name.s != NULL && resolve_global(c, node, name, root);
}

static bool check_select(struct checker *c, struct cel_ast *node)
{
	enum cel_type of;

	if (node->kind == CEL_AST_SELECT && is_global_select(c, node))
		return true;
	if (!check(c, node->kids[0]))
		return false;
	of = type_of(node->kids[0]);
	if (of != CEL_DYN && of != CEL_MAP)
		return refuse_field(c, node, of);
	node->type = node->kind == CEL_AST_HAS ? CEL_BOOL : CEL_DYN;
	return true;
}

static bool check_index(struct checker *c, struct cel_ast *node)
{
	enum cel_type of, key;

	if (!check(c, node->kids[0]) || !check(c, node->kids[1]))
		return false;
	of = type_of(node->kids[0]);
	key = type_of(node->kids[1]);
	node->type = CEL_DYN;
	if (of != CEL_DYN && of != CEL_MAP && of != CEL_LIST)
		return cel_refuse(c->issue, node->from, "", "%s can't be indexed",
				  cel_type_name(of));
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

static bool check_binary(struct checker *c, struct cel_ast *node)
{
	enum cel_op op = (enum cel_op)node->op;
	enum cel_type a, b, result;

	if (!check(c, node->kids[0]) || !check(c, node->kids[1]))
		return false;
	a = type_of(node->kids[0]);
	b = type_of(node->kids[1]);
	if (!cel_types_binary(op, a, b, &result))
		return cel_refuse(c->issue, node->from, cel_types_hint(op, a, b),
				  "no such overload: %s %s %s", cel_type_name(a), cel_op_text(op),
				  cel_type_name(b));
	node->type = (uint8_t)result;
	return true;
}

/* A kid that has to be a bool. */
static bool check_condition(struct checker *c, struct cel_ast *kid, const char *of)
{
	if (!check(c, kid))
		return false;
	if (type_of(kid) == CEL_BOOL || type_of(kid) == CEL_DYN)
		return true;
	return cel_refuse(c->issue, kid->from, "compare it: == != < > or has(...)",
			  "%s needs a bool, not %s", of, cel_type_name(type_of(kid)));
}

static bool check_logic(struct checker *c, struct cel_ast *node)
{
	for (uint32_t i = 0; i < node->count; i++) {
		if (!check_condition(c, node->kids[i], node->kind == CEL_AST_AND ? "&&" : "||"))
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
		return check_condition(c, node->kids[0], "!");
	}
	if (!check(c, node->kids[0]))
		return false;
	of = type_of(node->kids[0]);
	node->type = (uint8_t)of;
	if (of == CEL_DYN || of == CEL_INT || of == CEL_DOUBLE)
		return true;
	return cel_refuse(c->issue, node->from, "", "no such overload: -%s", cel_type_name(of));
}

/* The type of a value that is one kid or the other. */
static enum cel_type either(const struct cel_ast *a, const struct cel_ast *b)
{
	return a->type == b->type ? type_of(a) : CEL_DYN;
}

static bool check_choose(struct checker *c, struct cel_ast *node)
{
	if (!check_condition(c, node->kids[0], "?:") || !check(c, node->kids[1]) ||
	    !check(c, node->kids[2]))
		return false;
	node->type = (uint8_t)either(node->kids[1], node->kids[2]);
	return true;
}

static bool check_kids(struct checker *c, struct cel_ast *node)
{
	for (uint32_t i = 0; i < node->count; i++) {
		if (!check(c, node->kids[i]))
			return false;
	}
	return true;
}

static bool check_map(struct checker *c, struct cel_ast *node)
{
	if (!check_kids(c, node))
		return false;
	node->type = CEL_MAP;
	for (uint32_t i = 0; i < node->count; i += 2) {
		if (!cel_types_key(type_of(node->kids[i])) || type_of(node->kids[i]) == CEL_DOUBLE)
			return cel_refuse(c->issue, node->kids[i]->from, "",
					  "a map's key is text, int, uint or bool, not %s",
					  cel_type_name(type_of(node->kids[i])));
	}
	return true;
}

static bool check_default(struct checker *c, struct cel_ast *node)
{
	if (!check_kids(c, node))
		return false;
	node->type = (uint8_t)either(node->kids[0], node->kids[1]);
	return true;
}

/* ---- Loops ---- */

static bool check_body(struct checker *c, struct cel_ast *node)
{
	bool transforms = node->loop == CEL_LOOP_MAP || node->loop == CEL_LOOP_SORT_BY;

	for (uint32_t i = 1; i < node->count; i++) {
		bool condition = !transforms || (node->count == 3 && i == 1);

		if (condition ? !check_condition(c, node->kids[i], "the condition of a macro")
			      : !check(c, node->kids[i]))
			return false;
	}
	return true;
}

static bool check_loop(struct checker *c, struct cel_ast *node)
{
	struct scope inner = { .outer = c->scope, .name = node->name, .type = CEL_DYN };
	enum cel_type range;
	bool ok;

	if (!check(c, node->kids[0]))
		return false;
	range = type_of(node->kids[0]);
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

/* ---- Calls ---- */

static const char *foreign_function(struct text name)
{
	static const char *const pairs[][2] = {
		{ "len", "write size(...)" },
		{ "length", "write size(...)" },
		{ "count", "write size(...)" },
		{ "str", "write string(...)" },
		{ "float", "write double(...) or num(...)" },
		{ "number", "write num(...)" },
		{ "any", "write list.exists(x, condition)" },
		{ "some", "write list.exists(x, condition)" },
		{ "every", "write list.all(x, condition)" },
		{ "find", "write list.filter(x, condition)[0]" },
		{ "includes", "write value in list, or text.contains(part)" },
		{ "match", "write text.matches(pattern)" },
		{ "test", "write text.matches(pattern)" },
		{ "now", "there is no clock here: use ctx.now" },
		{ "min", "write math.least(...)" },
		{ "max", "write math.greatest(...)" },
		{ "abs", "write math.abs(...)" },
		{ "round", "write math.round(...)" },
		{ "floor", "write math.floor(...)" },
		{ "ceil", "write math.ceil(...)" },
		{ "coalesce", "write default(expression, other)" },
		{ "exist", "write has(data.field)" },
		{ "lower", "write text.lowerAscii()" },
		{ "upper", "write text.upperAscii()" },
		{ "toLowerCase", "write text.lowerAscii()" },
		{ "toUpperCase", "write text.upperAscii()" },
		{ "strip", "write text.trim()" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (text_is(name, pairs[i][0]))
			return pairs[i][1];
	}
	return "";
}

static const char *nearest_function(const struct checker *c, struct text name)
{
	const char *names[CANDIDATES + 1];
	uint32_t table = 0, row = 0, n = 0;
	const struct cel_function *f;

	while (n < CANDIDATES && (f = cel_env_next(c->env, &table, &row)) != NULL)
		names[n++] = f->name;
	names[n] = NULL;
	return text_nearest(name, names);
}

/* No row has this name in this style. */
static bool refuse_function(struct checker *c, struct cel_ast *call)
{
	struct text name = { call->name.s, call->name.n < 60 ? call->name.n : 60 };
	const char *usage = c->env->macroless ? NULL : cel_macro_usage(call->name);
	const char *near = nearest_function(c, call->name);

	cel_refuse(c->issue, call->from, foreign_function(call->name),
		   usage != NULL ? "wrong arguments for \"%.*s\"" : "unknown function \"%.*s\"",
		   TEXT_ARG(name));
	if (usage != NULL)
		cel_hint(c->issue, "write %s", usage);
	else if (near != NULL && text_is(call->name, near))
		cel_hint(c->issue, call->member ? "write %s(value)" : "write value.%s(...)", near);
	else if (near != NULL)
		cel_hint(c->issue, "did you mean \"%s\"?", near);
	return refused(c, call);
}

static bool types_fit(const struct cel_function *f, const struct cel_ast *call)
{
	for (uint32_t i = 0; i < call->count && i < 4; i++) {
		enum cel_type have = type_of(call->kids[i]);

		if (f->args[i] != CEL_DYN && have != CEL_DYN && f->args[i] != have)
			return false;
	}
	return true;
}

struct tally {
	uint32_t named, counted, fitting;
	uint8_t least, most; /* over the rows named */
};

static void tally_row(struct tally *t, const struct cel_function *f, const struct cel_ast *call)
{
	t->least = t->named == 0 || f->least < t->least ? f->least : t->least;
	t->most = f->most > t->most ? f->most : t->most;
	t->named++;
	if (call->count < f->least || call->count > f->most)
		return;
	t->counted++;
	if (types_fit(f, call))
		t->fitting++;
}

/* Walks the rows with the call's name and style; writes those that fit to `out`
 * unless it is NULL. */
static struct tally tally_rows(const struct checker *c, const struct cel_ast *call,
			       const struct cel_function **out)
{
	struct tally t = { 0 };
	const struct cel_function *f;
	uint32_t at = 0;

	while ((f = cel_env_named(c->env, call->name, &at)) != NULL) {
		uint32_t before = t.fitting;

		if (f->member != call->member)
			continue;
		tally_row(&t, f, call);
		if (out != NULL && t.fitting > before)
			out[before] = f;
	}
	return t;
}

static bool refuse_count(struct checker *c, struct cel_ast *call, const struct tally *t)
{
	unsigned receiver = call->member ? 1 : 0;
	unsigned least = t->least - receiver, most = t->most - receiver;
	char range[32];

	if (least == most)
		snprintf(range, sizeof(range), "%u", least);
	else
		snprintf(range, sizeof(range), "%u to %u", least, most);
	cel_refuse(c->issue, call->from, "", "%.*s() takes %s argument%s, not %u",
		   (int)(call->name.n < 60 ? call->name.n : 60), call->name.s, range,
		   most == 1 ? "" : "s", call->count - receiver);
	return refused(c, call);
}

static bool refuse_types(struct checker *c, const struct cel_ast *call)
{
	char types[100] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < call->count && n < sizeof(types); i++)
		n += (size_t)snprintf(types + n, sizeof(types) - n, "%s%s", i > 0 ? ", " : "",
				      cel_type_name(type_of(call->kids[i])));
	return cel_refuse(c->issue, call->from,
			  text_is(call->name, "contains") && type_of(call->kids[0]) == CEL_LIST
			      ? "write value in list"
			      : "",
			  "no such overload: %.*s(%s)",
			  (int)(call->name.n < 40 ? call->name.n : 40), call->name.s, types);
}

/* The rows' common result type. */
static enum cel_type result_type(const struct cel_function *const *rows, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		if (rows[i]->type != rows[0]->type)
			return CEL_DYN;
	}
	return rows[0]->type;
}

/* Gives the call the name of the function that `name` is in the container or
 * around it; false when there is none. */
static bool name_function(const struct checker *c, struct cel_ast *call, struct text name,
			  bool root)
{
	struct text container = root ? TEXT("") : c->env->container;

	for (;;) {
		call->name = name_within(c, container, name);
		if (tally_rows(c, call, NULL).named > 0)
			return true;
		if (container.n == 0)
			return false;
		container = outer_container(container);
	}
}

/* math.greatest(1, 2) is a function with a dotted name, not a method: when
 * there is such a function the receiver is dropped. */
static void find_function(struct checker *c, struct cel_ast *call)
{
	struct cel_ast probe = *call;
	struct text space;
	bool root;

	if (!call->member) {
		if (name_function(c, &probe, call->name, call->root))
			*call = probe;
		return;
	}
	space = dotted_name(c, call->kids[0], &root);
	if (space.s == NULL)
		return;
	probe.member = false;
	probe.kids++;
	probe.count--;
	if (name_function(c, &probe, name_within(c, space, call->name), root))
		*call = probe;
}

static bool check_call(struct checker *c, struct cel_ast *call)
{
	struct tally t;

	find_function(c, call);
	t = tally_rows(c, call, NULL);
	if (t.named == 0)
		return refuse_function(c, call);
	if (t.counted == 0)
		return refuse_count(c, call, &t);
	if (!check_kids(c, call))
		return false;
	t = tally_rows(c, call, NULL);
	if (t.fitting == 0)
		return refuse_types(c, call);
	call->candidates = arena_array(c->arena, t.fitting, sizeof(struct cel_function *));
	if (call->candidates == NULL)
		return cel_refuse_size(c->issue, call->from);
	call->candidate_count = t.fitting;
	tally_rows(c, call, call->candidates);
	call->type = (uint8_t)result_type(call->candidates, t.fitting);
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
		return check_name(c, node);
	case CEL_AST_SELECT:
	case CEL_AST_HAS:
		return check_select(c, node);
	case CEL_AST_INDEX:
		return check_index(c, node);
	case CEL_AST_CALL:
		return check_call(c, node);
	case CEL_AST_LIST:
		node->type = CEL_LIST;
		return check_kids(c, node);
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
		return check_loop(c, node);
	case CEL_AST_DEFAULT:
		return check_default(c, node);
	case CEL_AST_VARIABLE:
	case CEL_AST_LOCAL:
	case CEL_AST_FAIL:
		break;
	}
	return true;
}

static bool check(struct checker *c, struct cel_ast *node)
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
	return ok;
}

bool cel_check(const struct cel_env *env, struct arena *scratch, struct cel_ast *root,
	       struct cel_issue *issue)
{
	struct checker c = { .env = env, .arena = scratch, .issue = issue };

	assert(env != NULL && scratch != NULL && root != NULL && issue != NULL);
	return check(&c, root);
}
