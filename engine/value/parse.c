/* SPDX-License-Identifier: Apache-2.0
 *
 * json_parse and json_each: simdjson's tape becomes a tree or a promise.
 *
 * The tape says that a text is JSON, but neither refuses duplicate keys nor
 * knows our depth; both are checked on it here. Whatever is wrong, scan.c finds
 * where; and a text of which only a number is too long for simdjson is built by
 * walk.c.
 * I1  json_parse and json_each accept what scan_text accepts.
 * I2  Texts of a tree are packed into shared blocks of its arena: keys are
 *     short, and alignment would double them.
 * Ownership: the parser owns the tape and the scratch memory. */
#include "engine/value/parse.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/value/inside.h"
#include "engine/value/tape.h"

#define PACK_BLOCK 4096u
#define PACK_LARGE 512u /* longer texts get an allocation of their own */
#define FEW_KEYS   8u

struct json_parser {
	struct tape_reader *reader;
	struct buf scratch; /* decoded keys of json_each */
	struct text *keys;  /* of the map that is checked for duplicates */
	uint32_t *slots;    /* 1 + position in keys, 0 when free */
	size_t room;        /* of both; a power of two */
};

struct json_parser *json_parser_new(void)
{
	struct json_parser *parser = mem_zero(1, sizeof(*parser));

	if (parser == NULL)
		return NULL;
	buf_init(&parser->scratch, LIMIT_BODY_MAX);
	parser->reader = tape_reader_new();
	if (parser->reader != NULL)
		return parser;
	json_parser_free(parser);
	return NULL;
}

static void drop_key_room(struct json_parser *parser)
{
	mem_free(parser->keys);
	mem_free(parser->slots);
	parser->keys = NULL;
	parser->slots = NULL;
	parser->room = 0;
}

void json_parser_free(struct json_parser *parser)
{
	if (parser == NULL)
		return;
	tape_reader_free(parser->reader);
	buf_fini(&parser->scratch);
	drop_key_room(parser);
	mem_free(parser);
}

/* ---- reading the tape ---- */

static char word_kind(uint64_t word)
{
	return (char)(word >> 56);
}

static size_t word_payload(uint64_t word)
{
	return (size_t)(word & UINT64_C(0x00ffffffffffffff));
}

/* Where the value behind the one at `at` stands. */
static size_t tape_after(const struct tape *tape, size_t at)
{
	switch (word_kind(tape->words[at])) {
	case '{':
	case '[':
		return (uint32_t)tape->words[at];
	case 'l':
	case 'u':
	case 'd':
		return at + 2;
	default:
		return at + 1;
	}
}

static uint32_t tape_members(const struct tape *tape, size_t at)
{
	bool is_map = word_kind(tape->words[at]) == '{';
	size_t end = (uint32_t)tape->words[at] - 1u;
	uint32_t n = (uint32_t)(tape->words[at] >> 32) & TAPE_MANY;

	if (n < TAPE_MANY)
		return n;
	n = 0;
	for (at++; at < end; n++)
		at = tape_after(tape, at + is_map);
	return n;
}

static struct text tape_text(const struct tape *tape, size_t at)
{
	const uint8_t *s = tape->strings + word_payload(tape->words[at]);
	uint32_t n;

	assert(word_kind(tape->words[at]) == '"');
	memcpy(&n, s, sizeof(n));
	return (struct text){ (const char *)s + sizeof(n), n };
}

/* ---- trees ---- */

struct build {
	const struct tape *tape;
	size_t at;
	struct arena *arena;
	char *block; /* what is left of the block that texts are packed into */
	size_t left;
	size_t text_most; /* all texts together cannot be longer */
	int depth;
	bool offence; /* too deep, or a key twice */
};

static char *pack_room(struct build *b, size_t n)
{
	char *room;

	if (n > PACK_LARGE)
		return arena_alloc(b->arena, n);
	if (n > b->left) {
		b->left = b->text_most < PACK_BLOCK ? b->text_most : PACK_BLOCK;
		assert(n <= b->left);
		b->block = arena_alloc(b->arena, b->left);
		if (b->block == NULL) {
			b->left = 0;
			return NULL;
		}
	}
	room = b->block;
	b->block += n;
	b->left -= n;
	return room;
}

static struct value build_text(struct build *b)
{
	struct text t = tape_text(b->tape, b->at++);
	char *room;

	if (t.n == 0)
		return value_text(TEXT(""));
	room = pack_room(b, t.n);
	if (room == NULL)
		return value_text(TEXT(""));
	memcpy(room, t.s, t.n);
	return value_text((struct text){ room, t.n });
}

static struct value build_number(struct build *b, char kind)
{
	uint64_t bits = b->tape->words[b->at + 1];
	struct value v = value_uint(bits);

	b->at += 2;
	if (kind == 'l') {
		v = value_int((int64_t)bits);
	} else if (kind == 'd') {
		v.kind = VALUE_DOUBLE;
		memcpy(&v.d, &bits, sizeof(bits));
	}
	return v;
}

