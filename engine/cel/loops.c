/* SPDX-License-Identifier: Apache-2.0
 *
 * loops - the macros that bind names: langdef.md, "Macros", and the extensions
 * that macros.c names.
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
	bool pairs;           /* two names: index and item, or key and value */
};

static struct value element(const struct loop *l, uint32_t i)
{
	return l->range.kind == VALUE_LIST ? l->range.items[i] : l->range.pairs[i].key;
}

/* Gives the names their values for element i. */
static void bind(const struct loop *l, uint32_t i)
{
	struct value *locals = l->run->locals + l->slot;

	if (!l->pairs) {
		locals[0] = element(l, i);
	} else if (l->range.kind == VALUE_LIST) {
		locals[0] = value_int(i);
		locals[1] = l->range.items[i];
	} else {
		locals[0] = l->range.pairs[i].key;
		locals[1] = l->range.pairs[i].val;
	}
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

	bind(l, i);
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

/* What becomes of element i; *skip: nothing, its condition is false. */
static struct value transformed(const struct loop *l, uint32_t i, bool *skip)
{
	struct value v;

	*skip = false;
	if (!l->filtered) {
		bind(l, i);
		return cel_eval_node(l->run, l->kids[0]);
	}
	v = condition(l, i);
	if (v.kind == VALUE_ERROR)
		return v;
	*skip = !v.b;
	return v.b ? cel_eval_node(l->run, l->kids[1]) : v;
}

static struct value map(const struct loop *l)
{
	struct value_list_builder b;
	bool skip;

	value_list_begin(&b, l->run->arena);
	for (uint32_t i = 0; i < l->range.n; i++) {
		struct value v = transformed(l, i, &skip);

		if (v.kind == VALUE_ERROR)
			return v;
		if (!skip)
			value_list_add(&b, v);
	}
	return value_list_end(&b);
}

static struct value map_values(const struct loop *l)
{
	struct value_map_builder b;
	struct value key;
	bool skip;

	value_map_begin(&b, l->run->arena);
	for (uint32_t i = 0; i < l->range.n; i++) {
		struct value v = transformed(l, i, &skip);

		if (v.kind == VALUE_ERROR)
			return v;
		if (skip)
			continue;
		key = l->range.kind == VALUE_LIST ? value_int(i) : element(l, i);
		if (!cel_charge_key(l->run, key))
			return cel_error_budget();
		value_map_add(&b, key, v);
	}
	return value_map_end(&b);
}

/* Joins the maps that are made; no key may come twice. */
static struct value map_entries(const struct loop *l)
{
	struct value_map_builder b;
	struct value all;
	bool skip;

	value_map_begin(&b, l->run->arena);
	for (uint32_t i = 0; i < l->range.n; i++) {
		struct value v = transformed(l, i, &skip);

		if (v.kind == VALUE_ERROR)
			return v;
		if (skip)
			continue;
		if (v.kind != VALUE_MAP)
			return cel_error(l->run, "transformMapEntry() makes maps, not %s",
					 value_kind_name((enum value_kind)v.kind));
		if (!cel_charge(l->run, v.n))
			return cel_error_budget();
		for (uint32_t k = 0; k < v.n; k++) {
			if (!cel_charge_key(l->run, v.pairs[k].key))
				return cel_error_budget();
			value_map_add(&b, v.pairs[k].key, v.pairs[k].val);
		}
	}
	if (value_map_end_unique(&b, &all))
		return all;
	return cel_error(l->run, "a key of transformMapEntry() comes twice");
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
		bind(l, i);
		keys[i] = cel_eval_node(l->run, l->kids[0]);
		if (keys[i].kind == VALUE_ERROR)
			return keys[i];
	}
	return cel_sort(l->run, l->range, keys);
}

/* ---- Over no range ---- */

static struct value optional_map(struct cel_run *run, const struct cel_node *node)
{
	const uint32_t *kids = run->program->kids + node->a;
	bool flat = node->extra == CEL_LOOP_OPTIONAL_FLAT_MAP;
	struct value v = cel_eval_node(run, kids[0]);

	if (v.kind == VALUE_ERROR)
		return v;
	if (v.kind != VALUE_OPTIONAL) {
		run->at = kids[0];
		return cel_error(run, "the macro is for an optional, not %s",
				 value_kind_name((enum value_kind)v.kind));
	}
	if (v.n == 0)
		return v;
	run->locals[node->b] = v.items[0];
	v = cel_eval_node(run, kids[1]);
	if (v.kind == VALUE_ERROR || (flat && v.kind == VALUE_OPTIONAL))
		return v;
	if (!flat)
		return cel_optional_of(run, v);
	run->at = kids[1];
	return cel_error(run, "optFlatMap() makes an optional, not %s",
			 value_kind_name((enum value_kind)v.kind));
}

/* A value that fails only matters where its name is read. */
static struct value bind_values(struct cel_run *run, const struct cel_node *node)
{
	const uint32_t *kids = run->program->kids + node->a;

	assert(node->c < node->count && node->b + node->c <= LIMIT_EXPR_LOCALS);
	for (uint32_t i = 0; i < node->c; i++)
		run->locals[node->b + i] = cel_eval_node(run, kids[i]);
	return cel_eval_node(run, kids[node->c]);
}

static struct value go_over(struct cel_run *run, const struct cel_node *node)
{
	const uint32_t *kids = run->program->kids + node->a;
	struct loop l = { .run = run, .slot = node->b, .kids = kids + 1 };

	assert(node->count >= 2 && node->b + node->c <= LIMIT_EXPR_LOCALS);
	l.filtered = node->count == 3;
	l.pairs = node->c == 2;
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
	case CEL_LOOP_MAP_VALUES:
		return map_values(&l);
	case CEL_LOOP_MAP_ENTRIES:
		return map_entries(&l);
	default:
		return map(&l);
	}
}

struct value cel_loop_run(struct cel_run *run, const struct cel_node *node)
{
	switch ((enum cel_loop)node->extra) {
	case CEL_LOOP_BIND:
		return bind_values(run, node);
	case CEL_LOOP_OPTIONAL_MAP:
	case CEL_LOOP_OPTIONAL_FLAT_MAP:
		return optional_map(run, node);
	default:
		return go_over(run, node);
	}
}

bool cel_loop_is_over_range(enum cel_loop loop)
{
	return loop != CEL_LOOP_BIND && loop != CEL_LOOP_OPTIONAL_MAP &&
	       loop != CEL_LOOP_OPTIONAL_FLAT_MAP;
}

void cel_loop_bind(struct cel_run *run, const struct cel_node *node, struct value range, uint32_t i)
{
	const struct loop l = {
		.run = run, .range = range, .slot = node->b, .pairs = node->c == 2
	};

	assert(node->code == CEL_CODE_LOOP && cel_loop_is_over_range((enum cel_loop)node->extra));
	assert(i < range.n);
	bind(&l, i);
}
