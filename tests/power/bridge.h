/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge - the real store and sequencer on a disk of ours, with a world around them that keeps
 * book of what it was promised.
 *
 * The world does what the edges of the daemon do: it sends an input again until it is answered,
 * grants credit, makes requests and tells how they ended. What its targets answer is in the
 * address: /ok/ is done, /flaky/ refuses the first attempt of each, /reject/ refuses for good,
 * /cut/ never answers. Time is turned by hand.
 *
 * The book says, with the position of the disk: which events were acknowledged, which requests
 * left, which ended, how far a plugin's place was moved. Each commit is noted with the positions
 * between which it was written and a digest of all that the store held afterwards.
 *
 * What goes wrong is kept, the first of it, in `wrong`; from then on nothing is done any more.
 * Ownership: bridge_fini frees all but the disk and the setting. */
#ifndef TAPPET_TESTS_POWER_BRIDGE_H
#define TAPPET_TESTS_POWER_BRIDGE_H

#include "engine/base/clock.h"
#include "engine/sequencer/sequencer.h"
#include "engine/store/store.h"
#include "tests/power/vfs.h"

/* The files the bridge runs with; read once. */
struct setting {
	char folder[64];
	char store_name[96];
	const char *database; /* the path in store_name */
	struct config *config;
	struct ruleset *rules[2]; /* before and after a reload */
};

void setting_init(struct setting *setting);
void setting_fini(struct setting *setting);

enum promise {
	PROMISE_EVENT,    /* order `n` was acknowledged, under the id `name` */
	PROMISE_SENT,     /* a request left, with the key `name` */
	PROMISE_DONE,     /* the outcome of one with the key `name` is settled: never again */
	PROMISE_DECIDED,  /* an operator sets what becomes of the run: its attempts begin anew */
	PROMISE_PLACE,    /* plugin p's cursor `name` is at `n` */
	PROMISE_MANIFEST, /* plugin p said the version `n` */
	PROMISE_FORGOT,   /* events up to number `n` may be gone */
};

struct entry {
	size_t at; /* position of the disk when it was promised */
	enum promise what;
	char name[72];
	int64_t run, n;
	int step, attempt;
	bool item; /* the step is done once for each item of a list, with a key each */
};

struct commit {
	size_t from, to; /* positions before its batch began and when it was answered */
	uint64_t digest; /* of what the store held afterwards */
	struct instant at;
};

struct bridge {
	const struct setting *setting;
	struct vfs *vfs;
	struct store *store;
	struct sequencer *sequencer;
	struct instant now;
	struct outputs out;
	struct queue_item *inputs, **end;
	uint64_t ticket;
	int status;       /* of the last answer to `ticket` */
	char answer[128]; /* its beginning */
	struct entry *book;
	size_t book_count, book_room;
	struct commit *commits;
	size_t commit_count, commit_room;
	struct entry *outcomes; /* on their way in the batch at hand */
	size_t outcome_count, outcome_room;
	const char *synchronous; /* instead of FULL; NULL: as the store has it */
	bool digests;            /* are taken after each commit */
	bool forgets;            /* what it was promised may be old, and gone from its beginning */
	bool troubled;           /* failures are expected: somebody made them */
	bool stays, gave_up; /* the trouble isn't expected to end; so nothing was done any more */
	bool (*mend)(void *of); /* after several failures: the trouble is taken away */
	void *of;
	unsigned tries, failures;
	char said[256];     /* the last complaint of the store */
	unsigned ended[16]; /* runs, by the state they ended or changed to */
	unsigned fetches;
	char wrong[512];
};

/* Nothing is open yet. */
void bridge_init(struct bridge *b, const struct setting *setting, struct vfs *vfs);
void bridge_fini(struct bridge *b); /* as a process that ends in peace */

/* Opens the store, and does the first batch; again while somebody makes it fail. */
void bridge_open(struct bridge *b);
void bridge_close(struct bridge *b);

__attribute__((format(printf, 2, 3))) void bridge_wrong(struct bridge *b, const char *format, ...);
bool bridge_goes(const struct bridge *b); /* nothing is wrong, and it is open */

void bridge_note(struct bridge *b, struct entry entry);

/* Until the input is answered with something else than a refusal to be repeated. The answer's
 * status; 0 when something went wrong. */
int bridge_ask(struct bridge *b, struct input input);

/* Everything that follows, until nothing does. */
void bridge_settle(struct bridge *b);
void bridge_advance(struct bridge *b, int64_t ms);
void bridge_reload(struct bridge *b, int rules);

/* What the store holds, in one number. 0: it can't be read. */
uint64_t bridge_digest(struct store *store);

#endif
