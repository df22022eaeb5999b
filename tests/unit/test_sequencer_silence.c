/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_silence - silent_after: hooks and polls that should speak and don't,
 * told once, across crashes, reloads and clocks that jump. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define HOURS(n)      ((int64_t)(n)*3600000)
#define MINUTES(n)    ((int64_t)(n)*60000)
#define HOOK(options) "rules: [rules.yaml]\nhooks: { deals: { verify: none" options " } }\n"
#define WATCHED       HOOK(", silent_after: 2h")
#define POLLED                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"connections:\n"                                                                           \
	"  kantata:\n"                                                                             \
	"    connector: kantata\n"                                                                 \
	"    base_url: \"http://127.0.0.1:1\"\n"                                                   \
	"    token: t\n"                                                                           \
	"    poll: { workspaces: { every: 60s, silent_after: 10m } }\n"
#define RULES  "rules:\n  - { id: note, on: \"tappet.source.*\" }\n"
#define SILENT "tappet.source.silent"
#define BACK   "tappet.source.back"

/* The event is told, and its data has `what`. */
static bool says(struct world *w, const char *type, const char *what)
{
	struct arena *arena = arena_new("test", 1u << 20);
	const struct event_out *out = world_told(w, type);
	struct event_record event;
	bool found = out != NULL && store_get_event_by_id(w->store, arena, out->id, &event) &&
		     text_find(event.data, text_of(what)) != SIZE_MAX;

	arena_free(arena);
	return found;
}

static void deliver(struct world *w)
{
	world_hook(w, "deals", "", "{}");
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static void answer_poll(struct world *w, int status, const char *body)
{
	world_fetched(w, status, text_of(body));
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

START_TEST(a_silent_hook_is_told_once_and_its_return_too)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	world_advance(&w, HOURS(1));
	deliver(&w);
	ck_assert(!world_has_event(&w, BACK));
	world_advance(&w, HOURS(2) - 1);
	ck_assert(!world_has_event(&w, SILENT));
	ck_assert_int_eq(sequencer_next(w.sequencer), w.now.mono + 1);
	world_advance(&w, 1);
	ck_assert(says(&w, SILENT, "\"source\":\"deals\",\"kind\":\"hook\",\"heard_at\":\"2026-"));
	ck_assert(says(&w, SILENT, "\"error\":null"));
	world_advance(&w, HOURS(50));
	ck_assert(!world_has_event(&w, SILENT));
	deliver(&w);
	ck_assert(says(&w, BACK, "\"source\":\"deals\",\"kind\":\"hook\""));
	deliver(&w);
	ck_assert(!world_has_event(&w, BACK));
	world_advance(&w, HOURS(2));
	ck_assert(world_has_event(&w, SILENT));
	world_fini(&w);
}
END_TEST

START_TEST(a_hook_that_never_spoke_is_silent_too)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	world_advance(&w, HOURS(2));
	ck_assert(world_has_event(&w, SILENT));
	world_fini(&w);
}
END_TEST

/* A repeat proves that the sender lives; a body that is none proves nothing. */
START_TEST(a_repeat_is_heard_and_nonsense_is_not)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	world_hook(&w, "deals", "a", "{}");
	world_advance(&w, HOURS(1));
	world_hook(&w, "deals", "a", "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count, 0);
	world_advance(&w, HOURS(1));
	ck_assert(!world_has_event(&w, SILENT));
	world_hook(&w, "deals", "", "{not json");
	world_advance(&w, HOURS(1));
	ck_assert(world_has_event(&w, SILENT));
	world_fini(&w);
}
END_TEST

START_TEST(a_crash_neither_forgets_nor_repeats)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	world_advance(&w, HOURS(2));
	ck_assert(world_has_event(&w, SILENT));
	world_crash(&w);
	world_advance(&w, HOURS(3));
	ck_assert(!world_has_event(&w, SILENT));
	world_crash(&w);
	deliver(&w);
	ck_assert(world_has_event(&w, BACK));
	world_crash(&w);
	deliver(&w);
	ck_assert(!world_has_event(&w, BACK));
	world_fini(&w);
}
END_TEST

/* The daemon was down for long: its senders get a moment to come back. Restarts don't hide
 * a silence. */
