/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - a run, step by step.
 *
 * A run is one rule's answer to one event. It joins its lane; at the lane's head
 * it acts: evaluates the step's `if`, fills in parameters, has the connector
 * build the request, and spends credit of the target to become STARTED. With no
 * credit it stays PENDING in the target's queue.
 *
 * I1  The attempt is recorded in the batch whose outputs carry its request.
 * I2  The idempotency key depends on event, rule, step and connection only; an
 *     event's own id (event_own_id) is another one in another log.
 * I3  Every change of a run in a batch ends in one row, written by run_flush. */
#include "engine/sequencer/internal.h"

struct text run_id_key(const int64_t *id)
{
	return (struct text){ (const char *)id, sizeof(*id) };
}

struct run *run_find(const struct sequencer *s, int64_t id)
{
	return map_get(s->runs, run_id_key(&id));
}

void run_dirty(struct sequencer *s, struct run *run)
{
	if (run->dirty)
		return;
	run->dirty = true;
	run->next_dirty = s->dirty;
	s->dirty = run;
}

void run_move(struct run *run, enum run_state to)
{
	assert(run->state == to || run_state_may(run->state, to));
	run->state = to;
}

void run_free(struct run *run)
{
	if (run == NULL)
		return;
	mem_free(run->reason);
	mem_free(run->failure);
	mem_free(run->key);
	mem_free(run->lane_name);
	loop_free(run);
	mem_free(run->sent);
	mem_free(run->recall);
	buf_fini(&run->steps);
	ruleset_free(run->set);
	if (run->backlog != NULL)
		run->backlog->loaded--;
	mem_free(run);
}

void run_name(const struct run *run, const struct step *step, struct text event_id,
	      char out[HASH_HEX])
{
	char item[16] = "";

	if (step->within >= 0)
		(void)snprintf(item, sizeof(item), "%d", run->loop->at);
	step_key(run->rule, step, event_id, text_of(item), out);
}

/* ---- Beginning. ---- */

static struct run *run_new(struct sequencer *s, const struct rule *rule, struct ruleset *set,
			   struct text key)
{
	struct run *run = mem_zero(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	buf_init(&run->steps, LIMIT_STEPS_TEXT);
	run->rule = rule;
	run->set = ruleset_ref(set);
	run->key = text_heap(key);
	run->backlog = backlog_of(s, rule->id);
	if (run->backlog != NULL)
		run->backlog->loaded++;
	if (run->key == NULL || run->backlog == NULL) {
		run_free(run);
		return NULL;
	}
	return run;
}

void run_revision(struct sequencer *s, const struct rule *rule)
{
	const struct revision_record record = {
		.rule = rule->id,
		.revision = rule->revision,
		.file = text_of(rule->at.file),
		.line = rule->at.line,
		.text = rule->source,
	};
	size_t n = rule->revision.n + rule->id.n; /* revisions are equally long */
	char *name = arena_alloc(s->work, n);

	if (name == NULL) {
		seq_break(s);
		return;
	}
	memcpy(name, rule->revision.s, rule->revision.n);
	memcpy(name + rule->revision.n, rule->id.s, rule->id.n);
	if (s->kept_revisions == NULL ||
	    map_get(s->kept_revisions, (struct text){ name, n }) != NULL)
		return;
	store_put_revision(s->store, &record);
	if (!map_put(s->kept_revisions, (struct text){ name, n }, s))
		seq_break(s);
}

static void run_report(struct sequencer *s, int64_t id, const struct rule *rule,
		       enum run_state state, const char *reason)
{
	struct run_out *out = vector_add(s, &s->changed, sizeof(*out));

	if (out == NULL)
		return;
	out->run = id;
	out->at = s->now.wall;
	out->rule = text_dup(s->batch, rule->id);
	out->state = text_of(run_state_word(state));
	out->reason = text_dup(s->batch, text_of(reason));
}

/* A run that is over as it begins: skipped, or a rule without steps. `steps` is what a run in
 * shadow would have sent. */
static void run_record_only(struct sequencer *s, const struct rule *rule,
			    const struct event_view *event, struct text key, const char *skipped,
			    struct text steps)
{
	const struct run_record record = {
		.id = s->last_run,
		.event = event->seq,
		.rule = rule->id,
		.revision = rule->revision,
		.key = key,
		.state = skipped != NULL ? RUN_SKIPPED : RUN_DONE,
		.reason = text_of(skipped),
		.steps = steps,
		.created = s->now.wall,
		.updated = s->now.wall,
	};

