/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_credit - when credit is short, lent, given back, and whose targets are
 * forgotten.
 *
 * Batches fail by the fault point "store.commit", so that some need -Dfaults=true;
 * without it they do nothing. */
#include "engine/base/limits.h"
#include "tests/unit/sequencer_orders.h"
#include "tests/unit/unit_main.h"

START_TEST(a_hundred_runs_share_one_credit)
{
	struct world w;
	int sent = 0;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	for (int i = 1; i <= 100; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "k%d", i);
		orders_post(&w, i, key);
	}
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.target_count, 1);
	ck_assert_uint_eq(w.out.target_runs[0], 100);
	for (world_grant(&w, 1); w.out.attempt_count > 0; sent++) {
		ck_assert_uint_eq(w.out.attempt_count, 1);
		world_answer(&w, 0, 200, "{}");
	}
	ck_assert_int_eq(sent, 200);
	for (int64_t run = 1; run <= 100; run++)
		ck_assert_int_eq(world_state(&w, run), RUN_DONE);
	world_fini(&w);
}
END_TEST

START_TEST(lent_credit_that_nobody_needs_goes_back)
{
	struct world w;

	world_init(&w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(&w, 1, "x");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.target_count, 1);
	orders_command(&w, COMMAND_CANCEL, 1);
	const struct input grant = {
		.kind = INPUT_GRANT,
		.grant = { .target = w.out.targets[0], .credits = 3, .lent = true },
	};

	world_push(&w, &grant);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	ck_assert_uint_eq(w.out.unused_count, 1);
	ck_assert(text_is(w.out.unused[0].target, "http://127.0.0.1:1"));
	ck_assert_uint_eq(w.out.unused[0].credits, 3);
	orders_post(&w, 2, "y"); /* it asks again */
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_uint_eq(w.out.target_count, 1);
	world_fini(&w);
}
END_TEST

/* One request is out, with credit for four more. */
static void one_is_out(struct world *w)
{
	world_init(w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(w, 1, "x");
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 5);
	ck_assert_uint_eq(w->out.attempt_count, 1);
}

/* A target that has had enough is left alone by all runs, also by those that come with the news. */
START_TEST(credit_goes_back_to_a_target_that_is_shut)
{
	struct input outcome = { .kind = INPUT_OUTCOME };
	struct world w;

	one_is_out(&w);
	outcome.outcome = (struct outcome_input){ .run = w.out.attempts[0].run,
						  .step = w.out.attempts[0].step,
						  .attempt = w.out.attempts[0].attempt,
						  .target = TEXT("http://127.0.0.1:1"),
						  .shut = true,
						  .ending = { .how = END_REPLIED,
							      .sent = true,
							      .status = 429,
							      .retry_after = -1,
							      .started = w.now.wall,
							      .ended = w.now.wall } };
	world_push(&w, &outcome);
	if (HAVE_FAULTS) {
		world_fails(&w);
		ck_assert_uint_eq(w.out.unused_count, 0);
	}
	orders_post(&w, 2, "y");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_uint_eq(w.out.unused_count, 1);
	ck_assert_uint_eq(w.out.unused[0].credits, 4);
	ck_assert_uint_eq(w.out.target_count, 1);
	world_grant(&w, 5);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].run, 2);
	world_fini(&w);
}
END_TEST

START_TEST(credit_goes_back_at_a_reload)
{
	if (!HAVE_FAULTS)
		return;
	struct world w;

	one_is_out(&w);
	world_reload(&w, ORDERS_CONFIG, ORDERS_RULES("b"));
	world_fails(&w);
	ck_assert_uint_eq(w.out.unused_count, 0);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.unused_count, 1);
	ck_assert_uint_eq(w.out.unused[0].credits, 4);
	world_fini(&w);
}
END_TEST

#define ANYWHERE                                                                                   \
	"rules:\n"                                                                                 \
	"  - id: anywhere\n"                                                                       \
	"    on: hook.orders\n"                                                                    \
	"    do:\n"                                                                                \
	"      - http.request: { url: \"http://${data.k}/in\", json: {} }\n"

START_TEST(targets_that_events_name_are_forgotten)
{
	struct world w;
	size_t most = 0, gone = 0;

	world_init(&w, ORDERS_CONFIG, ANYWHERE);
	for (int i = 1; i <= 3 * LIMIT_TARGETS; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "h%d.example", i);
		orders_post(&w, i, key);
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		gone += w.out.unused_count;
		ck_assert_uint_eq(w.out.target_count, 1);
		world_grant(&w, 2);
		gone += w.out.unused_count;
		ck_assert_uint_eq(w.out.attempt_count, 1);
		world_answer(&w, 0, 200, "{}");
		gone += w.out.unused_count;
		if (sequencer_targets(w.sequencer) > most)
			most = sequencer_targets(w.sequencer);
	}
	ck_assert_uint_le(most, LIMIT_TARGETS + 2);
	ck_assert_uint_ge(gone, LIMIT_TARGETS);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_credit", a_hundred_runs_share_one_credit,
	  lent_credit_that_nobody_needs_goes_back, credit_goes_back_to_a_target_that_is_shut,
	  credit_goes_back_at_a_reload, targets_that_events_name_are_forgotten)
