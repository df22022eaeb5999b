/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_sets - lists seen as sets: cel-go's sets extension, and distinct()
 * of its lists extension.
 *
 * I1  Items are found by their hash, so the work grows with the lists and not
 *     with their product. Hashing an item costs as much as reading it, every slot
 *     looked at a step, comparing an item as much as reading it again: items made
 *     to collide spend the budget.
 * Ownership: a set borrows its list and lives in the evaluation's arena. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"

#include <assert.h>

/* Open addressing with linear probing, at most half full. */
struct set {
	struct cel_run *run;
	const struct value *items;
	uint64_t *hashes; /* of items */
	uint32_t *slots;  /* an item's position + 1, 0 when free */
	uint32_t mask;
};

static uint32_t slots_for(uint32_t n)
{
	uint32_t slots = 8;

	while (slots < n * 2)
		slots *= 2;
	return slots;
}

/* An empty set for the list's items. False when the budget or the arena is spent. */
static bool set_begin(struct set *set, struct cel_run *run, struct value list)
{
	uint32_t slots;

	*set = (struct set){ .run = run, .items = list.items };
	if (!cel_charge_value(run, list)) /* now n is below LIMIT_EVAL_STEPS */
		return false;
	slots = slots_for(list.n);
	set->mask = slots - 1;
	set->slots = arena_zero(run->arena, slots * sizeof(*set->slots));
	set->hashes = arena_array(run->arena, list.n, sizeof(*set->hashes));
	return set->slots != NULL && set->hashes != NULL;
}

/* True when an equal item is in the set; *slot is its place, or the free one. Also
 * false when the budget is spent. */
static bool set_find(const struct set *set, struct value v, uint64_t hash, uint32_t *slot)
{
	uint32_t at = (uint32_t)hash & set->mask;

	for (; set->slots[at] != 0 && cel_charge(set->run, 0); at = (at + 1) & set->mask) {
		uint32_t i = set->slots[at] - 1;

		if (set->hashes[i] != hash)
			continue;
		if (!cel_charge_value(set->run, v))
			break;
		if (value_equal(set->items[i], v)) {
			*slot = at;
			return true;
		}
	}
	*slot = at;
	return false;
}

/* Adds item i; false when an equal one is there. */
static bool set_add(struct set *set, uint32_t i)
{
	uint32_t slot;

	set->hashes[i] = value_hash(set->items[i]);
	if (set_find(set, set->items[i], set->hashes[i], &slot))
		return false;
	if (set->run->steps >= 0)
		set->slots[slot] = i + 1;
	return true;
}

static bool set_of(struct set *set, struct cel_run *run, struct value list)
{
	if (!set_begin(set, run, list))
		return false;
	for (uint32_t i = 0; i < list.n && run->steps >= 0; i++)
		set_add(set, i);
	return run->steps >= 0;
}

/* How many items of the list are in the set; stops at the first one that is
 * (`found`) or isn't. */
static uint32_t set_count(const struct set *set, struct value list, bool found)
{
	uint32_t slot, n = 0;

	for (uint32_t i = 0; i < list.n && cel_charge_value(set->run, list.items[i]); i++) {
		bool hit = set_find(set, list.items[i], value_hash(list.items[i]), &slot);

		n += hit ? 1 : 0;
		if (hit == found)
			break;
	}
	return n;
}

static struct value spent(const struct cel_run *run)
{
	return run->steps < 0 ? cel_error_budget() : cel_error_memory();
}

static struct value covers(struct cel_run *run, struct value list, struct value others)
{
	struct set set;
	uint32_t n;

	if (!set_of(&set, run, list))
		return spent(run);
	n = set_count(&set, others, false);
	return run->steps < 0 ? cel_error_budget() : value_bool(n == others.n);
}

static struct value call_contains(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	(void)of;
	assert(count == 2);
	return covers(run, args[0], args[1]);
}

static struct value call_equivalent(struct cel_run *run, void *of, const struct value *args,
				    uint32_t count)
{
	struct value one = covers(run, args[0], args[1]);

	(void)of;
	assert(count == 2);
	if (one.kind == VALUE_ERROR || !one.b)
		return one;
	return covers(run, args[1], args[0]);
}

static struct value call_intersects(struct cel_run *run, void *of, const struct value *args,
				    uint32_t count)
{
	struct set set;
	uint32_t n;

	(void)of;
	assert(count == 2);
	if (!set_of(&set, run, args[1]))
		return spent(run);
	n = set_count(&set, args[0], true);
	return run->steps < 0 ? cel_error_budget() : value_bool(n > 0);
}

static struct value call_distinct(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	struct value_list_builder b;
	struct set set;

	(void)of;
	assert(count == 1);
	if (!set_begin(&set, run, args[0]))
		return spent(run);
	value_list_begin(&b, run->arena);
	for (uint32_t i = 0; i < args[0].n && run->steps >= 0; i++) {
		if (set_add(&set, i))
			value_list_add(&b, args[0].items[i]);
	}
	return run->steps < 0 ? cel_error_budget() : value_list_end(&b);
}

#define TWO_LISTS(name_, doc_, call_)                                                              \
	{                                                                                          \
		(name_), (doc_), false, CEL_BOOL, 2, 2, { CEL_LIST, CEL_LIST }, (call_), false     \
	}

const struct cel_function cel_functions_sets[] = {
	TWO_LISTS("sets.contains", "True when the first list has every item of the second.",
		  call_contains),
	TWO_LISTS("sets.equivalent", "True when each list has every item of the other.",
		  call_equivalent),
	TWO_LISTS("sets.intersects", "True when an item stands in both lists.", call_intersects),
	{ "distinct",
	  "The items without repetitions.",
	  true,
	  CEL_LIST,
	  1,
	  1,
	  { CEL_LIST },
	  call_distinct,
	  false },
	{ .name = NULL },
};
