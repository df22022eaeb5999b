/* SPDX-License-Identifier: Apache-2.0
 *
 * runs_list - many runs, once or as they go on; see runs.h.
 *
 * Runs are read in pages, so that memory stays the same however many there are.
 * While following, the runs that may still move are looked at again and shown
 * once more when they have moved.
 *
 * I1  A run is shown again only when its state has changed. */
#include "engine/commands/runs.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/setup.h"

#define PAGE    256  /* runs read at once */
#define WATCHED 1024 /* runs looked at again; older ones are let go of */

DEFINE_AUTO(table_free, struct table *)

struct watched {
	int64_t id;
	enum run_state state;
};

struct listing {
	struct context *context;
	struct store *store;
	const struct runs_wanted *wanted;
	struct arena *arena; /* of one page */
	struct json_parser *parser;
	struct table *table; /* OUTPUT_TEXT */
	struct run_record *page;
	size_t count;
	struct watched *watched;
	size_t watched_count;
	int64_t after;
	bool failed, shown;
};

/* ---- Showing. ---- */

static void show(struct listing *l, const struct run_record *run)
{
	unsigned states = l->wanted->query.states;
	struct run_view view;

	if (states != 0 && (states & 1u << run->state) == 0)
		return;
	if (!run_view_read(l->store, l->arena, l->parser, run, &view)) {
		l->failed = true;
		return;
	}
	l->shown = true;
	if (l->table != NULL)
		run_view_row(l->table, &view);
	else
		run_view_json(&l->context->out, &view, false);
	if (l->context->out.n > MIB)
		l->failed = !context_flush(l->context);
}

static void flush(struct listing *l)
{
	if (l->table != NULL && !table_write(l->table, &l->context->out, l->context->colour))
		l->failed = true;
	if (!context_flush(l->context))
		l->failed = true;
	l->shown = false;
}

/* ---- Watching what may still move. ---- */

/* What was given up may be tried again. */
static bool may_move(enum run_state state)
{
	return state != RUN_DONE && state != RUN_SKIPPED;
}

static void watch(struct listing *l, const struct run_record *run)
{
	if (!l->wanted->follow || !may_move(run->state))
		return;
	if (l->watched_count == WATCHED)
		memmove(l->watched, l->watched + 1, --l->watched_count * sizeof(*l->watched));
	l->watched[l->watched_count++] = (struct watched){ run->id, run->state };
}

static void look_again(struct listing *l)
{
	struct run_record run;
	size_t kept = 0;

	for (size_t i = 0; i < l->watched_count && !l->failed; i++) {
		struct watched w = l->watched[i];

		if (!store_get_run(l->store, l->arena, w.id, &run))
			continue;
		if (run.state != w.state)
			show(l, &run);
		w.state = run.state;
		if (may_move(run.state))
			l->watched[kept++] = w;
	}
	l->watched_count = kept;
	arena_reset(l->arena);
}

/* ---- Pages. ---- */

static bool take(void *of, const struct run_record *run)
{
	struct listing *l = of;
	struct run_record *copy = &l->page[l->count++];

	*copy = *run;
	copy->rule = text_dup(l->arena, run->rule);
	copy->revision = text_dup(l->arena, run->revision);
	copy->key = text_dup(l->arena, run->key);
	copy->reason = text_dup(l->arena, run->reason);
	copy->steps = text_dup(l->arena, run->steps);
	l->after = run->id;
	return l->count < PAGE;
}

/* All runs after l->after. */
static void read_pages(struct listing *l)
{
	struct run_query query = l->wanted->query;

	query.limit = PAGE;
	if (l->wanted->follow)
		query.states = 0; /* one that is open now may get there */
	do {
		l->count = 0;
		query.after_id = l->after;
		if (store_query_runs(l->store, &query, take, l) != FATE_OK ||
		    arena_failed(l->arena))
			l->failed = true;
		for (size_t i = 0; i < l->count && !l->failed; i++) {
			show(l, &l->page[i]);
			watch(l, &l->page[i]);
		}
		arena_reset(l->arena);
		if (l->table != NULL && table_rows(l->table) >= LIMIT_COMMAND_ROWS)
			flush(l);
	} while (l->count == PAGE && !l->failed);
}

static bool take_oldest(void *of, const struct run_record *run)
{
	int64_t *id = of;

	*id = run->id;
	return true;
}

static void skip_to_newest(struct listing *l)
{
	struct run_query query = l->wanted->query;
	int64_t oldest = 0;

	if (l->wanted->limit == 0)
		return;
	query.newest_first = true;
	query.limit = l->wanted->limit;
	if (store_query_runs(l->store, &query, take_oldest, &oldest) != FATE_OK)
		l->failed = true;
	l->after = oldest > 0 ? oldest - 1 : 0;
}

static int list(struct listing *l)
{
	skip_to_newest(l);
	read_pages(l);
	flush(l);
	while (l->wanted->follow && !l->failed) {
		setup_pause();
		look_again(l);
		read_pages(l);
		if (l->shown)
			flush(l);
	}
	if (!l->failed)
		return COMMAND_OK;
	if (l->context->lost)
		return COMMAND_FAILED;
	return context_fail(l->context, COMMAND_FAILED, "the runs can't be read: %s",
			    store_last_error(l->store)->text);
}

int runs_list(struct context *context, struct store *store, const struct runs_wanted *wanted)
{
	AUTO(arena_free) struct arena *arena = arena_new("runs", LIMIT_COMMAND_ARENA);
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	AUTO(table_free) struct table *table = table_new(run_titles);
	struct listing l = {
		.context = context,
		.store = store,
		.wanted = wanted,
		.arena = arena,
		.parser = parser,
		.table = context->format == OUTPUT_TEXT ? table : NULL,
		.page = arena_array(context->arena, PAGE, sizeof(*l.page)),
		.watched = arena_array(context->arena, WATCHED, sizeof(*l.watched)),
	};

	assert(store != NULL && wanted != NULL);
	if (arena == NULL || parser == NULL || table == NULL || l.page == NULL || l.watched == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	return list(&l);
}

bool runs_states(struct context *context, const char *words, unsigned *states)
{
	struct text rest = text_of(words), word;
	enum run_state state;

	*states = 0;
	while (rest.n > 0) {
		rest = text_split(rest, ',', &word);
		if (!run_state_parse(text_trim(word), &state)) {
			(void)context_usage(
			    context,
			    "there is no state \"%.*s\"; there are PENDING, STARTED, "
			    "WAITING, DONE, DEAD, IN_DOUBT, SKIPPED and HELD",
			    TEXT_ARG(word));
			return false;
		}
		*states |= 1u << state;
	}
	return true;
}
