/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_mistakes - one run tells every mistake of a file, with its place
 * and a hint that helps. */
#include "tests/unit/test_rules_kit.h"

#define DATA "tests/unit/data/"

static void load(struct kit *k, const char *path)
{
	struct text t = text_of(path);

	kit_init(k);
	k->set = ruleset_load(k->config, &t, 1, k->diags);
	ck_assert_ptr_nonnull(k->set);
}

START_TEST(ten_mistakes)
{
	static const struct {
		int line, column;
		const char *what, *hint;
	} all[] = {
		{ 6, 29, "${...} inside {...}", "\"${data.title} is late\"" },
		{ 9, 11, "starts with \"!\"", "\"!data.archived\"" },
		{ 12, 11, "second quote", "'\"Acme\" == data.title && data.price_in_cents > 0'" },
		{ 15, 11, "starts with \"[\"", "'[\"a\", \"b\"].exists(x, x == data.title)'" },
		{ 18, 11, "holds \": \"", "'data.title == \"Acme: phase 2\"'" },
		{ 21, 11, "holds \" #\"", "'data.title == \"order #1\"'" },
		{ 26, 17, "starts with \"@\"", "\"@channel the budget" },
		{ 29, 18, "starts with \"%\"", "\"% of budget used\"" },
		{ 31, 9, "no action \"slack.pots\"", "\"slack.post\"" },
		{ 34, 5, "no key \"wen\"", "\"when\"" },
	};
	struct kit k;

	load(&k, DATA "ten-mistakes.yaml");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		kit_expect(k.diags, all[i].line, all[i].column, all[i].what, all[i].hint);
	ck_assert_uint_eq(diags_errors(k.diags), 10);
	kit_fini(&k);
}
END_TEST

static int marked_wrong(const char *path, bool lines[200])
{
	FILE *f = fopen(path, "r");
	char line[500];
	int n = 0, count = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL && ++n < 200) {
		lines[n] = n > 2 && strstr(line, "# wrong") != NULL;
		count += lines[n];
	}
	fclose(f);
	return count;
}

START_TEST(what_needs_quotes)
{
	bool wrong[200] = { false };
	int count = marked_wrong(DATA "quoting.yaml", wrong);
	struct kit k;

	load(&k, DATA "quoting.yaml");
	for (size_t i = 0; i < diags_count(k.diags); i++) {
		const struct diag *d = diags_at(k.diags, i);

		if (d->severity == DIAG_ERROR && !wrong[d->at.line])
			kit_show(k.diags);
		ck_assert(d->severity == DIAG_WARNING || wrong[d->at.line]);
	}
	ck_assert_int_eq((int)diags_errors(k.diags), count);
	kit_fini(&k);
}
END_TEST

static void mistake(const char *rule, int line, int column, const char *what, const char *hint)
{
	char text[2000];
	struct kit k;

	snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: kantata.workspace.updated\n%s",
		 rule);
	kit_init(&k);
	kit_load(&k, text);
	kit_expect(k.diags, line, column, what, hint);
	kit_fini(&k);
}

START_TEST(one_by_one)
{
	mistake("    when: data.title == \"x #1\"\n", 4, 0, "", "\" #\"");
	mistake("    when: [data.title]\n", 4, 11, "must be a text", "quotes");
	mistake("    when: data.titel == 'x'\n", 4, 16, "no known field \"titel\"", "\"title\"");
	mistake("    when: dat.title == 'x'\n", 4, 11, "dat", "data");
	mistake("    when: data.title\n      == 'x' && dat.y\n", 5, 17, "dat", "");
	mistake("    when: 'data.title + 1 =='\n", 4, 0, "", "");
	mistake("    when: size(data.title)\n", 4, 11, "true or false", "");
	mistake("    when: data.status.kex == 'x'\n", 4, 16, "no known field \"status.kex\"",
		"\"status.key\"");
	mistake("    when: event.data.x == 'x'\n", 4, 17, "no event.data", "a name of its own");
	mistake("    when: event.when == 'x'\n", 4, 17, "no event.when", "event has id, source");
	mistake("    if: data.archived\n", 4, 5, "no key \"if\"", "\"when\"");
	mistake("    match: { data.price: { gt: 5000 } }\n", 4, 32, "price is a text", "num(...)");
	mistake("    when: \"data.title == \"a\"\"\n", 4, 11, "second quote",
		"write 'data.title == \"a\"'");
	mistake("    when: 'data.title == 'a''\n", 4, 11, "second quote",
		"write \"data.title == 'a'\"");
	mistake("    when: \"data.title.matches('\\d')\"\n", 4, 11, "no such escape",
		"single quotes");
	mistake("    when: event.typ == 'x'\n", 4, 17, "no event.typ", "\"type\"");
	mistake("    do:\n      - slack.post { text: hi }\n", 5, 9, "no action",
		"a colon is missing");
	mistake("    wait_for: x\n", 4, 5, "not yet", "");
	mistake("    throttle: { evry: 1h }\n", 4, 17, "\"evry\"", "\"every\"");
	mistake("    throttle: { every: 1 hour }\n", 4, 24, "duration", "5m");
	mistake("    mode: lve\n", 4, 11, "\"lve\"", "\"live\"");
	mistake("    match: { data.stage: { gee: 1 } }\n", 4, 28, "no operator \"gee\"", "\"ge\"");
	mistake("    match: { stage: x }\n", 4, 14, "no path", "data.FIELD");
	mistake("    match: { became: { data.x: 1 } }\n", 4, 24, "relative", "");
	mistake("    match: { data.stag: x }\n", 4, 19, "no known field \"stag\"", "\"stage\"");
	mistake("    match: { data.title: { matches: '(' } }\n", 4, 37, "", "");
	mistake("    define: { data: 1 }\n", 4, 15, "taken", "");
	mistake("    define: { x: y + 1, y: 1 }\n", 4, 18, "y", "");
}
END_TEST

