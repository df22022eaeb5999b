/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_query - questions with several optional filters, put together as SQL.
 *
 * Filters are constant texts with one "?" each; values are only ever bound. A
 * filter on a time or a set of states selects numbers through its index first
 * and rows second, so that the order by number costs no sorting of whole rows. */
#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/store/sqlite_internal.h"
#include "engine/value/value.h"

#define MOST_ARGS    12
#define MOST_SQL     4096 /* the longest query that can be built is about half of it */
#define MOST_REQUEST (8u * LIMIT_REQUEST_KEPT) /* each byte of its body may be escaped */

struct ask {
	struct buf sql;
	struct {
		struct text text;
		int64_t number;
		bool is_text;
	} args[MOST_ARGS];
	size_t count;
};

static void ask_init(struct ask *a, const char *select)
{
	buf_init(&a->sql, MOST_SQL);
	buf_str(&a->sql, select);
	a->count = 0;
}

static void and_number(struct ask *a, bool wanted, const char *filter, int64_t value)
{
	if (!wanted)
		return;
	assert(a->count < MOST_ARGS);
	buf_str(&a->sql, filter);
	a->args[a->count].number = value;
	a->args[a->count++].is_text = false;
}

static void and_text(struct ask *a, bool wanted, const char *filter, struct text value)
{
	if (!wanted)
		return;
	assert(a->count < MOST_ARGS);
	buf_str(&a->sql, filter);
	a->args[a->count].text = value;
	a->args[a->count++].is_text = true;
}

static void in_order(struct ask *a, const char *column, bool newest_first, size_t limit)
{
	bool bounded = limit > 0 && limit < INT64_MAX;

	buf_str(&a->sql, " ORDER BY ");
	buf_str(&a->sql, column);
	and_number(a, true, newest_first ? " DESC LIMIT ?" : " LIMIT ?",
		   bounded ? (int64_t)limit : -1);
}

static struct sq ask_start(struct store *store, struct ask *a)
{
	struct sq q;

	if (buf_failed(&a->sql)) {
		q = sq_ask(store, "SELECT 0 WHERE 0");
		sq_fail_text(store, "out of memory");
	} else {
		q = sq_ask(store, buf_cstr(&a->sql));
	}
	for (size_t i = 0; i < a->count && !store->failed; i++) {
		if (a->args[i].is_text)
			sq_put_text(&q, a->args[i].text);
		else
			sq_put_int(&q, a->args[i].number);
	}
	buf_fini(&a->sql);
	return q;
}

static enum fate ask_end(struct sq *q)
{
	struct store *store = q->store;

	sq_drop(q);
	return store->failed ? FATE_RETRY : FATE_OK;
}

/* ---- Events. ---- */

/* The first comparison lets the index skip what comes before; the second one is
 * on bytes, as GLOB and LIKE would give some bytes a meaning. */
static void and_type(struct ask *a, struct text type)
{
	struct text prefix = type;

	if (!text_ends(type, TEXT("*"))) {
		and_text(a, type.n > 0, " AND e.type = (SELECT n.id FROM names n WHERE n.name = ?)",
			 type);
		return;
	}
	prefix.n--;
	and_text(a, prefix.n > 0, " AND e.type IN (SELECT n.id FROM names n WHERE n.name >= ?",
		 prefix);
	and_number(a, prefix.n > 0, " AND substr(CAST(n.name AS BLOB), 1, ?", (int64_t)prefix.n);
	and_text(a, prefix.n > 0, ") = CAST(? AS BLOB))", prefix);
}

enum fate store_query_events(struct store *store, const struct event_query *query,
			     bool (*visit)(void *of, const struct event_record *event), void *of)
{
	struct ask a;
	struct sq q;
	struct sq_scratch scratch;
	struct event_record event;
	bool go_on = true;
	int64_t seq = 0;

	assert(store != NULL && query != NULL && visit != NULL);
	if (query->id.n > 0)
		seq = sq_find_event(store, query->id);
	if (query->id.n > 0 && seq == 0)
		return store->failed ? FATE_RETRY : FATE_OK;
	ask_init(&a, "SELECT " SQ_EVENT_COLUMNS " FROM events e WHERE 1");
	and_number(&a, seq > 0, " AND e.seq = ?", seq);
	and_number(&a, query->after_seq > 0, " AND e.seq > ?", query->after_seq);
	and_number(&a, query->since > 0,
		   " AND e.seq IN (SELECT seq FROM events WHERE received >= ?)", query->since);
	and_type(&a, query->type);
	in_order(&a, "e.seq", query->newest_first, query->limit);
	q = ask_start(store, &a);
	while (go_on && sq_row(&q)) {
		sq_read_event(&q, &scratch, &event);
		go_on = visit(of, &event);
	}
	return ask_end(&q);
}

/* ---- Runs. ---- */

#define BIT(state) (1u << (state))
#define UNFINISHED_STATES                                                                          \
	(BIT(RUN_PENDING) | BIT(RUN_STARTED) | BIT(RUN_WAITING) | BIT(RUN_DEAD) | BIT(RUN_IN_DOUBT))

