/* SPDX-License-Identifier: Apache-2.0
 *
 * teams - Adaptive Cards to Microsoft Teams, through a webhook of Workflows.
 *
 * The URL is the secret; its signature stands in the query. The answer is 202
 * without a body: the flow was started, whether a message appeared is not told.
 * So any 2xx is success, and a step has no result.
 *
 * I1  What is sent is a message with exactly one Adaptive Card. The older
 *     MessageCard is not taken by Workflows.
 * I2  A message has at most MESSAGE_MOST bytes: its text is shortened to that.
 *
 * Source: learn.microsoft.com, Create incoming webhooks with Workflows;
 * adaptivecards.io, schema explorer (1.4). */
#include "engine/connectors/connector.h"
#include "engine/connectors/message.h"

#include <assert.h>

/* Bytes of a message; learn.microsoft.com says 28 KB, and KB may be 1000. */
#define MESSAGE_MOST 28000

static const struct param fact_members[] = {
	{ .name = "title",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_TEAMS,
	  .doc = "What it is." },
	{ .name = "value",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_TEAMS,
	  .doc = "How much or who." },
	{ .name = NULL },
};

static const struct param button_members[] = {
	{ .name = "title", .type = PARAM_TEXT, .required = true, .doc = "What stands on it." },
	{ .name = "url", .type = PARAM_TEXT, .required = true, .doc = "The page it opens." },
	{ .name = NULL },
};

static const struct param post_params[] = {
	{ .name = "text",
	  .type = PARAM_TEXT,
	  .slot = SLOT_TEAMS,
	  .doc = "The message, in the Markdown of Adaptive Cards: bold, italic, lists, links." },
	{ .name = "title", .type = PARAM_TEXT, .slot = SLOT_TEAMS, .doc = "A line in bold above." },
	{ .name = "facts",
	  .type = PARAM_LIST,
	  .members = fact_members,
	  .doc = "A table of titles and values." },
	{ .name = "buttons",
	  .type = PARAM_LIST,
	  .members = button_members,
	  .doc = "Buttons that open pages." },
	{ .name = "wide", .type = PARAM_BOOL, .doc = "Use the full width of the window." },
	{ .name = "card",
	  .type = PARAM_MAP,
	  .slot = SLOT_TEAMS,
	  .doc = "A whole Adaptive Card of one's own, in place of all of these." },
	{ .name = NULL },
};

/* ---- The card. ---- */

struct words {
	const char *name, *text;
};

/* A map of constant texts, for others to be added to. */
static void begin(struct value_map_builder *b, struct call *call, const struct words *words)
{
	value_map_begin(b, call->arena);
	for (; words->name != NULL; words++)
		value_map_set(b, words->name, value_text(text_of(words->text)));
}

static struct value text_block(struct call *call, struct text text, bool title)
{
	static const struct words plain[] = { { "type", "TextBlock" }, { NULL, NULL } };
	static const struct words bold[] = { { "type", "TextBlock" },
					     { "weight", "Bolder" },
					     { "size", "Medium" },
					     { NULL, NULL } };
	struct value_map_builder b;

	begin(&b, call, title ? bold : plain);
	value_map_set(&b, "text", value_text(text));
	value_map_set(&b, "wrap", value_bool(true));
	return value_map_end(&b);
}

static struct value fact_set(struct call *call, struct value facts)
{
	static const struct words words[] = { { "type", "FactSet" }, { NULL, NULL } };
	struct value_map_builder b;

	begin(&b, call, words);
	value_map_set(&b, "facts", facts);
	return value_map_end(&b);
}

static struct value open_url(struct call *call, struct value button)
{
	static const struct words words[] = { { "type", "Action.OpenUrl" }, { NULL, NULL } };
	struct value_map_builder b;

	begin(&b, call, words);
	value_map_set(&b, "title", param_value(button, "title"));
	value_map_set(&b, "url", param_value(button, "url"));
	return value_map_end(&b);
}

static struct value card_body(struct call *call, struct value params, struct text text)
{
	struct text title = param_text(params, "title");
	struct value facts = param_value(params, "facts");
	struct value_list_builder list;

	value_list_begin(&list, call->arena);
	if (title.n > 0)
		value_list_add(&list, text_block(call, title, true));
	if (text.n > 0)
		value_list_add(&list, text_block(call, text, false));
	if (facts.n > 0)
		value_list_add(&list, fact_set(call, facts));
	return value_list_end(&list);
}

