/* SPDX-License-Identifier: Apache-2.0
 *
 * http_client against http_server and against a peer that misbehaves by script. */
#include "engine/io/http_client.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "engine/base/fault.h"
#include "engine/io/http_server.h"
#include "test_io_net.h"

/* --- a server that is well ------------------------------------------------ */

static enum http_next begin(void *of, const struct http_request *request, size_t *limit,
			    struct http_answer *answer)
{
	(void)of;
	(void)request;
	(void)answer;
	*limit = 4 << 20;
	return HTTP_GO_ON;
}

static const char *own_headers(const struct http_request *request)
{
	bool bad = http_request_header(request, "Expect").s != NULL ||
		   http_request_header(request, "Cookie").s != NULL ||
		   http_request_header(request, "Authorization").s != NULL ||
		   http_request_header(request, "Accept-Encoding").s != NULL;

	return bad ? "bad" : "fine";
}

/* Replies with what came in. */
static enum http_next done(void *of, const struct http_request *request, struct text body,
			   http_ticket ticket, struct http_answer *answer)
{
	static char out[8 << 20];
	struct text method = http_request_method(request);
	struct text type = http_request_header(request, "Content-Type");
	struct text key = http_request_header(request, "Idempotency-Key");
	struct text agent = http_request_header(request, "User-Agent");
	int n;

	(void)of;
	(void)ticket;
	n = snprintf(out, sizeof(out), "%.*s|%.*s|%s|%.*s|%s|%s|%d|%.*s", TEXT_ARG(method),
		     TEXT_ARG(type), type.s == NULL ? "none" : "typed", TEXT_ARG(key),
		     own_headers(request), text_starts(agent, TEXT("tappet/")) ? "tappet" : "?",
		     (int)http_request_length(request), TEXT_ARG(body));
	*answer = (struct http_answer){ .status = 201,
					.body = { out, (size_t)n },
					.content_type = "text/x-test",
					.retry_after = 3 };
	return HTTP_ANSWERED;
}

/* --- a peer that follows a script ------------------------------------------ */

struct script {
	int fd;
	unsigned port;
	pthread_t thread;
	const char *const *replies; /* NULL-terminated; one per request */
	bool keep;                  /* the same connection serves all replies but the last */
	bool reset;                 /* ends with RST */
	bool hang;                  /* keeps the last connection open until the peer leaves */
	atomic_int requests;
};

static bool script_serve(struct script *script, int fd, const char *reply)
{
	char request[8192];

	if (net_message(fd, request, sizeof(request)) <= 0)
		return false;
	atomic_fetch_add(&script->requests, 1);
	return net_put(fd, reply, strlen(reply));
}

