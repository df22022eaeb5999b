/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-sink - the far end of a throughput measurement: an HTTP/1.1 keep-alive
 * server that answers 200 to everything and counts.
 *
 *   bench-sink --port-file FILE [--log FILE]
 *
 * Listens on a free port of 127.0.0.1, writes its number to FILE, and prints
 * "COUNT BYTES\n" (requests, body bytes) on SIGUSR1, and on SIGTERM or SIGINT, which end it.
 * --log: the path of each request, a line each, before the count is printed. One thread; it
 * understands Content-Length bodies only, which is what the engine sends, and closes on anything
 * else. Not a server for anything but measurements. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_ROOM 16384 /* headers of one request */
#define READ_ROOM 65536
#define EVENTS    512
#define PIPELINED 64 /* answers gathered before they are sent */

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			     "Content-Length: 2\r\n\r\n{}";

struct peer {
	int fd;
	size_t left;   /* body bytes still to come */
	size_t head_n; /* of an unfinished header block */
	char head[HEAD_ROOM];
};

struct sink {
	int epoll, listener, signals;
	uint64_t requests, bytes;
	FILE *log; /* or NULL */
	char in[READ_ROOM];
	char out[PIPELINED * sizeof(answer)];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(struct sink *sink, int fd, void *of)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = of };

	if (epoll_ctl(sink->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

static void write_port(const char *file, int fd)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);
	char temporary[4096];
	FILE *out;

	if (getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		die("getsockname");
	/* Renamed into place, so that whoever waits for the file never reads half of it. */
	snprintf(temporary, sizeof(temporary), "%s.new", file);
	out = fopen(temporary, "w");
	if (out == NULL || fprintf(out, "%u\n", ntohs(at.sin_port)) < 0 || fclose(out) != 0 ||
	    rename(temporary, file) != 0)
		die(file);
}

static void sink_open(struct sink *sink, const char *port_file)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	sigset_t set;

	sink->epoll = epoll_create1(EPOLL_CLOEXEC);
	sink->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sink->epoll < 0 || sink->listener < 0 ||
	    bind(sink->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(sink->listener, 4096) != 0)
		die("listen");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sink->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (sink->signals < 0)
		die("signalfd");
	watch(sink, sink->listener, &sink->listener);
	watch(sink, sink->signals, &sink->signals);
	write_port(port_file, sink->listener);
}

static void accept_peers(struct sink *sink)
{
	const int on = 1;
	struct peer *peer;
	int fd;

	while ((fd = accept4(sink->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		peer = malloc(sizeof(*peer));
		if (peer == NULL)
			die("malloc");
		peer->fd = fd;
		peer->left = peer->head_n = 0;
		watch(sink, fd, peer);
	}
}

/* Content-Length of a NUL-terminated header block; SIZE_MAX when it isn't one of ours. */
static size_t body_length(const char *head)
{
	for (const char *at = head; (at = strchr(at, '\n')) != NULL; at++) {
		if (strncasecmp(at + 1, "content-length:", 15) == 0)
			return strtoul(at + 16, NULL, 10);
		if (strncasecmp(at + 1, "transfer-encoding:", 18) == 0)
			return SIZE_MAX;
	}
	return 0;
}

/* Takes header bytes up to the empty line; returns how many, 0 when the peer is hopeless. */
static size_t take_head(struct peer *peer, const char *in, size_t n, bool *whole)
{
	size_t room = HEAD_ROOM - 1 - peer->head_n;
	size_t part = n < room ? n : room;
	size_t from = peer->head_n > 3 ? peer->head_n - 3 : 0;
	size_t old = peer->head_n;
	char *end;

	memcpy(peer->head + old, in, part);
	peer->head_n = old + part;
	peer->head[peer->head_n] = '\0';
	end = memmem(peer->head + from, peer->head_n - from, "\r\n\r\n", 4);
	*whole = end != NULL;
	if (end == NULL)
		return part < room ? part : 0;
	end[2] = '\0';
	return (size_t)(end + 4 - peer->head) - old;
}

/* The second word of the request's line. */
static void log_path(struct sink *sink, const char *head)
{
	const char *from = strchr(head, ' ');

	if (sink->log == NULL || from == NULL)
		return;
	from++;
	fwrite(from, 1, strcspn(from, " \r\n"), sink->log);
	fputc('\n', sink->log);
}

/* Consumes bytes; counts each completed request. False: close. */
static bool consume(struct sink *sink, struct peer *peer, const char *in, size_t n, int *answers)
{
	while (n > 0) {
		size_t used;
		bool whole;

		if (peer->left > 0) {
			used = n < peer->left ? n : peer->left;
			peer->left -= used;
			whole = peer->left == 0;
		} else {
			used = take_head(peer, in, n, &whole);
			if (used == 0)
				return false;
			if (whole) {
				log_path(sink, peer->head);
				peer->left = body_length(peer->head);
				peer->head_n = 0;
				if (peer->left == SIZE_MAX)
					return false;
				sink->bytes += peer->left;
				whole = peer->left == 0;
			}
		}
		in += used;
		n -= used;
		*answers += whole;
	}
	return true;
}

static bool send_answers(struct sink *sink, struct peer *peer, int answers)
{
	const size_t one = sizeof(answer) - 1;

	sink->requests += (uint64_t)answers;
	while (answers > 0) {
		int part = answers < PIPELINED ? answers : PIPELINED;
		size_t n = (size_t)part * one;

		/* An answer that doesn't fit the socket means a peer that doesn't read. */
		if (send(peer->fd, sink->out, n, MSG_NOSIGNAL) != (ssize_t)n)
			return false;
		answers -= part;
	}
	return true;
}

static void serve(struct sink *sink, struct peer *peer)
{
	ssize_t n = recv(peer->fd, sink->in, sizeof(sink->in), 0);
	int answers = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && consume(sink, peer, sink->in, (size_t)n, &answers) &&
	    send_answers(sink, peer, answers))
		return;
	close(peer->fd);
	free(peer);
}

static void report(const struct sink *sink)
{
	if (sink->log != NULL && fflush(sink->log) != 0)
		die("--log");
	printf("%llu %llu\n", (unsigned long long)sink->requests, (unsigned long long)sink->bytes);
	fflush(stdout);
}

/* True: it was told to end. */
static bool signalled(struct sink *sink)
{
	struct signalfd_siginfo info;

	report(sink);
	return read(sink->signals, &info, sizeof(info)) != (ssize_t)sizeof(info) ||
	       info.ssi_signo != SIGUSR1;
}

static void run(struct sink *sink)
{
	struct epoll_event events[EVENTS];

	for (size_t i = 0; i < PIPELINED; i++)
		memcpy(sink->out + i * (sizeof(answer) - 1), answer, sizeof(answer) - 1);
	for (;;) {
		int n = epoll_wait(sink->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &sink->signals) {
				if (signalled(sink))
					return;
				continue;
			}
			if (events[i].data.ptr == &sink->listener)
				accept_peers(sink);
			else
				serve(sink, events[i].data.ptr);
		}
	}
}

int main(int argc, char **argv)
{
	static struct sink sink;

	bool log = argc == 5 && strcmp(argv[3], "--log") == 0;

	if ((argc != 3 && !log) || strcmp(argv[1], "--port-file") != 0) {
		fprintf(stderr, "usage: bench-sink --port-file FILE [--log FILE]\n");
		return 2;
	}
	if (log)
		sink.log = fopen(argv[4], "w");
	if (log && sink.log == NULL)
		die(argv[4]);
	sink_open(&sink, argv[2]);
	run(&sink);
	return 0;
}
