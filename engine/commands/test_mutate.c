/* SPDX-License-Identifier: Apache-2.0
 *
 * test_mutate - see test_mutate.h.
 *
 * Changes are made in the text, where the tree of the file says that a condition
 * stands, so that what is told has the place it was written at. A change that
 * `check` refuses is none: nobody could have written it. */
#include "engine/commands/test_mutate.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/rules/reader.h"

/* What a piece of the text becomes. */
struct change {
	size_t from, to; /* bytes of the file */
	char with[24];
};

struct mutating {
	const struct mutate *m;
	struct text path, content; /* of the file at hand */
	struct arena *file;        /* its tree */
	const struct rule *rule;
	size_t made, refused, survived;
	bool failed; /* memory is out */
};

/* ---- Playing the tests. ---- */

static bool all_pass(const struct mutating *u, struct ruleset *rules, bool *failed)
{
	const struct mutate *m = u->m;
	size_t number = u->rule->number;
	bool pass = true;

	for (size_t i = 0; pass && !*failed && i < m->counts[number]; i++) {
		const struct test_case *test = &m->cases[number][i];
		struct test_outcome result;
		AUTO(coverage_free) struct coverage *coverage = coverage_new();

		*failed = coverage == NULL || test_world_play(m->arena, m->config, rules, test,
							      coverage, &result) != FATE_OK;
		pass = !*failed && test_passes(m->arena, test, &result);
		arena_reset(m->arena);
	}
	return pass;
}

static struct text changed_text(struct arena *arena, struct text t, const struct change *c)
{
	return text_printf(arena, "%.*s%s%.*s", (int)c->from, t.s, c->with, (int)(t.n - c->to),
			   t.s + c->to);
}

/* Line and column of a byte of the file. */
static struct place place_of(const struct mutating *u, size_t at)
{
	struct place p = { u->path.s, 1, 1 };

	for (size_t i = 0; i < at; i++) {
		unsigned char c = (unsigned char)u->content.s[i];

		p.line += c == '\n';
		p.column = c == '\n' ? 1 : p.column + ((c & 0xC0) != 0x80);
	}
	return p;
}

static struct text line_of(const struct mutating *u, size_t at)
{
	size_t from = at, to = at;

	while (from > 0 && u->content.s[from - 1] != '\n')
		from--;
	while (to < u->content.n && u->content.s[to] != '\n')
		to++;
	return text_trim((struct text){ u->content.s + from, to - from });
}

static void tell(const struct mutating *u, const struct change *c)
{
	struct buf *out = &u->m->context->out;
	struct place at = place_of(u, c->from);
	struct text was = { u->content.s + c->from, c->to - c->from };

	if (u->m->context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_str(out, "file", at.file);
		json_int(out, "line", at.line);
		json_int(out, "column", at.column);
		json_text(out, "rule", u->rule->id);
		json_text(out, "was", was);
		json_str(out, "became", c->with);
		json_close(out, '}');
		json_line(out);
		return;
	}
	tint_put(out, TINT_WARN, TEXT("survived  "), u->m->context->colour);
	buf_printf(out, "%s:%d:%d: ", at.file, at.line, at.column);
	plain_put(out, u->rule->id);
	buf_str(out, ": \"");
	plain_put(out, was);
	buf_printf(out, "\" became \"%s\" in: ", c->with);
	plain_put(out, line_of(u, c->from));
	buf_char(out, '\n');
}

static void try_change(struct mutating *u, const struct change *c)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(arena_free) struct arena *arena = arena_new("changed rules", LIMIT_RULES_ARENA);
	struct ruleset *set = NULL;

	if (u->failed || u->made + u->refused >= LIMIT_MUTATIONS)
		return;
	u->failed = diags == NULL || arena == NULL;
	if (!u->failed)
		set = ruleset_load_beside(u->m->config, u->m->rules, u->path,
					  changed_text(arena, u->content, c), diags);
	if (set == NULL || diags_errors(diags) > 0) {
		u->refused += !u->failed;
	} else {
		u->made++;
		if (all_pass(u, set, &u->failed) && !u->failed) {
			u->survived++;
			tell(u, c);
		}
	}
	ruleset_free(set);
	u->failed = u->failed || !context_flush(u->m->context);
}

static void change(struct mutating *u, size_t from, size_t n, const char *with)
{
	struct change c = { .from = from, .to = from + n };

	(void)snprintf(c.with, sizeof(c.with), "%s", with);
	try_change(u, &c);
}

