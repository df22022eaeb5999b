/* SPDX-License-Identifier: Apache-2.0
 *
 * edge.c - rules that act when their condition turns: which are active, and what
 * an event changes about that.
 *
 * A rule that fires and isn't active for the key becomes active and runs `do`; an
 * active one whose condition is false, or whose object is gone, stops being so and
 * runs `clear`. That the index never shows a condition that turned false is
 * rules/edge.h's matter.
 *
 * The first sight of a key that is true already is no turn: the rule is armed, it
 * becomes active without acting (or acts, with `first: fire`). A key was seen when
 * an event of the rule's group had it after the rule was born, so one row for each
 * key serves all rules that make their keys alike.
 *
 * With look-ups a run may be given up before it decided, and be tried again days later:
 * for such keys an event that is false without look-ups is noted, too, so that the old
 * one has nothing to say any more.
 *
 * I1  Active pairs in memory are those in the store's states: both change in the
 *     batch that decides, and after a failed one memory is read again.
 * I2  An edit of the rule, or of another, keeps what is active; so does a restart. */
#include "engine/sequencer/internal.h"

#define SEEN_AGAIN (15 * INT64_C(86400000)) /* ms: rows older than retention's 30 days go */

/* State of a rule in shadow is its own: going live begins anew. */
static struct text state_what(const struct rule *rule)
{
	return rule->mode == MODE_SHADOW ? TEXT("edge.shadow") : TEXT("edge");
}

static struct text born_what(const struct rule *rule)
{
	return rule->mode == MODE_SHADOW ? TEXT("edge.born.shadow") : TEXT("edge.born");
}

/* ---- Reading what the store holds. ---- */

struct edge_loading {
	struct sequencer *s;
	bool shadow;
};

static bool edge_load_row(void *of, struct text id, struct text key, struct text json)
{
	const struct edge_loading *l = of;
	const struct rule *rule = ruleset_find(l->s->rules, id);

	(void)json;
	if (rule == NULL || rule->edge == EDGE_NONE || rule->mode == MODE_OFF ||
	    (rule->mode == MODE_SHADOW) != l->shadow)
		return true;
	if (edges_active(l->s->edges) >= LIMIT_EDGES) {
		/* Rules that were off meanwhile: what they had is more than there is room for now.
		 */
		log_write(LOG_ERROR, "more keys are active than can be remembered",
			  LOG_I("limit", LIMIT_EDGES));
		return false;
	}
	if (edges_put(l->s->edges, rule, key))
		return true;
	seq_break(l->s);
	return false;
}

/* Of runs that were given up before they decided. The row isn't under the rule's own id, so that
 * retention takes it as it takes the run. */
#define GIVEN_UP "given-up:"

static struct text given_up_what(const struct rule *rule)
{
	return rule->mode == MODE_SHADOW ? TEXT("edge.given-up.shadow") : TEXT("edge.given-up");
}

static struct text given_up_name(struct sequencer *s, const struct rule *rule)
{
	return text_printf(s->work, GIVEN_UP "%.*s", TEXT_ARG(rule->id));
}

/* More than there is room for are as if they had never been tried. */
static bool given_up_load(void *of, struct text name, struct text key, struct text json)
{
	const struct edge_loading *l = of;
	const struct rule *rule;
	struct text id = name;

	(void)json;
	if (!text_starts(name, TEXT(GIVEN_UP)))
		return true;
	id.s += strlen(GIVEN_UP);
	id.n -= strlen(GIVEN_UP);
	rule = ruleset_find(l->s->rules, id);
	if (rule == NULL || rule->edge == EDGE_NONE || rule->mode == MODE_OFF ||
	    (rule->mode == MODE_SHADOW) != l->shadow)
		return true;
	return edges_give_up(l->s->edges, rule, key);
}

/* The rule in force whose state the rule's is, which may be of an older revision; or NULL. */
static const struct rule *edge_current(const struct sequencer *s, const struct rule *rule)
{
	const struct rule *now = ruleset_find(s->rules, rule->id);

	if (now == NULL || now->edge == EDGE_NONE || now->mode == MODE_OFF ||
	    (now->mode == MODE_SHADOW) != (rule->mode == MODE_SHADOW))
		return NULL;
	return now;
}

