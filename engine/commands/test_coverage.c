/* SPDX-License-Identifier: Apache-2.0
 *
 * test_coverage - which rules and steps the tests reach; see test_world.h. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/commands/test_world.h"

struct reached {
	bool steps[LIMIT_STEPS];
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
	for (size_t at = 0; map_next(coverage->rules, &at, &key, &value);)
		mem_free(value);
	map_free(coverage->rules);
	mem_free(coverage);
}

bool coverage_add(struct coverage *coverage, struct text rule, int step)
{
	struct reached *reached;

	assert(coverage != NULL && step < (int)LIMIT_STEPS);
	reached = map_get(coverage->rules, rule);
	if (reached == NULL) {
		reached = mem_zero(1, sizeof(*reached));
		if (reached == NULL || !map_put(coverage->rules, rule, reached)) {
			mem_free(reached);
			return false;
		}
	}
	if (step >= 0)
		reached->steps[step] = true;
	return true;
}

bool coverage_rule(const struct coverage *coverage, const struct rule *rule)
{
	assert(coverage != NULL && rule != NULL);
	return map_get(coverage->rules, rule->id) != NULL;
}

bool coverage_step(const struct coverage *coverage, const struct rule *rule, int step)
{
	const struct reached *reached = map_get(coverage->rules, rule->id);

	assert(step >= 0 && step < rule->step_count);
	return reached != NULL && reached->steps[step];
}
