/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server - the thread that serves; see http_server.h. It, http_server_door.c,
 * http_server_guests.c and http_server_request.c are the only places that call libmicrohttpd.
 *
 * One daemon per listening address (while a certificate is renewed more), all run by one thread of
 * ours, which polls their epoll descriptors and the eventfd of the mailbox. Other threads touch the
 * mailbox (mutex) and the counters (atomics) and nothing else.
 *
 * Ownership: http_server_stop frees everything; requests are in their pool by then. */
#include <assert.h>
#include <poll.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/io/http_server_internal.h"

#define STOP_PATIENCE 2000 /* ms for the last answers to leave; slow readers lose theirs */

/* --- replies from other threads ----------------------------------------- */

void http_reply(struct http_server *server, const struct http_reply *replies, size_t count)
{
	assert(server != NULL);
	assert(replies != NULL || count == 0);
	if (count == 0 || http_mailbox_put(&server->mailbox, replies, count) || count == 1)
		return; /* not even one: it stays parked and is answered 503 at the stop */
	/* Memory is short: perhaps it is there for fewer at a time. */
	http_reply(server, replies, count / 2);
	http_reply(server, replies + count / 2, count - count / 2);
}

/* --- the thread --------------------------------------------------------- */

static void server_quiesce(struct http_server *server)
{
	server->draining = true;
	for (size_t i = 0; i < server->site_count; i++)
		http_doors_quiesce(&server->sites[i]);
}

static void take_renewed(struct http_server *server, struct site *site)
{
	struct http_pair *pair;

	pthread_mutex_lock(&server->mailbox.lock);
	pair = site->renewed;
	site->renewed = NULL;
	pthread_mutex_unlock(&server->mailbox.lock);
	if (pair == NULL)
		return;
	http_pair_free(site->wanted);
	site->wanted = pair;
}

static void read_mailbox(struct http_server *server)
{
	struct http_mail mail = http_mailbox_take(&server->mailbox);

	for (struct http_batch *batch = mail.first; batch != NULL; batch = batch->next)
		http_server_deliver(server, batch);
	http_batches_free(mail.first);
	for (size_t i = 0; i < server->site_count; i++)
		take_renewed(server, &server->sites[i]);
	if ((mail.drain || mail.stop) && !server->draining)
		server_quiesce(server);
	if (mail.stop)
		http_server_refuse_parked(server);
	server->stopping = mail.stop;
}

/* How long poll may wait: the earliest wish of any daemon, and the first who is late. */
static int poll_timeout(const struct http_server *server, struct MHD_Daemon *const *daemons,
			size_t n)
{
	int64_t late = http_guests_wait(server);
	MHD_UNSIGNED_LONG_LONG least =
	    late >= 0 && late < 60000 ? (MHD_UNSIGNED_LONG_LONG)late : 60000;
	MHD_UNSIGNED_LONG_LONG wish;

	for (size_t i = 0; i < n; i++)
		if (MHD_get_timeout(daemons[i], &wish) == MHD_YES && wish < least)
			least = wish;
	return (int)least;
}

static void server_look_at_clock(struct http_server *server)
{
	struct clock clock = clock_system();

	server->now = clock_read(&clock).mono;
}

/* One turn: wait, resume what was answered, let the library work. */
static void server_turn(struct http_server *server, int at_most)
{
	struct MHD_Daemon *daemons[LIMIT_HTTP_SITES * (1 + DOORS_CLOSING)];
	struct pollfd fds[LIMIT_HTTP_SITES * (1 + DOORS_CLOSING) + 1];
	size_t n = 0;
	int timeout;

	for (size_t i = 0; i < server->site_count; i++)
		n += http_doors(&server->sites[i], daemons + n);
	timeout = poll_timeout(server, daemons, n);
	for (size_t i = 0; i < n; i++) {
		const union MHD_DaemonInfo *info =
		    MHD_get_daemon_info(daemons[i], MHD_DAEMON_INFO_EPOLL_FD);

		fds[i] = (struct pollfd){ .fd = info->epoll_fd, .events = POLLIN };
	}
	fds[n] = (struct pollfd){ .fd = server->mailbox.fd, .events = POLLIN };
	if (at_most >= 0 && timeout > at_most)
		timeout = at_most;
	poll(fds, n + 1, timeout); /* an interrupted wait is a turn without events */
	server_look_at_clock(server);
	http_guests_cut(server);
	if (fds[n].revents != 0)
		read_mailbox(server);
	for (size_t i = 0; i < server->site_count; i++) {
		http_doors_turn(&server->sites[i]);
		http_doors_run(&server->sites[i]);
	}
}

static void *server_thread(void *of)
{
	struct http_server *server = of;
	int64_t end;

	server_look_at_clock(server);
	while (!server->stopping)
		server_turn(server, -1);
	end = server->now + STOP_PATIENCE;
	do
		server_turn(server, 20);
	while (server->sending > 0 && server->now < end);
	return NULL;
}

