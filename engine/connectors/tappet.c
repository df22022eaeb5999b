/* SPDX-License-Identifier: Apache-2.0
 *
 * tappet - what rules do within the engine itself: events of their own.
 *
 * Nothing is sent: an inside action's request comes back as its reply, and its
 * effect is what the reading of that reply says, in the batch that records it. So
 * an event is there exactly when its step is done, once, also after a crash.
 *
 * I1  Types whose first word is the engine's or a product's are refused: an
 *     event's type tells where it came from. */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/limits.h"

static const struct param emit_params[] = {
	{ .name = "type",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Type of the event, words joined with dots: com.acme.project.late." },
	{ .name = "data",
	  .type = PARAM_MAP,
	  .doc = "What rules find as data; an empty map when left out." },
	{ .name = "subject", .type = PARAM_TEXT, .doc = "What the event is about." },
	{ .name = NULL },
};

static const struct param settings[] = { { .name = NULL } };

/* Letters, digits, - _ and single dots between. */
static bool is_type(struct text t)
{
	char last = '.';

	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_';

		if (!word && (c != '.' || last == '.'))
			return false;
		last = c;
	}
	return last != '.' && t.n <= LIMIT_OWN_TYPE;
}

static bool is_taken(struct text type)
{
	struct text head;
	const struct connector *connector;

	(void)text_split(type, '.', &head);
	if (text_is(head, "tappet") || text_is(head, "hook") || text_is(head, "schedule"))
		return true;
	connector = connector_find(head);
	return connector != NULL && connector->events != NULL;
}

static enum fate build_emit(struct call *call, struct value given, struct request *out)
{
	struct value params;
	struct text type;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "EMIT", .url = TEXT("/events") };
	fate = params_fit(call, emit_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	type = param_text(params, "type");
	if (!is_type(type))
		return call_fail(call, FATE_REJECT, "\"%.*s\" is no event type such as com.acme.a",
				 TEXT_ARG(text_head(type, 80)));
	if (is_taken(type))
		return call_fail(call, FATE_REJECT,
				 "events \"%.*s\" come from elsewhere: begin the type with a "
				 "word of your own",
				 TEXT_ARG(text_head(type, 80)));
	if (param_text(params, "subject").n > LIMIT_OWN_SUBJECT)
		return call_fail(call, FATE_REJECT, "the subject is longer than %u bytes",
				 LIMIT_OWN_SUBJECT);
	return request_json(call, out, params);
}

static enum fate read_emit(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value_map_builder empty;
	struct value params;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = reply_json(call, reply, &params);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&empty, call->arena);
	*out = (struct reading){ .result = param_value(params, "type"),
				 .emits = { .type = param_text(params, "type"),
					    .subject = param_text(params, "subject"),
					    .data = param_value(params, "data") } };
	if (value_is(out->emits.data, VALUE_NULL))
		out->emits.data = value_map_end(&empty);
	return FATE_OK;
}

static struct text error_words(struct call *call, const struct reply *reply)
{
	(void)call;
	return words_cut(reply->body);
}

static const struct action actions[] = {
	{ .name = "emit",
	  .doc = "Makes an event of your own, which rules then match.",
	  .params = emit_params,
	  .after_doubt = DOUBT_REPEAT, /* the event is there only when the step is done */
	  .example = "{ type: \"com.acme.project.late\", data: { id: \"7\" }, subject: \"7\" }",
	  .result = "The type of the event.",
	  .inside = true,
	  .build = build_emit,
	  .read = read_emit },
	{ .name = NULL },
};

const struct connector connector_tappet = {
	.name = "tappet",
	.title = "tappet itself",
	.doc = "Events of your own; nothing leaves the engine.",
	.settings = settings,
	.auth = AUTH_NONE,
	.connection_optional = true,
	.actions = actions,
	.error_words = error_words,
};
