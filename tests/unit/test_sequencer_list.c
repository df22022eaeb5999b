/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_list - polls of a whole list: rounds, what is gone and what only seems
 * so, validators, lists that don't end, and lists that became others. */
#include "engine/base/fault.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG(poll)                                                                               \
	"rules: [rules.yaml]\n"                                                                    \
	"connections:\n"                                                                           \
	"  api:\n"                                                                                 \
	"    connector: http\n"                                                                    \
	"    base_url: \"http://127.0.0.1:1\"\n"                                                   \
	"    poll: { rows: { every: 60s, full: 1h, path: /rows" poll " } }\n"
#define RULES  "rules:\n  - { id: note, on: \"http.api.**\" }\n"
#define PLAIN  CONFIG("")
#define PAGED  CONFIG(", page: { by: number, size: 2 }")
#define CURSED CONFIG(", items: r, page: { by: cursor, next: next }")
#define HOUR   3600000

struct head {
	const char *etag, *modified;
};

static void reply(struct world *w, int status, const char *body, struct head head)
{
	ck_assert_uint_eq(w->out.fetch_count, 1);
	const struct input input = {
		.kind = INPUT_FETCHED,
		.fetched = { .source = w->out.fetches[0].source,
			     .fetch = w->out.fetches[0].fetch,
			     .ending = { .how = status != 0 ? END_REPLIED : END_NO_REPLY,
					 .sent = true,
					 .status = status,
					 .body = text_of(body),
					 .content_type = TEXT("application/json"),
					 .etag = text_of(head.etag),
					 .last_modified = text_of(head.modified),
					 .error = TEXT("the connection was reset"),
					 .retry_after = -1,
					 .ended = w->now.wall } },
	};

	world_push(w, &input);
}

