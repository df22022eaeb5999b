/* SPDX-License-Identifier: Apache-2.0
 *
 * lane.c - whose turn it is.
 *
 * A lane is the queue of open runs of one (rule, key), or of the rules that name the same
 * `lane`. Only its head acts; a
 * retry that waits keeps its lane, so order per key holds. A target is where
 * requests go; it has credit, granted by delivery, and a queue of runs that lack
 * nothing else. Credit is spent in the batch that records the attempt.
 *
 * I1  A run is in at most one lane and at most one target's queue.
 * I2  Only the head of a lane is in a target's queue or has an attempt under way.
 * Ownership: the maps own lanes and targets; runs are borrowed. */
#include "engine/sequencer/internal.h"

struct target *target_get(struct sequencer *s, struct text name)
{
	struct target *target = map_get(s->targets, name);

	if (target != NULL)
		return target;
	target = mem_zero(1, sizeof(*target) + name.n + 1);
	if (target == NULL || !map_put(s->targets, name, target)) {
		mem_free(target);
		seq_break(s);
		return NULL;
	}
	target->name_size = name.n;
	memcpy(target->name, name.s, name.n);
	target->row = board_target(s->board, name);
	return target;
}

static void target_list(struct sequencer *s, struct target *target)
{
	if (target->listed || target->credit == 0 || target->ready_head == NULL)
		return;
	target->listed = true;
	target->next_ready = s->ready;
	s->ready = target;
}

/* Whether delivery knows how many wait is looked at before the commit. */
static void target_hunger(struct sequencer *s, struct target *target)
{
	if (target->hungry || target == s->turn || target == s->parked)
		return;
	target->hungry = true;
	target->next_hungry = s->hungry;
	s->hungry = target;
}

/* Targets that no connection names share a row. */
static void target_tell(const struct target *target, int change)
{
	if (target->row != NULL)
		target->row->waiting += (uint64_t)(int64_t)change;
}

void target_queue(struct sequencer *s, struct target *target, struct run *run)
{
	assert(run->target == NULL);
	run->target = target;
	run->next_ready = NULL;
	run->previous_ready = target->ready_tail;
	if (target->ready_tail != NULL)
		target->ready_tail->next_ready = run;
	else
		target->ready_head = run;
	target->ready_tail = run;
	target->queued++;
	target_tell(target, 1);
	target_hunger(s, target);
}

/* The number that wait, when it isn't what delivery knows already. */
static void target_ask(struct sequencer *s, struct target *target)
{
	if (target->credit > 0 || target->queued == 0 || target->queued == target->announced)
		return;
	struct text *name = vector_add(s, &s->wanted, sizeof(*name));
	unsigned *runs = vector_add(s, &s->wants, sizeof(*runs));

	if (name == NULL || runs == NULL)
		return;
	*name = (struct text){ target->name, target->name_size };
	*runs = target->queued;
	target->announced = target->queued;
}

/* Before its credit changes for the first time in a batch. */
static void target_touch(struct sequencer *s, struct target *target)
{
	if (target->batch == s->batch_number)
		return;
	target->batch = s->batch_number;
	target->credit_before = target->credit;
	target->plugin_before = target->plugin;
	target->lent = false;
}

static void target_give_back(struct sequencer *s, struct target *target)
{
	struct unused_out *out = vector_add(s, &s->unused, sizeof(*out));

	if (out == NULL)
		return;
	out->target = text_dup(s->batch, (struct text){ target->name, target->name_size });
	out->credits = target->credit;
	out->plugin = target->plugin;
	out->gone = target->gone;
	target_touch(s, target);
	target->credit = 0;
}

static void targets_give_back(struct sequencer *s)
{
	struct target **lenders = s->lenders.items;

	for (size_t i = 0; i < s->lenders.n && !s->broken; i++)
		if (lenders[i]->credit > 0)
			target_give_back(s, lenders[i]);
}

/* Targets are named by URLs, which events may hold: those that nobody waits for are forgotten
 * when there are many, and their credit goes back. */
