/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups: their order, what they bring and what follows from it, results that
 * serve other runs, restarts and batches that fail in between.
 *
 * A batch fails by the fault point "store.commit", so that one needs -Dfaults=true
 * and does nothing without. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  api: { connector: http, base_url: \"http://127.0.0.1:1\" }\n"

#define RULE(lookups, rest)                                                                        \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: hook.go\n"                                                                        \
	"    key: data.key\n"                                                                      \
	"    lookup:\n" lookups rest

#define ONE(options)                                                                               \
	"      one: { http.request: { url: \"/one/${data.id}\" }" options                          \
	", retry: { attempts: 2, first: 1s } }\n"
#define TWO    "      two: { http.request: { url: \"/two/${lookup.one.x}\" } }\n"
#define WHEN   "    when: lookup.one.x > 0\n"
#define POSTS  "    do: [ { http.request: { method: POST, url: \"/done/${lookup.one.x}\" } } ]\n"
#define HOURLY "    throttle: { every: 1h }\n"

static void event(struct world *w, const char *id, const char *key, const char *data)
{
	char body[100];

	snprintf(body, sizeof(body), "{\"key\":\"%s\",\"id\":%s}", key, data);
	world_hook(w, "go", id, body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	world_grant(w, 4);
}

static bool sends(const struct world *w, size_t i, const char *url)
{
	ck_assert_uint_lt(i, w->out.attempt_count);
	return text_is(w->out.attempts[i].request.url, url);
}

START_TEST(one_after_the_other_and_then_the_decision)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE("") TWO, WHEN POSTS));
	event(&w, "1", "k", "7");
	ck_assert(sends(&w, 0, "/one/7"));
	world_answer(&w, 0, 200, "{\"x\":5}");
	ck_assert(sends(&w, 0, "/two/5"));
	world_answer(&w, 0, 200, "{}");
	ck_assert(sends(&w, 0, "/done/5"));
	world_answer(&w, 0, 200, "{}");
	world_ended(&w, 1, RUN_DONE, "");
	event(&w, "2", "k", "8");
	world_answer(&w, 0, 200, "{\"x\":0}");
	world_answer(&w, 0, 200, "{}");
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_ended(&w, 2, RUN_SKIPPED, "when is false");
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->runs_skipped, 1);
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->matches, 1);
	world_fini(&w);
}
END_TEST

START_TEST(what_cannot_be_decided_is_blind)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE(""), WHEN POSTS));
	event(&w, "1", "k", "7");
	world_answer(&w, 0, 200, "{\"y\":5}");
	world_ended(&w, 1, RUN_SKIPPED, "when can't be evaluated: ");
	ck_assert_uint_eq(sequencer_stats(w.sequencer)->blind, 1);
	world_fini(&w);
}
END_TEST

START_TEST(decided_in_the_order_of_the_lane)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE(""), HOURLY POSTS));
	event(&w, "1", "k", "7");
	event(&w, "2", "k", "8");
	ck_assert_uint_eq(w.out.attempt_count, 0); /* its turn comes after the first */
	event(&w, "3", "other", "9");
	ck_assert(sends(&w, 0, "/one/9"));
	world_push(&w, &(struct input){ .kind = INPUT_GRANT,
					.grant = { .target = TEXT("api"), .credits = 8 } });
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	struct attempt_out first = { .run = 1, .step = 1, .attempt = 1 };

	world_reply(&w, &first, 200, "{\"x\":7}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert(sends(&w, 0, "/done/7"));
	world_answer(&w, 0, 200, "{}");
	ck_assert(sends(&w, 0, "/one/8"));
	world_answer(&w, 0, 200, "{\"x\":8}");
	world_ended(&w, 2, RUN_SKIPPED, "throttled");
	world_fini(&w);
}
END_TEST

START_TEST(a_death_after_look_ups_gives_the_throttle_back)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE(""), HOURLY POSTS));
	event(&w, "1", "k", "7");
	world_answer(&w, 0, 200, "{\"x\":7}");
	world_answer(&w, 0, 400, "no");
	world_ended(&w, 1, RUN_DEAD, "status 400");
	event(&w, "2", "k", "8");
	world_answer(&w, 0, 200, "{\"x\":8}");
	ck_assert(sends(&w, 0, "/done/8"));
	world_fini(&w);
}
END_TEST

