/* SPDX-License-Identifier: Apache-2.0
 *
 * tables - declarations of tables, and what stands in a column. */
#include "engine/rules/tables.h"

#include <assert.h>
#include <math.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/rules/table_file.h"

static const char *const type_words[] = { "text", "int", "number", "bool", NULL };

/* ---- Values and cells. ---- */

const char *column_type_word(enum column_type type)
{
	return type_words[type];
}

static bool cell_of(struct arena *arena, struct value v, struct text *cell)
{
	AUTO_FINI(buf_fini) struct buf plain;

	buf_init(&plain, LIMIT_TABLE_CELL);
	value_write_plain(&plain, v);
	if (plain.starved)
		arena_fail(arena);
	*cell = buf_failed(&plain) ? TEXT_NONE : text_dup(arena, buf_view(&plain));
	return cell->s != NULL;
}

static bool is_number(struct value v)
{
	return value_is(v, VALUE_INT) || value_is(v, VALUE_UINT) ||
	       (value_is(v, VALUE_DOUBLE) && isfinite(v.d));
}

static bool int_cell(struct arena *arena, struct value v, struct text *cell)
{
	int64_t i;

	if (value_is(v, VALUE_TEXT) && text_to_int(value_as_text(v), &i))
		v = value_int(i);
	else if (value_is(v, VALUE_DOUBLE) && floor(v.d) == v.d && fabs(v.d) <= 9007199254740992.0)
		v = value_int((int64_t)v.d);
	return value_is(v, VALUE_INT) && cell_of(arena, v, cell);
}

/* Numbers and true or false may come as text: in files and on command lines everything does. */
static bool plain_cell(struct arena *arena, bool number, struct value v, struct text *cell)
{
	if (value_is(v, VALUE_TEXT))
		(void)yaml_resolve(arena, value_as_text(v), &v);
	return (number ? is_number(v) : value_is(v, VALUE_BOOL)) && cell_of(arena, v, cell);
}

static bool text_cell(struct arena *arena, struct value v, struct text *cell)
{
	if (!value_is(v, VALUE_TEXT) && !value_is(v, VALUE_BOOL) && !value_is(v, VALUE_TIMESTAMP) &&
	    !is_number(v))
		return false;
	return cell_of(arena, v, cell);
}

bool column_cell(struct arena *arena, const struct column *column, struct value v,
		 struct text *cell)
{
	assert(arena != NULL && column != NULL && cell != NULL);
	*cell = TEXT_NONE;
	if (value_is(v, VALUE_NULL))
		return true;
	switch (column->type) {
	case COLUMN_TEXT:
		return text_cell(arena, v, cell);
	case COLUMN_INT:
		return int_cell(arena, v, cell);
	case COLUMN_NUMBER:
	case COLUMN_BOOL:
		break;
	}
	return plain_cell(arena, column->type == COLUMN_NUMBER, v, cell);
}

struct value column_value(struct arena *arena, const struct column *column, struct text cell)
{
	struct value v = value_null();
	int64_t i;

	assert(arena != NULL && column != NULL);
	if (cell.s == NULL)
		return v;
	if (column->type == COLUMN_TEXT)
		return value_text(cell);
	if (column->type == COLUMN_INT)
		return text_to_int(cell, &i) ? value_int(i) : v;
	(void)yaml_resolve(arena, cell, &v);
	if (column->type == COLUMN_BOOL)
		return value_is(v, VALUE_BOOL) ? v : value_null();
	if (value_is(v, VALUE_INT))
		return value_double((double)v.i);
	if (value_is(v, VALUE_UINT))
		return value_double((double)v.u);
	return value_is(v, VALUE_DOUBLE) ? v : value_null();
}

/* ---- Looking up. ---- */

const struct table *tables_find(const struct table_list *list, struct text name)
{
	assert(list != NULL);
	for (size_t i = 0; i < list->count; i++)
		if (text_eq(list->items[i]->name, name))
			return list->items[i];
	return NULL;
}

size_t table_column(const struct table *table, struct text name)
{
	assert(table != NULL);
	for (size_t i = 0; i < table->column_count; i++)
		if (text_eq(table->columns[i].name, name))
			return i;
	return SIZE_MAX;
}

static struct text ordered_cell(const struct table *table, size_t column, size_t i)
{
	return table->cells[table->orders[column][i] * table->column_count + column];
}

