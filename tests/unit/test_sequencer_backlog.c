/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs that wait in the store alone: how many are in memory, their order, and what is done with
 * them there. */
#include "tests/unit/sequencer_orders.h"
#include "tests/unit/unit_main.h"

#define CONFIG ORDERS_CONFIG "  other: { connector: http, base_url: \"http://127.0.0.1:2\" }\n"
#define STEPS                                                                                      \
	"    key: data.k\n"                                                                        \
	"    do:\n"                                                                                \
	"      - http.request: { url: \"http://127.0.0.1:1/bulk\", json: { n: \"${data.n}\" } }\n" \
	"        if: data.n < 1000000\n"
#define BULK "rules:\n  - id: bulk\n    on: hook.orders\n    when: \"!has(data.p)\"\n" STEPS
#define OTHER                                                                                      \
	"  - id: other\n"                                                                          \
	"    on: hook.orders\n"                                                                    \
	"    match: { data.p: 2 }\n"                                                               \
	"    do: [ { http.request: { url: \"http://127.0.0.1:2/other\" } } ]\n"

enum { KEYS = 97, MANY = LIMIT_RULE_RUNS + 3000 };

/* A world with orders of many keys, and what was sent of each. */
struct bulk {
	struct world w;
	int posted, sent;
	int last[KEYS]; /* the order that was sent last, by its number */
};

static void push_order(struct bulk *b, int n, int key, const char *more)
{
	char name[16], body[96];

	(void)snprintf(name, sizeof(name), "%d", n);
	(void)snprintf(body, sizeof(body), "{\"k\":\"%d\",\"n\":%d%s}", key, n, more);
	world_hook(&b->w, "orders", name, body);
}

static void post(struct bulk *b, int count)
{
	for (int i = 1; i <= count; i++) {
		b->posted++;
		push_order(b, b->posted, b->posted % KEYS, "");
		if (i % 256 == 0 || i == count)
			ck_assert_int_eq(world_batch(&b->w), FATE_OK);
	}
}

static void bulk_init(struct bulk *b, const char *rules)
{
	*b = (struct bulk){ .posted = 0 };
	world_init(&b->w, CONFIG, rules);
}

/* The numbers of orders grow, of each key. */
static void note_sent(struct bulk *b, const struct attempt_out *a)
{
	const char *at = strstr(a->request.body.s, "\"n\":");
	int n = at != NULL ? atoi(at + 4) : 0;

	ck_assert_int_gt(n, b->last[n % KEYS]);
	b->last[n % KEYS] = n;
	b->sent++;
}

static void check_bounds(const struct bulk *b)
{
	const struct sequencer_stats *stats = sequencer_stats(b->w.sequencer);

	ck_assert_uint_le(stats->open_runs, LIMIT_RULE_RUNS + LIMIT_LOAD + 1);
}

/* All that was sent is answered, and who is asked for credit gives some. */
static void answer(struct bulk *b)
{
	const struct outputs out = b->w.out;

	for (size_t i = 0; i < out.attempt_count; i++) {
		note_sent(b, &out.attempts[i]);
		world_reply(&b->w, &out.attempts[i], 200, "{}");
	}
	for (size_t i = 0; i < out.target_count; i++) {
		const struct input input = {
			.kind = INPUT_GRANT,
			.grant = { .target = out.targets[i], .credits = 64 },
		};

		world_push(&b->w, &input);
	}
	ck_assert_int_eq(world_batch(&b->w), FATE_OK);
	check_bounds(b);
}

/* Until nothing is left to be done, as the daemon does: without inputs when something is due. */
static void drain(struct bulk *b, int upto)
{
	for (int idle = 0; idle < 3 && b->sent < upto; idle++) {
		bool busy = b->w.out.attempt_count > 0 || b->w.out.target_count > 0;

		if (!busy && sequencer_next(b->w.sequencer) > b->w.now.mono)
			continue;
		answer(b);
		idle = -1;
	}
}

