/* SPDX-License-Identifier: Apache-2.0
 *
 * The bus with real sockets: clients are libzmq's, or bytes by hand. The handler
 * does what the first frame says, so a test talks to the thread over the bus
 * itself. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <zmq.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/io/bus.h"
#include "tests/unit/test_io_net.h"
#include "tests/unit/unit_main.h"

#define PAYLOAD "the plain text that nobody is to see"

/* ---- The handler. ---- */

struct app {
	struct bus *bus;
	uint32_t other; /* who said HERE */
	char trusted[BUS_KEY];
	unsigned turns;
	atomic_uint watched, heard, asked;
	int pipe[2];
};

static struct app app;
static void *context;
static char folder[64], sessions[128], events[128];

static const struct text refusal[] = { { "ERROR", 5 }, { "{\"no\":1}", 8 } };

static void say(uint32_t peer, const char *what, long number)
{
	char line[128];
	struct text frames[] = { TEXT("SAID"), { line, 0 } };

	frames[1].n = (size_t)snprintf(line, sizeof(line), "%s %ld", what, number);
	ck_assert_int_eq(bus_send(app.bus, peer, frames, 2), BUS_SENT);
}

static const char *const sent_words[] = { "sent", "gone", "full" };

/* Sends until it is no longer taken. */
static void fill(uint32_t peer)
{
	static char body[1024];
	struct text frames[] = { TEXT("JOB"), { body, sizeof(body) } };
	enum bus_sent sent = BUS_SENT;
	long n = 0;

	while (sent == BUS_SENT && n < 10 * LIMIT_BUS_SEND) {
		sent = bus_send(app.bus, app.other, frames, 2);
		n++;
	}
	say(peer, sent_words[sent], n);
}

static void on_message(void *of, const struct bus_message *m)
{
	struct text verb = m->frames[0];

	ck_assert_ptr_eq(of, &app);
	atomic_fetch_add(&app.heard, 1);
	if (text_is(verb, "HERE"))
		app.other = m->peer;
	else if (text_is(verb, "ECHO"))
		ck_assert_int_eq(bus_send(app.bus, m->peer, m->frames, m->count), BUS_SENT);
	else if (text_is(verb, "COUNT"))
		say(m->peer, "count", (long)m->count);
	else if (text_is(verb, "KEY"))
		say(m->peer, m->key.n > 0 ? m->key.s : "none", (long)m->key.n);
	else if (text_is(verb, "PUBLISH"))
		bus_publish(app.bus, m->frames[1], m->frames[2]);
	else if (text_is(verb, "SEND"))
		say(m->peer, sent_words[bus_send(app.bus, app.other, m->frames, 1)], 0);
	else if (text_is(verb, "FILL"))
		fill(m->peer);
	else
		ck_abort_msg("unexpected: %.*s", TEXT_ARG(verb));
}

static int64_t on_turn(void *of, int64_t mono)
{
	struct app *a = of;

	/* Ten turns that are due by themselves. */
	return ++a->turns < 10 ? mono + 1 : -1;
}

static bool on_trust(void *of, struct text key)
{
	struct app *a = of;

	atomic_fetch_add(&a->asked, 1);
	return text_is(key, a->trusted);
}

static void on_closing(void *of)
{
	struct app *a = of;
	struct text bye = TEXT("BYE");

	if (a->other != 0)
		(void)bus_send(a->bus, a->other, &bye, 1);
}

static void on_watch(void *of)
{
	struct app *a = of;
	char c;

	ck_assert_int_eq(read(a->pipe[0], &c, 1), 1);
	atomic_fetch_add(&a->watched, 1);
}

/* ---- Start and stop. ---- */

static enum fate try_start(const char *first, const char *second, const struct secret *key,
			   char words[BUS_WORDS])
{
	struct bus_settings settings = { first, second, key, refusal, 2 };
	struct bus_handler handler = { &app, on_message, on_turn, on_trust, on_closing };

	app.bus = bus_new(&settings, &handler, clock_system());
	ck_assert_ptr_nonnull(app.bus);
	ck_assert(bus_watch(app.bus, app.pipe[0], on_watch, &app));
	return bus_start(app.bus, words);
}

