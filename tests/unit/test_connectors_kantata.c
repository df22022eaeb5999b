/* SPDX-License-Identifier: Apache-2.0
 *
 * Kantata: requests as text, replies and pages as recorded, and as they must not
 * be. */
#include "tests/unit/test_connectors_kit.h"

#define SECOND INT64_C(1000)
#define NOON   INT64_C(1795305600000) /* 2026-11-22T00:00:00Z */

/* ---- actions ---- */

START_TEST(show_is_a_get)
{
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":\"7\"}"),
			 "GET /workspaces/7?include_archived=true");
	ck_assert_str_eq(built("kantata", "workspace.show",
			       "{\"id\":7,\"include\":[\"creator\",\"participants\"],"
			       "\"optional_fields\":[\"stage\"]}"),
			 "GET /workspaces/7?include_archived=true&include=creator,participants"
			 "&optional_fields=stage");
	ck_assert_str_eq(
	    built("kantata", "workspace.show", "{\"id\":\"7\",\"include\":[\"a&only=1\"]}"),
	    "reject: include must be one of the names that are known here, not \"a&only=1\"");
}
END_TEST

START_TEST(update_is_a_put)
{
	ck_assert_str_eq(
	    built("kantata", "workspace.update",
		  "{\"id\":\"7\",\"workspace\":{\"status_key\":305}}"),
	    "PUT /workspaces/7 (application/json) {\"workspace\":{\"status_key\":305}}");
	ck_assert_str_eq(
	    built("kantata", "workspace.update",
		  "{\"id\":\"7\",\"workspace\":{\"status_key\":\"305\",\"approver_id\":9,"
		  "\"due_date\":null,\"custom_fields\":[{\"custom_field_id\":1,"
		  "\"value\":[100,\"USD\"]}]}}"),
	    "PUT /workspaces/7 (application/json) {\"workspace\":{\"status_key\":305,"
	    "\"approver_id\":\"9\",\"due_date\":null,\"custom_fields\":[{\"custom_field_id\":"
	    "\"1\",\"value\":[100,\"USD\"]}]}}");
}
END_TEST

START_TEST(ids_stay_one_segment)
{
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":\"/../users/1?x=#\"}"),
			 "GET /workspaces/%2F..%2Fusers%2F1%3Fx%3D%23?include_archived=true");
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":\"..\"}"),
			 "reject: \"..\" is no id");
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":\".\"}"),
			 "reject: \".\" is no id");
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":\"\"}"),
			 "reject: id is empty");
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":\"a\\u0000b\\r\\n\xc3\xbc\"}"),
			 "GET /workspaces/a%00b%0D%0A%C3%BC?include_archived=true");
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":null}"),
			 "reject: id is missing");
	ck_assert_str_eq(built("kantata", "workspace.show", "{\"id\":[7]}"),
			 "reject: id must be an id, not list");
}
END_TEST

