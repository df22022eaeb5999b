/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as text: JSON, pretty, plain, canonical. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/value/value.h"

static struct arena *arena;
static struct buf out;

static void setup(void)
{
	arena = arena_new("test", 1024 * 1024);
	ck_assert_ptr_nonnull(arena);
	buf_init(&out, 1024 * 1024);
}

static void teardown(void)
{
	buf_fini(&out);
	arena_free(arena);
}

static void check_written(struct value v, const char *json, const char *plain,
			  const char *canonical)
{
	buf_clear(&out);
	value_write(&out, v);
	ck_assert_str_eq(buf_cstr(&out), json);
	buf_clear(&out);
	value_write_plain(&out, v);
	ck_assert_str_eq(buf_cstr(&out), plain);
	buf_clear(&out);
	value_write_canonical(&out, v);
	ck_assert_str_eq(buf_cstr(&out), canonical);
}

START_TEST(numbers_are_short_and_keep_their_kind)
{
	check_written(value_int(INT64_MIN), "-9223372036854775808", "-9223372036854775808",
		      "-9223372036854775808");
	check_written(value_uint(UINT64_MAX), "18446744073709551615", "18446744073709551615",
		      "18446744073709551615");
	check_written(value_double(1), "1.0", "1", "1");
	check_written(value_double(-0.0), "-0.0", "0", "0");
	check_written(value_double(0.1), "0.1", "0.1", "0.1");
	check_written(value_double(0.1 + 0.2), "0.30000000000000004", "0.30000000000000004",
		      "0.30000000000000004");
	check_written(value_double(-75.5), "-75.5", "-75.5", "-75.5");
	check_written(value_double(1e17), "1e+17", "100000000000000000", "100000000000000000");
	check_written(value_double(1e300), "1e+300", "1e+300", "1e+300");
	check_written(value_double(5e-324), "4.94065645841247e-324", "4.94065645841247e-324",
		      "4.94065645841247e-324");
	check_written(value_double(NAN), "\"NaN\"", "NaN", "\"NaN\"");
	check_written(value_double(INFINITY), "\"Infinity\"", "Infinity", "\"Infinity\"");
	check_written(value_double(-INFINITY), "\"-Infinity\"", "-Infinity", "\"-Infinity\"");
}
END_TEST

START_TEST(text_is_escaped_as_little_as_possible)
{
	check_written(value_text(TEXT("a\"b\\c/\n\t\x01\x7f\xc3\xa9")),
		      "\"a\\\"b\\\\c/\\n\\t\\u0001\x7f\xc3\xa9\"", "a\"b\\c/\n\t\x01\x7f\xc3\xa9",
		      "\"a\\\"b\\\\c/\\n\\t\\u0001\x7f\xc3\xa9\"");
	check_written(value_text(TEXT("")), "\"\"", "", "\"\"");
	buf_clear(&out);
	value_write(&out, value_text(TEXT("a\0b")));
	ck_assert_str_eq(buf_cstr(&out), "\"a\\u0000b\"");
	buf_clear(&out);
	value_write_text(&out, TEXT_NONE);
	ck_assert_str_eq(buf_cstr(&out), "\"\"");
}
END_TEST

static struct value bytes(const char *s)
{
	struct value v = value_text(text_of(s));

	v.kind = VALUE_BYTES;
	return v;
}

START_TEST(kinds_beyond_json_print_as_text)
{
	struct value type = value_text(TEXT("int"));
	struct value items[1] = { value_double(2) };

	type.kind = VALUE_TYPE;
	check_written(value_null(), "null", "null", "null");
	check_written(value_bool(true), "true", "true", "true");
	check_written(bytes(""), "\"\"", "", "\"\"");
	check_written(bytes("f"), "\"Zg==\"", "Zg==", "\"Zg==\"");
	check_written(bytes("fo"), "\"Zm8=\"", "Zm8=", "\"Zm8=\"");
	check_written(bytes("foob"), "\"Zm9vYg==\"", "Zm9vYg==", "\"Zm9vYg==\"");
	check_written(bytes("\xff\xfe\xfd"), "\"//79\"", "//79", "\"//79\"");
	check_written(value_timestamp_ms(0), "\"1970-01-01T00:00:00Z\"", "1970-01-01T00:00:00Z",
		      "\"1970-01-01T00:00:00Z\"");
	check_written(type, "\"int\"", "int", "\"int\"");
	check_written((struct value){ .kind = VALUE_OPTIONAL, .n = 1, .items = items }, "2.0", "2",
		      "2");
	check_written((struct value){ .kind = VALUE_OPTIONAL }, "null", "null", "null");
}
END_TEST

