/* SPDX-License-Identifier: Apache-2.0
 *
 * check_index - how events find each rule: by which fields, what is left to
 * evaluate then, and what evaluating the rule costs. */
#include "engine/commands/check_index.h"

#include <assert.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/cel/cost.h"
#include "engine/commands/json.h"
#include "engine/commands/table.h"

DEFINE_AUTO(table_free, struct table *)

/* Steps that deciding the rule may take when all is evaluated. */
static int64_t cost_of(struct arena *arena, const struct rule *rule)
{
	const struct cel_program *const programs[] = { rule->match, rule->when, rule->key };
	uint64_t all = 0;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct cel_cost cost;

		if (programs[i] != NULL && cel_cost(programs[i], arena, LIMIT_EVAL_STEPS, &cost))
			all += cost.steps < LIMIT_EVAL_STEPS ? cost.steps : LIMIT_EVAL_STEPS;
	}
	return (int64_t)all;
}

static void put_json(struct buf *out, const struct rule *rule, const struct index_story *story,
		     int64_t cost)
{
	json_open(out, '{');
	json_text(out, "rule", rule->id);
	json_maybe(out, "found_by", story->found);
	json_bool(out, "always", story->found.n == 0 && !story->off);
	json_int(out, "entries", story->postings);
	json_maybe(out, "left", story->left);
	json_int(out, "cost", cost);
	json_close(out, '}');
	json_line(out);
}

static void put_row(struct table *table, const struct rule *rule, const struct index_story *story,
		    int64_t cost)
{
	table_cell(table, rule->id, TINT_NONE);
	if (story->off)
		table_cell(table, TEXT("off"), TINT_FAINT);
	else if (story->found.n == 0)
		table_cell(table, TEXT("asked on every event"), TINT_WARN);
	else
		table_cell(table, story->found, TINT_NONE);
	table_cell(table, story->left.n > 0 ? story->left : TEXT("-"), TINT_NONE);
	table_int(table, cost);
}

static void put_summary(struct buf *out, const struct ruleset *rules)
{
	struct index_size size = ruleset_index_size(rules);
	size_t count = ruleset_count(rules) > 0 ? ruleset_count(rules) : 1;

	buf_printf(out,
		   "index: %zu group%s over %zu event type%s, %zu rule%s asked on every event; "
		   "%zu bytes a rule, %zu with all of it; built in %lld ms\n",
		   size.groups, size.groups == 1 ? "" : "s", size.types, size.types == 1 ? "" : "s",
		   size.always, size.always == 1 ? "" : "s", size.bytes / count,
		   size.rule_bytes / count, (long long)size.build_ms);
}

void check_index(struct context *context, const struct ruleset *rules)
{
	static const char *const titles[] = { "RULE", "FOUND BY", "LEFT TO VERIFY", "COST", NULL };
	AUTO(arena_free) struct arena *arena = arena_new("story", LIMIT_EVENT_ARENA);
	AUTO(table_free) struct table *table = table_new(titles);

	assert(context != NULL && rules != NULL);
	if (arena == NULL || table == NULL) {
		(void)context_fail(context, COMMAND_FAILED, "memory is out");
		return;
	}
	for (size_t i = 0; i < ruleset_count(rules); i++) {
		const struct rule *rule = ruleset_at(rules, i);
		struct index_story story = ruleset_story(rules, arena, i);

		if (context->format == OUTPUT_JSON)
			put_json(&context->out, rule, &story, cost_of(arena, rule));
		else
			put_row(table, rule, &story, cost_of(arena, rule));
		arena_reset(arena);
		if (table_rows(table) == LIMIT_COMMAND_ROWS)
			(void)table_write(table, &context->out, context->colour);
		if (context->out.n > MIB)
			(void)context_flush(context);
	}
	if (context->format == OUTPUT_JSON)
		return;
	if (table != NULL)
		(void)table_write(table, &context->out, context->colour);
	put_summary(&context->out, rules);
}
