/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages to a server that says what it is told to: what goes over the wire,
 * and what each reply, or none, means. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "engine/base/buf.h"
#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/io/mail_client.h"
#include "tests/unit/test_io_net.h"

#define MESSAGE     "Subject: x\r\n\r\none\r\n.two\r\n"
#define CONNECTIONS 4
#define MANY        (LIMIT_MAIL_THREADS + 4)

/* ---- The server: a connection after the other, each with its replies. ---- */

struct server {
	pthread_t thread;
	int fd;
	unsigned port;
	const char *const *scripts[CONNECTIONS]; /* each ends with NULL; NULL: no more */
	struct buf got;                          /* all lines */
	unsigned connections;
};

static struct server server;
static struct mail_client *client;
static struct mail_call call;
static char url[64];

/* False at the end. A line with its end is added to what was got. */
static bool read_line(int fd)
{
	char c = '\0';

	while (c != '\n') {
		if (recv(fd, &c, 1, 0) != 1)
			return false;
		buf_char(&server.got, c);
	}
	return true;
}

static bool read_message(int fd)
{
	while (read_line(fd))
		if (text_ends(buf_view(&server.got), TEXT("\r\n.\r\n")))
			return true;
	return false;
}

/* After the last reply the connection is closed. "~" at its end: without the end of the line. */
static void talk(int fd, const char *const *replies)
{
	for (; *replies != NULL; replies++) {
		size_t n = strlen(*replies);
		bool cut = (*replies)[n - 1] == '~';

		if (!net_put(fd, *replies, cut ? n - 1 : n) || (!cut && !net_put(fd, "\r\n", 2)))
			return;
		if (cut ||
		    (strncmp(*replies, "354", 3) == 0 ? !read_message(fd)
						      : replies[1] != NULL && !read_line(fd)))
			return;
	}
}

static void *serve(void *of)
{
	(void)of;
	for (int i = 0; i < CONNECTIONS && server.scripts[i] != NULL; i++) {
		int fd = accept(server.fd, NULL, NULL);

		if (fd < 0)
			break;
		net_patience(fd);
		server.connections++;
		talk(fd, server.scripts[i]);
		close(fd);
	}
	return NULL;
}

static void serve_with(const char *const *first, const char *const *second)
{
	server.scripts[0] = first;
	server.scripts[1] = second;
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void serve_end(void)
{
	shutdown(server.fd, SHUT_RDWR); /* when it still waits for a connection */
	pthread_join(server.thread, NULL);
}

/* ---- The client. ---- */

struct told {
	unsigned times;
	enum http_end end;
	bool sent;
	int status;
	char body[LIMIT_MAIL_REPLY + 1];
	char error[100];
};

static void on_done(void *of, const struct http_outcome *o)
{
	struct told *told = of;

	told->times++;
	told->end = o->end;
	told->sent = o->sent;
	told->status = o->status;
	(void)snprintf(told->body, sizeof(told->body), "%.*s", TEXT_ARG(o->body));
	(void)snprintf(told->error, sizeof(told->error), "%s", o->error);
}

static void wait_for(const struct told *told)
{
	while (told->times == 0) {
		struct pollfd p = { .fd = mail_client_fd(client), .events = POLLIN };

		ck_assert_int_eq(poll(&p, 1, NET_PATIENCE * 1000), 1);
		mail_client_turn(client);
	}
}

static struct told sent(void)
{
	struct told told = { .times = 0 };

	ck_assert(mail_client_start(client, &call, on_done, &told));
	wait_for(&told);
	return told;
}

static void setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	memset(&server, 0, sizeof(server));
	server.fd = net_listen(&server.port);
	buf_init(&server.got, MIB);
	ck_assert_ptr_nonnull(buf_reserve(&server.got, 64 * KIB)); /* no fault is to hit it */
	client = mail_client_new(clock_system());
	ck_assert_ptr_nonnull(client);
	(void)snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", server.port);
	call = (struct mail_call){ .url = text_of(url),
				   .wire = MAIL_WIRE_PLAIN,
				   .hello = TEXT("example.com"),
				   .username = TEXT(""),
				   .password = TEXT(""),
				   .ca = TEXT(""),
				   .from = TEXT("a@example.com"),
				   .to = TEXT("b@example.com\nc@example.com\n"),
				   .message = TEXT(MESSAGE),
				   .pool = HTTP_ANY_ADDRESS,
				   .timeout_ms = NET_PATIENCE * 1000 };
}

