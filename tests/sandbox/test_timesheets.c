/* SPDX-License-Identifier: Apache-2.0
 *
 * test_timesheets - projects found by a custom field, and by timesheets that wait for approval.
 */
#include "tests/sandbox/test_client.h"

START_TEST(custom_texts_and_timesheets)
{
	struct result r;

	fresh();
	control("/_sandbox/workspaces/1001",
		"{\"custom_fields\":[{\"custom_field_id\":2,\"value\":\"A-1\"},"
		"{\"custom_field_id\":8,\"value\":\"x:y\"}],\"approver_ids\":[9001,9002],"
		"\"timesheet_submissions\":[{\"user_id\":9003,\"status\":\"new\","
		"\"start_date\":\"2026-11-09\",\"end_date\":\"2026-11-15\"}]}");
	expect_ids("by_custom_text_value=2:A-1", "1001");
	expect_ids("by_custom_text_value=(2:A-1):(8:x:y)", "1001");
	expect_ids("by_custom_text_value=2:A-1;8:x:y", "1001");
	expect_ids("by_custom_text_value=2:A", "");
	expect_ids("by_custom_text_value=2:A-1;8:z", "");
	expect_ids("by_custom_text_value=A-1", "");
	expect_ids("pending_timesheet_submissions=2026-11-15;2026-11-22", "1001");
	expect_ids("pending_timesheet_submissions=2026-11-16;2026-11-22", "");
	r = get("/api/v1/workspaces/1001?include=approver,approvers,timesheet_submissions");
	ck_assert_str_eq(text(&r, "workspaces.1001.approver_id"), "9001");
	ck_assert_str_eq(text(&r, "workspaces.1001.approver_ids.1"), "9002");
	ck_assert_str_eq(text(&r, "users.9002.full_name"), "Jonas Okafor");
	ck_assert_str_eq(text(&r, "timesheet_submissions.100101.status"), "new");
	drop(&r);
	control("/_sandbox/workspaces/1001",
		"{\"timesheet_submissions\":[{\"user_id\":9003,\"status\":\"approved\","
		"\"start_date\":\"2026-11-09\",\"end_date\":\"2026-11-15\"}]}");
	expect_ids("pending_timesheet_submissions=2026-11-01;2026-11-22", "");
	r = get("/api/v1/workspaces?pending_timesheet_submissions=november");
	ck_assert_int_eq(r.status, 400);
	drop(&r);
}
END_TEST

void timesheet_tests(TCase *tc)
{
	tcase_add_test(tc, custom_texts_and_timesheets);
}
