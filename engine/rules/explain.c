/* SPDX-License-Identifier: Apache-2.0
 *
 * explain - part by part; see explain.h. */
#include "engine/rules/explain.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/rules/evaluate.h"
#include "engine/rules/explain_node.h"

struct explaining {
	struct scope *scope;
	struct arena *trees;
	struct cel_vars vars;
	const struct cel_trace **defines;
	const struct cel_trace *match, *key, *when;
	struct explanation *out;
};

static struct noder noder_of(const struct explaining *e, bool sugar)
{
	return (struct noder){ e->trees, e->scope->event, sugar };
}

/* ---- Parts. ---- */

static enum explain_outcome condition_outcome(struct value v)
{
	if (!value_is(v, VALUE_BOOL))
		return EXPLAIN_BLIND;
	return v.b ? EXPLAIN_OK : EXPLAIN_NO;
}

static enum explain_outcome key_outcome(struct value v)
{
	bool fits = value_is(v, VALUE_TEXT) || value_is(v, VALUE_INT) || value_is(v, VALUE_UINT) ||
		    value_is(v, VALUE_BOOL);

	return fits ? EXPLAIN_OK : EXPLAIN_BLIND;
}

/* NULL when the rule has no such part, or its parts take too much memory. */
static const struct cel_trace *explain_program(const struct explaining *e,
					       const struct cel_program *program, bool sugar,
					       struct explain_part *out)
{
	const struct noder noder = noder_of(e, sugar);
	const struct cel_trace *trace = NULL;

	*out = (struct explain_part){ .outcome = EXPLAIN_NONE };
	if (program == NULL)
		return NULL;
	out->value = scope_eval(e->scope, program);
	trace = cel_trace(program, e->trees, &e->vars);
	if (trace != NULL)
		out->nodes = explain_nodes_of(&noder, trace);
	out->cut = arena_failed(e->trees);
	if (!out->cut)
		return trace;
	out->nodes = (struct explain_nodes){ 0 };
	return NULL;
}

static void explain_parts(struct explaining *e)
{
	const struct rule *rule = e->scope->rule;
	struct explanation *out = e->out;
	bool taken = out->on && out->from;

	e->match = explain_program(e, rule->match, true, &out->match);
	e->key = explain_program(e, rule->key, false, &out->key);
	e->when = explain_program(e, rule->when, false, &out->when);
	if (rule->match != NULL)
		out->match.outcome = condition_outcome(out->match.value);
	if (rule->key != NULL)
		out->key.outcome = key_outcome(out->key.value);
	if (rule->when != NULL)
		out->when.outcome = condition_outcome(out->when.value);
	if (rule->lookup_first >= 0 && value_is(e->scope->steps, VALUE_NULL) &&
	    out->when.outcome != EXPLAIN_NO && rule->when != NULL)
		out->when.outcome = EXPLAIN_LATER;
	/* As rule_decide asks: `when` may still be false where something failed. */
	out->match.reached = taken;
	out->key.reached = taken && (rule->match == NULL || out->match.outcome == EXPLAIN_OK);
	out->when.reached = taken && (rule->match == NULL || out->match.outcome != EXPLAIN_NO);
}

static void explain_defines(struct explaining *e)
{
	const struct rule *rule = e->scope->rule;
	struct arena *arena = e->scope->arena;
	struct explain_define *defines = arena_zero(arena, rule->define_count * sizeof(*defines));

	e->defines = arena_zero(arena, rule->define_count * sizeof(const struct cel_trace *));
	for (size_t i = 0; i < rule->define_count && !arena_failed(arena); i++) {
		struct explain_part part;

		e->defines[i] = explain_program(e, rule->defines[i].program, false, &part);
		defines[i] = (struct explain_define){ rule->defines[i].name, part.value, part.nodes,
						      part.cut };
	}
	e->out->defines = defines;
	e->out->define_count = rule->define_count;
}

static bool takes(const struct rule *rule, struct text type)
{
	for (size_t i = 0; i < rule->on_count; i++)
		if (event_glob(rule->on[i], type))
			return true;
	return false;
}

/* ---- Where. ---- */

static struct place place_in_match(const struct rule_written *written, size_t offset)
{
	struct place at = { 0 };

	for (size_t i = 0; i < written->piece_count && written->pieces[i].from <= offset; i++)
		at = written->pieces[i].at;
	return at;
}

static struct place place_in(const struct yaml_node *node, size_t offset)
{
	bool scalar = node != NULL && node->kind != YAML_MAP && node->kind != YAML_LIST;

	return scalar ? yaml_inside(node, offset) : (struct place){ 0 };
}

