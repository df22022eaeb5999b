/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_resource - the tables of Kantata's workspace resource: somebody, or nobody
 * yet (an unnamed resource), with a role in a project.
 *
 * Source: developer.kantata.com, specification of Workspace Resources. */
#include "engine/connectors/kantata_parts.h"

const struct kantata_include kantata_resource_includes[] = {
	{ "custom_field_values", "custom_field_value_ids", "custom_field_values" },
	{ "external_references", "external_reference_ids", "external_references" },
	{ "organization_membership", "organization_membership_id", "organization_memberships" },
	{ "participation", "participation_id", "participations" },
	{ "role", "role_id", "roles" },
	{ "user", "user_id", "users" },
	{ "workspace", "workspace_id", "workspaces" },
	{ .name = NULL },
};

const struct field kantata_resource_fields[] = {
	{ "id", FIELD_TEXT, "Identity of the resource.", NULL },
	{ "created_at", FIELD_TIMESTAMP, "When the resource was created.", NULL },
	{ "updated_at", FIELD_TIMESTAMP,
	  "When the resource was last changed; its change alone is no event.", NULL },
	{ "display_label", FIELD_TEXT, "What the resource is shown as.", NULL },
	{ "full_name", FIELD_TEXT, "Name of its user; null for an unnamed resource.", NULL },
	{ "label", FIELD_TEXT, "Label of the resource.", NULL },
	{ "photo_path", FIELD_TEXT, "Where the photo of its user is.", NULL },
	{ "role_initials", FIELD_TEXT, "Initials of its role.", NULL },
	{ "role_name", FIELD_TEXT, "Name of its role.", NULL },
	{ "workspace_id", FIELD_TEXT,
	  "Project the resource belongs to; a number in the API, text here.", NULL },
	{ "workspace_title", FIELD_TEXT, "Title of that project.", NULL },
	{ "resource_bill_rate", FIELD_DOUBLE, "Bill rate. Absent without permission.",
	  "optional_fields=resource_bill_rate" },
	{ "resource_cost_rate", FIELD_DOUBLE, "Cost rate. Absent without permission.",
	  "optional_fields=resource_cost_rate" },
	{ "custom_field_value_ids", FIELD_LIST, "Ids of the values of custom fields.",
	  "include=custom_field_values" },
	{ "custom_field_values", FIELD_LIST, "The values of custom fields, as objects.",
	  "include=custom_field_values" },
	{ "custom", FIELD_MAP,
	  "The values of custom fields by the fields' names: data.custom[\"PO\"]. Currencies are "
	  "{cents, currency}, a choice is its label, several are a list.",
	  "include=custom_field_values" },
	{ "external_reference_ids", FIELD_LIST, "Ids of links to objects of other systems.",
	  "include=external_references" },
	{ "external_references", FIELD_LIST, "Links to objects of other systems, as objects.",
	  "include=external_references" },
	{ "organization_membership_id", FIELD_TEXT, "Id of the membership in an organization.",
	  "include=organization_membership" },
	{ "organization_membership", FIELD_MAP, "The membership in an organization, as an object.",
	  "include=organization_membership" },
	{ "participation_id", FIELD_TEXT, "Id of the participation of its user.",
	  "include=participation" },
	{ "participation", FIELD_MAP, "The participation of its user, as an object.",
	  "include=participation" },
	{ "role_id", FIELD_TEXT, "Id of its role.", "include=role" },
	{ "role", FIELD_MAP, "Its role, as an object.", "include=role" },
	{ "user_id", FIELD_TEXT, "Id of its user; null for an unnamed resource.", "include=user" },
	{ "user", FIELD_MAP, "Its user, as an object.", "include=user" },
	{ "workspace", FIELD_MAP, "The project, as an object.", "include=workspace" },
	{ .name = NULL },
};

const char *const kantata_resource_included[] = { "custom_field_values",
						  "external_references",
						  "organization_membership",
						  "participation",
						  "role",
						  "user",
						  "workspace",
						  NULL };
const char *const kantata_resource_optional[] = { "resource_bill_rate", "resource_cost_rate",
						  NULL };
static const char *const occurrences[] = { "anytime", "after", "before", "between", NULL };

