/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_rounds - polls that read lists and then each object: what is taken
 * stock of, what is read again, when a list ends, and what a restart keeps. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG_FOR(users)                                                                          \
	"rules: [rules.yaml]\n"                                                                    \
	"connections:\n"                                                                           \
	"  blueworks:\n"                                                                           \
	"    connector: blueworks\n"                                                               \
	"    base_url: \"http://127.0.0.1:1\"\n"                                                   \
	"    client_id: i\n"                                                                       \
	"    client_secret: s\n"                                                                   \
	"    on_behalf_of: [" users "]\n"                                                          \
	"    poll: { work: { every: 2m, full: 1h } }\n"
#define CONFIG CONFIG_FOR("kim")
#define RULES  "rules:\n  - { id: note, on: \"blueworks.**\" }\n"

/* Answers the outstanding fetch, which must hold `what`. */
static void answer(struct world *w, const char *what, int status, const char *body)
{
	ck_assert_msg(w->out.fetch_count == 1, "nothing is asked for, not %s", what);
	const struct text url = w->out.fetches[0].request.url;

	ck_assert_msg(text_find(url, text_of(what)) != SIZE_MAX, "%.*s, not %s", TEXT_ARG(url),
		      what);
	world_fetched(w, status, text_of(body));
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static void lists(struct world *w, const char *open, const char *assigned, const char *closed,
		  const char *completed)
{
	answer(w, "WorkList?version=20110917&type=open", 200, open);
	answer(w, "TaskList?version=20110917&type=assigned", 200, assigned);
	answer(w, "WorkList?version=20110917&type=closed", 200, closed);
	answer(w, "TaskList?version=20110917&type=completed", 200, completed);
}

#define NO_WORK    "{\"work\":[]}"
#define NO_TASKS   "{\"tasks\":[]}"
#define WORK(id)   "{\"work\":[{\"id\":\"" id "\"}]}"
#define TASK(work) "{\"tasks\":[{\"id\":\"t\",\"workId\":\"" work "\"}]}"

#define DETAIL(id, status, more)                                                                   \
	"{\"work\":{\"id\":\"" id "\",\"status\":\"" status "\",\"startedAt\":1795309825000" more  \
	"},\"app\":{},\"users\":[]}"

static void one(struct world *w, const char *id, int status, const char *body)
{
	char what[64];

	(void)snprintf(what, sizeof(what), "workId=%s", id);
	answer(w, what, status, body);
}

static void next_round(struct world *w)
{
	ck_assert_uint_eq(w->out.fetch_count, 0);
	world_advance(w, 120000);
}

/* Takes stock of the open work a and the closed work z. */
static void baseline(struct world *w)
{
	world_init(w, CONFIG, RULES);
	lists(w, WORK("a"), TASK("a"), WORK("z"), TASK("z"));
	one(w, "a", 200, DETAIL("a", "Active", ""));
	ck_assert_uint_eq(w->out.fetch_count + w->out.event_count, 0);
}

START_TEST(the_first_round_takes_stock)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, WORK("a"), TASK("a"), WORK("z"), TASK("z"));
	one(&w, "a", 200, DETAIL("a", "Active", ",\"subject\":\"new\""));
	ck_assert(world_has_event(&w, "blueworks.work.updated"));
	ck_assert(!world_has_event(&w, "blueworks.work.started"));
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(what_is_new_is_told)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, WORK("a"), TASK("b"), WORK("y"), NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	ck_assert_uint_eq(w.out.event_count, 0);
	one(&w, "b", 200, DETAIL("b", "Active", ""));
	ck_assert(world_has_event(&w, "blueworks.work.started"));
	/* Started and completed between two rounds. */
	one(&w, "y", 200, DETAIL("y", "Completed", ""));
	ck_assert(world_has_event(&w, "blueworks.work.completed"));
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(what_left_the_lists_is_read_until_it_is_over)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, NO_WORK, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	ck_assert_uint_eq(w.out.event_count, 0);
	next_round(&w);
	lists(&w, NO_WORK, NO_TASKS, WORK("a"), NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Cancelled", ""));
	ck_assert(world_has_event(&w, "blueworks.work.cancelled"));
	next_round(&w);
	lists(&w, NO_WORK, NO_TASKS, WORK("a"), NO_TASKS);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	/* Open once more: nothing of it is new but that. */
	next_round(&w);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	ck_assert(world_has_event(&w, "blueworks.work.updated"));
	ck_assert_uint_eq(w.out.event_count, 1);
	world_fini(&w);
}
END_TEST

