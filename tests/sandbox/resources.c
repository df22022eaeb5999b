/* SPDX-License-Identifier: Apache-2.0
 *
 * resources - see resources.h. Follows the published reference of Workspace Resources at
 * https://developer.kantata.com/: unnamed ones are hidden unless asked for, 200 on create, 204 on
 * delete, {"success":true} for allocations.
 */
#include "tests/sandbox/resources.h"

#include "tests/sandbox/feed.h"
#include "tests/sandbox/kantata.h"
#include "tests/sandbox/query.h"
#include "tests/sandbox/times.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resource {
	int64_t id, created_at, updated_at;     /* seconds */
	int64_t workspace_id, user_id, role_id; /* user 0: unnamed; role 0: none */
	char *label;
	json_t *reference; /* external reference; may be NULL */
};

struct resources {
	struct resource *v;
	size_t n, cap;
	int64_t next_id;
};

static const struct role {
	int64_t id;
	const char *name;
	const char *initials;
} roles[] = { { 5, "Engineer", "E" }, { 6, "Designer", "D" }, { 7, "Project Manager", "PM" } };

static const struct role *role_of(int64_t id)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i].id == id)
			return &roles[i];
	return NULL;
}

struct resources *resources_new(void)
{
	struct resources *r = must_alloc(1, sizeof(*r));

	r->next_id = 3001;
	return r;
}

static void fini(struct resource *one)
{
	free(one->label);
	json_decref(one->reference);
}

void resources_clear(struct resources *r)
{
	assert(r);
	for (size_t i = 0; i < r->n; i++)
		fini(&r->v[i]);
	r->n = 0;
	r->next_id = 3001;
}

void resources_free(struct resources *r)
{
	if (!r)
		return;
	resources_clear(r);
	free(r->v);
	free(r);
}

static struct resource *add(struct resources *r, int64_t now)
{
	struct resource *one;

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->v = must_grow(r->v, r->cap, sizeof(*r->v));
	}
	one = &r->v[r->n++];
	*one = (struct resource){ .id = r->next_id++, .created_at = now, .updated_at = now };
	return one;
}

static void remove_at(struct resources *r, size_t at)
{
	fini(&r->v[at]);
	r->n--;
	memmove(r->v + at, r->v + at + 1, (r->n - at) * sizeof(*r->v));
}

static json_t *payload_of(const struct resource *one)
{
	return json_pack("{sI sI sI ss*}", "workspace_id", (json_int_t)one->workspace_id, "user_id",
			 (json_int_t)one->user_id, "role_id", (json_int_t)one->role_id, "label",
			 one->label);
}

static void tell(struct sandbox *sb, const struct resource *one, const char *verb)
{
	feed_resource(sb, one->id, verb, payload_of(one));
}

static void drop(struct sandbox *sb, size_t at)
{
	feed_resource(sb, sb->resources->v[at].id, "deleted", NULL);
	remove_at(sb->resources, at);
}

void resources_drop_workspace(struct sandbox *sb, int64_t workspace)
{
	for (size_t i = sb->resources->n; i-- > 0;)
		if (sb->resources->v[i].workspace_id == workspace)
			drop(sb, i);
}

void resources_seed(struct sandbox *sb, int64_t workspace, int64_t now)
{
	static const struct {
		int64_t user, role;
	} seeds[] = { { 9001, 7 }, { 9003, 5 }, { 0, 6 } };

	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		struct resource *one = add(sb->resources, now - (int64_t)(9 - i) * 86400);

		one->workspace_id = workspace;
		one->user_id = seeds[i].user;
		one->role_id = seeds[i].role;
		one->label = must_copy(role_of(seeds[i].role)->name);
		feed_know_resource(sb, one->id, payload_of(one));
	}
}

static size_t place(const struct resources *r, const char *id)
{
	int64_t wanted = kantata_id(id);

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].id == wanted)
			return i;
	return SIZE_MAX;
}

/* ---- writing ---- */

