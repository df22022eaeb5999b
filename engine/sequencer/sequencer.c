/* SPDX-License-Identifier: Apache-2.0
 *
 * sequencer.c - a batch from its first input to its commit; see sequencer.h.
 *
 * A batch that can't be committed is rolled back, what is in memory is thrown
 * away and read again from the store as after a crash, what can be asked for
 * again (hooks, pages, commands) is refused, and facts (outcomes, grants,
 * breakers, reloads, what plugins said) are kept for the next batch. */
#include "engine/rules/plugin_manifest.h"
#include "engine/sequencer/internal.h"
#include "engine/sequencer/pause.h"

#define CLOCK_SET 1000 /* ms from one batch to the next: less is no matter to anybody */

/* ---- Memory of the batch. ---- */

void seq_took(struct sequencer *s, struct scope *scope, int step, enum way way)
{
	if (s->options.took != NULL)
		s->options.took(s->options.of, scope, step, way);
}

void seq_break(struct sequencer *s)
{
	s->broken = true;
}

void seq_clear(struct sequencer *s)
{
	if (arena_failed(s->work))
		seq_break(s);
	arena_reset(s->work);
}

void *vector_add(struct sequencer *s, struct vector *v, size_t size)
{
	if (v->n == v->room) {
		size_t room = v->room == 0 ? 16 : v->room * 2;
		void *items = arena_array(s->batch, room, size);

		if (items == NULL) {
			seq_break(s);
			return NULL;
		}
		if (v->n > 0)
			memcpy(items, v->items, v->n * size);
		v->items = items;
		v->room = room;
	}
	char *at = (char *)v->items + v->n++ * size;

	memset(at, 0, size);
	return at;
}

/* ---- One input. ---- */

static void seq_breaker(struct sequencer *s, const struct breaker_input *b)
{
	struct value_map_builder m;

	value_map_begin(&m, s->work);
	value_map_set(&m, "target", value_text(b->target));
	value_map_set(&m, "error", value_text(b->why));
	emit_own(s, b->open ? "tappet.breaker.open" : "tappet.breaker.closed", b->target,
		 value_map_end(&m), NULL, 0);
}

static void seq_input(struct sequencer *s, struct input *input)
{
	switch (input->kind) {
	case INPUT_HOOK:
		intake_hook(s, &input->hook);
		break;
	case INPUT_EVENT:
		intake_event(s, &input->event);
		break;
	case INPUT_FETCHED:
		poll_fetched(s, &input->fetched);
		break;
	case INPUT_OUTCOME:
		if (input->broke < 3)
			outcome_take(s, &input->outcome, input->broke > 0);
		else
			outcome_drop(s, &input->outcome);
		break;
	case INPUT_GRANT:
		if (input->grant.shut)
			target_shut(s, input->grant.target);
		else
			target_grant(s, &input->grant);
		break;
	case INPUT_BREAKER:
		seq_breaker(s, &input->breaker);
		break;
	case INPUT_COMMAND:
		command_take(s, &input->command);
		break;
	case INPUT_TABLE:
		tables_take(s, &input->table);
		break;
	case INPUT_PLACE:
		place_take(s, &input->place);
		break;
	case INPUT_MANIFEST:
		manifest_take(s, &input->manifest);
		break;
	case INPUT_PAUSE:
		pause_take(s, &input->pause);
		break;
	case INPUT_RELOAD:
		break;
	}
	if (arena_failed(s->batch))
		seq_break(s);
	seq_clear(s);
}

/* Facts can't be refused: they have happened. */
static bool seq_is_fact(const struct input *input)
{
	return input->kind == INPUT_OUTCOME || input->kind == INPUT_GRANT ||
	       input->kind == INPUT_BREAKER || input->kind == INPUT_RELOAD;
}

/* Nobody waits for an answer, so nobody would say it again: as good as a fact, but for the one that
 * breaks a batch. */
static bool seq_is_note(const struct input *input)
{
	if (input->kind == INPUT_MANIFEST)
		return input->manifest.ticket == 0;
	return input->kind == INPUT_PLACE && input->place.op == PLACE_FORGET;
}

