/* SPDX-License-Identifier: Apache-2.0
 *
 * The match index names exactly the rules that fire, and those that can't be evaluated: random
 * rules against random events, each rule asked by itself beside; then what was once wrong, and
 * how blind rules of large groups are sampled.
 *
 * A failure prints its seed; TAPPET_SEED=N runs that one alone, in place of the fixed ones. */
#include "tests/unit/test_rules_compare.h"
#include "tests/unit/test_rules_events.h"
#include "tests/unit/test_rules_kit.h"

struct world {
	struct kit k;
	struct make make;
	struct make_values values;
	struct buf text;
	struct compare c;
};

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .make = { .state = seed, .out = &w->text } };
	kit_init(&w->k);
	kit_config(&w->k, make_config);
	buf_init(&w->text, 16 * MIB);
}

static void world_fini(struct world *w)
{
	compare_fini(&w->c);
	buf_fini(&w->text);
	kit_fini(&w->k);
}

/* Cuts the lines out that hold mistakes: what makes no sense is refused when it is checked. */
static void cut_mistakes(struct world *w)
{
	struct text rest = buf_view(&w->text), line;
	struct buf kept;
	int number = 0;

	buf_init(&kept, 16 * MIB);
	while (rest.s != NULL) {
		bool wrong = false;

		rest = text_split(rest, '\n', &line);
		number++;
		for (size_t i = 0; i < diags_count(w->k.diags) && !wrong; i++)
			wrong = diags_at(w->k.diags, i)->severity == DIAG_ERROR &&
				diags_at(w->k.diags, i)->at.line == number;
		if (!wrong && line.n > 0) {
			buf_text(&kept, line);
			buf_char(&kept, '\n');
		}
	}
	buf_clear(&w->text);
	buf_text(&w->text, buf_view(&kept));
	buf_fini(&kept);
}

static void load(struct world *w)
{
	for (int round = 0; round < 8; round++) {
		diags_free(w->k.diags);
		w->k.diags = diags_new();
		ck_assert_ptr_nonnull(w->k.diags);
		kit_load(&w->k, buf_cstr(&w->text));
		if (diags_errors(w->k.diags) == 0)
			return;
		cut_mistakes(w);
	}
	kit_show(w->k.diags);
	ck_abort_msg("the rules have mistakes over and over");
}

/* The set's constants as values: the rules of a set of their own say what they are. */
static void evaluate_constants(struct world *w)
{
	struct buf b;
	const struct rule *rule;
	struct scope *scope;

	buf_init(&b, MIB);
	buf_str(&b, "rules:\n");
	for (size_t i = 0; i < w->make.constant_count; i++) {
		struct buf one;

		buf_init(&one, KIB);
		buf_printf(&one, "%s == data.a", make_constants[w->make.constants[i]].cel);
		buf_printf(&b, "  - { id: c%zu, on: com.acme.made, define: { x: ", i);
		buf_cut(&one, one.n - strlen(" == data.a"));
		value_write_text(&b, buf_view(&one));
		buf_str(&b, " } }\n");
		buf_fini(&one);
	}
	(void)kit_rule(&w->k, buf_cstr(&b));
	for (size_t i = 0; i < w->make.constant_count; i++) {
		rule = ruleset_at(w->k.set, i);
		scope = kit_event(&w->k, rule, "com.acme.made", "null", "{}");
		w->values.items[i] =
		    value_copy(w->k.arena, scope_eval(scope, rule->defines[0].program));
		ck_assert_int_ne(w->values.items[i].kind, VALUE_ERROR);
	}
	w->values.count = w->make.constant_count;
	buf_fini(&b);
}

/* One set and its events. */
struct trial {
	uint64_t seed;
	size_t rules, events;
	bool regular; /* few shapes, many values */
};

static void make_set(struct world *w, const struct trial *t)
{
	if (!t->regular) {
		make_profile(&w->make, t->rules);
		evaluate_constants(w);
	}
	buf_str(&w->text, "rules:\n");
	for (size_t i = 0; i < t->rules; i++) {
		if (t->regular)
			make_regular_rule(&w->make, i, t->rules);
		else
			make_rule(&w->make, i);
	}
	load(w);
	ck_assert(compare_init(&w->c, w->k.set));
}

