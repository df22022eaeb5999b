/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sandbox - the sandbox seen from outside: starts the binary named by SANDBOX (or the first
 * argument) on a free port and talks HTTP to it.
 *
 * Waits on replies and sockets, never on time; delays are checked as lower bounds only.
 */
#include "tests/sandbox/test_client.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE "01J8Z3KQ5V9X7W2M4N6P8R0T1A"

/* Lists workspaces and checks the numbers around them. */
static void expect_page(const char *query, json_int_t count, size_t rows, json_int_t pages,
			json_int_t page, json_int_t size)
{
	struct result r = get("/api/v1/workspaces?%s", query);

	ck_assert_msg(r.status == 200, "%s: %ld", query, r.status);
	ck_assert_msg(number(&r, "count") == count, "%s: count %lld", query,
		      (long long)number(&r, "count"));
	ck_assert_msg(json_array_size(at(&r, "results")) == rows, "%s: %zu rows", query,
		      json_array_size(at(&r, "results")));
	ck_assert_uint_eq(json_object_size(at(&r, "workspaces")), rows);
	ck_assert_int_eq(number(&r, "meta.count"), count);
	ck_assert_msg(number(&r, "meta.page_count") == pages, "%s", query);
	ck_assert_msg(number(&r, "meta.page_number") == page, "%s", query);
	ck_assert_msg(number(&r, "meta.page_size") == size, "%s", query);
	drop(&r);
}

START_TEST(envelope_arithmetic)
{
	fresh();
	control("/_sandbox/seed", "{\"workspaces\":450}");
	expect_page("", 450, 20, 23, 1, 20);
	expect_page("per_page=0", 450, 20, 23, 1, 20);
	expect_page("per_page=x", 450, 20, 23, 1, 20);
	expect_page("per_page=5000", 450, 200, 3, 1, 200);
	expect_page("per_page=200&page=3", 450, 50, 3, 3, 200);
	expect_page("per_page=200&page=4", 450, 0, 3, 4, 200);
	expect_page("per_page=200&page=9223372036854775807", 450, 0, 3, INT64_MAX, 200);
	expect_page("per_page=200&page=-2", 450, 200, 3, -2, 200);
	expect_page("per_page=50&limit=7&offset=445", 450, 5, 9, 1, 50);
	expect_page("per_page=50&limit=7", 450, 50, 9, 1, 50);
	expect_page("limit=900&offset=-5", 450, 200, 23, 1, 20);
	expect_page("matching=nowhere", 0, 0, 0, 0, 20);
	expect_page("only=1001,1002,1002,x,77", 2, 2, 1, 1, 20);
	expect_page("only=1001,1002,1003&per_page=1&page=3", 3, 3, 3, 3, 1);
	expect_page("except=1001,1002", 448, 20, 23, 1, 20);
}
END_TEST

START_TEST(order_and_filters)
{
	fresh();
	expect_ids("", "1004,1003,1002,1001");
	expect_ids("order=created_at:asc", "1001,1002,1003,1004");
	expect_ids("order=nonsense:asc", "1004,1003,1002,1001");
	expect_ids("order=price:desc", "1002,1001,1003,1004");
	expect_ids("order=stage:asc", "1004,1003,1002,1001");
	expect_ids("order=status:desc", "1001,1002,1003,1004");
	expect_ids("order=status:asc", "1001,1002,1003,1004");
	expect_ids("order=title:sideways", "1001,1002,1003,1004");
	expect_ids("matching=the%20acme%20ROLL", "1001");
	expect_ids("matching=ollout", "");
	expect_ids("stage=estimate", "");
	expect_ids("stage=", "1004,1003,1002,1001");
	expect_ids("budgeted=false", "");
	control("/_sandbox/workspaces/1003", "{\"due_date\":\"2020-01-31\",\"budgeted\":false}");
	expect_ids("due_date_before=2020-02-01", "1003");
	expect_ids("due_date_before=2020-01-31", "");
	expect_ids("budgeted=false", "1003");
}
END_TEST

