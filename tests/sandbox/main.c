/* SPDX-License-Identifier: Apache-2.0
 *
 * main - options, start, waiting for a signal, stop.
 *
 * Three threads: this one waits for signals and resumes delayed replies, one serves connections
 * (server.c), one sends webhooks (webhooks.c).
 */
#include "tests/sandbox/bounds.h"
#include "tests/sandbox/server.h"
#include "tests/sandbox/webhooks.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char usage[] =
    "Usage: tappet-sandbox [OPTION]...\n"
    "A local server that behaves like Kantata OX, HINDSITE and Slack, for trying rules.\n"
    "\n"
    "  --listen 127.0.0.1:PORT  where to listen (default 127.0.0.1:8089; port 0: any free one)\n"
    "  --port-file FILE         write the port to FILE when ready\n"
    "  --seed demo|N            the demo's four projects (default), or N made-up ones\n"
    "  --hook-url URL           where HINDSITE's webhooks are sent (default: nowhere)\n"
    "  --hook-secret TEXT       what they are signed with (default: hindsite-hook-secret)\n"
    "  --journal-max N          requests the journal keeps (default 100000)\n"
    "  --help                   this text\n";

static bool number(const char *s, int64_t low, int64_t high, int64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoll(s, &end, 10);
	return end != s && *end == '\0' && errno == 0 && *n >= low && *n <= high;
}

static bool parse_listen(const char *s, struct options *options)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;
	int64_t port;

	if (n == 0 || n >= sizeof(options->host) || !number(colon + 1, 0, 65535, &port))
		return false;
	(void)snprintf(options->host, sizeof(options->host), "%.*s", (int)n, s);
	if (!strcmp(options->host, "localhost"))
		(void)snprintf(options->host, sizeof(options->host), "127.0.0.1");
	options->port = (uint16_t)port;
	return true;
}

static bool parse_seed(const char *s, struct options *options)
{
	options->demo = !strcmp(s, "demo");
	return options->demo || number(s, 0, SEED_MAX, &options->seed);
}

static bool parse_journal(const char *s, struct options *options)
{
	int64_t n;
	bool fine = number(s, 1, JOURNAL_MAX, &n);

	if (fine)
		options->journal_max = (size_t)n;
	return fine;
}

/* 0: go on; 1: help was asked for; 2: wrong usage. */
static int parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "port-file", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
		{ "hook-url", required_argument, NULL, 'u' },
		{ "hook-secret", required_argument, NULL, 'k' },
		{ "journal-max", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool fine = true;
	int c;

	while (fine && (c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'h')
			return 1;
		if (c == 'l')
			fine = parse_listen(optarg, options);
		else if (c == 'p')
			options->port_file = optarg;
		else if (c == 's')
			fine = parse_seed(optarg, options);
		else if (c == 'u')
			options->hook_url = optarg;
		else if (c == 'k')
			options->hook_secret = optarg;
		else
			fine = c == 'j' && parse_journal(optarg, options);
	}
	return fine && optind == argc ? 0 : 2;
}

/* Written beside and renamed, so that a reader never sees half of it. */
static bool write_port(const char *path, uint16_t port)
{
	struct text beside = { 0 };
	FILE *file;
	bool fine;

	text_fmt(&beside, "%s.%ld", path, (long)getpid());
	file = fopen(beside.data, "w");
	fine = file && fprintf(file, "%u\n", port) > 0;
	if (file && fclose(file) != 0)
		fine = false;
	fine = fine && rename(beside.data, path) == 0;
	if (!fine)
		perror("tappet-sandbox: port file");
	text_fini(&beside);
	return fine;
}

/* Waits for a signal; resumes delayed replies meanwhile. */
static void serve(struct server *srv, int signals)
{
	struct pollfd fds[2] = { { .fd = signals, .events = POLLIN },
				 { .fd = server_wake_fd(srv), .events = POLLIN } };

	while (!(fds[0].revents & POLLIN)) {
		int64_t wait = server_resume_due(srv);

		if (poll(fds, 2, wait < 0 || wait > 60000 ? 60000 : (int)wait) < 0)
			fds[0].revents = 0;
	}
}

static int run(struct sandbox *sb, int signals)
{
	struct server *srv = server_start(sb);
	int code = 1;

	if (!srv)
		return 1;
	if (!hooks_start(sb)) {
		(void)fputs("tappet-sandbox: can't start the webhook sender\n", stderr);
	} else if (!sb->options.port_file || write_port(sb->options.port_file, server_port(srv))) {
		(void)printf("sandbox listening on http://%s:%u\n", sb->options.host,
			     server_port(srv));
		(void)fflush(stdout);
		serve(srv, signals);
		code = 0;
	}
	server_stop(srv);
	hooks_stop(sb);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = {
		.host = "127.0.0.1", .port = 8089, .demo = true, .journal_max = JOURNAL_DEFAULT
	};
	int code = parse(argc, argv, &options);
	struct sandbox *sb;
	sigset_t mask;
	int signals;

	if (code) {
		(void)fputs(usage, code == 1 ? stdout : stderr);
		return code == 1 ? 0 : 2;
	}
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &mask, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (signals < 0) {
		perror("tappet-sandbox: signalfd");
		return 1;
	}
	sb = sandbox_new(&options);
	code = run(sb, signals);
	sandbox_free(sb);
	(void)close(signals);
	return code;
}
