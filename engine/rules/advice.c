/* SPDX-License-Identifier: Apache-2.0
 *
 * advice - what check says of an expression that is right as it stands: it may
 * cost too much, or divide whole numbers where a fraction was meant.
 *
 * Cost is held against the budget of an evaluation, so what passes also ends well
 * at run time unless data is larger than assumed. Stored revisions were accepted
 * once: nothing is said of them. */
#include "engine/rules/load.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/cel/cost.h"
#include "engine/cel/shape.h"

#define QUOTED 90 /* bytes of an expression shown in a message */

/* ---- Cost. ---- */

/* 131,000 · 1.3 million · 26 million · more than 1,000 trillion */
static const char *about(uint64_t n, char out[48])
{
	static const char *const words[] = { "million", "billion", "trillion" };
	uint64_t unit = 1000000;
	int i = 0;

	if (n < unit && n < 1000)
		snprintf(out, 48, "%u", (unsigned)n);
	else if (n < unit)
		snprintf(out, 48, "%u,%03u", (unsigned)(n / 1000), (unsigned)(n % 1000));
	if (n < unit)
		return out;
	for (; i < 2 && n / unit >= 1000; i++)
		unit *= 1000;
	if (n / unit >= 1000)
		snprintf(out, 48, "more than 1,000 trillion");
	else if (n / unit >= 10)
		snprintf(out, 48, "%u %s", (unsigned)(n / unit), words[i]);
	else
		snprintf(out, 48, "%u.%u %s", (unsigned)(n / unit),
			 (unsigned)(n / (unit / 10) % 10), words[i]);
	return out;
}

static struct text shown(struct text t)
{
	return text_head(t, QUOTED);
}

/* "64 items each", or "64, 64 and 4,096 items" */
static void sizes(const struct cel_cost *cost, char *out, size_t room)
{
	uint32_t n = cost->loops < CEL_COST_LOOPS ? cost->loops : CEL_COST_LOOPS;
	bool same = true;
	size_t used = 0;
	char number[48];

	for (uint32_t i = 1; i < n; i++)
		same = same && cost->items[i] == cost->items[0];
	if (same) {
		snprintf(out, room, "%s items%s", about(cost->items[0], number),
			 n > 1 ? " each" : "");
		return;
	}
	for (uint32_t i = 0; i < n && used < room; i++)
		used += (size_t)snprintf(out + used, room - used, "%s%s",
					 i == 0       ? ""
					 : i == n - 1 ? " and "
						      : ", ",
					 about(cost->items[i], number));
	if (used < room)
		snprintf(out + used, room - used, " items");
}

static struct text cost_hint(struct arena *arena, const struct cel_cost *cost)
{
	static const char *const words[] = { "two", "three", "four", "five", "six", "seven" };
	char items[400] = "";

	if (cost->loops > 0)
		sizes(cost, items, sizeof(items));
	if (cost->loops > 1 && cost->loops <= 7)
		return text_printf(
		    arena,
		    "%s loops inside each other, over %s (a list from data counts as %d): "
		    "leave one out, or prepare a list with define and look it up with `in`",
		    words[cost->loops - 2], items, LIMIT_COST_ITEMS);
	if (cost->loops > 1)
		return text_printf(arena, "%u loops inside each other, over %s: leave some out",
				   cost->loops, items);
	if (cost->loops == 1)
		return text_printf(
		    arena,
		    "a loop over %s (a list from data counts as %d): do less in it, or go "
		    "over fewer with filter() first",
		    items, LIMIT_COST_ITEMS);
	return text_printf(arena,
			   "a list from data counts as %d items, a text as %d bytes: split the "
			   "expression with define",
			   LIMIT_COST_ITEMS, LIMIT_COST_TEXT);
}

static void too_costly(struct loading *l, struct place at, const struct cel_cost *cost,
		       struct text whole)
{
	char steps[48], limit[48], part[48];
	struct text hint = cost_hint(l->r.arena, cost), show = shown(cost->text);

	about(cost->steps, steps);
	about(LIMIT_EVAL_STEPS, limit);
	about(cost->part_steps, part);
	if (cost->text.n == whole.n)
		diags_add(l->r.diags, DIAG_ERROR, at, hint.s != NULL ? hint.s : "",
			  "this costs about %s steps, the limit is %s", steps, limit);
	else
		diags_add(l->r.diags, DIAG_ERROR, at, hint.s != NULL ? hint.s : "",
			  "this costs about %s steps, the limit is %s; %s of them are for %.*s%s",
			  steps, limit, part, TEXT_ARG(show), show.n < cost->text.n ? "..." : "");
}

bool load_check_cost(struct loading *l, const struct cel_program *program,
		     struct place (*place)(void *of, size_t offset), void *of)
{
	struct cel_cost cost;

	assert(l != NULL && program != NULL && place != NULL);
	if (l->by_itself)
		return true;
	if (!cel_cost(program, l->scratch, LIMIT_EVAL_STEPS, &cost))
		return false; /* the arena says so */
	if (cost.steps <= LIMIT_EVAL_STEPS)
		return true;
	too_costly(l, place(of, cost.offset), &cost, cel_program_text(program));
	return false;
}

/* ---- Division. ---- */

