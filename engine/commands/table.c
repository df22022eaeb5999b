/* SPDX-License-Identifier: Apache-2.0
 *
 * table - aligned columns; see table.h.
 *
 * I1  The text of all cells is in one buffer, cells are offsets into it.
 * I2  A failure to get memory sticks in that buffer. */
#include "engine/commands/table.h"

#include <assert.h>

#include "engine/base/escape.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"

#define GAP 2 /* spaces between columns */

struct cell {
	size_t from, n; /* bytes in the buffer */
	size_t width;   /* characters */
	enum tint tint;
};

struct table {
	const char *const *titles;
	size_t columns;
	size_t widths[TABLE_COLUMNS];
	struct cell *cells;
	size_t count, room;
	struct buf text;
	bool titled; /* the titles are written */
};

struct table *table_new(const char *const *titles)
{
	struct table *table = mem_zero(1, sizeof(*table));

	assert(titles != NULL);
	if (table == NULL)
		return NULL;
	table->titles = titles;
	for (; titles[table->columns] != NULL; table->columns++) {
		assert(table->columns < TABLE_COLUMNS);
		table->widths[table->columns] = strlen(titles[table->columns]);
	}
	buf_init(&table->text, LIMIT_COMMAND_OUTPUT);
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	buf_fini(&table->text);
	mem_free(table->cells);
	mem_free(table);
}

void plain_put(struct buf *out, struct text text)
{
	char clean[ESCAPE_MAX];
	size_t at = 0;

	while (at < text.n)
		buf_put(out, clean, escape_plain(text, &at, clean));
}

static size_t characters(struct text t)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += ((unsigned char)t.s[i] & 0xC0) != 0x80;
	return n;
}

static struct cell *cell_new(struct table *table)
{
	if (table->count == table->room) {
		size_t room = table->room > 0 ? table->room * 2 : 64;
		struct cell *cells = mem_grow(table->cells, room, sizeof(*cells));

		if (cells == NULL) {
			table->text.failed = true;
			return NULL;
		}
		table->cells = cells;
		table->room = room;
	}
	return &table->cells[table->count++];
}

void table_cell(struct table *table, struct text text, enum tint tint)
{
	assert(table != NULL);
	size_t column = table->count % table->columns;
	struct cell *cell = cell_new(table);

	if (cell == NULL)
		return;
	cell->from = table->text.n;
	cell->tint = tint;
	plain_put(&table->text, text);
	cell->n = table->text.n - cell->from;
	cell->width =
	    cell->n > 0 ? characters((struct text){ table->text.s + cell->from, cell->n }) : 0;
	if (cell->width > table->widths[column])
		table->widths[column] = cell->width;
}

void table_int(struct table *table, int64_t number)
{
	char room[24];

	(void)snprintf(room, sizeof(room), "%lld", (long long)number);
	table_cell(table, text_of(room), TINT_NONE);
}

size_t table_rows(const struct table *table)
{
	assert(table != NULL);
	return table->count / table->columns;
}

void tint_put(struct buf *out, enum tint tint, struct text text, bool colour)
{
	static const char *const codes[] = {
		[TINT_GOOD] = "32", [TINT_BAD] = "31", [TINT_WARN] = "33",
		[TINT_FAINT] = "2", [TINT_BOLD] = "1",
	};

	if (colour && tint != TINT_NONE)
		buf_printf(out, "\033[%sm", codes[tint]);
	plain_put(out, text);
	if (colour && tint != TINT_NONE)
		buf_str(out, "\033[0m");
}

static void pad(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_char(out, ' ');
}

static void put(const struct table *table, struct buf *out, size_t column, struct text text,
		size_t width, enum tint tint, bool colour)
{
	tint_put(out, text.n > 0 ? tint : TINT_NONE, text, colour);
	if (column + 1 < table->columns) {
		pad(out, table->widths[column] - width + GAP);
		return;
	}
	while (out->n > 0 && out->s[out->n - 1] == ' ')
		buf_cut(out, out->n - 1);
	buf_char(out, '\n');
}

static void put_titles(struct table *table, struct buf *out, bool colour)
{
	for (size_t i = 0; i < table->columns; i++) {
		struct text title = text_of(table->titles[i]);

		put(table, out, i, title, title.n, TINT_FAINT, colour);
	}
	table->titled = true;
}

bool table_write(struct table *table, struct buf *out, bool colour)
{
	bool ok = !buf_failed(&table->text);

	assert(out != NULL && table->count % table->columns == 0);
	if (!table->titled)
		put_titles(table, out, colour);
	for (size_t i = 0; ok && i < table->count; i++) {
		const struct cell *c = &table->cells[i];
		const char *s = c->n > 0 ? table->text.s + c->from : "";

		put(table, out, i % table->columns, (struct text){ s, c->n }, c->width, c->tint,
		    colour);
	}
	table->count = 0;
	buf_clear(&table->text);
	return ok;
}
