/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the condition language share: an environment with an event,
 * its data and a few functions of a host, and evaluation to readable text.
 *
 * Results read as JSON; unsigned ints end with a u, an error starts with "!",
 * a refusal with "?" (what, then " | " and the hint when there is one). */
#ifndef TEST_CEL_WORLD_H
#define TEST_CEL_WORLD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/cel/cel.h"
#include "engine/value/parse.h"

struct cel_world {
	struct arena *arena;
	struct json_parser *parser;
	struct cel_env *env;
	struct value data;
	int lookups[8]; /* how often each variable was asked for */
	struct buf out;
};

enum { WORLD_EVENT, WORLD_DATA, WORLD_BEFORE, WORLD_VARS, WORLD_ABSENT };

static inline struct value world_echo(struct cel_run *run, void *of, const struct value *args,
				      uint32_t count)
{
	(void)run;
	(void)of;
	ck_assert_uint_ge(count, 1);
	return args[0];
}

static inline struct value world_fails(struct cel_run *run, void *of, const struct value *args,
				       uint32_t count)
{
	(void)of;
	(void)args;
	(void)count;
	return cel_error(run, "the host says no");
}

/* Knows its host by `of`, its arena by the run. */
static inline struct value world_asked(struct cel_run *run, void *of, const struct value *args,
				       uint32_t count)
{
	struct cel_world *w = of;

	ck_assert_ptr_eq(cel_arena(run), w->arena);
	ck_assert_uint_eq(count, 1);
	ck_assert(value_is(args[0], VALUE_TEXT));
	return value_int(w->lookups[WORLD_DATA]);
}

static const struct cel_function world_functions[] = {
	{ "changed",
	  "A host's path function.",
	  false,
	  CEL_DYN,
	  1,
	  1,
	  { CEL_TEXT },
	  world_echo,
	  true },
	{ "rose_past",
	  "A host's path function.",
	  false,
	  CEL_DYN,
	  2,
	  2,
	  { CEL_TEXT, CEL_DYN },
	  world_echo,
	  true },
	{ "raw", "The value itself.", false, CEL_DYN, 1, 1, { CEL_DYN }, world_echo, false },
	{ "fails", "Always an error.", false, CEL_BOOL, 0, 0, { CEL_DYN }, world_fails, false },
	{ "asked",
	  "How often data was looked up.",
	  false,
	  CEL_INT,
	  1,
	  1,
	  { CEL_TEXT },
	  world_asked,
	  false },
	{ "many.args",
	  "The first of up to eight.",
	  false,
	  CEL_DYN,
	  1,
	  8,
	  { CEL_DYN },
	  world_echo,
	  false },
	{ .name = NULL },
};

static const char world_data[] =
    "{\"id\":\"7\",\"title\":\"Acme\",\"stage\":\"project\",\"over_budget\":true,"
    "\"price_in_cents\":100,\"percent\":101.5,\"nothing\":null,\"status\":{\"key\":305,"
    "\"name\":\"Red\"},\"tags\":[\"a\",\"b\",\"c\"],\"items\":[{\"n\":1,\"done\":true},"
    "{\"n\":2,\"done\":false},{\"n\":3}],\"big\":18446744073709551615,\"with-dash\":1,"
    "\"package\":\"p\",\"amount\":\"12.50\",\"empty\":{},\"created_at\":"
    "\"2013-04-15T16:48:48-07:00\",\"umlaut\":\"\xc3\xbc\xe2\x82\xac\"}";

static inline bool world_lookup(void *of, struct arena *arena, uint32_t index, struct value *out)
{
	struct cel_world *w = of;
	struct value_map_builder b;

	w->lookups[index]++;
	if (index == WORLD_EVENT) {
		value_map_begin(&b, arena);
		value_map_set(&b, "type", value_text(TEXT("kantata.workspace.updated")));
		value_map_set(&b, "time", value_timestamp_ms(1700000000123));
		*out = value_map_end(&b);
	} else if (index == WORLD_DATA) {
		*out = w->data;
	} else if (index == WORLD_BEFORE) {
		*out = value_null();
	} else if (index == WORLD_VARS) {
		value_map_begin(&b, arena);
		*out = value_map_end(&b);
	}
	return index < WORLD_ABSENT;
}

