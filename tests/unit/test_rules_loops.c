/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests for rules/loops and rules/lane: what for_each and lane may be, where their mistakes stand,
 * how the steps of a for_each are laid out, and what they see. */
#include "tests/unit/test_rules_kit.h"

START_TEST(mistakes_of_lanes)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n"
		     "  - id: one\n"
		     "    on: hook.orders\n"
		     "    lane: [a]\n"
		     "  - id: two\n"
		     "    on: hook.orders\n"
		     "    lane: \"\"\n"
		     "  - id: three\n"
		     "    on: hook.orders\n"
		     "    lane: \"x/${steps.a.result}\"\n"
		     "    do: [ { as: a, slack.post: { text: x } } ]\n"
		     "  - id: four\n"
		     "    on: hook.orders\n"
		     "    lane: \"x/${nobody.knows}\"\n");
	kit_expect(k.diags, 4, 11, "a lane must be a text, not a list", "lane:");
	kit_expect(k.diags, 7, 11, "a lane must be a text, not an empty one", "");
	kit_expect(k.diags, 10, 0, "there is no earlier step \"a\"", "");
	kit_expect(k.diags, 14, 16, "nobody", "");
	ck_assert_uint_eq(diags_errors(k.diags), 4);
	kit_fini(&k);
}
END_TEST

static void lane_is(struct kit *k, const struct rule *rule, const char *data, const char *lane,
		    const char *why)
{
	struct scope *scope = kit_event(k, rule, "hook.orders", "null", data);
	struct text name, error;

	ck_assert_int_eq(rule_lane(scope, &name, &error), why == NULL);
	if (why == NULL)
		ck_assert_msg(text_is(name, lane), "%.*s", TEXT_ARG(name));
	else
		ck_assert_msg(text_find(error, text_of(why)) != SIZE_MAX, "%.*s", TEXT_ARG(error));
}

START_TEST(names_of_lanes)
{
	char long_one[LIMIT_RUN_KEY + 100] = "{\"id\":\"";
	const struct rule *rule;
	struct text name, why;
	struct kit k;

	kit_init(&k);
	rule = kit_rule(&k, "rules:\n"
			    "  - id: one\n"
			    "    on: hook.orders\n"
			    "    define: { who: data.id }\n"
			    "    lane: \"${who}\"\n");
	lane_is(&k, rule, "{\"id\":\"a\"}", "a", NULL);
	lane_is(&k, rule, "{\"id\":7}", "7", NULL);
	lane_is(&k, rule, "{\"id\":true}", "true", NULL);
	lane_is(&k, rule, "{\"id\":null}", "", "this is null");
	lane_is(&k, rule, "{\"id\":\"\"}", "", "empty text");
	lane_is(&k, rule, "{\"id\":[1]}", "", "this is list");
	lane_is(&k, rule, "{\"id\":1.5}", "", "this is double");
	lane_is(&k, rule, "{}", "", "no such key");
	memset(long_one + 7, 'x', sizeof(long_one) - 10);
	memcpy(long_one + sizeof(long_one) - 3, "\"}", 3);
	ck_assert(rule_lane(kit_event(&k, rule, "hook.orders", "null", long_one), &name, &why));
	ck_assert_uint_gt(name.n, 0);
	ck_assert_uint_le(name.n, LIMIT_RUN_KEY);
	kit_fini(&k);
}
END_TEST

START_TEST(a_rule_without_a_lane_has_none)
{
	const struct rule *rule;
	struct text name, why;
	struct kit k;

	kit_init(&k);
	rule = kit_rule(&k, "rules: [ { id: one, on: hook.orders } ]\n");
	ck_assert(rule_lane(kit_event(&k, rule, "hook.orders", "null", "{}"), &name, &why));
	ck_assert_uint_eq(name.n, 0);
	kit_fini(&k);
}
END_TEST

