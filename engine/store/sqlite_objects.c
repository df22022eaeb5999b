/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_objects - where each source stands, and the last known state of every
 * object polled.
 *
 * I1  One row per (kind, id): there is one writer, and it updates before it
 *     inserts. The index holds the hash too, so "did it change" and walking all
 *     ids never touch the rows with the data. */
#include <assert.h>

#include "engine/store/sqlite_internal.h"

bool store_get_cursor(struct store *store, struct arena *arena, struct text source,
		      struct text *json)
{
	int64_t number;
	struct sq q;

	assert(store != NULL && arena != NULL && json != NULL);
	number = sq_name_find(store, source);
	if (number == SQ_NAME_NEW)
		return false;
	q = sq_use(store, SQ_CURSOR_GET, "SELECT json FROM cursors WHERE source = ?1");
	sq_put_int(&q, number);
	if (!sq_row(&q))
		return false;
	*json = text_dup(arena, sq_text(&q, 0));
	sq_done(&q);
	return true;
}

void store_put_cursor(struct store *store, struct text source, struct text json)
{
	struct sq q;

	assert(store != NULL && store->in_batch);
	q = sq_use(store, SQ_CURSOR_PUT,
		   "INSERT OR REPLACE INTO cursors (source, json) VALUES (?1, ?2)");
	sq_put_name(&q, source);
	sq_put_text(&q, json);
	sq_run(&q);
}

/* Steps to the row of an object, if there is one; `kind` is its number. */
static bool find_object(struct sq *q, int64_t kind, struct text id)
{
	sq_put_int(q, kind);
	sq_put_text(q, id);
	return sq_row(q);
}

bool store_get_object_hash(struct store *store, struct text kind, struct text id, uint64_t *hash)
{
	int64_t number;
	struct sq q;

	assert(store != NULL && hash != NULL);
	number = sq_name_find(store, kind);
	if (number == SQ_NAME_NEW)
		return false;
	q = sq_use(store, SQ_OBJECT_HASH,
		   "SELECT hash FROM objects INDEXED BY objects_by_id WHERE kind = ?1 AND id = ?2");
	if (!find_object(&q, number, id))
		return false;
	*hash = (uint64_t)sq_int(&q, 0);
	sq_done(&q);
	return true;
}

bool store_get_object(struct store *store, struct arena *arena, struct text kind, struct text id,
		      uint64_t *hash, struct text *data)
{
	int64_t number;
	struct sq q;

	assert(store != NULL && arena != NULL && hash != NULL && data != NULL);
	number = sq_name_find(store, kind);
	if (number == SQ_NAME_NEW)
		return false;
	q = sq_use(store, SQ_OBJECT_GET,
		   "SELECT hash, data FROM objects WHERE kind = ?1 AND id = ?2");
	if (!find_object(&q, number, id))
		return false;
	*hash = (uint64_t)sq_int(&q, 0);
	*data = text_dup(arena, sq_text(&q, 1));
	sq_done(&q);
	return true;
}

static void write_object(struct sq *q, struct text kind, struct text id, uint64_t hash,
			 struct text data)
{
	sq_put_name(q, kind);
	sq_put_text(q, id);
	sq_put_int(q, (int64_t)hash);
	sq_put_text(q, data);
	sq_run(q);
}

void store_put_object(struct store *store, struct text kind, struct text id, uint64_t hash,
		      struct text data)
{
	struct sq q;

	assert(store != NULL && store->in_batch);
	q = sq_use(store, SQ_OBJECT_UPDATE,
		   "UPDATE objects SET hash = ?3, data = ?4 WHERE kind = ?1 AND id = ?2");
	write_object(&q, kind, id, hash, data);
	if (store->failed || sqlite3_changes(store->db) > 0)
		return;
	q = sq_use(store, SQ_OBJECT_INSERT,
		   "INSERT INTO objects (kind, id, hash, data) VALUES (?1, ?2, ?3, ?4)");
	write_object(&q, kind, id, hash, data);
}

void store_drop_object(struct store *store, struct text kind, struct text id)
{
	int64_t number;
	struct sq q;

	assert(store != NULL && store->in_batch);
	number = sq_name_find(store, kind);
	if (number == SQ_NAME_NEW)
		return;
	q = sq_use(store, SQ_OBJECT_DROP, "DELETE FROM objects WHERE kind = ?1 AND id = ?2");
	(void)find_object(&q, number, id);
}

/* A statement of its own: the visitor may well call the functions above. */
size_t store_each_object(struct store *store, struct text kind, struct text after, size_t limit,
			 bool (*visit)(void *of, struct text id, uint64_t hash), void *of)
{
	bool go_on = true;
	size_t visited = 0;
	struct sq q;

	assert(store != NULL && visit != NULL);
	q = sq_ask(store,
		   "SELECT id, hash FROM objects INDEXED BY objects_by_id"
		   " WHERE kind = (SELECT n.id FROM names n WHERE n.name = ?1) AND objects.id > ?2"
		   " ORDER BY objects.id LIMIT ?3");
	sq_put_text(&q, kind);
	sq_put_text(&q, after);
	sq_put_int(&q, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
	while (go_on && sq_row(&q)) {
		visited++;
		go_on = visit(of, sq_text(&q, 0), (uint64_t)sq_int(&q, 1));
	}
	sq_drop(&q);
	return visited;
}
