/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests beside rules: how they are read, played on the real sequencer, and
 * compared with what they expect. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/commands/setup.h"
#include "engine/commands/test_compare.h"
#include "engine/commands/test_report.h"
#include "engine/value/parse.h"
#include "tests/unit/unit_main.h"

/* ---- A rule file on disk, loaded. ---- */

struct bench {
	char folder[64];
	struct arena *arena, *work;
	struct diags *diags;
	struct config *config;
	struct ruleset *rules;
	struct coverage *coverage;
};

static void write_file(const struct bench *b, const char *name, const char *content)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(content, 1, strlen(content), f), strlen(content));
	ck_assert_int_eq(fclose(f), 0);
}

static void bench_init(struct bench *b)
{
	*b = (struct bench){ .folder = "/tmp/tappet-test-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(b->folder));
	b->arena = arena_new("cases", 16 * MIB);
	b->work = arena_new("test", 16 * MIB);
	b->diags = diags_new();
	b->config = config_bare();
	b->coverage = coverage_new();
}

static void bench_load(struct bench *b, const char *yaml)
{
	char path[128];
	struct text text;

	write_file(b, "r.yaml", yaml);
	(void)snprintf(path, sizeof(path), "%s/r.yaml", b->folder);
	text = text_of(path);
	b->rules = ruleset_load(b->config, &text, 1, b->diags);
	ck_assert_ptr_nonnull(b->rules);
	ck_assert_uint_eq(diags_errors(b->diags), 0);
}

static void bench_fini(struct bench *b)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", b->folder);
	ck_assert_int_eq(system(command), 0);
	coverage_free(b->coverage);
	ruleset_free(b->rules);
	config_free(b->config);
	diags_free(b->diags);
	arena_free(b->arena);
	arena_free(b->work);
}

static void complain(struct bench *b)
{
	struct buf out;

	buf_init(&out, MIB);
	diags_print(b->diags, &out, false);
	ck_abort_msg("%s", buf_cstr(&out));
}

/* Plays the i-th test of the first rule and says whether it passed. */
static bool passes_telling(struct bench *b, size_t i, const char *telling)
{
	const struct test_case *cases;
	struct test_outcome result;
	struct context context;
	size_t count;
	bool passed;

	if (!test_cases_read(b->arena, b->diags, ruleset_at(b->rules, 0), &cases, &count))
		complain(b);
	ck_assert_uint_lt(i, count);
	ck_assert_int_eq(
	    test_world_play(b->work, b->config, b->rules, &cases[i], b->coverage, &result),
	    FATE_OK);
	ck_assert(context_init(&context));
	passed = test_report(&context, b->work, &cases[i], &result);
	if (telling != NULL)
		ck_assert_msg(strstr(buf_cstr(&context.out), telling) != NULL, "%s",
			      buf_cstr(&context.out));
	(void)context_fini(&context);
	arena_reset(b->work);
	return passed;
}

static bool passes(struct bench *b, size_t i)
{
	return passes_telling(b, i, NULL);
}

#define RULE                                                                                       \
	"rules:\n"                                                                                 \
	"  - id: one\n"                                                                            \
	"    on: my.event\n"                                                                       \
	"    when: data.n > 1\n"                                                                   \
	"    key: data.id\n"                                                                       \
	"    throttle: { every: 1h }\n"                                                            \
	"    do:\n"                                                                                \
	"      - as: tell\n"                                                                       \
	"        slack.post: { text: \"n is ${data.n}\" }\n"                                       \
	"        retry: { attempts: 3, first: 10s, max: 10s }\n"                                   \
	"      - http.request: { method: POST, url: \"https://example.com/${data.id}\" }\n"        \
	"        if: has(steps.tell.result.go)\n"                                                  \
	"        on_error:\n"                                                                      \
	"          - slack.post: { text: \"${error.message}\" }\n"                                 \
	"    tests:\n"

#define EVENT "{ event: { data: { n: 5, id: a } } }"

START_TEST(plays_a_timeline)
{
	struct bench b;

	bench_init(&b);
	bench_load(&b, RULE "      - name: throttle, and another key\n"
			    "        given: [" EVENT ", { event: { data: { n: 6, id: a } } }, "
			    "{ event: { data: { n: 7, id: b } } }, { advance: 61m }, " EVENT "]\n"
			    "        expect:\n"
			    "          - slack.post: { text: n is 5 }\n"
			    "          - tell: { text: { matches: '^n is [7]$' } }\n"
			    "          - tell\n"
			    "      - name: nothing fires\n"
			    "        given: [{ event: { data: { n: 1, id: a } } }]\n"
			    "        expect: []\n"
			    "      - name: wrong\n"
			    "        given: [{ event: { data: { n: 1, id: a } } }]\n"
			    "        expect: [tell]\n"
			    "      - name: too much is wrong too\n"
			    "        given: [" EVENT "]\n"
			    "        expect: []\n");
	ck_assert(passes(&b, 0));
	ck_assert(passes(&b, 1));
	ck_assert(!passes(&b, 2));
	ck_assert(!passes(&b, 3));
	ck_assert(coverage_rule(b.coverage, ruleset_at(b.rules, 0)));
	ck_assert(coverage_step(b.coverage, ruleset_at(b.rules, 0), 0));
	ck_assert(!coverage_step(b.coverage, ruleset_at(b.rules, 0), 1));
	bench_fini(&b);
}
END_TEST

