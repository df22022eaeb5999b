/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a store on disk has: files, locks, versions, readers, full disks and
 * the checkpoint thread; also run under ThreadSanitizer. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/test_store_world.h"

static void shell(const char *path, const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
		      sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void shell_file(const char *path, const char *file)
{
	static char sql[16384];
	FILE *from = fopen(file, "r");
	size_t n;

	ck_assert_ptr_nonnull(from);
	n = fread(sql, 1, sizeof(sql), from);
	ck_assert_int_eq(fclose(from), 0);
	ck_assert_uint_lt(n, sizeof(sql));
	sql[n] = '\0';
	shell(path, sql);
}

static int64_t ask(const char *path, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t value;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return value;
}

static unsigned mode_of(const char *path, const char *suffix)
{
	char name[160];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	ck_assert_msg(stat(name, &st) == 0, "%s", name);
	return st.st_mode & 0777;
}

static void world_close(struct world *w)
{
	store_close(w->store);
	w->store = NULL;
}

static void check_refused(struct world *w, enum fate fate, int kind, const char *words)
{
	struct store *store;

	ck_assert_int_eq(store_open(w->name, &store, &w->error), fate);
	ck_assert_ptr_null(store);
	ck_assert_int_eq(w->error.kind, kind);
	ck_assert_msg(strstr(w->error.text, words) != NULL, "%s", w->error.text);
	ck_assert_ptr_nonnull(strstr(w->error.text, "t.db"));
}

/* ---- Names and files. ---- */

START_TEST(malformed_names_are_refused)
{
	static const char *const names[] = { "",         "sqlite:",   "sqlite",  "postgres:x",
					     "memory:x", "/tmp/t.db", ":memory:" };
	struct store *store;
	struct store_error error;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(store_open(names[i], &store, &error), FATE_REJECT);
		ck_assert_ptr_null(store);
		ck_assert_ptr_nonnull(strstr(error.text, "sqlite:PATH"));
	}
	ck_assert_int_eq(store_open_reader("memory:", &store, &error), FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(error.text, "no readers"));
	ck_assert_int_eq(store_open("sqlite:/nonexistent/t.db", &store, &error), FATE_RETRY);
	ck_assert_ptr_nonnull(strstr(error.text, "No such file"));
	store_close(NULL);
}
END_TEST

START_TEST(a_folder_is_no_store)
{
	struct world w;
	char lock[80];

	world_init(&w, "sqlite:");
	world_close(&w);
	snprintf(w.name, sizeof(w.name), "sqlite:%s", w.dir);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_RETRY);
	ck_assert_ptr_nonnull(strstr(w.error.text, w.dir));
	snprintf(lock, sizeof(lock), "%s.lock", w.dir);
	ck_assert_int_eq(unlink(lock), 0);
	world_fini(&w);
}
END_TEST

/* SQLite would take these for a URI and for a store in memory. */
START_TEST(a_path_is_just_a_path)
{
	static const char *const names[] = { "file:t.db?mode=memory", ":memory:" };
	struct world w;

	world_init(&w, "sqlite:");
	ck_assert_int_eq(chdir(w.dir), 0);
	for (int i = 0; i < 2; i++) {
		struct store *store;
		char name[64], lock[64];

		snprintf(name, sizeof(name), "sqlite:%s", names[i]);
		ck_assert_int_eq(store_open(name, &store, &w.error), FATE_OK);
		store_close(store);
		ck_assert_uint_eq(mode_of(names[i], ""), 0600);
		snprintf(lock, sizeof(lock), "%s.lock", names[i]);
		ck_assert_int_eq(unlink(names[i]) + unlink(lock), 0);
	}
	world_fini(&w);
}
END_TEST

