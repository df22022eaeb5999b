/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of base/diag and log: what people and programs get to read. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/diag.h"
#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "tests/unit/unit_main.h"

static const char *printed(struct diags *list, struct buf *out, bool colour)
{
	buf_clear(out);
	diags_print(list, out, colour);
	ck_assert(!buf_failed(out));
	return buf_cstr(out);
}

START_TEST(mistakes_are_shown_in_their_line)
{
	struct diags *list = diags_new();
	const char *file = diags_source(list, "rules/orders.yaml",
					TEXT("a: 1\r\n\t- slack.pots: x\nk\xc3\xa4se: b\n"));
	struct buf out;

	buf_init(&out, 100000);
	ck_assert_str_eq(file, "rules/orders.yaml");
	diags_add(list, DIAG_WARNING, (struct place){ file, 3, 3 }, "", "odd %s", "cheese");
	diags_add(list, DIAG_ERROR, (struct place){ file, 2, 4 }, "did you mean \"slack.post\"?",
		  "unknown action \"%s\"", "slack.pots");
	diags_add(list, DIAG_ERROR, (struct place){ file, 1, 5 }, "", "end");
	ck_assert_uint_eq(diags_errors(list), 2);
	ck_assert_uint_eq(diags_count(list), 3);
	ck_assert_str_eq(printed(list, &out, false),
			 "rules/orders.yaml:1:5: error: end\n"
			 "    1 | a: 1\n"
			 "      |     ^\n"
			 "rules/orders.yaml:2:4: error: unknown action \"slack.pots\"\n"
			 "    2 |     - slack.pots: x\n"
			 "      |       ^\n"
			 "   hint: did you mean \"slack.post\"?\n"
			 "rules/orders.yaml:3:3: warning: odd cheese\n"
			 "    3 | k\xc3\xa4se: b\n"
			 "      |   ^\n");
	ck_assert_ptr_nonnull(strstr(printed(list, &out, true), "\033[31merror:\033[0m unknown"));
	ck_assert_str_eq(diags_at(list, 0)->what, "end");
	buf_fini(&out);
	diags_free(list);
}
END_TEST

START_TEST(places_may_be_unknown)
{
	struct diags *list = diags_new();
	char name[] = "b.yaml";
	struct buf out;

	buf_init(&out, 100000);
	diags_add(list, DIAG_ERROR, (struct place){ name, 7, 1 }, "", "no source");
	name[0] = 'x'; /* the list has its own copy */
	diags_add(list, DIAG_ERROR, (struct place){ NULL, 0, 0 }, "", "nowhere");
	diags_add(list, DIAG_ERROR, (struct place){ "a.yaml", 0, 3 }, "", "no line");
	diags_source(list, "c.yaml", TEXT("one"));
	diags_add(list, DIAG_ERROR, (struct place){ "c.yaml", 1, 99 }, "", "beyond");
	diags_add(list, DIAG_ERROR, (struct place){ "c.yaml", 9, 1 }, "", "far beyond");
	diags_add(list, DIAG_ERROR, (struct place){ "c.yaml", 1, 0 }, "", "no column");
	ck_assert_str_eq(printed(list, &out, false), "error: nowhere\n"
						     "a.yaml: error: no line\n"
						     "b.yaml:7:1: error: no source\n"
						     "c.yaml:1: error: no column\n"
						     "    1 | one\n"
						     "c.yaml:1:99: error: beyond\n"
						     "    1 | one\n"
						     "      |    ^\n"
						     "c.yaml:9:1: error: far beyond\n");
	buf_fini(&out);
	diags_free(list);
}
END_TEST

