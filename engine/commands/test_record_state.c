/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record_state - what a rule reads beside an event: rows of tables in the
 * store and known objects, as they are now.
 *
 * The rule is asked about each event, and its steps rendered, with readers that
 * write down what they are asked for. */
#include "engine/commands/test_record.h"

#include <assert.h>

#include "engine/commands/event_read.h"
#include "engine/commands/setup.h"
#include "engine/rules/render.h"
#include "engine/sequencer/tables.h"

struct listening {
	struct recording *r;
	struct stored_tables tables;
	struct table_reader reader; /* in front of those */
	struct known_objects known;
	bool failed;
};

static bool is_noted(const struct recorded_list *list, struct text path, struct value v)
{
	for (size_t i = 0; i < list->count; i++)
		if (text_eq(list->items[i].path, path) && value_equal(list->items[i].value, v))
			return true;
	return false;
}

static void note(struct listening *l, struct recorded_list *list, struct text path, struct value v)
{
	if (list->count < LIMIT_RECORD_STATE && !is_noted(list, path, v) &&
	    !recorded_add(l->r, list, path, v))
		l->failed = true;
}

static bool stored(void *of, struct arena *arena, const struct table *table, size_t column,
		   struct text cell, size_t most, struct value *rows, struct text *why)
{
	struct listening *l = of;

	if (!l->tables.reader.stored(l->tables.reader.of, arena, table, column, cell, most, rows,
				     why))
		return false;
	for (uint32_t i = 0; rows->kind == VALUE_LIST && i < rows->n; i++)
		note(l, &l->r->rows, table->name, rows->items[i]);
	return true;
}

static struct value get(void *of, struct arena *arena, struct text connection,
			const struct object_kind *kind, struct text id)
{
	struct listening *l = of;
	struct value data = event_known(&l->known, arena, connection, kind, id);
	struct value_map_builder b;

	if (data.kind == VALUE_NULL)
		return data;
	value_map_begin(&b, l->r->context->arena);
	value_map_set(&b, "id", value_text(text_dup(l->r->context->arena, id)));
	value_map_set(&b, "connection", value_text(text_dup(l->r->context->arena, connection)));
	value_map_set(&b, "data", data);
	note(l, &l->r->objects, text_of(kind->name), value_map_end(&b));
	return data;
}

static void ignore(void *of, const struct rendered *rendered)
{
	(void)of;
	(void)rendered;
}

static bool listen(struct listening *l, const struct event_record *record)
{
	struct recording *r = l->r;
	struct entities entities = { l, get };
	struct event_view event;
	struct scope scope = { .arena = r->context->arena,
			       .rule = r->rule,
			       .event = &event,
			       .entities = &entities,
			       .now = record->received };
	struct decision d;

	if (!event_of_record(r->config, r->parser, r->context->arena, record, &event))
		return true; /* told where its data are read */
	event.tables = &l->reader;
	d = rule_decide(&scope);
	if (d.verdict == VERDICT_YES && r->rule->main_count > 0) {
		const struct rendering rendering = {
			.config = r->config,
			.parser = r->parser,
			.scope = &scope,
			.key = rule_key_bounded(scope.arena, d.key),
		};

		render_steps(&rendering, 0, ignore, l);
	}
	return !l->failed && !arena_failed(r->context->arena);
}

bool test_record_state(struct recording *r)
{
	struct listening l = { .r = r, .known = { r->store, r->parser } };

	assert(r != NULL && r->rule != NULL);
	stored_tables_init(&l.tables, r->store, r->parser, r->rules);
	l.reader = l.tables.reader;
	l.reader.stored = stored;
	l.reader.of = &l;
	for (size_t i = 0; i < r->event_count; i++)
		if (!listen(&l, &r->events[i]))
			return false;
	return true;
}
