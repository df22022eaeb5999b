/* SPDX-License-Identifier: Apache-2.0
 *
 * sources - how fresh each source is: polls and schedules by their cursors, hooks
 * by the last event they brought.
 *
 * A source that is configured but was never heard of is shown too: that is what
 * people look for here. */
#include <assert.h>

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/json.h"
#include "engine/commands/pauses.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/sequencer/sequencer.h"
#include "engine/value/parse.h"

#define RECENT 10000 /* newest events looked through for a source's last one */

DEFINE_AUTO(table_free, struct table *)

struct source {
	struct text name;
	const char *kind; /* "poll", "schedule", "hook", "other" */
	int64_t every;    /* ms; 0: not regular */
	int64_t ok_at;    /* ms: last success; 0: never */
	int64_t failures; /* in a row */
	struct text error;
	int64_t silent_at;             /* ms: it is silent, and was heard last then; 0: it isn't */
	const struct pause_row *pause; /* of its connection or plugin; NULL: none */
	int64_t event_at;              /* ms: received last; 0: none among the recent ones */
	struct source *next;
};

struct freshness {
	struct context *context;
	struct json_parser *parser;
	struct source *first, **end;
	int64_t now;
	struct pauses pauses;
};

/* The source of that name, made when `kind` is given. NULL: none, or memory is out. */
static struct source *source_get(struct freshness *f, struct text name, const char *kind)
{
	struct source *s = f->first;

	while (s != NULL && !text_eq(s->name, name))
		s = s->next;
	if (s != NULL || kind == NULL)
		return s;
	s = arena_zero(f->context->arena, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->name = text_dup(f->context->arena, name);
	s->kind = kind;
	*f->end = s;
	f->end = &s->next;
	return s;
}

/* ---- What is configured. ---- */

static void add_polls(struct freshness *f, const struct config *config)
{
	for (size_t i = 0; i < config->connection_count; i++) {
		const struct connection *c = &config->connections[i];

		for (size_t k = 0; k < c->poll_count; k++) {
			struct source *s = source_get(f, c->polls[k].source, "poll");

			if (s == NULL)
				continue;
			s->every = c->polls[k].every;
			s->pause = pauses_find(&f->pauses, "connection", c->name);
		}
	}
}

static void add_configured(struct freshness *f, const struct config *config)
{
	add_polls(f, config);
	for (size_t i = 0; i < config->hook_count; i++)
		(void)source_get(f, config->hooks[i].name, "hook");
	for (size_t i = 0; i < config->schedule_count; i++) {
		struct text name = text_printf(f->context->arena, "schedule.%.*s",
					       TEXT_ARG(config->schedules[i].name));

		(void)source_get(f, name, "schedule");
	}
}

/* ---- What the store knows. ---- */

static int64_t member_int(struct value v, const char *name)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL && found->kind == VALUE_INT ? found->i : 0;
}

/* silent_after: only what is silent now is shown. */
static bool visit_silence(struct freshness *f, struct text row, struct value v)
{
	const struct text name = { row.s + strlen(SILENCE_ROWS), row.n - strlen(SILENCE_ROWS) };
	const struct value *silent = value_get(v, TEXT("silent"));
	struct source *s = source_get(f, name, NULL);

	if (s != NULL && silent != NULL && silent->kind == VALUE_BOOL && silent->b)
		s->silent_at = member_int(v, "heard_at");
	return true;
}

static bool visit_cursor(void *of, struct text name, struct text json)
{
	struct freshness *f = of;
	struct source *s;
	struct json_error error;
	struct value v;

	/* The engine's own: no source. */
	if (text_is(name, "tappet") || text_is(name, STORE_BACKUP_ROW) ||
	    text_starts(name, TEXT(PLACE_ROWS)) ||
	    json_parse(f->parser, f->context->arena, json, &v, &error) != FATE_OK)
		return true;
	if (text_starts(name, TEXT(SILENCE_ROWS)))
		return visit_silence(f, name, v);
	s = source_get(f, name, text_starts(name, TEXT("schedule.")) ? "schedule" : "poll");
	if (s == NULL)
		return false;
	const struct value *why = value_get(v, TEXT("error"));

	s->ok_at = member_int(v, "ok_at");
	s->failures = member_int(v, "failures");
	if (s->every == 0)
		s->every = member_int(v, "every");
	if (why != NULL && why->kind == VALUE_TEXT)
		s->error = text_dup(f->context->arena, value_as_text(*why));
	return true;
}

static bool visit_event(void *of, const struct event_record *event)
{
	struct freshness *f = of;
	struct source *s = source_get(f, event->source, "other");

	if (s != NULL && event->received > s->event_at)
		s->event_at = event->received;
	return s != NULL;
}

/* ---- Showing. ---- */

