/* SPDX-License-Identifier: Apache-2.0
 *
 * cost - an upper estimate of an evaluation's steps; see cost.h.
 *
 * I1  Every part is visited once, its operands before it; a loop's body sees the
 *     extent of what it goes over through the slot of its variable.
 * I2  The steps of each kind of node are those that eval.c, operators.c and
 *     loops.c charge. */
#include "engine/cel/cost.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/cel/cost_calls.h"
#include "engine/cel/extent.h"
#include "engine/cel/shape.h"

/* What is known of a part once it was visited. */
struct part_cost {
	uint64_t steps; /* of one evaluation */
	uint64_t times; /* LOOP: how often the body is evaluated in it */
};

struct costing {
	const struct cel_program *program;
	struct arena *arena;
	struct part_cost *parts;
	struct extent locals[LIMIT_EXPR_LOCALS];
};

static struct extent visit(struct costing *c, uint32_t at);

static uint64_t operand_steps(const struct costing *c, uint32_t at, uint32_t i)
{
	return c->parts[cel_operand(c->program, at, i)].steps;
}

static struct extent visit_operand(struct costing *c, uint32_t at, uint32_t i)
{
	return visit(c, cel_operand(c->program, at, i));
}

static void add(struct costing *c, uint32_t at, uint64_t steps)
{
	c->parts[at].steps = extent_add(c->parts[at].steps, steps);
}

/* ---- Operators ---- */

/* Equality reads what both have in common. */
static uint64_t comparing(struct extent a, struct extent b)
{
	if (extent_is_scalar(a) || extent_is_scalar(b))
		return 0;
	if (a.type == CEL_DYN && (b.type == CEL_LIST || b.type == CEL_MAP))
		return extent_add(1, extent_times(b.items, 2 * extent_unknown().read));
	return a.read;
}

/* A long key is read to find it in a map. */
static uint64_t finding(struct extent key)
{
	return extent_is_scalar(key) || key.bytes <= 64 ? 0 : key.read;
}

static uint64_t searching(struct extent a, struct extent b)
{
	uint64_t key = b.type == CEL_LIST ? 0 : finding(a);

	if (b.type == CEL_MAP)
		return key;
	b = extent_taken_as(b, CEL_LIST);
	if (extent_is_scalar(a) || (a.type == CEL_TEXT && a.bytes <= 64))
		return 1 + b.items / 8;
	return b.read > key ? b.read : key;
}

/* a + b: numbers, texts or lists. */
static struct extent joining(struct costing *c, uint32_t at, struct extent a, struct extent b)
{
	enum cel_type type = a.type != CEL_DYN ? a.type : b.type;
	uint64_t bytes = extent_add(a.bytes, b.bytes), items = extent_add(a.items, b.items);
	struct extent e;

	if (extent_is_scalar(a) || extent_is_scalar(b))
		return extent_is_scalar(a) ? a : b;
	a = extent_taken_as(a, type);
	b = extent_taken_as(b, type);
	e = extent_either(c->arena, a, b);
	e.bytes = bytes;
	e.items = items;
	e.read = extent_add(a.read, b.read);
	if (e.type == CEL_TEXT || e.type == CEL_BYTES)
		items = 0;
	else if (e.type == CEL_LIST)
		bytes = 0;
	add(c, at, 1 + (bytes / 64 > items / 8 ? bytes / 64 : items / 8));
	return e;
}

static struct extent arithmetic(struct extent a, struct extent b)
{
	enum cel_type type = a.type != CEL_DYN ? a.type : b.type;

	return extent_of_type(type != CEL_DYN ? type : CEL_INT);
}

static struct extent binary(struct costing *c, uint32_t at, enum cel_op op)
{
	struct extent a = visit_operand(c, at, 0), b = visit_operand(c, at, 1);

	add(c, at, operand_steps(c, at, 0));
	add(c, at, operand_steps(c, at, 1));
	switch (op) {
	case CEL_OP_ADD:
		return joining(c, at, a, b);
	case CEL_OP_SUB:
	case CEL_OP_MUL:
	case CEL_OP_DIV:
	case CEL_OP_MOD:
		return arithmetic(a, b);
	case CEL_OP_IN:
		add(c, at, searching(a, b));
		break;
	case CEL_OP_EQ:
	case CEL_OP_NE:
	case CEL_OP_LT:
	case CEL_OP_LE:
	case CEL_OP_GT:
	case CEL_OP_GE:
		add(c, at, comparing(a, b));
		break;
	}
	return extent_of_type(CEL_BOOL);
}