static void write_one(const struct sandbox *sb, const struct resource *one, const struct view *view,
		      const char *includes, struct text *out)
{
	const struct user *user = world_user(one->user_id);
	const struct role *role = role_of(one->role_id);
	const struct workspace *ws = world_find(sb->world, one->workspace_id);
	char when[TIMES_TEXT];

	text_fmt(out, "{\"id\":\"%lld\"", (long long)one->id);
	text_key(out, "created_at");
	times_iso(when, one->created_at, view->offset_min);
	text_quote(out, when);
	text_key(out, "updated_at");
	times_iso(when, one->updated_at, view->offset_min);
	text_quote(out, when);
	text_key(out, "display_label");
	text_quote(out, user ? user->full_name : one->label);
	text_key(out, "full_name");
	text_quote(out, user ? user->full_name : NULL);
	text_key(out, "label");
	text_quote(out, one->label);
	text_add(out, ",\"photo_path\":null");
	text_key(out, "role_initials");
	text_quote(out, role ? role->initials : NULL);
	text_key(out, "role_name");
	text_quote(out, role ? role->name : NULL);
	text_fmt(out, ",\"workspace_id\":%lld", (long long)one->workspace_id);
	text_key(out, "workspace_title");
	text_quote(out, ws ? ws->title : NULL);
	if (query_names(includes, "user"))
		text_fmt(out, one->user_id ? ",\"user_id\":\"%lld\"" : ",\"user_id\":null",
			 (long long)one->user_id);
	if (query_names(includes, "role"))
		text_fmt(out, role ? ",\"role_id\":\"%lld\"" : ",\"role_id\":null",
			 (long long)one->role_id);
	if (query_names(includes, "participation"))
		text_add(out, ",\"participation_id\":null");
	if (query_names(includes, "organization_membership"))
		text_add(out, ",\"organization_membership_id\":null");
	if (query_names(includes, "custom_field_values"))
		text_add(out, ",\"custom_field_value_ids\":[]");
	if (query_names(includes, "external_references"))
		text_fmt(out,
			 one->reference ? ",\"external_reference_ids\":[\"%lld\"]"
					: ",\"external_reference_ids\":[]",
			 (long long)one->id);
	text_char(out, '}');
}

static void write_users(struct resource *const *v, size_t n, struct text *out)
{
	size_t count;
	const struct user *users = world_users(&count);

	text_add(out, ",\"users\":{");
	for (size_t i = 0; i < count; i++) {
		bool there = false;

		for (size_t k = 0; k < n; k++)
			there = there || v[k]->user_id == users[i].id;
		if (!there)
			continue;
		text_fmt(out, "%s\"%lld\":{\"id\":\"%lld\",\"full_name\":\"%s\"}",
			 out->data[out->len - 1] == '{' ? "" : ",", (long long)users[i].id,
			 (long long)users[i].id, users[i].full_name);
	}
	text_char(out, '}');
}

static void write_roles(struct text *out)
{
	text_add(out, ",\"roles\":{");
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		text_fmt(out, "%s\"%lld\":{\"id\":\"%lld\",\"name\":\"%s\"}", i ? "," : "",
			 (long long)roles[i].id, (long long)roles[i].id, roles[i].name);
	text_char(out, '}');
}

static void write_workspaces(const struct sandbox *sb, struct resource *const *v, size_t n,
			     const struct view *view, struct text *out)
{
	struct view plain = *view;

	plain.includes = 0;
	text_add(out, ",\"workspaces\":{");
	for (size_t i = 0; i < n; i++) {
		const struct workspace *ws = world_find(sb->world, v[i]->workspace_id);
		bool again = ws == NULL;

		for (size_t k = 0; k < i; k++)
			again = again || v[k]->workspace_id == v[i]->workspace_id;
		if (again)
			continue;
		text_fmt(out, "%s\"%lld\":", out->data[out->len - 1] == '{' ? "" : ",",
			 (long long)ws->id);
		fields_write(ws, &plain, out);
	}
	text_char(out, '}');
}

static void write_references(struct resource *const *v, size_t n, struct text *out)
{
	text_add(out, ",\"external_references\":{");
	for (size_t i = 0; i < n; i++)
		if (v[i]->reference)
			query_reference(v[i]->id, v[i]->reference, out);
	text_char(out, '}');
}

