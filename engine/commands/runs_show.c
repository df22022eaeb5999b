/* SPDX-License-Identifier: Apache-2.0
 *
 * runs_show - one run put together and shown; see runs.h. */
#include "engine/commands/runs.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/json.h"

const char *const run_titles[] = {
	"ID", "CREATED", "RULE", "EVENT", "KEY", "STATE", "REASON", NULL
};

/* ---- Reading. ---- */

struct gathering {
	struct arena *arena;
	struct attempt_record *items;
	size_t count, room;
};

static struct attempt_record attempt_copy(struct arena *arena, const struct attempt_record *a)
{
	struct attempt_record copy = *a;

	copy.fate = text_dup(arena, a->fate);
	copy.error = text_dup(arena, a->error);
	copy.key = text_dup(arena, a->key);
	copy.request = text_dup(arena, a->request);
	copy.reply = text_dup(arena, a->reply);
	return copy;
}

static bool gather(void *of, const struct attempt_record *attempt)
{
	struct gathering *g = of;

	if (g->count == g->room) {
		size_t room = g->room > 0 ? g->room * 2 : 8;
		struct attempt_record *items = arena_array(g->arena, room, sizeof(*items));

		if (items == NULL)
			return false;
		if (g->count > 0)
			memcpy(items, g->items, g->count * sizeof(*items));
		g->items = items;
		g->room = room;
	}
	g->items[g->count++] = attempt_copy(g->arena, attempt);
	return true;
}

bool run_view_read(struct store *store, struct arena *arena, struct json_parser *parser,
		   const struct run_record *run, struct run_view *out)
{
	struct gathering g = { .arena = arena };
	struct json_error error;

	assert(store != NULL && run != NULL && out != NULL);
	*out = (struct run_view){ .run = *run, .steps = value_null() };
	if (store_query_attempts(store, run->id, gather, &g) != FATE_OK)
		return false;
	out->attempts = g.items;
	out->attempt_count = g.count;
	if (!store_get_event(store, arena, run->event, &out->event))
		out->event = (struct event_record){ .seq = run->event };
	if (run->steps.n > 0 &&
	    json_parse(parser, arena, run->steps, &out->steps, &error) != FATE_OK)
		out->steps = value_null();
	return !arena_failed(arena);
}

/* ---- Steps. ---- */

static struct text member(struct value step, const char *name)
{
	const struct value *v = value_get(step, text_of(name));

	return v != NULL && v->kind == VALUE_TEXT ? value_as_text(*v) : TEXT_NONE;
}

static int64_t member_int(struct value step, const char *name)
{
	const struct value *v = value_get(step, text_of(name));

	return v != NULL && v->kind == VALUE_INT ? v->i : 0;
}

/* Which attempts belong to the n-th entry: a step that was given up and tried again has an entry
 * for each time, and "from" tells how many attempts went before. */
static bool is_attempt_of(const struct run_view *view, uint32_t n, const struct attempt_record *a)
{
	const struct value *steps = view->steps.items;
	int64_t index = member_int(steps[n], "i");

	if (a->step != index || a->n <= member_int(steps[n], "from"))
		return false;
	for (uint32_t i = n + 1; i < view->steps.n; i++)
		if (member_int(steps[i], "i") == index)
			return a->n <= member_int(steps[i], "from");
	return true;
}

/* Those of the items of a for_each that are over: theirs have no entry any more. */
static bool is_attempt_of_items(const struct run_view *view, uint32_t n,
				const struct attempt_record *a)
{
	const struct value *steps = view->steps.items, *body = value_get(steps[n], TEXT("body"));

	if (body == NULL || body->kind != VALUE_LIST || body->n != 2 ||
	    a->step < body->items[0].i || a->step >= body->items[1].i)
		return false;
	for (uint32_t i = n + 1; i < view->steps.n; i++)
		if (is_attempt_of(view, i, a) ||
		    (member_int(steps[i], "i") == member_int(steps[n], "i") &&
		     value_get(steps[i], TEXT("body")) != NULL))
			return false;
	return true;
}

