/* SPDX-License-Identifier: Apache-2.0
 *
 * vfs - what SQLite takes for the operating system: files are on a disk in memory (disk.h),
 * locks and shared memory are kept here, and calls can be made to fail.
 *
 * It stands in for SQLite's "unix" and does what that one does where it matters: the folder is
 * synced with the first sync of a new journal or log, a file is removed with or without a sync of
 * the folder, the memory that the processes share (the index of the log) goes with its last user,
 * sectors have 4096 bytes, writes are powersafe. Waiting takes no time.
 *
 * Once installed, all connections that are opened by no other name are here. Any thread.
 * Ownership: the mounted disk is borrowed until the next one is mounted. */
#ifndef TAPPET_TESTS_POWER_VFS_H
#define TAPPET_TESTS_POWER_VFS_H

#include "tests/power/disk.h"

struct vfs;

/* One in a program. */
struct vfs *vfs_new(void);
void vfs_free(struct vfs *vfs);

/* No file may be open. */
void vfs_mount(struct vfs *vfs, struct disk *disk);

/* Changes that the mounted disk was asked for so far. */
size_t vfs_position(struct vfs *vfs);

/* ---- Calls that fail. ---- */

enum vfs_trouble {
	VFS_FULL,     /* of a write half is done, then there is no space */
	VFS_BROKEN,   /* any call: an input/output error */
	VFS_BUSY,     /* locks are held by somebody else */
	VFS_READONLY, /* writes, and a file that is opened can only be read */
	VFS_TROUBLES
};

/* The n-th call that this trouble may meet (from 1) fails, with `lasting` all that follow. */
void vfs_arm(struct vfs *vfs, enum vfs_trouble trouble, long n, bool lasting);
bool vfs_disarm(struct vfs *vfs); /* was one made to fail? */
/* Calls neither fail nor count. */
void vfs_pause(struct vfs *vfs, bool paused);

#endif