/* ---- Lists, maps, loops ---- */

/* All operands once; what holds for any of them. */
static struct extent all_operands(struct costing *c, const struct cel_part *part)
{
	struct extent any = extent_unknown();

	for (uint32_t i = 0; i < part->count; i++) {
		struct extent e = visit_operand(c, part->at, i);

		add(c, part->at, operand_steps(c, part->at, i));
		any = i == 0 ? e : extent_either(c->arena, any, e);
	}
	return any;
}

static struct extent map(struct costing *c, const struct cel_part *part)
{
	struct extent any = extent_unknown();

	for (uint32_t i = 0; i < part->count; i++) {
		struct extent e = visit_operand(c, part->at, i);

		add(c, part->at, operand_steps(c, part->at, i));
		if (i % 2 == 0)
			add(c, part->at, finding(e));
		else
			any = i == 1 ? e : extent_either(c->arena, any, e);
	}
	return extent_map(c->arena, part->count / 2, &any);
}

static struct extent choose(struct costing *c, uint32_t at)
{
	struct extent a, b;
	uint64_t yes, no;

	visit_operand(c, at, 0);
	a = visit_operand(c, at, 1);
	b = visit_operand(c, at, 2);
	yes = operand_steps(c, at, 1);
	no = operand_steps(c, at, 2);
	add(c, at, operand_steps(c, at, 0));
	add(c, at, yes > no ? yes : no);
	return extent_either(c->arena, a, b);
}

/* How often a loop over it goes round; only lists and maps are gone over. */
static uint64_t rounds(struct extent range)
{
	return range.type == CEL_LIST || range.type == CEL_MAP || range.type == CEL_DYN
		   ? range.items
		   : 0;
}

/* False for the macros that bind names and go over nothing. */
static bool goes_over(const struct cel_part *part)
{
	return part->code == CEL_CODE_LOOP && part->loop != CEL_LOOP_BIND &&
	       part->loop != CEL_LOOP_OPTIONAL_MAP && part->loop != CEL_LOOP_OPTIONAL_FLAT_MAP;
}

/* Of a list index and item, of a map key and value; with one name the item, or the key. */
static void bind(struct costing *c, const struct cel_part *part, struct extent range)
{
	struct extent *locals = c->locals + part->variable;
	struct extent key = range.type == CEL_LIST ? extent_of_type(CEL_INT) : extent_unknown();

	assert(part->variable + part->slots <= LIMIT_EXPR_LOCALS);
	if (part->slots < 2) {
		locals[0] = range.type == CEL_MAP ? key : extent_item(range);
		return;
	}
	locals[0] = key;
	locals[1] = extent_item(range);
}

static struct extent looped(struct costing *c, const struct cel_part *part, struct extent range,
			    struct extent last)
{
	uint64_t keys = finding(extent_unknown()); /* of a map that is made */
	struct extent item;

	switch (part->loop) {
	case CEL_LOOP_ALL:
	case CEL_LOOP_EXISTS:
	case CEL_LOOP_EXISTS_ONE:
		return extent_of_type(CEL_BOOL);
	case CEL_LOOP_MAP:
		return extent_list(c->arena, rounds(range), &last);
	case CEL_LOOP_SORT_BY:
		add(c, part->at, cost_sort(range, last));
		return range;
	case CEL_LOOP_MAP_VALUES:
		add(c, part->at, extent_times(rounds(range), keys));
		return extent_map(c->arena, rounds(range), &last);
	case CEL_LOOP_MAP_ENTRIES:
		add(c, part->at, extent_times(rounds(range), 1));
		add(c, part->at, extent_times(rounds(range), extent_times(last.items, 1 + keys)));
		item = extent_item(last);
		return extent_map(c->arena, extent_times(rounds(range), last.items), &item);
	default:
		return range.type == CEL_MAP ? extent_list(c->arena, range.items, NULL) : range;
	}
}

static struct extent loop(struct costing *c, const struct cel_part *part)
{
	uint32_t at = part->at;
	struct extent range = visit_operand(c, at, 0), last = extent_unknown();
	uint64_t body = 0;

	bind(c, part, range);
	for (uint32_t i = 1; i < part->count; i++) {
		last = visit_operand(c, at, i);
		body = extent_add(body, operand_steps(c, at, i));
	}
	c->parts[at].times = rounds(range);
	add(c, at, operand_steps(c, at, 0));
	add(c, at, extent_times(rounds(range), body));
	return looped(c, part, range, last);
}

