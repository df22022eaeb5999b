/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of everything that can be polled: each recorded page is read as it
 * says, what is cut, odd or not taken is not read at all, and memory that gives out
 * anywhere changes no answer. Resources come from the registry; nothing is listed
 * here but the ways in which lists of any API are paged (replies/README.md). */
#include "tests/unit/test_rules_row.h"

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
	enum fate fate =
	    trial->resource->read(call, &trial->ask, &reply, page_visit, &pages, &page);

	if (fate != FATE_OK)
		buf_clear(answer); /* nothing of it is used */
	if (fate != FATE_OK || arena_failed(call->arena))
		return fate;
	buf_printf(answer, "%u %d %lld", page.items, page.more, (long long)page.high);
	ck_assert_msg(page.more == text_is(r->fate, "more"), "%s: %s", trial->row->name,
		      trial->what);
	ck_assert(page.items <= trial->resource->page_size);
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

	buf_clear(&row->seen);
	ck_assert_msg(trial->resource->read(&call, &trial->ask, &reply, visit, &pages, &page) ==
			      FATE_RETRY &&
			  call.why[0] != '\0',
		      "%s: %.*s", row->name, TEXT_ARG(body));
	ck_assert(text_is_utf8(text_of(call.why)));
	arena_free(arena);
}

/* What is cut, has another shape, or isn't taken by whoever reads it. */
static void try_bad_pages(struct trial *trial)
{
	static const char *const odd[] = { "", "[]", "null", "7", "\"x\"", "{}", "<html>", "\xff" };
	struct text body = trial->reply->body;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
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

static void try_page(struct row *row, const struct resource *resource, const struct recorded *r)
{
	static const char *const none[] = { NULL };
	static const struct text ids[] = { { "7", 1 }, { "8", 1 } };
	struct trial trial = { .row = row, .reply = r, .resource = resource };

	trial.ask = (struct page_ask){ .kind = kind_of(row, r->part), .asks = none };
	trial.ask.after = INT64_C(1760000000000);
	if (trial.ask.kind == PAGE_VERIFY || trial.ask.kind == PAGE_AGAIN) {
		trial.ask.ids = ids;
		trial.ask.id_count = 2;
	}
	trial.what =
	    text_printf(row->kit.arena, "%.*s %.*s", TEXT_ARG(r->part), TEXT_ARG(r->body)).s;
	trial.function = call_ask;
	sweep(&trial, FATE_OK);
	trial.function = call_page;
	sweep(&trial, wanted_fate(r));
	if (wanted_fate(r) == FATE_OK)
		try_bad_pages(&trial);
	if (text_is(r->fate, "more"))
		expect_no_page(&trial, r->body, page_refuse);
}

static void try_resource(struct row *row, const struct resource *resource)
{
	struct recording recording;
	bool good = false;
	char name[80];

	(void)snprintf(name, sizeof(name), "poll.%s", resource->name);
	(void)recording_load(row->kit.arena, row->connector->name, name, &recording);
	for (unsigned i = 0; i < recording.count; i++) {
		try_page(row, resource, &recording.replies[i]);
		good = good || wanted_fate(&recording.replies[i]) == FATE_OK;
	}
	ck_assert_msg(good, "%s has no recorded page: see tests/unit/replies/README.md", row->name);
}

START_TEST(pages_are_read_whole_or_not)
{
	const struct connector *c = connectors_all()[_i];

	for (const struct resource *r = c->resources; r != NULL && r->name != NULL; r++) {
		struct row row;

		row_begin(&row, c, r->name);
		try_resource(&row, r);
		row_end(&row);
	}
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
