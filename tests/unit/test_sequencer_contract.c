/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of every action, as its runs see it: each recorded reply, each
 * status, each reply that is cut, odd or missing has the fate that the action's
 * row declares. Rows come from the registry; nothing is listed here.
 *
 *   2xx of the right shape     done, or on to the next page
 *   2xx that can't be read     again where repeating is harmless, else in doubt
 *   408 425 429 5xx            again
 *   other statuses             dead, in the product's words
 *   SMTP's 4yz                 again; 5yz dead
 *   no reply                   again when nothing left, else as after_doubt says
 *
 * An action without a recorded success fails here: see replies/README.md. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/test_recordings.h"

struct row {
	const struct connector *connector;
	const struct action *action;
	struct arena *arena;
	const char *file; /* its recording: the action's name, or ACTION+WORD */
	struct recording recording, errors;
	struct recorded_chain before; /* what the reply in hand follows */
	char name[120];
	const char *config, *rules;
	char case_[400]; /* for messages */
};

/* What became of a run after one reply. */
struct seen {
	enum run_state state;
	size_t sent; /* further attempts in the same batch */
	bool read;   /* the request only read: a page, or what the step's own is made of */
	char words[4096], fate[16];
};

/* ---- The world of one row. ---- */

static void row_files(struct row *row)
{
	struct text connection = recorded_connection(row->arena, row->connector->name, row->file);
	struct text params = row->recording.params;
	struct text entry = TEXT(" {}");

	if (connection.n > 0)
		entry = text_of(text_printf(row->arena, "\n  %s: %.*s", row->connector->name,
					    TEXT_ARG(connection))
				    .s);
	row->config = text_printf(row->arena,
				  "rules: [rules.yaml]\nhooks: { go: { verify: none } }\n"
				  "tables: { projects: { key: workspace_id, columns: "
				  "{ workspace_id: text, work_set_id: text } } }\n"
				  "connections:%s\n",
				  entry.s)
			  .s;
	if (params.n == 0)
		params = text_of(row->action->example);
	row->rules = text_printf(row->arena,
				 "rules:\n  - id: r\n    on: hook.go\n    do:\n"
				 "      - %s.%s: %.*s\n"
				 "        retry: { attempts: 3, first: 1s }\n",
				 row->connector->name, row->action->name, TEXT_ARG(params))
			 .s;
}

/* The step's request is under way. */
static void row_begin(struct row *row, struct world *w)
{
	world_init(w, row->config, row->rules);
	world_hook(w, "go", "1", "{}");
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 8);
	ck_assert_msg(w->out.attempt_count == 1, "%s sends nothing", row->name);
}

static void row_answer(struct world *w, const struct ending *ending)
{
	ck_assert_uint_eq(w->out.attempt_count, 1);
	const struct attempt_out *a = &w->out.attempts[0];
	struct input input = {
		.kind = INPUT_OUTCOME,
		.outcome = { .run = a->run,
			     .step = a->step,
			     .attempt = a->attempt,
			     .target = a->target,
			     .credits = 1,
			     .ending = *ending },
	};

	input.outcome.ending.started = w->now.wall;
	input.outcome.ending.ended = w->now.wall;
	input.outcome.ending.retry_after = -1;
	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 8);
}

static bool seen_attempt(void *of, const struct attempt_record *attempt)
{
	struct seen *seen = of;

	(void)snprintf(seen->fate, sizeof(seen->fate), "%.*s", TEXT_ARG(attempt->fate));
	(void)snprintf(seen->words, sizeof(seen->words), "%.*s", TEXT_ARG(attempt->error));
	return true;
}

static struct seen row_seen(struct world *w)
{
	struct seen seen = { .state = world_state(w, 1), .sent = w->out.attempt_count };

	ck_assert_int_eq(store_query_attempts(w->store, 1, seen_attempt, &seen), FATE_OK);
	return seen;
}

static struct ending replied(int status, struct text type, struct text body)
{
	return (struct ending){ .how = END_REPLIED,
				.sent = true,
				.status = status,
				.content_type = type,
				.body = body };
}

/* The pages before the reply in hand. */
static void row_lead(const struct row *row, struct world *w)
{
	for (unsigned i = 0; i < row->before.count; i++) {
		const struct recorded *r = row->before.replies[i];
		struct ending ending = replied(r->status, r->type, r->body);

		row_answer(w, &ending);
		ck_assert_msg(w->out.attempt_count == 1, "%s: nothing follows page %u", row->name,
			      i + 1);
	}
}

