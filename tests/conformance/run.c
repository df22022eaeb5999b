/* SPDX-License-Identifier: Apache-2.0
 *
 * run - runs every case of the conformance suite and says how it went.
 *
 *   conformance-run CASES.jsonl
 *
 * Reads what cases.mjs writes (its header tells the fields). Prints one line a
 * case, with tabs between: "pass", "FAIL" or "out", the case's name, what went
 * wrong or why it is out of scope. Exits 1 only when a line can't be read: what
 * a failure means is for the script `run` to say.
 *
 * I1  Cases out of scope are run like the others, with what needs protobuf left
 *     unbound; whatever comes of them is no failure, but they must not crash.
 * I2  A value must be of the kind wanted, to the bit: 1 is not 1.0.
 * I3  What is parsed must survive being printed and parsed.
 * I4  Where an error is wanted, an expression may also be refused, but not for
 *     its syntax; and a name that isn't known is the error wanted only where the
 *     suite means that. Else all that we lack would pass. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/cleanup.h"
#include "engine/base/hex.h"
#include "engine/base/limits.h"
#include "engine/cel/cel.h"
#include "engine/value/parse.h"
#include "tests/unit/test_cel_tree.h"

#define ARENA_BUDGET (64u * MIB) /* many times what the largest case takes */
#define VARIABLES    16          /* the suite's cases have at most 4 */

struct test {
	struct arena *arena;
	struct value line; /* the case as cases.mjs wrote it */
	struct cel_env *env;
	struct value values[VARIABLES];
	bool bound[VARIABLES];
	uint32_t variables;
	struct buf why; /* the failure */
};

/* ---- Reading ---- */

static struct value member(struct value map, const char *name)
{
	const struct value *found = value_get(map, text_of(name));

	return found != NULL ? *found : value_null();
}

static bool flag(struct value line, const char *name, bool otherwise)
{
	struct value v = member(line, name);

	return v.kind == VALUE_BOOL ? v.b : otherwise;
}

static const char *member_text(const struct test *t, struct value map, const char *name)
{
	struct value v = member(map, name);

	return v.kind == VALUE_TEXT ? text_dup(t->arena, value_as_text(v)).s : "";
}

static struct value plain(struct arena *arena, struct value tagged);

static struct value plain_list(struct arena *arena, struct value items)
{
	struct value_list_builder b;

	value_list_begin(&b, arena);
	for (uint32_t i = 0; i < items.n; i++)
		value_list_add(&b, plain(arena, items.items[i]));
	return value_list_end(&b);
}

static struct value plain_map(struct arena *arena, struct value pairs)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	for (uint32_t i = 0; i < pairs.n; i++)
		value_map_add(&b, plain(arena, pairs.items[i].items[0]),
			      plain(arena, pairs.items[i].items[1]));
	return value_map_end(&b);
}

static struct value plain_bytes(struct arena *arena, struct text hex)
{
	size_t n = 0;
	char *bytes = arena_alloc(arena, hex.n / 2 + 1);

	if (!hex_decode(hex, bytes, hex.n / 2, &n))
		abort();
	return (struct value){ .kind = VALUE_BYTES, .n = (uint32_t)n, .s = bytes };
}

static struct value plain_time(enum value_kind kind, const char *seconds, int64_t nanos)
{
	return (struct value){ .kind = (uint8_t)kind,
			       .n = (uint32_t)nanos,
			       .i = strtoll(seconds, NULL, 10) };
}

/* The value that ["int", "5"] stands for; null when nothing is written. */
static struct value plain(struct arena *arena, struct value tagged)
{
	struct text kind = tagged.kind == VALUE_LIST ? value_as_text(tagged.items[0]) : TEXT("");
	struct value of = tagged.n > 1 ? tagged.items[1] : value_null();
	const char *s = of.kind == VALUE_TEXT ? text_dup(arena, value_as_text(of)).s : "";

