/* SPDX-License-Identifier: Apache-2.0
 *
 * Why rules fire or don't: the reason in a sentence, the entries of `match` in
 * their author's words, where something that failed stands. */
#include "engine/rules/explain.h"
#include "tests/unit/test_rules_kit.h"

struct asked {
	struct kit kit;
	struct ruleset *alone;
	struct explanation told;
	struct buf shown;
	struct arena *trees;
};

/* Explains the first rule of a file, which holds these lines after its id and on. */
static void ask_rule(struct asked *a, const char *parts, const char *before, const char *data)
{
	char text[3000];
	const struct rule *rule;
	struct scope *scope;

	kit_init(&a->kit);
	buf_init(&a->shown, MIB);
	if (a->trees == NULL)
		a->trees = arena_new("trees", 16 * MIB);
	snprintf(text, sizeof(text), "rules:\n  - id: a\n    on: hook.x\n%s", parts);
	rule = kit_rule(&a->kit, text);
	a->alone = ruleset_load_revision(a->kit.config, rule->id, rule->source, a->kit.diags);
	ck_assert_ptr_nonnull(a->alone);
	scope = kit_event(&a->kit, ruleset_at(a->alone, 0), "hook.x", before, data);
	ck_assert(rule_explain(scope, a->trees, &a->told));
	ck_assert(!arena_failed(a->kit.arena));
}

static void end(struct asked *a)
{
	buf_fini(&a->shown);
	arena_free(a->trees);
	a->trees = NULL;
	ruleset_free(a->alone);
	kit_fini(&a->kit);
}

static void put(struct asked *a, const struct explain_node *node, int depth)
{
	buf_printf(&a->shown, "%*s%s%s%.*s: ", 2 * depth, "", node->decides ? ">" : "",
		   node->needed ? "" : "-", TEXT_ARG(node->text));
	if (node->missing)
		buf_str(&a->shown, "missing");
	else
		buf_text(&a->shown, explain_value(a->kit.arena, node->value, 60));
	buf_char(&a->shown, '\n');
	for (uint32_t i = 0; i < node->count; i++)
		put(a, node->kids[i], depth + 1);
}

static const char *tree(struct asked *a, struct explain_nodes nodes)
{
	buf_clear(&a->shown);
	for (uint32_t i = 0; i < nodes.count; i++)
		put(a, nodes.items[i], 0);
	return buf_cstr(&a->shown);
}

static void because(const char *parts, const char *before, const char *data, const char *want)
{
	struct asked a = { 0 };

	ask_rule(&a, parts, before, data);
	ck_assert_msg(text_is(a.told.because, want), "%s\n   said %.*s\n wanted %s", parts,
		      TEXT_ARG(a.told.because), want);
	end(&a);
}

START_TEST(reasons)
{
	because("", "null", "{}", "");
	because("    match: { data.a: 1 }\n", "null", "{\"a\":2}",
		"match is false because data.a == 1 is false (2)");
	because("    match: { data.a: 1 }\n", "null", "{}",
		"match is false because data.a is missing");
	because("    match: { data.a: { ge: 1 } }\n", "null", "{}",
		"match is false because data.a is missing");
	because("    match: { data.a: { ge: 1 } }\n", "null", "{\"a\":null}",
		"match is false because data.a >= 1 is false (null)");
	because("    match: { data.a: { ne: 1 } }\n", "null", "{}",
		"match is false because data.a is missing");
	because("    match: { data.a: { exists: true } }\n", "null", "{}",
		"match is false because data.a exists is false");
	because("    match: { became: { a: true } }\n", "{\"a\":true}", "{\"a\":true}",
		"match is false because became(\"a\", true) is false (before.a = true, "
		"data.a = true)");
	because("    when: data.a > 1 && data.b.exists(x, x == 3)\n", "null", "{\"a\":2,\"b\":[1]}",
		"when is false because data.b.exists(x, x == 3) is false ([1])");
	because("    when: data.b.all(x, x == 1)\n", "null", "{\"b\":[1,5]}",
		"when is false because x == 1 is false (5) for element 2 of 2");
	because("    match: { data.a: { gt: 5 } }\n", "null", "{\"a\":true}",
		"match can't be evaluated: no such overload: bool > int (in data.a > 5)");
	because("    key: data.k\n", "null", "{}",
		"key can't be evaluated: no such key: k (in data.k)");
	because("    when: data.a\n", "null", "{\"a\":3}",
		"when can't be evaluated: the condition is neither true nor false but int");
	/* A condition that is false decides, whatever failed before it. */
	because("    match: { data.a: { gt: 5 } }\n    when: data.b\n", "null",
		"{\"a\":true,\"b\":false}", "when is false because data.b is false");
}
END_TEST

