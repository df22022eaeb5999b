/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_lookups - `lookup:` as it is loaded, what a rule says before and after its
 * look-ups are made, when one isn't made, and what people get wrong. */
#include "tests/unit/test_rules_kit.h"

#define HEAD "rules:\n  - id: a\n    on: x.y\n"
#define LINK "    define: { link: data.link }\n"
#define WS   "      ws: { kantata.workspace.show: { id: \"${link.id}\" }, ok: [404], cache: 10m }\n"

START_TEST(steps_of_their_own_behind_all_others)
{
	struct kit k;
	const struct rule *rule;
	const struct step *step;

	kit_init(&k);
	rule = kit_rule(&k, HEAD LINK
			"    lookup:\n" WS
			"      two: { http.request: { url: \"http://h/${lookup.ws.id}\" }, "
			"retry: { attempts: 2 }, on_error: [ { slack.post: { text: "
			"\"${error.message}\" } } ] }\n"
			"    do:\n      - slack.post: { text: \"${lookup.two.x}\" }\n"
			"        on_error: [ { slack.post: { text: \"${lookup.ws.id}\" } } ]\n");
	ck_assert_int_eq(rule->main_count, 1);
	ck_assert_int_eq(rule->lookup_first, 2);
	ck_assert_int_eq(rule->step_count, 5);
	step = &rule->steps[2];
	ck_assert(step->reads && text_is(step->name, "lookup.ws"));
	ck_assert_int_eq(step->cache, 600000);
	ck_assert_int_eq(step->ok[0], 404);
	ck_assert_int_eq(step->next, 3);
	step = &rule->steps[3];
	ck_assert(step->reads && text_is(step->name, "lookup.two"));
	ck_assert_int_eq(step->attempts, 2);
	ck_assert_int_eq(step->next, -1);
	ck_assert_int_eq(step->handler, 4);
	ck_assert(!rule->steps[4].reads);
	ck_assert_int_eq(rule->steps[4].handles, 3);
	ck_assert(!rule->steps[0].reads);
	kit_fini(&k);
}
END_TEST

/* Unlike a poll a look-up doesn't ask by itself for what the rule reads. */
START_TEST(optional_fields_have_to_be_asked_for)
{
	static const struct {
		const char *params;
		size_t warnings;
	} all[] = {
		{ "id: \"1\"", 1 },
		{ "id: \"1\", optional_fields: [minutes_logged]", 1 },
		{ "id: \"1\", optional_fields: [minutes_logged, stage]", 0 },
		{ "id: \"1\", optional_fields: [\"${data.field}\"]", 0 },
		{ "id: \"1\", optional_fields: \"${data.fields}\"", 0 },
	};
	char yaml[1000];
	struct kit k;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		(void)snprintf(yaml, sizeof(yaml),
			       HEAD
			       "    lookup: { ws: { kantata.workspace.show: { %s } } }\n"
			       "    when: lookup.ws.stage == 'project' && lookup.ws.archived\n",
			       all[i].params);
		kit_init(&k);
		kit_load(&k, yaml);
		ck_assert_uint_eq(diags_errors(k.diags), 0);
		if (all[i].warnings > 0)
			kit_expect(k.diags, 5, 18, "doesn't ask for \"stage\"",
				   "add optional_fields: [stage]");
		ck_assert_uint_eq(diags_count(k.diags), all[i].warnings);
		kit_fini(&k);
	}
}
END_TEST

START_TEST(what_only_reads_is_repeated)
{
	struct kit k;
	const struct rule *rule;

	kit_init(&k);
	rule =
	    kit_rule(&k, HEAD "    lookup: { t: { kantata.request: { path: /time_entries } } }\n");
	ck_assert_int_eq(rule->steps[0].action->after_doubt, DOUBT_PARK);
	ck_assert_int_eq(rule->steps[0].after_doubt, DOUBT_REPEAT);
	kit_fini(&k);
}
END_TEST

static struct decision decide(struct kit *k, const char *when, const char *data, const char *steps)
{
	char text[1000];
	struct scope *scope;
	const struct rule *rule;

	snprintf(text, sizeof(text), HEAD LINK "    lookup:\n" WS "    when: \"%s\"\n", when);
	rule = kit_rule(k, text);
	scope = kit_event(k, rule, "x.y", "null", data);
	if (steps != NULL)
		scope->steps = kit_json(k, steps);
	return rule_decide(scope);
}

static void verdict(const char *when, const char *data, const char *steps, enum verdict expected)
{
	struct kit k;
	struct decision d;

	kit_init(&k);
	d = decide(&k, when, data, steps);
	ck_assert_msg(d.verdict == expected, "%s on %s with %s: %d (%s: %.*s)", when, data,
		      steps != NULL ? steps : "nothing", d.verdict, d.part, TEXT_ARG(d.why));
	kit_fini(&k);
}

#define MADE(result) "{\"lookup.ws\":{\"result\":" result "}}"

