/* SPDX-License-Identifier: Apache-2.0
 *
 * fields - see fields.h.
 *
 * Members the sandbox has no use for are fixed texts in the table; setting one stores the new value
 * in the workspace's extra object, which wins over the table.
 */
#include "tests/sandbox/fields.h"

#include "tests/sandbox/bounds.h"
#include "tests/sandbox/includes.h"
#include "tests/sandbox/times.h"
#include "tests/sandbox/timesheets.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind { TEXT, DATE, TIME, BOOL, INT, DOUBLE, FIXED, DERIVED };
enum presence { ALWAYS, FINANCIAL, OPTIONAL };

struct field {
	const char *name;
	enum kind kind;
	enum presence presence;
	size_t offset;     /* of the member, for the first six kinds */
	const char *fixed; /* JSON, for FIXED */
	void (*write)(const struct workspace *ws, struct text *out);
	bool writable;
};

static void write_money(struct text *out, int64_t cents)
{
	char digits[32];
	int64_t whole = (cents < 0 ? -cents : cents) / 100;
	int n = snprintf(digits, sizeof(digits), "%lld", (long long)whole);

	text_add(out, cents < 0 ? "\"-$" : "\"$");
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text_char(out, ',');
		text_char(out, digits[i]);
	}
	text_fmt(out, ".%02d\"", (int)((cents < 0 ? -cents : cents) % 100));
}

static void write_price(const struct workspace *ws, struct text *out)
{
	write_money(out, ws->price_in_cents);
}

static void write_used(const struct workspace *ws, struct text *out)
{
	write_money(out, ws->budget_used_in_cents);
}

static void write_remaining(const struct workspace *ws, struct text *out)
{
	write_money(out, ws->price_in_cents - ws->budget_used_in_cents);
}

static void write_rate(const struct workspace *ws, struct text *out)
{
	text_fmt(out, "\"%lld.%02lld\"", (long long)(ws->rate_in_cents / 100),
		 (long long)(ws->rate_in_cents % 100));
}

static void write_due(const struct workspace *ws, struct text *out)
{
	char date[TIMES_TEXT];

	times_date_text(date, ws->due_date);
	text_quote(out, ws->due_date ? date : NULL);
}

/* The vendor's stock statuses; accounts define their own, so other keys are taken too. */
static const struct status {
	int64_t key;
	const char *color;
	const char *message;
} statuses[] = {
	{ 100, "light-gray", "Prospect" }, { 200, "gray", "Estimate" },
	{ 300, "green", "Not Started" },   { 305, "green", "In Progress" },
	{ 310, "green", "On Track" },      { 400, "yellow", "Needs Attention" },
	{ 405, "yellow", "On Hold" },      { 500, "red", "At Risk" },
	{ 501, "red", "Over Budget" },     { 600, "blue", "Done" },
};

static void write_status(const struct workspace *ws, struct text *out)
{
	const char *color = "gray";
	const char *message = "Custom";

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].key != ws->status_key)
			continue;
		color = statuses[i].color;
		message = statuses[i].message;
	}
	text_fmt(out, "{\"color\":\"%s\",\"key\":\"%lld\",\"message\":\"%s\"}", color,
		 (long long)ws->status_key, message);
}

static void write_user_name(int64_t id, struct text *out)
{
	const struct user *user = world_user(id);

	text_quote(out, user ? user->full_name : NULL);
}

static void write_provider_lead(const struct workspace *ws, struct text *out)
{
	write_user_name(ws->primary_maven_id, out);
}

static void write_client_lead(const struct workspace *ws, struct text *out)
{
	write_user_name(ws->primary_counterpart_id, out);
}

static void write_mailbox(const struct workspace *ws, struct text *out)
{
	text_fmt(out, "\"project-%lld@inbound.example\"", (long long)ws->id);
}

static void write_minutes(const struct workspace *ws, struct text *out)
{
	text_int(out, ws->minutes_logged);
}

#define PERMISSIONS                                                                                \
	"{\"can_upload_files\":true,\"can_private_message\":true,\"can_join\":false,"              \
	"\"is_participant\":true,\"access_level\":\"admin\",\"team_lead\":true,"                   \
	"\"user_is_client\":false,\"can_change_price\":true,\"can_change_story_billable\":true,"   \
	"\"can_post\":true,\"can_edit\":true,\"restricted\":false,\"can_see_financials\":true,"    \
	"\"is_guest_on_project\":false}"

