/* SPDX-License-Identifier: Apache-2.0
 *
 * test_branches - see test_branches.h. */
#include "engine/commands/test_branches.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/rules/reader.h"

/* Of a step `if` and its use's, two each, its failure, and two of a for_each. */
#define BRANCHES_MOST (3 + 7 * LIMIT_STEPS)

struct listing {
	struct rule_branch *items;
	size_t count;
};

static void add(struct listing *l, enum branch branch, struct place at, const struct step *step,
		const struct step_use *use)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].branch == branch && l->items[i].at.line == at.line &&
		    l->items[i].at.column == at.column)
			return;
	if (l->count < BRANCHES_MOST)
		l->items[l->count++] = (struct rule_branch){ branch, at, step, use };
}

/* What is done within the engine fails only by its parameters: nobody tests that. */
static bool has_failure(const struct step *step)
{
	return step->reads ||
	       (step->on_error != ON_ERROR_STOP && (step->action == NULL || !step->action->inside));
}

static void add_step(struct listing *l, const struct step *step)
{
	for (const struct step_use *use = step->use; use != NULL; use = use->outer)
		if (use->condition != NULL) {
			add(l, BRANCH_IF, use->at, NULL, use);
			add(l, BRANCH_IF_NOT, use->at, NULL, use);
		}
	if (step->condition != NULL) {
		add(l, BRANCH_IF, step->at, step, NULL);
		add(l, BRANCH_IF_NOT, step->at, step, NULL);
	}
	if (has_failure(step))
		add(l, BRANCH_FAILED, step->at, step, NULL);
	if (step->loop != NULL) {
		add(l, BRANCH_ITEMS, step->at, step, NULL);
		add(l, BRANCH_NO_ITEMS, step->at, step, NULL);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct rule_branch *x = a, *y = b;

	if (x->at.line != y->at.line)
		return x->at.line - y->at.line;
	if (x->at.column != y->at.column)
		return x->at.column - y->at.column;
	return (int)x->branch - (int)y->branch;
}

const struct rule_branch *branches_list(struct arena *arena, const struct rule *rule, size_t *count)
{
	struct listing l = { .items = arena_array(arena, BRANCHES_MOST, sizeof(*l.items)) };

	assert(rule != NULL && count != NULL);
	*count = 0;
	if (l.items == NULL)
		return NULL;
	if (rule->when != NULL) {
		add(&l, BRANCH_WHEN, rule->at, NULL, NULL);
		add(&l, BRANCH_WHEN_NOT, rule->at, NULL, NULL);
	}
	if (rule->clear_first >= 0)
		add(&l, BRANCH_CLEAR, rule->at, NULL, NULL);
	for (int i = 0; i < rule->step_count; i++)
		add_step(&l, &rule->steps[i]);
	qsort(l.items, l.count, sizeof(*l.items), by_place);
	*count = l.count;
	return l.items;
}

/* ---- Taking note. ---- */

static bool took_condition(struct coverage *coverage, struct scope *scope, const struct step *step,
			   bool yes)
{
	struct text id = scope->rule->id, why;
	bool fine = true, hidden = false;

	/* A use's `if` that is false hides the step's own. */
	for (const struct step_use *use = step->use; fine && use != NULL; use = use->outer) {
		struct step alone = { .use = use }, outer = { .use = use->outer };
		bool held = yes || step_condition(scope, &alone, &why) == VERDICT_YES;
		bool asked = yes || held || step_condition(scope, &outer, &why) == VERDICT_YES;

		if (use->condition != NULL && asked)
			fine = coverage_branch(coverage, id, use->at,
					       held ? BRANCH_IF : BRANCH_IF_NOT);
		hidden = hidden || !held;
	}
	if (!fine || hidden || step->condition == NULL)
		return fine;
	return coverage_branch(coverage, id, step->at, yes ? BRANCH_IF : BRANCH_IF_NOT);
}

bool branches_took(struct coverage *coverage, struct scope *scope, int step, enum way way)
{
	const struct rule *rule = scope->rule;
	const struct step *s = &rule->steps[step];
	bool fine = true;

	assert(coverage != NULL && step >= 0 && step < rule->step_count);
	if (step == rule->clear_first)
		fine = coverage_branch(coverage, rule->id, rule->at, BRANCH_CLEAR);
	if (step < rule->main_count && rule->lookup_first >= 0)
		fine = fine && coverage_branch(coverage, rule->id, rule->at, BRANCH_WHEN);
	switch (way) {
	case WAY_IF:
	case WAY_NOT_IF:
		return fine && took_condition(coverage, scope, s, way == WAY_IF);
	case WAY_ITEMS:
		return fine && coverage_branch(coverage, rule->id, s->at, BRANCH_ITEMS);
	case WAY_NO_ITEMS:
		return fine && coverage_branch(coverage, rule->id, s->at, BRANCH_NO_ITEMS);
	case WAY_FAILED:
		return fine && coverage_branch(coverage, rule->id, s->at, BRANCH_FAILED);
	}
	return fine;
}

bool branches_decided(struct coverage *coverage, const struct rule *rule,
		      const struct decision *decision)
{
	assert(coverage != NULL && rule != NULL && decision != NULL);
	if (decision->verdict == VERDICT_YES && rule->lookup_first < 0)
		return coverage_branch(coverage, rule->id, rule->at, BRANCH_WHEN);
	if (decision->verdict == VERDICT_NO && strcmp(decision->part, "when") == 0)
		return coverage_branch(coverage, rule->id, rule->at, BRANCH_WHEN_NOT);
	return true;
}

bool branches_ended(struct coverage *coverage, const struct rule *rule, const struct run_out *run)
{
	assert(coverage != NULL && rule != NULL && run != NULL);
	if (rule->lookup_first < 0)
		return true;
	if (text_is(run->reason, "when is false"))
		return coverage_branch(coverage, rule->id, rule->at, BRANCH_WHEN_NOT);
	if (rule->main_count == 0 && text_is(run->state, run_state_word(RUN_DONE)))
		return coverage_branch(coverage, rule->id, rule->at, BRANCH_WHEN);
	return true;
}

/* ---- Where it is written. ---- */

/* The file of the rule at hand, read again for the places of keys. */
struct written {
	struct arena *arena;
	const char *file; /* NULL: none yet */
	const struct yaml_node *root;
};

static void read_written(struct written *w, const char *file)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO_FINI(buf_fini) struct buf content;
	const char *why, *name;

	buf_init(&content, LIMIT_YAML_FILE);
	if (w->file != NULL && strcmp(w->file, file) == 0)
		return;
	arena_reset(w->arena);
	w->file = file;
	w->root = NULL;
	if (diags == NULL || !reader_file(text_of(file), LIMIT_YAML_FILE, &content, &why))
		return;
	name = diags_source(diags, file, buf_view(&content));
	if (name != NULL)
		w->root = yaml_read(w->arena, diags, name, buf_view(&content));
}

