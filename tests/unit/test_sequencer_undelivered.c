/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_undelivered - failed webhooks: which are asked for again, in which
 * order, once; what becomes of those that can't be had; and webhooks that are
 * overtaken by newer ones. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG_WITH(poll)                                                                          \
	"rules: [rules.yaml]\n"                                                                    \
	"connections:\n"                                                                           \
	"  hindsite:\n"                                                                            \
	"    connector: hindsite\n"                                                                \
	"    base_url: \"http://127.0.0.1:1\"\n"                                                   \
	"    client_id: i\n"                                                                       \
	"    client_secret: s\n"                                                                   \
	"    webhook: { secret: s }\n"                                                             \
	"    poll: { webhook_deliveries: { every: 5m" poll " } }\n"
#define CONFIG CONFIG_WITH("")
#define RULES  "rules:\n  - { id: note, on: \"hindsite.work_set.*\" }\n"

#define ROW(id, event, at)                                                                         \
	"{\"id\":\"" id "\",\"event_id\":\"" event "\",\"state\":\"errored\",\"created_at\":"      \
	"\"2026-11-22T00:" at "Z\"}"

/* Answers the outstanding fetch. */
static void answer(struct world *w, int status, const char *body)
{
	world_fetched(w, status, text_of(body));
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static void list(struct world *w, const char *rows, int pages)
{
	char body[4096];

	(void)snprintf(body, sizeof(body),
		       "{\"webhook_deliveries\":[%s],\"meta\":{\"total_pages\":%d}}", rows, pages);
	answer(w, 200, body);
}

static bool fetches(const struct world *w, const char *method, const char *what)
{
	return w->out.fetch_count == 1 && strcmp(w->out.fetches[0].request.method, method) == 0 &&
	       (text_find(w->out.fetches[0].request.url, text_of(what)) != SIZE_MAX ||
		text_is(w->out.fetches[0].request.body, what));
}

#define SENT "{\"webhook_deliveries\":[],\"meta\":{\"dropped_ids\":[]}}"

/* The first look finds `rows`, which stay as they are. */
static void baseline(struct world *w, const char *rows)
{
	world_init(w, CONFIG, RULES);
	/* Four days back. */
	ck_assert(fetches(w, "GET", "state=errored&page=1&since=2026-11-18T01%3A10%3A25Z"));
	list(w, rows, 1);
	ck_assert_uint_eq(w->out.fetch_count, 0);
}

static void wait_for_poll(struct world *w)
{
	world_advance(w, 300000);
	ck_assert(fetches(w, "GET", "state=errored&page=1&"));
}

START_TEST(what_failed_before_the_first_look_stays)
{
	struct world w;

	baseline(&w, ROW("D1", "E1", "10:00"));
	wait_for_poll(&w);
	list(&w, ROW("D1", "E1", "10:00"), 1);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_crash(&w);
	wait_for_poll(&w);
	list(&w, ROW("D1", "E1", "10:00"), 1);
	ck_assert_uint_eq(w.out.fetch_count + w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

/* The position doesn't go with a wall clock that is a day ahead for a while. */
START_TEST(a_day_ahead_and_back_skips_nothing)
{
	struct world w;

	baseline(&w, "");
	w.now.wall += INT64_C(86400000);
	wait_for_poll(&w);
	list(&w, "", 1);
	w.now.wall -= INT64_C(86400000);
	wait_for_poll(&w);
	ck_assert(fetches(&w, "GET", "since=2026-11-18T01%3A15%3A25Z"));
	world_fini(&w);
}
END_TEST

START_TEST(unless_the_baseline_is_asked_for)
{
	struct world w;

	world_init(&w, CONFIG_WITH(", baseline: emit"), RULES);
	list(&w, ROW("D1", "E1", "10:00"), 1);
	ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"D1\"]}"));
	answer(&w, 201, SENT);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(each_is_asked_for_once_oldest_first)
{
	struct world w;

	baseline(&w, "");
	wait_for_poll(&w);
	list(&w, ROW("D5", "E5", "05:00") "," ROW("D3", "E3", "03:00"), 2);
	ck_assert(fetches(&w, "GET", "page=2"));
	list(&w, ROW("D3", "E3", "03:00") "," ROW("D1", "E1", "04:00"), 2);
	ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"D3\",\"D1\",\"D5\"]}"));
	answer(&w, 201, SENT);
	ck_assert_uint_eq(w.out.fetch_count + w.out.event_count, 0);
	/* They stay in the list. */
	world_crash(&w);
	wait_for_poll(&w);
	list(&w, ROW("D5", "E5", "05:00") "," ROW("D3", "E3", "03:00") "," ROW("D1", "E1", "04:00"),
	     1);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(many_are_asked_for_in_batches)
{
	struct buf rows;
	struct world w;
	char body[100];

	baseline(&w, "");
	wait_for_poll(&w);
	buf_init(&rows, 1u << 20);
	buf_str(&rows, "{\"webhook_deliveries\":[");
	for (int i = 0; i < 250; i++)
		buf_printf(&rows,
			   "%s{\"id\":\"D%03d\",\"event_id\":\"E%d\",\"created_at\":"
			   "\"2026-11-22T00:00:00Z\"}",
			   i > 0 ? "," : "", i, i);
	buf_str(&rows, "],\"meta\":{\"next_page\":null}}");
	answer(&w, 200, buf_cstr(&rows));
	for (int i = 0; i < 250; i += 100) {
		ck_assert_uint_eq(w.out.fetch_count, 1);
		(void)snprintf(body, sizeof(body), "{\"delivery_ids\":[\"D%03d\",", i);
		ck_assert(text_starts(w.out.fetches[0].request.body, text_of(body)));
		answer(&w, 201, SENT);
	}
	ck_assert_uint_eq(w.out.fetch_count, 0);
	buf_fini(&rows);
	world_fini(&w);
}
END_TEST

/* A crash between the request and its commit asks once more: the copy is a repeat. */
START_TEST(a_crash_before_the_answer_asks_again)
{
	struct world w;

	baseline(&w, "");
	wait_for_poll(&w);
	list(&w, ROW("D1", "E1", "10:00"), 1);
	ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"D1\"]}"));
	world_crash(&w);
	ck_assert(fetches(&w, "GET", "page=1"));
	list(&w, ROW("D1", "E1", "10:00"), 1);
	ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"D1\"]}"));
	answer(&w, 201, SENT);
	world_fini(&w);
}
END_TEST

