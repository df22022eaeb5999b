/* SPDX-License-Identifier: Apache-2.0
 *
 * match - structured conditions become one CEL expression.
 *
 * Each entry of `match` is sugar: data.stage: project is
 * default(data.stage, null) == "project". All are joined with && and compiled
 * once, so there is one evaluator and one explanation; an error in the text made
 * is reported at the entry it came from.
 * A missing path (or null) doesn't match, whatever the operator, except
 * exists: false and a plain null. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/rules/words.h"

/* The text being made, and where each piece came from. */
struct piece {
	size_t from;
	const struct yaml_node *node;
};

struct matching {
	struct loading *l;
	struct buf out;
	struct piece *pieces;
	size_t count, room;
	bool failed;

	/* The path under way. */
	struct text path;          /* as CEL */
	struct text exists;        /* CEL: the path is there */
	const struct field *field; /* NULL: unknown */
	enum cel_type type;        /* as declared, CEL_DYN: unknown */
	bool ordered;              /* the operand is compared with < and the like */
};

static void begin(struct matching *m, const struct yaml_node *node)
{
	if (m->count == m->room) {
		size_t room = m->room == 0 ? 8 : m->room * 2;
		struct piece *grown = arena_array(m->l->scratch, room, sizeof(*grown));

		if (grown == NULL) {
			m->failed = true;
			return;
		}
		if (m->count > 0)
			memcpy(grown, m->pieces, m->count * sizeof(*grown));
		m->pieces = grown;
		m->room = room;
	}
	m->pieces[m->count++] = (struct piece){ m->out.n, node };
	if (m->out.n > 0)
		buf_str(&m->out, " && ");
}

static void refuse(struct matching *m, const struct yaml_node *node, const char *hint,
		   const char *what)
{
	m->failed = true;
	reader_error(&m->l->r, node, hint, "%s", what);
}

/* ---- Values as CEL literals. ---- */

static void put_literal(struct matching *m, const struct yaml_node *node);

static void put_text(struct matching *m, const struct yaml_node *node)
{
	struct text inside;
	int64_t seconds;
	int32_t nanos;

	if (template_whole(node->text, &inside)) {
		buf_printf(&m->out, "(%.*s)", TEXT_ARG(inside));
		return;
	}
	if (template_is_dynamic(node->text)) {
		refuse(m, node, "use one ${...} for the whole value, or a condition in `when`",
		       "${...} inside a longer text doesn't work in match");
		return;
	}
	inside = template_unescaped(m->l->scratch, node->text);
	if (m->field != NULL &&
	    (m->field->type == FIELD_TIMESTAMP || m->field->type == FIELD_TIMESTAMP_UNIX) &&
	    timetext_parse(node->text, &seconds, &nanos)) {
		buf_str(&m->out, "timestamp(");
		value_write_text(&m->out, node->text);
		buf_char(&m->out, ')');
		return;
	}
	value_write_text(&m->out, inside);
}

static void put_collection(struct matching *m, const struct yaml_node *node)
{
	bool map = node->kind == YAML_MAP;

	buf_char(&m->out, map ? '{' : '[');
	for (size_t i = 0; i < node->count; i++) {
		if (i > 0)
			buf_str(&m->out, ", ");
		if (map) {
			value_write_text(&m->out, node->pairs[i].key->text);
			buf_str(&m->out, ": ");
		}
		put_literal(m, map ? node->pairs[i].val : node->items[i]);
	}
	buf_char(&m->out, map ? '}' : ']');
}

static void put_literal(struct matching *m, const struct yaml_node *node)
{
	if (node->kind == YAML_TEXT) {
		put_text(m, node);
	} else if (node->kind == YAML_LIST || node->kind == YAML_MAP) {
		put_collection(m, node);
	} else {
		value_write(&m->out, node->scalar);
		if (node->scalar.kind == VALUE_UINT)
			buf_char(&m->out, 'u');
	}
}

