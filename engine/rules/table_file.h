/* SPDX-License-Identifier: Apache-2.0
 *
 * table_file - the rows of a table that is kept in a CSV file.
 *
 * The first line names the columns. Every mistake is told where it stands in the
 * file, the first LIMIT_TABLE_MISTAKES of them; a table with one isn't used.
 * Ownership: as tables.h says. */
#ifndef TAPPET_RULES_TABLE_FILE_H
#define TAPPET_RULES_TABLE_FILE_H

#include "engine/base/limits.h"
#include "engine/rules/tables.h"

/* A table while it is read. */
struct declared_table {
	struct table *table;
	struct column *columns;                            /* the table's, to be filled */
	const struct yaml_node *keys[LIMIT_TABLE_COLUMNS]; /* where `columns` declares each */
};

/* `file` is the node that names it; the columns that are declared have their types. False after
 * reporting. */
bool table_file_read(const struct reader *r, const struct yaml_node *map,
		     const struct yaml_node *file, struct declared_table *d);

/* tables.c: `key` and `unique`, once all columns are known. False after reporting. */
bool table_marks(const struct reader *r, const struct yaml_node *map, struct declared_table *d);

#endif
