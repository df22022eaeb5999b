/* SPDX-License-Identifier: Apache-2.0
 *
 * internal - what the files of the sequencer share; nobody else includes it.
 *
 * Memory of a batch: `batch` holds outputs and lives until the next batch;
 * `work` holds one input's trees and is reset after each. In-memory state (runs,
 * lanes, targets, sources) always equals what the store will hold after the
 * commit; when the commit fails it is thrown away and read again (recover.c).
 * A failed allocation marks the batch broken, which has the same end. */
#ifndef TAPPET_SEQUENCER_INTERNAL_H
#define TAPPET_SEQUENCER_INTERNAL_H

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/hash.h"
#include "engine/base/heap.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/base/timetext.h"
#include "engine/rules/edge.h"
#include "engine/rules/render.h"
#include "engine/sequencer/board.h"
#include "engine/sequencer/sequencer.h"
#include "engine/sequencer/tables.h"
#include "engine/value/diff.h"

/* A growing array in the batch arena. */
struct vector {
	void *items;
	size_t n, room;
};

/* Room for one more item of `size`, zeroed, or NULL with the batch broken. */
void *vector_add(struct sequencer *s, struct vector *v, size_t size);

struct run;

/* Runs of one (rule, key), or of the rules that name the same lane, in order; the head alone may
 * act. */
/* Of one rule: backlog.c. */
struct backlog {
	size_t loaded;   /* runs in memory */
	uint64_t stored; /* runs in the store alone, at most; 0: none */
	int64_t upto;    /* their ids are larger */
	struct backlog *next;
	bool listed;
	size_t rule_size;
	char rule[];
};

struct lane {
	struct run *head, *tail;
	size_t key_size;
	char key[];
};

/* Where requests go, as far as credit is concerned. */
struct target {
	unsigned credit;
	unsigned credit_before;              /* at the start of `batch` */
	uint64_t batch;                      /* the last one that touched its credit */
	unsigned queued;                     /* runs in its queue */
	unsigned announced;                  /* what delivery has been told of that */
	struct run *ready_head, *ready_tail; /* runs that only lack credit */
	struct target *next_ready;           /* list of targets with both */
	struct target *next_hungry;          /* list of targets that may have to ask for credit */
	bool listed, hungry;
	bool lent;                  /* what isn't spent in this batch goes back */
	bool plugin, plugin_before; /* whose credit it is, and was at the start of `batch` */
	struct board_target *row;   /* where its queue is told; NULL: it is no real one */
	bool gone;                  /* nobody needs it: forgotten when that is committed */
	size_t name_size;
	char name[];
};

/* The for_each that a run is in; loop.c. */
struct run_loop {
	int step;                    /* its index */
	int at, items;               /* the item in hand, of so many */
	int done, failed;            /* items so far */
	bool released;               /* an operator let it go beyond its max */
	size_t entry;                /* offset of its entry in the run's steps */
	struct buf outcomes, errors; /* a letter for each item; inner text of a JSON list */
	struct buf list;             /* its JSON where it may be another later, else empty */
	size_t body;                 /* offset behind its entry: of those of the item in hand */
	/* What items read again and again, in the work arena while the run's turn lasts. */
	bool listed, looked_back;
	struct value now;    /* the list */
	struct value before; /* the entries before its own */
};

struct run {
	int64_t id, event; /* event: seq */
	const struct rule *rule;
	struct ruleset *set; /* a reference: the revision the run began with */
	enum run_state state;
	char *reason;  /* heap, or NULL */
	char *failure; /* heap: of the main step whose handler runs; becomes the reason */
	char *sent;    /* heap: of the attempt in hand its idempotency key, NUL, and the JSON of its
			* request, both for its record; NULL: not known */
	size_t data_at; /* where in the latter the event's data go as its body; 0: nowhere */
	int64_t began;  /* wall ms: start of the attempt in hand */
	int step, attempt;
	int base;             /* attempts made before an operator asked for more */
	int64_t created, due; /* wall ms */
	char *key;
	char *lane_name;  /* heap: of the lane its rule names, or NULL */
	struct buf steps; /* inner text of the JSON list of steps reached */
	size_t entry;     /* offset of the entry of the step in hand */
	int steps_done;
	int pages;             /* attempts of the step in hand that were no tries: pages, lookups */
	struct run_loop *loop; /* or NULL */
	int64_t doubt;     /* steady ms since when its target is asked whether it happened, or 0 */
	bool entered;      /* the step in hand has an entry */
	bool gathered;     /* which holds what pages gave so far */
	bool recalled;     /* the look-up in hand needs no request: its result is known */
	char *recall;      /* heap: what the result of the look-up in hand is kept as, or NULL */
	bool waits;        /* edges know that it is to decide (edge_wait) */
	bool damaged;      /* the store's record of what it did can't be read */
	bool fresh, dirty; /* not yet in the store; changed in this batch */
	bool stored;       /* waits in the store alone from the commit on */
	struct backlog *backlog; /* its rule's */
	struct run *next_dirty;
	struct lane *lane;
	struct run *next_in_lane;
	struct target *target; /* waits for its credit */
	struct run *next_ready, *previous_ready;
	struct heap_node timer; /* WAITING: until due */
};

