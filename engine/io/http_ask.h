/* SPDX-License-Identifier: Apache-2.0
 *
 * http_ask - one blocking request to our own daemon, for the CLI.
 *
 * Over a Unix socket or TCP; no redirects, no proxy, plain http. The daemon
 * itself uses http_client, never this.
 * Ownership: the caller owns everything; the reply's bytes go to its buffer. */
#ifndef TAPPET_IO_HTTP_ASK_H
#define TAPPET_IO_HTTP_ASK_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/fate.h"
#include "engine/base/text.h"

struct http_ask {
	const char *unix_path; /* NULL: TCP, to `host` */
	const char *host;      /* "127.0.0.1:8081"; "localhost" for a Unix socket */
	const char *method;    /* "GET", "POST", ... */
	const char *path;      /* "/api/v1/events" */
	const char *bearer;    /* token, or NULL */
	struct text body;      /* JSON, may be empty */
	int64_t timeout_ms;
};

/* FATE_OK: *status and `reply` (initialised by the caller, its limit holds) are set. FATE_RETRY
 * with `why` (for people, without the token): nobody answers there, or not completely. FATE_REJECT:
 * the request can't be made. */
enum fate http_ask(const struct http_ask *ask, int *status, struct buf *reply, char *why,
		   size_t why_room);

#endif
