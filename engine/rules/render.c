/* SPDX-License-Identifier: Apache-2.0
 *
 * render - see render.h. */
#include "engine/rules/render.h"

#include <assert.h>
#include <stdio.h>

#include "engine/rules/load.h"

/* What is known of a step that was reached. */
struct reached {
	bool unknown; /* it would be sent, or nobody knows: its result is open */
	bool known;   /* skipped or failed: there is no result */
	struct text error;
};

struct rendering_now {
	const struct rendering *given;
	struct scope *scope;
	struct reached *reached; /* of each step of the rule */
	struct value before;     /* what the scope knew of steps: look-ups that were made */
	bool no_lookups;         /* the rule has some, and nothing is known of them */
};

void step_key(const struct rule *rule, const struct step *step, struct text event_id,
	      struct text item, char out[HASH_HEX])
{
	char index[16];

	assert(rule != NULL && step >= rule->steps && step < rule->steps + rule->step_count);
	(void)snprintf(index, sizeof(index), "%d", (int)(step - rule->steps));
	const struct text parts[5] = { event_id, rule->id,
				       step->name.n > 0 ? step->name : text_of(index), item,
				       step->connection };

	hash_name(parts, 5, out);
}

/* ---- What a step reads of others. ---- */

struct needing {
	struct rendering_now *now;
	const struct step_use *use; /* in which the program stands */
	struct text names;          /* what is open, comma between */
	bool params;                /* it reads the arguments of the use */
};

/* The step's name as `path` has it is among those of the same use. */
static bool is_named(struct arena *arena, const struct step *step, const struct step_use *use,
		     struct text name)
{
	struct text full = name;

	if (use != NULL)
		full = text_printf(arena, "%.*s/%.*s", TEXT_ARG(use->prefix), TEXT_ARG(name));
	return full.s != NULL && text_starts(step->name, full) &&
	       (step->name.n == full.n || step->name.s[full.n] == '/');
}

static bool is_open(const struct needing *n, struct text name)
{
	const struct rule *rule = n->now->scope->rule;

	for (int i = 0; i < rule->step_count; i++)
		if (n->now->reached[i].unknown &&
		    (name.n == 0 || is_named(n->now->scope->arena, &rule->steps[i], n->use, name)))
			return true;
	return false;
}

static void note_need(void *of, struct text path)
{
	struct needing *n = of;
	struct arena *arena = n->now->scope->arena;
	struct text name, whole;

	(void)text_split(path, '.', &name);
	if (!is_open(n, name))
		return;
	whole = text_printf(arena, "steps%s%.*s", path.n > 0 ? "." : "", TEXT_ARG(path));
	if (whole.s == NULL || text_find(n->names, whole) != SIZE_MAX)
		return;
	n->names = n->names.n == 0
		       ? whole
		       : text_printf(arena, "%.*s, %.*s", TEXT_ARG(n->names), TEXT_ARG(whole));
}

static void note_lookup(void *of, struct text path)
{
	struct needing *n = of;
	struct arena *arena = n->now->scope->arena;
	struct text whole =
	    text_printf(arena, "lookup%s%.*s", path.n > 0 ? "." : "", TEXT_ARG(path));

	if (!n->now->no_lookups || whole.s == NULL || text_find(n->names, whole) != SIZE_MAX)
		return;
	n->names = n->names.n == 0
		       ? whole
		       : text_printf(arena, "%.*s, %.*s", TEXT_ARG(n->names), TEXT_ARG(whole));
}

static void note_params(void *of, struct text path)
{
	struct needing *n = of;

	(void)path;
	n->params = true;
}

static void visit_program(void *of, const struct cel_program *program)
{
	cel_program_paths(program, "steps", note_need, of);
	cel_program_paths(program, "params", note_params, of);
	cel_program_paths(program, "lookup", note_lookup, of);
}

