/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_runs - what was decided, and every attempt to carry it out.
 *
 * The attempts of a run lie together, in the order made, under numbers that
 * begin with the run's: no index is needed to find them. */
#include <assert.h>

#include "engine/store/sqlite_internal.h"

void store_put_run(struct store *store, const struct run_record *run)
{
	struct sq q;

	assert(store != NULL && store->in_batch && run->id > 0);
	q = sq_use(store, SQ_RUN_PUT,
		   "INSERT INTO runs (rule, revision, id, event, state, created, updated, due,"
		   " step, attempt, key, reason, steps)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
	sq_put_name(&q, run->rule);
	sq_put_name(&q, run->revision);
	sq_put_int(&q, run->id);
	sq_put_int(&q, run->event);
	sq_put_int(&q, run->state);
	sq_put_int(&q, run->created);
	sq_put_int(&q, run->updated);
	sq_put_int(&q, run->due);
	sq_put_int(&q, run->step);
	sq_put_int(&q, run->attempt);
	sq_put_text(&q, run->key);
	sq_put_text(&q, run->reason);
	sq_put_text(&q, run->steps);
	sq_run(&q);
}

void store_update_run(struct store *store, const struct run_record *run)
{
	struct sq q;

	assert(store != NULL && store->in_batch && run->id > 0);
	q = sq_use(store, SQ_RUN_UPDATE,
		   "UPDATE runs SET state = ?2, updated = ?3, due = ?4, step = ?5, attempt = ?6,"
		   " reason = ?7, steps = ?8 WHERE id = ?1");
	sq_put_int(&q, run->id);
	sq_put_int(&q, run->state);
	sq_put_int(&q, run->updated);
	sq_put_int(&q, run->due);
	sq_put_int(&q, run->step);
	sq_put_int(&q, run->attempt);
	sq_put_text(&q, run->reason);
	sq_put_text(&q, run->steps);
	sq_run(&q);
	if (!store->failed && sqlite3_changes(store->db) == 0)
		sq_fail_text(store, "the run to be changed is not in the store");
}

void sq_read_run(const struct sq *q, struct run_record *out)
{
	out->id = sq_int(q, 0);
	out->event = sq_int(q, 1);
	out->state = (enum run_state)sq_int(q, 2);
	out->created = sq_int(q, 3);
	out->updated = sq_int(q, 4);
	out->due = sq_int(q, 5);
	out->step = (int)sq_int(q, 6);
	out->attempt = (int)sq_int(q, 7);
	out->key = sq_text(q, 8);
	out->reason = sq_text(q, 9);
	out->steps = sq_text(q, 10);
	out->rule = sq_text(q, 11);
	out->revision = sq_text(q, 12);
}

static void own_run(struct arena *arena, struct run_record *run)
{
	run->key = text_dup(arena, run->key);
	run->reason = text_dup(arena, run->reason);
	run->steps = text_dup(arena, run->steps);
	run->rule = text_dup(arena, run->rule);
	run->revision = text_dup(arena, run->revision);
}

bool store_get_run(struct store *store, struct arena *arena, int64_t id, struct run_record *out)
{
	struct sq q;

	assert(store != NULL && arena != NULL && out != NULL);
	q = sq_use(store, SQ_RUN_GET, "SELECT " SQ_RUN_COLUMNS " FROM runs r WHERE r.id = ?1");
	sq_put_int(&q, id);
	if (!sq_row(&q))
		return false;
	sq_read_run(&q, out);
	own_run(arena, out);
	sq_done(&q);
	return true;
}

int64_t store_last_run(struct store *store)
{
	struct sq q;
	int64_t last = 0;

	assert(store != NULL);
	q = sq_use(store, SQ_RUN_LAST,
		   "SELECT max(coalesce((SELECT max(id) FROM runs), 0),"
		   " coalesce((SELECT n FROM marks WHERE what = 'run'), 0))");
	if (sq_row(&q))
		last = sq_int(&q, 0);
	sq_done(&q);
	return last;
}

int64_t store_count_runs(struct store *store, enum run_state state)
{
	int64_t count = 0;
	struct sq q;

	assert(store != NULL && (state == RUN_DEAD || state == RUN_IN_DOUBT));
	q = sq_use(store, SQ_RUN_COUNT,
		   "SELECT count(*) FROM runs WHERE " SQ_UNFINISHED " AND state = ?1");
	sq_put_int(&q, state);
	if (sq_row(&q))
		count = sq_int(&q, 0);
	sq_done(&q);
	return count;
}

/* An integer column of each row, until the visitor has enough. */
static void visit_ids(struct sq *q, bool (*visit)(void *of, int64_t id), void *of)
{
	while (sq_row(q))
		if (!visit(of, sq_int(q, 0))) {
			sq_done(q);
			return;
		}
}

#define UNFINISHED "FROM runs INDEXED BY runs_unfinished WHERE " SQ_UNFINISHED " AND "

void store_each_begun(struct store *store, bool (*visit)(void *of, int64_t id), void *of)
{
	struct sq q;

	assert(store != NULL && visit != NULL);
	q = sq_use(store, SQ_RUN_BEGUN,
		   "SELECT id " UNFINISHED "state = 2 UNION ALL SELECT id " UNFINISHED "state = 3"
		   " UNION ALL SELECT id " UNFINISHED "state = 1 AND " SQ_BEGUN " = 1");
	visit_ids(&q, visit, of);
}

void store_each_waiting_rule(struct store *store,
			     bool (*visit)(void *of, struct text rule, uint64_t count), void *of)
{
	struct sq q;

	assert(store != NULL && visit != NULL);
	q = sq_use(store, SQ_RUN_WAITING_RULES,
		   "SELECT count(*), " SQ_NAMED("rule") " " UNFINISHED "state = 1 AND " SQ_BEGUN
							" = 0 GROUP BY rule");
	while (sq_row(&q))
		if (!visit(of, sq_text(&q, 1), (uint64_t)sq_int(&q, 0))) {
			sq_done(&q);
			return;
		}
}

void store_each_waiting(struct store *store, struct text rule, int64_t after, size_t limit,
			bool (*visit)(void *of, int64_t id), void *of)
{
	struct sq q;

	assert(store != NULL && rule.n > 0 && visit != NULL);
	q = sq_use(store, SQ_RUN_WAITING,
		   "SELECT id " UNFINISHED "state = 1 AND " SQ_BEGUN " = 0 AND rule = ?1"
		   " AND id > ?2 ORDER BY id LIMIT ?3");
	sq_put_int(&q, sq_name_find(store, rule));
	sq_put_int(&q, after);
	sq_put_int(&q, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
	visit_ids(&q, visit, of);
}

void store_put_attempt(struct store *store, const struct attempt_record *attempt)
{
	struct sq q;

	assert(store != NULL && store->in_batch && attempt->n > 0);
	assert(attempt->data_at <= attempt->request.n);
	assert(attempt->run > 0 && attempt->run < INT64_C(1) << (62 - SQ_ATTEMPT_BITS));
	q = sq_use(store, SQ_ATTEMPT_PUT,
		   "INSERT INTO attempts (fate, id, step, n, started, ended, status, key, error,"
		   " request, reply, data_at) VALUES (?1, (SELECT coalesce(max(id), ?2) + 1"
		   " FROM attempts WHERE id BETWEEN ?2 AND ?3), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		   " ?12, ?13)");
	sq_put_name(&q, attempt->fate);
	sq_put_int(&q, attempt->run << SQ_ATTEMPT_BITS);
	sq_put_int(&q, ((attempt->run + 1) << SQ_ATTEMPT_BITS) - 1);
	sq_put_int(&q, attempt->step);
	sq_put_int(&q, attempt->n);
	sq_put_int(&q, attempt->started);
	sq_put_int(&q, attempt->ended);
	sq_put_int(&q, attempt->status);
	sq_put_id(&q, attempt->key);
	sq_put_text(&q, attempt->error);
	sq_put_text(&q, attempt->request);
	sq_put_text(&q, attempt->reply);
	if (attempt->data_at > 0)
		sq_put_int(&q, (int64_t)attempt->data_at);
	else
		sq_put_null(&q);
	sq_run(&q);
}