START_TEST(a_request_that_fails_is_made_again)
{
	static const struct {
		int status;
		const char *body;
	} bad[] = { { 429, "" },
		    { 503, "<html>" },
		    { 403, "{\"error\":\"Forbidden\"}" },
		    { 201, "{\"webhook_del" },
		    { 201, "[]" },
		    { 0, "" } };
	struct world w;

	baseline(&w, "");
	wait_for_poll(&w);
	list(&w, ROW("D1", "E1", "10:00"), 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		answer(&w, bad[i].status, bad[i].body);
		ck_assert_uint_eq(w.out.fetch_count, 0);
		ck_assert(world_has_event(&w, "tappet.source.stalled") == (i == 2));
		world_advance(&w, 300000);
		ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"D1\"]}"));
	}
	answer(&w, 201, SENT);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_list_of_another_shape_is_read_again)
{
	static const char *const bad[] = { "{", "{}", "[]", "{\"webhook_deliveries\":[{}]}",
					   "{\"error\":\"no\"}" };
	struct world w;

	baseline(&w, "");
	wait_for_poll(&w);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		answer(&w, 200, bad[i]);
		ck_assert_uint_eq(w.out.fetch_count, 0);
		wait_for_poll(&w);
	}
	list(&w, ROW("D1", "E1", "10:00"), 1);
	ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"D1\"]}"));
	world_fini(&w);
}
END_TEST

/* A product that doesn't count pages, or always gives the same. */
START_TEST(a_page_without_news_is_the_last)
{
	struct world w;

	baseline(&w, "");
	wait_for_poll(&w);
	answer(&w, 200, "{\"webhook_deliveries\":[" ROW("D1", "E1", "10:00") "]}");
	ck_assert(fetches(&w, "GET", "page=2"));
	answer(&w, 200, "{\"webhook_deliveries\":[" ROW("D1", "E1", "10:00") "]}");
	ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"D1\"]}"));
	world_fini(&w);
}
END_TEST

