/* SPDX-License-Identifier: Apache-2.0
 *
 * loop.c - the items of a for_each, one after the other.
 *
 * The for_each has an open entry in the run's record, which counts the items and has a letter for
 * the outcome of each; behind it stand the entries of the item in hand, which go when it is over.
 * The list is not kept where the event, the steps before and the rule's text give it again. What
 * was read from tables or of entities may be another list by then, so that one is kept.
 *
 * I1  An item's idempotency keys have its number in them.
 * I2  Attempts are numbered through the whole for_each: no two of a step have the same number.
 * I3  An item whose turn comes begins with memory of its own, as another run does. Others follow in
 *     the same turn as long as they take little: the event is read once for hundreds of them. */
#include "engine/sequencer/internal.h"

void loop_free(struct run *run)
{
	if (run->loop == NULL)
		return;
	buf_fini(&run->loop->outcomes);
	buf_fini(&run->loop->errors);
	buf_fini(&run->loop->list);
	mem_free(run->loop);
	run->loop = NULL;
}

static bool loop_make(struct sequencer *s, struct run *run, int step, size_t entry)
{
	assert(run->loop == NULL);
	run->loop = mem_zero(1, sizeof(*run->loop));
	if (run->loop == NULL) {
		seq_break(s);
		return false;
	}
	run->loop->step = step;
	run->loop->entry = entry;
	buf_init(&run->loop->outcomes, LIMIT_ITEMS);
	buf_init(&run->loop->errors, LIMIT_ITEM_ERRORS * 8 * LIMIT_ITEM_ERROR);
	buf_init(&run->loop->list, LIMIT_RESULT);
	return true;
}

void loop_turn_end(struct run *run)
{
	if (run->loop != NULL)
		run->loop->listed = run->loop->looked_back = false;
}

/* ---- The record. ---- */

void loop_put(struct buf *b, const struct run *run)
{
	const struct run_loop *loop = run->loop;
	const struct loop *of = run->rule->steps[loop->step].loop;

	buf_printf(b, ",\"items\":%d,\"at\":%d,\"done\":%d,\"failed\":%d", loop->items, loop->at,
		   loop->done, loop->failed);
	buf_printf(b, ",\"body\":[%d,%d],\"outcomes\":\"", of->first, of->end);
	buf_text(b, buf_view(&loop->outcomes));
	buf_char(b, '"');
	if (loop->errors.n > 0) {
		buf_str(b, ",\"errors\":[");
		buf_text(b, buf_view(&loop->errors));
		buf_char(b, ']');
	}
	if (loop->released)
		buf_str(b, ",\"released\":true");
	if (loop->list.n > 0) {
		buf_str(b, ",\"list\":");
		buf_text(b, buf_view(&loop->list));
	}
}

static int entry_int(struct value entry, const char *name)
{
	const struct value *v = value_get(entry, text_of(name));

	return v != NULL && v->kind == VALUE_INT && v->i >= 0 && v->i <= LIMIT_ITEMS ? (int)v->i
										     : 0;
}

static void loop_read(struct sequencer *s, struct run_loop *loop, struct value entry)
{
	const struct value *errors = value_get(entry, TEXT("errors"));
	const struct value *outcomes = value_get(entry, TEXT("outcomes"));
	const struct value *released = value_get(entry, TEXT("released"));
	const struct value *list = value_get(entry, TEXT("list"));

	loop->items = entry_int(entry, "items");
	loop->at = entry_int(entry, "at");
	loop->done = entry_int(entry, "done");
	loop->failed = entry_int(entry, "failed");
	loop->released = released != NULL && value_is(*released, VALUE_BOOL) && released->b;
	if (outcomes != NULL && value_is(*outcomes, VALUE_TEXT))
		buf_text(&loop->outcomes, value_as_text(*outcomes));
	for (uint32_t i = 0; errors != NULL && errors->kind == VALUE_LIST && i < errors->n; i++) {
		if (i > 0)
			buf_char(&loop->errors, ',');
		value_write(&loop->errors, errors->items[i]);
	}
	if (list != NULL && list->kind == VALUE_LIST)
		value_write(&loop->list, *list);
	if (buf_failed(&loop->outcomes) || buf_failed(&loop->errors) || buf_failed(&loop->list))
		seq_break(s);
}

