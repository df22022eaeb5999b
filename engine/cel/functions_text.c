/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_text - searching in texts: langdef.md, "List of Standard
 * Definitions".
 *
 * Ownership: a constant pattern belongs to the program's arena, one made at run
 * time to the evaluation. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"
#include "engine/cel/regex.h"

#include <assert.h>

#define TWO_TEXTS                                                                                  \
	{                                                                                          \
		CEL_TEXT, CEL_TEXT, CEL_DYN, CEL_DYN                                               \
	}

static struct value call_contains(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	(void)of;
	assert(count == 2);
	if (!cel_charge(run, args[0].n / 64))
		return cel_error_budget();
	return value_bool(text_find(value_as_text(args[0]), value_as_text(args[1])) != SIZE_MAX);
}

static struct value call_starts_with(struct cel_run *run, void *of, const struct value *args,
				     uint32_t count)
{
	(void)of;
	assert(count == 2);
	if (!cel_charge(run, args[1].n / 64))
		return cel_error_budget();
	return value_bool(text_starts(value_as_text(args[0]), value_as_text(args[1])));
}

static struct value call_ends_with(struct cel_run *run, void *of, const struct value *args,
				   uint32_t count)
{
	(void)of;
	assert(count == 2);
	if (!cel_charge(run, args[1].n / 64))
		return cel_error_budget();
	return value_bool(text_ends(value_as_text(args[0]), value_as_text(args[1])));
}

static void *pattern_make(struct text name, char *why, size_t room)
{
	return regex_new(name, why, room);
}

static void pattern_drop(void *thing)
{
	regex_free(thing);
}

static const struct cel_thing pattern = { pattern_make, pattern_drop };

static struct value call_matches(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	char why[120] = "";
	const struct regex *regex;

	(void)of;
	assert(count == 2);
	regex =
	    cel_thing(run, CEL_KEPT_PATTERN, &pattern, value_as_text(args[1]), why, sizeof(why));
	if (regex == NULL)
		return cel_error(run, "malformed pattern: %s", why);
	/* A byte takes RE2 a few nanoseconds, or tens when its automaton overflows. */
	if (!cel_charge(run, args[0].n / 32))
		return cel_error_budget();
	return value_bool(regex_search(regex, value_as_text(args[0])));
}

const struct cel_preparation cel_preparations_text[] = {
	{ call_matches, 1, &pattern },
	{ NULL, 0, NULL },
};

#define MATCHES_DOC "True when the pattern (RE2 syntax) matches anywhere in the text."

const struct cel_function cel_functions_text[] = {
	{ "contains", "True when the text holds the other one.", true, CEL_BOOL, 2, 2, TWO_TEXTS,
	  call_contains, false },
	{ "startsWith", "True when the text starts with the other one.", true, CEL_BOOL, 2, 2,
	  TWO_TEXTS, call_starts_with, false },
	{ "endsWith", "True when the text ends with the other one.", true, CEL_BOOL, 2, 2,
	  TWO_TEXTS, call_ends_with, false },
	{ "matches", MATCHES_DOC, true, CEL_BOOL, 2, 2, TWO_TEXTS, call_matches, false },
	{ "matches", MATCHES_DOC, false, CEL_BOOL, 2, 2, TWO_TEXTS, call_matches, false },
	{ .name = NULL },
};
