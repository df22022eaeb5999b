/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_evaluate - what rules decide and what their steps send: the
 * documented rule, match operators, change functions, templates. */
#include "tests/unit/test_rules_kit.h"

#define UPDATED "kantata.workspace.updated"

static const char *shown(struct kit *k, struct value v)
{
	struct buf b;
	const char *s;

	buf_init(&b, MIB);
	value_write(&b, v);
	s = text_dup(k->arena, buf_view(&b)).s;
	buf_fini(&b);
	return s;
}

START_TEST(documented_rule)
{
	static const char before[] = "{\"over_budget\":false}";
	static const char data[] = "{\"id\":\"7\",\"over_budget\":true,\"stage\":\"project\","
				   "\"price_in_cents\":100,\"percent_of_budget_used\":101.0,"
				   "\"title\":\"Acme <1>\"}";
	struct text path = TEXT("tests/unit/data/rules/over-budget.yaml"), why;
	struct kit k;
	const struct rule *rule;
	struct decision d;
	struct scope *scope;
	struct value v;

	kit_init(&k);
	k.set = ruleset_load(k.config, &path, 1, k.diags);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	rule = ruleset_find(k.set, TEXT("workspace-over-budget"));
	ck_assert_ptr_nonnull(rule);
	ck_assert_int_eq(rule->throttle, 24 * 3600000);
	ck_assert_int_eq(rule->main_count, 3);
	ck_assert_uint_eq(rule->revision.n, 12);
	ck_assert_ptr_nonnull(rule->tests);
	ck_assert_int_eq(rule->steps[1].attempts, 5);
	ck_assert_int_eq(rule->steps[1].first, 2000);
	ck_assert_int_eq(rule->steps[1].timeout, 30000);
	ck_assert(rule->steps[1].after_doubt == DOUBT_PARK);
	ck_assert(rule->steps[2].on_error == ON_ERROR_CONTINUE);
	ck_assert_int_eq(rule->steps[0].next, 1);
	ck_assert_int_eq(rule->steps[2].next, -1);
	scope = kit_event(&k, rule, UPDATED, before, data);
	d = rule_decide(scope);
	ck_assert_msg(d.verdict == VERDICT_YES, "%s: %.*s", d.part, TEXT_ARG(d.why));
	ck_assert(text_is(d.key, "7"));
	ck_assert(step_params(scope, &rule->steps[0], &v, &why) == FATE_OK);
	ck_assert_str_eq(shown(&k, v),
			 "{\"text\":\"Acme &lt;1&gt; (nobody) is over budget: 101 %\"}");
	scope->steps = kit_json(&k, "{\"recovery\":{\"result\":{\"completed\":false}}}");
	scope->cache = NULL;
	ck_assert(step_condition(scope, &rule->steps[2], &why) == VERDICT_YES);
	ck_assert(step_params(scope, &rule->steps[2], &v, &why) == FATE_OK);
	ck_assert_str_eq(shown(&k, v), "{\"id\":\"7\",\"workspace\":{\"status_key\":305}}");
	/* Without a tappet.yaml a var stands for itself. */
	ck_assert(step_params(scope, &rule->steps[1], &v, &why) == FATE_OK);
	ck_assert_str_eq(shown(&k, v), "{\"id\":\"recovery_work_set\"}");
	/* What is missing fails the step, with its place. */
	scope = kit_event(&k, rule, UPDATED, before, "{\"id\":\"7\",\"over_budget\":true}");
	ck_assert(step_params(scope, &rule->steps[0], &v, &why) == FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(why.s, "over-budget.yaml:16:"));
	kit_fini(&k);
}
END_TEST

static struct decision decide(struct kit *k, const char *parts, const char *before,
			      const char *data)
{
	char text[2000];
	const struct rule *rule;

	snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: " UPDATED "\n    %s\n", parts);
	rule = kit_rule(k, text);
	return rule_decide(kit_event(k, rule, UPDATED, before, data));
}