	store_put_run(s->store, &record);
	if (skipped != NULL)
		s->stats.runs_skipped++;
	else
		s->stats.runs_done++;
	run_report(s, record.id, rule, record.state, skipped);
}

/* The lane its rule names. False with *why where that can't be told. */
static bool run_lane(struct sequencer *s, struct run *run, const struct event_view *event,
		     const char **why)
{
	struct scope scope = {
		.arena = s->work, .rule = run->rule, .event = event, .now = run->created
	};
	struct text name, error;

	if (run->rule->lane == NULL)
		return true;
	if (!rule_lane(&scope, &name, &error)) {
		*why = text_printf(s->work, "lane: %.*s", TEXT_ARG(error)).s;
		return false;
	}
	run->lane_name = text_heap(name);
	if (run->lane_name == NULL)
		seq_break(s);
	return true;
}

void run_begin(struct sequencer *s, const struct rule *rule, const struct event_view *event,
	       struct text key, const char *skipped, int first)
{
	int64_t id = ++s->last_run;

	run_revision(s, rule);
	if (skipped != NULL || first >= rule->step_count) {
		bool shadow = skipped != NULL && strcmp(skipped, "shadow") == 0;

		run_record_only(s, rule, event, key, skipped,
				shadow ? shadow_steps(s, rule, event, key, first) : TEXT_NONE);
		return;
	}
	struct run *run = run_new(s, rule, s->rules, key);
	const char *why = "";

	if (run == NULL || !map_put(s->runs, run_id_key(&id), run)) {
		run_free(run);
		seq_break(s);
		return;
	}
	run->id = id;
	run->event = event->seq;
	run->state = RUN_PENDING;
	run->step = first;
	run->created = s->now.wall;
	run->fresh = true;
	s->stats.open_runs++;
	run_dirty(s, run);
	if (rule->edge != EDGE_NONE && rule->steps[first].reads)
		edge_wait(s, run);
	if (!run_lane(s, run, event, &why))
		run_end(s, run, RUN_DEAD, why);
	else if (!backlog_takes(s, run) && lane_join(s, run))
		run_act(s, run, event);
}

/* As it was named when the run began: the same event and rule say so again. Without it, which only
 * an event that is gone or other vars can bring about, the run takes turns with its own rule's. */
static void run_load_lane(struct sequencer *s, struct run *run)
{
	struct event_view event;
	const char *why = "its event is no longer in the store";

	if (run->rule->lane == NULL)
		return;
	if (!emit_load(s, run->event, &event) || !run_lane(s, run, &event, &why))
		log_write(LOG_WARN, "a run has lost its lane", LOG_I("run", run->id),
			  LOG_S("why", why));
}

struct run *run_load(struct sequencer *s, const struct run_record *record)
{
	const struct rule *rule;
	struct ruleset *set = recover_revision(s, record->rule, record->revision, &rule);
	struct run *run;

	if (set == NULL || record->step < 0 || record->step >= rule->step_count)
		return NULL;
	run = run_new(s, rule, set, record->key);
	if (run == NULL || !map_put(s->runs, run_id_key(&record->id), run)) {
		seq_break(s); /* not the rule's fault */
		run_free(run);
		return NULL;
	}
	run->id = record->id;
	run->event = record->event;
	run->state = record->state;
	run->step = record->step;
	run->attempt = record->attempt;
	run->created = record->created;
	run->due = record->due;
	run->began = record->updated;
	run->failure = record->reason.n > 0 ? text_heap(record->reason) : NULL;
	s->stats.open_runs++;
	steps_load(s, run, record->steps);
	if (rule->steps[run->step].within >= 0 && run->loop == NULL) {
		run->step = rule->steps[run->step].within; /* nothing tells which item: anew */
		run->entered = false;
	}
	if (run->state == RUN_STARTED || run->state == RUN_IN_DOUBT) /* of what? */
		run->damaged = run->damaged || !run->entered;
	run_load_lane(s, run);
	return run;
}

/* ---- Acting. ---- */

struct prepared {
	struct request request;
	struct text target;
	struct value params;
	const struct connection *connection;
	char key[HASH_HEX]; /* the idempotency key */
	int status;         /* of a look-up whose result is known */
	struct value recalled;
	bool absent; /* a look-up whose parameters are null: there is no request */
};

static struct text run_target(struct sequencer *s, const struct step *step,
			      const struct request *request)
{
	struct text rest = request->url, host;

	if (step->action->inside)
		return TEXT("tappet:"); /* no connection has such a name */
	if (!request->absolute)
		return step->connection;
	size_t at = text_find(rest, TEXT("://"));

	if (at == SIZE_MAX)
		return TEXT("?");
	at += 3;
	rest.s += at;
	rest.n -= at;
	for (host = (struct text){ rest.s, 0 }; host.n < rest.n; host.n++)
		if (strchr("/?#", rest.s[host.n]) != NULL)
			break;
	return text_printf(s->work, "%.*s%.*s", (int)at, request->url.s, TEXT_ARG(host));
}

/* The step's request from its parameters. False with *why for people. */
static bool run_prepare(struct sequencer *s, struct run *run, struct scope *scope,
			struct prepared *out, const char **why)
{
	const struct step *step = &run->rule->steps[run->step];
	struct call *call = arena_zero(s->work, sizeof(*call));
	const struct action *action;
	struct text error;

