/* SPDX-License-Identifier: Apache-2.0
 *
 * eval - the condition language on its own: one expression a line in, its value
 * or error a line out.
 *
 * A line is {"expr": TEXT, "vars": {NAME: VALUE}, "types": {NAME: TYPE}}, and may
 * hold "container": TEXT, "macros": false and "check": false; each is answered,
 * also a line that can't be read. Only CEL's own functions are there,
 * not those of rules. */
#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/cel/cel.h"
#include "engine/commands/eval_value.h"
#include "engine/commands/json.h"
#include "engine/commands/lines.h"
#include "engine/commands/setup.h"
#include "engine/value/parse.h"

struct evaluation {
	struct arena *arena;
	struct cel_env *env;
	struct value vars; /* as given */
	struct value types;
	struct value container, macros, check;
	struct value *values; /* by index of the environment's variables */
	const char *why;      /* phase "check": vars or types that don't fit */
};

static void put_error(struct buf *out, const char *phase, struct text why)
{
	json_open(out, '{');
	json_text(out, "error", why);
	json_str(out, "phase", phase);
	json_close(out, '}');
	json_line(out);
}

static struct text type_of(const struct evaluation *e, struct value name)
{
	const struct value *type = value_get_value(e->types, name);

	return type != NULL && type->kind == VALUE_TEXT ? value_as_text(*type) : TEXT("dyn");
}

static bool declare(struct evaluation *e, uint32_t index, struct value name, struct value json)
{
	const char *key = text_dup(e->arena, value_as_text(name)).s;
	struct text type = type_of(e, name);
	enum cel_type declared;

	if (key == NULL || !eval_type(type, &declared) ||
	    !eval_take(e->arena, type, json, &e->values[index])) {
		e->why = text_printf(e->arena, "the variable %.*s is no %.*s",
				     TEXT_ARG(value_as_text(name)), TEXT_ARG(type))
			     .s;
		return false;
	}
	cel_env_variable(e->env, key, declared);
	return true;
}

static bool is_off(struct value v)
{
	return v.kind == VALUE_BOOL && !v.b;
}

static void set_up(struct evaluation *e)
{
	struct text container = { NULL, 0 };

	if (e->container.kind == VALUE_TEXT)
		container = text_dup(e->arena, value_as_text(e->container));
	if (container.s != NULL)
		cel_env_container(e->env, container.s);
	cel_env_macros(e->env, !is_off(e->macros));
	cel_env_checks(e->env, !is_off(e->check));
}

/* Variables from `vars`; a type without a value declares only. */
static bool declare_all(struct evaluation *e)
{
	uint32_t n = e->vars.kind == VALUE_MAP ? e->vars.n : 0;

	e->env = cel_env_new(e->arena);
	e->values = arena_array(e->arena, n + 1, sizeof(*e->values));
	if (e->env == NULL || e->values == NULL) {
		e->why = "memory is out";
		return false;
	}
	set_up(e);
	for (uint32_t i = 0; i < n; i++)
		if (!declare(e, i, e->vars.pairs[i].key, e->vars.pairs[i].val))
			return false;
	for (uint32_t i = 0; e->types.kind == VALUE_MAP && i < e->types.n; i++) {
		struct value name = e->types.pairs[i].key;
		enum cel_type type;

		if (value_get_value(e->vars, name) != NULL)
			continue;
		if (!eval_type(type_of(e, name), &type)) {
			e->why = "a type is unknown";
			return false;
		}
		cel_env_variable(e->env, text_dup(e->arena, value_as_text(name)).s, type);
	}
	return true;
}

static bool lookup(void *of, struct arena *arena, uint32_t index, struct value *out)
{
	const struct evaluation *e = of;

	(void)arena;
	if (e->vars.kind != VALUE_MAP || index >= e->vars.n)
		return false;
	*out = e->values[index];
	return true;
}

static void put_value(struct buf *out, struct arena *arena, struct value v)
{
	if (v.kind == VALUE_ERROR) {
		put_error(out, "eval", value_as_text(v));
		return;
	}
	json_open(out, '{');
	json_key(out, "value");
	value_write(out, eval_give(arena, v));
	json_str(out, "type", value_kind_name(v.kind));
	json_close(out, '}');
	json_line(out);
}

static void evaluate(struct buf *out, struct evaluation *e, struct text expr)
{
	const struct cel_vars vars = { lookup, e };
	const struct cel_program *program;
	struct cel_issue issue;

	if (!declare_all(e)) {
		put_error(out, "check", text_of(e->why));
		return;
	}
	if (cel_compile(e->env, e->arena, expr, &program, &issue) != FATE_OK) {
		struct text why =
		    text_printf(e->arena, "%s (at byte %zu)%s%s", issue.what, issue.offset,
				issue.hint[0] != '\0' ? "; " : "", issue.hint);

		put_error(out, issue.parsed ? "check" : "parse", why);
		return;
	}
	put_value(out, e->arena, cel_eval(program, e->arena, &vars));
}

static struct value member(struct value line, const char *name)
{
	const struct value *v = value_get(line, text_of(name));

	return v != NULL ? *v : value_null();
}

static bool is_map_or_null(struct value v)
{
	return v.kind == VALUE_MAP || v.kind == VALUE_NULL;
}

static void answer(struct buf *out, struct arena *arena, struct json_parser *parser,
		   struct text line)
{
	struct json_error error;
	struct value v;

	if (json_parse(parser, arena, line, &v, &error) != FATE_OK) {
		put_error(out, "parse",
			  text_printf(arena, "the line is not JSON: column %d: %s", error.column,
				      error.what));
		return;
	}
	struct evaluation e = { .arena = arena,
				.vars = member(v, "vars"),
				.types = member(v, "types"),
				.container = member(v, "container"),
				.macros = member(v, "macros"),
				.check = member(v, "check") };
	struct value expr = member(v, "expr");

	if (expr.kind != VALUE_TEXT || !is_map_or_null(e.vars) || !is_map_or_null(e.types))
		put_error(out, "parse",
			  TEXT("the line needs expr, a text; vars and types are maps"));
	else
		evaluate(out, &e, value_as_text(expr));
}

static int run(struct context *context)
{
	AUTO(arena_free) struct arena *arena = arena_new("eval", LIMIT_EVENT_ARENA);
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	AUTO_FINI(buf_fini) struct buf line;

	buf_init(&line, LIMIT_COMMAND_LINE);
	if (arena == NULL || parser == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	while (lines_read(stdin, &line)) {
		if (buf_failed(&line))
			put_error(&context->out, "parse", TEXT("the line is too long"));
		else if (text_trim(buf_view(&line)).n > 0)
			answer(&context->out, arena, parser, buf_view(&line));
		arena_reset(arena);
		/* Somebody may wait for each answer before asking again. */
		if (!context_flush(context))
			return COMMAND_FAILED;
	}
	return COMMAND_OK;
}

const struct command command_eval = {
	.name = "eval",
	.arguments = "",
	.doc = "Evaluates expressions, one JSON line each, from standard input",
	.more = "In:  {\"expr\": TEXT, \"vars\": {...}, \"types\": {\"x\": \"uint\"}}\n"
		"     and \"container\": TEXT, \"macros\": false, \"check\": false to try these\n"
		"Out: {\"value\": V, \"type\": T} or {\"error\": TEXT, \"phase\": "
		"\"parse|check|eval\"}",
	.run = run,
};
