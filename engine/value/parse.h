/* SPDX-License-Identifier: Apache-2.0
 *
 * parse - JSON text to values (simdjson behind this shim).
 *
 * Strict RFC 8259: valid UTF-8, no duplicate keys, one document, depth at most
 * LIMIT_JSON_DEPTH. simdjson tells no position, so on failure a small strict
 * scanner runs over the text again to find it.
 * Ownership: a parser belongs to one thread and keeps its buffers between
 * documents; values it makes live in the arena given and borrow nothing. */
#ifndef TAPPET_VALUE_PARSE_H
#define TAPPET_VALUE_PARSE_H

#include "engine/base/fate.h"
#include "engine/value/value.h"

struct json_parser;

struct json_error {
	size_t offset;    /* byte offset of the first offence */
	int line, column; /* 1-based; column counts characters */
	char what[120];   /* "expected ',' or '}'"; no trailing dot */
};

struct json_parser *json_parser_new(void); /* NULL when memory is out */
void json_parser_free(struct json_parser *parser);

/* FATE_OK, FATE_REJECT (*error is filled; also when the arena's budget is
 * spent, or could not be had), FATE_RETRY (memory is out elsewhere; *error says
 * so, and the arena has failed, too), or FATE_BUG (simdjson and the scanner
 * disagree). *out is null then. */
enum fate json_parse(struct json_parser *parser, struct arena *arena, struct text json,
		     struct value *out, struct json_error *error);

/* The scanner alone: FATE_OK when `json` is acceptable to json_parse, FATE_REJECT when it isn't,
 * FATE_RETRY when memory is out. */
enum fate json_check(struct text json, struct json_error *error);

/* Walks the members of a list (or the values of a map) found at `path` (a
 * dotted path of map keys, "" for the document itself) without building trees:
 * `visit` gets the key (TEXT_NONE in a list), and the member's bytes as they
 * stand in `json`. It stops when visit returns false. Used for pages of which
 * most objects did not change. FATE_REJECT also when there is no list or map at
 * the path. */
enum fate json_each(struct json_parser *parser, struct text json, struct text path,
		    bool (*visit)(void *of, struct text key, struct text member), void *of,
		    struct json_error *error);

#endif