static void script_end(struct script *script, int fd)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	char byte;

	if (script->hang)
		while (recv(fd, &byte, 1, 0) > 0)
			;
	if (script->reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static void *script_run(void *of)
{
	struct script *script = of;
	int fd = -1;

	for (size_t i = 0; script->replies[i] != NULL; i++) {
		if (fd < 0)
			fd = accept(script->fd, NULL, NULL);
		if (fd < 0)
			break;
		net_patience(fd);
		if (script_serve(script, fd, script->replies[i]) && script->keep &&
		    script->replies[i][0] != '\0')
			continue;
		script_end(script, fd);
		fd = -1;
	}
	if (fd >= 0)
		script_end(script, fd);
	return NULL;
}

static void script_start(struct script *script, const char *const *replies)
{
	script->replies = replies;
	script->fd = net_listen(&script->port);
	ck_assert_int_eq(pthread_create(&script->thread, NULL, script_run, script), 0);
}

static void script_stop(struct script *script)
{
	shutdown(script->fd, SHUT_RDWR); /* wakes accept */
	pthread_join(script->thread, NULL);
	close(script->fd);
}

/* --- the client ------------------------------------------------------------ */

struct seen {
	int calls;
	enum http_end end;
	bool sent;
	int status;
	char body[4096];
	size_t body_n;
	char type[64], retry_after[64], error[128];
	char validators[400], link[2100], date[64];
};

static struct http_client *client;
static struct http_server *server;
static unsigned port;

static void setup(void)
{
	static const struct http_server_limits limits = { 700, 30, 16384, 64 << 20, 0 };
	struct http_listen listens[] = { { .listen = "127.0.0.1:0",
					   .site = { begin, done, NULL } } };
	char why[256];

	ck_assert_int_eq(http_server_start(listens, 1, &limits, &server, why, sizeof(why)),
			 FATE_OK);
	port = http_server_port(server, 0);
	client = http_client_new(clock_system());
	ck_assert_ptr_nonnull(client);
}

static void teardown(void)
{
	http_client_free(client);
	http_server_stop(server);
}

static void on_done(void *of, const struct http_outcome *outcome)
{
	struct seen *seen = of;

	seen->calls++;
	seen->end = outcome->end;
	seen->sent = outcome->sent;
	seen->status = outcome->status;
	seen->body_n = outcome->body.n;
	snprintf(seen->body, sizeof(seen->body), "%.*s", TEXT_ARG(outcome->body));
	snprintf(seen->type, sizeof(seen->type), "%.*s", TEXT_ARG(outcome->content_type));
	snprintf(seen->retry_after, sizeof(seen->retry_after), "%.*s",
		 TEXT_ARG(outcome->retry_after));
	snprintf(seen->validators, sizeof(seen->validators), "%.*s|%.*s", TEXT_ARG(outcome->etag),
		 TEXT_ARG(outcome->last_modified));
	snprintf(seen->date, sizeof(seen->date), "%.*s", TEXT_ARG(outcome->date));
	snprintf(seen->link, sizeof(seen->link), "%.*s", TEXT_ARG(outcome->link));
	snprintf(seen->error, sizeof(seen->error), "%s", outcome->error);
	ck_assert_int_ge(outcome->ended, outcome->started);
	ck_assert_ptr_null(strstr(outcome->error, "secret"));
	ck_assert_ptr_null(strstr(outcome->error, "127.0.0.1"));
}

static char url[256];

static struct http_call call_to(unsigned to, const char *method)
{
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/secret?key=secret", to);
	return (struct http_call){ .method = method,
				   .url = text_of(url),
				   .pool = HTTP_ANY_ADDRESS,
				   .timeout_ms = 15000,
				   .reply_limit = 1 << 20 };
}

static struct seen perform(const struct http_call *call)
{
	struct seen seen = { 0 };

	ck_assert_ptr_nonnull(http_client_start(client, call, on_done, &seen));
	ck_assert_uint_eq(http_client_active(client), 1);
	ck_assert_int_eq(seen.calls, 0);
	while (seen.calls == 0)
		http_client_turn(client, 20000);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_uint_eq(http_client_active(client), 0);
	return seen;
}

static struct seen perform_script(const char *const *replies, const char *method)
{
	struct script script = { 0 };
	struct http_call call;
	struct seen seen;

	script_start(&script, replies);
	call = call_to(script.port, method);
	seen = perform(&call);
	script_stop(&script);
	return seen;
}

/* --- tests ----------------------------------------------------------------- */

static const struct {
	const char *method, *body, *expect;
} methods[] = {
	{ "GET", "", "GET||none||fine|tappet|-1|" },
	{ "POST", "hello", "POST||none||fine|tappet|5|hello" },
	{ "POST", "", "POST||none||fine|tappet|0|" },
	{ "PUT", "a", "PUT||none||fine|tappet|1|a" },
	{ "PATCH", "bc", "PATCH||none||fine|tappet|2|bc" },
	{ "DELETE", "", "DELETE||none||fine|tappet|-1|" },
	{ "DELETE", "d", "DELETE||none||fine|tappet|1|d" },
	{ "HEAD", "", "" },
};

/* Each method after each other one: a reused handle keeps nothing. */
START_TEST(test_methods)
{
	const size_t n = sizeof(methods) / sizeof(methods[0]);

	for (size_t i = 0; i < n * n; i++) {
		size_t at = i % 2 == 0 ? i / 2 % n : i / n;
		struct http_call call = call_to(port, methods[at].method);
		struct seen seen;

		call.body = text_of(methods[at].body);
		seen = perform(&call);
		ck_assert_int_eq(seen.end, HTTP_REPLIED);
		ck_assert_int_eq(seen.status, 201);
		ck_assert(seen.sent);
		ck_assert_str_eq(seen.body, methods[at].expect);
		ck_assert_str_eq(seen.type, "text/x-test");
		ck_assert_str_eq(seen.retry_after, "3");
		ck_assert_str_eq(seen.error, "");
	}
	ck_assert_uint_eq(http_server_stats(server).connections, 1);
}
END_TEST

START_TEST(test_headers)
{
	struct http_header headers[] = { { TEXT("Content-Type"), TEXT("application/json") },
					 { TEXT("Idempotency-Key"), TEXT("k-1") },
					 { TEXT("X-Empty"), TEXT_NONE } };
	struct http_call call = call_to(port, "POST");
	struct seen seen;

	call.headers = headers;
	call.header_count = 3;
	call.body = TEXT("{}");
	seen = perform(&call);
	ck_assert_str_eq(seen.body, "POST|application/json|typed|k-1|fine|tappet|2|{}");
}
END_TEST

START_TEST(test_large_body)
{
	struct http_call call = call_to(port, "POST");
	size_t n = 3 << 20;
	char *body = malloc(n);
	struct seen seen;

	memset(body, 'b', n);
	call.body = (struct text){ body, n };
	call.reply_limit = 4 << 20;
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_REPLIED);
	ck_assert_uint_gt(seen.body_n, n);
	call.reply_limit = n;
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_TOO_LARGE);
	ck_assert_int_eq(seen.status, 201);
	ck_assert_uint_le(seen.body_n, n);
	free(body);
}
END_TEST

