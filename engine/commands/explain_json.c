/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_json - an explanation for programs: one object on one line. Its
 * members are described in docs/OPERATING.md; they only ever grow in number. */
#include <assert.h>

#include "engine/commands/eval_value.h"
#include "engine/commands/explain.h"
#include "engine/commands/json.h"

#define VALUE_BYTES 4096 /* a larger value is left out: the event has it */

struct writer {
	struct buf *out;
	struct arena *arena;
};

/* ---- Values and trees. ---- */

static void put_value(const struct writer *w, struct value v)
{
	struct buf json;

	json_str(w->out, "type", v.kind == VALUE_ERROR ? "error" : value_kind_name(v.kind));
	if (v.kind == VALUE_ERROR) {
		json_text(w->out, "error", value_as_text(v));
		return;
	}
	buf_init(&json, VALUE_BYTES);
	value_write(&json, eval_give(w->arena, v));
	if (buf_failed(&json))
		json_bool(w->out, "cut", true);
	else
		json_raw(w->out, "value", buf_view(&json));
	buf_fini(&json);
}

static void put_nodes(const struct writer *w, const char *key, struct explain_nodes nodes)
{
	json_key(w->out, key);
	json_open(w->out, '[');
	for (uint32_t i = 0; i < nodes.count; i++) {
		const struct explain_node *node = nodes.items[i];

		json_open(w->out, '{');
		json_text(w->out, "text", node->text);
		if (node->missing)
			json_bool(w->out, "missing", true);
		else if (node->known)
			put_value(w, node->value);
		json_bool(w->out, "needed", node->needed);
		json_bool(w->out, "decides", node->decides);
		if (node->elements > 0)
			json_int(w->out, "elements", node->elements);
		if (node->element > 0)
			json_int(w->out, "element", node->element);
		put_nodes(w, "kids", (struct explain_nodes){ node->kids, node->count });
		json_close(w->out, '}');
	}
	json_close(w->out, ']');
}

static void put_tree(const struct writer *w, struct explain_nodes nodes, bool cut)
{
	if (cut)
		json_null(w->out, "tree");
	else
		put_nodes(w, "tree", nodes);
}

/* ---- Stages. ---- */

static void stage_open(const struct writer *w, const char *name, const char *state)
{
	json_open(w->out, '{');
	json_str(w->out, "stage", name);
	json_str(w->out, "state", state);
}

static const char *outcome_word(enum explain_outcome outcome)
{
	static const char *const words[] = { [EXPLAIN_NONE] = "none",
					     [EXPLAIN_OK] = "ok",
					     [EXPLAIN_NO] = "no",
					     [EXPLAIN_BLIND] = "error",
					     [EXPLAIN_LATER] = "later" };

	return words[outcome];
}

static void put_part(const struct writer *w, const char *name, const struct explain_part *part)
{
	bool there = part->outcome != EXPLAIN_NONE;

	stage_open(w, name, there && !part->reached ? "not_reached" : outcome_word(part->outcome));
	if (there && !part->reached)
		json_str(w->out, "would_be", outcome_word(part->outcome));
	if (there) {
		put_value(w, part->value);
		put_tree(w, part->nodes, part->cut);
	}
	json_close(w->out, '}');
}

static void put_on(const struct writer *w, const struct explain_view *view)
{
	stage_open(w, "on", view->told.on ? "ok" : "no");
	json_key(w->out, "types");
	json_open(w->out, '[');
	for (size_t i = 0; i < view->rule->on_count; i++)
		json_item(w->out, view->rule->on[i]);
	json_close(w->out, ']');
	json_close(w->out, '}');
}

static void put_from(const struct writer *w, const struct explain_view *view)
{
	bool any = view->rule->from.n == 0;

	stage_open(w, "from", any ? "none" : view->told.from ? "ok" : "no");
	json_maybe(w->out, "from", view->rule->from);
	json_close(w->out, '}');
}

