/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_reuse - params, defaults and actions of a rule file. */
#include "tests/unit/test_rules_kit.h"

static const char shared[] =
    "params:\n"
    "  channel: { type: text, default: ops }\n"
    "  unread: { type: int, default: 3 }\n"
    "defaults: { mode: shadow, retry: { attempts: 3 }, on_error: continue }\n"
    "actions:\n"
    "  tell:\n"
    "    params: { what: text, level: { type: int, default: 1 } }\n"
    "    do:\n"
    "      - as: post\n"
    "        slack.post: { text: \"${params.what} ${params.level}\", channel: \"${vars.channel}\" "
    "}\n"
    "      - slack.post: { text: \"again ${steps.post.status}\" }\n"
    "        if: params.level > 1\n"
    "  both:\n"
    "    params: { x: text }\n"
    "    do:\n"
    "      - as: t\n"
    "        use.tell: { what: \"both: ${params.x}\", level: 2 }\n"
    "      - slack.post: { text: \"${steps.t.status}\" }\n"
    "  idle: { do: [ { slack.post: { text: never } } ] }\n"
    "rules:\n"
    "  - id: one\n"
    "    on: hook.orders\n"
    "    mode: live\n"
    "    do:\n"
    "      - as: b\n"
    "        use.both: { x: \"${data.title}\" }\n"
    "        if: data.n < 100\n"
    "        on_error: continue\n"
    "      - slack.post: { text: \"end ${steps.b.status}\" }\n"
    "        retry: { attempts: 9 }\n"
    "        on_error: stop\n"
    "  - id: two\n"
    "    on: hook.orders\n"
    "    do: [ { slack.post: { text: two } } ]\n";

static void expect_params(struct kit *k, struct scope *scope, const struct step *step,
			  const char *json)
{
	struct value v;
	struct text why;
	struct buf b;

	scope->use = step->use;
	ck_assert_msg(step_params(scope, step, &v, &why) == FATE_OK, "%.*s", TEXT_ARG(why));
	buf_init(&b, KIB);
	value_write(&b, v);
	ck_assert_str_eq(buf_cstr(&b), json);
	buf_fini(&b);
	(void)k;
}

START_TEST(steps_of_actions)
{
	struct kit k;
	const struct rule *rule;
	struct scope *scope;
	struct text why;

	kit_init(&k);
	rule = kit_rule(&k, shared);
	ck_assert_int_eq(rule->main_count, 4);
	ck_assert(text_is(rule->steps[0].name, "b/t/post"));
	ck_assert(text_is(rule->steps[1].name, "b/t/2"));
	ck_assert(text_is(rule->steps[2].name, "b/2"));
	scope = kit_event(&k, rule, "hook.orders", "null", "{\"n\":1,\"title\":\"T\"}");
	scope->steps = kit_json(&k, "{\"b/t/post\":{\"status\":201},\"b/t/2\":{\"status\":202},"
				    "\"b/2\":{\"status\":203}}");
	expect_params(&k, scope, &rule->steps[0], "{\"text\":\"both: T 2\",\"channel\":\"ops\"}");
	expect_params(&k, scope, &rule->steps[1], "{\"text\":\"again 201\"}");
	expect_params(&k, scope, &rule->steps[2], "{\"text\":202}");
	expect_params(&k, scope, &rule->steps[3], "{\"text\":\"end 203\"}");
	scope->use = rule->steps[1].use;
	ck_assert_int_eq(step_condition(scope, &rule->steps[1], &why), VERDICT_YES);
	kit_fini(&k);
}
END_TEST

START_TEST(condition_of_a_use)
{
	struct kit k;
	const struct rule *rule;
	struct scope *scope;
	struct text why;

	kit_init(&k);
	rule = kit_rule(&k, shared);
	scope = kit_event(&k, rule, "hook.orders", "null", "{\"n\":100,\"title\":\"T\"}");
	for (int i = 0; i < 3; i++) {
		scope->use = rule->steps[i].use;
		ck_assert_int_eq(step_condition(scope, &rule->steps[i], &why), VERDICT_NO);
	}
	scope->use = NULL;
	ck_assert_int_eq(step_condition(scope, &rule->steps[3], &why), VERDICT_YES);
	kit_fini(&k);
}
END_TEST