/* Rules on the engine's own events have tests, too. */
START_TEST(own_events_are_given)
{
	struct bench b;

	bench_init(&b);
	bench_load(&b, "rules:\n"
		       "  - id: r\n"
		       "    on: tappet.source.silent\n"
		       "    do: [ { slack.post: { text: \"${data.source} is silent\" } } ]\n"
		       "    tests:\n"
		       "      - name: told\n"
		       "        given: [ { event: { data: { source: orders } } } ]\n"
		       "        expect: [ { slack.post: { text: orders is silent } } ]\n");
	ck_assert(passes(&b, 0));
	bench_fini(&b);
}
END_TEST

START_TEST(answers_as_told)
{
	struct bench b;

	bench_init(&b);
	bench_load(&b, RULE
		   "      - name: a result decides, and an error is handled\n"
		   "        given: [" EVENT "]\n"
		   "        reply:\n"
		   "          tell: { result: { go: true } }\n"
		   "          http.request: { status: 404, result: gone }\n"
		   "        expect:\n"
		   "          - tell\n"
		   "          - http.request: { url: { contains: .com/a } }\n"
		   "          - slack.post: { text: { contains: '404' } }\n"
		   "      - name: retries wait for the clock\n"
		   "        given: [" EVENT "]\n"
		   "        reply: { tell: [{ status: 503, times: 2 }, "
		   "{ result: { go: true } }] }\n"
		   "        expect: [tell]\n"
		   "      - name: and come when it is turned\n"
		   "        given: [" EVENT ", { advance: 20s }]\n"
		   "        reply: { tell: [{ status: 503, times: 2 }, "
		   "{ result: { go: true } }] }\n"
		   "        expect: [tell, http.request]\n"
		   "      - name: a cut connection is in doubt, and repeated\n"
		   "        given: [" EVENT ", { advance: 10s }]\n"
		   "        reply: { slack.post: [{ drop: true }, { result: { go: true } }] }\n"
		   "        expect: [tell, http.request]\n");
	for (size_t i = 0; i < 4; i++)
		ck_assert_msg(passes(&b, i), "test %zu", i);
	bench_fini(&b);
}
END_TEST

/* A rule on a hook or a schedule, from a source, with one test. */
#define FROM_RULE(on, from)                                                                        \
	"rules:\n"                                                                                 \
	"  - id: one\n"                                                                            \
	"    on: " on "\n"                                                                         \
	"    from: " from "\n"                                                                     \
	"    do: [ slack.post: { text: \"from ${event.source}\" } ]\n"                             \
	"    tests:\n"                                                                             \
	"      - name: fires\n"                                                                    \
	"        given: [{ event: { data: {} } }]\n"                                               \
	"        expect: [slack.post]\n"

START_TEST(events_come_from_where_they_would)
{
	static const struct {
		const char *yaml;
		bool passes;
	} rules[] = {
		{ FROM_RULE("hook.orders", "orders"), true },
		{ FROM_RULE("hook.orders.created", "orders"), true },
		{ FROM_RULE("hook.orders", "kantata"), false },
		{ FROM_RULE("schedule.daily", "schedule.daily"), true },
		{ FROM_RULE("schedule.daily", "kantata"), false },
		{ FROM_RULE("kantata.workspace.created", "kantata"), true },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct bench b;

		bench_init(&b);
		bench_load(&b, rules[i].yaml);
		ck_assert_msg(passes(&b, 0) == rules[i].passes, "rule %zu", i);
		bench_fini(&b);
	}
}
END_TEST

START_TEST(blind_events_are_noted)
{
	static const char note[] = "note: on event 2 the rule could not be evaluated: when: ";
	struct bench b;

	bench_init(&b);
	bench_load(&b, RULE "      - name: passes\n"
			    "        given: [" EVENT ", { event: { data: { id: b } } }]\n"
			    "        expect: [tell]\n"
			    "      - name: fails\n"
			    "        given: [" EVENT ", { event: { data: { id: b } } }]\n"
			    "        expect: []\n");
	ck_assert(passes_telling(&b, 0, note));
	ck_assert(!passes_telling(&b, 1, note));
	bench_fini(&b);
}
END_TEST

