/* SPDX-License-Identifier: Apache-2.0
 *
 * test_world - see test_world.h.
 *
 * What the pump and delivery do for the daemon is done here by hand: every wanted
 * target gets credit, every attempt gets its outcome in the next batch. */
#include "engine/commands/test_world.h"

#include <assert.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/event_read.h"
#include "engine/commands/test_branches.h"
#include "engine/rules/plugin_manifest.h"
#include "engine/sequencer/sequencer.h"
#include "engine/sequencer/tables.h"
#include "engine/value/parse.h"

#define DEFAULT_TIME TEXT("2026-01-05T09:00:00Z")

struct list {
	void *items;
	size_t count, room;
};

struct world {
	struct arena *arena; /* of the result */
	struct config *config;
	const struct test_case *test;
	struct coverage *coverage;
	struct store *store;
	struct sequencer *sequencer;
	struct json_parser *parser;
	struct instant now;
	struct queue_item *first, **last; /* inputs of the next batch */
	struct list sent, ended;
	struct list notes, waiting; /* of struct text */
	const struct rule *rule;    /* the tested one as it is now; NULL: a reload took it away */
	size_t events;              /* given so far */
	int *used;                  /* attempts answered by each entry of `reply` */
	unsigned rounds;
	struct text trouble;
	bool failed; /* memory is out */
};

static void world_trouble(struct world *w, struct text why)
{
	if (w->trouble.n == 0)
		w->trouble = why;
}

/* Room for one more, zeroed. */
static void *list_add(struct world *w, struct list *list, size_t size)
{
	if (list->count == list->room) {
		size_t room = list->room > 0 ? list->room * 2 : 16;
		void *items = arena_array(w->arena, room, size);

		if (items == NULL) {
			w->failed = true;
			return NULL;
		}
		if (list->count > 0)
			memcpy(items, list->items, list->count * size);
		list->items = items;
		list->room = room;
	}
	return memset((char *)list->items + list->count++ * size, 0, size);
}

/* ---- Inputs. ---- */

static void push(struct world *w, const struct input *from)
{
	struct input *input = input_new(from);

	if (input == NULL) {
		w->failed = true;
		return;
	}
	*w->last = &input->item;
	w->last = &input->item.next;
}

static struct queue_item *take_inputs(struct world *w)
{
	struct queue_item *inputs = w->first;

	w->first = NULL;
	w->last = &w->first;
	return inputs;
}

static void drop_inputs(struct queue_item *inputs)
{
	while (inputs != NULL) {
		struct queue_item *next = inputs->next;

		input_free((struct input *)(void *)inputs);
		inputs = next;
	}
}

/* ---- Replies. ---- */

static struct text action_word(struct world *w, const struct attempt_out *attempt)
{
	const struct connector *const *all = connectors_all();
	const struct action *action = attempt->action;

	if (strcmp(attempt->request.method, PLUGIN_REQUEST) == 0)
		return text_printf(w->arena, "%.*s.%s", TEXT_ARG(attempt->connection),
				   action->name);
	for (size_t i = 0; all[i] != NULL; i++)
		for (const struct action *a = all[i]->actions; a != NULL && a->name != NULL; a++)
			if (a == action)
				return text_printf(w->arena, "%s.%s", all[i]->name, a->name);
	assert(false);
	return TEXT_NONE;
}

/* The reply that is this attempt's turn; NULL: the default. */
static const struct answered *next_answer(const struct answers *answers, int *used)
{
	int skip = *used;

	for (size_t i = 0; i < answers->count; i++) {
		const struct answered *a = &answers->items[i];

		if (a->times == 0 && i + 1 == answers->count)
			return a;
		int times = a->times > 0 ? a->times : 1;

		if (skip < times) {
			++*used;
			return a;
		}
		skip -= times;
	}
	return NULL;
}

/* By the step's own name first, then by its action. */
static const struct answered *find_answer(struct world *w, struct text name, struct text action)
{
	const struct test_case *t = w->test;

	for (int round = 0; round < 2; round++) {
		struct text wanted = round == 0 ? name : action;

		for (size_t i = 0; i < t->answers_count && wanted.n > 0; i++)
			if (text_eq(t->answers[i].name, wanted))
				return next_answer(&t->answers[i], &w->used[i]);
	}
	return NULL;
}

