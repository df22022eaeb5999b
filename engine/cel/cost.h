/* SPDX-License-Identifier: Apache-2.0
 *
 * cost - how many steps an expression may take, before any data is there.
 *
 * The unit is the evaluator's step, so an estimate can be held against
 * LIMIT_EVAL_STEPS. It is an upper one for data of the assumed sizes: at most
 * LIMIT_COST_ITEMS items in a list or map, LIMIT_COST_TEXT bytes in a text; what
 * stands in the expression, or is computed from such values, has its own size. A
 * value of unknown type is what is done with it: gone over it is a list, compared
 * or added a text.
 * Larger data meets the evaluation's budget. Putting errors into words is not
 * counted.
 * Estimating takes time linear in the program's size and never overflows. */
#ifndef TAPPET_CEL_COST_H
#define TAPPET_CEL_COST_H

#include "engine/cel/cel.h"

#define CEL_COST_MAX   UINT64_MAX /* that many steps or more */
#define CEL_COST_LOOPS 8          /* loops inside each other whose sizes are told */

struct cel_cost {
	uint64_t steps; /* of one evaluation of the whole */

	/* The part to change when that is too much: the costliest loop that no other one is
	 * around, or a list it goes over when that is above `limit` by itself; else what takes
	 * most. */
	size_t offset; /* bytes into the program's text */
	struct text text;
	uint64_t part_steps;

	/* The loops inside each other that make it costly, the outermost first; 0: none. */
	uint32_t loops;
	uint64_t items[CEL_COST_LOOPS]; /* that each goes over */
};

/* Estimates; `scratch` is free to be reset afterwards. False when it is spent. */
bool cel_cost(const struct cel_program *program, struct arena *scratch, uint64_t limit,
	      struct cel_cost *out);

/* As cel_eval; *steps is what it took, above LIMIT_EVAL_STEPS when the budget ended it. */
struct value cel_eval_counted(const struct cel_program *program, struct arena *arena,
			      const struct cel_vars *vars, int64_t *steps);

#endif