START_TEST(what_waits_is_told)
{
	struct bench b;

	bench_init(&b);
	bench_load(&b, RULE "      - name: needs time\n"
			    "        given: [" EVENT "]\n"
			    "        reply: { tell: { status: 503, retry_after: 20m } }\n"
			    "        expect: [tell, http.request]\n"
			    "      - name: needs less\n"
			    "        given: [" EVENT "]\n"
			    "        reply: { tell: { status: 503 } }\n"
			    "        expect: [tell, http.request]\n");
	ck_assert(
	    !passes_telling(&b, 0, "run 1 waits for attempt 2 (due +20m): add `- advance: 20m`"));
	ck_assert(!passes_telling(&b, 1, "): add `- advance: 10m`"));
	bench_fini(&b);
}
END_TEST

START_TEST(events_come_from_files)
{
	struct bench b;

	bench_init(&b);
	write_file(&b, "e.json",
		   "{\"specversion\":\"1.0\",\"type\":\"my.event\",\"seq\":9,"
		   "\"data\":{\"n\":5,\"id\":\"a\",\"deep\":{\"x\":1}}}");
	write_file(&b, "e.yaml", "type: my.event\ndata: { n: 8, id: y }\n");
	bench_load(&b, RULE "      - name: files\n"
			    "        given:\n"
			    "          - event: { file: e.json }\n"
			    "          - event: { file: e.json, set: { data.id: z, "
			    "data.deep.x: 2, data.n: 9 } }\n"
			    "          - event: { file: e.yaml }\n"
			    "        expect:\n"
			    "          - tell: { text: n is 5 }\n"
			    "          - tell: { text: n is 9 }\n"
			    "          - tell: { text: n is 8 }\n");
	ck_assert(passes(&b, 0));
	bench_fini(&b);
}
END_TEST

START_TEST(reloads)
{
	struct bench b;

	bench_init(&b);
	write_file(&b, "next.yaml",
		   "rules:\n  - id: one\n    on: my.event\n    do:\n"
		   "      - slack.post: { text: \"new ${data.n}\" }\n");
	write_file(&b, "broken.yaml", "rules:\n  - id: one\n    on: [\n");
	bench_load(&b, RULE "      - name: a new text\n"
			    "        given: [" EVENT ", { reload: next.yaml }, " EVENT "]\n"
			    "        expect:\n"
			    "          - tell\n"
			    "          - slack.post: { text: new 5 }\n"
			    "      - name: a broken one fails the test\n"
			    "        given: [{ reload: broken.yaml }]\n"
			    "        expect: []\n");
	ck_assert(passes(&b, 0));
	ck_assert(!passes(&b, 1));
	bench_fini(&b);
}
END_TEST

START_TEST(mistakes_are_reported)
{
	static const char *const tests[] = {
		"      - given: []\n        expect: []\n",
		"      - name: x\n        expect: []\n",
		"      - name: x\n        given: []\n",
		"      - name: x\n        given: {}\n        expect: []\n",
		"      - name: x\n        given: [{ wait: 1h }]\n        expect: []\n",
		"      - name: x\n        given: [{ advance: soon }]\n        expect: []\n",
		"      - name: x\n        given: [{ event: { tipe: a } }]\n        expect: []\n",
		"      - name: x\n        given: [{ event: { file: none.json } }]\n"
		"        expect: []\n",
		"      - name: x\n        given: [{ event: { set: { n: 1 } } }]\n        expect: "
		"[]\n",
		"      - name: x\n        given: [{ event: { time: noon } }]\n        expect: []\n",
		"      - name: x\n        given: []\n        expect: [slack.pots]\n",
		"      - name: x\n        given: []\n        expect: [tell: 5]\n",
		"      - name: x\n        given: []\n        expect: []\n"
		"        reply: { tel: {} }\n",
		"      - name: x\n        given: []\n        expect: []\n"
		"        reply: { tell: { status: 9000 } }\n",
		"      - name: x\n        given: []\n        expect: []\n"
		"        reply: { tell: { code: 200 } }\n",
	};
	const struct test_case *cases;
	char yaml[4096];
	struct bench b;
	size_t count;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		bench_init(&b);
		(void)snprintf(yaml, sizeof(yaml), "%s%s", RULE, tests[i]);
		bench_load(&b, yaml);
		ck_assert_uint_eq(diags_errors(b.diags), 0);
		ck_assert_msg(
		    !test_cases_read(b.arena, b.diags, ruleset_at(b.rules, 0), &cases, &count),
		    "mistake %zu was taken", i);
		ck_assert_msg(diags_at(b.diags, 0)->at.line > 15, "mistake %zu has no line", i);
		bench_fini(&b);
	}
}
END_TEST

