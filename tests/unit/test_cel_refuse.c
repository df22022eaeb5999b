/* SPDX-License-Identifier: Apache-2.0
 *
 * What is refused when an expression is compiled: the words, the hint, the place. */
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

START_TEST(syntax)
{
	static const struct world_row rows[] = {
		{ "", "?the expression is empty" },
		{ "  // nothing", "?the expression is empty" },
		{ "data.x = 1", "?unexpected \"=\" | use == to compare" },
		{ "data.x === 1", "?unexpected \"===\" | use ==" },
		{ "data.x !== 1", "?unexpected \"!==\" | use !=" },
		{ "data.x <> 1", "?unexpected \"<>\" | use !=" },
		{ "data.x =< 1", "?unexpected \"=<\" | use <=" },
		{ "data.x => 1", "?unexpected \"=>\" | use >=" },
		{ "data.x & true", "?unexpected \"&\" | use && for and" },
		{ "data.x | true", "?unexpected \"|\" | use || for or" },
		{ "data.x and data.y",
		  "?unexpected \"and\", expected an operator or the end | use &&" },
		{ "data.x AND data.y", "?| use && for and" },
		{ "data.x or data.y", "?| use || for or" },
		{ "not data.x",
		  "?unexpected \"data\", expected an operator or the end | use ! for not" },
		{ "data.x is null", "?| use == to compare" },
		{ "data.x IS NULL", "?| use == to compare" },
		{ "data.x LIKE 'a%'", "?| use text.matches(\"pattern\")" },
		{ "data.x IN ['a']", "?| write value in [a, b]" },
		{ "data.x not in ['a']", "?| put ! in front, with parentheses" },
		{ "data.x in ('a', 'b')", "?expected \")\" | a list stands in [ ]" },
		{ "data.x between 1 and 2", "?| write x >= low && x <= high" },
		{ "data.title startsWith 'a'", "?| use text.startsWith(\"part\")" },
		{ "data.x ?? 1", "?unexpected \"??\" | write default(value, other)" },
		{ "data.x := 1", "?unexpected \":=\" | use ==" },
		{ "{{ data.x }}",
		  "?unexpected \"}\", expected \":\" | this is an expression already" },
		{ "let x = 1", "?\"let\" is a reserved word | name a value with define" },
		{ "data.x > 75%", "?| % divides" },
		{ "data.x > 50,000", "?| a number has no comma" },
		{ "data.x > 1_000", "?a number runs into letters | write the digits without _" },
		{ "data.title =~ 'a'", "?unexpected \"=~\" | use text.matches(\"pattern\")" },
		{ "data.title !~ 'a'", "?| use !text.matches(\"pattern\")" },
		{ "2 ** 3", "?| there is no power operator" },
		{ "${data.x}", "?unexpected \"${\" | this is an expression already" },
		{ "$x", "?| write the name without $" },
		{ "a; b", "?| an expression is one term" },
		{ "1 # one", "?| comments start with //" },
		{ "data.x == @", "?unexpected character '@'" },
		{ "data.x == \x01", "?unexpected byte 0x01" },
		{ "data.x == \xe2\x80\x9ctitle\xe2\x80\x9d",
		  "?a curly quote is no quote of a text | write \" or ' instead" },
		{ "data.x == \xe2\x82\xac", "?outside of quotes" },
		{ "data.x \xff", "?no valid UTF-8" },
		{ "1 +", "?the expression ends where a value should follow" },
		{ "1 + + 2", "?unexpected \"+\", expected a value" },
		{ "1 2", "?unexpected \"2\", expected an operator or the end" },
		{ "(1", "?ends where \")\" should follow" },
		{ "(1]", "?unexpected \"]\", expected \")\"" },
		{ "[1", "?ends where \",\" or \"]\"" },
		{ "[1 2]", "?unexpected \"2\", expected \",\" or \"]\"" },
		{ "{1", "?ends where \":\"" },
		{ "{1: 2", "?ends where \",\" or \"}\"" },
		{ "{1, 2}", "?unexpected \",\", expected \":\"" },
		{ "f(1", "?ends where \",\" or \")\"" },
		{ "size(1,)", "?unexpected \")\", expected a value" },
		{ "data.", "?ends where a field's name should follow" },
		{ "data..x", "?unexpected \".\", expected a field's name" },
		{ "data.1", "?unexpected" },
		{ "data.in", "?expected a field's name | write a[\"in\"]" },
		{ "data.true", "?expected a field's name | write a[\"true\"]" },
		{ "data?.x", "?unexpected \"?.\" | write a.?b, default(a.b, other)" },
		{ "data[1", "?ends where \"]\"" },
		{ "true ? 1", "?ends where \":\"" },
		{ "true ? : 1", "?unexpected \":\", expected a value" },
		{ "!", "?ends where a value" },
		{ "1u2", "?a number runs into letters" },
		{ "5m", "?a number runs into letters | a duration is written duration(\"5m\")" },
		{ "1e", "?a number runs into letters" },
		{ "0x", "?0x needs hexadecimal digits" },
		{ "0xg", "?0x needs hexadecimal digits" },
		{ "'abc", "?the closing quote is missing" },
		{ "\"abc'", "?the closing quote is missing" },
		{ "'''abc''", "?the closing quote is missing" },
		{ "'a\nb'", "?a line ends within quotes" },
		{ "'\\d+'", "?there is no such escape | write \\\\ for a backslash" },
		{ "'\\", "?no such escape" },
		{ "'\\x4'", "?an escape needs more digits" },
		{ "'\\08'", "?an escape needs more digits" },
		{ "'\\400'", "?there is no such escape" },
		{ "'\\ud800'", "?no Unicode character" },
		{ "'\\U00110000'", "?no Unicode character" },
		{ "b'\\u0041'", "?bytes have no \\u escapes" },
		{ "data.`a", "?a name in backticks" },
		{ "data.``", "?a name in backticks" },
		{ "`data`", "?expected a value" },
		{ "data.`x`()", "?unexpected \"(\"" },
		{ "let", "?\"let\" is a reserved word" },
		{ "if (data.x) 1", "?\"if\" is a reserved word | use condition ? value : other" },
		{ "package.name", "?\"package\" is a reserved word" },
		{ "while()", "?\"while\" is a reserved word" },
		{ "Msg{}",
		  "?protobuf messages aren't supported: none can be built here | write a map" },
		{ "a.b.Msg{x: 1}", "?protobuf messages aren't supported" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(names)
{
	static const struct world_row rows[] = {
		{ "dta.title", "?unknown name \"dta\" | did you mean \"data\"?" },
		{ "evnt.type", "?unknown name \"evnt\" | did you mean \"event\"?" },
		{ "project", "?unknown name \"project\" | a text stands in quotes: \"project\"" },
		{ "data.title == True", "?unknown name \"True\" | write true" },
		{ "data.title == None", "?| write null" },
		{ "data.title == undefined", "?| write null, or has(a.b)" },
		{ "size > 1", "?unknown name \"size\" | it is a function: write size(...)" },
		{ "[1].map(element, elment + 1)",
		  "?unknown name \"elment\" | did you mean \"element\"?" },
		{ "[1].map(x, x) == x", "?unknown name \"x\"" },
		{ "[1].map(x, .x)", "?unknown name \"x\"" },
		{ "ctx.then", "?unknown name \"ctx\"" },
		{ "len(data.title)", "?unknown function \"len\" | write size(...)" },
		{ "siz(data.title)", "?unknown function \"siz\" | did you mean \"size\"?" },
		{ "data.title.startswith('A')",
		  "?unknown function \"startswith\" | did you mean \"startsWith\"?" },
		{ "startsWith(data.title, 'A')",
		  "?unknown function \"startsWith\" | write value.startsWith(...)" },
		{ "data.title.string()", "?unknown function \"string\" | write string(value)" },
		{ "now()", "?unknown function \"now\" | there is no clock here" },
		{ "coalesce(1, 2)", "?| write default(expression, other)" },
		{ "zzzzzz(1)", "?unknown function \"zzzzzz\"" },
		{ "has(data)", "?has() takes a field selection | write has(data.field)" },
		{ "has(data['x'])", "?has() takes a field selection" },
		{ "has(data.x, 1)", "?wrong arguments for \"has\" | write has(data.field)" },
		{ "default(1)",
		  "?wrong arguments for \"default\" | write default(expression, other)" },
		{ "data.tags.all(x)",
		  "?wrong arguments for \"all\" | write list.all(x, condition)" },
		{ "all(data.tags, x, x)", "?wrong arguments for \"all\"" },
		{ "data.tags.all(x.y, true)", "?the first argument of all() is a plain name" },
		{ "data.tags.all(1, true)", "?the first argument of all() is a plain name" },
		{ "size()", "?size() takes 1 argument, not 0" },
		{ "size(1, 2)", "?size() takes 1 argument, not 2" },
		{ "'a'.startsWith()", "?startsWith() takes 1 argument, not 0" },
		{ "event.time.getHours('a', 'b')", "?getHours() takes 0 to 1 argument, not 2" },
		{ "rose_past('a')", "?rose_past() takes 2 arguments, not 1" },
		{ "many.args()", "?many.args() takes 1 to 8 arguments, not 0" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(types)
{
	static const struct world_row rows[] = {
		{ "1 + 'a'",
		  "?no such overload: int + string | write string(...) around the number" },
		{ "1 + 1u", "?no such overload: int + uint | convert one of them" },
		{ "1 * 1.0", "?no such overload: int * double | convert one of them" },
		{ "'1' < 2", "?no such overload: string < int | write num(...)" },
		{ "'1' == 2", "?no such overload: string == int | write num(...)" },
		{ "true + data.x", "?no such overload: bool + dyn" },
		{ "null < 1", "?no such overload" },
		{ "[] < []", "?no such overload: list < list" },
		{ "{} == []", "?no such overload: map == list" },
		{ "1.0 % 1.0", "?no such overload: double % double" },
		{ "timestamp(0) == '2024'", "?| write timestamp(\"...\")" },
		{ "timestamp(0) + timestamp(0)", "?no such overload" },
		{ "1 < data.x < 2", "?no such overload: bool < int | write low < x && x < high" },
		{ "optional.of(1) == 1", "?| write .orValue(other)" },
		{ "'a' in [1, 2]",
		  "?string in list of int | put the numbers of the list in quotes" },
		{ "1 in ['a']", "?int in list of string | write the items of the list without" },
		{ "'a'.length", "?string has no field \"length\" | write size(...)" },
		{ "duration('1s') > '1s'", "?| write duration(\"...\")" },
		{ "duration('1s') - timestamp(0)", "?no such overload" },
		{ "duration('1s') * 2", "?no such overload" },
		{ "'a' in 'abc'",
		  "?no such overload: string in string | write text.contains(part)" },
		{ "1 in 2", "?no such overload: int in int" },
		{ "[] in {}", "?no such overload: list in map" },
		{ "-'a'", "?no such overload: -string" },
		{ "-1u", "?no such overload: -uint" },
		{ "!1", "?! needs a bool, not int" },
		{ "1 && true", "?&& needs a bool, not int" },
		{ "true || 'a'", "?|| needs a bool, not string" },
		{ "1 ? 2 : 3", "??: needs a bool, not int" },
		{ "1.x", "?" },
		{ "'a'.x", "?string has no field \"x\"" },
		{ "[1].x", "?list has no field \"x\" | write list[0]" },
		{ "'a'[0]", "?string can't be indexed | write text.charAt(at)" },
		{ "[1]['a']", "?a list's index is an int, not string" },
		{ "event[[]]", "?list is no key of a map" },
		{ "{null: 1}", "?a map's key is text, int, uint or bool, not null_type" },
		{ "1.all(x, true)", "?" },
		{ "'abc'.all(x, true)", "?a macro goes over a list or a map, not string" },
		{ "[1].all(x, 1)", "?the condition of a macro needs a bool, not int" },
		{ "[1].map(x, 1, x)", "?the condition of a macro needs a bool, not int" },
		{ "size(1)", "?no such overload: size(int)" },
		{ "size(true ? 1 : 2)", "?no such overload: size(int)" },
		{ "'a'.contains(1)", "?no such overload: contains(string, int)" },
		{ "(1).getHours()", "?no such overload: getHours(int)" },
		{ "[1].contains(1)", "?contains(list, int) | write value in list" },
		{ "changed(1)", "?no such overload: changed(int)" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

static size_t offset_of(const char *expr)
{
	struct cel_issue issue;
	const struct cel_program *p;

	ck_assert_int_eq(cel_compile(world.env, world.arena, text_of(expr), &p, &issue),
			 FATE_REJECT);
	return issue.offset;
}

START_TEST(offsets_point_at_the_offence)
{
	ck_assert_uint_eq(offset_of("data.x = 1"), 7);
	ck_assert_uint_eq(offset_of("true && dta.x"), 8);
	ck_assert_uint_eq(offset_of("data.x and 1"), 7);
	ck_assert_uint_eq(offset_of("data.x == 'abc"), 10);
	ck_assert_uint_eq(offset_of("data.x == 'a\\d'"), 12);
	ck_assert_uint_eq(offset_of("1 + (2 + 'a')"), 5);
	ck_assert_uint_eq(offset_of("data.title.nosuch()"), 11);
	ck_assert_uint_eq(offset_of("[1].map(x, x).size().sort()"), 21);
	ck_assert_uint_eq(offset_of("'a'.length"), 4);
	ck_assert_uint_eq(offset_of("1 +"), 3);
	ck_assert_uint_eq(offset_of("[1, 2"), 5);
	ck_assert_uint_eq(offset_of("data.title.matches('(')"), 19);
	ck_assert_uint_eq(offset_of("true && 9223372036854775808 > 1"), 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_refuse");
	TCase *tc = tcase_create("cel_refuse");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, syntax);
	tcase_add_test(tc, names);
	tcase_add_test(tc, types);
	tcase_add_test(tc, offsets_point_at_the_offence);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
