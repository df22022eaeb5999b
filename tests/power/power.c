/* SPDX-License-Identifier: Apache-2.0
 *
 * power - what is left when the power goes, and when calls fail; README.md says how to read it.
 *
 *   power [--full] [--seed N] [--synchronous WORD] [NAME...]
 *
 * Without --full, points are thinned out. Prints a line for each test, and at last
 * "N passed, N failed".
 *
 * The sweep can fail: with --synchronous OFF, or NORMAL, the store acknowledges what isn't certain
 * yet, and `power --synchronous OFF cuts-main` prints some thousand lines of what was lost. The
 * tests "finds-..." try this each time, and fail when nothing is found. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "tests/power/play.h"
#include "tests/power/sweep.h"

struct options {
	bool full;
	uint64_t seed;
	const char *synchronous;
	char **names; /* NULL at its end */
};

struct power {
	struct setting setting;
	struct vfs *vfs;
	struct options options;
};

static struct sweep sweep_of(struct power *p, unsigned stride)
{
	return (struct sweep){ .setting = &p->setting,
			       .vfs = p->vfs,
			       .seed = p->options.seed,
			       .stride = p->options.full ? 1 : stride,
			       .variants = p->options.full ? 4 : 1,
			       .ends = p->options.full ? 10 : 40,
			       .twice = p->options.full ? 40 : 12,
			       .synchronous = p->options.synchronous,
			       .loud = true };
}

static bool told(const struct sweep *s)
{
	printf("    %zu commits, %zu changes of the disk; power cut at %zu points: %zu disks "
	       "opened, %zu played to the end; cut again at %zu points; %zu wrong\n",
	       s->commits, s->changes, s->points, s->disks, s->ended, s->again, s->wrong);
	return s->wrong == 0 && s->points > 30;
}

/* ---- Cuts. ---- */

static bool cuts_main(struct power *p)
{
	struct sweep s = sweep_of(p, 12);

	sweep_cuts(&s, "main", play_all, NULL, NULL);
	return told(&s);
}

static bool cuts_large(struct power *p)
{
	struct sweep s = sweep_of(p, 300);

	s.stride = p->options.full ? 25 : s.stride;
	s.ends *= 10;
	sweep_cuts(&s, "large", play_large, NULL, NULL);
	return told(&s);
}

/* What brings a store of this version back to the one before. */
static const char *const back[] = {
	[1] = NULL,
	[2] = "DROP INDEX events_by_body; ALTER TABLE events DROP COLUMN body;"
	      "ALTER TABLE events DROP COLUMN body_of; ALTER TABLE events DROP COLUMN media;"
	      "PRAGMA user_version = 1",
	[3] = "DROP TABLE kept; DROP TABLE cells; DROP TABLE stored; PRAGMA user_version = 2",
	[4] = "DROP TABLE manifests; PRAGMA user_version = 3",
	[5] = "PRAGMA user_version = 4", /* what it changed may be so */
	[6] = "PRAGMA user_version = 5",
	[7] = "ALTER TABLE attempts DROP COLUMN data_at; PRAGMA user_version = 6",
};

#define NEWEST (int)(sizeof(back) / sizeof(back[0]) - 1)

static bool go_back(struct power *p, int version)
{
	sqlite3 *db;
	bool good = sqlite3_open(p->setting.database, &db) == SQLITE_OK;

	for (int from = NEWEST; good && from > version; from--)
		good = sqlite3_exec(db, back[from], NULL, NULL, NULL) == SQLITE_OK;
	if (!good)
		printf("    version %d can't be made: %s\n", version, sqlite3_errmsg(db));
	sqlite3_close(db);
	return good;
}

/* What that version had no table for wasn't promised by it. */
static void forget_manifests(struct bridge *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->book_count; i++)
		if (b->book[i].what != PROMISE_MANIFEST)
			b->book[kept++] = b->book[i];
	b->book_count = kept;
}

static bool cuts_from(struct power *p, struct sweep *s, int version)
{
	struct disk *disk = disk_new();
	struct bridge b;
	bool good;

	bridge_init(&b, &p->setting, p->vfs);
	vfs_mount(p->vfs, disk);
	play_short(&b);
	bridge_close(&b);
	forget_manifests(&b);
	good = b.wrong[0] == '\0' && go_back(p, version);
	vfs_mount(p->vfs, NULL);
	if (good)
		sweep_cuts(s, "an older version", play_on, disk, &b);
	bridge_fini(&b);
	disk_free(disk);
	return good;
}

