/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks - IBM Blueworks Live: tokens, work, tasks and comments, at /blueworks.
 *
 * Follows https://www.ibm.com/docs/en/blueworks-live (Blueworks Live API, WorkDetail, WorkList,
 * TaskList, WorkAction, WorkComment, LaunchInstance). What those pages leave open, the README of
 * the sandbox decides. blueworks.c reads, blueworks_change.c changes.
 *
 * Work is kept as the `work` object that WorkDetail shows; each change moves its runtimeVersion.
 */
#ifndef SANDBOX_BLUEWORKS_H
#define SANDBOX_BLUEWORKS_H

#include "tests/sandbox/routes.h"

extern const struct vendor blueworks;
extern const struct vendor blueworks_www;

struct blueworks_token {
	char text[65];
	int64_t until_ms;
	size_t client;
};

struct blueworks {
	size_t n_tokens;
	struct blueworks_token tokens[TOKENS_MAX];
	json_t *works; /* array, oldest first */
	int64_t ids;   /* the last one given out */
	size_t activity_calls;
	int64_t activity_from_ms; /* since when they are counted */
};

struct blueworks *blueworks_new(void);
void blueworks_free(struct blueworks *b);
void blueworks_clear(struct blueworks *b);
void blueworks_seed(struct blueworks *b, int64_t now_ms);

/* ---- blueworks.c ---- */

answer_fn blueworks_token;
answer_fn blueworks_elsewhere;
answer_fn blueworks_work_detail;
answer_fn blueworks_work_list;
answer_fn blueworks_task_list;
answer_fn blueworks_app_list;
answer_fn blueworks_app_detail;
answer_fn blueworks_user_list;
answer_fn blueworks_activities;

void blueworks_refuse(struct reply *re, int status, const char *why);

/* Sends the object, which it takes over, with escaped slashes as the product does. */
void blueworks_send(struct reply *re, json_t *object);

/* False with the refusal filled in unless `version` is the one there is. */
bool blueworks_version(const struct request *rq, struct reply *re);

/* The id of the user the request acts for; admit() has seen to it that there is one. */
const char *blueworks_actor(struct sandbox *sb, const struct request *rq);

/* The work named by an id, borrowed. NULL with the refusal filled in when there is none, or the
 * user has no part in it. */
json_t *blueworks_find(struct sandbox *sb, const char *id, const char *user, struct reply *re);

/* {"version", "work", "app", "users"}, a new reference. */
json_t *blueworks_shown(struct sandbox *sb, json_t *work);

/* The application of that id, a new reference; NULL. */
json_t *blueworks_app(const char *id);
bool blueworks_is_user(const char *id);

const char *blueworks_text(const json_t *object, const char *name); /* "" when it has none */

/* ---- blueworks_change.c ---- */

answer_fn blueworks_work_action;
answer_fn blueworks_launch_instance;
answer_fn blueworks_work_comment;
answer_fn blueworks_control_many;
answer_fn blueworks_control_merge;
answer_fn blueworks_control_task;
answer_fn blueworks_control_attach;
answer_fn blueworks_control_delete;

/* A new id, like the product's. */
void blueworks_new_id(struct blueworks *b, char out[32]);

/* New work with a task for each of `tasks` (else one for who started it), borrowed. */
json_t *blueworks_start(struct blueworks *b, const char *app, const char *subject, const char *user,
			const json_t *tasks, int64_t now_ms);

#endif
