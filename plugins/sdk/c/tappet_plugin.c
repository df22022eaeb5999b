/* SPDX-License-Identifier: Apache-2.0
 *
 * tappet_plugin.c - see tappet_plugin.h.
 *
 * Sessions come one after the other, each on the socket of the one before it, or on a
 * new one when the engine was silent. What lasts: jobs at hand, emits without an answer,
 * and for each cursor
 *
 *   done     the last event that the plugin was given; what comes again isn't given again
 *   wanted   what the plugin has acknowledged
 *   sent     the last event of this session; nothing beyond it may be acknowledged
 *   said     what was acknowledged in this session
 *   acked    what is on the engine's disk. When SUBSCRIBED is behind it, the engine's log is
 *            another one, and what was done says nothing about it.
 *
 * Nothing is said between HELLO and WELCOME, so an `hello-first` that comes then is about
 * something older. */
#include "tappet_plugin.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
	BODY_MOST = 1048576,
	HEADER_MOST = 16384,
	EMITS_MOST = 1024, /* that wait: four times what an engine takes at once */
	BEAT_FIRST = 1000, /* ms, until WELCOME says */
	PAUSE_FIRST = 100,
	PAUSE_MOST = 5000,
	TURN = 256, /* messages before others have their turn */
};

struct job {
	struct tappet_job job; /* first: the plugin's pointer is ours */
	struct job *next;
	struct tappet_plugin *plugin;
	json_t *header; /* owns the texts of job */
};

struct emit {
	struct emit *next;
	char *header, *body;
	bool said;
	long long not_before;
	char id[];
};

struct cursor {
	struct cursor *next;
	char *name;
	json_t *header; /* of SUBSCRIBE */
	bool open;
	long long done, wanted, sent, said, acked;
	long long again; /* when what the engine had no room for is said again; 0: nothing is */
};

struct watch {
	int fd;
	void (*ready)(void *of, int fd);
};

struct tappet_plugin {
	struct tappet_options o;
	char *name, *manifest, *address, *keys[3];
	void *context, *socket;
	bool in_session, pinged, stopping, leaving, ended, failed;
	long long beat, heard, spoke, asked; /* ms */
	long long pause, connect_at, stop_at;
	long long owed; /* credit that can't be given before WELCOME */
	long long room; /* emits that may be said */
	struct job *jobs;
	unsigned working;
	struct emit *emits;
	unsigned waiting;
	struct cursor *cursors;
	struct watch *watches;
	size_t watch_count;
	int signals, stop;
};

static long long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void __attribute__((format(printf, 2, 3)))
tell(struct tappet_plugin *p, const char *format, ...)
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

/* ---- Out. ---- */

static void say_text(struct tappet_plugin *p, const char *verb, const char *header,
		     const char *body)
{
	bool hello = strcmp(verb, "HELLO") == 0;

	if (p->socket == NULL || (!p->in_session && !hello))
		return; /* what matters is said again in the next session */
	/* There is no high-water mark: it fails only when memory is out. */
	if (zmq_send(p->socket, verb, strlen(verb), ZMQ_SNDMORE) < 0 ||
	    zmq_send(p->socket, header, strlen(header), body != NULL ? ZMQ_SNDMORE : 0) < 0 ||
	    (body != NULL && zmq_send(p->socket, body, strlen(body), 0) < 0))
		p->failed = true;
	p->spoke = now_ms();
}

/* Takes the header. */
static void say(struct tappet_plugin *p, const char *verb, json_t *header, const char *body)
{
	char *text = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;

	json_decref(header);
	if (text != NULL)
		say_text(p, verb, text, body);
	else
		p->failed = true;
	free(text);
}

static void give_credit(struct tappet_plugin *p, int more)
{
	p->owed += more;
	if (!p->in_session || p->owed == 0 || p->stopping)
		return;
	say(p, "CREDIT", json_pack("{s:I}", "jobs", p->owed), NULL);
	p->owed = 0;
}

