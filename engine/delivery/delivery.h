/* SPDX-License-Identifier: Apache-2.0
 *
 * delivery - the one thread that talks to the outside: attempts of actions and
 * fetches of polls, with credentials, rates and breakers.
 *
 * It carries out what a committed batch hands it and reports every end back as
 * an input; it decides nothing about runs. Per target it grants credit (free
 * slots, token bucket, breaker), which the sequencer spends in the commit that
 * records an attempt.
 *
 *   job.c       what crosses the queue
 *   delivery.c  the thread: jobs in, transfers, ends out
 *   ending.c    what an end means: for the sequencer, and of its host
 *   target.c    credit per target
 *   sign.c      signatures of requests
 *   token.c     OAuth tokens: one refresh at a time, one replay after a 401
 *
 * I1  Every job handed over ends in exactly one input, except when the thread is
 *     stopped: what was under way then is in doubt at the next start.
 * I2  Credentials are added here, on the way out, and nowhere else.
 * Ownership: delivery_stop frees it. delivery_hand, delivery_reload: any thread. */
#ifndef TAPPET_DELIVERY_DELIVERY_H
#define TAPPET_DELIVERY_DELIVERY_H

#include "engine/base/clock.h"
#include "engine/base/queue.h"
#include "engine/rules/config.h"
#include "engine/sequencer/record.h"

struct delivery;

/* Starts the thread. Ends go to `inputs` by queue_force. FATE_RETRY when memory,
 * descriptors or threads are out. */
enum fate delivery_start(struct config *config, struct queue *inputs, struct clock clock,
			 struct delivery **out);

/* What somebody else carries out: whether a target is theirs, or, where `method` isn't NULL, an
 * attempt with it. */
struct delivery_elsewhere {
	bool (*has)(void *of, struct text target, const char *method);
	void *of;
};

/* Hands over the attempts, fetches, wanted targets and unused credit of a committed batch, but for
 * what is `elsewhere` (NULL: nothing is) or a plugin has lent. What can't be copied (memory is out)
 * is reported at once as never sent. */
void delivery_hand(struct delivery *delivery, const struct outputs *outputs,
		   const struct delivery_elsewhere *elsewhere);

void delivery_reload(struct delivery *delivery, struct config *config);

/* Cuts what is under way, joins the thread, frees. */
void delivery_stop(struct delivery *delivery);

#endif
