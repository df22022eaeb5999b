/* SPDX-License-Identifier: Apache-2.0
 *
 * queue - a bounded hand-over of items from one set of threads to one thread.
 *
 * Items are linked through their first member, handed over in batches (the
 * consumer takes all at once), and the consumer is woken by an eventfd that it
 * can poll together with its sockets. A full queue refuses: back-pressure.
 * I1  An item is in exactly one place: with its producer, in the queue, or with
 *     the consumer.
 * I2  At most `limit` items or `bytes` of weight are in the queue, except that
 *     an item pushed with queue_force always fits (outcomes of work already
 *     begun, which are bounded by what was begun).
 * Ownership: a pushed item belongs to the queue, a taken one to the consumer. */
#ifndef TAPPET_BASE_QUEUE_H
#define TAPPET_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue_item {
	struct queue_item *next; /* the queue's while queued */
	size_t weight;           /* bytes, set by the producer */
};

struct queue;

struct queue *queue_new(size_t limit, size_t bytes); /* NULL when memory or descriptors are out */
void queue_free(struct queue *queue);                /* must be empty */

bool queue_push(struct queue *queue, struct queue_item *item); /* false: full, item stays yours */
void queue_force(struct queue *queue, struct queue_item *item);

/* Many at once, linked by next: one lock and one wake-up for all of them. NULL: none. */
void queue_force_all(struct queue *queue, struct queue_item *items);

/* All items in the order they came, linked by next, or NULL. Resets the
 * eventfd. */
struct queue_item *queue_take(struct queue *queue);

int queue_fd(const struct queue *queue); /* readable while items wait */
void queue_wake(struct queue *queue);    /* makes the descriptor readable without an item */
size_t queue_depth(struct queue *queue);

#endif
