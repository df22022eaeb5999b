/* SPDX-License-Identifier: Apache-2.0
 *
 * hindsite - tokens and work sets of the HINDSITE API: /oauth/token and /api/v2/work_sets.
 *
 * Follows https://api-docs.hindsiteind.com/. What those pages leave open, the README of the sandbox
 * decides. Every change of a work set sends a webhook (webhooks.h).
 */
#ifndef SANDBOX_HINDSITE_H
#define SANDBOX_HINDSITE_H

#include "tests/sandbox/routes.h"

extern const struct vendor hindsite;

struct hindsite *hindsite_new(void);
void hindsite_free(struct hindsite *h);
void hindsite_clear(struct hindsite *h);

/* The work sets every sandbox has; the first is the one demo rules start. */
void hindsite_seed(struct hindsite *h, int64_t now_ms);

answer_fn hindsite_token;
answer_fn hindsite_start;

/* Writes `{"error": why}`. */
void hindsite_refuse(struct reply *re, int status, const char *why);

/*
 * Merges a JSON object into a work set, moves updated_at and sends a webhook with that action.
 * The work set, borrowed; NULL if there is none with that id.
 */
json_t *hindsite_change(struct sandbox *sb, const char *id, json_t *patch, const char *action);

/* The work set of that id or number, borrowed; NULL if there is none. */
json_t *hindsite_work_set(struct sandbox *sb, const char *id);

/* What was made through the API, by its id: at most KEPT_MAX, then all of it is forgotten. Keeping
 * takes a reference; what is found is borrowed. */
void hindsite_keep(struct sandbox *sb, const char *id, json_t *object);
json_t *hindsite_kept(struct sandbox *sb, const char *id);

/* All work sets as a JSON array. */
void hindsite_write(const struct hindsite *h, struct text *out);

#endif
