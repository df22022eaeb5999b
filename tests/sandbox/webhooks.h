/* SPDX-License-Identifier: Apache-2.0
 *
 * webhooks - HINDSITE's outgoing webhooks: signed, retried, listed, sent again on demand.
 *
 * As https://api-docs.hindsiteind.com/hindsite-api/webhooks describes: X-Webhook-Signature is the
 * hex HMAC-SHA256 of the body, X-Webhook-Timestamp the time of the event. One thread sends them,
 * one after the other; it holds the sandbox's lock only between attempts.
 */
#ifndef SANDBOX_WEBHOOKS_H
#define SANDBOX_WEBHOOKS_H

#include "tests/sandbox/routes.h"

/* The name faults use for it: duplicate, delay, and garbage (a wrong signature). */
#define HOOK_ROUTE "hindsite.webhook"

struct hooks *hooks_new(void);
void hooks_free(struct hooks *hs);
void hooks_clear(struct hooks *hs);

/* The sending thread; false if it can't be started. Stop returns when it has ended. */
bool hooks_start(struct sandbox *sb);
void hooks_stop(struct sandbox *sb);

/* Queues a delivery; does nothing while no URL is set. Called with the sandbox locked. */
void hooks_emit(struct sandbox *sb, const char *action, const char *subject, const json_t *object);

/* Looks at the queue again, after the URL was changed. Called with the sandbox locked. */
void hooks_wake(struct hooks *hs);

/* How many deliveries there are in each state, as a JSON object. */
void hooks_write(const struct hooks *hs, struct text *out);

answer_fn hooks_list;
answer_fn hooks_redeliver;
answer_fn hooks_redeliver_many;

#endif
