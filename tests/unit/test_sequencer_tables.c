/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_tables - rows and the runs that put them: both are there, or
 * neither.
 *
 * Batches fail by the fault point "store.commit"; without -Dfaults=true nothing
 * does. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { made: { verify: none }, gone: { verify: none }, part: { verify: none }, "        \
	"told: { verify: none } }\n"

#define RULES                                                                                      \
	"tables:\n"                                                                                \
	"  links: { key: id, unique: set, columns: { id: text, set: text, n: int } }\n"            \
	"rules:\n"                                                                                 \
	"  - id: link\n"                                                                           \
	"    on: hook.made\n"                                                                      \
	"    key: \"data.id == null ? 'none' : string(data.id)\"\n"                                \
	"    do:\n"                                                                                \
	"      - table.put: { table: links, row: { id: \"${data.id}\", set: \"${data.set}\", n: "  \
	"\"${data.n}\" } }\n"                                                                      \
	"  - id: unlink\n"                                                                         \
	"    on: hook.gone\n"                                                                      \
	"    do: [ { table.drop: { table: links, key: \"${data.id}\" } } ]\n"                      \
	"  - id: part\n"                                                                           \
	"    on: hook.part\n"                                                                      \
	"    do:\n"                                                                                \
	"      - table.put: { table: links, row: { id: \"${data.id}\", n: 1 } }\n"                 \
	"        result: no.such\n"                                                                \
	"  - id: told\n"                                                                           \
	"    on: hook.told\n"                                                                      \
	"    do: [ { tappet.emit: { type: com.acme.told }, result: no.such } ]\n"

static int64_t count(const struct world *w)
{
	return store_count_rows(w->store, TEXT("links"));
}

static void row_is(const struct world *w, const char *key, const char *want)
{
	struct arena *arena = arena_new("row", MIB);
	struct text json = TEXT_NONE;

	(void)store_get_row(w->store, arena, TEXT("links"), text_of(key), &json);
	ck_assert_msg(text_is(json, want), "%s: %.*s, not %s", key, TEXT_ARG(json), want);
	arena_free(arena);
}

/* The event, and its step's way to the end. */
static void post(struct world *w, const char *hook, const char *body)
{
	world_hook(w, hook, "", body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	if (w->out.attempt_count == 0)
		world_grant(w, 1);
}

/* What was built comes back, in the next batch. */
static void answer(struct world *w)
{
	const struct attempt_out *a = &w->out.attempts[0];
	struct input input = { .kind = INPUT_OUTCOME };

	ck_assert_uint_eq(w->out.attempt_count, 1);
	input.outcome = (struct outcome_input){ .run = a->run,
						.step = a->step,
						.attempt = a->attempt,
						.target = a->target,
						.credits = 1 };
	input.outcome.ending = (struct ending){ .how = END_REPLIED,
						.sent = true,
						.status = 200,
						.body = a->request.body,
						.content_type = TEXT("application/json"),
						.retry_after = -1,
						.started = w->now.wall,
						.ended = w->now.wall };
	world_push(w, &input);
}

START_TEST(a_row_is_there_when_its_step_is_done)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	post(&w, "made", "{\"id\":7,\"set\":\"a\",\"n\":2.0}");
	ck_assert_int_eq(count(&w), 0);
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	row_is(&w, "7", "{\"id\":\"7\",\"set\":\"a\",\"n\":\"2\"}");
	post(&w, "gone", "{\"id\":\"7\"}");
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 2), RUN_DONE);
	ck_assert_int_eq(count(&w), 0);
	world_fini(&w);
}
END_TEST

/* The commit fails once: neither row nor end; then both, once. */
START_TEST(a_failed_commit_leaves_neither)
{
	struct world w;

	if (!HAVE_FAULTS)
		return;
	world_init(&w, CONFIG, RULES);
	post(&w, "made", "{\"id\":7,\"set\":\"a\",\"n\":2}");
	answer(&w);
	world_fails(&w);
	ck_assert_int_eq(count(&w), 0);
	ck_assert_int_eq(world_state(&w, 1), RUN_STARTED);
	w.now.mono += 60000;
	w.now.wall += 60000;
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert_int_eq(count(&w), 1);
	world_fini(&w);
}
END_TEST

/* The process dies before the end is known: the step is done again, and the row is there once. */
START_TEST(a_crash_before_the_end_repeats_the_step)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	post(&w, "made", "{\"id\":7,\"set\":\"a\",\"n\":2}");
	world_crash(&w);
	ck_assert_int_eq(count(&w), 0);
	world_advance(&w, 60000);
	if (w.out.attempt_count == 0)
		world_grant(&w, 1);
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert_int_eq(count(&w), 1);
	world_fini(&w);
}
END_TEST

static void refused(const char *body, const char *why)
{
	struct arena *arena = arena_new("run", MIB);
	struct world w;
	struct run_record run;

	world_init(&w, CONFIG, RULES);
	post(&w, "made", "{\"id\":1,\"set\":\"taken\",\"n\":null}");
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	post(&w, "made", body);
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	run = world_run(&w, arena, 2);
	ck_assert_int_eq(run.state, RUN_DEAD);
	ck_assert_msg(text_find(run.reason, text_of(why)) != SIZE_MAX, "%.*s",
		      TEXT_ARG(run.reason));
	ck_assert_int_eq(count(&w), 1);
	row_is(&w, "1", "{\"id\":\"1\",\"set\":\"taken\"}");
	world_fini(&w);
	arena_free(arena);
}