START_TEST(time_filters)
{
	struct result r;

	fresh();
	control("/_sandbox/workspaces/1001", "{\"created_at\":\"2020-05-01T12:00:00+02:00\","
					     "\"updated_at\":\"2020-05-01T10:00:00Z\"}");
	r = get("/api/v1/workspaces/1001");
	ck_assert_str_eq(text(&r, "workspaces.1001.created_at"), "2020-05-01T03:00:00-07:00");
	ck_assert_str_eq(text(&r, "workspaces.1001.updated_at"), "2020-05-01T03:00:00-07:00");
	drop(&r);
	expect_ids("updated_before=2020-05-01T10:00:00Z", "");
	expect_ids("updated_before=2020-05-01T10:00:01Z", "1001");
	expect_ids("created_after=2020-05-01T03:00:00-07:00&created_before=2021-01-01", "");
	expect_ids("created_after=2020-05-01T02:59:59.999-07:00&created_before=2021-01-01", "1001");
	control("/_sandbox/switches", "{\"after_inclusive\":true}");
	expect_ids("created_after=2020-05-01T03:00:00-07:00&created_before=2021-01-01", "1001");
	r = get("/api/v1/workspaces?updated_after=yesterday");
	ck_assert_int_eq(r.status, 400);
	ck_assert_str_ne(text(&r, "errors.0.message"), "");
	drop(&r);
}
END_TEST

START_TEST(archived_rules)
{
	struct result r;

	fresh();
	control("/_sandbox/workspaces/1002/archive", "");
	expect_ids("order=created_at:asc", "1001,1003,1004");
	expect_ids("order=created_at:asc&include_archived=true", "1001,1002,1003,1004");
	expect_ids("archived=only", "1002");
	expect_ids("archived=include&order=created_at:asc", "1001,1002,1003,1004");
	expect_ids("only=1001,1002", "1001");
	expect_ids("only=1002&apply_default_filters=false", "1002");
	r = get("/api/v1/workspaces/1002");
	ck_assert_int_eq(r.status, 404);
	ck_assert_str_eq(text(&r, "errors.0.type"), "system");
	drop(&r);
	r = get("/api/v1/workspaces/1002.json?include_archived=true");
	ck_assert_int_eq(r.status, 200);
	drop(&r);
	r = call("PUT", "/api/v1/workspaces/1002", "application/json",
		 "{\"workspace\":{\"archived\":false}}");
	ck_assert_int_eq(r.status, 200);
	ck_assert(json_is_false(at(&r, "workspaces.1002.archived")));
	drop(&r);
	expect_ids("archived=only", "");
}
END_TEST

static json_t *maybe(const struct result *r, const char *field)
{
	return json_object_get(at(r, "workspaces.1001"), field);
}

START_TEST(fields_and_includes)
{
	struct result r;

	fresh();
	r = get("/api/v1/workspaces/1001");
	ck_assert_ptr_null(maybe(&r, "stage"));
	ck_assert_ptr_null(maybe(&r, "primary_maven_id"));
	ck_assert(json_is_real(maybe(&r, "percent_of_budget_used")));
	ck_assert(json_is_integer(maybe(&r, "price_in_cents")));
	ck_assert_str_eq(text(&r, "workspaces.1001.id"), "1001");
	ck_assert_str_eq(text(&r, "workspaces.1001.status.key"), "305");
	ck_assert_ptr_null(json_object_get(r.json, "users"));
	drop(&r);
	r = get("/api/v1/workspaces/1001?optional_fields=stage,provider_lead_name,nonsense"
		"&include=primary_maven,custom_field_values,current_status_report,nonsense");
	ck_assert_str_eq(text(&r, "workspaces.1001.stage"), "project");
	ck_assert_str_eq(text(&r, "workspaces.1001.provider_lead_name"), "Mara Lindqvist");
	ck_assert_str_eq(text(&r, "workspaces.1001.primary_maven_id"), "9001");
	ck_assert_str_eq(text(&r, "users.9001.full_name"), "Mara Lindqvist");
	ck_assert_uint_eq(json_object_size(at(&r, "custom_field_values")), 0);
	ck_assert_uint_eq(json_object_size(at(&r, "status_reports")), 0);
	drop(&r);
	control("/_sandbox/switches", "{\"financials\":false}");
	r = get("/api/v1/workspaces/1001");
	ck_assert_ptr_null(maybe(&r, "price_in_cents"));
	ck_assert_ptr_nonnull(maybe(&r, "over_budget"));
	drop(&r);
}
END_TEST