START_TEST(files_are_private_whatever_the_umask)
{
	static const unsigned masks[] = { 0, 0777 };

	for (int i = 0; i < 2; i++) {
		struct world w;
		mode_t before = umask(022);

		umask((mode_t)masks[i]);
		if (masks[i] != 0)
			umask(0077); /* the directory must be usable */
		world_init(&w, "sqlite:");
		umask((mode_t)masks[i]);
		store_begin(w.store);
		put_event(&w, 1);
		world_commit(&w);
		ck_assert_uint_eq(mode_of(w.path, ""), 0600);
		ck_assert_uint_eq(mode_of(w.path, "-wal"), 0600);
		ck_assert_uint_eq(mode_of(w.path, "-shm"), 0600);
		ck_assert_uint_eq(mode_of(w.path, ".lock"), 0600);
		world_close(&w);
		chmod(w.path, 0644);
		ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
		ck_assert_uint_eq(mode_of(w.path, ""), 0600);
		umask(before);
		world_fini(&w);
	}
}
END_TEST

START_TEST(the_file_says_what_it_is)
{
	struct world w;

	world_init(&w, "sqlite:");
	world_close(&w);
	ck_assert_int_eq(ask(w.path, "PRAGMA application_id"), 0x74617070);
	ck_assert_int_ge(ask(w.path, "PRAGMA user_version"), 1);
	ck_assert_int_eq(ask(w.path, "PRAGMA auto_vacuum"), 2);
	ck_assert_int_eq(ask(w.path, "PRAGMA page_size"), 4096);
	world_fini(&w);
}
END_TEST

START_TEST(a_second_writer_is_refused)
{
	struct world w;
	char pid[64];

	world_init(&w, "sqlite:");
	snprintf(pid, sizeof(pid), "in use by another daemon (process %ld)", (long)getpid());
	check_refused(&w, FATE_RETRY, STORE_BUSY, pid);
	world_close(&w);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	world_fini(&w);
}
END_TEST

