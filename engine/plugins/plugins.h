/* SPDX-License-Identifier: Apache-2.0
 *
 * plugins - the bus's thread at work: attempts whose target is a plugin, events
 * that plugins bring in, taps.
 *
 * It is to plugins what delivery is to HTTP: it carries out what a committed batch
 * hands it, reports every end as an input, and decides nothing about runs. An
 * attempt for a plugin is one whose request has the method PLUGIN_METHOD, the
 * action's name as its URL and the parameters as its body.
 *
 *   hand.c      what other threads ask of the thread, order.c what that is
 *   pager.c     the log of events, read on a thread of its own
 *   plugins.c   the thread: orders in, ends and emits out
 *   session.h   the protocol
 *   tally.h     what is counted
 *
 * How an attempt ends (PROTOCOL.md, Jobs):
 *   ok      replied 200 with the result         doubt   no reply, sent
 *   retry   replied 503, with its `after`       unsent  no reply, not sent
 *   reject  replied 422
 *
 * I1  Every attempt handed over ends in exactly one input, except when the thread is
 *     stopped: what was under way then is in doubt at the next start.
 * I2  An emit is answered after the batch that holds its event was committed.
 * I3  An acknowledgement is answered after the batch that moved the cursor was
 *     committed.
 * I4  Credit is lent to the sequencer only while runs wait for it.
 * Ownership: plugins_stop frees it; settings and texts are copied. */
#ifndef TAPPET_PLUGINS_PLUGINS_H
#define TAPPET_PLUGINS_PLUGINS_H

#include "engine/base/clock.h"
#include "engine/base/queue.h"
#include "engine/io/bus.h"
#include "engine/plugins/session.h"
#include "engine/sequencer/record.h"

#define PLUGIN_METHOD "PLUGIN"

struct plugins;

/* A plugin that the configuration names. */
struct plugin_setting {
	struct text name;
	unsigned concurrency;    /* jobs at once; 0: LIMIT_SESSION_JOBS */
	const struct text *keys; /* trusted CURVE keys in Z85 */
	size_t key_count;
};

struct plugins_parts {
	const char *sessions, *events; /* endpoints */
	const struct secret *key;      /* CURVE's; NULL: none, then keys aren't asked for */
	const struct plugin_setting *settings;
	size_t count;
	const char *store;    /* for durable subscriptions; NULL: it is in memory, there are none */
	struct queue *inputs; /* of the sequencer */
	struct clock clock;
	/* Called on the bus's thread. A manifest that is new, or known; SESSION_WRONG fills
	 * `words`. */
	enum session_answer (*manifest)(void *of, struct text plugin, struct text json,
					char words[SESSION_WORDS]);
	/* Whether the plugin's manifest has this event type, with such data. FATE_REJECT fills
	 * `words`; FATE_RETRY: memory is out. */
	enum fate (*emits)(void *of, struct text plugin, struct text type, struct text data,
			   char words[SESSION_WORDS]);
	/* Its session ended because it wasn't heard any more: its process may hang. NULL:
	 * nobody wants to know. */
	void (*silent)(void *of, struct text plugin);
	void *of;
};

/* FATE_REJECT (an endpoint or the key can't be used) and FATE_RETRY (memory, descriptors or threads
 * are out) fill `words`. */
enum fate plugins_start(const struct plugins_parts *parts, struct plugins **out,
			char words[BUS_WORDS]);

/* ---- Any thread. ---- */

/* Whether a target is a plugin by the settings that were loaded last. */
bool plugins_knows(struct plugins *plugins, struct text target);

/* Whether an answer of the sequencer is one to a plugin. */
bool plugins_is_ticket(uint64_t ticket);

/* Whether events are to be written out for taps (sequencer_publish). */
bool plugins_has_taps(const struct plugins *plugins);

/* Of a committed batch: attempts, wanted and unused credit, events, ends of runs. What can't be
 * copied (memory is out) is reported at once as never sent. */
void plugins_hand(struct plugins *plugins, const struct outputs *outputs);

/* Of any batch: the answers to plugins. */
void plugins_reply(struct plugins *plugins, const struct outputs *outputs);

/* False: memory is out, and the settings stay as they were. */
bool plugins_reload(struct plugins *plugins, const struct plugin_setting *settings, size_t count);

/* Says goodbye: jobs at hand may still end within so many ms; none are begun. */
void plugins_leave(struct plugins *plugins, int64_t within);

/* Ends all sessions, joins the thread, frees. NULL is fine. */
void plugins_stop(struct plugins *plugins);

/* Counters and sessions: tally.h. */
struct buf;
void plugins_metrics(struct plugins *plugins, struct buf *out);
void plugins_list(struct plugins *plugins, struct buf *out);

/* Where the sockets listen. */
const char *plugins_sessions(const struct plugins *plugins);
const char *plugins_events(const struct plugins *plugins);

#endif
