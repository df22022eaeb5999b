/* SPDX-License-Identifier: Apache-2.0
 *
 * Events as CloudEvents for those who listen, and the answer to an event that is
 * put in: its id and its number. */
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG "rules: [rules.yaml]\n"
#define RULES  "rules: []\n"

static void put(struct world *w, const char *id, const char *before, const char *data)
{
	const struct input input = { .kind = INPUT_EVENT,
				     .event = { .ticket = 7,
						.type = TEXT("stock.low"),
						.source = TEXT("plugin/\"inventory"),
						.subject = TEXT("A-7"),
						.id = text_of(id),
						.time = 1795309825250,
						.data = text_of(data),
						.before = text_of(before) } };

	world_push(w, &input);
}

static void published(const struct world *w, size_t i, const char *want)
{
	ck_assert_uint_lt(i, w->out.event_count);
	ck_assert_msg(text_is(w->out.events[i].published, want), "%.*s",
		      TEXT_ARG(w->out.events[i].published));
}

START_TEST(events_are_written_while_somebody_listens)
{
	struct world w;

	world_init(&w, CONFIG, RULES);
	put(&w, "e1", "", "{\"left\":3}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	published(&w, 0, "");
	sequencer_publish(w.sequencer, true);
	put(&w, "e2", "", "{\"left\":3}");
	put(&w, "e3", "{\"left\":3,\"sku\":\"A\"}", "{\"left\":2,\"sku\":\"A\"}");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	published(&w, 0,
		  "{\"specversion\":\"1.0\",\"id\":\"e2\",\"source\":\"/tappet/plugin/"
		  "\\\"inventory\",\"type\":\"stock.low\",\"subject\":\"A-7\","
		  "\"time\":\"2026-11-22T01:10:25.250Z\",\"datacontenttype\":\"application/json\","
		  "\"seq\":2,\"depth\":0,\"data\":{\"left\":3}}");
	published(&w, 1,
		  "{\"specversion\":\"1.0\",\"id\":\"e3\",\"source\":\"/tappet/plugin/"
		  "\\\"inventory\",\"type\":\"stock.low\",\"subject\":\"A-7\","
		  "\"time\":\"2026-11-22T01:10:25.250Z\",\"datacontenttype\":\"application/json\","
		  "\"seq\":3,\"depth\":0,\"data\":{\"left\":2,\"sku\":\"A\"},"
		  "\"before\":{\"left\":3,\"sku\":\"A\"},"
		  "\"changed\":{\"left\":{\"from\":3,\"to\":2}}}");
	sequencer_publish(w.sequencer, false);
	put(&w, "e4", "", "1");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	published(&w, 0, "");
	world_fini(&w);
}
END_TEST

/* What doesn't fit is missing there, and nowhere else. */
START_TEST(large_batches_are_not_published_whole)
{
	static char data[9 * MIB];
	struct world w;
	char id[16];
	size_t there = 0;

	memset(data, 'x', sizeof(data) - 1);
	data[0] = data[sizeof(data) - 2] = '"';
	world_init(&w, CONFIG, RULES);
	sequencer_publish(w.sequencer, true);
	for (int i = 0; i < 8; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		put(&w, id, "", data);
	}
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_eq(w.out.event_count, 8);
	for (size_t i = 0; i < 8; i++)
		there += w.out.events[i].published.n > 0;
	ck_assert_uint_eq(there, LIMIT_PUBLISH / sizeof(data));
	put(&w, "after", "", "1");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_uint_gt(w.out.events[0].published.n, 0);
	world_fini(&w);
}
END_TEST

static void answered(const struct world *w, const char *body)
{
	ck_assert_uint_eq(w->out.reply_count, 1);
	ck_assert_int_eq(w->out.replies[0].status, 202);
	ck_assert_msg(text_is(w->out.replies[0].body, body), "%.*s",
		      TEXT_ARG(w->out.replies[0].body));
}

START_TEST(the_answer_has_the_number)
{
	struct world w;

	world_init(&w, CONFIG,
		   "rules:\n  - id: a\n    on: stock.low\n    do:\n"
		   "      - tappet.emit: { type: own.thing }\n");
	put(&w, "e1", "", "1");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	answered(&w, "{\"id\":\"e1\",\"seq\":1}");
	world_grant(&w, 1);
	put(&w, "e2", "", "1");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	ck_assert_int_gt(w.out.events[0].seq, 1);
	put(&w, "e1", "", "2");
	ck_assert_int_eq(world_batch(&w), FATE_OK);
	answered(&w, "{\"id\":\"e1\",\"seq\":1,\"repeat\":true}");
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_publish", events_are_written_while_somebody_listens,
	  large_batches_are_not_published_whole, the_answer_has_the_number)
