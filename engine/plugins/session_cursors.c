/* SPDX-License-Identifier: Apache-2.0
 *
 * session_cursors - durable subscriptions: a place in the log of events, and what
 * was sent from there on.
 *
 *   durable <= acked <= sent <= read
 *
 * durable is on disk, acked is what the plugin is done with, sent the last event it
 * was given, read how far the log was looked through. Those sent and not
 * acknowledged are in a ring. What is wanted next is behind `read`; nothing is read
 * ahead: an event that the peer had no room for is read again.
 *
 * I1  Each event is given once in a session, in the order of seq.
 * I2  The cursor on disk never passes an event that wasn't acknowledged. Where
 *     nobody asked for any, it is moved along (after LIMIT_SESSION_PASS), so that
 *     what retention deletes there is no gap, nor read again. A gap that was told counts as
 *     an event until it is acknowledged. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/plugins/session_parts.h"

/* Members, in the order of the table. */
enum { SUBSCRIBE_CURSOR, SUBSCRIBE_TYPES, SUBSCRIBE_FROM, SUBSCRIBE_WINDOW };
enum { UNSUBSCRIBE_CURSOR, UNSUBSCRIBE_FORGET };
enum { ACK_CURSOR, ACK_SEQ };

#define WINDOW_USUAL 100
#define RING_FIRST   128u /* room of a ring to begin with */

static struct subscription *find(struct session *session, struct text name)
{
	for (struct subscription *sub = session->subscriptions; sub != NULL; sub = sub->next)
		if (text_is(name, sub->name))
			return sub;
	return NULL;
}

static void complain(struct session *session, const char *code, const char *words,
		     struct text cursor, int64_t now)
{
	struct complaint c = { .code = code,
			       .words = words,
			       .about = text_head(cursor, LIMIT_SESSION_NAME),
			       .after = strcmp(code, "busy") == 0 ? LIMIT_SESSION_BUSY : 0 };

	frame_complain(session, &c, now);
}

/* ---- What isn't acknowledged. ---- */

static bool push(struct subscription *sub, int64_t seq, size_t bytes)
{
	assert(sub->count < sub->window);
	if (sub->count == sub->room) {
		unsigned room = sub->room > 0 ? 2 * sub->room : RING_FIRST;
		struct sent_event *more = mem_alloc(room * sizeof(*more));

		if (more == NULL)
			return false;
		for (unsigned i = 0; i < sub->count; i++)
			more[i] = sub->ring[(sub->first + i) % sub->room];
		mem_free(sub->ring);
		sub->ring = more;
		sub->room = room;
		sub->first = 0;
	}
	sub->ring[(sub->first + sub->count) % sub->room] = (struct sent_event){ seq, bytes };
	sub->count++;
	sub->bytes += bytes;
	return true;
}

static void pop_last(struct subscription *sub)
{
	sub->count--;
	sub->bytes -= sub->ring[(sub->first + sub->count) % sub->room].bytes;
}

static void pop_until(struct subscription *sub, int64_t seq)
{
	while (sub->count > 0 && sub->ring[sub->first].seq <= seq) {
		sub->bytes -= sub->ring[sub->first].bytes;
		sub->first = (sub->first + 1) % sub->room;
		sub->count--;
	}
}

static void want_more(struct subscription *sub)
{
	struct sessions *s = sub->session->all;

	if (!sub->open || sub->wanting || sub->paused > 0 || sub->count >= sub->window ||
	    sub->bytes >= LIMIT_SESSION_EVENTS || sub->session->over != NULL ||
	    sub->session->leaving >= 0)
		return;
	sub->wanting = true;
	sub->cut = false;
	s->host.want(s->host.of, sub->ticket, sub->read,
		     sub->pauses > 0 ? 1 : sub->window - sub->count,
		     LIMIT_SESSION_EVENTS - sub->bytes);
}

static void tell_place(const struct subscription *sub, int64_t seq)
{
	const struct session_host *host = &sub->session->all->host;

	host->place(host->of, text_of(sub->session->plugin->name), text_of(sub->name), seq);
}

/* Past what nobody asked for (I2). Not while an ACK is under way: should that not be kept, it may
 * be said again. */
static void pass_over(struct subscription *sub)
{
	struct session *session = sub->session;
	struct sessions *s = session->all;

	if (sub->count > 0 || sub->acked < sub->gap || sub->acked != sub->durable ||
	    sub->read - sub->acked < LIMIT_SESSION_PASS)
		return;
	/* What can't be taken now is tried again with the next page. */
	if (s->host.ack(s->host.of, text_of(session->plugin->name), text_of(sub->name), sub->read,
			0) != SESSION_TAKEN)
		return;
	sub->acked = sub->durable = sub->read;
	tell_place(sub, sub->acked);
	if (sub->sent < sub->acked)
		sub->sent = sub->acked;
}