/* Its look-ups are still to tell whether the condition holds. */
static bool is_undecided(const struct run *run)
{
	return run_state_open(run->state) && run->rule->edge != EDGE_NONE &&
	       run->rule->steps[run->step].reads;
}

static void edge_count(struct sequencer *s, struct run *run)
{
	const struct rule *rule = is_undecided(run) ? edge_current(s, run->rule) : NULL;

	run->waits = rule != NULL;
	if (rule != NULL && !edges_wait(s->edges, rule, text_of(run->key)))
		seq_break(s);
}

static void edge_count_all(struct sequencer *s)
{
	struct text key;
	void *value;

	for (size_t at = 0; map_next(s->runs, &at, &key, &value);)
		edge_count(s, value);
}

/* NULL when no rule has an edge, or with the batch broken. */
static struct edges *edge_state(struct sequencer *s)
{
	struct edge_loading live = { s, false }, shadow = { s, true };

	if (s->edges != NULL || !ruleset_has_edges(s->rules))
		return s->edges;
	s->edges = edges_new(s->rules);
	if (s->edges == NULL) {
		seq_break(s);
		return NULL;
	}
	store_each_state(s->store, TEXT("edge"), edge_load_row, &live);
	store_each_state(s->store, TEXT("edge.shadow"), edge_load_row, &shadow);
	store_each_state(s->store, TEXT("edge.given-up"), given_up_load, &live);
	store_each_state(s->store, TEXT("edge.given-up.shadow"), given_up_load, &shadow);
	edge_count_all(s);
	return s->broken ? NULL : s->edges;
}

void edge_forget(struct sequencer *s)
{
	edges_free(s->edges);
	s->edges = NULL;
}

/* The event with which the rule's memory begins. */
static int64_t edge_born(struct sequencer *s, const struct rule *rule, int64_t seq)
{
	int64_t *born = edges_born(s->edges, rule);
	struct text state;

	if (*born != 0)
		return *born;
	if (store_get_state(s->store, s->work, rule->id, born_what(rule), TEXT(""), &state) &&
	    text_to_int(state, born))
		return *born;
	*born = seq;
	state = text_printf(s->work, "%lld", (long long)seq);
	store_put_state(s->store, rule->id, born_what(rule), TEXT(""), state, s->now.wall);
	return *born;
}

/* ---- Which keys were seen. ---- */

/* State belongs to a rule's id; this one, to all of a group. No rule has such an id. */
static struct text seen_name(struct sequencer *s, const struct edge_group *group)
{
	return text_printf(s->work, "seen:%s", group->name);
}

/* Events with this key: the last one noted, and the one before that; or 0. */
struct seen_row {
	int64_t last, earlier;
	int64_t when; /* the clock of the last one's batch */
};

static struct seen_row seen_get(struct sequencer *s, const struct edge_group *group,
				struct text key)
{
	struct seen_row row = { 0 }, none = { 0 };
	struct text state, last, when;

	if (!store_get_state(s->store, s->work, seen_name(s, group), TEXT("edge"), key, &state))
		return none;
	state = text_split(text_split(state, ' ', &last), ' ', &when);
	if (!text_to_int(last, &row.last) || !text_to_int(when, &row.when))
		return none;
	(void)text_to_int(state, &row.earlier);
	return row;
}

/* An event with the key came before this one, and not before the rule was born. */
static bool was_seen(struct sequencer *s, const struct rule *rule, struct text key, int64_t born,
		     int64_t seq)
{
	struct seen_row row = seen_get(s, edges_group_of(s->edges, rule), key);

	return (row.last >= born && row.last < seq) || (row.earlier >= born && row.earlier < seq);
}