static void answer(struct world *w, int status, const char *body, struct head head)
{
	reply(w, status, body, head);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static void page(struct world *w, const char *body)
{
	answer(w, 200, body, (struct head){ NULL, NULL });
}

/* The one request of the batch, its headers behind it. */
static const char *asked(const struct world *w)
{
	static char text[300];
	const struct request *r;
	int n;

	if (w->out.fetch_count != 1)
		return "none";
	r = &w->out.fetches[0].request;
	n = snprintf(text, sizeof(text), "%.*s", TEXT_ARG(r->url));
	for (unsigned i = 0; i < r->header_count; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %.*s=%.*s",
			      TEXT_ARG(r->headers[i].name), TEXT_ARG(r->headers[i].value));
	return text;
}

static void minute(struct world *w)
{
	world_advance(w, 60000);
}

static bool only(struct world *w, const char *type)
{
	return w->out.event_count == 1 && world_has_event(w, type);
}

START_TEST(a_list_is_compared_with_its_last_round)
{
	struct world w;

	world_init(&w, PLAIN, RULES);
	ck_assert_str_eq(asked(&w), "/rows");
	page(&w, "[{\"id\":1,\"a\":1},{\"id\":2,\"a\":1}]");
	ck_assert_uint_eq(w.out.event_count, 0);
	minute(&w);
	page(&w, "[{\"id\":1,\"a\":2},{\"id\":3,\"a\":1}]");
	ck_assert_uint_eq(w.out.event_count, 3);
	ck_assert(world_has_event(&w, "http.api.rows.updated"));
	ck_assert(world_has_event(&w, "http.api.rows.created"));
	ck_assert(world_has_event(&w, "http.api.rows.deleted"));
	world_crash(&w);
	minute(&w);
	page(&w, "[ {\"a\":2,\"id\":1}, {\"id\":3,\"a\":1} ]"); /* written otherwise: the same */
	ck_assert_uint_eq(w.out.event_count, 0);
	minute(&w);
	page(&w, "[]");
	ck_assert_uint_eq(w.out.event_count, 2);
	world_fini(&w);
}
END_TEST

START_TEST(a_round_that_fails_deletes_nothing)
{
	static const struct {
		int status;
		const char *body, *then;
	} all[] = {
		{ 503, "busy", "/rows?page=2" }, { 429, "", "/rows?page=2" },
		{ 0, "", "/rows?page=2" },       { 404, "{}", "/rows?page=1" },
		{ 410, "", "/rows?page=1" },     { 304, "", "/rows?page=1" },
		{ 301, "", "/rows?page=1" },     { 200, "[{\"id\":4", "/rows?page=1" },
		{ 200, "{}", "/rows?page=1" },   { 200, "[{\"id\":1}, {}]", "/rows?page=1" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct world w;

		world_init(&w, PAGED, RULES);
		page(&w, "[{\"id\":1},{\"id\":2}]");
		page(&w, "[{\"id\":3}]");
		minute(&w);
		page(&w, "[{\"id\":1},{\"id\":2}]");
		answer(&w, all[i].status, all[i].body, (struct head){ NULL, NULL });
		ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
		minute(&w);
		ck_assert_str_eq(asked(&w), all[i].then);
		world_fini(&w);
	}
}
END_TEST

/* Its tree is larger than an object's arena. It must not be asked for without a pause. */
START_TEST(a_page_that_is_too_heavy_is_a_failure)
{
	struct world w;
	struct buf b;

	buf_init(&b, LIMIT_REPLY);
	buf_str(&b, "[{\"id\":1,\"a\":[0");
	for (int i = 0; i < 5000000; i++)
		buf_str(&b, ",0");
	buf_str(&b, "]}]");
	world_init(&w, PLAIN, RULES);
	for (int i = 1; i <= 3; i++) {
		ck_assert_str_eq(asked(&w), "/rows");
		reply(&w, 200, buf_cstr(&b), (struct head){ NULL, NULL });
		ck_assert_int_eq(world_batch(&w), FATE_RETRY);
		ck_assert_int_eq(world_batch(&w), FATE_OK);
		ck_assert_uint_eq(w.out.fetch_count, 0);
		ck_assert(world_has_event(&w, "tappet.source.stalled") == (i == 3));
		world_advance(&w, HOUR);
	}
	page(&w, "[{\"id\":1}]");
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	buf_fini(&b);
	world_fini(&w);
}
END_TEST

START_TEST(a_page_that_never_comes_begins_the_round_anew)
{
	struct world w;

	world_init(&w, PAGED, RULES);
	page(&w, "[{\"id\":1},{\"id\":2}]");
	for (int i = 1; i <= 3; i++) {
		ck_assert_str_eq(asked(&w), "/rows?page=2");
		answer(&w, 500, "", (struct head){ NULL, NULL });
		ck_assert(world_has_event(&w, "tappet.source.stalled") == (i == 3));
		minute(&w);
	}
	ck_assert_str_eq(asked(&w), "/rows?page=1");
	world_fini(&w);
}
END_TEST

START_TEST(a_row_that_moved_meanwhile_is_not_gone)
{
	struct world w;

	world_init(&w, PAGED, RULES);
	page(&w, "[{\"id\":1},{\"id\":2}]");
	page(&w, "[{\"id\":3}]");
	minute(&w);
	page(&w, "[{\"id\":1},{\"id\":2}]"); /* now 1 goes, and 3 moves to the first page */
	page(&w, "[]");
	ck_assert_uint_eq(w.out.event_count, 0);
	ck_assert_str_eq(asked(&w), "/rows?page=1"); /* 3 is missing: once more */
	page(&w, "[{\"id\":2},{\"id\":3}]");
	page(&w, "[]");
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	minute(&w);
	page(&w, "[{\"id\":2},{\"id\":3}]");
	page(&w, "[]");
	ck_assert_str_eq(asked(&w), "/rows?page=1");
	page(&w, "[{\"id\":2},{\"id\":3}]");
	page(&w, "[]");
	ck_assert(only(&w, "http.api.rows.deleted"));
	world_fini(&w);
}
END_TEST

START_TEST(an_unchanged_list_is_not_read)
{
	struct world w;

	world_init(&w, PLAIN, RULES);
	answer(&w, 200, "[{\"id\":1}]", (struct head){ "\"e1\"", "Sun, 01 Nov 2026 00:00:00 GMT" });
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows If-None-Match=\"e1\"");
	answer(&w, 304, "", (struct head){ "\"e1\"", NULL });
	ck_assert_uint_eq(w.out.event_count, 0);
	world_crash(&w);
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows If-None-Match=\"e1\"");
	answer(&w, 200, "[]", (struct head){ NULL, NULL });
	ck_assert(only(&w, "http.api.rows.deleted"));
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	world_fini(&w);
}
END_TEST

