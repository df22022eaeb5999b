/* SPDX-License-Identifier: Apache-2.0
 *
 * internal - what admin.c, api.c and metrics.c share. */
#ifndef TAPPET_ADMIN_INTERNAL_H
#define TAPPET_ADMIN_INTERNAL_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/admin/admin.h"
#include "engine/base/limits.h"
#include "engine/value/parse.h"

struct admin {
	struct admin_parts parts; /* its metrics are the ones below, its config is not kept */
	struct admin_metrics metrics[LIMIT_ADMIN_METRICS];
	pthread_mutex_t lock;                   /* token */
	struct buf pauses_json, pauses_metrics; /* under the lock */
	size_t pauses;                          /* how many; under the lock */
	struct secret *token; /* referenced; NULL: the address alone decides (a unix socket) */
	struct instant started;
	_Atomic(int) state; /* enum admin_state */
	struct buf page;    /* the answer under way */
	struct json_parser *parser;
};

/* Answers with static text, or with what stands in admin->page. */
enum http_next admin_answer(struct http_answer *answer, int status, const char *body);
enum http_next admin_refuse_method(struct http_answer *answer, const char *allow);

/* pauses.c: what is paused, appended to admin->page as JSON ({"pauses": [...]}) or as metrics. */
void pauses_write_json(struct admin *admin);
void pauses_write_metrics(struct admin *admin);
size_t pauses_count(struct admin *admin);

/* NULL when ready, else the reason (static text). */
const char *admin_reason(const struct admin *admin);
const char *admin_state_word(const struct admin *admin);

/* metrics.c: everything /metrics shows, into admin->page. */
void metrics_write(struct admin *admin);

#endif
