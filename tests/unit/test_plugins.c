/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime of plugins with a plugin at the other end of a socket: outputs of
 * batches in, inputs of the sequencer out. */
#include <poll.h>
#include <stdatomic.h>
#include <zmq.h>

#include "engine/base/limits.h"
#include "engine/plugins/plugins.h"
#include "tests/unit/test_io_net.h"
#include "tests/unit/test_plugins_logs.h"
#include "tests/unit/unit_main.h"

#define HELLO "{\"protocol\":1,\"name\":\"inventory\",\"jobs\":2}"

static struct plugins *plugins;
static struct queue *inputs;
static struct queue_item *taken; /* of the queue, not looked at yet */
static void *context, *plugin;
static char folder[64], sessions[128], events[128];
static char header[4096], body[4096];

static enum session_answer on_manifest(void *of, struct text name, struct text json,
				       char words[SESSION_WORDS])
{
	(void)of;
	(void)name;
	(void)snprintf(words, SESSION_WORDS, "actions: wrong");
	return text_is(json, "[]") ? SESSION_WRONG : SESSION_TAKEN;
}

static enum fate on_emits(void *of, struct text name, struct text type, struct text data,
			  char words[SESSION_WORDS])
{
	(void)of;
	(void)name;
	ck_assert_uint_gt(data.n, 0);
	if (text_is(type, "none"))
		return FATE_RETRY;
	(void)snprintf(words, SESSION_WORDS, "no such type");
	return text_is(type, "low") ? FATE_OK : FATE_REJECT;
}

/* Stands still, so that a slow machine is no silent plugin. */
static atomic_int_fast64_t mono = 5000;

static struct instant read_clock(void *of)
{
	(void)of;
	return (struct instant){ 1795309825000, atomic_load(&mono) };
}

/* ---- The plugin. ---- */

static void *socket_at(int type, const char *endpoint)
{
	int patience = NET_PATIENCE * 1000, none = 0;
	void *socket = zmq_socket(context, type);

	ck_assert_ptr_nonnull(socket);
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof(patience));
	zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
	ck_assert_int_eq(zmq_connect(socket, endpoint), 0);
	return socket;
}

static void say(const char *verb, const char *head, const char *content)
{
	zmq_send(plugin, verb, strlen(verb), ZMQ_SNDMORE);
	zmq_send(plugin, head, strlen(head), content != NULL ? ZMQ_SNDMORE : 0);
	if (content != NULL)
		zmq_send(plugin, content, strlen(content), 0);
}

static bool more(void *socket)
{
	int value = 0;
	size_t n = sizeof(value);

	zmq_getsockopt(socket, ZMQ_RCVMORE, &value, &n);
	return value != 0;
}

static void frame(void *socket, char *out, size_t room)
{
	int n = zmq_recv(socket, out, room - 1, 0);

	ck_assert_msg(n >= 0 && (size_t)n < room, "%s", zmq_strerror(zmq_errno()));
	out[n] = '\0';
}

/* The next message but PINGs, which are answered: a loaded machine may be slow. */
static void hear(const char *want)
{
	char verb[64];

	do {
		frame(plugin, verb, sizeof(verb));
		frame(plugin, header, sizeof(header));
		body[0] = '\0';
		if (more(plugin))
			frame(plugin, body, sizeof(body));
		if (strcmp(verb, "PING") == 0)
			say("PONG", header, NULL);
	} while (strcmp(verb, "PING") == 0 && strcmp(want, "PING") != 0);
	ck_assert_msg(strcmp(verb, want) == 0, "%s instead of %s: %s", verb, want, header);
}

static void connect_plugin(void)
{
	plugin = socket_at(ZMQ_DEALER, plugins_sessions(plugins));
	say("HELLO", HELLO, "{}");
	hear("WELCOME");
}

/* ---- The sequencer. ---- */

static struct input *next_input(void)
{
	struct pollfd fd = { .fd = queue_fd(inputs), .events = POLLIN };
	struct queue_item *item;

	while (taken == NULL) {
		ck_assert_int_eq(poll(&fd, 1, NET_PATIENCE * 1000), 1);
		taken = queue_take(inputs);
	}
	item = taken;
	taken = item->next;
	return (struct input *)(void *)item;
}