START_TEST(what_steps_inherit)
{
	struct kit k;
	const struct rule *rule;

	kit_init(&k);
	rule = kit_rule(&k, shared);
	ck_assert_int_eq(rule->mode, MODE_LIVE);
	ck_assert_int_eq(ruleset_at(k.set, 1)->mode, MODE_SHADOW);
	ck_assert_int_eq(rule->steps[0].attempts, 3);
	ck_assert_int_eq(rule->steps[3].attempts, 9);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rule->steps[i].on_error, ON_ERROR_CONTINUE);
		ck_assert_int_eq(rule->steps[i].resume, 3); /* behind all of the use */
	}
	ck_assert_int_eq(rule->steps[3].on_error, ON_ERROR_STOP);
	ck_assert_int_eq(ruleset_at(k.set, 1)->steps[0].on_error, ON_ERROR_CONTINUE);
	ck_assert_int_eq(ruleset_at(k.set, 1)->steps[0].resume, -1);
	kit_expect(k.diags, 19, 3, "no rule uses the action \"idle\"", "");
	kit_fini(&k);
}
END_TEST

static bool holds(struct text t, const char *what)
{
	return text_find(t, text_of(what)) != SIZE_MAX;
}

START_TEST(stored_with_what_it_uses)
{
	struct kit k;
	const struct rule *rule, *again;
	struct ruleset *set;

	kit_init(&k);
	rule = kit_rule(&k, shared);
	ck_assert(holds(rule->source, "  channel:\n"));
	ck_assert(!holds(rule->source, "unread"));
	ck_assert(!holds(rule->source, "idle"));
	ck_assert(!holds(ruleset_at(k.set, 1)->source, "actions:"));
	set = ruleset_load_revision(k.config, rule->id, rule->source, k.diags);
	if (set == NULL)
		kit_show(k.diags);
	ck_assert_ptr_nonnull(set);
	again = ruleset_at(set, 0);
	ck_assert(text_eq(again->id, rule->id));
	ck_assert(text_eq(again->source, rule->source));
	ck_assert(text_eq(again->revision, rule->revision));
	ck_assert_int_eq(again->step_count, rule->step_count);
	for (int i = 0; i < rule->step_count; i++)
		ck_assert(text_eq(again->steps[i].name, rule->steps[i].name));
	ruleset_free(set);
	kit_fini(&k);
}
END_TEST

START_TEST(a_rule_by_itself_is_stored_as_it_is)
{
	struct kit k;
	const struct rule *rule;

	kit_init(&k);
	rule = kit_rule(&k, "params: { unread: { type: int, default: 3 } }\n"
			    "rules:\n"
			    "  - id: one\n"
			    "    on: hook.orders\n");
	ck_assert(text_is(rule->source, "id: one\non: hook.orders\n"));
	kit_fini(&k);
}
END_TEST

START_TEST(handlers_see_the_error_and_their_parameters)
{
	struct kit k;
	const struct rule *rule;
	struct scope *scope;

	kit_init(&k);
	rule = kit_rule(&k,
			"defaults: { on_error: [ { use.tell: { what: \"${error.message}\" } } ] }\n"
			"actions: { tell: { params: { what: text }, do: [ { slack.post: { text: "
			"\"failed: ${params.what}\" } } ] } }\n"
			"rules:\n"
			"  - id: one\n"
			"    on: hook.orders\n"
			"    do: [ { slack.post: { text: a } }, { slack.post: { text: b } } ]\n");
	ck_assert_int_eq(rule->main_count, 2);
	ck_assert_int_eq(rule->step_count, 4);
	ck_assert_int_eq(rule->steps[0].handler, 2);
	ck_assert_int_eq(rule->steps[1].handler, 3);
	ck_assert(!text_eq(rule->steps[2].name, rule->steps[3].name));
	scope = kit_event(&k, rule, "hook.orders", "null", "{}");
	scope->error = kit_json(&k, "{\"message\":\"boom\"}");
	expect_params(&k, scope, &rule->steps[3], "{\"text\":\"failed: boom\"}");
	kit_fini(&k);
}
END_TEST