START_TEST(before_they_are_made_only_what_is_false_anyway_counts)
{
	static const char linked[] = "{\"link\":{\"id\":7}}", none[] = "{\"link\":null}";

	verdict("link != null && !lookup.ws.archived", none, NULL, VERDICT_NO);
	verdict("!lookup.ws.archived && link != null", none, NULL, VERDICT_NO);
	verdict("link != null && !lookup.ws.archived", linked, NULL, VERDICT_YES);
	verdict("lookup.ws == null", linked, NULL, VERDICT_YES);
	verdict("link.id == 7", linked, NULL, VERDICT_YES);
	verdict("link.id == 8", linked, NULL, VERDICT_NO);
	/* Blind for another reason: look-ups don't mend it, but nothing is decided before them. */
	verdict("data.nothing == 8 && lookup.ws.archived", linked, NULL, VERDICT_YES);
	verdict("data.nothing == 8 && lookup.ws.archived", linked, MADE("{\"archived\":true}"),
		VERDICT_BLIND);
}
END_TEST

START_TEST(afterwards_when_is_decided_as_any)
{
	static const char linked[] = "{\"link\":{\"id\":7}}";

	verdict("!lookup.ws.archived", linked, MADE("{\"archived\":false}"), VERDICT_YES);
	verdict("!lookup.ws.archived", linked, MADE("{\"archived\":true}"), VERDICT_NO);
	verdict("!lookup.ws.archived", linked, MADE("null"), VERDICT_BLIND);
	verdict("lookup.ws == null", linked, MADE("null"), VERDICT_YES);
	verdict("lookup.ws == null || lookup.ws.archived", linked, MADE("null"), VERDICT_YES);
	/* Not among what `steps` names. */
	verdict("size(steps) == 0", linked, MADE("1"), VERDICT_YES);
}
END_TEST

/* The index says the same as rule_decide, whatever `when` is made of. */
static bool visit(void *of, const struct rule *rule, const struct decision *decision)
{
	(void)rule;
	*(int *)of += decision->verdict == VERDICT_YES;
	return true;
}

static int visited(const char *when, const char *data)
{
	char text[1000];
	struct kit k;
	struct scope *scope;
	struct matcher *matcher;
	int found = 0;

	kit_init(&k);
	snprintf(text, sizeof(text),
		 HEAD "    match: { data.kind: order }\n" LINK "    lookup:\n" WS "    when: %s\n",
		 when);
	scope = kit_event(&k, kit_rule(&k, text), "x.y", "null", data);
	matcher = matcher_new(k.set);
	ck_assert_ptr_nonnull(matcher);
	ck_assert(matcher_each(matcher, k.arena, scope->event, 0, visit, &found));
	matcher_free(matcher);
	kit_fini(&k);
	return found;
}

START_TEST(the_index_finds_them)
{
	static const char data[] = "{\"kind\":\"order\",\"n\":5,\"link\":{\"id\":7}}";

	ck_assert_int_eq(visited("lookup.ws.n == 5", data), 1);
	ck_assert_int_eq(visited("data.n == 5 && lookup.ws.n == 5", data), 1);
	ck_assert_int_eq(visited("data.n == 6 && lookup.ws.n == 5", data), 0);
	ck_assert_int_eq(visited("lookup.ws.n == 5", "{\"kind\":\"other\"}"), 0);
}
END_TEST

/* The parameters of the look-up, "null" when it isn't made, or why it fails. */
static void asks(const char *defines, const char *params, const char *data, const char *expected)
{
	char text[1000];
	struct buf shown;
	struct kit k;
	const struct rule *rule;
	struct text why;
	struct value v;

	buf_init(&shown, MIB);
	kit_init(&k);
	snprintf(text, sizeof(text),
		 HEAD "    define: { %s }\n    lookup: { ws: { http.request: { %s } } }\n", defines,
		 params);
	rule = kit_rule(&k, text);
	if (step_params(kit_event(&k, rule, "x.y", "null", data), &rule->steps[0], &v, &why) ==
	    FATE_OK)
		value_write(&shown, v);
	else
		buf_text(&shown, why);
	ck_assert_msg(strstr(buf_cstr(&shown), expected) != NULL, "%s: %s", params,
		      buf_cstr(&shown));
	buf_fini(&shown);
	kit_fini(&k);
}

