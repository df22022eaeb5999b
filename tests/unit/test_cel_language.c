/* SPDX-License-Identifier: Apache-2.0
 *
 * What the language has beyond plain expressions: containers, unchecked and
 * macroless environments. */
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

int main(void)
{
	Suite *suite = suite_create("cel language");
	TCase *tc = tcase_create("environments");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, containers);
	tcase_add_test(tc, no_macros);
	tcase_add_test(tc, no_checks);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