	*why = "its connection is no longer configured";
	action = seq_action(s, step, why);
	out->connection = config_connection(s->config, step->connection);
	if (call == NULL || action == NULL ||
	    (step->connection.n > 0 && !step->plugin && out->connection == NULL &&
	     !config_is_bare(s->config)))
		return false;
	if (step_params(scope, step, &out->params, &error) != FATE_OK) {
		*why = text_dup(s->work, error).s;
		return false;
	}
	if (step->reads && value_is(out->params, VALUE_NULL)) {
		out->absent = true;
		return true;
	}
	call->arena = s->work;
	call->parser = s->parser;
	call->action = action;
	call->settings = out->connection != NULL ? out->connection->settings : value_null();
	run_name(run, step, scope->event->id, out->key);
	call->idempotency_key = out->key;
	call->rule = run->rule->id;
	call->key = text_of(run->key);
	call->now = run->created;
	call->written = scope->event->data;
	call->json = scope->event->json;
	call->gathered = steps_gathered(s, run);
	if ((run->doubt > 0 ? action->lookup : action->build)(call, out->params, &out->request) !=
	    FATE_OK) {
		*why = call->why;
		return false;
	}
	out->target = run_target(s, step, &out->request);
	return true;
}

static void run_start(struct sequencer *s, struct run *run, struct target *target,
		      const struct prepared *p, const struct event_view *event)
{
	const struct step *step = &run->rule->steps[run->step];
	struct attempt_out *out = vector_add(s, &s->attempts, sizeof(*out));

	if (out == NULL)
		return;
	target_spend(s, target);
	run->attempt++;
	run->began = s->now.wall;
	run_move(run, RUN_STARTED);
	run_dirty(s, run);
	sent_keep(run, p->key, &p->request, event);
	if (p->request.keep.kind != VALUE_NULL && run->doubt == 0)
		steps_keep(s, run, p->request.keep);
	if (step->action->writes != NULL && run->doubt == 0 &&
	    strcmp(p->request.method, "GET") != 0)
		guard_wrote(s, run, event->depth, p->params);
	s->stats.attempts++;
	out->run = run->id;
	out->step = run->step;
	out->attempt = run->attempt;
	out->connection = text_dup(s->batch, step->connection);
	out->target = (struct text){ target->name, target->name_size };
	out->action = step->action;
	out->request = seq_request(s, &p->request);
	out->key = text_dup(s->batch, text_of(p->key));
	out->timeout = step->timeout;
	out->allow_private = step->literal_host;
	out->step_name = text_dup(s->batch, step->name);
	out->rule = text_dup(s->batch, run->rule->id);
	out->event = text_dup(s->batch, event->id);
	if (s->options.keep_params)
		out->params = text_dup(s->batch, seq_json(s, p->params));
}

static void run_scope(struct sequencer *s, struct run *run, const struct event_view *event,
		      struct scope *scope)
{
	*scope = (struct scope){
		.arena = s->work,
		.rule = run->rule,
		.event = event,
		.now = run->created,
		.entities = &s->entities,
		.steps = steps_value(s, run),
		.error = steps_error(s, run),
		.use = run->rule->steps[run->step].use,
	};
	if (run->rule->steps[run->step].within >= 0)
		scope->item = loop_item(s, run, scope);
}

/* Whether the look-up's result is known; what it is kept as when it isn't. */
static bool run_recall(struct sequencer *s, struct run *run, struct prepared *p)
{
	char name[HASH_HEX];

	lookup_name(&run->rule->steps[run->step], seq_json(s, p->params), name);
	run->recalled =
	    lookup_recall(s, &run->rule->steps[run->step], text_of(name), &p->status, &p->recalled);
	mem_free(run->recall);
	run->recall = text_heap(text_of(name));
	return run->recalled;
}

/* One step's worth of progress. True when the next step can be looked at now. */
static bool run_progress(struct sequencer *s, struct run *run, const struct event_view *event)
{
	const struct step *step = &run->rule->steps[run->step];
	struct prepared *p = arena_zero(s->work, sizeof(*p));
	struct scope scope;
	struct text error;
	const char *why = "";
	bool first = !run->entered, asked = false;

	run_scope(s, run, event, &scope);
	scope.asked = &asked;
	if (p == NULL) {
		seq_break(s);
		return false;
	}
	if (first && run->step == run->rule->lookup_first && run->rule->edge != EDGE_NONE &&
	    edge_has_fallen(&scope))
		return lookups_end(s, run, true);
	if (first)
		steps_enter(s, run);
	if (first) {
		enum verdict verdict = step_condition(&scope, step, &error);

		if (verdict != VERDICT_BLIND)
			seq_took(s, &scope, run->step,
				 verdict == VERDICT_YES ? WAY_IF : WAY_NOT_IF);
		if (verdict == VERDICT_NO)
			return run_step_skipped(s, run);
		if (verdict == VERDICT_BLIND)
			return run_step_failed(s, run, 0,
					       text_printf(s->work, "if: %.*s", TEXT_ARG(error)).s);
	}
	if (step->loop != NULL)
		return loop_enter(s, run, &scope);
	if (!run_prepare(s, run, &scope, p, &why)) {
		if (run->doubt == 0)
			return run_step_failed(s, run, 0, why);
		run_end(s, run, RUN_IN_DOUBT, why);
		return false;
	}
	if (p->absent)
		return run_step_skipped(s, run);
	if (step->cache > 0 && run_recall(s, run, p))
		return run_step_done(s, run, p->status, p->recalled);
	if (pause_holds(s, run)) {
		pause_park(s, run);
		return false;
	}
	struct target *target = target_get(s, p->target);

	if (target == NULL)
		return false;
	/* What a plugin lent is for its own jobs, also when a connection has its name by now. */
	if (target->plugin && !step->plugin)
		target_shut(s, p->target);
	if (target->credit == 0 || s->draining) {
		if (run->state != RUN_PENDING)
			run_move(run, RUN_PENDING);
		target_queue(s, target, run);
	} else {
		run_start(s, run, target, p, event);
	}
	return false;
}

void run_request(struct sequencer *s, struct run *run)
{
	struct prepared *p = arena_zero(s->work, sizeof(*p));
	struct event_view event;
	struct scope scope;
	const char *why;

	if (p == NULL || !emit_load(s, run->event, &event))
		return;
	run_scope(s, run, &event, &scope);
	if (run_prepare(s, run, &scope, p, &why))
		sent_keep(run, p->key, &p->request, &event);
}

struct value run_params(struct sequencer *s, struct run *run, const struct event_view *event)
{
	struct value params = value_null();
	struct text error;
	struct scope scope;