START_TEST(other_files_are_refused_and_left_alone)
{
	struct world w;
	FILE *file;
	char line[64] = "";

	world_init(&w, "sqlite:");
	world_close(&w);
	unlink(w.path);
	shell(w.path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	check_refused(&w, FATE_REJECT, STORE_FOREIGN, "is not a tappet store");
	ck_assert_int_eq(ask(w.path, "SELECT count(*) FROM sqlite_schema"), 1);
	file = fopen(w.path, "w");
	fputs("just some text, long enough for whoever looks for a header in here\n", file);
	fclose(file);
	check_refused(&w, FATE_REJECT, STORE_FOREIGN, "is not a tappet store");
	file = fopen(w.path, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	fclose(file);
	ck_assert_ptr_nonnull(strstr(line, "just some text"));
	world_fini(&w);
}
END_TEST

START_TEST(a_newer_version_is_refused)
{
	struct world w;

	world_init(&w, "sqlite:");
	world_close(&w);
	shell(w.path, "PRAGMA user_version = 4711");
	check_refused(&w, FATE_REJECT, STORE_NEWER, "newer version");
	ck_assert_int_eq(store_open_reader(w.name, &w.store, &w.error), FATE_REJECT);
	ck_assert_int_eq(w.error.kind, STORE_NEWER);
	world_fini(&w);
}
END_TEST

/* What the first release wrote is read, and goes on. */
START_TEST(an_older_version_is_converted)
{
	struct world w;
	struct event_record event;
	struct event_body body;
	const struct event_body kept = { .media = TEXT("text/plain"), .bytes = TEXT("a = 1") };
	struct text json;
	int64_t seen;

	world_init(&w, "sqlite:");
	world_close(&w);
	ck_assert_int_eq(unlink(w.path), 0);
	shell_file(w.path, "tests/unit/data/store-1.sql");
	ck_assert_int_eq(ask(w.path, "PRAGMA user_version"), 1);
	ck_assert_int_eq(store_open_reader(w.name, &w.store, &w.error), FATE_RETRY);
	ck_assert_ptr_nonnull(strstr(w.error.text, "older version"));
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	ck_assert(store_get_event(w.store, w.arena, 2, &event));
	check_text(event.data, "{\"n\":2}");
	/* It had the bare number as its id, and its runs have keys that were made of that. */
	ck_assert(store_get_event_by_id(w.store, w.arena, TEXT("1"), &event));
	ck_assert_int_eq(event.seq, 1);
	check_text(event.id, "1");
	ck_assert(!store_get_body(w.store, w.arena, 2, &body));
	store_begin(w.store);
	event = event_of(&w, 3);
	event.body = &kept;
	store_put_event(w.store, &event);
	store_put_row(w.store, TEXT("links"), TEXT("7"), TEXT("{}"), NULL, 0);
	store_put_manifest(w.store, TEXT("inventory"), TEXT("{}"), 7);
	world_commit(&w);
	world_close(&w);
	ck_assert_int_eq(ask(w.path, "PRAGMA user_version"), 8);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	ck_assert(store_get_body(w.store, w.arena, 3, &body));
	check_text(body.bytes, "a = 1");
	ck_assert_int_eq(store_count_rows(w.store, TEXT("links")), 1);
	ck_assert(store_get_manifest(w.store, w.arena, TEXT("inventory"), &json, &seen));
	ck_assert_int_eq(seen, 7);
	world_fini(&w);
}
END_TEST

/* One of the version before lacks a table; what it has stays as it was. */
START_TEST(the_version_before_is_converted)
{
	struct world w;
	struct event_record event;
	struct text json;
	int64_t seen;

	world_init(&w, "sqlite:");
	store_begin(w.store);
	put_event(&w, 1);
	store_put_cursor(w.store, TEXT("k/workspaces"), TEXT("{\"at\":1}"));
	world_commit(&w);
	world_close(&w);
	shell(w.path, "DROP TABLE manifests; ALTER TABLE attempts DROP COLUMN data_at;"
		      " PRAGMA user_version = 3");
	ck_assert_int_eq(store_open_reader(w.name, &w.store, &w.error), FATE_RETRY);
	ck_assert_ptr_nonnull(strstr(w.error.text, "older version"));
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	ck_assert(!store_get_manifest(w.store, w.arena, TEXT("inventory"), &json, &seen));
	store_begin(w.store);
	store_put_manifest(w.store, TEXT("inventory"), TEXT("{\"version\":\"1\"}"), 7);
	world_commit(&w);
	world_close(&w);
	ck_assert_int_eq(ask(w.path, "PRAGMA user_version"), 8);
	ck_assert_int_eq(store_open_reader(w.name, &w.store, &w.error), FATE_OK);
	ck_assert(store_get_manifest(w.store, w.arena, TEXT("inventory"), &json, &seen));
	check_text(json, "{\"version\":\"1\"}");
	ck_assert(store_get_event(w.store, w.arena, 1, &event));
	ck_assert(store_get_cursor(w.store, w.arena, TEXT("k/workspaces"), &json));
	check_text(json, "{\"at\":1}");
	world_fini(&w);
}
END_TEST

static void scribble(const char *path, off_t from, size_t n)
{
	char junk[4096];
	int fd = open(path, O_WRONLY);

	memset(junk, 0xa5, sizeof(junk));
	ck_assert_int_ge(fd, 0);
	for (size_t done = 0; done < n; done += sizeof(junk))
		ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), from + (off_t)done), 4096);
	close(fd);
}

START_TEST(a_corrupt_file_is_refused)
{
	struct world w;
	struct stat st;

	world_init(&w, "sqlite:");
	store_begin(w.store);
	put_event(&w, 1);
	world_commit(&w);
	world_close(&w);
	ck_assert_int_eq(stat(w.path, &st), 0);
	scribble(w.path, 4096, (size_t)st.st_size - 4096);
	check_refused(&w, FATE_REJECT, STORE_CORRUPT, "malformed");
	world_fini(&w);
}
END_TEST

