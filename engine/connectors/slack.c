/* SPDX-License-Identifier: Apache-2.0
 *
 * slack - messages, through an incoming webhook or as an app with a bot token.
 *
 * A connection has the one or the other. A webhook's URL is the secret; it posts
 * to one channel and answers "ok" or a word in plain text
 * (channel_is_archived). A bot token posts to any channel the app is in, and can
 * change what it posted; it answers JSON, failures too, with status 200.
 *
 * I1  Only "ok" is success, whatever the status.
 * I2  Texts are shortened to what Slack takes; too many blocks are refused, for
 *     which of them matter only the rule's author knows.
 *
 * Source: docs.slack.dev: Sending messages using incoming webhooks,
 * chat.postMessage, chat.update, Rate limits, Block Kit; api.slack.com
 * changelog 2016-05-17 (errors of incoming webhooks). */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/connectors/message.h"

/* Characters, as Slack documents them for messages and for blocks. */
#define TEXT_MOST     40000
#define SECTION_MOST  3000
#define FIELD_MOST    2000
#define HEADER_MOST   150
#define MARKDOWN_MOST 12000
#define BLOCKS_MOST   50

static const struct param metadata_members[] = {
	{ .name = "event_type",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Name of what happened." },
	{ .name = "event_payload", .type = PARAM_MAP, .required = true, .doc = "Its data." },
	{ .name = NULL },
};

#define TEXT_ROW                                                                                   \
	{                                                                                          \
		.name = "text", .type = PARAM_TEXT, .slot = SLOT_SLACK,                            \
		.doc = "The message, or the notification's text when there are blocks."            \
	}
#define BLOCKS_ROW                                                                                 \
	{                                                                                          \
		.name = "blocks", .type = PARAM_LIST, .slot = SLOT_SLACK,                          \
		.doc = "Layout blocks as Slack defines them, at most 50."                          \
	}
#define ATTACHMENTS_ROW                                                                            \
	{                                                                                          \
		.name = "attachments", .type = PARAM_LIST, .slot = SLOT_SLACK,                     \
		.doc = "Attachments as Slack defines them; blocks are newer."                      \
	}
#define METADATA_ROW                                                                               \
	{                                                                                          \
		.name = "metadata", .type = PARAM_MAP, .members = metadata_members,                \
		.doc = "Data for apps that read the message; people don't see it."                 \
	}

static const struct param post_params[] = {
	TEXT_ROW,
	BLOCKS_ROW,
	ATTACHMENTS_ROW,
	{ .name = "channel",
	  .type = PARAM_TEXT,
	  .doc =
	      "Channel's id or name; with a bot token needed here or in the connection. Webhooks "
	      "of the older kind take it, others have theirs." },
	{ .name = "thread_ts",
	  .type = PARAM_ID,
	  .doc = "The ts of a message to answer in its thread." },
	{ .name = "reply_broadcast",
	  .type = PARAM_BOOL,
	  .doc = "Show an answer in the channel, too." },
	{ .name = "unfurl_links", .type = PARAM_BOOL, .doc = "Show previews of links." },
	{ .name = "unfurl_media", .type = PARAM_BOOL, .doc = "Show previews of media." },
	{ .name = "mrkdwn", .type = PARAM_BOOL, .doc = "Read *bold* and such in text; true." },
	{ .name = "username", .type = PARAM_TEXT, .doc = "Name to post under." },
	{ .name = "icon_emoji", .type = PARAM_TEXT, .doc = "Emoji to post under, as :name:." },
	{ .name = "icon_url", .type = PARAM_TEXT, .doc = "Picture to post under." },
	METADATA_ROW,
	{ .name = NULL },
};

static const struct param update_params[] = {
	{ .name = "channel",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Channel of the message, from the result of slack.post; an id, no name." },
	{ .name = "ts",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "The message's ts, from the result of slack.post." },
	TEXT_ROW,
	BLOCKS_ROW,
	ATTACHMENTS_ROW,
	{ .name = "reply_broadcast",
	  .type = PARAM_BOOL,
	  .doc = "Show an answer in the channel, too." },
	METADATA_ROW,
	{ .name = NULL },
};

/* ---- Sizes. ---- */

static struct value fit_field(struct call *call, struct value field)
{
	return value_is(field, VALUE_MAP) ? message_cut_member(call, field, "text", FIELD_MOST)
					  : field;
}

/* The text object of a block: { type: mrkdwn, text: ... }. */
static struct value fit_inside(struct call *call, struct value block, size_t most)
{
	struct value text = param_value(block, "text");

	if (!value_is(text, VALUE_MAP))
		return block;
	return message_set(call, block, "text", message_cut_member(call, text, "text", most));
}

static struct value fit_block(struct call *call, struct value block)
{
	struct text type = param_text(block, "type");

	if (text_is(type, "header"))
		return fit_inside(call, block, HEADER_MOST);
	if (text_is(type, "markdown"))
		return message_cut_member(call, block, "text", MARKDOWN_MOST);
	if (!text_is(type, "section"))
		return block;
	block = fit_inside(call, block, SECTION_MOST);
	if (value_is(param_value(block, "fields"), VALUE_LIST))
		block = message_set(call, block, "fields",
				    message_each(call, param_value(block, "fields"), fit_field));
	return block;
}

static enum fate fit_message(struct call *call, struct value *params)
{
	struct value blocks = param_value(*params, "blocks");

	if (param_text(*params, "text").n == 0 && blocks.n == 0 &&
	    param_value(*params, "attachments").n == 0)
		return call_fail(call, FATE_REJECT, "text or blocks is needed");
	if (blocks.n > BLOCKS_MOST)
		return call_fail(call, FATE_REJECT, "a message has at most %d blocks, not %u",
				 BLOCKS_MOST, blocks.n);
	*params = message_cut_member(call, *params, "text", TEXT_MOST);
	if (blocks.n > 0)
		*params =
		    message_set(call, *params, "blocks", message_each(call, blocks, fit_block));
	return FATE_OK;
}

/* ---- Requests. ---- */

static bool has_token(const struct call *call)
{
	return value_get(call->settings, TEXT("token")) != NULL;
}

/* A method of the Web API; Slack asks for the charset. */
static enum fate build_method(struct call *call, struct value params, const char *path,
			      struct request *out)
{
	enum fate fate = request_json(call, out, params);

	out->url = text_of(path);
	out->content_type = "application/json; charset=utf-8";
	return fate;
}

static enum fate build_post(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, post_params, given, &params);
	if (fate == FATE_OK)
		fate = fit_message(call, &params);
	if (fate != FATE_OK)
		return fate;
	if (!has_token(call))
		return request_json(call, out, params);
	if (param_text(params, "channel").n == 0) {
		struct text channel = param_text(call->settings, "channel");

		if (channel.n == 0)
			return call_fail(call, FATE_REJECT,
					 "channel is needed, here or in the connection");
		params = message_set(call, params, "channel", value_text(channel));
	}
	return build_method(call, params, "/chat.postMessage", out);
}

static enum fate build_update(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, update_params, given, &params);
	if (fate == FATE_OK)
		fate = fit_message(call, &params);
	if (fate != FATE_OK)
		return fate;
	return build_method(call, params, "/chat.update", out);
}

