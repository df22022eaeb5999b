/* SPDX-License-Identifier: Apache-2.0
 *
 * cost_calls - what a call takes beyond its arguments, and how large its result
 * may be. */
#ifndef TAPPET_CEL_COST_CALLS_H
#define TAPPET_CEL_COST_CALLS_H

#include "engine/cel/extent.h"
#include "engine/cel/program.h"

struct cost_call {
	const struct cel_function *const *rows; /* that may be reached */
	uint32_t row_count;
	const struct extent *args;
	const struct value *const *constants; /* of arguments that are constants, else NULL */
	uint32_t count;
	bool prepared;
};

/* Adds what the function charges to *steps. */
struct extent cost_call(struct arena *arena, const struct cost_call *call, uint64_t *steps);

/* Steps of sorting the list by such keys. */
uint64_t cost_sort(struct extent list, struct extent key);

#endif
