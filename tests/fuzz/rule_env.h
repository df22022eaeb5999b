/* SPDX-License-Identifier: Apache-2.0
 *
 * rule_env - the names and functions that a rule's expressions may use, for
 * harnesses. No connection is configured, so nothing is known of the fields of
 * `data`. */
#ifndef TAPPET_TESTS_RULE_ENV_H
#define TAPPET_TESTS_RULE_ENV_H

#include "engine/rules/load.h"
#include "tests/fuzz/fuzz.h"

/* Made once; inputs can't change it. */
static inline const struct config *fuzz_config(void)
{
	static struct config *bare;

	if (bare == NULL)
		bare = config_bare();
	return bare;
}

/* `l` must live as long as the environment is used. */
static inline struct cel_env *fuzz_rule_env(struct loading *l, struct arena *arena)
{
	*l = (struct loading){ .config = fuzz_config() };
	return load_env(l, arena);
}

#endif
