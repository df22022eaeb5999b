/* SPDX-License-Identifier: Apache-2.0
 *
 * hindsite_actions - what rules may do in HINDSITE.
 *
 * The product renamed its things, and both names are live: a work set is a work
 * order, a work set workflow one of its tasks, a journey a form, a workflow an
 * instruction. Actions have the names of their routes.
 *
 * No route documents an idempotency key or a way to look up what was made, so
 * whatever makes something is left to an operator when its outcome is unknown.
 *
 * Source: api-docs.hindsiteind.com, Work Sets, Work Set Workflows, Journeys,
 * Journey Steps, Form Steps. */
#include "engine/connectors/hindsite_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

/* ---- shared ---- */

enum fate hindsite_ids(struct call *call, const char *name, struct value *list)
{
	struct value_list_builder ids;

	assert(call != NULL && name != NULL && list != NULL);
	value_list_begin(&ids, call->arena);
	for (uint32_t i = 0; i < list->n; i++) {
		struct text id;

		if (!value_id(call->arena, list->items[i], &id))
			return call_fail(call, FATE_REJECT, "%s: item %u is no id", name, i + 1);
		value_list_add(&ids, value_text(id));
	}
	*list = value_list_end(&ids);
	return FATE_OK;
}

/* The parameters themselves are the body; lists named *_ids hold ids. */
static enum fate post_params(struct call *call, struct request *out, const char *path,
			     const struct param *table, struct value given)
{
	struct value_map_builder body;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST", .url = text_of(path) };
	fate = params_fit(call, table, given, &params);
	value_map_begin(&body, call->arena);
	for (const struct param *p = table; fate == FATE_OK && p->name != NULL; p++) {
		const struct value *v = value_get(params, text_of(p->name));
		struct value sent = v != NULL ? *v : value_null();

		if (v == NULL)
			continue;
		if (p->type == PARAM_LIST && text_ends(text_of(p->name), TEXT("_ids")))
			fate = hindsite_ids(call, p->name, &sent);
		value_map_set(&body, p->name, sent);
	}
	return fate == FATE_OK ? request_json(call, out, value_map_end(&body)) : fate;
}

/* A build function that needs no more. */
#define POSTS(name, path, table)                                                                   \
	static enum fate name(struct call *call, struct value given, struct request *out)          \
	{                                                                                          \
		return post_params(call, out, path, table, given);                                 \
	}

/* What was made, as the reply shows it. */
static enum fate read_made(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value doc;
	struct text id;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = hindsite_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	if (!value_id(call->arena, param_value(doc, "id"), &id))
		return call_fail(call, FATE_RETRY, "the reply has no id");
	*out = (struct reading){ .result = doc, .object = value_null() };
	return FATE_OK;
}

/* ---- work_set.start ---- */

static const struct param start_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the work set." },
	{ .name = "asset_id", .type = PARAM_ID, .doc = "Asset to start it for." },
	{ .name = NULL },
};

static enum fate build_start(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value_map_builder body;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, start_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_str(&url, "/api/v2/work_sets/");
	fate = url_segment(call, &url, param_text(params, "id"));
	buf_str(&url, "/start");
	if (fate == FATE_OK)
		fate = request_url(call, out, &url);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&body, call->arena);
	if (value_get(params, TEXT("asset_id")) != NULL)
		value_map_set(&body, "asset_id", param_value(params, "asset_id"));
	return request_json(call, out, value_map_end(&body));
}

/* The work set as it is after the start. That it was started is what this call did, so the event
 * fires also when we never saw the work set before. */
static enum fate read_start(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate = read_made(call, reply, out);

	if (fate != FATE_OK)
		return fate;
	out->kind = &hindsite_work_set;
	out->object = out->result;
	out->happened = "started";
	return FATE_OK;
}

/* ---- work_set_workflow.create ---- */