START_TEST(validators_are_not_trusted_for_ever)
{
	struct world w;

	world_init(&w, PLAIN, RULES);
	answer(&w, 200, "[]", (struct head){ "\"e1\"", NULL });
	world_advance(&w, HOUR - 60000);
	ck_assert_str_eq(asked(&w), "/rows If-None-Match=\"e1\"");
	answer(&w, 304, "", (struct head){ NULL, NULL });
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	answer(&w, 304, "", (struct head){ NULL, NULL }); /* nobody asked for that */
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	world_fini(&w);
}
END_TEST

START_TEST(a_time_counts_when_it_is_old_enough)
{
	struct world w;

	world_init(&w, PLAIN, RULES); /* at 2026-11-22T01:10:25Z */
	answer(&w, 200, "[]", (struct head){ NULL, "Sun, 22 Nov 2026 01:09:26 GMT" });
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	answer(&w, 200, "[]", (struct head){ NULL, "Sun, 22 Nov 2026 01:09:26 GMT" });
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows If-Modified-Since=Sun, 22 Nov 2026 01:09:26 GMT");
	answer(&w, 200, "[]", (struct head){ NULL, "yesterday" });
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	world_fini(&w);
}
END_TEST

START_TEST(validators_of_one_page_of_several_say_nothing)
{
	struct world w;

	world_init(&w, PAGED, RULES);
	answer(&w, 200, "[{\"id\":1},{\"id\":2}]", (struct head){ "\"e\"", NULL });
	answer(&w, 200, "[]", (struct head){ "\"e\"", NULL });
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows?page=1");
	answer(&w, 200, "[{\"id\":1}]", (struct head){ "\"e\"", NULL });
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows?page=1 If-None-Match=\"e\"");
	/* Read another way, it is another page. */
	world_reload(&w, CONFIG(", page: { by: number, size: 1 }"), RULES);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_str_eq(asked(&w), "/rows?page=1");
	world_fini(&w);
}
END_TEST

START_TEST(another_list_takes_stock_anew)
{
	struct world w;

	world_init(&w, PLAIN, RULES);
	page(&w, "[{\"id\":1},{\"id\":2}]");
	world_reload(&w, CONFIG(", query: { open: true }"), RULES);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows?open=true");
	page(&w, "[{\"id\":2,\"new\":1},{\"id\":3}]");
	ck_assert_uint_eq(w.out.event_count, 0);
	minute(&w);
	page(&w, "[{\"id\":1},{\"id\":2,\"new\":1},{\"id\":3}]");
	ck_assert(only(&w, "http.api.rows.created"));
	world_fini(&w);
}
END_TEST

START_TEST(what_is_ignored_changes_nothing)
{
	struct world w;

	world_init(&w, CONFIG(", ignore: [seen, meta.at]"), RULES);
	page(&w, "[{\"id\":1,\"seen\":1,\"meta\":{\"at\":1,\"by\":1}}]");
	minute(&w);
	page(&w, "[{\"id\":1,\"seen\":2,\"meta\":{\"at\":2,\"by\":1}}]");
	ck_assert_uint_eq(w.out.event_count, 0);
	minute(&w);
	page(&w, "[{\"id\":1,\"seen\":2,\"meta\":{\"at\":2,\"by\":2}}]");
	ck_assert(only(&w, "http.api.rows.updated"));
	world_fini(&w);
}
END_TEST

/* Rows from 1 to n. */
static void rows(struct buf *body, int n)
{
	buf_clear(body);
	buf_char(body, '[');
	for (int i = 1; i <= n; i++)
		buf_printf(body, "%s{\"id\":%d}", i > 1 ? "," : "", i);
	buf_char(body, ']');
}

