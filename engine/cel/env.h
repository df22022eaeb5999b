/* SPDX-License-Identifier: Apache-2.0
 *
 * env - the names and functions that expressions may use, as the compiler sees
 * them. The library's own functions are always there.
 *
 * Ownership: as cel.h says; an environment lives in its arena and borrows its
 * tables. */
#ifndef TAPPET_CEL_ENV_H
#define TAPPET_CEL_ENV_H

#include "engine/cel/cel.h"

/* A row with the number + 1 of the next one whose name hashes alike, 0 at the end. */
struct cel_named {
	const struct cel_function *function;
	uint32_t next;
};

#define CEL_ENV_HEADS 256 /* about one name each; a power of two */

struct cel_env {
	struct arena *arena;
	struct cel_variable *variables;
	uint32_t variable_count, variable_room;
	const struct cel_function **tables; /* each ends with a NULL name */
	uint32_t table_count, table_room;
	struct cel_named *named; /* the rows of all tables, in their order */
	uint32_t named_count, named_room;
	uint32_t heads[CEL_ENV_HEADS], tails[CEL_ENV_HEADS]; /* number + 1, 0 for none */
	cel_ask_field ask_field;                             /* or NULL */
	void *ask_of;
	bool dotted;    /* a variable's name holds a dot */
	bool macroless; /* calls of macros are calls */
	bool unchecked; /* what the checker would refuse fails when it is evaluated */
	bool unfolded;  /* constants are left to the evaluation */
	struct text container;
};

/* Index of the variable, or UINT32_MAX. */
uint32_t cel_env_find(const struct cel_env *env, struct text name);

/* Visits the rows of every table; *table and *row start at 0. NULL at the end. */
const struct cel_function *cel_env_next(const struct cel_env *env, uint32_t *table, uint32_t *row);

/* Visits the rows with this name, in the order of their tables; *at starts at 0.
 * NULL at the end. */
const struct cel_function *cel_env_named(const struct cel_env *env, struct text name, uint32_t *at);

/* ---- The library's tables ---- */

extern const struct cel_function cel_functions_core[];  /* size, conversions, type */
extern const struct cel_function cel_functions_text[];  /* contains, startsWith, matches */
extern const struct cel_function cel_functions_time[];  /* timestamp, duration, accessors */
extern const struct cel_function cel_functions_math[];  /* math.greatest, math.round, math.bitAnd */
extern const struct cel_function cel_functions_lists[]; /* slice, flatten, sort, lists.range */
extern const struct cel_function cel_functions_sets[];  /* sets.contains, distinct */
extern const struct cel_function cel_functions_network[];  /* ip, cidr, containsIP */
extern const struct cel_function cel_functions_strings[];  /* charAt, replace, split */
extern const struct cel_function cel_functions_format[];   /* format */
extern const struct cel_function cel_functions_encoders[]; /* base64 */

extern const struct cel_function cel_functions_messages[]; /* money, fmt, date, sum, round */
extern const struct cel_function cel_functions_optional[]; /* optional.of, value, or */

/* True for a row of the tables above: its result depends on its arguments only. */
bool cel_env_is_library(const struct cel_function *row);

#endif