static const struct param task_params[] = {
	{ .name = "work_set_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Work set (work order) to add it to." },
	{ .name = "workflow_collection_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Workflow collection (instruction) to carry out." },
	{ .name = "user_ids", .type = PARAM_LIST, .doc = "Ids of the users it is assigned to." },
	{ .name = "started_by_id", .type = PARAM_ID, .doc = "User who starts it." },
	{ .name = NULL },
};

POSTS(build_task, "/api/v2/work_set_workflows", task_params)

/* ---- journey.create ---- */

static const struct param journey_params[] = {
	{ .name = "workflow_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Workflow (revision of an instruction) it is filled in for." },
	{ .name = "steps",
	  .type = PARAM_LIST,
	  .required = true,
	  .doc = "Its steps, a map each; the vendor doesn't publish their members." },
	{ .name = "work_set_workflow_id",
	  .type = PARAM_ID,
	  .doc = "Work set workflow (task) it belongs to." },
	{ .name = "co_author_ids", .type = PARAM_LIST, .doc = "Ids of further authors." },
	{ .name = "started_at", .type = PARAM_UNIX, .doc = "When it was started." },
	{ .name = "completed_at", .type = PARAM_UNIX, .doc = "When it was completed." },
	{ .name = "taken_over_from_journey_id",
	  .type = PARAM_ID,
	  .doc = "Journey (form) that it continues." },
	{ .name = "note", .type = PARAM_TEXT, .doc = "A note." },
	{ .name = "in_progress_user_id", .type = PARAM_ID, .doc = "User who is at work on it." },
	{ .name = NULL },
};

static enum fate build_journey(struct call *call, struct value given, struct request *out)
{
	struct value steps = param_value(given, "steps");

	assert(call != NULL && out != NULL);
	for (uint32_t i = 0; value_is(steps, VALUE_LIST) && i < steps.n; i++)
		if (!value_is(steps.items[i], VALUE_MAP))
			return call_fail(call, FATE_REJECT, "steps: item %u is no map", i + 1);
	return post_params(call, out, "/api/v2/journeys", journey_params, given);
}

/* ---- journey_step.decision, form_step.decision ---- */

static const struct param decision_params[] = {
	{ .name = "journey_step_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Step the decision is taken at." },
	{ .name = "workflow_step_decision_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Decision that the workflow offers there." },
	{ .name = "next_workflow_step_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Step of the workflow that follows from it." },
	{ .name = "decision_value",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "What was decided, as people see it." },
	{ .name = "decision_colour", .type = PARAM_TEXT, .doc = "Its colour." },
	{ .name = NULL },
};

POSTS(build_decision, "/api/v2/journey_steps/decision", decision_params)

static const struct param form_decision_params[] = {
	{ .name = "form_step_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Step the decision is taken at." },
	{ .name = "instruction_decision_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Decision that the instruction offers there." },
	{ .name = "next_instruction_step_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Step of the instruction that follows from it." },
	{ .name = "decision_value",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "What was decided, as people see it." },
	{ .name = "decision_colour", .type = PARAM_TEXT, .doc = "Its colour." },
	{ .name = NULL },
};

POSTS(build_form_decision, "/api/v2/form_steps/decision", form_decision_params)

/* ---- request ---- */

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };

static const struct param request_params[] = {
	{ .name = "path",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_URL,
	  .doc = "Path beneath the connection's base_url: /api/v2/..." },
	{ .name = "method",
	  .type = PARAM_CHOICE,
	  .doc = "Method; POST when there is a body, else GET, unless said otherwise.",
	  .choices = methods },
	{ .name = "query",
	  .type = PARAM_MAP,
	  .doc = "Parameters to add to the path; a list gives one several times." },
	{ .name = "json", .type = PARAM_ANY, .doc = "Body, sent as JSON." },
	{ .name = NULL },
};

