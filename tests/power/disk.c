/* SPDX-License-Identifier: Apache-2.0
 *
 * disk.c - files, their log, and what a cut leaves of them; see disk.h. */
#include "tests/power/disk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (p == NULL) {
		(void)fputs("power: memory is out\n", stderr);
		exit(2);
	}
	return p;
}

/* ---- Files. ---- */

struct disk *disk_new(void)
{
	return must(calloc(1, sizeof(struct disk)));
}

void disk_free(struct disk *disk)
{
	if (disk == NULL)
		return;
	for (size_t i = 0; i < disk->file_count; i++)
		free(disk->files[i].data);
	for (size_t i = 0; i < disk->op_count; i++)
		free(disk->ops[i].bytes);
	free(disk->files);
	free(disk->ops);
	free(disk);
}

static size_t add_file(struct disk *disk, const char *name)
{
	struct disk_file *file;

	if (disk->file_count == disk->file_room) {
		disk->file_room = disk->file_room * 2 + 8;
		disk->files = must(realloc(disk->files, disk->file_room * sizeof(disk->files[0])));
	}
	file = &disk->files[disk->file_count];
	*file = (struct disk_file){ .there = true };
	(void)snprintf(file->name, sizeof(file->name), "%s", name);
	return disk->file_count++;
}

static void resize(struct disk_file *file, size_t n, bool junk)
{
	if (n > file->room) {
		file->room = n + n / 2 + 4096;
		file->data = must(realloc(file->data, file->room));
	}
	if (n > file->n)
		memset(file->data + file->n, junk ? 0xa7 : 0, n - file->n);
	file->n = n;
}

static void put(struct disk_file *file, size_t at, const unsigned char *bytes, size_t n, bool junk)
{
	if (at + n > file->n)
		resize(file, at + n, junk);
	memcpy(file->data + at, bytes, n);
}

static void fill(struct disk_file *to, const struct disk_file *from)
{
	resize(to, from->n, false);
	if (from->n > 0)
		memcpy(to->data, from->data, from->n);
}

struct disk *disk_copy(const struct disk *disk)
{
	struct disk *copy = disk_new();

	for (size_t i = 0; i < disk->file_count; i++)
		if (disk->files[i].there) {
			size_t file = add_file(copy, disk->files[i].name);

			fill(&copy->files[file], &disk->files[i]);
		}
	return copy;
}

size_t disk_find(const struct disk *disk, const char *name)
{
	for (size_t i = 0; i < disk->file_count; i++)
		if (disk->files[i].there && strcmp(disk->files[i].name, name) == 0)
			return i;
	return DISK_NONE;
}

size_t disk_read(const struct disk *disk, size_t file, size_t at, void *out, size_t n)
{
	const struct disk_file *from = &disk->files[file];

	if (at >= from->n)
		return 0;
	if (n > from->n - at)
		n = from->n - at;
	memcpy(out, from->data + at, n);
	return n;
}

/* ---- The log. ---- */

static struct disk_op *note(struct disk *disk, enum disk_change what, size_t file)
{
	struct disk_op *op;

	if (disk->op_count == disk->op_room) {
		disk->op_room = disk->op_room * 2 + 256;
		disk->ops = must(realloc(disk->ops, disk->op_room * sizeof(disk->ops[0])));
	}
	op = &disk->ops[disk->op_count++];
	*op = (struct disk_op){ .what = what, .file = file };
	return op;
}

size_t disk_make(struct disk *disk, const char *name)
{
	size_t file = add_file(disk, name);

	(void)note(disk, DISK_MAKE, file);
	return file;
}

void disk_remove(struct disk *disk, size_t file)
{
	disk->files[file].there = false;
	(void)note(disk, DISK_REMOVE, file);
}

void disk_sync_folder(struct disk *disk)
{
	(void)note(disk, DISK_SYNC_FOLDER, DISK_NONE);
}

void disk_write(struct disk *disk, size_t file, size_t at, const void *bytes, size_t n)
{
	struct disk_op *op = note(disk, DISK_WRITE, file);

	op->at = at;
	op->n = n;
	op->bytes = must(malloc(n > 0 ? n : 1));
	memcpy(op->bytes, bytes, n);
	put(&disk->files[file], at, bytes, n, false);
}

void disk_truncate(struct disk *disk, size_t file, size_t size)
{
	note(disk, DISK_TRUNCATE, file)->at = size;
	resize(&disk->files[file], size, false);
}

void disk_sync(struct disk *disk, size_t file)
{
	(void)note(disk, DISK_SYNC, file);
}

/* ---- Chance. ---- */

