/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_strings - taking texts apart and making new ones: cel-go's strings
 * extension (its format() is functions_format.c).
 *
 * I1  Positions count characters (code points), from 0; one outside the text is
 *     an error, the end is inside.
 * I2  Work is linear in what is read and written, and charged.
 * Ownership: parts (charAt, substring, trim, split) borrow from the text. */
#include "engine/cel/env.h"
#include "engine/cel/out.h"

#include <assert.h>

#define SEARCH(n) ((n) / 32) /* steps of memmem over n bytes, at its slower end */
#define BLOCK     64         /* bytes counted at once; the compiler makes vectors of them */

/* ---- Positions ---- */

static inline bool is_start(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t count_chars(const char *s, size_t n)
{
	size_t chars = 0;

	for (size_t i = 0; i < n; i++)
		chars += is_start(s[i]) ? 1 : 0;
	return chars;
}

/* Byte offset of character number `at`; SIZE_MAX when the text is shorter. */
static size_t char_offset(struct text t, int64_t at)
{
	size_t offset = 0, chars;

	if (at < 0)
		return SIZE_MAX;
	for (; t.n - offset >= BLOCK; offset += BLOCK) {
		chars = count_chars(t.s + offset, BLOCK);
		if (chars > (uint64_t)at)
			break;
		at -= (int64_t)chars;
	}
	for (; offset < t.n; offset++) {
		if (is_start(t.s[offset]) && at-- == 0)
			return offset;
	}
	return at == 0 ? offset : SIZE_MAX;
}

static size_t char_length(struct text t, size_t offset)
{
	size_t n = 1;

	assert(offset < t.n);
	while (offset + n < t.n && !is_start(t.s[offset + n]))
		n++;
	return n;
}

static struct text from_offset(struct text t, size_t offset)
{
	assert(offset <= t.n);
	return (struct text){ t.s + offset, t.n - offset };
}

static struct value out_of_range(struct cel_run *run, int64_t at)
{
	return cel_error(run, "index out of range: %lld", (long long)at);
}

/* ---- Parts ---- */

static struct value call_char_at(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	struct text t = value_as_text(args[0]);
	size_t at;

	(void)of;
	assert(count == 2);
	if (!cel_charge(run, t.n / 64))
		return cel_error_budget();
	at = char_offset(t, args[1].i);
	if (at == SIZE_MAX)
		return out_of_range(run, args[1].i);
	return value_text((struct text){ t.s + at, at < t.n ? char_length(t, at) : 0 });
}

static struct value call_substring(struct cel_run *run, void *of, const struct value *args,
				   uint32_t count)
{
	struct text t = value_as_text(args[0]);
	size_t from, to = t.n;

	(void)of;
	assert(count == 2 || count == 3);
	if (!cel_charge(run, t.n / 64))
		return cel_error_budget();
	from = char_offset(t, args[1].i);
	if (from == SIZE_MAX)
		return out_of_range(run, args[1].i);
	if (count == 3)
		to = char_offset(t, args[2].i);
	if (to == SIZE_MAX)
		return out_of_range(run, args[2].i);
	if (from > to)
		return cel_error(run, "invalid substring range. start: %lld, end: %lld",
				 (long long)args[1].i, (long long)args[2].i);
	return value_text((struct text){ t.s + from, to - from });
}

/* White_Space of the Unicode character database. */
static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

static struct text trim_start(struct text t)
{
	uint32_t c;
	size_t n;

	while (t.n > 0 && (n = text_char(t, 0, &c)) > 0 && is_space(c))
		t = from_offset(t, n);
	return t;
}

static struct text trim_end(struct text t)
{
	while (t.n > 0) {
		size_t last = t.n - 1;
		uint32_t c;

		while (last > 0 && !is_start(t.s[last]))
			last--;
		if (text_char(t, last, &c) == 0 || !is_space(c))
			break;
		t.n = last;
	}
	return t;
}

static struct value call_trim(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct text t = trim_end(trim_start(value_as_text(args[0])));

	(void)of;
	assert(count == 1);
	return cel_charge(run, (args[0].n - t.n) / 8) ? value_text(t) : cel_error_budget();
}

/* ---- Searching ---- */

static struct value call_index_of(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	struct text t = value_as_text(args[0]);
	int64_t first = count == 3 ? args[2].i : 0;
	size_t from, hit;

	(void)of;
	assert(count == 2 || count == 3);
	if (!cel_charge(run, SEARCH(t.n)))
		return cel_error_budget();
	from = char_offset(t, first);
	if (from == SIZE_MAX)
		return out_of_range(run, first);
	t = from_offset(t, from);
	hit = text_find(t, value_as_text(args[1]));
	return value_int(hit != SIZE_MAX ? first + (int64_t)count_chars(t.s, hit) : -1);
}

static void put_backwards(char *to, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		to[i] = t.s[t.n - 1 - i];
}

/* Byte offset of the last `part` in t, SIZE_MAX when there is none: the first
 * one of both read backwards, which is linear whatever they are. */
static struct value find_last(struct cel_run *run, struct text t, struct text part, size_t *hit)
{
	char *room;

	*hit = SIZE_MAX;
	if (part.n > t.n)
		return value_null();
	if (!cel_charge(run, 2 * SEARCH(t.n)))
		return cel_error_budget();
	room = arena_alloc(run->arena, t.n + part.n);
	if (room == NULL)
		return cel_error_memory();
	put_backwards(room, t);
	put_backwards(room + t.n, part);
	*hit = text_find((struct text){ room, t.n }, (struct text){ room + t.n, part.n });
	if (*hit != SIZE_MAX)
		*hit = t.n - part.n - *hit;
	return value_null();
}

/* With a position: the last one that starts there or before. */
static struct value call_last_index_of(struct cel_run *run, void *of, const struct value *args,
				       uint32_t count)
{
	struct text t = value_as_text(args[0]), part = value_as_text(args[1]);
	struct value bad;
	size_t last, hit;

	(void)of;
	assert(count == 2 || count == 3);
	if (count == 3) {
		if (!cel_charge(run, t.n / 64))
			return cel_error_budget();
		last = char_offset(t, args[2].i);
		if (last == SIZE_MAX)
			return out_of_range(run, args[2].i);
		t.n = t.n - last > part.n ? last + part.n : t.n;
	}
	bad = find_last(run, t, part, &hit);
	if (bad.kind == VALUE_ERROR)
		return bad;
	return value_int(hit != SIZE_MAX ? (int64_t)count_chars(t.s, hit) : -1);
}

/* ---- New texts ---- */

static struct value call_join(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct text between = count == 2 ? value_as_text(args[1]) : TEXT_NONE;
	struct cel_out out;

	(void)of;
	assert(count == 1 || count == 2);
	cel_out_begin(&out, run);
	cel_out_charge(&out, args[0].n / 2);
	for (uint32_t i = 0; i < args[0].n && !cel_out_failed(&out); i++) {
		if (args[0].items[i].kind != VALUE_TEXT)
			return cel_error(run, "join: item %u is no text", i);
		if (i > 0)
			cel_out_put(&out, between);
		cel_out_put(&out, value_as_text(args[0].items[i]));
	}
	return cel_out_end(&out);
}

/* Letters from `first` on get the other case, which is the other value of 0x20. */
static struct value change_case(struct cel_run *run, struct text t, char first)
{
	struct cel_out out;
	char *to;

	cel_out_begin(&out, run);
	to = cel_out_room(&out, t.n);
	for (size_t i = 0; i < t.n && to != NULL; i++) {
		bool letter = (unsigned char)(t.s[i] - first) < 26;

		to[i] = (char)(letter ? t.s[i] ^ 0x20 : t.s[i]);
	}
	out.n = to != NULL ? t.n : 0;
	return cel_out_end(&out);
}

static struct value call_lower(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	(void)of;
	assert(count == 1);
	return change_case(run, value_as_text(args[0]), 'A');
}

static struct value call_upper(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	(void)of;
	assert(count == 1);
	return change_case(run, value_as_text(args[0]), 'a');
}

static struct value call_reverse(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	struct text t = value_as_text(args[0]);
	struct cel_out out;
	char *to;

	(void)of;
	assert(count == 1);
	cel_out_begin(&out, run);
	cel_out_charge(&out, t.n / 8);
	to = cel_out_room(&out, t.n);
	for (size_t at = 0, n; at < t.n && to != NULL; at += n) {
		n = char_length(t, at);
		memcpy(to + t.n - at - n, t.s + at, n);
	}
	out.n = to != NULL ? t.n : 0;
	return cel_out_end(&out);
}

/* `with` before every character and at the end, `limit` times. */
static void interleave(struct cel_out *out, struct text t, struct text with, int64_t limit)
{
	size_t at = 0;

	while (limit-- != 0 && cel_out_charge(out, 0)) {
		size_t n = at < t.n ? char_length(t, at) : 0;

		cel_out_put(out, with);
		cel_out_put(out, (struct text){ t.s + at, n });
		at += n;
		if (n == 0)
			break;
	}
	cel_out_put(out, from_offset(t, at));
}

static void substitute(struct cel_out *out, struct text t, struct text old, struct text with,
		       int64_t limit)
{
	while (limit-- != 0 && cel_out_charge(out, 0)) {
		size_t hit = text_find(t, old);

		if (hit == SIZE_MAX)
			break;
		cel_out_put(out, (struct text){ t.s, hit });
		cel_out_put(out, with);
		t = from_offset(t, hit + old.n);
	}
	cel_out_put(out, t);
}

/* A negative limit is none. */
static struct value call_replace(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	struct text t = value_as_text(args[0]), old = value_as_text(args[1]);
	int64_t limit = count == 4 && args[3].i >= 0 ? args[3].i : INT64_MAX;
	struct cel_out out;

	(void)of;
	assert(count == 3 || count == 4);
	cel_out_begin(&out, run);
	cel_out_charge(&out, SEARCH(t.n));
	if (old.n == 0)
		interleave(&out, t, value_as_text(args[2]), limit);
	else
		substitute(&out, t, old, value_as_text(args[2]), limit);
	return cel_out_end(&out);
}

/* The letter behind the backslash, or 0. */
static char escape_of(char c)
{
	switch (c) {
	case '\a':
		return 'a';
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\v':
		return 'v';
	case '\\':
	case '"':
		return c;
	default:
		return 0;
	}
}

static struct value call_quote(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	struct text t = value_as_text(args[0]);
	struct cel_out out;
	size_t from = 0;

	(void)of;
	assert(count == 1);
	cel_out_begin(&out, run);
	cel_out_charge(&out, t.n / 4);
	cel_out_put(&out, TEXT("\""));
	for (size_t i = 0; i < t.n; i++) {
		char two[2] = { '\\', escape_of(t.s[i]) };

		if (two[1] == 0)
			continue;
		cel_out_put(&out, (struct text){ t.s + from, i - from });
		cel_out_put(&out, (struct text){ two, 2 });
		from = i + 1;
	}
	cel_out_put(&out, from_offset(t, from));
	cel_out_put(&out, TEXT("\""));
	return cel_out_end(&out);
}

/* ---- Splitting ---- */

/* Length of the next piece, and in *skip that of what parts it from the rest;
 * SIZE_MAX when the rest is the last piece. */
static size_t next_piece(struct text rest, struct text between, size_t *skip)
{
	size_t n;

	*skip = between.n;
	if (between.n > 0)
		return text_find(rest, between);
	n = char_length(rest, 0);
	return n < rest.n ? n : SIZE_MAX;
}

/* At most `limit` pieces; the last one holds what is left. Without anything
 * between them pieces are characters, and an empty text has none. */
static struct value call_split(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	struct text rest = value_as_text(args[0]), between = value_as_text(args[1]);
	int64_t limit = count == 3 && args[2].i >= 0 ? args[2].i : INT64_MAX;
	struct value_list_builder list;
	size_t n, skip;

	(void)of;
	assert(count == 2 || count == 3);
	value_list_begin(&list, run->arena);
	if (limit == 0 || (rest.n == 0 && between.n == 0))
		return value_list_end(&list);
	if (!cel_charge(run, SEARCH(rest.n)))
		return cel_error_budget();
	while (list.n + 1 < limit && (n = next_piece(rest, between, &skip)) != SIZE_MAX) {
		if (!cel_charge(run, 0))
			return cel_error_budget();
		value_list_add(&list, value_text((struct text){ rest.s, n }));
		rest = from_offset(rest, n + skip);
	}
	value_list_add(&list, value_text(rest));
	return value_list_end(&list);
}

/* ---- Table ---- */

#define TEXT_AND(a, b, c)                                                                          \
	{                                                                                          \
		CEL_TEXT, (a), (b), (c)                                                            \
	}
#define ONE_TEXT TEXT_AND(CEL_DYN, CEL_DYN, CEL_DYN)

const struct cel_function cel_functions_strings[] = {
	{ "charAt", "The character at a position (from 0), \"\" at the end.", true, CEL_TEXT, 2, 2,
	  TEXT_AND(CEL_INT, CEL_DYN, CEL_DYN), call_char_at, false },
	{ "indexOf", "Where the other text first stands (from a position on), or -1.", true,
	  CEL_INT, 2, 3, TEXT_AND(CEL_TEXT, CEL_INT, CEL_DYN), call_index_of, false },
	{ "lastIndexOf", "Where the other text last stands (up to a position), or -1.", true,
	  CEL_INT, 2, 3, TEXT_AND(CEL_TEXT, CEL_INT, CEL_DYN), call_last_index_of, false },
	{ "join",
	  "The texts of a list as one, with the other text between them.",
	  true,
	  CEL_TEXT,
	  1,
	  2,
	  { CEL_LIST, CEL_TEXT, CEL_DYN, CEL_DYN },
	  call_join,
	  false },
	{ "lowerAscii", "The text with A to Z in lower case.", true, CEL_TEXT, 1, 1, ONE_TEXT,
	  call_lower, false },
	{ "upperAscii", "The text with a to z in upper case.", true, CEL_TEXT, 1, 1, ONE_TEXT,
	  call_upper, false },
	{ "replace", "The text with one text in place of another, at most so many times.", true,
	  CEL_TEXT, 3, 4, TEXT_AND(CEL_TEXT, CEL_TEXT, CEL_INT), call_replace, false },
	{ "split", "The pieces between a text, at most so many.", true, CEL_LIST, 2, 3,
	  TEXT_AND(CEL_TEXT, CEL_INT, CEL_DYN), call_split, false },
	{ "substring",
	  "The characters from a position (from 0) to the end, or up to another position.", true,
	  CEL_TEXT, 2, 3, TEXT_AND(CEL_INT, CEL_INT, CEL_DYN), call_substring, false },
	{ "trim", "The text without white space at both ends.", true, CEL_TEXT, 1, 1, ONE_TEXT,
	  call_trim, false },
	{ "reverse", "The characters in reverse order.", true, CEL_TEXT, 1, 1, ONE_TEXT,
	  call_reverse, false },
	{ "strings.quote", "The text in double quotes, with escapes.", false, CEL_TEXT, 1, 1,
	  ONE_TEXT, call_quote, false },
	{ .name = NULL },
};