START_TEST(create_update_delete)
{
	struct result r;

	fresh();
	r = post("/api/v1/workspaces", "{\"workspace\":{\"title\":\"New \\u00e9\",\"price\":100}}");
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(text(&r, "workspaces.1005.title"), "New \xc3\xa9");
	ck_assert_int_eq(number(&r, "count"), 1);
	drop(&r);
	r = call("PUT", "/api/v1/workspaces/1005.json", "application/x-www-form-urlencoded",
		 "workspace[status_key]=501&workspace%5Btitle%5D=Two+words");
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(text(&r, "workspaces.1005.status.key"), "501");
	ck_assert_str_eq(text(&r, "workspaces.1005.title"), "Two words");
	drop(&r);
	r = call("DELETE", "/api/v1/workspaces/1005", "text/plain", NULL);
	ck_assert_int_eq(r.status, 204);
	ck_assert_uint_eq(r.body.len, 0);
	drop(&r);
	r = get("/api/v1/workspaces/1005?include_archived=true");
	ck_assert_int_eq(r.status, 404);
	drop(&r);
	r = call("PUT", "/api/v1/workspaces/1005", "application/json", "{\"workspace\":{}}");
	ck_assert_int_eq(r.status, 404);
	drop(&r);
	r = call("PATCH", "/api/v1/workspaces/1001", "application/json", "{}");
	ck_assert_int_eq(r.status, 405);
	drop(&r);
}
END_TEST

static void expect_invalid(const char *json, const char *field)
{
	struct result r = post("/api/v1/workspaces", json);

	ck_assert_msg(r.status == 422, "%s: %ld", json, r.status);
	ck_assert_str_eq(text(&r, "errors.0.type"), "validation");
	ck_assert_str_eq(text(&r, "errors.0.field"), field);
	drop(&r);
}

START_TEST(validation)
{
	struct result r;

	fresh();
	expect_invalid("{\"workspace\":{\"price\":1}}", "title");
	expect_invalid("{\"workspace\":{\"title\":\" \"}}", "title");
	expect_invalid("{\"workspace\":{\"title\":7}}", "title");
	expect_invalid("{\"workspace\":{\"title\":\"a\",\"stage\":\"x\"}}", "stage");
	expect_invalid("{\"workspace\":{\"title\":\"a\",\"creator_role\":\"x\"}}", "creator_role");
	expect_invalid("{\"workspace\":{\"title\":\"a\",\"due_date\":\"2024-13-01\"}}", "due_date");
	r = post("/api/v1/workspaces", "{\"workspaces\":[{\"title\":\"a\"},{\"title\":\"\"}]}");
	ck_assert_int_eq(r.status, 422);
	ck_assert_int_eq(number(&r, "errors.0.index"), 1);
	drop(&r);
	r = call("PUT", "/api/v1/workspaces/1001", "application/json",
		 "{\"workspace\":{\"title\":\"changed\",\"status_key\":\"x\"}}");
	ck_assert_int_eq(r.status, 422);
	drop(&r);
	r = get("/api/v1/workspaces/1001");
	ck_assert_str_eq(text(&r, "workspaces.1001.title"), "Acme rollout");
	drop(&r);
	expect_ids("order=created_at:asc&include_archived=true", "1001,1002,1003,1004");
	r = post("/api/v1/workspaces", "{\"workspaces\":[{\"title\":\"a\"},{\"title\":\"b\"}]}");
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(number(&r, "count"), 2);
	drop(&r);
	r = post("/api/v1/workspaces", "{\"work");
	ck_assert_int_eq(r.status, 400);
	drop(&r);
	r = post("/api/v1/workspaces", "{\"title\":\"not wrapped\"}");
	ck_assert_int_eq(r.status, 400);
	drop(&r);
}
END_TEST

