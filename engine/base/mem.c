/* SPDX-License-Identifier: Apache-2.0
 *
 * mem - malloc behind overflow checks and one fault point.
 *
 * The fault point "memory" stands before every allocation, so a sweep reaches
 * each failure path of the engine's own code. A size of 0 is served as 1: NULL
 * means failure and nothing else. */
#include "engine/base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"

/* The ban of base/banned.h ends here: this is what the others are to use. */
#undef malloc
#undef calloc
#undef realloc
#undef free

void *mem_alloc(size_t n)
{
	if (fault_point("memory"))
		return NULL;
	return malloc(n > 0 ? n : 1);
}

/* Checked here although calloc does so too: sanitizers take what reaches it for
 * a mistake of the program's. */
static bool overflows(size_t count, size_t size)
{
	return size > 0 && count > SIZE_MAX / size;
}

void *mem_zero(size_t count, size_t size)
{
	if (overflows(count, size) || fault_point("memory"))
		return NULL;
	return count > 0 && size > 0 ? calloc(count, size) : calloc(1, 1);
}

void *mem_grow(void *old, size_t count, size_t size)
{
	if (overflows(count, size) || fault_point("memory"))
		return NULL;
	return realloc(old, count * size > 0 ? count * size : 1);
}

void *mem_copy(const void *from, size_t n)
{
	void *to = mem_alloc(n);

	if (to != NULL && n > 0)
		memcpy(to, from, n);
	return to;
}

void mem_free(void *p)
{
	free(p);
}
