/* SPDX-License-Identifier: Apache-2.0
 *
 * sweep - tries a scenario with every failure: the power cut at each change of the disk, and each
 * call that can fail made to fail. */
#ifndef TAPPET_TESTS_POWER_SWEEP_H
#define TAPPET_TESTS_POWER_SWEEP_H

#include "tests/power/bridge.h"

struct sweep {
	const struct setting *setting;
	struct vfs *vfs;
	uint64_t seed;
	unsigned stride;         /* of n points one is tried; 1: all */
	unsigned variants;       /* how often each kind of cut that depends on chance is tried */
	unsigned ends;           /* of n disks, one is played to its end; 0: none */
	unsigned twice;          /* of n that are, the power is cut again in one */
	const char *synchronous; /* NULL: as the store has it */
	bool loud;               /* each failure is printed */

	/* What was done. */
	size_t commits, changes, points, disks, ended, again, failures, refused, wrong;
};

/* Plays it once, and cuts the power at each change. `start` is what was on the disk, with what
 * `before` was promised; NULL: nothing. */
void sweep_cuts(struct sweep *sweep, const char *name, void (*play)(struct bridge *b),
		const struct disk *start, const struct bridge *before);

/* Fails each call of SQLite's to the system, in each way (enum vfs_trouble), once and from then on
 * until somebody mends it. */
void sweep_calls(struct sweep *sweep);

/* Fails each allocation, the engine's and SQLite's, in the same two ways. */
void sweep_memory(struct sweep *sweep);

/* Spoils each page of a store's file, in several ways. */
void sweep_damage(struct sweep *sweep);

/* SQLite's allocations are the fault point "memory", too. Before SQLite is used. */
void sweep_memory_setup(void);

#endif