	run_scope(s, run, event, &scope);
	if (step_params(&scope, &run->rule->steps[run->step], &params, &error) != FATE_OK)
		return value_null();
	return params;
}

bool run_can_look(struct sequencer *s, struct run *run, const struct event_view *event,
		  const char **why)
{
	struct prepared *p = arena_zero(s->work, sizeof(*p));
	struct scope scope;

	assert(run->doubt > 0);
	*why = "memory is out";
	if (p == NULL)
		return false;
	run_scope(s, run, event, &scope);
	return run_prepare(s, run, &scope, p, why);
}

/* As far as it gets now. Runs that begin meanwhile have turns of their own in between. */
static void run_turn(struct sequencer *s, struct run *run, const struct event_view *event)
{
	const struct run *outer = s->in_turn;
	size_t from = s->turn_from;

	s->in_turn = run;
	s->turn_from = arena_used(s->work);
	while (!s->broken && run_progress(s, run, event))
		;
	loop_turn_end(run);
	s->in_turn = outer;
	s->turn_from = from;
}

void run_act(struct sequencer *s, struct run *run, const struct event_view *event)
{
	struct event_view loaded;

	assert(run->lane != NULL && run->lane->head == run);
	run_dirty(s, run);
	if (event == NULL)
		s->acting = run->id;
	if (event == NULL && s->heavy == run->id) {
		s->heavy = 0;
		run_end(s, run, RUN_DEAD, "its next step takes more memory than one event may");
		return;
	}
	if (event == NULL) {
		if (!emit_load(s, run->event, &loaded)) {
			run_end(s, run, RUN_DEAD, "its event is no longer in the store");
			return;
		}
		event = &loaded;
	}
	run_turn(s, run, event);
}

/* ---- Between steps, and the end. All return true when there is a next step. ---- */

static void run_forget_step(struct run *run)
{
	if (run->rule->steps[run->step].within < 0) {
		run->attempt = 0;
		loop_free(run);
	}
	run->base = 0;
	run->pages = 0;
	run->doubt = 0;
	run->entered = false;
	run->gathered = false;
	run->recalled = false;
	mem_free(run->recall);
	run->recall = NULL;
}

/* `next` is the index of the step that follows, -1: the end. */
static bool run_go(struct sequencer *s, struct run *run, int next)
{
	const struct step *step = &run->rule->steps[run->step];

	run_forget_step(run);
	if (next < 0 && step->reads)
		return lookups_end(s, run, false);
	if (next >= 0) {
		run->step = next;
		if (run->state != RUN_PENDING)
			run_move(run, RUN_PENDING);
		return true;
	}
	if (step->within >= 0)
		return loop_item_end(s, run, step->handles >= 0);
	if (step->handles >= 0)
		run_end(s, run, RUN_DEAD, run->failure != NULL ? run->failure : "a step failed");
	else
		run_end(s, run, RUN_DONE, NULL);
	return false;
}

bool run_step_skipped(struct sequencer *s, struct run *run)
{
	steps_leave(s, run, "skipped", 0, value_null(), NULL);
	return run_go(s, run, run->rule->steps[run->step].next);
}

bool run_step_done(struct sequencer *s, struct run *run, int status, struct value result)
{
	steps_leave(s, run, "done", status, result, NULL);
	run->steps_done += !run->rule->steps[run->step].reads;
	return run_go(s, run, run->rule->steps[run->step].next);
}

static void run_fail(struct sequencer *s, struct run *run, const struct step *step, const char *why)
{
	struct text text = text_printf(s->work, "%s: %s", step->what, why);

	mem_free(run->failure);
	run->failure = text_heap(text);
}

bool run_step_failed(struct sequencer *s, struct run *run, int status, const char *why)
{
	const struct step *step = &run->rule->steps[run->step];
	struct scope scope = { .rule = run->rule };

	seq_took(s, &scope, run->step, WAY_FAILED);
	steps_leave(s, run, "failed", status, value_null(), why);
	if (step->on_error == ON_ERROR_CONTINUE)
		return run_go(s, run, step->resume);
	if (step->handles < 0)
		run_fail(s, run, step, why);
	if (step->on_error == ON_ERROR_STEPS) {
		run_forget_step(run);
		run->step = step->handler;
		if (run->state != RUN_PENDING)
			run_move(run, RUN_PENDING);
		return true;
	}
	if (step->within >= 0) {
		run_forget_step(run);
		return loop_item_end(s, run, true);
	}
	run_end(s, run, RUN_DEAD, run->failure != NULL ? run->failure : why);
	return false;
}

void run_wait(struct sequencer *s, struct run *run, int64_t delay)
{
	run_move(run, RUN_WAITING);
	run->due = s->now.wall + delay;
	run->timer.at = s->now.mono + delay;
	if (!heap_push(&s->run_timers, &run->timer))
		seq_break(s);
	s->stats.retries++;
	run_dirty(s, run);
}

/* A run that dies before any step was done gives its throttle back. */
static void run_unthrottle(struct sequencer *s, const struct run *run)
{
	struct text state, until;
	int64_t spender;

	if (run->rule->throttle == 0 || run->steps_done > 0)
		return;
	if (!store_get_state(s->store, s->work, run->rule->id, TEXT("throttle"), text_of(run->key),
			     &state))
		return;
	if (text_to_int(text_split(state, ' ', &until), &spender) && spender == run->id)
		store_drop_state(s->store, run->rule->id, TEXT("throttle"), text_of(run->key));
}

/* An event of the engine's own about a run that needs a look. */
static void run_tell(struct sequencer *s, struct run *run, const char *type)
{
	struct event_record cause;
	struct value_map_builder b;

	if (!store_get_event(s->store, s->work, run->event, &cause) ||
	    text_starts(cause.type, TEXT("tappet.")))
		return; /* an alert about a failed alert would never end */
	value_map_begin(&b, s->work);
	value_map_set(&b, "run", value_int(run->id));
	value_map_set(&b, "rule", value_text(run->rule->id));
	value_map_set(&b, "event", value_text(cause.id));
	value_map_set(&b, "key", value_text(text_of(run->key)));
	value_map_set(&b, "reason", value_text(text_of(run->reason)));
	emit_own(s, type, run->rule->id, value_map_end(&b), run, cause.depth + 1);
}

static void run_mourn(struct sequencer *s, struct run *run)
{
	s->stats.runs_dead++;
	run_unthrottle(s, run);
	run_tell(s, run, "tappet.run.dead");
}

void run_end(struct sequencer *s, struct run *run, enum run_state state, const char *reason)
{
	assert(!run_state_open(state));
	if (state != RUN_DONE && state != RUN_SKIPPED)
		edge_give_up(s, run);
	edge_unwait(s, run);
	kept_move(s, RUN_PENDING, state);
	run_move(run, state);
	mem_free(run->reason);
	run->reason = reason != NULL ? text_heap(text_of(reason)) : NULL;
	if (state == RUN_DONE) { /* tried again, and well: what failed before is no reason */
		mem_free(run->failure);
		run->failure = NULL;
	}
	run->due = 0;
	heap_drop(&s->run_timers, &run->timer);
	target_unqueue(run);
	run_dirty(s, run);
	lane_leave(s, run);
	if (state == RUN_DONE)
		s->stats.runs_done++;
	if (state == RUN_SKIPPED)
		s->stats.runs_skipped++;
	if (state == RUN_IN_DOUBT)
		s->stats.runs_doubt++;
	run_report(s, run->id, run->rule, state, run->reason);
	if (state == RUN_DEAD)
		run_mourn(s, run);
	if (state == RUN_HELD) {
		s->stats.runs_held++;
		run_tell(s, run, "tappet.run.held");
	}
}

void run_timers(struct sequencer *s)
{
	struct heap_node *node;

	while (!s->broken && (node = heap_top(&s->run_timers)) != NULL && node->at <= s->now.mono) {
		struct run *run = HEAP_OWNER(node, struct run, timer);

		(void)heap_pop(&s->run_timers);
		run_move(run, RUN_PENDING);
		run->due = 0;
		run_act(s, run, NULL);
		seq_clear(s);
		if (!s->broken)
			s->acting = 0;
	}
}

/* ---- Rows. ---- */

static void run_write(struct sequencer *s, struct run *run)
{
	const struct run_record record = {
		.id = run->id,
		.event = run->event,
		.rule = run->rule->id,
		.revision = run->rule->revision,
		.key = text_of(run->key),
		.state = run->state,
		.reason = text_of(run->reason != NULL ? run->reason : run->failure),
		.created = run->created,
		.updated = s->now.wall,
		.due = run->due,
		.step = run->step,
		.attempt = run->attempt,
		.steps = run->steps.n > 0
			     ? text_printf(s->work, "[%.*s]", TEXT_ARG(buf_view(&run->steps)))
			     : TEXT_NONE,
	};

	if (run->fresh)
		store_put_run(s->store, &record);
	else
		store_update_run(s->store, &record);
	run->fresh = false;
}

void run_flush(struct sequencer *s)
{
	while (s->dirty != NULL) {
		struct run *run = s->dirty;

		s->dirty = run->next_dirty;
		run->dirty = false;
		if (!s->broken)
			run_write(s, run);
		seq_clear(s);
		if (!run_state_open(run->state) || run->stored) {
			map_drop(s->runs, run_id_key(&run->id));
			s->stats.open_runs--;
			run_free(run);
		}
	}
}
