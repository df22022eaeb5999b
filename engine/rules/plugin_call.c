/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_call.c - an action of a plugin as a request, and its end as a reply; see
 * plugin_manifest.h.
 *
 * The request has the method PLUGIN, the action's name as its URL and the
 * parameters as its body. Its target is the plugin. */
#include <assert.h>

#include "engine/rules/plugin_manifest.h"

enum fate manifest_build(struct call *call, struct value given, struct request *out)
{
	struct value params = given;
	enum fate fate = FATE_OK;

	assert(call != NULL && call->action != NULL && out != NULL);
	*out = (struct request){ .method = PLUGIN_REQUEST, .url = text_of(call->action->name) };
	if (call->action->params != NULL)
		fate = params_fit(call, call->action->params, given, &params);
	return fate == FATE_OK ? request_json(call, out, params) : fate;
}

enum fate manifest_result(struct call *call, const struct reply *reply, struct reading *out)
{
	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	if (reply->body.n == 0)
		return FATE_OK;
	return reply_json(call, reply, &out->result);
}

struct text manifest_error_words(struct call *call, const struct reply *reply)
{
	struct json_error error;
	const struct value *words;
	struct value v;

	assert(call != NULL && reply != NULL);
	if (json_parse(call->parser, call->arena, reply->body, &v, &error) != FATE_OK)
		return TEXT_NONE;
	words = value_get(v, TEXT("error"));
	return words != NULL && value_is(*words, VALUE_TEXT) ? words_cut(value_as_text(*words))
							     : TEXT_NONE;
}

const struct action *manifest_any_action(struct arena *arena, struct text name)
{
	struct action *action = arena_zero(arena, sizeof(*action));

	assert(arena != NULL);
	if (action == NULL)
		return NULL;
	*action = (struct action){ .name = text_dup(arena, name).s,
				   .doc = "",
				   .after_doubt = DOUBT_REPEAT,
				   .example = "",
				   .result = "",
				   .build = manifest_build,
				   .read = manifest_result };
	return action->name != NULL ? action : NULL;
}
