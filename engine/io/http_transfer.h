/* SPDX-License-Identifier: Apache-2.0
 *
 * http_transfer - one request and its reply: libcurl's easy handle, the memory
 * of the request, what has come of the reply, and what its end means.
 *
 * Private to http_client, which keeps transfers in lists and drives them.
 * Ownership: the transfer owns its easy handle, request block and reply body,
 * and keeps all three for the next request. */
#ifndef TAPPET_IO_HTTP_TRANSFER_H
#define TAPPET_IO_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "engine/base/buf.h"
#include "engine/io/http_client.h"
#include "engine/io/http_message.h"
#include "engine/io/http_watch.h"

struct http_transfer {
	struct http_client *client;
	struct http_watches *watches;
	CURL *easy;
	struct http_transfer *next, *prev; /* active; ended and spare use next only */
	http_done done;
	void *of;
	bool active;
	bool may_repeat;           /* GET, HEAD */
	bool sent, opened, denied; /* a request began; a socket was made; an address was refused */
	bool too_large;
	bool turned_back;   /* by the proxy, which asked for a password */
	bool any_address;   /* that it connects to may be private */
	bool proxied, once; /* once: its handle has settings that the next request must not find */
	enum http_pool policy;
	struct http_head head;
	struct buf body;
	char *block; /* the request: URL, header list, body */
	size_t block_room;
	enum http_end end; /* for those that end without libcurl */
	const char *error;
	char error_text[96];
	int64_t started;
};

/* An easy handle with everything set that doesn't change between requests; NULL
 * when memory is out. */
struct http_transfer *http_transfer_new(struct http_client *client, struct http_watches *watches);
void http_transfer_free(struct http_transfer *transfer);

/* Forgets the last request; then (if the call is fine) http_transfer_prepare
 * copies the call and sets up the handle. False when memory is out. */
void http_transfer_reset(struct http_transfer *transfer, const struct http_call *call, int64_t now);
bool http_transfer_prepare(struct http_transfer *transfer, const struct http_call *call);

void http_transfer_trim(struct http_transfer *transfer); /* gives large buffers back */

/* The URL writes out a host that HTTP_PUBLIC_ONLY refuses, or none that can be read. */
bool http_transfer_is_private(struct text url);

/* When it is over, before it is judged: a proxy's refusal isn't the host's reply. */
void http_transfer_settle(struct http_transfer *transfer);

/* What libcurl's result means, and a sentence for it that holds no URL. The
 * sentence may be the transfer's until the next reset. */
enum http_end http_transfer_end(const struct http_transfer *transfer, CURLcode code);
const char *http_transfer_error(struct http_transfer *transfer, enum http_end end, CURLcode code);

#endif