static const struct {
	const char *reply;
	enum http_end end;
	int status;
	const char *body;
} replies[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", HTTP_REPLIED, 200, "hello" },
	{ "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", HTTP_REPLIED, 200,
	  "until the end" },
	{ "HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 9\r\n\r\n", HTTP_REPLIED, 503, "" },
	{ "HTTP/1.1 302 Go\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
	  HTTP_REPLIED, 302, "" },
	{ "HTTP/1.1 204 None\r\n\r\n", HTTP_REPLIED, 204, "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	  HTTP_REPLIED, 200, "abc" },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	  HTTP_REPLIED, 200, "x" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", HTTP_CUT, 200, "hel" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y", HTTP_CUT, 200, "" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", HTTP_CUT, 200, "" },
	{ "HTTP/1.1 200 OK\r\n", HTTP_CUT, 200, "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", HTTP_CUT, 200, "ab" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", HTTP_CUT, 200, "" },
	{ "HTTP/1.1 200 OK", HTTP_NO_REPLY, 0, "" },
	{ "HTTP/1.1 20", HTTP_NO_REPLY, 0, "" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", HTTP_NO_REPLY, 0, "" },
	{ "H", HTTP_NO_REPLY, 0, "" },
	{ "", HTTP_NO_REPLY, 0, "" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", HTTP_NO_REPLY, 0, "" },
};

/* What pages of lists say of themselves: whole, or not at all. */
START_TEST(test_page_headers)
{
	static char long_link[4000], long_etag[400];
	const char *const script[] = {
		"HTTP/1.1 103 Early Hints\r\nLink: </style>; rel=preload\r\n\r\n"
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: W/\"a\"\r\nlink: <b>; rel=next\r\n"
		"Date: Sun, 22 Nov 2026 00:00:01 GMT\r\nLast-Modified: Sun, 22 Nov 2026 00:00:00 "
		"GMT\r\nLINK:<c>; rel=last\r\n\r\n",
		NULL,
	};
	const char *const too_long[] = { long_link, NULL }, *const tag[] = { long_etag, NULL };
	struct seen seen = perform_script(script, "GET");

	ck_assert_str_eq(seen.validators, "W/\"a\"|Sun, 22 Nov 2026 00:00:00 GMT");
	ck_assert_str_eq(seen.date, "Sun, 22 Nov 2026 00:00:01 GMT");
	ck_assert_str_eq(seen.link, "<b>; rel=next, <c>; rel=last");
	(void)snprintf(long_link, sizeof(long_link),
		       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLink: <%0*d>\r\nLink: <a>\r\n\r\n",
		       3000, 7);
	seen = perform_script(too_long, "GET");
	ck_assert_str_eq(seen.link, "?");
	ck_assert_str_eq(seen.validators, "|");
	(void)snprintf(long_etag, sizeof(long_etag),
		       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"%0*d\"\r\n\r\n", 300, 7);
	seen = perform_script(tag, "GET");
	ck_assert_str_eq(seen.validators, "|");
}
END_TEST

START_TEST(test_reply)
{
	const char *const script[] = { replies[_i].reply, NULL };
	struct seen seen = perform_script(script, "POST");

	ck_assert_msg(seen.end == replies[_i].end, "end %d, status %d, error %s", seen.end,
		      seen.status, seen.error);
	ck_assert_int_eq(seen.status, replies[_i].status);
	ck_assert_str_eq(seen.body, replies[_i].body);
	ck_assert(seen.sent);
	ck_assert_int_eq(seen.error[0] == '\0', seen.end == HTTP_REPLIED);
}
END_TEST

START_TEST(test_reset)
{
	static const char *const nothing[] = { "", NULL };
	struct script script = { .reset = true };
	struct http_call call;
	struct seen seen;

	script_start(&script, nothing);
	call = call_to(script.port, "POST");
	seen = perform(&call);
	script_stop(&script);
	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(seen.sent);
	ck_assert_int_eq(atomic_load(&script.requests), 1);
}
END_TEST

START_TEST(test_header_flood)
{
	char *flood = malloc(400000);
	const char *script[] = { flood, NULL };
	struct seen seen;
	size_t n = (size_t)snprintf(flood, 400000, "HTTP/1.1 200 OK\r\n");

	while (n < 399000)
		n += (size_t)snprintf(flood + n, 400000 - n, "X-%zu: filler filler filler\r\n", n);
	snprintf(flood + n, 400000 - n, "Content-Length: 0\r\n\r\n");
	seen = perform_script(script, "GET");
	ck_assert_int_eq(seen.end, HTTP_CUT);
	free(flood);
}
END_TEST

static struct seen perform_hanging(const char *reply)
{
	const char *const once[] = { reply, NULL };
	struct script script = { .hang = true };
	struct http_call call;
	struct seen seen;

	script_start(&script, once);
	call = call_to(script.port, "POST");
	call.timeout_ms = 150;
	seen = perform(&call);
	script_stop(&script);
	return seen;
}

START_TEST(test_timeout)
{
	struct seen seen = perform_hanging("");

	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(seen.sent);
	ck_assert_str_eq(seen.error, "no complete reply in time");
	seen = perform_hanging("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
	ck_assert_int_eq(seen.end, HTTP_CUT);
	ck_assert_int_eq(seen.status, 200);
}
END_TEST

START_TEST(test_connection_refused)
{
	unsigned closed;
	struct http_call call;
	struct seen seen;

	close(net_listen(&closed));
	call = call_to(closed, "POST");
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(!seen.sent);
	ck_assert_str_eq(seen.error, "could not connect: connection refused");
}
END_TEST

START_TEST(test_unknown_host)
{
	struct http_call call = call_to(port, "GET");
	struct seen seen;

	call.url = TEXT("http://no-such-host.invalid/");
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(!seen.sent);
}
END_TEST

/* Stands before the C library's: "slow.invalid" takes until it is let go. */
static sem_t let_go;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (node != NULL && strcmp(node, "slow.invalid") == 0) {
		sem_wait(&let_go);
		return EAI_AGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, found);
}

START_TEST(test_slow_name)
{
	struct http_call call = call_to(port, "POST");
	struct seen slow = { 0 }, quick = { 0 };

	ck_assert_int_eq(sem_init(&let_go, 0, 0), 0);
	ck_assert_ptr_nonnull(http_client_start(client, &call, on_done, &quick));
	call.url = TEXT("http://slow.invalid/");
	call.timeout_ms = 200;
	ck_assert_ptr_nonnull(http_client_start(client, &call, on_done, &slow));
	while (quick.calls == 0)
		http_client_turn(client, 20000);
	ck_assert_int_eq(quick.end, HTTP_REPLIED);
	ck_assert_int_eq(slow.calls, 0);
	while (slow.calls == 0) /* the name server still hangs: nobody waits for it */
		http_client_turn(client, 20000);
	ck_assert_int_eq(slow.end, HTTP_NO_REPLY);
	ck_assert(!slow.sent);
	sem_post(&let_go);
}
END_TEST

START_TEST(test_private_addresses)
{
	static const char *const hosts[] = { "127.0.0.1",  "localhost",          "[::1]",  "0x7f.1",
					     "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct http_call call = call_to(port, "GET");
		struct seen seen;

		/* A connection of the other pool is open and must not be borrowed. */
		seen = perform(&call);
		ck_assert_int_eq(seen.end, HTTP_REPLIED);
		snprintf(url, sizeof(url), "http://%s:%u/", hosts[i], port);
		call.url = text_of(url);
		call.pool = HTTP_PUBLIC_ONLY;
		seen = perform(&call);
		ck_assert_int_eq(seen.end, HTTP_REFUSED);
		ck_assert(!seen.sent);
		ck_assert_str_eq(seen.error, "the host has a private address");
	}
}
END_TEST

START_TEST(test_refused_urls)
{
	static const char *const urls[] = {
		"file:///etc/passwd",  "ftp://127.0.0.1/", "",
		"gopher://127.0.0.1/", "http://",          "http://a b/",
		"http://a/\r\nX: y",   "http://[::1/",     "dict://127.0.0.1/"
	};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_call call = call_to(port, "GET");
		struct seen seen;

		call.url = text_of(urls[i]);
		seen = perform(&call);
		ck_assert_msg(seen.end == HTTP_REFUSED, "%s: %d %s", urls[i], seen.end, seen.error);
		ck_assert(!seen.sent);
		ck_assert_int_ne(seen.error[0], '\0');
	}
}
END_TEST

START_TEST(test_header_injection)
{
	const struct http_header bad[] = {
		{ TEXT("X"), TEXT("a\r\nY: b") },
		{ TEXT("X"), TEXT("a\nb") },
		{ TEXT("X"), TEXT("a\0b") },
		{ TEXT("X\r\nY"), TEXT("a") },
		{ TEXT("X: a"), TEXT("b") },
		{ TEXT_NONE, TEXT("b") },
		{ TEXT("Content-Length"), TEXT("0") },
		{ TEXT("transfer-encoding"), TEXT("chunked") },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_call call = call_to(port, "POST");
		struct seen seen;

		call.headers = &bad[i];
		call.header_count = 1;
		seen = perform(&call);
		ck_assert_int_eq(seen.end, HTTP_REFUSED);
		ck_assert(!seen.sent);
	}
	ck_assert_uint_eq(http_server_stats(server).requests, 0);
}
END_TEST

START_TEST(test_no_proxy_from_environment)
{
	struct http_call call = call_to(port, "GET");
	struct seen seen;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_REPLIED);
}
END_TEST

/* The peer serves one request, then takes a second on the same connection and
 * closes without a word: what the library would send again by itself. */
static struct seen perform_on_dying(const char *method, int *requests)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const char *const both[] = { ok, "", ok, NULL };
	struct script script = { .keep = true };
	struct http_call call;
	struct seen seen;

	script_start(&script, both);
	call = call_to(script.port, method);
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_REPLIED);
	seen = perform(&call);
	*requests = atomic_load(&script.requests);
	script_stop(&script);
	return seen;
}

