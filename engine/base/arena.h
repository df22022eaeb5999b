/* SPDX-License-Identifier: Apache-2.0
 *
 * arena - a named, budgeted region from which the memory of one event, one
 * rule set or one request is taken, and which is freed whole.
 *
 * I1  An arena never grows beyond its budget: the allocation that would is
 *     refused (NULL) and the arena stays failed, so a stage may check once at
 *     its end with arena_failed().
 * I2  Nothing allocated from an arena outlives arena_free/arena_reset.
 * Ownership: the arena owns every block; pointers into it are borrowed.
 * Never: shared between threads. */
#ifndef TAPPET_BASE_ARENA_H
#define TAPPET_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* `name` is borrowed and shows up in messages; `budget` is in bytes. NULL when
 * memory is out. */
struct arena *arena_new(const char *name, size_t budget);
void arena_free(struct arena *arena); /* NULL is fine */

/* Uninitialised memory aligned for any type, or NULL (see I1). n may be 0. */
void *arena_alloc(struct arena *arena, size_t n);
void *arena_zero(struct arena *arena, size_t n);
void *arena_copy(struct arena *arena, const void *from, size_t n);

/* count * size with overflow checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Calls fn(of) when the arena is freed or reset, last registered first: for the
 * few things an arena's contents must let go of (compiled patterns). False when
 * the budget is spent; fn was not registered then. */
bool arena_on_free(struct arena *arena, void (*fn)(void *of), void *of);

/* Forgets all allocations and the failure, keeps the first block. */
void arena_reset(struct arena *arena);

/* As if an allocation had failed here: memory was out elsewhere, on the way to what lives here. */
void arena_fail(struct arena *arena);

bool arena_failed(const struct arena *arena);
size_t arena_used(const struct arena *arena); /* bytes handed out since the start or reset */
const char *arena_name(const struct arena *arena);

#endif
