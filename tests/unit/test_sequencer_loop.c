/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests for sequencer/loop: a for_each whose process dies at every moment, lanes across rules after
 * that, and what is held. */
#include "engine/base/hash.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"hooks: { lists: { verify: none } }\n"                                                     \
	"connections: { target: { connector: http, base_url: 'http://127.0.0.1:1' } }\n"           \
	"rules: [rules.yaml]\n"
#define RULES                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: all\n"                                                                            \
	"    on: hook.lists\n"                                                                     \
	"    do:\n"                                                                                \
	"      - for_each: data.list\n"                                                            \
	"        max: 100\n"                                                                       \
	"        on_item_error: continue\n"                                                        \
	"        do:\n"                                                                            \
	"          - { as: one, http.request: { url: /one, json: { n: \"${item}\" } } }\n"         \
	"          - http.request: { url: /two, json: { n: \"${item}\" } }\n"                      \
	"            if: steps.one.status == 200 && item % 3 != 0\n"                               \
	"      - as: end\n"                                                                        \
	"        http.request: { url: /end }\n"

/* What came to the target: the keys, first in the order of their first request. */
struct target_log {
	char keys[400][HASH_HEX];
	char bodies[400][32];
	size_t count, requests;
};

static void log_attempt(struct target_log *log, const struct attempt_out *a)
{
	size_t i = 0;

	log->requests++;
	while (i < log->count && !text_is(a->key, log->keys[i]))
		i++;
	ck_assert_uint_lt(i, 400);
	(void)snprintf(log->keys[i], HASH_HEX, "%.*s", TEXT_ARG(a->key));
	if (i == log->count) {
		log->count++;
		(void)snprintf(log->bodies[i], sizeof(log->bodies[i]), "%.*s %.*s",
			       TEXT_ARG(a->request.url), TEXT_ARG(a->request.body));
	} else {
		char again[32]; /* the same key is the same request */

		(void)snprintf(again, sizeof(again), "%.*s %.*s", TEXT_ARG(a->request.url),
			       TEXT_ARG(a->request.body));
		ck_assert_str_eq(log->bodies[i], again);
	}
}

/* Answers until nothing is under way. The process dies before each `crash`-th answer, and after the
 * commit of each `crash`-th. */
static void work_off(struct world *w, struct target_log *log, int crash)
{
	for (int round = 1; round < 1000; round++) {
		/* What was under way when the process died waits before it is repeated. */
		for (int i = 0; w->out.attempt_count == 0 && i < 4; i++) {
			world_grant(w, 1);
			if (w->out.attempt_count == 0)
				world_advance(w, 10000);
		}
		if (w->out.attempt_count == 0)
			return;
		log_attempt(log, &w->out.attempts[0]);
		if (crash == 0 || round % crash != 0)
			world_answer(w, 0, 200, "{}");
		if (crash > 0 && (round % crash == 0 || round % crash == crash / 2))
			world_crash(w);
	}
	ck_abort_msg("it never ends");
}

static void check_log(const struct target_log *log, int items)
{
	size_t at = 0;

	for (int n = 1; n <= items; n++) {
		char body[32];

		(void)snprintf(body, sizeof(body), "/one {\"n\":%d}", n);
		ck_assert_str_eq(log->bodies[at++], body);
		(void)snprintf(body, sizeof(body), "/two {\"n\":%d}", n);
		if (n % 3 != 0)
			ck_assert_str_eq(log->bodies[at++], body);
	}
	ck_assert_ptr_nonnull(strstr(log->bodies[at++], "/end"));
	ck_assert_uint_eq(log->count, at);
}

