/* SPDX-License-Identifier: Apache-2.0
 *
 * board.c - rows of counters, found by name on one thread and listed on others.
 *
 * The lists only grow, under the lock; the maps are the sequencer's alone. */
#include "engine/sequencer/board.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "engine/base/map.h"
#include "engine/base/mem.h"

struct board {
	struct map *by_source, *by_target; /* name -> its row; the sequencer's thread */
	pthread_mutex_t lock;              /* the lists */
	struct board_source *sources, **sources_end, *other_source;
	struct board_target *targets, **targets_end, *other_target;
};

/* ---- Rows. ---- */

static struct board_source *add_source(struct board *b, struct text name)
{
	struct board_source *row = map_get(b->by_source, name);

	if (row != NULL)
		return row;
	row = mem_zero(1, sizeof(*row) + name.n + 1);
	if (row == NULL || !map_put(b->by_source, name, row)) {
		mem_free(row);
		return NULL;
	}
	memcpy(row->name, name.s, name.n);
	pthread_mutex_lock(&b->lock);
	*b->sources_end = row;
	b->sources_end = &row->next;
	pthread_mutex_unlock(&b->lock);
	return row;
}

static void add_target(struct board *b, struct text name)
{
	struct board_target *row;

	if (map_get(b->by_target, name) != NULL)
		return;
	row = mem_zero(1, sizeof(*row) + name.n + 1);
	if (row == NULL || !map_put(b->by_target, name, row)) {
		mem_free(row);
		return;
	}
	memcpy(row->name, name.s, name.n);
	pthread_mutex_lock(&b->lock);
	*b->targets_end = row;
	b->targets_end = &row->next;
	pthread_mutex_unlock(&b->lock);
}

struct board *board_new(void)
{
	struct board *b = mem_zero(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	b->sources_end = &b->sources;
	b->targets_end = &b->targets;
	b->by_source = map_new();
	b->by_target = map_new();
	if (b->by_source != NULL && b->by_target != NULL) {
		b->other_source = add_source(b, TEXT("other"));
		add_target(b, TEXT("other"));
		b->other_target = map_get(b->by_target, TEXT("other"));
	}
	if (b->other_source != NULL && b->other_target != NULL)
		return b;
	board_free(b);
	return NULL;
}

void board_free(struct board *b)
{
	if (b == NULL)
		return;
	while (b->sources != NULL) {
		struct board_source *next = b->sources->next;

		mem_free(b->sources);
		b->sources = next;
	}
	while (b->targets != NULL) {
		struct board_target *next = b->targets->next;

		mem_free(b->targets);
		b->targets = next;
	}
	map_free(b->by_source);
	map_free(b->by_target);
	pthread_mutex_destroy(&b->lock);
	mem_free(b);
}

static void cover_polls(struct board *b, const struct connection *c)
{
	for (size_t i = 0; i < c->poll_count; i++) {
		struct board_source *row = add_source(b, c->polls[i].source);

		if (row != NULL)
			atomic_store(&row->every, c->polls[i].every);
	}
}

static void cover_schedule(struct board *b, struct text name)
{
	char room[160];
	int n = snprintf(room, sizeof(room), "schedule.%.*s", TEXT_ARG(name));

	if (n > 0 && (size_t)n < sizeof(room))
		(void)add_source(b, (struct text){ room, (size_t)n });
}

void board_cover(struct board *b, const struct config *config)
{
	assert(b != NULL && config != NULL);
	for (struct board_source *row = b->sources; row != NULL; row = row->next)
		atomic_store(&row->every, 0);
	(void)add_source(b, TEXT("tappet"));
	(void)add_source(b, TEXT("cli"));
	for (size_t i = 0; i < config->connection_count; i++) {
		const struct connection *c = &config->connections[i];

		(void)add_source(b, c->name); /* what its actions' replies told */
		add_target(b, c->name);
		cover_polls(b, c);
	}
	for (size_t i = 0; i < config->hook_count; i++)
		(void)add_source(b, config->hooks[i].name);
	for (size_t i = 0; i < config->schedule_count; i++)
		cover_schedule(b, config->schedules[i].name);
	for (size_t i = 0; i < config->plugin_count; i++) {
		(void)add_source(b, config->plugins[i].name);
		add_target(b, config->plugins[i].name);
	}
}

struct board_source *board_source(struct board *b, struct text name)
{
	struct board_source *row = map_get(b->by_source, name);