struct source;  /* poll.c */
struct planner; /* schedule.c */
struct watch;   /* silence.c */

struct sequencer {
	struct store *store;
	struct config *config;
	struct ruleset *rules;
	struct sequencer_options options;
	struct sequencer_stats stats;
	struct instant now;
	struct arena *batch, *work;
	struct arena *object; /* stands in for `work` while one object of a page is observed */
	struct json_parser *parser, *page_parser;
	struct map *runs;       /* id (8 bytes) -> struct run: open ones */
	struct map *backlogs;   /* rule id -> struct backlog: rules that have or had open runs */
	struct backlog *stored; /* those with runs in the store alone */
	struct map *lanes;      /* rule NUL key, or NUL name -> struct lane */
	struct map *targets;    /* name -> struct target */
	struct map *inflight;  /* run id (8 bytes) -> attempt number: sent, outcome not committed */
	struct map *revisions; /* rule NUL revision -> struct ruleset, of runs that outlived their
				  rule's text */
	struct board *board;   /* figures for metrics */
	struct matcher *matcher;             /* of `rules` */
	struct entities entities;            /* what the store knows, for expressions */
	struct recollections *recollections; /* lookups.c; NULL until a result is kept */
	struct edges *edges;                 /* edge.c; NULL until an event needs it */
	uint64_t edge_turn;                  /* events looked at so far: marks rules found true */
	struct stored_tables tables;
	struct map *blind;          /* rule id -> struct blind_count (emit.c), heap */
	struct map *kept_revisions; /* revision and rule: known to be in the store */
	struct heap run_timers;
	struct source *sources;
	size_t source_count;
	struct planner *planners;
	size_t planner_count;
	struct watch *watches;
	size_t watch_count;
	struct run *dirty;
	struct target *ready, *hungry; /* targets to look at before the commit */
	struct vector lenders;         /* targets whose unspent credit goes back */
	bool credit_returns;           /* that of all targets does */
	bool trimming;                 /* some targets are gone when this is committed */
	size_t trim_at;                /* more targets than that: forget those nobody needs */
	uint64_t batch_number;
	struct target *parked; /* no real target: runs that wait for the end of a pause */
	struct map *paused;    /* "rule/NAME"... -> struct pause (pause.c), heap */
	bool pauses_changed;   /* they are told with this batch */
	struct target *turn; /* no real target: runs that may act because their lane's head left */
	unsigned turns;      /* that are left in this batch */
	const struct run *in_turn; /* the run that acts, or NULL */
	size_t turn_from;          /* bytes of the work arena when its turn began */
	bool untried;              /* an outcome is in hand that broke no batch */
	struct queue_item *kept;   /* facts of a batch that failed */
	bool lost;                 /* memory does not hold what the store does: read it first */
	int64_t began;             /* mono ms: when the daemon started */
	int64_t steady;            /* ms: wall less mono when the daemon started */
	int64_t apart;             /* ms: wall less mono in the batch before */
	int64_t retry_at;          /* mono ms: when to try a failed batch again */
	int64_t retain_at;         /* mono ms: when to forget what is old */
	int64_t kept_at;           /* mono ms: when to count what is kept of it */
	bool draining;             /* nothing new is begun */
	int64_t last_event, last_run;
	uint64_t last_fetch;
	bool broken;
	struct input *culprit; /* in hand when the batch broke, or NULL */
	bool crowded;          /* it did so only because others had taken so much before */
	int64_t acting;        /* the run in hand outside of inputs, or 0 */
	int64_t suspect;       /* the run that broke the last batch by itself, or 0 */
	int64_t heavy;         /* one that did so twice, or 0 */
	bool publishing;       /* somebody listens to events */
	struct buf published;  /* those of this batch */
	struct buf json;       /* seq_json's, empty between calls */
	struct map *said; /* plugin -> its struct manifest, of those that came since the start */
	struct vector pauses;
	struct vector replies, attempts, fetches, wanted, wants, unused, events, changed, ended;
};

