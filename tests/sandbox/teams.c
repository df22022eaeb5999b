/* SPDX-License-Identifier: Apache-2.0
 *
 * teams - a webhook of Workflows that posts to a channel of Microsoft Teams.
 *
 * 202 without a body says that the flow was started. A flow that is given anything but an Adaptive
 * Card fails later, unseen by the caller: 202 all the same, and no message. The signature stands in
 * the query.
 */
#include "tests/sandbox/targets.h"

#include "tests/sandbox/chat.h"

#include <string.h>

#define SIGNATURE "sandbox-signature"

/* 28 KB, the size of a message in Teams. */
#define MESSAGE_MAX 28672

static void problem(struct reply *re, int status, const char *code, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"error\":{\"code\":");
	text_quote(out, code);
	text_key(out, "message");
	text_quote(out, why);
	text_add(out, "}}");
}

static void refuse(struct reply *re, int status, const char *why)
{
	if (status == 404)
		problem(re, status, "WorkflowNotFound", "The workflow could not be found.");
	else if (status == 429)
		problem(re, status, "WorkflowTriggerThrottled", "Too many requests.");
	else
		problem(re, status, "ServiceUnavailable", why ? why : "Try again later.");
}

static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *signature = args_get(&rq->query, "sig");

	(void)sb;
	if (signature && !strcmp(signature, SIGNATURE))
		return true;
	problem(re, 401, "DirectApiAuthorizationRequired",
		"The request must be authenticated only by Shared Access scheme.");
	return false;
}

const struct vendor teams = { "teams", true, refuse, admit, NULL };

/* The texts of a card's blocks, one under the other. */
static void add_texts(struct text *out, const json_t *card)
{
	const json_t *body = json_object_get(card, "body");

	for (size_t i = 0; i < json_array_size(body); i++) {
		const char *text =
		    json_string_value(json_object_get(json_array_get(body, i), "text"));

		text_add(out, text && out->len > 0 ? "\n" : "");
		text_add(out, text ? text : "");
	}
}

static void keep(struct sandbox *sb, const struct request *rq, const json_t *attachments)
{
	const json_t *card = json_object_get(json_array_get(attachments, 0), "content");
	struct text texts = { 0 };
	json_t *message;

	text_add(&texts, "");
	add_texts(&texts, card);
	message = json_pack("{s:s, s:O}", "text", texts.data ? texts.data : "", "attachments",
			    attachments);
	(void)chat_keep(sb, rq, message, NULL);
	json_decref(message);
	text_fini(&texts);
}

static bool is_card(const json_t *attachments)
{
	const json_t *first = json_array_get(attachments, 0);
	const char *type = json_string_value(json_object_get(first, "contentType"));

	return type && !strcmp(type, "application/vnd.microsoft.card.adaptive");
}

void teams_receive(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160];
	json_t *body = request_object(rq, why);
	const json_t *attachments = json_object_get(body, "attachments");

	if (!body) {
		problem(re, 400, "InvalidRequestContent", why);
	} else if (rq->len > MESSAGE_MAX) {
		problem(re, 413, "RequestEntityTooLarge", "The message is too large.");
	} else {
		if (is_card(attachments))
			keep(sb, rq, attachments);
		re->status = 202;
	}
	json_decref(body);
}
