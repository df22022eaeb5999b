/* SPDX-License-Identifier: Apache-2.0
 *
 * session_parts - what the files of the state machine share and nobody else
 * includes.
 *
 * A session that is over stays where it is until session_settle, which each public
 * function calls at its end: so that a connection that turns out to be gone in the
 * middle of something pulls nothing away under it. Nothing is sent to it any more.
 * Ownership: `sessions` owns plugins, sessions and tickets; a session its jobs and
 * subscriptions. */
#ifndef TAPPET_PLUGINS_SESSION_PARTS_H
#define TAPPET_PLUGINS_SESSION_PARTS_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/heap.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/plugins/session.h"
#include "engine/value/parse.h"

#define SESSION_NAME 17 /* of a session, for logs: 16 hex digits and a NUL */

struct session;

/* A peer that waits until it is known whether the session that has its name still answers. */
struct newcomer {
	uint32_t peer;
	char key[BUS_KEY];
	int64_t jobs;
	int64_t until;
	uint64_t question; /* n of the PING that the other is to answer */
	size_t manifest_size;
	char manifest[];
};

/* A name, whether or not there is a session. */
struct plugin {
	struct plugin *next;
	struct session *session;   /* NULL: none */
	struct newcomer *newcomer; /* NULL: none */
	unsigned lent;             /* of its credit, to the sequencer */
	unsigned emits;            /* under way, those of sessions that have ended, too */
	size_t emitted;            /* their bytes */
	int64_t second;            /* when the count began */
	unsigned useless;          /* messages without use since then */
	char name[LIMIT_SESSION_NAME + 1];
};

struct job {
	struct heap_node due; /* in sessions.due */
	struct session *session;
	struct job *previous, *next; /* of the session */
	uint64_t ref;
	int64_t timeout, latest; /* PROGRESS puts it off no further than this */
	size_t bytes;
	size_t id_size;
	char id[];
};

struct sent_event {
	int64_t seq;
	size_t bytes;
};

struct subscription {
	struct subscription *next;
	struct session *session;
	uint64_t ticket;
	bool open;       /* SUBSCRIBED was sent */
	bool wanting;    /* a want is under way */
	bool cut;        /* what it brings isn't sent: the peer was full */
	int64_t paused;  /* until then nothing is wanted; 0: no pause */
	unsigned pauses; /* since the last event that was taken; then one at a time is tried */
	int64_t read;    /* all up to here was sent, or isn't subscribed to */
	int64_t sent;    /* the last seq the plugin knows of */
	int64_t acked;   /* by the plugin, or passed over */
	int64_t durable; /* on disk, or passed over */
	int64_t gap;     /* end of the last one that was told */
	unsigned window;
	struct sent_event *ring; /* those not acknowledged, oldest first */
	unsigned room;           /* of the ring */
	unsigned first, count;
	size_t bytes;
	char name[LIMIT_SESSION_NAME + 1];
};

/* Something that the host has taken and answers later. */
enum ticket_kind { TICKET_EMIT, TICKET_SUBSCRIBE, TICKET_ACK };

struct ticket {
	enum ticket_kind kind;
	uint64_t number;
	struct session *session;           /* NULL: it has ended, and this is an EMIT */
	struct ticket *previous, *next;    /* of the session */
	struct subscription *subscription; /* not of an EMIT; NULL: it has ended */
	int64_t seq;                       /* of an ACK */
	struct plugin *plugin;             /* of an EMIT, as the next two */
	size_t bytes;
	size_t id_size;
	char id[];
};

struct session {
	struct sessions *all;
	struct session *next;
	struct plugin *plugin;
	uint32_t peer;
	char key[BUS_KEY];
	char name[SESSION_NAME];
	const char *over; /* not NULL: it has ended, for this reason */
	char words[SESSION_WORDS];
	int64_t heard;   /* last */
	bool pinged;     /* since then */
	int64_t leaving; /* when it is stopped whatever is under way; -1: nobody is stopping it */
	unsigned credit, concurrency;
	unsigned emits;   /* under way */
	unsigned working; /* jobs */
	unsigned acking;  /* ACKs under way */
	size_t bytes;     /* of their parameters */
	struct job *jobs_list;
	struct map *jobs; /* by id */
	struct ticket *tickets;
	struct subscription *subscriptions;
};

struct stranger {
	uint32_t peer;
	bool used;
	int64_t told; /* when it was last told that it has no session */
};

struct sessions {
	struct session_host host;
	uint64_t seed, number; /* of sessions, PINGs and tickets */
	struct plugin *plugins;
	struct session *list;
	size_t count;
	bool over; /* some session is */
	bool stopping;
	int64_t sweep;       /* when the list is next to be looked through; -1: nothing is due */
	struct map *peers;   /* peer -> session */
	struct map *tickets; /* number -> ticket */
	struct heap due;     /* of jobs */
	struct stranger strangers[LIMIT_SESSION_STRANGERS];
	size_t next_stranger;
	struct json_parser *parser;
	struct arena *arena; /* of one message */
	struct buf header;   /* being written */
};