/* ---- sequencer.c ---- */
void seq_took(struct sequencer *s, struct scope *scope, int step, enum way way); /* tests */
void seq_break(struct sequencer *s); /* memory is out: this batch can't commit */
void seq_clear(struct sequencer *s); /* empties the work arena; breaks when it did not suffice */

/* ---- answer.c ---- */
void seq_answer(struct sequencer *s, uint64_t ticket, int status, struct text body);
void seq_reply(struct sequencer *s, uint64_t ticket, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5))); /* below 1 KiB */
void seq_refuse(struct sequencer *s, uint64_t ticket, int status,
		const char *why);                                         /* {"error": why} */
struct request seq_request(struct sequencer *s, const struct request *r); /* in the batch arena */
struct text seq_json(struct sequencer *s, struct value v);                /* in the work arena */

/* ---- intake.c ---- */
void intake_hook(struct sequencer *s, const struct hook_input *hook);
void intake_event(struct sequencer *s, const struct event_input *event);

/* ---- emit.c ---- */
struct emission {
	struct text id; /* empty: event_own_id */
	struct text source, type, subject, connection;
	int64_t time;  /* ms */
	int64_t cause; /* run, or 0 */
	int depth;
	struct value data, before; /* typed when the type's kind is known */
	struct event_body *body;   /* it came in, or NULL; the first event keeps it */
};

/* Why a match does nothing, or NULL. Spends the throttle, for `run`. */
const char *emit_skip(struct sequencer *s, struct scope *scope, struct text key, int64_t run);

/* Logs a rule that could not be evaluated; of one in force counts it, and raises it when that is
 * most of its events. */
void emit_blind(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		const struct decision *decision);

/* The beginning of a reply, fit for a message: cut between characters, in one line. */
struct text seq_quote(struct sequencer *s, struct text body);

/* The matcher of the rules in force, or NULL: the batch is broken then. */
/* What the wall clock would show had nobody set it since the daemon started: how long something in
 * the store is to last is measured with it, so that no length depends on the clock's being set.
 * Never for people: what is shown or is a date is s->now.wall. */
static inline int64_t seq_steady(const struct sequencer *s)
{
	return s->now.mono + s->steady;
}

struct matcher *seq_matcher(struct sequencer *s);

/* Appends the event and starts what rules make of it. Returns its id (batch arena). */
struct text emit(struct sequencer *s, const struct emission *emission);

/* An event of the engine's own: tappet.*. `cause` may be NULL. */
void emit_own(struct sequencer *s, const char *type, struct text subject, struct value data,
	      const struct run *cause, int depth);

/* The event of a run, typed, in the work arena; false when the store fails. */
bool emit_load(struct sequencer *s, int64_t seq, struct event_view *out);

/* ---- observe.c ---- */
enum observed { OBSERVED_POLL, OBSERVED_STOCK, OBSERVED_HOOK, OBSERVED_REPLY };

struct observation {
	const struct object_kind *kind;
	struct text connection, source;
	struct value object;  /* as received */
	struct text id;       /* empty: what the kind's field says */
	uint64_t hash;        /* of its bytes; 0: unknown */
	enum observed how;    /* STOCK: take stock, emit nothing */
	bool whole;           /* absent fields are really gone */
	const char *happened; /* an edge's event that the message says happened, or NULL */
	int64_t time;         /* ms, or INT64_MIN */
	int64_t cause;
	int depth;
	struct text id_base; /* event id's base for hooks: hash parts; empty: sequence numbers */
	struct event_body *body; /* as in an emission */
};

/* Compares with the snapshot, emits what changed, keeps the new state. Returns
 * how many events it emitted; *first is the first one's id. */
int observe(struct sequencer *s, const struct observation *o, struct text *first);

/* The object is gone. */
void observe_gone(struct sequencer *s, const struct object_kind *kind, struct text connection,
		  struct text source, struct text id);

/* "<connection>/<kind>" in the work arena: what snapshots are filed under. */
struct text observe_shelf(struct sequencer *s, struct text connection,
			  const struct object_kind *kind);

