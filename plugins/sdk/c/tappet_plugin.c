/* SPDX-License-Identifier: Apache-2.0
 *
 * tappet_plugin.c - see tappet_plugin.h: the connection, and the loop.
 *
 * There is one session after the other, each on the socket of the one before it, or on a new
 * one when the engine was silent. Nothing is said between HELLO and WELCOME, so a `hello-first`
 * that comes then is about something older. */
#include "tappet_plugin.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

enum {
	BEAT_FIRST = 1000, /* ms, until WELCOME says */
	PAUSE_FIRST = 100,
	PAUSE_MOST = 5000,
	GRACE = 10000, /* ms for what is at hand when it is stopped */
	TURN = 256,    /* messages before others have their turn */
	SPARE = 3,     /* for the frames beyond those that a message has */
};

json_int_t plugin_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- Saying. ---- */

void plugin_say(struct tappet_plugin *p, const char *verb, json_t *header, json_t *body)
{
	char *texts[] = { json_dumps(header, JSON_COMPACT),
			  json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) };
	int more = texts[1] != NULL ? ZMQ_SNDMORE : 0;

	/* What matters is said again in the next session. There is no high-water mark: it fails
	 * only when memory is out. */
	if ((p->in_session || strcmp(verb, "HELLO") == 0) &&
	    (texts[0] == NULL || (body != NULL && texts[1] == NULL) ||
	     zmq_send(p->socket, verb, strlen(verb), ZMQ_SNDMORE) < 0 ||
	     zmq_send(p->socket, texts[0], strlen(texts[0]), more) < 0 ||
	     (more != 0 && zmq_send(p->socket, texts[1], strlen(texts[1]), 0) < 0)))
		p->state = FAILED;
	free(texts[0]);
	free(texts[1]);
	json_decref(header);
	json_decref(body);
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

static void say_hello(struct tappet_plugin *p)
{
	unsigned jobs = work_count(p, JOBS);

	p->in_session = false;
	p->heard = plugin_now();
	p->owed = 0;
	plugin_say(p, "HELLO",
		   json_pack("{s:i,s:s,s:I}", "protocol", 1, "name",
			     setting("TAPPET_PLUGIN", p->o.name), "jobs",
			     (json_int_t)(jobs < p->o.jobs ? p->o.jobs - jobs : 0)),
		   json_incref(p->manifest));
}

static bool set_key(void *socket, int option, const char *key)
{
	return key == NULL || (strlen(key) == 40 && zmq_setsockopt(socket, option, key, 40) == 0);
}

static bool set_options(void *socket)
{
	const char *server = setting("TAPPET_SERVER_KEY", NULL);
	const char *public = setting("TAPPET_PUBLIC_KEY", NULL);
	const char *secret = setting("TAPPET_SECRET_KEY", NULL);
	int none = 0;

	return zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
	       zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof(none)) == 0 &&
	       zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof(none)) == 0 &&
	       /* All three, or none: they say whether it is encrypted. */
	       (server == NULL) == (public == NULL) && (server == NULL) == (secret == NULL) &&
	       set_key(socket, ZMQ_CURVE_SERVERKEY, server) &&
	       set_key(socket, ZMQ_CURVE_PUBLICKEY, public) &&
	       set_key(socket, ZMQ_CURVE_SECRETKEY, secret);
}

static void open_socket(struct tappet_plugin *p)
{
	const char *address = setting("TAPPET_SESSIONS", "ipc://tappet-plugins.sock");

	p->socket = zmq_socket(p->context, ZMQ_DEALER);
	if (p->socket != NULL && set_options(p->socket) && zmq_connect(p->socket, address) == 0) {
		p->beat = BEAT_FIRST;
		say_hello(p);
		return;
	}
	(void)fprintf(stderr, "%s: the address is wrong, or a key\n", address);
	p->state = FAILED;
}

static void end_session(struct tappet_plugin *p, const char *why)
{
	(void)fprintf(stderr, "the session is over: %s\n", why);
	p->in_session = false;
	work_over(p);
}

static void hang_up(struct tappet_plugin *p, const char *why)
{
	json_int_t now = plugin_now();

	end_session(p, why);
	(void)zmq_close(p->socket);
	p->socket = NULL;
	p->connect_at = now + p->pause / 2 + now % (p->pause / 2);
	p->pause = 2 * p->pause < PAUSE_MOST ? 2 * p->pause : PAUSE_MOST;
}

void tappet_plugin_beat(struct tappet_plugin *p)
{
	json_int_t now = plugin_now();

	if (!p->in_session || now - p->heard < p->beat || now - p->asked < p->beat)
		return;
	p->asked = now;
	plugin_say(p, "PING", json_pack("{s:i}", "n", 1), NULL);
}

/* ---- What comes. ---- */

static void take_welcome(struct tappet_plugin *p, const struct tappet_message *m)
{
	p->in_session = true;
	p->pause = PAUSE_FIRST;
	p->beat = m->heartbeat > 0 ? m->heartbeat : BEAT_FIRST;
	p->room = m->emits;
	(void)fprintf(stderr, "session %s\n", m->session);
}

