/* SPDX-License-Identifier: Apache-2.0
 *
 * cel_bench - evaluations a second of one compiled expression, on one thread.
 *
 *   bench-cel EXPRESSION DATA.json SECONDS
 *
 * Prints evaluations a second, microseconds to compile, and bytes of the program. The
 * expression must be true: nobody measures one that ends at its first clause. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/cel/cel.h"
#include "engine/value/parse.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench-cel: %s\n", what);
	exit(1);
}

static struct value read_data(struct arena *arena, const char *path)
{
	static char bytes[64 * KIB];
	struct json_parser *parser = json_parser_new();
	struct json_error error;
	struct value v;
	FILE *in = fopen(path, "r");
	size_t n = in != NULL ? fread(bytes, 1, sizeof(bytes), in) : 0;

	if (in == NULL || parser == NULL ||
	    json_parse(parser, arena, (struct text){ bytes, n }, &v, &error) != FATE_OK)
		fail("the data can't be read");
	fclose(in);
	json_parser_free(parser);
	return v;
}

static bool look_up(void *of, struct arena *arena, uint32_t index, struct value *out)
{
	(void)arena;
	(void)index;
	*out = *(const struct value *)of;
	return true;
}

static const struct cel_program *compile(struct arena *arena, const char *expression)
{
	struct cel_env *env = cel_env_new(arena);
	const struct cel_program *program;
	struct cel_issue issue;

	if (env == NULL)
		fail("memory is out");
	cel_env_variable(env, "data", CEL_DYN);
	if (cel_compile(env, arena, text_of(expression), &program, &issue) != FATE_OK)
		fail(issue.what);
	return program;
}

#define COMPILED 2000

static void put_compile(const char *expression)
{
	struct arena *arena = arena_new("programs", LIMIT_RULES_ARENA);
	struct cel_env *env = cel_env_new(arena);
	const struct cel_program *program;
	struct cel_issue issue;
	size_t before;
	double began;

	if (arena == NULL || env == NULL)
		fail("memory is out");
	cel_env_variable(env, "data", CEL_DYN);
	before = arena_used(arena);
	began = now();
	for (int i = 0; i < COMPILED; i++)
		if (cel_compile(env, arena, text_of(expression), &program, &issue) != FATE_OK)
			fail(issue.what);
	printf(" compile_us %.2f bytes %zu\n", (now() - began) * 1e6 / COMPILED,
	       (arena_used(arena) - before) / COMPILED);
	arena_free(arena);
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new("bench", LIMIT_EVENT_ARENA);
	const struct cel_program *program;
	struct cel_vars vars;
	struct value data;
	double began, until;
	long count = 0;

	if (argc != 4 || arena == NULL)
		fail("bench-cel EXPRESSION DATA.json SECONDS");
	data = read_data(arena, argv[2]);
	program = compile(arena, argv[1]);
	vars = (struct cel_vars){ look_up, &data };
	began = now();
	until = began + strtod(argv[3], NULL);
	while (now() < until) {
		for (int i = 0; i < 10000; i++) {
			struct value v = cel_eval(program, arena, &vars);

			if (v.kind != VALUE_BOOL || !v.b)
				fail("the expression isn't true");
		}
		count += 10000;
	}
	printf("evaluations %.0f", (double)count / (now() - began));
	put_compile(argv[1]);
	arena_free(arena);
	return 0;
}
