/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_events - the history of events.
 *
 * An event's own id (event_own_id) is stored as NULL, one of 32 hex digits as 16
 * bytes, any other as text. */
#include <assert.h>
#include <stdio.h>

#include "engine/store/sqlite_internal.h"

void event_own_id(int64_t seq, int64_t received, char out[EVENT_OWN_ID])
{
	assert(seq > 0 && out != NULL);
	(void)snprintf(out, EVENT_OWN_ID, "%lld-%lld", (long long)seq, (long long)received);
}

static bool is_own(struct text id, int64_t seq, int64_t received)
{
	char own[EVENT_OWN_ID];

	event_own_id(seq, received, own);
	return text_is(id, own);
}

void store_put_event(struct store *store, const struct event_record *event)
{
	struct sq q;

	assert(store != NULL && store->in_batch && event->seq > 0);
	q = sq_use(store, SQ_EVENT_PUT,
		   "INSERT INTO events (source, type, connection, seq, time, received, cause,"
		   " depth, id, subject, data, prior, media, body_of, body)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
	sq_put_name(&q, event->source);
	sq_put_name(&q, event->type);
	sq_put_name(&q, event->connection);
	sq_put_int(&q, event->seq);
	sq_put_int(&q, event->time);
	sq_put_int(&q, event->received);
	sq_put_int(&q, event->cause);
	sq_put_int(&q, event->depth);
	if (is_own(event->id, event->seq, event->received))
		sq_put_null(&q);
	else
		sq_put_id(&q, event->id);
	sq_put_text(&q, event->subject);
	sq_put_text(&q, event->data);
	sq_put_text(&q, event->before);
	sq_put_body(&q, event);
	sq_run(&q);
}

void sq_read_event(const struct sq *q, struct sq_scratch *scratch, struct event_record *out)
{
	out->body = NULL;
	out->seq = sq_int(q, 0);
	out->time = sq_int(q, 1);
	out->received = sq_int(q, 2);
	out->cause = sq_int(q, 3);
	out->depth = (int)sq_int(q, 4);
	out->id = sq_id(q, 5, scratch->id);
	if (sqlite3_column_type(q->stmt, 5) == SQLITE_NULL) {
		event_own_id(out->seq, out->received, scratch->id);
		out->id = text_of(scratch->id);
	}
	out->subject = sq_text(q, 6);
	out->data = sq_text(q, 7);
	out->before = sq_text(q, 8);
	out->source = sq_text(q, 9);
	out->type = sq_text(q, 10);
	out->connection = sq_text(q, 11);
}

static void own_event(struct arena *arena, struct event_record *event)
{
	event->id = text_dup(arena, event->id);
	event->subject = text_dup(arena, event->subject);
	event->data = text_dup(arena, event->data);
	event->before = text_dup(arena, event->before);
	event->source = text_dup(arena, event->source);
	event->type = text_dup(arena, event->type);
	event->connection = text_dup(arena, event->connection);
}

bool store_get_event(struct store *store, struct arena *arena, int64_t seq,
		     struct event_record *out)
{
	struct sq_scratch scratch;
	struct sq q;

	assert(store != NULL && arena != NULL && out != NULL);
	q = sq_use(store, SQ_EVENT_GET,
		   "SELECT " SQ_EVENT_COLUMNS " FROM events e WHERE e.seq = ?1");
	sq_put_int(&q, seq);
	if (!sq_row(&q))
		return false;
	sq_read_event(&q, &scratch, out);
	own_event(arena, out);
	sq_done(&q);
	return true;
}

static bool groups_in_use(struct store *store, int64_t *oldest, int64_t *newest)
{
	struct sq q = sq_use(store, SQ_EVENT_RANGE,
			     "SELECT (SELECT min(seq) FROM events) >> " SQ_ID_GROUP
			     ", (SELECT max(seq) FROM events) >> " SQ_ID_GROUP);
	bool any;

	if (!sq_row(&q))
		return false;
	any = sqlite3_column_type(q.stmt, 0) != SQLITE_NULL;
	*oldest = sq_int(&q, 0);
	*newest = sq_int(&q, 1);
	sq_done(&q);
	return any;
}

static int64_t find_in_group(struct store *store, int64_t group, struct text id)
{
	struct sq q =
	    sq_use(store, SQ_EVENT_FIND,
		   "SELECT seq FROM events INDEXED BY events_by_id WHERE seq >> " SQ_ID_GROUP
		   " = ?1 AND id = ?2 ORDER BY seq DESC LIMIT 1");
	int64_t seq = 0;

	sq_put_int(&q, group);
	sq_put_id(&q, id);
	if (sq_row(&q))
		seq = sq_int(&q, 0);
	sq_done(&q);
	return seq;
}

/* The next older group with events: a store that was restored skips millions of numbers. */
static int64_t group_below(struct store *store, int64_t group)
{
	struct sq q = sq_use(
	    store, SQ_EVENT_BELOW,
	    "SELECT coalesce((SELECT max(seq) FROM events WHERE seq < ?1) >> " SQ_ID_GROUP ", -1)");
	int64_t below = -1;

	sq_put_int(&q, group << atoi(SQ_ID_GROUP));
	if (sq_row(&q))
		below = sq_int(&q, 0);
	sq_done(&q);
	return below;
}

/* Whether the id is the own one of an event that has no other. */
static bool is_unnamed(struct store *store, struct text id, int64_t *seq)
{
	struct text head, rest = text_split(id, '-', &head);
	int64_t received;
	struct sq q;
	bool found;

	if (!text_to_int(head, seq) || !text_to_int(rest, &received) || *seq <= 0 ||
	    !is_own(id, *seq, received))
		return false;
	q = sq_use(store, SQ_EVENT_UNNAMED,
		   "SELECT 1 FROM events WHERE seq = ?1 AND received = ?2 AND id IS NULL");
	sq_put_int(&q, *seq);
	sq_put_int(&q, received);
	found = sq_row(&q);
	sq_done(&q);
	return found;
}

int64_t sq_find_event(struct store *store, struct text id)
{
	int64_t seq, oldest, newest;

	if (is_unnamed(store, id, &seq))
		return seq;
	if (!groups_in_use(store, &oldest, &newest))
		return 0;
	seq = 0;
	for (int64_t group = newest; seq == 0 && group >= oldest && !store->failed;
	     group = group_below(store, group))
		seq = find_in_group(store, group, id);
	return seq;
}

bool store_get_event_by_id(struct store *store, struct arena *arena, struct text id,
			   struct event_record *out)
{
	int64_t seq;

	assert(store != NULL && arena != NULL && out != NULL);
	seq = sq_find_event(store, id);
	return seq > 0 && store_get_event(store, arena, seq, out);
}

int64_t store_last_event(struct store *store)
{
	struct sq q;
	int64_t last = 0;

	assert(store != NULL);
	q = sq_use(store, SQ_EVENT_LAST,
		   "SELECT max(coalesce((SELECT max(seq) FROM events), 0),"
		   " coalesce((SELECT n FROM marks WHERE what = 'event'), 0))");
	if (sq_row(&q))
		last = sq_int(&q, 0);
	sq_done(&q);
	return last;
}