START_TEST(test_post_is_never_repeated)
{
	int requests;
	struct seen seen = perform_on_dying("POST", &requests);

	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(seen.sent);
	ck_assert_int_eq(requests, 2);
}
END_TEST

START_TEST(test_get_is_repeated)
{
	int requests;
	struct seen seen = perform_on_dying("GET", &requests);

	ck_assert_int_eq(seen.end, HTTP_REPLIED);
	ck_assert_int_eq(requests, 3);
}
END_TEST

START_TEST(test_cancel)
{
	static const char *const nothing[] = { "", NULL };
	struct script script = { .hang = true };
	struct http_call call;
	struct seen seen = { 0 };
	struct http_transfer *transfer;

	script_start(&script, nothing);
	call = call_to(script.port, "POST");
	transfer = http_client_start(client, &call, on_done, &seen);
	while (atomic_load(&script.requests) == 0)
		http_client_turn(client, 10);
	http_client_cancel(client, transfer);
	http_client_cancel(client, transfer); /* again, before its report */
	ck_assert_int_eq(seen.calls, 0);
	http_client_turn(client, 0);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_eq(seen.end, HTTP_CANCELLED);
	ck_assert(seen.sent);
	script_stop(&script);
	/* At once: nothing was sent. */
	seen = (struct seen){ 0 };
	call = call_to(port, "POST");
	http_client_cancel(client, http_client_start(client, &call, on_done, &seen));
	http_client_turn(client, 0);
	ck_assert_int_eq(seen.end, HTTP_CANCELLED);
	ck_assert(!seen.sent);
}
END_TEST