START_TEST(long_lines_are_cut_around_the_caret)
{
	struct diags *list = diags_new();
	char line[1001];
	struct buf out;
	const char *quote, *caret;

	buf_init(&out, 100000);
	memset(line, '.', 1000);
	line[499] = 'X';
	line[1000] = '\0';
	diags_source(list, "f", text_of(line));
	diags_add(list, DIAG_ERROR, (struct place){ "f", 1, 500 }, "", "here");
	quote = strstr(printed(list, &out, false), "    1 | ");
	ck_assert_ptr_nonnull(quote);
	caret = strchr(quote, '\n') + 1;
	ck_assert_int_eq(caret - quote, 8 + 100 + 1);
	ck_assert_int_eq(strchr(caret, '^') - caret, strchr(quote, 'X') - quote);
	buf_fini(&out);
	diags_free(list);
}
END_TEST

START_TEST(nothing_forges_output)
{
	struct diags *list = diags_new();
	char longest[3000];
	struct buf out;

	buf_init(&out, 100000);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	diags_source(list, "f", TEXT("\033[2J\xff\xc2\x9b\n"));
	diags_add(list, DIAG_ERROR, (struct place){ "f", 1, 4 }, "x\ny", "a\033[31mb\nc");
	diags_add(list, DIAG_ERROR, (struct place){ "f", 2, 1 }, longest, "%s", longest);
	ck_assert_ptr_null(strchr(printed(list, &out, false), '\033'));
	ck_assert_ptr_null(strstr(buf_cstr(&out), "\nc"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "aaa..."));
	buf_clear(&out);
	diags_print_json(list, &out);
	ck_assert(text_starts(buf_view(&out),
			      TEXT("{\"file\":\"f\",\"line\":1,\"column\":4,\"severity\":\"error\","
				   "\"message\":\"a\xef\xbf\xbd[31mb\xef\xbf\xbd"
				   "c\",\"hint\":\"x")));
	buf_fini(&out);
	diags_free(list);
}
END_TEST

START_TEST(too_many_mistakes_are_counted)
{
	struct diags *list = diags_new();
	struct buf out;

	buf_init(&out, 1000000);
	for (int i = 0; i < LIMIT_DIAGS + 7; i++)
		diags_add(list, DIAG_ERROR, (struct place){ "f", i + 1, 1 }, "", "wrong");
	ck_assert_uint_eq(diags_count(list), LIMIT_DIAGS);
	ck_assert_uint_eq(diags_errors(list), LIMIT_DIAGS + 7);
	printed(list, &out, false);
	ck_assert(text_ends(buf_view(&out), TEXT("\n... and 7 more\n")));
	buf_fini(&out);
	diags_free(list);
}
END_TEST

START_TEST(errors_count_when_memory_is_out)
{
	for (int n = 1; n < 100; n++) {
		struct diags *list;
		bool hit;

		fault_arm("memory", n, true);
		list = diags_new();
		if (list != NULL) {
			diags_source(list, "f", TEXT("text"));
			diags_add(list, DIAG_ERROR, (struct place){ "f", 1, 1 }, "", "wrong");
			ck_assert_uint_eq(diags_errors(list), 1);
		}
		hit = fault_disarm();
		diags_free(list);
		if (!hit)
			break;
	}
}
END_TEST

/* Collects what the log writes to standard error. */
struct capture {
	FILE *file;
	char text[65536];
};

static void capture_begin(struct capture *c)
{
	c->file = tmpfile();
	ck_assert_ptr_nonnull(c->file);
	ck_assert_int_ge(dup2(fileno(c->file), STDERR_FILENO), 0);
}

static const char *captured(struct capture *c)
{
	size_t n;

	rewind(c->file);
	n = fread(c->text, 1, sizeof(c->text) - 1, c->file);
	c->text[n] = '\0';
	return c->text;
}

static size_t lines_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

