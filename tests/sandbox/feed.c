/* SPDX-License-Identifier: Apache-2.0
 *
 * feed - see feed.h. Follows the published reference of Events and Event Types at
 * https://developer.kantata.com/: administrators only, minutes late, no order, repeats, nine days.
 */
#include "tests/sandbox/feed.h"

#include "tests/sandbox/control.h"
#include "tests/sandbox/kantata.h"
#include "tests/sandbox/query.h"
#include "tests/sandbox/times.h"
#include "tests/sandbox/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	int64_t id, subject_id;
	int64_t changed_at, created_at, shown_at; /* ms */
	char *type;                               /* "workspace:updated" */
	char *subject_type;                       /* "Workspace" */
	json_t *previous, *current;               /* null: none */
};

struct feed {
	struct entry *v; /* by id */
	size_t n, cap;
	int64_t next_id;
	json_t *known; /* "Workspace/1001": the last payload told */
};

struct feed *feed_new(void)
{
	struct feed *f = must_alloc(1, sizeof(*f));

	f->next_id = 80001;
	f->known = json_object();
	return f;
}

static void fini(struct entry *e)
{
	free(e->type);
	free(e->subject_type);
	json_decref(e->previous);
	json_decref(e->current);
}

void feed_clear(struct feed *f)
{
	assert(f);
	for (size_t i = 0; i < f->n; i++)
		fini(&f->v[i]);
	f->n = 0;
	f->next_id = 80001;
	(void)json_object_clear(f->known);
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	feed_clear(f);
	json_decref(f->known);
	free(f->v);
	free(f);
}

/* ---- noting ---- */

/* Spreads ids evenly: the order of a shuffled feed, and how late each row is. */
static uint64_t mix(int64_t id)
{
	uint64_t x = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);

	return x ^ x >> 29;
}

static struct entry *add(struct feed *f)
{
	if (f->n == FEED_MAX) {
		fini(&f->v[0]);
		memmove(f->v, f->v + 1, --f->n * sizeof(*f->v));
	}
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->v = must_grow(f->v, f->cap, sizeof(*f->v));
	}
	f->v[f->n] = (struct entry){ .id = f->next_id++ };
	return &f->v[f->n++];
}

/* Half of the delay passes before the row is made, the rest before it is shown; a shuffled feed
 * delays each by another share. */
static void set_times(const struct sandbox *sb, struct entry *e, int64_t changed_at)
{
	int64_t lag = sb->switches.feed_lag_s * 1000;

	if (sb->switches.feed_shuffled)
		lag = lag / 2 + lag / 2 * (int64_t)(mix(e->id) % 100) / 100;
	e->changed_at = changed_at;
	e->created_at = changed_at + lag / 2;
	e->shown_at = changed_at + lag;
}

static struct entry *note(struct sandbox *sb, const char *subject, const char *class,
			  const char *verb, int64_t id)
{
	struct entry *e = add(sb->feed);
	char type[128];

	(void)snprintf(type, sizeof(type), "%s:%s", subject, verb);
	e->type = must_copy(type);
	e->subject_type = must_copy(class);
	e->subject_id = id;
	set_times(sb, e, sandbox_now_ms(sb));
	return e;
}

/* Takes the payload over; NULL when the object is gone. */
static void note_payload(struct sandbox *sb, struct entry *e, json_t *payload)
{
	char key[128];

	(void)snprintf(key, sizeof(key), "%s/%lld", e->subject_type, (long long)e->subject_id);
	e->previous = json_incref(json_object_get(sb->feed->known, key));
	e->current = payload;
	if (payload)
		(void)json_object_set(sb->feed->known, key, payload);
	else
		(void)json_object_del(sb->feed->known, key);
}

static json_t *workspace_payload(const struct workspace *ws)
{
	char id[32], start[TIMES_TEXT], due[TIMES_TEXT];

	(void)snprintf(id, sizeof(id), "%lld", (long long)ws->id);
	times_date_text(start, ws->start_date);
	times_date_text(due, ws->due_date);
	return json_pack("{ss ss* ss* sb ss* sI sI sI sI ss* ss*}", "id", id, "title", ws->title,
			 "description", ws->description, "archived", ws->archived, "stage",
			 ws->stage, "status_key", (json_int_t)ws->status_key, "price_in_cents",
			 (json_int_t)ws->price_in_cents, "budget_used_in_cents",
			 (json_int_t)ws->budget_used_in_cents, "percentage_complete",
			 (json_int_t)ws->percentage_complete, "start_date",
			 ws->start_date ? start : NULL, "due_date", ws->due_date ? due : NULL);
}

