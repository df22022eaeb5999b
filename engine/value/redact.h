/* SPDX-License-Identifier: Apache-2.0
 *
 * redact - values without what a path names.
 *
 * A path is names joined with dots; "*" is every member of a map; the items of a list have the path
 * of their list. What it doesn't lead to is no mistake. */
#ifndef TAPPET_VALUE_REDACT_H
#define TAPPET_VALUE_REDACT_H

#include "engine/base/arena.h"
#include "engine/value/value.h"

#define REDACTED TEXT("[redacted]")

/* NULL, or what is wrong with the path. */
const char *redact_path_mistake(struct text path);

/* v with REDACTED in the place of each value that the path leads to, whatever its kind; null stays
 * null. What is left alone is shared with v. Null when the arena is spent, never the original. */
struct value value_redacted(struct arena *arena, struct value v, struct text path);

#endif
