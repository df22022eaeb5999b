/* SPDX-License-Identifier: Apache-2.0
 *
 * What steps would send, without anything being sent. */
#include "engine/rules/render.h"
#include "tests/unit/test_rules_kit.h"

#define SEEN 16

struct seen {
	struct rendered steps[SEEN];
	int count;
};

static void note(void *of, const struct rendered *rendered)
{
	struct seen *seen = of;

	ck_assert_int_lt(seen->count, SEEN);
	seen->steps[seen->count++] = *rendered;
}

static void render(struct kit *k, struct scope *scope, int first, struct seen *seen)
{
	const struct rendering rendering = {
		.config = k->config, .parser = k->parser, .scope = scope, .key = TEXT("7")
	};

	*seen = (struct seen){ .count = 0 };
	render_steps(&rendering, first, note, seen);
}

/* Of a rule with these steps, for an event with this data. */
static void render_rule(struct kit *k, const char *rules, const char *data, struct seen *seen)
{
	const struct rule *rule = kit_rule(k, rules);

	render(k, kit_event(k, rule, "hook.x", "null", data), 0, seen);
}

static void expect(const struct rendered *r, enum render_how how, const char *words)
{
	struct text t = how == RENDER_SENT    ? r->request.body
			: how == RENDER_NEEDS ? r->needs
					      : r->why;

	ck_assert_int_eq(r->how, how);
	ck_assert_msg(text_find(t, text_of(words)) != SIZE_MAX, "no %s in %.*s", words,
		      TEXT_ARG(t));
}

#define RULE(steps) "rules:\n  - id: a\n    on: hook.x\n    do:\n" steps

START_TEST(values_are_filled_in)
{
	struct kit k;
	struct seen seen;

	kit_init(&k);
	render_rule(&k,
		    RULE("      - slack.post: { text: \"${data.a} & more\" }\n"
			 "      - slack.post: { text: b }\n        if: data.a == 'no'\n"
			 "      - pagerduty.trigger: { summary: s, severity: error }\n"),
		    "{\"a\":\"<x>\"}", &seen);
	ck_assert_int_eq(seen.count, 3);
	expect(&seen.steps[0], RENDER_SENT, "{\"text\":\"&lt;x&gt; & more\"}");
	ck_assert_int_eq(seen.steps[1].how, RENDER_SKIPPED);
	/* The key of an alert comes from the rule and the run's key. */
	expect(&seen.steps[2], RENDER_SENT, "\"dedup_key\":");
	kit_fini(&k);
}
END_TEST

/* What an earlier step brings is open, unless that is skipped. */
START_TEST(results_are_needed)
{
	struct kit k;
	struct seen seen;

	kit_init(&k);
	render_rule(&k,
		    RULE("      - as: one\n        slack.post: { text: a }\n"
			 "      - as: two\n        slack.post: { text: a }\n        if: data.no\n"
			 "      - slack.post: { text: \"${default(steps.one.result.x, 'd')}\" }\n"
			 "      - slack.post: { text: \"${default(steps.two.result.x, 'd')}\" }\n"
			 "      - slack.post: { text: e }\n        if: steps.one.status == 200\n"
			 "      - slack.post: { text: \"${string(size(steps))}\" }\n"),
		    "{\"no\":false}", &seen);
	ck_assert_int_eq(seen.count, 6);
	expect(&seen.steps[2], RENDER_NEEDS, "steps.one.result.x");
	expect(&seen.steps[3], RENDER_SENT, "\"d\"");
	expect(&seen.steps[4], RENDER_SENT, "\"e\"");
	ck_assert(text_is(seen.steps[4].needs_if, "steps.one.status"));
	expect(&seen.steps[5], RENDER_NEEDS, "steps");
	kit_fini(&k);
}
END_TEST

/* Arguments of a use stand outside of it, its steps' names inside. */
START_TEST(uses_are_looked_through)
{
	struct kit k;
	struct seen seen;

	kit_init(&k);
	render_rule(&k,
		    "actions:\n  tell:\n    params: { what: text }\n    do:\n"
		    "      - as: one\n        slack.post: { text: \"${params.what}\" }\n"
		    "      - slack.post: { text: \"${steps.one.result}\" }\n"
		    "  outer:\n    params: { w: text }\n"
		    "    do: [ { use.tell: { what: \"${params.w}\" } } ]\n" RULE(
			"      - as: first\n        slack.post: { text: a }\n"
			"      - use.outer: { w: plain }\n"
			"      - use.outer: { w: \"${steps.first.result}\" }\n"
			"      - use.tell: { what: b }\n        if: steps.first.status == 1\n"),
		    "{}", &seen);
	ck_assert_int_eq(seen.count, 7);
	expect(&seen.steps[1], RENDER_SENT, "plain");
	expect(&seen.steps[2], RENDER_NEEDS, "steps.one.result");
	expect(&seen.steps[3], RENDER_NEEDS, "steps.first.result");
	expect(&seen.steps[4], RENDER_NEEDS, "steps.one.result");
	ck_assert(text_is(seen.steps[5].needs_if, "steps.first.status"));
	ck_assert(text_is(seen.steps[6].needs_if, "steps.first.status"));
	kit_fini(&k);
}
END_TEST

