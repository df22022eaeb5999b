/* SPDX-License-Identifier: Apache-2.0
 *
 * The bus with keys (CURVE): who is let in, and what stands on the wire. */
#include <poll.h>
#include <pthread.h>
#include <sys/un.h>

#include "tests/unit/test_io_bus_kit.h"

#define PAYLOAD "the plain text that nobody is to see"

/* ---- Who is let in. ---- */

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

/* Connects and comes to the end of the handshake, which is to fail; libzmq goes on trying. */
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
}

static void *all_topics(void *sub)
{
	ck_assert_int_eq(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0), 0);
	return sub;
}

static void got_nothing(void *socket)
{
	char byte;

	ck_assert_int_eq(zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT), -1);
	ck_assert_int_eq(zmq_errno(), EAGAIN);
	zmq_close(socket);
}

/* With a key that isn't trusted, and with none, at both sockets. */
START_TEST(others_get_nothing)
{
	void *others[4], *one, *tap;

	start_curve();
	others[0] = curve_new(ZMQ_DEALER, &stranger);
	refused_client(others[0], "inproc://stranger", bus_sessions(app.bus));
	ck_assert_uint_gt(atomic_load(&app.asked), 0);
	others[1] = all_topics(curve_new(ZMQ_SUB, &stranger));
	refused_client(others[1], "inproc://stranger-tap", bus_events(app.bus));
	others[2] = client_new(ZMQ_DEALER);
	refused_client(others[2], "inproc://plain", bus_sessions(app.bus));
	others[3] = all_topics(client_new(ZMQ_SUB));
	refused_client(others[3], "inproc://plain-tap", bus_events(app.bus));
	ck_assert_uint_eq(atomic_load(&app.heard), 0);
	ck_assert(!bus_has_taps(app.bus));
	one = curve_new(ZMQ_DEALER, &client);
	ck_assert_int_eq(zmq_connect(one, bus_sessions(app.bus)), 0);
	echo(one);
	ck_assert_uint_eq(atomic_load(&app.heard), 1);
	tap = all_topics(curve_new(ZMQ_SUB, &client));
	ck_assert_int_eq(zmq_connect(tap, bus_events(app.bus)), 0);
	while (!bus_has_taps(app.bus))
		echo(one);
	publish(one, "a", "b");
	expect(tap, "a", true);
	expect(tap, "b", false);
	for (int i = 0; i < 4; i++)
		got_nothing(others[i]);
	zmq_close(one);
	zmq_close(tap);
	finish();
}
END_TEST

/* ---- What stands on the wire. ---- */

/* A relay that keeps all bytes of one connection, both ways. */
struct relay {
	pthread_t thread;
	const char *to; /* an endpoint of the bus */
	int listener;
	char endpoint[64];
	char seen[1 << 16];
	size_t n;
};

static struct relay relays[2];

static bool pass(struct relay *r, int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n <= 0 || !net_put(to, bytes, (size_t)n))
		return false;
	ck_assert_uint_le(r->n + (size_t)n, sizeof(r->seen));
	memcpy(r->seen + r->n, bytes, (size_t)n);
	r->n += (size_t)n;
	return true;
}

static int connect_to(const char *endpoint)
{
	struct sockaddr_un file = { .sun_family = AF_UNIX };
	struct sockaddr_in net;
	bool ipc = strncmp(endpoint, "ipc://", 6) == 0;
	int fd = socket(ipc ? AF_UNIX : AF_INET, SOCK_STREAM, 0), done;

	if (ipc) {
		memcpy(file.sun_path, endpoint + 6, strlen(endpoint + 6) + 1);
		done = connect(fd, (struct sockaddr *)&file, sizeof(file));
	} else {
		net = net_loopback((unsigned)atoi(strrchr(endpoint, ':') + 1));
		done = connect(fd, (struct sockaddr *)&net, sizeof(net));
	}
	ck_assert_int_eq(done, 0);
	return fd;
}

static void *relay_run(void *of)
{
	struct relay *r = of;
	int in = accept(r->listener, NULL, NULL), out = connect_to(r->to);
	struct pollfd fds[2] = { { .fd = in, .events = POLLIN }, { .fd = out, .events = POLLIN } };
	bool open = true;

	while (open && poll(fds, 2, NET_PATIENCE * 1000) > 0) {
		if (fds[0].revents != 0)
			open = pass(r, in, out);
		if (open && fds[1].revents != 0)
			open = pass(r, out, in);
	}
	close(in);
	close(out);
	return NULL;
}

static void *through(struct relay *r, const char *to, void *socket)
{
	unsigned port;

	r->to = to;
	r->n = 0;
	r->listener = net_listen(&port);
	(void)snprintf(r->endpoint, sizeof(r->endpoint), "tcp://127.0.0.1:%u", port);
	ck_assert_int_eq(pthread_create(&r->thread, NULL, relay_run, r), 0);
	ck_assert_int_eq(zmq_connect(socket, r->endpoint), 0);
	return socket;
}

/* The same words through both sockets, each with a relay before it; these end with it. */
static void talk(void *dealer_socket, void *sub)
{
	void *one = through(&relays[0], bus_sessions(app.bus), dealer_socket);
	void *tap = through(&relays[1], bus_events(app.bus), sub);

	put(one, "ECHO", true);
	put(one, PAYLOAD, false);
	expect(one, "ECHO", true);
	expect(one, PAYLOAD, false);
	ck_assert_int_eq(zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "prefix.", 7), 0);
	while (!bus_has_taps(app.bus))
		echo(one);
	publish(one, "prefix.topic", PAYLOAD);
	expect(tap, "prefix.topic", true);
	expect(tap, PAYLOAD, false);
	zmq_close(one);
	zmq_close(tap);
	for (int i = 0; i < 2; i++) {
		pthread_join(relays[i].thread, NULL);
		close(relays[i].listener);
		/* It did see the connection, and what went through it. */
		ck_assert_uint_gt(relays[i].n, sizeof(PAYLOAD));
	}
}

static bool sees(const struct relay *r, const char *what)
{
	return text_find((struct text){ r->seen, r->n }, text_of(what)) != SIZE_MAX;
}

START_TEST(a_relay_sees_no_plain_text)
{
	start_curve();
	talk(curve_new(ZMQ_DEALER, &client), curve_new(ZMQ_SUB, &client));
	for (int i = 0; i < 2; i++) {
		ck_assert(sees(&relays[i], "CURVE"));
		ck_assert(!sees(&relays[i], "plain text"));
		ck_assert(!sees(&relays[i], "ECHO"));
		ck_assert(!sees(&relays[i], "prefix."));
	}
	finish();
}
END_TEST

/* The same without keys: so the test above can fail. */
START_TEST(a_relay_sees_all_without_keys)
{
	start();
	talk(client_new(ZMQ_DEALER), client_new(ZMQ_SUB));
	ck_assert(sees(&relays[0], PAYLOAD) && sees(&relays[0], "ECHO"));
	ck_assert(sees(&relays[1], PAYLOAD) && sees(&relays[1], "prefix.topic"));
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

UNIT_MAIN("io_bus_curve", a_trusted_key_is_shown, others_get_nothing, a_relay_sees_no_plain_text,
	  a_relay_sees_all_without_keys, keys_that_are_none)
