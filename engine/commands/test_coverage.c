/* SPDX-License-Identifier: Apache-2.0
 *
 * test_coverage - which rules and steps the tests reach; see test_world.h. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/commands/test_world.h"

/* Steps of named lists stand in a rule more than once: their place is one. */
struct taken {
	int line, column;
	enum branch branch;
};

struct reached {
	bool ran, steps[LIMIT_STEPS];
	struct taken *taken; /* owned */
	size_t count, room;
};

struct coverage {
	struct map *rules; /* id -> struct reached, owned */
};

struct coverage *coverage_new(void)
{
	struct coverage *coverage = mem_zero(1, sizeof(*coverage));

	if (coverage == NULL)
		return NULL;
	coverage->rules = map_new();
	if (coverage->rules == NULL) {
		mem_free(coverage);
		return NULL;
	}
	return coverage;
}

void coverage_free(struct coverage *coverage)
{
	struct text key;
	void *value;

	if (coverage == NULL)
		return;
	for (size_t at = 0; map_next(coverage->rules, &at, &key, &value);) {
		mem_free(((struct reached *)value)->taken);
		mem_free(value);
	}
	map_free(coverage->rules);
	mem_free(coverage);
}

static struct reached *reached_of(struct coverage *coverage, struct text rule)
{
	struct reached *reached = map_get(coverage->rules, rule);

	if (reached != NULL)
		return reached;
	reached = mem_zero(1, sizeof(*reached));
	if (reached == NULL || !map_put(coverage->rules, rule, reached)) {
		mem_free(reached);
		return NULL;
	}
	return reached;
}

bool coverage_add(struct coverage *coverage, struct text rule, int step)
{
	struct reached *reached;

	assert(coverage != NULL && step < (int)LIMIT_STEPS);
	reached = reached_of(coverage, rule);
	if (reached == NULL)
		return false;
	reached->ran = true;
	if (step >= 0)
		reached->steps[step] = true;
	return true;
}

static bool is_taken(const struct reached *reached, struct place at, enum branch branch)
{
	for (size_t i = 0; i < reached->count; i++)
		if (reached->taken[i].line == at.line && reached->taken[i].column == at.column &&
		    reached->taken[i].branch == branch)
			return true;
	return false;
}

bool coverage_branch(struct coverage *coverage, struct text rule, struct place at,
		     enum branch branch)
{
	struct reached *reached;

	assert(coverage != NULL);
	reached = reached_of(coverage, rule);
	if (reached == NULL)
		return false;
	if (is_taken(reached, at, branch))
		return true;
	if (reached->count == reached->room) {
		size_t room = reached->room > 0 ? 2 * reached->room : 16;
		struct taken *taken = mem_grow(reached->taken, room, sizeof(*taken));

		if (taken == NULL)
			return false;
		reached->taken = taken;
		reached->room = room;
	}
	reached->taken[reached->count++] = (struct taken){ at.line, at.column, branch };
	return true;
}

bool coverage_took(const struct coverage *coverage, struct text rule, struct place at,
		   enum branch branch)
{
	const struct reached *reached = map_get(coverage->rules, rule);

	return reached != NULL && is_taken(reached, at, branch);
}

bool coverage_rule(const struct coverage *coverage, const struct rule *rule)
{
	const struct reached *reached = map_get(coverage->rules, rule->id);

	assert(rule != NULL);
	return reached != NULL && reached->ran;
}

bool coverage_step(const struct coverage *coverage, const struct rule *rule, int step)
{
	const struct reached *reached = map_get(coverage->rules, rule->id);

	assert(step >= 0 && step < rule->step_count);
	return reached != NULL && reached->steps[step];
}
