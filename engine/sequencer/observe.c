/* SPDX-License-Identifier: Apache-2.0
 *
 * observe.c - an object's new state, however it was learnt, becomes change events.
 *
 * A poll, a webhook and an action's reply all tell what an object is now, not
 * what happened. It is compared with the last snapshot the store holds: a field
 * that turned is the event its edge names, whatever else changed is `updated`,
 * an id not seen after the baseline is `created`.
 *
 * I1  The new snapshot and its events commit together or not at all, so a change
 *     yields one event, whoever tells it first.
 * I2  The same state twice emits nothing the second time.
 * I3  News that is older than what is known (a webhook that was overtaken) changes
 *     nothing: an edge that has turned does not turn back and fire again.
 * I4  What the kind ignores (updated_at) is never an event by itself; a field
 *     absent on one side tells nothing where absence means "not asked for" or
 *     "not permitted". */
#include "engine/sequencer/internal.h"

struct comparison {
	struct sequencer *s;
	const struct observation *o;
	struct text id;
	struct value before, after;
	struct changes changes;
	bool *told; /* per change: an edge's event already tells it */
	int emitted;
	struct text *first;
};

struct text observe_shelf(struct sequencer *s, struct text connection,
			  const struct object_kind *kind)
{
	return text_printf(s->work, "%.*s/%s", TEXT_ARG(connection), kind->name);
}

/* null, false, 0, "" and absent count as false. */
static bool observe_truth(struct value object, const char *field)
{
	const struct value *v = value_path(object, text_of(field));

	if (v == NULL)
		return false;
	switch ((enum value_kind)v->kind) {
	case VALUE_NULL:
		return false;
	case VALUE_BOOL:
		return v->b;
	case VALUE_INT:
	case VALUE_UINT:
		return v->i != 0;
	case VALUE_DOUBLE:
		return v->d != 0;
	case VALUE_TEXT:
	case VALUE_LIST:
	case VALUE_MAP:
		return v->n > 0;
	default:
		return true;
	}
}

static bool observe_beneath(struct text path, const char *field)
{
	struct text f = text_of(field);

	return text_starts(path, f) && (path.n == f.n || path.s[f.n] == '.');
}

static bool observe_listed(struct text path, const char *const *fields)
{
	for (; fields != NULL && *fields != NULL; fields++)
		if (observe_beneath(path, *fields))
			return true;
	return false;
}

bool observe_counts(const struct object_kind *kind, const struct change *change)
{
	if (kind->absent_is_unknown && (change->was_absent || change->is_absent))
		return false;
	return !observe_listed(change->path, kind->ignored);
}

static int64_t observe_time(const struct comparison *c)
{
	const struct value *at = value_get(c->after, TEXT("updated_at"));

	if (c->o->time != INT64_MIN)
		return c->o->time;
	if (at != NULL && at->kind == VALUE_TIMESTAMP)
		return at->i * 1000 + at->n / 1000000;
	return c->s->now.wall;
}

/* The first event of a delivery has its id, further ones a derived one. */
static struct text observe_event_id(const struct comparison *c)
{
	char number[16], hex[HASH_HEX];

	if (c->o->id_base.n == 0 || c->emitted == 0)
		return c->o->id_base;
	(void)snprintf(number, sizeof(number), "%d", c->emitted);
	const struct text parts[2] = { c->o->id_base, text_of(number) };

	hash_name(parts, 2, hex);
	return text_dup(c->s->work, text_of(hex));
}

static void observe_emit(struct comparison *c, const char *suffix)
{
	struct emission e = {
		.id = observe_event_id(c),
		.source = c->o->source,
		.type = text_printf(c->s->work, "%s.%s", c->o->kind->name, suffix),
		.subject = c->id,
		.connection = c->o->connection,
		.time = observe_time(c),
		.cause = c->o->cause,
		.depth = c->o->depth,
		.data = c->after,
		.before = c->before,
		.body = c->o->body,
	};
	struct text id = emit(c->s, &e);

	if (c->emitted++ == 0 && c->first != NULL)
		*c->first = id;
}

static void observe_tell(struct comparison *c, const struct edge *edge)
{
	for (size_t i = 0; i < c->changes.count; i++) {
		struct text path = c->changes.items[i].path;

		if (observe_beneath(path, edge->field) || observe_listed(path, edge->covers))
			c->told[i] = true;
	}
}

/* The message itself says that this happened just now. */
static bool observe_said(const struct observation *o, const struct edge *edge)
{
	return o->happened != NULL && strcmp(o->happened, edge->event) == 0;
}

static bool observe_fires(const struct comparison *c, const struct edge *edge)
{
	if (observe_truth(c->after, edge->field) != edge->to)
		return false;
	if (c->before.kind == VALUE_NULL)
		return edge->to && (edge->first_sight || observe_said(c->o, edge));
	return observe_truth(c->before, edge->field) != edge->to;
}

static void observe_edges(struct comparison *c)
{
	const struct edge *edge = c->o->kind->edges;

	for (; edge != NULL && edge->field != NULL; edge++) {
		if (!observe_fires(c, edge))
			continue;
		observe_tell(c, edge);
		observe_emit(c, edge->event);
	}
}

