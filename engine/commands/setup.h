/* SPDX-License-Identifier: Apache-2.0
 *
 * setup - what commands need before they can begin: configuration, rules, the
 * store to read.
 *
 * Every function says on standard error what is wrong; *code is then the exit
 * code. Ownership: the caller frees what it gets. */
#ifndef TAPPET_COMMANDS_SETUP_H
#define TAPPET_COMMANDS_SETUP_H

#include "engine/base/cleanup.h"
#include "engine/base/diag.h"
#include "engine/commands/command.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"
#include "engine/store/store.h"

DEFINE_AUTO(config_free, struct config *)
DEFINE_AUTO(ruleset_free, struct ruleset *)
DEFINE_AUTO(store_close, struct store *)
DEFINE_AUTO(diags_free, struct diags *)
DEFINE_AUTO(json_parser_free, struct json_parser *)
DEFINE_AUTO(matcher_free, struct matcher *)
DEFINE_AUTO(typer_free, struct typer *)

/* The configuration of -c; missing secrets are fine (nothing is sent). NULL: see *code. */
struct config *setup_config(struct context *context, int *code);

/* Configuration and rules for commands that take RULES... (files and folders): those named, else
 * the configuration's. With RULES, no -c and no tappet.yaml, a bare configuration serves. Mistakes
 * go to `diags`; NULL only when it can't go on at all. */
struct config *setup_rules(struct context *context, const char *const *paths, int count,
			   struct diags *diags, struct ruleset **rules, int *code);

/* All connectors, and what the plugins of tappet.yaml have said of themselves; ends with NULL. With
 * `*config`, which keeps those and is the caller's: NULL when there is no usable tappet.yaml, of
 * which nothing is said unless -c names it. NULL: memory is out. */
const struct connector *const *setup_connectors(struct context *context, struct config **config);

/* Prints mistakes to standard error; true when there are errors. */
bool setup_complain(struct diags *diags);

/* Opens the configuration's store for reading, beside a daemon or without one. */
struct store *setup_store(struct context *context, int *code);

/* --since: a duration back from now, or RFC 3339. 0 when it isn't given; false after a
 * message. */
bool setup_since(struct context *context, int64_t *ms);

/* --limit and the like: a whole number from 1; 0 when it isn't given. */
bool setup_number(struct context *context, const char *option, size_t *out);

/* Waits before the store is looked at again (--follow). */
void setup_pause(void);

#endif