static bool belongs(const struct run_view *view, uint32_t n, const struct attempt_record *a)
{
	return is_attempt_of(view, n, a) || is_attempt_of_items(view, n, a);
}

/* The step in hand is where the run is. */
static struct text step_state(const struct run_view *view, struct value step)
{
	struct text state = member(step, "state");

	return text_is(state, "open") ? text_of(run_state_word(view->run.state)) : state;
}

/* ---- JSON. ---- */

/* Bytes of a reply needn't be text. */
static void put_bytes(struct buf *out, const char *key, struct text bytes)
{
	if (text_is_utf8(bytes))
		json_text(out, key, bytes);
	else
		json_str(out, key, "(bytes that are not text)");
}

static void attempt_json(struct buf *out, const struct attempt_record *a, bool full)
{
	json_open(out, '{');
	json_int(out, "n", a->n);
	json_time(out, "at", a->started);
	json_int(out, "status", a->status);
	json_text(out, "fate", a->fate);
	json_maybe(out, "error", a->error);
	json_int(out, "ms", a->ended - a->started);
	if (full) {
		json_text(out, "key", a->key);
		json_raw(out, "request", a->request);
		put_bytes(out, "reply", a->reply);
	}
	json_close(out, '}');
}

/* What a run in shadow would have sent (sequencer/shadow.c). */
static void unsent_json(struct buf *out, struct value step)
{
	const struct value *request = value_get(step, TEXT("request"));
	const struct value *cut = value_get(step, TEXT("cut"));

	if (request != NULL) {
		json_key(out, "request");
		value_write(out, *request);
		json_bool(out, "cut", cut != NULL);
	}
	if (member(step, "needs").n > 0)
		json_text(out, "needs", member(step, "needs"));
	if (member(step, "needs_if").n > 0)
		json_text(out, "needs_if", member(step, "needs_if"));
}

/* Of a for_each. */
static void items_json(struct buf *out, struct value step)
{
	static const char *const counts[] = { "items", "done", "failed", NULL };
	const struct value *errors = value_get(step, TEXT("errors"));

	if (value_get(step, TEXT("items")) == NULL)
		return;
	for (size_t i = 0; counts[i] != NULL; i++)
		json_int(out, counts[i], member_int(step, counts[i]));
	json_text(out, "outcomes", member(step, "outcomes"));
	json_key(out, "errors");
	value_write(out, errors != NULL ? *errors : (struct value){ .kind = VALUE_LIST });
}

static void step_json(struct buf *out, const struct run_view *view, uint32_t n, bool full)
{
	struct value step = view->steps.items[n];
	const struct value *result = value_get(step, TEXT("result"));

	json_open(out, '{');
	json_maybe(out, "as", member(step, "as"));
	json_text(out, "action", member(step, "action"));
	json_text(out, "state", step_state(view, step));
	if (value_get(step, TEXT("cached")) != NULL)
		json_bool(out, "cached", true);
	items_json(out, step);
	json_key(out, "attempts");
	json_open(out, '[');
	for (size_t i = 0; i < view->attempt_count; i++)
		if (belongs(view, n, &view->attempts[i]))
			attempt_json(out, &view->attempts[i], full);
	json_close(out, ']');
	if (full) {
		json_maybe(out, "error", member(step, "error"));
		json_key(out, "result");
		value_write(out, result != NULL ? *result : value_null());
		unsent_json(out, step);
	}
	json_close(out, '}');
}