static void verdict(const char *parts, const char *before, const char *data, enum verdict expected)
{
	struct kit k;
	struct decision d;

	kit_init(&k);
	d = decide(&k, parts, before, data);
	ck_assert_msg(d.verdict == expected, "%s on %s: %d (%s: %.*s)", parts, data, d.verdict,
		      d.part, TEXT_ARG(d.why));
	kit_fini(&k);
}

#define YES(parts, data)     verdict(parts, "null", data, VERDICT_YES)
#define NO(parts, data)      verdict(parts, "null", data, VERDICT_NO)
#define BLIND(parts, data)   verdict(parts, "null", data, VERDICT_BLIND)
#define TURN(parts, b, data) verdict(parts, b, data, VERDICT_YES)
#define STAY(parts, b, data) verdict(parts, b, data, VERDICT_NO)

START_TEST(match_operators)
{
	YES("match: { data.a: x }", "{\"a\":\"x\"}");
	NO("match: { data.a: x }", "{\"a\":\"y\"}");
	NO("match: { data.a: x }", "{}");
	NO("match: { data.a.b.c: 1 }", "{\"a\":null}");
	YES("match: { data.a.b: 1 }", "{\"a\":{\"b\":1.0}}");
	YES("match: { data.a: [x, y] }", "{\"a\":\"y\"}");
	NO("match: { data.a: [x, y] }", "{\"a\":\"z\"}");
	NO("match: { data.a: [x, null] }", "{}");
	YES("match: { data.a: null }", "{\"a\":null}");
	NO("match: { data.a: null }", "{}");
	YES("match: { data.a: { ge: 1, lt: 2 } }", "{\"a\":1.5}");
	NO("match: { data.a: { ge: 1, lt: 2 } }", "{\"a\":2}");
	NO("match: { data.a: { gt: 1 } }", "{\"a\":null}");
	NO("match: { data.a: { gt: 1 } }", "{}");
	BLIND("match: { data.a: { gt: 1 } }", "{\"a\":\"x\"}");
	YES("match: { data.a: { ne: 1 } }", "{\"a\":2}");
	NO("match: { data.a: { ne: 1 } }", "{}");
	YES("match: { data.a: { prefix: ab, suffix: cd, contains: bc } }", "{\"a\":\"abcd\"}");
	YES("match: { data.a: { contains: x } }", "{\"a\":[\"x\"]}");
	NO("match: { data.a: { contains: 1 } }", "{\"a\":[2]}");
	YES("match: { data.a: { matches: '^a.c$' } }", "{\"a\":\"abc\"}");
	YES("match: { data.a: { exists: true } }", "{\"a\":null}");
	NO("match: { data.a.b: { exists: true } }", "{\"a\":null}");
	YES("match: { data.a: { exists: false } }", "{}");
	YES("match: { data.a-b: { exists: true }, data.l.1: y, data.in: 1 }",
	    "{\"a-b\":1,\"l\":[\"x\",\"y\"],\"in\":1}");
	YES("match: { data.a: 'quote\" \\back $${', event.type: " UPDATED " }",
	    "{\"a\":\"quote\\\" \\\\back ${\"}");
	YES("match: { data.a: { eq: { x: [1, 2] } } }", "{\"a\":{\"x\":[1,2]}}");
	YES("match: { data.a: '${data.b}' }", "{\"a\":1,\"b\":1}");
	/* Of declared types. */
	YES("match: { data.title: { contains: cm } }", "{\"title\":\"Acme\"}");
	NO("match: { data.title: { contains: x } }", "{\"title\":null}");
	YES("match: { data.approver_ids: { contains: '7' } }", "{\"approver_ids\":[\"7\"]}");
	NO("match: { data.approver_ids: { contains: 7 } }", "{\"approver_ids\":[\"7\"]}");
	YES("match: { data.status: { contains: key } }", "{\"status\":{\"key\":\"5\"}}");
}
END_TEST

