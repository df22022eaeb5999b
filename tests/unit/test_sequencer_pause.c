/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_pause - rules, connections and polls that an operator pauses: what waits,
 * what is skipped, and what comes after, across crashes, failed batches and reloads. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#include "engine/sequencer/pause.h"

#define HOURS(n) ((int64_t)(n)*3600000)
#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  api: { connector: http, base_url: \"http://127.0.0.1:1\" }\n"                           \
	"  kantata:\n"                                                                             \
	"    connector: kantata\n"                                                                 \
	"    base_url: \"http://127.0.0.1:1\"\n"                                                   \
	"    token: t\n"                                                                           \
	"    poll: { workspaces: { every: 60s, silent_after: 10m } }\n"
#define PLAIN                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: hook.go\n"                                                                        \
	"    when: data.n > 10\n"                                                                  \
	"    key: data.k\n"                                                                        \
	"    throttle: { every: 1h }\n"                                                            \
	"    do: [ { http.request: { method: POST, url: \"/do/${data.n}\" }, via: api } ]\n"
#define EDGED                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: hook.go\n"                                                                        \
	"    when: object.n > 10\n"                                                                \
	"    key: object.k\n"                                                                      \
	"    edge: true\n"                                                                         \
	"    do: [ { http.request: { method: POST, url: \"/do/${object.n}\" }, via: api } ]\n"     \
	"    clear: [ { http.request: { method: POST, url: \"/clear/${object.n}\" }, via: api } ]" \
	"\n"
#define STEPS                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: hook.go\n"                                                                        \
	"    key: data.k\n"                                                                        \
	"    do:\n"                                                                                \
	"      - { http.request: { method: POST, url: \"/one/${data.n}\" }, via: api }\n"          \
	"      - { http.request: { method: POST, url: \"/two/${data.n}\" }, via: api }\n"

static void ask(struct world *w, bool resume, const char *of, const char *name, int64_t length)
{
	const struct input input = {
		.kind = INPUT_PAUSE,
		.pause = { .ticket = 9,
			   .resume = resume,
			   .name = text_of(name),
			   .of = text_of(of),
			   .length = length,
			   .who = TEXT("kim"),
			   .why = TEXT("a reason") },
	};

	world_push(w, &input);
}

static void answered(const struct world *w, int status, const char *what)
{
	ck_assert_uint_ge(w->out.reply_count, 1);
	ck_assert_int_eq(w->out.replies[0].status, status);
	ck_assert_msg(text_find(w->out.replies[0].body, text_of(what)) != SIZE_MAX, "%.*s",
		      TEXT_ARG(w->out.replies[0].body));
}

static void pause_it(struct world *w, const char *name, int64_t length)
{
	ask(w, false, "", name, length);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	answered(w, 200, "\"state\":\"paused\"");
	ck_assert(world_has_event(w, "tappet.paused"));
	ck_assert(w->out.pauses_changed);
}

static void resume_it(struct world *w, const char *name)
{
	ask(w, true, "", name, 0);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	answered(w, 200, "\"state\":\"resumed\"");
	ck_assert(world_has_event(w, "tappet.resumed"));
}

static void event(struct world *w, const char *key, int n)
{
	char body[100];

	(void)snprintf(body, sizeof(body), "{\"k\":\"%s\",\"n\":%d}", key, n);
	world_hook(w, "go", "", body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 4);
}

static int64_t last_run(struct world *w)
{
	return store_last_run(w->store);
}

START_TEST(a_paused_rule_skips_says_why_and_spends_nothing)
{
	struct world w;

	world_init(&w, CONFIG, PLAIN);
	pause_it(&w, "a", HOURS(2));
	ck_assert_uint_eq(w.out.pause_count, 1);
	ck_assert(text_is(w.out.pauses[0].kind, "rule"));
	ck_assert_int_eq(w.out.pauses[0].until, w.now.wall + HOURS(2));
	event(&w, "x", 5);
	ck_assert_int_eq(last_run(&w), 0); /* it doesn't match */
	event(&w, "x", 11);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_ended(&w, 1, RUN_SKIPPED, "paused until 2026-");
	world_ended(&w, 1, RUN_SKIPPED, "by kim: a reason");
	resume_it(&w, "a");
	ck_assert_uint_eq(w.out.pause_count, 0);
	event(&w, "x", 12);
	world_acts(&w, "/do/12");
	world_fini(&w);
}
END_TEST