/* Declared types of fields: what fails whatever the value, as soon as there is one. */
START_TEST(fields_have_types)
{
	mistake("    when: data.title > 5\n", 4, 11, "data.title is text, and text > int never",
		"num(data.title)");
	mistake("    when: data.price > 5000\n", 4, 11, "data.price is text",
		"data.price_in_cents is a number");
	mistake("    when: data.due_date < ctx.now\n", 4, 11, "data.due_date is text",
		"timestamp(data.due_date + \"T00:00:00Z\")");
	mistake("    when: data.over_budget == 'true'\n", 4, 11, "bool == text never",
		"without quotes: true");
	mistake("    when: data.status == '305'\n", 4, 11, "data.status is map",
		"data.status.NAME");
	mistake("    when: data.status.key in [305, 306]\n", 4, 11,
		"data.status.key is text, and the list holds int only", "in quotes");
	mistake("    when: data.id == 5\n", 4, 11, "data.id is text, and text == int never",
		"quote it: \"5\"");
	mistake("    when: 5 != data.id\n", 4, 11, "data.id is text, and int != text never",
		"\"5\"");
	mistake("    when: data[\"id\"] == 5\n", 4, 11, "data.id is text", "\"5\"");
	mistake("    when: before.id == 5\n", 4, 11, "before.id is text", "\"5\"");
	mistake("    when: object.status.key == 305\n", 4, 11, "object.status.key is text",
		"\"305\"");
	mistake("    when: data.percent_of_budget_used * 2 > 100\n", 4, 11,
		"data.percent_of_budget_used is double, and double * int never", "write 2.0");
	mistake("    when: data.price_in_cents * 1.19 > 100\n", 4, 11, "int * double never",
		"write double(data.price_in_cents)");
	mistake("    when: data.price_in_cents > '100'\n", 4, 11, "int > text never",
		"without quotes: 100");
	mistake("    when: data.created_at > '2026-01-01T00:00:00Z'\n", 4, 11,
		"data.created_at is timestamp", "timestamp(");
	mistake("    when: data.title.foo == 'x'\n", 4, 22, "no field \"foo\"",
		"data.title is text");
	mistake("    when: data.title.contains(data.archived)\n", 4, 22, "contains(string, bool)",
		"data.title is text");
	mistake("    when: data.title\n", 4, 11, "true or false", "compare it");
	mistake("    when: \"'data.archived'\"\n", 4, 12, "true or false", "quotes of YAML");
	mistake("    when: '!data.title'\n", 4, 13, "! needs a bool", "compare");
	mistake("    key: data.percent_of_budget_used\n", 4, 10, "a key must be text", "");
	mistake("    when: event.time > '2026'\n", 4, 11, "event.time is timestamp", "timestamp(");
	mistake("    when: ctx.now + 5 > ctx.now\n", 4, 11, "ctx.now is timestamp", "");
	mistake("    define: { used: data.percent_of_budget_used }\n    when: used + 1 > 2\n", 5,
		11, "double + int", "double");
	mistake("    do:\n      - as: a\n        slack.post: { text: x }\n"
		"      - slack.post: { text: '${steps.a.status + \"x\"}' }\n",
		7, 0, "steps.a.status is int", "string(");
	mistake("    match: { data.price_in_cents: { prefix: a } }\n", 4, 45,
		"startsWith(int, string)", "data.price_in_cents is int");
	mistake("    match: { data.title: { contains: 5 } }\n", 4, 38, "title is a text",
		"quote it: \"5\"");
	mistake("    when: 5 in data.title\n", 4, 11, "int in text never", "contains(part)");
}
END_TEST

