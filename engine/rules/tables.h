/* SPDX-License-Identifier: Apache-2.0
 *
 * tables - lists that rules look things up in: read from CSV files, or kept in
 * the store and written by rules.
 *
 * A table has a name, columns with types, a column that is its key, and
 * columns of which no two rows have the same value. What stands in a row is
 * compared as text, each value written in one way ("7", never "7.0" or "07").
 *
 * I1  Tables belong to all rule files, whichever declares them, and are always
 *     the current ones: a run that finishes under an older text of its rule sees
 *     today's tables, as it sees today's connections.
 * I2  A file's rows are immutable once loaded; a reload reads it again.
 * Ownership: everything lives in the reader's arena: the configuration's or the
 * rule set's. */
#ifndef TAPPET_RULES_TABLES_H
#define TAPPET_RULES_TABLES_H

#include "engine/rules/reader.h"

enum column_type { COLUMN_TEXT, COLUMN_INT, COLUMN_NUMBER, COLUMN_BOOL };

struct column {
	struct text name;
	enum column_type type;
	bool unique; /* the key always is */
};

struct table {
	struct text name;
	struct place at;
	struct text file; /* its path; empty: kept in the store */
	const struct column *columns;
	size_t column_count;
	size_t key;  /* which column */
	bool broken; /* it has mistakes: rules that name it are not to be blamed for them */

	/* Of a file: */
	uint64_t file_mark;       /* from before it was read (base/mark.h) */
	const struct text *cells; /* row after row; s is NULL where there is nothing */
	size_t row_count;
	const uint32_t *const *orders; /* per column: row numbers in the order of its cells */
};

struct table_list {
	const struct table *const *items;
	size_t count;
};

/* Reads the map `tables`, with the files it names; their paths begin at `directory`. What is wrong
 * is reported. A table that is in `out` or `others` (may be NULL) already must be
 * declared the same, and stays the first one. */
void tables_read(const struct reader *r, const struct yaml_node *map, struct text directory,
		 const struct table_list *others, struct table_list *out);

const struct table *tables_find(const struct table_list *list, struct text name);

/* Its number, or SIZE_MAX. */
size_t table_column(const struct table *table, struct text name);

const char *column_type_word(enum column_type type);

/* A value as it stands in the column: *cell.s is NULL for null. False when it can't stand there. */
bool column_cell(struct arena *arena, const struct column *column, struct value v,
		 struct text *cell);

/* The value that stands there; null also when the column's type isn't its any more. */
struct value column_value(struct arena *arena, const struct column *column, struct text cell);

/* The rows of a file whose column has the cell: the first of them in its order, and how many. */
size_t table_rows_with(const struct table *table, size_t column, struct text cell,
		       const uint32_t **first);

/* A row of a file as a map. */
struct value table_row(struct arena *arena, const struct table *table, size_t row);

#endif