/* ---- SUBSCRIBE. ---- */

static bool is_glob(struct text type)
{
	struct text rest = type, segment;

	if (type.n == 0 || type.n > LIMIT_OWN_TYPE)
		return false;
	while (rest.s != NULL) {
		rest = text_split(rest, '.', &segment);
		if (segment.n == 0 ||
		    (memchr(segment.s, '*', segment.n) != NULL && !text_is(segment, "*") &&
		     !(text_is(segment, "**") && rest.s == NULL)))
			return false;
		for (size_t i = 0; i < segment.n; i++)
			if ((unsigned char)segment.s[i] <= ' ')
				return false;
	}
	return true;
}

static const char *read_types(struct value list, struct text types[LIMIT_SESSION_TYPES],
			      size_t *count)
{
	if (list.n == 0 || list.n > LIMIT_SESSION_TYPES)
		return "\"types\" has 1 to 64 patterns";
	for (uint32_t i = 0; i < list.n; i++) {
		if (list.items[i].kind != VALUE_TEXT || !is_glob(value_as_text(list.items[i])))
			return "\"types\" has a pattern that is none, such as kantata.workspace.* "
			       "or tappet.**";
		types[i] = value_as_text(list.items[i]);
	}
	*count = list.n;
	return NULL;
}

static const char *read_from(struct value from, int64_t *out)
{
	*out = SESSION_FROM_NOW;
	if (from.kind == VALUE_INT)
		*out = from.i;
	else if (from.kind == VALUE_TEXT && text_is(value_as_text(from), "start"))
		*out = SESSION_FROM_START;
	else if (from.kind == VALUE_TEXT && !text_is(value_as_text(from), "now"))
		return "\"from\" is start, now, or a sequence number";
	return NULL;
}

/* NULL: it may go on to the host. */
static const char *read_subscribe(struct session *session, const struct frame *frame,
				  struct text types[LIMIT_SESSION_TYPES],
				  struct session_subscribe *out, int64_t *window)
{
	struct value given = frame->members[SUBSCRIBE_WINDOW];
	const char *why;
	size_t open = 0;

	out->plugin = text_of(session->plugin->name);
	out->cursor = value_as_text(frame->members[SUBSCRIBE_CURSOR]);
	out->types = types;
	*window = given.kind == VALUE_INT ? given.i : WINDOW_USUAL;
	if (!session_is_name(out->cursor))
		return "\"cursor\" is a name: lower-case letters, digits and _, at most 64";
	if (find(session, out->cursor) != NULL)
		return "this cursor is open";
	for (struct subscription *sub = session->subscriptions; sub != NULL; sub = sub->next)
		open++;
	if (open >= LIMIT_SESSION_CURSORS)
		return "a plugin has at most 16 cursors";
	if (*window < 1 || *window > LIMIT_SESSION_WINDOW)
		return "\"window\" is 1 to 10000";
	why = read_types(frame->members[SUBSCRIBE_TYPES], types, &out->type_count);
	return why != NULL ? why : read_from(frame->members[SUBSCRIBE_FROM], &out->from);
}

static struct subscription *make(struct session *session, struct text name, int64_t window)
{
	struct subscription *sub = mem_zero(1, sizeof(*sub));

	if (sub == NULL)
		return NULL;
	memcpy(sub->name, name.s, name.n);
	sub->session = session;
	sub->window = (unsigned)window;
	return sub;
}

/* The ticket and the list know it from here on; or it is freed. */
static enum session_answer hand_over(struct session *session, struct subscription *sub,
				     const struct session_subscribe *subscribe,
				     char words[SESSION_WORDS])
{
	struct sessions *s = session->all;
	struct ticket *ticket = ticket_new(session, TICKET_SUBSCRIBE, TEXT_NONE);
	enum session_answer answer = SESSION_BUSY;

	if (ticket != NULL)
		answer = s->host.subscribe(s->host.of, subscribe, ticket->number, words);
	if (answer != SESSION_TAKEN) {
		if (ticket != NULL)
			ticket_free(s, ticket);
		mem_free(sub);
		return answer;
	}
	ticket->subscription = sub;
	sub->ticket = ticket->number;
	sub->next = session->subscriptions;
	session->subscriptions = sub;
	return answer;
}

static void refuse(struct session *session, enum session_answer answer, const char *words,
		   struct text cursor, int64_t now)
{
	if (answer == SESSION_WRONG)
		complain(session, "bad-subscribe", words, cursor, now);
	else
		complain(session, "busy", "the engine has no room for it now", cursor, now);
}