#define AT(member) offsetof(struct workspace, member)
#define MEMBER(name, kind)                                                                         \
	{                                                                                          \
#name, kind, ALWAYS, AT(name), NULL, NULL, false                                   \
	}
#define WRITABLE(name, kind)                                                                       \
	{                                                                                          \
#name, kind, ALWAYS, AT(name), NULL, NULL, true                                    \
	}
#define SET(name, json)                                                                            \
	{                                                                                          \
#name, FIXED, ALWAYS, 0, json, NULL, true                                          \
	}
#define READ(name, json)                                                                           \
	{                                                                                          \
#name, FIXED, ALWAYS, 0, json, NULL, false                                         \
	}
#define MADE(name, fn)                                                                             \
	{                                                                                          \
#name, DERIVED, ALWAYS, 0, NULL, fn, false                                         \
	}
#define MONEY(name, fn)                                                                            \
	{                                                                                          \
#name, DERIVED, FINANCIAL, 0, NULL, fn, false                                      \
	}
#define CENTS(name, kind)                                                                          \
	{                                                                                          \
#name, kind, FINANCIAL, AT(name), NULL, NULL, false                                \
	}
#define FLAG(name, json)                                                                           \
	{                                                                                          \
#name, FIXED, FINANCIAL, 0, json, NULL, true                                       \
	}
#define ASKED(name, json)                                                                          \
	{                                                                                          \
#name, FIXED, OPTIONAL, 0, json, NULL, false                                       \
	}
#define WORKED(name, fn)                                                                           \
	{                                                                                          \
#name, DERIVED, OPTIONAL, 0, NULL, fn, false                                       \
	}

static const struct field fields[] = {
	WRITABLE(title, TEXT),
	WRITABLE(description, TEXT),
	WRITABLE(access_level, TEXT),
	READ(account_id, "70001"),
	WRITABLE(archived, BOOL),
	WRITABLE(budgeted, BOOL),
	READ(can_create_line_items, "true"),
	READ(can_invite, "true"),
	SET(change_orders_enabled, "true"),
	SET(client_role_name, "\"Client\""),
	SET(consultant_role_name, "\"Consultant\""),
	MEMBER(created_at, TIME),
	MEMBER(updated_at, TIME),
	WRITABLE(currency, TEXT),
	READ(currency_base_unit, "100"),
	READ(currency_symbol, "\"$\""),
	MADE(default_rate, write_rate),
	WRITABLE(due_date, DATE),
	MADE(effective_due_date, write_due),
	WRITABLE(start_date, DATE),
	SET(exclude_archived_stories_percent_complete, "false"),
	SET(external_link, "null"),
	READ(has_active_expense_report_submissions, "false"),
	READ(has_active_timesheet_submissions, "false"),
	READ(has_budget_access, "true"),
	MEMBER(over_budget, BOOL),
	MEMBER(percentage_complete, INT),
	READ(permissions, PERMISSIONS),
	SET(posts_require_privacy_decision, "false"),
	SET(rate_card_id, "null"),
	SET(require_expense_approvals, "false"),
	SET(require_time_approvals, "false"),
	SET(require_notes_on_time_entries, "false"),
	MADE(status, write_status),
	SET(task_status_set_id, "null"),
	READ(task_status_set_name, "null"),
	READ(task_statuses, "[]"),
	SET(tasks_default_non_billable, "false"),
	WRITABLE(time_trackable, BOOL),
	READ(workspace_invoice_preference_id, "null"),
	MONEY(budget_remaining, write_remaining),
	MONEY(budget_used, write_used),
	CENTS(budget_used_in_cents, INT),
	CENTS(percent_of_budget_used, DOUBLE),
	MONEY(price, write_price),
	CENTS(price_in_cents, INT),
	FLAG(target_margin, "null"),
	CENTS(total_expenses_in_cents, INT),
	FLAG(actual_fees_includes_expenses, "false"),
	FLAG(actual_fees_includes_additional_line_items, "false"),
	FLAG(expenses_in_burn_rate, "false"),
	FLAG(stories_are_fixed_fee_by_default, "false"),
	{ "stage", TEXT, OPTIONAL, AT(stage), NULL, NULL, true },
	{ "minutes_logged", INT, OPTIONAL, AT(minutes_logged), NULL, NULL, false },
	WORKED(provider_lead_name, write_provider_lead),
	WORKED(client_lead_name, write_client_lead),
	WORKED(incoming_email_address, write_mailbox),
	WORKED(billable_minutes, write_minutes),
	ASKED(non_billable_minutes, "0"),
	ASKED(estimated_minutes, "0"),
	ASKED(total_invoiced, "\"$0.00\""),
	ASKED(total_minutes_approved, "0"),
	ASKED(lock_date, "null"),
	ASKED(revenue_recognition_method_id, "null"),
	ASKED(revenue_recognition_method_name, "null"),
};

