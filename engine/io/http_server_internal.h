/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server_internal - what the server's files share: http_server_request.c is one request
 * from its first byte to its answer, http_server_door.c the library's daemons,
 * http_server_guests.c how long a connection may take, http_server.c the thread that
 * runs them, and start and stop.
 *
 * All of it but the mailbox and the atomic counters is the server's thread's. */
#ifndef TAPPET_IO_HTTP_SERVER_INTERNAL_H
#define TAPPET_IO_HTTP_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/io/http_listen.h"
#include "engine/io/http_mailbox.h"
#include "engine/io/http_server.h"

enum request_state {
	REQUEST_FREE,
	REQUEST_RECEIVING,
	REQUEST_DISCARDING,
	REQUEST_PARKED,
	REQUEST_READY,
	REQUEST_SENDING,
};

/* Daemons of one address that only finish what they have: each renewal of a certificate leaves
 * one. Were there no bound, a sender that never ends a request could make them pile up. */
#define DOORS_CLOSING 3

/* One daemon of the library, with the certificate that it was started with. */
struct door {
	struct MHD_Daemon *daemon;
	struct http_pair *pair; /* owned; NULL: no TLS */
};

struct site {
	struct http_server *server;
	struct http_site calls;
	struct http_listener listener;
	struct door door;                   /* accepts */
	struct door closing[DOORS_CLOSING]; /* the first closing_count accept nothing more */
	size_t closing_count;
	struct http_pair *renewed; /* under the mailbox's lock: to be used from now on, owned */
	struct http_pair *wanted;  /* the thread's: waits for room among those that close, owned */
	bool closed_one;           /* in the present run */
};

struct http_request {
	struct site *site;
	struct MHD_Connection *connection;
	const char *method, *path;     /* the library's, while the request is in use */
	struct MHD_Response *response; /* owned until queued */
	int status;
	enum request_state state;
	uint32_t index, generation;
	struct buf body;
	size_t limit;
	size_t counted; /* bytes in server->held */
	uint64_t discarded;
	struct http_request *next_free;
};

struct http_guest;

struct http_server {
	struct site sites[LIMIT_HTTP_SITES];
	size_t site_count;
	struct http_server_limits limits;
	pthread_t thread;
	struct http_mailbox mailbox;

	struct http_request **requests; /* by index; the first request_count exist */
	size_t request_count, request_room;
	struct http_request *free;
	size_t held;
	size_t sending;                      /* requests in SENDING */
	bool draining, stopping;             /* the thread's view */
	int64_t now;                         /* monotonic ms, of this turn */
	struct http_guest *longest, *latest; /* connections that keep us waiting */

	atomic_uint_fast64_t requests_seen, parked, body_bytes, connections;
};

/* ---- http_server_request.c: the library's callbacks; `of` is the site. ---- */

void *http_server_on_uri(void *of, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_server_on_access(void *of, struct MHD_Connection *connection, const char *url,
				      const char *method, const char *version,
				      const char *upload_data, size_t *upload_data_size,
				      void **con_cls);
void http_server_on_completed(void *of, struct MHD_Connection *connection, void **con_cls,
			      enum MHD_RequestTerminationCode code);

/* Answers those of the batch that still wait. */
void http_server_deliver(struct http_server *server, const struct http_batch *batch);

/* ---- http_server_guests.c: how long a connection may keep us waiting. ---- */

/* A connection came; what to keep with it, NULL: memory is out, and it is on its way out. */
void *http_guest_comes(struct http_server *server, struct MHD_Connection *connection);
void http_guest_goes(struct http_server *server, void *context);
/* From now on it has the whole time again: to take its answer, or for its next request. */
void http_guest_begins(struct http_server *server, struct MHD_Connection *connection);
/* It waits for us now. */
void http_guest_rests(struct http_server *server, struct MHD_Connection *connection);
/* Milliseconds until somebody's time is over, -1: nobody's. */
int64_t http_guests_wait(const struct http_server *server);
/* Cuts off those whose time is over. */
void http_guests_cut(struct http_server *server);

/* ---- http_server_door.c: the library's daemons, one that accepts and those that close. ---- */

/* A copy whose key is wiped when it is freed; NULL when memory is out. */
struct http_pair *http_pair_copy(const struct http_tls *tls);
void http_pair_free(struct http_pair *pair);

/* Opens the site's first door, with TLS if pair (taken over in any case) isn't NULL. */
bool http_door_open(struct site *site, struct http_pair *pair);

/* Takes up certificates that were renewed, and ends daemons that have no connection any more. */
void http_doors_turn(struct site *site);

/* Lets all of the site's daemons work. */
void http_doors_run(struct site *site);

/* All daemons of the site, the accepting one first; 0 before http_door_open. */
size_t http_doors(const struct site *site, struct MHD_Daemon *daemons[1 + DOORS_CLOSING]);

/* Accepts nothing more. */
void http_doors_quiesce(struct site *site);

/* Ends them all. Nothing may be parked. */
void http_doors_stop(struct site *site);

/* Whether this connection's daemon accepts nothing more: its client is to come again. */
bool http_door_is_closing(const struct site *site, struct MHD_Connection *connection);

/* Answers 503 to all that wait: nobody else will any more. */
void http_server_refuse_parked(struct http_server *server);

#endif
