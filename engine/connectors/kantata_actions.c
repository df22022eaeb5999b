/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_actions - the actions: an operation of the API each.
 *
 * After a doubt: what reads, or sets something to what it then is, is repeated; a
 * create is looked up by its external_reference; what would be done twice (an
 * invitation, a template's tasks, several creates) is left to an operator.
 *
 * Source: developer.kantata.com, specifications of Workspaces and Workspace
 * Resources. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/limits.h"

/* A request may run for three minutes (documented): what isn't there after four will not come. */
#define SETTLE (4 * 60 * 1000)

/* A build function out of its kantata_op; most need no more. */
#define BUILDS(name, ...)                                                                          \
	static enum fate build_##name(struct call *call, struct value params, struct request *out) \
	{                                                                                          \
		static const struct kantata_op op = { __VA_ARGS__ };                               \
                                                                                                   \
		return kantata_build(call, &op, params, out, NULL);                                \
	}

#define OF_WORKSPACE .kind = &kantata_workspaces
#define OF_RESOURCE  .kind = &kantata_resources

/* The reply tells of a new object. */
static enum fate created(struct reading *out, enum fate fate)
{
	if (fate == FATE_OK)
		out->happened = "created";
	return fate;
}

/* ---- workspaces ---- */

static enum fate read_workspace(struct call *call, const struct reply *reply, struct reading *out)
{
	return kantata_read_one(call, &kantata_workspaces, reply, out);
}

/* Where the body has `custom`, the first replies are definitions. */
static enum fate read_changed(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate;

	if (kantata_custom_read(call, reply, out, &fate))
		return fate;
	return read_workspace(call, reply, out);
}

static enum fate read_new_workspace(struct call *call, const struct reply *reply,
				    struct reading *out)
{
	enum fate fate;

	if (kantata_custom_read(call, reply, out, &fate))
		return fate;
	return created(out, kantata_read_one(call, &kantata_workspaces, reply, out));
}

static enum fate read_workspaces(struct call *call, const struct reply *reply, struct reading *out)
{
	enum fate fate;

	if (kantata_custom_read(call, reply, out, &fate))
		return fate;
	return kantata_read_many(call, &kantata_workspaces, reply, out);
}

static const struct kantata_op list_op = { OF_WORKSPACE, .params = kantata_list_params };

static enum fate build_list(struct call *call, struct value params, struct request *out)
{
	return kantata_build_list(call, &list_op, params, out);
}

static enum fate read_list(struct call *call, const struct reply *reply, struct reading *out)
{
	return kantata_read_list(call, &kantata_workspaces, reply, out);
}

BUILDS(show, OF_WORKSPACE, .method = "GET", .params = kantata_show_params, .shown = true)
BUILDS(create, OF_WORKSPACE, .method = "POST", .params = kantata_create_params, .custom = true)
BUILDS(update, OF_WORKSPACE, .method = "PUT", .params = kantata_update_params, .custom = true)
BUILDS(delete, OF_WORKSPACE, .method = "DELETE", .params = kantata_id_params)
BUILDS(apply, OF_WORKSPACE, .method = "PUT", .params = kantata_apply_params,
       .tail = "/apply_template")
BUILDS(invite, OF_WORKSPACE, .method = "POST", .params = kantata_invite_params, .tail = "/invite")
BUILDS(permissions, OF_WORKSPACE, .method = "GET", .params = kantata_id_params,
       .tail = "/permissions")
BUILDS(expenses, OF_WORKSPACE, .method = "PUT", .params = kantata_toggle_params,
       .tail = "/toggle_expense_approvals")
BUILDS(times, OF_WORKSPACE, .method = "PUT", .params = kantata_toggle_params,
       .tail = "/toggle_time_approvals")
BUILDS(unarchive, OF_WORKSPACE, .method = "PUT", .params = kantata_id_params,
       .tail = "/unarchive_with_approvals")

static enum fate build_bulk(struct call *call, const struct kantata_op *op, struct value given,
			    struct request *out)
{
	struct value params, list;
	enum fate fate = kantata_build(call, op, given, out, &params);

	if (fate != FATE_OK)
		return fate;
	list = param_value(params, op->kind->plural);
	if (list.n == 0 || list.n > op->kind->bulk)
		return call_fail(call, FATE_REJECT, "%s: 1 to %u at once, not %u", op->kind->plural,
				 op->kind->bulk, list.n);
	return FATE_OK;
}

static enum fate build_create_many(struct call *call, struct value params, struct request *out)
{
	static const struct kantata_op op = { OF_WORKSPACE, .method = "POST",
					      .params = kantata_create_many_params,
					      .custom = true };

	return build_bulk(call, &op, params, out);
}

static enum fate lookup_workspace(struct call *call, struct value params, struct request *out)
{
	return kantata_lookup(call, &kantata_workspaces, kantata_create_params, params, out);
}

static enum fate found_workspace(struct call *call, const struct reply *reply, struct reading *out)
{
	return created(out, kantata_found(call, &kantata_workspaces, reply, out));
}

/* Beside the project, the tasks that were not created. */
static enum fate read_applied(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value_map_builder map;
	struct value doc, stories;
	enum fate fate = kantata_read_one(call, &kantata_workspaces, reply, out);

	if (fate != FATE_OK || reply_json(call, reply, &doc) != FATE_OK)
		return fate;
	stories = param_value(doc, "template_stories_json");
	if (value_is(stories, VALUE_NULL))
		return FATE_OK;
	value_map_begin(&map, call->arena);
	for (uint32_t i = 0; i < out->object.n; i++)
		value_map_add(&map, out->object.pairs[i].key, out->object.pairs[i].val);
	value_map_set(&map, "template_stories_json", stories);
	out->result = value_map_end(&map);
	return arena_failed(call->arena)
		   ? call_fail(call, FATE_RETRY, "the reply takes too much memory")
		   : FATE_OK;
}

/* 204 and no body. */
static enum fate read_nothing(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value doc;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null(), .object = value_null() };
	return reply->body.n == 0 ? FATE_OK : kantata_doc(call, reply, &doc);
}