static bool observe_rest(const struct comparison *c)
{
	for (size_t i = 0; i < c->changes.count; i++)
		if (!c->told[i] && observe_counts(c->o->kind, &c->changes.items[i]))
			return true;
	return false;
}

/* An object never seen before is new when a poll finds it after the baseline, or when the message
 * says so. Else (the reply of a show) nobody knows. */
static bool observe_is_new(const struct observation *o)
{
	return o->how == OBSERVED_POLL ||
	       (o->happened != NULL && strcmp(o->happened, "created") == 0);
}

static void observe_compare(struct comparison *c)
{
	const struct object_kind *kind = c->o->kind;

	if (c->before.kind == VALUE_NULL) {
		if (kind->created && observe_is_new(c->o))
			observe_emit(c, "created");
		observe_edges(c);
		return;
	}
	c->changes = diff_values(c->s->work, c->before, c->after);
	c->told = arena_zero(c->s->work, c->changes.count + 1);
	if (c->told == NULL) {
		seq_break(c->s);
		return;
	}
	observe_edges(c);
	if (kind->updated && observe_rest(c))
		observe_emit(c, "updated");
}

/* The known state with what the new one says laid over it. */
static struct value observe_overlay(struct sequencer *s, struct value before, struct value after)
{
	struct value_map_builder b;

	if (before.kind != VALUE_MAP || after.kind != VALUE_MAP)
		return after;
	value_map_begin(&b, s->work);
	for (uint32_t i = 0; i < before.n; i++)
		value_map_add(&b, before.pairs[i].key, before.pairs[i].val);
	for (uint32_t i = 0; i < after.n; i++)
		value_map_add(&b, after.pairs[i].key, after.pairs[i].val);
	return value_map_end(&b);
}

struct value observe_known(void *of, struct arena *arena, struct text connection,
			   const struct object_kind *kind, struct text id)
{
	struct sequencer *s = of;
	struct text shelf = text_printf(arena, "%.*s/%s", TEXT_ARG(connection), kind->name);
	struct json_error error;
	struct text json;
	struct value v;
	uint64_t hash;

	if (!store_get_object(s->store, arena, shelf, id, &hash, &json) ||
	    json_parse(s->parser, arena, json, &v, &error) != FATE_OK)
		return value_null();
	return object_kind_typed(kind, arena, v);
}

struct text observe_id(struct sequencer *s, const struct object_kind *kind, struct value object)
{
	const struct value *id = value_get(object, text_of(kind->id));
	struct buf b;
	struct text t = TEXT_NONE;

	if (id == NULL || (id->kind != VALUE_TEXT && id->kind != VALUE_INT))
		return TEXT_NONE;
	buf_init(&b, LIMIT_RUN_KEY);
	value_write_plain(&b, *id);
	if (!buf_failed(&b))
		t = text_dup(s->work, buf_view(&b));
	else if (id->kind == VALUE_INT || id->n <= LIMIT_RUN_KEY)
		seq_break(s); /* not too long: memory is out */
	buf_fini(&b);
	return t;
}

/* Both typed; equal times, and times that can't be read, are no reason to doubt what was told
 * last. */
static bool observe_is_old(const struct object_kind *kind, struct value before, struct value after)
{
	const struct value *known, *told;

	if (kind->version == NULL)
		return false;
	known = value_get(before, text_of(kind->version));
	told = value_get(after, text_of(kind->version));
	if (known == NULL || told == NULL || known->kind != VALUE_TIMESTAMP ||
	    told->kind != VALUE_TIMESTAMP)
		return false;
	return told->i < known->i || (told->i == known->i && told->n < known->n);
}

int observe(struct sequencer *s, const struct observation *o, struct text *first)
{
	assert(o->kind != NULL);
	struct value after = object_kind_typed(o->kind, s->work, o->object);
	struct comparison c = { .s = s,
				.o = o,
				.id = o->id.n > 0 ? text_dup(s->work, o->id)
						  : observe_id(s, o->kind, after),
				.first = first };

	if (c.id.n == 0)
		return 0;
	struct text shelf = observe_shelf(s, o->connection, o->kind);

	c.before = observe_known(s, s->work, o->connection, o->kind, c.id);
	if (observe_is_old(o->kind, c.before, after))
		return 0;
	c.after = o->whole ? after : observe_overlay(s, c.before, after);
	/* The snapshot first: a rule that this event triggers sees the new state. */
	store_put_object(s->store, shelf, c.id, o->hash, seq_json(s, c.after));
	if (o->how != OBSERVED_STOCK)
		observe_compare(&c);
	return c.emitted;
}

void observe_gone(struct sequencer *s, const struct object_kind *kind, struct text connection,
		  struct text source, struct text id)
{
	struct text shelf = observe_shelf(s, connection, kind);
	struct observation o = {
		.kind = kind, .connection = connection, .source = source, .time = s->now.wall
	};
	struct comparison c = { .s = s, .o = &o, .id = id };

	c.before = observe_known(s, s->work, connection, kind, id);
	store_drop_object(s->store, shelf, id);
	if (kind->deleted && c.before.kind != VALUE_NULL)
		observe_emit(&c, "deleted");
}
