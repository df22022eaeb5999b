/* SPDX-License-Identifier: Apache-2.0
 *
 * tappet_plugin.c - see tappet_plugin.h: the loop. */
#include "tappet_plugin.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

long long plugin_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void plugin_tell(struct tappet_plugin *p, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (p->o.calls.log != NULL)
		p->o.calls.log(p->o.of, line);
	else
		(void)fprintf(stderr, "%s\n", line);
}

static void leave(struct tappet_plugin *p, long long now)
{
	bool done = p->jobs == NULL && (p->emits == NULL || !p->in_session);

	if (p->leaving) {
		p->ended |= !p->in_session || now >= p->stop_at;
		return;
	}
	if (!done && now < p->stop_at)
		return;
	p->ended = !p->in_session;
	p->leaving = true;
	work_acks(p);
	session_say(p, "BYE", json_pack("{s:s}", "reason", "stopping"), NULL);
	p->stop_at = now + p->beat;
}

static void stop(struct tappet_plugin *p)
{
	if (p->stopping)
		return;
	p->stopping = true;
	p->stop_at = plugin_now() + (p->o.grace > 0 ? p->o.grace : 10000);
	if (p->o.calls.stopping != NULL)
		p->o.calls.stopping(p->o.of);
}

static void tick(struct tappet_plugin *p)
{
	long long now = plugin_now();

	if (p->o.calls.idle != NULL)
		p->o.calls.idle(p->o.of);
	work_again(p, now);
	work_acks(p);
	if (p->stopping)
		leave(p, now);
	else if (p->socket == NULL && now >= p->connect_at)
		session_open(p);
	if (p->socket != NULL)
		session_beat(p, now);
}

/* ms until something is due */
static long pause_of(const struct tappet_plugin *p, long long now)
{
	long long due = p->socket == NULL
			    ? p->connect_at
			    : p->heard + (p->in_session && !p->pinged ? 1 : 3) * p->beat;

	for (const struct emit *e = p->emits; e != NULL && p->in_session; e = e->next)
		if (!e->said && p->room > 0 && e->not_before < due)
			due = e->not_before;
	for (const struct cursor *c = p->cursors; c != NULL; c = c->next)
		if (c->again > 0 && c->again < due)
			due = c->again;
	if (p->stopping && p->stop_at < due)
		due = p->stop_at;
	return due > now ? (long)(due - now) : 0;
}

static void turn(struct tappet_plugin *p, zmq_pollitem_t *items)
{
	size_t n = 0, base;

	if (p->socket != NULL)
		items[n++] = (zmq_pollitem_t){ .socket = p->socket, .events = ZMQ_POLLIN };
	items[n++] = (zmq_pollitem_t){ .fd = p->signals, .events = ZMQ_POLLIN };
	items[n++] = (zmq_pollitem_t){ .fd = p->stop, .events = ZMQ_POLLIN };
	base = n;
	for (size_t i = 0; i < p->watch_count; i++)
		items[n++] = (zmq_pollitem_t){ .fd = p->watches[i].fd, .events = ZMQ_POLLIN };
	if (zmq_poll(items, (int)n, pause_of(p, plugin_now())) < 0)
		return; /* a signal that isn't ours */
	if (items[base - 2].revents != 0 || items[base - 1].revents != 0)
		stop(p);
	for (size_t i = base; i < n; i++)
		if (items[i].revents != 0)
			p->watches[i - base].ready(p->o.of, items[i].fd);
	if (p->socket != NULL)
		session_read(p);
}

int tappet_plugin_run(struct tappet_plugin *p)
{
	zmq_pollitem_t *items;

	assert(p != NULL);
	items = calloc(p->watch_count + 3, sizeof(*items));
	p->failed |= items == NULL;
	while (!p->failed && !p->ended) {
		tick(p);
		if (!p->failed && !p->ended)
			turn(p, items);
	}
	free(items);
	return p->failed ? 1 : 0;
}

void tappet_plugin_stop(struct tappet_plugin *p)
{
	(void)eventfd_write(p->stop, 1);
}

bool tappet_plugin_watch(struct tappet_plugin *p, int fd, void (*ready)(void *of, int fd))
{
	struct watch *more = realloc(p->watches, (p->watch_count + 1) * sizeof(*more));

	assert(fd >= 0 && ready != NULL);
	if (more == NULL)
		return false;
	p->watches = more;
	p->watches[p->watch_count++] = (struct watch){ fd, ready };
	return true;
}

static char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	value = value != NULL && value[0] != '\0' ? value : otherwise;
	return value != NULL ? strdup(value) : NULL;
}

/* Of the engine (public), ours (public), ours (secret): all or none. */
static bool read_keys(struct tappet_plugin *p)
{
	static const char *const names[] = { "TAPPET_SERVER_KEY", "TAPPET_PUBLIC_KEY",
					     "TAPPET_SECRET_KEY" };
	size_t given = 0;

	for (size_t i = 0; i < 3; i++) {
		p->keys[i] = from_environment(names[i], NULL);
		given += p->keys[i] != NULL && strlen(p->keys[i]) == 40;
	}
	return given == 3 || (p->keys[0] == NULL && p->keys[1] == NULL && p->keys[2] == NULL);
}

struct tappet_plugin *tappet_plugin_new(const struct tappet_options *options)
{
	struct tappet_plugin *p = calloc(1, sizeof(*p));
	json_t *manifest;
	sigset_t set;
	bool fine;

	assert(options != NULL && options->name != NULL && options->manifest != NULL);
	if (p == NULL)
		return NULL;
	p->o = *options;
	p->pause = PAUSE_FIRST;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	p->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->context = zmq_ctx_new();
	p->name = from_environment("TAPPET_PLUGIN", options->name);
	p->address = from_environment("TAPPET_SESSIONS", "ipc://tappet-plugins.sock");
	manifest = json_loads(options->manifest, JSON_REJECT_DUPLICATES, NULL);
	p->manifest = manifest != NULL ? json_dumps(manifest, JSON_COMPACT) : NULL;
	json_decref(manifest);
	fine = read_keys(p) && p->manifest != NULL;
	if (fine && p->signals >= 0 && p->stop >= 0 && p->context && p->name && p->address)
		return p;
	tappet_plugin_free(p);
	errno = fine ? ENOMEM : EINVAL;
	return NULL;
}

void tappet_plugin_free(struct tappet_plugin *p)
{
	if (p == NULL)
		return;
	work_free(p);
	if (p->socket != NULL)
		(void)zmq_close(p->socket);
	if (p->context != NULL)
		(void)zmq_ctx_term(p->context);
	for (size_t i = 0; i < 3; i++)
		free(p->keys[i]);
	free(p->watches);
	free(p->name);
	free(p->address);
	free(p->manifest);
	if (p->signals >= 0)
		(void)close(p->signals);
	if (p->stop >= 0)
		(void)close(p->stop);
	free(p);
}
