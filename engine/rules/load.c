/* SPDX-License-Identifier: Apache-2.0
 *
 * load - rule files become rules.
 *
 * One mapping of YAML becomes one struct rule. The text it was written as is
 * kept, indentation removed, so that the rule can be loaded again by itself: a
 * run finishes under the revision it began with. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/rules/reuse.h"
#include "engine/rules/words.h"

#define REVISION_DIGITS 12

const char *const rule_keys[] = { "id",     "description", "on",        "from",     "match",
				  "define", "when",        "key",       "throttle", "mode",
				  "do",     "tests",       "live_when", "edge",     "first",
				  "clear",  "lookup",      "echoes",    "lane",     NULL };
static const char *const later_rule_keys[] = {
	"for_each", "tables",   "links",    "use",   "for",      "count",     "within",
	"absent",   "sequence", "debounce", "group", "wait_for", "approve",   "parallel",
	"undo",     "guard",    "budget",   "hold",  "silences", "calendars", NULL,
};
const char *const file_keys[] = { "params", "defaults", "actions", "tables", "rules", NULL };
const char *const test_keys[] = { "name", "given", "reply", "expect", NULL };
static const char *const later_file_keys[] = { "links", "silences", "calendars", NULL };

/* ---- id, on, from. ---- */

static bool is_rule_id(struct text t)
{
	if (t.n == 0 || t.n > LIMIT_RULE_ID)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		bool word = ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z') ||
			    (t.s[i] >= '0' && t.s[i] <= '9');

		if (!word && (i == 0 || (t.s[i] != '-' && t.s[i] != '_' && t.s[i] != '.')))
			return false;
	}
	return true;
}

static void read_id(struct loading *l, const struct yaml_node *map)
{
	const struct yaml_node *node =
	    reader_need(&l->r, map, "id", "a name that stays, like order-paid");
	const struct rule *other;

	if (node == NULL)
		return;
	if ((node->kind != YAML_TEXT && node->kind != YAML_INT) || !is_rule_id(node->text)) {
		reader_error(&l->r, node, "letters, digits, - _ and ., at most 128",
			     "this is no id for a rule");
		return;
	}
	l->rule->id = text_dup(l->r.arena, node->text);
	other = map_get(l->set->by_id, node->text);
	if (other != NULL)
		reader_error(&l->r, node, "state belongs to the id: give one of them another",
			     "another rule has the id \"%.*s\": %s:%d", TEXT_ARG(node->text),
			     other->at.file, other->at.line);
}

struct types {
	struct loading *l;
	struct text *out;
	size_t count;
};

static void read_type(void *of, struct yaml_node *node)
{
	struct types *types = of;
	struct loading *l = types->l;
	struct text type;

	if (!reader_text(&l->r, node, &type))
		return;
	catalog_check_type(l, node, type);
	types->out[types->count++] = type;
	if (!catalog_kinds(l->config, type, l->kinds, &l->kind_count, MAX_KINDS))
		l->kinds_known = false;
}

static void read_on(struct loading *l, const struct yaml_node *map)
{
	const struct yaml_node *node =
	    reader_need(&l->r, map, "on", "an event type, like kantata.workspace.updated");
	struct types types = { .l = l };

	l->kind_count = 0;
	l->kinds_known = node != NULL;
	if (node == NULL)
		return;
	types.out =
	    arena_array(l->r.arena, node->kind == YAML_LIST ? node->count : 1, sizeof(*types.out));
	if (types.out == NULL)
		return;
	if (node->kind == YAML_LIST && node->count == 0)
		reader_error(&l->r, node, "", "an empty list: the rule never fires");
	reader_each(node, read_type, &types);
	l->rule->on = types.out;
	l->rule->on_count = types.count;
}

/* The nearest connection, hook or plugin, else all of them. */
static const char *from_hint(struct loading *l, struct text word)
{
	struct text all = TEXT("one of:");
	const char *names[64], *near;
	size_t n = 0;

	for (size_t i = 0; i < l->config->connection_count && n < 63; i++)
		names[n++] = l->config->connections[i].name.s;
	for (size_t i = 0; i < l->config->hook_count && n < 63; i++)
		if (l->config->hooks[i].connection == NULL)
			names[n++] = l->config->hooks[i].name.s;
	for (size_t i = 0; i < l->config->plugin_count && n < 63; i++)
		names[n++] = l->config->plugins[i].name.s;
	names[n] = NULL;
	near = reader_nearest(l->r.arena, word, names);
	for (size_t i = 0; near[0] == '\0' && i < n && all.s != NULL; i++)
		all = text_printf(l->r.arena, "%.*s%s %s", TEXT_ARG(all), i == 0 ? "" : ",",
				  names[i]);
	if (near[0] != '\0' || n == 0 || all.s == NULL)
		return near;
	return all.s;
}

