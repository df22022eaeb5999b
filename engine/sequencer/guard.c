/* SPDX-License-Identifier: Apache-2.0
 *
 * guard.c - which changes the engine made itself: echoes, and chains of events that
 * actions caused.
 *
 * What an attempt writes is remembered in the commit that records it, under the
 * object and the account it is in (two connections may reach one), for as long as a
 * product may take to show it. A change event is compared
 * with that: it has the run that wrote as its cause and is one deeper than that run's
 * event; and when every change in it is what one rule wrote, it is that rule's echo.
 * The target need not know of any of this.
 *
 * A written value explains a change to it until the field is seen to change away
 * from it: after that somebody else has set it again. What is written without its
 * value being known (a start's time) is a change of that field, one for each request.
 *
 * I1  What an attempt writes is remembered before its request leaves.
 * I2  A request that was refused wrote nothing; an earlier one of the same step, of
 *     which nobody knows how it ended, may have.
 * I3  Whether an event is an echo depends on the event and on what is remembered.
 * Never: keeps what was written where it is long; its hash is enough. */
#include "engine/sequencer/internal.h"

#define STATE "wrote"

struct write {
	struct text rule;
	int64_t run, at; /* wall ms */
	int64_t step, depth;
	int64_t item;  /* of a for_each, counted from 1; 0: of none */
	int64_t times; /* requests that change `any`: items of a for_each share a row */
	bool maybe;    /* there was an attempt before this one */
	struct value set, any, also; /* as of struct wrote; of `set` what is left of it */
	struct text how;             /* "new", "end" or empty */
	bool hit;                    /* it is in the event */
};

struct object {
	struct sequencer *s;
	struct text shelf, id; /* names of the state */
	struct write *writes;  /* LIMIT_WRITES and one more, oldest first */
	size_t count;
	bool dirty;
};

/* ---- The row of an object. ---- */

static int64_t row_int(struct value row, const char *name)
{
	struct value v = param_value(row, name);

	return value_is(v, VALUE_INT) ? v.i : 0;
}

/* One that was set back between two starts makes no write last longer. */
static bool is_fresh(const struct sequencer *s, int64_t at)
{
	int64_t age = seq_steady(s) - at;

	return age < LIMIT_WRITE_MS && age > -LIMIT_WRITE_MS;
}

static struct write row_write(struct value row)
{
	return (struct write){
		.rule = param_text(row, "rule"),
		.run = row_int(row, "run"),
		.at = row_int(row, "at"),
		.step = row_int(row, "step"),
		.depth = row_int(row, "depth"),
		.item = row_int(row, "item"),
		.times = row_int(row, "times"),
		.maybe = value_is(param_value(row, "maybe"), VALUE_BOOL),
		.set = param_value(row, "set"),
		.any = param_value(row, "any"),
		.also = param_value(row, "also"),
		.how = param_text(row, "how"),
	};
}

/* Where the object is: its product's address, whichever connection leads there. */
static struct text account(struct sequencer *s, struct text connection)
{
	const struct connection *c = config_connection(s->config, connection);
	struct text parts[2];
	char digits[HASH_HEX];

	if (c == NULL || param_text(c->settings, "base_url").n == 0)
		return connection;
	parts[0] = text_of(c->connector->name);
	parts[1] = param_text(c->settings, "base_url");
	hash_name(parts, 2, digits);
	return text_printf(s->work, "#%s", digits); /* no connection has such a name */
}

/* What is remembered of the object. False when memory is out. */
static bool object_load(struct object *o, struct sequencer *s, struct text connection,
			const struct object_kind *kind, struct text id)
{
	struct json_error error;
	struct value rows;
	struct text json;

	*o = (struct object){ .s = s, .id = written_token(s->work, value_text(id)) };
	o->shelf =
	    text_printf(s->work, "wrote:%.*s/%s", TEXT_ARG(account(s, connection)), kind->name);
	o->writes = arena_array(s->work, LIMIT_WRITES + 1, sizeof(*o->writes));
	if (o->writes == NULL) {
		seq_break(s);
		return false;
	}
	if (!store_get_state(s->store, s->work, o->shelf, TEXT(STATE), o->id, &json) ||
	    json_parse(s->parser, s->work, json, &rows, &error) != FATE_OK)
		return true;
	for (uint32_t i = 0; value_is(rows, VALUE_LIST) && i < rows.n; i++) {
		struct write w = row_write(rows.items[i]);

		if (o->count < LIMIT_WRITES && is_fresh(s, w.at))
			o->writes[o->count++] = w;
	}
	return true;
}

