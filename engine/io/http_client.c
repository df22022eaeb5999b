/* SPDX-License-Identifier: Apache-2.0
 *
 * http_client - all calls of curl_multi; see http_client.h. One transfer and its
 * easy handle are http_transfer's.
 *
 * Two multi handles (one per pool, so that a connection made under one address
 * policy is never used under the other) share one epoll descriptor with the
 * owner's descriptors and the wake-up. A table indexed by descriptor says whose
 * event it is.
 *
 * Descriptors stay registered while their connection idles in libcurl's cache:
 * a keep-alive transfer then needs no epoll_ctl at all. This is safe because we
 * open and close these sockets ourselves (OPENSOCKET, CLOSESOCKET) and so know
 * when a number is free again; descriptors that libcurl makes for itself (its
 * resolver) are unregistered as soon as it asks.
 *
 * I5  A transfer is in one list: active (in a multi handle), ended (waits for
 *     its report), or spare.
 * Ownership: the client owns transfers and reuses them. */
#include "engine/io/http_client.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/io/http_transfer.h"

#define POOLS       2
#define EVENTS_ROOM 256 /* handled per turn; more are there in the next */
#define SPARE_MAX   512 /* finished transfers kept for reuse: the busiest load we measure */

struct pool {
	struct http_client *client;
	CURLM *multi;
	uint8_t index;
	int64_t deadline; /* monotonic ms; INT64_MAX: none */
};

struct owner_watch {
	void (*ready)(void *of);
	void *of;
};

struct http_client {
	struct clock clock; /* stamps */
	struct clock timer; /* what libcurl measures with */
	struct pool pools[POOLS];
	int wake; /* eventfd */
	struct http_watches watches;
	struct owner_watch owners[LIMIT_HTTP_WATCHES];
	size_t owner_count;
	struct http_transfer *active, *ended, *ended_last, *spare;
	size_t active_count, spare_count;
	bool closing;
};

static int64_t timer_now(const struct http_client *client)
{
	return clock_read(&client->timer).mono;
}

static int64_t stamp_now(const struct http_client *client)
{
	return clock_read(&client->clock).mono;
}

/* --- descriptors -------------------------------------------------------- */

/* libcurl says what it waits for on a descriptor. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *of, void *socket_of)
{
	struct pool *pool = of;
	struct http_watch *watch = http_watch_at(&pool->client->watches, fd);
	uint32_t events = 0;

	(void)easy;
	(void)socket_of;
	if (watch == NULL)
		return -1;
	watch->wanted = what != CURL_POLL_REMOVE;
	if (!watch->wanted) {
		if (!watch->ours || watch->events != EPOLLIN)
			http_watch_set(&pool->client->watches, fd, 0);
		if (!watch->ours)
			*watch = (struct http_watch){ 0 };
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	watch->kind = WATCH_POOL;
	watch->index = pool->index;
	return http_watch_set(&pool->client->watches, fd, events) ? 0 : -1;
}

static int on_timer(CURLM *multi, long timeout_ms, void *of)
{
	struct pool *pool = of;

	(void)multi;
	pool->deadline = timeout_ms < 0 ? INT64_MAX : timer_now(pool->client) + timeout_ms;
	return 0;
}

static void transfer_unlink(struct http_transfer *transfer)
{
	struct http_client *client = transfer->client;

	assert(transfer->active);
	if (transfer->prev != NULL)
		transfer->prev->next = transfer->next;
	else
		client->active = transfer->next;
	if (transfer->next != NULL)
		transfer->next->prev = transfer->prev;
	transfer->active = false;
	curl_multi_remove_handle(client->pools[transfer->policy].multi, transfer->easy);
}

static void transfer_keep(struct http_transfer *transfer)
{
	struct http_client *client = transfer->client;

	if (client->closing || transfer->once || client->spare_count >= SPARE_MAX) {
		http_transfer_free(transfer);
		return;
	}
	http_transfer_trim(transfer);
	transfer->next = client->spare;
	client->spare = transfer;
	client->spare_count++;
}

static void transfer_report(struct http_transfer *transfer, enum http_end end, const char *error)
{
	struct http_client *client = transfer->client;
	bool status = transfer->head.status >= 200;
	struct http_outcome outcome = {
		.end = end,
		.sent = transfer->sent,
		.status = status ? transfer->head.status : 0,
		.body = buf_view(&transfer->body),
		.content_type = text_of(status ? transfer->head.content_type : ""),
		.retry_after = text_of(status ? transfer->head.retry_after : ""),
		.etag = text_of(status ? transfer->head.etag : ""),
		.last_modified = text_of(status ? transfer->head.last_modified : ""),
		.link = text_of(status ? transfer->head.link : ""),
		.location = text_of(status ? transfer->head.location : ""),
		.date = text_of(status ? transfer->head.date : ""),
		.error = error,
		.started = transfer->started,
		.ended = stamp_now(client),
	};

	client->active_count--;
	transfer->done(transfer->of, &outcome);
	transfer_keep(transfer);
}

static void transfer_finish(struct http_transfer *transfer, CURLcode code)
{
	enum http_end end;
	const char *error;

	http_transfer_settle(transfer);
	end = http_transfer_end(transfer, code);
	error = http_transfer_error(transfer, end, code);
	transfer_unlink(transfer);
	transfer_report(transfer, end, error);
}

/* Ends a transfer from the next turn on. */
static void transfer_end_later(struct http_transfer *transfer, enum http_end end, const char *error)
{
	struct http_client *client = transfer->client;

	transfer->end = end;
	transfer->error = error;
	transfer->next = NULL;
	if (client->ended == NULL)
		client->ended = transfer;
	else
		client->ended_last->next = transfer;
	client->ended_last = transfer;
}