static void teardown(void)
{
	mail_client_free(client);
	close(server.fd);
	buf_fini(&server.got);
}

/* What becomes of a message when the server says this. */
static struct told told_by(const char *const *replies)
{
	struct told told;

	serve_with(replies, NULL);
	told = sent();
	serve_end();
	ck_assert_uint_eq(told.times, 1);
	return told;
}

/* ---- Tests. ---- */

#define HELLO   "220 hello", "250-x\r\n250 SIZE 1000000"
#define TO_DATA HELLO, "250 sender", "250 one", "250 two"
#define GO_ON   "354 go on"
#define NO_MORE NULL

START_TEST(a_message_goes_over_the_wire)
{
	static const char *const replies[] = { TO_DATA, GO_ON, "250 2.0.0 queued as 7", NO_MORE };
	struct told told = told_by(replies);

	ck_assert_int_eq(told.end, HTTP_REPLIED);
	ck_assert_int_eq(told.status, 250);
	ck_assert_str_eq(told.body, "2.0.0 queued as 7");
	ck_assert(told.sent);
	ck_assert_str_eq(buf_cstr(&server.got),
			 "EHLO example.com\r\nMAIL FROM:<a@example.com> SIZE=25\r\n"
			 "RCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n"
			 "Subject: x\r\n\r\none\r\n..two\r\n.\r\n");
}
END_TEST

static void check_refusal(const char *const *replies, int status, const char *words)
{
	struct told told = told_by(replies);

	ck_assert_int_eq(told.end, HTTP_REPLIED);
	ck_assert_int_eq(told.status, status);
	ck_assert_str_eq(told.body, words);
}

/* Nothing is sent, and a login that is refused is told. */
START_TEST(a_probe_logs_in_and_leaves)
{
	static const char *const good[] = { HELLO, "250 2.0.0 alive", NO_MORE };
	struct told told;

	call.probe = true;
	call.from = call.to = call.message = TEXT_NONE;
	told = told_by(good);
	ck_assert_int_eq(told.end, HTTP_REPLIED);
	ck_assert_int_eq(told.status, 250);
	ck_assert_str_eq(buf_cstr(&server.got), "EHLO example.com\r\nNOOP\r\n");
}
END_TEST

START_TEST(a_probe_is_refused)
{
	static const char *const bad[] = { "220 hello", "250-x\r\n250 AUTH PLAIN", "334 ",
					   "535 5.7.8 who?", NO_MORE };

	call.probe = true;
	call.from = call.to = call.message = TEXT_NONE;
	call.username = TEXT("me");
	call.password = TEXT("secret");
	check_refusal(bad, 535, "5.7.8 who?");
	ck_assert_uint_eq(text_find(buf_view(&server.got), TEXT("NOOP")), SIZE_MAX);
}
END_TEST

START_TEST(a_busy_server_says_421)
{
	static const char *const replies[] = { "421 4.3.2 too busy", NO_MORE };

	check_refusal(replies, 421, "4.3.2 too busy");
}
END_TEST

START_TEST(a_server_says_451_to_the_sender)
{
	static const char *const replies[] = { HELLO, "451 4.7.1 come back later", NO_MORE };

	check_refusal(replies, 451, "4.7.1 come back later");
	ck_assert_uint_eq(text_find(buf_view(&server.got), TEXT("RCPT")), SIZE_MAX);
}
END_TEST

START_TEST(one_refused_recipient_refuses_all)
{
	static const char *const replies[] = { HELLO, "250 sender", "250 one",
					       "550 5.1.1 nobody of that name", NO_MORE };

	check_refusal(replies, 550, "5.1.1 nobody of that name");
	ck_assert_uint_eq(text_find(buf_view(&server.got), TEXT("DATA")), SIZE_MAX);
}
END_TEST

START_TEST(a_message_is_refused_after_it_was_sent)
{
	static const char *const replies[] = { TO_DATA, GO_ON,
					       "552-5.2.2 the box\r\n552 5.2.2 is full", NO_MORE };

	check_refusal(replies, 552, "5.2.2 the box 5.2.2 is full");
}
END_TEST

