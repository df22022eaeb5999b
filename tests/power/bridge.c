/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.c - batches, and the world around them; see bridge.h. */
#include "tests/power/bridge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/store/sqlite_internal.h"

#define TRIES  12 /* then it doesn't recover by itself */
#define ROUNDS 400
#define CREDIT 3

/* ---- What went wrong. ---- */

void bridge_wrong(struct bridge *b, const char *format, ...)
{
	va_list args;

	if (b->wrong[0] != '\0')
		return;
	va_start(args, format);
	(void)vsnprintf(b->wrong, sizeof(b->wrong), format, args);
	va_end(args);
}

bool bridge_goes(const struct bridge *b)
{
	return b->wrong[0] == '\0' && b->sequencer != NULL && !b->gave_up;
}

/* Somebody made it fail, says why, and it may be tried again. */
static bool may_try_again(struct bridge *b, const char *what, const char *why)
{
	b->failures++;
	b->tries++;
	(void)snprintf(b->said, sizeof(b->said), "%s", why);
	if (!b->troubled)
		bridge_wrong(b, "%s failed: %s", what, why);
	else if (why[0] == '\0')
		bridge_wrong(b, "%s failed and doesn't say why", what);
	else if (b->tries > TRIES && b->stays)
		b->gave_up = true;
	else if (b->tries > TRIES)
		bridge_wrong(b, "%s does not recover: %s", what, why);
	else if (b->tries % 3 == 0 && b->mend != NULL)
		(void)b->mend(b->of);
	return b->wrong[0] == '\0' && !b->gave_up;
}

static void *grown(void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room * 2 + 64;
	items = realloc(items, *room * size);
	if (items == NULL) {
		(void)fputs("power: memory is out\n", stderr);
		exit(2);
	}
	return items;
}

void bridge_note(struct bridge *b, struct entry entry)
{
	entry.at = vfs_position(b->vfs);
	b->book = grown(b->book, b->book_count, &b->book_room, sizeof(b->book[0]));
	b->book[b->book_count++] = entry;
}

static void name_entry(struct entry *entry, struct text name)
{
	(void)snprintf(entry->name, sizeof(entry->name), "%.*s", TEXT_ARG(name));
}

/* ---- Digest. ---- */

static uint64_t fold(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return (hash ^ n) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool fold_table(sqlite3 *db, const char *table, uint64_t *hash)
{
	sqlite3_stmt *stmt;
	char sql[80];
	int rc;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return false;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			int type = sqlite3_column_type(stmt, i);
			const void *bytes = sqlite3_column_blob(stmt, i);

			*hash = fold(*hash, &type, sizeof(type));
			*hash = fold(*hash, bytes, (size_t)sqlite3_column_bytes(stmt, i));
		}
	sqlite3_finalize(stmt);
	*hash = fold(*hash, table, strlen(table));
	return rc == SQLITE_DONE;
}

uint64_t bridge_digest(struct store *store)
{
	sqlite3_stmt *stmt;
	uint64_t hash = 1;
	bool good = true;

	if (sqlite3_prepare_v2(store->db,
			       "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
			       -1, &stmt, NULL) != SQLITE_OK)
		return 0;
	while (good && sqlite3_step(stmt) == SQLITE_ROW)
		good = fold_table(store->db, (const char *)sqlite3_column_text(stmt, 0), &hash);
	sqlite3_finalize(stmt);
	return good ? hash : 0;
}

/* ---- Inputs. ---- */

static void push(struct bridge *b, const struct input *input)
{
	struct input *copy = input_new(input);

	while (copy == NULL && may_try_again(b, "an input", "memory is out"))
		copy = input_new(input);
	if (copy == NULL)
		return;
	*b->end = &copy->item;
	b->end = &copy->item.next;
}

static void drop_inputs(struct bridge *b)
{
	while (b->inputs != NULL) {
		struct queue_item *next = b->inputs->next;

		input_free((struct input *)(void *)b->inputs);
		b->inputs = next;
	}
	b->end = &b->inputs;
}

/* ---- The targets. ---- */

static struct ending answer_to(const struct bridge *b, struct text url, int attempt)
{
	struct ending end = { .how = END_REPLIED,
			      .sent = true,
			      .status = 200,
			      .body = TEXT("{\"ok\":true}"),
			      .content_type = TEXT("application/json"),
			      .retry_after = -1,
			      .started = b->now.wall,
			      .ended = b->now.wall };

	if (text_find(url, TEXT("/flaky/")) != SIZE_MAX && attempt == 1)
		end.status = 503;
	if (text_find(url, TEXT("/reject/")) != SIZE_MAX)
		end.status = 400;
	if (text_find(url, TEXT("/cut/")) != SIZE_MAX) {
		end.how = END_NO_REPLY;
		end.status = 0;
		end.body = TEXT("");
		end.error = TEXT("the connection was reset");
	}
	return end;
}