static void take_bye(struct tappet_plugin *p, const struct tappet_message *m)
{
	/* `within` announces it only. */
	if (!p->in_session || json_object_get(m->header, "within") == NULL)
		hang_up(p, "the engine says goodbye");
}

static void take_ping(struct tappet_plugin *p, const struct tappet_message *m)
{
	plugin_say(p, "PONG", json_pack("{s:I}", "n", m->n), NULL);
}

static void take_error(struct tappet_plugin *p, const struct tappet_message *m)
{
	if (!m->fatal && p->in_session) {
		work_error(p, m);
	} else if (!m->fatal) {
		return;
	} else if (strcmp(m->code, "bad-manifest") == 0 ||
		   strcmp(m->code, "protocol-version") == 0) {
		(void)fprintf(stderr, "refused: %s: %s\n", m->code, m->message);
		p->state = FAILED;
	} else if (strcmp(m->code, "hello-first") != 0 && strcmp(m->code, "not-heard") != 0) {
		hang_up(p, m->message);
	} else if (p->in_session) {
		end_session(p, m->message);
		say_hello(p);
	}
}

static const struct verb {
	const char *verb;
	plugin_take *take;
	const char *needs[6];
	bool always; /* without a session, too */
} verbs[] = {
	{ "WELCOME", take_welcome, { "heartbeat", "emits", "session" }, true },
	{ "BYE", take_bye, { NULL }, true },
	{ "ERROR", take_error, { "code", "message", "fatal" }, true },
	{ "PING", take_ping, { "n" }, false },
	{ "JOB", work_job, { "id", "key", "action", "attempt", "timeout" }, false },
	{ "CANCEL", work_cancel, { "id" }, false },
	{ "EMITTED", work_emitted, { "id", "event", "seq", "repeat" }, false },
	{ "SUBSCRIBED", work_subscribed, { "cursor", "seq" }, false },
	{ "ACKED", work_acked, { "cursor", "seq" }, false },
	{ "EVENT", work_event, { "cursor", "seq" }, false },
	{ "GAP", work_gap, { "cursor", "from", "to" }, false },
};

/* False: it lacks something, or has it of another type. */
static bool read_header(struct tappet_plugin *p, struct tappet_message *m, const struct verb *verb)
{
	for (const char *const *name = verb->needs; *name != NULL; name++)
		if (json_object_get(m->header, *name) == NULL)
			return false;
	m->id = ""; /* of what an ERROR is about */
	m->after = 1000;
	return json_unpack(m->header,
			   "{s?s,s?s,s?s,s?s,s?s,s?s,s?s,s?s,s?s,s?s,"
			   "s?I,s?I,s?I,s?I,s?I,s?I,s?I,s?I,s?I,s?b,s?b}",
			   "id", &m->id, "key", &m->key, "action", &m->action, "rule", &m->rule,
			   "event", &m->event, "cursor", &m->cursor, "session", &m->session, "code",
			   &m->code, "message", &m->message, "about", &m->id, "attempt",
			   &m->attempt, "timeout", &m->timeout, "seq", &m->seq, "from", &m->from,
			   "to", &m->to, "heartbeat", &m->heartbeat, "emits", &m->emits, "after",
			   &m->after, "n", &m->n, "repeat", &m->repeat, "fatal", &m->fatal) == 0 &&
	       (m->cursor == NULL || *work_find(p, CURSORS, m->cursor) != NULL);
}

/* False: it isn't as it should be. A verb that isn't known is what a later version says. */
static bool take(struct tappet_plugin *p, const char *verb, size_t size, struct tappet_message *m)
{
	const struct verb *end = verbs + sizeof(verbs) / sizeof(verbs[0]), *v = verbs;

	while (v < end && (strlen(v->verb) != size || memcmp(v->verb, verb, size) != 0))
		v++;
	if (!json_is_object(m->header))
		return false;
	if (v == end || (!v->always && !p->in_session))
		return true;
	if (!read_header(p, m, v))
		return false;
	v->take(p, m);
	return true;
}

/* False: no message has come. */
static bool receive(struct tappet_plugin *p, zmq_msg_t *frames)
{
	int more = 1;

	for (int i = 0; more; i++) {
		zmq_msg_t *frame = &frames[i < SPARE ? i : SPARE];

		if (zmq_msg_recv(frame, p->socket, ZMQ_DONTWAIT) < 0)
			return false;
		more = zmq_msg_more(frame);
	}
	p->heard = plugin_now();
	return true;
}

static bool read_message(struct tappet_plugin *p)
{
	struct tappet_message m = { .header = NULL };
	zmq_msg_t frames[SPARE + 1];
	bool came;

	for (int i = 0; i <= SPARE; i++)
		(void)zmq_msg_init(&frames[i]);
	came = receive(p, frames);
	m.header =
	    json_loadb(zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1]), JSON_ALLOW_NUL, NULL);
	m.body = zmq_msg_data(&frames[2]);
	m.size = zmq_msg_size(&frames[2]);
	if (came && !take(p, zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]), &m))
		hang_up(p, "what the engine says isn't the protocol");
	json_decref(m.header);
	for (int i = 0; i <= SPARE; i++)
		(void)zmq_msg_close(&frames[i]);
	return came;
}

