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

/* Does the default filter on archived projects let it through? */
bool query_shows_archived(const struct args *args);

#endif