/* cel.bind and its like: each name's value once, then the expression. */
static struct extent binding(struct costing *c, const struct cel_part *part)
{
	bool bind = part->loop == CEL_LOOP_BIND;
	struct extent last = extent_unknown();

	for (uint32_t i = 0; i < part->count; i++) {
		last = visit_operand(c, part->at, i);
		add(c, part->at, operand_steps(c, part->at, i));
		if (i + 1 < part->count && part->variable + i < LIMIT_EXPR_LOCALS)
			c->locals[part->variable + i] = bind ? last : extent_item(last);
	}
	return part->loop == CEL_LOOP_OPTIONAL_MAP ? extent_optional(c->arena, last) : last;
}

/* ---- Calls ---- */

static struct extent call(struct costing *c, const struct cel_part *part)
{
	const struct cel_node *n = &c->program->nodes[part->at];
	struct extent *args = arena_array(c->arena, part->count, sizeof(*args));
	const struct value **constants = arena_array(c->arena, part->count, sizeof(*constants));
	struct cost_call call = { .rows = &c->program->candidates[n->b],
				  .row_count = n->extra,
				  .args = args,
				  .constants = constants,
				  .count = part->count,
				  .prepared = n->c > 0 };

	if (args == NULL || constants == NULL)
		return extent_unknown();
	for (uint32_t i = 0; i < part->count; i++) {
		const struct cel_node *kid =
		    &c->program->nodes[cel_operand(c->program, part->at, i)];

		args[i] = visit_operand(c, part->at, i);
		constants[i] =
		    kid->code == CEL_CODE_CONSTANT ? &c->program->constants[kid->a] : NULL;
		add(c, part->at, operand_steps(c, part->at, i));
	}
	return cost_call(c->arena, &call, &c->parts[part->at].steps);
}

/* ---- Parts ---- */

/* a.b and a[b]; of an optional, an optional part. */
static struct extent selection(struct costing *c, const struct cel_part *part)
{
	struct extent of = visit_operand(c, part->at, 0);

	add(c, part->at, operand_steps(c, part->at, 0));
	if (part->count > 1) {
		add(c, part->at, finding(visit_operand(c, part->at, 1)));
		add(c, part->at, operand_steps(c, part->at, 1));
	}
	if (of.type != CEL_OPTIONAL)
		return extent_item(of);
	return extent_optional(c->arena, extent_item(extent_item(of)));
}

static struct extent optional(struct costing *c, const struct cel_part *part)
{
	struct extent e, other;

	if (part->code == CEL_CODE_OPTIONAL_INDEX) {
		e = selection(c, part);
		return e.type == CEL_OPTIONAL ? e : extent_optional(c->arena, e);
	}
	e = visit_operand(c, part->at, 0);
	add(c, part->at, operand_steps(c, part->at, 0));
	if (part->code == CEL_CODE_MAYBE)
		return extent_item(e);
	other = visit_operand(c, part->at, 1);
	add(c, part->at, operand_steps(c, part->at, 1));
	return extent_either(c->arena, other.type == CEL_OPTIONAL ? e : extent_item(e), other);
}

/* ---- The tree ---- */

static struct extent visit_kind(struct costing *c, const struct cel_part *part)
{
	struct extent e;

	switch (part->code) {
	case CEL_CODE_CONSTANT:
		return extent_of_value(c->arena, part->constant);
	case CEL_CODE_LOCAL:
		return c->locals[part->variable];
	case CEL_CODE_SELECT:
	case CEL_CODE_INDEX:
		return selection(c, part);
	case CEL_CODE_BINARY:
		return binary(c, part->at, part->op);
	case CEL_CODE_CHOOSE:
		return choose(c, part->at);
	case CEL_CODE_DEFAULT:
		return all_operands(c, part);
	case CEL_CODE_LIST:
		e = all_operands(c, part);
		return extent_list(c->arena, part->count, &e);
	case CEL_CODE_MAP:
		return map(c, part);
	case CEL_CODE_CALL:
		return call(c, part);
	case CEL_CODE_LOOP:
		return goes_over(part) ? loop(c, part) : binding(c, part);
	case CEL_CODE_OPTIONAL_INDEX:
	case CEL_CODE_MAYBE:
	case CEL_CODE_EITHER:
		return optional(c, part);
	case CEL_CODE_HAS:
	case CEL_CODE_NOT:
	case CEL_CODE_AND:
	case CEL_CODE_OR:
		all_operands(c, part);
		return extent_of_type(CEL_BOOL);
	case CEL_CODE_NEGATE:
		all_operands(c, part);
		return extent_of_type(CEL_INT);
	case CEL_CODE_VARIABLE:
	case CEL_CODE_FAIL:
		break;
	}
	return extent_unknown();
}

