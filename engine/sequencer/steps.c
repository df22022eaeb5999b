/* SPDX-License-Identifier: Apache-2.0
 *
 * steps.c - the record of what each step of a run did.
 *
 * It is kept as the inner text of a JSON list, one entry per step reached, in
 * the order reached: {"i", "as", "action", "state", "status", "result", "error"}, of a look-up
 * whose result was known already "cached", too;
 * the one in hand is "open" and may hold "pages", "doubt" and "gathered". That of a for_each counts
 * its items (loop.c) and stays open while theirs, behind it, come and go.
 * The store keeps that text, `tappet runs` shows it, and expressions read it as
 * `steps` and `error`, so a run goes on after a restart exactly where it was.
 *
 * I1  Only the last entry is ever rewritten, by the step it belongs to; and that of a for_each when
 *     those of an item go. */
#include "engine/sequencer/internal.h"

static void entry_head(struct buf *b, const struct run *run, const char *state)
{
	const struct step *step = &run->rule->steps[run->step];

	buf_str(b, "{\"i\":");
	buf_int(b, run->step);
	if (step->name.n > 0) {
		buf_str(b, ",\"as\":");
		value_write_text(b, step->name);
	}
	buf_str(b, ",\"action\":\"");
	buf_str(b, step->what);
	buf_str(b, "\",\"state\":\"");
	buf_str(b, state);
	buf_char(b, '"');
	if (run->base > 0) {
		buf_str(b, ",\"from\":");
		buf_int(b, run->base);
	}
	if (run->loop != NULL && run->loop->step == run->step)
		loop_put(b, run);
}

static void open_entry(struct buf *b, const struct run *run, struct value gathered)
{
	entry_head(b, run, "open");
	if (run->pages > 0)
		buf_printf(b, ",\"pages\":%d", run->pages);
	if (run->doubt > 0)
		buf_printf(b, ",\"doubt\":%lld", (long long)run->doubt);
	if (gathered.kind != VALUE_NULL) {
		buf_str(b, ",\"gathered\":");
		value_write(b, gathered);
	}
	buf_char(b, '}');
}

void steps_enter(struct sequencer *s, struct run *run)
{
	assert(!run->entered);
	run->entered = true;
	run->base = run->attempt;
	run->entry = run->steps.n;
	if (run->steps.n > 0)
		buf_char(&run->steps, ',');
	open_entry(&run->steps, run, value_null());
	if (buf_failed(&run->steps))
		seq_break(s);
}

void steps_keep(struct sequencer *s, struct run *run, struct value gathered)
{
	assert(run->entered);
	buf_cut(&run->steps, run->entry);
	if (run->steps.n > 0)
		buf_char(&run->steps, ',');
	open_entry(&run->steps, run, gathered);
	run->gathered = gathered.kind != VALUE_NULL;
	if (buf_failed(&run->steps))
		seq_break(s);
}

void steps_leave(struct sequencer *s, struct run *run, const char *state, int status,
		 struct value result, const char *error)
{
	struct buf *b = &run->steps;

	assert(run->entered);
	buf_cut(b, run->entry);
	if (b->n > 0)
		buf_char(b, ',');
	entry_head(b, run, state);
	if (run->recalled)
		buf_str(b, ",\"cached\":true");
	if (status != 0)
		buf_printf(b, ",\"status\":%d", status);
	if (result.kind != VALUE_NULL) {
		buf_str(b, ",\"result\":");
		value_write(b, result);
	}
	if (error != NULL) {
		buf_str(b, ",\"error\":");
		value_write_text(b, text_of(error));
	}
	buf_char(b, '}');
	if (buf_failed(b))
		seq_break(s);
}

/* A list of the entries from byte `from` on, up to `to`. REJECT: that is no such list; RETRY:
 * memory is out. */
static enum fate steps_read(struct sequencer *s, const struct run *run, size_t from, size_t to,
			    struct value *out)
{
	struct text all = buf_view(&run->steps);
	struct json_error error;
	enum fate fate;
	char *json;