	if (text_is(kind, "int"))
		return value_int(strtoll(s, NULL, 10));
	if (text_is(kind, "uint"))
		return value_uint(strtoull(s, NULL, 10));
	if (text_is(kind, "double"))
		return value_double(strtod(s, NULL));
	if (text_is(kind, "bytes"))
		return plain_bytes(arena, value_as_text(of));
	if (text_is(kind, "list"))
		return plain_list(arena, of);
	if (text_is(kind, "map"))
		return plain_map(arena, of);
	if (text_is(kind, "type"))
		return (struct value){ .kind = VALUE_TYPE, .n = of.n, .s = s };
	if (text_is(kind, "timestamp"))
		return plain_time(VALUE_TIMESTAMP, s, tagged.items[2].i);
	if (text_is(kind, "duration"))
		return plain_time(VALUE_DURATION, s, tagged.items[2].i);
	return of; /* null, bool, string */
}

static enum cel_type type_named(struct text name)
{
	for (int t = CEL_DYN; t <= CEL_CIDR; t++) {
		if (text_is(name, cel_type_name((enum cel_type)t)))
			return (enum cel_type)t;
	}
	return CEL_DYN; /* an abstract type of a function that is declared only */
}

/* ---- The environment ---- */

static void declare_variables(struct test *t)
{
	struct value list = member(t->line, "variables");

	if (list.n > VARIABLES)
		abort();
	t->variables = list.n;
	for (uint32_t i = 0; i < list.n; i++) {
		struct value variable = list.items[i], bound = member(variable, "value");

		cel_env_variable(t->env, member_text(t, variable, "name"),
				 type_named(value_as_text(member(variable, "type"))));
		t->bound[i] = bound.kind == VALUE_LIST;
		if (t->bound[i])
			t->values[i] = plain(t->arena, bound);
	}
}

static struct value declared_only(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	(void)of;
	(void)args;
	(void)count;
	return cel_error(run, "the function is declared only");
}

static void declare_functions(struct test *t)
{
	struct value list = member(t->line, "functions");
	struct cel_function *rows = arena_zero(t->arena, (list.n + 1) * sizeof(*rows));

	for (uint32_t i = 0; i < list.n; i++) {
		struct value args = member(list.items[i], "args");
		struct cel_function *row = &rows[i];

		*row = (struct cel_function){ .name = member_text(t, list.items[i], "name"),
					      .doc = "",
					      .least = (uint8_t)args.n,
					      .most = (uint8_t)args.n,
					      .call = declared_only };
		row->type = type_named(value_as_text(member(list.items[i], "type")));
		for (uint32_t k = 0; k < args.n && k < 4; k++)
			row->args[k] = type_named(value_as_text(args.items[k]));
	}
	cel_env_functions(t->env, rows);
}

static void switches(struct test *t)
{
	cel_env_container(t->env, member_text(t, t->line, "container"));
	cel_env_checks(t->env, flag(t->line, "check", true));
	cel_env_macros(t->env, flag(t->line, "macros", true));
}

static bool lookup(void *of, struct arena *arena, uint32_t index, struct value *out)
{
	struct test *t = of;

	(void)arena;
	if (index >= t->variables || !t->bound[index])
		return false;
	*out = t->values[index];
	return true;
}

/* ---- Comparing ---- */

static bool same(struct value a, struct value b);

static bool same_list(struct value a, struct value b)
{
	for (uint32_t i = 0; i < a.n; i++) {
		if (!same(a.items[i], b.items[i]))
			return false;
	}
	return true;
}

static bool same_map(struct value a, struct value b)
{
	for (uint32_t i = 0; i < a.n; i++) {
		const struct value *other = value_get_value(b, a.pairs[i].key);

		if (other == NULL || !same(a.pairs[i].val, *other))
			return false;
	}
	return true;
}

