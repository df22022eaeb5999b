/* SPDX-License-Identifier: Apache-2.0
 *
 * vfs.c - SQLite's calls, carried out on a disk; see vfs.h.
 *
 * I1  Everything behind the mutex: a writer and its checkpoint thread have connections of their
 *     own. */
#include "tests/power/vfs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGIONS 64  /* of shared memory, 32 KiB each */
#define FILES   256 /* made on one disk */

struct vfs_file;

/* What those who have a file open share. */
struct inode {
	unsigned readers; /* with at least SQLITE_LOCK_SHARED */
	const struct vfs_file *reserved, *pending, *exclusive;
	unsigned char *regions[REGIONS];
	unsigned users; /* of the regions */
	unsigned shared[SQLITE_SHM_NLOCK];
	const struct vfs_file *owner[SQLITE_SHM_NLOCK];
};

struct vfs {
	sqlite3_vfs base;
	pthread_mutex_t mutex;
	struct disk *disk;
	struct inode inodes[FILES];
	unsigned open;
	uint64_t chance;
	int last_errno;
	bool armed, paused, lasting, hit;
	enum vfs_trouble trouble;
	long left;
};

struct vfs_file {
	sqlite3_file base;
	struct vfs *vfs;
	struct disk *own; /* a nameless file's; else NULL */
	size_t file;
	int level;
	bool new_log; /* its first sync is the folder's too */
	bool uses_regions, readonly;
	unsigned shared, owned; /* bits of shared memory's locks */
};

/* ---- Failing. ---- */

enum call { OPEN, READ, WRITE, TRUNCATE, SYNC, REMOVE, SIZE, ACCESS, LOCK, MAP, MAP_LOCK };

static const int broken[] = {
	[OPEN] = SQLITE_CANTOPEN,          [READ] = SQLITE_IOERR_READ,
	[WRITE] = SQLITE_IOERR_WRITE,      [TRUNCATE] = SQLITE_IOERR_TRUNCATE,
	[SYNC] = SQLITE_IOERR_FSYNC,       [REMOVE] = SQLITE_IOERR_DELETE,
	[SIZE] = SQLITE_IOERR_FSTAT,       [ACCESS] = SQLITE_IOERR_ACCESS,
	[LOCK] = SQLITE_IOERR_LOCK,        [MAP] = SQLITE_IOERR_SHMMAP,
	[MAP_LOCK] = SQLITE_IOERR_SHMLOCK,
};

/* What this call answers under the trouble; SQLITE_OK: it isn't concerned. */
static int answer_of(enum vfs_trouble trouble, enum call call)
{
	switch (trouble) {
	case VFS_FULL:
		return call == WRITE ? SQLITE_FULL : SQLITE_OK;
	case VFS_BUSY:
		return call == LOCK || call == MAP_LOCK ? SQLITE_BUSY : SQLITE_OK;
	case VFS_READONLY:
		return call == WRITE || call == TRUNCATE || call == REMOVE || call == OPEN
			   ? SQLITE_READONLY
			   : SQLITE_OK;
	case VFS_BROKEN:
	case VFS_TROUBLES:
		break;
	}
	return broken[call];
}

static int errno_of(enum vfs_trouble trouble)
{
	static const int numbers[] = {
		[VFS_FULL] = ENOSPC, [VFS_BROKEN] = EIO, [VFS_BUSY] = EAGAIN, [VFS_READONLY] = EROFS
	};

	return numbers[trouble];
}

/* Under the mutex. SQLITE_OK, or what the call is to answer. */
static int fails(struct vfs *vfs, enum call call)
{
	int rc = vfs->armed && !vfs->paused ? answer_of(vfs->trouble, call) : SQLITE_OK;

	if (rc == SQLITE_OK)
		return rc;
	vfs->left--;
	if (vfs->left > 0 || (vfs->left < 0 && !vfs->lasting))
		return SQLITE_OK;
	vfs->hit = true;
	errno = vfs->last_errno = errno_of(vfs->trouble);
	return rc;
}

