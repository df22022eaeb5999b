/* SPDX-License-Identifier: Apache-2.0
 *
 * http_message - what may be written into a request, and what is read from the
 * head of a reply (RFC 9110, RFC 9112).
 *
 * Ownership: nothing here owns anything. */
#ifndef TAPPET_IO_HTTP_MESSAGE_H
#define TAPPET_IO_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/text.h"
#include "engine/io/http_client.h"

/* NULL, or what is wrong with the URL or the headers, for people. */
const char *http_message_check(const struct http_call *call);

bool http_message_has(const struct http_call *call, struct text name); /* any case */

#define LINK_TOO_LONG "?" /* no Link field can be read as that */

/* The head of a reply as far as it has come. Values that don't fit are cut. */
struct http_head {
	int status;   /* of the latest complete status line, also 1xx; 0: none */
	bool done;    /* the empty line after a final status line came */
	size_t bytes; /* of all lines */
	char content_type[128], retry_after[64], location[512], date[64];
	char etag[256], last_modified[64]; /* empty, too, when they don't fit: they are compared */
	char link[2048]; /* all fields joined with ", "; LINK_TOO_LONG when they don't fit */
};

/* Takes one line with its end; false when the head exceeds LIMIT_HTTP_HEADERS. */
bool http_head_take(struct http_head *head, struct text line);

#endif