START_TEST(what_is_dropped_is_told_once)
{
	struct world w;

	baseline(&w, "");
	wait_for_poll(&w);
	list(&w, ROW("D1", "E1", "10:00") "," ROW("D2", "E2", "11:00"), 1);
	answer(&w, 201, "{\"webhook_deliveries\":[],\"meta\":{\"dropped_ids\":[\"D2\"]}}");
	ck_assert(world_has_event(&w, "tappet.source.gap"));
	wait_for_poll(&w);
	list(&w, ROW("D1", "E1", "10:00") "," ROW("D2", "E2", "11:00"), 1);
	ck_assert_uint_eq(w.out.fetch_count + w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

/* Sent again, a delivery that fails is a new one of the same event. */
START_TEST(an_event_that_always_fails_is_given_up)
{
	char rows[2048] = "";
	struct world w;
	size_t n = 0;

	baseline(&w, "");
	for (int i = 1; i <= 9; i++) {
		n += (size_t)snprintf(rows + n, sizeof(rows) - n,
				      "%s{\"id\":\"D%d\",\"event_id\":\"E1\",\"created_at\":"
				      "\"2026-11-22T00:0%d:00Z\"}",
				      i > 1 ? "," : "", i, i);
		wait_for_poll(&w);
		list(&w, rows, 1);
		ck_assert_uint_eq(w.out.fetch_count, i < 8 ? 1 : 0);
		ck_assert(world_has_event(&w, "tappet.source.gap") == (i >= 8));
		if (i < 8)
			answer(&w, 201, SENT);
	}
	/* Others aren't held up by it. */
	(void)snprintf(rows + n, sizeof(rows) - n, ",%s", ROW("F1", "E2", "20:00"));
	wait_for_poll(&w);
	list(&w, rows, 1);
	ck_assert(fetches(&w, "POST", "{\"delivery_ids\":[\"F1\"]}"));
	ck_assert(!world_has_event(&w, "tappet.source.gap"));
	world_fini(&w);
}
END_TEST

static bool count_visit(void *of, struct text id, uint64_t hash)
{
	int *n = of;

	(void)id;
	(void)hash;
	(*n)++;
	return true;
}

START_TEST(what_is_listed_no_more_is_forgotten)
{
	struct world w;
	int n = 0;

	baseline(&w, ROW("D1", "E1", "10:00") "," ROW("D2", "E2", "11:00"));
	wait_for_poll(&w);
	list(&w, ROW("D2", "E2", "11:00"), 1);
	(void)store_each_object(w.store, TEXT("hindsite/hindsite.webhook_delivery"), TEXT(""),
				SIZE_MAX, count_visit, &n);
	ck_assert_int_eq(n, 1);
	world_fini(&w);
}
END_TEST

/* ---- webhooks that come late ---- */

#define HOOK(action, updated, more)                                                                \
	"{\"action\":\"work_set_" action "\",\"created_at\":\"2026-11-22T00:00:" updated           \
	"Z\",\"work_set\":{\"id\":\"W\"," more ",\"updated_at\":\"2026-11-22T00:00:" updated       \
	"Z\"}}"

static void hook(struct world *w, const char *body)
{
	world_hook(w, "hindsite", "", body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	ck_assert_uint_eq(w->out.reply_count, 1);
	ck_assert_int_eq(w->out.replies[0].status, 202);
}

START_TEST(an_edge_fires_once_in_any_order)
{
	struct world w;

	baseline(&w, "");
	hook(&w, HOOK("completed", "30", "\"completed\":true,\"progress\":100"));
	ck_assert(world_has_event(&w, "hindsite.work_set.completed"));
	/* Overtaken: told as it came, and nothing turns back. */
	hook(&w, HOOK("updated", "10", "\"completed\":false,\"progress\":10"));
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert(world_has_event(&w, "hindsite.webhook.work_set_updated"));
	hook(&w, HOOK("updated", "40", "\"completed\":true,\"progress\":100,\"title\":\"x\""));
	ck_assert(!world_has_event(&w, "hindsite.work_set.completed"));
	/* The same second is no reason to doubt it. */
	hook(&w, HOOK("updated", "40", "\"completed\":true,\"progress\":90,\"title\":\"x\""));
	ck_assert(world_has_event(&w, "hindsite.work_set.updated"));
	/* Opened again and completed again: twice is twice. */
	hook(&w, HOOK("updated", "50", "\"completed\":false,\"progress\":10"));
	hook(&w, HOOK("completed", "55", "\"completed\":true,\"progress\":100"));
	ck_assert(world_has_event(&w, "hindsite.work_set.completed"));
	world_fini(&w);
}
END_TEST

START_TEST(one_that_had_arrived_all_the_same_is_a_repeat)
{
	struct world w;

	baseline(&w, "");
	hook(&w, HOOK("completed", "30", "\"completed\":true"));
	hook(&w, HOOK("completed", "30", "\"completed\":true"));
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_undelivered", what_failed_before_the_first_look_stays,
	  unless_the_baseline_is_asked_for, a_day_ahead_and_back_skips_nothing,
	  each_is_asked_for_once_oldest_first, many_are_asked_for_in_batches,
	  a_crash_before_the_answer_asks_again, a_request_that_fails_is_made_again,
	  a_list_of_another_shape_is_read_again, a_page_without_news_is_the_last,
	  what_is_dropped_is_told_once, an_event_that_always_fails_is_given_up,
	  what_is_listed_no_more_is_forgotten, an_edge_fires_once_in_any_order,
	  one_that_had_arrived_all_the_same_is_a_repeat)