START_TEST(a_failure_is_that_of_a_step)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE(""), WHEN POSTS));
	event(&w, "1", "k", "7");
	world_answer(&w, 0, 503, "");
	world_advance(&w, 2000);
	ck_assert(sends(&w, 0, "/one/7"));
	world_answer(&w, 0, 404, "{\"message\":\"nobody\"}");
	world_ended(&w, 1, RUN_DEAD, "http.request: status 404: nobody");
	world_fini(&w);
}
END_TEST

START_TEST(an_accepted_status_means_that_it_is_not_there)
{
	struct world w;

	world_init(&w, CONFIG,
		   RULE(ONE(", ok: [404, 203]"),
			"    when: lookup.one == null\n"
			"    do: [ { http.request: { method: POST, url: /none } } ]\n"));
	event(&w, "1", "k", "7");
	world_answer(&w, 0, 404, "{\"message\":\"nobody\"}");
	ck_assert(sends(&w, 0, "/none"));
	world_answer(&w, 0, 200, "{}");
	event(&w, "2", "k", "7");
	world_answer(&w, 0, 203, "{\"x\":1}");
	world_ended(&w, 2, RUN_SKIPPED, "when is false");
	world_fini(&w);
}
END_TEST

START_TEST(about_nothing_none_is_made)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE(""), "    when: lookup.one == null\n"));
	event(&w, "1", "k", "null");
	ck_assert_uint_eq(w.out.attempt_count, 0);
	world_ended(&w, 1, RUN_DONE, "");
	world_fini(&w);
}
END_TEST

START_TEST(results_serve_others_for_a_while)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE(", cache: 10m"), POSTS));
	event(&w, "1", "k", "7");
	world_answer(&w, 0, 200, "{\"x\":5}");
	world_answer(&w, 0, 200, "{}");
	world_advance(&w, 9 * 60000);
	event(&w, "2", "l", "7");
	ck_assert(sends(&w, 0, "/done/5"));
	world_answer(&w, 0, 200, "{}");
	event(&w, "3", "l", "8"); /* other parameters */
	ck_assert(sends(&w, 0, "/one/8"));
	world_answer(&w, 0, 200, "{\"x\":6}");
	world_answer(&w, 0, 200, "{}");
	world_advance(&w, 2 * 60000);
	event(&w, "4", "k", "7"); /* too old */
	ck_assert(sends(&w, 0, "/one/7"));
	world_answer(&w, 0, 200, "{\"x\":9}");
	world_answer(&w, 0, 200, "{}");
	event(&w, "5", "k", "7");
	ck_assert(sends(&w, 0, "/done/9"));
	world_answer(&w, 0, 200, "{}");
	world_reload(&w, CONFIG, RULE(ONE(", cache: 10m"), POSTS));
	event(&w, "6", "k", "7"); /* connections may lead elsewhere */
	ck_assert(sends(&w, 0, "/one/7"));
	world_fini(&w);
}
END_TEST

START_TEST(of_what_is_not_there_only_those_that_accept_it)
{
	struct world w;

	world_init(&w, CONFIG,
		   RULE(ONE(", cache: 10m, ok: [404]"),
			"  - id: b\n    on: hook.go\n    key: data.key\n    lookup:\n" ONE(
			    ", cache: 10m")));
	event(&w, "1", "k", "7");
	ck_assert_uint_eq(w.out.attempt_count, 2);
	struct attempt_out b = w.out.attempts[1];

	world_answer(&w, 0, 404, "");
	world_ended(&w, 1, RUN_DONE, "");
	world_reply(&w, &b, 404, "");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_ended(&w, 2, RUN_DEAD, "status 404");
	event(&w, "2", "k", "7");
	world_ended(&w, 3, RUN_DONE, "");
	ck_assert_uint_eq(w.out.attempt_count, 1); /* b asks */
	world_fini(&w);
}
END_TEST

