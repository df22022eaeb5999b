/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer - decisions: events, runs, attempts, retries, order, doubt,
 * throttles, recovery. */
#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks:\n"                                                                                 \
	"  orders: { verify: none, id_header: X-Id }\n"                                            \
	"connections:\n"                                                                           \
	"  hindsite: { connector: hindsite, base_url: \"http://127.0.0.1:1\", client_id: a, "      \
	"client_secret: b }\n"

#define FORWARD                                                                                    \
	"rules:\n"                                                                                 \
	"  - id: forward\n"                                                                        \
	"    on: hook.orders\n"                                                                    \
	"    key: string(data.k)\n"                                                                \
	"    do:\n"                                                                                \
	"      - as: sent\n"                                                                       \
	"        http.request: { url: \"http://127.0.0.1:1/in\", json: { n: \"${data.n}\" } }\n"   \
	"        retry: { attempts: 3, first: 1s, max: 10s }\n"

START_TEST(an_event_becomes_a_request_and_is_done)
{
	struct world w;

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.reply_count, 1);
	ck_assert_int_eq(w.out.replies[0].status, 202);
	ck_assert_uint_eq(w.out.attempt_count, 0); /* no credit yet */
	ck_assert_int_eq(world_state(&w, 1), RUN_PENDING);
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(world_state(&w, 1), RUN_STARTED);
	ck_assert(text_is(w.out.attempts[0].request.body, "{\"n\":1}"));
	world_answer(&w, 0, 200, "{\"ok\":true}");
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

START_TEST(the_same_delivery_twice_is_one_event)
{
	struct world w;

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert_uint_eq(w.out.reply_count, 2);
	ck_assert_ptr_nonnull(strstr(w.out.replies[1].body.s, "repeat"));
	world_crash(&w);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(what_is_not_json_is_refused_with_a_position)
{
	struct world w;

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\n x}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(w.out.replies[0].status, 400);
	ck_assert_ptr_nonnull(strstr(w.out.replies[0].body.s, "\"line\":2"));
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_failed_attempt_is_repeated_with_the_same_key)
{
	struct world w;
	char key[64];

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	(void)snprintf(key, sizeof(key), "%s", w.out.attempts[0].key.s);
	world_answer(&w, 0, 503, "busy");
	ck_assert_int_eq(world_state(&w, 1), RUN_WAITING);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_advance(&w, 1000);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	ck_assert_str_eq(w.out.attempts[0].key.s, key);
	world_answer(&w, 0, 200, "{}");
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

/* The idempotency key of the first attempt in a store of its own, at that time. */
static void key_of(const char *sender_id, int64_t later, char key[64], char id[64])
{
	struct world w;

	world_init(&w, CONFIG, FORWARD);
	w.now.wall += later;
	world_hook(&w, "orders", sender_id, "{\"k\":\"x\",\"n\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(w.out.events[0].seq, 1);
	(void)snprintf(id, 64, "%.*s", TEXT_ARG(w.out.events[0].id));
	world_grant(&w, 1);
	(void)snprintf(key, 64, "%.*s", TEXT_ARG(w.out.attempts[0].key));
	/* Not now, and after a restart: the same work. */
	world_answer(&w, 0, 503, "");
	world_crash(&w);
	world_advance(&w, 20000);
	world_grant(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	ck_assert(text_is(w.out.attempts[0].key, key));
	ck_assert(text_is(w.out.attempts[0].event, id));
	world_fini(&w);
}

/* Numbers are given again in a new store, or one that is a backup's. */
START_TEST(new_work_of_a_new_store_has_a_new_key)
{
	char first[64], second[64], id[64], other[64];

	key_of("", 0, first, id);
	key_of("", 1, second, other);
	ck_assert_str_ne(first, second);
	ck_assert_str_ne(id, other);
	/* What the sender names is the same work wherever it is delivered again. */
	key_of("a", 0, first, id);
	key_of("a", 60000, second, other);
	ck_assert_str_eq(first, second);
	ck_assert_str_eq(id, other);
}
END_TEST

START_TEST(after_the_last_attempt_the_run_is_dead_and_says_why)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct world w;

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	for (int i = 1; i <= 3; i++) {
		world_answer(&w, 0, 503, "out of paper");
		if (i < 3)
			world_advance(&w, 10000);
	}
	struct run_record run = world_run(&w, arena, 1);

	ck_assert_int_eq(run.state, RUN_DEAD);
	ck_assert_ptr_nonnull(strstr(run.reason.s, "out of paper"));
	ck_assert(world_has_event(&w, "tappet.run.dead"));
	arena_free(arena);
	world_fini(&w);
}
END_TEST

/* A long reply is quoted to its last whole character. */
START_TEST(a_reply_is_never_quoted_to_the_middle_of_a_character)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct run_record run;
	char body[301];
	struct world w;

	memset(body, 'a', sizeof(body));
	memcpy(body + 199, "\xc3\xa4", 2);
	body[300] = '\0';
	world_init(&w, CONFIG,
		   "rules:\n  - id: start\n    on: hook.orders\n    do:\n"
		   "      - hindsite.work_set.start: { id: \"1\" }\n");
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	world_answer(&w, 0, 400, body);
	run = world_run(&w, arena, 1);
	ck_assert_int_eq(run.state, RUN_DEAD);
	ck_assert_msg(strstr(run.reason.s, "aaa...") != NULL, "%s", run.reason.s);
	arena_free(arena);
	world_fini(&w);
}
END_TEST

START_TEST(runs_of_one_key_keep_their_order_others_go_side_by_side)
{
	struct world w;

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	world_hook(&w, "orders", "b", "{\"k\":\"x\",\"n\":2}");
	world_hook(&w, "orders", "c", "{\"k\":\"y\",\"n\":3}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 2); /* 1 and 3 */
	ck_assert(w.out.attempts[0].run != 2 && w.out.attempts[1].run != 2);
	size_t first = w.out.attempts[0].run == 1 ? 0 : 1;

	world_answer(&w, first, 503, "");
	ck_assert_uint_eq(w.out.attempt_count, 0); /* the one that waits keeps its lane */
	world_advance(&w, 1000);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].run, 1);
	world_answer(&w, 0, 200, "{}");
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].run, 2);
	world_fini(&w);
}
END_TEST

