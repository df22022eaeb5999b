/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules with edge and look-ups: who tells that the condition turned, in which order,
 * and what restarts, reloads, failures and retries in between change about that.
 *
 * A batch fails by the fault point "store.commit", so that one needs -Dfaults=true
 * and does nothing without. */
#include "engine/base/hash.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  api: { connector: http, base_url: \"http://127.0.0.1:1\" }\n"                           \
	"  kantata: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: t }\n"

#define HEAD                                                                                       \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: [hook.go, kantata.workspace.updated]\n"                                           \
	"    key: string(object.key)\n"                                                            \
	"    match: { data.on: true }\n"                                                           \
	"    lookup:\n"                                                                            \
	"      one: { http.request: { url: \"/one/${data.n}\" }, via: api,\n"                      \
	"             retry: { attempts: 2, first: 1s } }\n"                                       \
	"    when: lookup.one.x > 0\n"                                                             \
	"    edge: true\n"

#define DO    "    do: [ { http.request: { method: POST, url: \"/do/${data.n}\" }, via: api } ]\n"
#define CLEAR "    clear: [ { http.request: { method: POST, url: \"/clear\" }, via: api } ]\n"
#define RULE  HEAD DO CLEAR

static int events; /* so far, in this test: what names their deliveries */

static void start(struct world *w, const char *rules)
{
	events = 0;
	world_init(w, CONFIG, rules);
}

/* One batch with the event; then credit. */
static void event(struct world *w, const char *key, bool on)
{
	char id[16], body[100];

	(void)snprintf(id, sizeof(id), "%d", ++events);
	(void)snprintf(body, sizeof(body), "{\"key\":\"%s\",\"on\":%s,\"n\":%d}", key,
		       on ? "true" : "false", events);
	world_hook(w, "go", id, body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 4);
}

/* The last event's look-up is answered: with x. */
static void told(struct world *w, int x)
{
	char url[24], body[24];

	(void)snprintf(url, sizeof(url), "/one/%d", events);
	(void)snprintf(body, sizeof(body), "{\"x\":%d}", x);
	world_sends(w, url);
	world_answer(w, 0, 200, body);
}

/* Seen false with the first event, and active with the second. */
static void activate(struct world *w, const char *rules)
{
	start(w, rules);
	event(w, "k", true);
	told(w, 0);
	world_ended(w, 1, RUN_SKIPPED, "when is false");
	event(w, "k", true);
	told(w, 1);
	world_acts(w, "/do/2");
	world_ended(w, 2, RUN_DONE, "");
}

START_TEST(look_ups_tell_both_turns)
{
	struct world w;

	activate(&w, RULE);
	event(&w, "k", true);
	told(&w, 2);
	world_ended(&w, 3, RUN_SKIPPED, "active already");
	event(&w, "other", true);
	told(&w, 0);
	event(&w, "k", true);
	told(&w, 0);
	world_acts(&w, "/clear");
	world_ended(&w, 5, RUN_DONE, "");
	event(&w, "k", true);
	told(&w, -1);
	world_ended(&w, 6, RUN_SKIPPED, "when is false");
	event(&w, "k", true);
	told(&w, 1);
	world_acts(&w, "/do/7");
	world_fini(&w);
}
END_TEST

