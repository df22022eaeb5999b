/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_writes - what Kantata's actions write, in the form projects and resources are
 * read in.
 *
 * Most members of a body are fields of the same name. The rows say where that isn't
 * so, and what changes along: a status has a colour and words beside its key.
 * Never remembered: custom_fields and external_reference, which are written by ids
 * and links, and read as lists of objects.
 *
 * Source: developer.kantata.com, specifications of Workspaces and Workspace
 * Resources. */
#include "engine/connectors/kantata_parts.h"

/* An amount may be written [5000, USD] and is read as a map. */
static struct value as_money(struct arena *arena, struct value v)
{
	struct value_map_builder b;

	if (!value_is(v, VALUE_LIST) || v.n != 2 || value_is(v.items[0], VALUE_TEXT) ||
	    !value_is(v.items[1], VALUE_TEXT))
		return v;
	value_map_begin(&b, arena);
	value_map_set(&b, "cents", v.items[0]);
	value_map_set(&b, "currency", v.items[1]);
	return value_map_end(&b);
}

static struct value custom_as_read(struct arena *arena, struct value custom)
{
	struct value_map_builder b;

	if (!value_is(custom, VALUE_MAP))
		return custom;
	value_map_begin(&b, arena);
	for (uint32_t i = 0; i < custom.n; i++)
		value_map_add(&b, custom.pairs[i].key, as_money(arena, custom.pairs[i].val));
	return value_map_end(&b);
}

#define ALSO(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NOTHING(name)                                                                              \
	{                                                                                          \
		.member = (name)                                                                   \
	}
#define SAME(name, ...)                                                                            \
	{                                                                                          \
		.member = (name), .field = (name), .also = ALSO(__VA_ARGS__)                       \
	}

#define OF_PROJECT                                                                                 \
	{                                                                                          \
		.member = "status_key",                                                            \
		.field = "status.key",                                                             \
		.also = ALSO("status.color", "status.message")                                     \
	}, /* The vendor doesn't say in what it counts; taken for cents. */                        \
	    { .member = "price",                                                                   \
	      .field = "price_in_cents",                                                           \
	      .also = ALSO("price", "budget_remaining", "percent_of_budget_used", "over_budget",   \
			   "budgeted") },                                                          \
	    SAME("budgeted", "price", "price_in_cents", "budget_remaining",                        \
		 "percent_of_budget_used", "over_budget", "change_orders_enabled"),                \
	    SAME("currency", "currency_symbol", "currency_base_unit", "price"),                    \
	    SAME("rate_card_id", "default_rate", "currency", "currency_symbol",                    \
		 "currency_base_unit"),                                                            \
	    { .member = "due_date", .field = "due_date" },                                         \
	    { .member = "due_date", .field = "effective_due_date" },                               \
	    SAME("approver_id", "approver", "approver_ids", "approvers"),                          \
	    SAME("workspace_group_ids", "workspace_groups", "primary_workspace_group_id",          \
		 "primary_workspace_group"),                                                       \
	    SAME("primary_workspace_group_id", "primary_workspace_group", "workspace_group_ids",   \
		 "workspace_groups"),                                                              \
	    SAME("account_color_id", "account_color"),                                             \
	    SAME("account_insights_mapping_ids", "account_insights_mappings"),                     \
	    { .member = "custom",                                                                  \
	      .field = "custom",                                                                   \
	      .read_form = custom_as_read,                                                         \
	      .also = ALSO("custom_field_values", "custom_field_value_ids") },                     \
	    SAME("task_status_set_id", "task_status_set_name", "task_statuses"),                   \
	    SAME("revenue_recognition_method_id", "revenue_recognition_method_name"),              \
	    SAME("revenue_recognition_method_name", "revenue_recognition_method_id"),              \
	    SAME("exclude_archived_stories_percent_complete", "percentage_complete"),              \
	    SAME("expenses_in_burn_rate", "budget_used", "budget_used_in_cents",                   \
		 "budget_remaining", "percent_of_budget_used", "over_budget"),                     \
	    { .member = "expenses_in_burn_rate", .field = "actual_fees_includes_expenses" },       \
	    { .member = "expenses_in_burn_rate",                                                   \
	      .field = "actual_fees_includes_additional_line_items" },                             \
	    NOTHING("external_reference")

static const struct write_field of_project[] = {
	OF_PROJECT,
	{ .member = NULL },
};

static const struct write_field of_expenses[] = {
	{ .member = "enable", .field = "require_expense_approvals" },
	{ .member = NULL },
};

static const struct write_field of_times[] = {
	{ .member = "enable", .field = "require_time_approvals" },
	{ .member = NULL },
};

static const struct write_field of_unarchive[] = {
	{ .field = "archived", .value = "false" },
	{ .member = NULL },
};

#define OF_RESOURCE                                                                                \
	SAME("user_id", "user", "full_name", "photo_path", "display_label", "label",               \
	     "participation", "participation_id", "organization_membership",                       \
	     "organization_membership_id", "resource_bill_rate", "resource_cost_rate"),            \
	    SAME("role_id", "role", "role_name", "role_initials", "display_label", "label",        \
		 "resource_bill_rate", "resource_cost_rate"),                                      \
	    NOTHING("external_reference")

static const struct write_field of_resource[] = {
	SAME("label", "display_label"),
	OF_RESOURCE,
	{ .member = NULL },
};

static const struct write_field of_new_resource[] = {
	OF_RESOURCE,
	{ .member = NULL },
};

#define WRITES(name_, kind_, ...)                                                                  \
	const struct writes kantata_writes_##name_ = { .kind = (kind_), __VA_ARGS__ }

WRITES(update, &kantata_workspace, .id = "id", .body = "workspace", .fields = of_project);
WRITES(create, &kantata_workspace, .body = "workspace", .how = WRITES_NEW, .fields = of_project);
WRITES(create_many, &kantata_workspace, .how = WRITES_NEW);
WRITES(delete, &kantata_workspace, .id = "id", .how = WRITES_END);
WRITES(expenses, &kantata_workspace, .id = "id", .body = "workspace", .fields = of_expenses);
WRITES(times, &kantata_workspace, .id = "id", .body = "workspace", .fields = of_times);
WRITES(unarchive, &kantata_workspace, .id = "id", .fields = of_unarchive);
WRITES(resource_update, &kantata_workspace_resource, .id = "id", .body = "workspace_resource",
       .fields = of_resource);
WRITES(resource_create, &kantata_workspace_resource, .body = "workspace_resource",
       .how = WRITES_NEW, .fields = of_new_resource);
WRITES(resource_create_many, &kantata_workspace_resource, .how = WRITES_NEW);
WRITES(resource_delete, &kantata_workspace_resource, .id = "id", .how = WRITES_END);
