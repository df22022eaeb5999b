/* SPDX-License-Identifier: Apache-2.0
 *
 * extent - how large a value may be, as far as the program alone tells: what
 * stands in it has its own size, what is read from data an assumed one
 * (LIMIT_COST_ITEMS, LIMIT_COST_TEXT).
 *
 * I1  Numbers saturate at EXTENT_MAX instead of overflowing.
 * I2  Only EXTENT_DEPTH levels of lists in lists are told apart; deeper items are
 *     of unknown size. That keeps every function here at a bounded cost.
 * Ownership: items live in the arena of the estimate. */
#ifndef TAPPET_CEL_EXTENT_H
#define TAPPET_CEL_EXTENT_H

#include "engine/cel/cel.h"

#define EXTENT_MAX   UINT64_MAX
#define EXTENT_DEPTH 4

struct extent {
	enum cel_type type; /* CEL_DYN: may be a text, a list or anything else */
	uint64_t items;     /* of a list or map */
	uint64_t bytes;     /* of a text or bytes */
	uint64_t read;      /* steps of reading all of it: cel_charge_value */
	uint32_t depth;     /* levels of `item` */

	/* Any item of a list, value of a map; NULL: unknown. */
	const struct extent *item;
};

uint64_t extent_add(uint64_t a, uint64_t b);
uint64_t extent_times(uint64_t a, uint64_t b);

struct extent extent_unknown(void);
struct extent extent_text(uint64_t bytes);
struct extent extent_of_type(enum cel_type type);

/* `item` NULL: unknown. */
struct extent extent_list(struct arena *arena, uint64_t items, const struct extent *item);
struct extent extent_map(struct arena *arena, uint64_t items, const struct extent *item);

struct extent extent_optional(struct arena *arena, struct extent of);

/* The exact size of a constant. */
struct extent extent_of_value(struct arena *arena, struct value v);

/* What holds for a value that is one or the other. */
struct extent extent_either(struct arena *arena, struct extent a, struct extent b);

/* A value of unknown type where only `type` fits; others stay as they are. */
struct extent extent_taken_as(struct extent e, enum cel_type type);

/* An item of it: what a loop over it sees, list[i], map[key], an optional's value. */
struct extent extent_item(struct extent of);

/* Neither text nor anything with parts: comparing it takes no further step. */
bool extent_is_scalar(struct extent e);

#endif
