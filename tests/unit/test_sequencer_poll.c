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

	buf_init(&body, 16u << 20);
	buf_printf(&body, "{\"count\":%s,\"results\":[%s],\"workspaces\":{%s}}", count, rows,
		   objects);
	world_fetched(w, status, buf_view(&body));
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

START_TEST(a_restart_after_a_failure_sweeps_no_more_than_before)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 60000);
	page(&w, 500, "1", "", "");
	world_crash(&w);
	ck_assert(asks(&w, "order=updated_at"));
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
	for (int i = 0; i < 2; i++) {
		world_advance(&w, 60000);
		ck_assert_uint_eq(planned(&w), 1);
	}
	w.now.wall -= 120000; /* the clock set back repeats nothing */
	world_advance(&w, 0);
	for (int i = 0; i < 3; i++) {
		world_advance(&w, 60000);
		ck_assert_uint_eq(planned(&w), i < 2 ? 0 : 1);
	}
	world_fini(&w);
}
END_TEST

/* What was told while the clock was a day ahead isn't told again, the rest of that day is. */
START_TEST(a_day_ahead_and_back_costs_no_planned_time)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	w.now.wall += 86400000;
	world_advance(&w, 0);
	ck_assert_uint_eq(planned(&w), 1);
	w.now.wall -= 86400000;
	world_advance(&w, 0);
	for (int i = 0; i < 1440; i++) {
		world_advance(&w, 60000);
		ck_assert_uint_eq(planned(&w), i < 1439 ? 1 : 0);
	}
	world_advance(&w, 60000);
	ck_assert_uint_eq(planned(&w), 1);
	world_fini(&w);
}
END_TEST

static void schedule_world(struct world *w, const char *schedule)
{
	char config[256];

	(void)snprintf(config, sizeof(config), "rules: [rules.yaml]\nschedules:\n  minutely: %s\n",
		       schedule);
	world_init(w, config, "rules:\n  - { id: note, on: \"schedule.*\" }\n");
}

static size_t missed(const char *schedule, int64_t downtime, int64_t every)
{
	struct world w;
	size_t n;

	schedule_world(&w, schedule);
	w.now.wall += downtime;
	world_crash(&w);
	n = planned(&w);
	world_advance(&w, every);
	ck_assert_uint_eq(planned(&w), 1); /* and then as ever */
	world_fini(&w);
	return n;
}

START_TEST(what_was_missed_counts_as_configured)
{
	static const int64_t hour = 3600000, next = 2975000;

	/* Long past the last full hour; `next` to the next one. */
	ck_assert_uint_eq(
	    missed("{ cron: \"0 * * * *\", timezone: UTC, missed: skip }", 3 * hour, next), 0);
	ck_assert_uint_eq(
	    missed("{ cron: \"0 * * * *\", timezone: UTC, missed: once }", 3 * hour, next), 1);
	ck_assert_uint_eq(
	    missed("{ cron: \"0 * * * *\", timezone: UTC, missed: all }", 3 * hour, next), 3);
}
END_TEST

/* A machine without a battery starts in 1970 and learns the time later. */
START_TEST(decades_missed_take_no_time)
{
	int64_t decades = INT64_C(56) * 365 * 86400000;

	ck_assert_uint_eq(
	    missed("{ cron: \"* * * * *\", timezone: Europe/Berlin }", decades, 60000), 1);
	ck_assert_uint_eq(
	    missed("{ cron: \"* * * * *\", timezone: Europe/Berlin, missed: all }", decades, 60000),
	    1000);
}
END_TEST

