/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON in: json_parse, json_check and json_each, which have to agree. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/value/parse.h"

static struct arena *arena;
static struct json_parser *parser;
static struct buf out;

static void setup(void)
{
	arena = arena_new("test", 256 * MIB);
	parser = json_parser_new();
	ck_assert_ptr_nonnull(arena);
	ck_assert_ptr_nonnull(parser);
	buf_init(&out, 64 * MIB);
}

static void teardown(void)
{
	buf_fini(&out);
	json_parser_free(parser);
	arena_free(arena);
}

static bool ignore(void *of, struct text key, struct text member)
{
	(void)of;
	(void)key;
	(void)member;
	return true;
}

/* A copy that ends where its memory does, so that a sanitizer sees overreads. */
static struct text exact(struct text json)
{
	char *s = mem_alloc(json.n > 0 ? json.n : 1);

	ck_assert_ptr_nonnull(s);
	if (json.n > 0)
		memcpy(s, json.s, json.n);
	return (struct text){ s, json.n };
}

static struct value parsed(struct text json)
{
	struct text copy = exact(json);
	struct json_error error = { 0 };
	struct value v;
	enum fate fate = json_parse(parser, arena, copy, &v, &error);

	ck_assert_msg(fate == FATE_OK, "%.100s: %s", json.s, error.what);
	ck_assert_int_eq(json_check(copy, NULL), FATE_OK);
	mem_free((char *)copy.s);
	return v;
}

static struct json_error refused(struct text json)
{
	struct text copy = exact(json);
	struct json_error error = { 0 };
	struct json_error same = { 0 };
	struct value v;

	ck_assert_int_eq(json_parse(parser, arena, copy, &v, &error), FATE_REJECT);
	ck_assert(value_is(v, VALUE_NULL));
	ck_assert_int_eq(json_check(copy, &same), FATE_REJECT);
	ck_assert_uint_eq(error.offset, same.offset);
	ck_assert_str_eq(error.what, same.what);
	ck_assert_int_eq(json_each(parser, copy, TEXT_NONE, ignore, NULL, &same), FATE_REJECT);
	ck_assert_uint_le(error.offset, json.n);
	ck_assert(error.line >= 1 && error.column >= 1 && error.what[0] != '\0');
	mem_free((char *)copy.s);
	return error;
}

static void check_refused(struct text json, size_t offset, const char *what)
{
	struct json_error error = refused(json);

	ck_assert_str_eq(error.what, what);
	ck_assert_uint_eq(error.offset, offset);
}

static void check_round_trip(const char *json)
{
	buf_clear(&out);
	value_write(&out, parsed(text_of(json)));
	ck_assert_str_eq(buf_cstr(&out), json);
}

START_TEST(documents_survive_a_round_trip)
{
	check_round_trip("{\"a\":[1,-2,3.5,true,false,null,\"x\"],\"b\":{\"c\":{},\"d\":[]}}");
	check_round_trip("[]");
	check_round_trip("{}");
	check_round_trip("\"text\"");
	check_round_trip("1");
	check_round_trip("1.0");
	check_round_trip("null");
	check_round_trip("{\"z\":1,\"a\":2,\"m\":3,\"1\":4,\"2\":5,\"3\":6,\"4\":7,\"5\":8,\"6\":9,"
			 "\"\":10}");
}
END_TEST

static void check_double(const char *json, double d)
{
	struct value v = parsed(text_of(json));

	ck_assert(value_is(v, VALUE_DOUBLE));
	ck_assert_double_eq(v.d, d);
}

