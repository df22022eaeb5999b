/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions that mean harm or come out of a shredder: bounds of the parser,
 * the evaluation's budget, truncated and random texts; and constant paths. */
#include <stdio.h>

#include "tests/unit/test_cel_world.h"

static struct cel_world world;
static struct buf expr;

static void setup(void)
{
	world_init(&world);
	buf_init(&expr, MIB);
}

static void teardown(void)
{
	buf_fini(&expr);
	world_fini(&world);
}

/* before repeated n times, middle, after repeated n times */
static const char *repeated(const char *before, const char *middle, const char *after, int n)
{
	buf_clear(&expr);
	for (int i = 0; i < n; i++)
		buf_str(&expr, before);
	buf_str(&expr, middle);
	for (int i = 0; i < n; i++)
		buf_str(&expr, after);
	return world_eval_n(&world, buf_view(&expr));
}

static void is(const char *got, const char *want)
{
	ck_assert_msg(world_is(got, want), "%.200s instead of %s", got, want);
}

START_TEST(nesting_is_bounded)
{
	is(repeated("(", "1", ")", 60), "1");
	is(repeated("(", "1", ")", 65), "?nested more than 64 deep");
	is(repeated("(", "1", ")", 8000), "?nested more than 64 deep");
	is(repeated("(", "", "", 16384), "?nested more than 64 deep");
	is(repeated("[", "", "]", 100), "?nested more than 64 deep");
	is(repeated("{1:", "1", "}", 100), "?nested more than 64 deep");
	is(repeated("size(", "1", ")", 100), "?nested more than 64 deep");
	is(repeated("data[", "1", "]", 100), "?nested more than 64 deep");
	is(repeated("true ? ", "1", " : 2", 100), "?nested more than 64 deep");
	is(repeated("[1].map(x, ", "1", ")", 100), "?nested more than 64 deep");
	is(repeated("!", "true", "", 64), "true");
	is(repeated("!", "true", "", 65), "?more than 64 signs");
	is(repeated("-", "data", "", 10000), "?more than 64 signs");
	is(repeated("[1].map(x, ", "7", ")[0]", 20), "7");
}
END_TEST

START_TEST(chains_are_long)
{
	is(repeated("data.over_budget && ", "true", "", 200), "true");
	is(repeated("data.over_budget && ", "true", "", 800), "true");
	is(repeated("data.x == 1 || ", "true", "", 200), "true");
	is(repeated("data.x == 1 || data.over_budget && ", "true", "", 200), "true");
	is(repeated("", "data.price_in_cents", " + 1", 400), "500");
	is(repeated("", "1", " + 1", 600), "?a chain of more than 512");
	is(repeated("", "data", ".a", 600), "?a chain of more than 512");
	is(repeated("", "data", "[0]", 600), "?a chain of more than 512");
	is(repeated("", "data", ".a", 400), "!no such key: a");
	is(repeated("false ? 1 : ", "2", "", 400), "2");
	is(repeated("false ? 1 : ", "2", "", 1000), "?a chain of more than 512");
	is(repeated("1 < ", "2", "", 3), "?no such overload: bool < int");
}
END_TEST

START_TEST(size_is_bounded)
{
	is(repeated("[1, ", "1", "", 5000), "?the expression is longer than 16384 bytes");
	is(repeated(" ", "1", " ", 8000), "1");
	ck_assert_int_eq(repeated("", "'x'", "+'xxxxxxxxxxxxxxxxxxxx'", 500)[0], '"');
	buf_clear(&expr);
	buf_char(&expr, '[');
	for (int i = 0; i < 4000; i++)
		buf_str(&expr, "1,");
	buf_str(&expr, "2].size()");
	is(world_eval_n(&world, buf_view(&expr)), "4001");
	buf_cut(&expr, expr.n - strlen("2].size()"));
	for (int i = 0; i < 100; i++)
		buf_str(&expr, "1,");
	buf_str(&expr, "1]");
	is(world_eval_n(&world, buf_view(&expr)), "?the expression has more than 4096 parts");
}
END_TEST

START_TEST(variables_are_bounded)
{
	struct cel_env *env = cel_env_new(world.arena);
	const struct cel_program *p;
	struct cel_issue issue;

	buf_clear(&expr);
	for (int i = 0; i < 65; i++) {
		struct text name = text_printf(world.arena, "v%d", i);

		cel_env_variable(env, name.s, CEL_DYN);
		buf_printf(&expr, "%sv%d", i > 0 ? " || " : "", i);
	}
	ck_assert_int_eq(cel_compile(env, world.arena, buf_view(&expr), &p, &issue), FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(issue.what, "reads more than 64 variables"));
}
END_TEST