/* Steps from line 6 on. */
static void mistake(const char *steps, int line, int column, const char *what, const char *hint)
{
	char text[1000];
	struct kit k;

	snprintf(text, sizeof(text),
		 "rules:\n  - id: a\n    on: hook.orders\n    define: { link: data.link }\n"
		 "    do:\n%s",
		 steps);
	kit_init(&k);
	kit_load(&k, text);
	kit_expect(k.diags, line, column, what, hint);
	ck_assert_uint_eq(diags_errors(k.diags), 1);
	kit_fini(&k);
}

#define LOG "log.write: { text: x }"

START_TEST(mistakes_of_loops)
{
	mistake("    - { for_each: data.l, timeout: 5s, do: [ { " LOG " } ] }\n", 6, 27,
		"a for_each has no key \"timeout\"", "");
	mistake("    - { for_each: [1], do: [ { " LOG " } ] }\n", 6, 19,
		"for_each must be an expression, not a list", "steps.due");
	mistake("    - { for_each: event.type, do: [ { " LOG " } ] }\n", 6, 19,
		"for_each goes through a list", "");
	mistake("    - { for_each: \"data.l ==\", do: [ { " LOG " } ] }\n", 6, 0, "", "");
	mistake("    - { for_each: data.l }\n", 6, 7, "\"do\"", "do:");
	mistake("    - { for_each: data.l, do: [] }\n", 6, 31, "not an empty one", "do:");
	mistake("    - { for_each: data.l, do: 5 }\n", 6, 31, "must be a list", "do:");
	mistake("    - { for_each: data.l, item: data, do: [ { " LOG " } ] }\n", 6, 33,
		"\"data\" is taken", "");
	mistake("    - { for_each: data.l, item: a-b, do: [ { " LOG " } ] }\n", 6, 33,
		"no name for a value", "");
	mistake("    - { for_each: data.l, item: link, do: [ { " LOG " } ] }\n", 6, 33,
		"define has the name \"link\" already", "");
	mistake("    - { for_each: data.l, max: 0, do: [ { " LOG " } ] }\n", 6, 32, "", "");
	mistake("    - { for_each: data.l, max: 10001, do: [ { " LOG " } ] }\n", 6, 32, "", "");
	mistake("    - { for_each: data.l, on_item_error: go, do: [ { " LOG " } ] }\n", 6, 42,
		"not possible", "stop, continue");
	mistake("    - for_each: data.l\n      do: [ { for_each: item.l, do: [ { " LOG " } ] } ]\n",
		7, 25, "a for_each can't stand inside another", "");
	mistake("    - " LOG "\n      on_error: [ { for_each: data.l, do: [ { " LOG " } ] } ]\n", 7,
		31, "a step of on_error can't be a for_each", "");
	mistake("    - { for_each: data.l, " LOG ", do: [ { " LOG " } ] }\n", 6, 27,
		"a for_each has no key \"log.write\"", "");
}
END_TEST

START_TEST(names_in_loops)
{
	/* Of steps behind it, of its own steps from outside, and of the item from outside. */
	mistake(
	    "    - for_each: data.l\n      do: [ { log.write: { text: \"${steps.b.status}\" } } ]\n"
	    "    - { as: b, " LOG " }\n",
	    7, 0, "there is no earlier step \"b\"", "");
	mistake("    - for_each: data.l\n      do: [ { as: b, " LOG " } ]\n"
		"    - log.write: { text: \"${steps.b.status}\" }\n",
		8, 0, "there is no earlier step \"b\"", "");
	mistake("    - for_each: data.l\n      do: [ { as: b, " LOG " }, { as: b, " LOG " } ]\n", 7,
		0, "another step has the name \"b\"", "");
	mistake("    - { for_each: data.l, do: [ { " LOG " } ] }\n"
		"    - log.write: { text: \"${item}\" }\n",
		7, 0, "item", "");
	mistake(
	    "    - for_each: data.l\n      item: p\n      do: [ { log.write: { text: \"${item}\" } "
	    "} ]\n",
	    8, 0, "item", "");
}
END_TEST

