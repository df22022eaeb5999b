/* SPDX-License-Identifier: Apache-2.0
 *
 * journal - what arrived, in order, for tests to assert on.
 *
 * A ring: the oldest entries make room for new ones. Numbers run on for ever and are never used
 * twice, not even after a clear, so `since` is safe. Never holds a credential: of the Authorization
 * header only whether it was there, and no body of a token request.
 *
 * Ownership: the journal copies what it is given.
 */
#ifndef SANDBOX_JOURNAL_H
#define SANDBOX_JOURNAL_H

#include "tests/sandbox/text.h"

struct journal;

struct journal_item {
	int64_t at_ms; /* machine's clock */
	const char *route;
	const char *fault; /* a word that outlives the journal, NULL for none */
	const char *method;
	const char *uri;
	const char *idempotency_key; /* these two may be NULL */
	const char *content_type;
	bool authorized; /* an Authorization header was there */
	bool secret;     /* leave the body out */
	const char *body;
	size_t len;
};

struct journal_view {
	int64_t since;     /* numbers above it */
	size_t limit;      /* 0: all */
	const char *route; /* exact, NULL: any */
	const char *path;  /* prefix of the target, NULL: any */
	bool lines;        /* one object a line instead of an array */
};

struct journal *journal_new(size_t cap);
void journal_free(struct journal *j);
void journal_clear(struct journal *j);

/* Appends; returns the entry's number, counted from 1. route must outlive the journal. */
int64_t journal_add(struct journal *j, const struct journal_item *item);

/* Notes the outcome; does nothing if the entry is gone by now. 0 = no reply was sent. */
void journal_status(struct journal *j, int64_t number, int status);

/* Entries added since the start. */
int64_t journal_total(const struct journal *j);

void journal_write(const struct journal *j, const struct journal_view *view, struct text *out);

#endif
