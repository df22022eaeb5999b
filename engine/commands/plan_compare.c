/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_compare - one rule beside the one that runs; see plan.h. */
#include "engine/commands/plan.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/commands/setup.h"
#include "engine/rules/yaml.h"

#define SCRATCH (16u * MIB) /* two texts of a rule, or one object and its evaluation */

enum { LIVE, SHADOW };

/* ---- State. ---- */

struct state_reading {
	struct plan_world *world;
	int side; /* LIVE or SHADOW */
	bool edge;
	bool failed;
};

static struct text active_name(struct arena *arena, int side, struct text rule, struct text key)
{
	return text_printf(arena, "%d %.*s %.*s", side, TEXT_ARG(rule), TEXT_ARG(key));
}

static struct plan_counts *counts_of(struct plan_world *w, struct text rule)
{
	struct plan_counts *counts = map_get(w->counts, rule);

	if (counts != NULL)
		return counts;
	counts = arena_zero(w->arena, sizeof(*counts));
	if (counts == NULL || !map_put(w->counts, text_dup(w->arena, rule), counts))
		return NULL;
	return counts;
}

static bool note_state(void *of, struct text rule, struct text key, struct text json)
{
	struct state_reading *r = of;
	struct plan_counts *counts = counts_of(r->world, rule);
	struct text state;
	int64_t until = 0;

	(void)text_split(json, ' ', &state);
	if (counts == NULL) {
		r->failed = true;
	} else if (!r->edge) {
		counts->throttled[r->side] += text_to_int(state, &until) && until > r->world->now;
	} else {
		struct text name = active_name(r->world->arena, r->side, rule, key);

		counts->active[r->side]++;
		r->failed = name.s == NULL || !map_put(r->world->active, name, counts);
	}
	return !r->failed;
}

bool plan_read_state(struct plan_world *world)
{
	static const struct {
		const char *what;
		int side;
		bool edge;
	} all[] = {
		{ "throttle", LIVE, false },
		{ "throttle.shadow", SHADOW, false },
		{ "edge", LIVE, true },
		{ "edge.shadow", SHADOW, true },
	};
	struct state_reading r = { .world = world };

	assert(world != NULL && world->counts != NULL && world->active != NULL);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && !r.failed; i++) {
		r.side = all[i].side;
		r.edge = all[i].edge;
		store_each_state(world->store, text_of(all[i].what), note_state, &r);
	}
	return !r.failed;
}

/* ---- Which parts differ. ---- */

/* The rule's own map in its stored text, which may be a small file (rules/reuse.c). */
static const struct yaml_node *rule_of(const struct yaml_node *root)
{
	const struct yaml_node *rules = root != NULL ? yaml_get(root, "rules") : NULL;

	if (rules != NULL && rules->kind == YAML_LIST && rules->count > 0)
		return rules->items[0];
	return root;
}

static bool same_value(struct arena *arena, const struct yaml_node *a, const struct yaml_node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return value_equal(yaml_value(arena, a), yaml_value(arena, b));
}

struct comparing {
	struct arena *arena;
	struct buf out;
};

static void put_part(struct comparing *c, struct text name)
{
	if (c->out.n > 0)
		buf_str(&c->out, ", ");
	buf_text(&c->out, name);
}

/* Members of `a` that are others in `b`; with `missing`, only those that b has not. */
static void compare(struct comparing *c, const struct yaml_node *a, const struct yaml_node *b,
		    bool missing)
{
	for (size_t i = 0; a != NULL && a->kind == YAML_MAP && i < a->count; i++) {
		struct text name = a->pairs[i].key->text;
		const struct yaml_node *other = NULL;

		for (size_t k = 0; b != NULL && b->kind == YAML_MAP && k < b->count; k++)
			if (text_eq(b->pairs[k].key->text, name))
				other = b->pairs[k].val;
		if (text_is(name, "rules") || (missing && other != NULL))
			continue;
		if (other == NULL || !same_value(c->arena, a->pairs[i].val, other))
			put_part(c, name);
	}
}