/* Every part of a document is compared once, however deep it is. */
START_TEST(deep_documents_are_compared_in_time)
{
	char deep[1000] = "";
	size_t n = 0;

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(deep + n, sizeof(deep) - n, "{\"a\":");
	n += (size_t)snprintf(deep + n, sizeof(deep) - n, "1");
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(deep + n, sizeof(deep) - n, "}");
	STAY("match: { changed: a }", deep, deep);
	TURN("match: { changed: a }", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":2}}");
	STAY("match: { changed: a }", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":null}}");
	STAY("match: { changed: a }", "{\"a\":{\"b\":1,\"c\":null}}", "{\"a\":{\"b\":1}}");
}
END_TEST

START_TEST(changes)
{
	TURN("match: { changed: a }", "{\"a\":1}", "{\"a\":2}");
	STAY("match: { changed: a }", "{\"a\":1}", "{\"a\":1,\"b\":2}");
	STAY("match: { changed: a }", "{}", "{\"a\":null}");
	TURN("match: { changed: a }", "{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{\"b\":{\"c\":2}}}");
	TURN("match: { changed: [x, a] }", "{\"a\":1}", "{\"a\":2}");
	TURN("match: { changed: a }", "null", "{\"a\":1}");
	TURN("match: { became: { a: true } }", "{\"a\":false}", "{\"a\":true}");
	STAY("match: { became: { a: true } }", "{\"a\":true}", "{\"a\":true}");
	TURN("match: { became: { a: [x, y] } }", "{\"a\":\"z\"}", "{\"a\":\"y\"}");
	TURN("match: { became: { a: true } }", "null", "{\"a\":true}");
	TURN("match: { became: { a: null } }", "{\"a\":1}", "{}");
	TURN("match: { rose_past: { a: 100 } }", "{\"a\":99.5}", "{\"a\":100}");
	STAY("match: { rose_past: { a: 100 } }", "{\"a\":100}", "{\"a\":101}");
	TURN("match: { rose_past: { a: 100 } }", "null", "{\"a\":101}");
	STAY("match: { rose_past: { a: 100 } }", "{\"a\":1}", "{}");
	TURN("match: { fell_below: { a: 10 } }", "{\"a\":10}", "{\"a\":9}");
	STAY("match: { fell_below: { a: 10 } }", "null", "{\"a\":9}");
	TURN("when: crossed('a', [75, 90, 100]) == 90", "{\"a\":70}", "{\"a\":95}");
	TURN("when: crossed('a', [75, 90, 100]) == 0", "{\"a\":95}", "{\"a\":96}");
	verdict("when: rose_past('a', 1)", "{\"a\":0}", "{\"a\":\"x\"}", VERDICT_BLIND);
	TURN("when: changed['a.b'].from == 1 && changed['a.b'].to == 2", "{\"a\":{\"b\":1}}",
	     "{\"a\":{\"b\":2}}");
}
END_TEST

START_TEST(conditions)
{
	YES("when: data.a > 0 && event.seq == 7", "{\"a\":1}");
	BLIND("when: data.b > 0", "{\"a\":1}");
	YES("when: default(data.b, 1) > 0", "{}");
	YES("when: ctx.now - event.time == duration('1s')", "{}");
	YES("when: before == null && object == data && event.subject == 's1'", "{\"a\":1}");
	YES("define: { x: data.a + 1, y: x * 2 }\n    when: y == 4", "{\"a\":1}");
	BLIND("define: { x: data.b + 1 }\n    when: x == 4", "{\"a\":1}");
	YES("define: { x: data.b + 1 }", "{\"a\":1}");
	NO("from: other", "{}");
	YES("from: kantata", "{}");
	YES("when: true", "{}");
}
END_TEST