START_TEST(many_deletions_are_told_some_at_a_time)
{
	struct buf body;
	struct world w;
	size_t told = 0;

	buf_init(&body, 1u << 20);
	rows(&body, 900);
	world_init(&w, PLAIN, RULES);
	page(&w, buf_cstr(&body));
	minute(&w);
	page(&w, "[]");
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_le(w.out.event_count, 2 * LIMIT_VERIFY_IDS);
		ck_assert_uint_eq(w.out.fetch_count, 0);
		told += w.out.event_count;
		ck_assert_int_eq(world_batch(&w), FATE_OK);
	}
	ck_assert_uint_eq(told, 900);
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	world_fini(&w);
	buf_fini(&body);
}
END_TEST

START_TEST(a_crash_amid_deletions_loses_none)
{
	struct buf body;
	struct world w;
	size_t told;

	buf_init(&body, 1u << 20);
	rows(&body, 500);
	world_init(&w, PLAIN, RULES);
	page(&w, buf_cstr(&body));
	minute(&w);
	answer(&w, 200, "[]", (struct head){ "\"empty\"", NULL });
	told = w.out.event_count;
	ck_assert(told > 0 && told < 500);
	world_crash(&w);
	ck_assert_str_eq(asked(&w), "/rows"); /* the round did not end: no validators */
	page(&w, "[]");
	ck_assert_uint_eq(told + w.out.event_count, 500);
	world_fini(&w);
	buf_fini(&body);
}
END_TEST

START_TEST(a_list_without_end_is_given_up)
{
	struct world w;
	char body[80];

	world_init(&w, CURSED, RULES);
	for (int i = 1; i < LIMIT_LIST_PAGES; i++) {
		(void)snprintf(body, sizeof(body), "{\"r\":[{\"id\":%d}],\"next\":%d}", i, i);
		page(&w, body);
		ck_assert_uint_eq(w.out.fetch_count, 1);
	}
	page(&w, "{\"r\":[],\"next\":\"more\"}");
	ck_assert_uint_eq(w.out.fetch_count, 0);
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	world_fini(&w);
}
END_TEST