/* ---- Replies. ---- */

/* Slack's own trouble, or too much of ours: the same request can succeed later. */
static bool is_passing(struct text word)
{
	static const char *const words[] = {
		"ratelimited",       "rate_limited",        "internal_error",
		"fatal_error",       "service_unavailable", "request_timeout",
		"team_added_to_org", "rollup_error",        NULL
	};

	for (size_t i = 0; words[i] != NULL; i++)
		if (text_is(word, words[i]))
			return true;
	return false;
}

/* The webhook was removed, the app uninstalled, the token revoked: nothing gets through. */
static bool is_gone(struct text word)
{
	static const char *const words[] = { "no_service",      "no_service_id", "no_team",
					     "no_active_hooks", "team_disabled", "invalid_token",
					     "invalid_auth",    "not_authed",    "account_inactive",
					     "token_revoked",   "token_expired", NULL };

	for (size_t i = 0; words[i] != NULL; i++)
		if (text_is(word, words[i]))
			return true;
	return false;
}

static const char *advice(struct text word)
{
	static const char *const rows[][2] = {
		{ "not_in_channel", " (invite the app to the channel)" },
		{ "channel_not_found", " (there is none, or the app can't see it: invite it)" },
		{ "missing_scope", " (the app needs the scope chat:write)" },
		{ "message_not_found", " (channel and ts are those of the result of slack.post?)" },
		{ "cant_update_message", " (an app can change its own messages only)" },
		{ NULL, NULL },
	};

	for (size_t i = 0; rows[i][0] != NULL; i++)
		if (text_is(word, rows[i][0]))
			return rows[i][1];
	return "";
}

/* The word of a failure: of JSON its member error, else the text itself. */
static struct text error_words(struct call *call, const struct reply *reply)
{
	struct text t = text_trim(reply->body);
	struct text word;

	assert(call != NULL);
	if (t.n == 0 || t.s[0] != '{')
		return message_line(call, t);
	word = message_words(call, reply, "error");
	return word.n > 0 ? word : message_line(call, t);
}

/* {"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] ..."]}} */
static enum fate refused(struct call *call, const struct reply *reply, struct value doc)
{
	struct text word = error_words(call, reply);
	const struct value *list = value_path(doc, TEXT("response_metadata.messages"));
	struct text more = TEXT_NONE;

