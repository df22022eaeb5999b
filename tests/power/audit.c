/* SPDX-License-Identifier: Apache-2.0
 *
 * audit.c - see audit.h. */
#include "tests/power/audit.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/limits.h"
#include "engine/store/sqlite_internal.h"
#include "tests/power/play.h"

/* ---- The file. ---- */

static void check_integrity(struct bridge *b)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(b->store->db, "PRAGMA integrity_check", -1, &stmt, NULL) !=
		SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		bridge_wrong(b, "integrity_check: %s", sqlite3_errmsg(b->store->db));
	} else {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);

		if (strcmp(text, "ok") != 0)
			bridge_wrong(b, "integrity_check: %.200s", text);
	}
	sqlite3_finalize(stmt);
}

/* ---- Before or after. ---- */

static void check_whole(struct bridge *b, const struct audit *a)
{
	const struct bridge *book = a->book;
	uint64_t now = bridge_digest(b->store);
	size_t next = 0;

	while (next < book->commit_count && book->commits[next].to <= a->at)
		next++;
	if (next > 0 && now == book->commits[next - 1].digest)
		return;
	if (next < book->commit_count && book->commits[next].from < a->at &&
	    now == book->commits[next].digest)
		return;
	if (next == 0) /* nothing was answered yet: migrations are each a commit of their own */
		return;
	for (size_t i = 0; i < book->commit_count; i++)
		if (book->commits[i].digest == now)
			bridge_wrong(b, "it holds what it held after commit %zu; %zu were answered",
				     i + 1, next);
	bridge_wrong(b, "it holds neither what was there before commit %zu nor after it", next + 1);
}

/* ---- What was promised. ---- */

struct counting {
	int64_t order;
	int count;
};

static bool count_event(void *of, const struct event_record *event)
{
	struct counting *counting = of;
	char member[32];

	(void)snprintf(member, sizeof(member), "\"n\":%lld,", (long long)counting->order);
	if (counting->order == 0 || text_find(event->data, text_of(member)) != SIZE_MAX)
		counting->count++;
	return true;
}

/* By what was answered, and by what it says; -1 when the two differ. */
static int count_orders(struct bridge *b, int64_t order, const char *id)
{
	struct event_query query = { .type = TEXT("hook.orders") };
	struct counting all = { .order = order }, one = { 0 };

	if (store_query_events(b->store, &query, count_event, &all) != FATE_OK)
		return -1;
	query.id = id != NULL ? text_of(id) : TEXT("");
	if (id == NULL)
		return all.count;
	(void)store_query_events(b->store, &query, count_event, &one);
	return one.count == all.count ? one.count : -1;
}

/* Of a run's requests the last one tells how far it must be. */
static bool is_last(const struct audit *a, size_t index)
{
	const struct entry *e = &a->book->book[index];

	for (size_t i = index + 1; i < a->book->book_count; i++) {
		const struct entry *next = &a->book->book[i];

		if (next->at <= a->at && next->run == e->run &&
		    (next->what == PROMISE_SENT || next->what == PROMISE_DECIDED))
			return false;
	}
	return true;
}

static void check_sent(struct bridge *b, struct arena *arena, const struct entry *e)
{
	struct run_record run;

	if (!store_get_run(b->store, arena, e->run, &run)) {
		bridge_wrong(b, "a request of run %lld left, and there is no such run",
			     (long long)e->run);
		return;
	}
	if (run.state == RUN_DONE || run.state == RUN_DEAD || run.state == RUN_IN_DOUBT)
		return;
	if (run.step < e->step || (run.step == e->step && run.attempt < e->attempt && !e->item))
		bridge_wrong(b, "attempt %d of step %d of run %lld left; it is %s at %d of %d",
			     e->attempt, e->step, (long long)e->run, run_state_word(run.state),
			     run.attempt, run.step);
}

static void check_place(struct bridge *b, struct arena *arena, const struct entry *e)
{
	struct text json = TEXT("");
	int64_t seq = -1;

	if (store_get_cursor(b->store, arena, TEXT("tappet.plugin/p"), &json) && json.n > 5)
		(void)text_to_int((struct text){ json.s + 5, json.n - 6 }, &seq); /* {"c":N} */
	if (seq < e->n)
		bridge_wrong(b, "a place moved to %lld, it is %.*s", (long long)e->n,
			     TEXT_ARG(json));
}

static void check_manifest(struct bridge *b, struct arena *arena, const struct entry *e)
{
	struct text json = TEXT("");
	int64_t seen, version = -1;

	if (store_get_manifest(b->store, arena, TEXT("p"), &json, &seen) && json.n > 14)
		(void)text_to_int((struct text){ json.s + 12, json.n - 14 }, &version);
	if (version < e->n)
		bridge_wrong(b, "version %lld was taken, it is %.*s", (long long)e->n,
			     TEXT_ARG(json));
}

