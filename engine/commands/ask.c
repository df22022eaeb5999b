/* SPDX-License-Identifier: Apache-2.0
 *
 * ask - see ask.h. */
#include "engine/commands/ask.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/io/http_ask.h"
#include "engine/value/parse.h"

/* "unix:PATH" or "HOST:PORT", as the configuration has it. */
static struct http_ask where(struct context *context, const struct config *config)
{
	struct text admin = config->admin;
	struct http_ask ask = { .host = "localhost", .timeout_ms = LIMIT_COMMAND_WAIT };

	if (text_starts(admin, TEXT("unix:"))) {
		admin.s += 5;
		admin.n -= 5;
		ask.unix_path = text_dup(context->arena, admin).s;
	} else {
		ask.host = text_dup(context->arena, admin).s;
	}
	if (config->admin_token != NULL)
		ask.bearer = text_dup(context->arena, secret_reveal(config->admin_token)).s;
	return ask;
}

static void read_answer(struct context *context, struct text body, struct answer *out)
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct json_error error;

	out->body = text_dup(context->arena, body);
	out->value = value_null();
	if (parser != NULL &&
	    json_parse(parser, context->arena, out->body, &out->value, &error) != FATE_OK)
		out->value = value_null();
}

int ask_post(struct context *context, const struct config *config, const char *path,
	     struct text json, struct answer *out)
{
	AUTO_FINI(buf_fini) struct buf reply;
	struct http_ask ask = where(context, config);
	struct http_asked asked;

	assert(path != NULL && out != NULL);
	buf_init(&reply, LIMIT_COMMAND_LINE);
	ask.method = "POST";
	ask.path = path;
	ask.body = json;
	switch (http_ask(&ask, &reply, &asked)) {
	case FATE_OK:
		out->status = asked.status;
		read_answer(context, buf_view(&reply), out);
		return COMMAND_OK;
	case FATE_RETRY:
		if (asked.denied)
			return context_fail(context, COMMAND_ABSENT,
					    "%.*s: permission denied; the daemon runs as another "
					    "user",
					    TEXT_ARG(config->admin));
		return context_fail(context, COMMAND_ABSENT,
				    "no daemon answers at %.*s (%s); \"tappet run\" starts one",
				    TEXT_ARG(config->admin), asked.why);
	case FATE_REJECT:
	case FATE_BUG:
		break;
	}
	return context_fail(context, COMMAND_FAILED, "%s", asked.why);
}

bool ask_get(struct context *context, const struct config *config, const char *path,
	     struct answer *out, bool *denied)
{
	AUTO_FINI(buf_fini) struct buf reply;
	struct http_ask ask = where(context, config);
	struct http_asked asked = { .denied = false };
	bool good;

	assert(path != NULL && out != NULL && denied != NULL);
	buf_init(&reply, LIMIT_COMMAND_LINE);
	ask.method = "GET";
	ask.path = path;
	good = http_ask(&ask, &reply, &asked) == FATE_OK;
	*denied = asked.denied;
	if (!good)
		return false;
	out->status = asked.status;
	read_answer(context, buf_view(&reply), out);
	return true;
}

static struct text member(struct value v, const char *name)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL && found->kind == VALUE_TEXT ? value_as_text(*found) : TEXT_NONE;
}

int ask_refused(struct context *context, const struct answer *answer, const char *what)
{
	struct text error = member(answer->value, "error");

	if (error.n == 0)
		error = TEXT("it gave no reason");
	return context_fail(context, COMMAND_FAILED, "%s: the daemon refused (%d): %.*s", what,
			    answer->status, TEXT_ARG(error));
}

int ask_decide(struct context *context, const struct config *config, const char *path,
	       struct text json, const char *what)
{
	struct answer answer = { 0 };
	int code = ask_post(context, config, path, json, &answer);
	const struct value *repeat;
	struct text state;

	if (code != COMMAND_OK)
		return code;
	if (answer.status < 200 || answer.status > 299)
		return ask_refused(context, &answer, what);
	if (context->format == OUTPUT_JSON) {
		buf_text(&context->out, answer.body);
		buf_char(&context->out, '\n');
		return COMMAND_OK;
	}
	repeat = value_get(answer.value, TEXT("repeat"));
	state = member(answer.value, "state");
	if (state.n == 0)
		state = member(answer.value, "id");
	buf_printf(&context->out, "%s: ", what);
	plain_put(&context->out, state.n > 0 ? state : TEXT("done"));
	if (repeat != NULL && repeat->kind == VALUE_BOOL && repeat->b)
		buf_str(&context->out, " was known already; nothing was added");
	buf_char(&context->out, '\n');
	return COMMAND_OK;
}
