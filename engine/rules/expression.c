/* SPDX-License-Identifier: Apache-2.0
 *
 * expression - compiling the conditions of a rule, and checking the names they
 * use against what is known: vars, earlier steps, fields of the events. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/cel/shape.h"
#include "engine/rules/field_names.h"
#include "engine/rules/reuse.h"
#include "engine/rules/walker.h"

struct cel_env *load_env(struct loading *l, struct arena *arena)
{
	struct cel_env *env = cel_env_new(arena);

	if (env == NULL)
		return NULL;
	/* In the order of enum variable. */
	cel_env_variable(env, "event", CEL_MAP);
	cel_env_variable(env, "data", CEL_DYN);
	cel_env_variable(env, "before", CEL_DYN);
	cel_env_variable(env, "object", CEL_DYN);
	cel_env_variable(env, "changed", CEL_MAP);
	cel_env_variable(env, "vars", CEL_MAP);
	cel_env_variable(env, "ctx", CEL_MAP);
	cel_env_variable(env, "steps", CEL_MAP);
	cel_env_variable(env, "error", CEL_DYN);
	cel_env_variable(env, "params", CEL_MAP);
	cel_env_variable(env, "lookup", CEL_MAP);
	cel_env_variable(env, "secrets", CEL_MAP);
	cel_env_functions(env, rule_functions);
	cel_env_functions(env, table_functions);
	cel_env_functions(env, entity_functions);
	load_field_types(l, env);
	return env;
}

/* ---- Names. ---- */

#define REMEMBERED 16 /* names reported per expression, so that none is told twice */

struct checking {
	struct loading *l;
	const struct yaml_node *node;
	size_t offset;
	struct text text; /* as written: of the expression, or of a whole `match` */
	const char *variable;
	struct text told[REMEMBERED];
	size_t told_count;
};

static bool first_time(struct checking *c, struct text name)
{
	for (size_t i = 0; i < c->told_count; i++)
		if (text_eq(c->told[i], name))
			return false;
	if (c->told_count < REMEMBERED)
		c->told[c->told_count++] = name;
	return true;
}

static struct place inside(const struct checking *c, size_t at)
{
	struct walker w = walker_of(c->text);

	if (c->node->kind != YAML_MAP)
		return yaml_inside(c->node, c->offset + at);
	w.line = c->node->at.line;
	w.column = c->node->at.column;
	return walker_to(&w, c->node->at.file, at);
}

/* Where variable.path stands in the expression, as far as text search can tell. */
static struct place place_of(const struct checking *c, struct text path)
{
	struct arena *arena = c->l->scratch;
	struct text needle = text_printf(arena, "%s.%.*s", c->variable, TEXT_ARG(path));
	size_t at = needle.s != NULL ? text_find(c->text, needle) : SIZE_MAX;

	if (at != SIZE_MAX)
		return inside(c, at + strlen(c->variable) + 1);
	at = text_find(c->text, path);
	/* In brackets the last part looks otherwise: data.custom_fields["PO"]. */
	while (at == SIZE_MAX && path.n > 0) {
		while (path.n > 0 && path.s[path.n - 1] != '.')
			path.n--;
		path.n -= path.n > 0;
		at = path.n > 0 ? text_find(c->text, path) : SIZE_MAX;
	}
	return inside(c, at != SIZE_MAX ? at : 0);
}

static struct text head_of(struct text path, struct text *rest)
{
	struct text head;

	*rest = text_split(path, '.', &head);
	return head;
}