static enum fate put_path(struct call *call, struct request *out, struct value params)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct text path = param_text(params, "path");
	struct value query = param_value(params, "query");
	enum fate fate = FATE_OK;

	buf_init(&url, LIMIT_URL);
	if (!url_is_clean(path) || path.s[0] != '/')
		return call_fail(call, FATE_REJECT,
				 "path must begin with / and be percent-encoded");
	if (url_has_dots(path))
		return call_fail(call, FATE_REJECT, "path must not have . or .. in it");
	buf_text(&url, path);
	if (value_is(query, VALUE_MAP))
		fate = url_pairs(call, &url, text_find(path, TEXT("?")) == SIZE_MAX ? '?' : '&',
				 query);
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

static enum fate build_request(struct call *call, struct value given, struct request *out)
{
	struct value params;
	const struct value *json;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, request_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	json = value_get(params, TEXT("json"));
	if (json != NULL)
		out->method = "POST";
	for (size_t i = 0; methods[i] != NULL; i++)
		if (text_is(param_text(params, "method"), methods[i]))
			out->method = methods[i];
	if (json != NULL && strcmp(out->method, "GET") == 0)
		return call_fail(call, FATE_REJECT, "a GET sends no body");
	fate = put_path(call, out, params);
	return fate == FATE_OK && json != NULL ? request_json(call, out, *json) : fate;
}

/* Nothing is known of the reply but that it is JSON, or nothing (204). */
static enum fate read_any(struct call *call, const struct reply *reply, struct reading *out)
{
	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null(), .object = value_null() };
	if (text_trim(reply->body).n == 0)
		return FATE_OK;
	return reply_json(call, reply, &out->result);
}

/* ---- what is written ---- */

static const char *const start_also[] = { "started_on", "editable", NULL };

static const struct write_field start_fields[] = {
	{ .field = "started_at", .turns = true, .also = start_also },
	{ .member = NULL },
};

static const struct writes start_writes = {
	.kind = &hindsite_work_set, .id = "id", .body = "", .fields = start_fields
};

static const char *const task_also[] = {
	"work_set_workflows_count",   "progress",       "work_set_workflows_approved",
	"work_set_journeys_approved", "assigned_users", NULL
};

static const struct write_field task_fields[] = {
	{ .field = "work_set_workflows", .turns = true, .also = task_also },
	{ .member = NULL },
};

static const struct writes task_writes = { .kind = &hindsite_work_set,
					   .id = "work_set_id",
					   .fields = task_fields };

/* ---- the table ---- */