static const char list_of_ten[] = "[0,1,2,3,4,5,6,7,8,9]";

/* loops nested n deep over ten elements each, around `body` */
static const char *nested_loops(const char *macro, int n, const char *body)
{
	buf_clear(&expr);
	for (int i = 0; i < n; i++)
		buf_printf(&expr,
			   "data.tags.map(t, data.id).filter(q, true).size() >= 0 && "
			   "%s.%s(x%d, ",
			   list_of_ten, macro, i);
	buf_str(&expr, body);
	for (int i = 0; i < n; i++)
		buf_char(&expr, ')');
	return world_eval_n(&world, buf_view(&expr));
}

START_TEST(evaluation_is_budgeted)
{
	is(nested_loops("all", 2, "true"), "true");
	is(nested_loops("all", 7, "true"), "!the evaluation takes too many steps");
	is(nested_loops("exists", 8, "false"), "!the evaluation takes too many steps");
	/* Nothing absorbs a spent budget. */
	buf_clear(&expr);
	buf_str(&expr, "default(");
	for (int i = 0; i < 6; i++)
		buf_printf(&expr, "%s.map(x%d, ", list_of_ten, i);
	buf_str(&expr, "data.id)))))), 1) == 1 || true");
	is(world_eval_n(&world, buf_view(&expr)), "!the evaluation takes too many steps");
}
END_TEST

START_TEST(constant_work_is_not_done_when_compiling)
{
	buf_clear(&expr);
	for (int i = 0; i < 8; i++)
		buf_printf(&expr, "%s.all(x%d, ", list_of_ten, i);
	buf_str(&expr, "x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 >= 0))))))))");
	is(world_eval_n(&world, buf_view(&expr)), "!the evaluation takes too many steps");
}
END_TEST

/* A list of n numbers, or a text of n bytes, under data. */
static void large_data(uint32_t n)
{
	struct value_map_builder map;
	struct value_list_builder list;
	char *s = arena_alloc(world.arena, n);

	ck_assert_ptr_nonnull(s);
	memset(s, 'a', n);
	value_list_begin(&list, world.arena);
	for (uint32_t i = 0; i < n; i++)
		value_list_add(&list, value_int(i));
	value_map_begin(&map, world.arena);
	value_map_set(&map, "list", value_list_end(&list));
	value_map_set(&map, "text", value_text((struct text){ s, n }));
	world.data = value_map_end(&map);
}

/* Cheap to make, as each level holds the one before twice. */
START_TEST(results_are_bounded)
{
	ck_assert(text_starts(text_of(repeated("", "data.tags", ".map(x, [x, x])", 10)),
			      TEXT("[[[[[[[[[[[\"a\"")));
	is(repeated("", "data.tags", ".map(x, [x, x])", 60), "!the result has too many parts");
	is(repeated("cel.bind(x, ", "data.tags", ", {1: x, 2: x})", 60),
	   "!the result has too many parts");
	is(repeated("cel.bind(x, ", "data.tags", ", optional.of([x, x]))", 60),
	   "!the result has too many parts");
	is(repeated("", "[1]", ".map(x, [x, x])", 60), "!the result has too many parts");
}
END_TEST

START_TEST(large_data_costs)
{
	static const struct world_row rows[] = {
		{ "data.list.size()", "50000" },
		{ "data.text.size()", "50000" },
		{ "data.list.exists(x, x == 20000)", "true" },
		{ "49999 in data.list", "true" },
		{ "data.list == data.list", "true" },
		{ "data.list.all(x, data.list == data.list)", "!too many steps" },
		{ "data.list.exists(x, -1 in data.list)", "!too many steps" },
		{ "data.list.exists(x, data.text.contains('b'))", "!too many steps" },
		{ "data.list.exists(x, data.text.matches('(a|aa)+b'))", "!too many steps" },
		{ "data.list.exists(x, data.text.matches(string(x)))", "!too many steps" },
		{ "data.list.exists(x, data.text + data.text == 'x')", "!too many steps" },
		{ "data.list.exists(x, data.list + data.list == [])", "!too many steps" },
		{ "data.list.exists(x, size(data.text) == x)", "!too many steps" },
		{ "data.list.exists(x, data.text < data.text)", "!too many steps" },
		{ "data.list.exists(x, data.nosuch == x)", "!too many steps" },
		{ "data.list.exists(x, x.y)", "!too many steps" },
		{ "data.list.map(x, data.list.map(y, [x, y]))", "!too many steps" },
		{ "data.list.exists(x, timestamp(0).getHours('Europe/' + string(x)) == 1)",
		  "!too many steps" },
		{ "data.text.matches('^(a+)+$')", "true" },
		{ "data.text.matches('(a?){50}a{50}$')", "true" },
		{ NULL, NULL },
	};

	large_data(50000);
	world_check(&world, rows);
}
END_TEST