START_TEST(numbers_follow_their_spelling)
{
	struct value v = parsed(TEXT("9223372036854775807"));

	ck_assert(value_is(v, VALUE_INT) && v.i == INT64_MAX);
	v = parsed(TEXT("-9223372036854775808"));
	ck_assert(value_is(v, VALUE_INT) && v.i == INT64_MIN);
	v = parsed(TEXT("9223372036854775808"));
	ck_assert(value_is(v, VALUE_UINT) && v.u == UINT64_C(9223372036854775808));
	v = parsed(TEXT("18446744073709551615"));
	ck_assert(value_is(v, VALUE_UINT) && v.u == UINT64_MAX);
	v = parsed(TEXT("-0"));
	ck_assert(value_is(v, VALUE_INT) && v.i == 0);
	check_double("18446744073709551616", 18446744073709551616.0);
	check_double("-9223372036854775809", -9223372036854775808.0);
	check_double("0.1", 0.1);
	check_double("1.0", 1.0);
	check_double("1e2", 100.0);
	check_double("1E-2", 0.01);
	check_double("-0.0", -0.0);
	check_double("1.7976931348623157e308", 1.7976931348623157e308);
	check_double("4.9e-324", 4.9e-324);
	check_double("1e-400", 0.0);
}
END_TEST

START_TEST(one_long_number_does_not_change_its_neighbours)
{
	struct value v = parsed(TEXT("{\"n\":123456789012345678901234567890,\"i\":7,\"d\":2.0,"
				     "\"u\":18446744073709551615,\"t\":\"\\u00e9\\n\",\"l\":[ ],"
				     "\"b\":[true,false,null],\"\\u006b\":\"\"}"));

	ck_assert_double_eq(value_get(v, TEXT("n"))->d, 123456789012345678901234567890.0);
	ck_assert(value_is(*value_get(v, TEXT("i")), VALUE_INT));
	ck_assert(value_is(*value_get(v, TEXT("d")), VALUE_DOUBLE));
	ck_assert_uint_eq(value_get(v, TEXT("u"))->u, UINT64_MAX);
	ck_assert(text_is(value_as_text(*value_get(v, TEXT("t"))), "\xc3\xa9\n"));
	ck_assert_uint_eq(value_get(v, TEXT("l"))->n, 0);
	ck_assert(value_path(v, TEXT("b.0"))->b);
	ck_assert(value_is(*value_path(v, TEXT("b.2")), VALUE_NULL));
	ck_assert_uint_eq(value_get(v, TEXT("k"))->n, 0);
}
END_TEST

/* 0.000...0001e+k and 1000...000e-k with thousands of digits. */
START_TEST(numbers_of_any_length_are_exact)
{
	struct buf json;

	buf_init(&json, MIB);
	buf_str(&json, "[123456789012345678901,0.");
	for (int i = 0; i < 4999; i++)
		buf_char(&json, '0');
	buf_str(&json, "125e5000,125");
	for (int i = 0; i < 5000; i++)
		buf_char(&json, '0');
	/* halfway between two doubles but for the last digit */
	buf_str(&json, "e-5000,9007199254740993.");
	for (int i = 0; i < 2000; i++)
		buf_char(&json, '0');
	buf_str(&json, "1]");
	{
		struct value v = parsed(buf_view(&json));

		ck_assert_double_eq(v.items[1].d, 1.25);
		ck_assert_double_eq(v.items[2].d, 125);
		ck_assert_double_eq(v.items[3].d, 9007199254740994.0);
	}
	buf_fini(&json);
}
END_TEST

START_TEST(numbers_that_are_none_are_refused)
{
	check_refused(TEXT("1e400"), 0, "a number too large for a double");
	check_refused(TEXT("[0,-1e309]"), 3, "a number too large for a double");
	check_refused(TEXT("01"), 0, "a number may not start with 0");
	check_refused(TEXT("-"), 1, "expected a digit");
	check_refused(TEXT("1."), 2, "expected a digit");
	check_refused(TEXT("1.e2"), 2, "expected a digit");
	check_refused(TEXT("1e"), 2, "expected a digit");
	check_refused(TEXT("+1"), 0, "expected a value");
	check_refused(TEXT(".5"), 0, "expected a value");
	check_refused(TEXT("NaN"), 0, "expected a value");
	check_refused(TEXT("0x10"), 1, "more text after the end of the document");
}
END_TEST

START_TEST(a_number_of_400_digits_is_too_large)
{
	char digits[401];

	memset(digits, '9', 400);
	check_refused((struct text){ digits, 400 }, 0, "a number too large for a double");
}
END_TEST

