/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_recovery - what holds when a batch can't be committed, when the
 * process dies, and when rules are reloaded while runs wait.
 *
 * Batches fail by the fault point "store.commit", so these need -Dfaults=true;
 * without it they do nothing. */
#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "tests/unit/sequencer_orders.h"
#include "tests/unit/unit_main.h"

static size_t attempt_of(const struct world *w, int64_t run)
{
	for (size_t i = 0; i < w->out.attempt_count; i++)
		if (w->out.attempts[i].run == run)
			return i;
	ck_abort_msg("run %lld has no attempt", (long long)run);
}

static bool goes_to(const struct world *w, size_t i, const char *path)
{
	return text_find(w->out.attempts[i].request.url, text_of(path)) != SIZE_MAX;
}

/* Two runs under way, their outcomes in a batch that fails. */
static void outcomes_fail(struct world *w)
{
	orders_post(w, 1, "x");
	orders_post(w, 2, "y");
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 2);
	ck_assert_uint_eq(w->out.attempt_count, 2);
	struct attempt_out first = w->out.attempts[0], second = w->out.attempts[1];

	world_reply(w, &first, 200, "{}");
	world_reply(w, &second, 503, "later");
	orders_post(w, 3, "z");
	world_fails(w);
}

START_TEST(facts_of_a_failed_batch_are_kept_and_nothing_is_sent_twice)
{
	if (!HAVE_FAULTS)
		return;
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	outcomes_fail(&w);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_uint_eq(w.out.reply_count, 1);
	ck_assert_int_eq(w.out.replies[0].status, 503);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 1); /* the second step of the first */
	ck_assert_int_eq(w.out.attempts[0].run, 1);
	ck_assert_int_eq(w.out.attempts[0].step, 1);
	ck_assert_int_eq(world_state(&w, 2), RUN_WAITING);
	ck_assert_uint_eq(sequencer_in_flight(w.sequencer), 1);
	/* Both credits came back with the outcomes; one is spent again. */
	orders_post(&w, 4, "z");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	orders_post(&w, 5, "q");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_uint_eq(w.out.target_count, 1);
	world_fini(&w);
}
END_TEST

START_TEST(a_batch_that_fails_twice_asks_for_credit_again)
{
	if (!HAVE_FAULTS)
		return;
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.target_count, 1);
	const struct input grant = { .kind = INPUT_GRANT,
				     .grant = { .target = w.out.targets[0], .credits = 1 } };

	world_push(&w, &grant);
	fault_arm("store.commit", 1, true);
	ck_assert_int_eq(world_batch(&w), FATE_RETRY);
	ck_assert_int_eq(world_batch(&w), FATE_RETRY);
	ck_assert(fault_disarm());
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 1);
	world_answer(&w, 0, 200, "{}");
	world_answer(&w, 0, 200, "{}");
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

START_TEST(a_reload_in_a_failed_batch_is_not_lost)
{
	if (!HAVE_FAULTS)
		return;
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	world_reload(&w, ORDERS_CONFIG, ORDERS_RULES("b"));
	world_fails(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 1);
	ck_assert(goes_to(&w, 0, "/b/1"));
	world_fini(&w);
}
END_TEST

/* Whatever isn't there for it, and again for what follows: it is taken when memory is back. */
START_TEST(a_reload_without_memory_is_not_lost)
{
	bool hit = HAVE_FAULTS;

	for (int n = 1; hit; n++) {
		struct world w;

		world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
		orders_post(&w, 1, "waits");
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		world_reload(&w, ORDERS_CONFIG, ORDERS_RULES("b"));
		fault_arm("memory", n, true);
		(void)world_batch(&w);
		(void)world_batch(&w);
		hit = fault_disarm();
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		orders_post(&w, 2, "x");
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		world_grant(&w, 2);
		ck_assert(goes_to(&w, attempt_of(&w, 1), "/a/1"));
		ck_assert(goes_to(&w, attempt_of(&w, 2), "/b/1"));
		world_fini(&w);
	}
}
END_TEST