static void check_all(struct bulk *b)
{
	ck_assert_int_eq(b->sent, b->posted);
	answer(b);
	ck_assert_uint_eq(sequencer_stats(b->w.sequencer)->open_runs, 0);
	ck_assert_uint_eq(sequencer_stats(b->w.sequencer)->stored_runs, 0);
	for (int64_t id = 1; id <= b->posted; id += 61)
		ck_assert_int_eq(world_state(&b->w, id), RUN_DONE);
}

static void give_credit(struct bulk *b, unsigned credits)
{
	const struct input grant = {
		.kind = INPUT_GRANT,
		.grant = { .target = TEXT("http://127.0.0.1:1"), .credits = credits },
	};

	world_push(&b->w, &grant);
	ck_assert_int_eq(world_batch(&b->w), FATE_OK);
}

START_TEST(most_of_many_wait_in_the_store)
{
	const struct sequencer_stats *stats;
	struct bulk b;

	bulk_init(&b, BULK);
	post(&b, MANY);
	stats = sequencer_stats(b.w.sequencer);
	check_bounds(&b);
	ck_assert_uint_eq(stats->open_runs + stats->stored_runs, MANY);
	ck_assert(sequencer_has_room(b.w.sequencer));
	world_crash(&b.w);
	stats = sequencer_stats(b.w.sequencer);
	/* What was begun, and an eighth of what there may be of the others. */
	ck_assert_uint_le(stats->open_runs, LIMIT_RULE_RUNS / 8 + LIMIT_LOAD + KEYS);
	ck_assert_uint_eq(stats->open_runs + stats->stored_runs, MANY);
	drain(&b, MANY);
	check_all(&b);
	world_fini(&b.w);
}
END_TEST

START_TEST(order_is_kept_whatever_happens)
{
	struct bulk b;

	bulk_init(&b, BULK);
	post(&b, MANY);
	for (int round = 1; round <= 6; round++) {
		drain(&b, round * 1500);
		while (b.w.out.attempt_count > 0) /* or they were in doubt after a crash */
			answer(&b);
		post(&b, 300);
		if (round % 2 == 0) {
			world_crash(&b.w);
		} else if (HAVE_FAULTS) {
			world_fails(&b.w);
			b.w.now.mono += 1000;
			b.w.now.wall += 1000;
			ck_assert_int_eq(world_batch(&b.w), FATE_OK);
		}
		check_bounds(&b);
	}
	drain(&b, b.posted);
	check_all(&b);
	world_fini(&b.w);
}
END_TEST

START_TEST(another_rule_does_not_wait)
{
	struct bulk b;

	bulk_init(&b, BULK OTHER);
	post(&b, MANY);
	push_order(&b, MANY + 1, 1, ",\"p\":2");
	ck_assert_int_eq(world_batch(&b.w), FATE_OK);
	world_grant(&b.w, 1);
	/* One to each of the two targets that were asked for credit. */
	for (size_t i = 0; i < b.w.out.attempt_count; i++)
		if (text_is(b.w.out.attempts[i].rule, "other"))
			b.sent++;
	ck_assert_int_eq(b.sent, 1);
	world_fini(&b.w);
}
END_TEST

/* All runs are of one key, and only the first sends something. */
START_TEST(runs_that_send_nothing_follow_without_inputs)
{
	struct bulk b;

	bulk_init(&b, BULK);
	for (int n = 1; n <= MANY; n++) {
		push_order(&b, n == 1 ? 1 : 1000000 + n, 1, "");
		if (n % 256 == 0 || n == MANY)
			ck_assert_int_eq(world_batch(&b.w), FATE_OK);
	}
	ck_assert_uint_gt(sequencer_stats(b.w.sequencer)->stored_runs, 0);
	b.w.out.target_count = 0;
	b.posted = 1;
	give_credit(&b, 1);
	ck_assert_uint_eq(b.w.out.attempt_count, 1);
	answer(&b);
	while (sequencer_next(b.w.sequencer) <= b.w.now.mono)
		ck_assert_int_eq(world_batch(&b.w), FATE_OK);
	ck_assert_uint_eq(sequencer_stats(b.w.sequencer)->runs_done, MANY);
	ck_assert_uint_eq(sequencer_stats(b.w.sequencer)->open_runs, 0);
	world_fini(&b.w);
}
END_TEST

