/* SPDX-License-Identifier: Apache-2.0
 *
 * What the language has beyond plain expressions: containers, unchecked and
 * macroless environments, and the types that the checker deduces. */
#include "tests/unit/test_cel_world.h"

static struct cel_world world;

static void setup(void)
{
	world_init(&world);
}

static void teardown(void)
{
	world_fini(&world);
}

/* ---- Containers ---- */

static bool container_lookup(void *of, struct arena *arena, uint32_t index, struct value *out)
{
	(void)of;
	(void)arena;
	*out = value_int(index);
	return true;
}

static const char *within(const char *container, const char *expr)
{
	static const char *const names[] = { "y", "x.y", "x.z.y", "x", "a.b.c", "x.z.int" };
	const struct cel_vars vars = { container_lookup, NULL };
	struct cel_env *env = cel_env_new(world.arena);
	const struct cel_program *program;
	struct cel_issue issue;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cel_env_variable(env, names[i], CEL_DYN);
	cel_env_functions(env, world_functions);
	cel_env_container(env, container);
	if (cel_compile(env, world.arena, text_of(expr), &program, &issue) != FATE_OK) {
		buf_clear(&world.out);
		buf_printf(&world.out, "?%s", issue.what);
		return buf_cstr(&world.out);
	}
	return world_show(&world, cel_eval(program, world.arena, &vars));
}

