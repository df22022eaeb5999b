/* SPDX-License-Identifier: Apache-2.0
 *
 * plan - what the parts of the command plan share.
 *
 * Ownership: everything lives in the command's arena. */
#ifndef TAPPET_COMMANDS_PLAN_H
#define TAPPET_COMMANDS_PLAN_H

#include "engine/base/clock.h"
#include "engine/rules/evaluate.h"
#include "engine/rules/rule.h"
#include "engine/store/store.h"
#include "engine/value/parse.h"

struct plan_world {
	struct arena *arena;
	struct config *config;
	struct store *store;
	struct json_parser *parser;
	const struct table_reader *tables; /* what conditions may read */
	const struct entities *entities;
	int64_t now;        /* ms */
	struct map *counts; /* rule -> struct plan_counts */
	struct map *active; /* plan_active_key -> anything */
};

struct plan_counts {
	size_t throttled[2], active[2]; /* live, shadow */
};

enum plan_change { PLAN_ADDED, PLAN_CHANGED, PLAN_REMOVED };

struct plan_entry {
	enum plan_change change;
	struct text id;
	const struct rule *rule;   /* of the files, or NULL */
	struct text running, mode; /* what runs: revision and mode; empty: nothing */
	struct text parts;         /* "when, do" */
	bool anew;                 /* throttles and edges begin anew */
	struct text state;         /* what becomes of it, in words */
	size_t throttled, active; /* keys that the rule's id has state of, in the mode it runs in */
	size_t arming;            /* keys that are true and not active */
	struct text keys;         /* the same in words */
};

/* ---- plan_compare.c ---- */

/* Reads all state into counts and active, which are empty. False when memory is out. */
bool plan_read_state(struct plan_world *world);

/* Fills in the rest of the entry. */
void plan_compare(struct plan_world *world, struct plan_entry *entry);

#endif
