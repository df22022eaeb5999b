/* SPDX-License-Identifier: Apache-2.0
 *
 * explain - what the parts of the command explain share: everything that is told
 * about one rule and one event.
 *
 * Ownership: an explain_view lives in the command's arena; the rule belongs to a
 * set that outlives it. */
#ifndef TAPPET_COMMANDS_EXPLAIN_H
#define TAPPET_COMMANDS_EXPLAIN_H

#include "engine/commands/command.h"
#include "engine/rules/config.h"
#include "engine/rules/explain.h"
#include "engine/store/store.h"
#include "engine/value/parse.h"

#define EXPLAIN_NOTES 5

enum throttle_told {
	THROTTLE_NONE,      /* the rule has none */
	THROTTLE_UNREACHED, /* the event did not get there */
	THROTTLE_FREE,      /* it would fire */
	THROTTLE_CLOSED,    /* it was suppressed, or would be now */
	THROTTLE_SPENT,     /* this run spent it */
	THROTTLE_RETURNED,  /* this run spent it, died before it did anything and gave it back */
};

struct explain_throttle {
	enum throttle_told told;
	struct text key;
	int64_t until;     /* ms; 0: unknown */
	int64_t run;       /* that spent it; 0: unknown */
	struct text event; /* id of that run's event, or empty */
};

enum edge_told {
	EDGE_TOLD_NONE,      /* the rule has none */
	EDGE_TOLD_UNREACHED, /* the event did not get there */
	EDGE_TOLD_FREE,      /* it is not active for the key */
	EDGE_TOLD_TURNED,    /* this event made it active, and it acted */
	EDGE_TOLD_CLEARED,   /* this event ended it */
	EDGE_TOLD_ARMED,     /* this event made it active, and it did not act */
	EDGE_TOLD_ACTIVE,    /* an earlier one did */
	EDGE_TOLD_LATER,     /* a later one did; how it was then is not known */
};

struct explain_edge {
	enum edge_told told;
	bool armed;
	struct text key;
	int64_t since; /* seq of the event; 0: unknown */
};

enum lookups_told {
	LOOKUPS_NONE,   /* the rule has none */
	LOOKUPS_UNMADE, /* no run of this revision made any */
	LOOKUPS_OPEN,   /* they are under way */
	LOOKUPS_FAILED, /* one did, and the run with it */
	LOOKUPS_MADE,
};

struct explain_lookups {
	enum lookups_told told;
	struct value entries; /* a list, of the run's record; null: none */
};

struct explain_lookup {
	struct text name, state, error;
	struct value result;
	bool cached;
};

struct explain_view {
	struct event_view event;
	int64_t received; /* ms; 0: it is not recorded */
	const struct rule *rule;
	struct place at;   /* where it stands, or stood; column 0: unknown */
	struct text today; /* the configured rule's revision; empty: there is none */
	bool has_run;
	struct run_record run; /* of this rule and event */
	bool same;             /* the run is of the revision that is explained */
	struct explanation told;
	struct explain_lookups lookups;
	struct explain_throttle throttle;
	struct explain_edge edge;
	int64_t echo; /* run that wrote all that the event tells, which the rule ignored; 0: none */
	const char *verdict; /* one word */
	const char *part;    /* that decided it, or "" */
	struct text why;     /* one sentence */
	struct text notes[EXPLAIN_NOTES];
	size_t note_count;
};

/* ---- explain_state.c ---- */

/* Finds the run of this rule and view->event. False when the store fails. */
bool explain_find_run(struct store *store, struct arena *arena, struct text rule,
		      struct explain_view *view);

/* Throttle, verdict and notes, out of what the rule says and what the store holds (NULL: the event
 * comes from a file). `now`: ms. False when the store fails or memory is out. */
bool explain_judge(struct store *store, struct arena *arena, const struct config *config,
		   int64_t now, struct explain_view *view);

/* Up to four revisions of the rule that made runs, the newest first: "a, b". */
struct text explain_revisions(struct store *store, struct arena *arena, struct text rule);

/* ---- explain_lookup.c ---- */

/* Fills view->lookups; rule, run and same are there. Returns `steps` for the rule's expressions:
 * null until all look-ups were made. */
struct value explain_lookups(struct json_parser *parser, struct arena *arena,
			     struct explain_view *view);

/* False when the i-th entry is no look-up. */
bool explain_lookup_at(const struct explain_lookups *lookups, uint32_t i,
		       struct explain_lookup *out);
struct text explain_lookup_words(struct arena *arena, const struct explain_lookup *l, size_t most);

/* ---- explain_edge.c ---- */

/* Fills view->edge; told, run and same are there. */
void explain_edge(struct store *store, struct arena *arena, struct explain_view *view);
struct text explain_edge_words(struct arena *arena, const struct explain_edge *edge);

/* ---- explain_text.c, explain_json.c ---- */

void explain_text(struct buf *out, struct arena *arena, const struct explain_view *view,
		  bool colour);
void explain_json(struct buf *out, struct arena *arena, const struct explain_view *view);

/* Where a part of the source that the loader saw at `inside` stands in the rule's file; line 0
 * when it is unknown. */
struct place explain_place(const struct explain_view *view, struct place inside);

#endif