START_TEST(failures_are_followed)
{
	struct kit k;
	struct seen seen;

	kit_init(&k);
	render_rule(&k,
		    RULE("      - as: bad\n        slack.post: { text: \"${data.none}\" }\n"
			 "        on_error: continue\n"
			 "      - slack.post: { text: \"${steps.bad.error}\" }\n"
			 "      - slack.post: { text: x }\n        if: data.none\n"
			 "        on_error: [ { slack.post: { text: \"${error.message}, "
			 "${error.action}\" } } ]\n"
			 "      - slack.post: { text: never }\n"),
		    "{}", &seen);
	ck_assert_int_eq(seen.count, 4);
	expect(&seen.steps[0], RENDER_FAILED, "no such key: none");
	expect(&seen.steps[1], RENDER_SENT, "no such key: none");
	expect(&seen.steps[2], RENDER_FAILED, "if: ");
	expect(&seen.steps[3], RENDER_SENT, ", slack.post");
	ck_assert_int_eq(seen.steps[3].step->handles, 2);
	kit_fini(&k);
}
END_TEST

/* Whether a step that would fail is done at all may be open: then the run goes on. */
START_TEST(failures_that_may_not_be)
{
	struct kit k;
	struct seen seen;

	kit_init(&k);
	render_rule(&k,
		    RULE("      - as: one\n        slack.post: { text: a }\n"
			 "      - as: bad\n        slack.post: { text: \"${data.none}\" }\n"
			 "        if: steps.one.status == 1\n"
			 "      - slack.post: { text: \"${steps.bad.error}\" }\n"),
		    "{}", &seen);
	ck_assert_int_eq(seen.count, 3);
	expect(&seen.steps[1], RENDER_FAILED, "none");
	expect(&seen.steps[2], RENDER_NEEDS, "steps.bad.error");
	kit_fini(&k);
}
END_TEST

START_TEST(what_only_prepares)
{
	struct kit k;
	struct seen seen;

	kit_init(&k);
	render_rule(
	    &k,
	    RULE("      - kantata.workspace.update: { id: \"7\", workspace: { custom: { PO: "
		 "\"1\" } } }\n"
		 "      - kantata.workspace.update: { id: \"7\", workspace: { title: T } }\n"),
	    "{}", &seen);
	ck_assert_int_eq(seen.count, 2);
	ck_assert_str_eq(seen.steps[0].request.method, "GET");
	ck_assert(seen.steps[0].prepares);
	expect(&seen.steps[1], RENDER_SENT, "{\"workspace\":{\"title\":\"T\"}}");
	ck_assert(!seen.steps[1].prepares);
	kit_fini(&k);
}
END_TEST

/* However little memory there is: told by the arena, and nothing worse. */
START_TEST(little_memory)
{
	struct kit k;
	struct seen seen;
	bool enough = false;

	kit_init(&k);
	render_rule(
	    &k,
	    RULE("      - as: one\n        slack.post: { text: \"${data.a}\" }\n"
		 "      - slack.post: { text: \"${data.none}\" }\n        on_error: continue\n"
		 "      - slack.post: { text: \"${steps.one.result}\" }\n"),
	    "{\"a\":\"x\"}", &seen);
	for (size_t budget = 1; !enough; budget += 64) {
		struct scope scope = { .rule = k.scope.rule, .event = &k.event };

		ck_assert_uint_lt(budget, MIB);
		scope.arena = arena_new("small", budget);
		ck_assert_ptr_nonnull(scope.arena);
		render(&k, &scope, 0, &seen);
		enough = !arena_failed(scope.arena);
		ck_assert_int_le(seen.count, 3);
		arena_free(scope.arena);
	}
	ck_assert_int_eq(seen.count, 3);
	kit_fini(&k);
}
END_TEST

START_TEST(a_lookup_of_nothing_is_skipped)
{
	struct kit k;
	struct seen seen;
	const struct rule *rule;

	kit_init(&k);
	rule = kit_rule(&k, "rules:\n  - id: a\n    on: hook.x\n    lookup: { ws: { "
			    "kantata.workspace.show: { id: \"${data.id}\" } } }\n"
			    "    do: [ { slack.post: { text: a } } ]\n");
	render(&k, kit_event(&k, rule, "hook.x", "null", "{\"id\":null}"), rule->lookup_first,
	       &seen);
	ck_assert_int_eq(seen.count, 1);
	expect(&seen.steps[0], RENDER_SKIPPED, "");
	ck_assert(seen.steps[0].absent);
	render(&k, kit_event(&k, rule, "hook.x", "null", "{\"id\":7}"), rule->lookup_first, &seen);
	expect(&seen.steps[0], RENDER_SENT, "");
	ck_assert(!seen.steps[0].absent);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_render", a_lookup_of_nothing_is_skipped, values_are_filled_in, results_are_needed,
	  uses_are_looked_through, failures_are_followed, failures_that_may_not_be,
	  what_only_prepares, little_memory)
