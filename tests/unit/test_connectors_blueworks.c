/* SPDX-License-Identifier: Apache-2.0
 *
 * Blueworks Live: its requests, what their replies may be and must not be, what is
 * made of a work's detail, and the pages of its poll. */
#include "tests/unit/test_connectors_kit.h"

static void settle(const char *settings)
{
	call.settings = parsed(text_of(settings));
	call.gathered = value_null();
	call.params = value_null();
}

#define TWO "{\"on_behalf_of\":[\"kim@example.com\",\"lee@example.com\"]}"

/* ---- requests ---- */

START_TEST(requests_are_as_documented)
{
	static const char *const cases[][3] = {
		{ "work.detail", "{\"id\":\"5f/1\"}",
		  "GET /scr/api/WorkDetail?version=20110917&workId=5f%2F1 [X-On-Behalf-Of: "
		  "kim@example.com]" },
		{ "work.detail", "{\"id\":7,\"on_behalf_of\":\"lee@example.com\"}",
		  "GET /scr/api/WorkDetail?version=20110917&workId=7 [X-On-Behalf-Of: "
		  "lee@example.com]" },
		{ "work.list", "{\"type\":\"closed\"}",
		  "GET /scr/api/WorkList?version=20110917&type=closed&limit=100&startFrom=0 "
		  "[X-On-Behalf-Of: kim@example.com]" },
		{ "task.list", "{\"type\":\"assigned\"}",
		  "GET /scr/api/TaskList?version=20110917&type=assigned&limit=100&startFrom=0 "
		  "[X-On-Behalf-Of: kim@example.com]" },
		{ "work.action", "{\"id\":\"W\",\"type\":\"cancel\"}",
		  "GET /scr/api/WorkDetail?version=20110917&workId=W [X-On-Behalf-Of: "
		  "kim@example.com]" },
		{ "launch_instance",
		  "{\"app_id\":\"A\",\"subject\":\"x & y\",\"attachments\":[7],\"fields\":{"
		  "\"details\":\"d\"}}",
		  "POST /scr/api/LaunchInstance?version=20110917&instance=%7B%22app%22%3A%7B%22id"
		  "%22%3A%22A%22%2C%22subject%22%3A%22x%20%26%20y%22%2C%22attachments%22%3A%5B%7B"
		  "%22id%22%3A%227%22%7D%5D%2C%22details%22%3A%22d%22%7D%7D [X-On-Behalf-Of: "
		  "kim@example.com]" },
		{ "comment", "{\"work_id\":\"W\",\"text\":\" hi \",\"parent_comment_id\":\"C\"}",
		  "POST /scr/api/WorkComment?version=20110917&action=add&workId=W&comment=hi&"
		  "parentCommentId=C [X-On-Behalf-Of: kim@example.com]" },
		{ "comment.remove", "{\"id\":\"C\"}",
		  "POST /scr/api/WorkComment?version=20110917&action=remove&commentId=C "
		  "[X-On-Behalf-Of: kim@example.com]" },
		{ "app.list", "{}",
		  "GET /scr/api/AppList?version=20110917 [X-On-Behalf-Of: kim@example.com]" },
		{ "app.detail", "{\"id\":\"A\"}",
		  "GET /scr/api/AppDetail?version=20110917&appId=A [X-On-Behalf-Of: "
		  "kim@example.com]" },
		{ "user.list", "{}",
		  "GET /scr/api/UserList?version=20110917 [X-On-Behalf-Of: kim@example.com]" },
		{ "activity.list",
		  "{\"start_date\":\"2026-11-21T00:00:00.000Z\",\"end_date\":\"b\",\"query\":{"
		  "\"users\":[\"7f0001\",\"7f0002\"]}}",
		  "GET /bwl/activities?start_date=2026-11-21T00%3A00%3A00.000Z&end_date=b&users="
		  "7f0001&users=7f0002 [X-IBM-API-Version: 1.0.0] [X-On-Behalf-Of: "
		  "kim@example.com]" },
		{ "request",
		  "{\"path\":\"/scr/api/X\",\"method\":\"POST\",\"query\":{\"a\":{\"b\":1}}}",
		  "POST /scr/api/X?version=20110917&a=%7B%22b%22%3A1%7D [X-On-Behalf-Of: "
		  "kim@example.com]" },
	};

	settle(TWO);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(built("blueworks", cases[i][0], cases[i][1]), cases[i][2]);
}
END_TEST