/* The kit's clock shows 2023-11-14T22:13:21Z. */
START_TEST(days_ahead)
{
	YES("when: days_until(data.a) == 4", "{\"a\":\"2023-11-18\"}");
	YES("when: days_until(data.a, 'Europe/Berlin') == 0", "{\"a\":\"2023-11-14\"}");
	YES("when: days_until(data.a, 'Asia/Tokyo') == -1", "{\"a\":\"2023-11-14\"}");
	YES("when: days_until(data.a, data.z) == -1",
	    "{\"a\":\"2023-11-14\",\"z\":\"Asia/Tokyo\"}");
	YES("when: days_until(data.a, 'Europe/Berlin') == 1", "{\"a\":\"2023-11-14T23:00:00Z\"}");
	YES("when: days_until(event.time, 'UTC') == 0", "{}");
	YES("when: days_until(ctx.now + duration('24h')) == 1", "{}");
	YES("when: days_until('2024-02-29') == 107", "{}");
	YES("when: days_until('0001-01-01') < 0 && days_until('9999-12-31') > 0", "{}");
	BLIND("when: days_until(data.a) < 7", "{\"a\":\"soon\"}");
	BLIND("when: days_until(data.a) < 7", "{\"a\":null}");
	BLIND("when: days_until(data.a) < 7", "{\"a\":5}");
	BLIND("when: days_until(data.a) < 7", "{}");
	BLIND("when: days_until('2024-02-29', data.z) < 7", "{\"z\":\"Mars\"}");
}
END_TEST

static struct value known(void *of, struct arena *arena, struct text connection,
			  const struct object_kind *kind, struct text id)
{
	struct value_map_builder b;

	(void)of;
	if (!text_is(id, "7"))
		return value_null();
	value_map_begin(&b, arena);
	value_map_set(&b, "connection", value_text(connection));
	value_map_set(&b, "kind", value_text(text_of(kind->name)));
	return value_map_end(&b);
}

static void entity(const char *condition, const char *data, bool lent, enum verdict expected)
{
	static const struct entities entities = { NULL, known };
	char text[500];
	struct kit k;
	struct scope *scope;
	struct decision d;

	kit_init(&k);
	snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: " UPDATED "\n    when: %s\n",
		 condition);
	scope = kit_event(&k, kit_rule(&k, text), UPDATED, "null", data);
	scope->entities = lent ? &entities : NULL;
	d = rule_decide(scope);
	ck_assert_msg(d.verdict == expected, "%s on %s: %d (%s: %.*s)", condition, data, d.verdict,
		      d.part, TEXT_ARG(d.why));
	kit_fini(&k);
}

START_TEST(last_known_states)
{
	entity("entity('kantata.workspace', data.w).kind == 'kantata.workspace'", "{\"w\":\"7\"}",
	       true, VERDICT_YES);
	entity("entity('kantata.workspace', data.w).connection == 'kantata'", "{\"w\":7}", true,
	       VERDICT_YES);
	entity("entity('hindsite.work_set', data.w).connection == 'hindsite'", "{\"w\":7}", true,
	       VERDICT_YES);
	entity("entity('hindsite.work_set', data.w, 'other').connection == 'other'", "{\"w\":7}",
	       true, VERDICT_YES);
	entity("entity('kantata.workspace', data.w) == null", "{\"w\":\"8\"}", true, VERDICT_YES);
	entity("entity('kantata.workspace', data.w) == null", "{\"w\":null}", true, VERDICT_YES);
	entity("entity('kantata.workspace', '7') == null", "{}", false, VERDICT_YES);
	entity("entity('kantata.workspace', data.w) == null", "{\"w\":[1]}", true, VERDICT_BLIND);
	entity("entity('kantata.workspace', data.w) == null", "{}", true, VERDICT_BLIND);
	entity("entity(data.w, 7) == null", "{\"w\":\"no.kind\"}", true, VERDICT_BLIND);
}
END_TEST

START_TEST(deleted_objects)
{
	TURN("match: { object.a: 1 }\n    when: data == null", "{\"a\":1}", "null");
	TURN("match: { changed: a }", "{\"a\":1}", "null");
}
END_TEST

static void key(const char *parts, const char *data, const char *expected)
{
	struct kit k;
	struct decision d;

	kit_init(&k);
	d = decide(&k, parts, "null", data);
	if (expected == NULL)
		ck_assert(d.verdict == VERDICT_BLIND && strcmp(d.part, "key") == 0);
	else
		ck_assert_msg(text_is(d.key, expected), "%.*s", TEXT_ARG(d.key));
	kit_fini(&k);
}

