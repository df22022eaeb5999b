/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins, the sequencer and a store in a file together: emits and durable
 * subscriptions, across restarts of both sides. */
#include <stdatomic.h>
#include <zmq.h>

#include "engine/plugins/plugins.h"
#include "tests/unit/sequencer_world.h"
#include "tests/unit/test_io_net.h"
#include "tests/unit/unit_main.h"

static struct world w;
static struct plugins *plugins;
static struct queue *inputs;
static void *context, *plugin;
static char sessions[128], events[128], verb[64], header[4096], body[4096];

static enum session_answer on_manifest(void *of, struct text name, struct text json,
				       char words[SESSION_WORDS])
{
	(void)of;
	(void)name;
	(void)words;
	return json.n > 0 ? SESSION_TAKEN : SESSION_WRONG;
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

/* Stands still, so that a slow machine is no silent plugin; turned where one is to be given up. */
static atomic_int_fast64_t mono = 5000;

static struct instant read_clock(void *of)
{
	(void)of;
	return (struct instant){ 1795309825000, atomic_load(&mono) };
}

/* ---- The engine. ---- */

static void batch(void)
{
	struct outputs out;
	struct queue_item *items = queue_take(inputs);

	ck_assert_int_eq(sequencer_batch(w.sequencer, items, w.now, &out), FATE_OK);
	plugins_hand(plugins, &out);
	plugins_reply(plugins, &out);
}

static void engine_start(void)
{
	static const struct plugin_setting setting = { .name = { "inventory", 9 } };
	static const struct sequencer_options options = { .polls = true };
	struct plugins_parts parts = { .sessions = sessions,
				       .events = events,
				       .settings = &setting,
				       .count = 1,
				       .store = w.store_name,
				       .clock = { read_clock, NULL },
				       .manifest = on_manifest,
				       .emits = on_emits };
	struct store_error error;
	char words[BUS_WORDS];

	ck_assert_int_eq(store_open(w.store_name, &w.store, &error), FATE_OK);
	ck_assert_int_eq(sequencer_new(w.store, w.config, w.rules, &options, w.now, &w.sequencer),
			 FATE_OK);
	inputs = queue_new(1000, 64 * MIB);
	parts.inputs = inputs;
	ck_assert_msg(plugins_start(&parts, &plugins, words) == FATE_OK, "%s", words);
	batch();
}

static void engine_stop(void)
{
	struct queue_item *item;

	plugins_stop(plugins);
	item = queue_take(inputs);
	while (item != NULL) {
		struct queue_item *next = item->next;

		input_free((struct input *)(void *)item);
		item = next;
	}
	queue_free(inputs);
	sequencer_free(w.sequencer);
	store_close(w.store);
}

static void push(const char *type)
{
	const struct input input = { .kind = INPUT_EVENT,
				     .event = { .type = text_of(type),
						.source = TEXT("test"),
						.time = w.now.wall,
						.data = TEXT("1") } };
	struct input *copy = input_new(&input);

	queue_force(inputs, &copy->item);
}

static void put(const char *type)
{
	push(type);
	batch();
}

/* ---- The plugin; while it waits the engine works. ---- */

static void say(const char *what, const char *head)
{
	zmq_send(plugin, what, strlen(what), ZMQ_SNDMORE);
	zmq_send(plugin, head, strlen(head), 0);
}

/* False: nothing came within so many ms. */
static bool await(long ms)
{
	zmq_pollitem_t items[2] = { { .socket = plugin, .events = ZMQ_POLLIN },
				    { .fd = queue_fd(inputs), .events = ZMQ_POLLIN } };

	do {
		if (zmq_poll(items, 2, ms) <= 0)
			return false;
		if (items[1].revents != 0)
			batch();
	} while (items[0].revents == 0);
	return true;
}

static bool frame(char *out, size_t room)
{
	int n = zmq_recv(plugin, out, room - 1, 0), more = 0;
	size_t size = sizeof(more);

	ck_assert(n >= 0 && (size_t)n < room);
	out[n] = '\0';
	zmq_getsockopt(plugin, ZMQ_RCVMORE, &more, &size);
	return more != 0;
}

/* The next message but PINGs, into verb, header and body. */
static void next_message(void)
{
	do {
		ck_assert(await(NET_PATIENCE * 1000));
		ck_assert(frame(verb, sizeof(verb)));
		body[0] = '\0';
		if (frame(header, sizeof(header)))
			(void)frame(body, sizeof(body));
		if (strcmp(verb, "PING") == 0)
			say("PONG", header);
	} while (strcmp(verb, "PING") == 0);
}

static bool is(const char *want, const char *want_header)
{
	return strcmp(verb, want) == 0 && (want_header == NULL || strcmp(header, want_header) == 0);
}

static void hear(const char *want, const char *want_header)
{
	next_message();
	ck_assert_msg(is(want, want_header), "%s %s", verb, header);
}

/* In either order. */
static void hear_both(const char *one, const char *one_header, const char *two,
		      const char *two_header)
{
	next_message();
	if (is(one, one_header)) {
		hear(two, two_header);
		return;
	}
	ck_assert_msg(is(two, two_header), "%s %s", verb, header);
	hear(one, one_header);
}

static void plugin_start(void)
{
	int none = 0;

	plugin = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(plugin, ZMQ_LINGER, &none, sizeof(none));
	ck_assert_int_eq(zmq_connect(plugin, sessions), 0);
	zmq_send(plugin, "HELLO", 5, ZMQ_SNDMORE);
	zmq_send(plugin, "{\"protocol\":1,\"name\":\"inventory\"}", 33, ZMQ_SNDMORE);
	zmq_send(plugin, "{}", 2, 0);
	/* The session before may have to be given up first. A clock that ran faster than the
	 * engine's waits would be an engine that stood still. */
	while (!await(20))
		atomic_fetch_add(&mono, 20);
	hear("WELCOME", NULL);
}

static void start(void)
{
	w = (struct world){ .now = { .wall = 1795309825000, .mono = 5000 } };
	(void)snprintf(w.folder, sizeof(w.folder), "/tmp/tappet-plugev-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w.folder));
	world_load(&w, "rules: [rules.yaml]\n", "rules: []\n");
	(void)snprintf(w.store_name, sizeof(w.store_name), "sqlite:%s/store.db", w.folder);
	(void)snprintf(sessions, sizeof(sessions), "ipc://%s/s.sock", w.folder);
	(void)snprintf(events, sizeof(events), "ipc://%s/e.sock", w.folder);
	context = zmq_ctx_new();
	engine_start();
	plugin_start();
}

static void finish(void)
{
	static const char *const left[] = { "tappet.yaml",  "rules.yaml",   "s.sock",
					    "e.sock",       "store.db",     "store.db-wal",
					    "store.db-shm", "store.db.lock" };

	zmq_close(plugin);
	engine_stop();
	zmq_ctx_term(context);
	ruleset_free(w.rules);
	config_free(w.config);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		world_remove(&w, left[i]);
	ck_assert_int_eq(rmdir(w.folder), 0);
}

/* ---- Tests. ---- */

START_TEST(an_emit_is_one_event)
{
	char first[4096];

	start();
	say("EMIT", "{\"id\":\"low-1\",\"type\":\"low\"}");
	hear("EMITTED", NULL);
	ck_assert_ptr_nonnull(strstr(header, "\"seq\":1,\"repeat\":false,\"emits\":1}"));
	memcpy(first, header, sizeof(first));
	say("EMIT", "{\"id\":\"low-2\",\"type\":\"low\"}");
	hear("EMITTED", NULL);
	ck_assert_ptr_nonnull(strstr(header, "\"seq\":2,\"repeat\":false"));
	zmq_close(plugin);
	engine_stop();
	engine_start();
	plugin_start();
	say("EMIT", "{\"id\":\"low-1\",\"type\":\"low\"}");
	hear("EMITTED", NULL);
	/* The same event as the first time, and no second one. */
	ck_assert_ptr_nonnull(strstr(header, "\"seq\":1,\"repeat\":true"));
	ck_assert_int_eq(strncmp(header, first, 50), 0);
	ck_assert_int_eq(store_last_event(w.store), 2);
	finish();
}
END_TEST

static void lag(int behind)
{
	char line[100];
	struct buf out;

	buf_init(&out, 64 * KIB);
	plugins_metrics(plugins, &out);
	(void)snprintf(line, sizeof(line),
		       "tappet_plugin_cursor_lag{plugin=\"inventory\",cursor=\"audit\"} %d\n",
		       behind);
	ck_assert_msg(strstr(buf_cstr(&out), line) != NULL, "%s: %s", line, buf_cstr(&out));
	buf_fini(&out);
}

START_TEST(a_cursor_goes_on_after_restarts)
{
	start();
	put("a.x");
	put("b.x");
	put("a.y");
	say("SUBSCRIBE",
	    "{\"cursor\":\"audit\",\"types\":[\"a.*\"],\"from\":\"start\",\"window\":2}");
	hear("SUBSCRIBED", "{\"cursor\":\"audit\",\"seq\":0}");
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":1}");
	ck_assert_ptr_nonnull(strstr(body, "\"type\":\"a.x\""));
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":3}");
	lag(3);
	put("a.z");
	say("ACK", "{\"cursor\":\"audit\",\"seq\":1}");
	hear_both("ACKED", "{\"cursor\":\"audit\",\"seq\":1}", "EVENT",
		  "{\"cursor\":\"audit\",\"seq\":4}");
	lag(3);
	zmq_close(plugin); /* without a word */
	plugin_start();
	say("SUBSCRIBE", "{\"cursor\":\"audit\",\"types\":[\"a.*\"]}");
	hear("SUBSCRIBED", "{\"cursor\":\"audit\",\"seq\":1}");
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":3}");
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":4}");
	say("ACK", "{\"cursor\":\"audit\",\"seq\":3}");
	hear("ACKED", "{\"cursor\":\"audit\",\"seq\":3}");
	zmq_close(plugin);
	engine_stop();
	engine_start();
	lag(1); /* before it has connected */
	put("a.w");
	lag(2);
	plugin_start();
	say("SUBSCRIBE", "{\"cursor\":\"audit\",\"types\":[\"a.*\"]}");
	hear("SUBSCRIBED", "{\"cursor\":\"audit\",\"seq\":3}");
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":4}");
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":5}");
	say("UNSUBSCRIBE", "{\"cursor\":\"audit\",\"forget\":true}");
	say("SUBSCRIBE", "{\"cursor\":\"audit\",\"types\":[\"a.*\"]}");
	hear("SUBSCRIBED", "{\"cursor\":\"audit\",\"seq\":5}");
	lag(0);
	put("a.v");
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":6}");
	finish();
}
END_TEST