size_t table_rows_with(const struct table *table, size_t column, struct text cell,
		       const uint32_t **first)
{
	size_t low = 0, high, count = 0;

	assert(table != NULL && table->file.n > 0);
	assert(column < table->column_count && first != NULL);
	high = table->row_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_cmp(ordered_cell(table, column, middle), cell) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + count < table->row_count) {
		struct text other = ordered_cell(table, column, low + count);

		if (!text_eq(other, cell))
			break;
		/* Nothing is no value, but it is ordered as one. */
		if (other.s == NULL) {
			low++;
			continue;
		}
		count++;
	}
	*first = table->row_count > 0 ? table->orders[column] + low : NULL;
	return count;
}

struct value table_row(struct arena *arena, const struct table *table, size_t row)
{
	struct value_map_builder b;

	assert(arena != NULL && table != NULL && row < table->row_count);
	value_map_begin(&b, arena);
	value_map_room(&b, (uint32_t)table->column_count);
	for (size_t i = 0; i < table->column_count; i++)
		value_map_add(&b, value_text(table->columns[i].name),
			      column_value(arena, &table->columns[i],
					   table->cells[row * table->column_count + i]));
	return value_map_end(&b);
}

/* ---- Declarations. ---- */

static bool column_type(const struct reader *r, const struct yaml_node *node, enum column_type *out)
{
	int choice;

	if (!reader_choice(r, node, type_words, NULL, &choice))
		return false;
	*out = (enum column_type)choice;
	return true;
}

static struct column *column_named(struct declared_table *d, struct text name)
{
	for (size_t i = 0; i < d->table->column_count; i++)
		if (text_eq(d->columns[i].name, name))
			return &d->columns[i];
	return NULL;
}

static bool read_columns(const struct reader *r, const struct yaml_node *map,
			 struct declared_table *d)
{
	bool fine = true;

	if (!reader_map(r, map, "columns", "workspace_id", "text"))
		return false;
	if (map->count > LIMIT_TABLE_COLUMNS) {
		reader_error(r, map, "", "a table has at most %d columns", LIMIT_TABLE_COLUMNS);
		return false;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;
		struct column *column = &d->columns[d->table->column_count++];

		*column = (struct column){ .name = text_dup(r->arena, key->text) };
		d->keys[d->table->column_count - 1] = key;
		if (key->text.n == 0 || key->text.n > LIMIT_TABLE_NAME) {
			reader_error(r, key, "", "this is no name for a column");
			fine = false;
		}
		fine = column_type(r, map->pairs[i].val, &column->type) && fine;
	}
	return fine;
}

static void no_column(const struct reader *r, const struct yaml_node *node,
		      const struct declared_table *d)
{
	const char *names[LIMIT_TABLE_COLUMNS + 1];
	size_t n = 0;

	for (; n < d->table->column_count; n++)
		names[n] = d->columns[n].name.s != NULL ? d->columns[n].name.s : "";
	names[n] = NULL;
	reader_error(r, node, reader_nearest(r->arena, node->text, names),
		     "%.*s has no column \"%.*s\"", TEXT_ARG(d->table->name), TEXT_ARG(node->text));
}

static bool mark_unique(const struct reader *r, const struct yaml_node *node,
			struct declared_table *d)
{
	struct column *column = column_named(d, node->text);

	if (node->kind == YAML_MAP || node->kind == YAML_LIST) {
		reader_refuse(r, node, "the name of a column");
		return false;
	}
	if (column == NULL) {
		no_column(r, node, d);
		return false;
	}
	column->unique = true;
	return true;
}

bool table_marks(const struct reader *r, const struct yaml_node *map, struct declared_table *d)
{
	const struct yaml_node *unique = yaml_get(map, "unique");
	const struct yaml_node *key =
	    reader_need(r, map, "key", "the column that tells rows apart");
	bool fine = key != NULL && mark_unique(r, key, d);

	if (fine)
		d->table->key = (size_t)(column_named(d, key->text) - d->columns);
	if (unique == NULL)
		return fine;
	if (unique->kind != YAML_LIST)
		return mark_unique(r, unique, d) && fine;
	for (size_t i = 0; i < unique->count; i++)
		fine = mark_unique(r, unique->items[i], d) && fine;
	return fine;
}

static bool read_stored(const struct reader *r, const struct yaml_node *map,
			struct declared_table *d)
{
	const struct yaml_node *columns =
	    reader_need(r, map, "columns", "columns: { workspace_id: text }, or file: people.csv");

	return columns != NULL && read_columns(r, columns, d) && table_marks(r, map, d);
}

