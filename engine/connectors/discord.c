/* SPDX-License-Identifier: Apache-2.0
 *
 * discord - messages to a channel of Discord, through its webhook.
 *
 * The webhook's URL is the secret. Requests ask to wait (wait=true), so that the
 * answer is the message and not an empty 204 that comes before it is stored; its
 * id lets a later step change it.
 *
 * I1  Nobody is mentioned unless the rule says so: allowed_mentions is always
 *     sent, and empty by default.
 * I2  Texts are shortened to what Discord takes; too many embeds or fields are
 *     refused.
 *
 * Source: github.com/discord/discord-api-docs: resources/webhook, resources/message,
 * topics/rate-limits, topics/opcodes-and-status-codes. */
#include "engine/connectors/connector.h"

#include <assert.h>
#include <math.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/connectors/message.h"

/* Characters, and numbers of things. */
#define CONTENT_MOST     2000
#define TITLE_MOST       256
#define DESCRIPTION_MOST 4096
#define FIELD_NAME_MOST  256
#define FIELD_VALUE_MOST 1024
#define FOOTER_MOST      2048
#define AUTHOR_MOST      256
#define EMBEDS_TEXT_MOST 6000 /* all of these of all embeds together */
#define EMBEDS_MOST      10
#define FIELDS_MOST      25

#define UNKNOWN_WEBHOOK 10015
#define INVALID_TOKEN   50027
#define SILENT          4096 /* flag SUPPRESS_NOTIFICATIONS */

static const struct param url_members[] = {
	{ .name = "url", .type = PARAM_TEXT, .required = true, .doc = "Its https URL." },
	{ .name = NULL },
};

static const struct param footer_members[] = {
	{ .name = "text",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "At most 2048 characters; no mark-up." },
	{ .name = "icon_url", .type = PARAM_TEXT, .doc = "A small picture." },
	{ .name = NULL },
};

static const struct param author_members[] = {
	{ .name = "name", .type = PARAM_TEXT, .required = true, .doc = "At most 256 characters." },
	{ .name = "url", .type = PARAM_TEXT, .doc = "A page." },
	{ .name = "icon_url", .type = PARAM_TEXT, .doc = "A small picture." },
	{ .name = NULL },
};

static const struct param field_members[] = {
	{ .name = "name",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_DISCORD,
	  .doc = "At most 256 characters." },
	{ .name = "value",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_DISCORD,
	  .doc = "At most 1024 characters." },
	{ .name = "inline", .type = PARAM_BOOL, .doc = "May stand beside others." },
	{ .name = NULL },
};

static const struct param embed_members[] = {
	{ .name = "title",
	  .type = PARAM_TEXT,
	  .slot = SLOT_DISCORD,
	  .doc = "At most 256 characters." },
	{ .name = "description",
	  .type = PARAM_TEXT,
	  .slot = SLOT_DISCORD,
	  .doc = "At most 4096 characters." },
	{ .name = "url", .type = PARAM_TEXT, .doc = "Where the title leads." },
	{ .name = "timestamp", .type = PARAM_TEXT, .doc = "A time, as ISO 8601." },
	{ .name = "color", .type = PARAM_INT, .doc = "Colour of the edge, 0 to 16777215." },
	{ .name = "footer", .type = PARAM_MAP, .members = footer_members, .doc = "A last line." },
	{ .name = "image", .type = PARAM_MAP, .members = url_members, .doc = "A large picture." },
	{ .name = "thumbnail",
	  .type = PARAM_MAP,
	  .members = url_members,
	  .doc = "A small picture." },
	{ .name = "author", .type = PARAM_MAP, .members = author_members, .doc = "A first line." },
	{ .name = "fields",
	  .type = PARAM_LIST,
	  .members = field_members,
	  .doc = "Names and values, at most 25." },
	{ .name = NULL },
};

static const struct param mentions_members[] = {
	{ .name = "parse",
	  .type = PARAM_LIST,
	  .doc = "Kinds that the text may mention: everyone, roles, users." },
	{ .name = "users", .type = PARAM_LIST, .doc = "Ids of users that it may mention." },
	{ .name = "roles", .type = PARAM_LIST, .doc = "Ids of roles that it may mention." },
	{ .name = NULL },
};