START_TEST(wrong_token)
{
	struct result r;

	fresh();
	set_header("Authorization: Bearer wrong");
	r = get("/api/v1/workspaces");
	ck_assert_int_eq(r.status, 401);
	ck_assert_str_eq(
	    r.body.data,
	    "{\"errors\":[{\"type\":\"oauth\",\"message\":\"Invalid OAuth 2 Request\"}]}");
	drop(&r);
	control("/_sandbox/switches", "{\"kantata_token\":\"\"}");
	r = get("/api/v1/workspaces");
	ck_assert_int_eq(r.status, 200);
	drop(&r);
}
END_TEST

START_TEST(budget_and_clock)
{
	struct result r;

	fresh();
	r = post("/_sandbox/workspaces/1001/log_hours", "{\"hours\":40}");
	ck_assert(json_is_true(at(&r, "over_budget")));
	ck_assert_double_eq(json_real_value(at(&r, "percent_of_budget_used")), 108.0);
	drop(&r);
	control("/_sandbox/clock", "{\"advance_s\":86400}");
	control("/_sandbox/workspaces/1002", "{\"over_budget\":true}");
	expect_ids("order=updated_at:desc", "1002,1001,1004,1003");
	r = get("/api/v1/workspaces/1002");
	ck_assert(json_is_true(at(&r, "workspaces.1002.over_budget")));
	drop(&r);
	r = post("/_sandbox/clock", "{\"advance_s\":-1}");
	ck_assert_int_eq(r.status, 422);
	drop(&r);
}
END_TEST

static void expect_start(const char *id, long status)
{
	char path[128];
	struct result r;

	(void)snprintf(path, sizeof(path), "/api/v2/work_sets/%s/start", id);
	r = post(path, "");
	ck_assert_msg(r.status == status, "%s: %ld", id, r.status);
	if (status == 401)
		ck_assert(has_header(&r, "WWW-Authenticate: Bearer"));
	if (status == 201)
		ck_assert(json_is_integer(at(&r, "started_at")));
	drop(&r);
}

START_TEST(hindsite_tokens)
{
	struct result r;

	fresh();
	r = call("POST", "/oauth/token", "application/x-www-form-urlencoded",
		 "grant_type=client_credentials&client_id=hindsite-id&client_secret=x");
	ck_assert_int_eq(r.status, 401);
	ck_assert_str_eq(text(&r, "error"), "invalid_client");
	drop(&r);
	set_header("");
	expect_start(TEMPLATE, 401);
	fetch_token();
	expect_start("01J00000000000000000000000", 404);
	expect_start(TEMPLATE, 201);
	control("/_sandbox/clock", "{\"advance_s\":7201}");
	expect_start(TEMPLATE, 401);
	fetch_token();
	control("/_sandbox/faults", "{\"route\":\"hindsite.work_set.start\",\"fault\":"
				    "\"token_expiry\",\"times\":1}");
	expect_start(TEMPLATE, 401);
	expect_start(TEMPLATE, 401);
	fetch_token();
	expect_start("3", 201); /* the numeric alias */
	r = get("/_sandbox/journal?route=hindsite.token");
	ck_assert_ptr_null(strstr(r.body.data, "hindsite-secret"));
	ck_assert(json_is_true(at(&r, "0.body_withheld")));
	drop(&r);
}
END_TEST

START_TEST(second_start)
{
	fresh();
	fetch_token();
	expect_start(TEMPLATE, 201);
	expect_start(TEMPLATE, 422);
	control("/_sandbox/switches", "{\"second_start_same\":true}");
	expect_start(TEMPLATE, 201);
	control("/_sandbox/switches", "{\"second_start_same\":false}");
	control("/_sandbox/work_sets/" TEMPLATE "/complete", "");
	expect_start(TEMPLATE, 201);
}
END_TEST

static void expect_json(const char *path, const char *body, int status, const char *at_path,
			const char *value)
{
	struct result r = post(path, body);

	ck_assert_msg(r.status == status, "%s: %ld %s", path, r.status, r.body.data);
	ck_assert_str_eq(text(&r, at_path), value);
	drop(&r);
}