/* Noted again only when a younger rule needs to know, or before retention forgets it. */
static void seen_note(struct sequencer *s, const struct edge_group *group, struct text key,
		      int64_t seq)
{
	struct seen_row row = seen_get(s, group, key);
	int64_t youngest = 0;

	for (size_t i = 0; i < group->count; i++) {
		int64_t born = edge_born(s, group->rules[i], seq);

		youngest = born > youngest ? born : youngest;
	}
	if (row.last >= youngest && s->now.wall - row.when < SEEN_AGAIN)
		return;
	if (row.last == seq)
		return;
	store_put_state(s->store, seen_name(s, group), TEXT("edge"), key,
			text_printf(s->work, "%lld %lld %lld", (long long)seq,
				    (long long)s->now.wall, (long long)row.last),
			s->now.wall);
}

/* ---- With look-ups: events are decided later, and runs that failed may be tried again. ---- */

/* Not under the rule's own id, so that retention takes it. */
static struct text decided_name(struct sequencer *s, const struct rule *rule)
{
	return text_printf(s->work, "decided:%.*s", TEXT_ARG(rule->id));
}

/* An event has decided: those before it that were given up have nothing to say any more. */
static void given_up_settle(struct sequencer *s, const struct rule *rule, struct text key,
			    int64_t seq)
{
	struct text name, state;
	int64_t last;

	if (!edges_given_up(s->edges, rule, key))
		return;
	name = given_up_name(s, rule);
	if (store_get_state(s->store, s->work, name, given_up_what(rule), key, &state) &&
	    text_to_int(state, &last) && last > seq)
		return;
	store_drop_state(s->store, name, given_up_what(rule), key);
	edges_settle(s->edges, rule, key);
}

static void decided_note(struct sequencer *s, const struct rule *rule, struct text key, int64_t seq)
{
	store_put_state(s->store, decided_name(s, rule), state_what(rule), key,
			text_printf(s->work, "%lld", (long long)seq), s->now.wall);
	given_up_settle(s, rule, key, seq);
}

/* An event that came after this one has told whether the condition holds. */
static bool is_overtaken(struct sequencer *s, const struct rule *rule, struct text key, int64_t seq)
{
	struct text state;
	int64_t last;

	return store_get_state(s->store, s->work, decided_name(s, rule), state_what(rule), key,
			       &state) &&
	       text_to_int(state, &last) && last > seq;
}

void edge_wait(struct sequencer *s, struct run *run)
{
	if (s->edges == NULL)
		(void)edge_state(s); /* counts all */
	else
		edge_count(s, run);
}

void edge_unwait(struct sequencer *s, struct run *run)
{
	const struct rule *rule = run->waits ? edge_current(s, run->rule) : NULL;

	run->waits = false;
	if (rule != NULL && s->edges != NULL)
		edges_unwait(s->edges, rule, text_of(run->key));
}

void edge_give_up(struct sequencer *s, const struct run *run)
{
	const struct rule *rule = is_undecided(run) ? edge_current(s, run->rule) : NULL;
	struct text key = text_of(run->key);

	if (rule == NULL || edge_state(s) == NULL || !edges_give_up(s->edges, rule, key))
		return;
	store_put_state(s->store, given_up_name(s, rule), given_up_what(rule), key,
			text_printf(s->work, "%lld", (long long)run->event), s->now.wall);
}

/* ---- Turning true. ---- */

/* Whether the condition was false before this event's change. */
static bool was_false(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		      struct value looked_up)
{
	struct event_view prior = *event;
	struct scope scope = { .arena = s->work,
			       .entities = &s->entities,
			       .rule = rule,
			       .event = &prior,
			       .steps = looked_up };
	struct decision d;

	if (value_is(event->before, VALUE_NULL))
		return false;
	prior.data = event->before;
	prior.before = value_null();
	scope.now = s->now.wall;
	d = rule_decide(&scope);
	return d.verdict == VERDICT_NO;
}

static bool is_turn(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		    struct text key, struct value looked_up)
{
	int64_t born = edge_born(s, rule, event->seq);

	return rule->edge == EDGE_FIRE || was_seen(s, rule, key, born, event->seq) ||
	       was_false(s, rule, event, looked_up);
}

