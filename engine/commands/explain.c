/* SPDX-License-Identifier: Apache-2.0
 *
 * explain - the word is reserved; the next release brings it. */
#include "engine/commands/command.h"

static int run(struct context *context)
{
	return context_fail(context, COMMAND_USAGE, "not yet: a later release brings it");
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "RULE EVENT",
	.doc = "Why a rule did or did not fire on an event (not yet)",
	.least = 0,
	.most = -1,
	.run = run,
};
