/* SPDX-License-Identifier: Apache-2.0
 *
 * reuse - see reuse.h. */
#include "engine/rules/reuse.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/rules/words.h"

/* ---- Declared parameters: of a file, of an action. ---- */

static const struct {
	const char *word;
	enum param_type type;
} param_types[] = {
	{ "text", PARAM_TEXT }, { "int", PARAM_INT },   { "number", PARAM_NUMBER },
	{ "bool", PARAM_BOOL }, { "list", PARAM_LIST }, { "map", PARAM_MAP },
	{ "any", PARAM_ANY },
};

#define PARAM_TYPES (sizeof(param_types) / sizeof(*param_types))

static bool read_type_word(struct loading *l, const struct yaml_node *node, enum param_type *out)
{
	const char *words[PARAM_TYPES + 1];
	int choice;

	for (size_t i = 0; i < PARAM_TYPES; i++)
		words[i] = param_types[i].word;
	words[PARAM_TYPES] = NULL;
	if (!reader_choice(&l->r, node, words, NULL, &choice))
		return false;
	*out = param_types[choice].type;
	return true;
}

static bool is_param_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] == '_' || ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z');

		if (!letter && (i == 0 || t.s[i] < '0' || t.s[i] > '9'))
			return false;
	}
	return t.n > 0;
}

/* `NAME: text`, or `NAME: { type, default, doc }`. *given is what stands under default, or NULL. */
static bool read_declaration(struct loading *l, const struct yaml_pair *pair, struct param *row,
			     const struct yaml_node **given)
{
	static const char *const keys[] = { "type", "default", "doc", NULL };
	const struct yaml_node *type = pair->val;
	struct text doc = TEXT_NONE;
	bool fine = true;

	*given = NULL;
	*row = (struct param){ .type = PARAM_ANY };
	if (!is_param_name(pair->key->text)) {
		reader_error(&l->r, pair->key, "letters, digits and _, a letter first",
			     "\"%.*s\" is no name for a parameter", TEXT_ARG(pair->key->text));
		return false;
	}
	if (type->kind == YAML_MAP) {
		const struct yaml_node *node = yaml_get(pair->val, "doc");

		fine = reader_keys(&l->r, pair->val, "a parameter", keys, NULL);
		*given = yaml_get(pair->val, "default");
		if (node != NULL)
			fine = reader_text(&l->r, node, &doc) && fine;
		type = reader_need(&l->r, pair->val, "type", "type: text");
	}
	if (type == NULL || !read_type_word(l, type, &row->type))
		return false;
	row->name = text_dup(l->r.arena, pair->key->text).s;
	row->doc = doc.n > 0 ? text_dup(l->r.arena, doc).s : "";
	row->required = *given == NULL;
	return fine && row->name != NULL && row->doc != NULL;
}

static bool read_default(struct loading *l, const struct yaml_node *node, const struct param *row,
			 struct value *out)
{
	struct value ignored;

	if (node->kind == YAML_TEXT && template_is_dynamic(node->text)) {
		reader_error(&l->r, node, "write the value itself", "a default can't hold ${...}");
		return false;
	}
	if (!load_literal(l, node, row, &ignored))
		return false;
	*out = yaml_value(l->r.arena, node);
	return true;
}

/* ---- params: what the file needs of vars. ---- */

/* A var that some file declared: kept while the whole set loads. */
struct known_var {
	struct text name;
	enum param_type type;
	struct value fallback;
	bool has_fallback;
	struct place at;
};

static bool kind_fits(enum param_type type, struct value v)
{
	switch (type) {
	case PARAM_TEXT:
		return value_is(v, VALUE_TEXT);
	case PARAM_INT:
		return value_is(v, VALUE_INT) || value_is(v, VALUE_UINT);
	case PARAM_NUMBER:
		return value_is(v, VALUE_INT) || value_is(v, VALUE_UINT) ||
		       value_is(v, VALUE_DOUBLE);
	case PARAM_BOOL:
		return value_is(v, VALUE_BOOL);
	case PARAM_LIST:
		return value_is(v, VALUE_LIST);
	case PARAM_MAP:
		return value_is(v, VALUE_MAP);
	default:
		return true;
	}
}

bool param_value_fits(const struct param *row, struct value v)
{
	assert(row != NULL);
	return kind_fits(row->type, v);
}

const char *param_word(size_t i)
{
	return i < PARAM_TYPES ? param_types[i].word : NULL;
}

