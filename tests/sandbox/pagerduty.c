/* SPDX-License-Identifier: Apache-2.0
 *
 * pagerduty - the Events API v2 (https://developer.pagerduty.com/docs/events-api-v2-overview).
 *
 * An alert is kept as a message under its dedup_key: triggering it again changes it, acknowledging
 * and resolving too. Of an alert that isn't open, both are accepted and dropped, as PagerDuty does.
 */
#include "tests/sandbox/targets.h"

#include "tests/sandbox/chat.h"

#include <stdio.h>
#include <string.h>

#define ROUTING_KEY "0123456789abcdef0123456789abcdef"

#define SUMMARY_MAX 1024
#define DEDUP_MAX   255
#define EVENT_MAX   (512 * 1024)

static void invalid(struct reply *re, const char *why)
{
	struct text *out = reply_json(re, 400);

	text_add(out, "{\"status\":\"invalid event\",\"message\":\"Event object is invalid\","
		      "\"errors\":[");
	text_quote(out, why);
	text_add(out, "]}");
}

static void refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"status\":");
	text_quote(out, status == 429 ? "throttle exceeded" : "error");
	text_key(out, "message");
	text_quote(out, status == 429 ? "Requests for this service are arriving too quickly. "
					"Please retry later."
			: why         ? why
				      : "Internal Server Error");
	text_char(out, '}');
}

const struct vendor pagerduty = { "pagerduty", true, refuse, NULL, NULL };

static const char *text_at(const json_t *map, const char *name)
{
	return json_string_value(json_object_get(map, name));
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool one_of(const char *word, const char *const *words)
{
	for (; word && *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

/* What is wrong with the payload, NULL if nothing is. */
static const char *bad_payload(const json_t *payload, bool alert)
{
	static const char *const severities[] = { "critical", "error", "warning", "info", NULL };
	const char *summary = text_at(payload, "summary");

	if (!characters(summary))
		return "'payload.summary' is missing or blank";
	if (characters(summary) > SUMMARY_MAX)
		return "'payload.summary' is too long (maximum is 1024 characters)";
	if (!alert)
		return NULL;
	if (!text_at(payload, "source"))
		return "'payload.source' is missing or blank";
	if (!one_of(text_at(payload, "severity"), severities))
		return "'payload.severity' is invalid (must be one of the following: 'critical', "
		       "'warning', 'error' or 'info')";
	return NULL;
}

static const char *bad_event(const struct request *rq, const json_t *body)
{
	const char *key = text_at(body, "routing_key");

	if (!body)
		return "JSON is invalid";
	if (rq->len > EVENT_MAX)
		return "event is too large";
	return !key || strcmp(key, ROUTING_KEY) != 0 ? "Invalid routing key" : NULL;
}

static void accept(struct reply *re, const char *key)
{
	struct text *out = reply_json(re, 202);

	text_add(out, "{\"status\":\"success\",\"message\":\"Event processed\"");
	if (key) {
		text_key(out, "dedup_key");
		text_quote(out, key);
	}
	text_char(out, '}');
}

/* "trigger KEY: summary" for people and tests to see. */
static json_t *shown(const char *action, const char *key, const json_t *body)
{
	const char *summary = text_at(json_object_get(body, "payload"), "summary");

	return json_pack(
	    "{s:o}", "text",
	    json_sprintf("%s %s%s%s", action, key, summary ? ": " : "", summary ? summary : ""));
}

static void take(struct sandbox *sb, const struct request *rq, const json_t *body,
		 const char *action, const char *key)
{
	char name[DEDUP_MAX + 20];
	int64_t number;
	json_t *message = shown(action, key, body);

	(void)snprintf(name, sizeof(name), "pagerduty/%s", key);
	number = chat_find(sb->chat, name);
	if (number)
		chat_change(sb, number, rq, message);
	else if (!strcmp(action, "trigger"))
		(void)chat_keep(sb, rq, message, name);
	json_decref(message);
}

void pagerduty_enqueue(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	static const char *const actions[] = { "trigger", "acknowledge", "resolve", NULL };
	char why[160], made[40];
	json_t *body = request_object(rq, why);
	const char *action = text_at(body, "event_action");
	const char *key = text_at(body, "dedup_key");
	const char *bad = bad_event(rq, body);

	if (!bad && !one_of(action, actions))
		bad = "'event_action' is missing or invalid";
	if (!bad && key && strlen(key) > DEDUP_MAX)
		bad = "'dedup_key' is too long (maximum is 255 characters)";
	if (!bad && !key && strcmp(action, "trigger") != 0)
		bad = "'dedup_key' is missing or blank";
	if (!bad && !strcmp(action, "trigger"))
		bad = bad_payload(json_object_get(body, "payload"), true);
	if (bad) {
		invalid(re, bad);
	} else {
		(void)snprintf(made, sizeof(made), "made-%lld",
			       (long long)chat_total(sb->chat) + 1);
		take(sb, rq, body, action, key ? key : made);
		accept(re, key ? key : made);
	}
	json_decref(body);
}

void pagerduty_change(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160];
	json_t *body = request_object(rq, why);
	const char *bad = bad_event(rq, body);
	json_t *message;

	if (!bad)
		bad = bad_payload(json_object_get(body, "payload"), false);
	if (bad) {
		invalid(re, bad);
	} else {
		message = shown("change", "event", body);
		(void)chat_keep(sb, rq, message, NULL);
		json_decref(message);
		accept(re, NULL);
	}
	json_decref(body);
}