/* The last known state as entity() reads it; `of` is the sequencer. */
struct value observe_known(void *of, struct arena *arena, struct text connection,
			   const struct object_kind *kind, struct text id);

/* The object's identity, or empty. */
struct text observe_id(struct sequencer *s, const struct object_kind *kind, struct value object);

/* False for what is no event by itself: ignored fields, and absence that tells nothing. */
bool observe_counts(const struct object_kind *kind, const struct change *change);

/* ---- guard.c: what the engine wrote itself ---- */

struct echo {
	struct text rule;
	int64_t run; /* that wrote it */
	struct echo *next;
};

struct guarded {
	int64_t cause;       /* run, or 0 */
	int depth;           /* of the event */
	struct echo *echoes; /* rules that wrote all that changed */
};

/* What the attempt in hand writes, from its parameters; `depth` is its event's. */
void guard_wrote(struct sequencer *s, const struct run *run, int depth, struct value params);
/* The reply says that it made this object. */
void guard_made(struct sequencer *s, const struct run *run, int depth,
		const struct object_kind *kind, struct text id);
void guard_refused(struct sequencer *s, const struct run *run, struct value params);
/* Before an event is put: whose doing it is. */
void guard_judge(struct sequencer *s, const struct emission *e, struct guarded *out);
/* True when the event is an echo that the rule doesn't want. */
bool guard_ignores(struct sequencer *s, const struct rule *rule, const struct event_view *event,
		   const struct guarded *g);
/* The same, asked later; echoes are remembered for a month. */
bool guard_was_echo(struct sequencer *s, const struct rule *rule, int64_t seq);
/* tappet.loop: the rule was skipped, as the event is too deep. */
void guard_loop(struct sequencer *s, const struct rule *rule, const struct event_view *event);

/* ---- edge.c ---- */

/* Around the matching of an event: edge_begin names it, edge_rise is told of each rule with an edge
 * that fires, edge_end finds those that are active and don't. */
uint64_t edge_begin(struct sequencer *s);
/* True when the rule acts on it; *skip (untouched otherwise) then may say why it does not. */
bool edge_rise(struct sequencer *s, const struct rule *rule, const struct event_view *event,
	       struct text key, uint64_t turn, const char **skip);
void edge_end(struct sequencer *s, const struct event_view *event, uint64_t turn);
/* The event may have turned the rule, which its look-ups are to tell. */
void edge_look(struct sequencer *s, const struct rule *rule, uint64_t turn);
/* The run's look-ups are to be made, so events of its key wait; it has decided, or is over. */
void edge_wait(struct sequencer *s, struct run *run);
void edge_unwait(struct sequencer *s, struct run *run);
/* The run ends undecided: tried again one day, it is to know what came meanwhile. */
void edge_give_up(struct sequencer *s, const struct run *run);
/* The condition holds for the run's key, or it doesn't. The index of the step to go on with, or
 * -1: nothing is to be done. *reason says why the run is skipped all the same, or NULL. */
int edge_decide(struct sequencer *s, struct run *run, struct scope *scope, bool holds,
		const char **reason);
/* The rule is paused: what it knows of the key stays. True when the event would have turned it. */
bool edge_hold(struct sequencer *s, const struct rule *rule, struct text key, uint64_t turn);
void edge_forget(struct sequencer *s); /* memory is read again when it is next needed */

/* ---- lookups.c ---- */

/* A rule's look-ups are made, or (`fallen`) its condition is false without any: the rule decides.
 * True when the run goes on with another step; else it is over. */
bool lookups_end(struct sequencer *s, struct run *run, bool fallen);

/* What a look-up's result is kept as: its connection, action and parameters. */
void lookup_name(const struct step *step, struct text params, char out[HASH_HEX]);
/* False when no result is known that is young enough and that the step accepts. */
bool lookup_recall(struct sequencer *s, const struct step *step, struct text name, int *status,
		   struct value *result);
void lookup_keep(struct sequencer *s, struct text name, int status, struct value result);
void lookups_forget(struct sequencer *s);

/* ---- run.c ---- */
/* `first` is the index of the step it begins with. */
void run_begin(struct sequencer *s, const struct rule *rule, const struct event_view *event,
	       struct text key, const char *skipped, int first);
