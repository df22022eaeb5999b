/* SPDX-License-Identifier: Apache-2.0
 *
 * check_graph - which rules may set off which; see check_graph.c. */
#ifndef TAPPET_COMMANDS_CHECK_GRAPH_H
#define TAPPET_COMMANDS_CHECK_GRAPH_H

#include "engine/base/diag.h"
#include "engine/commands/command.h"
#include "engine/rules/rule.h"

/* Warns of rules that may set each other off for ever; they have no errors. */
void check_loops(struct context *context, const struct ruleset *rules, struct diags *diags);

/* tappet check --graph: a row for each rule that writes what another takes. */
void check_graph(struct context *context, const struct ruleset *rules);

#endif
