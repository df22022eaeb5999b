/* SPDX-License-Identifier: Apache-2.0
 *
 * play.c - see play.h. */
#include "tests/power/play.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/sequencer/record.h"
#include "engine/store/sqlite_internal.h"

#define LARGE  (1000 * 1000) /* bytes of one event */
#define LARGES 5

/* ---- What senders do. ---- */

/* {"id":"...","repeat":true}: a sender that repeats itself is told the first id. */
static void note_event(struct bridge *b, int n)
{
	struct entry entry = { .what = PROMISE_EVENT, .n = n };
	bool repeat = strstr(b->answer, "\"repeat\":true") != NULL;

	if (sscanf(b->answer, "{\"id\":\"%40[0-9a-f]", entry.name) != 1)
		bridge_wrong(b, "order %d was answered %s", n, b->answer);
	for (size_t i = 0; i < b->book_count; i++) {
		const struct entry *old = &b->book[i];

		if (old->what == PROMISE_EVENT && old->n == n &&
		    (!repeat || strcmp(old->name, entry.name) != 0))
			bridge_wrong(b, "order %d was %s, now it is answered %s", n, old->name,
				     b->answer);
	}
	if (!repeat)
		bridge_note(b, entry);
}

static void order(struct bridge *b, int n, bool follow)
{
	char id[24], body[100];
	int status;

	(void)snprintf(id, sizeof(id), "order-%d", n);
	(void)snprintf(body, sizeof(body), "{\"k\":\"k%d\",\"n\":%d,\"items\":[1,2]}", n % 3, n);
	status = bridge_ask(b, (struct input){ .kind = INPUT_HOOK,
					       .hook = { .hook = TEXT("orders"),
							 .body = text_of(body),
							 .media = TEXT("application/json"),
							 .sender_id = text_of(id) } });
	if (status == 202)
		note_event(b, n);
	else if (status != 0)
		bridge_wrong(b, "%s was answered %d: %s", id, status, b->answer);
	if (follow)
		bridge_settle(b);
}

static void place(struct bridge *b, int op, int64_t seq)
{
	struct entry entry = { .what = PROMISE_PLACE, .name = "c", .n = seq };
	struct input input = { .kind = INPUT_PLACE,
			       .place = { .plugin = TEXT("p"), .cursor = TEXT("c"), .seq = seq } };

	input.place.op = op;
	if (bridge_ask(b, input) == 200 && op == PLACE_MOVE)
		bridge_note(b, entry);
}

static void manifest(struct bridge *b, int version)
{
	struct entry entry = { .what = PROMISE_MANIFEST, .name = "p", .n = version };
	char json[64];
	struct input input = { .kind = INPUT_MANIFEST, .manifest = { .plugin = TEXT("p") } };

	(void)snprintf(json, sizeof(json), "{\"version\":\"%d\"}", version);
	input.manifest.json = text_of(json);
	if (bridge_ask(b, input) == 200)
		bridge_note(b, entry);
}

struct finding {
	int64_t run;
};

static bool take_first(void *of, const struct run_record *run)
{
	struct finding *finding = of;

	finding->run = run->id;
	return false;
}

static bool take_seq(void *of, const struct event_record *event)
{
	int64_t *seq = of;

	*seq = event->seq;
	return false;
}

/* The first run of this state. */
static void command(struct bridge *b, enum run_state state, enum command_kind kind)
{
	const struct run_query query = { .states = 1u << state, .limit = 1 };
	struct finding finding = { 0 };

	if (!bridge_goes(b) ||
	    store_query_runs(b->store, &query, take_first, &finding) != FATE_OK || finding.run == 0)
		return;
	bridge_note(b, (struct entry){ .what = PROMISE_DECIDED, .run = finding.run });
	(void)bridge_ask(b, (struct input){ .kind = INPUT_COMMAND,
					    .command = { .kind = kind, .run = finding.run } });
	bridge_settle(b);
}

/* As if the log were long: the next commit wakes the thread that copies it, or copies it itself and
 * begins it anew. */
static void want_copy(struct bridge *b, bool itself)
{
	if (!bridge_goes(b))
		return;
	if (itself)
		b->store->wal_tried = INT_MIN / 2;
	else
		b->store->wal_woken = INT_MIN / 2;
}

static void restart(struct bridge *b)
{
	if (!bridge_goes(b))
		return;
	bridge_close(b);
	bridge_open(b);
	bridge_settle(b);
}

/* ---- The scenarios. ---- */

