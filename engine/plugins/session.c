/* SPDX-License-Identifier: Apache-2.0
 *
 * session - a message's way, heartbeats, and how a session ends; see session.h.
 *
 * A peer without a session is told so once in a heartbeat: what it had sent before
 * it heard of the end would else call for a HELLO each. */
#include "engine/plugins/session.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/plugins/session_parts.h"

#define HEADER_ARENA (1u * MIB) /* a header of 16 KiB parses to about ten times as much */
#define HEADER_OUT                                                                                 \
	(64u * KIB) /* ids of at most 128 bytes and words, each byte escaped at worst              \
		     */

/* ---- All of them. ---- */

struct sessions *sessions_new(const struct session_host *host, uint64_t seed)
{
	struct sessions *s = mem_zero(1, sizeof(*s));

	assert(host != NULL && host->send != NULL && host->admit != NULL && host->manifest != NULL);
	assert(host->began != NULL && host->ended != NULL && host->refused != NULL);
	assert(host->credit != NULL && host->job_ended != NULL && host->emit != NULL);
	assert(host->subscribe != NULL && host->want != NULL && host->ack != NULL);
	assert(host->place != NULL && host->unsubscribe != NULL);
	if (s == NULL)
		return NULL;
	s->host = *host;
	s->seed = seed;
	s->sweep = -1;
	s->peers = map_new();
	s->tickets = map_new();
	s->parser = json_parser_new();
	s->arena = arena_new("plugin's message", HEADER_ARENA);
	heap_init(&s->due);
	buf_init(&s->header, HEADER_OUT);
	if (s->peers == NULL || s->tickets == NULL || s->parser == NULL || s->arena == NULL) {
		sessions_free(s);
		return NULL;
	}
	return s;
}

static void free_plugin(struct plugin *plugin)
{
	assert(plugin->session == NULL);
	mem_free(plugin->newcomer);
	mem_free(plugin);
}

void sessions_free(struct sessions *s)
{
	if (s == NULL)
		return;
	for (struct plugin *p = s->plugins; p != NULL; p = p->next) {
		mem_free(p->newcomer);
		p->newcomer = NULL;
	}
	for (struct session *session = s->list; session != NULL; session = session->next)
		session_over(session, "stopped", "the engine has stopped");
	session_settle(s, 0);
	emits_free(s);
	while (s->plugins != NULL) {
		struct plugin *next = s->plugins->next;

		free_plugin(s->plugins);
		s->plugins = next;
	}
	map_free(s->peers);
	map_free(s->tickets);
	json_parser_free(s->parser);
	arena_free(s->arena);
	heap_fini(&s->due);
	buf_fini(&s->header);
	mem_free(s);
}

static struct text peer_key(const uint32_t *peer)
{
	return (struct text){ (const char *)peer, sizeof(*peer) };
}

struct session *session_of_peer(const struct sessions *s, uint32_t peer)
{
	struct session *session = map_get(s->peers, peer_key(&peer));

	return session != NULL && session->over == NULL ? session : NULL;
}

struct session *session_of_plugin(const struct sessions *s, struct text name)
{
	struct plugin *plugin = plugin_find(s, name);

	if (plugin == NULL || plugin->session == NULL || plugin->session->over != NULL)
		return NULL;
	return plugin->session;
}

size_t sessions_count(const struct sessions *s)
{
	assert(s != NULL);
	return s->count;
}

bool sessions_has(const struct sessions *s, struct text plugin)
{
	assert(s != NULL);
	return session_of_plugin(s, plugin) != NULL;
}

void session_due(struct sessions *s, int64_t at)
{
	if (s->sweep < 0 || at < s->sweep)
		s->sweep = at;
}

bool session_is_name(struct text name)
{
	if (name.n == 0 || name.n > LIMIT_SESSION_NAME || name.s[0] < 'a' || name.s[0] > 'z')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.s[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_')
			return false;
	}
	return true;
}

/* ---- Tickets. ---- */

static struct text number_key(const uint64_t *number)
{
	return (struct text){ (const char *)number, sizeof(*number) };
}

struct ticket *ticket_new(struct session *session, enum ticket_kind kind, struct text id)
{
	struct sessions *s = session->all;
	struct ticket *ticket = mem_zero(1, sizeof(*ticket) + id.n);

