/* SPDX-License-Identifier: Apache-2.0
 *
 * test_connectors_feed - Kantata's feed of changes: what is asked for, what rows say, and replies
 * that aren't what they should be. */
#include "tests/unit/test_connectors_kit.h"
#include "tests/unit/unit_main.h"

#define NOON INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */

static const struct resource *feed(void)
{
	return connector_resource(connector("kantata"), TEXT("subscribed_events"));
}

static const char *asked(const struct page_ask *ask)
{
	struct request request;

	ck_assert_int_eq(feed()->ask(&call, ask, &request), FATE_OK);
	ck_assert_str_eq(request.method, "GET");
	return text_dup(arena, request.url).s;
}

static bool note(void *of, struct text id, struct text json)
{
	struct buf *b = of;

	ck_assert_uint_gt(json.n, 0);
	buf_printf(b, "%.*s ", TEXT_ARG(id));
	return true;
}

static bool refuse(void *of, struct text id, struct text json)
{
	(void)of;
	(void)id;
	(void)json;
	return false;
}

static enum fate read_page(unsigned offset, int status, struct text body, struct page *page)
{
	const struct page_ask ask = { .kind = PAGE_CHANGES, .offset = offset };
	const struct reply reply = { status, body, TEXT("application/json") };

	buf_clear(&out);
	call.why[0] = '\0';
	return feed()->read(&call, &ask, &reply, note, &out, page);
}

START_TEST(pages_are_counted)
{
	const struct page_ask first = { .kind = PAGE_CHANGES, .after = INT64_MIN };
	const struct page_ask third = { .kind = PAGE_CHANGES, .after = NOON, .offset = 2 };

	setup();
	ck_assert_str_eq(asked(&first),
			 "/subscribed_events?per_page=200&page=1&order=created_at:asc"
			 "&optional_fields=previous_payload,current_payload,payload_changes");
	ck_assert_str_eq(asked(&third),
			 "/subscribed_events?per_page=200&page=3&order=created_at:asc"
			 "&created_after=2026-11-22T11:59:59Z"
			 "&optional_fields=previous_payload,current_payload,payload_changes");
	teardown();
}
END_TEST

START_TEST(for_hints_only_their_types_are_asked_for)
{
	static const char *const subjects[] = { "workspace", "workspace_resource", NULL };
	const struct page_ask ask = { .kind = PAGE_CHANGES, .after = INT64_MIN, .asks = subjects };
	const char *url;

	setup();
	url = asked(&ask);
	ck_assert_ptr_nonnull(strstr(url, "&event_types=workspace%3Acreated,workspace%3Aupdated,"
					  "workspace%3Adeleted,workspace%3Acustom_field_value_c"));
	ck_assert_ptr_nonnull(strstr(url, ",workspace_resource%3Acreated,"));
	teardown();
}
END_TEST

START_TEST(rows_are_shown_as_results_say)
{
	struct page page;

	setup();
	ck_assert_int_eq(read_page(0, 200, recorded("kantata_feed.json"), &page), FATE_OK);
	ck_assert_str_eq(buf_cstr(&out), "88002 88001 88002 ");
	ck_assert_uint_eq(page.items, 3);
	ck_assert(!page.more);
	ck_assert_int_eq(page.high, INT64_MIN);
	ck_assert_int_eq(
	    read_page(0, 200,
		      TEXT("{\"count\":201,\"results\":[{\"key\":\"subscribed_events\","
			   "\"id\":\"1\"}],\"subscribed_events\":{\"1\":{}}}"),
		      &page),
	    FATE_OK);
	ck_assert(page.more);
	ck_assert_int_eq(read_page(1, 200,
				   TEXT("{\"count\":900,\"results\":[],\"subscribed_events\":{}}"),
				   &page),
			 FATE_OK);
	ck_assert(!page.more);
	teardown();
}
END_TEST

static struct news row_of(const char *json)
{
	struct news news;

	ck_assert_int_eq(feed()->feed->row(&call, parsed(text_of(json)), &news), FATE_OK);
	return news;
}

START_TEST(a_row_says_what_happened)
{
	struct value doc;
	struct news news;

	setup();
	doc = parsed(recorded("kantata_feed.json"));
	ck_assert_int_eq(
	    feed()->feed->row(&call, *value_path(doc, TEXT("subscribed_events.88001")), &news),
	    FATE_OK);
	ck_assert(text_is(news.subject, "workspace") && text_is(news.verb, "updated"));
	ck_assert(text_is(news.id, "7"));
	ck_assert_int_eq(news.at - news.time, 105000);
	/* A payload is an object, however it was written. */
	ck_assert_str_eq(at(news.data, "current_payload.title"), "\"Acme rollout\"");
	ck_assert_str_eq(at(news.data, "payload_changes.title"), "[\"Acme\",\"Acme rollout\"]");
	ck_assert_int_eq(
	    feed()->feed->row(&call, *value_path(doc, TEXT("subscribed_events.88002")), &news),
	    FATE_OK);
	ck_assert_str_eq(at(news.data, "previous_payload.time_in_minutes"), "30");
	ck_assert_str_eq(at(news.data, "current_payload"), "null");
	teardown();
}
END_TEST