/* What comes after it says the same, or something newer: a plugin's notes don't pile up while the
 * store can't be written. */
static bool seq_is_stale(const struct input *input)
{
	const struct queue_item *at = input->item.next;

	for (; at != NULL; at = at->next) {
		const struct input *later = (const struct input *)(const void *)at;

		if (later->kind != input->kind || !seq_is_note(later))
			continue;
		if (input->kind == INPUT_MANIFEST
			? text_eq(later->manifest.plugin, input->manifest.plugin)
			: text_eq(later->place.plugin, input->place.plugin) &&
			      text_eq(later->place.cursor, input->place.cursor))
			return true;
	}
	return false;
}

static uint64_t seq_ticket(const struct input *input)
{
	if (input->kind == INPUT_HOOK)
		return input->hook.ticket;
	if (input->kind == INPUT_EVENT)
		return input->event.ticket;
	if (input->kind == INPUT_COMMAND)
		return input->command.ticket;
	if (input->kind == INPUT_TABLE)
		return input->table.ticket;
	if (input->kind == INPUT_PLACE)
		return input->place.ticket;
	if (input->kind == INPUT_PAUSE)
		return input->pause.ticket;
	if (input->kind == INPUT_MANIFEST)
		return input->manifest.ticket;
	return 0;
}

/* ---- In-memory state. ---- */

static void drop_values(struct map *map, void (*drop)(void *value))
{
	struct text key;
	void *value;

	for (size_t at = 0; map != NULL && map_next(map, &at, &key, &value);)
		drop(value);
	map_free(map);
}

static void drop_run(void *value)
{
	run_free(value);
}

static void drop_manifest(void *value)
{
	manifest_free(value);
}

static void drop_plain(void *value)
{
	mem_free(value);
}

static void drop_rules(void *value)
{
	ruleset_free(value);
}

/* ---- Reload. ---- */

/* Revisions are loaded again when a run of theirs is; runs hold references of their own. */
static void seq_forget_revisions(struct sequencer *s)
{
	drop_values(s->revisions, drop_rules);
	s->revisions = map_new();
	if (s->revisions == NULL)
		seq_break(s);
}

/* An edited rule is judged anew; and after a failed batch nobody has heard what was raised. */
static void seq_forget_blind(struct sequencer *s)
{
	drop_values(s->blind, drop_plain);
	s->blind = map_new();
	if (s->blind == NULL)
		seq_break(s);
	if (s->matcher != NULL)
		matcher_forget(s->matcher);
}

struct matcher *seq_matcher(struct sequencer *s)
{
	if (s->matcher == NULL)
		s->matcher = matcher_new(s->rules);
	if (s->matcher == NULL)
		seq_break(s);
	else
		matcher_entities(s->matcher, &s->entities);
	return s->matcher;
}

/* Runs keep the rule set they began with; it stays alive by their references. */
static void seq_reload(struct sequencer *s, struct input *input)
{
	struct config *config = s->config;
	struct ruleset *rules = s->rules;

	s->config = input->reload.config;
	board_cover(s->board, s->config);
	s->rules = input->reload.rules;
	input->reload.config = NULL;
	input->reload.rules = NULL;
	matcher_free(s->matcher); /* the next event makes one of the new set */
	s->matcher = NULL;
	edge_forget(s);
	lookups_forget(s); /* a connection may lead elsewhere now */
	if (!poll_setup(s) || !schedule_setup(s) || !silence_setup(s))
		seq_break(s);
	seq_forget_revisions(s);
	seq_forget_blind(s);
	(void)loaded_note(s);
	s->credit_returns = true; /* rates may have changed */
	targets_ask_again(s);     /* and who is to be asked */
	seq_clear(s);
	ruleset_free(rules);
	config_free(config);
}

/* Everything that equals the store's contents; credit and what is in flight are
 * this process's own and stay. */
