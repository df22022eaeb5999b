/* SPDX-License-Identifier: Apache-2.0
 *
 * out - events of the engine to JetStream, on PREFIX.<type>.
 *
 * I1  What is acknowledged to the engine is in JetStream, and so is all before it.
 * I2  An event always has the same Nats-Msg-Id: its id. So the stream drops it when it
 *     comes again within its duplicate window.
 * I3  Not more events are kept than the engine gives unacknowledged (its window).
 *
 * When one isn't taken (no stream, no answer), it and those after it that aren't in JetStream
 * are published again after a pause. When the connection was lost and is there again, all
 * that has no answer is published again, before anything new. */
#ifndef NATS_BRIDGE_OUT_H
#define NATS_BRIDGE_OUT_H

#include <nats/nats.h>
#include <stdbool.h>

#include "tappet_plugin.h"

#define OUT_CURSOR "nats"

struct out;

struct out_options {
	const char *prefix;
	bool skip_too_large; /* else the bridge ends at an event that the server's limit forbids */
	int wake, timer;     /* eventfd and timerfd that out_work is called for */
};

/* NULL: memory is out. */
struct out *out_new(struct tappet_plugin *p, natsConnection *nc, const struct out_options *options);

/* False: it can't be published, now or later; said why. Nothing more may be given then. */
bool out_event(struct out *out, const struct tappet_message *event);
bool out_work(struct out *out); /* what JetStream has answered, and what is due again */

/* Waits (a second at most) for what is under way, so that less comes again. */
void out_finish(struct out *out);

/* The connection was lost and is there again: answers to what was published before won't come.
 * False: as of out_work. */
bool out_reconnected(struct out *out);

void out_close(struct out *out); /* when the connection is closed, and not yet destroyed */
void out_free(struct out *out);  /* when no thread of the library is left */

#endif