static void note_sent(struct bridge *b, const struct attempt_out *a)
{
	struct entry entry = { .what = PROMISE_SENT,
			       .run = a->run,
			       .step = a->step,
			       .attempt = a->attempt,
			       .item = text_is(a->rule, "each") };

	name_entry(&entry, a->key);
	bridge_note(b, entry);
}

static void send_out(struct bridge *b, const struct attempt_out *a)
{
	struct input input = { .kind = INPUT_OUTCOME,
			       .outcome = { .run = a->run,
					    .step = a->step,
					    .attempt = a->attempt,
					    .target = a->target,
					    .credits = 1 } };
	struct entry entry = { .what = PROMISE_DONE, .run = a->run, .step = a->step };

	note_sent(b, a);
	input.outcome.ending = answer_to(b, a->request.url, a->attempt);
	/* What is made within the engine comes back as it went out. */
	if (a->action->inside)
		input.outcome.ending.body = a->request.body;
	push(b, &input);
	if (input.outcome.ending.status != 200)
		return;
	name_entry(&entry, a->key);
	b->outcomes =
	    grown(b->outcomes, b->outcome_count, &b->outcome_room, sizeof(b->outcomes[0]));
	b->outcomes[b->outcome_count++] = entry;
}

#define WORKSPACE(id, title)                                                                       \
	"\"" id "\":{\"id\":\"" id "\",\"title\":\"" title "\",\"archived\":false,"                \
	"\"created_at\":\"2026-01-01T00:00:0" id "Z\",\"updated_at\":\"2026-11-22T00:00:00Z\"}"

/* Each page has the workspace under another title, so each round finds a change. */
static void fetch(struct bridge *b, const struct fetch_out *f)
{
	char body[600];
	struct input input = { .kind = INPUT_FETCHED,
			       .fetched = { .source = f->source, .fetch = f->fetch } };

	(void)snprintf(body, sizeof(body),
		       "{\"count\":2,\"results\":[{\"key\":\"workspaces\",\"id\":\"1\"},"
		       "{\"key\":\"workspaces\",\"id\":\"2\"}],\"workspaces\":{" WORKSPACE(
			   "1", "at %lld") "," WORKSPACE("2", "same") "}}",
		       (long long)b->now.mono / 60000);
	input.fetched.ending = answer_to(b, TEXT(""), 1);
	input.fetched.ending.body = text_of(body);
	push(b, &input);
}

static void grant(struct bridge *b, struct text target)
{
	const struct input input = { .kind = INPUT_GRANT,
				     .grant = { .target = target, .credits = CREDIT } };

	push(b, &input);
}

/* ---- Batches. ---- */

/* Reading it is no part of what is tried. */
static uint64_t digest(struct bridge *b)
{
	uint64_t now;

	vfs_pause(b->vfs, true);
	now = bridge_digest(b->store);
	vfs_pause(b->vfs, false);
	if (now == 0)
		bridge_wrong(b, "what was committed can't be read");
	return now;
}

static void note_commit(struct bridge *b, size_t from)
{
	struct commit commit = { .from = from, .at = b->now };

	for (size_t i = 0; i < b->outcome_count; i++)
		bridge_note(b, b->outcomes[i]);
	b->outcome_count = 0;
	commit.to = vfs_position(b->vfs);
	if (b->digests)
		commit.digest = digest(b);
	b->commits = grown(b->commits, b->commit_count, &b->commit_room, sizeof(b->commits[0]));
	b->commits[b->commit_count++] = commit;
}

/* A batch that isn't committed leaves no trace, and hands out nothing but refusals. */
static void check_failed(struct bridge *b)
{
	const struct outputs *out = &b->out;

	if (out->attempt_count > 0 || out->fetch_count > 0 || out->event_count > 0 ||
	    out->run_count > 0)
		bridge_wrong(b, "a batch that failed hands out %zu attempts, %zu fetches",
			     out->attempt_count, out->fetch_count);
	for (size_t i = 0; i < out->reply_count; i++)
		if (out->replies[i].status != 503 &&
		    (b->digests || out->replies[i].status != 413)) /* memory: too large */
			bridge_wrong(b, "a batch that failed answers %d: %.*s",
				     out->replies[i].status, TEXT_ARG(out->replies[i].body));
	if (b->digests && b->commit_count > 0 &&
	    digest(b) != b->commits[b->commit_count - 1].digest)
		bridge_wrong(b, "a batch that failed has left something");
}

static const char *complaint(const struct bridge *b)
{
	const char *text = store_last_error(b->store)->text;

	return text[0] != '\0' ? text : "memory is out";
}

static bool batch(struct bridge *b)
{
	struct queue_item *inputs = b->inputs;
	size_t from = vfs_position(b->vfs);
	enum fate fate;

	b->inputs = NULL;
	b->end = &b->inputs;
	fate = sequencer_batch(b->sequencer, inputs, b->now, &b->out);
	if (fate == FATE_OK) {
		b->tries = 0;
		note_commit(b, from);
		return true;
	}
	check_failed(b);
	b->now.wall += 1000;
	b->now.mono += 1000;
	(void)may_try_again(b, "a batch", complaint(b));
	return false;
}