START_TEST(keys)
{
	key("mode: live", "{}", "s1");
	key("key: data.a", "{\"a\":\"x\"}", "x");
	key("key: data.a", "{\"a\":5}", "5");
	key("key: data.a", "{\"a\":true}", "true");
	key("key: data.a", "{\"a\":1.5}", NULL);
	key("key: data.b", "{}", NULL);
	key("key: \"'fixed'\"", "{}", "fixed");
}
END_TEST

/* The parameters of the first step as JSON, or the reason they can't be had. */
static void sends(const char *step, const char *data, const char *expected)
{
	char text[2000];
	struct kit k;
	const struct rule *rule;
	struct text why;
	struct value v;

	snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: x.y\n    do:\n      - %s\n", step);
	kit_init(&k);
	rule = kit_rule(&k, text);
	if (step_params(kit_event(&k, rule, "x.y", "null", data), &rule->steps[0], &v, &why) ==
	    FATE_OK)
		ck_assert_str_eq(shown(&k, v), expected);
	else
		ck_assert_msg(strstr(why.s, expected) != NULL, "%s: %.*s", step, TEXT_ARG(why));
	kit_fini(&k);
}

#define HTTP(params, data, expected)                                                               \
	sends("http.request: { method: POST, url: \"http://h/\", " params " }", data,              \
	      "{\"method\":\"POST\",\"url\":\"http://h/\"," expected "}")

START_TEST(types_are_kept)
{
	HTTP("json: { a: '${data.x}' }", "{\"x\":5}", "\"json\":{\"a\":5}");
	HTTP("json: { a: '${data.x}' }", "{\"x\":{\"y\":[1.5,null]}}",
	     "\"json\":{\"a\":{\"y\":[1.5,null]}}");
	HTTP("json: { a: ' ${data.x}' }", "{\"x\":5.0}", "\"json\":{\"a\":\" 5\"}");
	HTTP("json: { a: 'v ${data.x}' }", "{\"x\":[1,\"b\"]}",
	     "\"json\":{\"a\":\"v [1,\\\"b\\\"]\"}");
	HTTP("json: { a: '$${x} ${data.x}' }", "{\"x\":1}", "\"json\":{\"a\":\"${x} 1\"}");
	HTTP("json: { a: '$${x}' }", "{\"x\":1}", "\"json\":{\"a\":\"${x}\"}");
	HTTP("json: { a: '${ {\"k\": \"}\"}.k }' }", "{}", "\"json\":{\"a\":\"}\"}");
	HTTP("json: [1, '${data.x}', { b: true, c: ~ }]", "{\"x\":\"<&>\"}",
	     "\"json\":[1,\"<&>\",{\"b\":true,\"c\":null}]");
}
END_TEST

START_TEST(slots_escape)
{
	sends("http.request: { url: 'http://h/${data.x}?q=${data.x}' }", "{\"x\":\"a/b &\\u00e4\"}",
	      "{\"url\":\"http://h/a%2Fb%20%26%C3%A4?q=a%2Fb%20%26%C3%A4\"}");
	sends("http.request: { url: 'http://h/${raw(data.x)}' }", "{\"x\":\"a/b\"}",
	      "{\"url\":\"http://h/a/b\"}");
	sends("http.request: { url: '${raw(data.x)}' }", "{\"x\":\"http://h/a\"}",
	      "{\"url\":\"http://h/a\"}");
	sends("http.request: { url: 'http://h/', headers: { X-A: 'v ${data.x}' } }",
	      "{\"x\":\"a\\r\\nB: c\"}", "line break");
	sends(
	    "http.request: { url: 'http://h/', body: '{\"a\": \"${data.x}\", \"b\": ${data.x}}' }",
	    "{\"x\":\"q\\\"\"}",
	    "{\"url\":\"http://h/\",\"body\":\"{\\\"a\\\": \\\"q\\\\\\\"\\\", \\\"b\\\": "
	    "\\\"q\\\\\\\"\\\"}\"}");
	sends("slack.post: { text: '${data.x}' }", "{\"x\":\"<!channel> & co\"}",
	      "{\"text\":\"&lt;!channel&gt; &amp; co\"}");
	sends("slack.post: { text: '<b> ${raw(data.x)}' }", "{\"x\":\"<i>\"}",
	      "{\"text\":\"<b> <i>\"}");
}
END_TEST

