/* SPDX-License-Identifier: Apache-2.0
 *
 * A bus with real sockets for tests: the handler does what the first frame says, so a
 * test talks to the thread over the bus itself. Clients are libzmq's. */
#ifndef TAPPET_TEST_IO_BUS_KIT_H
#define TAPPET_TEST_IO_BUS_KIT_H

#include <stdatomic.h>
#include <zmq.h>

#include "engine/base/limits.h"
#include "engine/io/bus.h"
#include "tests/unit/test_io_net.h"
#include "tests/unit/unit_main.h"

#define HEAVY ((size_t)64 * KIB)

/* ---- The handler. ---- */

struct app {
	struct bus *bus;
	uint32_t other; /* who said HERE */
	char trusted[BUS_KEY];
	unsigned turns;
	atomic_uint watched, heard, asked, named;
	int pipe[2];
};

static struct app app;
static void *context;
static char folder[64], sessions[128], events[128];

static const struct text refusal[] = { { "ERROR", 5 }, { "{\"no\":1}", 8 } };

static inline void say(uint32_t peer, const char *what, long number)
{
	char line[128];
	struct text frames[] = { TEXT("SAID"), { line, 0 } };

	frames[1].n = (size_t)snprintf(line, sizeof(line), "%s %ld", what, number);
	ck_assert_int_eq(bus_send(app.bus, peer, frames, 2), BUS_SENT);
}

static const char *const sent_words[] = { "sent", "gone", "full" };

/* Sends until it is no longer taken. */
static inline void fill(uint32_t peer, size_t size)
{
	static char body[HEAVY];
	struct text frames[] = { TEXT("JOB"), { body, size } };
	enum bus_sent sent = BUS_SENT;
	long n = 0;

	while (sent == BUS_SENT && n < 10 * LIMIT_BUS_SEND) {
		sent = bus_send(app.bus, app.other, frames, 2);
		n++;
	}
	say(peer, sent_words[sent], n);
}

static inline void on_message(void *of, const struct bus_message *m)
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
		fill(m->peer, 1024);
	else if (text_is(verb, "HEAVY"))
		fill(m->peer, HEAVY);
	else
		ck_abort_msg("unexpected: %.*s", TEXT_ARG(verb));
}

static inline int64_t on_turn(void *of, int64_t mono)
{
	struct app *a = of;

	/* Ten turns that are due by themselves. */
	return ++a->turns < 10 ? mono + 1 : -1;
}

static inline bool on_trust(void *of, struct text key)
{
	struct app *a = of;

	atomic_fetch_add(&a->asked, 1);
	return text_is(key, a->trusted);
}

static inline void on_named(void *of)
{
	struct app *a = of;

	atomic_fetch_add(&a->named, 1);
}

static inline void on_closing(void *of)
{
	struct app *a = of;
	struct text bye = TEXT("BYE");

	if (a->other != 0)
		(void)bus_send(a->bus, a->other, &bye, 1);
}

static inline void on_watch(void *of)
{
	struct app *a = of;
	char c;

	ck_assert_int_eq(read(a->pipe[0], &c, 1), 1);
	atomic_fetch_add(&a->watched, 1);
}

/* ---- Start and stop. ---- */

static inline enum fate try_start(const char *first, const char *second, const struct secret *key,
				  char words[BUS_WORDS])
{
	struct bus_settings settings = { first, second, key, refusal, 2 };
	struct bus_handler handler = { &app, on_message, on_turn, on_trust, on_named, on_closing };

	app.bus = bus_new(&settings, &handler, clock_system());
	ck_assert_ptr_nonnull(app.bus);
	ck_assert(bus_watch(app.bus, app.pipe[0], on_watch, &app));
	return bus_start(app.bus, words);
}

static inline void start_at(const char *first, const char *second, const struct secret *key)
{
	char words[BUS_WORDS];
	enum fate fate = try_start(first, second, key, words);

	ck_assert_msg(fate == FATE_OK, "%s", words);
}

static inline void setup(void)
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

static inline void start(void)
{
	setup();
	start_at(sessions, events, NULL);
}

static inline void finish(void)
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

static inline void set_int(void *socket, int option, int value)
{
	ck_assert_int_eq(zmq_setsockopt(socket, option, &value, sizeof(value)), 0);
}

static inline void *client_new(int type)
{
	void *socket = zmq_socket(context, type);

	ck_assert_ptr_nonnull(socket);
	set_int(socket, ZMQ_RCVTIMEO, NET_PATIENCE * 1000);
	set_int(socket, ZMQ_SNDTIMEO, NET_PATIENCE * 1000);
	set_int(socket, ZMQ_LINGER, 0);
	return socket;
}

static inline void *client_at(int type, const char *endpoint)
{
	void *socket = client_new(type);

	ck_assert_int_eq(zmq_connect(socket, endpoint), 0);
	return socket;
}

static inline void *dealer(void)
{
	return client_at(ZMQ_DEALER, bus_sessions(app.bus));
}

static inline void put(void *socket, const char *frame, bool more)
{
	ck_assert_int_eq(zmq_send(socket, frame, strlen(frame), more ? ZMQ_SNDMORE : 0),
			 (int)strlen(frame));
}

/* The next frame; whether another follows is compared, too. */
static inline void expect(void *socket, const char *want, bool more)
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

static inline void expect_said(void *socket, const char *want)
{
	expect(socket, "SAID", true);
	expect(socket, want, false);
}

static inline void echo(void *socket)
{
	put(socket, "ECHO", true);
	put(socket, "hallo", false);
	expect(socket, "ECHO", true);
	expect(socket, "hallo", false);
}

static inline void publish(void *socket, const char *topic, const char *body)
{
	put(socket, "PUBLISH", true);
	put(socket, topic, true);
	put(socket, body, false);
}

/* One round trip after the other until the answer is the one that is waited for. */
static inline void ask_until(void *socket, const char *question, const char *want)
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

#endif
