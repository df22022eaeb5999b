/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sequencer_intake - bodies in every form they come in: forms, CloudEvents
 * alone and in batches, Slack's challenge, ids that stand in the body. */
#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/unit_main.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks:\n"                                                                                 \
	"  in: { verify: none }\n"                                                                 \
	"  slack: { verify: slack, secret: x }\n"                                                  \
	"  stripe: { verify: stripe, secret: x }\n"                                                \
	"  hind: { verify: hindsite, secret: x }\n"

#define RULES "rules: [ { id: seen, on: '**', when: \"type(data) == map\" } ]\n"

static void begin(struct world *w)
{
	world_init(w, CONFIG, RULES);
}

static void push(struct world *w, const char *hook, enum envelope envelope, bool form,
		 const char *body)
{
	const struct input input = {
		.kind = INPUT_HOOK,
		.hook = { .ticket = 7,
			  .hook = text_of(hook),
			  .body = text_of(body),
			  .form = form,
			  .envelope = envelope },
	};

	world_push(w, &input);
}

/* The one answer of a batch with the one input. */
static void answered(struct world *w, int status, const char *part)
{
	ck_assert_int_eq(world_batch(w), FATE_OK);
	ck_assert_uint_eq(w->out.reply_count, 1);
	ck_assert_msg(w->out.replies[0].status == status, "%d %.*s", w->out.replies[0].status,
		      TEXT_ARG(w->out.replies[0].body));
	ck_assert_msg(strstr(w->out.replies[0].body.s, part) != NULL, "no %s in %s", part,
		      w->out.replies[0].body.s);
}

/* The data of the batch's i-th event. */
static void data_is(struct world *w, size_t i, const char *json)
{
	struct arena *arena = arena_new("test", MIB);
	struct event_record event;

	ck_assert_uint_lt(i, w->out.event_count);
	ck_assert(store_get_event(w->store, arena, w->out.events[i].seq, &event));
	ck_assert_str_eq(event.data.s, json);
	arena_free(arena);
}

/* ---- Forms. ---- */

static void form(struct world *w, const char *hook, const char *body)
{
	push(w, hook, ENVELOPE_NONE, true, body);
}

START_TEST(forms)
{
	struct world w;

	begin(&w);
	form(&w, "in", "a=1&b=x+y&a=%C3%A4");
	answered(&w, 202, "\"id\"");
	data_is(&w, 0, "{\"a\":[\"1\",\"\xc3\xa4\"],\"b\":\"x y\"}");
	form(&w, "in", "payload=%7B%22action%22%3A%22opened%22%7D");
	answered(&w, 202, "\"id\"");
	data_is(&w, 0, "{\"action\":\"opened\"}");
	form(&w, "in", "payload=hello");
	answered(&w, 202, "\"id\"");
	data_is(&w, 0, "{\"payload\":\"hello\"}");
	form(&w, "in", "payload=%7B%7D&more=1");
	answered(&w, 202, "\"id\"");
	data_is(&w, 0, "{\"payload\":\"{}\",\"more\":\"1\"}");
	form(&w, "in", "payload=%7B%22a%22%3A");
	answered(&w, 400, "not JSON");
	form(&w, "in", " {\"a\":\"b=c\"}");
	answered(&w, 400, "this is JSON");
	form(&w, "in", "a=%");
	answered(&w, 400, "no escape");
	ck_assert_uint_eq(w.out.event_count, 0);
	world_fini(&w);
}
END_TEST

/* ---- Slack and Stripe. ---- */

START_TEST(slack_challenge)
{
	static char long_one[2 * LIMIT_CHALLENGE];
	struct world w;

	begin(&w);
	push(&w, "slack", ENVELOPE_NONE, false,
	     "{\"token\":\"t\",\"challenge\":\"3eZbrw1a\\u0001\",\"type\":\"url_verification\"}");
	answered(&w, 200, "{\"challenge\":\"3eZbrw1a\\u0001\"}");
	ck_assert_uint_eq(w.out.event_count, 0);
	push(&w, "slack", ENVELOPE_NONE, false, "{\"type\":\"url_verification\"}");
	answered(&w, 400, "challenge");
	memset(long_one, 'x', LIMIT_CHALLENGE + 50);
	memcpy(long_one, "{\"type\":\"url_verification\",\"challenge\":\"", 40);
	long_one[LIMIT_CHALLENGE + 50] = '"';
	long_one[LIMIT_CHALLENGE + 51] = '}';
	push(&w, "slack", ENVELOPE_NONE, false, long_one);
	answered(&w, 400, "challenge");
	/* Elsewhere it is an event like any other. */
	push(&w, "in", ENVELOPE_NONE, false, "{\"challenge\":\"x\",\"type\":\"url_verification\"}");
	answered(&w, 202, "\"id\"");
	ck_assert_uint_eq(w.out.event_count, 1);
	world_fini(&w);
}
END_TEST