START_TEST(hindsite_forms)
{
	char body[300];
	struct result r;

	fresh();
	fetch_token();
	expect_json("/api/v2/work_set_workflows", "{\"user_ids\":7}", 400, "error",
		    "work_set_id is missing, workflow_collection_id is missing, "
		    "user_ids is invalid");
	expect_json("/api/v2/work_set_workflows",
		    "{\"work_set_id\":\"none\",\"workflow_collection_id\":\"C\"}", 404, "error",
		    "Work set not found");
	expect_json("/api/v2/work_set_workflows",
		    "{\"work_set_id\":\"1\",\"workflow_collection_id\":\"C\"}", 201, "work_set_id",
		    TEMPLATE);
	r = post("/api/v2/journeys", "{\"workflow_id\":\"W\",\"steps\":[{\"a\":1}]}");
	ck_assert_int_eq(r.status, 201);
	(void)snprintf(body, sizeof(body),
		       "{\"journey_step_id\":\"%s\",\"workflow_step_decision_id\":\"D\","
		       "\"next_workflow_step_id\":\"N\",\"decision_value\":\"Yes\"}",
		       text(&r, "steps.0.id"));
	expect_json("/api/v2/journey_steps/decision", body, 201, "journey_id", text(&r, "id"));
	drop(&r);
	expect_json("/api/v2/form_steps/decision",
		    "{\"form_step_id\":\"x\",\"instruction_decision_id\":\"D\","
		    "\"next_instruction_step_id\":\"N\",\"decision_value\":\"No\"}",
		    404, "error", "Step not found");
	expect_json("/api/v2/assets/search", "{\"title\":\"Conv\"}", 201, "0.title", "Conveyor");
	r = get("/api/v2/assets?location_ids=x,01J8Z3KQ5V9X7W2M4N6P8R0L02");
	ck_assert_str_eq(text(&r, "0.title"), "Conveyor");
	drop(&r);
	r = get("/api/v2/assets/none");
	ck_assert_int_eq(r.status, 404);
	drop(&r);
}
END_TEST

/* Waits until that many deliveries are in that state. */
static void await_deliveries(const char *state, json_int_t count)
{
	for (int i = 0; i < 2000; i++) {
		struct result r = get("/api/v2/webhook_deliveries?state=%s", state);
		json_int_t found = number(&r, "meta.total_count");

		drop(&r);
		if (found == count)
			return;
	}
	ck_abort_msg("never %lld deliveries %s", (long long)count, state);
}

START_TEST(signed_webhook)
{
	struct listener l;
	const char *body;
	json_t *event;

	fresh();
	fetch_token();
	listener_open(&l);
	expect_start(TEMPLATE, 201);
	body = listener_take(&l, "500 Broken");
	ck_assert(signed_well(&l));
	ck_assert_ptr_nonnull(strstr(l.request, "X-Webhook-Timestamp: 2"));
	event = json_loads(body, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(event, "action")), "work_set_started");
	ck_assert_str_eq(
	    json_string_value(json_object_get(json_object_get(event, "work_set"), "id")), TEMPLATE);
	ck_assert_ptr_nonnull(json_object_get(event, "organisation"));
	json_decref(event);
	(void)listener_take(&l, "200 OK"); /* the second attempt */
	await_deliveries("completed", 1);
	control("/_sandbox/faults", "{\"route\":\"hindsite.webhook\",\"fault\":\"duplicate\","
				    "\"times\":1}");
	control("/_sandbox/work_sets/" TEMPLATE "/complete", "");
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(
		    strstr(listener_take(&l, "202 Accepted"), "work_set_completed"));
		ck_assert(signed_well(&l));
	}
	await_deliveries("completed", 2);
	listener_close(&l);
}
END_TEST