static inline void world_init(struct cel_world *w)
{
	struct json_error error;

	*w =
	    (struct cel_world){ .arena = arena_new("test", 64 * MIB), .parser = json_parser_new() };
	ck_assert_ptr_nonnull(w->arena);
	ck_assert_int_eq(json_parse(w->parser, w->arena, text_of(world_data), &w->data, &error),
			 FATE_OK);
	w->env = cel_env_new(w->arena);
	cel_env_variable(w->env, "event", CEL_MAP);
	cel_env_variable(w->env, "data", CEL_DYN);
	cel_env_variable(w->env, "before", CEL_DYN);
	cel_env_variable(w->env, "vars", CEL_MAP);
	cel_env_variable(w->env, "absent", CEL_DYN);
	cel_env_variable(w->env, "ctx.now", CEL_DYN);
	cel_env_functions(w->env, world_functions);
	buf_init(&w->out, 4 * MIB);
}

static inline void world_fini(struct cel_world *w)
{
	buf_fini(&w->out);
	json_parser_free(w->parser);
	arena_free(w->arena);
}

static inline struct value world_run(struct cel_world *w, const struct cel_program *program)
{
	struct cel_vars vars = { world_lookup, w };

	memset(w->lookups, 0, sizeof(w->lookups));
	return cel_eval(program, w->arena, &vars);
}

static inline const char *world_show(struct cel_world *w, struct value v)
{
	buf_clear(&w->out);
	if (v.kind == VALUE_ERROR) {
		ck_assert(text_is_utf8(value_as_text(v)));
		buf_char(&w->out, '!');
		buf_text(&w->out, value_as_text(v));
	} else {
		value_write(&w->out, v);
		if (v.kind == VALUE_UINT)
			buf_char(&w->out, 'u');
	}
	return buf_cstr(&w->out);
}

/* The result of the expression as text; valid until the next call. */
static inline const char *world_eval_n(struct cel_world *w, struct text expr)
{
	const struct cel_program *program;
	struct cel_issue issue;
	enum fate fate = cel_compile(w->env, w->arena, expr, &program, &issue);

	if (fate == FATE_OK) {
		ck_assert_ptr_nonnull(program);
		return world_show(w, world_run(w, program));
	}
	ck_assert_int_eq(fate, FATE_REJECT);
	ck_assert_ptr_null(program);
	ck_assert_uint_gt(strlen(issue.what), 0);
	ck_assert(text_is_utf8(text_of(issue.what)) && text_is_utf8(text_of(issue.hint)));
	ck_assert_uint_le(issue.offset, expr.n);
	buf_clear(&w->out);
	buf_printf(&w->out, "?%s", issue.what);
	if (issue.hint[0] != '\0')
		buf_printf(&w->out, " | %s", issue.hint);
	return buf_cstr(&w->out);
}

static inline const char *world_eval(struct cel_world *w, const char *expr)
{
	return world_eval_n(w, text_of(expr));
}

/* A whole value, or with "!" or "?" the part of an error or refusal. */
static inline bool world_is(const char *got, const char *want)
{
	if (want[0] != '!' && want[0] != '?')
		return strcmp(got, want) == 0;
	return got[0] == want[0] && strstr(got, want + 1) != NULL;
}

struct world_row {
	const char *expr;
	const char *want; /* see world_is */
};

/* Checks a table; its end is a NULL expression. */
static inline void world_check(struct cel_world *w, const struct world_row *rows)
{
	for (; rows->expr != NULL; rows++) {
		const char *got = world_eval(w, rows->expr);

		ck_assert_msg(world_is(got, rows->want), "%s\n   gave %s\n wanted %s", rows->expr,
			      got, rows->want);
	}
}

#endif