static bool cuts_versions(struct power *p)
{
	struct sweep s = sweep_of(p, 24);

	for (int version = 1; version < NEWEST; version++)
		if (!cuts_from(p, &s, version))
			return false;
	return told(&s);
}

/* ---- Can it fail? ---- */

static bool finds(struct power *p, const char *synchronous)
{
	struct sweep s = sweep_of(p, 5);

	s.synchronous = synchronous;
	s.loud = false;
	s.ends = 0;
	sweep_cuts(&s, "unsafe", play_short, NULL, NULL);
	printf("    synchronous = %s: %zu points, %zu disks, %zu wrong\n", synchronous, s.points,
	       s.disks, s.wrong);
	return s.wrong > 10;
}

static bool finds_off(struct power *p)
{
	return finds(p, "OFF");
}

static bool finds_normal(struct power *p)
{
	return finds(p, "NORMAL");
}

/* ---- Failures. ---- */

static bool told_failures(const struct sweep *s)
{
	printf("    %zu points, %zu failures told, %zu wrong\n", s->points, s->failures, s->wrong);
	return s->wrong == 0 && s->failures > s->points / 8;
}

static bool calls(struct power *p)
{
	struct sweep s = sweep_of(p, 401);

	s.stride = p->options.full ? 7 : s.stride;
	sweep_calls(&s);
	return told_failures(&s);
}

static bool memory(struct power *p)
{
	struct sweep s = sweep_of(p, 401);

	s.stride = p->options.full ? 7 : s.stride;
	sweep_memory(&s);
	return told_failures(&s);
}

static bool damage(struct power *p)
{
	struct sweep s = sweep_of(p, 3);

	sweep_damage(&s);
	printf("    %zu spoilt stores: %zu refused, %zu failed later; %zu wrong\n", s.points,
	       s.refused, s.failures, s.wrong);
	return s.wrong == 0 && s.refused > 0 && s.failures > 0;
}

/* ---- The program. ---- */

static const struct {
	const char *name;
	bool (*run)(struct power *p);
} tests[] = {
	{ "cuts-main", cuts_main },
	{ "cuts-versions", cuts_versions },
	{ "cuts-large", cuts_large },
	{ "finds-off", finds_off },
	{ "finds-normal", finds_normal },
	{ "calls", calls },
	{ "memory", memory },
	{ "damage", damage },
};

static bool is_wanted(const struct options *o, const char *name)
{
	for (char **at = o->names; *at != NULL; at++)
		if (strcmp(*at, name) == 0)
			return true;
	return o->names[0] == NULL;
}

static bool read_options(char **argv, struct options *o)
{
	char **at = argv + 1;

	for (; *at != NULL && at[0][0] == '-'; at++) {
		if (strcmp(*at, "--full") == 0) {
			o->full = true;
			continue;
		}
		if (at[1] == NULL)
			return false;
		if (strcmp(*at, "--seed") == 0)
			o->seed = strtoull(at[1], NULL, 10);
		else if (strcmp(*at, "--synchronous") == 0)
			o->synchronous = at[1];
		else
			return false;
		at++;
	}
	o->names = at;
	return true;
}

static int run_all(struct power *p)
{
	int passed = 0, failed = 0;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		bool good;

		if (!is_wanted(&p->options, tests[i].name))
			continue;
		good = tests[i].run(p);
		printf("%s %s\n", good ? "ok    " : "FAILED", tests[i].name);
		(void)fflush(stdout);
		passed += good;
		failed += !good;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct power p = { .options = { .seed = 1 } };
	struct instant still = { 0 };
	int code;

	(void)argc;
	if (!read_options(argv, &p.options)) {
		(void)fputs("power [--full] [--seed N] [--synchronous WORD] [NAME...]\n", stderr);
		return 2;
	}
	log_setup(LOG_TEXT, LOG_ERROR, clock_manual(&still)); /* a message is told a few times */
	sweep_memory_setup();
	p.vfs = vfs_new();
	setting_init(&p.setting);
	code = run_all(&p);
	setting_fini(&p.setting);
	vfs_free(p.vfs);
	return code;
}