START_TEST(match_in_its_own_words)
{
	struct asked a = { 0 };

	ask_rule(&a,
		 "    match:\n"
		 "      data.stage: open\n"
		 "      data.total: { ge: 100, lt: 200 }\n"
		 "      data.kind: { ne: x }\n"
		 "      data.title: { contains: cm, prefix: A }\n"
		 "      data.note: { exists: false }\n"
		 "      data.owner: { exists: true }\n"
		 "      data.gone: null\n"
		 "      data.tags: { contains: b }\n"
		 "      changed: [total, stage]\n",
		 "{\"total\":1}",
		 "{\"stage\":\"open\",\"total\":120,\"kind\":\"y\",\"title\":\"Acme\",\"owner\":1,"
		 "\"gone\":null,\"tags\":[\"a\",\"b\"]}");
	ck_assert_str_eq(a.told.decision.part, "");
	ck_assert_int_eq(a.told.match.outcome, EXPLAIN_OK);
	ck_assert_str_eq(tree(&a, a.told.match.nodes), "data.stage == \"open\": true\n"
						       "  data.stage: \"open\"\n"
						       "data.total >= 100: true\n"
						       "  data.total: 120\n"
						       "data.total < 200: true\n"
						       "  data.total: 120\n"
						       "data.kind != \"x\": true\n"
						       "  data.kind: \"y\"\n"
						       "data.title contains \"cm\": true\n"
						       "  data.title: \"Acme\"\n"
						       "data.title.startsWith(\"A\"): true\n"
						       "  data.title: \"Acme\"\n"
						       "data.note does not exist: true\n"
						       "data.owner exists: true\n"
						       "data.gone == null: true\n"
						       "  data.gone: null\n"
						       "data.tags contains \"b\": true\n"
						       "  data.tags: [\"a\",\"b\"]\n"
						       "changed(\"total\") || changed(\"stage\"): "
						       "true\n"
						       "  changed(\"total\"): true\n"
						       "    before.total: 1\n"
						       "    data.total: 120\n"
						       "  -changed(\"stage\"): true\n"
						       "    before.stage: missing\n"
						       "    data.stage: \"open\"\n");
	end(&a);
}
END_TEST

START_TEST(what_decides_is_marked)
{
	struct asked a = { 0 };

	ask_rule(&a, "    match: { data.a: 1, data.b: { gt: 1 }, data.c: { gt: 1 } }\n", "null",
		 "{\"a\":1}");
	ck_assert_str_eq(tree(&a, a.told.match.nodes), "data.a == 1: true\n"
						       "  data.a: 1\n"
						       ">data.b > 1: false\n"
						       "  data.b: missing\n"
						       "-data.c > 1: false\n"
						       "  data.c: missing\n");
	ck_assert(a.told.match.reached);
	end(&a);
	ask_rule(&a, "    when: >-\n      data.a == 1 ?\n      data.b > 3 : true\n", "null",
		 "{\"a\":1,\"b\":2}");
	ck_assert_str_eq(tree(&a, a.told.when.nodes), "data.a == 1 ? data.b > 3 : true: false\n"
						      "  data.a == 1: true\n"
						      "    data.a: 1\n"
						      "  >data.b > 3: false\n"
						      "    data.b: 2\n");
	end(&a);
	ask_rule(&a, "    when: \"data.l.exists(x, x.n == 2)\"\n", "null",
		 "{\"l\":[{\"n\":1},{\"n\":2}]}");
	ck_assert_str_eq(tree(&a, a.told.when.nodes), "data.l.exists(x, x.n == 2): true\n"
						      "  data.l: [{\"n\":1},{\"n\":2}]\n"
						      "  element 2 of 2: {\"n\":2}\n"
						      "  >x.n == 2: true\n"
						      "    x.n: 2\n");
	end(&a);
}
END_TEST

START_TEST(parts_that_are_not_reached)
{
	struct asked a = { 0 };

	ask_rule(&a, "    match: { data.a: 1 }\n    key: data.k\n    when: data.b == 2\n", "null",
		 "{\"a\":2,\"b\":2,\"k\":\"z\"}");
	ck_assert(a.told.on && a.told.from && a.told.match.reached);
	ck_assert(!a.told.key.reached && !a.told.when.reached);
	ck_assert_int_eq(a.told.when.outcome, EXPLAIN_OK);
	ck_assert_int_eq(a.told.key.outcome, EXPLAIN_OK);
	end(&a);
	ask_rule(&a, "    from: elsewhere\n", "null", "{}");
	ck_assert(a.told.on && !a.told.from);
	ck_assert(text_is(a.told.because,
			  "it takes events from elsewhere, and this one came from kantata"));
	ck_assert_int_eq(a.told.match.outcome, EXPLAIN_NONE);
	end(&a);
}
END_TEST

