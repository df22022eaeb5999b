/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_tables - files of rows, declarations of tables, row() and rows(). */
#include "engine/rules/csv.h"
#include "engine/rules/evaluate.h"
#include "tests/unit/test_rules_kit.h"

#define RULE "rules: [ { id: r, on: hook.a, define: { x: \"%s\" }, when: x == null } ]\n"

/* Rules with a table `people` in a file of this content. */
static void load_people(struct kit *k, const char *csv, const char *more, const char *expression)
{
	static const char form[] = "tables:\n  people: { file: %s, key: email%s }\n" RULE;
	struct kit_file file;

	kit_write(&file, "people.csv", csv);
	kit_load(k, text_printf(k->arena, form, file.path, more, expression).s);
	kit_remove(&file);
}

static const char people[] = "email,name,team,level,rate,active\r\n"
			     "ann@x,\"Ann \"\"A\"\", B\",delivery,3,1.50,true\r\n"
			     "\r\n"
			     "bob@x,Bob,delivery,007,2,\r\n"
			     "cy@x,\"Cy\r\nC\",sales,,,false";

static const char typed[] = ", columns: { level: int, rate: number, active: bool }, unique: [name]";

/* What the define comes to, as JSON; an error as its words. */
static void expect_value(const char *expression, const char *want)
{
	struct kit k;
	struct scope *scope;
	struct value v;
	struct buf b;

	kit_init(&k);
	load_people(&k, people, typed, expression);
	if (diags_errors(k.diags) > 0)
		kit_show(k.diags);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	scope = kit_event(&k, ruleset_at(k.set, 0), "hook.a", "null",
			  "{\"mail\":\"bob@x\",\"n\":7,\"list\":[1]}");
	v = scope_eval(scope, scope->rule->defines[0].program);
	buf_init(&b, 4 * KIB);
	if (value_is(v, VALUE_ERROR))
		buf_text(&b, value_as_text(v));
	else
		value_write(&b, v);
	ck_assert_msg(value_is(v, VALUE_ERROR) ? strstr(buf_cstr(&b), want) != NULL
					       : strcmp(buf_cstr(&b), want) == 0,
		      "%s: %s, not %s", expression, buf_cstr(&b), want);
	buf_fini(&b);
	kit_fini(&k);
}

START_TEST(rows_of_a_file)
{
	expect_value("row('people', 'email', data.mail)",
		     "{\"email\":\"bob@x\",\"name\":\"Bob\",\"team\":\"delivery\",\"level\":7,"
		     "\"rate\":2.0,\"active\":null}");
	expect_value("row('people', 'email', 'ann@x').name", "\"Ann \\\"A\\\", B\"");
	expect_value("row('people', 'email', 'ann@x').active", "true");
	expect_value("row('people', 'email', 'cy@x').name", "\"Cy\\r\\nC\"");
	expect_value("row('people', 'email', 'nobody')", "null");
	expect_value("row('people', 'email', null)", "null");
	expect_value("row('people', 'team', 'delivery')", "several rows of people have this team");
	expect_value("rows('people', 'team', 'delivery').map(p, p.email)", "[\"ann@x\",\"bob@x\"]");
	expect_value("rows('people', 'team', 'nobody')", "[]");
	expect_value("rows('people').size()", "3");
}
END_TEST

START_TEST(values_are_compared_as_the_column_writes_them)
{
	expect_value("row('people', 'level', data.n).name", "\"Bob\"");
	expect_value("row('people', 'level', '007').name", "\"Bob\"");
	expect_value("row('people', 'level', 7.0).name", "\"Bob\"");
	expect_value("row('people', 'level', 'x')", "null");
	expect_value("row('people', 'rate', 1.5).email", "\"ann@x\"");
	expect_value("row('people', 'rate', 2).email", "\"bob@x\"");
	expect_value("row('people', 'active', false).email", "\"cy@x\"");
	expect_value("row('people', 'name', 7)", "null");
	expect_value("row('people', 'email', data.list)", "is looked up by text");
}
END_TEST

/* Mistakes of a file stand at their places in it. */
static void expect_bad(const char *csv, const char *more, int line, int column, const char *what)
{
	struct kit k;

	kit_init(&k);
	load_people(&k, csv, more, "row('people', 'email', 'a')");
	kit_expect(k.diags, line, column, what, "");
	kit_fini(&k);
}

