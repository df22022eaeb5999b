/* SPDX-License-Identifier: Apache-2.0
 *
 * host - slots, token bucket and breaker of each target; see host.h.
 *
 * I1  outstanding counts credit that was granted and neither ended nor given
 *     back; a grant never lifts it above the slots (a lowered configuration
 *     may leave it above for a while).
 * I2  0 <= tokens <= burst. A grant takes its tokens at once; unused credit
 *     brings them back.
 * I3  While half open, one credit at a time is granted. Credits from before the
 *     pause may still be used; their outcomes count like a probe's.
 *
 *   CLOSED --BREAKER_FAILURES bad in a row--> OPEN --pause over--> HALF_OPEN
 *   HALF_OPEN --good--> CLOSED      HALF_OPEN --bad--> OPEN (pause doubled)
 *
 * The step from OPEN to HALF_OPEN is taken by host_grant, which knows the time. */
#include "engine/io/host.h"

#include <assert.h>
#include <math.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"

#define HAIR 1e-9 /* what a sum of fractions may lack of a whole token */

struct host {
	char *name;
	size_t name_n;
	struct host_rate rate;
	unsigned outstanding;
	double tokens;
	int64_t filled; /* when tokens was right; INT64_MIN: never asked */
	enum host_breaker breaker;
	unsigned failures; /* in a row */
	int64_t pause;     /* length of the present or next pause */
	int64_t open_until;
	int64_t quiet_until; /* Retry-After, or rest; INT64_MIN: none */
	int64_t rest;        /* after the next 429 that doesn't say for how long */
	int64_t calm_until;  /* no bursts: it has said that it had too many; INT64_MIN: none */
	bool probing;        /* the half-open credit is out */
};

struct hosts {
	struct map *by_name;
};

struct hosts *hosts_new(void)
{
	struct hosts *hosts = mem_zero(1, sizeof(*hosts));

	if (hosts == NULL)
		return NULL;
	hosts->by_name = map_new();
	if (hosts->by_name != NULL)
		return hosts;
	mem_free(hosts);
	return NULL;
}

void hosts_free(struct hosts *hosts)
{
	struct text name;
	void *host;
	size_t at = 0;

	if (hosts == NULL)
		return;
	while (map_next(hosts->by_name, &at, &name, &host)) {
		mem_free(((struct host *)host)->name);
		mem_free(host);
	}
	map_free(hosts->by_name);
	mem_free(hosts);
}

static struct host *host_add(struct hosts *hosts, struct text target)
{
	struct host *host;

	if (map_count(hosts->by_name) >= LIMIT_HOSTS)
		return NULL;
	host = mem_zero(1, sizeof(*host));
	if (host == NULL)
		return NULL;
	*host = (struct host){ .name_n = target.n,
			       .filled = INT64_MIN,
			       .pause = BREAKER_PAUSE,
			       .rest = HOST_REST,
			       .quiet_until = INT64_MIN,
			       .calm_until = INT64_MIN };
	host->name = text_heap(target);
	if (host->name != NULL && map_put(hosts->by_name, target, host))
		return host;
	mem_free(host->name);
	mem_free(host);
	return NULL;
}

struct host *hosts_get(struct hosts *hosts, struct text target, const struct host_rate *rate)
{
	struct host *host;

	assert(hosts != NULL && rate != NULL);
	assert(rate->slots > 0);
	assert(rate->per_second >= 0);
	host = map_get(hosts->by_name, target);
	if (host == NULL)
		host = host_add(hosts, target);
	if (host == NULL)
		return NULL;
	host->rate = *rate;
	if (host->rate.burst < 1)
		host->rate.burst = 1; /* a bucket below one token would never give one */
	if (host->tokens > host->rate.burst)
		host->tokens = host->rate.burst;
	return host;
}

void hosts_drop(struct hosts *hosts, struct text target)
{
	struct host *host;

	assert(hosts != NULL);
	host = map_drop(hosts->by_name, target);
	if (host == NULL)
		return;
	assert(host->outstanding == 0);
	mem_free(host->name);
	mem_free(host);
}

static double bucket(const struct host *host, int64_t now)
{
	return now < host->calm_until ? 1 : host->rate.burst;
}

/* Tokens at `now`; a target that was never asked has a full bucket. */
static double tokens_at(const struct host *host, int64_t now)
{
	double tokens;

	if (host->filled == INT64_MIN)
		return host->rate.burst;
	if (now <= host->filled)
		return host->tokens;
	tokens = host->tokens + (double)(now - host->filled) * host->rate.per_second / 1000;
	return tokens < bucket(host, now) ? tokens : bucket(host, now);
}

static bool breaker_passes(const struct host *host, int64_t now)
{
	switch (host->breaker) {
	case HOST_OPEN:
		return now >= host->open_until;
	case HOST_HALF_OPEN:
		return !host->probing;
	case HOST_CLOSED:
		return true;
	}
	return true;
}

/* What slots and breaker allow, before the bucket is asked. */
static unsigned room(const struct host *host, int64_t now)
{
	unsigned most;

	if (host->outstanding >= host->rate.slots || now < host->quiet_until ||
	    !breaker_passes(host, now))
		return 0;
	most = host->rate.slots - host->outstanding;
	return host->breaker == HOST_CLOSED ? most : 1;
}

