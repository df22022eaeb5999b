/* SPDX-License-Identifier: Apache-2.0
 *
 * evaluate - deciding whether a rule fires, and the values its expressions see.
 *
 * Variables are made when an expression first asks for them and kept for the
 * rest of the scope; a define is evaluated at its first use, and its error is
 * then the error of whatever used it.
 * Never: reads a clock; ctx.now comes with the scope. */
#include "engine/rules/evaluate.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/cel/shape.h"
#include "engine/cel/share.h"
#include "engine/value/diff.h"

/* Of the event: the same for every rule of a set. */
struct scope_event {
	struct value vars[VARIABLES];
	bool known[VARIABLES];
};

/* Of the rule. */
struct scope_cache {
	struct value *defines; /* valid where `defined` */
	bool *defined;
};

/* ---- Variables. ---- */

static struct value event_value(const struct scope *scope)
{
	const struct event_view *e = scope->event;
	struct value_map_builder b;

	value_map_begin(&b, scope->arena);
	value_map_set(&b, "id", value_text(e->id));
	value_map_set(&b, "source", value_text(e->source));
	value_map_set(&b, "type", value_text(e->type));
	value_map_set(&b, "subject", value_text(e->subject));
	value_map_set(&b, "time", value_timestamp_ms(e->time));
	value_map_set(&b, "connection", value_text(e->connection));
	value_map_set(&b, "seq", value_int(e->seq));
	value_map_set(&b, "depth", value_int(e->depth));
	return value_map_end(&b);
}

static struct value changed_value(const struct scope *scope)
{
	struct changes changes =
	    diff_values(scope->arena, scope->event->before, scope->event->data);

	return diff_as_value(scope->arena, &changes);
}

static struct value ctx_value(const struct scope *scope)
{
	struct value_map_builder b;

	value_map_begin(&b, scope->arena);
	value_map_set(&b, "now", value_timestamp_ms(scope->now));
	return value_map_end(&b);
}

/* The step's name as the steps of `use` see it: of another use, that one's name; empty: they
 * don't see it. */
static struct text seen_name(const struct step_use *use, struct text name)
{
	struct text head;

	if (use != NULL) {
		size_t n = use->prefix.n;

		if (name.n <= n || name.s[n] != '/' || !text_starts(name, use->prefix))
			return TEXT_NONE;
		name = (struct text){ name.s + n + 1, name.n - n - 1 };
	}
	(void)text_split(name, '/', &head);
	return head;
}

static struct value steps_value(const struct scope *scope)
{
	struct value_map_builder b;

	value_map_begin(&b, scope->arena);
	for (uint32_t i = 0; value_is(scope->steps, VALUE_MAP) && i < scope->steps.n; i++) {
		const struct value_pair *pair = &scope->steps.pairs[i];
		struct text name = seen_name(scope->use, value_as_text(pair->key));

		if (name.n > 0 &&
		    !text_starts(name, TEXT("lookup."))) /* of several of one use the last stays:
							    its result is the use's */
			value_map_add(&b, value_text(name), pair->val);
	}
	return value_map_end(&b);
}

static struct value params_error(const struct scope *scope, struct text why)
{
	struct value v = value_text(
	    text_printf(scope->arena, "use.%.*s: %.*s", TEXT_ARG(scope->use->name), TEXT_ARG(why)));

	v.kind = VALUE_ERROR;
	return v;
}

/* What the use was given, evaluated where it stands, with what may be left out. */
static struct value params_value(const struct scope *scope)
{
	const struct step_use *use = scope->use;
	struct value given = { .kind = VALUE_MAP };
	struct value_map_builder b;
	struct scope outer = *scope;
	struct text why = TEXT_NONE;

	if (use == NULL)
		return given;
	outer.use = use->outer;
	if (use->args != NULL && template_fill(&outer, use->args, &given, &why) != FATE_OK)
		return params_error(scope, why);
	value_map_begin(&b, scope->arena);
	for (const struct param *row = use->params; row->name != NULL; row++) {
		const struct value *v = value_get(given, text_of(row->name));

		if (v == NULL)
			v = value_get(use->defaults, text_of(row->name));
		if (v == NULL)
			continue;
		if (!param_value_fits(row, *v))
			return params_error(scope,
					    text_printf(scope->arena, "%s must be %s; it is %s",
							row->name, param_type_word(row->type),
							value_kind_name((enum value_kind)v->kind)));
		value_map_set(&b, row->name, *v);
	}
	return value_map_end(&b);
}