START_TEST(values_that_do_not_fit_are_named)
{
	static const char *const cases[][2] = {
		{ "{\"id\":\"7\"}", "workspace is missing" },
		{ "{\"id\":\"7\",\"workspace\":[]}", "workspace must be a map, not list" },
		{ "{\"id\":\"7\",\"workspace\":{\"nope\":1}}", "workspace.nope is no parameter" },
		{ "{\"id\":\"7\",\"workspace\":{\"status_key\":1.5}}",
		  "workspace.status_key must be a whole number, not double" },
		{ "{\"id\":\"7\",\"workspace\":{\"archived\":\"yes\"}}",
		  "workspace.archived must be true or false, not \"yes\"" },
		{ "{\"id\":\"7\",\"workspace\":{\"stage\":\"done\"}}",
		  "workspace.stage must be one of estimate project, not \"done\"" },
		{ "{\"id\":\"7\",\"workspace\":{\"due_date\":\"2026-02-30\"}}",
		  "workspace.due_date must be a date such as 2026-11-22, not \"2026-02-30\"" },
		{ "{\"id\":\"7\",\"workspace\":{\"custom_fields\":[{\"value\":1}]}}",
		  "workspace.custom_fields.custom_field_id is missing" },
		{ "{\"id\":\"7\",\"workspace\":{\"custom_fields\":[3]}}",
		  "workspace.custom_fields must be a list of maps, not int" },
		{ "[]", "parameters must be a map, not list" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = built("kantata", "workspace.update", cases[i][0]);

		ck_assert_msg(strncmp(got, "reject: ", 8) == 0, "%s: %s", cases[i][0], got);
		ck_assert_str_eq(got + 8, cases[i][1]);
	}
}
END_TEST

START_TEST(a_reply_is_its_object_with_includes)
{
	struct reading r;

	ck_assert_int_eq(read_reply("kantata", "workspace.show", 200, "application/json",
				    recorded("kantata_show.json"), &r),
			 FATE_OK);
	ck_assert_str_eq(r.kind->name, "kantata.workspace");
	ck_assert(!r.whole);
	ck_assert_ptr_null(r.happened);
	ck_assert_str_eq(at(r.result, "id"), "\"7\"");
	ck_assert_str_eq(at(r.result, "creator.full_name"), "\"Kim Lee\"");
	ck_assert_str_eq(at(r.result, "participants.1.full_name"), "\"Sam Poe\"");
	ck_assert_str_eq(at(r.result, "participants.2"), "absent");
	ck_assert_str_eq(at(r.result, "participant_ids"), "[\"41\",\"42\",\"99\"]");
	ck_assert_str_eq(at(r.result, "approver"), "absent");
	ck_assert_str_eq(at(r.object, "title"), "\"Acme \xe2\x80\x93 rollout\"");
}
END_TEST

START_TEST(a_failure_inside_a_2xx_is_a_reject)
{
	struct reading r;

	ck_assert_int_eq(read_reply("kantata", "workspace.update", 200, "application/json",
				    recorded("kantata_errors.json"), &r),
			 FATE_REJECT);
	ck_assert_str_eq(call.why, "Kantata says: title: can't be blank; Project is locked");
	ck_assert_int_eq(read_reply("kantata", "workspace.update", 200, "application/json",
				    TEXT("{\"error_message\":\"no\"}"), &r),
			 FATE_REJECT);
	ck_assert_str_eq(call.why, "Kantata says: no");
}
END_TEST

START_TEST(a_reply_of_another_shape_is_tried_again)
{
	static const char *const bodies[] = {
		"",
		"null",
		"[]",
		"{}",
		"\"x\"",
		"<html>",
		"{\"results\":[]}",
		"{\"results\":{}}",
		"{\"results\":[7]}",
		"{\"results\":[{\"key\":\"users\",\"id\":\"7\"}]}",
		"{\"results\":[{\"key\":\"workspaces\",\"id\":\"\"}]}",
		"{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}]}",
		"{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":[]}",
		"{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":{\"8\":{}}}",
		"{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":{\"7\":3}}",
		"{\"errors\":[]}",
		"{\"errors\":7}",
	};
	struct reading r;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		ck_assert_msg(read_reply("kantata", "workspace.show", 200, "application/json",
					 text_of(bodies[i]), &r) == FATE_RETRY,
			      "%s", bodies[i]);
		ck_assert_msg(call.why[0] != '\0', "%s", bodies[i]);
	}
}
END_TEST

START_TEST(a_cut_reply_is_tried_again)
{
	struct text whole = recorded("kantata_show.json");
	struct reading r;

	for (size_t n = 0; n + 1 < whole.n; n += 1 + n / 50) {
		ck_assert_int_eq(read_reply("kantata", "workspace.show", 200, "application/json",
					    (struct text){ whole.s, n }, &r),
				 FATE_RETRY);
	}
}
END_TEST

START_TEST(its_own_words)
{
	struct reply reply = { .status = 422, .body = recorded("kantata_errors.json") };
	struct text words = connector("kantata")->error_words(&call, &reply);

	ck_assert(text_is(words, "title: can't be blank; Project is locked"));
	reply.body = TEXT("<h1>Bad Gateway</h1>");
	ck_assert_uint_eq(connector("kantata")->error_words(&call, &reply).n, 0);
	reply.body = TEXT("{\"errors\":[1,{\"message\":2},null]}");
	ck_assert_uint_eq(connector("kantata")->error_words(&call, &reply).n, 0);
}
END_TEST

/* ---- asking ---- */

static const char *asked(const struct page_ask *ask)
{
	const struct resource *r = connector_resource(connector("kantata"), TEXT("workspaces"));
	struct request request;

	ck_assert_ptr_nonnull(r);
	buf_clear(&out);
	call.why[0] = '\0';
	if (r->ask(&call, ask, &request) != FATE_OK)
		buf_printf(&out, "reject: %s", call.why);
	else
		buf_printf(&out, "%s %.*s", request.method, TEXT_ARG(request.url));
	return buf_cstr(&out);
}

START_TEST(pages_are_asked_one_second_early)
{
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = INT64_MIN };

	ck_assert_str_eq(asked(&ask), "GET /workspaces?include_archived=true&order=updated_at:asc"
				      "&per_page=200");
	ask.after = NOON;
	ck_assert_str_eq(asked(&ask), "GET /workspaces?include_archived=true&updated_after="
				      "2026-11-21T23:59:59Z&order=updated_at:asc&per_page=200");
	ask.after = NOON + 999;
	ck_assert_str_eq(asked(&ask), "GET /workspaces?include_archived=true&updated_after="
				      "2026-11-21T23:59:59Z&order=updated_at:asc&per_page=200");
	ask.offset = 200;
	ck_assert_str_eq(asked(&ask), "GET /workspaces?include_archived=true&updated_after="
				      "2026-11-21T23:59:59Z&order=updated_at:asc"
				      "&limit=200&offset=200");
	ask = (struct page_ask){ .kind = PAGE_SWEEP, .after = NOON };
	ck_assert_str_eq(asked(&ask), "GET /workspaces?include_archived=true&created_after="
				      "2026-11-21T23:59:59Z&order=created_at:asc&per_page=200");
}
END_TEST

