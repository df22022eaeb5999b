/* SPDX-License-Identifier: Apache-2.0
 *
 * HINDSITE, Slack and plain HTTP: requests as text, replies and webhooks as
 * recorded, and as they must not be. */
#include "tests/unit/test_connectors_kit.h"

/* ---- hindsite ---- */

START_TEST(start_is_a_post)
{
	ck_assert_str_eq(built("hindsite", "work_set.start", "{\"id\":\"01J8Z3QK5T\"}"),
			 "POST /api/v2/work_sets/01J8Z3QK5T/start (application/json) {}");
	ck_assert_str_eq(
	    built("hindsite", "work_set.start", "{\"id\":7,\"asset_id\":\"A/1\"}"),
	    "POST /api/v2/work_sets/7/start (application/json) {\"asset_id\":\"A/1\"}");
	ck_assert_str_eq(built("hindsite", "work_set.start", "{\"id\":7,\"asset_id\":null}"),
			 "POST /api/v2/work_sets/7/start (application/json) {}");
	ck_assert_str_eq(built("hindsite", "work_set.start", "{\"id\":\"/../../oauth\"}"),
			 "POST /api/v2/work_sets/%2F..%2F..%2Foauth/start (application/json) {}");
	ck_assert_str_eq(built("hindsite", "work_set.start", "{\"id\":\"..\"}"),
			 "reject: \"..\" is no id");
	ck_assert_int_eq(action("hindsite", "work_set.start")->after_doubt, DOUBT_PARK);
}
END_TEST

START_TEST(a_start_tells_that_it_started)
{
	struct reading r;

	ck_assert_int_eq(read_reply("hindsite", "work_set.start", 201, "application/json",
				    recorded("hindsite_start.json"), &r),
			 FATE_OK);
	ck_assert_str_eq(r.kind->name, "hindsite.work_set");
	ck_assert_str_eq(r.happened, "started");
	ck_assert_str_eq(at(r.object, "id"), "\"01J8Z3QK5T\"");
	ck_assert(value_equal(r.object, r.result));
}
END_TEST

START_TEST(a_start_that_failed)
{
	static const char *const bodies[] = { "",
					      "[]",
					      "null",
					      "{}",
					      "{\"id\":null}",
					      "{\"id\":\"\"}",
					      "{\"id\":{}}",
					      "{\"error\":{}}" };
	struct text whole = recorded("hindsite_start.json");
	struct reading r;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		ck_assert_msg(read_reply("hindsite", "work_set.start", 201, "application/json",
					 text_of(bodies[i]), &r) == FATE_RETRY,
			      "%s", bodies[i]);
	for (size_t n = 0; n + 1 < whole.n; n += 1 + n / 30)
		ck_assert_int_eq(read_reply("hindsite", "work_set.start", 201, "application/json",
					    (struct text){ whole.s, n }, &r),
				 FATE_RETRY);
	ck_assert_int_eq(read_reply("hindsite", "work_set.start", 200, "application/json",
				    TEXT("{\"error\":\"already started\"}"), &r),
			 FATE_REJECT);
	ck_assert_str_eq(call.why, "HINDSITE says: already started");
}
END_TEST

static enum fate hooked(struct text body, struct hook_reading *reading)
{
	call.why[0] = '\0';
	return connector("hindsite")->webhook->read(&call, parsed(body), reading);
}

START_TEST(a_webhook_about_a_work_set)
{
	struct hook_reading r;

	ck_assert_int_eq(hooked(recorded("hindsite_webhook.json"), &r), FATE_OK);
	ck_assert(text_is(r.action, "work_set_completed"));
	ck_assert(text_is(r.subject, "01J8Z3QK5T"));
	ck_assert_uint_eq(r.event_id.n, 0);
	ck_assert_int_eq(r.time, INT64_C(1795312800000));
	ck_assert_str_eq(r.kind->name, "hindsite.work_set");
	ck_assert_str_eq(r.happened, "completed");
	ck_assert_str_eq(at(r.object, "completed"), "true");
	ck_assert(connector("hindsite")->webhook->bodies_unique);
}
END_TEST

