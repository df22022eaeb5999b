/* SPDX-License-Identifier: Apache-2.0
 *
 * http_ask - one blocking request to our own daemon, for the CLI.
 *
 * Over a Unix socket or TCP; no redirects, no proxy, plain http. The daemon
 * itself uses http_client, never this.
 * Ownership: the caller owns everything; the reply's bytes go to its buffer. */
#ifndef TAPPET_IO_HTTP_ASK_H
#define TAPPET_IO_HTTP_ASK_H

#include <stdbool.h>
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

struct http_asked {
	int status;    /* FATE_OK: what it answered */
	bool denied;   /* FATE_RETRY: a daemon's Unix socket is there, but not for this user */
	char why[160]; /* otherwise, for people; without the token */
};

/* FATE_OK: out->status and `reply` (initialised by the caller, its limit holds) are set.
 * FATE_RETRY: nobody answers there, or not completely. FATE_REJECT: the request can't be made. */
enum fate http_ask(const struct http_ask *ask, struct buf *reply, struct http_asked *out);

#endif
