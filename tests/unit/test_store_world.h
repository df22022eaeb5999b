/* SPDX-License-Identifier: Apache-2.0
 *
 * test_store_world - a store in a directory of its own, and records to put in.
 *
 * world_fini closes the store and removes everything. */
#ifndef TAPPET_TESTS_UNIT_TEST_STORE_WORLD_H
#define TAPPET_TESTS_UNIT_TEST_STORE_WORLD_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/store/store.h"
#include "tests/unit/unit_main.h"

struct world {
	char dir[64];
	char path[96];
	char name[128]; /* of the store */
	struct store *store;
	struct arena *arena;
	struct store_error error;
};

/* `backend` is "sqlite:" or "memory:". */
static inline void world_init(struct world *w, const char *backend)
{
	memset(w, 0, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "/tmp/tappet-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/t.db", w->dir);
	if (strcmp(backend, "memory:") == 0)
		snprintf(w->name, sizeof(w->name), "memory:");
	else
		snprintf(w->name, sizeof(w->name), "sqlite:%s", w->path);
	w->arena = arena_new("test", 64u << 20);
	ck_assert_int_eq(store_open(w->name, &w->store, &w->error), FATE_OK);
}

static inline void world_fini(struct world *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", ".lock" };

	store_close(w->store);
	arena_free(w->arena);
	for (size_t i = 0; i < 5; i++) {
		char file[128];

		snprintf(file, sizeof(file), "%s%s", w->path, suffixes[i]);
		unlink(file);
	}
	ck_assert_int_eq(rmdir(w->dir), 0);
}

static inline void world_commit(struct world *w)
{
	enum fate fate = store_commit(w->store);

	ck_assert_msg(fate == FATE_OK, "%s", store_last_error(w->store)->text);
}

static inline void check_text(struct text got, const char *want)
{
	ck_assert_msg(text_is(got, want), "got \"%.*s\", want \"%s\"", TEXT_ARG(got), want);
}

/* Event n, received at n * 1000, with an id of 32 hex digits. */
static inline struct event_record event_of(struct world *w, int64_t n)
{
	return (struct event_record){
		.seq = n,
		.id = text_printf(w->arena, "%032llx", (unsigned long long)n),
		.source = TEXT("github"),
		.type = n % 2 == 0 ? TEXT("github.push") : TEXT("github.issues"),
		.subject = TEXT("octo/hello"),
		.connection = TEXT("gh"),
		.time = n * 1000 - 5,
		.received = n * 1000,
		.cause = n - 1,
		.depth = 2,
		.data = text_printf(w->arena, "{\"n\":%lld}", (long long)n),
		.before = TEXT("null"),
	};
}

static inline void put_event(struct world *w, int64_t n)
{
	struct event_record event = event_of(w, n);

	store_put_event(w->store, &event);
}

/* Run n of event `event`, created at n * 1000. */
static inline struct run_record run_of(int64_t n, int64_t event, enum run_state state)
{
	return (struct run_record){
		.id = n,
		.event = event,
		.rule = n % 2 == 0 ? TEXT("even") : TEXT("odd"),
		.revision = TEXT("r1"),
		.key = TEXT("octo/hello"),
		.state = state,
		.created = n * 1000,
		.updated = n * 1000,
		.attempt = 1,
	};
}

static inline void put_run(struct world *w, int64_t n, int64_t event, enum run_state state)
{
	struct run_record run = run_of(n, event, state);

	store_put_run(w->store, &run);
}

static inline void put_attempt(struct world *w, int64_t run, int step, int n)
{
	store_put_attempt(w->store, &(struct attempt_record){ .run = run,
							      .step = step,
							      .n = n,
							      .started = 10,
							      .ended = 20,
							      .status = 503,
							      .fate = TEXT("retry"),
							      .error = TEXT("busy"),
							      .key = TEXT("k-1"),
							      .request = TEXT("{\"url\":\"x\"}"),
							      .reply = TEXT("later") });
}

/* What a query visited, as "1 2 3 ". */
struct seen {
	char text[512];
	size_t n;
	size_t stop_after; /* 0: never */
	size_t count;
};

static inline bool seen_add(struct seen *seen, const char *word)
{
	seen->n +=
	    (size_t)snprintf(seen->text + seen->n, sizeof(seen->text) - seen->n, "%s ", word);
	ck_assert_uint_lt(seen->n, sizeof(seen->text));
	return ++seen->count != seen->stop_after;
}

static inline bool seen_number(struct seen *seen, int64_t n)
{
	char word[24];

	snprintf(word, sizeof(word), "%lld", (long long)n);
	return seen_add(seen, word);
}

static inline bool see_event(void *of, const struct event_record *event)
{
	return seen_number(of, event->seq);
}

static inline bool see_run(void *of, const struct run_record *run)
{
	return seen_number(of, run->id);
}

static inline bool see_attempt(void *of, const struct attempt_record *attempt)
{
	return seen_number(of, attempt->run * 100 + attempt->step * 10 + attempt->n);
}

static inline bool see_cursor(void *of, struct text source, struct text json)
{
	char word[64];

	snprintf(word, sizeof(word), "%.*s=%.*s", TEXT_ARG(source), TEXT_ARG(json));
	return seen_add(of, word);
}

static inline bool see_object(void *of, struct text id, uint64_t hash)
{
	char word[64];

	snprintf(word, sizeof(word), "%.*s=%llu", TEXT_ARG(id), (unsigned long long)hash);
	return seen_add(of, word);
}

static inline void check_events(struct store *store, struct event_query query, const char *want)
{
	struct seen seen = { 0 };

	ck_assert_int_eq(store_query_events(store, &query, see_event, &seen), FATE_OK);
	ck_assert_str_eq(seen.text, want);
}

static inline void check_runs(struct store *store, struct run_query query, const char *want)
{
	struct seen seen = { 0 };

	ck_assert_int_eq(store_query_runs(store, &query, see_run, &seen), FATE_OK);
	ck_assert_str_eq(seen.text, want);
}

#endif