static void compare_texts(struct plan_world *w, struct plan_entry *e, struct text before)
{
	AUTO(arena_free) struct arena *arena = arena_new("plan", SCRATCH);
	AUTO(diags_free) struct diags *diags = diags_new();
	struct comparing c = { .arena = arena };
	const struct yaml_node *old, *now;

	buf_init(&c.out, 16 * KIB);
	if (arena != NULL && diags != NULL) {
		old = yaml_read(arena, diags, diags_source(diags, "running", before), before);
		now = yaml_read(arena, diags, diags_source(diags, "files", e->rule->source),
				e->rule->source);
		if (rule_of(now) != now)
			compare(&c, now, rule_of(old) != old ? old : NULL, false);
		if (rule_of(old) != old)
			compare(&c, old, rule_of(now) != now ? now : NULL, true);
		compare(&c, rule_of(now), rule_of(old), false);
		compare(&c, rule_of(old), rule_of(now), true);
		if (old != NULL && now != NULL)
			e->anew = !same_value(arena, yaml_get(rule_of(old), "key"),
					      yaml_get(rule_of(now), "key"));
	}
	if (c.out.n == 0)
		buf_str(&c.out, "comments or layout only");
	e->parts = text_dup(w->arena, buf_view(&c.out));
	buf_fini(&c.out);
}

static void compare_rules(struct plan_world *w, struct plan_entry *e)
{
	static const char *const words[] = { "live", "shadow", "off" };
	struct revision_record record;
	bool known = store_get_revision(w->store, w->arena, e->id, e->running, &record);

	if (text_eq(e->running, e->rule->revision))
		e->parts = TEXT_NONE;
	else if (known)
		compare_texts(w, e, record.text);
	if (text_is(e->mode, words[e->rule->mode]))
		return;
	e->anew = e->anew || text_is(e->mode, "shadow") || e->rule->mode == MODE_SHADOW;
	e->parts = text_printf(w->arena, "%.*s%sruns %.*s, would run %s", TEXT_ARG(e->parts),
			       e->parts.n > 0 ? "; " : "", TEXT_ARG(e->mode), words[e->rule->mode]);
}

/* ---- What becomes of state. ---- */

static struct text amounts(struct plan_world *w, const struct plan_entry *e)
{
	return text_printf(w->arena, "%zu throttled and %zu active keys", e->throttled, e->active);
}

static void tell_state(struct plan_world *w, struct plan_entry *e)
{
	const struct plan_counts *counts = map_get(w->counts, e->id);
	bool shadow = e->mode.n > 0 ? text_is(e->mode, "shadow") : e->rule->mode == MODE_SHADOW;
	bool any;

	if (counts != NULL) {
		e->throttled = counts->throttled[shadow ? SHADOW : LIVE];
		e->active = counts->active[shadow ? SHADOW : LIVE];
	}
	any = e->throttled + e->active > 0;
	if (e->change == PLAN_REMOVED && any)
		e->state = text_printf(w->arena, "kept for 30 days: %.*s", TEXT_ARG(amounts(w, e)));
	else if (e->change == PLAN_ADDED && any)
		e->state = text_printf(w->arena, "finds that of an earlier rule of this id: %.*s",
				       TEXT_ARG(amounts(w, e)));
	else if (e->anew && any)
		e->state =
		    text_printf(w->arena, "begins anew, without %.*s", TEXT_ARG(amounts(w, e)));
	else if (e->change == PLAN_CHANGED && any)
		e->state = text_printf(w->arena, "kept: %.*s", TEXT_ARG(amounts(w, e)));
}

/* ---- Keys that are true and not active. ---- */

struct arming {
	struct plan_world *w;
	struct plan_entry *e;
	struct arena *arena; /* of one object */
	struct text shelf, connection, type;
	const struct object_kind *kind;
	size_t seen;
};