/* What can't be evaluated is nobody's concern meanwhile. */
START_TEST(a_paused_rule_is_not_blind)
{
	struct world w;

	world_init(&w, CONFIG, PLAIN);
	pause_it(&w, "a", 0);
	world_hook(&w, "go", "", "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->blind, 0);
	resume_it(&w, "a");
	world_hook(&w, "go", "", "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->blind, 1);
	world_fini(&w);
}
END_TEST

START_TEST(a_pause_survives_a_crash_and_ends_by_itself)
{
	struct world w;

	world_init(&w, CONFIG, PLAIN);
	pause_it(&w, "a", HOURS(2));
	world_crash(&w);
	ck_assert(w.out.pauses_changed);
	ck_assert_uint_eq(w.out.pause_count, 1);
	world_advance(&w, HOURS(2) - 1);
	event(&w, "x", 11);
	world_ended(&w, last_run(&w), RUN_SKIPPED, "paused");
	world_advance(&w, 1);
	ck_assert(world_has_event(&w, "tappet.resumed"));
	ck_assert_uint_eq(w.out.pause_count, 0);
	world_crash(&w);
	ck_assert_uint_eq(w.out.pause_count, 0);
	event(&w, "x", 11);
	world_acts(&w, "/do/11");
	world_fini(&w);
}
END_TEST

/* The machine was off for longer than the pause; or its clock was set back while it was. */
START_TEST(a_pause_ends_while_nothing_runs)
{
	struct world w;

	world_init(&w, CONFIG, PLAIN);
	pause_it(&w, "a", HOURS(2));
	w.now.wall += HOURS(3);
	world_crash(&w);
	ck_assert(world_has_event(&w, "tappet.resumed"));
	pause_it(&w, "a", HOURS(2));
	w.now.wall -= HOURS(100);
	world_crash(&w);
	ck_assert(!world_has_event(&w, "tappet.resumed"));
	world_advance(&w, HOURS(2));
	ck_assert(world_has_event(&w, "tappet.resumed"));
	world_fini(&w);
}
END_TEST

START_TEST(a_pause_that_is_not_committed_is_none)
{
	struct world w;

	if (!HAVE_FAULTS)
		return;
	world_init(&w, CONFIG, PLAIN);
	ask(&w, false, "", "a", HOURS(2));
	world_fails(&w);
	answered(&w, 503, "store");
	ck_assert(!w.out.pauses_changed);
	event(&w, "x", 11);
	world_acts(&w, "/do/11");
	pause_it(&w, "a", HOURS(2));
	ask(&w, true, "", "a", 0);
	world_fails(&w);
	event(&w, "y", 11);
	world_ended(&w, last_run(&w), RUN_SKIPPED, "paused");
	world_fini(&w);
}
END_TEST

/* Runs that are open wait between their steps; other rules' don't. */
START_TEST(open_runs_of_a_paused_rule_wait)
{
	struct world w;

	world_init(&w, CONFIG, STEPS);
	event(&w, "x", 1);
	world_sends(&w, "/one/1");
	const struct attempt_out first = w.out.attempts[0];

	pause_it(&w, "a", 0);
	world_reply(&w, &first, 200, "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->runs_parked, 1);
	world_crash(&w);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	resume_it(&w, "a");
	world_grant(&w, 4);
	world_acts(&w, "/two/1");
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->runs_parked, 0);
	world_fini(&w);
}
END_TEST

START_TEST(runs_to_a_paused_connection_wait_in_order)
{
	char sent[64] = "";
	struct world w;

	world_init(&w, CONFIG, STEPS);
	pause_it(&w, "api", HOURS(1));
	ck_assert(text_is(w.out.pauses[0].kind, "connection"));
	event(&w, "x", 1);
	event(&w, "x", 2);
	event(&w, "y", 3);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_uint_eq(w.out.target_count, 0); /* no credit is asked for */
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->runs_parked, 2);
	world_advance(&w, HOURS(1));
	world_grant(&w, 1);
	for (int i = 0; i < 6; i++) {
		ck_assert_uint_eq(w.out.attempt_count, 1);
		(void)strncat(sent, w.out.attempts[0].request.url.s, 6);
		world_answer(&w, 0, 200, "{}");
	}
	ck_assert_ptr_nonnull(strstr(sent, "/one/1"));
	ck_assert_ptr_nonnull(strstr(strstr(sent, "/two/1"), "/one/2"));
	for (int64_t run = 1; run <= 3; run++)
		ck_assert_int_eq(world_state(&w, run), RUN_DONE);
	world_fini(&w);
}
END_TEST

/* Two pauses hold it: one that ends changes nothing. */
START_TEST(a_run_waits_for_both)
{
	struct world w;

	world_init(&w, CONFIG, STEPS);
	pause_it(&w, "api", 0);
	event(&w, "x", 1);
	pause_it(&w, "a", 0);
	resume_it(&w, "api");
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	resume_it(&w, "a");
	world_grant(&w, 4);
	world_sends(&w, "/one/1");
	world_fini(&w);
}
END_TEST

/* What waits can be cancelled, and lets the next of its key wait. */
START_TEST(what_waits_can_be_cancelled)
{
	const struct input cancel = {
		.kind = INPUT_COMMAND, .command = { .ticket = 8, .kind = COMMAND_CANCEL, .run = 1 }
	};
	struct world w;

	world_init(&w, CONFIG, STEPS);
	pause_it(&w, "api", 0);
	event(&w, "x", 1);
	event(&w, "x", 2);
	world_push(&w, &cancel);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_ended(&w, 1, RUN_DEAD, "cancelled");
	ck_assert_uint_eq(w.out.attempt_count, 0);
	resume_it(&w, "api");
	world_grant(&w, 4);
	world_sends(&w, "/one/2");
	world_fini(&w);
}
END_TEST

/* What turned during the pause is noticed by the first event after it. */
START_TEST(edges_stay_as_they_are)
{
	struct world w;

	world_init(&w, CONFIG, EDGED);
	event(&w, "x", 1);
	pause_it(&w, "a", 0);
	event(&w, "x", 20);
	world_ended(&w, last_run(&w), RUN_SKIPPED, "paused");
	resume_it(&w, "a");
	event(&w, "x", 21);
	world_acts(&w, "/do/21");
	pause_it(&w, "a", 0);
	event(&w, "x", 22); /* active already: nothing to skip */
	ck_assert_int_eq(last_run(&w), 2);
	event(&w, "x", 2);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	resume_it(&w, "a");
	event(&w, "x", 3);
	world_acts(&w, "/clear/3");
	world_fini(&w);
}
END_TEST

START_TEST(a_paused_connection_is_not_polled_nor_silent)
{
	struct world w;

	world_init(&w, CONFIG, PLAIN);
	ck_assert_uint_eq(w.out.fetch_count, 1);
	world_fetched(&w, 503, TEXT_NONE);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	pause_it(&w, "kantata", HOURS(5));
	world_advance(&w, HOURS(4));
	ck_assert_uint_eq(w.out.fetch_count, 0);
	ck_assert(!world_has_event(&w, "tappet.source.silent"));
	ck_assert_int_eq(sequencer_next(w.sequencer), w.now.mono + HOURS(1));
	world_advance(&w, HOURS(1));
	ck_assert(!world_has_event(&w, "tappet.source.silent"));
	ck_assert_uint_eq(w.out.fetch_count, 1);
	world_advance(&w, 300000);
	ck_assert(world_has_event(&w, "tappet.source.silent"));
	world_fini(&w);
}
END_TEST

static void refused(struct world *w, bool resume, const char *of, const char *name, int status)
{
	ask(w, resume, of, name, 0);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	answered(w, status, "error");
	ck_assert(!w->out.pauses_changed);
}

START_TEST(what_cannot_be_is_refused)
{
	struct world w;

	world_init(&w, CONFIG, PLAIN);
	refused(&w, false, "", "nosuch", 404);
	refused(&w, false, "", "go", 404);
	answered(&w, 404, "hook");
	refused(&w, false, "rule", "api", 404);
	refused(&w, true, "", "a", 409);
	world_fini(&w);
}
END_TEST

/* A rule and a connection may have one name. */
START_TEST(names_that_are_two_must_be_told_apart)
{
	struct world w;

	world_init(
	    &w, CONFIG,
	    "rules:\n  - { id: api, on: hook.go, do: [ { http.request: { url: \"/x\" }, via: "
	    "api } ] }\n");
	refused(&w, false, "", "api", 409);
	ask(&w, false, "rule", "api", 0);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	answered(&w, 200, "\"kind\":\"rule\"");
	resume_it(&w, "api"); /* only one of them is paused */
	world_fini(&w);
}
END_TEST

/* It can be resumed when it is no longer configured. */
START_TEST(a_rule_that_is_gone_can_be_resumed)
{
	struct world w;

	world_init(&w, CONFIG, PLAIN);
	pause_it(&w, "a", 0);
	world_reload(&w, CONFIG, "rules:\n  - { id: b, on: hook.go }\n");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	resume_it(&w, "a");
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_pause", a_paused_rule_skips_says_why_and_spends_nothing,
	  a_paused_rule_is_not_blind, a_pause_survives_a_crash_and_ends_by_itself,
	  a_pause_ends_while_nothing_runs, a_pause_that_is_not_committed_is_none,
	  open_runs_of_a_paused_rule_wait, runs_to_a_paused_connection_wait_in_order,
	  a_run_waits_for_both, what_waits_can_be_cancelled, edges_stay_as_they_are,
	  a_paused_connection_is_not_polled_nor_silent, what_cannot_be_is_refused,
	  names_that_are_two_must_be_told_apart, a_rule_that_is_gone_can_be_resumed)