/* ---- Paths. ---- */

static bool is_identifier(struct text t)
{
	static const char *const words[] = { "in", "true", "false", "null", NULL };

	for (size_t i = 0; words[i] != NULL; i++)
		if (text_is(t, words[i]))
			return false;
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] == '_' || ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z');

		if (!letter && (i == 0 || t.s[i] < '0' || t.s[i] > '9'))
			return false;
	}
	return t.n > 0;
}

static bool is_index(struct text t)
{
	int64_t n;

	return t.n > 0 && t.n < 10 && t.s[0] != '-' && t.s[0] != '+' && text_to_int(t, &n);
}

/* One more segment: *path grows, *exists says when it is there. */
static void add_segment(struct matching *m, struct text segment)
{
	struct arena *a = m->l->scratch;
	struct text parent = m->path;

	if (is_identifier(segment)) {
		m->path = text_printf(a, "%.*s.%.*s", TEXT_ARG(parent), TEXT_ARG(segment));
		m->exists = text_printf(a, "default(has(%.*s), false)", TEXT_ARG(m->path));
	} else if (is_index(segment)) {
		m->path = text_printf(a, "%.*s[%.*s]", TEXT_ARG(parent), TEXT_ARG(segment));
		m->exists = text_printf(a, "default(size(%.*s) > %.*s, false)", TEXT_ARG(parent),
					TEXT_ARG(segment));
	} else {
		AUTO_FINI(buf_fini) struct buf b;

		buf_init(&b, KIB);
		value_write_text(&b, segment);
		m->path = text_printf(a, "%.*s[%s]", TEXT_ARG(parent), buf_cstr(&b));
		m->exists =
		    text_printf(a, "default(%s in %.*s, false)", buf_cstr(&b), TEXT_ARG(parent));
	}
}

/* data.status.key, before.x, event.type, vars.x. False after reporting. */
static bool enter_path(struct matching *m, const struct yaml_node *key)
{
	static const char *const roots[] = { "data", "before", "object", "event", "vars", NULL };
	struct text rest, segment, root;
	bool known = false;

	rest = text_split(key->text, '.', &root);
	for (size_t i = 0; roots[i] != NULL; i++)
		known = known || text_is(root, roots[i]);
	if (!known || rest.n == 0) {
		refuse(m, key,
		       "write data.FIELD, before.FIELD, event.FIELD or vars.NAME; or changed, "
		       "became, rose_past, fell_below",
		       "this is no path to match");
		return false;
	}
	m->path = root;
	m->exists = TEXT("true");
	m->field = NULL;
	m->type = load_field_type(m->l, root, rest);
	if (!text_is(root, "event") && !text_is(root, "vars"))
		m->field = load_field(m->l, rest);
	while (rest.s != NULL) {
		rest = text_split(rest, '.', &segment);
		if (segment.n == 0 || segment.n > 200) {
			refuse(m, key, "", "a part of this path is empty");
			return false;
		}
		add_segment(m, segment);
	}
	return m->path.s != NULL && m->exists.s != NULL;
}

/* ---- Types of operands. ---- */

static const char *quoted_hint(struct matching *m, const struct yaml_node *node)
{
	struct text hint = text_printf(m->l->r.arena, "quote it: \"%.*s\"", TEXT_ARG(node->text));

	return hint.s != NULL ? hint.s : "";
}

/* What a field is, when a literal of this kind can never equal or be compared with it; else
 * NULL. */
static const char *misfit(const struct field *field, const struct yaml_node *node)
{
	bool number = node->kind == YAML_INT || node->kind == YAML_FLOAT;
	int64_t seconds;
	int32_t nanos;

	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_DATE:
		return node->kind != YAML_TEXT ? "a text" : NULL;
	case FIELD_BOOL:
		return node->kind != YAML_BOOL ? "true or false" : NULL;
	case FIELD_INT:
	case FIELD_DOUBLE:
		return !number ? "a number" : NULL;
	case FIELD_TIMESTAMP:
	case FIELD_TIMESTAMP_UNIX:
		return node->kind != YAML_TEXT || !timetext_parse(node->text, &seconds, &nanos)
			   ? "a time"
			   : NULL;
	case FIELD_LIST:
	case FIELD_MAP:
	case FIELD_ANY:
		break;
	}
	return NULL;
}