/* ---- Expressions, token by token. ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || is_digit(c);
}

/* A number's last digit becomes the next one: 90 becomes 91, 0.5 becomes 0.6. */
static size_t change_number(struct mutating *u, struct text t, size_t at, size_t base)
{
	size_t n = at;
	char with[24];

	while (n < t.n &&
	       (is_digit(t.s[n]) || (t.s[n] == '.' && n + 1 < t.n && is_digit(t.s[n + 1]))))
		n++;
	if (n - at >= sizeof(with))
		return n;
	memcpy(with, t.s + at, n - at);
	with[n - at] = '\0';
	if (with[n - at - 1] == '9')
		with[n - at - 1] = '8';
	else
		with[n - at - 1]++;
	change(u, base + at, n - at, with);
	return n;
}

static size_t change_word(struct mutating *u, struct text t, size_t at, size_t base)
{
	size_t n = at;

	while (n < t.n && is_word(t.s[n]))
		n++;
	struct text word = { t.s + at, n - at };

	if (text_is(word, "true"))
		change(u, base + at, word.n, "false");
	else if (text_is(word, "false"))
		change(u, base + at, word.n, "true");
	else if (text_is(word, "exists"))
		change(u, base + at, word.n, "all");
	else if (text_is(word, "all"))
		change(u, base + at, word.n, "exists");
	return n;
}

static size_t change_operator(struct mutating *u, struct text t, size_t at, size_t base)
{
	static const char *const pairs[][2] = {
		{ "&&", "||" }, { "||", "&&" }, { "==", "!=" }, { "!=", "==" }, { ">=", ">" },
		{ "<=", "<" },  { ">", ">=" },  { "<", "<=" },  { "!", "" },
	};
	struct text rest = { t.s + at, t.n - at };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (!text_starts(rest, text_of(pairs[i][0])))
			continue;
		change(u, base + at, strlen(pairs[i][0]), pairs[i][1]);
		return at + strlen(pairs[i][0]);
	}
	return at + 1;
}

/* A text gets another last character; an empty one stays. */
static size_t change_quoted(struct mutating *u, struct text t, size_t at, size_t base)
{
	size_t n = at + 1;

	while (n < t.n && t.s[n] != t.s[at])
		n += t.s[n] == '\\' ? 2 : 1;
	if (n < t.n && n > at + 1 && is_word(t.s[n - 1]))
		change(u, base + n - 1, 1, t.s[n - 1] == 'x' ? "y" : "x");
	return n + 1;
}

/* A scalar that is an expression. Quotes of YAML around it are not those of a text in it. */
static void change_expression(struct mutating *u, const struct yaml_node *node)
{
	struct text t = { u->content.s + node->from, node->to - node->from };
	size_t i = 0, end = t.n;

	if (node->kind == YAML_MAP || node->kind == YAML_LIST || node->block)
		return;
	if (node->quoted && t.n >= 2) {
		i = 1;
		end = t.n - 1;
	}
	t.n = end;
	while (i < end) {
		if (t.s[i] == '\'' || t.s[i] == '"')
			i = change_quoted(u, t, i, node->from);
		else if (is_digit(t.s[i]))
			i = change_number(u, t, i, node->from);
		else if (is_word(t.s[i]))
			i = change_word(u, t, i, node->from);
		else
			i = change_operator(u, t, i, node->from);
	}
}

/* ---- match. ---- */