static void seq_forget(struct sequencer *s)
{
	struct text key;
	void *value;

	while (heap_pop(&s->run_timers) != NULL)
		;
	/* Runs that ended in this batch are still in the map, until flushed. */
	drop_values(s->runs, drop_run);
	backlogs_free(s);
	drop_values(s->lanes, drop_plain);
	map_free(s->kept_revisions);
	s->runs = s->lanes = s->kept_revisions = NULL;
	edge_forget(s);
	s->dirty = NULL;
	s->ready = s->hungry = NULL;
	for (size_t at = 0; s->targets != NULL && map_next(s->targets, &at, &key, &value);) {
		struct target *target = value;

		target->ready_head = target->ready_tail = NULL;
		target->listed = target->hungry = false;
		target->queued = target->announced = 0;
		target->row->waiting = 0;
	}
	if (s->turn != NULL)
		*s->turn = (struct target){ 0 };
	if (s->parked != NULL)
		*s->parked = (struct target){ 0 };
	pauses_free(s);
	poll_free(s);
	schedule_free(s);
	silence_free(s);
	s->stats.open_runs = 0;
}

/* A map that could not be made when it was emptied is missing until now. */
static bool seq_has(struct map **map)
{
	if (*map == NULL)
		*map = map_new();
	return *map != NULL;
}

static bool seq_remember(struct sequencer *s)
{
	return seq_has(&s->runs) && seq_has(&s->backlogs) && seq_has(&s->lanes) &&
	       seq_has(&s->kept_revisions) && seq_has(&s->revisions) && seq_has(&s->blind) &&
	       recover(s);
}

/* ---- The batch. ---- */

static void batch_vectors(struct sequencer *s)
{
	s->replies = s->attempts = s->fetches = s->wanted = s->wants = (struct vector){ 0 };
	s->pauses = (struct vector){ 0 };
	s->events = s->changed = s->ended = s->unused = s->lenders = (struct vector){ 0 };
	buf_clear(&s->published);
}

/* A clock that is kept right by small steps says nothing. */
static void batch_clock(struct sequencer *s)
{
	int64_t apart = s->now.wall - s->now.mono, by = apart - s->apart;

	if (by < CLOCK_SET && by > -CLOCK_SET)
		return;
	s->apart = apart;
	log_write(LOG_WARN, "the wall clock was set", LOG_I("by_ms", by));
}

static void batch_begin(struct sequencer *s, struct instant now)
{
	s->now = now;
	batch_clock(s);
	s->broken = false;
	s->culprit = NULL;
	s->acting = 0;
	s->in_turn = NULL;
	s->untried = false;
	s->turns = LIMIT_TURNS;
	arena_reset(s->batch);
	arena_reset(s->work);
	batch_vectors(s);
	s->batch_number++;
	targets_trim(s);
	store_begin(s->store);
}

/* The buffer moved while it grew. */
static void batch_published(struct sequencer *s)
{
	struct event_out *events = s->events.items;

	for (size_t i = 0; i < s->events.n; i++)
		if (events[i].published.n > 0)
			events[i].published.s = s->published.s + events[i].at;
}

static void batch_outputs(struct sequencer *s, struct outputs *out)
{
	batch_published(s);
	*out = (struct outputs){
		.replies = s->replies.items,
		.reply_count = s->replies.n,
		.attempts = s->attempts.items,
		.attempt_count = s->attempts.n,
		.fetches = s->fetches.items,
		.fetch_count = s->fetches.n,
		.targets = s->wanted.items,
		.target_runs = s->wants.items,
		.target_count = s->wanted.n,
		.unused = s->unused.items,
		.unused_count = s->unused.n,
		.events = s->events.items,
		.event_count = s->events.n,
		.runs = s->changed.items,
		.run_count = s->changed.n,
		.pauses_changed = s->pauses_changed,
		.pauses = s->pauses.items,
		.pause_count = s->pauses.n,
	};
}

/* What left the process, and what came back. */
static void batch_flights(struct sequencer *s)
{
	const struct attempt_out *attempts = s->attempts.items;
	const int64_t *ended = s->ended.items;

	for (size_t i = 0; i < s->ended.n; i++)
		map_drop(s->inflight, run_id_key(&ended[i]));
	for (size_t i = 0; i < s->attempts.n; i++)
		if (!map_put(s->inflight, run_id_key(&attempts[i].run), s))
			log_write(LOG_ERROR, "memory is out: an attempt is not tracked");
}

