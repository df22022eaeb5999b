/* SPDX-License-Identifier: Apache-2.0
 *
 * table - rows that rules keep in tables of their own.
 *
 * Nothing is sent: an inside action's request comes back as its reply, and its
 * effect is what the reading of that reply says, in the batch that records it. So
 * a row is there exactly when its step is done, once, also after a crash.
 * Never: knows which tables there are, or what their columns are called. */
#include "engine/connectors/connector.h"

#include <assert.h>

static const struct param put_params[] = {
	{ .name = "table",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Name of a table that is kept in the store." },
	{ .name = "row",
	  .type = PARAM_MAP,
	  .required = true,
	  .doc = "Its columns; those that are left out are null. It takes the place of the row "
		 "with its key." },
	{ .name = NULL },
};

static const struct param drop_params[] = {
	{ .name = "table",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Name of a table that is kept in the store." },
	{ .name = "key",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Key of the row that goes; it need not be there." },
	{ .name = NULL },
};

static const struct param settings[] = { { .name = NULL } };

static enum fate build(struct call *call, const char *method, const struct param *table,
		       struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = method, .url = TEXT("/tables") };
	fate = params_fit(call, table, given, &params);
	return fate == FATE_OK ? request_json(call, out, params) : fate;
}

static enum fate build_put(struct call *call, struct value given, struct request *out)
{
	return build(call, "KEEP", put_params, given, out);
}

static enum fate build_drop(struct call *call, struct value given, struct request *out)
{
	return build(call, "DROP", drop_params, given, out);
}

/* `member` names what becomes of the parameters: the row, or its key. */
static enum fate read_change(struct call *call, const struct reply *reply, const char *member,
			     struct reading *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = reply_json(call, reply, &params);
	if (fate != FATE_OK)
		return fate;
	*out = (struct reading){ .result = param_value(params, member) };
	out->keeps.table = param_text(params, "table");
	out->keeps.row = out->result;
	return FATE_OK;
}

static enum fate read_put(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate = read_change(call, reply, "row", out);

	if (fate == FATE_OK)
		out->keeps.what = ROW_PUT;
	return fate;
}

static enum fate read_drop(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate = read_change(call, reply, "key", out);

	if (fate == FATE_OK)
		out->keeps.what = ROW_DROP;
	return fate;
}

static struct text error_words(struct call *call, const struct reply *reply)
{
	(void)call;
	return words_cut(reply->body);
}

static const struct action actions[] = {
	{ .name = "put",
	  .doc = "Puts a row into a table, in place of the one with its key.",
	  .params = put_params,
	  .after_doubt = DOUBT_REPEAT, /* the row is there only when the step is done */
	  .example = "{ table: projects, row: { workspace_id: \"7\", work_set_id: \"5\" } }",
	  .result = "The row.",
	  .inside = true,
	  .build = build_put,
	  .read = read_put },
	{ .name = "drop",
	  .doc = "Takes a row out of a table.",
	  .params = drop_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ table: projects, key: \"7\" }",
	  .result = "The key.",
	  .inside = true,
	  .build = build_drop,
	  .read = read_drop },
	{ .name = NULL },
};

const struct connector connector_table = {
	.name = "table",
	.title = "Tables",
	.doc = "Rows that rules keep in the store; nothing leaves the engine.",
	.settings = settings,
	.auth = AUTH_NONE,
	.connection_optional = true,
	.actions = actions,
	.error_words = error_words,
};