static void targets_retire(struct sequencer *s)
{
	bool many = map_count(s->targets) > s->trim_at;
	struct text key;
	void *value;

	if (!many && !s->credit_returns)
		return;
	for (size_t at = 0; map_next(s->targets, &at, &key, &value);) {
		struct target *target = value;

		target->gone = many && target->queued == 0;
		if (target->credit > 0)
			target_give_back(s, target);
	}
	s->trimming = many;
}

void targets_trim(struct sequencer *s)
{
	struct vector gone = { 0 };
	struct text key;
	void *value;

	for (size_t at = 0; s->trimming && map_next(s->targets, &at, &key, &value);) {
		struct target **t = ((struct target *)value)->gone
					? vector_add(s, &gone, sizeof(struct target *))
					: NULL;

		if (t != NULL)
			*t = value;
	}
	for (size_t i = 0; i < gone.n; i++) {
		struct target *t = ((struct target **)gone.items)[i];

		map_drop(s->targets, (struct text){ t->name, t->name_size });
		mem_free(t);
	}
	if (s->trimming)
		s->trim_at = 2 * map_count(s->targets);
	if (s->trim_at < LIMIT_TARGETS)
		s->trim_at = LIMIT_TARGETS;
	s->trimming = false;
}

void targets_ask_again(struct sequencer *s)
{
	struct text key;
	void *value;

	for (size_t at = 0; map_next(s->targets, &at, &key, &value);) {
		struct target *target = value;

		target->announced = 0;
		if (target->queued > 0)
			target_hunger(s, target);
	}
}

void targets_ask(struct sequencer *s)
{
	targets_give_back(s);
	targets_retire(s);
	while (s->hungry != NULL) {
		struct target *target = s->hungry;

		s->hungry = target->next_hungry;
		target->hungry = false;
		target_ask(s, target);
	}
}

void target_unqueue(struct run *run)
{
	struct target *target = run->target;

	if (target == NULL)
		return;
	if (run->previous_ready != NULL)
		run->previous_ready->next_ready = run->next_ready;
	else
		target->ready_head = run->next_ready;
	if (run->next_ready != NULL)
		run->next_ready->previous_ready = run->previous_ready;
	else
		target->ready_tail = run->previous_ready;
	target->queued--;
	target_tell(target, -1);
	run->target = NULL;
	run->next_ready = run->previous_ready = NULL;
}

void target_spend(struct sequencer *s, struct target *target)
{
	assert(target->credit > 0);
	target_touch(s, target);
	target->credit--;
}

void targets_undo(struct sequencer *s)
{
	struct text key;
	void *value;

	for (size_t at = 0; map_next(s->targets, &at, &key, &value);) {
		struct target *target = value;

		if (target->batch == s->batch_number) {
			target->credit = target->credit_before;
			target->plugin = target->plugin_before;
		}
		target->gone = false;
	}
	s->trimming = false;
}

/* What is left of its credit before the commit goes back. */
static void target_lend(struct sequencer *s, struct target *target)
{
	struct target **lender;

	target_touch(s, target);
	if (target->lent)
		return;
	lender = vector_add(s, &s->lenders, sizeof(struct target *));
	if (lender == NULL)
		return;
	*lender = target;
	target->lent = true;
}

/* A plugin may have become a connection of its name, or the other way round: what is there of the
 * other's goes back first, as nobody can be given what he hasn't lent. */
static void target_lender(struct sequencer *s, struct target *target, bool plugin)
{
	if (target->plugin != plugin && target->credit > 0)
		target_give_back(s, target);
	target->plugin = plugin;
}

void target_grant(struct sequencer *s, const struct grant_input *grant)
{
	struct target *target = target_get(s, grant->target);
	unsigned credits = grant->credits;

	if (target == NULL)
		return;
	target_touch(s, target);
	target_lender(s, target, grant->plugin);
	if (grant->lent)
		target_lend(s, target);
	target->credit += credits;
	target->announced -= credits < target->announced ? credits : target->announced;
	/* A run whose retry is due may spend it that was not counted among those that wait. */
	target_hunger(s, target);
	target_list(s, target);
}

