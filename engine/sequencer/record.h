/* SPDX-License-Identifier: Apache-2.0
 *
 * record - what goes into the sequencer and what comes out of a committed batch.
 *
 * Inputs are made by the edges (hooks, polls, delivery, admin), each a single
 * heap block with its texts behind it, so that it crosses threads by pointer
 * and is freed by one call. Outputs live in the sequencer's batch memory and
 * are valid until the next batch begins.
 *
 * Ownership: a pushed input belongs to the queue, then to the sequencer. */
#ifndef TAPPET_SEQUENCER_RECORD_H
#define TAPPET_SEQUENCER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fate.h"
#include "engine/base/queue.h"
#include "engine/base/text.h"
#include "engine/connectors/connector.h"

struct ruleset;
struct pause_row; /* pause.h */
struct config;

enum input_kind {
	INPUT_HOOK,     /* a verified webhook: body bytes */
	INPUT_EVENT,    /* an event put in by hand or by a test */
	INPUT_FETCHED,  /* what a fetch of a poll brought */
	INPUT_OUTCOME,  /* how an attempt ended */
	INPUT_GRANT,    /* credit for a target */
	INPUT_BREAKER,  /* a target's breaker opened or closed */
	INPUT_RELOAD,   /* a new configuration and rule set */
	INPUT_COMMAND,  /* an operator's decision */
	INPUT_TABLE,    /* a row that an operator changes */
	INPUT_PLACE,    /* how far a plugin has read */
	INPUT_MANIFEST, /* what a plugin says of itself */
	INPUT_PAUSE,    /* an operator pauses something, or resumes it */
};

/* How a hook's body is wrapped. */
enum envelope { ENVELOPE_NONE, ENVELOPE_STRUCTURED, ENVELOPE_BINARY, ENVELOPE_BATCH };

struct hook_input {
	uint64_t ticket;       /* to be answered; 0: nobody waits */
	struct text hook;      /* name in the configuration */
	struct text body;      /* unpacked */
	struct text media;     /* its Content-Type, at most LIMIT_MEDIA bytes */
	bool form;             /* the body is a form, not JSON */
	struct text event;     /* value of event_header, or empty */
	struct text sender_id; /* value of id_header or the scheme's own id, or empty */
	enum envelope envelope;
	/* ENVELOPE_BINARY: the ce- headers, decoded. */
	struct text ce_id, ce_source, ce_type, ce_subject, ce_time;
};

struct event_input {
	uint64_t ticket;
	struct text type, source, subject, connection, id; /* id may be empty */
	int64_t time;                                      /* ms; INT64_MIN: the batch's clock */
	struct text data, before;                          /* JSON; empty: null */
	int64_t job_run; /* the job of a plugin that it came from, 0: none is named */
	int job_step;
};

/* The end of a request, of an attempt or a fetch alike. */
struct ending {
	enum {
		END_REPLIED,  /* complete status line and body */
		END_CUT,      /* complete status line, incomplete body */
		END_NO_REPLY, /* no complete status line */
		END_REFUSED,  /* by us, before anything left: policy, a bad URL */
		END_RESULT,   /* a test gives the result itself: body is its JSON */
	} how;
	bool sent; /* bytes may have left */
	int status;
	struct text body, content_type;
	struct text etag, last_modified, link; /* headers of a fetch's reply */
	struct text error;      /* for people; of a redirect: where it points, if it says so */
	int64_t retry_after;    /* ms from now; -1: none */
	int64_t started, ended; /* wall ms */
};

struct fetched_input {
	struct text source; /* "<connection>/<resource>" */
	uint64_t fetch;     /* number of the fetch it answers */
	struct ending ending;
};

struct outcome_input {
	int64_t run;
	int step, attempt;
	struct text target;
	unsigned credits; /* given back together with the outcome */
	bool shut;        /* the target takes nothing for now: its credit is wanted back */
	bool lent;        /* as in a grant */
	struct ending ending;
};

struct grant_input {
	struct text target;
	unsigned credits;
	bool lent;   /* what this batch does not spend goes back: others wait for it */
	bool shut;   /* the target takes nothing now: all that it has goes back (credits: 0) */
	bool plugin; /* a plugin lends it, not delivery */
};

struct breaker_input {
	struct text target;
	bool open;
	struct text why;
};

struct reload_input {
	struct config *config; /* both referenced; taken over by the sequencer */
	struct ruleset *rules;
};