START_TEST(a_user_service_id_is_its_owner)
{
	settle("{}");
	ck_assert_str_eq(built("blueworks", "app.list", "{}"),
			 "GET /scr/api/AppList?version=20110917");
}
END_TEST

START_TEST(requests_that_are_refused)
{
	static const char *const cases[][3] = {
		{ "work.detail", "{\"id\":{}}", "id must be an id, not map" },
		{ "work.action", "{\"id\":\"W\",\"type\":\"complete\"}", "complete needs task_id" },
		{ "work.action", "{\"id\":\"W\",\"type\":\"reassign\",\"task_id\":\"T\"}",
		  "reassign needs assignee" },
		{ "work.action", "{\"id\":\"W\",\"type\":\"subject\"}", "subject needs subject" },
		{ "work.action", "{\"id\":\"W\",\"type\":\"remove_attachment\"}",
		  "remove_attachment needs attachment_id" },
		{ "launch_instance", "{\"app_id\":\"A\",\"subject\":\"x\",\"attachments\":[{}]}",
		  "attachments: item 1 is no id" },
		{ "comment", "{\"work_id\":\"W\",\"text\":\"  \"}", "text is empty" },
		{ "request", "{\"path\":\"/scr/../x\"}",
		  "path must begin with / and have no . or .. and no query" },
		{ "request", "{\"path\":\"/x?a=1\"}",
		  "path must begin with / and have no . or .. and no query" },
	};
	char want[200];

	settle(TWO);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(want, sizeof(want), "reject: %s", cases[i][2]);
		ck_assert_str_eq(built("blueworks", cases[i][0], cases[i][1]), want);
	}
}
END_TEST

START_TEST(long_parameters)
{
	char much[LIMIT_URL + 200], text[1200];
	size_t n = 0;

	settle(TWO);
	n += (size_t)snprintf(text, sizeof(text), "{\"work_id\":\"W\",\"text\":\"");
	for (int i = 0; i < 201; i++, n += 2)
		memcpy(text + n, "\xc3\xbc", 3);
	(void)snprintf(text + n, sizeof(text) - n, "\"}");
	const char *made = built("blueworks", "comment", text);

	/* 199 characters and an ellipsis. */
	ck_assert_ptr_nonnull(strstr(made, "%C3%BC%E2%80%A6 [X-"));
	n = 0;
	for (const char *s = made; (s = strstr(s, "%C3%BC")) != NULL; s += 6)
		n++;
	ck_assert_uint_eq(n, 199);
	n = (size_t)snprintf(much, sizeof(much), "{\"app_id\":\"A\",\"subject\":\"");
	memset(much + n, 'x', LIMIT_URL);
	(void)snprintf(much + n + LIMIT_URL, sizeof(much) - n - LIMIT_URL, "\"}");
	ck_assert_str_eq(built("blueworks", "launch_instance", much),
			 "reject: instance is too long for a URL");
}
END_TEST

/* ---- work.action ---- */

static enum fate read_as(const char *name, int status, struct text body, struct reading *reading)
{
	return read_reply("blueworks", name, status, "application/json", body, reading);
}

START_TEST(the_version_is_read_and_goes_back_as_it_came)
{
	struct reading reading;

	settle("{\"action_types\":{\"approve\":\"ApproveTask\"}}");
	ck_assert_int_eq(read_as("work.action", 200, recorded("blueworks_detail.json"), &reading),
			 FATE_OK);
	ck_assert(reading.more);
	call.gathered = reading.result;
	ck_assert_str_eq(
	    built("blueworks", "work.action",
		  "{\"id\":\"5f501e200a001\",\"type\":\"approve\",\"task_id\":\"T\",\"fields\":{"
		  "\"taskId\":\"U\"}}"),
	    "POST /scr/api/WorkAction?version=20110917&action=%7B%22action%22%3A%7B%22type%22%3A%22"
	    "ApproveTask%22%2C%22workId%22%3A%225f501e200a001%22%2C%22appId%22%3A%225f500e200d001%"
	    "22%2C%22runtimeVersion%22%3A%5B%220f2c8f0e-3c1b-4d0e-9a51-6a2e5d1f77aa%22%2C%22"
	    "5f501e200a001%22%2C7%5D%2C%22taskId%22%3A%22U%22%7D%7D");
	ck_assert_int_eq(read_as("work.action", 200, TEXT("{\"ok\":1}"), &reading), FATE_OK);
	ck_assert(!reading.more);
	ck_assert_str_eq(json_of(reading.result), "{\"ok\":1}");
	ck_assert_int_eq(read_as("work.action", 200, TEXT(" "), &reading), FATE_OK);
	ck_assert_int_eq(read_as("work.action", 200, TEXT("{\"error\":\"no\"}"), &reading),
			 FATE_REJECT);
	ck_assert_str_eq(call.why, "Blueworks Live says: no");
	call.gathered = value_null();
	ck_assert_int_eq(read_as("work.action", 200, TEXT("{\"work\":{\"id\":\"x\"}}"), &reading),
			 FATE_RETRY);
	ck_assert_str_eq(call.why, "the work has no runtimeVersion");
}
END_TEST