/* Damage that shows only later makes the batch fail, not the process. */
START_TEST(later_damage_fails_the_batch)
{
	struct world w;
	struct stat st;

	world_init(&w, "sqlite:");
	store_begin(w.store);
	for (int64_t n = 1; n <= 2000; n++)
		put_event(&w, n);
	world_commit(&w);
	world_close(&w);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	ck_assert_int_eq(stat(w.path, &st), 0);
	scribble(w.path, 4096 * 30, (size_t)st.st_size - 4096 * 30);
	store_begin(w.store);
	put_event(&w, 2001);
	put_event(&w, 2002);
	ck_assert_int_eq(store_commit(w.store), FATE_RETRY);
	ck_assert_int_eq(store_last_error(w.store)->kind, STORE_CORRUPT);
	world_fini(&w);
}
END_TEST

/* ---- Readers. ---- */

START_TEST(readers_see_whole_batches_only)
{
	struct world w;
	struct store *reader;

	world_init(&w, "sqlite:");
	ck_assert_int_eq(store_open_reader(w.name, &reader, &w.error), FATE_OK);
	store_begin(w.store);
	put_event(&w, 1);
	put_run(&w, 1, 1, RUN_STARTED);
	check_events(reader, (struct event_query){ 0 }, "");
	put_event(&w, 2);
	check_events(reader, (struct event_query){ 0 }, "");
	world_commit(&w);
	check_events(reader, (struct event_query){ 0 }, "1 2 ");
	check_runs(reader, (struct run_query){ .states = 1u << RUN_STARTED }, "1 ");
	store_begin(w.store);
	put_event(&w, 3);
	store_rollback(w.store);
	check_events(reader, (struct event_query){ .type = TEXT("github.*") }, "1 2 ");
	ck_assert_int_eq(store_last_event(reader), 2);
	store_close(reader);
	world_fini(&w);
}
END_TEST

START_TEST(readers_work_without_a_daemon_and_never_create)
{
	struct world w;

	world_init(&w, "sqlite:");
	store_begin(w.store);
	put_event(&w, 1);
	world_commit(&w);
	world_close(&w);
	ck_assert_int_eq(store_open_reader(w.name, &w.store, &w.error), FATE_OK);
	check_events(w.store, (struct event_query){ 0 }, "1 ");
	world_close(&w);
	unlink(w.path);
	ck_assert_int_eq(store_open_reader(w.name, &w.store, &w.error), FATE_RETRY);
	ck_assert_int_eq(w.error.kind, STORE_MISSING);
	ck_assert_int_ne(access(w.path, F_OK), 0);
	close(open(w.path, O_CREAT | O_WRONLY, 0600)); /* a daemon is about to fill it */
	ck_assert_int_eq(store_open_reader(w.name, &w.store, &w.error), FATE_RETRY);
	ck_assert_int_eq(w.error.kind, STORE_MISSING);
	world_fini(&w);
}
END_TEST

static void check_deliveries(struct store *store, struct arena *arena, int64_t up_to, int64_t step)
{
	for (int64_t n = 0; n < up_to; n += step) {
		struct text id;

		arena_reset(arena);
		ck_assert(store_get_seen(store, arena, TEXT("s"),
					 text_printf(arena, "%lld", (long long)n), 1, &id));
		check_text(id, "e");
	}
}

/* Opened anew and read by others at every stage of moving dedupe entries. */
START_TEST(deliveries_outlive_the_writer)
{
	struct world w;

	world_init(&w, "sqlite:");
	for (int64_t first = 0; first < 48000; first += 4000) {
		struct store *reader;

		store_begin(w.store);
		for (int64_t n = first; n < first + 4000; n++)
			store_put_seen(w.store, TEXT("s"),
				       text_printf(w.arena, "%lld", (long long)n), TEXT("e"), 9);
		world_commit(&w);
		ck_assert_int_eq(store_open_reader(w.name, &reader, &w.error), FATE_OK);
		check_deliveries(reader, w.arena, first + 4000, 1999);
		store_close(reader);
		world_close(&w);
		ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
		check_deliveries(w.store, w.arena, first + 4000, 17);
	}
	world_fini(&w);
}
END_TEST