static struct value make_card(struct call *call, struct value params, struct text text)
{
	static const struct words words[] = {
		{ "$schema", "http://adaptivecards.io/schemas/adaptive-card.json" },
		{ "type", "AdaptiveCard" },
		{ "version", "1.4" },
		{ NULL, NULL }
	};
	struct value buttons = param_value(params, "buttons");
	struct value wide = param_value(params, "wide");
	struct value_map_builder b, width;

	begin(&b, call, words);
	value_map_set(&b, "body", card_body(call, params, text));
	if (buttons.n > 0)
		value_map_set(&b, "actions", message_each(call, buttons, open_url));
	if (value_is(wide, VALUE_BOOL) && wide.b) {
		value_map_begin(&width, call->arena);
		value_map_set(&width, "width", value_text(TEXT("Full")));
		value_map_set(&b, "msteams", value_map_end(&width));
	}
	return value_map_end(&b);
}

static struct value make_message(struct call *call, struct value params, struct text text)
{
	static const struct words attachment[] = {
		{ "contentType", "application/vnd.microsoft.card.adaptive" }, { NULL, NULL }
	};
	static const struct words message[] = { { "type", "message" }, { NULL, NULL } };
	struct value card = param_value(params, "card");
	struct value_map_builder b, inner;
	struct value_list_builder list;

	begin(&inner, call, attachment);
	value_map_set(&inner, "contentUrl", value_null());
	value_map_set(&inner, "content",
		      value_is(card, VALUE_MAP) ? card : make_card(call, params, text));
	value_list_begin(&list, call->arena);
	value_list_add(&list, value_map_end(&inner));
	begin(&b, call, message);
	value_map_set(&b, "attachments", value_list_end(&list));
	return value_map_end(&b);
}

/* ---- The action. ---- */

static enum fate build_post(struct call *call, struct value given, struct request *out)
{
	struct value params;
	struct text text;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, post_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	text = param_text(params, "text");
	if (value_is(param_value(params, "card"), VALUE_MAP) && params.n > 1)
		return call_fail(call, FATE_REJECT, "card takes the place of all other parameters");
	if (text.n == 0 && param_text(params, "title").n == 0 && param_value(params, "card").n == 0)
		return call_fail(call, FATE_REJECT, "text, title or card is needed");
	return message_json(call, out, text, MESSAGE_MOST, make_message, params);
}

static enum fate read_post(struct call *call, const struct reply *reply, struct reading *out)
{
	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	return FATE_OK;
}

/* 401 and 403: the signature in the URL is no longer right. A flow that was switched off says so
 * with various statuses. */
static void standing(struct call *call, const struct reply *reply, struct standing *out)
{
	struct text code;

	assert(call != NULL && reply != NULL && out != NULL);
	if (reply->status >= 200 && reply->status < 300)
		return;
	code = message_words(call, reply, "error.code");
	out->gone = reply->status == 401 || reply->status == 403 || reply->status == 404 ||
		    reply->status == 410 || text_is(code, "WorkflowTriggerIsNotEnabled") ||
		    text_is(code, "WorkflowNotFound");
}

static const struct action actions[] = {
	{ .name = "post",
	  .doc = "Posts a card.",
	  .params = post_params,
	  .after_doubt = DOUBT_REPEAT, /* rather twice than not at all */
	  .example = "{ title: \"Over budget\", text: \"Acme rollout is over budget\" }",
	  .result = "Nothing: Teams tells only that the flow was started.",
	  .build = build_post,
	  .read = read_post },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "webhook_url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "URL of a flow that begins when a Teams webhook request is received.",
	  .secret = true },
	{ .name = NULL },
};

const struct connector connector_teams = {
	.name = "teams",
	.title = "Microsoft Teams",
	.doc = "Adaptive Cards through a webhook of Workflows.",
	.settings = settings,
	.auth = AUTH_URL,
	.auth_setting = "webhook_url",
	.actions = actions,
	/* learn.microsoft.com: four requests a second and webhook, then 429; a channel takes far
	 * fewer messages over a longer time. */
	.per_second = 1,
	.burst = 4,
	.error_words = message_error, /* {"error":{"code":"WorkflowNotFound","message":"..."}} */
	.standing = standing,
};
