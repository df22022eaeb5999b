/* SPDX-License-Identifier: Apache-2.0
 *
 * command.c - what operators decide about runs: resolve, cancel, retry, drop.
 *
 * A decision that does not fit the run's state is answered 409 with the state it
 * is in; nothing changes then. */
#include "engine/sequencer/internal.h"

void kept_move(struct sequencer *s, enum run_state from, enum run_state to)
{
	s->stats.kept_dead += (to == RUN_DEAD) - (from == RUN_DEAD);
	s->stats.kept_doubt += (to == RUN_IN_DOUBT) - (from == RUN_IN_DOUBT);
}

void kept_count(struct sequencer *s)
{
	s->stats.kept_dead = store_count_runs(s->store, RUN_DEAD);
	s->stats.kept_doubt = store_count_runs(s->store, RUN_IN_DOUBT);
}

static void command_answer(struct sequencer *s, const struct command_input *c, const char *state)
{
	seq_reply(s, c->ticket, 200, "{\"id\":%lld,\"state\":\"%s\"}", (long long)c->run, state);
}

static void command_conflict(struct sequencer *s, const struct command_input *c,
			     enum run_state state, const char *wanted)
{
	char why[160];

	(void)snprintf(why, sizeof(why), "run %lld is %s; this needs one that is %s",
		       (long long)c->run, run_state_word(state), wanted);
	seq_refuse(s, c->ticket, 409, why);
}

/* A closed run that is to be worked on again: at the end of its lane. */
static struct run *command_reopen(struct sequencer *s, const struct command_input *c,
				  const struct run_record *record)
{
	struct run *run = run_load(s, record);

	if (run == NULL) {
		seq_refuse(s, c->ticket, 409, "the rule it began with no longer loads");
		return NULL;
	}
	if (run->damaged) {
		map_drop(s->runs, run_id_key(&run->id));
		s->stats.open_runs--;
		run_free(run);
		seq_refuse(s, c->ticket, 409,
			   "the record of what it did can't be read; it can be dropped");
		return NULL;
	}
	kept_move(s, record->state, RUN_PENDING);
	/* What the record gives as the reason is why it stopped, not why its handler runs. */
	mem_free(run->failure);
	run->failure = steps_failure(s, run);
	run_dirty(s, run);
	return run;
}

static void command_go(struct sequencer *s, const struct command_input *c, struct run *run)
{
	run_move(run, RUN_PENDING);
	if (run->rule->edge != EDGE_NONE && run->rule->steps[run->step].reads)
		edge_wait(s, run);
	if (lane_join(s, run))
		target_queue(s, s->turn, run);
	command_answer(s, c, "PENDING");
}

static void command_resolve_done(struct sequencer *s, const struct command_input *c,
				 const struct run_record *record)
{
	struct run *run = command_reopen(s, c, record);

	if (run == NULL)
		return;
	(void)lane_join(s, run);
	if (run_step_done(s, run, 0, value_null())) {
		if (run->lane->head == run)
			target_queue(s, s->turn, run);
	}
	command_answer(s, c, run_state_word(run->state));
}

/* The steps whose attempts are numbered together: those of a for_each, else one. */
struct numbering {
	int first, end, last;
};

static struct numbering numbering_of(const struct run *run)
{
	const struct step *steps = run->rule->steps;
	int step = steps[run->step].within >= 0 ? steps[run->step].within : run->step;

	if (steps[step].loop != NULL)
		return (struct numbering){ steps[step].loop->first, steps[step].loop->end, 0 };
	return (struct numbering){ step, step + 1, 0 };
}

static bool command_last(void *of, const struct attempt_record *attempt)
{
	struct numbering *n = of;

	if (attempt->step >= n->first && attempt->step < n->end && attempt->n > n->last)
		n->last = attempt->n;
	return true;
}

static const char cancelled[] = "cancelled by an operator";
static const char was_in_doubt[] = "was in doubt; dropped by an operator";

/* How the step in hand is recorded that is given up: what was held or cancelled is in no doubt. */
static const char *given_up(const struct run_record *record)
{
	bool doubt =
	    record->state == RUN_IN_DOUBT || text_eq(record->reason, text_of(was_in_doubt));

	return doubt ? "doubt" : "failed";
}

/* Tried again from the step that failed (of a doubt: from the step that is in doubt, be it a
 * handler's), with all the attempts a step has; their numbers go on from where they were. */
static void command_again(struct sequencer *s, const struct command_input *c,
			  const struct run_record *record)
{
	struct run *run = command_reopen(s, c, record);

	if (run == NULL)
		return;
	if (c->kind == COMMAND_DEAD_RETRY && run->rule->steps[run->step].handles >= 0)
		run->step = run->rule->steps[run->step].handles;
	struct numbering numbering = numbering_of(run);

	/* What was attempted stays on record, in an entry of its own. */
	if (run->entered)
		steps_leave(s, run, given_up(record), 0, value_null(),
			    record->reason.n > 0 ? record->reason.s : "in doubt");
	run->entered = run->gathered = false;
	run->pages = 0;
	run->doubt = 0;
	if (store_query_attempts(s->store, run->id, command_last, &numbering) != FATE_OK)
		seq_break(s);
	run->attempt = run->base = numbering.last;
	command_go(s, c, run);
}

