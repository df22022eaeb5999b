/* SPDX-License-Identifier: Apache-2.0
 *
 * session - the connection: one session after the other, each on the socket of the one
 * before it, or on a new one when the engine was silent.
 *
 * Nothing is said between HELLO and WELCOME, so a `hello-first` that comes then is about
 * something older. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void session_say_text(struct tappet_plugin *p, const char *verb, const char *header,
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
	p->spoke = plugin_now();
}

/* Takes the header. */
void session_say(struct tappet_plugin *p, const char *verb, json_t *header, const char *body)
{
	char *text = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;

	json_decref(header);
	if (text != NULL)
		session_say_text(p, verb, text, body);
	else
		p->failed = true;
	free(text);
}

static void say_hello(struct tappet_plugin *p)
{
	json_int_t jobs = p->working < p->o.jobs ? p->o.jobs - p->working : 0;

	p->in_session = p->pinged = false;
	p->heard = plugin_now();
	p->owed = 0;
	session_say(p, "HELLO",
		    json_pack("{s:i,s:s,s:I}", "protocol", 1, "name", p->name, "jobs", jobs),
		    p->manifest);
}

void session_open(struct tappet_plugin *p)
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
		plugin_tell(p, "%s: %s", p->address, zmq_strerror(zmq_errno()));
		p->failed = true;
		return;
	}
	p->beat = BEAT_FIRST;
	say_hello(p);
}

static void session_over(struct tappet_plugin *p, const char *why)
{
	plugin_tell(p, "the session is over: %s", why);
	p->in_session = false;
	work_over(p);
}

void session_hang_up(struct tappet_plugin *p, const char *why)
{
	long long now = plugin_now();

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
	const char *session;

	if (json_unpack(header, "{s:I,s:I}", "heartbeat", &beat, "emits", &emits) != 0 || beat < 1)
		return false;
	p->in_session = true;
	p->pause = PAUSE_FIRST;
	p->beat = beat;
	p->room = emits;
	session = json_string_value(json_object_get(header, "session"));
	plugin_tell(p, "session %s", session != NULL ? session : "without a name");
	work_welcome(p);
	return true;
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
			work_about(p, header, code, words);
		return true;
	}
	again = strcmp(code, "hello-first") == 0 || strcmp(code, "not-heard") == 0;
	if (strcmp(code, "bad-manifest") == 0 || strcmp(code, "protocol-version") == 0) {
		plugin_tell(p, "refused: %s: %s", code, words);
		p->failed = true;
	} else if (!again) {
		session_hang_up(p, words);
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
			session_hang_up(p, "the engine says goodbye");
		return true;
	}
	if (!p->in_session)
		return true;
	if (strcmp(verb, "PING") == 0) {
		fine = json_unpack(header, "{s:I}", "n", &n) == 0;
		if (fine)
			session_say(p, "PONG", json_pack("{s:I}", "n", n), NULL);
		return fine;
	}
	if (strcmp(verb, "JOB") == 0) {
		value = body == NULL ? NULL
				     : json_loadb(zmq_msg_data(body), zmq_msg_size(body),
						  JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		fine = work_job(p, header, value);
		json_decref(value);
		return fine;
	}
	if (strcmp(verb, "CANCEL") == 0)
		work_cancel(p, header);
	else if (strcmp(verb, "EMITTED") == 0)
		return work_emitted(p, header);
	else if (strcmp(verb, "EVENT") == 0)
		return work_event(p, header, body);
	else if (!strcmp(verb, "SUBSCRIBED") || !strcmp(verb, "ACKED") || !strcmp(verb, "GAP"))
		return work_cursor(p, verb, header);
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

	p->heard = plugin_now();
	p->pinged = false;
	if (n < sizeof(verb))
		(void)memcpy(verb, zmq_msg_data(&frames[0]), n);
	if (!json_is_object(header) || !take(p, verb, header, count > 2 ? &frames[2] : NULL))
		session_hang_up(p, "what the engine says isn't the protocol");
	json_decref(header);
}

void session_read(struct tappet_plugin *p)
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

void tappet_plugin_beat(struct tappet_plugin *p)
{
	long long now = plugin_now();

	assert(p != NULL);
	if (p->in_session && now - p->spoke >= p->beat)
		session_say(p, "PING", json_pack("{s:I}", "n", ++p->asked), NULL);
}

void session_beat(struct tappet_plugin *p, long long now)
{
	if (now - p->heard >= 3 * p->beat) {
		session_hang_up(p, "nothing was heard for three heartbeats");
	} else if (p->in_session && !p->pinged && now - p->heard >= p->beat) {
		p->pinged = true;
		session_say(p, "PING", json_pack("{s:I}", "n", ++p->asked), NULL);
	}
}