START_TEST(calls_that_never_work)
{
	mistake("    when: fmt(event.time, '%Q') == data.x\n", 4, 27, "a format has no \"%Q\"", "");
	mistake("    when: money(data.x, 'Euro') == data.y\n", 4, 25, "no currency", "");
	mistake("    when: days_until(data.x, 'Mars') < 7\n", 4, 30, "no time zone \"Mars\"", "");
	mistake("    when: ctx.now - event.time > duration('7d')\n", 4, 34, "\"7d\" is no duration",
		"24h");
	mistake("    when: ctx.now > timestamp('2026-12-01')\n", 4, 21, "is no timestamp",
		"2026-01-31T09:00:00Z");
	mistake("    when: \"data.archived || '%y'.format([1]) == 'a'\"\n", 4, 29, "\"y\"", "");
	mistake("    when: ip('10.0.0.300').isLoopback()\n", 4, 11, "no IP address", "");
	mistake("    when: ctx.now > timestamp(data.due_date)\n", 4, 21, "data.due_date is a day",
		"timestamp(data.due_date + \"T00:00:00Z\")");
}
END_TEST

START_TEST(calls_about_changes)
{
	mistake("    when: changed(data.status.key)\n", 4, 19, "stands in quotes",
		"write \"status.key\"");
	mistake("    when: changed('data.status')\n", 4, 19, "relative to data", "\"status\"");
	mistake("    when: became(data.archived, true)\n", 4, 11, "became(bool, bool)",
		"stands in quotes");
	mistake("    when: became('archived', 'true')\n", 4, 30, "archived is bool",
		"without quotes");
	mistake("    when: rose_past('title', 5)\n", 4, 21, "title is text", "");
	mistake("    when: rose_past('percent_of_budget_used', '75')\n", 4, 47, "takes a number",
		"without quotes");
	mistake("    when: entity('kantata.worksace', data.id) != null\n", 4, 18,
		"no kind of object \"kantata.worksace\"", "\"kantata.workspace\"");
	mistake("    when: crossed('title', [5]) > 0\n", 4, 19, "title is text", "");
}
END_TEST

static void fine(const char *on, const char *rule)
{
	char text[2000];
	struct kit k;

	snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: %s\n%s", on, rule);
	kit_init(&k);
	kit_rule(&k, text);
	ck_assert_uint_eq(diags_count(k.diags), 0);
	kit_fini(&k);
}

/* Null and absent remain possible, and where kinds differ nothing is known. */
START_TEST(types_of_fields_leave_room)
{
	const char *one = "kantata.workspace.updated";

	fine(one, "    when: became('archived', null) || became('status.key', '305')\n");
	fine(one, "    when: changed('status') && rose_past('percent_of_budget_used', 75)\n");
	fine(one,
	     "    when: default(timestamp(data.due_date + 'T00:00:00Z'), ctx.now) < ctx.now\n");
	fine(one, "    when: data.status.key in ['305', '306'] && !(null in ['a'])\n");
	fine("hook.shop", "    when: changed('data') && became('total', 'x')\n");

	fine(one, "    when: data.percent_of_budget_used == null\n");
	fine(one, "    when: null != data.title && data.title != 'x'\n");
	fine(one, "    when: default(data.percent_of_budget_used, 0) > 1\n");
	fine(one, "    when: default(data.title, 5) == 5\n");
	fine(one, "    when: has(data.status.key) && data.percent_of_budget_used >= 100\n");
	fine(one, "    when: data.title in ['a', null] || type(data.title) == null_type\n");
	fine(one, "    when: dyn(data.id) == 5\n");
	fine(one, "    when: data.created_at < ctx.now && event.time >= data.created_at\n");
	fine(one, "    when: before == null || before.title != data.title\n");
	fine(one, "    when: data.approver_ids[0] == 5 || data.approvers.exists(a, a.id == 7)\n");
	fine(one, "    when: size(data.title) > 3\n    key: data.price_in_cents\n");
	fine(one,
	     "    match: { data.title: { contains: a }, data.approver_ids: { contains: '7' } }\n");
	fine(one,
	     "    match: { event.subject: { contains: a }, data.status: { contains: key } }\n");
	fine(one,
	     "    match: { data.title: null, data.created_at: { ge: '2026-01-01T00:00:00Z' } }\n");
	fine("hook.x", "    when: data.title > 5 && data.id == 5 && data.a.b * 2 > 1.0\n");
	fine("[kantata.workspace.updated, hook.x]", "    when: data.id == 5\n");
	fine("[kantata.workspace.updated, hindsite.work_set.updated]",
	     "    when: data.title == 'x' && data.archived\n");
}
END_TEST

#define TRIPLE "data.a.exists(x, data.b.exists(y, data.c.exists(z, x == y && y == z)))"

