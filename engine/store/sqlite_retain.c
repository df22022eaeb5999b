/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_retain - forgets what is old enough.
 *
 * I1  An event goes only with all of its runs, and none of them goes while one is
 *     open or in doubt.
 * I2  The highest numbers in use are noted before their rows go.
 * I3  A call deletes and looks at no more than a few times `limit` rows, and those
 *     received in the same ms; where it stopped is kept in memory and is only a
 *     hint: losing it costs time.
 * I4  An event that keeps the body of others goes after them: they were received
 *     together and have higher numbers.
 * The revisions of a rule are needed while the rule is known or has any run. */
#include <assert.h>
#include <stdio.h>

#include "engine/base/mem.h"
#include "engine/store/sqlite_internal.h"

/* Runs a statement with the numbers given; returns how many rows it changed. */
static size_t change(struct sq q, const int64_t *args, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sq_put_int(&q, args[i]);
	sq_run(&q);
	return q.store->failed ? 0 : (size_t)sqlite3_changes(q.store->db);
}

static size_t change_once(struct store *store, const char *sql, const int64_t *args, size_t count)
{
	struct sq q = sq_ask(store, sql);
	size_t changed = change(q, args, count);

	sq_drop(&q);
	return changed;
}

/* Fills `out` with the first column of at most `limit` rows. */
static size_t collect(struct store *store, const char *sql, int64_t what, int64_t *out,
		      size_t limit)
{
	struct sq q = sq_ask(store, sql);
	size_t n = 0;

	sq_put_int(&q, what);
	sq_put_int(&q, (int64_t)limit);
	while (n < limit && sq_row(&q))
		out[n++] = sq_int(&q, 0);
	sq_drop(&q);
	return n;
}

/* ---- Events with their runs. ---- */

static void forget_run(struct store *store, int64_t run)
{
	const int64_t attempts[] = { run << SQ_ATTEMPT_BITS, ((run + 1) << SQ_ATTEMPT_BITS) - 1 };

	(void)change(
	    sq_use(store, SQ_FORGET_ATTEMPTS, "DELETE FROM attempts WHERE id BETWEEN ?1 AND ?2"),
	    attempts, 2);
	(void)change(sq_use(store, SQ_FORGET_RUN, "DELETE FROM runs WHERE id = ?1"), &run, 1);
}

/* Forgets at most `limit` runs of the event and, with the last one, the event.
 * Returns how many runs went. */
static size_t forget_event(struct store *store, int64_t seq, int64_t *runs, size_t limit)
{
	size_t n =
	    collect(store, "SELECT id FROM runs WHERE event = ?1 LIMIT ?2", seq, runs, limit);

	for (size_t i = 0; i < n; i++)
		forget_run(store, runs[i]);
	(void)change(sq_use(store, SQ_FORGET_EVENT,
			    "DELETE FROM events WHERE seq = ?1"
			    " AND NOT EXISTS (SELECT 1 FROM runs WHERE event = ?1)"),
		     &seq, 1);
	return n;
}

static void note_numbers(struct store *store)
{
	(void)change_once(store,
			  "INSERT OR REPLACE INTO marks SELECT 'event', max(n) FROM"
			  " (SELECT max(seq) AS n FROM events UNION ALL"
			  " SELECT n FROM marks WHERE what = 'event')",
			  NULL, 0);
	(void)change_once(store,
			  "INSERT OR REPLACE INTO marks SELECT 'run', coalesce(max(n), 0) FROM"
			  " (SELECT max(id) AS n FROM runs UNION ALL"
			  " SELECT n FROM marks WHERE what = 'run')",
			  NULL, 0);
}

struct old {
	int64_t seq, received;
	bool pinned;
};

