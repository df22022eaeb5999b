/* SPDX-License-Identifier: Apache-2.0
 *
 * emit.c - an event enters the log, and the rules that match it begin runs.
 *
 * The order of evaluation per rule is on, from, match, define, when, key, mode,
 * echo, throttle; see rule_decide (rules/evaluate.c) for the first part. A rule that
 * can't be evaluated is counted as blind and does not fire.
 *
 * I1  The event's row and the rows of all its runs are in one batch.
 * I2  Whether a rule fires depends on the event, the rule, its state and the
 *     batch's clock, on nothing else. */
#include "engine/base/cleanup.h"
#include "engine/sequencer/internal.h"
#include "engine/sequencer/publish.h"

/* Enough events to judge a rule by; blind is what fails on more than half of them. */
#define BLIND_LEAST 20

struct blind_count {
	uint64_t blind; /* events; of a rule of a large group an estimate */
	uint64_t times; /* it was evaluated and failed */
	bool raised;
};

struct matching {
	struct sequencer *s;
	const struct event_view *event;
	uint64_t turn; /* edge_begin's */
	const struct guarded *guarded;
};

static struct blind_count *blind_count(struct sequencer *s, struct text rule)
{
	struct blind_count *count = map_get(s->blind, rule);

	if (count != NULL)
		return count;
	count = mem_zero(1, sizeof(*count));
	if (count == NULL || !map_put(s->blind, rule, count)) {
		mem_free(count);
		seq_break(s);
		return NULL;
	}
	return count;
}

static void blind_raise(struct sequencer *s, const struct rule *rule, uint64_t seen, uint64_t blind,
			const struct event_view *event, const struct decision *decision)
{
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "rule", value_text(rule->id));
	value_map_set(&b, "part", value_text(text_of(decision->part)));
	value_map_set(&b, "error", value_text(decision->why));
	value_map_set(&b, "event", value_text(event->id));
	value_map_set(&b, "evaluated", value_int((int64_t)seen));
	value_map_set(&b, "failed", value_int((int64_t)blind));
	emit_own(s, "tappet.rule.blind", rule->id, value_map_end(&b), NULL, event->depth);
}

/* One failure of a large group stands for thousands: a few events would do, so as many failures
 * are asked for as where each is counted. */
static bool is_blind(const struct blind_count *count, uint64_t seen)
{
	return seen >= BLIND_LEAST && count->times * 2 > BLIND_LEAST && count->blind * 2 > seen;
}

/* The first time since the rules were loaded is for people, the others are for debugging. */
static void blind_log(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		      const struct decision *decision, bool first)
{
	log_write(first ? LOG_WARN : LOG_DEBUG, "a rule could not be evaluated",
		  LOG_S("rule", text_dup(s->work, rule->id).s), LOG_S("part", decision->part),
		  LOG_I("event", event->seq), LOG_S("why", text_dup(s->work, decision->why).s));
}

/* One decision may stand for several of a large group (matcher_each). */
static void blind_note(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		       const struct decision *decision)
{
	struct blind_count *count = blind_count(s, rule->id);
	uint64_t seen = matcher_seen(s->matcher, rule);

	if (count == NULL)
		return;
	blind_log(s, rule, event, decision, count->times == 0);
	count->blind += decision->weight;
	count->times++;
	s->stats.blind += decision->weight;
	if (count->raised || !is_blind(count, seen) || text_starts(event->type, TEXT("tappet.")))
		return;
	count->raised = true;
	blind_raise(s, rule, seen, count->blind < seen ? count->blind : seen, event, decision);
}

void emit_blind(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		const struct decision *decision)
{
	/* Counts are of the rules in force. */
	if (rule->set != s->rules)
		blind_log(s, rule, event, decision, false);
	else if (seq_matcher(s) != NULL)
		blind_note(s, rule, event, decision);
}

/* A wall clock that was far ahead at another start must not close the throttle for as long:
 * what lies further off than twice its length isn't believed. */
static bool emit_throttled(const struct sequencer *s, const struct rule *rule, int64_t until)
{
	int64_t left = until - seq_steady(s);

	return left > 0 && left <= 2 * rule->throttle;
}

