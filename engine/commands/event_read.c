/* SPDX-License-Identifier: Apache-2.0
 *
 * event_read - see event_read.h. */
#include "engine/commands/event_read.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/setup.h"
#include "engine/rules/reader.h"

static const struct object_kind *kind_of(const struct config *config, struct text type)
{
	const struct event_type *row = config_event(config, type);

	return row != NULL ? row->kind : NULL;
}

static bool read_json(struct json_parser *parser, struct arena *arena,
		      const struct object_kind *kind, struct text json, struct value *out)
{
	struct json_error error;

	*out = value_null();
	if (json.n == 0)
		return true;
	if (json_parse(parser, arena, json, out, &error) != FATE_OK)
		return false;
	if (kind != NULL)
		*out = object_kind_typed(kind, arena, *out);
	return true;
}

bool event_of_record(const struct config *config, struct json_parser *parser, struct arena *arena,
		     const struct event_record *record, struct event_view *out)
{
	const struct object_kind *kind = kind_of(config, record->type);

	assert(parser != NULL && arena != NULL && record != NULL && out != NULL);
	*out = (struct event_view){
		.id = record->id,
		.source = record->source,
		.type = record->type,
		.subject = record->subject,
		.connection = record->connection,
		.time = record->time,
		.seq = record->seq,
		.depth = record->depth,
	};
	return read_json(parser, arena, kind, record->data, &out->data) &&
	       read_json(parser, arena, kind, record->before, &out->before);
}

static struct text member_text(struct value v, const char *name)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL && found->kind == VALUE_TEXT ? value_as_text(*found) : TEXT_NONE;
}

static struct value member_typed(struct typer *typer, struct arena *arena, struct value v,
				 const char *name, const struct object_kind *kind)
{
	const struct value *found = value_get(v, text_of(name));

	if (found == NULL)
		return value_null();
	return kind != NULL ? typer_apply(typer, kind, arena, *found) : *found;
}

bool event_of_cloudevent(const struct config *config, struct typer *typer, struct arena *arena,
			 struct value v, int64_t now, struct event_view *out)
{
	const struct object_kind *kind;

	assert(typer != NULL && arena != NULL && out != NULL);
	*out = (struct event_view){
		.id = member_text(v, "id"),
		.source = member_text(v, "source"),
		.type = member_text(v, "type"),
		.subject = member_text(v, "subject"),
		.connection = member_text(v, "connection"),
	};
	kind = kind_of(config, out->type);
	out->data = member_typed(typer, arena, v, "data", kind);
	out->before = member_typed(typer, arena, v, "before", kind);
	if (!timetext_parse_ms(member_text(v, "time"), &out->time))
		out->time = now;
	return out->type.n > 0 && out->id.n > 0;
}

struct value event_known(void *of, struct arena *arena, struct text connection,
			 const struct object_kind *kind, struct text id)
{
	const struct known_objects *known = of;
	struct text shelf, json;
	struct json_error error;
	struct value v;
	uint64_t hash;

	assert(known != NULL && known->store != NULL && kind != NULL);
	shelf = text_printf(arena, "%.*s/%s", TEXT_ARG(connection), kind->name);
	if (!store_get_object(known->store, arena, shelf, id, &hash, &json) ||
	    json_parse(known->parser, arena, json, &v, &error) != FATE_OK)
		return value_null();
	return object_kind_typed(kind, arena, v);
}

bool event_find(struct store *store, struct arena *arena, struct text word,
		struct event_record *out)
{
	struct run_record run;
	int64_t number;

	assert(store != NULL && arena != NULL && out != NULL);
	if (store_get_event_by_id(store, arena, word, out))
		return true;
	if (text_to_int(word, &number))
		return number > 0 && store_get_event(store, arena, number, out);
	if (!text_starts(word, TEXT("run:")))
		return false;
	word.s += 4;
	word.n -= 4;
	return text_to_int(word, &number) && store_get_run(store, arena, number, &run) &&
	       store_get_event(store, arena, run.event, out);
}

int event_of_file(struct context *context, const struct config *config, struct json_parser *parser,
		  const char *file, int64_t now, struct event_view *out)
{
	struct arena *arena = context->arena;
	AUTO(typer_free) struct typer *typer = typer_new();
	AUTO_FINI(buf_fini) struct buf content;
	struct json_error error;
	const char *why = NULL;
	struct value v;

	buf_init(&content, LIMIT_BODY_MAX);
	if (typer == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	if (!reader_file(text_of(file), LIMIT_BODY_MAX, &content, &why))
		return context_fail(context, COMMAND_USAGE, "%s: %s", file, why);
	if (json_parse(parser, arena, text_dup(arena, buf_view(&content)), &v, &error) != FATE_OK)
		return context_fail(context, COMMAND_FAILED, "%s:%d:%d: %s", file, error.line,
				    error.column, error.what);
	if (!event_of_cloudevent(config, typer, arena, value_copy(arena, v), now, out))
		return context_fail(context, COMMAND_FAILED, "%s: an event needs id and type",
				    file);
	return COMMAND_OK;
}
