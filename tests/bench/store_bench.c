/* SPDX-License-Identifier: Apache-2.0
 *
 * store_bench - how many webhooks a second the store can take, on disk.
 *
 *   store_bench [STORE [PAIRS]]      default sqlite:store-bench.db, 200000
 *
 * A pair is what one webhook costs: in one batch a dedupe look-up and entry, an
 * event of 1.4 KB and a run; in a later batch an attempt and the run's change.
 * Batches hold 64 of each. Prints pairs and row operations a second for every
 * fifth of the work, so that growth shows, and the slowest commit. The store
 * must not exist; it is left behind for a look at its size. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/store/store.h"

#define BATCH        64
#define OPS_PER_PAIR 6 /* get and put seen, event, run; attempt, update */

struct bench {
	struct store *store;
	struct arena *arena;
	char data[1400];
	int64_t slowest; /* ms, one commit */
};

static int64_t now(void)
{
	struct clock clock = clock_system();

	return clock_read(&clock).mono;
}

static void fill_data(struct bench *b)
{
	memset(b->data, 'x', sizeof(b->data));
	memcpy(b->data, "{\"a\":\"", 6);
	memcpy(b->data + sizeof(b->data) - 2, "\"}", 2);
}

static void put_pair_first(struct bench *b, int64_t n)
{
	char key[64], id[HASH_HEX];
	struct text seen;
	int length = snprintf(key, sizeof(key), "7c0ab0e2-%08" PRId64 "-4f0f-b7a9-0123456789ab", n);
	const struct text parts[] = { TEXT("github"), { key, (size_t)length } };

	hash_name(parts, 2, id);
	if (store_get_seen(b->store, b->arena, parts[0], parts[1], n, &seen))
		abort();
	store_put_seen(b->store, parts[0], parts[1], text_of(id), n + 777600000);
	store_put_event(b->store, &(struct event_record){ .seq = n,
							  .id = text_of(id),
							  .source = TEXT("github"),
							  .type = TEXT("github.push"),
							  .subject = TEXT("octo/hello"),
							  .time = n,
							  .received = n,
							  .data = { b->data, sizeof(b->data) },
							  .before = TEXT("null") });
	store_put_run(b->store,
		      &(struct run_record){ .id = n,
					    .event = n,
					    .rule = TEXT("tell_slack"),
					    .revision = TEXT("0123456789abcdef0123456789abcdef"),
					    .key = TEXT("octo/hello"),
					    .state = RUN_STARTED,
					    .created = n,
					    .updated = n,
					    .attempt = 1 });
}

static void put_pair_second(struct bench *b, int64_t n)
{
	store_put_attempt(
	    b->store,
	    &(struct attempt_record){ .run = n,
				      .n = 1,
				      .started = n,
				      .ended = n + 20,
				      .status = 200,
				      .fate = TEXT("ok"),
				      .key = TEXT("0123456789abcdef0123456789abcdef"),
				      .request = TEXT("{\"method\":\"POST\",\"url\":"
						      "\"https://example.com/hook\",\"body\":{}}"),
				      .reply = TEXT("{\"ok\":true}") });
	store_update_run(b->store,
			 &(struct run_record){ .id = n,
					       .state = RUN_DONE,
					       .updated = n + 20,
					       .step = 1,
					       .attempt = 1,
					       .steps = TEXT("[{\"as\":\"post\",\"status\":200,"
							     "\"result\":{\"ok\":true}}]") });
}

/* One batch: 64 new webhooks, and the outcomes of the 64 before. */
static void run_batch(struct bench *b, int64_t first)
{
	int64_t start;

	store_begin(b->store);
	for (int64_t n = first; n < first + BATCH; n++) {
		put_pair_first(b, n);
		if (n > BATCH)
			put_pair_second(b, n - BATCH);
	}
	start = now();
	if (store_commit(b->store) != FATE_OK) {
		fprintf(stderr, "%s\n", store_last_error(b->store)->text);
		exit(1);
	}
	if (now() - start > b->slowest)
		b->slowest = now() - start;
	arena_reset(b->arena);
}

static void run_fifth(struct bench *b, int64_t *next, int64_t pairs)
{
	int64_t start = now(), from = *next, ms;
	double rate;

	b->slowest = 0;
	for (; *next < from + pairs; *next += BATCH)
		run_batch(b, *next);
	ms = now() - start;
	rate = (double)(*next - from) * 1000.0 / (double)(ms > 0 ? ms : 1);
	printf("pairs %" PRId64 " ms %" PRId64 " pairs_per_second %.0f ops_per_second %.0f"
	       " slowest_commit_ms %" PRId64 "\n",
	       *next - 1, ms, rate, rate * OPS_PER_PAIR, b->slowest);
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct store_error error;
	int64_t pairs = argc > 2 ? atoll(argv[2]) : 200000, next = 1;

	if (store_open(argc > 1 ? argv[1] : "sqlite:store-bench.db", &b.store, &error) != FATE_OK) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	if (store_last_event(b.store) != 0) {
		fprintf(stderr, "the store is not empty\n");
		return 1;
	}
	b.arena = arena_new("bench", 1u << 20);
	fill_data(&b);
	for (int fifth = 0; fifth < 5; fifth++)
		run_fifth(&b, &next, pairs / 5);
	arena_free(b.arena);
	store_close(b.store);
	return 0;
}