static void put_defines(const struct writer *w, const struct explanation *e)
{
	const char *state = e->define_count == 0 ? "none" : "ok";

	for (size_t i = 0; i < e->define_count; i++)
		if (e->defines[i].value.kind == VALUE_ERROR)
			state = "error";
	stage_open(w, "define", state);
	json_key(w->out, "values");
	json_open(w->out, '[');
	for (size_t i = 0; i < e->define_count; i++) {
		json_open(w->out, '{');
		json_text(w->out, "name", e->defines[i].name);
		put_value(w, e->defines[i].value);
		put_tree(w, e->defines[i].nodes, e->defines[i].cut);
		json_close(w->out, '}');
	}
	json_close(w->out, ']');
	json_close(w->out, '}');
}

static void put_lookups(const struct writer *w, const struct explain_view *view)
{
	static const char *const states[] = {
		[LOOKUPS_NONE] = "none", [LOOKUPS_UNMADE] = "not_reached",
		[LOOKUPS_OPEN] = "open", [LOOKUPS_FAILED] = "error",
		[LOOKUPS_MADE] = "ok",
	};
	const struct explain_lookups *all = &view->lookups;
	struct explain_lookup l;

	if (all->told == LOOKUPS_NONE)
		return;
	stage_open(w, "lookup", states[all->told]);
	json_key(w->out, "values");
	json_open(w->out, '[');
	for (uint32_t i = 0; i < all->entries.n; i++) {
		if (!explain_lookup_at(all, i, &l))
			continue;
		json_open(w->out, '{');
		json_text(w->out, "name", l.name);
		json_text(w->out, "state", l.state);
		json_bool(w->out, "cached", l.cached);
		json_maybe(w->out, "error", l.error);
		put_value(w, l.result);
		json_close(w->out, '}');
	}
	json_close(w->out, ']');
	json_close(w->out, '}');
}

static void put_mode(const struct writer *w, enum rule_mode mode)
{
	static const char *const words[] = {
		[MODE_LIVE] = "live", [MODE_SHADOW] = "shadow", [MODE_OFF] = "off"
	};

	stage_open(w, "mode", mode == MODE_OFF ? "no" : "ok");
	json_str(w->out, "mode", words[mode]);
	json_close(w->out, '}');
}

static void put_throttle(const struct writer *w, const struct explain_view *view)
{
	static const char *const states[] = {
		[THROTTLE_NONE] = "none", [THROTTLE_UNREACHED] = "not_reached",
		[THROTTLE_FREE] = "ok",   [THROTTLE_CLOSED] = "no",
		[THROTTLE_SPENT] = "ok",  [THROTTLE_RETURNED] = "ok",
	};
	const struct explain_throttle *t = &view->throttle;

	stage_open(w, "throttle", states[t->told]);
	if (t->told != THROTTLE_NONE)
		json_int(w->out, "every_ms", view->rule->throttle);
	if (t->told == THROTTLE_CLOSED || t->told == THROTTLE_SPENT) {
		json_text(w->out, "key", t->key);
		json_time(w->out, "until", t->until);
		json_key(w->out, "run");
		buf_printf(w->out, t->run > 0 ? "%lld" : "null", (long long)t->run);
		json_maybe(w->out, "event", t->event);
	}
	json_close(w->out, '}');
}

/* ---- The whole. ---- */

static void put_event(const struct writer *w, const struct explain_view *view)
{
	const struct event_view *e = &view->event;

	json_key(w->out, "event");
	json_open(w->out, '{');
	json_text(w->out, "id", e->id);
	if (e->seq > 0)
		json_int(w->out, "seq", e->seq);
	else
		json_null(w->out, "seq");
	json_text(w->out, "type", e->type);
	json_time(w->out, "time", e->time);
	json_time(w->out, "received", view->received);
	json_text(w->out, "source", e->source);
	json_maybe(w->out, "connection", e->connection);
	json_maybe(w->out, "subject", e->subject);
	json_int(w->out, "depth", e->depth);
	json_close(w->out, '}');
}

