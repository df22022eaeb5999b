/* SPDX-License-Identifier: Apache-2.0
 *
 * resume - ends a pause before its time, through the daemon. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/json.h"
#include "engine/commands/pauses.h"
#include "engine/commands/setup.h"

static int run(struct context *context)
{
	AUTO_FINI(buf_fini) struct buf body;

	assert(context->arg_count == 1);
	buf_init(&body, 64 * KIB);
	pauses_open(context, &body);
	json_close(&body, '}');
	return pauses_post(context, "/api/v1/resume", &body);
}

const struct command command_resume = {
	.name = "resume",
	.arguments = "NAME",
	.doc = "Ends a pause",
	.more = "What waited goes on in its order. \"tappet pause\" lists what is paused.",
	.least = 1,
	.most = 1,
	.run = run,
};
