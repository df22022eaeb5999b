/* SPDX-License-Identifier: Apache-2.0
 *
 * json - writing JSON lines member by member.
 *
 * The comma before a member or item is put when something stands before it, so
 * callers just name what they have. Failures stick in the buffer.
 * Ownership: none. */
#ifndef TAPPET_COMMANDS_JSON_H
#define TAPPET_COMMANDS_JSON_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/text.h"

void json_open(struct buf *out, char bracket);  /* '{' or '[', after a comma where one is needed */
void json_close(struct buf *out, char bracket); /* '}' or ']' */
void json_line(struct buf *out);                /* ends the line */

void json_key(struct buf *out, const char *key); /* a value, or json_open, follows */

void json_text(struct buf *out, const char *key, struct text text);
void json_str(struct buf *out, const char *key, const char *s); /* NULL: null */
void json_int(struct buf *out, const char *key, int64_t number);
void json_bool(struct buf *out, const char *key, bool yes);
void json_null(struct buf *out, const char *key);
void json_raw(struct buf *out, const char *key, struct text json); /* empty: null */
void json_time(struct buf *out, const char *key, int64_t ms);      /* RFC 3339; 0 or less: null */

/* Text, or null when it is empty. */
void json_maybe(struct buf *out, const char *key, struct text text);

void json_item(struct buf *out, struct text text); /* a text in a list */

#endif