const char *emit_skip(struct sequencer *s, struct scope *scope, struct text key, int64_t run)
{
	const struct rule *rule = scope->rule;
	bool shadow = rule_mode_now(scope) == MODE_SHADOW;
	struct text what = shadow ? TEXT("throttle.shadow") : TEXT("throttle");
	struct text state;
	int64_t until = 0;

	if (scope->event->depth > LIMIT_DEPTH)
		return "loop";
	if (rule->throttle > 0) {
		if (store_get_state(s->store, s->work, rule->id, what, key, &state)) {
			struct text head;

			(void)text_split(state, ' ', &head);
			if (text_to_int(head, &until) && emit_throttled(s, rule, until))
				return "throttled";
		}
		state = text_printf(s->work, "%lld %lld",
				    (long long)(seq_steady(s) + rule->throttle), (long long)run);
		store_put_state(s->store, rule->id, what, key, state, s->now.wall);
	}
	return shadow ? "shadow" : NULL;
}

static void emit_run(struct matching *m, const struct rule *rule, struct text key, const char *skip,
		     int first)
{
	run_begin(m->s, rule, m->event, key, skip, first);
	if (m->event->depth > LIMIT_DEPTH)
		guard_loop(m->s, rule, m->event);
}

/* What the rule decides takes its look-ups (lookups.c); an echo and a loop are known before. */
static bool emit_look(struct matching *m, const struct rule *rule, struct text key)
{
	struct sequencer *s = m->s;
	bool loop = m->event->depth > LIMIT_DEPTH;

	/* With an edge an echo turns it, too; what that does is decided later. */
	if (guard_ignores(s, rule, m->event, m->guarded) && rule->edge == EDGE_NONE)
		return !s->broken;
	if (rule->edge != EDGE_NONE)
		edge_look(s, rule, m->turn);
	emit_run(m, rule, key, loop ? "loop" : NULL, rule->lookup_first);
	return !s->broken;
}

/* The run says why nothing is done. */
static bool emit_paused(struct matching *m, const struct rule *rule, struct text key)
{
	struct sequencer *s = m->s;

	if (rule->edge != EDGE_NONE && !edge_hold(s, rule, key, m->turn))
		return !s->broken;
	if (guard_ignores(s, rule, m->event, m->guarded))
		return !s->broken;
	s->stats.matches++;
	run_begin(s, rule, m->event, key, pause_reason(s, rule), 0);
	return !s->broken;
}

static bool emit_match(void *of, const struct rule *rule, const struct decision *decision)
{
	struct matching *m = of;
	struct sequencer *s = m->s;

	if (s->broken)
		return false;
	if (decision->verdict == VERDICT_BLIND && pause_of_rule(s, rule))
		return true;
	if (decision->verdict == VERDICT_BLIND) {
		blind_note(s, rule, m->event, decision);
		return !s->broken;
	}
	struct text key = rule_key_bounded(s->work, decision->key);
	struct scope scope = { .arena = s->work,
			       .rule = rule,
			       .event = m->event,
			       .entities = &s->entities,
			       .now = s->now.wall };
	const char *skip = NULL;

	if (pause_of_rule(s, rule))
		return emit_paused(m, rule, key);
	if (rule->lookup_first >= 0)
		return emit_look(m, rule, key);
	if (rule->edge != EDGE_NONE && !edge_rise(s, rule, m->event, key, m->turn, &skip))
		return !s->broken;
	if (guard_ignores(s, rule, m->event, m->guarded))
		return !s->broken;
	if (skip == NULL)
		skip = emit_skip(s, &scope, key, s->last_run + 1);

	s->stats.matches++;
	emit_run(m, rule, key, skip, rule->main_count > 0 ? 0 : rule->step_count);
	return !s->broken;
}

/* Never at the expense of the batch: what doesn't fit isn't published, and the gap in seq tells. */
static void emit_publish(struct sequencer *s, const struct event_view *v,
			 const struct event_record *record, struct event_out *out)
{
	AUTO(arena_free) struct arena *scratch = arena_new("published event", LIMIT_EVENT_ARENA);
	size_t before = s->published.n;

	if (scratch == NULL || buf_failed(&s->published))
		return;
	publish_event(&s->published, scratch, record, v->before, v->data);
	if (buf_failed(&s->published) || arena_failed(scratch)) {
		buf_cut(&s->published, before);
		return;
	}
	out->at = before;
	out->published.n = s->published.n - before;
}