/* --- starting ------------------------------------------------------------ */

static struct http_transfer *transfer_take(struct http_client *client)
{
	struct http_transfer *transfer = client->spare;

	if (transfer == NULL)
		return http_transfer_new(client, &client->watches);
	client->spare = transfer->next;
	client->spare_count--;
	return transfer;
}

static bool transfer_begin(struct http_transfer *transfer, const struct http_call *call)
{
	struct http_client *client = transfer->client;

	if (!http_transfer_prepare(transfer, call))
		return false;
	if (curl_multi_add_handle(client->pools[call->pool].multi, transfer->easy) != CURLM_OK)
		return false;
	transfer->next = client->active;
	if (client->active != NULL)
		client->active->prev = transfer;
	client->active = transfer;
	transfer->active = true;
	return true;
}

struct http_transfer *http_client_start(struct http_client *client, const struct http_call *call,
					http_done done, void *of)
{
	struct http_transfer *transfer;
	const char *wrong;

	assert(client != NULL && call != NULL && done != NULL);
	assert(call->method != NULL && call->timeout_ms > 0);
	assert(call->reply_limit < SIZE_MAX / 2);
	assert(call->pool == HTTP_PUBLIC_ONLY || call->pool == HTTP_ANY_ADDRESS);
	if (client->closing)
		return NULL;
	transfer = transfer_take(client);
	if (transfer == NULL)
		return NULL;
	http_transfer_reset(transfer, call, stamp_now(client));
	transfer->done = done;
	transfer->of = of;
	wrong = http_message_check(call);
	if (wrong == NULL && call->proxy.n > 0 && call->pool == HTTP_PUBLIC_ONLY &&
	    http_transfer_is_private(call->url))
		wrong = "the host has a private address";
	if (wrong == NULL && !transfer_begin(transfer, call)) {
		transfer_keep(transfer);
		return NULL;
	}
	client->active_count++;
	if (wrong != NULL)
		transfer_end_later(transfer, HTTP_REFUSED, wrong);
	return transfer;
}

void http_client_cancel(struct http_client *client, struct http_transfer *transfer)
{
	assert(client != NULL && transfer != NULL);
	assert(transfer->client == client);
	if (!transfer->active)
		return; /* refused or cancelled before; its report is on the way */
	transfer_unlink(transfer);
	transfer_end_later(transfer, HTTP_CANCELLED, "cancelled");
}

/* --- the loop ------------------------------------------------------------ */

static void report_ended(struct http_client *client)
{
	struct http_transfer *transfer = client->ended;

	/* Those that end while these are reported wait for the next turn. */
	client->ended = client->ended_last = NULL;
	while (transfer != NULL) {
		struct http_transfer *next = transfer->next;

		transfer_report(transfer, transfer->end, transfer->error);
		transfer = next;
	}
}

static void collect(struct pool *pool)
{
	struct http_transfer *transfer;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
		assert(message->msg == CURLMSG_DONE);
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		transfer_finish(transfer, message->data.result);
	}
}

