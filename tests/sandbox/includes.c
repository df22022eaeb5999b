/* SPDX-License-Identifier: Apache-2.0
 *
 * includes - see includes.h. Only users, external references, timesheets and the values of custom
 * fields exist as objects; the other associations are accepted and empty, as in an account that
 * does not use them.
 */
#include "tests/sandbox/includes.h"

#include "tests/sandbox/custom.h"
#include "tests/sandbox/query.h"
#include "tests/sandbox/timesheets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum many { ONE, MANY };

struct include {
	const char *name;
	const char *key;
	const char *map;
	enum many many;
	/* Writes nothing or ids, comma separated, and marks the users; NULL: always empty. */
	size_t (*ids)(const struct workspace *ws, int64_t ids[2]);
};

static size_t maven(const struct workspace *ws, int64_t ids[2])
{
	ids[0] = ws->primary_maven_id;
	return ids[0] != 0;
}

static size_t counterpart(const struct workspace *ws, int64_t ids[2])
{
	ids[0] = ws->primary_counterpart_id;
	return ids[0] != 0;
}

static size_t creator(const struct workspace *ws, int64_t ids[2])
{
	ids[0] = ws->creator_id;
	return ids[0] != 0;
}

static size_t participants(const struct workspace *ws, int64_t ids[2])
{
	size_t n = maven(ws, ids);

	return n + counterpart(ws, ids + n);
}

static size_t approver(const struct workspace *ws, int64_t ids[2])
{
	return timesheets_approvers(ws, ids) > 0;
}

/* A project has one at most; its id is the project's. */
static size_t references(const struct workspace *ws, int64_t ids[2])
{
	ids[0] = ws->id;
	return ws->reference != NULL;
}

static const struct include includes[] = {
	{ "account_color", "account_color_id", "account_colors", ONE, NULL },
	{ "account_insights_mappings", "account_insights_mapping_ids", "account_insights_mappings",
	  MANY, NULL },
	{ "approver", "approver_id", "users", ONE, approver },
	{ "approvers", "approver_ids", "users", MANY, timesheets_approvers },
	{ "billing_milestones", "billing_milestone_ids", "billing_milestones", MANY, NULL },
	{ "creator", "creator_id", "users", ONE, creator },
	{ "current_status_report", "current_status_report_id", "status_reports", ONE, NULL },
	{ "current_user_participation", "current_user_participation_id", "participations", ONE,
	  NULL },
	{ "custom_field_values", "custom_field_value_ids", "custom_field_values", MANY, NULL },
	{ "external_references", "external_reference_ids", "external_references", MANY,
	  references },
	{ "financial_viewers", "financial_viewer_ids", "users", MANY, maven },
	{ "next_uncompleted_milestone", "next_uncompleted_milestone_id", "stories", ONE, NULL },
	{ "participants", "participant_ids", "users", MANY, participants },
	{ "participations", "participation_ids", "participations", MANY, NULL },
	{ "possible_approvers", "possible_approver_ids", "users", MANY, maven },
	{ "primary_counterpart", "primary_counterpart_id", "users", ONE, counterpart },
	{ "primary_maven", "primary_maven_id", "users", ONE, maven },
	{ "primary_workspace_group", "primary_workspace_group_id", "workspace_groups", ONE, NULL },
	{ "status_reports", "status_report_ids", "status_reports", MANY, NULL },
	{ "timesheet_submissions", "timesheet_submission_ids", "timesheet_submissions", MANY,
	  NULL },
	{ "workspace_groups", "workspace_group_ids", "workspace_groups", MANY, NULL },
	{ "workspace_resources", "workspace_resource_ids", "workspace_resources", MANY, NULL },
	{ "workspace_resources_with_unnamed", "workspace_resources_with_unnamed_ids",
	  "workspace_resources", MANY, NULL },
};

#define COUNT (sizeof(includes) / sizeof(includes[0]))