START_TEST(the_oldest_results_go_first)
{
	struct world w;
	char id[24];

	world_init(&w, CONFIG, RULE(ONE(", cache: 1d"), ""));
	for (unsigned i = 0; i <= LIMIT_LOOKUPS_KEPT; i++) {
		snprintf(id, sizeof(id), "%u", i);
		event(&w, id, id, id);
		ck_assert_uint_eq(w.out.attempt_count, 1);
		world_answer(&w, 0, 200, "{\"x\":1}");
		if (i == 5) { /* asked for again: the second one is the oldest now */
			event(&w, "again", "0", "0");
			ck_assert_uint_eq(w.out.attempt_count, 0);
		}
	}
	event(&w, "still", "0", "0");
	ck_assert_uint_eq(w.out.attempt_count, 0);
	event(&w, "gone", "1", "1");
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_fini(&w);
}
END_TEST

START_TEST(a_restart_goes_on_where_it_was)
{
	struct world w;

	world_init(&w, CONFIG, RULE(ONE("") TWO, WHEN POSTS));
	event(&w, "1", "k", "7");
	world_answer(&w, 0, 200, "{\"x\":5}");
	ck_assert(sends(&w, 0, "/two/5"));
	world_crash(&w);
	world_advance(&w, 10000);
	world_grant(&w, 4);
	ck_assert(sends(&w, 0, "/two/5"));
	world_answer(&w, 0, 200, "{}");
	ck_assert(sends(&w, 0, "/done/5"));
	world_crash(&w); /* decided: not again */
	world_advance(&w, 10000);
	world_grant(&w, 4);
	ck_assert(sends(&w, 0, "/done/5"));
	world_answer(&w, 0, 200, "{}");
	world_ended(&w, 1, RUN_DONE, "");
	world_fini(&w);
}
END_TEST

START_TEST(a_failed_batch_decides_again)
{
	struct world w;

	if (!HAVE_FAULTS)
		return;
	world_init(&w, CONFIG, RULE(ONE(""), HOURLY WHEN POSTS));
	event(&w, "1", "k", "7");
	struct attempt_out one = w.out.attempts[0];

	world_reply(&w, &one, 200, "{\"x\":5}");
	world_fails(&w);
	w.now.wall += 60000;
	w.now.mono += 60000;
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	ck_assert(sends(&w, 0, "/done/5"));
	world_answer(&w, 0, 200, "{}");
	world_ended(&w, 1, RUN_DONE, "");
	world_fini(&w);
}
END_TEST

#define KANTATA                                                                                    \
	CONFIG "  kantata: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: t }\n"

#define WRITES                                                                                     \
	"rules:\n"                                                                                 \
	"  - id: a\n"                                                                              \
	"    on: [hook.go, kantata.workspace.updated]\n"                                           \
	"    lookup: { one: { http.request: { url: /one, } , via: api } }\n"                       \
	"    do: [ kantata.workspace.update: { id: \"7\", workspace: { title: Acme } } ]\n"

static void changed(struct world *w, const char *title, int64_t runs)
{
	char data[100];

	snprintf(data, sizeof(data), "{\"id\":\"7\",\"title\":\"%s\"}", title);
	world_change(w, "kantata.workspace.updated", "7", "{\"id\":\"7\",\"title\":\"x\"}", data);
	ck_assert_int_eq(store_last_run(w->store), runs);
}

START_TEST(an_echo_makes_none)
{
	struct world w;

	world_init(&w, KANTATA, WRITES);
	world_hook(&w, "go", "1", "{}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	world_grant(&w, 4);
	world_answer(&w, 0, 200, "{}");
	world_grant(&w, 4);
	ck_assert_uint_eq(w.out.attempt_count, 1);
	world_answer(&w, 0, 503, "");
	changed(&w, "Acme", 1);
	changed(&w, "Beta", 2);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_lookups", one_after_the_other_and_then_the_decision,
	  what_cannot_be_decided_is_blind, decided_in_the_order_of_the_lane,
	  a_death_after_look_ups_gives_the_throttle_back, a_failure_is_that_of_a_step,
	  an_accepted_status_means_that_it_is_not_there, about_nothing_none_is_made,
	  results_serve_others_for_a_while, of_what_is_not_there_only_those_that_accept_it,
	  the_oldest_results_go_first, a_restart_goes_on_where_it_was, an_echo_makes_none,
	  a_failed_batch_decides_again)