START_TEST(a_login_is_refused)
{
	static const char *const replies[] = { "220 hello", "250-x\r\n250 AUTH PLAIN", "334 ",
					       "535 5.7.8 who?", NO_MORE };

	call.username = TEXT("me");
	call.password = TEXT("secret");
	check_refusal(replies, 535, "5.7.8 who?");
	ck_assert_uint_eq(text_find(buf_view(&server.got), TEXT("MAIL")), SIZE_MAX);
}
END_TEST

START_TEST(a_long_reply_is_cut)
{
	static char much[3 * LIMIT_MAIL_REPLY];
	const char *const replies[] = { much, NO_MORE };
	size_t n = 0;

	while (n + 600 < sizeof(much))
		n += (size_t)snprintf(much + n, sizeof(much) - n, "554-%0500d\r\n", 0);
	(void)snprintf(much + n, sizeof(much) - n, "554 end");
	serve_with(replies, NULL);
	struct told told = sent();
	serve_end();
	ck_assert_int_eq(told.status, 554);
	ck_assert_uint_eq(strlen(told.body), LIMIT_MAIL_REPLY);
}
END_TEST

static void check_silence(const char *const *replies, bool was_sent, const char *error)
{
	struct told told = told_by(replies);

	ck_assert_int_eq(told.end, HTTP_NO_REPLY);
	ck_assert_int_eq(told.status, 0);
	ck_assert_str_eq(told.body, "");
	ck_assert_str_eq(told.error, error);
	ck_assert_int_eq(told.sent, was_sent);
}

#define BEFORE "the connection was closed before the message was sent"
#define AFTER  "the connection was closed before the message was answered"

START_TEST(a_greeting_is_cut)
{
	static const char *const replies[] = { "220 hel~", NO_MORE };

	check_silence(replies, false, BEFORE);
}
END_TEST

START_TEST(a_server_goes_before_the_message)
{
	static const char *const replies[] = { HELLO, "250 sender", "250 one", NO_MORE };

	check_silence(replies, false, BEFORE);
}
END_TEST

/* The refusal was of EHLO; libcurl goes on with HELO, and that is what has no answer. */
START_TEST(a_server_goes_after_it_knew_no_ehlo)
{
	static const char *const replies[] = { "220 hello", "502 what", NO_MORE };
	struct told told = told_by(replies);

	ck_assert_int_eq(told.end, HTTP_NO_REPLY);
	ck_assert_int_eq(told.status, 0);
	ck_assert(!told.sent);
}
END_TEST

START_TEST(a_server_goes_after_the_message)
{
	static const char *const replies[] = { TO_DATA, GO_ON, NO_MORE };

	check_silence(replies, true, AFTER);
}
END_TEST

START_TEST(the_last_reply_is_cut)
{
	static const char *const replies[] = { TO_DATA, GO_ON, "250-2.0.0 que~", NO_MORE };

	check_silence(replies, true, AFTER);
}
END_TEST

START_TEST(without_starttls_nothing_is_said)
{
	static const char *const replies[] = { "220 hello", "250-x\r\n250 AUTH PLAIN", NO_MORE };

	call.wire = MAIL_WIRE_STARTTLS;
	call.username = TEXT("me");
	call.password = TEXT("secret");
	check_silence(replies, false, "the server offers no STARTTLS");
	ck_assert_str_eq(buf_cstr(&server.got), "EHLO example.com\r\n");
}
END_TEST

START_TEST(what_follows_starttls_in_clear_is_not_read)
{
	static const char *const replies[] = { "220 hello", "250-x\r\n250 STARTTLS",
					       "220 go on\r\n250 AUTH PLAIN", NO_MORE };

	call.wire = MAIL_WIRE_STARTTLS;
	struct told told = told_by(replies);

	ck_assert_int_eq(told.end, HTTP_NO_REPLY);
	ck_assert(!told.sent);
}
END_TEST

START_TEST(private_addresses_are_refused)
{
	struct told told;

	call.pool = HTTP_PUBLIC_ONLY;
	told = sent();
	ck_assert_int_eq(told.end, HTTP_REFUSED);
	ck_assert_str_eq(told.error, "the host has a private address");
	ck_assert(!told.sent);
}
END_TEST

START_TEST(nobody_listens)
{
	struct told told;

	close(server.fd);
	told = sent();
	server.fd = net_listen(&server.port);
	ck_assert_int_eq(told.end, HTTP_NO_REPLY);
	ck_assert_str_eq(told.error, "could not connect");
	ck_assert(!told.sent);
}
END_TEST