static void try_event(struct world *w, const struct trial *t, struct arena *arena, size_t number)
{
	struct event_view event = t->regular ? make_regular_event(&w->make, arena, t->rules)
					     : make_event(&w->make, arena, &w->values);

	if (compare_event(&w->c, &event))
		return;
	compare_show(&w->c, &event);
	ck_abort_msg("seed %llu, %zu rules, event %zu: %s", (unsigned long long)t->seed, t->rules,
		     number, w->c.why);
}

/* Returns how many pairs were compared. */
static uint64_t try_one(const struct trial *t)
{
	struct world w;
	struct arena *arena = arena_new("events", LIMIT_EVENT_ARENA);
	uint64_t pairs;

	ck_assert_ptr_nonnull(arena);
	world_init(&w, t->seed);
	make_set(&w, t);
	for (size_t i = 0; i < t->events; i++) {
		arena_reset(arena);
		try_event(&w, t, arena, i);
	}
	pairs = w.c.pairs;
	if (getenv("TAPPET_SEED") != NULL)
		printf("seed %llu: %zu rules, %llu pairs, %llu fire, %llu blind, %llu left out\n",
		       (unsigned long long)t->seed, ruleset_count(w.k.set),
		       (unsigned long long)pairs, (unsigned long long)w.c.yes,
		       (unsigned long long)w.c.blind, (unsigned long long)w.c.left_out);
	world_fini(&w);
	arena_free(arena);
	return pairs;
}

/* So many sets with the seeds from `t.seed` on, or one with the environment's own. They must make
 * so many pairs at least: sets are not empty. */
static void try_all(struct trial t, size_t sets, uint64_t least)
{
	const char *mine = getenv("TAPPET_SEED");
	uint64_t pairs = 0;

	if (mine != NULL) {
		t.seed = strtoull(mine, NULL, 10);
		(void)try_one(&t);
		return;
	}
	for (; sets > 0; sets--, t.seed++)
		pairs += try_one(&t);
	ck_assert_uint_ge(pairs, least);
}

START_TEST(sets_of_one)
{
	try_all((struct trial){ 1, 1, 60, false }, 300, 10000);
}
END_TEST

START_TEST(small_sets)
{
	try_all((struct trial){ 1000, 12, 120, false }, 120, 120000);
}
END_TEST

START_TEST(middling_sets)
{
	try_all((struct trial){ 2000, 150, 200, false }, 16, 350000);
}
END_TEST

START_TEST(large_sets)
{
	try_all((struct trial){ 3000, 2000, 80, false }, 6, 750000);
}
END_TEST

START_TEST(regular_sets)
{
	try_all((struct trial){ 4000, 2000, 100, true }, 3, 600000);
	try_all((struct trial){ 5000, 200, 200, true }, 4, 160000);
}
END_TEST

/* ---- One by one. ---- */

static struct event_view json_event(struct world *w, const char *before, const char *data)
{
	(void)kit_event(&w->k, NULL, "com.acme.made", before, data);
	return w->k.event;
}

/* "a YES, b BLIND": what was visited. */
static void told(const struct compare *c, struct buf *out)
{
	for (size_t i = 0; i < ruleset_count(c->set); i++)
		if (c->visited[i])
			buf_printf(out, "%s%.*s %s", out->n > 0 ? ", " : "",
				   TEXT_ARG(ruleset_at(c->set, i)->id),
				   verdict_word(c->told[i].verdict));
}

/* What the index says of rules with these conditions, called a, b, ...; it must also be what
 * each rule says. */
static void check(const char *const *when, const char *before, const char *data, const char *want)
{
	struct world w;
	struct event_view event;
	struct buf b;

	world_init(&w, 0);
	buf_str(&w.text, "rules:\n");
	for (int i = 0; when[i] != NULL; i++)
		buf_printf(&w.text, "  - { id: %c, on: com.acme.made, %s }\n", 'a' + i, when[i]);
	(void)kit_rule(&w.k, buf_cstr(&w.text));
	ck_assert(compare_init(&w.c, w.k.set));
	event = json_event(&w, before, data);
	if (!compare_event(&w.c, &event))
		compare_show(&w.c, &event);
	buf_init(&b, MIB);
	told(&w.c, &b);
	ck_assert_str_eq(w.c.why, "");
	ck_assert_str_eq(buf_cstr(&b), want);
	buf_fini(&b);
	world_fini(&w);
}

