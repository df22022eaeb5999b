/* SPDX-License-Identifier: Apache-2.0
 *
 * render - what a rule's steps would send for an event, without sending it: for
 * runs in shadow and for `tappet try`.
 *
 * Steps are followed as a run follows them. Nothing answers, so a step that reads
 * what an earlier one brings can't be rendered: it says what it needs.
 * I1  A request has no credentials in it: connectors never see any.
 * Ownership: everything is made in the scope's arena. */
#ifndef TAPPET_RULES_RENDER_H
#define TAPPET_RULES_RENDER_H

#include "engine/base/hash.h"
#include "engine/rules/rule.h"

enum render_how {
	RENDER_SENT,    /* request is what it would send first */
	RENDER_SKIPPED, /* its `if` is false */
	RENDER_NEEDS,   /* its parameters need what `needs` names */
	RENDER_FAILED,  /* it would fail before it sends anything: why */
	RENDER_LOOP,    /* a for_each of `items`: its steps follow, for the first item only */
};

struct rendered {
	const struct step *step;
	enum render_how how;
	struct request request;
	struct text why;
	struct text needs;    /* "steps.recovery.result.id, steps.b" */
	struct text needs_if; /* the same of its `if`: whether it is done isn't known */
	size_t items;
	bool absent;        /* a look-up whose parameters are null: skipped, and null itself */
	bool prepares;      /* the request only reads what the next one is made of */
	char key[HASH_HEX]; /* the idempotency key */
};

struct rendering {
	const struct config *config;
	struct json_parser *parser;
	struct scope *scope; /* rule, event, now, arena, entities, and in steps the look-ups that
				were made, or null */
	struct text key;     /* the run's */
};

/* Visits every step reached, from `first` on. Nothing fails but memory: the arena then has. */
void render_steps(const struct rendering *rendering, int first,
		  void (*visit)(void *of, const struct rendered *rendered), void *of);

/* The name of a step's effect, at every attempt the same. `item`: of a loop, else empty. */
void step_key(const struct rule *rule, const struct step *step, struct text event_id,
	      struct text item, char out[HASH_HEX]);

#endif