void run_act(struct sequencer *s, struct run *run, const struct event_view *event);
bool run_step_done(struct sequencer *s, struct run *run, int status, struct value result);
bool run_step_failed(struct sequencer *s, struct run *run, int status, const char *why);
bool run_step_skipped(struct sequencer *s, struct run *run);
void run_wait(struct sequencer *s, struct run *run, int64_t delay);
/* Whether its target can be asked if the step happened; else why not. */
bool run_can_look(struct sequencer *s, struct run *run, const struct event_view *event,
		  const char **why);
/* The parameters of the step in hand, filled in; null when they can't be. */
struct value run_params(struct sequencer *s, struct run *run, const struct event_view *event);
void run_end(struct sequencer *s, struct run *run, enum run_state state, const char *reason);
void run_dirty(struct sequencer *s, struct run *run);
void run_move(struct run *run, enum run_state to);
void run_timers(struct sequencer *s); /* starts what is due */
void run_flush(struct sequencer *s);  /* writes the rows of changed runs */
void run_revision(struct sequencer *s, const struct rule *rule); /* its text is kept */
struct run *run_find(const struct sequencer *s, int64_t id);
struct run *run_load(struct sequencer *s,
		     const struct run_record *record); /* makes it open again */
void run_free(struct run *run);
void run_name(const struct run *run, const struct step *step, struct text event_id,
	      char out[HASH_HEX]);                      /* the idempotency key */
struct text run_id_key(const int64_t *id);              /* map key */
void run_request(struct sequencer *s, struct run *run); /* makes run->sent again after a restart */

/* ---- sent.c ---- */

/* Keeps the key and the request of the attempt that begins. */
void sent_keep(struct run *run, const char key[HASH_HEX], const struct request *r,
	       const struct event_view *event);
const char *sent_request(const struct run *run); /* its JSON, or NULL: not known */

/* ---- loaded.c ---- */
bool loaded_note(struct sequencer *s); /* false: the batch is broken */

/* ---- shadow.c ---- */

/* The steps of a run in shadow, as the record of steps has it; empty: there are none. */
struct text shadow_steps(struct sequencer *s, const struct rule *rule,
			 const struct event_view *event, struct text key, int first);

/* The same behind the look-ups in the record of a run that they decided to be in shadow. */
void shadow_append(struct sequencer *s, struct run *run, int first);

/* The member "auth" of a request as it is recorded: its header, with the name of the secret in the
 * place of that. Nothing when it has none. */
void shadow_put_auth(struct buf *out, const struct request *r);

/* ---- steps.c: the record of what each step did ---- */
void steps_enter(struct sequencer *s, struct run *run);
void steps_leave(struct sequencer *s, struct run *run, const char *state, int status,
		 struct value result, const char *error);
/* Writes the entry in hand again: with pages, doubt and what was gathered (null: nothing). */
void steps_keep(struct sequencer *s, struct run *run, struct value gathered);
struct value steps_gathered(struct sequencer *s, const struct run *run); /* null: nothing */
struct value steps_value(struct sequencer *s, const struct run *run);    /* `steps` for rules */
struct value steps_error(struct sequencer *s, const struct run *run);    /* `error` for handlers */
char *steps_failure(struct sequencer *s, const struct run *run); /* heap; NULL: no handler runs */
void steps_load(struct sequencer *s, struct run *run, struct text json); /* as the store keeps it */

/* What the step in hand told when it was last given up, or null. */
struct value steps_earlier(struct sequencer *s, const struct run *run);

/* ---- loop.c: for_each ---- */
void loop_free(struct run *run);
void loop_turn_end(struct run *run); /* what is in the work arena goes */
/* The step in hand is a for_each: what follows. True when the next step can be looked at now. */
bool loop_enter(struct sequencer *s, struct run *run, struct scope *scope);
/* The last step of an item is over; as above. */
bool loop_item_end(struct sequencer *s, struct run *run, bool failed);
/* The item in hand, or VALUE_ERROR. */
struct value loop_item(struct sequencer *s, const struct run *run, const struct scope *scope);
void loop_put(struct buf *b, const struct run *run); /* members of its entry */
/* The for_each of an open entry, which begins at byte `at` of the run's steps and ends at `body`.
 */
void loop_load(struct sequencer *s, struct run *run, struct value entry, size_t at, size_t body);

/* ---- outcome.c ---- */
/* `again`: it broke a batch already. */
void outcome_take(struct sequencer *s, const struct outcome_input *outcome, bool again);
/* Its handling takes more memory than there is: the run needs an operator. */
void outcome_drop(struct sequencer *s, const struct outcome_input *outcome);
/* An attempt of which nobody knows how it ended. */
void outcome_doubt(struct sequencer *s, struct run *run, const char *why, int64_t retry_after);

