/* SPDX-License-Identifier: Apache-2.0
 *
 * leads - which rules' writes may set off which rules, as far as the rules say.
 *
 * Rule a leads to rule b when a step of a writes fields of a kind of object whose
 * events b takes, and b's conditions don't rule that out: what is written in so many
 * words is compared with what b looks up, and b's changed() and became() with the
 * fields that are written.
 *
 * I1  What isn't understood is taken for possible.
 * Never: which object is written; a rule may lead to another one only for others. */
#ifndef TAPPET_RULES_LEADS_H
#define TAPPET_RULES_LEADS_H

#include "engine/base/diag.h"
#include "engine/rules/rule.h"

struct lead {
	const struct rule *from, *to;
	const struct object_kind *kind;
	struct text fields; /* that are written, for people: "title, status.key = 305" */
	struct text never;  /* why it can't be, or empty */
};

/* Visits what leads where, rule by rule; with those that can't be, for which only the condition
 * speaks. A rule's own echo, which it ignores, isn't among them. False when memory is out or there
 * are more than LIMIT_LEADS. */
bool leads_each(const struct ruleset *set, struct arena *arena,
		void (*visit)(void *of, const struct lead *lead), void *of);

/* Warns of each cycle, at its first rule. False as above. */
bool leads_check(const struct ruleset *set, struct arena *arena, struct diags *diags);

#endif
