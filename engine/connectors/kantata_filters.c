/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_filters - what Kantata's lists can be narrowed by.
 *
 * Names are the vendor's. A list is sent with commas between its items; the
 * forms of custom fields are sent as they are.
 * Source: developer.kantata.com, specifications of Workspaces and Workspace
 * Resources, parameters of the lists. */
#include "engine/connectors/kantata_parts.h"

static const char *const stages[] = { "estimate", "project", NULL };
static const char *const archives[] = { "exclude", "include", "only", NULL };

/* By the values of custom fields. */
#define CUSTOM_FILTERS                                                                             \
	{ .name = "by_custom_choice_value",                                                        \
	  .type = PARAM_TEXT,                                                                      \
	  .doc = "With this choice: id:choice,choice or id:blank." },                              \
	    { .name = "by_custom_currency_value",                                                  \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With this amount: (1:200.2:USD):(2:100)." },                                 \
	    { .name = "by_custom_date_value",                                                      \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With a date in this range: (1:2014-12-05:2014-12-25):(2:2014-12-05)." },     \
	    { .name = "by_custom_number_value",                                                    \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With this number: (1:200):(2:100)." },                                       \
	    { .name = "by_custom_text_value",                                                      \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With this text: (1:red):(2:blue)." },                                        \
	{                                                                                          \
		.name = "has_value_for_custom_field_ids", .type = PARAM_LIST,                      \
		.doc = "With a value of these custom fields."                                      \
	}

/* By when it was made and changed. */
#define TIME_FILTERS                                                                               \
	{ .name = "created_after",                                                                 \
	  .type = PARAM_TEXT,                                                                      \
	  .doc = "Created after this time (ISO 8601)." },                                          \
	    { .name = "created_before",                                                            \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "Created before this time (ISO 8601)." },                                     \
	    { .name = "updated_after",                                                             \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "Changed after this time (ISO 8601)." },                                      \
	{                                                                                          \
		.name = "updated_before", .type = PARAM_TEXT,                                      \
		.doc = "Changed before this time (ISO 8601)."                                      \
	}

