/* SPDX-License-Identifier: Apache-2.0
 *
 * world - see world.h.
 */
#include "tests/sandbox/world.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct order {
	struct workspace **v;
	size_t cap;
	bool stale;
};

struct world {
	size_t n;
	int64_t next_id;
	struct order orders[WORLD_ORDERS]; /* WORLD_BY_ID is never stale */
};

static const struct user users[] = {
	{ 9001, "Mara Lindqvist", "mara@provider.example", "Engagement manager" },
	{ 9002, "Jonas Okafor", "jonas@provider.example", "Delivery lead" },
	{ 9003, "Priya Raman", "priya@provider.example", "Consultant" },
	{ 9101, "Dana Whitfield", "dana@acme.example", "Head of operations" },
	{ 9102, "Luis Ortega", "luis@borealis.example", "Programme owner" },
	{ 9103, "Hanne Voss", "hanne@cobalt.example", "Plant manager" },
};

const struct user *world_users(size_t *n)
{
	*n = sizeof(users) / sizeof(users[0]);
	return users;
}

const struct user *world_user(int64_t id)
{
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (users[i].id == id)
			return &users[i];
	return NULL;
}

struct world *world_new(void)
{
	struct world *w = must_alloc(1, sizeof(*w));

	w->next_id = 1001;
	return w;
}

void workspace_free(struct workspace *ws)
{
	if (!ws)
		return;
	free(ws->title);
	free(ws->description);
	free(ws->stage);
	free(ws->access_level);
	free(ws->currency);
	json_decref(ws->time);
	json_decref(ws->extra);
	json_decref(ws->reference);
	json_decref(ws->custom);
	free(ws);
}

static char *copy_text(const char *s)
{
	return s ? must_copy(s) : NULL;
}

struct workspace *workspace_copy(const struct workspace *ws)
{
	struct workspace *copy = must_alloc(1, sizeof(*copy));

	*copy = *ws;
	copy->title = copy_text(ws->title);
	copy->description = copy_text(ws->description);
	copy->stage = copy_text(ws->stage);
	copy->access_level = copy_text(ws->access_level);
	copy->currency = copy_text(ws->currency);
	copy->time = json_deep_copy(ws->time);
	copy->extra = json_deep_copy(ws->extra);
	copy->reference = json_deep_copy(ws->reference);
	copy->custom = json_deep_copy(ws->custom);
	return copy;
}

void workspace_become(struct workspace *ws, struct workspace *copy)
{
	struct workspace old = *ws;

	assert(ws->id == copy->id);
	*ws = *copy;
	*copy = old;
	workspace_free(copy);
}

void world_clear(struct world *w)
{
	assert(w);
	for (size_t i = 0; i < w->n; i++)
		workspace_free(w->orders[WORLD_BY_ID].v[i]);
	for (int i = 0; i < WORLD_ORDERS; i++) {
		free(w->orders[i].v);
		w->orders[i] = (struct order){ 0 };
	}
	w->n = 0;
	w->next_id = 1001;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	world_clear(w);
	free(w);
}

static void reserve(struct order *o, size_t n)
{
	if (n <= o->cap)
		return;
	o->cap = n < 64 ? 64 : n + n / 2;
	o->v = must_grow(o->v, o->cap, sizeof(struct workspace *));
}

void world_changed(struct world *w)
{
	w->orders[WORLD_BY_CREATED].stale = true;
	w->orders[WORLD_BY_UPDATED].stale = true;
}

struct workspace *world_create(struct world *w, int64_t now)
{
	struct workspace *ws = must_alloc(1, sizeof(*ws));

	ws->id = w->next_id++;
	ws->created_at = now;
	ws->updated_at = now;
	ws->title = must_copy("");
	ws->stage = must_copy("project");
	ws->access_level = must_copy("invitation");
	ws->currency = must_copy("USD");
	ws->budgeted = true;
	ws->time_trackable = true;
	ws->status_key = 305;
	ws->rate_in_cents = 10000;
	ws->creator_id = users[0].id;
	ws->primary_maven_id = users[0].id;
	reserve(&w->orders[WORLD_BY_ID], w->n + 1);
	w->orders[WORLD_BY_ID].v[w->n++] = ws;
	world_changed(w);
	return ws;
}

/* Place of the first project whose id isn't below. */
static size_t place(const struct world *w, int64_t id)
{
	size_t low = 0;
	size_t high = w->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->orders[WORLD_BY_ID].v[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct workspace *world_find(const struct world *w, int64_t id)
{
	size_t at = place(w, id);
	struct workspace *ws = at < w->n ? w->orders[WORLD_BY_ID].v[at] : NULL;

	return ws && ws->id == id ? ws : NULL;
}

void world_remove(struct world *w, struct workspace *ws)
{
	struct workspace **v = w->orders[WORLD_BY_ID].v;
	size_t at = place(w, ws->id);

	assert(at < w->n && v[at] == ws);
	w->n--;
	memmove(v + at, v + at + 1, (w->n - at) * sizeof(*v));
	workspace_free(ws);
	world_changed(w);
}

void world_touch(struct world *w, struct workspace *ws, int64_t now)
{
	ws->updated_at = now;
	world_changed(w);
}

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_created(const void *a, const void *b)
{
	const struct workspace *x = *(struct workspace *const *)a;
	const struct workspace *y = *(struct workspace *const *)b;
	int c = compare(x->created_at, y->created_at);

	return c ? c : compare(x->id, y->id);
}

static int by_updated(const void *a, const void *b)
{
	const struct workspace *x = *(struct workspace *const *)a;
	const struct workspace *y = *(struct workspace *const *)b;
	int c = compare(x->updated_at, y->updated_at);

	return c ? c : compare(x->id, y->id);
}

struct workspace *const *world_sorted(struct world *w, enum world_order order, size_t *n)
{
	struct order *o = &w->orders[order];

	assert(order < WORLD_ORDERS);
	*n = w->n;
	if (order == WORLD_BY_ID || !o->stale || w->n == 0)
		return o->v;
	reserve(o, w->n);
	memcpy(o->v, w->orders[WORLD_BY_ID].v, w->n * sizeof(*o->v));
	qsort(o->v, w->n, sizeof(*o->v), order == WORLD_BY_CREATED ? by_created : by_updated);
	o->stale = false;
	return o->v;
}

size_t world_count(const struct world *w)
{
	return w->n;
}

void workspace_recompute(struct workspace *ws)
{
	double used = (double)ws->budget_used_in_cents;

	ws->percent_of_budget_used =
	    ws->price_in_cents > 0 ? round(used / (double)ws->price_in_cents * 10000) / 100 : 0;
	ws->over_budget = ws->budgeted && ws->budget_used_in_cents > ws->price_in_cents;
}
