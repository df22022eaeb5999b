/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds - every fixed size of the sandbox, each with the reason it has that value.
 */
#ifndef SANDBOX_BOUNDS_H
#define SANDBOX_BOUNDS_H

#include <stdint.h>

/* Biggest request body; 100 workspaces of 64 KiB each, the largest bulk create, just fit. */
#define BODY_MAX (8u << 20)
/* Query or form parameters in one request; the widest documented list call has about 60. */
#define ARGS_MAX 96
/* Path segments; the longest route has six, chat paths bring three more. */
#define SEGMENTS_MAX 16
/* Header lines a reply may add; the most any route needs is two. */
#define REPLY_HEADERS_MAX 4
/* Nesting of `a[b][c]` names in form bodies; documented bodies need three. */
#define FORM_DEPTH_MAX 8
/* Open connections: 512 is promised, the rest is room for browsers and leftovers. */
#define CONNECTIONS_MAX 1024u
/* Memory per connection: a request line with a few thousand ids in `only=` must fit. */
#define CONNECTION_MEMORY (64u << 10)
/* Seconds an idle keep-alive connection is kept. */
#define CONNECTION_IDLE_S 120u
/* Requests the journal keeps unless told otherwise, and the most it may be told to keep. */
#define JOURNAL_DEFAULT 100000u
#define JOURNAL_MAX     2000000u
/* Bytes of all journalled bodies together: the journal must not outgrow the machine. */
#define JOURNAL_BYTES_MAX (256u << 20)
/* Bytes of one body the journal quotes; longer ones are cut and marked. */
#define JOURNAL_BODY_MAX (64u << 10)
/* Fault switches at a time; one per route and some spare. */
#define FAULTS_MAX 64u
/* Chat messages kept; older ones are dropped. */
#define MESSAGES_MAX 10000u
/* Webhook deliveries kept; finished ones beyond it are dropped, oldest first. */
#define DELIVERIES_MAX 10000u
/* Bearer tokens valid at a time; a fetch beyond it drops the oldest. */
#define TOKENS_MAX 64u
/* Lifetime of a HINDSITE token, as the vendor documents it; a switch sets another. */
#define TOKEN_LIFETIME_S 7200
/* Lifetime of a Blueworks Live token: the vendor says "short-lived", a known client assumes this.
 */
#define BLUEWORKS_TOKEN_S 3600
/* Calls of Blueworks Live's activities in an hour, as documented. */
#define ACTIVITIES_PER_HOUR 200u
/* Tasks, forms and steps made through HINDSITE's API and remembered. */
#define KEPT_MAX 10000u
/* Changes one control call may make: twenty times what a missed hour is tested with. */
#define BURST_MAX 10000
/* Kantata: page sizes and bulk limit, as documented and as the presenter library clamps them. */
#define PER_PAGE_DEFAULT   20
#define PER_PAGE_MAX       200
#define BULK_CREATE_MAX    100u
#define RESOURCES_BULK_MAX 200u
/* Kantata: events kept, about 1 KB each; how long they are listed, as documented; who did it all.
 */
#define FEED_MAX     100000u
#define FEED_KEPT_MS ((int64_t)9 * 86400 * 1000)
#define FEED_USER    9001
/* Longest delay of an event: what the vendor calls a few minutes, and much more. */
#define FEED_LAG_MAX 86400
/* HINDSITE: deliveries on one page. */
#define DELIVERIES_PER_PAGE 25u
/* Workspaces the seed may make: ten times the largest documented test. */
#define SEED_MAX 1000000
/* How far the clock can be put forward, 300 years: the year keeps its four digits. */
#define CLOCK_OFFSET_MAX_MS ((int64_t)300 * 366 * 86400 * 1000)
/* Largest whole number a field takes: sums and milliseconds of it stay within 64 bits. */
#define FIELD_INT_MAX ((int64_t)1000000000000000)
/* Workspaces and messages shown on the web page. */
#define PAGE_ROWS 60u
/* Seconds one webhook attempt may take. */
#define HOOK_TIMEOUT_MS 10000L

#endif