static struct value write_row(struct arena *arena, const struct write *w)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_set(&b, "rule", value_text(w->rule));
	value_map_set(&b, "run", value_int(w->run));
	value_map_set(&b, "step", value_int(w->step));
	value_map_set(&b, "at", value_int(w->at));
	value_map_set(&b, "depth", value_int(w->depth));
	if (w->item > 0)
		value_map_set(&b, "item", value_int(w->item));
	if (w->times > 0)
		value_map_set(&b, "times", value_int(w->times));
	if (w->maybe)
		value_map_set(&b, "maybe", value_bool(true));
	value_map_set(&b, "set", w->set);
	value_map_set(&b, "any", w->any);
	value_map_set(&b, "also", w->also);
	value_map_set(&b, "how", value_text(w->how));
	return value_map_end(&b);
}

static void object_store(const struct object *o)
{
	struct value_list_builder rows;

	value_list_begin(&rows, o->s->work);
	for (size_t i = 0; i < o->count; i++)
		value_list_add(&rows, write_row(o->s->work, &o->writes[i]));
	if (o->count == 0)
		store_drop_state(o->s->store, o->shelf, TEXT(STATE), o->id);
	else
		store_put_state(o->s->store, o->shelf, TEXT(STATE), o->id,
				seq_json(o->s, value_list_end(&rows)), o->s->now.wall);
}

static void object_drop(struct object *o, size_t at)
{
	memmove(&o->writes[at], &o->writes[at + 1], (o->count - at - 1) * sizeof(*o->writes));
	o->count--;
	o->dirty = true;
}

/* ---- Remembering. ---- */

static int64_t item_of(const struct run *run)
{
	return run->rule->steps[run->step].within >= 0 ? run->loop->at + 1 : 0;
}

/* By the same step of the run, for the same item or (item < 0) any. */
static struct write *object_find(const struct object *o, const struct run *run, int64_t item)
{
	for (size_t i = o->count; i > 0; i--) {
		struct write *w = &o->writes[i - 1];

		if (w->run == run->id && w->step == run->step && (item < 0 || w->item == item))
			return w;
	}
	return NULL;
}

static void object_add(struct object *o, struct write w)
{
	o->writes[o->count++] = w;
	if (o->count > LIMIT_WRITES)
		object_drop(o, 0);
	object_store(o);
}

static bool is_without_values(const struct write *w)
{
	return w->set.n == 0 && w->any.n > 0;
}

/* Items that add to one object, as tasks to a work set: hundreds of them share a row. */
static bool object_share(struct object *o, const struct run *run, const struct write *w)
{
	struct write *earlier = w->item > 0 ? object_find(o, run, -1) : NULL;

	if (earlier == NULL || !is_without_values(w) || !is_without_values(earlier) ||
	    !value_equal(earlier->any, w->any))
		return false;
	earlier->times++;
	earlier->item = w->item;
	earlier->at = w->at;
	earlier->maybe = false;
	object_store(o);
	return true;
}

/* The attempt before this one of the same step, when it wrote the same, has its place taken; what
 * else it wrote may come to be seen, too. */
static bool object_again(struct object *o, const struct run *run, struct write *w)
{
	struct write *before = object_find(o, run, w->item);

	if (before == NULL)
		return false;
	if (before->times > 1) { /* it is counted */
		before->maybe = true;
		before->at = w->at;
		object_store(o);
		return true;
	}
	if (value_equal(before->set, w->set) && value_equal(before->any, w->any)) {
		w->maybe = true;
		object_drop(o, (size_t)(before - o->writes));
	} else {
		before->step = -1; /* no attempt's any more */
	}
	return false;
}

