/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_schema - the tables, as numbered migrations.
 *
 * Migration n brings a store from version n - 1 to n, in one transaction with
 * the new user_version. A migration that was released is never edited; changes
 * are appended.
 *
 * Why the tables look as they do:
 * - Rows that arrive in order have integer keys given by the caller, so they are
 *   appended; big columns come last, so that reading the small ones stays on the
 *   row's first page.
 * - An event's id is random, and an index over all of them would dirty a page of
 *   its own for nearly every event. It is therefore indexed within groups of
 *   consecutive events: inserts stay in a few hot pages, and the rare look-up by
 *   id tries one group after the other, newest first. Ids that an
 *   event's row gives (event_own_id) are stored as NULL and not indexed at all.
 * - Ids aren't declared unique: a sender may repeat an id after its dedupe entry
 *   expired, and that must not make a batch fail for ever.
 * - A dedupe entry is found by the 128-bit hash of (source, key): rows are small
 *   and equally sized whatever a sender puts into its id. New ones are in `fresh`
 *   for a while; sqlite_seen.c says why. There is no index by expiry, which would
 *   undo that: retention walks through them.
 * - The data of objects is kept out of the index that answers "did it change".
 * - `marks` keeps the highest numbers in use when retention deletes their rows:
 *   numbers are parts of idempotency keys and never come again. */
#include <assert.h>
#include <stdio.h>

#include "engine/store/sqlite_internal.h"

static const char first[] =
    "CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE marks (what TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE events (seq INTEGER PRIMARY KEY, source INTEGER NOT NULL,"
    " type INTEGER NOT NULL, connection INTEGER NOT NULL, time INTEGER NOT NULL,"
    " received INTEGER NOT NULL, cause INTEGER NOT NULL, depth INTEGER NOT NULL, id ANY,"
    " subject TEXT NOT NULL, data TEXT NOT NULL, prior TEXT NOT NULL) STRICT;"
    "CREATE INDEX events_by_id ON events (seq >> " SQ_ID_GROUP ", id) WHERE id IS NOT NULL;"
    "CREATE INDEX events_by_received ON events (received);"

    "CREATE TABLE seen (hash BLOB PRIMARY KEY, expires INTEGER NOT NULL, event ANY NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE fresh (row INTEGER PRIMARY KEY, hash BLOB NOT NULL,"
    " expires INTEGER NOT NULL, event ANY NOT NULL) STRICT;"

    "CREATE TABLE cursors (source INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;"

    "CREATE TABLE objects (row INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id TEXT NOT NULL,"
    " hash INTEGER NOT NULL, data TEXT NOT NULL) STRICT;"
    "CREATE INDEX objects_by_id ON objects (kind, id, hash);"

    "CREATE TABLE revisions (row INTEGER PRIMARY KEY, rule INTEGER NOT NULL,"
    " revision INTEGER NOT NULL, line INTEGER NOT NULL, file TEXT NOT NULL,"
    " text TEXT NOT NULL, UNIQUE (rule, revision)) STRICT;"

    "CREATE TABLE states (rule INTEGER NOT NULL, what INTEGER NOT NULL, key TEXT NOT NULL,"
    " touched INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (rule, what, key))"
    " STRICT, WITHOUT ROWID;"

    "CREATE TABLE runs (id INTEGER PRIMARY KEY, event INTEGER NOT NULL, rule INTEGER NOT NULL,"
    " revision INTEGER NOT NULL, state INTEGER NOT NULL, created INTEGER NOT NULL,"
    " updated INTEGER NOT NULL, due INTEGER NOT NULL, step INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL,"
    " steps TEXT NOT NULL) STRICT;"
    "CREATE INDEX runs_by_event ON runs (event);"
    "CREATE INDEX runs_by_rule ON runs (rule);"
    "CREATE INDEX runs_by_created ON runs (created);"
    "CREATE INDEX runs_unfinished ON runs (state) WHERE state IN (1, 2, 3, 5, 6);"

    "CREATE TABLE attempts (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, n INTEGER NOT NULL,"
    " started INTEGER NOT NULL, ended INTEGER NOT NULL, status INTEGER NOT NULL,"
    " fate INTEGER NOT NULL, key ANY NOT NULL, error TEXT NOT NULL, request TEXT NOT NULL,"
    " reply TEXT NOT NULL) STRICT;";

