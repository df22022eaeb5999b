/* SPDX-License-Identifier: Apache-2.0
 *
 * log - lines in the daemon's own log.
 *
 * Nothing is sent; see tappet.c for how an inside action works. The line is
 * written when its step is done; when that can't be recorded at once, a second
 * time with the next try. */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/limits.h"

static const char *const levels[] = { "debug", "info", "warn", "error", NULL };

static const struct param write_params[] = {
	{ .name = "text",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "What to write; shortened when it is long." },
	{ .name = "level",
	  .type = PARAM_CHOICE,
	  .choices = levels,
	  .doc = "How much it matters; info unless said otherwise." },
	{ .name = NULL },
};

static const struct param settings[] = { { .name = NULL } };

static enum fate build_write(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "WRITE", .url = TEXT("/log") };
	fate = params_fit(call, write_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	return request_json(call, out, params);
}

static enum fate read_write(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value params;
	struct text level;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = reply_json(call, reply, &params);
	if (fate != FATE_OK)
		return fate;
	*out = (struct reading){ .result = value_text(TEXT("ok")),
				 .says = text_head(param_text(params, "text"), LIMIT_LOG_TEXT),
				 .level = LOG_INFO };
	level = param_text(params, "level");
	for (int i = 0; levels[i] != NULL; i++)
		if (text_is(level, levels[i]))
			out->level = (enum log_level)i;
	return FATE_OK;
}

static struct text error_words(struct call *call, const struct reply *reply)
{
	(void)call;
	return words_cut(reply->body);
}

static const struct action actions[] = {
	{ .name = "write",
	  .doc = "Writes a line to the daemon's log.",
	  .params = write_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ text: \"Acme rollout is late\", level: warn }",
	  .result = "The text ok.",
	  .inside = true,
	  .build = build_write,
	  .read = read_write },
	{ .name = NULL },
};

const struct connector connector_log = {
	.name = "log",
	.title = "Log",
	.doc = "Lines in the daemon's own log; nothing leaves the engine.",
	.settings = settings,
	.auth = AUTH_NONE,
	.connection_optional = true,
	.actions = actions,
	.error_words = error_words,
};