enum command_kind {
	COMMAND_RESOLVE_DONE,
	COMMAND_RESOLVE_REPEAT,
	COMMAND_RESOLVE_DROP,
	COMMAND_CANCEL,
	COMMAND_DEAD_RETRY,
	COMMAND_DEAD_DROP,
	COMMAND_RELEASE,
	COMMAND_HELD_DROP,
};

struct command_input {
	uint64_t ticket;
	enum command_kind kind;
	int64_t run;
};

struct table_input {
	uint64_t ticket;
	bool drop;
	struct text table, json; /* the row as a map; with drop its key */
};

/* Where a new cursor of a plugin begins, if not behind an event. */
#define PLACE_START INT64_C(0)
#define PLACE_NOW   INT64_C(-1)

struct place_input {
	uint64_t ticket; /* 0: nobody waits */
	enum {
		PLACE_OPEN,   /* answered 200 with its seq; a new one begins behind `seq` */
		PLACE_MOVE,   /* all up to `seq` are done with */
		PLACE_FORGET, /* not answered */
	} op;
	struct text plugin, cursor;
	int64_t seq;
};

/* It is kept for the next start; rules are loaded with it by a reload. */
struct manifest_input {
	uint64_t ticket; /* 0: nobody waits; answered 200 */
	struct text plugin, json;
};

/* Who asks and why are for people: UTF-8 without control characters. */
struct pause_input {
	uint64_t ticket; /* answered 200 {"state","kind","name","until"}, 404 or 409 */
	bool resume;
	struct text name; /* at most LIMIT_PAUSE_NAME bytes */
	struct text of;   /* "rule", "connection" or "plugin"; empty: whichever has the name */
	int64_t length;   /* ms; 0: until it is resumed */
	struct text who, why;
};

struct input {
	struct queue_item item; /* first member: queues link through it */
	enum input_kind kind;
	unsigned broke; /* batches it took too much memory for: the sequencer's own */
	union {
		struct hook_input hook;
		struct event_input event;
		struct fetched_input fetched;
		struct outcome_input outcome;
		struct grant_input grant;
		struct breaker_input breaker;
		struct reload_input reload;
		struct command_input command;
		struct table_input table;
		struct place_input place;
		struct manifest_input manifest;
		struct pause_input pause;
	};
	char bytes[];
};

/* A copy of `from` in one block, its texts copied behind it. NULL when memory is out. */
struct input *input_new(const struct input *from);
void input_free(struct input *input); /* releases config and rules of a reload not taken */

/* ---- Outputs of one batch. ---- */

struct reply_out {
	uint64_t ticket;
	int status;       /* 202, 200, 400, 404, 409, 503 */
	struct text body; /* JSON */
};

struct attempt_out {
	int64_t run;
	int step, attempt;
	struct text connection; /* empty: none */
	struct text target;
	const struct action *action; /* static */
	struct request request;
	struct text key;    /* Idempotency-Key */
	int64_t timeout;    /* ms */
	bool allow_private; /* the rule itself names the host */
	struct text params; /* JSON of the parameters, for tests and shadow; empty live */
	struct text step_name, rule;
	struct text event; /* its id */
};

struct fetch_out {
	struct text source, connection;
	uint64_t fetch;
	struct request request;
	int64_t timeout;
};

/* Credit that its lender gets back without a request. */
struct unused_out {
	struct text target;
	unsigned credits;
	bool plugin; /* it is a plugin's, as the grant said; else delivery's */
	bool gone;   /* the sequencer forgets the target: delivery may do so, too */
};

struct event_out {
	struct text id, type, source;
	int64_t seq;
	struct text published; /* as a CloudEvent (publish.h); empty: nobody listens, or it is one
				  of more than LIMIT_PUBLISH bytes in a batch */
	size_t at;             /* where it stands; the sequencer's own */
};

/* A run that ended or changed in this batch: for logs, tests and later the bus. */
struct run_out {
	int64_t run;
	struct text rule, state, reason;
	int64_t at; /* wall ms */
};

struct outputs {
	const struct reply_out *replies;
	size_t reply_count;
	const struct attempt_out *attempts;
	size_t attempt_count;
	const struct fetch_out *fetches;
	size_t fetch_count;
	const struct text *targets;  /* wanted: credit is needed and there is none */
	const unsigned *target_runs; /* per wanted target: how many runs wait for it */
	size_t target_count;
	const struct unused_out *unused;
	size_t unused_count;
	const struct event_out *events;
	size_t event_count;
	const struct run_out *runs;
	size_t run_count;
	bool pauses_changed; /* the pauses below are told; they live until the next batch */
	const struct pause_row *pauses;
	size_t pause_count;
};

#endif
