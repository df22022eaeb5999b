/* SPDX-License-Identifier: Apache-2.0
 *
 * text - a borrowed run of bytes with its length; never owns, never
 * NUL-terminated by contract.
 *
 * Ownership: none. Whoever made the bytes keeps them alive. */
#ifndef TAPPET_BASE_TEXT_H
#define TAPPET_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct text {
	const char *s;
	size_t n;
};

#define TEXT(literal)  ((struct text){ (literal), sizeof(literal) - 1 })
#define TEXT_NONE      ((struct text){ NULL, 0 })
#define TEXT_ARG(text) (int)(text).n, (text).s /* for "%.*s" */

/* A view of a NUL-terminated string; NULL gives TEXT_NONE. */
static inline struct text text_of(const char *s)
{
	return (struct text){ s, s != NULL ? strlen(s) : 0 };
}

static inline bool text_eq(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

static inline bool text_is(struct text a, const char *s)
{
	return text_eq(a, text_of(s));
}

/* Byte order, shorter first on a common prefix: <0, 0, >0. */
int text_cmp(struct text a, struct text b);

bool text_starts(struct text a, struct text prefix);
bool text_ends(struct text a, struct text suffix);

/* ASCII case-insensitive equality, for header names and schemes. */
bool text_ieq(struct text a, struct text b);

/* Position of the first `needle` in `hay`, or SIZE_MAX. */
size_t text_find(struct text hay, struct text needle);

/* At most the first `most` bytes, ending with a whole character: for showing a
 * part of a long text. Also drops a character that `a` itself ends within. */
struct text text_head(struct text a, size_t most);

struct text text_trim(struct text a); /* without spaces, tabs, CR, LF at both ends */

/* Splits at the first `sep`: *head is what stands before it, the return value
 * what follows; without `sep` all of it is head and the rest is TEXT_NONE. */
struct text text_split(struct text a, char sep, struct text *head);

/* Whole text as a decimal int64; false for anything else, also on overflow. */
bool text_to_int(struct text a, int64_t *out);

/* A NUL-terminated copy in the arena; s is NULL when the arena is spent. */
struct text text_dup(struct arena *arena, struct text a);
struct text text_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A NUL-terminated heap copy (free with mem_free), or NULL. */
char *text_heap(struct text a);

/* Length in bytes and code point of the UTF-8 character at byte `at` (< a.n);
 * 0 when there is none: then *code is the byte that stands there. */
size_t text_char(struct text a, size_t at, uint32_t *code);

bool text_is_utf8(struct text a); /* strict: no surrogates, overlong forms, or above U+10FFFF */

/* The candidate nearest to `word` (edit distance at most a third of its
 * length), or NULL: for "did you mean". `candidates` ends with NULL. */
const char *text_nearest(struct text word, const char *const *candidates);

/* Edit distance with adjacent swaps counted once (optimal string alignment),
 * bounded: longer words than 64 bytes are infinitely far. */
size_t text_distance(struct text a, struct text b);

#endif
