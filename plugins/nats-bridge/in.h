/* SPDX-License-Identifier: Apache-2.0
 *
 * in - messages of a JetStream stream to events of the engine, by a durable pull consumer.
 *
 * I1  A message is acknowledged when the event is on the engine's disk, not before.
 * I2  A message that is delivered again has the same id, so the engine knows the repeat:
 *     its Nats-Msg-Id, else its sequence in the stream and the time it was stored at.
 * I3  At most IN_MOST messages are held.
 *
 * What is no JSON, or refused by the engine for good, is terminated, and said on stderr. A
 * thread of its own fetches; everything else happens on the plugin's. */
#ifndef NATS_BRIDGE_IN_H
#define NATS_BRIDGE_IN_H

#include <nats/nats.h>
#include <stdbool.h>

#include "tappet_plugin.h"

#define IN_MOST 256

struct in;

struct in_options {
	const char *stream, *subject, *durable;
	int wake; /* eventfd that in_work is called for */
};

/* NULL: memory is out. */
struct in *in_new(struct tappet_plugin *p, natsConnection *nc, const struct in_options *options);
void in_work(struct in *in); /* what has come */
void in_emitted(struct in *in, const struct tappet_message *emitted);
void in_stop(struct in *in);  /* no further ones; those that weren't emitted are given back */
void in_close(struct in *in); /* waits for the thread, a second or two */
void in_free(struct in *in);  /* when the connection is closed, and not yet destroyed */

#endif
