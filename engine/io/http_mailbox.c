/* SPDX-License-Identifier: Apache-2.0
 *
 * http_mailbox - a list under a mutex and an eventfd; see http_mailbox.h.
 *
 * A wake-up can't be lost: the reader resets the eventfd before it takes the
 * list, and whoever puts into an empty list writes the eventfd afterwards. */
#include "engine/io/http_mailbox.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/mem.h"

bool http_mailbox_init(struct http_mailbox *box)
{
	assert(box != NULL);
	*box = (struct http_mailbox){ .lock = PTHREAD_MUTEX_INITIALIZER };
	box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return box->fd >= 0;
}

void http_mailbox_fini(struct http_mailbox *box)
{
	assert(box != NULL);
	http_batches_free(box->first);
	if (box->fd >= 0)
		close(box->fd);
	pthread_mutex_destroy(&box->lock);
}

void http_batches_free(struct http_batch *first)
{
	while (first != NULL) {
		struct http_batch *next = first->next;

		mem_free(first);
		first = next;
	}
}

void http_mailbox_wake(struct http_mailbox *box)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(box->fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* EAGAIN: the counter is full, so the reader is awake anyway. */
}

/* One block with the replies and their bodies, or NULL. */
static struct http_batch *batch_copy(const struct http_reply *replies, size_t count)
{
	size_t size = sizeof(struct http_batch) + count * sizeof(struct http_reply);
	struct http_batch *batch;
	char *at;

	for (size_t i = 0; i < count; i++)
		size += replies[i].answer.body.n;
	batch = mem_alloc(size);
	if (batch == NULL)
		return NULL;
	batch->next = NULL;
	batch->count = count;
	at = (char *)(batch->replies + count);
	for (size_t i = 0; i < count; i++) {
		struct text *body = &batch->replies[i].answer.body;

		batch->replies[i] = replies[i];
		if (body->n > 0)
			memcpy(at, body->s, body->n);
		body->s = at;
		at += body->n;
	}
	return batch;
}

bool http_mailbox_put(struct http_mailbox *box, const struct http_reply *replies, size_t count)
{
	struct http_batch *batch;
	bool was_empty;

	assert(box != NULL && replies != NULL && count > 0);
	batch = batch_copy(replies, count);
	if (batch == NULL)
		return false;
	pthread_mutex_lock(&box->lock);
	was_empty = box->first == NULL;
	if (was_empty)
		box->first = batch;
	else
		box->last->next = batch;
	box->last = batch;
	pthread_mutex_unlock(&box->lock);
	if (was_empty)
		http_mailbox_wake(box);
	return true;
}

void http_mailbox_ask(struct http_mailbox *box, bool stop)
{
	assert(box != NULL);
	pthread_mutex_lock(&box->lock);
	if (stop)
		box->stop = true;
	else
		box->drain = true;
	pthread_mutex_unlock(&box->lock);
	http_mailbox_wake(box);
}

struct http_mail http_mailbox_take(struct http_mailbox *box)
{
	struct http_mail mail;
	uint64_t times;

	assert(box != NULL);
	if (read(box->fd, &times, sizeof(times)) < 0)
		assert(errno == EAGAIN || errno == EINTR);
	pthread_mutex_lock(&box->lock);
	mail = (struct http_mail){ box->first, box->drain, box->stop };
	box->first = NULL;
	box->last = NULL;
	pthread_mutex_unlock(&box->lock);
	return mail;
}
