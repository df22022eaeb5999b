/* SPDX-License-Identifier: Apache-2.0
 *
 * check - everything that can be found wrong without running anything:
 * configuration, rules, and the tests beside them. */
#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/commands/check_graph.h"
#include "engine/commands/check_index.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/commands/test_case.h"

static const struct option_row options[] = {
	{ "index", 0, NULL, "also tell how events find each rule, and what is left to verify" },
	{ "graph", 0, NULL, "also tell which rules write what others take" },
	{ "effective", 0, NULL,
	  "print what the files of -c come to, with where each value stands; no secrets" },
	{ 0 },
};

static void check_tests(struct context *context, const struct ruleset *rules, struct diags *diags)
{
	const struct test_case *cases;
	size_t count;

	for (size_t i = 0; i < ruleset_count(rules); i++)
		(void)test_cases_read(context->arena, diags, ruleset_at(rules, i), &cases, &count);
}

static void amount(struct buf *out, size_t n, const char *what)
{
	buf_printf(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

/* `rules` may be NULL: there is no configuration to read them by. */
static void summary(struct buf *out, const struct ruleset *rules, struct diags *diags, bool colour)
{
	AUTO_FINI(buf_fini) struct buf line;
	size_t errors = diags_errors(diags);
	size_t warnings = 0;

	for (size_t i = 0; i < diags_count(diags); i++)
		warnings += diags_at(diags, i)->severity == DIAG_WARNING;
	buf_init(&line, KIB);
	if (rules != NULL) {
		amount(&line, ruleset_count(rules), "rule");
		buf_str(&line, ": ");
	}
	amount(&line, errors, "error");
	buf_str(&line, ", ");
	amount(&line, warnings, "warning");
	tint_put(out, errors > 0 ? TINT_BAD : TINT_GOOD, buf_view(&line), colour);
	buf_char(out, '\n');
}

/* Mistakes and how many, where what was asked for would stand: standard output is for that. */
static bool complain(const struct ruleset *rules, struct diags *diags)
{
	AUTO_FINI(buf_fini) struct buf line;

	buf_init(&line, KIB);
	if (!setup_complain(diags))
		return false;
	summary(&line, rules, diags, isatty(STDERR_FILENO));
	(void)fputs(buf_cstr(&line), stderr);
	return true;
}

static const char *const mode_words[] = { "live", "shadow", "off" };

/* The mode each rule has in the end. */
static void effective_rules(struct context *context, const struct ruleset *rules)
{
	for (size_t i = 0; i < ruleset_count(rules); i++) {
		const struct rule *rule = ruleset_at(rules, i);

		buf_printf(&context->out, "# rule %.*s: %s%s  # %s:%d\n", TEXT_ARG(rule->id),
			   mode_words[rule->mode],
			   rule->live_when != NULL && rule->mode == MODE_LIVE
			       ? " where live_when is true, else shadow"
			       : "",
			   rule->at.file, rule->at.line);
	}
}

static int effective(struct context *context, const struct config *config,
		     const struct ruleset *rules, struct diags *diags)
{
	if (complain(rules, diags))
		return COMMAND_FAILED;
	if (config_is_bare(config))
		return context_fail(context, COMMAND_USAGE, "there is no %s; -c FILE names another",
				    context->config_files[0]);
	if (!config_effective(context->config_files, context->config_count, diags, &context->out))
		return context_fail(context, COMMAND_FAILED, "a file changed meanwhile");
	effective_rules(context, rules);
	return COMMAND_OK;
}

static int run(struct context *context)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	struct ruleset *set;
	int code;

	if (diags == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	AUTO(config_free)
	struct config *config =
	    setup_rules(context, context->args, context->arg_count, diags, &set, &code);
	AUTO(ruleset_free) struct ruleset *rules = set;

	assert((config == NULL) == (rules == NULL));
	if (option_flag(context, "effective") && rules == NULL) {
		(void)complain(rules, diags);
		return code;
	}
	if (option_flag(context, "effective"))
		return effective(context, config, rules, diags);
	if (rules != NULL)
		check_tests(context, rules, diags);
	if (rules != NULL && diags_errors(diags) == 0)
		check_loops(context, rules, diags);
	if (context->format == OUTPUT_JSON)
		diags_print_json(diags, &context->out);
	else
		diags_print(diags, &context->out, context->colour);
	if (rules == NULL)
		return code;
	if (option_flag(context, "index") && diags_errors(diags) == 0)
		check_index(context, rules);
	if (option_flag(context, "graph") && diags_errors(diags) == 0)
		check_graph(context, rules);
	if (context->format == OUTPUT_TEXT)
		summary(&context->out, rules, diags, context->colour);
	return diags_errors(diags) > 0 ? COMMAND_FAILED : COMMAND_OK;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[RULES...]",
	.doc = "Checks configuration and rules without running them",
	.more = "RULES are files and folders; without any, those that the configuration names. "
		"With RULES and\n"
		"no tappet.yaml, every connector counts as connected once under its own name.",
	.options = options,
	.most = -1,
	.run = run,
};
