/* SPDX-License-Identifier: Apache-2.0
 *
 * message - see message.h for what it promises. */
#include "engine/connectors/message.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

/* An ellipsis, so that a reader sees where, and a word, so that he sees why. */
static const char note[] = "\xe2\x80\xa6 (shortened)";

#define NOTE_CHARACTERS (sizeof(note) - 1 - 2) /* the ellipsis has three bytes */
#define NOTE_BYTES      (sizeof(note) - 1)
#define ENTITY          5 /* bytes of &amp; */

static size_t units_of(uint32_t code, size_t bytes, enum message_unit unit)
{
	if (unit == MESSAGE_BYTES)
		return bytes;
	return code > 0xffff ? 2 : 1;
}

/* Bytes of the longest beginning of t with at most `most` units; whole characters only. */
static size_t beginning(struct text t, size_t most, enum message_unit unit)
{
	size_t at = 0, used = 0;

	while (at < t.n) {
		uint32_t code = 0;
		size_t n = text_char(t, at, &code);

		n = n > 0 ? n : 1;
		used += units_of(code, n, unit);
		if (used > most)
			break;
		at += n;
	}
	return at;
}

size_t message_characters(struct text t)
{
	size_t at = 0, used = 0;

	while (at < t.n) {
		uint32_t code = 0;
		size_t n = text_char(t, at, &code);

		n = n > 0 ? n : 1;
		used += units_of(code, n, MESSAGE_CHARACTERS);
		at += n;
	}
	return used;
}

/* Back to before an entity or a backslash that what follows belongs to. */
static size_t before_escape(struct text t, size_t at)
{
	size_t slashes = 0;

	for (size_t back = 1; back < ENTITY && back <= at; back++) {
		if (t.s[at - back] == ';')
			break;
		if (t.s[at - back] == '&') {
			at -= back;
			break;
		}
	}
	while (slashes < at && t.s[at - 1 - slashes] == '\\')
		slashes++;
	return at - slashes % 2;
}

/* The first n bytes, or a few less, and the note. */
static struct text shortened(struct call *call, struct text t, size_t n)
{
	n = before_escape(t, n);
	assert(n <= LIMIT_REQUEST);
	return text_printf(call->arena, "%.*s%s", (int)n, t.s, note);
}

struct text message_cut(struct call *call, struct text t, size_t most, enum message_unit unit)
{
	size_t spare = unit == MESSAGE_BYTES ? NOTE_BYTES : NOTE_CHARACTERS;

	assert(call != NULL);
	assert(most > spare);
	if (t.n <= most || beginning(t, most, unit) == t.n)
		return t;
	return shortened(call, t, beginning(t, most - spare, unit));
}

struct value message_set(struct call *call, struct value map, const char *name, struct value v)
{
	struct value_map_builder b;
	bool there = false;

	assert(call != NULL && name != NULL);
	value_map_begin(&b, call->arena);
	for (uint32_t i = 0; i < map.n; i++) {
		struct value key = map.pairs[i].key;
		bool it = value_is(key, VALUE_TEXT) && text_is(value_as_text(key), name);

		value_map_add(&b, key, it ? v : map.pairs[i].val);
		there = there || it;
	}
	if (!there)
		value_map_set(&b, name, v);
	return value_map_end(&b);
}

struct value message_cut_member(struct call *call, struct value map, const char *name, size_t most)
{
	struct text t = param_text(map, name);
	struct text cut = t.n > most ? message_cut(call, t, most, MESSAGE_CHARACTERS) : t;

	if (cut.s == t.s)
		return map;
	return message_set(call, map, name, value_text(cut));
}

struct value message_each(struct call *call, struct value list,
			  struct value (*each)(struct call *call, struct value item))
{
	struct value_list_builder b;

	assert(call != NULL && each != NULL);
	if (!value_is(list, VALUE_LIST))
		return list;
	value_list_begin(&b, call->arena);
	for (uint32_t i = 0; i < list.n; i++)
		value_list_add(&b, each(call, list.items[i]));
	return value_list_end(&b);
}

/* Bytes of its JSON, without the quotes; SIZE_MAX when memory is out, or it is no request. */
static size_t json_size(struct call *call, struct text t)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_REQUEST);
	value_write_text(&json, t);
	if (json.starved)
		arena_fail(call->arena);
	return buf_failed(&json) ? SIZE_MAX : json.n - 2;
}

/* The longest beginning of t whose JSON, the note included, has at most `most` bytes. */
static struct text cut_json(struct call *call, struct text t, size_t most)
{
	size_t low = 0, high = t.n;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (json_size(call, text_head(t, middle)) <= most - NOTE_BYTES)
			low = middle;
		else
			high = middle - 1;
	}
	return shortened(call, t, text_head(t, low).n);
}

enum fate message_json(struct call *call, struct request *out, struct text text, size_t most,
		       struct value (*make)(struct call *call, struct value of, struct text text),
		       struct value of)
{
	enum fate fate;
	size_t over, size;

	assert(call != NULL && out != NULL && make != NULL);
	text = message_cut(call, text, most, MESSAGE_BYTES); /* its JSON is no shorter than it */
	fate = request_json(call, out, make(call, of, text));
	if (fate != FATE_OK || out->body.n <= most)
		return fate;
	over = out->body.n - most;
	size = json_size(call, text);
	if (size == SIZE_MAX || size <= over + NOTE_BYTES)
		return call_fail(call, FATE_REJECT,
				 "the message has %zu bytes, and at most %zu are taken",
				 out->body.n, most);
	return request_json(call, out, make(call, of, cut_json(call, text, size - over)));
}

struct text message_line(struct call *call, struct text words)
{
	struct text t;
	char *line;

	assert(call != NULL);
	t = words_cut(text_trim(words));
	line = arena_copy(call->arena, t.s, t.n);
	if (line == NULL)
		return TEXT_NONE;
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	return (struct text){ line, t.n };
}

struct text message_words(struct call *call, const struct reply *reply, const char *path)
{
	struct json_error error;
	const struct value *found;
	struct value doc;

	assert(call != NULL && reply != NULL && path != NULL);
	if (json_parse(call->parser, call->arena, reply->body, &doc, &error) != FATE_OK)
		return TEXT_NONE;
	found = value_path(doc, text_of(path));
	if (found == NULL || !value_is(*found, VALUE_TEXT))
		return TEXT_NONE;
	return message_line(call, value_as_text(*found));
}

struct text message_error(struct call *call, const struct reply *reply)
{
	struct text words = message_words(call, reply, "error.message");

	return words.n > 0 ? words : message_line(call, reply->body);
}
