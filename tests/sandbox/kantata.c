/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata - see kantata.h. Status codes and error bodies are those of the published reference at
 * https://developer.kantata.com/: 200 on create, 204 on delete, 404 for an archived project.
 */
#include "tests/sandbox/kantata.h"

#include "tests/sandbox/feed.h"
#include "tests/sandbox/custom.h"
#include "tests/sandbox/query.h"
#include "tests/sandbox/resources.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_error(struct text *out, const char *type, const char *message)
{
	text_add(out, "{\"errors\":[{\"type\":");
	text_quote(out, type);
	text_key(out, "message");
	text_quote(out, message);
	text_add(out, "}]}");
}

static void refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	if (status == 401)
		write_error(out, "oauth", "Invalid OAuth 2 Request");
	else if (status == 503)
		write_error(out, "system", why ? why : "Service is unavailable");
	else if (status == 429)
		write_error(out, "system", why ? why : "Too many requests, retry after a delay");
	else if (status == 403)
		write_error(out, "system", why ? why : "You are not authorized");
	else if (status == 404)
		write_error(out, "system", why ? why : "Record not found");
	else
		write_error(out, "system", why ? why : "A server error has occurred.");
}

static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *token = sb->switches.kantata_token;

	if (!*token)
		return true;
	if (rq->authorization && !strncmp(rq->authorization, "Bearer ", 7) &&
	    !strcmp(rq->authorization + 7, token))
		return true;
	refuse(re, 401, NULL);
	return false;
}

const struct vendor kantata = { "kantata", true, refuse, admit, NULL };

static void write_problem(struct text *out, const char *field, const char *why, size_t index,
			  bool bulk)
{
	text_add(out, "{\"type\":\"validation\",\"message\":");
	text_quote(out, why);
	text_key(out, "field");
	text_quote(out, field);
	if (bulk)
		text_fmt(out, ",\"index\":%zu", index);
	text_char(out, '}');
}

static bool one_of(const char *s, const char *const *words)
{
	for (; s && *words; words++)
		if (!strcmp(s, *words))
			return true;
	return false;
}

static bool problem(const char **field, const char *name, char why[160], const char *text)
{
	*field = name;
	(void)snprintf(why, 160, "%s", text);
	return false;
}

/* The rules of the model itself, checked on the changed copy. */
static bool valid(const struct workspace *ws, const char **field, char why[160])
{
	static const char *const stages[] = { "estimate", "project", NULL };
	static const char *const levels[] = { "invitation", "open", "admin", "admins", NULL };

	if (!ws->title || strspn(ws->title, " \t\r\n") == strlen(ws->title))
		return problem(field, "title", why, "Title can't be blank");
	if (strlen(ws->title) > 1000)
		return problem(field, "title", why, "Title is too long");
	if (!one_of(ws->stage, stages))
		return problem(field, "stage", why, "Stage is not included in the list");
	if (!one_of(ws->access_level, levels))
		return problem(field, "access_level", why,
			       "Access level is not included in the list");
	if (ws->status_key < 1 || ws->status_key > 9999)
		return problem(field, "status_key", why, "Status key is invalid");
	if (ws->price_in_cents < 0)
		return problem(field, "price", why, "Price must be greater than or equal to 0");
	if (ws->start_date && ws->due_date && ws->due_date < ws->start_date)
		return problem(field, "due_date", why, "Due date can't be before the start date");
	return true;
}

static bool creator_role(const json_t *patch)
{
	static const char *const roles[] = { "maven", "consultant", "buyer", "client", NULL };
	const json_t *role = json_object_get(patch, "creator_role");

	return !role || one_of(json_string_value(role), roles);
}

static bool has(const json_t *patch, const char *name)
{
	return json_object_get(patch, name) != NULL;
}

bool kantata_apply(struct workspace *ws, const json_t *patch, bool any_member, const char **field,
		   char why[160])
{
	static const char *const derived[] = { "percent_of_budget_used", "over_budget" };
	const char *name;
	json_t *value;

	assert(ws && patch && field);
	json_object_foreach((json_t *)(uintptr_t)patch, name, value)
	{
		*field = name;
		if (!strcmp(name, "custom_fields")) {
			if (!custom_set(ws, value))
				return problem(field, name, why, "Custom field value is invalid");
			continue;
		}
		if ((any_member || fields_writable(name)) && !fields_set(ws, name, value, why))
			return false;
	}
	if (has(patch, "price") || has(patch, "price_in_cents") || has(patch, "budgeted") ||
	    has(patch, "budget_used_in_cents"))
		workspace_recompute(ws);
	for (size_t i = 0; any_member && i < 2; i++)
		if (has(patch, derived[i]))
			(void)fields_set(ws, derived[i], json_object_get(patch, derived[i]), why);
	return true;
}

/* One object of a create or update; the copy is applied only if all of it is fine. */
static bool write_one(struct sandbox *sb, struct workspace *ws, const json_t *patch,
		      const char **field, char why[160])
{
	struct workspace *copy = workspace_copy(ws);
	bool fine = kantata_apply(copy, patch, false, field, why) && valid(copy, field, why);

	if (fine && !creator_role(patch))
		fine =
		    problem(field, "creator_role", why, "Creator role is not included in the list");
	if (!fine) {
		workspace_free(copy);
		return false;
	}
	if (json_is_object(json_object_get(patch, "external_reference"))) {
		json_decref(copy->reference);
		copy->reference = json_deep_copy(json_object_get(patch, "external_reference"));
	}
	workspace_become(ws, copy);
	world_touch(sb->world, ws, sandbox_now(sb));
	return true;
}