/* A part that failed: which expression, and the trace of it. */
struct failing {
	const struct cel_program *program;
	const struct cel_trace *trace;
	const struct yaml_node *node;
};

static size_t offset_of(const struct failing *f)
{
	return (size_t)(cel_trace_decider(f->trace)->part.text.s - cel_program_text(f->program).s);
}

/* What a define could not be evaluated for stands there: true when *f is now the define's. */
static bool into_define(const struct explaining *e, struct failing *f)
{
	const struct cel_part *part = &cel_trace_decider(f->trace)->part;
	const struct yaml_node *map = yaml_get(e->scope->rule->written->map, "define");
	uint32_t i;

	if (part->code != CEL_CODE_VARIABLE || part->variable < VARIABLES || map == NULL)
		return false;
	i = part->variable - VARIABLES;
	assert(i < e->scope->rule->define_count);
	if (e->defines[i] == NULL)
		return false;
	*f = (struct failing){ e->scope->rule->defines[i].program, e->defines[i],
			       map->pairs[i].val };
	return true;
}

/* Where the part that failed stands. */
static struct place failing_place(const struct explaining *e)
{
	const struct rule *rule = e->scope->rule;
	const char *part = e->out->decision.part;
	struct failing f = { rule->key, e->key, yaml_get(rule->written->map, part) };
	bool match = strcmp(part, "match") == 0;

	if (match)
		f = (struct failing){ rule->match, e->match, NULL };
	else if (strcmp(part, "when") == 0)
		f = (struct failing){ rule->when, e->when, f.node };
	if (f.trace == NULL)
		return (struct place){ 0 };
	/* A define names earlier ones only, so this ends. */
	while (into_define(e, &f))
		match = false;
	return match ? place_in_match(rule->written, offset_of(&f))
		     : place_in(f.node, offset_of(&f));
}

/* ---- In a sentence. ---- */

static void put_types(struct buf *out, const struct rule *rule)
{
	for (size_t i = 0; i < rule->on_count; i++)
		buf_printf(out, "%s%.*s", i > 0 ? ", " : "", TEXT_ARG(rule->on[i]));
}

static void put_false(const struct explaining *e, struct buf *out, const char *part)
{
	bool match = strcmp(part, "match") == 0;
	const struct noder noder = noder_of(e, match);
	struct text reason =
	    explain_reason(&noder, match ? e->out->match.nodes : e->out->when.nodes);

	buf_printf(out, "%s is false", part);
	if (reason.n > 0)
		buf_printf(out, " because %.*s", TEXT_ARG(reason));
}

static void explain_because(struct explaining *e)
{
	const struct decision *d = &e->out->decision;
	const struct rule *rule = e->scope->rule;
	AUTO_FINI(buf_fini) struct buf out;

	buf_init(&out, LIMIT_EXPR);
	if (d->verdict == VERDICT_YES)
		return;
	if (d->verdict == VERDICT_BLIND) {
		buf_printf(&out, "%s can't be evaluated: %.*s", d->part, TEXT_ARG(d->why));
	} else if (strcmp(d->part, "on") == 0) {
		buf_str(&out, "it is for ");
		put_types(&out, rule);
	} else if (strcmp(d->part, "from") == 0) {
		buf_printf(&out, "it takes events from %.*s, and this one came from %.*s",
			   TEXT_ARG(rule->from), TEXT_ARG(event_from(e->scope->event)));
	} else {
		put_false(e, &out, d->part);
	}
	e->out->because = text_dup(e->scope->arena, buf_view(&out));
}

bool rule_explain(struct scope *scope, struct arena *trees, struct explanation *out)
{
	struct explaining e = { .scope = scope, .trees = trees, .out = out };
	const struct rule *rule;

	assert(scope != NULL && trees != NULL && out != NULL && scope->rule != NULL &&
	       scope->event != NULL);
	rule = scope->rule;
	assert(rule->written != NULL && rule->written->map != NULL);
	*out = (struct explanation){ .decision = rule_decide(scope) };
	e.vars = scope_vars(scope);
	out->on = takes(rule, scope->event->type);
	out->from = rule->from.n == 0 || text_eq(rule->from, event_from(scope->event));
	explain_defines(&e);
	explain_parts(&e);
	if (arena_failed(scope->arena))
		return false;
	explain_because(&e);
	if (out->decision.verdict == VERDICT_YES)
		(void)rule_lane(scope, &out->lane, &out->laneless);
	if (out->decision.verdict == VERDICT_BLIND)
		out->at = failing_place(&e);
	return !arena_failed(scope->arena);
}

struct place rule_begins(const struct rule *rule)
{
	assert(rule != NULL && rule->written != NULL);
	return rule->written->map->at;
}