START_TEST(after_a_start_there_is_a_grace)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	deliver(&w);
	w.now.wall += HOURS(9);
	world_crash(&w);
	ck_assert(!world_has_event(&w, SILENT));
	world_advance(&w, MINUTES(5) - 1);
	ck_assert(!world_has_event(&w, SILENT));
	deliver(&w);
	ck_assert(!world_has_event(&w, BACK));
	for (int i = 0; i < 8; i++) {
		world_advance(&w, MINUTES(14));
		ck_assert(!world_has_event(&w, SILENT));
		world_crash(&w);
	}
	world_advance(&w, MINUTES(14));
	ck_assert(world_has_event(&w, SILENT));
	world_fini(&w);
}
END_TEST

START_TEST(a_reload_changes_the_time_and_nothing_else)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	world_advance(&w, HOURS(1));
	world_reload(&w, HOOK(", silent_after: 3h"), RULES);
	world_advance(&w, HOURS(1));
	ck_assert(!world_has_event(&w, SILENT));
	world_advance(&w, HOURS(1));
	ck_assert(world_has_event(&w, SILENT));
	world_reload(&w, WATCHED, RULES);
	world_advance(&w, HOURS(9));
	ck_assert(!world_has_event(&w, SILENT));
	/* Out and in again: a new watch. */
	world_reload(&w, HOOK(""), RULES);
	world_advance(&w, HOURS(9));
	world_reload(&w, WATCHED, RULES);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_advance(&w, HOURS(2) - 1);
	ck_assert(!world_has_event(&w, SILENT));
	world_advance(&w, 1);
	ck_assert(world_has_event(&w, SILENT));
	world_fini(&w);
}
END_TEST

/* What was heard since the row was written counts. */
START_TEST(a_reload_forgets_nothing_that_was_heard)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	deliver(&w);
	world_advance(&w, MINUTES(7));
	deliver(&w);
	world_reload(&w, WATCHED, RULES);
	world_advance(&w, HOURS(2) - 1);
	ck_assert(!world_has_event(&w, SILENT));
	world_advance(&w, 1);
	ck_assert(world_has_event(&w, SILENT));
	world_fini(&w);
}
END_TEST

START_TEST(a_clock_that_was_set_back_is_no_life_sign_and_no_alarm)
{
	struct world w;

	world_init(&w, WATCHED, RULES);
	deliver(&w);
	w.now.wall -= HOURS(1000);
	world_crash(&w);
	world_advance(&w, HOURS(2) - 1);
	ck_assert(!world_has_event(&w, SILENT));
	world_advance(&w, 1);
	ck_assert(world_has_event(&w, SILENT));
	world_fini(&w);
}
END_TEST

/* A poll speaks when a round succeeds, whatever it finds. */
START_TEST(a_poll_that_fails_for_so_long_is_silent)
{
	struct world w;

	world_init(&w, POLLED, RULES);
	for (int i = 0; i < 20; i++) {
		answer_poll(&w, 200, "{\"count\":0,\"results\":[],\"workspaces\":{}}");
		world_advance(&w, MINUTES(1));
		ck_assert(!world_has_event(&w, SILENT));
	}
	bool silent = false;

	for (int i = 0; i < 30 && !silent; i++) {
		if (w.out.fetch_count > 0)
			answer_poll(&w, 500, "{}");
		world_advance(&w, MINUTES(1));
		silent = world_has_event(&w, SILENT);
		ck_assert(silent == (i >= 8));
	}
	ck_assert(says(&w, SILENT, "\"source\":\"kantata/workspaces\",\"kind\":\"poll\""));
	ck_assert(says(&w, SILENT, "\"error\":\"status 500"));
	while (w.out.fetch_count == 0)
		world_advance(&w, MINUTES(1));
	answer_poll(&w, 200, "{\"count\":0,\"results\":[],\"workspaces\":{}}");
	ck_assert(says(&w, BACK, "\"source\":\"kantata/workspaces\",\"kind\":\"poll\""));
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_silence", a_silent_hook_is_told_once_and_its_return_too,
	  a_hook_that_never_spoke_is_silent_too, a_repeat_is_heard_and_nonsense_is_not,
	  a_crash_neither_forgets_nor_repeats, after_a_start_there_is_a_grace,
	  a_reload_changes_the_time_and_nothing_else, a_reload_forgets_nothing_that_was_heard,
	  a_clock_that_was_set_back_is_no_life_sign_and_no_alarm,
	  a_poll_that_fails_for_so_long_is_silent)