START_TEST(what_was_over_before_us_is_taken_stock_of_when_it_comes_back)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, WORK("z"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "z", 200, DETAIL("z", "Active", ",\"comments\":[{\"id\":\"c\",\"text\":\"old\"}]"));
	ck_assert_uint_eq(w.out.event_count, 0);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	next_round(&w);
	lists(&w, WORK("z"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "z", 200,
	    DETAIL("z", "Active",
		   ",\"comments\":[{\"id\":\"c\",\"text\":\"old\"},{\"id\":\"d\"}]"));
	ck_assert(world_has_event(&w, "blueworks.comment.added"));
	ck_assert_uint_eq(w.out.event_count, 1);
	world_fini(&w);
}
END_TEST

START_TEST(gone_and_hidden)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 403, "");
	ck_assert_uint_eq(w.out.event_count, 0);
	/* Nobody lists it, nobody may see it: left alone from then on, until it is listed. */
	next_round(&w);
	lists(&w, NO_WORK, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 403, "");
	next_round(&w);
	lists(&w, NO_WORK, NO_TASKS, NO_WORK, NO_TASKS);
	next_round(&w);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ",\"subject\":\"x\""));
	ck_assert(world_has_event(&w, "blueworks.work.updated"));
	ck_assert_uint_eq(w.out.event_count, 1);
	next_round(&w);
	lists(&w, NO_WORK, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 404, "");
	ck_assert_uint_eq(w.out.event_count, 0);
	next_round(&w);
	lists(&w, NO_WORK, NO_TASKS, NO_WORK, NO_TASKS);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

static bool source_says(struct world *w, const char *words)
{
	struct arena *arena = arena_new("test", MIB);
	struct text cursor;
	bool found;

	ck_assert(store_get_cursor(w->store, arena, TEXT("blueworks/work"), &cursor));
	found = text_find(cursor, text_of(words)) != SIZE_MAX;
	arena_free(arena);
	return found;
}

#define TWO "{\"work\":[{\"id\":\"a\"},{\"id\":\"b\"}]}"

/* One that is refused holds up no other, is told of, and read again in the next round. */
START_TEST(a_refused_one_is_left_out)
{
	static const int statuses[] = { 400, 403, 404, 410 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct world w;

		baseline(&w);
		next_round(&w);
		lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
		one(&w, "a", statuses[i], "{\"errorMessage\":\"no such thing\"}");
		one(&w, "b", 200, DETAIL("b", "Active", ""));
		ck_assert(world_has_event(&w, "blueworks.work.started"));
		ck_assert(source_says(&w, "1 could not be read, the first: a: status 4"));
		ck_assert(source_says(&w, "\"failures\":0"));
		next_round(&w);
		lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
		one(&w, "a", 200, DETAIL("a", "Active", ",\"subject\":\"x\""));
		ck_assert(world_has_event(&w, "blueworks.work.updated"));
		one(&w, "b", 200, DETAIL("b", "Active", ""));
		ck_assert(!source_says(&w, "could not be read"));
		world_fini(&w);
	}
}
END_TEST

/* So is one of which only nonsense comes, after some tries. */
START_TEST(an_unreadable_one_is_left_out)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, "{}");
	world_advance(&w, 5000);
	one(&w, "a", 500, "");
	world_advance(&w, 10000);
	one(&w, "a", 429, ""); /* says nothing of it */
	world_advance(&w, 20000);
	one(&w, "a", 200, "{\"work\":7}");
	one(&w, "b", 200, DETAIL("b", "Active", ""));
	ck_assert(world_has_event(&w, "blueworks.work.started"));
	ck_assert(source_says(&w, "1 could not be read, the first: a: "));
	next_round(&w);
	lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	world_fini(&w);
}
END_TEST