/* ---- lane.c ---- */
struct target *target_get(struct sequencer *s, struct text name);
void target_queue(struct sequencer *s, struct target *target, struct run *run);
void target_unqueue(struct run *run);
void target_grant(struct sequencer *s, const struct grant_input *grant);

/* Gives back all credit that is held for it, before anything of this batch spends it. */
void target_shut(struct sequencer *s, struct text name);
void target_spend(struct sequencer *s, struct target *target); /* one credit */
void targets_undo(struct sequencer *s);      /* credit as it was before the batch */
void targets_trim(struct sequencer *s);      /* forgets those nobody needs, when there are many */
void targets_serve(struct sequencer *s);     /* spends credit on runs that waited for it */
void targets_ask(struct sequencer *s);       /* tells delivery which targets lack credit */
void targets_ask_again(struct sequencer *s); /* all of them, when there may be others to ask */
bool lane_join(struct sequencer *s, struct run *run);  /* true: its turn is now */
void lane_leave(struct sequencer *s, struct run *run); /* and lets the next one act */

/* ---- seen.c: the ids that a sweep came across ---- */
struct seen {
	uint64_t *slots; /* 16 bytes an id, while the sweep lasts */
	size_t room, count;
};

bool seen_add(struct seen *seen, struct text id); /* false when memory is out */
bool seen_has(const struct seen *seen, struct text id);
void seen_clear(struct seen *seen);

/* ---- poll.c ---- */
bool poll_setup(struct sequencer *s); /* from configuration and cursors */
void poll_free(struct sequencer *s);
void poll_timers(struct sequencer *s);
int64_t poll_next(const struct sequencer *s);
void poll_fetched(struct sequencer *s, const struct fetched_input *fetched);
uint64_t poll_cursor_hash(struct value cursor, const char *name); /* written in hex; 0: none */

/* ---- listing.c: a list that is read whole, page after page ---- */
struct listing;
struct listing *listing_new(void); /* NULL when memory is out */
void listing_free(struct listing *l);
/* What the cursor keeps: the validators of the last list. */
void listing_read(struct listing *l, struct value cursor);
void listing_write(struct sequencer *s, const struct listing *l, struct value_map_builder *cursor);
/* Of what is listed (connection and settings): another signature is another list. */
uint64_t listing_signature(struct sequencer *s, const struct connection *connection,
			   const struct poll_config *poll);
/* A round begins. `silent`: what is no longer there goes without an event. `whole`: it is to be
 * read even if the server says that nothing changed. */
void listing_begin(struct sequencer *s, struct listing *l, const struct connection *connection,
		   const struct poll_config *poll, bool silent, bool whole);
void listing_ask(const struct listing *l, struct page_ask *ask);
bool listing_row(struct sequencer *s, struct listing *l, struct text id);
/* A page was read. LISTING_FAILED says why, and the round has to begin anew. */
enum listing_turn { LISTING_MORE, LISTING_END, LISTING_FAILED };
enum listing_turn listing_page(struct sequencer *s, struct listing *l, const struct page *page,
			       const struct ending *end, struct text shelf, const char **why);
/* Reports some of what is gone; true when that was all of it. */
bool listing_gone(struct sequencer *s, struct listing *l, const struct connection *connection,
		  const struct poll_config *poll);

/* ---- undelivered.c: deliveries that failed, found by a poll with catch_up ---- */
struct undelivered;
struct undelivered *undelivered_new(void); /* NULL when memory is out */
void undelivered_free(struct undelivered *m);
void undelivered_clear(struct undelivered *m);
size_t undelivered_listed(const struct undelivered *m); /* different ones since it was cleared */
/* A row of the list. `stock`: it was there before us and stays as it is. False when it is no
 * delivery, when there are too many, or with the batch broken; *why says so. */
bool undelivered_row(struct sequencer *s, struct undelivered *m, const struct poll_config *poll,
		     struct text shelf, struct text id, struct text json, bool stock,
		     const char **why);
/* The list is at its end: puts them in order, gives up what was sent in vain too often. */
void undelivered_sort(struct sequencer *s, struct undelivered *m, const struct poll_config *poll,
		      struct text shelf);
/* The next ids to have sent again, at most `room`, as heap copies; 0: none are left. */
unsigned undelivered_next(struct sequencer *s, struct undelivered *m, struct text *ids,
			  unsigned room);
