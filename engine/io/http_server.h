/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server - inbound HTTP: one thread, libmicrohttpd, no decisions.
 *
 * The thread owns all inbound sockets (TCP and unix). For each request it calls
 * the route's `begin` once the headers are there, collects the body within the
 * limit, then calls `done`, which either answers at once or parks the request.
 * A parked request is answered later, from any thread, through its ticket.
 *
 * libmicrohttpd runs with epoll but without a thread of its own (its internal
 * epoll thread sleeps forever when exactly 128 events are ready): our thread
 * polls its epoll descriptor, a reply queue's eventfd and timers, resumes the
 * whole batch of answered requests, then runs it.
 *
 * I1  Every request is answered exactly once, or its connection was closed by
 *     the peer; a ticket is always consumed by http_reply.
 * I2  Nothing here blocks; memory per connection and body is bounded.
 * Never: parses a body, knows a hook, checks a signature. */
#ifndef TAPPET_IO_HTTP_SERVER_H
#define TAPPET_IO_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fate.h"
#include "engine/base/text.h"

struct http_server;
struct http_request; /* valid during begin and done only */

/* Names a parked request across threads; never 0. */
typedef uint64_t http_ticket; /* below 2^63 */

struct http_answer {
	int status;
	struct text body;         /* copied */
	const char *content_type; /* static text; NULL: application/json */
	int retry_after;          /* seconds, header sent when > 0 */
	const char *allow;        /* static text for 405; NULL: none */
	/* CloudEvents' webhook handshake; only from `begin` and `done`. */
	const char *allowed_origin; /* WebHook-Allowed-Origin, NULL: no consent; a header of the
				       request, or static text */
	int64_t allowed_rate;       /* WebHook-Allowed-Rate, requests a minute; 0: "*" */
};

enum http_next {
	HTTP_ANSWERED, /* *answer is filled and is sent */
	HTTP_GO_ON,    /* begin: receive the body, then call done */
	HTTP_PARKED,   /* done: somebody will call http_reply with the ticket */
};

/* What a listening address serves. Called on the server's thread; must not
 * block. `of` is the site's. */
struct http_site {
	/* Headers are in. May refuse early (404, 405, 413, 415) by filling *answer
	 * and returning HTTP_ANSWERED; else returns HTTP_GO_ON and sets *body_limit.
	 * The server itself answers 413 when the body is declared or grows larger. */
	enum http_next (*begin)(void *of, const struct http_request *request, size_t *body_limit,
				struct http_answer *answer);
	/* The body is complete. HTTP_ANSWERED or HTTP_PARKED. `body` is borrowed for
	 * the call; an answer may quote it. */
	enum http_next (*done)(void *of, const struct http_request *request, struct text body,
			       http_ticket ticket, struct http_answer *answer);
	void *of;
};

struct text http_request_method(const struct http_request *request);
struct text http_request_path(const struct http_request *request); /* decoded, no query */
struct text http_request_header(const struct http_request *request,
				const char *name); /* s NULL: absent */
struct text http_request_query(const struct http_request *request, const char *name);
/* Visits all headers; names as sent. */
void http_request_headers(const struct http_request *request,
			  void (*visit)(void *of, struct text name, struct text value), void *of);
/* The Content-Length, or -1 when chunked or absent. */
int64_t http_request_length(const struct http_request *request);

struct http_server_limits {
	unsigned connections; /* per listening address; further ones wait in the kernel's backlog */
	unsigned idle_seconds;   /* connection time-out */
	size_t header_bytes;     /* memory per connection for headers */
	size_t body_bytes_total; /* bodies being received or parked, all together; beyond it 429 */
	/* Within which a request has come whole, counted from the end of the one before, and then
	 * its answer is taken; who is slower is cut off. 0: no bound */
	unsigned request_seconds;
};

/* Binds and starts the thread. `listen` is "HOST:PORT" ("127.0.0.1:0" picks a free port,
 * "[::1]:8080" and
 * ":8080" work) or "unix:PATH" (mode 0600, a stale socket is replaced). At most 4 sites.
 * FATE_REJECT: `why` says what is wrong with the address, e.g. in use. Sites are started together
 * so that none serves before all are bound. */
struct http_tls {
	struct text certificate; /* PEM: the server's, then those between it and the authority */
	struct text key;         /* PEM, not encrypted */
};

struct http_listen {
	const char *listen;
	struct http_site site;
	struct http_tls tls; /* empty: none; copied */
};

enum fate http_server_start(const struct http_listen *listens, size_t count,
			    const struct http_server_limits *limits, struct http_server **out,
			    char *why, size_t why_room);

/* Uses another certificate for connections that come from now on, from any thread; those that are
 * open finish with theirs. The pair is copied. False when memory is out. A site that began without
 * TLS has none. A pair that the library can't use is logged, and the one before stays. */
bool http_server_renew(struct http_server *server, size_t site, const struct http_tls *tls);

/* The port a TCP site is bound to (0 for unix). */
unsigned http_server_port(const struct http_server *server, size_t site);

/* Answers parked requests, from any thread. The whole batch wakes the server
 * once. Tickets that were answered before or whose client is gone are ignored.
 * When memory is out, a request stays parked until the stop. */
struct http_reply {
	http_ticket ticket;
	struct http_answer answer;
};
void http_reply(struct http_server *server, const struct http_reply *replies, size_t count);

/* Stops accepting new connections and new requests (503 to those on open connections); parked ones
 * may still be answered until http_server_stop. */
void http_server_drain(struct http_server *server);

/* Answers what is still parked with 503, closes, joins the thread, frees. */
void http_server_stop(struct http_server *server);

struct http_server_stats {
	uint64_t requests, parked, connections, body_bytes;
};
struct http_server_stats http_server_stats(const struct http_server *server);

#endif
