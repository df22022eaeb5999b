/* SPDX-License-Identifier: Apache-2.0
 *
 * faults.c - calls and allocations are made to fail; see sweep.h.
 *
 * The scenario is played once for each point: its n-th call fails, or that and all that follow
 * until, after three failures in a row, somebody mends it. Each failure must have said why, left
 * things as they were before, and nothing else; then it goes on by itself, to the same end. At last
 * the store is opened once more and audited. */
#include <sqlite3.h>
#include <stdio.h>

#include "engine/base/fault.h"
#include "tests/power/audit.h"
#include "tests/power/play.h"
#include "tests/power/sweep.h"

#define MEMORY VFS_TROUBLES

static const char *const words[] = { [VFS_FULL] = "the disk is full",
				     [VFS_BROKEN] = "input/output error",
				     [VFS_BUSY] = "locked by somebody else",
				     [VFS_READONLY] = "read-only",
				     [MEMORY] = "memory is out" };

struct failing {
	struct sweep *sweep;
	int trouble; /* an enum vfs_trouble, or MEMORY */
	long n;
	bool lasting;
};

static void arm(const struct failing *x)
{
	if (x->trouble == MEMORY)
		fault_arm("memory", (int)x->n, x->lasting);
	else
		vfs_arm(x->sweep->vfs, (enum vfs_trouble)x->trouble, x->n, x->lasting);
}

static bool disarm(void *of)
{
	const struct failing *x = of;

	return x->trouble == MEMORY ? fault_disarm() : vfs_disarm(x->sweep->vfs);
}

static void report(const struct failing *x, const char *wrong)
{
	x->sweep->wrong++;
	if (x->sweep->loud)
		printf("WRONG %s, call %ld%s: %s\n", words[x->trouble], x->n,
		       x->lasting ? " and on" : "", wrong);
}

/* Opened once more, it holds what it was left with. */
static void look_again(struct failing *x, struct bridge *b)
{
	const struct audit audit = { b, SIZE_MAX };
	struct store_error error;
	struct bridge again;

	bridge_init(&again, b->setting, b->vfs);
	if (store_open(b->setting->store_name, &again.store, &error) != FATE_OK)
		bridge_wrong(&again, "it doesn't open: %s", error.text);
	else
		audit_store(&again, &audit);
	bridge_close(&again);
	if (again.wrong[0] != '\0')
		report(x, again.wrong);
	bridge_fini(&again);
}

/* False when there are fewer calls than n. */
static bool try_point(struct failing *x)
{
	struct disk *disk = disk_new();
	struct bridge b;
	bool hit;

	bridge_init(&b, x->sweep->setting, x->sweep->vfs);
	vfs_mount(x->sweep->vfs, disk);
	b.digests = x->trouble != MEMORY; /* taking them needs memory itself */
	b.troubled = true;
	b.mend = disarm;
	b.of = x;
	arm(x);
	play_all(&b);
	hit = disarm(x);
	b.troubled = false;
	play_again(&b);
	audit_end(&b, NULL);
	bridge_close(&b);
	x->sweep->failures += b.failures;
	if (b.wrong[0] != '\0')
		report(x, b.wrong);
	else
		look_again(x, &b);
	bridge_fini(&b);
	vfs_mount(x->sweep->vfs, NULL);
	disk_free(disk);
	return hit || b.failures > 0;
}

/* Whoever thins out tries others with another seed. */
static void sweep_trouble(struct sweep *s, int trouble, bool lasting)
{
	struct failing x = { s, trouble, 1 + (long)(s->seed % s->stride), lasting };

	while (try_point(&x)) {
		s->points++;
		x.n += s->stride;
	}
}

void sweep_calls(struct sweep *s)
{
	for (int trouble = 0; trouble < VFS_TROUBLES; trouble++) {
		sweep_trouble(s, trouble, false);
		sweep_trouble(s, trouble, true);
	}
}

void sweep_memory(struct sweep *s)
{
	sweep_trouble(s, MEMORY, false);
	sweep_trouble(s, MEMORY, true);
}

/* ---- SQLite's memory. ---- */

/* What it would use otherwise. Written once, before there is a thread. */
static sqlite3_mem_methods plain;

static void *take(int n)
{
	return fault_point("memory") ? NULL : plain.xMalloc(n);
}

static void *resize(void *old, int n)
{
	return fault_point("memory") ? NULL : plain.xRealloc(old, n);
}

void sweep_memory_setup(void)
{
	sqlite3_mem_methods failing;

	(void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
	failing = plain;
	failing.xMalloc = take;
	failing.xRealloc = resize;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* small ones fail as well */
}
