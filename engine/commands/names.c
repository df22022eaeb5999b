/* SPDX-License-Identifier: Apache-2.0
 *
 * names - see names.h.
 *
 * The store is asked first, which is cheap; the rules are only loaded for a name
 * that it doesn't have. */
#include "engine/commands/names.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/setup.h"

#define RECENT 10000 /* newest runs or events looked through for the nearest name */
#define NAMES  4096  /* names compared with it */

struct names {
	struct arena *arena;
	const char *items[NAMES + 1]; /* ends with NULL */
	size_t count;
};

/* What is there already is there once. */
static void add(struct names *names, struct text name)
{
	for (size_t i = 0; i < names->count; i++)
		if (text_is(name, names->items[i]))
			return;
	if (names->count < NAMES && name.n > 0) {
		const char *kept = text_dup(names->arena, name).s;

		names->count += kept != NULL;
		if (kept != NULL)
			names->items[names->count - 1] = kept;
	}
}

static struct names *names_new(struct context *context)
{
	struct names *names = arena_zero(context->arena, sizeof(*names));

	if (names != NULL)
		names->arena = context->arena;
	return names;
}

static bool complain(const struct context *context, const char *what, struct text name,
		     const struct names *names)
{
	const char *near = text_nearest(name, names->items);

	(void)context_fail(context, COMMAND_FAILED, "there is no %s %.*s%s%s%s", what,
			   TEXT_ARG(name), near != NULL ? "; did you mean " : "",
			   near != NULL ? near : "", near != NULL ? "?" : "");
	return false;
}

/* What the configuration names. NULL: it has mistakes, so nobody can tell. */
static struct ruleset *rules_of(const struct config *config)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	struct ruleset *rules = NULL;

	if (diags != NULL)
		rules = ruleset_load(config, config->rule_paths, config->rule_path_count, diags);
	if (rules == NULL || diags_errors(diags) == 0)
		return rules;
	ruleset_free(rules);
	return NULL;
}

static bool any_run(void *of, const struct run_record *run)
{
	(void)run;
	*(bool *)of = true;
	return false;
}

static bool any_event(void *of, const struct event_record *event)
{
	(void)event;
	*(bool *)of = true;
	return false;
}

static bool add_run(void *of, const struct run_record *run)
{
	add(of, run->rule);
	return true;
}

static bool add_event(void *of, const struct event_record *event)
{
	add(of, event->type);
	return true;
}

/* ---- Rules. ---- */

static bool is_rule(const struct ruleset *rules, struct text id, struct names *names)
{
	for (size_t i = 0; i < ruleset_count(rules); i++) {
		if (text_eq(ruleset_at(rules, i)->id, id))
			return true;
		add(names, ruleset_at(rules, i)->id);
	}
	return false;
}

bool names_rule(struct context *context, struct store *store, struct text id)
{
	const struct run_query one = { .rule = id, .limit = 1 };
	const struct run_query recent = { .newest_first = true, .limit = RECENT };
	struct names *names = names_new(context);
	bool known = false;
	int code;

	assert(store != NULL);
	if (id.n == 0 || names == NULL ||
	    store_query_runs(store, &one, any_run, &known) != FATE_OK || known)
		return true;
	AUTO(config_free) struct config *config = setup_config(context, &code);
	AUTO(ruleset_free) struct ruleset *rules = config != NULL ? rules_of(config) : NULL;

	if (rules == NULL || is_rule(rules, id, names) ||
	    store_query_runs(store, &recent, add_run, names) != FATE_OK)
		return true;
	return complain(context, "rule", id, names);
}

/* ---- Types. ---- */

/* Whether a known type or glob and the type that is asked for, or its beginning, can be the same.
 */
static bool may_be(struct text known, struct text asked)
{
	struct text head, begin = asked;

	if (!text_ends(asked, TEXT("*")))
		return text_eq(known, asked) || event_glob(known, asked);
	begin.n--;
	(void)text_split(known, '*', &head);
	return text_starts(head, begin) || (head.n < known.n && text_starts(begin, head));
}

static bool is_type(const struct config *config, const struct ruleset *rules, struct text type,
		    struct names *names)
{
	const char *const *types = event_types(names->arena, config);

	for (; types != NULL && *types != NULL; types++) {
		if (may_be(text_of(*types), type))
			return true;
		add(names, text_of(*types));
	}
	for (size_t i = 0; i < ruleset_count(rules); i++) {
		const struct rule *rule = ruleset_at(rules, i);

		for (size_t k = 0; k < rule->on_count; k++) {
			if (may_be(rule->on[k], type))
				return true;
			add(names, rule->on[k]);
		}
	}
	return false;
}

bool names_type(struct context *context, struct store *store, struct text type)
{
	const struct event_query one = { .type = type, .limit = 1 };
	const struct event_query recent = { .newest_first = true, .limit = RECENT };
	struct names *names = names_new(context);
	bool known = false;
	int code;

	assert(store != NULL);
	if (type.n == 0 || text_is(type, "*") || names == NULL ||
	    store_query_events(store, &one, any_event, &known) != FATE_OK || known)
		return true;
	AUTO(config_free) struct config *config = setup_config(context, &code);
	AUTO(ruleset_free) struct ruleset *rules = config != NULL ? rules_of(config) : NULL;

	if (rules == NULL || is_type(config, rules, type, names) ||
	    store_query_events(store, &recent, add_event, names) != FATE_OK)
		return true;
	return complain(context, "event of type", type, names);
}