START_TEST(test_free_cancels)
{
	static const char *const nothing[] = { "", NULL };
	struct script script = { .hang = true };
	struct seen seen[3] = { 0 };
	struct http_call call;

	script_start(&script, nothing);
	call = call_to(script.port, "POST");
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(http_client_start(client, &call, on_done, &seen[i]));
	call.url = TEXT("nonsense\n");
	ck_assert_ptr_nonnull(http_client_start(client, &call, on_done, &seen[2]));
	while (atomic_load(&script.requests) == 0)
		http_client_turn(client, 10);
	http_client_free(client);
	client = NULL;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(seen[i].calls, 1);
	ck_assert_int_eq(seen[0].end, HTTP_CANCELLED);
	ck_assert_int_eq(seen[2].end, HTTP_REFUSED);
	script_stop(&script);
}
END_TEST

#define CROWD 300

struct crowd {
	int left, good;
};

static void crowd_done(void *of, const struct http_outcome *outcome)
{
	struct crowd *crowd = of;
	struct http_call call = call_to(port, "POST");

	crowd->good += outcome->end == HTTP_REPLIED && outcome->status == 201;
	if (crowd->left <= 0)
		return;
	crowd->left--; /* starting from within done keeps the pipe full */
	ck_assert_ptr_nonnull(http_client_start(client, &call, crowd_done, crowd));
}