/* Its rule is read from the store again; what isn't there for that makes it wait, and not die. */
START_TEST(memory_that_is_out_at_the_start_costs_no_run)
{
	bool hit = HAVE_FAULTS;

	for (int n = 1; hit; n++) {
		static const struct sequencer_options options = { 0 };
		struct world w;

		world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
		orders_post(&w, 1, "waits");
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		world_reload(&w, ORDERS_CONFIG, ORDERS_RULES("b"));
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		sequencer_free(w.sequencer);
		fault_arm("memory", n, false);
		while (sequencer_new(w.store, w.config, w.rules, &options, w.now, &w.sequencer) !=
		       FATE_OK)
			ck_assert(!fault_point("memory"));
		while (world_batch(&w) != FATE_OK)
			ck_assert(!fault_point("memory"));
		hit = fault_disarm();
		ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
		world_fini(&w);
	}
}
END_TEST

START_TEST(runs_finish_under_the_text_they_began_with)
{
	if (!HAVE_FAULTS)
		return;
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(&w, 1, "waits");
	orders_post(&w, 2, "started");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 2);
	struct attempt_out first = w.out.attempts[attempt_of(&w, 1)];
	struct attempt_out second = w.out.attempts[attempt_of(&w, 2)];

	world_reply(&w, &first, 503, "later");
	orders_post(&w, 3, "uses the credit");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	struct attempt_out third = w.out.attempts[attempt_of(&w, 3)];

	orders_post(&w, 4, "queued for credit");
	orders_post(&w, 5, "queued for credit");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_reload(&w, ORDERS_CONFIG, ORDERS_RULES("b"));
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	orders_post(&w, 6, "new");
	world_reply(&w, &second, 200, "{}");
	world_reply(&w, &third, 200, "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	const struct input grant = { .kind = INPUT_GRANT,
				     .grant = { .target = TEXT("http://127.0.0.1:1"),
						.credits = 20 } };

	world_push(&w, &grant);
	size_t sent = w.out.attempt_count;

	for (size_t i = 0; i < sent; i++) {
		ck_assert(goes_to(&w, i, w.out.attempts[i].run == 6 ? "/b/" : "/a/"));
		world_reply(&w, &w.out.attempts[i], 200, "{}");
	}
	world_fails(&w); /* and after a recovery as well */
	w.now.wall += 10000;
	w.now.mono += 10000;
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_gt(w.out.attempt_count, 0);
	for (size_t i = 0; i < w.out.attempt_count; i++)
		ck_assert(goes_to(&w, i, w.out.attempts[i].run == 6 ? "/b/" : "/a/"));
	world_settle(&w);
	for (int64_t run = 1; run <= 6; run++)
		ck_assert_int_eq(world_state(&w, run), RUN_DONE);
	world_fini(&w);
}
END_TEST

/* ---- Lanes. ---- */

START_TEST(a_long_lane_is_worked_off_in_order)
{
	struct world w;
	int64_t last = 0;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	for (int i = 1; i <= 1000; i++)
		orders_post(&w, i, "same");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_crash(&w);
	ck_assert_uint_eq(w.out.target_count, 1);
	ck_assert_uint_eq(w.out.target_runs[0], 1);
	for (world_grant(&w, 4); w.out.attempt_count > 0;) {
		ck_assert_uint_eq(w.out.attempt_count, 1);
		ck_assert_int_eq(w.out.attempts[0].run, last + 1);
		last += w.out.attempts[0].step;
		world_answer(&w, 0, 200, "{}");
	}
	ck_assert_int_eq(last, 1000);
	world_fini(&w);
}
END_TEST

/* Run 1 died and was put back behind run 2, which is under way. */
static void older_behind_younger(struct world *w)
{
	world_init(w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(w, 1, "same");
	orders_post(w, 2, "same");
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 4);
	world_answer(w, 0, 400, "no");
	ck_assert_int_eq(world_state(w, 1), RUN_DEAD);
	ck_assert_uint_eq(w->out.attempt_count, 1);
}

