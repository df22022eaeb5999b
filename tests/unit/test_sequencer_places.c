/* SPDX-License-Identifier: Apache-2.0
 *
 * How far plugins have read. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

static struct world w;

static void push(int op, const char *plugin, const char *cursor, int64_t seq)
{
	struct input input = { .kind = INPUT_PLACE,
			       .place = { .ticket = op == PLACE_FORGET ? 0 : 7,
					  .plugin = text_of(plugin),
					  .cursor = text_of(cursor),
					  .seq = seq } };

	input.place.op = op;
	world_push(&w, &input);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
}

static void expect(int status, const char *body)
{
	ck_assert_uint_eq(w.out.reply_count, 1);
	ck_assert_int_eq(w.out.replies[0].status, status);
	ck_assert_msg(text_find(w.out.replies[0].body, text_of(body)) != SIZE_MAX, "%.*s",
		      TEXT_ARG(w.out.replies[0].body));
}

static void events(int n)
{
	for (int i = 0; i < n; i++) {
		const struct input input = { .kind = INPUT_EVENT,
					     .event = { .type = TEXT("a.b"),
							.source = TEXT("test"),
							.time = INT64_MIN,
							.data = TEXT("1") } };

		world_push(&w, &input);
	}
	ck_assert_int_eq(world_batch(&w), FATE_OK);
}

static void start(void)
{
	world_init(&w, "rules: [rules.yaml]\n", "rules: []\n");
	events(5);
}

START_TEST(where_a_new_one_begins)
{
	start();
	push(PLACE_OPEN, "p", "start", PLACE_START);
	expect(200, "{\"seq\":0}");
	push(PLACE_OPEN, "p", "now", PLACE_NOW);
	expect(200, "{\"seq\":5}");
	push(PLACE_OPEN, "p", "three", 3);
	expect(200, "{\"seq\":3}");
	push(PLACE_OPEN, "p", "later", 1000);
	expect(200, "{\"seq\":5}");
	events(2);
	push(PLACE_OPEN, "p", "now", PLACE_NOW); /* it is where it was */
	expect(200, "{\"seq\":5}");
	push(PLACE_OPEN, "q", "now", PLACE_NOW);
	expect(200, "{\"seq\":7}");
	world_fini(&w);
}
END_TEST

START_TEST(an_empty_log)
{
	world_init(&w, "rules: [rules.yaml]\n", "rules: []\n");
	push(PLACE_OPEN, "p", "start", PLACE_START);
	expect(200, "{\"seq\":0}");
	push(PLACE_OPEN, "p", "now", PLACE_NOW);
	expect(200, "{\"seq\":0}");
	world_fini(&w);
}
END_TEST

START_TEST(it_moves_on_and_is_kept)
{
	start();
	push(PLACE_OPEN, "p", "a", PLACE_START);
	push(PLACE_MOVE, "p", "a", 4);
	expect(200, "{\"seq\":4}");
	push(PLACE_MOVE, "p", "a", 2); /* never back */
	world_crash(&w);
	push(PLACE_OPEN, "p", "a", PLACE_NOW);
	expect(200, "{\"seq\":4}");
	push(PLACE_MOVE, "p", "b", 2);
	expect(404, "no such cursor");
	push(PLACE_MOVE, "q", "a", 2);
	expect(404, "no such cursor");
	world_fini(&w);
}
END_TEST

START_TEST(it_is_forgotten)
{
	start();
	push(PLACE_OPEN, "p", "a", PLACE_START);
	push(PLACE_OPEN, "p", "b", PLACE_START);
	push(PLACE_FORGET, "p", "a", 0);
	ck_assert_uint_eq(w.out.reply_count, 0);
	push(PLACE_FORGET, "p", "nobody", 0);
	push(PLACE_MOVE, "p", "a", 3);
	expect(404, "no such cursor");
	push(PLACE_OPEN, "p", "a", PLACE_NOW);
	expect(200, "{\"seq\":5}");
	push(PLACE_OPEN, "p", "b", PLACE_NOW);
	expect(200, "{\"seq\":0}");
	world_fini(&w);
}
END_TEST

/* Nobody waits for an answer, so nobody would say it again. */
START_TEST(what_is_forgotten_stays_so_when_a_commit_fails)
{
	const struct input forget = {
		.kind = INPUT_PLACE,
		.place = { .op = PLACE_FORGET, .plugin = TEXT("p"), .cursor = TEXT("a") },
	};

	if (!HAVE_FAULTS)
		return;
	start();
	push(PLACE_OPEN, "p", "a", PLACE_START);
	world_push(&w, &forget);
	world_fails(&w);
	push(PLACE_OPEN, "p", "a", PLACE_NOW);
	expect(200, "{\"seq\":5}");
	world_fini(&w);
}
END_TEST

START_TEST(there_are_sixteen)
{
	char name[16];

	start();
	for (int i = 0; i < LIMIT_SESSION_CURSORS; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		push(PLACE_OPEN, "p", name, PLACE_NOW);
		expect(200, "5");
	}
	push(PLACE_OPEN, "p", "more", PLACE_NOW);
	expect(409, "at most 16");
	push(PLACE_OPEN, "p", "c3", PLACE_NOW);
	expect(200, "5");
	push(PLACE_FORGET, "p", "c3", 0);
	push(PLACE_OPEN, "p", "more", PLACE_NOW);
	expect(200, "5");
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_places", where_a_new_one_begins, an_empty_log, it_moves_on_and_is_kept,
	  it_is_forgotten, what_is_forgotten_stays_so_when_a_commit_fails, there_are_sixteen)