START_TEST(containers)
{
	static const char *const rows[][3] = {
		{ "", "y", "0" },
		{ "", "x.y", "1" },
		{ "", ".x.y", "1" },
		{ "x", "y", "1" },
		{ "x", ".y", "0" },
		{ "x.z", "y", "2" },
		{ "x.z", "z.y", "2" },
		{ "x.z", ".y", "0" },
		{ "x.other", "y", "1" },
		{ "x.other.deep", "y", "1" },
		{ "other", "y", "0" },
		{ "a", "b.c", "4" },
		{ "a.b", "c", "4" },
		{ "x", "[7].map(y, y)[0]", "7" },
		{ "x", "[7].map(y, .y)[0]", "0" },
		{ "x.z", "int", "5" },
		{ "x", "type(1) == int", "true" },
		{ "google.protobuf", "type(timestamp(0)) == Timestamp", "true" },
		{ "google", "type(timestamp(0)) == protobuf.Timestamp", "true" },
		{ "x", "type(timestamp(0)) == .google.protobuf.Timestamp", "true" },
		{ "many", "args(3)", "3" },
		{ "many.more", "args(3)", "3" },
		{ "many", ".many.args(3)", "3" },
		{ "many", ".args(3)", "?unknown function \"args\"" },
		{ "x", "size([1])", "1" },
		{ "x", ".size([1])", "1" },
		{ "x", "unknown", "?unknown name \"unknown\"" },
		{ ".", "y", "0" },
		{ "x..z", "y", "1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = within(rows[i][0], rows[i][1]);

		ck_assert_msg(world_is(got, rows[i][2]), "%s in %s\n   gave %s\n wanted %s",
			      rows[i][1], rows[i][0], got, rows[i][2]);
	}
}
END_TEST

START_TEST(no_macros)
{
	static const struct world_row rows[] = {
		{ "has(data.id)", "?unknown function \"has\"" },
		{ "[1].all(x, x > 0)", "?unknown function \"all\"" },
		{ "default(data.id, 1)", "?unknown function \"default\"" },
		{ "size([1])", "1" },
		{ NULL, NULL },
	};

	cel_env_macros(world.env, false);
	world_check(&world, rows);
	cel_env_macros(world.env, true);
	ck_assert_str_eq(world_eval(&world, "has(data.id)"), "true");
}
END_TEST

START_TEST(no_checks)
{
	static const struct world_row rows[] = {
		{ "nobody", "!unknown name \"nobody\" (in nobody)" },
		{ "nobody || true", "true" },
		{ "nobody && false", "false" },
		{ "nobody.a.b[0] || true", "true" },
		{ "f(17)", "!unknown function \"f\"" },
		{ "f(17) || true", "true" },
		{ "nobody.f(nothing) || true", "true" },
		{ "false ? f() : 2", "2" },
		{ "size() || true", "true" },
		{ "size(1, 2)", "!size() takes 1 argument, not 2" },
		{ "size(1)", "!no such overload" },
		{ "1 == 'a'", "false" },
		{ "1 + 'a'", "!no such overload" },
		{ "1 + 'a' == 2 || true", "true" },
		{ "false && 32", "false" },
		{ "'horses' || true", "true" },
		{ "'a' && 'b'", "!&& needs a bool" },
		{ "'a' ? 1 : 2", "!?: needs a bool" },
		{ "!0", "!! needs a bool" },
		{ "-(5u)", "!no such overload" },
		{ "[1] < [2]", "!no such overload" },
		{ "null < null", "!no such overload" },
		{ "{null: 1}", "!a map's key" },
		{ "(1).a", "!no such field" },
		{ "[1].a", "!no such field" },
		{ "(1)[0]", "!no such overload" },
		{ "[1].all(x, x)", "!needs a bool" },
		{ "(1).all(x, true)", "!goes over a list" },
		{ "'a'.matches('(')", "!malformed" },
		{ "1 +", "?the expression ends" },
		{ "Message{}", "?protobuf messages aren't supported" },
		{ "[nobody, 1].exists(x, x == 1)", "!unknown name" },
		{ "[1].exists(x, y == 1 || x == 1)", "true" },
		{ "default(nobody, 3)", "3" },
		{ NULL, NULL },
	};

	cel_env_checks(world.env, false);
	world_check(&world, rows);
	cel_env_checks(world.env, true);
	ck_assert(world_is(world_eval(&world, "nobody || true"), "?unknown name"));
}
END_TEST

/* ---- Types ---- */

START_TEST(types_are_deduced)
{
	static const char *const rows[][2] = {
		{ "1", "int" },
		{ "null", "null_type" },
		{ "timestamp(0)", "google.protobuf.Timestamp" },
		{ "data", "dyn" },
		{ "data.x", "dyn" },
		{ "[]", "list(dyn)" },
		{ "[1]", "list(int)" },
		{ "[1, 'a']", "list(dyn)" },
		{ "[1, data.x]", "list(dyn)" },
		{ "{}", "map(dyn, dyn)" },
		{ "{'a': 1}", "map(string, int)" },
		{ "{'a': 1, 2: 1}", "map(dyn, int)" },
		{ "{'a': [1]}.a", "list(int)" },
		{ "{'a': [1]}.a[0]", "int" },
		{ "['a'][0]", "string" },
		{ "[][0]", "dyn" },
		{ "[[], [[]], [[[]]]]", "list(list(list(list(dyn))))" },
		{ "[[[1]], []]", "list(list(list(int)))" },
		{ "[[1], ['a']]", "list(list(dyn))" },
		{ "[1] + [2]", "list(int)" },
		{ "[] + [2]", "list(int)" },
		{ "[1] + ['a']", "list(dyn)" },
		{ "[1] + data.list", "list(dyn)" },
		{ "true ? [1] : []", "list(int)" },
		{ "true ? 1 : 'a'", "dyn" },
		{ "default(data.x, 1)", "dyn" },
		{ "default([1], [2])", "list(int)" },
		{ "[1].map(x, string(x))", "list(string)" },
		{ "{'a': 1}.map(k, k)", "list(string)" },
		{ "{'a': 1}.filter(k, true)", "list(string)" },
		{ "['a'].filter(x, true)", "list(string)" },
		{ "['a'].transformMap(i, v, v)", "map(int, string)" },
		{ "{'a': 1}.transformMapEntry(k, v, {v: k})", "map(int, string)" },
		{ "{'a': 1}.transformList(k, v, v)", "list(int)" },
		{ "[].map(x, x)[0].y", "dyn" },
		{ "cel.bind(x, [1], x + x)", "list(int)" },
		{ "cel.block([1, [cel.index(0)]], cel.index(1))", "list(int)" },
		{ "optional.none()", "optional_type(dyn)" },
		{ "optional.of([1])", "optional_type(list(int))" },
		{ "[optional.none(), optional.of(1)]", "list(optional_type(int))" },
		{ "[optional.of(1), null]", "list(optional_type(int))" },
		{ "optional.of(1).value()", "int" },
		{ "optional.of(1).or(optional.of('a'))", "optional_type(dyn)" },
		{ "optional.none().orValue(1)", "int" },
		{ "optional.of({'a': 1}).a", "optional_type(int)" },
		{ "{'a': 1}.?a", "optional_type(int)" },
		{ "[1][?0]", "optional_type(int)" },
		{ "[?optional.of(1), 2]", "list(int)" },
		{ "{?'a': optional.of(1)}", "map(string, int)" },
		{ "optional.of(1).optMap(x, 'a')", "optional_type(string)" },
		{ "optional.of([1]).optFlatMap(x, x.first())", "optional_type(int)" },
		{ "[timestamp(0), null]", "list(google.protobuf.Timestamp)" },
		{ "[1, null]", "list(dyn)" },
		{ "'a,b'.split(',')", "list(string)" },
		{ "'ab'.reverse()", "string" },
		{ "['a'].reverse()", "list(string)" },
		{ "['a'].first()", "optional_type(string)" },
	};
	const struct cel_program *program;
	struct cel_issue issue;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text got;

		ck_assert_msg(cel_compile(world.env, world.arena, text_of(rows[i][0]), &program,
					  &issue) == FATE_OK,
			      "%s: %s", rows[i][0], issue.what);
		got = cel_program_type_text(program);
		ck_assert_msg(text_is(got, rows[i][1]), "%s is %.*s, not %s", rows[i][0],
			      TEXT_ARG(got), rows[i][1]);
	}
}
END_TEST

