/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_names - short texts that come again and again (sources, types, rules,
 * revisions, kinds) are kept once, in the table `names`, and as a small number
 * everywhere else.
 *
 * I1  A number never changes its meaning: names are never deleted, so a reader
 *     may cache them without asking again.
 * I2  The cache holds only what is in the table or was added by the batch in
 *     hand; a rollback empties it.
 * Never: caches that a name is absent. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/store/sqlite_internal.h"

static void remember(struct store *store, struct text name, int64_t number)
{
	assert(number > 0);
	if (store->names != NULL && map_count(store->names) >= LIMIT_STORE_NAMES)
		sq_names_forget(store);
	if (store->names == NULL)
		store->names = map_new();
	if (store->names != NULL) /* a cache may stay empty */
		(void)map_put(store->names, name, (void *)(intptr_t)number);
}

int64_t sq_name_find(struct store *store, struct text name)
{
	int64_t number = SQ_NAME_NEW;
	struct sq q;

	if (name.n == 0)
		return SQ_NAME_NONE;
	if (store->names != NULL)
		number = (intptr_t)map_get(store->names, name);
	if (number > 0)
		return number;
	q = sq_use(store, SQ_NAME_FIND, "SELECT id FROM names WHERE name = ?1");
	sq_put_text(&q, name);
	if (!sq_row(&q))
		return SQ_NAME_NEW;
	number = sq_int(&q, 0);
	sq_done(&q);
	remember(store, name, number);
	return number;
}

int64_t sq_name(struct store *store, struct text name)
{
	int64_t number = sq_name_find(store, name);
	struct sq q;

	assert(store->in_batch);
	if (number != SQ_NAME_NEW || store->failed)
		return number;
	q = sq_use(store, SQ_NAME_ADD, "INSERT INTO names(name) VALUES (?1)");
	sq_put_text(&q, name);
	sq_run(&q);
	if (store->failed)
		return SQ_NAME_NEW;
	number = sqlite3_last_insert_rowid(store->db);
	remember(store, name, number);
	return number;
}

void sq_names_forget(struct store *store)
{
	map_free(store->names);
	store->names = NULL;
}