static void read_from(struct loading *l, const struct yaml_node *node)
{
	struct text name;

	if (!reader_text(&l->r, node, &name))
		return;
	l->rule->from = name;
	if (!config_is_bare(l->config) && config_connection(l->config, name) == NULL &&
	    config_hook(l->config, name) == NULL && config_plugin(l->config, name) == NULL)
		reader_error(&l->r, node, from_hint(l, name),
			     "there is no connection, hook or plugin \"%.*s\"", TEXT_ARG(name));
}

/* ---- define, key, throttle, mode. ---- */

bool load_name_fits(struct loading *l, const struct yaml_node *key)
{
	static const char *const taken[] = { "event",  "data",    "before", "object", "changed",
					     "vars",   "ctx",     "steps",  "error",  "params",
					     "lookup", "secrets", "true",   "false",  "null",
					     "in",     NULL };
	struct text t = key->text;

	for (size_t i = 0; taken[i] != NULL; i++) {
		if (text_is(t, taken[i])) {
			reader_error(&l->r, key, "", "the name \"%.*s\" is taken", TEXT_ARG(t));
			return false;
		}
	}
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] == '_' || ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z');

		if (!letter && (i == 0 || t.s[i] < '0' || t.s[i] > '9')) {
			reader_error(&l->r, key, "letters, digits and _, a letter first",
				     "\"%.*s\" is no name for a value", TEXT_ARG(t));
			return false;
		}
	}
	return t.n > 0;
}

/* The expression may fail for naming another define too early: that is told as such. */
static const struct cel_program *load_define(struct loading *l, const struct yaml_node *map,
					     size_t i)
{
	const struct yaml_node *val = map->pairs[i].val;
	const struct cel_program *program;

	l->defining = map;
	l->defined = i;
	program = load_expression(l, val, val->text, 0);
	l->defining = NULL;
	return program;
}

static void read_defines(struct loading *l, const struct yaml_node *map)
{
	struct define *defines;

	if (map->kind != YAML_MAP) {
		reader_error(&l->r, map, "define: { name: expression }",
			     "define must be a map, not %s", yaml_kind_words(map));
		return;
	}
	l->env = load_env(l, l->scratch);
	defines = arena_array(l->r.arena, map->count, sizeof(*defines));
	l->rule->defines = defines;
	for (size_t i = 0; l->env != NULL && defines != NULL && i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key, *val = map->pairs[i].val;
		struct define *define = &defines[l->rule->define_count];

		if (!load_name_fits(l, key))
			continue;
		define->name = text_dup(l->r.arena, key->text);
		define->program = NULL;
		if (val->kind == YAML_MAP || val->kind == YAML_LIST || val->kind == YAML_NULL)
			reader_error(
			    &l->r, val, "an expression that starts with [ or { needs quotes",
			    "a value is defined by an expression, not by %s", yaml_kind_words(val));
		else
			define->program = load_define(l, map, i);
		cel_env_variable(l->env, define->name.s,
				 define->program != NULL ? cel_program_type(define->program)
							 : CEL_DYN);
		l->rule->define_count++;
	}
}

static void read_key(struct loading *l, const struct yaml_node *node)
{
	enum cel_type type;

	if (node->kind == YAML_MAP || node->kind == YAML_LIST || node->kind == YAML_NULL) {
		reader_error(&l->r, node, "like object.id", "a key must be an expression, not %s",
			     yaml_kind_words(node));
		return;
	}
	l->rule->key = load_expression(l, node, node->text, 0);
	if (l->rule->key == NULL)
		return;
	type = cel_program_type(l->rule->key);
	if (type != CEL_DYN && type != CEL_TEXT && type != CEL_INT && type != CEL_UINT &&
	    type != CEL_BOOL)
		reader_error(&l->r, node, "", "a key must be text, int or bool; this is %s",
			     cel_type_name(type));
}

static void read_throttle(struct loading *l, const struct yaml_node *map)
{
	static const char *const keys[] = { "every", NULL };
	const struct yaml_node *every;

	if (!reader_map(&l->r, map, "throttle", "every", "24h") ||
	    !reader_keys(&l->r, map, "throttle", keys, later_rule_keys))
		return;
	every = reader_need(&l->r, map, "every", "throttle: { every: 24h }");
	if (every != NULL)
		reader_duration(&l->r, every, 1, &l->rule->throttle);
}

static void read_mode(struct loading *l, const struct yaml_node *node)
{
	static const char *const words[] = { "live", "shadow", "off", NULL };
	int choice;

	if (reader_choice(&l->r, node, words, NULL, &choice))
		l->rule->mode = (enum rule_mode)choice;
}

