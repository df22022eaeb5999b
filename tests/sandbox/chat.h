/* SPDX-License-Identifier: Apache-2.0
 *
 * chat - Slack's incoming webhooks, and the generic sink that takes anything.
 *
 * Slack answers in plain text, good and bad alike
 * (https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks).
 */
#ifndef SANDBOX_CHAT_H
#define SANDBOX_CHAT_H

#include "tests/sandbox/routes.h"

extern const struct vendor slack;
extern const struct vendor sink;

/* What Slack objects to in a message, as its word; NULL: nothing. */
const char *chat_objection(const json_t *message);

/*
 * Keeps a message under a key of its system's own ("discord/7"; NULL: none) and gives its number,
 * from 1 up. Of `message` it keeps text, channel, blocks and attachments.
 */
int64_t chat_keep(struct sandbox *sb, const struct request *rq, const json_t *message,
		  const char *key);

/* The newest message under that key, 0 if there is none (any more). */
int64_t chat_find(const struct chat *c, const char *key);

/* Puts another message in its place; it keeps number and key. */
void chat_change(struct sandbox *sb, int64_t number, const struct request *rq,
		 const json_t *message);

struct chat *chat_new(void);
void chat_free(struct chat *c);
void chat_clear(struct chat *c);

answer_fn chat_receive;
answer_fn sink_receive;

/* The newest messages, oldest first, as a JSON array; 0 = all. */
void chat_write(const struct chat *c, size_t newest, struct text *out);
int64_t chat_total(const struct chat *c);

#endif
