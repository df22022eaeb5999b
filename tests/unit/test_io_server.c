/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server against raw sockets: refusals, limits, parking, life cycle. */
#include "engine/io/http_server.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "engine/base/fault.h"
#include "test_io_net.h"

#define MANY 512

/* The site under test: what a path does is in its name. */
struct app {
	pthread_mutex_t lock;
	pthread_cond_t grew;
	http_ticket tickets[MANY * 2];
	size_t count;
};

static enum http_next app_begin(void *of, const struct http_request *request, size_t *limit,
				struct http_answer *answer)
{
	struct text path = http_request_path(request);

	(void)of;
	*limit = text_is(path, "/small") ? 1000 : 1 << 20;
	if (!text_is(path, "/missing"))
		return HTTP_GO_ON;
	*answer =
	    (struct http_answer){ .status = 404, .body = TEXT("{\"error\":\"no such hook\"}") };
	return HTTP_ANSWERED;
}

static void app_park(struct app *app, http_ticket ticket)
{
	assert(ticket != 0); /* on the server's thread, where Check must not be called */
	pthread_mutex_lock(&app->lock);
	app->tickets[app->count++] = ticket;
	pthread_cond_broadcast(&app->grew);
	pthread_mutex_unlock(&app->lock);
}

static void count_header(void *of, struct text name, struct text value)
{
	assert(name.n > 0 && value.s != NULL);
	++*(int *)of;
}

static struct http_answer app_info(const struct http_request *request, struct text body, char *out,
				   size_t room)
{
	struct text query = http_request_query(request, "q");
	struct text header = http_request_header(request, "x-test");
	struct text method = http_request_method(request);
	int headers = 0, n;

	http_request_headers(request, count_header, &headers);
	n = snprintf(out, room, "%.*s %.*s %.*s %d %d %zu", TEXT_ARG(method), TEXT_ARG(query),
		     TEXT_ARG(header), headers, (int)http_request_length(request), body.n);
	return (struct http_answer){ .status = 200,
				     .body = { out, (size_t)n },
				     .content_type = "text/plain",
				     .allow = "GET",
				     .retry_after = 7 };
}

static enum http_next app_done(void *of, const struct http_request *request, struct text body,
			       http_ticket ticket, struct http_answer *answer)
{
	static _Thread_local char out[256];

	if (text_is(http_request_path(request), "/park")) {
		app_park(of, ticket);
		return HTTP_PARKED;
	}
	if (text_is(http_request_path(request), "/info"))
		*answer = app_info(request, body, out, sizeof(out));
	else
		*answer = (struct http_answer){ .status = 200, .body = body };
	return HTTP_ANSWERED;
}

static struct app app;
static struct http_server *server;
static unsigned port;
static char reply[1 << 16];

static const struct http_server_limits usual = {
	.connections = 700, .idle_seconds = 30, .header_bytes = 16384, .body_bytes_total = 8 << 20
};

static struct http_listen listen_on(const char *address)
{
	return (struct http_listen){ address,
				     { app_begin, app_done, &app },
				     .tls = { .key = TEXT_NONE } };
}

static void start_with(const struct http_server_limits *limits)
{
	struct http_listen listens[] = { listen_on("127.0.0.1:0") };
	char why[256];

	app = (struct app){ .lock = PTHREAD_MUTEX_INITIALIZER, .grew = PTHREAD_COND_INITIALIZER };
	ck_assert_int_eq(http_server_start(listens, 1, limits, &server, why, sizeof(why)), FATE_OK);
	port = http_server_port(server, 0);
	ck_assert_uint_ne(port, 0);
}

static void start(void)
{
	start_with(&usual);
}

static void stop(void)
{
	http_server_stop(server);
	server = NULL;
}

static void await_parked(size_t count)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += NET_PATIENCE;
	pthread_mutex_lock(&app.lock);
	while (app.count < count)
		ck_assert_int_eq(pthread_cond_timedwait(&app.grew, &app.lock, &until), 0);
	pthread_mutex_unlock(&app.lock);
}

