/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that take several requests: lists of several pages, and creates that are
 * looked up after a doubt, with restarts in between. */
#include "tests/unit/sequencer_world.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  kantata: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: t }\n"

#define LIST                                                                                       \
	"rules:\n"                                                                                 \
	"  - id: list\n"                                                                           \
	"    on: hook.go\n"                                                                        \
	"    do:\n"                                                                                \
	"      - as: all\n"                                                                        \
	"        kantata.workspace.list: {}\n"                                                     \
	"        retry: { attempts: 3, first: 1s }\n"

#define CREATE                                                                                     \
	"rules:\n"                                                                                 \
	"  - id: make\n"                                                                           \
	"    on: hook.go\n"                                                                        \
	"    do:\n"                                                                                \
	"      - as: made\n"                                                                       \
	"        kantata.workspace.create: { workspace: { title: T, external_reference: "          \
	"{ service_name: s, service_model: m, service_model_ref: r } } }\n"                        \
	"        retry: { attempts: 3, first: 1s }\n"

#define BLIND                                                                                      \
	"rules:\n"                                                                                 \
	"  - id: blind\n"                                                                          \
	"    on: hook.go\n"                                                                        \
	"    do: [ { kantata.workspace.create: { workspace: { title: T } } } ]\n"

#define EMPTY "{\"count\":0,\"results\":[],\"workspaces\":{}}"
#define ONE                                                                                        \
	"{\"count\":1,\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":{\"7\":{" \
	"\"id\":\"7\",\"title\":\"T\"}}}"

static struct buf page;

/* Rows from..to (not included) of so many. */
static const char *rows(int from, int to, int count)
{
	buf_clear(&page);
	buf_printf(&page, "{\"count\":%d,\"results\":[", count);
	for (int i = from; i < to; i++)
		buf_printf(&page, "%s{\"key\":\"workspaces\",\"id\":\"%d\"}", i > from ? "," : "",
			   i);
	buf_str(&page, "],\"workspaces\":{");
	for (int i = from; i < to; i++)
		buf_printf(&page, "%s\"%d\":{\"id\":\"%d\",\"title\":\"{\\\"i\\\":0} %d\"}",
			   i > from ? "," : "", i, i, i);
	buf_str(&page, "}}");
	return buf_cstr(&page);
}

static void begin(struct world *w, const char *rules)
{
	buf_init(&page, 4 * MIB);
	world_init(w, CONFIG, rules);
	world_hook(w, "go", "1", "{}");
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 8);
	ck_assert_uint_eq(w->out.attempt_count, 1);
}

static void end(struct world *w)
{
	buf_fini(&page);
	world_fini(w);
}

static bool asks(const struct world *w, const char *what)
{
	ck_assert_uint_eq(w->out.attempt_count, 1);
	return text_find(w->out.attempts[0].request.url, text_of(what)) != SIZE_MAX;
}

/* Answers the one attempt; the credit goes to its target. */
static void answer(struct world *w, int status, const char *body)
{
	world_answer(w, 0, status, body);
	world_grant(w, 8);
}

/* After a restart or a wait. */
static void go_on(struct world *w, int64_t ms)
{
	world_advance(w, ms);
	world_grant(w, 8);
}

static struct text steps_of(struct world *w, struct arena *arena)
{
	return world_run(w, arena, 1).steps;
}

START_TEST(a_list_goes_on_to_its_end)
{
	struct arena *arena = arena_new("test", 1u << 22);
	struct world w;

	begin(&w, LIST);
	ck_assert(asks(&w, "/workspaces?per_page=200"));
	answer(&w, 200, rows(0, 200, 401));
	ck_assert(asks(&w, "limit=200&offset=200"));
	ck_assert_int_eq(w.out.attempts[0].attempt, 2);
	answer(&w, 200, rows(200, 400, 401));
	ck_assert(asks(&w, "offset=400"));
	answer(&w, 200, rows(400, 401, 401));
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert(text_find(steps_of(&w, arena), TEXT("\"count\":401")) != SIZE_MAX);
	ck_assert(text_find(steps_of(&w, arena), TEXT("gathered")) == SIZE_MAX);
	arena_free(arena);
	end(&w);
}
END_TEST

START_TEST(pages_survive_a_restart_and_refusals)
{
	struct world w;

	begin(&w, LIST);
	answer(&w, 200, rows(0, 200, 300));
	ck_assert(asks(&w, "offset=200"));
	for (int i = 0; i < 2; i++) {
		answer(&w, 429, "");
		ck_assert_uint_eq(w.out.attempt_count, 0);
		go_on(&w, 3000);
		ck_assert(asks(&w, "offset=200"));
	}
	world_crash(&w);
	go_on(&w, 5000);
	/* Three tries of this step failed by now: the crash was the third. */
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	end(&w);
}
END_TEST

START_TEST(a_restart_between_pages_loses_none)
{
	struct arena *arena = arena_new("test", 1u << 22);
	struct world w;

	begin(&w, LIST);
	answer(&w, 200, rows(0, 200, 300));
	world_crash(&w);
	go_on(&w, 3000);
	ck_assert(asks(&w, "offset=200"));
	world_crash(&w);
	go_on(&w, 3000);
	ck_assert(asks(&w, "offset=200"));
	answer(&w, 200, rows(200, 300, 300));
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert(text_find(steps_of(&w, arena), TEXT("\"count\":300")) != SIZE_MAX);
	arena_free(arena);
	end(&w);
}
END_TEST

