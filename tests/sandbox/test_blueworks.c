/* SPDX-License-Identifier: Apache-2.0
 *
 * test_blueworks - the sandbox's Blueworks Live from outside.
 */
#include "tests/sandbox/test_client.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define ACME "5f501e134c603"
#define API  "/blueworks/scr/api/"
#define V    "version=20110917"
#define STEP "5f501e134c604"

/* The next calls carry a new token of that client, and act for `user` unless it is empty. */
static void act_as(const char *client, const char *user)
{
	char form[200], lines[200];
	struct result r;

	set_header("");
	(void)snprintf(form, sizeof(form),
		       "grant_type=client_credentials&client_id=%s&client_secret=blueworks-secret",
		       client);
	r = call("POST", "/blueworks/oauth/token", "application/x-www-form-urlencoded", form);
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(number(&r, "expires_in"), 3600);
	(void)snprintf(lines, sizeof(lines), "Authorization: Bearer %s%s%s",
		       text(&r, "access_token"), *user ? "\r\nX-On-Behalf-Of: " : "", user);
	set_header(lines);
	drop(&r);
}

static void status_of(const char *path, long status)
{
	struct result r = get("%s", path);

	ck_assert_msg(r.status == status, "%s: %ld, not %ld", path, r.status, status);
	drop(&r);
}

START_TEST(who_may_ask)
{
	struct result r;

	fresh();
	r = call("POST", "/blueworks/oauth/token", "application/x-www-form-urlencoded",
		 "grant_type=client_credentials&client_id=blueworks-id&client_secret=no");
	ck_assert_int_eq(r.status, 401);
	drop(&r);
	set_header("");
	status_of(API "AppList?" V, 401);
	act_as("blueworks-id", "");
	status_of(API "AppList?" V, 400);
	control("/_sandbox/switches", "{\"blueworks_no_user_status\":403}");
	status_of(API "AppList?" V, 403);
	act_as("blueworks-id", "nobody@example.com");
	status_of(API "AppList?" V, 400);
	act_as("blueworks-id", "kim@example.com");
	status_of(API "AppList?" V, 200);
	status_of(API "AppList", 400);
	status_of(API "AppList?version=1", 400);
	status_of(API "UserList?" V, 403);
	status_of("/blueworks/bwl/activities?start_date=a&end_date=b", 403);
	act_as("blueworks-users-id", "admin@example.com");
	status_of(API "UserList?" V, 200);
	status_of(API "WorkDetail?" V "&workId=" ACME, 403);
	act_as("blueworks-user-id", "");
	status_of(API "WorkDetail?" V "&workId=" ACME, 200);
	control("/_sandbox/clock", "{\"advance_s\":3601}");
	status_of(API "AppList?" V, 401);
}
END_TEST

START_TEST(the_general_host_points_elsewhere)
{
	struct result r;

	fresh();
	r = get("/blueworks-www/scr/api/AppList?" V);
	ck_assert_int_eq(r.status, 301);
	ck_assert(has_header(&r, "Location: http://127.0.0.1"));
	ck_assert_ptr_nonnull(strstr(r.head.data, "/blueworks/scr/api/AppList"));
	drop(&r);
}
END_TEST

START_TEST(details_as_in_the_sample)
{
	struct result r;

	fresh();
	act_as("blueworks-id", "kim@example.com");
	status_of(API "WorkDetail?" V, 400);
	status_of(API "WorkDetail?" V "&workId=nowhere", 404);
	control("/_sandbox/blueworks/" ACME, "{\"details\":\"a/b\"}");
	r = get(API "WorkDetail?" V "&workId=" ACME);
	ck_assert_ptr_nonnull(strstr(r.body.data, "a\\/b"));
	ck_assert_str_eq(text(&r, "work.details"), "a/b");
	ck_assert_int_eq(number(&r, "work.attachments.0.type"), 9);
	ck_assert_int_eq(number(&r, "work.runtimeVersion.2"), 2);
	ck_assert_str_eq(text(&r, "work.status"), "Active");
	ck_assert_str_eq(text(&r, "users.1.name"), "Kim");
	ck_assert_str_eq(text(&r, "version"), "20110917");
	drop(&r);
	control("/_sandbox/clock", "{\"advance_s\":604801}");
	act_as("blueworks-id", "kim@example.com");
	r = get(API "WorkDetail?" V "&workId=" ACME);
	ck_assert_str_eq(text(&r, "work.status"), "Overdue");
	ck_assert_int_eq(number(&r, "work.runtimeVersion.2"), 2);
	drop(&r);
}
END_TEST

static json_int_t rows_of(const char *path, const char *name)
{
	struct result r = get("%s", path);
	json_int_t n;

	ck_assert_int_eq(r.status, 200);
	n = (json_int_t)json_array_size(at(&r, name));
	drop(&r);
	return n;
}