static void unknown_var(struct checking *c, struct text name)
{
	struct value vars = c->l->config->vars;
	const char *names[64], *hint;
	size_t n = 0;

	for (uint32_t i = 0; i < vars.n && n < 63; i++) {
		struct text key = text_dup(c->l->scratch, value_as_text(vars.pairs[i].key));

		if (key.s != NULL)
			names[n++] = key.s;
	}
	names[n] = NULL;
	hint = reader_nearest(c->l->r.arena, name, names);
	/* A slip of the pen is sure to fail; another name may yet be given by a file of vars. */
	diags_add(c->l->r.diags, hint[0] != '\0' ? DIAG_ERROR : DIAG_WARNING, place_of(c, name),
		  hint[0] != '\0' ? hint : "add it under vars in tappet.yaml",
		  "there is no vars.%.*s", TEXT_ARG(name));
}

static void visit_var(void *of, struct text path)
{
	struct checking *c = of;
	struct text rest, name = head_of(path, &rest);

	if (name.n == 0 || parts_var(c->l->parts, name) ||
	    value_get(c->l->config->vars, name) != NULL || !first_time(c, name))
		return;
	if (config_is_bare(c->l->config)) /* nobody said anything: its name stands for it */
		value_map_add(&c->l->stand_ins, value_text(text_dup(c->l->set->arena, name)),
			      value_text(text_dup(c->l->set->arena, name)));
	else
		unknown_var(c, name);
}

/* The name as the list under way gives it, or empty: it stands in another list. */
static struct text seen_name(const struct loading *l, const struct step *step)
{
	struct text name = step->name, head;

	if (l->use != NULL) {
		struct text prefix = l->use->prefix;

		if (name.n <= prefix.n || name.s[prefix.n] != '/' || !text_starts(name, prefix))
			return TEXT_NONE;
		name = (struct text){ name.s + prefix.n + 1, name.n - prefix.n - 1 };
	}
	(void)text_split(name, '/', &head); /* a use goes by its own name */
	return head;
}

/* The last step of the name: of a use, its last one. */
static int step_named(const struct loading *l, struct text name)
{
	for (int i = l->step_count; i-- > l->visible_from;)
		if (name.n > 0 && text_eq(seen_name(l, &l->steps[i]), name))
			return i;
	return -1;
}

/* Steps before it may be named: in a for_each also those of its own. */
static bool visible(const struct loading *l, int i)
{
	if (l->within >= 0 && i >= l->within)
		return i >= l->body_from && (l->handled < 0 || i <= l->handled);
	return i < (l->use != NULL ? l->step_count : l->visible);
}

static void unknown_step(struct checking *c, struct text name)
{
	const struct loading *l = c->l;
	const char *names[64], *hint;
	size_t n = 0;

	for (int i = l->visible_from; i < l->step_count && n < 63; i++) {
		struct text seen = text_dup(l->scratch, seen_name(l, &l->steps[i]));

		if (seen.n > 0 && visible(l, i))
			names[n++] = seen.s;
	}
	names[n] = NULL;
	hint = reader_nearest(l->r.arena, name, names);
	if (hint[0] == '\0')
		hint = "give an earlier step a name with as: NAME";
	diags_add(l->r.diags, DIAG_ERROR, place_of(c, name), hint,
		  "there is no earlier step \"%.*s\"", TEXT_ARG(name));
}

static void visit_step(void *of, struct text path)
{
	static const char *const members[] = { "result", "status", "error", NULL };
	struct checking *c = of;
	struct text rest, name = head_of(path, &rest), member = head_of(rest, &rest);
	int i = name.n > 0 ? step_named(c->l, name) : -1;

	if (name.n == 0)
		return;
	if ((i < 0 || !visible(c->l, i)) && first_time(c, name)) {
		unknown_step(c, name);
	} else if (i >= 0 && member.n > 0 && !text_is(member, "result") &&
		   !text_is(member, "status") && !text_is(member, "error") && first_time(c, path)) {
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, path),
			  reader_nearest(c->l->r.arena, member, members),
			  "a step has result, status and error, no \"%.*s\"", TEXT_ARG(member));
	}
}

static const char *const event_fields[] = { "id",         "source", "type",  "subject", "time",
					    "connection", "seq",    "depth", NULL };