const struct action hindsite_actions[] = {
	{ .name = "work_set.start",
	  .doc = "Starts a work set (work order).",
	  .params = start_params,
	  /* Starting twice isn't documented to be harmless. */
	  .after_doubt = DOUBT_PARK,
	  .example = "{ id: \"01J8Z3QK5T\" }",
	  .result = "The work set after the start.",
	  .writes = &start_writes,
	  .build = build_start,
	  .read = read_start },
	{ .name = "work_set_workflow.create",
	  .doc = "Adds a workflow (task) to a work set.",
	  .params = task_params,
	  .after_doubt = DOUBT_PARK,
	  .example = "{ work_set_id: \"01J8Z3QK5T\", workflow_collection_id: \"01J8Z3WC01\", "
		     "user_ids: [\"01J9\"] }",
	  .result = "The work set workflow.",
	  .writes = &task_writes,
	  .build = build_task,
	  .read = read_made },
	{ .name = "journey.create",
	  .doc = "Makes a journey (form), with the steps taken so far.",
	  .params = journey_params,
	  .after_doubt = DOUBT_PARK,
	  .example = "{ workflow_id: \"01J8Z3WF01\", steps: [], work_set_workflow_id: "
		     "\"01J8Z3WW01\", started_at: \"2026-11-22T09:00:00Z\" }",
	  .result = "The journey.",
	  .build = build_journey,
	  .read = read_made },
	{ .name = "journey_step.decision",
	  .doc = "Takes a decision at a step of a journey.",
	  .params = decision_params,
	  .after_doubt = DOUBT_PARK,
	  .example = "{ journey_step_id: \"01J8Z3JS01\", workflow_step_decision_id: \"01J8Z3WD01\","
		     " next_workflow_step_id: \"01J8Z3WS02\", decision_value: \"Yes\" }",
	  .result = "The step with the decision.",
	  .build = build_decision,
	  .read = read_made },
	{ .name = "form_step.decision",
	  .doc = "Takes a decision at a step of a form; journey_step.decision under the new names.",
	  .params = form_decision_params,
	  .after_doubt = DOUBT_PARK,
	  .example = "{ form_step_id: \"01J8Z3JS01\", instruction_decision_id: \"01J8Z3WD01\", "
		     "next_instruction_step_id: \"01J8Z3WS02\", decision_value: \"Yes\" }",
	  .result = "The step with the decision.",
	  .build = build_form_decision,
	  .read = read_made },
	{ .name = "asset.list",
	  .reads = READS,
	  .doc = "Reads the assets, all of them or those of some locations.",
	  .params = hindsite_asset_list_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ location_ids: [\"01J8Z3LC01\"] }",
	  .result = "{items, count}: the assets.",
	  .build = hindsite_build_asset_list,
	  .read = hindsite_read_assets },
	{ .name = "asset.show",
	  .reads = READS,
	  .doc = "Reads an asset.",
	  .params = hindsite_asset_show_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ id: \"01J8Z3AS01\" }",
	  .result = "The asset.",
	  .build = hindsite_build_asset_show,
	  .read = read_made },
	{ .name = "asset.search",
	  .reads = READS,
	  .doc = "Searches for assets.",
	  .params = hindsite_asset_search_params,
	  .after_doubt = DOUBT_REPEAT, /* a search makes nothing, although it answers 201 */
	  .example = "{ criteria: { title: \"Pump\" } }",
	  .result = "{items, count}: the assets found.",
	  .build = hindsite_build_asset_search,
	  .read = hindsite_read_assets },
	{ .name = "webhook_delivery.list",
	  .reads = READS,
	  .doc = "Reads the deliveries of webhooks, page by page to the end; takes an "
		 "administrator's credentials.",
	  .params = hindsite_delivery_list_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ state: errored, since: \"2026-11-22T00:00:00Z\" }",
	  .result = "{items, count, more}: the deliveries, at most 5000; with page those of one "
		    "page, and "
		    "whether others may follow.",
	  .build = hindsite_build_deliveries,
	  .read = hindsite_read_deliveries },
	{ .name = "webhook_delivery.redeliver",
	  .doc = "Has one delivery sent again; takes an administrator's credentials.",
	  .params = hindsite_delivery_again_params,
	  .after_doubt = DOUBT_REPEAT, /* receivers of webhooks must expect them twice anyway */
	  .example = "{ id: \"01J8Z3WD01\" }",
	  .result = "The new delivery.",
	  .build = hindsite_build_again,
	  .read = read_made },
	{ .name = "webhook_delivery.redeliver_many",
	  .doc = "Has many deliveries sent again; takes an administrator's credentials.",
	  .params = hindsite_deliveries_again_params,
	  .after_doubt = DOUBT_REPEAT,
	  .example = "{ delivery_ids: [\"01J8Z3WD01\", \"01J8Z3WD02\"] }",
	  .result = "{items, count, dropped_ids}: the new deliveries, and ids of none.",
	  .build = hindsite_build_again_many,
	  .read = hindsite_read_again_many },
	{ .name = "request",
	  .reads = READS_BY_METHOD,
	  .doc = "Any other call of the API, with the connection's token and limits.",
	  .params = request_params,
	  /* It may make something; a step that only reads says after_doubt: repeat. */
	  .after_doubt = DOUBT_PARK,
	  .example = "{ path: \"/api/v2/assets/01J8Z3AS01\" }",
	  .result = "The reply's body as data; null when it is empty.",
	  .build = build_request,
	  .read = read_any },
	{ .name = NULL },
};
