/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_feed - news of a feed: told or followed, once; crashes between a hint and its
 * reading; gaps, and a feed that is refused. */
#include "engine/base/fault.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG_WITH(polls)                                                                         \
	"rules: [rules.yaml]\n"                                                                    \
	"connections:\n"                                                                           \
	"  kantata:\n"                                                                             \
	"    connector: kantata\n"                                                                 \
	"    base_url: \"http://127.0.0.1:1\"\n"                                                   \
	"    token: t\n"                                                                           \
	"    poll: { " polls " }\n"
#define CONFIG                                                                                     \
	CONFIG_WITH("workspaces: { every: 30d, full: 60d }, subscribed_events: { every: 1m }")
#define HINTED CONFIG_WITH("workspaces: { every: 30d, full: 60d, hints: subscribed_events }")
#define RULES                                                                                      \
	"rules:\n"                                                                                 \
	"  - { id: projects, on: \"kantata.workspace.*\" }\n"                                      \
	"  - { id: news, on: \"kantata.feed.**\" }\n"

#define WORKSPACES "kantata/workspaces"
#define FEED       "kantata/subscribed_events"
#define MINUTE     60000
#define DAY        INT64_C(86400000)

#define WS(id, title)                                                                              \
	"\"" id "\":{\"id\":\"" id "\",\"title\":\"" title "\",\"created_at\":"                    \
	"\"2026-01-01T00:00:0" id "Z\",\"updated_at\":\"2026-11-22T00:50:00Z\"}"
#define ROW(id) "{\"key\":\"workspaces\",\"id\":\"" id "\"}"
#define BASE    "{\"count\":1,\"results\":[" ROW("1") "],\"workspaces\":{" WS("1", "Acme") "}}"
#define ACME2   "{\"count\":1,\"results\":[" ROW("1") "],\"workspaces\":{" WS("1", "Acme 2") "}}"
#define NOBODY  "{\"count\":0,\"results\":[],\"workspaces\":{}}"

#define NEWS_ROW(id) "{\"key\":\"subscribed_events\",\"id\":\"" id "\"}"
#define NEWS(id, type, subject)                                                                    \
	"\"" id "\":{\"id\":\"" id "\",\"event_type\":\"" type "\",\"subject_id\":" subject        \
	",\"created_at\":\"2026-11-22T01:09:00Z\"}"
#define FED(rows, objects)                                                                         \
	"{\"count\":1,\"results\":[" rows "],\"subscribed_events\":{" objects "}}"
#define NOTHING "{\"count\":0,\"results\":[],\"subscribed_events\":{}}"

/* The url of the fetch for a source, or NULL. */
static const char *asks(const struct world *w, const char *source)
{
	for (size_t i = 0; i < w->out.fetch_count; i++)
		if (text_is(w->out.fetches[i].source, source))
			return w->out.fetches[i].request.url.s;
	return NULL;
}

static bool asks_for(const struct world *w, const char *source, const char *what)
{
	const char *url = asks(w, source);

	return url != NULL && strstr(url, what) != NULL;
}

struct asked {
	char source[64];
	uint64_t fetch;
};

static struct asked asked(const struct world *w, const char *source)
{
	struct asked a = { .fetch = 0 };

	(void)snprintf(a.source, sizeof(a.source), "%s", source);
	for (size_t i = 0; i < w->out.fetch_count; i++)
		if (text_is(w->out.fetches[i].source, source))
			a.fetch = w->out.fetches[i].fetch;
	ck_assert_msg(a.fetch != 0, "nothing is asked of %s", source);
	return a;
}

static void push(struct world *w, const struct asked *a, int status, const char *body)
{
	const struct input input = {
		.kind = INPUT_FETCHED,
		.fetched = { .source = text_of(a->source),
			     .fetch = a->fetch,
			     .ending = { .how = status != 0 ? END_REPLIED : END_NO_REPLY,
					 .sent = true,
					 .status = status,
					 .body = text_of(body),
					 .error = TEXT("reset"),
					 .content_type = TEXT("application/json"),
					 .retry_after = -1 } },
	};

	world_push(w, &input);
}