static const char *const ctx_fields[] = { "now", NULL };
static const char *const param_hint[] = { "what its action declares under params", NULL };
static const char *const error_fields[] = { "step", "action", "message", "status", NULL };

static const char *fixed_hint(const struct checking *c, struct text name, const char *const *fields)
{
	const char *near = reader_nearest(c->l->r.arena, name, fields);
	struct text all;

	if (near[0] != '\0')
		return near;
	if (text_is(name, "data") || text_is(name, "before"))
		return "it is a name of its own: write it without event.";
	all = text_printf(c->l->r.arena, "%s has %s", c->variable, fields[0]);
	for (size_t i = 1; fields[i] != NULL && all.s != NULL; i++)
		all = text_printf(c->l->r.arena, "%.*s, %s", TEXT_ARG(all), fields[i]);
	return all.s != NULL ? all.s : "";
}

static void visit_fixed(struct checking *c, struct text path, const char *const *fields)
{
	struct text rest, name = head_of(path, &rest);

	for (size_t i = 0; fields[i] != NULL; i++)
		if (text_is(name, fields[i]))
			return;
	if (name.n > 0 && first_time(c, name))
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, name), fixed_hint(c, name, fields),
			  "there is no %s.%.*s", c->variable, TEXT_ARG(name));
}

static void visit_event(void *of, struct text path)
{
	visit_fixed(of, path, event_fields);
}

static void visit_ctx(void *of, struct text path)
{
	visit_fixed(of, path, ctx_fields);
}

static void visit_error(void *of, struct text path)
{
	struct checking *c = of;

	/* A define is evaluated where it is used, which may be such a step. */
	if (c->l->handled < 0 && c->l->defining == NULL) {
		if (first_time(c, TEXT("error")))
			diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, path),
				  "${steps.NAME.error} tells of an earlier step that failed",
				  "error is known in the steps of on_error only");
		return;
	}
	visit_fixed(of, path, error_fields);
}

static void visit_param(void *of, struct text path)
{
	struct checking *c = of;
	const struct step_use *use = c->l->use;
	struct text rest, name = head_of(path, &rest);
	const char *names[64];
	size_t n = 0;

	if (use == NULL || c->l->defining != NULL) {
		if (first_time(c, TEXT("params")))
			diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, path),
				  "what a file needs from tappet.yaml is read as vars.NAME",
				  "params is known in the steps of an action only");
		return;
	}
	for (const struct param *row = use->params; row->name != NULL && n < 63; row++) {
		names[n++] = row->name;
		if (name.n == 0 || text_is(name, row->name))
			return;
	}
	names[n] = NULL;
	if (name.n > 0 && first_time(c, name))
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, name),
			  fixed_hint(c, name, n > 0 ? names : param_hint),
			  "the action %.*s has no parameter \"%.*s\"", TEXT_ARG(use->name),
			  TEXT_ARG(name));
}

/* Known, and not yet made where it is read. */
static void early_lookup(struct checking *c, struct text name)
{
	if (c->l->clearing)
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, name),
			  "read it again in a step of clear",
			  "clear has no look-ups: it also runs when match alone is false");
	else if (!c->l->looking)
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, name),
			  "when, live_when and the steps may read it",
			  "look-ups are made after define and key");
	else
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, name),
			  "a look-up uses only those before it",
			  "the look-up \"%.*s\" is not made before this one", TEXT_ARG(name));
}

/* A poll asks for what rules read; a look-up only for what it says. */
static void unasked(struct checking *c, const struct yaml_node *lookup, struct text path,
		    struct text member)
{
	const char *param = lookup_leaves_out(lookup, member);
	struct text hint;

	if (param == NULL || !first_time(c, path))
		return;
	hint = text_printf(c->l->r.arena, "add %s: [%.*s] to the look-up", param, TEXT_ARG(member));
	diags_add(c->l->r.diags, DIAG_WARNING, place_of(c, path), hint.s != NULL ? hint.s : "",
		  "the look-up doesn't ask for \"%.*s\", so it isn't there", TEXT_ARG(member));
}

