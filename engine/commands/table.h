/* SPDX-License-Identifier: Apache-2.0
 *
 * table - aligned columns for people.
 *
 * Cells are made fit for a terminal (no control characters); colour only where
 * asked for. Columns are as wide as the widest cell so far, so a table that is
 * written in parts keeps its shape as far as it can.
 * Ownership: the table copies its cells; table_free frees it. */
#ifndef TAPPET_COMMANDS_TABLE_H
#define TAPPET_COMMANDS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/text.h"

enum tint { TINT_NONE, TINT_GOOD, TINT_BAD, TINT_WARN, TINT_FAINT, TINT_BOLD };

#define TABLE_COLUMNS 12

struct table;

/* The titles end with NULL; at most TABLE_COLUMNS of them. NULL when memory is out. */
struct table *table_new(const char *const *titles);
void table_free(struct table *table); /* NULL is fine */

/* Cells go from left to right; after the last column the next row begins. */
void table_cell(struct table *table, struct text text, enum tint tint);
void table_int(struct table *table, int64_t number);
size_t table_rows(const struct table *table); /* not yet written */

/* Writes the rows, with the titles the first time, and forgets them. False when memory was out
 * for some. */
bool table_write(struct table *table, struct buf *out, bool colour);

/* The text between escapes, when colour is wanted. */
void tint_put(struct buf *out, enum tint tint, struct text text, bool colour);

/* Bytes of anybody without what would move the cursor. */
void plain_put(struct buf *out, struct text text);

#endif
