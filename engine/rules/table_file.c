/* SPDX-License-Identifier: Apache-2.0
 *
 * table_file - see table_file.h. */
#include "engine/rules/table_file.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/mark.h"
#include "engine/base/mem.h"
#include "engine/rules/csv.h"

struct reading_file {
	const struct reader *r;
	struct declared_table *d;
	struct text content; /* as it was: csv changes its own copy */
	const char *shown;   /* the file's name for places, NULL until it is needed */
	struct csv csv;
	struct csv_field fields[LIMIT_TABLE_COLUMNS + 1];
	struct text *cells;
	int *lines;  /* of each row */
	size_t room; /* rows there is room for */
	size_t mistakes;
};

#define told(f, line, column, hint, ...)                                                           \
	diags_add((f)->r->diags, DIAG_ERROR, place_in(f, line, column), hint, __VA_ARGS__)

static struct place place_in(struct reading_file *f, int line, int column)
{
	if (f->shown == NULL)
		f->shown = diags_source(f->r->diags, f->d->table->file.s, f->content);
	f->mistakes++;
	return (struct place){ f->shown != NULL ? f->shown : f->d->table->file.s, line, column };
}

/* ---- The first line. ---- */

static bool add_column(struct reading_file *f, size_t i, struct column *declared,
		       size_t declared_count)
{
	const struct csv_field *field = &f->fields[i];
	struct column *column = &f->d->columns[i];

	*column = (struct column){ .name = text_dup(f->r->arena, field->text) };
	if (field->text.n == 0 || field->text.n > LIMIT_TABLE_NAME) {
		told(f, field->line, field->column, "the first line names the columns",
		     "this is no name for a column");
		return false;
	}
	for (size_t k = 0; k < i; k++) {
		if (!text_eq(f->d->columns[k].name, field->text))
			continue;
		told(f, field->line, field->column, "", "there are two columns \"%.*s\"",
		     TEXT_ARG(field->text));
		return false;
	}
	for (size_t k = 0; k < declared_count; k++) {
		if (!text_eq(declared[k].name, field->text))
			continue;
		column->type = declared[k].type;
		f->d->keys[k] = NULL;
	}
	return true;
}

/* Columns that are declared, but not in the file. */
static bool all_there(const struct reading_file *f, size_t declared)
{
	bool fine = true;

	for (size_t i = 0; i < declared; i++) {
		const struct yaml_node *key = f->d->keys[i];

		if (key == NULL)
			continue;
		reader_error(f->r, key, "its first line names the columns",
			     "%.*s has no column \"%.*s\"", TEXT_ARG(f->d->table->file),
			     TEXT_ARG(key->text));
		fine = false;
	}
	return fine;
}

static const char *separator_hint(const struct reading_file *f)
{
	return f->csv.count == 1 && memchr(f->fields[0].text.s, ';', f->fields[0].text.n) != NULL
		   ? "fields are separated by commas"
		   : "";
}

static bool read_header(struct reading_file *f, const struct yaml_node *map)
{
	struct table *table = f->d->table;
	size_t declared = table->column_count;
	struct column *before =
	    arena_copy(f->r->arena, f->d->columns, (declared + 1) * sizeof(*before));
	bool fine = true;

	if (before == NULL)
		return false;
	if (f->csv.count > LIMIT_TABLE_COLUMNS) {
		told(f, 1, 1, "", "a table has at most %d columns", LIMIT_TABLE_COLUMNS);
		return false;
	}
	for (size_t i = 0; i < f->csv.count; i++)
		fine = add_column(f, i, before, declared) && fine;
	table->column_count = f->csv.count;
	if (fine && separator_hint(f)[0] != '\0') {
		told(f, f->fields[0].line, f->fields[0].column, separator_hint(f),
		     "there is one column only");
		return false;
	}
	return all_there(f, declared) && fine && table_marks(f->r, map, f->d);
}

/* ---- Rows. ---- */

