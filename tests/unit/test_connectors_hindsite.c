/* SPDX-License-Identifier: Apache-2.0
 *
 * HINDSITE beyond the work set: its actions, what their replies may be and must
 * not be, and the list of webhook deliveries page by page. */
#include "tests/unit/test_connectors_kit.h"

/* ---- requests ---- */

START_TEST(requests_are_as_documented)
{
	static const char *const cases[][3] = {
		{ "work_set_workflow.create",
		  "{\"work_set_id\":1,\"workflow_collection_id\":\"C\",\"user_ids\":[\"U\",2],"
		  "\"started_by_id\":null}",
		  "POST /api/v2/work_set_workflows (application/json) {\"work_set_id\":\"1\","
		  "\"workflow_collection_id\":\"C\",\"user_ids\":[\"U\",\"2\"]}" },
		{ "journey.create",
		  "{\"workflow_id\":\"W\",\"steps\":[{\"a\":1}],\"started_at\":"
		  "\"2026-11-22T09:00:00.9Z\",\"completed_at\":1795338001.0,\"note\":7}",
		  "POST /api/v2/journeys (application/json) {\"workflow_id\":\"W\",\"steps\":"
		  "[{\"a\":1}],\"started_at\":1795338000,\"completed_at\":1795338001,\"note\":"
		  "\"7\"}" },
		{ "journey_step.decision",
		  "{\"journey_step_id\":\"J\",\"workflow_step_decision_id\":\"D\","
		  "\"next_workflow_step_id\":\"N\",\"decision_value\":true}",
		  "POST /api/v2/journey_steps/decision (application/json) {\"journey_step_id\":"
		  "\"J\",\"workflow_step_decision_id\":\"D\",\"next_workflow_step_id\":\"N\","
		  "\"decision_value\":\"true\"}" },
		{ "form_step.decision",
		  "{\"form_step_id\":\"J\",\"instruction_decision_id\":\"D\","
		  "\"next_instruction_step_id\":\"N\",\"decision_value\":\"x\","
		  "\"decision_colour\":\"red\"}",
		  "POST /api/v2/form_steps/decision (application/json) {\"form_step_id\":\"J\","
		  "\"instruction_decision_id\":\"D\",\"next_instruction_step_id\":\"N\","
		  "\"decision_value\":\"x\",\"decision_colour\":\"red\"}" },
		{ "asset.list", "{}", "GET /api/v2/assets" },
		{ "asset.list", "{\"location_ids\":[]}", "GET /api/v2/assets" },
		{ "asset.list", "{\"location_ids\":[\"a&b\",7]}",
		  "GET /api/v2/assets?location_ids=a%26b%2C7" },
		{ "asset.show", "{\"id\":\"../x\"}", "GET /api/v2/assets/..%2Fx" },
		{ "asset.search", "{\"criteria\":{\"title\":\"P\"}}",
		  "POST /api/v2/assets/search (application/json) {\"title\":\"P\"}" },
		{ "webhook_delivery.list", "{}", "GET /api/v2/webhook_deliveries?page=1" },
		{ "webhook_delivery.list", "{\"page\":3}",
		  "GET /api/v2/webhook_deliveries?page=3" },
		{ "webhook_delivery.list",
		  "{\"state\":\"errored\",\"webhook_id\":\"a b\",\"since\":"
		  "\"2026-11-22T10:00:00+01:00\"}",
		  "GET /api/v2/webhook_deliveries?page=1&webhook_id=a%20b&state=errored&since="
		  "2026-11-22T09%3A00%3A00Z" },
		{ "webhook_delivery.redeliver", "{\"id\":17}",
		  "POST /api/v2/webhook_deliveries/17/redeliveries" },
		{ "webhook_delivery.redeliver_many", "{\"delivery_ids\":[17,\"D\"]}",
		  "POST /api/v2/webhook_deliveries/redeliveries (application/json) "
		  "{\"delivery_ids\":[\"17\",\"D\"]}" },
		{ "request", "{\"path\":\"/api/v2/x?a=1\",\"query\":{\"b\":\"c d\"}}",
		  "GET /api/v2/x?a=1&b=c%20d" },
		{ "request", "{\"path\":\"/api/v2/x\",\"json\":{}}",
		  "POST /api/v2/x (application/json) {}" },
		{ "request", "{\"path\":\"/api/v2/x\",\"method\":\"DELETE\"}", "DELETE /api/v2/x" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(built("hindsite", cases[i][0], cases[i][1]), cases[i][2]);
}
END_TEST

START_TEST(requests_that_are_refused)
{
	static const char *const cases[][3] = {
		{ "work_set_workflow.create", "{\"work_set_id\":\"1\"}",
		  "workflow_collection_id is missing" },
		{ "work_set_workflow.create",
		  "{\"work_set_id\":\"1\",\"workflow_collection_id\":\"C\",\"user_ids\":[\"U\",{}]"
		  "}",
		  "user_ids: item 2 is no id" },
		{ "work_set_workflow.create",
		  "{\"work_set_id\":{},\"workflow_collection_id\":\"C\"}",
		  "work_set_id must be an id, not map" },
		{ "journey.create", "{\"workflow_id\":\"W\",\"steps\":[{},7]}",
		  "steps: item 2 is no map" },
		{ "journey.create", "{\"workflow_id\":\"W\",\"steps\":{}}",
		  "steps must be a list, not map" },
		{ "journey.create", "{\"workflow_id\":\"W\",\"steps\":[],\"started_at\":\"noon\"}",
		  "started_at must be a time such as 2026-11-22T09:00:00Z or Unix seconds, not "
		  "\"noon\"" },
		{ "journey.create", "{\"workflow_id\":\"W\",\"steps\":[],\"note\":[]}",
		  "note must be text, not list" },
		{ "asset.list", "{\"location_ids\":[\"a,b\"]}", "location_ids: item 1 is no id" },
		{ "asset.show", "{\"id\":\"..\"}", "\"..\" is no id" },
		{ "asset.search", "{\"criteria\":\"P\"}", "criteria must be a map, not \"P\"" },
		{ "webhook_delivery.list", "{\"page\":0}", "page must be from 1 to 1000000" },
		{ "webhook_delivery.list", "{\"state\":\"lost\"}",
		  "state must be one of completed errored retrying in_progress, not \"lost\"" },
		{ "webhook_delivery.redeliver_many", "{\"delivery_ids\":[null]}",
		  "delivery_ids: item 1 is no id" },
		{ "request", "{\"path\":\"https://evil.example/\"}",
		  "path must begin with / and be percent-encoded" },
		{ "request", "{\"path\":\"\"}", "path must begin with / and be percent-encoded" },
		{ "request", "{\"path\":\"/a b\"}",
		  "path must begin with / and be percent-encoded" },
		{ "request", "{\"path\":\"/api/%2e./oauth\"}", "path must not have . or .. in it" },
		{ "request", "{\"path\":\"/a\",\"method\":\"GET\",\"json\":1}",
		  "a GET sends no body" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(built("hindsite", cases[i][0], cases[i][1]),
				 text_printf(arena, "reject: %s", cases[i][2]).s);
}
END_TEST

START_TEST(what_makes_something_is_not_repeated_blindly)
{
	static const char *const making[] = { "work_set.start",     "work_set_workflow.create",
					      "journey.create",     "journey_step.decision",
					      "form_step.decision", "request" };
	static const char *const harmless[] = { "asset.list",
						"asset.show",
						"asset.search",
						"webhook_delivery.list",
						"webhook_delivery.redeliver",
						"webhook_delivery.redeliver_many" };

	for (size_t i = 0; i < sizeof(making) / sizeof(making[0]); i++)
		ck_assert_int_eq(action("hindsite", making[i])->after_doubt, DOUBT_PARK);
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		ck_assert_int_eq(action("hindsite", harmless[i])->after_doubt, DOUBT_REPEAT);
}
END_TEST

/* ---- replies ---- */

static enum fate read_json(const char *name, struct text body, struct reading *r)
{
	return read_reply("hindsite", name, 201, "application/json", body, r);
}

static const struct {
	const char *action, *file, *path, *value;
} recordings[] = {
	{ "work_set_workflow.create", "hindsite_task.json", "workflow_collection_id",
	  "\"01J8Z3WC01\"" },
	{ "journey.create", "hindsite_journey.json", "started_at", "1795338000" },
	{ "journey_step.decision", "hindsite_decision.json", "decision_value", "\"Yes\"" },
	{ "form_step.decision", "hindsite_decision.json", "id", "\"01J8Z3JS01\"" },
	{ "webhook_delivery.list", "hindsite_deliveries.json", "more", "true" },
	{ "webhook_delivery.redeliver_many", "hindsite_again.json", "dropped_ids",
	  "[\"01J8Z3DL00\",\"17\"]" },
	{ "request", "hindsite_deliveries.json", "meta.total_count", "3" },
};

#define RECORDINGS (sizeof(recordings) / sizeof(recordings[0]))

START_TEST(recorded_replies_are_read)
{
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct reading r;

		ck_assert_msg(read_json(recordings[i].action, recorded(recordings[i].file), &r) ==
				  FATE_OK,
			      "%s: %s", recordings[i].action, call.why);
		ck_assert_ptr_null(r.kind);
		ck_assert_str_eq(at(r.result, recordings[i].path), recordings[i].value);
	}
}
END_TEST

/* Cut at any place a reply is no JSON, and what was made is in doubt. */
START_TEST(truncated_replies_are_retried)
{
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct text whole = text_trim(recorded(recordings[i].file));
		struct reading r;

		for (size_t n = 1; n < whole.n; n += 1 + n / 20)
			ck_assert_int_eq(
			    read_json(recordings[i].action, (struct text){ whole.s, n }, &r),
			    FATE_RETRY);
	}
}
END_TEST

START_TEST(deliveries_are_read_to_the_end)
{
	static const char silent[] = "{\"webhook_deliveries\":[{\"id\":\"1\"}]}";
	struct reading r;

	call.gathered = parsed(TEXT("{\"items\":[],\"page\":0}"));
	ck_assert_int_eq(
	    read_json("webhook_delivery.list", recorded("hindsite_deliveries.json"), &r), FATE_OK);
	ck_assert(r.more);
	call.gathered = parsed(text_dup(arena, text_of(json_of(r.result))));
	ck_assert_str_eq(built("hindsite", "webhook_delivery.list", "{}"),
			 "GET /api/v2/webhook_deliveries?page=2");
	/* An empty page is the end, whatever meta says. */
	ck_assert_int_eq(read_json("webhook_delivery.list",
				   TEXT("{\"webhook_deliveries\":[],\"meta\":{\"total_pages\":3}}"),
				   &r),
			 FATE_OK);
	ck_assert(!r.more);
	/* A server that doesn't know `page` gives the same for ever. */
	call.gathered = parsed(TEXT("{\"items\":[{\"id\":\"1\"}],\"page\":1}"));
	ck_assert_int_eq(read_json("webhook_delivery.list", text_of(silent), &r), FATE_OK);
	ck_assert(!r.more);
	ck_assert_str_eq(json_of(r.result),
			 "{\"items\":[{\"id\":\"1\"}],\"count\":1,\"more\":false}");
	ck_assert_int_eq(read_json("webhook_delivery.list",
				   TEXT("{\"webhook_deliveries\":[{\"id\":\"1\"}],\"meta\":{"
					"\"total_pages\":3}}"),
				   &r),
			 FATE_RETRY);
}
END_TEST

START_TEST(replies_of_another_shape)
{
	static const char *const making[] = {
		"work_set_workflow.create", "journey.create", "journey_step.decision",
		"form_step.decision",       "asset.show",     "webhook_delivery.redeliver"
	};
	static const char *const wrong[] = { "[]", "7",           "\"ok\"",
					     "{}", "{\"id\":{}}", "{\"id\":\"\"}" };
	struct reading r;

	for (size_t i = 0; i < sizeof(making) / sizeof(making[0]); i++) {
		for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++)
			ck_assert_int_eq(read_json(making[i], text_of(wrong[k]), &r), FATE_RETRY);
		ck_assert_int_eq(read_json(making[i], TEXT("{\"error\":\"no\"}"), &r), FATE_REJECT);
		ck_assert_str_eq(call.why, "HINDSITE says: no");
	}
	ck_assert_int_eq(read_json("webhook_delivery.list", TEXT("[]"), &r), FATE_RETRY);
	ck_assert_int_eq(
	    read_json("webhook_delivery.list", TEXT("{\"webhook_deliveries\":[{}]}"), &r),
	    FATE_RETRY);
	ck_assert_str_eq(call.why, "webhook_deliveries: item 1 has no id");
	ck_assert_int_eq(read_json("webhook_delivery.redeliver_many",
				   TEXT("{\"webhook_deliveries\":[],\"meta\":{\"dropped_ids\":7}}"),
				   &r),
			 FATE_RETRY);
	ck_assert_int_eq(
	    read_json("webhook_delivery.redeliver_many", TEXT("{\"webhook_deliveries\":[]}"), &r),
	    FATE_OK);
	ck_assert_str_eq(json_of(r.result), "{\"items\":[],\"count\":0,\"dropped_ids\":[]}");
}
END_TEST

START_TEST(assets_in_any_wrapping)
{
	struct reading r;

	ck_assert_int_eq(read_json("asset.list", TEXT("[{\"id\":\"A\"},{\"id\":2}]"), &r), FATE_OK);
	ck_assert_str_eq(json_of(r.result), "{\"items\":[{\"id\":\"A\"},{\"id\":2}],\"count\":2}");
	ck_assert_int_eq(
	    read_json("asset.search",
		      TEXT("{\"assets\":[{\"id\":\"A\"}],\"meta\":{\"total_count\":1}}"), &r),
	    FATE_OK);
	ck_assert_str_eq(json_of(r.result), "{\"items\":[{\"id\":\"A\"}],\"count\":1}");
	/* Never a part for the whole. */
	ck_assert_int_eq(
	    read_json("asset.list",
		      TEXT("{\"assets\":[{\"id\":\"A\"}],\"meta\":{\"total_count\":30}}"), &r),
	    FATE_REJECT);
	ck_assert_str_eq(call.why, "30 assets fit, but the reply holds only 1: narrow the search");
	ck_assert_int_eq(read_json("asset.list", TEXT("{\"id\":\"A\"}"), &r), FATE_RETRY);
	ck_assert_int_eq(read_json("asset.list", TEXT("[7]"), &r), FATE_RETRY);
	ck_assert_int_eq(read_json("asset.list", TEXT("{\"error\":\"Forbidden\"}"), &r),
			 FATE_REJECT);
}
END_TEST

START_TEST(any_request_may_answer_nothing)
{
	struct reading r;

	ck_assert_int_eq(read_json("request", TEXT(""), &r), FATE_OK);
	ck_assert_str_eq(json_of(r.result), "null");
	ck_assert_int_eq(read_json("request", TEXT("<html>"), &r), FATE_RETRY);
}
END_TEST

/* 400, 401, 403, 404, 422, 429 and 5xx as the API words them, or its proxy. */
START_TEST(errors_in_its_own_words)
{
	static const char *const cases[][2] = {
		{ "{\"error\":\"workflow_id is missing, steps is invalid\"}",
		  "workflow_id is missing, steps is invalid" },
		{ "{\"error\":\"invalid_token\",\"error_description\":\"The access token "
		  "expired\"}",
		  "The access token expired" },
		{ "{\"message\":\"Forbidden\"}", "Forbidden" },
		{ "{\"error\":{\"a\":1}}", "" },
		{ "{\"error\":\"\"}", "" },
		{ "[]", "" },
		{ "<html>502 Bad Gateway</html>", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reply reply = { .status = 400, .body = text_of(cases[i][0]) };
		struct text words = connector("hindsite")->error_words(&call, &reply);

		ck_assert_msg(text_is(words, cases[i][1]), "%s: %.*s", cases[i][0],
			      TEXT_ARG(words));
	}
}
END_TEST

/* ---- the list of deliveries ---- */

static const struct resource *deliveries(void)
{
	const struct resource *r =
	    connector_resource(connector("hindsite"), TEXT("webhook_deliveries"));

	ck_assert_ptr_nonnull(r);
	return r;
}

static const char *asked(const struct page_ask *ask)
{
	struct request request;

	ck_assert_int_eq(deliveries()->ask(&call, ask, &request), FATE_OK);
	buf_clear(&out);
	buf_printf(&out, "%s %.*s %.*s", request.method, TEXT_ARG(request.url),
		   TEXT_ARG(request.body));
	return buf_cstr(&out);
}

static void only_webhook(const char *id)
{
	struct value_map_builder map;

	value_map_begin(&map, arena);
	value_map_set(&map, "webhook_id", value_text(text_of(id)));
	call.settings = value_map_end(&map);
}

START_TEST(pages_of_failed_deliveries)
{
	const struct text ids[] = { TEXT("D1"), TEXT("D2") };
	struct page_ask ask = { .kind = PAGE_CHANGES, .after = 1795309825999 };

	ck_assert_str_eq(asked(&ask), "GET /api/v2/webhook_deliveries?state=errored&page=1&since="
				      "2026-11-22T01%3A10%3A25Z ");
	ask.offset = 3;
	only_webhook("H&1");
	ck_assert_str_eq(asked(&ask), "GET /api/v2/webhook_deliveries?state=errored&page=4&"
				      "webhook_id=H%261&since=2026-11-22T01%3A10%3A25Z ");
	ask = (struct page_ask){ .kind = PAGE_AGAIN, .ids = ids, .id_count = 2 };
	ck_assert_str_eq(asked(&ask), "POST /api/v2/webhook_deliveries/redeliveries "
				      "{\"delivery_ids\":[\"D1\",\"D2\"]}");
}
END_TEST

static bool note_id(void *of, struct text id, struct text json)
{
	struct buf *seen = of;

	buf_printf(seen, "%.*s%s ", TEXT_ARG(id), json.n > 0 ? "" : "!");
	return true;
}

/* "ids, more" of a page, or "fate: why". */
static const char *paged(enum page_kind kind, unsigned offset, struct text body)
{
	const struct page_ask ask = { .kind = kind, .offset = offset };
	struct reply reply = { 200, body, TEXT("application/json") };
	struct page page;
	enum fate fate;

	buf_clear(&out);
	call.why[0] = '\0';
	fate = deliveries()->read(&call, &ask, &reply, note_id, &out, &page);
	if (fate != FATE_OK) {
		buf_clear(&out);
		buf_printf(&out, "%s: %s", fate_word(fate), call.why);
		return buf_cstr(&out);
	}
	buf_str(&out, page.more ? "more" : "end");
	return buf_cstr(&out);
}

#define ROW "{\"webhook_deliveries\":[{\"id\":\"D\"}],\"meta\":"

START_TEST(pages_end_where_meta_says)
{
	struct text page = recorded("hindsite_deliveries.json");

	ck_assert_str_eq(paged(PAGE_CHANGES, 0, page), "01J8Z3DL02 17 more");
	ck_assert_str_eq(paged(PAGE_CHANGES, 1, page), "01J8Z3DL02 17 end");
	only_webhook("01J8Z3HK02");
	ck_assert_str_eq(paged(PAGE_CHANGES, 1, page), "17 end");
	call.settings = (struct value){ .kind = VALUE_MAP };
	ck_assert_str_eq(paged(PAGE_CHANGES, 0, TEXT(ROW "{}}")), "D more");
	ck_assert_str_eq(paged(PAGE_CHANGES, 0, TEXT(ROW "null}")), "D more");
	ck_assert_str_eq(paged(PAGE_CHANGES, 0, TEXT(ROW "{\"next_page\":2}}")), "D more");
	ck_assert_str_eq(paged(PAGE_CHANGES, 0, TEXT(ROW "{\"next_page\":null}}")), "D end");
	ck_assert_str_eq(paged(PAGE_CHANGES, 8, TEXT("{\"webhook_deliveries\":[]}")), "end");
	ck_assert_str_eq(
	    paged(PAGE_CHANGES, 0,
		  TEXT("{\"webhook_deliveries\":[{\"id\":\"D\",\"state\":\"retrying\"}]"
		       "}")),
	    "more");
	ck_assert_str_eq(paged(PAGE_CHANGES, 0, TEXT("{\"webhook_deliveries\":{}}")),
			 "retry: the reply has no webhook_deliveries");
	ck_assert_str_eq(
	    paged(PAGE_CHANGES, 0, TEXT("{\"webhook_deliveries\":[{\"id\":\"D\"},{\"id\":[]}]}")),
	    "retry: webhook_deliveries: item 2 has no id");
}
END_TEST

START_TEST(what_will_not_be_sent_again_is_told)
{
	ck_assert_str_eq(paged(PAGE_AGAIN, 0, recorded("hindsite_again.json")),
			 "01J8Z3DL00! 17! end");
	ck_assert_str_eq(paged(PAGE_AGAIN, 0, TEXT("{\"error\":\"Forbidden\"}")),
			 "reject: HINDSITE says: Forbidden");
	ck_assert_str_eq(paged(PAGE_AGAIN, 0, TEXT("{}")),
			 "retry: the reply has no webhook_deliveries");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors_hindsite");
	TCase *cases = tcase_create("hindsite");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, requests_are_as_documented);
	tcase_add_test(cases, requests_that_are_refused);
	tcase_add_test(cases, what_makes_something_is_not_repeated_blindly);
	tcase_add_test(cases, recorded_replies_are_read);
	tcase_add_test(cases, truncated_replies_are_retried);
	tcase_add_test(cases, deliveries_are_read_to_the_end);
	tcase_add_test(cases, replies_of_another_shape);
	tcase_add_test(cases, assets_in_any_wrapping);
	tcase_add_test(cases, any_request_may_answer_nothing);
	tcase_add_test(cases, errors_in_its_own_words);
	tcase_add_test(cases, pages_of_failed_deliveries);
	tcase_add_test(cases, pages_end_where_meta_says);
	tcase_add_test(cases, what_will_not_be_sent_again_is_told);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