/* The counter moves a moment after the ticket was handed out. */
static void await_stat(size_t parked)
{
	while (http_server_stats(server).parked != parked)
		sched_yield();
}

static void get(int fd, const char *path)
{
	char request[256];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	net_send(fd, request);
}

/* False: the server has gone from the connection. */
static bool try_post(int fd, const char *path, size_t n)
{
	char head[256];
	char *body = malloc(n + 1);
	bool sent;

	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
		 path, n);
	memset(body, 'x', n + 1);
	sent = net_put(fd, head, strlen(head)) && net_put(fd, body, n);
	free(body);
	return sent;
}

static void post(int fd, const char *path, size_t n)
{
	ck_assert(try_post(fd, path, n));
}

static int status(int fd)
{
	return net_status(fd, reply, sizeof(reply));
}

START_TEST(test_refused_in_begin)
{
	int fd = net_connect(port);

	get(fd, "/missing");
	ck_assert_int_eq(status(fd), 404);
	ck_assert_ptr_nonnull(strstr(reply, "no such hook"));
	ck_assert_ptr_nonnull(strstr(reply, "application/json"));
	/* The body is read past, so the connection goes on. */
	post(fd, "/missing", 300000);
	ck_assert_int_eq(status(fd), 404);
	get(fd, "/");
	ck_assert_int_eq(status(fd), 200);
	close(fd);
}
END_TEST

START_TEST(test_accessors)
{
	int fd = net_connect(port);

	net_send(fd, "PURGE /info?q=a%20b HTTP/1.1\r\nHost: a\r\nX-Test: yes\r\n"
		     "Content-Length: 3\r\n\r\nabc");
	ck_assert_int_eq(status(fd), 200);
	ck_assert_str_eq(strstr(reply, "\r\n\r\n") + 4, "PURGE a b yes 3 3 3");
	ck_assert_ptr_nonnull(strstr(reply, "text/plain"));
	ck_assert_ptr_nonnull(strstr(reply, "Retry-After: 7\r\n"));
	ck_assert_ptr_nonnull(strstr(reply, "Allow: GET\r\n"));
	close(fd);
}
END_TEST

START_TEST(test_hostile_requests)
{
	static const char *const bad[] = {
		"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GARBAGE\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"GET / HTTP/1.1\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = net_connect(port);

		net_send(fd, bad[i]);
		shutdown(fd, SHUT_WR);
		ck_assert_int_ne(status(fd) / 100, 2);
		close(fd);
	}
}
END_TEST

