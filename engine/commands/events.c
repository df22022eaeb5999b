/* SPDX-License-Identifier: Apache-2.0
 *
 * events - what came in, read from the store beside a daemon or without one.
 *
 * I1  --raw writes what a sender wrote and nothing else, whatever a terminal makes of it.
 * I2  Output is in the order of seq; --limit keeps the newest ones. */
#include <assert.h>
#include <string.h>

#include "engine/base/hex.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/base/timetext.h"
#include "engine/commands/json.h"
#include "engine/commands/names.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"

DEFINE_AUTO(table_free, struct table *)

static const struct option_row options[] = {
	{ "follow", 'f', NULL, "go on with what comes in, until interrupted" },
	{ "since", 0, "TIME", "received since: 10m, 2h, 1d, or 2026-01-31T08:00:00Z" },
	{ "type", 0, "TYPE", "only this type; a trailing * or ** takes all that begin so" },
	{ "id", 0, "ID", "only this event, by its id or its seq" },
	{ "raw", 0, NULL, "with --id: the body it came in, to the byte" },
	{ "limit", 'n', "N", "the newest N" },
	{ 0 },
};

struct listing {
	struct context *context;
	struct table *table; /* OUTPUT_TEXT */
	int64_t last;        /* seq of the last one shown */
	bool gone;           /* nobody reads any more */
	bool shown;          /* any */
};

static void show_json(struct buf *out, const struct event_record *e)
{
	json_open(out, '{');
	json_int(out, "seq", e->seq);
	json_text(out, "id", e->id);
	json_time(out, "time", e->time);
	json_text(out, "type", e->type);
	json_text(out, "source", e->source);
	json_maybe(out, "connection", e->connection);
	json_maybe(out, "subject", e->subject);
	json_int(out, "depth", e->depth);
	json_raw(out, "data", e->data);
	json_raw(out, "before", e->before);
	json_close(out, '}');
	json_line(out);
}

static void show_row(struct table *table, const struct event_record *e)
{
	char when[TIMETEXT_MAX];

	timetext_format_ms(e->time, when);
	table_int(table, e->seq);
	table_cell(table, text_of(when), TINT_FAINT);
	table_cell(table, e->type, TINT_BOLD);
	table_cell(table, e->subject, TINT_NONE);
	table_cell(table, e->source, TINT_NONE);
	table_cell(table, e->id, TINT_FAINT);
}

static void flush(struct listing *l)
{
	if (l->table != NULL)
		(void)table_write(l->table, &l->context->out, l->context->colour);
	if (!context_flush(l->context))
		l->gone = true;
}

static bool visit(void *of, const struct event_record *e)
{
	struct listing *l = of;

	l->last = e->seq;
	l->shown = true;
	if (l->table == NULL)
		show_json(&l->context->out, e);
	else
		show_row(l->table, e);
	if (l->context->out.n > MIB ||
	    (l->table != NULL && table_rows(l->table) >= LIMIT_COMMAND_ROWS))
		flush(l);
	return !l->gone;
}

static bool visit_oldest(void *of, const struct event_record *e)
{
	int64_t *seq = of;

	*seq = e->seq;
	return true;
}

/* --limit: begins behind what is older than the newest N. */
static enum fate skip_to_newest(struct store *store, struct event_query *query, size_t limit)
{
	struct event_query newest = *query;
	int64_t oldest = 0;

	if (limit == 0)
		return FATE_OK;
	newest.newest_first = true;
	newest.limit = limit;
	enum fate fate = store_query_events(store, &newest, visit_oldest, &oldest);

	query->after_seq = oldest > 0 ? oldest - 1 : 0;
	return fate;
}

/* An event that was asked for by its id and isn't there is a failure. */
static int ended(const struct listing *l, const struct event_query *query)
{
	if (l->shown || query->id.n == 0)
		return COMMAND_OK;
	return context_fail(l->context, COMMAND_FAILED, "there is no such event: %.*s",
			    TEXT_ARG(query->id));
}

static int list(struct listing *l, struct store *store, struct event_query *query, bool follow)
{
	bool first = true;

	while (store_query_events(store, query, visit, l) == FATE_OK) {
		bool news = l->context->out.n > 0 || (l->table != NULL && table_rows(l->table) > 0);

		if (first || news)
			flush(l);
		if (!follow || l->gone)
			return l->gone ? COMMAND_FAILED : ended(l, query);
		first = false;
		query->after_seq = l->last > query->after_seq ? l->last : query->after_seq;
		setup_pause();
	}
	return context_fail(l->context, COMMAND_FAILED, "%s", store_last_error(store)->text);
}

