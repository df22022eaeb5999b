/* SPDX-License-Identifier: Apache-2.0
 *
 * pagerduty - alerts and changes for PagerDuty, through the Events API v2.
 *
 * The integration's routing_key is a member of every body; delivery puts it
 * there, so it is neither seen here nor kept with an attempt. An alert is known
 * by its dedup_key: triggering it again adds to it, acknowledging and resolving
 * name it. That makes a repeat harmless.
 *
 * I1  Every alert has a dedup_key; without one of the rule's own it is made from
 *     rule and key, so that one rule's trigger and resolve for one key meet.
 * I2  An event has at most EVENT_MOST bytes: custom_details give way first.
 *
 * Source: github.com/PagerDuty/developer-docs, docs/events-API-v2 (01 to 05). */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/hash.h"
#include "engine/connectors/message.h"

#define SUMMARY_MOST 1024   /* characters */
#define DEDUP_MOST   255    /* characters; counted in bytes here */
#define EVENT_MOST   512000 /* bytes: documented as 512 KB, and the routing key comes on top */

static const char *const severities[] = { "critical", "error", "warning", "info", NULL };

static const struct param image_members[] = {
	{ .name = "src", .type = PARAM_TEXT, .required = true, .doc = "Its https URL." },
	{ .name = "href", .type = PARAM_TEXT, .doc = "Where a click leads." },
	{ .name = "alt", .type = PARAM_TEXT, .doc = "Text in its place." },
	{ .name = NULL },
};

static const struct param link_members[] = {
	{ .name = "href", .type = PARAM_TEXT, .required = true, .doc = "The page." },
	{ .name = "text", .type = PARAM_TEXT, .doc = "What stands for it." },
	{ .name = NULL },
};

#define DEDUP_ROW                                                                                  \
	{                                                                                          \
		.name = "dedup_key", .type = PARAM_ID,                                             \
		.doc =                                                                             \
		    "Which alert; made from rule and key when it is not given, so name one when "  \
		    "another rule resolves it."                                                    \
	}
#define EVENT_ROWS                                                                                 \
	{ .name = "summary",                                                                       \
	  .type = PARAM_TEXT,                                                                      \
	  .required = true,                                                                        \
	  .doc = "What happened, in a line; at most 1024 characters." },                           \
	    { .name = "source", .type = PARAM_TEXT, .doc = "What it happened to; tappet." },       \
	    { .name = "timestamp", .type = PARAM_TEXT, .doc = "When, as ISO 8601." },              \
	    { .name = "custom_details",                                                            \
	      .type = PARAM_MAP,                                                                   \
	      .doc = "Anything more, shown as a table." },                                         \
	    { .name = "links",                                                                     \
	      .type = PARAM_LIST,                                                                  \
	      .members = link_members,                                                             \
	      .doc = "Pages that help." },                                                         \
	{                                                                                          \
		.name = "images", .type = PARAM_LIST, .members = image_members,                    \
		.doc = "Pictures to show."                                                         \
	}

static const struct param trigger_params[] = {
	EVENT_ROWS,
	DEDUP_ROW,
	{ .name = "severity",
	  .type = PARAM_CHOICE,
	  .choices = severities,
	  .doc = "How bad it is; error." },
	{ .name = "component", .type = PARAM_TEXT, .doc = "The part it happened to." },
	{ .name = "group", .type = PARAM_TEXT, .doc = "What that part belongs to." },
	{ .name = "class", .type = PARAM_TEXT, .doc = "The kind of event." },
	{ .name = "client", .type = PARAM_TEXT, .doc = "Who reports it; tappet." },
	{ .name = "client_url", .type = PARAM_TEXT, .doc = "A page of who reports it." },
	{ .name = NULL },
};

static const struct param key_params[] = {
	DEDUP_ROW,
	{ .name = NULL },
};

static const struct param change_params[] = {
	EVENT_ROWS,
	{ .name = NULL },
};

/* ---- Which alert. ---- */