START_TEST(chat_mark_up_is_text)
{
	sends("teams.post: { text: '**a** ${data.x}' }",
	      "{\"x\":\"<!channel> & co [l](u) *b* - c\\n - d\"}",
	      "{\"text\":\"**a** <!channel> & co \\\\[l\\\\](u) \\\\*b\\\\* - c\\n \\\\- d\"}");
	sends("teams.post: { title: t, facts: [ { title: a, value: '${data.x}' } ] }",
	      "{\"x\":\"_i_\"}",
	      "{\"title\":\"t\",\"facts\":[{\"title\":\"a\",\"value\":\"\\\\_i\\\\_\"}]}");
	sends("discord.post: { text: '@here ${data.x}' }",
	      "{\"x\":\"<!channel> & co @everyone a@b.c @here <@&12> ||s|| \\\\\"}",
	      "{\"text\":\"@here \\\\<!channel> & co @\xe2\x80\x8b"
	      "everyone a@b.c @\xe2\x80\x8bhere "
	      "\\\\<@\xe2\x80\x8b&12> \\\\|\\\\|s\\\\|\\\\| \\\\\\\\\"}");
	sends("discord.post: { embeds: [ { description: '${data.x}', url: '${data.x}' } ] }",
	      "{\"x\":\"# a_b\"}",
	      "{\"embeds\":[{\"description\":\"\\\\# a\\\\_b\",\"url\":\"# a_b\"}]}");
	sends("google_chat.post: { text: '<u|l> ${data.x}', cards: [ { c: '${data.x}' } ] }",
	      "{\"x\":\"<users/all> & co\"}",
	      "{\"text\":\"<u|l> <\xe2\x80\x8busers/all> & "
	      "co\",\"cards\":[{\"c\":\"&lt;users/all&gt; "
	      "&amp; co\"}]}");
	sends("discord.post: { text: '${raw(data.x)}' }", "{\"x\":\"*a*\"}", "{\"text\":\"*a*\"}");
}
END_TEST

START_TEST(missing_values_fail_with_their_place)
{
	sends("slack.post: { text: 'a ${data.nothing} b' }", "{}", "rules.yaml:5:34: ");
	sends("slack.post: { text: '${steps}' }", "{}", "{\"text\":{}}");
}
END_TEST

START_TEST(handlers_follow_the_main_steps)
{
	struct kit k;
	const struct rule *rule;

	kit_init(&k);
	rule = kit_rule(&k,
			"rules:\n  - id: a\n    on: x.y\n    do:\n"
			"      - as: one\n        slack.post: { text: a }\n        on_error:\n"
			"          - slack.post: { text: '${error.message} ${steps.one.status}' }\n"
			"          - slack.post: { text: c }\n"
			"      - slack.post: { text: d }\n        ok: [404, 409]\n"
			"        timeout: 5s\n        retry: { attempts: 1 }\n");
	ck_assert_int_eq(rule->main_count, 2);
	ck_assert_int_eq(rule->step_count, 4);
	ck_assert(rule->steps[0].on_error == ON_ERROR_STEPS);
	ck_assert_int_eq(rule->steps[0].handler, 2);
	ck_assert_int_eq(rule->steps[0].next, 1);
	ck_assert_int_eq(rule->steps[1].next, -1);
	ck_assert_int_eq(rule->steps[2].next, 3);
	ck_assert_int_eq(rule->steps[2].handles, 0);
	ck_assert_int_eq(rule->steps[3].next, -1);
	ck_assert_uint_eq(rule->steps[1].ok_count, 2);
	ck_assert_int_eq(rule->steps[1].ok[1], 409);
	ck_assert_int_eq(rule->steps[1].timeout, 5000);
	ck_assert_int_eq(rule->steps[1].attempts, 1);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_evaluate", documented_rule, match_operators, deep_documents_are_compared_in_time,
	  changes, conditions, days_ahead, last_known_states, deleted_objects, keys, types_are_kept,
	  slots_escape, chat_mark_up_is_text, missing_values_fail_with_their_place,
	  handlers_follow_the_main_steps)