static void write_maps(const struct sandbox *sb, struct resource *const *v, size_t n,
		       const struct view *view, const char *includes, struct text *out)
{
	if (query_names(includes, "user"))
		write_users(v, n, out);
	if (query_names(includes, "role"))
		write_roles(out);
	if (query_names(includes, "workspace"))
		write_workspaces(sb, v, n, view, out);
	if (query_names(includes, "external_references"))
		write_references(v, n, out);
	if (query_names(includes, "custom_field_values"))
		text_add(out, ",\"custom_field_values\":{}");
	if (query_names(includes, "participation"))
		text_add(out, ",\"participations\":{}");
	if (query_names(includes, "organization_membership"))
		text_add(out, ",\"organization_memberships\":{}");
}

static void envelope(struct sandbox *sb, const struct args *args, struct resource *const *v,
		     size_t count, const struct query_page *page, struct text *out)
{
	const char *includes = args_get(args, "include");
	struct view view = query_view(sb, args);
	struct resource *const *row = v + page->start;

	query_meta(count, page, out);
	for (size_t i = 0; i < page->n; i++)
		text_fmt(out, "%s{\"key\":\"workspace_resources\",\"id\":\"%lld\"}", i ? "," : "",
			 (long long)row[i]->id);
	text_add(out, "],\"workspace_resources\":{");
	for (size_t i = 0; i < page->n; i++) {
		text_fmt(out, "%s\"%lld\":", i ? "," : "", (long long)row[i]->id);
		write_one(sb, row[i], &view, includes, out);
	}
	text_char(out, '}');
	write_maps(sb, row, page->n, &view, includes, out);
	text_char(out, '}');
}

static void answer(struct sandbox *sb, const struct request *rq, struct resource *const *v,
		   size_t n, struct reply *re)
{
	struct query_page all = { .n = n, .size = PER_PAGE_DEFAULT, .number = 1 };

	envelope(sb, &rq->query, v, n, &all, reply_json(re, 200));
}

/* ---- listing ---- */

static bool is_true(const struct args *args, const char *name)
{
	const char *s = args_get(args, name);

	return s && (!strcmp(s, "true") || !strcmp(s, "TRUE"));
}

static bool is_number(const struct args *args, const char *name, int64_t is)
{
	const char *s = args_get(args, name);

	return !s || strtoll(s, NULL, 10) == is;
}

static bool matches(const struct resource *one, const char *word)
{
	const struct user *user = world_user(one->user_id);
	const struct role *role = role_of(one->role_id);

	return !word || (user && strcasestr(user->full_name, word)) ||
	       (role && strcasestr(role->name, word));
}

static bool passes(const struct args *args, const struct query_times *times,
		   const struct resource *one)
{
	bool unnamed = is_true(args, "include_unnamed") || is_true(args, "only_unnamed");

	if ((one->user_id == 0 && !unnamed) || (one->user_id != 0 && is_true(args, "only_unnamed")))
		return false;
	if (!query_in_times(times, one->created_at, one->updated_at))
		return false;
	return query_listed(args_get(args, "only"), one->id) &&
	       is_number(args, "workspace_id", one->workspace_id) &&
	       is_number(args, "user_id", one->user_id) &&
	       is_number(args, "role_id", one->role_id) &&
	       matches(one, args_get(args, "matching")) && query_refers(args, one->reference);
}

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_order(const void *a, const void *b, void *of)
{
	const struct resource *x = *(struct resource *const *)a;
	const struct resource *y = *(struct resource *const *)b;
	const char *order = of;
	int c = compare(x->updated_at, y->updated_at);

	if (!strncmp(order, "created_at", 10))
		c = compare(x->created_at, y->created_at);
	else if (!strncmp(order, "alphabetical", 12))
		c = strcmp(x->label ? x->label : "", y->label ? y->label : "");
	if (strstr(order, ":desc"))
		c = -c;
	return c ? c : compare(x->id, y->id);
}

static const char *order_of(const struct args *args)
{
	static const char *const known[] = { "created_at", "updated_at", "alphabetical" };
	const char *order = args_get(args, "order");

	for (size_t i = 0; order && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(order, known[i], strlen(known[i])))
			return order;
	return "updated_at:desc";
}

