/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_tables - the rows of tables that rules keep.
 *
 * I1  Each cell of a row is in the index `cells`, so a row is found by any of its
 *     columns, whatever the table is declared to be unique by now.
 * I2  `stored` counts the rows of each table that ever had one. */
#include <assert.h>

#include "engine/store/sqlite_internal.h"

/* ---- Reading. ---- */

bool store_get_row(struct store *store, struct arena *arena, struct text table, struct text key,
		   struct text *json)
{
	int64_t number;
	struct sq q;

	assert(store != NULL && arena != NULL && json != NULL);
	number = sq_name_find(store, table);
	if (number == SQ_NAME_NEW)
		return false;
	q = sq_use(store, SQ_ROW_GET, "SELECT json FROM kept WHERE tbl = ?1 AND key = ?2");
	sq_put_int(&q, number);
	sq_put_text(&q, key);
	if (!sq_row(&q))
		return false;
	*json = text_dup(arena, sq_text(&q, 0));
	sq_done(&q);
	return true;
}

int64_t store_count_rows(struct store *store, struct text table)
{
	int64_t number, count = 0;
	struct sq q;

	assert(store != NULL);
	number = sq_name_find(store, table);
	if (number == SQ_NAME_NEW)
		return 0;
	q = sq_use(store, SQ_ROW_COUNT, "SELECT count FROM stored WHERE tbl = ?1");
	sq_put_int(&q, number);
	if (sq_row(&q)) {
		count = sq_int(&q, 0);
		sq_done(&q);
	}
	return count;
}

static void visit_rows(struct sq *q, bool (*visit)(void *of, struct text key, struct text json),
		       void *of)
{
	bool go_on = true;

	while (go_on && sq_row(q))
		go_on = visit(of, sq_text(q, 0), sq_text(q, 1));
	if (!go_on)
		sq_done(q);
}

void store_each_row(struct store *store, struct text table, size_t limit,
		    bool (*visit)(void *of, struct text key, struct text json), void *of)
{
	int64_t number;
	struct sq q;

	assert(store != NULL && visit != NULL);
	number = sq_name_find(store, table);
	if (number == SQ_NAME_NEW)
		return;
	q = sq_use(store, SQ_ROW_ALL,
		   "SELECT key, json FROM kept WHERE tbl = ?1 ORDER BY key LIMIT ?2");
	sq_put_int(&q, number);
	sq_put_int(&q, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
	visit_rows(&q, visit, of);
}

void store_find_rows(struct store *store, struct text table, const struct table_cell *cell,
		     size_t limit, bool (*visit)(void *of, struct text key, struct text json),
		     void *of)
{
	int64_t number, column;
	struct sq q;

	assert(store != NULL && cell != NULL && visit != NULL);
	number = sq_name_find(store, table);
	column = number == SQ_NAME_NEW ? SQ_NAME_NEW : sq_name_find(store, cell->column);
	if (column == SQ_NAME_NEW)
		return;
	q = sq_use(
	    store, SQ_ROW_FIND,
	    "SELECT k.key, k.json FROM cells c JOIN kept k ON k.tbl = c.tbl AND k.key = c.key"
	    " WHERE c.tbl = ?1 AND c.col = ?2 AND c.value = ?3 ORDER BY c.key LIMIT ?4");
	sq_put_int(&q, number);
	sq_put_int(&q, column);
	sq_put_text(&q, cell->value);
	sq_put_int(&q, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
	visit_rows(&q, visit, of);
}

void store_each_table(struct store *store, bool (*visit)(void *of, struct text table, int64_t rows),
		      void *of)
{
	bool go_on = true;
	struct sq q;

	assert(store != NULL && visit != NULL);
	q = sq_ask(store, "SELECT n.name, s.count FROM stored s JOIN names n ON n.id = s.tbl"
			  " ORDER BY n.name");
	while (go_on && sq_row(&q))
		go_on = visit(of, sq_text(&q, 0), sq_int(&q, 1));
	sq_drop(&q);
}

/* ---- Writing. ---- */

static void run_key(struct store *store, enum sq_slot slot, const char *sql, int64_t table,
		    struct text key)
{
	struct sq q = sq_use(store, slot, sql);

	sq_put_int(&q, table);
	sq_put_text(&q, key);
	sq_run(&q);
}

static void count_row(struct store *store, int64_t table, int more)
{
	struct sq q = sq_use(store, SQ_ROW_COUNTED,
			     "INSERT INTO stored (tbl, count) VALUES (?1, ?2)"
			     " ON CONFLICT (tbl) DO UPDATE SET count = count + excluded.count");

	sq_put_int(&q, table);
	sq_put_int(&q, more);
	sq_run(&q);
}

/* True when there was one. */
static bool drop_row(struct store *store, int64_t table, struct text key)
{
	run_key(store, SQ_ROW_DROP, "DELETE FROM kept WHERE tbl = ?1 AND key = ?2", table, key);
	if (store->failed || sqlite3_changes(store->db) == 0)
		return false;
	run_key(store, SQ_CELLS_DROP, "DELETE FROM cells WHERE tbl = ?1 AND key = ?2", table, key);
	return true;
}

static void put_cell(struct store *store, int64_t table, struct text key,
		     const struct table_cell *cell)
{
	struct sq q = sq_use(store, SQ_CELL_PUT,
			     "INSERT INTO cells (tbl, col, value, key) VALUES (?1, ?2, ?3, ?4)");

	sq_put_int(&q, table);
	sq_put_name(&q, cell->column);
	sq_put_text(&q, cell->value);
	sq_put_text(&q, key);
	sq_run(&q);
}

void store_put_row(struct store *store, struct text table, struct text key, struct text json,
		   const struct table_cell *cells, size_t count)
{
	int64_t number;
	bool known;
	struct sq q;

	assert(store != NULL && store->in_batch);
	assert(key.n > 0 && (cells != NULL || count == 0));
	number = sq_name(store, table);
	known = drop_row(store, number, key);
	q = sq_use(store, SQ_ROW_PUT, "INSERT INTO kept (tbl, key, json) VALUES (?1, ?2, ?3)");
	sq_put_int(&q, number);
	sq_put_text(&q, key);
	sq_put_text(&q, json);
	sq_run(&q);
	for (size_t i = 0; i < count; i++)
		put_cell(store, number, key, &cells[i]);
	if (!known)
		count_row(store, number, 1);
}

bool store_drop_row(struct store *store, struct text table, struct text key)
{
	int64_t number;

	assert(store != NULL && store->in_batch);
	number = sq_name_find(store, table);
	if (number == SQ_NAME_NEW || !drop_row(store, number, key))
		return false;
	count_row(store, number, -1);
	return true;
}
