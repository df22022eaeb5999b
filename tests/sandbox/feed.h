/* SPDX-License-Identifier: Apache-2.0
 *
 * feed - the subscribed events of the pretended Kantata account: what happened to what.
 *
 * Whoever changes a project or resource notes it here. A row shows up after the switch feed_lag_s
 * and is listed for nine days by the sandbox's clock. Ids rise and are never used twice.
 */
#ifndef SANDBOX_FEED_H
#define SANDBOX_FEED_H

#include "tests/sandbox/routes.h"

struct feed;
struct workspace;

struct feed *feed_new(void);
void feed_free(struct feed *f);
void feed_clear(struct feed *f);

/* What an object is now becomes what its next event calls its previous payload. */
void feed_know_workspace(struct sandbox *sb, const struct workspace *ws);
void feed_know_resource(struct sandbox *sb, int64_t id, json_t *payload); /* taken over */

/* "created", "updated" or "deleted"; before the removal. */
void feed_workspace(struct sandbox *sb, const struct workspace *ws, const char *verb);

/* The payload is taken over; NULL when it was deleted. */
void feed_resource(struct sandbox *sb, int64_t id, const char *verb, json_t *payload);

answer_fn feed_list;
answer_fn feed_types;
answer_fn feed_make; /* control: any event */

#endif