#define CHECK(before, data, want, ...)                                                             \
	check((const char *const[]){ __VA_ARGS__, NULL }, before, data, want)

/* Rules r0, r1, ... with this condition, in which %d is the rule's number. Those of another type
 * make the values rare: they alone are key enough. */
static void load_many(struct world *w, const char *rest, int count)
{
	world_init(w, 0);
	buf_str(&w->text, "rules:\n");
	for (int i = 0; i < count; i++) {
		buf_printf(&w->text, "  - { id: r%d, ", i);
		buf_printf(&w->text, rest, i, i);
		buf_str(&w->text, " }\n");
	}
	for (int i = 0; i < count; i++)
		buf_printf(&w->text,
			   "  - { id: o%d, on: com.other.made, "
			   "when: data.id == %d || data.x == %d || data.s.k == %d }\n",
			   i, i + 1000, i + 1000, i + 1000);
	(void)kit_rule(&w->k, buf_cstr(&w->text));
	ck_assert(compare_init(&w->c, w->k.set));
}

/* How many of these rules fire, and how many are blind. */
static void check_many(const char *rest, const char *data, uint64_t yes, uint64_t blind)
{
	struct world w;
	struct event_view event;

	load_many(&w, rest, 50);
	event = json_event(&w, "null", data);
	event.connection = TEXT("two");
	if (!compare_event(&w.c, &event))
		compare_show(&w.c, &event);
	ck_assert_str_eq(w.c.why, "");
	ck_assert_uint_eq(w.c.yes, yes);
	ck_assert_uint_eq(w.c.blind, blind);
	world_fini(&w);
}

/* Another part may select better than the connection; it is compared all the same. */
START_TEST(from_is_always_compared)
{
	check_many("from: one, on: com.acme.made, when: data.id == %d", "{\"id\": 7}", 0, 0);
	check_many("from: two, on: com.acme.made, when: data.id == %d", "{\"id\": 7}", 1, 0);
	check_many("from: one, on: com.acme.made, when: data.id == %d || data.x == %d",
		   "{\"id\": 7, \"x\": 1}", 0, 0);
	check_many("from: one, on: com.acme.made", "{}", 0, 0);
}
END_TEST

/* has() selects less than the value it guards, and isn't part of the key. */
START_TEST(guards_beside_better_keys)
{
	static const char has[] = "on: com.acme.made, when: has(data.s.k) && data.s.k == %d",
			  null[] = "on: com.acme.made, when: 'data.s.k != null && data.s.k > %d'";

	check_many(has, "{\"s\": {\"k\": 7}}", 1, 0);
	check_many(has, "{\"s\": {}}", 0, 0);
	check_many(has, "{}", 0, 50);
	check_many(has, "null", 0, 50);
	check_many(null, "{\"s\": {\"k\": 7}}", 7, 0);
	check_many(null, "{\"s\": {\"k\": null}}", 0, 0);
	check_many(null, "{\"s\": {\"k\": \"7\"}}", 0, 50);
	check_many(null, "{\"s\": {}}", 0, 50);
}
END_TEST

/* Each prefix leads to the next shorter one, wherever in the order that stands. */
START_TEST(prefixes_of_prefixes)
{
	const char *const rules[] = { "when: 'data.t.startsWith(\"projectAlpha and so on\")'",
				      "when: 'data.t.startsWith(\"projectAl\")'",
				      "when: 'data.t.startsWith(\"projectAb\")'",
				      "when: 'data.t.startsWith(\"projectA\")'",
				      "when: 'data.t.startsWith(\"project\")'",
				      "when: 'data.t.startsWith(\"projectAlpha and no\")'",
				      "when: 'data.t.startsWith(\"pa\")'",
				      "when: 'data.t.startsWith(\"p\")'",
				      "when: 'data.t.startsWith(\"\")'",
				      "when: 'data.t.startsWith(\"projectAl\")'",
				      "when: 'data.t.startsWith(\"projectB\")'",
				      NULL };

	check(rules, "null", "{\"t\": \"projectAlpha and so on and on\"}",
	      "a YES, b YES, d YES, e YES, h YES, i YES, j YES");
	check(rules, "null", "{\"t\": \"projectAlpha and so\"}",
	      "b YES, d YES, e YES, h YES, i YES, j YES");
	check(rules, "null", "{\"t\": \"projectBx\"}", "e YES, h YES, i YES, k YES");
	check(rules, "null", "{\"t\": \"projectz\"}", "e YES, h YES, i YES");
	check(rules, "null", "{\"t\": \"\"}", "i YES");
}
END_TEST

