/* SPDX-License-Identifier: Apache-2.0
 *
 * text - comparing, searching, splitting and judging borrowed bytes.
 *
 * Pure functions but for the three that copy into an arena or the heap.
 * Never: reads a byte beyond n, consults the locale. */
#include "engine/base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/mem.h"

#define FAR_WORD 64 /* longer words are not typing mistakes, and the rows stay on the stack */

int text_cmp(struct text a, struct text b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.s, b.s, n) : 0;

	if (order != 0)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

bool text_starts(struct text a, struct text prefix)
{
	return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.s, prefix.s, prefix.n) == 0);
}

bool text_ends(struct text a, struct text suffix)
{
	return a.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(a.s + a.n - suffix.n, suffix.s, suffix.n) == 0);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_ieq(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.s[i]) != lower(b.s[i]))
			return false;
	}
	return true;
}

size_t text_find(struct text hay, struct text needle)
{
	const char *hit;

	if (needle.n == 0)
		return 0;
	if (hay.n < needle.n)
		return SIZE_MAX;
	hit = memmem(hay.s, hay.n, needle.s, needle.n);
	return hit != NULL ? (size_t)(hit - hay.s) : SIZE_MAX;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes that a character with this lead byte has. */
static size_t length_by_lead(unsigned char lead)
{
	if (lead < 0xc0)
		return 1;
	if (lead < 0xe0)
		return 2;
	return lead < 0xf0 ? 3 : 4;
}

struct text text_head(struct text a, size_t most)
{
	size_t n = a.n < most ? a.n : most, lead = n;

	while (lead > 0 && ((unsigned char)a.s[lead - 1] & 0xc0) == 0x80)
		lead--;
	if (lead > 0 && n < lead - 1 + length_by_lead((unsigned char)a.s[lead - 1]))
		n = lead - 1;
	return (struct text){ a.s, n };
}

struct text text_trim(struct text a)
{
	while (a.n > 0 && is_space(a.s[0])) {
		a.s++;
		a.n--;
	}
	while (a.n > 0 && is_space(a.s[a.n - 1]))
		a.n--;
	return a;
}

struct text text_split(struct text a, char sep, struct text *head)
{
	const char *hit = a.n > 0 ? memchr(a.s, sep, a.n) : NULL;

	assert(head != NULL);
	if (hit == NULL) {
		*head = a;
		return TEXT_NONE;
	}
	*head = (struct text){ a.s, (size_t)(hit - a.s) };
	return (struct text){ hit + 1, a.n - head->n - 1 };
}

bool text_to_int(struct text a, int64_t *out)
{
	bool negative = a.n > 0 && a.s[0] == '-';
	int64_t sum = 0; /* kept negative: the range below 0 is the larger one */

	assert(out != NULL);
	if (a.n == (negative ? 1u : 0u))
		return false;
	for (size_t i = negative; i < a.n; i++) {
		if (a.s[i] < '0' || a.s[i] > '9')
			return false;
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_sub_overflow(sum, a.s[i] - '0', &sum))
			return false;
	}
	if (!negative && sum == INT64_MIN)
		return false;
	*out = negative ? sum : -sum;
	return true;
}

struct text text_dup(struct arena *arena, struct text a)
{
	char *s = arena_alloc(arena, a.n + 1);

	if (s == NULL)
		return TEXT_NONE;
	if (a.n > 0)
		memcpy(s, a.s, a.n);
	s[a.n] = '\0';
	return (struct text){ s, a.n };
}

struct text text_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(n >= 0);
	s = arena_alloc(arena, (size_t)n + 1);
	if (s == NULL)
		return TEXT_NONE;
	va_start(args, format);
	vsnprintf(s, (size_t)n + 1, format, args);
	va_end(args);
	return (struct text){ s, (size_t)n };
}

char *text_heap(struct text a)
{
	char *s = a.n < SIZE_MAX ? mem_alloc(a.n + 1) : NULL;

	if (s == NULL)
		return NULL;
	if (a.n > 0)
		memcpy(s, a.s, a.n);
	s[a.n] = '\0';
	return s;
}

/* The ranges of RFC 3629, section 4: the second byte's range is what keeps
 * overlong forms, surrogates and values above U+10FFFF out. */
size_t text_char(struct text a, size_t at, uint32_t *code)
{
	const unsigned char *s = (const unsigned char *)a.s + at;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	assert(at < a.n);
	assert(code != NULL);
	*code = s[0];
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > a.n - at)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	*code = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		*code = *code << 6 | (s[i] & 0x3fu);
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

/* How many of the first bytes are ASCII, in eights. */
static size_t ascii_bytes(struct text a)
{
	uint64_t eight;
	size_t n = 0;

	while (a.n - n >= sizeof(eight)) {
		memcpy(&eight, a.s + n, sizeof(eight));
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
		n += sizeof(eight);
	}
	return n;
}

bool text_is_utf8(struct text a)
{
	uint32_t code;
	size_t at = ascii_bytes(a);

	while (at < a.n) {
		size_t n = text_char(a, at, &code);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t text_distance(struct text a, struct text b)
{
	size_t rows[3][FAR_WORD + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	if (a.n > FAR_WORD || b.n > FAR_WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		above[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *free_row = before;

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t change = above[j - 1] + (a.s[i - 1] != b.s[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, change);
			if (i > 1 && j > 1 && a.s[i - 1] == b.s[j - 2] && a.s[i - 2] == b.s[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = free_row;
	}
	return above[b.n];
}

static struct text last_segment(struct text a)
{
	size_t at = a.n;

	while (at > 0 && a.s[at - 1] != '.')
		at--;
	return (struct text){ a.s + at, a.n - at };
}

/* How far `word` is from `candidate`, or SIZE_MAX when too far to suggest. A
 * word without a dot may also mean the last segment of a dotted name ("post"
 * for "slack.post"), at the price of one. */
static size_t nearness(struct text word, struct text candidate)
{
	size_t reach = word.n / 3 > 1 ? word.n / 3 : 1;
	struct text last = last_segment(candidate);
	size_t far = text_distance(word, candidate);
	size_t far_last = SIZE_MAX;

	if (last.n < candidate.n && last_segment(word).n == word.n)
		far_last = text_distance(word, last);
	if (far_last <= reach && far_last + 1 < far)
		return far_last + 1;
	return far <= reach && far < word.n ? far : SIZE_MAX;
}

const char *text_nearest(struct text word, const char *const *candidates)
{
	size_t best = SIZE_MAX;
	const char *nearest = NULL;

	assert(candidates != NULL);
	if (word.n == 0)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		size_t far = nearness(word, text_of(*candidates));

		if (far < best) {
			best = far;
			nearest = *candidates;
		}
	}
	return nearest;
}