void guard_wrote(struct sequencer *s, const struct run *run, int depth, struct value params)
{
	const struct step *step = &run->rule->steps[run->step];
	struct wrote wrote = action_wrote(step->action, s->work, params);
	struct object o;
	struct write w = {
		.rule = run->rule->id,
		.run = run->id,
		.step = run->step,
		.item = item_of(run),
		.at = seq_steady(s),
		.depth = depth + 1,
		.set = wrote.set,
		.any = wrote.any,
		.also = wrote.also,
		.times = wrote.any.n > 0,
		.how = step->action->writes->how == WRITES_END ? TEXT("end") : TEXT(""),
	};

	if (wrote.id.n == 0 ||
	    !object_load(&o, s, step->connection, step->action->writes->kind, wrote.id))
		return;
	if (!object_again(&o, run, &w) && !object_share(&o, run, &w))
		object_add(&o, w);
}

void guard_made(struct sequencer *s, const struct run *run, int depth,
		const struct object_kind *kind, struct text id)
{
	const struct step *step = &run->rule->steps[run->step];
	struct object o;

	if (!object_load(&o, s, step->connection, kind, id))
		return;
	object_add(&o, (struct write){ .rule = run->rule->id,
				       .run = run->id,
				       .step = run->step,
				       .at = seq_steady(s),
				       .depth = depth + 1,
				       .how = TEXT("new") });
}

void guard_refused(struct sequencer *s, const struct run *run, struct value params)
{
	const struct step *step = &run->rule->steps[run->step];
	struct wrote wrote = action_wrote(step->action, s->work, params);
	struct write *w;
	struct object o;

	if (wrote.id.n == 0 ||
	    !object_load(&o, s, step->connection, step->action->writes->kind, wrote.id))
		return;
	w = object_find(&o, run, item_of(run));
	if (w == NULL || w->maybe)
		return;
	if (w->times > 1)
		w->times--;
	else
		object_drop(&o, (size_t)(w - o.writes));
	object_store(&o);
}

/* ---- What explains a change. ---- */

/* A change that counts, with its values as they are remembered. */
struct told {
	struct text path, from, to;
	bool known;           /* a write has that value */
	struct write *turned; /* the first that changes the field without knowing its value */
};

struct comparing {
	struct object *object;
	struct told *told;
	size_t count;
	struct guarded *out;
	bool caused; /* by one of the writes */
};

static bool is_beneath(struct text path, struct text field)
{
	return text_starts(path, field) && (path.n == field.n || path.s[field.n] == '.');
}

static bool is_listed(struct value fields, struct text path)
{
	for (uint32_t i = 0; value_is(fields, VALUE_LIST) && i < fields.n; i++)
		if (value_is(fields.items[i], VALUE_TEXT) &&
		    is_beneath(path, value_as_text(fields.items[i])))
			return true;
	return false;
}

static bool has_set(const struct write *w, struct text path, struct text token)
{
	const struct value *v = value_get(w->set, path);

	return v != NULL && value_is(*v, VALUE_TEXT) && text_eq(value_as_text(*v), token);
}

/* The map `set` without `path`, or with it at `token` (when that is not NULL). */
static void set_to(struct object *o, struct write *w, struct text path, const struct text *token)
{
	struct value_map_builder b;

	value_map_begin(&b, o->s->work);
	for (uint32_t i = 0; value_is(w->set, VALUE_MAP) && i < w->set.n; i++)
		if (!text_eq(value_as_text(w->set.pairs[i].key), path))
			value_map_add(&b, w->set.pairs[i].key, w->set.pairs[i].val);
	if (token != NULL)
		value_map_add(&b, value_text(path), value_text(*token));
	w->set = value_map_end(&b);
	o->dirty = true;
}

