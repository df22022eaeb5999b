/* SPDX-License-Identifier: Apache-2.0
 *
 * table_functions - row() and rows(): looking something up in a table.
 *
 * The tables are those of the set in force (tables.h); what is in the store comes
 * through the event's table_reader. Null looks up nothing, and so does a value
 * that can't stand in the column.
 * Never: caches. What a step has put is there for the next expression. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/load.h"

struct asking {
	struct cel_run *run;
	const struct table_reader *reader; /* or NULL */
	const struct table *table;
	size_t column; /* SIZE_MAX: all rows */
	struct text cell;
	size_t most;
};

static const struct table_reader *reader_of(const struct scope *scope)
{
	return scope->event->tables;
}

/* False with the error in *bad. */
static bool find_table(struct asking *a, const struct scope *scope, struct text name,
		       struct value *bad)
{
	const struct ruleset *set = a->reader != NULL ? a->reader->set : scope->rule->set;

	a->table = ruleset_table(set, name);
	if (a->table == NULL)
		*bad = cel_error(a->run, "there is no table \"%.*s\"", TEXT_ARG(name));
	return a->table != NULL;
}

static bool find_column(struct asking *a, struct text name, struct value *bad)
{
	a->column = table_column(a->table, name);
	if (a->column == SIZE_MAX)
		*bad = cel_error(a->run, "the table %.*s has no column \"%.*s\"",
				 TEXT_ARG(a->table->name), TEXT_ARG(name));
	return a->column != SIZE_MAX;
}

/* The rows of a file, at most a->most. */
static struct value rows_of_file(const struct asking *a)
{
	struct arena *arena = cel_arena(a->run);
	const uint32_t *first = NULL;
	size_t count = a->table->row_count;
	struct value_list_builder list;

	if (a->column != SIZE_MAX)
		count = table_rows_with(a->table, a->column, a->cell, &first);
	value_list_begin(&list, arena);
	for (size_t i = 0; i < count && i < a->most; i++)
		value_list_add(&list, table_row(arena, a->table, first != NULL ? first[i] : i));
	return value_list_end(&list);
}

static bool ask_store(const struct asking *a, size_t column, size_t most, struct value *rows,
		      struct text *why)
{
	const struct table_reader *reader = a->reader;

	return reader == NULL || reader->stored == NULL ||
	       reader->stored(reader->of, cel_arena(a->run), a->table, column, a->cell, most, rows,
			      why);
}

static bool is_in_file(const struct asking *a)
{
	struct value any = { .kind = VALUE_LIST };
	struct text why;

	if (a->table->file.n == 0 || a->reader == NULL || !a->reader->stand_ins)
		return a->table->file.n > 0;
	return ask_store(a, SIZE_MAX, 1, &any, &why) && any.n == 0;
}

/* A list, or the error. */
static struct value rows_found(const struct asking *a)
{
	struct value rows = { .kind = VALUE_LIST };
	struct text why = TEXT_NONE;

	if (a->column != SIZE_MAX && a->cell.s == NULL)
		return rows;
	if (is_in_file(a))
		rows = rows_of_file(a);
	else if (!ask_store(a, a->column, a->most, &rows, &why))
		return cel_error(a->run, "the table %.*s can't be read: %.*s",
				 TEXT_ARG(a->table->name), TEXT_ARG(why));
	return cel_charge_value(a->run, rows) ? rows : cel_error_budget();
}

/* At most `most` rows of what the arguments say, or the error. */
static struct value look_up(struct cel_run *run, void *of, const struct value *args, uint32_t count,
			    size_t most, struct asking *a)
{
	const struct scope *scope = of;
	struct value bad = value_null();

	assert(scope != NULL && scope->event != NULL && count > 0);
	*a = (struct asking){
		.run = run, .reader = reader_of(scope), .column = SIZE_MAX, .most = most
	};
	if (scope->asked != NULL)
		*scope->asked = true;
	if (!find_table(a, scope, value_as_text(args[0]), &bad))
		return bad;
	if (count < 3)
		return rows_found(a);
	if (!find_column(a, value_as_text(args[1]), &bad))
		return bad;
	if (value_is(args[2], VALUE_MAP) || value_is(args[2], VALUE_LIST))
		return cel_error(run, "a row is looked up by text, a number or true or false");
	if (!cel_charge_value(run, args[2]))
		return cel_error_budget();
	(void)column_cell(cel_arena(run), &a->table->columns[a->column], args[2], &a->cell);
	return rows_found(a);
}

static struct value fn_row(struct cel_run *run, void *of, const struct value *args, uint32_t count)
{
	struct asking a;
	struct value rows = look_up(run, of, args, count, 2, &a);

	if (!value_is(rows, VALUE_LIST))
		return rows;
	if (rows.n > 1)
		return cel_error(run, "several rows of %.*s have this %.*s: rows() gives them all",
				 TEXT_ARG(a.table->name),
				 TEXT_ARG(a.table->columns[a.column].name));
	return rows.n == 1 ? rows.items[0] : value_null();
}

static struct value fn_rows(struct cel_run *run, void *of, const struct value *args, uint32_t count)
{
	struct asking a;
	struct value rows = look_up(run, of, args, count, LIMIT_TABLE_FOUND + 1, &a);

	if (value_is(rows, VALUE_LIST) && rows.n > LIMIT_TABLE_FOUND)
		return cel_error(run, "more than %d rows of %.*s", LIMIT_TABLE_FOUND,
				 TEXT_ARG(a.table->name));
	return rows;
}

const struct cel_function table_functions[] = {
	{ .name = "row",
	  .doc = "The row of the table whose column has the value, or null.",
	  .type = CEL_DYN,
	  .least = 3,
	  .most = 3,
	  .args = { CEL_TEXT, CEL_TEXT, CEL_DYN },
	  .call = fn_row },
	{ .name = "rows",
	  .doc = "All rows of the table whose column has the value.",
	  .type = CEL_LIST,
	  .least = 3,
	  .most = 3,
	  .args = { CEL_TEXT, CEL_TEXT, CEL_DYN },
	  .call = fn_rows },
	{ .name = "rows",
	  .doc = "All rows of the table.",
	  .type = CEL_LIST,
	  .least = 1,
	  .most = 1,
	  .args = { CEL_TEXT },
	  .call = fn_rows },
	{ .name = NULL },
};
