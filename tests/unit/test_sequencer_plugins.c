/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions and events of plugins, from the event to the end of the run, and what happens when a
 * plugin says something else of itself meanwhile. */
#include "engine/rules/plugin_manifest.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define MANIFEST(action, doubt) MANIFEST_WITHIN(action, doubt, "45000")

#define MANIFEST_WITHIN(action, doubt, timeout)                                                    \
	"{\"actions\":{\"" action "\":{\"params\":{\"sku\":{\"type\":\"text\",\"required\":true}," \
	"\"count\":{\"type\":\"int\"}},\"timeout\":" timeout ",\"after_doubt\":\"" doubt "\"}},"   \
	"\"events\":{\"low\":{\"fields\":{\"sku\":{\"type\":\"text\"},"                            \
	"\"at\":{\"type\":\"timestamp\"}}}}}"

static const char rules[] = "rules:\n"
			    "  - id: restock\n"
			    "    on: plugin.inventory.low\n"
			    "    when: data.at < ctx.now\n"
			    "    do:\n"
			    "      - as: r\n"
			    "        inventory.reserve: { sku: \"${data.sku}\", count: 2 }\n"
			    "        retry: { attempts: 3, first: 10s }\n"
			    "      - log.write: { text: \"${steps.r.result.reservation}\" }\n"
			    "  - id: other\n"
			    "    on: x.y\n"
			    "    do: [ { log.write: { text: hello } } ]\n";

static struct world w;
static struct arena *arena;

/* As a daemon loads it when the plugin has said this; NULL: nothing yet. */
static void load(const char *manifest, const char *text)
{
	char path[128], words[MANIFEST_WORDS] = "";
	struct diags *diags = diags_new();
	struct manifest *m;

	world_write(&w, "tappet.yaml", "rules: [rules.yaml]\nplugins: { inventory: }\n");
	world_write(&w, "rules.yaml", text);
	(void)snprintf(path, sizeof(path), "%s/tappet.yaml", w.folder);
	w.config = config_load(path, CONFIG_SECRETS_NEEDED, diags);
	ck_assert_ptr_nonnull(w.config);
	w.config->lenient = true;
	if (manifest != NULL) {
		m = manifest_read(TEXT("inventory"), text_of(manifest), words);
		ck_assert_msg(m != NULL, "%s", words);
		ck_assert(config_learn(w.config, TEXT("inventory"), m));
		manifest_free(m);
	}
	w.rules = ruleset_load(w.config, w.config->rule_paths, w.config->rule_path_count, diags);
	world_diags(diags);
	diags_free(diags);
	ck_assert_ptr_nonnull(w.rules);
}

static void begin(const char *manifest)
{
	struct store_error error;

	w = (struct world){ .now = { .wall = 1795309825000, .mono = 5000 } };
	w.end = &w.inputs;
	(void)snprintf(w.folder, sizeof(w.folder), "/tmp/tappet-world-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w.folder));
	load(manifest, rules);
	ck_assert_int_eq(store_open("memory:", &w.store, &error), FATE_OK);
	world_open(&w);
	arena = arena_new("test", 1u << 20);
}

static void end(void)
{
	arena_free(arena);
	world_fini(&w);
}

/* What the plugin says takes effect with the next batch. */
static void says(const char *manifest)
{
	const struct input input = { .kind = INPUT_RELOAD };
	struct input *copy = input_new(&input);

	ruleset_free(w.rules);
	config_free(w.config);
	load(manifest, rules);
	copy->reload.config = config_ref(w.config);
	copy->reload.rules = ruleset_ref(w.rules);
	*w.end = &copy->item;
	w.end = &copy->item.next;
	ck_assert_int_eq(world_batch(&w), FATE_OK);
}

static void event(const char *type, const char *data)
{
	const struct input input = { .kind = INPUT_EVENT,
				     .event = { .ticket = 7,
						.type = text_of(type),
						.source = TEXT("plugin/inventory"),
						.connection = TEXT("inventory"),
						.subject = TEXT("A-7"),
						.time = INT64_MIN,
						.data = text_of(data) } };

	world_push(&w, &input);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.reply_count, 1);
	ck_assert_int_eq(w.out.replies[0].status, 202);
}

/* As the plugin brings it in: it came from that job. */
static struct event_record emitted(const char *plugin, int64_t run, int step)
{
	const struct input input = {
		.kind = INPUT_EVENT,
		.event = { .ticket = 7,
			   .type = TEXT("plugin.inventory.low"),
			   .source = TEXT("plugin/inventory"),
			   .connection = text_of(plugin),
			   .time = INT64_MIN,
			   .data = TEXT("{\"sku\":\"A-7\",\"at\":\"2026-01-01T00:00:00Z\"}"),
			   .job_run = run,
			   .job_step = step },
	};
	struct event_record event;