START_TEST(who_was_under_way_stays_at_the_head_of_its_lane)
{
	if (!HAVE_FAULTS)
		return;
	struct world w;

	older_behind_younger(&w);
	struct attempt_out second = w.out.attempts[0];

	orders_command(&w, COMMAND_DEAD_RETRY, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	fault_arm("store.commit", 1, false);
	orders_post(&w, 3, "other");
	ck_assert_int_eq(world_batch(&w), FATE_RETRY);
	ck_assert(fault_disarm());
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_reply(&w, &second, 200, "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].run, 2);
	world_answer(&w, 0, 200, "{}");
	ck_assert_int_eq(w.out.attempts[0].run, 1);
	world_fini(&w);
}
END_TEST

START_TEST(and_so_it_does_after_a_crash)
{
	struct world w;

	older_behind_younger(&w);
	orders_command(&w, COMMAND_DEAD_RETRY, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_crash(&w);
	ck_assert_int_eq(world_state(&w, 2), RUN_WAITING);
	world_advance(&w, 10000);
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].run, 2);
	world_settle(&w);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert_int_eq(world_state(&w, 2), RUN_DONE);
	world_fini(&w);
}
END_TEST

/* ---- A damaged store. ---- */

#define EACH                                                                                       \
	"rules:\n"                                                                                 \
	"  - id: each\n"                                                                           \
	"    on: hook.orders\n"                                                                    \
	"    key: data.k\n"                                                                        \
	"    do:\n"                                                                                \
	"      - for_each: \"[1, 2]\"\n"                                                           \
	"        do: [ { http.request: { url: \"http://127.0.0.1:1/${item}\" } } ]\n"

/* The run's record is this when the process starts again. */
static void damage(struct world *w, struct arena *arena, const char *steps)
{
	struct run_record run = world_run(w, arena, 1);

	run.steps = text_of(steps);
	store_begin(w->store);
	store_update_run(w->store, &run);
	ck_assert_int_eq(store_commit(w->store), FATE_OK);
	world_crash(w);
}

static void damaged_start(struct world *w, const char *rules, enum run_state state)
{
	world_init(w, ORDERS_CONFIG, rules);
	orders_post(w, 1, "x");
	ck_assert_int_eq(world_batch(w), FATE_OK);
	if (state != RUN_PENDING)
		world_grant(w, 1);
	if (state == RUN_WAITING)
		world_answer(w, 0, 503, "later");
	ck_assert_int_eq(world_state(w, 1), state);
}

static void ends_dead(const char *rules, enum run_state state, const char *steps)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct world w;
	const char *why = "the record of what it did can't be read";

	damaged_start(&w, rules, state);
	damage(&w, arena, steps);
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	ck_assert(world_has_event(&w, "tappet.run.dead"));
	ck_assert_msg(text_starts(world_run(&w, arena, 1).reason, text_of(why)), "%.*s",
		      TEXT_ARG(world_run(&w, arena, 1).reason));
	/* Others of its lane go on. */
	orders_post(&w, 2, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_fini(&w);
	arena_free(arena);
}

START_TEST(a_record_that_cannot_be_read_ends_the_run)
{
	static const char *const steps[] = { "[]",
					     "[{}]",
					     "[{\"i\":-1,\"state\":\"done\"}]",
					     "[{\"i\":0,\"state\":\"open\",\"items\":2}",
					     "[,]",
					     "{}" };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ends_dead(EACH, RUN_STARTED, steps[i]);
		ends_dead(ORDERS_RULES("a"), RUN_STARTED, steps[i]);
	}
	for (size_t i = 3; i < sizeof(steps) / sizeof(steps[0]) - 1; i++) {
		ends_dead(EACH, RUN_WAITING, steps[i]);
		ends_dead(ORDERS_RULES("a"), RUN_PENDING, steps[i]);
	}
}
END_TEST

