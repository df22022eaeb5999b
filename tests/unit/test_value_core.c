/* SPDX-License-Identifier: Apache-2.0
 *
 * Building, reading, copying, comparing and hashing values. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/value/value.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new("test", 64 * 1024 * 1024);
	ck_assert_ptr_nonnull(arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static struct value word(const char *s)
{
	return value_text(text_of(s));
}

static struct value numbered_map(uint32_t n)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	for (uint32_t i = 0; i < n; i++)
		value_map_add(&b, value_text(text_printf(arena, "key%u", i)), value_int(i));
	return value_map_end(&b);
}

START_TEST(lists_and_maps_are_so_deep)
{
	struct value_list_builder list;
	struct value_map_builder map;

	ck_assert(!value_is_deeper(word("x"), 0));
	value_list_begin(&list, arena);
	ck_assert(value_is_deeper(value_list_end(&list), 0));
	value_map_begin(&map, arena);
	value_map_set(&map, "a", word("x"));
	value_list_begin(&list, arena);
	value_list_add(&list, word("x"));
	value_list_add(&list, value_map_end(&map));
	struct value v = value_list_end(&list);

	ck_assert(value_is_deeper(v, 1));
	ck_assert(!value_is_deeper(v, 2));
}
END_TEST

START_TEST(maps_of_all_sizes_find_their_keys)
{
	static const uint32_t sizes[] = { 0,   1,   7,   8,   9,     10,    127,   128,  129,
					  254, 255, 256, 257, 32767, 65535, 65536, 70000 };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct value map = numbered_map(sizes[s]);
		char key[32];

		ck_assert(value_is(map, VALUE_MAP));
		ck_assert_uint_eq(map.n, sizes[s]);
		for (uint32_t i = 0; i < sizes[s]; i++) {
			const struct value *v;

			snprintf(key, sizeof(key), "key%u", i);
			v = value_get(map, text_of(key));
			ck_assert_ptr_nonnull(v);
			ck_assert_int_eq(v->i, i);
			ck_assert_int_eq(map.pairs[i].val.i, i);
		}
		ck_assert_ptr_null(value_get(map, TEXT("absent")));
		ck_assert_ptr_null(value_get(map, TEXT("")));
	}
}
END_TEST

/* n pairs over `distinct` keys: the last value of each stays where the first was. */
static void check_repeats(uint32_t n, uint32_t distinct)
{
	struct value_map_builder b;
	struct value map;

	value_map_begin(&b, arena);
	for (uint32_t i = 0; i < n; i++)
		value_map_add(&b, value_int(i % distinct), value_int(i));
	map = value_map_end(&b);
	ck_assert_uint_eq(map.n, distinct);
	for (uint32_t i = 0; i < distinct; i++) {
		const struct value *v = value_get_value(map, value_int(i));

		ck_assert_int_eq(map.pairs[i].key.i, i);
		ck_assert_ptr_nonnull(v);
		ck_assert_int_ge(v->i, n - distinct);
		ck_assert_int_eq(v->i % distinct, i);
	}
	ck_assert_ptr_null(value_get_value(map, value_int(distinct)));
}

START_TEST(of_a_key_added_twice_the_last_stays)
{
	check_repeats(2, 1);
	check_repeats(8, 3);
	check_repeats(9, 8);
	check_repeats(40, 9);
	check_repeats(600, 200);
	check_repeats(600, 5);
	check_repeats(70000, 60000);
}
END_TEST

START_TEST(a_unique_end_notices_repeats)
{
	struct value_map_builder b;
	struct value out;

	value_map_begin(&b, arena);
	for (int i = 0; i < 20; i++)
		value_map_add(&b, value_int(i), value_null());
	ck_assert(value_map_end_unique(&b, &out));
	ck_assert_uint_eq(out.n, 20);
	value_map_begin(&b, arena);
	for (int i = 0; i < 20; i++)
		value_map_add(&b, value_int(i), value_null());
	value_map_add(&b, value_uint(7), value_null());
	ck_assert(!value_map_end_unique(&b, &out));
	value_map_begin(&b, arena);
	value_map_set(&b, "a", value_null());
	value_map_set(&b, "a", value_null());
	ck_assert(!value_map_end_unique(&b, &out));
}
END_TEST

