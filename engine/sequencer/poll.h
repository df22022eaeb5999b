/* SPDX-License-Identifier: Apache-2.0
 *
 * poll - what poll.c, poll_round.c, poll_rows.c and poll_feed.c share: one source that is polled.
 *
 * Ownership: the sequencer's array of sources; what is marked heap is the source's. */
#ifndef TAPPET_SEQUENCER_POLL_H
#define TAPPET_SEQUENCER_POLL_H

#include "engine/sequencer/internal.h"

struct source {
	const struct connection *connection; /* of s->config */
	const struct poll_config *poll;
	/* The cursor, as stored. */
	bool baseline;
	int64_t high, full_at, ok_at; /* wall ms; high INT64_MIN: none */
	int64_t failures;
	uint64_t asks; /* signature of the fields asked for */
	char *error;
	int64_t reconcile; /* wall ms since when a sweep is wanted, or 0 */
	bool off;          /* of a feed: these credentials get none */
	/* The cycle. */
	bool busy, sweeping;
	uint64_t fetch; /* outstanding, or 0 */
	enum page_kind kind;
	int64_t after, high_seen, began;
	unsigned offset;
	struct seen seen;
	struct text ids[LIMIT_VERIFY_IDS]; /* PAGE_VERIFY: heap */
	bool found[LIMIT_VERIFY_IDS];
	unsigned id_count;
	struct text verify_after;            /* heap */
	struct text hints[LIMIT_VERIFY_IDS]; /* followed by this PAGE_VERIFY: heap */
	unsigned hint_count;
	bool hinted;                     /* hints wait in the store */
	int64_t resume;                  /* due, as it was before hints were followed */
	struct undelivered *undelivered; /* of a source with catch_up */
	struct round *round;             /* of a source in rounds */
	char *left_out;                  /* heap: why the first object of the round was, or NULL */
	struct text round_id;            /* borrowed from it: the object in hand */
	size_t listed;                   /* deliveries before the page in hand */
	struct listing *listing;         /* of a source of a whole list */
	bool dropping;                   /* its round is over, but for telling what is gone */
	int64_t due;                     /* mono ms of the next cycle or fetch */
};

/* ---- poll.c ---- */

void source_fetch(struct sequencer *s, struct source *src); /* what kind, after... say */
void source_write(struct sequencer *s, struct source *src); /* the cursor */
void source_ids_clear(struct source *src);                  /* and the hints */
void source_gone(struct sequencer *s, struct source *src, struct text id);
void source_done(struct sequencer *s, struct source *src); /* the cycle */
/* Failures in a row end here; that they do is logged. */
void source_works(struct sequencer *s, struct source *src);
void source_failed(struct sequencer *s, struct source *src, struct text why, int64_t retry_after);
struct call *source_call(struct sequencer *s, struct source *src); /* NULL: the batch is broken */
struct text source_shelf(struct sequencer *s, const struct source *src);

/* ---- poll_round.c ---- */

/* A page of the round was read. */
void source_round_next(struct sequencer *s, struct source *src, const struct page *page);
/* What comes next of the round, or its end. */
void source_round_on(struct sequencer *s, struct source *src);
/* True when the object in hand is left out for that, and the round goes on. */
bool source_round_skip(struct sequencer *s, struct source *src, const struct ending *end,
		       struct text why);
/* Leaves in src->error what the round that ends has left out. */
void source_tell_left(struct sequencer *s, struct source *src);

/* ---- poll_rows.c ---- */

/* A page being read. */
struct reading_page {
	struct sequencer *s;
	struct source *src;
	struct text shelf;
	uint64_t seed;
	bool failed;
	const char *why; /* it failed */
};

/* For the connector that reads it: a row (id and JSON) of the page, and the object in hand of a
 * round or what belongs to it. False ends the reading: the batch is broken, or it failed. */
bool page_visit(void *of, struct text id, struct text json);
bool page_part(void *of, const struct object_kind *kind, struct text id, struct text json);

/* ---- poll_feed.c ---- */

void source_begin_feed(struct source *src);

/* A row of a feed's page; `asks` is the signature of what was asked for. False with *why when it
 * is none. */
bool source_news(struct sequencer *s, struct source *src, struct text id, struct text json,
		 uint64_t asks, const char **why);

/* A cycle of a feed is at its end: was it unread for too long? */
void source_gap(struct sequencer *s, struct source *src);

/* The feed is not to be had: told once, until it comes back. */
void source_off(struct sequencer *s, struct source *src, struct text why);

void source_follow(struct sequencer *s, struct source *src);   /* begins with the next hints */
void source_followed(struct sequencer *s, struct source *src); /* their objects were read */

#endif
