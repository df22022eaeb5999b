/* SPDX-License-Identifier: Apache-2.0
 *
 * session_frames - the verbs a plugin may say, with the members of their headers;
 * and frames out.
 *
 * What is wrong with a message as such (its frames, its verb, its header) is found
 * here and ends a session; what is wrong with what it says is left to the verb.
 * Members that aren't in the table are passed over: later versions may have more. */
#include <assert.h>
#include <stdio.h>

#include "engine/plugins/session_parts.h"

#define LONGEST_VERB 16

struct member {
	const char *name; /* NULL ends the list */
	uint8_t kind; /* VALUE_INT, VALUE_TEXT, VALUE_BOOL or VALUE_LIST; VALUE_NULL: text or int */
	bool required;
	int64_t least; /* of a VALUE_INT */
};

struct verb_row {
	const char *word;
	struct member members[FRAME_MEMBERS + 1];
};

static const struct verb_row verbs[VERB_COUNT] = {
	[VERB_ACK] = { "ACK",
		       { { "cursor", VALUE_TEXT, true, 0 }, { "seq", VALUE_INT, true, 0 } } },
	[VERB_BYE] = { "BYE", { { "reason", VALUE_TEXT, false, 0 } } },
	[VERB_CREDIT] = { "CREDIT", { { "jobs", VALUE_INT, true, 0 } } },
	[VERB_EMIT] = { "EMIT",
			{ { "id", VALUE_TEXT, true, 0 },
			  { "type", VALUE_TEXT, true, 0 },
			  { "subject", VALUE_TEXT, false, 0 },
			  { "time", VALUE_TEXT, false, 0 },
			  { "job", VALUE_TEXT, false, 0 } } },
	[VERB_HELLO] = { "HELLO",
			 { { "protocol", VALUE_INT, true, INT64_MIN },
			   { "name", VALUE_TEXT, true, 0 },
			   { "jobs", VALUE_INT, false, 0 } } },
	[VERB_PING] = { "PING", { { "n", VALUE_INT, true, INT64_MIN } } },
	[VERB_PONG] = { "PONG", { { "n", VALUE_INT, true, INT64_MIN } } },
	[VERB_PROGRESS] = { "PROGRESS", { { "id", VALUE_TEXT, true, 0 } } },
	[VERB_RESULT] = { "RESULT",
			  { { "id", VALUE_TEXT, true, 0 },
			    { "fate", VALUE_TEXT, true, 0 },
			    { "jobs", VALUE_INT, false, 0 },
			    { "after", VALUE_INT, false, 0 },
			    { "error", VALUE_TEXT, false, 0 } } },
	[VERB_SUBSCRIBE] = { "SUBSCRIBE",
			     { { "cursor", VALUE_TEXT, true, 0 },
			       { "types", VALUE_LIST, true, 0 },
			       { "from", VALUE_NULL, false, 0 },
			       { "window", VALUE_INT, false, 0 } } },
	[VERB_UNSUBSCRIBE] = { "UNSUBSCRIBE",
			       { { "cursor", VALUE_TEXT, true, 0 },
				 { "forget", VALUE_BOOL, false, 0 } } },
};

/* ---- In. ---- */

static const char *type_word(uint8_t kind)
{
	switch (kind) {
	case VALUE_INT:
		return "an integer";
	case VALUE_TEXT:
		return "a text";
	case VALUE_BOOL:
		return "true or false";
	case VALUE_LIST:
		return "a list";
	default:
		return "a text or an integer";
	}
}

static bool fits(const struct member *member, struct value v)
{
	if (member->kind == VALUE_NULL)
		return v.kind == VALUE_TEXT || (v.kind == VALUE_INT && v.i >= member->least);
	return v.kind == member->kind && (v.kind != VALUE_INT || v.i >= member->least);
}

static bool read_members(const struct verb_row *row, struct value header, struct frame *frame,
			 char words[SESSION_WORDS])
{
	for (int i = 0; row->members[i].name != NULL; i++) {
		const struct member *member = &row->members[i];
		const struct value *v = value_get(header, text_of(member->name));

		frame->members[i] = v != NULL ? *v : value_null();
		if (v == NULL && !member->required)
			continue;
		if (v != NULL && fits(member, *v))
			continue;
		if (v == NULL)
			(void)snprintf(words, SESSION_WORDS, "\"%s\" is missing", member->name);
		else
			(void)snprintf(words, SESSION_WORDS, "\"%s\" is to be %s%s", member->name,
				       type_word(member->kind),
				       v->kind == VALUE_INT && member->kind == VALUE_INT
					   ? " that isn't negative"
					   : "");
		return false;
	}
	return true;
}

static const struct verb_row *find_verb(struct text word, struct frame *frame)
{
	for (unsigned i = 0; i < VERB_COUNT; i++) {
		if (!text_is(word, verbs[i].word))
			continue;
		frame->verb = (enum verb)i;
		frame->word = verbs[i].word;
		return &verbs[i];
	}
	return NULL;
}