/* A part that is known must not stand for a whole of which more is asked. */
START_TEST(a_part_proves_no_whole)
{
	CHECK("{\"s\": 1}", "{\"a\": 1, \"b\": 2, \"s\": 3}", "",
	      "define: { d: 'data.a == 1 && data.b != 2' }, when: d",
	      "when: 'default(data.a == 1 && data.b != 2, false)'", "when: 'became(\"s\", null)'",
	      "when: 'became(\"s\", [1])'", "when: 'became(\"s\", data.b)'");
}
END_TEST

/* false decides, but what is false must be so whatever the rest is. */
START_TEST(unchanged_but_not_evaluated)
{
	CHECK("{\"s\": 1}", "{\"s\": 1}", "a BLIND, b BLIND", "when: 'became(\"s\", data.x)'",
	      "when: 'became(\"s\", data.x) && data.s == 1'");
}
END_TEST

START_TEST(flags_that_are_no_bool)
{
	const char *const rules[] = { "when: data.f",
				      "when: '!data.f'",
				      "when: 'default(data.f, false)'",
				      "when: '!default(data.f, true)'",
				      "when: '!default(data.f, 5)'",
				      "when: data.f == true",
				      "when: data.f || data.x == 1",
				      "when: data.f && data.x == 1",
				      NULL };

	check(rules, "null", "{\"f\": \"yes\", \"x\": 2}",
	      "a BLIND, b BLIND, c BLIND, d BLIND, e BLIND, g BLIND");
	check(rules, "null", "{\"f\": null, \"x\": 2}", "a BLIND, b BLIND, e BLIND, g BLIND");
	check(rules, "null", "{\"f\": [true], \"x\": 1}",
	      "a BLIND, b BLIND, c BLIND, d BLIND, e BLIND, g YES, h BLIND");
	check(rules, "null", "{\"x\": 2}", "a BLIND, b BLIND, e BLIND, f BLIND, g BLIND");
	check(rules, "null", "{\"f\": true, \"x\": 2}", "a YES, c YES, f YES, g YES");
}
END_TEST

/* has(x) is false where x is absent, but an error where there is nothing to hold it. */
START_TEST(guards)
{
	const char *const rules[] = { "when: has(data.s.k) && data.s.k == 5",
				      "when: 'default(has(data.s.k), false) && data.s.k == 5'",
				      "when: 'default(has(data.s.k), true) && data.s.k == 5'",
				      "when: 'data.s.k != null && data.s.k > 4'",
				      "when: 'default(data.s.k, null) != null && data.s.k > 4'",
				      "when: 'default(data.s.k, 7) != null && data.s.k > 4'",
				      "when: 'default(data.s.k, 7) > 4'",
				      "when: 'default(data.s.k, 3) > 4'",
				      "when: 'default(data.s.k, true) > 4'",
				      NULL };

	check(rules, "null", "{\"s\": {}}", "d BLIND, f BLIND, g YES, i BLIND");
	check(rules, "null", "{}", "a BLIND, c BLIND, d BLIND, f BLIND, g YES, i BLIND");
	check(rules, "null", "null", "a BLIND, c BLIND, d BLIND, f BLIND, g YES, i BLIND");
	check(rules, "null", "{\"s\": {\"k\": null}}", "f BLIND, g YES, i BLIND");
	check(rules, "null", "{\"s\": {\"k\": 5}}",
	      "a YES, b YES, c YES, d YES, e YES, f YES, g YES, h YES, i YES");
}
END_TEST

