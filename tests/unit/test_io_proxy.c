/* SPDX-License-Identifier: Apache-2.0
 *
 * http_client through a proxy that is played by the test. */
#include "engine/io/http_client.h"

#include <pthread.h>
#include <signal.h>

#include "test_io_net.h"
#include "tests/unit/unit_main.h"

/* Takes one connection, notes its first request, says `answer`, closes. */
struct played {
	int fd;
	unsigned port;
	const char *answer;
	char request[4096];
	pthread_t thread;
};

static void *play(void *of)
{
	struct played *p = of;
	int fd = accept(p->fd, NULL, NULL);

	if (fd < 0)
		return NULL;
	net_patience(fd);
	if (net_message(fd, p->request, sizeof(p->request)) > 0)
		net_send(fd, p->answer);
	(void)shutdown(fd, SHUT_WR);
	while (recv(fd, &(char){ 0 }, 1, 0) > 0)
		;
	close(fd);
	return NULL;
}

struct seen {
	int calls;
	enum http_end end;
	bool sent;
	int status;
	char error[160], body[64];
};

static void on_done(void *of, const struct http_outcome *o)
{
	struct seen *seen = of;

	seen->calls++;
	seen->end = o->end;
	seen->sent = o->sent;
	seen->status = o->status;
	snprintf(seen->error, sizeof(seen->error), "%s", o->error);
	snprintf(seen->body, sizeof(seen->body), "%.*s", TEXT_ARG(o->body));
}

static struct seen perform(const struct http_call *call)
{
	struct http_client *client = http_client_new(clock_system());
	struct seen seen = { 0 };

	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(client);
	ck_assert_ptr_nonnull(http_client_start(client, call, on_done, &seen));
	while (seen.calls == 0)
		http_client_turn(client, 20000);
	ck_assert_int_eq(seen.calls, 1);
	http_client_free(client);
	ck_assert_ptr_null(strstr(seen.error, "s3cr3t"));
	return seen;
}

static struct http_call call_of(const char *url, const char *proxy)
{
	static const struct http_header headers[] = { { { "Authorization", 13 },
							{ "Bearer t", 8 } } };

	return (struct http_call){ .method = "POST",
				   .url = text_of(url),
				   .headers = headers,
				   .header_count = 1,
				   .body = TEXT("b"),
				   .proxy = text_of(proxy),
				   .proxy_any_address = true,
				   .timeout_ms = 20000,
				   .reply_limit = 1000 };
}

/* The call by way of a played proxy. */
static struct seen through(struct played *p, const char *url, const char *answer)
{
	struct http_call call;
	struct seen seen;
	char proxy[100];

	*p = (struct played){ .answer = answer };
	p->fd = net_listen(&p->port);
	ck_assert_int_eq(pthread_create(&p->thread, NULL, play, p), 0);
	snprintf(proxy, sizeof(proxy), "http://me:s3cr3t%%40@127.0.0.1:%u", p->port);
	call = call_of(url, proxy);
	seen = perform(&call);
	pthread_join(p->thread, NULL);
	close(p->fd);
	return seen;
}

/* "me:s3cr3t@" */
#define PROOF "Proxy-Authorization: Basic bWU6czNjcjN0QA==\r\n"

START_TEST(plain_http_goes_whole)
{
	struct played p;
	struct seen seen = through(&p, "http://h.example:81/a?b=1",
				   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");

	ck_assert_int_eq(seen.end, HTTP_REPLIED);
	ck_assert_int_eq(seen.status, 200);
	ck_assert_str_eq(seen.body, "hi");
	ck_assert_int_eq(strncmp(p.request, "POST http://h.example:81/a?b=1 HTTP/1.1\r\n", 41), 0);
	ck_assert_ptr_nonnull(strstr(p.request, PROOF));
	ck_assert_ptr_nonnull(strstr(p.request, "Authorization: Bearer t\r\n"));
}
END_TEST

/* What a proxy says of itself is not the host's reply; what it passes on is. */
START_TEST(plain_http_is_turned_back)
{
	static const char answer[] = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
				     "Retry-After: 9\r\nContent-Length: 6\r\n\r\nlogin!";
	struct played p;
	struct seen seen = through(&p, "http://h.example/a", answer);

	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(!seen.sent && seen.status == 0);
	ck_assert_str_eq(seen.error, "the proxy refused the request (status 407); check its user "
				     "and password");
	ck_assert_str_eq(seen.body, "");
	seen = through(&p, "http://h.example/a", "HTTP/1.1 407 No\r\nContent-Length: 6\r\n\r\nlog");
	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(!seen.sent);
	seen = through(&p, "http://h.example/a", "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nhey");
	ck_assert_int_eq(seen.end, HTTP_REPLIED);
	ck_assert_int_eq(seen.status, 403);
}
END_TEST

START_TEST(https_asks_for_a_tunnel)
{
	struct played p;
	struct seen seen =
	    through(&p, "https://h.example/a", "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");

	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(!seen.sent && seen.status == 0);
	ck_assert_str_eq(seen.error, "the proxy refused to connect (status 407); check its user "
				     "and password");
	ck_assert_int_eq(strncmp(p.request, "CONNECT h.example:443 HTTP/1.1\r\n", 32), 0);
	ck_assert_ptr_nonnull(strstr(p.request, PROOF));
	ck_assert_ptr_null(strstr(p.request, "Bearer"));
	seen = through(&p, "https://h.example/a",
		       "HTTP/1.1 502 Bad gateway\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert_str_eq(seen.error, "the proxy refused to connect (status 502)");
}
END_TEST

/* The answer to CONNECT is not the reply, whatever comes behind it. */
START_TEST(a_tunnel_that_ends)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 Connected\r\nRetry-After: 9\r\n\r\n",
		"HTTP/1.1 200 Connected\r\n\r\nno TLS at all\r\n\r\n", "HTTP/1.1 200 Conn", ""
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct played p;
		struct seen seen = through(&p, "https://h.example/a", answers[i]);

		ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
		ck_assert(!seen.sent && seen.status == 0);
		ck_assert_str_ne(seen.error, "");
	}
}
END_TEST

