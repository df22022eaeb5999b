/* SPDX-License-Identifier: Apache-2.0
 *
 * lookups.c - what a rule decides once its look-ups are made, and results of look-ups
 * that serve other runs.
 *
 * The decision is taken in the order of the run's lane: what the look-ups brought is
 * in the run's record by then, so a restart decides the same. `when`, the mode and
 * the throttle are asked as emit.c asks them of rules without look-ups.
 *
 * Results are kept in memory only, under the connection, action and parameters they
 * answer; how old one may be is for the look-up to say that asks. The one not asked
 * for the longest goes first. Losing them costs a request.
 *
 * I1  A result that came from here is in the record of the run as any other is. */
#include "engine/sequencer/internal.h"

/* ---- Deciding. ---- */

static int decide_plainly(struct sequencer *s, struct run *run, struct scope *scope,
			  const char **reason)
{
	s->stats.matches++;
	*reason = emit_skip(s, scope, text_of(run->key), run->id);
	return run->rule->main_count > 0 ? 0 : -1;
}

/* The index of the step to go on with, or -1: nothing is to be done. *reason says why the run is
 * skipped all the same, or NULL. */
static int lookups_decide(struct sequencer *s, struct run *run, bool fallen, const char **reason)
{
	const struct rule *rule = run->rule;
	struct event_view event;
	struct scope scope = { .arena = s->work,
			       .rule = rule,
			       .event = &event,
			       .entities = &s->entities,
			       .now = run->created };
	struct decision d = { .verdict = VERDICT_NO };

	assert(rule->lookup_first >= 0);
	edge_unwait(s, run);
	if (!emit_load(s, run->event, &event)) {
		*reason = "its event is no longer in the store";
		return -1;
	}
	scope.steps = steps_value(s, run);
	if (!fallen)
		d = rule_decide_when(&scope);
	if (d.verdict == VERDICT_BLIND) {
		emit_blind(s, rule, &event, &d);
		*reason = text_printf(s->work, "when can't be evaluated: %.*s", TEXT_ARG(d.why)).s;
		return -1;
	}
	if (rule->edge != EDGE_NONE)
		return edge_decide(s, run, &scope, d.verdict == VERDICT_YES, reason);
	if (d.verdict == VERDICT_YES)
		return decide_plainly(s, run, &scope, reason);
	*reason = "when is false";
	return -1;
}

bool lookups_end(struct sequencer *s, struct run *run, bool fallen)
{
	const char *reason = NULL;
	int next;

	if (run->state != RUN_PENDING)
		run_move(run, RUN_PENDING);
	next = lookups_decide(s, run, fallen, &reason);
	if (reason == NULL && next >= 0) {
		run->step = next;
		return true;
	}
	if (reason != NULL && strcmp(reason, "shadow") == 0 && next >= 0)
		shadow_append(s, run, next);
	run_end(s, run, reason != NULL ? RUN_SKIPPED : RUN_DONE, reason);
	return false;
}

/* ---- Results for others. ---- */

struct recollection {
	struct recollection *older, *newer; /* by when they were last asked for */
	int64_t at;                         /* mono ms */
	int status;
	char name[HASH_HEX];
	size_t size;
	char json[];
};

struct recollections {
	struct map *by_name;
	struct recollection *newest, *oldest;
	size_t bytes;
};

void lookup_name(const struct step *step, struct text params, char out[HASH_HEX])
{
	const struct text parts[5] = { step->connection, text_of(step->connector->name),
				       text_of(step->action->name), step->result, params };

	hash_name(parts, 5, out);
}

static void unlink_one(struct recollections *all, struct recollection *r)
{
	*(r->newer != NULL ? &r->newer->older : &all->newest) = r->older;
	*(r->older != NULL ? &r->older->newer : &all->oldest) = r->newer;
}

static void link_newest(struct recollections *all, struct recollection *r)
{
	r->newer = NULL;
	r->older = all->newest;
	*(all->newest != NULL ? &all->newest->newer : &all->oldest) = r;
	all->newest = r;
}

static void drop_one(struct recollections *all, struct recollection *r)
{
	unlink_one(all, r);
	(void)map_drop(all->by_name, text_of(r->name));
	all->bytes -= r->size;
	mem_free(r);
}

static bool accepts(const struct step *step, int status)
{
	for (size_t i = 0; i < step->ok_count; i++)
		if (step->ok[i] == status)
			return true;
	return status < 400;
}

bool lookup_recall(struct sequencer *s, const struct step *step, struct text name, int *status,
		   struct value *result)
{
	struct recollections *all = s->recollections;
	struct recollection *r = all != NULL ? map_get(all->by_name, name) : NULL;
	struct json_error error;
	struct text json;

	if (r == NULL || s->now.mono - r->at >= step->cache || !accepts(step, r->status))
		return false;
	json = text_dup(s->work, (struct text){ r->json, r->size });
	if (json.s == NULL || json_parse(s->parser, s->work, json, result, &error) != FATE_OK) {
		seq_break(s);
		return false;
	}
	unlink_one(all, r);
	link_newest(all, r);
	*status = r->status;
	return true;
}

static struct recollections *recollections_of(struct sequencer *s)
{
	if (s->recollections != NULL)
		return s->recollections;
	s->recollections = mem_zero(1, sizeof(*s->recollections));
	if (s->recollections == NULL)
		return NULL;
	s->recollections->by_name = map_new();
	if (s->recollections->by_name == NULL)
		lookups_forget(s);
	return s->recollections;
}

/* Without memory for it the next one asks again, so that breaks no batch. */
void lookup_keep(struct sequencer *s, struct text name, int status, struct value result)
{
	struct text json = seq_json(s, result);
	struct recollections *all = recollections_of(s);
	struct recollection *r, *known;

	assert(name.n < HASH_HEX);
	if (all == NULL || json.n > LIMIT_LOOKUPS_MEMORY / 4)
		return;
	r = mem_zero(1, sizeof(*r) + json.n + 1);
	if (r == NULL)
		return;
	r->at = s->now.mono;
	r->status = status;
	r->size = json.n;
	memcpy(r->name, name.s, name.n);
	memcpy(r->json, json.s, json.n);
	known = map_get(all->by_name, name);
	if (known != NULL)
		drop_one(all, known);
	while (all->oldest != NULL && (map_count(all->by_name) >= LIMIT_LOOKUPS_KEPT ||
				       all->bytes + r->size > LIMIT_LOOKUPS_MEMORY))
		drop_one(all, all->oldest);
	if (!map_put(all->by_name, name, r)) {
		mem_free(r);
		return;
	}
	all->bytes += r->size;
	link_newest(all, r);
}

void lookups_forget(struct sequencer *s)
{
	struct recollections *all = s->recollections;

	if (all == NULL)
		return;
	while (all->oldest != NULL)
		drop_one(all, all->oldest);
	map_free(all->by_name);
	mem_free(all);
	s->recollections = NULL;
}