/* What the look-ups brought, by their names; an error before they were made. */
static struct value lookup_value(const struct scope *scope)
{
	static const char step[] = "lookup.";
	struct value_map_builder b;
	struct value v;

	if (!value_is(scope->steps, VALUE_MAP)) {
		v = value_text(TEXT("the look-ups have not been made"));
		v.kind = VALUE_ERROR;
		return v;
	}
	value_map_begin(&b, scope->arena);
	for (uint32_t i = 0; i < scope->steps.n; i++) {
		const struct value_pair *pair = &scope->steps.pairs[i];
		struct text name = value_as_text(pair->key);
		const struct value *result = value_get(pair->val, TEXT("result"));

		if (!text_starts(name, TEXT("lookup.")))
			continue;
		name = (struct text){ name.s + sizeof(step) - 1, name.n - (sizeof(step) - 1) };
		value_map_add(&b, value_text(name), result != NULL ? *result : value_null());
	}
	return value_map_end(&b);
}

static struct value make_variable(const struct scope *scope, enum variable which)
{
	const struct event_view *e = scope->event;

	switch (which) {
	case VAR_EVENT:
		return event_value(scope);
	case VAR_DATA:
		return e->data;
	case VAR_BEFORE:
		return e->before;
	case VAR_OBJECT:
		return value_is(e->data, VALUE_NULL) ? e->before : e->data;
	case VAR_CHANGED:
		return changed_value(scope);
	case VAR_VARS:
		return ruleset_vars(scope->rule->set);
	case VAR_CTX:
		return ctx_value(scope);
	case VAR_STEPS:
		return steps_value(scope);
	case VAR_ERROR:
		return scope->error;
	case VAR_PARAMS:
		return params_value(scope);
	case VAR_LOOKUP:
		return lookup_value(scope);
	case VAR_SECRETS:
	case VARIABLES:
		break;
	}
	return value_null();
}

static struct scope_cache *cache_of(struct scope *scope)
{
	size_t defines = scope->rule->define_count;
	struct scope_cache *cache = scope->cache;

	if (cache != NULL)
		return cache;
	cache = arena_zero(scope->arena, sizeof(*cache));
	if (cache == NULL)
		return NULL;
	cache->defines = arena_array(scope->arena, defines, sizeof(*cache->defines));
	cache->defined = arena_zero(scope->arena, defines * sizeof(*cache->defined));
	if (cache->defines == NULL || cache->defined == NULL)
		return NULL;
	scope->cache = cache;
	return cache;
}

/* A define names only earlier ones, so this ends. */
static struct value define_value(struct scope *scope, struct scope_cache *cache, size_t i)
{
	const struct define *define = &scope->rule->defines[i];

	if (!cache->defined[i]) {
		struct scope plain = *scope;

		plain.use = NULL; /* a define belongs to the rule, wherever it is used */
		struct value v = scope_eval(&plain, define->program);

		if (value_is(v, VALUE_ERROR)) {
			v = value_text(text_printf(scope->arena, "define %.*s: %.*s",
						   TEXT_ARG(define->name),
						   TEXT_ARG(value_as_text(v))));
			v.kind = VALUE_ERROR;
		}
		cache->defines[i] = v;
		cache->defined[i] = true;
	}
	return cache->defines[i];
}

static bool look_up_define(struct scope *scope, size_t i, struct value *out)
{
	struct scope_cache *cache = cache_of(scope);

	assert(i <= scope->rule->define_count);
	if (i == scope->rule->define_count) { /* behind the defines: load_loop_env */
		*out = scope->item;
		return true;
	}
	if (cache != NULL)
		*out = define_value(scope, cache, i);
	return cache != NULL;
}

static bool look_up(void *of, struct arena *arena, uint32_t index, struct value *out)
{
	struct scope *scope = of;
	struct scope_event *about;

	(void)arena;
	if (index >= VARIABLES)
		return look_up_define(scope, index - VARIABLES, out);
	if (index == VAR_STEPS || index == VAR_ERROR || index == VAR_PARAMS ||
	    index == VAR_LOOKUP) {
		*out = make_variable(scope, (enum variable)index);
		return true;
	}
	if (scope->about == NULL)
		scope->about = arena_zero(scope->arena, sizeof(*scope->about));
	about = scope->about;
	if (about == NULL)
		return false;
	if (!about->known[index]) {
		about->vars[index] = make_variable(scope, (enum variable)index);
		about->known[index] = true;
	}
	*out = about->vars[index];
	return true;
}

