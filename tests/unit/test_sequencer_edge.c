/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules with edge: what each thing that may happen between a rise and a fall does to
 * them. docs/decisions/022-edges.md has the table of cases; its rows name these tests.
 *
 * A batch fails by the fault point "store.commit", so that one needs -Dfaults=true
 * and does nothing without. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  api: { connector: http, base_url: \"http://127.0.0.1:1\" }\n"                           \
	"  kantata: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: t }\n"

/* `more` begins with a line's end. */
#define NAMED(id, key, limit, word, more)                                                          \
	"  - id: " id "\n"                                                                         \
	"    on: [hook.go, kantata.workspace.updated]\n"                                           \
	"    key: " key "\n"                                                                       \
	"    when: object.n > " limit "\n"                                                         \
	"    edge: true" more "\n"                                                                 \
	"    do: [ { http.request: { method: POST, url: \"/" word "/${object.k}\" }, via: api,\n"  \
	"            retry: { attempts: 1 } } ]\n"                                                 \
	"    clear: [ { http.request: { method: POST, url: \"/clear/${object.k}\" }, via: api } "  \
	"]\n"
#define A(limit, word, more) NAMED("a", "object.k", limit, word, more)
#define RULE                 "rules:\n" A("10", "do", "")

static int events; /* so far, in this test: what names their deliveries */

static void start(struct world *w, const char *rules)
{
	events = 0;
	world_init(w, CONFIG, rules);
}

/* One batch with the event; then credit. */
static void event(struct world *w, const char *key, int n)
{
	char id[16], body[100];

	(void)snprintf(id, sizeof(id), "%d", ++events);
	(void)snprintf(body, sizeof(body), "{\"k\":\"%s\",\"name\":\"n%s\",\"n\":%d}", key, key, n);
	world_hook(w, "go", id, body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 4);
}

static void changed(struct world *w, const char *type, const char *data, const char *before)
{
	world_change(w, type, "7", before, data);
	world_grant(w, 4);
}

/* An event that makes no request, and after which so many runs have been. */
static void nothing(struct world *w, const char *key, int n, int64_t runs)
{
	event(w, key, n);
	ck_assert_uint_eq(w->out.attempt_count, 0);
	ck_assert_int_eq(store_last_run(w->store), runs);
}

/* False with the first event, true with the second: run 1. */
static void activate(struct world *w, const char *rules)
{
	start(w, rules);
	nothing(w, "x", 1, 0);
	event(w, "x", 50);
	world_acts(w, "/do/x");
}

static void falls(struct world *w)
{
	event(w, "x", 2);
	world_acts(w, "/clear/x");
}

START_TEST(it_acts_on_turns_only)
{
	struct world w;

	activate(&w, RULE);
	nothing(&w, "x", 60, 1);
	falls(&w);
	nothing(&w, "x", 3, 2);
	event(&w, "x", 70);
	world_acts(&w, "/do/x");
	world_fini(&w);
}
END_TEST

START_TEST(the_first_sight_arms_what_is_true)
{
	struct world w;

	start(&w, RULE);
	nothing(&w, "x", 50, 0);
	nothing(&w, "x", 60, 0);
	falls(&w); /* also what was only armed */
	event(&w, "x", 50);
	world_acts(&w, "/do/x");
	world_fini(&w);
}
END_TEST

START_TEST(or_fires)
{
	struct world w;

	start(&w, "rules:\n" A("10", "do", "\n    first: fire"));
	event(&w, "x", 50);
	world_acts(&w, "/do/x");
	world_fini(&w);
}
END_TEST

/* The first event that the rule ever sees is a sight of its key like any other. */
START_TEST(the_first_sight_may_be_false)
{
	struct world w;

	activate(&w, RULE);
	nothing(&w, "y", 9, 1);
	event(&w, "y", 50);
	world_acts(&w, "/do/y");
	world_fini(&w);
}
END_TEST

START_TEST(what_it_was_before_makes_the_first_sight_a_turn)
{
	struct world w;

	start(&w, RULE);
	changed(&w, "kantata.workspace.updated", "{\"k\":\"x\",\"n\":50}",
		"{\"k\":\"x\",\"n\":40}");
	ck_assert_int_eq(store_last_run(w.store), 0);
	changed(&w, "kantata.workspace.updated", "{\"k\":\"y\",\"n\":50}", "{\"k\":\"y\",\"n\":4}");
	world_acts(&w, "/do/y");
	world_fini(&w);
}
END_TEST

START_TEST(a_restart_keeps_what_is_active)
{
	struct world w;

	activate(&w, RULE);
	world_crash(&w);
	nothing(&w, "x", 60, 1);
	world_crash(&w);
	falls(&w);
	world_crash(&w);
	event(&w, "x", 60); /* seen false, before it */
	world_acts(&w, "/do/x");
	world_fini(&w);
}
END_TEST

START_TEST(a_failed_batch_turns_nothing)
{
	struct world w;

	if (!HAVE_FAULTS)
		return;
	activate(&w, RULE);
	world_hook(&w, "go", "lost", "{\"k\":\"x\",\"n\":1}");
	world_fails(&w);
	ck_assert_int_eq(w.out.replies[0].status, 503);
	world_advance(&w, 60000);
	nothing(&w, "x", 60, 1);
	falls(&w);
	world_fini(&w);
}
END_TEST

static void reloads_to(struct world *w, const char *rules)
{
	world_reload(w, CONFIG, rules);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

START_TEST(a_reload_changes_nothing)
{
	struct world w;

	activate(&w, RULE);
	reloads_to(&w, RULE);
	nothing(&w, "x", 60, 1);
	reloads_to(&w, RULE);
	falls(&w);
	world_fini(&w);
}
END_TEST

/* One with the same key is added, edited, removed: it is young, the other isn't. */
START_TEST(an_edit_of_another_rule_changes_nothing)
{
	struct world w;

	activate(&w, RULE);
	nothing(&w, "y", 1, 1);
	reloads_to(&w, RULE NAMED("b", "object.k", "10", "b", ""));
	nothing(&w, "x", 60, 1); /* b is armed */
	nothing(&w, "y", 2, 1);
	event(&w, "y", 50);
	ck_assert_uint_eq(w.out.attempt_count, 2);
	world_settle(&w);
	reloads_to(&w, RULE NAMED("b", "object.k", "20", "b", ""));
	nothing(&w, "x", 61, 3);
	reloads_to(&w, RULE);
	nothing(&w, "x", 62, 3);
	falls(&w);
	world_fini(&w);
}
END_TEST

START_TEST(an_edit_of_the_condition_keeps_what_is_active)
{
	struct world w;

	activate(&w, RULE);
	nothing(&w, "y", 30, 1); /* armed */
	nothing(&w, "z", 8, 1);
	reloads_to(&w, "rules:\n" A("40", "do", ""));
	nothing(&w, "x", 50, 1);
	event(&w, "y", 30); /* false by the new text */
	world_acts(&w, "/clear/y");
	reloads_to(&w, "rules:\n" A("5", "do", ""));
	event(&w, "z", 8); /* true by the new text */
	world_acts(&w, "/do/z");
	world_fini(&w);
}
END_TEST

START_TEST(an_edit_of_the_key_begins_anew)
{
	struct world w;

	activate(&w, RULE);
	reloads_to(&w, "rules:\n" NAMED("a", "object.name", "10", "do", ""));
	nothing(&w, "x", 50, 1); /* armed under nx */
	falls(&w);
	nothing(&w, "x", 2, 2); /* and only once: nobody hears of x */
	reloads_to(&w, RULE);
	falls(&w); /* that one is active still */
	world_fini(&w);
}
END_TEST

START_TEST(an_edit_of_the_steps_counts_from_the_next_turn)
{
	struct world w;

	start(&w, RULE);
	nothing(&w, "x", 1, 0);
	event(&w, "x", 50);
	ck_assert_uint_eq(w.out.attempt_count, 1); /* under way while the text changes */
	struct attempt_out one = w.out.attempts[0];

	reloads_to(&w, "rules:\n" A("10", "new", ""));
	world_reply(&w, &one, 200, "{}");
	nothing(&w, "x", 60, 1);
	falls(&w);
	event(&w, "x", 50);
	world_acts(&w, "/new/x");
	world_fini(&w);
}
END_TEST

START_TEST(another_id_begins_anew)
{
	struct world w;

	activate(&w, RULE);
	reloads_to(&w, "rules:\n" NAMED("other", "object.k", "10", "do", ""));
	nothing(&w, "x", 50, 1); /* armed */
	falls(&w);
	event(&w, "x", 50);
	world_acts(&w, "/do/x");
	reloads_to(&w, RULE); /* what was active under the first id is so again */
	nothing(&w, "x", 50, 3);
	world_fini(&w);
}
END_TEST

START_TEST(a_rule_that_was_off_knows_where_it_was)
{
	static const char *const without[] = { "rules:\n" A("10", "do", "\n    mode: off"),
					       "rules: []\n" };

	for (int i = 0; i < 2; i++) {
		struct world w;

		activate(&w, RULE);
		reloads_to(&w, without[i]);
		nothing(&w, "x", 1, 1);
		reloads_to(&w, RULE);
		nothing(&w, "x", 60, 1); /* it missed both turns */
		reloads_to(&w, without[i]);
		nothing(&w, "x", 1, 1);
		reloads_to(&w, RULE);
		falls(&w);
		world_fini(&w);
	}
}
END_TEST

START_TEST(from_shadow_to_live_begins_anew)
{
	struct world w;

	start(&w, "rules:\n" A("10", "do", "\n    mode: shadow"));
	nothing(&w, "x", 1, 0);
	nothing(&w, "x", 50, 1);
	ck_assert_int_eq(world_state(&w, 1), RUN_SKIPPED);
	reloads_to(&w, RULE);
	nothing(&w, "x", 50, 1); /* armed */
	falls(&w);
	event(&w, "x", 50);
	world_acts(&w, "/do/x");
	reloads_to(&w, "rules:\n" A("10", "do", "\n    mode: shadow"));
	nothing(&w, "x", 1, 4); /* in shadow it has been active since, and clears there */
	ck_assert_int_eq(world_state(&w, 4), RUN_SKIPPED);
	reloads_to(&w, RULE);
	falls(&w);
	world_fini(&w);
}
END_TEST

START_TEST(the_end_of_the_object_clears)
{
	struct world w;

	start(&w, RULE);
	changed(&w, "kantata.workspace.updated", "{\"k\":\"x\",\"n\":50}", "{\"k\":\"x\",\"n\":4}");
	world_acts(&w, "/do/x");
	changed(&w, "kantata.workspace.deleted", "null", "{\"k\":\"x\",\"n\":50}");
	world_acts(&w, "/clear/x");
	changed(&w, "kantata.workspace.deleted", "null", "{\"k\":\"x\",\"n\":50}");
	ck_assert_int_eq(store_last_run(w.store), 2);
	world_fini(&w);
}
END_TEST

START_TEST(a_throttle_holds_back_do_and_not_the_state)
{
	struct world w;

	activate(&w, "rules:\n" A("10", "do", "\n    throttle: { every: 1h }"));
	falls(&w);
	nothing(&w, "x", 50, 3);
	ck_assert_int_eq(world_state(&w, 3), RUN_SKIPPED);
	world_advance(&w, 2 * 3600 * 1000);
	nothing(&w, "x", 60, 3); /* active: not told later */
	falls(&w);
	event(&w, "x", 50);
	world_acts(&w, "/do/x");
	world_fini(&w);
}
END_TEST

START_TEST(a_failed_step_is_not_tried_by_the_next_event)
{
	struct world w;

	start(&w, RULE);
	nothing(&w, "x", 1, 0);
	event(&w, "x", 50);
	world_answer(&w, 0, 422, "");
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	nothing(&w, "x", 60, 1);
	world_push(&w, &(struct input){ .kind = INPUT_COMMAND,
					.command = { .kind = COMMAND_DEAD_RETRY, .run = 1 } });
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_acts(&w, "/do/x");
	falls(&w);
	world_fini(&w);
}
END_TEST

START_TEST(what_cannot_be_evaluated_turns_nothing)
{
	struct world w;

	activate(&w, RULE);
	world_hook(&w, "go", "blind", "{\"k\":\"x\"}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	nothing(&w, "x", 60, 1);
	falls(&w);
	world_fini(&w);
}
END_TEST

START_TEST(both_turns_in_one_batch_keep_their_order)
{
	struct world w;

	start(&w, RULE);
	world_hook(&w, "go", "1", "{\"k\":\"x\",\"n\":1}");
	world_hook(&w, "go", "2", "{\"k\":\"x\",\"n\":50}");
	world_hook(&w, "go", "3", "{\"k\":\"x\",\"n\":2}");
	world_hook(&w, "go", "4", "{\"k\":\"x\",\"n\":51}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_acts(&w, "/do/x");
	world_acts(&w, "/clear/x");
	world_acts(&w, "/do/x");
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_edge", it_acts_on_turns_only, the_first_sight_arms_what_is_true, or_fires,
	  the_first_sight_may_be_false, what_it_was_before_makes_the_first_sight_a_turn,
	  a_restart_keeps_what_is_active, a_failed_batch_turns_nothing, a_reload_changes_nothing,
	  an_edit_of_another_rule_changes_nothing, an_edit_of_the_condition_keeps_what_is_active,
	  an_edit_of_the_key_begins_anew, an_edit_of_the_steps_counts_from_the_next_turn,
	  another_id_begins_anew, a_rule_that_was_off_knows_where_it_was,
	  from_shadow_to_live_begins_anew, the_end_of_the_object_clears,
	  a_throttle_holds_back_do_and_not_the_state, a_failed_step_is_not_tried_by_the_next_event,
	  what_cannot_be_evaluated_turns_nothing, both_turns_in_one_batch_keep_their_order)
