/* SPDX-License-Identifier: Apache-2.0
 *
 * leads - the graph of rules that write what others take, and its cycles; see
 * leads.h.
 *
 * A step's parameters are templates: a field that is written out has a value, one
 * with ${...} has any. A reader's conditions are those that the index looks up
 * (index_atoms.c): alternatives of atoms, of which one must hold as a whole.
 * Ownership: everything lives in the caller's arena. */
#include "engine/rules/leads.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/rules/index.h"

#define FIELDS_MAX  64 /* of one step; of more nothing is known */
#define FIELDS_TOLD 4

#define SEARCH_STEPS 50000000 /* to find cycles: about a second */

DEFINE_AUTO(map_free, struct map *)

/* ---- What a step writes. ---- */

struct field_write {
	struct text path;
	bool known;         /* it is written out */
	bool named;         /* by the rule; else it changes along */
	struct value value; /* when it is known */
};

struct step_write {
	struct arena *arena;
	const struct step *step;
	const struct writes *writes;
	struct field_write fields[FIELDS_MAX];
	size_t count;
	bool wild;                    /* any field may be written */
	const struct template *value; /* of the member under way */
	struct text words;            /* all of it, for people */
};

static void add_field(struct step_write *w, struct field_write field)
{
	if (w->count == FIELDS_MAX)
		w->wild = true;
	else
		w->fields[w->count++] = field;
}

static void add_value(struct step_write *w, struct text path, struct value v)
{
	if (!value_is(v, VALUE_MAP) || v.n == 0) {
		add_field(w, (struct field_write){ path, true, true, v });
		return;
	}
	for (uint32_t i = 0; i < v.n; i++)
		if (value_is(v.pairs[i].key, VALUE_TEXT))
			add_value(w,
				  text_printf(w->arena, "%.*s.%.*s", TEXT_ARG(path),
					      TEXT_ARG(value_as_text(v.pairs[i].key))),
				  v.pairs[i].val);
}

static void add_template(struct step_write *w, struct text path, const struct template *t)
{
	if (t->kind == TEMPLATE_VALUE)
		add_value(w, path, t->value);
	for (size_t i = 0; t->kind == TEMPLATE_MAP && i < t->count; i++)
		add_template(
		    w, text_printf(w->arena, "%.*s.%.*s", TEXT_ARG(path), TEXT_ARG(t->keys[i])),
		    t->items[i]);
	if (t->kind != TEMPLATE_VALUE && t->kind != TEMPLATE_MAP)
		add_field(w, (struct field_write){ .path = path, .named = true });
}

static void add_row(void *of, struct text field, const struct write_field *row)
{
	struct step_write *w = of;

	if (row != NULL && row->turns)
		add_field(w, (struct field_write){ .path = field, .named = true });
	else if (row != NULL && row->value != NULL)
		add_value(w, field, value_text(text_of(row->value)));
	else
		add_template(w, field, w->value);
	for (const char *const *also = row != NULL ? row->also : NULL;
	     also != NULL && *also != NULL; also++)
		add_field(w, (struct field_write){ .path = text_of(*also) });
}

static const struct template *member(const struct template *t, const char *name)
{
	for (size_t i = 0; t != NULL && t->kind == TEMPLATE_MAP && i < t->count; i++)
		if (text_is(t->keys[i], name))
			return t->items[i];
	return NULL;
}

static void add_value_map(struct step_write *w, struct value map)
{
	for (uint32_t i = 0; value_is(map, VALUE_MAP) && i < map.n; i++) {
		struct template literal = { .kind = TEMPLATE_VALUE, .value = map.pairs[i].val };

		w->value = &literal;
		if (value_is(map.pairs[i].key, VALUE_TEXT))
			writes_member(w->writes, value_as_text(map.pairs[i].key), add_row, w);
	}
	w->value = NULL;
}

static void add_body(struct step_write *w, const struct template *body)
{
	if (body->kind == TEMPLATE_VALUE)
		add_value_map(w, body->value);
	else if (body->kind != TEMPLATE_MAP)
		w->wild = true;
	for (size_t i = 0; body->kind == TEMPLATE_MAP && i < body->count; i++) {
		w->value = body->items[i];
		writes_member(w->writes, body->keys[i], add_row, w);
	}
	w->value = NULL;
}

