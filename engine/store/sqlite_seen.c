/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_seen - which deliveries were seen, and the events they became.
 *
 * A delivery is known by the 128-bit hash of (source, sender's id), which is
 * random: put straight into the table `seen`, nearly every one would dirty a
 * page of its own, and that costs as much as all the rest of an event. So new
 * entries are appended to the table `fresh`, where a map in memory finds them.
 * When there are LIMIT_STORE_FRESH of them they are moved in the order of their
 * hashes, many to a page, a few with every new entry, so that no batch is long:
 *
 *   gather: sort the entries that are in `fresh` now
 *   move:   copy them into `seen`, in that order
 *   trim:   delete them from `fresh`, oldest first
 *
 * I1  What is moved is in both tables until it is trimmed, so any of these steps
 *     may be lost in a crash; moving twice changes nothing.
 * I2  Of two entries with one hash the one put later counts: it has the larger
 *     row, is in the map, and is moved later.
 * I3  After a rollback the map is read again from `fresh`.
 * Readers have no map and search all of `fresh`, which is small. */
#include <assert.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/store/sqlite_internal.h"

struct hash {
	char bytes[SQ_ID_BYTES];
};

struct entry {
	struct hash hash;
	int64_t row;
};

struct seen {
	struct map *rows;  /* hash -> row of `fresh` */
	int64_t first_row; /* none is before it */
	int64_t last_row;  /* counted here: SQLite would begin again once `fresh` is empty */
	struct entry *moving;
	size_t moving_n, moved; /* moving[moved...] are left */
	int64_t trim_to;        /* rows up to this one are to be deleted; 0: none */
};

static struct hash hash_of(struct text source, struct text key)
{
	const struct text parts[] = { source, key };
	char hex[HASH_HEX];
	struct hash hash = { { 0 } };
	bool packed;

	hash_name(parts, 2, hex);
	packed = sq_pack_id(text_of(hex), hash.bytes);
	assert(packed);
	(void)packed;
	return hash;
}

static struct text view(const struct hash *hash)
{
	return (struct text){ hash->bytes, sizeof(hash->bytes) };
}

void sq_seen_forget(struct store *store)
{
	if (store->seen == NULL)
		return;
	map_free(store->seen->rows);
	mem_free(store->seen->moving);
	mem_free(store->seen);
	store->seen = NULL;
}

/* ---- The map. ---- */

static bool remember(struct store *store, struct text hash, int64_t row)
{
	store->seen->last_row = row;
	if (map_put(store->seen->rows, hash, (void *)(intptr_t)row))
		return true;
	sq_fail_text(store, "out of memory");
	return false;
}

/* Makes the map when there is none; false when that failed. */
static bool loaded(struct store *store)
{
	struct sq q;

	if (store->seen != NULL)
		return true;
	store->seen = mem_zero(1, sizeof(*store->seen));
	if (store->seen != NULL)
		store->seen->rows = map_new();
	if (store->seen == NULL || store->seen->rows == NULL) {
		sq_fail_text(store, "out of memory");
		sq_seen_forget(store);
		return false;
	}
	q = sq_use(store, SQ_FRESH_ALL, "SELECT hash, row FROM fresh ORDER BY row");
	while (sq_row(&q) && remember(store, sq_text(&q, 0), sq_int(&q, 1)))
		if (store->seen->first_row == 0)
			store->seen->first_row = store->seen->last_row;
	sq_done(&q);
	if (store->failed)
		sq_seen_forget(store);
	return !store->failed;
}

/* ---- Moving. ---- */

static int by_hash_then_row(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(x->hash.bytes, y->hash.bytes, sizeof(x->hash.bytes));

	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static void gather(struct store *store)
{
	struct seen *seen = store->seen;
	struct text hash;
	void *row;
	size_t at = 0;

	seen->moved = seen->moving_n = 0;
	seen->moving = mem_zero(map_count(seen->rows), sizeof(*seen->moving));
	if (seen->moving == NULL)
		return; /* another time: until then `fresh` grows */
	while (map_next(seen->rows, &at, &hash, &row)) {
		struct entry *entry = &seen->moving[seen->moving_n++];

		memcpy(entry->hash.bytes, hash.s, sizeof(entry->hash.bytes));
		entry->row = (intptr_t)row;
		if (entry->row > seen->trim_to)
			seen->trim_to = entry->row;
	}
	qsort(seen->moving, seen->moving_n, sizeof(*seen->moving), by_hash_then_row);
}

static void move_one(struct store *store)
{
	struct seen *seen = store->seen;
	const struct entry *entry = &seen->moving[seen->moved++];
	struct text hash = view(&entry->hash);
	struct sq q = sq_use(store, SQ_FRESH_MOVE,
			     "INSERT OR REPLACE INTO seen (hash, expires, event)"
			     " SELECT hash, expires, event FROM fresh WHERE row = ?1");

	sq_put_int(&q, entry->row);
	sq_run(&q);
	if ((intptr_t)map_get(seen->rows, hash) == entry->row)
		(void)map_drop(seen->rows, hash);
	if (seen->moved < seen->moving_n)
		return;
	mem_free(seen->moving);
	seen->moving = NULL;
}

static void trim_some(struct store *store)
{
	struct seen *seen = store->seen;
	int64_t last = seen->first_row + SQ_TRIM_STEP - 1;
	struct sq q = sq_use(store, SQ_FRESH_TRIM, "DELETE FROM fresh WHERE row BETWEEN ?1 AND ?2");

	if (last > seen->trim_to)
		last = seen->trim_to;
	sq_put_int(&q, seen->first_row);
	sq_put_int(&q, last);
	sq_run(&q);
	seen->first_row = last + 1;
	if (last == seen->trim_to)
		seen->trim_to = 0;
}

/* Twice as fast as entries come; trimming, which is cheap, in larger steps. */
static void tidy(struct store *store)
{
	struct seen *seen = store->seen;

	if (seen->moving != NULL) {
		for (int i = 0; i < 2 && seen->moving != NULL && !store->failed; i++)
			move_one(store);
	} else if (seen->trim_to != 0) {
		trim_some(store);
	} else if (map_count(seen->rows) >= LIMIT_STORE_FRESH) {
		gather(store);
	}
}

/* ---- The contract. ---- */

static void put_fresh(struct store *store, int64_t row, const struct hash *hash,
		      struct text event_id, int64_t expires)
{
	struct sq q =
	    sq_use(store, SQ_FRESH_PUT,
		   "INSERT INTO fresh (row, hash, expires, event) VALUES (?1, ?2, ?3, ?4)");

	sq_put_int(&q, row);
	sq_put_blob(&q, view(hash));
	sq_put_int(&q, expires);
	sq_put_id(&q, event_id);
	sq_run(&q);
}

void store_put_seen(struct store *store, struct text source, struct text key, struct text event_id,
		    int64_t expires)
{
	struct hash hash;
	int64_t row;

	assert(store != NULL && store->in_batch);
	if (store->failed || !loaded(store))
		return;
	hash = hash_of(source, key);
	row = store->seen->last_row + 1;
	put_fresh(store, row, &hash, event_id, expires);
	if (!store->failed && remember(store, view(&hash), row))
		tidy(store);
}

/* Steps to the newest entry of a hash in `fresh`. */
static bool find_fresh(struct store *store, const struct hash *hash, struct sq *q)
{
	int64_t row = 0;

	if (store->reader) {
		*q = sq_use(store, SQ_FRESH_FIND,
			    "SELECT event, expires FROM fresh WHERE hash = ?1"
			    " ORDER BY row DESC LIMIT 1");
		sq_put_blob(q, view(hash));
		return sq_row(q);
	}
	if (loaded(store))
		row = (intptr_t)map_get(store->seen->rows, view(hash));
	if (row == 0)
		return false;
	*q = sq_use(store, SQ_FRESH_GET, "SELECT event, expires FROM fresh WHERE row = ?1");
	sq_put_int(q, row);
	return sq_row(q);
}

static bool find_old(struct store *store, const struct hash *hash, struct sq *q)
{
	*q = sq_use(store, SQ_SEEN_GET, "SELECT event, expires FROM seen WHERE hash = ?1");
	sq_put_blob(q, view(hash));
	return sq_row(q);
}

bool store_get_seen(struct store *store, struct arena *arena, struct text source, struct text key,
		    int64_t now, struct text *event_id)
{
	char scratch[SQ_ID_ROOM];
	struct hash hash;
	struct sq q;
	bool live;

	assert(store != NULL && arena != NULL && event_id != NULL);
	hash = hash_of(source, key);
	if (!find_fresh(store, &hash, &q) && (store->failed || !find_old(store, &hash, &q)))
		return false;
	live = sq_int(&q, 1) > now;
	if (live)
		*event_id = text_dup(arena, sq_id(&q, 0, scratch));
	sq_done(&q);
	return live;
}