static bool make_room(struct reading_file *f)
{
	size_t width = f->d->table->column_count, rows = f->d->table->row_count;
	size_t room = f->room == 0 ? 64 : f->room * 2;
	struct text *cells = mem_grow(f->cells, room * width, sizeof(*cells));
	int *lines;

	if (cells == NULL)
		return false;
	f->cells = cells;
	lines = mem_grow(f->lines, room, sizeof(*lines));
	if (lines == NULL)
		return false;
	f->lines = lines;
	f->room = room;
	return rows < room;
}

static bool read_cell(struct reading_file *f, size_t i, struct text *cell)
{
	const struct csv_field *field = &f->fields[i];
	const struct column *column = &f->d->columns[i];
	bool key = i == f->d->table->key;

	if (field->text.n > LIMIT_TABLE_CELL) {
		told(f, field->line, field->column, "", "a field is at most %d bytes long",
		     LIMIT_TABLE_CELL);
		return false;
	}
	*cell = TEXT_NONE;
	if (field->text.n == 0 && key) {
		told(f, field->line, field->column, "", "the key \"%.*s\" is empty",
		     TEXT_ARG(column->name));
		return false;
	}
	if (field->text.n == 0)
		return true;
	if (column->type == COLUMN_TEXT) {
		*cell = field->text;
		return true;
	}
	if (column_cell(f->r->arena, column, value_text(field->text), cell))
		return true;
	told(f, field->line, field->column, "", "\"%.*s\" must be %s, not \"%.*s\"",
	     TEXT_ARG(column->name), column_type_word(column->type),
	     TEXT_ARG(text_head(field->text, 60)));
	return false;
}

static void read_row(struct reading_file *f)
{
	struct table *table = f->d->table;
	size_t width = table->column_count;
	bool fine = true;

	if (f->csv.count != width) {
		told(f, f->fields[0].line, f->fields[0].column,
		     "a field with a comma in it is put in double quotes",
		     "this line has %zu fields; the first line names %zu", f->csv.count, width);
		return;
	}
	if (table->row_count == f->room && !make_room(f)) {
		arena_fail(f->r->arena);
		return;
	}
	for (size_t i = 0; i < width; i++)
		fine = read_cell(f, i, &f->cells[table->row_count * width + i]) && fine;
	f->lines[table->row_count] = f->fields[0].line;
	table->row_count += fine;
}

static bool too_many(struct reading_file *f)
{
	struct table *table = f->d->table;

	if (table->row_count < LIMIT_TABLE_ROWS &&
	    (table->row_count + 1) * table->column_count <= LIMIT_TABLE_CELLS)
		return false;
	told(f, f->csv.line, 1, "a store's table takes more",
	     "a file has at most %d rows and %d fields", LIMIT_TABLE_ROWS, LIMIT_TABLE_CELLS);
	return true;
}

static bool read_rows(struct reading_file *f)
{
	enum csv_turn turn;

	while (f->mistakes < LIMIT_TABLE_MISTAKES && !arena_failed(f->r->arena) &&
	       (turn = csv_next(&f->csv)) != CSV_END) {
		if (turn == CSV_BAD) {
			told(f, f->csv.bad_line, f->csv.bad_column,
			     "a field with quotes in it is put in quotes, and they are doubled",
			     "%s", f->csv.what);
			return false;
		}
		if (too_many(f))
			return false;
		read_row(f);
	}
	return f->mistakes == 0 && !arena_failed(f->r->arena);
}

/* ---- In order. ---- */

struct sorting {
	const struct text *cells; /* NULL when there are no rows */
	size_t width, column;
};

static int by_cell(const void *a, const void *b, void *of)
{
	const struct sorting *s = of;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order =
	    text_cmp(s->cells[left * s->width + s->column], s->cells[right * s->width + s->column]);

	return order != 0 ? order : (left > right) - (left < right);
}

