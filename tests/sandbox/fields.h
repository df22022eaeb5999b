/* SPDX-License-Identifier: Apache-2.0
 *
 * fields - the members of a workspace object: how each is written, when it is there, how it is set.
 *
 * Follows the vendor's published reference of the workspace object. One table row per member.
 */
#ifndef SANDBOX_FIELDS_H
#define SANDBOX_FIELDS_H

#include "tests/sandbox/world.h"

/* What of an object the caller gets to see. */
struct view {
	uint64_t optional; /* bits of fields_optional() */
	uint64_t includes; /* bits of includes_parse() */
	bool financials;
	int offset_min; /* of the datetimes, minutes east of UTC */
};

/* Longest text a problem takes. */
#define WHY_MAX 160

/* The set of optional fields named in a comma separated list; unknown names are ignored. */
uint64_t fields_optional(const char *list);

/* The whole object with those members; includes add their foreign keys. */
void fields_write(const struct workspace *ws, const struct view *view, struct text *out);

/*
 * Sets a member to a JSON value; numbers and booleans may come as text, as forms send them. A name
 * not in the table becomes an extra member. False with the reason in why if the value doesn't fit.
 */
bool fields_set(struct workspace *ws, const char *name, const json_t *value, char why[WHY_MAX]);

/* May a create or update of the API set it? */
bool fields_writable(const char *name);

/* Changes a member to something else, whatever its type. False if there is no such member. */
bool fields_bump(struct workspace *ws, const char *name, int64_t serial);

#endif
