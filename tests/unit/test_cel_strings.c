/* SPDX-License-Identifier: Apache-2.0
 *
 * The extensions strings and encoders: what texts are taken apart into and made
 * of, against a plain reference, and with data that means harm. */
#include "tests/unit/test_cel_world.h"
#include "tests/unit/unit_main.h"

/* A text of characters of one to four bytes, in the source as escapes. */
#define WIDE "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb1z"

static void check(const struct world_row *rows)
{
	struct cel_world world;

	world_init(&world);
	world_check(&world, rows);
	world_fini(&world);
}

START_TEST(positions_count_characters)
{
	static const struct world_row rows[] = {
		{ "'tacocat'.charAt(0)", "\"t\"" },
		{ "'tacocat'.charAt(7)", "\"\"" },
		{ "'tacocat'.charAt(8)", "!index out of range: 8 (in 'tacocat'.charAt(8))" },
		{ "'tacocat'.charAt(-1)", "!index out of range: -1" },
		{ "''.charAt(0)", "\"\"" },
		{ "'" WIDE "'.charAt(1)", "\"\xc3\xa9\"" },
		{ "'" WIDE "'.charAt(3)", "\"\xf0\x9f\x90\xb1\"" },
		{ "'" WIDE "'.charAt(4)", "\"z\"" },
		{ "'" WIDE "'.charAt(5)", "\"\"" },
		{ "'" WIDE "'.charAt(6)", "!index out of range: 6" },
		{ "'abc'.charAt(9223372036854775807)", "!index out of range" },
		{ "'abc'.charAt(-9223372036854775808)", "!index out of range" },
		{ "'abc'.charAt(1u)", "?no such overload" },
		{ "'abc'.charAt(1.0)", "?no such overload" },
		{ "data.title.charAt(data.nothing)",
		  "!no such overload: charAt(string, null_type)" },
		{ "data.id.charAt()", "?charAt() takes 1 argument, not 0" },
		{ "charAt('abc', 1)", "?| write value.charAt(...)" },
		{ "'" WIDE "'.substring(1, 4)", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb1\"" },
		{ "'" WIDE "'.substring(5)", "\"\"" },
		{ "'" WIDE "'.substring(0)", "\"" WIDE "\"" },
		{ "'abc'.substring(4)", "!index out of range: 4" },
		{ "'abc'.substring(-1, 2)", "!index out of range: -1" },
		{ "'abc'.substring(0, 4)", "!index out of range: 4" },
		{ "'abc'.substring(2, 1)", "!invalid substring range. start: 2, end: 1" },
		{ "data.title.substring(1, 3)", "\"cm\"" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

START_TEST(searching)
{
	static const struct world_row rows[] = {
		{ "'tacocat'.indexOf('')", "0" },
		{ "'tacocat'.indexOf('', 7)", "7" },
		{ "'tacocat'.indexOf('a')", "1" },
		{ "'tacocat'.indexOf('a', 2)", "5" },
		{ "'tacocat'.indexOf('a', 6)", "-1" },
		{ "'tacocat'.indexOf('a', 7)", "-1" },
		{ "'tacocat'.indexOf('a', 8)", "!index out of range: 8" },
		{ "'tacocat'.indexOf('a', -1)", "!index out of range: -1" },
		{ "'tacocat'.indexOf('tacocats')", "-1" },
		{ "'" WIDE "'.indexOf('z')", "4" },
		{ "'" WIDE "'.indexOf('\xe2\x82\xac', 2)", "2" },
		{ "'" WIDE "'.indexOf('\xe2\x82\xac', 3)", "-1" },
		{ "''.indexOf('')", "0" },
		{ "''.indexOf('a')", "-1" },
		{ "'tacocat'.lastIndexOf('')", "7" },
		{ "'tacocat'.lastIndexOf('', 3)", "3" },
		{ "'tacocat'.lastIndexOf('a')", "5" },
		{ "'tacocat'.lastIndexOf('a', 5)", "5" },
		{ "'tacocat'.lastIndexOf('a', 4)", "1" },
		{ "'tacocat'.lastIndexOf('a', 0)", "-1" },
		{ "'tacocat'.lastIndexOf('cat', 7)", "4" },
		{ "'tacocat'.lastIndexOf('a', 8)", "!index out of range: 8" },
		{ "'tacocat'.lastIndexOf('a', -1)", "!index out of range: -1" },
		{ "'aaaa'.lastIndexOf('aa')", "2" },
		{ "'" WIDE WIDE "'.lastIndexOf('\xc3\xa9')", "6" },
		{ "'" WIDE WIDE "'.lastIndexOf('\xc3\xa9', 5)", "1" },
		{ "''.lastIndexOf('')", "0" },
		{ "''.lastIndexOf('a')", "-1" },
		{ "data.title.indexOf('m') + data.title.lastIndexOf('e')", "5" },
		{ "data.title.indexOf(data.tags)", "!no such overload: indexOf(string, list)" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

START_TEST(new_texts)
{
	static const struct world_row rows[] = {
		{ "'TacoC\xc3\x86t [`@{'.lowerAscii()", "\"tacoc\xc3\x86t [`@{\"" },
		{ "'tacoc\xc3\xa6t [`@{z'.upperAscii()", "\"TACOC\xc3\xa6T [`@{Z\"" },
		{ "''.upperAscii()", "\"\"" },
		{ "'" WIDE "'.reverse()", "\"z\xf0\x9f\x90\xb1\xe2\x82\xac\xc3\xa9"
					  "a\"" },
		{ "''.reverse()", "\"\"" },
		{ "'a.b.c'.replace('.', '--')", "\"a--b--c\"" },
		{ "'a.b.c'.replace('.', '')", "\"abc\"" },
		{ "'a.b.c'.replace('.', '-', 1)", "\"a-b.c\"" },
		{ "'a.b.c'.replace('.', '-', 0)", "\"a.b.c\"" },
		{ "'a.b.c'.replace('.', '-', -1)", "\"a-b-c\"" },
		{ "'a.b.c'.replace('.', '-', -9223372036854775808)", "\"a-b-c\"" },
		{ "'aaa'.replace('aa', 'b')", "\"ba\"" },
		{ "'abc'.replace('abc', '')", "\"\"" },
		{ "'abc'.replace('abcd', 'x')", "\"abc\"" },
		{ "'abc'.replace('', '-')", "\"-a-b-c-\"" },
		{ "'abc'.replace('', '-', 2)", "\"-a-bc\"" },
		{ "'" WIDE "'.replace('', '-', 3)",
		  "\"-a-\xc3\xa9-\xe2\x82\xac\xf0\x9f\x90\xb1z\"" },
		{ "''.replace('', '-')", "\"-\"" },
		{ "''.replace('a', '-')", "\"\"" },
		{ "data.tags.join('/')", "\"a/b/c\"" },
		{ "['a', ''].join('-')", "\"a-\"" },
		{ "[''].join('-')", "\"\"" },
		{ "['a', 1].join()", "!join: item 1 is no text" },
		{ "data.tags.join(1)", "?no such overload" },
		{ "' \\t\\n\\r\\f\\va b\\u00a0\\u2003\\u3000'.trim()", "\"a b\"" },
		{ "'\\u200ba\\ufeff'.trim() == '\\u200ba\\ufeff'", "true" },
		{ "' \\u2028 '.trim()", "\"\"" },
		{ "''.trim()", "\"\"" },
		{ "'abc'.trim()", "\"abc\"" },
		{ "strings.quote('a\"b\\\\c\\a\\b\\f\\n\\r\\t\\v\xc3\xa9')",
		  "\"\\\"a\\\\\\\"b\\\\\\\\c\\\\a\\\\b\\\\f\\\\n\\\\r\\\\t\\\\v\xc3\xa9\\\"\"" },
		{ "strings.quote('')", "\"\\\"\\\"\"" },
		{ "strings.quote(1)", "?no such overload: strings.quote(int)" },
		{ "data.title.toLowerCase()", "?| write text.lowerAscii()" },
		{ "data.title.strip()", "?| write text.trim()" },
		{ "strings.qoute('a')", "?did you mean \"strings.quote\"?" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

START_TEST(splitting)
{
	static const struct world_row rows[] = {
		{ "'a b c'.split(' ')", "[\"a\",\"b\",\"c\"]" },
		{ "'a b c'.split(' ', 0)", "[]" },
		{ "'a b c'.split(' ', 1)", "[\"a b c\"]" },
		{ "'a b c'.split(' ', 2)", "[\"a\",\"b c\"]" },
		{ "'a b c'.split(' ', 9223372036854775807)", "[\"a\",\"b\",\"c\"]" },
		{ "'a b c'.split(' ', -1)", "[\"a\",\"b\",\"c\"]" },
		{ "' a '.split(' ')", "[\"\",\"a\",\"\"]" },
		{ "'abc'.split('abc')", "[\"\",\"\"]" },
		{ "'abc'.split('x')", "[\"abc\"]" },
		{ "''.split('x')", "[\"\"]" },
		{ "''.split('')", "[]" },
		{ "'" WIDE "'.split('')",
		  "[\"a\",\"\xc3\xa9\",\"\xe2\x82\xac\",\"\xf0\x9f\x90\xb1\",\"z\"]" },
		{ "'" WIDE "'.split('', 2)", "[\"a\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb1z\"]" },
		{ "'a,b'.split(',')[1]", "\"b\"" },
		{ "'a,b'.split(',').exists(x, x == 'b')", "true" },
		{ "'a'.split(data.nothing)", "!no such overload: split(string, null_type)" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

START_TEST(base64)
{
	static const struct world_row rows[] = {
		{ "base64.encode(b'')", "\"\"" },
		{ "base64.encode(b'f')", "\"Zg==\"" },
		{ "base64.encode(b'fo')", "\"Zm8=\"" },
		{ "base64.encode(b'foobar')", "\"Zm9vYmFy\"" },
		{ "base64.encode(b'\\xff\\xfe\\xfd')", "\"//79\"" },
		{ "base64.encode(bytes(data.umlaut))", "\"w7zigqw=\"" },
		{ "base64.encode('text')", "?no such overload: base64.encode(string)" },
		{ "base64.decode('') == b''", "true" },
		{ "base64.decode('Zg==') == b'f'", "true" },
		{ "base64.decode('Zg') == b'f'", "true" },
		{ "base64.decode('Zm8') == b'fo'", "true" },
		{ "base64.decode('Zm9vYg') == b'foob'", "true" },
		{ "base64.decode('Zm9v') == b'foo'", "true" },
		{ "base64.decode('//79') == b'\\xff\\xfe\\xfd'", "true" },
		{ "type(base64.decode('//79')) == bytes", "true" },
		{ "size(base64.decode('//79'))", "3" },
		{ "string(base64.decode('//79'))", "!the bytes are no UTF-8" },
		{ "base64.decode('Z')", "!no base64" },
		{ "base64.decode('Zm9vY')", "!no base64" },
		{ "base64.decode('Zg=')", "!no base64" },
		{ "base64.decode('=')", "!no base64" },
		{ "base64.decode('====')", "!no base64" },
		{ "base64.decode('Zg==Zg')", "!no base64" },
		{ "base64.decode('Zh==')", "!no base64" },
		{ "base64.decode('Zh')", "!no base64" },
		{ "base64.decode('Zm9v\\n')", "!no base64" },
		{ "base64.decode('-_8=')", "!no base64" },
		{ "base64.decode('\\u00e9\\u00e9')", "!no base64" },
		{ "base64.decode('Zm\\u0000v')", "!no base64" },
		{ NULL, NULL },
	};

	check(rows);
}
END_TEST

/* ---- Against a plain reference ---- */

static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Characters that are easily confused byte by byte. */
static const char *const letters[] = { "a", "b", "\xc3\xa9", "\xc3\xa8", "\xe2\x82\xac" };

/* A text of up to `most` characters of the first `kinds` letters; codes has one
 * number for each. */
static struct text random_text(struct arena *arena, uint64_t *state, uint32_t most, uint32_t kinds,
			       uint32_t *codes, int64_t *count)
{
	char *s = arena_alloc(arena, 4 * (size_t)most + 1);
	size_t n = 0;

	ck_assert_ptr_nonnull(s);
	*count = next_random(state) % (most + 1);
	for (int64_t i = 0; i < *count; i++) {
		codes[i] = next_random(state) % kinds;
		memcpy(s + n, letters[codes[i]], strlen(letters[codes[i]]));
		n += strlen(letters[codes[i]]);
	}
	return (struct text){ s, n };
}

struct pair {
	uint32_t hay[200], part[4];
	int64_t hay_n, part_n, at;
};

static bool stands_at(const struct pair *p, int64_t at)
{
	return at >= 0 && at + p->part_n <= p->hay_n &&
	       memcmp(p->hay + at, p->part, (size_t)p->part_n * sizeof(p->part[0])) == 0;
}

static int64_t first_from(const struct pair *p)
{
	for (int64_t at = p->at; at <= p->hay_n; at++) {
		if (stands_at(p, at))
			return at;
	}
	return -1;
}

static int64_t last_until(const struct pair *p)
{
	for (int64_t at = p->at; at >= 0; at--) {
		if (stands_at(p, at))
			return at;
	}
	return -1;
}

/* What holds whatever the texts are. */
static const char *const laws[] = {
	"data.hay.indexOf(data.part, data.at) == data.first",
	"data.hay.lastIndexOf(data.part, data.at) == data.last",
	"data.hay.indexOf(data.part) >= 0 ? data.hay.contains(data.part) : "
	"!data.hay.contains(data.part)",
	"data.hay.split(data.part).join(data.part) == data.hay",
	"data.hay.split(data.part, 3).join(data.part) == data.hay",
	"data.part == '' || data.hay.replace(data.part, '-') == "
	"data.hay.split(data.part).join('-')",
	"data.part == '' || data.hay.replace(data.part, data.part) == data.hay",
	"data.hay.reverse().reverse() == data.hay",
	"data.hay.reverse() == '' ? data.hay == '' : data.hay.reverse().charAt(0) == "
	"data.hay.charAt(size(data.hay) - 1)",
	"data.hay.substring(0, data.at) + data.hay.substring(data.at) == data.hay",
	"size(data.hay.substring(data.at)) == size(data.hay) - data.at",
	"data.hay.split('').join() == data.hay",
	"base64.decode(base64.encode(bytes(data.hay))) == bytes(data.hay)",
	"string(base64.decode(base64.encode(bytes(data.hay)).replace('=', ''))) == data.hay",
	"(' ' + data.hay + '\\u2003').trim() == data.hay",
	"data.hay.upperAscii().lowerAscii() == data.hay",
};

#define LAWS (sizeof(laws) / sizeof(laws[0]))

static struct value pair_value(struct arena *arena, const struct pair *p, struct text hay,
			       struct text part)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_set(&b, "hay", value_text(hay));
	value_map_set(&b, "part", value_text(part));
	value_map_set(&b, "at", value_int(p->at));
	value_map_set(&b, "first", value_int(first_from(p)));
	value_map_set(&b, "last", value_int(last_until(p)));
	return value_map_end(&b);
}

static void check_laws(struct cel_world *world, const struct cel_program *const *programs)
{
	for (size_t i = 0; i < LAWS; i++) {
		struct value v = world_run(world, programs[i]);

		if (v.kind == VALUE_BOOL && v.b)
			continue;
		ck_abort_msg("%s gave %s", laws[i], world_show(world, v));
	}
}

START_TEST(laws_hold_for_random_texts)
{
	struct cel_world world;
	const struct cel_program *programs[LAWS];
	struct arena *kept = arena_new("programs", 4 * MIB);
	struct cel_issue issue;
	uint64_t state = 2026;

	world_init(&world);
	for (size_t i = 0; i < LAWS; i++)
		ck_assert_msg(
		    cel_compile(world.env, kept, text_of(laws[i]), &programs[i], &issue) == FATE_OK,
		    "%s: %s", laws[i], issue.what);
	for (int round = 0; round < 3000; round++) {
		uint32_t kinds = next_random(&state) % 4 + 2, most = round % 10 == 0 ? 199 : 12;
		struct arena *arena = world.arena;
		struct text hay, part;
		struct pair p;

		hay = random_text(arena, &state, most, kinds, p.hay, &p.hay_n);
		part = random_text(arena, &state, 3, kinds, p.part, &p.part_n);
		if (part.n == 0 && round % 2 == 0)
			continue;
		p.at = next_random(&state) % (uint32_t)(p.hay_n + 1);
		world.data = pair_value(arena, &p, hay, part);
		check_laws(&world, programs);
		if (round % 100 == 0)
			arena_reset(
			    arena); /* the programs, all that is used again, live elsewhere */
	}
	world_fini(&world);
	arena_free(kept);
}
END_TEST

/* ---- Harm ---- */

/* data.text: n times a; data.list: n numbers; data.blank: n blanks. */
static void large_data(struct cel_world *world, uint32_t n)
{
	struct value_map_builder map;
	struct value_list_builder list;
	char *s = arena_alloc(world->arena, n), *blank = arena_alloc(world->arena, n);

	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_nonnull(blank);
	memset(s, 'a', n);
	memset(blank, ' ', n);
	value_list_begin(&list, world->arena);
	for (uint32_t i = 0; i < n; i++)
		value_list_add(&list, value_int(i));
	value_map_begin(&map, world->arena);
	value_map_set(&map, "list", value_list_end(&list));
	value_map_set(&map, "text", value_text((struct text){ s, n }));
	value_map_set(&map, "blank", value_text((struct text){ blank, n }));
	world->data = value_map_end(&map);
}

START_TEST(work_is_charged)
{
	static const struct world_row rows[] = {
		{ "size(data.text.reverse())", "50000" },
		{ "size(data.text.upperAscii())", "50000" },
		{ "size(data.text.split('a'))", "50001" },
		{ "size(data.blank.trim())", "0" },
		{ "data.text.lastIndexOf('b')", "-1" },
		{ "data.text.charAt(49999)", "\"a\"" },
		{ "data.list.exists(x, data.text.charAt(x) == 'b')", "!too many steps" },
		{ "data.list.exists(x, data.text.substring(x) == 'b')", "!too many steps" },
		{ "data.list.exists(x, data.text.indexOf('b') == 0)", "!too many steps" },
		{ "data.list.exists(x, data.text.indexOf('a', x) < 0)", "!too many steps" },
		{ "data.list.exists(x, data.text.lastIndexOf('b') == 0)", "!too many steps" },
		{ "data.list.exists(x, data.text.lastIndexOf('b', 3) == 0)", "!too many steps" },
		{ "data.list.exists(x, data.text.lowerAscii() == 'b')", "!too many steps" },
		{ "data.list.exists(x, data.text.reverse() == 'b')", "!too many steps" },
		{ "data.list.exists(x, data.blank.trim() == 'b')", "!too many steps" },
		{ "data.list.exists(x, data.text.split('b') == [])", "!too many steps" },
		{ "data.list.exists(x, data.text.split('') == [])", "!too many steps" },
		{ "data.list.exists(x, data.text.replace('b', 'c') == '')", "!too many steps" },
		{ "data.list.exists(x, strings.quote(data.text) == '')", "!too many steps" },
		{ "data.list.exists(x, [data.text].join(',') == '')", "!too many steps" },
		{ "data.list.exists(x, base64.encode(bytes(data.text)) == '')", "!too many steps" },
		{ "data.list.exists(x, base64.decode(data.text) == b'')", "!too many steps" },
		{ NULL, NULL },
	};
	struct cel_world world;

	world_init(&world);
	large_data(&world, 50000);
	world_check(&world, rows);
	world_fini(&world);
}
END_TEST

START_TEST(results_are_bounded)
{
	static const struct world_row rows[] = {
		/* 20 * 60,000 bytes */
		{ "data.text.substring(0, 20).replace('a', data.text)",
		  "!a text of more than 1048576 bytes is too long" },
		{ "data.text.substring(0, 20).replace('', data.text)", "!1048576 bytes" },
		{ "data.text.substring(0, 20).split('').map(x, data.text).join()",
		  "!1048576 bytes" },
		{ "size([1, 2, 3].map(x, '').join(data.text))", "120000" },
		{ "size(data.text.replace('', ''))", "60000" },
		{ "size(data.text.replace('a', 'aa'))", "120000" },
		{ "data.text.replace('a', 'aaaaaaaaaaaaaaaaaaaa')", "!1048576 bytes" },
		/* the ceiling is an error like others, a spent budget is not */
		{ "default(data.text.substring(0, 20).replace('a', data.text), 'x')", "\"x\"" },
		{ "default([1, 2, 3, 4].map(x, data.text.replace('a', 'b')), 'x')",
		  "!too many steps" },
		{ NULL, NULL },
	};
	struct cel_world world;

	world_init(&world);
	large_data(&world, 60000);
	world_check(&world, rows);
	world_fini(&world);
}
END_TEST

START_TEST(a_spent_arena_is_an_error)
{
	static const char *const exprs[] = {
		"data.text.reverse()",         "data.text.upperAscii()",
		"data.text.split('a')",        "data.text.lastIndexOf('b')",
		"data.text.replace('a', 'b')", "strings.quote(data.text)",
		"[data.text].join('-')",       "base64.encode(bytes(data.text))",
		"base64.decode(data.text)",    "'%s'.format([data.text])",
	};
	struct cel_world world;
	struct cel_vars vars = { world_lookup, &world };

	world_init(&world);
	large_data(&world, 60000);
	for (size_t i = 0; i < sizeof(exprs) / sizeof(exprs[0]); i++) {
		struct arena *small = arena_new("small", 16 * KIB);
		const struct cel_program *p;
		struct cel_issue issue;
		struct value v;

		ck_assert_int_eq(cel_compile(world.env, world.arena, text_of(exprs[i]), &p, &issue),
				 FATE_OK);
		v = cel_eval(p, small, &vars);
		ck_assert_msg(world_is(world_show(&world, v), "!too much memory"), "%s gave %.100s",
			      exprs[i], buf_cstr(&world.out));
		arena_free(small);
	}
	world_fini(&world);
}
END_TEST

UNIT_MAIN("cel_strings", positions_count_characters, searching, new_texts, splitting, base64,
	  laws_hold_for_random_texts, work_is_charged, results_are_bounded,
	  a_spent_arena_is_an_error)