static struct ending make_ending(const struct world *w, const struct answered *a)
{
	struct ending end = { .how = END_RESULT,
			      .sent = true,
			      .status = 200,
			      .body = TEXT("{}"),
			      .content_type = TEXT("application/json"),
			      .retry_after = -1,
			      .started = w->now.wall,
			      .ended = w->now.wall };

	if (a == NULL)
		return end;
	end.retry_after = a->retry_after;
	end.status = a->status;
	if (a->drop) {
		end.how = END_NO_REPLY;
		end.status = 0;
		end.error = TEXT("the connection was cut (drop in the test)");
	} else if (a->status < 200 || a->status > 299) {
		end.how = END_REPLIED;
		end.body = TEXT_NONE;
	}
	if (a->result.n > 0)
		end.body = a->result;
	return end;
}

/* ---- Outputs. ---- */

static bool is_tested(const struct world *w, struct text rule)
{
	return text_eq(rule, w->test->rule->id);
}

/* Look-ups send nothing to speak of: they count where the test expects one. */
static bool is_unasked(const struct world *w, struct text step)
{
	const struct test_case *t = w->test;
	struct text lookup = TEXT("lookup.");

	for (size_t i = 0; i < t->expected_count; i++)
		if (text_starts(t->expected[i].name, lookup))
			return false;
	return text_starts(step, lookup);
}

static void note_sent(struct world *w, const struct attempt_out *a, struct text action)
{
	const struct sent *known = w->sent.items;
	struct json_error error;
	struct sent *sent;

	if (!coverage_add(w->coverage, a->rule, a->step))
		w->failed = true;
	if (is_unasked(w, a->step_name))
		return;
	for (size_t i = 0; i < w->sent.count; i++)
		if (known[i].run == a->run && known[i].step == a->step &&
		    text_eq(known[i].key, a->key))
			return;
	if (!is_tested(w, a->rule) || (sent = list_add(w, &w->sent, sizeof(*sent))) == NULL)
		return;
	sent->run = a->run;
	sent->step = a->step;
	sent->key = text_dup(w->arena, a->key);
	sent->name = text_dup(w->arena, a->step_name);
	sent->action = action;
	if (json_parse(w->parser, w->arena, a->params, &sent->params, &error) != FATE_OK)
		sent->params = value_null();
}

static void take_attempt(struct world *w, const struct attempt_out *a)
{
	struct text action = action_word(w, a);
	const struct answered *answer = NULL;

	note_sent(w, a, action);
	if (is_tested(w, a->rule))
		answer = find_answer(w, a->step_name, action);
	struct input input = {
		.kind = INPUT_OUTCOME,
		.outcome = { .run = a->run,
			     .step = a->step,
			     .attempt = a->attempt,
			     .target = a->target,
			     .credits = 1,
			     .ending = make_ending(w, answer) },
	};

	/* What happens within the engine happens in a test as well. */
	if (a->action->inside && answer == NULL) {
		input.outcome.ending.how = END_REPLIED;
		input.outcome.ending.body = a->request.body;
	}

	push(w, &input);
}

static void take_run(struct world *w, const struct run_out *r)
{
	struct ended *ended;

	if (!coverage_add(w->coverage, r->rule, -1) ||
	    (is_tested(w, r->rule) && w->rule != NULL && !branches_ended(w->coverage, w->rule, r)))
		w->failed = true;
	if (!is_tested(w, r->rule) || text_is(r->state, run_state_word(RUN_DONE)) ||
	    r->reason.n == 0 || (ended = list_add(w, &w->ended, sizeof(*ended))) == NULL)
		return;
	ended->run = r->run;
	ended->state = text_dup(w->arena, r->state);
	ended->reason = text_dup(w->arena, r->reason);
}

static void take_outputs(struct world *w, const struct outputs *out)
{
	for (size_t i = 0; i < out->reply_count; i++)
		if (out->replies[i].status >= 300)
			world_trouble(w, text_printf(w->arena, "it was refused: %.*s",
						     TEXT_ARG(out->replies[i].body)));
	for (size_t i = 0; i < out->target_count; i++) {
		const struct input grant = {
			.kind = INPUT_GRANT,
			.grant = { .target = out->targets[i], .credits = LIMIT_TEST_CREDIT },
		};

		push(w, &grant);
	}
	for (size_t i = 0; i < out->attempt_count; i++)
		take_attempt(w, &out->attempts[i]);
	for (size_t i = 0; i < out->run_count; i++)
		take_run(w, &out->runs[i]);
}

/* ---- Time. ---- */

