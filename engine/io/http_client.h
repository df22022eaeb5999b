/* SPDX-License-Identifier: Apache-2.0
 *
 * http_client - outbound HTTP: one loop over many transfers (libcurl multi).
 *
 * The owner runs the loop on its own thread (the delivery thread) with
 * http_client_turn; everything here belongs to that thread, except
 * http_client_wake. Completions are called from within a turn.
 *
 * I1  `done` is called exactly once per started transfer, also when cancelled.
 * I2  `sent` is conservative: false only when it is certain that no byte of the
 *     request reached the peer's connection (never connected, name not
 *     resolved, refused by policy, or by a proxy that asked for a password first).
 * I3  No redirect is followed, no cookie, .netrc, proxy from the environment or other
 *     ambient setting is used; http and https only; TLS is verified.
 * I4  A connection to a private, loopback or link-local address is refused at
 *     connect time unless the pool allows it; pools never share connections. Through
 *     a proxy the connection is the proxy's, and it is the proxy that resolves the
 *     host's name: then such addresses are refused where the URL itself writes them.
 * I5  A request leaves at most once, except GET and HEAD: when a kept connection
 *     turns out to be dead, libcurl would send again by itself, although the
 *     first copy may have been received. That is let through for GET and HEAD
 *     (RFC 9110 9.2.2); any other method ends as HTTP_NO_REPLY with `sent`.
 *
 * Names are resolved on threads of libcurl's, so a slow name server delays its
 * own transfer only. The process must ignore SIGPIPE.
 * Never: prints a URL or header (they may hold secrets). */
#ifndef TAPPET_IO_HTTP_CLIENT_H
#define TAPPET_IO_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/text.h"

struct http_client;

struct http_header {
	struct text name, value; /* value without CR, LF, NUL: http_client_start refuses others */
};

enum http_pool { HTTP_PUBLIC_ONLY, HTTP_ANY_ADDRESS };

struct http_call {
	const char *method; /* "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD" */
	struct text url;    /* absolute http or https */
	const struct http_header *headers;
	size_t header_count;
	struct text body; /* may be empty */
	enum http_pool pool;
	struct text proxy;      /* http or https URL, may hold user:password; empty: none */
	bool proxy_any_address; /* it may be at a private address */
	struct text ca;     /* PEM: the only authorities that are trusted; empty: the system's */
	int64_t timeout_ms; /* whole transfer */
	size_t reply_limit; /* body bytes; a longer reply is cut off and errs */
};

enum http_end {
	HTTP_REPLIED,  /* a complete status line and the whole body */
	HTTP_CUT,      /* a status line came, the body is incomplete */
	HTTP_NO_REPLY, /* no complete status line; see `sent` */
	HTTP_REFUSED,  /* by us: URL, policy (private address), header bytes */
	HTTP_CANCELLED,
	HTTP_TOO_LARGE, /* a status line came, the body exceeds reply_limit */
};

struct http_outcome {
	enum http_end end;
	bool sent;        /* bytes of the request may have left (I2) */
	int status;       /* 0: none */
	struct text body; /* borrowed for the call of done */
	struct text content_type;
	struct text retry_after; /* the header's value, else empty; so are these */
	struct text etag, last_modified, link;
	struct text location; /* never followed */
	struct text date;     /* the header's value, or empty */
	const char *error;    /* for people, without URL and secrets: "could not connect: connection
				 refused" */
	int64_t started, ended; /* monotonic ms */
};

typedef void (*http_done)(void *of, const struct http_outcome *outcome);

struct http_client *
http_client_new(struct clock clock);               /* NULL when memory or descriptors are out */
void http_client_free(struct http_client *client); /* cancels what is under way (calls done) */

/* Starts a transfer; everything in `call` is copied. Refusals are reported
 * through `done` from the next turn, like any other end. NULL when memory is
 * out or the client is being freed: nothing was started, `done` isn't called.
 * The transfer is valid until its `done` returns. Content-Length and
 * Transfer-Encoding are refused as headers; HEAD never carries a body. */
struct http_transfer;
struct http_transfer *http_client_start(struct http_client *client, const struct http_call *call,
					http_done done, void *of);
void http_client_cancel(struct http_client *client,
			struct http_transfer *transfer); /* done: next turn */

/* Descriptors of the owner that the loop also waits on (queues). At most 8. */
bool http_client_watch(struct http_client *client, int fd, void (*ready)(void *of), void *of);

/* Waits at most wait_ms (-1: no limit) for sockets, watched descriptors or a wake,
 * then handles all that is ready. */
void http_client_turn(struct http_client *client, int64_t wait_ms);
void http_client_wake(struct http_client *client); /* any thread */

size_t http_client_active(const struct http_client *client);

/* True for addresses that HTTP_PUBLIC_ONLY refuses: loopback, private,
 * link-local, unique-local, unspecified, multicast, mapped and translated forms
 * of those (RFC 6890). */
struct sockaddr;
bool http_address_is_private(const struct sockaddr *address);

#endif