static enum fate read_invitation(struct call *call, const struct reply *reply, struct reading *out)
{
	static const char map[] = "workspace_invitations";
	const struct value *object = NULL;
	struct value doc, results;
	struct text id;
	enum fate fate = kantata_doc(call, reply, &doc);

	if (fate != FATE_OK)
		return fate;
	results = param_value(doc, "results");
	if (value_is(results, VALUE_LIST) && results.n > 0 &&
	    kantata_result_id(call->arena, map, results.items[0], &id))
		object = kantata_object(doc, map, id);
	if (object == NULL)
		return call_fail(call, FATE_RETRY, "the reply has no invitation");
	*out = (struct reading){ .result = *object, .object = value_null() };
	return FATE_OK;
}

/* A flat object: {"can_manage_finance": true, ...}. */
static enum fate read_permissions(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value doc;
	enum fate fate = kantata_doc(call, reply, &doc);
	bool any = false;

	if (fate != FATE_OK)
		return fate;
	for (uint32_t i = 0; value_is(doc, VALUE_MAP) && i < doc.n; i++)
		any = any || value_is(doc.pairs[i].val, VALUE_BOOL);
	if (!any)
		return call_fail(call, FATE_RETRY, "the reply has no permissions");
	*out = (struct reading){ .result = doc, .object = value_null() };
	return FATE_OK;
}

/* ---- workspace resources ---- */

static enum fate read_resource(struct call *call, const struct reply *reply, struct reading *out)
{
	return kantata_read_one(call, &kantata_resources, reply, out);
}

static enum fate read_new_resource(struct call *call, const struct reply *reply,
				   struct reading *out)
{
	return created(out, kantata_read_one(call, &kantata_resources, reply, out));
}

static enum fate read_resources(struct call *call, const struct reply *reply, struct reading *out)
{
	return kantata_read_many(call, &kantata_resources, reply, out);
}

static const struct kantata_op resource_list_op = { OF_RESOURCE,
						    .params = kantata_resource_list_params };

static enum fate build_resource_list(struct call *call, struct value params, struct request *out)
{
	return kantata_build_list(call, &resource_list_op, params, out);
}

static enum fate read_resource_list(struct call *call, const struct reply *reply,
				    struct reading *out)
{
	return kantata_read_list(call, &kantata_resources, reply, out);
}

BUILDS(resource_show, OF_RESOURCE, .method = "GET", .params = kantata_resource_show_params,
       .shown = true)
BUILDS(resource_update, OF_RESOURCE, .method = "PUT", .params = kantata_resource_update_params)
BUILDS(resource_delete, OF_RESOURCE, .method = "DELETE", .params = kantata_resource_id_params)

static enum fate check_role(struct call *call, struct value resource)
{
	if (value_is(param_value(resource, "user_id"), VALUE_NULL) &&
	    value_is(param_value(resource, "role_id"), VALUE_NULL))
		return call_fail(call, FATE_REJECT,
				 "a resource without user_id is unnamed and needs a role_id");
	return FATE_OK;
}

