/* SPDX-License-Identifier: Apache-2.0
 *
 * The bus without keys: clients are libzmq's, or bytes by hand. */
#include <sys/stat.h>
#include <sys/un.h>

#include "engine/base/mem.h"
#include "tests/unit/test_io_bus_kit.h"

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

/* The same in bytes: and what it reads makes room again, for it alone. */
START_TEST(a_peer_has_so_many_bytes)
{
	void *one, *two;
	char got[100];
	size_t sent;
	int n;

	start();
	one = client_new(ZMQ_DEALER);
	set_int(one, ZMQ_RCVHWM, 1);
	ck_assert_int_eq(zmq_connect(one, sessions), 0);
	two = dealer();
	put(one, "HERE", false);
	echo(one);
	for (int round = 0; round < 2; round++) {
		put(two, "HEAVY", false);
		expect(two, "SAID", true);
		n = zmq_recv(two, got, sizeof(got) - 1, 0);
		ck_assert_int_gt(n, 0);
		got[n] = '\0';
		ck_assert_msg(strncmp(got, "full ", 5) == 0, "%s", got);
		sent = (size_t)atol(got + 5) - 1;
		ck_assert_uint_ge(sent, LIMIT_BUS_HEAVY / HEAVY);
		ck_assert_uint_lt(sent, LIMIT_BUS_SEND / 2);
		/* Words still pass, and the other one isn't held up. */
		echo(two);
		for (size_t i = 0; i < sent; i++) {
			expect(one, "JOB", true);
			ck_assert_int_eq(zmq_recv(one, NULL, 0, 0), HEAVY);
		}
		echo(one);
	}
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
	ck_assert_uint_eq(atomic_load(&app.named), 1);
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

/* What is heavy is missed by all while one doesn't read; what is light passes. */
START_TEST(taps_have_so_many_bytes)
{
	enum { HUGE_BODY = 1024 * 1024 };
	char *body = mem_alloc(HUGE_BODY + 1);
	void *one, *deaf, *tap;
	int heavy = 0, n;
	char got[8];

	start();
	memset(body, 'x', HUGE_BODY);
	body[HUGE_BODY] = '\0';
	one = dealer();
	deaf = client_new(ZMQ_SUB);
	set_int(deaf, ZMQ_RCVHWM, 1);
	ck_assert_int_eq(zmq_setsockopt(deaf, ZMQ_SUBSCRIBE, "", 0), 0);
	ck_assert_int_eq(zmq_connect(deaf, events), 0);
	while (!bus_has_taps(app.bus))
		echo(one);
	for (int i = 0; i < 2 * (int)(LIMIT_BUS_HEAVY_TAPS / HUGE_BODY); i++)
		publish(one, "a", body);
	echo(one);
	tap = client_new(ZMQ_SUB);
	ck_assert_int_eq(zmq_setsockopt(tap, ZMQ_SUBSCRIBE, "", 0), 0);
	ck_assert_int_eq(zmq_connect(tap, events), 0);
	/* It is there when a light one comes. */
	set_int(tap, ZMQ_RCVTIMEO, 1);
	do {
		publish(one, "b", "");
		echo(one);
	} while (zmq_recv(tap, got, sizeof(got), 0) < 0);
	set_int(tap, ZMQ_RCVTIMEO, NET_PATIENCE * 1000);
	expect(tap, "", false);
	publish(one, "a", body);
	publish(one, "c", "");
	do {
		n = zmq_recv(tap, got, sizeof(got), 0);
		ck_assert_int_gt(n, 0);
		ck_assert_int_ne(got[0], 'a');
		expect(tap, "", false);
	} while (got[0] != 'c');
	/* Once it has read, or is gone, all get what is heavy again. */
	do {
		n = zmq_recv(deaf, got, sizeof(got), 0);
		ck_assert_int_gt(n, 0);
		heavy += got[0] == 'a';
		(void)zmq_recv(deaf, NULL, 0, 0);
	} while (got[0] != 'c');
	ck_assert_int_ge(heavy, (int)(LIMIT_BUS_HEAVY_TAPS / HUGE_BODY));
	ck_assert_int_lt(heavy, 2 * (int)(LIMIT_BUS_HEAVY_TAPS / HUGE_BODY));
	publish(one, "a", body);
	expect(tap, "a", true);
	ck_assert_int_eq(zmq_recv(tap, NULL, 0, 0), HUGE_BODY);
	mem_free(body);
	zmq_close(deaf);
	zmq_close(tap);
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

UNIT_MAIN("io_bus", frames_go_both_ways, files_are_for_the_user_alone, a_peer_that_left_is_gone,
	  a_peer_that_does_not_read_is_full, a_peer_has_so_many_bytes, the_last_words_arrive,
	  who_names_itself_is_told, watches_and_turns, a_stale_file_is_replaced_a_live_one_not,
	  endpoints_that_are_refused, what_is_too_large_ends_the_connection,
	  the_largest_frame_passes, an_unknown_mechanism_is_cut_off, taps_get_their_prefix,
	  taps_have_so_many_bytes, a_tap_that_does_not_read_holds_up_nobody)
