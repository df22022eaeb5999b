/* SPDX-License-Identifier: Apache-2.0
 *
 * recover.c - what was open when the daemon stopped, or when a batch could not
 * be committed.
 *
 * Runs are read in the order of their ids, so every lane gets its order back, the
 * run that was at its head first; of what wasn't begun only so much as backlog.c has in memory. A
 * run that was STARTED is in doubt unless its attempt is still under way in this
 * process. A run keeps the revision it began with: from the rule set when the
 * text is the same, else from the store.
 *
 * I1  What is in memory afterwards is what the store holds, and nothing else. */
#include "engine/sequencer/internal.h"

static struct text revision_name(struct text rule, struct text revision, char hex[HASH_HEX])
{
	const struct text parts[2] = { rule, revision };

	hash_name(parts, 2, hex);
	return text_of(hex);
}

/* Without a mistake in it, it is memory that was out: the batch breaks, for a run whose rule
 * doesn't load is given up. */
static struct ruleset *revision_load(struct sequencer *s, struct text rule, struct text text)
{
	struct ruleset *set = NULL;
	struct diags *diags = diags_new();

	if (diags != NULL)
		set = ruleset_load_revision(s->config, rule, text, diags);
	if (diags == NULL || (set == NULL && diags_errors(diags) == 0))
		seq_break(s);
	diags_free(diags);
	return set;
}

static struct ruleset *revision_from_store(struct sequencer *s, struct text rule,
					   struct text revision, struct text name)
{
	struct revision_record record;
	struct ruleset *set;

	if (!store_get_revision(s->store, s->work, rule, revision, &record))
		return NULL;
	set = revision_load(s, rule, record.text);
	if (set == NULL && !s->broken) /* what it misses may have been memory */
		set = revision_load(s, rule, record.text);
	if (set != NULL && !map_put(s->revisions, name, set)) {
		seq_break(s);
		ruleset_free(set);
		set = NULL;
	}
	return set;
}

struct ruleset *recover_revision(struct sequencer *s, struct text rule, struct text revision,
				 const struct rule **out)
{
	const struct rule *found = ruleset_find(s->rules, rule);
	char hex[HASH_HEX];

	if (found != NULL && text_eq(found->revision, revision)) {
		*out = found;
		return s->rules;
	}
	struct text name = revision_name(rule, revision, hex);
	struct ruleset *set = map_get(s->revisions, name);

	if (set == NULL)
		set = revision_from_store(s, rule, revision, name);
	if (set == NULL)
		return NULL;
	*out = ruleset_find(set, rule);
	return *out != NULL ? set : NULL;
}

/* ---- Runs. ---- */

struct found {
	struct sequencer *s;
	struct vector ids;
	struct vector rules; /* of struct waiting */
};

/* A rule's runs of which nothing was done yet. */
struct waiting {
	struct text rule;
	uint64_t count;
};

static bool found_run(void *of, int64_t id)
{
	struct found *f = of;
	int64_t *at = vector_add(f->s, &f->ids, sizeof(*at));

	if (at != NULL)
		*at = id;
	return at != NULL;
}

static bool found_rule(void *of, struct text rule, uint64_t count)
{
	struct found *f = of;
	struct waiting *at = vector_add(f->s, &f->rules, sizeof(*at));

	if (at == NULL)
		return false;
	at->rule = text_dup(f->s->batch, rule);
	at->count = count;
	return true;
}

