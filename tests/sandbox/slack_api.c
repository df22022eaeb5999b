/* SPDX-License-Identifier: Apache-2.0
 *
 * slack_api - chat.postMessage and chat.update of Slack's Web API.
 *
 * Failures come as 200 with "ok":false, all but too many requests, which is a 429
 * (https://docs.slack.dev/apis/web-api, https://docs.slack.dev/reference/methods/chat.postMessage).
 * There are four channels: the app is in the first two, not in the third, and the fourth is
 * archived.
 */
#include "tests/sandbox/targets.h"

#include "tests/sandbox/chat.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "Bearer xoxb-sandbox-token"

/* Blocks of a message, and characters of a section, as Slack documents them. */
#define BLOCKS_MAX  50
#define SECTION_MAX 3000

static const struct channel {
	const char *id, *name, *objection;
} channels[] = {
	{ "C0000000001", "general", NULL },
	{ "C0000000002", "alerts", NULL },
	{ "C0000000003", "elsewhere", "not_in_channel" },
	{ "C0000000004", "old", "is_archived" },
};

static void refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"ok\":false,\"error\":");
	text_quote(out, why             ? why
			: status == 401 ? "invalid_auth"
			: status == 429 ? "ratelimited"
					: "internal_error");
	text_char(out, '}');
}

static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)sb;
	if (rq->authorization && !strcmp(rq->authorization, TOKEN))
		return true;
	refuse(re, 200, rq->authorization ? "invalid_auth" : "not_authed");
	return false;
}

const struct vendor slack_api = { "slack", true, refuse, admit, NULL };

/* By id; by name too when a message is posted. */
static const struct channel *channel_of(const json_t *body, bool by_name)
{
	const char *word = json_string_value(json_object_get(body, "channel"));

	for (size_t i = 0; word && i < sizeof(channels) / sizeof(channels[0]); i++) {
		const char *name = *word == '#' ? word + 1 : word;

		if (!strcmp(word, channels[i].id) || (by_name && !strcmp(name, channels[i].name)))
			return &channels[i];
	}
	return NULL;
}

/* Where a block is too long or too many, as Slack points at it; false: nowhere. */
static bool bad_blocks(const json_t *blocks, char why[160])
{
	if (json_array_size(blocks) > BLOCKS_MAX) {
		(void)snprintf(why, 160,
			       "[ERROR] no more than 50 items allowed "
			       "[json-pointer:/blocks]");
		return true;
	}
	for (size_t i = 0; i < json_array_size(blocks); i++) {
		const json_t *text = json_object_get(json_array_get(blocks, i), "text");
		const json_t *inner = json_object_get(text, "text");

		if (json_string_length(inner) <= SECTION_MAX)
			continue;
		(void)snprintf(why, 160,
			       "[ERROR] must be less than 3001 characters "
			       "[json-pointer:/blocks/%zu/text/text]",
			       i);
		return true;
	}
	return false;
}

static bool acceptable(const json_t *body, const struct channel *channel, struct reply *re)
{
	const char *why = !channel ? "channel_not_found" : channel->objection;
	char where[160];
	struct text *out;

	if (!why)
		why = chat_objection(body);
	if (why) {
		refuse(re, 200, !strcmp(why, "invalid_payload") ? "invalid_arguments" : why);
		return false;
	}
	if (!bad_blocks(json_object_get(body, "blocks"), where))
		return true;
	out = reply_json(re, 200);
	text_add(out, "{\"ok\":false,\"error\":\"invalid_blocks\",\"response_metadata\":{"
		      "\"messages\":[");
	text_quote(out, where);
	text_add(out, "]}}");
	return false;
}

static void accept(struct reply *re, const struct request *rq, const json_t *body,
		   const struct channel *channel, const char *ts)
{
	struct text *out = reply_json(re, 200);
	const json_t *text = json_object_get(body, "text");

	text_add(out, "{\"ok\":true");
	text_key(out, "channel");
	text_quote(out, channel->id);
	text_key(out, "ts");
	text_quote(out, ts);
	text_key(out, "message");
	text_add(out, "{\"type\":\"message\",\"user\":\"U0SANDBOX\",\"bot_id\":\"B0SANDBOX\"");
	text_key(out, "text");
	text_quote(out, text ? json_string_value(text) : "");
	text_key(out, "ts");
	text_quote(out, ts);
	text_char(out, '}');
	if (!rq->content_type || !strstr(rq->content_type, "charset"))
		text_add(out, ",\"warning\":\"missing_charset\"");
	text_char(out, '}');
}

/* A message's ts is its time, made unique by its number. */
void slack_post_message(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160], ts[40], key[80];
	json_t *body = request_object(rq, why);
	const struct channel *channel = channel_of(body, true);

	if (acceptable(body, channel, re)) {
		int64_t next = chat_total(sb->chat) + 1;

		(void)snprintf(ts, sizeof(ts), "%lld.%06lld", (long long)sandbox_now(sb),
			       (long long)(next % 1000000));
		(void)snprintf(key, sizeof(key), "%s/%s", channel->id, ts);
		(void)chat_keep(sb, rq, body, key);
		accept(re, rq, body, channel, ts);
	}
	json_decref(body);
}

void slack_update(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160], key[160];
	json_t *body = request_object(rq, why);
	const struct channel *channel = channel_of(body, false);
	const char *ts = json_string_value(json_object_get(body, "ts"));
	int64_t number;

	(void)snprintf(key, sizeof(key), "%s/%s", channel ? channel->id : "", ts ? ts : "");
	number = chat_find(sb->chat, key);
	if (acceptable(body, channel, re)) {
		if (number) {
			chat_change(sb, number, rq, body);
			accept(re, rq, body, channel, ts);
		} else {
			refuse(re, 200, "message_not_found");
		}
	}
	json_decref(body);
}