/* What HINDSITE writes in Unix seconds in one place and in ISO text in the other is no change. */
START_TEST(reply_and_webhook_compare)
{
	struct hook_reading hook;
	struct reading start;
	struct value a, b;

	ck_assert_int_eq(read_reply("hindsite", "work_set.start", 201, "application/json",
				    recorded("hindsite_start.json"), &start),
			 FATE_OK);
	ck_assert_int_eq(hooked(recorded("hindsite_webhook.json"), &hook), FATE_OK);
	a = object_kind_typed(start.kind, arena, start.object);
	b = object_kind_typed(hook.kind, arena, hook.object);
	for (uint32_t i = 0; i < a.n; i++) {
		struct text key = value_as_text(a.pairs[i].key);
		bool differs = text_starts(key, TEXT("completed")) || text_is(key, "progress");

		ck_assert_msg(value_equal(a.pairs[i].val, *value_get(b, key)) == !differs, "%.*s",
			      TEXT_ARG(key));
	}
}
END_TEST

START_TEST(a_webhook_about_something_else)
{
	struct hook_reading r;

	ck_assert_int_eq(hooked(recorded("hindsite_webhook_report.json"), &r), FATE_OK);
	ck_assert(text_is(r.action, "report_export_completed"));
	ck_assert(text_is(r.subject, "01946a36-84da-7000-8000-000000000003"));
	ck_assert_int_eq(r.time, INT64_C(1736244245000));
	ck_assert_ptr_null(r.kind);
	ck_assert_ptr_null(r.happened);
	ck_assert_int_eq(r.object.kind, VALUE_NULL);
}
END_TEST

