/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_clock - the wall clock is set while the daemon runs, or while it doesn't. */
#include "tests/unit/sequencer_orders.h"
#include "tests/unit/unit_main.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static const int64_t jumps[] = { -HOUR, DAY, -10 * DAY, 10 * DAY };

#define JUMPS (sizeof(jumps) / sizeof(jumps[0]))

/* Somebody sets the wall clock. */
static void set(struct world *w, int64_t by)
{
	w->now.wall += by;
	world_advance(w, 0);
}

#define THROTTLED                                                                                  \
	"rules:\n"                                                                                 \
	"  - id: seldom\n"                                                                         \
	"    on: hook.orders\n"                                                                    \
	"    key: \"'k'\"\n"                                                                       \
	"    throttle: { every: 10m }\n"

START_TEST(a_throttle_is_as_long_as_it_says)
{
	for (size_t i = 0; i < JUMPS; i++) {
		struct world w;

		world_init(&w, ORDERS_CONFIG, THROTTLED);
		orders_post(&w, 1, "x");
		world_advance(&w, 0);
		set(&w, jumps[i]);
		world_advance(&w, 599999);
		orders_post(&w, 2, "x");
		world_advance(&w, 0);
		world_ended(&w, 2, RUN_SKIPPED, "throttled");
		orders_post(&w, 3, "x");
		world_advance(&w, 1);
		ck_assert_int_eq(world_state(&w, 3), RUN_DONE);
		set(&w, -jumps[i]);
		orders_post(&w, 4, "x");
		world_advance(&w, 599999);
		world_ended(&w, 4, RUN_SKIPPED, "throttled");
		world_fini(&w);
	}
}
END_TEST

static void fails_once(struct world *w)
{
	world_init(w, ORDERS_CONFIG, ORDERS_RULES("a"));
	orders_post(w, 1, "x");
	world_advance(w, 0);
	world_grant(w, 4);
	ck_assert_uint_eq(w->out.attempt_count, 1);
	world_answer(w, 0, 503, "");
	ck_assert_int_eq(world_state(w, 1), RUN_WAITING);
}

START_TEST(a_retry_comes_after_its_backoff)
{
	for (size_t i = 0; i < JUMPS; i++) {
		struct world w;

		fails_once(&w);
		set(&w, jumps[i]);
		ck_assert_uint_eq(w.out.attempt_count, 0);
		world_advance(&w, 2000);
		ck_assert_uint_eq(w.out.attempt_count, 1);
		world_fini(&w);
	}
}
END_TEST

/* The clock was set while it was down: at the latest after as long as it was to wait. */
START_TEST(a_retry_waits_no_longer_over_a_restart)
{
	for (size_t i = 0; i < JUMPS; i++) {
		struct world w;

		fails_once(&w);
		w.now.wall += jumps[i];
		world_crash(&w);
		world_grant(&w, 4);
		ck_assert_uint_eq(w.out.attempt_count, jumps[i] > 0 ? 1 : 0);
		if (jumps[i] < 0) {
			world_advance(&w, 2000);
			world_grant(&w, 4);
		}
		ck_assert_uint_eq(w.out.attempt_count, 1);
		world_fini(&w);
	}
}
END_TEST

START_TEST(a_repeat_is_known_for_as_long_as_ever)
{
	for (size_t i = 0; i < JUMPS; i++) {
		struct world w;

		world_init(&w, ORDERS_CONFIG, THROTTLED);
		orders_post(&w, 1, "x");
		world_advance(&w, 0);
		set(&w, jumps[i]);
		world_advance(&w, 9 * DAY - 1);
		orders_post(&w, 1, "x");
		world_advance(&w, 0);
		ck_assert_uint_eq(w.out.event_count, 0);
		orders_post(&w, 1, "x");
		world_advance(&w, 1);
		ck_assert_uint_eq(w.out.event_count, 1);
		world_fini(&w);
	}
}
END_TEST

/* Nothing is older because of a clock that is wrong. */
START_TEST(retention_forgets_what_is_old_and_nothing_else)
{
	static const struct sequencer_options options = { .retention = true };
	struct arena *arena = arena_new("test", 1u << 20);
	struct event_record event;
	struct world w;

	world_init(&w, ORDERS_CONFIG, THROTTLED);
	sequencer_free(w.sequencer);
	ck_assert_int_eq(sequencer_new(w.store, w.config, w.rules, &options, w.now, &w.sequencer),
			 FATE_OK);
	orders_post(&w, 1, "x");
	world_advance(&w, 0);
	set(&w, 100 * DAY);
	world_advance(&w, 2 * HOUR);
	ck_assert(store_get_event(w.store, arena, 1, &event));
	set(&w, -100 * DAY);
	world_advance(&w, 2 * HOUR);
	ck_assert(store_get_event(w.store, arena, 1, &event));
	world_advance(&w, 100 * DAY);
	world_advance(&w, 2 * HOUR);
	ck_assert(!store_get_event(w.store, arena, 1, &event));
	arena_free(arena);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_clock", a_throttle_is_as_long_as_it_says, a_retry_comes_after_its_backoff,
	  a_retry_waits_no_longer_over_a_restart, a_repeat_is_known_for_as_long_as_ever,
	  retention_forgets_what_is_old_and_nothing_else)