static struct value build_value(struct build *b);

static struct value build_list(struct build *b)
{
	struct value_list_builder list;
	uint32_t n = tape_members(b->tape, b->at);

	value_list_begin(&list, b->arena);
	value_list_room(&list, n);
	b->at++;
	for (uint32_t i = 0; i < n && list.room == n; i++)
		list.items[list.n++] = build_value(b);
	b->at++;
	return value_list_end(&list);
}

static struct value build_map(struct build *b)
{
	struct value_map_builder map;
	uint32_t n = tape_members(b->tape, b->at);
	struct value out;

	value_map_begin(&map, b->arena);
	value_map_room(&map, n);
	b->at++;
	for (uint32_t i = 0; i < n && map.room == n; i++) {
		map.pairs[i].key = build_text(b);
		map.pairs[i].val = build_value(b);
		map.n = i + 1;
	}
	b->at++;
	if (!value_map_end_unique(&map, &out))
		b->offence = true;
	return out;
}

static struct value build_container(struct build *b, char kind)
{
	size_t after = tape_after(b->tape, b->at);
	struct value out = value_null();

	if (b->depth == LIMIT_JSON_DEPTH) {
		b->offence = true;
	} else if (!b->offence && !arena_failed(b->arena)) {
		b->depth++;
		out = kind == '{' ? build_map(b) : build_list(b);
		b->depth--;
	}
	b->at = after;
	return out;
}

static struct value build_value(struct build *b)
{
	char kind = word_kind(b->tape->words[b->at]);

	switch (kind) {
	case '{':
	case '[':
		return build_container(b, kind);
	case '"':
		return build_text(b);
	case 'l':
	case 'u':
	case 'd':
		return build_number(b, kind);
	case 't':
	case 'f':
		b->at++;
		return value_bool(kind == 't');
	default:
		assert(kind == 'n');
		b->at++;
		return value_null();
	}
}

/* ---- parsing ---- */

static enum fate spent(struct arena *arena, struct text json, struct json_error *error)
{
	char what[sizeof(error->what)];

	snprintf(what, sizeof(what), "the document does not fit into the memory of \"%.60s\"",
		 arena_name(arena));
	scan_error(error, json, 0, what);
	return FATE_REJECT;
}

/* For a text that the scanner has to refuse because the tape showed an offence. */
static enum fate scan_offence(struct text json, struct json_error *error)
{
	enum fate fate = scan_text(json, error);

	if (fate != FATE_OK)
		return fate;
	scan_error(error, json, 0, "simdjson and the scanner disagree");
	return FATE_BUG;
}

static enum fate out_of_memory(struct text json, struct json_error *error)
{
	scan_error(error, json, 0, "out of memory");
	return FATE_RETRY;
}

static enum fate parse_refused(struct arena *arena, struct text json, struct value *out,
			       struct json_error *error)
{
	enum fate fate = scan_text(json, error);

	if (fate != FATE_OK)
		return fate;
	*out = walk_build(arena, json);
	return arena_failed(arena) ? spent(arena, json, error) : FATE_OK;
}

static enum fate parse_tape(const struct tape *tape, struct arena *arena, struct text json,
			    struct value *out, struct json_error *error)
{
	struct build b = { .tape = tape, .at = 1, .arena = arena, .text_most = json.n };

	*out = build_value(&b);
	if (b.offence)
		return scan_offence(json, error);
	return arena_failed(arena) ? spent(arena, json, error) : FATE_OK;
}

static enum tape_result read_tape(struct json_parser *parser, struct text json, struct tape *tape)
{
	if (json.n > UINT32_MAX)
		return TAPE_REFUSED;
	return tape_read(parser->reader, json.s, json.n, tape);
}

enum fate json_parse(struct json_parser *parser, struct arena *arena, struct text json,
		     struct value *out, struct json_error *error)
{
	struct tape tape;
	enum fate fate;

	assert(parser != NULL && arena != NULL && out != NULL && error != NULL);
	assert(json.s != NULL || json.n == 0);
	*out = value_null();
	switch (read_tape(parser, json, &tape)) {
	case TAPE_OK:
		fate = parse_tape(&tape, arena, json, out, error);
		break;
	case TAPE_REFUSED:
		fate = parse_refused(arena, json, out, error);
		break;
	default:
		fate = out_of_memory(json, error);
		break;
	}
	if (fate != FATE_OK)
		*out = value_null();
	if (fate == FATE_RETRY)
		arena_fail(arena);
	tape_release(parser->reader);
	return fate;
}

/* ---- checking without a tree ---- */

