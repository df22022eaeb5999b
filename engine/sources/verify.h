/* SPDX-License-Identifier: Apache-2.0
 *
 * verify - does a webhook come from who knows the hook's secret?
 *
 * Every scheme signs the bytes as they were sent, so this runs before anything
 * is parsed.
 * I1  Fails closed: a missing header, an empty secret, an option that wasn't
 *     given and spent memory all mean no.
 * I2  The sender's answer is yes or no; only the operator is told which check failed, in
 *     words of the configuration, never of the request.
 * I3  Signatures and tokens are compared in constant time, over decoded bytes.
 * I4  The work is bounded: LIMIT_SIGNATURE bytes of header, LIMIT_SIGNATURES
 *     signatures, one MAC over the body for each configured secret.
 * Ownership: borrows everything; *sender_id points into the request's headers.
 * Never: keeps state. A repeat within the tolerance is recognised by its id,
 * later and elsewhere. */
#ifndef TAPPET_SOURCES_VERIFY_H
#define TAPPET_SOURCES_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/text.h"
#include "engine/rules/config.h"

struct verify_request {
	/* The value of a header, found without regard to case; s NULL: absent. */
	struct text (*header)(const void *of, const char *name);
	/* The value of a parameter of the URL, decoded; s NULL: absent. May be NULL: none. */
	struct text (*query)(const void *of, const char *name);
	const void *of;
	struct text body; /* as received, compressed or not */
	int64_t now_wall_ms;
};

/* True when one of the hook's secrets proves the request. *sender_id is then the
 * signed id of the message (standard-webhooks; hmac with {id}), else empty.
 *
 *   none               everything is accepted
 *   hindsite           X-Webhook-Signature: hex HMAC-SHA256 of the body
 *   github             X-Hub-Signature-256: sha256=HEX
 *   standard-webhooks  www.standardwebhooks.com: v1 (HMAC) and v1a (ed25519)
 *   hmac               as the hook's options say
 *   bearer             Authorization: Bearer SECRET, or ?access_token= (RFC 6750)
 *   stripe             Stripe-Signature: t=SECONDS,v1=HEX of "SECONDS.body"
 *   slack              X-Slack-Signature: v0=HEX of "v0:SECONDS:body"
 *   basic              Authorization: Basic, the hook's user with a secret (RFC 7617) */
bool verify_request(const struct hook_config *hook, const struct verify_request *r,
		    struct text *sender_id);

/* Why a request that verify_request refused was refused, for the log: a header that isn't there,
 * a prefix, a time. Written to out, cut where it is too long. */
void verify_tell(const struct hook_config *hook, const struct verify_request *r, char *out,
		 size_t room);

#endif