START_TEST(what_costs_too_much)
{
	const char *hint = "three loops inside each other, over 64 items each";

	fine("hook.x",
	     "    when: data.a.exists(x, data.b.exists(y, x.id == y.id && x.n != y.n))\n");
	fine("hook.x", "    when: data.a.all(x, x.tags.exists(t, t in ['a', 'b'] && t != x.id))\n");
	mistake("    when: " TRIPLE "\n", 4, 11, "about 4.4 million steps, the limit is 100,000",
		hint);
	mistake("    when: data.title == 'x' && " TRIPLE "\n", 4, 32, "are for data.a.exists(x",
		hint);
	mistake("    define: { d: '" TRIPLE "' }\n", 4, 19, "million steps", hint);
	mistake("    key: string(" TRIPLE ")\n", 4, 17, "million steps", hint);
	mistake("    match: { data.title: '${" TRIPLE "}' }\n", 4, 26, "million steps", hint);
	mistake("    do:\n      - slack.post: { text: 'a ${" TRIPLE "} b' }\n", 5, 34,
		"million steps", hint);
	mistake("    do:\n      - slack.post: { text: x }\n        if: " TRIPLE "\n", 6, 13,
		"million steps", hint);
	mistake("    when: data.a.exists(x, data.a.exists(y, x.t.matches(y.p)))\n", 4, 11,
		"million steps", "two loops inside each other");
	mistake("    when: data.a.map(x, data.b.map(y, y)) == data.a.map(x, data.b.map(y, x)) && "
		"data.a.exists(x, x in data.c && data.b.exists(y, y in data.c))\n",
		4, 0, "are for data.a.exists(x", "two loops");
}
END_TEST

START_TEST(whole_numbers_divided)
{
	const char *fraction = "throws the fraction away";

	mistake("    when: data.price_in_cents / 100 > 5\n", 4, 11,
		"whole numbers: the division of data",
		"double(data.price_in_cents) / 100.0, or compare in cents");
	mistake("    when: data.price_in_cents / data.minutes_logged > 5\n", 4, 11, fraction,
		"write double(data.price_in_cents) / double(data.minutes_logged)");
	mistake("    when: default(before.price_in_cents, 0) / 100 > 5\n", 4, 11, fraction,
		"100.0");
	mistake("    when: data.some_price / 100 > 5\n", 4, 11,
		"if data.some_price is a whole number",
		"double(data.some_price) / 100.0, or int(data.some_price) / 100");
	mistake("    when: double(data.some_price / 100) > 5.0\n", 4, 18, fraction, "100.0");
	mistake("    when: data.approvers.exists(a, a.rate / 3 > 5)\n", 4, 36, fraction, "3.0");
	mistake("    define: { p: data.some_price }\n    when: p / 100 > 5\n", 5, 11, fraction,
		"100.0");
	mistake("    do:\n      - slack.post: { text: 'a ${data.some_price / 100} b' }\n", 5, 34,
		fraction, "100.0");
	fine("hook.x",
	     "    when: double(data.price) / 100.0 > 5.0 && num(data.price) / 2.0 > 1.0\n");
	fine("hook.x", "    when: int(data.price) / 100 > 5 && int(data.price / 100) > 5\n");
	fine("hook.x", "    when: data.used * 100 / data.budget > 5 && data.x / data.y > 1\n");
	fine("kantata.workspace.updated", "    when: data.minutes_logged / 60 > 5\n");
}
END_TEST

START_TEST(kinds_agree_on_types)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n  - id: a\n    on: [kantata.workspace.updated, "
		     "hindsite.work_set.updated]\n    when: data.id == 5\n"
		     "    match: { data.title: 5 }\n");
	kit_expect(k.diags, 4, 11, "data.id is text", "quote it");
	kit_expect(k.diags, 5, 26, "title is a text", "quote it");
	kit_fini(&k);
}
END_TEST