START_TEST(lines_are_readable)
{
	static struct capture c;
	struct instant now = { 1795308625123, 0 };

	capture_begin(&c);
	log_setup(LOG_TEXT, LOG_INFO, clock_manual(&now));
	log_write(LOG_WARN, "target refused", LOG_S("target", "pd \"x\"\nERROR forged"),
		  LOG_I("status", 503));
	log_write(LOG_DEBUG, "not shown");
	log_write(LOG_INFO, "plain");
	log_write(LOG_ERROR, "none", LOG_S("what", NULL));
	ck_assert_str_eq(captured(&c), "2026-11-22T00:50:25.123Z warn  target refused "
				       "target=\"pd \\\"x\\\"\\nERROR forged\" status=503\n"
				       "2026-11-22T00:50:25.123Z info  plain\n"
				       "2026-11-22T00:50:25.123Z error none what=\"\"\n");
	fclose(c.file);
}
END_TEST

START_TEST(lines_are_json)
{
	static struct capture c;
	struct instant now = { 0, 0 };

	capture_begin(&c);
	log_setup(LOG_JSON, LOG_DEBUG, clock_manual(&now));
	log_write(LOG_DEBUG, "a \"b\"", LOG_S("k", "\xff\x01"), LOG_I("n", -5));
	ck_assert_str_eq(captured(&c),
			 "{\"time\":\"1970-01-01T00:00:00Z\",\"level\":\"debug\","
			 "\"message\":\"a \\\"b\\\"\",\"k\":\"\xef\xbf\xbd\\u0001\",\"n\":-5}\n");
	fclose(c.file);
}
END_TEST

START_TEST(long_values_are_cut)
{
	static struct capture c;
	static char longest[10000];
	struct instant now = { 0, 0 };

	capture_begin(&c);
	memset(longest, '\n', sizeof(longest) - 1);
	log_setup(LOG_JSON, LOG_INFO, clock_manual(&now));
	log_write(LOG_INFO, "m", LOG_S("a", longest), LOG_S("b", longest), LOG_I("n", 1));
	log_write(LOG_INFO, longest, LOG_S("a", longest));
	ck_assert_uint_eq(lines_of(captured(&c)), 2);
	ck_assert_uint_le(strlen(c.text), 2 * 4096);
	ck_assert_ptr_nonnull(strstr(c.text, "\\n\"}\n"));
	fclose(c.file);
}
END_TEST

START_TEST(repeats_are_counted)
{
	static struct capture c;
	struct instant now = { 0, 5000 };

	capture_begin(&c);
	log_setup(LOG_TEXT, LOG_INFO, clock_manual(&now));
	for (int i = 0; i < LOG_BURST + 30; i++)
		log_write(LOG_WARN, "again", LOG_I("i", i));
	ck_assert_uint_eq(lines_of(captured(&c)), LOG_BURST);
	log_write(LOG_WARN, "something else");
	ck_assert_uint_eq(lines_of(captured(&c)), LOG_BURST + 1);
	now.mono += 1000;
	log_write(LOG_INFO, "later");
	ck_assert_ptr_nonnull(strstr(captured(&c), "warn  again suppressed=30\n"));
	log_write(LOG_WARN, "again");
	ck_assert_uint_eq(lines_of(captured(&c)), LOG_BURST + 4);
	for (int i = 0; i < LOG_BURST + 30; i++)
		log_relay(LOG_WARN, "again", LOG_I("i", i)); /* not these */
	ck_assert_uint_eq(lines_of(captured(&c)), 2 * LOG_BURST + 34);
	fclose(c.file);
}
END_TEST

/* A thousand lines of sixty messages. */
static void flood(void)
{
	char name[24];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "flood %d", i % 60);
		log_write(LOG_WARN, name);
	}
}

