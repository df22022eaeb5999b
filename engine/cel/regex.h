/* SPDX-License-Identifier: Apache-2.0
 *
 * regex - matches(): RE2 behind a C shim, linear in the text whatever the
 * pattern.
 *
 * RE2's lazily built automata allocate outside our arenas (bounded by
 * max_mem per pattern): the one named exception.
 * Ownership: regex_new returns a pattern that the caller frees; matching is
 * thread-safe. */
#ifndef TAPPET_CEL_REGEX_H
#define TAPPET_CEL_REGEX_H

#include <stdbool.h>

#include "engine/base/text.h"

struct regex;

/* NULL when the pattern is malformed or too large; `why` (may be NULL) then
 * holds RE2's words. */
struct regex *regex_new(struct text pattern, char *why, size_t why_room);
void regex_free(struct regex *regex);

bool regex_search(const struct regex *regex, struct text in); /* unanchored, as CEL's matches() */

#endif
