/* SPDX-License-Identifier: Apache-2.0
 *
 * reuse - what a rule file says once for all of its rules: params (what it needs
 * of vars), defaults, and actions (named lists of steps).
 *
 * I1  It belongs to its file: no rule of another file sees it, but for defaults
 *     of vars, which are the set's.
 * I2  A rule's stored source carries the parts that the rule uses, so that it
 *     loads again by itself.
 * Ownership: parts live in the scratch arena of the file under way. */
#ifndef TAPPET_RULES_REUSE_H
#define TAPPET_RULES_REUSE_H

#include "engine/rules/load.h"

/* One entry of `actions`. */
struct reusable {
	const struct yaml_node *key, *node; /* the name, and what stands beneath it */
	const struct yaml_node *steps;      /* its `do` list; NULL after reporting */
	const struct param *params;         /* in the set's arena; ends with a row without a name */
	struct value defaults;              /* a map: of parameters that may be left out */
	bool open;            /* its steps are being read: naming it again is a cycle */
	bool used, ever_used; /* by the rule under way; by any */
};

struct declared_var {
	const struct yaml_node *key, *node;
	bool used; /* by the rule under way */
};

struct parts {
	const struct yaml_node *defaults; /* a map, or NULL */
	struct reusable *actions;
	size_t action_count;
	struct declared_var *vars;
	size_t var_count;
};

/* Reads params, defaults and actions of the file whose tree this is. Never NULL but when memory is
 * out. */
struct parts *parts_read(struct loading *l, const struct yaml_node *root);

/* Before a rule is read: nothing is used yet. */
void parts_begin(struct parts *parts);

/* After the file's last rule: warns of what no rule uses. */
void parts_end(struct loading *l);

/* True when the file declares the var; it then counts as used. */
bool parts_var(struct parts *parts, struct text name);

/* A member of `defaults`, or NULL. */
const struct yaml_node *parts_default(const struct loading *l, const char *key);

/* The rule as it is stored: its own text, with the parts it uses before it where there are some. */
struct text parts_source(const struct loading *l, struct text rule);

/* The mapping's bytes with the indentation of its first key taken off every line. */
struct text dedented(struct arena *arena, const struct yaml_node *map);

/* ---- Steps by name. ---- */

/* True for "use.NAME". */
bool use_is(struct text key);

/* The entry that `key` names, or NULL after reporting. */
struct reusable *use_find(struct loading *l, const struct yaml_node *key);

/* For a step's key that is the name of an action of this file, or "use" alone: what to write
 * instead; else "". */
const char *use_hint(struct loading *l, struct text key);

#endif