/* A map without ${...} is one value. */
static const struct template *body_of(const struct step_write *w, struct template *literal)
{
	const struct template *params = w->step->params;
	const char *name = w->writes->body;
	const struct value *v;

	if (name == NULL || params == NULL || name[0] == '\0')
		return name != NULL ? params : NULL;
	if (params->kind != TEMPLATE_VALUE)
		return member(params, name);
	v = value_get(params->value, text_of(name));
	*literal = (struct template){ .kind = TEMPLATE_VALUE };
	if (v != NULL)
		literal->value = *v;
	return literal;
}

static void read_step(struct step_write *w, struct arena *arena, const struct step *step)
{
	struct template literal;
	const struct template *body;
	const struct write_field *row;

	*w = (struct step_write){ .arena = arena, .step = step, .writes = step->action->writes };
	body = body_of(w, &literal);
	if (body != NULL)
		add_body(w, body);
	for (row = w->writes->fields; row != NULL && (row->member != NULL || row->field != NULL);
	     row++)
		if (row->member == NULL)
			add_row(w, text_of(row->field), row);
	w->value = NULL;
}

/* ---- Which events that makes. ---- */

static bool is_beneath(struct text path, struct text field)
{
	return text_starts(path, field) && (path.n == field.n || path.s[field.n] == '.');
}

static bool touches(struct text a, struct text b)
{
	return is_beneath(a, b) || is_beneath(b, a);
}

static bool is_false(struct value v)
{
	struct text t = value_is(v, VALUE_TEXT) ? value_as_text(v) : TEXT("?");

	return value_is(v, VALUE_NULL) || (value_is(v, VALUE_BOOL) && !v.b) || t.n == 0 ||
	       text_is(t, "false");
}

static bool may_turn(const struct step_write *w, const struct edge *edge)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct field_write *f = &w->fields[i];

		if (touches(f->path, text_of(edge->field)) &&
		    (!f->known || is_false(f->value) == !edge->to))
			return true;
	}
	return w->wild;
}

/* Something is written that no edge tells by itself. */
static bool may_update(const struct step_write *w)
{
	for (size_t i = 0; i < w->count; i++) {
		bool told = false;

		for (const struct edge *e = w->writes->kind->edges; e->field != NULL; e++)
			told = told || is_beneath(w->fields[i].path, text_of(e->field));
		if (w->fields[i].named && !told)
			return true;
	}
	return w->wild;
}

static bool takes(const struct rule *rule, const struct object_kind *kind, const char *suffix)
{
	char type[LIMIT_OWN_TYPE + 1];

	(void)snprintf(type, sizeof(type), "%s.%s", kind->name, suffix);
	for (size_t i = 0; i < rule->on_count; i++)
		if (event_glob(rule->on[i], text_of(type)))
			return true;
	return false;
}

static bool hears(const struct rule *rule, const struct step_write *w)
{
	const struct object_kind *kind = w->writes->kind;

	if (rule->from.n > 0 && w->step->connection.n > 0 &&
	    !text_eq(rule->from, w->step->connection))
		return false;
	if (w->writes->how == WRITES_NEW)
		return takes(rule, kind, "created");
	if (w->writes->how == WRITES_END)
		return takes(rule, kind, "deleted");
	for (const struct edge *e = kind->edges; e->field != NULL; e++)
		if (may_turn(w, e) && takes(rule, kind, e->event))
			return true;
	return may_update(w) && takes(rule, kind, "updated");
}

/* ---- Whether the reader's conditions can hold. ---- */

/* "data.status.key" as a path beneath data; empty for anything but a plain chain of names. */
static struct text slot_path(const struct slot *slot)
{
	struct text head, rest;

	if (slot->kind == SLOT_PATH || slot->kind == SLOT_CHANGED)
		return slot->path;
	rest = text_split(slot->name, '.', &head);
	if (slot->kind != SLOT_PART || (!text_is(head, "data") && !text_is(head, "object")))
		return TEXT_NONE;
	for (size_t i = 0; i < rest.n; i++) {
		char c = rest.s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '.'))
			return TEXT_NONE;
	}
	return rest;
}

static bool changes(const struct step_write *w, struct text path)
{
	for (size_t i = 0; i < w->count; i++)
		if (touches(w->fields[i].path, path))
			return true;
	return w->wild;
}