static void say_hello(struct tappet_plugin *p)
{
	json_int_t jobs = p->working < p->o.jobs ? p->o.jobs - p->working : 0;

	p->in_session = p->pinged = false;
	p->heard = now_ms();
	p->owed = 0;
	say(p, "HELLO", json_pack("{s:i,s:s,s:I}", "protocol", 1, "name", p->name, "jobs", jobs),
	    p->manifest);
}

static void say_emits(struct tappet_plugin *p, long long now)
{
	for (struct emit *e = p->emits; e != NULL && p->room > 0 && p->in_session; e = e->next) {
		if (e->said || e->not_before > now)
			continue;
		e->said = true;
		p->room--;
		say_text(p, "EMIT", e->header, e->body);
	}
}

static void say_acks(struct tappet_plugin *p)
{
	for (struct cursor *c = p->cursors; c != NULL; c = c->next) {
		long long seq = c->wanted < c->sent ? c->wanted : c->sent;

		if (!c->open || seq <= c->said)
			continue;
		c->said = seq;
		say(p, "ACK", json_pack("{s:s,s:I}", "cursor", c->name, "seq", seq), NULL);
	}
}

/* ---- Sessions. ---- */

static void open_socket(struct tappet_plugin *p)
{
	static const int key_options[] = { ZMQ_CURVE_SERVERKEY, ZMQ_CURVE_PUBLICKEY,
					   ZMQ_CURVE_SECRETKEY };
	int none = 0;

	p->socket = zmq_socket(p->context, ZMQ_DEALER);
	p->failed |= p->socket == NULL ||
		     zmq_setsockopt(p->socket, ZMQ_LINGER, &none, sizeof(none)) != 0 ||
		     zmq_setsockopt(p->socket, ZMQ_SNDHWM, &none, sizeof(none)) != 0 ||
		     zmq_setsockopt(p->socket, ZMQ_RCVHWM, &none, sizeof(none)) != 0;
	for (size_t i = 0; i < 3 && !p->failed && p->keys[0] != NULL; i++)
		p->failed = zmq_setsockopt(p->socket, key_options[i], p->keys[i], 40) != 0;
	if (p->failed || zmq_connect(p->socket, p->address) != 0) {
		tell(p, "%s: %s", p->address, zmq_strerror(zmq_errno()));
		p->failed = true;
		return;
	}
	p->beat = BEAT_FIRST;
	say_hello(p);
}

static void session_over(struct tappet_plugin *p, const char *why)
{
	tell(p, "the session is over: %s", why);
	p->in_session = false;
	p->room = 0;
	for (struct job *j = p->jobs; j != NULL; j = j->next)
		j->job.given_up = true;
	for (struct emit *e = p->emits; e != NULL; e = e->next)
		e->said = false;
	for (struct cursor *c = p->cursors; c != NULL; c = c->next)
		c->open = false;
}

static void hang_up(struct tappet_plugin *p, const char *why)
{
	long long now = now_ms();

	session_over(p, why);
	(void)zmq_close(p->socket);
	p->socket = NULL;
	p->ended |= p->leaving;
	p->connect_at = now + p->pause / 2 + now % (p->pause / 2);
	p->pause = 2 * p->pause < PAUSE_MOST ? 2 * p->pause : PAUSE_MOST;
}

static bool take_welcome(struct tappet_plugin *p, json_t *header)
{
	json_int_t beat, emits;

	if (json_unpack(header, "{s:I,s:I}", "heartbeat", &beat, "emits", &emits) != 0 || beat < 1)
		return false;
	p->in_session = true;
	p->pause = PAUSE_FIRST;
	p->beat = beat;
	p->room = emits;
	give_credit(p, 0);
	for (struct cursor *c = p->cursors; c != NULL; c = c->next)
		say(p, "SUBSCRIBE", json_incref(c->header), NULL);
	say_emits(p, now_ms());
	return true;
}