START_TEST(a_spent_arena_is_an_error)
{
	struct arena *small = arena_new("small", 64 * KIB);
	struct cel_vars vars = { world_lookup, &world };
	const struct cel_program *p;
	struct cel_issue issue;
	struct value v;

	large_data(50000);
	ck_assert_int_eq(
	    cel_compile(world.env, world.arena, TEXT("data.list.map(x, x)"), &p, &issue), FATE_OK);
	v = cel_eval(p, small, &vars);
	ck_assert(value_is(v, VALUE_ERROR));
	is(world_show(&world, v), "!too much memory");
	ck_assert_int_eq(cel_compile(world.env, small, TEXT("data.x == 1"), &p, &issue),
			 FATE_REJECT);
	ck_assert_ptr_null(p);
	arena_free(small);
}
END_TEST

START_TEST(compiling_fits_any_budget_or_says_so)
{
	static const char text[] =
	    "data.a.b == 'x' && data.tags.exists(t, t.matches('^a+$')) || event.time > "
	    "timestamp('2024-01-01T00:00:00Z') && event.time.getHours('Europe/Berlin') in [1, 2]";
	int refused = 0, made = 0;

	for (size_t budget = 0; budget < 4096; budget += 16) {
		struct arena *arena = arena_new("budget", budget);
		const struct cel_program *p;
		struct cel_issue issue;

		if (cel_compile(world.env, arena, TEXT(text), &p, &issue) == FATE_OK)
			made++;
		else
			refused++;
		arena_free(arena);
	}
	ck_assert_int_gt(refused, 0);
	ck_assert_int_gt(made, 0);
}
END_TEST

static const char *const seeds[] = {
	"data.stage == 'project' && data.percent >= 100.0 || !has(data.x) ? 1 : [2, 3u][0]",
	"[1, 2].map(x, x > 1, x * 2).exists_one(y, y in {1: '\\u00fc', 'a': b'\\xff'})",
	"default(data.a[\"b\"].`c d`, r'\\d') + '''x''' // end",
	"timestamp('2009-02-13T23:31:30Z').getHours('Europe/Berlin') - -0x1f % 7",
	"changed('a.b') && size(data.tags) <= 5 && data.title.matches('^[a-z]+$')",
};

START_TEST(truncated_at_every_byte)
{
	for (size_t s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++) {
		size_t n = strlen(seeds[s]);

		for (size_t i = 0; i <= n; i++) {
			/* An exact copy, so that a read beyond the end is seen. */
			char *copy = malloc(i > 0 ? i : 1);

			ck_assert_ptr_nonnull(copy);
			memcpy(copy, seeds[s], i);
			world_eval_n(&world, (struct text){ copy, i });
			free(copy);
		}
		ck_assert_int_ne(world_eval(&world, seeds[s])[0], '?');
	}
}
END_TEST

static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

START_TEST(mutations)
{
	static const char alphabet[] = "()[]{}.,:?!-+*/%<>=&|'\"\\`rbux0129eE \n\tdataxsize_#$@;";
	uint64_t state = 42;

	for (int round = 0; round < 20000; round++) {
		const char *seed = seeds[next_random(&state) % 5];
		size_t n = strlen(seed);
		char text[256];

		ck_assert_uint_lt(n, sizeof(text));
		memcpy(text, seed, n);
		for (uint32_t k = next_random(&state) % 4 + 1; k > 0; k--)
			text[next_random(&state) % n] =
			    alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
		world_eval_n(&world, (struct text){ text, n });
		if (round % 100 == 0) {
			world_fini(&world);
			world_init(&world);
		}
	}
}
END_TEST

START_TEST(random_bytes)
{
	uint64_t state = 7;

	for (int round = 0; round < 20000; round++) {
		size_t n = next_random(&state) % 60;
		unsigned mask = round % 2 == 0 ? 0x7f : 0xff;
		char text[64];

		for (size_t i = 0; i < n; i++)
			text[i] = (char)(next_random(&state) & mask);
		world_eval_n(&world, (struct text){ text, n });
		if (round % 1000 == 0) {
			world_fini(&world);
			world_init(&world);
		}
	}
}
END_TEST

/* ---- Paths ---- */