const char *param_type_word(enum param_type type)
{
	for (size_t i = 0; i < PARAM_TYPES; i++)
		if (param_types[i].type == type)
			return param_types[i].word;
	return "any";
}

/* What stands for a var when rules are checked without a configuration. */
static struct value stand_in(enum param_type type, struct text name)
{
	switch (type) {
	case PARAM_INT:
	case PARAM_NUMBER:
		return value_int(0);
	case PARAM_BOOL:
		return value_bool(false);
	case PARAM_LIST:
		return (struct value){ .kind = VALUE_LIST };
	case PARAM_MAP:
		return (struct value){ .kind = VALUE_MAP };
	default:
		return value_text(name);
	}
}

static bool same_declaration(const struct known_var *a, const struct known_var *b)
{
	bool both = a->has_fallback && b->has_fallback;

	return a->type == b->type && (!both || value_equal(a->fallback, b->fallback));
}

/* Two files may need the same var; they must mean the same. False after reporting. */
static bool agree(struct loading *l, const struct yaml_node *key, const struct known_var *var)
{
	const struct known_var *other = map_get(l->set->declared, var->name);
	struct known_var *kept;

	if (other != NULL && !same_declaration(other, var)) {
		reader_error(&l->r, key, "vars belong to all files: give one of them another name",
			     "vars.%.*s is declared differently: %s:%d", TEXT_ARG(var->name),
			     other->at.file, other->at.line);
		return false;
	}
	if (other != NULL && (other->has_fallback || !var->has_fallback))
		return true;
	kept = arena_copy(l->r.arena, var, sizeof(*var));
	if (kept == NULL || !map_put(l->set->declared, kept->name, kept))
		l->failed = true;
	return true;
}

static void need_var(struct loading *l, const struct yaml_node *key, const struct known_var *var)
{
	const struct value *set = value_get(l->config->vars, var->name);
	bool bare = config_is_bare(l->config);

	if (set != NULL && !kind_fits(var->type, *set))
		reader_error(&l->r, key, "change it under vars in tappet.yaml",
			     "vars.%.*s must be %s; it is %s", TEXT_ARG(var->name),
			     param_type_word(var->type),
			     value_kind_name((enum value_kind)set->kind));
	else if (set == NULL && var->has_fallback)
		value_map_add(&l->stand_ins, value_text(var->name), var->fallback);
	else if (set == NULL && bare)
		value_map_add(&l->stand_ins, value_text(var->name), stand_in(var->type, var->name));
	else if (set == NULL && !l->by_itself)
		reader_error(&l->r, key, "add it under vars in tappet.yaml, or a default here",
			     "vars.%.*s is not set", TEXT_ARG(var->name));
}

static void read_var(struct loading *l, struct parts *parts, const struct yaml_pair *pair)
{
	struct known_var var = { .at = reader_place(&l->r, pair->key) };
	const struct yaml_node *given;
	struct param row;

	parts->vars[parts->var_count++] = (struct declared_var){ pair->key, pair->val, false };
	if (!read_declaration(l, pair, &row, &given))
		return;
	var.name = text_of(row.name);
	var.type = row.type;
	var.has_fallback = given != NULL;
	if (given != NULL && !read_default(l, given, &row, &var.fallback))
		return;
	if (agree(l, pair->key, &var))
		need_var(l, pair->key, &var);
}

static void read_vars(struct loading *l, struct parts *parts, const struct yaml_node *map)
{
	if (!reader_map(&l->r, map, "params", "recovery_set", "{ type: text }"))
		return;
	parts->vars = arena_array(l->scratch, map->count, sizeof(*parts->vars));
	for (size_t i = 0; parts->vars != NULL && i < map->count; i++)
		read_var(l, parts, &map->pairs[i]);
}

bool parts_var(struct parts *parts, struct text name)
{
	for (size_t i = 0; parts != NULL && i < parts->var_count; i++) {
		if (text_eq(parts->vars[i].key->text, name)) {
			parts->vars[i].used = true;
			return true;
		}
	}
	return false;
}

/* ---- defaults. ---- */

const char *const default_keys[] = { "mode", "on_error", "retry", "timeout", NULL };

static void read_defaults(struct loading *l, struct parts *parts, const struct yaml_node *map)
{
	if (reader_map(&l->r, map, "defaults", "mode", "shadow") &&
	    reader_keys(&l->r, map, "defaults", default_keys, NULL))
		parts->defaults = map;
}