void cursors_subscribe(struct session *session, const struct frame *frame)
{
	struct text types[LIMIT_SESSION_TYPES];
	struct session_subscribe subscribe;
	char words[SESSION_WORDS] = "";
	int64_t window;
	const char *why = read_subscribe(session, frame, types, &subscribe, &window);
	enum session_answer answer = SESSION_BUSY;
	struct subscription *sub;

	if (!session_useless(session, frame->now))
		return;
	if (why != NULL) {
		complain(session, "bad-subscribe", why, subscribe.cursor, frame->now);
		return;
	}
	sub = make(session, subscribe.cursor, window);
	if (sub != NULL)
		answer = hand_over(session, sub, &subscribe, words);
	if (answer != SESSION_TAKEN)
		refuse(session, answer, words, subscribe.cursor, frame->now);
}

/* Out of the list, and freed. */
static void end(struct subscription *sub, bool forget)
{
	struct session *session = sub->session;
	struct sessions *s = session->all;
	struct subscription **at = &session->subscriptions;

	while (*at != sub)
		at = &(*at)->next;
	*at = sub->next;
	for (struct ticket *t = session->tickets; t != NULL; t = t->next)
		if (t->subscription == sub)
			t->subscription = NULL;
	s->host.unsubscribe(s->host.of, sub->ticket, text_of(session->plugin->name),
			    text_of(sub->name), forget);
	mem_free(sub->ring);
	mem_free(sub);
}

void sessions_subscribed(struct sessions *s, uint64_t number, enum session_answer answer,
			 int64_t seq, const char *words, int64_t now)
{
	struct ticket *ticket;
	struct subscription *sub;
	struct session *session;

	assert(s != NULL && (answer != SESSION_WRONG || words != NULL));
	ticket = ticket_find(s, number, TICKET_SUBSCRIBE);
	if (ticket == NULL)
		return;
	sub = ticket->subscription;
	session = ticket->session;
	ticket_free(s, ticket);
	if (sub != NULL && answer == SESSION_TAKEN) {
		sub->open = true;
		sub->read = sub->sent = sub->acked = sub->durable = seq;
		tell_place(sub, seq);
		frame_begin(s);
		frame_text(s, "cursor", text_of(sub->name));
		frame_int(s, "seq", seq);
		frame_send(session, "SUBSCRIBED");
		want_more(sub);
	} else if (sub != NULL) {
		refuse(session, answer, words, text_of(sub->name), now);
		end(sub, false);
	}
	session_settle(s, now);
}

void cursors_unsubscribe(struct session *session, const struct frame *frame)
{
	struct text name = value_as_text(frame->members[UNSUBSCRIBE_CURSOR]);
	struct value forget = frame->members[UNSUBSCRIBE_FORGET];
	struct subscription *sub = find(session, name);

	if (sub == NULL)
		complain(session, "unknown-cursor", "this cursor isn't open", name, frame->now);
	else
		end(sub, forget.kind == VALUE_BOOL && forget.b);
}

void cursors_end_all(struct session *session)
{
	while (session->subscriptions != NULL)
		end(session->subscriptions, false);
}

/* ---- Events. ---- */

static struct subscription *subscription_of(const struct sessions *s, uint64_t number)
{
	for (struct session *session = s->list; session != NULL; session = session->next)
		for (struct subscription *sub = session->subscriptions; sub != NULL;
		     sub = sub->next)
			if (sub->ticket == number && sub->open && session->over == NULL)
				return sub;
	return NULL;
}

static void begin_seq(struct subscription *sub, const char *name, int64_t seq)
{
	struct sessions *s = sub->session->all;

	frame_begin(s);
	frame_text(s, "cursor", text_of(sub->name));
	frame_int(s, name, seq);
}

/* Longer each time: what is read of the log for one that doesn't take it is read in vain. */
static void pause_it(struct subscription *sub, int64_t now)
{
	sub->cut = true;
	sub->paused = now + ((int64_t)LIMIT_SESSION_PAUSE << sub->pauses);
	if (sub->pauses < LIMIT_SESSION_PAUSES)
		sub->pauses++;
	session_due(sub->session->all, sub->paused);
}

/* True: the plugin has it. */
static bool give(struct subscription *sub, int64_t seq, struct text body, int64_t now)
{
	bool sent;

	if (!push(sub, seq, body.n)) {
		pause_it(sub, now);
		return false;
	}
	begin_seq(sub, "seq", seq);
	sent = frame_try(sub->session, "EVENT", body) == BUS_SENT;
	if (sent) {
		sub->read = sub->sent = seq;
		sub->pauses = 0;
	} else {
		pop_last(sub);
		pause_it(sub, now);
	}
	return sent;
}