/* What turns has its value now; it explains no other one, unless there were more requests. */
static void settle(struct object *o, struct write *w, struct text path, struct text token)
{
	struct value_list_builder rest;

	set_to(o, w, path, &token);
	if (w->times > 1) {
		w->times--;
		return;
	}
	value_list_begin(&rest, o->s->work);
	for (uint32_t i = 0; i < w->any.n; i++)
		if (!is_beneath(path, value_as_text(w->any.items[i])))
			value_list_add(&rest, w->any.items[i]);
	w->any = value_list_end(&rest);
}

/* A change to what nobody knew beforehand may be that of each request under way; it is taken for
 * that of the first. */
static void mark_hit(struct comparing *c, struct told *t)
{
	struct write *first = NULL;

	for (size_t i = 0; i < c->object->count; i++) {
		struct write *w = &c->object->writes[i];
		bool known = has_set(w, t->path, t->to), turns = is_listed(w->any, t->path);

		w->hit = w->hit || known || turns;
		t->known = t->known || known;
		if (turns && first == NULL)
			first = w;
	}
	t->turned = t->known ? NULL : first;
}

static void settle_hits(struct comparing *c)
{
	for (size_t k = 0; k < c->count; k++)
		if (c->told[k].turned != NULL)
			settle(c->object, c->told[k].turned, c->told[k].path, c->told[k].to);
}

static void mark_hits(struct comparing *c)
{
	for (size_t k = 0; k < c->count; k++)
		mark_hit(c, &c->told[k]);
}

/* Whether the rule's writes are all that the event tells. */
static bool explains(const struct comparing *c, struct text rule)
{
	for (size_t k = 0; k < c->count; k++) {
		bool found = false;

		for (size_t i = 0; i < c->object->count && !found; i++) {
			const struct write *w = &c->object->writes[i];

			found = w->hit && text_eq(w->rule, rule) &&
				(has_set(w, c->told[k].path, c->told[k].to) ||
				 is_listed(w->any, c->told[k].path) ||
				 is_listed(w->also, c->told[k].path));
		}
		if (!found)
			return false;
	}
	return c->count > 0;
}

static bool is_echo_of(const struct guarded *g, struct text rule)
{
	for (const struct echo *e = g->echoes; e != NULL; e = e->next)
		if (text_eq(e->rule, rule))
			return true;
	return false;
}

static void note_echo(struct sequencer *s, struct guarded *g, const struct write *w)
{
	struct echo *echo = arena_zero(s->work, sizeof(*echo));

	if (echo == NULL) {
		seq_break(s);
		return;
	}
	echo->rule = w->rule;
	echo->run = w->run;
	echo->next = g->echoes;
	g->echoes = echo;
}

/* Told from the latest write on: that is the cause. */
static void note_cause(struct comparing *c, const struct write *w)
{
	if (!c->caused)
		c->out->cause = w->run;
	c->caused = true;
	if (w->depth > c->out->depth)
		c->out->depth = (int)w->depth;
}

/* The latest writes first: they are the cause, and name the run. */
static void judge_hits(struct comparing *c)
{
	for (size_t i = c->object->count; i > 0; i--) {
		const struct write *w = &c->object->writes[i - 1];

		if (!w->hit)
			continue;
		note_cause(c, w);
		if (!is_echo_of(c->out, w->rule) && explains(c, w->rule))
			note_echo(c->object->s, c->out, w);
	}
}

/* The field has left what was written, or a later write of it has arrived. */
static void forget_left(struct comparing *c)
{
	for (size_t k = 0; k < c->count; k++) {
		const struct told *t = &c->told[k];
		bool later = false;

		for (size_t i = c->object->count; i > 0; i--) {
			struct write *w = &c->object->writes[i - 1];
			bool has = value_get(w->set, t->path) != NULL;

			if (has && !has_set(w, t->path, t->to) &&
			    (later || has_set(w, t->path, t->from)))
				set_to(c->object, w, t->path, NULL);
			later = later || has_set(w, t->path, t->to);
		}
	}
}

/* ---- The event. ---- */

static void judge_whole(struct comparing *c, const char *how)
{
	for (size_t i = c->object->count; i > 0; i--) {
		const struct write *w = &c->object->writes[i - 1];

		if (!text_is(w->how, how))
			continue;
		note_cause(c, w);
		if (!is_echo_of(c->out, w->rule))
			note_echo(c->object->s, c->out, w);
	}
}

