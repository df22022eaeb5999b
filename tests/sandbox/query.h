/* SPDX-License-Identifier: Apache-2.0
 *
 * query - the list call of a presenter API: filters, order, page, and the envelope around it.
 *
 * The arithmetic is that of the open-source library the vendor's API is built with
 * (https://github.com/mavenlink/brainstem): clamps, page past the end, meta of an empty result.
 */
#ifndef SANDBOX_QUERY_H
#define SANDBOX_QUERY_H

#include "tests/sandbox/fields.h"
#include "tests/sandbox/http.h"
#include "tests/sandbox/sandbox.h"

/* The view the query parameters and the account's permissions add up to. */
struct view query_view(const struct sandbox *sb, const struct args *args);

/*
 * Lists workspaces as the parameters ask and writes the envelope. False with the reason in why if
 * a parameter is malformed; nothing is written then.
 */
bool query_list(struct sandbox *sb, const struct args *args, struct text *out, char why[WHY_MAX]);

/* The envelope of a show, create or update: those objects, in that order. */
void query_envelope(struct workspace *const *page, size_t n, const struct view *view,
		    struct text *out);

/* ---- What other lists share. ---- */

/* What of the result the call gets, and the numbers meta reports. */
struct query_page {
	size_t start;
	size_t n;
	int64_t size;
	int64_t number; /* as it was asked for, even if it makes no sense */
};

struct query_times {
	int64_t created_after, created_before, updated_after, updated_before; /* ms */
};

bool query_times(const struct sandbox *sb, const struct args *args, struct query_times *out,
		 char why[WHY_MAX]);
bool query_in_times(const struct query_times *times, int64_t created_s, int64_t updated_s);

/* page, per_page, limit, offset; `only` turns paging off. */
struct query_page query_cut(const struct args *args, bool only, size_t count);

/* The envelope up to and with `"results":[`. */
void query_meta(size_t count, const struct query_page *page, struct text *out);

/* Is the name one of a comma separated list? Is the id one of `only` (NULL: every one is)? */
bool query_names(const char *list, const char *name);
bool query_listed(const char *only, int64_t id);

/* The filters external_reference_..., has_external_references; the reference may be NULL. */
bool query_refers(const struct args *args, const json_t *reference);

/* `"7":{...}` of the map external_references, with a comma before it unless it is the first. */
void query_reference(int64_t id, const json_t *reference, struct text *out);

/* Does the default filter on archived projects let it through? */
bool query_shows_archived(const struct args *args);

#endif