static void command_close(struct sequencer *s, const struct command_input *c,
			  struct run_record *record, enum run_state to, const char *reason)
{
	assert(run_state_may(record->state, to));
	kept_move(s, record->state, to);
	record->state = to;
	record->reason = text_of(reason);
	record->updated = s->now.wall;
	record->due = 0;
	store_update_run(s->store, record);
	command_answer(s, c, run_state_word(to));
}

static void command_release(struct sequencer *s, const struct command_input *c,
			    const struct run_record *record)
{
	struct run *run = command_reopen(s, c, record);

	if (run == NULL)
		return;
	/* A run is held at its for_each, whose entry is open. */
	if (run->loop != NULL) {
		run->loop->released = true;
		steps_keep(s, run, value_null());
	}
	command_go(s, c, run);
}

static void command_held(struct sequencer *s, const struct command_input *c,
			 struct run_record *record)
{
	if (record->state != RUN_HELD)
		command_conflict(s, c, record->state, "HELD");
	else if (c->kind == COMMAND_RELEASE)
		command_release(s, c, record);
	else
		command_close(s, c, record, RUN_DEAD, "was held; dropped by an operator");
}

static void command_cancel(struct sequencer *s, const struct command_input *c,
			   struct run_record *record)
{
	struct run *run = run_find(s, c->run);

	if (run == NULL && backlog_has(record)) {
		run = backlog_take_out(s, record);
		if (run == NULL) { /* its rule no longer loads: its turn would tell */
			command_close(s, c, record, RUN_DEAD, cancelled);
			return;
		}
	}
	if (run == NULL || (run->state != RUN_PENDING && run->state != RUN_WAITING)) {
		command_conflict(s, c, record->state, "PENDING or WAITING");
		return;
	}
	run_end(s, run, RUN_DEAD, cancelled);
	command_answer(s, c, "DEAD");
}

static void command_resolve(struct sequencer *s, const struct command_input *c,
			    struct run_record *record)
{
	if (record->state != RUN_IN_DOUBT)
		command_conflict(s, c, record->state, "IN_DOUBT");
	else if (c->kind == COMMAND_RESOLVE_DONE)
		command_resolve_done(s, c, record);
	else if (c->kind == COMMAND_RESOLVE_REPEAT)
		command_again(s, c, record);
	else
		command_close(s, c, record, RUN_DEAD, was_in_doubt);
}

static void command_dead(struct sequencer *s, const struct command_input *c,
			 struct run_record *record)
{
	if (record->state != RUN_DEAD)
		command_conflict(s, c, record->state, "DEAD");
	else if (c->kind == COMMAND_DEAD_RETRY)
		command_again(s, c, record);
	else
		command_close(s, c, record, RUN_SKIPPED, "dropped by an operator");
}

static const char *command_word(enum command_kind kind)
{
	switch (kind) {
	case COMMAND_RESOLVE_DONE:
		return "resolve --done";
	case COMMAND_RESOLVE_REPEAT:
		return "resolve --repeat";
	case COMMAND_RESOLVE_DROP:
		return "resolve --drop";
	case COMMAND_CANCEL:
		return "cancel";
	case COMMAND_DEAD_RETRY:
		return "dead retry";
	case COMMAND_DEAD_DROP:
		return "dead drop";
	case COMMAND_RELEASE:
		return "release";
	case COMMAND_HELD_DROP:
		return "drop";
	}
	return "?";
}

void command_take(struct sequencer *s, const struct command_input *c)
{
	struct run_record record;
	struct run *open = run_find(s, c->run);

	log_write(LOG_INFO, "an operator asks", LOG_I("run", c->run),
		  LOG_S("for", command_word(c->kind)));

	/* It ended within this batch: its row must be there before it changes again. */
	if (open != NULL && !run_state_open(open->state)) {
		run_flush(s);
		open = NULL;
	}
	if (!store_get_run(s->store, s->work, c->run, &record)) {
		seq_refuse(s, c->ticket, 404, "no such run");
		return;
	}
	/* Open runs may have moved on within this batch. */
	if (open != NULL)
		record.state = open->state;
	switch (c->kind) {
	case COMMAND_RESOLVE_DONE:
	case COMMAND_RESOLVE_REPEAT:
	case COMMAND_RESOLVE_DROP:
		command_resolve(s, c, &record);
		return;
	case COMMAND_DEAD_RETRY:
	case COMMAND_DEAD_DROP:
		command_dead(s, c, &record);
		return;
	case COMMAND_RELEASE:
	case COMMAND_HELD_DROP:
		command_held(s, c, &record);
		return;
	case COMMAND_CANCEL:
		command_cancel(s, c, &record);
		return;
	}
}