static void expect_grant(const char *target, unsigned credits)
{
	struct input *in = next_input();

	ck_assert_int_eq(in->kind, INPUT_GRANT);
	ck_assert(text_is(in->grant.target, target));
	ck_assert_uint_eq(in->grant.credits, credits);
	ck_assert(in->grant.lent);
	input_free(in);
}

static void want(const char *name, unsigned runs)
{
	struct text target = text_of(name);
	struct outputs out = { .targets = &target, .target_runs = &runs, .target_count = 1 };

	plugins_hand(plugins, &out);
}

static void attempt(int64_t run)
{
	struct attempt_out a = { .run = run,
				 .step = 2,
				 .attempt = 1,
				 .target = TEXT("inventory"),
				 .request = { .method = PLUGIN_METHOD,
					      .url = TEXT("reserve"),
					      .body = TEXT("{\"count\":2}") },
				 .key = TEXT("k"),
				 .timeout = 30000,
				 .rule = TEXT("restock"),
				 .event = TEXT("b1946ac9") };
	struct outputs out = { .attempts = &a, .attempt_count = 1 };

	plugins_hand(plugins, &out);
}

static void expect_outcome(int64_t run, int how, int status, bool sent, const char *want_body)
{
	struct input *in = next_input();

	ck_assert_int_eq(in->kind, INPUT_OUTCOME);
	ck_assert_int_eq(in->outcome.run, run);
	ck_assert_int_eq(in->outcome.step, 2);
	ck_assert_int_eq(in->outcome.attempt, 1);
	ck_assert(text_is(in->outcome.target, "inventory"));
	ck_assert_int_eq((int)in->outcome.ending.how, how);
	ck_assert_int_eq(in->outcome.ending.status, status);
	ck_assert(in->outcome.ending.sent == sent);
	ck_assert_msg(text_is(in->outcome.ending.body, want_body), "%.*s",
		      TEXT_ARG(in->outcome.ending.body));
	input_free(in);
}

/* ---- Start and stop. ---- */

static const struct plugin_setting usual[] = { { .name = { "inventory", 9 } },
					       { .name = { "other", 5 } } };

static void start_with(const struct plugin_setting *settings, size_t count, const char *at,
		       const struct secret *key)
{
	struct plugins_parts parts = { .sessions = at,
				       .events = events,
				       .key = key,
				       .settings = settings,
				       .count = count,
				       .clock = { read_clock, NULL },
				       .manifest = on_manifest,
				       .emits = on_emits };
	char words[BUS_WORDS];

	inputs = queue_new(4, MIB);
	parts.inputs = inputs;
	ck_assert_msg(plugins_start(&parts, &plugins, words) == FATE_OK, "%s", words);
}

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/tappet-plugins-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(sessions, sizeof(sessions), "ipc://%s/s.sock", folder);
	(void)snprintf(events, sizeof(events), "ipc://%s/e.sock", folder);
	context = zmq_ctx_new();
}

static void start(void)
{
	setup();
	start_with(usual, 2, sessions, NULL);
	connect_plugin();
}

static void drop_inputs(void)
{
	if (taken == NULL)
		taken = queue_take(inputs);
	while (taken != NULL)
		input_free(next_input());
}

