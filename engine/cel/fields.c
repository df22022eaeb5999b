/* SPDX-License-Identifier: Apache-2.0
 *
 * fields - declared types of fields; see fields.h. */
#include "engine/cel/fields.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/cel/env.h"
#include "engine/cel/types.h"

#define PATH 200 /* bytes of a path that may be declared; longer ones are not */

/* A path written from its end, and the variable it starts at. */
struct chain {
	char bytes[PATH];
	size_t from; /* bytes[from..PATH) is the path */
	const struct cel_ast *variable;
};

static bool prepend(struct chain *chain, struct text name)
{
	size_t dot = chain->from < PATH ? 1 : 0;

	/* A key with a dot in it would read as two names. */
	if (name.n == 0 || name.n + dot > chain->from || memchr(name.s, '.', name.n) != NULL)
		return false;
	if (dot == 1)
		chain->bytes[--chain->from] = '.';
	chain->from -= name.n;
	memcpy(chain->bytes + chain->from, name.s, name.n);
	return true;
}

static bool is_text_key(const struct cel_ast *index)
{
	const struct cel_ast *key = index->kids[1];

	return key->kind == CEL_AST_LITERAL && key->value.kind == VALUE_TEXT;
}

static bool chain_of(const struct cel_ast *node, struct chain *chain)
{
	chain->from = PATH;
	for (; node->kind != CEL_AST_VARIABLE; node = node->kids[0]) {
		struct text name = node->name;

		if (node->kind == CEL_AST_INDEX && is_text_key(node))
			name = value_as_text(node->kids[1]->value);
		else if (node->kind != CEL_AST_SELECT)
			return false;
		if (!prepend(chain, name))
			return false;
	}
	chain->variable = node;
	return chain->from < PATH;
}

static enum cel_type type_of_chain(const struct cel_env *env, const struct chain *chain)
{
	struct text path = { chain->bytes + chain->from, PATH - chain->from };

	return env->ask_field(env->ask_of, chain->variable->index, path);
}

enum cel_type cel_field_type(const struct cel_env *env, const struct cel_ast *node)
{
	struct chain chain;

	assert(env != NULL && node != NULL);
	if (env->ask_field == NULL || !chain_of(node, &chain))
		return CEL_DYN;
	return type_of_chain(env, &chain);
}

/* ---- Refusing ---- */

/* As people say it; the type's own name where there is no plainer word. */
static const char *plain(enum cel_type type)
{
	switch (type) {
	case CEL_TEXT:
		return "text";
	case CEL_NULL:
		return "null";
	case CEL_TIMESTAMP:
		return "timestamp";
	case CEL_DURATION:
		return "duration";
	default:
		return cel_type_name(type);
	}
}

/* The node's path when it is a declared field: "data.title". */
static bool declared(const struct cel_env *env, const struct cel_ast *node, char out[PATH + 64])
{
	struct chain chain;

	if (env->ask_field == NULL || node->kind == CEL_AST_VARIABLE || !chain_of(node, &chain) ||
	    type_of_chain(env, &chain) == CEL_DYN)
		return false;
	snprintf(out, PATH + 64, "%.*s.%.*s",
		 (int)(chain.variable->name.n < 60 ? chain.variable->name.n : 60),
		 chain.variable->name.s, (int)(PATH - chain.from), chain.bytes + chain.from);
	return true;
}

static bool is_numeric_text(struct text t)
{
	char room[32], *end;

	if (t.n == 0 || t.n >= sizeof(room) || strchr("-0123456789", t.s[0]) == NULL)
		return false;
	memcpy(room, t.s, t.n);
	room[t.n] = '\0';
	(void)strtod(room, &end);
	return end == room + t.n;
}

static bool is_truth(struct value text)
{
	return text_is(value_as_text(text), "true") || text_is(value_as_text(text), "false");
}

static bool is_equality(enum cel_op op)
{
	return op == CEL_OP_EQ || op == CEL_OP_NE;
}

static bool is_order(enum cel_op op)
{
	return op >= CEL_OP_LT && op <= CEL_OP_GE;
}

/* What to write instead of the literal that a field of this type meets, or "". */
static void hint_literal(enum cel_op op, const char *path, enum cel_type field,
			 const struct cel_ast *other, struct cel_issue *issue)
{
	bool arithmetic = op <= CEL_OP_MOD;

	if (other->kind != CEL_AST_LITERAL || op == CEL_OP_IN)
		return;
	if (field == CEL_TEXT && other->type == CEL_INT && is_equality(op))
		cel_hint(issue, "quote it: \"%lld\"", (long long)other->value.i);
	else if (field == CEL_BOOL && other->type == CEL_TEXT && is_truth(other->value))
		cel_hint(issue, "write it without quotes: %.*s",
			 TEXT_ARG(value_as_text(other->value)));
	else if (field == CEL_BOOL && cel_types_number((enum cel_type)other->type))
		cel_hint(issue, "compare it with true or false");
	else if (field == CEL_DOUBLE && other->type == CEL_INT)
		cel_hint(issue, "write %lld.0", (long long)other->value.i);
	else if (field == CEL_INT && other->type == CEL_DOUBLE)
		cel_hint(issue, "write double(%s)", path);
	else if (cel_types_number(field) && other->type == CEL_TEXT && !arithmetic &&
		 is_numeric_text(value_as_text(other->value)))
		cel_hint(issue, "write it without quotes: %.*s",
			 TEXT_ARG(value_as_text(other->value)));
}