/* These were asked for, in this commit; `dropped` tells which will not come. */
void undelivered_asked(struct sequencer *s, const struct poll_config *poll, struct text shelf,
		       const struct text *ids, const bool *dropped, unsigned count);
/* Forgets those that the cycle did not list any more. */
void undelivered_forget(struct sequencer *s, const struct undelivered *m, struct text shelf);

/* ---- feed.c: news of changes, and what is read again because of them ---- */

/* Where a connection's hints about the objects of one poll wait, in the work arena. */
struct text feed_shelf(struct sequencer *s, const struct poll_config *about);

struct feed_reading {
	const struct connection *connection;
	const struct poll_config *poll;
	bool stock;   /* what happened before the first look: neither told nor followed */
	bool quiet;   /* the feed was asked for less before: only followed */
	int64_t high; /* raised to the latest time of a row */
	const struct poll_config *about; /* out: the poll a row was a hint for, or NULL */
	const char *why;                 /* out: it is no row */
};

/* A row of a feed, once: an event, or a hint. False when it is no row. */
bool feed_row(struct sequencer *s, struct feed_reading *r, struct text id, struct text json);

/* tappet.source.gap of a feed; times in ms, 0: unknown. */
void feed_gap(struct sequencer *s, const struct poll_config *poll, const char *reason, int64_t from,
	      int64_t to);

bool feed_waits(struct sequencer *s, const struct poll_config *about); /* some hint does */

/* The next hints, at most `room`, as heap copies; *ids get the objects they are about, each once.
 */
unsigned feed_hints(struct sequencer *s, const struct poll_config *about, struct text *hints,
		    unsigned room, struct text *ids, unsigned *id_count);

/* The object's end was told: what comes later about it is old news. */
void feed_bury(struct sequencer *s, const struct connection *c, const struct poll_config *about,
	       struct text id);

/* These hints were followed. Those about an object in `lost`, which was never known and is not
 * there any more, become events. */
void feed_settle(struct sequencer *s, const struct connection *c, const struct poll_config *about,
		 const struct text *hints, unsigned count, const struct text *lost,
		 unsigned lost_count);

/* ---- rounds.c: polls that read lists and then each object ---- */
struct round;
struct round *round_new(void); /* NULL when memory is out */
void round_free(struct round *r);
/* The lists that were read to their end before, from and for the cursor. False: memory is out. */
bool round_restore(struct round *r, struct value lists);
struct value round_names(struct sequencer *s, const struct round *r);
/* Begins a round, a full one or not. The first thing to ask for is in round_ask, unless
 * round_is_over. */
void round_begin(struct sequencer *s, struct round *r, const struct poll_config *poll,
		 struct call *call, struct text shelf, bool full);
bool round_is_over(const struct round *r);
/* What to ask for; `id` is room for the id that ask->ids then points to. */
void round_ask(struct sequencer *s, struct round *r, struct text shelf, struct page_ask *ask,
	       struct text *id);
/* A row of a list. False with the batch broken. */
bool round_row(struct sequencer *s, struct round *r, struct text shelf, struct text id,
	       bool baseline_emits);
/* Whether the object in hand is only taken stock of. */
bool round_stock(const struct round *r);
/* What to keep as the hash of the object's snapshot, given that of its bytes. */
uint64_t round_hash(const struct rounds *rounds, struct value object, uint64_t hash);
/* Whether the status only says that the object in hand, which nobody lists, is gone or hidden: the
 * round goes on. */
bool round_missing(struct sequencer *s, struct round *r, const struct rounds *rounds,
		   struct text shelf, int status);
/* Whether the object in hand is left out of this round, after a reply that is of no use. */
bool round_skip(struct sequencer *s, struct round *r, const struct rounds *rounds,
		struct text shelf, const struct ending *end);
bool round_is_reading(const struct round *r); /* objects, and no lists any more */
size_t round_left(const struct round *r);     /* how many were */
bool round_is_barren(const struct round *r);  /* and nothing was read beside them */
/* The page was read: goes on to the next. NULL, or why the round can't go on. */
const char *round_next(struct sequencer *s, struct round *r, const struct poll_config *poll,
		       struct call *call, struct text shelf, const struct page *page);
/* The round came to its end: all its lists are known now. False: memory is out. */
bool round_done(struct round *r, const struct poll_config *poll, struct call *call);