static enum fate build_resource_create(struct call *call, struct value given, struct request *out)
{
	static const struct kantata_op op = { OF_RESOURCE, .method = "POST",
					      .params = kantata_resource_create_params };
	struct value params;
	enum fate fate = kantata_build(call, &op, given, out, &params);

	return fate == FATE_OK ? check_role(call, param_value(params, "workspace_resource")) : fate;
}

static enum fate build_resource_create_many(struct call *call, struct value given,
					    struct request *out)
{
	static const struct kantata_op op = { OF_RESOURCE, .method = "POST",
					      .params = kantata_resource_create_many_params };
	enum fate fate = build_bulk(call, &op, given, out);
	struct value list = param_value(given, "workspace_resources");

	for (uint32_t i = 0; fate == FATE_OK && i < list.n; i++)
		fate = check_role(call, list.items[i]);
	return fate;
}

static enum fate lookup_resource(struct call *call, struct value params, struct request *out)
{
	return kantata_lookup(call, &kantata_resources, kantata_resource_create_params, params,
			      out);
}

static enum fate found_resource(struct call *call, const struct reply *reply, struct reading *out)
{
	return created(out, kantata_found(call, &kantata_resources, reply, out));
}

/* ---- allocations ---- */

static enum fate check_occurrence(struct call *call, struct value occurrence)
{
	static const char *const needs[][3] = {
		{ "after", "after_date", "after_date" },
		{ "before", "before_date", "before_date" },
		{ "between", "start_date", "end_date" },
	};
	struct text type = param_text(occurrence, "type");

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		for (size_t k = 1; k < 3; k++)
			if (text_is(type, needs[i][0]) &&
			    param_text(occurrence, needs[i][k]).n == 0)
				return call_fail(call, FATE_REJECT, "occurrence %s needs %s",
						 needs[i][0], needs[i][k]);
	return FATE_OK;
}

static enum fate build_allocate_many(struct call *call, struct value given, struct request *out)
{
	static const struct kantata_op op = { OF_RESOURCE, .method = "POST",
					      .params = kantata_allocate_many_params,
					      .tail = "/allocations_matching_scheduled_hours" };
	struct value params, data;
	enum fate fate = kantata_build(call, &op, given, out, &params);

	if (fate != FATE_OK)
		return fate;
	data = param_value(params, "data");
	for (uint32_t i = 0; i < data.n && fate == FATE_OK; i++)
		fate = check_occurrence(call, param_value(data.items[i], "occurrence"));
	return fate;
}

/* The same contract with the one resource's id, besides in the path. */
static enum fate build_allocate(struct call *call, struct value given, struct request *out)
{
	static const struct kantata_op op = { OF_RESOURCE, .method = "POST",
					      .params = kantata_resource_id_params,
					      .tail = "/allocations_matching_scheduled_hours" };
	struct value_map_builder one, body, path;
	struct value_list_builder ids, data;
	struct value params;
	enum fate fate = params_fit(call, kantata_allocate_params, given, &params);

	if (fate == FATE_OK)
		fate = check_occurrence(call, param_value(params, "occurrence"));
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&path, call->arena);
	value_map_set(&path, "id", param_value(params, "id"));
	fate = kantata_build(call, &op, value_map_end(&path), out, NULL);
	if (fate != FATE_OK)
		return fate;
	value_list_begin(&ids, call->arena);
	value_list_add(&ids, param_value(params, "id"));
	value_map_begin(&one, call->arena);
	value_map_set(&one, "resource_ids", value_list_end(&ids));
	value_map_set(&one, "hard", param_value(params, "hard"));
	value_map_set(&one, "occurrence", param_value(params, "occurrence"));
	value_list_begin(&data, call->arena);
	value_list_add(&data, value_map_end(&one));
	value_map_begin(&body, call->arena);
	value_map_set(&body, "data", value_list_end(&data));
	return request_json(call, out, value_map_end(&body));
}

/* {"success": true} */
static enum fate read_success(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value doc, success;
	enum fate fate = kantata_doc(call, reply, &doc);

	if (fate != FATE_OK)
		return fate;
	success = param_value(doc, "success");
	if (!value_is(success, VALUE_BOOL))
		return call_fail(call, FATE_RETRY, "the reply doesn't say success");
	if (!success.b)
		return call_fail(call, FATE_REJECT, "Kantata says: no success");
	*out = (struct reading){ .result = doc, .object = value_null() };
	return FATE_OK;
}