static bool grow_key_room(struct json_parser *parser, uint32_t n)
{
	size_t room = parser->room > 0 ? parser->room : 64;

	while (room < (size_t)n * 2)
		room *= 2;
	if (room == parser->room)
		return true;
	drop_key_room(parser);
	parser->keys = mem_alloc(room * sizeof(*parser->keys));
	parser->slots = mem_alloc(room * sizeof(*parser->slots));
	if (parser->keys == NULL || parser->slots == NULL) {
		drop_key_room(parser);
		return false;
	}
	parser->room = room;
	return true;
}

static bool few_unique(const struct text *keys, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (text_eq(keys[i], keys[k]))
				return false;
		}
	}
	return true;
}

/* Seeded by an address of this process, so collisions cannot be prepared. */
static bool many_unique(struct json_parser *parser, uint32_t n)
{
	uint64_t seed = (uint64_t)(uintptr_t)parser->keys;
	size_t slots = 4 * FEW_KEYS;

	while (slots < (size_t)n * 2)
		slots *= 2;
	assert(slots <= parser->room);
	memset(parser->slots, 0, slots * sizeof(*parser->slots));
	for (uint32_t i = 0; i < n; i++) {
		struct text key = parser->keys[i];
		size_t at = (size_t)hash64(key.s, key.n, seed) & (slots - 1);

		for (; parser->slots[at] != 0; at = (at + 1) & (slots - 1)) {
			if (text_eq(parser->keys[parser->slots[at] - 1], key))
				return false;
		}
		parser->slots[at] = i + 1;
	}
	return true;
}

/* FATE_REJECT: a key of the map at `at` stands there twice. */
static enum fate check_keys(struct json_parser *parser, const struct tape *tape, size_t at)
{
	uint32_t n = tape_members(tape, at);
	bool unique;

	if (n < 2)
		return FATE_OK;
	if (!grow_key_room(parser, n))
		return FATE_RETRY;
	at++;
	for (uint32_t i = 0; i < n; i++) {
		parser->keys[i] = tape_text(tape, at);
		at = tape_after(tape, at + 1);
	}
	unique = n <= FEW_KEYS ? few_unique(parser->keys, n) : many_unique(parser, n);
	return unique ? FATE_OK : FATE_REJECT;
}

/* Every map and the depth of the whole tape, in one pass over its words. */
static enum fate check_tape(struct json_parser *parser, const struct tape *tape)
{
	size_t at = 1;
	int depth = 0;
	enum fate fate;

	for (;;) {
		switch (word_kind(tape->words[at])) {
		case '{':
			fate = check_keys(parser, tape, at);
			if (fate != FATE_OK)
				return fate;
			/* fall through */
		case '[':
			if (++depth > LIMIT_JSON_DEPTH)
				return FATE_REJECT;
			at++;
			break;
		case '}':
		case ']':
			depth--;
			at++;
			break;
		case 'r':
			return FATE_OK;
		default:
			at = tape_after(tape, at);
			break;
		}
	}
}

/* FATE_OK: the whole text is acceptable. */
static enum fate check_text(struct json_parser *parser, struct text json, struct json_error *error)
{
	struct tape tape;
	enum fate fate;

	switch (read_tape(parser, json, &tape)) {
	case TAPE_OK:
		fate = check_tape(parser, &tape);
		break;
	case TAPE_REFUSED:
		return scan_text(json, error);
	default:
		fate = FATE_RETRY;
		break;
	}
	if (fate == FATE_RETRY)
		return out_of_memory(json, error);
	return fate == FATE_REJECT ? scan_offence(json, error) : FATE_OK;
}

static enum fate no_container(struct text json, struct text path, struct json_error *error)
{
	char what[sizeof(error->what)];

	if (path.n <= 60)
		snprintf(what, sizeof(what), "no list or map at \"%.*s\"", TEXT_ARG(path));
	else
		snprintf(what, sizeof(what), "no list or map at a path of %zu bytes", path.n);
	scan_error(error, json, 0, what);
	return FATE_REJECT;
}

static enum fate each(struct json_parser *parser, struct text json, struct text path,
		      bool (*visit)(void *of, struct text key, struct text member), void *of,
		      struct json_error *error)
{
	struct text container;
	enum fate fate;

	buf_clear(&parser->scratch);
	fate = walk_find(json, path, &parser->scratch, &container);
	if (fate == FATE_REJECT)
		return no_container(json, path, error);
	if (fate == FATE_OK)
		fate = walk_each(container, &parser->scratch, visit, of);
	return fate == FATE_RETRY ? out_of_memory(json, error) : fate;
}

enum fate json_each(struct json_parser *parser, struct text json, struct text path,
		    bool (*visit)(void *of, struct text key, struct text member), void *of,
		    struct json_error *error)
{
	enum fate fate;

	assert(parser != NULL && visit != NULL && error != NULL);
	assert(json.s != NULL || json.n == 0);
	fate = check_text(parser, json, error);
	tape_release(parser->reader);
	if (parser->room > LIMIT_JSON_KEEP / sizeof(*parser->keys))
		drop_key_room(parser);
	if (fate != FATE_OK)
		return fate;
	return each(parser, json, path, visit, of, error);
}