START_TEST(steps_one_by_one)
{
	mistake("    do: { slack.post: { text: a } }\n", 4, 9, "list of steps", "");
	mistake("    do:\n      - slack.post: { txt: a }\n", 5, 23, "no parameter \"txt\"",
		"\"text\"");
	mistake("    do:\n      - slack.post: { text: 5 }\n", 5, 29, "must be a text", "quotes");
	mistake("    do:\n      - slack.psot: { text: a }\n", 5, 9, "\"slack.psot\"",
		"\"slack.post\"");
	mistake("    do:\n      - slak.post: { text: a }\n", 5, 9, "no connector", "\"slack\"");
	mistake("    do:\n      - kantata.workspace.show: {}\n", 5, 0, "\"id\" is missing", "");
	mistake("    do:\n      - slack.post: { text: a }\n        ass: x\n", 6, 9, "\"ass\"",
		"\"as\"");
	mistake("    do:\n      - slack.post: { text: '${data.title' }\n", 5, 30, "not closed",
		"brace");
	mistake("    do:\n      - slack.post: { text: 'a ${data.title +} b' }\n", 5, 0, "", "");
	mistake("    do:\n      - slack.post: { text: '${}' }\n", 5, 0, "empty", "");
	mistake("    do:\n      - slack.post: { text: '${steps.b.result}' }\n      - as: b\n"
		"        slack.post: { text: x }\n",
		5, 38, "no earlier step \"b\"", "as");
	mistake("    do:\n      - as: b\n        slack.post: { text: x }\n"
		"      - slack.post: { text: '${steps.b.reslt}' }\n",
		7, 0, "result, status and error", "\"result\"");
	mistake("    do:\n      - slack.post: { text: x }\n        after_doubt: lookup\n", 6, 22,
		"can't be looked up", "");
	mistake("    do:\n      - slack.post: { text: x }\n        parallel: x\n", 6, 9, "not yet",
		"");
	mistake("    do:\n      - slack.post: { text: x }\n        on_error: [{ slack.post: { "
		"text: y }, "
		"on_error: [] }]\n",
		6, 0, "list of its own", "");
	mistake("    do:\n      - http.request: { url: '${data.title}/x' }\n", 5, 0,
		"percent-encoded", "raw");
	mistake("    do:\n      - blueworks.task.complete: { id: '1' }\n", 5, 9, "no action", "");
	mistake("    do:\n      - as: x\n", 5, 9, "names no action", "");
}
END_TEST

START_TEST(operators_of_other_languages)
{
	static const struct {
		const char *other, *ours;
	} all[] = { { "gte", "ge" },
		    { "lte", "le" },
		    { "neq", "ne" },
		    { "'=='", "eq" },
		    { "'>='", "ge" },
		    { "'<='", "le" },
		    { "'>'", "gt" },
		    { "'<'", "lt" },
		    { ">=", "ge" },
		    { "regex", "matches" },
		    { "match", "matches" },
		    { "startsWith", "prefix" },
		    { "starts_with", "prefix" },
		    { "endsWith", "suffix" } };
	char text[100], hint[40];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		snprintf(text, sizeof(text), "    match: { data.x: { %s: 5 } }\n", all[i].other);
		snprintf(hint, sizeof(hint), "did you mean \"%s\"", all[i].ours);
		mistake(text, 4, 24, "no operator", hint);
	}
}
END_TEST

START_TEST(operands_that_never_fit)
{
	mistake("    match: { data.x: { >=: 5 } }\n", 4, 24, "starts with \">\"", "it: \">=\"");
	mistake("    match: { data.x: { >=: 5 } }\n", 4, 24, "no operator \">=\"", "\"ge\"");
	mistake("    match: { became: { title: 305 } }\n", 4, 31, "title is a text",
		"quote it: \"305\"");
	mistake("    match: { data.title: [a, 7] }\n", 4, 30, "title is a text", "\"7\"");
	mistake("    match: { data.percentage_complete: { gt: many } }\n", 4, 46,
		"percentage_complete is a number", "");
	mistake("    match: { data.percentage_complete: { gt: '5' } }\n", 4, 46,
		"percentage_complete is a number", "without quotes");
	mistake("    match: { data.archived: 'true' }\n", 4, 29, "archived is true or false",
		"without quotes");
	mistake("    match: { data.updated_at: { gt: yesterday } }\n", 4, 37,
		"updated_at is a time", "ctx.now");
}
END_TEST

START_TEST(options_among_parameters)
{
	static const char *const keys[] = { "via",     "retry", "if", "on_error",
					    "timeout", "ok",    "as", "after_doubt" };
	char text[100], what[60];

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		snprintf(text, sizeof(text), "    do:\n      - slack.post: { text: a, %s: x }\n",
			 keys[i]);
		snprintf(what, sizeof(what), "\"%s\" belongs beside slack.post, not in it",
			 keys[i]);
		mistake(text, 5, 32, what, "indent it like the action");
	}
	mistake("    do:\n      - http.request: { url: 'https://a.b', zzz: 1 }\n", 5, 0,
		"no parameter \"zzz\"", "form, multipart, body");
}
END_TEST

