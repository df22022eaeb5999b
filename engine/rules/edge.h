/* SPDX-License-Identifier: Apache-2.0
 *
 * edge - for which keys rules with `edge` are active, and which events may end that.
 *
 * The match index finds rules whose conditions are true; a condition that turned
 * false is found here: rules whose keys are made by the same expression form a
 * group, an event's key is computed once for each group, and the rules that are
 * active for it are visited.
 *
 * I1  Says nothing about the store: whoever owns it fills it and keeps it in step.
 * Ownership: borrows the set, which must outlive it. One thread's. */
#ifndef TAPPET_RULES_EDGE_H
#define TAPPET_RULES_EDGE_H

#include "engine/rules/rule.h"

struct edges;

/* Rules whose keys come from one expression. */
struct edge_group {
	char name[16 + 1]; /* hex digits; the same for the same expression */
	const struct rule **rules;
	size_t count;
};

struct edges *edges_new(struct ruleset *set); /* NULL when memory is out */
void edges_free(struct edges *edges);

/* The groups with a rule that this type of event concerns: *count of them. NULL when there is none,
 * or memory is out (edges_failed). They live as long as the edges. */
const struct edge_group *const *edges_groups(struct edges *edges, struct text type, size_t *count);
const struct edge_group *edges_group_of(const struct edges *edges, const struct rule *rule);
bool edges_failed(const struct edges *edges);

/* The type takes the object away that the rule's types are about: "a.b.deleted" for "a.b.updated".
 * Rules with edge are told, though their `on` may not name it. */
bool edge_is_end(const struct rule *rule, const struct event_view *event);

/* Whether the event says that the rule's condition is false for its key now. */
bool edge_has_fallen(struct scope *scope);

/* ---- Active rules. ---- */

bool edges_put(struct edges *edges, const struct rule *rule, struct text key); /* false: no room */
void edges_drop(struct edges *edges, const struct rule *rule, struct text key);
bool edges_has(const struct edges *edges, const struct rule *rule, struct text key);

/* A run has yet to decide whether the rule's condition holds for the key; it has, or it is over.
 * As often the one as the other. */
bool edges_wait(struct edges *edges, const struct rule *rule, struct text key); /* false: no room */
void edges_unwait(struct edges *edges, const struct rule *rule, struct text key);
bool edges_waits(const struct edges *edges, const struct rule *rule, struct text key);

/* A run that was to decide was given up, and may be tried again: what comes meanwhile is to be
 * known. Or that is settled. */
bool edges_give_up(struct edges *edges, const struct rule *rule,
		   struct text key); /* false: no room */
void edges_settle(struct edges *edges, const struct rule *rule, struct text key);
bool edges_given_up(const struct edges *edges, const struct rule *rule, struct text key);

/* Those of the group that are active for the key, waited for or given up, newest first. Visit
 * changes nothing here. */
void edges_each(struct edges *edges, const struct edge_group *group, struct text key,
		bool (*visit)(void *of, const struct rule *rule), void *of);
size_t edges_active(const struct edges *edges);

/* ---- Numbers that the owner keeps for each rule; all begin as 0. ---- */

int64_t *edges_born(struct edges *edges, const struct rule *rule);
uint64_t *edges_stamp(struct edges *edges, const struct rule *rule);

#endif
