/* SPDX-License-Identifier: Apache-2.0
 *
 * test_mutate - would the tests notice if a rule said something else?
 *
 * One condition at a time is changed (an operator, a number, a truth value, a
 * text, a negation) in a copy of the rule's file in memory, and the rule's tests
 * are played against it. A change with which all of them pass survived: no test
 * says that the rule has to be as it is there. */
#ifndef TAPPET_COMMANDS_TEST_MUTATE_H
#define TAPPET_COMMANDS_TEST_MUTATE_H

#include "engine/commands/test_report.h"

struct mutate {
	struct context *context;
	struct config *config;
	struct ruleset *rules;
	const struct test_case *const *cases; /* by the rule's place in the set */
	const size_t *counts;
	struct arena *arena; /* of one test */
};

/* Changes every rule that has tests; prints what survived and how many. The exit code: failed when
 * something survived. */
int test_mutate(const struct mutate *m);

#endif