START_TEST(shapes_and_synonyms)
{
	mistake("    throttle: 1h\n", 4, 15, "must be a map", "throttle: { every: 1h }");
	mistake("    throttle: { per: 1h }\n", 4, 17, "\"per\"", "\"every\"");
	mistake("    do:\n      - slack.post: { text: a }\n        retry: { tries: 3 }\n", 6, 18,
		"\"tries\"", "\"attempts\"");
	mistake("    do:\n      - slack.post: { text: a }\n        retry: 3\n", 6, 16,
		"must be a map", "retry: { attempts: 3 }");
	mistake("    do:\n      - matrix.post: { text: a }\n", 5, 9, "no connector \"matrix\"",
		"connectors: ");
	mistake("    do:\n      - http.request: { url: 'https://a.b', json: 1, body: b }\n", 5, 54,
		"\"body\" can't be given together with \"json\"", "one body");
	mistake("    do:\n      - slack.post: { text: '${error.message}' }\n", 5, 38,
		"steps of on_error only", "");
	mistake("    when: data.title.matches('(')\n", 4, 0, "missing \")\" in \"(\"", "");
	mistake("    define: { a: b + 1, b: 1 }\n", 4, 18, "b is defined below", "before it");
	mistake("    define: { a: a + 1 }\n", 4, 18, "a is what is being defined", "");
}
END_TEST

START_TEST(quotes_of_flow_maps)
{
	mistake("    do:\n      - { *a : { text: a } }\n", 5, 0, "alias", "");
	mistake("    do: [{ slack.post: { text: \"hi ${data[\"odd name\"]}\" } }]\n", 4, 32,
		"second quote", "write 'hi ${data[\"odd name\"]}'");
	mistake("    do:\n      - slack.post:\n          text: \"a\\n${data[\"b\"]}\"\n", 6, 17,
		"second quote", "write \"a\\n${data[\\\"b\\\"]}\"");
	mistake("    define: { a: data.x ? \"y\" : \"n\" }\n", 4, 18, "holds \": \"",
		"'data.x ? \"y\" : \"n\"'");
	mistake("    match: { data.x: #ops, data.y: 1 }\n", 4, 22, "for a comment", "\"#ops\"");
	mistake("    do:\n      - slack.post: &a { text: a }\n", 5, 21, "anchors aren't supported",
		"remove \"&a\"");
	mistake("    match: &all\n      data.x: 1\n", 4, 12, "anchors aren't supported",
		"remove \"&all\"");
	mistake("    match: { data.x: &v { eq: 1 } }\n", 4, 22, "anchors aren't supported",
		"remove \"&v\"");
}
END_TEST

START_TEST(error_where_it_is_known)
{
	struct kit k;

	kit_init(&k);
	kit_rule(&k, "rules:\n  - id: a\n    on: x.y\n    define: { why: error.message }\n    do:\n"
		     "      - slack.post: { text: a }\n        on_error:\n"
		     "          - slack.post: { text: '${error.message} ${why}' }\n");
	kit_fini(&k);
}
END_TEST

START_TEST(what_the_configuration_has)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "hooks: { github: { verify: none }, billing: { verify: none } }\n"
		       "schedules: { daily: { cron: \"0 9 * * *\" } }\n"
		       "connections: { h: { connector: hindsite, base_url: \"https://h.test\",\n"
		       "  client_id: \"${env:A}\", client_secret: \"${env:B}\" } }\n");
	kit_load(&k, "rules:\n  - { id: a, on: hook.orders }\n  - { id: b, on: schedule.nights }\n"
		     "  - { id: c, on: hindsite.work_set.* }\n"
		     "  - { id: d, on: hindsite.webhook.report }\n");
	kit_expect(k.diags, 2, 18, "no event", "hooks in tappet.yaml: github, billing");
	kit_expect(k.diags, 3, 18, "no event", "schedules in tappet.yaml: daily");
	kit_expect(k.diags, 4, 18, "comes by webhook", "webhook: {");
	kit_expect(k.diags, 5, 18, "comes by webhook", "webhook: {");
	kit_fini(&k);
}
END_TEST

static int told_of_polls(const struct kit *k)
{
	int n = 0;

	for (size_t i = 0; i < diags_count(k->diags); i++)
		n += strstr(diags_at(k->diags, i)->what, "kantata connection polls") != NULL;
	return n;
}

START_TEST(events_of_objects_nobody_polls)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "connections: { k: { connector: kantata, token: \"${env:A}\",\n"
		       "  poll: { workspaces: { every: 1m } } } }\n");
	kit_load(&k, "rules:\n  - { id: a, on: kantata.workspace_resource.updated }\n"
		     "  - { id: b, on: kantata.workspace.updated }\n");
	kit_expect(k.diags, 2, 18, "no kantata connection polls workspace_resources",
		   "poll: { workspace_resources:");
	ck_assert_int_eq(told_of_polls(&k), 1);
	kit_fini(&k);
}
END_TEST