/* --- start and stop ----------------------------------------------------- */

static void server_free(struct http_server *server)
{
	for (size_t i = 0; i < server->site_count; i++)
		http_doors_stop(&server->sites[i]);
	for (size_t i = 0; i < server->request_count; i++) {
		assert(server->requests[i]->state == REQUEST_FREE);
		buf_fini(&server->requests[i]->body);
		mem_free(server->requests[i]);
	}
	mem_free(server->requests);
	http_mailbox_fini(&server->mailbox);
	mem_free(server);
}

static struct http_server *server_make(const struct http_listen *listens, size_t count,
				       const struct http_server_limits *limits)
{
	struct http_server *server = mem_zero(1, sizeof(*server));

	if (server == NULL)
		return NULL;
	server->limits = *limits;
	server->site_count = count;
	server->request_room = count * (1 + DOORS_CLOSING) * limits->connections;
	for (size_t i = 0; i < count; i++)
		server->sites[i] = (struct site){ .server = server,
						  .calls = listens[i].site,
						  .listener = { .fd = -1 } };
	server->requests = mem_zero(server->request_room, sizeof(struct http_request *));
	if (http_mailbox_init(&server->mailbox) && server->requests != NULL)
		return server;
	server_free(server);
	return NULL;
}

static bool site_open(struct site *site, const struct http_tls *tls)
{
	struct http_pair *pair;

	if (tls->certificate.n == 0)
		return http_door_open(site, NULL);
	pair = http_pair_copy(tls);
	return pair != NULL && http_door_open(site, pair);
}

static enum fate sites_open(struct http_server *server, const struct http_listen *listens,
			    char *why, size_t why_room)
{
	enum fate fate = FATE_OK;

	for (size_t i = 0; i < server->site_count && fate == FATE_OK; i++)
		fate =
		    http_listen_open(listens[i].listen, &server->sites[i].listener, why, why_room);
	for (size_t i = 0; i < server->site_count && fate == FATE_OK; i++) {
		if (site_open(&server->sites[i], &listens[i].tls))
			continue;
		snprintf(why, why_room, "cannot serve %s: out of memory or descriptors%s",
			 listens[i].listen,
			 listens[i].tls.certificate.n > 0 ? ", or not with this certificate" : "");
		fate = FATE_RETRY;
	}
	return fate;
}

enum fate http_server_start(const struct http_listen *listens, size_t count,
			    const struct http_server_limits *limits, struct http_server **out,
			    char *why, size_t why_room)
{
	struct http_server *server;
	enum fate fate;

	assert(listens != NULL && limits != NULL && out != NULL);
	assert(why != NULL && why_room > 0);
	assert(count > 0 && count <= LIMIT_HTTP_SITES);
	assert(limits->connections > 0 && limits->header_bytes > 0);
	*out = NULL;
	why[0] = '\0';
	server = server_make(listens, count, limits);
	if (server == NULL) {
		snprintf(why, why_room, "out of memory or descriptors");
		return FATE_RETRY;
	}
	fate = sites_open(server, listens, why, why_room);
	if (fate == FATE_OK && pthread_create(&server->thread, NULL, server_thread, server) != 0) {
		snprintf(why, why_room, "cannot start a thread");
		fate = FATE_RETRY;
	}
	if (fate != FATE_OK)
		server_free(server);
	else
		*out = server;
	return fate;
}

unsigned http_server_port(const struct http_server *server, size_t site)
{
	assert(server != NULL && site < server->site_count);
	return server->sites[site].listener.port;
}

void http_server_drain(struct http_server *server)
{
	assert(server != NULL);
	http_mailbox_ask(&server->mailbox, false);
}

void http_server_stop(struct http_server *server)
{
	if (server == NULL)
		return;
	http_mailbox_ask(&server->mailbox, true);
	pthread_join(server->thread, NULL);
	server_free(server);
}

bool http_server_renew(struct http_server *server, size_t site, const struct http_tls *tls)
{
	struct http_pair *pair, *unused;

	assert(server != NULL && site < server->site_count && tls != NULL);
	pair = http_pair_copy(tls);
	if (pair == NULL)
		return false;
	pthread_mutex_lock(&server->mailbox.lock);
	unused = server->sites[site].renewed;
	server->sites[site].renewed = pair;
	pthread_mutex_unlock(&server->mailbox.lock);
	http_pair_free(unused);
	http_mailbox_wake(&server->mailbox);
	return true;
}

struct http_server_stats http_server_stats(const struct http_server *server)
{
	assert(server != NULL);
	return (struct http_server_stats){
		.requests = atomic_load_explicit(&server->requests_seen, memory_order_relaxed),
		.parked = atomic_load_explicit(&server->parked, memory_order_relaxed),
		.connections = atomic_load_explicit(&server->connections, memory_order_relaxed),
		.body_bytes = atomic_load_explicit(&server->body_bytes, memory_order_relaxed),
	};
}
