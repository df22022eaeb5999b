/* SPDX-License-Identifier: Apache-2.0
 *
 * templates - parameter trees whose texts may hold ${…}, read from YAML.
 *
 * A subtree without ${…} is one ready value. $${ is a literal ${. An expression
 * ends at the brace that closes it: braces and quotes inside are respected. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

/* ---- Finding ${…}. ---- */

/* Offset of the next ${ that is no $${, or SIZE_MAX. */
static size_t next_open(struct text t, size_t from)
{
	for (size_t i = from; i + 1 < t.n; i++) {
		if (t.s[i] != '$')
			continue;
		if (t.s[i + 1] == '$' && i + 2 < t.n && t.s[i + 2] == '{')
			i += 2;
		else if (t.s[i + 1] == '{')
			return i;
	}
	return SIZE_MAX;
}

bool template_is_dynamic(struct text t)
{
	return next_open(t, 0) != SIZE_MAX;
}

static bool has_literal_dollar(struct text t)
{
	return text_find(t, TEXT("$${")) != SIZE_MAX;
}

static size_t skip_quoted(struct text t, size_t at)
{
	char quote = t.s[at];
	size_t i = at + 1;

	while (i < t.n && t.s[i] != quote)
		i += t.s[i] == '\\' ? 2 : 1;
	return i;
}

size_t template_close(struct text t, size_t from)
{
	size_t depth = 0;

	assert(from <= t.n);
	for (size_t i = from; i < t.n; i++) {
		char c = t.s[i];

		if (c == '"' || c == '\'') {
			i = skip_quoted(t, i);
		} else if (c == '{') {
			depth++;
		} else if (c == '}') {
			if (depth == 0)
				return i;
			depth--;
		}
	}
	return SIZE_MAX;
}

bool template_whole(struct text t, struct text *expression)
{
	size_t close;

	assert(expression != NULL);
	if (!text_starts(t, TEXT("${")))
		return false;
	close = template_close(t, 2);
	if (close == SIZE_MAX || close + 1 != t.n)
		return false;
	*expression = (struct text){ t.s + 2, close - 2 };
	return true;
}

/* ---- Texts. ---- */

/* A text being cut into parts. */
struct cutting {
	struct loading *l;
	const struct yaml_node *node;
	enum param_slot slot;
	struct template_part *parts;
	size_t count, room;
	bool json;      /* SLOT_BODY and it looks like JSON */
	bool in_string; /* of that JSON, after the literals so far */
};

struct text template_unescaped(struct arena *arena, struct text t)
{
	char *s = arena_alloc(arena, t.n + 1);
	size_t n = 0;

	if (s == NULL)
		return TEXT_NONE;
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '$' && i + 2 < t.n && t.s[i + 1] == '$' && t.s[i + 2] == '{')
			i++;
		s[n++] = t.s[i];
	}
	s[n] = '\0';
	return (struct text){ s, n };
}

static void follow_json(struct cutting *c, struct text literal)
{
	for (size_t i = 0; i < literal.n; i++) {
		if (literal.s[i] == '\\' && c->in_string)
			i++;
		else if (literal.s[i] == '"')
			c->in_string = !c->in_string;
	}
}

static void add_part(struct cutting *c, struct template_part part)
{
	if (c->count == c->room) {
		size_t room = c->room == 0 ? 4 : c->room * 2;
		struct template_part *grown = arena_array(c->l->scratch, room, sizeof(*grown));

		if (grown == NULL)
			return;
		if (c->count > 0)
			memcpy(grown, c->parts, c->count * sizeof(*grown));
		c->parts = grown;
		c->room = room;
	}
	c->parts[c->count++] = part;
}

static void add_literal(struct cutting *c, struct text t)
{
	struct text literal = template_unescaped(c->l->r.arena, t);

	if (t.n == 0)
		return;
	if (c->json)
		follow_json(c, literal);
	add_part(c, (struct template_part){ .literal = literal });
}

static bool add_expression(struct cutting *c, size_t from, size_t to)
{
	struct text t = { c->node->text.s + from, to - from };
	struct place at = yaml_inside(c->node, from);
	const struct cel_program *program;

	if (text_trim(t).n == 0) {
		diags_add(c->l->r.diags, DIAG_ERROR, at, "write an expression: ${data.title}",
			  "${} is empty");
		return false;
	}
	program = load_expression(c->l, c->node, t, from);
	if (program == NULL)
		return false;
	at.file = c->l->r.file;
	add_part(c, (struct template_part){ .program = program,
					    .at = at,
					    .raw = cel_program_is_call(program, "raw"),
					    .in_string = c->in_string });
	return true;
}