static bool asks_for(struct arena *arena, const struct atom *atom, struct value v)
{
	struct text token = written_token(arena, v);

	for (uint32_t i = 0; i < atom->count; i++)
		if (text_eq(written_token(arena, atom->values[i]), token))
			return true;
	return false;
}

static bool value_fits(struct arena *arena, const struct atom *atom, struct value v)
{
	double d;

	if (atom->kind == ATOM_EQUALS)
		return asks_for(arena, atom, v);
	if (atom->kind == ATOM_RANGE && atom->line == LINE_NUMBER && v.kind <= VALUE_DOUBLE &&
	    index_number(v, &d))
		return d >= atom->low && d <= atom->high;
	if (atom->kind == ATOM_PREFIX && value_is(v, VALUE_TEXT))
		return text_starts(value_as_text(v), atom->prefix);
	return true;
}

/* Why the atom can't hold after this write; empty when it may. */
static struct text atom_fails(struct arena *arena, const struct slot *slot, const struct atom *atom,
			      const struct step_write *w)
{
	struct text path = slot_path(slot);

	if (path.n == 0 || w->wild || w->writes->how != WRITES_FIELDS)
		return TEXT_NONE;
	if ((slot->kind == SLOT_CHANGED && asks_for(arena, atom, value_bool(true)) &&
	     !changes(w, path)) ||
	    ((atom->kind == ATOM_RISE || atom->kind == ATOM_FALL) && !changes(w, path)))
		return text_printf(arena, "%.*s isn't written", TEXT_ARG(path));
	for (size_t i = 0; slot->kind != SLOT_CHANGED && i < w->count; i++) {
		const struct field_write *f = &w->fields[i];

		if (f->known && text_eq(f->path, path) && !value_fits(arena, atom, f->value))
			return text_printf(arena, "it asks for another %.*s", TEXT_ARG(path));
	}
	return TEXT_NONE;
}

static struct text never_holds(struct arena *arena, const struct slots *slots,
			       const struct cover *cover, const struct step_write *w)
{
	struct text why = TEXT_NONE;

	for (uint32_t i = 0; i < cover->count; i++) {
		const struct alternative *a = &cover->items[i];

		why = TEXT_NONE;
		for (uint32_t k = 0; k < a->count && why.n == 0; k++)
			why = atom_fails(arena, &slots->items[a->atoms[k].slot], &a->atoms[k], w);
		if (why.n == 0)
			return why;
	}
	return why;
}

/* ---- The graph. ---- */

struct graph {
	const struct ruleset *set;
	struct arena *arena;
	struct slots slots;
	struct cover *covers; /* by rule; made when first asked for */
	bool *covered;
	struct arena *pair; /* emptied after each pair of rules */
	size_t asked;       /* pairs that were compared */
	void (*visit)(void *of, const struct lead *lead);
	void *of;
};

static const struct cover *cover_of(struct graph *g, const struct rule *rule)
{
	struct conjuncts conjuncts;

	if (g->covered[rule->number])
		return &g->covers[rule->number];
	g->covered[rule->number] = true;
	conjuncts = rule_conjuncts(g->arena, rule);
	if (conjuncts.items != NULL && conjuncts.count > 0)
		g->covers[rule->number] = rule_cover(g->arena, &g->slots, rule, &conjuncts);
	return &g->covers[rule->number];
}

static void put_field(struct buf *out, const struct field_write *f)
{
	buf_text(out, f->path);
	if (!f->known)
		return;
	buf_str(out, " = ");
	value_write_plain(out, f->value);
	if (out->n > 200)
		buf_cut(out, text_head(buf_view(out), 200).n);
}

static struct text fields_words(struct arena *arena, const struct step_write *w)
{
	AUTO_FINI(buf_fini) struct buf out;
	size_t told = 0, named = 0;

	buf_init(&out, LIMIT_REQUEST);
	if (w->writes->how != WRITES_FIELDS)
		return w->writes->how == WRITES_NEW ? TEXT("a new one") : TEXT("its end");
	for (size_t i = 0; i < w->count; i++)
		named += w->fields[i].named;
	for (size_t i = 0; i < w->count && told < FIELDS_TOLD; i++) {
		if (!w->fields[i].named)
			continue;
		buf_str(&out, told++ > 0 ? ", " : "");
		put_field(&out, &w->fields[i]);
	}
	if (w->wild)
		buf_str(&out, told > 0 ? ", any field" : "any field");
	else if (named > told)
		buf_printf(&out, " and %zu more", named - told);
	return text_dup(arena, buf_view(&out));
}

