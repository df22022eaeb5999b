/* SPDX-License-Identifier: Apache-2.0
 *
 * test_report - verdicts on tests, and how they are told.
 *
 * Ownership: none; what is told goes to the context's output. */
#ifndef TAPPET_COMMANDS_TEST_REPORT_H
#define TAPPET_COMMANDS_TEST_REPORT_H

#include "engine/commands/command.h"
#include "engine/commands/test_branches.h"

struct test_counts {
	size_t passed, failed, unreached;
	struct branch_counts branches;
};

/* Judges what a test brought and prints it; true when it passed. */
bool test_report(struct context *context, struct arena *arena, const struct test_case *test,
		 const struct test_outcome *result);

/* The same without printing. */
bool test_passes(struct arena *arena, const struct test_case *test,
		 const struct test_outcome *result);

/* Rules and steps that no test reaches; returns how many. */
size_t test_report_unreached(struct context *context, const struct ruleset *rules,
			     const struct coverage *coverage);

void test_report_summary(struct context *context, const struct test_counts *counts);

#endif