/* Fills `out` with the oldest events behind where the last call stopped. */
static size_t oldest(struct store *store, int64_t before, struct old *out, size_t limit)
{
	struct sq q = sq_ask(
	    store, "SELECT e.seq, e.received, EXISTS (SELECT 1 FROM runs r WHERE r.event = e.seq"
		   " AND r." SQ_PINNING ") OR EXISTS (SELECT 1 FROM events o"
		   " JOIN runs r ON r.event = o.seq WHERE o.body_of = e.seq AND r." SQ_PINNING
		   ") FROM events e WHERE e.received >= ?1 AND e.received < ?3"
		   " AND (e.received > ?1 OR e.seq < ?2) ORDER BY e.received, e.seq DESC LIMIT ?4");
	size_t n = 0;

	sq_put_int(&q, store->sweep_received);
	sq_put_int(&q, store->sweep_event);
	sq_put_int(&q, before);
	sq_put_int(&q, (int64_t)limit);
	for (; n < limit && sq_row(&q); n++)
		out[n] = (struct old){ sq_int(&q, 0), sq_int(&q, 1), sq_int(&q, 2) != 0 };
	sq_drop(&q);
	return n;
}

static void sweep_events_to(struct store *store, int64_t received, int64_t seq)
{
	store->sweep_received = received;
	store->sweep_event = seq;
}

/* What is kept for its runs is passed over, so that a backlog of it isn't looked at by every
 * call. */
static bool retain_events(struct store *store, const struct retention *retention)
{
	size_t limit = retention->limit, gone = 0;
	struct old *old = mem_zero(limit, sizeof(*old));
	int64_t *runs = mem_zero(limit, sizeof(*runs));
	size_t n = 0, i = 0;

	if (old != NULL && runs != NULL)
		n = oldest(store, retention->events_before, old, limit);
	if (n > 0)
		note_numbers(store);
	for (; i < n && gone < limit && !store->failed; i++) {
		if (!old[i].pinned)
			gone += forget_event(store, old[i].seq, runs, limit - gone);
		if (gone < limit)
			sweep_events_to(store, old[i].received, old[i].seq);
	}
	bool more = n == limit || gone >= limit || old == NULL || runs == NULL;

	mem_free(old);
	mem_free(runs);
	if (!more)
		sweep_events_to(store, 0, 0);
	return more;
}

/* ---- Dedupe entries. ---- */

/* The map of sqlite_seen.c may go on naming rows deleted here: it finds nothing
 * then. Looks only at the oldest ones; the rest is moved to `seen` in time. */
static bool retain_fresh(struct store *store, const struct retention *retention)
{
	const int64_t args[] = { retention->now, (int64_t)retention->limit };

	return change_once(store,
			   "DELETE FROM fresh WHERE row IN (SELECT row FROM fresh"
			   " ORDER BY row LIMIT ?2) AND expires < ?1",
			   args, 2) == retention->limit;
}

/* Finds where this call's walk through `seen` ends; false when nothing is left. */
static bool walk_to(struct store *store, const struct text from, size_t rows, char to[SQ_ID_BYTES])
{
	struct sq q = sq_ask(store, "SELECT max(hash) FROM (SELECT hash FROM seen WHERE hash > ?1"
				    " ORDER BY hash LIMIT ?2)");
	bool any = false;

	sq_put_blob(&q, from);
	sq_put_int(&q, (int64_t)rows);
	if (sq_row(&q) && sq_text(&q, 0).n == SQ_ID_BYTES) {
		memcpy(to, sq_text(&q, 0).s, SQ_ID_BYTES);
		any = true;
	}
	sq_drop(&q);
	return any;
}

static bool retain_seen(struct store *store, const struct retention *retention)
{
	const struct text from = { store->sweep_hash, SQ_ID_BYTES };
	char to[SQ_ID_BYTES];
	struct sq q;

	if (!walk_to(store, from, retention->limit, to)) {
		memset(store->sweep_hash, 0, sizeof(store->sweep_hash));
		return false;
	}
	q = sq_ask(store, "DELETE FROM seen WHERE hash > ?1 AND hash <= ?2 AND expires < ?3");
	sq_put_blob(&q, from);
	sq_put_blob(&q, (struct text){ to, sizeof(to) });
	sq_put_int(&q, retention->now);
	sq_run(&q);
	sq_drop(&q);
	memcpy(store->sweep_hash, to, sizeof(to));
	return true;
}

/* ---- What belongs to rules that are gone. ---- */