/* The oldest of them, if there are many; the others wait for their turn (backlog.c). */
static void recover_some(struct found *f, const struct waiting *waiting)
{
	struct sequencer *s = f->s;
	const struct rule *rule = ruleset_find(s->rules, waiting->rule);
	size_t before = f->ids.n;
	size_t limit = rule == NULL || backlog_may(rule) ? LIMIT_RULE_RUNS / 8 : SIZE_MAX;

	store_each_waiting(s->store, waiting->rule, 0, limit, found_run, f);
	if (f->ids.n - before < limit || s->broken)
		return;
	const int64_t *ids = f->ids.items;

	backlog_found(s, waiting->rule, ids[f->ids.n - 1], waiting->count - limit);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The ids of the runs to be loaded, in their order. */
static bool recover_find(struct found *f)
{
	struct sequencer *s = f->s;

	store_each_begun(s->store, found_run, f);
	store_each_waiting_rule(s->store, found_rule, f);
	const struct waiting *rules = f->rules.items;

	for (size_t i = 0; i < f->rules.n && !s->broken; i++)
		recover_some(f, &rules[i]);
	if (s->broken || store_failed(s->store))
		return false;
	if (f->ids.n > 0)
		qsort(f->ids.items, f->ids.n, sizeof(int64_t), by_number);
	return true;
}

static void recover_orphan(struct sequencer *s, struct run_record *record)
{
	record->state = RUN_DEAD;
	record->reason = TEXT("the rule it began with no longer loads under this configuration");
	record->updated = s->now.wall;
	store_update_run(s->store, record);
	s->stats.runs_dead++;
	log_write(LOG_ERROR, "a run's rule no longer loads", LOG_I("run", record->id));
}

/* It was at the head of its lane: only that one acts. A run that an operator put back
 * stands behind younger ones, so ids alone don't tell. One that was held has its for_each
 * open while it waits for its turn. */
static bool recover_was_head(const struct run *run)
{
	bool held = run->entered && run->rule->steps[run->step].loop != NULL;

	return run->state != RUN_PENDING || (run->entered && !held);
}

/* Other vars may give one lane to runs that were at the heads of two: the second goes on in a lane
 * of its own, as what it began must be ended. */
static void recover_head(struct sequencer *s, struct run *run)
{
	if (lane_join(s, run) || s->broken)
		return;
	lane_leave(s, run);
	mem_free(run->lane_name);
	run->lane_name =
	    text_heap(text_printf(s->work, "\x01%lld", (long long)run->id)); /* no text of people */
	if (run->lane_name == NULL)
		seq_break(s);
	else
		(void)lane_join(s, run);
}

static void recover_place(struct sequencer *s, struct run *run)
{
	bool turn = run->lane->head == run;

	if (run->state == RUN_STARTED)
		return; /* judged, or still under way */
	if (run->state == RUN_WAITING) {
		int64_t left = run->due - s->now.wall;

		/* The wall clock may have been set: never longer than it was to wait when it was
		 * written down, which is what `began` is of a run that was just read. */
		if (left > run->due - run->began)
			left = run->due - run->began;
		run->timer.at = s->now.mono + (left > 0 ? left : 0);
		if (!heap_push(&s->run_timers, &run->timer))
			seq_break(s);
		return;
	}
	if (turn)
		target_queue(s, s->turn, run);
}

struct run *recover_waiting(struct sequencer *s, int64_t id)
{
	struct run_record record;
	struct run *run;

	/* One that an operator put back is in memory already. */
	if (run_find(s, id) != NULL || !store_get_run(s->store, s->work, id, &record))
		return NULL;
	run = run_load(s, &record);
	if (run == NULL && !s->broken)
		recover_orphan(s, &record);
	return run;
}

static void recover_run(struct sequencer *s, int64_t id)
{
	struct run *run = recover_waiting(s, id);

	if (run != NULL && !run->damaged && recover_was_head(run))
		recover_head(s, run);
}

static void recover_lanes(struct sequencer *s, const int64_t *ids, size_t count)
{
	/* Between two items, when nothing was begun any more. */
	for (size_t i = 0; i < count && !s->broken; i++) {
		struct run *run = run_find(s, ids[i]);

		if (run != NULL && run->lane == NULL && run->loop != NULL && !run->entered &&
		    !run->damaged)
			(void)lane_join(s, run);
	}
	for (size_t i = 0; i < count && !s->broken; i++) {
		struct run *run = run_find(s, ids[i]);

		if (run == NULL || run->damaged)
			continue;
		if (run->lane == NULL)
			(void)lane_join(s, run);
		if (!s->broken)
			recover_place(s, run);
	}
}

/* Of the store's record of what a run did, nothing can be made: nobody knows where to go on. */
static void recover_damaged(struct sequencer *s, struct run *run)
{
	log_write(LOG_ERROR, "the record of a run can't be read", LOG_I("run", run->id));
	run_end(s, run, RUN_DEAD,
		"the record of what it did can't be read; it may have sent something");
}

static void recover_doubts(struct sequencer *s, const int64_t *ids, size_t count)
{
	for (size_t i = 0; i < count && !s->broken; i++) {
		struct run *run = run_find(s, ids[i]);

		if (run != NULL && run->damaged)
			recover_damaged(s, run);
		else if (run != NULL && run->state == RUN_STARTED &&
			 map_get(s->inflight, run_id_key(&ids[i])) == NULL)
			outcome_doubt(s, run, "the daemon stopped while the request was under way",
				      0);
		else
			continue;
		seq_clear(s);
	}
}

/* The store is a copy that was put in place of a lost one: what came after it is not known here.
 * People should hear of it. */
static void recover_copy(struct sequencer *s)
{
	struct value_map_builder b;
	char when[TIMETEXT_MAX];
	struct json_error error;
	const struct value *at;
	struct text json;
	struct value v;

	if (!store_get_cursor(s->store, s->work, TEXT(STORE_BACKUP_ROW), &json) ||
	    json_parse(s->parser, s->work, json, &v, &error) != FATE_OK)
		return;
	at = value_get(v, TEXT("backup_at"));
	if (at == NULL || at->kind != VALUE_INT)
		return;
	timetext_format_ms(at->i, when);
	value_map_begin(&b, s->work);
	value_map_set(&b, "backup_at", value_timestamp_ms(at->i));
	store_put_cursor(s->store, TEXT(STORE_BACKUP_ROW), TEXT("{}"));
	log_write(LOG_WARN, "the store is a restored backup", LOG_S("backup_at", when));
	emit_own(s, "tappet.restored", TEXT(""), value_map_end(&b), NULL, 0);
	seq_clear(s);
}

bool recover(struct sequencer *s)
{
	struct found found = { .s = s };

	s->last_event = store_last_event(s->store);
	s->last_run = store_last_run(s->store);
	if (!pauses_setup(s) || !recover_find(&found))
		return false;
	const int64_t *ids = found.ids.items;

	for (size_t i = 0; i < found.ids.n && !s->broken; i++) {
		recover_run(s, ids[i]);
		seq_clear(s);
	}
	recover_lanes(s, ids, found.ids.n);
	recover_doubts(s, ids, found.ids.n);
	if (s->broken || !poll_setup(s) || !schedule_setup(s) || !silence_setup(s) ||
	    !loaded_note(s))
		return false;
	recover_copy(s);
	run_flush(s);
	kept_count(s);
	return !s->broken;
}
