/* SPDX-License-Identifier: Apache-2.0
 *
 * shape - looking at programs; see shape.h. */
#include "engine/cel/shape.h"

#include <assert.h>

/* How many of a, b, c are operands; -1: they stand in kids. */
static int fixed_operands(enum cel_code code)
{
	switch (code) {
	case CEL_CODE_CONSTANT:
	case CEL_CODE_VARIABLE:
	case CEL_CODE_LOCAL:
	case CEL_CODE_FAIL:
		return 0;
	case CEL_CODE_SELECT:
	case CEL_CODE_HAS:
	case CEL_CODE_NOT:
	case CEL_CODE_NEGATE:
	case CEL_CODE_MAYBE:
		return 1;
	case CEL_CODE_INDEX:
	case CEL_CODE_BINARY:
	case CEL_CODE_DEFAULT:
	case CEL_CODE_OPTIONAL_INDEX:
	case CEL_CODE_EITHER:
		return 2;
	case CEL_CODE_CHOOSE:
		return 3;
	case CEL_CODE_AND:
	case CEL_CODE_OR:
	case CEL_CODE_LIST:
	case CEL_CODE_MAP:
	case CEL_CODE_CALL:
	case CEL_CODE_LOOP:
		break;
	}
	return -1;
}

uint32_t cel_parts(const struct cel_program *program)
{
	assert(program != NULL);
	return program->node_count;
}

uint32_t cel_root(const struct cel_program *program)
{
	assert(program != NULL && program->node_count > 0);
	return program->node_count - 1;
}

static struct text name_of(const struct cel_program *program, const struct cel_node *n)
{
	switch ((enum cel_code)n->code) {
	case CEL_CODE_SELECT:
	case CEL_CODE_HAS:
		return value_as_text(program->constants[n->b]);
	case CEL_CODE_CALL:
		return text_of(program->candidates[n->b]->name);
	case CEL_CODE_VARIABLE:
		return program->variable_names[n->a];
	case CEL_CODE_EITHER:
		return n->extra == 0 ? TEXT("or") : TEXT("orValue");
	default:
		return TEXT_NONE;
	}
}

struct cel_part cel_part(const struct cel_program *program, uint32_t at)
{
	const struct cel_node *n;
	struct cel_part part;
	int fixed;

	assert(program != NULL && at < program->node_count);
	n = &program->nodes[at];
	fixed = fixed_operands((enum cel_code)n->code);
	part =
	    (struct cel_part){ .code = (enum cel_code)n->code,
			       .at = at,
			       .count = fixed < 0 ? n->count : (uint32_t)fixed,
			       .name = name_of(program, n),
			       .text = { program->text.s + n->from, (size_t)(n->to - n->from) } };
	if (part.code == CEL_CODE_BINARY)
		part.op = (enum cel_op)n->extra;
	else if (part.code == CEL_CODE_LOOP)
		part.loop = (enum cel_loop)n->extra;
	if (part.code == CEL_CODE_CONSTANT)
		part.constant = program->constants[n->a];
	else if (part.code == CEL_CODE_VARIABLE)
		part.variable = program->variables[n->a];
	else if (part.code == CEL_CODE_LOCAL)
		part.variable = n->a;
	else if (part.code == CEL_CODE_LOOP)
		part.variable = n->b;
	part.slots = part.code == CEL_CODE_LOOP ? n->c : 0;
	return part;
}

uint32_t cel_operand(const struct cel_program *program, uint32_t at, uint32_t i)
{
	const struct cel_node *n;

	assert(program != NULL && at < program->node_count);
	n = &program->nodes[at];
	if (fixed_operands((enum cel_code)n->code) < 0) {
		assert(i < n->count);
		return program->kids[n->a + i];
	}
	assert((int)i < fixed_operands((enum cel_code)n->code));
	return i == 0 ? n->a : i == 1 ? n->b : n->c;
}

struct value cel_eval_part(const struct cel_program *program, uint32_t at, struct arena *arena,
			   const struct cel_vars *vars)
{
	struct cel_run run;

	assert(program != NULL && arena != NULL && at < program->node_count);
	cel_run_begin(&run, program, arena, vars);
	return cel_run_end(&run, cel_eval_node(&run, at));
}