#define CONTENT_ROWS                                                                               \
	{ .name = "text",                                                                          \
	  .type = PARAM_TEXT,                                                                      \
	  .slot = SLOT_DISCORD,                                                                    \
	  .doc = "The message, in Discord's Markdown; at most 2000 characters." },                 \
	    { .name = "embeds",                                                                    \
	      .type = PARAM_LIST,                                                                  \
	      .members = embed_members,                                                            \
	      .doc = "Boxes under the text, at most 10." },                                        \
	    { .name = "allowed_mentions",                                                          \
	      .type = PARAM_MAP,                                                                   \
	      .members = mentions_members,                                                         \
	      .doc = "Who may be mentioned; nobody." },                                            \
	{                                                                                          \
		.name = "thread_id", .type = PARAM_ID, .doc = "A thread of the channel."           \
	}

static const struct param post_params[] = {
	CONTENT_ROWS,
	{ .name = "thread_name",
	  .type = PARAM_TEXT,
	  .doc = "In a forum: name of the thread to open." },
	{ .name = "username", .type = PARAM_TEXT, .doc = "Name to post under." },
	{ .name = "avatar_url", .type = PARAM_TEXT, .doc = "Picture to post under." },
	{ .name = "tts", .type = PARAM_BOOL, .doc = "Have it read out." },
	{ .name = "silent", .type = PARAM_BOOL, .doc = "Notify nobody." },
	{ .name = NULL },
};