START_TEST(pages_ask_for_what_rules_read)
{
	static const char *const asks[] = { "include=creator",   "optional_fields=stage",
					    "include=creator",   "include=participants",
					    "optional_fields=x", NULL };
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = INT64_MIN, .asks = asks };

	ck_assert_str_eq(asked(&ask),
			 "GET /workspaces?include_archived=true&order=updated_at:asc&per_page=200"
			 "&optional_fields=stage,x&include=creator,participants");
}
END_TEST

START_TEST(exactly_these_ids)
{
	struct text ids[] = { TEXT("7"), TEXT("8") };
	struct page_ask ask = { .kind = PAGE_VERIFY, .ids = ids, .id_count = 2 };

	ck_assert_str_eq(asked(&ask), "GET /workspaces?include_archived=true&only=7,8");
	ids[1] = TEXT("8,9");
	ck_assert_str_eq(asked(&ask), "reject: \"8,9\" is no id of a workspace");
	ids[1] = TEXT("-8");
	ck_assert_str_eq(asked(&ask), "reject: \"-8\" is no id of a workspace");
}
END_TEST

/* ---- reading pages ---- */

struct seen {
	struct buf text; /* "7=title " */
	unsigned count;
	unsigned stop; /* after so many; 0: never */
	bool raw;      /* rows must be slices of `page` */
	struct text page;
};