bool sessions_event(struct sessions *s, uint64_t number, int64_t seq, struct text body, int64_t now)
{
	struct subscription *sub;
	bool given = false;

	assert(s != NULL && body.n > 0);
	sub = subscription_of(s, number);
	if (sub != NULL && sub->wanting && !sub->cut) {
		assert(seq > sub->read);
		/* More than was wanted, or wanted before the engine began to stop. */
		sub->cut = sub->count >= sub->window || sub->session->leaving >= 0;
		given = !sub->cut && give(sub, seq, body, now);
	}
	session_settle(s, now);
	return given;
}

void sessions_gap(struct sessions *s, uint64_t number, int64_t from, int64_t to, int64_t now)
{
	struct subscription *sub;

	assert(s != NULL && from <= to);
	sub = subscription_of(s, number);
	if (sub != NULL && sub->wanting && !sub->cut && to > sub->read) {
		begin_seq(sub, "from", from);
		frame_int(s, "to", to);
		frame_send(sub->session, "GAP");
		sub->read = sub->sent = sub->gap = to;
	}
	session_settle(s, now);
}

void sessions_read(struct sessions *s, uint64_t number, int64_t upto, int64_t now)
{
	struct subscription *sub;

	assert(s != NULL);
	sub = subscription_of(s, number);
	if (sub != NULL && sub->wanting) {
		sub->wanting = false;
		if (!sub->cut && upto > sub->read)
			sub->read = upto;
		pass_over(sub);
		want_more(sub);
	}
	session_settle(s, now);
}

void cursors_resume(struct session *session, int64_t now)
{
	for (struct subscription *sub = session->subscriptions; sub != NULL; sub = sub->next) {
		if (sub->paused == 0)
			continue;
		if (now < sub->paused) {
			session_due(session->all, sub->paused);
			continue;
		}
		sub->paused = 0;
		want_more(sub);
	}
}

/* ---- ACK. ---- */

static void say_acked(struct subscription *sub, int64_t seq)
{
	begin_seq(sub, "seq", seq);
	frame_send(sub->session, "ACKED");
}

/* What was acknowledged before: the answer to that is the answer. */
static void ack_again(struct subscription *sub, int64_t seq, int64_t now)
{
	if (session_useless(sub->session, now) && seq <= sub->durable)
		say_acked(sub, seq);
}

static void ack_on(struct subscription *sub, int64_t seq, int64_t now)
{
	struct session *session = sub->session;
	struct sessions *s = session->all;
	struct ticket *ticket = ticket_new(session, TICKET_ACK, TEXT_NONE);
	enum session_answer answer = SESSION_BUSY;

	if (ticket != NULL)
		answer = s->host.ack(s->host.of, text_of(session->plugin->name), text_of(sub->name),
				     seq, ticket->number);
	if (answer != SESSION_TAKEN) {
		if (ticket != NULL)
			ticket_free(s, ticket);
		refuse(session, SESSION_BUSY, NULL, text_of(sub->name), now);
		return;
	}
	ticket->subscription = sub;
	ticket->seq = seq;
	session->acking++;
	sub->acked = seq;
	pop_until(sub, seq);
	want_more(sub);
}

void cursors_ack(struct session *session, const struct frame *frame)
{
	struct text name = value_as_text(frame->members[ACK_CURSOR]);
	int64_t seq = frame->members[ACK_SEQ].i;
	struct subscription *sub = find(session, name);

	if (sub == NULL || !sub->open)
		complain(session, "unknown-cursor", "this cursor isn't open", name, frame->now);
	else if (seq > sub->sent)
		complain(session, "unknown-cursor", "an event with this seq wasn't sent", name,
			 frame->now);
	else if (seq <= sub->acked)
		ack_again(sub, seq, frame->now);
	else
		ack_on(sub, seq, frame->now);
}

void sessions_acked(struct sessions *s, uint64_t number, bool kept, int64_t now)
{
	struct ticket *ticket;
	struct subscription *sub;
	struct session *session;
	int64_t seq;

	assert(s != NULL);
	ticket = ticket_find(s, number, TICKET_ACK);
	if (ticket == NULL)
		return;
	sub = ticket->subscription;
	session = ticket->session;
	seq = ticket->seq;
	ticket_free(s, ticket);
	assert(session->acking > 0);
	session->acking--;
	if (sub != NULL && kept) {
		if (seq > sub->durable)
			sub->durable = seq;
		tell_place(sub, sub->durable);
		say_acked(sub, seq);
	} else if (sub != NULL) {
		/* It may be said once more. */
		if (sub->acked == seq)
			sub->acked = sub->durable;
		refuse(session, SESSION_BUSY, NULL, text_of(sub->name), now);
	}
	if (session->leaving >= 0)
		session_due(s, now);
	session_settle(s, now);
}