/* Those between which others are read are no failures in a row: nobody is alarmed, none waits
 * longer than the first. */
START_TEST(several_unreadable_ones_are_no_outage)
{
	static const char three[] = "{\"work\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]}";
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, three, NO_TASKS, NO_WORK, NO_TASKS);
	for (const char *id = "a"; id != NULL; id = id[0] == 'a' ? "c" : NULL) {
		one(&w, id, 500, "");
		world_advance(&w, 5000);
		one(&w, id, 500, "");
		ck_assert(source_says(&w, "\"failures\":2"));
		world_advance(&w, 10000);
		one(&w, id, 500, "");
		ck_assert(!world_has_event(&w, "tappet.source.stalled"));
		if (id[0] == 'a')
			one(&w, "b", 200, DETAIL("b", "Active", ""));
	}
	ck_assert(source_says(&w, "2 could not be read, the first: a: "));
	world_fini(&w);
}
END_TEST

/* Where nothing can be read, that is no round. */
START_TEST(a_round_of_refusals_has_failed)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 400, "{}");
	one(&w, "b", 400, "{}");
	ck_assert_uint_eq(w.out.fetch_count, 0);
	ck_assert(source_says(&w, "\"failures\":1"));
	ck_assert(source_says(&w, "a: status 400"));
	world_advance(&w, 5000);
	lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 401, ""); /* of our credentials: not of this one alone */
	world_advance(&w, 10000);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	one(&w, "b", 403, "");
	ck_assert(source_says(&w, "\"failures\":0"));
	world_fini(&w);
}
END_TEST

/* What was left out while stock was taken is old news when it is read at last. */
START_TEST(left_out_of_the_stock)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 410, "");
	one(&w, "b", 200, DETAIL("b", "Active", ""));
	next_round(&w);
	lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	ck_assert_uint_eq(w.out.event_count, 0);
	one(&w, "b", 200, DETAIL("b", "Active", ""));
	next_round(&w);
	lists(&w, TWO, NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ",\"subject\":\"x\""));
	ck_assert(world_has_event(&w, "blueworks.work.updated"));
	world_fini(&w);
}
END_TEST

START_TEST(a_restart_while_taking_stock)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	lists(&w, "{\"work\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	world_crash(&w);
	lists(&w, "{\"work\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, DETAIL("a", "Active", ",\"subject\":\"x\""));
	ck_assert(world_has_event(&w, "blueworks.work.updated"));
	one(&w, "b", 200, DETAIL("b", "Active", ""));
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	/* What is known of lists outlives a restart, too. */
	world_crash(&w);
	world_advance(&w, 120000);
	lists(&w, WORK("c"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "c", 200, DETAIL("c", "Active", ""));
	ck_assert(world_has_event(&w, "blueworks.work.started"));
	world_fini(&w);
}
END_TEST

START_TEST(a_failure_moves_nothing)
{
	struct world w;

	baseline(&w);
	next_round(&w);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, "{\"work\":{\"id\":\"other\"}}");
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_advance(&w, 5000);
	one(&w, "a", 503, "");
	world_advance(&w, 10000);
	one(&w, "a", 200, DETAIL("a", "Completed", ""));
	ck_assert(world_has_event(&w, "blueworks.work.completed"));
	world_fini(&w);
}
END_TEST

/* A page of a hundred rows of the list, from `first` on. */
static const char *page(char *to, size_t room, int first)
{
	size_t n = (size_t)snprintf(to, room, "{\"work\":[");

	for (int i = first; i < first + 100; i++)
		n += (size_t)snprintf(to + n, room - n, "%s{\"id\":\"z%d\"}", i > first ? "," : "",
				      i);
	(void)snprintf(to + n, room - n, "]}");
	return to;
}

