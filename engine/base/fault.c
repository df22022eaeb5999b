/* SPDX-License-Identifier: Apache-2.0
 *
 * fault - the table behind fault.h; empty unless TAPPET_FAULTS is defined.
 *
 * I1  `name` is published last when arming and withdrawn first when disarming,
 *     so a passing thread sees either nothing or a complete entry.
 * One of the engine's three file-scope objects: a fault has to be reachable
 * from places that no context is passed to, such as mem_alloc. */
#include "engine/base/fault.h"

#ifdef TAPPET_FAULTS

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static struct {
	_Atomic(const char *) name; /* NULL: nothing is armed */
	atomic_int left;            /* passings until it fails */
	atomic_bool persistent;
	atomic_bool hit;
} fault;

bool fault_point(const char *name)
{
	const char *armed = atomic_load(&fault.name);
	int left;

	assert(name != NULL);
	if (armed == NULL || strcmp(armed, name) != 0)
		return false;
	left = atomic_fetch_sub(&fault.left, 1);
	if (left > 1 || (left < 1 && !atomic_load(&fault.persistent)))
		return false;
	atomic_store(&fault.hit, true);
	return true;
}

void fault_arm(const char *name, int n, bool persistent)
{
	assert(name != NULL);
	assert(n >= 1);
	atomic_store(&fault.name, NULL);
	atomic_store(&fault.left, n);
	atomic_store(&fault.persistent, persistent);
	atomic_store(&fault.hit, false);
	atomic_store(&fault.name, name);
}

bool fault_disarm(void)
{
	atomic_store(&fault.name, NULL);
	return atomic_load(&fault.hit);
}

#else

/* ISO C wants a declaration in every translation unit. */
typedef int fault_is_compiled_out;

#endif