/* The dotted path of a chain of selections beneath a variable; false for others. */
static bool path_of(struct loading *l, const struct cel_program *program, uint32_t at,
		    struct text *variable, struct text *path)
{
	struct cel_part part = cel_part(program, at);

	*path = TEXT_NONE;
	for (; part.code == CEL_CODE_SELECT;
	     part = cel_part(program, cel_operand(program, part.at, 0)))
		*path = path->s == NULL ? part.name
					: text_printf(l->scratch, "%.*s.%.*s", TEXT_ARG(part.name),
						      TEXT_ARG(*path));
	*variable = part.name;
	return part.code == CEL_CODE_VARIABLE;
}

/* What is divided: a type nobody knows, cents, or something of which nothing is to be said. */
enum dividend { DIVIDEND_FINE, DIVIDEND_UNKNOWN, DIVIDEND_CENTS };

static enum dividend of_define(const struct loading *l, struct text name)
{
	for (size_t i = 0; i < l->rule->define_count; i++) {
		const struct define *define = &l->rule->defines[i];

		if (text_eq(define->name, name))
			return define->program != NULL &&
				       cel_program_type(define->program) == CEL_DYN
				   ? DIVIDEND_UNKNOWN
				   : DIVIDEND_FINE;
	}
	return DIVIDEND_FINE;
}

static enum dividend of_field(struct loading *l, const struct cel_program *program, uint32_t at)
{
	struct text variable, path;
	enum cel_type type;

	if (!path_of(l, program, at, &variable, &path))
		return DIVIDEND_UNKNOWN; /* of a loop's variable, or of a list's item */
	if (path.n == 0)
		return of_define(l, variable);
	type = load_field_type(l, variable, path);
	if (type == CEL_INT && text_ends(path, TEXT("_in_cents")))
		return DIVIDEND_CENTS;
	return type == CEL_DYN ? DIVIDEND_UNKNOWN : DIVIDEND_FINE;
}

static enum dividend dividend_of(struct loading *l, const struct cel_program *program, uint32_t at)
{
	struct cel_part part = cel_part(program, at);

	if (part.code == CEL_CODE_DEFAULT)
		part = cel_part(program, cel_operand(program, at, 0));
	switch (part.code) {
	case CEL_CODE_SELECT:
	case CEL_CODE_VARIABLE:
		return of_field(l, program, part.at);
	case CEL_CODE_INDEX:
	case CEL_CODE_LOCAL:
		return DIVIDEND_UNKNOWN;
	default:
		return DIVIDEND_FINE;
	}
}

static void advise_division(struct loading *l, const struct cel_program *program, uint32_t at,
			    struct place place)
{
	struct cel_part left = cel_part(program, cel_operand(program, at, 0));
	struct cel_part right = cel_part(program, cel_operand(program, at, 1));
	enum dividend dividend = dividend_of(l, program, left.at);
	bool literal = right.code == CEL_CODE_CONSTANT;
	struct text x = shown(left.text), hint;

	if (literal && right.constant.kind != VALUE_INT)
		return;
	if (dividend == DIVIDEND_FINE || (dividend == DIVIDEND_UNKNOWN && !literal))
		return;
	hint = literal ? text_printf(l->r.arena, "write double(%.*s) / %.*s.0%s", TEXT_ARG(x),
				     TEXT_ARG(shown(right.text)),
				     dividend == DIVIDEND_CENTS ? ", or compare in cents" : "")
		       : text_printf(l->r.arena, "write double(%.*s) / double(%.*s)", TEXT_ARG(x),
				     TEXT_ARG(shown(right.text)));
	if (dividend == DIVIDEND_UNKNOWN && hint.s != NULL)
		hint = text_printf(l->r.arena, "%s, or int(%.*s) / %.*s to say that it is meant",
				   hint.s, TEXT_ARG(x), TEXT_ARG(shown(right.text)));
	diags_add(l->r.diags, DIAG_WARNING, place, hint.s != NULL ? hint.s : "",
		  dividend == DIVIDEND_CENTS
		      ? "whole numbers: the division of %.*s throws the fraction away"
		      : "if %.*s is a whole number, this division throws the fraction away",
		  TEXT_ARG(x));
}

/* The operand of int(...), which says that a whole number is meant. */
static bool is_int_of(const struct cel_program *program, uint32_t parent, uint32_t at)
{
	struct cel_part part = cel_part(program, parent);

	return part.code == CEL_CODE_CALL && part.count == 1 && text_is(part.name, "int") &&
	       cel_operand(program, parent, 0) == at;
}

void load_check_division(struct loading *l, const struct cel_program *program,
			 struct place (*place)(void *of, size_t offset), void *of)
{
	assert(l != NULL && program != NULL && place != NULL);
	for (uint32_t at = 0; !l->by_itself && at < cel_parts(program); at++) {
		struct cel_part part = cel_part(program, at);
		size_t offset = (size_t)(part.text.s - cel_program_text(program).s);

		if (part.code != CEL_CODE_BINARY || part.op != CEL_OP_DIV ||
		    (at < cel_root(program) && is_int_of(program, at + 1, at)))
			continue;
		advise_division(l, program, at, place(of, offset));
	}
}