static void read_echoes(struct loading *l, const struct yaml_node *node)
{
	static const char *const words[] = { "ignore", "allow", NULL };
	int choice;

	if (reader_choice(&l->r, node, words, NULL, &choice))
		l->rule->echoes = choice == 1;
}

static void read_edge(struct loading *l, const struct yaml_node *node)
{
	bool edge = false;

	if (reader_bool(&l->r, node, &edge) && edge)
		l->rule->edge = EDGE_ARM;
}

/* Words that only make sense with edge: true. */
static void read_edge_words(struct loading *l, const struct yaml_node *map)
{
	static const char *const words[] = { "arm", "fire", NULL };
	static const char *const keys[] = { "first", "clear", NULL };
	const struct yaml_node *first = yaml_get(map, "first"), *clear = yaml_get(map, "clear");
	int choice;

	for (size_t i = 0; keys[i] != NULL && l->rule->edge == EDGE_NONE; i++)
		if (yaml_get(map, keys[i]) != NULL)
			reader_error(&l->r, yaml_get(map, keys[i]), "add edge: true",
				     "\"%s\" belongs to a rule with edge", keys[i]);
	if (l->rule->edge == EDGE_NONE)
		return;
	if (l->rule->match == NULL && l->rule->when == NULL)
		reader_error(&l->r, yaml_get(map, "edge"), "add match or when",
			     "edge needs a condition that turns true and false");
	if (first != NULL && reader_choice(&l->r, first, words, NULL, &choice))
		l->rule->edge = choice == 0 ? EDGE_ARM : EDGE_FIRE;
	if (clear != NULL) {
		l->looked_up = 0; /* it also runs where none was made */
		l->clearing = true;
		load_clear(l, clear);
		l->clearing = false;
	}
}

