/* SPDX-License-Identifier: Apache-2.0
 *
 * targets - chat and alert systems besides Slack's webhooks: Slack's Web API, Teams, PagerDuty,
 * Discord, Google Chat. One file each; what they take is seen at /_sandbox/messages.
 *
 * Credentials are fixed: see README.md.
 */
#ifndef SANDBOX_TARGETS_H
#define SANDBOX_TARGETS_H

#include "tests/sandbox/routes.h"

extern const struct vendor slack_api;
extern const struct vendor teams;
extern const struct vendor pagerduty;
extern const struct vendor discord;
extern const struct vendor google_chat;

answer_fn slack_post_message;
answer_fn slack_update;
answer_fn teams_receive;
answer_fn pagerduty_enqueue;
answer_fn pagerduty_change;
answer_fn discord_execute;
answer_fn discord_edit;
answer_fn google_chat_create;

#endif
