/* SPDX-License-Identifier: Apache-2.0
 *
 * run_state - the states of a run and the moves between them, as one list.
 *
 * The names, the log words, the CLI's --state values, the check of every move
 * and the table in docs/ARCHITECTURE.md come from here. */
#ifndef TAPPET_STORE_RUN_STATE_H
#define TAPPET_STORE_RUN_STATE_H

#include <stdbool.h>

#include "engine/base/text.h"

/* number is what the store holds: never renumber. */
#define RUN_STATES(X)                                                                              \
	X(PENDING, 1, "accepted; waits for its turn or for credit of its target")                  \
	X(STARTED, 2, "an attempt is recorded; its outcome isn't")                                 \
	X(WAITING, 3, "will be tried again when it is due")                                        \
	X(DONE, 4, "all steps that had to succeed did")                                            \
	X(DEAD, 5, "given up; the reason says why")                                                \
	X(IN_DOUBT, 6, "a request may have had its effect; an operator decides")                   \
	X(SKIPPED, 7, "decided, and nothing sent; the reason says why")                            \
	X(HELD, 8, "a for_each has more items than its max; an operator decides")

enum run_state {
#define X(name, number, doc) RUN_##name = number,
	RUN_STATES(X)
#undef X
};

static inline const char *run_state_word(enum run_state state)
{
	switch (state) {
#define X(name, number, doc)                                                                       \
	case RUN_##name:                                                                           \
		return #name;
		RUN_STATES(X)
#undef X
	}
	return "?";
}

/* False when there is no such state. */
static inline bool run_state_parse(struct text word, enum run_state *out)
{
#define X(name, number, doc)                                                                       \
	if (text_ieq(word, TEXT(#name))) {                                                         \
		*out = RUN_##name;                                                                 \
		return true;                                                                       \
	}
	RUN_STATES(X)
#undef X
	return false;
}

/* Still to be worked on: these are loaded when the daemon starts. */
static inline bool run_state_open(enum run_state state)
{
	return state == RUN_PENDING || state == RUN_STARTED || state == RUN_WAITING;
}

/* The legal moves. A retry of a dead run (an operator's decision) leads back to
 * PENDING, as does the decision to repeat what is in doubt. */
static inline bool run_state_may(enum run_state from, enum run_state to)
{
	switch (from) {
	case RUN_PENDING:
		return to != RUN_WAITING;
	case RUN_STARTED:
		return to != RUN_SKIPPED;
	case RUN_WAITING:
		return to == RUN_PENDING || to == RUN_STARTED || to == RUN_DEAD;
	case RUN_IN_DOUBT:
		return to == RUN_PENDING || to == RUN_DONE || to == RUN_DEAD || to == RUN_STARTED;
	case RUN_DEAD:
		return to == RUN_PENDING || to == RUN_SKIPPED;
	case RUN_HELD:
		return to == RUN_PENDING || to == RUN_DEAD;
	case RUN_DONE:
	case RUN_SKIPPED:
		return false;
	}
	return false;
}

#endif
