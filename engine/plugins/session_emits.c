/* SPDX-License-Identifier: Apache-2.0
 *
 * session_emits - events that plugins bring in.
 *
 * What is wrong with an emit is answered at once; else it is the host's, and its
 * answer comes after the commit. Either gives the credit back, so a plugin that
 * counts can't be wrong. */
#include <assert.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/timetext.h"
#include "engine/plugins/session_parts.h"

/* Members of EMIT, in the order of the table. */
enum { EMIT_ID, EMIT_TYPE, EMIT_SUBJECT, EMIT_TIME, EMIT_JOB };

static void refuse_emit(struct session *session, struct text id, enum session_answer answer,
			const char *words, int64_t now)
{
	struct complaint c = { .about = text_head(id, LIMIT_SESSION_EMIT_ID), .emits = 1 };

	if (answer == SESSION_BUSY) {
		c.code = "busy";
		c.words = "the engine has no room for it now";
		c.after = LIMIT_SESSION_BUSY;
	} else {
		c.code = "bad-emit";
		c.words = words;
	}
	frame_complain(session, &c, now);
}

/* NULL: it may go on to the host. */
static const char *read_emit(const struct frame *frame, struct session_emit *emit)
{
	struct value time = frame->members[EMIT_TIME], subject = frame->members[EMIT_SUBJECT];
	struct value job = frame->members[EMIT_JOB];
	struct json_error error;

	emit->id = value_as_text(frame->members[EMIT_ID]);
	emit->type = value_as_text(frame->members[EMIT_TYPE]);
	emit->subject = subject.kind == VALUE_TEXT ? value_as_text(subject) : TEXT("");
	emit->job = job.kind == VALUE_TEXT ? value_as_text(job) : TEXT("");
	emit->time = INT64_MIN;
	emit->data = frame->body.n > 0 ? frame->body : TEXT("null");
	if (emit->id.n == 0 || emit->id.n > LIMIT_SESSION_EMIT_ID)
		return "\"id\" has 1 to 128 bytes";
	if (emit->type.n == 0 || emit->type.n > LIMIT_SESSION_NAME)
		return "\"type\" is one of the manifest's events";
	if (emit->subject.n > LIMIT_OWN_SUBJECT)
		return "\"subject\" has at most 1024 bytes";
	if (time.kind == VALUE_TEXT && !timetext_parse_ms(value_as_text(time), &emit->time))
		return "\"time\" is to be like 2026-11-22T10:00:00Z (RFC 3339)";
	if (json_check(emit->data, &error) != FATE_OK)
		return "the body is no JSON";
	return NULL;
}

/* The sequencer's queue is everybody's: what a plugin has there is bounded whatever its sessions
 * did. */
static bool has_room(const struct plugin *plugin, const struct session_emit *emit)
{
	return plugin->emits < LIMIT_SESSION_EMITS &&
	       plugin->emitted + emit->data.n <= LIMIT_SESSION_EMITTED;
}

static void hand_over(struct session *session, const struct session_emit *emit, int64_t now)
{
	struct sessions *s = session->all;
	struct ticket *ticket = ticket_new(session, TICKET_EMIT, emit->id);
	char words[SESSION_WORDS] = "";
	enum session_answer answer = SESSION_BUSY;
	struct plugin *plugin = session->plugin;

	if (ticket != NULL && has_room(plugin, emit))
		answer = s->host.emit(s->host.of, emit, ticket->number, words);
	if (answer == SESSION_TAKEN) {
		session->emits++;
		plugin->emits++;
		plugin->emitted += emit->data.n;
		ticket->plugin = plugin;
		ticket->bytes = emit->data.n;
		return;
	}
	if (ticket != NULL)
		ticket_free(s, ticket);
	refuse_emit(session, emit->id, answer, words, now);
}

void emits_read(struct session *session, const struct frame *frame)
{
	struct session_emit emit = { .plugin = text_of(session->plugin->name) };
	const char *why = read_emit(frame, &emit);

	if (session->emits >= LIMIT_SESSION_EMITS)
		session_fail(session, "flood", "more events under way than WELCOME allowed",
			     text_head(emit.id, LIMIT_SESSION_EMIT_ID));
	else if (why != NULL)
		refuse_emit(session, emit.id, SESSION_WRONG, why, frame->now);
	else
		hand_over(session, &emit, frame->now);
}

static void say_emitted(struct session *session, struct text id,
			const struct session_emitted *emitted)
{
	struct sessions *s = session->all;

	frame_begin(s);
	frame_text(s, "id", id);
	frame_text(s, "event", emitted->event);
	frame_int(s, "seq", emitted->seq);
	frame_bool(s, "repeat", emitted->repeat);
	frame_int(s, "emits", 1);
	frame_send(session, "EMITTED");
}

/* It isn't under way any more. */
static void arrive(struct ticket *ticket)
{
	struct plugin *plugin = ticket->plugin;

	assert(plugin != NULL && plugin->emits > 0 && plugin->emitted >= ticket->bytes);
	plugin->emits--;
	plugin->emitted -= ticket->bytes;
}

void emits_leave(struct session *session)
{
	struct ticket *ticket = session->tickets;

	while (ticket != NULL) {
		struct ticket *next = ticket->next;

		ticket->previous = ticket->next = NULL;
		if (ticket->kind == TICKET_EMIT)
			ticket->session = NULL;
		else
			ticket_free(session->all, ticket);
		ticket = next;
	}
	session->tickets = NULL;
}

void emits_free(struct sessions *s)
{
	struct text number;
	void *ticket;

	for (size_t at = 0; map_next(s->tickets, &at, &number, &ticket);)
		mem_free(ticket);
}

void sessions_emitted(struct sessions *s, uint64_t number, const struct session_emitted *emitted,
		      int64_t now)
{
	struct ticket *ticket;
	struct session *session;
	struct text id;

	assert(s != NULL && emitted != NULL);
	ticket = ticket_find(s, number, TICKET_EMIT);
	if (ticket == NULL)
		return;
	session = ticket->session;
	id = (struct text){ ticket->id, ticket->id_size };
	arrive(ticket);
	if (session == NULL) {
		ticket_free(s, ticket);
		return;
	}
	assert(session->emits > 0);
	session->emits--;
	if (emitted->answer == SESSION_TAKEN)
		say_emitted(session, id, emitted);
	else
		refuse_emit(session, id, emitted->answer, emitted->words, now);
	ticket_free(s, ticket);
	if (session->leaving >= 0)
		session_due(s, now);
	session_settle(s, now);
}
