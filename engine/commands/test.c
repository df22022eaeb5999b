/* SPDX-License-Identifier: Apache-2.0
 *
 * test - runs the tests beside rules.
 *
 * Nothing is run while anything is wrong with configuration, rules or tests. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/commands/setup.h"
#include "engine/commands/test_mutate.h"
#include "engine/commands/test_record.h"
#include "engine/commands/test_report.h"

struct session {
	struct context *context;
	struct config *config;
	struct ruleset *rules;
	struct diags *diags;
	struct coverage *coverage;
	struct arena *arena; /* of one test */
	struct test_counts counts;
	size_t least; /* percent of all branches, or 0 */
};

static bool run_one(struct session *s, const struct test_case *test)
{
	struct test_outcome result;
	enum fate fate = test_world_play(s->arena, s->config, s->rules, test, s->coverage, &result);

	if (fate != FATE_OK) {
		(void)context_fail(s->context, COMMAND_FAILED, "memory is out");
		return false;
	}
	if (test_report(s->context, s->arena, test, &result))
		s->counts.passed++;
	else
		s->counts.failed++;
	arena_reset(s->arena);
	return context_flush(s->context);
}

static int mutate(struct session *s, const struct test_case *const *cases, const size_t *counts)
{
	const struct mutate m = { .context = s->context,
				  .config = s->config,
				  .rules = s->rules,
				  .cases = cases,
				  .counts = counts,
				  .arena = s->arena };

	return test_mutate(&m);
}

/* Fewer branches than were asked for fail as a test does. */
static int judge_coverage(const struct session *s)
{
	size_t all = s->counts.branches.all, taken = s->counts.branches.taken;

	if (100 * taken >= s->least * all)
		return COMMAND_OK;
	return context_fail(s->context, COMMAND_FAILED,
			    "%zu of %zu branches are %zu %%; at least %zu %% are asked for", taken,
			    all, 100 * taken / all, s->least);
}

static int report(struct session *s)
{
	bool list = option_flag(s->context, "coverage");

	s->counts.unreached = test_report_unreached(s->context, s->rules, s->coverage);
	if (!branches_report(s->context, s->rules, s->coverage, list, &s->counts.branches))
		return context_fail(s->context, COMMAND_FAILED, "memory is out");
	test_report_summary(s->context, &s->counts);
	if (s->counts.failed > 0)
		return COMMAND_FAILED;
	return context_flush(s->context) ? judge_coverage(s) : COMMAND_FAILED;
}

static int run_all(struct session *s, const struct test_case *const *cases, const size_t *counts)
{
	for (size_t i = 0; i < ruleset_count(s->rules); i++)
		for (size_t k = 0; k < counts[i]; k++)
			if (!run_one(s, &cases[i][k]))
				return COMMAND_FAILED;
	if (option_flag(s->context, "mutate") && s->counts.failed == 0)
		return mutate(s, cases, counts);
	return report(s);
}

static int read_and_run(struct session *s)
{
	struct arena *arena = s->context->arena;
	size_t n = ruleset_count(s->rules);
	const struct test_case **cases =
	    arena_zero(arena, (n + 1) * sizeof(const struct test_case *));
	size_t *counts = arena_zero(arena, (n + 1) * sizeof(*counts));

	if (cases == NULL || counts == NULL)
		return context_fail(s->context, COMMAND_FAILED, "memory is out");
	for (size_t i = 0; i < n; i++)
		(void)test_cases_read(arena, s->diags, ruleset_at(s->rules, i), &cases[i],
				      &counts[i]);
	/* Warnings are check's business; here they would hide what failed. */
	if (diags_errors(s->diags) > 0 && setup_complain(s->diags))
		return COMMAND_FAILED;
	return run_all(s, cases, counts);
}

static int record(struct context *context)
{
	static const char *const with[] = { "record", "rule",   "keep", "redact",
					    "whole",  "output", NULL };

	return options_only(context, "--record", with) ? test_record(context) : COMMAND_USAGE;
}

static bool least_coverage(struct context *context, size_t *least)
{
	static const char *const with[] = { "mutate", NULL };

	if (option_flag(context, "mutate") && !options_only(context, "--mutate", with))
		return false;
	if (!setup_number(context, "min-coverage", least))
		return false;
	if (*least <= 100)
		return true;
	(void)context_usage(context, "--min-coverage is a percentage: 1 to 100");
	return false;
}

static int run(struct context *context)
{
	if (option_flag(context, "record"))
		return record(context);
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(coverage_free) struct coverage *coverage = coverage_new();
	AUTO(arena_free) struct arena *arena = arena_new("test", LIMIT_TEST_ARENA);
	struct ruleset *set;
	int code;

	if (diags == NULL || coverage == NULL || arena == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	AUTO(config_free)
	struct config *config =
	    setup_rules(context, context->args, context->arg_count, diags, &set, &code);
	AUTO(ruleset_free) struct ruleset *rules = set;
	struct session s = { .context = context,
			     .config = config,
			     .rules = rules,
			     .diags = diags,
			     .coverage = coverage,
			     .arena = arena };

	assert((config == NULL) == (rules == NULL));
	if (rules == NULL || diags_errors(diags) > 0)
		return setup_complain(diags) ? COMMAND_FAILED : code;
	if (!least_coverage(context, &s.least))
		return COMMAND_USAGE;
	log_setup(LOG_TEXT, LOG_ERROR, clock_system());
	return read_and_run(&s);
}

static const struct option_row options[] = {
	{ "mutate", 0, NULL,
	  "then change the rules' conditions, one by one: do the tests notice?" },
	{ "coverage", 0, NULL, "list the branches that no test takes" },
	{ "min-coverage", 0, "N", "fail when the tests take less than N % of the branches" },
	{ "record", 0, "EVENT", "write a test of a recorded event, redacted, instead" },
	{ "rule", 0, "ID", "the rule it is for, where several ran" },
	{ "keep", 0, "PATHS", "what is not to be replaced: data.owner,reply.look.name" },
	{ "redact", 0, "PATHS", "what else is to be replaced" },
	{ "whole", 0, NULL, "with objects and replies as they were, not only what the rule reads" },
	{ "output", 'o', "FILE", "where the recorded test goes; else to standard output" },
	{ 0 },
};

const struct command command_test = {
	.name = "test",
	.arguments = "[RULES...]",
	.doc = "Runs the tests beside the rules",
	.more =
	    "RULES are files and folders; without any, those that the configuration names. "
	    "Nothing leaves\n"
	    "this machine: replies come from the tests, time is turned by them.\n"
	    "EVENT is an event's id, its seq, or run:ID for the event of that run; several with "
	    "commas\nbetween them become one test.",
	.options = options,
	.most = -1,
	.rehearses = true,
	.run = run,
};
