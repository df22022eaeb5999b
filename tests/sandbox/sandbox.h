/* SPDX-License-Identifier: Apache-2.0
 *
 * sandbox - all state of one run in one place, under one lock.
 *
 * Requests, the webhook sender and the timers of delayed replies each hold the lock while they look
 * at or change anything in here; none of them blocks while holding it.
 *
 * Ownership: the sandbox owns its parts. Nothing keeps a pointer into them beyond the lock.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "tests/sandbox/text.h"

#include <pthread.h>

struct world;
struct resources;
struct allocations;
struct feed;
struct journal;
struct faults;
struct hindsite;
struct hooks;
struct chat;
struct lists;
struct blueworks;

struct options {
	char host[64];
	uint16_t port;
	const char *port_file;
	bool demo;
	int64_t seed; /* projects, unless demo */
	const char *hook_url;
	const char *hook_secret;
	size_t journal_max;
};

/* Behaviour the vendors leave open, and what a test wants to vary; see README.md. */
struct switches {
	char kantata_token[128]; /* empty: any caller is let in */
	bool after_inclusive;
	bool financials;
	bool second_start_same;
	bool hindsite_admin;
	bool kantata_admin;
	bool feed_shuffled;
	bool feed_duplicates;
	bool feed_payload_text;
	int64_t feed_lag_s;
	bool blueworks_plain_rows; /* lists have their rows under "items" */
	int64_t blueworks_no_user_status;
	int64_t blueworks_token_s;
	int64_t token_lifetime_s;
	int64_t utc_offset_min;
	int64_t hook_retry_ms; /* wait before the second attempt; doubles */
	int64_t hook_attempts;
	bool hook_hold;     /* webhooks wait until it is false again */
	char hook_url[512]; /* empty: webhooks are recorded, not sent */
	char hook_secret[128];
};

struct sandbox {
	pthread_mutex_t lock;
	struct options options;
	struct switches switches;
	int64_t clock_offset_ms;
	int64_t stopped_ms; /* when the clock was stopped; 0: it goes */
	struct world *world;
	struct resources *resources;
	struct allocations *allocations;
	struct feed *feed;
	struct journal *journal;
	struct faults *faults;
	struct hindsite *hindsite;
	struct hooks *hooks;
	struct chat *chat;
	struct {
		unsigned serial; /* of the newest token */
		int64_t until_ms;
		char signature[512]; /* the last one that passed: it passes once */
	} any;
	struct lists *lists;
	struct blueworks *blueworks;
};

struct sandbox *sandbox_new(const struct options *options);
void sandbox_free(struct sandbox *sb);

/* Back to the state after the start: seeds, switches, clock, no faults, no tokens. */
void sandbox_reset(struct sandbox *sb);

/* The sandbox's clock: milliseconds and seconds since 1970. */
int64_t sandbox_now_ms(const struct sandbox *sb);
int64_t sandbox_now(const struct sandbox *sb);

#endif
