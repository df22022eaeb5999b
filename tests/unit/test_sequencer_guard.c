/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine wrote itself, as far as a test without a network can see: which
 * changes are echoes, for how long, and how deep the others are. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  kantata: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: t }\n"

#define RULES                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: mark\n"                                                                           \
	"    on: [hook.go, kantata.workspace.updated]\n"                                           \
	"    when: event.type == 'hook.go' || data.status.key != '300'\n"                          \
	"    do: [ kantata.workspace.update: { id: \"7\", workspace: { status_key: 305, title: "   \
	"Acme } } ]\n"                                                                             \
	"  - { id: other, on: kantata.workspace.updated }\n"

#define STATE(key, title)                                                                          \
	"{\"id\":\"7\",\"title\":\"" title "\",\"status\":{\"key\":\"" key "\",\"color\":\"c" key  \
	"\"},\"price_in_cents\":5}"

static void change(struct world *w, const char *before, const char *data)
{
	world_change(w, "kantata.workspace.updated", "7", before, data);
}

/* The rule has written; its reply shows nothing. */
static void written(struct world *w, int status)
{
	world_hook(w, "go", "", "{}");
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 4);
	ck_assert_uint_eq(w->out.attempt_count, 1);
	world_answer(w, 0, status, "{\"errors\":[{\"message\":\"no\"}]}");
}

/* Depth of the last event. */
static int depth(struct world *w)
{
	struct arena *arena = arena_new("test", MIB);
	struct event_record r;
	int d;

	ck_assert(store_get_event(w->store, arena, store_last_event(w->store), &r));
	d = r.depth;
	ck_assert((r.cause != 0) == (d != 0));
	arena_free(arena);
	return d;
}

/* So many echoes so far, and the last event is so deep. */
static void is(struct world *w, uint64_t echoes, int deep)
{
	ck_assert_uint_eq(sequencer_stats(w->sequencer)->echoes, echoes);
	ck_assert_int_eq(depth(w), deep);
}

/* A rule has written status 305 and the title Acme, which was answered so. */
static void start(struct world *w, int status)
{
	world_init(w, CONFIG, RULES);
	written(w, status);
}

START_TEST(what_a_rule_wrote_is_its_echo)
{
	struct world w;

	start(&w, 503); /* it may have had its effect */
	change(&w, STATE("300", "Beta"), STATE("305", "Acme"));
	is(&w, 1, 1);
	/* A second event tells of the same change. */
	change(&w, STATE("300", "Beta"), STATE("305", "Acme"));
	is(&w, 2, 1);
	world_fini(&w);
}
END_TEST

