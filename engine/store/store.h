/* SPDX-License-Identifier: Apache-2.0
 *
 * store - the contract of everything durable.
 *
 * One writer (the sequencer) works in batches: store_begin, any number of puts
 * and gets, store_commit. Gets see the batch's own puts. A put never fails by
 * itself: the first failure sticks and store_commit answers FATE_RETRY after
 * rolling the whole batch back, so a batch is either there or not. Readers have
 * connections of their own and see whole batches only.
 *
 * I1  What store_commit answered FATE_OK for survives the loss of power.
 * I2  A batch that did not commit leaves no trace.
 * I3  One writer per store: a second one is refused while the lock is held.
 * I4  Nothing is deleted except by store_retain, in whole runs, and what is still
 *     open or in doubt (and its event) is kept whatever its age.
 * I5  The file's mode is 0600; it carries an application id and a schema
 *     version, and one from a newer version is refused.
 *
 * Backends: "sqlite:PATH" (WAL, synchronous=FULL) and "memory:".
 * Ownership: texts passed in are borrowed for the call. Texts handed out by a
 * get live in the arena given; those handed to a visitor only for the call.
 * Never: interprets the JSON it keeps, reads a clock. */
#ifndef TAPPET_STORE_STORE_H
#define TAPPET_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/fate.h"
#include "engine/base/text.h"
#include "engine/store/run_state.h"

struct store;

struct store_error {
	enum {
		STORE_OTHER,
		STORE_BUSY,    /* another daemon holds the lock */
		STORE_NEWER,   /* written by a newer version */
		STORE_FOREIGN, /* not a tappet store */
		STORE_CORRUPT,
		STORE_FULL,    /* no space, or read-only */
		STORE_MISSING, /* a reader's store does not exist */
	} kind;
	char text[240]; /* for people: what and where */
};

/* What people can do about it, static; empty when there is nothing to say. */
const char *store_hint(const struct store_error *error);

/* Opens for writing, creates and migrates. FATE_REJECT for a malformed name,
 * NEWER, FOREIGN, CORRUPT; FATE_RETRY otherwise (BUSY, FULL, ...). */
enum fate store_open(const char *name, struct store **out, struct store_error *error);

/* Opens for reading only, never creates; works beside a running daemon. Of the
 * functions below only gets and queries may be used. */
enum fate store_open_reader(const char *name, struct store **out, struct store_error *error);

void store_close(struct store *store); /* rolls back an open batch; NULL is fine */

/* ---- Copies, by a reader, beside a writer or without one. ---- */

/* The cursor of this name in a copy says when it was made: {"backup_at": ms}. */
#define STORE_BACKUP_ROW "tappet.backup"

/* Writes the store as it is at this moment into a new file, mode 0600, which is on disk and was
 * checked when this answers FATE_OK; otherwise there is none. Numbers of events and runs go on
 * far behind those in use. `now`: ms. FATE_REJECT when the file is there already. */
enum fate store_backup(struct store *store, const char *path, int64_t now,
		       struct store_error *error);

/* Looks through the whole file for damage; false with *error. */
bool store_check(struct store *store, struct store_error *error);

/* ---- The batch. ---- */

void store_begin(struct store *store);
enum fate store_commit(struct store *store); /* OK, or RETRY with everything rolled back */
void store_rollback(struct store *store);
bool store_failed(const struct store *store); /* the batch can't commit any more */
const struct store_error *store_last_error(const struct store *store);

/* ---- Events: the history. seq is given by the caller, ascending. ---- */

struct event_body;

#define EVENT_OWN_ID 48 /* two numbers, a dash and a NUL */

/* The id of an event whose sender gave none: "SEQ-RECEIVED". The number alone is given again when
 * a backup is restored or the store is a new one; then the time of arrival is another, and so is
 * all that is made of the id: idempotency keys, ids of CloudEvents. */
void event_own_id(int64_t seq, int64_t received, char out[EVENT_OWN_ID]);

struct event_record {
	int64_t seq;
	struct text id; /* what senders and people see; unique, or event_own_id */
	struct text
	    source; /* connection, hook, schedule or plugin that brought it; or "tappet", "cli" */
	struct text type;
	struct text subject;           /* may be empty */
	struct text connection;        /* may be empty */
	int64_t time;                  /* ms: when it happened, as far as the sender tells */
	int64_t received;              /* ms: the batch's clock */
	int64_t cause;                 /* id of the run whose action caused it, else 0 */
	int depth;                     /* 0, or the causing event's depth + 1 */
	struct text data;              /* JSON; the object after the change, "null" when deleted */
	struct text before;            /* JSON, "null" when new or not a change event */
	const struct event_body *body; /* to be put, NULL: none; gets and queries leave it NULL */
};