static void finish(void)
{
	plugins_stop(plugins);
	zmq_close(plugin);
	zmq_ctx_term(context);
	drop_inputs();
	drop_inputs();
	queue_free(inputs);
	(void)unlink(sessions + 6);
	(void)unlink(events + 6);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- Tests. ---- */

START_TEST(a_job_goes_there_and_back)
{
	start();
	want("inventory", 1);
	expect_grant("inventory", 1);
	attempt(4711);
	hear("JOB");
	ck_assert_str_eq(header, "{\"id\":\"4711.2.1\",\"action\":\"reserve\",\"key\":\"k\","
				 "\"attempt\":1,\"timeout\":30000,\"rule\":\"restock\","
				 "\"event\":\"b1946ac9\"}");
	ck_assert_str_eq(body, "{\"count\":2}");
	say("RESULT", "{\"id\":\"4711.2.1\",\"fate\":\"ok\",\"jobs\":1}", "{\"r\":19}");
	expect_outcome(4711, END_REPLIED, 200, true, "{\"r\":19}");
	finish();
}
END_TEST

static void answered(const char *result, int how, int status, const char *want_body)
{
	attempt(1);
	hear("JOB");
	say("RESULT", result, NULL);
	expect_outcome(1, how, status, true, want_body);
}

START_TEST(each_fate_is_an_ending)
{
	start();
	answered("{\"id\":\"1.2.1\",\"fate\":\"reject\",\"error\":\"no\",\"jobs\":1}", END_REPLIED,
		 422, "{\"error\":\"no\"}");
	answered("{\"id\":\"1.2.1\",\"fate\":\"retry\",\"after\":5,\"jobs\":1}", END_REPLIED, 503,
		 "{\"error\":\"\"}");
	answered("{\"id\":\"1.2.1\",\"fate\":\"doubt\",\"jobs\":1}", END_NO_REPLY, 0, "");
	answered("{\"id\":\"1.2.1\",\"fate\":\"fine\",\"jobs\":1}", END_NO_REPLY, 0, "");
	finish();
}
END_TEST

START_TEST(other_attempts_are_not_its_business)
{
	struct attempt_out list[] = {
		{ .run = 1, .target = TEXT("inventory") },
		{ .run = 2, .target = TEXT("inventory"), .request = { .method = "POST" } }
	};
	struct outputs out = { .attempts = list, .attempt_count = 2 };

	start();
	plugins_hand(plugins, &out);
	attempt(3);
	hear("JOB");
	ck_assert_ptr_nonnull(strstr(header, "\"3.2.1\""));
	finish();
}
END_TEST

START_TEST(without_a_plugin_nothing_is_sent)
{
	setup();
	start_with(usual, 2, sessions, NULL);
	want("inventory", 3);
	attempt(5);
	expect_outcome(5, END_NO_REPLY, 0, false, "");
	connect_plugin(); /* what waits gets its credit then */
	expect_grant("inventory", 2);
	say("CREDIT", "{\"jobs\":5}", NULL);
	expect_grant("inventory", 1);
	finish();
}
END_TEST

START_TEST(credit_comes_back)
{
	struct unused_out unused = { .target = TEXT("inventory"), .credits = 2, .plugin = true };
	struct unused_out others = { .target = TEXT("inventory"), .credits = 2 };
	struct outputs out = { .unused = &unused, .unused_count = 1 };
	struct outputs not_ours = { .unused = &others, .unused_count = 1 };

	start();
	want("inventory", 9);
	expect_grant("inventory", 2);
	plugins_hand(plugins, &not_ours);
	plugins_hand(plugins, &out);
	expect_grant("inventory", 2); /* seven still wait */
	want("nobody", 9);            /* a target of somebody else's */
	want("inventory", 0);
	plugins_hand(plugins, &out);
	attempt(1);
	hear("JOB");
	say("BYE", "{}", NULL);
	expect_outcome(1, END_NO_REPLY, 0, true, "");
	finish();
}
END_TEST

START_TEST(an_emit_is_an_input)
{
	struct reply_out r = { .status = 202,
			       .body = TEXT("{\"id\":\"e1\",\"seq\":7,\"repeat\":true}") };
	struct outputs out = { .replies = &r, .reply_count = 1 };
	struct input *in;

	start();
	say("EMIT", "{\"id\":\"low-1\",\"type\":\"low\",\"subject\":\"A\"}", "{\"left\":3}");
	in = next_input();
	ck_assert_int_eq(in->kind, INPUT_EVENT);
	ck_assert(text_is(in->event.type, "plugin.inventory.low"));
	ck_assert(text_is(in->event.source, "plugin/inventory"));
	ck_assert(text_is(in->event.connection, "inventory"));
	ck_assert(text_is(in->event.subject, "A"));
	ck_assert(text_is(in->event.data, "{\"left\":3}"));
	ck_assert_uint_eq(in->event.id.n, 32);
	ck_assert(plugins_is_ticket(in->event.ticket));
	ck_assert(!plugins_is_ticket(1));
	r.ticket = in->event.ticket;
	plugins_reply(plugins, &out);
	hear("EMITTED");
	ck_assert_str_eq(header, "{\"id\":\"low-1\",\"event\":\"e1\",\"seq\":7,\"repeat\":true,"
				 "\"emits\":1}");
	input_free(in);
	finish();
}
END_TEST

/* The job it came from is told by its id, which an earlier session may have had. */
START_TEST(an_emit_names_its_job)
{
	static const struct {
		const char *job;
		int64_t run;
		int step;
	} cases[] = { { "4711.2.1", 4711, 2 }, { "4711.2", 0, 0 },  { "0.2.1", 0, 0 },
		      { "4711.-1.1", 0, 0 },   { "x.2.1", 0, 0 },   { "", 0, 0 },
		      { "4711.2.1.7", 0, 0 },  { "4711..1", 0, 0 }, { "1.99999999999.1", 0, 0 } };

	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct input *in;
		char text[128];

		(void)snprintf(text, sizeof(text),
			       "{\"id\":\"low-%zu\",\"type\":\"low\",\"job\":\"%s\"}", i,
			       cases[i].job);
		say("EMIT", text, "{\"left\":3}");
		in = next_input();
		ck_assert_int_eq(in->event.job_run, cases[i].run);
		ck_assert_int_eq(in->event.job_step, cases[i].step);
		input_free(in);
	}
	finish();
}
END_TEST

