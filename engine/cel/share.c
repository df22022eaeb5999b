/* SPDX-License-Identifier: Apache-2.0
 *
 * share - finding the parts that programs have in common; see share.h.
 *
 * Parts are alike when their text is: white space tells them apart, which costs
 * nothing but the sharing. What is considered: chains of selections, conditions
 * of && and ||, and whole programs. */
#include "engine/cel/share.h"

#include <assert.h>

#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/cel/shape.h"

struct seen {
	uint64_t hash;              /* 0: the place is free */
	struct cel_node *first;     /* where it stood first, until it has a number */
	const struct text *program; /* the text that node is in */
	uint32_t number;            /* of the cell, 0: seen once */
};

struct cel_sharing {
	uint64_t variables;
	struct seen *table;
	size_t room, count; /* room is a power of two */
	uint32_t cells;
};

/* ---- Which parts. ---- */

#define NO_LOCAL UINT32_MAX

/* The lowest local that a part reads from outside, NO_LOCAL: none; or false: it may not be
 * shared at all. */
struct reads {
	bool shared;
	uint32_t local;
};

static struct reads reads_of(const struct cel_program *program, uint32_t at, uint64_t variables);

static struct reads reads_of_operands(const struct cel_program *program,
				      const struct cel_part *part, uint64_t variables)
{
	struct reads all = { true, NO_LOCAL };

	for (uint32_t i = 0; i < part->count && all.shared; i++) {
		struct reads one = reads_of(program, cel_operand(program, part->at, i), variables);

		all.shared = one.shared;
		all.local = one.local < all.local ? one.local : all.local;
	}
	return all;
}

/* The tree is at most LIMIT_EXPR_TREE deep, which bounds this. */
static struct reads reads_of(const struct cel_program *program, uint32_t at, uint64_t variables)
{
	struct cel_part part = cel_part(program, at);
	struct reads all;

	if (part.code == CEL_CODE_CONSTANT)
		return (struct reads){ true, NO_LOCAL };
	if (part.code == CEL_CODE_LOCAL)
		return (struct reads){ true, part.variable };
	if (part.code == CEL_CODE_VARIABLE)
		return (struct reads){ part.variable < 64 && (variables >> part.variable & 1) != 0,
				       NO_LOCAL };
	all = reads_of_operands(program, &part, variables);
	/* Slots from its own on are the macro's business. */
	if (part.code == CEL_CODE_LOOP && all.local >= part.variable)
		all.local = NO_LOCAL;
	return all;
}

bool cel_part_is_shared(const struct cel_program *program, uint32_t at, uint64_t variables)
{
	struct reads reads = reads_of(program, at, variables);

	return reads.shared && reads.local == NO_LOCAL;
}

/* ---- The table. ---- */

static struct text node_text(const struct text *program, const struct cel_node *node)
{
	return (struct text){ program->s + node->from, (size_t)(node->to - node->from) };
}

static struct seen *place_of(struct cel_sharing *s, uint64_t hash, struct text text)
{
	size_t at = hash & (s->room - 1);

	while (s->table[at].hash != 0) {
		const struct seen *seen = &s->table[at];

		if (seen->hash == hash && text_eq(node_text(seen->program, seen->first), text))
			break;
		at = (at + 1) & (s->room - 1);
	}
	return &s->table[at];
}

static bool grow(struct cel_sharing *s)
{
	size_t room = s->room == 0 ? 1024 : s->room * 2;
	struct seen *table = mem_zero(room, sizeof(*table));

	if (table == NULL)
		return false;
	for (size_t i = 0; i < s->room; i++) {
		size_t at = s->table[i].hash & (room - 1);

		if (s->table[i].hash == 0)
			continue;
		while (table[at].hash != 0)
			at = (at + 1) & (room - 1);
		table[at] = s->table[i];
	}
	mem_free(s->table);
	s->table = table;
	s->room = room;
	return true;
}

static bool note(struct cel_sharing *s, const struct cel_program *program, struct cel_node *node)
{
	struct text text = node_text(&program->text, node);
	uint64_t hash = hash64(text.s, text.n, node->code == CEL_CODE_SELECT) | 1;
	struct seen *seen;

	if (s->count * 2 >= s->room && !grow(s))
		return false;
	seen = place_of(s, hash, text);
	if (seen->hash == 0) {
		*seen = (struct seen){ hash, node, &program->text, 0 };
		s->count++;
		return true;
	}
	if (seen->number == 0)
		seen->first->memo = seen->number = ++s->cells;
	node->memo = seen->number;
	return true;
}