void store_put_event(struct store *store, const struct event_record *event);

/* The body of the request that brought an event, to the byte. It is part of the event's record
 * and goes with it. */
struct event_body {
	struct text media; /* its Content-Type, or empty */
	struct text bytes; /* at most LIMIT_BODY_MAX */
	int64_t of;        /* seq of the event that keeps it, received at the same time; else 0 */
};

/* False when none was kept with the event. */
bool store_get_body(struct store *store, struct arena *arena, int64_t seq, struct event_body *out);

bool store_get_event(struct store *store, struct arena *arena, int64_t seq,
		     struct event_record *out);
bool store_get_event_by_id(struct store *store, struct arena *arena, struct text id,
			   struct event_record *out);

/* ---- Dedupe: (source, sender's id) -> the event it became. ---- */

/* Copies the id of the first event into the arena; false when unseen or expired at `now`. */
bool store_get_seen(struct store *store, struct arena *arena, struct text source, struct text key,
		    int64_t now, struct text *event_id);
void store_put_seen(struct store *store, struct text source, struct text key, struct text event_id,
		    int64_t expires);

/* ---- Cursors: one JSON text per source. ---- */

bool store_get_cursor(struct store *store, struct arena *arena, struct text source,
		      struct text *json);
void store_put_cursor(struct store *store, struct text source, struct text json);

/* ---- Manifests: what a plugin said of itself last, and when (ms). ---- */

bool store_get_manifest(struct store *store, struct arena *arena, struct text plugin,
			struct text *json, int64_t *seen);
void store_put_manifest(struct store *store, struct text plugin, struct text json, int64_t seen);

/* ---- Snapshots: the last known state of an object. `kind` is
 * "<connection>/<object kind>". hash lets an unchanged object cost one look-up
 * and no reading of its data. ---- */

bool store_get_object_hash(struct store *store, struct text kind, struct text id, uint64_t *hash);
bool store_get_object(struct store *store, struct arena *arena, struct text kind, struct text id,
		      uint64_t *hash, struct text *data);
void store_put_object(struct store *store, struct text kind, struct text id, uint64_t hash,
		      struct text data);
void store_drop_object(struct store *store, struct text kind, struct text id);

/* All ids of a kind in byte order, starting after `after` ("" for the first), at most
 * `limit`; visit returning false stops. Returns how many were visited. */
size_t store_each_object(struct store *store, struct text kind, struct text after, size_t limit,
			 bool (*visit)(void *of, struct text id, uint64_t hash), void *of);

/* ---- Rules: revisions in use, and state that belongs to a rule's id. ---- */

struct revision_record {
	struct text rule;
	struct text revision; /* hash of the text */
	struct text file;
	int line;
	struct text text; /* the rule as written, YAML */
};

void store_put_revision(struct store *store,
			const struct revision_record *revision); /* once is enough */
bool store_get_revision(struct store *store, struct arena *arena, struct text rule,
			struct text revision, struct revision_record *out);

/* State per (rule, what, key); `what` is "throttle" or "throttle.shadow" now. */
bool store_get_state(struct store *store, struct arena *arena, struct text rule, struct text what,
		     struct text key, struct text *json);
/* All states of this kind, in no particular order. */
void store_each_state(struct store *store, struct text what,
		      bool (*visit)(void *of, struct text rule, struct text key, struct text json),
		      void *of);
void store_put_state(struct store *store, struct text rule, struct text what, struct text key,
		     struct text json, int64_t now);
void store_drop_state(struct store *store, struct text rule, struct text what, struct text key);

/* ---- Tables: rows that rules keep. The JSON is the caller's; a row is found by the cells that
 * came with it. What is found is in the order of keys. ---- */

struct table_cell {
	struct text column, value;
};

bool store_get_row(struct store *store, struct arena *arena, struct text table, struct text key,
		   struct text *json);
/* In place of the row with this key, which is not empty. */
void store_put_row(struct store *store, struct text table, struct text key, struct text json,
		   const struct table_cell *cells, size_t count);
bool store_drop_row(struct store *store, struct text table, struct text key); /* was it there? */
int64_t store_count_rows(struct store *store, struct text table);

/* At most `limit` rows. The visitor uses the store for nothing else. */
void store_each_row(struct store *store, struct text table, size_t limit,
		    bool (*visit)(void *of, struct text key, struct text json), void *of);
void store_find_rows(struct store *store, struct text table, const struct table_cell *cell,
		     size_t limit, bool (*visit)(void *of, struct text key, struct text json),
		     void *of);

/* All tables that ever had a row, by name. */
void store_each_table(struct store *store, bool (*visit)(void *of, struct text table, int64_t rows),
		      void *of);

/* ---- Runs. ---- */