static void batch_free_inputs(struct queue_item *inputs)
{
	while (inputs != NULL) {
		struct queue_item *next = inputs->next;

		input_free((struct input *)(void *)inputs);
		inputs = next;
	}
}

/* A page that is too heavy is a failure of its poll like any other: it waits, and people hear of
 * it. Its number is that of polls that are read anew (poll_fetched). */
static void batch_lighten_page(struct fetched_input *page)
{
	page->fetch = 0;
	page->ending = (struct ending){
		.how = END_REFUSED,
		.error = TEXT("the page takes more memory than there is for it"),
		.retry_after = -1,
		.started = page->ending.started,
		.ended = page->ending.ended,
	};
}

/* What took too much memory is tried once more, for others may have taken it. Then a large
 * reply loses its body: the outcome is still a fact. The third time its run is given up
 * (outcome_drop). */
static void batch_lighten(struct sequencer *s, struct input *input)
{
	struct ending *end = &input->outcome.ending;

	if (input != s->culprit)
		return;
	input->broke++;
	if (input->kind == INPUT_FETCHED)
		batch_lighten_page(&input->fetched);
	if (input->kind != INPUT_OUTCOME || input->broke < 2 || end->body.n <= LIMIT_REPLY_KEPT)
		return;
	end->body.n = LIMIT_REPLY_KEPT;
	end->how = END_CUT;
}

/* Only the store's trouble is everybody's: when one input took too much memory, the others go
 * on without it. */
static bool batch_keeps(const struct sequencer *s, const struct input *input)
{
	if (input == s->culprit && input->kind == INPUT_FETCHED)
		return input->broke == 0;
	if (s->culprit == NULL && seq_is_note(input))
		return !seq_is_stale(input);
	return seq_is_fact(input) || (s->culprit != NULL && input != s->culprit);
}

static void batch_refuse_one(struct sequencer *s, struct input *input)
{
	if (input == s->culprit && s->crowded)
		seq_refuse(s, seq_ticket(input), 503, "too much at once; nothing was accepted");
	else if (input == s->culprit)
		seq_refuse(s, seq_ticket(input), 413,
			   "it takes more memory than one event may; nothing was accepted");
	else
		seq_refuse(s, seq_ticket(input), 503,
			   "the store can't be written; nothing was accepted");
	if (input == s->culprit && input->kind == INPUT_FETCHED)
		log_write(LOG_ERROR, "a page of a poll takes more memory than there is for it");
	input_free(input);
}

/* Refuses what can be refused and keeps the rest, in its order. */
static void batch_refuse(struct sequencer *s, struct queue_item *inputs, struct queue_item **end)
{
	while (inputs != NULL) {
		struct queue_item *next = inputs->next;
		struct input *input = (struct input *)(void *)inputs;

		if (batch_keeps(s, input)) {
			batch_lighten(s, input);
			*end = inputs;
			inputs->next = NULL;
			end = &inputs->next;
		} else {
			batch_refuse_one(s, input);
		}
		inputs = next;
	}
}

/* A run that breaks batches as a timer or its turn comes would do so for ever. */
static void batch_suspect(struct sequencer *s)
{
	if (!s->broken || s->culprit != NULL || s->acting == 0)
		return;
	if (s->acting == s->suspect)
		s->heavy = s->acting;
	s->suspect = s->acting;
}

static void batch_undo(struct sequencer *s, struct queue_item *inputs)
{
	s->stats.failed_batches++;
	s->crowded = arena_failed(s->batch);
	arena_reset(s->batch);
	batch_vectors(s);
	targets_undo(s);
	seq_forget(s);
	seq_forget_blind(s);
	batch_suspect(s);
	batch_refuse(s, inputs, &s->kept);
	s->broken = false;
	s->lost = true;
}

/* After a failed batch nothing is in memory: read it again first. */
static bool batch_regain(struct sequencer *s)
{
	if (!s->lost)
		return true;
	seq_forget(s);
	if (!seq_remember(s))
		return false;
	s->lost = false;
	return true;
}

