/* SPDX-License-Identifier: Apache-2.0
 *
 * test_feed - the sandbox's subscribed events, from outside: filters, payloads, delay, order,
 * repeats, nine days, and who may read them. Also what resources are allocated.
 */
#include "tests/sandbox/test_client.h"

#include <stdio.h>
#include <string.h>

#define FEED "/api/v1/subscribed_events"

static long count(const char *query)
{
	struct result r = get(FEED "?%s", query);
	long n;

	ck_assert_int_eq((int)r.status, 200);
	n = (long)number(&r, "count");
	drop(&r);
	return n;
}

START_TEST(what_happened_is_listed)
{
	struct result r;

	fresh();
	ck_assert_int_eq((int)count(""), 0);
	control("/_sandbox/workspaces/1001", "{\"title\":\"Renamed\"}");
	control("/_sandbox/workspaces/1002/archive", "{}");
	control("/_sandbox/workspace_resources/3003", "{\"user_id\":9002}");
	ck_assert_int_eq((int)count(""), 3);
	ck_assert_int_eq((int)count("event_types=workspace:updated,story:created"), 2);
	ck_assert_int_eq((int)count("subject_type=WorkspaceResource"), 1);
	ck_assert_int_eq((int)count("subject_type=Workspace&subject_id=1002,5"), 1);
	ck_assert_int_eq((int)count("user_ids=1"), 0);
	ck_assert_int_eq((int)count("created_after=2100-01-01"), 0);
	control("/_sandbox/workspaces/1001", "{\"title\":\"Renamed again\"}");
	ck_assert_int_eq((int)count("most_recent=true"), 3);
	r = get(FEED "?subject_type=Workspace&subject_id=1001&include=subject&order=created_at:asc"
		     "&optional_fields=previous_payload,current_payload,payload_changes");
	ck_assert_str_eq(text(&r, "subscribed_events.80001.event_type"), "workspace:updated");
	ck_assert_str_eq(text(&r, "subscribed_events.80001.previous_payload.title"),
			 "Acme rollout");
	ck_assert_str_eq(text(&r, "subscribed_events.80001.current_payload.title"), "Renamed");
	ck_assert_str_eq(text(&r, "subscribed_events.80004.payload_changes.title.1"),
			 "Renamed again");
	ck_assert_str_eq(text(&r, "subscribed_events.80001.subject_ref.key"), "workspaces");
	ck_assert_str_eq(text(&r, "subscribed_events.80001.subject_ref.id"), "1001");
	drop(&r);
	r = get(FEED "?subject_id=1001");
	ck_assert_int_eq((int)r.status, 400);
	drop(&r);
	r = get(FEED "?most_recent=true&most_recent_by_event_type=true");
	ck_assert_int_eq((int)r.status, 400);
	drop(&r);
}
END_TEST

START_TEST(a_deleted_subject_has_no_ref)
{
	struct result r;

	fresh();
	r = call("DELETE", "/api/v1/workspaces/1001", "", NULL);
	ck_assert_int_eq((int)r.status, 204);
	drop(&r);
	r = get(FEED "?include=subject&order=created_at:desc&optional_fields=previous_payload");
	/* Its resources go with it. */
	ck_assert_int_eq((int)number(&r, "count"), 4);
	ck_assert_str_eq(text(&r, "subscribed_events.80004.event_type"), "workspace:deleted");
	ck_assert(json_is_null(at(&r, "subscribed_events.80004.subject_ref")));
	ck_assert_str_eq(text(&r, "subscribed_events.80004.previous_payload.title"),
			 "Acme rollout");
	drop(&r);
}
END_TEST

START_TEST(late_shuffled_and_twice)
{
	struct result r;

	fresh();
	control("/_sandbox/switches", "{\"feed_lag_s\":300,\"feed_payload_text\":true}");
	for (int i = 0; i < 8; i++)
		control("/_sandbox/workspaces/1001/log_hours", "{\"hours\":1}");
	ck_assert_int_eq((int)count(""), 0);
	control("/_sandbox/clock", "{\"advance_s\":300}");
	ck_assert_int_eq((int)count(""), 8);
	r = get(FEED "?optional_fields=current_payload&order=created_at:asc");
	ck_assert_str_eq(text(&r, "results.0.id"), "80001");
	ck_assert(json_is_string(at(&r, "subscribed_events.80001.current_payload")));
	drop(&r);
	control("/_sandbox/switches", "{\"feed_duplicates\":true,\"feed_shuffled\":true}");
	ck_assert_int_eq((int)count(""), 12);
	r = get(FEED "?order=created_at:asc");
	ck_assert_int_eq((int)json_array_size(at(&r, "results")), 12);
	ck_assert_int_eq((int)json_object_size(at(&r, "subscribed_events")), 8);
	drop(&r);
	control("/_sandbox/clock", "{\"advance_s\":777000}");
	ck_assert_int_eq((int)count(""), 12);
	control("/_sandbox/clock", "{\"advance_s\":864}");
	ck_assert_int_eq((int)count(""), 0);
}
END_TEST