static void pool_event(struct http_client *client, int fd, struct http_watch *watch,
		       uint32_t events)
{
	int what = 0, running;

	if (!watch->wanted) { /* the peer closed an idle connection; libcurl finds out itself */
		http_watch_set(&client->watches, fd, 0);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(client->pools[watch->index].multi, fd, what, &running);
}

static void dispatch(struct http_client *client, const struct epoll_event *event)
{
	struct http_watch *watch = &client->watches.at[event->data.fd];
	uint64_t times;

	switch (watch->kind) {
	case WATCH_POOL:
		pool_event(client, event->data.fd, watch, event->events);
		break;
	case WATCH_OWNER:
		client->owners[watch->index].ready(client->owners[watch->index].of);
		break;
	case WATCH_WAKE:
		if (read(client->wake, &times, sizeof(times)) < 0)
			assert(errno == EAGAIN || errno == EINTR);
		break;
	default: /* closed by an earlier event of this turn */
		break;
	}
}

static int64_t earliest(const struct http_client *client)
{
	int64_t a = client->pools[0].deadline, b = client->pools[1].deadline;

	return a < b ? a : b;
}

static int wait_time(const struct http_client *client, int64_t wait_ms)
{
	int64_t deadline = earliest(client);
	int64_t left;

	if (client->ended != NULL)
		return 0;
	if (wait_ms < 0 || wait_ms > 60000)
		wait_ms = wait_ms < 0 ? -1 : 60000;
	if (deadline == INT64_MAX)
		return (int)wait_ms;
	left = deadline - timer_now(client);
	if (left < 0)
		left = 0;
	if (left > 60000)
		left = 60000;
	return wait_ms < 0 || left < wait_ms ? (int)left : (int)wait_ms;
}

static void fire_timers(struct pool *pool)
{
	int running;

	if (pool->deadline == INT64_MAX || pool->deadline > timer_now(pool->client))
		return;
	pool->deadline = INT64_MAX; /* libcurl sets the next one from within the call */
	curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

void http_client_turn(struct http_client *client, int64_t wait_ms)
{
	struct epoll_event events[EVENTS_ROOM];
	int n;

	assert(client != NULL && !client->closing);
	n = epoll_wait(client->watches.epoll, events, EVENTS_ROOM, wait_time(client, wait_ms));
	for (int i = 0; i < n; i++)
		dispatch(client, &events[i]);
	for (int i = 0; i < POOLS; i++)
		fire_timers(&client->pools[i]);
	for (int i = 0; i < POOLS; i++)
		collect(&client->pools[i]);
	report_ended(client);
}

void http_client_wake(struct http_client *client)
{
	uint64_t one = 1;
	ssize_t n;

	assert(client != NULL);
	do
		n = write(client->wake, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* EAGAIN: the counter is full, so the loop is awake anyway. */
}

static bool watch_own(struct http_client *client, int fd, enum http_watch_kind kind, uint8_t index)
{
	struct http_watch *watch = http_watch_at(&client->watches, fd);

	if (watch == NULL)
		return false;
	*watch = (struct http_watch){ .kind = (uint8_t)kind, .index = index };
	return http_watch_set(&client->watches, fd, EPOLLIN);
}

bool http_client_watch(struct http_client *client, int fd, void (*ready)(void *of), void *of)
{
	assert(client != NULL && ready != NULL);
	assert(client->owner_count < LIMIT_HTTP_WATCHES);
	if (!watch_own(client, fd, WATCH_OWNER, (uint8_t)client->owner_count))
		return false;
	client->owners[client->owner_count++] = (struct owner_watch){ ready, of };
	return true;
}

size_t http_client_active(const struct http_client *client)
{
	assert(client != NULL);
	return client->active_count;
}

/* --- life ---------------------------------------------------------------- */

static bool pool_init(struct http_client *client, uint8_t index)
{
	struct pool *pool = &client->pools[index];

	*pool = (struct pool){ client, curl_multi_init(), index, INT64_MAX };
	if (pool->multi == NULL)
		return false;
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_HTTP_IDLE) ==
	       CURLM_OK;
}

static void client_destroy(struct http_client *client)
{
	struct http_transfer *transfer;

	while ((transfer = client->spare) != NULL) {
		client->spare = transfer->next;
		http_transfer_free(transfer);
	}
	for (int i = 0; i < POOLS; i++)
		if (client->pools[i].multi != NULL)
			curl_multi_cleanup(client->pools[i].multi);
	if (client->wake >= 0)
		close(client->wake);
	http_watches_fini(&client->watches);
	mem_free(client);
	curl_global_cleanup();
}

struct http_client *http_client_new(struct clock clock)
{
	struct http_client *client = mem_zero(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) { /* counted by libcurl */
		mem_free(client);
		return NULL;
	}
	client->clock = clock;
	client->timer = clock_system();
	client->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (http_watches_init(&client->watches) && client->wake >= 0 && pool_init(client, 0) &&
	    pool_init(client, 1) && watch_own(client, client->wake, WATCH_WAKE, 0))
		return client;
	client_destroy(client);
	return NULL;
}

void http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	client->closing = true;
	while (client->ended != NULL)
		report_ended(client);
	while (client->active != NULL) {
		struct http_transfer *transfer = client->active;

		transfer_unlink(transfer);
		transfer_report(transfer, HTTP_CANCELLED, "cancelled");
	}
	assert(client->active_count == 0);
	client_destroy(client);
}