static void command(struct bulk *b, enum command_kind kind, int64_t run, const char *state)
{
	orders_command(&b->w, kind, run);
	ck_assert_int_eq(world_batch(&b->w), FATE_OK);
	ck_assert_uint_eq(b->w.out.reply_count, 1);
	ck_assert_int_eq(b->w.out.replies[0].status, 200);
	ck_assert_ptr_nonnull(strstr(b->w.out.replies[0].body.s, state));
}

START_TEST(operators_reach_them)
{
	struct bulk b;

	bulk_init(&b, BULK);
	post(&b, MANY);
	command(&b, COMMAND_CANCEL, MANY - 5, "DEAD");
	command(&b, COMMAND_CANCEL, MANY - 4, "DEAD");
	command(&b, COMMAND_DEAD_RETRY, MANY - 4, "PENDING");
	ck_assert_int_eq(world_state(&b.w, MANY - 5), RUN_DEAD);
	give_credit(&b, 64);
	for (int i = 0; b.sent < MANY - 1 && i < MANY; i++) {
		/* The one that is back goes before others of its key: it isn't of those that wait.
		 */
		memset(b.last, 0, sizeof(b.last));
		answer(&b);
	}
	ck_assert_int_eq(b.sent, MANY - 1); /* each once, but for the one that was cancelled */
	ck_assert_int_eq(world_state(&b.w, MANY - 5), RUN_DEAD);
	answer(&b);
	ck_assert_int_eq(world_state(&b.w, MANY - 4), RUN_DONE);
	ck_assert_uint_eq(sequencer_stats(b.w.sequencer)->open_runs, 0);
	world_fini(&b.w);
}
END_TEST

START_TEST(one_whose_rule_no_longer_loads_can_be_cancelled)
{
	struct bulk b;

	bulk_init(&b, "rules:\n  - id: bulk\n    on: hook.orders\n    key: data.k\n"
		      "    do: [ { http.request: { url: /bulk }, via: other } ]\n");
	post(&b, MANY);
	world_reload(
	    &b.w, ORDERS_CONFIG,
	    "rules:\n  - id: log\n    on: hook.orders\n    do: [ { log.write: { text: x } } ]\n");
	ck_assert_int_eq(world_batch(&b.w), FATE_OK);
	command(&b, COMMAND_CANCEL, MANY, "DEAD");
	ck_assert_int_eq(world_state(&b.w, MANY), RUN_DEAD);
	world_fini(&b.w);
}
END_TEST

START_TEST(they_keep_the_rule_they_began_with)
{
	struct bulk b;

	bulk_init(&b, BULK OTHER);
	post(&b, MANY);
	world_reload(&b.w, CONFIG, "rules:\n" OTHER);
	ck_assert_int_eq(world_batch(&b.w), FATE_OK);
	world_crash(&b.w);
	drain(&b, MANY);
	check_all(&b);
	world_fini(&b.w);
}
END_TEST

START_TEST(rules_that_share_a_lane_have_theirs_in_memory)
{
	struct bulk b;

	bulk_init(&b, "rules:\n  - id: bulk\n    lane: \"'l'\"\n    on: hook.orders\n" STEPS);
	post(&b, MANY);
	ck_assert_uint_eq(sequencer_stats(b.w.sequencer)->stored_runs, 0);
	ck_assert_uint_eq(sequencer_stats(b.w.sequencer)->open_runs, MANY);
	world_crash(&b.w);
	ck_assert_uint_eq(sequencer_stats(b.w.sequencer)->open_runs, MANY);
	world_fini(&b.w);
}
END_TEST

UNIT_MAIN("sequencer_backlog", most_of_many_wait_in_the_store, order_is_kept_whatever_happens,
	  another_rule_does_not_wait, runs_that_send_nothing_follow_without_inputs,
	  operators_reach_them, one_whose_rule_no_longer_loads_can_be_cancelled,
	  they_keep_the_rule_they_began_with, rules_that_share_a_lane_have_theirs_in_memory)