START_TEST(a_settled_list_ends_at_a_known_page)
{
	struct world w;
	char rows[4000];

	world_init(&w, CONFIG, RULES);
	answer(&w, "type=open", 200, NO_WORK);
	answer(&w, "type=assigned", 200, NO_TASKS);
	answer(&w, "type=closed&limit=100&startFrom=0", 200, page(rows, sizeof(rows), 0));
	answer(&w, "type=closed&limit=100&startFrom=100", 200, page(rows, sizeof(rows), 100));
	answer(&w, "type=closed&limit=100&startFrom=200", 200, NO_WORK);
	answer(&w, "type=completed", 200, NO_TASKS);
	next_round(&w);
	answer(&w, "type=open", 200, NO_WORK);
	answer(&w, "type=assigned", 200, NO_TASKS);
	answer(&w, "type=closed&limit=100&startFrom=0", 200, page(rows, sizeof(rows), 0));
	answer(&w, "type=completed", 200, NO_TASKS);
	ck_assert_uint_eq(w.out.fetch_count + w.out.event_count, 0);
	/* But in a full round. */
	for (int i = 0; i < 28; i++) {
		world_advance(&w, 120000);
		lists(&w, NO_WORK, NO_TASKS, NO_WORK, NO_TASKS);
	}
	world_advance(&w, 120000);
	answer(&w, "type=open", 200, NO_WORK);
	answer(&w, "type=assigned", 200, NO_TASKS);
	answer(&w, "type=closed&limit=100&startFrom=0", 200, page(rows, sizeof(rows), 0));
	answer(&w, "type=closed&limit=100&startFrom=100", 200, NO_WORK);
	world_fini(&w);
}
END_TEST

START_TEST(a_new_user_brings_nothing_of_the_past)
{
	struct world w;

	baseline(&w);
	world_reload(&w, CONFIG_FOR("kim, lee"), RULES);
	world_advance(&w, 120000);
	answer(&w, "WorkList?version=20110917&type=open", 200, WORK("a"));
	answer(&w, "TaskList?version=20110917&type=assigned", 200, TASK("c"));
	answer(&w, "WorkList?version=20110917&type=open", 200,
	       "{\"work\":[{\"id\":\"c\"},{\"id\":\"d\"}]}");
	answer(&w, "TaskList?version=20110917&type=assigned", 200, TASK("c"));
	for (int i = 0; i < 2; i++) {
		answer(&w, "type=closed", 200, NO_WORK);
		answer(&w, "type=completed", 200, NO_TASKS);
	}
	one(&w, "a", 200, DETAIL("a", "Active", ""));
	/* c is new on a list that is known, d only on one that isn't. */
	one(&w, "c", 200, DETAIL("c", "Active", ""));
	ck_assert(world_has_event(&w, "blueworks.work.started"));
	one(&w, "d", 200, DETAIL("d", "Active", ""));
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_task_is_overdue_by_the_clock)
{
	static const char detail[] =
	    DETAIL("a", "Active",
		   ",\"tasks\":[{\"id\":\"t\",\"status\":\"NotStarted\",\"assignedTo\":\"u\","
		   "\"dueDate\":1795310000000}]");
	struct world w;

	world_init(&w, CONFIG, RULES);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, detail);
	next_round(&w);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, detail);
	ck_assert_uint_eq(w.out.event_count, 0);
	next_round(&w);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, detail);
	ck_assert(world_has_event(&w, "blueworks.task.overdue"));
	ck_assert(world_has_event(&w, "blueworks.work.overdue"));
	ck_assert_uint_eq(w.out.event_count, 2);
	next_round(&w);
	lists(&w, WORK("a"), NO_TASKS, NO_WORK, NO_TASKS);
	one(&w, "a", 200, detail);
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_rounds", the_first_round_takes_stock, what_is_new_is_told,
	  what_left_the_lists_is_read_until_it_is_over,
	  what_was_over_before_us_is_taken_stock_of_when_it_comes_back, gone_and_hidden,
	  a_refused_one_is_left_out, an_unreadable_one_is_left_out,
	  several_unreadable_ones_are_no_outage, a_round_of_refusals_has_failed,
	  left_out_of_the_stock, a_restart_while_taking_stock, a_failure_moves_nothing,
	  a_settled_list_ends_at_a_known_page, a_new_user_brings_nothing_of_the_past,
	  a_task_is_overdue_by_the_clock)
