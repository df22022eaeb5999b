/* SPDX-License-Identifier: Apache-2.0
 *
 * fault - named places that a test can make fail.
 *
 * A test arms one point by name; the n-th time it is passed, fault_point says
 * true and the caller has to behave as if its allocation, write or call had
 * failed. A sweep raises n until the point was no longer hit.
 * Without TAPPET_FAULTS everything here is a constant and costs nothing.
 * Never: decides what failing means; that is the caller's. */
#ifndef TAPPET_BASE_FAULT_H
#define TAPPET_BASE_FAULT_H

#include <stdbool.h>

#ifdef TAPPET_FAULTS

/* True: the caller must fail now. Any thread. */
bool fault_point(const char *name);

/* Arms the point `name` (borrowed until fault_disarm): its n-th passing from
 * now on fails (n from 1), with `persistent` every later one too. One point is
 * armed at a time; arming forgets the one before. */
void fault_arm(const char *name, int n, bool persistent);

/* Disarms; true when the fault was hit since it was armed. */
bool fault_disarm(void);

#else

static inline bool fault_point(const char *name)
{
	(void)name;
	return false;
}

static inline void fault_arm(const char *name, int n, bool persistent)
{
	(void)name;
	(void)n;
	(void)persistent;
}

static inline bool fault_disarm(void)
{
	return false;
}

#endif

#endif
