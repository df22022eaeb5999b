/* SPDX-License-Identifier: Apache-2.0
 *
 * Kantata's actions: each request as text, and every reply's fate. */
#include "tests/unit/test_connectors_kit.h"

static void check_built(const char *name, const char *params, const char *wanted)
{
	ck_assert_str_eq(built("kantata", name, params), wanted);
}

START_TEST(each_operation_is_its_request)
{
	check_built("workspace.create", "{\"workspace\":{\"title\":\"A\",\"price\":\"12\"}}",
		    "POST /workspaces (application/json) {\"workspace\":{\"title\":\"A\","
		    "\"price\":12}}");
	check_built("workspace.create_many",
		    "{\"workspaces\":[{\"title\":\"A\"}],\"include\":[\"creator\"]}",
		    "POST /workspaces?include=creator (application/json) "
		    "{\"workspaces\":[{\"title\":\"A\"}]}");
	check_built("workspace.delete", "{\"id\":7}", "DELETE /workspaces/7");
	check_built("workspace.apply_template",
		    "{\"id\":7,\"edit_stories\":true,\"workspace\":{\"project_tracker_template_"
		    "id\":1}}",
		    "PUT /workspaces/7/apply_template?edit_stories=true (application/json) "
		    "{\"workspace\":{\"project_tracker_template_id\":\"1\"}}");
	check_built("workspace.permissions", "{\"id\":7}", "GET /workspaces/7/permissions");
	check_built("workspace.toggle_time_approvals",
		    "{\"id\":7,\"workspace\":{\"enable\":false}}",
		    "PUT /workspaces/7/toggle_time_approvals (application/json) "
		    "{\"workspace\":{\"enable\":false}}");
	check_built("workspace.toggle_expense_approvals",
		    "{\"id\":7,\"workspace\":{\"enable\":true,\"backfill_date\":\"2026-01-31\"}}",
		    "PUT /workspaces/7/toggle_expense_approvals (application/json) "
		    "{\"workspace\":{\"enable\":true,\"backfill_date\":\"2026-01-31\"}}");
	check_built("workspace.unarchive_with_approvals", "{\"id\":\"a/b\"}",
		    "PUT /workspaces/a%2Fb/unarchive_with_approvals");
	check_built("workspace_resource.show", "{\"id\":3,\"include\":[\"user\"]}",
		    "GET /workspace_resources/3?include_unnamed=true&include=user");
	check_built("workspace_resource.delete", "{\"id\":3}", "DELETE /workspace_resources/3");
	check_built("workspace_resource.allocations_matching_scheduled_hours",
		    "{\"id\":3,\"hard\":true,\"occurrence\":{\"type\":\"anytime\"}}",
		    "POST /workspace_resources/3/allocations_matching_scheduled_hours "
		    "(application/json) {\"data\":[{\"resource_ids\":[\"3\"],\"hard\":true,"
		    "\"occurrence\":{\"type\":\"anytime\"}}]}");
}
END_TEST

START_TEST(filters_stand_in_the_query)
{
	check_built(
	    "workspace.list",
	    "{\"only\":[1,\"2\"],\"budgeted\":false,\"creator\":[],\"by_custom_text_value\":"
	    "\"(1:a b)\",\"created_after\":\"2026-01-01T00:00:00Z\"}",
	    "GET /workspaces?per_page=200&budgeted=false&by_custom_text_value=%281%3Aa%20b%"
	    "29&only=1,2&created_after=2026-01-01T00%3A00%3A00Z");
	check_built("workspace_resource.list", "{\"workspace_id\":7,\"only_unnamed\":true}",
		    "GET /workspace_resources?per_page=200&only_unnamed=true&workspace_id=7");
	check_built("workspace.list", "{\"only\":[\"1,2\"]}", "reject: only: \"1,2\" is no item");
	check_built("workspace.list", "{\"only\":[[1]]}", "reject: only: a list can't stand in it");
	check_built("workspace.list", "{\"only\":[\"\"]}", "reject: only: \"\" is no item");
	check_built("workspace.list", "{\"archived\":\"maybe\"}",
		    "reject: archived must be one of exclude include only, not \"maybe\"");
}
END_TEST