static void list_states(struct ask *a, unsigned states)
{
	const char *between = "";

	for (int state = 0; state < 32; state++) {
		if ((states & BIT(state)) == 0)
			continue;
		buf_str(&a->sql, between);
		buf_int(&a->sql, state);
		between = ", ";
	}
}

static void and_states(struct ask *a, unsigned states)
{
	bool indexed = (states & ~UNFINISHED_STATES) == 0;

	if (states == 0)
		return;
	buf_str(&a->sql, indexed ? " AND r.id IN (SELECT id FROM runs INDEXED BY runs_unfinished"
				   " WHERE " SQ_UNFINISHED " AND state IN ("
				 : " AND r.state IN (");
	list_states(a, states);
	buf_str(&a->sql, indexed ? "))" : ")");
}

enum fate store_query_runs(struct store *store, const struct run_query *query,
			   bool (*visit)(void *of, const struct run_record *run), void *of)
{
	struct ask a;
	struct sq q;
	struct run_record run;
	bool go_on = true;

	assert(store != NULL && query != NULL && visit != NULL);
	ask_init(&a, "SELECT " SQ_RUN_COLUMNS " FROM runs r WHERE 1");
	and_number(&a, query->after_id > 0, " AND r.id > ?", query->after_id);
	and_number(&a, query->id > 0, " AND r.id = ?", query->id);
	and_number(&a, query->event > 0, " AND r.event = ?", query->event);
	and_number(&a, query->since > 0, " AND r.id IN (SELECT id FROM runs WHERE created >= ?)",
		   query->since);
	and_text(&a, query->rule.n > 0, " AND r.rule = (SELECT n.id FROM names n WHERE n.name = ?)",
		 query->rule);
	and_states(&a, query->states);
	in_order(&a, "r.id", query->newest_first, query->limit);
	q = ask_start(store, &a);
	while (go_on && sq_row(&q)) {
		sq_read_run(&q, &run);
		go_on = visit(of, &run);
	}
	return ask_end(&q);
}

static void read_attempt(const struct sq *q, char scratch[SQ_ID_ROOM], struct attempt_record *out)
{
	out->run = sq_int(q, 0);
	out->step = (int)sq_int(q, 1);
	out->n = (int)sq_int(q, 2);
	out->started = sq_int(q, 3);
	out->ended = sq_int(q, 4);
	out->status = (int)sq_int(q, 5);
	out->key = sq_id(q, 6, scratch);
	out->error = sq_text(q, 7);
	out->request = sq_text(q, 8);
	out->reply = sq_text(q, 9);
	out->fate = sq_text(q, 10);
	out->data_at = 0;
}

/* Puts the event's data into the request where it was left out. */
static void put_data(const struct sq *q, struct buf *room, struct attempt_record *out)
{
	struct text request = out->request;
	int64_t at = sq_int(q, 11);

	if (at <= 0 || (uint64_t)at > request.n)
		return;
	buf_clear(room);
	buf_put(room, request.s, (size_t)at);
	buf_str(room, ",\"body\":");
	value_write_text(room, sq_text(q, 12));
	buf_put(room, request.s + at, request.n - (size_t)at);
	if (buf_failed(room))
		sq_fail_text(q->store, "out of memory");
	else
		out->request = buf_view(room);
}

enum fate store_query_attempts(struct store *store, int64_t run,
			       bool (*visit)(void *of, const struct attempt_record *attempt),
			       void *of)
{
	struct sq q;
	struct attempt_record attempt;
	char scratch[SQ_ID_ROOM];
	bool go_on = run > 0 && run < INT64_C(1) << (62 - SQ_ATTEMPT_BITS);
	struct buf request;

	assert(store != NULL && visit != NULL);
	buf_init(&request, MOST_REQUEST);
	q = sq_ask(store, "SELECT ?1, step, n, started, ended, status, key, error, request, reply,"
			  " " SQ_NAMED("fate") ", data_at, CASE WHEN data_at > 0 THEN"
					       " (SELECT e.data FROM runs r JOIN events e"
					       " ON e.seq = r.event WHERE r.id = ?1) END"
					       " FROM attempts WHERE id BETWEEN ?2 AND ?3"
					       " ORDER BY id");
	if (go_on) {
		sq_put_int(&q, run);
		sq_put_int(&q, run << SQ_ATTEMPT_BITS);
		sq_put_int(&q, ((run + 1) << SQ_ATTEMPT_BITS) - 1);
	}
	while (go_on && sq_row(&q)) {
		read_attempt(&q, scratch, &attempt);
		put_data(&q, &request, &attempt);
		go_on = !store->failed && visit(of, &attempt);
	}
	buf_fini(&request);
	return ask_end(&q);
}

enum fate store_query_cursors(struct store *store,
			      bool (*visit)(void *of, struct text source, struct text json),
			      void *of)
{
	struct sq q;
	bool go_on = true;

	assert(store != NULL && visit != NULL);
	q = sq_ask(store, "SELECT n.name, c.json FROM cursors c JOIN names n ON n.id = c.source"
			  " ORDER BY n.name");
	while (go_on && sq_row(&q))
		go_on = visit(of, sq_text(&q, 0), sq_text(&q, 1));
	return ask_end(&q);
}