/* A key as it is, or the beginning of a long one and a hash of all of it. */
static struct text folded(struct call *call, struct text key)
{
	char hash[HASH_HEX];

	if (key.n <= DEDUP_MOST)
		return key;
	hash_name(&key, 1, hash);
	key = text_head(key, DEDUP_MOST - HASH_HEX);
	return text_printf(call->arena, "%.*s-%s", TEXT_ARG(key), hash);
}

static enum fate dedup_key(struct call *call, struct value params, struct text *out)
{
	struct text key = param_text(params, "dedup_key");

	if (key.n == 0 && call->rule.n > 0)
		key = text_printf(call->arena, "%.*s/%.*s", TEXT_ARG(call->rule),
				  TEXT_ARG(call->key));
	if (key.n == 0)
		return call_fail(call, FATE_REJECT, "dedup_key is needed outside of rules");
	*out = folded(call, key);
	return FATE_OK;
}

/* ---- Requests. ---- */

static void put_default(struct value_map_builder *b, struct value params, const char *name,
			const char *otherwise)
{
	struct value v = param_value(params, name);

	if (!value_is(v, VALUE_NULL))
		value_map_set(b, name, v);
	else if (otherwise != NULL)
		value_map_set(b, name, value_text(text_of(otherwise)));
}

static struct value payload(struct call *call, struct value params, bool alert)
{
	struct value_map_builder b;

	value_map_begin(&b, call->arena);
	value_map_set(&b, "summary",
		      value_text(message_cut(call, param_text(params, "summary"), SUMMARY_MOST,
					     MESSAGE_CHARACTERS)));
	put_default(&b, params, "source", "tappet");
	if (alert)
		put_default(&b, params, "severity", "error");
	put_default(&b, params, "timestamp", NULL);
	put_default(&b, params, "component", NULL);
	put_default(&b, params, "group", NULL);
	put_default(&b, params, "class", NULL);
	put_default(&b, params, "custom_details", NULL);
	return value_map_end(&b);
}

/* As alertmanager does: what is shown last goes first. */
static enum fate put_event(struct call *call, struct value event, struct request *out)
{
	static const char why[] = "left out: the event was larger than PagerDuty takes";
	struct value inner = param_value(event, "payload");
	struct value_map_builder note;
	enum fate fate = request_json(call, out, event);

	if (fate != FATE_OK || out->body.n <= EVENT_MOST)
		return fate;
	value_map_begin(&note, call->arena);
	value_map_set(&note, "note", value_text(text_of(why)));
	inner = message_set(call, inner, "custom_details", value_map_end(&note));
	fate = request_json(call, out, message_set(call, event, "payload", inner));
	if (fate == FATE_OK && out->body.n > EVENT_MOST)
		return call_fail(call, FATE_REJECT, "the event is larger than %d bytes",
				 EVENT_MOST);
	return fate;
}

static enum fate build_trigger(struct call *call, struct value given, struct request *out)
{
	struct value_map_builder b;
	struct value params;
	struct text key;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST", .url = TEXT("/v2/enqueue") };
	fate = params_fit(call, trigger_params, given, &params);
	if (fate == FATE_OK)
		fate = dedup_key(call, params, &key);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&b, call->arena);
	value_map_set(&b, "event_action", value_text(TEXT("trigger")));
	value_map_set(&b, "dedup_key", value_text(key));
	value_map_set(&b, "payload", payload(call, params, true));
	put_default(&b, params, "images", NULL);
	put_default(&b, params, "links", NULL);
	put_default(&b, params, "client", "tappet");
	put_default(&b, params, "client_url", NULL);
	return put_event(call, value_map_end(&b), out);
}

static enum fate build_known(struct call *call, struct value given, const char *action,
			     struct request *out)
{
	struct value_map_builder b;
	struct value params;
	struct text key;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST", .url = TEXT("/v2/enqueue") };
	fate = params_fit(call, key_params, given, &params);
	if (fate == FATE_OK)
		fate = dedup_key(call, params, &key);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&b, call->arena);
	value_map_set(&b, "event_action", value_text(text_of(action)));
	value_map_set(&b, "dedup_key", value_text(key));
	return request_json(call, out, value_map_end(&b));
}