START_TEST(mistakes_are_found_where_they_are)
{
	check_refused(TEXT(""), 0, "the text ends where a value belongs");
	check_refused(TEXT_NONE, 0, "the text ends where a value belongs");
	check_refused(TEXT(" \n"), 2, "the text ends where a value belongs");
	check_refused(TEXT("[1 2]"), 3, "expected ',' or ']'");
	check_refused(TEXT("[1,]"), 3, "expected a value");
	check_refused(TEXT("{\"a\":1,}"), 7, "expected a key in double quotes");
	check_refused(TEXT("{\"a\" 1}"), 5, "expected ':'");
	check_refused(TEXT("{\"a\":1 \"b\":2}"), 7, "expected ',' or '}'");
	check_refused(TEXT("{a:1}"), 1, "expected a key in double quotes");
	check_refused(TEXT("['a']"), 1, "expected a value");
	check_refused(TEXT("{} {}"), 3, "more text after the end of the document");
	check_refused(TEXT("tru"), 0, "expected a value");
	check_refused(TEXT("truex"), 4, "more text after the end of the document");
	check_refused(TEXT("\"a"), 2, "the text ends inside a string");
	check_refused(TEXT("\"\\x\""), 1, "not an escape that JSON has");
	check_refused(TEXT("\"\\\0\""), 1, "not an escape that JSON has");
	check_refused(TEXT("\"\\u12g4\""), 1, "expected four hex digits after \\u");
	check_refused(TEXT("\"a\nb\""), 2, "a control character inside a string");
	check_refused(TEXT("[1,\0]"), 3, "expected a value");
	check_refused(TEXT("\xef\xbb\xbf{}"), 0, "expected a value");
}
END_TEST

START_TEST(lines_and_columns_count_characters)
{
	struct json_error error =
	    refused(TEXT("{\n  \"\xc3\xa9\xe2\x82\xac\": 1,\n  \"\xc3\xa9\": x}"));

	ck_assert_int_eq(error.line, 3);
	ck_assert_int_eq(error.column, 8);
}
END_TEST

