/* SPDX-License-Identifier: Apache-2.0
 *
 * heap - what is due next: a binary heap of nodes embedded in their owners.
 *
 * I1  heap_top is the node with the least `at`; among equals the one pushed
 *     first, so the order never depends on addresses.
 * I2  A node's slot is 0 exactly while it is in no heap (so a zeroed node is
 *     ready for use).
 * Ownership: the heap owns its array of pointers; nodes belong to the structs
 * they are part of and must leave the heap before those are freed. */
#ifndef TAPPET_BASE_HEAP_H
#define TAPPET_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t at;     /* set by the owner before heap_push, fixed while in the heap */
	size_t slot;    /* the heap's; 1-based */
	uint64_t order; /* the heap's */
};

struct heap {
	struct heap_node **nodes; /* nodes[0] is slot 1 */
	size_t count, room;
	uint64_t pushed; /* so far: the order of the next node */
};

/* The struct around a node. */
#define HEAP_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap); /* nodes still in it are let go of */

bool heap_push(struct heap *heap, struct heap_node *node); /* false: memory is out */
struct heap_node *heap_top(const struct heap *heap);       /* NULL when empty */
struct heap_node *heap_pop(struct heap *heap);             /* NULL when empty */
void heap_drop(struct heap *heap, struct heap_node *node); /* nothing when it isn't in */

static inline bool heap_holds(const struct heap_node *node)
{
	return node->slot != 0;
}

#endif
