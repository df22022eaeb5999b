/* SPDX-License-Identifier: Apache-2.0
 *
 * board - figures by source and by connection, for metrics: written on the sequencer's
 * thread, read on any.
 *
 * A name has a row from the first configuration that holds it, for good: counters don't go
 * back. What isn't configured is counted under "other": labels are never a stranger's choice.
 * Ownership: board_free frees it; rows live as long. */
#ifndef TAPPET_SEQUENCER_BOARD_H
#define TAPPET_SEQUENCER_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/rules/config.h"

enum board_outcome { BOARD_RECORDED, BOARD_REPEAT, BOARD_REFUSED, BOARD_OUTCOMES };

/* As the records of attempts name them: "ok", "retry", "reject", "doubt". */
enum board_fate { BOARD_OK, BOARD_RETRY, BOARD_REJECT, BOARD_DOUBT, BOARD_FATES };

/* Of a hook, poll, schedule or plugin; "tappet", "cli", "other". */
struct board_source {
	atomic_uint_fast64_t events[BOARD_OUTCOMES];
	atomic_int_fast64_t every; /* ms; 0: it isn't polled now */
	atomic_int_fast64_t ok_at; /* wall ms: when a round of it succeeded last; 0: never */
	atomic_int_fast64_t failures;
	struct board_source *next;
	char name[];
};

/* Of a connection or plugin; "other". */
struct board_target {
	atomic_uint_fast64_t ended[BOARD_FATES];
	atomic_uint_fast64_t waiting; /* gauge: runs that lack nothing but its credit */
	struct board_target *next;
	char name[];
};

struct board;

struct board *board_new(void); /* NULL when memory is out */
void board_free(struct board *board);

/* Rows for what the configuration names. One that there is no memory for is "other". */
void board_cover(struct board *board, const struct config *config);

/* The row of that name, else that of "other". The sequencer's thread. */
struct board_source *board_source(struct board *board, struct text name);
struct board_target *board_target(struct board *board, struct text name);
void board_fate(struct board_target *target, const char *fate);

/* Whole families, in the Prometheus text format. Any thread. */
void board_metrics(struct board *board, struct buf *out);

#endif