/* ---- Where. ---- */

static void fails_at(const char *parts, const char *data, int line, int column)
{
	struct asked a = { 0 };

	ask_rule(&a, parts, "null", data);
	ck_assert_int_eq(a.told.decision.verdict, VERDICT_BLIND);
	ck_assert_msg(a.told.at.line == line && a.told.at.column == column, "%s: %d:%d", parts,
		      a.told.at.line, a.told.at.column);
	end(&a);
}

/* Lines and columns are those of the rule by itself: "id: a" is 1:1, "on: ..." is 2:1. */
START_TEST(places)
{
	fails_at("    when: data.a > data.gone\n", "{\"a\":1}", 3, 16);
	fails_at("    when: \"data.a > data.gone\"\n", "{\"a\":1}", 3, 17);
	fails_at("    when: >-\n      data.a == 1 &&\n      data.gone > 1\n", "{\"a\":1}", 5, 3);
	fails_at("    match:\n      data.a: 1\n      data.b: { gt: 5 }\n", "{\"a\":1,\"b\":true}",
		 5, 17);
	fails_at("    key: data.k.x\n", "{}", 3, 6);
	fails_at("    define: { x: data.a, y: data.gone, z: y + 1 }\n    when: x > 0 && z > 1\n",
		 "{\"a\":1}", 3, 25);
	fails_at("    match: { data.a: \"${data.gone}\" }\n", "{\"a\":1}", 3, 18);
	fails_at("    when: data.a\n", "{\"a\":1}", 3, 7);
	fails_at("    when: (data.a || data.gone)\n", "{\"a\":false}", 3, 18);
}
END_TEST

START_TEST(defines_have_values_of_their_own)
{
	struct asked a = { 0 };

	ask_rule(&a, "    define: { who: \"default(data.w, 'nobody')\", bad: data.x }\n", "null",
		 "{}");
	ck_assert_uint_eq(a.told.define_count, 2);
	ck_assert(text_is(a.told.defines[0].name, "who"));
	ck_assert(text_is(value_as_text(a.told.defines[0].value), "nobody"));
	ck_assert(value_is(a.told.defines[1].value, VALUE_ERROR));
	ck_assert_str_eq(tree(&a, a.told.defines[1].nodes), ">data.x: missing\n");
	ck_assert_int_eq(a.told.decision.verdict, VERDICT_YES);
	end(&a);
}
END_TEST

/* The answer stands without them. */
START_TEST(trees_that_are_too_large_are_left_out)
{
	struct asked a = { .trees = arena_new("small", 1 * KIB) };

	ask_rule(&a, "    define: { d: data.a }\n    when: data.a > data.gone && d == 1\n", "null",
		 "{\"a\":1}");
	ck_assert(a.told.when.cut);
	ck_assert_uint_eq(a.told.when.nodes.count, 0);
	ck_assert_int_eq(a.told.when.outcome, EXPLAIN_BLIND);
	ck_assert_ptr_nonnull(strstr(a.told.because.s, "when can't be evaluated: no such key"));
	ck_assert_int_eq(a.told.at.line, 0);
	end(&a);
}
END_TEST

START_TEST(values_are_cut)
{
	struct arena *arena = arena_new("test", MIB);
	struct value_list_builder b;

	ck_assert(text_is(explain_value(arena, value_double(96), 20), "96.0"));
	ck_assert(text_is(explain_value(arena, value_text(TEXT("a\nb")), 20), "\"a\\nb\""));
	ck_assert(text_is(explain_value(arena, value_text(TEXT("aaaaaaaa\xc3\xbc\xc3\xbc")), 9),
			  "\"aaaaaaaa... (string of 12)"));
	value_list_begin(&b, arena);
	for (int i = 0; i < 1000; i++)
		value_list_add(&b, value_int(7));
	ck_assert(
	    text_is(explain_value(arena, value_list_end(&b), 10), "[7,7,7,7,7... (list of 1000)"));
	arena_free(arena);
}
END_TEST

UNIT_MAIN("rules_explain", reasons, match_in_its_own_words, what_decides_is_marked,
	  parts_that_are_not_reached, places, defines_have_values_of_their_own,
	  trees_that_are_too_large_are_left_out, values_are_cut)
