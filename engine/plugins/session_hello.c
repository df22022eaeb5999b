/* SPDX-License-Identifier: Apache-2.0
 *
 * session_hello - who comes in.
 *
 * One session to a name. When a second peer says HELLO with it, the first is asked
 * (PING): its connection may have ended, then that is known at once; it may answer,
 * then the name is taken; or a heartbeat passes, then it is the newcomer's. Only the
 * answer to that very PING counts, as messages that a dead peer had sent may still
 * come in after the newcomer's HELLO. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/plugins/session_parts.h"

/* Members of HELLO, in the order of the table. */
enum { HELLO_PROTOCOL, HELLO_NAME, HELLO_JOBS };

struct plugin *plugin_find(const struct sessions *s, struct text name)
{
	for (struct plugin *p = s->plugins; p != NULL; p = p->next)
		if (text_is(name, p->name))
			return p;
	return NULL;
}

/* NULL when memory is out. Names are those of the configuration: there are few. */
static struct plugin *plugin_of(struct sessions *s, struct text name)
{
	struct plugin *plugin = plugin_find(s, name);

	if (plugin != NULL)
		return plugin;
	plugin = mem_zero(1, sizeof(*plugin));
	if (plugin == NULL)
		return NULL;
	assert(name.n < sizeof(plugin->name));
	memcpy(plugin->name, name.s, name.n);
	plugin->next = s->plugins;
	s->plugins = plugin;
	return plugin;
}

static void refuse(struct sessions *s, const struct frame *frame, const char *code,
		   const char *words)
{
	const struct value name = frame->members[HELLO_NAME];

	session_refuse(s, frame->peer, code, words, TEXT("HELLO"),
		       name.kind == VALUE_TEXT ? value_as_text(name) : TEXT_NONE, frame->now);
}

/* A name for logs: 64 bits of the seed and a count, mixed so that neighbours look different. */
static void name_session(struct sessions *s, char out[SESSION_NAME])
{
	uint64_t x = s->seed + ++s->number * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	(void)snprintf(out, SESSION_NAME, "%016llx", (unsigned long long)(x ^ (x >> 31)));
}

static void say_welcome(struct session *session)
{
	struct sessions *s = session->all;

	frame_begin(s);
	frame_int(s, "protocol", 1);
	frame_text(s, "session", text_of(session->name));
	frame_text(s, "engine", TEXT("tappet " TAPPET_VERSION));
	frame_int(s, "heartbeat", LIMIT_SESSION_BEAT);
	frame_int(s, "emits", LIMIT_SESSION_EMITS);
	frame_send(session, "WELCOME");
}

