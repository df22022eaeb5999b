/* SPDX-License-Identifier: Apache-2.0
 *
 * faults - which requests are answered badly, how, and how often.
 *
 * A switch names a route (or `kantata.*`, or `*`), what goes wrong and how many times. The first
 * switch that fits a request and has turns left is taken.
 */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include "tests/sandbox/text.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_STATUS,
	FAULT_DELAY,
	FAULT_TOO_MANY,
	FAULT_TRUNCATE,
	FAULT_RESET,
	FAULT_DUPLICATE,
	FAULT_TOKEN_EXPIRY,
	FAULT_HANG,
	FAULT_GARBAGE,
	FAULT_KINDS
};

struct fault {
	enum fault_kind kind;
	int status;
	int64_t delay_ms;
	int64_t retry_after; /* seconds, -1 sends no header */
	bool retry_date;     /* the header is a date, by the clock of the reply's Date */
	int64_t every_ms;    /* of 429: one in so long is let through; 0: none */
	bool after;          /* the request takes effect before it goes wrong */
};

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *fs);

/* Drops the switches of that route, NULL: all. Requests left hanging are let go. */
void faults_clear(struct faults *fs, const char *route);

/* Rises with every clear. */
unsigned faults_epoch(const struct faults *fs);

/* The word of the control API: "429", "reset", ... */
const char *faults_word(enum fault_kind kind);

/* Adds the switch a JSON object describes. NULL if it is fine, else what is wrong with it. */
const char *faults_add(struct faults *fs, const json_t *spec);

/* Which kinds can happen to a request that came in, and to a webhook that goes out. */
#define FAULTS_IN  ((1u << FAULT_KINDS) - 1 - (1u << FAULT_DUPLICATE))
#define FAULTS_OUT (1u << FAULT_DUPLICATE | 1u << FAULT_DELAY | 1u << FAULT_GARBAGE)

/* The fault for that route, of those kinds; uses up one of its turns. now_ms: the sandbox's clock.
 */
struct fault faults_take(struct faults *fs, const char *route, unsigned kinds, int64_t now_ms);

/* The switches as a JSON array. */
void faults_write(const struct faults *fs, struct text *out);

#endif