static int enter(struct vfs *vfs, enum call call)
{
	pthread_mutex_lock(&vfs->mutex);
	return fails(vfs, call);
}

static int leave(struct vfs *vfs, int rc)
{
	pthread_mutex_unlock(&vfs->mutex);
	return rc;
}

void vfs_arm(struct vfs *vfs, enum vfs_trouble trouble, long n, bool lasting)
{
	assert(n >= 1 && trouble < VFS_TROUBLES);
	pthread_mutex_lock(&vfs->mutex);
	vfs->trouble = trouble;
	vfs->left = n;
	vfs->lasting = lasting;
	vfs->hit = false;
	vfs->armed = true;
	pthread_mutex_unlock(&vfs->mutex);
}

bool vfs_disarm(struct vfs *vfs)
{
	bool hit;

	pthread_mutex_lock(&vfs->mutex);
	vfs->armed = false;
	hit = vfs->hit;
	pthread_mutex_unlock(&vfs->mutex);
	return hit;
}

void vfs_pause(struct vfs *vfs, bool paused)
{
	pthread_mutex_lock(&vfs->mutex);
	vfs->paused = paused;
	pthread_mutex_unlock(&vfs->mutex);
}

/* ---- Reading and writing. ---- */

static struct vfs_file *of_file(sqlite3_file *file)
{
	return (struct vfs_file *)(void *)file;
}

static struct disk *disk_of(const struct vfs_file *f)
{
	return f->own != NULL ? f->own : f->vfs->disk;
}

static int on_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	struct vfs_file *f = of_file(file);
	int rc = enter(f->vfs, READ);
	size_t got = 0;

	if (rc == SQLITE_OK)
		got = disk_read(disk_of(f), f->file, (size_t)at, out, (size_t)n);
	if (rc == SQLITE_OK && got < (size_t)n) {
		memset((char *)out + got, 0, (size_t)n - got);
		rc = SQLITE_IOERR_SHORT_READ;
	}
	return leave(f->vfs, rc);
}

static int on_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct vfs_file *f = of_file(file);
	int rc = enter(f->vfs, WRITE);

	if (f->readonly)
		rc = SQLITE_READONLY;
	if (rc == SQLITE_OK)
		disk_write(disk_of(f), f->file, (size_t)at, bytes, (size_t)n);
	else if (rc == SQLITE_FULL)
		disk_write(disk_of(f), f->file, (size_t)at, bytes, (size_t)n / 2);
	return leave(f->vfs, rc);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct vfs_file *f = of_file(file);
	int rc = enter(f->vfs, TRUNCATE);

	if (rc == SQLITE_OK)
		disk_truncate(disk_of(f), f->file, (size_t)size);
	return leave(f->vfs, rc);
}

static int on_sync(sqlite3_file *file, int flags)
{
	struct vfs_file *f = of_file(file);
	int rc = enter(f->vfs, SYNC);

	(void)flags;
	if (rc == SQLITE_OK && f->own == NULL) {
		disk_sync(f->vfs->disk, f->file);
		if (f->new_log)
			disk_sync_folder(f->vfs->disk);
		f->new_log = false;
	}
	return leave(f->vfs, rc);
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct vfs_file *f = of_file(file);
	int rc = enter(f->vfs, SIZE);

	*size = (sqlite3_int64)disk_of(f)->files[f->file].n;
	return leave(f->vfs, rc);
}

/* ---- Locks of a file. ---- */

static int take_lock(struct vfs_file *f, struct inode *i, int level)
{
	if (level == SQLITE_LOCK_SHARED) {
		if (i->pending != NULL || i->exclusive != NULL)
			return SQLITE_BUSY;
		i->readers++;
		f->level = level;
		return SQLITE_OK;
	}
	if ((i->reserved != NULL && i->reserved != f) || (i->pending != NULL && i->pending != f))
		return SQLITE_BUSY;
	if (level == SQLITE_LOCK_RESERVED) {
		i->reserved = f;
		f->level = level;
		return SQLITE_OK;
	}
	i->pending = f;
	f->level = SQLITE_LOCK_PENDING;
	if (i->readers > 1)
		return SQLITE_BUSY;
	i->exclusive = f;
	f->level = level;
	return SQLITE_OK;
}

