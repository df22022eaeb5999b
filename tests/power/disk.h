/* SPDX-License-Identifier: Apache-2.0
 *
 * disk - a folder of files in memory that remembers what it was asked to do, and what it
 * could hold if the power went.
 *
 * Everything that changes a file or the folder is appended to a log; a position is how
 * many changes have been asked for. A sync of a file makes what was written to it before
 * certain, a sync of the folder the files that were made or removed. Nothing else does: until then
 * each change may have reached the disk or not, whatever the order, a write also in part, by
 * sectors.
 *
 * A cutter walks along the log, and makes at each position the disks that a cut of the
 * power could leave there.
 *
 * I1  A write touches no byte outside itself, also when it is torn (SQLite calls this powersafe
 *     overwrite and counts on it).
 * I2  Files made and removed under one name became certain in their order.
 * Ownership: whoever makes a disk or a cutter frees it. A cutter borrows both of its disks.
 * Never: locks; one thread at a time. Ends the program when memory is out. */
#ifndef TAPPET_TESTS_POWER_DISK_H
#define TAPPET_TESTS_POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_SECTOR 512
#define DISK_NAME   160

enum disk_change {
	DISK_MAKE,
	DISK_REMOVE,
	DISK_SYNC_FOLDER,
	DISK_WRITE,
	DISK_TRUNCATE,
	DISK_SYNC,
};

struct disk_op {
	enum disk_change what;
	size_t file;
	size_t at, n; /* DISK_TRUNCATE: at is the size */
	unsigned char *bytes;
};

struct disk_file {
	char name[DISK_NAME];
	bool there; /* in the folder; what was removed stays for whoever has it open */
	unsigned char *data;
	size_t n, room;
};

struct disk {
	struct disk_file *files; /* a file keeps its number for ever */
	size_t file_count, file_room;
	struct disk_op *ops;
	size_t op_count, op_room;
};

struct disk *disk_new(void);
void disk_free(struct disk *disk);

/* The files that are there now, all of it certain, with an empty log. */
struct disk *disk_copy(const struct disk *disk);

#define DISK_NONE SIZE_MAX
size_t disk_find(const struct disk *disk, const char *name); /* DISK_NONE: there is none */
size_t disk_make(struct disk *disk, const char *name);
void disk_remove(struct disk *disk, size_t file);
void disk_sync_folder(struct disk *disk);

void disk_write(struct disk *disk, size_t file, size_t at, const void *bytes, size_t n);
void disk_truncate(struct disk *disk, size_t file, size_t size);
void disk_sync(struct disk *disk, size_t file);
/* How many of the bytes asked for there are. */
size_t disk_read(const struct disk *disk, size_t file, size_t at, void *out, size_t n);

/* ---- Cutting the power. ---- */

enum cut {
	CUT_NONE,    /* of what isn't certain, nothing was kept */
	CUT_ALL,     /* everything was */
	CUT_LAST,    /* all but some sectors of the last write */
	CUT_SOME,    /* some changes, whole */
	CUT_SECTORS, /* some sectors of some changes; what a file grew by and didn't get is zero */
	CUT_JUNK,    /* the same; it is junk */
	CUTS
};

struct cutter;

/* `start` is what was on the disk before the log of `recorded` began. */
struct cutter *cutter_new(const struct disk *start, const struct disk *recorded);
void cutter_free(struct cutter *cutter);
bool cutter_step(struct cutter *cutter); /* one change further; false at the end */
size_t cutter_position(const struct cutter *cutter);
size_t cutter_pending(const struct cutter *cutter); /* changes that aren't certain */
struct disk *cutter_disk(const struct cutter *cutter, enum cut how, uint64_t seed);

/* A number that tells apart disks of different contents. */
uint64_t disk_digest(const struct disk *disk);

/* The next of a row of numbers that `state` begins. */
uint64_t disk_random(uint64_t *state);

#endif
