/* SPDX-License-Identifier: Apache-2.0
 *
 * send - puts an event in by hand, through the daemon. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/ask.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/rules/reader.h"
#include "engine/value/parse.h"

static const struct option_row options[] = {
	{ "data", 0, "JSON|@FILE", "the event's data; @- reads standard input" },
	{ "subject", 0, "TEXT", "what the event is about" },
	{ "id", 0, "TEXT", "the event's id: sent twice, it is one event" },
	{ 0 },
};

/* The text of --data: as written, or a file's. */
static bool read_data(struct context *context, struct buf *data)
{
	const char *given = option_value(context, "data");
	const char *what = "--data", *why = NULL;
	struct json_error error;

	if (given == NULL)
		return true;
	if (given[0] == '@')
		what = strcmp(given, "@-") == 0 ? "standard input" : given + 1;
	if (given[0] != '@')
		buf_str(data, given);
	else if (!reader_file(text_of(strcmp(given, "@-") == 0 ? "/dev/stdin" : given + 1),
			      LIMIT_BODY_MAX, data, &why)) {
		(void)context_fail(context, COMMAND_USAGE, "%s: %s", what, why);
		return false;
	}
	if (json_check(buf_view(data), &error) == FATE_OK)
		return true;
	(void)context_usage(context, "%s is not JSON: line %d, column %d: %s", what, error.line,
			    error.column, error.what);
	return false;
}

/* As the sequencer takes them; said here, it needs no daemon. */
static bool check_type(const struct context *context, const char *type)
{
	size_t good = strspn(type, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	if (good > 0 && type[good] == '\0')
		return true;
	(void)context_usage(context, "\"%s\" is no event type: letters, digits, . - _", type);
	return false;
}

static void write_event(struct context *context, struct buf *out, struct text data)
{
	json_open(out, '{');
	json_text(out, "type", text_of(context->args[0]));
	if (option_value(context, "subject") != NULL)
		json_str(out, "subject", option_value(context, "subject"));
	if (option_value(context, "id") != NULL)
		json_str(out, "id", option_value(context, "id"));
	json_raw(out, "data", data);
	json_close(out, '}');
}

static int run(struct context *context)
{
	AUTO_FINI(buf_fini) struct buf data;
	AUTO_FINI(buf_fini) struct buf body;
	int code = COMMAND_OK;

	assert(context->arg_count == 1);
	buf_init(&data, LIMIT_BODY_MAX);
	buf_init(&body, 2 * (size_t)LIMIT_BODY_MAX);
	if (!check_type(context, context->args[0]) || !read_data(context, &data))
		return COMMAND_USAGE;
	write_event(context, &body, buf_view(&data));
	if (buf_failed(&body))
		return context_fail(context, COMMAND_USAGE, "the data is too large");
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	return ask_decide(context, config, "/api/v1/events", buf_view(&body), "event");
}

const struct command command_send = {
	.name = "send",
	.arguments = "TYPE",
	.doc = "Puts an event in by hand",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run,
};