/* ---- Jobs. ---- */

static const char *or_empty(json_t *header, const char *name)
{
	const char *text = json_string_value(json_object_get(header, name));

	return text != NULL ? text : "";
}

/* Of the header, which is kept; false: it isn't as it should be. */
static bool fill_job(struct job *job, json_t *header)
{
	struct tappet_job *j = &job->job;
	json_int_t attempt, timeout;
	const char *id, *key, *action;

	if (json_unpack(header, "{s:s,s:s,s:s,s:I,s:I}", "id", &id, "key", &key, "action", &action,
			"attempt", &attempt, "timeout", &timeout) != 0)
		return false;
	j->id = id, j->key = key, j->action = action, j->attempt = attempt, j->timeout = timeout;
	j->rule = or_empty(header, "rule");
	j->event = or_empty(header, "event");
	j->given_up = false;
	json_incref(header);
	json_decref(job->header);
	job->header = header;
	return true;
}

static struct job *find_job(struct tappet_plugin *p, const char *key, const char *id)
{
	for (struct job *j = p->jobs; j != NULL; j = j->next)
		if (key != NULL ? strcmp(j->job.key, key) == 0
				: id != NULL && !j->job.given_up && strcmp(j->job.id, id) == 0)
			return j;
	return NULL;
}

static void run_job(struct tappet_plugin *p, struct job *job)
{
	const struct tappet_action *a = p->o.actions;
	struct tappet_result none = { TAPPET_REJECT, NULL, "there is no such action", 0 };
	struct tappet_result later = { TAPPET_RETRY, NULL, "the plugin stops", 0 };

	while (a != NULL && a->name != NULL && strcmp(a->name, job->job.action) != 0)
		a++;
	if (p->stopping)
		tappet_job_end(&job->job, &later);
	else if (a == NULL || a->name == NULL)
		tappet_job_end(&job->job, &none);
	else
		a->run(p->o.of, &job->job);
}

static bool take_job(struct tappet_plugin *p, json_t *header, json_t *body)
{
	const char *key = json_string_value(json_object_get(header, "key"));
	struct job *job = key != NULL ? find_job(p, key, NULL) : NULL;

	if (job != NULL) { /* another attempt at what is still at work */
		bool fine = fill_job(job, header);

		give_credit(p, fine ? 1 : 0);
		return fine;
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL || !fill_job(job, header)) {
		p->failed |= job == NULL;
		free(job);
		return false;
	}
	job->plugin = p;
	job->job.params = json_is_object(body) ? json_incref(body) : json_object();
	job->next = p->jobs;
	p->jobs = job;
	p->working++;
	run_job(p, job);
	return true;
}

static void take_cancel(struct tappet_plugin *p, json_t *header)
{
	struct job *job = find_job(p, NULL, json_string_value(json_object_get(header, "id")));

	if (job == NULL)
		return;
	job->job.given_up = true;
	if (p->o.calls.cancelled != NULL)
		p->o.calls.cancelled(p->o.of, &job->job);
}

static void free_job(struct job *job)
{
	struct job **at = &job->plugin->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	job->plugin->working--;
	json_decref(job->job.params);
	json_decref(job->header);
	free(job);
}

static void say_result(struct tappet_plugin *p, const struct tappet_job *j,
		       const struct tappet_result *result)
{
	static const char *const words[] = { "ok", "retry", "reject", "doubt" };
	char *body = result->fate == TAPPET_OK && result->value != NULL
			 ? json_dumps(result->value, JSON_COMPACT | JSON_ENCODE_ANY)
			 : NULL;
	bool lost = result->fate == TAPPET_OK && result->value != NULL &&
		    (body == NULL || strlen(body) > BODY_MOST);
	const char *error =
	    lost ? "the result can't be sent, or has more than 1 MiB" : result->error;
	json_t *header = json_pack("{s:s,s:s,s:s*}", "id", j->id, "fate",
				   words[lost ? TAPPET_DOUBT : result->fate], "error", error);

	if (header != NULL && result->fate == TAPPET_RETRY && result->after > 0)
		(void)json_object_set_new(header, "after", json_integer(result->after));
	if (header != NULL && !p->stopping)
		(void)json_object_set_new(header, "jobs", json_integer(1));
	say(p, "RESULT", header, lost ? NULL : body);
	free(body);
}

