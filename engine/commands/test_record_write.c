/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record_write - see test_record_write.h. */
#include "engine/commands/test_record_write.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/timetext.h"
#include "engine/commands/yaml_write.h"

#define LATE_LEAST                                                                                 \
	60000 /* ms between what an event tells as its time and its arrival, to be told */
#define RETRY_MORE  600000 /* ms beyond what a repetition took: waits are random */
#define TEST_INDENT 4      /* as a key of a rule */

/* Both rounds go the same way: the first only takes note. */
struct writing {
	struct recording *r;
	struct arena *arena;
	bool learning;
	bool failed;
};

static struct value redacted(struct writing *w, const char *before, struct text path,
			     struct value v)
{
	struct text whole = text_printf(w->arena, "%s%.*s", before, TEXT_ARG(path));

	if (!w->learning)
		return redact_value(w->r->redactor, whole, v);
	redact_learn(w->r->redactor, whole, v);
	return v;
}

static void put(struct writing *w, struct value_map_builder *b, const char *key, struct value v)
{
	if (v.kind != VALUE_NULL)
		value_map_set(b, key, redacted(w, key, TEXT(""), v));
}

static struct value one(struct writing *w, const char *key, struct value v)
{
	struct value_map_builder b;

	value_map_begin(&b, w->arena);
	value_map_set(&b, key, v);
	return value_map_end(&b);
}

static struct value maybe(struct text t)
{
	return t.n > 0 ? value_text(t) : value_null();
}

/* ---- given ---- */

static struct value parsed(struct writing *w, struct text json)
{
	struct json_error error;
	struct value v = value_null();

	if (json.n > 0 && json_parse(w->r->parser, w->arena, json, &v, &error) != FATE_OK)
		w->failed = true;
	return v;
}

static struct value time_value(struct writing *w, int64_t ms)
{
	char when[TIMETEXT_MAX];

	timetext_format_ms(ms, when);
	return value_text(text_dup(w->arena, text_of(when)));
}

static void put_data(struct writing *w, struct value_map_builder *b, const struct event_record *e)
{
	struct value data = redacted(w, "data", TEXT(""), parsed(w, e->data));
	struct value before = redacted(w, "before", TEXT(""), parsed(w, e->before));
	bool both = data.kind == VALUE_MAP && before.kind == VALUE_MAP;

	if (data.kind != VALUE_NULL)
		value_map_set(b, "data",
			      record_less(w->r, TEXT("data"), data, both ? &before : NULL));
	if (before.kind != VALUE_NULL)
		value_map_set(b, "before",
			      record_less(w->r, TEXT("before"), before, both ? &data : NULL));
}

static struct value event_value(struct writing *w, const struct event_record *e)
{
	struct value_map_builder b;

	value_map_begin(&b, w->arena);
	value_map_set(&b, "type", value_text(e->type));
	put(w, &b, "id", maybe(e->id));
	put(w, &b, "subject", maybe(e->subject));
	put(w, &b, "source", maybe(e->source));
	put(w, &b, "connection", maybe(e->connection));
	value_map_set(&b, "time", time_value(w, e->time));
	put_data(w, &b, e);
	return one(w, "event", value_map_end(&b));
}

static void add_advance(struct writing *w, struct value_list_builder *list, int64_t ms)
{
	char duration[TIMETEXT_MAX];

	timetext_duration_format(ms, duration);
	value_list_add(list, one(w, "advance", value_text(text_dup(w->arena, text_of(duration)))));
}

static struct value rows_value(struct writing *w, struct text table)
{
	const struct recorded_list *rows = &w->r->rows;
	struct value_list_builder list;

	value_list_begin(&list, w->arena);
	for (size_t i = 0; i < rows->count; i++)
		if (text_eq(rows->items[i].path, table))
			value_list_add(&list, redacted(w, "tables.", table, rows->items[i].value));
	return value_list_end(&list);
}

static void add_rows(struct writing *w, struct value_list_builder *list)
{
	const struct recorded_list *rows = &w->r->rows;
	struct value_map_builder tables;

	if (rows->count == 0)
		return;
	value_map_begin(&tables, w->arena);
	for (size_t i = 0; i < rows->count; i++)
		value_map_add(&tables, value_text(rows->items[i].path),
			      rows_value(w, rows->items[i].path));
	value_list_add(list, one(w, "tables", value_map_end(&tables)));
}

static struct value object_data(struct writing *w, const struct recorded *o)
{
	struct value data = redacted(w, "entity.", o->path, *value_get(o->value, TEXT("data")));

	return record_less(w->r, text_printf(w->arena, "entity.%.*s", TEXT_ARG(o->path)), data,
			   NULL);
}

static void add_objects(struct writing *w, struct value_list_builder *list)
{
	const struct recorded_list *objects = &w->r->objects;

	for (size_t i = 0; i < objects->count; i++) {
		const struct recorded *o = &objects->items[i];
		struct value_map_builder b;

		value_map_begin(&b, w->arena);
		value_map_set(&b, "kind", value_text(o->path));
		value_map_set(&b, "id",
			      redacted(w, "subject", TEXT(""), *value_get(o->value, TEXT("id"))));
		value_map_set(&b, "connection", *value_get(o->value, TEXT("connection")));
		value_map_set(&b, "data", object_data(w, o));
		value_list_add(list, one(w, "entity", value_map_end(&b)));
	}
}

static struct value given(struct writing *w)
{
	const struct recording *r = w->r;
	struct value_list_builder list;
	int64_t late = r->events[0].received - r->events[0].time;

