/* SPDX-License-Identifier: Apache-2.0
 *
 * loops - the comprehension macros: langdef.md, "Macros".
 *
 * all() and exists() absorb errors as && and || do; exists_one() does not.
 * I1  Every element costs the steps of its evaluation, at least one, so a loop
 *     ends with the budget. */
#include "engine/cel/program.h"

#include <assert.h>

struct loop {
	struct cel_run *run;
	struct value range;
	uint32_t slot;
	const uint32_t *kids; /* behind the range */
	bool filtered;        /* map with a condition */
};

static struct value element(const struct loop *l, uint32_t i)
{
	return l->range.kind == VALUE_LIST ? l->range.items[i] : l->range.pairs[i].key;
}

static struct value no_bool(struct cel_run *run, uint32_t at)
{
	run->at = at;
	return cel_error(run, "the condition of a macro needs a bool");
}

/* The condition kids[0] for element i: a bool, or an error. */
static struct value condition(const struct loop *l, uint32_t i)
{
	struct value v;

	l->run->locals[l->slot] = element(l, i);
	v = cel_eval_node(l->run, l->kids[0]);
	if (v.kind == VALUE_BOOL || v.kind == VALUE_ERROR)
		return v;
	return no_bool(l->run, l->kids[0]);
}

/* all (until = false) and exists (until = true). */
static struct value quantify(const struct loop *l, bool until)
{
	struct value result = value_bool(!until);

	for (uint32_t i = 0; i < l->range.n && l->run->steps >= 0; i++) {
		struct value v = condition(l, i);

		if (v.kind == VALUE_BOOL && v.b == until)
			return v;
		if (v.kind == VALUE_ERROR && result.kind != VALUE_ERROR)
			result = v;
	}
	return result;
}

static struct value exists_one(const struct loop *l)
{
	uint32_t hits = 0;

	for (uint32_t i = 0; i < l->range.n; i++) {
		struct value v = condition(l, i);

		if (v.kind == VALUE_ERROR)
			return v;
		hits += v.b ? 1 : 0;
	}
	return value_bool(hits == 1);
}

static struct value filter(const struct loop *l)
{
	struct value_list_builder b;

	value_list_begin(&b, l->run->arena);
	for (uint32_t i = 0; i < l->range.n; i++) {
		struct value v = condition(l, i);

		if (v.kind == VALUE_ERROR)
			return v;
		if (v.b)
			value_list_add(&b, element(l, i));
	}
	return value_list_end(&b);
}

static struct value map(const struct loop *l)
{
	struct value_list_builder b;

	value_list_begin(&b, l->run->arena);
	for (uint32_t i = 0; i < l->range.n; i++) {
		struct value v;

		if (l->filtered) {
			v = condition(l, i);
			if (v.kind == VALUE_ERROR)
				return v;
			if (!v.b)
				continue;
		}
		l->run->locals[l->slot] = element(l, i);
		v = cel_eval_node(l->run, l->kids[l->filtered ? 1 : 0]);
		if (v.kind == VALUE_ERROR)
			return v;
		value_list_add(&b, v);
	}
	return value_list_end(&b);
}

/* Sorts the range by what kids[0] says of each element. */
static struct value sort_by(const struct loop *l)
{
	struct value *keys;

	if (l->range.kind != VALUE_LIST)
		return cel_error(l->run, "sortBy goes over a list");
	keys = arena_array(l->run->arena, l->range.n, sizeof(*keys));
	if (keys == NULL)
		return cel_error_memory();
	for (uint32_t i = 0; i < l->range.n; i++) {
		l->run->locals[l->slot] = element(l, i);
		keys[i] = cel_eval_node(l->run, l->kids[0]);
		if (keys[i].kind == VALUE_ERROR)
			return keys[i];
	}
	return cel_sort(l->run, l->range, keys);
}

struct value cel_loop_run(struct cel_run *run, const struct cel_node *node)
{
	const uint32_t *kids = run->program->kids + node->a;
	struct loop l = { .run = run, .slot = node->b, .kids = kids + 1 };

	assert(node->count >= 2 && node->b < LIMIT_EXPR_LOCALS);
	l.filtered = node->count == 3;
	l.range = cel_eval_node(run, kids[0]);
	if (l.range.kind == VALUE_ERROR)
		return l.range;
	if (l.range.kind != VALUE_LIST && l.range.kind != VALUE_MAP) {
		run->at = kids[0];
		return cel_error(run, "a macro goes over a list or a map, not %s",
				 value_kind_name((enum value_kind)l.range.kind));
	}
	switch ((enum cel_loop)node->extra) {
	case CEL_LOOP_ALL:
		return quantify(&l, false);
	case CEL_LOOP_EXISTS:
		return quantify(&l, true);
	case CEL_LOOP_EXISTS_ONE:
		return exists_one(&l);
	case CEL_LOOP_FILTER:
		return filter(&l);
	case CEL_LOOP_SORT_BY:
		return sort_by(&l);
	case CEL_LOOP_MAP:
		break;
	}
	return map(&l);
}

void cel_loop_bind(struct cel_run *run, const struct cel_node *node, struct value range, uint32_t i)
{
	const struct loop l = { .run = run, .range = range, .slot = node->b };

	assert(node->code == CEL_CODE_LOOP && i < range.n);
	run->locals[l.slot] = element(&l, i);
}