START_TEST(redelivery)
{
	struct listener l;
	struct result r;
	char path[128];
	char ids[128];

	fresh();
	fetch_token();
	listener_open(&l);
	control("/_sandbox/switches", "{\"hook_attempts\":1}");
	control("/_sandbox/work_sets/" TEMPLATE "/progress", "{\"progress\":30}");
	(void)listener_take(&l, "503 Down");
	await_deliveries("errored", 1);
	r = get("/api/v2/webhook_deliveries?state=errored&since=2020-01-01T00:00:00Z");
	ck_assert_int_eq(number(&r, "webhook_deliveries.0.response.status"), 503);
	(void)snprintf(path, sizeof(path), "/api/v2/webhook_deliveries/%s/redeliveries",
		       text(&r, "webhook_deliveries.0.id"));
	(void)snprintf(ids, sizeof(ids), "{\"delivery_ids\":[\"%s\",\"nope\"]}",
		       text(&r, "webhook_deliveries.0.id"));
	drop(&r);
	r = post(path, "");
	ck_assert_int_eq(r.status, 201);
	drop(&r);
	(void)listener_take(&l, "200 OK");
	r = post("/api/v2/webhook_deliveries/redeliveries", ids);
	ck_assert_int_eq(r.status, 201);
	ck_assert_str_eq(text(&r, "meta.dropped_ids.0"), "nope");
	drop(&r);
	(void)listener_take(&l, "200 OK");
	await_deliveries("completed", 2);
	control("/_sandbox/switches", "{\"hindsite_admin\":false}");
	r = get("/api/v2/webhook_deliveries");
	ck_assert_int_eq(r.status, 403);
	drop(&r);
	listener_close(&l);
}
END_TEST

static void expect_slack(const char *body, long status, const char *reply)
{
	struct result r = post("/slack/services/T0/B0/x", body);

	ck_assert_int_eq(r.status, status);
	ck_assert_str_eq(r.body.data, reply);
	drop(&r);
}

START_TEST(lists_of_anything)
{
	struct result r;

	control("/_sandbox/lists/a", "{\"by\":\"link\",\"size\":1,\"etag\":true,"
				     "\"rows\":[{\"id\":1},{\"id\":2}]}");
	r = get("/lists/a?cursor=c1");
	ck_assert_int_eq(number(&r, "0.id"), 2);
	ck_assert(!has_header(&r, "Link:") && has_header(&r, "ETag: \""));
	drop(&r);
}
END_TEST

START_TEST(slack_messages)
{
	struct result r;

	fresh();
	set_header("");
	expect_slack("{\"text\":\"hello\"}", 200, "ok");
	expect_slack("{\"text\":\"\"}", 400, "no_text");
	expect_slack("{}", 400, "no_text");
	expect_slack("{\"text\":", 400, "invalid_payload");
	expect_slack("[1]", 400, "invalid_payload");
	expect_slack("{\"blocks\":{}}", 400, "invalid_blocks");
	r = get("/_sandbox/messages");
	ck_assert_uint_eq(json_array_size(r.json), 1);
	ck_assert_str_eq(text(&r, "0.text"), "hello");
	drop(&r);
}
END_TEST

START_TEST(fault_statuses)
{
	struct result r;

	fresh();
	control("/_sandbox/faults",
		"{\"route\":\"kantata.workspace.list\",\"fault\":\"429\",\"times\":1}");
	control("/_sandbox/faults", "{\"route\":\"kantata.*\",\"fault\":\"429\",\"retry_after\":2,"
				    "\"times\":1}");
	r = get("/api/v1/workspaces");
	ck_assert_int_eq(r.status, 429);
	ck_assert(!has_header(&r, "Retry-After"));
	ck_assert_uint_eq(json_array_size(at(&r, "errors")), 1);
	drop(&r);
	r = get("/api/v1/workspaces");
	ck_assert_int_eq(r.status, 429);
	ck_assert(has_header(&r, "Retry-After: 2\r\n"));
	drop(&r);
	control("/_sandbox/faults", "{\"route\":\"*\",\"fault\":\"status\",\"status\":503}");
	r = get("/api/v1/workspaces/1001");
	ck_assert_int_eq(r.status, 503);
	drop(&r);
	r = call("DELETE", "/_sandbox/faults", "text/plain", NULL);
	ck_assert_int_eq(r.status, 200);
	drop(&r);
	expect_ids("only=1001", "1001");
	r = post("/_sandbox/faults", "{\"route\":\"*\",\"fault\":\"flood\"}");
	ck_assert_int_eq(r.status, 422);
	drop(&r);
}
END_TEST

static struct result faulty(const char *fault)
{
	control("/_sandbox/faults", fault);
	return post("/sink/a", "{\"x\":1}");
}

