/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_manifests - what each plugin said of itself last.
 *
 * I1  One row a plugin. A plugin that is no longer configured keeps its own: it is
 *     one row of at most 256 KiB. */
#include <assert.h>

#include "engine/store/sqlite_internal.h"

void store_put_manifest(struct store *store, struct text plugin, struct text json, int64_t seen)
{
	struct sq q;

	assert(store != NULL && store->in_batch && plugin.n > 0);
	q = sq_use(store, SQ_MANIFEST_PUT,
		   "INSERT OR REPLACE INTO manifests (plugin, seen, json) VALUES (?1, ?2, ?3)");
	sq_put_text(&q, plugin);
	sq_put_int(&q, seen);
	sq_put_text(&q, json);
	sq_run(&q);
}

bool store_get_manifest(struct store *store, struct arena *arena, struct text plugin,
			struct text *json, int64_t *seen)
{
	struct sq q;

	assert(store != NULL && arena != NULL && json != NULL && seen != NULL);
	q = sq_use(store, SQ_MANIFEST_GET, "SELECT seen, json FROM manifests WHERE plugin = ?1");
	sq_put_text(&q, plugin);
	if (!sq_row(&q))
		return false;
	*seen = sq_int(&q, 0);
	*json = text_dup(arena, sq_text(&q, 1));
	sq_done(&q);
	return true;
}
