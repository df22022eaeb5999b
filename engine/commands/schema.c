/* SPDX-License-Identifier: Apache-2.0
 *
 * schema - prints the JSON Schema of rules files, or of tappet.yaml, for editors
 * that complete and check as one types. */
#include "engine/commands/schema.h"

#include "engine/commands/command.h"

static const struct option_row options[] = {
	{ "config", 0, NULL, "the schema of tappet.yaml instead" },
	{ 0 },
};

static int run(struct context *context)
{
	if (option_flag(context, "config"))
		schema_config(&context->out);
	else
		schema_rules(&context->out);
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
	    "It knows every connector of this version. What it takes may still be refused by "
	    "tappet\ncheck, which knows your connections, reads expressions and compares types.",
	.options = options,
	.run = run,
};