void tappet_job_end(struct tappet_job *j, const struct tappet_result *result)
{
	struct job *job = (struct job *)j;

	assert(j != NULL && result != NULL && result->fate <= TAPPET_DOUBT);
	if (j->given_up)
		give_credit(job->plugin, 1);
	else
		say_result(job->plugin, j, result);
	free_job(job);
}

void tappet_job_progress(struct tappet_job *j)
{
	assert(j != NULL);
	if (!j->given_up)
		say(((struct job *)j)->plugin, "PROGRESS", json_pack("{s:s}", "id", j->id), NULL);
}

/* ---- Emits. ---- */

bool tappet_emit(struct tappet_plugin *p, const struct tappet_emit *emit)
{
	struct emit **at = &p->emits, *e;
	json_t *header;

	assert(p != NULL && emit != NULL && emit->id != NULL && emit->type != NULL);
	while (*at != NULL && strcmp((*at)->id, emit->id) != 0)
		at = &(*at)->next;
	if (*at != NULL)
		return true; /* the same event: one answer is enough */
	if (p->waiting >= EMITS_MOST) {
		errno = EAGAIN;
		return false;
	}
	header = json_pack("{s:s,s:s,s:s*,s:s*}", "id", emit->id, "type", emit->type, "subject",
			   emit->subject, "time", emit->time);
	e = calloc(1, sizeof(*e) + strlen(emit->id) + 1);
	if (e != NULL) {
		(void)memcpy(e->id, emit->id, strlen(emit->id) + 1);
		e->header = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;
		e->body = emit->data == NULL
			      ? strdup("null")
			      : json_dumps(emit->data, JSON_COMPACT | JSON_ENCODE_ANY);
	}
	json_decref(header);
	if (e == NULL || e->header == NULL || e->body == NULL || strlen(e->body) > BODY_MOST ||
	    strlen(e->header) > HEADER_MOST) {
		errno = e == NULL ? ENOMEM : !e->header || !e->body ? EINVAL : EMSGSIZE;
		if (e != NULL)
			free(e->header), free(e->body);
		free(e);
		return false;
	}
	*at = e;
	p->waiting++;
	say_emits(p, now_ms());
	return true;
}

static struct emit **find_emit(struct tappet_plugin *p, const char *id)
{
	struct emit **at = &p->emits;

	while (*at != NULL && (id == NULL || strcmp((*at)->id, id) != 0))
		at = &(*at)->next;
	return at;
}

static void end_emit(struct tappet_plugin *p, struct emit **at,
		     const struct tappet_emitted *emitted)
{
	struct emit *e = *at;

	*at = e->next;
	p->waiting--;
	if (p->o.calls.emitted != NULL)
		p->o.calls.emitted(p->o.of, emitted);
	free(e->header);
	free(e->body);
	free(e);
}

static void more_room(struct tappet_plugin *p, json_t *header)
{
	p->room += json_integer_value(json_object_get(header, "emits"));
}

static bool take_emitted(struct tappet_plugin *p, json_t *header)
{
	struct tappet_emitted emitted = { 0 };
	json_int_t seq;
	int repeat;
	struct emit **at;

	if (json_unpack(header, "{s:s,s:s,s:I,s:b}", "id", &emitted.id, "event", &emitted.event,
			"seq", &seq, "repeat", &repeat) != 0)
		return false;
	more_room(p, header);
	emitted.seq = seq;
	emitted.repeat = repeat != 0;
	at = find_emit(p, emitted.id);
	if (*at != NULL)
		end_emit(p, at, &emitted);
	say_emits(p, now_ms());
	return true;
}