static const char *check_sizes(const struct bus_message *m, char words[SESSION_WORDS])
{
	if (m->count < 2 || m->count > 3) {
		(void)snprintf(words, SESSION_WORDS, "a message has two or three frames, not %zu",
			       m->count);
		return "bad-frame";
	}
	if (m->frames[1].n > LIMIT_SESSION_HEADER) {
		(void)snprintf(words, SESSION_WORDS, "a header has at most %u bytes, not %zu",
			       LIMIT_SESSION_HEADER, m->frames[1].n);
		return "too-large";
	}
	if (m->count == 3 && m->frames[2].n > LIMIT_SESSION_BODY) {
		(void)snprintf(words, SESSION_WORDS, "a body has at most %u bytes, not %zu",
			       LIMIT_SESSION_BODY, m->frames[2].n);
		return "too-large";
	}
	return NULL;
}

/* The verb is data here: what isn't capital letters isn't quoted. */
static void tell_unknown(struct text word, char words[SESSION_WORDS])
{
	for (size_t i = 0; i < word.n; i++)
		if (word.n > LONGEST_VERB || word.s[i] < 'A' || word.s[i] > 'Z')
			word.n = 0;
	if (word.n == 0)
		(void)snprintf(words, SESSION_WORDS,
			       "the first frame is a verb: capital letters, at most %d",
			       LONGEST_VERB);
	else
		(void)snprintf(words, SESSION_WORDS, "%.*s is no verb that a plugin says",
			       TEXT_ARG(word));
}

const char *frame_read(struct sessions *s, const struct bus_message *m, struct frame *frame,
		       char words[SESSION_WORDS])
{
	const struct verb_row *row;
	const char *code = check_sizes(m, words);
	struct json_error error;
	struct value header;

	if (code != NULL)
		return code;
	row = find_verb(m->frames[0], frame);
	if (row == NULL) {
		tell_unknown(m->frames[0], words);
		return "bad-frame";
	}
	arena_reset(s->arena);
	if (json_parse(s->parser, s->arena, m->frames[1], &header, &error) != FATE_OK) {
		(void)snprintf(words, SESSION_WORDS, "the header, %d:%d: %s", error.line,
			       error.column, error.what);
		return "bad-frame";
	}
	if (header.kind != VALUE_MAP) {
		(void)snprintf(words, SESSION_WORDS, "the header is to be a JSON object");
		return "bad-frame";
	}
	if (m->count == 3)
		frame->body = m->frames[2];
	return read_members(row, header, frame, words) ? NULL : "bad-frame";
}

/* ---- Out. ---- */

void frame_begin(struct sessions *s)
{
	buf_clear(&s->header);
	buf_char(&s->header, '{');
}

static void name_member(struct sessions *s, const char *name)
{
	if (s->header.n > 1)
		buf_char(&s->header, ',');
	buf_char(&s->header, '"');
	buf_str(&s->header, name);
	buf_str(&s->header, "\":");
}

void frame_text(struct sessions *s, const char *name, struct text value)
{
	name_member(s, name);
	value_write_text(&s->header, value);
}

void frame_int(struct sessions *s, const char *name, int64_t value)
{
	name_member(s, name);
	buf_int(&s->header, value);
}

void frame_bool(struct sessions *s, const char *name, bool value)
{
	name_member(s, name);
	buf_str(&s->header, value ? "true" : "false");
}

static enum bus_sent send_to(struct sessions *s, uint32_t peer, const char *verb, struct text body)
{
	struct text frames[] = { text_of(verb), { NULL, 0 }, body };

	buf_char(&s->header, '}');
	if (buf_failed(&s->header))
		return BUS_FULL;
	frames[1] = buf_view(&s->header);
	return s->host.send(s->host.of, peer, frames, body.n > 0 ? 3 : 2);
}

enum bus_sent frame_try(struct session *session, const char *verb, struct text body)
{
	enum bus_sent sent;

	if (session->over != NULL)
		return BUS_GONE;
	sent = send_to(session->all, session->peer, verb, body);
	if (sent == BUS_GONE)
		session_over(session, "gone", "its connection has ended");
	return sent;
}

void frame_send(struct session *session, const char *verb)
{
	if (frame_try(session, verb, TEXT_NONE) == BUS_FULL)
		session_over(session, "full", "it doesn't read what it is sent");
}

void frame_send_peer(struct sessions *s, uint32_t peer, const char *verb)
{
	/* Who doesn't get it says HELLO again after three heartbeats. */
	(void)send_to(s, peer, verb, TEXT_NONE);
}

void frame_complain(struct session *session, const struct complaint *c, int64_t now)
{
	struct sessions *s = session->all;

	frame_begin(s);
	frame_text(s, "code", text_of(c->code));
	frame_text(s, "message", text_of(c->words));
	frame_bool(s, "fatal", false);
	if (c->about.n > 0)
		frame_text(s, "about", c->about);
	if (c->after > 0)
		frame_int(s, "after", c->after);
	if (c->emits > 0)
		frame_int(s, "emits", c->emits);
	frame_send(session, "ERROR");
	s->host.refused(s->host.of, text_of(session->plugin->name), c->code, NULL);
	(void)session_useless(session, now);
}