const struct yaml_node *parts_default(const struct loading *l, const char *key)
{
	assert(key != NULL);
	return l->parts != NULL && l->parts->defaults != NULL ? yaml_get(l->parts->defaults, key)
							      : NULL;
}

/* ---- actions. ---- */

static void read_action_params(struct loading *l, struct reusable *action,
			       const struct yaml_node *map)
{
	struct param *rows;
	struct value_map_builder defaults;
	size_t n = 0;

	if (!reader_map(&l->r, map, "params", "what", "text"))
		return;
	rows = arena_zero(l->r.arena, (map->count + 1) * sizeof(*rows));
	value_map_begin(&defaults, l->r.arena);
	for (size_t i = 0; rows != NULL && i < map->count; i++) {
		const struct yaml_node *given;
		struct value v;

		if (!read_declaration(l, &map->pairs[i], &rows[n], &given))
			continue;
		if (given != NULL && read_default(l, given, &rows[n], &v))
			value_map_add(&defaults, value_text(text_of(rows[n].name)), v);
		n++;
	}
	if (rows != NULL && n < map->count)
		rows[n] = (struct param){ .name = NULL };
	if (rows != NULL)
		action->params = rows;
	action->defaults = value_map_end(&defaults);
}

static void read_action(struct loading *l, struct parts *parts, const struct yaml_pair *pair)
{
	static const char *const keys[] = { "description", "params", "do", NULL };
	static const struct param none[] = { { .name = NULL } };
	struct reusable *action = &parts->actions[parts->action_count++];
	const struct yaml_node *params, *steps;

	*action = (struct reusable){ .key = pair->key, .node = pair->val, .params = none };
	action->defaults = (struct value){ .kind = VALUE_MAP };
	if (!reader_is_name(pair->key->text)) {
		reader_error(&l->r, pair->key, "small letters, digits, _ and -, a letter first",
			     "\"%.*s\" is no name for an action", TEXT_ARG(pair->key->text));
		return;
	}
	if (!reader_keys(&l->r, pair->val, "an action", keys, NULL))
		return;
	params = yaml_get(pair->val, "params");
	if (params != NULL)
		read_action_params(l, action, params);
	steps = reader_need(&l->r, pair->val, "do", "do: [ { slack.post: { text: \"...\" } } ]");
	if (steps != NULL && steps->kind == YAML_LIST && steps->count > 0)
		action->steps = steps;
	else if (steps != NULL)
		reader_error(&l->r, steps, "do: [ { slack.post: { text: \"...\" } } ]",
			     "do must be a list of steps, not %s",
			     steps->kind == YAML_LIST ? "an empty one" : yaml_kind_words(steps));
}

static void read_actions(struct loading *l, struct parts *parts, const struct yaml_node *map)
{
	if (!reader_map(&l->r, map, "actions", "tell_ops", "{ params, do }"))
		return;
	parts->actions = arena_array(l->scratch, map->count, sizeof(*parts->actions));
	for (size_t i = 0; parts->actions != NULL && i < map->count; i++)
		read_action(l, parts, &map->pairs[i]);
}

bool use_is(struct text key)
{
	return text_starts(key, TEXT("use."));
}

struct reusable *use_find(struct loading *l, const struct yaml_node *key)
{
	struct text name = { key->text.s + 4, key->text.n - 4 };
	struct parts *parts = l->parts;
	const char *names[64], *hint;
	size_t n = 0;

	assert(use_is(key->text));
	for (size_t i = 0; parts != NULL && i < parts->action_count; i++) {
		struct text known = parts->actions[i].key->text;

		if (text_eq(known, name))
			return &parts->actions[i];
		if (n < 63)
			names[n++] = text_printf(l->r.arena, "use.%.*s", TEXT_ARG(known)).s;
	}
	names[n] = NULL;
	hint = reader_nearest(l->r.arena, key->text, names);
	reader_error(&l->r, key, hint[0] != '\0' ? hint : "name it under actions in this file",
		     "there is no action \"%.*s\" here", TEXT_ARG(name));
	return NULL;
}

const char *use_hint(struct loading *l, struct text key)
{
	const struct parts *parts = l->parts;
	struct text hint;

	for (size_t i = 0; parts != NULL && i < parts->action_count; i++) {
		struct text known = parts->actions[i].key->text;

		if (!text_eq(known, key) && !text_is(key, "use"))
			continue;
		hint = text_printf(l->r.arena, "write use.%.*s: { ... }", TEXT_ARG(known));
		return hint.s != NULL ? hint.s : "";
	}
	return "";
}