/* By links to objects of other systems. */
#define REFERENCE_FILTERS                                                                          \
	{ .name = "external_reference_external_message",                                           \
	  .type = PARAM_TEXT,                                                                      \
	  .doc = "With a reference of exactly this external message." },                           \
	    { .name = "external_reference_external_status",                                        \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With a reference of this external status." },                                \
	    { .name = "external_reference_service_model",                                          \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With a reference to this kind of object." },                                 \
	    { .name = "external_reference_service_model_ref",                                      \
	      .type = PARAM_ID,                                                                    \
	      .doc = "With a reference to this id of another system." },                           \
	    { .name = "external_reference_service_model_refs",                                     \
	      .type = PARAM_LIST,                                                                  \
	      .doc = "With a reference to one of these ids of another system, up to 200." },       \
	    { .name = "external_reference_service_name",                                           \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With a reference to this system." },                                         \
	    { .name = "external_reference_status",                                                 \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "With a reference whose integration went so: successful or fail." },          \
	    { .name = "has_external_references",                                                   \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "With (or without) references to other systems." },                           \
	{                                                                                          \
		.name = "without_external_reference_service_name", .type = PARAM_TEXT,             \
		.doc = "Without a reference to this system."                                       \
	}

const struct param kantata_list_params[] = {
	{ .name = "account_color_ids", .type = PARAM_LIST, .doc = "Of these colours." },
	{ .name = "archived",
	  .type = PARAM_CHOICE,
	  .choices = archives,
	  .doc = "Archived ones: exclude (default), include or only." },
	{ .name = "budgeted",
	  .type = PARAM_BOOL,
	  .doc = "Only projects with (or without) a budget." },
	CUSTOM_FILTERS,
	{ .name = "can_create_line_items",
	  .type = PARAM_BOOL,
	  .doc = "In which the token's user may log time and expenses." },
	{ .name = "created_at",
	  .type = PARAM_TEXT,
	  .doc = "Deprecated by the vendor: created in this range, from;to." },
	{ .name = "creator", .type = PARAM_LIST, .doc = "Created by one of these users." },
	{ .name = "current_user_is_maven_participant",
	  .type = PARAM_BOOL,
	  .doc = "With the token's user in the provider's team; taken as true whatever is given." },
	{ .name = "custom_date_range",
	  .type = PARAM_TEXT,
	  .doc = "With a date of a custom field in a range, as the vendor writes it." },
	{ .name = "custom_integer_ranges",
	  .type = PARAM_TEXT,
	  .doc = "With a number of a custom field in ranges, as the vendor writes them." },
	{ .name = "due_date_after", .type = PARAM_DATE, .doc = "Due after this day." },
	{ .name = "due_date_before", .type = PARAM_DATE, .doc = "Due before this day." },
	{ .name = "except", .type = PARAM_LIST, .doc = "Not these projects." },
	REFERENCE_FILTERS,
	{ .name = "financials_viewable_by_user",
	  .type = PARAM_BOOL,
	  .doc = "Whose financials the token's user may see." },
	{ .name = "for_approver", .type = PARAM_ID, .doc = "In which this user may approve time." },
	{ .name = "has_approvers", .type = PARAM_BOOL, .doc = "With (or without) an approver." },
	{ .name = "has_maven_participant",
	  .type = PARAM_ID,
	  .doc = "With this user in the provider's team." },
	{ .name = "has_participant", .type = PARAM_ID, .doc = "In which this user takes part." },
	{ .name = "has_participation",
	  .type = PARAM_BOOL,
	  .doc = "In which the token's user takes part." },
	{ .name = "include_archived", .type = PARAM_BOOL, .doc = "Archived ones too." },
	{ .name = "matching",
	  .type = PARAM_TEXT,
	  .doc = "Words that words of the title start with." },
	{ .name = "milestone_weight_percentage_complete",
	  .type = PARAM_LIST,
	  .doc = "Milestones completed to between these two percentages." },
	{ .name = "on_account_by_orgs",
	  .type = PARAM_BOOL,
	  .doc = "On the account of the token's user, within its organizations." },
	{ .name = "on_my_account",
	  .type = PARAM_BOOL,
	  .doc = "On the account of the token's user." },
	{ .name = "only", .type = PARAM_LIST, .doc = "Only these projects." },
	{ .name = "only_joinable", .type = PARAM_BOOL, .doc = "Which the token's user may join." },
	{ .name = "only_participating_or_joinable",
	  .type = PARAM_BOOL,
	  .doc = "In which the token's user takes part or which it may join." },
	{ .name = "only_project_manager_in",
	  .type = PARAM_BOOL,
	  .doc = "In which the token's user has financial access in the provider's team." },
	{ .name = "participant_or_org_member_in",
	  .type = PARAM_BOOL,
	  .doc = "In which the token's user takes part, within its organizations." },
	{ .name = "pending_timesheet_submissions",
	  .type = PARAM_TEXT,
	  .doc = "With timesheets that wait for approval in this range, from;to." },
	{ .name = "provider_lead", .type = PARAM_LIST, .doc = "Led by one of these users." },
	{ .name = "require_time_approvals",
	  .type = PARAM_BOOL,
	  .doc = "Whose time needs (or doesn't need) approval." },
	{ .name = "requiring_expense_approval",
	  .type = PARAM_BOOL,
	  .doc = "Whose expenses need (or don't need) approval." },
	{ .name = "search",
	  .type = PARAM_TEXT,
	  .doc = "Full text search, by relevance; not together with only or order." },
	{ .name = "selected_choices",
	  .type = PARAM_TEXT,
	  .doc = "With these choices: field:choice,choice;field:none." },
	{ .name = "stage",
	  .type = PARAM_CHOICE,
	  .choices = stages,
	  .doc = "Estimates or projects." },
	{ .name = "start_date_after", .type = PARAM_DATE, .doc = "Starting after this day." },
	{ .name = "start_date_before", .type = PARAM_DATE, .doc = "Starting before this day." },
	TIME_FILTERS,
	{ .name = "user_not_participating",
	  .type = PARAM_ID,
	  .doc = "In which this user doesn't take part." },
	{ .name = "viewable_for_time_administration",
	  .type = PARAM_BOOL,
	  .doc = "Whose time the token's user may approve." },
	{ .name = "with_organizations",
	  .type = PARAM_TEXT,
	  .doc = "Of these organizations, as the vendor writes them." },
	{ .name = "workspace_groups", .type = PARAM_LIST, .doc = "Of these project groups." },
	{ .name = "order",
	  .type = PARAM_TEXT,
	  .doc = "A field and a direction: due_date:asc; updated_at:desc unless said otherwise." },
	{ .name = "include",
	  .type = PARAM_LIST,
	  .choices = kantata_workspace_included,
	  .doc = "Associations to put into the result, by their names." },
	{ .name = "optional_fields",
	  .type = PARAM_LIST,
	  .choices = kantata_workspace_optional,
	  .doc = "Optional fields to add." },
	{ .name = NULL },
};

const struct param kantata_resource_list_params[] = {
	CUSTOM_FILTERS,
	TIME_FILTERS,
	REFERENCE_FILTERS,
	{ .name = "include_unnamed", .type = PARAM_BOOL, .doc = "Unnamed resources too." },
	{ .name = "only_unnamed", .type = PARAM_BOOL, .doc = "Only unnamed resources." },
	{ .name = "matching", .type = PARAM_TEXT, .doc = "Whose user or role matches this text." },
	{ .name = "only", .type = PARAM_LIST, .doc = "Only these resources." },
	{ .name = "role_id", .type = PARAM_ID, .doc = "Of this role." },
	{ .name = "user_id", .type = PARAM_ID, .doc = "Of this user." },
	{ .name = "workspace_id", .type = PARAM_ID, .doc = "Of this project." },
	{ .name = "providers",
	  .type = PARAM_BOOL,
	  .doc = "With a user who is in the provider's team." },
	{ .name = "providers_with_unnamed",
	  .type = PARAM_BOOL,
	  .doc = "With a user of the provider's team, or with none." },
	{ .name = "potential_workspace_resource_for_story_with_unnamed_resources",
	  .type = PARAM_ID,
	  .doc = "That can be assigned to this task, unnamed ones too." },
	{ .name = "potential_workspace_resources_for_reassignment",
	  .type = PARAM_ID,
	  .doc = "To which this assignment can be moved." },
	{ .name = "potential_workspace_resources_for_story",
	  .type = PARAM_ID,
	  .doc = "With a user, and that can be assigned to this task." },
	{ .name = "with_organizations",
	  .type = PARAM_TEXT,
	  .doc = "Of these organizations, as the vendor writes them." },
	{ .name = "order",
	  .type = PARAM_TEXT,
	  .doc =
	      "A field and a direction: created_at:asc; updated_at:desc unless said otherwise." },
	{ .name = "include",
	  .type = PARAM_LIST,
	  .choices = kantata_resource_included,
	  .doc = "Associations to put into the result, by their names." },
	{ .name = "optional_fields",
	  .type = PARAM_LIST,
	  .choices = kantata_resource_optional,
	  .doc = "Optional fields to add; slow, and only with permission." },
	{ .name = NULL },
};