START_TEST(deduced_types_are_checked)
{
	static const struct world_row rows[] = {
		{ "[1, 2].map(x, x + 'a')", "?no such overload: int + string" },
		{ "['a'][0] + 1", "?no such overload: string + int" },
		{ "{'a': 1}.a.b", "?int has no field \"b\"" },
		{ "{'a': 1}.all(k, k > 1)", "?no such overload: string > int" },
		{ "[1].all(i, v, v == 'a')", "?no such overload: int == string" },
		{ "optional.of(1).value() + 'a'", "?no such overload: int + string" },
		{ "optional.of(1).optMap(x, x + 'a')", "?no such overload: int + string" },
		{ "math.grates(1, 2)",
		  "?unknown function \"grates\" | did you mean \"math.greatest\"?" },
		{ "cel.bind(x, ['a'], x[0] - 1)", "?no such overload: string - int" },
		{ "[1, 'a'].exists(x, x == 'a')", "true" },
		{ "[data.title, 'b'].map(x, x + '!')", "[\"Acme!\",\"b!\"]" },
		{ "[].map(x, x + 1)", "[]" },
		{ "[[], [1]].map(x, size(x))", "[0,1]" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

/* A list within a list, deeper than types are told apart. */
START_TEST(types_are_bounded)
{
	const struct cel_program *program;
	struct cel_issue issue;
	struct buf expr;
	struct text type;

	buf_init(&expr, MIB);
	buf_str(&expr, "[1]");
	for (int i = 0; i < 200; i++)
		buf_str(&expr, ".map(x, [x])");
	ck_assert_int_eq(cel_compile(world.env, world.arena, buf_view(&expr), &program, &issue),
			 FATE_OK);
	type = cel_program_type_text(program);
	ck_assert_uint_lt(type.n, 400);
	ck_assert(text_starts(type, TEXT("list(list(")));
	buf_fini(&expr);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_language");
	TCase *tc = tcase_create("cel_language");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, containers);
	tcase_add_test(tc, no_macros);
	tcase_add_test(tc, no_checks);
	tcase_add_test(tc, types_are_deduced);
	tcase_add_test(tc, deduced_types_are_checked);
	tcase_add_test(tc, types_are_bounded);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