uint64_t scope_shared_variables(void)
{
	return (UINT64_C(1) << VARIABLES) - 1 - (UINT64_C(1) << VAR_STEPS) -
	       (UINT64_C(1) << VAR_ERROR) - (UINT64_C(1) << VAR_PARAMS) -
	       (UINT64_C(1) << VAR_LOOKUP);
}

struct cel_vars scope_vars(struct scope *scope)
{
	return (struct cel_vars){ look_up, scope };
}

struct value scope_eval(struct scope *scope, const struct cel_program *program)
{
	struct cel_vars vars = { look_up, scope };

	assert(scope != NULL && scope->rule != NULL);
	assert(scope->event != NULL && program != NULL);
	return cel_eval_shared(program, cel_root(program), scope->arena, &vars, scope->memo, NULL);
}

/* An operand's number is below that of its part, and a define names only earlier ones: this ends.
 */
static bool part_reads_null(struct scope *scope, const struct cel_program *program, uint32_t at)
{
	struct cel_part part = cel_part(program, at);
	struct cel_vars vars = { look_up, scope };

	if (part.code == CEL_CODE_LOOP) /* its locals have no values out here */
		return part_reads_null(scope, program, cel_operand(program, at, 0));
	if (part.code == CEL_CODE_VARIABLE && part.variable >= VARIABLES)
		return scope_reads_null(scope,
					scope->rule->defines[part.variable - VARIABLES].program);
	for (uint32_t i = 0; i < part.count; i++)
		if (part_reads_null(scope, program, cel_operand(program, at, i)))
			return true;
	return part.code == CEL_CODE_SELECT &&
	       value_is(cel_eval_part(program, cel_operand(program, at, 0), scope->arena, &vars),
			VALUE_NULL);
}

bool scope_reads_null(struct scope *scope, const struct cel_program *program)
{
	assert(scope != NULL && program != NULL);
	return part_reads_null(scope, program, cel_root(program));
}

/* ---- Decisions. ---- */

static enum verdict condition(struct scope *scope, const struct cel_program *program,
			      struct text *why)
{
	struct value v = scope_eval(scope, program);

	if (value_is(v, VALUE_BOOL))
		return v.b ? VERDICT_YES : VERDICT_NO;
	*why = value_is(v, VALUE_ERROR)
		   ? value_as_text(v)
		   : text_printf(scope->arena, "the condition is neither true nor false but %s",
				 value_kind_name((enum value_kind)v.kind));
	return VERDICT_BLIND;
}

static bool key_text(struct scope *scope, struct value v, struct text *out)
{
	AUTO_FINI(buf_fini) struct buf b;

	buf_init(&b, KIB);
	if (value_is(v, VALUE_TEXT)) {
		*out = value_as_text(v);
		return true;
	}
	if (!value_is(v, VALUE_INT) && !value_is(v, VALUE_UINT) && !value_is(v, VALUE_BOOL))
		return false;
	value_write_plain(&b, v);
	*out = text_dup(scope->arena, buf_view(&b));
	return true;
}

struct text event_key(const struct event_view *event)
{
	return event->subject.n > 0 ? event->subject : event->id;
}

static bool decide_key(struct scope *scope, struct decision *d)
{
	struct value v;

	if (scope->rule->key == NULL) {
		d->key = event_key(scope->event);
		return true;
	}
	v = scope_eval(scope, scope->rule->key);
	if (!value_is(v, VALUE_ERROR) && key_text(scope, v, &d->key))
		return true;
	d->verdict = VERDICT_BLIND;
	d->part = "key";
	d->why = value_is(v, VALUE_ERROR)
		     ? value_as_text(v)
		     : text_printf(scope->arena, "a key must be text, int or bool; this is %s",
				   value_kind_name((enum value_kind)v.kind));
	return false;
}