void feed_know_workspace(struct sandbox *sb, const struct workspace *ws)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "Workspace/%lld", (long long)ws->id);
	(void)json_object_set_new(sb->feed->known, key, workspace_payload(ws));
}

void feed_know_resource(struct sandbox *sb, int64_t id, json_t *payload)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "WorkspaceResource/%lld", (long long)id);
	(void)json_object_set_new(sb->feed->known, key, payload);
}

void feed_workspace(struct sandbox *sb, const struct workspace *ws, const char *verb)
{
	struct entry *e = note(sb, "workspace", "Workspace", verb, ws->id);

	note_payload(sb, e, strcmp(verb, "deleted") != 0 ? workspace_payload(ws) : NULL);
}

void feed_resource(struct sandbox *sb, int64_t id, const char *verb, json_t *payload)
{
	struct entry *e = note(sb, "workspace_resource", "WorkspaceResource", verb, id);

	note_payload(sb, e, payload);
}

/* ---- listing ---- */

struct asking {
	struct query_times times;
	const char *types, *class, *ids, *users, *only, *order;
	int64_t now;
};

static bool listed(const struct sandbox *sb, const struct asking *a, const struct entry *e)
{
	char user[32];

	(void)sb;
	(void)snprintf(user, sizeof(user), "%d", FEED_USER);
	return e->shown_at <= a->now && e->created_at > a->now - FEED_KEPT_MS &&
	       e->created_at / 1000 * 1000 > a->times.created_after &&
	       e->created_at / 1000 * 1000 < a->times.created_before &&
	       (!a->types || query_names(a->types, e->type)) &&
	       (!a->class || !strcmp(a->class, e->subject_type)) &&
	       query_listed(a->ids, e->subject_id) && query_listed(a->only, e->id) &&
	       (!a->users || query_names(a->users, user));
}

static int by_created(const void *x, const void *y)
{
	const struct entry *a = *(struct entry *const *)x, *b = *(struct entry *const *)y;

	if (a->created_at != b->created_at)
		return a->created_at < b->created_at ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static int by_created_desc(const void *x, const void *y)
{
	return by_created(y, x);
}

static int by_chance(const void *x, const void *y)
{
	uint64_t a = mix((*(struct entry *const *)x)->id), b = mix((*(struct entry *const *)y)->id);

	return (a > b) - (a < b);
}

/* Only the latest of each subject, or of each subject and type. The list is latest first. */
static size_t most_recent(struct entry **v, size_t n, bool by_type)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool again = false;

		for (size_t k = 0; k < kept && !again; k++)
			again = v[k]->subject_id == v[i]->subject_id &&
				!strcmp(v[k]->subject_type, v[i]->subject_type) &&
				(!by_type || !strcmp(v[k]->type, v[i]->type));
		if (!again)
			v[kept++] = v[i];
	}
	return kept;
}

/* Every other row comes once more, three places later or at the end. */
static size_t repeated(struct entry **v, size_t n)
{
	struct entry **copy = must_alloc(n + 1, sizeof(*copy));
	size_t out = 0;

	memcpy(copy, v, n * sizeof(*copy));
	for (size_t i = 0; i < n + 3; i++) {
		if (i < n)
			v[out++] = copy[i];
		if (i >= 3 && copy[i - 3]->id % 2 == 0)
			v[out++] = copy[i - 3];
	}
	free(copy);
	return out;
}

static bool is_there(const struct sandbox *sb, const struct entry *e)
{
	char key[128];

	(void)snprintf(key, sizeof(key), "%s/%lld", e->subject_type, (long long)e->subject_id);
	return json_object_get(sb->feed->known, key) != NULL;
}

/* Workspace, WorkspaceResource: workspaces, workspace_resources. */
static void write_key(const char *class, struct text *out)
{
	text_char(out, '"');
	for (const char *p = class; *p; p++) {
		if (*p >= 'A' && *p <= 'Z' && p > class)
			text_char(out, '_');
		text_char(out, (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p));
	}
	text_add(out, "s\"");
}

static json_t *changes(const struct entry *e)
{
	json_t *out = json_object(), *now, *was;
	const char *name;

	json_object_foreach(e->current, name, now)
	{
		was = json_object_get(e->previous, name);
		if (!was || !json_equal(was, now))
			(void)json_object_set_new(out, name,
						  json_pack("[OO]", was ? was : json_null(), now));
	}
	return out;
}