/* ---- session_frames.c ---- */

enum verb {
	VERB_ACK,
	VERB_BYE,
	VERB_CREDIT,
	VERB_EMIT,
	VERB_HELLO,
	VERB_PING,
	VERB_PONG,
	VERB_PROGRESS,
	VERB_RESULT,
	VERB_SUBSCRIBE,
	VERB_UNSUBSCRIBE,
	VERB_COUNT,
};

#define FRAME_MEMBERS 5 /* the most that a verb has */

/* A message that was read: its members in the order of the table, VALUE_NULL where one was left
 * out. */
struct frame {
	enum verb verb;
	const char *word;
	struct value members[FRAME_MEMBERS];
	struct text body; /* empty: left out */
	uint32_t peer;
	struct text key;
	int64_t now;
};

/* NULL, or the code of what is wrong; then `words` is filled and frame->word is NULL when the verb
 * isn't known. */
const char *frame_read(struct sessions *s, const struct bus_message *message, struct frame *frame,
		       char words[SESSION_WORDS]);

/* A header: begin, members, then send. */
void frame_begin(struct sessions *s);
void frame_text(struct sessions *s, const char *name, struct text value);
void frame_int(struct sessions *s, const char *name, int64_t value);
void frame_bool(struct sessions *s, const char *name, bool value);

/* To a session: BUS_GONE has ended it. */
enum bus_sent frame_try(struct session *session, const char *verb, struct text body);
/* What must arrive: a session that can't take it has ended. */
void frame_send(struct session *session, const char *verb);
/* To a peer without a session. */
void frame_send_peer(struct sessions *s, uint32_t peer, const char *verb);

/* An ERROR that isn't fatal. `about` may be empty; `after` and `emits` are left out when 0. */
struct complaint {
	const char *code, *words;
	struct text about;
	int64_t after;
	int emits;
};

void frame_complain(struct session *session, const struct complaint *complaint, int64_t now);

/* ---- session.c ---- */

/* A fatal ERROR; the session has ended. */
void session_fail(struct session *session, const char *code, const char *words, struct text about);

/* The same to a peer that has no session. */
void session_refuse(struct sessions *s, uint32_t peer, const char *code, const char *words,
		    struct text about, struct text plugin, int64_t now);

/* It has ended, without a word to the plugin. The first reason counts. */
void session_over(struct session *session, const char *code, const char *words);

/* Frees what is over. */
void session_settle(struct sessions *s, int64_t now);

/* Something is to be looked at by then. */
void session_due(struct sessions *s, int64_t at);

struct session *session_of_peer(const struct sessions *s, uint32_t peer);
struct session *session_of_plugin(const struct sessions *s, struct text plugin);

/* Counts a message without use; false: there were too many, and the session has ended. */
bool session_useless(struct session *session, int64_t now);
/* The same of a plugin that has none, or may get one; the cost of a large message is higher. */
bool plugin_useless(struct plugin *plugin, unsigned cost, int64_t now);

/* NULL when memory is out. */
struct ticket *ticket_new(struct session *session, enum ticket_kind kind, struct text id);
struct ticket *ticket_find(const struct sessions *s, uint64_t number, enum ticket_kind kind);
void ticket_free(struct sessions *s, struct ticket *ticket);

/* A lower-case name as in the manifest. */
bool session_is_name(struct text name);

/* ---- session_hello.c ---- */

void hello_read(struct sessions *s, const struct frame *frame);
/* The one who waits gets the name, or is told that it is taken. */
void hello_admit(struct sessions *s, struct plugin *plugin, int64_t now);
void hello_taken(struct sessions *s, struct plugin *plugin, int64_t now);
struct plugin *plugin_find(const struct sessions *s, struct text name);

/* ---- session_jobs.c ---- */

void jobs_result(struct session *session, const struct frame *frame);
void jobs_progress(struct session *session, const struct frame *frame);
/* False: that is too much, and the session has ended. */
bool jobs_credit(struct session *session, int64_t count);
void jobs_late(struct sessions *s, int64_t now); /* CANCELs what is due */
void jobs_end_all(struct session *session);      /* each in doubt */

/* ---- session_emits.c ---- */

void emits_read(struct session *session, const struct frame *frame);
/* The session ends, its EMITs are still under way. Other tickets are freed. */
void emits_leave(struct session *session);
void emits_free(struct sessions *s); /* those of sessions that have ended */

/* ---- session_cursors.c ---- */

void cursors_subscribe(struct session *session, const struct frame *frame);
void cursors_unsubscribe(struct session *session, const struct frame *frame);
void cursors_ack(struct session *session, const struct frame *frame);
void cursors_resume(struct session *session, int64_t now); /* pauses that are over */
void cursors_end_all(struct session *session);

#endif