/* The body an event came in; its index has only events that share one with an earlier event. */
static const char bodies[] =
    "ALTER TABLE events ADD COLUMN media ANY;"
    "ALTER TABLE events ADD COLUMN body_of INTEGER;"
    "ALTER TABLE events ADD COLUMN body BLOB;"
    "CREATE INDEX events_by_body ON events (body_of) WHERE body_of IS NOT NULL;";

/* Rows that rules keep. `cells` finds one by any of its columns, and by its key to be dropped. */
static const char rows[] =
    "CREATE TABLE kept (tbl INTEGER NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL,"
    " PRIMARY KEY (tbl, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cells (tbl INTEGER NOT NULL, col INTEGER NOT NULL, value TEXT NOT NULL,"
    " key TEXT NOT NULL, PRIMARY KEY (tbl, col, value, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX cells_by_key ON cells (tbl, key);"
    "CREATE TABLE stored (tbl INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;";

/* What plugins said of themselves last. */
static const char manifests[] =
    "CREATE TABLE manifests (plugin TEXT PRIMARY KEY, seen INTEGER NOT NULL,"
    " json TEXT NOT NULL) STRICT;";

/* NULL stood for the bare number; now the time of arrival belongs to it. What was told, and the
 * idempotency keys of open runs, stay as they were. */
static const char numbers[] = "UPDATE events SET id = CAST(seq AS TEXT) WHERE id IS NULL;";

/* For a list of more than two SQLite builds a table each time the index is looked at: 4 us a run.
 */
static const char unfinished[] =
    "DROP INDEX runs_unfinished;"
    "CREATE INDEX runs_unfinished ON runs (state) WHERE " SQ_UNFINISHED ";";

/* A request whose body is the event's data doesn't keep it once more. */
static const char forwarded[] = "ALTER TABLE attempts ADD COLUMN data_at INTEGER;";

/* Runs that wait to begin are found by their rule, in their order. */
static const char waiting[] =
    "DROP INDEX runs_unfinished;"
    "CREATE INDEX runs_unfinished ON runs (state, " SQ_BEGUN ", rule) WHERE " SQ_UNFINISHED ";";

static const char *const migrations[] = { first,   bodies,     rows,      manifests,
					  numbers, unfinished, forwarded, waiting };

static const char *const tables[] = { "names",    "marks",   "events",    "seen",   "fresh",
				      "cursors",  "objects", "revisions", "states", "runs",
				      "attempts", "kept",    "cells",     "stored", "manifests" };

int sq_schema_version(void)
{
	return (int)(sizeof(migrations) / sizeof(migrations[0]));
}

static int migrate_to(sqlite3 *db, int version)
{
	char mark[64];
	int rc = sq_exec(db, "BEGIN IMMEDIATE");

	snprintf(mark, sizeof(mark), "PRAGMA user_version = %d", version);
	if (rc == SQLITE_OK)
		rc = sq_exec(db, migrations[version - 1]);
	if (rc == SQLITE_OK)
		rc = sq_exec(db, mark);
	if (rc == SQLITE_OK)
		rc = sq_exec(db, "COMMIT");
	return rc; /* an open transaction ends with the connection, which the caller closes */
}

int sq_schema_migrate(sqlite3 *db, int64_t version)
{
	int rc = SQLITE_OK;

	assert(db != NULL && version >= 0);
	for (int to = (int)version + 1; rc == SQLITE_OK && to <= sq_schema_version(); to++)
		rc = migrate_to(db, to);
	return rc;
}

int sq_schema_probe(sqlite3 *db)
{
	int rc = SQLITE_DONE;

	assert(db != NULL);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char sql[64];

		snprintf(sql, sizeof(sql), "SELECT 1 FROM %s LIMIT 1", tables[i]);
		(void)sq_value(db, sql, &rc);
		if (rc != SQLITE_OK && rc != SQLITE_DONE)
			return rc;
	}
	return SQLITE_OK;
}