static bool world_goes_on(const struct world *w)
{
	return !w->failed && w->trouble.n == 0;
}

/* Batches until nothing is left to do at this moment. */
static void settle(struct world *w)
{
	struct outputs out;

	while (world_goes_on(w) &&
	       (w->first != NULL || sequencer_next(w->sequencer) <= w->now.mono)) {
		if (++w->rounds > LIMIT_TEST_ROUNDS) {
			world_trouble(w, TEXT("it doesn't come to rest: more than 10000 batches"));
			return;
		}
		if (sequencer_batch(w->sequencer, take_inputs(w), w->now, &out) != FATE_OK) {
			w->failed = true;
			return;
		}
		take_outputs(w, &out);
	}
}

static void turn_to(struct world *w, int64_t mono)
{
	assert(mono >= w->now.mono);
	w->now.wall += mono - w->now.mono;
	w->now.mono = mono;
}

static void advance(struct world *w, int64_t ms)
{
	int64_t target = w->now.mono + ms;
	int64_t next = sequencer_next(w->sequencer);

	while (next <= target && world_goes_on(w)) {
		turn_to(w, next > w->now.mono ? next : w->now.mono);
		settle(w);
		next = sequencer_next(w->sequencer);
	}
	turn_to(w, target);
	settle(w);
}

/* ---- The timeline. ---- */

/* The connection an event of this type comes from, where that is clear. */
static struct text default_connection(const struct world *w, struct text type)
{
	const struct connector *connector;
	struct text found = TEXT_NONE, head, rest = text_split(type, '.', &head);

	/* The plugin itself. */
	if (text_is(head, "plugin")) {
		(void)text_split(rest, '.', &found);
		return found;
	}
	/* As live: these have a source and no connection, whatever the rule asks for. */
	if (text_is(head, "hook") || text_is(head, "schedule"))
		return TEXT_NONE;
	if (w->test->rule->from.n > 0)
		return w->test->rule->from;
	connector = connector_find(head);
	if (connector == NULL)
		return TEXT_NONE;
	if (config_is_bare(w->config))
		return text_of(connector->name);
	for (size_t i = 0; i < w->config->connection_count; i++) {
		const struct connection *c = &w->config->connections[i];

		if (c->connector == connector && found.n > 0)
			return TEXT_NONE;
		if (c->connector == connector)
			found = c->name;
	}
	return found;
}

static struct value typed(struct world *w, struct text type, struct text json)
{
	const struct event_type *row = config_event(w->config, type);
	struct json_error error;
	struct value v = value_null();

	if (json.n == 0 || json_parse(w->parser, w->arena, json, &v, &error) != FATE_OK)
		return value_null();
	return row != NULL && row->kind != NULL ? object_kind_typed(row->kind, w->arena, v) : v;
}

/* What the rule makes of the event. */
static struct decision decide(struct world *w, const struct rule *rule, const struct test_event *e)
{
	struct stored_tables tables;

	stored_tables_init(&tables, w->store, w->parser, rule->set);
	tables.reader.stand_ins = true;
	const struct event_view event = {
		.id = e->id,
		.source = e->source,
		.type = e->type,
		.subject = e->subject,
		.connection = e->connection.n > 0 ? e->connection : default_connection(w, e->type),
		.time = e->time != INT64_MIN ? e->time : w->now.wall,
		.data = typed(w, e->type, e->data),
		.before = typed(w, e->type, e->before),
		.tables = &tables.reader,
	};
	struct known_objects known = { w->store, w->parser };
	const struct entities entities = { &known, event_known };
	struct scope scope = { .arena = w->arena,
			       .rule = rule,
			       .event = &event,
			       .entities = &entities,
			       .now = w->now.wall };

	return rule_decide(&scope);
}

/* An event the rule can't be evaluated on is worth a word even where nothing was expected: live,
 * it would be counted as blind. */
static void note_blind(struct world *w, const struct test_event *e)
{
	struct decision d;
	struct text *note;

	w->events++;
	if (w->rule == NULL || w->rule->mode == MODE_OFF)
		return;
	d = decide(w, w->rule, e);
	if (!branches_decided(w->coverage, w->rule, &d))
		w->failed = true;
	if (d.verdict != VERDICT_BLIND)
		return;
	note = list_add(w, &w->notes, sizeof(*note));
	if (note != NULL)
		*note =
		    text_printf(w->arena, "on event %zu the rule could not be evaluated: %s: %.*s",
				w->events, d.part, TEXT_ARG(d.why));
}