static void check_number_keys(uint32_t fill)
{
	struct value_map_builder b;
	struct value map;

	value_map_begin(&b, arena);
	for (uint32_t i = 0; i < fill; i++)
		value_map_add(&b, value_int(i), value_int(i));
	value_map_add(&b, word("1"), word("text"));
	value_map_add(&b, value_bool(true), word("bool"));
	map = value_map_end(&b);
	ck_assert_int_eq(value_get_value(map, value_int(1))->i, 1);
	ck_assert_int_eq(value_get_value(map, value_uint(1))->i, 1);
	ck_assert_int_eq(value_get_value(map, value_double(1.0))->i, 1);
	ck_assert_ptr_null(value_get_value(map, value_double(1.5)));
	ck_assert_ptr_null(value_get_value(map, value_double(NAN)));
	ck_assert(value_is(*value_get(map, TEXT("1")), VALUE_TEXT));
	ck_assert(value_is(*value_get_value(map, value_bool(true)), VALUE_TEXT));
	ck_assert_ptr_null(value_get_value(map, value_bool(false)));
}

START_TEST(numbers_of_any_kind_are_one_key)
{
	check_number_keys(3);
	check_number_keys(300);
}
END_TEST

START_TEST(paths_lead_through_maps_and_lists)
{
	struct value_list_builder list;
	struct value_map_builder inner, outer;
	struct value v;

	value_map_begin(&inner, arena);
	value_map_set(&inner, "name", word("Ada"));
	value_map_set(&inner, "", word("empty"));
	value_list_begin(&list, arena);
	value_list_add(&list, value_int(10));
	value_list_add(&list, value_map_end(&inner));
	value_map_begin(&outer, arena);
	value_map_set(&outer, "list", value_list_end(&list));
	value_map_set(&outer, "0", value_int(5));
	v = value_map_end(&outer);
	ck_assert_int_eq(value_path(v, TEXT("list.0"))->i, 10);
	ck_assert_int_eq(value_path(v, TEXT("0"))->i, 5);
	ck_assert(text_is(value_as_text(*value_path(v, TEXT("list.1.name"))), "Ada"));
	ck_assert(text_is(value_as_text(*value_path(v, TEXT("list.1."))), "empty"));
	ck_assert_ptr_null(value_path(v, TEXT("list.2")));
	ck_assert_ptr_null(value_path(v, TEXT("list.-1")));
	ck_assert_ptr_null(value_path(v, TEXT("list.99999999999999999999")));
	ck_assert_ptr_null(value_path(v, TEXT("list.")));
	ck_assert_ptr_null(value_path(v, TEXT("list.1.name.x")));
	ck_assert_ptr_null(value_path(v, TEXT("")));
	ck_assert_ptr_null(value_path(v, TEXT_NONE));
	ck_assert_ptr_null(value_path(value_int(1), TEXT("a")));
}
END_TEST

START_TEST(copies_borrow_nothing)
{
	struct arena *from = arena_new("from", 1024 * 1024);
	struct value_map_builder b;
	struct value_list_builder list;
	struct value copy;

	value_list_begin(&list, from);
	value_list_add(&list, value_text(text_dup(from, TEXT("item"))));
	value_list_add(&list, (struct value){ .kind = VALUE_TIMESTAMP, .n = 5, .i = 7 });
	value_map_begin(&b, from);
	for (int i = 0; i < 30; i++)
		value_map_add(&b, value_text(text_printf(from, "k%d", i)), value_int(i));
	value_map_set(&b, "list", value_list_end(&list));
	value_map_set(&b, "empty", word(""));
	copy = value_copy(arena, value_map_end(&b));
	arena_free(from);
	ck_assert_uint_eq(copy.n, 32);
	ck_assert_int_eq(value_get(copy, TEXT("k29"))->i, 29);
	ck_assert(text_is(value_as_text(*value_path(copy, TEXT("list.0"))), "item"));
	ck_assert_int_eq(value_path(copy, TEXT("list.1"))->i, 7);
}
END_TEST