START_TEST(numbers_beyond_doubles)
{
	const char *const rules[] = { "when: data.n > 9007199254740992",
				      "when: data.n >= 9007199254740993",
				      "when: data.n <= 9007199254740992",
				      "when: data.n < 9007199254740993",
				      "when: data.n == 9007199254740993",
				      "when: data.n < -9007199254740992",
				      NULL };

	check(rules, "null", "{\"n\": 9007199254740991}", "c YES, d YES");
	check(rules, "null", "{\"n\": 9007199254740992}", "c YES, d YES");
	check(rules, "null", "{\"n\": 9007199254740993}", "a YES, b YES, e YES");
	check(rules, "null", "{\"n\": -9007199254740993}", "c YES, d YES, f YES");
}
END_TEST

START_TEST(lines_apart)
{
	CHECK("{\"n\": 1}", "{\"n\": 2000000000000.0}", "a BLIND, b BLIND, c BLIND",
	      "when: 'data.n > 5 && data.n < timestamp(\"2023-11-14T22:13:20Z\")'",
	      "when: 'crossed(\"n\", [timestamp(\"2023-11-14T22:13:20Z\")]) > 0'",
	      "when: 'default(crossed(\"n\", [5]) > timestamp(\"2023-11-14T22:13:20Z\"), data.x)'");
}
END_TEST

/* data.a.b is another field than data["a\x1fb"]. */
START_TEST(odd_names)
{
	CHECK("null", "{\"a\": {\"b\": 1}, \"a\\u001fb\": 2}", "a YES, d YES",
	      "when: data.a.b == 1", "when: \"data['a\\\\u001fb'] == 1\"", "when: data.a.b == 2",
	      "when: \"data['a\\\\u001fb'] == 2\"");
}
END_TEST

/* The same words mean another thing in each rule. */
START_TEST(defines_of_their_own)
{
	CHECK("null", "{\"a\": 1, \"b\": 2, \"l\": [1, 2]}", "b YES, d YES, e YES",
	      "define: { d: data.a }, when: 'd == 2 && size(string(d)) == 1'",
	      "define: { d: data.b }, when: 'd == 2 && size(string(d)) == 1'",
	      "define: { d: data.a }, when: 'data.l.all(i, i == d)'",
	      "define: { d: data.b }, when: 'data.l.exists(i, i == d)'",
	      "define: { d: data.b }, when: 'data.l.exists(d, d == 1)'");
}
END_TEST

/* Each part has a budget of its own when it is verified alone; the whole has one. The estimate
 * that is made when rules are checked takes a list for 64 items. */
START_TEST(budgets)
{
	static const char part[] = "data.l.all(i, i >= 0)";
	struct buf rule, data;

	buf_init(&rule, KIB);
	buf_init(&data, MIB);
	buf_printf(&rule, "when: '%s && %s && data.a == 1'", part, part);
	buf_str(&data, "{\"a\": 1, \"l\": [");
	for (int i = 0; i < 20000; i++)
		buf_printf(&data, "%s%d", i > 0 ? ", " : "", i);
	buf_str(&data, "]}");
	CHECK("null", buf_cstr(&data), "a BLIND, c YES", buf_cstr(&rule),
	      "when: 'data.a == 2 && data.x'", "when: data.a == 1");
	buf_fini(&rule);
	buf_fini(&data);
}
END_TEST

/* ---- Samples. ---- */

struct summed {
	uint64_t weight, count, most;
	bool *turned; /* by number of the rule: it was sampled; or NULL */
};

static bool sum_weights(void *of, const struct rule *rule, const struct decision *decision)
{
	struct summed *s = of;

	if (s->turned != NULL)
		s->turned[strtoul(rule->id.s + 1, NULL, 10)] = true;
	ck_assert_int_eq(decision->verdict, VERDICT_BLIND);
	s->weight += decision->weight;
	s->count++;
	s->most = decision->weight > s->most ? decision->weight : s->most;
	return true;
}

/* 1,000 rules with this condition, in which %d is the rule's number, asked about 125 events that
 * leave all of them blind: so many samples go round 1,000, 2,000 or 4,000 entries to the end. */