	if (ticket == NULL)
		return NULL;
	ticket->kind = kind;
	ticket->number = ++s->number;
	ticket->session = session;
	ticket->id_size = id.n;
	if (id.n > 0)
		memcpy(ticket->id, id.s, id.n);
	if (!map_put(s->tickets, number_key(&ticket->number), ticket)) {
		mem_free(ticket);
		return NULL;
	}
	ticket->next = session->tickets;
	if (ticket->next != NULL)
		ticket->next->previous = ticket;
	session->tickets = ticket;
	return ticket;
}

struct ticket *ticket_find(const struct sessions *s, uint64_t number, enum ticket_kind kind)
{
	struct ticket *ticket = map_get(s->tickets, number_key(&number));

	return ticket != NULL && ticket->kind == kind ? ticket : NULL;
}

void ticket_free(struct sessions *s, struct ticket *ticket)
{
	(void)map_drop(s->tickets, number_key(&ticket->number));
	if (ticket->next != NULL)
		ticket->next->previous = ticket->previous;
	if (ticket->previous != NULL)
		ticket->previous->next = ticket->next;
	else if (ticket->session != NULL)
		ticket->session->tickets = ticket->next;
	mem_free(ticket);
}

/* ---- The end of a session. ---- */

void session_over(struct session *session, const char *code, const char *words)
{
	if (session->over != NULL)
		return;
	session->over = code;
	(void)snprintf(session->words, sizeof(session->words), "%s", words);
	session->all->over = true;
}

static void write_fatal(struct sessions *s, const char *code, const char *words, struct text about)
{
	frame_begin(s);
	frame_text(s, "code", text_of(code));
	frame_text(s, "message", text_of(words));
	frame_bool(s, "fatal", true);
	if (about.n > 0)
		frame_text(s, "about", text_head(about, LIMIT_SESSION_EMIT_ID));
}

static void mark_told(struct sessions *s, uint32_t peer, int64_t now)
{
	struct stranger *known = NULL;

	for (size_t i = 0; i < LIMIT_SESSION_STRANGERS && known == NULL; i++)
		if (s->strangers[i].used && s->strangers[i].peer == peer)
			known = &s->strangers[i];
	if (known == NULL) {
		known = &s->strangers[s->next_stranger];
		s->next_stranger = (s->next_stranger + 1) % LIMIT_SESSION_STRANGERS;
	}
	*known = (struct stranger){ peer, true, now };
}

static bool was_told(const struct sessions *s, uint32_t peer, int64_t now)
{
	for (size_t i = 0; i < LIMIT_SESSION_STRANGERS; i++)
		if (s->strangers[i].used && s->strangers[i].peer == peer)
			return now - s->strangers[i].told < LIMIT_SESSION_BEAT;
	return false;
}

void session_fail(struct session *session, const char *code, const char *words, struct text about)
{
	struct sessions *s = session->all;

	if (session->over != NULL)
		return;
	write_fatal(s, code, words, about);
	(void)frame_try(session, "ERROR", TEXT_NONE);
	session_over(session, code, words);
	s->host.refused(s->host.of, text_of(session->plugin->name), code, NULL);
}

void session_refuse(struct sessions *s, uint32_t peer, const char *code, const char *words,
		    struct text about, struct text plugin, int64_t now)
{
	write_fatal(s, code, words, about);
	frame_send_peer(s, peer, "ERROR");
	mark_told(s, peer, now);
	s->host.refused(s->host.of, plugin, code, words);
}

static void free_session(struct sessions *s, struct session *session, int64_t now)
{
	struct plugin *plugin = session->plugin;

	jobs_end_all(session);
	cursors_end_all(session);
	emits_leave(session);
	(void)map_drop(s->peers, peer_key(&session->peer));
	mark_told(s, session->peer, now);
	plugin->session = NULL;
	s->count--;
	s->host.ended(s->host.of, text_of(plugin->name), session->over, session->words);
	map_free(session->jobs);
	mem_free(session);
	if (plugin->newcomer != NULL)
		hello_admit(s, plugin, now);
}

/* Letting a newcomer in can end its session at once, hence the loop. */
void session_settle(struct sessions *s, int64_t now)
{
	while (s->over) {
		struct session **at = &s->list;

		s->over = false;
		while (*at != NULL) {
			struct session *session = *at;

			if (session->over == NULL) {
				at = &session->next;
				continue;
			}
			*at = session->next;
			free_session(s, session, now);
			at = &s->list;
		}
	}
}

/* ---- Floods. ---- */