/* ---- A file's parts. ---- */

struct parts *parts_read(struct loading *l, const struct yaml_node *root)
{
	struct parts *parts = arena_zero(l->scratch, sizeof(*parts));
	static const struct {
		const char *key;
		void (*read)(struct loading *l, struct parts *parts, const struct yaml_node *map);
	} readers[] = { { "params", read_vars },
			{ "defaults", read_defaults },
			{ "actions", read_actions } };

	assert(l != NULL && root != NULL);
	for (size_t i = 0; parts != NULL && i < sizeof(readers) / sizeof(*readers); i++) {
		const struct yaml_node *node = yaml_get(root, readers[i].key);

		if (node != NULL && node->kind != YAML_NULL)
			readers[i].read(l, parts, node);
	}
	return parts;
}

void parts_begin(struct parts *parts)
{
	for (size_t i = 0; parts != NULL && i < parts->action_count; i++)
		parts->actions[i].used = false;
	for (size_t i = 0; parts != NULL && i < parts->var_count; i++)
		parts->vars[i].used = false;
}

void parts_end(struct loading *l)
{
	const struct parts *parts = l->parts;

	for (size_t i = 0; parts != NULL && i < parts->action_count; i++)
		if (!parts->actions[i].ever_used)
			reader_warn(&l->r, parts->actions[i].key,
				    "its steps are checked where a rule uses them",
				    "no rule uses the action \"%.*s\"",
				    TEXT_ARG(parts->actions[i].key->text));
}

/* ---- The text of a rule. ---- */

struct text dedented(struct arena *arena, const struct yaml_node *map)
{
	size_t indent = map->at.column > 0 ? (size_t)map->at.column - 1 : 0;
	size_t n = map->to - map->from, out = 0, blanks = 0;
	char *s = arena_alloc(arena, n + 2);
	bool leading = false;

	if (s == NULL)
		return TEXT_NONE;
	for (size_t i = 0; i < n; i++) {
		char c = map->source[i];

		if (leading && c == ' ' && blanks < indent) {
			blanks++;
			continue;
		}
		leading = c == '\n';
		blanks = leading ? 0 : blanks;
		s[out++] = c;
	}
	if (out > 0 && s[out - 1] != '\n')
		s[out++] = '\n';
	s[out] = '\0';
	return (struct text){ s, out };
}

/* Every line of it after `indent`; blank lines stay blank. */
static void put_lines(struct buf *b, const char *first, const char *indent, struct text t)
{
	bool start = true;

	buf_str(b, first);
	for (size_t i = 0; i < t.n; i++) {
		if (start && i > 0 && t.s[i] != '\n')
			buf_str(b, indent);
		buf_char(b, t.s[i]);
		start = t.s[i] == '\n';
	}
}

static void put_part(const struct loading *l, struct buf *b, const struct yaml_node *key,
		     const struct yaml_node *node)
{
	buf_printf(b, "  %.*s:\n", TEXT_ARG(key->text));
	put_lines(b, "    ", "    ", dedented(l->scratch, node));
}

static void put_parts(const struct loading *l, struct buf *b)
{
	const struct parts *parts = l->parts;
	bool any = false;

	for (size_t i = 0; i < parts->var_count; i++) {
		if (parts->vars[i].used) {
			buf_str(b, any ? "" : "params:\n");
			put_part(l, b, parts->vars[i].key, parts->vars[i].node);
			any = true;
		}
	}
	if (parts->defaults != NULL)
		put_lines(b, "defaults:\n  ", "  ", dedented(l->scratch, parts->defaults));
	any = false;
	for (size_t i = 0; i < parts->action_count; i++) {
		if (parts->actions[i].used) {
			buf_str(b, any ? "" : "actions:\n");
			put_part(l, b, parts->actions[i].key, parts->actions[i].node);
			any = true;
		}
	}
}

struct text parts_source(const struct loading *l, struct text rule)
{
	AUTO_FINI(buf_fini) struct buf b;

	buf_init(&b, LIMIT_YAML_FILE + rule.n);
	if (l->parts != NULL)
		put_parts(l, &b);
	if (b.n == 0 && !buf_failed(&b))
		return rule;
	put_lines(&b, "rules:\n  - ", "    ", rule);
	return buf_failed(&b) ? TEXT_NONE : text_dup(l->r.arena, buf_view(&b));
}