static void read_tests(struct loading *l, const struct yaml_node *list)
{
	static const char *const later[] = { "lookup", NULL };

	if (list->kind != YAML_LIST) {
		reader_error(&l->r, list, "tests: [ { name, given, expect } ]",
			     "tests must be a list, not %s", yaml_kind_words(list));
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		reader_keys(&l->r, list->items[i], "a test", test_keys, later);
	l->rule->tests = yaml_copy(l->r.arena, list, l->r.file);
}

/* ---- The text of a rule. ---- */

static void keep_source(struct loading *l, const struct yaml_node *map)
{
	char digits[HASH_HEX];

	l->rule->source = parts_source(l, dedented(l->r.arena, map));
	hash_name(&l->rule->source, 1, digits);
	l->rule->revision = text_dup(l->r.arena, (struct text){ digits, REVISION_DIGITS });
}

/* ---- A rule. ---- */

static void read_parts(struct loading *l, const struct yaml_node *map)
{
	static const struct {
		const char *key;
		void (*read)(struct loading *l, const struct yaml_node *node);
	} parts[] = {
		/* In this order: each sees the names that those before it define. */
		{ "from", read_from },   { "define", read_defines },    { "key", read_key },
		{ "lane", load_lane },   { "throttle", read_throttle }, { "mode", read_mode },
		{ "tests", read_tests },
	};
	const struct yaml_node *node;

	if ((node = yaml_get(map, "description")) != NULL)
		reader_text(&l->r, node, &l->rule->description);
	if ((node = yaml_get(map, "match")) != NULL)
		l->rule->match = load_match(l, node);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if ((node = yaml_get(map, parts[i].key)) != NULL)
			parts[i].read(l, node);
	if (yaml_get(map, "mode") == NULL && (node = parts_default(l, "mode")) != NULL)
		read_mode(l, node);
	if (l->config->rehearsed && l->rule->mode == MODE_SHADOW)
		l->rule->mode = MODE_LIVE;
	else if (!l->config->rehearsed && (int)l->rule->mode < l->config->max_mode)
		l->rule->mode = (enum rule_mode)l->config->max_mode;
	if (l->lookups != NULL)
		l->looked_up = l->lookups->count;
	if ((node = yaml_get(map, "live_when")) != NULL)
		l->rule->live_when = load_condition(l, node);
	if ((node = yaml_get(map, "when")) != NULL)
		l->rule->when = load_condition(l, node);
	if ((node = yaml_get(map, "do")) != NULL)
		load_steps(l, node);
	if ((node = yaml_get(map, "edge")) != NULL)
		read_edge(l, node);
	if ((node = yaml_get(map, "echoes")) != NULL)
		read_echoes(l, node);
	read_edge_words(l, map);
	if (l->lookups != NULL)
		load_lookups(l, l->lookups);
}

static void read_rule(struct loading *l, const struct yaml_node *map)
{
	struct rule *rule = arena_zero(l->r.arena, sizeof(*rule));

	if (rule == NULL || !reader_keys(&l->r, map, "a rule", rule_keys, later_rule_keys))
		return;
	l->rule = rule;
	l->env = l->plain;
	l->use = NULL;
	l->inherited = NULL;
	parts_begin(l->parts);
	rule->clear_first = rule->lookup_first = -1;
	l->lookups = lookups_open(l, yaml_get(map, "lookup"));
	l->step_count = l->visible = l->visible_from = 0;
	l->handled = l->within = -1;
	l->defining = NULL;
	rule->at = reader_place(&l->r, map);
	rule->mode = MODE_LIVE;
	rule->set = l->set;
	l->written = l->by_itself ? arena_zero(l->r.arena, sizeof(*l->written)) : NULL;
	rule->written = l->written;
	read_id(l, map);
	read_on(l, map);
	read_parts(l, map);
	keep_source(l, map);
	if (l->written != NULL)
		l->written->map = yaml_copy(l->r.arena, map, l->r.file);
	if (rule->id.n > 0 && !ruleset_add(l->set, rule))
		l->failed = true;
}

/* ---- Files. ---- */

/* One rule by itself has those of the set that it runs in. */
static void read_tables(struct loading *l, const struct yaml_node *root)
{
	const struct yaml_node *tables = yaml_get(root, "tables");

	if (tables != NULL && tables->kind != YAML_NULL && !l->by_itself)
		tables_read(&l->r, tables, reader_directory(text_of(l->r.file)), NULL,
			    &l->set->tables);
}

static void read_document(struct loading *l, const struct yaml_node *root)
{
	const struct yaml_node *rules;

	if (root->kind == YAML_NULL ||
	    !reader_keys(&l->r, root, "a rules file", file_keys, later_file_keys))
		return;
	l->parts = parts_read(l, root);
	read_tables(l, root);
	rules = reader_need(&l->r, root, "rules", "rules: [ { id, on, do } ]");
	if (rules == NULL || rules->kind == YAML_NULL)
		return;
	if (rules->kind != YAML_LIST) {
		reader_error(&l->r, rules, "start each rule with \"- id: NAME\"",
			     "rules must be a list, not %s", yaml_kind_words(rules));
		return;
	}
	for (size_t i = 0; i < rules->count; i++)
		read_rule(l, rules->items[i]);
	parts_end(l);
}

/* The tree of a text that goes by `name`, or NULL. */
static struct yaml_node *read_tree(struct loading *l, struct text name, struct text content)
{
	struct text kept = text_dup(l->r.arena, name);
	const char *shown;

	if (kept.s == NULL)
		return NULL;
	l->r.file = kept.s;
	shown = diags_source(l->r.diags, kept.s, content);
	/* Without room for a copy, mistakes are told without the line. */
	return yaml_read(l->scratch, l->r.diags, shown != NULL ? shown : kept.s, content);
}

/* A failure that resetting would forget may have cost a rule its condition. */
static void scratch_done(struct loading *l)
{
	l->failed = l->failed || arena_failed(l->scratch);
	l->parts = NULL;
	arena_reset(l->scratch);
}

void load_file(struct loading *l, struct text path)
{
	AUTO_FINI(buf_fini) struct buf content;
	const char *why;

	assert(l != NULL && path.n > 0);
	if (!reader_file(path, LIMIT_YAML_FILE, &content, &why)) {
		struct text name = text_dup(l->r.arena, path);

		diags_add(l->r.diags, DIAG_ERROR, (struct place){ name.s, 0, 0 }, "",
			  "can't be read: %s", why);
		return;
	}
	load_text(l, path, buf_view(&content));
}

void load_text(struct loading *l, struct text path, struct text content)
{
	const struct yaml_node *root;

	assert(l != NULL && path.n > 0);
	root = read_tree(l, path, content);
	if (root != NULL)
		read_document(l, root);
	scratch_done(l);
}

void load_source(struct loading *l, struct text id, struct text source)
{
	struct text name = text_printf(l->r.arena, "rule %.*s", TEXT_ARG(id));
	const struct yaml_node *root;

	assert(source.n == 0 || source.s != NULL);
	assert(l != NULL);
	root = name.s != NULL ? read_tree(l, name, source) : NULL;
	/* A rule that uses parts of its file was stored as a file with those parts (reuse.c). */
	if (root != NULL && yaml_get(root, "rules") != NULL)
		read_document(l, root);
	else if (root != NULL)
		read_rule(l, root);
	scratch_done(l);
}