/* A command's answer is shown to whoever typed it: nothing, and 200. */
START_TEST(slack_forms)
{
	struct world w;

	begin(&w);
	form(&w, "slack", "command=%2Fdeploy&text=now&trigger_id=1");
	answered(&w, 200, "");
	ck_assert_uint_eq(w.out.replies[0].body.n, 0);
	data_is(&w, 0, "{\"command\":\"/deploy\",\"text\":\"now\",\"trigger_id\":\"1\"}");
	form(&w, "slack", "command=%2Fdeploy&text=now&trigger_id=1");
	answered(&w, 200, "");
	ck_assert_uint_eq(w.out.event_count, 0); /* sent again: the same bytes */
	form(&w, "slack", "payload=%7B%22type%22%3A%22block_actions%22%7D");
	answered(&w, 200, "");
	data_is(&w, 0, "{\"type\":\"block_actions\"}");
	world_fini(&w);
}
END_TEST

START_TEST(ids_in_the_body)
{
	struct world w;

	begin(&w);
	push(&w, "slack", ENVELOPE_NONE, false, "{\"event_id\":\"Ev1\",\"n\":1}");
	answered(&w, 202, "\"id\"");
	push(&w, "slack", ENVELOPE_NONE, false, "{\"event_id\":\"Ev1\",\"n\":2}");
	answered(&w, 202, "\"repeat\":true");
	push(&w, "stripe", ENVELOPE_NONE, false, "{\"id\":\"evt_1\",\"pending_webhooks\":2}");
	answered(&w, 202, "\"id\"");
	push(&w, "stripe", ENVELOPE_NONE, false, "{\"id\":\"evt_1\",\"pending_webhooks\":1}");
	answered(&w, 202, "\"repeat\":true");
	push(&w, "stripe", ENVELOPE_NONE, false, "{\"id\":\"evt_2\"}");
	answered(&w, 202, "\"id\"");
	ck_assert_uint_eq(w.out.event_count, 1);
	push(&w, "hind", ENVELOPE_NONE, false, "{\"created_at\":1}");
	answered(&w, 202, "\"id\"");
	push(&w, "hind", ENVELOPE_NONE, false, "{\"created_at\":1}");
	answered(&w, 202, "\"repeat\":true");
	/* Who says nothing of an id means each of them. */
	push(&w, "in", ENVELOPE_NONE, false, "{\"id\":\"1\"}");
	answered(&w, 202, "\"id\"");
	push(&w, "in", ENVELOPE_NONE, false, "{\"id\":\"1\"}");
	answered(&w, 202, "\"id\"");
	ck_assert_uint_eq(w.out.event_count, 1);
	world_fini(&w);
}
END_TEST

/* ---- CloudEvents. ---- */

#define CE(id, more) "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/s\"" more "}"
#define TYPE         ",\"type\":\"a.b\""

START_TEST(structured)
{
	static const struct {
		const char *body, *why;
	} wrong[] = {
		{ "[]", "JSON object" },
		{ "{\"id\":\"1\",\"source\":\"/s\",\"type\":\"a\"}", "specversion" },
		{ CE("", TYPE), "needs id" },
		{ CE("1", ""), "needs id" },
		{ CE("1", ",\"type\":\"a b\""), "needs id" },
		{ CE("1", ",\"type\":5"), "are texts" },
		{ CE("1", TYPE ",\"subject\":5"), "are texts" },
		{ CE("1", TYPE ",\"time\":5"), "are texts" },
		{ CE("1", TYPE ",\"time\":\"today\""), "RFC 3339" },
		{ CE("1", TYPE ",\"data_base64\":\"AA==\""), "data_base64" },
		{ CE("1", ",\"type\":\"tappet.run.dead\""), "engine's own" },
	};
	struct world w;

	begin(&w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		push(&w, "in", ENVELOPE_STRUCTURED, false, wrong[i].body);
		answered(&w, 400, wrong[i].why);
		ck_assert_uint_eq(w.out.event_count, 0);
	}
	push(&w, "in", ENVELOPE_STRUCTURED, false,
	     CE("1", TYPE ",\"subject\":null,\"time\":null,\"ext\":5,\"data\":\"text\""));
	answered(&w, 202, "\"id\"");
	data_is(&w, 0, "\"text\"");
	world_fini(&w);
}
END_TEST

