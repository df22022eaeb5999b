/* SPDX-License-Identifier: Apache-2.0
 *
 * schema - prints the JSON Schema of rules files, or of tappet.yaml, for editors
 * that complete and check as one types. */
#include "engine/commands/schema.h"

#include "engine/commands/command.h"
#include "engine/commands/setup.h"

static const struct option_row options[] = {
	{ "config", 0, NULL, "the schema of tappet.yaml instead" },
	{ 0 },
};

static int run(struct context *context)
{
	AUTO(config_free) struct config *config = NULL;
	const struct connector *const *all = setup_connectors(context, &config);

	if (all == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	if (option_flag(context, "config"))
		schema_config(&context->out);
	else
		schema_rules(&context->out, all);
	return COMMAND_OK;
}

const struct command command_schema = {
	.name = "schema",
	.arguments = "",
	.doc = "Prints the JSON Schema of rules files, or of tappet.yaml",
	.more =
	    "For editors that complete and check as one types. Keep it in a file and name it in "
	    "the\nfirst line of your rules:\n"
	    "  tappet schema > tappet-rules.schema.json\n"
	    "  # yaml-language-server: $schema=tappet-rules.schema.json\n"
	    "It knows every connector of this version, and the plugins of tappet.yaml where there "
	    "is\none. What it takes may still be refused by "
	    "tappet\ncheck, which knows your connections, reads expressions and compares types.",
	.options = options,
	.run = run,
};