static void read_all(struct tappet_plugin *p)
{
	json_int_t now = plugin_now(); /* what has come before is no silence */

	for (int i = 0; i < TURN && p->socket != NULL && p->state == RUNNING; i++)
		if (!read_message(p))
			break;
	if (p->socket != NULL && now - p->heard >= 3 * p->beat)
		hang_up(p, "nothing was heard for three heartbeats");
}

/* ---- The loop. ---- */

/* Says BYE when nothing is left to do, or the time is over, and waits a moment for the answer. */
static void leave(struct tappet_plugin *p, json_int_t now)
{
	bool done = p->lists[JOBS] == NULL && (p->lists[EMITS] == NULL || !p->in_session);

	if (!p->leaving && (done || now >= p->stop_at)) {
		p->leaving = true;
		p->stop_at = now + p->beat;
		plugin_say(p, "BYE", json_pack("{s:s}", "reason", "stopping"), NULL);
	}
	if (p->leaving && (!p->in_session || now >= p->stop_at))
		p->state = ENDED;
}

/* When that was asked for. */
static void stop(struct tappet_plugin *p)
{
	struct signalfd_siginfo taken;
	bool come = read(p->polled[POLL_SIGNALS].fd, &taken, sizeof(taken)) > 0 ||
		    read(p->polled[POLL_STOP].fd, &taken, sizeof(taken)) > 0;

	if (!come || p->stop_at > 0)
		return;
	p->stop_at = plugin_now() + GRACE;
	if (p->o.stopping != NULL)
		p->o.stopping(p->o.of);
}

/* Until something has come, or is due; `due` is when something is to be said. */
static void wait_until(struct tappet_plugin *p, json_int_t due)
{
	json_int_t now = plugin_now();
	json_int_t until = p->stop_at == 0 && p->socket == NULL ? p->connect_at : now + p->beat;
	int first = p->socket != NULL ? POLL_SOCKET : POLL_SIGNALS;

	if (due < until)
		until = due;
	if (p->stop_at > 0 && p->stop_at < until)
		until = p->stop_at;
	p->polled[POLL_SOCKET].socket = p->socket;
	if (zmq_poll(p->polled + first, POLL_WATCHED + p->watched - first,
		     until > now ? (long)(until - now) : 0) < 0)
		return; /* a signal that isn't ours */
	stop(p);
	if (p->socket != NULL)
		read_all(p);
}

int tappet_plugin_run(struct tappet_plugin *p)
{
	assert(p != NULL);
	while (p->state == RUNNING) {
		json_int_t now, due;

		if (p->o.idle != NULL)
			p->o.idle(p->o.of);
		now = plugin_now();
		due = work_say(p, now);
		tappet_plugin_beat(p);
		if (p->stop_at > 0)
			leave(p, now);
		else if (p->socket == NULL && now >= p->connect_at)
			open_socket(p);
		if (p->state == RUNNING)
			wait_until(p, due);
	}
	return p->state == FAILED ? 1 : 0;
}

/* ---- From beginning to end. ---- */

void tappet_plugin_stop(struct tappet_plugin *p)
{
	(void)eventfd_write(p->polled[POLL_STOP].fd, 1);
}

bool tappet_plugin_watch(struct tappet_plugin *p, int fd)
{
	assert(p != NULL);
	errno = fd < 0 ? EBADF : ENOSPC;
	if (fd < 0 || p->watched == WATCHED_MOST)
		return false;
	p->polled[POLL_WATCHED + p->watched++].fd = fd;
	return true;
}

struct tappet_plugin *tappet_plugin_new(const struct tappet_options *options)
{
	struct tappet_plugin *p = calloc(1, sizeof(*p));
	sigset_t set;

	assert(options != NULL && options->name != NULL && options->manifest != NULL);
	if (p == NULL)
		return NULL;
	p->o = *options;
	p->pause = PAUSE_FIRST;
	p->beat = BEAT_FIRST;
	for (int i = 0; i < POLL_WATCHED + WATCHED_MOST; i++)
		p->polled[i].events = ZMQ_POLLIN;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	p->polled[POLL_SIGNALS].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	p->polled[POLL_STOP].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->context = zmq_ctx_new();
	p->manifest = json_loads(options->manifest, JSON_REJECT_DUPLICATES, NULL);
	if (p->manifest != NULL && p->context != NULL && p->polled[POLL_SIGNALS].fd >= 0 &&
	    p->polled[POLL_STOP].fd >= 0)
		return p;
	errno = p->manifest == NULL ? EINVAL : ENOMEM;
	tappet_plugin_free(p);
	return NULL;
}

void tappet_plugin_free(struct tappet_plugin *p)
{
	if (p == NULL)
		return;
	work_free(p);
	json_decref(p->manifest);
	if (p->socket != NULL)
		(void)zmq_close(p->socket);
	if (p->context != NULL)
		(void)zmq_ctx_term(p->context);
	(void)close(p->polled[POLL_SIGNALS].fd);
	(void)close(p->polled[POLL_STOP].fd);
	free(p);
}
