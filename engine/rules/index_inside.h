/* SPDX-License-Identifier: Apache-2.0
 *
 * index_inside - what index_slots.c and index_atoms.c share and nobody else includes. */
#ifndef TAPPET_RULES_INDEX_INSIDE_H
#define TAPPET_RULES_INDEX_INSIDE_H

#include "engine/cel/shape.h"
#include "engine/rules/index.h"

/* Taking the atoms of one rule. */
struct taking {
	struct arena *arena; /* of the rule, while it is looked at */
	struct slots *slots;
	const struct rule *rule;
	uint32_t depth;
};

/* A part of an expression, and which. */
struct spot {
	const struct cel_program *program;
	uint32_t at;
};

static inline struct cel_part part_of(struct spot s)
{
	return cel_part(s.program, s.at);
}

static inline struct spot operand_of(struct spot s, uint32_t i)
{
	return (struct spot){ s.program, cel_operand(s.program, s.at, i) };
}

/* A define's name stands for its expression. */
struct spot index_resolved(const struct taking *t, struct spot s);

/* The value, when it is the same for every event: a constant, or one of vars. */
bool index_constant(const struct taking *t, struct spot s, struct value *out);

/* The slot with this key, new ones as `fresh` says; UINT32_MAX when memory is out. */
uint32_t index_slot(struct slots *slots, struct text key, const struct slot *fresh);

/* The slot of a part; false when its value isn't the same for all rules. */
bool index_part_slot(struct taking *t, struct spot s, uint32_t *slot);

/* The slot of what has(x) asks for, which nobody may have read yet. */
bool index_guarded_slot(struct taking *t, struct spot has, uint32_t *slot);

/* The slot of a path beneath data, or of whether it changed. */
bool index_path_slot(struct taking *t, enum slot_kind kind, struct text path, uint32_t *slot);

#endif