static void give_event(struct world *w, const struct test_event *e)
{
	struct input input = {
		.kind = INPUT_EVENT,
		.event = { .ticket = 1,
			   .type = e->type,
			   .source = e->source,
			   .subject = e->subject,
			   .connection = e->connection,
			   .id = e->id,
			   .time = e->time,
			   .data = e->data,
			   .before = e->before },
	};

	if (e->connection.n == 0)
		input.event.connection = default_connection(w, e->type);
	note_blind(w, e);
	push(w, &input);
	settle(w);
}

static void give_tables(struct world *w, const struct given *g)
{
	for (size_t i = 0; i < g->row_count; i++) {
		const struct input input = {
			.kind = INPUT_TABLE,
			.table = { .ticket = 1,
				   .table = g->rows[i].table,
				   .json = g->rows[i].json },
		};

		push(w, &input);
	}
	settle(w);
}

/* Filed under the product's only connection where none is named. */
static struct text entity_connection(const struct world *w, const struct test_entity *e)
{
	struct text product, found = TEXT_NONE;

	(void)text_split(text_of(e->kind->name), '.', &product);
	if (e->connection.n > 0)
		return e->connection;
	for (size_t i = 0; i < w->config->connection_count; i++)
		if (text_is(product, w->config->connections[i].connector->name))
			found = w->config->connections[i].name;
	return found.n > 0 ? found : product;
}

static void give_entity(struct world *w, const struct test_entity *e)
{
	struct text connection = entity_connection(w, e);
	struct text shelf = text_printf(w->arena, "%.*s/%s", TEXT_ARG(connection), e->kind->name);

	store_begin(w->store);
	store_put_object(w->store, shelf, e->id, 0, e->data);
	if (store_commit(w->store) != FATE_OK)
		w->failed = true;
}

static const struct rule *find_rule(const struct ruleset *rules, struct text id)
{
	for (size_t i = 0; i < ruleset_count(rules); i++)
		if (text_eq(ruleset_at(rules, i)->id, id))
			return ruleset_at(rules, i);
	return NULL;
}

static void give_reload(struct world *w, struct text file)
{
	struct diags *diags = diags_new();
	struct ruleset *rules = NULL;
	struct buf text;

	if (diags != NULL)
		rules = ruleset_load(w->config, &file, 1, diags);
	if (rules == NULL) {
		w->failed = true;
	} else if (diags_errors(diags) > 0) {
		buf_init(&text, LIMIT_TEST_ARENA / 4);
		diags_print(diags, &text, false);
		world_trouble(w, text_printf(w->arena, "reload of %.*s:\n%s", TEXT_ARG(file),
					     buf_cstr(&text)));
		buf_fini(&text);
		ruleset_free(rules);
	} else {
		const struct input input = {
			.kind = INPUT_RELOAD,
			.reload = { config_ref(w->config), rules },
		};

		w->rule = find_rule(rules, w->test->rule->id);
		push(w, &input);
		settle(w);
	}
	diags_free(diags);
}

static void play(struct world *w)
{
	const struct test_case *t = w->test;

	settle(w); /* the first batch reads the store */
	for (size_t i = 0; i < t->given_count && world_goes_on(w); i++) {
		const struct given *g = &t->given[i];

		switch (g->kind) {
		case GIVEN_EVENT:
			give_event(w, &g->event);
			break;
		case GIVEN_TABLES:
			give_tables(w, g);
			break;
		case GIVEN_ADVANCE:
			advance(w, g->advance);
			break;
		case GIVEN_ENTITY:
			give_entity(w, &g->entity);
			break;
		case GIVEN_RELOAD:
			give_reload(w, g->file);
			break;
		}
	}
}

/* ---- Why nothing happened. ---- */

static bool takes_type(const struct rule *rule, struct text type)
{
	for (size_t i = 0; i < rule->on_count; i++)
		if (text_eq(rule->on[i], type) || event_glob(rule->on[i], type))
			return true;
	return false;
}

/* Why the rule doesn't take the event, in words. */
static struct text why_unfired(struct world *w, const struct test_event *e)
{
	const struct rule *rule = w->test->rule;

	if (rule->mode == MODE_OFF)
		return TEXT("the rule's mode is off");
	if (!takes_type(rule, e->type))
		return text_printf(w->arena, "the rule's \"on\" doesn't take %.*s",
				   TEXT_ARG(e->type));
	struct decision d = decide(w, rule, e);

