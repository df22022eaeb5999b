/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of everything that can be polled: each recorded page is read as it
 * says, what is cut, odd or not taken is not read at all, and memory that gives out
 * anywhere changes no answer. Resources come from the registry, lists of any name
 * from what is recorded; nothing is listed here. */
#include "tests/unit/test_rules_row.h"

/* A poll as it is tried, and the ask for the page that follows the last one with `more`. */
struct polled {
	const struct resource *resource;
	struct value settings;
	struct recording recording;
	struct page_ask next;
	bool has_next;
};

static enum fate call_ask(struct trial *trial, struct call *call, struct buf *answer)
{
	struct request request = { .method = "" };
	enum fate fate = trial->resource->ask(call, &trial->ask, &request);

	if (fate == FATE_OK && !arena_failed(call->arena))
		put_answer(answer, &request);
	return fate;
}

struct pages {
	struct buf *answer;
	unsigned count;
};

static bool page_visit(void *of, struct text id, struct text json)
{
	struct pages *pages = of;

	pages->count++;
	buf_printf(pages->answer, "%.*s: %.*s\n", TEXT_ARG(id), TEXT_ARG(json));
	return id.n > 0;
}

static bool page_refuse(void *of, struct text id, struct text json)
{
	(void)of;
	(void)id;
	(void)json;
	return false;
}

static enum fate call_page(struct trial *trial, struct call *call, struct buf *answer)
{
	const struct recorded *r = trial->reply;
	const struct reply reply = { r->status, r->body, r->type };
	struct page page = { .items = 0 };
	struct pages pages = { .answer = answer };
	enum fate fate;

	call->link = r->link;
	fate = trial->resource->read(call, &trial->ask, &reply, page_visit, &pages, &page);
	if (fate != FATE_OK)
		buf_clear(answer); /* nothing of it is used */
	if (fate != FATE_OK && !arena_failed(call->arena))
		ck_assert_msg(text_find(text_of(call->why), r->words) != SIZE_MAX,
			      "%s: \"%.*s\" is not in \"%s\"", trial->row->name, TEXT_ARG(r->words),
			      call->why);
	if (fate != FATE_OK || arena_failed(call->arena))
		return fate;
	buf_printf(answer, "%u %d %lld %.*s %d", page.items, page.more, (long long)page.high,
		   TEXT_ARG(page.next), page.validates);
	ck_assert_msg(page.more == text_is(r->fate, "more"), "%s: %s", trial->row->name,
		      trial->what);
	ck_assert(trial->resource->whole || page.items <= trial->resource->page_size);
	ck_assert(trial->ask.kind == PAGE_AGAIN || page.items == pages.count);
	return fate;
}

static void expect_no_page(struct trial *trial, struct text body,
			   bool (*visit)(void *of, struct text id, struct text json))
{
	struct row *row = trial->row;
	struct arena *arena = arena_new("trial", LIMIT_EVENT_ARENA);
	struct call call = trial_call(row, arena, row->kit.parser);
	const struct reply reply = { 200, body, TEXT("application/json") };
	struct pages pages = { .answer = &row->seen };
	struct page page;

	call.link = trial->reply->link;
	buf_clear(&row->seen);
	ck_assert_msg(trial->resource->read(&call, &trial->ask, &reply, visit, &pages, &page) ==
			      FATE_RETRY &&
			  call.why[0] != '\0',
		      "%s: %.*s", row->name, TEXT_ARG(body));
	ck_assert(text_is_utf8(text_of(call.why)));
	arena_free(arena);
}

static bool is_recorded(const struct polled *poll, const char *body)
{
	for (unsigned i = 0; i < poll->recording.count; i++)
		if (text_is(poll->recording.replies[i].body, body))
			return true;
	return false;
}

/* What is cut, has another shape, or isn't taken by whoever reads it. */
static void try_bad_pages(struct trial *trial, const struct polled *poll)
{
	static const char *const odd[] = { "", "[]", "null", "7", "\"x\"", "{}", "<html>", "\xff" };
	struct text body = trial->reply->body;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (!is_recorded(poll, odd[i]))
			expect_no_page(trial, text_of(odd[i]), page_visit);
	for (size_t n = 1; n < body.n; n += 1 + n / 20)
		expect_no_page(trial, (struct text){ body.s, n }, page_visit);
}

static enum page_kind kind_of(const struct row *row, struct text part)
{
	static const char *const words[] = { "changes", "sweep", "verify", "again" };

	for (size_t i = 0; i < 4; i++)
		if (text_is(part, words[i]))
			return (enum page_kind)i;
	ck_abort_msg("%s: \"%.*s\" is no kind of page", row->name, TEXT_ARG(part));
	return PAGE_CHANGES;
}

