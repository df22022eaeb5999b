/* SPDX-License-Identifier: Apache-2.0
 *
 * arena - blocks that double in size, cut from the front.
 *
 * The budget counts the bytes handed out, rounded up to the alignment, so that
 * it means the same in every build. What the blocks waste comes on top: a piece
 * larger than a quarter of a block gets a block of its own, hence at most a
 * third of the budget.
 * Under AddressSanitizer everything not handed out is poisoned and a gap follows
 * every piece, so overruns and uses after a reset are reported. */
#include "engine/base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define GAP            ARENA_ALIGN
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define GAP            0
#endif

#define ARENA_ALIGN alignof(max_align_t)
#define FIRST_BLOCK ((size_t)4096) /* most events fit; a page is what malloc hands out cheaply */
#define LAST_BLOCK  ((size_t)256 * 1024) /* larger blocks save nothing more */
#define KEPT_BLOCK  ((size_t)128 * 1024) /* kept by a reset at most: a batch of ordinary events */

struct block {
	struct block *next;
	size_t size, used; /* of bytes */
	alignas(max_align_t) unsigned char bytes[];
};

struct on_free {
	struct on_free *next;
	void (*fn)(void *of);
	void *of;
};

struct arena {
	const char *name;
	size_t budget, used;
	size_t next_size;      /* of the next block */
	struct block *current; /* heads the list of all blocks */
	struct on_free *on_free;
	bool failed;
};

struct arena *arena_new(const char *name, size_t budget)
{
	struct arena *arena = mem_zero(1, sizeof(*arena));

	assert(name != NULL);
	if (arena == NULL)
		return NULL;
	arena->name = name;
	arena->budget = budget;
	arena->next_size = FIRST_BLOCK;
	return arena;
}

static void run_on_free(struct arena *arena)
{
	while (arena->on_free != NULL) {
		struct on_free *hook = arena->on_free;

		arena->on_free = hook->next;
		hook->fn(hook->of);
	}
}

static void free_blocks(struct arena *arena, const struct block *keep)
{
	struct block *b = arena->current;

	while (b != NULL) {
		struct block *next = b->next;

		if (b != keep) {
			UNPOISON(b->bytes, b->size);
			mem_free(b);
		}
		b = next;
	}
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	run_on_free(arena);
	free_blocks(arena, NULL);
	mem_free(arena);
}

/* The largest one that may be kept: what comes is mostly like what came. */
static struct block *block_to_keep(const struct arena *arena)
{
	struct block *keep = NULL;

	for (struct block *b = arena->current; b != NULL; b = b->next)
		if (b->size <= KEPT_BLOCK && (keep == NULL || b->size > keep->size))
			keep = b;
	return keep;
}

void arena_reset(struct arena *arena)
{
	struct block *keep;

	assert(arena != NULL);
	run_on_free(arena);
	keep = block_to_keep(arena);
	free_blocks(arena, keep);
	arena->current = keep;
	arena->next_size = FIRST_BLOCK;
	if (keep != NULL) {
		keep->next = NULL;
		keep->used = 0;
		while (arena->next_size <= keep->size && arena->next_size < LAST_BLOCK)
			arena->next_size *= 2;
		POISON(keep->bytes, keep->size);
	}
	arena->used = 0;
	arena->failed = false;
}

/* A block with room for n bytes; it becomes the current one unless it was made
 * for one large piece, which leaves the current one in use. */
static struct block *add_block(struct arena *arena, size_t n)
{
	bool own = arena->current != NULL && n > arena->next_size / 4;
	size_t size = n > arena->next_size || own ? n : arena->next_size;
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = mem_alloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->size = size;
	b->used = 0;
	POISON(b->bytes, b->size);
	if (own) {
		b->next = arena->current->next;
		arena->current->next = b;
		return b;
	}
	b->next = arena->current;
	arena->current = b;
	if (arena->next_size < LAST_BLOCK)
		arena->next_size *= 2;
	return b;
}

void *arena_alloc(struct arena *arena, size_t n)
{
	size_t rounded = (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	struct block *b;
	void *p;

	assert(arena != NULL);
	if (n == 0)
		rounded = ARENA_ALIGN;
	if (arena->failed || rounded < n || rounded > arena->budget - arena->used) {
		arena->failed = true;
		return NULL;
	}
	b = arena->current;
	if (b == NULL || b->size - b->used < rounded + GAP)
		b = add_block(arena, rounded + GAP);
	if (b == NULL) {
		arena->failed = true;
		return NULL;
	}
	p = b->bytes + b->used;
	b->used += rounded + GAP;
	arena->used += rounded;
	UNPOISON(p, n);
	return p;
}

void *arena_zero(struct arena *arena, size_t n)
{
	void *p = arena_alloc(arena, n);

	if (p != NULL)
		memset(p, 0, n);
	return p;
}

void *arena_copy(struct arena *arena, const void *from, size_t n)
{
	void *p = arena_alloc(arena, n);

	assert(from != NULL || n == 0);
	if (p != NULL && n > 0)
		memcpy(p, from, n);
	return p;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	assert(arena != NULL);
	if (size > 0 && count > SIZE_MAX / size) {
		arena->failed = true;
		return NULL;
	}
	return arena_alloc(arena, count * size);
}

bool arena_on_free(struct arena *arena, void (*fn)(void *of), void *of)
{
	struct on_free *hook;

	assert(fn != NULL);
	hook = arena_alloc(arena, sizeof(*hook));
	if (hook == NULL)
		return false;
	*hook = (struct on_free){ arena->on_free, fn, of };
	arena->on_free = hook;
	return true;
}

void arena_fail(struct arena *arena)
{
	assert(arena != NULL);
	arena->failed = true;
}

bool arena_failed(const struct arena *arena)
{
	assert(arena != NULL);
	return arena->failed;
}

size_t arena_used(const struct arena *arena)
{
	assert(arena != NULL);
	return arena->used;
}

const char *arena_name(const struct arena *arena)
{
	assert(arena != NULL);
	return arena->name;
}
