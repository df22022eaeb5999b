/* SPDX-License-Identifier: Apache-2.0
 *
 * session - the engine's side of plugins/PROTOCOL.md as a state machine: frames in,
 * frames and calls to its host out. No socket, no thread, no clock: the time is
 * given (monotonic ms), so a test drives it by hand.
 *
 *   session.c           a message's way, heartbeats, how a session ends
 *   session_frames.c    the verbs and their members; writing and sending frames
 *   session_hello.c     HELLO: who comes in, one session to a name
 *   session_jobs.c      JOB, RESULT, PROGRESS, CANCEL; credit that is lent
 *   session_emits.c     EMIT and its answer
 *   session_cursors.c   durable subscriptions
 *
 * I1  There is one session to a peer, and one to a plugin's name.
 * I2  Each job handed over ends in exactly one job_ended, also when its session
 *     ends, whatever way that happens. After it nothing said about the job counts.
 * I3  A session's error ends that session only. What it was sent, gave and asked
 *     for is forgotten with it; what the sequencer holds of it goes on.
 * I4  Memory is bounded: LIMIT_SESSION_JOBS, _EMITS, _CURSORS, _WINDOW, and the bytes
 *     under way (LIMIT_SESSION_BYTES, LIMIT_SESSION_EVENTS).
 *
 * Ownership: sessions_free frees all. Texts given in either direction are borrowed
 * for the call.
 * Threads: all calls come from one thread, and the host is called on it. The host
 * never calls back into a function of this file. */
#ifndef TAPPET_PLUGINS_SESSION_H
#define TAPPET_PLUGINS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"
#include "engine/io/bus.h"

#define SESSION_WORDS 400 /* bytes of an explanation, with its NUL */

struct sessions;

/* How a job ended. */
enum job_fate {
	JOB_OK,
	JOB_RETRY,  /* nothing has happened; later */
	JOB_REJECT, /* nothing has happened, nor ever will */
	JOB_DOUBT,  /* it may have happened */
	JOB_UNSENT, /* the plugin hasn't got it */
};

struct job_end {
	enum job_fate fate;
	struct text body;  /* JOB_OK: JSON, "null" when there was none */
	int64_t after;     /* JOB_RETRY: ms, -1: not said */
	struct text error; /* words for people; may be empty */
};

struct session_job {
	uint64_t ref;                                     /* the host's; given back with the end */
	struct text plugin, id, action, key, rule, event; /* rule and event may be empty */
	int64_t attempt, timeout;                         /* ms */
	struct text body;                                 /* parameters as JSON */
};

struct session_emit {
	struct text plugin, id, type, subject; /* subject may be empty */
	struct text job;                       /* the id of the job it came from, or empty */
	int64_t time;                          /* wall ms; INT64_MIN: not said */
	struct text data;                      /* JSON */
};

#define SESSION_FROM_START INT64_C(0)
#define SESSION_FROM_NOW   INT64_C(-1)

struct session_subscribe {
	struct text plugin, cursor;
	const struct text *types; /* globs as in a rule's `on` */
	size_t type_count;        /* at least 1 */
	int64_t from;             /* seq after which a new cursor begins, or one of the above */
};

/* What the host says at once to what it is asked to keep. */
enum session_answer {
	SESSION_TAKEN, /* the answer follows, under the ticket */
	SESSION_WRONG, /* it fills `words` */
	SESSION_BUSY,  /* there is no room for it now */
};

enum session_admit { SESSION_UNKNOWN, SESSION_UNTRUSTED, SESSION_ADMITTED };

/* What the sessions' owner does for them. None may be NULL. */
struct session_host {
	void *of;
	enum bus_sent (*send)(void *of, uint32_t peer, const struct text *frames, size_t count);

	/* Whether a connection with this key (empty: ipc) may be this plugin; then how many jobs
	 * at once it is sent at most. */
	enum session_admit (*admit)(void *of, struct text plugin, struct text key,
				    unsigned *concurrency);
	/* The body of HELLO, at most LIMIT_SESSION_MANIFEST bytes. SESSION_WRONG fills `words`: the
	 * path and what is wrong there. */
	enum session_answer (*manifest)(void *of, struct text plugin, struct text json,
					char words[SESSION_WORDS]);
	void (*began)(void *of, struct text plugin, const char *session);
	/* `code` is one of the protocol's errors, or "bye", "gone", "full", "again", "replaced",
	 * "stopped". */
	void (*ended)(void *of, struct text plugin, const char *code, const char *words);
	/* An ERROR was sent. Outside of a session `words` say what was wrong, and `plugin` is the
	 * name that HELLO gave, whatever it is, or empty; within one `words` is NULL: where it was
	 * fatal, `ended` follows. */
	void (*refused)(void *of, struct text plugin, const char *code, const char *words);
	/* sessions_lend would lend something again. */
	void (*credit)(void *of, struct text plugin);

