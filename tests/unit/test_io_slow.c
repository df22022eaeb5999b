/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server against clients that keep it waiting: silent ones, those that send or take a byte
 * now and then, those that never read, and a house full of them. Each test ends when the server
 * has cut them off; nothing else would. */
#include "engine/io/http_server.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "test_io_net.h"

#define FLOOD (16u << 20) /* bytes of an answer: no socket's buffers hold it */
#define HOUSE 8           /* connections, where it is full */

static struct http_server *server;
static unsigned port;
static char reply[1 << 12], flood[FLOOD];
static _Atomic http_ticket parked;

/* What ends a connection. The other bound is out of the way. */
static const struct http_server_limits silence = { .connections = HOUSE,
						   .idle_seconds = 1,
						   .header_bytes = 16384,
						   .body_bytes_total = 1 << 20,
						   .request_seconds = 3600 },
				       slowness = { .connections = HOUSE,
						    .idle_seconds = 3600,
						    .header_bytes = 16384,
						    .body_bytes_total = 1 << 20,
						    .request_seconds = 2 };

static enum http_next on_begin(void *of, const struct http_request *request, size_t *limit,
			       struct http_answer *answer)
{
	(void)of;
	(void)request;
	(void)answer;
	*limit = 1 << 20;
	return HTTP_GO_ON;
}

static enum http_next on_done(void *of, const struct http_request *request, struct text body,
			      http_ticket ticket, struct http_answer *answer)
{
	struct text path = http_request_path(request);

	(void)of;
	if (text_is(path, "/park")) {
		parked = ticket;
		return HTTP_PARKED;
	}
	if (text_is(path, "/flood"))
		body = (struct text){ flood, sizeof(flood) };
	*answer = (struct http_answer){ .status = 200, .body = body };
	return HTTP_ANSWERED;
}

static void start(const struct http_server_limits *limits)
{
	struct http_listen listens[] = { { .listen = "127.0.0.1:0",
					   .site = { on_begin, on_done, NULL } } };
	char why[256];

	parked = 0;
	ck_assert_int_eq(http_server_start(listens, 1, limits, &server, why, sizeof(why)), FATE_OK);
	port = http_server_port(server, 0);
}

static void stop(void)
{
	http_server_stop(server);
	server = NULL;
}

static void await_connections(size_t count)
{
	while (http_server_stats(server).connections != count)
		sched_yield();
}

/* Reads until there is no more; how much that was. */
static size_t read_rest(int fd)
{
	static char some[1 << 16];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(fd, some, sizeof(some), 0)) > 0)
		all += (size_t)n;
	ck_assert(n == 0 || errno != EAGAIN); /* not the test's own patience */
	return all;
}