START_TEST(about_nothing_it_is_not_made)
{
	static const char url[] = "url: \"http://h/${data.a.b}\"";

	asks("x: '1'", url, "{\"a\":{\"b\":5}}", "{\"url\":\"http://h/5\"}");
	asks("x: '1'", url, "{\"a\":{\"b\":null}}", "null");
	asks("x: '1'", url, "{\"a\":null}", "null");
	asks("x: '1'", url, "{\"a\":{}}", "b");
	asks("x: '1'", url, "{}", "rules.yaml:5:");
	asks("x: data.a", "url: \"http://h/${x.b.c}\"", "{\"a\":{\"b\":null}}", "null");
	asks("x: data.a.b", "url: \"http://h/${x}\"", "{\"a\":null}", "null");
	asks("x: data.a.b, y: x + 1", "url: \"http://h/\", query: { q: [\"${y * 2}\"] }",
	     "{\"a\":null}", "null");
	asks("x: data.a.b, y: x + 1", "url: \"http://h/\", query: { q: [\"${y * 2}\"] }",
	     "{\"a\":{\"b\":\"t\"}}", "no such overload");
	asks("x: '1'", "url: \"http://h/\", query: { q: null, r: \"${default(data.a.b, 'z')}\" }",
	     "{\"a\":null}", "\"r\":\"z\"");
	asks("x: '1'", "url: \"http://h/${data.l.map(e, e.a.b)[0]}\"", "{\"l\":[{\"a\":null}]}",
	     "rules.yaml:5:");
}
END_TEST

static void mistake(const char *rest, int line, int column, const char *what, const char *hint)
{
	char text[1000];
	struct kit k;

	snprintf(text, sizeof(text), HEAD "%s", rest);
	kit_init(&k);
	kit_load(&k, text);
	kit_expect(k.diags, line, column, what, hint);
	ck_assert_uint_eq(diags_errors(k.diags), 1);
	kit_fini(&k);
}

#define ONE(entry) "    lookup: { ws: { " entry " } }\n"
#define GET        "http.request: { url: \"http://h/\" }"

START_TEST(mistakes)
{
	mistake("    lookup: [ws]\n    when: lookup.ws == 1\n", 4, 13, "must be a map, not a list",
		"lookup: {");
	mistake("    lookup: { ws: 5 }\n    when: lookup.ws == 1\n", 4, 19,
		"a look-up must be a map", "lookup: {");
	mistake("    lookup: { 9a: { " GET " } }\n", 4, 15, "\"9a\" is no name", "letters");
	mistake(ONE("cache: 5m"), 4, 19, "names no action", "lookup: {");
	mistake(ONE(GET ", as: x"), 4, 57, "a look-up has no key \"as\"", "");
	mistake(ONE(GET ", cach: 5m"), 4, 57, "no key \"cach\"", "\"cache\"");
	mistake(ONE(GET ", cache: 2d"), 4, 64, "a day at most", "");
	mistake(ONE(GET ", on_error: continue"), 4, 67, "can't decide without", "ok");
	mistake(ONE(GET ", kantata.workspace.list: {}"), 4, 57, "one look-up reads one thing",
		"a name of its own");
	mistake(ONE("slack.post: { text: x }"), 4, 21, "slack.post may change something",
		"in a step");
	mistake(ONE("http.request: { method: POST, url: \"http://h/\" }"), 4, 21,
		"may change something", "GET or HEAD");
	mistake(ONE("http.request: { method: \"${data.m}\", url: \"http://h/\" }"), 4, 21,
		"may change something", "GET or HEAD");
	mistake(ONE("http.request: { url: \"http://h/\", json: {} }"), 4, 21,
		"may change something", "no body");
	mistake(ONE("kantata.workspace.show: {}"), 4, 45, "id", "");
	mistake(ONE("nothing.at.all: {}"), 4, 21, "no connector \"nothing\"", "");
	mistake(ONE(GET) "    when: lookup.wz == 1\n", 5, 18, "no look-up \"wz\"", "\"ws\"");
	mistake("    when: lookup.ws == 1\n", 4, 18, "the rule has no look-ups", "lookup: {");
	mistake(ONE(GET) "    when: lookup.ws == 1\n    edge: true\n"
			 "    clear: [ { log.write: { text: \"${lookup.ws.x}\" } } ]\n",
		7, 45, "clear has no look-ups", "read it again in a step of clear");
	mistake(ONE(GET) "    key: lookup.ws.id\n", 5, 17, "made after define and key", "when");
	mistake(ONE(GET) "    define: { x: lookup.ws.id }\n", 5, 25, "made after define and key",
		"when");
	mistake(ONE(GET) "    define: { lookup: 'data.x' }\n", 5, 15, "\"lookup\" is taken", "");
	mistake("    lookup:\n      a: { http.request: { url: \"http://h/${lookup.b}\" } }\n"
		"      b: { " GET " }\n",
		5, 52, "\"b\" is not made before", "those before it");
	mistake("    lookup: { a: { http.request: { url: \"http://h/${lookup.a}\" } } }\n", 4, 60,
		"\"a\" is not made before", "those before it");
	mistake("    lookup: { a: { http.request: { url: \"http://h/${steps.b.result}\" } } }\n", 4,
		59, "no earlier step \"b\"", "");
}
END_TEST

UNIT_MAIN("rules_lookups", steps_of_their_own_behind_all_others, what_only_reads_is_repeated,
	  optional_fields_have_to_be_asked_for,
	  before_they_are_made_only_what_is_false_anyway_counts, afterwards_when_is_decided_as_any,
	  the_index_finds_them, about_nothing_it_is_not_made, mistakes)
