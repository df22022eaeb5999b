/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record_less - what a recorded test can do without: the fields of objects
 * and replies that the rule doesn't read.
 *
 * The rule's expressions tell which paths they read. Of an object that entity()
 * gives only words tell: a field is kept when the rule's text has its name. Whether
 * that was enough is seen by playing the test, so a guess may be wrong here.
 * I1  A field is left out after redaction: a name is learnt where it stands in a
 *     field that is left out, too. */
#include "engine/commands/test_record.h"

#include <assert.h>

/* Top-level fields that people, and connectors, know an object by. */
static const char *const identity[] = { "id", "key", "title", "name", NULL };

/* ---- Which paths are read. ---- */

struct noting {
	struct recording *r;
	bool failed;
};

static void add(struct noting *noting, const char *root, struct text path)
{
	struct recording *r = noting->r;
	struct text whole =
	    text_printf(r->context->arena, "%s%s%.*s", root, path.n > 0 ? "." : "", TEXT_ARG(path));

	if (!recorded_add(r, &r->reads, whole, value_null()))
		noting->failed = true;
}

static void see_data(void *of, struct text path)
{
	add(of, "data", path);
	add(of, "before", path);
}

static void see_lookup(void *of, struct text path)
{
	add(of, path.n > 0 ? "reply.lookup" : "reply", path);
}

/* "look.result.ok" is "ok" of its reply; its status is no part of that. */
static void see_step(void *of, struct text path)
{
	struct noting *noting = of;
	struct text name, part, rest = text_split(path, '.', &name);

	rest = text_split(rest, '.', &part);
	if (part.n > 0 && !text_is(part, "result"))
		return;
	add(noting, "reply",
	    rest.n > 0 ? text_printf(noting->r->context->arena, "%.*s.%.*s", TEXT_ARG(name),
				     TEXT_ARG(rest))
		       : name);
}

static void see_program(void *of, const struct cel_program *program)
{
	cel_program_paths(program, "data", see_data, of);
	cel_program_paths(program, "before", see_data, of);
	cel_program_paths(program, "object", see_data, of);
	cel_program_paths(program, "lookup", see_lookup, of);
	cel_program_paths(program, "steps", see_step, of);
}

bool test_record_reads(struct recording *r)
{
	struct noting noting = { .r = r };

	assert(r != NULL && r->rule != NULL);
	rule_programs(r->rule, see_program, &noting);
	return !noting.failed && !arena_failed(r->context->arena);
}

/* ---- What is kept. ---- */

enum share { NOTHING, SOME, ALL };

static bool is_at_or_under(struct text path, struct text of)
{
	return text_starts(path, of) && (path.n == of.n || path.s[of.n] == '.');
}

static bool is_letter(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The rule's text has the word. */
static bool is_written(const struct recording *r, struct text word)
{
	struct text rest = r->rule->source;
	size_t at = word.n > 0 ? text_find(rest, word) : SIZE_MAX;

	while (at != SIZE_MAX) {
		bool begins = at == 0 || !is_letter(rest.s[at - 1]);
		bool ends = at + word.n == rest.n || !is_letter(rest.s[at + word.n]);

		if (begins && ends)
			return true;
		rest.s += at + 1;
		rest.n -= at + 1;
		at = text_find(rest, word);
	}
	return false;
}

static bool is_identity(struct text path, struct text key)
{
	bool top = text_starts(path, TEXT("data.")) || text_starts(path, TEXT("before."));

	for (size_t i = 0; identity[i] != NULL; i++)
		if (text_is(key, identity[i]))
			return text_starts(path, TEXT("entity.")) ||
			       (top && text_find(path, TEXT(".")) + 1 + key.n == path.n);
	return false;
}

static enum share share_of(const struct recording *r, struct text path, struct text key)
{
	enum share most = NOTHING;

	if (is_identity(path, key) || redact_is_kept(r->redactor, path) ||
	    (text_starts(path, TEXT("entity.")) && is_written(r, key)))
		return ALL;
	for (size_t i = 0; i < r->reads.count; i++) {
		if (is_at_or_under(path, r->reads.items[i].path))
			return ALL;
		if (is_at_or_under(r->reads.items[i].path, path))
			most = SOME;
	}
	return most;
}

/* What changed within maps is told apart further down. */
static enum share share_changed(enum share share, struct value v, const struct value *other)
{
	if (other == NULL || value_equal(v, *other))
		return share;
	return v.kind == VALUE_MAP && other->kind == VALUE_MAP && share != ALL ? SOME : ALL;
}

static struct value less(struct recording *r, struct text path, struct value v,
			 const struct value *other);

static void less_member(struct recording *r, struct text path, const struct value_pair *pair,
			const struct value *other, struct value_map_builder *b)
{
	static const struct value none = { .kind = VALUE_NULL };
	bool named = pair->key.kind == VALUE_TEXT;
	struct text key = named ? value_as_text(pair->key) : TEXT_NONE;
	struct text at = text_printf(r->context->arena, "%.*s.%.*s", TEXT_ARG(path), TEXT_ARG(key));
	const struct value *was =
	    other == NULL || other->kind != VALUE_MAP ? NULL : value_get(*other, key);
	enum share share = share_of(r, at, key);

	if (other != NULL && other->kind == VALUE_MAP)
		share = share_changed(share, pair->val, was != NULL ? was : &none);
	if (share == NOTHING && named) {
		redact_dropped(r->redactor, at);
		return;
	}
	if (share == SOME && pair->val.kind == VALUE_MAP) {
		value_map_add(b, pair->key, less(r, at, pair->val, was));
		return;
	}
	redact_shown(r->redactor, at);
	value_map_add(b, pair->key, pair->val);
}

static struct value less(struct recording *r, struct text path, struct value v,
			 const struct value *other)
{
	struct value_map_builder b;

	value_map_begin(&b, r->context->arena);
	for (uint32_t i = 0; i < v.n; i++)
		less_member(r, path, &v.pairs[i], other, &b);
	return value_map_end(&b);
}

static bool is_read_whole(const struct recording *r, struct text path)
{
	for (size_t i = 0; i < r->reads.count; i++)
		if (is_at_or_under(path, r->reads.items[i].path))
			return true;
	return redact_is_kept(r->redactor, path);
}

struct value record_less(struct recording *r, struct text path, struct value v,
			 const struct value *other)
{
	assert(r != NULL);
	if (!r->less || v.kind != VALUE_MAP || is_read_whole(r, path))
		return v;
	return less(r, path, v, other);
}

/* ---- Whether it was enough. ---- */

static bool same_sent(const struct sent *a, const struct sent *b)
{
	return a->run == b->run && a->step == b->step && text_eq(a->key, b->key) &&
	       value_equal(a->params, b->params);
}

bool record_plays_same(const struct test_outcome *a, const struct test_outcome *b)
{
	assert(a != NULL && b != NULL);
	if (a->sent_count != b->sent_count || a->ended_count != b->ended_count ||
	    a->note_count != b->note_count || a->waiting_count != b->waiting_count ||
	    !text_eq(a->trouble, b->trouble))
		return false;
	for (size_t i = 0; i < a->sent_count; i++)
		if (!same_sent(&a->sent[i], &b->sent[i]))
			return false;
	for (size_t i = 0; i < a->ended_count; i++)
		if (!text_eq(a->ended[i].state, b->ended[i].state) ||
		    !text_eq(a->ended[i].reason, b->ended[i].reason))
			return false;
	return true;
}