void loop_load(struct sequencer *s, struct run *run, struct value entry, size_t at, size_t body)
{
	const struct value *i = value_get(entry, TEXT("i"));

	if (i == NULL || i->kind != VALUE_INT || i->i < 0 || i->i >= run->rule->step_count ||
	    run->rule->steps[i->i].loop == NULL || run->loop != NULL)
		return;
	if (!loop_make(s, run, (int)i->i, at))
		return;
	run->loop->body = body;
	loop_read(s, run->loop, entry);
}

static void loop_note_error(struct sequencer *s, struct run_loop *loop, const char *why)
{
	if (loop->failed > LIMIT_ITEM_ERRORS)
		return;
	if (loop->errors.n > 0)
		buf_char(&loop->errors, ',');
	buf_printf(&loop->errors, "{\"item\":%d,\"error\":", loop->at);
	value_write_text(&loop->errors, text_head(text_of(why), LIMIT_ITEM_ERROR));
	buf_char(&loop->errors, '}');
	if (buf_failed(&loop->errors))
		seq_break(s);
}

/* ---- The for_each itself. ---- */

/* The step in hand is the for_each again; what its item did is left out of the record. */
static void loop_return(struct run *run)
{
	run->step = run->loop->step;
	run->entry = run->loop->entry;
	run->entered = true;
}

static bool loop_finish(struct sequencer *s, struct run *run)
{
	const struct run_loop *loop = run->loop;
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "items", value_int(loop->items));
	value_map_set(&b, "done", value_int(loop->done));
	value_map_set(&b, "failed", value_int(loop->failed));
	buf_clear(&run->loop->list);
	return run_step_done(s, run, 0, value_map_end(&b));
}

static void loop_first_step(struct sequencer *s, struct run *run)
{
	steps_keep(s, run, value_null());
	run->loop->body = run->steps.n;
	run->entered = false;
	run->step = run->rule->steps[run->loop->step].loop->first;
}

/* One that failed before goes on with the item that failed. */
static bool loop_begin(struct sequencer *s, struct run *run)
{
	struct value earlier = steps_earlier(s, run);

	if (!loop_make(s, run, run->step, run->entry))
		return false;
	if (earlier.kind == VALUE_MAP)
		loop_read(s, run->loop, earlier);
	return !s->broken;
}

static bool loop_hold(struct sequencer *s, struct run *run, int max)
{
	steps_keep(s, run, value_null());
	run_end(s, run, RUN_HELD,
		text_printf(s->work, "for_each has %d items, more than its max of %d",
			    run->loop->items, max)
		    .s);
	return false;
}

static enum fate kept_list(struct sequencer *s, const struct run_loop *loop, struct value *out)
{
	struct text json = text_dup(s->work, buf_view(&loop->list));
	struct json_error error;

	if (loop->list.n == 0)
		return FATE_REJECT;
	if (json.s != NULL && json_parse(s->parser, s->work, json, out, &error) == FATE_OK)
		return FATE_OK;
	seq_break(s);
	return FATE_REJECT;
}

/* False with *why. What JSON can't tell again (a timestamp) is evaluated again, as other lists. */
static bool keep_list(struct sequencer *s, struct run *run, struct value list, struct text *why)
{
	struct buf *json = &run->loop->list;
	struct value again;

	if (value_is_deeper(list, LIMIT_RESULT_DEPTH)) {
		*why = text_printf(s->work, "the list is nested deeper than %d levels",
				   LIMIT_RESULT_DEPTH);
		return false;
	}
	value_write(json, list);
	if (buf_failed(json) || json->n + run->steps.n > LIMIT_RESULTS) {
		buf_clear(json);
		*why = TEXT("the list is larger than 1 MiB, or 2 MiB with the results of the steps "
			    "before");
		return false;
	}
	if (kept_list(s, run->loop, &again) != FATE_OK || !value_equal(again, list))
		buf_clear(json);
	return true;
}