void resources_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct resources *r = sb->resources;
	struct resource **v;
	struct query_times times;
	struct query_page page;
	size_t n = 0;

	if (!kantata_times(sb, rq, &times, re))
		return;
	v = must_alloc(r->n + 1, sizeof(*v));
	for (size_t i = 0; i < r->n; i++)
		if (passes(&rq->query, &times, &r->v[i]))
			v[n++] = &r->v[i];
	if (n > 0)
		qsort_r(v, n, sizeof(struct resource *), by_order,
			(void *)(uintptr_t)order_of(&rq->query));
	page = query_cut(&rq->query, args_get(&rq->query, "only") != NULL, n);
	envelope(sb, &rq->query, v, n, &page, reply_json(re, 200));
	free(v);
}

void resources_show(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	size_t at = place(sb->resources, rq->id);
	struct resource *one = at != SIZE_MAX ? &sb->resources->v[at] : NULL;

	if (!one || (one->user_id == 0 && !is_true(&rq->query, "include_unnamed")))
		kantata.refuse(re, 404, NULL);
	else
		answer(sb, rq, &one, 1, re);
}

/* ---- changing ---- */

/* A number, or a text that is one; null is 0. */
static bool take_id(const json_t *patch, const char *name, int64_t *id)
{
	const json_t *v = json_object_get(patch, name);

	if (!v)
		return true;
	if (json_is_string(v))
		*id = strtoll(json_string_value(v), NULL, 10);
	else
		*id = json_integer_value(v);
	return json_is_null(v) || *id > 0;
}

static const char *merge(struct sandbox *sb, struct resource *one, const json_t *patch,
			 const char **why)
{
	const json_t *label = json_object_get(patch, "label");
	const json_t *reference = json_object_get(patch, "external_reference");

	*why = "is invalid";
	if (!take_id(patch, "workspace_id", &one->workspace_id) ||
	    !world_find(sb->world, one->workspace_id))
		return "workspace_id";
	if (!take_id(patch, "user_id", &one->user_id) ||
	    (one->user_id && !world_user(one->user_id)))
		return "user_id";
	if (!take_id(patch, "role_id", &one->role_id))
		return "role_id";
	*why = "can't be blank";
	if (!one->user_id && !one->role_id)
		return "role_id";
	if (json_is_string(label)) {
		free(one->label);
		one->label = must_copy(json_string_value(label));
	} else if (!one->label) {
		const struct role *role = role_of(one->role_id);

		one->label = must_copy(role ? role->name : "Resource");
	}
	if (json_is_object(reference)) {
		json_decref(one->reference);
		one->reference = json_deep_copy(reference);
	}
	return NULL;
}

static void create_many(struct sandbox *sb, const struct request *rq, const json_t *list,
			struct reply *re)
{
	struct resources *r = sb->resources;
	size_t n = json_array_size(list), first = r->n;
	struct resource **v = must_alloc(n + 1, sizeof(*v));
	const char *field = NULL, *why = "";

	for (size_t i = 0; i < n && !field; i++)
		field = merge(sb, add(r, sandbox_now(sb)), json_array_get(list, i), &why);
	for (size_t i = 0; i < n && !field; i++)
		v[i] = &r->v[first + i];
	if (field)
		kantata_invalid(re, field, why);
	else
		answer(sb, rq, v, n, re);
	for (size_t i = 0; i < n && !field; i++)
		tell(sb, v[i], "created");
	while (field && r->n > first)
		remove_at(r, r->n - 1);
	free(v);
}

void resources_create(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	json_t *list = json_object_get(body, "workspace_resources");
	json_t *one = json_object_get(body, "workspace_resource");
	json_t *alone = json_array();

	if (!body)
		kantata.refuse(re, 400, why);
	else if (json_is_array(list) && json_array_size(list) <= RESOURCES_BULK_MAX &&
		 json_array_size(list) > 0)
		create_many(sb, rq, list, re);
	else if (json_is_array(list))
		kantata.refuse(re, 400, "between 1 and 200 resources can be created at once");
	else if (json_is_object(one) && json_array_append(alone, one) == 0)
		create_many(sb, rq, alone, re);
	else
		kantata.refuse(re, 400,
			       "param is missing or the value is empty: workspace_resource");
	json_decref(alone);
	json_decref(body);
}

