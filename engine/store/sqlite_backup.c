/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_backup - a copy of the store as it was at one commit, made while a writer works.
 *
 * The reader's transaction holds that state; SQLite copies it page by page
 * (https://www.sqlite.org/backup.html). The writer is never waited for and never waits:
 * its log can't begin again meanwhile, so that grows by what is written during the copy.
 * What was copied goes to the disk bit by bit, or one large flush at the end would hold up
 * the writer's own.
 *
 * The copy is made under another name, looked through, and gets its own name only when all
 * of it is on disk; a file that is there already is never replaced.
 *
 * I1  FILE is a whole and sound store, or it isn't there.
 * I2  Numbers of events and runs that the original gives out after the copy never come
 *     again where the copy is used: they are parts of idempotency keys. The copy's go on
 *     far behind them (BACKUP_EVENTS, BACKUP_RUNS). */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/store/sqlite_internal.h"

#define STEP_PAGES  256 /* a megabyte at a time */
#define FLUSH_STEPS 16  /* of those between two flushes */
#define BACKUP_EVENTS                                                                              \
	INT64_C(100000000000) /* four months of 10,000 a second; 2^53 holds 90,000                 \
			       */
#define BACKUP_RUNS                                                                                \
	INT64_C(1000000000) /* of which 2^43, the most that attempts leave, holds 8,796 */

struct copy {
	struct store *from;
	struct store_error *error;
	char path[PATH_MAX]; /* under its other name */
	sqlite3 *db;
	int fd; /* for flushing; -1 */
};

static enum fate fail_errno(struct store_error *error, const char *path)
{
	error->kind =
	    errno == ENOSPC || errno == EDQUOT || errno == EROFS ? STORE_FULL : STORE_OTHER;
	snprintf(error->text, sizeof(error->text), "%.180s: %.50s", path, strerror(errno));
	return FATE_RETRY;
}

static enum fate fail_sqlite(struct copy *c, sqlite3 *db, const char *path, int rc)
{
	sq_explain(c->error, db, path, rc);
	return FATE_RETRY;
}

static enum fate copy_create(struct copy *c, const char *path)
{
	if (access(path, F_OK) == 0) {
		c->error->kind = STORE_OTHER;
		snprintf(c->error->text, sizeof(c->error->text), "%.180s is there already", path);
		return FATE_REJECT;
	}
	c->fd = open(c->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->fd < 0 && errno == EEXIST) {
		c->error->kind = STORE_OTHER;
		snprintf(c->error->text, sizeof(c->error->text),
			 "%.140s is there: a backup is under way, or was cut short; then remove it",
			 c->path);
		return FATE_REJECT;
	}
	if (c->fd < 0 || fchmod(c->fd, 0600) != 0)
		return fail_errno(c->error, c->path);
	return FATE_OK;
}

static enum fate copy_pages(struct copy *c)
{
	sqlite3_backup *backup = sqlite3_backup_init(c->db, "main", c->from->db, "main");
	enum fate fate = FATE_OK;
	int rc = SQLITE_OK;

	if (backup == NULL)
		return fail_sqlite(c, c->db, c->path, sqlite3_errcode(c->db));
	for (int step = 1; rc == SQLITE_OK && fate == FATE_OK; step++) {
		rc = sqlite3_backup_step(backup, STEP_PAGES);
		if (step % FLUSH_STEPS == 0 && fdatasync(c->fd) != 0)
			fate = fail_errno(c->error, c->path);
	}
	(void)sqlite3_backup_finish(backup);
	if (fate == FATE_OK && rc != SQLITE_DONE)
		return fail_sqlite(c, c->db, c->path, rc);
	return fate;
}

/* One plain file, without a log beside it; numbers that go on elsewhere; and a note for whoever
 * opens it that it is a copy. */
static enum fate copy_mark(struct copy *c, int64_t now)
{
	char sql[1024];
	int rc = sq_exec(c->db, "PRAGMA journal_mode = DELETE");

	snprintf(sql, sizeof(sql),
		 "BEGIN;"
		 "INSERT OR REPLACE INTO marks SELECT 'event', %lld + max("
		 " coalesce((SELECT max(seq) FROM events), 0),"
		 " coalesce((SELECT n FROM marks WHERE what = 'event'), 0));"
		 "INSERT OR REPLACE INTO marks SELECT 'run', %lld + max("
		 " coalesce((SELECT max(id) FROM runs), 0),"
		 " coalesce((SELECT n FROM marks WHERE what = 'run'), 0));"
		 "INSERT OR IGNORE INTO names(name) VALUES ('" STORE_BACKUP_ROW "');"
		 "INSERT OR REPLACE INTO cursors SELECT id, '{\"backup_at\":%lld}' FROM names"
		 " WHERE name = '" STORE_BACKUP_ROW "';"
		 "COMMIT",
		 (long long)BACKUP_EVENTS, (long long)BACKUP_RUNS, (long long)now);
	if (rc == SQLITE_OK)
		rc = sq_exec(c->db, sql);
	return rc == SQLITE_OK ? FATE_OK : fail_sqlite(c, c->db, c->path, rc);
}

static enum fate copy_check(struct copy *c)
{
	if (sq_sound(c->db, c->path, c->error))
		return FATE_OK;
	return FATE_REJECT;
}

static enum fate copy_fill(struct copy *c, int64_t now)
{
	int rc =
	    sqlite3_open_v2(c->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	enum fate fate;

	if (rc == SQLITE_OK)
		rc = sq_exec(c->db, "PRAGMA synchronous = OFF; PRAGMA mmap_size = 0;"
				    "PRAGMA temp_store = MEMORY");
	if (rc != SQLITE_OK)
		return fail_sqlite(c, c->db, c->path, rc);
	fate = copy_pages(c);
	if (fate == FATE_OK)
		fate = copy_mark(c, now);
	return fate == FATE_OK ? copy_check(c) : fate;
}

/* Never in the place of another file, also not of one that came meanwhile. Some file systems
 * have no links, others no such rename. */
static bool give_name(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	if ((errno != EINVAL && errno != ENOSYS) || link(from, to) != 0)
		return false;
	(void)unlink(from);
	return true;
}

/* Both the file and its name are on disk. */
static enum fate copy_settle(struct copy *c, const char *path)
{
	char room[PATH_MAX];
	int dir;

	if (fsync(c->fd) != 0)
		return fail_errno(c->error, c->path);
	if (!give_name(c->path, path))
		return fail_errno(c->error, path);
	snprintf(room, sizeof(room), "%s", path);
	dir = open(dirname(room), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(c->error, path);
	if (fsync(dir) != 0) {
		close(dir);
		return fail_errno(c->error, path);
	}
	close(dir);
	return FATE_OK;
}

static void copy_fini(struct copy *c, bool made)
{
	sqlite3_close(c->db);
	if (c->fd < 0)
		return;
	close(c->fd);
	if (!made)
		(void)unlink(c->path);
}

/* The state that is copied is that of this moment. */
static enum fate hold(struct store *store, struct store_error *error)
{
	int rc = sq_exec(store->db, "BEGIN");

	if (rc == SQLITE_OK)
		(void)sq_value(store->db, "SELECT count(*) FROM marks", &rc);
	if (rc == SQLITE_OK)
		return FATE_OK;
	sq_explain(error, store->db, store->path, rc);
	return FATE_RETRY;
}

enum fate store_backup(struct store *store, const char *path, int64_t now,
		       struct store_error *error)
{
	struct copy c = { .from = store, .error = error, .fd = -1 };
	enum fate fate;

	assert(store != NULL && store->reader && path != NULL && error != NULL);
	*error = (struct store_error){ 0 };
	if (snprintf(c.path, sizeof(c.path), "%s.part", path) >= (int)sizeof(c.path)) {
		errno = ENAMETOOLONG;
		return fail_errno(error, "the backup");
	}
	fate = hold(store, error);
	if (fate == FATE_OK)
		fate = copy_create(&c, path);
	if (fate == FATE_OK)
		fate = copy_fill(&c, now);
	(void)sq_exec(store->db, "ROLLBACK");
	if (fate == FATE_OK) {
		sqlite3_close(c.db); /* before it has its name: nothing is written into it later */
		c.db = NULL;
		fate = copy_settle(&c, path);
	}
	copy_fini(&c, fate == FATE_OK);
	return fate;
}