static void check_scalar(struct matching *m, const struct yaml_node *node)
{
	const char *is, *hint = "";
	struct value plain;

	if (node->kind == YAML_NULL || node->kind == YAML_MAP || node->kind == YAML_LIST ||
	    (node->kind == YAML_TEXT && template_is_dynamic(node->text)))
		return;
	is = misfit(m->field, node);
	if (is == NULL)
		return;
	if (m->field->type == FIELD_TEXT && m->ordered)
		hint = "texts are ordered letter by letter: write num(...) > n in `when`, or "
		       "take a field that is a number";
	else if (m->field->type == FIELD_TEXT || m->field->type == FIELD_DATE)
		hint = quoted_hint(m, node);
	else if (strcmp(is, "a time") == 0)
		hint = "like \"2026-01-31T09:00:00Z\", or an expression: \"${ctx.now}\"";
	else if (node->quoted && yaml_resolve(m->l->scratch, node->text, &plain) != YAML_TEXT)
		hint = "write it without quotes";
	else if (strcmp(is, "a number") == 0)
		hint = "compare it with a number, like 100";
	m->failed = true;
	reader_error(&m->l->r, node, hint, "%s is %s, so this never fits", m->field->name, is);
}

/* A literal that a known field is compared with. */
static void check_operand(struct matching *m, const struct yaml_node *node)
{
	if (m->field == NULL || !m->l->kinds_known)
		return;
	if (node->kind != YAML_LIST) {
		check_scalar(m, node);
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		check_scalar(m, node->items[i]);
}

/* ---- Operators. ---- */

static bool holds_null(const struct yaml_node *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->kind == YAML_NULL)
			return true;
	return false;
}

static void present(struct matching *m)
{
	buf_printf(&m->out, "default(%.*s, null) != null && %.*s", TEXT_ARG(m->path),
		   TEXT_ARG(m->path));
}

static void op_eq(struct matching *m, const struct yaml_node *val, const char *word)
{
	(void)word;
	check_operand(m, val);
	if (val->kind == YAML_NULL)
		buf_printf(&m->out, "%.*s && %.*s == null", TEXT_ARG(m->exists), TEXT_ARG(m->path));
	else
		buf_printf(&m->out, "default(%.*s, null) == ", TEXT_ARG(m->path));
	if (val->kind != YAML_NULL)
		put_literal(m, val);
}

static void op_ne(struct matching *m, const struct yaml_node *val, const char *word)
{
	(void)word;
	check_operand(m, val);
	buf_printf(&m->out, "%.*s && %.*s != ", TEXT_ARG(m->exists), TEXT_ARG(m->path));
	put_literal(m, val);
}

static void op_in(struct matching *m, const struct yaml_node *val, const char *word)
{
	(void)word;
	if (val->kind != YAML_LIST) {
		refuse(m, val, "in: [a, b]", "`in` takes a list");
		return;
	}
	check_operand(m, val);
	if (holds_null(val))
		buf_printf(&m->out, "%.*s && %.*s in ", TEXT_ARG(m->exists), TEXT_ARG(m->path));
	else
		buf_printf(&m->out, "default(%.*s, null) in ", TEXT_ARG(m->path));
	put_literal(m, val);
}