START_TEST(what_was_under_way_in_a_crash_is_repeated_where_that_is_harmless)
{
	struct world w;
	char key[64];

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	(void)snprintf(key, sizeof(key), "%s", w.out.attempts[0].key.s);
	world_crash(&w);
	ck_assert_int_eq(world_state(&w, 1), RUN_WAITING);
	world_advance(&w, 1000);
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	ck_assert_str_eq(w.out.attempts[0].key.s, key);
	world_fini(&w);
}
END_TEST

#define START                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: start\n"                                                                          \
	"    on: hook.orders\n"                                                                    \
	"    do:\n"                                                                                \
	"      - as: work\n"                                                                       \
	"        hindsite.work_set.start: { id: \"${data.id}\" }\n"                                \
	"      - http.request: { url: \"http://127.0.0.1:1/told\", json: { ok: true } }\n"

static void command(struct world *w, enum command_kind kind, int64_t run)
{
	const struct input input = { .kind = INPUT_COMMAND,
				     .command = { .ticket = 9, .kind = kind, .run = run } };

	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

START_TEST(what_must_not_happen_twice_is_parked_until_resolved)
{
	struct world w;

	world_init(&w, CONFIG, START);
	world_hook(&w, "orders", "a", "{\"id\":\"W1\"}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	ck_assert(text_is(w.out.attempts[0].request.url, "/api/v2/work_sets/W1/start"));
	world_answer(&w, 0, 0, "");
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
	world_crash(&w);
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
	command(&w, COMMAND_CANCEL, 1);
	ck_assert_int_eq(w.out.replies[0].status, 409);
	command(&w, COMMAND_RESOLVE_DONE, 1);
	ck_assert_int_eq(w.out.replies[0].status, 200);
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1); /* the second step */
	ck_assert_int_eq(w.out.attempts[0].step, 1);
	world_answer(&w, 0, 200, "{}");
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_fini(&w);
}
END_TEST

START_TEST(a_doubtful_run_can_be_repeated_or_dropped)
{
	struct world w;

	world_init(&w, CONFIG, START);
	world_hook(&w, "orders", "a", "{\"id\":\"W1\"}");
	world_hook(&w, "orders", "b", "{\"id\":\"W2\"}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	world_crash(&w); /* both under way */
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
	ck_assert_int_eq(world_state(&w, 2), RUN_IN_DOUBT);
	command(&w, COMMAND_RESOLVE_DROP, 2);
	ck_assert_int_eq(world_state(&w, 2), RUN_DEAD);
	command(&w, COMMAND_RESOLVE_REPEAT, 1);
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	/* What was doubtful stays on record. */
	struct arena *arena = arena_new("test", 1u << 20);

	ck_assert_ptr_nonnull(strstr(world_run(&w, arena, 1).steps.s, "\"state\":\"doubt\""));
	arena_free(arena);
	world_fini(&w);
}
END_TEST

START_TEST(a_dead_run_is_tried_again_from_the_step_that_failed)
{
	struct world w;

	world_init(&w, CONFIG, START);
	world_hook(&w, "orders", "a", "{\"id\":\"W1\"}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	world_answer(&w, 0, 404, "{\"error\":\"no such work set\"}");
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	command(&w, COMMAND_DEAD_RETRY, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	world_answer(&w, 0, 201, "{\"id\":\"W1\",\"started_at\":1795309825}");
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_answer(&w, 0, 200, "{}");
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	command(&w, COMMAND_DEAD_DROP, 1);
	ck_assert_int_eq(w.out.replies[0].status, 409);
	world_fini(&w);
}
END_TEST

START_TEST(the_reply_of_a_start_is_an_event)
{
	struct world w;

	world_init(&w, CONFIG, START);
	world_hook(&w, "orders", "a", "{\"id\":\"W1\"}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	world_answer(&w, 0, 201, "{\"id\":\"W1\",\"started_at\":1795309825}");
	ck_assert(world_has_event(&w, "hindsite.work_set.started"));
	world_fini(&w);
}
END_TEST

#define HANDLED                                                                                    \
	"rules:\n"                                                                                 \
	"  - id: handled\n"                                                                        \
	"    on: hook.orders\n"                                                                    \
	"    throttle: { every: 1h }\n"                                                            \
	"    key: \"'k'\"\n"                                                                       \
	"    do:\n"                                                                                \
	"      - http.request: { url: \"http://127.0.0.1:1/a\", json: {} }\n"                      \
	"        on_error: continue\n"                                                             \
	"      - http.request: { url: \"http://127.0.0.1:1/b\", json: {} }\n"                      \
	"        on_error:\n"                                                                      \
	"          - http.request: { url: \"http://127.0.0.1:1/c\", json: { why: "                 \
	"\"${error.message}\" } }\n"

START_TEST(failures_continue_or_are_handled_and_then_the_run_is_dead)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct world w;

	world_init(&w, CONFIG, HANDLED);
	world_hook(&w, "orders", "a", "{}");
	(void)world_batch(&w);
	world_grant(&w, 4);
	world_answer(&w, 0, 400, "first");
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_answer(&w, 0, 400, "second");
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_ptr_nonnull(strstr(w.out.attempts[0].request.body.s, "second"));
	world_answer(&w, 0, 200, "{}");
	struct run_record run = world_run(&w, arena, 1);

	ck_assert_int_eq(run.state, RUN_DEAD);
	ck_assert_ptr_nonnull(strstr(run.reason.s, "second"));
	arena_free(arena);
	world_fini(&w);
}
END_TEST

START_TEST(a_throttle_is_spent_by_the_match_and_given_back_by_an_early_death)
{
	struct world w;

	world_init(&w, CONFIG, HANDLED);
	world_hook(&w, "orders", "a", "{}");
	world_hook(&w, "orders", "b", "{}");
	(void)world_batch(&w);
	ck_assert_int_eq(world_state(&w, 2), RUN_SKIPPED);
	world_grant(&w, 4);
	world_answer(&w, 0, 400, "");
	world_answer(&w, 0, 400, "");
	world_answer(&w, 0, 400, ""); /* DEAD, no step done */
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	world_hook(&w, "orders", "c", "{}");
	(void)world_batch(&w);
	ck_assert_int_eq(world_state(&w, 3), RUN_STARTED);
	world_fini(&w);
}
END_TEST

/* So many rules that only some of those that miss a field are evaluated, and one more. */
static char *large_group(void)
{
	struct buf b;
	char *text;

	buf_init(&b, 4 * MIB);
	buf_str(&b, "rules:\n  - { id: told, on: tappet.rule.blind }\n");
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "  - { id: r%d, on: hook.orders, when: data.x == %d }\n", i, i);
	text = strdup(buf_cstr(&b));
	buf_fini(&b);
	ck_assert_ptr_nonnull(text);
	return text;
}

static size_t blind_events(struct world *w, int first, int count, const char *body)
{
	size_t found = 0;

	for (int i = first; i < first + count; i++) {
		char id[24];

		snprintf(id, sizeof(id), "e%d", i);
		world_hook(w, "orders", id, body);
		ck_assert_int_eq(world_batch(w), FATE_OK);
		for (size_t k = 0; k < w->out.event_count; k++)
			found += text_is(w->out.events[k].type, "tappet.rule.blind");
	}
	return found;
}

START_TEST(one_odd_event_makes_no_large_group_blind)
{
	char *rules = large_group();
	struct world w;

	world_init(&w, CONFIG, rules);
	ck_assert_uint_eq(blind_events(&w, 0, 30, "{\"x\":-1}"), 0);
	ck_assert_uint_eq(blind_events(&w, 30, 3, "{\"y\":1}"), 0);
	world_fini(&w);
	free(rules);
}
END_TEST

/* Each of 5,000 is evaluated with every 79th event. */
START_TEST(a_large_group_is_told_blind_in_the_end)
{
	char *rules = large_group();
	struct world w;

	world_init(&w, CONFIG, rules);
	ck_assert_uint_eq(blind_events(&w, 0, 700, "{\"y\":1}"), 0);
	ck_assert_uint_gt(blind_events(&w, 700, 300, "{\"y\":1}"), 0);
	world_fini(&w);
	free(rules);
}
END_TEST

static void lend(struct world *w, unsigned credits)
{
	const struct input input = {
		.kind = INPUT_GRANT,
		.grant = { .target = TEXT("http://127.0.0.1:1"), .credits = credits, .lent = true },
	};

	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

/* Delivery counts what it lends against what waits; a retry that is due in the same batch spends
 * it, and was not among those: without another word the last run would wait for ever. */
START_TEST(credit_that_a_retry_spends_is_asked_for_again)
{
	struct world w;

	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	world_hook(&w, "orders", "b", "{\"k\":\"y\",\"n\":2}");
	world_hook(&w, "orders", "c", "{\"k\":\"z\",\"n\":3}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.target_runs[0], 3);
	lend(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_uint_eq(w.out.target_count, 0);
	struct input refused = {
		.kind = INPUT_OUTCOME,
		.outcome = { .run = w.out.attempts[0].run,
			     .attempt = w.out.attempts[0].attempt,
			     .target = TEXT("http://127.0.0.1:1"),
			     .lent = true,
			     .ending = { .how = END_REPLIED, .status = 429, .retry_after = -1 } },
	};

	world_push(&w, &refused);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	w.now.wall += 3000;
	w.now.mono += 3000;
	lend(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_uint_eq(w.out.target_count, 1);
	ck_assert_uint_eq(w.out.target_runs[0], 2);
	world_fini(&w);
}
END_TEST

/* A reply of lists in each other. */
static void nested_reply(int levels, enum run_state state, const char *reason)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct world w;
	char body[2 * LIMIT_JSON_DEPTH + 1];

	memset(body, '[', (size_t)levels);
	memset(body + levels, ']', (size_t)levels);
	body[2 * levels] = '\0';
	world_init(&w, CONFIG, FORWARD);
	world_hook(&w, "orders", "a", "{\"k\":\"x\",\"n\":1}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_answer(&w, 0, 200, body);
	struct run_record run = world_run(&w, arena, 1);

	ck_assert_int_eq(run.state, state);
	ck_assert_msg(text_find(run.reason, text_of(reason)) != SIZE_MAX, "%.*s",
		      TEXT_ARG(run.reason));
	arena_free(arena);
	world_fini(&w);
}

START_TEST(a_reply_may_be_too_deep_to_keep)
{
	const char *why = "status 200: the result is nested deeper than 120 levels";

	nested_reply(LIMIT_RESULT_DEPTH, RUN_DONE, "");
	nested_reply(LIMIT_RESULT_DEPTH + 1, RUN_DEAD, why);
	nested_reply(LIMIT_JSON_DEPTH - 1, RUN_DEAD, why);
	nested_reply(LIMIT_JSON_DEPTH, RUN_DEAD, why);
}
END_TEST

UNIT_MAIN("sequencer", an_event_becomes_a_request_and_is_done, the_same_delivery_twice_is_one_event,
	  new_work_of_a_new_store_has_a_new_key, what_is_not_json_is_refused_with_a_position,
	  a_failed_attempt_is_repeated_with_the_same_key,
	  after_the_last_attempt_the_run_is_dead_and_says_why,
	  a_reply_is_never_quoted_to_the_middle_of_a_character,
	  runs_of_one_key_keep_their_order_others_go_side_by_side,
	  what_was_under_way_in_a_crash_is_repeated_where_that_is_harmless,
	  what_must_not_happen_twice_is_parked_until_resolved,
	  a_doubtful_run_can_be_repeated_or_dropped,
	  a_dead_run_is_tried_again_from_the_step_that_failed, the_reply_of_a_start_is_an_event,
	  failures_continue_or_are_handled_and_then_the_run_is_dead,
	  a_throttle_is_spent_by_the_match_and_given_back_by_an_early_death,
	  credit_that_a_retry_spends_is_asked_for_again, one_odd_event_makes_no_large_group_blind,
	  a_large_group_is_told_blind_in_the_end, a_reply_may_be_too_deep_to_keep)