static void change(struct sandbox *sb, const struct request *rq, const json_t *patch,
		   struct reply *re)
{
	size_t at = place(sb->resources, rq->id);
	struct resource *one = at != SIZE_MAX ? &sb->resources->v[at] : NULL;
	const char *field, *why = "";

	if (!one) {
		kantata.refuse(re, 404, NULL);
		return;
	}
	field = merge(sb, one, patch, &why);
	if (field) {
		kantata_invalid(re, field, why);
		return;
	}
	one->updated_at = sandbox_now(sb);
	tell(sb, one, "updated");
	answer(sb, rq, &one, 1, re);
}

void resources_update(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	const json_t *patch = json_object_get(body, "workspace_resource");

	if (!body)
		kantata.refuse(re, 400, why);
	else if (!json_is_object(patch))
		kantata.refuse(re, 400,
			       "param is missing or the value is empty: workspace_resource");
	else
		change(sb, rq, patch, re);
	json_decref(body);
}

void resources_delete(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct resources *r = sb->resources;
	size_t at = place(r, rq->id);
	size_t same = 0;

	for (size_t i = 0; at != SIZE_MAX && i < r->n; i++)
		same += r->v[i].workspace_id == r->v[at].workspace_id &&
			r->v[i].user_id == r->v[at].user_id;
	if (at == SIZE_MAX) {
		kantata.refuse(re, 404, NULL);
	} else if (same == 1 && r->v[at].user_id && r->v[at].role_id == 7) {
		/* The one role of the demo's lead: her last resource of it. */
		kantata_invalid(re, "base", "Could not delete the workspace resource");
	} else {
		drop(sb, at);
		reply_plain(re, 204, "");
	}
}

/* ---- allocations ---- */

static bool occurs(const json_t *occurrence)
{
	static const char *const needs[][3] = { { "anytime", "type", "type" },
						{ "after", "after_date", "after_date" },
						{ "before", "before_date", "before_date" },
						{ "between", "start_date", "end_date" } };
	const char *type = json_string_value(json_object_get(occurrence, "type"));

	for (size_t i = 0; type && i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!strcmp(type, needs[i][0]))
			return json_is_string(json_object_get(occurrence, needs[i][1])) &&
			       json_is_string(json_object_get(occurrence, needs[i][2]));
	return false;
}

static bool allocation(const struct resources *r, const json_t *one)
{
	const json_t *ids = json_object_get(one, "resource_ids"), *id;
	size_t i;

	if (json_array_size(ids) == 0 || !json_is_boolean(json_object_get(one, "hard")) ||
	    !occurs(json_object_get(one, "occurrence")))
		return false;
	json_array_foreach(ids, i, id)
	{
		char word[32];
		size_t at;

		(void)snprintf(word, sizeof(word), "%lld", (long long)json_integer_value(id));
		at = place(r, json_is_string(id) ? json_string_value(id) : word);
		if (at == SIZE_MAX ||
		    (!r->v[at].user_id && json_is_true(json_object_get(one, "hard"))))
			return false;
	}
	return true;
}

void resources_allocate_many(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	const json_t *data = json_object_get(body, "data");
	bool fine = json_array_size(data) > 0;
	const json_t *one;
	size_t i;

	json_array_foreach(data, i, one) fine = fine && allocation(sb->resources, one);
	if (!body)
		kantata.refuse(re, 400, why);
	else if (!fine)
		kantata_invalid(re, "data", "is invalid");
	else
		text_add(reply_json(re, 200), "{\"success\":true}");
	json_decref(body);
}

void resources_allocate(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	if (place(sb->resources, rq->id) == SIZE_MAX)
		kantata.refuse(re, 404, NULL);
	else
		resources_allocate_many(sb, rq, re);
}

/* ---- control ---- */

void resources_merge(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct request json = *rq;
	char why[160] = "";
	json_t *body;

	json.content_type = NULL; /* JSON whatever it says it is */
	body = request_object(&json, why);
	if (body)
		change(sb, rq, body, re);
	else
		kantata.refuse(re, 400, why);
	json_decref(body);
}

void resources_remove(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	size_t at = place(sb->resources, rq->id);

	if (at == SIZE_MAX) {
		kantata.refuse(re, 404, NULL);
		return;
	}
	drop(sb, at);
	text_add(reply_json(re, 200), "{\"ok\":true}");
}