static void start_at(const char *first, const char *second, const struct secret *key)
{
	char words[BUS_WORDS];
	enum fate fate = try_start(first, second, key, words);

	ck_assert_msg(fate == FATE_OK, "%s", words);
}

static void setup(void)
{
	memset(&app, 0, sizeof(app));
	ck_assert_int_eq(pipe(app.pipe), 0);
	(void)snprintf(folder, sizeof(folder), "/tmp/tappet-bus-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(sessions, sizeof(sessions), "ipc://%s/s.sock", folder);
	(void)snprintf(events, sizeof(events), "ipc://%s/e.sock", folder);
	context = zmq_ctx_new();
	ck_assert_ptr_nonnull(context);
}

static void start(void)
{
	setup();
	start_at(sessions, events, NULL);
}

static void finish(void)
{
	char path[128];

	bus_stop(app.bus);
	ck_assert_int_eq(zmq_ctx_term(context), 0);
	close(app.pipe[0]);
	close(app.pipe[1]);
	(void)snprintf(path, sizeof(path), "%s/s.sock", folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/e.sock", folder);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- Clients. ---- */

static void set_int(void *socket, int option, int value)
{
	ck_assert_int_eq(zmq_setsockopt(socket, option, &value, sizeof(value)), 0);
}

static void *client_new(int type)
{
	void *socket = zmq_socket(context, type);

	ck_assert_ptr_nonnull(socket);
	set_int(socket, ZMQ_RCVTIMEO, NET_PATIENCE * 1000);
	set_int(socket, ZMQ_SNDTIMEO, NET_PATIENCE * 1000);
	set_int(socket, ZMQ_LINGER, 0);
	return socket;
}

static void *client_at(int type, const char *endpoint)
{
	void *socket = client_new(type);

	ck_assert_int_eq(zmq_connect(socket, endpoint), 0);
	return socket;
}

static void *dealer(void)
{
	return client_at(ZMQ_DEALER, bus_sessions(app.bus));
}

static void put(void *socket, const char *frame, bool more)
{
	ck_assert_int_eq(zmq_send(socket, frame, strlen(frame), more ? ZMQ_SNDMORE : 0),
			 (int)strlen(frame));
}

/* The next frame; whether another follows is compared, too. */
static void expect(void *socket, const char *want, bool more)
{
	char got[4096];
	int n = zmq_recv(socket, got, sizeof(got) - 1, 0), follows;
	size_t size = sizeof(follows);

	ck_assert_msg(n >= 0, "instead of %s: %s", want, zmq_strerror(zmq_errno()));
	got[n < (int)sizeof(got) ? n : (int)sizeof(got) - 1] = '\0';
	ck_assert_str_eq(got, want);
	ck_assert_int_eq(zmq_getsockopt(socket, ZMQ_RCVMORE, &follows, &size), 0);
	ck_assert_int_eq(follows, more);
}

static void expect_said(void *socket, const char *want)
{
	expect(socket, "SAID", true);
	expect(socket, want, false);
}

static void echo(void *socket)
{
	put(socket, "ECHO", true);
	put(socket, "hallo", false);
	expect(socket, "ECHO", true);
	expect(socket, "hallo", false);
}

/* One round trip after the other until the answer is the one that is waited for. */
static void ask_until(void *socket, const char *question, const char *want)
{
	char got[200];
	int n;

	do {
		put(socket, question, false);
		expect(socket, "SAID", true);
		n = zmq_recv(socket, got, sizeof(got) - 1, 0);
		ck_assert_int_gt(n, 0);
		got[n] = '\0';
	} while (strcmp(got, want) != 0);
}

/* ---- Tests. ---- */

START_TEST(frames_go_both_ways)
{
	void *one, *two;

	start();
	one = dealer();
	two = dealer();
	echo(one);
	put(two, "ECHO", true);
	put(two, "", true);
	put(two, "b", false);
	expect(two, "ECHO", true);
	expect(two, "", true);
	expect(two, "b", false);
	put(one, "COUNT", false);
	expect_said(one, "count 1");
	for (int i = 0; i < 7; i++)
		put(one, i == 0 ? "COUNT" : "x", i < 6);
	expect_said(one, "count 7");
	put(one, "KEY", false);
	expect_said(one, "none 0");
	zmq_close(one);
	zmq_close(two);
	finish();
}
END_TEST

START_TEST(files_are_for_the_user_alone)
{
	struct stat st;

	start();
	ck_assert_int_eq(stat(sessions + 6, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(events + 6, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	finish();
}
END_TEST

START_TEST(a_peer_that_left_is_gone)
{
	void *one, *two;

	start();
	one = dealer();
	two = dealer();
	put(one, "HERE", false);
	echo(one);
	put(two, "SEND", false);
	expect_said(two, "sent 0");
	expect(one, "SEND", false);
	zmq_close(one);
	ask_until(two, "SEND", "gone 0");
	zmq_close(two);
	finish();
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_full)
{
	void *one, *two;
	char got[100];
	int n;

	start();
	one = client_new(ZMQ_DEALER);
	set_int(one, ZMQ_RCVHWM, 1);
	ck_assert_int_eq(zmq_connect(one, sessions), 0);
	two = dealer();
	put(one, "HERE", false);
	echo(one);
	put(two, "FILL", false);
	expect(two, "SAID", true);
	n = zmq_recv(two, got, sizeof(got) - 1, 0);
	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_msg(strncmp(got, "full ", 5) == 0, "%s", got);
	ck_assert_int_ge(atol(got + 5), LIMIT_BUS_SEND);
	echo(two);
	zmq_close(one);
	zmq_close(two);
	finish();
}
END_TEST

START_TEST(the_last_words_arrive)
{
	void *one;

	start();
	one = dealer();
	put(one, "HERE", false);
	echo(one);
	bus_stop(app.bus);
	app.bus = NULL;
	expect(one, "BYE", false);
	zmq_close(one);
	finish();
}
END_TEST

START_TEST(who_names_itself_is_told)
{
	void *one, *two;

	start();
	one = client_new(ZMQ_DEALER);
	ck_assert_int_eq(zmq_setsockopt(one, ZMQ_ROUTING_ID, "me", 2), 0);
	ck_assert_int_eq(zmq_connect(one, sessions), 0);
	put(one, "ECHO", true);
	put(one, "hallo", false);
	expect(one, "ERROR", true);
	expect(one, "{\"no\":1}", false);
	ck_assert_uint_eq(atomic_load(&app.heard), 0);
	two = dealer();
	echo(two);
	zmq_close(one);
	zmq_close(two);
	finish();
}
END_TEST

START_TEST(watches_and_turns)
{
	void *one;

	start();
	one = dealer();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(write(app.pipe[1], "x", 1), 1);
	while (atomic_load(&app.watched) < 3)
		echo(one);
	bus_wake(app.bus);
	zmq_close(one);
	bus_stop(app.bus);
	app.bus = NULL;
	ck_assert_uint_ge(app.turns, 2);
	finish();
}
END_TEST

/* ---- Endpoints. ---- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

static void refused(const char *first, const char *second, const struct secret *key,
		    const char *why)
{
	char words[BUS_WORDS];

	ck_assert_int_eq(try_start(first, second, key, words), FATE_REJECT);
	ck_assert_msg(strstr(words, why) != NULL, "%s", words);
	bus_stop(app.bus);
	app.bus = NULL;
}

START_TEST(a_stale_file_is_replaced_a_live_one_not)
{
	struct stat st;
	void *one;
	FILE *plain;
	int fd;

	setup();
	fd = listen_at(sessions + 6);
	refused(sessions, events, NULL, "another process listens there");
	ck_assert_int_eq(stat(sessions + 6, &st), 0);
	close(fd);
	start_at(sessions, events, NULL);
	one = dealer();
	echo(one);
	zmq_close(one);
	bus_stop(app.bus);
	(void)unlink(events + 6); /* libzmq may leave it */
	plain = fopen(events + 6, "w");
	ck_assert_ptr_nonnull(plain);
	fclose(plain);
	refused(sessions, events, NULL, "is no socket");
	ck_assert_int_eq(stat(events + 6, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	finish();
}
END_TEST

START_TEST(endpoints_that_are_refused)
{
	char longer[400] = "ipc://";
	struct secret *bad = secret_new(TEXT("not a key"));

	setup();
	refused("tcp://127.0.0.1:*", events, NULL, "needs a key");
	refused(sessions, "tcp://127.0.0.1:*", NULL, "needs a key");
	refused("inproc://x", events, NULL, "only ipc:// and tcp://");
	refused("ipc://@abstract", events, NULL, "path of a file");
	refused("ipc://*", events, NULL, "path of a file");
	refused("ipc:///nowhere/at/all.sock", events, NULL, "No such file");
	refused("tcp://127.0.0.1:*", events, bad, "no CURVE key");
	memset(longer + 6, 'x', 150);
	refused(longer, events, NULL, "at most 107 bytes");
	memset(longer + 6, 'x', sizeof(longer) - 7);
	refused(longer, events, NULL, "only ipc:// and tcp://");
	secret_free(bad);
	finish();
}
END_TEST

/* ---- Bytes by hand. ---- */

/* A ZMTP 3.0 greeting, with the mechanism NULL in earnest, and READY of a DEALER. */
static int raw_client(const char *mechanism)
{
	static const unsigned char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
					     "DEALER";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned char greeting[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(greeting + 12, mechanism, 4);
	memcpy(address.sun_path, sessions + 6, strlen(sessions + 6) + 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	net_patience(fd);
	/* The other end may have closed by the second. */
	ck_assert(net_put(fd, greeting, sizeof(greeting)));
	(void)net_put(fd, ready, sizeof(ready) - 1);
	return fd;
}

static void until_closed(int fd)
{
	char bytes[256];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n > 0);
	ck_assert(n == 0 || errno == ECONNRESET || errno == EPIPE);
	close(fd);
}

START_TEST(what_is_too_large_ends_the_connection)
{
	/* A long frame that announces one byte more than is taken; then one with a size that no
	 * address space has. */
	static const unsigned char heads[2][9] = { { 2, 0, 0, 0, 0, 0, 0x20, 0, 1 },
						   { 2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
						     0xff } };
	void *one;

	start();
	one = dealer();
	for (int i = 0; i < 2; i++) {
		int fd = raw_client("NULL");

		ck_assert(net_put(fd, heads[i], 9));
		until_closed(fd);
		echo(one);
	}
	ck_assert_uint_eq(atomic_load(&app.heard), 2);
	zmq_close(one);
	finish();
}
END_TEST

START_TEST(the_largest_frame_passes)
{
	char *bytes = mem_alloc(LIMIT_BUS_FRAME);
	void *one;

	start();
	memset(bytes, 'x', LIMIT_BUS_FRAME);
	one = dealer();
	put(one, "COUNT", true);
	ck_assert_int_eq(zmq_send(one, bytes, LIMIT_BUS_FRAME, 0), LIMIT_BUS_FRAME);
	expect_said(one, "count 2");
	mem_free(bytes);
	zmq_close(one);
	finish();
}
END_TEST

START_TEST(an_unknown_mechanism_is_cut_off)
{
	void *one;

	start();
	until_closed(raw_client("ODD!"));
	one = dealer();
	echo(one);
	zmq_close(one);
	finish();
}
END_TEST

/* ---- Taps. ---- */

static void publish(void *socket, const char *topic, const char *body)
{
	put(socket, "PUBLISH", true);
	put(socket, topic, true);
	put(socket, body, false);
}

START_TEST(taps_get_their_prefix)
{
	void *one, *tap;

	start();
	one = dealer();
	echo(one);
	ck_assert(!bus_has_taps(app.bus));
	publish(one, "kantata.x", "nobody hears it");
	echo(one); /* it was published before anybody subscribed */
	tap = client_new(ZMQ_SUB);
	ck_assert_int_eq(zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "kantata.", 8), 0);
	ck_assert_int_eq(zmq_connect(tap, events), 0);
	while (!bus_has_taps(app.bus))
		echo(one);
	publish(one, "tappet.run.done", "{}");
	publish(one, "kantata.workspace.updated", "{\"seq\":1}");
	expect(tap, "kantata.workspace.updated", true);
	expect(tap, "{\"seq\":1}", false);
	zmq_close(tap);
	while (bus_has_taps(app.bus))
		echo(one);
	zmq_close(one);
	finish();
}
END_TEST

START_TEST(a_tap_that_does_not_read_holds_up_nobody)
{
	void *one, *tap;

	start();
	one = dealer();
	tap = client_new(ZMQ_SUB);
	set_int(tap, ZMQ_RCVHWM, 1);
	ck_assert_int_eq(zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "", 0), 0);
	ck_assert_int_eq(zmq_connect(tap, events), 0);
	while (!bus_has_taps(app.bus))
		echo(one);
	for (int i = 0; i < 2 * LIMIT_BUS_PUBLISH; i++)
		publish(one, "a.b", "0123456789012345678901234567890123456789");
	echo(one);
	zmq_close(tap);
	zmq_close(one);
	finish();
}
END_TEST

/* ---- CURVE. ---- */

struct pair {
	char public_key[BUS_KEY], secret_key[BUS_KEY];
};

static struct pair server, client, stranger;

static void start_curve(void)
{
	struct secret *key;
	char again[BUS_KEY];

	setup();
	ck_assert(bus_keygen(server.public_key, server.secret_key));
	ck_assert(bus_keygen(client.public_key, client.secret_key));
	ck_assert(bus_keygen(stranger.public_key, stranger.secret_key));
	memcpy(app.trusted, client.public_key, BUS_KEY);
	key = secret_new(text_of(server.secret_key));
	ck_assert(bus_public_key(key, again));
	ck_assert_str_eq(again, server.public_key);
	start_at("tcp://127.0.0.1:*", "tcp://127.0.0.1:*", key);
	secret_free(key);
}

static void *curve_new(int type, const struct pair *pair)
{
	void *socket = client_new(type);

	zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server.public_key, BUS_KEY);
	zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair->public_key, BUS_KEY);
	zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->secret_key, BUS_KEY);
	return socket;
}

START_TEST(a_trusted_key_is_shown)
{
	char want[64];
	void *one, *tap;

	start_curve();
	one = curve_new(ZMQ_DEALER, &client);
	ck_assert_int_eq(zmq_connect(one, bus_sessions(app.bus)), 0);
	echo(one);
	put(one, "KEY", false);
	(void)snprintf(want, sizeof(want), "%s 40", client.public_key);
	expect_said(one, want);
	tap = curve_new(ZMQ_SUB, &client);
	ck_assert_int_eq(zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "", 0), 0);
	ck_assert_int_eq(zmq_connect(tap, bus_events(app.bus)), 0);
	while (!bus_has_taps(app.bus))
		echo(one);
	publish(one, "a", "b");
	expect(tap, "a", true);
	expect(tap, "b", false);
	zmq_close(one);
	zmq_close(tap);
	finish();
}
END_TEST

/* Waits for one of the events on a monitor's socket. */
static void await_event(void *monitor, unsigned wanted)
{
	unsigned event;

	do {
		unsigned char head[6];
		uint16_t number;

		ck_assert_int_eq(zmq_recv(monitor, head, sizeof(head), 0), 6);
		ck_assert_int_ge(zmq_recv(monitor, head + 2, 4, 0), 0);
		memcpy(&number, head, sizeof(number));
		event = number;
	} while ((event & wanted) == 0);
}

/* Connects and comes to the end of the handshake, which is to fail. */
static void refused_client(void *socket, const char *name, const char *endpoint)
{
	void *monitor;

	ck_assert_int_eq(zmq_socket_monitor(socket, name, ZMQ_EVENT_ALL), 0);
	monitor = client_at(ZMQ_PAIR, name);
	ck_assert_int_eq(zmq_connect(socket, endpoint), 0);
	(void)zmq_send(socket, "ECHO", 4, ZMQ_DONTWAIT); /* waits for a connection; a SUB can't */
	await_event(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
				 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED);
	ck_assert_int_eq(zmq_socket_monitor(socket, NULL, 0), 0);
	zmq_close(monitor);
	zmq_close(socket);
}

START_TEST(others_get_nothing)
{
	void *one, *two, *three, *tap;

	start_curve();
	two = curve_new(ZMQ_DEALER, &stranger);
	refused_client(two, "inproc://two", bus_sessions(app.bus));
	ck_assert_uint_gt(atomic_load(&app.asked), 0);
	tap = curve_new(ZMQ_SUB, &stranger);
	ck_assert_int_eq(zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "", 0), 0);
	refused_client(tap, "inproc://tap", bus_events(app.bus));
	three = client_new(ZMQ_DEALER); /* speaks no CURVE at all */
	refused_client(three, "inproc://three", bus_sessions(app.bus));
	ck_assert_uint_eq(atomic_load(&app.heard), 0);
	ck_assert(!bus_has_taps(app.bus));
	one = curve_new(ZMQ_DEALER, &client);
	ck_assert_int_eq(zmq_connect(one, bus_sessions(app.bus)), 0);
	echo(one);
	ck_assert_uint_eq(atomic_load(&app.heard), 1);
	zmq_close(one);
	finish();
}
END_TEST

/* A relay that keeps all bytes of one connection, both ways. */
struct relay {
	pthread_t thread;
	int listener;
	unsigned port;
	char seen[1 << 16];
	size_t n;
};

static struct relay relay;

static bool pass(int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n <= 0 || !net_put(to, bytes, (size_t)n))
		return false;
	ck_assert_uint_le(relay.n + (size_t)n, sizeof(relay.seen));
	memcpy(relay.seen + relay.n, bytes, (size_t)n);
	relay.n += (size_t)n;
	return true;
}