/* Whether the request in hand only reads: the replies to it may be asked for again. */
static bool row_reads(const struct row *row, const struct world *w)
{
	const struct request *request = &w->out.attempts[0].request;

	return strcmp(request->method, "GET") == 0 &&
	       (row->before.count > 0 || row->action->prepares ||
		!value_is(request->keep, VALUE_NULL));
}

static struct seen row_try(struct row *row, const struct ending *ending)
{
	struct world w;
	struct seen seen;
	bool reads;

	(void)snprintf(row->case_, sizeof(row->case_), "%s, after %u, status %d, \"%.*s\"",
		       row->name, row->before.count, ending->status,
		       ending->body.n > 200 ? 200 : (int)ending->body.n,
		       ending->body.n > 0 ? ending->body.s : "");
	row_begin(row, &w);
	row_lead(row, &w);
	reads = row_reads(row, &w);
	row_answer(&w, ending);
	seen = row_seen(&w);
	seen.read = reads;
	world_fini(&w);
	return seen;
}

/* ---- What must follow. ---- */

#define CHECK(row, seen, what)                                                                     \
	ck_assert_msg(what, "%s: %s (state %d, %s: %s)", (row)->case_, #what, (int)(seen).state,   \
		      (seen).fate, (seen).words)

static void expect_dead(const struct row *row, const struct seen *seen)
{
	CHECK(row, *seen, seen->state == RUN_DEAD && strcmp(seen->fate, "reject") == 0);
	CHECK(row, *seen, strlen(seen->words) > 0 && text_is_utf8(text_of(seen->words)));
}

static void expect_waiting(const struct row *row, const struct seen *seen)
{
	CHECK(row, *seen, seen->state == RUN_WAITING && seen->sent == 0);
	CHECK(row, *seen, strcmp(seen->fate, "retry") == 0 && strlen(seen->words) > 0);
}

/* The effect may be there: again, looked up, or left to an operator. */
static void expect_doubt(const struct row *row, const struct seen *seen)
{
	bool waits = seen->state == RUN_WAITING;
	bool doubts = seen->state == RUN_IN_DOUBT;

	CHECK(row, *seen, strlen(seen->words) > 0);
	if (row->action->after_doubt == DOUBT_REPEAT || seen->read)
		CHECK(row, *seen, waits);
	else if (row->action->after_doubt == DOUBT_PARK)
		CHECK(row, *seen, doubts);
	else /* what the example makes may be one that can't be looked up */
		CHECK(row, *seen, waits || doubts);
}

static void expect_fate(const struct row *row, struct text fate, bool success,
			const struct seen *seen)
{
	if (text_is(fate, "ok"))
		CHECK(row, *seen, seen->state == RUN_DONE && strcmp(seen->fate, "ok") == 0);
	else if (text_is(fate, "more"))
		CHECK(row, *seen, seen->sent == 1 && strcmp(seen->fate, "ok") == 0);
	else if (text_is(fate, "reject"))
		expect_dead(row, seen);
	else if (success)
		expect_doubt(row, seen);
	else
		expect_waiting(row, seen);
}

/* ---- The replies. ---- */

static bool is_success(const struct recorded *r)
{
	return status_is_2xx(r->status) && (text_is(r->fate, "ok") || text_is(r->fate, "more"));
}

/* The first recorded success; every action must have one. */
static const struct recorded *success_of(const struct row *row)
{
	for (unsigned i = 0; i < row->recording.count; i++) {
		const struct recorded *r = &row->recording.replies[i];

		if (r->part.n == 0 && is_success(r))
			return r;
	}
	ck_abort_msg("%s has no recorded 2xx reply: see tests/unit/replies/README.md", row->name);
	return NULL;
}

static bool is_recorded(const struct row *row, struct text body)
{
	for (unsigned i = 0; i < row->recording.count; i++)
		if (text_eq(row->recording.replies[i].body, body))
			return true;
	return false;
}

static void try_body(struct row *row, const struct recorded *good, struct text body,
		     struct text fate)
{
	struct ending ending = replied(good->status, good->type, body);
	struct seen seen;

	if (is_recorded(row, body))
		return;
	seen = row_try(row, &ending);
	expect_fate(row, fate, true, &seen);
}

