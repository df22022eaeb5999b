/* SPDX-License-Identifier: Apache-2.0
 *
 * backlog.c - runs that wait in the store alone.
 *
 * A target that is down for a day leaves a million runs that wait, and they must neither fill the
 * memory nor make the next start take long. So of one rule only so many open runs are in memory;
 * those that begin after them get their row and nothing else, and are loaded, oldest first, as the
 * ones before them end.
 *
 * Only what is recorded as "nothing was done yet" (PENDING, no steps) waits so. Of each rule it is
 * a tail of its runs, by their ids: order per key holds, as a key's runs are of one rule. Rules
 * whose runs take turns with other rules' (`lane`), or decide by look-ups, in the order of events,
 * have all of theirs in memory.
 *
 * I1  A rule's runs that wait in the store have larger ids than `upto`, and than all of its runs in
 *     memory that an event began.
 * I2  While any of them wait, a run that begins waits with them.
 * I3  `stored` may count some that an operator has ended since; it is never 0 while one waits.
 * Ownership: the map owns the backlogs; they live until all is forgotten, longer than the runs that
 * point to them. */
#include "engine/sequencer/internal.h"

/* Of one rule, in memory. With few left for all rules, each has few. */
static size_t room(const struct sequencer *s)
{
	return s->stats.open_runs < LIMIT_OPEN_RUNS / 2 ? LIMIT_RULE_RUNS : LIMIT_RULE_RUNS_LEAST;
}

struct backlog *backlog_of(struct sequencer *s, struct text rule)
{
	struct backlog *b = map_get(s->backlogs, rule);

	if (b != NULL)
		return b;
	b = mem_zero(1, sizeof(*b) + rule.n + 1);
	if (b == NULL || !map_put(s->backlogs, rule, b)) {
		mem_free(b);
		return NULL;
	}
	b->rule_size = rule.n;
	memcpy(b->rule, rule.s, rule.n);
	return b;
}

static struct text rule_of(const struct backlog *b)
{
	return (struct text){ b->rule, b->rule_size };
}

static void backlog_count(struct sequencer *s, struct backlog *b, uint64_t stored)
{
	s->stats.stored_runs += stored - b->stored;
	b->stored = stored;
}

static void backlog_list(struct sequencer *s, struct backlog *b)
{
	if (b->listed)
		return;
	b->listed = true;
	b->next = s->stored;
	s->stored = b;
}

bool backlog_may(const struct rule *rule)
{
	return rule->lane == NULL && rule->lookup_first < 0;
}

bool backlog_takes(struct sequencer *s, struct run *run)
{
	struct backlog *b = run->backlog;

	assert(run->fresh && run->lane == NULL && run->steps.n == 0);
	if (!backlog_may(run->rule) || (b->stored == 0 && b->loaded <= room(s)))
		return false;
	if (b->stored == 0)
		b->upto = run->id - 1;
	backlog_count(s, b, b->stored + 1);
	backlog_list(s, b);
	run->stored = true;
	return true;
}

bool backlog_has(const struct run_record *record)
{
	return record->state == RUN_PENDING && record->steps.n == 0;
}

struct run *backlog_take_out(struct sequencer *s, const struct run_record *record)
{
	struct run *run = run_load(s, record);

	if (run != NULL && run->backlog->stored > 1) /* the last of them: its turn will tell (I3) */
		backlog_count(s, run->backlog, run->backlog->stored - 1);
	return run;
}

void backlog_found(struct sequencer *s, struct text rule, int64_t upto, uint64_t stored)
{
	struct backlog *b = backlog_of(s, rule);

	if (b == NULL) {
		seq_break(s);
		return;
	}
	b->upto = upto;
	backlog_count(s, b, stored);
	backlog_list(s, b);
}

/* ---- Loading. ---- */

struct portion {
	int64_t ids[LIMIT_LOAD];
	size_t n;
};

static bool portion_add(void *of, int64_t id)
{
	struct portion *p = of;

	p->ids[p->n++] = id;
	return p->n < LIMIT_LOAD;
}

/* Room for half of what a rule may have, so that many are read with one look at the index. */
static bool wants_some(const struct sequencer *s, const struct backlog *b)
{
	return b->stored > 0 && b->loaded < (room(s) + 1) / 2;
}

static void backlog_load(struct sequencer *s, struct backlog *b)
{
	struct portion found = { .n = 0 };

	store_each_waiting(s->store, rule_of(b), b->upto, LIMIT_LOAD, portion_add, &found);
	for (size_t i = 0; i < found.n && !s->broken; i++) {
		struct run *run = recover_waiting(s, found.ids[i]);

		b->upto = found.ids[i];
		if (run != NULL && !run->damaged && lane_join(s, run))
			target_queue(s, s->turn, run);
		seq_clear(s);
	}
	if (store_failed(s->store))
		seq_break(s);
	backlog_count(s, b,
		      found.n < LIMIT_LOAD     ? 0
		      : b->stored > LIMIT_LOAD ? b->stored - LIMIT_LOAD
					       : 1);
}

/* One rule in a batch, in turns: what is loaded acts in the next one. */
void backlogs_load(struct sequencer *s)
{
	struct backlog **at = &s->stored;

	while (*at != NULL && !wants_some(s, *at)) {
		struct backlog *b = *at;

		if (b->stored == 0) {
			*at = b->next;
			b->listed = false;
		} else {
			at = &b->next;
		}
	}
	struct backlog *b = *at;

	if (b == NULL || s->broken)
		return;
	*at = b->next;
	b->listed = false;
	backlog_load(s, b);
	if (b->stored == 0)
		return;
	for (at = &s->stored; *at != NULL; at = &(*at)->next)
		;
	b->listed = true;
	b->next = NULL;
	*at = b;
}

bool backlogs_wait(const struct sequencer *s)
{
	for (const struct backlog *b = s->stored; b != NULL; b = b->next)
		if (wants_some(s, b))
			return true;
	return false;
}

void backlogs_free(struct sequencer *s)
{
	struct text key;
	void *value;

	for (size_t at = 0; s->backlogs != NULL && map_next(s->backlogs, &at, &key, &value);)
		mem_free(value);
	map_free(s->backlogs);
	s->backlogs = NULL;
	s->stored = NULL;
	s->stats.stored_runs = 0;
}