static bool see(void *of, struct text id, struct text json)
{
	struct seen *seen = of;
	struct json_parser *own = json_parser_new();
	struct json_error error;
	struct value v;

	seen->count++;
	ck_assert_int_eq(json_parse(own, arena, json, &v, &error), FATE_OK);
	if (seen->raw)
		ck_assert(json.s >= seen->page.s && json.s + json.n <= seen->page.s + seen->page.n);
	buf_printf(&seen->text, "%.*s=%.*s ", TEXT_ARG(id), TEXT_ARG(param_text(v, "title")));
	if (value_get(v, TEXT("creator")) != NULL)
		buf_printf(&seen->text, "by %.*s ",
			   TEXT_ARG(param_text(param_value(v, "creator"), "full_name")));
	json_parser_free(own);
	return seen->stop == 0 || seen->count < seen->stop;
}

static enum fate read_page(const struct page_ask *ask, struct text body, struct seen *seen,
			   struct page *page)
{
	const struct resource *r = connector_resource(connector("kantata"), TEXT("workspaces"));
	struct reply reply = { 200, body, TEXT("application/json") };

	seen->page = body;
	seen->count = 0;
	call.why[0] = '\0';
	buf_clear(&seen->text);
	return r->read(&call, ask, &reply, see, seen, page);
}

START_TEST(a_page_follows_results)
{
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = NOON };
	struct seen seen = { .raw = true };
	struct page page;

	buf_init(&seen.text, KIB);
	ck_assert_int_eq(read_page(&ask, recorded("kantata_page.json"), &seen, &page), FATE_OK);
	ck_assert_str_eq(buf_cstr(&seen.text),
			 "9=Beta 10=Gamma \"x\" { 7=Acme \xe2\x80\x93 rollout ");
	ck_assert_uint_eq(page.items, 3);
	ck_assert(page.more);
	ck_assert_int_eq(page.high, NOON + (7 * 3600 + 50 * 60 + 25) * SECOND);
	ask.offset = 447;
	ck_assert_int_eq(read_page(&ask, recorded("kantata_page.json"), &seen, &page), FATE_OK);
	ck_assert(!page.more);
	ask.offset = 446;
	ck_assert_int_eq(read_page(&ask, recorded("kantata_page.json"), &seen, &page), FATE_OK);
	ck_assert(page.more);
	buf_fini(&seen.text);
}
END_TEST

START_TEST(a_page_with_includes)
{
	static const char *const asks[] = { "optional_fields=stage", "include=creator", NULL };
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = NOON, .asks = asks };
	struct seen seen = { .raw = false };
	struct page page;

	buf_init(&seen.text, KIB);
	ck_assert_int_eq(read_page(&ask, recorded("kantata_page.json"), &seen, &page), FATE_OK);
	ck_assert_str_eq(buf_cstr(&seen.text), "9=Beta by  10=Gamma \"x\" { by Sam Poe "
					       "7=Acme \xe2\x80\x93 rollout by Kim Lee ");
	ck_assert_uint_eq(page.items, 3);
	buf_fini(&seen.text);
}
END_TEST

START_TEST(a_verifying_page_has_no_order)
{
	struct text ids[] = { TEXT("7") };
	struct page_ask ask = { .kind = PAGE_VERIFY, .ids = ids, .id_count = 1 };
	struct seen seen = { .raw = true };
	struct page page;

	buf_init(&seen.text, KIB);
	ck_assert_int_eq(read_page(&ask, recorded("kantata_page.json"), &seen, &page), FATE_OK);
	ck_assert(!page.more);
	ck_assert_int_eq(page.high, INT64_MIN);
	buf_fini(&seen.text);
}
END_TEST

START_TEST(an_empty_page)
{
	struct page_ask ask = { .kind = PAGE_SWEEP, .after = INT64_MIN };
	struct seen seen = { .raw = true };
	struct page page;

	buf_init(&seen.text, KIB);
	ck_assert_int_eq(read_page(&ask,
				   TEXT("{\"count\":0,\"results\":[],\"workspaces\":{},"
					"\"new_member\":[1]}"),
				   &seen, &page),
			 FATE_OK);
	ck_assert(!page.more);
	ck_assert_uint_eq(page.items, 0);
	ck_assert_int_eq(page.high, INT64_MIN);
	/* Past the end, and rows that are counted but not shown: neither goes on for ever. */
	ask.offset = 400;
	ck_assert_int_eq(read_page(&ask, TEXT("{\"count\":9000,\"results\":[],\"workspaces\":{}}"),
				   &seen, &page),
			 FATE_OK);
	ck_assert(!page.more);
	buf_fini(&seen.text);
}
END_TEST

