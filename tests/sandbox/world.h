/* SPDX-License-Identifier: Apache-2.0
 *
 * world - the projects (workspaces) of the pretended Kantata account, and its people.
 *
 * Projects are kept in the order of their ids; two more orders (created, updated) are sorted again
 * when somebody asks after a change. So a hundred thousand of them are listed page by page without
 * sorting, and a thousand changed at once cost one sort.
 *
 * Invariants: ids rise and are never used twice; whoever changes created_at or updated_at calls
 * world_changed(). Ownership: the world owns its workspaces; a pointer is good until its removal.
 */
#ifndef SANDBOX_WORLD_H
#define SANDBOX_WORLD_H

#include "tests/sandbox/text.h"

struct user {
	int64_t id;
	const char *full_name;
	const char *email_address;
	const char *headline;
};

struct workspace {
	int64_t id;
	int64_t created_at; /* seconds since 1970, the resolution of the API */
	int64_t updated_at;
	char *title;
	char *description; /* this and the other texts: NULL is null */
	char *stage;
	char *access_level;
	char *currency;
	int32_t start_date; /* 20131231, 0 is null */
	int32_t due_date;
	bool archived;
	bool budgeted;
	bool over_budget;
	bool time_trackable;
	double percent_of_budget_used;
	int64_t price_in_cents;
	int64_t budget_used_in_cents;
	int64_t total_expenses_in_cents;
	int64_t rate_in_cents; /* per hour */
	int64_t minutes_logged;
	int64_t percentage_complete;
	int64_t status_key;
	int64_t creator_id;
	int64_t primary_maven_id; /* 0: none */
	int64_t primary_counterpart_id;
	json_t *reference; /* external reference; may be NULL */
	json_t *custom;    /* values of custom fields by the fields' ids; may be NULL */
	json_t *time;      /* approvers and timesheets, see timesheets.h; may be NULL */
	json_t *extra;     /* fields set to something the members above can't say; may be NULL */
};

enum world_order { WORLD_BY_ID, WORLD_BY_CREATED, WORLD_BY_UPDATED, WORLD_ORDERS };

struct world;

struct world *world_new(void);
void world_free(struct world *w);
void world_clear(struct world *w);

/* A new project, untitled, created and updated at that second. */
struct workspace *world_create(struct world *w, int64_t now);
struct workspace *world_find(const struct world *w, int64_t id);
void world_remove(struct world *w, struct workspace *ws);

/* Sets updated_at and notes that the orders by time have to be made again. */
void world_touch(struct world *w, struct workspace *ws, int64_t now);
void world_changed(struct world *w);

/* All projects in that order, ties by id; valid until the next change. */
struct workspace *const *world_sorted(struct world *w, enum world_order order, size_t *n);
size_t world_count(const struct world *w);

const struct user *world_users(size_t *n);
const struct user *world_user(int64_t id); /* NULL if unknown */

/* A deep copy to try a change on; becomes the original, or is freed. */
struct workspace *workspace_copy(const struct workspace *ws);
void workspace_become(struct workspace *ws, struct workspace *copy);
void workspace_free(struct workspace *ws);

/* Works out the share of the budget and whether it is exceeded from price and use. */
void workspace_recompute(struct workspace *ws);

/* Four projects for the demo; the first, "Acme rollout", has used 96 % of its budget. */
void seed_demo(struct world *w, int64_t now);

/* That many more, created over the last 30 days, four in each second that has any. */
void seed_many(struct world *w, int64_t count, int64_t now);

#endif