/* Recurses as deep as the tree: LIMIT_EXPR_TREE. */
static struct extent visit(struct costing *c, uint32_t at)
{
	struct cel_part part = cel_part(c->program, at);

	c->parts[at] = (struct part_cost){ .steps = 1, .times = 1 };
	return visit_kind(c, &part);
}

/* ---- The part to change ---- */

/* What operand i adds to one evaluation of its part. */
static uint64_t share(const struct costing *c, const struct cel_part *part, uint32_t i)
{
	uint64_t steps = operand_steps(c, part->at, i);

	return goes_over(part) && i > 0 ? extent_times(steps, c->parts[part->at].times) : steps;
}

/* The operand that adds most; part.count when there is none. */
static uint32_t costliest(const struct costing *c, const struct cel_part *part)
{
	uint32_t best = part->count;
	uint64_t most = 0;

	for (uint32_t i = 0; i < part->count; i++) {
		if (share(c, part, i) > most) {
			most = share(c, part, i);
			best = i;
		}
	}
	return best;
}

/* What the part takes beyond its operands. */
static uint64_t own(const struct costing *c, const struct cel_part *part)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < part->count; i++)
		all = extent_add(all, share(c, part, i));
	return c->parts[part->at].steps > all ? c->parts[part->at].steps - all : 0;
}

/* From the root down to the part to change: the outermost loop, unless what it goes over is too
 * much by itself, or what takes more by itself than its operands do. */
static uint32_t descend(const struct costing *c, uint64_t limit)
{
	struct cel_part part = cel_part(c->program, cel_root(c->program));
	uint32_t i;

	while ((i = costliest(c, &part)) < part.count) {
		uint64_t steps = operand_steps(c, part.at, i);

		if (goes_over(&part) ? i > 0 || steps <= limit
				     : steps <= limit && steps <= own(c, &part))
			break;
		part = cel_part(c->program, cel_operand(c->program, part.at, i));
	}
	return part.at;
}

/* The loops inside each other along the costliest operands. */
static void count_loops(const struct costing *c, uint32_t at, struct cel_cost *out)
{
	struct cel_part part = cel_part(c->program, at);
	uint32_t i;

	while ((i = costliest(c, &part)) < part.count) {
		if (goes_over(&part) && i > 0) {
			if (out->loops < CEL_COST_LOOPS)
				out->items[out->loops] = c->parts[part.at].times;
			out->loops++;
		}
		part = cel_part(c->program, cel_operand(c->program, part.at, i));
	}
}

bool cel_cost(const struct cel_program *program, struct arena *scratch, uint64_t limit,
	      struct cel_cost *out)
{
	struct costing c = { .program = program, .arena = scratch };
	uint32_t at;

	assert(program != NULL && scratch != NULL && out != NULL);
	*out = (struct cel_cost){ 0 };
	c.parts = arena_array(scratch, cel_parts(program), sizeof(*c.parts));
	if (c.parts == NULL)
		return false;
	for (uint32_t i = 0; i < LIMIT_EXPR_LOCALS; i++)
		c.locals[i] = extent_unknown();
	visit(&c, cel_root(program));
	if (arena_failed(scratch))
		return false;
	out->steps = c.parts[cel_root(program)].steps;
	at = descend(&c, limit);
	out->text = cel_part(program, at).text;
	out->offset = (size_t)(out->text.s - cel_program_text(program).s);
	out->part_steps = c.parts[at].steps;
	count_loops(&c, at, out);
	return true;
}

struct value cel_eval_counted(const struct cel_program *program, struct arena *arena,
			      const struct cel_vars *vars, int64_t *steps)
{
	struct cel_run run;
	struct value v;

	assert(program != NULL && arena != NULL && steps != NULL);
	cel_run_begin(&run, program, arena, vars);
	v = cel_run_end(&run, cel_eval_node(&run, cel_root(program)));
	*steps = LIMIT_EVAL_STEPS - run.steps;
	return v;
}
