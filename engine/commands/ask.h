/* SPDX-License-Identifier: Apache-2.0
 *
 * ask - talking to the daemon's admin API from a command.
 *
 * What changes anything goes through the daemon: it alone writes the store.
 * Ownership: the reply lives in the context's arena. */
#ifndef TAPPET_COMMANDS_ASK_H
#define TAPPET_COMMANDS_ASK_H

#include "engine/commands/command.h"
#include "engine/rules/config.h"
#include "engine/value/value.h"

struct answer {
	int status;
	struct text body;   /* as received */
	struct value value; /* the body as JSON; null when it isn't */
};

/* POSTs JSON to a path of the API. COMMAND_OK when there was an answer, whatever its status;
 * otherwise a message is out and the code says why (COMMAND_ABSENT: no daemon). */
int ask_post(struct context *context, const struct config *config, const char *path,
	     struct text json, struct answer *out);

/* GETs, without a word when it fails: false, and *denied when the daemon is another user's. */
bool ask_get(struct context *context, const struct config *config, const char *path,
	     struct answer *out, bool *denied);

/* Says what the daemon refused, and why; the exit code. */
int ask_refused(struct context *context, const struct answer *answer, const char *what);

/* POSTs and reports: JSON as it came, or "run 7: <state>"; what was refused goes to standard error.
 * `what` names the object in messages. Returns the exit code. */
int ask_decide(struct context *context, const struct config *config, const char *path,
	       struct text json, const char *what);

#endif