static bool found(const char *params)
{
	struct reply reply = { 200, recorded("blueworks_detail.json"), TEXT("application/json") };
	struct reading reading = { .absent = false };

	call.params = parsed(text_of(params));
	ck_assert_int_eq(action("blueworks", "work.action")->found(&call, &reply, &reading),
			 FATE_OK);
	return !reading.absent;
}

START_TEST(the_work_shows_whether_it_happened)
{
	settle("{}");
	ck_assert(found("{\"id\":\"W\",\"type\":\"approve\",\"task_id\":\"5f501e200a002\"}"));
	ck_assert(!found("{\"id\":\"W\",\"type\":\"reject\",\"task_id\":\"5f501e200a002\"}"));
	ck_assert(found("{\"id\":\"W\",\"type\":\"complete\",\"task_id\":\"5f501e200a002\"}"));
	ck_assert(!found("{\"id\":\"W\",\"type\":\"complete\",\"task_id\":\"5f501e200a003\"}"));
	ck_assert(!found("{\"id\":\"W\",\"type\":\"complete\",\"task_id\":\"nowhere\"}"));
	ck_assert(found("{\"id\":\"W\",\"type\":\"reassign\",\"task_id\":\"5f501e200a004\","
			"\"assignee\":\"7f0002\"}"));
	ck_assert(!found("{\"id\":\"W\",\"type\":\"reassign\",\"task_id\":\"5f501e200a003\","
			 "\"assignee\":\"7f0003\"}"));
	ck_assert(!found("{\"id\":\"W\",\"type\":\"cancel\"}"));
	ck_assert(found("{\"id\":\"W\",\"type\":\"subject\",\"subject\":\"Acme / Berlin\"}"));
	ck_assert(found("{\"id\":\"W\",\"type\":\"remove_attachment\",\"attachment_id\":\"x\"}"));
	ck_assert(!found("{\"id\":\"W\",\"type\":\"remove_attachment\",\"attachment_id\":"
			 "\"5f500e200b001\"}"));
}
END_TEST

/* ---- replies ---- */

START_TEST(a_detail_is_read_whole)
{
	struct reading reading;

	settle("{}");
	ck_assert_int_eq(read_as("work.detail", 200, recorded("blueworks_detail.json"), &reading),
			 FATE_OK);
	ck_assert_ptr_null(reading.kind);
	ck_assert_str_eq(at(reading.result, "subject"), "\"Acme / Berlin\"");
	ck_assert_str_eq(at(reading.result, "startedAt"), "\"2015-09-02T18:40:22.958Z\"");
	ck_assert_str_eq(at(reading.result, "starter"), "{\"id\":\"7f0002\",\"name\":\"Kim\"}");
	ck_assert_str_eq(at(reading.result, "app.name"), "\"Invoice approval\"");
	ck_assert_str_eq(at(reading.result, "tasks.0.actor.name"), "\"Kim\"");
	ck_assert_str_eq(at(reading.result, "tasks.2.assignee"),
			 "{\"id\":\"7f9999\",\"name\":null}");
	ck_assert_str_eq(at(reading.result, "tasks.2.dueDate"), "\"1970-01-01T00:00:01Z\"");
	ck_assert_str_eq(at(reading.result, "attachments.0.type"), "9");
	ck_assert_str_eq(at(reading.result, "comments.0.author.name"), "\"Lee\"");
	ck_assert_str_eq(at(reading.result, "closed"), "false");
	/* Nobody's clock: only the API's own word counts. */
	ck_assert_str_eq(at(reading.result, "overdue"), "false");
}
END_TEST

