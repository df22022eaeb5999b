/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor - what the parts of `tappet doctor` share: a line for each thing looked at.
 *
 * Never: changes anything, here or elsewhere. */
#ifndef TAPPET_COMMANDS_DOCTOR_H
#define TAPPET_COMMANDS_DOCTOR_H

#include "engine/commands/command.h"
#include "engine/rules/config.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct doctor {
	struct context *context;
	const struct config *config;
	int64_t now;     /* wall ms, when it began */
	int64_t newest;  /* wall ms: the store's last event; 0: none */
	unsigned failed; /* lines */
};

/* One line: what was looked at ("store"), which one of those (or empty), what is so, and what to
 * do about it (NULL: nothing). It is out at once: looking further may take a while. */
void doctor_say(struct doctor *d, enum finding finding, const char *check, struct text which,
		const char *what_to_do, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

void doctor_store(struct doctor *d); /* opens, is sound, has room */
void doctor_files(struct doctor *d); /* who may read and write them */
void doctor_clock(struct doctor *d);
void doctor_reach(struct doctor *d); /* each connection */

#endif
