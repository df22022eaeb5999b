/* SPDX-License-Identifier: Apache-2.0
 *
 * lines - text by lines, from a stream or from memory.
 *
 * Ownership: none; a line of lines_read lives until the next one. */
#ifndef TAPPET_COMMANDS_LINES_H
#define TAPPET_COMMANDS_LINES_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/text.h"

/* The next line without its end, into `line` (whose limit holds: a longer line fails the
 * buffer and is read to its end). False at the end of the stream. */
bool lines_read(FILE *from, struct buf *line);

/* Cuts the first line off *rest. False when nothing is left. */
bool lines_next(struct text *rest, struct text *line);

#endif