START_TEST(a_damaged_run_can_only_be_dropped)
{
	struct arena *arena = arena_new("test", 1u << 20);
	static const enum command_kind asks[] = { COMMAND_DEAD_RETRY, COMMAND_DEAD_DROP };
	static const int statuses[] = { 409, 200 };
	struct world w;

	damaged_start(&w, EACH, RUN_STARTED);
	damage(&w, arena, "[,]");
	for (int i = 0; i < 2; i++) {
		orders_command(&w, asks[i], 1);
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		ck_assert_int_eq(w.out.replies[0].status, statuses[i]);
	}
	ck_assert_int_eq(world_state(&w, 1), RUN_SKIPPED);
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->open_runs, 0);
	world_fini(&w);
	arena_free(arena);
}
END_TEST

/* ---- Operators. ---- */

START_TEST(two_decisions_about_one_run_in_one_batch)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	orders_command(&w, COMMAND_CANCEL, 1);
	orders_command(&w, COMMAND_DEAD_RETRY, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(w.out.replies[1].status, 200);
	ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
	orders_command(&w, COMMAND_CANCEL, 1);
	orders_command(&w, COMMAND_DEAD_DROP, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_SKIPPED);
	world_fini(&w);
}
END_TEST

START_TEST(a_cancelled_run_leaves_the_queue_for_credit)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(&w, 1, "x");
	orders_post(&w, 2, "x");
	orders_post(&w, 3, "y");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	orders_command(&w, COMMAND_CANCEL, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	world_batch(&w);
	const struct input grant = {
		.kind = INPUT_GRANT, .grant = { .target = TEXT("http://127.0.0.1:1"), .credits = 8 }
	};

	world_push(&w, &grant);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 2);
	ck_assert_int_ne(w.out.attempts[0].run, 1);
	ck_assert_int_ne(w.out.attempts[1].run, 1);
	world_fini(&w);
}
END_TEST

#define HANDLED                                                                                    \
	"rules:\n"                                                                                 \
	"  - id: handled\n"                                                                        \
	"    on: hook.orders\n"                                                                    \
	"    throttle: { every: 1d }\n"                                                            \
	"    key: \"'k'\"\n"                                                                       \
	"    do:\n"                                                                                \
	"      - http.request: { url: \"http://127.0.0.1:1/a\", json: {} }\n"                      \
	"        on_error:\n"                                                                      \
	"          - http.request: { url: \"http://127.0.0.1:1/b\", json: { why: "                 \
	"\"${error.message}\" } }\n"                                                               \
	"            after_doubt: park\n"                                                          \
	"          - http.request: { url: \"http://127.0.0.1:1/c\", json: { why: "                 \
	"\"${error.message}\" } }\n"

START_TEST(a_handler_goes_on_after_a_restart)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct world w;

	world_init(&w, ORDERS_CONFIG, HANDLED);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_answer(&w, 0, 400, "out of paper");
	ck_assert(goes_to(&w, 0, "/b"));
	world_crash(&w); /* in doubt, and parked */
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
	orders_command(&w, COMMAND_RESOLVE_REPEAT, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	ck_assert(goes_to(&w, 0, "/b")); /* what is repeated is what was in doubt */
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	world_crash(&w);
	orders_command(&w, COMMAND_RESOLVE_DONE, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	ck_assert(goes_to(&w, 0, "/c"));
	ck_assert(text_find(w.out.attempts[0].request.body, TEXT("out of paper")) != SIZE_MAX);
	world_answer(&w, 0, 200, "{}");
	struct run_record run = world_run(&w, arena, 1);

	ck_assert_int_eq(run.state, RUN_DEAD);
	ck_assert_ptr_nonnull(strstr(run.reason.s, "out of paper"));
	orders_command(&w, COMMAND_DEAD_RETRY, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert(goes_to(&w, 0, "/a"));
	arena_free(arena);
	world_fini(&w);
}
END_TEST

START_TEST(a_throttle_goes_back_after_a_restart_too)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, HANDLED);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_crash(&w);
	orders_command(&w, COMMAND_CANCEL, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	orders_post(&w, 2, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 2), RUN_PENDING);
	world_fini(&w);
}
END_TEST