/* A batch without a write would commit on a full disk: prove that it can. */
static void batch_probe(struct sequencer *s)
{
	if (!s->stats.store_down)
		return;
	store_put_cursor(s->store, TEXT("tappet"),
			 text_printf(s->work, "{\"recovered_at\":%lld}", (long long)s->now.wall));
}

static void batch_work(struct sequencer *s, struct queue_item *inputs)
{
	for (struct queue_item *at = inputs; at != NULL && !s->broken; at = at->next) {
		struct input *input = (struct input *)(void *)at;

		if (input->kind == INPUT_RELOAD && input->reload.config != NULL)
			seq_reload(s, input);
		else
			seq_input(s, input);
		if (s->broken && !store_failed(s->store))
			s->culprit = input;
	}
	if (!s->draining && !s->broken) {
		pauses_timers(s);
		run_timers(s);
		poll_timers(s);
		schedule_timers(s);
		silence_timers(s);
		targets_serve(s);
		targets_ask(s);
	}
	run_flush(s);
	if (!s->draining && !s->broken)
		backlogs_load(s);
	if (!s->draining)
		retain_timer(s); /* knows by the rows which revisions are needed */
	batch_probe(s);
	pauses_out(s);
	if (arena_failed(s->batch))
		seq_break(s);
}

/* What could not be read from the store broke off the batch as well. */
static bool batch_commit(struct sequencer *s)
{
	const struct store_error *error = store_last_error(s->store);
	bool memory = s->broken && !store_failed(s->store);

	if (s->broken)
		store_rollback(s->store);
	else if (store_commit(s->store) == FATE_OK)
		return true;
	log_write(LOG_ERROR, "a batch could not be committed",
		  LOG_S("why", memory ? "memory is out" : error->text),
		  LOG_S("hint", memory ? "" : store_hint(error)));
	return false;
}

enum fate sequencer_batch(struct sequencer *s, struct queue_item *inputs, struct instant now,
			  struct outputs *out)
{
	struct queue_item **end = &s->kept;

	assert(s != NULL && out != NULL);
	while (*end != NULL)
		end = &(*end)->next;
	*end = inputs;
	inputs = s->kept;
	s->kept = NULL;
	batch_begin(s, now);
	if (batch_regain(s))
		batch_work(s, inputs);
	else
		seq_break(s);
	if (!batch_commit(s)) {
		/* One input's trouble is over at once: it is refused, or given up the third time.
		 */
		bool own = s->culprit != NULL &&
			   (!seq_is_fact(s->culprit) || s->culprit->kind == INPUT_OUTCOME);

		batch_undo(s, inputs);
		s->stats.store_down = !own;
		s->retry_at = now.mono + (own ? 0 : 1000);
		s->pauses_changed = false;
		batch_outputs(s, out);
		return FATE_RETRY;
	}
	s->credit_returns = false;
	s->suspect = 0;
	batch_flights(s);
	batch_free_inputs(inputs);
	s->stats.batches++;
	if (s->stats.store_down)
		log_write(LOG_INFO, "the store can be written again");
	s->stats.store_down = false;
	s->stats.last_commit_ms = (uint64_t)now.wall;
	s->retry_at = INT64_MAX;
	s->stats.runs_parked = s->parked->queued;
	s->stats.in_flight = map_count(s->inflight);
	batch_outputs(s, out);
	s->pauses_changed = false;
	return FATE_OK;
}

int64_t sequencer_next(const struct sequencer *s)
{
	struct heap_node *node = heap_top(&s->run_timers);
	int64_t next = s->retry_at;
	int64_t poll = poll_next(s), schedule = schedule_next(s), silence = silence_next(s);

	if (s->lost || s->draining)
		return next;
	if (s->turn->ready_head != NULL || backlogs_wait(s))
		return s->now.mono;
	if (s->retain_at < next)
		next = s->retain_at;
	if (node != NULL && node->at < next)
		next = node->at;
	if (poll < next)
		next = poll;
	if (schedule < next)
		next = schedule;
	if (silence < next)
		next = silence;
	if (pauses_next(s) < next)
		next = pauses_next(s);
	return next;
}