struct run_record {
	int64_t id;    /* given by the caller, ascending */
	int64_t event; /* seq */
	struct text rule;
	struct text revision;
	struct text key;
	enum run_state state;
	struct text reason; /* for DEAD, IN_DOUBT and SKIPPED; may be empty */
	int64_t created;    /* ms: clock of the deciding batch; what ctx.now shows */
	int64_t updated;    /* ms */
	int64_t due;        /* ms: WAITING until; else 0 */
	int step;           /* index of the step in hand */
	int attempt; /* number of the attempt in hand or last made of that step, from 1; 0: none */
	struct text steps; /* JSON list, one entry per step reached; "" while none is finished */
};

void store_put_run(struct store *store, const struct run_record *run); /* a new one */
/* Changes state, reason, updated, due, step, attempt and steps of a run. */
void store_update_run(struct store *store, const struct run_record *run);
bool store_get_run(struct store *store, struct arena *arena, int64_t id, struct run_record *out);

struct attempt_record {
	int64_t run;
	int step;
	int n;                  /* from 1 */
	int64_t started, ended; /* ms */
	int status;             /* HTTP status, 0: none came back */
	struct text fate;       /* "ok", "retry", "reject", "doubt" */
	struct text error;      /* may be empty */
	struct text key;        /* the idempotency key sent */
	struct text request;    /* JSON, without credentials */
	size_t data_at;    /* to be put: where in it a member "body" goes that is the text of the
			    * event's data; 0: nowhere. Queries put it in and leave 0 */
	struct text reply; /* body as received, cut to LIMIT_REPLY_KEPT */
};

void store_put_attempt(struct store *store, const struct attempt_record *attempt);

/* ---- Highest numbers in use, to continue from; 0 when there are none. ---- */
int64_t store_last_event(struct store *store);
int64_t store_last_run(struct store *store);

/* ---- Open runs, for the writer. Visitors get ids in ascending order unless said otherwise, return
 * false to stop, and use the store for nothing else. A run has begun when steps are recorded of it;
 * one that is PENDING and has none waits. ---- */

/* Those that have begun, in no order. */
void store_each_begun(struct store *store, bool (*visit)(void *of, int64_t id), void *of);
/* How many wait, by rule, in no order. */
void store_each_waiting_rule(struct store *store,
			     bool (*visit)(void *of, struct text rule, uint64_t count), void *of);
/* Those of a rule that wait, with larger ids than `after`; at most `limit`. */
void store_each_waiting(struct store *store, struct text rule, int64_t after, size_t limit,
			bool (*visit)(void *of, int64_t id), void *of);

/* How many runs are DEAD, or IN_DOUBT. */
int64_t store_count_runs(struct store *store, enum run_state state);

/* ---- Queries, for the writer's start and for readers. Visitors return false to
 * stop. A query answers FATE_OK, or FATE_RETRY with store_last_error. ---- */

struct event_query {
	int64_t after_seq; /* only larger ones; 0: all */
	int64_t since;     /* received at or after, ms; 0: all */
	struct text type;  /* exact, or a prefix ending in "*"; empty: all */
	struct text id;    /* exact; empty: all */
	bool newest_first;
	size_t limit; /* 0: none */
};

enum fate store_query_events(struct store *store, const struct event_query *query,
			     bool (*visit)(void *of, const struct event_record *event), void *of);

struct run_query {
	int64_t after_id; /* only larger ones; 0: all */
	int64_t id;       /* exactly this one; 0: all */
	int64_t event;    /* of this event's seq; 0: all */
	int64_t since;    /* created at or after, ms; 0: all */
	struct text rule; /* exact; empty: all */
	unsigned states;  /* bit 1u << state; 0: all */
	bool newest_first;
	size_t limit; /* 0: none */
};

enum fate store_query_runs(struct store *store, const struct run_query *query,
			   bool (*visit)(void *of, const struct run_record *run), void *of);
enum fate store_query_attempts(struct store *store, int64_t run,
			       bool (*visit)(void *of, const struct attempt_record *attempt),
			       void *of);
enum fate store_query_cursors(struct store *store,
			      bool (*visit)(void *of, struct text source, struct text json),
			      void *of);

/* ---- Retention, inside a batch: forgets events received before `events_before`
 * with their finished runs, dedupe entries that expired before `now`, states of
 * rules that `rule_is_known` denies and that were last touched before
 * `states_before`, and revisions no run or known rule needs. At most `limit` rows of
 * each, so that a batch stays short; returns whether there is more. ---- */
struct retention {
	int64_t now, events_before, states_before;
	bool (*rule_is_known)(void *of, struct text rule);
	void *of;
	size_t limit;
};

bool store_retain(struct store *store, const struct retention *retention);

#endif