START_TEST(what_else_changed_makes_it_no_echo)
{
	struct world w;

	start(&w, 503);
	change(&w, STATE("300", "Beta"), STATE("305", "Gamma"));
	is(&w, 0, 1); /* the status is the rule's doing */
	change(&w, STATE("305", "Gamma"), STATE("405", "Gamma"));
	is(&w, 0, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_colour_alone_is_nobodys_echo)
{
	struct world w;

	start(&w, 503);
	change(&w, "{\"id\":\"7\",\"status\":{\"color\":\"a\"}}",
	       "{\"id\":\"7\",\"status\":{\"color\":\"b\"}}");
	is(&w, 0, 0);
	world_fini(&w);
}
END_TEST

START_TEST(set_again_by_somebody_else_it_counts)
{
	struct world w;

	start(&w, 503);
	change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
	is(&w, 1, 1);
	change(&w, STATE("305", "Acme"), STATE("300", "Acme"));
	change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
	is(&w, 1, 0);
	world_fini(&w);
}
END_TEST

START_TEST(it_is_remembered_for_ten_minutes_and_over_a_crash)
{
	struct world w;

	start(&w, 503);
	world_crash(&w);
	world_advance(&w, 599000);
	change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
	is(&w, 1, 1);
	world_advance(&w, 2000);
	change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
	is(&w, 1, 0);
	world_fini(&w);
}
END_TEST

START_TEST(it_is_remembered_for_as_long_when_the_clock_is_set)
{
	static const int64_t jumps[] = { -3600000, 86400000 };

	for (int i = 0; i < 2; i++) {
		struct world w;

		start(&w, 503);
		world_crash(&w);
		w.now.wall += jumps[i];
		world_advance(&w, 599000);
		change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
		is(&w, 1, 1);
		world_advance(&w, 2000);
		change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
		is(&w, 1, 0);
		world_fini(&w);
	}
}
END_TEST

/* Also what only came too early: who sets the value meanwhile is somebody else. */
START_TEST(a_refused_request_wrote_nothing)
{
	static const int refusals[] = { 422, 429 };

	for (int i = 0; i < 2; i++) {
		struct world w;

		start(&w, refusals[i]);
		change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
		is(&w, 0, 0);
		world_fini(&w);
	}
}
END_TEST

START_TEST(another_connection_or_object_is_another_matter)
{
	struct world w;
	struct input input = {
		.kind = INPUT_EVENT,
		.event = { .type = TEXT("kantata.workspace.updated"),
			   .source = TEXT("test"),
			   .subject = TEXT("8"),
			   .connection = TEXT("kantata"),
			   .time = INT64_MIN,
			   .data = text_of(STATE("305", "Acme")),
			   .before = text_of(STATE("300", "Acme")) },
	};

	start(&w, 503);
	world_push(&w, &input);
	input.event.subject = TEXT("7");
	input.event.connection = TEXT("second");
	world_push(&w, &input);
	input.event.connection = TEXT("");
	world_push(&w, &input);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	is(&w, 0, 0);
	world_fini(&w);
}
END_TEST

START_TEST(many_writes_of_one_object_leave_the_latest)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	for (int i = 0; i < LIMIT_WRITES + 4; i++) {
		change(&w, STATE("1", "x"), STATE("2", "x"));
		world_grant(&w, 4);
		if (w.out.attempt_count > 0)
			world_answer(&w, 0, 200,
				     "{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],"
				     "\"workspaces\":{\"7\":{\"id\":\"7\"}}}");
	}
	change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
	is(&w, 1, 1);
	world_fini(&w);
}
END_TEST