/* A cursor doesn't lag behind what it never asked for. */
START_TEST(a_rare_type_keeps_up)
{
	start();
	say("SUBSCRIBE", "{\"cursor\":\"audit\",\"types\":[\"rare\"]}");
	hear("SUBSCRIBED", "{\"cursor\":\"audit\",\"seq\":0}");
	for (int i = 0; i < LIMIT_SESSION_PASS + 10; i++)
		push("usual");
	put("rare");
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":1011}");
	say("BYE", "{}");
	hear("BYE", NULL);
	batch();
	zmq_close(plugin);
	plugin_start();
	say("SUBSCRIBE", "{\"cursor\":\"audit\",\"types\":[\"rare\"]}");
	hear("SUBSCRIBED", NULL);
	ck_assert_msg(strstr(header, "\"seq\":0}") == NULL, "%s", header);
	hear("EVENT", "{\"cursor\":\"audit\",\"seq\":1011}");
	finish();
}
END_TEST

START_TEST(seventeen_cursors)
{
	char text[100];

	start();
	for (int i = 0; i < 16; i++) {
		(void)snprintf(text, sizeof(text), "{\"cursor\":\"c%d\",\"types\":[\"a\"]}", i);
		say("SUBSCRIBE", text);
		hear("SUBSCRIBED", NULL);
		(void)snprintf(text, sizeof(text), "{\"cursor\":\"c%d\"}", i);
		say("UNSUBSCRIBE", text);
	}
	say("SUBSCRIBE", "{\"cursor\":\"more\",\"types\":[\"a\"]}");
	hear("ERROR", "{\"code\":\"bad-subscribe\",\"message\":\"a plugin has at most 16 "
		      "cursors\",\"fatal\":false,\"about\":\"more\"}");
	finish();
}
END_TEST

UNIT_MAIN("plugins_events", an_emit_is_one_event, a_cursor_goes_on_after_restarts,
	  a_rare_type_keeps_up, seventeen_cursors)
