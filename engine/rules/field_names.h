/* SPDX-License-Identifier: Apache-2.0
 *
 * field_names - whether a product's objects have a field, and what may be meant.
 *
 * Ownership: hints live in the arena given or are static. */
#ifndef TAPPET_RULES_FIELD_NAMES_H
#define TAPPET_RULES_FIELD_NAMES_H

#include "engine/base/arena.h"
#include "engine/connectors/connector.h"

/* True when the kind knows the field, one above it, or one beneath it. */
bool field_is_known(const struct object_kind *kind, struct text path);

/* What to write instead of a field that none of the kinds knows, or "". `variable` is what the
 * path begins at, "data"; "" in `match`; NULL where data are written out. */
const char *field_hint(struct arena *arena, const struct object_kind *const *kinds, size_t count,
		       const char *variable, struct text path);

#endif