START_TEST(test_many_at_once)
{
	struct crowd crowd = { .left = CROWD * 3 };
	struct http_call call = call_to(port, "POST");

	for (int i = 0; i < CROWD; i++)
		ck_assert_ptr_nonnull(http_client_start(client, &call, crowd_done, &crowd));
	while (http_client_active(client) > 0)
		http_client_turn(client, 20000);
	ck_assert_int_eq(crowd.good, CROWD * 4);
	ck_assert_uint_le(http_server_stats(server).connections, CROWD);
}
END_TEST

static void on_ready(void *of)
{
	uint64_t times;

	ck_assert_int_eq(read(*(int *)of, &times, sizeof(times)), sizeof(times));
	*(int *)of = -1;
}

static void *wake_later(void *of)
{
	http_client_wake(of);
	return NULL;
}

START_TEST(test_watch_and_wake)
{
	int event = eventfd(0, EFD_CLOEXEC), of = event;
	uint64_t one = 1;
	pthread_t thread;

	ck_assert(http_client_watch(client, event, on_ready, &of));
	http_client_turn(client, 0);
	ck_assert_int_eq(of, event);
	ck_assert_int_eq(write(event, &one, sizeof(one)), sizeof(one));
	http_client_turn(client, -1);
	ck_assert_int_eq(of, -1);
	pthread_create(&thread, NULL, wake_later, client);
	http_client_turn(client, -1); /* returns, or the test's time-out says so */
	pthread_join(thread, NULL);
	close(event);
}
END_TEST

#ifdef TAPPET_FAULTS
/* Each allocation fails once, on either side: the transfer ends somehow, once. */
START_TEST(test_memory_sweep)
{
	struct http_header header = { TEXT("Idempotency-Key"), TEXT("k") };
	struct http_call call = call_to(port, "POST");
	bool hit = true;

	call.headers = &header;
	call.header_count = 1;
	call.body = TEXT("hello");
	for (int n = 1; hit; n++) {
		struct seen seen = { 0 };

		http_client_free(client);
		fault_arm("memory", n, false);
		client = http_client_new(clock_system());
		if (client != NULL && http_client_start(client, &call, on_done, &seen) != NULL)
			while (seen.calls == 0)
				http_client_turn(client, 20000);
		hit = fault_disarm();
		ck_assert(hit || (seen.calls == 1 && seen.end == HTTP_REPLIED));
		ck_assert_int_lt(n, 1000);
	}
}
END_TEST
#endif