	if (d.verdict != VERDICT_NO)
		return TEXT_NONE; /* BLIND has a note */
	return text_printf(w->arena, "the rule doesn't fire: its \"%s\" doesn't hold", d.part);
}

static void explain_unfired(struct world *w, struct test_outcome *out)
{
	if (w->sent.count > 0 || w->ended.count > 0)
		return;
	for (size_t i = 0; i < w->test->given_count && out->unfired.n == 0; i++)
		if (w->test->given[i].kind == GIVEN_EVENT)
			out->unfired = why_unfired(w, &w->test->given[i].event);
}

/* ---- What is still to come. ---- */

#define USUAL_ADVANCE (10 * 60 * INT64_C(1000)) /* ms */

static bool visit_waiting(void *of, const struct run_record *run)
{
	struct world *w = of;
	int64_t left = run->due > w->now.wall ? run->due - w->now.wall : 0;
	char due[TIMETEXT_MAX], enough[TIMETEXT_MAX];
	struct text *line = list_add(w, &w->waiting, sizeof(*line));

	if (line == NULL)
		return false;
	timetext_duration_format(left, due);
	timetext_duration_format(left > USUAL_ADVANCE ? left : USUAL_ADVANCE, enough);
	*line =
	    text_printf(w->arena, "run %lld waits for attempt %d (due +%s): add `- advance: %s`",
			(long long)run->id, run->attempt + 1, due, enough);
	return true;
}

static void find_waiting(struct world *w)
{
	const struct run_query query = { .states = 1u << RUN_WAITING, .rule = w->test->rule->id };

	if (store_query_runs(w->store, &query, visit_waiting, w) != FATE_OK)
		w->failed = true;
}

/* ---- Life. ---- */

static struct instant first_instant(const struct test_case *t)
{
	struct instant now = { .mono = 1 };

	if (!timetext_parse_ms(DEFAULT_TIME, &now.wall))
		assert(false);
	for (size_t i = 0; i < t->given_count; i++) {
		if (t->given[i].kind != GIVEN_EVENT)
			continue;
		if (t->given[i].event.time != INT64_MIN)
			now.wall = t->given[i].event.time;
		break;
	}
	return now;
}

static void took(void *of, struct scope *scope, int step, enum way way)
{
	struct world *w = of;

	if (!branches_took(w->coverage, scope, step, way))
		w->failed = true;
}

static bool world_init(struct world *w, struct ruleset *rules)
{
	const struct sequencer_options options = {
		.keep_params = true, .stand_ins = true, .own_events = true, .took = took, .of = w
	};
	struct store_error error;

	w->now = first_instant(w->test);
	w->last = &w->first;
	w->parser = json_parser_new();
	w->used = arena_zero(w->arena, (w->test->answers_count + 1) * sizeof(*w->used));
	return w->parser != NULL && w->used != NULL &&
	       store_open("memory:", &w->store, &error) == FATE_OK &&
	       sequencer_new(w->store, w->config, rules, &options, w->now, &w->sequencer) ==
		   FATE_OK;
}

static void world_fini(struct world *w)
{
	drop_inputs(w->first);
	sequencer_free(w->sequencer);
	store_close(w->store);
	json_parser_free(w->parser);
}

enum fate test_world_play(struct arena *arena, struct config *config, struct ruleset *rules,
			  const struct test_case *test, struct coverage *coverage,
			  struct test_outcome *out)
{
	struct world w = { .arena = arena,
			   .config = config,
			   .test = test,
			   .coverage = coverage,
			   .rule = test->rule };

	assert(arena != NULL && config != NULL && rules != NULL && test != NULL &&
	       coverage != NULL);
	*out = (struct test_outcome){ 0 };
	if (world_init(&w, rules)) {
		play(&w);
		explain_unfired(&w, out);
		find_waiting(&w);
	} else {
		w.failed = true;
	}
	world_fini(&w);
	out->sent = w.sent.items;
	out->sent_count = w.sent.count;
	out->ended = w.ended.items;
	out->ended_count = w.ended.count;
	out->trouble = w.trouble;
	out->notes = w.notes.items;
	out->note_count = w.notes.count;
	out->waiting = w.waiting.items;
	out->waiting_count = w.waiting.count;
	return w.failed || arena_failed(arena) ? FATE_RETRY : FATE_OK;
}