/* What came out goes to where it belongs; it is gone with the next batch. */
static void hand_out(struct bridge *b)
{
	for (size_t i = 0; i < b->out.reply_count; i++) {
		const struct reply_out *reply = &b->out.replies[i];

		if (reply->ticket != b->ticket)
			continue;
		b->status = reply->status;
		(void)snprintf(b->answer, sizeof(b->answer), "%.*s", TEXT_ARG(reply->body));
	}
	for (size_t i = 0; i < b->out.attempt_count; i++)
		send_out(b, &b->out.attempts[i]);
	for (size_t i = 0; i < b->out.run_count; i++) {
		enum run_state state;

		if (run_state_parse(b->out.runs[i].state, &state))
			b->ended[state]++;
	}
	b->fetches += (unsigned)b->out.fetch_count;
	for (size_t i = 0; i < b->out.fetch_count; i++)
		fetch(b, &b->out.fetches[i]);
	for (size_t i = 0; i < b->out.target_count; i++)
		grant(b, b->out.targets[i]);
	b->out = (struct outputs){ 0 };
}

static bool is_due(const struct bridge *b)
{
	return b->inputs != NULL || sequencer_next(b->sequencer) <= b->now.mono;
}

void bridge_settle(struct bridge *b)
{
	for (int round = 0; bridge_goes(b) && is_due(b); round++) {
		if (round > ROUNDS)
			bridge_wrong(b, "it doesn't come to an end");
		(void)batch(b);
		hand_out(b);
	}
}

int bridge_ask(struct bridge *b, struct input input)
{
	uint64_t ticket = ++b->ticket;
	int status = 0;

	if (input.kind == INPUT_HOOK)
		input.hook.ticket = ticket;
	else if (input.kind == INPUT_EVENT)
		input.event.ticket = ticket;
	else if (input.kind == INPUT_COMMAND)
		input.command.ticket = ticket;
	else if (input.kind == INPUT_PLACE)
		input.place.ticket = ticket;
	else if (input.kind == INPUT_MANIFEST)
		input.manifest.ticket = ticket;
	while (bridge_goes(b) && (status == 0 || status == 503 || status == 413)) {
		b->status = 0;
		push(b, &input);
		(void)batch(b);
		hand_out(b);
		status = b->status;
		if (status == 0)
			bridge_wrong(b, "an input was not answered");
	}
	return bridge_goes(b) ? status : 0;
}

void bridge_advance(struct bridge *b, int64_t ms)
{
	b->now.wall += ms;
	b->now.mono += ms;
	bridge_settle(b);
}

void bridge_reload(struct bridge *b, int rules)
{
	const struct input input = { .kind = INPUT_RELOAD };
	struct input *copy = input_new(&input);

	while (copy == NULL && may_try_again(b, "an input", "memory is out"))
		copy = input_new(&input);
	if (copy == NULL)
		return;
	copy->reload.config = config_ref(b->setting->config);
	copy->reload.rules = ruleset_ref(b->setting->rules[rules]);
	*b->end = &copy->item;
	b->end = &copy->item.next;
	bridge_settle(b);
}

/* ---- Life. ---- */

void bridge_init(struct bridge *b, const struct setting *setting, struct vfs *vfs)
{
	*b = (struct bridge){ .setting = setting,
			      .vfs = vfs,
			      .now = { .wall = 1795309825000, .mono = 5000 } };
	b->end = &b->inputs;
}

static bool open_store(struct bridge *b)
{
	struct store_error error;
	enum fate fate;

	while ((fate = store_open(b->setting->store_name, &b->store, &error)) != FATE_OK) {
		if (fate != FATE_RETRY)
			bridge_wrong(b, "it is refused for good: %s", error.text);
		if (!may_try_again(b, "opening", error.text))
			return false;
	}
	b->tries = 0;
	if (b->synchronous != NULL) {
		char sql[64];

		(void)snprintf(sql, sizeof(sql), "PRAGMA synchronous = %s", b->synchronous);
		if (sq_exec(b->store->db, sql) != SQLITE_OK)
			bridge_wrong(b, "no such setting: %s", sql);
	}
	return true;
}

void bridge_open(struct bridge *b)
{
	static const struct sequencer_options options = { .polls = true,
							  .schedules = true,
							  .retention = true };

	if (b->wrong[0] != '\0' || !open_store(b))
		return;
	while (sequencer_new(b->store, b->setting->config, b->setting->rules[0], &options, b->now,
			     &b->sequencer) != FATE_OK)
		if (!may_try_again(b, "starting", "memory is out"))
			return;
	while (bridge_goes(b) && !batch(b))
		hand_out(b);
	hand_out(b);
}

void bridge_close(struct bridge *b)
{
	drop_inputs(b);
	b->outcome_count = 0;
	sequencer_free(b->sequencer);
	b->sequencer = NULL;
	store_close(b->store);
	b->store = NULL;
}

void bridge_fini(struct bridge *b)
{
	bridge_close(b);
	free(b->book);
	free(b->commits);
	free(b->outcomes);
}