static bool is_active(const struct arming *a, struct text key)
{
	int side = a->e->rule->mode == MODE_SHADOW ? SHADOW : LIVE;

	return !a->e->anew &&
	       map_get(a->w->active, active_name(a->arena, side, a->e->id, key)) != NULL;
}

static bool visit_object(void *of, struct text id, uint64_t hash)
{
	struct arming *a = of;
	struct event_view event = { .id = TEXT("plan"),
				    .type = a->type,
				    .source = a->connection,
				    .connection = a->connection,
				    .tables = a->w->tables,
				    .time = a->w->now };
	struct scope scope = { .arena = a->arena,
			       .rule = a->e->rule,
			       .event = &event,
			       .entities = a->w->entities,
			       .now = a->w->now };
	struct json_error error;
	struct decision decision;
	struct text json;

	arena_reset(a->arena);
	a->seen++;
	event.subject = text_dup(a->arena, id);
	if (!store_get_object(a->w->store, a->arena, a->shelf, event.subject, &hash, &json) ||
	    json_parse(a->w->parser, a->arena, json, &event.data, &error) != FATE_OK)
		return true;
	event.data = object_kind_typed(a->kind, a->arena, event.data);
	decision = rule_decide(&scope);
	if (decision.verdict == VERDICT_YES &&
	    !is_active(a, rule_key_bounded(a->arena, decision.key)))
		a->e->arming++;
	return true;
}

/* Objects of the kind that a type's events carry, of every connection that polls them. */
static void arm_type(struct arming *a, struct text type)
{
	const struct config *config = a->w->config;
	const struct event_type *row = config_event(config, type);

	a->type = type;
	a->kind = row != NULL ? row->kind : NULL;
	for (size_t i = 0; a->kind != NULL && i < config->connection_count; i++) {
		a->connection = config->connections[i].name;
		a->shelf =
		    text_printf(a->w->arena, "%.*s/%s", TEXT_ARG(a->connection), a->kind->name);
		if (a->seen < LIMIT_PLAN_OBJECTS)
			(void)store_each_object(a->w->store, a->shelf, TEXT(""),
						LIMIT_PLAN_OBJECTS - a->seen, visit_object, a);
	}
}

static bool kind_was_before(const struct rule *rule, size_t n)
{
	const struct event_type *row = connectors_event(rule->on[n]);

	for (size_t i = 0; row != NULL && i < n; i++) {
		const struct event_type *other = connectors_event(rule->on[i]);

		if (other != NULL && other->kind == row->kind)
			return true;
	}
	return false;
}

static void tell_arming(struct plan_world *w, struct plan_entry *e)
{
	AUTO(arena_free) struct arena *arena = arena_new("plan", SCRATCH);
	struct arming a = { .w = w, .e = e, .arena = arena };
	const char *what = e->change == PLAN_CHANGED && !e->anew
			       ? "turn with their next event, or arm where the key is new"
			   : e->rule->edge == EDGE_FIRE ? "act with their next event"
							: "arm with their next event";

	if (arena == NULL)
		return;
	for (size_t i = 0; i < e->rule->on_count; i++)
		if (!kind_was_before(e->rule, i))
			arm_type(&a, e->rule->on[i]);
	if (a.seen > 0)
		e->keys = text_printf(
		    w->arena,
		    "%zu of %zu%s polled objects are true%s and not "
		    "active: they %s",
		    e->arming, a.seen, a.seen >= LIMIT_PLAN_OBJECTS ? " (the first)" : "",
		    e->rule->lookup_first >= 0 ? ", if the look-ups say so," : "", what);
}

void plan_compare(struct plan_world *world, struct plan_entry *entry)
{
	assert(world != NULL && entry != NULL);
	if (entry->change == PLAN_CHANGED)
		compare_rules(world, entry);
	tell_state(world, entry);
	if (entry->change != PLAN_REMOVED && entry->rule->edge != EDGE_NONE &&
	    entry->rule->mode != MODE_OFF)
		tell_arming(world, entry);
}
