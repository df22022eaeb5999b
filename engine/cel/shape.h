/* SPDX-License-Identifier: Apache-2.0
 *
 * shape - a program as a tree to look at: for whoever estimates, explains or
 * indexes expressions.
 *
 * A part is a node of the compiled program, named by its number. What was folded
 * is a constant; a[b] with a constant text is a selection; names are variables,
 * locals (of macros) or constants.
 * Ownership: parts are views; texts and values live as long as the program. */
#ifndef TAPPET_CEL_SHAPE_H
#define TAPPET_CEL_SHAPE_H

#include "engine/cel/cel.h"
#include "engine/cel/program.h"

struct cel_part {
	enum cel_code code;
	uint32_t at;           /* its own number */
	uint32_t count;        /* operands */
	enum cel_op op;        /* BINARY */
	enum cel_loop loop;    /* LOOP */
	struct value constant; /* CONSTANT */
	struct text
	    name; /* SELECT, HAS: the field; CALL, EITHER: the function; VARIABLE: its name */
	uint32_t variable; /* VARIABLE: as cel_vars.lookup is asked; LOCAL, LOOP: (first) slot */
	uint32_t slots;    /* LOOP: how many names it binds */
	struct text text;  /* as written */
};

/* The part that is the whole expression. */
uint32_t cel_root(const struct cel_program *program);

struct cel_part cel_part(const struct cel_program *program, uint32_t at);

/* Operand number i (< count): of a LOOP the range first, of a member CALL the receiver. */
uint32_t cel_operand(const struct cel_program *program, uint32_t at, uint32_t i);

/* How many parts there are; an operand's number is below that of its part. */
uint32_t cel_parts(const struct cel_program *program);

/* Evaluates one part by itself, as cel_eval does the whole. The part must read no
 * local of a macro around it. */
struct value cel_eval_part(const struct cel_program *program, uint32_t at, struct arena *arena,
			   const struct cel_vars *vars);

#endif
