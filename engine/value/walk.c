/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking through JSON text that is known to be valid: the members of a
 * container as slices, and trees of documents with numbers beyond 64 bits.
 *
 * I1  Only text that scan_text or simdjson accepted comes here, so nothing but
 *     the end of the whole text is checked: quotes and brackets match.
 * Never: used for text of unknown validity. */
#include <assert.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/value/inside.h"

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

struct walk {
	const char *at, *end;
	struct arena *arena; /* of trees; else NULL */
};

/* ---- moving on ---- */

static void skip_space(struct walk *w)
{
	while (w->at < w->end &&
	       (*w->at == ' ' || *w->at == '\n' || *w->at == '\r' || *w->at == '\t'))
		w->at++;
}

/* High bits mark bytes of `word` that equal c, exact up to the first. */
static uint64_t bytes_equal(uint64_t word, unsigned char c)
{
	uint64_t x = word ^ ONES * c;

	return (x - ONES) & ~x & HIGHS;
}

/* From inside a string to its closing quote or next backslash. */
static const char *string_stop(const char *at, const char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		if ((bytes_equal(word, '"') | bytes_equal(word, '\\')) != 0)
			break;
	}
	while (*at != '"' && *at != '\\')
		at++;
	return at;
}

/* The bytes between the quotes; *plain is false when there are escapes. */
static struct text skip_string(struct walk *w, bool *plain)
{
	const char *start = ++w->at;
	const char *stop;

	assert(w->at < w->end);
	*plain = true;
	for (;;) {
		w->at = string_stop(w->at, w->end);
		if (*w->at == '"')
			break;
		*plain = false;
		w->at += 2;
	}
	stop = w->at++;
	return (struct text){ start, (size_t)(stop - start) };
}

/* From one bracket to behind the one that closes it. */
static void skip_container(struct walk *w)
{
	size_t depth = 0;
	bool plain;

	do {
		switch (*w->at) {
		case '"':
			skip_string(w, &plain);
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		default:
			break;
		}
		w->at++;
	} while (depth > 0);
}

/* A number, true, false or null: up to what may follow it. */
static void skip_word(struct walk *w)
{
	while (w->at<w->end && * w->at> ' ' && *w->at != ',' && *w->at != '}' && *w->at != ']')
		w->at++;
}

static struct text skip_value(struct walk *w)
{
	const char *start = w->at;
	bool plain;

	if (*w->at == '{' || *w->at == '[')
		skip_container(w);
	else if (*w->at == '"')
		skip_string(w, &plain);
	else
		skip_word(w);
	return (struct text){ start, (size_t)(w->at - start) };
}

/* Moves to the next member of a container whose bracket or last member was
 * passed; false behind its end. */
static bool next_member(struct walk *w)
{
	skip_space(w);
	if (*w->at == ',') {
		w->at++;
		skip_space(w);
	}
	if (*w->at != '}' && *w->at != ']')
		return true;
	w->at++;
	return false;
}

static void skip_colon(struct walk *w)
{
	skip_space(w);
	w->at++;
	skip_space(w);
}

/* ---- strings ---- */

/* Writes at most raw.n bytes; how many. */
static size_t decode(struct text raw, char *out)
{
	const char *at = raw.s;
	const char *end = raw.s + raw.n;
	size_t n = 0;

	while (at < end) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));
		size_t plain = (size_t)((escape != NULL ? escape : end) - at);
		char bytes[4];
		size_t count;

		memcpy(out + n, at, plain);
		n += plain;
		if (escape == NULL)
			break;
		at = escape + 1;
		count = scan_unescape(&at, bytes);
		memcpy(out + n, bytes, count);
		n += count;
	}
	return n;
}

/* A key, decoded into `scratch` when it has escapes; false: memory is out. */
static bool read_key(struct walk *w, struct buf *scratch, struct text *key)
{
	bool plain;
	char *room;

	*key = skip_string(w, &plain);
	if (plain)
		return true;
	buf_clear(scratch);
	room = buf_reserve(scratch, key->n);
	if (room == NULL)
		return false;
	*key = (struct text){ room, decode(*key, room) };
	return true;
}

/* ---- finding and visiting ---- */

/* Moves to the value of `segment` in the map at hand; FATE_REJECT: none. */
static enum fate enter(struct walk *w, struct text segment, struct buf *scratch)
{
	struct text key;