uint64_t disk_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static bool toss(uint64_t *state)
{
	return (disk_random(state) & 1) != 0;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (; n >= 8; n -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	for (; n > 0; n--, at++)
		hash = (hash ^ *at) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t disk_digest(const struct disk *disk)
{
	uint64_t hash = 1;

	for (size_t i = 0; i < disk->file_count; i++) {
		const struct disk_file *file = &disk->files[i];

		if (!file->there)
			continue;
		hash = mix(hash, file->name, strlen(file->name));
		hash = mix(hash, &file->n, sizeof(file->n));
		hash = mix(hash, file->data, file->n);
	}
	return hash;
}

/* ---- Cutting. ---- */

struct cutter {
	const struct disk *recorded;
	struct disk *sure; /* its files have the numbers they have in `recorded` */
	size_t at;
	size_t *pending; /* positions of changes that aren't certain, ascending */
	size_t count, room;
};

struct cutter *cutter_new(const struct disk *start, const struct disk *recorded)
{
	struct cutter *c = must(calloc(1, sizeof(*c)));

	c->recorded = recorded;
	c->sure = disk_copy(start);
	return c;
}

void cutter_free(struct cutter *c)
{
	if (c == NULL)
		return;
	disk_free(c->sure);
	free(c->pending);
	free(c);
}

static bool is_folder(const struct disk_op *op)
{
	return op->what == DISK_MAKE || op->what == DISK_REMOVE;
}

static void apply(struct disk *disk, const struct disk_op *op, bool junk)
{
	struct disk_file *file = &disk->files[op->file];

	if (is_folder(op))
		file->there = op->what == DISK_MAKE;
	else if (op->what == DISK_WRITE)
		put(file, op->at, op->bytes, op->n, junk);
	else if (op->what == DISK_TRUNCATE)
		resize(file, op->at, junk);
}

static void settle(struct cutter *c, const struct disk_op *sync)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct disk_op *op = &c->recorded->ops[c->pending[i]];
		bool sure = sync->what == DISK_SYNC_FOLDER
				? is_folder(op)
				: !is_folder(op) && op->file == sync->file;

		if (sure)
			apply(c->sure, op, false);
		else
			c->pending[kept++] = c->pending[i];
	}
	c->count = kept;
}

bool cutter_step(struct cutter *c)
{
	const struct disk_op *op;

	if (c->at == c->recorded->op_count)
		return false;
	op = &c->recorded->ops[c->at];
	if (op->what == DISK_SYNC || op->what == DISK_SYNC_FOLDER) {
		settle(c, op);
	} else {
		if (op->what == DISK_MAKE) { /* not yet there for certain */
			size_t file = add_file(c->sure, c->recorded->files[op->file].name);

			assert(file == op->file);
			c->sure->files[file].there = false;
		}
		if (c->count == c->room) {
			c->room = c->room * 2 + 64;
			c->pending = must(realloc(c->pending, c->room * sizeof(c->pending[0])));
		}
		c->pending[c->count++] = c->at;
	}
	c->at++;
	return true;
}

size_t cutter_position(const struct cutter *c)
{
	return c->at;
}

size_t cutter_pending(const struct cutter *c)
{
	return c->count;
}

static struct disk *copy_all(const struct disk *disk)
{
	struct disk *copy = disk_new();

	for (size_t i = 0; i < disk->file_count; i++) {
		size_t file = add_file(copy, disk->files[i].name);

		copy->files[file].there = disk->files[i].there;
		fill(&copy->files[file], &disk->files[i]);
	}
	return copy;
}

static void tear(struct disk *disk, const struct disk_op *op, bool junk, uint64_t *chance)
{
	for (size_t done = 0; done < op->n;) {
		size_t end = (op->at + done) / DISK_SECTOR * DISK_SECTOR + DISK_SECTOR;
		size_t n = end - (op->at + done);

		if (n > op->n - done)
			n = op->n - done;
		if (toss(chance))
			put(&disk->files[op->file], op->at + done, op->bytes + done, n, junk);
		done += n;
	}
}

/* Of what was made and removed under one name, a beginning: once one change is left out, so are
 * those that follow. */
static bool is_cut_off(const struct cutter *c, const struct disk_op *op, const bool *left_out)
{
	for (size_t i = 0; i < c->recorded->file_count; i++)
		if (left_out[i] &&
		    strcmp(c->recorded->files[i].name, c->recorded->files[op->file].name) == 0)
			return true;
	return false;
}

struct cutting {
	const struct cutter *c;
	struct disk *disk;
	enum cut how;
	uint64_t chance;
	bool *left_out; /* per file: a change of the folder that concerns it */
};

static void cut_folder(struct cutting *x, const struct disk_op *op)
{
	bool keep =
	    x->how == CUT_ALL || x->how == CUT_LAST || (x->how != CUT_NONE && toss(&x->chance));

	if (keep && !is_cut_off(x->c, op, x->left_out))
		apply(x->disk, op, false);
	else
		x->left_out[op->file] = true;
}

static void cut_one(struct cutting *x, size_t i)
{
	const struct disk_op *op = &x->c->recorded->ops[x->c->pending[i]];
	bool junk = x->how == CUT_JUNK, last = i + 1 == x->c->count;

	if (is_folder(op))
		cut_folder(x, op);
	else if (x->how == CUT_ALL || (x->how == CUT_LAST && !last))
		apply(x->disk, op, junk);
	else if (op->what == DISK_WRITE && (x->how >= CUT_SECTORS || x->how == CUT_LAST))
		tear(x->disk, op, junk, &x->chance);
	else if (x->how != CUT_NONE && toss(&x->chance))
		apply(x->disk, op, junk);
}

struct disk *cutter_disk(const struct cutter *c, enum cut how, uint64_t seed)
{
	struct cutting x = { c, copy_all(c->sure), how, seed, NULL };
	struct disk *disk;

	x.left_out = must(calloc(c->recorded->file_count + 1, sizeof(bool)));
	for (size_t i = 0; i < c->count; i++)
		cut_one(&x, i);
	free(x.left_out);
	disk = disk_copy(x.disk);
	disk_free(x.disk);
	return disk;
}