static void op_compare(struct matching *m, const struct yaml_node *val, const char *word)
{
	const char *sign =
	    word[0] == 'g' ? (word[1] == 'e' ? " >= " : " > ") : (word[1] == 'e' ? " <= " : " < ");

	if (val->kind != YAML_INT && val->kind != YAML_FLOAT && val->kind != YAML_TEXT) {
		refuse(m, val, "", "this must be a number, a text or a time");
		return;
	}
	m->ordered = true;
	check_operand(m, val);
	m->ordered = false;
	present(m);
	buf_str(&m->out, sign);
	put_literal(m, val);
}

static void op_text(struct matching *m, const struct yaml_node *val, const char *word)
{
	const char *function = word[0] == 'p'   ? "startsWith"
			       : word[0] == 's' ? "endsWith"
						: "matches";

	if (val->kind != YAML_TEXT) {
		refuse(m, val, "put it in quotes if a text is meant", "this must be a text");
		return;
	}
	present(m);
	buf_printf(&m->out, ".%s(", function);
	put_literal(m, val);
	buf_char(&m->out, ')');
}

/* A part of a text, or a member of a list: which, the value tells, unless the field is declared. */
static void op_contains(struct matching *m, const struct yaml_node *val, const char *word)
{
	enum cel_type type = val->kind == YAML_TEXT ? m->type : CEL_LIST;

	(void)word;
	if (m->type == CEL_TEXT)
		check_operand(m, val);
	buf_printf(&m->out, "default(%.*s, null) != null && ", TEXT_ARG(m->path));
	if (type != CEL_TEXT && type != CEL_LIST && type != CEL_MAP)
		buf_printf(&m->out, "(type(%.*s) == string ? ", TEXT_ARG(m->path));
	if (type != CEL_LIST && type != CEL_MAP) {
		buf_printf(&m->out, "%.*s.contains(", TEXT_ARG(m->path));
		put_literal(m, val);
		buf_char(&m->out, ')');
	}
	if (type == CEL_TEXT)
		return;
	if (type != CEL_LIST && type != CEL_MAP)
		buf_str(&m->out, " : ");
	put_literal(m, val);
	buf_printf(&m->out, " in %.*s", TEXT_ARG(m->path));
	if (type != CEL_LIST && type != CEL_MAP)
		buf_char(&m->out, ')');
}

static void op_exists(struct matching *m, const struct yaml_node *val, const char *word)
{
	(void)word;
	if (val->kind != YAML_BOOL) {
		refuse(m, val, "", "`exists` takes true or false");
		return;
	}
	buf_printf(&m->out, "%s%.*s", val->scalar.b ? "" : "!", TEXT_ARG(m->exists));
}

struct operator
{
	const char *word;
	void (*put)(struct matching * m, const struct yaml_node *val, const char *word);
};

static const struct operator operators[] = {
	{ "eq", op_eq },
	{ "ne", op_ne },
	{ "gt", op_compare },
	{ "ge", op_compare },
	{ "lt", op_compare },
	{ "le", op_compare },
	{ "in", op_in },
	{ "prefix", op_text },
	{ "suffix", op_text },
	{ "matches", op_text },
	{ "contains", op_contains },
	{ "exists", op_exists },
};

#define OPERATORS (sizeof(operators) / sizeof(*operators))

const char *match_operator(size_t i)
{
	return i < OPERATORS ? operators[i].word : NULL;
}

/* What other languages call an operator. Signs come first, longer ones before shorter: a key
 * that was mended may have swallowed its value. */
static const char *operator_meant(struct text word)
{
	static const struct {
		const char *other, *ours;
		bool sign;
	} all[] = {
		{ "==", "eq", true },
		{ ">=", "ge", true },
		{ "<=", "le", true },
		{ "!=", "ne", true },
		{ "<>", "ne", true },
		{ ">", "gt", true },
		{ "<", "lt", true },
		{ "=", "eq", true },
		{ "gte", "ge", false },
		{ "lte", "le", false },
		{ "neq", "ne", false },
		{ "not", "ne", false },
		{ "equals", "eq", false },
		{ "is", "eq", false },
		{ "regex", "matches", false },
		{ "regexp", "matches", false },
		{ "match", "matches", false },
		{ "startsWith", "prefix", false },
		{ "starts_with", "prefix", false },
		{ "endsWith", "suffix", false },
		{ "ends_with", "suffix", false },
		{ "includes", "contains", false },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].sign ? text_starts(word, text_of(all[i].other))
				: text_is(word, all[i].other))
			return all[i].ours;
	return NULL;
}

