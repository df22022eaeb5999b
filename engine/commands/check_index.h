/* SPDX-License-Identifier: Apache-2.0
 *
 * check_index - tappet check --index; see check_index.c. */
#ifndef TAPPET_COMMANDS_CHECK_INDEX_H
#define TAPPET_COMMANDS_CHECK_INDEX_H

#include "engine/commands/command.h"
#include "engine/rules/rule.h"

/* Prints a row for every rule and a summary; the rules have no errors. */
void check_index(struct context *context, const struct ruleset *rules);

#endif
