/* SPDX-License-Identifier: Apache-2.0
 *
 * handshake - may a sender of CloudEvents deliver here? The abuse protection of
 * CloudEvents' webhooks (http-webhook.md, section 4), which asks with OPTIONS.
 *
 * I1  Consent is given to the origins that the hook names, to nobody else, and
 *     proves nothing: every delivery still has to pass the hook's scheme.
 * Never: calls WebHook-Request-Callback: who asks doesn't choose whom we call. */
#ifndef TAPPET_SOURCES_HANDSHAKE_H
#define TAPPET_SOURCES_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/text.h"
#include "engine/rules/config.h"

enum handshake {
	HANDSHAKE_CONSENT, /* *rate is granted; 0: any */
	HANDSHAKE_STRANGER,
	HANDSHAKE_MALFORMED,
};

/* `origin` and `asked` are the values of WebHook-Request-Origin and
 * WebHook-Request-Rate (s NULL: absent). What is granted is never more than what
 * was asked for, nor than what the hook allows. */
enum handshake handshake_answer(const struct hook_config *hook, struct text origin,
				struct text asked, int64_t *rate);

#endif