START_TEST(test_large_headers)
{
	int fd = net_connect(port);
	char *line = malloc(40000);

	memset(line, 'h', 40000);
	net_send(fd, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	net_put(fd, line, 40000); /* may fail: the server has heard enough */
	net_put(fd, "\r\n\r\n", 4);
	ck_assert_int_ne(status(fd) / 100, 2);
	free(line);
	close(fd);
}
END_TEST

START_TEST(test_body_at_and_over_the_limit)
{
	int fd = net_connect(port);

	post(fd, "/small", 1000);
	ck_assert_int_eq(status(fd), 200);
	post(fd, "/small", 1001);
	ck_assert_int_eq(status(fd), 413);
	post(fd, "/small", 8 << 20); /* written whole before we read: no reset in between */
	ck_assert_int_eq(status(fd), 413);
	post(fd, "/", 0);
	ck_assert_int_eq(status(fd), 200);
	post(fd, "/", 1 << 15);
	ck_assert_int_eq(status(fd), 200);
	close(fd);
}
END_TEST

START_TEST(test_declared_beyond_discarding)
{
	int fd = net_connect(port);

	net_send(fd, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nxxx");
	ck_assert_int_eq(status(fd), 413);
	close(fd);
	fd = net_connect(port);
	net_send(fd, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n"
		     "Expect: 100-continue\r\n\r\n");
	ck_assert_int_eq(status(fd), 413); /* without having sent a byte of it */
	close(fd);
}
END_TEST

START_TEST(test_expect_is_granted)
{
	int fd = net_connect(port);

	net_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
		     "Expect: 100-continue\r\n\r\n");
	ck_assert_int_eq(status(fd), 100);
	net_send(fd, "hello");
	ck_assert_int_eq(status(fd), 200);
	close(fd);
}
END_TEST

START_TEST(test_chunked)
{
	int fd = net_connect(port);
	char *chunk = malloc(0x300);

	memset(chunk, 'c', 0x300);
	net_send(fd, "POST /info HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "5\r\nhello\r\n0\r\n\r\n");
	ck_assert_int_eq(status(fd), 200);
	ck_assert_ptr_nonnull(strstr(reply, " -1 5"));
	net_send(fd, "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 100; i++) {
		net_send(fd, "300\r\n");
		ck_assert(net_put(fd, chunk, 0x300));
		net_send(fd, "\r\n");
	}
	net_send(fd, "0\r\n\r\n");
	ck_assert_int_eq(status(fd), 413);
	get(fd, "/");
	ck_assert_int_eq(status(fd), 200);
	free(chunk);
	close(fd);
}
END_TEST

static struct http_reply reply_with(http_ticket ticket, int code)
{
	return (struct http_reply){ ticket, { .status = code, .body = TEXT("{\"id\":1}") } };
}

START_TEST(test_parked_and_answered)
{
	int fd = net_connect(port);
	struct http_reply answers[3];

	post(fd, "/park", 100);
	await_parked(1);
	await_stat(1);
	answers[0] = reply_with(app.tickets[0], 202);
	answers[1] = reply_with(app.tickets[0], 500); /* twice: ignored */
	answers[2] = reply_with(0xffff00000000ffff, 500);
	http_reply(server, answers, 3);
	ck_assert_int_eq(status(fd), 202);
	ck_assert_str_eq(strstr(reply, "\r\n\r\n") + 4, "{\"id\":1}");
	http_reply(server, answers, 1); /* late */
	post(fd, "/park", 100);
	await_parked(2);
	ck_assert_uint_ne(app.tickets[0], app.tickets[1]);
	http_reply(server, answers, 1); /* the old ticket doesn't fit the new request */
	answers[0] = reply_with(app.tickets[1], 201);
	http_reply(server, answers, 1);
	ck_assert_int_eq(status(fd), 201);
	close(fd);
}
END_TEST

START_TEST(test_vanished_client)
{
	struct http_reply answer;
	int fd = net_connect(port);

	post(fd, "/park", 10);
	await_parked(1);
	close(fd);
	answer = reply_with(app.tickets[0], 202);
	http_reply(server, &answer, 1);
	fd = net_connect(port);
	get(fd, "/");
	ck_assert_int_eq(status(fd), 200);
	close(fd);
}
END_TEST

START_TEST(test_keep_alive)
{
	int fd = net_connect(port);

	for (int i = 0; i < 200; i++) {
		post(fd, "/", (size_t)i * 7);
		ck_assert_int_eq(status(fd), 200);
	}
	ck_assert_uint_eq(http_server_stats(server).connections, 1);
	ck_assert_uint_eq(http_server_stats(server).requests, 200);
	close(fd);
}
END_TEST

static const int crowds[] = { 127, 128, 129, MANY };

/* All wait, then one batch answers all: twice, so that reuse is seen too. */
START_TEST(test_crowd)
{
	static struct http_reply answers[MANY];
	static int fds[MANY];
	size_t n = (size_t)crowds[_i];

	for (size_t i = 0; i < n; i++)
		fds[i] = net_connect(port);
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++)
			post(fds[i], "/park", 1400);
		await_parked(n * (round + 1));
		await_stat(n);
		for (size_t i = 0; i < n; i++)
			answers[i] = reply_with(app.tickets[round * n + i], 202);
		http_reply(server, answers, n);
		for (size_t i = 0; i < n; i++)
			ck_assert_int_eq(status(fds[i]), 202);
		await_stat(0);
	}
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}
END_TEST

START_TEST(test_more_connections_than_allowed)
{
	struct http_server_limits few = usual;
	int first, second, third;

	stop();
	few.connections = 2;
	start_with(&few);
	first = net_connect(port);
	second = net_connect(port);
	get(first, "/");
	get(second, "/");
	ck_assert_int_eq(status(first), 200);
	ck_assert_int_eq(status(second), 200);
	third = net_connect(port); /* waits in the backlog */
	get(third, "/");
	close(first);
	ck_assert_int_eq(status(third), 200);
	close(second);
	close(third);
}
END_TEST

