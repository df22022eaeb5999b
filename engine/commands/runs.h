/* SPDX-License-Identifier: Apache-2.0
 *
 * runs - showing runs, for the commands runs and dead.
 *
 * A run is its row, the steps it reached (the row's JSON) and their attempts
 * (rows of their own), put together here.
 * Ownership: a struct run_view lives in the arena it was read into. */
#ifndef TAPPET_COMMANDS_RUNS_H
#define TAPPET_COMMANDS_RUNS_H

#include "engine/commands/command.h"
#include "engine/commands/table.h"
#include "engine/store/store.h"
#include "engine/value/parse.h"

struct run_view {
	struct run_record run;
	struct event_record event; /* id and type empty when it is forgotten */
	struct value steps;        /* list of {i, as, action, state, status, result, error} */
	const struct attempt_record *attempts;
	size_t attempt_count;
};

/* ---- runs_show.c ---- */

/* Reads what belongs to the run. False when the store fails or memory is out. */
bool run_view_read(struct store *store, struct arena *arena, struct json_parser *parser,
		   const struct run_record *run, struct run_view *out);

/* One JSON line; `full` adds results, requests and replies. */
void run_view_json(struct buf *out, const struct run_view *view, bool full);

extern const char *const run_titles[]; /* of run_view_row's table */
void run_view_row(struct table *table, const struct run_view *view);

/* All of it, for people. */
void run_view_text(struct buf *out, const struct run_view *view, bool colour);

/* ---- runs_list.c ---- */

struct runs_wanted {
	struct run_query query; /* after_id, limit and newest_first are the listing's */
	size_t limit;           /* the newest so many; 0: all */
	bool follow;
};

/* Lists runs in the order of their ids. The exit code. */
int runs_list(struct context *context, struct store *store, const struct runs_wanted *wanted);

/* "DEAD,IN_DOUBT" to bits; false after a message. */
bool runs_states(struct context *context, const char *words, unsigned *states);

#endif
