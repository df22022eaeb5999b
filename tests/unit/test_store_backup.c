/* SPDX-License-Identifier: Apache-2.0
 *
 * test_store_backup - copies of a store that a writer works with, and what they are worth. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/test_store_world.h"

struct copies {
	struct world w;
	struct store *reader;
	char path[128], name[160], part[160];
};

static void copies_init(struct copies *c, int64_t events)
{
	world_init(&c->w, "sqlite:");
	store_begin(c->w.store);
	for (int64_t n = 1; n <= events; n++) {
		put_event(&c->w, n);
		put_run(&c->w, n, n, RUN_DONE);
	}
	world_commit(&c->w);
	ck_assert_int_eq(store_open_reader(c->w.name, &c->reader, &c->w.error), FATE_OK);
	(void)snprintf(c->path, sizeof(c->path), "%s/copy.db", c->w.dir);
	(void)snprintf(c->name, sizeof(c->name), "sqlite:%s", c->path);
	(void)snprintf(c->part, sizeof(c->part), "%s.part", c->path);
}

static void drop(const struct copies *c, const char *suffix)
{
	char file[160];

	(void)snprintf(file, sizeof(file), "%s%s", c->path, suffix);
	(void)unlink(file);
}

/* That nothing else is left is what rmdir in world_fini shows. */
static void copies_fini(struct copies *c)
{
	drop(c, "");
	drop(c, "-wal");
	drop(c, "-shm");
	drop(c, ".lock");
	store_close(c->reader);
	world_fini(&c->w);
}

static void backup(struct copies *c)
{
	enum fate fate = store_backup(c->reader, c->path, 42, &c->w.error);

	ck_assert_msg(fate == FATE_OK, "%s", c->w.error.text);
}

static void refused(struct copies *c, const char *why)
{
	ck_assert_int_ne(store_backup(c->reader, c->path, 42, &c->w.error), FATE_OK);
	ck_assert_msg(strstr(c->w.error.text, why) != NULL, "%s", c->w.error.text);
}