START_TEST(administrators_only)
{
	struct result r;

	fresh();
	r = get(FEED "/event_types");
	ck_assert_int_eq((int)r.status, 200);
	ck_assert_uint_gt(json_array_size(at(&r, "subscribed_event_types")), 100);
	drop(&r);
	control("/_sandbox/switches", "{\"kantata_admin\":false}");
	r = get(FEED);
	ck_assert_int_eq((int)r.status, 403);
	ck_assert_str_eq(text(&r, "errors.0.type"), "system");
	drop(&r);
	r = get(FEED ".json");
	ck_assert_int_eq((int)r.status, 403);
	drop(&r);
	r = get("/api/v1/workspaces");
	ck_assert_int_eq((int)r.status, 200);
	drop(&r);
}
END_TEST

START_TEST(events_by_hand)
{
	struct result r;

	fresh();
	r = post("/_sandbox/subscribed_events",
		 "{\"event_type\":\"time_entry:updated\",\"subject_type\":\"TimeEntry\","
		 "\"subject_id\":5,\"current_payload\":{\"minutes\":3},\"age_s\":3600}");
	ck_assert_int_eq((int)r.status, 200);
	ck_assert_str_eq(text(&r, "id"), "80001");
	drop(&r);
	ck_assert_int_eq((int)count("subject_type=TimeEntry"), 1);
	r = post("/_sandbox/subscribed_events", "{\"event_type\":\"story\"}");
	ck_assert_int_eq((int)r.status, 422);
	ck_assert_ptr_nonnull(strstr(text(&r, "error"), "event_type"));
	drop(&r);
}
END_TEST

/* What resources are allocated, and whose projects: made by hand, listed, gone with a reset. */
START_TEST(allocations_are_listed)
{
	struct result r;

	fresh();
	control("/_sandbox/workspace_allocations",
		"{\"resource_id\":3001,\"start_date\":\"2026-11-23\",\"end_date\":\"2026-11-27\","
		"\"minutes\":2400,\"hard\":true}");
	control("/_sandbox/workspace_allocations",
		"{\"resource_id\":3002,\"start_date\":\"2026-11-23\",\"end_date\":\"2026-11-23\","
		"\"minutes\":60}");
	control("/_sandbox/workspace_allocations/4002", "{\"minutes\":90}");
	r = get("/api/v1/workspace_allocations?per_page=1&page=2&include=workspace_resource");
	ck_assert_int_eq((int)number(&r, "count"), 2);
	ck_assert_str_eq(text(&r, "results.0.key"), "workspace_allocations");
	ck_assert_str_eq(text(&r, "results.0.id"), "4002");
	ck_assert_int_eq((int)number(&r, "workspace_allocations.4002.minutes"), 90);
	ck_assert_int_eq((int)number(&r, "workspace_allocations.4002.resource_id"), 3002);
	ck_assert_str_eq(text(&r, "workspace_allocations.4002.workspace_resource_id"), "3002");
	ck_assert_str_eq(text(&r, "workspace_allocations.4002.start_date"), "2026-11-23");
	drop(&r);
	r = post("/_sandbox/workspace_allocations", "{\"resource_id\":3001,\"minutes\":1}");
	ck_assert_int_eq((int)r.status, 422);
	drop(&r);
	r = post(
	    "/_sandbox/workspace_allocations",
	    "{\"resource_id\":3001,\"start_date\":\"2026-11-23\",\"end_date\":\"2026-11-22\"}");
	ck_assert_int_eq((int)r.status, 422);
	drop(&r);
	r = call("DELETE", "/_sandbox/workspace_allocations/4001", NULL, NULL);
	ck_assert_int_eq((int)r.status, 200);
	drop(&r);
	r = get("/api/v1/workspace_allocations?only=4001");
	ck_assert_int_eq((int)number(&r, "count"), 0);
	drop(&r);
	fresh();
	r = get("/api/v1/workspace_allocations");
	ck_assert_int_eq((int)number(&r, "count"), 0);
	drop(&r);
	r = get("/api/v1/workspaces?provider_lead=9001,9003&order=title:asc");
	ck_assert_int_eq((int)number(&r, "count"), 2);
	ck_assert_str_eq(text(&r, "results.0.id"), "1001");
	drop(&r);
}
END_TEST

void feed_tests(TCase *tc)
{
	tcase_add_test(tc, allocations_are_listed);
	tcase_add_test(tc, what_happened_is_listed);
	tcase_add_test(tc, a_deleted_subject_has_no_ref);
	tcase_add_test(tc, late_shuffled_and_twice);
	tcase_add_test(tc, administrators_only);
	tcase_add_test(tc, events_by_hand);
}