static unsigned take_tokens(struct host *host, int64_t now, unsigned want)
{
	double tokens = tokens_at(host, now);
	double whole = floor(tokens + HAIR);

	if (host->rate.per_second <= 0)
		return want;
	if (whole < want)
		want = (unsigned)whole;
	host->tokens = tokens - want < 0 ? 0 : tokens - want;
	host->filled = now;
	return want;
}

unsigned host_grant(struct host *host, int64_t now, unsigned want)
{
	unsigned most;

	assert(host != NULL);
	most = room(host, now);
	if (want > most)
		want = most;
	if (want > 0)
		want = take_tokens(host, now, want);
	if (want == 0)
		return 0;
	if (host->breaker != HOST_CLOSED) {
		host->breaker = HOST_HALF_OPEN;
		host->probing = true;
	}
	host->outstanding += want;
	return want;
}

static void breaker_good(struct host *host)
{
	host->breaker = HOST_CLOSED;
	host->failures = 0;
	host->pause = BREAKER_PAUSE;
}

static void breaker_open(struct host *host, int64_t now)
{
	host->breaker = HOST_OPEN;
	host->open_until = now + host->pause;
	host->pause = host->pause * 2 < BREAKER_PAUSE_MAX ? host->pause * 2 : BREAKER_PAUSE_MAX;
}

static void breaker_bad(struct host *host, int64_t now)
{
	/* Requests that were out before it opened prolong nothing. */
	if (host->breaker == HOST_OPEN)
		return;
	if (host->failures < BREAKER_FAILURES)
		host->failures++;
	if (host->breaker == HOST_HALF_OPEN || host->failures >= BREAKER_FAILURES)
		breaker_open(host, now);
}

static void breaker_gone(struct host *host, int64_t now)
{
	host->breaker = HOST_OPEN;
	host->open_until = now + BREAKER_GONE;
}

/* Its tap is closed until then, and its own bucket is empty; what was saved up here meanwhile would
 * be refused again. */
static void closes_tap(struct host *host, int64_t now, int64_t ms)
{
	if (ms > LIMIT_HOST_PAUSE)
		ms = LIMIT_HOST_PAUSE;
	if (now + ms > host->quiet_until)
		host->quiet_until = now + ms;
	host->calm_until = now + ms + HOST_CALM;
	host->tokens = 0;
	host->filled = now;
}

/* Requests that were out before the tap was closed prolong nothing. */
static void rests(struct host *host, int64_t now)
{
	if (now < host->quiet_until)
		return;
	closes_tap(host, now, host->rest);
	host->rest = host->rest * 2 < HOST_REST_MAX ? host->rest * 2 : HOST_REST_MAX;
}

void host_ended(struct host *host, int64_t now, enum host_result result, int64_t retry_after_ms)
{
	assert(host != NULL);
	assert(host->outstanding > 0);
	host->outstanding--;
	host->probing = false;
	if (retry_after_ms > 0)
		closes_tap(host, now, retry_after_ms);
	else if (result == HOST_BUSY && retry_after_ms < 0)
		rests(host, now);
	if (result == HOST_GOOD) {
		breaker_good(host);
		host->rest = HOST_REST;
	} else if (result == HOST_BAD)
		breaker_bad(host, now);
	else if (result == HOST_GONE)
		breaker_gone(host, now);
}

void host_follow(struct host *host, int64_t now, const struct host *other)
{
	assert(host != NULL && other != NULL);
	if (other->quiet_until > now && other->quiet_until > host->quiet_until)
		closes_tap(host, now, other->quiet_until - now);
}

void host_hurry(struct host *host, int64_t now)
{
	assert(host != NULL);
	if (host->breaker == HOST_OPEN && host->open_until > now)
		host->open_until = now;
}

void host_unused(struct host *host, unsigned credits)
{
	assert(host != NULL);
	assert(credits <= host->outstanding);
	host->outstanding -= credits;
	if (credits > 0)
		host->probing = false;
	host->tokens += credits;
	if (host->tokens > host->rate.burst)
		host->tokens = host->rate.burst;
}

int64_t host_next(const struct host *host, int64_t now)
{
	int64_t next = now;
	double lack;

	assert(host != NULL);
	if (host->outstanding >= host->rate.slots ||
	    (host->breaker == HOST_HALF_OPEN && host->probing))
		return INT64_MAX;
	if (host->quiet_until > next)
		next = host->quiet_until;
	if (host->breaker == HOST_OPEN && host->open_until > next)
		next = host->open_until;
	lack = host->rate.per_second > 0 ? 1 - HAIR - tokens_at(host, next) : 0;
	if (lack > 0)
		next += (int64_t)ceil(lack * 1000 / host->rate.per_second);
	return next;
}

bool host_shut(const struct host *host, int64_t now)
{
	assert(host != NULL);
	return now < host->quiet_until || (host->breaker == HOST_OPEN && now < host->open_until);
}

enum host_breaker host_breaker(const struct host *host)
{
	assert(host != NULL);
	return host->breaker;
}

struct text host_name(const struct host *host)
{
	assert(host != NULL);
	return (struct text){ host->name, host->name_n };
}

unsigned host_outstanding(const struct host *host)
{
	assert(host != NULL);
	return host->outstanding;
}

void hosts_each(struct hosts *hosts, void (*visit)(void *of, struct host *host), void *of)
{
	struct text name;
	void *host;
	size_t at = 0;

	assert(hosts != NULL && visit != NULL);
	while (map_next(hosts->by_name, &at, &name, &host))
		visit(of, host);
}