START_TEST(test_bodies_together)
{
	struct http_server_limits tight = usual;
	int a = -1, b = -1;
	struct http_reply answer;

	stop();
	tight.body_bytes_total = 2000;
	start_with(&tight);
	a = net_connect(port);
	b = net_connect(port);
	post(a, "/park", 1500);
	await_parked(1);
	post(b, "/", 1500);
	ck_assert_int_eq(status(b), 429);
	ck_assert_ptr_nonnull(strstr(reply, "Retry-After:"));
	answer = reply_with(app.tickets[0], 202);
	http_reply(server, &answer, 1);
	ck_assert_int_eq(status(a), 202);
	post(b, "/", 1500);
	ck_assert_int_eq(status(b), 200);
	close(a);
	close(b);
}
END_TEST

START_TEST(test_slow_client)
{
	struct http_server_limits brisk = usual;
	char byte;
	int fd;

	stop();
	brisk.idle_seconds = 1;
	start_with(&brisk);
	fd = net_connect(port);
	net_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Le");
	while (recv(fd, &byte, 1, 0) > 0) /* a 408 is fine, staying open is not */
		;
	ck_assert_int_ne(errno, EAGAIN);
	close(fd);
}
END_TEST

START_TEST(test_drain)
{
	struct http_reply answer;
	int parked = net_connect(port), open = net_connect(port), fd;

	get(open, "/");
	ck_assert_int_eq(status(open), 200);
	post(parked, "/park", 10);
	await_parked(1);
	http_server_drain(server);
	while ((fd = net_try(port)) >= 0) /* until the thread has seen it */
		close(fd);
	get(open, "/");
	ck_assert_int_eq(status(open), 503);
	ck_assert_int_eq(status(open), 0); /* and closed */
	answer = reply_with(app.tickets[0], 202);
	http_reply(server, &answer, 1);
	ck_assert_int_eq(status(parked), 202);
	close(open);
	close(parked);
}
END_TEST

START_TEST(test_stop_answers_the_parked)
{
	int fds[5];

	for (size_t i = 0; i < 5; i++) {
		fds[i] = net_connect(port);
		post(fds[i], "/park", 10);
	}
	await_parked(5);
	stop();
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(status(fds[i]), 503);
		close(fds[i]);
	}
}
END_TEST

static enum fate try_listen(const char *address, char *why, size_t room)
{
	struct http_listen listens[] = { listen_on(address) };
	struct http_server *other;
	enum fate fate = http_server_start(listens, 1, &usual, &other, why, room);

	http_server_stop(other);
	return fate;
}