/* ---- schedule.c ---- */
bool schedule_setup(struct sequencer *s);
void schedule_free(struct sequencer *s);
void schedule_timers(struct sequencer *s);
int64_t schedule_next(const struct sequencer *s);

/* ---- silence.c: hooks and polls that should speak ---- */
/* After poll_setup; of a reload while the old configuration is still there. */
bool silence_setup(struct sequencer *s);
void silence_free(struct sequencer *s);
void silence_timers(struct sequencer *s);
int64_t silence_next(const struct sequencer *s);
/* The connection isn't paused any more: its polls get a while to speak. */
void silence_spare(struct sequencer *s, struct text connection);
/* A hook (its name) or poll (its source) was heard: of one that is watched it is noted, and told
 * when it was silent. */
void silence_heard(struct sequencer *s, struct text source);

/* ---- command.c ---- */
/* A run goes from or to a state that waits for people; RUN_PENDING: none of those. */
void kept_move(struct sequencer *s, enum run_state from, enum run_state to);
void kept_count(struct sequencer *s); /* anew, from the store */
void command_take(struct sequencer *s, const struct command_input *command);

/* ---- tables.c ---- */
const struct table_reader *tables_reader(struct sequencer *s); /* of the rules in force */
/* NULL when the row is put, the key gone; else why not, and nothing has changed. */
const char *tables_put(struct sequencer *s, struct text name, struct value row);
const char *tables_drop(struct sequencer *s, struct text name, struct value key);
void tables_take(struct sequencer *s, const struct table_input *input);

/* ---- places.c ---- */
void place_take(struct sequencer *s, const struct place_input *place);
void manifest_take(struct sequencer *s, const struct manifest_input *manifest);

/* The step's action, as the plugin whose it is said last; NULL with *why. */
const struct action *seq_action(struct sequencer *s, const struct step *step, const char **why);

/* The row of an event's type, as the plugin whose it is said last; NULL: unknown. */
const struct event_type *seq_event_type(const struct sequencer *s, struct text type);

/* ---- pause.c ---- */
bool pauses_setup(struct sequencer *s); /* from the store */
void pauses_free(struct sequencer *s);
void pauses_timers(struct sequencer *s);
int64_t pauses_next(const struct sequencer *s);
void pauses_out(struct sequencer *s); /* for those who show them */
void pause_take(struct sequencer *s, const struct pause_input *pause);
bool pause_of_rule(const struct sequencer *s, const struct rule *rule);
bool pause_of_connection(const struct sequencer *s, struct text name); /* or plugin */
/* Of a rule that is paused: why its run is skipped, in the work arena. */
const char *pause_reason(struct sequencer *s, const struct rule *rule);
/* Whether the step in hand must not be begun now; then it is to be parked. */
bool pause_holds(struct sequencer *s, struct run *run);
void pause_park(struct sequencer *s, struct run *run);

/* ---- retain.c ---- */
void retain_timer(struct sequencer *s);

/* ---- backlog.c ---- */

/* The rule's; NULL when memory is out. */
struct backlog *backlog_of(struct sequencer *s, struct text rule);
/* Whether its runs may wait in the store alone. */
bool backlog_may(const struct rule *rule);
/* Whether a run that begins is to wait so; it joins no lane then and goes with its row. */
bool backlog_takes(struct sequencer *s, struct run *run);
/* Whether one that isn't in memory waits in the store alone. */
bool backlog_has(const struct run_record *record);
/* To be ended. NULL: its rule no longer loads, or memory is out. */
struct run *backlog_take_out(struct sequencer *s, const struct run_record *record);
/* At the start: at most `stored` runs with ids beyond `upto` were not loaded. */
void backlog_found(struct sequencer *s, struct text rule, int64_t upto, uint64_t stored);
/* Loads some whose turn has come. All rows of the batch are written. */
void backlogs_load(struct sequencer *s);
bool backlogs_wait(const struct sequencer *s); /* there are some to be loaded at once */
void backlogs_free(struct sequencer *s);       /* after the runs */

/* ---- recover.c ---- */
/* A run of the store becomes one in memory, in no lane; NULL: it was given up, or memory is out. */
struct run *recover_waiting(struct sequencer *s, int64_t id);
/* Reads all open runs, sources and schedules from the store. */
bool recover(struct sequencer *s);
/* The rule of a stored run under its own revision; NULL when it does not load any more. */
struct ruleset *recover_revision(struct sequencer *s, struct text rule, struct text revision,
				 const struct rule **out);

#endif