/* Pages and replies may overtake each other. */
static bool is_late(const struct object_kind *kind, const struct emission *e)
{
	struct text version = text_of(kind->version != NULL ? kind->version : "updated_at");
	const struct value *was = value_get(e->before, version);
	const struct value *is = value_get(e->data, version);

	return was != NULL && is != NULL && value_order(*is, *was) <= 0;
}

static bool is_inside(struct text path, struct text head)
{
	return path.n > head.n && is_beneath(path, head);
}

/* Some write is inside the same map. */
static bool is_beside_written(const struct object *o, struct text head)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct write *w = &o->writes[i];

		for (uint32_t k = 0; value_is(w->set, VALUE_MAP) && k < w->set.n; k++)
			if (is_inside(value_as_text(w->set.pairs[k].key), head))
				return true;
		for (uint32_t k = 0; value_is(w->any, VALUE_LIST) && k < w->any.n; k++)
			if (is_inside(value_as_text(w->any.items[k]), head))
				return true;
	}
	return false;
}

/* A member that is absent tells something where its map is there: a custom field has no value. */
static bool is_told(const struct comparing *c, const struct object_kind *kind,
		    const struct emission *e, const struct change *at)
{
	size_t dot = text_find(at->path, TEXT("."));
	struct text head = text_head(at->path, dot);

	if (value_is(at->to, VALUE_MAP) && at->to.n > 0)
		return false; /* its members are told */
	if (observe_counts(kind, at))
		return true;
	return dot != SIZE_MAX && (at->was_absent || at->is_absent) &&
	       value_get(at->was_absent ? e->before : e->data, head) != NULL &&
	       is_beside_written(c->object, head);
}

static void judge_changes(struct comparing *c, const struct object_kind *kind,
			  const struct emission *e)
{
	struct arena *arena = c->object->s->work;
	struct changes changes = diff_values(arena, e->before, e->data);

	c->told = arena_array(arena, changes.count + 1, sizeof(*c->told));
	if (c->told == NULL) {
		seq_break(c->object->s);
		return;
	}
	for (size_t i = 0; i < changes.count; i++) {
		const struct change *at = &changes.items[i];

		if (!is_told(c, kind, e, at))
			continue;
		c->told[c->count++] = (struct told){
			.path = at->path,
			.from = written_token(arena, at->from),
			.to = written_token(arena, at->to),
		};
	}
	mark_hits(c);
	judge_hits(c);
	settle_hits(c);
	if (!is_late(kind, e))
		forget_left(c);
}

void guard_judge(struct sequencer *s, const struct emission *e, struct guarded *out)
{
	const struct event_type *type =
	    e->connection.n > 0 && e->subject.n > 0 ? connectors_event(e->type) : NULL;
	struct object o;
	struct comparing c = { .object = &o, .out = out };

	*out = (struct guarded){ .cause = e->cause, .depth = e->depth };
	if (type == NULL || type->kind == NULL ||
	    !object_load(&o, s, e->connection, type->kind, e->subject) || o.count == 0)
		return;
	if (value_is(e->data, VALUE_NULL))
		judge_whole(&c, "end");
	else if (value_is(e->before, VALUE_NULL))
		judge_whole(&c, "new");
	else
		judge_changes(&c, type->kind, e);
	if (o.dirty)
		object_store(&o);
}

/* ---- What follows for a rule. ---- */

/* Filed for whoever explains it; not under the rule's own id, so that retention takes it. */
static void keep_echo(struct sequencer *s, const struct rule *rule, int64_t seq,
		      const struct echo *echo)
{
	store_put_state(s->store, text_printf(s->work, "echo:%.*s", TEXT_ARG(rule->id)),
			TEXT("echo"), text_printf(s->work, "%lld", (long long)seq),
			text_printf(s->work, "%lld", (long long)echo->run), s->now.wall);
}