	return row != NULL ? row : b->other_source;
}

struct board_target *board_target(struct board *b, struct text name)
{
	struct board_target *row = map_get(b->by_target, name);

	return row != NULL ? row : b->other_target;
}

static const char *const fates[BOARD_FATES] = { "ok", "retry", "reject", "doubt" };

void board_fate(struct board_target *target, const char *fate)
{
	for (size_t i = 0; i < BOARD_FATES; i++)
		if (strcmp(fates[i], fate) == 0)
			target->ended[i]++;
}

/* ---- The page. Names of a configuration need no escapes. ---- */

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_events(const struct board *b, struct buf *out)
{
	static const char *const outcomes[BOARD_OUTCOMES] = { "recorded", "repeat", "refused" };

	family(out, "tappet_source_events_total", "counter",
	       "What sources brought, by what became of it.");
	for (const struct board_source *row = b->sources; row != NULL; row = row->next)
		for (size_t i = 0; i < BOARD_OUTCOMES; i++)
			buf_printf(
			    out, "tappet_source_events_total{source=\"%s\",outcome=\"%s\"} %llu\n",
			    row->name, outcomes[i],
			    (unsigned long long)atomic_load(&row->events[i]));
}

static void put_ms(struct buf *out, const char *name, const struct board_source *row, int64_t ms)
{
	buf_printf(out, "%s{source=\"%s\"} %lld.%03d\n", name, row->name, (long long)(ms / 1000),
		   (int)(ms % 1000));
}

static void put_polls(const struct board *b, struct buf *out)
{
	family(out, "tappet_poll_last_success_timestamp_seconds", "gauge",
	       "When a round of the poll succeeded last, 0 before the first.");
	for (const struct board_source *row = b->sources; row != NULL; row = row->next)
		if (atomic_load(&row->every) > 0)
			put_ms(out, "tappet_poll_last_success_timestamp_seconds", row,
			       atomic_load(&row->ok_at));
	family(out, "tappet_poll_interval_seconds", "gauge", "How often it is polled.");
	for (const struct board_source *row = b->sources; row != NULL; row = row->next)
		if (atomic_load(&row->every) > 0)
			put_ms(out, "tappet_poll_interval_seconds", row, atomic_load(&row->every));
	family(out, "tappet_poll_failures", "gauge", "Failures of the poll in a row.");
	for (const struct board_source *row = b->sources; row != NULL; row = row->next)
		if (atomic_load(&row->every) > 0)
			buf_printf(out, "tappet_poll_failures{source=\"%s\"} %lld\n", row->name,
				   (long long)atomic_load(&row->failures));
}

static void put_targets(const struct board *b, struct buf *out)
{
	family(out, "tappet_attempts_ended_total", "counter",
	       "Attempts by connection or plugin, and fate.");
	for (const struct board_target *row = b->targets; row != NULL; row = row->next)
		for (size_t i = 0; i < BOARD_FATES; i++)
			buf_printf(
			    out, "tappet_attempts_ended_total{target=\"%s\",fate=\"%s\"} %llu\n",
			    row->name, fates[i], (unsigned long long)atomic_load(&row->ended[i]));
	family(out, "tappet_target_runs_waiting", "gauge",
	       "Runs that wait for nothing but a free slot of their target.");
	for (const struct board_target *row = b->targets; row != NULL; row = row->next)
		buf_printf(out, "tappet_target_runs_waiting{target=\"%s\"} %llu\n", row->name,
			   (unsigned long long)atomic_load(&row->waiting));
}

void board_metrics(struct board *b, struct buf *out)
{
	assert(b != NULL && out != NULL);
	pthread_mutex_lock(&b->lock);
	put_events(b, out);
	put_polls(b, out);
	put_targets(b, out);
	pthread_mutex_unlock(&b->lock);
}