START_TEST(a_spent_arena_makes_null)
{
	struct arena *small = arena_new("small", 512);
	struct value map = numbered_map(100);
	struct value_list_builder list;

	ck_assert(value_is(value_copy(small, map), VALUE_NULL));
	ck_assert(arena_failed(small));
	arena_reset(small);
	value_list_begin(&list, small);
	for (int i = 0; i < 10000; i++)
		value_list_add(&list, value_int(i));
	ck_assert(value_is(value_list_end(&list), VALUE_NULL));
	arena_free(small);
}
END_TEST

START_TEST(milliseconds_become_timestamps)
{
	struct value v = value_timestamp_ms(1500);

	ck_assert_int_eq(v.i, 1);
	ck_assert_uint_eq(v.n, 500000000);
	v = value_timestamp_ms(-1);
	ck_assert_int_eq(v.i, -1);
	ck_assert_uint_eq(v.n, 999000000);
}
END_TEST

static void check_order(struct value a, struct value b, int order)
{
	int back = order == 2 ? 2 : -order;

	ck_assert_int_eq(value_order(a, b), order);
	ck_assert_int_eq(value_order(b, a), back);
	ck_assert_int_eq(value_equal(a, b), order == 0);
	ck_assert_int_eq(value_equal(b, a), order == 0);
	if (order == 0)
		ck_assert_uint_eq(value_hash(a), value_hash(b));
}

START_TEST(numbers_compare_by_what_they_stand_for)
{
	const int64_t edge = INT64_C(1) << 53;

	check_order(value_int(1), value_double(1.0), 0);
	check_order(value_int(1), value_uint(1), 0);
	check_order(value_uint(1), value_double(1.0), 0);
	check_order(value_int(0), value_double(-0.0), 0);
	check_order(value_double(0.0), value_double(-0.0), 0);
	check_order(value_int(-1), value_uint(UINT64_MAX), -1);
	check_order(value_int(-1), value_double(-1.0), 0);
	check_order(value_int(1), value_double(1.5), -1);
	check_order(value_int(-1), value_double(-1.5), 1);
	check_order(value_int(-1), value_double(-0.5), -1);
	check_order(value_uint(0), value_double(-0.5), 1);
	check_order(value_int(edge + 1), value_double((double)edge), 1);
	check_order(value_int(edge), value_double((double)edge), 0);
	check_order(value_int(INT64_MAX), value_double(9223372036854775808.0), -1);
	check_order(value_int(INT64_MIN), value_double(-9223372036854775808.0), 0);
	check_order(value_int(INT64_MIN), value_double(-INFINITY), 1);
	check_order(value_uint(UINT64_C(1) << 63), value_double(9223372036854775808.0), 0);
	check_order(value_uint(UINT64_MAX), value_double(18446744073709551616.0), -1);
	check_order(value_uint(UINT64_MAX), value_int(INT64_MAX), 1);
	check_order(value_uint(5), value_double(INFINITY), -1);
	check_order(value_double(1e300), value_double(1e300), 0);
	check_order(value_double(0.1), value_double(0.2), -1);
}
END_TEST

START_TEST(nan_equals_nothing)
{
	check_order(value_double(NAN), value_double(NAN), 2);
	check_order(value_double(NAN), value_double(1), 2);
	check_order(value_double(NAN), value_int(1), 2);
	check_order(value_double(NAN), value_uint(1), 2);
}
END_TEST