/* What every action takes whose result is a resource. */
#define ADDED                                                                                      \
	{ .name = "include",                                                                       \
	  .type = PARAM_LIST,                                                                      \
	  .choices = kantata_resource_included,                                                    \
	  .doc = "Associations to put into the result, by their names." },                         \
	{                                                                                          \
		.name = "optional_fields", .type = PARAM_LIST,                                     \
		.choices = kantata_resource_optional, .adds = true,                                \
		.doc = "Optional fields to add; slow, and only with permission."                   \
	}

static const struct param create_members[] = {
	{ .name = "workspace_id",
	  .type = PARAM_ID,
	  .required = true,
	  .doc = "Project of the resource." },
	{ .name = "user_id", .type = PARAM_ID, .doc = "Its user; none: an unnamed resource." },
	{ .name = "role_id",
	  .type = PARAM_ID,
	  .doc = "Its role; required without a user, else the user's primary role unless given." },
	{ .name = "external_reference",
	  .type = PARAM_MAP,
	  .members = kantata_reference_members,
	  .doc = "Link to an object of another system." },
	{ .name = NULL },
};

static const struct param update_members[] = {
	{ .name = "label",
	  .type = PARAM_TEXT,
	  .doc = "Label of the resource; overrides auto_update_label." },
	{ .name = "user_id", .type = PARAM_ID, .doc = "Its user." },
	{ .name = "role_id", .type = PARAM_ID, .doc = "Its role." },
	{ .name = "auto_update_label",
	  .type = PARAM_BOOL,
	  .doc = "Whether the label follows user and role." },
	{ .name = "external_reference",
	  .type = PARAM_MAP,
	  .members = kantata_reference_members,
	  .doc = "Link to an object of another system." },
	{ .name = NULL },
};

static const struct param occurrence_members[] = {
	{ .name = "type",
	  .type = PARAM_CHOICE,
	  .required = true,
	  .choices = occurrences,
	  .doc = "Which scheduled hours: all, or those after, before or between times." },
	{ .name = "after_date", .type = PARAM_TEXT, .doc = "Of after: the time (ISO 8601)." },
	{ .name = "before_date", .type = PARAM_TEXT, .doc = "Of before: the time (ISO 8601)." },
	{ .name = "start_date",
	  .type = PARAM_TEXT,
	  .doc = "Of between: the first time (ISO 8601)." },
	{ .name = "end_date", .type = PARAM_TEXT, .doc = "Of between: the last time (ISO 8601)." },
	{ .name = NULL },
};

static const struct param data_members[] = {
	{ .name = "resource_ids",
	  .type = PARAM_LIST,
	  .required = true,
	  .doc = "Ids of the resources." },
	{ .name = "hard",
	  .type = PARAM_BOOL,
	  .required = true,
	  .doc = "Whether the allocations are hard; false when a resource is unnamed." },
	{ .name = "occurrence",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = occurrence_members,
	  .doc = "Which scheduled hours are taken." },
	{ .name = NULL },
};

const struct param kantata_resource_show_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the resource." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_resource_id_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the resource." },
	{ .name = NULL },
};

const struct param kantata_resource_create_params[] = {
	{ .name = "workspace_resource",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = create_members,
	  .doc = "The resource to create." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_resource_create_many_params[] = {
	{ .name = "workspace_resources",
	  .type = PARAM_LIST,
	  .required = true,
	  .members = create_members,
	  .doc = "The resources to create, up to 200." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_resource_update_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the resource." },
	{ .name = "workspace_resource",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = update_members,
	  .doc = "The fields to set; others stay as they are." },
	ADDED,
	{ .name = NULL },
};

const struct param kantata_allocate_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the resource." },
	{ .name = "hard",
	  .type = PARAM_BOOL,
	  .required = true,
	  .doc = "Whether the allocations are hard; false when a resource is unnamed." },
	{ .name = "occurrence",
	  .type = PARAM_MAP,
	  .required = true,
	  .members = occurrence_members,
	  .doc = "Which scheduled hours are taken." },
	{ .name = NULL },
};

const struct param kantata_allocate_many_params[] = {
	{ .name = "data",
	  .type = PARAM_LIST,
	  .required = true,
	  .members = data_members,
	  .doc = "Allocations to make." },
	{ .name = NULL },
};