START_TEST(names_in_the_wrong_place)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "connections:\n"
		       "  partner: { connector: http, base_url: \"https://a.example\" }\n"
		       "  other: { connector: http, base_url: \"https://b.example\" }\n"
		       "hooks: { shop: { verify: none } }\n");
	kit_load(&k, "actions:\n  tell: { do: [ { log.write: { text: a } } ] }\n"
		     "rules:\n  - id: a\n    on: hook.shop\n    from: shopp\n    do:\n"
		     "      - partner.send: { url: /x }\n      - tell: {}\n      - use: tell\n"
		     "      - http.request: { url: /x }\n"
		     "      - http.request: { url: \"https://c.example/x\" }\n"
		     "      - log.write: { text: \"${title}\" }\n"
		     "      - use.tell: {}\n"
		     "  - { id: b, on: hook.shop, from: zzz }\n");
	kit_expect(k.diags, 6, 11, "no connection, hook or plugin \"shopp\"", "\"shop\"");
	kit_expect(k.diags, 8, 9, "no connector \"partner\"", "http.request, and via: partner");
	kit_expect(k.diags, 9, 9, "no key \"tell\"", "use.tell");
	kit_expect(k.diags, 10, 9, "no key \"use\"", "use.tell");
	kit_expect(k.diags, 11, 30, "names no host", "one of: partner, other");
	kit_expect(k.diags, 13, 31, "unknown name \"title\"", "data.title");
	kit_expect(k.diags, 15, 35, "no connection, hook or plugin \"zzz\"",
		   "partner, other, shop");
	kit_fini(&k);
}
END_TEST

START_TEST(events_of_a_feed_nobody_reads)
{
	static const char *const rules =
	    "rules:\n  - { id: a, on: kantata.feed.story.created }\n"
	    "  - { id: b, on: \"kantata.feed.story.*\" }\n  - { id: c, on: \"kantata.feed.**\" }\n"
	    "  - { id: d, on: kantata.workspace.* }\n";
	struct kit k;

	kit_init(&k);
	kit_config(&k, "connections: { k: { connector: kantata, token: \"${env:A}\",\n"
		       "  poll: { workspaces: { every: 1m } } } }\n");
	kit_load(&k, rules);
	for (int line = 2; line <= 4; line++)
		kit_expect(k.diags, line, 18, "no kantata connection polls it",
			   "subscribed_events");
	kit_fini(&k);
	kit_init(&k);
	kit_config(&k, "connections: { k: { connector: kantata, token: \"${env:A}\",\n"
		       "  poll: { workspaces: { hints: subscribed_events } } } }\n");
	kit_load(&k, rules);
	/* Hints tell nothing but what is polled. */
	kit_expect(k.diags, 2, 18, "no kantata connection polls it", "subscribed_events");
	kit_expect(k.diags, 3, 18, "no kantata connection polls it", "subscribed_events");
	ck_assert_int_eq(told_of_polls(&k), 2);
	kit_fini(&k);
	kit_init(&k);
	kit_config(&k, "connections: { k: { connector: kantata, token: \"${env:A}\",\n"
		       "  poll: { workspaces: {}, subscribed_events: {} } } }\n");
	kit_load(&k, rules);
	for (size_t i = 0; i < diags_count(k.diags); i++)
		ck_assert_ptr_null(strstr(diags_at(k.diags, i)->what, "feed"));
	kit_fini(&k);
}
END_TEST

START_TEST(actions_that_need_a_setting)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "connections:\n  hook: { connector: slack, webhook_url: \"${env:A}\" }\n"
		       "  app: { connector: slack, token: \"${env:B}\" }\n");
	kit_load(&k,
		 "rules:\n  - id: a\n    on: x.y\n    do:\n"
		 "      - slack.update: { channel: C1, ts: '1.2', text: a }\n        via: app\n"
		 "      - slack.update: { channel: C1, ts: '1.2', text: a }\n        via: hook\n");
	ck_assert_uint_eq(diags_errors(k.diags), 1);
	kit_expect(k.diags, 7, 9, "slack.update needs a connection with \"token\"; hook has none",
		   "via");
	kit_fini(&k);
}
END_TEST

START_TEST(types_of_events)
{
	static const struct {
		const char *on, *what, *hint;
	} all[] = {
		{ "kantata.workspace.udpated", "no event", "\"kantata.workspace.updated\"" },
		{ "kantta.workspace.updated", "no event", "\"kantata.workspace.updated\"" },
		{ "kantata.feed.story", "no event", "" },
		{ "kantata.fed.story.*", "no known event matches", "**" },
		{ "blueworks.task.complete", "no event", "\"blueworks.task.completed\"" },
		{ "kantata.nothing.*", "no known event matches", "**" },
		{ "kantata.work*", "no event type", "" },
		{ "tappet.run.daed", "no event", "\"tappet.run.dead\"" },
	};
	char text[300];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct kit k;

		snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: [%s]\n", all[i].on);
		kit_init(&k);
		kit_load(&k, text);
		kit_expect(k.diags, 3, 10, all[i].what, all[i].hint);
		kit_fini(&k);
	}
}
END_TEST