void run_view_json(struct buf *out, const struct run_view *view, bool full)
{
	const struct run_record *r = &view->run;

	assert(out != NULL && view != NULL);
	json_open(out, '{');
	json_int(out, "id", r->id);
	json_text(out, "rule", r->rule);
	json_text(out, "revision", r->revision);
	json_maybe(out, "event", view->event.id);
	json_text(out, "key", r->key);
	json_str(out, "state", run_state_word(r->state));
	json_maybe(out, "reason", r->reason);
	json_time(out, "created", r->created);
	json_time(out, "updated", r->updated);
	json_time(out, "due", r->due);
	json_key(out, "steps");
	json_open(out, '[');
	for (uint32_t i = 0; view->steps.kind == VALUE_LIST && i < view->steps.n; i++)
		step_json(out, view, i, full);
	json_close(out, ']');
	json_close(out, '}');
	json_line(out);
}

/* ---- Text. ---- */

static enum tint state_tint(struct text state)
{
	if (text_ieq(state, TEXT("done")))
		return TINT_GOOD;
	if (text_ieq(state, TEXT("dead")) || text_ieq(state, TEXT("failed")))
		return TINT_BAD;
	if (text_ieq(state, TEXT("in_doubt")) || text_ieq(state, TEXT("held")) ||
	    text_ieq(state, TEXT("waiting")))
		return TINT_WARN;
	return text_ieq(state, TEXT("skipped")) || text_is(state, "unsent") ? TINT_FAINT
									    : TINT_NONE;
}

void run_view_row(struct table *table, const struct run_view *view)
{
	const struct run_record *r = &view->run;
	struct text state = text_of(run_state_word(r->state));
	char when[TIMETEXT_MAX], retry[TIMETEXT_MAX + 16];

	assert(table != NULL);
	timetext_format_ms(r->due, when);
	(void)snprintf(retry, sizeof(retry), "retry at %s", when);
	bool waits = r->state == RUN_WAITING && r->reason.n == 0 && r->due > 0;

	timetext_format_ms(r->created, when);
	table_int(table, r->id);
	table_cell(table, text_of(when), TINT_FAINT);
	table_cell(table, r->rule, TINT_BOLD);
	table_cell(table, view->event.id, TINT_NONE);
	table_cell(table, r->key, TINT_NONE);
	table_cell(table, state, state_tint(state));
	table_cell(table, waits ? text_of(retry) : r->reason, TINT_NONE);
}

static void field(struct buf *out, const char *name, struct text text)
{
	if (text.n == 0)
		return;
	buf_printf(out, "  %-8s ", name);
	plain_put(out, text);
	buf_char(out, '\n');
}

static void field_time(struct buf *out, const char *name, int64_t ms)
{
	char when[TIMETEXT_MAX];

	if (ms <= 0)
		return;
	timetext_format_ms(ms, when);
	field(out, name, text_of(when));
}

/* What led to a loop is with its event. */
static void put_chain(struct buf *out, const struct run_view *view)
{
	if (!text_is(view->run.reason, "loop") || view->event.id.n == 0)
		return;
	buf_str(out, "  see      tappet explain ");
	plain_put(out, view->run.rule);
	buf_printf(out, " %lld\n", (long long)view->event.seq);
}

static void head_text(struct buf *out, const struct run_view *view, bool colour)
{
	const struct run_record *r = &view->run;
	struct text state = text_of(run_state_word(r->state));

	buf_printf(out, "run %lld  ", (long long)r->id);
	tint_put(out, state_tint(state), state, colour);
	buf_str(out, "\n  rule     ");
	plain_put(out, r->rule);
	buf_printf(out, " (revision %.*s)\n", TEXT_ARG(r->revision));
	buf_str(out, "  event    ");
	plain_put(out, view->event.id.n > 0 ? view->event.id : TEXT("(forgotten)"));
	buf_str(out, "  ");
	plain_put(out, view->event.type);
	buf_char(out, '\n');
	field(out, "key", r->key);
	field(out, "reason", r->reason);
	put_chain(out, view);
	field_time(out, "created", r->created);
	field_time(out, "updated", r->updated);
	field_time(out, "due", r->due);
}