START_TEST(what_does_not_fit_is_named)
{
	check_built("workspace.create", "{\"workspace\":{}}", "reject: workspace.title is missing");
	check_built("workspace.create_many", "{\"workspaces\":[]}",
		    "reject: workspaces: 1 to 100 at once, not 0");
	check_built("workspace.update", "{\"id\":1,\"workspace\":{\"creator_role\":\"maven\"}}",
		    "reject: workspace.creator_role is no parameter");
	check_built("workspace.invite", "{\"id\":1,\"invitation\":{\"full_name\":\"K\"}}",
		    "reject: invitation.email_address is missing");
	check_built("workspace_resource.create", "{\"workspace_resource\":{\"workspace_id\":1}}",
		    "reject: a resource without user_id is unnamed and needs a role_id");
	check_built("workspace_resource.create_many",
		    "{\"workspace_resources\":[{\"workspace_id\":1,\"user_id\":null}]}",
		    "reject: a resource without user_id is unnamed and needs a role_id");
	check_built("workspace_resource.allocations_matching_scheduled_hours_many",
		    "{\"data\":[{\"resource_ids\":[1],\"hard\":true,\"occurrence\":{\"type\":"
		    "\"between\",\"start_date\":\"2026-01-01T00:00:00Z\"}}]}",
		    "reject: occurrence between needs end_date");
	check_built("workspace_resource.allocations_matching_scheduled_hours",
		    "{\"id\":1,\"hard\":true,\"occurrence\":{\"type\":\"after\"}}",
		    "reject: occurrence after needs after_date");
}
END_TEST

/* 201 projects at once are one too many for the product. */
START_TEST(bulk_is_bounded)
{
	struct buf json;

	buf_init(&json, MIB);
	buf_str(&json, "{\"workspace_resources\":[");
	for (int i = 0; i < 201; i++)
		buf_printf(&json, "%s{\"workspace_id\":1,\"user_id\":2}", i > 0 ? "," : "");
	buf_str(&json, "]}");
	check_built("workspace_resource.create_many", buf_cstr(&json),
		    "reject: workspace_resources: 1 to 200 at once, not 201");
	buf_fini(&json);
}
END_TEST

static enum fate fate_of(const char *name, const char *body, struct reading *r)
{
	return read_reply("kantata", name, 200, "application/json", text_of(body), r);
}

START_TEST(each_reply_has_its_fate)
{
	static const struct {
		const char *action, *body;
		enum fate fate;
	} cases[] = {
		{ "workspace.delete", "", FATE_OK },
		{ "workspace.delete", "{\"errors\":[{\"message\":\"no\"}]}", FATE_REJECT },
		{ "workspace.permissions", "{\"can_manage_finance\":true}", FATE_OK },
		{ "workspace.permissions", "{}", FATE_RETRY },
		{ "workspace.permissions", "[]", FATE_RETRY },
		{ "workspace.permissions", "", FATE_RETRY },
		{ "workspace.invite",
		  "{\"results\":[{\"key\":\"workspace_invitations\",\"id\":\"1\"}],"
		  "\"workspace_invitations\":{\"1\":{\"id\":\"1\"}}}",
		  FATE_OK },
		{ "workspace.invite", "{\"results\":[{\"key\":\"workspaces\",\"id\":\"1\"}]}",
		  FATE_RETRY },
		{ "workspace.invite", "{\"results\":[],\"workspace_invitations\":{}}", FATE_RETRY },
		{ "workspace_resource.allocations_matching_scheduled_hours", "{\"success\":true}",
		  FATE_OK },
		{ "workspace_resource.allocations_matching_scheduled_hours", "{\"success\":false}",
		  FATE_REJECT },
		{ "workspace_resource.allocations_matching_scheduled_hours_many", "{\"success\":1}",
		  FATE_RETRY },
		{ "workspace_resource.show",
		  "{\"results\":[{\"key\":\"workspace_resources\",\"id\":\"3\"}],"
		  "\"workspace_resources\":{\"3\":{\"id\":\"3\"}}}",
		  FATE_OK },
		{ "workspace_resource.show",
		  "{\"results\":[{\"key\":\"workspaces\",\"id\":\"3\"}],\"workspaces\":{\"3\":{}}}",
		  FATE_RETRY },
		{ "workspace.create_many", "{\"results\":[]}", FATE_RETRY },
		{ "workspace.create_many", "{\"count\":0,\"results\":[]}", FATE_OK },
		{ "workspace.list", "{\"count\":1,\"results\":[],\"workspaces\":{}}", FATE_RETRY },
		{ "workspace.list", "{\"count\":0,\"results\":[],\"workspaces\":{}}", FATE_OK },
		{ "workspace.list", "{\"count\":5001,\"results\":[]}", FATE_REJECT },
		{ "workspace.list", "{\"error_message\":\"no\"}", FATE_REJECT },
		{ "workspace_resource.list", "{\"count\":1,\"results\":[7]}", FATE_RETRY },
	};
	struct reading r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(fate_of(cases[i].action, cases[i].body, &r) == cases[i].fate,
			      "%s %s: %s", cases[i].action, cases[i].body, call.why);
}
END_TEST