/* The arguments of the use, when they were read: expressions that stand outside of it. */
static void visit_arguments(struct needing *n)
{
	while (n->params && n->use != NULL) {
		const struct template *args = n->use->args;

		n->params = false;
		n->use = n->use->outer;
		if (args != NULL)
			template_programs(args, visit_program, n);
	}
}

static struct text needs_of_params(struct rendering_now *now, const struct step *step)
{
	struct needing n = { .now = now, .use = step->use };

	if (step->params != NULL)
		template_programs(step->params, visit_program, &n);
	if (step->loop != NULL)
		visit_program(&n, step->loop->list);
	visit_arguments(&n);
	return n.names;
}

static void visit_condition(struct needing *n, const struct step_use *use,
			    const struct cel_program *condition)
{
	n->use = use;
	n->params = false;
	if (condition != NULL)
		visit_program(n, condition);
	visit_arguments(n);
}

static struct text needs_of_condition(struct rendering_now *now, const struct step *step)
{
	struct needing n = { .now = now };

	visit_condition(&n, step->use, step->condition);
	for (const struct step_use *u = step->use; u != NULL; u = u->outer)
		visit_condition(&n, u->outer, u->condition);
	return n.names;
}

/* ---- What a step sees. ---- */

static struct value steps_seen(const struct rendering_now *now)
{
	const struct rule *rule = now->scope->rule;
	struct value_map_builder all;

	value_map_begin(&all, now->scope->arena);
	for (uint32_t i = 0; value_is(now->before, VALUE_MAP) && i < now->before.n; i++)
		value_map_add(&all, now->before.pairs[i].key, now->before.pairs[i].val);
	for (int i = 0; i < rule->step_count; i++) {
		const struct reached *r = &now->reached[i];
		struct value_map_builder one;

		if (!r->known || rule->steps[i].name.n == 0)
			continue;
		value_map_begin(&one, now->scope->arena);
		value_map_set(&one, "result", value_null());
		value_map_set(&one, "status", value_null());
		value_map_set(&one, "error", r->error.n > 0 ? value_text(r->error) : value_null());
		value_map_add(&all, value_text(rule->steps[i].name), value_map_end(&one));
	}
	return value_map_end(&all);
}

/* `error`, in the steps that handle the failure of this one. */
static struct value error_seen(const struct rendering_now *now, int failed)
{
	const struct step *step = &now->scope->rule->steps[failed];
	struct value_map_builder b;

	value_map_begin(&b, now->scope->arena);
	value_map_set(&b, "step", step->name.n > 0 ? value_text(step->name) : value_null());
	value_map_set(&b, "action", value_text(text_of(step->what)));
	value_map_set(&b, "message", value_text(now->reached[failed].error));
	value_map_set(&b, "status", value_null());
	return value_map_end(&b);
}

/* ---- A step. ---- */

static void fail(struct rendered *out, struct text why)
{
	out->how = RENDER_FAILED;
	out->why = why;
}

static void build(const struct rendering_now *now, struct rendered *out)
{
	const struct rendering *given = now->given;
	const struct step *step = out->step;
	const struct connection *connection = config_connection(given->config, step->connection);
	struct call *call = arena_zero(now->scope->arena, sizeof(*call));
	const char *gone = "memory is out";
	const struct action *action;
	struct value params;
	struct text why;

	if (call == NULL)
		return;
	action = step_action(given->config, now->scope->arena, step, &gone);
	if (action == NULL) {
		fail(out, text_of(gone));
		return;
	}
	if (step_params(now->scope, step, &params, &why) != FATE_OK) {
		fail(out, why);
		return;
	}
	if (step->reads && value_is(params, VALUE_NULL)) {
		out->how = RENDER_SKIPPED;
		out->absent = true;
		return;
	}
	call->arena = now->scope->arena;
	call->parser = given->parser;
	call->action = action;
	call->settings = connection != NULL ? connection->settings : value_null();
	call->idempotency_key = out->key;
	call->rule = now->scope->rule->id;
	call->key = given->key;
	call->now = now->scope->now;
	if (action->build(call, params, &out->request) != FATE_OK)
		fail(out, text_dup(now->scope->arena, text_of(call->why)));
	else
		out->prepares = action->prepares && strcmp(out->request.method, "GET") == 0;
}