START_TEST(a_clock_that_was_years_ahead_throttles_nothing_for_years)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, HANDLED);
	w.now.wall += INT64_C(5) * 365 * 86400000;
	world_crash(&w);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	w.now.wall -= 3600000; /* an hour back: still throttled */
	world_crash(&w);
	orders_post(&w, 2, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 2), RUN_SKIPPED);
	w.now.wall -= INT64_C(5) * 365 * 86400000;
	world_crash(&w);
	orders_post(&w, 3, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 3), RUN_PENDING);
	world_fini(&w);
}
END_TEST

/* ---- Memory. ---- */

static char *zeros(size_t bytes)
{
	char *text = malloc(bytes + 1);

	ck_assert_ptr_nonnull(text);
	memcpy(text, "[0", 2);
	for (size_t i = 2; i + 2 < bytes; i++)
		text[i] = i % 2 == 0 ? ',' : '0';
	memcpy(text + bytes - 2, " ]", 3);
	return text;
}

START_TEST(one_event_that_is_too_much_harms_no_other)
{
	char *body = zeros(8u << 20);
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(&w, 1, "x");
	world_hook(&w, "orders", "big", body);
	orders_post(&w, 2, "y");
	ck_assert_int_eq(world_batch(&w), FATE_RETRY);
	ck_assert_uint_eq(w.out.reply_count, 1);
	ck_assert_int_eq(w.out.replies[0].status, 413);
	ck_assert(!sequencer_stats(w.sequencer)->store_down);
	ck_assert_int_le(sequencer_next(w.sequencer), w.now.mono);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.reply_count, 2);
	ck_assert_int_eq(w.out.replies[0].status, 202);
	ck_assert_int_eq(w.out.replies[1].status, 202);
	free(body);
	world_fini(&w);
}
END_TEST

START_TEST(one_reply_that_is_too_much_harms_no_other)
{
	char *body = zeros(8u << 20), *fine = zeros(16u << 10);
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(&w, 1, "x");
	orders_post(&w, 2, "y");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 2);
	struct attempt_out first = w.out.attempts[0], second = w.out.attempts[1];

	world_reply(&w, &first, 200, body);
	world_reply(&w, &second, 200, fine);
	ck_assert_int_eq(world_batch(&w), FATE_RETRY);
	ck_assert_int_eq(world_batch(&w), FATE_RETRY);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, first.run), RUN_WAITING);
	ck_assert_uint_eq(w.out.attempt_count, 1); /* the other's second step */
	ck_assert_int_eq(w.out.attempts[0].run, second.run);
	ck_assert_int_eq(w.out.attempts[0].step, 1);
	free(body);
	free(fine);
	world_fini(&w);
}
END_TEST

/* ---- Loops. ---- */

#define MOURNING                                                                                   \
	"rules:\n"                                                                                 \
	"  - id: fails\n"                                                                          \
	"    on: hook.orders\n"                                                                    \
	"    do:\n"                                                                                \
	"      - http.request: { url: \"http://127.0.0.1:1/a\", json: { x: \"${data.none}\" } }\n" \
	"  - id: mourns\n"                                                                         \
	"    on: tappet.run.dead\n"                                                                \
	"    do:\n"                                                                                \
	"      - http.request: { url: \"http://127.0.0.1:1/a\", json: { x: \"${data.none}\" } }\n"

START_TEST(an_alert_that_fails_alerts_nobody)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, MOURNING);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count, 2);
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	ck_assert_int_eq(world_state(&w, 2), RUN_DEAD);
	world_fini(&w);
}
END_TEST

#define CIRCLE                                                                                     \
	"rules:\n"                                                                                 \
	"  - id: circle\n"                                                                         \
	"    on: [hook.orders, hindsite.work_set.*]\n"                                             \
	"    key: \"'k'\"\n"                                                                       \
	"    do:\n"                                                                                \
	"      - hindsite.work_set.start: { id: W }\n"