static void check_duration(int64_t seconds, int32_t nanos, const char *plain)
{
	struct value v = { .kind = VALUE_DURATION, .n = (uint32_t)nanos, .i = seconds };

	buf_clear(&out);
	value_write_plain(&out, v);
	ck_assert_str_eq(buf_cstr(&out), plain);
}

START_TEST(durations_print_as_seconds)
{
	check_duration(0, 0, "0s");
	check_duration(3, 500000000, "3.5s");
	check_duration(-3, -500000000, "-3.5s");
	check_duration(0, -250000000, "-0.25s");
	check_duration(90, 1, "90.000000001s");
	check_duration(INT64_MIN, 0, "-9223372036854775808s");
}
END_TEST

static struct value sample(void)
{
	struct value_map_builder b;
	struct value_list_builder list;

	value_list_begin(&list, arena);
	value_list_add(&list, value_double(1));
	value_list_add(&list, value_null());
	value_map_begin(&b, arena);
	value_map_set(&b, "b", value_list_end(&list));
	value_map_add(&b, value_int(10), value_bool(false));
	value_map_add(&b, value_bool(true), value_int(3));
	value_list_begin(&list, arena);
	value_map_set(&b, "a", value_list_end(&list));
	return value_map_end(&b);
}

START_TEST(containers_print_in_three_ways)
{
	check_written(sample(), "{\"b\":[1.0,null],\"10\":false,\"true\":3,\"a\":[]}",
		      "{\"b\":[1.0,null],\"10\":false,\"true\":3,\"a\":[]}",
		      "{\"10\":false,\"a\":[],\"b\":[1,null],\"true\":3}");
	buf_clear(&out);
	value_write_pretty(&out, sample());
	ck_assert_str_eq(buf_cstr(&out),
			 "{\n  \"b\": [\n    1.0,\n    null\n  ],\n  \"10\": false,\n"
			 "  \"true\": 3,\n  \"a\": []\n}");
}
END_TEST

START_TEST(canonical_form_sorts_large_maps)
{
	struct value_map_builder up, down;
	struct buf other;

	buf_init(&other, 1024 * 1024);
	value_map_begin(&up, arena);
	value_map_begin(&down, arena);
	for (int i = 0; i < 500; i++) {
		value_map_add(&up, value_text(text_printf(arena, "k%d", i)), value_int(i));
		value_map_add(&down, value_text(text_printf(arena, "k%d", 499 - i)),
			      value_double(499 - i));
	}
	value_write_canonical(&out, value_map_end(&up));
	value_write_canonical(&other, value_map_end(&down));
	ck_assert_str_eq(buf_cstr(&out), buf_cstr(&other));
	buf_fini(&other);
}
END_TEST

START_TEST(a_full_buffer_stays_failed)
{
	struct buf small;

	buf_init(&small, 10);
	value_write(&small, sample());
	ck_assert(buf_failed(&small));
	buf_fini(&small);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("write");
	Suite *suite = suite_create("value");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, numbers_are_short_and_keep_their_kind);
	tcase_add_test(tests, text_is_escaped_as_little_as_possible);
	tcase_add_test(tests, kinds_beyond_json_print_as_text);
	tcase_add_test(tests, durations_print_as_seconds);
	tcase_add_test(tests, containers_print_in_three_ways);
	tcase_add_test(tests, canonical_form_sorts_large_maps);
	tcase_add_test(tests, a_full_buffer_stays_failed);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