	assert(from <= to && to <= all.n);
	if (from < to && from > 0)
		from++; /* its comma */
	*out = value_null();
	json = arena_alloc(s->work, to - from + 2);
	if (json == NULL)
		return FATE_RETRY;
	json[0] = '[';
	if (to > from)
		memcpy(json + 1, all.s + from, to - from);
	json[to - from + 1] = ']';
	fate = json_parse(s->parser, s->work, (struct text){ json, to - from + 2 }, out, &error);
	if (fate != FATE_OK && arena_failed(s->work))
		return FATE_RETRY;
	return fate == FATE_OK && out->kind == VALUE_LIST ? FATE_OK : FATE_REJECT;
}

static struct value steps_between(struct sequencer *s, const struct run *run, size_t from,
				  size_t to)
{
	struct value v;

	if (steps_read(s, run, from, to, &v) != FATE_OK)
		seq_break(s);
	return v;
}

/* The for_each as its items see it: without what it counts, which may be long. */
static struct value steps_loop(struct sequencer *s, const struct run *run)
{
	const struct step *step = &run->rule->steps[run->loop->step];
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "i", value_int(run->loop->step));
	if (step->name.n > 0)
		value_map_set(&b, "as", value_text(step->name));
	value_map_set(&b, "action", value_text(text_of(step->what)));
	return value_map_end(&b);
}

/* Within a for_each. What came before it is read once in a turn. */
static struct value steps_of_item(struct sequencer *s, const struct run *run)
{
	struct run_loop *loop = run->loop;
	struct value before = loop->before, after;
	struct value_list_builder all;

	if (!loop->looked_back)
		before = steps_between(s, run, 0, loop->entry);
	loop->before = before;
	loop->looked_back = s->in_turn == run;
	after = steps_between(s, run, loop->body, run->steps.n);
	value_list_begin(&all, s->work);
	for (uint32_t i = 0; i < before.n; i++)
		value_list_add(&all, before.items[i]);
	value_list_add(&all, steps_loop(s, run));
	for (uint32_t i = 0; i < after.n; i++)
		value_list_add(&all, after.items[i]);
	return value_list_end(&all);
}

static struct value steps_list(struct sequencer *s, const struct run *run)
{
	if (run->rule->steps[run->step].within >= 0 && run->loop != NULL)
		return steps_of_item(s, run);
	return steps_between(s, run, 0, run->steps.n);
}

static struct value steps_part(struct value entry, const char *name)
{
	const struct value *v = value_get(entry, text_of(name));

	return v != NULL ? *v : value_null();
}

/* Where one of several JSON objects with commas between them begins, with its comma. */
static size_t object_at(struct text t, uint32_t number)
{
	size_t depth = 0;
	uint32_t seen = 0;
	bool quoted = false;

	for (size_t i = 0; i < t.n; i++) {
		if (quoted && t.s[i] == '\\')
			i++;
		else if (t.s[i] == '"')
			quoted = !quoted;
		else if (!quoted && t.s[i] == '{' && depth++ == 0 && seen++ == number)
			return i > 0 ? i - 1 : 0;
		else if (!quoted && t.s[i] == '}')
			depth--;
	}
	return t.n;
}

static int64_t steps_int(struct value entry, const char *name)
{
	struct value v = steps_part(entry, name);

	return v.kind == VALUE_INT ? v.i : 0;
}

/* The entry of the step in hand is the last one, and "open". */
static void steps_load_open(struct run *run, struct value entry, size_t at)
{
	struct text state = value_as_text(steps_part(entry, "state"));

	if (!text_is(state, "open") || steps_int(entry, "i") != run->step)
		return;
	run->entered = true;
	run->pages = (int)steps_int(entry, "pages");
	run->doubt = steps_int(entry, "doubt");
	run->gathered = steps_part(entry, "gathered").kind != VALUE_NULL;
	run->entry = at;
}