void play_short(struct bridge *b)
{
	bridge_open(b);
	bridge_settle(b);
	order(b, 1, true);
	manifest(b, 1);
	order(b, 2, false); /* what it begins ends with the next ones */
	order(b, 3, true);
	place(b, PLACE_OPEN, PLACE_START);
	place(b, PLACE_MOVE, 2);
	bridge_advance(b, 2000);
	want_copy(b, true);
	order(b, 1, true); /* a repeat */
	bridge_advance(b, 60000);
}

static void play_middle(struct bridge *b)
{
	order(b, 4, false);
	if (bridge_goes(b))
		bridge_reload(b, 1);
	order(b, 5, true);
	command(b, RUN_IN_DOUBT, COMMAND_RESOLVE_DONE);
	restart(b);
	manifest(b, 2);
	want_copy(b, false);
	order(b, 6, true);
	bridge_advance(b, 2000);
	command(b, RUN_DEAD, COMMAND_DEAD_RETRY);
	command(b, RUN_IN_DOUBT, COMMAND_RESOLVE_REPEAT);
	place(b, PLACE_MOVE, 5);
	bridge_advance(b, 60000);
	want_copy(b, true);
	order(b, 7, false);
}

/* Events that were received up to here may be forgotten soon. */
static void grow_old(struct bridge *b)
{
	struct entry entry = { .what = PROMISE_FORGOT };

	if (!bridge_goes(b))
		return;
	entry.n = store_last_event(b->store);
	entry.run = store_last_run(b->store);
	bridge_note(b, entry);
	bridge_advance(b, 3 * INT64_C(3600000));
	bridge_advance(b, 600000);
}

/* A sweep over what doesn't happen shows nothing. */
static void check_throttled(struct bridge *b)
{
	const struct run_query skipped = { .states = 1u << RUN_SKIPPED, .limit = 1 };
	struct finding throttled = { 0 };

	if (bridge_goes(b) && !b->troubled &&
	    (store_query_runs(b->store, &skipped, take_first, &throttled) != FATE_OK ||
	     throttled.run == 0))
		bridge_wrong(b, "no run was throttled");
}

static void check_all_happened(struct bridge *b)
{
	static const enum run_state states[] = { RUN_DONE, RUN_DEAD, RUN_IN_DOUBT };
	const struct event_query oldest = { .limit = 1 };
	int64_t seq = 0;

	if (!bridge_goes(b) || b->troubled) /* not all of it happens then */
		return;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (b->ended[states[i]] == 0)
			bridge_wrong(b, "no run was %s", run_state_word(states[i]));
	if (b->fetches < 3 || store_count_rows(b->store, TEXT("links")) < 3)
		bridge_wrong(b, "%u pages, %lld rows", b->fetches,
			     (long long)store_count_rows(b->store, TEXT("links")));
	if (store_query_events(b->store, &oldest, take_seq, &seq) != FATE_OK || seq <= 5)
		bridge_wrong(b, "nothing was forgotten: the first event is %lld", (long long)seq);
}

void play_all(struct bridge *b)
{
	play_short(b);
	play_middle(b);
	restart(b);
	bridge_settle(b);
	check_throttled(b);
	grow_old(b);
	order(b, PLAY_ORDERS, true);
	bridge_advance(b, 2000);
	order(b, 2, true); /* a repeat, of what is forgotten but for its name */
	check_all_happened(b);
}

static void large(struct bridge *b, int n)
{
	struct input input = {
		.kind = INPUT_EVENT,
		.event = { .type = TEXT("large.thing"), .source = TEXT("test"), .time = INT64_MIN }
	};
	char *json = mem_alloc(LARGE);

	if (json == NULL) {
		bridge_wrong(b, "memory is out");
		return;
	}
	(void)memset(json, 'a' + n, LARGE);
	json[0] = json[LARGE - 1] = '"';
	input.event.data = (struct text){ json, LARGE };
	(void)bridge_ask(b, input);
	mem_free(json);
	bridge_settle(b);
}

void play_large(struct bridge *b)
{
	bridge_open(b);
	bridge_settle(b);
	order(b, 1, true);
	for (int i = 0; i < LARGES; i++)
		large(b, i);
	want_copy(b, true);
	order(b, 2, true);
	bridge_advance(b, 2000);
	grow_old(b);
	for (int i = 0; i < 4; i++)
		bridge_advance(b, 2000);
	want_copy(b, true);
	order(b, 3, true);
}

void play_on(struct bridge *b)
{
	bridge_open(b);
	play_again(b);
}

void play_again(struct bridge *b)
{
	for (int n = 1; n <= PLAY_ORDERS; n++)
		order(b, n, false);
	for (int i = 0; i < 4; i++)
		bridge_advance(b, 15000);
}