	if (list != NULL && value_is(*list, VALUE_LIST) && list->n > 0 &&
	    value_is(list->items[0], VALUE_TEXT))
		more = message_line(call, value_as_text(list->items[0]));
	return call_fail(call, is_passing(word) ? FATE_RETRY : FATE_REJECT,
			 "Slack says: %.*s%s%s%.*s", TEXT_ARG(word), advice(word),
			 more.n > 0 ? " " : "", TEXT_ARG(more));
}

static enum fate read_method(struct call *call, const struct reply *reply, struct reading *out)
{
	static const char *const kept[] = { "channel", "ts", "message", NULL };
	struct value_map_builder b;
	struct value doc;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	fate = reply_json(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	const struct value *ok = value_get(doc, TEXT("ok"));

	if (ok == NULL || !value_is(*ok, VALUE_BOOL))
		return call_fail(call, FATE_RETRY, "the reply doesn't say whether it is ok");
	if (!ok->b)
		return refused(call, reply, doc);
	if (param_text(doc, "ts").n == 0 || param_text(doc, "channel").n == 0)
		return call_fail(call, FATE_RETRY, "the reply has no channel and ts");
	value_map_begin(&b, call->arena);
	for (size_t i = 0; kept[i] != NULL; i++)
		if (value_get(doc, text_of(kept[i])) != NULL)
			value_map_set(&b, kept[i], param_value(doc, kept[i]));
	out->result = value_map_end(&b);
	return FATE_OK;
}

static enum fate read_post(struct call *call, const struct reply *reply, struct reading *out)
{
	struct text words;

	assert(call != NULL && reply != NULL && out != NULL);
	if (has_token(call))
		return read_method(call, reply, out);
	*out = (struct reading){ .result = value_text(TEXT("ok")) };
	if (text_is(text_trim(reply->body), "ok"))
		return FATE_OK;
	words = error_words(call, reply);
	if (words.n == 0)
		return call_fail(call, FATE_REJECT, "Slack answered %d without ok", reply->status);
	return call_fail(call, is_passing(words) ? FATE_RETRY : FATE_REJECT, "Slack says: %.*s%s",
			 TEXT_ARG(words), advice(words));
}

static void standing(struct call *call, const struct reply *reply, struct standing *out)
{
	struct text word;

	assert(call != NULL && reply != NULL && out != NULL);
	if (text_is(text_trim(reply->body), "ok"))
		return;
	word = error_words(call, reply);
	/* A webhook has one channel: when that is archived, nothing gets through. */
	out->gone = is_gone(word) || (!has_token(call) && text_is(word, "channel_is_archived")) ||
		    reply->status == 410;
}

static const struct action actions[] = {
	{ .name = "post",
	  .doc = "Posts a message.",
	  .params = post_params,
	  .after_doubt = DOUBT_REPEAT, /* rather twice than not at all */
	  .example = "{ text: \"Acme rollout is over budget\" }",
	  .result =
	      "With a bot token a map with channel, ts and message; with a webhook the text ok.",
	  .build = build_post,
	  .read = read_post },
	{ .name = "update",
	  .doc = "Changes a message that this app posted.",
	  .params = update_params,
	  .after_doubt = DOUBT_REPEAT, /* the same text again */
	  .example = "{ channel: \"C024BE91L\", ts: \"1716000000.000100\", text: \"Done\" }",
	  .result = "A map with channel, ts and message.",
	  .needs = "token",
	  .build = build_update,
	  .read = read_method },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "webhook_url",
	  .type = PARAM_TEXT,
	  .doc = "URL of an incoming webhook; this or token is needed.",
	  .secret = true },
	{ .name = "token",
	  .type = PARAM_TEXT,
	  .doc = "Bot token of an app with the scope chat:write; this or webhook_url is needed.",
	  .secret = true },
	{ .name = "channel",
	  .type = PARAM_TEXT,
	  .doc = "With a token: where slack.post goes when it names no channel." },
	{ .name = "base_url",
	  .type = PARAM_TEXT,
	  .doc = "With a token: where the Web API is; https://slack.com/api." },
	{ .name = NULL },
};

const struct connector connector_slack = {
	.name = "slack",
	.title = "Slack",
	.doc = "Messages through a Slack incoming webhook, or as an app with a bot token.",
	.settings = settings,
	.auth = AUTH_URL,
	.auth_setting = "webhook_url",
	.bearer_setting = "token",
	.base_url = "https://slack.com/api",
	.actions = actions,
	/* docs.slack.dev, Rate limits: one message a second for each webhook and for each channel,
	 * short bursts. */
	.per_second = 1,
	.burst = 5,
	.error_words = error_words,
	.standing = standing,
};
