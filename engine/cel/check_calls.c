/* SPDX-License-Identifier: Apache-2.0
 *
 * check_calls - which rows of the function tables a call may reach: langdef.md,
 * "Functions" and "Overloads".
 */
#include "engine/cel/checker.h"

#include <assert.h>
#include <stdio.h>

#include "engine/cel/env.h"
#include "engine/cel/fields.h"

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
		{ "floor", "write math.floor(...)" },
		{ "ceil", "write math.ceil(...)" },
		{ "coalesce", "write default(expression, other)" },
		{ "exist", "write has(data.field)" },
		{ "lower", "write text.lowerAscii()" },
		{ "upper", "write text.upperAscii()" },
		{ "toLowerCase", "write text.lowerAscii()" },
		{ "toUpperCase", "write text.upperAscii()" },
		{ "strip", "write text.trim()" },
		{ "substr", "write text.substring(from, to)" },
		{ "isEmpty", "write size(...) == 0" },
		{ "empty", "write size(...) == 0" },
		{ "get", "write default(data.field, other)" },
		{ "isset", "write has(data.field)" },
		{ "defined", "write has(data.field)" },
		{ "xor", "write a != b" },
		{ "today", "write date(ctx.now, \"Europe/Berlin\")" },
		{ "days", "write days_until(day, zone), or duration(\"24h\")" },
		{ "avg", "write double(sum(list)) / double(size(list))" },
		{ "average", "write double(sum(list)) / double(size(list))" },
		{ "strftime", "write fmt(time, \"%d.%m.%Y %H:%M\", zone)" },
		{ "currency", "write money(cents, \"EUR\")" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (text_is(name, pairs[i][0]))
			return pairs[i][1];
	}
	return "";
}

static const char *nearest_function(const struct checker *c, struct text name)
{
	const char *names[CEL_CHECK_CANDIDATES + 1];
	uint32_t table = 0, row = 0, n = 0;
	const struct cel_function *f;

	while (n < CEL_CHECK_CANDIDATES && (f = cel_env_next(c->env, &table, &row)) != NULL)
		names[n++] = f->name;
	names[n] = NULL;
	return text_nearest(name, names);
}

/* How the macro that the call may have meant is written. */
static const char *usage_of(const struct checker *c, const struct cel_ast *call)
{
	bool spaced = call->member && call->kids[0]->kind == CEL_AST_NAME;

	if (c->env->macroless)
		return NULL;
	return cel_macro_usage(spaced ? call->kids[0]->name : TEXT_NONE, call->name);
}

/* The function that math.grates(...) may have meant: only one with a dot. */
static const char *nearest_dotted(struct checker *c, const struct cel_ast *call)
{
	const char *near;
	struct text space;
	bool root;

	if (!call->member)
		return NULL;
	space = cel_check_spelled(c, call->kids[0], &root);
	if (space.s == NULL)
		return NULL;
	near = nearest_function(c, cel_check_within(c, space, call->name));
	return near != NULL && strchr(near, '.') != NULL ? near : NULL;
}

/* No row has this name in this style. */
static bool refuse_function(struct checker *c, struct cel_ast *call)
{
	struct text name = { call->name.s, call->name.n < 60 ? call->name.n : 60 };
	const char *usage = usage_of(c, call);
	const char *near = nearest_dotted(c, call);

	if (near == NULL)
		near = nearest_function(c, call->name);
	cel_refuse(c->issue, call->at, foreign_function(call->name),
		   usage != NULL ? "wrong arguments for \"%.*s\"" : "unknown function \"%.*s\"",
		   TEXT_ARG(name));
	if (usage != NULL)
		cel_hint(c->issue, "write %s", usage);
	else if (near != NULL && text_is(call->name, near))
		cel_hint(c->issue, call->member ? "write %s(value)" : "write value.%s(...)", near);
	else if (near != NULL)
		cel_hint(c->issue, "did you mean \"%s\"?", near);
	return cel_check_refused(c, call);
}

static bool types_fit(const struct cel_function *f, const struct cel_ast *call)
{
	for (uint32_t i = 0; i < call->count && i < 4; i++) {
		enum cel_type have = cel_ast_type(call->kids[i]);

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
	cel_refuse(c->issue, call->at, "", "%.*s() takes %s argument%s, not %u",
		   (int)(call->name.n < 60 ? call->name.n : 60), call->name.s, range,
		   most == 1 ? "" : "s", call->count - receiver);
	return cel_check_refused(c, call);
}

static bool takes_path(const struct checker *c, const struct cel_ast *call)
{
	uint32_t at = 0;
	const struct cel_function *f = cel_env_named(c->env, call->name, &at);

	return f != NULL && f->path_args;
}

static bool refuse_types(struct checker *c, const struct cel_ast *call)
{
	char types[100] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < call->count && n < sizeof(types); i++)
		n += (size_t)snprintf(types + n, sizeof(types) - n, "%s%s", i > 0 ? ", " : "",
				      cel_type_name(cel_ast_type(call->kids[i])));
	cel_refuse(c->issue, call->at,
		   text_is(call->name, "contains") && cel_ast_type(call->kids[0]) == CEL_LIST
		       ? "write value in list"
		       : "",
		   "no such overload: %.*s(%s)", (int)(call->name.n < 40 ? call->name.n : 40),
		   call->name.s, types);
	if (takes_path(c, call) && call->kids[0]->kind != CEL_AST_LITERAL)
		cel_hint(c->issue,
			 "the path stands in quotes and begins beneath data, like \"status.key\"");
	for (uint32_t i = 0; i < call->count; i++)
		cel_field_hint(c->env, call->kids[i], c->issue);
	return false;
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
		call->name = cel_check_within(c, container, name);
		if (tally_rows(c, call, NULL).named > 0)
			return true;
		if (container.n == 0)
			return false;
		container = cel_check_outer(container);
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
	space = cel_check_spelled(c, call->kids[0], &root);
	if (space.s == NULL)
		return;
	probe.member = false;
	probe.kids++;
	probe.count--;
	if (name_function(c, &probe, cel_check_within(c, space, call->name), root))
		*call = probe;
}

bool cel_check_call(struct checker *c, struct cel_ast *call)
{
	struct tally t;

	find_function(c, call);
	t = tally_rows(c, call, NULL);
	if (t.named == 0)
		return refuse_function(c, call);
	if (t.counted == 0)
		return refuse_count(c, call, &t);
	if (!cel_check_kids(c, call))
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