static void batch(struct world *w, const char *body)
{
	push(w, "in", ENVELOPE_BATCH, false, body);
}

START_TEST(batches)
{
	struct world w;
	char first[300];

	begin(&w);
	batch(&w, "[]");
	answered(&w, 202, "{\"ids\":[]}");
	batch(&w, "[" CE("1", TYPE ",\"data\":1") "," CE("2", TYPE ",\"data\":2") "," CE(
		      "1", TYPE ",\"data\":3") "]");
	answered(&w, 202, "{\"ids\":[\"");
	ck_assert_uint_eq(w.out.event_count, 2); /* the third is the first again */
	data_is(&w, 0, "1");
	data_is(&w, 1, "2");
	snprintf(first, sizeof(first), "{\"ids\":[\"%s\",\"%s\",\"%s\"]}", w.out.events[0].id.s,
		 w.out.events[1].id.s, w.out.events[0].id.s);
	ck_assert_str_eq(w.out.replies[0].body.s, first);
	/* Again, with one more, and alone: by (source, id), however they come. */
	batch(&w, "[" CE("2", TYPE) "," CE("3", TYPE) "]");
	answered(&w, 202, "{\"ids\":[\"");
	ck_assert_uint_eq(w.out.event_count, 1);
	push(&w, "in", ENVELOPE_STRUCTURED, false, CE("3", TYPE));
	answered(&w, 202, "\"repeat\":true");
	world_fini(&w);
}
END_TEST

START_TEST(all_or_nothing)
{
	static char many[64 * (LIMIT_CE_BATCH + 2)];
	struct world w;
	size_t n = 1;

	begin(&w);
	batch(&w, "{}");
	answered(&w, 400, "a list of at most");
	batch(&w, "[" CE("1", TYPE) "," CE("", TYPE) "," CE("3", TYPE) "]");
	answered(&w, 400, "event 2: a CloudEvent needs id");
	ck_assert_uint_eq(w.out.event_count, 0);
	batch(&w, "[" CE("1", TYPE) ",7]");
	answered(&w, 400, "event 2: a CloudEvent is a JSON object");
	many[0] = '[';
	for (unsigned i = 0; i <= LIMIT_CE_BATCH; i++)
		n += (size_t)snprintf(
		    many + n, sizeof(many) - n,
		    "%s{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":\"/\",\"type\":\"a\"}",
		    i > 0 ? "," : "", i);
	many[n] = ']';
	batch(&w, many);
	answered(&w, 400, "a list of at most");
	many[strrchr(many, ',') - many] = '\0'; /* the last event's type */
	*strstr(many, ",{\"specversion\":\"1.0\",\"id\":\"1000\"") = ']';
	*(strchr(many, ']') + 1) = '\0';
	batch(&w, many);
	answered(&w, 202, "{\"ids\":[");
	ck_assert_uint_eq(w.out.event_count, LIMIT_CE_BATCH);
	world_fini(&w);
}
END_TEST

/* Memory gives out anywhere: the batch is taken whole when it is taken at last. */
START_TEST(a_batch_without_memory)
{
	bool hit = true;

	for (int n = 1; hit; n++) {
		struct world w;
		enum fate fate;

		begin(&w);
		batch(&w, "[" CE("1", TYPE) "," CE("2", TYPE) "]");
		fault_arm("memory", n, false);
		fate = world_batch(&w);
		hit = fault_disarm();
		ck_assert(w.out.event_count == 0 || w.out.event_count == 2);
		if (fate != FATE_OK)
			ck_assert_uint_eq(w.out.event_count, 0);
		world_fini(&w);
	}
}
END_TEST

/* ---- Bad input. ---- */

START_TEST(deep)
{
	static char text[20001];
	struct world w;

	memset(text, '[', 10000);
	memset(text + 10000, ']', 10000);
	begin(&w);
	push(&w, "in", ENVELOPE_NONE, false, text);
	answered(&w, 400, "not JSON");
	push(&w, "in", ENVELOPE_BATCH, false, text);
	answered(&w, 400, "not JSON");
	push(&w, "in", ENVELOPE_NONE, false, "{\"a\":\"\xff\"}");
	answered(&w, 400, "UTF-8");
	push(&w, "in", ENVELOPE_NONE, false, "{\"a\":1,\"a\":2}");
	answered(&w, 400, "not JSON");
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sequencer_intake", forms, slack_challenge, slack_forms, ids_in_the_body, structured,
	  batches, all_or_nothing, a_batch_without_memory, deep)