	if (*w->at != '{')
		return FATE_REJECT;
	w->at++;
	while (next_member(w)) {
		if (!read_key(w, scratch, &key))
			return FATE_RETRY;
		skip_colon(w);
		if (text_eq(key, segment))
			return FATE_OK;
		skip_value(w);
	}
	return FATE_REJECT;
}

enum fate walk_find(struct text json, struct text path, struct buf *scratch, struct text *container)
{
	struct walk w = { .at = json.s, .end = json.s + json.n };
	enum fate fate = FATE_OK;

	assert(json.n > 0 && scratch != NULL && container != NULL);
	skip_space(&w);
	while (path.n > 0 && fate == FATE_OK) {
		const char *dot = memchr(path.s, '.', path.n);
		size_t n = dot != NULL ? (size_t)(dot - path.s) : path.n;

		fate = enter(&w, (struct text){ path.s, n }, scratch);
		path = dot != NULL ? (struct text){ dot + 1, path.n - n - 1 } : TEXT_NONE;
	}
	if (fate != FATE_OK)
		return fate;
	*container = (struct text){ w.at, (size_t)(w.end - w.at) };
	return *w.at == '{' || *w.at == '[' ? FATE_OK : FATE_REJECT;
}

enum fate walk_each(struct text container, struct buf *scratch,
		    bool (*visit)(void *of, struct text key, struct text member), void *of)
{
	struct walk w = { .at = container.s, .end = container.s + container.n };
	bool is_map = *w.at == '{';
	struct text key = TEXT_NONE;

	assert(is_map || *w.at == '[');
	assert(visit != NULL && scratch != NULL);
	w.at++;
	while (next_member(&w)) {
		if (is_map) {
			if (!read_key(&w, scratch, &key))
				return FATE_RETRY;
			skip_colon(&w);
		}
		if (!visit(of, key, skip_value(&w)))
			break;
	}
	return FATE_OK;
}

/* ---- trees ---- */

static struct value build(struct walk *w);

static struct value build_text(struct walk *w)
{
	bool plain;
	struct text raw = skip_string(w, &plain);
	char *room;

	if (raw.n == 0)
		return value_text(TEXT(""));
	room = arena_alloc(w->arena, raw.n);
	if (room == NULL)
		return value_null();
	return value_text((struct text){ room, decode(raw, room) });
}

/* Digits only, as uint64; false when they do not fit. */
static bool to_uint(struct text digits, uint64_t *out)
{
	uint64_t u = 0;

	for (size_t i = 0; i < digits.n; i++) {
		unsigned digit = (unsigned)(digits.s[i] - '0');

		if (u > (UINT64_MAX - digit) / 10)
			return false;
		u = u * 10 + digit;
	}
	*out = u;
	return true;
}

static bool is_integer(struct text number)
{
	for (size_t i = 0; i < number.n; i++) {
		if (number.s[i] == '.' || number.s[i] == 'e' || number.s[i] == 'E')
			return false;
	}
	return true;
}

static struct value build_number(struct walk *w)
{
	struct text number = skip_value(w);
	int64_t i;
	uint64_t u;

	if (is_integer(number)) {
		if (text_to_int(number, &i))
			return value_int(i);
		if (*number.s != '-' && to_uint(number, &u))
			return value_uint(u);
	}
	return value_double(scan_double(number));
}

static struct value build_list(struct walk *w)
{
	struct value_list_builder b;

	value_list_begin(&b, w->arena);
	w->at++;
	while (next_member(w))
		value_list_add(&b, build(w));
	return value_list_end(&b);
}

static struct value build_map(struct walk *w)
{
	struct value_map_builder b;

	value_map_begin(&b, w->arena);
	w->at++;
	while (next_member(w)) {
		struct value key = build_text(w);

		if (key.kind != VALUE_TEXT) /* the arena is spent: what follows does not count */
			key = value_text(TEXT(""));
		skip_colon(w);
		value_map_add(&b, key, build(w));
	}
	return value_map_end(&b);
}

static struct value build(struct walk *w)
{
	switch (*w->at) {
	case '{':
		return build_map(w);
	case '[':
		return build_list(w);
	case '"':
		return build_text(w);
	case 't':
	case 'f':
		return value_bool(skip_value(w).n == 4);
	case 'n':
		skip_value(w);
		return value_null();
	default:
		return build_number(w);
	}
}

struct value walk_build(struct arena *arena, struct text json)
{
	struct walk w = { .at = json.s, .end = json.s + json.n, .arena = arena };

	assert(arena != NULL && json.n > 0);
	skip_space(&w);
	return build(&w);
}