static const struct param update_params[] = {
	{ .name = "id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "The message's id, from the result of discord.post." },
	CONTENT_ROWS,
	{ .name = NULL },
};

/* ---- Sizes. ---- */

static struct value fit_field(struct call *call, struct value field)
{
	if (!value_is(field, VALUE_MAP))
		return field;
	field = message_cut_member(call, field, "name", FIELD_NAME_MOST);
	return message_cut_member(call, field, "value", FIELD_VALUE_MOST);
}

static struct value fit_inside(struct call *call, struct value embed, const char *part,
			       const char *name, size_t most)
{
	struct value inner = param_value(embed, part);

	if (!value_is(inner, VALUE_MAP))
		return embed;
	return message_set(call, embed, part, message_cut_member(call, inner, name, most));
}

static struct value fit_embed(struct call *call, struct value embed)
{
	if (!value_is(embed, VALUE_MAP))
		return embed;
	embed = message_cut_member(call, embed, "title", TITLE_MOST);
	embed = message_cut_member(call, embed, "description", DESCRIPTION_MOST);
	embed = fit_inside(call, embed, "footer", "text", FOOTER_MOST);
	embed = fit_inside(call, embed, "author", "name", AUTHOR_MOST);
	if (value_is(param_value(embed, "fields"), VALUE_LIST))
		embed = message_set(call, embed, "fields",
				    message_each(call, param_value(embed, "fields"), fit_field));
	return embed;
}

static enum fate check_embeds(struct call *call, struct value embeds)
{
	if (embeds.n > EMBEDS_MOST)
		return call_fail(call, FATE_REJECT, "a message has at most %d embeds, not %u",
				 EMBEDS_MOST, embeds.n);
	for (uint32_t i = 0; i < embeds.n; i++)
		if (param_value(embeds.items[i], "fields").n > FIELDS_MOST)
			return call_fail(call, FATE_REJECT, "an embed has at most %d fields",
					 FIELDS_MOST);
	return FATE_OK;
}

static size_t embed_characters(struct value embed)
{
	struct value fields = param_value(embed, "fields");
	size_t n = message_characters(param_text(embed, "title")) +
		   message_characters(param_text(embed, "description")) +
		   message_characters(param_text(param_value(embed, "footer"), "text")) +
		   message_characters(param_text(param_value(embed, "author"), "name"));

	for (uint32_t i = 0; i < fields.n; i++)
		n += message_characters(param_text(fields.items[i], "name")) +
		     message_characters(param_text(fields.items[i], "value"));
	return n;
}

static enum fate fit_embeds(struct call *call, struct value *params)
{
	struct value embeds = param_value(*params, "embeds");
	enum fate fate = check_embeds(call, embeds);
	size_t n = 0;

	if (fate != FATE_OK || embeds.n == 0)
		return fate;
	embeds = message_each(call, embeds, fit_embed);
	*params = message_set(call, *params, "embeds", embeds);
	for (uint32_t i = 0; i < embeds.n; i++)
		n += embed_characters(embeds.items[i]);
	if (n > EMBEDS_TEXT_MOST)
		return call_fail(
		    call, FATE_REJECT,
		    "the embeds have %zu characters together, and at most %d are taken", n,
		    EMBEDS_TEXT_MOST);
	return FATE_OK;
}

/* ---- Requests. ---- */

static struct value nobody(struct call *call)
{
	struct value_map_builder b;
	struct value_list_builder none;

	value_list_begin(&none, call->arena);
	value_map_begin(&b, call->arena);
	value_map_set(&b, "parse", value_list_end(&none));
	return value_map_end(&b);
}

static void put_content(struct call *call, struct value_map_builder *b, struct value params)
{
	struct text text = param_text(params, "text");
	struct value embeds = param_value(params, "embeds");
	struct value mentions = param_value(params, "allowed_mentions");

	if (text.n > 0)
		value_map_set(
		    b, "content",
		    value_text(message_cut(call, text, CONTENT_MOST, MESSAGE_CHARACTERS)));
	if (embeds.n > 0)
		value_map_set(b, "embeds", embeds);
	value_map_set(b, "allowed_mentions",
		      value_is(mentions, VALUE_MAP) ? mentions : nobody(call));
}

static enum fate put_thread(struct call *call, struct value params, struct buf *url, char joint)
{
	struct text thread = param_text(params, "thread_id");

	if (thread.n == 0)
		return FATE_OK;
	buf_printf(url, "%cthread_id=", joint);
	return url_segment(call, url, thread);
}

static enum fate fit(struct call *call, const struct param *table, struct value given,
		     struct value *params)
{
	enum fate fate = params_fit(call, table, given, params);

	if (fate != FATE_OK)
		return fate;
	if (param_text(*params, "text").n == 0 && param_value(*params, "embeds").n == 0)
		return call_fail(call, FATE_REJECT, "text or embeds is needed");
	return fit_embeds(call, params);
}

static enum fate build_post(struct call *call, struct value given, struct request *out)
{
	static const char *const same[] = { "thread_name", "username", "avatar_url", "tts", NULL };
	AUTO_FINI(buf_fini) struct buf url;
	struct value_map_builder b;
	struct value params, silent;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	buf_init(&url, LIMIT_URL);
	fate = fit(call, post_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_str(&url, "?wait=true");
	fate = put_thread(call, params, &url, '&');
	if (fate == FATE_OK)
		fate = request_url(call, out, &url);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&b, call->arena);
	put_content(call, &b, params);
	for (size_t i = 0; same[i] != NULL; i++)
		if (value_get(params, text_of(same[i])) != NULL)
			value_map_set(&b, same[i], param_value(params, same[i]));
	silent = param_value(params, "silent");
	if (value_is(silent, VALUE_BOOL) && silent.b)
		value_map_set(&b, "flags", value_int(SILENT));
	return request_json(call, out, value_map_end(&b));
}

static enum fate build_update(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value_map_builder b;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "PATCH" };
	buf_init(&url, LIMIT_URL);
	fate = fit(call, update_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_str(&url, "/messages/");
	fate = url_segment(call, &url, param_text(params, "id"));
	if (fate == FATE_OK)
		fate = put_thread(call, params, &url, '?');
	if (fate == FATE_OK)
		fate = request_url(call, out, &url);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&b, call->arena);
	put_content(call, &b, params);
	return request_json(call, out, value_map_end(&b));
}

/* ---- Replies. ---- */

static enum fate read_message(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	fate = reply_json(call, reply, &out->result);
	if (fate == FATE_OK && param_text(out->result, "id").n == 0)
		return call_fail(call, FATE_RETRY, "the reply is no message: it has no id");
	return fate;
}