static int on_lock(sqlite3_file *file, int level)
{
	struct vfs_file *f = of_file(file);
	int rc = enter(f->vfs, LOCK);

	if (rc == SQLITE_OK && f->level < level && f->own == NULL)
		rc = take_lock(f, &f->vfs->inodes[f->file], level);
	return leave(f->vfs, rc);
}

static void let_go(struct vfs_file *f, struct inode *i, int level)
{
	if (i->reserved == f)
		i->reserved = NULL;
	if (i->pending == f)
		i->pending = NULL;
	if (i->exclusive == f)
		i->exclusive = NULL;
	if (level == SQLITE_LOCK_NONE)
		i->readers--;
	f->level = level;
}

static int on_unlock(sqlite3_file *file, int level)
{
	struct vfs_file *f = of_file(file);

	pthread_mutex_lock(&f->vfs->mutex);
	if (f->level > level)
		let_go(f, &f->vfs->inodes[f->file], level);
	return leave(f->vfs, SQLITE_OK);
}

static int on_reserved(sqlite3_file *file, int *out)
{
	struct vfs_file *f = of_file(file);
	const struct inode *i = &f->vfs->inodes[f->file];
	int rc = enter(f->vfs, LOCK);

	*out = rc == SQLITE_OK && i->reserved != NULL;
	return leave(f->vfs, rc == SQLITE_BUSY ? SQLITE_OK : rc);
}

/* ---- Shared memory. ---- */

static int on_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
	struct vfs_file *f = of_file(file);
	struct inode *i = &f->vfs->inodes[f->file];
	int rc = enter(f->vfs, MAP);

	*out = NULL;
	if (rc == SQLITE_OK && region >= REGIONS)
		rc = SQLITE_IOERR_SHMMAP;
	if (rc == SQLITE_OK) {
		i->users += f->uses_regions ? 0 : 1;
		f->uses_regions = true;
		if (i->regions[region] == NULL && extend != 0)
			i->regions[region] = calloc(1, (size_t)size);
		if (i->regions[region] == NULL && extend != 0)
			rc = SQLITE_NOMEM;
		*out = i->regions[region];
	}
	return leave(f->vfs, rc);
}

static int unlock_slot(struct vfs_file *f, struct inode *i, int slot)
{
	unsigned bit = 1u << slot;

	if ((f->owned & bit) != 0)
		i->owner[slot] = NULL;
	if ((f->shared & bit) != 0)
		i->shared[slot]--;
	f->owned &= ~bit;
	f->shared &= ~bit;
	return SQLITE_OK;
}

static bool is_taken(const struct vfs_file *f, const struct inode *i, int slot, bool exclusive)
{
	unsigned mine = (f->shared >> slot) & 1;

	if (i->owner[slot] != NULL && i->owner[slot] != f)
		return true;
	return exclusive && i->shared[slot] > mine;
}

static void lock_slot(struct vfs_file *f, struct inode *i, int slot, bool exclusive)
{
	unsigned bit = 1u << slot;

	if (exclusive) {
		i->owner[slot] = f;
		f->owned |= bit;
	} else if ((f->shared & bit) == 0) {
		i->shared[slot]++;
		f->shared |= bit;
	}
}

static int lock_slots(struct vfs_file *f, int from, int n, bool exclusive)
{
	struct inode *i = &f->vfs->inodes[f->file];

	for (int slot = from; slot < from + n; slot++)
		if (is_taken(f, i, slot, exclusive))
			return SQLITE_BUSY;
	for (int slot = from; slot < from + n; slot++)
		lock_slot(f, i, slot, exclusive);
	return SQLITE_OK;
}