START_TEST(a_copy_is_a_store_of_its_own)
{
	struct event_record event;
	struct copies c;
	struct store *copy;
	struct stat st;
	struct text json;

	copies_init(&c, 3);
	(void)umask(0);
	backup(&c);
	ck_assert_int_eq(stat(c.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(access(c.part, F_OK), -1);
	store_begin(c.w.store);
	put_event(&c.w, 4);
	world_commit(&c.w);
	ck_assert_int_eq(store_open(c.name, &copy, &c.w.error), FATE_OK);
	ck_assert(store_get_event(copy, c.w.arena, 3, &event));
	ck_assert(!store_get_event(copy, c.w.arena, 4, &event));
	ck_assert(store_get_cursor(copy, c.w.arena, TEXT(STORE_BACKUP_ROW), &json));
	check_text(json, "{\"backup_at\":42}");
	ck_assert(!store_get_cursor(c.w.store, c.w.arena, TEXT(STORE_BACKUP_ROW), &json));
	ck_assert(store_check(copy, &c.w.error));
	store_close(copy);
	copies_fini(&c);
}
END_TEST

/* Numbers are parts of idempotency keys: those after the copy never come again in it. */
START_TEST(numbers_go_on_elsewhere)
{
	struct event_record event;
	struct copies c;
	struct store *copy, *first;
	int64_t last;

	copies_init(&c, 3);
	backup(&c);
	ck_assert_int_eq(store_open(c.name, &copy, &c.w.error), FATE_OK);
	last = store_last_event(copy);
	ck_assert_int_gt(last, INT64_C(10000000000));
	ck_assert_int_lt(last, INT64_C(1) << 50);
	ck_assert_int_gt(store_last_run(copy), 1000000);
	first = c.w.store;
	c.w.store = copy;
	store_begin(copy);
	put_event(&c.w, last + 1);
	put_run(&c.w, store_last_run(copy) + 1, last + 1, RUN_DONE);
	put_attempt(&c.w, store_last_run(copy), 0, 1);
	world_commit(&c.w);
	c.w.store = first;
	/* Ids are found on both sides of the gap, and not for ever searched in it. */
	event = event_of(&c.w, 2);
	ck_assert(store_get_event_by_id(copy, c.w.arena, event.id, &event));
	ck_assert_int_eq(event.seq, 2);
	event = event_of(&c.w, last + 1);
	ck_assert(store_get_event_by_id(copy, c.w.arena, event.id, &event));
	ck_assert_int_eq(event.seq, last + 1);
	ck_assert(!store_get_event_by_id(copy, c.w.arena, TEXT("ffffffffffffffffffffffffffffffff"),
					 &event));
	store_close(copy);
	copies_fini(&c);
}
END_TEST

START_TEST(nothing_is_replaced)
{
	struct copies c;
	int fd;

	copies_init(&c, 1);
	fd = open(c.path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(write(fd, "mine", 4), 4);
	close(fd);
	refused(&c, "is there already");
	ck_assert_int_eq(unlink(c.path), 0);
	fd = open(c.part, O_WRONLY | O_CREAT, 0644);
	close(fd);
	refused(&c, "a backup is under way, or was cut short");
	ck_assert_int_eq(unlink(c.part), 0);
	(void)snprintf(c.path, sizeof(c.path), "%s/nosuch/copy.db", c.w.dir);
	refused(&c, "No such file");
	copies_fini(&c);
}
END_TEST

START_TEST(a_full_disk_leaves_nothing)
{
	struct rlimit before, small = { 64u << 10, 64u << 10 };
	struct copies c;

	copies_init(&c, 500);
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	refused(&c, "");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(access(c.path, F_OK), -1);
	ck_assert_int_eq(access(c.part, F_OK), -1);
	backup(&c);
	copies_fini(&c);
}
END_TEST

/* Damage isn't handed on as a sound copy. */
START_TEST(a_damaged_store_is_told)
{
	char garbage[4096];
	struct copies c;
	struct stat st;
	int fd;

	copies_init(&c, 2000);
	store_close(c.reader);
	store_close(c.w.store); /* all of it is in the one file now */
	c.w.store = NULL;
	ck_assert_int_eq(stat(c.w.path, &st), 0);
	memset(garbage, 0x5a, sizeof(garbage));
	fd = open(c.w.path, O_WRONLY);
	for (off_t at = st.st_size / 4096 / 2; at < st.st_size / 4096 / 2 + 20; at++)
		ck_assert_int_eq(pwrite(fd, garbage, sizeof(garbage), at * 4096), 4096);
	close(fd);
	ck_assert_int_eq(store_open_reader(c.w.name, &c.reader, &c.w.error), FATE_OK);
	ck_assert(!store_check(c.reader, &c.w.error));
	ck_assert_int_eq(c.w.error.kind, STORE_CORRUPT);
	refused(&c, "is damaged");
	ck_assert_int_eq(access(c.path, F_OK), -1);
	copies_fini(&c);
}
END_TEST

/* ---- Beside a writer. ---- */

struct writing {
	struct copies *c;
	atomic_bool stop;
	atomic_int batches;
};

/* An event and its run in each batch. */
static void *write_on(void *of)
{
	struct writing *writing = of;
	struct world *w = &writing->c->w;

	for (int64_t n = 1001; !writing->stop; n++) {
		store_begin(w->store);
		put_event(w, n);
		put_run(w, n, n, RUN_PENDING);
		world_commit(w);
		writing->batches++;
	}
	return NULL;
}

static bool count_run(void *of, const struct run_record *run)
{
	int64_t *last = of;

	*last = run->id > *last ? run->id : *last;
	return true;
}

START_TEST(a_copy_is_of_one_moment)
{
	const struct run_query all = { 0 };
	struct event_record event;
	struct copies c;
	struct writing writing = { .c = &c };
	pthread_t thread;

	copies_init(&c, 1000);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_on, &writing), 0);
	for (int round = 0; round < 5; round++) {
		int64_t last = 0, batches = writing.batches;
		struct store *copy;

		backup(&c);
		ck_assert_int_eq(store_open(c.name, &copy, &c.w.error), FATE_OK);
		ck_assert_int_eq(store_query_runs(copy, &all, count_run, &last), FATE_OK);
		ck_assert_int_ge(last, 1000 + batches);
		struct arena *arena = arena_new("test", 1u << 20);

		for (int64_t n = 1; n <= last; n += last / 7)
			ck_assert(store_get_event(copy, arena, n, &event));
		ck_assert(store_get_event(copy, arena, last, &event));
		ck_assert(!store_get_event(copy, arena, last + 1, &event));
		arena_free(arena);
		store_close(copy);
		drop(&c, "");
		drop(&c, ".lock");
	}
	writing.stop = true;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	copies_fini(&c);
}
END_TEST

UNIT_MAIN("store_backup", a_copy_is_a_store_of_its_own, numbers_go_on_elsewhere,
	  nothing_is_replaced, a_full_disk_leaves_nothing, a_damaged_store_is_told,
	  a_copy_is_of_one_moment)
