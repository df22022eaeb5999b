/* SPDX-License-Identifier: Apache-2.0
 *
 * Optional values, and macros that bind names: with two variables, to values, in
 * blocks. */
#include "tests/unit/test_cel_world.h"

#include "engine/cel/shape.h"

static struct cel_world world;

static void setup(void)
{
	world_init(&world);
}

static void teardown(void)
{
	world_fini(&world);
}

START_TEST(optionals)
{
	static const struct world_row rows[] = {
		{ "data.?title.hasValue()", "true" },
		{ "data.?title.value()", "\"Acme\"" },
		{ "data.?absent.hasValue()", "false" },
		{ "data.?absent.value()", "!the optional has no value" },
		{ "data.?absent.orValue('x')", "\"x\"" },
		{ "data.?title.orValue('x')", "\"Acme\"" },
		{ "data.?nothing.hasValue()", "true" },
		{ "data.?status.key.orValue(0)", "305" },
		{ "data.?status.absent.orValue(0)", "0" },
		{ "data.?absent.key.deeper[0].orValue(0)", "0" },
		{ "data.?status.?key.orValue(0)", "305" },
		{ "data.?nothing.key", "!no such overload: null_type[?string]" },
		{ "data.absent.?key", "!no such key: absent" },
		{ "data.?`with-dash`.orValue(0)", "1" },
		{ "data.?package.orValue('')", "\"p\"" },
		{ "data.tags[?0].orValue('')", "\"a\"" },
		{ "data.tags[?3].orValue('-')", "\"-\"" },
		{ "data.tags[?-1].orValue('-')", "\"-\"" },
		{ "data.tags[?'a'].orValue('-')", "!no such overload: list[?string]" },
		{ "data.tags.?a", "!no such overload: list[?string]" },
		{ "data.title[?0]", "!no such overload: string[?int]" },
		{ "data[?'title'].orValue('')", "\"Acme\"" },
		{ "data[?1.5].hasValue()", "false" },
		{ "data[?data.tags]", "!no such overload: map[?list]" },
		{ "{1: 'a'}[?1u].value()", "\"a\"" },
		{ "has(data.?status.key)", "true" },
		{ "has(data.?status.absent)", "false" },
		{ "has(data.?absent.key)", "false" },
		{ "has(data.?nothing.key)", "!no such overload" },
		{ "optional.of(null).hasValue()", "true" },
		{ "optional.ofNonZeroValue(null).hasValue()", "false" },
		{ "[0, 0u, 0.0, '', b'', false, [], {}, duration('0s'), timestamp(0), "
		  "optional.none()].exists(x, optional.ofNonZeroValue(x).hasValue())",
		  "false" },
		{ "[1, 1u, -1.0, 'a', b'a', true, [0], {0: 0}, duration('1s'), timestamp(1), int]"
		  ".all(x, optional.ofNonZeroValue(x).hasValue())",
		  "true" },
		{ "optional.none().or(optional.of(2)).value()", "2" },
		{ "optional.of(1).or(fails() ? optional.none() : optional.none()).value()", "1" },
		{ "optional.of(1).orValue(data.absent)", "1" },
		{ "optional.none().orValue(data.absent)", "!no such key: absent" },
		{ "optional.none().or(dyn(1))", "!or() takes an optional" },
		{ "dyn(1).orValue(1)", "!or() and orValue() are of an optional" },
		{ "dyn(1).hasValue()", "!no such overload" },
		{ "fails() ? optional.of(1) : optional.none()", "!the host says no" },
		{ "optional.of(1) == optional.of(1.0)", "true" },
		{ "optional.of(1) == optional.none()", "false" },
		{ "optional.none() == optional.none()", "true" },
		{ "optional.of(optional.none()) == optional.none()", "false" },
		{ "dyn(optional.of(1)) == 1", "false" },
		{ "type(optional.none()) == optional_type", "true" },
		{ "optional.of({'a': 1}).a.value()", "1" },
		{ "optional.of({'a': 1})['a'].value()", "1" },
		{ "optional.of({'a': 1}).b.hasValue()", "false" },
		{ "optional.none()[0].hasValue()", "false" },
		{ "optional.of([7])[0].value()", "7" },
		{ "[?data.?title, ?data.?absent, 1]", "[\"Acme\",1]" },
		{ "[?optional.none()]", "[]" },
		{ "[?data.title]", "!? needs an optional" },
		{ "{?'a': data.?title, ?'b': data.?absent, 'c': 1}", "{\"a\":\"Acme\",\"c\":1}" },
		{ "{?'a': optional.of(1), 'a': 2}", "!a map's key stands twice" },
		{ "{?'a': optional.none(), 'a': 2}", "{\"a\":2}" },
		{ "{?'a': data.title}", "!? needs an optional" },
		{ "optional.of(2).optMap(x, x + 1).value()", "3" },
		{ "optional.none().optMap(x, fails()).hasValue()", "false" },
		{ "data.?status.optMap(s, s.key).orValue(0)", "305" },
		{ "data.?status.optFlatMap(s, s.?absent).hasValue()", "false" },
		{ "dyn(1).optMap(x, x)", "!the macro is for an optional, not int" },
		{ "optional.of(1).optFlatMap(x, dyn(x))",
		  "!optFlatMap() makes an optional, not int" },
		{ "[1, 2].first().value() + [1, 2].last().value()", "3" },
		{ "data.tags.filter(x, false).first().hasValue()", "false" },
		{ "[].last().hasValue()", "false" },
		{ "[optional.of(1), optional.none()].unwrapOpt()", "[1]" },
		{ "optional.unwrap([optional.of(1)])", "[1]" },
		{ "optional.unwrap([1])", "!the list holds int" },
		{ "optional.of(5)", "5" },
		{ "optional.none()", "null" },
		{ "default(data.?absent, 1) == optional.none()", "true" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(optionals_refused)
{
	static const struct world_row rows[] = {
		{ "data?.title", "?unexpected \"?.\" | write a.?b" },
		{ "data.?title()", "?unexpected \"(\"" },
		{ "data.?1", "?expected a field's name" },
		{ "[?]", "?expected a value" },
		{ "{?}", "?expected a value" },
		{ "size(?data.x)", "?unexpected \"?\"" },
		{ "data[?]", "?expected a value" },
		{ "?data", "?unexpected \"?\"" },
		{ "has(data.?title)", "?has() takes a field selection" },
		{ "'a'.?b", "?string can't be indexed" },
		{ "[1][?'a']", "?a list's index is an int" },
		{ "[?1]", "?needs an optional behind it, not int | leave out the question mark" },
		{ "{?1: 2}", "?needs an optional behind it, not int" },
		{ "optional.of(1) + 1", "?no such overload: optional_type + int" },
		{ "optional.of(1) == 1", "?no such overload: optional_type == int" },
		{ "optional.of(1).or(2)", "?no such overload: or(optional_type, int)" },
		{ "(1).orValue(2)", "?no such overload: orValue(int, int)" },
		{ "optional.off(1)", "?unknown function \"off\" | did you mean \"optional.of\"?" },
		{ "optional", "?unknown name \"optional\"" },
		{ "(1).optMap(x, x)", "?the macro is for an optional, not int" },
		{ "optional.of(1).optFlatMap(x, 1)", "?optFlatMap() makes an optional, not int" },
		{ "optional.of(1).optMap(1, 1)",
		  "?the first argument of optMap() is a plain name" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(two_variables)
{
	static const struct world_row rows[] = {
		{ "[1, 2].all(i, v, v == i + 1)", "true" },
		{ "data.tags.exists(i, v, i == 1 && v == 'b')", "true" },
		{ "data.tags.exists_one(i, v, i > 0)", "false" },
		{ "data.tags.existsOne(i, v, i > 1)", "true" },
		{ "data.status.exists(k, v, k == 'key' && v == 305)", "true" },
		{ "data.status.all(k, v, has(data.status.name))", "true" },
		{ "[1, 2].all(i, v, fails())", "!the host says no" },
		{ "[1, 2].exists(i, v, fails() || i == 1)", "true" },
		{ "[5, 6].transformList(i, v, v * 10 + i)", "[50,61]" },
		{ "[5, 6].transformList(i, v, i > 0, v)", "[6]" },
		{ "{'a': 1, 'b': 2}.transformList(k, v, k + string(v))", "[\"a1\",\"b2\"]" },
		{ "[5, 6].transformMap(i, v, v + i)", "{\"0\":5,\"1\":7}" },
		{ "data.status.transformMap(k, v, k == 'key', v)", "{\"key\":305}" },
		{ "{'a': 1}.transformMapEntry(k, v, {v: k})", "{\"1\":\"a\"}" },
		{ "['a', 'b'].transformMapEntry(i, v, i == 1, {v: i})", "{\"b\":1}" },
		{ "[1, 2].transformMapEntry(i, v, {'k': v})",
		  "!a key of transformMapEntry() comes twice" },
		{ "[1].transformMapEntry(i, v, {})", "{}" },
		{ "[1].transformMapEntry(i, v, dyn(v))",
		  "!transformMapEntry() makes maps, not int" },
		{ "[[1, 2], [3]].transformList(i, v, v.transformList(j, w, [i, j, w]))",
		  "[[[0,0,1],[0,1,2]],[[1,0,3]]]" },
		{ "[[7]].transformList(i, v, v.map(w, [i, w]))", "[[[0,7]]]" },
		{ "data.title.all(i, v, true)", "!goes over a list or a map" },
		{ "[1].all(i, v, dyn(i))", "!the condition of a macro needs a bool" },
		{ "[1].all(v, v, true)", "?the two names of all() are the same" },
		{ "[1].all(1, v, true)", "?the first argument of all() is a plain name" },
		{ "[1].all(i, .v, true)", "?the second argument of all() is a plain name" },
		{ "[1].transformMap(i, v)", "?wrong arguments for \"transformMap\" | write map." },
		{ "[1].transformMapEntry(i, v, 1)", "?transformMapEntry() makes maps, not int" },
		{ "[1].filter(i, v, true)", "?wrong arguments for \"filter\"" },
		{ "[1].all(i, v, i == 'a')", "?no such overload: int == string" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(bindings)
{
	static const struct world_row rows[] = {
		{ "cel.bind(x, 2, x * x)", "4" },
		{ "cel.bind(x, data.status, x.key + size(x.name))", "308" },
		{ "cel.bind(x, 1, cel.bind(y, x + 1, [x, y]))", "[1,2]" },
		{ "cel.bind(x, 1, cel.bind(x, x + 1, x))", "2" },
		{ "cel.bind(x, 1, [10, 20].map(y, y + x))", "[11,21]" },
		{ "[10, 20].map(y, cel.bind(x, y + 1, x))", "[11,21]" },
		{ "cel.bind(data, {'title': 'mine'}, data.title)", "\"mine\"" },
		{ "cel.bind(x, data.absent, true)", "true" },
		{ "cel.bind(x, data.absent, x == 1 || true)", "true" },
		{ "cel.bind(x, data.absent, x == 1)", "!no such key: absent" },
		{ "cel.bind(x, data.absent, default(x, 7))", "7" },
		{ "cel.bind(x, 1, x + 'a')", "?no such overload: int + string" },
		{ "cel.bind(x, x, x)", "?unknown name \"x\"" },
		{ "cel.bind(1, 1, 1)",
		  "?the first argument of bind() is a plain name | write cel.bind(" },
		{ "cel.bind(x, 1)", "?wrong arguments for \"bind\" | write cel.bind(" },
		{ "data.bind(x, 1, x)", "?unknown function \"bind\"" },
		{ "cel.block([1, cel.index(0) + 1, cel.index(1) * 5], cel.index(2))", "10" },
		{ "cel.block([], 1)", "1" },
		{ "cel.block([data.absent], true)", "true" },
		{ "cel.block([data.absent], cel.index(0))", "!no such key: absent" },
		{ "cel.block([1], cel.block([2], cel.index(0)))", "2" },
		{ "cel.block([cel.index(1), 1], 1)", "?unknown name \"cel.index(1)\"" },
		{ "cel.block(data.tags, 1)", "?the first argument of block() is a list" },
		{ "cel.block([?data.?x], 1)", "?can't be left out" },
		{ "cel.index(0)", "?unknown name \"cel.index(0)\"" },
		{ "cel.index(-1)", "?index() takes small numbers" },
		{ "cel.index(99999999999)", "?index() takes small numbers" },
		{ "cel.index('a')", "?index() takes small numbers" },
		{ "[1, 2].map(cel.iterVar(0, 0), cel.iterVar(0, 0) + 1)", "[2,3]" },
		{ "[1].map(cel.iterVar(0, 0), [2].map(cel.iterVar(1, 0), [cel.iterVar(0, 0), "
		  "cel.iterVar(1, 0)]))",
		  "[[[1,2]]]" },
		{ "cel.bind(cel.accuVar(0, 1), 3, cel.accuVar(0, 1))", "3" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

/* ---- Bounds ---- */

START_TEST(bindings_are_bounded)
{
	struct buf expr;

	buf_init(&expr, MIB);
	/* As many values as there are slots, then one more. */
	for (int n = LIMIT_EXPR_LOCALS; n <= LIMIT_EXPR_LOCALS + 1; n++) {
		const char *got;

		buf_clear(&expr);
		buf_str(&expr, "cel.block([1");
		for (int i = 1; i < n; i++)
			buf_printf(&expr, ", cel.index(%d) + 1", i - 1);
		buf_printf(&expr, "], cel.index(%d))", n - 1);
		got = world_eval_n(&world, buf_view(&expr));
		ck_assert_msg(world_is(got, n == LIMIT_EXPR_LOCALS ? "128" : "?nested too deeply"),
			      "%.200s", got);
	}
	/* A value that is twice as large with each name, built from constants and compared. */
	buf_clear(&expr);
	for (int i = 0; i < 60; i++)
		buf_str(&expr, "cel.bind(x, ");
	buf_str(&expr, "[1, 1]");
	for (int i = 0; i < 60; i++)
		buf_str(&expr, ", [x, x])");
	buf_str(&expr, " == []");
	ck_assert_str_eq(world_eval_n(&world, buf_view(&expr)), "false");
	buf_fini(&expr);
}
END_TEST

START_TEST(loops_are_budgeted)
{
	static const char *const slow[] = {
		"R.map(a, R.map(b, R.map(c, R.all(d, e, d + a + b + c >= 0))))",
		"R.transformList(a,b,R.transformMap(c,d,R.transformMapEntry(e,f,{e: f + a + c})))",
		"R.map(a, R.map(b, R.map(c, cel.bind(x, a, optional.of(x).optMap(y, [y, y])))))",
		"R.map(a, R.map(b, R.map(c, [?optional.of(a), ?optional.none()])))",
		"default(R.map(a, R.map(b, R.map(c, cel.bind(x, [a].map(d, b), true)))), 1)",
	};
	struct buf expr;

	buf_init(&expr, MIB);
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		buf_clear(&expr);
		for (const char *s = slow[i]; *s != '\0'; s++) {
			if (*s == 'R')
				buf_str(&expr,
					"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,"
					"21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37]");
			else
				buf_char(&expr, *s);
		}
		ck_assert_msg(world_is(world_eval_n(&world, buf_view(&expr)), "!too many steps"),
			      "%s: %.200s", slow[i], world_eval_n(&world, buf_view(&expr)));
	}
	buf_fini(&expr);
}
END_TEST

/* ---- What others see of a program ---- */

static void collect(void *of, struct text path)
{
	buf_text(of, path);
	buf_char(of, ' ');
}

START_TEST(paths)
{
	static const char *const rows[][2] = {
		{ "data.?a.b.orValue(data[?'c'].d)", "a.b c.d " },
		{ "has(data.?a.b)", "a.b " },
		{ "data.tags[?data.n]", "n tags " },
		{ "[?data.?x]", "x " },
		{ "cel.bind(s, data.status, s.key)", "status " },
		{ "cel.block([data.a.b], cel.index(0).c)", "a.b " },
		{ "data.list.transformMap(i, v, v.x + data.y)", "list y " },
		{ "data.?a.optMap(x, x.b)", "a " },
	};
	const struct cel_program *program;
	struct cel_issue issue;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(
		    cel_compile(world.env, world.arena, text_of(rows[i][0]), &program, &issue),
		    FATE_OK);
		buf_clear(&world.out);
		cel_program_paths(program, "data", collect, &world.out);
		ck_assert_str_eq(buf_cstr(&world.out), rows[i][1]);
	}
}
END_TEST

/* Every part is reached once from the root, below its owner. */
static uint32_t count_parts(const struct cel_program *program, uint32_t at)
{
	struct cel_part part = cel_part(program, at);
	uint32_t n = 1;

	for (uint32_t i = 0; i < part.count; i++) {
		ck_assert_uint_lt(cel_operand(program, at, i), at);
		n += count_parts(program, cel_operand(program, at, i));
	}
	return n;
}

START_TEST(shapes)
{
	static const char *const exprs[] = {
		"data.?a[?0].or(data.b).orValue(1)",
		"[?data.?a, 1, {?'k': data.?b, 'c': 2}]",
		"cel.bind(x, data.a, cel.block([x, cel.index(0)], cel.index(1)))",
		"data.l.transformMapEntry(i, v, v > 1, {v: i})",
		"data.?a.optMap(x, x + 1)",
		"data.?a.optFlatMap(x, x.?b)",
		"nobody(data) || f(1)",
	};
	const struct cel_program *program;
	struct cel_issue issue;
	struct cel_part part;

	for (size_t i = 0; i < sizeof(exprs) / sizeof(exprs[0]); i++) {
		cel_env_checks(world.env, i + 1 < sizeof(exprs) / sizeof(exprs[0]));
		ck_assert_int_eq(
		    cel_compile(world.env, world.arena, text_of(exprs[i]), &program, &issue),
		    FATE_OK);
		ck_assert_uint_eq(count_parts(program, cel_root(program)), cel_parts(program));
	}
	cel_env_checks(world.env, true);
	cel_compile(world.env, world.arena, text_of("data.?a.orValue(1)"), &program, &issue);
	part = cel_part(program, cel_root(program));
	ck_assert_int_eq(part.code, CEL_CODE_EITHER);
	ck_assert(text_is(part.name, "orValue"));
	cel_compile(world.env, world.arena, text_of("data.l.all(i, v, i > v)"), &program, &issue);
	ck_assert_uint_eq(cel_part(program, cel_root(program)).slots, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_optionals");
	TCase *tc = tcase_create("cel_optionals");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, optionals);
	tcase_add_test(tc, optionals_refused);
	tcase_add_test(tc, two_variables);
	tcase_add_test(tc, bindings);
	tcase_add_test(tc, bindings_are_bounded);
	tcase_add_test(tc, loops_are_budgeted);
	tcase_add_test(tc, paths);
	tcase_add_test(tc, shapes);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