static void lead_to(struct graph *g, const struct rule *from, const struct step_write *w,
		    const struct rule *to)
{
	struct lead lead = {
		.from = from, .to = to, .what = text_of(w->writes->kind->name), .fields = w->words
	};

	g->asked++;
	if (to->mode == MODE_OFF || (from == to && !to->echoes) || !hears(to, w))
		return;
	lead.never = never_holds(g->pair, &g->slots, cover_of(g, to), w);
	g->visit(g->of, &lead);
	g->slots.failed = g->slots.failed || arena_failed(g->pair);
	arena_reset(g->pair);
}

/* Whether some event of the plugin is one that the glob takes. */
static bool takes_plugin(struct arena *arena, struct text glob, struct text plugin)
{
	struct text name, rest = text_split(text_split(glob, '.', &name), '.', &name);

	/* A name of the rule's own, where it has one: any event may be the manifest's some day. */
	if (rest.n == 0 || text_find(rest, TEXT("*")) != SIZE_MAX)
		rest = TEXT("any");
	return event_glob(glob,
			  text_printf(arena, "plugin.%.*s.%.*s", TEXT_ARG(plugin), TEXT_ARG(rest)));
}

static void lead_by_plugin(struct graph *g, const struct rule *from, const struct step *step,
			   const struct rule *to)
{
	struct lead lead = { .from = from, .to = to, .plugin = true };
	bool heard = false;

	g->asked++;
	for (size_t i = 0; i < to->on_count && !heard; i++)
		heard = takes_plugin(g->pair, to->on[i], step->connection);
	arena_reset(g->pair);
	if (!heard || to->mode == MODE_OFF ||
	    (to->from.n > 0 && !text_eq(to->from, step->connection)))
		return;
	lead.what = text_printf(g->arena, "plugin.%.*s.*", TEXT_ARG(step->connection));
	lead.fields = text_of(step->what);
	g->visit(g->of, &lead);
}

static void leads_of_step(struct graph *g, const struct rule *from, const struct step *step)
{
	struct step_write *w = NULL;

	if (!step->plugin && (step->action == NULL || step->action->writes == NULL))
		return;
	if (!step->plugin) {
		w = arena_alloc(g->arena, sizeof(*w));
		if (w == NULL)
			return;
		read_step(w, g->arena, step);
		w->words = fields_words(g->arena, w);
	}
	for (size_t k = 0; k < g->set->count && g->asked < LIMIT_LEADS; k++) {
		if (w != NULL)
			lead_to(g, from, w, g->set->rules[k]);
		else
			lead_by_plugin(g, from, step, g->set->rules[k]);
	}
}

static void leads_of(struct graph *g, const struct rule *from)
{
	for (int i = 0; i < from->step_count && from->mode == MODE_LIVE; i++)
		leads_of_step(g, from, &from->steps[i]);
}

bool leads_each(const struct ruleset *set, struct arena *arena,
		void (*visit)(void *of, const struct lead *lead), void *of)
{
	AUTO(map_free) struct map *by_key = map_new();
	AUTO(arena_free) struct arena *pair = arena_new("two rules", LIMIT_EVENT_ARENA);
	struct graph g = { .set = set, .arena = arena, .pair = pair, .visit = visit, .of = of };

	assert(set != NULL && arena != NULL && visit != NULL);
	g.slots.arena = arena;
	g.slots.by_key = by_key;
	g.covers = arena_zero(arena, (set->count + 1) * sizeof(*g.covers));
	g.covered = arena_zero(arena, (set->count + 1) * sizeof(*g.covered));
	if (by_key == NULL || pair == NULL || g.covers == NULL || g.covered == NULL)
		return false;
	for (size_t i = 0; i < set->count; i++)
		leads_of(&g, set->rules[i]);
	return !arena_failed(arena) && !g.slots.failed && g.asked < LIMIT_LEADS;
}

/* ---- Cycles. ---- */

