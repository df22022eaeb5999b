/* SPDX-License-Identifier: Apache-2.0
 *
 * chat - see chat.h. A message is kept as the JSON text it is shown as.
 */
#include "tests/sandbox/chat.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Longest text of one message, as Slack documents it. */
#define TEXT_MAX 40000

struct chat {
	size_t n;
	size_t first; /* slot of the oldest */
	int64_t total;
	char *messages[MESSAGES_MAX];
	char *keys[MESSAGES_MAX]; /* NULL: none */
};

struct chat *chat_new(void)
{
	return must_alloc(1, sizeof(struct chat));
}

static void forget(struct chat *c, size_t slot)
{
	free(c->messages[slot]);
	free(c->keys[slot]);
	c->messages[slot] = c->keys[slot] = NULL;
}

void chat_clear(struct chat *c)
{
	assert(c);
	for (; c->n; c->n--) {
		forget(c, c->first);
		c->first = (c->first + 1) % MESSAGES_MAX;
	}
}

void chat_free(struct chat *c)
{
	if (!c)
		return;
	chat_clear(c);
	free(c);
}

static void member(struct text *out, const json_t *message, const char *name)
{
	const json_t *value = json_object_get(message, name);

	text_key(out, name);
	if (value)
		text_value(out, value);
	else
		text_add(out, "null");
}

static char *written(int64_t number, int64_t at_ms, const char *path, const json_t *message)
{
	struct text out = { 0 };

	text_fmt(&out, "{\"n\":%lld,\"at_ms\":%lld", (long long)number, (long long)at_ms);
	text_key(&out, "path");
	text_quote(&out, path);
	member(&out, message, "text");
	member(&out, message, "channel");
	member(&out, message, "blocks");
	member(&out, message, "attachments");
	text_char(&out, '}');
	return text_take(&out);
}

int64_t chat_keep(struct sandbox *sb, const struct request *rq, const json_t *message,
		  const char *key)
{
	struct chat *c = sb->chat;
	size_t slot;

	if (c->n == MESSAGES_MAX) {
		forget(c, c->first);
		c->first = (c->first + 1) % MESSAGES_MAX;
		c->n--;
	}
	slot = (c->first + c->n++) % MESSAGES_MAX;
	c->messages[slot] = written(++c->total, sandbox_now_ms(sb), rq->path, message);
	c->keys[slot] = key ? must_copy(key) : NULL;
	return c->total;
}

int64_t chat_find(const struct chat *c, const char *key)
{
	for (size_t i = c->n; i-- > 0;) {
		const char *other = c->keys[(c->first + i) % MESSAGES_MAX];

		if (other && !strcmp(other, key))
			return c->total - (int64_t)(c->n - 1 - i);
	}
	return 0;
}

void chat_change(struct sandbox *sb, int64_t number, const struct request *rq,
		 const json_t *message)
{
	struct chat *c = sb->chat;
	size_t slot = (c->first + c->n - 1 - (size_t)(c->total - number)) % MESSAGES_MAX;

	assert(number > c->total - (int64_t)c->n && number <= c->total);
	free(c->messages[slot]);
	c->messages[slot] = written(number, sandbox_now_ms(sb), rq->path, message);
}

static void slack_refuse(struct reply *re, int status, const char *why)
{
	reply_plain(re, status,
		    why             ? why
		    : status == 404 ? "no_service"
		    : status == 429 ? "rate_limited"
				    : "rollup_error");
}

static void sink_refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"ok\":false,\"error\":");
	text_quote(out, why ? why : "refused");
	text_char(out, '}');
}

const struct vendor slack = { "slack", true, slack_refuse, NULL, NULL };
const struct vendor sink = { "sink", true, sink_refuse, NULL, NULL };

/* A form carries the message as JSON in its field `payload`. */
static json_t *message_of(const struct request *rq)
{
	char why[160];
	json_t *body = request_object(rq, why);
	json_t *payload = json_object_get(body, "payload");
	json_t *message;

	if (!body || !request_is_form(rq))
		return body;
	message = json_loads(payload ? json_string_value(payload) : "", 0, NULL);
	json_decref(body);
	return message;
}

const char *chat_objection(const json_t *message)
{
	const json_t *text = json_object_get(message, "text");
	const json_t *blocks = json_object_get(message, "blocks");
	const json_t *attachments = json_object_get(message, "attachments");

	if (!json_is_object(message) || (text && !json_is_string(text)))
		return "invalid_payload";
	if (blocks && !json_is_array(blocks))
		return "invalid_blocks";
	if (!json_string_length(text) && !json_array_size(blocks) && !json_array_size(attachments))
		return "no_text";
	return json_string_length(text) > TEXT_MAX ? "msg_too_long" : NULL;
}

void chat_receive(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *message = message_of(rq);
	const char *why = chat_objection(message);

	if (why) {
		slack_refuse(re, 400, why);
	} else {
		(void)chat_keep(sb, rq, message, NULL);
		reply_plain(re, 200, "ok");
	}
	json_decref(message);
}

void sink_receive(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)sb;
	(void)rq;
	text_add(reply_json(re, 200), "{\"ok\":true}");
}

void chat_write(const struct chat *c, size_t newest, struct text *out)
{
	size_t start = newest && newest < c->n ? c->n - newest : 0;

	text_char(out, '[');
	for (size_t i = start; i < c->n; i++) {
		text_add(out, i > start ? "," : "");
		text_add(out, c->messages[(c->first + i) % MESSAGES_MAX]);
	}
	text_char(out, ']');
}

int64_t chat_total(const struct chat *c)
{
	return c->total;
}