static bool target_may(const struct sequencer *s, const struct target *target)
{
	return target->ready_head != NULL &&
	       (target == s->turn ? s->turns > 0 : target->credit > 0);
}

void target_shut(struct sequencer *s, struct text name)
{
	struct target *target = map_get(s->targets, name);

	if (target != NULL && target->credit > 0)
		target_give_back(s, target);
}

/* The queue's first run, as long as there is credit for it. */
static void target_serve(struct sequencer *s, struct target *target)
{
	while (target_may(s, target) && !s->broken) {
		struct run *run = target->ready_head;

		s->turns -= target == s->turn;
		target_unqueue(run);
		run_act(s, run, NULL);
		seq_clear(s);
		if (!s->broken)
			s->acting = 0;
	}
}

/* One of each kind at a time: a run that ends puts its lane's next one on the
 * turn, which may use up credit, which may ... What is left of the turns waits for the next
 * batch, so that one run's thousand items hold back nobody's webhook. */
void targets_serve(struct sequencer *s)
{
	while (!s->broken && (target_may(s, s->turn) || s->ready != NULL)) {
		struct target *target = s->turn;

		if (!target_may(s, target)) {
			target = s->ready;
			s->ready = target->next_ready;
			target->listed = false;
		}
		target_serve(s, target);
	}
}

static struct lane *lane_get(struct sequencer *s, const struct run *run)
{
	bool named = run->lane_name != NULL; /* a rule has an id, so these can't meet */
	struct text parts[2] = { named ? TEXT("") : run->rule->id,
				 text_of(named ? run->lane_name : run->key) };
	char room[512];
	struct buf name;
	struct lane *lane = NULL;

	buf_init(&name, sizeof(room) + LIMIT_RUN_KEY);
	buf_text(&name, parts[0]);
	buf_char(&name, '\0');
	buf_text(&name, parts[1]);
	if (!buf_failed(&name)) {
		lane = map_get(s->lanes, buf_view(&name));
		if (lane == NULL) {
			lane = mem_zero(1, sizeof(*lane) + name.n);
			if (lane != NULL && !map_put(s->lanes, buf_view(&name), lane)) {
				mem_free(lane);
				lane = NULL;
			}
			if (lane != NULL) {
				lane->key_size = name.n;
				memcpy(lane->key, name.s, name.n);
			}
		}
	}
	buf_fini(&name);
	return lane;
}

bool lane_join(struct sequencer *s, struct run *run)
{
	assert(run->lane == NULL);
	struct lane *lane = lane_get(s, run);

	if (lane == NULL) {
		seq_break(s);
		return false;
	}
	run->lane = lane;
	run->next_in_lane = NULL;
	if (lane->tail != NULL)
		lane->tail->next_in_lane = run;
	else
		lane->head = run;
	lane->tail = run;
	return lane->head == run;
}

static void lane_unlink(struct lane *lane, struct run *run)
{
	struct run **at = &lane->head;
	struct run *previous = NULL;

	while (*at != run) {
		previous = *at;
		at = &(*at)->next_in_lane;
		assert(*at != NULL);
	}
	*at = run->next_in_lane;
	if (lane->tail == run)
		lane->tail = previous;
	run->next_in_lane = NULL;
	run->lane = NULL;
}

void lane_leave(struct sequencer *s, struct run *run)
{
	struct lane *lane = run->lane;

	if (lane == NULL)
		return;
	bool was_head = lane->head == run;

	lane_unlink(lane, run);
	if (lane->head == NULL) {
		map_drop(s->lanes, (struct text){ lane->key, lane->key_size });
		mem_free(lane);
		return;
	}
	if (was_head) {
		struct run *next = lane->head;

		/* Not at once: a long lane of runs that end at once would recurse. */
		assert(next->target == NULL);
		next->next_ready = NULL;
		target_queue(s, s->turn, next);
	}
}
