/* SPDX-License-Identifier: Apache-2.0
 *
 * escape - bytes from anywhere made fit to be printed.
 *
 * Both functions take the next character of t at *at, move *at past it and
 * write what to print to out, returning its length. Bytes that are not UTF-8
 * become U+FFFD. Callers loop while *at < t.n. */
#ifndef TAPPET_BASE_ESCAPE_H
#define TAPPET_BASE_ESCAPE_H

#include <stddef.h>

#include "engine/base/text.h"

struct buf;

#define ESCAPE_MAX 8 /* bytes that one character may take */

/* For the inside of a JSON string (RFC 8259, section 7). */
size_t escape_json(struct text t, size_t *at, char out[ESCAPE_MAX]);

/* For a terminal: control characters, C1 and the bidirectional overrides
 * included, become U+FFFD, so nothing moves the cursor or reorders a line. */
size_t escape_plain(struct text t, size_t *at, char out[ESCAPE_MAX]);

/* t as a JSON string with its quotes. */
void escape_json_put(struct buf *out, struct text t);

#endif
