/* SPDX-License-Identifier: Apache-2.0
 *
 * pump - the sequencer's thread: takes what is queued, has it decided, and after
 * the commit hands out what follows: answers to the HTTP server, requests to
 * delivery, jobs and events to plugins.
 *
 * I1  Outputs are handed out only after sequencer_batch said FATE_OK; after
 *     FATE_RETRY only the refusals are.
 * Ownership: everything it is given is borrowed and outlives pump_stop. */
#ifndef TAPPET_COMMANDS_PUMP_H
#define TAPPET_COMMANDS_PUMP_H

#include <stdatomic.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/queue.h"
#include "engine/delivery/delivery.h"
#include "engine/io/http_server.h"
#include "engine/plugins/plugins.h"
#include "engine/sequencer/sequencer.h"

struct pump;

#define PUMP_BUCKETS 14 /* of the histogram of commits; pump.c has their bounds */

/* Written on the pump's thread, read on any; outlives the pump. */
struct pump_stats {
	atomic_int_fast64_t
	    working; /* clock_micros when the batch in hand began; 0: there is none */
	atomic_uint_fast64_t slots[PUMP_BUCKETS + 1], micros;
};

struct pump_parts {
	struct sequencer *sequencer;
	struct queue *inputs;
	struct pump_stats *stats;
	struct delivery *delivery;
	struct plugins *plugins; /* NULL: there are none */
	struct clock clock;
	/* Where answers go; the server is started after the pump, so it is asked for. */
	struct http_server *(*server)(void *of);
	void *of;
	/* What is paused has changed. On the pump's thread, or in pump_start. */
	void (*paused)(void *of, const struct pause_row *pauses, size_t count);
};

/* Runs the first batch (recovery) on the caller's thread, then starts the thread. FATE_RETRY: the
 * store can't be read or a thread can't be had. */
enum fate pump_start(const struct pump_parts *parts, struct pump **out);

/* How long batches take, in the Prometheus text format. Any thread. */
void pump_metrics(const struct pump_stats *stats, struct buf *out);

/* Lets what is under way end, for at most `patience` ms, then joins the thread and
 * frees the pump. Returns how many attempts were cut. */
size_t pump_stop(struct pump *pump, int64_t patience);

#endif
