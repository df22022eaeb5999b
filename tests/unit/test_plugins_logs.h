/* SPDX-License-Identifier: Apache-2.0
 *
 * test_plugins_logs - what the engine logs while a test runs, line by line.
 *
 * Standard error becomes a pipe. Waiting for a line is how a test waits for what
 * other processes do; what was read is kept, to be looked through at the end. */
#ifndef TAPPET_TESTS_PLUGINS_LOGS_H
#define TAPPET_TESTS_PLUGINS_LOGS_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOGS_KEPT (4u << 20) /* bytes of a test's log */
#define LOGS_WAIT 40000      /* ms for a line: machines are slow at times */

static char logs[LOGS_KEPT];
static size_t logs_read, logs_seen;
static int logs_fd;

static inline void logs_start(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20); /* a smaller one does, too */
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(close(ends[1]), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	logs_fd = ends[0];
}

/* More of it, if there is more. */
static inline void logs_fill(void)
{
	ssize_t n;

	ck_assert_uint_lt(logs_read, sizeof(logs) - 1);
	n = read(logs_fd, logs + logs_read, sizeof(logs) - 1 - logs_read);
	if (n > 0)
		logs_read += (size_t)n;
	logs[logs_read] = '\0';
}

/* The next line that wasn't seen, without its end; NULL: there is none yet. */
static inline char *logs_line(void)
{
	char *line = logs + logs_seen, *end = memchr(line, '\n', logs_read - logs_seen);

	if (end == NULL)
		return NULL;
	*end = '\0';
	logs_seen = (size_t)(end + 1 - logs);
	return line;
}

/* The next line that has `what` in it. */
static inline char *logs_expect(const char *what)
{
	struct pollfd fd = { .fd = logs_fd, .events = POLLIN };

	for (;;) {
		char *line = logs_line();

		if (line != NULL && strstr(line, what) != NULL)
			return line;
		if (line != NULL)
			continue;
		if (poll(&fd, 1, LOGS_WAIT) == 0)
			ck_abort_msg("the log has no \"%s\"", what);
		logs_fill();
	}
}

/* How often `what` stands in all that there is, seen or not. */
static inline unsigned logs_count(const char *what)
{
	size_t n = strlen(what);
	unsigned count = 0;

	logs_fill();
	for (size_t at = 0; at + n <= logs_read; at++)
		count += memcmp(logs + at, what, n) == 0;
	return count;
}

/* All that there is, seen or not, has no `what`. */
static inline void logs_lack(const char *what)
{
	size_t at = 0, n = strlen(what);

	logs_fill();
	for (; at + n <= logs_read; at++)
		if (memcmp(logs + at, what, n) == 0)
			ck_abort_msg("the log has \"%s\": %.200s", what, logs + at);
}

/* The number that follows `name` in a line. */
static inline long logs_number(const char *line, const char *name)
{
	const char *at = strstr(line, name);
	long n = -1;

	ck_assert_msg(at != NULL, "no %s in %s", name, line);
	ck_assert_int_eq(sscanf(at + strlen(name), "%ld", &n), 1);
	return n;
}

#endif