static bool cut(struct cutting *c)
{
	struct text t = c->node->text;
	size_t at = 0, open;
	bool fine = true;

	c->json = c->slot == SLOT_BODY && t.n > 0 && (t.s[0] == '{' || t.s[0] == '[');
	while ((open = next_open(t, at)) != SIZE_MAX) {
		size_t close = template_close(t, open + 2);

		add_literal(c, (struct text){ t.s + at, open - at });
		if (close == SIZE_MAX) {
			diags_add(c->l->r.diags, DIAG_ERROR, yaml_inside(c->node, open),
				  "add the closing brace; $${ is a literal ${",
				  "this ${ is not closed");
			return false;
		}
		fine = add_expression(c, open + 2, close) && fine;
		at = close + 1;
	}
	add_literal(c, (struct text){ t.s + at, t.n - at });
	return fine;
}

static void warn_encoded_url(const struct cutting *c)
{
	if (c->slot == SLOT_URL && c->count > 0 && c->parts[0].program != NULL && !c->parts[0].raw)
		diags_add(c->l->r.diags, DIAG_WARNING, yaml_inside(c->node, 0),
			  "write ${raw(...)} if the value is a whole URL",
			  "the value at the start of this URL is percent-encoded");
}

static const struct template *dynamic_text(struct loading *l, const struct yaml_node *node,
					   enum param_slot slot)
{
	struct cutting c = { .l = l, .node = node, .slot = slot };
	struct template *t = arena_zero(l->r.arena, sizeof(*t));
	struct text whole;

	if (t == NULL || !cut(&c))
		return NULL;
	warn_encoded_url(&c);
	t->kind = template_whole(node->text, &whole) ? TEMPLATE_WHOLE : TEMPLATE_TEXT;
	t->slot = slot;
	t->count = c.count;
	t->parts = arena_copy(l->r.arena, c.parts, c.count * sizeof(*c.parts));
	/* For SLOT_BODY: whether values outside of strings are JSON. */
	t->value = value_bool(c.json);
	return t->parts != NULL ? t : NULL;
}

/* ---- Trees. ---- */

const struct template *template_constant(struct loading *l, struct value v)
{
	struct template *t;

	assert(l != NULL);
	t = arena_zero(l->r.arena, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->kind = TEMPLATE_VALUE;
	t->value = v;
	return t;
}

/* A tree whose members are all constant is a constant itself. */
static const struct template *folded(struct loading *l, struct template *t)
{
	bool map = t->kind == TEMPLATE_MAP;
	struct value_list_builder list;
	struct value_map_builder b;

	for (size_t i = 0; i < t->count; i++)
		if (t->items[i]->kind != TEMPLATE_VALUE)
			return t;
	if (map) {
		value_map_begin(&b, l->r.arena);
		for (size_t i = 0; i < t->count; i++)
			value_map_add(&b, value_text(t->keys[i]), t->items[i]->value);
		return template_constant(l, value_map_end(&b));
	}
	value_list_begin(&list, l->r.arena);
	for (size_t i = 0; i < t->count; i++)
		value_list_add(&list, t->items[i]->value);
	return template_constant(l, value_list_end(&list));
}

static const struct param *row_named(const struct param *table, struct text name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (text_is(name, table->name))
			return table;
	return NULL;
}

static struct template *branch(struct loading *l, enum template_kind kind, size_t count,
			       const struct template ***items)
{
	struct template *t = arena_zero(l->r.arena, sizeof(*t));

	*items = arena_array(l->r.arena, count, sizeof(struct template *));
	if (t == NULL || *items == NULL)
		return NULL;
	t->kind = kind;
	t->items = *items;
	return t;
}

const struct template *load_template_map(struct loading *l, const struct yaml_node *node,
					 const struct param *table, enum param_slot slot)
{
	const struct template **items;
	struct template *t = branch(l, TEMPLATE_MAP, node->count, &items);
	struct text *keys = arena_array(l->r.arena, node->count, sizeof(*keys));

	assert(node->kind == YAML_MAP);
	if (t == NULL || keys == NULL)
		return NULL;
	if (table != NULL)
		load_check_members(l, node, table);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = node->pairs[i].key;
		const struct param *row = row_named(table, key->text);

		if (template_is_dynamic(key->text))
			reader_error(&l->r, key, "", "a name can't hold ${...}");
		items[t->count] =
		    load_template(l, node->pairs[i].val, row, row != NULL ? row->slot : slot);
		keys[t->count] = text_dup(l->r.arena, key->text);
		t->count += items[t->count] != NULL;
	}
	t->keys = keys;
	return folded(l, t);
}