bool plugin_useless(struct plugin *plugin, unsigned cost, int64_t now)
{
	if (now - plugin->second >= 1000) {
		plugin->second = now;
		plugin->useless = 0;
	}
	if (plugin->useless > LIMIT_SESSION_USELESS || cost > LIMIT_SESSION_USELESS)
		return false;
	plugin->useless += cost;
	return plugin->useless <= LIMIT_SESSION_USELESS;
}

bool session_useless(struct session *session, int64_t now)
{
	if (session->over != NULL)
		return false;
	if (plugin_useless(session->plugin, 1, now))
		return true;
	session_fail(session, "flood", "too many messages without use in one second", TEXT_NONE);
	return false;
}

/* ---- Messages. ---- */

static void say_pong(struct session *session, const struct frame *frame)
{
	struct sessions *s = session->all;

	if (!session_useless(session, frame->now))
		return;
	frame_begin(s);
	frame_int(s, "n", frame->members[0].i);
	frame_send(session, "PONG");
}

static void read_pong(struct session *session, const struct frame *frame)
{
	const struct newcomer *newcomer = session->plugin->newcomer;

	if (!session_useless(session, frame->now))
		return;
	if (newcomer != NULL && (uint64_t)frame->members[0].i == newcomer->question)
		hello_taken(session->all, session->plugin, frame->now);
}

static void say_bye(struct session *session)
{
	frame_begin(session->all);
	frame_text(session->all, "reason", TEXT("goodbye"));
	(void)frame_try(session, "BYE", TEXT_NONE);
	session_over(session, "bye", "goodbye was said");
}

static void read_credit(struct session *session, const struct frame *frame)
{
	if (frame->members[0].i == 0)
		(void)session_useless(session, frame->now);
	else
		(void)jobs_credit(session, frame->members[0].i);
}

static void handle(struct session *session, const struct frame *frame)
{
	assert(frame->verb < VERB_COUNT && frame->verb != VERB_HELLO);
	switch (frame->verb) {
	case VERB_ACK:
		cursors_ack(session, frame);
		break;
	case VERB_BYE:
		say_bye(session);
		break;
	case VERB_CREDIT:
		read_credit(session, frame);
		break;
	case VERB_EMIT:
		emits_read(session, frame);
		break;
	case VERB_PING:
		say_pong(session, frame);
		break;
	case VERB_PONG:
		read_pong(session, frame);
		break;
	case VERB_PROGRESS:
		jobs_progress(session, frame);
		break;
	case VERB_RESULT:
		jobs_result(session, frame);
		break;
	case VERB_SUBSCRIBE:
		cursors_subscribe(session, frame);
		break;
	case VERB_UNSUBSCRIBE:
		cursors_unsubscribe(session, frame);
		break;
	case VERB_HELLO: /* hello_read's */
	case VERB_COUNT:
		break;
	}
}

/* What a peer may say that has no session: only HELLO has a meaning. */
static void handle_stranger(struct sessions *s, const struct frame *frame)
{
	if (frame->verb == VERB_BYE || frame->verb == VERB_PONG ||
	    was_told(s, frame->peer, frame->now))
		return;
	for (const struct plugin *p = s->plugins; p != NULL; p = p->next)
		if (p->newcomer != NULL && p->newcomer->peer == frame->peer)
			return; /* its HELLO will be answered */
	session_refuse(s, frame->peer, "hello-first", "there is no session: say HELLO",
		       text_of(frame->word), TEXT_NONE, frame->now);
}

/* The same peer number with another key is another connection. */
static bool is_same(const struct session *session, struct text key)
{
	return text_eq(key, text_of(session->key));
}

void sessions_message(struct sessions *s, const struct bus_message *m, int64_t now)
{
	struct frame frame = { .peer = m->peer, .key = m->key, .now = now };
	char words[SESSION_WORDS] = "";
	struct session *session;
	const char *code;

	assert(s != NULL && m != NULL && m->count > 0);
	session = session_of_peer(s, m->peer);
	if (session != NULL && !is_same(session, m->key)) {
		session_over(session, "gone", "its connection has ended");
		session_settle(s, now);
		session = NULL;
	}
	if (session != NULL) {
		session->heard = now;
		session->pinged = false;
	}
	code = frame_read(s, m, &frame, words);
	if (code != NULL && session != NULL)
		session_fail(session, code, words, text_of(frame.word));
	else if (code != NULL && !was_told(s, m->peer, now))
		session_refuse(s, m->peer, code, words, text_of(frame.word), TEXT_NONE, now);
	else if (code == NULL && frame.verb == VERB_HELLO)
		hello_read(s, &frame);
	else if (code == NULL && session != NULL)
		handle(session, &frame);
	else if (code == NULL)
		handle_stranger(s, &frame);
	session_settle(s, now);
}