START_TEST(what_can_not_be_put_fails_the_step)
{
	refused("{\"id\":2,\"set\":\"taken\",\"n\":1}",
		"links: the row \"1\" has the set \"taken\" already");
	refused("{\"id\":2,\"set\":\"a\",\"n\":\"x\"}", "n must be int, not \"x\"");
	refused("{\"id\":2,\"set\":\"a\",\"n\":1.5}", "n must be int, not 1.5");
	refused("{\"id\":2,\"set\":[1],\"n\":1}", "set must be text, not [1]");
	refused("{\"id\":null,\"set\":\"a\",\"n\":1}", "a row of links needs \"id\"");
	refused("{\"id\":\"\",\"set\":\"a\",\"n\":1}", "a row of links needs \"id\"");
}
END_TEST

/* A step that fails by the part of its result that it should keep has done nothing. */
START_TEST(what_can_not_be_kept_puts_nothing)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	post(&w, "part", "{\"id\":7}");
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	ck_assert_int_eq(count(&w), 0);
	post(&w, "told", "{}");
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(world_state(&w, 2), RUN_DEAD);
	ck_assert(!world_has_event(&w, "com.acme.told"));
	world_fini(&w);
}
END_TEST

/* Its own row is no other one; one without a value is like no other. */
START_TEST(a_row_takes_its_own_place)
{
	struct world w;
	static const char *const bodies[] = {
		"{\"id\":1,\"set\":\"a\",\"n\":1}", "{\"id\":1,\"set\":\"a\",\"n\":2}",
		"{\"id\":2,\"set\":null,\"n\":1}",  "{\"id\":3,\"set\":null,\"n\":1}",
		"{\"id\":1,\"set\":\"b\",\"n\":3}", "{\"id\":2,\"set\":\"a\",\"n\":4}",
	};

	world_init(&w, CONFIG, RULES);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		post(&w, "made", bodies[i]);
		answer(&w);
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		ck_assert_int_eq(world_state(&w, (int64_t)i + 1), RUN_DONE);
	}
	ck_assert_int_eq(count(&w), 3);
	row_is(&w, "1", "{\"id\":\"1\",\"set\":\"b\",\"n\":\"3\"}");
	row_is(&w, "2", "{\"id\":\"2\",\"set\":\"a\",\"n\":\"4\"}");
	world_fini(&w);
}
END_TEST

static void operator_asks(struct world *w, bool drop, const char *json, int status)
{
	const struct input input = {
		.kind = INPUT_TABLE,
		.table = { .ticket = 9,
			   .drop = drop,
			   .table = TEXT("links"),
			   .json = text_of(json) },
	};

	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	ck_assert_uint_eq(w->out.reply_count, 1);
	ck_assert_int_eq(w->out.replies[0].status, status);
}

START_TEST(operators_change_rows)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	operator_asks(&w, false, "{\"id\":\"7\",\"set\":\"a\",\"n\":\"007\"}", 200);
	row_is(&w, "7", "{\"id\":\"7\",\"set\":\"a\",\"n\":\"7\"}");
	operator_asks(&w, false, "{\"id\":\"8\",\"set\":\"a\"}", 409);
	operator_asks(&w, false, "[]", 409);
	operator_asks(&w, false, "{", 409);
	operator_asks(&w, true, "\"7\"", 200);
	operator_asks(&w, true, "\"7\"", 200);
	operator_asks(&w, true, "null", 409);
	ck_assert_int_eq(count(&w), 0);
	world_fini(&w);
}
END_TEST

#define LARGE "connections: { api: { connector: http, base_url: \"http://127.0.0.1:1\" } }\n" CONFIG

#define FULL                                                                                       \
	"tables: { links: { key: id, columns: { id: text } } }\n"                                  \
	"rules:\n"                                                                                 \
	"  - id: link\n"                                                                           \
	"    on: hook.made\n"                                                                      \
	"    do:\n"                                                                                \
	"      - http.request: { url: /a }\n"                                                      \
	"      - http.request: { url: /b }\n"                                                      \
	"      - as: put\n"                                                                        \
	"        table.put: { table: links, row: { id: \"${data.id}\" } }\n"

/* A reply of so many bytes of JSON. */
static void large(struct world *w, size_t n)
{
	char *body = malloc(n + 1);

	ck_assert_ptr_nonnull(body);
	memset(body, 'x', n);
	body[0] = body[n - 1] = '"';
	body[n] = '\0';
	world_answer(w, 0, 200, body);
	free(body);
}

/* What the step tells is too much for the run's record: the step fails, and has done nothing. */
START_TEST(a_step_that_fails_has_put_nothing)
{
	struct arena *arena = arena_new("run", 8 * MIB);
	struct world w;
	char body[400];

	world_init(&w, LARGE, FULL);
	snprintf(body, sizeof(body), "{\"id\":\"%0300d\"}", 7);
	post(&w, "made", body);
	large(&w, LIMIT_RESULT);
	large(&w, LIMIT_RESULTS - LIMIT_RESULT - 300);
	if (w.out.attempt_count == 0)
		world_grant(&w, 1);
	answer(&w);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	struct run_record run = world_run(&w, arena, 1);

	ck_assert_int_eq(run.state, RUN_DEAD);
	ck_assert_msg(text_find(run.reason, TEXT("larger than 2 MiB")) != SIZE_MAX, "%.*s",
		      TEXT_ARG(run.reason));
	ck_assert_int_eq(count(&w), 0);
	world_fini(&w);
	arena_free(arena);
}
END_TEST

UNIT_MAIN("sequencer_tables", a_row_is_there_when_its_step_is_done, a_failed_commit_leaves_neither,
	  a_crash_before_the_end_repeats_the_step, what_can_not_be_put_fails_the_step,
	  what_can_not_be_kept_puts_nothing, a_row_takes_its_own_place, operators_change_rows,
	  a_step_that_fails_has_put_nothing)
