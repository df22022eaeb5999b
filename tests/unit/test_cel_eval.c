/* SPDX-License-Identifier: Apache-2.0
 *
 * What expressions evaluate to: one row per rule of langdef.md. */
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

START_TEST(literals)
{
	static const struct world_row rows[] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "9223372036854775808", "?too large for an int" },
		{ "18446744073709551616", "?too large" },
		{ "0x0", "0" },
		{ "0xfF", "255" },
		{ "-0x10", "-16" },
		{ "0x7fffffffffffffff", "9223372036854775807" },
		{ "0xffffffffffffffffu", "18446744073709551615u" },
		{ "1u", "1u" },
		{ "1U", "1u" },
		{ "18446744073709551615u", "18446744073709551615u" },
		{ "18446744073709551616u", "?too large" },
		{ "1.0", "1.0" },
		{ ".5", "0.5" },
		{ "1e3", "1000.0" },
		{ "1E+3", "1000.0" },
		{ "2.5e-1", "0.25" },
		{ "-1.5", "-1.5" },
		{ "1e999", "?too large" },
		{ "true", "true" },
		{ "false", "false" },
		{ "null", "null" },
		{ "\"\"", "\"\"" },
		{ "''", "\"\"" },
		{ "'a\"b'", "\"a\\\"b\"" },
		{ "\"a'b\"", "\"a'b\"" },
		{ "'\\a\\b\\f\\n\\r\\t\\v' == \"\\x07\\x08\\x0c\\x0a\\x0d\\x09\\x0b\"", "true" },
		{ "'\\\\\\?\\\"\\'\\`'", "\"\\\\?\\\"'`\"" },
		{ "'\\x41\\X42\\103'", "\"ABC\"" },
		{ "'\\u00fc\\U0001F600'", "\"\xc3\xbc\xf0\x9f\x98\x80\"" },
		{ "'\\xff'", "\"\xc3\xbf\"" },
		{ "'\\377'", "\"\xc3\xbf\"" },
		{ "'\\000'", "\"\\u0000\"" },
		{ "r'\\n'", "\"\\\\n\"" },
		{ "R\"\\\"", "\"\\\\\"" },
		{ "'''a\nb'c''d'''", "\"a\\nb'c''d\"" },
		{ "\"\"\"a\"b\"\"\"", "\"a\\\"b\"" },
		{ "r'''\\'''", "\"\\\\\"" },
		{ "b'abc'", "\"YWJj\"" },
		{ "B'\\xff\\000'", "\"/wA=\"" },
		{ "br'\\x'", "\"XHg=\"" },
		{ "b'\xc3\xbc' == b'\\303\\274'", "true" },
		{ "b'''x'''", "\"eA==\"" },
		{ "[]", "[]" },
		{ "[1, 'a', 1.5, null]", "[1,\"a\",1.5,null]" },
		{ "[1, 2, ]", "[1,2]" },
		{ "{}", "{}" },
		{ "{'a': 1, 'b': [2]}", "{\"a\":1,\"b\":[2]}" },
		{ "{1: 'a', 2u: 'b', true: 'c'}[2]", "\"b\"" },
		{ "{'a': 1, }", "{\"a\":1}" },
		{ "{'a': 1, 'a': 2}", "!stands twice" },
		{ "{1: 1, 1u: 2}", "!stands twice" },
		{ "{1.5: 1}", "?a map's key" },
		{ "{dyn(1.5): 1}", "!a map's key" },
		{ "{[]: 1}", "?a map's key" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(names_and_blanks)
{
	static const struct world_row rows[] = {
		{ " \t\r\n\f1", "1" },
		{ "1 // one\n + 2 // two", "3" },
		{ "// nothing\n1", "1" },
		{ "data.title", "\"Acme\"" },
		{ ".data.title", "\"Acme\"" },
		{ "data . title", "\"Acme\"" },
		{ "data.status.key", "305" },
		{ "data['title']", "\"Acme\"" },
		{ "data[\"status\"]['name']", "\"Red\"" },
		{ "data.`with-dash`", "1" },
		{ "data.package", "\"p\"" },
		{ "data['with-dash']", "1" },
		{ "(data).title", "\"Acme\"" },
		{ "data['ti' + 'tle']", "\"Acme\"" },
		{ "data.nosuch", "!no such key: nosuch (in data.nosuch)" },
		{ "data['nosuch']", "!no such key: nosuch" },
		{ "data.status.nosuch.deeper", "!no such key: nosuch (in data.status.nosuch)" },
		{ "data.title.length", "!no such field: length" },
		{ "data.nothing.x", "!the value before it is null" },
		{ "before.title", "!no such field: title, the value before it is null" },
		{ "absent", "!no such value: absent" },
		{ "absent.x", "!no such value: absent" },
		{ "ctx.now", "!no such value: ctx.now" },
		{ "data.tags[0]", "\"a\"" },
		{ "data.tags[2u]", "\"c\"" },
		{ "data.tags[1.0]", "\"b\"" },
		{ "data.tags[1.5]", "!no such overload" },
		{ "data.tags[3]", "!index out of bounds" },
		{ "data.tags[-1]", "!index out of bounds" },
		{ "timestamp(0).getHours('Europe/Paris'.lowerAscii())", "!no time zone" },
		{ "true || 'a'.matches('(' + '(')", "true" },
		{ "data.tags['a']", "!no such field" },
		{ "data.tags[data.id]", "!no such overload" },
		{ "data.items[1].n", "2" },
		{ "data.big", "18446744073709551615u" },
		{ "{1: 'x'}[1.0]", "\"x\"" },
		{ "{1: 'x'}[2]", "!no such key: 2" },
		{ "{true: 'x'}[false]", "!no such key: false" },
		{ "{'a': 1}[dyn([])]", "!no such overload" },
		{ "data.title[0]", "!no such overload: string[int]" },
		{ "int", "\"int\"" },
		{ "type(1) == int && type('') == string && type([]) == list", "true" },
		{ "type(null) == null_type && type({}) == map && type(b'') == bytes", "true" },
		{ "type(type(1)) == type && type(1u) == uint && type(1.0) == double", "true" },
		{ "type(timestamp(0)) == google.protobuf.Timestamp", "true" },
		{ "type(duration('1s')) == google.protobuf.Duration", "true" },
		{ "[1].all(int, int > 0)", "true" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(arithmetic)
{
	static const struct world_row rows[] = {
		{ "1 + 2 * 3", "7" },
		{ "(1 + 2) * 3", "9" },
		{ "10 - 3 - 2", "5" },
		{ "7 / 2", "3" },
		{ "-7 / 2", "-3" },
		{ "7 % 3", "1" },
		{ "-7 % 3", "-1" },
		{ "7 % -3", "1" },
		{ "1 / 0", "!division by zero" },
		{ "1 % 0", "!modulus by zero" },
		{ "1u / 0u", "!division by zero" },
		{ "1.0 / 0.0", "\"Infinity\"" },
		{ "-1.0 / 0.0", "\"-Infinity\"" },
		{ "9223372036854775807 + 1", "!integer overflow" },
		{ "-9223372036854775808 - 1", "!integer overflow" },
		{ "9223372036854775807 * 2", "!integer overflow" },
		{ "-9223372036854775808 / -1", "!integer overflow" },
		{ "-9223372036854775808 % -1", "!integer overflow" },
		{ "-(-9223372036854775808)", "!integer overflow" },
		{ "18446744073709551615u + 1u", "!unsigned integer overflow" },
		{ "0u - 1u", "!unsigned integer overflow" },
		{ "18446744073709551615u * 2u", "!unsigned integer overflow" },
		{ "5u - 3u", "2u" },
		{ "7u % 4u", "3u" },
		{ "1.5 + 2.5", "4.0" },
		{ "0.1 + 0.2 == 0.3", "false" },
		{ "1.5 * 2.0", "3.0" },
		{ "1.0 - 0.5", "0.5" },
		{ "dyn(1.0) % 2.0", "?no such overload: dyn % double" },
		{ "dyn(1.0) % dyn(2.0)", "!no such overload: double % double" },
		{ "--5", "5" },
		{ "---5", "-5" },
		{ "-data.price_in_cents", "-100" },
		{ "-data.percent", "-101.5" },
		{ "-data.title", "!no such overload: -string" },
		{ "-data.big", "!no such overload: -uint" },
		{ "'a' + 'b' + 'c'", "\"abc\"" },
		{ "'' + ''", "\"\"" },
		{ "b'a' + b'b'", "\"YWI=\"" },
		{ "[1] + [2, 3] + []", "[1,2,3]" },
		{ "data.title + '!'", "\"Acme!\"" },
		{ "data.price_in_cents + 1", "101" },
		{ "data.price_in_cents * 1.5", "!no such overload: int * double; convert" },
		{ "data.price_in_cents * 1.5", "!(in data.price_in_cents * 1.5)" },
		{ "num(data.price_in_cents) * 1.5", "150.0" },
		{ "data.title + 1", "!write string(...) around the number" },
		{ "data.over_budget + data.over_budget", "!no such overload: bool + bool" },
		{ "dyn({}) + dyn({})", "!no such overload: map + map" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(comparisons)
{
	static const struct world_row rows[] = {
		{ "1 < 2", "true" },
		{ "2 <= 2", "true" },
		{ "2 > 2", "false" },
		{ "2 >= 3", "false" },
		{ "1 == 1", "true" },
		{ "1 != 1", "false" },
		{ "1 == 1u", "true" },
		{ "1 == 1.0", "true" },
		{ "1u == 1.0", "true" },
		{ "1 < 1.5", "true" },
		{ "2u > 1", "true" },
		{ "-1 < 0u", "true" },
		{ "dyn(-1) == 18446744073709551615u", "false" },
		{ "9007199254740993 == 9007199254740992.0", "false" },
		{ "double('NaN') == double('NaN')", "false" },
		{ "double('NaN') != double('NaN')", "true" },
		{ "double('NaN') < 1.0", "false" },
		{ "dyn(double('NaN')) >= 1", "false" },
		{ "0.0 == -0.0", "true" },
		{ "'a' < 'b'", "true" },
		{ "'a' < 'aa'", "true" },
		{ "'B' < 'a'", "true" },
		{ "'a' >= 'b'", "false" },
		{ "'\xc3\xbc' > 'z'", "true" },
		{ "b'a' < b'b'", "true" },
		{ "false < true", "true" },
		{ "true <= false", "false" },
		{ "null == null", "true" },
		{ "data.nothing == null", "true" },
		{ "data.title != null", "true" },
		{ "before == null", "true" },
		{ "[1, 2] == [1.0, 2u]", "true" },
		{ "[1, 2] == [2, 1]", "false" },
		{ "[] == []", "true" },
		{ "[[1]] == [[1]]", "true" },
		{ "{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1}", "true" },
		{ "{'a': 1} == {'a': 2}", "false" },
		{ "{'a': 1} == {'b': 1}", "false" },
		{ "{1: 1} == {1u: 1}", "true" },
		{ "dyn(1) == 'a'", "false" },
		{ "dyn(1) != 'a'", "true" },
		{ "dyn([]) == dyn({})", "false" },
		{ "dyn(1) < 'a'", "!no such overload: int < string" },
		{ "data.title > 5", "!no such overload: string > int" },
		{ "data.nothing < 1", "!no such overload" },
		{ "dyn([1]) < [2]", "?" },
		{ "dyn([1]) < dyn([2])", "!no such overload: list < list" },
		{ "data.percent > 100", "true" },
		{ "data.price_in_cents >= 100.0", "true" },
		{ "data.price_in_cents == 100u", "true" },
		{ "data.big > 9223372036854775807", "true" },
		{ "data.title == 'Acme'", "true" },
		{ "data.title == 'acme'", "false" },
		{ "data.title != 'x'", "true" },
		{ "int == int && int != string", "true" },
		{ "1 < 2 == true", "true" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(logic)
{
	static const struct world_row rows[] = {
		{ "true && true", "true" },
		{ "true && false", "false" },
		{ "false || true", "true" },
		{ "false || false", "false" },
		{ "!true", "false" },
		{ "!!true", "true" },
		{ "!data.over_budget", "false" },
		{ "true || false && false", "true" },
		{ "(true || false) && false", "false" },
		{ "false && 1 / 0 > 0", "false" },
		{ "1 / 0 > 0 && false", "false" },
		{ "true || 1 / 0 > 0", "true" },
		{ "1 / 0 > 0 || true", "true" },
		{ "1 / 0 > 0 || false", "!division by zero" },
		{ "true && 1 / 0 > 0", "!division by zero" },
		{ "1 / 0 > 0 || 1 % 0 > 0", "!division by zero" },
		{ "1 / 0 > 0 && 1 % 0 > 0 && false", "false" },
		{ "data.nosuch == 1 || data.title == 'Acme'", "true" },
		{ "data.title == 'x' || data.nosuch == 1", "!no such key: nosuch" },
		{ "data.nosuch && false", "false" },
		{ "data.title && false", "false" },
		{ "data.title && true", "!&& needs a bool (in data.title)" },
		{ "data.title || true", "true" },
		{ "data.title || false", "!|| needs a bool (in data.title)" },
		{ "!data.title", "!! needs a bool" },
		{ "fails() || true", "true" },
		{ "fails() && true", "!the host says no (in fails())" },
		{ "absent == 1 || true", "true" },
		{ "true ? 1 : 2", "1" },
		{ "false ? 1 : 2", "2" },
		{ "true ? 1 : 1 / 0", "1" },
		{ "false ? 1 / 0 : 2", "2" },
		{ "1 / 0 > 0 ? 1 : 2", "!division by zero" },
		{ "data.title ? 1 : 2", "!?: needs a bool" },
		{ "false ? 1 : false ? 2 : 3", "3" },
		{ "true ? false ? 1 : 2 : 3", "2" },
		{ "true ? 1 : 'a'", "1" },
		{ "1 in [1, 2]", "true" },
		{ "3 in [1, 2]", "false" },
		{ "1.0 in [1]", "true" },
		{ "'a' in data.tags", "true" },
		{ "'z' in data.tags", "false" },
		{ "!('z' in data.tags)", "true" },
		{ "'title' in data", "true" },
		{ "'nosuch' in data", "false" },
		{ "1 in {1u: 2}", "true" },
		{ "[1] in [[1], [2]]", "true" },
		{ "'a' in data.title", "!write text.contains(part)" },
		{ "'a' in data.nothing", "!no such overload: string in null_type" },
		{ "data.stage in ['project', 'delivery']", "true" },
		{ "1 + 1 in [2]", "true" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(macros)
{
	static const struct world_row rows[] = {
		{ "has(data.title)", "true" },
		{ "has(data.nosuch)", "false" },
		{ "has(data.nothing)", "true" },
		{ "has(data.status.key)", "true" },
		{ "has(data.nosuch.key)", "!no such key: nosuch" },
		{ "has(before.title)", "!no such field" },
		{ "has(data.title.x)", "!no such field" },
		{ "has({'a': 1}.a)", "true" },
		{ "!has(data.nosuch) || data.nosuch == 1", "true" },
		{ "[1, 2, 3].all(x, x > 0)", "true" },
		{ "[1, 2, 3].all(x, x > 1)", "false" },
		{ "[].all(x, x > 1)", "true" },
		{ "[1, 2, 3].exists(x, x > 2)", "true" },
		{ "[1, 2, 3].exists(x, x > 3)", "false" },
		{ "[].exists(x, true)", "false" },
		{ "[1, 2, 3].exists_one(x, x > 2)", "true" },
		{ "[1, 2, 3].exists_one(x, x > 1)", "false" },
		{ "[1, 2, 3].existsOne(x, x > 5)", "false" },
		{ "[1, 2, 3].map(x, x * 2)", "[2,4,6]" },
		{ "[1, 2, 3].map(x, x > 1, x * 2)", "[4,6]" },
		{ "[1, 2, 3].filter(x, x > 1)", "[2,3]" },
		{ "{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])", "true" },
		{ "{'a': 1, 'b': 2}.map(k, k)", "[\"a\",\"b\"]" },
		{ "{'a': 1, 'b': 2}.filter(k, k == 'a')", "[\"a\"]" },
		{ "{'a': 1}.exists(k, k == 'a')", "true" },
		{ "[0, 1].all(x, 1 / x > 5)", "false" },
		{ "[0, 1].exists(x, 1 / x == 1)", "true" },
		{ "[0, 1].all(x, 1 / x > 0)", "!division by zero" },
		{ "[0, 1].exists(x, 1 / x > 5)", "!division by zero" },
		{ "[1, 0].exists_one(x, 1 / x == 1)", "!division by zero" },
		{ "[0].map(x, 1 / x)", "!division by zero" },
		{ "[0].filter(x, 1 / x > 0)", "!division by zero" },
		{ "[1].all(x, dyn(x))", "!needs a bool" },
		{ "[1].filter(x, dyn(x))", "!needs a bool" },
		{ "data.title.all(x, true)", "!goes over a list or a map, not string" },
		{ "data.items.all(i, i.n > 0)", "true" },
		{ "data.items.exists(i, i.done)", "true" },
		{ "data.items.exists(i, has(i.done) && !i.done)", "true" },
		{ "data.items.filter(i, default(i.done, false)).map(i, i.n)", "[1]" },
		{ "data.items.map(i, i.n)", "[1,2,3]" },
		{ "[[1, 2], [3]].map(x, x.map(y, y + 1))", "[[2,3],[4]]" },
		{ "[[1, 2], [3]].all(x, x.all(y, y in x))", "true" },
		{ "[1, 2].map(x, [10, 20].map(y, x * y))", "[[10,20],[20,40]]" },
		{ "[1].map(x, [2].map(x, x))", "[[2]]" },
		{ "[1].map(x, [2].map(y, [3].map(z, x + y + z)))", "[[[6]]]" },
		{ "[1].map(data, data + 1)", "[2]" },
		{ "default(data.title, 'nobody')", "\"Acme\"" },
		{ "default(data.nosuch, 'nobody')", "\"nobody\"" },
		{ "default(data.nothing, 'nobody')", "\"nobody\"" },
		{ "default(before.title, 1 + 1)", "2" },
		{ "default(absent, 1)", "1" },
		{ "default(1 / 0, default(data.nosuch, 7))", "7" },
		{ "default(data.a.b.c, data.x.y)", "!no such key: x" },
		{ "default(fails(), true)", "true" },
		{ "default(data.tags[9], 'none')", "\"none\"" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(texts)
{
	static const struct world_row rows[] = {
		{ "size('')", "0" },
		{ "size('abc')", "3" },
		{ "size('\xc3\xbc\xe2\x82\xac')", "2" },
		{ "'abc'.size()", "3" },
		{ "size(b'abc')", "3" },
		{ "size([1, 2])", "2" },
		{ "[].size()", "0" },
		{ "size({'a': 1})", "1" },
		{ "size(data.umlaut)", "2" },
		{ "size(data.tags)", "3" },
		{ "data.tags.size()", "3" },
		{ "size(data.price_in_cents)", "!no such overload: size(int)" },
		{ "size(data.nothing)", "!no such overload: size(null_type)" },
		{ "'abc'.contains('b')", "true" },
		{ "'abc'.contains('')", "true" },
		{ "'abc'.contains('d')", "false" },
		{ "['a', 'b'].join(', ')", "\"a, b\"" },
		{ "[].join()", "\"\"" },
		{ "'añb'.substring(1, 2)", "\"ñ\"" },
		{ "'abc'.substring(3)", "\"\"" },
		{ "'abc'.startsWith('ab')", "true" },
		{ "'abc'.startsWith('b')", "false" },
		{ "'abc'.endsWith('bc')", "true" },
		{ "'abc'.endsWith('b')", "false" },
		{ "''.startsWith('')", "true" },
		{ "data.title.startsWith('Ac')", "true" },
		{ "data.price_in_cents.startsWith('1')",
		  "!no such overload: startsWith(int, string)" },
		{ "'abc'.matches('^a.c$')", "true" },
		{ "'xabcx'.matches('abc')", "true" },
		{ "'abc'.matches('^b')", "false" },
		{ "matches('abc', 'b+')", "true" },
		{ "'\xe2\x82\xac'.matches('^.$')", "true" },
		{ "data.title.matches('^A')", "true" },
		{ "data.title.matches(data.title)", "true" },
		{ "data.tags.all(t, t.matches(t))", "true" },
		{ "data.title.matches('(' + data.title)", "!malformed pattern" },
		{ "'a'.matches('(')", "?malformed" },
		{ "'a'.matches('a{1001}')", "?malformed" },
		{ "'a'.matches(r'(\\w)\\1')", "?malformed" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(conversions)
{
	static const struct world_row rows[] = {
		{ "int(1)", "1" },
		{ "int(1u)", "1" },
		{ "int(18446744073709551615u)", "!out of range for int" },
		{ "int(1.9)", "1" },
		{ "int(-1.9)", "-1" },
		{ "int(1e30)", "!out of range for int" },
		{ "int(double('NaN'))", "!out of range for int" },
		{ "int('42')", "42" },
		{ "int('-42')", "-42" },
		{ "int('4x')", "!\"4x\" is no int" },
		{ "int('')", "!is no int" },
		{ "int('9223372036854775808')", "!is no int" },
		{ "int(timestamp('1970-01-01T00:01:00Z'))", "60" },
		{ "int(data.over_budget)", "!no such overload: int(bool)" },
		{ "int(data.amount)", "!is no int" },
		{ "uint(1)", "1u" },
		{ "uint(-1)", "!out of range for uint" },
		{ "uint(1.9)", "1u" },
		{ "uint(-1.5)", "!out of range for uint" },
		{ "uint('18446744073709551615')", "18446744073709551615u" },
		{ "uint('-1')", "!is no uint" },
		{ "double(1)", "1.0" },
		{ "double(2u)", "2.0" },
		{ "double('2.5')", "2.5" },
		{ "double('-1e3')", "-1000.0" },
		{ "double('1e999')", "!is no number" },
		{ "double('0x10')", "!is no number" },
		{ "double('1 ')", "!is no number" },
		{ "double('Infinity')", "\"Infinity\"" },
		{ "double('-inf')", "\"-Infinity\"" },
		{ "num(1)", "1.0" },
		{ "num(1u)", "1.0" },
		{ "num(1.5)", "1.5" },
		{ "num(data.amount)", "12.5" },
		{ "num('x')", "!\"x\" is no number" },
		{ "num('NaN')", "!is no number" },
		{ "num(data.nothing)", "!no such overload: num(null_type)" },
		{ "num(data.over_budget)", "!no such overload: num(bool)" },
		{ "string(1)", "\"1\"" },
		{ "string(-1)", "\"-1\"" },
		{ "string(1u)", "\"1\"" },
		{ "string(1.5)", "\"1.5\"" },
		{ "string(1.0)", "\"1\"" },
		{ "string(0.1)", "\"0.1\"" },
		{ "string(1e100)", "\"1e+100\"" },
		{ "string(true)", "\"true\"" },
		{ "string('a')", "\"a\"" },
		{ "string(b'a\\303\\274')", "\"a\xc3\xbc\"" },
		{ "string(b'\\xff')", "!no UTF-8" },
		{ "string(timestamp('2013-04-15T16:48:48-07:00'))", "\"2013-04-15T23:48:48Z\"" },
		{ "string(duration('90m'))", "\"5400s\"" },
		{ "string(duration('-1.5s'))", "\"-1.5s\"" },
		{ "string(data.tags)", "!no such overload: string(list)" },
		{ "bytes('\xc3\xbc')", "\"w7w=\"" },
		{ "bytes(b'a')", "\"YQ==\"" },
		{ "bytes(dyn(1))", "!no such overload: bytes(int)" },
		{ "bool('true')", "true" },
		{ "bool('False')", "false" },
		{ "bool('1')", "true" },
		{ "bool('t')", "true" },
		{ "bool('yes')", "!\"yes\" is no bool" },
		{ "bool(true)", "true" },
		{ "type(dyn(1)) == int", "true" },
		{ "dyn('a')", "\"a\"" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(times)
{
	static const struct world_row rows[] = {
		{ "timestamp('2009-02-13T23:31:30Z')", "\"2009-02-13T23:31:30Z\"" },
		{ "timestamp('2009-02-13T23:31:30.123456789Z')",
		  "\"2009-02-13T23:31:30.123456789Z\"" },
		{ "timestamp(1234567890)", "\"2009-02-13T23:31:30Z\"" },
		{ "timestamp(data.created_at)", "\"2013-04-15T23:48:48Z\"" },
		{ "timestamp(timestamp(0))", "\"1970-01-01T00:00:00Z\"" },
		{ "timestamp('yesterday')", "!is no timestamp" },
		{ "timestamp('2009-02-30T00:00:00Z')", "!is no timestamp" },
		{ "timestamp(253402300800)", "!out of range" },
		{ "timestamp(-62135596801)", "!out of range" },
		{ "timestamp(data.over_budget)", "!no such overload: timestamp(bool)" },
		{ "duration('1h30m')", "\"5400s\"" },
		{ "duration('1.5h')", "\"5400s\"" },
		{ "duration('100ms')", "\"0.1s\"" },
		{ "duration('1us')", "\"0.000001s\"" },
		{ "duration('1ns')", "\"0.000000001s\"" },
		{ "duration('-2s')", "\"-2s\"" },
		{ "duration('0')", "\"0s\"" },
		{ "duration('1d')", "!is no duration" },
		{ "duration('')", "!is no duration" },
		{ "duration('1')", "!is no duration" },
		{ "duration('h')", "!is no duration" },
		{ "duration('999999999999h')", "!is no duration" },
		{ "duration(duration('1s'))", "\"1s\"" },
		{ "timestamp(0) + duration('1m')", "\"1970-01-01T00:01:00Z\"" },
		{ "duration('1m') + timestamp(0)", "\"1970-01-01T00:01:00Z\"" },
		{ "timestamp(60) - duration('90s')", "\"1969-12-31T23:59:30Z\"" },
		{ "timestamp(60) - timestamp(0)", "\"60s\"" },
		{ "timestamp(0) - timestamp(60)", "\"-60s\"" },
		{ "timestamp(0) - duration('1ns')", "\"1969-12-31T23:59:59.999999999Z\"" },
		{ "duration('1m') + duration('1s')", "\"61s\"" },
		{ "duration('1s') - duration('1.5s')", "\"-0.5s\"" },
		{ "dyn(timestamp(0)) + dyn(timestamp(0))", "!no such overload" },
		{ "dyn(duration('1s')) - dyn(timestamp(0))", "!no such overload" },
		{ "timestamp('9999-12-31T23:59:59Z') + duration('1s')", "!out of range" },
		{ "timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "!out of range" },
		{ "timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')",
		  "!out of range" },
		{ "timestamp(0) < timestamp(1)", "true" },
		{ "duration('1s') < duration('1.5s')", "true" },
		{ "duration('60s') == duration('1m')", "true" },
		{ "timestamp('2013-04-15T16:48:48-07:00') == timestamp(data.created_at)", "true" },
		{ "event.time > timestamp('2023-01-01T00:00:00Z')", "true" },
		{ "event.time.getMilliseconds()", "123" },
		{ "timestamp('2009-02-13T23:31:30Z').getFullYear()", "2009" },
		{ "timestamp('2009-02-13T23:31:30Z').getMonth()", "1" },
		{ "timestamp('2009-02-13T23:31:30Z').getDate()", "13" },
		{ "timestamp('2009-02-13T23:31:30Z').getDayOfMonth()", "12" },
		{ "timestamp('2009-02-13T23:31:30Z').getDayOfYear()", "43" },
		{ "timestamp('2009-02-13T23:31:30Z').getDayOfWeek()", "5" },
		{ "timestamp('2009-02-13T23:31:30Z').getHours()", "23" },
		{ "timestamp('2009-02-13T23:31:30Z').getMinutes()", "31" },
		{ "timestamp('2009-02-13T23:31:30Z').getSeconds()", "30" },
		{ "timestamp('2009-02-13T23:31:30Z').getHours('+02:30')", "2" },
		{ "timestamp('2009-02-13T23:31:30Z').getMinutes('-00:45')", "46" },
		{ "timestamp('2009-02-13T23:31:30Z').getDate('01:00')", "14" },
		{ "timestamp('2009-02-13T23:31:30Z').getHours('America/Los_Angeles')", "15" },
		{ "timestamp('2009-07-13T23:31:30Z').getHours('Europe/Berlin')", "1" },
		{ "timestamp('2009-07-13T23:31:30Z').getMilliseconds('Europe/Berlin')", "0" },
		{ "timestamp('2009-07-13T23:31:30Z').getHours('UTC')", "23" },
		{ "timestamp(0).getHours('Europe/' + string(data.title))", "!no time zone" },
		{ "timestamp(0).getHours('Nowhere/At_All')", "?no time zone" },
		{ "timestamp(0).getHours('../../etc/passwd')", "?no time zone" },
		{ "['UTC', 'Europe/Berlin', 'UTC'].map(z, event.time.getHours(z))", "[22,23,22]" },
		{ "duration('3725.5s').getHours()", "1" },
		{ "duration('3725.5s').getMinutes()", "62" },
		{ "duration('3725.5s').getSeconds()", "3725" },
		{ "duration('3725.5s').getMilliseconds()", "500" },
		{ "dyn(duration('2h')).getHours()", "2" },
		{ "dyn(timestamp(7200)).getHours()", "2" },
		{ "data.title.getHours()", "!no such overload: getHours(string)" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(calls_of_the_host)
{
	static const struct world_row rows[] = {
		{ "raw(1)", "1" },
		{ "changed('status.key')", "\"status.key\"" },
		{ "changed(data.title)", "\"Acme\"" },
		{ "changed(data.price_in_cents)", "!no such overload: changed(int)" },
		{ "many.args(1, 2, 3, 4, 5, 6, 7, 8)", "1" },
		{ "many.args(1, 2, 3, 4, 5, data.nosuch)", "!no such key" },
		{ "raw(data.nosuch)", "!no such key: nosuch" },
		{ "data.title == 'Acme' && data.stage == 'project' && asked('') == 1", "true" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(programs_answer_questions)
{
	struct cel_issue issue;
	const struct cel_program *p;

	ck_assert_int_eq(cel_compile(world.env, world.arena, TEXT("raw(data.x)"), &p, &issue),
			 FATE_OK);
	ck_assert(cel_program_is_call(p, "raw"));
	ck_assert(!cel_program_is_call(p, "changed"));
	ck_assert_int_eq(cel_program_type(p), CEL_DYN);
	ck_assert(text_is(cel_program_text(p), "raw(data.x)"));
	ck_assert_int_eq(cel_compile(world.env, world.arena, TEXT("1 + 1"), &p, &issue), FATE_OK);
	ck_assert(!cel_program_is_call(p, "raw"));
	ck_assert_int_eq(cel_program_type(p), CEL_INT);
	ck_assert(value_equal(cel_eval(p, world.arena, NULL), value_int(2)));
	ck_assert_int_eq(cel_compile(world.env, world.arena, TEXT("data.a > 1"), &p, &issue),
			 FATE_OK);
	ck_assert_int_eq(cel_program_type(p), CEL_BOOL);
	ck_assert_str_eq(cel_type_name(CEL_DYN), "dyn");
	ck_assert_str_eq(cel_type_name(CEL_TEXT), "string");
}
END_TEST

START_TEST(a_program_outlives_its_text)
{
	char text[] = "data.title + 'x' == 'Acmex' && data.tags[0].matches('^a')";
	struct cel_issue issue;
	const struct cel_program *p;

	ck_assert_int_eq(cel_compile(world.env, world.arena, text_of(text), &p, &issue), FATE_OK);
	memset(text, '#', sizeof(text) - 1);
	ck_assert_str_eq(world_show(&world, world_run(&world, p)), "true");
	ck_assert_int_eq(world.lookups[WORLD_DATA], 1);
	ck_assert_int_eq(world.lookups[WORLD_EVENT], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_eval");
	TCase *tc = tcase_create("cel_eval");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, literals);
	tcase_add_test(tc, names_and_blanks);
	tcase_add_test(tc, arithmetic);
	tcase_add_test(tc, comparisons);
	tcase_add_test(tc, logic);
	tcase_add_test(tc, macros);
	tcase_add_test(tc, texts);
	tcase_add_test(tc, conversions);
	tcase_add_test(tc, times);
	tcase_add_test(tc, calls_of_the_host);
	tcase_add_test(tc, programs_answer_questions);
	tcase_add_test(tc, a_program_outlives_its_text);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
