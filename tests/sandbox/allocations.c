/* SPDX-License-Identifier: Apache-2.0
 *
 * allocations - see allocations.h. Follows the published reference of Workspace Allocations at
 * https://developer.kantata.com/tag/Workspace-Allocations/: `minutes` is the total from the first
 * day to the last, both included. Only the list is here, with the filters created_..., updated_...
 * and only; there are no further ones. It is ordered by id.
 */
#include "tests/sandbox/allocations.h"

#include "tests/sandbox/kantata.h"
#include "tests/sandbox/query.h"
#include "tests/sandbox/times.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct allocation {
	int64_t id, created_at, updated_at; /* seconds */
	int64_t resource_id, minutes;
	int32_t first, last; /* days as numbers */
	bool hard;
};

struct allocations {
	struct allocation *v;
	size_t n, cap;
	int64_t next_id;
};

struct allocations *allocations_new(void)
{
	struct allocations *a = must_alloc(1, sizeof(*a));

	a->next_id = 4001;
	return a;
}

void allocations_clear(struct allocations *a)
{
	assert(a);
	a->n = 0;
	a->next_id = 4001;
}

void allocations_free(struct allocations *a)
{
	if (!a)
		return;
	free(a->v);
	free(a);
}

static size_t place(const struct allocations *a, const char *id)
{
	int64_t wanted = kantata_id(id);

	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].id == wanted)
			return i;
	return SIZE_MAX;
}

/* ---- the list ---- */

static void write_one(const struct allocation *one, const struct view *view, const char *includes,
		      struct text *out)
{
	char when[TIMES_TEXT];

	text_fmt(out, "\"%lld\":{\"id\":\"%lld\"", (long long)one->id, (long long)one->id);
	text_key(out, "created_at");
	times_iso(when, one->created_at, view->offset_min);
	text_quote(out, when);
	text_key(out, "updated_at");
	times_iso(when, one->updated_at, view->offset_min);
	text_quote(out, when);
	text_key(out, "start_date");
	times_date_text(when, one->first);
	text_quote(out, when);
	text_key(out, "end_date");
	times_date_text(when, one->last);
	text_quote(out, when);
	text_fmt(out, ",\"minutes\":%lld,\"hard\":%s,\"resource_id\":%lld", (long long)one->minutes,
		 one->hard ? "true" : "false", (long long)one->resource_id);
	if (query_names(includes, "workspace_resource"))
		text_fmt(out, ",\"workspace_resource_id\":\"%lld\"", (long long)one->resource_id);
	text_char(out, '}');
}

static void envelope(struct sandbox *sb, const struct args *args, struct allocation *const *v,
		     size_t count, const struct query_page *page, struct text *out)
{
	struct view view = query_view(sb, args);

	query_meta(count, page, out);
	for (size_t i = 0; i < page->n; i++)
		text_fmt(out, "%s{\"key\":\"workspace_allocations\",\"id\":\"%lld\"}", i ? "," : "",
			 (long long)v[page->start + i]->id);
	text_add(out, "],\"workspace_allocations\":{");
	for (size_t i = 0; i < page->n; i++) {
		if (i > 0)
			text_char(out, ',');
		write_one(v[page->start + i], &view, args_get(args, "include"), out);
	}
	text_add(out, "}}");
}

void allocations_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct allocations *a = sb->allocations;
	struct allocation **v;
	const char *only = args_get(&rq->query, "only");
	struct query_times times;
	struct query_page page;
	size_t n = 0;

	if (!kantata_times(sb, rq, &times, re))
		return;
	v = must_alloc(a->n + 1, sizeof(*v));
	for (size_t i = 0; i < a->n; i++)
		if (query_in_times(&times, a->v[i].created_at, a->v[i].updated_at) &&
		    query_listed(only, a->v[i].id))
			v[n++] = &a->v[i];
	page = query_cut(&rq->query, only != NULL, n);
	envelope(sb, &rq->query, v, n, &page, reply_json(re, 200));
	free(v);
}

/* ---- control ---- */

static bool take_day(const json_t *patch, const char *name, int32_t *day)
{
	const json_t *v = json_object_get(patch, name);

	return !v || (json_is_string(v) && times_parse_date(json_string_value(v), day));
}

static bool take_number(const json_t *patch, const char *name, int64_t *number)
{
	const json_t *v = json_object_get(patch, name);

	if (json_is_integer(v))
		*number = json_integer_value(v);
	return !v || json_is_integer(v);
}

/* What the body says of it; answers. False: nothing has changed. */
static bool merge(struct allocation *one, const struct request *rq, struct reply *re)
{
	struct allocation next = *one;
	struct request json = *rq;
	char why[160] = "";
	json_t *body;
	bool fine;

	json.content_type = NULL; /* JSON whatever it says it is */
	body = request_object(&json, why);
	fine = body && take_number(body, "resource_id", &next.resource_id) &&
	       take_number(body, "minutes", &next.minutes) &&
	       take_day(body, "start_date", &next.first) && take_day(body, "end_date", &next.last);
	if (json_object_get(body, "hard"))
		next.hard = json_is_true(json_object_get(body, "hard"));
	if (!fine || next.resource_id < 1 || next.minutes < 0 || next.first == 0 ||
	    next.last < next.first) {
		kantata.refuse(re, body ? 422 : 400, body ? "resource_id, minutes, days" : why);
		json_decref(body);
		return false;
	}
	json_decref(body);
	*one = next;
	text_fmt(reply_json(re, 200), "{\"id\":\"%lld\"}", (long long)one->id);
	return true;
}

void allocations_make(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct allocations *a = sb->allocations;
	struct allocation one = { .id = a->next_id,
				  .created_at = sandbox_now(sb),
				  .updated_at = sandbox_now(sb) };

	if (!merge(&one, rq, re))
		return;
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 64;
		a->v = must_grow(a->v, a->cap, sizeof(*a->v));
	}
	a->v[a->n++] = one;
	a->next_id++;
}

void allocations_merge(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	size_t at = place(sb->allocations, rq->id);

	if (at == SIZE_MAX)
		kantata.refuse(re, 404, NULL);
	else if (merge(&sb->allocations->v[at], rq, re))
		sb->allocations->v[at].updated_at = sandbox_now(sb);
}

void allocations_remove(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct allocations *a = sb->allocations;
	size_t at = place(a, rq->id);

	if (at == SIZE_MAX) {
		kantata.refuse(re, 404, NULL);
		return;
	}
	a->n--;
	memmove(a->v + at, a->v + at + 1, (a->n - at) * sizeof(*a->v));
	text_add(reply_json(re, 200), "{\"ok\":true}");
}
