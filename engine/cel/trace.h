/* SPDX-License-Identifier: Apache-2.0
 *
 * trace - the value of every part of an expression, and which part decided.
 *
 * Evaluation is pure, so the parts are evaluated again one by one, with the same
 * variables. Of a macro over a list or map the element that decided is shown:
 * the first that made all() false or exists() true, the first that failed.
 *
 * I1  The whole has the value that cel_eval gives it.
 * I2  Each part has the budget of an evaluation, all together LIMIT_TRACE_STEPS;
 *     what is not reached within that is not known.
 * I3  Exactly one part of a trace decides. Where all parts had to be as they are (a
 *     true &&, a false ||) that is the part they belong to.
 * Ownership: a trace lives in the arena given and borrows from the program. */
#ifndef TAPPET_CEL_TRACE_H
#define TAPPET_CEL_TRACE_H

#include "engine/cel/shape.h"

struct cel_trace {
	struct cel_part part;
	struct value value; /* VALUE_ERROR: text says why */
	bool known;         /* false: value is null, the steps of the trace were spent */
	bool needed;        /* evaluating the whole asks for it */
	bool decides;
	uint32_t count; /* kids: the operands; of a macro that shows no element, the range only */
	struct cel_trace *const *kids;
	/* A macro over a list or map. */
	uint32_t elements; /* how many there are */
	uint32_t element;  /* which one is shown, from 1; 0: none */
	struct value item; /* that element, or a map's key */
};

/* NULL when the arena is spent, or memory out. */
const struct cel_trace *cel_trace(const struct cel_program *program, struct arena *arena,
				  const struct cel_vars *vars);

/* The part that decides; never NULL. */
const struct cel_trace *cel_trace_decider(const struct cel_trace *trace);

#endif
