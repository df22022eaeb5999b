/* SPDX-License-Identifier: Apache-2.0
 *
 * test_case - the tests beside rules, read from YAML.
 *
 * Shapes are checked here and nowhere else, so that `tappet check` reports a
 * misspelt test with the rules' own mistakes.
 * Ownership: everything lives in the arena given, and borrows from the rule set
 * it was read from. */
#ifndef TAPPET_COMMANDS_TEST_CASE_H
#define TAPPET_COMMANDS_TEST_CASE_H

#include "engine/base/diag.h"
#include "engine/rules/reader.h"
#include "engine/rules/rule.h"

struct test_event {
	struct text type, id, subject, source, connection;
	int64_t time;             /* ms; INT64_MIN: the test's clock */
	struct text data, before; /* JSON; empty: null */
};

/* A row of a table that is there before the events. */
struct given_row {
	struct text table, json;
};

/* An object whose state is known. */
struct test_entity {
	const struct object_kind *kind;
	struct text id, connection; /* connection may be empty */
	struct text data;           /* JSON */
};

/* One entry of the timeline. */
struct given {
	enum { GIVEN_EVENT, GIVEN_ADVANCE, GIVEN_RELOAD, GIVEN_TABLES, GIVEN_ENTITY } kind;
	struct place at;
	struct test_event event;
	struct test_entity entity;
	int64_t advance;              /* ms */
	struct text file;             /* of reload: the path, resolved */
	const struct given_row *rows; /* of tables */
	size_t row_count;
};

/* How attempts of a step are answered. */
struct answered {
	int status;          /* 200 unless said */
	bool drop;           /* the connection is cut after the request left */
	struct text result;  /* JSON; empty: {} for a success, else no body */
	int64_t retry_after; /* ms; -1: none */
	int times;           /* this many attempts, then the next one; 0: all that follow */
};

struct answers {
	struct text name; /* of a step, or an action */
	const struct answered *items;
	size_t count;
};

/* One step that must have been sent. */
struct expected {
	struct text name;
	struct place at;
	const struct yaml_node *params; /* the part that must be equal, or NULL */
};

struct test_case {
	struct text name;
	struct place at;
	const struct rule *rule;
	const struct given *given;
	size_t given_count;
	const struct answers *answers;
	size_t answers_count;
	const struct expected *expected;
	size_t expected_count;
};

/* What may stand in an entry of given, an entity, a reply and an event: for whoever describes them.
 * All end with NULL. */
extern const char *const test_given_keys[];
extern const char *const test_entity_keys[];
extern const char *const test_reply_keys[];
extern const char *const test_event_keys[];

/* The tests of a rule; *count 0 when it has none. Mistakes go to diags; false when there were
 * some. */
bool test_cases_read(struct arena *arena, struct diags *diags, const struct rule *rule,
		     const struct test_case **out, size_t *count);

/* test_event.c: an event as tests write it: inline, or a file with `set`. False after reporting. */
bool test_event_read(const struct reader *r, const struct rule *rule, const struct yaml_node *node,
		     struct test_event *out);

/* test_tables.c: what stands under `tables`: NAME: [ROW...]. */
void test_tables_read(const struct reader *r, const struct rule *rule, const struct yaml_node *map,
		      struct given *out);

/* test_hints.c: what can't be or is in vain. Types, fields and connections of an event; parameters
 * a step hasn't; replies that nobody gets. */
void test_hints_event(const struct reader *r, const struct rule *rule, const struct yaml_node *node,
		      const struct test_event *event);
void test_hints_expected(const struct reader *r, const struct rule *rule, struct text name,
			 const struct yaml_node *params);
void test_hints_answer(const struct reader *r, const struct yaml_node *node,
		       const struct answered *answer);
void test_hints_case(const struct reader *r, const struct rule *rule, const struct yaml_node *node,
		     const struct test_case *test);

/* "slack.post" is the action of that step, or its name; empty names never match. */
bool test_step_is(const struct step *step, struct text name);

#endif
