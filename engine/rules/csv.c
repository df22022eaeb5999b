/* SPDX-License-Identifier: Apache-2.0
 *
 * csv - see csv.h. */
#include "engine/rules/csv.h"

#include <assert.h>

void csv_begin(struct csv *csv, char *bytes, size_t n, struct csv_field *fields, size_t room)
{
	assert(csv != NULL && (bytes != NULL || n == 0));
	assert(fields != NULL && room > 0);
	*csv = (struct csv){ .at = bytes,
			     .end = n > 0 ? bytes + n : bytes,
			     .line = 1,
			     .column = 1,
			     .fields = fields,
			     .room = room };
	if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
		csv->at += 3;
}

static bool more(const struct csv *csv)
{
	return csv->at < csv->end;
}

/* Takes one byte. Those within a character don't count as columns. */
static char take(struct csv *csv)
{
	char c = *csv->at++;

	if (c == '\n') {
		csv->line++;
		csv->column = 1;
	} else if (((unsigned char)c & 0xC0) != 0x80) {
		csv->column++;
	}
	return c;
}

static enum csv_turn bad(struct csv *csv, const char *what, int line, int column)
{
	csv->what = what;
	csv->bad_line = line;
	csv->bad_column = column;
	return CSV_BAD;
}

static bool at_line_end(const struct csv *csv)
{
	if (!more(csv) || *csv->at == '\n')
		return true;
	return *csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] == '\n');
}

static void take_line_end(struct csv *csv)
{
	while (more(csv) && *csv->at == '\r')
		(void)take(csv);
	if (more(csv))
		(void)take(csv);
}

/* Behind the opening quote. The text is moved together over its doubled quotes. */
static enum csv_turn quoted(struct csv *csv, struct csv_field *field)
{
	char *start = csv->at, *out = csv->at;

	while (more(csv)) {
		char c = take(csv);

		if (c != '"') {
			*out++ = c;
			continue;
		}
		if (more(csv) && *csv->at == '"') {
			*out++ = take(csv);
			continue;
		}
		field->text = (struct text){ start, (size_t)(out - start) };
		if (at_line_end(csv) || *csv->at == ',')
			return CSV_RECORD;
		return bad(csv, "a closing quote ends the field", csv->line, csv->column);
	}
	return bad(csv, "the quote is never closed", field->line, field->column);
}

static enum csv_turn plain(struct csv *csv, struct csv_field *field)
{
	const char *start = csv->at;

	while (!at_line_end(csv) && *csv->at != ',') {
		if (*csv->at == '"')
			return bad(csv, "a quote inside a field that isn't quoted", csv->line,
				   csv->column);
		(void)take(csv);
	}
	field->text = (struct text){ start, (size_t)(csv->at - start) };
	return CSV_RECORD;
}

static enum csv_turn take_field(struct csv *csv)
{
	struct csv_field field = { .line = csv->line, .column = csv->column };
	enum csv_turn turn;

	if (more(csv) && *csv->at == '"') {
		(void)take(csv);
		turn = quoted(csv, &field);
	} else {
		turn = plain(csv, &field);
	}
	if (turn == CSV_RECORD && csv->count < csv->room)
		csv->fields[csv->count] = field;
	csv->count++;
	return turn;
}

enum csv_turn csv_next(struct csv *csv)
{
	enum csv_turn turn;

	assert(csv != NULL && csv->what == NULL);
	while (more(csv) && at_line_end(csv))
		take_line_end(csv);
	csv->count = 0;
	if (!more(csv))
		return CSV_END;
	turn = take_field(csv);
	while (turn == CSV_RECORD && more(csv) && *csv->at == ',') {
		(void)take(csv);
		turn = take_field(csv);
	}
	if (turn == CSV_RECORD)
		take_line_end(csv);
	return turn;
}