START_TEST(mistakes_in_a_file)
{
	expect_bad("", "", 1, 1, "the file is empty");
	expect_bad("email,name\na,b,c\n", "", 2, 1,
		   "this line has 3 fields; the first line names 2");
	expect_bad("email,name\n\"a\"b,c\n", "", 2, 4, "a closing quote ends the field");
	expect_bad("email,name\na,b\"c\n", "", 2, 4, "a quote inside a field that isn't quoted");
	expect_bad("email,name\na,\"b\nc\n", "", 2, 3, "the quote is never closed");
	expect_bad("email,name\n\xC3\xA4\xC3\xB6,b,\n", "", 2, 1, "this line has 3 fields");
	expect_bad("email,name\na,b\n\n,c\n", "", 4, 1, "the key \"email\" is empty");
	expect_bad("email,name\na,b\nc,d\na,e\n", "", 4, 1, "email \"a\" is on line 2 already");
	expect_bad("email,name\na,b\nc,b\n", ", unique: name", 3, 1,
		   "name \"b\" is on line 2 already");
	expect_bad("email,n\n\xC3\xA4,x\n", ", columns: { n: int }", 2, 3,
		   "\"n\" must be int, not \"x\"");
	expect_bad("email,n\na,inf\n", ", columns: { n: number }", 2, 3, "must be number");
	expect_bad("email,n\na,yes\n", ", columns: { n: bool }", 2, 3, "must be bool");
	expect_bad("email;name\na;b\n", "", 1, 1, "there is one column only");
	expect_bad("email,email\n", "", 1, 7, "there are two columns \"email\"");
	expect_bad("email,\n", "", 1, 7, "this is no name for a column");
	expect_bad("email,name\na,\xff\n", "", 2, 3, "this is no UTF-8 text");
	expect_bad("name\nb\n", "", 2, 0, "people has no column \"email\"");
	expect_bad("email\nb\n", ", columns: { n: int }", 2, 0, "has no column \"n\"");
	expect_bad("email\nb\n", ", unique: [e_mail]", 2, 0, "people has no column \"e_mail\"");
}
END_TEST

START_TEST(a_file_without_rows_is_an_empty_table)
{
	struct kit k;

	kit_init(&k);
	load_people(&k, "email,name\n", ", unique: [name]", "rows('people').size()");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	ck_assert_uint_eq(ruleset_table(k.set, TEXT("people"))->row_count, 0);
	kit_fini(&k);
}
END_TEST

START_TEST(a_mark_and_empty_lines_are_skipped)
{
	struct kit k;

	kit_init(&k);
	load_people(&k,
		    "\xEF\xBB\xBF"
		    "email\n\na\n\n\nb\n",
		    "", "rows('people')");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	ck_assert_uint_eq(ruleset_table(k.set, TEXT("people"))->row_count, 2);
	kit_fini(&k);
}
END_TEST

START_TEST(too_many_mistakes_are_cut)
{
	struct kit k;
	struct buf csv;

	kit_init(&k);
	buf_init(&csv, 64 * KIB);
	buf_str(&csv, "email,n\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&csv, "a%d,x\n", i);
	load_people(&k, buf_cstr(&csv), ", columns: { n: int }", "null");
	ck_assert_uint_eq(diags_errors(k.diags), LIMIT_TABLE_MISTAKES);
	buf_fini(&csv);
	kit_fini(&k);
}
END_TEST

static void expect_refused(const char *text, int line, int column, const char *what,
			   const char *hint)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, text);
	kit_expect(k.diags, line, column, what, hint);
	kit_fini(&k);
}

#define LINKS                                                                                      \
	"tables:\n"                                                                                \
	"  links: { key: id, unique: [set], columns: { id: text, set: text } }\n"                  \
	"rules:\n"

START_TEST(mistakes_in_declarations)
{
	expect_refused("tables: { a: { file: none.csv, key: x } }\nrules: []\n", 1, 22,
		       "can't be read: No such file", "relative to this file");
	expect_refused("tables: { a: { key: x } }\nrules: []\n", 1, 14, "\"columns\" is missing",
		       "");
	expect_refused("tables: { a: { columns: { x: text } } }\nrules: []\n", 1, 14,
		       "\"key\" is missing", "");
	expect_refused("tables: { a: { key: y, columns: { x: text } } }\nrules: []\n", 1, 21,
		       "a has no column \"y\"", "");
	expect_refused("tables: { a: { key: x, columns: { x: date } } }\nrules: []\n", 1, 38,
		       "date", "");
	expect_refused("tables: { A b: { key: x, columns: { x: text } } }\nrules: []\n", 1, 11,
		       "\"A b\" is no name for a table", "");
	expect_refused("tables: { a: { key: x, columns: { x: text }, colour: 1 } }\nrules: []\n", 1,
		       46, "a table has no key \"colour\"", "");
	expect_refused("tables: [ a ]\nrules: []\n", 1, 9, "tables must be a map", "");
}
END_TEST

START_TEST(mistakes_in_rules)
{
	expect_refused(LINKS "  - { id: r, on: hook.a, when: \"row('link', 'id', 1) != null\" }\n",
		       4, 37, "there is no table \"link\"", "links");
	expect_refused(LINKS
		       "  - { id: r, on: hook.a, when: \"row('links', 'sets', 1) != null\" }\n",
		       4, 46, "the table links has no column \"sets\"", "set");
	expect_refused(LINKS "  - { id: r, on: hook.a, when: \"row(data.t, 'id', 1) != null\" }\n",
		       4, 37, "the table of row() is written out", "in quotes");
	expect_refused(LINKS
		       "  - { id: r, on: hook.a, when: \"rows('links', data.c, 1) == []\" }\n",
		       4, 47, "the column of rows() is written out", "in quotes");
	expect_refused(
	    LINKS
	    "  - { id: r, on: hook.a, do: [ table.put: { table: links, row: { set: a } } ] }\n",
	    4, 64, "a row of links needs \"id\"", "");
	expect_refused(LINKS "  - { id: r, on: hook.a, do: [ table.put: { table: links, row: { id: "
			     "a, b: c } } ] }\n",
		       4, 73, "the table links has no column \"b\"", "");
	expect_refused(LINKS
		       "  - { id: r, on: hook.a, do: [ table.drop: { table: lnks, key: a } ] }\n",
		       4, 53, "there is no table \"lnks\"", "links");
	expect_refused(
	    LINKS
	    "  - { id: r, on: hook.a, do: [ table.drop: { table: \"${data.t}\", key: a } ] }\n",
	    4, 53, "the table is written out", "");
}
END_TEST

