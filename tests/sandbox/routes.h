/* SPDX-License-Identifier: Apache-2.0
 *
 * routes - which function answers which request; one row per route, see routes.c.
 */
#ifndef SANDBOX_ROUTES_H
#define SANDBOX_ROUTES_H

#include "tests/sandbox/http.h"
#include "tests/sandbox/sandbox.h"

/* Fills the reply in. Called with the sandbox locked; must not block. */
typedef void answer_fn(struct sandbox *sb, const struct request *rq, struct reply *re);

/* What all routes of one system share. */
struct vendor {
	const char *name;
	bool observed; /* journalled, and faults apply */
	/* Writes the body the system sends with that failure. */
	void (*refuse)(struct reply *re, int status, const char *why);
	/* Checks credentials; false with the refusal filled in. NULL: none needed. */
	bool (*admit)(struct sandbox *sb, const struct request *rq, struct reply *re);
	/* Makes the credentials given out so far invalid; NULL: nothing to do. */
	void (*expire)(struct sandbox *sb);
};

struct route {
	const char *name;    /* in the journal and for faults */
	const char *method;  /* "" = any */
	const char *pattern; /* segments; {id} is any one, a trailing * any rest */
	const struct vendor *vendor;
	answer_fn *answer;
	bool login; /* hands credentials out: needs none, and its body isn't journalled */
};

/* The system an unknown path belongs to, by its prefix. */
const struct vendor *routes_vendor(const struct request *rq);

/*
 * The route of a request; sets rq->id. NULL if there is none: other_method then says whether
 * the path exists with another method.
 */
const struct route *routes_find(struct request *rq, bool *other_method);

/* The names of all routes faults can be set on, as a JSON array. */
void routes_write_names(struct text *out);

#endif