/* Members that can be set but are never written under that name. */
static const struct field hidden[] = {
	WRITABLE(status_key, INT),
	WRITABLE(primary_maven_id, INT),
	WRITABLE(primary_counterpart_id, INT),
	{ "price", INT, ALWAYS, AT(price_in_cents), NULL, NULL, true },
	{ "rate_in_cents", INT, ALWAYS, AT(rate_in_cents), NULL, NULL, false },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct field *find_in(const struct field *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* The row that says how to set it. */
static const struct field *find(const char *name)
{
	const struct field *f = find_in(hidden, COUNT(hidden), name);

	return f ? f : find_in(fields, COUNT(fields), name);
}

uint64_t fields_optional(const char *list)
{
	char *copy = must_copy(list ? list : "");
	char *rest = copy;
	char *word;
	uint64_t set = 0;

	_Static_assert(COUNT(fields) <= 128, "the optional rows stand in the last 64");
	while ((word = strsep(&rest, ",")) != NULL) {
		while (*word == ' ')
			word++;
		for (size_t i = 0; i < COUNT(fields); i++)
			if (fields[i].presence == OPTIONAL && !strcmp(fields[i].name, word))
				set |= (uint64_t)1 << (COUNT(fields) - 1 - i);
	}
	free(copy);
	return set;
}

static bool visible(size_t row, const struct view *view)
{
	switch (fields[row].presence) {
	case ALWAYS:
		return true;
	case FINANCIAL:
		return view->financials;
	case OPTIONAL:
		break;
	}
	return (view->optional >> (COUNT(fields) - 1 - row)) & 1;
}

static void write_member(const struct workspace *ws, const struct field *f, int offset_min,
			 struct text *out)
{
	const char *at = (const char *)ws + f->offset;
	char when[TIMES_TEXT];

	switch (f->kind) {
	case TEXT:
		text_quote(out, *(char *const *)at);
		break;
	case DATE:
		times_date_text(when, *(const int32_t *)at);
		text_quote(out, *(const int32_t *)at ? when : NULL);
		break;
	case TIME:
		times_iso(when, *(const int64_t *)at, offset_min);
		text_quote(out, when);
		break;
	case BOOL:
		text_add(out, *(const bool *)at ? "true" : "false");
		break;
	case INT:
		text_int(out, *(const int64_t *)at);
		break;
	case DOUBLE:
		text_double(out, *(const double *)at);
		break;
	case FIXED:
		text_add(out, f->fixed);
		break;
	case DERIVED:
		f->write(ws, out);
		break;
	}
}

static void write_extras(const struct workspace *ws, struct text *out)
{
	const char *name;
	json_t *value;

	json_object_foreach(ws->extra, name, value)
	{
		if (find_in(fields, COUNT(fields), name))
			continue; /* stands at its own place */
		text_char(out, ',');
		text_quote(out, name);
		text_char(out, ':');
		text_value(out, value);
	}
}

void fields_write(const struct workspace *ws, const struct view *view, struct text *out)
{
	assert(ws && view && out);
	text_fmt(out, "{\"id\":\"%lld\"", (long long)ws->id);
	for (size_t i = 0; i < COUNT(fields); i++) {
		const json_t *extra = ws->extra ? json_object_get(ws->extra, fields[i].name) : NULL;

		if (!visible(i, view))
			continue;
		text_key(out, fields[i].name);
		if (extra)
			text_value(out, extra);
		else
			write_member(ws, &fields[i], view->offset_min, out);
	}
	includes_write_keys(ws, view->includes, out);
	if (ws->extra)
		write_extras(ws, out);
	text_char(out, '}');
}

static bool to_int(const json_t *value, int64_t *n)
{
	const char *s = json_string_value(value);
	double d = json_number_value(value);
	int64_t read = json_integer_value(value);
	char *end;

	if (json_is_real(value) && !(d >= -(double)FIELD_INT_MAX && d <= (double)FIELD_INT_MAX))
		return false;
	if (json_is_real(value))
		read = (int64_t)d;
	else if (s && *s)
		read = strtoll(s, &end, 10);
	else if (!json_is_integer(value))
		return false;
	if ((s && *end) || read < -FIELD_INT_MAX || read > FIELD_INT_MAX)
		return false;
	*n = read;
	return true;
}

static bool to_double(const json_t *value, double *d)
{
	const char *s = json_string_value(value);
	char *end;

	if (json_is_number(value)) {
		*d = json_number_value(value);
		return true;
	}
	if (!s || !*s)
		return false;
	*d = strtod(s, &end);
	return *end == '\0' && isfinite(*d);
}

static bool to_bool(const json_t *value, bool *b)
{
	const char *s = json_string_value(value);

	*b = json_is_true(value) || (s && (!strcasecmp(s, "true") || !strcmp(s, "1")));
	return json_is_boolean(value) || *b || (s && (!strcasecmp(s, "false") || !strcmp(s, "0")));
}

static bool to_date(const json_t *value, int32_t *date)
{
	const char *s = json_string_value(value);

	if (!json_is_null(value) && !(s && !*s))
		return s && times_parse_date(s, date);
	*date = 0;
	return true;
}

static bool to_time(const json_t *value, int64_t *seconds)
{
	const char *s = json_string_value(value);
	int64_t ms;

	if (!s || !times_parse(s, &ms))
		return json_is_integer(value) && to_int(value, seconds);
	*seconds = ms / 1000;
	return true;
}

static bool to_text(const json_t *value, char **text)
{
	if (!json_is_string(value) && !json_is_null(value))
		return false;
	free(*text);
	*text = json_is_null(value) ? NULL : must_copy(json_string_value(value));
	return true;
}

static bool keep_extra(struct workspace *ws, const char *name, const json_t *value)
{
	if (!ws->extra)
		ws->extra = json_object();
	return json_object_set_new(ws->extra, name, json_deep_copy(value)) == 0;
}

static bool assign(struct workspace *ws, const struct field *f, const json_t *value)
{
	char *at = (char *)ws + f->offset;

	switch (f->kind) {
	case TEXT:
		return to_text(value, (char **)(void *)at);
	case DATE:
		return to_date(value, (int32_t *)(void *)at);
	case TIME:
		return to_time(value, (int64_t *)(void *)at);
	case BOOL:
		return to_bool(value, (bool *)(void *)at);
	case INT:
		return to_int(value, (int64_t *)(void *)at);
	case DOUBLE:
		return to_double(value, (double *)(void *)at);
	case FIXED:
	case DERIVED:
		break;
	}
	return keep_extra(ws, f->name, value);
}

/* `{"status": {"key": "305"}}` and `{"status_key": 305}` mean the same. */
static bool set_status(struct workspace *ws, const json_t *value)
{
	const json_t *key = json_object_get(value, "key");

	if (!key || !to_int(key, &ws->status_key))
		return keep_extra(ws, "status", value);
	if (ws->extra)
		(void)json_object_del(ws->extra, "status");
	return true;
}

static bool set_field(struct workspace *ws, const char *name, const json_t *value)
{
	const struct field *f = find(name);

	if (!strcmp(name, "status"))
		return set_status(ws, value);
	if (!f)
		return strcmp(name, "id") != 0 && keep_extra(ws, name, value);
	return assign(ws, f, value);
}

bool fields_set(struct workspace *ws, const char *name, const json_t *value, char why[WHY_MAX])
{
	bool fine;

	assert(ws && name && value);
	if (!timesheets_set(ws, name, value, &fine))
		fine = set_field(ws, name, value);
	if (!fine)
		(void)snprintf(why, WHY_MAX, "%.60s is invalid", name);
	return fine;
}

bool fields_writable(const char *name)
{
	const struct field *f = find(name);

	return f && f->writable;
}

bool fields_bump(struct workspace *ws, const char *name, int64_t serial)
{
	const struct field *f = find(name);
	char *at = f ? (char *)ws + f->offset : NULL;
	char text[64];

	if (!f)
		return false;
	if (f->kind == BOOL) {
		*(bool *)(void *)at = !*(bool *)(void *)at;
	} else if (f->kind == INT) {
		*(int64_t *)(void *)at += 1;
	} else if (f->kind == DOUBLE) {
		*(double *)(void *)at += 0.5;
	} else if (f->kind == TEXT) {
		(void)snprintf(text, sizeof(text), "Project %06lld, change %lld", (long long)ws->id,
			       (long long)serial);
		free(*(char **)(void *)at);
		*(char **)(void *)at = must_copy(text);
	} else {
		return false;
	}
	return true;
}