/* NULL when memory is out. */
static struct session *make_session(struct sessions *s, struct plugin *plugin,
				    const struct frame *frame, unsigned concurrency)
{
	struct session *session = mem_zero(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->all = s;
	session->plugin = plugin;
	session->peer = frame->peer;
	assert(frame->key.n < sizeof(session->key));
	if (frame->key.n > 0)
		memcpy(session->key, frame->key.s, frame->key.n);
	session->heard = frame->now;
	session->leaving = -1;
	session->concurrency = concurrency;
	session->jobs = map_new();
	if (session->jobs == NULL ||
	    !map_put(s->peers, (struct text){ (const char *)&session->peer, sizeof(session->peer) },
		     session)) {
		map_free(session->jobs);
		mem_free(session);
		return NULL;
	}
	session->next = s->list;
	s->list = session;
	s->count++;
	plugin->session = session;
	name_session(s, session->name);
	return session;
}

static void welcome(struct sessions *s, struct plugin *plugin, const struct frame *frame,
		    int64_t jobs, unsigned concurrency)
{
	struct text name = text_of(plugin->name);
	char words[SESSION_WORDS] = "";
	struct session *session;

	assert(plugin->session == NULL);
	switch (s->host.manifest(s->host.of, name, frame->body, words)) {
	case SESSION_WRONG:
		refuse(s, frame, "bad-manifest", words);
		return;
	case SESSION_BUSY:
		refuse(s, frame, "busy", "the engine has no room to keep the manifest now");
		return;
	case SESSION_TAKEN:
		break;
	}
	session = make_session(s, plugin, frame, concurrency);
	if (session == NULL) {
		refuse(s, frame, "busy", "memory is out");
		return;
	}
	say_welcome(session);
	s->host.began(s->host.of, name, session->name);
	session_due(s, frame->now + LIMIT_SESSION_BEAT);
	if (jobs > 0)
		(void)jobs_credit(session, jobs);
}

static void say_stopping(struct sessions *s, uint32_t peer)
{
	frame_begin(s);
	frame_text(s, "reason", TEXT("stopping"));
	frame_send_peer(s, peer, "BYE");
}

/* ---- Two of one name. ---- */

static bool wait_in_line(struct sessions *s, struct plugin *plugin, const struct frame *frame,
			 int64_t jobs)
{
	struct newcomer *newcomer = mem_zero(1, sizeof(*newcomer) + frame->body.n);

	if (newcomer == NULL)
		return false;
	newcomer->peer = frame->peer;
	if (frame->key.n > 0)
		memcpy(newcomer->key, frame->key.s, frame->key.n);
	newcomer->jobs = jobs;
	newcomer->until = frame->now + LIMIT_SESSION_BEAT;
	newcomer->question = ++s->number;
	newcomer->manifest_size = frame->body.n;
	memcpy(newcomer->manifest, frame->body.s, frame->body.n);
	plugin->newcomer = newcomer;
	session_due(s, newcomer->until);
	return true;
}

void hello_taken(struct sessions *s, struct plugin *plugin, int64_t now)
{
	struct newcomer *newcomer = plugin->newcomer;

	plugin->newcomer = NULL;
	session_refuse(s, newcomer->peer, "name-taken", "another session with this name answers",
		       TEXT("HELLO"), text_of(plugin->name), now);
	mem_free(newcomer);
}

void hello_admit(struct sessions *s, struct plugin *plugin, int64_t now)
{
	struct newcomer *newcomer = plugin->newcomer;
	struct frame frame = { .verb = VERB_HELLO,
			       .word = "HELLO",
			       .body = { newcomer->manifest, newcomer->manifest_size },
			       .peer = newcomer->peer,
			       .key = text_of(newcomer->key),
			       .now = now };
	unsigned concurrency = 0;

	frame.members[HELLO_NAME] = value_text(text_of(plugin->name));
	plugin->newcomer = NULL;
	/* Much may have happened in the meantime. */
	if (s->stopping)
		say_stopping(s, frame.peer);
	else if (s->host.admit(s->host.of, text_of(plugin->name), frame.key, &concurrency) !=
		 SESSION_ADMITTED)
		refuse(s, &frame, "name-unknown", "tappet.yaml has no such plugin any more");
	else
		welcome(s, plugin, &frame, newcomer->jobs, concurrency);
	mem_free(newcomer);
}

/* Asks the session that has the name whether it is still there. */
static void challenge(struct sessions *s, struct plugin *plugin, const struct frame *frame,
		      int64_t jobs)
{
	if (plugin->newcomer != NULL && plugin->newcomer->peer != frame->peer) {
		hello_taken(s, plugin, frame->now);
	} else {
		mem_free(plugin->newcomer);
		plugin->newcomer = NULL;
	}
	if (!wait_in_line(s, plugin, frame, jobs)) {
		refuse(s, frame, "busy", "memory is out");
		return;
	}
	frame_begin(s);
	frame_int(s, "n", (int64_t)plugin->newcomer->question);
	frame_send(plugin->session, "PING");
	plugin->session->pinged = true;
}

/* ---- HELLO. ---- */

/* NULL: it may come in. */
static const char *check_hello(struct sessions *s, const struct frame *frame, unsigned *concurrency,
			       const char **words)
{
	struct text name = value_as_text(frame->members[HELLO_NAME]);

	*words = "the engine speaks version 1";
	if (frame->members[HELLO_PROTOCOL].i != 1)
		return "protocol-version";
	*words = "tappet.yaml has no plugin of this name";
	if (name.n == 0 || name.n > LIMIT_SESSION_NAME || memchr(name.s, '\0', name.n) != NULL)
		return "name-unknown";
	switch (s->host.admit(s->host.of, name, frame->key, concurrency)) {
	case SESSION_UNKNOWN:
		return "name-unknown";
	case SESSION_UNTRUSTED:
		*words = "the connection's key isn't this plugin's";
		return "not-trusted";
	case SESSION_ADMITTED:
		break;
	}
	*words = "more than 4096 jobs at once";
	if (frame->members[HELLO_JOBS].kind == VALUE_INT &&
	    frame->members[HELLO_JOBS].i > LIMIT_SESSION_JOBS)
		return "flood";
	*words = "a manifest has at most 262144 bytes";
	if (frame->body.n > LIMIT_SESSION_MANIFEST)
		return "too-large";
	*words = "the body of HELLO is the manifest; there is none";
	return frame->body.n == 0 ? "bad-manifest" : NULL;
}

/* A peer that says HELLO again begins anew. */
static void forget_peer(struct sessions *s, const struct frame *frame)
{
	struct session *session = session_of_peer(s, frame->peer);

	for (struct plugin *p = s->plugins; p != NULL; p = p->next) {
		if (p->newcomer == NULL || p->newcomer->peer != frame->peer)
			continue;
		mem_free(p->newcomer);
		p->newcomer = NULL;
	}
	if (session == NULL)
		return;
	session_over(session, "again", "it said HELLO again");
	session_settle(s, frame->now);
}

void hello_read(struct sessions *s, const struct frame *frame)
{
	unsigned concurrency = 0;
	const char *words, *code;
	struct plugin *plugin;
	int64_t jobs;

	forget_peer(s, frame);
	if (s->stopping) {
		say_stopping(s, frame->peer);
		return;
	}
	code = check_hello(s, frame, &concurrency, &words);
	if (code != NULL) {
		refuse(s, frame, code, words);
		return;
	}
	plugin = plugin_of(s, value_as_text(frame->members[HELLO_NAME]));
	if (plugin == NULL) {
		refuse(s, frame, "busy", "memory is out");
		return;
	}
	if (!plugin_useless(plugin, 1 + (unsigned)(frame->body.n / KIB), frame->now)) {
		refuse(s, frame, "flood", "too many messages without use in one second");
		return;
	}
	jobs = frame->members[HELLO_JOBS].kind == VALUE_INT ? frame->members[HELLO_JOBS].i : 0;
	if (plugin->session != NULL)
		challenge(s, plugin, frame, jobs);
	else
		welcome(s, plugin, frame, jobs, concurrency);
}
