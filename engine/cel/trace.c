/* SPDX-License-Identifier: Apache-2.0
 *
 * trace - evaluating part by part; see trace.h.
 *
 * A part is evaluated before its operands, and its operands from the last to the
 * first: what a macro leaves in its locals is then still there for the parts that
 * read them. Only the range, which comes first and so is looked at last, may use
 * the same locals for something else. What is only tried, element by element, is
 * tried in an arena of its own. */
#include "engine/cel/trace.h"

#include <assert.h>

struct tracer {
	struct cel_run run;
	struct arena *tries;
	int64_t left; /* steps for all parts that follow */
};

static struct cel_trace *look_at(struct tracer *t, uint32_t at, bool needed);

static bool is_bool(const struct cel_trace *trace, bool b)
{
	return trace->known && trace->value.kind == VALUE_BOOL && trace->value.b == b;
}

static bool failed(const struct cel_trace *trace)
{
	return trace->known && trace->value.kind == VALUE_ERROR;
}

/* ---- Values. ---- */

static bool evaluate(struct tracer *t, uint32_t at, struct value *out)
{
	int64_t most = t->left < LIMIT_EVAL_STEPS ? t->left : LIMIT_EVAL_STEPS;

	*out = value_null();
	if (most <= 0)
		return false;
	t->run.steps = most;
	*out = cel_run_end(&t->run, cel_eval_node(&t->run, at));
	t->left -= most - (t->run.steps > 0 ? t->run.steps : 0);
	if (t->run.steps >= 0 || most == LIMIT_EVAL_STEPS)
		return true;
	*out = value_null();
	return false;
}

/* ---- Macros. ---- */

/* What one element made of the macro's condition and, for map(), of its expression. */
enum told { TOLD_TRUE, TOLD_FALSE, TOLD_FAILED, TOLD_UNKNOWN };

/* The last operand says what becomes of an element, whatever it is. */
static bool makes_values(enum cel_loop loop)
{
	return loop == CEL_LOOP_MAP || loop == CEL_LOOP_MAP_VALUES ||
	       loop == CEL_LOOP_MAP_ENTRIES || loop == CEL_LOOP_SORT_BY;
}

static enum told ask(struct tracer *t, const struct cel_part *loop, struct value range, uint32_t i)
{
	enum told told = TOLD_TRUE;

	cel_loop_bind(&t->run, &t->run.program->nodes[loop->at], range, i);
	for (uint32_t k = 1; k < loop->count && told == TOLD_TRUE; k++) {
		bool condition = !makes_values(loop->loop) || k + 1 < loop->count;
		struct value v;

		if (!evaluate(t, cel_operand(t->run.program, loop->at, k), &v))
			told = TOLD_UNKNOWN;
		else if (v.kind == VALUE_ERROR || (condition && v.kind != VALUE_BOOL))
			told = TOLD_FAILED;
		else if (condition && !v.b)
			told = TOLD_FALSE;
	}
	return told;
}

/* The same, leaving nothing behind. */
static enum told try(struct tracer *t, const struct cel_part *loop, struct value range, uint32_t i)
{
	struct arena *arena = t->run.arena;
	uint64_t known = t->run.known;
	enum told told;

	t->run.arena = t->tries;
	told = ask(t, loop, range, i);
	if (arena_failed(t->tries))
		told = TOLD_UNKNOWN;
	arena_reset(t->tries);
	t->run.arena = arena;
	t->run.known = known;
	return told;
}

/* The element that made the macro's value what it is, from 1; 0: no single one did. */
static uint32_t find_element(struct tracer *t, const struct cel_part *loop, struct value result,
			     struct value range)
{
	bool one = loop->loop == CEL_LOOP_EXISTS_ONE && result.kind == VALUE_BOOL;
	uint32_t hits = 0, wanted_hits = one && !result.b ? 2 : 1;
	enum told wanted = TOLD_FAILED;

	if (result.kind == VALUE_BOOL) {
		if (loop->loop == CEL_LOOP_ALL ? result.b : !result.b && !one)
			return 0;
		wanted = loop->loop == CEL_LOOP_ALL ? TOLD_FALSE : TOLD_TRUE;
	} else if (result.kind != VALUE_ERROR) {
		return 0;
	}
	for (uint32_t i = 0; i < range.n && t->left > 0; i++) {
		hits += try(t, loop, range, i) == wanted ? 1 : 0;
		if (hits == wanted_hits)
			return i + 1;
	}
	return 0;
}