static void check_sample(const char *rest)
{
	struct world w;
	struct event_view event;
	struct summed all = { 0, 0, 0, NULL };
	bool turned[1000] = { false };

	load_many(&w, rest, 1000);
	event = json_event(&w, "{\"n\": 1}", "{\"n\": \"text\"}");
	for (int i = 0; i < 125; i++) {
		struct summed one = { 0, 0, 0, turned };

		event.seq = 1000 + i;
		ck_assert(matcher_each(w.c.matcher, w.k.arena, &event, 0, sum_weights, &one));
		ck_assert_uint_le(one.count, LIMIT_BLIND_SAMPLE);
		all.weight += one.weight;
	}
	for (int i = 0; i < 1000; i++)
		ck_assert(turned[i]);
	ck_assert_uint_ge(all.weight, 124000);
	ck_assert_uint_le(all.weight, 126000);
	ck_assert_uint_eq(matcher_seen(w.c.matcher, ruleset_at(w.k.set, 999)), 125);
	matcher_forget(w.c.matcher);
	ck_assert_uint_eq(matcher_seen(w.c.matcher, ruleset_at(w.k.set, 999)), 0);
	world_fini(&w);
}

START_TEST(samples_of_missing_fields)
{
	check_sample("on: com.acme.made, when: data.x == %d");
	check_sample("on: com.acme.made, when: data.x == %d && data.y == 1");
	check_sample("on: com.acme.made, when: 'data.x > %d'");
	check_sample("on: com.acme.made, when: 'data.x.startsWith(\"%d\")'");
	check_sample("on: com.acme.made, when: 'rose_past(\"n\", %d)'");
}
END_TEST

/* A rule with several values stands in the index several times, and counts once. */
START_TEST(samples_of_several_values)
{
	check_sample("on: com.acme.made, when: 'data.x in [%d, 1%d1, -3, -4]'");
	check_sample("on: com.acme.made, when: 'crossed(\"n\", [%d, 100%d, -3, -4]) > 0'");
	check_sample("on: com.acme.made, "
		     "when: 'data.x.startsWith(\"%d\") || data.x.startsWith(\"a%d\")'");
}
END_TEST

/* Up to the limit all are decided, however many values they have. */
START_TEST(small_groups_are_decided_whole)
{
	struct world w;
	struct event_view event;
	struct summed all = { 0, 0, 0, NULL };

	world_init(&w, 0);
	buf_str(&w.text, "rules:\n");
	for (int i = 0; i < 60; i++)
		buf_printf(&w.text,
			   "  - { id: r%d, on: com.acme.made, when: 'data.x in [%d, %d, 1000]' }\n",
			   i, i, i + 100);
	(void)kit_rule(&w.k, buf_cstr(&w.text));
	ck_assert(compare_init(&w.c, w.k.set));
	event = json_event(&w, "null", "{}");
	ck_assert(matcher_each(w.c.matcher, w.k.arena, &event, 0, sum_weights, &all));
	ck_assert_uint_eq(all.count, 60);
	ck_assert_uint_eq(all.weight, 60);
	ck_assert_uint_eq(all.most, 1);
	world_fini(&w);
}
END_TEST

/* `on` with entries that overlap: a rule fires once. */
START_TEST(entries_that_overlap)
{
	struct world w;
	struct event_view event;

	world_init(&w, 0);
	(void)kit_rule(&w.k,
		       "rules:\n"
		       "  - { id: a, on: [com.acme.*, com.acme.made, com.**], when: data.x == 1 }\n"
		       "  - { id: b, on: [com.acme.made, com.acme.made] }\n"
		       "  - { id: c, on: com.acme.made, mode: off }\n"
		       "  - { id: d, on: com.*.made, mode: shadow, when: 'data.y != 1' }\n");
	ck_assert(compare_init(&w.c, w.k.set));
	event = json_event(&w, "null", "{\"x\": 1, \"y\": 2}");
	ck_assert_msg(compare_event(&w.c, &event), "%s", w.c.why);
	ck_assert_uint_eq(w.c.yes, 3);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("rules_index", sets_of_one, small_sets, middling_sets, large_sets, regular_sets,
	  from_is_always_compared, guards_beside_better_keys, prefixes_of_prefixes,
	  a_part_proves_no_whole, unchanged_but_not_evaluated, flags_that_are_no_bool, guards,
	  numbers_beyond_doubles, lines_apart, odd_names, defines_of_their_own, budgets,
	  samples_of_missing_fields, samples_of_several_values, small_groups_are_decided_whole,
	  entries_that_overlap)