/* ---- Time. ---- */

static void beat(struct session *session, int64_t now)
{
	struct sessions *s = session->all;

	if (now - session->heard >= LIMIT_SESSION_SILENCE) {
		session_fail(session, "not-heard", "nothing was heard for three heartbeats",
			     TEXT_NONE);
		return;
	}
	if (!session->pinged && now - session->heard >= LIMIT_SESSION_BEAT) {
		frame_begin(s);
		frame_int(s, "n", (int64_t)++s->number);
		frame_send(session, "PING");
		session->pinged = true;
	}
	session_due(s, session->heard +
			   (session->pinged ? LIMIT_SESSION_SILENCE : LIMIT_SESSION_BEAT));
}

static void leave(struct session *session, int64_t now)
{
	if (session->leaving < 0)
		return;
	if (now >= session->leaving ||
	    (session->working == 0 && session->emits == 0 && session->acking == 0))
		say_bye(session);
	else
		session_due(session->all, session->leaving);
}

/* The other one hasn't answered. */
static void replace(struct sessions *s, struct plugin *plugin, int64_t now)
{
	if (plugin->newcomer == NULL || plugin->session == NULL)
		return;
	if (now < plugin->newcomer->until)
		session_due(s, plugin->newcomer->until);
	else
		session_over(plugin->session, "replaced", "it didn't answer, and another came");
}

static void sweep(struct sessions *s, int64_t now)
{
	s->sweep = -1;
	for (struct session *session = s->list; session != NULL; session = session->next) {
		if (session->over != NULL)
			continue;
		beat(session, now);
		cursors_resume(session, now);
		leave(session, now);
	}
	for (struct plugin *p = s->plugins; p != NULL; p = p->next)
		replace(s, p, now);
}

int64_t sessions_tick(struct sessions *s, int64_t now)
{
	const struct heap_node *top;

	assert(s != NULL);
	jobs_late(s, now);
	if (s->stopping || (s->sweep >= 0 && now >= s->sweep))
		sweep(s, now);
	session_settle(s, now);
	top = heap_top(&s->due);
	if (top == NULL)
		return s->sweep;
	return s->sweep >= 0 && s->sweep < top->at ? s->sweep : top->at;
}

/* ---- Changes from outside. ---- */

static void admit_again(struct session *session)
{
	struct sessions *s = session->all;
	struct text name = text_of(session->plugin->name);

	switch (s->host.admit(s->host.of, name, text_of(session->key), &session->concurrency)) {
	case SESSION_UNKNOWN:
		session_fail(session, "name-unknown", "tappet.yaml has no such plugin any more",
			     TEXT_NONE);
		break;
	case SESSION_UNTRUSTED:
		session_fail(session, "not-trusted", "the key isn't this plugin's any more",
			     TEXT_NONE);
		break;
	case SESSION_ADMITTED:
		break;
	}
}

void sessions_reload(struct sessions *s, int64_t now)
{
	struct plugin **at;

	assert(s != NULL);
	for (struct session *session = s->list; session != NULL; session = session->next)
		if (session->over == NULL)
			admit_again(session);
	session_settle(s, now);
	at = &s->plugins;
	while (*at != NULL) {
		struct plugin *plugin = *at;

		if (plugin->session != NULL || plugin->newcomer != NULL || plugin->lent > 0 ||
		    plugin->emits > 0) {
			at = &plugin->next;
			continue;
		}
		*at = plugin->next;
		free_plugin(plugin);
	}
}

void sessions_stop(struct sessions *s, int64_t within, int64_t now)
{
	assert(s != NULL && within >= 0);
	s->stopping = true;
	for (struct session *session = s->list; session != NULL; session = session->next) {
		if (session->over != NULL || session->leaving >= 0)
			continue;
		session->leaving = now + within;
		frame_begin(s);
		frame_text(s, "reason", TEXT("stopping"));
		frame_int(s, "within", within);
		frame_send(session, "BYE");
		session_due(s, now);
	}
	session_settle(s, now);
}