/* A success whose body is cut short, is no JSON, has another shape, or isn't there. */
static void try_damaged(struct row *row, const struct recorded *good)
{
	static const char *const none[] = { "<html>busy</html>", "\xff\xfe", "{\"a\":1,\"a\":2}" };
	static const char *const odd[] = { "[]", "null", "7", "\"x\"", "{}" };

	for (size_t part = 1; good->body.n > 1 && part < 8; part++)
		try_body(row, good, (struct text){ good->body.s, good->body.n * part / 8 + 1 },
			 good->body.n * part / 8 + 1 < good->body.n ? row->recording.cut
								    : TEXT("ok"));
	for (size_t i = 0; i < 3; i++)
		try_body(row, good, text_of(none[i]), row->recording.cut);
	for (size_t i = 0; i < 5; i++)
		try_body(row, good, text_of(odd[i]), row->recording.odd);
	if (good->body.n > 0)
		try_body(row, good, TEXT_NONE, row->recording.empty);
}

static void try_recorded(struct row *row, const struct recording *of)
{
	const struct recorded *good = success_of(row);

	for (unsigned i = 0; i < of->count; i++) {
		const struct recorded *r = &of->replies[i];
		struct ending ending = replied(r->status, r->type, r->body);
		struct seen seen;

		if (r->part.n > 0 && !text_is(r->part, "after"))
			continue;
		chain_begin(&row->before, r);
		seen = row_try(row, &ending);
		expect_fate(row, r->fate, status_is_2xx(r->status), &seen);
		ck_assert_msg(text_find(text_of(seen.words), r->words) != SIZE_MAX,
			      "%s: \"%.*s\" is not in \"%s\"", row->case_, TEXT_ARG(r->words),
			      seen.words);
		if (r == good || (row->before.count > 0 && is_success(r)))
			try_damaged(row, r);
		chain_end(&row->before, r);
	}
	row->before.count = 0;
}

#define STATUSES 40

static void try_statuses(struct row *row)
{
	static const int http[STATUSES] = { 300, 301, 302, 304, 307, 308, 400, 401, 402, 403,
					    404, 405, 406, 408, 409, 410, 411, 412, 413, 415,
					    418, 422, 423, 424, 425, 426, 428, 429, 431, 451,
					    500, 501, 502, 503, 504, 507, 511, 520, 599 };
	static const int smtp[STATUSES] = { 334, 354, 421, 432, 450, 451, 452, 454, 455, 471,
					    500, 501, 502, 503, 504, 521, 530, 534, 535, 538,
					    550, 551, 552, 553, 554, 555, 556, 571, 599 };
	static const char *const bodies[] = { "", "<html>", "{\"error\":", "\xff", "[[]]" };
	const int *statuses = row->connector->smtp ? smtp : http;

	for (size_t i = 0; i < STATUSES && statuses[i] != 0; i++) {
		int status = statuses[i];
		bool again = status == 408 || status == 425 || status == 429 || status >= 500;
		struct ending ending =
		    replied(status, TEXT("application/json"), text_of(bodies[i % 5]));
		struct seen seen = row_try(row, &ending);

		if (row->connector->smtp)
			again = status < 500;
		if (again)
			expect_waiting(row, &seen);
		else
			expect_dead(row, &seen);
	}
}

/* The connection ends somewhere. */
static void try_broken(struct row *row)
{
	const struct recorded *good = success_of(row);
	struct ending ending = replied(good->status, good->type, good->body);
	struct seen seen;

	ending.how = END_CUT;
	seen = row_try(row, &ending);
	expect_doubt(row, &seen);
	ending = (struct ending){ .how = END_NO_REPLY, .sent = true, .error = TEXT("reset") };
	seen = row_try(row, &ending);
	expect_doubt(row, &seen);
	ending.sent = false;
	seen = row_try(row, &ending);
	expect_waiting(row, &seen);
	ending = (struct ending){ .how = END_REFUSED, .error = TEXT("a private address") };
	seen = row_try(row, &ending);
	expect_dead(row, &seen);
}