/* The map that begins there. As deep as YAML may be. */
static const struct yaml_node *find_map(const struct yaml_node *node, struct place at)
{
	const struct yaml_node *found = NULL;

	if (node->kind == YAML_MAP && node->at.line == at.line && node->at.column == at.column)
		return node;
	for (size_t i = 0; found == NULL && node->kind == YAML_MAP && i < node->count; i++)
		found = find_map(node->pairs[i].val, at);
	for (size_t i = 0; found == NULL && node->kind == YAML_LIST && i < node->count; i++)
		found = find_map(node->items[i], at);
	return found;
}

static const char *const keys[] = {
	[BRANCH_WHEN] = "when",      [BRANCH_WHEN_NOT] = "when",     [BRANCH_CLEAR] = "clear",
	[BRANCH_IF] = "if",          [BRANCH_IF_NOT] = "if",         [BRANCH_FAILED] = "on_error",
	[BRANCH_ITEMS] = "for_each", [BRANCH_NO_ITEMS] = "for_each",
};

static struct place place_of(struct written *w, const struct rule_branch *b)
{
	const struct yaml_node *map;

	read_written(w, b->at.file);
	map = w->root != NULL ? find_map(w->root, b->at) : NULL;
	for (size_t i = 0; map != NULL && i < map->count; i++)
		if (text_is(map->pairs[i].key->text, keys[b->branch]))
			return (struct place){ b->at.file, map->pairs[i].key->at.line,
					       map->pairs[i].key->at.column };
	return b->at;
}

