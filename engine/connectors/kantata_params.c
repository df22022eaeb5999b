/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_params - what Kantata's actions on workspaces take.
 *
 * In a body null clears what can be cleared. What applies a template or creates
 * something is not to be repeated blindly; kantata.c says which those are.
 * Source: developer.kantata.com, specification of Workspaces. */
#include "engine/connectors/kantata_parts.h"

static const char *const stages[] = { "estimate", "project", NULL };
static const char *const access_levels[] = { "invitation", "open", "admins", NULL };
static const char *const reference_states[] = { "successful", "pending", "failed", NULL };
static const char *const creator_roles[] = { "maven", "consultant", "buyer", "client", NULL };
static const char *const invitee_roles[] = { "maven", "buyer", NULL };
static const char *const accesses[] = { "edit_tasks",
					"view_tasks",
					"edit_time_and_expenses",
					"view_time_and_expenses",
					"edit_financials",
					"view_financials",
					"admin",
					NULL };
const char *const kantata_workspace_included[] = { "account_color",
						   "account_insights_mappings",
						   "approver",
						   "approvers",
						   "billing_milestones",
						   "creator",
						   "current_status_report",
						   "current_user_participation",
						   "custom_field_values",
						   "external_references",
						   "financial_viewers",
						   "next_uncompleted_milestone",
						   "participants",
						   "participations",
						   "possible_approvers",
						   "primary_counterpart",
						   "primary_maven",
						   "primary_workspace_group",
						   "status_reports",
						   "timesheet_submissions",
						   "workspace_groups",
						   "workspace_resources",
						   "workspace_resources_with_unnamed",
						   NULL };
const char *const kantata_workspace_optional[] = { "revenue_recognition_method_id",
						   "revenue_recognition_method_name",
						   "client_lead_name",
						   "provider_lead_name",
						   "stage",
						   "estimated_minutes",
						   "total_invoiced",
						   "total_minutes_approved",
						   "billable_minutes",
						   "non_billable_minutes",
						   "minutes_logged",
						   "incoming_email_address",
						   "lock_date",
						   NULL };