static void steps_load_entry(struct sequencer *s, struct run *run, struct value entry, uint32_t at)
{
	struct text state = value_as_text(steps_part(entry, "state"));
	int64_t step = steps_int(entry, "i");

	if (text_is(state, "done") && step >= 0 && step < run->rule->step_count &&
	    !run->rule->steps[step].reads)
		run->steps_done++;
	run->base = (int)steps_int(entry, "from");
	if (text_is(state, "open") && value_get(entry, TEXT("items")) != NULL)
		loop_load(s, run, entry, object_at(buf_view(&run->steps), at),
			  object_at(buf_view(&run->steps), at + 1));
}

/* What is known of a run read from the store: whether its step in hand has an
 * entry, and how many steps were done. */
void steps_load(struct sequencer *s, struct run *run, struct text json)
{
	struct value list;
	enum fate fate;

	if (json.n < 2)
		return;
	buf_text(&run->steps, (struct text){ json.s + 1, json.n - 2 });
	run->entry = run->steps.n;
	fate = steps_read(s, run, 0, run->steps.n, &list);
	if (fate == FATE_RETRY)
		seq_break(s);
	run->damaged = fate == FATE_REJECT;
	if (fate != FATE_OK)
		return;
	for (uint32_t i = 0; i < list.n; i++)
		steps_load_entry(s, run, list.items[i], i);
	if (list.n > 0)
		steps_load_open(run, list.items[list.n - 1],
				object_at(buf_view(&run->steps), list.n - 1));
}

struct value steps_earlier(struct sequencer *s, const struct run *run)
{
	struct value list = steps_list(s, run);

	assert(run->entered);
	for (uint32_t i = list.kind == VALUE_LIST && list.n > 0 ? list.n - 1 : 0; i-- > 0;)
		if (steps_int(list.items[i], "i") == run->step)
			return list.items[i];
	return value_null();
}

struct value steps_gathered(struct sequencer *s, const struct run *run)
{
	if (!run->gathered)
		return value_null();
	struct value list = steps_list(s, run);

	return list.kind == VALUE_LIST && list.n > 0
		   ? steps_part(list.items[list.n - 1], "gathered")
		   : value_null();
}

struct value steps_value(struct sequencer *s, const struct run *run)
{
	struct value_map_builder all;

	if (run->steps.n == 0)
		return value_null();
	struct value list = steps_list(s, run);

	value_map_begin(&all, s->work);
	for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
		const struct value *name = value_get(list.items[i], TEXT("as"));
		struct value_map_builder one;

		if (name == NULL)
			continue;
		value_map_begin(&one, s->work);
		value_map_set(&one, "result", steps_part(list.items[i], "result"));
		value_map_set(&one, "status", steps_part(list.items[i], "status"));
		value_map_set(&one, "error", steps_part(list.items[i], "error"));
		value_map_add(&all, *name, value_map_end(&one));
	}
	return value_map_end(&all);
}

struct value steps_error(struct sequencer *s, const struct run *run)
{
	int failed = run->rule->steps[run->step].handles;
	struct value_map_builder b;

	if (failed < 0)
		return value_null();
	struct value list = steps_list(s, run);

	/* The last one: a step that was given up may have been tried again. */
	for (uint32_t i = list.kind == VALUE_LIST ? list.n : 0; i-- > 0;) {
		const struct value *index = value_get(list.items[i], TEXT("i"));

		if (index == NULL || index->i != failed)
			continue;
		value_map_begin(&b, s->work);
		value_map_set(&b, "step", steps_part(list.items[i], "as"));
		value_map_set(&b, "action", steps_part(list.items[i], "action"));
		value_map_set(&b, "message", steps_part(list.items[i], "error"));
		value_map_set(&b, "status", steps_part(list.items[i], "status"));
		return value_map_end(&b);
	}
	return value_null();
}

char *steps_failure(struct sequencer *s, const struct run *run)
{
	struct value error = steps_error(s, run);

	if (error.kind != VALUE_MAP)
		return NULL;
	return text_heap(text_printf(s->work, "%.*s: %.*s",
				     TEXT_ARG(value_as_text(steps_part(error, "action"))),
				     TEXT_ARG(value_as_text(steps_part(error, "message")))));
}
