/* SPDX-License-Identifier: Apache-2.0
 *
 * test_compare - see test_compare.h. The recursion is bounded by YAML's depth. */
#include "engine/commands/test_compare.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/cel/regex.h"
#include "engine/commands/table.h"

#define SHOWN 300 /* bytes of a value in a message */

struct comparing {
	struct arena *arena;
	struct buf *out;
};

static bool compare(struct comparing *c, struct text path, const struct yaml_node *expected,
		    const struct value *sent);

/* ---- Differences. ---- */

static void put_value(struct buf *out, struct value v)
{
	struct buf b;

	buf_init(&b, LIMIT_COMMAND_OUTPUT);
	value_write(&b, v);
	struct text shown = text_head(buf_view(&b), SHOWN);

	plain_put(out, shown);
	if (shown.n < b.n)
		buf_str(out, "...");
	buf_fini(&b);
}

static bool differ(struct comparing *c, struct text path, const struct yaml_node *expected,
		   const struct value *sent)
{
	buf_printf(c->out, "%s:%d:%d: ", expected->at.file, expected->at.line, expected->at.column);
	plain_put(c->out, path.n > 0 ? path : TEXT("parameters"));
	buf_str(c->out, ": expected ");
	put_value(c->out, yaml_value(c->arena, expected));
	buf_str(c->out, ", sent ");
	if (sent != NULL)
		put_value(c->out, *sent);
	else
		buf_str(c->out, "nothing");
	buf_char(c->out, '\n');
	return false;
}

/* ---- {contains: X}, {matches: RE} ---- */

static bool is_operator(const struct yaml_node *node, const char *word)
{
	return node->kind == YAML_MAP && node->count == 1 &&
	       text_is(node->pairs[0].key->text, word);
}

/* A part of a text, or an item of a list. */
static bool contains(struct comparing *c, const struct yaml_node *part, struct value sent)
{
	struct buf ignored;
	struct comparing silent = { c->arena, &ignored };
	bool found = false;

	if (sent.kind == VALUE_TEXT)
		return part->kind != YAML_MAP && part->kind != YAML_LIST &&
		       text_find(value_as_text(sent), part->text) != SIZE_MAX;
	if (sent.kind != VALUE_LIST)
		return false;
	buf_init(&ignored, 0);
	for (uint32_t i = 0; i < sent.n && !found; i++)
		found = compare(&silent, TEXT_NONE, part, &sent.items[i]);
	buf_fini(&ignored);
	return found;
}

static bool matches(struct comparing *c, const struct yaml_node *pattern, struct value sent)
{
	char why[160] = "it must be a text";
	struct regex *regex = NULL;
	bool found;

	if (pattern->kind == YAML_TEXT)
		regex = regex_new(pattern->text, why, sizeof(why));
	if (regex == NULL) {
		buf_printf(c->out, "%s:%d:%d: the pattern is malformed: %s\n", pattern->at.file,
			   pattern->at.line, pattern->at.column, why);
		return false;
	}
	found = sent.kind == VALUE_TEXT && regex_search(regex, value_as_text(sent));
	regex_free(regex);
	return found;
}

/* ---- Containers. ---- */

static bool compare_map(struct comparing *c, struct text path, const struct yaml_node *expected,
			struct value sent)
{
	bool same = true;

	for (size_t i = 0; i < expected->count; i++) {
		struct text key = expected->pairs[i].key->text;
		struct text inner =
		    path.n > 0 ? text_printf(c->arena, "%.*s.%.*s", TEXT_ARG(path), TEXT_ARG(key))
			       : key;

		if (!compare(c, inner, expected->pairs[i].val, value_get(sent, key)))
			same = false;
	}
	return same;
}

static bool compare_list(struct comparing *c, struct text path, const struct yaml_node *expected,
			 const struct value *sent)
{
	bool same = true;

	if (sent->n != expected->count)
		return differ(c, path, expected, sent);
	for (uint32_t i = 0; i < sent->n; i++) {
		struct text inner = text_printf(c->arena, "%.*s[%u]", TEXT_ARG(path), i);

		if (!compare(c, inner, expected->items[i], &sent->items[i]))
			same = false;
	}
	return same;
}

static bool compare(struct comparing *c, struct text path, const struct yaml_node *expected,
		    const struct value *sent)
{
	if (sent == NULL)
		return expected->kind == YAML_NULL || differ(c, path, expected, NULL);
	if (expected->kind == YAML_MAP && sent->kind == VALUE_MAP)
		return compare_map(c, path, expected, *sent);
	if (expected->kind == YAML_LIST && sent->kind == VALUE_LIST)
		return compare_list(c, path, expected, sent);
	if (is_operator(expected, "contains"))
		return contains(c, expected->pairs[0].val, *sent) ||
		       differ(c, path, expected, sent);
	if (is_operator(expected, "matches"))
		return matches(c, expected->pairs[0].val, *sent) || differ(c, path, expected, sent);
	return value_equal(yaml_value(c->arena, expected), *sent) ||
	       differ(c, path, expected, sent);
}

bool test_compare(struct arena *arena, const struct yaml_node *expected, struct value sent,
		  struct buf *out)
{
	struct comparing c = { arena, out };

	assert(arena != NULL && expected != NULL && out != NULL);
	return compare(&c, TEXT_NONE, expected, &sent);
}
