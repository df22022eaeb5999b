/* SPDX-License-Identifier: Apache-2.0
 *
 * google_chat - messages to a space of Google Chat, through its webhook.
 *
 * The webhook's URL is the secret: key and token stand in its query. A request
 * carries the step's idempotency key as requestId; asking again with the same one
 * gives the message that is there already.
 *
 * I1  A message has at most MESSAGE_MOST bytes: its text is shortened to that.
 *
 * Source: developers.google.com/workspace/chat: Build a webhook, spaces.messages.create,
 * Format messages, Usage limits. */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/connectors/message.h"

#define MESSAGE_MOST 32000 /* bytes, text and cards together */
#define THREAD_MOST  4000  /* characters of a threadKey */

static const struct param post_params[] = {
	{ .name = "text",
	  .type = PARAM_TEXT,
	  .slot = SLOT_CHAT,
	  .doc = "The message, with *bold*, _italic_, ~struck~, `code` and <url|links>." },
	{ .name = "cards",
	  .type = PARAM_LIST,
	  .slot = SLOT_SLACK,
	  .doc = "Cards as Google defines cardsV2: maps with cardId and card." },
	{ .name = "thread",
	  .type = PARAM_ID,
	  .doc = "A word for a thread: messages with the same one stand together." },
	{ .name = NULL },
};

static struct value make_message(struct call *call, struct value params, struct text text)
{
	struct text thread = param_text(params, "thread");
	struct value cards = param_value(params, "cards");
	struct value_map_builder b, inner;

	value_map_begin(&b, call->arena);
	if (text.n > 0)
		value_map_set(&b, "text", value_text(text));
	if (cards.n > 0)
		value_map_set(&b, "cardsV2", cards);
	if (thread.n > 0) {
		value_map_begin(&inner, call->arena);
		value_map_set(&inner, "threadKey", value_text(thread));
		value_map_set(&b, "thread", value_map_end(&inner));
	}
	return value_map_end(&b);
}

static enum fate put_query(struct call *call, bool thread, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;

	buf_init(&url, LIMIT_URL);
	if (call->idempotency_key[0] != '\0') {
		buf_str(&url, "?requestId=");
		url_encode(&url, text_of(call->idempotency_key));
	}
	if (thread)
		buf_printf(&url, "%cmessageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
			   url.n > 0 ? '&' : '?');
	return request_url(call, out, &url);
}

static enum fate build_post(struct call *call, struct value given, struct request *out)
{
	struct text text, thread;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, post_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	text = param_text(params, "text");
	thread = param_text(params, "thread");
	if (text.n == 0 && param_value(params, "cards").n == 0)
		return call_fail(call, FATE_REJECT, "text or cards is needed");
	if (thread.n > THREAD_MOST)
		return call_fail(call, FATE_REJECT, "thread is longer than %d bytes", THREAD_MOST);
	fate = put_query(call, thread.n > 0, out);
	if (fate != FATE_OK)
		return fate;
	return message_json(call, out, text, MESSAGE_MOST, make_message, params);
}

/* A message: name is spaces/S/messages/M; its thread has a name, too. */
static enum fate read_post(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	fate = reply_json(call, reply, &out->result);
	if (fate == FATE_OK && param_text(out->result, "name").n == 0)
		return call_fail(call, FATE_RETRY, "the reply is no message: it has no name");
	return fate;
}

/* 404: the space is gone; 401 and 403: the webhook's key or token is. */
static void standing(struct call *call, const struct reply *reply, struct standing *out)
{
	assert(call != NULL && reply != NULL && out != NULL);
	out->gone = reply->status == 401 || reply->status == 403 || reply->status == 404 ||
		    reply->status == 410;
}

static const struct action actions[] = {
	{ .name = "post",
	  .doc = "Posts a message.",
	  .params = post_params,
	  .after_doubt = DOUBT_REPEAT, /* recognised by its requestId */
	  .example = "{ text: \"Acme rollout is over budget\", thread: acme }",
	  .result = "The message: name, thread.name.",
	  .build = build_post,
	  .read = read_post },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "webhook_url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "URL of the space's webhook, with key and token.",
	  .secret = true },
	{ .name = NULL },
};

const struct connector connector_google_chat = {
	.name = "google_chat",
	.title = "Google Chat",
	.doc = "Messages to a space of Google Chat through its webhook.",
	.settings = settings,
	.auth = AUTH_URL,
	.auth_setting = "webhook_url",
	.actions = actions,
	/* Usage limits: one write a second and space, shared by all its webhooks. */
	.per_second = 1,
	.burst = 1,
	.error_words = message_error, /* {"error":{"code":404,"message":"..."}} */
	.standing = standing,
};