static struct value element_of(struct value range, uint32_t i)
{
	return range.kind == VALUE_LIST ? range.items[i] : range.pairs[i].key;
}

static void look_at_element(struct tracer *t, struct cel_trace *trace, struct cel_trace **kids,
			    struct value range)
{
	trace->elements = range.n;
	trace->element = find_element(t, &trace->part, trace->value, range);
	if (trace->element == 0)
		return;
	trace->item = element_of(range, trace->element - 1);
	cel_loop_bind(&t->run, &t->run.program->nodes[trace->part.at], range, trace->element - 1);
	for (uint32_t k = trace->part.count - 1; k > 0; k--)
		kids[k] = look_at(t, cel_operand(t->run.program, trace->part.at, k), trace->needed);
	trace->count = trace->part.count;
}

static void look_at_loop(struct tracer *t, struct cel_trace *trace, struct cel_trace **kids)
{
	uint32_t at = cel_operand(t->run.program, trace->part.at, 0);
	struct value range;

	trace->count = 1;
	if (trace->known && evaluate(t, at, &range) &&
	    (range.kind == VALUE_LIST || range.kind == VALUE_MAP))
		look_at_element(t, trace, kids, range);
	kids[0] = look_at(t, at, trace->needed);
}

/* An optional's macro: its expression is shown when there is a value to make it of. */
static void look_at_optional(struct tracer *t, struct cel_trace *trace, struct cel_trace **kids)
{
	uint32_t at = cel_operand(t->run.program, trace->part.at, 0);
	struct value of;

	trace->count = 1;
	if (trace->known && evaluate(t, at, &of) && of.kind == VALUE_OPTIONAL && of.n > 0) {
		t->run.locals[trace->part.variable] = of.items[0];
		kids[1] = look_at(t, cel_operand(t->run.program, trace->part.at, 1), trace->needed);
		trace->count = 2;
	}
	kids[0] = look_at(t, at, trace->needed);
}

static void look_at_operands(struct tracer *t, struct cel_trace *trace, struct cel_trace **kids)
{
	for (uint32_t i = trace->count; i > 0; i--)
		kids[i - 1] =
		    look_at(t, cel_operand(t->run.program, trace->part.at, i - 1), trace->needed);
}

/* ---- The tree. ---- */

/* The kid that decides && (until = false) or || (until = true): the first that says `until`, else
 * the first that is no bool; count when they all had to be as they are. */
static uint32_t decisive(const struct cel_trace *trace, bool until)
{
	uint32_t bad = trace->count;

	for (uint32_t i = 0; i < trace->count; i++) {
		if (is_bool(trace->kids[i], until))
			return i;
		if (bad == trace->count && !is_bool(trace->kids[i], !until))
			bad = i;
	}
	return bad;
}

static void forget_need(struct cel_trace *trace)
{
	trace->needed = false;
	for (uint32_t i = 0; i < trace->count; i++)
		forget_need(trace->kids[i]);
}

/* Which operands the evaluation does not ask for. */
static void mark_needs(const struct cel_trace *trace)
{
	struct cel_trace *const *kids = trace->kids;
	uint32_t first;

	switch (trace->part.code) {
	case CEL_CODE_AND:
	case CEL_CODE_OR:
		first = decisive(trace, trace->part.code == CEL_CODE_OR);
		if (first == trace->count || !is_bool(kids[first], trace->part.code == CEL_CODE_OR))
			break;
		for (uint32_t i = first + 1; i < trace->count; i++)
			forget_need(kids[i]);
		break;
	case CEL_CODE_CHOOSE:
		if (!is_bool(kids[0], true))
			forget_need(kids[1]);
		if (!is_bool(kids[0], false))
			forget_need(kids[2]);
		break;
	case CEL_CODE_DEFAULT:
		if (!failed(kids[0]) && kids[0]->value.kind != VALUE_NULL)
			forget_need(kids[1]);
		break;
	case CEL_CODE_EITHER:
		if (kids[0]->value.kind == VALUE_OPTIONAL && kids[0]->value.n > 0)
			forget_need(kids[1]);
		break;
	default:
		break;
	}
}

static bool arena_is_out(const struct tracer *t, const struct cel_trace *trace,
			 struct cel_trace *const *kids)
{
	if (arena_failed(t->run.arena))
		return true;
	for (uint32_t i = 0; i < trace->count; i++)
		if (kids[i] == NULL)
			return true;
	return false;
}

/* NULL when the arena is spent. The tree is at most LIMIT_EXPR_TREE deep, which bounds this. */
static struct cel_trace *look_at(struct tracer *t, uint32_t at, bool needed)
{
	struct cel_trace *trace = arena_zero(t->run.arena, sizeof(*trace));
	struct cel_trace **kids;