START_TEST(fault_cuts)
{
	struct result r;

	fresh();
	r = faulty("{\"route\":\"sink\",\"fault\":\"reset\",\"times\":1}");
	ck_assert_int_eq(r.code, CURLE_RECV_ERROR);
	drop(&r);
	r = faulty("{\"route\":\"sink\",\"fault\":\"truncate\",\"times\":1}");
	ck_assert_int_eq(r.code, CURLE_PARTIAL_FILE);
	ck_assert_str_eq(r.body.data, "{\"ok\"");
	ck_assert(has_header(&r, "Content-Length: 11\r\n"));
	drop(&r);
	r = faulty("{\"route\":\"sink\",\"fault\":\"hang\",\"delay_ms\":30,\"times\":1}");
	ck_assert_int_eq(r.code, CURLE_GOT_NOTHING);
	drop(&r);
	r = faulty("{\"route\":\"sink\",\"fault\":\"garbage\",\"times\":1}");
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_null(r.json);
	drop(&r);
	r = faulty("{\"route\":\"sink\",\"fault\":\"delay\",\"delay_ms\":40,\"times\":1}");
	ck_assert_int_eq(r.status, 200);
	drop(&r);
}
END_TEST

START_TEST(fault_after_effect)
{
	struct result r;

	fresh();
	control("/_sandbox/faults", "{\"route\":\"kantata.workspace.delete\",\"fault\":\"reset\","
				    "\"after\":true,\"times\":1}");
	r = call("DELETE", "/api/v1/workspaces/1001", "text/plain", NULL);
	ck_assert_int_eq(r.code, CURLE_RECV_ERROR);
	drop(&r);
	r = get("/api/v1/workspaces/1001");
	ck_assert_int_eq(r.status, 404);
	drop(&r);
}
END_TEST

START_TEST(journal)
{
	struct result r;
	json_int_t since;

	fresh();
	set_header("Idempotency-Key: key-7");
	r = post("/sink/first?a=1", "{\"n\":1}");
	drop(&r);
	set_header("Authorization: Bearer not-to-be-shown");
	r = call("PUT", "/sink/second", "application/octet-stream", "\xff\x01");
	drop(&r);
	r = get("/_sandbox/journal?route=sink");
	ck_assert_uint_eq(json_array_size(r.json), 2);
	ck_assert_str_eq(text(&r, "0.idempotency_key"), "key-7");
	ck_assert_str_eq(text(&r, "0.body"), "{\"n\":1}");
	ck_assert_str_eq(text(&r, "0.path"), "/sink/first?a=1");
	ck_assert_int_eq(number(&r, "0.status"), 200);
	ck_assert(json_is_false(at(&r, "0.authorization")));
	ck_assert(json_is_true(at(&r, "1.authorization")));
	ck_assert_str_eq(text(&r, "1.body"), "\xef\xbf\xbd\x01");
	ck_assert_ptr_null(strstr(r.body.data, "not-to-be-shown"));
	since = number(&r, "0.n");
	drop(&r);
	r = get("/_sandbox/journal?since=%lld", (long long)since);
	ck_assert_uint_eq(json_array_size(r.json), 1);
	ck_assert_str_eq(text(&r, "0.method"), "PUT");
	drop(&r);
	r = get("/_sandbox/journal?path=/sink/first&format=lines");
	ck_assert_ptr_nonnull(r.json);
	ck_assert_str_eq(text(&r, "method"), "POST");
	drop(&r);
	r = call("DELETE", "/_sandbox/journal", "text/plain", NULL);
	drop(&r);
	r = get("/_sandbox/journal");
	ck_assert_str_eq(r.body.data, "[]");
	drop(&r);
}
END_TEST

/* Walks all projects by created_at, 200 at a time, as a poller does; how many there are. */
static size_t walk(const char *order, size_t *pages)
{
	char after[64] = "2000-01-01T00:00:00Z";
	char last[32] = "";
	size_t seen = 0;
	bool more = true;

	for (*pages = 0; more; (*pages)++) {
		struct result r = get("/api/v1/workspaces?per_page=200&order=%s:asc&%.7s_after=%s"
				      "&include_archived=true",
				      order, order, after);
		size_t n = json_array_size(at(&r, "results"));
		char path[64];

		ck_assert_int_eq(r.status, 200);
		seen += n;
		more = n == 200;
		if (n) {
			(void)snprintf(path, sizeof(path), "results.%zu.id", n - 1);
			(void)snprintf(last, sizeof(last), "%s", text(&r, path));
			(void)snprintf(path, sizeof(path), "workspaces.%s.%s", last, order);
			(void)snprintf(after, sizeof(after), "%s", text(&r, path));
		}
		drop(&r);
	}
	return seen;
}

