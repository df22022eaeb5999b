/* SPDX-License-Identifier: Apache-2.0
 *
 * host - how much each target may be asked: slots, a token bucket, a breaker.
 *
 * Pure bookkeeping on a monotonic clock that the caller passes in; delivery
 * turns what host_grant returns into credit for the sequencer.
 *
 * The breaker counts outcomes: BREAKER_FAILURES failures in a row (network, 5xx,
 * time-outs; not 4xx, not 429) open it; after a pause (5 s doubling to 5 min) it
 * lets one probe through (half open); a success closes it. A target that says it
 * is gone opens it at once and for longer. A Retry-After closes the tap until then
 * without counting as a failure, empties the bucket,
 * and for HOST_CALM afterwards there are no bursts. So does a 429 without one, for
 * HOST_REST, twice as long with each that comes after the tap was opened again. */
#ifndef TAPPET_IO_HOST_H
#define TAPPET_IO_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"

struct hosts;
struct host;

struct host_rate {
	unsigned slots;    /* requests at once */
	double per_second; /* 0: no bucket */
	double burst;      /* size of the bucket */
};

enum host_breaker { HOST_CLOSED, HOST_OPEN, HOST_HALF_OPEN };

struct hosts *hosts_new(void);
void hosts_free(struct hosts *hosts);

/* Finds or makes the target; the rate is set on every call (configuration may change). NULL when
 * memory is out. */
struct host *hosts_get(struct hosts *hosts, struct text target, const struct host_rate *rate);

/* Forgets a target without outstanding credit; nothing when there is no such target. */
void hosts_drop(struct hosts *hosts, struct text target);

/* Credit that may be handed out now, at most `want`: counts it as outstanding. */
unsigned host_grant(struct host *host, int64_t now, unsigned want);

/* One outstanding credit has been used and its request has ended. GOOD: the
 * target answered below 500, other than 429; BAD: it failed (see above);
 * NEUTRAL: says nothing about its health (cancelled, refused by us);
 * BUSY: neither, it had too many requests (429);
 * GONE: it says that it takes nothing any more, so asking again soon would be hammering.
 * retry_after_ms: -1 when it doesn't say, 0 for at once; at most LIMIT_HOST_PAUSE counts. */
enum host_result { HOST_GOOD, HOST_BAD, HOST_NEUTRAL, HOST_BUSY, HOST_GONE };
void host_ended(struct host *host, int64_t now, enum host_result result, int64_t retry_after_ms);

/* The other one counts requests to the same place apart: how long that has closed its tap counts
 * here, too. */
void host_follow(struct host *host, int64_t now, const struct host *other);

void host_unused(struct host *host, unsigned credits); /* given back without a request */

/* The configuration changed: an open breaker lets a probe through at once. */
void host_hurry(struct host *host, int64_t now);

/* It has closed its tap, or its breaker is open: what was granted and isn't under way had better
 * come back. */
bool host_shut(const struct host *host, int64_t now);

/* When host_grant may give more than now (monotonic ms), or INT64_MAX. */
int64_t host_next(const struct host *host, int64_t now);

enum host_breaker host_breaker(const struct host *host);
struct text host_name(const struct host *host);
unsigned host_outstanding(const struct host *host);

/* Visits every target, for metrics. */
void hosts_each(struct hosts *hosts, void (*visit)(void *of, struct host *host), void *of);

#endif