START_TEST(arguments_of_the_wrong_type)
{
	struct kit k;
	const struct rule *rule;
	struct scope *scope;
	struct value v;
	struct text why;

	kit_init(&k);
	rule = kit_rule(&k, "actions: { a: { params: { n: int }, do: [ { slack.post: { text: "
			    "\"${params.n}!\" } } ] } }\n"
			    "rules:\n"
			    "  - id: one\n"
			    "    on: hook.orders\n"
			    "    do: [ { use.a: { n: \"${data.n}\" } } ]\n");
	scope = kit_event(&k, rule, "hook.orders", "null", "{\"n\":\"x\"}");
	scope->use = rule->steps[0].use;
	ck_assert_int_eq(step_params(scope, &rule->steps[0], &v, &why), FATE_REJECT);
	ck_assert(holds(why, "use.a: n must be int; it is"));
	kit_fini(&k);
}
END_TEST

START_TEST(vars_that_files_need)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "vars: { small: 1, wrong: 7 }\n");
	kit_load(&k, "params:\n"
		     "  small: int\n"
		     "  missing: { type: text }\n"
		     "  wrong: text\n"
		     "  tz: { type: text, default: Europe/Berlin }\n"
		     "  bad: { type: int, default: x }\n"
		     "  odd: nonsense\n"
		     "rules:\n"
		     "  - id: one\n"
		     "    on: hook.orders\n"
		     "    when: vars.tz == 'Europe/Berlin' && vars.small == 1 && vars.tzz == 1\n");
	kit_expect(k.diags, 3, 3, "vars.missing is not set", "tappet.yaml");
	kit_expect(k.diags, 4, 3, "vars.wrong must be text", "tappet.yaml");
	kit_expect(k.diags, 6, 0, "\"bad\" must be a whole number", "");
	kit_expect(k.diags, 7, 8, "\"nonsense\" is not possible", "text, int");
	kit_expect(k.diags, 11, 0, "there is no vars.tzz", "");
	ck_assert_ptr_nonnull(value_get(ruleset_vars(k.set), TEXT("tz")));
	kit_fini(&k);
}
END_TEST

START_TEST(files_that_disagree)
{
	struct kit k;
	struct kit_file a, b;
	struct text paths[2];

	kit_init(&k);
	kit_write(&a, "a.yaml", "params: { tz: { type: text, default: UTC } }\nrules: []\n");
	kit_write(&b, "b.yaml", "params: { tz: { type: text, default: Asia/Tokyo } }\nrules: []\n");
	paths[0] = text_of(a.path);
	paths[1] = text_of(b.path);
	k.set = ruleset_load(k.config, paths, 2, k.diags);
	kit_expect(k.diags, 1, 11, "vars.tz is declared differently", "another name");
	kit_remove(&a);
	kit_remove(&b);
	kit_fini(&k);
}
END_TEST

START_TEST(mistakes)
{
	static const struct {
		int line, column;
		const char *what, *hint;
	} all[] = {
		{ 1, 13, "defaults has no key \"mod\"", "mode" },
		{ 8, 9, "would use itself", "" },
		{ 12, 0, "the action c has no parameter \"x\"", "params has n" },
		{ 12, 0, "there is no earlier step \"zz\"", "" },
		{ 13, 28, "between 1 and 1000", "" },
		{ 14, 12, "a list of steps, not an empty one", "" },
		{ 18, 0, "params is known in the steps of an action only", "vars.NAME" },
		{ 20, 24, "\"what\" must be a text", "" },
		{ 21, 21, "\"n\" must be a whole number", "" },
		{ 22, 9, "\"via\" belongs to a single step", "" },
		{ 23, 16, "\"n\" is missing", "" },
		{ 23, 18, "there is no parameter \"m\"", "it takes: n" },
		{ 24, 9, "no action \"cc\" here", "use.c" },
		{ 28, 13, "another step has the name \"q\"", "" },
		{ 29, 0, "there is no earlier step \"post\"", "" },
	};
	struct kit k;

	kit_init(&k);
	kit_load(&k, "defaults: { mod: live }\n"
		     "actions:\n"
		     "  a:\n"
		     "    params: { what: text }\n"
		     "    do: [ { use.b: {} } ]\n"
		     "  b:\n"
		     "    do:\n"
		     "      - use.a: { what: x }\n"
		     "  c:\n"
		     "    params: { n: int }\n"
		     "    do:\n"
		     "      - slack.post: { text: \"${params.x} ${steps.zz.result}\" }\n"
		     "        retry: { attempts: 0 }\n"
		     "  d: { do: [] }\n"
		     "rules:\n"
		     "  - id: one\n"
		     "    on: hook.orders\n"
		     "    when: params.x > 1\n"
		     "    do:\n"
		     "      - use.a: { what: 5 }\n"
		     "      - use.c: { n: \"x\" }\n"
		     "        via: slack\n"
		     "      - use.c: { m: 1 }\n"
		     "      - use.cc: {}\n"
		     "      - use.c: { n: 1 }\n"
		     "        as: q\n"
		     "      - use.c: { n: 2 }\n"
		     "        as: q\n"
		     "      - slack.post: { text: \"${steps.q.result} ${steps.post.result}\" }\n");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		kit_expect(k.diags, all[i].line, all[i].column, all[i].what, all[i].hint);
	/* Each once, though two uses read line 12. */
	ck_assert_uint_eq(diags_errors(k.diags), sizeof(all) / sizeof(*all));
	kit_fini(&k);
}
END_TEST

