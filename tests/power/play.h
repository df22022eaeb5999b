/* SPDX-License-Identifier: Apache-2.0
 *
 * play - the scenarios: what happens to a bridge from its start to its end.
 *
 * Each may be made to fail anywhere, and may be played once more on what a failure or a cut left:
 * whoever got no answer sends again, and nobody is told twice. */
#ifndef TAPPET_TESTS_POWER_PLAY_H
#define TAPPET_TESTS_POWER_PLAY_H

#include "tests/power/bridge.h"

#define PLAY_ORDERS 8 /* their names are order-1, order-2, ... */

/* Events, attempts that are done, refused, repeated and in doubt, rows of tables, edges,
 * throttles, lists, a poll, a schedule, places and manifests of a plugin, operators' decisions, a
 * reload under open runs, restarts, and what empties the log into the file. */
void play_all(struct bridge *b);

/* The first of it: for what takes long. */
void play_short(struct bridge *b);

/* 5 MB come and are forgotten, and the file gets smaller. */
void play_large(struct bridge *b);

/* What was sent is sent again, until all is settled. */
void play_again(struct bridge *b);
void play_on(struct bridge *b); /* the same, once it is open */

#endif
