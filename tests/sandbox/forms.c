/* SPDX-License-Identifier: Apache-2.0
 *
 * forms - see forms.h.
 */
#include "tests/sandbox/forms.h"

#include "tests/sandbox/hindsite.h"
#include "tests/sandbox/ids.h"
#include "tests/sandbox/webhooks.h"

#include <assert.h>
#include <string.h>

enum kind { ID, WORDS, SECONDS, LIST };

struct member {
	const char *name; /* NULL ends a table */
	enum kind kind;
	bool required;
};

static const struct member task_members[] = {
	{ "work_set_id", ID, true }, { "workflow_collection_id", ID, true },
	{ "user_ids", LIST, false }, { "started_by_id", ID, false },
	{ NULL, ID, false },
};

static const struct member journey_members[] = {
	{ "workflow_id", ID, true },
	{ "steps", LIST, true },
	{ "work_set_workflow_id", ID, false },
	{ "co_author_ids", LIST, false },
	{ "started_at", SECONDS, false },
	{ "completed_at", SECONDS, false },
	{ "taken_over_from_journey_id", ID, false },
	{ "note", WORDS, false },
	{ "in_progress_user_id", ID, false },
	{ NULL, ID, false },
};

static const struct member decision_members[] = {
	{ "journey_step_id", ID, true },       { "workflow_step_decision_id", ID, true },
	{ "next_workflow_step_id", ID, true }, { "decision_value", WORDS, true },
	{ "decision_colour", WORDS, false },   { NULL, ID, false },
};

static const struct member form_decision_members[] = {
	{ "form_step_id", ID, true },
	{ "instruction_decision_id", ID, true },
	{ "next_instruction_step_id", ID, true },
	{ "decision_value", WORDS, true },
	{ "decision_colour", WORDS, false },
	{ NULL, ID, false },
};

static bool fits(const json_t *value, enum kind kind)
{
	switch (kind) {
	case ID:
	case WORDS:
		return json_is_string(value);
	case SECONDS:
		return json_is_integer(value);
	case LIST:
		return json_is_array(value);
	}
	return false;
}

/* Grape joins what is wrong: "a is missing, b is invalid". */
static void complain(struct text *why, const json_t *body, const struct member *m)
{
	const json_t *value = json_object_get(body, m->name);
	bool missing = !value || json_is_null(value);

	if (missing ? !m->required : fits(value, m->kind))
		return;
	text_fmt(why, "%s%s is %s", why->len > 0 ? ", " : "", m->name,
		 missing ? "missing" : "invalid");
}

/* The body when it has what the table says; else NULL with the refusal filled in. */
static json_t *checked(const struct request *rq, struct reply *re, const struct member *table)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	struct text wrong = { 0 };

	if (!body) {
		hindsite_refuse(re, 400, why);
		return NULL;
	}
	for (const struct member *m = table; m->name; m++)
		complain(&wrong, body, m);
	if (wrong.len > 0) {
		hindsite_refuse(re, 400, wrong.data);
		json_decref(body);
		body = NULL;
	}
	text_fini(&wrong);
	return body;
}