static void check_promise(struct bridge *b, struct arena *arena, const struct audit *a,
			  size_t index, bool forgotten)
{
	const struct entry *e = &a->book->book[index];
	int count;

	switch (e->what) {
	case PROMISE_EVENT:
		count = count_orders(b, e->n, e->name);
		if (count != 1 && !(count == 0 && forgotten))
			bridge_wrong(b, "order %lld was acknowledged, and is there %d times",
				     (long long)e->n, count);
		break;
	case PROMISE_SENT:
		if (!forgotten && is_last(a, index))
			check_sent(b, arena, e);
		break;
	case PROMISE_PLACE:
		check_place(b, arena, e);
		break;
	case PROMISE_MANIFEST:
		check_manifest(b, arena, e);
		break;
	case PROMISE_DONE:
	case PROMISE_DECIDED:
	case PROMISE_FORGOT:
		break;
	}
}

static void check_numbers(struct bridge *b, const struct audit *a)
{
	int64_t last = store_last_run(b->store);

	for (size_t i = 0; i < a->book->book_count; i++) {
		const struct entry *e = &a->book->book[i];

		if (e->at <= a->at && e->what == PROMISE_SENT && e->run > last)
			bridge_wrong(b, "run %lld made a request; the last number is %lld",
				     (long long)e->run, (long long)last);
		if (e->at <= a->at && e->what == PROMISE_FORGOT &&
		    e->n > store_last_event(b->store))
			bridge_wrong(b, "event %lld was there; the last number is %lld",
				     (long long)e->n, (long long)store_last_event(b->store));
	}
}

/* Forgetting may be under way from the moment it was noted, for all that was promised before, and
 * for runs that were there, whenever their requests were made. */
static bool is_forgotten(const struct audit *a, size_t index)
{
	const struct entry *e = &a->book->book[index];

	for (size_t i = 0; i < a->book->book_count; i++) {
		const struct entry *note = &a->book->book[i];

		if (note->what == PROMISE_FORGOT && note->at <= a->at &&
		    (index < i || (e->what == PROMISE_SENT && e->run <= note->run)))
			return true;
	}
	return a->book->forgets;
}

void audit_store(struct bridge *b, const struct audit *a)
{
	struct arena *arena = arena_new("audit", 64u * MIB);

	check_integrity(b);
	if (a->book->digests)
		check_whole(b, a);
	for (size_t i = 0; i < a->book->book_count && b->wrong[0] == '\0'; i++)
		if (a->book->book[i].at <= a->at) {
			check_promise(b, arena, a, i, is_forgotten(a, i));
			arena_reset(arena);
		}
	check_numbers(b, a);
	arena_free(arena);
}

/* ---- The end. ---- */

static bool is_before(const struct audit *before, const struct entry *e)
{
	return e->at <= before->at;
}

/* A request that left now, beside one of the book. */
static void check_pair(struct bridge *b, const struct entry *old, const struct entry *now)
{
	bool same = strcmp(old->name, now->name) == 0;

	if (now->what != PROMISE_SENT)
		return;
	if (old->what == PROMISE_DONE && same)
		bridge_wrong(b, "step %d of run %lld was done, and its request is made again",
			     now->step, (long long)now->run);
	if (old->what == PROMISE_SENT && old->run == now->run && old->step == now->step &&
	    old->attempt < now->attempt && !same && !now->item)
		bridge_wrong(b, "a repeat of step %d of run %lld has another key", now->step,
			     (long long)now->run);
}

static void check_repeats(struct bridge *b, const struct audit *before)
{
	for (size_t i = 0; i < b->book_count; i++) {
		if (before != NULL)
			for (size_t k = 0; k < before->book->book_count; k++)
				if (is_before(before, &before->book->book[k]))
					check_pair(b, &before->book->book[k], &b->book[i]);
		for (size_t k = 0; k < i; k++)
			check_pair(b, &b->book[k], &b->book[i]);
	}
}

static bool see_open(void *of, const struct run_record *run)
{
	struct bridge *b = of;

	bridge_wrong(b, "run %lld of %.*s is %s at the end", (long long)run->id,
		     TEXT_ARG(run->rule), run_state_word(run->state));
	return false;
}

/* A dead run's reason is the target's or the operator's; anything else is ours. */
static bool see_dead(void *of, const struct run_record *run)
{
	struct bridge *b = of;

	if (!text_is(run->rule, "refused") ||
	    text_find(run->reason, TEXT("status 400")) == SIZE_MAX)
		bridge_wrong(b, "run %lld of %.*s is DEAD: %.*s", (long long)run->id,
			     TEXT_ARG(run->rule), TEXT_ARG(run->reason));
	return true;
}

void audit_end(struct bridge *b, const struct audit *before)
{
	const struct run_query open = { .states = 1u << RUN_PENDING | 1u << RUN_STARTED |
						  1u << RUN_WAITING };
	const struct run_query dead = { .states = 1u << RUN_DEAD };
	const struct audit now = { b, SIZE_MAX };

	if (bridge_goes(b) && (store_query_runs(b->store, &open, see_open, b) != FATE_OK ||
			       store_query_runs(b->store, &dead, see_dead, b) != FATE_OK))
		bridge_wrong(b, "the runs can't be read");
	for (int n = 1; bridge_goes(b) && n <= PLAY_ORDERS; n++) {
		int count = count_orders(b, n, NULL);

		if (count < 0 || count > 1)
			bridge_wrong(b, "order %d is there %d times at the end", n, count);
	}
	check_repeats(b, before);
	check_integrity(b);
	check_numbers(b, &now);
}
