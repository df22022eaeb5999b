/* SPDX-License-Identifier: Apache-2.0
 *
 * words - the keys that the loader knows at each place, for whoever describes
 * them (tappet schema).
 *
 * I1  They are the lists the loader itself reads by, so none can be forgotten.
 *     All end with NULL. */
#ifndef TAPPET_RULES_WORDS_H
#define TAPPET_RULES_WORDS_H

#include <stddef.h>

/* load.c, steps.c, reuse.c: of a rules file. */
extern const char *const rule_keys[];
extern const char *const file_keys[];
extern const char *const test_keys[];
extern const char *const step_keys[];
extern const char *const loop_keys[];   /* of a step with for_each */
extern const char *const lookup_keys[]; /* of a look-up; lookups.c */
extern const char *const use_keys[];    /* of a step that uses a named list */
extern const char *const default_keys[];
const char *param_word(size_t i); /* types of declared parameters; NULL: no more */

/* match.c */
const char *match_operator(size_t i); /* NULL: no more */

/* config.c, config_connections.c, config_hooks.c, config_plugins.c, config_verify.c: of
 * tappet.yaml. */
const char *config_section(size_t i);       /* NULL: no more */
extern const char *const connection_keys[]; /* of every connector */
extern const char *const hook_keys[];
extern const char *const schedule_keys[];
extern const char *const bus_keys[];
extern const char *const plugin_keys[];
extern const char *const verify_words[];

#endif