START_TEST(a_proxy_that_is_not_there)
{
	struct http_call call;
	struct seen seen;
	char proxy[64];
	unsigned port;

	close(net_listen(&port));
	snprintf(proxy, sizeof(proxy), "http://u:s3cr3t@127.0.0.1:%u", port);
	call = call_of("http://h.example/", proxy);
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_NO_REPLY);
	ck_assert(!seen.sent);
	ck_assert_str_eq(seen.error, "could not connect to the proxy: connection refused");
}
END_TEST

START_TEST(private_addresses)
{
	static const char *const urls[] = { "http://127.0.0.1/",
					    "http://localhost/",
					    "http://LOCALHOST./",
					    "http://a.localhost:8080/",
					    "https://[::1]/x",
					    "http://0x7f.1/",
					    "http://2130706433/",
					    "http://[::ffff:10.0.0.1]/",
					    "http://169.254.169.254/latest",
					    "http://10.1.2.3:80?a" };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_call call = call_of(urls[i], "http://127.0.0.1:9");
		struct seen seen = perform(&call);

		ck_assert_msg(seen.end == HTTP_REFUSED, "%s", urls[i]);
		ck_assert_str_eq(seen.error, "the host has a private address");
	}
}
END_TEST

START_TEST(a_private_proxy)
{
	struct http_call call = call_of("http://h.example/", "http://127.0.0.1:9");
	struct seen seen;

	call.proxy_any_address = false;
	call.pool = HTTP_ANY_ADDRESS; /* of hosts, not of the proxy */
	seen = perform(&call);
	ck_assert_int_eq(seen.end, HTTP_REFUSED);
	ck_assert(!seen.sent);
	ck_assert_str_eq(seen.error, "the proxy has a private address");
}
END_TEST

/* A handle that was used for a proxy must not lead the next request there. */
START_TEST(the_next_request_goes_straight)
{
	struct http_client *client = http_client_new(clock_system());
	struct http_call call = call_of("http://h.example/", "http://127.0.0.1:9");
	struct seen one = { 0 }, two = { 0 };
	struct played p = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
	char url[64];

	signal(SIGPIPE, SIG_IGN);
	p.fd = net_listen(&p.port);
	ck_assert_int_eq(pthread_create(&p.thread, NULL, play, &p), 0);
	ck_assert_ptr_nonnull(http_client_start(client, &call, on_done, &one));
	while (one.calls == 0)
		http_client_turn(client, 20000);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/x", p.port);
	call = call_of(url, "");
	call.pool = HTTP_ANY_ADDRESS;
	ck_assert_ptr_nonnull(http_client_start(client, &call, on_done, &two));
	while (two.calls == 0)
		http_client_turn(client, 20000);
	http_client_free(client);
	pthread_join(p.thread, NULL);
	close(p.fd);
	ck_assert_int_eq(two.end, HTTP_REPLIED);
	ck_assert_int_eq(strncmp(p.request, "POST /x HTTP/1.1\r\n", 18), 0);
	ck_assert_ptr_null(strstr(p.request, "Proxy"));
}
END_TEST

UNIT_MAIN("io_proxy", plain_http_goes_whole, plain_http_is_turned_back, https_asks_for_a_tunnel,
	  a_tunnel_that_ends, a_proxy_that_is_not_there, private_addresses, a_private_proxy,
	  the_next_request_goes_straight)
