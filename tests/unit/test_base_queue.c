/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of base/queue, and of what several threads share; also run under\n * ThreadSanitizer.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/queue.h"
#include "engine/base/secret.h"
#include "tests/unit/unit_main.h"

static bool readable(const struct queue *q, int timeout)
{
	struct pollfd p = { .fd = queue_fd(q), .events = POLLIN };

	return poll(&p, 1, timeout) == 1;
}

START_TEST(items_come_in_order_and_at_once)
{
	struct queue *q = queue_new(10, 1000);
	struct queue_item items[3] = { 0 }, *got;

	ck_assert_ptr_null(queue_take(q));
	ck_assert(!readable(q, 0));
	for (int i = 0; i < 3; i++)
		ck_assert(queue_push(q, &items[i]));
	ck_assert(readable(q, 0));
	ck_assert_uint_eq(queue_depth(q), 3);
	got = queue_take(q);
	ck_assert_ptr_eq(got, &items[0]);
	ck_assert_ptr_eq(got->next, &items[1]);
	ck_assert_ptr_eq(got->next->next, &items[2]);
	ck_assert_ptr_null(got->next->next->next);
	ck_assert(!readable(q, 0));
	ck_assert_uint_eq(queue_depth(q), 0);
	queue_wake(q);
	ck_assert(readable(q, 0));
	ck_assert_ptr_null(queue_take(q));
	ck_assert(!readable(q, 0));
	queue_free(q);
	queue_free(NULL);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
	struct queue *q = queue_new(2, 100);
	struct queue_item items[4] = { { NULL, 60 }, { NULL, 41 }, { NULL, 40 }, { NULL, 500 } };

	ck_assert(!queue_push(q, &items[3]));
	ck_assert(queue_push(q, &items[0]));
	ck_assert(!queue_push(q, &items[1])); /* too heavy */
	ck_assert(queue_push(q, &items[2]));
	items[1].weight = 0;
	ck_assert(!queue_push(q, &items[1])); /* too many */
	queue_force(q, &items[3]);
	ck_assert_uint_eq(queue_depth(q), 3);
	ck_assert_ptr_nonnull(queue_take(q));
	ck_assert(queue_push(q, &items[1])); /* the weight went with the items */
	queue_take(q);
	queue_free(q);
}
END_TEST

#define EACH 20000

struct parcel {
	struct queue_item item;
	int from, number;
};

struct producer {
	struct queue *queue;
	struct secret *secret;
	int name;
};

static void *produce(void *of)
{
	struct producer *p = of;

	for (int i = 0; i < EACH; i++) {
		struct parcel *parcel = calloc(1, sizeof(*parcel));

		if (parcel == NULL)
			abort();
		parcel->from = p->name;
		parcel->number = i;
		parcel->item.weight = sizeof(*parcel);
		if (i % 100 == 0)
			queue_force(p->queue, &parcel->item);
		else
			while (!queue_push(p->queue, &parcel->item))
				sched_yield();
		if (i % 1000 == 0)
			log_write(LOG_DEBUG, "parcel", LOG_I("number", i));
	}
	if (!secret_equals(p->secret, TEXT("shared")))
		abort();
	secret_free(p->secret);
	queue_wake(p->queue);
	return NULL;
}

START_TEST(two_producers_lose_nothing)
{
	struct queue *q = queue_new(64, 100000);
	struct secret *secret = secret_new(TEXT("shared"));
	struct producer producers[2] = { { q, secret_ref(secret), 0 },
					 { q, secret_ref(secret), 1 } };
	int next[2] = { 0, 0 };
	pthread_t threads[2];

	secret_free(secret);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	while (next[0] + next[1] < 2 * EACH) {
		struct queue_item *item;

		ck_assert(readable(q, 30000));
		item = queue_take(q);
		while (item != NULL) {
			struct parcel *parcel = (struct parcel *)(void *)item;

			item = item->next;
			ck_assert_int_eq(parcel->number, next[parcel->from]++);
			free(parcel);
		}
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_ptr_null(queue_take(q));
	queue_free(q);
}
END_TEST

UNIT_MAIN("base_queue", items_come_in_order_and_at_once, a_full_queue_refuses,
	  two_producers_lose_nothing)