static const char *operator_hint(struct matching *m, struct text word, const char *const *words)
{
	const char *meant = operator_meant(word);
	const char *only[] = { meant, NULL };

	if (meant != NULL)
		return reader_nearest(m->l->r.arena, text_of(meant), only);
	if (text_nearest(word, words) != NULL)
		return reader_nearest(m->l->r.arena, word, words);
	return "one of eq ne gt ge lt le in prefix suffix contains exists matches; a map to "
	       "compare with goes under eq";
}

static void put_operator(struct matching *m, const struct yaml_node *key,
			 const struct yaml_node *val)
{
	const char *words[OPERATORS + 1];

	for (size_t i = 0; i < OPERATORS; i++) {
		words[i] = operators[i].word;
		if (text_is(key->text, words[i])) {
			begin(m, val);
			operators[i].put(m, val, words[i]);
			return;
		}
	}
	words[OPERATORS] = NULL;
	m->failed = true;
	reader_error(&m->l->r, key, operator_hint(m, key->text, words),
		     "there is no operator \"%.*s\"", TEXT_ARG(key->text));
}

static void put_path(struct matching *m, const struct yaml_node *key, const struct yaml_node *val)
{
	if (!enter_path(m, key))
		return;
	if (val->kind == YAML_MAP) {
		for (size_t i = 0; i < val->count; i++)
			put_operator(m, val->pairs[i].key, val->pairs[i].val);
		return;
	}
	begin(m, val);
	if (val->kind == YAML_LIST)
		op_in(m, val, "in");
	else
		op_eq(m, val, "eq");
}

/* ---- Changes. ---- */

static bool change_path(struct matching *m, const struct yaml_node *node)
{
	struct text head;

	if (node->kind == YAML_LIST || node->kind == YAML_MAP || node->text.n == 0) {
		refuse(m, node, "", "this must be a path, like status.key");
		return false;
	}
	text_split(node->text, '.', &head);
	if (text_is(head, "data") || text_is(head, "before") || text_is(head, "object")) {
		refuse(m, node, "leave the first word out",
		       "paths of changes are relative to data already");
		return false;
	}
	return true;
}

static void put_changed(struct matching *m, const struct yaml_node *val)
{
	size_t n = val->kind == YAML_LIST ? val->count : 1;

	begin(m, val);
	buf_char(&m->out, '(');
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *path = val->kind == YAML_LIST ? val->items[i] : val;

		if (!change_path(m, path))
			return;
		buf_str(&m->out, i > 0 ? " || changed(" : "changed(");
		value_write_text(&m->out, path->text);
		buf_char(&m->out, ')');
	}
	if (n == 0)
		refuse(m, val, "", "an empty list of paths never changes");
	buf_char(&m->out, ')');
}

static void put_change(struct matching *m, const char *function, const struct yaml_node *path,
		       const struct yaml_node *val)
{
	buf_printf(&m->out, "%s(", function);
	value_write_text(&m->out, path->text);
	buf_str(&m->out, ", ");
	put_literal(m, val);
	buf_char(&m->out, ')');
}

/* became: { status: [a, b] }: one of them. */
static void put_became(struct matching *m, const struct yaml_node *path,
		       const struct yaml_node *val)
{
	if (val->kind != YAML_LIST) {
		put_change(m, "became", path, val);
		return;
	}
	buf_char(&m->out, '(');
	for (size_t i = 0; i < val->count; i++) {
		if (i > 0)
			buf_str(&m->out, " || ");
		put_change(m, "became", path, val->items[i]);
	}
	if (val->count == 0)
		refuse(m, val, "", "an empty list never matches");
	buf_char(&m->out, ')');
}

