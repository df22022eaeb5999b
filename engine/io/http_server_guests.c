/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server_guests - how long a connection may keep us waiting.
 *
 * The library's own time-out counts silence only: a client that sends or takes a byte now and then
 * would stay for as long as it likes, and as many of them as there are connections would keep
 * everybody else out. So each connection has a time within which a request must have come whole,
 * counted from the end of the one before, and then as long to take its answer. While we think, that
 * is while it is parked, nothing is counted.
 *
 * I1  Those that keep us waiting are in one list, the longest at its head: all may wait equally
 *     long, and who begins anew goes to its end. Looking costs nothing while nobody is late.
 * Ownership: a guest is made and freed with its connection. All of it is the server's thread's.
 * Never: closes a descriptor, which is the library's. A shutdown makes it notice. */
#include <assert.h>
#include <sys/socket.h>

#include "engine/base/mem.h"
#include "engine/io/http_server_internal.h"

/* One connection. */
struct http_guest {
	struct http_guest *before, *after;
	int64_t since; /* monotonic ms */
	int fd;        /* the connection's */
	bool listed;
};

static struct http_guest *guest_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

static void guest_unlist(struct http_server *server, struct http_guest *guest)
{
	if (!guest->listed)
		return;
	if (guest->before != NULL)
		guest->before->after = guest->after;
	else
		server->longest = guest->after;
	if (guest->after != NULL)
		guest->after->before = guest->before;
	else
		server->latest = guest->before;
	guest->listed = false;
}

static void guest_list(struct http_server *server, struct http_guest *guest)
{
	guest_unlist(server, guest);
	guest->since = server->now;
	guest->before = server->latest;
	guest->after = NULL;
	guest->listed = true;
	if (server->latest != NULL)
		server->latest->after = guest;
	else
		server->longest = guest;
	server->latest = guest;
}

void *http_guest_comes(struct http_server *server, struct MHD_Connection *connection)
{
	int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	struct http_guest *guest;

	assert(server != NULL);
	guest = mem_zero(1, sizeof(*guest));
	if (guest == NULL) { /* without a bound nobody stays */
		(void)shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	guest->fd = fd;
	guest_list(server, guest);
	return guest;
}

void http_guest_goes(struct http_server *server, void *context)
{
	assert(server != NULL);
	if (context != NULL)
		guest_unlist(server, context);
	mem_free(context);
}

void http_guest_begins(struct http_server *server, struct MHD_Connection *connection)
{
	struct http_guest *guest = guest_of(connection);

	if (guest != NULL)
		guest_list(server, guest);
}

void http_guest_rests(struct http_server *server, struct MHD_Connection *connection)
{
	struct http_guest *guest = guest_of(connection);

	if (guest != NULL)
		guest_unlist(server, guest);
}

static int64_t patience(const struct http_server *server)
{
	return (int64_t)server->limits.request_seconds * 1000;
}

int64_t http_guests_wait(const struct http_server *server)
{
	int64_t left;

	assert(server != NULL);
	if (server->longest == NULL || patience(server) == 0)
		return -1;
	left = server->longest->since + patience(server) - server->now;
	return left > 0 ? left : 0;
}

void http_guests_cut(struct http_server *server)
{
	assert(server != NULL);
	while (http_guests_wait(server) == 0) {
		struct http_guest *guest = server->longest;

		guest_unlist(server, guest);
		(void)shutdown(guest->fd, SHUT_RDWR); /* it may have gone by itself */
	}
}