START_TEST(test_addresses)
{
	static const char *const bad[] = { "",
					   "nonsense",
					   "1.2.3.4",
					   "127.0.0.1:99999",
					   "::1:80",
					   "127.0.0.1:x",
					   "192.0.2.1:0",
					   "unix:",
					   "unix:/proc/no/such" };
	char address[64], why[256];

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	ck_assert_int_eq(try_listen(address, why, sizeof(why)), FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(why, "in use"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(try_listen(bad[i], why, sizeof(why)), FATE_REJECT);
		ck_assert_uint_gt(strlen(why), 10);
	}
	ck_assert_int_eq(try_listen(":0", why, sizeof(why)), FATE_OK);
	ck_assert_int_eq(try_listen("localhost:0", why, sizeof(why)), FATE_OK);
}
END_TEST

#ifdef TAPPET_FAULTS
/* Each allocation fails once: no start, a lost connection or a reply, and the
 * server still stops. */
START_TEST(test_memory_sweep)
{
	struct http_listen listens[] = { listen_on("127.0.0.1:0") };
	struct http_server *other;
	bool hit = true;
	char why[256];

	for (int n = 1; hit; n++) {
		int code = 0, fd;

		fault_arm("memory", n, false);
		if (http_server_start(listens, 1, &usual, &other, why, sizeof(why)) == FATE_OK) {
			fd = net_connect(http_server_port(other, 0));
			if (try_post(fd, "/", 5000))
				code = status(fd);
			close(fd);
		}
		hit = fault_disarm();
		http_server_stop(other);
		ck_assert(hit || code == 200);
		ck_assert_int_lt(n, 1000);
	}
}
END_TEST
#endif

START_TEST(test_two_sites_start_together)
{
	struct http_listen listens[2] = { listen_on("127.0.0.1:0"), listen_on("127.0.0.1:0") };
	struct http_server *other;
	char taken[64], why[256];
	int fd;

	ck_assert_int_eq(http_server_start(listens, 2, &usual, &other, why, sizeof(why)), FATE_OK);
	for (size_t i = 0; i < 2; i++) {
		fd = net_connect(http_server_port(other, i));
		get(fd, "/");
		ck_assert_int_eq(status(fd), 200);
		close(fd);
	}
	http_server_stop(other);
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", port);
	listens[1].listen = taken;
	ck_assert_int_eq(http_server_start(listens, 2, &usual, &other, why, sizeof(why)),
			 FATE_REJECT);
	ck_assert_ptr_null(other);
}
END_TEST

static int unix_connect(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	net_patience(fd);
	memcpy(at.sun_path, path, strlen(path));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void leave_stale_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, path, strlen(path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
}

START_TEST(test_unix_socket)
{
	char folder[] = "/tmp/tappet-io-XXXXXX", path[64], address[80], why[256];
	struct http_listen listens[1];
	struct http_server *other;
	struct stat state;
	FILE *file;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	listens[0] = listen_on(address);
	leave_stale_socket(path);
	ck_assert_int_eq(http_server_start(listens, 1, &usual, &other, why, sizeof(why)), FATE_OK);
	ck_assert_int_eq(stat(path, &state), 0);
	ck_assert_uint_eq(state.st_mode & 0777, 0600);
	ck_assert_uint_eq(http_server_port(other, 0), 0);
	fd = unix_connect(path);
	post(fd, "/", 20);
	ck_assert_int_eq(status(fd), 200);
	close(fd);
	ck_assert_int_eq(try_listen(address, why, sizeof(why)), FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(why, "in use"));
	http_server_stop(other);
	ck_assert_int_ne(stat(path, &state), 0);
	file = fopen(path, "w");
	fclose(file);
	ck_assert_int_eq(try_listen(address, why, sizeof(why)), FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(why, "not a socket"));
	ck_assert_int_eq(stat(path, &state), 0); /* somebody's file is not ours to remove */
	unlink(path);
	rmdir(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io_server");
	TCase *with = tcase_create("running");
	SRunner *runner;
	int failed;

	net_many_descriptors();
	tcase_add_checked_fixture(with, start, stop);
	tcase_set_timeout(with, 60);
	tcase_add_test(with, test_refused_in_begin);
	tcase_add_test(with, test_accessors);
	tcase_add_test(with, test_hostile_requests);
	tcase_add_test(with, test_large_headers);
	tcase_add_test(with, test_body_at_and_over_the_limit);
	tcase_add_test(with, test_declared_beyond_discarding);
	tcase_add_test(with, test_expect_is_granted);
	tcase_add_test(with, test_chunked);
	tcase_add_test(with, test_parked_and_answered);
	tcase_add_test(with, test_vanished_client);
	tcase_add_test(with, test_keep_alive);
	tcase_add_loop_test(with, test_crowd, 0, sizeof(crowds) / sizeof(crowds[0]));
	tcase_add_test(with, test_more_connections_than_allowed);
	tcase_add_test(with, test_bodies_together);
	tcase_add_test(with, test_slow_client);
	tcase_add_test(with, test_drain);
	tcase_add_test(with, test_stop_answers_the_parked);
	tcase_add_test(with, test_addresses);
	tcase_add_test(with, test_two_sites_start_together);
	tcase_add_test(with, test_unix_socket);
#ifdef TAPPET_FAULTS
	tcase_add_test(with, test_memory_sweep);
#endif
	suite_add_tcase(suite, with);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