/* The reference shows texts, the vendor's own client reads objects. */
static void write_payload(const struct sandbox *sb, const char *name, const json_t *payload,
			  struct text *out)
{
	char *json = payload ? json_dumps(payload, JSON_COMPACT) : NULL;

	text_key(out, name);
	if (!json)
		text_add(out, "null");
	else if (sb->switches.feed_payload_text)
		text_quote(out, json);
	else
		text_add(out, json);
	free(json);
}

static void write_entry(const struct sandbox *sb, const struct entry *e, const struct args *args,
			struct text *out)
{
	const char *optional = args_get(args, "optional_fields");
	int offset = (int)sb->switches.utc_offset_min;
	char when[TIMES_TEXT];

	text_fmt(out, "{\"id\":\"%lld\",\"account_id\":1,\"event_type\":", (long long)e->id);
	text_quote(out, e->type);
	text_key(out, "created_at");
	times_iso(when, e->created_at / 1000, offset);
	text_quote(out, when);
	text_key(out, "subject_changed_at");
	times_iso(when, e->changed_at / 1000, offset);
	text_quote(out, when);
	text_fmt(out, ",\"subject_id\":%lld,\"subject_type\":", (long long)e->subject_id);
	text_quote(out, e->subject_type);
	text_fmt(out, ",\"user_id\":%d", FEED_USER);
	if (query_names(args_get(args, "include"), "subject")) {
		text_key(out, "subject_ref");
		if (is_there(sb, e)) {
			text_add(out, "{\"key\":");
			write_key(e->subject_type, out);
			text_fmt(out, ",\"id\":\"%lld\"}", (long long)e->subject_id);
		} else {
			text_add(out, "null");
		}
	}
	if (query_names(optional, "previous_payload"))
		write_payload(sb, "previous_payload", e->previous, out);
	if (query_names(optional, "current_payload"))
		write_payload(sb, "current_payload", e->current, out);
	if (query_names(optional, "payload_changes")) {
		json_t *diff = changes(e);

		write_payload(sb, "payload_changes", diff, out);
		json_decref(diff);
	}
	text_char(out, '}');
}

static void write_rows(const struct sandbox *sb, struct entry *const *v, size_t count,
		       const struct args *args, struct text *out)
{
	struct query_page page = query_cut(args, args_get(args, "only") != NULL, count);
	struct entry *const *row = v + page.start;
	bool first = true;

	query_meta(count, &page, out);
	for (size_t i = 0; i < page.n; i++)
		text_fmt(out, "%s{\"key\":\"subscribed_events\",\"id\":\"%lld\"}", i ? "," : "",
			 (long long)row[i]->id);
	text_add(out, "],\"subscribed_events\":{");
	for (size_t i = 0; i < page.n; i++) {
		bool again = false;

		for (size_t k = i >= 8 ? i - 8 : 0; k < i; k++)
			again = again || row[k] == row[i];
		if (again)
			continue;
		text_fmt(out, "%s\"%lld\":", first ? "" : ",", (long long)row[i]->id);
		write_entry(sb, row[i], args, out);
		first = false;
	}
	text_add(out, "}}");
}

static bool is_true(const struct args *args, const char *name)
{
	const char *s = args_get(args, name);

	return s && (!strcmp(s, "true") || !strcmp(s, "TRUE"));
}

static const char *asked(struct sandbox *sb, const struct args *args, struct asking *a,
			 char why[WHY_MAX])
{
	*a = (struct asking){ .types = args_get(args, "event_types"),
			      .class = args_get(args, "subject_type"),
			      .ids = args_get(args, "subject_id"),
			      .users = args_get(args, "user_ids"),
			      .only = args_get(args, "only"),
			      .order = args_get(args, "order"),
			      .now = sandbox_now_ms(sb) };
	if (!query_times(sb, args, &a->times, why))
		return why;
	if (a->ids && !a->class)
		return "subject_id needs subject_type";
	if (is_true(args, "most_recent") && is_true(args, "most_recent_by_event_type"))
		return "most_recent and most_recent_by_event_type exclude each other";
	return NULL;
}

static void arrange(const struct sandbox *sb, const struct asking *a, struct entry **v, size_t n)
{
	if (n == 0)
		return;
	if (sb->switches.feed_shuffled)
		qsort(v, n, sizeof(struct entry *), by_chance);
	else if (a->order && !strcmp(a->order, "created_at:asc"))
		qsort(v, n, sizeof(struct entry *), by_created);
	else
		qsort(v, n, sizeof(struct entry *), by_created_desc);
}