START_TEST(events_of_no_object_keep_their_cause)
{
	struct world w;

	world_init(&w, CONFIG,
		   "rules:\n  - { id: say, on: hook.go, do: [ tappet.emit: { type: com.acme.x } ] "
		   "}\n");
	world_hook(&w, "go", "", "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_answer(&w, 0, 200, "{\"type\":\"com.acme.x\"}");
	ck_assert(world_has_event(&w, "com.acme.x"));
	is(&w, 0, 1);
	world_fini(&w);
}
END_TEST

#define EACH                                                                                       \
	"rules:\n"                                                                                 \
	"  - id: each\n"                                                                           \
	"    on: [hook.go, kantata.workspace.updated]\n"                                           \
	"    when: event.type == 'hook.go'\n"                                                      \
	"    do:\n"                                                                                \
	"      - for_each: \"[305, 405]\"\n"                                                       \
	"        on_item_error: continue\n"                                                        \
	"        do: [ kantata.workspace.update: { id: \"7\", workspace: { status_key: "           \
	"\"${item}\" } } ]\n"

#define UNTOLD                                                                                     \
	"{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":{\"7\":{\"id\":"      \
	"\"7\"}}}"

/* Depths of the first and the second item's change, as they are seen after both. */
static void items_write(int first_status, int first_depth, int second_depth)
{
	struct world w;

	world_init(&w, CONFIG, EACH);
	world_hook(&w, "go", "", "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_answer(&w, 0, first_status,
		     first_status < 300 ? UNTOLD : "{\"errors\":[{\"message\":\"no\"}]}");
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_answer(&w, 0, 200, UNTOLD);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	change(&w, STATE("300", "Acme"), STATE("305", "Acme"));
	ck_assert_int_eq(depth(&w), first_depth);
	change(&w, STATE("305", "Acme"), STATE("405", "Acme"));
	ck_assert_int_eq(depth(&w), second_depth);
	world_fini(&w);
}

START_TEST(each_item_writes_for_itself)
{
	items_write(200, 1, 1);
	items_write(422, 0, 1);
}
END_TEST

/* Two connections to one product, one for reading and one for writing: the object is the same. */
START_TEST(another_connection_to_the_same_product_is_no_other_matter)
{
	struct world w;

	world_init(
	    &w,
	    CONFIG "  writer: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: u "
		   "}\n",
	    "rules:\n  - id: mark\n    on: [hook.go, kantata.workspace.updated]\n    do: [ { "
	    "kantata.workspace.update: { id: \"7\", workspace: { title: Acme } }, via: writer } "
	    "]\n");
	written(&w, 503);
	change(&w, STATE("305", "Beta"), STATE("305", "Acme"));
	is(&w, 1, 1);
	world_fini(&w);
}
END_TEST

/* The second attempt is refused, but the first one may have had its effect. */
START_TEST(a_refusal_tells_nothing_of_the_attempt_before)
{
	struct world w;

	start(&w, 503);
	world_advance(&w, 5000);
	world_grant(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_answer(&w, 0, 422, "{\"errors\":[{\"message\":\"no\"}]}");
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	change(&w, STATE("300", "Beta"), STATE("305", "Acme"));
	is(&w, 1, 1);
	world_fini(&w);
}
END_TEST

#define TASKS(n)                                                                                   \
	"{\"id\":\"W\",\"title\":\"x\",\"work_set_workflows_count\":" #n                           \
	",\"work_set_workflows\":[" #n "]}"

static void tasks(struct world *w, const char *before, const char *data)
{
	world_change(w, "hindsite.work_set.updated", "W", before, data);
}

/* Each task is told by a webhook of its own, after all of them were made. */
START_TEST(each_item_that_adds_to_an_object_has_its_echo)
{
	struct world w;

	world_init(
	    &w,
	    "rules: [rules.yaml]\nhooks: { go: { verify: none } }\nconnections:\n  hindsite: { "
	    "connector: hindsite, base_url: \"http://127.0.0.1:1\", client_id: a, client_secret: b "
	    "}\n",
	    "rules:\n  - id: add\n    on: [hook.go, hindsite.work_set.updated]\n    do:\n      - "
	    "for_each: \"[1, 2, 3]\"\n        do: [ hindsite.work_set_workflow.create: { "
	    "work_set_id: W, workflow_collection_id: C } ]\n");
	world_hook(&w, "go", "", "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(w.out.attempt_count, 1);
		world_answer(&w, 0, 201, "{\"id\":\"T\"}");
	}
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	world_crash(&w);
	tasks(&w, TASKS(0), TASKS(1));
	tasks(&w, TASKS(1), TASKS(2));
	tasks(&w, TASKS(2), TASKS(3));
	is(&w, 3, 1);
	tasks(&w, TASKS(3), TASKS(4)); /* somebody else's */
	is(&w, 3, 0);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_guard", what_a_rule_wrote_is_its_echo, what_else_changed_makes_it_no_echo,
	  a_colour_alone_is_nobodys_echo, set_again_by_somebody_else_it_counts,
	  it_is_remembered_for_ten_minutes_and_over_a_crash,
	  it_is_remembered_for_as_long_when_the_clock_is_set, a_refused_request_wrote_nothing,
	  another_connection_or_object_is_another_matter,
	  many_writes_of_one_object_leave_the_latest, events_of_no_object_keep_their_cause,
	  each_item_writes_for_itself, another_connection_to_the_same_product_is_no_other_matter,
	  a_refusal_tells_nothing_of_the_attempt_before,
	  each_item_that_adds_to_an_object_has_its_echo)