static struct page_ask first_ask(const struct row *row, const struct polled *poll, struct text part)
{
	static const char *const none[] = { NULL };
	static const struct text ids[] = { { "7", 1 }, { "8", 1 } };
	struct page_ask ask = { .kind = kind_of(row, part), .asks = none };

	ask.after = INT64_C(1760000000000);
	ask.settings = poll->settings;
	if (ask.kind == PAGE_VERIFY || ask.kind == PAGE_AGAIN) {
		ask.ids = ids;
		ask.id_count = 2;
	}
	return ask;
}

/* The page behind one with `more` is asked for with what that gave. Returns its rows. */
static unsigned go_on(struct trial *trial, struct polled *poll)
{
	const struct recorded *r = trial->reply;
	const struct reply reply = { r->status, r->body, r->type };
	struct call call = trial_call(trial->row, trial->row->kit.arena, trial->row->kit.parser);
	struct pages pages = { .answer = &trial->row->seen };
	struct page page;

	call.link = r->link;
	ck_assert_int_eq(
	    trial->resource->read(&call, &trial->ask, &reply, page_visit, &pages, &page), FATE_OK);
	poll->next = trial->ask;
	poll->next.pages++;
	poll->next.offset += page.items;
	poll->next.next = page.next;
	poll->has_next = true;
	return page.items;
}

static void try_page(struct row *row, struct polled *poll, const struct recorded *r)
{
	struct trial trial = { .row = row, .reply = r, .resource = poll->resource };

	ck_assert_msg(poll->has_next || !text_is(r->part, "next"), "%s: no page before", row->name);
	trial.ask = text_is(r->part, "next") ? poll->next : first_ask(row, poll, r->part);
	trial.what =
	    text_printf(row->kit.arena, "%.*s %.*s", TEXT_ARG(r->part), TEXT_ARG(r->body)).s;
	trial.function = call_ask;
	sweep(&trial, FATE_OK);
	trial.function = call_page;
	sweep(&trial, wanted_fate(r));
	if (wanted_fate(r) == FATE_OK)
		try_bad_pages(&trial, poll);
	if (!text_is(r->fate, "more"))
		return;
	if (go_on(&trial, poll) > 0)
		expect_no_page(&trial, r->body, page_refuse);
}

static void try_poll(struct row *row, struct polled *poll, const char *file)
{
	bool good = false;

	(void)recording_load(row->kit.arena, row->connector->name, file, &poll->recording);
	for (unsigned i = 0; i < poll->recording.count; i++) {
		try_page(row, poll, &poll->recording.replies[i]);
		good = good || wanted_fate(&poll->recording.replies[i]) == FATE_OK;
	}
	ck_assert_msg(good, "%s has no recorded page: see tests/unit/replies/README.md", row->name);
}

static void try_resource(const struct connector *c, const struct resource *r)
{
	struct polled poll = { .resource = r, .settings = value_null() };
	struct row row;
	char file[80];

	(void)snprintf(file, sizeof(file), "poll.%s", r->name);
	row_begin(&row, c, r->name);
	try_poll(&row, &poll, file);
	row_end(&row);
}

/* A list of any name, as the recording's connection has it. */
static void try_any(const struct connector *c, const char *file)
{
	struct polled poll = { .settings = value_null() };
	const struct connection *connection;
	struct row row;

	row_begin(&row, c, file);
	connection = config_connection(row.kit.config, text_of(c->name));
	ck_assert_msg(connection != NULL && connection->poll_count == 1, "%s has not one poll",
		      row.name);
	poll.resource = connection->polls[0].resource;
	poll.settings = connection->polls[0].settings;
	try_poll(&row, &poll, file);
	row_end(&row);
}

START_TEST(pages_are_read_whole_or_not)
{
	const struct connector *c = connectors_all()[_i];

	struct arena *names = arena_new("test", MIB);
	const char *files[RECORDED_ROWS];
	unsigned count = recorded_rows(names, c->name, "poll", files);

	for (const struct resource *r = c->resources; r != NULL && r->name != NULL; r++)
		try_resource(c, r);
	for (unsigned i = 1; i < count; i++)
		try_any(c, files[i]);
	ck_assert_msg(count > 1 || c->any_resource == NULL,
		      "%s has no recorded page of any list: see tests/unit/replies/README.md",
		      c->name);
	arena_free(names);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_contract_polls");
	TCase *cases = tcase_create("contract");
	SRunner *runner = srunner_create(suite);
	int count = 0, failed;

	while (connectors_all()[count] != NULL)
		count++;
	tcase_set_timeout(cases, 240);
	tcase_add_loop_test(cases, pages_are_read_whole_or_not, 0, count);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
