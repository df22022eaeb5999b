/* SPDX-License-Identifier: Apache-2.0
 *
 * lines - see lines.h. */
#include "engine/commands/lines.h"

#include <assert.h>

bool lines_read(FILE *from, struct buf *line)
{
	int c = getc_unlocked(from);

	assert(line != NULL);
	buf_clear(line);
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc_unlocked(from))
		buf_char(line, (char)c);
	return true;
}

bool lines_next(struct text *rest, struct text *line)
{
	const char *end;

	assert(rest != NULL && line != NULL);
	if (rest->n == 0)
		return false;
	end = memchr(rest->s, '\n', rest->n);
	*line = (struct text){ rest->s, end != NULL ? (size_t)(end - rest->s) : rest->n };
	rest->s += line->n + (end != NULL);
	rest->n -= line->n + (end != NULL);
	return true;
}