const struct action kantata_actions[] = {
	{
	    .name = "workspace.list",
	    .reads = READS,
	    .doc = "Reads the projects that fit the filters, page by page to the end.",
	    .params = kantata_list_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ due_date_before: \"2026-11-22\", order: due_date:asc }",
	    .result = "{items, count}: the projects, at most 5000.",
	    .build = build_list,
	    .read = read_list,
	},
	{
	    .name = "workspace.show",
	    .reads = READS,
	    .doc = "Reads a project, archived ones too.",
	    .params = kantata_show_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"7\", include: [creator, participants], optional_fields: [stage] }",
	    .result = "The project, with what was included under its association's name.",
	    .build = build_show,
	    .read = read_workspace,
	},
	{
	    .name = "workspace.create",
	    .doc = "Creates a project.",
	    .params = kantata_create_params,
	    .after_doubt = DOUBT_LOOKUP,
	    .example =
		"{ workspace: { title: \"Acme\", price: 5000000, external_reference: { "
		"service_name: tappet, service_model: order, service_model_ref: \"A-17\" } } }",
	    .result = "The new project.",
	    .writes = &kantata_writes_create,
	    .build = build_create,
	    .read = read_new_workspace,
	    .lookup = lookup_workspace,
	    .found = found_workspace,
	    .settle = SETTLE,
	    .prepares = true,
	},
	{
	    .name = "workspace.create_many",
	    .doc = "Creates up to 100 projects at once.",
	    .params = kantata_create_many_params,
	    .after_doubt = DOUBT_PARK,
	    .example = "{ workspaces: [{ title: \"Acme\" }, { title: \"Beta\" }] }",
	    .result = "{items, count}: the new projects.",
	    .writes = &kantata_writes_create_many,
	    .build = build_create_many,
	    .read = read_workspaces,
	    .prepares = true,
	},
	{
	    .name = "workspace.update",
	    .doc = "Changes fields of a project.",
	    .params = kantata_update_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"7\", workspace: { status_key: 305, due_date: \"2026-12-18\" } }",
	    .result = "The project after the change.",
	    .writes = &kantata_writes_update,
	    .build = build_update,
	    .read = read_changed,
	    .prepares = true,
	},
	{
	    .name = "workspace.delete",
	    .doc = "Deletes a project; it can't be brought back.",
	    .params = kantata_id_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"7\" }",
	    .result = "Null.",
	    .writes = &kantata_writes_delete,
	    .build = build_delete,
	    .read = read_nothing,
	},
	{
	    .name = "workspace.apply_template",
	    .doc = "Applies a template to a project.",
	    .params = kantata_apply_params,
	    .after_doubt = DOUBT_PARK,
	    .example = "{ id: \"7\", workspace: { project_tracker_template_id: \"12\", "
		       "project_template_start_date: \"2026-12-01\" } }",
	    .result = "The project, with template_stories_json when edit_stories was true.",
	    .build = build_apply,
	    .read = read_applied,
	},
	{
	    .name = "workspace.invite",
	    .doc = "Invites somebody to a project, by e-mail.",
	    .params = kantata_invite_params,
	    .after_doubt = DOUBT_PARK,
	    .example = "{ id: \"7\", invitation: { full_name: \"Kim Lee\", email_address: "
		       "\"kim@example.com\", invitee_role: buyer } }",
	    .result = "The invitation.",
	    .build = build_invite,
	    .read = read_invitation,
	},
	{
	    .name = "workspace.permissions",
	    .reads = READS,
	    .doc = "Reads what the token's user may do in a project.",
	    .params = kantata_id_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"7\" }",
	    .result = "can_manage_finance and nine others, true or false.",
	    .build = build_permissions,
	    .read = read_permissions,
	},
	{
	    .name = "workspace.toggle_expense_approvals",
	    .doc = "Sets whether a project's expenses need approval.",
	    .params = kantata_toggle_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"7\", workspace: { enable: true } }",
	    .result = "The project after the change.",
	    .writes = &kantata_writes_expenses,
	    .build = build_expenses,
	    .read = read_workspace,
	},
	{
	    .name = "workspace.toggle_time_approvals",
	    .doc = "Sets whether a project's time needs approval.",
	    .params = kantata_toggle_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"7\", workspace: { enable: false } }",
	    .result = "The project after the change.",
	    .writes = &kantata_writes_times,
	    .build = build_times,
	    .read = read_workspace,
	},
	{
	    .name = "workspace.unarchive_with_approvals",
	    .doc = "Brings an archived project back, and approves its unsubmitted entries up to "
		   "the lock date.",
	    .params = kantata_id_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"7\" }",
	    .result = "The project after the change.",
	    .writes = &kantata_writes_unarchive,
	    .build = build_unarchive,
	    .read = read_workspace,
	},
	{
	    .name = "workspace_resource.list",
	    .reads = READS,
	    .doc = "Reads the resources that fit the filters, page by page to the end.",
	    .params = kantata_resource_list_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ workspace_id: \"7\", include_unnamed: true }",
	    .result = "{items, count}: the resources, at most 5000.",
	    .build = build_resource_list,
	    .read = read_resource_list,
	},
	{
	    .name = "workspace_resource.show",
	    .reads = READS,
	    .doc = "Reads a resource, unnamed ones too.",
	    .params = kantata_resource_show_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"31\", include: [role, user] }",
	    .result = "The resource, with what was included under its association's name.",
	    .build = build_resource_show,
	    .read = read_resource,
	},
	{
	    .name = "workspace_resource.create",
	    .doc = "Creates a resource; an unnamed one when no user is given.",
	    .params = kantata_resource_create_params,
	    .after_doubt = DOUBT_LOOKUP,
	    .example = "{ workspace_resource: { workspace_id: \"7\", role_id: \"5\" } }",
	    .result = "The new resource.",
	    .writes = &kantata_writes_resource_create,
	    .build = build_resource_create,
	    .read = read_new_resource,
	    .lookup = lookup_resource,
	    .found = found_resource,
	    .settle = SETTLE,
	},
	{
	    .name = "workspace_resource.create_many",
	    .doc = "Creates up to 200 resources at once.",
	    .params = kantata_resource_create_many_params,
	    .after_doubt = DOUBT_PARK,
	    .example = "{ workspace_resources: [{ workspace_id: \"7\", user_id: \"9001\" }] }",
	    .result = "{items, count}: the new resources.",
	    .writes = &kantata_writes_resource_create_many,
	    .build = build_resource_create_many,
	    .read = read_resources,
	},
	{
	    .name = "workspace_resource.update",
	    .doc = "Changes fields of a resource.",
	    .params = kantata_resource_update_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"31\", workspace_resource: { user_id: \"9001\" } }",
	    .result = "The resource after the change.",
	    .writes = &kantata_writes_resource_update,
	    .build = build_resource_update,
	    .read = read_resource,
	},
	{
	    .name = "workspace_resource.delete",
	    .doc = "Deletes a resource and its assignments.",
	    .params = kantata_resource_id_params,
	    .after_doubt = DOUBT_REPEAT,
	    .example = "{ id: \"31\" }",
	    .result = "Null.",
	    .writes = &kantata_writes_resource_delete,
	    .build = build_resource_delete,
	    .read = read_nothing,
	},
	{
	    .name = "workspace_resource.allocations_matching_scheduled_hours",
	    .doc = "Makes allocations of a resource out of its scheduled hours.",
	    .params = kantata_allocate_params,
	    .after_doubt = DOUBT_PARK,
	    .example = "{ id: \"31\", hard: true, occurrence: { type: anytime } }",
	    .result = "{success: true}.",
	    .build = build_allocate,
	    .read = read_success,
	},
	{
	    .name = "workspace_resource.allocations_matching_scheduled_hours_many",
	    .doc = "Makes allocations of several resources out of their scheduled hours.",
	    .params = kantata_allocate_many_params,
	    .after_doubt = DOUBT_PARK,
	    .example = "{ data: [{ resource_ids: [31, 32], hard: false, occurrence: { type: after, "
		       "after_date: \"2026-12-01T00:00:00Z\" } }] }",
	    .result = "{success: true}.",
	    .build = build_allocate_many,
	    .read = read_success,
	},
	{ .name = "request",
	  .reads = READS_BY_METHOD,
	  .doc = "Sends a request to any other path of the API.",
	  .params = kantata_request_params,
	  .after_doubt = DOUBT_PARK, /* only the rule's author knows whether it may be repeated */
	  .example = "{ path: \"/time_entries\", query: { workspace_id: \"7\", per_page: 200 } }",
	  .result = "The reply as it is, envelope included; null when it is empty. With all_pages "
		    "{items, count}: the rows, at most 5000, without what was included.",
	  .build = kantata_build_request,
	  .read = kantata_read_request },
	{ .name = NULL },
};
