/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_bodies - the bodies that events came in.
 *
 * They are columns of the event's row, and go with it. `media` is NULL where none
 * was kept; `body` is NULL where it is the event's data to the byte (a sender that
 * writes JSON as we do), else packed against the data; `body_of` names the event
 * that keeps it, when several came in one body.
 *
 * I1  An event that others refer to stays until they are gone (sqlite_retain.c). */
#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/store/sqlite_internal.h"

/* The usual media types as numbers from 0: never reordered, new ones are appended. */
static const char *const usual[] = {
	"application/json",
	"application/json; charset=utf-8",
	"application/json;charset=utf-8",
	"application/cloudevents+json",
	"application/cloudevents+json; charset=utf-8",
	"application/cloudevents-batch+json",
	"application/x-www-form-urlencoded",
};

#define USUAL ((int64_t)(sizeof(usual) / sizeof(usual[0])))

static void put_media(struct sq *q, struct text media)
{
	for (int64_t i = 0; i < USUAL; i++) {
		if (!text_is(media, usual[i]))
			continue;
		sq_put_int(q, i);
		return;
	}
	sq_put_text(q, media);
}

static struct text get_media(const struct sq *q, int column)
{
	int64_t n;

	if (sqlite3_column_type(q->stmt, column) != SQLITE_INTEGER)
		return sq_text(q, column);
	n = sq_int(q, column);
	return n >= 0 && n < USUAL ? text_of(usual[n]) : TEXT_NONE;
}

static void put_packed(struct sq *q, struct text body, struct text data)
{
	struct store *store = q->store;
	struct buf packed;

	buf_init(&packed, PACK_MOST(body.n));
	if (store->packer == NULL)
		store->packer = packer_new();
	if (store->packer != NULL && packer_pack(store->packer, body, data, &packed))
		sq_put_blob(q, buf_view(&packed));
	else
		sq_fail_text(store, "out of memory");
	buf_fini(&packed);
}

void sq_put_body(struct sq *q, const struct event_record *event)
{
	const struct event_body *body = event->body;

	if (body == NULL) {
		sq_put_null(q);
		sq_put_null(q);
		sq_put_null(q);
		return;
	}
	put_media(q, body->media);
	if (body->of != 0)
		sq_put_int(q, body->of);
	else
		sq_put_null(q);
	if (body->of != 0 || text_eq(body->bytes, event->data))
		sq_put_null(q);
	else
		put_packed(q, body->bytes, event->data);
}

static bool unpack_body(struct store *store, struct arena *arena, struct text packed,
			struct text data, struct text *out)
{
	struct buf plain;
	bool whole;

	buf_init(&plain, LIMIT_BODY_MAX);
	whole = unpack(packed, data, &plain);
	if (whole)
		*out = text_dup(arena, buf_view(&plain));
	else
		sq_fail_text(store, "a body that was kept can't be read");
	buf_fini(&plain);
	return whole;
}

/* The row of the event that keeps it. */
static bool get_bytes(struct store *store, struct arena *arena, int64_t seq, struct text *out)
{
	struct sq q = sq_use(store, SQ_BODY_GET,
			     "SELECT data, body FROM events WHERE seq = ?1"
			     " AND media IS NOT NULL AND body_of IS NULL");
	bool found;

	sq_put_int(&q, seq);
	found = sq_row(&q);
	if (found && sqlite3_column_type(q.stmt, 1) == SQLITE_NULL)
		*out = text_dup(arena, sq_text(&q, 0));
	else if (found)
		found = unpack_body(store, arena, sq_text(&q, 1), sq_text(&q, 0), out);
	sq_done(&q);
	return found;
}

bool store_get_body(struct store *store, struct arena *arena, int64_t seq, struct event_body *out)
{
	struct sq q;

	assert(store != NULL && arena != NULL && out != NULL);
	q = sq_use(store, SQ_BODY_FIND,
		   "SELECT media, body_of FROM events WHERE seq = ?1 AND media IS NOT NULL");
	sq_put_int(&q, seq);
	if (!sq_row(&q))
		return false;
	*out =
	    (struct event_body){ .media = text_dup(arena, get_media(&q, 0)), .of = sq_int(&q, 1) };
	sq_done(&q);
	return get_bytes(store, arena, out->of != 0 ? out->of : seq, &out->bytes);
}