static void put_edge(const struct writer *w, const struct explain_view *view)
{
	static const char *const states[] = {
		[EDGE_TOLD_NONE] = "none",  [EDGE_TOLD_UNREACHED] = "not_reached",
		[EDGE_TOLD_FREE] = "ok",    [EDGE_TOLD_TURNED] = "ok",
		[EDGE_TOLD_CLEARED] = "ok", [EDGE_TOLD_ARMED] = "no",
		[EDGE_TOLD_ACTIVE] = "no",  [EDGE_TOLD_LATER] = "ok",
	};
	const struct explain_edge *e = &view->edge;

	if (e->told == EDGE_TOLD_NONE)
		return;
	stage_open(w, "edge", states[e->told]);
	if (e->told != EDGE_TOLD_UNREACHED) {
		json_text(w->out, "key", e->key);
		json_text(w->out, "words", explain_edge_words(w->arena, e));
	}
	if (e->since > 0)
		json_int(w->out, "since", e->since);
	json_close(w->out, '}');
}

static void put_echo(const struct writer *w, const struct explain_view *view)
{
	if (view->echo == 0)
		return;
	stage_open(w, "echo", "no");
	json_int(w->out, "run", view->echo);
	json_close(w->out, '}');
}

static void put_lane(const struct writer *w, const struct explain_view *view)
{
	const struct explanation *e = &view->told;
	bool told = e->lane.n > 0 || e->laneless.n > 0;

	if (view->rule->lane == NULL)
		return;
	stage_open(w, "lane", !told ? "not_reached" : e->laneless.n > 0 ? "error" : "ok");
	json_maybe(w->out, "lane", e->lane);
	json_maybe(w->out, "error", e->laneless);
	json_close(w->out, '}');
}

static void put_run(const struct writer *w, const struct explain_view *view)
{
	const struct run_record *run = &view->run;

	if (!view->has_run) {
		json_null(w->out, "run");
		return;
	}
	json_key(w->out, "run");
	json_open(w->out, '{');
	json_int(w->out, "id", run->id);
	json_text(w->out, "revision", run->revision);
	json_text(w->out, "key", run->key);
	json_str(w->out, "state", run_state_word(run->state));
	json_maybe(w->out, "reason", run->reason);
	json_time(w->out, "created", run->created);
	json_close(w->out, '}');
}

static void put_place(const struct writer *w, const char *key, struct place at)
{
	if (at.line == 0) {
		json_null(w->out, key);
		return;
	}
	json_key(w->out, key);
	json_open(w->out, '{');
	json_str(w->out, "file", at.file);
	json_int(w->out, "line", at.line);
	if (at.column > 0)
		json_int(w->out, "column", at.column);
	json_close(w->out, '}');
}

static void put_verdict(const struct writer *w, const struct explain_view *view)
{
	json_str(w->out, "verdict", view->verdict);
	json_str(w->out, "part", view->part[0] != '\0' ? view->part : NULL);
	json_text(w->out, "why", view->why);
	put_place(w, "at", explain_place(view, view->told.at));
	json_key(w->out, "notes");
	json_open(w->out, '[');
	for (size_t i = 0; i < view->note_count; i++)
		json_item(w->out, view->notes[i]);
	json_close(w->out, ']');
}

void explain_json(struct buf *out, struct arena *arena, const struct explain_view *view)
{
	const struct writer w = { out, arena };
	const struct explanation *e = &view->told;

	assert(out != NULL && arena != NULL && view != NULL && view->verdict != NULL);
	json_open(out, '{');
	json_text(out, "rule", view->rule->id);
	json_text(out, "revision", view->rule->revision);
	json_maybe(out, "configured_revision", view->today);
	put_place(&w, "rule_at", view->at);
	put_event(&w, view);
	put_verdict(&w, view);
	json_key(out, "stages");
	json_open(out, '[');
	put_on(&w, view);
	put_from(&w, view);
	put_part(&w, "match", &e->match);
	put_defines(&w, e);
	put_part(&w, "key", &e->key);
	put_lookups(&w, view);
	put_part(&w, "when", &e->when);
	put_mode(&w, view->rule->mode);
	put_edge(&w, view);
	put_echo(&w, view);
	put_throttle(&w, view);
	put_lane(&w, view);
	json_close(out, ']');
	put_run(&w, view);
	json_close(out, '}');
	json_line(out);
}