static bool read_file(const struct reader *r, const struct yaml_node *map, struct text directory,
		      const struct yaml_node *file, struct declared_table *d)
{
	const struct yaml_node *columns = yaml_get(map, "columns");
	struct text path;

	if (columns != NULL && !read_columns(r, columns, d))
		return false;
	if (!reader_text(r, file, &path))
		return false;
	d->table->file = reader_path(r->arena, directory, path);
	return d->table->file.s != NULL && table_file_read(r, map, file, d);
}

static bool name_fits(const struct reader *r, const struct yaml_node *key)
{
	if (key->text.n <= LIMIT_TABLE_NAME && reader_is_name(key->text))
		return true;
	reader_error(r, key, "small letters, digits, _ and -, a letter first",
		     "\"%.*s\" is no name for a table", TEXT_ARG(key->text));
	return false;
}

static bool same_column(const struct column *a, const struct column *b)
{
	return text_eq(a->name, b->name) && a->type == b->type && a->unique == b->unique;
}

/* Columns in another order are the same, too: they are told apart by name. */
static bool same_table(const struct table *a, const struct table *b)
{
	if (!text_eq(a->file, b->file) || a->column_count != b->column_count ||
	    !text_eq(a->columns[a->key].name, b->columns[b->key].name))
		return false;
	for (size_t i = 0; i < a->column_count; i++) {
		size_t k = table_column(b, a->columns[i].name);

		if (k == SIZE_MAX || !same_column(&a->columns[i], &b->columns[k]))
			return false;
	}
	return true;
}

/* False after reporting. */
static bool read_table(const struct reader *r, const struct yaml_pair *pair, struct text directory,
		       struct table *table)
{
	static const char *const known[] = { "file", "key", "unique", "columns", NULL };
	struct declared_table d = { .table = table };
	const struct yaml_node *file;

	d.columns = arena_zero(r->arena, LIMIT_TABLE_COLUMNS * sizeof(*d.columns));
	if (d.columns == NULL ||
	    !reader_map(r, pair->val, "a table",
			text_ends(pair->val->text, TEXT(".csv")) ? "file" : "key",
			"workspace_id") ||
	    !reader_keys(r, pair->val, "a table", known, NULL))
		return false;
	table->columns = d.columns;
	file = yaml_get(pair->val, "file");
	return file != NULL ? read_file(r, pair->val, directory, file, &d)
			    : read_stored(r, pair->val, &d);
}

static const struct table *declare(const struct reader *r, const struct yaml_pair *pair,
				   struct text directory)
{
	struct table *table = arena_zero(r->arena, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->name = text_dup(r->arena, pair->key->text);
	table->at = reader_place(r, pair->key);
	table->broken = !read_table(r, pair, directory, table);
	return table->name.s != NULL ? table : NULL;
}

/* A second declaration must say the same as the first; what is wrong with either is told once. */
static void agree(const struct reader *r, const struct yaml_node *key, const struct table *table,
		  const struct table *first)
{
	if (!table->broken && !first->broken && !same_table(table, first))
		reader_error(
		    r, key,
		    "tables belong to all files: say the same in each, or name it otherwise",
		    "%s:%d says something else of the table \"%.*s\"", first->at.file,
		    first->at.line, TEXT_ARG(key->text));
}

void tables_read(const struct reader *r, const struct yaml_node *map, struct text directory,
		 const struct table_list *others, struct table_list *out)
{
	const struct table **items;

	assert(r != NULL && map != NULL && out != NULL);
	if (!reader_map(r, map, "tables", "people", "{ file: people.csv, key: email }"))
		return;
	if (out->count + map->count > LIMIT_TABLES) {
		reader_error(r, map, "", "there are more than %d tables", LIMIT_TABLES);
		return;
	}
	items = arena_array(r->arena, out->count + map->count, sizeof(struct table *));
	if (items == NULL)
		return;
	if (out->count > 0)
		memcpy(items, out->items, out->count * sizeof(struct table *));
	out->items = items;
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_pair *pair = &map->pairs[i];
		const struct table *first, *table = NULL;

		if (name_fits(r, pair->key))
			table = declare(r, pair, directory);
		if (table == NULL)
			continue;
		first = others != NULL ? tables_find(others, table->name) : NULL;
		if (first == NULL)
			first = tables_find(out, table->name);
		if (first != NULL)
			agree(r, pair->key, table, first);
		else
			items[out->count++] = table;
	}
}