static const struct param custom_field_members[] = {
	{ .name = "custom_field_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "The custom field." },
	{ .name = "value",
	  .type = PARAM_ANY,
	  .doc = "Its value: text, a date, a number as text, [cents, CODE] or [choice ids]; null "
		 "clears it." },
	{ .name = NULL },
};

static const struct param external_link_members[] = {
	{ .name = "text", .type = PARAM_TEXT, .doc = "Text of the link." },
	{ .name = "url", .type = PARAM_TEXT, .doc = "Address of the link." },
	{ .name = NULL },
};

const struct param kantata_reference_members[] = {
	{ .name = "service_name",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Name of the other system." },
	{ .name = "service_model",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Kind of object there." },
	{ .name = "service_model_ref",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Id of the object there." },
	{ .name = "status",
	  .type = PARAM_CHOICE,
	  .choices = reference_states,
	  .doc = "How the integration went." },
	{ .name = "external_message", .type = PARAM_TEXT, .doc = "What the other system says." },
	{ .name = "external_link", .type = PARAM_TEXT, .doc = "Address of the object." },
	{ .name = "external_status", .type = PARAM_TEXT, .doc = "Status of the object there." },
	{ .name = "locked",
	  .type = PARAM_BOOL,
	  .doc = "Whether the other system locks the object." },
	{ .name = NULL },
};

static const struct param invoice_preference_members[] = {
	{ .name = "client_invoice_address", .type = PARAM_TEXT, .doc = "The client's address." },
	{ .name = "client_invoice_name", .type = PARAM_TEXT, .doc = "The client's name." },
	{ .name = "consultant_invoice_address",
	  .type = PARAM_TEXT,
	  .doc = "The provider's address." },
	{ .name = "consultant_invoice_name", .type = PARAM_TEXT, .doc = "The provider's name." },
	{ .name = "project_code", .type = PARAM_TEXT, .doc = "Code of the project." },
	{ .name = "purchase_order", .type = PARAM_TEXT, .doc = "Number of the purchase order." },
	{ .name = NULL },
};

static const struct param mapping_members[] = {
	{ .name = "resource_id", .type = PARAM_ID, .doc = "Resource of the template." },
	{ .name = "user_id", .type = PARAM_ID, .doc = "User who takes it." },
	{ .name = "role_id", .type = PARAM_ID, .doc = "Role that takes it." },
	{ .name = NULL },
};

static const struct param apply_mapping_members[] = {
	{ .name = "resource_id", .type = PARAM_ID, .doc = "Resource of the template." },
	{ .name = "user_id", .type = PARAM_ID, .doc = "User who takes it." },
	{ .name = "role_id", .type = PARAM_ID, .doc = "Role that takes it." },
	{ .name = "create_unnamed_resource",
	  .type = PARAM_BOOL,
	  .doc = "Whether an unnamed resource is made for it." },
	{ .name = NULL },
};

static const struct param organization_members[] = {
	{ .name = "department_id", .type = PARAM_ID, .doc = "The department." },
	{ .name = "geography_id", .type = PARAM_ID, .doc = "The geography." },
	{ .name = NULL },
};

static const struct param participation_members[] = {
	{ .name = "user_id", .type = PARAM_ID, .required = true, .doc = "The user." },
	{ .name = "access",
	  .type = PARAM_CHOICE,
	  .choices = accesses,
	  .doc = "What the user may do." },
	{ .name = NULL },
};

/* What every action takes whose result is a project. */
#define ADDED                                                                                      \
	{ .name = "include",                                                                       \
	  .type = PARAM_LIST,                                                                      \
	  .choices = kantata_workspace_included,                                                   \
	  .doc = "Associations to put into the result, by their names." },                         \
	{                                                                                          \
		.name = "optional_fields", .type = PARAM_LIST,                                     \
		.choices = kantata_workspace_optional, .adds = true,                               \
		.doc = "Optional fields to add."                                                   \
	}

/* What a project is created with and what can be changed in one. */
#define COMMON_MEMBERS                                                                             \
	{ .name = "description", .type = PARAM_TEXT, .doc = "Description of the project." },       \
	    { .name = "status_key",                                                                \
	      .type = PARAM_INT,                                                                   \
	      .doc = "Key of the status: 305, as in status.key of the project." },                 \
	    { .name = "stage",                                                                     \
	      .type = PARAM_CHOICE,                                                                \
	      .choices = stages,                                                                   \
	      .doc = "Stage of the project." },                                                    \
	    { .name = "access_level",                                                              \
	      .type = PARAM_CHOICE,                                                                \
	      .choices = access_levels,                                                            \
	      .doc = "Who may join the project." },                                                \
	    { .name = "start_date", .type = PARAM_DATE, .doc = "First day." },                     \
	    { .name = "due_date", .type = PARAM_DATE, .doc = "Day the project is due." },          \
	    { .name = "budgeted",                                                                  \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether the project has a budget." },                                        \
	    { .name = "price",                                                                     \
	      .type = PARAM_INT,                                                                   \
	      .doc = "Budget of the project; required when it is budgeted." },                     \
	    { .name = "currency",                                                                  \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "ISO code of the currency; ignored when rate_card_id is given." },            \
	    { .name = "rate_card_id", .type = PARAM_ID, .doc = "Rate card to use." },              \
	    { .name = "target_margin",                                                             \
	      .type = PARAM_NUMBER,                                                                \
	      .doc = "Margin aimed at, in percent." },                                             \
	    { .name = "time_trackable",                                                            \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether time can be logged." },                                              \
	    { .name = "require_notes_on_time_entries",                                             \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether time entries need a note." },                                        \
	    { .name = "change_orders_enabled",                                                     \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether change orders are in use." },                                        \
	    { .name = "consultant_role_name",                                                      \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "What the provider's team is called." },                                      \
	    { .name = "client_role_name",                                                          \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "What the client's team is called." },                                        \
	    { .name = "approver_id", .type = PARAM_ID, .doc = "User who approves time." },         \
	    { .name = "workspace_group_ids",                                                       \
	      .type = PARAM_LIST,                                                                  \
	      .doc = "Ids of the project groups." },                                               \
	    { .name = "primary_workspace_group_id",                                                \
	      .type = PARAM_ID,                                                                    \
	      .doc = "Primary project group." },                                                   \
	    { .name = "account_color_id", .type = PARAM_ID, .doc = "Colour of the project." },     \
	    { .name = "account_insights_mapping_ids",                                              \
	      .type = PARAM_LIST,                                                                  \
	      .doc = "Ids of the dashboards shown with the project." },                            \
	    { .name = "custom_fields",                                                             \
	      .type = PARAM_LIST,                                                                  \
	      .members = custom_field_members,                                                     \
	      .doc = "Values of custom fields, by the fields' ids." },                             \
	    { .name = "custom",                                                                    \
	      .type = PARAM_MAP,                                                                   \
	      .doc = "Values of custom fields by the fields' names, { PO: \"4711\" }; choices by " \
		     "their "                                                                      \
		     "labels, null clears one." },                                                 \
	    { .name = "external_link",                                                             \
	      .type = PARAM_MAP,                                                                   \
	      .members = external_link_members,                                                    \
	      .doc = "A link shown with the project." },                                           \
	    { .name = "external_reference",                                                        \
	      .type = PARAM_MAP,                                                                   \
	      .members = kantata_reference_members,                                                \
	      .doc = "Link to an object of another system." },                                     \
	    { .name = "invoice_preference",                                                        \
	      .type = PARAM_MAP,                                                                   \
	      .members = invoice_preference_members,                                               \
	      .doc = "Names and addresses on invoices." },                                         \
	    { .name = "task_status_set_id",                                                        \
	      .type = PARAM_ID,                                                                    \
	      .doc = "Set of task statuses to use." },                                             \
	    { .name = "revenue_recognition_method_id",                                             \
	      .type = PARAM_ID,                                                                    \
	      .doc = "Method of revenue recognition (early access); null clears it." },            \
	    { .name = "revenue_recognition_method_name",                                           \
	      .type = PARAM_TEXT,                                                                  \
	      .doc = "Method of revenue recognition by name (early access)." },                    \
	    { .name = "exclude_archived_stories_percent_complete",                                 \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether archived tasks are left out of percentage_complete." },              \
	    { .name = "tasks_default_non_billable",                                                \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether new tasks are not billable." },                                      \
	    { .name = "stories_are_fixed_fee_by_default",                                          \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether new tasks have a fixed fee." },                                      \
	    { .name = "posts_require_privacy_decision",                                            \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether each post asks who may see it." },                                   \
	    { .name = "expenses_in_burn_rate",                                                     \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Sets both actual_fees_includes members below." },                            \
	    { .name = "actual_fees_includes_expenses",                                             \
	      .type = PARAM_BOOL,                                                                  \
	      .doc = "Whether expenses count as fees." },                                          \
	{                                                                                          \
		.name = "actual_fees_includes_additional_line_items", .type = PARAM_BOOL,          \
		.doc = "Whether additional items count as fees."                                   \
	}

static const struct param update_members[] = {
	{ .name = "title", .type = PARAM_TEXT, .doc = "Title of the project." },
	{ .name = "archived",
	  .type = PARAM_BOOL,
	  .doc = "True archives the project, false brings it back." },
	COMMON_MEMBERS,
	{ .name = "project_tracker_template_id",
	  .type = PARAM_ID,
	  .doc = "Project template to apply." },
	{ .name = "project_template_start_date",
	  .type = PARAM_DATE,
	  .doc = "First day of the template's tasks." },
	{ .name = "project_template_checklist_as_todos",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's checklists become to-do items." },
	{ .name = "project_template_assignment_mappings",
	  .type = PARAM_LIST,
	  .members = mapping_members,
	  .doc = "Who takes the template's resources." },
	{ .name = "project_template_weekends_as_workdays",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's tasks may fall on weekends." },
	{ .name = "project_template_create_unnamed_resources",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's unnamed resources are created." },
	{ .name = "project_template_distribute_hours",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's hours are distributed." },
	{ .name = "project_template_before_story_id",
	  .type = PARAM_ID,
	  .doc = "Task before which the template's tasks are put." },
	{ .name = NULL },
};

static const struct param create_members[] = {
	{ .name = "title", .type = PARAM_TEXT, .required = true, .doc = "Title of the project." },
	COMMON_MEMBERS,
	{ .name = "creator_role",
	  .type = PARAM_CHOICE,
	  .choices = creator_roles,
	  .doc = "Side the token's user is on: the provider's (maven, consultant; default) or the "
		 "client's." },
	{ .name = "change_orders",
	  .type = PARAM_BOOL,
	  .doc = "Another name of change_orders_enabled." },
	{ .name = "organizations",
	  .type = PARAM_LIST,
	  .members = organization_members,
	  .doc = "Departments and geographies the project belongs to." },
	{ .name = "participations",
	  .type = PARAM_LIST,
	  .members = participation_members,
	  .doc = "Users who take part, with their access." },
	{ .name = "primary_maven_id",
	  .type = PARAM_ID,
	  .doc = "User who leads the provider's team." },
	{ .name = "require_expense_approvals",
	  .type = PARAM_BOOL,
	  .doc = "Whether expenses need approval." },
	{ .name = "require_time_approvals",
	  .type = PARAM_BOOL,
	  .doc = "Whether time needs approval." },
	{ .name = "estimate_scenario_id",
	  .type = PARAM_ID,
	  .doc = "Estimate scenario to begin from; start_date is needed then." },
	{ .name = "attachment_ids", .type = PARAM_LIST, .doc = "Ids of uploaded files to attach." },
	{ .name = "project_tracker_template_id",
	  .type = PARAM_ID,
	  .doc = "Project template to apply." },
	{ .name = "project_template_start_date",
	  .type = PARAM_DATE,
	  .doc = "First day of the template's tasks." },
	{ .name = "project_template_checklist_as_todos",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's checklists become to-do items." },
	{ .name = "project_template_assignment_mappings",
	  .type = PARAM_LIST,
	  .members = mapping_members,
	  .doc = "Who takes the template's resources." },
	{ .name = "project_template_weekends_as_workdays",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's tasks may fall on weekends." },
	{ .name = "project_template_create_unnamed_resources",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's unnamed resources are created." },
	{ .name = "project_template_distribute_hours",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's hours are distributed." },
	{ .name = NULL },
};

static const struct param apply_members[] = {
	{ .name = "project_tracker_template_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Project template to apply." },
	{ .name = "project_template_start_date",
	  .type = PARAM_DATE,
	  .doc = "First day of the template's tasks." },
	{ .name = "project_template_checklist_as_todos",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's checklists become to-do items." },
	{ .name = "project_template_assignment_mappings",
	  .type = PARAM_LIST,
	  .members = apply_mapping_members,
	  .doc = "Who takes the template's resources." },
	{ .name = "project_template_weekends_as_workdays",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's tasks may fall on weekends." },
	{ .name = "project_template_create_unnamed_resources",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's unnamed resources are created." },
	{ .name = "project_template_distribute_hours",
	  .type = PARAM_BOOL,
	  .doc = "Whether the template's hours are distributed." },
	{ .name = "project_template_before_story_id",
	  .type = PARAM_ID,
	  .doc = "Task before which the template's tasks are put." },
	{ .name = NULL },
};

static const struct param toggle_members[] = {
	{ .name = "enable",
	  .type = PARAM_BOOL,
	  .required = true,
	  .doc = "Whether approval is required from now on." },
	{ .name = "backfill_date",
	  .type = PARAM_DATE,
	  .doc = "Entries before this day are approved, which can't be undone and is told the user "
		 "by e-mail." },
	{ .name = NULL },
};

static const struct param invitation_members[] = {
	{ .name = "full_name",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Name of who is invited." },
	{ .name = "email_address",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Address of who is invited." },
	{ .name = "invitee_role",
	  .type = PARAM_CHOICE,
	  .required = true,
	  .choices = invitee_roles,
	  .doc = "Side of who is invited: the provider's (maven) or the client's (buyer)." },
	{ .name = "subject", .type = PARAM_TEXT, .doc = "Subject of the e-mail." },
	{ .name = "message", .type = PARAM_TEXT, .doc = "Text of the e-mail." },
	{ .name = NULL },
};

const struct param kantata_show_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_id_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	{ .name = NULL },
};

const struct param kantata_create_params[] = {
	{ .name = "workspace",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = create_members,
	  .doc = "The project to create." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_create_many_params[] = {
	{ .name = "workspaces",
	  .type = PARAM_LIST,
	  .required = true,
	  .members = create_members,
	  .doc = "The projects to create, up to 100." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_update_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	{ .name = "workspace",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = update_members,
	  .doc = "The fields to set; others stay as they are." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_apply_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	{ .name = "edit_stories",
	  .type = PARAM_BOOL,
	  .doc = "True: participants and unnamed resources are added, but no tasks; the result has "
		 "template_stories_json." },
	{ .name = "workspace",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = apply_members,
	  .doc = "The template and how to apply it." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_invite_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	{ .name = "invitation",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = invitation_members,
	  .doc = "Who is invited." },
	{ .name = NULL },
};

const struct param kantata_toggle_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the project." },
	{ .name = "workspace",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = toggle_members,
	  .doc = "What to switch." },
	ADDED,
	{ .name = NULL },
};