static void visit_lookup(void *of, struct text path)
{
	struct checking *c = of;
	const struct yaml_node *map = c->l->lookups;
	struct text rest, name = head_of(path, &rest);
	const char *names[64];
	size_t n = 0;

	for (size_t i = 0; map != NULL && i < map->count; i++) {
		if (name.n == 0 || text_eq(map->pairs[i].key->text, name)) {
			if (i >= c->l->looked_up && first_time(c, name))
				early_lookup(c, name);
			else if (i < c->l->looked_up && name.n > 0)
				unasked(c, map->pairs[i].val, path, head_of(rest, &rest));
			return;
		}
		if (n < 63)
			names[n++] = text_dup(c->l->scratch, map->pairs[i].key->text).s;
	}
	names[n] = NULL;
	if (c->l->lookups_wrong || !first_time(c, name))
		return;
	if (map == NULL)
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, path),
			  "lookup: { NAME: { kantata.workspace.show: { id: \"${data.x}\" } } }",
			  "the rule has no look-ups");
	else
		diags_add(c->l->r.diags, DIAG_ERROR, place_of(c, name),
			  reader_nearest(c->l->r.arena, name, names),
			  "there is no look-up \"%.*s\"", TEXT_ARG(name));
}

static void visit_secret(void *of, struct text path)
{
	struct checking *c = of;

	if (first_time(c, TEXT("secrets")))
		secrets_refuse(c->l, place_of(c, path), path);
}

static void unknown_field(struct checking *c, struct text path)
{
	const struct loading *l = c->l;
	const char *variable = c->node->kind == YAML_MAP ? "" : c->variable; /* match */
	const char *hint = field_hint(l->r.arena, l->kinds, l->kind_count, variable, path);

	diags_add(l->r.diags, DIAG_WARNING, place_of(c, path),
		  hint[0] != '\0' ? hint : "a field the product added later works all the same",
		  "%s has no known field \"%.*s\"", l->kinds[0]->name, TEXT_ARG(path));
}

static void visit_field(void *of, struct text path)
{
	struct checking *c = of;
	const struct loading *l = c->l;

	if (path.n == 0 || !l->kinds_known || l->kind_count == 0)
		return;
	for (size_t i = 0; i < l->kind_count; i++)
		if (field_is_known(l->kinds[i], path))
			return;
	if (first_time(c, path))
		unknown_field(c, path);
}

void load_check_names(struct loading *l, const struct cel_program *program,
		      const struct yaml_node *node, size_t offset)
{
	static const struct {
		const char *variable;
		void (*visit)(void *of, struct text path);
	} rules[] = { { "vars", visit_var },      { "steps", visit_step },
		      { "event", visit_event },   { "ctx", visit_ctx },
		      { "error", visit_error },   { "data", visit_field },
		      { "before", visit_field },  { "object", visit_field },
		      { "params", visit_param },  { "lookup", visit_lookup },
		      { "secrets", visit_secret } };
	struct checking c = { .l = l, .node = node, .offset = offset };

	assert(l != NULL && program != NULL && node != NULL);
	c.text = cel_program_text(program);
	if (node->kind == YAML_MAP) /* `match`: the program's text is made up */
		c.text = (struct text){ node->source, node->to - node->from };
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		c.variable = rules[i].variable;
		c.told_count = 0;
		cel_program_paths(program, c.variable, rules[i].visit, &c);
	}
}

/* ---- Compiling. ---- */

/* A name at the start of the text. */
static struct text leading_name(struct text t)
{
	size_t n = 0;

	while (n < t.n && (t.s[n] == '_' || ((t.s[n] | 32) >= 'a' && (t.s[n] | 32) <= 'z') ||
			   (t.s[n] >= '0' && t.s[n] <= '9')))
		n++;
	return (struct text){ t.s, n };
}

