/* SPDX-License-Identifier: Apache-2.0
 *
 * queue - a list under a mutex, and an eventfd that says it is not empty.
 *
 * The eventfd is written when the list turns from empty to not empty, and read
 * in the same critical section that empties the list: a wake-up can't be lost.
 * The lock is held for a few instructions; nobody waits in it. */
#include "engine/base/queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/mem.h"

struct queue {
	pthread_mutex_t lock;
	struct queue_item *head, *tail;
	size_t count, weight;
	size_t limit, bytes; /* ceilings of the two above */
	int fd;
};

struct queue *queue_new(size_t limit, size_t bytes)
{
	struct queue *queue = mem_zero(1, sizeof(*queue));

	assert(limit > 0 && bytes > 0);
	if (queue == NULL)
		return NULL;
	queue->limit = limit;
	queue->bytes = bytes;
	queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (queue->fd < 0) {
		mem_free(queue);
		return NULL;
	}
	if (pthread_mutex_init(&queue->lock, NULL) != 0) {
		close(queue->fd);
		mem_free(queue);
		return NULL;
	}
	return queue;
}

void queue_free(struct queue *queue)
{
	if (queue == NULL)
		return;
	assert(queue->head == NULL);
	pthread_mutex_destroy(&queue->lock);
	close(queue->fd);
	mem_free(queue);
}

void queue_wake(struct queue *queue)
{
	uint64_t one = 1;
	ssize_t n;

	assert(queue != NULL);
	n = write(queue->fd, &one, sizeof(one));
	/* EAGAIN means the counter is full: then it is readable already. */
	(void)n;
}

static void append_all(struct queue *queue, struct queue_item *items)
{
	bool was_empty = queue->head == NULL;

	if (was_empty)
		queue->head = items;
	else
		queue->tail->next = items;
	for (; items != NULL; items = items->next) {
		queue->tail = items;
		queue->count++;
		queue->weight += items->weight;
	}
	if (was_empty)
		queue_wake(queue);
}

static void append(struct queue *queue, struct queue_item *item)
{
	item->next = NULL;
	append_all(queue, item);
}

bool queue_push(struct queue *queue, struct queue_item *item)
{
	bool fits;

	assert(queue != NULL);
	assert(item != NULL);
	pthread_mutex_lock(&queue->lock);
	fits = queue->count < queue->limit && queue->weight <= queue->bytes &&
	       item->weight <= queue->bytes - queue->weight;
	if (fits)
		append(queue, item);
	pthread_mutex_unlock(&queue->lock);
	return fits;
}

void queue_force(struct queue *queue, struct queue_item *item)
{
	assert(queue != NULL);
	assert(item != NULL);
	pthread_mutex_lock(&queue->lock);
	append(queue, item);
	pthread_mutex_unlock(&queue->lock);
}

void queue_force_all(struct queue *queue, struct queue_item *items)
{
	assert(queue != NULL);
	if (items == NULL)
		return;
	pthread_mutex_lock(&queue->lock);
	append_all(queue, items);
	pthread_mutex_unlock(&queue->lock);
}

struct queue_item *queue_take(struct queue *queue)
{
	struct queue_item *all;
	uint64_t wakes;
	ssize_t n;

	assert(queue != NULL);
	pthread_mutex_lock(&queue->lock);
	n = read(queue->fd, &wakes, sizeof(wakes));
	(void)n; /* EAGAIN: nobody has written, nothing to reset */
	all = queue->head;
	queue->head = queue->tail = NULL;
	queue->count = queue->weight = 0;
	pthread_mutex_unlock(&queue->lock);
	return all;
}

int queue_fd(const struct queue *queue)
{
	assert(queue != NULL);
	return queue->fd;
}

size_t queue_depth(struct queue *queue)
{
	size_t count;

	assert(queue != NULL);
	pthread_mutex_lock(&queue->lock);
	count = queue->count;
	pthread_mutex_unlock(&queue->lock);
	return count;
}