static bool same(struct value a, struct value b)
{
	if (a.kind != b.kind)
		return false;
	if (a.kind == VALUE_LIST)
		return a.n == b.n && same_list(a, b);
	if (a.kind == VALUE_MAP)
		return a.n == b.n && same_map(a, b);
	if (a.kind == VALUE_DOUBLE && isnan(a.d))
		return isnan(b.d);
	if (a.kind == VALUE_DOUBLE && signbit(a.d) != signbit(b.d))
		return false;
	return value_equal(a, b);
}

static void show(struct buf *out, struct value v)
{
	if (v.kind == VALUE_ERROR) {
		buf_printf(out, "the error \"%.*s\"", TEXT_ARG(value_as_text(v)));
		return;
	}
	buf_printf(out, "%s ", value_kind_name((enum value_kind)v.kind));
	value_write(out, v);
}

/* ---- One case ---- */

/* Whether an error that says `what` is the one wanted; see I4. */
static bool error_fits(struct text wanted, struct text what)
{
	static const char *const words[] = { "undeclared", "unbound", "unknown" };

	if (!text_starts(what, TEXT("unknown ")))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_find(wanted, text_of(words[i])) != SIZE_MAX)
			return true;
	}
	return false;
}

static bool judge_refused(struct test *t, const struct cel_issue *issue)
{
	struct value error = member(member(t->line, "want"), "error");

	if (error.kind == VALUE_TEXT && issue->parsed &&
	    error_fits(value_as_text(error), text_of(issue->what)))
		return true;
	buf_printf(&t->why, "refused: %s", issue->what);
	return false;
}

static bool judge_value(struct test *t, struct value got)
{
	struct value want = member(t->line, "want"), error = member(want, "error");

	if (error.kind == VALUE_TEXT && got.kind == VALUE_ERROR &&
	    error_fits(value_as_text(error), value_as_text(got)))
		return true;
	if (error.kind != VALUE_TEXT && same(got, plain(t->arena, member(want, "value"))))
		return true;
	show(&t->why, got);
	buf_str(&t->why, ", wanted ");
	if (error.kind == VALUE_TEXT)
		buf_printf(&t->why, "the error \"%.*s\"", TEXT_ARG(value_as_text(error)));
	else
		show(&t->why, plain(t->arena, member(want, "value")));
	return false;
}

/* The name before the parts: "list" of "list(int)"; *parts is what follows it. */
static struct text type_head(struct text type, struct text *parts)
{
	size_t n = 0;

	while (n < type.n && type.s[n] != '(' && type.s[n] != ',' && type.s[n] != ')')
		n++;
	*parts = (struct text){ type.s + n, type.n - n };
	return (struct text){ type.s, n };
}

/* The type at the start of `t`, with all its parts. */
static struct text first_type(struct text t)
{
	size_t n = 0;
	int depth = 0;

	for (; n < t.n; n++) {
		if (depth == 0 && (t.s[n] == ',' || t.s[n] == ')'))
			break;
		depth += t.s[n] == '(' ? 1 : t.s[n] == ')' ? -1 : 0;
	}
	return (struct text){ t.s, n };
}

static struct text behind(struct text t, size_t n)
{
	return (struct text){ t.s + n, t.n - n };
}

static bool types_agree(struct text a, struct text b);

/* "(string, int)" and the like; no parts agree with any. */
static bool parts_agree(struct text a, struct text b)
{
	while (a.n > 1 && b.n > 1) {
		struct text x, y;

		a = text_trim(behind(a, 1));
		b = text_trim(behind(b, 1));
		x = first_type(a);
		y = first_type(b);
		if (!types_agree(x, y))
			return false;
		a = behind(a, x.n);
		b = behind(b, y.n);
	}
	return true;
}

/* dyn agrees with everything. */
static bool types_agree(struct text a, struct text b)
{
	struct text of_a, of_b, head_a = type_head(a, &of_a), head_b = type_head(b, &of_b);

	if (text_is(head_a, "dyn") || text_is(head_b, "dyn"))
		return true;
	return text_eq(head_a, head_b) && parts_agree(of_a, of_b);
}