/* True after reporting a define that uses itself, or one below it. */
static bool defined_too_late(struct loading *l, const struct yaml_node *node, struct text text,
			     size_t offset)
{
	const struct yaml_node *map = l->defining;
	struct text name;

	if (map == NULL || offset >= text.n)
		return false;
	name = leading_name((struct text){ text.s + offset, text.n - offset });
	for (size_t i = l->defined; i < map->count; i++) {
		if (!text_eq(map->pairs[i].key->text, name))
			continue;
		diags_add(l->r.diags, DIAG_ERROR, yaml_inside(node, offset),
			  "a define uses only those before it",
			  i == l->defined ? "%.*s is what is being defined"
					  : "%.*s is defined below",
			  TEXT_ARG(name));
		return true;
	}
	return false;
}

static const char comment_hint[] = "YAML takes \" #\" for a comment: put the whole value in quotes";

/* A scalar whose text from `offset` on is an expression. */
struct written {
	const struct yaml_node *node;
	size_t offset;
};

static struct place place_in(void *of, size_t offset)
{
	const struct written *written = of;

	return yaml_inside(written->node, written->offset + offset);
}

const struct cel_program *load_expression(struct loading *l, const struct yaml_node *node,
					  struct text text, size_t offset)
{
	struct written written = { node, offset };
	const struct cel_program *program;
	struct cel_issue issue;
	enum fate fate;

	assert(l != NULL && l->env != NULL);
	fate = cel_compile(l->env, l->r.arena, text, &program, &issue);
	if (fate != FATE_OK && node->mended && text.n > 0 && strchr("&*@%`|", text.s[0]) != NULL)
		return NULL; /* no expression starts like that, and its quotes were asked for */
	if (fate != FATE_OK && defined_too_late(l, node, text, issue.offset))
		return NULL;
	if (fate != FATE_OK) {
		diags_add(l->r.diags, DIAG_ERROR, yaml_inside(node, offset + issue.offset),
			  issue.hint[0] == '\0' && node->comment_follows ? comment_hint
									 : issue.hint,
			  "%s", issue.what);
		return NULL;
	}
	if (!load_check_calls(l, program, place_in, &written))
		return NULL; /* a path of data that is read as text is no unknown field, too */
	load_check_names(l, program, node, offset);
	load_check_division(l, program, place_in, &written);
	return load_check_cost(l, program, place_in, &written) ? program : NULL;
}

/* "'data.x > 1'" in YAML's quotes and its own is a text. */
static const struct cel_program *refuse_condition(struct loading *l, const struct yaml_node *node,
						  const struct cel_program *program)
{
	bool text = cel_program_type(program) == CEL_TEXT &&
		    cel_part(program, cel_root(program)).code == CEL_CODE_CONSTANT;

	diags_add(l->r.diags, DIAG_ERROR, node->quoted ? yaml_inside(node, 0) : node->at,
		  text ? "quotes of YAML are no quotes of the expression"
		       : "compare it: == != < > or has(...)",
		  "a condition must be true or false; this is %s",
		  cel_type_name(cel_program_type(program)));
	return NULL;
}

const struct cel_program *load_condition(struct loading *l, const struct yaml_node *node)
{
	const struct cel_program *program;
	enum cel_type type;

	assert(l != NULL && node != NULL);
	if (node->kind == YAML_LIST || node->kind == YAML_MAP || node->kind == YAML_NULL) {
		reader_error(&l->r, node,
			     node->kind == YAML_NULL
				 ? "write an expression, like data.total > 0"
				 : "a condition that starts with [ or { needs quotes",
			     "a condition must be a text, not %s", yaml_kind_words(node));
		return NULL;
	}
	program = load_expression(l, node, node->text, 0);
	type = program != NULL ? cel_program_type(program) : CEL_BOOL;
	if (type != CEL_BOOL && type != CEL_DYN)
		return refuse_condition(l, node, program);
	return program;
}
