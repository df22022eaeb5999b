/* SPDX-License-Identifier: Apache-2.0
 *
 * What changed between two values. Expectations are written one change a line:
 * path, from, to, with "-" where nothing stands. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/value/diff.h"
#include "engine/value/parse.h"

static struct arena *arena;
static struct json_parser *parser;
static struct buf out;

static void setup(void)
{
	arena = arena_new("test", 1024 * 1024);
	parser = json_parser_new();
	ck_assert_ptr_nonnull(arena);
	ck_assert_ptr_nonnull(parser);
	buf_init(&out, 1024 * 1024);
}

static void teardown(void)
{
	buf_fini(&out);
	json_parser_free(parser);
	arena_free(arena);
}

static struct value parsed(const char *json)
{
	struct json_error error;
	struct value v;

	ck_assert_int_eq(json_parse(parser, arena, text_of(json), &v, &error), FATE_OK);
	return v;
}

static void put_side(struct value v, bool absent)
{
	buf_char(&out, ' ');
	if (absent)
		ck_assert(value_is(v, VALUE_NULL));
	if (absent)
		buf_char(&out, '-');
	else
		value_write(&out, v);
}

static void check_diff(const char *before, const char *after, const char *expected)
{
	struct changes changes = diff_values(arena, parsed(before), parsed(after));

	buf_clear(&out);
	for (size_t i = 0; i < changes.count; i++) {
		const struct change *change = &changes.items[i];

		buf_text(&out, change->path);
		put_side(change->from, change->was_absent);
		put_side(change->to, change->is_absent);
		buf_char(&out, '\n');
	}
	ck_assert_str_eq(buf_cstr(&out), expected);
}

START_TEST(equal_values_have_no_difference)
{
	check_diff("{\"a\":1,\"b\":{\"c\":[1,2]}}", "{\"b\":{\"c\":[1.0,2]},\"a\":1.0}", "");
	check_diff("null", "null", "");
	check_diff("{}", "{}", "");
	check_diff("null", "{}", "");
	check_diff("5", "5", "");
}
END_TEST

START_TEST(scalars_change_appear_and_vanish)
{
	check_diff("{\"a\":1,\"b\":2,\"c\":3}", "{\"d\":4,\"c\":3,\"a\":\"x\"}",
		   "a 1 \"x\"\nb 2 -\nd - 4\n");
	check_diff("{\"a\":null}", "{}", "a null -\n");
	check_diff("{}", "{\"a\":null}", "a - null\n");
	check_diff("{\"a\":1}", "{\"a\":null}", "a 1 null\n");
	check_diff("{\"a\":1}", "{\"a\":true}", "a 1 true\n");
	check_diff("1", "2", " 1 2\n");
}
END_TEST

START_TEST(maps_are_compared_member_by_member)
{
	check_diff("{\"a\":{\"b\":{\"c\":1,\"d\":2}},\"e\":0}",
		   "{\"a\":{\"b\":{\"c\":1,\"d\":3}},\"e\":0}", "a.b.d 2 3\n");
	check_diff("{\"a\":{}}", "{\"a\":{\"b\":1}}", "a.b - 1\n");
	check_diff("{\"a\":{\"b\":1}}", "{\"a\":{}}", "a.b 1 -\n");
}
END_TEST

START_TEST(lists_are_leaves)
{
	check_diff("{\"a\":[1,2]}", "{\"a\":[2,1]}", "a [1,2] [2,1]\n");
	check_diff("{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":2}]}", "a [{\"b\":1}] [{\"b\":2}]\n");
	check_diff("{\"a\":[]}", "{}", "a [] -\n");
}
END_TEST

START_TEST(whole_maps_are_reported_leaf_by_leaf)
{
	check_diff("{}", "{\"m\":{\"x\":{\"y\":1},\"z\":[]}}", "m.x.y - 1\nm.z - []\n");
	check_diff("{\"m\":{\"x\":{\"y\":1},\"z\":[]}}", "{}", "m.x.y 1 -\nm.z [] -\n");
	check_diff("null", "{\"b\":1,\"a\":{\"c\":2}}", "a.c - 2\nb - 1\n");
	check_diff("{\"b\":1,\"a\":{\"c\":2}}", "null", "a.c 2 -\nb 1 -\n");
	check_diff("{}", "{\"m\":{}}", "m - {}\n");
	check_diff("{\"m\":{\"n\":{}}}", "{}", "m.n {} -\n");
}
END_TEST

START_TEST(a_scalar_may_become_a_map)
{
	check_diff("{\"owner\":null}", "{\"owner\":{\"id\":3}}",
		   "owner null {\"id\":3}\nowner.id - 3\n");
	check_diff("{\"owner\":{\"id\":3}}", "{\"owner\":5}", "owner {\"id\":3} 5\nowner.id 3 -\n");
	check_diff("{\"owner\":null}", "{\"owner\":{}}", "owner null {}\n");
	check_diff("{\"owner\":{}}", "{\"owner\":[]}", "owner {} []\n");
}
END_TEST

START_TEST(changes_are_sorted_by_path)
{
	check_diff("{\"b\":1,\"a\":{\"z\":1,\"y\":1},\"a-b\":1}",
		   "{\"b\":2,\"a\":{\"z\":2,\"y\":2},\"a-b\":2}",
		   "a-b 1 2\na.y 1 2\na.z 1 2\nb 1 2\n");
}
END_TEST

START_TEST(nan_does_not_differ_from_itself)
{
	struct value_map_builder b;
	struct value items[1] = { value_double(NAN) };
	struct value v;

	value_map_begin(&b, arena);
	value_map_set(&b, "n", value_double(NAN));
	value_map_set(&b, "l", (struct value){ .kind = VALUE_LIST, .n = 1, .items = items });
	v = value_map_end(&b);
	ck_assert_uint_eq(diff_values(arena, v, v).count, 0);
}
END_TEST

START_TEST(rules_see_a_map_of_changes)
{
	struct changes changes =
	    diff_values(arena, parsed("{\"a\":{\"b\":1},\"c\":1}"), parsed("{\"a\":{\"b\":2.5}}"));

	value_write(&out, diff_as_value(arena, &changes));
	ck_assert_str_eq(buf_cstr(&out), "{\"a.b\":{\"from\":1,\"to\":2.5},"
					 "\"c\":{\"from\":1,\"to\":null}}");
}
END_TEST

START_TEST(many_changes_and_a_spent_arena)
{
	struct arena *small = arena_new("small", 2048);
	struct value_map_builder b;
	struct value v;

	value_map_begin(&b, arena);
	for (int i = 0; i < 300; i++)
		value_map_add(&b, value_int(i), value_int(i));
	v = value_map_end(&b);
	ck_assert_uint_eq(diff_values(arena, v, value_null()).count, 300);
	ck_assert_uint_eq(diff_values(small, v, value_null()).count, 0);
	ck_assert(arena_failed(small));
	arena_free(small);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("diff");
	Suite *suite = suite_create("value");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, equal_values_have_no_difference);
	tcase_add_test(tests, scalars_change_appear_and_vanish);
	tcase_add_test(tests, maps_are_compared_member_by_member);
	tcase_add_test(tests, lists_are_leaves);
	tcase_add_test(tests, whole_maps_are_reported_leaf_by_leaf);
	tcase_add_test(tests, a_scalar_may_become_a_map);
	tcase_add_test(tests, changes_are_sorted_by_path);
	tcase_add_test(tests, nan_does_not_differ_from_itself);
	tcase_add_test(tests, rules_see_a_map_of_changes);
	tcase_add_test(tests, many_changes_and_a_spent_arena);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