START_TEST(resources_have_what_they_include)
{
	struct reading r;

	ck_assert_int_eq(
	    fate_of("workspace_resource.show",
		    "{\"results\":[{\"key\":\"workspace_resources\",\"id\":\"3\"}],\"workspace_"
		    "resources\":{\"3\":{\"id\":\"3\",\"workspace_id\":7,\"user_id\":null}},"
		    "\"workspaces\":{\"7\":{\"title\":\"Acme\"}},\"users\":{}}",
		    &r),
	    FATE_OK);
	ck_assert_str_eq(r.kind->name, "kantata.workspace_resource");
	ck_assert_str_eq(at(r.result, "workspace.title"), "\"Acme\"");
	ck_assert_str_eq(at(r.result, "user"), "null");
}
END_TEST

START_TEST(a_template_tells_its_tasks)
{
	struct reading r;

	ck_assert_int_eq(
	    fate_of("workspace.apply_template",
		    "{\"results\":[{\"key\":\"workspaces\",\"id\":\"3\"}],\"workspaces\":{\"3\":{"
		    "\"id\":\"3\"}},\"template_stories_json\":[{\"title\":\"A\"}]}",
		    &r),
	    FATE_OK);
	ck_assert_str_eq(at(r.result, "template_stories_json.0.title"), "\"A\"");
	ck_assert_str_eq(at(r.object, "template_stories_json"), "absent");
}
END_TEST

START_TEST(any_other_path_stays_beneath_the_base)
{
	struct reading r;

	check_built("request", "{\"path\":\"/time_entries\",\"query\":{\"a b\":[1,\"&\"]}}",
		    "GET /time_entries?a%20b=1&a%20b=%26");
	check_built("request", "{\"path\":\"/posts/7\",\"method\":\"PUT\",\"json\":{\"post\":{}}}",
		    "PUT /posts/7 (application/json) {\"post\":{}}");
	check_built("request", "{\"path\":\"/posts\",\"json\":null}", "GET /posts");
	check_built("request", "{\"path\":\"/posts\",\"method\":\"GET\",\"json\":{}}",
		    "reject: a GET sends no body");
	static const char *const paths[] = {
		"",       "/",    "posts",   "//evil.example", "/../oauth",  "/a/..", "/a/%2e%2E/b",
		"/a?b=c", "/a#b", "/a\\\\b", "/a b",           "https://x/y"
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct text json = text_printf(arena, "{\"path\":\"%s\"}", paths[i]);

		ck_assert_msg(strncmp(built("kantata", "request", json.s), "reject: path", 12) == 0,
			      "%s", paths[i]);
	}
	ck_assert_int_eq(fate_of("request", "{\"count\":1}", &r), FATE_OK);
	ck_assert_str_eq(at(r.result, "count"), "1");
	ck_assert_int_eq(fate_of("request", "{\"errors\":[{\"message\":\"no\"}]}", &r),
			 FATE_REJECT);
	ck_assert_int_eq(fate_of("request", "<html>", &r), FATE_RETRY);
	ck_assert_int_eq(read_reply("kantata", "request", 204, "", TEXT(""), &r), FATE_OK);
	ck_assert_int_eq(r.result.kind, VALUE_NULL);
}
END_TEST

