/* SPDX-License-Identifier: Apache-2.0
 *
 * heap - sifting; see heap.h for the contract. */
#include "engine/base/heap.h"

#include <assert.h>

#include "engine/base/mem.h"

#define FIRST_ROOM 16

void heap_init(struct heap *heap)
{
	assert(heap != NULL);
	*heap = (struct heap){ 0 };
}

void heap_fini(struct heap *heap)
{
	assert(heap != NULL);
	for (size_t i = 0; i < heap->count; i++)
		heap->nodes[i]->slot = 0;
	mem_free(heap->nodes);
	*heap = (struct heap){ 0 };
}

static bool before(const struct heap_node *a, const struct heap_node *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void set(struct heap *heap, size_t slot, struct heap_node *node)
{
	heap->nodes[slot - 1] = node;
	node->slot = slot;
}

static void sift_up(struct heap *heap, size_t slot, struct heap_node *node)
{
	while (slot > 1 && before(node, heap->nodes[slot / 2 - 1])) {
		set(heap, slot, heap->nodes[slot / 2 - 1]);
		slot /= 2;
	}
	set(heap, slot, node);
}

static void sift_down(struct heap *heap, size_t slot, struct heap_node *node)
{
	while (2 * slot <= heap->count) {
		size_t child = 2 * slot;

		if (child < heap->count && before(heap->nodes[child], heap->nodes[child - 1]))
			child++;
		if (!before(heap->nodes[child - 1], node))
			break;
		set(heap, slot, heap->nodes[child - 1]);
		slot = child;
	}
	set(heap, slot, node);
}

bool heap_push(struct heap *heap, struct heap_node *node)
{
	assert(heap != NULL);
	assert(node != NULL && node->slot == 0);
	if (heap->count == heap->room) {
		size_t room = heap->room > 0 ? heap->room * 2 : FIRST_ROOM;
		struct heap_node **nodes = mem_grow(heap->nodes, room, sizeof(struct heap_node *));

		if (nodes == NULL)
			return false;
		heap->nodes = nodes;
		heap->room = room;
	}
	node->order = heap->pushed++;
	heap->count++;
	sift_up(heap, heap->count, node);
	return true;
}

struct heap_node *heap_top(const struct heap *heap)
{
	assert(heap != NULL);
	return heap->count > 0 ? heap->nodes[0] : NULL;
}

void heap_drop(struct heap *heap, struct heap_node *node)
{
	size_t slot = node->slot;
	struct heap_node *last;

	assert(heap != NULL);
	if (slot == 0)
		return;
	assert(slot <= heap->count && heap->nodes[slot - 1] == node);
	node->slot = 0;
	last = heap->nodes[--heap->count];
	if (last == node)
		return;
	if (slot > 1 && before(last, heap->nodes[slot / 2 - 1]))
		sift_up(heap, slot, last);
	else
		sift_down(heap, slot, last);
}

struct heap_node *heap_pop(struct heap *heap)
{
	struct heap_node *top = heap_top(heap);

	if (top != NULL)
		heap_drop(heap, top);
	return top;
}