static void emit_answered(int status, const char *answer, const char *code)
{
	struct reply_out r = { .status = status, .body = text_of(answer) };
	struct outputs out = { .replies = &r, .reply_count = 1 };
	struct input *in;

	say("EMIT", "{\"id\":\"1\",\"type\":\"low\"}", NULL);
	in = next_input();
	r.ticket = in->event.ticket;
	input_free(in);
	plugins_reply(plugins, &out);
	hear("ERROR");
	ck_assert_msg(strstr(header, code) != NULL, "%s", header);
}

START_TEST(an_emit_that_is_refused)
{
	start();
	say("EMIT", "{\"id\":\"1\",\"type\":\"high\"}", NULL);
	hear("ERROR");
	ck_assert_ptr_nonnull(strstr(header, "\"bad-emit\",\"message\":\"no such type\""));
	say("EMIT", "{\"id\":\"1\",\"type\":\"none\"}", NULL); /* memory is out */
	hear("ERROR");
	ck_assert_ptr_nonnull(strstr(header, "\"busy\""));
	emit_answered(503, "{\"error\":\"disk\"}", "\"busy\"");
	emit_answered(400, "{\"error\":\"malformed\"}", "\"bad-emit\",\"message\":\"malformed\"");
	emit_answered(413, "no JSON", "\"bad-emit\"");
	/* The queue takes four. */
	for (int i = 0; i < 5; i++)
		say("EMIT", "{\"id\":\"1\",\"type\":\"low\"}", NULL);
	hear("ERROR");
	ck_assert_ptr_nonnull(strstr(header, "\"busy\""));
	finish();
}
END_TEST

START_TEST(durable_subscriptions_are_refused)
{
	start();
	say("SUBSCRIBE", "{\"cursor\":\"a\",\"types\":[\"**\"]}", NULL);
	hear("ERROR");
	ck_assert_ptr_nonnull(strstr(header, "bad-subscribe"));
	finish();
}
END_TEST

START_TEST(a_reload_takes_a_plugin_out)
{
	start();
	ck_assert(plugins_knows(plugins, TEXT("inventory")));
	ck_assert(plugins_reload(plugins, usual + 1, 1));
	ck_assert(!plugins_knows(plugins, TEXT("inventory")));
	hear("ERROR");
	ck_assert_ptr_nonnull(strstr(header, "name-unknown"));
	ck_assert(plugins_reload(plugins, usual, 2));
	say("HELLO", HELLO, "[]");
	hear("ERROR");
	ck_assert_ptr_nonnull(strstr(header, "bad-manifest"));
	ck_assert_ptr_nonnull(strstr(header, "actions: wrong"));
	say("HELLO", HELLO, "{}");
	hear("WELCOME");
	finish();
}
END_TEST

/* The daemon stood still, not the plugin: what it said meanwhile is read first, and its job has
 * the time that it had. */
