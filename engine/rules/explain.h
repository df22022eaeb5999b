/* SPDX-License-Identifier: Apache-2.0
 *
 * explain - why a rule fires on an event, or doesn't, with the values seen.
 *
 * The parts of a rule are told in the order they are asked, each with the tree
 * of its expression as the rule's author would write it: the entries of `match`
 * read `data.total >= 100`, whatever the loader made of them.
 *
 * I1  The decision is rule_decide's.
 * Ownership: everything lives in the two arenas and borrows from the rule and
 * the event. Never: looks at the mode, at runs or at throttles; the caller does. */
#ifndef TAPPET_RULES_EXPLAIN_H
#define TAPPET_RULES_EXPLAIN_H

#include "engine/rules/rule.h"

/* A sub-expression. */
struct explain_node {
	struct text text;   /* as written */
	struct value value; /* VALUE_ERROR: what went wrong, without where */
	bool known;         /* false: too many steps in all, value is null */
	bool needed;        /* the evaluation asks for it */
	bool decides;
	bool missing;      /* a path that is not there; value is null */
	uint32_t elements; /* a macro: how many there are */
	uint32_t element;  /* a macro: which one the kids behind the range show; 0: none */
	const struct explain_node *const *kids;
	uint32_t count;
};

struct explain_nodes {
	const struct explain_node *const *items;
	uint32_t count;
};

enum explain_outcome {
	EXPLAIN_NONE, /* the rule has no such part */
	EXPLAIN_OK,
	EXPLAIN_NO,
	EXPLAIN_BLIND,
	EXPLAIN_LATER, /* `when`, before the look-ups are made */
};

/* match, key or when. */
struct explain_part {
	bool cut;                     /* its parts take too much memory: no nodes */
	enum explain_outcome outcome; /* also where it is not reached: what it would be */
	bool reached;
	struct value value;
	struct explain_nodes nodes; /* what && joins, else the whole */
};

struct explain_define {
	struct text name;
	struct value value;
	struct explain_nodes nodes;
	bool cut;
};

struct explanation {
	struct decision decision;
	bool on, from; /* the event is one of the rule's; it comes from there */
	struct explain_part match, key, when;
	const struct explain_define *defines;
	size_t define_count;
	struct text lane;     /* of the run; empty: that of its rule and key, or not reached */
	struct text laneless; /* why the lane can't be told, or empty */
	struct text because;  /* NO, BLIND: "match is false because ..." */
	struct place at;      /* BLIND: where in the rule's source; line 0: unknown */
};

/* Explains scope->rule, which was loaded by itself (ruleset_load_revision). Trees go to an arena of
 * their own: when it is spent the answer stands, without them. False when memory is out. */
bool rule_explain(struct scope *scope, struct arena *trees, struct explanation *out);

/* A value for people: one line of at most `most` bytes. A long one is cut and then tells its
 * size. */
struct text explain_value(struct arena *arena, struct value value, size_t most);

/* Where the rule begins in the source it was loaded from by itself: at 1:1, or behind the parts of
 * its file that it is stored with. */
struct place rule_begins(const struct rule *rule);

#endif
