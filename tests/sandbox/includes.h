/* SPDX-License-Identifier: Apache-2.0
 *
 * includes - the associations a call may ask for: the foreign key each adds to the object and the
 * map of side-loaded objects each adds to the reply. One table row per association.
 */
#ifndef SANDBOX_INCLUDES_H
#define SANDBOX_INCLUDES_H

#include "tests/sandbox/world.h"

/* The set of associations named in a comma separated list; unknown names are ignored. */
uint64_t includes_parse(const char *list);

/* `"primary_maven_id":"9001"` and so on for one object, each with a comma before it. */
void includes_write_keys(const struct workspace *ws, uint64_t set, struct text *out);

/* One top-level map per kind of object asked for, each with a comma before it, empty or not. */
void includes_write_maps(struct workspace *const *page, size_t n, uint64_t set, struct text *out);

#endif
