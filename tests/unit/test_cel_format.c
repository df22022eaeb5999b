/* SPDX-License-Identifier: Apache-2.0
 *
 * format(): every clause with every kind of value, the words of its errors, and
 * formats that mean harm. */
#include "tests/unit/test_cel_world.h"
#include "tests/unit/unit_main.h"

#include <math.h>

static void check(const struct world_row *rows)
{
	struct cel_world world;

	world_init(&world);
	world_check(&world, rows);
	world_fini(&world);
}

START_TEST(clauses)
{
	static const struct world_row rows[] = {
		{ "''.format([])", "\"\"" },
		{ "'no clause'.format([])", "\"no clause\"" },
		{ "'%%%s%%'.format(['a'])", "\"%a%\"" },
		{ "'%s-%s'.format(data.tags)", "\"a-b\"" },
		{ "'%d %d'.format([-7, 7u])", "\"-7 7\"" },
		{ "'%d'.format([-9223372036854775808])", "\"-9223372036854775808\"" },
		{ "'%d'.format([18446744073709551615u])", "\"18446744073709551615\"" },
		{ "'%d %d'.format([3.14, 1e21])", "\"3.14 1000000000000000000000\"" },
		{ "'%x %X %x'.format([255, 255u, -255])", "\"ff FF -ff\"" },
		{ "'%x'.format([-9223372036854775808])", "\"-8000000000000000\"" },
		{ "'%x %X'.format(['\\u00fcz', b'\\xab\\x00'])", "\"c3bc7a AB00\"" },
		{ "'<%x>'.format([''])", "\"<>\"" },
		{ "'%o %o'.format([-8, 65535u])", "\"-10 177777\"" },
		{ "'%b %b %b %b'.format([5, -5, true, false])", "\"101 -101 1 0\"" },
		{ "size('%b'.format([-9223372036854775808]))", "65" },
		{ "'%f %f %f'.format([1, 1u, 2.5])", "\"1.000000 1.000000 2.500000\"" },
		{ "'%.0f %.0f %.0f'.format([0.5, 1.5, 2.5])", "\"0 2 2\"" },
		{ "'%.2f'.format([-0.0])", "\"-0.00\"" },
		{ "'%e %.1e'.format([1, -3.14])", "\"1.000000e+00 -3.1e+00\"" },
		{ "'%.007f'.format([1.0])", "\"1.0000000\"" },
		{ "'%f %e %d %s'.format([double('NaN'), double('-Infinity'), double('Infinity'), "
		  "double('NaN')])",
		  "\"NaN -Infinity Infinity NaN\"" },
		{ "size('%.1000f'.format([1.0]))", "1002" },
		{ "size('%f'.format([-1.7976931348623157e308]))", "317" },
		{ "size('%.1000f'.format([-1.7976931348623157e308]))", "1311" },
		{ "size('%.1000e'.format([-1.7976931348623157e308]))", "1008" },
		{ "'%.3s|%.0d'.format(['abcdef', 5])", "\"abcdef|5\"" },
		{ "'\xe2\x82\xac %s'.format([data.umlaut])",
		  "\"\xe2\x82\xac \xc3\xbc\xe2\x82\xac\"" },
		{ "'%s'.format(['left', 'over'])", "\"left\"" },
		{ "data.title.format([])", "\"Acme\"" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

START_TEST(anything_is_a_string)
{
	static const struct world_row rows[] = {
		{ "'%s %s %s'.format([null, true, false])", "\"null true false\"" },
		{ "'%s %s'.format([-1, 18446744073709551615u])", "\"-1 18446744073709551615\"" },
		{ "'%s %s %s'.format([1.0, 0.1, -2.5e-7])", "\"1 0.1 -0.00000025\"" },
		{ "'%s %s'.format([0.0, -0.0])", "\"0 -0\"" },
		{ "'%s'.format([100.0])", "\"100\"" },
		{ "'%s'.format([123456789.125])", "\"123456789.125\"" },
		{ "'%s'.format([9007199254740993.0])", "\"9007199254740992\"" },
		{ "size('%s'.format([1.7976931348623157e308]))", "309" },
		{ "size('%s'.format([-2.2250738585072014e-308]))", "327" },
		{ "'%s'.format([5e-324]).endsWith('0005')", "true" },
		{ "'%s'.format([b'a\\xc3\\xbc'])", "\"a\xc3\xbc\"" },
		{ "'%s'.format([b'a\\xff\\xfe\\x80b\\xe2\\x82'])", "\"a\xef\xbf\xbd"
								   "b\xef\xbf\xbd\"" },
		{ "'%s %s'.format([int, type([])])", "\"int list\"" },
		{ "'%s'.format([timestamp('2023-02-03T23:31:20.5+01:00')])",
		  "\"2023-02-03T22:31:20.500Z\"" },
		{ "'%s %s'.format([duration('1h'), duration('-1.5s')])", "\"3600s -1.5s\"" },
		{ "'%s %s'.format([[], {}])", "\"[] {}\"" },
		{ "'%s'.format([[1, 'a', [null, 2.5], {'b': []}]])",
		  "\"[1, a, [null, 2.5], {b: []}]\"" },
		{ "'%s'.format([{'b': 1, 'a': 2, '': 3, 'ab': 4}])",
		  "\"{: 3, a: 2, ab: 4, b: 1}\"" },
		{ "'%s'.format([{10: 'i', 9u: 'u', true: 'b', '9': 't', -1: 'n'}])",
		  "\"{-1: n, 10: i, 9: u, 9: t, true: b}\"" },
		{ "'%s'.format([data.items])",
		  "\"[{done: true, n: 1}, {done: false, n: 2}, {n: 3}]\"" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

#define PARSE  "!could not parse formatting clause: "
#define FORMAT "!error during formatting: "

START_TEST(errors_have_the_words_of_the_suite)
{
	static const struct world_row rows[] = {
		{ "'%a'.format([1])", PARSE "unrecognized formatting clause \"a\"" },
		{ "'%E'.format([1.5])", PARSE "unrecognized formatting clause \"E\"" },
		{ "'%\xe2\x82\xac'.format([1])",
		  PARSE "unrecognized formatting clause \"\xe2\x82\xac\"" },
		{ "'%5d'.format([1])", PARSE "unrecognized formatting clause \"5\"" },
		{ "'%-5d'.format([1])", PARSE "unrecognized formatting clause \"-\"" },
		{ "'% d'.format([1])", PARSE "unrecognized formatting clause \" \"" },
		{ "'%*d'.format([1])", PARSE "unrecognized formatting clause \"*\"" },
		{ "'%n'.format([1])", PARSE "unrecognized formatting clause \"n\"" },
		{ "'%.f'.format([1.5])", PARSE "error while parsing precision: it has no digits" },
		{ "'%.-1f'.format([1.5])",
		  PARSE "error while parsing precision: it has no digits" },
		{ "'%.1001f'.format([1.5])",
		  PARSE "error while parsing precision: it is too large" },
		{ "'%.99999999999999999999f'.format([1.5])",
		  PARSE "error while parsing precision: it is too large" },
		{ "'%.5'.format([1.5])",
		  PARSE "error while parsing precision: could not find end" },
		{ "'%.'.format([1.5])", PARSE "error while parsing precision: could not find end" },
		{ "'%'.format([1])", "!unexpected end of string" },
		{ "'%'.format([])", "!index 0 out of range" },
		{ "'%d %d %d'.format([0, 1])", "!index 2 out of range" },
		{ "'%s'.format('a')", "?no such overload: format(string, string)" },
		{ "'%s'.format()", "?format() takes 1 argument, not 0" },
		{ "'%b'.format(['a'])",
		  FORMAT "only integers and bools can be formatted as binary, was given string" },
		{ "'%d'.format([duration('1s')])",
		  FORMAT "decimal clause can only be used on integers, was given "
			 "google.protobuf.Duration" },
		{ "'%o'.format([true])",
		  FORMAT "octal clause can only be used on integers, was given bool" },
		{ "'%x'.format([0.5])",
		  FORMAT "only integers, byte buffers, and strings can be formatted as hex, was "
			 "given double" },
		{ "'%f'.format([null])",
		  FORMAT "fixed-point clause can only be used on doubles, was given null_type" },
		{ "'%e'.format(['1'])",
		  FORMAT "scientific clause can only be used on doubles, was given string" },
		{ "default('%d'.format(['a']), 'other')", "\"other\"" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 16 ^ *state << 32;
}

START_TEST(doubles_read_back)
{
	struct cel_world world;
	const struct cel_program *p;
	struct cel_issue issue;
	uint64_t state = 99;

	world_init(&world);
	ck_assert_int_eq(
	    cel_compile(world.env, world.arena, TEXT("'%s'.format([data])"), &p, &issue), FATE_OK);
	for (int round = 0; round < 20000; round++) {
		struct arena *arena = arena_new("round", 64 * KIB);
		struct cel_vars vars = { world_lookup, &world };
		uint64_t bits = next_random(&state);
		struct value v;
		double d;

		memcpy(&d, &bits, sizeof(d));
		if (round % 4 == 0)
			d = (double)(int64_t)bits / 1000.0;
		world.data = value_double(d);
		v = cel_eval(p, arena, &vars);
		ck_assert(value_is(v, VALUE_TEXT));
		ck_assert_msg(isfinite(d) ? strtod(text_dup(arena, value_as_text(v)).s, NULL) == d
					  : v.n >= 3,
			      "%a became %.*s", d, TEXT_ARG(value_as_text(v)));
		ck_assert_ptr_null(memchr(v.s, 'e', v.n));
		arena_free(arena);
	}
	world_fini(&world);
}
END_TEST

START_TEST(maps_are_sorted_and_stable)
{
	struct cel_world world;
	struct value_map_builder b;
	char want[8192];
	size_t n = 0;

	world_init(&world);
	value_map_begin(&b, world.arena);
	for (int i = 0; i < 200; i++) /* 37 * i mod 200 takes every value once */
		value_map_add(&b, value_text(text_printf(world.arena, "k%03d", 37 * i % 200)),
			      value_int(37 * i % 200));
	world.data = value_map_end(&b);
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(want + n, sizeof(want) - n, "%sk%03d: %d",
				      i > 0 ? ", " : "\"{", i, i);
	snprintf(want + n, sizeof(want) - n, "}\"");
	ck_assert_str_eq(world_eval(&world, "'%s'.format([data])"), want);
	world_fini(&world);
}
END_TEST

/* `width` times the same list, within one another `depth` times. */
static struct value nested(struct arena *arena, int depth, int width)
{
	struct value v = value_text(TEXT("leaf"));

	for (int i = 0; i < depth; i++) {
		struct value_list_builder b;

		value_list_begin(&b, arena);
		for (int k = 0; k < width; k++)
			value_list_add(&b, v);
		v = value_list_end(&b);
	}
	return v;
}

START_TEST(nesting_and_repetition_are_bounded)
{
	static const char expr[] = "size('%s'.format([data]))";
	struct cel_world world;

	world_init(&world);
	world.data = nested(world.arena, LIMIT_JSON_DEPTH, 1);
	ck_assert_str_eq(world_eval(&world, expr), "260");
	world.data = nested(world.arena, 5000, 1);
	ck_assert(world_is(world_eval(&world, expr), "!the value is nested more than"));
	world.data = nested(world.arena, 60, 2);
	ck_assert(world_is(world_eval(&world, expr), "!too many steps"));
	world.data = nested(world.arena, 60, 0);
	ck_assert_str_eq(world_eval(&world, expr), "2");
	world_fini(&world);
}
END_TEST

/* data.text of n bytes; data.list of n numbers; data.map of n / 10 pairs. */
static void large_data(struct cel_world *world, uint32_t n)
{
	struct value_map_builder map, keys;
	struct value_list_builder list;
	char *s = arena_alloc(world->arena, n);

	ck_assert_ptr_nonnull(s);
	memset(s, 'a', n);
	value_list_begin(&list, world->arena);
	value_map_begin(&keys, world->arena);
	for (uint32_t i = 0; i < n; i++) {
		value_list_add(&list, value_int(i));
		if (i % 10 == 0)
			value_map_add(&keys, value_int(i), value_null());
	}
	value_map_begin(&map, world->arena);
	value_map_set(&map, "list", value_list_end(&list));
	value_map_set(&map, "text", value_text((struct text){ s, n }));
	value_map_set(&map, "map", value_map_end(&keys));
	world->data = value_map_end(&map);
}

START_TEST(work_is_charged)
{
	static const struct world_row rows[] = {
		{ "size('%s'.format([data.text]))", "50000" },
		{ "size('%x'.format([data.text]))", "100000" },
		{ "size('%s'.format([data.map]))", "63889" },
		{ "'%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s'.format(data.text.substring(0, 22)"
		  ".split('').map(x, data.text))",
		  "!1048576 bytes" },
		{ "data.list.exists(x, '%s'.format([data.text]) == '')", "!too many steps" },
		{ "data.list.exists(x, '%x'.format([data.text]) == '')", "!too many steps" },
		{ "data.list.exists(x, '%s'.format([bytes(data.text)]) == '')", "!too many steps" },
		{ "data.list.exists(x, '%s'.format([data.list]) == '')", "!too many steps" },
		{ "data.list.exists(x, '%s'.format([data.map]) == '')", "!too many steps" },
		{ "data.list.exists(x, '%.1000f'.format([1.0e300 + double(x)]) == '')",
		  "!too many steps" },
		{ "data.list.exists(x, '%s'.format([double(x) / 7.0]) == '')", "!too many steps" },
		{ NULL, NULL },
	};
	struct cel_world world;

	world_init(&world);
	large_data(&world, 50000);
	world_check(&world, rows);
	world_fini(&world);
}
END_TEST

START_TEST(random_formats)
{
	static const char alphabet[] = "%%%%%%sdfexXob.0123456789 -+*";
	struct cel_world world;
	uint64_t state = 5;
	char expr[128];

	world_init(&world);
	for (int round = 0; round < 20000; round++) {
		size_t n = next_random(&state) % 12;
		char format[16] = "";

		for (size_t i = 0; i < n; i++)
			format[i] = alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
		snprintf(expr, sizeof(expr),
			 "'%s\xc3\xbc'.format([data.percent, data.items, null, b'\\xff', 7u])",
			 format);
		ck_assert_int_ne(world_eval(&world, expr)[0], '?');
		if (round % 500 == 0) {
			world_fini(&world);
			world_init(&world);
		}
	}
	world_fini(&world);
}
END_TEST

UNIT_MAIN("cel_format", clauses, anything_is_a_string, errors_have_the_words_of_the_suite,
	  doubles_read_back, maps_are_sorted_and_stable, nesting_and_repetition_are_bounded,
	  work_is_charged, random_formats)