static void answer(struct world *w, const char *source, int status, const char *body)
{
	struct asked a = asked(w, source);

	push(w, &a, status, body);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static void baseline(struct world *w, const char *config, const char *feed)
{
	struct asked projects, news;

	world_init(w, config, RULES);
	projects = asked(w, WORKSPACES);
	news = asked(w, FEED);
	/* A day back. */
	ck_assert(
	    asks_for(w, FEED, "page=1&order=created_at:asc&created_after=2026-11-21T01:10:24"));
	push(w, &projects, 200, BASE);
	push(w, &news, 200, feed);
	ck_assert_int_eq(world_batch(w), FATE_OK);
	ck_assert_uint_eq(w->out.event_count + w->out.fetch_count, 0);
}

/* The next cycle of the feed brings this. */
static void fed(struct world *w, const char *body)
{
	world_advance(w, MINUTE);
	answer(w, FEED, 200, body);
}

START_TEST(a_hint_is_followed_and_told_once)
{
	const char *rows = FED(NEWS_ROW("81") "," NEWS_ROW("82") "," NEWS_ROW("81"),
			       NEWS("81", "workspace:updated", "1") "," NEWS(
				   "82", "workspace:custom_field_value_updated", "1"));
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	fed(&w, rows);
	ck_assert_uint_eq(w.out.event_count, 0);
	ck_assert(asks_for(&w, WORKSPACES, "&only=1"));
	ck_assert_ptr_null(strstr(asks(&w, WORKSPACES), "only=1,"));
	answer(&w, WORKSPACES, 200, ACME2);
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert(world_has_event(&w, "kantata.workspace.updated"));
	ck_assert_uint_eq(w.out.fetch_count, 0);
	/* It is listed for days. */
	fed(&w, rows);
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_crash(&w);
	fed(&w, rows);
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(what_was_before_the_baseline_is_known)
{
	const char *rows =
	    FED(NEWS_ROW("80") "," NEWS_ROW("79"),
		NEWS("80", "workspace:updated", "1") "," NEWS("79", "story:created", "5"));
	struct world w;

	baseline(&w, CONFIG, rows);
	fed(&w, rows);
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(the_rest_are_events)
{
	const char *rows =
	    FED(NEWS_ROW("81") "," NEWS_ROW("82"),
		NEWS("81", "story:status_selected", "5") "," NEWS("82", "some thing else", "null"));
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	fed(&w, rows);
	ck_assert_uint_eq(w.out.event_count, 2);
	ck_assert(world_has_event(&w, "kantata.feed.story.status_selected"));
	ck_assert(world_has_event(&w, "kantata.feed.unknown.event"));
	ck_assert_uint_eq(w.out.run_count, 2);
	fed(&w, rows);
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(hints_alone_ask_for_nothing_else)
{
	struct world w;

	baseline(&w, HINTED, NOTHING);
	world_advance(&w, MINUTE);
	ck_assert(asks_for(&w, FEED, "&event_types=workspace%3Acreated,"));
	ck_assert(!asks_for(&w, FEED, "workspace_resource"));
	/* A filter that is not known to the server filters nothing. */
	answer(&w, FEED, 200,
	       FED(NEWS_ROW("81") "," NEWS_ROW("82"),
		   NEWS("81", "story:created", "5") "," NEWS("82", "workspace:updated", "1")));
	ck_assert_uint_eq(w.out.event_count, 0);
	ck_assert(asks_for(&w, WORKSPACES, "&only=1"));
	answer(&w, WORKSPACES, 200, ACME2);
	ck_assert(world_has_event(&w, "kantata.workspace.updated"));
	/* Asked for all from now on: what happened before is not told, hints are. */
	world_reload(&w, CONFIG, RULES);
	world_advance(&w, MINUTE);
	answer(&w, FEED, 200,
	       FED(NEWS_ROW("83") "," NEWS_ROW("84"),
		   NEWS("83", "story:created", "6") "," NEWS("84", "workspace:updated", "1")));
	ck_assert_uint_eq(w.out.event_count, 0);
	answer(&w, WORKSPACES, 200, BASE);
	ck_assert_uint_eq(w.out.event_count, 1);
	fed(&w, FED(NEWS_ROW("85"), NEWS("85", "story:created", "7")));
	ck_assert(world_has_event(&w, "kantata.feed.story.created"));
	world_fini(&w);
}
END_TEST

START_TEST(a_crash_between_hint_and_reading_loses_nothing)
{
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	fed(&w, FED(NEWS_ROW("81"), NEWS("81", "workspace:updated", "1")));
	world_crash(&w);
	ck_assert(asks_for(&w, WORKSPACES, "&only=1"));
	/* Nor does a reply that is of no use. */
	answer(&w, WORKSPACES, 503, "");
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_advance(&w, 5000);
	answer(&w, WORKSPACES, 200, "{\"count\":1,");
	world_advance(&w, 10000);
	answer(&w, WORKSPACES, 200, ACME2);
	ck_assert_uint_eq(w.out.event_count, 1);
	world_crash(&w);
	ck_assert_ptr_null(asks(&w, WORKSPACES));
	world_fini(&w);
}
END_TEST

START_TEST(what_is_not_committed_is_read_again)
{
	struct world w;
	struct asked reading;

	if (!HAVE_FAULTS)
		return;
	baseline(&w, CONFIG, NOTHING);
	fed(&w, FED(NEWS_ROW("81"), NEWS("81", "workspace:updated", "1")));
	reading = asked(&w, WORKSPACES);
	push(&w, &reading, 200, ACME2);
	world_fails(&w);
	world_advance(&w, 1000);
	ck_assert(asks_for(&w, WORKSPACES, "&only=1"));
	answer(&w, WORKSPACES, 200, ACME2);
	ck_assert_uint_eq(w.out.event_count, 1);
	world_fini(&w);
}
END_TEST

START_TEST(a_hint_that_comes_while_its_object_is_read_is_followed_again)
{
	struct world w;
	struct asked reading;

	baseline(&w, CONFIG, NOTHING);
	fed(&w, FED(NEWS_ROW("81"), NEWS("81", "workspace:updated", "1")));
	reading = asked(&w, WORKSPACES);
	fed(&w, FED(NEWS_ROW("82"), NEWS("82", "workspace:updated", "1")));
	ck_assert_ptr_null(asks(&w, WORKSPACES));
	push(&w, &reading, 200, BASE); /* it is older than the change */
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count, 0);
	ck_assert(asks_for(&w, WORKSPACES, "&only=1"));
	answer(&w, WORKSPACES, 200, ACME2);
	ck_assert(world_has_event(&w, "kantata.workspace.updated"));
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(what_is_gone_was_deleted)
{
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	/* The news of its change is read when it is gone; that of its end comes later. */
	fed(&w, FED(NEWS_ROW("81"), NEWS("81", "workspace:updated", "1")));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert(world_has_event(&w, "kantata.workspace.deleted"));
	fed(&w, FED(NEWS_ROW("82"), NEWS("82", "workspace:deleted", "1")));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert_uint_eq(w.out.event_count, 0);
	/* Made and deleted unseen: nothing to compare with, so the news themselves are told. */
	fed(&w, FED(NEWS_ROW("83") "," NEWS_ROW("84"),
		    NEWS("83", "workspace:deleted", "2") "," NEWS("84", "workspace:created", "2")));
	ck_assert(asks_for(&w, WORKSPACES, "&only=2"));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert_uint_eq(w.out.event_count, 2);
	ck_assert(world_has_event(&w, "kantata.feed.workspace.created"));
	ck_assert(world_has_event(&w, "kantata.feed.workspace.deleted"));
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(pages_are_read_to_the_end_in_any_order)
{
	char body[1024];
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	world_advance(&w, MINUTE);
	(void)snprintf(body, sizeof(body),
		       "{\"count\":201,\"results\":[%s],\"subscribed_events\":{%s}}",
		       NEWS_ROW("82"), NEWS("82", "story:created", "5"));
	answer(&w, FEED, 200, body);
	ck_assert(asks_for(&w, FEED, "page=2"));
	/* A page that fails is asked for again, nothing is told twice. */
	answer(&w, FEED, 429, "");
	world_advance(&w, 5000);
	ck_assert(asks_for(&w, FEED, "page=2"));
	answer(&w, FEED, 200, "<html>");
	world_advance(&w, 10000);
	answer(&w, FEED, 200, FED(NEWS_ROW("81"), NEWS("81", "story:created", "6")));
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	/* From the last row on, less twenty minutes. */
	world_advance(&w, MINUTE);
	ck_assert(asks_for(&w, FEED, "created_after=2026-11-22T00:48:59Z"));
	world_fini(&w);
}
END_TEST

START_TEST(now_and_then_it_looks_further_back)
{
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	fed(&w, FED(NEWS_ROW("81"), NEWS("81", "story:created", "5")));
	world_advance(&w, 6 * 3600000);
	ck_assert(asks_for(&w, FEED, "created_after=2026-11-21T07:11:24Z"));
	answer(&w, FEED, 200, FED(NEWS_ROW("80"), NEWS("80", "story:created", "4")));
	ck_assert_uint_eq(w.out.event_count, 1);
	world_fini(&w);
}
END_TEST

START_TEST(ten_days_unread_are_a_gap)
{
	struct world w;
	struct asked news;

	baseline(&w, CONFIG, NOTHING);
	world_advance(&w, 10 * DAY);
	/* As far back as it goes. */
	ck_assert(asks_for(&w, FEED, "created_after=2026-11-23T02:10:24Z"));
	ck_assert_ptr_null(asks(&w, WORKSPACES));
	answer(&w, FEED, 200, FED(NEWS_ROW("90"), NEWS("90", "workspace:deleted", "1")));
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert(world_has_event(&w, "tappet.source.gap"));
	/* Everything is looked at; also when the daemon dies now. */
	ck_assert(asks_for(&w, WORKSPACES, "order=created_at:asc"));
	world_crash(&w);
	ck_assert(asks_for(&w, WORKSPACES, "order=created_at:asc"));
	ck_assert(!world_has_event(&w, "tappet.source.gap"));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert(asks_for(&w, WORKSPACES, "&only=1"));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert(world_has_event(&w, "kantata.workspace.deleted"));
	/* The hint tells nothing new. */
	ck_assert(asks_for(&w, WORKSPACES, "&only=1"));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_advance(&w, MINUTE);
	news = asked(&w, FEED);
	ck_assert_ptr_null(asks(&w, WORKSPACES));
	push(&w, &news, 200, NOTHING);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_quiet_feed_has_no_gap)
{
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	for (int day = 1; day <= 12; day++) {
		world_advance(&w, DAY);
		answer(&w, FEED, 200, NOTHING);
		ck_assert_uint_eq(w.out.event_count + w.out.fetch_count, 0);
	}
	world_fini(&w);
}
END_TEST

START_TEST(a_refused_feed_is_told_once)
{
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	world_advance(&w, MINUTE);
	answer(&w, FEED, 403, "{\"errors\":[{\"message\":\"Admins only\"}]}");
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert(world_has_event(&w, "tappet.source.gap"));
	answer(&w, WORKSPACES, 200, BASE);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_crash(&w);
	for (int i = 0; i < 3; i++) {
		answer(&w, FEED, 403, "{}");
		ck_assert(!world_has_event(&w, "tappet.source.gap"));
		ck_assert_ptr_null(asks(&w, WORKSPACES));
		world_advance(&w, 300000);
	}
	/* Back again, it goes on where it was; the next time is told anew. */
	answer(&w, FEED, 200, FED(NEWS_ROW("81"), NEWS("81", "story:created", "5")));
	ck_assert_uint_eq(w.out.event_count, 1);
	ck_assert(world_has_event(&w, "kantata.feed.story.created"));
	world_advance(&w, MINUTE);
	answer(&w, FEED, 404, "");
	ck_assert(world_has_event(&w, "tappet.source.gap"));
	world_fini(&w);
}
END_TEST

/* A page of 150 hints, the ids of objects from `first` on. */
static void many(struct world *w, int first)
{
	struct buf rows;

	world_advance(w, MINUTE);
	buf_init(&rows, 1u << 20);
	buf_str(&rows, "{\"count\":150,\"results\":[");
	for (int i = first; i < first + 150; i++)
		buf_printf(&rows, "%s{\"key\":\"subscribed_events\",\"id\":\"%d\"}",
			   i > first ? "," : "", i);
	buf_str(&rows, "],\"subscribed_events\":{");
	for (int i = first; i < first + 150; i++)
		buf_printf(&rows,
			   "%s\"%d\":{\"event_type\":\"workspace:updated\",\"subject_id\":%d}",
			   i > first ? "," : "", i, i);
	buf_str(&rows, "}}");
	answer(w, FEED, 200, buf_cstr(&rows));
	buf_fini(&rows);
}

START_TEST(many_hints_are_followed_in_batches)
{
	struct asked reading;
	struct world w;

	baseline(&w, CONFIG, NOTHING);
	many(&w, 1000);
	ck_assert(asks_for(&w, WORKSPACES, "&only=1000,1001,"));
	reading = asked(&w, WORKSPACES);
	many(&w, 2000);
	many(&w, 3000);
	push(&w, &reading, 200, NOBODY);
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count, 150); /* never known, and not there */
	ck_assert(asks_for(&w, WORKSPACES, "&only=2000,"));
	ck_assert(asks_for(&w, WORKSPACES, ",2149,3000,"));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert_uint_eq(w.out.event_count, 200);
	ck_assert(asks_for(&w, WORKSPACES, "&only=3050,"));
	answer(&w, WORKSPACES, 200, NOBODY);
	ck_assert_uint_eq(w.out.event_count, 100);
	ck_assert_uint_eq(w.out.fetch_count, 0);
	world_fini(&w);
}
END_TEST

struct told {
	unsigned created, updated;
};

/* Answers what is asked for, with the n-th allocation failing (0: none), and counts what is told.
 * True when there was such an allocation. */
static bool go_on(struct world *w, int n, struct told *told)
{
	struct asked news = { .fetch = 0 }, projects = { .fetch = 0 };
	bool named = asks_for(w, WORKSPACES, "&only=1"), hit = false;
	enum fate fate;

	if (asks(w, FEED) != NULL)
		news = asked(w, FEED);
	if (asks(w, WORKSPACES) != NULL)
		projects = asked(w, WORKSPACES);
	if (news.fetch != 0)
		push(
		    w, &news, 200,
		    FED(NEWS_ROW("81") "," NEWS_ROW("82"),
			NEWS("81", "story:created", "5") "," NEWS("82", "workspace:updated", "1")));
	if (projects.fetch != 0)
		push(w, &projects, 200, named || told->updated > 0 ? ACME2 : BASE);
	w->now.wall += 1000;
	w->now.mono += 1000;
	if (n > 0)
		fault_arm("memory", n, false);
	fate = world_batch(w);
	if (n > 0)
		hit = fault_disarm();
	if (fate != FATE_OK)
		return hit;
	told->created += world_has_event(w, "kantata.feed.story.created");
	told->updated += world_has_event(w, "kantata.workspace.updated");
	return hit;
}

/* Memory gives out anywhere, with the row or with the object it hints at: each is told once. */
START_TEST(memory_that_gives_out_loses_and_repeats_nothing)
{
	for (int phase = 0; phase < 2; phase++) {
		bool hit = true;

		for (int n = 1; hit; n++) {
			struct told told = { 0, 0 };
			struct world w;

			baseline(&w, CONFIG, NOTHING);
			world_advance(&w, MINUTE);
			for (int i = 0; i < phase; i++)
				(void)go_on(&w, 0, &told);
			hit = go_on(&w, n, &told);
			for (int i = 0; i < 80; i++)
				(void)go_on(&w, 0, &told);
			ck_assert_msg(told.created == 1 && told.updated == 1,
				      "phase %d, allocation %d: %u and %u", phase, n, told.created,
				      told.updated);
			world_fini(&w);
		}
	}
}
END_TEST

UNIT_MAIN("sequencer_feed", a_hint_is_followed_and_told_once, what_was_before_the_baseline_is_known,
	  the_rest_are_events, hints_alone_ask_for_nothing_else,
	  a_crash_between_hint_and_reading_loses_nothing, what_is_not_committed_is_read_again,
	  a_hint_that_comes_while_its_object_is_read_is_followed_again, what_is_gone_was_deleted,
	  pages_are_read_to_the_end_in_any_order, now_and_then_it_looks_further_back,
	  ten_days_unread_are_a_gap, a_quiet_feed_has_no_gap, a_refused_feed_is_told_once,
	  many_hints_are_followed_in_batches, memory_that_gives_out_loses_and_repeats_nothing)