START_TEST(keyset_over_100k)
{
	struct result r;
	size_t pages;

	fresh();
	control("/_sandbox/seed", "{\"workspaces\":100000}");
	ck_assert_uint_eq(walk("created_at", &pages), 100000);
	ck_assert_uint_eq(pages, 501);
	control("/_sandbox/clock", "{\"advance_s\":100000}");
	r = post("/_sandbox/touch", "{\"fraction\":0.01,\"field\":\"title\"}");
	ck_assert_int_eq(number(&r, "changed"), 1000);
	ck_assert_uint_eq(json_array_size(at(&r, "ids")), 1000);
	drop(&r);
	expect_page("per_page=200&page=500", 100000, 200, 500, 500, 200);
}
END_TEST

START_TEST(odd_requests)
{
	struct result r;
	char *big = malloc((9u << 20) + 1);

	fresh();
	r = get("/api/v1/unknown");
	ck_assert_int_eq(r.status, 404);
	ck_assert_uint_eq(json_array_size(at(&r, "errors")), 1);
	drop(&r);
	r = get("/");
	ck_assert_int_eq(r.status, 200);
	ck_assert(has_header(&r, "text/html"));
	drop(&r);
	r = get("/api/v1/workspaces/%%00%%ff?only=%%zz&&=&order=%%5B");
	ck_assert_int_eq(r.status, 404);
	drop(&r);
	r = call(
	    "PUT", "/api/v1/workspaces/1001", "application/x-www-form-urlencoded",
	    "workspace[][][a]=1&[x]=2&workspace[title=3&a[b][c][d][e][f][g][h][i][j]=4&%ff=%ff");
	ck_assert_int_eq(r.status, 400);
	drop(&r);
	ck_assert_ptr_nonnull(big);
	memset(big, 'x', 9u << 20);
	big[9u << 20] = '\0';
	r = post("/sink/big", big);
	ck_assert_int_eq(r.status, 413);
	drop(&r);
	free(big);
}
END_TEST

static const char *binary;

static void setup(void)
{
	start_server(binary);
}

static Suite *suite(void)
{
	Suite *s = suite_create("sandbox");
	TCase *tc = tcase_create("outside");

	tcase_add_unchecked_fixture(tc, setup, stop_server);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, envelope_arithmetic);
	tcase_add_test(tc, order_and_filters);
	tcase_add_test(tc, time_filters);
	tcase_add_test(tc, archived_rules);
	tcase_add_test(tc, fields_and_includes);
	tcase_add_test(tc, create_update_delete);
	tcase_add_test(tc, validation);
	tcase_add_test(tc, wrong_token);
	tcase_add_test(tc, budget_and_clock);
	tcase_add_test(tc, hindsite_tokens);
	tcase_add_test(tc, hindsite_forms);
	tcase_add_test(tc, second_start);
	tcase_add_test(tc, signed_webhook);
	tcase_add_test(tc, redelivery);
	tcase_add_test(tc, lists_of_anything);
	tcase_add_test(tc, slack_messages);
	tcase_add_test(tc, fault_statuses);
	tcase_add_test(tc, fault_cuts);
	tcase_add_test(tc, fault_after_effect);
	tcase_add_test(tc, journal);
	tcase_add_test(tc, keyset_over_100k);
	tcase_add_test(tc, odd_requests);
	feed_tests(tc);
	blueworks_tests(tc);
	timesheet_tests(tc);
	suite_add_tcase(s, tc);
	return s;
}

int main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	binary = argc > 1 ? argv[1] : getenv("SANDBOX");
	if (!binary) {
		(void)fputs("usage: test_sandbox PATH-OF-TAPPET-SANDBOX\n", stderr);
		return 2;
	}
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	curl_global_cleanup();
	return failed ? 1 : 0;
}