START_TEST(a_daemon_that_was_frozen)
{
	start();
	attempt(1);
	hear("JOB");
	atomic_fetch_add(&mono, 100000);
	want("inventory", 0); /* a turn */
	say("PING", "{\"n\":7}", NULL);
	hear("PONG");
	say("RESULT", "{\"id\":\"1.2.1\",\"fate\":\"ok\"}", NULL);
	expect_outcome(1, END_REPLIED, 200, true, "null");
	finish();
}
END_TEST

START_TEST(stopping_lets_jobs_end)
{
	start();
	attempt(1);
	hear("JOB");
	plugins_leave(plugins, 60000);
	hear("BYE");
	ck_assert_str_eq(header, "{\"reason\":\"stopping\",\"within\":60000}");
	say("RESULT", "{\"id\":\"1.2.1\",\"fate\":\"ok\"}", NULL);
	expect_outcome(1, END_REPLIED, 200, true, "null");
	hear("BYE");
	finish();
}
END_TEST

START_TEST(stopping_at_once_leaves_doubt)
{
	start();
	attempt(1);
	hear("JOB");
	plugins_stop(plugins);
	plugins = NULL;
	hear("BYE");
	hear("BYE");
	expect_outcome(1, END_NO_REPLY, 0, true, "");
	finish();
}
END_TEST

START_TEST(the_ends_of_runs_are_published)
{
	struct run_out runs[] = { { 1, TEXT("restock"), TEXT("PENDING"), TEXT(""), 0 },
				  { 4711, TEXT("restock"), TEXT("IN_DOUBT"), TEXT("a \"b\""),
				    1700 } };
	struct outputs out = { .runs = runs, .run_count = 2 };
	char topic[64];
	void *tap;
	struct pollfd none = { .fd = -1 };

	start();
	tap = socket_at(ZMQ_SUB, plugins_events(plugins));
	zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "tappet.run.", 11);
	/* Published until the subscription has arrived. */
	while (zmq_recv(tap, topic, sizeof(topic), ZMQ_DONTWAIT) < 0) {
		plugins_hand(plugins, &out);
		(void)poll(&none, 0, 1);
	}
	frame(tap, body, sizeof(body));
	ck_assert_str_eq(body,
			 "{\"specversion\":\"1.0\",\"id\":\"run-4711-1700-tappet.run.in_doubt\","
			 "\"source\":\"/tappet\",\"type\":\"tappet.run.in_doubt\","
			 "\"datacontenttype\":\"application/json\",\"data\":{\"run\":\"4711\","
			 "\"rule\":\"restock\",\"reason\":\"a \\\"b\\\"\"}}");
	zmq_close(tap);
	finish();
}
END_TEST

START_TEST(events_are_published)
{
	struct event_out list[] = { { .type = TEXT("a.b"), .published = TEXT("{\"seq\":1}") },
				    { .type = TEXT("a.c") } }; /* written for nobody */
	struct outputs out = { .events = list, .event_count = 2 };
	struct pollfd none = { .fd = -1 };
	void *tap;

	start();
	ck_assert(!plugins_has_taps(plugins));
	tap = socket_at(ZMQ_SUB, plugins_events(plugins));
	zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "a.", 2);
	while (!plugins_has_taps(plugins))
		(void)poll(&none, 0, 1);
	plugins_hand(plugins, &out);
	plugins_hand(plugins, &out);
	for (int i = 0; i < 2; i++) {
		frame(tap, header, sizeof(header));
		frame(tap, body, sizeof(body));
		ck_assert_str_eq(header, "a.b");
		ck_assert_str_eq(body, "{\"seq\":1}");
	}
	zmq_close(tap);
	finish();
}
END_TEST