static void change_match_key(struct mutating *u, const struct yaml_node *key)
{
	static const char *const pairs[][2] = {
		{ "ge", "gt" }, { "gt", "ge" }, { "le", "lt" },         { "lt", "le" },
		{ "eq", "ne" }, { "ne", "eq" }, { "prefix", "suffix" }, { "suffix", "prefix" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (text_is(key->text, pairs[i][0]))
			change(u, key->from, key->to - key->from, pairs[i][1]);
}

/* A plain text gets another last character. */
static void change_plain(struct mutating *u, const struct yaml_node *node)
{
	size_t last = node->to - (node->quoted ? 2 : 1);

	if (text_find(node->text, TEXT("${")) != SIZE_MAX || node->text.n == 0 ||
	    last <= node->from || !is_word(u->content.s[last]))
		return;
	change(u, last, 1, u->content.s[last] == 'x' ? "y" : "x");
}

/* As deep as YAML may be nested. */
static void change_match(struct mutating *u, const struct yaml_node *node)
{
	for (size_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
		change_match_key(u, node->pairs[i].key);
		change_match(u, node->pairs[i].val);
	}
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		change_match(u, node->items[i]);
	if (node->kind == YAML_TEXT && !node->block)
		change_plain(u, node);
	else if (node->kind == YAML_INT || node->kind == YAML_FLOAT || node->kind == YAML_BOOL)
		change_expression(u, node);
}

/* ---- Rules. ---- */

static void change_defines(struct mutating *u, const struct yaml_node *map)
{
	for (size_t i = 0; map != NULL && map->kind == YAML_MAP && i < map->count; i++)
		change_expression(u, map->pairs[i].val);
}

static void change_steps(struct mutating *u, const struct yaml_node *list)
{
	for (size_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		const struct yaml_node *step = list->items[i], *node;

		if (step->kind != YAML_MAP)
			continue;
		if ((node = yaml_get(step, "if")) != NULL)
			change_expression(u, node);
		change_steps(u, yaml_get(step, "on_error"));
	}
}

static void change_rule(struct mutating *u, const struct yaml_node *map)
{
	static const char *const expressions[] = { "when", "key", "live_when" };
	const struct yaml_node *node;

	if ((node = yaml_get(map, "match")) != NULL)
		change_match(u, node);
	change_defines(u, yaml_get(map, "define"));
	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++)
		if ((node = yaml_get(map, expressions[i])) != NULL)
			change_expression(u, node);
	change_steps(u, yaml_get(map, "do"));
	change_steps(u, yaml_get(map, "clear"));
}

/* The rules of the file at hand that have tests. */
static void change_file(struct mutating *u, const struct yaml_node *root)
{
	const struct yaml_node *rules = yaml_get(root, "rules");

	for (size_t i = 0; rules != NULL && rules->kind == YAML_LIST && i < rules->count; i++) {
		const struct yaml_node *id = yaml_get(rules->items[i], "id");

		u->rule = id != NULL ? ruleset_find(u->m->rules, id->text) : NULL;
		if (u->rule != NULL && u->m->counts[u->rule->number] > 0)
			change_rule(u, rules->items[i]);
	}
}

static void read_file(struct mutating *u, struct text path)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO_FINI(buf_fini) struct buf content;
	const struct yaml_node *root;
	const char *why, *name;

	buf_init(&content, LIMIT_YAML_FILE);
	if (diags == NULL || !reader_file(path, LIMIT_YAML_FILE, &content, &why)) {
		u->failed = true;
		return;
	}
	arena_reset(u->file);
	u->path = text_dup(u->file, path);
	u->content = text_dup(u->file, buf_view(&content));
	name = diags_source(diags, u->path.s, u->content);
	root = name != NULL ? yaml_read(u->file, diags, name, u->content) : NULL;
	/* What quotes had to be put around isn't where the tree says; such a file has mistakes. */
	if (root != NULL && diags_errors(diags) == 0)
		change_file(u, root);
}

static bool first_of_file(const struct ruleset *rules, size_t i)
{
	const char *file = ruleset_at(rules, i)->at.file;

	return i == 0 || strcmp(ruleset_at(rules, i - 1)->at.file, file) != 0;
}

static void summary(const struct mutating *u)
{
	struct context *context = u->m->context;
	struct buf *out = &context->out;
	bool cut = u->made + u->refused >= LIMIT_MUTATIONS;

	if (context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_int(out, "changes", (int64_t)u->made);
		json_int(out, "survived", (int64_t)u->survived);
		json_bool(out, "all", !cut);
		json_close(out, '}');
		json_line(out);
		return;
	}
	buf_printf(out, "%zu change%s, %zu noticed, %zu survived%s\n", u->made,
		   u->made == 1 ? "" : "s", u->made - u->survived, u->survived,
		   cut ? "; there are more, name fewer rules" : "");
}

int test_mutate(const struct mutate *m)
{
	AUTO(arena_free) struct arena *file = arena_new("rule file", LIMIT_RULES_ARENA);
	struct mutating u = { .m = m, .file = file, .failed = file == NULL };

	assert(m != NULL && m->context != NULL && m->rules != NULL);
	for (size_t i = 0; !u.failed && i < ruleset_count(m->rules); i++)
		if (first_of_file(m->rules, i))
			read_file(&u, text_of(ruleset_at(m->rules, i)->at.file));
	if (u.failed)
		return context_fail(m->context, COMMAND_FAILED, "memory is out, or a file is gone");
	summary(&u);
	return u.survived > 0 ? COMMAND_FAILED : COMMAND_OK;
}