struct arc {
	struct lead lead;
	struct arc *next; /* of the same rule */
};

struct search {
	struct arena *arena;
	struct arc **arcs;     /* by rule: where it leads */
	const struct arc **by; /* by rule: how it was reached */
	size_t *queue;
	bool *told;
	size_t count;
	size_t steps; /* that searching took */
};

static bool is_careful(const struct rule *rule)
{
	return rule->throttle > 0 || rule->match != NULL || rule->when != NULL ||
	       rule->edge != EDGE_NONE;
}

static void keep_arc(void *of, const struct lead *lead)
{
	struct search *s = of;
	struct arc *arc;

	if (lead->never.n > 0 || (lead->plugin && is_careful(lead->to)))
		return;
	arc = arena_alloc(s->arena, sizeof(*arc));
	if (arc == NULL)
		return;
	*arc = (struct arc){ *lead, s->arcs[lead->from->number] };
	s->arcs[lead->from->number] = arc;
}

/* The last arc of a shortest way from the rule back to it, or NULL. */
static const struct arc *way_back(struct search *s, size_t start)
{
	size_t head = 0, tail = 0;

	memset(s->by, 0, s->count * sizeof(*s->by));
	s->queue[tail++] = start;
	while (head < tail && s->steps < SEARCH_STEPS) {
		size_t at = s->queue[head++];

		for (const struct arc *a = s->arcs[at]; a != NULL; a = a->next) {
			size_t to = a->lead.to->number;

			s->steps++;
			if (to == start)
				return a;
			if (s->by[to] != NULL)
				continue;
			s->by[to] = a;
			s->queue[tail++] = to;
		}
	}
	return NULL;
}

static void tell(struct search *s, struct diags *diags, size_t start, const struct arc *last)
{
	struct text words = TEXT_NONE;
	const struct arc *a = last;
	bool plugin = false;

	for (;;) {
		const struct lead *l = &a->lead;
		struct text part =
		    l->plugin
			? text_printf(s->arena, "%.*s calls %.*s, which may bring %.*s",
				      TEXT_ARG(l->from->id), TEXT_ARG(l->fields), TEXT_ARG(l->what))
			: text_printf(s->arena, "%.*s writes %.*s (%.*s)", TEXT_ARG(l->from->id),
				      TEXT_ARG(l->what), TEXT_ARG(l->fields));

		plugin = plugin || l->plugin;
		words = words.n == 0
			    ? part
			    : text_printf(s->arena, "%.*s, which %.*s takes; %.*s", TEXT_ARG(part),
					  TEXT_ARG(l->to->id), TEXT_ARG(words));
		s->told[l->from->number] = true;
		if (l->from->number == start)
			break;
		a = s->by[l->from->number];
	}
	diags_add(diags, DIAG_WARNING, last->lead.to->at,
		  plugin ? "give the rule that takes the plugin's events a throttle, or a "
			   "condition (match, when)"
			 : "if values settle it ends by itself, else at depth 8, each time; a "
			   "condition on what changed makes it end sooner",
		  "rules may set each other off for ever: %.*s, which %.*s takes", TEXT_ARG(words),
		  TEXT_ARG(last->lead.to->id));
}

bool leads_check(const struct ruleset *set, struct arena *arena, struct diags *diags)
{
	struct search s = { .arena = arena, .count = set->count };
	bool whole;

	assert(set != NULL && arena != NULL && diags != NULL);
	s.arcs = arena_zero(arena, (set->count + 1) * sizeof(*s.arcs));
	s.by = arena_zero(arena, (set->count + 1) * sizeof(*s.by));
	s.queue = arena_zero(arena, (set->count + 1) * sizeof(*s.queue));
	s.told = arena_zero(arena, (set->count + 1) * sizeof(*s.told));
	if (s.arcs == NULL || s.by == NULL || s.queue == NULL || s.told == NULL)
		return false;
	whole = leads_each(set, arena, keep_arc, &s);
	for (size_t i = 0; i < set->count; i++) {
		const struct arc *last = s.told[i] || s.arcs[i] == NULL ? NULL : way_back(&s, i);

		if (last != NULL)
			tell(&s, diags, i, last);
	}
	return whole && s.steps < SEARCH_STEPS && !arena_failed(arena);
}
