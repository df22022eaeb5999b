/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_open - finding, checking, creating, locking and closing a store.
 *
 * A writer holds a lock on PATH.lock for as long as it is open; the file stays
 * behind, since removing it would let two writers lock different files of one
 * name. The store's own file is never opened here but when it is created:
 * closing any descriptor of a file drops SQLite's POSIX locks on it in the whole
 * process.
 *
 * I1  Nothing is written into a file before it is known to be ours.
 * I2  The file is created with mode 0600 whatever the umask; SQLite gives its
 *     -wal and -shm files the same mode.
 * Ownership: a failed open leaves nothing behind but, at most, an empty file. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/store/sqlite_internal.h"

#define WRITER_WAIT 250  /* ms for a lock somebody else holds: an operator's sqlite3 shell */
#define READER_WAIT 1000 /* ms: only recovery after a crash makes readers wait */

__attribute__((format(printf, 3, 4))) static void say(struct store_error *error, int kind,
						      const char *format, ...)
{
	va_list args;

	error->kind = kind;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

static enum fate say_errno(struct store_error *error, const char *path)
{
	bool full = errno == ENOSPC || errno == EDQUOT || errno == EROFS;

	say(error, full ? STORE_FULL : STORE_OTHER, "%.180s: %.50s", path, strerror(errno));
	return FATE_RETRY;
}

static enum fate say_sqlite(struct store *store, int rc, struct store_error *error)
{
	sq_explain(error, store->db, store->path, rc);
	return error->kind == STORE_CORRUPT ? FATE_REJECT : FATE_RETRY;
}

/* ---- The name. ---- */

/* SQLite may be built to take "file:..." as a URI and has special names such as
 * ":memory:"; with "./" before it a relative path is always just a path. */
static char *plain_path(const char *name)
{
	struct text path = text_of(name);
	char *out = mem_alloc(path.n + 3);

	if (out != NULL)
		snprintf(out, path.n + 3, "%s%s", name[0] == '/' ? "" : "./", name);
	return out;
}

static enum fate parse_name(const char *name, struct store *store, struct store_error *error)
{
	struct text text = text_of(name), kind;
	struct text path = text_split(text, ':', &kind);

	if (text_is(text, "memory:"))
		return FATE_OK;
	if (!text_is(kind, "sqlite") || path.n == 0 || path.n > PATH_MAX - 16) {
		say(error, STORE_OTHER,
		    "\"%.100s\" is not a store; use sqlite:PATH or memory:", name);
		return FATE_REJECT;
	}
	store->path = plain_path(path.s);
	if (store->path != NULL)
		return FATE_OK;
	say(error, STORE_OTHER, "out of memory");
	return FATE_RETRY;
}

/* ---- Files. ---- */

static void say_locked(int fd, const char *path, struct store_error *error)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	say(error, STORE_BUSY, "%.160s is in use by another daemon (process %s)", path,
	    pid[0] != '\0' ? pid : "unknown");
}

/* The pid is for people; a lock without it is as good. */
static void sign_lock(int fd)
{
	char pid[24];
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) != n)
		(void)ftruncate(fd, 0);
}

static enum fate take_lock(struct store *store, struct store_error *error)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s.lock", store->path);
	store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock < 0)
		return say_errno(error, path);
	if (flock(store->lock, LOCK_EX | LOCK_NB) != 0) {
		say_locked(store->lock, store->path, error);
		return FATE_RETRY;
	}
	sign_lock(store->lock);
	return FATE_OK;
}

/* Somebody's chmod is undone, also for files that a crash left. */
static void close_mode(const char *path, const char *suffix)
{
	char name[PATH_MAX];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (stat(name, &st) == 0 && (st.st_mode & 077) != 0)
		(void)chmod(name, 0600); /* another owner's file: opening it will tell */
}

static enum fate make_file(struct store *store, struct store_error *error)
{
	int fd = open(store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool made;

	if (fd < 0 && errno == EEXIST) {
		close_mode(store->path, "");
		close_mode(store->path, "-wal");
		close_mode(store->path, "-shm");
		return FATE_OK;
	}
	if (fd < 0)
		return say_errno(error, store->path);
	made = fchmod(fd, 0600) == 0;
	close(fd);
	return made ? FATE_OK : say_errno(error, store->path);
}

/* ---- The database. ---- */

static int on_commit(void *of, sqlite3 *db, const char *name, int pages)
{
	struct store *store = of;

	(void)db;
	(void)name;
	store->wal_pages = pages;
	return SQLITE_OK;
}

static enum fate check_version(struct store *store, int64_t version, struct store_error *error)
{
	int mine = sq_schema_version();

	if (version > mine) {
		say(error, STORE_NEWER,
		    "%.120s was written by a newer version (schema %lld, this one knows %d)",
		    store->path, (long long)version, mine);
		return FATE_REJECT;
	}
	if (store->reader && version == 0) {
		say(error, STORE_MISSING, "%.180s: the store is still empty", store->path);
		return FATE_RETRY;
	}
	if (store->reader && version < mine) {
		say(error, STORE_OTHER,
		    "%.120s was written by an older version; start the daemon to convert it",
		    store->path);
		return FATE_RETRY;
	}
	return FATE_OK;
}

/* Ours, or a file of no bytes that may become ours (*fresh)? */
static enum fate recognise(struct store *store, bool *fresh, int64_t *version,
			   struct store_error *error)
{
	int rc;
	int64_t pages = sq_value(store->db, "PRAGMA page_count", &rc), id = 0;