START_TEST(lists_by_page)
{
	fresh();
	act_as("blueworks-id", "kim@example.com");
	status_of(API "WorkList?" V, 400);
	status_of(API "WorkList?" V "&type=all", 400);
	status_of(API "TaskList?" V "&type=open", 400);
	ck_assert_int_eq(rows_of(API "WorkList?" V "&type=closed", "work"), 1);
	ck_assert_int_eq(rows_of(API "TaskList?" V "&type=completed", "tasks"), 1);
	control("/_sandbox/blueworks", "{\"count\":150}");
	ck_assert_int_eq(rows_of(API "WorkList?" V "&type=open", "work"), 100);
	ck_assert_int_eq(rows_of(API "WorkList?" V "&type=open&startFrom=100", "work"), 51);
	ck_assert_int_eq(rows_of(API "WorkList?" V "&type=open&limit=7&startFrom=148", "work"), 3);
	control("/_sandbox/switches", "{\"blueworks_plain_rows\":true}");
	ck_assert_int_eq(rows_of(API "TaskList?" V "&type=assigned&limit=500", "items"), 151);
}
END_TEST

static long action(const char *json)
{
	char path[1000] = API "WorkAction?" V "&action=";
	char *escaped = curl_easy_escape(NULL, json, 0);
	struct result r;
	long status;

	(void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s", escaped);
	curl_free(escaped);
	r = call("POST", path, "application/json", "");
	status = r.status;
	drop(&r);
	return status;
}

#define ACTION(version, more)                                                                      \
	"{\"action\":{\"workId\":\"" ACME "\",\"runtimeVersion\":[\"ede1c9df-61be-4774-99ab-"      \
	"196ec6742d57\",\"" ACME "\"," version "]," more "}}"

START_TEST(every_change_moves_the_version)
{
	fresh();
	act_as("blueworks-id", "lee@example.com");
	ck_assert_int_eq(action("{}"), 400);
	ck_assert_int_eq(action(ACTION("2", "\"type\":\"cancel\"")), 400);
	ck_assert_int_eq(action(ACTION("1", "\"type\":\"nonsense\"")), 400);
	ck_assert_int_eq(action(ACTION("1", "\"type\":\"complete\",\"taskId\":\"" STEP "\"")), 400);
	ck_assert_int_eq(action(ACTION("1", "\"type\":\"approve\",\"taskId\":\"" STEP "\"")), 200);
	ck_assert_int_eq(action(ACTION("1", "\"type\":\"cancel\"")), 400);
	ck_assert_int_eq(action(ACTION("2", "\"type\":\"approve\",\"taskId\":\"" STEP "\"")), 400);
	ck_assert_int_eq(action(ACTION("2", "\"type\":\"subject\",\"subject\":\"x\"")), 200);
	ck_assert_int_eq(action(ACTION("3", "\"type\":\"cancel\"")), 200);
	ck_assert_int_eq(action(ACTION("4", "\"type\":\"cancel\"")), 400);
	ck_assert_int_eq(action("{\"action\":{\"workId\":\"nowhere\"}}"), 404);
}
END_TEST

START_TEST(comments_have_their_limits)
{
	char path[600] = API "WorkComment?" V "&action=add&workId=" ACME "&comment=";
	struct result r;
	size_t n = strlen(path);

	fresh();
	act_as("blueworks-id", "lee@example.com");
	memset(path + n, 'x', 201);
	path[n + 201] = '\0';
	r = call("POST", path, "application/json", "");
	ck_assert_int_eq(r.status, 400);
	drop(&r);
	path[n + 200] = '\0';
	r = call("POST", path, "application/json", "");
	ck_assert_int_eq(r.status, 200);
	drop(&r);
	r = call("POST", API "WorkComment?" V "&action=remove&commentId=no", "application/json",
		 "");
	ck_assert_int_eq(r.status, 404);
	drop(&r);
	r = call("POST", API "LaunchInstance?" V "&instance=no", "application/json", "");
	ck_assert_int_eq(r.status, 400);
	drop(&r);
}
END_TEST

START_TEST(two_hundred_activities_an_hour)
{
	static const char path[] = "/blueworks/bwl/activities?start_date=a&end_date=b";
	struct result r;

	fresh();
	act_as("blueworks-activity-id", "admin@example.com");
	for (int i = 0; i < 200; i++)
		status_of(path, 200);
	r = get("%s", path);
	ck_assert_int_eq(r.status, 429);
	ck_assert(has_header(&r, "Retry-After: "));
	drop(&r);
	control("/_sandbox/clock", "{\"advance_s\":3600}");
	act_as("blueworks-activity-id", "admin@example.com");
	status_of(path, 200);
}
END_TEST

void blueworks_tests(TCase *tc)
{
	tcase_add_test(tc, who_may_ask);
	tcase_add_test(tc, the_general_host_points_elsewhere);
	tcase_add_test(tc, details_as_in_the_sample);
	tcase_add_test(tc, lists_by_page);
	tcase_add_test(tc, every_change_moves_the_version);
	tcase_add_test(tc, comments_have_their_limits);
	tcase_add_test(tc, two_hundred_activities_an_hour);
}