START_TEST(odd_rows_stop_nothing)
{
	static const char *const types[] = { "\"story\"",      "\":updated\"", "\"story:\"",
					     "\"a:b:c\"",      "\"A.b:**\"",   "7",
					     "\"story:up.d\"", "\"st ory:c\"", "\"\"" };
	struct news news;

	setup();
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		news =
		    row_of(text_printf(arena, "{\"event_type\":%s,\"subject_id\":1}", types[i]).s);
		ck_assert(text_is(news.subject, "unknown") && text_is(news.verb, "event"));
		ck_assert_int_eq(news.at, INT64_MIN);
	}
	news = row_of("{\"event_type\":\"a:b\",\"subject_id\":\"x/../1\",\"created_at\":\"soon\","
		      "\"current_payload\":\"{\"}");
	ck_assert_uint_eq(news.id.n, 0);
	ck_assert_str_eq(at(news.data, "current_payload"), "\"{\"");
	news = row_of("{\"event_type\":\"a:b\",\"subject_id\":-5}");
	ck_assert_uint_eq(news.id.n, 0);
	ck_assert_int_eq(feed()->feed->row(&call, parsed(TEXT("[]")), &news), FATE_RETRY);
	teardown();
}
END_TEST

START_TEST(a_page_of_another_shape_is_asked_for_again)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"null",
		"<html>",
		"{\"count\":1,\"results\":{}}",
		"{\"results\":[],\"subscribed_events\":{}}",
		"{\"count\":1,\"results\":[{\"key\":\"users\",\"id\":\"1\"}]}",
		"{\"count\":1,\"results\":[{\"key\":\"subscribed_events\"}]}",
		"{\"count\":1,\"results\":[{\"key\":\"subscribed_events\",\"id\":\"1\"}]}",
		("{\"count\":1,\"results\":[{\"key\":\"subscribed_events\",\"id\":\"1\"}],"
		 "\"subscribed_events\":{\"1\":7}}"),
		"{\"errors\":[{\"type\":\"system\",\"message\":\"no\"}]}",
	};
	struct page page;

	setup();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(read_page(0, 200, text_of(bad[i]), &page) == FATE_RETRY, "%s",
			      bad[i]);
		ck_assert_str_eq(buf_cstr(&out), "");
		ck_assert_str_ne(call.why, "");
	}
	teardown();
}
END_TEST

START_TEST(a_cut_page_shows_nothing)
{
	struct text whole;
	struct page page;

	setup();
	whole = recorded("kantata_feed.json");
	for (size_t n = 0; n + 2 < whole.n; n += 7) {
		arena_reset(arena);
		whole = recorded("kantata_feed.json");
		whole.n = n;
		ck_assert_int_eq(read_page(0, 200, whole, &page), FATE_RETRY);
		ck_assert_str_eq(buf_cstr(&out), "");
	}
	teardown();
}
END_TEST

START_TEST(a_visitor_may_stop)
{
	const struct page_ask ask = { .kind = PAGE_CHANGES };
	struct reply reply = { 200, TEXT_NONE, TEXT("application/json") };
	struct page page;

	setup();
	reply.body = recorded("kantata_feed.json");
	ck_assert_int_eq(feed()->read(&call, &ask, &reply, refuse, NULL, &page), FATE_RETRY);
	teardown();
}
END_TEST

START_TEST(it_is_off_for_those_who_may_not)
{
	static const struct {
		int status;
		bool off;
	} all[] = { { 200, false }, { 401, false }, { 403, true }, { 404, true },
		    { 429, false }, { 500, false }, { 503, false } };

	setup();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct reply reply = { all[i].status, TEXT(""), TEXT("") };

		ck_assert_int_eq(feed()->feed->off(&reply), all[i].off);
	}
	teardown();
}
END_TEST

START_TEST(memory_is_bounded)
{
	struct text whole;
	struct page page;
	struct news news;
	struct value row;

	setup();
	whole = recorded("kantata_feed.json");
	row = *value_path(parsed(whole), TEXT("subscribed_events.88001"));
	for (size_t budget = 1; budget < 64 * KIB; budget = budget * 3 / 2 + 1) {
		struct arena *small = arena_new("small", budget);

		ck_assert_ptr_nonnull(small);
		call.arena = small;
		(void)read_page(0, 200, whole, &page);
		(void)feed()->feed->row(&call, row, &news);
		arena_free(small);
	}
	teardown();
}
END_TEST

UNIT_MAIN("connectors_feed", pages_are_counted, for_hints_only_their_types_are_asked_for,
	  rows_are_shown_as_results_say, a_row_says_what_happened, odd_rows_stop_nothing,
	  a_page_of_another_shape_is_asked_for_again, a_cut_page_shows_nothing, a_visitor_may_stop,
	  it_is_off_for_those_who_may_not, memory_is_bounded)
