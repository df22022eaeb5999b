/* SPDX-License-Identifier: Apache-2.0
 *
 * test_branches - the ways a rule can go, and which of them the tests take.
 *
 * Counted are `when` and each `if`, true and false; look-ups and steps with
 * on_error that fail; `clear`; lists of a for_each with items and without. Those
 * of a named list of steps count once for each rule that uses it.
 * Ownership: lists live in the arena given and borrow from the rule. */
#ifndef TAPPET_COMMANDS_TEST_BRANCHES_H
#define TAPPET_COMMANDS_TEST_BRANCHES_H

#include "engine/commands/command.h"
#include "engine/commands/test_world.h"
#include "engine/sequencer/sequencer.h"

struct rule_branch {
	enum branch branch;
	struct place at;         /* of the step, the use or the rule it belongs to */
	const struct step *step; /* NULL: it is the rule's, or a use's */
	const struct step_use *use;
};

/* NULL when memory is out. */
const struct rule_branch *branches_list(struct arena *arena, const struct rule *rule,
					size_t *count);

/* What the sequencer tells of a step. False when memory is out. */
bool branches_took(struct coverage *coverage, struct scope *scope, int step, enum way way);

/* Whether `when` was true for an event, as decided before any look-up. */
bool branches_decided(struct coverage *coverage, const struct rule *rule,
		      const struct decision *decision);

/* A run of the rule ended: with look-ups, `when` was decided only then. */
bool branches_ended(struct coverage *coverage, const struct rule *rule, const struct run_out *run);

struct branch_counts {
	size_t all, taken;
};

/* Counts, and with `list` tells each that no test takes with file, line and column. False when
 * memory is out. */
bool branches_report(struct context *context, const struct ruleset *rules,
		     const struct coverage *coverage, bool list, struct branch_counts *out);

#endif