/* The first {"code":"BASE_TYPE_...","message":"..."} of a tree of errors, depth first; it is as
 * deep as the parser lets it be. */
static struct text first_error(struct value v)
{
	struct text found = TEXT_NONE;

	if (value_is(v, VALUE_LIST))
		for (uint32_t i = 0; i < v.n && found.n == 0; i++)
			found = first_error(v.items[i]);
	if (!value_is(v, VALUE_MAP))
		return found;
	found = param_text(v, "message");
	for (uint32_t i = 0; i < v.n && found.n == 0; i++)
		found = first_error(v.pairs[i].val);
	return found;
}

/* {"code":50035,"message":"Invalid Form Body","errors":{"content":{"_errors":[{...}]}}} */
static struct text error_words(struct call *call, const struct reply *reply)
{
	struct text words, more, both;
	struct json_error error;
	struct value doc;

	assert(call != NULL && reply != NULL);
	if (json_parse(call->parser, call->arena, reply->body, &doc, &error) != FATE_OK ||
	    param_text(doc, "message").n == 0)
		return message_line(call, reply->body);
	words = message_line(call, param_text(doc, "message"));
	more = message_line(call, first_error(param_value(doc, "errors")));
	if (more.n == 0)
		return words;
	both = text_printf(call->arena, "%.*s: %.*s", TEXT_ARG(words), TEXT_ARG(more));
	return both.s != NULL ? words_cut(both) : words;
}

/* 429 tells in its body, and to the millisecond, how long to wait. Ten thousand refused requests
 * in ten minutes shut an address out for everything, so a dead webhook is left alone. */
static void standing(struct call *call, const struct reply *reply, struct standing *out)
{
	struct json_error error;
	struct value doc, v;

	assert(call != NULL && reply != NULL && out != NULL);
	if (reply->status >= 200 && reply->status < 300)
		return;
	out->gone = reply->status == 401;
	if (json_parse(call->parser, call->arena, reply->body, &doc, &error) != FATE_OK)
		return;
	v = param_value(doc, "retry_after");
	if (reply->status == 429 && value_is(v, VALUE_INT) && v.i >= 0)
		v = value_double((double)v.i);
	if (reply->status == 429 && value_is(v, VALUE_DOUBLE) && v.d >= 0)
		out->retry_after =
		    v.d * 1000 < LIMIT_RETRY_AFTER ? (int64_t)ceil(v.d * 1000) : LIMIT_RETRY_AFTER;
	v = param_value(doc, "code");
	if (value_is(v, VALUE_INT) && (v.i == UNKNOWN_WEBHOOK || v.i == INVALID_TOKEN))
		out->gone = true;
}

static const struct action actions[] = {
	{ .name = "post",
	  .doc = "Posts a message.",
	  .params = post_params,
	  .after_doubt = DOUBT_REPEAT, /* rather twice than not at all */
	  .example = "{ text: \"Acme rollout is over budget\" }",
	  .result = "The message: id, channel_id, content and so on.",
	  .build = build_post,
	  .read = read_message },
	{ .name = "update",
	  .doc = "Changes a message that this webhook posted.",
	  .params = update_params,
	  .after_doubt = DOUBT_REPEAT, /* the same text again */
	  .example = "{ id: \"1106329210582675466\", text: \"Done\" }",
	  .result = "The message.",
	  .build = build_update,
	  .read = read_message },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "webhook_url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "URL of the channel's webhook.",
	  .secret = true },
	{ .name = NULL },
};

const struct connector connector_discord = {
	.name = "discord",
	.title = "Discord",
	.doc = "Messages to a channel of Discord through its webhook.",
	.settings = settings,
	.auth = AUTH_URL,
	.auth_setting = "webhook_url",
	.actions = actions,
	/* Discord publishes no number and may change it; five in two seconds and thirty in a minute
	 * are what a webhook was seen to take. Its 429 says the rest. */
	.per_second = 0.5,
	.burst = 5,
	.error_words = error_words,
	.standing = standing,
};