void kantata_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[WHY_MAX] = "";

	if (!query_list(sb, &rq->query, reply_json(re, 200), why))
		refuse(re, 400, why);
}

int64_t kantata_id(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n <= 18 && strspn(id, "0123456789") == n ? strtoll(id, NULL, 10) : -1;
}

struct workspace *kantata_find(struct sandbox *sb, const char *id)
{
	return world_find(sb->world, kantata_id(id));
}

static void envelope(struct sandbox *sb, const struct request *rq, struct workspace *const *v,
		     size_t n, struct reply *re)
{
	struct view view = query_view(sb, &rq->query);

	query_envelope(v, n, &view, reply_json(re, 200));
}

void kantata_show(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = kantata_find(sb, rq->id);

	if (!ws || (ws->archived && !query_shows_archived(&rq->query)))
		refuse(re, 404, NULL);
	else
		envelope(sb, rq, &ws, 1, re);
}

json_t *kantata_wrapped(json_t *body, const char *name, struct reply *re)
{
	json_t *inner = json_object_get(body, name);
	char why[64];

	if (json_is_object(inner))
		return inner;
	(void)snprintf(why, sizeof(why), "param is missing or the value is empty: %s", name);
	refuse(re, 400, why);
	return NULL;
}

bool kantata_times(const struct sandbox *sb, const struct request *rq, struct query_times *out,
		   struct reply *re)
{
	char why[WHY_MAX] = "";

	if (query_times(sb, &rq->query, out, why))
		return true;
	refuse(re, 400, why);
	return false;
}

void kantata_invalid(struct reply *re, const char *field, const char *why)
{
	struct text *out = reply_json(re, 422);

	text_add(out, "{\"errors\":[");
	write_problem(out, field, why, 0, false);
	text_add(out, "]}");
}

static void create_one(struct sandbox *sb, const struct request *rq, const json_t *patch,
		       struct reply *re)
{
	struct workspace *ws = world_create(sb->world, sandbox_now(sb));
	const char *field = "base";
	char why[160] = "";

	if (write_one(sb, ws, patch, &field, why)) {
		feed_workspace(sb, ws, "created");
		envelope(sb, rq, &ws, 1, re);
	} else {
		kantata_invalid(re, field, why);
		world_remove(sb->world, ws);
	}
}

/* All or none: one bad object refuses the call, and each bad one is named with its index. */
static void create_many(struct sandbox *sb, const struct request *rq, const json_t *list,
			struct reply *re)
{
	struct workspace *made[BULK_CREATE_MAX] = { NULL };
	struct text problems = { 0 };
	size_t n = json_array_size(list);

	assert(n <= BULK_CREATE_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *field = "base";
		char why[160] = "is not an object";
		const json_t *patch = json_array_get(list, i);

		made[i] = world_create(sb->world, sandbox_now(sb));
		if (json_is_object(patch) && write_one(sb, made[i], patch, &field, why))
			continue;
		if (problems.len)
			text_char(&problems, ',');
		write_problem(&problems, field, why, i, true);
	}
	if (problems.len) {
		struct text *out = reply_json(re, 422);

		text_fmt(out, "{\"errors\":[%s]}", problems.data);
		for (size_t i = 0; i < n; i++)
			world_remove(sb->world, made[i]);
	} else {
		for (size_t i = 0; i < n; i++)
			feed_workspace(sb, made[i], "created");
		envelope(sb, rq, made, n, re);
	}
	text_fini(&problems);
}

void kantata_create(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	const json_t *list = json_object_get(body, "workspaces");
	const json_t *one;

	if (!body) {
		refuse(re, 400, why);
	} else if (json_is_array(list)) {
		if (json_array_size(list) == 0 || json_array_size(list) > BULK_CREATE_MAX)
			refuse(re, 400, "between 1 and 100 workspaces can be created at once");
		else
			create_many(sb, rq, list, re);
	} else {
		one = kantata_wrapped(body, "workspace", re);
		if (one)
			create_one(sb, rq, one, re);
	}
	json_decref(body);
}

void kantata_update(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = kantata_find(sb, rq->id);
	char why[160] = "";
	json_t *body = request_object(rq, why);
	const json_t *patch;
	const char *field = "base";

	if (!body) {
		refuse(re, 400, why);
	} else if (!ws) {
		refuse(re, 404, NULL);
	} else {
		patch = kantata_wrapped(body, "workspace", re);
		if (patch && write_one(sb, ws, patch, &field, why)) {
			feed_workspace(sb, ws, "updated");
			envelope(sb, rq, &ws, 1, re);
		} else if (patch) {
			kantata_invalid(re, field, why);
		}
	}
	json_decref(body);
}

void kantata_delete(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = kantata_find(sb, rq->id);

	if (!ws) {
		refuse(re, 404, NULL);
		return;
	}
	resources_drop_workspace(sb, ws->id);
	feed_workspace(sb, ws, "deleted");
	world_remove(sb->world, ws);
	reply_plain(re, 204, "");
}
