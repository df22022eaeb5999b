/* SPDX-License-Identifier: Apache-2.0
 *
 * audit - what must hold of a store that was opened after a failure or a cut.
 *
 *   SQLite finds no damage (PRAGMA integrity_check);
 *   what it holds is what it held after the last commit that was answered, or after the
 *   one that was under way: nothing acknowledged is lost, nothing is there in part (I1, I2, I7);
 *   events that were acknowledged are there, each once (I1, I6);
 *   requests that left are recorded, as far as they were made (I3);
 *   numbers go on behind those in use; places and manifests didn't go back.
 *
 * And of one that goes on to the end:
 *   no request is made again once its outcome was settled; a repeat has the key of the first (I4);
 *   all runs end, runs of an older revision too (I5); each event is there once (I6). */
#ifndef TAPPET_TESTS_POWER_AUDIT_H
#define TAPPET_TESTS_POWER_AUDIT_H

#include "tests/power/bridge.h"

/* `book`: what was promised, of which those up to position `at` bind. */
struct audit {
	const struct bridge *book;
	size_t at;
};

/* The store of `b` is open, and nothing else was done with it. What is wrong goes to b->wrong. */
void audit_store(struct bridge *b, const struct audit *audit);

/* `b` has come to its end, with a book of its own. `before` may be NULL. */
void audit_end(struct bridge *b, const struct audit *before);

#endif
