/* SPDX-License-Identifier: Apache-2.0
 *
 * sign - the signature of an outgoing request: an HMAC as the connection lays it
 * down, or Standard Webhooks.
 *
 * Pure: the same request at the same time gives the same headers. It is made when
 * a request is sent, so a repeat carries the same id and a fresh time. */
#ifndef TAPPET_DELIVERY_SIGN_H
#define TAPPET_DELIVERY_SIGN_H

#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/io/http_client.h"
#include "engine/rules/config.h"

struct sign_input {
	const char *method;
	struct text url; /* absolute, as it is sent */
	struct text id, body;
	int64_t now; /* wall ms */
};

/* At most three headers; their texts are the signature's and the input's. */
struct signature {
	struct http_header headers[3];
	unsigned count;
	char stamp[TIMETEXT_MAX];
	char value[LIMIT_SIGNING_PREFIX + LIMIT_SIGNING_KEYS * (CRYPTO_MAC_MAX * 2 + 8)];
};

/* False when memory is out. */
bool sign_request(const struct signing *how, const struct sign_input *in, struct signature *out);

#endif
