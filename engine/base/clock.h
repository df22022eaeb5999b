/* SPDX-License-Identifier: Apache-2.0
 *
 * clock - where time comes from: the system, or a test that turns it by hand.
 *
 * The wall clock may jump; intervals are measured with the monotonic one.
 * Nothing but this file reads the system's clocks. */
#ifndef TAPPET_BASE_CLOCK_H
#define TAPPET_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct instant {
	int64_t wall; /* milliseconds since 1970-01-01T00:00:00Z */
	int64_t mono; /* milliseconds since some fixed point; never goes back */
};

struct clock {
	struct instant (*read)(void *of);
	void *of;
};

struct clock clock_system(void);

/* A clock that shows *now; the caller turns it. `now` is borrowed. */
struct clock clock_manual(struct instant *now);

#ifdef TAPPET_FAULTS
/* Both clocks show the milliseconds that stand in the first 8 bytes of a file, in this machine's
 * order, the wall clock with those of the next 8 added: so a test turns the clocks of another
 * process, and sets its wall clock. Mapped until the program ends. False: there is no such file. */
bool clock_turned(const char *path, struct clock *out);
#endif

/* How long to wait for what is due in `ms` (-1: nothing is): a clock that somebody turns wakes
 * nobody, and is looked at again and again. */
int64_t clock_patience(const struct clock *clock, int64_t ms);

/* Monotonic microseconds of the system's clock, whoever turns another: how long work took. */
int64_t clock_micros(void);

static inline struct instant clock_read(const struct clock *clock)
{
	return clock->read(clock->of);
}

#endif