/* What the question whether it happened is answered. */
static void try_lookup(struct row *row)
{
	static const struct ending lost = { .how = END_NO_REPLY,
					    .sent = true,
					    .error = { "reset", 5 } };
	bool found = false, absent = false;

	for (unsigned i = 0; i < row->recording.count; i++) {
		const struct recorded *r = &row->recording.replies[i];
		struct ending ending = replied(r->status, r->type, r->body);
		struct world w;
		struct seen seen;

		if (!text_is(r->part, "found"))
			continue;
		found = found || text_is(r->fate, "ok");
		absent = absent || text_is(r->fate, "absent");
		(void)snprintf(row->case_, sizeof(row->case_), "%s, lookup %u", row->name, i);
		row_begin(row, &w);
		row_answer(&w, &lost);
		if (world_state(&w, 1) == RUN_WAITING) {
			world_advance(&w, 3000);
			world_grant(&w, 8);
			row_answer(&w, &ending);
			seen = row_seen(&w);
			if (text_is(r->fate, "ok"))
				CHECK(row, seen, seen.state == RUN_DONE);
			else if (text_is(r->fate, "reject"))
				CHECK(row, seen, seen.state == RUN_IN_DOUBT);
			else
				CHECK(row, seen, seen.state == RUN_WAITING);
		}
		world_fini(&w);
	}
	ck_assert_msg(row->action->found == NULL || row->recording.params.n > 0 ||
			  (found && absent),
		      "%s has no recorded replies to its lookup", row->name);
}

/* Every product says at least once what it says to a mistake, to haste, and in trouble; a mail
 * server what it won't take now, what never, and that it can't. */
static void check_errors(const struct row *row)
{
	bool smtp = row->connector->smtp, mistake = false, haste = false, trouble = false;

	for (unsigned i = 0; i < row->errors.count; i++) {
		int status = row->errors.replies[i].status;
		bool bad = status >= 400 && status < 500 && status != 429;

		haste = haste || (smtp ? bad && status != 421 : status == 429);
		trouble = trouble || (smtp ? status == 421 : status >= 500);
		mistake = mistake || (smtp ? status >= 500 : bad);
	}
	ck_assert_msg(mistake && haste && trouble, "%s/errors.replies needs %s",
		      row->connector->name,
		      smtp ? "a 421, another 4yz and a 5yz" : "a 4xx, a 429 and a 5xx");
}

static void try_row(struct row *row)
{
	(void)recording_load(row->arena, row->connector->name, row->file, &row->recording);
	(void)recording_load(row->arena, row->connector->name, "errors", &row->errors);
	row_files(row);
	check_errors(row);
	try_recorded(row, &row->recording);
	try_recorded(row, &row->errors);
	try_statuses(row);
	try_broken(row);
	try_lookup(row);
}

/* Nothing is sent: what would have been is the reply. */
static void try_inside(struct row *row)
{
	struct world w;
	struct ending ending;

	row_files(row);
	row_begin(row, &w);
	ck_assert(w.out.attempts[0].action->inside);
	ending = replied(200, TEXT("application/json"),
			 text_dup(row->arena, w.out.attempts[0].request.body));
	row_answer(&w, &ending);
	ck_assert_msg(world_state(&w, 1) == RUN_DONE, "%s is not done", row->name);
	world_fini(&w);
}

/* A row that prepares must show what it is answered meanwhile. */
static bool has_chain(const struct row *row)
{
	for (unsigned i = 0; i < row->recording.count; i++)
		if (text_is(row->recording.replies[i].part, "after"))
			return true;
	return false;
}

static void try_action(const struct connector *c, const struct action *a)
{
	struct arena *names = arena_new("test", MIB);
	const char *files[RECORDED_ROWS];
	unsigned count = recorded_rows(names, c->name, a->name, files);
	bool chain = false;

	for (unsigned i = 0; i < count; i++) {
		struct row row = { .connector = c, .action = a, .file = files[i] };

		row.arena = arena_new("test", 4 * MIB);
		(void)snprintf(row.name, sizeof(row.name), "%s.%s", c->name, row.file);
		if (a->inside)
			try_inside(&row);
		else
			try_row(&row);
		chain = chain || has_chain(&row);
		arena_free(row.arena);
	}
	ck_assert_msg(chain || !a->prepares, "%s.%s has no recorded reply to what it prepares",
		      c->name, a->name);
	arena_free(names);
}

/* One connector for each test of Check, so that they have processes of their own. */
START_TEST(every_reply_has_its_fate)
{
	const struct connector *c = connectors_all()[_i];

	for (const struct action *a = c->actions; a != NULL && a->name != NULL; a++)
		try_action(c, a);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sequencer_contract");
	TCase *cases = tcase_create("contract");
	SRunner *runner = srunner_create(suite);
	int count = 0, failed;

	while (connectors_all()[count] != NULL)
		count++;
	tcase_set_timeout(cases, 240);
	tcase_add_loop_test(cases, every_reply_has_its_fate, 0, count);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