START_TEST(all_pages_of_any_path)
{
	struct reading r;

	check_built("request", "{\"path\":\"/posts\",\"all_pages\":true}",
		    "GET /posts?per_page=200");
	check_built("request", "{\"path\":\"/posts\",\"all_pages\":false}", "GET /posts");
	check_built("request", "{\"path\":\"/posts\",\"all_pages\":true,\"json\":{}}",
		    "reject: all_pages goes with a GET");
	check_built("request", "{\"path\":\"/posts\",\"all_pages\":true,\"query\":{\"page\":2}}",
		    "reject: query.page can't go with all_pages");
	call.gathered = parsed(TEXT("{\"items\":[]}"));
	ck_assert_int_eq(fate_of("request",
				 "{\"count\":2,\"results\":[{\"key\":\"posts\",\"id\":\"5\"}],"
				 "\"posts\":{\"5\":{\"id\":\"5\"}}}",
				 &r),
			 FATE_OK);
	ck_assert(r.more);
	call.gathered = parsed(text_dup(arena, text_of(json_of(r.result))));
	check_built("request", "{\"path\":\"/posts\",\"query\":{\"a\":1},\"all_pages\":true}",
		    "GET /posts?a=1&limit=200&offset=1");
	ck_assert_int_eq(fate_of("request", "{\"count\":2,\"results\":[7]}", &r), FATE_RETRY);
	ck_assert_int_eq(fate_of("request", "{\"count\":1,\"results\":[],\"posts\":{}}", &r),
			 FATE_RETRY);
	ck_assert_int_eq(fate_of("request", "{\"can\":true}", &r), FATE_REJECT);
	ck_assert_int_eq(fate_of("request", "<html>", &r), FATE_RETRY);
	ck_assert_int_eq(
	    fate_of("request",
		    "{\"count\":2,\"results\":[{\"key\":\"posts\",\"id\":\"5\"},{\"key\":"
		    "\"posts\",\"id\":\"6\"}],\"posts\":{\"5\":{\"id\":\"5\"},\"6\":{\"id\":"
		    "\"6\"}}}",
		    &r),
	    FATE_OK);
	ck_assert(!r.more);
	ck_assert_str_eq(json_of(r.result),
			 "{\"items\":[{\"id\":\"5\"},{\"id\":\"6\"}],\"count\":2}");
}
END_TEST

/* Whatever is cut off is read without harm, and never taken for the whole. */
START_TEST(cut_replies_are_tried_again)
{
	struct text whole = recorded("kantata_page.json");
	struct reading r;

	for (const struct action *a = connector("kantata")->actions; a->name != NULL; a++)
		for (size_t n = 1; n + 1 < whole.n; n += 1 + n / 20)
			ck_assert_msg(read_reply("kantata", a->name, 200, "application/json",
						 (struct text){ whole.s, n }, &r) == FATE_RETRY,
				      "%s at %zu", a->name, n);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors_kantata_actions");
	TCase *cases = tcase_create("kantata_actions");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, each_operation_is_its_request);
	tcase_add_test(cases, filters_stand_in_the_query);
	tcase_add_test(cases, what_does_not_fit_is_named);
	tcase_add_test(cases, bulk_is_bounded);
	tcase_add_test(cases, each_reply_has_its_fate);
	tcase_add_test(cases, resources_have_what_they_include);
	tcase_add_test(cases, a_template_tells_its_tasks);
	tcase_add_test(cases, any_other_path_stays_beneath_the_base);
	tcase_add_test(cases, all_pages_of_any_path);
	tcase_add_test(cases, cut_replies_are_tried_again);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
