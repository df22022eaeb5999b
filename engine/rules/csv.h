/* SPDX-License-Identifier: Apache-2.0
 *
 * csv - lists in files, as RFC 4180 writes them, with positions.
 *
 * Fields are separated by commas, lines end with LF or CRLF, a field in double
 * quotes may hold all of these and doubled quotes. A byte order mark is skipped,
 * and so are empty lines. Blanks belong to their field.
 * Ownership: fields are views into the bytes given, which are changed in place.
 * Never: reads files, or knows what a column means. */
#ifndef TAPPET_RULES_CSV_H
#define TAPPET_RULES_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/text.h"

struct csv_field {
	struct text text;
	int line, column; /* 1-based, of its first character; columns count characters */
};

struct csv {
	char *at, *end;
	int line, column;
	struct csv_field *fields; /* room for `room` of them */
	size_t room, count;       /* of the record last read */

	/* Of a mistake: */
	const char *what;
	int bad_line, bad_column;
};

enum csv_turn { CSV_RECORD, CSV_END, CSV_BAD };

/* `bytes` must be UTF-8 and stay; of a record that has more than `room` fields only those are
 * kept, with `count` telling how many there are. */
void csv_begin(struct csv *csv, char *bytes, size_t n, struct csv_field *fields, size_t room);

/* The next record. After CSV_BAD reading can't go on. */
enum csv_turn csv_next(struct csv *csv);

#endif
