/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_poll - polls: baseline, changes, sweeps, deletions, pages that
 * aren't what they should be; and schedules. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"connections:\n"                                                                           \
	"  kantata:\n"                                                                             \
	"    connector: kantata\n"                                                                 \
	"    base_url: \"http://127.0.0.1:1\"\n"                                                   \
	"    token: t\n"                                                                           \
	"    poll: { workspaces: { every: 60s, full: 1h } }\n"                                     \
	"schedules:\n"                                                                             \
	"  minutely: { cron: \"* * * * *\", timezone: UTC }\n"
#define RULES "rules:\n  - { id: note, on: \"kantata.workspace.*\" }\n"

#define WS(id, title, archived, at)                                                                \
	"\"" id "\":{\"id\":\"" id "\",\"title\":\"" title "\",\"archived\":" archived             \
	",\"created_at\":\"2026-01-01T00:00:0" id "Z\",\"updated_at\":\"" at "\"}"
#define ROW(id) "{\"key\":\"workspaces\",\"id\":\"" id "\"}"
#define T1      "2026-11-22T00:00:00Z"
#define T2      "2026-11-22T00:50:00Z"

/* Answers the outstanding fetch; `rows` and `objects` are JSON texts. */
static void page(struct world *w, int status, const char *count, const char *rows,
		 const char *objects)
{
	struct buf body;

	ck_assert_uint_eq(w->out.fetch_count, 1);
	buf_init(&body, 1u << 20);
	buf_printf(&body, "{\"count\":%s,\"results\":[%s],\"workspaces\":{%s}}", count, rows,
		   objects);
	const struct input input = {
		.kind = INPUT_FETCHED,
		.fetched = { .source = w->out.fetches[0].source,
			     .fetch = w->out.fetches[0].fetch,
			     .ending = { .how = END_REPLIED,
					 .sent = true,
					 .status = status,
					 .body = buf_view(&body),
					 .content_type = TEXT("application/json"),
					 .retry_after = -1 } },
	};

	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	buf_fini(&body);
}

static bool asks(const struct world *w, const char *what)
{
	return w->out.fetch_count == 1 &&
	       text_find(w->out.fetches[0].request.url, text_of(what)) != SIZE_MAX;
}

static void baseline(struct world *w)
{
	world_init(w, CONFIG, RULES);
	ck_assert(asks(w, "order=created_at"));
	page(w, 200, "2", ROW("1") "," ROW("2"),
	     WS("1", "Acme", "false", T1) "," WS("2", "Beta", "false", T1));
	ck_assert_uint_eq(w->out.event_count, 0);
	ck_assert_uint_eq(w->out.fetch_count, 0);
}

START_TEST(the_baseline_takes_stock_and_emits_nothing)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 60000);
	ck_assert(asks(&w, "order=updated_at"));
	page(&w, 200, "2", ROW("1") "," ROW("2"),
	     WS("1", "Acme", "false", T1) "," WS("2", "Beta", "false", T1));
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(changes_are_told_once_each_by_their_name)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 60000);
	page(&w, 200, "3", ROW("1") "," ROW("2") "," ROW("3"),
	     WS("1", "Acme 2", "false", T2) "," WS("2", "Beta", "true", T2) "," WS("3", "New",
										   "false", T2));
	ck_assert_uint_eq(w.out.event_count, 3);
	ck_assert(world_has_event(&w, "kantata.workspace.updated"));
	ck_assert(world_has_event(&w, "kantata.workspace.archived"));
	ck_assert(world_has_event(&w, "kantata.workspace.created"));
	world_crash(&w);
	world_advance(&w, 60000);
	page(&w, 200, "1", ROW("1"), WS("1", "Acme 2", "false", T2));
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_new_time_alone_is_no_event)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 60000);
	page(&w, 200, "1", ROW("1"), WS("1", "Acme", "false", T2));
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(what_a_sweep_misses_is_asked_for_before_it_counts_as_deleted)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 3600000);
	ck_assert(asks(&w, "order=created_at"));
	page(&w, 200, "0", "", "");
	ck_assert(asks(&w, "only="));
	page(&w, 200, "1", ROW("1"), WS("1", "Acme", "false", T1)); /* it had only moved */
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert(world_has_event(&w, "kantata.workspace.deleted"));
	world_fini(&w);
}
END_TEST

START_TEST(a_page_that_is_no_page_moves_nothing_and_is_asked_for_again)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 60000);
	for (int i = 1; i <= 3; i++) {
		page(&w, 200, "1", ROW("9"), WS("1", "Acme 2", "false", T2));
		ck_assert_uint_eq(w.out.fetch_count, 0);
		ck_assert(world_has_event(&w, "tappet.source.stalled") == (i == 3));
		world_advance(&w, 60000);
		ck_assert_uint_eq(w.out.fetch_count, 1);
	}
	page(&w, 200, "1", ROW("1"), WS("1", "Acme 2", "false", T2));
	ck_assert(world_has_event(&w, "kantata.workspace.updated"));
	world_fini(&w);
}
END_TEST

START_TEST(a_full_page_of_one_second_is_paged_within_it)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 60000);
	page(&w, 200, "900", ROW("1") "," ROW("2"),
	     WS("1", "A", "false", T2) "," WS("2", "B", "false", T2));
	ck_assert_uint_eq(w.out.fetch_count, 1); /* from T2 on */
	page(&w, 200, "900", ROW("1") "," ROW("2"),
	     WS("1", "A", "false", T2) "," WS("2", "B", "false", T2));
	ck_assert(asks(&w, "offset=2"));
	world_fini(&w);
}
END_TEST

static size_t planned(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->out.event_count; i++)
		n += text_is(w->out.events[i].type, "schedule.minutely");
	return n;
}

START_TEST(a_schedule_fires_once_per_planned_time_and_once_for_what_was_missed)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	world_advance(&w, 60000);
	ck_assert_uint_eq(planned(&w), 1);
	world_advance(&w, 1000);
	ck_assert_uint_eq(planned(&w), 0);
	w.now.wall += 3600000; /* an hour of downtime */
	sequencer_free(w.sequencer);
	world_open(&w);
	ck_assert_uint_eq(planned(&w), 1);
	w.now.wall -= 7200000; /* the clock set back repeats nothing */
	world_advance(&w, 60000);
	ck_assert_uint_eq(planned(&w), 0);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_poll", the_baseline_takes_stock_and_emits_nothing,
	  changes_are_told_once_each_by_their_name, a_new_time_alone_is_no_event,
	  what_a_sweep_misses_is_asked_for_before_it_counts_as_deleted,
	  a_page_that_is_no_page_moves_nothing_and_is_asked_for_again,
	  a_full_page_of_one_second_is_paged_within_it,
	  a_schedule_fires_once_per_planned_time_and_once_for_what_was_missed)
