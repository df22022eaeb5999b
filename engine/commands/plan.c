/* SPDX-License-Identifier: Apache-2.0
 *
 * plan - what a reload would change: the files beside the rules that run.
 *
 * The store knows the rules that run, or ran last, and the state they keep
 * (sequencer/loaded.c). Two texts are compared part by part as values, so that
 * comments and layout are no change.
 * I1  Nothing is written: the store is open for reading. */
#include "engine/commands/plan.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/commands/event_read.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/sequencer/tables.h"

DEFINE_AUTO(map_free, struct map *)

static const char *const mode_words[] = { "live", "shadow", "off" };

struct planning {
	struct context *context;
	struct plan_world world;
	struct map *running; /* id -> struct text "REVISION MODE" */
	size_t added, changed, removed, same;
};

/* ---- What runs. ---- */

static bool note_running(void *of, struct text rule, struct text key, struct text json)
{
	struct planning *p = of;
	struct arena *arena = p->world.arena;
	const struct text kept = text_dup(arena, json);
	struct text *row = arena_copy(arena, &kept, sizeof(kept));

	(void)key;
	return row != NULL && map_put(p->running, text_dup(arena, rule), row);
}

/* ---- One rule. ---- */

static void put_words(struct buf *out, struct text what, struct text words)
{
	if (words.n == 0)
		return;
	buf_str(out, "    ");
	plain_put(out, what);
	plain_put(out, words);
	buf_char(out, '\n');
}

static void tell_text(struct planning *p, const struct plan_entry *e)
{
	static const enum tint tints[] = { TINT_GOOD, TINT_WARN, TINT_BAD };
	static const char signs[] = "+~-";
	struct buf *out = &p->context->out;
	struct text line =
	    text_printf(p->world.arena, "%c %.*s", signs[e->change], TEXT_ARG(e->id));

	buf_str(out, "  ");
	tint_put(out, tints[e->change], line, p->context->colour);
	if (e->rule != NULL)
		buf_printf(out, "  %s  %s:%d", mode_words[e->rule->mode], e->rule->at.file,
			   e->rule->at.line);
	buf_char(out, '\n');
	put_words(out, TEXT("changed: "), e->parts);
	put_words(out, TEXT("state: "), e->state);
	put_words(out, TEXT("keys: "), e->keys);
}

static void tell_json(struct planning *p, const struct plan_entry *e)
{
	static const char *const words[] = { "added", "changed", "removed" };
	struct buf *out = &p->context->out;

	json_open(out, '{');
	json_text(out, "rule", e->id);
	json_str(out, "change", words[e->change]);
	json_maybe(out, "running", e->running);
	json_maybe(out, "revision", e->rule != NULL ? e->rule->revision : TEXT_NONE);
	json_str(out, "mode", e->rule != NULL ? mode_words[e->rule->mode] : NULL);
	json_maybe(out, "parts", e->parts);
	json_maybe(out, "state", e->state);
	json_bool(out, "begins_anew", e->anew);
	json_int(out, "throttled", (int64_t)e->throttled);
	json_int(out, "active", (int64_t)e->active);
	json_int(out, "arming", (int64_t)e->arming);
	json_close(out, '}');
	json_line(out);
}

static void tell(struct planning *p, const struct plan_entry *e)
{
	size_t *counts[] = { &p->added, &p->changed, &p->removed };

	(*counts[e->change])++;
	if (p->context->format == OUTPUT_JSON)
		tell_json(p, e);
	else
		tell_text(p, e);
}

static void plan_rule(struct planning *p, const struct rule *rule)
{
	const struct text *row = map_drop(p->running, rule->id);
	struct plan_entry e = { .id = rule->id, .rule = rule };
	struct text mode = TEXT_NONE;

	if (row != NULL)
		mode = text_split(*row, ' ', &e.running);
	if (row != NULL && text_eq(e.running, rule->revision) &&
	    text_is(mode, mode_words[rule->mode])) {
		p->same++;
		return;
	}
	e.change = row != NULL ? PLAN_CHANGED : PLAN_ADDED;
	e.mode = mode;
	plan_compare(&p->world, &e);
	tell(p, &e);
}

static void plan_gone(struct planning *p)
{
	struct text id;
	void *value;

	for (size_t at = 0; map_next(p->running, &at, &id, &value);) {
		struct plan_entry e = { .change = PLAN_REMOVED, .id = id };

		e.mode = text_split(*(const struct text *)value, ' ', &e.running);
		plan_compare(&p->world, &e);
		tell(p, &e);
	}
}

/* ---- The whole. ---- */

static void summary(struct planning *p)
{
	if (p->context->format == OUTPUT_JSON)
		return;
	buf_printf(&p->context->out, "%zu added, %zu changed, %zu removed, %zu as they run\n",
		   p->added, p->changed, p->removed, p->same);
}

static int plan(struct planning *p, const struct ruleset *rules)
{
	AUTO(map_free) struct map *running = map_new();
	AUTO(map_free) struct map *counts = map_new();
	AUTO(map_free) struct map *active = map_new();

	p->running = running;
	p->world.counts = counts;
	p->world.active = active;
	if (running == NULL || counts == NULL || active == NULL || !plan_read_state(&p->world))
		return context_fail(p->context, COMMAND_FAILED, "memory is out");
	store_each_state(p->world.store, TEXT("loaded"), note_running, p);
	for (size_t i = 0; i < ruleset_count(rules); i++)
		plan_rule(p, ruleset_at(rules, i));
	plan_gone(p);
	summary(p);
	if (store_failed(p->world.store))
		return context_fail(p->context, COMMAND_FAILED, "%s",
				    store_last_error(p->world.store)->text);
	return arena_failed(p->world.arena)
		   ? context_fail(p->context, COMMAND_FAILED, "memory is out")
		   : COMMAND_OK;
}

static int run(struct context *context)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct clock clock = clock_system();
	struct ruleset *set;
	int code = COMMAND_FAILED;

	if (diags == NULL || parser == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	AUTO(config_free) struct config *config = setup_rules(context, NULL, 0, diags, &set, &code);
	AUTO(ruleset_free) struct ruleset *rules = set;

	if (rules == NULL || diags_errors(diags) > 0) {
		(void)setup_complain(diags);
		return rules == NULL ? code : COMMAND_FAILED;
	}

	AUTO(store_close) struct store *store = setup_store(context, &code);
	struct known_objects known = { store, parser };
	struct entities entities = { &known, event_known };
	struct stored_tables tables;
	struct planning p = { .context = context,
			      .world = { .arena = context->arena,
					 .config = config,
					 .store = store,
					 .parser = parser,
					 .tables = &tables.reader,
					 .entities = &entities,
					 .now = clock_read(&clock).wall } };

	if (store == NULL)
		return code;
	stored_tables_init(&tables, store, parser, rules);
	return plan(&p, rules);
}

const struct command command_plan = {
	.name = "plan",
	.arguments = "",
	.doc = "Compares the files with the rules that run: what a reload would change",
	.more =
	    "+ is added, ~ changed, - removed. For each it tells whether throttles and edges are "
	    "kept or\nbegin anew, and for how many of the polled objects a rule with edge would "
	    "be true without\nbeing active. The rules that run are those of the daemon, or of "
	    "the last one that ran with\nthis store.",
	.run = run,
};