/* ---- Durable subscriptions. ---- */

bool tappet_subscribe(struct tappet_plugin *p, const struct tappet_subscription *s)
{
	struct cursor *c = calloc(1, sizeof(*c));
	json_t *types = json_array();

	assert(p != NULL && s != NULL && s->cursor != NULL && s->types != NULL);
	for (size_t i = 0; s->types[i] != NULL; i++)
		(void)json_array_append_new(types, json_string(s->types[i]));
	if (c == NULL) {
		json_decref(types);
		return false;
	}
	c->header = json_pack("{s:s,s:o,s:o}", "cursor", s->cursor, "types", types, "from",
			      s->from < 0 ? json_string("now") : json_integer(s->from));
	c->name = strdup(s->cursor);
	if (c->header == NULL || c->name == NULL) {
		json_decref(c->header);
		free(c->name);
		free(c);
		return false;
	}
	if (s->window > 0)
		(void)json_object_set_new(c->header, "window", json_integer(s->window));
	c->done = c->wanted = c->acked = -1;
	c->next = p->cursors;
	p->cursors = c;
	return true;
}

static struct cursor *find_cursor(struct tappet_plugin *p, const char *name)
{
	struct cursor *c = p->cursors;

	while (c != NULL && (name == NULL || strcmp(c->name, name) != 0))
		c = c->next;
	return c;
}

void tappet_ack(struct tappet_plugin *p, const char *cursor, long long seq)
{
	struct cursor *c = find_cursor(p, cursor);

	assert(c != NULL && seq <= c->done);
	if (seq > c->wanted)
		c->wanted = seq;
}

static bool take_cursor(struct tappet_plugin *p, const char *verb, json_t *header)
{
	struct cursor *c = find_cursor(p, json_string_value(json_object_get(header, "cursor")));
	json_int_t seq, to;

	if (c == NULL)
		return false;
	if (strcmp(verb, "GAP") == 0) {
		if (json_unpack(header, "{s:I,s:I}", "from", &seq, "to", &to) != 0)
			return false;
		tell(p, "%s: retention has deleted the events %lld to %lld", c->name,
		     (long long)seq, (long long)to);
		if (p->o.calls.gap != NULL)
			p->o.calls.gap(p->o.of, c->name, seq, to);
		return true;
	}
	if (json_unpack(header, "{s:I}", "seq", &seq) != 0)
		return false;
	if (strcmp(verb, "SUBSCRIBED") == 0) {
		if (seq < c->acked) {
			tell(p, "%s: the engine's log is another one", c->name);
			c->done = c->wanted = -1;
		}
		c->open = true;
		c->sent = c->said = seq;
	}
	c->acked = seq;
	return true;
}

static bool take_event(struct tappet_plugin *p, json_t *header, zmq_msg_t *body)
{
	struct cursor *c = find_cursor(p, json_string_value(json_object_get(header, "cursor")));
	json_int_t seq;

	if (c == NULL || body == NULL || json_unpack(header, "{s:I}", "seq", &seq) != 0)
		return false;
	c->sent = seq;
	if (seq <= c->done)
		return true;
	c->done = seq;
	if (p->o.calls.event != NULL)
		p->o.calls.event(p->o.of, &(struct tappet_event){ c->name, seq, zmq_msg_data(body),
								  zmq_msg_size(body) });
	return true;
}

/* ---- In. ---- */