static void put_changes(struct matching *m, const char *function, const struct yaml_node *map)
{
	bool became = strcmp(function, "became") == 0;

	if (map->kind != YAML_MAP) {
		refuse(m, map, "a map from path to value: { percent: 100 }", "this must be a map");
		return;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *path = map->pairs[i].key, *val = map->pairs[i].val;

		if (!change_path(m, path))
			continue;
		m->field = load_field(m->l, path->text);
		begin(m, val);
		m->ordered = !became;
		check_operand(m, val);
		m->ordered = false;
		if (became)
			put_became(m, path, val);
		else if (val->kind == YAML_INT || val->kind == YAML_FLOAT || val->kind == YAML_TEXT)
			put_change(m, function, path, val);
		else
			refuse(m, val, "", "this must be a number");
	}
}

static void put_entry(struct matching *m, const struct yaml_node *key, const struct yaml_node *val)
{
	static const char *const functions[] = { "became", "rose_past", "fell_below", NULL };

	for (size_t i = 0; functions[i] != NULL; i++) {
		if (text_is(key->text, functions[i])) {
			put_changes(m, functions[i], val);
			return;
		}
	}
	if (text_is(key->text, "changed"))
		put_changed(m, val);
	else
		put_path(m, key, val);
}

/* ---- The whole. ---- */

static const struct yaml_node *node_at(const struct matching *m, size_t offset)
{
	const struct yaml_node *node = m->pieces[0].node;

	for (size_t i = 0; i < m->count && m->pieces[i].from <= offset; i++)
		node = m->pieces[i].node;
	return node;
}

static void keep_pieces(struct matching *m)
{
	struct rule_written *written = m->l->written;
	struct written_piece *pieces = arena_array(m->l->r.arena, m->count, sizeof(*pieces));

	if (pieces == NULL)
		return;
	for (size_t i = 0; i < m->count; i++) {
		pieces[i] = (struct written_piece){ m->pieces[i].from, m->pieces[i].node->at };
		pieces[i].at.file = m->l->r.file;
	}
	written->pieces = pieces;
	written->piece_count = m->count;
}

static struct place place_at(void *of, size_t offset)
{
	return node_at(of, offset)->at;
}

static const struct cel_program *compile(struct matching *m, const struct yaml_node *map)
{
	struct loading *l = m->l;
	const struct cel_program *program = NULL;
	struct cel_issue issue;

	if (m->failed || m->count == 0)
		return NULL;
	if (buf_failed(&m->out)) {
		reader_error(&l->r, map, "", "the conditions are too long");
		return NULL;
	}
	if (cel_compile(l->env, l->r.arena, buf_view(&m->out), &program, &issue) != FATE_OK) {
		reader_error(&l->r, node_at(m, issue.offset), issue.hint, "%s", issue.what);
		return NULL;
	}
	if (m->l->written != NULL)
		keep_pieces(m);
	return load_check_cost(l, program, place_at, m) ? program : NULL;
}

const struct cel_program *load_match(struct loading *l, const struct yaml_node *map)
{
	struct matching m = { .l = l };
	const struct cel_program *program;

	assert(l != NULL && map != NULL);
	if (map->kind != YAML_MAP) {
		reader_error(&l->r, map, "match: { data.stage: project }",
			     "match must be a map, not %s", yaml_kind_words(map));
		return NULL;
	}
	buf_init(&m.out, LIMIT_EXPR);
	for (size_t i = 0; i < map->count; i++)
		put_entry(&m, map->pairs[i].key, map->pairs[i].val);
	program = compile(&m, map);
	buf_fini(&m.out);
	if (program != NULL)
		load_check_names(l, program, map, 0);
	return program;
}