/* Sends a byte to each now and then, until the server has cut all of them off. */
static void trickle(const int *fds, size_t count)
{
	struct pollfd wait[16];
	size_t open = count;

	ck_assert_uint_le(count, 16);
	for (size_t i = 0; i < count; i++)
		wait[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	while (open > 0) {
		poll(wait, count, 20);
		for (size_t i = 0; i < count; i++) {
			if (wait[i].fd < 0 || (wait[i].revents == 0 && net_put(fds[i], "x", 1)))
				continue;
			read_rest(fds[i]);
			wait[i].fd = -1;
			open--;
		}
	}
}

static void expect_served(void)
{
	int fd = net_connect(port);

	net_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(net_status(fd, reply, sizeof(reply)), 200);
	close(fd);
}

/* Where a client may stop, or become slow. */
static const char *const places[] = {
	"",
	"PO",
	"POST / HTTP/1.1\r\nHost: a\r\nX-A: ",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
	/* Too large: refused, and read past. */
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500000\r\n\r\nhello",
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static void come(int *fds)
{
	for (size_t i = 0; i < PLACES; i++) {
		fds[i] = net_connect(port);
		net_send(fds[i], places[i]);
	}
}

static void leave(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

START_TEST(test_silent)
{
	int fds[PLACES];

	start(&silence);
	come(fds);
	for (size_t i = 0; i < PLACES; i++)
		read_rest(fds[i]);
	await_connections(0);
	leave(fds, PLACES);
	stop();
}
END_TEST

START_TEST(test_trickling)
{
	int fds[PLACES];

	start(&slowness);
	come(fds);
	trickle(fds, PLACES);
	await_connections(0);
	leave(fds, PLACES);
	expect_served();
	stop();
}
END_TEST

static const struct http_server_limits *const both[] = { &silence, &slowness };

START_TEST(test_never_reads)
{
	int fd;

	start(both[_i]);
	fd = net_connect(port);
	net_send(fd, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
	while (http_server_stats(server).requests == 0)
		sched_yield();
	await_connections(0);
	ck_assert_uint_lt(read_rest(fd), FLOOD);
	close(fd);
	stop();
}
END_TEST

START_TEST(test_reads_a_byte_now_and_then)
{
	struct pollfd nothing = { .fd = -1 };
	size_t taken = 0;
	char byte;
	int fd;

	start(&slowness);
	fd = net_connect(port);
	net_send(fd, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
	do {
		poll(&nothing, 1, 20);
		taken += recv(fd, &byte, 1, 0) == 1;
	} while (http_server_stats(server).connections == 1);
	ck_assert_uint_gt(taken, 0);
	ck_assert_uint_lt(taken + read_rest(fd), FLOOD);
	close(fd);
	stop();
}
END_TEST

/* Whoever waits for us is not slow: it came before those that are cut off, and stays. */
START_TEST(test_parked_stay)
{
	struct http_reply answer = { .answer = { .status = 202 } };
	int waits, fds[PLACES];

	start(&slowness);
	waits = net_connect(port);
	net_send(waits, "GET /park HTTP/1.1\r\nHost: a\r\n\r\n");
	while (parked == 0)
		sched_yield();
	come(fds);
	trickle(fds, PLACES);
	leave(fds, PLACES);
	answer.ticket = parked;
	http_reply(server, &answer, 1);
	ck_assert_int_eq(net_status(waits, reply, sizeof(reply)), 202);
	close(waits);
	stop();
}
END_TEST

/* The time is a request's, not the connection's. */
START_TEST(test_busy_connection_stays)
{
	int busy, slow;
	struct pollfd wait;

	start(&slowness);
	busy = net_connect(port);
	slow = net_connect(port);
	wait = (struct pollfd){ .fd = slow, .events = POLLIN };
	net_send(slow, places[1]);
	do {
		net_send(busy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		ck_assert_int_eq(net_status(busy, reply, sizeof(reply)), 200);
	} while (poll(&wait, 1, 20) == 0);
	net_send(busy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(net_status(busy, reply, sizeof(reply)), 200);
	close(slow);
	close(busy);
	stop();
}
END_TEST

/* A house full of slow clients keeps others waiting, and no longer than they may be slow. */
START_TEST(test_full_house)
{
	int fds[HOUSE], waits;

	start(&slowness);
	for (size_t i = 0; i < HOUSE; i++) {
		fds[i] = net_connect(port);
		net_send(fds[i], places[4]);
	}
	await_connections(HOUSE);
	waits = net_connect(port); /* in the kernel's backlog */
	net_send(waits, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	trickle(fds, HOUSE);
	ck_assert_int_eq(net_status(waits, reply, sizeof(reply)), 200);
	leave(fds, HOUSE);
	close(waits);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io_slow");
	TCase *cut = tcase_create("cut off");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cut, 60);
	tcase_add_test(cut, test_silent);
	tcase_add_test(cut, test_trickling);
	tcase_add_loop_test(cut, test_never_reads, 0, 2);
	tcase_add_test(cut, test_reads_a_byte_now_and_then);
	tcase_add_test(cut, test_parked_stay);
	tcase_add_test(cut, test_busy_connection_stays);
	tcase_add_test(cut, test_full_house);
	suite_add_tcase(suite, cut);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