/* ---- Life. ---- */

static bool seq_make(struct sequencer *s)
{
	s->batch = arena_new("batch", LIMIT_BATCH_ARENA);
	s->work = arena_new("event", LIMIT_EVENT_ARENA);
	s->object = arena_new("object", LIMIT_EVENT_ARENA);
	s->parser = json_parser_new();
	s->page_parser = json_parser_new();
	s->targets = map_new();
	s->inflight = map_new();
	s->revisions = map_new();
	s->blind = map_new();
	s->said = map_new();
	s->turn = mem_zero(1, sizeof(*s->turn) + 1);
	s->board = board_new();
	s->parked = mem_zero(1, sizeof(*s->parked) + 1);
	heap_init(&s->run_timers);
	buf_init(&s->json, LIMIT_EVENT_ARENA);
	buf_init(&s->published, LIMIT_PUBLISH);
	return s->batch != NULL && s->work != NULL && s->object != NULL && s->parser != NULL &&
	       s->page_parser != NULL && s->targets != NULL && s->inflight != NULL &&
	       s->revisions != NULL && s->blind != NULL && s->said != NULL && s->turn != NULL &&
	       s->parked != NULL && s->board != NULL;
}

enum fate sequencer_new(struct store *store, struct config *config, struct ruleset *rules,
			const struct sequencer_options *options, struct instant now,
			struct sequencer **out)
{
	struct sequencer *s = mem_zero(1, sizeof(*s));

	assert(store != NULL && config != NULL && rules != NULL && options != NULL);
	if (s == NULL)
		return FATE_RETRY;
	s->store = store;
	s->config = config_ref(config);
	s->rules = ruleset_ref(rules);
	s->options = *options;
	s->entities = (struct entities){ s, observe_known };
	s->now = now;
	s->began = now.mono;
	s->steady = s->apart = now.wall - now.mono;
	s->retry_at = now.mono; /* the first batch comes at once */
	s->retain_at = options->retention ? now.mono + 1000 : INT64_MAX;
	s->lost = true;
	if (!seq_make(s)) {
		sequencer_free(s);
		return FATE_RETRY;
	}
	board_cover(s->board, config);
	*out = s;
	return FATE_OK;
}

void sequencer_free(struct sequencer *s)
{
	if (s == NULL)
		return;
	seq_forget(s);
	batch_free_inputs(s->kept);
	drop_values(s->targets, drop_plain);
	drop_values(s->revisions, drop_rules);
	drop_values(s->blind, drop_plain);
	matcher_free(s->matcher);
	lookups_forget(s);
	map_free(s->inflight);
	mem_free(s->turn);
	mem_free(s->parked);
	board_free(s->board);
	heap_fini(&s->run_timers);
	json_parser_free(s->parser);
	json_parser_free(s->page_parser);
	buf_fini(&s->json);
	buf_fini(&s->published);
	drop_values(s->said, drop_manifest);
	arena_free(s->batch);
	arena_free(s->work);
	arena_free(s->object);
	ruleset_free(s->rules);
	config_free(s->config);
	mem_free(s);
}

struct board *sequencer_board(const struct sequencer *s)
{
	return s->board;
}

const struct sequencer_stats *sequencer_stats(const struct sequencer *s)
{
	return &s->stats;
}

void sequencer_publish(struct sequencer *s, bool on)
{
	assert(s != NULL);
	s->publishing = on;
}

bool sequencer_has_room(const struct sequencer *s)
{
	return s->stats.open_runs < LIMIT_OPEN_RUNS;
}

size_t sequencer_targets(const struct sequencer *s)
{
	return map_count(s->targets);
}

size_t sequencer_in_flight(const struct sequencer *s)
{
	return map_count(s->inflight);
}

void sequencer_drain(struct sequencer *s)
{
	s->draining = true;
}

bool sequencer_is_quiet(const struct sequencer *s)
{
	return map_count(s->inflight) == 0 && s->kept == NULL;
}