START_TEST(a_list_that_moves_is_read_anew)
{
	struct world w;

	begin(&w, LIST);
	answer(&w, 200, rows(0, 200, 300));
	answer(&w, 200, rows(200, 299, 299)); /* a row went away: which one? */
	ck_assert_uint_eq(w.out.attempt_count, 0);
	go_on(&w, 3000);
	ck_assert(asks(&w, "per_page=200"));
	answer(&w, 200, rows(0, 200, 300));
	answer(&w, 200, rows(199, 299, 300)); /* rows moved down: one comes twice */
	ck_assert(asks(&w, "offset=299"));
	answer(&w, 200, rows(0, 0, 300)); /* and one is missing */
	go_on(&w, 5000);
	ck_assert(asks(&w, "per_page=200"));
	answer(&w, 200, "<html>");
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	end(&w);
}
END_TEST

START_TEST(a_list_of_too_much_is_refused)
{
	struct world w;

	begin(&w, LIST);
	answer(&w, 200, rows(0, 200, LIMIT_LIST_ITEMS + 1));
	ck_assert_int_eq(world_state(&w, 1), RUN_DEAD);
	end(&w);
}
END_TEST

START_TEST(found_is_done)
{
	struct world w;

	begin(&w, CREATE);
	ck_assert_str_eq(w.out.attempts[0].request.method, "POST");
	answer(&w, 0, "");
	ck_assert_uint_eq(w.out.attempt_count, 0);
	go_on(&w, 2000);
	ck_assert(asks(&w, "include_archived=true&external_reference_service_name=s&external_"
			   "reference_service_model=m&external_reference_service_model_refs=r"));
	ck_assert_str_eq(w.out.attempts[0].request.method, "GET");
	world_answer(&w, 0, 200, ONE);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	ck_assert(world_has_event(&w, "kantata.workspace.created"));
	end(&w);
}
END_TEST

START_TEST(absent_is_looked_for_again_and_then_sent_again)
{
	struct world w;

	begin(&w, CREATE);
	world_crash(&w);
	go_on(&w, 2000);
	ck_assert(asks(&w, "external_reference"));
	answer(&w, 503, "");
	go_on(&w, 3000);
	world_crash(&w);
	go_on(&w, 5000);
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT); /* asked in vain: an operator looks */
	end(&w);

	begin(&w, CREATE);
	answer(&w, 0, "");
	go_on(&w, 2000);
	answer(&w, 200, EMPTY);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	go_on(&w, 60000);
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_crash(&w); /* while it waits */
	go_on(&w, 4 * 60000);
	ck_assert(asks(&w, "external_reference"));
	answer(&w, 200, EMPTY);
	ck_assert(asks(&w, "/workspaces"));
	ck_assert_str_eq(w.out.attempts[0].request.method, "POST");
	answer(&w, 200, ONE);
	ck_assert_int_eq(world_state(&w, 1), RUN_DONE);
	end(&w);
}
END_TEST

START_TEST(what_cannot_be_told_waits_for_an_operator)
{
	struct arena *arena = arena_new("test", 1u << 20);
	struct world w;

	begin(&w, BLIND);
	answer(&w, 0, "");
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
	ck_assert(text_find(world_run(&w, arena, 1).reason, TEXT("external_reference")) !=
		  SIZE_MAX);
	end(&w);

	static const char *const replies[] = { "{\"count\":2,\"results\":[],\"workspaces\":{}}",
					       "{\"errors\":[{\"message\":\"no\"}]}" };

	for (int i = 0; i < 2; i++) {
		begin(&w, CREATE);
		answer(&w, 200, "{\"cut"); /* it happened, but what came of it? */
		go_on(&w, 2000);
		answer(&w, 200, replies[i]);
		ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
		end(&w);
	}
	arena_free(arena);
}
END_TEST

START_TEST(an_operator_has_the_create_repeated)
{
	struct world w;

	begin(&w, CREATE);
	answer(&w, 0, "");
	go_on(&w, 2000);
	answer(&w, 403, "");
	ck_assert_int_eq(world_state(&w, 1), RUN_IN_DOUBT);
	const struct input repeat = {
		.kind = INPUT_COMMAND,
		.command = { .kind = COMMAND_RESOLVE_REPEAT, .run = 1, .ticket = 9 },
	};

	world_push(&w, &repeat);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 8);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	ck_assert_str_eq(w.out.attempts[0].request.method, "POST");
	end(&w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sequencer_pages");
	TCase *cases = tcase_create("pages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, a_list_goes_on_to_its_end);
	tcase_add_test(cases, pages_survive_a_restart_and_refusals);
	tcase_add_test(cases, a_restart_between_pages_loses_none);
	tcase_add_test(cases, a_list_that_moves_is_read_anew);
	tcase_add_test(cases, a_list_of_too_much_is_refused);
	tcase_add_test(cases, found_is_done);
	tcase_add_test(cases, absent_is_looked_for_again_and_then_sent_again);
	tcase_add_test(cases, what_cannot_be_told_waits_for_an_operator);
	tcase_add_test(cases, an_operator_has_the_create_repeated);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
