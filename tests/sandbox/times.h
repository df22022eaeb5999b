/* SPDX-License-Identifier: Apache-2.0
 *
 * times - the sandbox's own clock and the vendors' ways of writing time.
 *
 * The clock is the machine's plus an offset the control API moves, so a test can let a token expire
 * or a day pass without waiting. Never goes back except by a reset.
 */
#ifndef SANDBOX_TIMES_H
#define SANDBOX_TIMES_H

#include "tests/sandbox/text.h"

/* Milliseconds since 1970 of the machine's clock, and of a clock that only runs forward. */
int64_t times_wall_ms(void);
int64_t times_steady_ms(void);

/* Room for any text written below. */
#define TIMES_TEXT 40

/* `2013-04-15T16:48:48-07:00`: ISO 8601, whole seconds, the offset in minutes east of UTC. */
void times_iso(char out[TIMES_TEXT], int64_t seconds, int offset_min);

/* `2013-04-15T23:48:48.123Z`. */
void times_iso_ms(char out[TIMES_TEXT], int64_t ms);

/*
 * Reads ISO 8601: a date, optionally a time with seconds, fraction and Z or offset (default UTC).
 * A blank before the offset counts as `+`, which is what a forgotten percent-encoding turns it
 * into. Milliseconds since 1970; false for anything else.
 */
bool times_parse(const char *s, int64_t *ms);

/* Dates are kept as the number 20131231, 0 for none, so that they compare as numbers. */
bool times_parse_date(const char *s, int32_t *date);
int32_t times_date(int64_t seconds);
void times_date_text(char out[TIMES_TEXT], int32_t date);

#endif