START_TEST(words_of_edge)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n"
		     "  - id: one\n"
		     "    on: hook.orders\n"
		     "    clear: [ { slack.post: { text: x } } ]\n"
		     "  - id: two\n"
		     "    on: hook.orders\n"
		     "    edge: true\n"
		     "  - id: three\n"
		     "    on: hook.orders\n"
		     "    when: data.n > 1\n"
		     "    edge: true\n"
		     "    first: maybe\n"
		     "    do: [ { slack.post: { text: x }, as: a } ]\n"
		     "    clear: [ { slack.post: { text: \"${steps.a.status}\" } } ]\n");
	kit_expect(k.diags, 4, 12, "\"clear\" belongs to a rule with edge", "edge: true");
	kit_expect(k.diags, 7, 11, "edge needs a condition", "match or when");
	kit_expect(k.diags, 12, 12, "\"maybe\" is not possible", "arm, fire");
	kit_expect(k.diags, 14, 0, "there is no earlier step \"a\"", "");
	ck_assert_uint_eq(diags_errors(k.diags), 4);
	kit_fini(&k);
}
END_TEST

START_TEST(steps_of_clear)
{
	struct kit k;
	const struct rule *rule;

	kit_init(&k);
	rule = kit_rule(
	    &k,
	    "rules:\n"
	    "  - id: one\n"
	    "    on: hook.orders\n"
	    "    when: data.n > 1\n"
	    "    edge: true\n"
	    "    do: [ { slack.post: { text: a }, on_error: [ { slack.post: { text: e } } ] } ]\n"
	    "    clear: [ { slack.post: { text: b } }, { slack.post: { text: c } } ]\n");
	ck_assert_int_eq(rule->edge, EDGE_ARM);
	ck_assert_int_eq(rule->main_count, 1);
	ck_assert_int_eq(rule->steps[0].next, -1);
	ck_assert_int_eq(rule->clear_first, 2);
	ck_assert_int_eq(rule->steps[2].next, 3);
	ck_assert_int_eq(rule->steps[3].next, -1);
	ck_assert_int_eq(rule->step_count, 4);
	kit_fini(&k);
}
END_TEST

START_TEST(modes)
{
	struct kit k;
	const struct rule *rule;
	struct scope *scope;

	kit_init(&k);
	rule = kit_rule(&k, "rules:\n"
			    "  - id: one\n"
			    "    on: hook.orders\n"
			    "    live_when: data.n == 1\n");
	scope = kit_event(&k, rule, "hook.orders", "null", "{\"n\":1}");
	ck_assert_int_eq(rule_mode_now(scope), MODE_LIVE);
	scope = kit_event(&k, rule, "hook.orders", "null", "{\"n\":2}");
	ck_assert_int_eq(rule_mode_now(scope), MODE_SHADOW);
	scope = kit_event(&k, rule, "hook.orders", "null", "{}");
	ck_assert_int_eq(rule_mode_now(scope), MODE_SHADOW);
	kit_config(&k, "max_mode: shadow\n");
	rule = kit_rule(&k, "rules: [ { id: one, on: tappet.run.dead }, { id: two, on: "
			    "tappet.run.dead, mode: off } ]\n");
	ck_assert_int_eq(rule->mode, MODE_SHADOW);
	ck_assert_int_eq(ruleset_at(k.set, 1)->mode, MODE_OFF);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_reuse", steps_of_actions, condition_of_a_use, what_steps_inherit,
	  stored_with_what_it_uses, a_rule_by_itself_is_stored_as_it_is,
	  handlers_see_the_error_and_their_parameters, arguments_of_the_wrong_type,
	  vars_that_files_need, files_that_disagree, mistakes, words_of_edge, steps_of_clear, modes)
