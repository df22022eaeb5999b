/* SPDX-License-Identifier: Apache-2.0
 *
 * mem - the only place that calls malloc.
 *
 * Every allocation of the engine's own code goes through here, so that a test
 * can fail the n-th one. Sizes are checked for overflow.
 * Ownership: the caller owns what is returned and gives it back to mem_free. */
#ifndef TAPPET_BASE_MEM_H
#define TAPPET_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                            /* uninitialised, or NULL */
void *mem_zero(size_t count, size_t size);            /* zeroed, or NULL */
void *mem_grow(void *old, size_t count, size_t size); /* like realloc; old stays valid on NULL */
void *mem_copy(const void *from, size_t n);
void mem_free(void *p);

#endif