static const struct template *list_template(struct loading *l, const struct yaml_node *node,
					    const struct param *row, enum param_slot slot)
{
	const struct template **items;
	struct template *t = branch(l, TEMPLATE_LIST, node->count, &items);
	const struct param *table = row != NULL ? row->members : NULL;

	if (t == NULL)
		return NULL;
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *item = node->items[i];

		items[t->count] = item->kind == YAML_MAP ? load_template_map(l, item, table, slot)
							 : load_template(l, item, NULL, slot);
		t->count += items[t->count] != NULL;
	}
	return folded(l, t);
}

/* What other tools write for ${…}. */
static void warn_braces(struct loading *l, const struct yaml_node *node)
{
	size_t open = text_find(node->text, TEXT("{{"));
	struct text rest;

	if (open == SIZE_MAX)
		return;
	rest = (struct text){ node->text.s + open, node->text.n - open };
	if (text_find(rest, TEXT("}}")) != SIZE_MAX)
		diags_add(l->r.diags, DIAG_WARNING, yaml_inside(node, open),
			  "an expression is written ${data.title}", "{{...}} is sent as it is");
}

const struct template *load_template(struct loading *l, const struct yaml_node *node,
				     const struct param *row, enum param_slot slot)
{
	struct value literal;

	assert(l != NULL && node != NULL);
	if (row != NULL && secret_is_taken(node, row))
		return load_secret(l, node, row);
	if (node->kind == YAML_TEXT && template_is_dynamic(node->text)) {
		struct text whole;

		if (!template_whole(node->text, &whole) && row != NULL &&
		    !load_literal(l, node, row, &literal))
			return NULL;
		return dynamic_text(l, node, slot);
	}
	if (row != NULL && !load_literal(l, node, row, &literal))
		return NULL;
	if (node->kind == YAML_TEXT)
		warn_braces(l, node);
	if (node->kind == YAML_MAP)
		return load_template_map(l, node, row != NULL ? row->members : NULL, slot);
	if (node->kind == YAML_LIST)
		return list_template(l, node, row, slot);
	if (node->kind == YAML_TEXT && has_literal_dollar(node->text))
		return template_constant(l, value_text(template_unescaped(l->r.arena, node->text)));
	return template_constant(l, row != NULL ? literal : yaml_value(l->r.arena, node));
}

void template_programs(const struct template *t,
		       void (*visit)(void *of, const struct cel_program *program), void *of)
{
	assert(t != NULL);
	for (size_t i = 0; i < t->count; i++) {
		if (t->kind == TEMPLATE_LIST || t->kind == TEMPLATE_MAP)
			template_programs(t->items[i], visit, of);
		else if (t->parts[i].program != NULL)
			visit(of, t->parts[i].program);
	}
}

/* ---- Whose host it is. ---- */

/* "https://host/..." with the host complete: something must end it, or the text does. */
static bool names_host(struct text t, bool whole)
{
	size_t at = text_find(t, TEXT("://"));

	if (at == SIZE_MAX)
		return false;
	at += 3;
	for (size_t i = at; i < t.n; i++)
		if (memchr("/?#", t.s[i], 3) != NULL)
			return i > at;
	return whole && t.n > at;
}

bool template_names_host(const struct template *params)
{
	const struct template *url = NULL;

	if (params == NULL || params->kind == TEMPLATE_VALUE) {
		const struct value *v =
		    params != NULL ? value_get(params->value, TEXT("url")) : NULL;

		return v != NULL && value_is(*v, VALUE_TEXT) && names_host(value_as_text(*v), true);
	}
	for (size_t i = 0; params->kind == TEMPLATE_MAP && i < params->count; i++)
		if (text_is(params->keys[i], "url"))
			url = params->items[i];
	if (url == NULL)
		return false;
	if (url->kind == TEMPLATE_VALUE)
		return value_is(url->value, VALUE_TEXT) &&
		       names_host(value_as_text(url->value), true);
	return url->kind == TEMPLATE_TEXT && url->count > 0 && url->parts[0].program == NULL &&
	       names_host(url->parts[0].literal, false);
}