	value_list_begin(&list, w->arena);
	add_rows(w, &list);
	add_objects(w, &list);
	if (late >= LATE_LEAST)
		add_advance(w, &list, late);
	for (size_t i = 0; i < r->event_count; i++) {
		int64_t passed = i > 0 ? r->events[i].received - r->events[i - 1].received : 0;

		if (passed > 0)
			add_advance(w, &list, passed);
		value_list_add(&list, event_value(w, &r->events[i]));
	}
	if (r->lasted > 0)
		add_advance(w, &list, (r->lasted * 2 + RETRY_MORE) / 60000 * 60000);
	return value_list_end(&list);
}

/* ---- reply ---- */

/* Of a failure all is kept: what the error says may be made of any of it. */
static void put_result(struct writing *w, struct value_map_builder *b, const struct recorded *reply,
		       struct value result)
{
	const struct value *status = value_get(reply->value, TEXT("status"));
	struct value v = redacted(w, "reply.", reply->path, result);

	if (status == NULL || status->kind != VALUE_INT || status->i < 400)
		v = record_less(w->r, text_printf(w->arena, "reply.%.*s", TEXT_ARG(reply->path)), v,
				NULL);
	if (v.kind != VALUE_MAP || v.n > 0 || result.n == 0)
		value_map_set(b, "result", v);
}

static void add_reply(struct value_list_builder *list, struct value reply, bool *says)
{
	*says = *says || reply.n > 0;
	value_list_add(list, reply);
}

/* A step's replies say something only when one of them isn't the default. */
static struct value replies_of(struct writing *w, struct text name, bool *says)
{
	const struct recorded_list *replies = &w->r->replies;
	struct value_list_builder list;
	struct value all;

	value_list_begin(&list, w->arena);
	for (size_t i = 0; i < replies->count; i++) {
		const struct recorded *reply = &replies->items[i];
		const struct value *result = value_get(reply->value, TEXT("result"));
		struct value_map_builder b;

		if (!text_eq(reply->path, name))
			continue;
		value_map_begin(&b, w->arena);
		for (uint32_t k = 0; k < reply->value.n; k++)
			if (&reply->value.pairs[k].val != result)
				value_map_add(&b, reply->value.pairs[k].key,
					      reply->value.pairs[k].val);
		if (result != NULL)
			put_result(w, &b, reply, *result);
		add_reply(&list, value_map_end(&b), says);
	}
	all = value_list_end(&list);
	return all.kind == VALUE_LIST && all.n == 1 ? all.items[0] : all;
}

static struct value replies(struct writing *w)
{
	struct value_map_builder b;

	value_map_begin(&b, w->arena);
	for (size_t i = 0; i < w->r->replies.count; i++) {
		struct text name = w->r->replies.items[i].path;
		bool says = false;
		struct value all = replies_of(w, name, &says);

		if (says)
			value_map_add(&b, value_text(name), all);
	}
	return value_map_end(&b);
}

/* ---- expect ---- */

static bool would_change(struct recording *r, struct value v)
{
	return !value_equal(v, redact_texts(r->redactor, v));
}

struct value record_expected(struct recording *r, struct text name, struct value params)
{
	struct value_map_builder step, part;
	uint32_t n = 0;

	value_map_begin(&part, r->context->arena);
	for (uint32_t i = 0; params.kind == VALUE_MAP && i < params.n; i++) {
		if (would_change(r, params.pairs[i].val))
			continue;
		value_map_add(&part, params.pairs[i].key, params.pairs[i].val);
		n++;
	}
	if (n == 0)
		return value_text(name);
	value_map_begin(&step, r->context->arena);
	value_map_add(&step, value_text(name), value_map_end(&part));
	return value_map_end(&step);
}

/* ---- The entry. ---- */

static struct text test_name(struct writing *w)
{
	const struct recording *r = w->r;
	const struct event_record *e = &r->events[0];

	if (r->event_count == 1)
		return text_printf(w->arena, "as recorded: %.*s, event %lld", TEXT_ARG(e->type),
				   (long long)e->seq);
	return text_printf(w->arena, "as recorded: %.*s, events %lld to %lld", TEXT_ARG(e->type),
			   (long long)e->seq, (long long)r->events[r->event_count - 1].seq);
}

static struct value entry(struct writing *w, struct value expect)
{
	struct value_map_builder b;
	struct value reply;

	value_map_begin(&b, w->arena);
	value_map_set(&b, "name", value_text(test_name(w)));
	value_map_set(&b, "given", given(w));
	reply = replies(w);
	if (reply.n > 0)
		value_map_set(&b, "reply", reply);
	value_map_set(&b, "expect", expect);
	return value_map_end(&b);
}

bool record_write(struct recording *r, struct buf *out, struct value expect)
{
	struct writing w = { .r = r, .arena = r->context->arena, .learning = true };
	struct value_list_builder list;

	assert(out != NULL && r->event_count > 0);
	(void)entry(&w, expect);
	w.learning = false;
	value_list_begin(&list, w.arena);
	value_list_add(&list, entry(&w, expect));
	yaml_write_indent(out, TEST_INDENT);
	buf_str(out, "tests:");
	yaml_write(out, value_list_end(&list), TEST_INDENT + 2);
	if (w.failed)
		(void)context_fail(r->context, COMMAND_FAILED, "the event's data can't be read");
	else if (buf_failed(out) || arena_failed(w.arena))
		(void)context_fail(r->context, COMMAND_FAILED,
				   "memory is out, or the test is too large");
	else
		return true;
	return false;
}