/* Each message has a count of its own; a flood that is over is told without a further line. */
START_TEST(a_flood_hides_no_other_line)
{
	static struct capture c;
	struct instant now = { 0, 5000 };

	capture_begin(&c);
	log_setup(LOG_TEXT, LOG_INFO, clock_manual(&now));
	flood();
	ck_assert_uint_eq(log_losses().repeats, 0);
	flood();
	ck_assert_uint_eq(lines_of(captured(&c)), 60 * LOG_BURST);
	log_write(LOG_ERROR, "the disk is full");
	ck_assert_ptr_nonnull(strstr(captured(&c), "error the disk is full\n"));
	ck_assert_uint_eq(log_losses().repeats, 2000 - 60 * LOG_BURST);
	log_settle(false);
	ck_assert_uint_eq(lines_of(captured(&c)), 60 * LOG_BURST + 1);
	now.mono += 1000;
	log_settle(false);
	ck_assert_uint_eq(lines_of(captured(&c)), 60 * LOG_BURST + 61);
	ck_assert_ptr_nonnull(strstr(captured(&c), "warn  flood 59 suppressed=12\n"));
	log_settle(true);
	ck_assert_uint_eq(lines_of(captured(&c)), 60 * LOG_BURST + 61);
	fclose(c.file);
}
END_TEST

/* Messages without end share a count by level: the table is bounded, and errors are among few. */
START_TEST(more_messages_than_are_counted_share_one_by_level)
{
	static struct capture c;
	struct instant now = { 0, 5000 };
	char name[24];

	capture_begin(&c);
	log_setup(LOG_TEXT, LOG_INFO, clock_manual(&now));
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "line %d", i);
		log_write(LOG_INFO, name);
	}
	ck_assert_uint_eq(lines_of(captured(&c)), 64 + LOG_BURST);
	log_write(LOG_ERROR, "the disk is full");
	ck_assert_uint_eq(lines_of(captured(&c)), 64 + LOG_BURST + 1);
	log_settle(true);
	ck_assert_ptr_nonnull(strstr(captured(&c), "info  many different lines suppressed=916\n"));
	fclose(c.file);
}
END_TEST

/* A descriptor that takes no more, for a pipe and for a socket as journald's. */
static void full_stderr(bool sockets, int ends[2])
{
	char some[512];

	memset(some, '.', sizeof(some));
	some[sizeof(some) - 1] = '\n';
	if (sockets)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	else
		ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], some, sizeof(some)) > 0)
		;
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
}

static void read_out(struct buf *b, int fd)
{
	char some[4096];
	ssize_t n;

	buf_init(b, 4 * MIB);
	while ((n = read(fd, some, sizeof(some))) > 0)
		buf_put(b, some, (size_t)n);
}

START_TEST(who_never_reads_holds_up_nobody)
{
	struct instant now = { 0, 5000 };
	int ends[2];

	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	for (int sockets = 0; sockets < 2; sockets++) {
		struct buf b;

		full_stderr(sockets == 1, ends);
		log_setup(LOG_TEXT, LOG_INFO, clock_manual(&now));
		for (int i = 0; i < 5; i++)
			log_write(LOG_WARN, "nobody hears", LOG_I("i", i));
		log_settle(true);
		ck_assert_uint_eq(log_losses().blocked, 5);
		read_out(&b, ends[0]);
		ck_assert_ptr_null(strstr(buf_cstr(&b), "nobody hears"));
		buf_fini(&b);
		log_write(LOG_WARN, "somebody hears");
		read_out(&b, ends[0]);
		ck_assert_str_eq(buf_cstr(&b),
				 "1970-01-01T00:00:00Z warn  log lines were lost: nobody read "
				 "standard error lost=5\n"
				 "1970-01-01T00:00:00Z warn  somebody hears\n");
		buf_fini(&b);
		/* And who has gone away doesn't end the program. */
		(void)close(ends[0]);
		log_write(LOG_WARN, "gone");
		ck_assert_uint_eq(log_losses().blocked, 6);
		(void)close(ends[1]);
	}
}
END_TEST

UNIT_MAIN("base_report", mistakes_are_shown_in_their_line, places_may_be_unknown,
	  long_lines_are_cut_around_the_caret, nothing_forges_output, too_many_mistakes_are_counted,
	  errors_count_when_memory_is_out, lines_are_readable, lines_are_json, long_values_are_cut,
	  repeats_are_counted, a_flood_hides_no_other_line,
	  more_messages_than_are_counted_share_one_by_level, who_never_reads_holds_up_nobody)