void feed_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct feed *f = sb->feed;
	const struct args *args = &rq->query;
	struct asking a;
	char why[WHY_MAX] = "";
	const char *wrong;
	struct entry **v;
	size_t n = 0;

	if (!sb->switches.kantata_admin) {
		kantata.refuse(re, 403, "You are not authorized to perform this action.");
		return;
	}
	wrong = asked(sb, args, &a, why);
	if (wrong) {
		kantata.refuse(re, 400, wrong);
		return;
	}
	v = must_alloc(f->n * 2 + 1, sizeof(*v));
	for (size_t i = 0; i < f->n; i++)
		if (listed(sb, &a, &f->v[i]))
			v[n++] = &f->v[i];
	if (is_true(args, "most_recent") || is_true(args, "most_recent_by_event_type")) {
		if (n > 0)
			qsort(v, n, sizeof(struct entry *), by_created_desc);
		n = most_recent(v, n, is_true(args, "most_recent_by_event_type"));
	}
	arrange(sb, &a, v, n);
	if (sb->switches.feed_duplicates)
		n = repeated(v, n);
	write_rows(sb, v, n, args, reply_json(re, 200));
	free(v);
}

/* ---- types ---- */

static const char *const plain_subjects[] = {
	"account_color",
	"account_location",
	"account_membership",
	"assignment",
	"billing_milestone",
	"budget_change_order",
	"cost_rate",
	"custom_field",
	"custom_field_set",
	"custom_task_status",
	"daily_scheduled_hours",
	"email_address",
	"estimate_scenario",
	"expense",
	"invoice",
	"organization",
	"organization_membership",
	"participation",
	"project_accounting_record",
	"role",
	"schedule_change_order",
	"skill",
	"skill_membership",
	"story",
	"task_status_set",
	"time_entry",
	"time_off_entry",
	"user",
	"vendor",
	"workspace",
	"workspace_allocation",
	"workspace_approver",
	"workspace_group",
	"workspace_invitation",
	"workspace_resource",
	"workspace_task_status_set",
	"workweek",
	"workweek_membership",
};

void feed_types(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	static const char *const verbs[] = { "created", "updated", "deleted" };
	struct text *out;

	(void)rq;
	if (!sb->switches.kantata_admin) {
		kantata.refuse(re, 403, "You are not authorized to perform this action.");
		return;
	}
	out = reply_json(re, 200);
	text_add(out, "{\"subscribed_event_types\":[");
	for (size_t i = 0; i < sizeof(plain_subjects) / sizeof(plain_subjects[0]); i++)
		for (size_t k = 0; k < 3; k++)
			text_fmt(out, "%s\"%s:%s\"", i + k > 0 ? "," : "", plain_subjects[i],
				 verbs[k]);
	text_add(out, "],\"subscribed_event_type_schemas\":{}}");
}

/* ---- control ---- */

static bool has_type(const char *type)
{
	const char *colon = type ? strchr(type, ':') : NULL;

	return colon && colon > type && colon[1] != '\0' && strlen(type) < 100;
}

void feed_make(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct request json = *rq;
	const char *type = NULL, *class = NULL;
	json_t *body, *previous = NULL, *current = NULL;
	char why[160] = "";
	struct entry *e;
	double age;

	json.content_type = NULL; /* JSON whatever it says it is */
	body = request_object(&json, why);
	type = json_string_value(json_object_get(body, "event_type"));
	class = json_string_value(json_object_get(body, "subject_type"));
	age = json_number_value(json_object_get(body, "age_s"));
	if (!has_type(type) || !class || strlen(class) > 60 || !(age >= 0 && age <= 1e7)) {
		control.refuse(re, body ? 422 : 400,
			       body ? "event_type (subject:verb) and subject_type are needed"
				    : why);
		json_decref(body);
		return;
	}
	previous = json_object_get(body, "previous_payload");
	current = json_object_get(body, "current_payload");
	e = add(sb->feed);
	e->type = must_copy(type);
	e->subject_type = must_copy(class);
	e->subject_id = json_integer_value(json_object_get(body, "subject_id"));
	e->previous = json_is_object(previous) ? json_incref(previous) : NULL;
	e->current = json_is_object(current) ? json_incref(current) : NULL;
	set_times(sb, e, sandbox_now_ms(sb) - (int64_t)(age * 1000));
	text_fmt(reply_json(re, 200), "{\"id\":\"%lld\"}", (long long)e->id);
	json_decref(body);
}
