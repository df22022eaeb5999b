/* SPDX-License-Identifier: Apache-2.0
 *
 * discord - a webhook of Discord (https://discord.com/developers/docs/resources/webhook).
 *
 * Without wait=true the answer is an empty 204. Whom a message mentions is worked out as Discord
 * does: from the raw text, unless allowed_mentions says otherwise. A webhook whose id is 404 was
 * deleted.
 */
#include "tests/sandbox/targets.h"

#include "tests/sandbox/chat.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "sandbox-token"

#define CONTENT_MAX 2000
#define EMBEDS_MAX  10

/* Ids are snowflakes: large numbers as text. */
#define FIRST_ID 1106329210582675456LL

static void problem(struct reply *re, int status, int code, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"message\":");
	text_quote(out, why);
	text_fmt(out, ",\"code\":%d}", code);
}

static void refuse(struct reply *re, int status, const char *why)
{
	if (status == 429)
		text_add(reply_json(re, 429), "{\"message\":\"You are being rate limited.\","
					      "\"retry_after\":0.35,\"global\":false}");
	else if (status == 404)
		problem(re, status, 10015, "Unknown Webhook");
	else if (status == 401)
		problem(re, status, 50027, "Invalid Webhook Token");
	else
		problem(re, status, 0, why ? why : "500: Internal Server Error");
}

/* /discord/api/webhooks/ID/TOKEN */
static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)sb;
	if (!strcmp(rq->segments[3], "404"))
		refuse(re, 404, NULL);
	else if (strcmp(rq->segments[4], TOKEN) != 0)
		refuse(re, 401, NULL);
	else
		return true;
	return false;
}

const struct vendor discord = { "discord", true, refuse, admit, NULL };

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool acceptable(const json_t *body, struct reply *re)
{
	const char *content = json_string_value(json_object_get(body, "content"));
	size_t embeds = json_array_size(json_object_get(body, "embeds"));

	if (!body)
		problem(re, 400, 50109, "The request body contains invalid JSON.");
	else if (!characters(content) && embeds == 0)
		problem(re, 400, 50006, "Cannot send an empty message");
	else if (characters(content) > CONTENT_MAX)
		text_add(
		    reply_json(re, 400),
		    "{\"message\":\"Invalid Form Body\",\"code\":50035,\"errors\":{\"content\":{"
		    "\"_errors\":[{\"code\":\"BASE_TYPE_MAX_LENGTH\",\"message\":\"Must be "
		    "2000 or fewer in length.\"}]}}}");
	else if (embeds > EMBEDS_MAX)
		text_add(
		    reply_json(re, 400),
		    "{\"message\":\"Invalid Form Body\",\"code\":50035,\"errors\":{\"embeds\":{"
		    "\"_errors\":[{\"code\":\"BASE_TYPE_BAD_LENGTH\",\"message\":\"Must be "
		    "between 1 and 10 in length.\"}]}}}");
	else
		return true;
	return false;
}

static bool mentions_everyone(const json_t *body)
{
	const char *content = json_string_value(json_object_get(body, "content"));
	const json_t *allowed = json_object_get(body, "allowed_mentions");
	const json_t *parse = json_object_get(allowed, "parse");

	if (!content || (!strstr(content, "@everyone") && !strstr(content, "@here")))
		return false;
	if (!allowed)
		return true;
	for (size_t i = 0; i < json_array_size(parse); i++) {
		const char *kind = json_string_value(json_array_get(parse, i));

		if (kind && !strcmp(kind, "everyone"))
			return true;
	}
	return false;
}

static void add_message(struct text *out, const json_t *body, const char *id)
{
	const json_t *content = json_object_get(body, "content");

	text_add(out, "{\"id\":");
	text_quote(out, id);
	text_key(out, "channel_id");
	text_quote(out, "1106329210582675001");
	text_key(out, "content");
	text_quote(out, content ? json_string_value(content) : "");
	text_key(out, "mention_everyone");
	text_add(out, mentions_everyone(body) ? "true}" : "false}");
}

static json_t *shown(const json_t *body)
{
	const json_t *content = json_object_get(body, "content");

	return json_pack("{s:s}", "text", content ? json_string_value(content) : "(embeds)");
}

void discord_execute(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160], id[40], key[60];
	json_t *body = request_object(rq, why);
	const char *wait = args_get(&rq->query, "wait");

	if (acceptable(body, re)) {
		json_t *message = shown(body);

		(void)snprintf(id, sizeof(id), "%lld", FIRST_ID + chat_total(sb->chat) + 1);
		(void)snprintf(key, sizeof(key), "discord/%s", id);
		(void)chat_keep(sb, rq, message, key);
		json_decref(message);
		if (wait && !strcmp(wait, "true"))
			add_message(reply_json(re, 200), body, id);
		else
			re->status = 204;
		reply_header(re, "X-RateLimit-Limit", "5");
		reply_header(re, "X-RateLimit-Remaining", "4");
		reply_header(re, "X-RateLimit-Reset-After", "0.4");
	}
	json_decref(body);
}

void discord_edit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160], key[120];
	json_t *body = request_object(rq, why);
	int64_t number;

	(void)snprintf(key, sizeof(key), "discord/%s", rq->id);
	number = chat_find(sb->chat, key);
	if (acceptable(body, re)) {
		json_t *message = shown(body);

		if (number) {
			chat_change(sb, number, rq, message);
			add_message(reply_json(re, 200), body, rq->id);
		} else {
			problem(re, 404, 10008, "Unknown Message");
		}
		json_decref(message);
	}
	json_decref(body);
}
