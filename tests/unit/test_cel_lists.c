/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of lists and of lists as sets: results, errors, and that their work
 * is paid for. */
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

START_TEST(parts)
{
	static const struct world_row rows[] = {
		{ "[1, 2, 3, 4].slice(1, 3)", "[2,3]" },
		{ "[1, 2, 3, 4].slice(0, 4)", "[1,2,3,4]" },
		{ "[1, 2].slice(2, 2)", "[]" },
		{ "[].slice(0, 0)", "[]" },
		{ "data.tags.slice(1, 2)", "[\"b\"]" },
		{ "[1, 2].slice(-1, 1)", "!slice: -1 to 1 is outside a list of 2" },
		{ "[1, 2].slice(1, 3)", "!slice: 1 to 3 is outside a list of 2" },
		{ "[1, 2].slice(2, 1)", "!slice: 2 to 1 is outside" },
		{ "[1].slice(0, 9223372036854775807)", "!outside" },
		{ "[1].slice(-9223372036854775808, 0)", "!outside" },
		{ "data.title.slice(0, 1)", "!no such overload: slice(string, int, int)" },
		{ "[1, 2, 3].reverse()", "[3,2,1]" },
		{ "[].reverse()", "[]" },
		{ "[1, 2].first()", "1" },
		{ "[1, 2].last()", "2" },
		{ "[].first()", "null" },
		{ "type([].last()) == type([1].first())", "true" },
		{ "lists.range(4)", "[0,1,2,3]" },
		{ "lists.range(0)", "[]" },
		{ "lists.range(-3)", "[]" },
		{ "lists.range('a')", "?no such overload: lists.range(string)" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(flattening)
{
	static const struct world_row rows[] = {
		{ "[1, [2, 3], [4]].flatten()", "[1,2,3,4]" },
		{ "[1, [2, [3, 4]]].flatten()", "[1,2,[3,4]]" },
		{ "[1, 2, [], [], [3, 4]].flatten()", "[1,2,3,4]" },
		{ "[1, [2, [3, [4]]]].flatten(2)", "[1,2,3,[4]]" },
		{ "[1, [2, [3, [4]]]].flatten(9223372036854775807)", "[1,2,3,4]" },
		{ "[1, [2]].flatten(0)", "[1,[2]]" },
		{ "[].flatten()", "[]" },
		{ "[[[]]].flatten(7)", "[]" },
		{ "[data.tags, data.tags].flatten()", "[\"a\",\"b\",\"c\",\"a\",\"b\",\"c\"]" },
		{ "[1].flatten(-1)", "!flatten: the depth is negative" },
		{ "[{'a': [1]}].flatten()", "[{\"a\":[1]}]" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(sorting)
{
	static const struct world_row rows[] = {
		{ "[3, 2, 1].sort()", "[1,2,3]" },
		{ "['b', 'c', 'a', 'b', ''].sort()", "[\"\",\"a\",\"b\",\"b\",\"c\"]" },
		{ "[2, 1.5, 1u, -3].sort()", "[-3,1,1.5,2]" },
		{ "[true, false].sort()", "[false,true]" },
		{ "[duration('2s'), duration('1s')].sort().map(d, string(d))", "[\"1s\",\"2s\"]" },
		{ "[b'b', b'a'].sort() == [b'a', b'b']", "true" },
		{ "[].sort()", "[]" },
		{ "[7].sort()", "[7]" },
		{ "[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 10].sort()", "[0,1,2,3,4,5,6,7,8,9,10]" },
		{ "lists.range(1000).reverse().sort() == lists.range(1000)", "true" },
		{ "[1, 'b'].sort()", "!sorting: int and string have no order" },
		{ "['b', 1].sort()", "!sorting: string and int have no order" },
		{ "[[1]].sort()", "!sorting: list has no order" },
		{ "[null].sort()", "!sorting: null_type has no order" },
		{ "[1.0, 0.0 / 0.0].sort()", "!sorting: NaN has no order" },
		{ "[0.0 / 0.0].sort()", "!sorting: NaN has no order" },
		{ "[{'n': 2}, {'n': 1}].sortBy(e, e.n)", "[{\"n\":1},{\"n\":2}]" },
		{ "data.items.sortBy(i, -i.n).map(i, i.n)", "[3,2,1]" },
		{ "['bb', 'a', 'cc', 'd'].sortBy(s, size(s))", "[\"a\",\"d\",\"bb\",\"cc\"]" },
		{ "[3, 1, 2].sortBy(x, [2, 1].exists(y, y == x) ? 0 : 1)", "[1,2,3]" },
		{ "[].sortBy(x, x.nosuch)", "[]" },
		{ "data.items.sortBy(i, i.done)", "!no such key: done" },
		{ "[1, 2].sortBy(x, [x])", "!sorting: list has no order" },
		{ "{'a': 1}.sortBy(x, x)", "!sortBy goes over a list" },
		{ "'abc'.sortBy(x, x)", "?a macro goes over a list" },
		{ "[1].sortBy(x + 1, x)", "?is a plain name" },
		{ "[1].sortBy(x)", "?write list.sortBy(x, key)" },
		{ "[2, 1].sortBy(x, x)[0] + 1", "2" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(sets)
{
	static const struct world_row rows[] = {
		{ "[1, 2, 2, 3, 3, 3].distinct()", "[1,2,3]" },
		{ "['b', 'b', 'c', 'a', 'c'].distinct()", "[\"b\",\"c\",\"a\"]" },
		{ "[1, 'b', 1.0, 1u, 'b'].distinct()", "[1,\"b\"]" },
		{ "[[1], [1.0], {'a': 1}, {'a': 1u}, null, null].distinct()",
		  "[[1],{\"a\":1},null]" },
		{ "[0.0 / 0.0, 0.0 / 0.0].distinct().size()", "2" },
		{ "[].distinct()", "[]" },
		{ "(lists.range(3000) + lists.range(3000)).distinct().size()", "3000" },
		{ "sets.contains([], [])", "true" },
		{ "sets.contains([], [1])", "false" },
		{ "sets.contains([1, 2, 3, 4], [2, 3])", "true" },
		{ "sets.contains([1, 2.0, 3u], [1.0, 2u, 3])", "true" },
		{ "sets.contains([1], [1, 2])", "false" },
		{ "sets.contains(data.tags, ['c', 'a'])", "true" },
		{ "sets.equivalent([], [])", "true" },
		{ "sets.equivalent([1], [1, 1])", "true" },
		{ "sets.equivalent([1], [1u, 1.0])", "true" },
		{ "sets.equivalent([1, 2], [1])", "false" },
		{ "sets.equivalent([1], [1, 2])", "false" },
		{ "sets.intersects([1], [])", "false" },
		{ "sets.intersects([], [])", "false" },
		{ "sets.intersects([1], [1, 2])", "true" },
		{ "sets.intersects([[1], [2, 3]], [[1, 2], [2, 3.0]])", "true" },
		{ "sets.intersects(data.tags, ['x', 'b'])", "true" },
		{ "sets.intersects(data.tags, ['x'])", "false" },
		{ "sets.contains(data.title, [])", "!no such overload" },
		{ "sets.contains([1])", "?sets.contains() takes 2 arguments, not 1" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

/* Lists of n numbers and of n equal texts of 6,400 bytes, under data. */
static void large_data(uint32_t n)
{
	struct value_list_builder numbers, texts;
	struct value_map_builder map;
	char *s = arena_alloc(world.arena, 6400);

	ck_assert_ptr_nonnull(s);
	memset(s, 'a', 6400);
	value_list_begin(&numbers, world.arena);
	value_list_begin(&texts, world.arena);
	for (uint32_t i = 0; i < n; i++) {
		value_list_add(&numbers, value_int(i));
		value_list_add(&texts, value_text((struct text){ s, 6400 }));
	}
	value_map_begin(&map, world.arena);
	value_map_set(&map, "list", value_list_end(&numbers));
	value_map_set(&map, "texts", value_list_end(&texts));
	world.data = value_map_end(&map);
}

START_TEST(work_is_paid_for)
{
	static const struct world_row rows[] = {
		{ "lists.range(1000000000000)", "!too many steps" },
		{ "lists.range(9223372036854775807)", "!too many steps" },
		{ "lists.range(10000).size()", "10000" },
		{ "data.list.slice(1, 20000).size()", "19999" },
		{ "data.list.sort()", "!too many steps" },
		{ "data.list.slice(0, 4000).sort().size()", "4000" },
		{ "data.list.distinct() == data.list", "true" },
		{ "sets.contains(data.list, data.list)", "true" },
		{ "data.texts.slice(0, 500).sort().size()", "!too many steps" },
		{ "data.texts.sort()", "!too many steps" },
		{ "data.texts.distinct()", "!too many steps" },
		{ "data.list.exists(x, data.list.reverse()[0] == -1)", "!too many steps" },
		{ "data.list.exists(x, data.list.distinct()[0] == -1)", "!too many steps" },
		{ "data.list.exists(x, lists.range(10000) == [])", "!too many steps" },
		{ "data.list.exists(x, [data.list].flatten() == [])", "!too many steps" },
		{ "data.list.exists(x, sets.intersects(data.list, [-1]))", "!too many steps" },
		{ "data.list.exists(x, sets.contains([-1], data.list))", "!too many steps" },
		{ "data.list.map(x, 0.0 / 0.0).distinct()", "!too many steps" },
		{ "data.list.sortBy(x, data.list.sortBy(y, y)[0])", "!too many steps" },
		{ NULL, NULL },
	};

	large_data(20000);
	world_check(&world, rows);
}
END_TEST

/* Ten lists deep, each ten times the same one: a hundred values stand for 10^10. */
START_TEST(shared_lists_dont_multiply_for_free)
{
	struct value list = value_int(1);

	for (int depth = 0; depth < 10; depth++) {
		struct value_list_builder b;

		value_list_begin(&b, world.arena);
		for (int i = 0; i < 10; i++)
			value_list_add(&b, list);
		list = value_list_end(&b);
	}
	world.data = list;
	ck_assert(world_is(world_eval(&world, "data.flatten(3).size()"), "10000"));
	ck_assert(world_is(world_eval(&world, "data.flatten(10)"), "!too many steps"));
	ck_assert(world_is(world_eval(&world, "data.distinct()"), "!too many steps"));
	ck_assert(world_is(world_eval(&world, "sets.contains(data, data)"), "!too many steps"));
}
END_TEST

/* Numbers that all want the same slot of the set. */
START_TEST(items_made_to_collide_spend_the_budget)
{
	enum { ITEMS = 1500, MASK = 4095 };
	struct value_list_builder b;
	uint32_t n = 0;

	value_list_begin(&b, world.arena);
	for (int64_t i = 0; n < ITEMS; i++) {
		if ((value_hash(value_int(i)) & MASK) != 0)
			continue;
		value_list_add(&b, value_int(i));
		n++;
	}
	world.data = value_list_end(&b);
	ck_assert(world_is(world_eval(&world, "data.size()"), "1500"));
	ck_assert(world_is(world_eval(&world, "data.distinct()"), "!too many steps"));
	ck_assert(world_is(world_eval(&world, "sets.equivalent(data, data)"), "!too many steps"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_lists");
	TCase *tc = tcase_create("cel_lists");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, parts);
	tcase_add_test(tc, flattening);
	tcase_add_test(tc, sorting);
	tcase_add_test(tc, sets);
	tcase_add_test(tc, work_is_paid_for);
	tcase_add_test(tc, shared_lists_dont_multiply_for_free);
	tcase_add_test(tc, items_made_to_collide_spend_the_budget);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