#define ROW(id) "{\"key\":\"workspaces\",\"id\":\"" id "\"}"

START_TEST(a_page_of_another_shape_shows_nothing)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"7",
		"{}",
		"null",
		"{\"count\":1,\"results\":[" ROW("7") "]}",
		"{\"results\":[],\"workspaces\":{}}",
		"{\"count\":-1,\"results\":[],\"workspaces\":{}}",
		"{\"count\":\"1\",\"results\":[],\"workspaces\":{}}",
		"{\"count\":1.5,\"results\":[],\"workspaces\":{}}",
		"{\"count\":1,\"results\":{},\"workspaces\":{}}",
		"{\"count\":1,\"results\":[" ROW("7") "],\"workspaces\":{\"8\":{}}}",
		"{\"count\":1,\"results\":[" ROW("7") "],\"workspaces\":[]}",
		"{\"count\":1,\"results\":[" ROW("7") "],\"workspaces\":{\"7\":null}}",
		"{\"count\":1,\"results\":[" ROW("7") "],\"workspaces\":{\"7\":{}}}",
		"{\"count\":1,\"results\":[" ROW("7") ",3],\"workspaces\":{\"7\":{}}}",
		"{\"count\":1,\"results\":[" ROW(
		    "7") "],\"workspaces\":{\"7\":{\"updated_at\":7}}}",
		"{\"count\":2,\"results\":[" ROW("7") "," ROW(
		    "8") "],\"workspaces\":{\"7\":{"
			 "\"updated_at\":\"2026-11-22T00:00:01Z\"},\"8\":{\"updated_at\":"
			 "\"2026-11-22T00:00:00Z\"}}}",
	};
	static const char *const includes[] = { "include=creator", NULL };
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = NOON };
	struct seen seen = { .raw = true };
	struct page page;

	buf_init(&seen.text, KIB);
	for (size_t i = 0; i < 2 * sizeof(bodies) / sizeof(bodies[0]); i++) {
		const char *body = bodies[i / 2];

		ask.asks = i % 2 != 0 ? includes : NULL;
		ck_assert_msg(read_page(&ask, text_of(body), &seen, &page) == FATE_RETRY, "%s",
			      body);
		ck_assert_uint_eq(seen.count, 0);
		ck_assert_msg(call.why[0] != '\0', "%s", body);
	}
	ck_assert_int_eq(read_page(&ask, recorded("kantata_errors.json"), &seen, &page),
			 FATE_RETRY);
	ck_assert_str_eq(call.why, "Kantata says: title: can't be blank; Project is locked");
	buf_fini(&seen.text);
}
END_TEST

START_TEST(a_cut_page_shows_nothing)
{
	static const char *const includes[] = { "include=creator", NULL };
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = NOON };
	struct text whole = recorded("kantata_page.json");
	struct seen seen = { .raw = true };
	struct page page;

	buf_init(&seen.text, KIB);
	for (size_t n = 0; n + 1 < whole.n; n += 1 + n / 50) {
		ask.asks = n % 2 != 0 ? includes : NULL;
		ck_assert_int_eq(read_page(&ask, (struct text){ whole.s, n }, &seen, &page),
				 FATE_RETRY);
		ck_assert_uint_eq(seen.count, 0);
	}
	buf_fini(&seen.text);
}
END_TEST

START_TEST(a_visitor_may_stop)
{
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = NOON };
	struct seen seen = { .raw = true, .stop = 2 };
	struct page page;

	buf_init(&seen.text, KIB);
	ck_assert_int_eq(read_page(&ask, recorded("kantata_page.json"), &seen, &page), FATE_RETRY);
	ck_assert_uint_eq(seen.count, 2);
	buf_fini(&seen.text);
}
END_TEST

