/* SPDX-License-Identifier: Apache-2.0
 *
 * leads - which rules' writes may set off which rules, as far as the rules say.
 *
 * Rule a leads to rule b when a step of a writes fields of a kind of object whose
 * events b takes, and b's conditions don't rule that out: what is written in so many
 * words is compared with what b looks up, and b's changed() and became() with the
 * fields that are written. It also does when a step of a is a plugin's action and b
 * takes that plugin's events: which of them its actions bring about, nobody says.
 *
 * I1  What isn't understood is taken for possible.
 * Never: which object is written; a rule may lead to another one only for others. */
#ifndef TAPPET_RULES_LEADS_H
#define TAPPET_RULES_LEADS_H

#include "engine/base/diag.h"
#include "engine/rules/rule.h"

struct lead {
	const struct rule *from, *to;
	bool plugin;        /* by a plugin, not by what is written */
	struct text what;   /* the kind of object, or "plugin.NAME.*" */
	struct text fields; /* that are written, for people: "title, status.key = 305"; or the
			       plugin's action */
	struct text never;  /* why it can't be, or empty */
};

/* Visits what leads where, rule by rule; with those that can't be, for which only the condition
 * speaks. A rule's own echo, which it ignores, isn't among them. False when memory is out or there
 * are more than LIMIT_LEADS. */
bool leads_each(const struct ruleset *set, struct arena *arena,
		void (*visit)(void *of, const struct lead *lead), void *of);

/* Warns of each cycle, at its first rule. False as above. A rule that takes events of a plugin and
 * has a throttle or a condition is no part of one through that: whoever wrote it looked at them. */
bool leads_check(const struct ruleset *set, struct arena *arena, struct diags *diags);

#endif