static const struct {
	const char *address;
	bool private;
} addresses[] = {
	{ "8.8.8.8", false },
	{ "1.1.1.1", false },
	{ "172.15.255.255", false },
	{ "172.32.0.0", false },
	{ "100.63.255.255", false },
	{ "100.128.0.0", false },
	{ "198.17.255.255", false },
	{ "198.20.0.0", false },
	{ "223.255.255.255", false },
	{ "0.0.0.0", true },
	{ "10.1.2.3", true },
	{ "100.64.0.1", true },
	{ "127.255.255.255", true },
	{ "169.254.169.254", true },
	{ "172.16.0.1", true },
	{ "172.31.255.255", true },
	{ "192.0.0.8", true },
	{ "192.0.2.1", true },
	{ "192.168.255.1", true },
	{ "198.19.255.255", true },
	{ "198.51.100.1", true },
	{ "203.0.113.9", true },
	{ "224.0.0.1", true },
	{ "240.0.0.1", true },
	{ "255.255.255.255", true },
	{ "2606:4700:4700::1111", false },
	{ "2a00:1450::1", false },
	{ "::ffff:8.8.8.8", false },
	{ "64:ff9b::8.8.8.8", false },
	{ "2002:808:808::1", false },
	{ "2001:4860:4860::8888", false },
	{ "::", true },
	{ "::1", true },
	{ "::7f00:1", true },
	{ "::ffff:127.0.0.1", true },
	{ "::ffff:10.0.0.1", true },
	{ "::ffff:0:127.0.0.1", true },
	{ "64:ff9b::10.0.0.1", true },
	{ "64:ff9b:1::1", true },
	{ "100::1", true },
	{ "2001::1", true },
	{ "2001:1ff::1", true },
	{ "2001:db8::1", true },
	{ "2002:7f00:1::", true },
	{ "2002:a00:1::", true },
	{ "3fff:fff::1", true },
	{ "5f00::1", true },
	{ "fc00::1", true },
	{ "fdff::1", true },
	{ "fe80::1", true },
	{ "febf::1", true },
	{ "fec0::1", true },
	{ "ff02::1", true },
};

START_TEST(test_address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const char *address = addresses[_i].address;
	struct sockaddr none = { .sa_family = AF_UNIX };
	bool is;

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		is = http_address_is_private((struct sockaddr *)&v4);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
		is = http_address_is_private((struct sockaddr *)&v6);
	}
	ck_assert_msg(is == addresses[_i].private, "%s", address);
	ck_assert(http_address_is_private(&none));
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("io_client");
	TCase *with = tcase_create("running"), *plain = tcase_create("addresses");
	SRunner *runner;
	int failed;

	net_many_descriptors();
	tcase_add_checked_fixture(with, setup, teardown);
	tcase_set_timeout(with, 60);
	tcase_add_test(with, test_methods);
	tcase_add_test(with, test_headers);
	tcase_add_test(with, test_large_body);
	tcase_add_loop_test(with, test_reply, 0, COUNT(replies));
	tcase_add_test(with, test_page_headers);
	tcase_add_test(with, test_reset);
	tcase_add_test(with, test_header_flood);
	tcase_add_test(with, test_timeout);
	tcase_add_test(with, test_connection_refused);
	tcase_add_test(with, test_unknown_host);
	tcase_add_test(with, test_slow_name);
	tcase_add_test(with, test_private_addresses);
	tcase_add_test(with, test_refused_urls);
	tcase_add_test(with, test_header_injection);
	tcase_add_test(with, test_no_proxy_from_environment);
	tcase_add_test(with, test_post_is_never_repeated);
	tcase_add_test(with, test_get_is_repeated);
	tcase_add_test(with, test_cancel);
	tcase_add_test(with, test_free_cancels);
	tcase_add_test(with, test_many_at_once);
	tcase_add_test(with, test_watch_and_wake);
#ifdef TAPPET_FAULTS
	tcase_add_test(with, test_memory_sweep);
#endif
	tcase_add_loop_test(plain, test_address, 0, COUNT(addresses));
	suite_add_tcase(suite, with);
	suite_add_tcase(suite, plain);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
