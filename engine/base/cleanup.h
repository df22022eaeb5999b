/* SPDX-License-Identifier: Apache-2.0
 *
 * cleanup - locals that free themselves when their scope ends.
 *
 *   DEFINE_AUTO(arena_free, struct arena *)        once, at file level
 *   AUTO(arena_free) struct arena *a = arena_new("event", LIMIT_EVENT_ARENA);
 *
 * Handing the thing over means setting the local to NULL (the function must
 * take NULL). For objects that live in place the function takes their address
 * and DEFINE_AUTO isn't needed: AUTO_FINI(buf_fini) struct buf b. */
#ifndef TAPPET_BASE_CLEANUP_H
#define TAPPET_BASE_CLEANUP_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/mem.h"

/* For a function that takes the pointer itself. */
#define DEFINE_AUTO(fn, type)                                                                      \
	static inline void auto_##fn(type *local)                                                  \
	{                                                                                          \
		fn(*local);                                                                        \
	}

#define AUTO(fn) __attribute__((cleanup(auto_##fn)))

/* For a function that takes the address of the local. */
#define AUTO_FINI(fn) __attribute__((cleanup(fn)))

DEFINE_AUTO(arena_free, struct arena *)

/* Any pointer to heap memory: AUTO(mem_free) char *s = text_heap(t). */
static inline void auto_mem_free(void *local)
{
	void *p;

	memcpy(&p, local, sizeof(p));
	mem_free(p);
}

#endif