static void take_about(struct tappet_plugin *p, json_t *header, const char *code, const char *words)
{
	const char *about = json_string_value(json_object_get(header, "about"));
	json_t *after = json_object_get(header, "after");
	long long again = now_ms() + (after != NULL ? json_integer_value(after) : 1000);
	bool busy = strcmp(code, "busy") == 0;
	struct emit **at = find_emit(p, about);
	struct cursor *c = find_cursor(p, about);

	more_room(p, header);
	if (*at != NULL && busy) {
		(*at)->said = false;
		(*at)->not_before = again;
	} else if (*at != NULL && strcmp(code, "bad-emit") == 0) {
		end_emit(p, at, &(struct tappet_emitted){ .id = about, .refused = words });
	} else if (c != NULL && busy) {
		c->again = again;
	} else if (strcmp(code, "bad-subscribe") == 0) {
		tell(p, "refused: %s: %s: %s", code, about != NULL ? about : "", words);
		p->failed = true;
	} else if (strcmp(code, "unknown-job") != 0) { /* of a result that came too late */
		tell(p, "the engine says %s about %s: %s", code, about != NULL ? about : "it",
		     words);
	}
}

static bool take_error(struct tappet_plugin *p, json_t *header)
{
	const char *code, *words;
	bool again;
	int fatal;

	if (json_unpack(header, "{s:s,s:s,s:b}", "code", &code, "message", &words, "fatal",
			&fatal) != 0)
		return false;
	if (!fatal) {
		if (p->in_session)
			take_about(p, header, code, words);
		return true;
	}
	again = strcmp(code, "hello-first") == 0 || strcmp(code, "not-heard") == 0;
	if (strcmp(code, "bad-manifest") == 0 || strcmp(code, "protocol-version") == 0) {
		tell(p, "refused: %s: %s", code, words);
		p->failed = true;
	} else if (!again) {
		hang_up(p, words);
	} else if (p->in_session) {
		session_over(p, words);
		say_hello(p);
	}
	return true;
}

/* False: it isn't as it should be. */
static bool take(struct tappet_plugin *p, const char *verb, json_t *header, zmq_msg_t *body)
{
	json_int_t n;
	json_t *value;
	bool fine;

	if (strcmp(verb, "ERROR") == 0)
		return take_error(p, header);
	if (strcmp(verb, "WELCOME") == 0)
		return take_welcome(p, header);
	if (strcmp(verb, "BYE") == 0) {
		if (!p->in_session || json_object_get(header, "within") == NULL)
			hang_up(p, "the engine says goodbye");
		return true;
	}
	if (!p->in_session)
		return true;
	if (strcmp(verb, "PING") == 0) {
		fine = json_unpack(header, "{s:I}", "n", &n) == 0;
		if (fine)
			say(p, "PONG", json_pack("{s:I}", "n", n), NULL);
		return fine;
	}
	if (strcmp(verb, "JOB") == 0) {
		value = body == NULL ? NULL
				     : json_loadb(zmq_msg_data(body), zmq_msg_size(body),
						  JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		fine = take_job(p, header, value);
		json_decref(value);
		return fine;
	}
	if (strcmp(verb, "CANCEL") == 0)
		take_cancel(p, header);
	else if (strcmp(verb, "EMITTED") == 0)
		return take_emitted(p, header);
	else if (strcmp(verb, "EVENT") == 0)
		return take_event(p, header, body);
	else if (!strcmp(verb, "SUBSCRIBED") || !strcmp(verb, "ACKED") || !strcmp(verb, "GAP"))
		return take_cursor(p, verb, header);
	return true; /* what a later version has to say */
}

/* A message of up to three frames; what is beyond is passed over. 1: none has come. */
static int receive(struct tappet_plugin *p, zmq_msg_t frames[3], size_t *count)
{
	zmq_msg_t spare;
	int more = 1;

	for (*count = 0; more; (*count)++) {
		zmq_msg_t *m = *count < 3 ? &frames[*count] : &spare;

		(void)zmq_msg_init(m);
		if (zmq_msg_recv(m, p->socket, ZMQ_DONTWAIT) < 0)
			return 1;
		more = zmq_msg_more(m);
		if (m == &spare)
			(void)zmq_msg_close(m);
	}
	return 0;
}

static void read_message(struct tappet_plugin *p, zmq_msg_t frames[3], size_t count)
{
	json_t *header = count < 2 ? NULL
				   : json_loadb(zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1]),
						JSON_ALLOW_NUL, NULL);
	char verb[17] = "";
	size_t n = zmq_msg_size(&frames[0]);

	p->heard = now_ms();
	p->pinged = false;
	if (n < sizeof(verb))
		(void)memcpy(verb, zmq_msg_data(&frames[0]), n);
	if (!json_is_object(header) || !take(p, verb, header, count > 2 ? &frames[2] : NULL))
		hang_up(p, "what the engine says isn't the protocol");
	json_decref(header);
}

