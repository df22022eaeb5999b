/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions named math.*: results, the kinds they keep, and what has none. */
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

START_TEST(extremes)
{
	static const struct world_row rows[] = {
		{ "math.greatest(-5)", "-5" },
		{ "math.greatest(1, 3u, 2.5)", "3u" },
		{ "math.greatest(5.4, 10, 3u, -5.0, 9223372036854775807)", "9223372036854775807" },
		{ "math.greatest([5.4, 10.5, 3u])", "10.5" },
		{ "math.greatest(1, 1.0)", "1" },
		{ "math.least(1.0, 1)", "1.0" },
		{ "math.least(3, 1, 2)", "1" },
		{ "math.least(-1.0, 18446744073709551615u)", "-1.0" },
		{ "math.least(data.items.map(i, i.n))", "1" },
		{ "math.greatest(data.price_in_cents, 500)", "500" },
		{ "math.greatest(9007199254740993, 9007199254740992.0)", "9007199254740993" },
		{ "math.greatest(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)", "11" },
		{ "math.isNaN(math.greatest(0.0 / 0.0))", "true" },
		{ "math.greatest(0.0 / 0.0, 1)", "!NaN has no order" },
		{ "math.least([1, 0.0 / 0.0])", "!NaN has no order" },
		{ "math.greatest([])", "!no greatest number" },
		{ "math.least([])", "!no least number" },
		{ "math.greatest(1, 'a')", "!math.greatest takes numbers, not string" },
		{ "math.least(['a'])", "!math.least takes numbers, not string" },
		{ "math.least([1], 2)", "!math.least takes numbers, not list" },
		{ "math.greatest(dyn('a'))", "!no such overload: math.greatest(string)" },
		{ "math.greatest('a')", "?no such overload: math.greatest(string)" },
		{ "math.greatest()", "?math.greatest() takes 1 to 255 arguments, not 0" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(rounding)
{
	static const struct world_row rows[] = {
		{ "math.ceil(1.2)", "2.0" },
		{ "math.ceil(-1.2)", "-1.0" },
		{ "math.floor(1.2)", "1.0" },
		{ "math.floor(-1.2)", "-2.0" },
		{ "math.round(1.5)", "2.0" },
		{ "math.round(-1.5)", "-2.0" },
		{ "math.round(2.5)", "3.0" },
		{ "math.round(0.49999999999999994)", "0.0" },
		{ "math.trunc(-1.7)", "-1.0" },
		{ "math.isNaN(math.round(0.0 / 0.0))", "true" },
		{ "int(math.round(data.percent))", "102" },
		{ "math.ceil(dyn(1))", "!no such overload: math.ceil(int)" },
		{ "math.floor(1)", "?no such overload: math.floor(int)" },
		{ "math.isNaN(0.0 / 0.0)", "true" },
		{ "math.isNaN(1.0 / 0.0)", "false" },
		{ "math.isInf(-1.0 / 0.0)", "true" },
		{ "math.isInf(1.0)", "false" },
		{ "math.isFinite(1.5)", "true" },
		{ "math.isFinite(0.0 / 0.0)", "false" },
		{ "math.isFinite(dyn(true))", "!no such overload" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(signs_and_roots)
{
	static const struct world_row rows[] = {
		{ "math.abs(-11)", "11" },
		{ "math.abs(11u)", "11u" },
		{ "math.abs(-11.5)", "11.5" },
		{ "math.abs(-9223372036854775807)", "9223372036854775807" },
		{ "math.abs(-9223372036854775808)", "!integer overflow" },
		{ "math.abs(data.id)", "!no such overload: math.abs(string)" },
		{ "math.sign(-11)", "-1" },
		{ "math.sign(0)", "0" },
		{ "math.sign(-9223372036854775808)", "-1" },
		{ "math.sign(7u)", "1u" },
		{ "math.sign(0u)", "0u" },
		{ "math.sign(-32.0)", "-1.0" },
		{ "math.sign(-0.0) == 0.0", "true" },
		{ "math.isNaN(math.sign(0.0 / 0.0))", "true" },
		{ "math.sqrt(81)", "9.0" },
		{ "math.sqrt(81u)", "9.0" },
		{ "math.sqrt(2.25)", "1.5" },
		{ "math.isNaN(math.sqrt(-1))", "true" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(bits)
{
	static const struct world_row rows[] = {
		{ "math.bitAnd(1, -1)", "1" },
		{ "math.bitAnd(1u, 3u)", "1u" },
		{ "math.bitOr(4, -2)", "-2" },
		{ "math.bitXor(4, -2)", "-6" },
		{ "math.bitNot(0)", "-1" },
		{ "math.bitNot(0u)", "18446744073709551615u" },
		{ "math.bitShiftLeft(1, 2)", "4" },
		{ "math.bitShiftLeft(1, 63)", "-9223372036854775808" },
		{ "math.bitShiftLeft(-1, 64)", "0" },
		{ "math.bitShiftLeft(1u, 9223372036854775807)", "0u" },
		{ "math.bitShiftRight(-1024, 3)", "2305843009213693824" },
		{ "math.bitShiftRight(-1, 0)", "-1" },
		{ "math.bitShiftRight(1024u, 2)", "256u" },
		{ "math.bitShiftRight(1024, 64)", "0" },
		{ "math.bitShiftLeft(1u, -1)", "!a shift by a negative number" },
		{ "math.bitShiftRight(1, -9223372036854775808)", "!a shift by a negative number" },
		{ "math.bitAnd(2u, dyn(1))", "!no such overload: math.bitAnd(uint, int)" },
		{ "math.bitOr(1.5, 1)", "?no such overload" },
		{ "math.bitShiftLeft(1, 1u)", "?no such overload" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(names_of_other_languages)
{
	static const struct world_row rows[] = {
		{ "max(1, 2)", "?write math.greatest(...)" },
		{ "min(1, 2)", "?write math.least(...)" },
		{ "abs(1)", "?write math.abs(...)" },
		{ "math.nosuch(1)", "?unknown function" },
		{ "today()", "?write date(ctx.now, \"Europe/Berlin\")" },
		{ "avg([1, 2])", "?write double(sum(list)) / double(size(list))" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(long_lists_cost)
{
	static const struct world_row rows[] = {
		{ "math.greatest(data)", "49999" },
		{ "data.exists(x, math.greatest(data) == x - 1)", "!too many steps" },
		{ "data.exists(x, math.least(data) > x)", "!too many steps" },
		{ NULL, NULL },
	};
	struct value_list_builder list;

	value_list_begin(&list, world.arena);
	for (uint32_t i = 0; i < 50000; i++)
		value_list_add(&list, value_int(i));
	world.data = value_list_end(&list);
	world_check(&world, rows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_math");
	TCase *tc = tcase_create("cel_math");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, extremes);
	tcase_add_test(tc, rounding);
	tcase_add_test(tc, signs_and_roots);
	tcase_add_test(tc, bits);
	tcase_add_test(tc, names_of_other_languages);
	tcase_add_test(tc, long_lists_cost);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