	void (*job_ended)(void *of, uint64_t ref, const struct job_end *end);

	/* Answered by sessions_emitted. Type and data are checked against the manifest here. */
	enum session_answer (*emit)(void *of, const struct session_emit *emit, uint64_t ticket,
				    char words[SESSION_WORDS]);

	/* Answered by sessions_subscribed. The ticket names the subscription from here on. */
	enum session_answer (*subscribe)(void *of, const struct session_subscribe *subscribe,
					 uint64_t ticket, char words[SESSION_WORDS]);
	/* The next events behind `after`, at most so many, and so many bytes unless it is one:
	 * sessions_event and sessions_gap for each, then sessions_read. When there are none yet,
	 * when there are. One is under way at a time. */
	void (*want)(void *of, uint64_t subscription, int64_t after, unsigned most, size_t bytes);
	/* Moves the cursor, by a commit; answered by sessions_acked. Ticket 0: the engine's own
	 * doing, past events that nobody asked for; no answer. */
	enum session_answer (*ack)(void *of, struct text plugin, struct text cursor, int64_t seq,
				   uint64_t ticket);
	/* Where a cursor stands now, on disk (or nearly, when the engine moves it by itself). */
	void (*place)(void *of, struct text plugin, struct text cursor, int64_t seq);
	/* A subscription has ended. */
	void (*unsubscribe)(void *of, uint64_t subscription, struct text plugin, struct text cursor,
			    bool forget);
};

/* NULL when memory is out. `seed` makes the names of sessions differ from those of the process
 * before. */
struct sessions *sessions_new(const struct session_host *host, uint64_t seed);
void sessions_free(struct sessions *s); /* all end without a word; NULL is fine */

/* ---- What happens. `now` never goes back. ---- */

void sessions_message(struct sessions *s, const struct bus_message *message, int64_t now);

/* Heartbeats, deadlines, pauses. The time of the next call at the latest, -1: none. */
int64_t sessions_tick(struct sessions *s, int64_t now);

/* Sessions that `admit` doesn't admit any more end; their concurrency is asked for anew. */
void sessions_reload(struct sessions *s, int64_t now);

/* Says goodbye; jobs at hand may still be answered for so many ms. No others are sent. */
void sessions_stop(struct sessions *s, int64_t within, int64_t now);

size_t sessions_count(const struct sessions *s);
bool sessions_has(const struct sessions *s, struct text plugin);

/* ---- Jobs. ---- */

/* Lends the sequencer up to `most` of the plugin's credit. Each comes back by sessions_job or
 * sessions_return. */
unsigned sessions_lend(struct sessions *s, struct text plugin, unsigned most);
void sessions_return(struct sessions *s, struct text plugin, unsigned count);

/* Sends the job; what can't be sent ends at once, within the call. */
void sessions_job(struct sessions *s, const struct session_job *job, int64_t now);

/* ---- Answers to what the host has taken; unknown tickets (their session has ended) are fine. */

struct session_emitted {
	enum session_answer answer; /* SESSION_TAKEN: it is committed */
	struct text event;          /* its id */
	int64_t seq;
	bool repeat;
	const char *words; /* SESSION_WRONG */
};

void sessions_emitted(struct sessions *s, uint64_t ticket, const struct session_emitted *emitted,
		      int64_t now);

/* SESSION_TAKEN: the cursor is kept, and stands at seq. */
void sessions_subscribed(struct sessions *s, uint64_t ticket, enum session_answer answer,
			 int64_t seq, const char *words, int64_t now);

void sessions_acked(struct sessions *s, uint64_t ticket, bool kept, int64_t now);

/* False: the rest of what was wanted needn't be given. */
bool sessions_event(struct sessions *s, uint64_t subscription, int64_t seq, struct text body,
		    int64_t now);
void sessions_gap(struct sessions *s, uint64_t subscription, int64_t from, int64_t to, int64_t now);

/* What was wanted was given, and the log looked through up to `upto`. */
void sessions_read(struct sessions *s, uint64_t subscription, int64_t upto, int64_t now);

#endif