/* What the checker says: the type wanted exactly; else none that contradicts
 * cel-go's. */
static bool judge_type(struct test *t, const struct cel_program *program)
{
	struct text got = cel_program_type_text(program);
	struct value wanted = member(member(t->line, "want"), "type");
	struct value go = member(t->line, "type");

	if (wanted.kind == VALUE_TEXT
		? text_eq(got, value_as_text(wanted))
		: go.kind != VALUE_TEXT || types_agree(got, value_as_text(go)))
		return true;
	if (wanted.kind != VALUE_TEXT)
		wanted = go;
	buf_printf(&t->why, "its type is %.*s, wanted %.*s", TEXT_ARG(got),
		   TEXT_ARG(value_as_text(wanted)));
	return false;
}

/* parse(print(tree)) == tree, whatever the case is about. */
static bool survives_printing(struct test *t)
{
	struct buf out;
	const char *lost;

	buf_init(&out, MIB);
	lost = tree_lost(t->arena, &out, value_as_text(member(t->line, "expr")),
			 flag(t->line, "macros", true));
	if (lost != NULL)
		buf_printf(&t->why, "printed as another expression: %s", lost);
	buf_fini(&out);
	return lost == NULL;
}

static bool passes(struct test *t)
{
	const struct cel_program *program;
	struct cel_vars vars = { lookup, t };
	struct cel_issue issue;
	struct value want = member(t->line, "want");

	declare_variables(t);
	declare_functions(t);
	switches(t);
	if (cel_compile(t->env, t->arena, value_as_text(member(t->line, "expr")), &program,
			&issue) != FATE_OK)
		return judge_refused(t, &issue);
	if (flag(t->line, "check", true) && !judge_type(t, program))
		return false;
	if (value_get(want, TEXT("value")) == NULL && value_get(want, TEXT("error")) == NULL &&
	    value_get(t->line, TEXT("out")) == NULL)
		return true; /* only the type is wanted */
	return judge_value(t, cel_eval(program, t->arena, &vars));
}

static void report(struct test *t)
{
	struct value out = member(t->line, "out");
	struct text name = value_as_text(member(t->line, "name"));
	bool printed = survives_printing(t), good = passes(t) && printed;

	if (out.kind == VALUE_TEXT && printed)
		printf("out\t%.*s\t%.*s\n", TEXT_ARG(name), TEXT_ARG(value_as_text(out)));
	else if (good)
		printf("pass\t%.*s\t\n", TEXT_ARG(name));
	else
		printf("FAIL\t%.*s\t%s\n", TEXT_ARG(name), buf_cstr(&t->why));
}

static bool run_line(struct json_parser *parser, struct text line)
{
	AUTO(arena_free) struct arena *arena = arena_new("case", ARENA_BUDGET);
	struct test t = { .arena = arena, .env = cel_env_new(arena) };
	struct json_error error;

	if (json_parse(parser, arena, line, &t.line, &error) != FATE_OK) {
		fprintf(stderr, "conformance-run: %s: %.*s\n", error.what, TEXT_ARG(line));
		return false;
	}
	buf_init(&t.why, MIB);
	/* A crash must show at which case. */
	fprintf(stderr, "%.*s\n", TEXT_ARG(value_as_text(member(t.line, "name"))));
	report(&t);
	buf_fini(&t.why);
	return true;
}

int main(int argc, char **argv)
{
	struct json_parser *parser = json_parser_new();
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	bool good = true;

	if (in == NULL) {
		fprintf(stderr, "usage: conformance-run CASES.jsonl\n");
		return 2;
	}
	while ((n = getline(&line, &room, in)) > 0)
		good = run_line(parser, text_trim((struct text){ line, (size_t)n })) && good;
	free(line);
	fclose(in);
	json_parser_free(parser);
	return good ? 0 : 1;
}