START_TEST(a_cursor_that_comes_twice_is_no_cursor)
{
	struct world w;

	world_init(&w, CURSED, RULES);
	page(&w, "{\"r\":[{\"id\":1}],\"next\":\"a\"}");
	ck_assert_str_eq(asked(&w), "/rows?cursor=a");
	page(&w, "{\"r\":[],\"next\":\"b\"}"); /* an empty page in between is fine */
	page(&w, "{\"r\":[{\"id\":2}],\"next\":\"a\"}");
	ck_assert_uint_eq(w.out.fetch_count, 0);
	minute(&w);
	ck_assert_str_eq(asked(&w), "/rows");
	page(&w, "{\"r\":[{\"id\":1}],\"next\":\"a\"}");
	page(&w, "{\"r\":[{\"id\":1}],\"next\":\"b\"}"); /* nothing new */
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

/* A product may put anything into one. */
START_TEST(a_cursor_is_kept_whole)
{
	struct world w;

	world_init(&w, CURSED, RULES);
	page(&w, "{\"r\":[{\"id\":1}],\"next\":\"a\\u0000b\"}");
	ck_assert_str_eq(asked(&w), "/rows?cursor=a%00b");
	page(&w, "{\"r\":[{\"id\":2}],\"next\":\"\\u0000\"}");
	ck_assert_str_eq(asked(&w), "/rows?cursor=%00");
	page(&w, "{\"r\":[{\"id\":3}]}");
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_row_on_two_pages_is_one)
{
	struct world w;

	world_init(&w, PAGED, RULES);
	page(&w, "[{\"id\":1},{\"id\":2}]");
	page(&w, "[{\"id\":2},{\"id\":3}]"); /* one was put in before it meanwhile */
	page(&w, "[]");
	ck_assert_uint_eq(w.out.fetch_count, 0);
	minute(&w);
	page(&w, "[{\"id\":1},{\"id\":2}]");
	page(&w, "[{\"id\":3}]");
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_reload_amid_a_round_begins_it_anew)
{
	struct world w;

	world_init(&w, PAGED, RULES);
	page(&w, "[{\"id\":1},{\"id\":2}]");
	page(&w, "[]");
	minute(&w);
	page(&w, "[{\"id\":1},{\"id\":3}]");
	ck_assert(only(&w, "http.api.rows.created"));
	world_reload(&w, PAGED, RULES);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_str_eq(asked(&w), "/rows?page=1");
	page(&w, "[{\"id\":1},{\"id\":2}]");
	page(&w, "[{\"id\":3}]");
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

#ifdef TAPPET_FAULTS
/* One round of three changes, its n-th allocation failing; false when there is no n-th. */
static bool run_short_of_memory(int n)
{
	struct world w;
	size_t told;
	bool hit;

	world_init(&w, PLAIN, RULES);
	answer(&w, 200, "[{\"id\":1},{\"id\":2}]", (struct head){ "\"a\"", NULL });
	minute(&w);
	reply(&w, 200, "[{\"id\":1,\"a\":1},{\"id\":3}]", (struct head){ "\"b\"", NULL });
	fault_arm("memory", n, false);
	(void)world_batch(&w);
	told = w.out.event_count;
	hit = fault_disarm();
	for (int i = 0; i < 4; i++) {
		minute(&w);
		if (w.out.fetch_count == 0)
			continue;
		page(&w, "[{\"id\":1,\"a\":1},{\"id\":3}]");
		told += w.out.event_count;
	}
	ck_assert_msg(told == 3, "%zu events without allocation %d", told, n);
	world_fini(&w);
	return hit;
}

static void reply_of_two(struct world *w)
{
	bool second = text_find(w->out.fetches[0].request.url, TEXT("cursor")) != SIZE_MAX;

	reply(w, 200,
	      second ? "{\"r\":[{\"id\":2}],\"next\":null}"
		     : "{\"r\":[{\"id\":1,\"a\":1}],\"next\":\"c\"}",
	      (struct head){ NULL, NULL });
}

/* Whether there is a second page must not depend on memory: its row would seem gone. */
static bool run_short_amid_pages(int n)
{
	struct world w;
	size_t told;
	bool hit;

	world_init(&w, CURSED, RULES);
	page(&w, "{\"r\":[{\"id\":1}],\"next\":\"c\"}");
	page(&w, "{\"r\":[{\"id\":2}]}");
	minute(&w);
	reply_of_two(&w);
	fault_arm("memory", n, false);
	(void)world_batch(&w);
	told = w.out.event_count;
	hit = fault_disarm();
	for (int i = 0; i < 4; i++) {
		while (w.out.fetch_count > 0) {
			reply_of_two(&w);
			ck_assert_int_eq(world_batch(&w), FATE_OK);
			told += w.out.event_count;
		}
		minute(&w);
	}
	ck_assert_msg(told == 1, "%zu events without allocation %d", told, n);
	world_fini(&w);
	return hit;
}
#endif

START_TEST(without_memory_each_change_is_told_once)
{
#ifdef TAPPET_FAULTS
	int n = 1;

	while (run_short_of_memory(n))
		n++;
	ck_assert_int_gt(n, 10);
	n = 1;
	while (run_short_amid_pages(n))
		n++;
	ck_assert_int_gt(n, 10);
#endif
}
END_TEST

UNIT_MAIN("sequencer_list", a_list_is_compared_with_its_last_round,
	  a_page_that_is_too_heavy_is_a_failure, a_round_that_fails_deletes_nothing,
	  a_page_that_never_comes_begins_the_round_anew, a_row_that_moved_meanwhile_is_not_gone,
	  an_unchanged_list_is_not_read, validators_are_not_trusted_for_ever,
	  a_time_counts_when_it_is_old_enough, validators_of_one_page_of_several_say_nothing,
	  another_list_takes_stock_anew, what_is_ignored_changes_nothing,
	  many_deletions_are_told_some_at_a_time, a_crash_amid_deletions_loses_none,
	  a_list_without_end_is_given_up, a_cursor_that_comes_twice_is_no_cursor,
	  a_cursor_is_kept_whole,

	  a_row_on_two_pages_is_one, a_reload_amid_a_round_begins_it_anew,
	  without_memory_each_change_is_told_once)
