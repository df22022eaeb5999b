/* SPDX-License-Identifier: Apache-2.0
 *
 * cuts.c - the power is cut; see sweep.h.
 *
 * A scenario is played once, on a disk that keeps the log of what it was asked for. Then, for each
 * position of the log, what the disk could hold is made and opened as a daemon opens it. Disks that
 * are alike, with nothing promised between them, are tried once. */
#include <stdio.h>

#include "tests/power/audit.h"
#include "tests/power/play.h"
#include "tests/power/sweep.h"

static const char *const words[CUTS] = { "nothing unsynced kept", "all unsynced kept",
					 "the last write torn",   "some writes kept",
					 "sectors kept",          "sectors kept, junk between" };

struct cutting {
	struct sweep *sweep;
	const char *name;
	const struct bridge *book;
	size_t at;
	enum cut how;
	uint64_t seed;
	int depth; /* 1: the power went again while it recovered */
};

static void report(const struct cutting *x, const char *wrong)
{
	x->sweep->wrong++;
	if (x->sweep->loud)
		printf("WRONG %s, cut %zu%s, %s, seed %llu: %s\n", x->name, x->at,
		       x->depth > 0 ? " and again" : "", words[x->how], (unsigned long long)x->seed,
		       wrong);
}

/* The clock goes on from where it was. */
static struct instant clock_at(const struct bridge *book, size_t at)
{
	struct instant now = book->now;

	for (size_t i = 0; i < book->commit_count && book->commits[i].to <= at; i++)
		now = book->commits[i].at;
	now.wall += 1000;
	now.mono = 5000;
	return now;
}

static bool has_forgotten(const struct bridge *book, size_t at)
{
	for (size_t i = 0; i < book->book_count; i++)
		if (book->book[i].what == PROMISE_FORGOT && book->book[i].at <= at)
			return true;
	return false;
}

static void sweep_log(struct sweep *s, const char *name, const struct bridge *book,
		      const struct disk *start, const struct disk *recorded, int depth);

/* Goes on to the end, and cuts the power again at what it does on its way. */
static void play_out(const struct cutting *x, struct disk *disk, const struct disk *before)
{
	const struct audit audit = { x->book, x->at };
	struct bridge b;

	bridge_init(&b, x->sweep->setting, x->sweep->vfs);
	b.now = clock_at(x->book, x->at);
	b.digests = true;
	b.forgets = has_forgotten(x->book, x->at);
	vfs_mount(x->sweep->vfs, disk);
	bridge_open(&b);
	play_again(&b);
	audit_end(&b, &audit);
	bridge_close(&b);
	x->sweep->ended++;
	if (b.wrong[0] != '\0')
		report(x, b.wrong);
	else if (x->sweep->ended % x->sweep->twice == 0)
		sweep_log(x->sweep, x->name, &b, before, disk, x->depth + 1);
	bridge_fini(&b);
}

static void try_disk(const struct cutting *x, const struct disk *left)
{
	const struct audit audit = { x->book, x->at };
	struct disk *disk = disk_copy(left);
	struct store_error error;
	struct bridge b;

	bridge_init(&b, x->sweep->setting, x->sweep->vfs);
	vfs_mount(x->sweep->vfs, disk);
	if (store_open(x->sweep->setting->store_name, &b.store, &error) != FATE_OK)
		bridge_wrong(&b, "it doesn't open: %s", error.text);
	else
		audit_store(&b, &audit);
	bridge_close(&b);
	x->sweep->disks++;
	if (b.wrong[0] != '\0')
		report(x, b.wrong);
	disk_free(disk);
	if (b.wrong[0] == '\0' && x->depth == 0 && x->sweep->ends > 0 &&
	    x->sweep->disks % x->sweep->ends == 0) {
		disk = disk_copy(left);
		play_out(x, disk, left);
		vfs_mount(x->sweep->vfs, NULL);
		disk_free(disk);
	}
	bridge_fini(&b);
}