static void read_socket(struct tappet_plugin *p)
{
	for (int i = 0; i < TURN && p->socket != NULL && !p->failed; i++) {
		zmq_msg_t frames[3];
		size_t count;
		int none = receive(p, frames, &count);

		if (!none)
			read_message(p, frames, count);
		for (size_t f = 0; f < count && f < 3; f++)
			(void)zmq_msg_close(&frames[f]);
		if (none)
			return;
	}
}

/* ---- Time. ---- */

void tappet_plugin_beat(struct tappet_plugin *p)
{
	long long now = now_ms();

	assert(p != NULL);
	if (p->in_session && now - p->spoke >= p->beat)
		say(p, "PING", json_pack("{s:I}", "n", ++p->asked), NULL);
}

static void beat(struct tappet_plugin *p, long long now)
{
	if (now - p->heard >= 3 * p->beat) {
		hang_up(p, "nothing was heard for three heartbeats");
	} else if (p->in_session && !p->pinged && now - p->heard >= p->beat) {
		p->pinged = true;
		say(p, "PING", json_pack("{s:I}", "n", ++p->asked), NULL);
	}
}

static void again(struct tappet_plugin *p, long long now)
{
	for (struct cursor *c = p->cursors; c != NULL; c = c->next) {
		if (c->again == 0 || c->again > now)
			continue;
		c->again = 0;
		if (c->open)
			c->said = c->acked < c->said ? c->acked : c->said;
		else
			say(p, "SUBSCRIBE", json_incref(c->header), NULL);
	}
	say_emits(p, now);
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
	say_acks(p);
	say(p, "BYE", json_pack("{s:s}", "reason", "stopping"), NULL);
	p->stop_at = now + p->beat;
}

static void stop(struct tappet_plugin *p)
{
	if (p->stopping)
		return;
	p->stopping = true;
	p->stop_at = now_ms() + (p->o.grace > 0 ? p->o.grace : 10000);
	if (p->o.calls.stopping != NULL)
		p->o.calls.stopping(p->o.of);
}

static void tick(struct tappet_plugin *p)
{
	long long now = now_ms();

	if (p->o.calls.idle != NULL)
		p->o.calls.idle(p->o.of);
	say_acks(p);
	again(p, now);
	if (p->stopping)
		leave(p, now);
	else if (p->socket == NULL && now >= p->connect_at)
		open_socket(p);
	if (p->socket != NULL)
		beat(p, now);
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
	if (zmq_poll(items, (int)n, pause_of(p, now_ms())) < 0)
		return; /* a signal that isn't ours */
	if (items[base - 2].revents != 0 || items[base - 1].revents != 0)
		stop(p);
	for (size_t i = base; i < n; i++)
		if (items[i].revents != 0)
			p->watches[i - base].ready(p->o.of, items[i].fd);
	if (p->socket != NULL)
		read_socket(p);
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

/* ---- From beginning to end. ---- */

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
	while (p->jobs != NULL)
		free_job(p->jobs);
	while (p->emits != NULL) {
		struct emit *next = p->emits->next;

		free(p->emits->header);
		free(p->emits->body);
		free(p->emits);
		p->emits = next;
	}
	while (p->cursors != NULL) {
		struct cursor *next = p->cursors->next;

		json_decref(p->cursors->header);
		free(p->cursors->name);
		free(p->cursors);
		p->cursors = next;
	}
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