static const char *word(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

/* A new object with an id and its times; the named members of `from`, null where absent. */
static json_t *made(struct sandbox *sb, const json_t *from, const char *const *names)
{
	char id[ULID_SIZE];
	json_int_t now = sandbox_now(sb);
	json_t *object;

	ids_ulid(id, sandbox_now_ms(sb));
	object = json_pack("{ss}", "id", id);
	for (; *names; names++) {
		json_t *value = json_object_get(from, *names);

		if (value)
			(void)json_object_set(object, *names, value);
		else
			(void)json_object_set_new(object, *names, json_null());
	}
	(void)json_object_set_new(object, "created_at", json_integer(now));
	(void)json_object_set_new(object, "updated_at", json_integer(now));
	hindsite_keep(sb, id, object);
	return object;
}

/* ---- tasks ---- */

static void add_users(json_t *task, const json_t *ids)
{
	json_t *users = json_array();
	size_t i;
	json_t *id;

	json_array_foreach(ids, i, id)(void)
	    json_array_append_new(users, json_pack("{sO}", "id", id));
	(void)json_object_set_new(task, "users", users);
}

static json_t *task_of(struct sandbox *sb, const json_t *body, json_t *set)
{
	static const char *const names[] = { "work_set_id", "workflow_collection_id", NULL };
	json_t *task = made(sb, body, names);
	json_t *tasks = json_object_get(set, "work_set_workflows");

	(void)json_object_set(task, "work_set_id", json_object_get(set, "id"));
	(void)json_object_update_missing_new(
	    task,
	    json_pack("{ss si sb sb sb sb sn sn si si si sn s[]}", "title", "Instruction",
		      "sort_order", (int)json_array_size(tasks) + 1, "flagged", 0, "completed", 0,
		      "approved", 0, "editable", 1, "started_at", "asset_id", "tracked_time", 0,
		      "defects_count", 0, "active_defects_count", 0, "journey", "reviewers"));
	add_users(task, json_object_get(body, "user_ids"));
	return task;
}

void forms_task(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = checked(rq, re, task_members);
	json_t *set = body ? hindsite_work_set(sb, word(body, "work_set_id")) : NULL;
	json_t *task, *tasks, *patch;

	if (body && !set) {
		hindsite_refuse(re, 404, "Work set not found");
	} else if (body) {
		task = task_of(sb, body, set);
		tasks = json_copy(json_object_get(set, "work_set_workflows"));
		(void)json_array_append_new(tasks,
					    json_pack("{sO sO}", "id", json_object_get(task, "id"),
						      "title", json_object_get(task, "title")));
		patch = json_pack("{so sI}", "work_set_workflows", tasks,
				  "work_set_workflows_count", (json_int_t)json_array_size(tasks));
		(void)hindsite_change(sb, word(set, "id"), patch, "work_set_updated");
		text_value(reply_json(re, 201), task);
		json_decref(patch);
		json_decref(task);
	}
	json_decref(body);
}

/* ---- forms ---- */

/* Each step as it was given, with an id that decisions are taken at. */
static json_t *steps_of(struct sandbox *sb, const json_t *given, const char *journey)
{
	json_t *steps = json_array();
	char id[ULID_SIZE];
	size_t i;
	json_t *step;

	json_array_foreach(given, i, step)
	{
		json_t *copy = json_is_object(step) ? json_copy(step) : json_object();

		ids_ulid(id, sandbox_now_ms(sb));
		(void)json_object_set_new(copy, "id", json_string(id));
		(void)json_object_set_new(copy, "journey_id", json_string(journey));
		hindsite_keep(sb, id, copy);
		(void)json_array_append_new(steps, copy);
	}
	return steps;
}

void forms_journey(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	static const char *const names[] = { "workflow_id",
					     "work_set_workflow_id",
					     "started_at",
					     "completed_at",
					     "taken_over_from_journey_id",
					     "note",
					     "in_progress_user_id",
					     NULL };
	json_t *body = checked(rq, re, journey_members);
	json_t *journey, *authors;

	if (!body)
		return;
	journey = made(sb, body, names);
	authors = json_object_get(body, "co_author_ids");
	(void)json_object_set_new(journey, "title", json_string("Form"));
	(void)json_object_set_new(journey, "approved", json_false());
	(void)json_object_set_new(journey, "contributor_ids",
				  authors ? json_incref(authors) : json_array());
	(void)json_object_set_new(
	    journey, "steps", steps_of(sb, json_object_get(body, "steps"), word(journey, "id")));
	(void)json_object_set_new(journey, "approvals", json_array());
	if (json_is_integer(json_object_get(journey, "completed_at")))
		hooks_emit(sb, "form_completed", "form", journey);
	text_value(reply_json(re, 201), journey);
	json_decref(journey);
	json_decref(body);
}

/* ---- decisions: one route under two sets of names ---- */

static void decide(struct sandbox *sb, json_t *body, const char *step_member,
		   const char *const *names, const char *owner, struct reply *re)
{
	json_t *step = hindsite_kept(sb, word(body, step_member));
	json_t *shown;

	if (!step || !json_object_get(step, "journey_id")) {
		hindsite_refuse(re, 404, "Step not found");
		return;
	}
	shown = made(sb, body, names);
	(void)json_object_set(shown, "id", json_object_get(step, "id"));
	(void)json_object_set(shown, owner, json_object_get(step, "journey_id"));
	(void)json_object_set_new(shown, "terminal", json_false());
	(void)json_object_set_new(shown, "flagged", json_false());
	(void)json_object_set_new(shown, "inputs", json_array());
	(void)json_object_set_new(shown, "actions", json_array());
	text_value(reply_json(re, 201), shown);
	json_decref(shown);
}

void forms_decision(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	static const char *const names[] = { "workflow_step_decision_id", "next_workflow_step_id",
					     "decision_value", "decision_colour", NULL };
	json_t *body = checked(rq, re, decision_members);

	if (body)
		decide(sb, body, "journey_step_id", names, "journey_id", re);
	json_decref(body);
}

void forms_form_decision(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	static const char *const names[] = { "instruction_decision_id", "next_instruction_step_id",
					     "decision_value", "decision_colour", NULL };
	json_t *body = checked(rq, re, form_decision_members);

	if (body)
		decide(sb, body, "form_step_id", names, "form_id", re);
	json_decref(body);
}

/* ---- assets ---- */

struct asset {
	const char *id;
	const char *title;
	const char *location;
};

static const struct asset assets[] = {
	{ "01J8Z3KQ5V9X7W2M4N6P8R0A01", "Pump 7", "01J8Z3KQ5V9X7W2M4N6P8R0L01" },
	{ "01J8Z3KQ5V9X7W2M4N6P8R0A02", "Pump 8", "01J8Z3KQ5V9X7W2M4N6P8R0L01" },
	{ "01J8Z3KQ5V9X7W2M4N6P8R0A03", "Conveyor", "01J8Z3KQ5V9X7W2M4N6P8R0L02" },
};

#define ASSETS (sizeof(assets) / sizeof(assets[0]))

static json_t *asset(const struct asset *a)
{
	return json_pack("{ss ss s[s]}", "id", a->id, "title", a->title, "location_ids",
			 a->location);
}

/* Whether a comma separated list holds the id. */
static bool listed(const char *list, const char *id)
{
	size_t n = strlen(id);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, id, n) && (p[n] == ',' || !p[n]))
			return true;
	}
	return false;
}

void forms_assets(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *locations = args_get(&rq->query, "location_ids");
	json_t *found = json_array();

	(void)sb;
	for (size_t i = 0; i < ASSETS; i++)
		if (!locations || listed(locations, assets[i].location))
			(void)json_array_append_new(found, asset(&assets[i]));
	text_value(reply_json(re, 200), found);
	json_decref(found);
}

void forms_asset(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)sb;
	for (size_t i = 0; i < ASSETS; i++) {
		json_t *found;

		if (strcmp(rq->id, assets[i].id) != 0)
			continue;
		found = asset(&assets[i]);
		text_value(reply_json(re, 200), found);
		json_decref(found);
		return;
	}
	hindsite_refuse(re, 404, "Asset not found");
}

/* `title` finds assets whose title starts so; other members are ignored. */
void forms_search(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	json_t *found = json_array();
	const char *title = word(body, "title");

	(void)sb;
	for (size_t i = 0; i < ASSETS; i++)
		if (!strncmp(assets[i].title, title, strlen(title)))
			(void)json_array_append_new(found, asset(&assets[i]));
	if (body)
		text_value(reply_json(re, 201), found);
	else
		hindsite_refuse(re, 400, why);
	json_decref(found);
	json_decref(body);
}