/* ---- The body of one. ---- */

static bool visit_seq(void *of, const struct event_record *e)
{
	int64_t *seq = of;

	*seq = e->seq;
	return false;
}

static bool body_json(struct context *context, struct text id, const struct event_body *body)
{
	struct buf *out = &context->out;
	char *base64 = mem_alloc(BASE64_SIZE(body->bytes.n));

	if (base64 == NULL)
		return false;
	base64_encode(body->bytes.s, body->bytes.n, base64);
	json_open(out, '{');
	json_text(out, "id", id);
	json_maybe(out, "content_type", body->media);
	json_str(out, "body_base64", base64);
	json_close(out, '}');
	json_line(out);
	mem_free(base64);
	return true;
}

static int show_body(struct context *context, struct store *store, struct text id)
{
	const struct event_query query = { .id = id };
	struct event_body body;
	int64_t seq = 0;

	if (store_query_events(store, &query, visit_seq, &seq) != FATE_OK)
		return context_fail(context, COMMAND_FAILED, "%s", store_last_error(store)->text);
	if (seq == 0)
		return context_fail(context, COMMAND_FAILED, "there is no such event: %.*s",
				    TEXT_ARG(id));
	if (!store_get_body(store, context->arena, seq, &body))
		return context_fail(context, COMMAND_FAILED, "%s",
				    store_failed(store) ? store_last_error(store)->text
							: "no body was kept with this event");
	if (context->format == OUTPUT_TEXT)
		buf_text(&context->out, body.bytes);
	else if (!body_json(context, id, &body))
		return context_fail(context, COMMAND_FAILED, "memory is out");
	return context_flush(context) ? COMMAND_OK : COMMAND_FAILED;
}

/* ---- The command. ---- */

/* The id of the event whose seq was given in place of one; an id stays as it is, and so does
 * what is neither. */
static struct text id_of(struct context *context, struct store *store, struct text word)
{
	struct event_record event;
	int64_t seq;

	if (word.n == 0 || !text_to_int(word, &seq) || seq <= 0 ||
	    store_get_event_by_id(store, context->arena, word, &event) ||
	    !store_get_event(store, context->arena, seq, &event))
		return word;
	return event.id;
}

/* Rules write "**" for any number of segments; here "*" is any text already. */
static struct text type_of(struct text type)
{
	while (text_ends(type, TEXT("**")))
		type.n--;
	return type;
}

static int run(struct context *context)
{
	static const char *const titles[] = {
		"SEQ", "TIME", "TYPE", "SUBJECT", "SOURCE", "ID", NULL
	};
	static const char *const raw_goes_with[] = { "raw", "id", NULL };
	struct event_query query = { .type = type_of(text_of(option_value(context, "type"))),
				     .id = text_of(option_value(context, "id")) };
	struct listing l = { .context = context };
	size_t limit;
	int code;

	if (query.type.n > 0 && memchr(query.type.s, '*', query.type.n - 1) != NULL)
		return context_usage(context, "--type: a * stands at the end only");
	if (option_flag(context, "raw") &&
	    (query.id.n == 0 || !options_only(context, "--raw", raw_goes_with)))
		return query.id.n > 0 ? COMMAND_USAGE
				      : context_usage(context, "--raw needs --id: whose body?");
	if (!setup_since(context, &query.since) || !setup_number(context, "limit", &limit))
		return COMMAND_USAGE;
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	query.id = id_of(context, store, query.id);
	if (option_flag(context, "raw"))
		return show_body(context, store, query.id);
	/* Who follows may wait for what somebody is about to send by hand. */
	if (!names_type(context, store, query.type) && !option_flag(context, "follow"))
		return COMMAND_FAILED;
	AUTO(table_free) struct table *table = table_new(titles);

	if (table == NULL || skip_to_newest(store, &query, limit) != FATE_OK)
		return context_fail(context, COMMAND_FAILED, "%s", store_last_error(store)->text);
	l.table = context->format == OUTPUT_TEXT ? table : NULL;
	return list(&l, store, &query, option_flag(context, "follow"));
}

const struct command command_events = {
	.name = "events",
	.arguments = "",
	.doc = "Lists what came in",
	.options = options,
	.most = 0,
	.run = run,
};