	world_push(&w, &input);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_eq(w.out.replies[0].status, 202);
	ck_assert(store_get_event(w.store, arena, w.out.events[0].seq, &event));
	return event;
}

static void low(void)
{
	event("plugin.inventory.low", "{\"sku\":\"A-7\",\"at\":\"2026-01-01T00:00:00Z\"}");
}

static void credit(unsigned n)
{
	const struct input input = { .kind = INPUT_GRANT,
				     .grant = { .target = TEXT("inventory"), .credits = n } };

	world_push(&w, &input);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
}

static void state(enum run_state expected, const char *reason)
{
	struct run_record run = world_run(&w, arena, 1);

	ck_assert_str_eq(run_state_word(run.state), run_state_word(expected));
	ck_assert_msg(text_find(run.reason, text_of(reason)) != SIZE_MAX, "%.*s",
		      TEXT_ARG(run.reason));
}

START_TEST(a_job_from_its_event_to_its_end)
{
	char key[64], id[64];

	begin(MANIFEST("reserve", "repeat"));
	low();
	/* It waits for credit of the plugin, whose name the target has. */
	ck_assert_uint_eq(w.out.attempt_count, 0);
	ck_assert_uint_eq(w.out.target_count, 1);
	ck_assert(text_is(w.out.targets[0], "inventory"));
	credit(1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_str_eq(w.out.attempts[0].request.method, "PLUGIN");
	ck_assert(text_is(w.out.attempts[0].request.url, "reserve"));
	ck_assert(text_is(w.out.attempts[0].request.body, "{\"sku\":\"A-7\",\"count\":2}"));
	ck_assert(text_is(w.out.attempts[0].target, "inventory"));
	ck_assert_int_eq(w.out.attempts[0].timeout, 45000);
	ck_assert(text_starts(w.out.attempts[0].event, TEXT("1-")));
	(void)snprintf(id, sizeof(id), "%.*s", TEXT_ARG(w.out.attempts[0].event));
	(void)snprintf(key, sizeof(key), "%.*s", TEXT_ARG(w.out.attempts[0].key));
	/* Not now: it comes again with the same key. */
	world_answer(&w, 0, 503, "{\"error\":\"busy\"}");
	state(RUN_WAITING, "");
	world_advance(&w, 20000); /* its credit came back with its end */
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	ck_assert(text_is(w.out.attempts[0].key, key));
	ck_assert(text_is(w.out.attempts[0].event, id));
	world_answer(&w, 0, 200, "{\"reservation\":\"R-19\"}");
	world_grant(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_msg(text_find(w.out.attempts[0].params, TEXT("R-19")) != SIZE_MAX, "%.*s",
		      TEXT_ARG(w.out.attempts[0].params));
	end();
}
END_TEST

START_TEST(what_is_refused)
{
	begin(MANIFEST("reserve", "repeat"));
	low();
	credit(1);
	world_answer(&w, 0, 422, "{\"error\":\"no such article\"}");
	state(RUN_DEAD, "no such article");
	end();
}
END_TEST

START_TEST(what_may_have_happened)
{
	begin(MANIFEST("reserve", "repeat"));
	low();
	credit(1);
	world_answer(&w, 0, 0, "");
	state(RUN_WAITING, "");
	end();
	begin(MANIFEST("reserve", "park"));
	low();
	credit(1);
	world_answer(&w, 0, 0, "");
	state(RUN_IN_DOUBT, "");
	end();
}
END_TEST

START_TEST(an_emit_has_its_jobs_run_as_cause)
{
	struct event_record event;

	begin(MANIFEST("reserve", "repeat"));
	low();
	credit(1);
	world_answer(&w, 0, 422, "{\"error\":\"none left\"}");
	/* Also when the job, and the run, are over. */
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	event = emitted("inventory", 1, 0);
	ck_assert_int_eq(event.cause, 1);
	ck_assert_int_eq(event.depth, 1);
	ck_assert(run_state_open(world_state(&w, 2)));
	event = emitted("inventory", 2, 0);
	ck_assert_int_eq(event.cause, 2);
	ck_assert_int_eq(event.depth, 2);
	end();
}
END_TEST

/* What it names is no job that it was given: the event comes from outside. */
START_TEST(an_emit_of_an_unknown_job)
{
	static const struct {
		const char *plugin;
		int64_t run;
		int step;
	} cases[] = { { "inventory", 0, 0 }, { "inventory", 99, 0 }, { "inventory", -1, 0 },
		      { "inventory", 1, 1 }, { "inventory", 1, 99 }, { "inventory", 1, -1 },
		      { "other", 1, 0 } };

	begin(MANIFEST("reserve", "repeat"));
	low();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct event_record event = emitted(cases[i].plugin, cases[i].run, cases[i].step);

		ck_assert_int_eq(event.cause, 0);
		ck_assert_int_eq(event.depth, 0);
	}
	end();
}
END_TEST

/* A rule on an event of a plugin calls it, and it emits the event for each job. */
START_TEST(a_loop_through_a_plugin_ends)
{
	int64_t run = 1;

	begin(MANIFEST("reserve", "repeat"));
	low();
	for (; run < 50 && world_state(&w, run) != RUN_SKIPPED; run++)
		(void)emitted("inventory", run, 0);
	ck_assert_int_eq(run, LIMIT_DEPTH + 2);
	ck_assert(text_is(world_run(&w, arena, run).reason, "loop"));
	ck_assert(world_has_event(&w, "tappet.loop"));
	end();
}
END_TEST

START_TEST(what_was_under_way_at_a_crash)
{
	char key[64];

	begin(MANIFEST("reserve", "repeat"));
	low();
	credit(1);
	(void)snprintf(key, sizeof(key), "%.*s", TEXT_ARG(w.out.attempts[0].key));
	world_crash(&w);
	world_advance(&w, 20000);
	credit(1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	ck_assert(text_is(w.out.attempts[0].key, key));
	end();
}
END_TEST

/* Rules that were loaded before the plugin said a word. */
START_TEST(a_plugin_that_comes_late)
{
	begin(NULL);
	event("plugin.inventory.low", "{\"sku\":\"A-7\",\"at\":\"2026-01-01T00:00:00Z\"}");
	/* Without a manifest `at` is a text, and no text is before a time. */
	ck_assert_uint_eq(w.out.target_count, 0);
	says(MANIFEST("reserve", "repeat"));
	low();
	ck_assert_uint_eq(w.out.target_count, 1);
	credit(1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	end();
}
END_TEST

/* A run that waits is judged by what the plugin takes when its turn comes. */
START_TEST(a_plugin_that_changes)
{
	begin(MANIFEST("reserve", "repeat"));
	low();
	says(MANIFEST("book", "repeat"));
	credit(1);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	state(RUN_DEAD, "the plugin inventory has no action \"reserve\"");
	/* Others don't notice. */
	event("x.y", "{}");
	world_grant(&w, 1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	end();
}
END_TEST

/* The time that a job has is that of the rules its run began with. */
START_TEST(a_timeout_that_changes)
{
	begin(MANIFEST("reserve", "repeat"));
	low();
	says(MANIFEST_WITHIN("reserve", "repeat", "5000"));
	credit(1);
	ck_assert_int_eq(w.out.attempts[0].timeout, 45000);
	world_answer(&w, 0, 503, "{\"error\":\"busy\"}");
	world_advance(&w, 20000);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].timeout, 45000);
	/* A new start reads the rules anew. */
	world_crash(&w);
	world_advance(&w, 60000);
	credit(1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_int_eq(w.out.attempts[0].attempt, 3);
	ck_assert_int_eq(w.out.attempts[0].timeout, 5000);
	end();
}
END_TEST

START_TEST(one_that_changes_back)
{
	begin(MANIFEST("reserve", "repeat"));
	low();
	says(MANIFEST("book", "repeat"));
	says(MANIFEST("reserve", "repeat"));
	credit(1);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	end();
}
END_TEST

/* What it emits at once is read by what it has just said; the reload comes later. */
START_TEST(what_it_emits_at_once)
{
	const struct input input = { .kind = INPUT_MANIFEST,
				     .manifest = { .plugin = TEXT("inventory"),
						   .json = TEXT(MANIFEST("reserve", "repeat")) } };

	begin(NULL);
	world_push(&w, &input);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.reply_count, 0);
	low();
	ck_assert_uint_eq(w.out.target_count, 1);
	end();
}
END_TEST

/* Nor is it sent what it has just said it doesn't take. */
START_TEST(what_it_takes_at_once)
{
	const struct input input = { .kind = INPUT_MANIFEST,
				     .manifest = { .plugin = TEXT("inventory"),
						   .json = TEXT(MANIFEST("book", "repeat")) } };

	begin(MANIFEST("reserve", "repeat"));
	low();
	world_push(&w, &input);
	credit(1);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	state(RUN_DEAD, "the plugin inventory has no action \"reserve\"");
	end();
}
END_TEST

START_TEST(what_it_says_is_kept)
{
	const struct input input = { .kind = INPUT_MANIFEST,
				     .manifest = { .ticket = 9,
						   .plugin = TEXT("inventory"),
						   .json = TEXT("{\"version\":\"2\"}") } };
	struct text json;
	int64_t seen;

	begin(NULL);
	world_push(&w, &input);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.reply_count, 1);
	ck_assert_int_eq(w.out.replies[0].status, 200);
	ck_assert_uint_eq(w.out.replies[0].ticket, 9);
	ck_assert(store_get_manifest(w.store, arena, TEXT("inventory"), &json, &seen));
	ck_assert(text_is(json, "{\"version\":\"2\"}"));
	ck_assert_int_eq(seen, w.now.wall);
	ck_assert(!store_get_manifest(w.store, arena, TEXT("other"), &json, &seen));
	end();
}
END_TEST

/* The plugin says it once in a session, and may be away at the next start. */
START_TEST(what_it_says_is_kept_when_a_commit_fails)
{
	const struct input input = { .kind = INPUT_MANIFEST,
				     .manifest = { .plugin = TEXT("inventory"),
						   .json = TEXT("{\"version\":\"2\"}") } };
	struct text json;
	int64_t seen;

	if (!HAVE_FAULTS)
		return;
	begin(NULL);
	world_push(&w, &input);
	world_fails(&w);
	ck_assert(!store_get_manifest(w.store, arena, TEXT("inventory"), &json, &seen));
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert(store_get_manifest(w.store, arena, TEXT("inventory"), &json, &seen));
	end();
}
END_TEST

static void grant(unsigned n, bool plugin)
{
	const struct input input = { .kind = INPUT_GRANT,
				     .grant = { .target = TEXT("inventory"),
						.credits = n,
						.lent = true,
						.plugin = plugin } };

	world_push(&w, &input);
}

/* The plugin is taken out of tappet.yaml, and with it the rule; its run stays. */
static void take_out(void)
{
	const struct input input = { .kind = INPUT_RELOAD };
	struct input *copy = input_new(&input);
	char path[128];
	struct diags *diags = diags_new();

	ruleset_free(w.rules);
	config_free(w.config);
	world_write(&w, "tappet.yaml", "rules: [rules.yaml]\n");
	world_write(&w, "rules.yaml", "rules: []\n");
	(void)snprintf(path, sizeof(path), "%s/tappet.yaml", w.folder);
	w.config = config_load(path, CONFIG_SECRETS_NEEDED, diags);
	w.rules = ruleset_load(w.config, w.config->rule_paths, w.config->rule_path_count, diags);
	world_diags(diags);
	diags_free(diags);
	copy->reload.config = config_ref(w.config);
	copy->reload.rules = ruleset_ref(w.rules);
	*w.end = &copy->item;
	w.end = &copy->item.next;
}

/* What it had lent goes back to it, whoever has its name by then. */
START_TEST(one_that_is_taken_out_gets_its_credit_back)
{
	begin(MANIFEST("reserve", "repeat"));
	low();
	grant(1, true);
	take_out();
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	state(RUN_DEAD, "its plugin is no longer configured");
	ck_assert_uint_eq(w.out.unused_count, 1);
	ck_assert_uint_eq(w.out.unused[0].credits, 1);
	ck_assert(w.out.unused[0].plugin);
	end();
}
END_TEST

/* A connection takes the name over: nobody gets what the other has lent. */
START_TEST(credit_of_two_lenders_isnt_mixed)
{
	begin(MANIFEST("reserve", "repeat"));
	grant(2, true);
	grant(3, false);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.unused_count, 2);
	ck_assert_uint_eq(w.out.unused[0].credits, 2);
	ck_assert(w.out.unused[0].plugin);
	ck_assert_uint_eq(w.out.unused[1].credits, 3);
	ck_assert(!w.out.unused[1].plugin);
	end();
}
END_TEST

/* Whoever is to be asked after a reload may be somebody else than before. */
START_TEST(a_reload_asks_for_credit_again)
{
	begin(MANIFEST("reserve", "repeat"));
	low();
	ck_assert_uint_eq(w.out.target_count, 1);
	take_out();
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.target_count, 1);
	ck_assert(text_is(w.out.targets[0], "inventory"));
	ck_assert_uint_eq(w.out.target_runs[0], 1);
	grant(1, false);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	state(RUN_DEAD, "its plugin is no longer configured");
	end();
}
END_TEST

UNIT_MAIN("sequencer_plugins", a_job_from_its_event_to_its_end, what_is_refused,
	  what_may_have_happened, an_emit_has_its_jobs_run_as_cause, an_emit_of_an_unknown_job,
	  a_loop_through_a_plugin_ends, what_was_under_way_at_a_crash, a_plugin_that_comes_late,
	  a_plugin_that_changes, a_timeout_that_changes, one_that_changes_back,
	  what_it_emits_at_once, what_it_takes_at_once, what_it_says_is_kept,
	  what_it_says_is_kept_when_a_commit_fails, one_that_is_taken_out_gets_its_credit_back,
	  credit_of_two_lenders_isnt_mixed, a_reload_asks_for_credit_again)
