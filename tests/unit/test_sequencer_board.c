/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_board - figures by source and target, and of what waits for people. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#include "engine/sequencer/board.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  api: { connector: http, base_url: \"http://127.0.0.1:1\" }\n"
#define POLLED                                                                                     \
	CONFIG "  kantata:\n"                                                                      \
	       "    connector: kantata\n"                                                          \
	       "    base_url: \"http://127.0.0.1:1\"\n"                                            \
	       "    token: t\n"                                                                    \
	       "    poll: { workspaces: { every: 60s } }\n"
#define RULES                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: hook.go\n"                                                                        \
	"    do: [ { http.request: { method: POST, url: \"/do\" }, via: api } ]\n"

static void has(const struct world *w, const char *line)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	board_metrics(sequencer_board(w->sequencer), &out);
	buf_char(&out, '\n');
	ck_assert_msg(strstr(buf_cstr(&out), line) != NULL, "no %s in %s", line, buf_cstr(&out));
	buf_fini(&out);
}

static void kept(const struct world *w, int dead, int doubt)
{
	ck_assert_int_eq(sequencer_stats(w->sequencer)->kept_dead, dead);
	ck_assert_int_eq(sequencer_stats(w->sequencer)->kept_doubt, doubt);
}

static void deliver(struct world *w, const char *id, const char *body)
{
	world_hook(w, "go", id, body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static void decide(struct world *w, enum command_kind kind, int64_t run)
{
	const struct input input = { .kind = INPUT_COMMAND,
				     .command = { .ticket = 5, .kind = kind, .run = run } };

	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

START_TEST(events_are_counted_by_source_and_outcome)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	has(&w, "tappet_source_events_total{source=\"go\",outcome=\"recorded\"} 0\n");
	deliver(&w, "1", "{}");
	deliver(&w, "1", "{}");
	deliver(&w, "2", "{");
	has(&w, "tappet_source_events_total{source=\"go\",outcome=\"recorded\"} 1\n");
	has(&w, "tappet_source_events_total{source=\"go\",outcome=\"repeat\"} 1\n");
	has(&w, "tappet_source_events_total{source=\"go\",outcome=\"refused\"} 1\n");
	/* Whoever isn't configured makes no label. */
	world_change(&w, "strange.thing", "7", "null", "{}");
	has(&w, "tappet_source_events_total{source=\"other\",outcome=\"recorded\"} 1\n");
	world_fini(&w);
}
END_TEST

START_TEST(attempts_are_counted_by_target_and_fate)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	deliver(&w, "1", "{}");
	has(&w, "tappet_target_runs_waiting{target=\"api\"} 1\n");
	world_grant(&w, 1);
	has(&w, "tappet_target_runs_waiting{target=\"api\"} 0\n");
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->in_flight, 1);
	world_answer(&w, 0, 503, "");
	has(&w, "tappet_attempts_ended_total{target=\"api\",fate=\"retry\"} 1\n");
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->in_flight, 0);
	world_advance(&w, 60000);
	world_answer(&w, 0, 200, "{}");
	has(&w, "tappet_attempts_ended_total{target=\"api\",fate=\"ok\"} 1\n");
	deliver(&w, "2", "{}");
	world_answer(&w, 0, 404, "{}");
	has(&w, "tappet_attempts_ended_total{target=\"api\",fate=\"reject\"} 1\n");
	world_fini(&w);
}
END_TEST

/* A batch that isn't committed leaves the gauge right. */
START_TEST(what_waits_is_known_after_a_failed_batch)
{
	struct world w;

	if (!HAVE_FAULTS)
		return;
	world_init(&w, CONFIG, RULES);
	deliver(&w, "1", "{}");
	world_hook(&w, "go", "2", "{}");
	world_fails(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	has(&w, "tappet_target_runs_waiting{target=\"api\"} 1\n");
	world_fini(&w);
}
END_TEST

START_TEST(what_waits_for_people_is_counted)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	deliver(&w, "1", "{}");
	world_grant(&w, 1);
	world_answer(&w, 0, 404, "{}");
	kept(&w, 1, 0);
	deliver(&w, "2", "{}");
	world_answer(&w, 0, 404, "{}");
	kept(&w, 2, 0);
	world_crash(&w);
	kept(&w, 2, 0);
	decide(&w, COMMAND_DEAD_DROP, 1);
	kept(&w, 1, 0);
	decide(&w, COMMAND_DEAD_RETRY, 2);
	kept(&w, 0, 0);
	world_grant(&w, 1);
	world_answer(&w, 0, 404, "{}");
	kept(&w, 1, 0);
	world_fini(&w);
}
END_TEST

START_TEST(what_is_in_doubt_is_counted)
{
	struct world w;

	world_init(&w, CONFIG,
		   "rules:\n  - { id: a, on: hook.go, do: [ { http.request: { method: POST, url: "
		   "\"/do\" }, via: api, after_doubt: park } ] }\n");
	deliver(&w, "1", "{}");
	world_grant(&w, 1);
	world_crash(&w); /* the request was under way */
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
	kept(&w, 0, 1);
	decide(&w, COMMAND_RESOLVE_DONE, 1);
	kept(&w, 0, 0);
	world_fini(&w);
}
END_TEST

START_TEST(polls_tell_how_old_they_are)
{
	struct world w;

	world_init(&w, POLLED, RULES);
	has(&w, "tappet_poll_interval_seconds{source=\"kantata/workspaces\"} 60.000\n");
	has(&w,
	    "tappet_poll_last_success_timestamp_seconds{source=\"kantata/workspaces\"} 0.000\n");
	world_fetched(&w, 503, TEXT_NONE);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	has(&w, "tappet_poll_failures{source=\"kantata/workspaces\"} 1\n");
	world_crash(&w);
	has(&w, "tappet_poll_failures{source=\"kantata/workspaces\"} 1\n");
	world_reload(&w, CONFIG, RULES);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	struct buf out;

	buf_init(&out, 1u << 20);
	board_metrics(sequencer_board(w.sequencer), &out);
	ck_assert_ptr_null(strstr(buf_cstr(&out), "tappet_poll_failures{"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "{source=\"kantata/workspaces\",outcome="));
	buf_fini(&out);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_board", events_are_counted_by_source_and_outcome,
	  attempts_are_counted_by_target_and_fate, what_waits_is_known_after_a_failed_batch,
	  what_waits_for_people_is_counted, what_is_in_doubt_is_counted,
	  polls_tell_how_old_they_are)