static enum fate build_acknowledge(struct call *call, struct value given, struct request *out)
{
	return build_known(call, given, "acknowledge", out);
}

static enum fate build_resolve(struct call *call, struct value given, struct request *out)
{
	return build_known(call, given, "resolve", out);
}

static enum fate build_change(struct call *call, struct value given, struct request *out)
{
	struct value_map_builder b;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST", .url = TEXT("/v2/change/enqueue") };
	fate = params_fit(call, change_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&b, call->arena);
	value_map_set(&b, "payload", payload(call, params, false));
	put_default(&b, params, "images", NULL);
	put_default(&b, params, "links", NULL);
	return put_event(call, value_map_end(&b), out);
}

/* ---- Replies. ---- */

/* {"status":"success","message":"Event processed","dedup_key":"..."} */
static enum fate read_accepted(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	fate = reply_json(call, reply, &out->result);
	if (fate == FATE_OK && !text_is(param_text(out->result, "status"), "success"))
		return call_fail(call, FATE_RETRY, "the reply's status is not success");
	return fate;
}

/* {"status":"invalid event","message":"Event object is invalid","errors":["..."]} */
static struct text error_words(struct call *call, const struct reply *reply)
{
	struct text words = message_words(call, reply, "message");
	struct text more = message_words(call, reply, "errors.0");
	struct text both;

	assert(call != NULL && reply != NULL);
	if (words.n == 0)
		return message_line(call, reply->body);
	if (more.n == 0)
		return words;
	both = text_printf(call->arena, "%.*s: %.*s", TEXT_ARG(words), TEXT_ARG(more));
	return both.s != NULL ? words_cut(both) : words;
}

#define ACCEPTED "A map with status, message and, of alerts, dedup_key."

static const struct action actions[] = {
	{ .name = "trigger",
	  .doc = "Opens an alert, or adds to the open one with the same dedup_key.",
	  .params = trigger_params,
	  .after_doubt = DOUBT_REPEAT, /* recognised by its dedup_key */
	  .example = "{ summary: \"Acme rollout is over budget\", severity: warning, "
		     "dedup_key: acme }",
	  .result = ACCEPTED,
	  .build = build_trigger,
	  .read = read_accepted },
	{ .name = "acknowledge",
	  .doc = "Says that somebody is at an open alert; without one nothing happens.",
	  .params = key_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ dedup_key: acme }",
	  .result = ACCEPTED,
	  .build = build_acknowledge,
	  .read = read_accepted },
	{ .name = "resolve",
	  .doc = "Closes an open alert; without one nothing happens.",
	  .params = key_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ dedup_key: acme }",
	  .result = ACCEPTED,
	  .build = build_resolve,
	  .read = read_accepted },
	{ .name = "change",
	  .doc = "Records a change, which alerts nobody.",
	  .params = change_params,
	  .after_doubt = DOUBT_REPEAT, /* rather twice than not at all */
	  .example = "{ summary: \"Acme rollout was archived\" }",
	  .result = ACCEPTED,
	  .build = build_change,
	  .read = read_accepted },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "routing_key",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Integration key of an Events API v2 integration, or of an orchestration.",
	  .secret = true },
	{ .name = "base_url",
	  .type = PARAM_TEXT,
	  .doc = "https://events.pagerduty.com; in Europe https://events.eu.pagerduty.com." },
	{ .name = NULL },
};

const struct connector connector_pagerduty = {
	.name = "pagerduty",
	.title = "PagerDuty",
	.doc = "Alerts and changes through PagerDuty's Events API v2.",
	.settings = settings,
	.auth = AUTH_MEMBER,
	.auth_setting = "routing_key",
	.base_url = "https://events.pagerduty.com",
	.actions = actions,
	/* 05-Rate-Limits: 120 calls within any 60 s for each key; burst and a minute's refill stay
	 * below. */
	.per_second = 1.9,
	.burst = 5,
	.error_words = error_words,
};