/* False with *why. */
static bool loop_list(struct sequencer *s, struct run *run, struct scope *scope, struct value *list,
		      struct text *why)
{
	if (kept_list(s, run->loop, list) == FATE_OK)
		return true;
	if (step_list(scope, &run->rule->steps[run->step], list, why) != FATE_OK)
		return false;
	if (list->n > LIMIT_ITEMS) {
		*why = text_printf(s->work, "%u items; it can go through %d", list->n, LIMIT_ITEMS);
		return false;
	}
	return scope->asked == NULL || !*scope->asked || keep_list(s, run, *list, why);
}

bool loop_enter(struct sequencer *s, struct run *run, struct scope *scope)
{
	const struct step *step = &run->rule->steps[run->step];
	struct value list;
	struct text why;

	assert(step->loop != NULL);
	if (run->loop == NULL && !loop_begin(s, run))
		return false;
	if (!loop_list(s, run, scope, &list, &why)) {
		if (run->loop->items == 0)
			loop_free(run); /* it never began */
		return run_step_failed(s, run, 0, text_dup(s->work, why).s);
	}
	run->loop->items = (int)list.n;
	seq_took(s, scope, run->step, list.n > 0 ? WAY_ITEMS : WAY_NO_ITEMS);
	if (run->loop->items > step->loop->max && !run->loop->released)
		return loop_hold(s, run, step->loop->max);
	if (run->loop->at >= run->loop->items)
		return loop_finish(s, run);
	loop_first_step(s, run);
	return true;
}

/* ---- Items. ---- */

struct value loop_item(struct sequencer *s, const struct run *run, const struct scope *scope)
{
	const struct step *step = &run->rule->steps[run->loop->step];
	struct run_loop *loop = run->loop;
	struct scope outside = *scope;
	struct value v = loop->now;
	struct text why;

	outside.use = step->use;
	if ((loop->listed || kept_list(s, loop, &v) == FATE_OK ||
	     step_list(&outside, step, &v, &why) == FATE_OK) &&
	    (uint32_t)loop->at < v.n) {
		loop->listed = s->in_turn == run;
		loop->now = v;
		return v.items[loop->at];
	}
	v = value_text(TEXT("the list of the for_each is not what it was"));
	v.kind = VALUE_ERROR;
	return v;
}

/* In the turn of the item before it, unless that has taken much already, or memory was out. */
static bool goes_on(struct sequencer *s, const struct run *run)
{
	bool fine = s->acting == run->id ? s->suspect != run->id : s->untried;

	if (!fine || s->turns == 0 || arena_used(s->work) - s->turn_from > LIMIT_TURN_ARENA)
		return false;
	s->turns--;
	return true;
}

/* The next item may wait for its turn, as a run does whose lane is free. */
static bool loop_next(struct sequencer *s, struct run *run)
{
	mem_free(run->failure);
	run->failure = NULL;
	loop_first_step(s, run);
	if (run->state != RUN_PENDING)
		run_move(run, RUN_PENDING);
	run_dirty(s, run);
	if (run->lane->head != run)
		return false;
	if (goes_on(s, run))
		return true;
	target_queue(s, s->turn, run);
	return false;
}

bool loop_item_end(struct sequencer *s, struct run *run, bool failed)
{
	struct run_loop *loop = run->loop;
	const char *why = run->failure != NULL ? run->failure : "a step failed";

	loop_return(run);
	if (failed && !run->rule->steps[run->step].loop->go_on)
		return run_step_failed(
		    s, run, 0,
		    text_printf(s->work, "item %d of %d: %s", loop->at + 1, loop->items, why).s);
	if (failed) {
		loop->failed++;
		loop_note_error(s, loop, why);
	} else {
		loop->done++;
	}
	loop->at++;
	buf_char(&loop->outcomes, failed ? 'f' : 'd');
	if (loop->at < loop->items)
		return loop_next(s, run);
	mem_free(run->failure);
	run->failure = NULL;
	return loop_finish(s, run);
}