static enum verdict decide_part(struct scope *scope, const struct cel_program *program,
				const char *part, struct decision *d)
{
	enum verdict verdict;
	struct text why = TEXT_NONE;

	if (program == NULL)
		return VERDICT_YES;
	verdict = condition(scope, program, &why);
	/* The first part that can't be evaluated is told, unless a later one is false. */
	if (verdict == VERDICT_NO || (verdict == VERDICT_BLIND && d->verdict == VERDICT_YES)) {
		d->verdict = verdict;
		d->part = part;
		d->why = why;
	}
	return verdict;
}

/* Before look-ups are made only what is false whatever they bring counts. */
static void decide_when(struct scope *scope, struct decision *d)
{
	struct decision later = *d;
	bool early = scope->rule->lookup_first >= 0 && value_is(scope->steps, VALUE_NULL);

	if (!early)
		(void)decide_part(scope, scope->rule->when, "when", d);
	else if (decide_part(scope, scope->rule->when, "when", &later) == VERDICT_NO)
		*d = later;
}

static bool decide_on(const struct rule *rule, struct text type)
{
	for (size_t i = 0; i < rule->on_count; i++)
		if (event_glob(rule->on[i], type))
			return true;
	return false;
}

/* An event without a connection (of a hook, say) comes from its source. */
struct text event_from(const struct event_view *event)
{
	return event->connection.n > 0 ? event->connection : event->source;
}

struct decision rule_decide(struct scope *scope)
{
	struct decision d = { .verdict = VERDICT_NO, .part = "", .weight = 1 };
	const struct rule *rule;

	assert(scope != NULL && scope->rule != NULL);
	assert(scope->event != NULL && scope->arena != NULL);
	rule = scope->rule;
	if (!decide_on(rule, scope->event->type)) {
		d.part = "on";
		return d;
	}
	if (rule->from.n > 0 && !text_eq(rule->from, event_from(scope->event))) {
		d.part = "from";
		return d;
	}
	d.verdict = VERDICT_YES;
	if (decide_part(scope, rule->match, "match", &d) == VERDICT_NO)
		return d;
	if (d.verdict == VERDICT_YES)
		(void)decide_key(scope, &d);
	decide_when(scope, &d);
	return d;
}

struct decision rule_decide_when(struct scope *scope)
{
	struct decision d = { .verdict = VERDICT_YES, .part = "", .weight = 1 };

	assert(scope != NULL && scope->rule != NULL);
	(void)decide_part(scope, scope->rule->when, "when", &d);
	return d;
}

struct text rule_key_bounded(struct arena *arena, struct text key)
{
	char hex[HASH_HEX];

	if (key.n <= LIMIT_RUN_KEY && memchr(key.s != NULL ? key.s : "", '\0', key.n) == NULL)
		return key;
	hash_name(&key, 1, hex);
	return text_dup(arena, text_of(hex));
}

struct decision rule_decide_key(struct scope *scope)
{
	struct decision d = { .verdict = VERDICT_YES, .part = "", .weight = 1 };

	assert(scope != NULL && scope->rule != NULL);
	(void)decide_key(scope, &d);
	return d;
}

enum rule_mode rule_mode_now(struct scope *scope)
{
	const struct rule *rule;
	struct text why;

	assert(scope != NULL && scope->rule != NULL);
	rule = scope->rule;
	if (rule->mode != MODE_LIVE || rule->live_when == NULL)
		return rule->mode;
	return condition(scope, rule->live_when, &why) == VERDICT_YES ? MODE_LIVE : MODE_SHADOW;
}

/* The `if` of the uses a step stands in, outermost first; as deep as uses are nested. */
static enum verdict use_condition(const struct scope *scope, const struct step_use *use,
				  struct text *why)
{
	enum verdict verdict = VERDICT_YES;
	struct scope outer = *scope;

	if (use->outer != NULL)
		verdict = use_condition(scope, use->outer, why);
	outer.use = use->outer;
	if (verdict == VERDICT_YES && use->condition != NULL)
		verdict = condition(&outer, use->condition, why);
	return verdict;
}

enum verdict step_condition(struct scope *scope, const struct step *step, struct text *why)
{
	enum verdict verdict = VERDICT_YES;

	assert(scope != NULL && step != NULL && why != NULL);
	*why = TEXT_NONE;
	if (step->use != NULL)
		verdict = use_condition(scope, step->use, why);
	if (verdict != VERDICT_YES)
		return verdict;
	return step->condition == NULL ? VERDICT_YES : condition(scope, step->condition, why);
}