static int on_map_lock(sqlite3_file *file, int from, int n, int flags)
{
	struct vfs_file *f = of_file(file);
	int rc = SQLITE_OK;

	if ((flags & SQLITE_SHM_UNLOCK) != 0) {
		pthread_mutex_lock(&f->vfs->mutex);
		for (int slot = from; slot < from + n; slot++)
			(void)unlock_slot(f, &f->vfs->inodes[f->file], slot);
	} else {
		rc = enter(f->vfs, MAP_LOCK);
		if (rc == SQLITE_OK)
			rc = lock_slots(f, from, n, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
	}
	return leave(f->vfs, rc);
}

static void on_barrier(sqlite3_file *file)
{
	struct vfs_file *f = of_file(file);

	pthread_mutex_lock(&f->vfs->mutex);
	pthread_mutex_unlock(&f->vfs->mutex);
}

static void drop_regions(struct inode *i)
{
	for (unsigned r = 0; r < REGIONS; r++) {
		free(i->regions[r]);
		i->regions[r] = NULL;
	}
}

static int on_unmap(sqlite3_file *file, int remove)
{
	struct vfs_file *f = of_file(file);
	struct inode *i = &f->vfs->inodes[f->file];

	(void)remove;
	pthread_mutex_lock(&f->vfs->mutex);
	for (int slot = 0; slot < SQLITE_SHM_NLOCK; slot++)
		(void)unlock_slot(f, i, slot);
	if (f->uses_regions && --i->users == 0)
		drop_regions(i);
	f->uses_regions = false;
	return leave(f->vfs, SQLITE_OK);
}

/* ---- The rest of a file. ---- */

static int on_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int on_sector(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int on_device(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int on_close(sqlite3_file *file)
{
	struct vfs_file *f = of_file(file);

	if (f->uses_regions)
		(void)on_unmap(file, 0);
	pthread_mutex_lock(&f->vfs->mutex);
	if (f->level > SQLITE_LOCK_NONE)
		let_go(f, &f->vfs->inodes[f->file], SQLITE_LOCK_NONE);
	disk_free(f->own);
	f->own = NULL;
	f->vfs->open--;
	return leave(f->vfs, SQLITE_OK);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_device,
	.xShmMap = on_map,
	.xShmLock = on_map_lock,
	.xShmBarrier = on_barrier,
	.xShmUnmap = on_unmap,
};

/* ---- The folder. ---- */

static struct vfs *of_vfs(sqlite3_vfs *base)
{
	return base->pAppData;
}

/* The store makes its own file before SQLite sees it, so a database that isn't there is one
 * without a byte. */
static int find_or_make(struct vfs *vfs, struct vfs_file *f, const char *name, int flags)
{
	bool log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;

	f->file = disk_find(vfs->disk, name);
	if (f->file != DISK_NONE)
		return SQLITE_OK;
	if ((flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) == 0 ||
	    vfs->disk->file_count == FILES)
		return SQLITE_CANTOPEN;
	f->file = disk_make(vfs->disk, name);
	memset(&vfs->inodes[f->file], 0, sizeof(vfs->inodes[f->file]));
	f->new_log = log;
	return SQLITE_OK;
}

static int on_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct vfs *vfs = of_vfs(base);
	struct vfs_file *f = of_file(file);
	int rc = enter(vfs, OPEN);

	*f = (struct vfs_file){ .vfs = vfs };
	if (rc == SQLITE_READONLY) { /* as on a file system that can only be read */
		f->readonly = (flags & SQLITE_OPEN_MAIN_DB) != 0;
		rc = f->readonly ? SQLITE_OK : SQLITE_CANTOPEN;
	}
	if (rc == SQLITE_OK && name == NULL) {
		f->own = disk_new();
		f->file = disk_make(f->own, "");
	} else if (rc == SQLITE_OK) {
		rc = find_or_make(vfs, f, name, flags);
	}
	if (rc == SQLITE_OK) {
		f->base.pMethods = &methods;
		vfs->open++;
	}
	if (out != NULL)
		*out = f->readonly ? (flags & ~SQLITE_OPEN_READWRITE & ~SQLITE_OPEN_CREATE) |
					 SQLITE_OPEN_READONLY
				   : flags;
	return leave(vfs, rc);
}

static int on_delete(sqlite3_vfs *base, const char *name, int sync_folder)
{
	struct vfs *vfs = of_vfs(base);
	int rc = enter(vfs, REMOVE);
	size_t file = disk_find(vfs->disk, name);

	if (rc == SQLITE_OK && file == DISK_NONE)
		rc = SQLITE_IOERR_DELETE_NOENT;
	if (rc == SQLITE_OK) {
		disk_remove(vfs->disk, file);
		if (sync_folder != 0)
			disk_sync_folder(vfs->disk);
	}
	return leave(vfs, rc);
}

/* As in "unix", a file without a byte counts as none. */
static int on_access(sqlite3_vfs *base, const char *name, int flags, int *out)
{
	struct vfs *vfs = of_vfs(base);
	int rc = enter(vfs, ACCESS);
	size_t file = disk_find(vfs->disk, name);

	*out = file != DISK_NONE;
	if (flags == SQLITE_ACCESS_EXISTS && file != DISK_NONE)
		*out = vfs->disk->files[file].n > 0;
	return leave(vfs, rc);
}

static int on_path(sqlite3_vfs *base, const char *name, int n, char *out)
{
	(void)base;
	(void)snprintf(out, (size_t)n, "%s", name);
	return strlen(name) < DISK_NAME ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int on_random(sqlite3_vfs *base, int n, char *out)
{
	struct vfs *vfs = of_vfs(base);

	pthread_mutex_lock(&vfs->mutex);
	for (int i = 0; i < n; i++)
		out[i] = (char)disk_random(&vfs->chance);
	return leave(vfs, n);
}

static int on_sleep(sqlite3_vfs *base, int us)
{
	(void)base;
	return us;
}

static int on_time(sqlite3_vfs *base, double *out)
{
	(void)base;
	*out = 2461000.5; /* a day in 2025; nothing here asks for it */
	return SQLITE_OK;
}

static int on_error(sqlite3_vfs *base, int n, char *out)
{
	(void)n;
	(void)out;
	return of_vfs(base)->last_errno;
}

/* ---- Life. ---- */

struct vfs *vfs_new(void)
{
	struct vfs *vfs = calloc(1, sizeof(*vfs));

	if (vfs == NULL || pthread_mutex_init(&vfs->mutex, NULL) != 0)
		abort();
	vfs->base = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct vfs_file),
		.mxPathname = DISK_NAME,
		.zName = "power",
		.pAppData = vfs,
		.xOpen = on_open,
		.xDelete = on_delete,
		.xAccess = on_access,
		.xFullPathname = on_path,
		.xRandomness = on_random,
		.xSleep = on_sleep,
		.xCurrentTime = on_time,
		.xGetLastError = on_error,
	};
	if (sqlite3_vfs_register(&vfs->base, 1) != SQLITE_OK)
		abort();
	return vfs;
}

void vfs_free(struct vfs *vfs)
{
	assert(vfs->open == 0);
	(void)sqlite3_vfs_unregister(&vfs->base);
	pthread_mutex_destroy(&vfs->mutex);
	free(vfs);
}

void vfs_mount(struct vfs *vfs, struct disk *disk)
{
	pthread_mutex_lock(&vfs->mutex);
	assert(vfs->open == 0);
	memset(vfs->inodes, 0, sizeof(vfs->inodes));
	vfs->disk = disk;
	pthread_mutex_unlock(&vfs->mutex);
}

size_t vfs_position(struct vfs *vfs)
{
	size_t position;

	pthread_mutex_lock(&vfs->mutex);
	position = vfs->disk->op_count;
	pthread_mutex_unlock(&vfs->mutex);
	return position;
}