START_TEST(a_loop_ends_at_the_depth_limit)
{
	char reply[96];
	struct world w;
	int sent = 0;

	world_init(&w, ORDERS_CONFIG, CIRCLE);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	for (world_grant(&w, 1); w.out.attempt_count > 0; sent++) {
		ck_assert_int_le(sent, LIMIT_DEPTH);
		(void)snprintf(reply, sizeof(reply), "{\"id\":\"W%d\",\"started_at\":1795309825}",
			       sent);
		world_answer(&w, 0, 201, reply);
	}
	ck_assert_int_eq(sent, LIMIT_DEPTH + 1);
	ck_assert_int_eq(world_state(&w, LIMIT_DEPTH + 2), RUN_SKIPPED);
	world_fini(&w);
}
END_TEST

/* ---- Actions within the engine. ---- */

#define EMITS                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: emits\n"                                                                          \
	"    on: hook.orders\n"                                                                    \
	"    do:\n"                                                                                \
	"      - tappet.emit: { type: com.acme.late, data: { k: \"${data.k}\" } }\n"               \
	"        ok: [200]\n"                                                                      \
	"  - id: hears\n"                                                                          \
	"    on: com.acme.late\n"                                                                  \
	"    when: data.k == 'x'\n"

/* Delivery hands the request's body back. */
static void echo(struct world *w)
{
	char body[200];

	ck_assert_uint_eq(w->out.attempt_count, 1);
	ck_assert(w->out.attempts[0].action->inside);
	(void)snprintf(body, sizeof(body), "%.*s", TEXT_ARG(w->out.attempts[0].request.body));
	world_reply(w, &w->out.attempts[0], 200, body);
}

START_TEST(an_event_of_ones_own_is_there_once)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, EMITS);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 1);
	ck_assert(!world_has_event(&w, "com.acme.late"));
	echo(&w);
	if (HAVE_FAULTS) {
		world_fails(&w);
		ck_assert(!world_has_event(&w, "com.acme.late"));
	}
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert(world_has_event(&w, "com.acme.late"));
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert_int_eq(world_state(&w, 2), RUN_DONE); /* of the rule that hears it */
	world_fini(&w);
}
END_TEST

/* Whoever dies before the step is done has made no event, so the step is done again. */
START_TEST(an_event_that_was_not_recorded_is_made_after_a_crash)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, EMITS);
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 1);
	ck_assert_int_eq(world_state(&w, 1), RUN_STARTED);
	world_crash(&w);
	ck_assert(!world_has_event(&w, "com.acme.late"));
	ck_assert_int_eq(world_state(&w, 1), RUN_WAITING);
	world_advance(&w, 600000);
	world_grant(&w, 1);
	echo(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert(world_has_event(&w, "com.acme.late"));
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_recovery", a_record_that_cannot_be_read_ends_the_run,
	  a_damaged_run_can_only_be_dropped,
	  facts_of_a_failed_batch_are_kept_and_nothing_is_sent_twice,
	  a_batch_that_fails_twice_asks_for_credit_again, a_reload_in_a_failed_batch_is_not_lost,
	  a_reload_without_memory_is_not_lost, memory_that_is_out_at_the_start_costs_no_run,
	  runs_finish_under_the_text_they_began_with,
	  who_was_under_way_stays_at_the_head_of_its_lane, a_long_lane_is_worked_off_in_order,
	  and_so_it_does_after_a_crash, two_decisions_about_one_run_in_one_batch,
	  a_cancelled_run_leaves_the_queue_for_credit, a_handler_goes_on_after_a_restart,
	  a_throttle_goes_back_after_a_restart_too,
	  a_clock_that_was_years_ahead_throttles_nothing_for_years,
	  one_event_that_is_too_much_harms_no_other, one_reply_that_is_too_much_harms_no_other,
	  an_alert_that_fails_alerts_nobody, a_loop_ends_at_the_depth_limit,
	  an_event_of_ones_own_is_there_once, an_event_that_was_not_recorded_is_made_after_a_crash)
