/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record - a test made of recorded events and what a rule did about them.
 *
 * Data, replies, rows and known objects are redacted (redact.h) and become a
 * `tests:` entry. What is expected is what the rule sends when that entry is
 * played; where that isn't what was recorded, what was recorded is expected,
 * and it is told. Of objects and replies it holds what the rule reads, as far as
 * that plays the same as all of them.
 * Ownership: everything lives in the context's arena. Never: writes to the store. */
#ifndef TAPPET_COMMANDS_TEST_RECORD_H
#define TAPPET_COMMANDS_TEST_RECORD_H

#include "engine/base/limits.h"
#include "engine/commands/command.h"
#include "engine/commands/redact.h"
#include "engine/commands/runs.h"
#include "engine/commands/test_world.h"
#include "engine/rules/rule.h"

/* Something recorded, before it is redacted: `path` is the name it goes by there. */
struct recorded {
	struct text path; /* "reply.recovery", "tables.people" */
	struct value value;
};

struct recorded_list {
	struct recorded *items;
	size_t count, room;
};

/* A request that went out. */
struct recorded_sent {
	int64_t started, run;
	int step;
	struct text key, name;
};

struct recording {
	struct context *context;
	struct config *config;
	struct ruleset *rules;
	const struct rule *rule; /* as it is now */
	struct store *store;
	struct json_parser *parser;
	struct redactor *redactor;
	struct event_record events[LIMIT_RECORD_EVENTS];
	size_t event_count;
	struct run_view *runs; /* of the rule, for the events */
	size_t run_count;
	struct recorded_list replies; /* path: the step's name; value: an entry of `reply` */
	struct recorded_list rows;    /* path: the table */
	struct recorded_list objects; /* path: the kind; value: {connection, data} */
	struct recorded_sent *sent;
	size_t sent_count;
	struct recorded_list reads; /* paths that the rule reads, as the redactor names them */
	bool less;                  /* only those are written */
	int64_t lasted;  /* ms: from the first attempt to the last one, where one was repeated */
	unsigned unsaid; /* endings that tests have no words for */
};

/* The command's share: `tappet test --record`. */
int test_record(struct context *context);

/* test_record_runs.c: replies and requests of the runs. False when memory is out. */
bool test_record_runs(struct recording *r);

/* test_record_state.c: rows and objects that the rule reads about the events. */
bool test_record_state(struct recording *r);

/* test_record_less.c: which paths the rule reads. False when memory is out. */
bool test_record_reads(struct recording *r);

/* What the entry has of a redacted value at `path`: what the rule reads, what tells objects apart,
 * what isn't as in `other` (the object before or after; NULL: there is none), what is to be kept
 * unredacted. The value itself when r->less isn't set. */
struct value record_less(struct recording *r, struct text path, struct value v,
			 const struct value *other);

/* True when both played the same: what was sent, and how the runs ended. */
bool record_plays_same(const struct test_outcome *a, const struct test_outcome *b);

bool recorded_add(struct recording *r, struct recorded_list *list, struct text path,
		  struct value value);

#endif