/* Its first item is in scope->item from then on. */
static void open_loop(const struct rendering_now *now, struct rendered *out)
{
	struct value list;
	struct text why;

	if (step_list(now->scope, out->step, &list, &why) != FATE_OK) {
		fail(out, why);
		return;
	}
	out->how = RENDER_LOOP;
	out->items = list.n;
	if (list.n > 0)
		now->scope->item = list.items[0];
}

static void render(struct rendering_now *now, int i, struct rendered *out)
{
	const struct step *step = &now->scope->rule->steps[i];
	enum verdict verdict = VERDICT_YES;
	struct text why;

	*out = (struct rendered){ .step = step, .how = RENDER_SENT };
	step_key(now->scope->rule, step, now->scope->event->id,
		 step->within >= 0 ? TEXT("0") : TEXT(""), out->key);
	now->scope->steps = steps_seen(now);
	now->scope->use = step->use;
	now->scope->error = step->handles >= 0 ? error_seen(now, step->handles) : value_null();
	out->needs_if = needs_of_condition(now, step);
	out->needs = needs_of_params(now, step);
	if (out->needs_if.n == 0)
		verdict = step_condition(now->scope, step, &why);
	if (verdict == VERDICT_NO)
		out->how = RENDER_SKIPPED;
	else if (verdict == VERDICT_BLIND)
		fail(out, text_printf(now->scope->arena, "if: %.*s", TEXT_ARG(why)));
	else if (out->needs.n > 0)
		out->how = RENDER_NEEDS;
	else if (step->loop != NULL)
		open_loop(now, out);
	else
		build(now, out);
}

/* The step that follows as things are, or -1. */
static int follow(struct rendering_now *now, int i, const struct rendered *rendered)
{
	const struct step *step = rendered->step;
	struct reached *r = &now->reached[i];

	r->known = rendered->needs_if.n == 0 &&
		   (rendered->how == RENDER_SKIPPED || rendered->how == RENDER_FAILED);
	r->unknown = !r->known;
	if (rendered->how != RENDER_FAILED)
		return step->next;
	r->error = rendered->why;
	/* Nobody knows whether it is done at all: what follows is shown as if it weren't. */
	if (rendered->needs_if.n > 0)
		return step->next;
	if (step->on_error == ON_ERROR_CONTINUE)
		return step->resume;
	return step->on_error == ON_ERROR_STEPS ? step->handler : -1;
}

/* A for_each has its steps behind it; those have none of their own. */
static void chain(struct rendering_now *now, int i,
		  void (*visit)(void *of, const struct rendered *rendered), void *of)
{
	while (i >= 0 && i < now->scope->rule->step_count) {
		struct rendered rendered;

		render(now, i, &rendered);
		if (arena_failed(now->scope->arena))
			return;
		visit(of, &rendered);
		if (rendered.how == RENDER_LOOP && rendered.items > 0)
			chain(now, rendered.step->loop->first, visit, of);
		i = follow(now, i, &rendered);
	}
}

void render_steps(const struct rendering *rendering, int first,
		  void (*visit)(void *of, const struct rendered *rendered), void *of)
{
	struct rendering_now now = { .given = rendering };

	assert(rendering != NULL && rendering->scope != NULL && visit != NULL);
	assert(rendering->config != NULL && rendering->parser != NULL);
	now.scope = rendering->scope;
	now.before = now.scope->steps;
	now.no_lookups = now.scope->rule->lookup_first >= 0 && value_is(now.before, VALUE_NULL);
	now.reached = arena_zero(now.scope->arena,
				 (size_t)now.scope->rule->step_count * sizeof(*now.reached));
	if (now.reached != NULL)
		chain(&now, first, visit, of);
}
