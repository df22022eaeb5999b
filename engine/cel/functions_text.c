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

#include "engine/base/limits.h"

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

/* Byte offset of character number `at`; SIZE_MAX when the text is shorter. */
static size_t char_offset(struct text t, int64_t at)
{
	size_t offset = 0;

	for (; at > 0 && offset < t.n; at--) {
		offset++;
		while (offset < t.n && ((unsigned char)t.s[offset] & 0xC0) == 0x80)
			offset++;
	}
	return at == 0 ? offset : SIZE_MAX;
}

/* Positions count characters: cel-go's strings extension. */
static struct value call_substring(struct cel_run *run, void *of, const struct value *args,
				   uint32_t count)
{
	struct text t = value_as_text(args[0]);
	size_t from, to = t.n;

	(void)of;
	assert(count == 2 || count == 3);
	if (!cel_charge(run, t.n / 64))
		return cel_error_budget();
	from = args[1].i < 0 ? SIZE_MAX : char_offset(t, args[1].i);
	if (count == 3)
		to = args[2].i < 0 ? SIZE_MAX : char_offset(t, args[2].i);
	if (from == SIZE_MAX || to == SIZE_MAX || from > to)
		return cel_error(run, "substring: a position is outside the text");
	return value_text((struct text){ t.s + from, to - from });
}

static struct value call_join(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct text between = count == 2 ? value_as_text(args[1]) : TEXT_NONE;
	size_t n = 0, at = 0;
	char *bytes;

	(void)of;
	assert(count == 1 || count == 2);
	for (uint32_t i = 0; i < args[0].n; i++) {
		if (args[0].items[i].kind != VALUE_TEXT)
			return cel_error(run, "join: item %u is no text", i);
		n += args[0].items[i].n + (i > 0 ? between.n : 0);
	}
	if (n > LIMIT_EXPR_JOINED || !cel_charge(run, n / 64 + args[0].n))
		return cel_error_budget();
	bytes = arena_alloc(cel_arena(run), n + 1);
	if (bytes == NULL)
		return cel_error(run, "memory is spent");
	for (uint32_t i = 0; i < args[0].n; i++) {
		struct text item = value_as_text(args[0].items[i]);

		if (i > 0 && between.n > 0)
			memcpy(bytes + at, between.s, between.n);
		at += i > 0 ? between.n : 0;
		if (item.n > 0)
			memcpy(bytes + at, item.s, item.n);
		at += item.n;
	}
	return value_text((struct text){ bytes, n });
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
	{ "join",
	  "The texts of a list as one, with the other text between them.",
	  true,
	  CEL_TEXT,
	  1,
	  2,
	  { CEL_LIST, CEL_TEXT, CEL_DYN, CEL_DYN },
	  call_join,
	  false },
	{ "substring",
	  "The characters from a position (from 0) to the end, or up to another position.",
	  true,
	  CEL_TEXT,
	  2,
	  3,
	  { CEL_TEXT, CEL_INT, CEL_INT, CEL_DYN },
	  call_substring,
	  false },
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
