/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite - batches, kept statements and failures of the SQLite store.
 *
 * I1  The first failure of a batch sticks: every later put and get of the batch
 *     does nothing, and store_commit rolls back. That holds for gets too, so
 *     nothing is decided upon what could not be read.
 * I2  A rollback drops what is kept in memory of names and dedupe entries: it
 *     may know rows that are gone.
 * Never: retries by itself (but for SQLite's own bounded wait for a lock). */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "engine/base/fault.h"
#include "engine/store/sqlite_internal.h"

/* ---- Failures. ---- */

static bool no_space(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EROFS;
}

static int kind_of(int rc, int system_error)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_READONLY:
		return STORE_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return STORE_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return STORE_CORRUPT;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return no_space(system_error) ? STORE_FULL : STORE_OTHER;
	default:
		return STORE_OTHER;
	}
}

const char *store_hint(const struct store_error *error)
{
	assert(error != NULL);
	switch (error->kind) {
	case STORE_BUSY:
		return "one daemon per store: stop what holds it, or close the sqlite3 shell that "
		       "does";
	case STORE_NEWER:
		return "install the version that wrote it, or put back a backup from before";
	case STORE_FOREIGN:
		return "`store` names another program's file: name one of its own";
	case STORE_CORRUPT:
		return "look at the disk, then put back a backup; `sqlite3 FILE .recover` gets out "
		       "what can be read";
	case STORE_FULL:
		return "make room there, or let it be written; a running daemon goes on by itself";
	case STORE_MISSING:
		return "`tappet run` creates it";
	case STORE_OTHER:
		break;
	}
	return "";
}

void sq_explain(struct store_error *error, sqlite3 *db, const char *path, int rc)
{
	int last_errno = errno;
	const char *what = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	int system_error = db != NULL ? sqlite3_system_errno(db) : 0;
	bool io = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	const char *where = path != NULL ? path : "memory";

	assert(error != NULL);
	if (system_error == 0) /* SQLite does not note it on every path */
		system_error = last_errno;
	error->kind = kind_of(rc, system_error);
	if (!io || system_error == 0) {
		snprintf(error->text, sizeof(error->text), "%.140s: %.80s", where, what);
		return;
	}
	snprintf(error->text, sizeof(error->text), "%.140s: %.40s: %.50s", where, what,
		 strerror(system_error)); /* glibc's and musl's are safe in threads */
}

void sq_fail(struct store *store, int rc)
{
	if (store->failed)
		return;
	store->failed = true;
	sq_explain(&store->error, store->db, store->path, rc);
}

void sq_fail_text(struct store *store, const char *what)
{
	if (store->failed)
		return;
	store->failed = true;
	store->error.kind = STORE_OTHER;
	snprintf(store->error.text, sizeof(store->error.text), "%.140s: %.80s",
		 store->path != NULL ? store->path : "memory", what);
}

static void forget_failure(struct store *store)
{
	store->failed = false;
	store->error = (struct store_error){ 0 };
}

/* ---- Statements. ---- */

/* Outside a batch nothing has to stick: each get and query starts clean. */
static bool may_work(struct store *store)
{
	if (!store->in_batch)
		forget_failure(store);
	return !store->failed;
}

static sqlite3_stmt *prepare(struct store *store, const char *sql, unsigned flags)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v3(store->db, sql, -1, flags, &stmt, NULL);

	if (rc != SQLITE_OK)
		sq_fail(store, rc);
	return stmt;
}

struct sq sq_use(struct store *store, enum sq_slot slot, const char *sql)
{
	struct sq q = { store, NULL, 1 };

	assert(slot < SQ_SLOTS);
	if (!may_work(store))
		return q;
	if (store->kept[slot] == NULL)
		store->kept[slot] = prepare(store, sql, SQLITE_PREPARE_PERSISTENT);
	q.stmt = store->kept[slot];
	assert(q.stmt == NULL || !sqlite3_stmt_busy(q.stmt));
	return q;
}

struct sq sq_ask(struct store *store, const char *sql)
{
	struct sq q = { store, NULL, 1 };

	if (may_work(store))
		q.stmt = prepare(store, sql, 0);
	return q;
}

static void bound(struct sq *q, int rc)
{
	if (rc == SQLITE_OK)
		return;
	sq_fail(q->store, rc);
	q->stmt = NULL;
}

void sq_put_int(struct sq *q, int64_t value)
{
	if (q->stmt != NULL)
		bound(q, sqlite3_bind_int64(q->stmt, q->next++, value));
}

void sq_put_text(struct sq *q, struct text value)
{
	const char *s = value.n > 0 ? value.s : "";

	if (q->stmt != NULL)
		bound(q, sqlite3_bind_text64(q->stmt, q->next++, s, value.n, SQLITE_STATIC,
					     SQLITE_UTF8));
}