static void *relay_run(void *of)
{
	unsigned port = *(unsigned *)of;
	struct sockaddr_in to = net_loopback(port);
	int in = accept(relay.listener, NULL, NULL), out = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd fds[2] = { { .fd = in, .events = POLLIN }, { .fd = out, .events = POLLIN } };
	bool open = connect(out, (struct sockaddr *)&to, sizeof(to)) == 0;

	while (open && poll(fds, 2, NET_PATIENCE * 1000) > 0) {
		if (fds[0].revents != 0)
			open = pass(in, out);
		if (open && fds[1].revents != 0)
			open = pass(out, in);
	}
	close(in);
	close(out);
	return NULL;
}

START_TEST(a_relay_sees_no_plain_text)
{
	char endpoint[64];
	struct text seen;
	unsigned port;
	void *one;

	start_curve();
	port = (unsigned)atoi(strrchr(bus_sessions(app.bus), ':') + 1);
	relay.n = 0;
	relay.listener = net_listen(&relay.port);
	ck_assert_int_eq(pthread_create(&relay.thread, NULL, relay_run, &port), 0);
	(void)snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", relay.port);
	one = curve_new(ZMQ_DEALER, &client);
	ck_assert_int_eq(zmq_connect(one, endpoint), 0);
	put(one, "ECHO", true);
	put(one, PAYLOAD, false);
	expect(one, "ECHO", true);
	expect(one, PAYLOAD, false);
	zmq_close(one);
	pthread_join(relay.thread, NULL);
	close(relay.listener);
	seen = (struct text){ relay.seen, relay.n };
	/* It did see the connection; a frame of 36 bytes went each way. */
	ck_assert_uint_ne(text_find(seen, TEXT("CURVE")), SIZE_MAX);
	ck_assert_uint_gt(relay.n, 2 * sizeof(PAYLOAD));
	ck_assert_uint_eq(text_find(seen, TEXT("plain text")), SIZE_MAX);
	ck_assert_uint_eq(text_find(seen, TEXT("ECHO")), SIZE_MAX);
	finish();
}
END_TEST

START_TEST(keys_that_are_none)
{
	struct secret *shorter = secret_new(TEXT("abc"));
	struct secret *odd = secret_new(TEXT("0123456789012345678901234567890123456~;\""));
	char out[BUS_KEY];

	ck_assert(!bus_public_key(shorter, out));
	ck_assert(!bus_public_key(odd, out));
	secret_free(shorter);
	secret_free(odd);
}
END_TEST

UNIT_MAIN("io_bus", frames_go_both_ways, files_are_for_the_user_alone, a_peer_that_left_is_gone,
	  a_peer_that_does_not_read_is_full, the_last_words_arrive, who_names_itself_is_told,
	  watches_and_turns, a_stale_file_is_replaced_a_live_one_not, endpoints_that_are_refused,
	  what_is_too_large_ends_the_connection, the_largest_frame_passes,
	  an_unknown_mechanism_is_cut_off, taps_get_their_prefix,
	  a_tap_that_does_not_read_holds_up_nobody, a_trusted_key_is_shown, others_get_nothing,
	  a_relay_sees_no_plain_text, keys_that_are_none)