/* It is active from now on. False with the batch broken. */
static bool edge_put(struct sequencer *s, const struct rule *rule, struct text key, int64_t seq,
		     bool acts)
{
	if (!edges_put(s->edges, rule, key)) {
		seq_break(s);
		return false;
	}
	store_put_state(s->store, rule->id, state_what(rule), key,
			text_printf(s->work, "%s %lld", acts ? "fired" : "armed", (long long)seq),
			s->now.wall);
	return true;
}

bool edge_rise(struct sequencer *s, const struct rule *rule, const struct event_view *event,
	       struct text key, uint64_t turn, const char **skip)
{
	struct edges *edges = edge_state(s);
	bool acts;

	assert(rule->edge != EDGE_NONE);
	if (edges == NULL)
		return false;
	*edges_stamp(edges, rule) = turn;
	if (edges_has(edges, rule, key))
		return false;
	if (edges_active(edges) >= LIMIT_EDGES) {
		*skip = "too many keys are active";
		return true;
	}
	acts = is_turn(s, rule, event, key, value_null());
	return edge_put(s, rule, key, event->seq, acts) && acts;
}

bool edge_hold(struct sequencer *s, const struct rule *rule, struct text key, uint64_t turn)
{
	struct edges *edges = edge_state(s);

	assert(rule->edge != EDGE_NONE);
	if (edges == NULL)
		return false;
	*edges_stamp(edges, rule) = turn;
	return !edges_has(edges, rule, key);
}

/* ---- Turning false. ---- */

struct falling {
	struct sequencer *s;
	const struct event_view *event;
	uint64_t turn;
	struct vector rules; /* const struct rule *, active and not found true */
};

static void edge_drop(struct sequencer *s, const struct rule *rule, struct text key)
{
	edges_drop(s->edges, rule, key);
	store_drop_state(s->store, rule->id, state_what(rule), key);
}

static bool fall_note(void *of, const struct rule *rule)
{
	struct falling *f = of;
	const struct rule **slot;

	if (*edges_stamp(f->s->edges, rule) == f->turn || pause_of_rule(f->s, rule))
		return true;
	slot = vector_add(f->s, &f->rules, sizeof(struct rule *));
	if (slot != NULL)
		*slot = rule;
	return slot != NULL;
}

static void edge_fall(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		      struct text key)
{
	struct scope scope = { .arena = s->work,
			       .entities = &s->entities,
			       .rule = rule,
			       .event = event,
			       .now = s->now.wall };
	const char *skip = NULL;

	edge_drop(s, rule, key);
	if (rule->lookup_first >= 0)
		decided_note(s, rule, key, event->seq);
	if (rule->clear_first < 0)
		return;
	if (event->depth > LIMIT_DEPTH)
		skip = "loop";
	else if (rule_mode_now(&scope) == MODE_SHADOW)
		skip = "shadow";
	s->stats.matches++;
	run_begin(s, rule, event, key, skip, rule->clear_first);
	if (event->depth > LIMIT_DEPTH)
		guard_loop(s, rule, event);
}

/* Earlier events are still to be decided by their look-ups: it falls at its turn behind those. */
static void edge_queue(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		       struct text key)
{
	run_begin(s, rule, event, key, event->depth > LIMIT_DEPTH ? "loop" : NULL,
		  rule->lookup_first);
	if (event->depth > LIMIT_DEPTH)
		guard_loop(s, rule, event);
}

static bool group_key(struct sequencer *s, const struct edge_group *group,
		      const struct event_view *event, struct text *key)
{
	struct scope scope = { .arena = s->work,
			       .entities = &s->entities,
			       .rule = group->rules[0],
			       .event = event,
			       .now = s->now.wall };
	struct decision d = rule_decide_key(&scope);

	if (d.verdict != VERDICT_YES)
		return false;
	*key = rule_key_bounded(s->work, d.key);
	return true;
}