/* The two tables are swept one after the other, each in the order of its rules'
 * numbers, over as many calls as it takes. */
static const char *next_rule(const struct store *store)
{
	return store->sweep_revisions ? "SELECT v.rule, " SQ_NAMED(
					    "v.rule") " FROM revisions v"
						      " WHERE v.rule > ?1 ORDER BY v.rule LIMIT 1"
				      : "SELECT s.rule, " SQ_NAMED(
					    "s.rule") " FROM states s"
						      " WHERE s.rule > ?1 ORDER BY s.rule LIMIT 1";
}

/* Deletes at most `limit` rows of the rule at hand. */
static size_t forget_rule(struct store *store, const struct retention *retention, size_t limit)
{
	const int64_t args[] = { store->sweep_at, (int64_t)limit, retention->states_before };

	if (store->sweep_revisions)
		return change_once(store,
				   "DELETE FROM revisions WHERE row IN (SELECT row FROM revisions"
				   " WHERE rule = ?1 LIMIT ?2)"
				   " AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.rule = ?1)",
				   args, 2);
	return change_once(store,
			   "DELETE FROM states WHERE (rule, what, key) IN (SELECT rule, what, key"
			   " FROM states WHERE rule = ?1 AND touched < ?3 LIMIT ?2)",
			   args, 3);
}

enum sweep { SWEEP_KNOWN, SWEEP_UNKNOWN, SWEEP_END };

static enum sweep sweep_step(struct store *store, const struct retention *retention)
{
	struct sq q = sq_ask(store, next_rule(store));
	enum sweep found = SWEEP_END;

	sq_put_int(&q, store->sweep_at);
	if (sq_row(&q)) {
		bool known = retention->rule_is_known(retention->of, sq_text(&q, 1));

		store->sweep_at = sq_int(&q, 0);
		found = known ? SWEEP_KNOWN : SWEEP_UNKNOWN;
	}
	sq_drop(&q);
	return found;
}

/* Looks at no more than `limit` rules; false when it has come to the end of the
 * table, so that the next sweep starts at its beginning. */
static bool sweep(struct store *store, const struct retention *retention)
{
	size_t left = retention->limit;

	for (size_t looked = 0; looked < retention->limit && left > 0; looked++) {
		enum sweep found = sweep_step(store, retention);

		if (found == SWEEP_END) {
			store->sweep_at = 0;
			return false;
		}
		if (found == SWEEP_UNKNOWN)
			left -= forget_rule(store, retention, left);
	}
	if (left == 0)
		store->sweep_at--; /* the last one may have more */
	return true;
}

static bool retain_rules(struct store *store, const struct retention *retention)
{
	bool more = sweep(store, retention);

	if (!more && !store->sweep_revisions) {
		store->sweep_revisions = true;
		more = sweep(store, retention);
	}
	if (!more)
		store->sweep_revisions = false;
	return more;
}

/* ---- All of it. ---- */

/* Free pages are used again by what comes; they are given back only when they
 * are more than a quarter of the file. */
static void give_back(struct store *store, size_t limit)
{
	char sql[64];
	int rc;
	int64_t all = sq_value(store->db, "PRAGMA page_count", &rc);
	int64_t unused = rc == SQLITE_OK ? sq_value(store->db, "PRAGMA freelist_count", &rc) : 0;

	if (rc != SQLITE_OK || unused <= all / 4 || unused <= 1024)
		return;
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%zu)", limit);
	(void)change_once(store, sql, NULL, 0);
}

bool store_retain(struct store *store, const struct retention *retention)
{
	bool events, fresh, seen, rules;

	assert(store != NULL && store->in_batch && retention != NULL);
	assert(retention->limit > 0 && retention->limit < SIZE_MAX / 2);
	assert(retention->rule_is_known != NULL);
	events = retain_events(store, retention);
	fresh = retain_fresh(store, retention);
	seen = retain_seen(store, retention);
	rules = retain_rules(store, retention);
	if (!store->failed)
		give_back(store, retention->limit);
	return (events || fresh || seen || rules) && !store->failed;
}