	if (trace == NULL)
		return NULL;
	trace->part = cel_part(t->run.program, at);
	trace->needed = needed;
	trace->known = evaluate(t, at, &trace->value);
	trace->count = trace->part.count;
	kids = arena_array(t->run.arena, trace->count, sizeof(*kids));
	if (kids == NULL)
		return NULL;
	trace->kids = kids;
	if (trace->part.code != CEL_CODE_LOOP || trace->part.loop == CEL_LOOP_BIND)
		look_at_operands(t, trace, kids);
	else if (cel_loop_is_over_range(trace->part.loop))
		look_at_loop(t, trace, kids);
	else
		look_at_optional(t, trace, kids);
	if (arena_is_out(t, trace, kids))
		return NULL;
	mark_needs(trace);
	return trace;
}

/* ---- What decided. ---- */

/* A part that is made of conditions: which of them decided is worth telling. */
static bool is_composed(const struct cel_trace *trace)
{
	switch (trace->part.code) {
	case CEL_CODE_AND:
	case CEL_CODE_OR:
	case CEL_CODE_NOT:
	case CEL_CODE_CHOOSE:
	case CEL_CODE_LOOP:
		return true;
	default:
		return false;
	}
}

static struct cel_trace *first_failed(const struct cel_trace *trace)
{
	for (uint32_t i = 0; i < trace->count; i++)
		if (failed(trace->kids[i]) && trace->kids[i]->needed)
			return trace->kids[i];
	return NULL;
}

static struct cel_trace *decider_of_logic(const struct cel_trace *trace)
{
	uint32_t i = decisive(trace, trace->part.code == CEL_CODE_OR);
	bool settled = i < trace->count && is_bool(trace->kids[i], trace->part.code == CEL_CODE_OR);

	/* By itself it spent its steps, and none of its parts did. */
	if (i == trace->count || settled == failed(trace))
		return NULL;
	return trace->kids[i];
}

static struct cel_trace *decider_of_loop(const struct cel_trace *trace)
{
	struct cel_trace *bad;

	if (trace->part.loop == CEL_LOOP_BIND)
		return trace->kids[trace->count - 1];
	if (trace->element == 0)
		return first_failed(trace);
	bad = first_failed(trace);
	return bad != NULL ? bad : trace->kids[1];
}

/* The operand that made the part what it is; NULL: the part itself. */
static struct cel_trace *decisive_kid(const struct cel_trace *trace)
{
	switch (trace->part.code) {
	case CEL_CODE_AND:
	case CEL_CODE_OR:
		return decider_of_logic(trace);
	case CEL_CODE_LOOP:
		return decider_of_loop(trace);
	case CEL_CODE_CHOOSE:
		if (trace->kids[0]->value.kind != VALUE_BOOL)
			return trace->kids[0];
		return trace->kids[trace->kids[0]->value.b ? 1 : 2];
	case CEL_CODE_DEFAULT:
		return failed(trace) ? trace->kids[1] : NULL;
	case CEL_CODE_NOT:
		if (is_composed(trace->kids[0]))
			return trace->kids[0];
		break;
	default:
		break;
	}
	return failed(trace) ? first_failed(trace) : NULL;
}

static void mark_decider(struct cel_trace *trace)
{
	struct cel_trace *kid = trace;

	while (kid != NULL) {
		trace = kid;
		kid = trace->known ? decisive_kid(trace) : NULL;
	}
	trace->decides = true;
}

/* ---- For others. ---- */

const struct cel_trace *cel_trace(const struct cel_program *program, struct arena *arena,
				  const struct cel_vars *vars)
{
	struct tracer t = { .left = LIMIT_TRACE_STEPS };
	struct cel_trace *trace;

	assert(program != NULL && arena != NULL);
	cel_run_begin(&t.run, program, arena, vars);
	t.tries = arena_new("trace", LIMIT_EVENT_ARENA);
	trace = t.tries != NULL ? look_at(&t, cel_root(program), true) : NULL;
	arena_free(t.tries);
	if (trace != NULL)
		mark_decider(trace);
	return trace;
}

const struct cel_trace *cel_trace_decider(const struct cel_trace *trace)
{
	const struct cel_trace *found = NULL;

	assert(trace != NULL);
	if (trace->decides)
		return trace;
	for (uint32_t i = 0; i < trace->count && found == NULL; i++)
		found = cel_trace_decider(trace->kids[i]);
	return found;
}