static bool is_late(const struct freshness *f, const struct source *s)
{
	return s->failures > 0 || s->silent_at > 0 ||
	       (s->every > 0 && s->pause == NULL && f->now - s->ok_at > 3 * s->every);
}

static void show_json(const struct freshness *f, const struct source *s)
{
	struct buf *out = &f->context->out;

	json_open(out, '{');
	json_text(out, "source", s->name);
	json_str(out, "kind", s->kind);
	json_time(out, "ok_at", s->ok_at);
	if (s->ok_at > 0)
		json_int(out, "age_ms", f->now - s->ok_at);
	else
		json_null(out, "age_ms");
	if (s->every > 0)
		json_int(out, "every_ms", s->every);
	else
		json_null(out, "every_ms");
	json_int(out, "failures", s->failures);
	json_maybe(out, "error", s->error);
	json_time(out, "event_at", s->event_at);
	json_time(out, "silent_since", s->silent_at);
	if (s->pause != NULL)
		json_text(out, "paused", pause_words(f->context->arena, s->pause));
	else
		json_null(out, "paused");
	json_close(out, '}');
	json_line(out);
}

/* "3m ago", or "never". */
static void ago(struct table *table, const struct freshness *f, int64_t at, enum tint tint)
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = { { 86400000, 'd' }, { 3600000, 'h' }, { 60000, 'm' }, { 1000, 's' } };
	int64_t age = f->now - at;
	char room[32] = "now";

	for (size_t i = 0; i < 4 && at > 0; i++) {
		if (age >= units[i].ms) {
			(void)snprintf(room, sizeof(room), "%lld%c ago",
				       (long long)(age / units[i].ms), units[i].unit);
			break;
		}
	}
	table_cell(table, at > 0 ? text_of(room) : TEXT("never"), tint);
}

/* A silent poll may also fail: then both. */
static struct text trouble(const struct freshness *f, const struct source *s)
{
	if (s->pause != NULL)
		return pause_words(f->context->arena, s->pause);
	if (s->silent_at == 0)
		return s->error;
	if (s->error.n == 0)
		return TEXT("silent for longer than silent_after");
	return text_printf(f->context->arena, "silent for longer than silent_after: %.*s",
			   TEXT_ARG(s->error));
}

static void show_row(const struct freshness *f, struct table *table, const struct source *s)
{
	enum tint tint = is_late(f, s) ? TINT_BAD : TINT_GOOD;
	char every[TIMETEXT_MAX] = "";

	if (s->every > 0)
		timetext_duration_format(s->every, every);
	table_cell(table, s->name, TINT_BOLD);
	table_cell(table, text_of(s->kind), TINT_NONE);
	table_cell(table, text_of(every), TINT_NONE);
	if (s->ok_at > 0 || s->every > 0)
		ago(table, f, s->ok_at, tint);
	else
		table_cell(table, TEXT("-"), TINT_FAINT);
	ago(table, f, s->event_at, TINT_NONE);
	table_int(table, s->failures);
	table_cell(table, trouble(f, s), TINT_BAD);
}

static int show(const struct freshness *f)
{
	static const char *const titles[] = { "SOURCE",     "KIND",     "EVERY",      "LAST OK",
					      "LAST EVENT", "FAILURES", "LAST ERROR", NULL };
	AUTO(table_free) struct table *table = table_new(titles);

	if (table == NULL)
		return context_fail(f->context, COMMAND_FAILED, "memory is out");
	for (const struct source *s = f->first; s != NULL; s = s->next) {
		if (f->context->format == OUTPUT_JSON)
			show_json(f, s);
		else
			show_row(f, table, s);
	}
	if (f->context->format == OUTPUT_TEXT)
		(void)table_write(table, &f->context->out, f->context->colour);
	return COMMAND_OK;
}

static int gather(struct freshness *f, struct store *store)
{
	const struct event_query recent = { .newest_first = true, .limit = RECENT };

	if (store_query_cursors(store, visit_cursor, f) != FATE_OK ||
	    store_query_events(store, &recent, visit_event, f) != FATE_OK)
		return context_fail(f->context, COMMAND_FAILED, "%s",
				    store_last_error(store)->text);
	if (arena_failed(f->context->arena))
		return context_fail(f->context, COMMAND_FAILED, "memory is out");
	return show(f);
}

static int run(struct context *context)
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct clock clock = clock_system();
	struct freshness f = { .context = context,
			       .parser = parser,
			       .now = clock_read(&clock).wall };
	int code;

	f.end = &f.first;
	if (parser == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	if (!pauses_gather(context, store, &f.pauses))
		return context_fail(context, COMMAND_FAILED, "memory is out");
	add_configured(&f, config);
	return gather(&f, store);
}

const struct command command_sources = {
	.name = "sources",
	.arguments = "",
	.doc = "Shows how fresh each source is",
	.run = run,
};
