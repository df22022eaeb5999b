/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_internal - what the files named sqlite*.c share, and nobody else sees.
 *
 * A statement in use is a struct sq: made by sq_use (kept, prepared once per
 * store) or sq_ask (built for one query), filled from left to right with
 * sq_put_*, stepped with sq_row or sq_run, and let go by sq_done or sq_drop. Every
 * failure lands in sq_fail, where the first one of a batch sticks; from then on
 * sq_use hands out statements that do nothing, so callers need no branches.
 *
 * Ownership: the store owns its connection, statements, name cache, lock and
 * checkpoint thread. Texts of a row live until the next step.
 * Never: used from two threads, but for the checkpoint thread, which has a
 * connection of its own and shares only what its mutex guards. */
#ifndef TAPPET_STORE_SQLITE_INTERNAL_H
#define TAPPET_STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "engine/base/map.h"
#include "engine/base/pack.h"
#include "engine/store/store.h"

/* One slot per kept statement. */
enum sq_slot {
	SQ_BEGIN,
	SQ_COMMIT,
	SQ_ROLLBACK,
	SQ_NAME_FIND,
	SQ_NAME_ADD,
	SQ_EVENT_PUT,
	SQ_EVENT_GET,
	SQ_EVENT_RANGE,
	SQ_EVENT_FIND,
	SQ_EVENT_BELOW,
	SQ_EVENT_UNNAMED,
	SQ_EVENT_LAST,
	SQ_BODY_FIND,
	SQ_BODY_GET,
	SQ_SEEN_GET,
	SQ_FRESH_ALL,
	SQ_FRESH_PUT,
	SQ_FRESH_GET,
	SQ_FRESH_FIND,
	SQ_FRESH_MOVE,
	SQ_FRESH_TRIM,
	SQ_CURSOR_GET,
	SQ_CURSOR_PUT,
	SQ_MANIFEST_GET,
	SQ_MANIFEST_PUT,
	SQ_OBJECT_HASH,
	SQ_OBJECT_GET,
	SQ_OBJECT_UPDATE,
	SQ_OBJECT_INSERT,
	SQ_OBJECT_DROP,
	SQ_REVISION_PUT,
	SQ_REVISION_GET,
	SQ_STATE_GET,
	SQ_STATE_PUT,
	SQ_STATE_DROP,
	SQ_ROW_GET,
	SQ_ROW_ALL,
	SQ_ROW_FIND,
	SQ_ROW_COUNT,
	SQ_ROW_COUNTED,
	SQ_ROW_PUT,
	SQ_ROW_DROP,
	SQ_CELL_PUT,
	SQ_CELLS_DROP,
	SQ_RUN_PUT,
	SQ_RUN_UPDATE,
	SQ_RUN_GET,
	SQ_RUN_LAST,
	SQ_RUN_COUNT,
	SQ_RUN_BEGUN,
	SQ_RUN_WAITING_RULES,
	SQ_RUN_WAITING,
	SQ_ATTEMPT_PUT,
	SQ_FORGET_ATTEMPTS,
	SQ_FORGET_RUN,
	SQ_FORGET_EVENT,
	SQ_SLOTS
};

struct checkpointer;
struct seen;

struct store {
	sqlite3 *db;
	sqlite3_stmt *kept[SQ_SLOTS];
	struct map *names;            /* text -> its number; a cache of the table `names` */
	struct seen *seen;            /* NULL until it is needed */
	struct packer *packer;        /* NULL until it is needed */
	struct checkpointer *checker; /* NULL: reader or memory */
	char *path;                   /* NULL: memory */
	int lock;                     /* descriptor of PATH.lock, or -1 */
	int wal_pages;                /* length of the log after the last commit */
	int wal_woken, wal_tried;     /* its length when the thread was last woken, and when the
				       * writer last tried to empty it */
	bool reader, in_batch, failed;
	bool sweep_revisions;     /* retention looks at the revisions, else at the states, */
	int64_t sweep_at;         /* of rules with a larger number than this */
	char sweep_hash[16];      /* at dedupe entries with a larger hash than this, */
	int64_t sweep_received;   /* and at events received later than this, */
	int64_t sweep_event;      /* or then, with a smaller number than this */
	struct store_error error; /* text "" while there is none */
};

/* ---- sqlite.c: statements and failures. ---- */

struct sq {
	struct store *store;
	sqlite3_stmt *stmt; /* NULL: does nothing */
	int next;           /* the parameter that the next sq_put_* fills */
};

struct sq sq_use(struct store *store, enum sq_slot slot, const char *sql);
struct sq sq_ask(struct store *store, const char *sql); /* end with sq_drop */
void sq_put_int(struct sq *q, int64_t value);
void sq_put_text(struct sq *q, struct text value);
void sq_put_null(struct sq *q);
/* Ids that are 32 hex digits take 16 bytes; anything else is kept as it is. */
void sq_put_id(struct sq *q, struct text id);
void sq_put_blob(struct sq *q, struct text bytes);
void sq_put_name(struct sq *q, struct text name); /* see sq_name */

