/* SPDX-License-Identifier: Apache-2.0
 *
 * check_names - what a name means: langdef.md, "Name Resolution". Locals of macros
 * first, then variables and types, in the container and around it.
 */
#include "engine/cel/checker.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/cel/env.h"
#include "engine/cel/types.h"

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
struct text cel_check_outer(struct text container)
{
	while (container.n > 0 && container.s[--container.n] != '.')
		;
	return container;
}

/* The name as it reads in a container; TEXT_NONE when the arena is spent. */
struct text cel_check_within(const struct checker *c, struct text container, struct text name)
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
		if (resolve_absolute(c, node, cel_check_within(c, container, name)))
			return true;
		container = cel_check_outer(container);
	}
	return resolve_absolute(c, node, name);
}

static const char *nearest_name(const struct checker *c, struct text name)
{
	const char *names[CEL_CHECK_CANDIDATES + 1];
	struct text locals[16];
	uint32_t n = 0, k = 0;
	const char *hit;

	for (const struct scope *s = c->scope; s != NULL && k < 16; s = s->outer) {
		locals[k] = text_dup(c->arena, s->name);
		if (locals[k].s != NULL)
			names[n++] = locals[k++].s;
	}
	for (uint32_t i = 0; i < c->env->variable_count && n < CEL_CHECK_CANDIDATES; i++)
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
	return !c->env->macroless && cel_macro_usage(TEXT_NONE, name) != NULL;
}

/* The names that could stand in its place, as far as they fit. */
static void hint_names(struct checker *c, struct text name)
{
	char names[100];
	bool has_data = false;
	size_t n = 0;

	for (uint32_t i = 0; i < c->env->variable_count; i++)
		has_data = has_data || strcmp(c->env->variables[i].name, "data") == 0;
	for (uint32_t i = 0; i < c->env->variable_count; i++) {
		const char *v = c->env->variables[i].name;

		if (n + strlen(v) + 3 > sizeof(names))
			break;
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n > 0 ? ", " : "", v);
	}
	if (n == 0 || name.n > 30)
		cel_hint(c->issue, "a text stands in quotes: \"%.*s\"", TEXT_ARG(name));
	else if (has_data)
		cel_hint(c->issue,
			 "a text stands in quotes: \"%.*s\"; a field is data.%.*s; names are %.*s",
			 TEXT_ARG(name), TEXT_ARG(name), (int)n, names);
	else
		cel_hint(c->issue, "a text stands in quotes: \"%.*s\"; names are %.*s",
			 TEXT_ARG(name), (int)n, names);
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
	return cel_check_refused(c, node);
}

bool cel_check_name(struct checker *c, struct cel_ast *node)
{
	const struct scope *local = node->root ? NULL : find_local(c, node->name);

	if (local != NULL) {
		node->kind = CEL_AST_LOCAL;
		node->index = local->slot;
		node->tree = local->tree;
		node->type = (uint8_t)cel_tree_type(local->tree);
		return true;
	}
	return resolve_global(c, node, node->name, node->root) || refuse_name(c, node);
}

/* The dotted name that a chain of selections spells ("a.b.c"), or TEXT_NONE when
 * it is no plain chain or starts at a local variable. *root: it begins with a dot. */
struct text cel_check_spelled(struct checker *c, const struct cel_ast *node, bool *root)
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

/* a.b.c that is one name; the longest is tried first, as the walk starts outside. */
bool cel_check_dotted(struct checker *c, struct cel_ast *node)
{
	struct text name;
	bool root;

	if (!c->env->dotted && c->env->container.n == 0 && !cel_types_is_namespace(node->kids[0]))
		return false;
	name = cel_check_spelled(c, node, &root);
	return name.s != NULL && resolve_global(c, node, name, root);
}
