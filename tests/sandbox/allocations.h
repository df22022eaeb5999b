/* SPDX-License-Identifier: Apache-2.0
 *
 * allocations - the workspace allocations of the pretended Kantata account: how many minutes a
 * resource has from one day to another. Ids rise and are never used twice.
 */
#ifndef SANDBOX_ALLOCATIONS_H
#define SANDBOX_ALLOCATIONS_H

#include "tests/sandbox/routes.h"

struct allocations;

struct allocations *allocations_new(void);
void allocations_free(struct allocations *a);
void allocations_clear(struct allocations *a);

answer_fn allocations_list;

/* As if somebody had done it by hand: makes one, merges, deletes. */
answer_fn allocations_make;
answer_fn allocations_merge;
answer_fn allocations_remove;

#endif