/* A page of 200 in another order than its map, with more objects than rows. */
START_TEST(a_full_page)
{
	struct page_ask ask = { .kind = PAGE_SWEEP, .after = INT64_MIN };
	struct seen seen = { .raw = true };
	struct page page;
	struct buf body;

	buf_init(&seen.text, 64 * KIB);
	buf_init(&body, MIB);
	buf_str(&body, "{\"workspaces\":{");
	for (int i = 0; i < 700; i++)
		buf_printf(&body,
			   "%s\"%d\":{\"title\":\"t\",\"created_at\":"
			   "\"2026-11-22T00:00:00Z\"}",
			   i > 0 ? "," : "", i);
	buf_str(&body, "},\"count\":200,\"results\":[");
	for (int i = 0; i < 200; i++)
		buf_printf(&body, "%s{\"id\":\"%d\",\"key\":\"workspaces\"}", i > 0 ? "," : "",
			   (i * 37) % 701 % 700);
	buf_str(&body, "]}");
	ck_assert_int_eq(read_page(&ask, buf_view(&body), &seen, &page), FATE_OK);
	ck_assert_uint_eq(seen.count, 200);
	ck_assert(!page.more);
	ck_assert_int_eq(page.high, NOON);
	buf_fini(&body);
	buf_fini(&seen.text);
}
END_TEST

/* What can't fit the memory of one event ends in words, not in a crash. */
START_TEST(memory_is_bounded)
{
	static const char *const includes[] = { "include=creator", NULL };
	struct text whole = recorded("kantata_page.json");
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = NOON };
	struct seen seen = { .raw = false };
	struct page page;

	buf_init(&seen.text, KIB);
	for (size_t budget = 1; budget < 64 * KIB; budget = budget * 3 / 2 + 1) {
		struct arena *small = arena_new("small", budget);
		struct request request;
		struct reading r;

		ck_assert_ptr_nonnull(small);
		call.arena = small;
		ask.asks = budget % 2 != 0 ? includes : NULL;
		(void)read_page(&ask, whole, &seen, &page);
		(void)read_reply("kantata", "workspace.show", 200, "application/json",
				 recorded("kantata_show.json"), &r);
		(void)action("kantata", "workspace.update")
		    ->build(&call, parsed(TEXT("{\"id\":7,\"workspace\":{\"title\":\"a\"}}")),
			    &request);
		arena_free(small);
	}
	buf_fini(&seen.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors_kantata");
	TCase *cases = tcase_create("kantata");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, show_is_a_get);
	tcase_add_test(cases, update_is_a_put);
	tcase_add_test(cases, ids_stay_one_segment);
	tcase_add_test(cases, values_that_do_not_fit_are_named);
	tcase_add_test(cases, a_reply_is_its_object_with_includes);
	tcase_add_test(cases, a_failure_inside_a_2xx_is_a_reject);
	tcase_add_test(cases, a_reply_of_another_shape_is_tried_again);
	tcase_add_test(cases, a_cut_reply_is_tried_again);
	tcase_add_test(cases, its_own_words);
	tcase_add_test(cases, pages_are_asked_one_second_early);
	tcase_add_test(cases, pages_ask_for_what_rules_read);
	tcase_add_test(cases, exactly_these_ids);
	tcase_add_test(cases, a_page_follows_results);
	tcase_add_test(cases, a_page_with_includes);
	tcase_add_test(cases, a_verifying_page_has_no_order);
	tcase_add_test(cases, an_empty_page);
	tcase_add_test(cases, a_page_of_another_shape_shows_nothing);
	tcase_add_test(cases, a_cut_page_shows_nothing);
	tcase_add_test(cases, a_visitor_may_stop);
	tcase_add_test(cases, a_full_page);
	tcase_add_test(cases, memory_is_bounded);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
