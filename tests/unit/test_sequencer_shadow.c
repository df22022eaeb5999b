/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs in shadow: what they would have sent is in their record, and bounded. */
#include "engine/base/cleanup.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  kantata: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: hush }\n"

static struct arena *arena;

/* The record of the one run after an event with this data. */
static struct run_record run_of(struct world *w, const char *rules, const char *data)
{
	struct run_record run;

	arena = arena_new("test", 64 * MIB);
	ck_assert_ptr_nonnull(arena);
	world_init(w, CONFIG, rules);
	world_hook(w, "go", "1", data);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	ck_assert_uint_eq(w->out.attempt_count, 0);
	ck_assert(store_get_run(w->store, arena, 1, &run));
	ck_assert_int_eq(run.state, RUN_SKIPPED);
	ck_assert(text_is(run.reason, "shadow"));
	return run;
}

static void end(struct world *w)
{
	arena_free(arena);
	world_fini(w);
}

static void expect(struct text steps, const char *words)
{
	ck_assert_msg(text_find(steps, text_of(words)) != SIZE_MAX, "no %s in %.*s", words,
		      (int)(steps.n < 2000 ? steps.n : 2000), steps.s);
}

#define RULE(steps)                                                                                \
	"rules:\n  - id: a\n    on: hook.go\n    mode: shadow\n    do:\n      - as: one\n"         \
	"        kantata.workspace.show: { id: \"${data.id}\" }\n" steps

START_TEST(requests_are_recorded)
{
	struct world w;
	struct run_record run =
	    run_of(&w,
		   RULE("      - kantata.workspace.update: { id: \"${steps.one.result.id}\", "
			"workspace: { title: T } }\n"
			"      - kantata.workspace.update: { id: \"8\", workspace: { title: "
			"\"${data.title}\" } }\n"
			"        if: data.id == 'x'\n"),
		   "{\"id\":\"7\"}");

	expect(run.steps,
	       "[{\"i\":0,\"as\":\"one\",\"action\":\"kantata.workspace.show\",\"state\":"
	       "\"unsent\",\"request\":{\"method\":\"GET\",\"url\":\"/workspaces");
	expect(run.steps, "\"state\":\"unsent\",\"needs\":\"steps.one.result.id\"}");
	expect(run.steps,
	       "{\"i\":2,\"action\":\"kantata.workspace.update\",\"state\":\"skipped\"}]");
	ck_assert(text_find(run.steps, TEXT("hush")) == SIZE_MAX);
	end(&w);
}
END_TEST

static const char *large_data(struct buf *b, size_t n)
{
	buf_init(b, 8 * MIB);
	buf_str(b, "{\"id\":\"7\",\"big\":\"");
	for (size_t i = 0; i < n; i++)
		buf_char(b, 'x');
	buf_str(b, "\"}");
	return buf_cstr(b);
}

START_TEST(large_requests_are_cut)
{
	AUTO_FINI(buf_fini) struct buf data;
	struct world w;
	struct run_record run = run_of(
	    &w,
	    RULE("      - kantata.workspace.update: { id: \"8\", workspace: { title: "
		 "\"${data.big}\" } }\n"
		 "      - kantata.workspace.update: { id: \"9\", workspace: { title: T } }\n"),
	    large_data(&data, 500000));

	expect(run.steps, "xxx\"},\"cut\":true},{\"i\":2,");
	ck_assert_uint_lt(run.steps.n, 2 * LIMIT_SHADOW_KEPT);
	end(&w);
}
END_TEST

#define UPDATE                                                                                     \
	"      - kantata.workspace.update: { id: \"8\", workspace: { title: \"${data.big}\" } }\n"
#define UPDATES UPDATE UPDATE UPDATE UPDATE UPDATE UPDATE UPDATE UPDATE

START_TEST(too_large_is_told)
{
	AUTO_FINI(buf_fini) struct buf data;
	struct world w;
	struct run_record run =
	    run_of(&w, RULE(UPDATES UPDATES UPDATES), large_data(&data, 900000));

	expect(run.steps, "[{\"i\":0,\"action\":\"kantata.workspace.show\",\"state\":\"failed\","
			  "\"error\":\"what would be sent takes too much memory to be shown\"}]");
	end(&w);
}
END_TEST

UNIT_MAIN("sequencer_shadow", requests_are_recorded, large_requests_are_cut, too_large_is_told)