START_TEST(other_kinds_have_their_order)
{
	struct value late = { .kind = VALUE_DURATION, .n = (uint32_t)-500, .i = 0 };
	struct value later = { .kind = VALUE_DURATION, .n = 500, .i = 0 };
	struct value bytes = { .kind = VALUE_BYTES, .n = 1, .s = "a" };

	check_order(word("a"), word("b"), -1);
	check_order(word("a"), word("a"), 0);
	check_order(word("a"), word("ab"), -1);
	check_order(word(""), word(""), 0);
	check_order(value_bool(false), value_bool(true), -1);
	check_order(value_timestamp_ms(-1), value_timestamp_ms(0), -1);
	check_order(value_timestamp_ms(5), value_timestamp_ms(5), 0);
	check_order(late, later, -1);
	check_order(bytes, word("a"), 2);
	check_order(value_bool(true), value_int(1), 2);
	check_order(value_null(), value_int(0), 2);
	check_order(value_timestamp_ms(0), later, 2);
	ck_assert(value_equal(value_null(), value_null()));
	ck_assert_int_eq(value_order(value_null(), value_null()), 2);
}
END_TEST

static struct value pair_map(const char *k1, struct value v1, const char *k2, struct value v2)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_set(&b, k1, v1);
	value_map_set(&b, k2, v2);
	return value_map_end(&b);
}

START_TEST(containers_compare_by_content)
{
	struct value a = pair_map("x", value_int(1), "y", value_double(2));
	struct value b = pair_map("y", value_int(2), "x", value_uint(1));
	struct value c = pair_map("x", value_int(1), "z", value_int(2));
	struct value d = pair_map("x", value_int(1), "y", value_double(NAN));
	struct value items[2] = { a, value_int(1) };
	struct value others[2] = { b, value_double(1) };
	struct value left = { .kind = VALUE_LIST, .n = 2, .items = items };
	struct value right = { .kind = VALUE_LIST, .n = 2, .items = others };
	struct value shorter = { .kind = VALUE_LIST, .n = 1, .items = items };
	struct value some = { .kind = VALUE_OPTIONAL, .n = 1, .items = items };
	struct value none = { .kind = VALUE_OPTIONAL };

	ck_assert(value_equal(a, b));
	ck_assert_uint_eq(value_hash(a), value_hash(b));
	ck_assert(!value_equal(a, c));
	ck_assert_uint_ne(value_hash(a), value_hash(c));
	ck_assert(!value_equal(d, d));
	ck_assert_uint_eq(value_hash(d), value_hash(d));
	ck_assert(value_equal(left, right));
	ck_assert_uint_eq(value_hash(left), value_hash(right));
	ck_assert(!value_equal(left, shorter));
	ck_assert(value_equal(some, some) && value_equal(none, none) && !value_equal(some, none));
	ck_assert_int_eq(value_order(a, b), 2);
}
END_TEST

START_TEST(kinds_have_the_names_of_cel)
{
	ck_assert_str_eq(value_kind_name(VALUE_TEXT), "string");
	ck_assert_str_eq(value_kind_name(VALUE_NULL), "null_type");
	ck_assert_str_eq(value_kind_name(VALUE_ERROR), "error");
	ck_assert_str_eq(value_kind_name(VALUE_TIMESTAMP), "google.protobuf.Timestamp");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("core");
	Suite *suite = suite_create("value");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, maps_of_all_sizes_find_their_keys);
	tcase_add_test(tests, of_a_key_added_twice_the_last_stays);
	tcase_add_test(tests, a_unique_end_notices_repeats);
	tcase_add_test(tests, numbers_of_any_kind_are_one_key);
	tcase_add_test(tests, paths_lead_through_maps_and_lists);
	tcase_add_test(tests, copies_borrow_nothing);
	tcase_add_test(tests, a_spent_arena_makes_null);
	tcase_add_test(tests, milliseconds_become_timestamps);
	tcase_add_test(tests, numbers_compare_by_what_they_stand_for);
	tcase_add_test(tests, nan_equals_nothing);
	tcase_add_test(tests, other_kinds_have_their_order);
	tcase_add_test(tests, containers_compare_by_content);
	tcase_add_test(tests, kinds_have_the_names_of_cel);
	tcase_add_test(tests, lists_and_maps_are_so_deep);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