/* A text field that is ordered by a number would compare digit by digit if the number were
 * quoted; amounts have a twin that is one. */
static void hint_number(const struct cel_env *env, const struct cel_ast *field, const char *path,
			struct cel_issue *issue)
{
	struct chain chain;
	char twin[PATH + 16];
	int n;

	if (!chain_of(field, &chain))
		return;
	n = snprintf(twin, sizeof(twin), "%.*s_in_cents", (int)(PATH - chain.from),
		     chain.bytes + chain.from);
	if (env->ask_field(env->ask_of, chain.variable->index, (struct text){ twin, (size_t)n }) ==
	    CEL_INT)
		cel_hint(issue, "%.90s_in_cents is a number", path);
	else
		cel_hint(issue, "write num(%.90s) if it holds a number", path);
}

/* A text field that meets a time. */
static void hint_time(const char *path, struct cel_issue *issue)
{
	cel_hint(issue,
		 "of a day write timestamp(%.50s + \"T00:00:00Z\"), of a time timestamp(%.50s)",
		 path, path);
}

static void hint_kinds(const struct cel_env *env, const struct cel_ast *binary,
		       const struct cel_ast *field, const char *path, struct cel_issue *issue)
{
	const struct cel_ast *other = binary->kids[field == binary->kids[0] ? 1 : 0];
	enum cel_op op = (enum cel_op)binary->op;

	if (field->type == CEL_TEXT && cel_types_number((enum cel_type)other->type) && is_order(op))
		hint_number(env, field, path, issue);
	else if (field->type == CEL_TEXT && other->type == CEL_TIMESTAMP)
		hint_time(path, issue);
	else if (field->type == CEL_MAP && op != CEL_OP_IN)
		cel_hint(issue, "it has fields: write %.90s.NAME", path);
}

/* low < x < high */
static bool is_chained(const struct cel_ast *binary)
{
	const struct cel_ast *a = binary->kids[0];

	return is_order((enum cel_op)binary->op) && a->kind == CEL_AST_BINARY &&
	       is_order((enum cel_op)a->op);
}

bool cel_field_refuse_member(const struct cel_env *env, const struct cel_ast *binary,
			     enum cel_type item, struct cel_issue *issue)
{
	const struct cel_ast *value = binary->kids[0];
	const char *hint = "";
	char path[PATH + 64];

	assert(env != NULL && issue != NULL);
	if (value->type == CEL_TEXT && cel_types_number(item))
		hint = "put the numbers of the list in quotes";
	else if (cel_types_number((enum cel_type)value->type) && item == CEL_TEXT)
		hint = "write the items of the list without quotes";
	if (declared(env, value, path))
		cel_refuse(issue, binary->from, hint, "%.90s is %s, and the list holds %s only",
			   path, plain((enum cel_type)value->type), plain(item));
	return cel_refuse(issue, binary->from, hint, "no such overload: %s in list of %s",
			  cel_type_name((enum cel_type)value->type), cel_type_name(item));
}

bool cel_field_refuse(const struct cel_env *env, const struct cel_ast *binary,
		      struct cel_issue *issue)
{
	const struct cel_ast *a = binary->kids[0], *b = binary->kids[1];
	enum cel_type left = (enum cel_type)a->type, right = (enum cel_type)b->type;
	enum cel_op op = (enum cel_op)binary->op;
	bool first = true;
	char path[PATH + 64];

	assert(env != NULL && issue != NULL);
	first = declared(env, a, path);
	if (!first && !declared(env, b, path))
		return cel_refuse(issue, binary->from,
				  is_chained(binary) ? "write low < x && x < high"
						     : cel_types_hint(op, left, right),
				  "no such overload: %s %s %s", cel_type_name(left),
				  cel_op_text(op), cel_type_name(right));
	cel_refuse(issue, binary->from, "", "%.90s is %s, and %s %s %s never works", path,
		   plain(first ? left : right), plain(left), cel_op_text(op), plain(right));
	hint_literal(op, path, first ? left : right, first ? b : a, issue);
	hint_kinds(env, binary, first ? a : b, path, issue);
	cel_hint(issue, "%s", cel_types_hint(op, left, right));
	return false;
}

void cel_field_hint(const struct cel_env *env, const struct cel_ast *node, struct cel_issue *issue)
{
	char path[PATH + 64];

	assert(env != NULL && node != NULL && issue != NULL);
	if (declared(env, node, path))
		cel_hint(issue, "%.100s is %s", path, plain((enum cel_type)node->type));
}