uint64_t includes_parse(const char *list)
{
	char *copy = must_copy(list ? list : "");
	char *rest = copy;
	char *word;
	uint64_t set = 0;

	while ((word = strsep(&rest, ",")) != NULL)
		for (size_t i = 0; i < COUNT; i++)
			if (!strcmp(includes[i].name, word))
				set |= (uint64_t)1 << i;
	free(copy);
	return set;
}

static bool asked(uint64_t set, size_t row)
{
	return (set >> row) & 1;
}

static void write_key(const struct include *inc, const struct workspace *ws, struct text *out)
{
	int64_t ids[2] = { 0 };
	size_t n = inc->ids ? inc->ids(ws, ids) : 0;

	text_fmt(out, ",\"%s\":", inc->key);
	if (!strcmp(inc->name, "custom_field_values")) {
		custom_write_ids(ws, out);
		return;
	}
	if (!strcmp(inc->name, "timesheet_submissions")) {
		timesheets_write_ids(ws, out);
		return;
	}
	if (inc->many == MANY)
		text_char(out, '[');
	else if (n == 0)
		text_add(out, "null");
	for (size_t i = 0; i < n; i++)
		text_fmt(out, "%s\"%lld\"", i ? "," : "", (long long)ids[i]);
	if (inc->many == MANY)
		text_char(out, ']');
}

void includes_write_keys(const struct workspace *ws, uint64_t set, struct text *out)
{
	assert(ws && out);
	for (size_t i = 0; i < COUNT; i++)
		if (asked(set, i))
			write_key(&includes[i], ws, out);
}

/* Is one of the associations that were asked for pointing at that user? */
static bool referred(int64_t user, struct workspace *const *page, size_t n, uint64_t set)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (!asked(set, i) || !includes[i].ids || strcmp(includes[i].map, "users") != 0)
			continue;
		for (size_t k = 0; k < n; k++) {
			int64_t ids[2] = { 0 };
			size_t found = includes[i].ids(page[k], ids);

			if ((found > 0 && ids[0] == user) || (found > 1 && ids[1] == user))
				return true;
		}
	}
	return false;
}

static void write_users(struct workspace *const *page, size_t n, uint64_t set, struct text *out)
{
	size_t count;
	const struct user *users = world_users(&count);

	for (size_t i = 0; i < count; i++) {
		if (!referred(users[i].id, page, n, set))
			continue;
		if (out->data[out->len - 1] != '{')
			text_char(out, ',');
		text_fmt(out,
			 "\"%lld\":{\"id\":\"%lld\",\"full_name\":\"%s\",\"email_address\":\"%s\","
			 "\"headline\":\"%s\",\"photo_path\":null,\"state\":null,\"country\":null,"
			 "\"city\":null}",
			 (long long)users[i].id, (long long)users[i].id, users[i].full_name,
			 users[i].email_address, users[i].headline);
	}
}

/* Is an earlier association that was asked for of the same kind? */
static bool already(uint64_t set, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (asked(set, i) && !strcmp(includes[i].map, includes[row].map))
			return true;
	return false;
}

void includes_write_maps(struct workspace *const *page, size_t n, uint64_t set, struct text *out)
{
	assert(out && (page || n == 0));
	for (size_t i = 0; i < COUNT; i++) {
		if (!asked(set, i) || already(set, i))
			continue;
		text_fmt(out, ",\"%s\":{", includes[i].map);
		if (!strcmp(includes[i].map, "users"))
			write_users(page, n, set, out);
		for (size_t k = 0; !strcmp(includes[i].map, "custom_field_values") && k < n; k++)
			custom_write_rows(page[k], out);
		for (size_t k = 0; !strcmp(includes[i].map, "timesheet_submissions") && k < n; k++)
			timesheets_write_rows(page[k], out);
		for (size_t k = 0; !strcmp(includes[i].map, "external_references") && k < n; k++)
			if (page[k]->reference)
				query_reference(page[k]->id, page[k]->reference, out);
		text_char(out, '}');
	}
}