static void post_list(struct world *w, const char *id, int items)
{
	char body[1000] = "{\"list\":[";
	size_t n = strlen(body);

	for (int i = 1; i <= items; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s%d", i > 1 ? "," : "", i);
	(void)snprintf(body + n, sizeof(body) - n, "]}");
	world_hook(w, "lists", id, body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

START_TEST(every_item_once_whenever_the_process_dies)
{
	for (int crash = 0; crash < 8; crash += crash == 0 ? 2 : 1) {
		struct arena *arena = arena_new("test", 1u << 20);
		static struct target_log log;
		struct world w;

		log = (struct target_log){ .count = 0 };
		world_init(&w, CONFIG, RULES);
		post_list(&w, "a", 20);
		work_off(&w, &log, crash);
		check_log(&log, 20);
		ck_assert(crash > 0 ? log.requests >= log.count : log.requests == log.count);
		struct run_record run = world_run(&w, arena, 1);

		ck_assert_int_eq(run.state, RUN_DONE);
		ck_assert_ptr_nonnull(strstr(run.steps.s, "\"outcomes\":\"dddddddddddddddddddd\""));
		ck_assert_ptr_nonnull(
		    strstr(run.steps.s, "\"result\":{\"items\":20,\"done\":20,\"failed\":0}"));
		ck_assert_ptr_null(strstr(run.steps.s, "\"one\""));
		arena_free(arena);
		world_fini(&w);
	}
}
END_TEST

#define SQUARES                                                                                    \
	"rules:\n"                                                                                 \
	"  - id: all\n"                                                                            \
	"    on: hook.lists\n"                                                                     \
	"    do:\n"                                                                                \
	"      - for_each: data.list.map(a, data.list.map(b, a * b)).flatten()\n"                  \
	"        max: 10000\n"                                                                     \
	"        do: [ { http.request: { url: /x }, if: item == 0 } ]\n"

/* Batches until nothing is left to do at this moment. */
static int batches(struct world *w)
{
	int n = 0;

	for (; sequencer_next(w->sequencer) <= w->now.mono; n++)
		ck_assert_int_eq(world_batch(w), FATE_OK);
	return n;
}

/* Items that send nothing are gone through at once, but not in one commit: others are served in
 * between. */
START_TEST(items_without_requests)
{
	struct world w;

	world_init(&w, CONFIG, SQUARES);
	post_list(&w, "a", 60);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
	post_list(&w, "b", 2);
	ck_assert_uint_eq(w.out.reply_count, 1);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
	ck_assert_int_eq(world_state(&w, 2), RUN_DONE);
	ck_assert_int_gt(batches(&w), 3600 / LIMIT_TURNS - 4);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

START_TEST(the_process_dies_between_items_without_requests)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct world w;

	world_init(&w, CONFIG, SQUARES);
	post_list(&w, "a", 60);
	ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
	for (int i = 0; i < 2; i++) {
		world_crash(&w);
		ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
	}
	ck_assert_int_gt(batches(&w), 0);
	struct run_record run = world_run(&w, arena, 1);

	ck_assert_int_eq(run.state, RUN_DONE);
	ck_assert_ptr_nonnull(
	    strstr(run.steps.s, "\"result\":{\"items\":3600,\"done\":3600,\"failed\":0}"));
	arena_free(arena);
	world_fini(&w);
}
END_TEST

/* Those of a lane whose runs end at once, too. */
START_TEST(a_long_lane_leaves_room_for_others)
{
	struct world w;
	int n = 2 * LIMIT_TURNS + 10;

	world_init(&w, CONFIG,
		   "rules:\n  - { id: a, on: hook.lists, lane: one,\n"
		   "      do: [ { http.request: { url: /x }, if: \"size(data.list) == 1\" } ] }\n");
	post_list(&w, "first", 1);
	for (int i = 0; i < n; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "%d", i);
		world_hook(&w, "lists", id, "{\"list\":[]}");
	}
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_push(&w, &(struct input){ .kind = INPUT_GRANT,
					.grant = { .target = TEXT("target"), .credits = 1 } });
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_answer(&w, 0, 200, "{}");
	ck_assert_int_eq(world_state(&w, n + 1), RUN_PENDING);
	ck_assert_int_eq(batches(&w), 2);
	ck_assert_int_eq(world_state(&w, n + 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

static void command(struct world *w, enum command_kind kind, int64_t run, int status)
{
	const struct input input = { .kind = INPUT_COMMAND,
				     .command = { .ticket = 9, .kind = kind, .run = run } };

	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	ck_assert_uint_eq(w->out.reply_count, 1);
	ck_assert_int_eq(w->out.replies[0].status, status);
}

START_TEST(what_is_held_waits_for_a_decision)
{
	struct arena *arena = arena_new("test", 1u << 20);
	static struct target_log log;
	struct world w;

	log = (struct target_log){ .count = 0 };
	world_init(&w, CONFIG, RULES);
	post_list(&w, "a", 101);
	ck_assert_int_eq(world_state(&w, 1), RUN_HELD);
	ck_assert(world_has_event(&w, "tappet.run.held"));
	ck_assert_uint_eq(w.out.attempt_count, 0);
	command(&w, COMMAND_CANCEL, 1, 409);
	command(&w, COMMAND_DEAD_RETRY, 1, 409);
	command(&w, COMMAND_RESOLVE_DONE, 1, 409);
	world_crash(&w);
	ck_assert_int_eq(world_state(&w, 1), RUN_HELD);
	command(&w, COMMAND_RELEASE, 1, 200);
	work_off(&w, &log, 7);
	check_log(&log, 101);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	command(&w, COMMAND_RELEASE, 1, 409);
	post_list(&w, "b", 101);
	command(&w, COMMAND_HELD_DROP, 2, 200);
	ck_assert_int_eq(world_state(&w, 2), RUN_DEAD);
	command(&w, COMMAND_HELD_DROP, 2, 409);
	/* A retry asks again. */
	command(&w, COMMAND_DEAD_RETRY, 2, 200);
	ck_assert_int_eq(world_state(&w, 2), RUN_HELD);
	ck_assert_ptr_nonnull(
	    strstr(world_run(&w, arena, 2).steps.s, "\"state\":\"failed\",\"items\":101"));
	ck_assert_ptr_nonnull(strstr(world_run(&w, arena, 2).steps.s,
				     "\"error\":\"was held; dropped by an operator\""));
	ck_assert_ptr_null(strstr(world_run(&w, arena, 2).steps.s, "doubt"));
	arena_free(arena);
	world_fini(&w);
}
END_TEST

/* A run that is given up in the middle of an item goes on with that item. */
START_TEST(a_cancelled_one_goes_on_where_it_was)
{
	static struct target_log log;
	struct world w;

	log = (struct target_log){ .count = 0 };
	world_init(&w, CONFIG, RULES);
	post_list(&w, "a", 5);
	world_grant(&w, 1);
	log_attempt(&log, &w.out.attempts[0]);
	world_answer(&w, 0, 200, "{}"); /* one 1 */
	log_attempt(&log, &w.out.attempts[0]);
	world_answer(&w, 0, 200, "{}"); /* two 1 */
	log_attempt(&log, &w.out.attempts[0]);
	world_answer(&w, 0, 503, "later"); /* one 2 */
	ck_assert_int_eq(world_state(&w, 1), RUN_WAITING);
	command(&w, COMMAND_CANCEL, 1, 200);
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	world_crash(&w);
	command(&w, COMMAND_DEAD_RETRY, 1, 200);
	work_off(&w, &log, 0);
	check_log(&log, 5);
	ck_assert_uint_eq(log.requests, log.count + 1);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

#define LANES                                                                                      \
	"rules:\n"                                                                                 \
	"  - { id: a, on: hook.lists, lane: \"x/${data.k}\", do: [ { http.request: { url: "        \
	"\"/a/${data.n}\" } } ] }\n"                                                               \
	"  - { id: b, on: hook.lists, lane: \"x/${data.k}\", do: [ { http.request: { url: "        \
	"\"/b/${data.n}\" } } ] }\n"

START_TEST(lanes_keep_their_order_whenever_the_process_dies)
{
	for (int crash = 0; crash < 6; crash += crash == 0 ? 2 : 1) {
		static struct target_log log;
		struct world w;

		log = (struct target_log){ .count = 0 };
		world_init(&w, CONFIG, LANES);
		for (int n = 1; n <= 5; n++) {
			char body[40], id[16];

			(void)snprintf(id, sizeof(id), "%d", n);
			(void)snprintf(body, sizeof(body), "{\"k\":1,\"n\":%d}", n);
			world_hook(&w, "lists", id, body);
		}
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		ck_assert_uint_eq(w.out.target_count, 1);
		ck_assert_uint_eq(w.out.target_runs[0], 1);
		work_off(&w, &log, crash);
		ck_assert_uint_eq(log.count, 10);
		for (int i = 0; i < 10; i++) {
			char url[16];

			(void)snprintf(url, sizeof(url), "/%c/%d ", i % 2 == 0 ? 'a' : 'b',
				       i / 2 + 1);
			ck_assert_str_eq(log.bodies[i], url);
		}
		world_fini(&w);
	}
}
END_TEST

#define KEYED                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: all\n"                                                                            \
	"    on: hook.lists\n"                                                                     \
	"    key: data.k\n"                                                                        \
	"    do:\n"                                                                                \
	"      - for_each: data.list\n"                                                            \
	"        max: 2\n"                                                                         \
	"        do: [ { http.request: { url: \"/${item}\" } } ]\n"

/* Released while a younger one waits to be repeated, it stays behind that one. */
START_TEST(a_released_one_keeps_its_place_when_the_process_dies)
{
	static struct target_log log;
	struct world w;

	log = (struct target_log){ .count = 0 };
	world_init(&w, CONFIG, KEYED);
	world_hook(&w, "lists", "a", "{\"k\":\"x\",\"list\":[1,2,3]}");
	world_hook(&w, "lists", "b", "{\"k\":\"x\",\"list\":[4,5]}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_HELD);
	world_grant(&w, 1);
	world_answer(&w, 0, 503, "later");
	ck_assert_int_eq(world_state(&w, 2), RUN_WAITING);
	command(&w, COMMAND_RELEASE, 1, 200);
	world_crash(&w);
	ck_assert_int_eq(world_state(&w, 2), RUN_WAITING);
	work_off(&w, &log, 0);
	ck_assert_uint_eq(log.count, 5);
	for (int i = 0; i < 5; i++) {
		static const char *const order[] = { "/4 ", "/5 ", "/1 ", "/2 ", "/3 " };

		ck_assert_str_eq(log.bodies[i], order[i]);
	}
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert_int_eq(world_state(&w, 2), RUN_DONE);
	world_fini(&w);
}
END_TEST

#define SHRINKS                                                                                    \
	"tables: { kept: { key: k, columns: { k: text } } }\n"                                     \
	"rules:\n"                                                                                 \
	"  - { id: put, on: hook.lists, match: { data.put: { exists: true } },\n"                  \
	"      do: [ { table.put: { table: kept, row: { k: \"${data.put}\" } } } ] }\n"            \
	"  - id: all\n"                                                                            \
	"    on: hook.lists\n"                                                                     \
	"    when: has(data.go)\n"                                                                 \
	"    define: { found: \"rows('kept')\" }\n"                                                \
	"    do:\n"                                                                                \
	"      - for_each: found\n"                                                                \
	"        do:\n"                                                                            \
	"          - table.drop: { table: kept, key: \"${item.k}\" }\n"                            \
	"          - http.request: { url: \"/${item.k}\" }\n"

/* Answers all that is sent; what is inside comes back as it went. The process dies before the
 * `crash`-th answer. */
static void work_rows(struct world *w, struct target_log *log, int crash)
{
	for (int round = 1, idle = 0; idle < 4; round++) {
		if (w->out.attempt_count == 0)
			world_grant(w, 1);
		if (w->out.attempt_count == 0) {
			world_advance(w, 10000);
			idle++;
			continue;
		}
		const struct attempt_out *a = &w->out.attempts[0];
		char body[100];

		idle = 0;
		if (round == crash) {
			world_crash(w);
			continue;
		}
		(void)snprintf(body, sizeof(body), "%.*s", TEXT_ARG(a->request.body));
		if (!a->action->inside)
			log_attempt(log, a);
		world_answer(w, 0, 200, a->action->inside ? body : "{}");
	}
}

/* What an item changes in the table that its list is from changes no other item. */
START_TEST(a_list_of_rows_is_kept)
{
	for (int crash = 0; crash < 12; crash++) {
		struct arena *arena = arena_new("test", 1u << 20);
		static struct target_log log;
		struct world w;

		log = (struct target_log){ .count = 0 };
		world_init(&w, CONFIG, SHRINKS);
		for (int i = 1; i <= 3; i++) {
			char id[16], body[32];

			(void)snprintf(id, sizeof(id), "p%d", i);
			(void)snprintf(body, sizeof(body), "{\"put\":\"r%d\"}", i);
			world_hook(&w, "lists", id, body);
			ck_assert_int_eq(world_batch(&w), FATE_OK);
			work_rows(&w, &log, 0);
		}
		ck_assert_int_eq(store_count_rows(w.store, TEXT("kept")), 3);
		world_hook(&w, "lists", "go", "{\"go\":1}");
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		work_rows(&w, &log, crash);
		ck_assert_uint_eq(log.count, 3);
		for (int i = 0; i < 3; i++) {
			char url[16];

			(void)snprintf(url, sizeof(url), "/r%d", i + 1);
			ck_assert_ptr_nonnull(strstr(log.bodies[i], url));
		}
		struct run_record run = world_run(&w, arena, 4);

		ck_assert_int_eq(run.state, RUN_DONE);
		ck_assert_int_eq(store_count_rows(w.store, TEXT("kept")), 0);
		ck_assert_ptr_null(strstr(run.steps.s, "\"list\""));
		arena_free(arena);
		world_fini(&w);
	}
}
END_TEST

#define VARS(word)                                                                                 \
	"vars: { lane: " word " }\n"                                                               \
	"hooks: { lists: { verify: none } }\n"                                                     \
	"connections: { target: { connector: http, base_url: 'http://127.0.0.1:1' } }\n"           \
	"rules: [rules.yaml]\n"
#define VAR_LANES                                                                                  \
	"rules:\n"                                                                                 \
	"  - { id: a, on: hook.lists, lane: \"x/${vars.lane}\", do: [ { http.request: { url: "     \
	"/a } } ] }\n"                                                                             \
	"  - { id: b, on: hook.lists, lane: x/one, do: [ { http.request: { url: /b } } ] }\n"

/* Two that were at the heads of lanes both go on when other vars make one lane of those. */
START_TEST(lanes_that_became_one_wedge_nothing)
{
	struct world w;

	world_init(&w, VARS("two"), VAR_LANES);
	post_list(&w, "a", 1);
	world_grant(&w, 2);
	ck_assert_uint_eq(w.out.attempt_count, 2);
	world_reload(&w, VARS("one"), VAR_LANES);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_crash(&w);
	post_list(&w, "b", 1);
	world_advance(&w, 10000);
	world_grant(&w, 9);
	ck_assert_uint_eq(w.out.attempt_count, 2);
	world_settle(&w);
	for (int run = 1; run <= 4; run++)
		ck_assert_int_eq(world_state(&w, run), RUN_DONE);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_loop", lanes_that_became_one_wedge_nothing, a_list_of_rows_is_kept,
	  a_released_one_keeps_its_place_when_the_process_dies,
	  every_item_once_whenever_the_process_dies, items_without_requests,
	  the_process_dies_between_items_without_requests, a_long_lane_leaves_room_for_others,
	  what_is_held_waits_for_a_decision, a_cancelled_one_goes_on_where_it_was,
	  lanes_keep_their_order_whenever_the_process_dies)