START_TEST(truncated_replies_are_retried)
{
	struct text whole = recorded("blueworks_detail.json");
	struct reading reading;

	settle("{}");
	while (whole.n > 0 && whole.s[whole.n - 1] != '}')
		whole.n--;
	for (size_t n = 0; n < whole.n; n += 7)
		ck_assert_int_eq(read_as("work.detail", 200, (struct text){ whole.s, n }, &reading),
				 FATE_RETRY);
}
END_TEST

START_TEST(replies_of_another_shape)
{
	static const char *const cases[][3] = {
		{ "work.detail", "[]", "the reply is not an object" },
		{ "work.detail", "{}", "the reply has no work with an id" },
		{ "work.detail", "{\"work\":{\"id\":{}}}", "the reply has no work with an id" },
		{ "work.detail", "{\"work\":{\"id\":\"1\",\"tasks\":{}}}",
		  "work.tasks is no list" },
		{ "work.detail", "{\"work\":{\"id\":\"1\",\"comments\":[{\"id\":\"2\"},{}]}}",
		  "work.comments: item 2 has no id" },
		{ "work.list", "{\"work\":[{}]}", "the reply has no list whose items have ids" },
		{ "work.list", "{\"users\":[{\"id\":\"7\"}]}",
		  "the reply has no list whose items have ids" },
		{ "app.list", "{\"apps\":1}", "the reply has no apps" },
		{ "app.detail", "{\"app\":[]}", "the reply has no app" },
		{ "user.list", "{}", "the reply has no users" },
		{ "comment", "<html>", "the reply is not JSON: expected a value (byte 0 of 6)" },
	};
	struct reading reading;

	settle("{}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(read_as(cases[i][0], 200, text_of(cases[i][1]), &reading),
				 FATE_RETRY);
		ck_assert_str_eq(call.why, cases[i][2]);
	}
}
END_TEST

static struct text rows(const char *name, int first, int count)
{
	struct buf b;
	struct text made;

	buf_init(&b, MIB);
	buf_printf(&b, "{\"users\":[{\"id\":\"7\"}],\"%s\":[", name);
	for (int i = first; i < first + count; i++)
		buf_printf(&b, "%s{\"id\":\"%d\"}", i > first ? "," : "", i);
	buf_str(&b, "]}");
	made = text_dup(arena, buf_view(&b));
	buf_fini(&b);
	return made;
}

START_TEST(lists_are_read_to_their_end)
{
	struct reading reading;

	settle("{}");
	ck_assert_int_eq(read_as("work.list", 200, rows("work", 0, 100), &reading), FATE_OK);
	ck_assert(reading.more);
	call.gathered = reading.result;
	ck_assert_str_eq(
	    built("blueworks", "work.list", "{\"type\":\"open\"}"),
	    "GET /scr/api/WorkList?version=20110917&type=open&limit=100&startFrom=100");
	/* A row moved to the next page meanwhile; the list has another name. */
	ck_assert_int_eq(read_as("work.list", 200, rows("items", 99, 51), &reading), FATE_OK);
	ck_assert(!reading.more);
	ck_assert_str_eq(at(reading.result, "count"), "150");
	ck_assert_str_eq(at(reading.result, "asked"), "absent");
	/* A server that always answers the first page. */
	ck_assert_int_eq(read_as("work.list", 200, rows("work", 0, 100), &reading), FATE_OK);
	ck_assert(!reading.more);
	ck_assert_str_eq(at(reading.result, "count"), "100");
}
END_TEST