START_TEST(whose_webhook_it_is)
{
	static const struct {
		const char *body, *kind, *happened;
	} cases[] = {
		{ "{\"action\":\"work_order_started\",\"work_order\":{\"id\":7}}", "w", "started" },
		{ "{\"action\":\"work_set_approved\",\"data\":{\"id\":7}}", "w", "approved" },
		{ "{\"action\":\"work_set_changed\",\"object\":{\"id\":7}}", "w", NULL },
		{ "{\"action\":\"x\",\"work_set\":{\"id\":7}}", "w", NULL },
		{ "{\"work_set\":{\"id\":7}}", "w", NULL },
		{ "{\"action\":\"work_set_workflow_completed\",\"work_set_workflow\":{\"id\":7}}",
		  NULL, NULL },
		{ "{\"action\":\"work_order_task_completed\",\"data\":{\"id\":7}}", NULL, NULL },
		{ "{\"action\":\"work_set_completed\",\"work_set_workflow\":{\"id\":7}}", NULL,
		  NULL },
		{ "{\"action\":\"form_completed\",\"form\":{\"id\":7}}", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hook_reading r;

		ck_assert_int_eq(hooked(text_of(cases[i].body), &r), FATE_OK);
		ck_assert_msg((r.kind != NULL) == (cases[i].kind != NULL), "%s", cases[i].body);
		ck_assert_msg(text_is(r.subject, "7"), "%s", cases[i].body);
		ck_assert_msg((r.happened != NULL) == (cases[i].happened != NULL), "%s",
			      cases[i].body);
		if (r.happened != NULL)
			ck_assert_str_eq(r.happened, cases[i].happened);
	}
}
END_TEST

START_TEST(odd_webhooks)
{
	struct hook_reading r;

	ck_assert_int_eq(hooked(TEXT("[]"), &r), FATE_REJECT);
	ck_assert_int_eq(hooked(TEXT("null"), &r), FATE_REJECT);
	ck_assert_int_eq(hooked(TEXT("{}"), &r), FATE_OK);
	ck_assert_uint_eq(r.action.n + r.subject.n + r.event_id.n, 0);
	ck_assert_int_eq(r.time, INT64_MIN);
	ck_assert_int_eq(hooked(TEXT("{\"action\":\"a.b/\\u0000\\n\xc3\xbc*\",\"id\":\"E1\",\"x\":"
				     "{\"id\":\"\"},\"creator\":{\"id\":1},\"y\":{\"id\":[]},"
				     "\"created_at\":7}"),
				&r),
			 FATE_OK);
	ck_assert(text_is(r.action, "a_b______"));
	ck_assert(text_is(r.event_id, "E1"));
	ck_assert_uint_eq(r.subject.n, 0);
	ck_assert_int_eq(r.time, INT64_MIN);
	ck_assert_int_eq(hooked(TEXT("{\"event_id\":\"E2\",\"id\":\"E1\",\"action\":7}"), &r),
			 FATE_OK);
	ck_assert(text_is(r.event_id, "E2"));
}
END_TEST

/* ---- slack ---- */

START_TEST(post_is_json)
{
	ck_assert_str_eq(built("slack", "post", "{\"text\":\"hi \\\"you\\\"\"}"),
			 "POST  (application/json) {\"text\":\"hi \\\"you\\\"\"}");
	ck_assert_str_eq(
	    built("slack", "post", "{\"blocks\":[{\"type\":\"divider\"}],\"channel\":\"#a\"}"),
	    "POST  (application/json) {\"blocks\":[{\"type\":\"divider\"}],"
	    "\"channel\":\"#a\"}");
	ck_assert_str_eq(built("slack", "post", "{\"text\":7}"),
			 "POST  (application/json) {\"text\":\"7\"}");
	ck_assert_str_eq(built("slack", "post", "{\"channel\":\"#a\"}"),
			 "reject: text or blocks is needed");
	ck_assert_str_eq(built("slack", "post", "{\"text\":\"\",\"blocks\":[]}"),
			 "reject: text or blocks is needed");
	ck_assert_str_eq(built("slack", "post", "{\"text\":{\"a\":1}}"),
			 "reject: text must be text, not map");
}
END_TEST

START_TEST(only_ok_is_success)
{
	struct reading r;

	ck_assert_int_eq(read_reply("slack", "post", 200, "text/plain", TEXT("ok"), &r), FATE_OK);
	ck_assert_int_eq(read_reply("slack", "post", 200, "text/plain", TEXT("ok\n"), &r), FATE_OK);
	ck_assert_ptr_null(r.kind);
	ck_assert_int_eq(read_reply("slack", "post", 200, "text/plain", TEXT("invalid_blocks"), &r),
			 FATE_REJECT);
	ck_assert_str_eq(call.why, "Slack says: invalid_blocks");
	ck_assert_int_eq(read_reply("slack", "post", 202, "", TEXT(""), &r), FATE_REJECT);
	ck_assert_str_eq(call.why, "Slack answered 202 without ok");
	ck_assert_int_eq(read_reply("slack", "post", 200, "", TEXT("\xff\xfe"), &r), FATE_REJECT);
}
END_TEST

START_TEST(events_of_ones_own)
{
	ck_assert_str_eq(built("tappet", "emit", "{\"type\":\"a.b\",\"data\":{\"n\":1}}"),
			 "EMIT /events (application/json) {\"type\":\"a.b\",\"data\":{\"n\":1}}");
	ck_assert_str_eq(built("tappet", "emit", "{\"type\":\"a..b\"}"),
			 "reject: \"a..b\" is no event type such as com.acme.a");
	ck_assert_str_eq(built("tappet", "emit", "{\"type\":\"\"}"),
			 "reject: \"\" is no event type such as com.acme.a");
	ck_assert_str_eq(built("tappet", "emit", "{\"type\":\"tappet.run.dead\"}"),
			 "reject: events \"tappet.run.dead\" come from elsewhere: begin the type "
			 "with a word of your own");
	ck_assert_ptr_nonnull(
	    strstr(built("tappet", "emit", "{\"type\":\"hook.a\"}"), "come from elsewhere"));
	ck_assert_ptr_nonnull(strstr(built("tappet", "emit", "{\"type\":\"kantata.workspace.x\"}"),
				     "come from elsewhere"));
	ck_assert_str_eq(built("tappet", "emit", "{\"type\":\"a.b\",\"data\":[]}"),
			 "reject: data must be a map, not list");
}
END_TEST

START_TEST(lines_of_the_log)
{
	struct reply reply = { .status = 200,
			       .body = TEXT("{\"text\":\"a\",\"level\":\"error\"}") };
	const struct action *action = connector_action(connector("log"), TEXT("write"));
	struct reading r;

	ck_assert(action->inside);
	ck_assert_int_eq(action->read(&call, &reply, &r), FATE_OK);
	ck_assert(text_is(r.says, "a") && r.level == LOG_ERROR && r.emits.type.n == 0);
	reply.body = TEXT("{\"text\":\"a\"}");
	ck_assert_int_eq(action->read(&call, &reply, &r), FATE_OK);
	ck_assert_int_eq(r.level, LOG_INFO);
	ck_assert_ptr_nonnull(
	    strstr(built("log", "write", "{\"text\":\"a\",\"level\":\"loud\"}"), "level"));
	ck_assert_ptr_nonnull(strstr(built("log", "write", "{}"), "text"));
}
END_TEST

START_TEST(slack_words_are_one_line)
{
	struct reply reply = { .status = 403, .body = TEXT(" a\r\nb\x01 ") };

	ck_assert(text_is(connector("slack")->error_words(&call, &reply), "a  b "));
	reply.body = TEXT("channel_is_archived");
	ck_assert(text_is(connector("slack")->error_words(&call, &reply), "channel_is_archived"));
}
END_TEST

/* ---- http ---- */

static void connected(void)
{
	struct value_map_builder map;

	value_map_begin(&map, arena);
	value_map_set(&map, "base_url", value_text(TEXT("https://api.example.com/v1/")));
	call.settings = value_map_end(&map);
}

#define URL "\"url\":\"https://x.example/a\""

/* @B in place of a boundary. */
static const char *without_boundary(const char *request)
{
	struct text rest = text_of(request);
	size_t at = text_find(rest, TEXT("boundary="));
	struct text boundary;
	struct buf b;

	if (at == SIZE_MAX)
		return request;
	boundary = text_printf(arena, "%.32s", request + at + 9);
	buf_init(&b, MIB);
	while ((at = text_find(rest, boundary)) != SIZE_MAX) {
		buf_put(&b, rest.s, at);
		buf_str(&b, "@B");
		rest = (struct text){ rest.s + at + 32, rest.n - at - 32 };
	}
	buf_text(&b, rest);
	rest = text_dup(arena, buf_view(&b));
	buf_fini(&b);
	return rest.s;
}

START_TEST(requests_of_any_kind)
{
	static const char *const cases[][2] = {
		{ "{" URL "}", "GET !https://x.example/a" },
		{ "{" URL ",\"json\":{\"n\":1}}",
		  "POST !https://x.example/a (application/json) {\"n\":1}" },
		{ "{" URL ",\"json\":[]}", "POST !https://x.example/a (application/json) []" },
		{ "{" URL ",\"method\":\"PATCH\",\"form\":{\"a\":\"b c\"}}",
		  "PATCH !https://x.example/a (application/x-www-form-urlencoded) a=b%20c" },
		{ "{" URL ",\"body\":\" [1]\"}",
		  "POST !https://x.example/a (application/json)  [1]" },
		{ "{" URL ",\"body\":\"hello\"}",
		  "POST !https://x.example/a (text/plain; charset=utf-8) hello" },
		{ "{" URL ",\"method\":\"DELETE\"}", "DELETE !https://x.example/a" },
		{ "{" URL ",\"query\":{\"q\":\"a&b\",\"l\":[1,2],\"n\":null}}",
		  "GET !https://x.example/a?q=a%26b&l=1&l=2" },
		{ "{\"url\":\"http://x.example:81?z=1\",\"query\":{\"q\":1.0}}",
		  "GET !http://x.example:81?z=1&q=1" },
		{ "{" URL ",\"headers\":{\"X-A\":\"b\",\"X-N\":5,\"X-No\":null}}",
		  "GET !https://x.example/a [X-A: b] [X-N: 5]" },
		{ "{" URL ",\"json\":1,\"headers\":{\"content-type\":\"application/x+json\"}}",
		  "POST !https://x.example/a [content-type: application/x+json] 1" },
		{ "{" URL ",\"headers\":{\"Authorization\":\"Basic eDp5\"}}",
		  "GET !https://x.example/a [Authorization: Basic eDp5]" },
		{ "{" URL ",\"multipart\":{\"a\":\"1\",\"f\":{\"content\":\"x\",\"filename\":"
		  "\"a\\\"\\r\\nb\"},"
		  "\"t\":[{\"content\":[1],\"content_type\":\"application/json\"},true,null]}}",
		  "POST !https://x.example/a [Content-Type: multipart/form-data; boundary=@B] "
		  "--@B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
		  "--@B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a%22%0D%0Ab\"\r\n"
		  "Content-Type: application/octet-stream\r\n\r\nx\r\n"
		  "--@B\r\nContent-Disposition: form-data; name=\"t\"\r\n"
		  "Content-Type: application/json\r\n\r\n[1]\r\n"
		  "--@B\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ntrue\r\n"
		  "--@B--\r\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(without_boundary(built("http", "request", cases[i][0])),
				 cases[i][1]);
}
END_TEST

/* A boundary follows from the content, and is none of it. */
START_TEST(boundaries)
{
	static const char form[] = "{" URL ",\"multipart\":{\"a\":\"%s\"}}";
	struct text first =
	    text_dup(arena, text_of(built("http", "request", text_printf(arena, form, "x").s)));
	const char *at = strstr(first.s, "boundary=");
	struct text own;

	ck_assert_ptr_nonnull(at);
	ck_assert_str_eq(built("http", "request", text_printf(arena, form, "x").s), first.s);
	own = text_printf(arena, "%.32s", at + 9);
	ck_assert(strstr(built("http", "request", text_printf(arena, form, own.s).s) + 60,
			 text_printf(arena, "--%s", own.s).s) == NULL);
}
END_TEST

/* Those of the connection are refused in rules, however they are written. */
START_TEST(own_headers)
{
	struct value_map_builder map;
	struct value_list_builder own;

	value_list_begin(&own, arena);
	value_list_add(&own, value_text(TEXT("X-Api-Key")));
	value_map_begin(&map, arena);
	value_map_set(&map, "base_url", value_text(TEXT("https://api.example.com")));
	value_map_set(&map, "own_headers", value_list_end(&own));
	call.settings = value_map_end(&map);
	ck_assert_str_eq(
	    built("http", "request", "{\"url\":\"/\",\"headers\":{\"x-api-key\":\"1\"}}"),
	    "reject: header x-api-key is set by tappet itself");
	ck_assert_str_eq(built("http", "request", "{\"url\":\"/\",\"headers\":{\"x-api\":\"1\"}}"),
			 "GET / [x-api: 1]");
}
END_TEST

static const char *authorized(const char *auth)
{
	struct request request;
	struct text params =
	    text_printf(arena, "{\"url\":\"/\",\"headers\":{\"X-Given\":\"1\"},\"auth\":%s}", auth);

	call.why[0] = '\0';
	buf_clear(&out);
	if (action("http", "request")->build(&call, parsed(params), &request) != FATE_OK)
		buf_str(&out, call.why);
	else
		buf_printf(&out, "%.*s: %.*s%.*s %.*s", TEXT_ARG(request.auth.header),
			   TEXT_ARG(request.auth.prefix), TEXT_ARG(request.auth.user),
			   TEXT_ARG(request.auth.secret));
	return buf_cstr(&out);
}

#define REFERENCE "\"${secrets.crm}\""

START_TEST(a_credential_of_the_step)
{
	struct value_map_builder map;
	struct value_list_builder own;

	value_list_begin(&own, arena);
	value_list_add(&own, value_text(TEXT("X-Own")));
	value_map_begin(&map, arena);
	value_map_set(&map, "base_url", value_text(TEXT("https://api.example.com")));
	value_map_set(&map, "own_headers", value_list_end(&own));
	call.settings = value_map_end(&map);
	ck_assert_str_eq(authorized("{\"bearer\":" REFERENCE "}"), "Authorization: Bearer  crm");
	ck_assert_str_eq(authorized("{\"basic\":{\"user\":\"u\",\"password\":" REFERENCE "}}"),
			 "Authorization: Basic u crm");
	ck_assert_str_eq(authorized("{\"header\":{\"name\":\"X-Key\",\"value\":" REFERENCE "}}"),
			 "X-Key:  crm");
	ck_assert_str_eq(authorized("null"), ":  ");
	/* What came in by a template, or past the loader. */
	ck_assert_str_eq(authorized("{\"bearer\":\"hush\"}"),
			 "auth.bearer takes a declared secret only");
	ck_assert_str_eq(authorized("{\"bearer\":\"${secrets.}\"}"),
			 "auth.bearer takes a declared secret only");
	ck_assert_str_eq(authorized("{}"), "auth takes one of bearer, basic and header");
	ck_assert_str_eq(authorized("{\"bearer\":null}"),
			 "auth takes one of bearer, basic and header");
	ck_assert_str_eq(authorized("{\"basic\":{\"user\":\"u:v\",\"password\":" REFERENCE "}}"),
			 "a user's name is not empty, has no colon and no control characters");
	ck_assert_str_eq(authorized("{\"header\":{\"name\":\"X A\",\"value\":" REFERENCE "}}"),
			 "\"X A\" is no name of a header");
	ck_assert_str_eq(authorized("{\"header\":{\"name\":\"x-own\",\"value\":" REFERENCE "}}"),
			 "header x-own is set by tappet itself");
	ck_assert_str_eq(authorized("{\"header\":{\"name\":\"x-given\",\"value\":" REFERENCE "}}"),
			 "header x-given is given twice");
	ck_assert_str_eq(authorized("{\"header\":{\"name\":\"Host\",\"value\":" REFERENCE "}}"),
			 "header Host is set by tappet itself");
	ck_assert_str_eq(
	    authorized("{\"header\":{\"name\":\"X-K\",\"prefix\":\"a\\nb\",\"value\":" REFERENCE
		       "}}"),
	    "header X-K has control characters");
}
END_TEST

START_TEST(requests_that_are_refused)
{
	static const char *const cases[] = {
		"{}",
		"{\"url\":\"\"}",
		"{\"url\":\"/a\"}",
		"{\"url\":\"x.example/a\"}",
		"{\"url\":\"file:///etc/passwd\"}",
		"{\"url\":\"https://\"}",
		"{\"url\":\"https:///a\"}",
		"{\"url\":\"https://?a\"}",
		"{\"url\":\"https://good@evil.example/\"}",
		"{\"url\":\"https://x.example/a b\"}",
		"{\"url\":\"https://x.example/a\\r\\nHost: y\"}",
		"{\"url\":\"https://x.example/a#b\"}",
		"{\"url\":\"https://x.example/\xc3\xbc\"}",
		"{\"url\":\"https://x.example/a\\u0000b\"}",
		"{\"url\":\"https://x.example/a/../b\"}",
		"{\"url\":\"https://x.example/a/..\"}",
		"{\"url\":\"https://x.example/./b?x\"}",
		"{\"url\":\"https://x.example/a/%2e%2E/b\"}",
		"{\"url\":\"https://x.example/a/.%2e?x\"}",
		"{\"url\":\"https://x.example/a\\\\..\\\\b\"}",
		"{" URL ",\"json\":1,\"body\":\"x\"}",
		"{" URL ",\"form\":{},\"body\":\"x\"}",
		"{" URL ",\"method\":\"GET\",\"json\":1}",
		"{" URL ",\"method\":\"HEAD\",\"body\":\"\"}",
		"{" URL ",\"method\":\"get\"}",
		"{" URL ",\"method\":\"CONNECT\"}",
		"{" URL ",\"headers\":{\"Host\":\"y\"}}",
		"{" URL ",\"headers\":{\"idempotency-key\":\"y\"}}",
		"{" URL ",\"headers\":{\"A B\":\"y\"}}",
		"{" URL ",\"headers\":{\"\":\"y\"}}",
		"{" URL ",\"headers\":{\"A\":\"y\\r\\nB: z\"}}",
		"{" URL ",\"headers\":{\"A\":\"y\\u0000\"}}",
		"{" URL ",\"headers\":{\"A\":[1]}}",
		"{" URL ",\"headers\":{\"A\":\"1\",\"a\":\"2\"}}",
		"{" URL ",\"query\":{\"a\":{\"b\":1}}}",
		"{" URL ",\"auth\":\"token\"}",
		"{" URL ",\"multipart\":{}}",
		"{" URL ",\"multipart\":{\"a\":null}}",
		"{" URL ",\"multipart\":{\"a\":1},\"json\":1}",
		"{" URL ",\"multipart\":{\"a\":{\"filename\":\"x\"}}}",
		"{" URL ",\"multipart\":{\"a\":{\"content\":1,\"name\":\"x\"}}}",
		"{" URL
		",\"multipart\":{\"a\":{\"content\":1,\"content_type\":\"a/b\\r\\nX: y\"}}}",
		"{" URL ",\"multipart\":{\"a\":{\"content\":1,\"content_type\":\"text\"}}}",
		"{" URL ",\"multipart\":{\"a\":1},\"headers\":{\"content-type\":\"text/plain\"}}",
		"{" URL ",\"multipart\":{\"a\":1},\"method\":\"GET\"}",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = built("http", "request", cases[i]);

		ck_assert_msg(strncmp(got, "reject: ", 8) == 0 && strlen(got) > 12, "%s: %s",
			      cases[i], got);
	}
}
END_TEST

START_TEST(dots_that_are_no_segments)
{
	ck_assert_str_eq(
	    built("http", "request", "{\"url\":\"https://x.example/a..b/.../c.d?../..\"}"),
	    "GET !https://x.example/a..b/.../c.d?../..");
}
END_TEST

START_TEST(a_connection_is_not_left)
{
	connected();
	ck_assert_str_eq(built("http", "request", "{\"url\":\"/orders\",\"query\":{\"a\":1}}"),
			 "GET /orders?a=1");
	ck_assert_str_eq(
	    built("http", "request", "{\"url\":\"https://api.example.com/v1/orders\"}"),
	    "GET /orders");
	ck_assert_str_eq(built("http", "request", "{\"url\":\"https://api.example.com/v1\"}"),
			 "GET ");
	ck_assert_str_eq(
	    built("http", "request", "{\"url\":\"https://api.example.com/v2/orders\"}"),
	    "reject: url leads out of the connection's base_url");
	ck_assert_str_eq(
	    built("http", "request", "{\"url\":\"https://api.example.com/v1evil/orders\"}"),
	    "reject: url leads out of the connection's base_url");
	ck_assert_str_eq(built("http", "request", "{\"url\":\"https://api.example.com.evil/v1\"}"),
			 "reject: url leads out of the connection's base_url");
	ck_assert_str_eq(built("http", "request", "{\"url\":\"/../v2\"}"),
			 "reject: url must not have . or .. in its path");
	ck_assert_str_eq(built("http", "request", "{\"url\":\"https://api.example.com/v1/../v2\"}"),
			 "reject: url must not have . or .. in its path");
	ck_assert_str_eq(built("http", "request", "{\"url\":\"orders\"}"),
			 "reject: url must begin with / or with the connection's base_url");
	ck_assert_str_eq(
	    built("http", "request", "{\"url\":\"/\",\"headers\":{\"Authorization\":\"x\"}}"),
	    "reject: header Authorization is set by tappet itself");
}
END_TEST

START_TEST(too_many_headers)
{
	struct buf params;

	buf_init(&params, 4 * KIB);
	buf_str(&params, "{" URL ",\"headers\":{");
	for (int i = 0; i < 25; i++)
		buf_printf(&params, "%s\"X-%d\":\"v\"", i > 0 ? "," : "", i);
	buf_str(&params, "}}");
	ck_assert_str_eq(built("http", "request", buf_cstr(&params)),
			 "reject: too many headers: at most 24");
	buf_fini(&params);
}
END_TEST

static const char *result_of(const char *content_type, struct text body)
{
	struct reading r;

	switch (read_reply("http", "request", 200, content_type, body, &r)) {
	case FATE_OK:
		return json_of(r.result);
	case FATE_RETRY:
		return "retry";
	default:
		return "?";
	}
}

START_TEST(replies_of_any_kind)
{
	ck_assert_str_eq(result_of("application/json", TEXT("{\"a\":1}")), "{\"a\":1}");
	ck_assert_str_eq(result_of("Application/JSON; charset=utf-8", TEXT("[1]")), "[1]");
	ck_assert_str_eq(result_of("application/problem+json", TEXT("7")), "7");
	ck_assert_str_eq(result_of("application/json", TEXT("{\"a\":")), "retry");
	ck_assert_str_eq(result_of("application/json", TEXT("")), "null");
	ck_assert_str_eq(result_of("application/json", TEXT(" \r\n")), "null");
	ck_assert_str_eq(result_of("text/plain", TEXT("{\"a\":1}")), "\"{\\\"a\\\":1}\"");
	ck_assert_str_eq(result_of("", TEXT("hi")), "\"hi\"");
	ck_assert_str_eq(result_of("image/png", TEXT("\xff\x00\x01")), "\"/wAB\"");
}
END_TEST

START_TEST(http_words)
{
	struct reply reply = { .status = 400, .body = TEXT("{\"title\":\"t\",\"detail\":\"d\"}") };

	ck_assert(text_is(connector("http")->error_words(&call, &reply), "d"));
	reply.body = TEXT("{\"error\":{\"x\":1}}");
	ck_assert(text_is(connector("http")->error_words(&call, &reply), "{\"error\":{\"x\":1}}"));
	reply.body = TEXT(" plain\n");
	ck_assert(text_is(connector("http")->error_words(&call, &reply), "plain"));
	reply.body = TEXT("\xff");
	ck_assert_uint_eq(connector("http")->error_words(&call, &reply).n, 0);
}
END_TEST

static void add_hindsite(TCase *cases)
{
	tcase_add_test(cases, start_is_a_post);
	tcase_add_test(cases, a_start_tells_that_it_started);
	tcase_add_test(cases, a_start_that_failed);
	tcase_add_test(cases, a_webhook_about_a_work_set);
	tcase_add_test(cases, reply_and_webhook_compare);
	tcase_add_test(cases, a_webhook_about_something_else);
	tcase_add_test(cases, whose_webhook_it_is);
	tcase_add_test(cases, odd_webhooks);
}

int main(void)
{
	Suite *suite = suite_create("connectors_others");
	TCase *cases = tcase_create("others");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	add_hindsite(cases);
	tcase_add_test(cases, post_is_json);
	tcase_add_test(cases, only_ok_is_success);
	tcase_add_test(cases, slack_words_are_one_line);
	tcase_add_test(cases, events_of_ones_own);
	tcase_add_test(cases, lines_of_the_log);
	tcase_add_test(cases, requests_of_any_kind);
	tcase_add_test(cases, boundaries);
	tcase_add_test(cases, own_headers);
	tcase_add_test(cases, requests_that_are_refused);
	tcase_add_test(cases, a_credential_of_the_step);
	tcase_add_test(cases, dots_that_are_no_segments);
	tcase_add_test(cases, a_connection_is_not_left);
	tcase_add_test(cases, too_many_headers);
	tcase_add_test(cases, replies_of_any_kind);
	tcase_add_test(cases, http_words);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