/* Where no name is near, those there are stand in the hint. */
START_TEST(unknown_names_bring_the_known)
{
	const struct test_case *cases;
	char yaml[4096];
	struct bench b;
	size_t count;

	bench_init(&b);
	(void)snprintf(yaml, sizeof(yaml), "%s%s", RULE,
		       "      - name: x\n        given: [" EVENT "]\n        expect: []\n"
		       "        reply: { customer: {} }\n");
	bench_load(&b, yaml);
	ck_assert(!test_cases_read(b.arena, b.diags, ruleset_at(b.rules, 0), &cases, &count));
	ck_assert_str_eq(diags_at(b.diags, 0)->hint, "it has: tell, slack.post, http.request");
	bench_fini(&b);
}
END_TEST

/* ---- Comparing. ---- */

struct pair {
	const char *expected; /* YAML */
	const char *sent;     /* JSON */
	bool same;
};

static bool compares(const struct pair *p, struct buf *out)
{
	struct arena *arena = arena_new("compare", MIB);
	struct json_parser *parser = json_parser_new();
	struct diags *diags = diags_new();
	const char *file = diags_source(diags, "t.yaml", text_of(p->expected));
	struct yaml_node *node = yaml_read(arena, diags, file, text_of(p->expected));
	struct json_error error;
	struct value sent;
	bool same;

	ck_assert_msg(node != NULL, "%s", p->expected);
	ck_assert_int_eq(json_parse(parser, arena, text_of(p->sent), &sent, &error), FATE_OK);
	same = test_compare(arena, node, sent, out);
	diags_free(diags);
	json_parser_free(parser);
	arena_free(arena);
	return same;
}

START_TEST(compares_parts)
{
	static const struct pair pairs[] = {
		{ "{ a: 1 }", "{\"a\":1.0,\"b\":2}", true },
		{ "{ a: 1 }", "{\"b\":2}", false },
		{ "{ a: { b: x } }", "{\"a\":{\"b\":\"x\",\"c\":1}}", true },
		{ "{ a: { b: x } }", "{\"a\":\"x\"}", false },
		{ "{ a: null }", "{}", true },
		{ "{ a: null }", "{\"a\":null}", true },
		{ "{ a: [1, { b: 2 }] }", "{\"a\":[1,{\"b\":2,\"c\":3}]}", true },
		{ "{ a: [1] }", "{\"a\":[1,2]}", false },
		{ "{ a: [] }", "{\"a\":[]}", true },
		{ "{ a: { contains: ell } }", "{\"a\":\"hello\"}", true },
		{ "{ a: { contains: elk } }", "{\"a\":\"hello\"}", false },
		{ "{ a: { contains: 2 } }", "{\"a\":[1,2]}", true },
		{ "{ a: { contains: { b: 2 } } }", "{\"a\":[{\"b\":2}]}", true },
		{ "{ a: { contains: 2 } }", "{\"a\":{\"contains\":2}}", true },
		{ "{ a: { contains: 2 } }", "{\"a\":2}", false },
		{ "{ a: { matches: '^h.*o$' } }", "{\"a\":\"hello\"}", true },
		{ "{ a: { matches: '^e' } }", "{\"a\":\"hello\"}", false },
		{ "{ a: { matches: '(' } }", "{\"a\":\"hello\"}", false },
		{ "{ a: \"7\" }", "{\"a\":7}", false },
		{ "{ a: true }", "{\"a\":true}", true },
	};
	struct buf out;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_init(&out, 10000);
		ck_assert_msg(compares(&pairs[i], &out) == pairs[i].same, "%s and %s",
			      pairs[i].expected, pairs[i].sent);
		ck_assert_msg((out.n == 0) == pairs[i].same, "%s: %s", pairs[i].expected,
			      buf_cstr(&out));
		buf_fini(&out);
	}
}
END_TEST

START_TEST(differences_have_a_place)
{
	static const struct pair pair = { "a: 1\nb:\n  c: [x, y]\n",
					  "{\"a\":1,\"b\":{\"c\":[\"x\",\"z\"]}}", false };
	struct buf out;

	buf_init(&out, 10000);
	ck_assert(!compares(&pair, &out));
	ck_assert_str_eq(buf_cstr(&out), "t.yaml:3:10: b.c[1]: expected \"y\", sent \"z\"\n");
	buf_fini(&out);
}
END_TEST

UNIT_MAIN("commands_test", own_events_are_given, plays_a_timeline, answers_as_told,
	  events_come_from_where_they_would, blind_events_are_noted, what_waits_is_told,
	  events_come_from_files, reloads, mistakes_are_reported, unknown_names_bring_the_known,
	  compares_parts, differences_have_a_place)