void sq_put_null(struct sq *q)
{
	if (q->stmt != NULL)
		bound(q, sqlite3_bind_null(q->stmt, q->next++));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sq_pack_id(struct text id, char out[SQ_ID_BYTES])
{
	if (id.n != 2 * SQ_ID_BYTES)
		return false;
	for (size_t i = 0; i < SQ_ID_BYTES; i++) {
		int high = hex_digit(id.s[2 * i]), low = hex_digit(id.s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (char)(high << 4 | low);
	}
	return true;
}

/* Copied: callers keep the bytes no longer than the call. */
void sq_put_blob(struct sq *q, struct text bytes)
{
	if (q->stmt != NULL)
		bound(q,
		      sqlite3_bind_blob64(q->stmt, q->next++, bytes.s, bytes.n, SQLITE_TRANSIENT));
}

void sq_put_id(struct sq *q, struct text id)
{
	char bytes[SQ_ID_BYTES];

	if (sq_pack_id(id, bytes))
		sq_put_blob(q, (struct text){ bytes, sizeof(bytes) });
	else
		sq_put_text(q, id);
}

void sq_put_name(struct sq *q, struct text name)
{
	int64_t number = q->stmt != NULL ? sq_name(q->store, name) : SQ_NAME_NONE;

	if (q->store->failed)
		q->stmt = NULL;
	sq_put_int(q, number);
}

bool sq_row(struct sq *q)
{
	int rc;

	if (q->stmt == NULL)
		return false;
	errno = 0; /* what is found there after a failure is not older */
	rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		sq_fail(q->store, rc);
	sqlite3_reset(q->stmt);
	return false;
}

void sq_run(struct sq *q)
{
	while (sq_row(q))
		;
}

void sq_done(struct sq *q)
{
	if (q->stmt != NULL)
		sqlite3_reset(q->stmt);
}

void sq_drop(struct sq *q)
{
	sqlite3_finalize(q->stmt);
	q->stmt = NULL;
}

int64_t sq_int(const struct sq *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

/* Through column_blob: column_text would copy to add a NUL. */
struct text sq_text(const struct sq *q, int column)
{
	const char *s = sqlite3_column_blob(q->stmt, column);
	int n = sqlite3_column_bytes(q->stmt, column);

	if (s == NULL || n <= 0)
		return TEXT("");
	return (struct text){ s, (size_t)n };
}

struct text sq_id(const struct sq *q, int column, char scratch[SQ_ID_ROOM])
{
	static const char digits[] = "0123456789abcdef";
	struct text stored = sq_text(q, column);

	if (sqlite3_column_type(q->stmt, column) != SQLITE_BLOB || stored.n != 16)
		return stored;
	for (size_t i = 0; i < 16; i++) {
		unsigned char byte = (unsigned char)stored.s[i];

		scratch[2 * i] = digits[byte >> 4];
		scratch[2 * i + 1] = digits[byte & 15];
	}
	scratch[32] = '\0';
	return (struct text){ scratch, 32 };
}

int sq_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int64_t sq_value(sqlite3 *db, const char *sql, int *rc)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = 0;

	*rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (*rc != SQLITE_OK)
		return 0;
	*rc = sqlite3_step(stmt);
	if (*rc == SQLITE_ROW) {
		value = sqlite3_column_int64(stmt, 0);
		*rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return value;
}

bool sq_sound(sqlite3 *db, const char *path, struct store_error *error)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	const char *said = "";
	bool sound;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		said = (const char *)sqlite3_column_text(stmt, 0);
	sound = rc == SQLITE_ROW && said != NULL && strcmp(said, "ok") == 0;
	if (rc != SQLITE_ROW) {
		sq_explain(error, db, path, rc);
	} else if (!sound) {
		error->kind = STORE_CORRUPT;
		snprintf(error->text, sizeof(error->text), "%.100s is damaged: %.100s", path,
			 said != NULL ? said : "");
	}
	sqlite3_finalize(stmt);
	return sound;
}

bool store_check(struct store *store, struct store_error *error)
{
	assert(store != NULL && error != NULL);
	return sq_sound(store->db, store->path != NULL ? store->path : "memory", error);
}

/* ---- The batch. ---- */

void store_begin(struct store *store)
{
	struct sq q;

	assert(store != NULL && !store->reader && !store->in_batch);
	forget_failure(store);
	store->in_batch = true;
	q = sq_use(store, SQ_BEGIN, "BEGIN IMMEDIATE");
	sq_run(&q);
}

/* Some failures have rolled back already; then SQLite is in autocommit again. */
static void roll_back(struct store *store)
{
	struct store_error error = store->error;
	bool failed = store->failed;

	if (sqlite3_get_autocommit(store->db) == 0) {
		struct sq q;

		store->failed = false;
		q = sq_use(store, SQ_ROLLBACK, "ROLLBACK");
		sq_run(&q);
	}
	store->failed = failed;
	if (failed)
		store->error = error;
	sq_names_forget(store);
	sq_seen_forget(store);
	store->in_batch = false;
}

enum fate store_commit(struct store *store)
{
	assert(store != NULL && store->in_batch);
	if (fault_point("store.commit"))
		sq_fail_text(store, "a fault was asked for");
	if (!store->failed) {
		struct sq q = sq_use(store, SQ_COMMIT, "COMMIT");

		sq_run(&q);
	}
	if (store->failed) {
		roll_back(store);
		return FATE_RETRY;
	}
	store->in_batch = false;
	sq_checkpoint_after_commit(store);
	return FATE_OK;
}

void store_rollback(struct store *store)
{
	assert(store != NULL && store->in_batch);
	roll_back(store);
	store->failed = false;
}

bool store_failed(const struct store *store)
{
	assert(store != NULL);
	return store->failed;
}

const struct store_error *store_last_error(const struct store *store)
{
	assert(store != NULL);
	return &store->error;
}
