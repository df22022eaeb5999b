/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as JSON. The parser, the walker and the scanner agree on what is
 * acceptable; what was written parses to an equal value, in each of the three
 * forms; the members that the walker shows are those of the tree. */
#include "engine/base/buf.h"
#include "engine/value/parse.h"
#include "tests/fuzz/fuzz.h"

struct walk {
	struct json_parser *parser;
	struct arena *arena;
	struct value of;
	uint32_t n;
};

static struct json_parser *shared_parser(void)
{
	static struct json_parser *parser;

	if (parser == NULL)
		parser = json_parser_new();
	return parser;
}

static bool visit(void *of, struct text key, struct text bytes)
{
	struct walk *w = of;
	struct json_error error;
	struct value member;
	const struct value *wanted;

	FUZZ_CHECK(w->n < w->of.n, "more members than the tree has\n");
	wanted = w->of.kind == VALUE_LIST ? &w->of.items[w->n] : value_get(w->of, key);
	w->n++;
	FUZZ_CHECK(wanted != NULL, "a key the tree hasn't: %.*s\n", TEXT_ARG(key));
	FUZZ_CHECK(json_parse(w->parser, w->arena, bytes, &member, &error) == FATE_OK, "%s: %.*s\n",
		   error.what, TEXT_ARG(bytes));
	FUZZ_CHECK(value_equal(member, *wanted), "another member: %.*s\n", TEXT_ARG(bytes));
	return true;
}

/* A parser of its own for the members: the walk still uses the other. */
static void check_walk(struct arena *arena, struct text text, bool good, struct value v)
{
	static struct json_parser *members;
	struct walk w = { .arena = arena, .of = v };
	struct json_error error;
	enum fate fate;

	if (members == NULL)
		members = json_parser_new();
	w.parser = members;
	if (!good || (v.kind != VALUE_LIST && v.kind != VALUE_MAP)) {
		w.of.n = UINT32_MAX;
		w.of.kind = VALUE_NULL;
	}
	fate = json_each(shared_parser(), text, TEXT(""), visit, &w, &error);
	FUZZ_CHECK((fate == FATE_OK) == (w.of.kind != VALUE_NULL), "json_each: %d %s\n", (int)fate,
		   error.what);
	FUZZ_CHECK(fate != FATE_OK || w.n == v.n, "%u members of %u\n", w.n, v.n);
}

static void check_written(struct arena *arena, struct value v,
			  void (*write)(struct buf *out, struct value v))
{
	AUTO_FINI(buf_fini) struct buf out;
	struct json_error error;
	struct value again;

	buf_init(&out, FUZZ_ARENA);
	write(&out, v);
	FUZZ_CHECK(json_parse(shared_parser(), arena, buf_view(&out), &again, &error) == FATE_OK,
		   "%s: %s\n", error.what, buf_cstr(&out));
	FUZZ_CHECK(value_equal(v, again), "another value: %s\n", buf_cstr(&out));
	FUZZ_CHECK(value_hash(v) == value_hash(again), "another hash: %s\n", buf_cstr(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	AUTO(arena_free) struct arena *arena = arena_new("json", FUZZ_ARENA);
	struct text text = fuzz_text(bytes, n);
	struct json_error scanned, parsed;
	bool good = json_check(text, &scanned) == FATE_OK;
	struct value v;
	enum fate fate = json_parse(shared_parser(), arena, text, &v, &parsed);

	FUZZ_CHECK(fate == (good ? FATE_OK : FATE_REJECT), "json_check %d, json_parse %d: %s\n",
		   good, (int)fate, good ? parsed.what : scanned.what);
	check_walk(arena, text, good, v);
	if (!good) {
		FUZZ_CHECK(scanned.what[0] != '\0' && scanned.offset <= n && scanned.line > 0 &&
			       scanned.column > 0,
			   "%s at %zu, %d:%d\n", scanned.what, scanned.offset, scanned.line,
			   scanned.column);
		return 0;
	}
	check_written(arena, v, value_write);
	check_written(arena, v, value_write_pretty);
	check_written(arena, v, value_write_canonical);
	return 0;
}