	if (rc == SQLITE_OK && pages > 0)
		id = sq_value(store->db, "PRAGMA application_id", &rc);
	if (rc == SQLITE_OK && pages > 0)
		*version = sq_value(store->db, "PRAGMA user_version", &rc);
	*fresh = pages == 0;
	if ((rc & 0xff) == SQLITE_NOTADB ||
	    (rc == SQLITE_OK && pages > 0 && id != SQ_APPLICATION_ID)) {
		say(error, STORE_FOREIGN, "%.180s is not a tappet store", store->path);
		return FATE_REJECT;
	}
	if (rc != SQLITE_OK)
		return say_sqlite(store, rc, error);
	return check_version(store, *version, error);
}

/* page_size and auto_vacuum count only before anything is in the file. All in one transaction: a
 * file that got only its first page before the power went would not be known as ours. */
static int prepare_fresh(sqlite3 *db)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "PRAGMA page_size = 4096; BEGIN; PRAGMA auto_vacuum = INCREMENTAL;"
		 "PRAGMA application_id = %d; COMMIT",
		 SQ_APPLICATION_ID);
	return sq_exec(db, sql);
}

static int tune_writer(struct store *store)
{
	char sql[320];
	int rc;

	if (store->path == NULL)
		return sq_exec(store->db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
	snprintf(sql, sizeof(sql),
		 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		 "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = %u;"
		 "PRAGMA cache_size = -%u; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY",
		 LIMIT_STORE_LOG, LIMIT_STORE_CACHE / KIB);
	rc = sq_exec(store->db, sql);
	sqlite3_wal_hook(store->db, on_commit, store);
	return rc;
}

static int tune_reader(struct store *store)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "PRAGMA query_only = 1; PRAGMA cache_size = -%u;"
		 "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY",
		 LIMIT_STORE_CACHE / KIB / 2);
	return sq_exec(store->db, sql);
}

static int connect(struct store *store)
{
	int mode =
	    store->reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	const char *path = store->path != NULL ? store->path : ":memory:";
	int rc = sqlite3_open_v2(path, &store->db, mode | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_extended_result_codes(store->db, 1);
	return sqlite3_busy_timeout(store->db, store->reader ? READER_WAIT : WRITER_WAIT);
}

static enum fate set_up(struct store *store, struct store_error *error)
{
	int64_t version = 0;
	bool fresh = false;
	int rc = connect(store);
	enum fate fate;

	if (rc != SQLITE_OK)
		return say_sqlite(store, rc, error);
	fate = recognise(store, &fresh, &version, error);
	if (fate != FATE_OK)
		return fate;
	if (fresh && !store->reader)
		rc = prepare_fresh(store->db);
	if (rc == SQLITE_OK)
		rc = store->reader ? tune_reader(store) : tune_writer(store);
	if (rc == SQLITE_OK && !store->reader)
		rc = sq_schema_migrate(store->db, version);
	if (rc == SQLITE_OK)
		rc = sq_schema_probe(store->db);
	if (rc == SQLITE_OK && !store->reader && store->path != NULL)
		store->checker = sq_checkpointer_new(store->path, &rc);
	return rc == SQLITE_OK ? FATE_OK : say_sqlite(store, rc, error);
}

/* ---- Opening and closing. ---- */

static enum fate open_writer(struct store *store, struct store_error *error)
{
	enum fate fate = FATE_OK;

	if (store->path != NULL)
		fate = take_lock(store, error);
	if (fate == FATE_OK && store->path != NULL)
		fate = make_file(store, error);
	return fate == FATE_OK ? set_up(store, error) : fate;
}

static enum fate open_reader(struct store *store, struct store_error *error)
{
	struct stat st;

	if (store->path == NULL) {
		say(error, STORE_OTHER, "a memory store has no readers");
		return FATE_REJECT;
	}
	if (stat(store->path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
		say(error, STORE_MISSING, "%.180s: there is no store", store->path);
		return FATE_RETRY;
	}
	return set_up(store, error);
}

static enum fate open_as(bool reader, const char *name, struct store **out,
			 struct store_error *error)
{
	struct store *store = mem_zero(1, sizeof(*store));
	enum fate fate;

	/* Without its own statistics SQLite takes no lock per allocation: a tenth of the cost of a
	 * put. Refused, harmlessly, when a connection was opened before. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	*out = NULL;
	*error = (struct store_error){ 0 };
	if (store == NULL) {
		say(error, STORE_OTHER, "out of memory");
		return FATE_RETRY;
	}
	store->lock = -1;
	store->reader = reader;
	fate = parse_name(name, store, error);
	if (fate == FATE_OK)
		fate = reader ? open_reader(store, error) : open_writer(store, error);
	if (fate == FATE_OK)
		*out = store;
	else
		store_close(store);
	return fate;
}

enum fate store_open(const char *name, struct store **out, struct store_error *error)
{
	assert(name != NULL && out != NULL && error != NULL);
	return open_as(false, name, out, error);
}

enum fate store_open_reader(const char *name, struct store **out, struct store_error *error)
{
	assert(name != NULL && out != NULL && error != NULL);
	return open_as(true, name, out, error);
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	if (store->in_batch)
		store_rollback(store);
	for (size_t i = 0; i < SQ_SLOTS; i++)
		sqlite3_finalize(store->kept[i]);
	if (store->checker != NULL) { /* readers may keep the log; the next writer empties it */
		sq_checkpointer_free(store->checker);
		(void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
						NULL);
	}
	sqlite3_close(store->db);
	sq_names_forget(store);
	sq_seen_forget(store);
	packer_free(store->packer);
	if (store->lock >= 0)
		close(store->lock);
	mem_free(store->path);
	mem_free(store);
}
