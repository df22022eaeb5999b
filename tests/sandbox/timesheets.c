/* SPDX-License-Identifier: Apache-2.0
 *
 * timesheets - see timesheets.h. Members and states (new, cancelled, rejected, approved) are those
 * of https://developer.kantata.com/tag/Timesheet-Submissions; new ones wait for approval.
 */
#include "tests/sandbox/timesheets.h"

#include "tests/sandbox/times.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *text_in(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s ? s : "";
}

static bool is_submission(const json_t *row)
{
	int32_t day;

	return json_is_integer(json_object_get(row, "user_id")) &&
	       times_parse_date(text_in(row, "start_date"), &day) &&
	       times_parse_date(text_in(row, "end_date"), &day) && *text_in(row, "status");
}

static bool is_approver(const json_t *id)
{
	return json_is_integer(id) && world_user(json_integer_value(id));
}

bool timesheets_set(struct workspace *ws, const char *name, const json_t *value, bool *fine)
{
	bool approvers = !strcmp(name, "approver_ids");
	const json_t *one;
	size_t i;

	assert(ws && value && fine);
	if (!approvers && strcmp(name, "timesheet_submissions") != 0)
		return false;
	*fine = json_is_array(value) && (!approvers || json_array_size(value) <= APPROVERS_MAX);
	json_array_foreach(value, i, one) *fine =
	    *fine && (approvers ? is_approver(one) : is_submission(one));
	if (!*fine)
		return true;
	if (!ws->time)
		ws->time = json_object();
	*fine = json_object_set_new(ws->time, name, json_deep_copy(value)) == 0;
	return true;
}

size_t timesheets_approvers(const struct workspace *ws, int64_t ids[APPROVERS_MAX])
{
	const json_t *list = json_object_get(ws->time, "approver_ids");

	for (size_t i = 0; i < json_array_size(list); i++)
		ids[i] = json_integer_value(json_array_get(list, i));
	return json_array_size(list);
}

static const json_t *submissions(const struct workspace *ws)
{
	return json_object_get(ws->time, "timesheet_submissions");
}

bool timesheets_range(const char *text, struct timesheet_range *out)
{
	char from[16];
	size_t n = strcspn(text, ";");

	if (n >= sizeof(from) || !text[n])
		return false;
	(void)snprintf(from, sizeof(from), "%.*s", (int)n, text);
	return times_parse_date(from, &out->from) && times_parse_date(text + n + 1, &out->to);
}

bool timesheets_wait(const struct workspace *ws, const struct timesheet_range *range)
{
	const json_t *row;
	size_t i;

	json_array_foreach(submissions(ws), i, row)
	{
		int32_t start = 0, end = 0;

		(void)times_parse_date(text_in(row, "start_date"), &start);
		(void)times_parse_date(text_in(row, "end_date"), &end);
		if (!strcmp(text_in(row, "status"), "new") && start <= range->to &&
		    end >= range->from)
			return true;
	}
	return false;
}

/* Of the row at a place in the project's list. */
static long long submission_id(const struct workspace *ws, size_t i)
{
	return (long long)ws->id * 100 + (long long)i + 1;
}

void timesheets_write_ids(const struct workspace *ws, struct text *out)
{
	text_char(out, '[');
	for (size_t i = 0; i < json_array_size(submissions(ws)); i++)
		text_fmt(out, "%s\"%lld\"", i ? "," : "", submission_id(ws, i));
	text_char(out, ']');
}

void timesheets_write_rows(const struct workspace *ws, struct text *out)
{
	const json_t *row;
	size_t i;

	json_array_foreach(submissions(ws), i, row)
	{
		if (out->data[out->len - 1] != '{')
			text_char(out, ',');
		text_fmt(out,
			 "\"%lld\":{\"id\":\"%lld\",\"workspace_id\":\"%lld\",\"user_id\":\"%lld\","
			 "\"status\":\"%s\",\"start_date\":\"%s\",\"end_date\":\"%s\"}",
			 submission_id(ws, i), submission_id(ws, i), (long long)ws->id,
			 (long long)json_integer_value(json_object_get(row, "user_id")),
			 text_in(row, "status"), text_in(row, "start_date"),
			 text_in(row, "end_date"));
	}
}
