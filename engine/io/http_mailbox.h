/* SPDX-License-Identifier: Apache-2.0
 *
 * http_mailbox - what other threads tell the server's thread: answers to parked
 * requests, and to drain or stop.
 *
 * Replies are copied with their bodies into one block per batch; the first
 * batch of an empty mailbox wakes the reader, later ones find it awake.
 * Ownership: a batch belongs to the mailbox until taken, then to the taker. */
#ifndef TAPPET_IO_HTTP_MAILBOX_H
#define TAPPET_IO_HTTP_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

#include "engine/io/http_server.h"

struct http_batch {
	struct http_batch *next;
	size_t count;
	struct http_reply replies[]; /* bodies follow in the same block */
};

struct http_mailbox {
	pthread_mutex_t lock; /* all below but fd */
	struct http_batch *first, *last;
	bool drain, stop;
	int fd; /* eventfd: readable when there is something to take */
};

struct http_mail {
	struct http_batch *first; /* in the order they came; free with http_batches_free */
	bool drain, stop;         /* stay set once asked for */
};

bool http_mailbox_init(struct http_mailbox *box); /* false when descriptors are out */
void http_mailbox_fini(struct http_mailbox *box); /* also after a failed init */

bool http_mailbox_put(struct http_mailbox *box, const struct http_reply *replies, size_t count);
void http_mailbox_ask(struct http_mailbox *box, bool stop); /* else: drain */
void http_mailbox_wake(struct http_mailbox *box);           /* has the reader look */
struct http_mail http_mailbox_take(struct http_mailbox *box);
void http_batches_free(struct http_batch *first);

#endif