START_TEST(types_that_are_fine)
{
	static const char *const all[] = { "kantata.workspace.*",
					   "kantata.**",
					   "hindsite.webhook.report_export_completed",
					   "com.example.order.created",
					   "hook.billing",
					   "hook.github.push",
					   "schedule.monday",
					   "tappet.run.dead",
					   "'**'" };
	char text[300];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct kit k;

		snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: %s\n", all[i]);
		kit_init(&k);
		kit_load(&k, text);
		if (diags_count(k.diags) > 0)
			kit_show(k.diags);
		ck_assert_uint_eq(diags_count(k.diags), 0);
		kit_fini(&k);
	}
}
END_TEST

/* What a line that can't be read would have said isn't missed as well. */
START_TEST(no_mistakes_follow_from_others)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n  - id: a\n    on:x.y\n    mode: off\n  - id: b\n    on: x.y\n"
		     "    when: &x &&\n  - id: c\n    on: x.y\n     mode: off\n");
	kit_expect(k.diags, 3, 5, "expected \": \"", "space");
	kit_expect(k.diags, 7, 11, "starts with \"&\"", "quotes");
	kit_expect(k.diags, 10, 0, "can't stand here", "indentation");
	ck_assert_uint_eq(diags_count(k.diags), 3);
	kit_fini(&k);
}
END_TEST

/* A hook, connection or schedule left out for its own mistake isn't missed by the rules too. */
START_TEST(a_mistake_in_the_configuration_is_told_once)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "hooks: { orders: { verify: nine } }\n"
		       "schedules: { daily: { cron: \"0 25 * * *\", timezone: UTC } }\n"
		       "connections: { chat: { connector: slac } }\n");
	kit_load(&k, "rules:\n  - { id: a, on: hook.orders }\n  - { id: b, on: schedule.daily }\n"
		     "  - { id: c, on: x.y, do: [ { slack.post: { text: a } } ] }\n");
	ck_assert_uint_eq(diags_count(k.diags), 3);
	kit_fini(&k);
}
END_TEST

START_TEST(the_same_id_twice)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n  - id: a\n    on: x.y\n  - id: a\n    on: x.y\n");
	kit_expect(k.diags, 4, 9, "another rule has the id \"a\"", "");
	ck_assert_ptr_nonnull(strstr(diags_at(k.diags, 0)->what, "rules.yaml:2"));
	kit_fini(&k);
}
END_TEST

START_TEST(braces_of_other_tools)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n"
		     "  - id: one\n"
		     "    on: hook.orders\n"
		     "    do:\n"
		     "      - slack.post: { text: \"Hello {{ data.name }}\" }\n"
		     "      - slack.post: { text: \"${data.name} {{ }\" }\n");
	kit_expect(k.diags, 5, 36, "{{...}} is sent as it is", "${data.title}");
	ck_assert_uint_eq(diags_count(k.diags), 1);
	kit_fini(&k);
}
END_TEST

/* Without hooks an event of another type is made by a rule, before or after, or never. */
static void waits_for(const char *made, bool wrong)
{
	struct kit k;
	char text[400];

	(void)snprintf(text, sizeof(text),
		       "rules:\n"
		       "  - { id: one, on: staffing.load }\n"
		       "  - id: two\n"
		       "    on: schedule.s\n"
		       "    do: [ { tappet.emit: { type: \"%s\" } } ]\n",
		       made);
	kit_init(&k);
	kit_config(&k, "schedules: { s: { cron: '* * * * *' } }\n");
	kit_load(&k, text);
	if (wrong)
		kit_expect(k.diags, 2, 20, "nothing here sends \"staffing.load\"", "tappet.emit");
	ck_assert_uint_eq(diags_count(k.diags), wrong);
	kit_fini(&k);
}

START_TEST(events_that_no_rule_makes)
{
	waits_for("staffing.load", false);
	waits_for("staffing.${event.subject}", false);
	waits_for("staffing.other", true);
}
END_TEST

UNIT_MAIN("rules_mistakes", events_that_no_rule_makes, braces_of_other_tools, ten_mistakes,
	  what_needs_quotes, one_by_one, fields_have_types, calls_that_never_work,
	  calls_about_changes, types_of_fields_leave_room, kinds_agree_on_types,
	  what_costs_too_much, whole_numbers_divided, steps_one_by_one,
	  operators_of_other_languages, operands_that_never_fit, options_among_parameters,
	  shapes_and_synonyms, quotes_of_flow_maps, error_where_it_is_known,
	  what_the_configuration_has, events_of_a_feed_nobody_reads, events_of_objects_nobody_polls,
	  names_in_the_wrong_place, actions_that_need_a_setting, types_of_events,
	  types_that_are_fine, no_mistakes_follow_from_others,
	  a_mistake_in_the_configuration_is_told_once, the_same_id_twice)