START_TEST(invalid_utf8_is_refused)
{
	static const char *const bad[] = { "\x80",
					   "\xc3",
					   "\xc0\xaf",
					   "\xe0\x80\xaf",
					   "\xed\xa0\x80",
					   "\xf5\x80\x80\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xe2\x82",
					   "\xff" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[16];

		snprintf(json, sizeof(json), "[\"a%s\"]", bad[i]);
		check_refused(text_of(json), 3, "not valid UTF-8");
	}
	parsed(TEXT("\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""));
}
END_TEST

START_TEST(escapes_are_decoded)
{
	struct value v = parsed(TEXT("\"a\\u0000b\""));

	ck_assert_uint_eq(v.n, 3);
	ck_assert_int_eq(memcmp(v.s, "a\0b", 3), 0);
	v = parsed(TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00\""));
	ck_assert(text_is(value_as_text(v), "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	v = parsed(TEXT("{\"a\\u0000b\":1}"));
	ck_assert_ptr_nonnull(value_get(v, TEXT("a\0b")));
}
END_TEST

START_TEST(half_surrogates_are_refused)
{
	check_refused(TEXT("\"x\\ud800\""), 2, "half of a surrogate pair");
	check_refused(TEXT("\"\\udc00\""), 1, "half of a surrogate pair");
	check_refused(TEXT("\"\\ud800\\ud800\""), 1, "half of a surrogate pair");
	check_refused(TEXT("\"\\ud800x\""), 1, "half of a surrogate pair");
	check_refused(TEXT("\"\\ud800\\u00\""), 1, "half of a surrogate pair");
}
END_TEST

START_TEST(keys_that_repeat_are_refused)
{
	check_refused(TEXT("{\"a\":1,\"a\":2}"), 7, "the key \"a\" stands here a second time");
	check_refused(TEXT("[{\"b\":{\"a\":1,\"b\":2,\"a\":1}}]"), 19,
		      "the key \"a\" stands here a second time");
	check_refused(TEXT("{\"a\":1,\"\\u0061\":2}"), 7,
		      "the key \"\\u0061\" stands here a second time");
	check_refused(TEXT("{\"\":1,\"\":2}"), 6, "the key \"\" stands here a second time");
	check_refused(TEXT("{\"n\":123456789012345678901,\"n\":2}"), 27,
		      "the key \"n\" stands here a second time");
	parsed(TEXT("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}"));
}
END_TEST

/* Repeats the key `at` at the end of a map of n keys; n: none is repeated. */
static void many_keys(struct buf *json, int n, int at)
{
	buf_char(json, '{');
	for (int i = 0; i < n; i++)
		buf_printf(json, "\"key%d\":%d,", i, i);
	buf_printf(json, "\"%s%d\":0}", at < n ? "key" : "last", at);
}

START_TEST(repeats_are_found_in_large_maps)
{
	static const int sizes[] = { 7, 8, 9, 12, 13, 100, 300, 70000 };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct buf json;
		struct json_error error;

		buf_init(&json, 4 * MIB);
		many_keys(&json, sizes[s], sizes[s] / 2);
		error = refused(buf_view(&json));
		ck_assert_ptr_nonnull(strstr(error.what, "a second time"));
		ck_assert_uint_eq(json.s[error.offset], '"');
		ck_assert_uint_gt(error.offset, json.n - 16);
		buf_clear(&json);
		many_keys(&json, sizes[s], sizes[s]);
		ck_assert_uint_eq(parsed(buf_view(&json)).n, sizes[s] + 1);
		buf_fini(&json);
		arena_reset(arena);
	}
}
END_TEST

static struct text nested(struct buf *json, int depth, const char *open, const char *middle,
			  const char *close)
{
	buf_clear(json);
	for (int i = 0; i < depth; i++)
		buf_str(json, open);
	buf_str(json, middle);
	for (int i = 0; i < depth; i++)
		buf_str(json, close);
	return buf_view(json);
}

START_TEST(depth_is_bounded)
{
	static const char *const deep = "nested deeper than 128 levels";
	struct buf json;

	ck_assert_int_eq(LIMIT_JSON_DEPTH, 128);
	buf_init(&json, 4 * MIB);
	parsed(nested(&json, 128, "[", "1", "]"));
	parsed(nested(&json, 128, "[", "123456789012345678901", "]"));
	parsed(nested(&json, 128, "{\"a\":", "1", "}"));
	check_refused(nested(&json, 129, "[", "1", "]"), 128, deep);
	check_refused(nested(&json, 129, "[", "", "]"), 128, deep);
	check_refused(nested(&json, 129, "[", "123456789012345678901", "]"), 128, deep);
	check_refused(nested(&json, 129, "{\"a\":", "1", "}"), 640, deep);
	check_refused(nested(&json, 100000, "[", "", "]"), 128, deep);
	check_refused(nested(&json, 100000, "[", "", ""), 128, deep);
	check_refused(nested(&json, 100000, "{\"a\":", "1", "}"), 640, deep);
	buf_fini(&json);
}
END_TEST

static const char sample[] =
    " {\"id\": \"10\\u00e9\\ud83d\\ude00\", \"list\": [1, -2.5e+3, true, false,"
    " null, {\"x\": \"\xc3\xa9\"}, [ ]],\r\n\t\"empty\": {}, \"big\":"
    " 123456789012345678901}";

START_TEST(a_document_cut_anywhere_is_refused)
{
	parsed(TEXT(sample));
	for (size_t n = 0; n < sizeof(sample) - 1; n++)
		refused((struct text){ sample, n });
}
END_TEST

/* With any byte replaced the three readers agree, whatever they say. */
START_TEST(a_document_changed_anywhere_is_judged_alike)
{
	static const char bytes[] = "\"\\{}[]:,0eE+-. u\x00\x1f\x80\xc3\xff";
	char json[sizeof(sample)];
	struct json_error error;
	struct value v;

	for (size_t i = 0; i < sizeof(sample) - 1; i++) {
		for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
			struct text t = { json, sizeof(sample) - 1 };
			bool ok;

			memcpy(json, sample, sizeof(sample));
			json[i] = bytes[b];
			arena_reset(arena);
			ok = json_check(t, &error) == FATE_OK;
			ck_assert_int_eq(json_parse(parser, arena, t, &v, &error),
					 ok ? FATE_OK : FATE_REJECT);
			ck_assert_int_eq(json_each(parser, t, TEXT_NONE, ignore, NULL, &error),
					 ok ? FATE_OK : FATE_REJECT);
		}
	}
}
END_TEST