static void attempt_text(struct buf *out, const struct attempt_record *a, bool colour)
{
	enum tint tint = text_is(a->fate, "ok")      ? TINT_GOOD
			 : text_is(a->fate, "retry") ? TINT_WARN
						     : TINT_BAD;
	char when[TIMETEXT_MAX];

	timetext_format_ms(a->started, when);
	buf_printf(out, "     attempt %d  %s  %lld ms  ", a->n, when,
		   (long long)(a->ended - a->started));
	if (a->status != 0)
		buf_printf(out, "status %d  ", a->status);
	tint_put(out, tint, a->fate, colour);
	buf_char(out, '\n');
	field(out, "     key", a->key);
	field(out, "     sent", a->request);
	field(out, "     got", a->reply);
	field(out, "     why", a->error);
}

static void unsent_text(struct buf *out, struct value step)
{
	const struct value *request = value_get(step, TEXT("request"));
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_COMMAND_OUTPUT);
	if (request != NULL)
		value_write(&json, *request);
	field(out, "   send", buf_view(&json));
	if (value_get(step, TEXT("cut")) != NULL)
		field(out, "   ", TEXT("(the rest is not kept)"));
	if (value_get(step, TEXT("prepares")) != NULL)
		field(out, "   ", TEXT("(and then what that reads is needed for)"));
	if (value_get(step, TEXT("shown_of")) != NULL)
		buf_printf(out, "     %lld items; of the first:\n",
			   (long long)member_int(step, "shown_of"));
	field(out, "   needs", member(step, "needs"));
	field(out, "   if", member(step, "needs_if"));
}

/* Of a for_each. */
static void items_text(struct buf *out, struct value step)
{
	const struct value *errors = value_get(step, TEXT("errors"));

	if (value_get(step, TEXT("items")) == NULL)
		return;
	buf_printf(out, "     %lld items: %lld done, %lld failed\n",
		   (long long)member_int(step, "items"), (long long)member_int(step, "done"),
		   (long long)member_int(step, "failed"));
	for (uint32_t i = 0; errors != NULL && errors->kind == VALUE_LIST && i < errors->n; i++) {
		buf_printf(out,
			   "     item %lld: ", (long long)member_int(errors->items[i], "item") + 1);
		plain_put(out, member(errors->items[i], "error"));
		buf_char(out, '\n');
	}
}

/* An attempt below says why in the same words. */
static bool is_told_by_attempt(const struct run_view *view, uint32_t n)
{
	struct text why = member(view->steps.items[n], "error");

	for (size_t i = 0; i < view->attempt_count; i++)
		if (belongs(view, n, &view->attempts[i]) && text_eq(view->attempts[i].error, why))
			return true;
	return false;
}

static void step_text(struct buf *out, const struct run_view *view, uint32_t n, bool colour)
{
	struct value step = view->steps.items[n];
	struct text state = step_state(view, step);

	buf_printf(out, "\n  %u. ", n + 1);
	if (member(step, "as").n > 0) {
		plain_put(out, member(step, "as"));
		buf_str(out, ": ");
	}
	plain_put(out, member(step, "action"));
	buf_str(out, "  ");
	tint_put(out, state_tint(state), state, colour);
	if (value_get(step, TEXT("cached")) != NULL)
		buf_str(out, "  (its result was known)");
	buf_char(out, '\n');
	if (!is_told_by_attempt(view, n))
		field(out, "   why", member(step, "error"));
	unsent_text(out, step);
	items_text(out, step);
	for (size_t i = 0; i < view->attempt_count; i++)
		if (belongs(view, n, &view->attempts[i]))
			attempt_text(out, &view->attempts[i], colour);
}

void run_view_text(struct buf *out, const struct run_view *view, bool colour)
{
	assert(out != NULL && view != NULL);
	head_text(out, view, colour);
	for (uint32_t i = 0; view->steps.kind == VALUE_LIST && i < view->steps.n; i++)
		step_text(out, view, i, colour);
}