START_TEST(errors_in_its_own_words)
{
	static const struct {
		int status;
		const char *body, *words;
	} cases[] = {
		{ 400, "{\"errorMessage\":\"version is missing\"}", "version is missing" },
		{ 404, "", "" },
		{ 404, "{\"message\":\"not found\"}", "not found" },
		{ 401, "", "the token is not valid for this call" },
		{ 403, "{\"error\":\"Forbidden\"}",
		  "Forbidden; the service ID's category does not include this call (work takes "
		  "Work Management), access to the API is not enabled on the Account Information "
		  "tab, or the user may not do this" },
		{ 503, "<html>", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reply reply = { cases[i].status, text_of(cases[i].body), TEXT("text/x") };
		struct text words = connector("blueworks")->error_words(&call, &reply);

		ck_assert_msg(text_is(words, cases[i].words), "%.*s", TEXT_ARG(words));
	}
}
END_TEST

/* ---- the poll ---- */

static const struct resource *work(void)
{
	return connector_resource(connector("blueworks"), TEXT("work"));
}

START_TEST(open_lists_of_everybody_come_first)
{
	static const char *const names[] = {
		"work open kim@example.com",   "tasks assigned kim@example.com",
		"work open lee@example.com",   "tasks assigned lee@example.com",
		"work closed kim@example.com", "tasks completed kim@example.com",
		"work closed lee@example.com", "tasks completed lee@example.com",
	};
	struct round_list list;

	settle(TWO);
	for (unsigned i = 0; i < 8; i++) {
		ck_assert(work()->rounds->list(&call, i, &list));
		ck_assert_msg(text_is(list.name, names[i]), "%.*s", TEXT_ARG(list.name));
		ck_assert_int_eq(list.settled, i >= 4);
	}
	ck_assert(!work()->rounds->list(&call, 8, &list));
	settle("{}");
	ck_assert(work()->rounds->list(&call, 3, &list));
	ck_assert(!work()->rounds->list(&call, 4, &list));
}
END_TEST

static const char *asked(struct page_ask ask)
{
	struct request request;

	ck_assert_int_eq(work()->ask(&call, &ask, &request), FATE_OK);
	buf_clear(&out);
	buf_printf(&out, "%.*s", TEXT_ARG(request.url));
	for (unsigned i = 0; i < request.header_count; i++)
		buf_printf(&out, " %.*s", TEXT_ARG(request.headers[i].value));
	return buf_cstr(&out);
}

START_TEST(each_is_read_for_whose_list_named_it)
{
	struct text id = TEXT("W");
	struct page_ask ask = { .kind = PAGE_LIST, .list = 3, .offset = 100 };

	settle(TWO);
	ck_assert_str_eq(asked(ask), "/scr/api/TaskList?version=20110917&type=assigned&limit=100&"
				     "startFrom=100 lee@example.com");
	ask = (struct page_ask){ .kind = PAGE_ONE, .list = 2, .ids = &id, .id_count = 1 };
	ck_assert_str_eq(asked(ask),
			 "/scr/api/WorkDetail?version=20110917&workId=W lee@example.com");
	ask.list = LIST_NONE;
	ck_assert_str_eq(asked(ask),
			 "/scr/api/WorkDetail?version=20110917&workId=W kim@example.com");
	ask.known = parsed(TEXT("{\"watchedBy\":\"lee@example.com\"}"));
	ck_assert_str_eq(asked(ask),
			 "/scr/api/WorkDetail?version=20110917&workId=W lee@example.com");
	ask.known = parsed(TEXT("{\"watchedBy\":\"gone@example.com\"}"));
	ck_assert_str_eq(asked(ask),
			 "/scr/api/WorkDetail?version=20110917&workId=W kim@example.com");
}
END_TEST

static bool note_id(void *of, struct text id, struct text json)
{
	ck_assert_uint_eq(json.n, 0);
	buf_printf(of, "%.*s ", TEXT_ARG(id));
	return true;
}

static const char *listed(unsigned list, const char *body)
{
	struct page_ask ask = { .kind = PAGE_LIST, .list = list };
	struct reply reply = { 200, text_of(body), TEXT("application/json") };
	struct page page;
	enum fate fate;

	buf_clear(&out);
	fate = work()->read(&call, &ask, &reply, note_id, &out, &page);
	if (fate != FATE_OK)
		buf_printf(&out, "%s: %s", fate_word(fate), call.why);
	else
		buf_printf(&out, "of %u%s", page.items, page.more ? ", more" : "");
	return buf_cstr(&out);
}

START_TEST(rows_name_work)
{
	settle(TWO);
	ck_assert_str_eq(listed(0, "{\"work\":[{\"id\":\"a\"},{\"id\":7}]}"), "a 7 of 2");
	ck_assert_str_eq(listed(0, "{\"work\":[]}"), "of 0");
	ck_assert_str_eq(listed(1, "{\"tasks\":[{\"id\":\"t\",\"workId\":\"a\"},{\"id\":\"u\","
				   "\"work\":{\"id\":\"b\"}}]}"),
			 "a b of 2");
	ck_assert_str_eq(listed(1, "{\"tasks\":[{\"id\":\"t\"}]}"), "retry: row 1 names no work");
	ck_assert_str_eq(listed(0, "{\"error\":\"nope\"}"), "retry: Blueworks Live says: nope");
}
END_TEST

static bool note_part(void *of, const struct object_kind *kind, struct text id, struct text json)
{
	struct value object = parsed(json);
	const struct value *overdue = value_get(object, TEXT("overdue"));
	const struct value *removed = value_get(object, TEXT("removed"));
	const struct value *parent = value_get(object, TEXT("parentCommentId"));

	buf_printf(of, "%s %.*s%s%s%s\n", kind->name + strlen("blueworks."), TEXT_ARG(id),
		   overdue != NULL && overdue->b ? " overdue" : "",
		   removed != NULL && removed->b ? " removed" : "",
		   parent != NULL && value_is(*parent, VALUE_TEXT) ? " answers" : "");
	/* Whatever is known to rules is in the table of its kind. */
	for (uint32_t i = 0; i < object.n; i++)
		ck_assert_msg(object_kind_field(kind, value_as_text(object.pairs[i].key)) != NULL,
			      "%s.%.*s", kind->name, TEXT_ARG(value_as_text(object.pairs[i].key)));
	return true;
}

static const char *shown(const char *id, int64_t now, const char *known)
{
	struct text ids = text_of(id);
	struct page_ask ask = {
		.kind = PAGE_ONE,
		.ids = &ids,
		.id_count = 1,
		.list = 0,
		.now = now,
	};
	struct reply reply = { 200, recorded("blueworks_detail.json"), TEXT("application/json") };
	struct buf parts;
	enum fate fate;
	struct text made;

	ask.known = parsed(text_of(known));
	buf_init(&parts, MIB);
	fate = work()->rounds->read(&call, &ask, &reply, note_part, &parts);
	made = fate == FATE_OK ? text_dup(arena, buf_view(&parts))
			       : text_printf(arena, "%s: %s", fate_word(fate), call.why);
	buf_fini(&parts);
	return made.s;
}

#define TASKS(overdue)                                                                             \
	"task 5f501e200a002\ntask 5f501e200a003" overdue "\ntask 5f501e200a004\ncomment "          \
	"5f501e200c001\ncomment 5f501e200c002 answers\nattachment 5f500e200b001\nattachment "      \
	"5f500e200b002 removed\n"

START_TEST(a_work_is_shown_with_all_of_it)
{
	settle(TWO);
	ck_assert_str_eq(shown("5f501e200a001", 1795309824999, "null"),
			 "work 5f501e200a001\n" TASKS(""));
	ck_assert_str_eq(shown("5f501e200a001", 1795309825000,
			       "{\"attachments\":[{\"id\":\"5f500e200b001\"},{\"id\":\"old\","
			       "\"name\":\"x\",\"uploadedOn\":\"2026-01-01T00:00:00Z\"}]}"),
			 "work 5f501e200a001 overdue\n" TASKS(" overdue") "attachment old "
									  "removed\n");
	ck_assert_str_eq(shown("other", 0, "null"), "retry: the reply is about other work");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors_blueworks");
	TCase *cases = tcase_create("blueworks");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, requests_are_as_documented);
	tcase_add_test(cases, a_user_service_id_is_its_owner);
	tcase_add_test(cases, requests_that_are_refused);
	tcase_add_test(cases, long_parameters);
	tcase_add_test(cases, the_version_is_read_and_goes_back_as_it_came);
	tcase_add_test(cases, the_work_shows_whether_it_happened);
	tcase_add_test(cases, a_detail_is_read_whole);
	tcase_add_test(cases, truncated_replies_are_retried);
	tcase_add_test(cases, replies_of_another_shape);
	tcase_add_test(cases, lists_are_read_to_their_end);
	tcase_add_test(cases, errors_in_its_own_words);
	tcase_add_test(cases, open_lists_of_everybody_come_first);
	tcase_add_test(cases, each_is_read_for_whose_list_named_it);
	tcase_add_test(cases, rows_name_work);
	tcase_add_test(cases, a_work_is_shown_with_all_of_it);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