START_TEST(how_loops_are_laid_out)
{
	const struct rule *rule;
	struct value v;
	struct text why;
	struct kit k;

	kit_init(&k);
	rule = kit_rule(
	    &k, "rules:\n"
		"  - id: one\n"
		"    on: hook.orders\n"
		"    define: { list: data.l }\n"
		"    do:\n"
		"      - { as: a, log.write: { text: a } }\n"
		"      - as: each\n"
		"        for_each: list.filter(x, x > 1)\n"
		"        max: 7\n"
		"        on_item_error: continue\n"
		"        do:\n"
		"          - as: b\n"
		"            log.write: { text: \"${item} ${steps.a.status}\" }\n"
		"            on_error: [ { log.write: { text: \"${item} ${error.message}\" } } ]\n"
		"          - log.write: { text: \"${steps.b.status} ${list[0]}\" }\n"
		"      - log.write: { text: \"${steps.each.result.failed}\" }\n");
	ck_assert_int_eq(rule->main_count, 3);
	ck_assert_int_eq(rule->step_count, 6);
	ck_assert_ptr_nonnull(rule->steps[1].loop);
	ck_assert_int_eq(rule->steps[1].loop->first, 3);
	ck_assert_int_eq(rule->steps[1].loop->end, 6);
	ck_assert_int_eq(rule->steps[1].loop->max, 7);
	ck_assert(rule->steps[1].loop->go_on);
	ck_assert_int_eq(rule->steps[1].within, -1);
	ck_assert_int_eq(rule->steps[1].next, 2);
	ck_assert_int_eq(rule->steps[2].next, -1);
	ck_assert_int_eq(rule->steps[3].within, 1);
	ck_assert_int_eq(rule->steps[3].next, 4);
	ck_assert_int_eq(rule->steps[3].handler, 5);
	ck_assert_int_eq(rule->steps[4].next, -1);
	ck_assert_int_eq(rule->steps[5].handles, 3);
	ck_assert_int_eq(rule->steps[5].within, 1);
	struct scope *scope = kit_event(&k, rule, "hook.orders", "null", "{\"l\":[1,2,3]}");

	ck_assert_int_eq(step_list(scope, &rule->steps[1], &v, &why), FATE_OK);
	ck_assert_uint_eq(v.n, 2);
	scope->item = v.items[1];
	scope->steps = kit_json(&k, "{\"b\":{\"status\":200}}");
	ck_assert_int_eq(step_params(scope, &rule->steps[4], &v, &why), FATE_OK);
	ck_assert(text_is(value_as_text(*value_get(v, TEXT("text"))), "200 1"));
	scope = kit_event(&k, rule, "hook.orders", "null", "{\"l\":null}");
	ck_assert_int_eq(step_list(scope, &rule->steps[1], &v, &why), FATE_REJECT);
	scope = kit_event(&k, rule, "hook.orders", "null", "{}");
	ck_assert_int_eq(step_list(scope, &rule->steps[1], &v, &why), FATE_REJECT);
	kit_fini(&k);
}
END_TEST

/* What the file says of failures belongs to the for_each, unless its items fail by themselves. */
START_TEST(defaults_of_loops)
{
	const struct rule *rule;
	struct kit k;

	kit_init(&k);
	rule = kit_rule(&k, "defaults: { on_error: [ { log.write: { text: e } } ] }\n"
			    "rules:\n"
			    "  - id: one\n"
			    "    on: hook.orders\n"
			    "    do:\n"
			    "      - { for_each: data.l, do: [ { " LOG " } ] }\n"
			    "      - { for_each: data.l, on_item_error: continue, do: [ { " LOG
			    " } ] }\n");
	const struct step *steps = rule->steps;

	ck_assert_int_eq(steps[0].on_error, ON_ERROR_STEPS);
	ck_assert_int_eq(steps[steps[0].loop->first].on_error, ON_ERROR_STOP);
	ck_assert_int_eq(steps[1].on_error, ON_ERROR_STEPS);
	ck_assert_int_eq(steps[steps[1].loop->first].on_error, ON_ERROR_STEPS);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_loops", mistakes_of_lanes, names_of_lanes, a_rule_without_a_lane_has_none,
	  mistakes_of_loops, names_in_loops, how_loops_are_laid_out, defaults_of_loops)