bool guard_was_echo(struct sequencer *s, const struct rule *rule, int64_t seq)
{
	struct text state;

	return store_get_state(s->store, s->work,
			       text_printf(s->work, "echo:%.*s", TEXT_ARG(rule->id)), TEXT("echo"),
			       text_printf(s->work, "%lld", (long long)seq), &state);
}

bool guard_ignores(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		   const struct guarded *g)
{
	const struct echo *echo = g->echoes;

	while (echo != NULL && !text_eq(echo->rule, rule->id))
		echo = echo->next;
	if (echo == NULL || rule->echoes)
		return false;
	s->stats.echoes++;
	keep_echo(s, rule, event->seq, echo);
	return true;
}

/* ---- Loops. ---- */

struct link {
	struct event_record event;
	struct text rule;    /* whose run caused the event, or empty */
	int64_t run, before; /* before: seq of the event that this run answered */
};

/* Runs begun in this batch have no row yet. */
static bool link_run(struct sequencer *s, struct link *link)
{
	const struct run *run = run_find(s, link->event.cause);
	struct run_record record;

	link->run = link->event.cause;
	if (run != NULL) {
		link->rule = run->rule->id;
		link->before = run->event;
		return true;
	}
	if (link->run == 0 || !store_get_run(s->store, s->work, link->run, &record))
		return false;
	link->rule = record.rule;
	link->before = record.event;
	return true;
}

static struct value link_value(struct arena *arena, const struct link *link)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	if (link->rule.n > 0) {
		value_map_set(&b, "rule", value_text(link->rule));
		value_map_set(&b, "run", value_int(link->run));
	}
	value_map_set(&b, "event", value_text(link->event.id));
	value_map_set(&b, "type", value_text(link->event.type));
	value_map_set(&b, "connection", value_text(link->event.connection));
	value_map_set(&b, "subject", value_text(link->event.subject));
	return value_map_end(&b);
}

/* From the event back to what began it; how many links. 0: it is the engine's own, which would
 * never end. */
static size_t chain_find(struct sequencer *s, int64_t seq, struct link links[LIMIT_CHAIN])
{
	size_t n = 0;

	while (n < LIMIT_CHAIN) {
		struct link *link = &links[n];

		*link = (struct link){ .rule = TEXT_NONE };
		if (!store_get_event(s->store, s->work, seq, &link->event))
			break;
		if (text_is(link->event.type, "tappet.loop"))
			return 0;
		n++;
		if (!link_run(s, link))
			break;
		seq = link->before;
	}
	return n;
}

void guard_loop(struct sequencer *s, const struct rule *rule, const struct event_view *event)
{
	struct link *links = arena_array(s->work, LIMIT_CHAIN, sizeof(*links));
	size_t n = links != NULL ? chain_find(s, event->seq, links) : 0;
	struct value_list_builder chain;
	struct value_map_builder b;
	struct text path = TEXT_NONE;

	if (links == NULL)
		seq_break(s);
	if (n == 0)
		return;
	value_list_begin(&chain, s->work);
	for (size_t i = n; i > 0; i--) {
		const struct link *link = &links[i - 1];

		value_list_add(&chain, link_value(s->work, link));
		path =
		    text_printf(s->work, "%.*s%.*s%s%.*s -> ", TEXT_ARG(path), TEXT_ARG(link->rule),
				link->rule.n > 0 ? " -> " : "", TEXT_ARG(link->event.type));
	}
	value_map_begin(&b, s->work);
	value_map_set(&b, "rule", value_text(rule->id));
	value_map_set(&b, "event", value_text(event->id));
	value_map_set(&b, "depth", value_int(event->depth));
	value_map_set(
	    &b, "path",
	    value_text(text_printf(s->work, "%.*s%.*s", TEXT_ARG(path), TEXT_ARG(rule->id))));
	value_map_set(&b, "chain", value_list_end(&chain));
	log_write(LOG_WARN, "a loop was ended", LOG_S("rule", text_dup(s->work, rule->id).s),
		  LOG_I("event", event->seq), LOG_I("depth", event->depth));
	emit_own(s, "tappet.loop", rule->id, value_map_end(&b), run_find(s, links[0].run),
		 LIMIT_DEPTH);
}