struct known {
	uint64_t digests[CUTS * 64];
	size_t count;
	size_t promises; /* up to the position they were tried at */
};

static size_t promises_at(const struct bridge *book, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < book->book_count; i++)
		n += book->book[i].at <= at ? 1 : 0;
	for (size_t i = 0; i < book->commit_count; i++)
		n += (book->commits[i].to <= at ? 1 : 0) + (book->commits[i].from < at ? 1 : 0);
	return n;
}

static bool is_new(struct known *known, const struct disk *disk)
{
	uint64_t digest = disk_digest(disk);

	for (size_t i = 0; i < known->count; i++)
		if (known->digests[i] == digest)
			return false;
	if (known->count < sizeof(known->digests) / sizeof(known->digests[0]))
		known->digests[known->count++] = digest;
	return true;
}

static void cut_here(struct cutting *x, const struct cutter *cutter, struct known *known)
{
	size_t promises = promises_at(x->book, x->at);

	if (promises != known->promises)
		*known = (struct known){ .promises = promises };
	for (int how = 0; how < CUTS; how++) {
		unsigned times = how < CUT_LAST ? 1 : x->sweep->variants;

		for (unsigned i = 0; i < times; i++) {
			uint64_t state = x->sweep->seed + x->at * 64 + i;

			x->how = (enum cut)how;
			x->seed = disk_random(&state);
			struct disk *left = cutter_disk(cutter, x->how, x->seed);

			if (is_new(known, left))
				try_disk(x, left);
			disk_free(left);
			if (cutter_pending(cutter) == 0)
				return;
		}
	}
}

/* A row of writes is thinned out; what is between them never is. */
static bool is_tried(const struct sweep *s, const struct disk *recorded, size_t at)
{
	if (s->stride <= 1 || at == 0 || at == recorded->op_count)
		return true;
	if (recorded->ops[at - 1].what != DISK_WRITE || recorded->ops[at].what != DISK_WRITE)
		return at % ((s->stride + 7) / 8) == 0;
	return at % s->stride == 0;
}

static void sweep_log(struct sweep *s, const char *name, const struct bridge *book,
		      const struct disk *start, const struct disk *recorded, int depth)
{
	struct cutter *cutter = cutter_new(start, recorded);
	struct cutting x = { s, name, book, 0, CUT_NONE, 0, depth };
	struct known known = { .promises = SIZE_MAX };

	do {
		x.at = cutter_position(cutter);
		if (!is_tried(s, recorded, x.at))
			continue;
		s->points += depth == 0 ? 1 : 0;
		s->again += depth > 0 ? 1 : 0;
		cut_here(&x, cutter, &known);
	} while (cutter_step(cutter));
	cutter_free(cutter);
}

static void take_promises(struct bridge *b, const struct bridge *before)
{
	for (size_t i = 0; before != NULL && i < before->book_count; i++)
		bridge_note(b, before->book[i]);
}

void sweep_cuts(struct sweep *s, const char *name, void (*play)(struct bridge *b),
		const struct disk *start, const struct bridge *before)
{
	struct disk *empty = start == NULL ? disk_new() : disk_copy(start);
	struct disk *disk = disk_copy(empty);
	struct bridge b;

	bridge_init(&b, s->setting, s->vfs);
	b.digests = true;
	b.synchronous = s->synchronous;
	vfs_mount(s->vfs, disk);
	take_promises(&b, before);
	play(&b);
	bridge_close(&b);
	if (b.wrong[0] != '\0') {
		s->wrong++;
		printf("WRONG %s, nobody having done anything: %s\n", name, b.wrong);
	} else {
		sweep_log(s, name, &b, empty, disk, 0);
	}
	vfs_mount(s->vfs, NULL);
	s->commits += b.commit_count;
	s->changes += disk->op_count;
	bridge_fini(&b);
	disk_free(disk);
	disk_free(empty);
}