START_TEST(each_key_is_one_plugins)
{
	char mine[BUS_KEY], mine_secret[BUS_KEY], ours[BUS_KEY], ours_secret[BUS_KEY];
	char other[BUS_KEY], other_secret[BUS_KEY];
	struct text keys[2];
	struct plugin_setting settings[2] = { { .name = TEXT("other"), .key_count = 1 },
					      { .name = TEXT("inventory"), .key_count = 1 } };
	struct secret *key;

	setup();
	ck_assert(bus_keygen(mine, mine_secret) && bus_keygen(ours, ours_secret) &&
		  bus_keygen(other, other_secret));
	keys[0] = text_of(other);
	keys[1] = text_of(mine);
	settings[0].keys = &keys[0];
	settings[1].keys = &keys[1];
	key = secret_new(text_of(ours_secret));
	start_with(settings, 2, "tcp://127.0.0.1:*", key);
	secret_free(key);
	plugin = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(plugin, ZMQ_CURVE_SERVERKEY, ours, BUS_KEY);
	zmq_setsockopt(plugin, ZMQ_CURVE_PUBLICKEY, other, BUS_KEY);
	zmq_setsockopt(plugin, ZMQ_CURVE_SECRETKEY, other_secret, BUS_KEY);
	ck_assert_int_eq(zmq_connect(plugin, plugins_sessions(plugins)), 0);
	say("HELLO", HELLO, "{}");
	hear("ERROR");
	ck_assert_ptr_nonnull(strstr(header, "not-trusted"));
	say("HELLO", "{\"protocol\":1,\"name\":\"other\"}", "{}");
	hear("WELCOME");
	finish();
}
END_TEST

/* How many connections were refused for their keys. */
static unsigned refused(void)
{
	static const char name[] = "\ntappet_plugin_keys_refused_total ";
	unsigned n = 0;
	struct buf out;

	buf_init(&out, 64 * KIB);
	plugins_metrics(plugins, &out);
	ck_assert_int_eq(sscanf(strstr(buf_cstr(&out), name) + strlen(name), "%u", &n), 1);
	buf_fini(&out);
	return n;
}

/* A client that isn't let in, and goes away. */
static void strange(const char *server, const char *public_key, const char *secret_key)
{
	unsigned before = refused();
	void *socket = zmq_socket(context, ZMQ_DEALER);

	zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, BUS_KEY);
	zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, BUS_KEY);
	zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, BUS_KEY);
	ck_assert_int_eq(zmq_connect(socket, plugins_sessions(plugins)), 0);
	while (refused() == before)
		(void)poll(NULL, 0, 5);
	zmq_close(socket);
}

/* Each try is counted, and the log tells of a key once in a minute. */
START_TEST(a_key_that_nobody_has)
{
	char pairs[2][2][BUS_KEY], ours[BUS_KEY], ours_secret[BUS_KEY];
	struct secret *key;

	setup();
	logs_start();
	ck_assert(bus_keygen(ours, ours_secret));
	key = secret_new(text_of(ours_secret));
	start_with(usual, 2, "tcp://127.0.0.1:*", key);
	secret_free(key);
	for (int i = 0; i < 2; i++)
		ck_assert(bus_keygen(pairs[i][0], pairs[i][1]));
	for (int i = 0; i < 6; i++)
		strange(ours, pairs[i % 2][0], pairs[i % 2][1]);
	ck_assert_uint_eq(refused(), 6);
	plugin = zmq_socket(context, ZMQ_DEALER);
	finish();
	ck_assert_uint_eq(logs_count("a client was refused"), 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(logs_count(pairs[i][0]), 1);
		logs_lack(pairs[i][1]);
	}
	logs_lack(ours_secret);
}
END_TEST

START_TEST(an_address_that_is_refused)
{
	struct plugins_parts parts = { .sessions = "tcp://127.0.0.1:*",
				       .events = "tcp://127.0.0.1:*",
				       .clock = { read_clock, NULL },
				       .manifest = on_manifest,
				       .emits = on_emits };
	char words[BUS_WORDS];

	parts.inputs = queue_new(4, MIB);
	ck_assert_int_eq(plugins_start(&parts, &plugins, words), FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(words, "needs a key"));
	queue_free(parts.inputs);
}
END_TEST

UNIT_MAIN("plugins", a_job_goes_there_and_back, each_fate_is_an_ending,
	  other_attempts_are_not_its_business, without_a_plugin_nothing_is_sent, credit_comes_back,
	  an_emit_is_an_input, an_emit_names_its_job, an_emit_that_is_refused,
	  durable_subscriptions_are_refused, a_reload_takes_a_plugin_out, a_daemon_that_was_frozen,
	  stopping_lets_jobs_end, stopping_at_once_leaves_doubt, the_ends_of_runs_are_published,
	  events_are_published, each_key_is_one_plugins, a_key_that_nobody_has,
	  an_address_that_is_refused)
