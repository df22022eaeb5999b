/* SPDX-License-Identifier: Apache-2.0
 *
 * diff - what changed between two values, path by path.
 *
 * Maps are compared member by member, lists are leaves. Paths join keys with
 * dots. I1: diff of a value with itself is empty. I2: every leaf that differs is
 * named exactly once. */
#ifndef TAPPET_VALUE_DIFF_H
#define TAPPET_VALUE_DIFF_H

#include "engine/value/value.h"

struct change {
	struct text path;
	struct value from; /* null also when it was absent */
	struct value to;
	bool was_absent, is_absent;
};

struct changes {
	const struct change *items; /* sorted by path, byte order */
	size_t count;
};

/* Either may be null (VALUE_NULL: no object). A map that appears or vanishes
 * as a whole is reported leaf by leaf. */
struct changes diff_values(struct arena *arena, struct value before, struct value after);

/* {"path": {"from": x, "to": y}, ...} as rules see it in `changed`. */
struct value diff_as_value(struct arena *arena, const struct changes *changes);

#endif