START_TEST(the_first_sight_arms_or_fires)
{
	struct world w;

	start(&w, RULE);
	event(&w, "k", true);
	told(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_ended(&w, 1, RUN_SKIPPED, "armed");
	event(&w, "k", true);
	told(&w, 1);
	world_ended(&w, 2, RUN_SKIPPED, "active already");
	event(&w, "k", false);
	world_acts(&w, "/clear");
	world_fini(&w);
	start(&w, HEAD "    first: fire\n" DO CLEAR);
	event(&w, "k", true);
	told(&w, 1);
	world_acts(&w, "/do/1");
	world_fini(&w);
}
END_TEST

START_TEST(what_match_alone_tells_needs_no_look_ups)
{
	struct world w;

	activate(&w, RULE);
	event(&w, "k", false);
	world_acts(&w, "/clear");
	world_ended(&w, 3, RUN_DONE, "");
	event(&w, "k", false);
	ck_assert_int_eq(store_last_run(w.store), 3);
	event(&w, "k", true);
	told(&w, 1);
	world_acts(&w, "/do/5");
	world_fini(&w);
}
END_TEST

START_TEST(a_rule_without_clear_is_just_not_active_any_more)
{
	struct world w;

	activate(&w, HEAD DO);
	event(&w, "k", true);
	told(&w, 0);
	world_ended(&w, 3, RUN_SKIPPED, "turned false");
	event(&w, "k", true);
	told(&w, 1);
	world_acts(&w, "/do/4");
	event(&w, "k", false);
	ck_assert_int_eq(store_last_run(w.store), 4);
	event(&w, "k", true);
	told(&w, 1);
	world_acts(&w, "/do/6");
	world_fini(&w);
}
END_TEST

/* Two events in the lane: the second is false without look-ups and waits for the first's. */
static void two_in_the_lane(bool crash, int x)
{
	struct world w;

	start(&w, RULE);
	event(&w, "k", false);
	event(&w, "k", true);
	struct attempt_out one = w.out.attempts[0];

	world_sends(&w, "/one/2");
	if (crash)
		world_crash(&w);
	event(&w, "k", false);
	ck_assert_int_eq(store_last_run(w.store), 2);
	ck_assert_int_eq(world_state(&w, 2), RUN_PENDING);
	if (crash) {
		world_advance(&w, 20000);
		world_grant(&w, 4);
		world_sends(&w, "/one/2");
		one = w.out.attempts[0];
	}
	char body[24];

	(void)snprintf(body, sizeof(body), "{\"x\":%d}", x);
	world_reply(&w, &one, 200, body);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	if (x > 0) {
		world_acts(&w, "/do/2");
		world_grant(&w, 4);
		world_acts(&w, "/clear");
		world_ended(&w, 2, RUN_DONE, "");
	} else {
		ck_assert_uint_eq(w.out.attempt_count, 0);
		world_ended(&w, 1, RUN_SKIPPED, "when is false");
		world_ended(&w, 2, RUN_SKIPPED, "when is false");
	}
	/* Nobody waits any more. */
	event(&w, "k", false);
	ck_assert_int_eq(store_last_run(w.store), 2);
	world_fini(&w);
}

START_TEST(an_event_does_not_overtake_look_ups_under_way)
{
	two_in_the_lane(false, 1);
	two_in_the_lane(false, 0);
}
END_TEST

START_TEST(nor_after_a_restart)
{
	two_in_the_lane(true, 1);
	two_in_the_lane(true, 0);
}
END_TEST

START_TEST(a_restart_keeps_what_is_active)
{
	struct world w;

	activate(&w, RULE);
	world_crash(&w);
	event(&w, "k", true);
	told(&w, 1);
	world_ended(&w, 3, RUN_SKIPPED, "active already");
	world_crash(&w);
	event(&w, "k", true);
	told(&w, 0);
	world_sends(&w, "/clear");
	world_crash(&w); /* decided: it clears, and decides nothing again */
	world_advance(&w, 20000);
	world_grant(&w, 4);
	world_acts(&w, "/clear");
	world_ended(&w, 4, RUN_DONE, "");
	world_fini(&w);
}
END_TEST

static void object(struct world *w, const char *type, const char *data, const char *before)
{
	events++;
	world_change(w, type, "7", before, data);
	world_grant(w, 4);
}

#define NOW(n) "{\"id\":\"7\",\"key\":\"k\",\"on\":true,\"n\":" #n "}"
#define OFF    "{\"id\":\"7\",\"key\":\"k\",\"on\":false}"

START_TEST(the_end_of_the_object_clears)
{
	struct world w;

	activate(&w, RULE);
	object(&w, "kantata.workspace.deleted", "null", NOW(2));
	world_acts(&w, "/clear");
	/* Behind look-ups under way it waits. */
	object(&w, "kantata.workspace.updated", NOW(4), OFF);
	world_sends(&w, "/one/4");
	struct attempt_out one = w.out.attempts[0];

	object(&w, "kantata.workspace.deleted", "null", NOW(4));
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_reply(&w, &one, 200, "{\"x\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_acts(&w, "/do/4");
	world_acts(&w, "/clear");
	world_ended(&w, 5, RUN_DONE, "");
	world_fini(&w);
}
END_TEST

START_TEST(what_it_was_before_makes_the_first_sight_a_turn)
{
	struct world w;

	start(&w, RULE);
	object(&w, "kantata.workspace.updated", NOW(1), OFF);
	told(&w, 1);
	world_acts(&w, "/do/1");
	world_fini(&w);
	start(&w, RULE);
	object(&w, "kantata.workspace.updated", NOW(1), NOW(0));
	told(&w, 1);
	world_ended(&w, 1, RUN_SKIPPED, "armed");
	world_fini(&w);
}
END_TEST

static void retry(struct world *w, int64_t run)
{
	world_push(w, &(struct input){
			  .kind = INPUT_COMMAND,
			  .command = { .ticket = 9, .kind = COMMAND_DEAD_RETRY, .run = run } });
	ck_assert_int_eq(world_batch(w), FATE_OK);
	ck_assert_int_eq(w->out.replies[0].status, 200);
	world_grant(w, 4);
}

START_TEST(a_look_up_that_fails_changes_nothing)
{
	struct world w;

	activate(&w, RULE);
	event(&w, "k", true);
	world_sends(&w, "/one/3");
	world_answer(&w, 0, 404, "");
	world_ended(&w, 3, RUN_DEAD, "status 404");
	retry(&w, 3);
	told(&w, 0);
	world_acts(&w, "/clear");
	world_ended(&w, 3, RUN_DONE, "");
	event(&w, "k", true);
	world_sends(&w, "/one/4");
	world_answer(&w, 0, 200, "{\"y\":0}"); /* nothing can be made of it */
	world_ended(&w, 4, RUN_SKIPPED, "when can't be evaluated");
	event(&w, "k", false);
	ck_assert_int_eq(store_last_run(w.store), 4);
	world_fini(&w);
}
END_TEST

START_TEST(an_old_event_decides_nothing_any_more)
{
	struct world w;

	activate(&w, RULE);
	event(&w, "k", true);
	world_sends(&w, "/one/3");
	world_answer(&w, 0, 404, "");
	event(&w, "k", true);
	told(&w, 1);
	world_ended(&w, 4, RUN_SKIPPED, "active already");
	retry(&w, 3);
	world_sends(&w, "/one/3");
	world_answer(&w, 0, 200, "{\"x\":0}");
	world_ended(&w, 3, RUN_SKIPPED, "a later event has decided already");
	event(&w, "k", false);
	world_acts(&w, "/clear");
	world_fini(&w);
}
END_TEST

/* Nobody waits for a run that was given up, but what came after it counts. */
static void given_up_and_false_meanwhile(bool crash)
{
	struct world w;

	start(&w, RULE);
	event(&w, "k", false);
	event(&w, "k", true);
	world_sends(&w, "/one/2");
	world_answer(&w, 0, 404, "");
	world_ended(&w, 1, RUN_DEAD, "status 404");
	if (crash)
		world_crash(&w);
	event(&w, "k", false);
	retry(&w, 1);
	world_sends(&w, "/one/2");
	world_answer(&w, 0, 200, "{\"x\":1}");
	world_ended(&w, 1, RUN_SKIPPED, "a later event has decided already");
	event(&w, "k", true);
	told(&w, 1);
	world_acts(&w, "/do/4");
	world_fini(&w);
}

START_TEST(a_retry_knows_what_match_alone_told_meanwhile)
{
	given_up_and_false_meanwhile(false);
	given_up_and_false_meanwhile(true);
}
END_TEST

START_TEST(a_retry_is_waited_for)
{
	struct world w;

	activate(&w, RULE);
	event(&w, "k", true);
	world_sends(&w, "/one/3");
	world_answer(&w, 0, 404, "");
	retry(&w, 3);
	world_sends(&w, "/one/3");
	struct attempt_out one = w.out.attempts[0];

	event(&w, "k", false);
	ck_assert_int_eq(world_state(&w, 4), RUN_PENDING);
	world_reply(&w, &one, 200, "{\"x\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_ended(&w, 3, RUN_SKIPPED, "active already");
	world_acts(&w, "/clear");
	world_fini(&w);
}
END_TEST

START_TEST(a_shadow_tells_what_it_would_send)
{
	struct arena *arena = arena_new("test", MIB);
	struct world w;

	start(&w, HEAD "    first: fire\n    mode: shadow\n" DO CLEAR);
	event(&w, "k", true);
	told(&w, 1);
	world_ended(&w, 1, RUN_SKIPPED, "shadow");
	ck_assert_ptr_nonnull(strstr(world_run(&w, arena, 1).steps.s, "/do/1"));
	event(&w, "k", true);
	told(&w, 0);
	world_ended(&w, 2, RUN_SKIPPED, "shadow");
	ck_assert_ptr_nonnull(strstr(world_run(&w, arena, 2).steps.s, "/clear"));
	event(&w, "k", false);
	ck_assert_int_eq(store_last_run(w.store), 2);
	world_reload(&w, CONFIG, RULE); /* live begins anew */
	event(&w, "k", true);
	told(&w, 1);
	world_ended(&w, 3, RUN_SKIPPED, "armed");
	arena_free(arena);
	world_fini(&w);
}
END_TEST

START_TEST(a_reload_between_look_ups_and_decision)
{
	struct world w;

	start(&w, RULE);
	event(&w, "k", false);
	event(&w, "k", true);
	world_sends(&w, "/one/2");
	struct attempt_out one = w.out.attempts[0];

	world_reload(&w, CONFIG, RULE "    description: edited\n");
	event(&w, "k", false); /* waits still */
	ck_assert_int_eq(world_state(&w, 2), RUN_PENDING);
	world_reply(&w, &one, 200, "{\"x\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_acts(&w, "/do/2");
	world_acts(&w, "/clear");
	/* Without the rule there is nothing to turn. */
	event(&w, "k", true);
	world_sends(&w, "/one/4");
	one = w.out.attempts[0];
	world_reload(&w, CONFIG, "rules: []\n");
	world_reply(&w, &one, 200, "{\"x\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_ended(&w, 3, RUN_SKIPPED, "the rule has no edge any more");
	world_fini(&w);
}
END_TEST

START_TEST(a_throttle_holds_back_do_and_not_the_state)
{
	struct world w;

	activate(&w, HEAD "    throttle: { every: 1h }\n" DO CLEAR);
	event(&w, "k", false);
	world_acts(&w, "/clear");
	event(&w, "k", true);
	told(&w, 1);
	world_ended(&w, 4, RUN_SKIPPED, "throttled");
	event(&w, "k", true);
	told(&w, 0);
	world_acts(&w, "/clear");
	world_fini(&w);
}
END_TEST

START_TEST(a_failed_batch_decides_again)
{
	struct world w;

	if (!HAVE_FAULTS)
		return;
	start(&w, RULE);
	event(&w, "k", false);
	event(&w, "k", true);
	struct attempt_out one = w.out.attempts[0];

	world_reply(&w, &one, 200, "{\"x\":5}");
	world_fails(&w);
	w.now.wall += 60000;
	w.now.mono += 60000;
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_acts(&w, "/do/2");
	world_ended(&w, 1, RUN_DONE, "");
	event(&w, "k", false);
	world_acts(&w, "/clear");
	world_fini(&w);
}
END_TEST

#define WRITES                                                                                     \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: [hook.go, kantata.workspace.updated]\n"                                           \
	"    key: \"'k'\"\n"                                                                       \
	"    lookup: { one: { http.request: { url: /one }, via: api } }\n"                         \
	"    when: lookup.one.x > 0\n"                                                             \
	"    edge: true\n"                                                                         \
	"    first: fire\n"                                                                        \
	"    do: [ kantata.workspace.update: { id: \"7\", workspace: { title: Acme } } ]\n"        \
	"    clear: [ { http.request: { method: POST, url: /clear }, via: api } ]\n"

/* Its own doing is looked at, but not acted upon. */
START_TEST(an_echo_turns_it_without_an_action)
{
	struct world w;

	start(&w, WRITES);
	event(&w, "k", true);
	world_sends(&w, "/one");
	world_answer(&w, 0, 200, "{\"x\":1}");
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_answer(&w, 0, 503, "");
	/* The run waits; it is given up, so that its lane is free. */
	world_push(&w, &(struct input){ .kind = INPUT_COMMAND,
					.command = { .kind = COMMAND_CANCEL, .run = 1 } });
	event(&w, "k", true);
	world_sends(&w, "/one");
	world_answer(&w, 0, 200, "{\"x\":0}");
	world_acts(&w, "/clear");
	object(&w, "kantata.workspace.updated", "{\"id\":\"7\",\"title\":\"Acme\"}",
	       "{\"id\":\"7\",\"title\":\"Beta\"}");
	world_sends(&w, "/one");
	world_answer(&w, 0, 200, "{\"x\":1}");
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_ended(&w, 3, RUN_SKIPPED, "echo");
	event(&w, "k", true);
	world_sends(&w, "/one");
	world_answer(&w, 0, 200, "{\"x\":0}");
	world_acts(&w, "/clear");
	world_fini(&w);
}
END_TEST

/* ---- Whatever happens. ---- */

#define SENT 400

/* What was sent, of which some waits for its answer. */
struct sent {
	struct attempt_out out; /* its texts are gone */
	char url[32], key[HASH_HEX];
	bool waits;
};

struct story {
	struct world w;
	struct sent sent[SENT];
	size_t count;
	uint32_t dice;
};

static uint32_t throw(struct story * s, uint32_t sides)
{
	s->dice = s->dice * 1664525u + 1013904223u;
	return (s->dice >> 16) % sides;
}

static void note_sent(struct story *s)
{
	for (size_t i = 0; i < s->w.out.attempt_count; i++) {
		const struct attempt_out *a = &s->w.out.attempts[i];
		struct sent *sent = &s->sent[s->count++];

		ck_assert_uint_lt(s->count, SENT);
		*sent = (struct sent){ .out = *a, .waits = true };
		(void)snprintf(sent->url, sizeof(sent->url), "%.*s", TEXT_ARG(a->request.url));
		(void)snprintf(sent->key, sizeof(sent->key), "%.*s", TEXT_ARG(a->key));
	}
}

static void go_on(struct story *s)
{
	ck_assert_int_eq(world_batch(&s->w), FATE_OK);
	note_sent(s);
	world_push(&s->w, &(struct input){ .kind = INPUT_GRANT,
					   .grant = { .target = TEXT("api"), .credits = 1 } });
	ck_assert_int_eq(world_batch(&s->w), FATE_OK);
	note_sent(s);
}

/* Answers one of those that wait; false when none does. */
static bool answer_one(struct story *s)
{
	static const char *const bodies[] = { "{\"x\":1}", "{\"x\":0}", "{\"x\":1}", "{}" };
	size_t first = s->count > 0 ? throw(s, (uint32_t)s->count) : 0;

	for (size_t i = 0; i < s->count; i++) {
		struct sent *sent = &s->sent[(first + i) % s->count];
		bool looks = strncmp(sent->url, "/one", 4) == 0;

		if (!sent->waits)
			continue;
		sent->waits = false;
		world_reply(&s->w, &sent->out, looks && throw(s, 8) == 0 ? 404 : 200,
			    bodies[throw(s, 4)]);
		go_on(s);
		return true;
	}
	return false;
}

static void post_one(struct story *s)
{
	char id[16], body[100];

	(void)snprintf(id, sizeof(id), "%d", ++events);
	(void)snprintf(body, sizeof(body), "{\"key\":\"k\",\"on\":%s,\"n\":%d}",
		       throw(s, 3) > 0 ? "true" : "false", events);
	world_hook(&s->w, "go", id, body);
	go_on(s);
}

static void happen(struct story *s)
{
	switch (throw(s, 10)) {
	case 0: /* what was under way is repeated later */
		world_crash(&s->w);
		for (size_t i = 0; i < s->count; i++)
			s->sent[i].waits = false;
		break;
	case 1:
		world_reload(&s->w, CONFIG, RULE);
		break;
	case 2:
		s->w.now.wall += 20000;
		s->w.now.mono += 20000;
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		post_one(s);
		return;
	default:
		(void)answer_one(s);
		return;
	}
	go_on(s);
}

static void come_to_rest(struct story *s)
{
	for (int idle = 0; idle < 3;) {
		idle = answer_one(s) ? 0 : idle + 1;
		s->w.now.wall += 20000;
		s->w.now.mono += 20000;
		go_on(s);
	}
	ck_assert_uint_eq(sequencer_stats(s->w.sequencer)->open_runs, 0);
}

static bool is_repeat(const struct story *s, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(s->sent[i].key, s->sent[at].key) == 0)
			return true;
	return false;
}

/* Between two times that it acted it cleared once, and at last it is clear. */
static int check_story(const struct story *s)
{
	bool acted = false;
	int turns = 0;

	for (size_t i = 0; i < s->count; i++) {
		bool acts = strncmp(s->sent[i].url, "/do", 3) == 0;

		if (strncmp(s->sent[i].url, "/one", 4) == 0 || is_repeat(s, i))
			continue;
		ck_assert_msg(!acts || !acted, "it acted twice: %s", s->sent[i].url);
		acted = acts;
		turns++;
	}
	ck_assert(!acted);
	return turns;
}

START_TEST(whatever_happens_turns_take_turns)
{
	static struct story s;
	int turns = 0;

	for (uint32_t seed = 0; seed < 60; seed++) {
		s = (struct story){ .dice = seed * 7919u + 1 };
		start(&s.w, RULE);
		for (int i = 0; i < 80; i++)
			happen(&s);
		come_to_rest(&s);
		world_hook(&s.w, "go", "last", "{\"key\":\"k\",\"on\":false,\"n\":0}");
		go_on(&s);
		come_to_rest(&s);
		turns += check_story(&s);
		world_fini(&s.w);
	}
	ck_assert_int_gt(turns, 200);
}
END_TEST

UNIT_MAIN("sequencer_edge_lookups", look_ups_tell_both_turns, the_first_sight_arms_or_fires,
	  what_match_alone_tells_needs_no_look_ups,
	  a_rule_without_clear_is_just_not_active_any_more,
	  an_event_does_not_overtake_look_ups_under_way, nor_after_a_restart,
	  a_restart_keeps_what_is_active, the_end_of_the_object_clears,
	  what_it_was_before_makes_the_first_sight_a_turn, a_look_up_that_fails_changes_nothing,
	  an_old_event_decides_nothing_any_more, a_retry_is_waited_for,
	  a_retry_knows_what_match_alone_told_meanwhile, a_shadow_tells_what_it_would_send,
	  a_reload_between_look_ups_and_decision, a_throttle_holds_back_do_and_not_the_state,
	  a_failed_batch_decides_again, an_echo_turns_it_without_an_action,
	  whatever_happens_turns_take_turns)