START_TEST(a_file_is_not_changed_by_rules)
{
	struct kit k;
	struct kit_file file;

	kit_init(&k);
	kit_write(&file, "people.csv", "email\na\n");
	kit_load(&k,
		 text_printf(
		     k.arena,
		     "tables: { people: { file: %s, key: email } }\n"
		     "rules:\n"
		     "  - { id: r, on: hook.a, do: [ table.drop: { table: people, key: a } ] }\n",
		     file.path)
		     .s);
	kit_expect(k.diags, 3, 53, "the table people is read from", "change the file itself");
	kit_remove(&file);
	kit_fini(&k);
}
END_TEST

START_TEST(tables_belong_to_all_files)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "hooks: { a: { verify: none } }\ntables: { links: { key: id, columns: { id: "
		       "text } } }\n");
	(void)kit_rule(&k, "rules: [ { id: r, on: hook.a, when: \"rows('links') == []\" } ]\n");
	/* Files that say the same of it agree, in whatever order; the first is meant. */
	(void)kit_rule(&k, "tables: { links: { columns: { id: text }, key: id, unique: id } }\n"
			   "rules: [ { id: s, on: hook.a, when: \"rows('links') == []\" } ]\n");
	kit_fini(&k);
}
END_TEST

static void expect_another(const char *second)
{
	static const char *const first =
	    "tables: { links: { key: id, unique: a, columns: { id: text, a: text, b: int } } }\n";
	struct kit k;
	char config[256];

	kit_init(&k);
	(void)snprintf(config, sizeof(config), "hooks: { a: { verify: none } }\n%s", first);
	kit_config(&k, config);
	kit_load(&k, second);
	kit_expect(k.diags, 1, 11, "says something else of the table \"links\"", "say the same");
	kit_fini(&k);
}

START_TEST(files_must_say_the_same)
{
	struct kit_file file;
	char text[384];

	expect_another("tables: { links: { key: a, unique: id, columns: { id: text, a: text, b: "
		       "int } } }\nrules: []\n");
	expect_another("tables: { links: { key: id, columns: { id: text, a: text, b: int } } }\n"
		       "rules: []\n");
	expect_another("tables: { links: { key: id, unique: a, columns: { id: text, a: text, b: "
		       "number } } }\nrules: []\n");
	expect_another("tables: { links: { key: id, unique: a, columns: { id: text, a: text, c: "
		       "int } } }\nrules: []\n");
	expect_another("tables: { links: { key: id, unique: a, columns: { id: text, a: text } } }\n"
		       "rules: []\n");
	kit_write(&file, "links.csv", "id,a,b\n");
	(void)snprintf(text, sizeof(text),
		       "tables: { links: { file: %s, key: id, unique: a, columns: { b: int } } }\n"
		       "rules: []\n",
		       file.path);
	expect_another(text);
	kit_remove(&file);
}
END_TEST

/* A stored rule loads by itself, and looks its tables up where it runs. */
START_TEST(a_revision_uses_the_tables_in_force)
{
	struct kit k;
	const struct rule *rule;
	struct ruleset *alone;
	struct scope *scope;
	struct table_reader reader = { 0 };

	kit_init(&k);
	load_people(&k, people, typed, "row('people', 'email', data.mail).level");
	rule = ruleset_at(k.set, 0);
	alone = ruleset_load_revision(k.config, rule->id, rule->source, k.diags);
	ck_assert_ptr_nonnull(alone);
	rule = ruleset_at(alone, 0);
	scope = kit_event(&k, rule, "hook.a", "null", "{\"mail\":\"bob@x\"}");
	ck_assert_int_eq(scope_eval(scope, rule->defines[0].program).kind, VALUE_ERROR);
	reader.set = k.set;
	scope = kit_event(&k, rule, "hook.a", "null", "{\"mail\":\"bob@x\"}");
	k.event.tables = &reader;
	ck_assert_int_eq(scope_eval(scope, rule->defines[0].program).i, 7);
	ruleset_free(alone);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_tables", rows_of_a_file, values_are_compared_as_the_column_writes_them,
	  mistakes_in_a_file, a_mark_and_empty_lines_are_skipped, too_many_mistakes_are_cut,
	  mistakes_in_declarations, mistakes_in_rules, a_file_is_not_changed_by_rules,
	  tables_belong_to_all_files, files_must_say_the_same, a_revision_uses_the_tables_in_force,
	  a_file_without_rows_is_an_empty_table)