/* ---- A program. ---- */

static bool is_condition(enum cel_code code)
{
	return code == CEL_CODE_BINARY || code == CEL_CODE_CALL || code == CEL_CODE_LOOP ||
	       code == CEL_CODE_NOT || code == CEL_CODE_OR || code == CEL_CODE_AND ||
	       code == CEL_CODE_DEFAULT || code == CEL_CODE_CHOOSE || code == CEL_CODE_HAS;
}

static bool consider(struct cel_sharing *s, const struct cel_program *program, uint32_t at)
{
	struct cel_node *node = &program->nodes[at];

	if (node->memo != 0 || !cel_part_is_shared(program, at, s->variables))
		return true;
	return note(s, program, node);
}

/* The outermost link of a chain of selections that starts at a variable, beneath `at`. */
static bool consider_chains(struct cel_sharing *s, const struct cel_program *program, uint32_t at)
{
	struct cel_part part = cel_part(program, at);
	uint32_t root = at;

	while (cel_part(program, root).code == CEL_CODE_SELECT)
		root = cel_operand(program, root, 0);
	if (root != at && cel_part(program, root).code == CEL_CODE_VARIABLE)
		return consider(s, program, at);
	for (uint32_t i = 0; i < part.count; i++)
		if (!consider_chains(s, program, cel_operand(program, at, i)))
			return false;
	return true;
}

static bool consider_conditions(struct cel_sharing *s, const struct cel_program *program,
				uint32_t at)
{
	struct cel_part part = cel_part(program, at);

	if (is_condition(part.code) && !consider(s, program, at))
		return false;
	for (uint32_t i = 0; i < part.count; i++)
		if ((part.code == CEL_CODE_AND || part.code == CEL_CODE_OR) &&
		    !consider_conditions(s, program, cel_operand(program, at, i)))
			return false;
	return true;
}

/* ---- Life. ---- */

struct cel_sharing *cel_sharing_new(uint64_t variables)
{
	struct cel_sharing *s = mem_zero(1, sizeof(*s));

	if (s != NULL)
		s->variables = variables;
	return s;
}

bool cel_sharing_add(struct cel_sharing *sharing, const struct cel_program *program)
{
	assert(sharing != NULL && program != NULL);
	return consider_conditions(sharing, program, cel_root(program)) &&
	       consider_chains(sharing, program, cel_root(program));
}

uint32_t cel_sharing_end(struct cel_sharing *sharing)
{
	uint32_t cells;

	if (sharing == NULL)
		return 0;
	cells = sharing->cells;
	mem_free(sharing->table);
	mem_free(sharing);
	return cells;
}

/* ---- The memo. ---- */

struct cel_memo *cel_memo_new(uint32_t cells)
{
	struct cel_memo *memo = mem_zero(1, sizeof(*memo));

	if (memo == NULL)
		return NULL;
	memo->count = cells;
	memo->moment = 1;
	memo->cells = mem_zero((size_t)cells + 1, sizeof(*memo->cells));
	if (memo->cells == NULL) {
		mem_free(memo);
		return NULL;
	}
	return memo;
}

void cel_memo_free(struct cel_memo *memo)
{
	if (memo == NULL)
		return;
	mem_free(memo->cells);
	mem_free(memo);
}

void cel_memo_next(struct cel_memo *memo)
{
	assert(memo != NULL);
	if (++memo->moment != 0)
		return;
	/* Once in four billion: marks of long ago must not look like today's. */
	for (uint32_t i = 0; i <= memo->count; i++)
		memo->cells[i].moment = 0;
	memo->moment = 1;
}

struct value cel_eval_shared(const struct cel_program *program, uint32_t at, struct arena *arena,
			     const struct cel_vars *vars, struct cel_memo *memo, int64_t *steps)
{
	struct cel_run run;
	struct value v;

	assert(program != NULL && arena != NULL && at < program->node_count);
	cel_run_begin(&run, program, arena, vars);
	run.memo = memo;
	v = cel_run_end(&run, cel_eval_cell(&run, at));
	if (steps != NULL)
		*steps += LIMIT_EVAL_STEPS - run.steps;
	return v;
}