START_TEST(a_spent_arena_is_a_rejection)
{
	struct arena *small = arena_new("the event", 4096);
	struct json_error error;
	struct value v;
	struct buf json;

	buf_init(&json, MIB);
	many_keys(&json, 1000, 1000);
	ck_assert_int_eq(json_parse(parser, small, buf_view(&json), &v, &error), FATE_REJECT);
	ck_assert_str_eq(error.what, "the document does not fit into the memory of \"the event\"");
	ck_assert(value_is(v, VALUE_NULL));
	arena_reset(small);
	json.s[json.n - 2] = ' ';
	json.s[json.n - 1] = ' ';
	buf_str(&json, "123456789012345678901}");
	ck_assert_int_eq(json_parse(parser, small, buf_view(&json), &v, &error), FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(error.what, "the event"));
	buf_fini(&json);
	arena_free(small);
}
END_TEST

START_TEST(large_documents_leave_a_parser_that_works)
{
	struct buf json;
	struct value v;

	buf_init(&json, 16 * MIB);
	buf_str(&json, "[0");
	while (json.n < 3 * MIB)
		buf_str(&json, ",{\"a\":\"0123456789012345678901234567890123456789\"}");
	buf_char(&json, ']');
	v = parsed(buf_view(&json));
	ck_assert(text_is(value_path(v, TEXT("70000")) == NULL
			      ? value_as_text(*value_path(v, TEXT("60000.a")))
			      : TEXT_NONE,
			  "0123456789012345678901234567890123456789"));
	check_round_trip("{\"a\":1}");
	buf_fini(&json);
}
END_TEST

START_TEST(long_texts_and_many_members_arrive_whole)
{
	struct buf json;
	struct value v;

	buf_init(&json, 64 * MIB);
	buf_str(&json, "[\"");
	for (int i = 0; i < 10000; i++)
		buf_str(&json, "x");
	buf_str(&json, "\",[0");
	for (int i = 1; i < 17000000; i++)
		buf_put(&json, ",0", 2);
	buf_str(&json, "]]");
	arena_free(arena);
	arena = arena_new("large", 1024u * MIB);
	v = parsed(buf_view(&json));
	ck_assert_uint_eq(v.items[0].n, 10000);
	ck_assert_uint_eq(v.items[1].n, 17000000);
	buf_fini(&json);
}
END_TEST

struct seen {
	struct buf text;
	int most;
	int count;
};

static bool note(void *of, struct text key, struct text member)
{
	struct seen *seen = of;

	buf_printf(&seen->text, "%.*s=%.*s;", TEXT_ARG(key), TEXT_ARG(member));
	return ++seen->count < seen->most;
}

static void check_each(const char *json, const char *path, int most, const char *expected)
{
	struct seen seen = { .most = most };
	struct json_error error;
	struct text copy = exact(text_of(json));

	buf_init(&seen.text, 4096);
	ck_assert_int_eq(json_each(parser, copy, text_of(path), note, &seen, &error), FATE_OK);
	ck_assert_str_eq(buf_cstr(&seen.text), expected);
	buf_fini(&seen.text);
	mem_free((char *)copy.s);
}

