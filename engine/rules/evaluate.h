/* SPDX-License-Identifier: Apache-2.0
 *
 * evaluate - one way to run an expression of a rule; see rule.h for the scope. */
#ifndef TAPPET_RULES_EVALUATE_H
#define TAPPET_RULES_EVALUATE_H

#include "engine/rules/load.h"

/* The value, or VALUE_ERROR. */
struct value scope_eval(struct scope *scope, const struct cel_program *program);

/* Whether the program, which can't be evaluated, asks for a field of something that is null; that
 * may be inside of a define it names. */
bool scope_reads_null(struct scope *scope, const struct cel_program *program);

/* What expressions of the scope's rule are evaluated with. */
struct cel_vars scope_vars(struct scope *scope);

/* What `from` is compared with: the connection, or the source of what came without one. */
struct text event_from(const struct event_view *event);

/* The key of a rule that names none. */
struct text event_key(const struct event_view *event);

/* A template filled in, as step_params. */
enum fate template_fill(struct scope *scope, const struct template *t, struct value *out,
			struct text *why);

/* changed(path); change_functions.c. */
bool event_changed(const struct event_view *event, struct text path);

#endif