/* ---- Crashes and full disks. ---- */

static void finish_child(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

/* Dies with one batch committed and one under way. */
static void crash(struct world *w)
{
	if (store_open(w->name, &w->store, &w->error) != FATE_OK)
		_exit(1);
	store_begin(w->store);
	put_event(w, 1);
	if (store_commit(w->store) != FATE_OK)
		_exit(2);
	store_begin(w->store);
	for (int64_t n = 2; n < 3000; n++)
		put_event(w, n);
	_exit(0);
}

START_TEST(an_abandoned_batch_is_gone)
{
	struct world w;
	struct store *reader;
	pid_t child;

	world_init(&w, "sqlite:");
	world_close(&w);
	child = fork();
	if (child == 0)
		crash(&w);
	finish_child(child);
	ck_assert_int_eq(store_open_reader(w.name, &reader, &w.error), FATE_OK);
	check_events(reader, (struct event_query){ 0 }, "1 ");
	store_close(reader);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	check_events(w.store, (struct event_query){ 0 }, "1 ");
	store_begin(w.store);
	put_event(&w, 2);
	world_commit(&w);
	check_events(w.store, (struct event_query){ 0 }, "1 2 ");
	world_fini(&w);
}
END_TEST

static void limit_files(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		_exit(3);
}

/* Exits 0 when a full disk fails a batch and nothing else. */
static void fill_up(struct world *w)
{
	struct event_record got;

	signal(SIGXFSZ, SIG_IGN);
	if (store_open(w->name, &w->store, &w->error) != FATE_OK)
		_exit(4);
	store_begin(w->store);
	put_event(w, 1);
	if (store_commit(w->store) != FATE_OK)
		_exit(5);
	limit_files(64 * 1024);
	store_begin(w->store);
	for (int64_t n = 2; n < 5000; n++)
		put_event(w, n);
	if (store_commit(w->store) != FATE_RETRY)
		_exit(6);
	if (store_last_error(w->store)->kind != STORE_FULL)
		_exit(7);
	if (!store_get_event(w->store, w->arena, 1, &got) ||
	    store_get_event(w->store, w->arena, 2, &got))
		_exit(8);
	limit_files(RLIM_INFINITY);
	store_begin(w->store);
	put_event(w, 2);
	if (store_commit(w->store) != FATE_OK || store_last_event(w->store) != 2)
		_exit(9);
	store_close(w->store);
	_exit(0);
}

START_TEST(a_full_disk_fails_the_batch_and_passes)
{
	struct world w;
	pid_t child;

	world_init(&w, "sqlite:");
	world_close(&w);
	child = fork();
	if (child == 0)
		fill_up(&w);
	finish_child(child);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	check_events(w.store, (struct event_query){ 0 }, "1 2 ");
	world_fini(&w);
}
END_TEST

START_TEST(a_lock_held_by_others_is_waited_for_a_little)
{
	struct world w;
	sqlite3 *db;

	world_init(&w, "sqlite:");
	ck_assert_int_eq(sqlite3_open(w.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	store_begin(w.store);
	ck_assert(store_failed(w.store));
	put_event(&w, 1);
	ck_assert_int_eq(store_commit(w.store), FATE_RETRY);
	ck_assert_int_eq(store_last_error(w.store)->kind, STORE_BUSY);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	store_begin(w.store);
	put_event(&w, 1);
	world_commit(&w);
	world_fini(&w);
}
END_TEST

/* ---- The log. ---- */

static void put_big_batch(struct world *w, int64_t first)
{
	static const char filler[100000] = "x";

	store_begin(w->store);
	for (int64_t n = first; n < first + 10; n++) {
		struct event_record event = event_of(w, n);

		event.data = (struct text){ filler, sizeof(filler) };
		store_put_event(w->store, &event);
	}
	world_commit(w);
}

static off_t log_size(struct world *w)
{
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", w->path);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

/* 100 MB go through a log of 16. */
START_TEST(the_log_stays_bounded)
{
	struct world w;
	off_t largest = 0;

	world_init(&w, "sqlite:");
	for (int64_t first = 1; first <= 1000; first += 10) {
		put_big_batch(&w, first);
		if (log_size(&w) > largest)
			largest = log_size(&w);
	}
	ck_assert_int_lt(largest, 20 << 20);
	ck_assert_int_gt(largest, 1 << 20);
	world_close(&w);
	ck_assert_int_eq(log_size(&w), 0);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	ck_assert_int_eq(store_last_event(w.store), 1000);
	world_fini(&w);
}
END_TEST

struct reading {
	const char *name;
	bool failed;
};

static void *read_all_along(void *of)
{
	struct reading *reading = of;
	struct store *reader;
	struct store_error error;
	int64_t last = 0;

	reading->failed = store_open_reader(reading->name, &reader, &error) != FATE_OK;
	while (!reading->failed && last < 300) {
		int64_t now = store_last_event(reader);

		reading->failed = now < last || now % 10 != 0 || store_failed(reader);
		last = now;
	}
	store_close(reading->failed ? NULL : reader);
	return NULL;
}

START_TEST(writer_reader_and_checkpoints_go_side_by_side)
{
	struct world w;
	struct reading reading;
	pthread_t thread;

	world_init(&w, "sqlite:");
	reading = (struct reading){ w.name, false };
	ck_assert_int_eq(pthread_create(&thread, NULL, read_all_along, &reading), 0);
	for (int64_t first = 1; first <= 300; first += 10)
		put_big_batch(&w, first);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(!reading.failed);
	world_fini(&w);
}
END_TEST

static bool no_rule(void *of, struct text rule)
{
	(void)of;
	(void)rule;
	return false;
}

/* Pages that retention freed go back to the file system. */
START_TEST(retention_gives_space_back)
{
	struct world w;
	struct retention all = { .events_before = INT64_MAX, .limit = 5000 };
	struct stat before, after;

	world_init(&w, "sqlite:");
	for (int64_t first = 1; first <= 300; first += 10)
		put_big_batch(&w, first);
	world_close(&w);
	ck_assert_int_eq(stat(w.path, &before), 0);
	ck_assert_int_eq(store_open(w.name, &w.store, &w.error), FATE_OK);
	all.rule_is_known = no_rule;
	for (int i = 0; i < 3; i++) {
		store_begin(w.store);
		ck_assert(!store_retain(w.store, &all));
		world_commit(&w);
	}
	world_close(&w);
	ck_assert_int_eq(stat(w.path, &after), 0);
	ck_assert_int_lt(after.st_size, before.st_size / 2);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("store_sqlite", malformed_names_are_refused, a_folder_is_no_store, a_path_is_just_a_path,
	  files_are_private_whatever_the_umask, the_file_says_what_it_is,
	  a_second_writer_is_refused, other_files_are_refused_and_left_alone,
	  a_newer_version_is_refused, an_older_version_is_converted,
	  the_version_before_is_converted, a_corrupt_file_is_refused, later_damage_fails_the_batch,
	  readers_see_whole_batches_only, readers_work_without_a_daemon_and_never_create,
	  deliveries_outlive_the_writer, an_abandoned_batch_is_gone,
	  a_full_disk_fails_the_batch_and_passes, a_lock_held_by_others_is_waited_for_a_little,
	  the_log_stays_bounded, writer_reader_and_checkpoints_go_side_by_side,
	  retention_gives_space_back)
