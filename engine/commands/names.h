/* SPDX-License-Identifier: Apache-2.0
 *
 * names - options that name a rule or a type of events: a name that nobody knows
 * is a mistake, and no reason for an empty list.
 *
 * Known is what the store has, or what the configuration and its rules name. With
 * rules that can't be loaded nothing is taken for unknown.
 * Ownership: none. */
#ifndef TAPPET_COMMANDS_NAMES_H
#define TAPPET_COMMANDS_NAMES_H

#include "engine/commands/command.h"
#include "engine/store/store.h"

/* False after saying that there is no such rule, with the nearest one. Empty: true. */
bool names_rule(struct context *context, struct store *store, struct text id);

/* The same of a type, or a prefix that ends in "*". Any type may be sent by hand, so what nobody
 * knows now may come later. */
bool names_type(struct context *context, struct store *store, struct text type);

#endif