#define SQ_ID_BYTES 16
/* False when the id isn't 32 lower-case hex digits. */
bool sq_pack_id(struct text id, char out[SQ_ID_BYTES]);

bool sq_row(struct sq *q);  /* steps: is there a row? After false the statement is reset */
void sq_run(struct sq *q);  /* steps to the end and resets */
void sq_done(struct sq *q); /* resets early */
void sq_drop(struct sq *q); /* finalizes */

int64_t sq_int(const struct sq *q, int column);
struct text sq_text(const struct sq *q, int column);
#define SQ_ID_ROOM 33
struct text sq_id(const struct sq *q, int column, char scratch[SQ_ID_ROOM]);

/* Records what `rc` means; the first failure of a batch stays. */
void sq_fail(struct store *store, int rc);
void sq_fail_text(struct store *store, const char *what);
void sq_explain(struct store_error *error, sqlite3 *db, const char *path, int rc);

/* Runs statements that return no rows; the result is an SQLite code. */
int sq_exec(sqlite3 *db, const char *sql);
/* First column of the first row; *rc tells whether there was one. */
int64_t sq_value(sqlite3 *db, const char *sql, int *rc);

/* Looks through all of it: PRAGMA quick_check. False with *error. */
bool sq_sound(sqlite3 *db, const char *path, struct store_error *error);

/* ---- sqlite_names.c: short texts as small numbers. ---- */

#define SQ_NAME_NONE 0  /* the empty text */
#define SQ_NAME_NEW  -1 /* not in the store */

int64_t sq_name(struct store *store, struct text name);      /* adds it when new */
int64_t sq_name_find(struct store *store, struct text name); /* SQ_NAME_NEW when absent */
void sq_names_forget(struct store *store);

/* ---- sqlite_bodies.c ---- */

/* Fills three parameters: media, body_of, body. */
void sq_put_body(struct sq *q, const struct event_record *event);

/* ---- sqlite_seen.c ---- */

#define SQ_TRIM_STEP 8 /* entries deleted with one new one */

void sq_seen_forget(struct store *store); /* the map only */

/* ---- sqlite_schema.c ---- */

#define SQ_APPLICATION_ID 0x74617070 /* "tapp" */

/* States 1, 2, 3, 5 and 6, that people and the daemon look for: indexed. Queries repeat the text
 * to the letter, else SQLite does not see that the partial index applies. */
#define SQ_UNFINISHED "(110 >> state) & 1"
/* Part of the same index: of a run that waits to begin nothing is recorded. */
#define SQ_BEGUN "(steps <> '')"
/* States that keep a run, its event and that event's other runs: I4. */
#define SQ_PINNING "state IN (1, 2, 3, 6, 8)"
/* Event ids are indexed in groups of 2^11 consecutive events. */
#define SQ_ID_GROUP "11"

int sq_schema_version(void); /* what this program writes */
/* Brings a store of `version` up to date; an SQLite code. */
int sq_schema_migrate(sqlite3 *db, int64_t version);
/* Reads a row of every table: a cheap look for damage; an SQLite code. */
int sq_schema_probe(sqlite3 *db);

/* ---- sqlite_checkpoint.c ---- */

/* NULL with *rc set when its connection or thread could not be made. */
struct checkpointer *sq_checkpointer_new(const char *path, int *rc);
void sq_checkpointer_free(struct checkpointer *checker); /* stops and joins; NULL is fine */
void sq_checkpoint_after_commit(struct store *store);

/* ---- sqlite_events.c, sqlite_runs.c: rows shared with the queries. ---- */

#define SQ_NAMED(column) "(SELECT n.name FROM names n WHERE n.id = " column ")"
#define SQ_EVENT_COLUMNS                                                                           \
	"e.seq, e.time, e.received, e.cause, e.depth, e.id, e.subject, e.data, "                   \
	"e.prior, " SQ_NAMED("e.source") ", " SQ_NAMED("e.type") ", " SQ_NAMED("e.connection")
#define SQ_RUN_COLUMNS                                                                             \
	"r.id, r.event, r.state, r.created, r.updated, r.due, r.step, r.attempt, r.key, "          \
	"r.reason, "                                                                               \
	"r.steps, " SQ_NAMED("r.rule") ", " SQ_NAMED("r.revision")
/* Attempts of one run are numbered run * 2^20 + 1, 2, ... in the order made. */
#define SQ_ATTEMPT_BITS 20

struct sq_scratch {
	char id[EVENT_OWN_ID > SQ_ID_ROOM ? EVENT_OWN_ID : SQ_ID_ROOM];
};

void sq_read_event(const struct sq *q, struct sq_scratch *scratch, struct event_record *out);
void sq_read_run(const struct sq *q, struct run_record *out);
int64_t sq_find_event(struct store *store, struct text id); /* seq, or 0 */

#endif
