/* SPDX-License-Identifier: Apache-2.0
 *
 * slack - messages through a Slack incoming webhook.
 *
 * The webhook's URL is the secret; requests are built without one. Slack answers
 * "ok" as plain text, and a failure as a word in plain text
 * (channel_is_archived).
 *
 * I1  Only "ok" is success, whatever the status.
 *
 * Source: docs.slack.dev, Sending messages using incoming webhooks; api.slack.com
 * changelog 2016-05-17 (errors of incoming webhooks). */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/limits.h"

static const struct param post_params[] = {
	{ .name = "text",
	  .type = PARAM_TEXT,
	  .slot = SLOT_SLACK,
	  .doc = "The message, or the notification's text when there are blocks." },
	{ .name = "blocks",
	  .type = PARAM_LIST,
	  .slot = SLOT_SLACK,
	  .doc = "Layout blocks as Slack defines them." },
	{ .name = "channel",
	  .type = PARAM_TEXT,
	  .doc = "Channel; only webhooks of the older kind take it." },
	{ .name = NULL },
};

static enum fate build_post(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, post_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	if (param_text(params, "text").n == 0 && param_value(params, "blocks").n == 0)
		return call_fail(call, FATE_REJECT, "text or blocks is needed");
	return request_json(call, out, params);
}

/* The reply as one line for people: a word, or the beginning of a proxy's page. */
static struct text error_words(struct call *call, const struct reply *reply)
{
	struct text t;
	char *line;

	assert(call != NULL && reply != NULL);
	t = words_cut(text_trim(reply->body));
	line = arena_copy(call->arena, t.s, t.n);
	if (line == NULL)
		return TEXT_NONE;
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	return (struct text){ line, t.n };
}

static enum fate read_post(struct call *call, const struct reply *reply, struct reading *out)
{
	struct text words;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_text(TEXT("ok")) };
	if (text_is(text_trim(reply->body), "ok"))
		return FATE_OK;
	words = error_words(call, reply);
	if (words.n == 0)
		return call_fail(call, FATE_REJECT, "Slack answered %d without ok", reply->status);
	return call_fail(call, FATE_REJECT, "Slack says: %.*s", TEXT_ARG(words));
}

static const struct action actions[] = {
	{ .name = "post",
	  .doc = "Posts a message.",
	  .params = post_params,
	  .after_doubt = DOUBT_REPEAT, /* rather twice than not at all */
	  .example = "{ text: \"Acme rollout is over budget\" }",
	  .result = "The text ok.",
	  .build = build_post,
	  .read = read_post },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "webhook_url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "URL of the incoming webhook.",
	  .secret = true },
	{ .name = NULL },
};

const struct connector connector_slack = {
	.name = "slack",
	.title = "Slack",
	.doc = "Messages through a Slack incoming webhook.",
	.settings = settings,
	.auth = AUTH_URL,
	.auth_setting = "webhook_url",
	.actions = actions,
	/* docs.slack.dev, Rate limits: one message a second for each webhook, short bursts. */
	.per_second = 1,
	.burst = 5,
	.error_words = error_words,
};