START_TEST(each_gives_members_as_they_stand)
{
	check_each("[1, \"a]\\\"\" ,{\"x\": [1,2]} , [] ,true]", "", 99,
		   "=1;=\"a]\\\"\";={\"x\": [1,2]};=[];=true;");
	check_each("{\"a\":1 , \"\\u0062\\n\" : {\"c\":\"}\"}}", "", 99, "a=1;b\n={\"c\":\"}\"};");
	check_each("{\"x\":{\"y\":[0]},\"results\":{\"list\":[ 1 , 2 , 3 ]}}", "results.list", 2,
		   "=1;=2;");
	check_each("{\"a\\u0062\":[7]}", "ab", 99, "=7;");
	check_each("[]", "", 99, "");
	check_each(" { } ", "", 99, "");
	check_each("{\"big\":123456789012345678901,\"l\":[-1e5]}", "l", 99, "=-1e5;");
	check_each("[[1],[2,{\"a\":\"\\\\\"}]]", "", 99, "=[1];=[2,{\"a\":\"\\\\\"}];");
}
END_TEST

static void check_no_container(const char *json, const char *path)
{
	struct json_error error;

	ck_assert_int_eq(json_each(parser, text_of(json), text_of(path), ignore, NULL, &error),
			 FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(error.what, "no list or map"));
}

START_TEST(each_needs_a_container)
{
	check_no_container("1", "");
	check_no_container("{\"a\":1}", "a");
	check_no_container("{\"a\":1}", "b");
	check_no_container("{\"a\":[[1]]}", "a.0");
	check_no_container("{\"a\":1}", "0123456789012345678901234567890123456789012345678901234567"
					"89.0123456789");
}
END_TEST

static enum fate each_and_parse(struct text json)
{
	struct json_parser *fresh = json_parser_new();
	struct json_error error;
	struct value v;
	enum fate fate;

	arena_reset(arena);
	if (fresh == NULL)
		return FATE_RETRY;
	fate = json_each(fresh, json, TEXT("\x01"), ignore, NULL, &error);
	if (fate == FATE_OK)
		fate = json_parse(fresh, arena, json, &v, &error);
	json_parser_free(fresh);
	return fate;
}

/* Fails every allocation in turn (in builds with fault points). */
START_TEST(memory_may_run_out_anywhere)
{
	static const char *const texts[] = {
		"{\"a\":1,\"\\u0001\":[{\"b\":2,\"c\":[]}]}",
		"{\"a\":1,\"\\u0001\":[{\"b\":2,\"c\":123456789012345678901}]}",
	};

	for (size_t i = 0; i < 2; i++) {
		enum fate fate;
		bool hit;
		int n = 0;

		do {
			fault_arm("memory", ++n, false);
			fate = each_and_parse(text_of(texts[i]));
			hit = fault_disarm();
			ck_assert_int_eq(fate != FATE_OK, hit);
			ck_assert_int_ne(fate, FATE_BUG);
		} while (hit);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("parse");
	Suite *suite = suite_create("value");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, documents_survive_a_round_trip);
	tcase_add_test(tests, numbers_follow_their_spelling);
	tcase_add_test(tests, one_long_number_does_not_change_its_neighbours);
	tcase_add_test(tests, numbers_of_any_length_are_exact);
	tcase_add_test(tests, numbers_that_are_none_are_refused);
	tcase_add_test(tests, a_number_of_400_digits_is_too_large);
	tcase_add_test(tests, mistakes_are_found_where_they_are);
	tcase_add_test(tests, lines_and_columns_count_characters);
	tcase_add_test(tests, invalid_utf8_is_refused);
	tcase_add_test(tests, escapes_are_decoded);
	tcase_add_test(tests, half_surrogates_are_refused);
	tcase_add_test(tests, keys_that_repeat_are_refused);
	tcase_add_test(tests, repeats_are_found_in_large_maps);
	tcase_add_test(tests, depth_is_bounded);
	tcase_add_test(tests, a_document_cut_anywhere_is_refused);
	tcase_add_test(tests, a_document_changed_anywhere_is_judged_alike);
	tcase_add_test(tests, a_spent_arena_is_a_rejection);
	tcase_add_test(tests, large_documents_leave_a_parser_that_works);
	tcase_add_test(tests, long_texts_and_many_members_arrive_whole);
	tcase_add_test(tests, each_gives_members_as_they_stand);
	tcase_add_test(tests, each_needs_a_container);
	tcase_add_test(tests, memory_may_run_out_anywhere);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
