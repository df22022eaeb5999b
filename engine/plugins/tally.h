/* SPDX-License-Identifier: Apache-2.0
 *
 * tally - what is counted of plugins, and who is connected: written on the bus's
 * thread, read on any.
 *
 * A plugin has a row from the first configuration that names it, for good: counters
 * don't go back. What a configuration hasn't isn't counted: the labels of metrics are
 * never a stranger's choice.
 * Ownership: tally_free frees it. */
#ifndef TAPPET_PLUGINS_TALLY_H
#define TAPPET_PLUGINS_TALLY_H

#include "engine/base/buf.h"
#include "engine/plugins/plugins.h"

struct tally;

struct tally *tally_new(void);    /* NULL when memory is out */
void tally_free(struct tally *t); /* NULL is fine */

/* A row for it; true: it is new. One that there is no memory for isn't counted. */
bool tally_cover(struct tally *t, struct text plugin);

/* Times are wall ms. */
void tally_began(struct tally *t, struct text plugin, const char *session, int64_t now);
/* `code` as of session_host.ended: those that are no errors are reasons of their own. */
void tally_ended(struct tally *t, struct text plugin, const char *code, int64_t now);
/* A HELLO in its name, or what came in its place, wasn't let in. Names that have no row aren't
 * kept. */
void tally_refused(struct tally *t, struct text plugin, const char *code, const char *words,
		   int64_t now);
void tally_error(struct tally *t, const char *code); /* of the protocol's */
void tally_sent(struct tally *t, struct text plugin);
void tally_job(struct tally *t, struct text plugin, enum job_fate fate);
void tally_emit(struct tally *t, struct text plugin);
void tally_key(struct tally *t); /* a client whose key isn't trusted */

/* The newest event's seq, and where a cursor stands; -1: it is forgotten. */
void tally_head(struct tally *t, int64_t seq);
void tally_place(struct tally *t, struct text plugin, struct text cursor, int64_t seq);

/* Whole families, in the Prometheus text format. */
void tally_metrics(struct tally *t, struct buf *out);

/* {"name":"inventory","session":"9f2c64d01b7a55e0","since":"2026-11-22T10:00:00Z","jobs":2,
 * "refused":{"at":"…","code":"name-taken","why":"…"}},... `session` is "" for one that isn't
 * connected; `since` tells since when, and is left out when it never was; `refused` is the last. */
void tally_list(struct tally *t, struct buf *out);

#endif