static void collect(void *of, struct text path)
{
	buf_printf(of, "[%.*s]", TEXT_ARG(path));
}

static const char *paths(const char *text, const char *name)
{
	const struct cel_program *p;
	struct cel_issue issue;

	ck_assert_msg(cel_compile(world.env, world.arena, text_of(text), &p, &issue) == FATE_OK,
		      "%s: %s", text, issue.what);
	buf_clear(&expr);
	cel_program_paths(p, name, collect, &expr);
	return buf_cstr(&expr);
}

/* Errors show a part of what is wrong; where they cut it is no middle of a
 * character (test_cel_world.h asserts that). */
START_TEST(errors_are_cut_between_characters)
{
	static const char *const before[] = { "timestamp('",           "duration('", "int('",
					      "event.time.getHours('", "vars['",     "data['" };
	static const char *const after[] = { "')", "')", "')", "')", "']", "'].x" };

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		for (int pad = 0; pad < 4; pad++) {
			char start[64];

			snprintf(start, sizeof(start), "%s%.*s", before[i], pad, "aaaa");
			buf_clear(&expr);
			buf_str(&expr, start);
			for (int n = 0; n < 120; n++)
				buf_str(&expr, "\xe2\x82\xac");
			buf_str(&expr, after[i]);
			ck_assert_ptr_nonnull(
			    strchr("!?", world_eval_n(&world, buf_view(&expr))[0]));
		}
	}
	is(repeated("data['", "\xf0\x9f\x98\x80", "']", 1), "!no such");
}
END_TEST

START_TEST(paths_that_are_read)
{
	static const struct {
		const char *text, *name, *want;
	} rows[] = {
		{ "data.a", "data", "[a]" },
		{ "data.a.b.c == 1", "data", "[a.b.c]" },
		{ "data['a'].b", "data", "[a.b]" },
		{ "data.a && data.a && data.b", "data", "[a][b]" },
		{ "has(data.a.b)", "data", "[a.b]" },
		{ "data == before", "data", "[]" },
		{ "data[event.type]", "data", "[]" },
		{ "data[event.type]", "event", "[type]" },
		{ "data.a[data.b].c", "data", "[b][a]" },
		{ "data.a[0].c", "data", "[a]" },
		{ "data['a.b'].c", "data", "[]" },
		{ "data.a['b.c'].d", "data", "[a]" },
		{ "data.a[''].d", "data", "[a]" },
		{ "data.items.all(i, i.done && data.x)", "data", "[items][x]" },
		{ "data.map(data, data.x)", "data", "[]" },
		{ "false && data.x", "data", "[x]" },
		{ "default(data.lead.name, 'x')", "data", "[lead.name]" },
		{ "changed('status.key')", "data", "[status.key]" },
		{ "changed('status.key')", "before", "" },
		{ "rose_past('a', data.b)", "data", "[a][b]" },
		{ "changed(vars.p)", "data", "[]" },
		{ "[data.a, {'k': data.b}, data.c ? data.d : -data.e]", "data", "[a][b][c][d][e]" },
		{ "raw(data.a)[data.b].c", "data", "[b][a]" },
		{ "size(data.a) > 1 && data.b in data.c", "data", "[a][b][c]" },
		{ "1 + 1", "data", "" },
		{ "data.a && event.type == 'x' && data.b", NULL, "[data][event]" },
		{ "changed('a') && before.x", NULL, "[before]" },
		{ "[1].map(data, data)", NULL, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(strcmp(paths(rows[i].text, rows[i].name), rows[i].want) == 0,
			      "%s: %s instead of %s", rows[i].text, buf_cstr(&expr), rows[i].want);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_hostile");
	TCase *tc = tcase_create("cel_hostile");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nesting_is_bounded);
	tcase_add_test(tc, chains_are_long);
	tcase_add_test(tc, size_is_bounded);
	tcase_add_test(tc, variables_are_bounded);
	tcase_add_test(tc, evaluation_is_budgeted);
	tcase_add_test(tc, constant_work_is_not_done_when_compiling);
	tcase_add_test(tc, results_are_bounded);
	tcase_add_test(tc, large_data_costs);
	tcase_add_test(tc, a_spent_arena_is_an_error);
	tcase_add_test(tc, compiling_fits_any_budget_or_says_so);
	tcase_add_test(tc, truncated_at_every_byte);
	tcase_add_test(tc, mutations);
	tcase_add_test(tc, random_bytes);
	tcase_add_test(tc, errors_are_cut_between_characters);
	tcase_add_test(tc, paths_that_are_read);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
