/* SPDX-License-Identifier: Apache-2.0
 *
 * sequencer - the one decision maker.
 *
 * All inputs go through it in one order, in batches. What follows from a batch,
 * that is events, cursors, snapshots, rule state, timers and the actions to run, is
 * committed in one transaction; only then are its outputs handed out: a webhook
 * answered, a request sent, a page fetched. A crash leaves either before or
 * after. The same code runs live and in `tappet test`, with another clock and
 * another store.
 *
 * Deterministic: it never reads a clock, the network or a random source. Event
 * id = hash(source, sender's id), or the sequence number. Jitter =
 * hash(idempotency key, attempt).
 *
 * The path of an event, in reading order:
 *   intake.c    bytes of a hook, a given event -> parsed, deduped
 *   observe.c   an object's new state -> change events (against its snapshot)
 *   poll.c      pages of a poll -> objects (listing.c, undelivered.c);  schedule.c  time -> events
 *   silence.c   hooks and polls that say nothing -> events
 *   feed.c      news of changes -> events, or what a poll is to read again (poll_feed.c)
 *   emit.c      an event -> the log; which rules match it -> runs
 *   guard.c     whose doing a change is: echoes, loops;  edge.c  conditions that turn
 *   run.c       a run, step by step: condition, parameters, request, credit
 *   sent.c      what is kept of the attempt in hand until its outcome
 *   outcome.c   how an attempt ended -> done, again later, failed, in doubt
 *   lookups.c   what look-ups brought -> whether the rule fires; results kept for others
 *   lane.c      whose turn it is: order per (rule, key), credit per target
 *   backlog.c   runs that wait in the store alone
 *   pause.c     what operators have paused
 *   command.c   operators' decisions;  places.c  how far plugins have read
 *   recover.c   what was open when the daemon stopped;  retain.c  what is too old
 *
 * Ownership: sequencer_free frees it; the store is borrowed. One thread. */
#ifndef TAPPET_SEQUENCER_SEQUENCER_H
#define TAPPET_SEQUENCER_SEQUENCER_H

#include <stdatomic.h>

#include "engine/base/clock.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"
#include "engine/sequencer/record.h"
#include "engine/store/store.h"

/* Cursors of this name and a source's: when it was heard, and whether it is silent (silence.c). */
#define SILENCE_ROWS "tappet.silence/"

/* Cursors of this name and a plugin's: how far it has read (places.c). */
#define PLACE_ROWS "tappet.plugin/"

struct sequencer;

/* Written by the sequencer's thread, read by any (metrics). */
struct sequencer_stats {
	atomic_uint_fast64_t events, repeats, refused, matches, blind, echoes;
	atomic_uint_fast64_t runs_done, runs_dead, runs_skipped, runs_doubt, runs_held;
	atomic_uint_fast64_t attempts, retries, batches, failed_batches;
	atomic_int_fast64_t kept_dead, kept_doubt; /* gauges: in the store, for people to decide */
	atomic_uint_fast64_t in_flight;            /* gauge: attempts under way */
	atomic_uint_fast64_t runs_parked;          /* gauge: they wait for the end of a pause */
	atomic_uint_fast64_t open_runs;            /* gauge: in memory */
	atomic_uint_fast64_t stored_runs; /* gauge: open ones that are in the store alone */
	atomic_uint_fast64_t last_commit_ms, polls_ok, polls_failed;
	atomic_bool store_down;
};

/* A way that a step of a run went where there was another one. */
enum way { WAY_IF, WAY_NOT_IF, WAY_ITEMS, WAY_NO_ITEMS, WAY_FAILED };

struct sequencer_options {
	bool polls, schedules; /* off in tests: time then brings no input of its own */
	bool retention;        /* old events are forgotten */
	bool keep_params;      /* attempts carry their parameters (tests) */
	bool stand_ins;        /* rows may be put for tables that are files (tests) */
	bool own_events;       /* tappet.* may be put in like any other (tests) */

	/* Told of every way taken (tests), or NULL. The scope is the step's; of a failure it has
	 * only its rule. */
	void (*took)(void *of, struct scope *scope, int step, enum way way);
	void *of;
};

/* Takes references to config and rules. The store is open for writing. What was
 * open is read by the first batch (recover.c), which comes at once. FATE_RETRY when
 * memory is out. */
enum fate sequencer_new(struct store *store, struct config *config, struct ruleset *rules,
			const struct sequencer_options *options, struct instant now,
			struct sequencer **out);
void sequencer_free(struct sequencer *sequencer);

/* One batch: takes the inputs (linked by item.next, NULL for none), handles what is due,
 * commits. FATE_OK: the outputs are to be carried out. FATE_RETRY: the store
 * could not be written; the outputs hold nothing but 503 replies, facts (outcomes,
 * grants, reloads) are kept and go first in the next batch. */
enum fate sequencer_batch(struct sequencer *sequencer, struct queue_item *inputs,
			  struct instant now, struct outputs *out);

/* Monotonic ms at which something is due without an input, or INT64_MAX. */
int64_t sequencer_next(const struct sequencer *sequencer);

/* Figures by source and target; lives as long as the sequencer. */
struct board;
struct board *sequencer_board(const struct sequencer *sequencer);

const struct sequencer_stats *sequencer_stats(const struct sequencer *sequencer);

/* False while more runs are open than LIMIT_OPEN_RUNS: intake answers 429. */
bool sequencer_has_room(const struct sequencer *sequencer);

/* From now on nothing new is begun: no attempt, no poll, no schedule. What is under way
 * still ends; the rest waits in the store for the next start. */
void sequencer_drain(struct sequencer *sequencer);

/* From the next batch on events are written out for those who listen, or aren't any more. Between
 * two batches. */
void sequencer_publish(struct sequencer *sequencer, bool on);

/* Nothing is under way and nothing waits but timers (tests; draining). */
bool sequencer_is_quiet(const struct sequencer *sequencer);
size_t sequencer_targets(const struct sequencer *sequencer); /* in memory */
size_t sequencer_in_flight(const struct sequencer *sequencer);

#endif