static void group_end(struct sequencer *s, const struct edge_group *group,
		      const struct event_view *event, uint64_t turn)
{
	struct falling f = { .s = s, .event = event, .turn = turn };
	const struct rule **rules;
	struct text key;

	if (!group_key(s, group, event, &key))
		return;
	edges_each(s->edges, group, key, fall_note, &f);
	rules = f.rules.items;
	for (size_t i = 0; i < f.rules.n && !s->broken; i++) {
		struct scope scope = { .arena = s->work,
				       .entities = &s->entities,
				       .rule = rules[i],
				       .event = event,
				       .now = s->now.wall };

		if (!edge_has_fallen(&scope))
			continue;
		if (edges_waits(s->edges, rules[i], key))
			edge_queue(s, rules[i], event, key);
		else if (edges_has(s->edges, rules[i], key))
			edge_fall(s, rules[i], event, key);
		else
			decided_note(s, rules[i], key, event->seq);
	}
	if (!s->broken && !value_is(event->data, VALUE_NULL))
		seen_note(s, group, key, event->seq);
}

/* ---- What look-ups decide. ---- */

void edge_look(struct sequencer *s, const struct rule *rule, uint64_t turn)
{
	struct edges *edges = edge_state(s);

	assert(rule->edge != EDGE_NONE);
	if (edges != NULL)
		*edges_stamp(edges, rule) = turn;
}

/* `rule` is that in force; the run's own, of the scope, may be older. */
static int decide_rise(struct sequencer *s, struct run *run, const struct rule *rule,
		       struct scope *scope, const char **reason)
{
	struct text key = text_of(run->key);
	int64_t seq = scope->event->seq;
	bool acts;

	if (edges_active(s->edges) >= LIMIT_EDGES) {
		*reason = "too many keys are active";
		return -1;
	}
	acts = is_turn(s, rule, scope->event, key, scope->steps);
	if (!edge_put(s, rule, key, seq, acts))
		return -1;
	if (!acts)
		*reason = "armed: the first sight of its key";
	else if (!run->rule->echoes && guard_was_echo(s, run->rule, seq))
		*reason = "echo";
	else
		*reason = emit_skip(s, scope, key, run->id);
	s->stats.matches += acts;
	return run->rule->main_count > 0 ? 0 : -1;
}

static int decide_fall(struct sequencer *s, struct run *run, const struct rule *rule,
		       struct scope *scope, const char **reason)
{
	edge_drop(s, rule, text_of(run->key));
	s->stats.matches++;
	if (run->rule->clear_first < 0)
		*reason = "turned false";
	else if (rule_mode_now(scope) == MODE_SHADOW)
		*reason = "shadow";
	return run->rule->clear_first;
}

int edge_decide(struct sequencer *s, struct run *run, struct scope *scope, bool holds,
		const char **reason)
{
	const struct rule *rule = edge_current(s, run->rule);
	struct text key = text_of(run->key);
	bool active;

	if (rule == NULL || edge_state(s) == NULL) {
		*reason = "the rule has no edge any more, or another mode";
		return -1;
	}
	if (is_overtaken(s, rule, key, scope->event->seq)) {
		*reason = "a later event has decided already";
		return -1;
	}
	decided_note(s, rule, key, scope->event->seq);
	active = edges_has(s->edges, rule, key);
	if (holds && !active)
		return decide_rise(s, run, rule, scope, reason);
	if (!holds && active)
		return decide_fall(s, run, rule, scope, reason);
	*reason = holds ? "active already" : "when is false";
	return -1;
}

uint64_t edge_begin(struct sequencer *s)
{
	return ++s->edge_turn;
}

void edge_end(struct sequencer *s, const struct event_view *event, uint64_t turn)
{
	struct edges *edges = edge_state(s);
	const struct edge_group *const *groups;
	size_t count;

	if (edges == NULL)
		return;
	groups = edges_groups(edges, event->type, &count);
	if (groups == NULL && edges_failed(edges))
		seq_break(s);
	for (size_t i = 0; i < count && !s->broken; i++)
		group_end(s, groups[i], event, turn);
}
