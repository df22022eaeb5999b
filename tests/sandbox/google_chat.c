/* SPDX-License-Identifier: Apache-2.0
 *
 * google_chat - the webhook of a space of Google Chat
 * (https://developers.google.com/workspace/chat/quickstart/webhooks).
 *
 * key and token stand in the query. A requestId that was there before gives the message it made
 * then. The answer to a webhook holds what was sent, name and thread.name. A space called GONE was
 * deleted.
 */
#include "tests/sandbox/targets.h"

#include "tests/sandbox/chat.h"

#include <stdio.h>
#include <string.h>

#define KEY   "sandbox-key"
#define TOKEN "sandbox-token"

#define MESSAGE_MAX 32000

static void problem(struct reply *re, int status, const char *word, const char *why)
{
	struct text *out = reply_json(re, status);

	text_fmt(out, "{\"error\":{\"code\":%d", status);
	text_key(out, "message");
	text_quote(out, why);
	text_key(out, "status");
	text_quote(out, word);
	text_add(out, "}}");
}

static void refuse(struct reply *re, int status, const char *why)
{
	if (status == 429)
		problem(re, status, "RESOURCE_EXHAUSTED",
			"Resource has been exhausted (e.g. check quota).");
	else if (status == 404)
		problem(re, status, "NOT_FOUND", "Requested entity was not found.");
	else
		problem(re, status, "UNAVAILABLE", why ? why : "The service is unavailable.");
}

static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *key = args_get(&rq->query, "key");
	const char *token = args_get(&rq->query, "token");

	(void)sb;
	if (!key || strcmp(key, KEY) != 0 || !token || strcmp(token, TOKEN) != 0)
		problem(re, 403, "PERMISSION_DENIED", "The caller does not have permission");
	else if (rq->id && !strcmp(rq->id, "GONE"))
		refuse(re, 404, NULL);
	else
		return true;
	return false;
}

const struct vendor google_chat = { "google_chat", true, refuse, admit, NULL };

static const char *bad(const struct request *rq, const json_t *body)
{
	if (!body)
		return "Invalid JSON payload received.";
	if (rq->len > MESSAGE_MAX)
		return "Message size is too large.";
	if (!json_string_length(json_object_get(body, "text")) &&
	    !json_array_size(json_object_get(body, "cardsV2")))
		return "Message cannot be empty.";
	return NULL;
}

/* Messages of one threadKey stand in one thread; others have one of their own. */
static void accept(struct reply *re, const struct request *rq, const json_t *body, int64_t number)
{
	const json_t *thread = json_object_get(body, "thread");
	const char *key = json_string_value(json_object_get(thread, "threadKey"));
	struct text *out = reply_json(re, 200);
	char name[200];

	(void)snprintf(name, sizeof(name), "spaces/%.60s/messages/%lld.%lld", rq->id,
		       (long long)number, (long long)number);
	text_add(out, "{\"name\":");
	text_quote(out, name);
	text_key(out, "text");
	text_quote(out, json_string_value(json_object_get(body, "text")));
	(void)snprintf(name, sizeof(name), "spaces/%.60s/threads/%.100s", rq->id,
		       key ? key : strrchr(name, '.') + 1);
	text_add(out, ",\"thread\":{\"name\":");
	text_quote(out, name);
	text_add(out, "}}");
}

void google_chat_create(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *id = args_get(&rq->query, "requestId");
	char why[160], name[200];
	json_t *body = request_object(rq, why);
	const char *wrong = bad(rq, body);
	int64_t number = 0;

	(void)snprintf(name, sizeof(name), "google_chat/%.150s", id ? id : "");
	if (!wrong && id)
		number = chat_find(sb->chat, name);
	if (!wrong && !number)
		number = chat_keep(sb, rq, body, id ? name : NULL);
	if (wrong)
		problem(re, 400, "INVALID_ARGUMENT", wrong);
	else
		accept(re, rq, body, number);
	json_decref(body);
}