static void emit_put(struct sequencer *s, const struct event_view *v, const struct emission *e,
		     int64_t cause)
{
	struct event_record record = {
		.seq = v->seq,
		.id = v->id,
		.source = v->source,
		.type = v->type,
		.subject = v->subject,
		.connection = v->connection,
		.time = v->time,
		.received = s->now.wall,
		.cause = cause,
		.depth = v->depth,
		.data = v->json,
		.before = seq_json(s, v->before),
		.body = e->body,
	};
	struct event_out *out = vector_add(s, &s->events, sizeof(*out));

	store_put_event(s->store, &record);
	if (e->body != NULL && e->body->of == 0)
		e->body->of = v->seq;
	s->stats.events++;
	board_source(s->board, v->source)->events[BOARD_RECORDED]++;
	if (out == NULL)
		return;
	out->id = v->id;
	out->type = text_dup(s->batch, v->type);
	out->source = text_dup(s->batch, v->source);
	out->seq = v->seq;
	if (s->publishing)
		emit_publish(s, v, &record, out);
}

struct text emit(struct sequencer *s, const struct emission *e)
{
	char own[EVENT_OWN_ID];
	int64_t seq = ++s->last_event;
	struct guarded guarded;

	guard_judge(s, e, &guarded);
	event_own_id(seq, s->now.wall, own);
	struct event_view view = {
		.id = text_dup(s->batch, e->id.n > 0 ? e->id : text_of(own)),
		.source = e->source,
		.type = e->type,
		.subject = e->subject,
		.connection = e->connection,
		.time = e->time,
		.seq = seq,
		.depth = guarded.depth,
		.data = e->data,
		.json = seq_json(s, e->data),
		.before = e->before,
		.tables = tables_reader(s),
	};
	struct matching m = { .s = s, .event = &view, .turn = edge_begin(s), .guarded = &guarded };
	struct matcher *matcher = seq_matcher(s);

	emit_put(s, &view, e, guarded.cause);
	if (matcher == NULL || !matcher_each(matcher, s->work, &view, s->now.wall, emit_match, &m))
		seq_break(s);
	if (!s->broken)
		edge_end(s, &view, m.turn);
	return view.id;
}

void emit_own(struct sequencer *s, const char *type, struct text subject, struct value data,
	      const struct run *cause, int depth)
{
	struct emission e = {
		.source = TEXT("tappet"),
		.type = text_of(type),
		.subject = subject,
		.time = s->now.wall,
		.cause = cause != NULL ? cause->id : 0,
		.depth = depth,
		.data = data,
	};

	assert(strncmp(type, "tappet.", 7) == 0);
	(void)emit(s, &e);
}

/* Typed by the event type's kind, as when it was emitted. */
static struct value emit_typed(struct sequencer *s, const struct event_type *row, struct text json)
{
	struct json_error error;
	struct value v = value_null();

	if (json.n == 0 || json_parse(s->parser, s->work, json, &v, &error) != FATE_OK)
		return value_null();
	if (row != NULL && row->kind != NULL)
		v = object_kind_typed(row->kind, s->work, v);
	return v;
}

bool emit_load(struct sequencer *s, int64_t seq, struct event_view *out)
{
	struct event_record r;

	if (!store_get_event(s->store, s->work, seq, &r))
		return false;
	const struct event_type *row = seq_event_type(s, r.type);

	*out = (struct event_view){
		.id = r.id,
		.source = r.source,
		.type = r.type,
		.subject = r.subject,
		.connection = r.connection,
		.time = r.time,
		.seq = r.seq,
		.depth = r.depth,
		.data = emit_typed(s, row, r.data),
		.json = row == NULL || row->kind == NULL ? r.data : TEXT_NONE,
		.before = emit_typed(s, row, r.before),
		.tables = tables_reader(s),
	};
	return true;
}