/* ---- Telling. ---- */

static const char *words_of(const struct rule_branch *b)
{
	static const char *const words[] = {
		[BRANCH_WHEN] = "when is never true",
		[BRANCH_WHEN_NOT] = "when is never false",
		[BRANCH_CLEAR] = "clear is never reached",
		[BRANCH_IF] = "if is never true",
		[BRANCH_IF_NOT] = "if is never false",
		[BRANCH_FAILED] = "it never fails, so on_error isn't reached",
		[BRANCH_ITEMS] = "for_each never has items",
		[BRANCH_NO_ITEMS] = "for_each always has items",
	};

	return b->branch == BRANCH_FAILED && b->step->reads ? "the look-up never fails"
							    : words[b->branch];
}

static struct text name_of(const struct rule_branch *b)
{
	if (b->use != NULL)
		return b->use->prefix.n > 0 ? b->use->prefix : b->use->name;
	if (b->step == NULL)
		return TEXT_NONE;
	return b->step->name.n > 0 ? b->step->name : text_of(b->step->what);
}

static void tell(struct context *context, const struct rule *rule, const struct rule_branch *b,
		 struct place at)
{
	struct buf *out = &context->out;
	struct text name = name_of(b);

	if (context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_str(out, "file", at.file);
		json_int(out, "line", at.line);
		json_int(out, "column", at.column);
		json_text(out, "not_taken", rule->id);
		json_maybe(out, "step", name);
		json_str(out, "branch", words_of(b));
		json_close(out, '}');
		json_line(out);
		return;
	}
	tint_put(out, TINT_WARN, TEXT("not taken: "), context->colour);
	buf_printf(out, "%s:%d:%d: ", at.file, at.line, at.column);
	plain_put(out, rule->id);
	if (name.n > 0)
		buf_char(out, ' ');
	plain_put(out, name);
	buf_printf(out, ": %s\n", words_of(b));
}

static bool report_rule(struct context *context, struct arena *arena, struct written *w,
			const struct rule *rule, const struct coverage *coverage,
			struct branch_counts *out)
{
	size_t count = 0;
	const struct rule_branch *list = branches_list(arena, rule, &count);

	for (size_t i = 0; i < count; i++) {
		bool taken = coverage_took(coverage, rule->id, list[i].at, list[i].branch);

		out->all++;
		out->taken += taken;
		if (!taken && w != NULL)
			tell(context, rule, &list[i], place_of(w, &list[i]));
	}
	return list != NULL;
}

bool branches_report(struct context *context, const struct ruleset *rules,
		     const struct coverage *coverage, bool list, struct branch_counts *out)
{
	AUTO(arena_free) struct arena *arena = arena_new("branches", MIB);
	AUTO(arena_free) struct arena *tree = arena_new("rule file", LIMIT_RULES_ARENA);
	struct written written = { .arena = tree };
	bool fine = arena != NULL && tree != NULL;

	assert(context != NULL && rules != NULL && coverage != NULL && out != NULL);
	*out = (struct branch_counts){ 0 };
	for (size_t i = 0; fine && i < ruleset_count(rules); i++) {
		const struct rule *rule = ruleset_at(rules, i);

		if (rule->mode == MODE_OFF)
			continue;
		fine = report_rule(context, arena, list ? &written : NULL, rule, coverage, out);
		arena_reset(arena);
	}
	return fine;
}