/* Two rows with the same value where there may be one. */
static bool check_unique(struct reading_file *f, size_t column, const uint32_t *order)
{
	const struct table *table = f->d->table;

	for (size_t i = 1; i < table->row_count && f->mistakes < LIMIT_TABLE_MISTAKES; i++) {
		struct text cell = f->cells[order[i] * table->column_count + column];

		if (cell.s == NULL ||
		    !text_eq(cell, f->cells[order[i - 1] * table->column_count + column]))
			continue;
		told(f, f->lines[order[i]], 1, "", "%.*s \"%.*s\" is on line %d already",
		     TEXT_ARG(f->d->columns[column].name), TEXT_ARG(text_head(cell, 60)),
		     f->lines[order[i - 1]]);
	}
	return f->mistakes == 0;
}

static bool put_in_order(struct reading_file *f)
{
	struct table *table = f->d->table;
	const uint32_t **orders = arena_array(f->r->arena, table->column_count, sizeof(uint32_t *));

	for (size_t c = 0; orders != NULL && c < table->column_count; c++) {
		struct sorting sorting = { f->cells, table->column_count, c };
		uint32_t *order = arena_array(f->r->arena, table->row_count, sizeof(*order));

		if (order == NULL)
			return false;
		for (uint32_t i = 0; i < table->row_count; i++)
			order[i] = i;
		if (table->row_count > 1)
			qsort_r(order, table->row_count, sizeof(*order), by_cell, &sorting);
		orders[c] = order;
		if (f->d->columns[c].unique && !check_unique(f, c, order))
			return false;
	}
	table->orders = orders;
	return orders != NULL;
}

/* ---- A file. ---- */

/* Where the first byte stands that is no UTF-8 text. */
static void not_text(struct reading_file *f)
{
	size_t at = 0, line_start = 0;
	int line = 1;
	uint32_t code;

	while (at < f->content.n) {
		size_t n = text_char(f->content, at, &code);

		if (n == 0 || code == 0)
			break;
		if (code == '\n') {
			line++;
			line_start = at + n;
		}
		at += n;
	}
	told(f, line, (int)(at - line_start) + 1, "save it as UTF-8", "this is no UTF-8 text");
}

static bool read_content(struct reading_file *f, const struct yaml_node *map)
{
	char *bytes =
	    arena_copy(f->r->arena, f->content.s != NULL ? f->content.s : "", f->content.n + 1);
	enum csv_turn turn;

	if (bytes == NULL)
		return false;
	if (!text_is_utf8(f->content) || memchr(bytes, '\0', f->content.n) != NULL) {
		not_text(f);
		return false;
	}
	csv_begin(&f->csv, bytes, f->content.n, f->fields, LIMIT_TABLE_COLUMNS + 1);
	turn = csv_next(&f->csv);
	if (turn == CSV_RECORD)
		return read_header(f, map) && read_rows(f) && put_in_order(f);
	told(f, turn == CSV_BAD ? f->csv.bad_line : 1, turn == CSV_BAD ? f->csv.bad_column : 1,
	     "the first line names the columns", "%s",
	     turn == CSV_BAD ? f->csv.what : "the file is empty");
	return false;
}

bool table_file_read(const struct reader *r, const struct yaml_node *map,
		     const struct yaml_node *file, struct declared_table *d)
{
	struct reading_file f = { .r = r, .d = d };
	AUTO_FINI(buf_fini) struct buf content;
	const char *why;
	bool fine;

	assert(r != NULL && map != NULL && file != NULL && d != NULL);
	d->table->file_mark = mark_of(d->table->file);
	if (!reader_file(d->table->file, LIMIT_TABLE_FILE, &content, &why)) {
		reader_error(r, file, "paths are relative to this file", "%.*s can't be read: %s",
			     TEXT_ARG(d->table->file), why);
		return false;
	}
	f.content = buf_view(&content);
	fine = read_content(&f, map);
	if (fine && d->table->row_count > 0)
		d->table->cells =
		    arena_copy(r->arena, f.cells,
			       d->table->row_count * d->table->column_count * sizeof(*f.cells));
	mem_free(f.cells);
	mem_free(f.lines);
	return fine && (d->table->cells != NULL || d->table->row_count == 0);
}