/* The kernel accepts for a server that never says a word. */
START_TEST(a_silent_server_takes_too_long)
{
	struct told told;

	call.timeout_ms = 50;
	told = sent();
	ck_assert_int_eq(told.end, HTTP_NO_REPLY);
	ck_assert_str_eq(told.error, "the server is too slow");
	ck_assert(!told.sent);
}
END_TEST

START_TEST(a_connection_is_used_again)
{
	static const char *const twice[] = { TO_DATA,   GO_ON, "250 taken", "250 sender", "250 one",
					     "250 two", GO_ON, "250 again", NO_MORE };
	struct told first, second;

	serve_with(twice, NULL);
	first = sent();
	second = sent();
	serve_end();
	ck_assert_str_eq(first.body, "taken");
	ck_assert_str_eq(second.body, "again");
	ck_assert_uint_eq(server.connections, 1);
}
END_TEST

START_TEST(another_login_has_its_own_connection)
{
	static const char *const once[] = { TO_DATA, GO_ON, "250 taken", "221 bye", NO_MORE };

	serve_with(once, once);
	ck_assert_str_eq(sent().body, "taken");
	call.username = TEXT("somebody");
	call.password = TEXT("else");
	ck_assert_str_eq(sent().body, "taken");
	ck_assert_uint_eq(server.connections, 2);
	mail_client_free(client); /* ends the second */
	client = NULL;
	serve_end();
}
END_TEST

/* More than there are threads, to a server that never says a word. */
START_TEST(freeing_ends_what_is_under_way)
{
	static struct told told[MANY];

	memset(told, 0, sizeof(told));
	for (int i = 0; i < MANY; i++)
		ck_assert(mail_client_start(client, &call, on_done, &told[i]));
	mail_client_free(client);
	client = NULL;
	for (int i = 0; i < MANY; i++) {
		ck_assert_uint_eq(told[i].times, 1);
		ck_assert_int_ne(told[i].end, HTTP_REPLIED);
		ck_assert(!told[i].sent);
	}
}
END_TEST

START_TEST(memory_runs_out_anywhere)
{
	static const char *const replies[] = { TO_DATA, GO_ON, "250 taken", NO_MORE };
	bool hit = true;

	for (int n = 1; hit; n++) {
		struct told told = { .times = 0 };
		bool made, started = false;

		mail_client_free(client);
		buf_clear(&server.got);
		fault_arm("memory", n, false);
		client = mail_client_new(clock_system());
		made = client != NULL;
		if (made) {
			serve_with(replies, NULL);
			started = mail_client_start(client, &call, on_done, &told);
			if (started)
				wait_for(&told);
		}
		hit = fault_disarm();
		ck_assert(hit || (made && started && told.status == 250));
		if (made)
			serve_end();
		close(server.fd);
		server.fd = net_listen(&server.port);
		(void)snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", server.port);
		call.url = text_of(url);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io_mail");
	TCase *cases = tcase_create("mail");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, a_message_goes_over_the_wire);
	tcase_add_test(cases, a_probe_logs_in_and_leaves);
	tcase_add_test(cases, a_probe_is_refused);
	tcase_add_test(cases, a_busy_server_says_421);
	tcase_add_test(cases, a_server_says_451_to_the_sender);
	tcase_add_test(cases, one_refused_recipient_refuses_all);
	tcase_add_test(cases, a_message_is_refused_after_it_was_sent);
	tcase_add_test(cases, a_login_is_refused);
	tcase_add_test(cases, a_long_reply_is_cut);
	tcase_add_test(cases, a_greeting_is_cut);
	tcase_add_test(cases, a_server_goes_before_the_message);
	tcase_add_test(cases, a_server_goes_after_the_message);
	tcase_add_test(cases, a_server_goes_after_it_knew_no_ehlo);
	tcase_add_test(cases, the_last_reply_is_cut);
	tcase_add_test(cases, without_starttls_nothing_is_said);
	tcase_add_test(cases, what_follows_starttls_in_clear_is_not_read);
	tcase_add_test(cases, private_addresses_are_refused);
	tcase_add_test(cases, nobody_listens);
	tcase_add_test(cases, a_silent_server_takes_too_long);
	tcase_add_test(cases, a_connection_is_used_again);
	tcase_add_test(cases, another_login_has_its_own_connection);
	tcase_add_test(cases, freeing_ends_what_is_under_way);
	tcase_add_test(cases, memory_runs_out_anywhere);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
