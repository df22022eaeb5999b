/* SPDX-License-Identifier: Apache-2.0
 *
 * Raw sockets for the io tests: blocking, loopback, every wait bounded by a
 * receive time-out so that a hang fails instead of blocking the suite. */
#ifndef TAPPET_TEST_IO_NET_H
#define TAPPET_TEST_IO_NET_H

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define NET_PATIENCE 20 /* seconds; far beyond what any step takes under a sanitizer */

static inline void net_patience(int fd)
{
	struct timeval tv = { .tv_sec = NET_PATIENCE };
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* a unix socket ignores it */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static inline struct sockaddr_in net_loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* -1 when refused. */
static inline int net_try(unsigned port)
{
	struct sockaddr_in at = net_loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	net_patience(fd);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline int net_connect(unsigned port)
{
	int fd = net_try(port);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline int net_listen(unsigned *port)
{
	struct sockaddr_in at = net_loopback(0);
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	net_patience(fd);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static inline bool net_put(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		at += sent;
		n -= (size_t)sent;
	}
	return true;
}

static inline void net_send(int fd, const char *text)
{
	ck_assert(net_put(fd, text, strlen(text)));
}

/* Reads headers and the body of Content-Length into out (NUL-terminated).
 * Returns the bytes read: 0 at a clean end, -1 on a reset or time-out. */
static inline ssize_t net_message(int fd, char *out, size_t room)
{
	size_t n = 0, whole = 0;

	while (whole == 0 || n < whole) {
		ssize_t got = recv(fd, out + n, whole > 0 ? whole - n : 1, 0);
		char *length;

		if (got <= 0)
			return got < 0 ? -1 : (ssize_t)n;
		n += (size_t)got;
		ck_assert_uint_lt(n, room - 1);
		out[n] = '\0';
		if (whole > 0 || n < 4 || strcmp(out + n - 4, "\r\n\r\n") != 0)
			continue;
		length = strcasestr(out, "\r\ncontent-length:");
		whole = n + (length != NULL ? strtoul(length + 17, NULL, 10) : 0);
		ck_assert_uint_lt(whole, room);
	}
	return (ssize_t)n;
}

/* The status of the next reply, 0 at the end, -1 on a reset. */
static inline int net_status(int fd, char *out, size_t room)
{
	ssize_t n = net_message(fd, out, room);

	if (n <= 0)
		return (int)n;
	ck_assert_int_eq(strncmp(out, "HTTP/1.1 ", 9), 0);
	return atoi(out + 9);
}

static inline void net_many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 4096) {
		limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

#endif
