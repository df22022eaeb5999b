/* SPDX-License-Identifier: Apache-2.0
 *
 * test_world - one test on the real sequencer: a store in memory, a clock that
 * the test turns, and replies from the test instead of the network.
 *
 * Time stands still except for `advance`, which stops at every moment at which
 * something is due. The clock begins at the first event's time when it has one,
 * else at 2026-01-05T09:00:00Z, a Monday.
 *
 * I1  Nothing leaves the process, and nothing outside the test is read but the
 *     files it names.
 * Ownership: results live in the arena given. */
#ifndef TAPPET_COMMANDS_TEST_WORLD_H
#define TAPPET_COMMANDS_TEST_WORLD_H

#include "engine/base/cleanup.h"
#include "engine/commands/test_case.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"

/* A step of the tested rule whose request went out; retries don't count again. */
struct sent {
	int64_t run;
	int step;
	struct text key;    /* tells items of a for_each apart */
	struct text name;   /* `as`, or empty */
	struct text action; /* "slack.post" */
	struct value params;
};

/* A run of the tested rule that ended otherwise than DONE. */
struct ended {
	int64_t run;
	struct text state, reason;
};

struct test_outcome {
	const struct sent *sent;
	size_t sent_count;
	const struct ended *ended;
	size_t ended_count;
	struct text trouble;      /* why the timeline could not be played; empty: it was */
	const struct text *notes; /* events the rule could not be evaluated on, in words */
	size_t note_count;
	const struct text *waiting; /* runs that wait for a retry at the end, in words */
	size_t waiting_count;
	struct text unfired; /* why the rule took none of the events; for people, may be empty */
};

/* Which rules ran, which steps were sent and which branches were taken, over all tests. */
struct coverage;

/* A branch belongs to a step, or to the rule: WHEN and CLEAR. */
enum branch {
	BRANCH_WHEN,
	BRANCH_WHEN_NOT,
	BRANCH_CLEAR, /* its steps were reached */
	BRANCH_IF,
	BRANCH_IF_NOT,
	BRANCH_FAILED, /* a look-up, or a step with on_error */
	BRANCH_ITEMS,
	BRANCH_NO_ITEMS,
};

struct coverage *coverage_new(void); /* NULL when memory is out */
void coverage_free(struct coverage *coverage);
DEFINE_AUTO(coverage_free, struct coverage *)
bool coverage_rule(const struct coverage *coverage, const struct rule *rule);
bool coverage_step(const struct coverage *coverage, const struct rule *rule, int step);

/* Plays the test. FATE_RETRY when memory is out. */
enum fate test_world_play(struct arena *arena, struct config *config, struct ruleset *rules,
			  const struct test_case *test, struct coverage *coverage,
			  struct test_outcome *out);

/* Marks a rule as run and, unless step is -1, a step as sent. False when memory is out. */
bool coverage_add(struct coverage *coverage, struct text rule, int step);

/* Notes that a branch was taken, by the place of what decides it. False when memory is out. */
bool coverage_branch(struct coverage *coverage, struct text rule, struct place at,
		     enum branch branch);
bool coverage_took(const struct coverage *coverage, struct text rule, struct place at,
		   enum branch branch);

#endif
