/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata - the workspace calls of the Kantata OX API under /api/v1.
 */
#ifndef SANDBOX_KANTATA_H
#define SANDBOX_KANTATA_H

#include "tests/sandbox/routes.h"

struct query_times;
struct workspace;

extern const struct vendor kantata;

answer_fn kantata_list;
answer_fn kantata_create;
answer_fn kantata_show;
answer_fn kantata_update;
answer_fn kantata_delete;
answer_fn kantata_apply_template; /* these in kantata_more.c */
answer_fn kantata_invite;
answer_fn kantata_permissions;
answer_fn kantata_toggle_expenses;
answer_fn kantata_toggle_time;
answer_fn kantata_unarchive;

/* 422 with one problem. */
void kantata_invalid(struct reply *re, const char *field, const char *why);

/* The number that an id of a path is, or -1. */
int64_t kantata_id(const char *id);

/* The project of an id, or NULL. */
struct workspace *kantata_find(struct sandbox *sb, const char *id);

/* The members under a name, or NULL with the refusal filled in. */
json_t *kantata_wrapped(json_t *body, const char *name, struct reply *re);

/* The times that a list is filtered by; false with the refusal filled in. */
bool kantata_times(const struct sandbox *sb, const struct request *rq, struct query_times *out,
		   struct reply *re);

/* Applies the members of an object; false with the reason and the member's name filled in. */
bool kantata_apply(struct workspace *ws, const json_t *patch, bool any_member, const char **field,
		   char why[160]);

#endif