START_TEST(the_newest_that_were_missed_are_told_in_order)
{
	struct world w;

	schedule_world(&w, "{ cron: \"0 9 1 1 *\", timezone: UTC, missed: all }");
	w.now.wall += INT64_C(5) * 365 * 86400000;
	world_crash(&w);
	ck_assert_uint_eq(planned(&w), 5);
	world_advance(&w, 60000);
	ck_assert_uint_eq(planned(&w), 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_clock_that_was_years_ahead_silences_no_schedule)
{
	struct world w;

	schedule_world(&w, "{ cron: \"* * * * *\", timezone: UTC }");
	w.now.wall += INT64_C(10) * 365 * 86400000;
	world_advance(&w, 0);
	ck_assert_uint_eq(planned(&w), 1);
	w.now.wall -= INT64_C(10) * 365 * 86400000;
	world_advance(&w, 0);
	world_advance(&w, 60000);
	ck_assert_uint_eq(planned(&w), 1);
	world_fini(&w);
}
END_TEST

START_TEST(a_clock_set_back_sweeps_again)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	w.now.wall += INT64_C(10) * 365 * 86400000;
	page(&w, 200, "0", "", "");
	w.now.wall -= INT64_C(10) * 365 * 86400000;
	world_advance(&w, 3600000);
	ck_assert(asks(&w, "order=created_at"));
	world_fini(&w);
}
END_TEST

#define LARGE 200

/* 200 objects of 40 KB, all of which changed. */
static void large_page(struct world *w, char letter)
{
	static char rows[LARGE * 64], objects[LARGE * 64 * 1024], text[40 * 1024];
	size_t r = 0, o = 0;

	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = i % 2 == 0 ? letter : ',';
	for (int i = 1; i <= LARGE; i++) {
		const char *comma = i > 1 ? "," : "";

		r += (size_t)snprintf(rows + r, sizeof(rows) - r,
				      "%s{\"key\":\"workspaces\",\"id\":\"%d\"}", comma, i);
		o +=
		    (size_t)snprintf(objects + o, sizeof(objects) - o,
				     "%s\"%d\":{\"id\":\"%d\",\"title\":[%s],\"created_at\":"
				     "\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-11-22T00:%02d:"
				     "%02dZ\"}",
				     comma, i, i, text, i / 60, i % 60);
	}
	page(w, 200, "200", rows, objects);
}

START_TEST(a_page_of_large_objects_is_taken)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	large_page(&w, '1');
	while (w.out.fetch_count > 0)
		page(&w, 200, "0", "", "");
	world_advance(&w, 60000);
	large_page(&w, '2');
	ck_assert_uint_eq(w.out.event_count, LARGE);
	world_fini(&w);
}
END_TEST

START_TEST(a_reload_beside_a_fetch_leaves_its_names_valid)
{
	struct world w;

	baseline(&w);
	world_advance(&w, 60000);
	world_fetched(&w, 200,
		      TEXT("{\"count\":900,\"results\":[" ROW("1") "],\"workspaces\":{" WS(
			  "1", "A", "false", T2) "}}"));
	world_reload(&w, CONFIG, RULES);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_ge(w.out.fetch_count, 1);
	for (size_t i = 0; i < w.out.fetch_count; i++) {
		ck_assert(text_is(w.out.fetches[i].source, "kantata/workspaces"));
		ck_assert(text_is(w.out.fetches[i].connection, "kantata"));
	}
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_poll", the_baseline_takes_stock_and_emits_nothing,
	  changes_are_told_once_each_by_their_name, a_new_time_alone_is_no_event,
	  what_a_sweep_misses_is_asked_for_before_it_counts_as_deleted,
	  a_page_that_is_no_page_moves_nothing_and_is_asked_for_again,
	  a_restart_after_a_failure_sweeps_no_more_than_before,
	  a_full_page_of_one_second_is_paged_within_it,
	  a_schedule_fires_once_per_planned_time_and_once_for_what_was_missed,
	  what_was_missed_counts_as_configured, decades_missed_take_no_time,
	  the_newest_that_were_missed_are_told_in_order,
	  a_clock_that_was_years_ahead_silences_no_schedule,
	  a_day_ahead_and_back_costs_no_planned_time, a_clock_set_back_sweeps_again,
	  a_page_of_large_objects_is_taken, a_reload_beside_a_fetch_leaves_its_names_valid)
