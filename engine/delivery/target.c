/* SPDX-License-Identifier: Apache-2.0
 *
 * target.c - credit per target: what io/host.c allows becomes grants.
 *
 * A target without a rate gets all its slots the first time it is wanted, and each
 * one back with the outcome that frees it, so that an action can be STARTED in the
 * commit that decides it; what is not spent comes back when the target is shut. A
 * target with a rate gets credit only while runs wait for it, and only lent: what the
 * sequencer does not spend at once comes back, for credit held back would add up to
 * more than its burst and keep its slots from polls. Fetches of polls take credit
 * here, without the detour; where there is no rate they count apart, since the
 * sequencer may hold all slots. How long the target is to be left alone counts for both.
 *
 * I1  Credit granted plus credit taken by fetches equals host_outstanding. */
#include "engine/delivery/internal.h"

/* Behind the name of a target without a rate, where its polls count. */
#define POLLS " polls"

static struct host_rate grantee_rate(const struct connection *c)
{
	struct host_rate rate = { .slots = LIMIT_SLOTS };

	if (c == NULL)
		return rate;
	if (c->slots > 0)
		rate.slots = c->slots;
	rate.per_second = c->per_second;
	rate.burst = c->burst;
	if (rate.per_second > 0 && rate.burst < rate.slots)
		rate.slots = rate.burst < 1 ? 1 : (unsigned)rate.burst;
	return rate;
}

/* The other one of a target's two, or NULL. */
static struct grantee *grantee_twin(const struct delivery *d, const struct grantee *g)
{
	const struct text name = { g->name, g->name_size };
	struct grantee *twin;
	struct buf b;

	if (g->fetches_only)
		return map_get(d->grantees, text_head(name, name.n - strlen(POLLS)));
	buf_init(&b, 4096);
	buf_text(&b, name);
	buf_str(&b, POLLS);
	twin = buf_failed(&b) ? NULL : map_get(d->grantees, buf_view(&b));
	buf_fini(&b);
	return twin;
}

static struct grantee *grantee_new(struct delivery *d, const struct job *job, struct text name,
				   struct host *host, bool rated)
{
	struct grantee *g = mem_zero(1, sizeof(*g) + name.n + 1);
	const struct grantee *twin;

	if (g == NULL || !map_put(d->grantees, name, g)) {
		mem_free(g);
		return NULL;
	}
	g->host = host;
	g->fetches_only = job->kind == JOB_FETCH && !rated;
	g->waiting_end = &g->waiting;
	g->name_size = name.n;
	memcpy(g->name, name.s, name.n);
	if ((twin = grantee_twin(d, g)) != NULL)
		host_follow(host, clock_read(&d->clock).mono, twin->host);
	return g;
}

struct grantee *grantee_get(struct delivery *d, const struct job *job)
{
	struct host_rate rate = grantee_rate(config_connection(d->config, job->target));
	bool rated = rate.per_second > 0;
	struct text name = job->target;
	struct buf b;

	buf_init(&b, 4096);
	if (job->kind == JOB_FETCH && !rated) {
		buf_text(&b, job->target);
		buf_str(&b, POLLS);
		name = buf_view(&b);
	}
	struct grantee *g = map_get(d->grantees, name);
	struct host *host = hosts_get(d->hosts, name, &rate);

	if (g == NULL && host != NULL)
		g = grantee_new(d, job, name, host, rated);
	if (g != NULL)
		g->rated = rated;
	buf_fini(&b);
	return g;
}

/* Nobody waits: nothing to wake up for, but a breaker that is to let one through. */
static bool grantee_idle(const struct grantee *g)
{
	return g->waiting == NULL && (g->fetches_only || (g->rated && g->demand == 0));
}

static void grantee_arm(struct delivery *d, struct grantee *g)
{
	int64_t at = host_next(g->host, clock_read(&d->clock).mono);

	heap_drop(&d->timers, &g->timer);
	if (at == INT64_MAX || grantee_idle(g))
		return;
	g->timer.at = at;
	if (!heap_push(&d->timers, &g->timer))
		log_write(LOG_ERROR, "memory is out: a target waits longer than it should");
}

static void grantee_breaker(struct delivery *d, struct grantee *g, const char *why)
{
	bool open = host_breaker(g->host) == HOST_OPEN;
	bool closed = host_breaker(g->host) == HOST_CLOSED;
	struct input input = { .kind = INPUT_BREAKER };

	if (g->breaker_was_open ? !closed : !open)
		return;
	g->breaker_was_open = open;
	input.breaker.target = (struct text){ g->name, g->name_size };
	input.breaker.open = open;
	input.breaker.why = text_of(why);
	log_write(open ? LOG_WARN : LOG_INFO, open ? "breaker opened" : "breaker closed",
		  LOG_S("target", g->name));
	delivery_post(d, &input);
}

/* Waiting fetches first, the rest to the sequencer. */
static unsigned grantee_take(struct delivery *d, struct grantee *g)
{
	int64_t now = clock_read(&d->clock).mono;
	unsigned want = g->rated ? g->demand : LIMIT_SLOTS;

	while (g->waiting != NULL && host_grant(g->host, now, 1) == 1) {
		struct job *job = g->waiting;

		g->waiting = job->next;
		if (g->waiting == NULL)
			g->waiting_end = &g->waiting;
		job->next = NULL;
		delivery_send(d, job);
	}
	if (g->waiting != NULL || g->fetches_only)
		return 0;
	unsigned credits = host_grant(g->host, now, want);

	g->demand -= credits < g->demand ? credits : g->demand;
	return credits;
}

void grantee_offer(struct delivery *d, struct grantee *g)
{
	struct input input = { .kind = INPUT_GRANT };

	input.grant.target = (struct text){ g->name, g->name_size };
	input.grant.credits = grantee_take(d, g);
	input.grant.lent = g->rated;
	grantee_arm(d, g);
	if (input.grant.credits > 0)
		delivery_post(d, &input);
}

/* A 429 to a poll is one to the runs, too, and the other way round. */
static void grantee_tell(struct delivery *d, const struct grantee *g, int64_t now)
{
	struct grantee *twin = grantee_twin(d, g);
	struct input input = { .kind = INPUT_GRANT };

	if (twin == NULL)
		return;
	bool open = !host_shut(twin->host, now);

	host_follow(twin->host, now, g->host);
	if (!open || !host_shut(twin->host, now))
		return;
	grantee_arm(d, twin);
	input.grant.target = (struct text){ twin->name, twin->name_size };
	input.grant.shut = true;
	if (!twin->fetches_only)
		delivery_post(d, &input);
}

unsigned grantee_ended(struct delivery *d, struct grantee *g, enum host_result result,
		       int64_t retry_after)
{
	int64_t now = clock_read(&d->clock).mono;

	host_ended(g->host, now, result, retry_after);
	grantee_tell(d, g, now);
	grantee_breaker(d, g,
			result == HOST_GONE ? "it says that it is gone or that its key is void: "
					      "correct the connection and reload"
					    : "requests to it keep failing");
	unsigned credits = grantee_take(d, g);

	grantee_arm(d, g);
	return credits;
}

bool grantee_shut(const struct delivery *d, const struct grantee *g)
{
	return host_shut(g->host, clock_read(&d->clock).mono);
}

/* A target that an event named, and of which nothing is under way. The bucket and the breaker
 * of a connection are remembered. */
static bool grantee_forget(struct delivery *d, struct grantee *g)
{
	struct text name = { g->name, g->name_size };

	if (host_outstanding(g->host) > 0 || g->waiting != NULL || g->rated ||
	    config_connection(d->config, name) != NULL)
		return false;
	heap_drop(&d->timers, &g->timer);
	(void)map_drop(d->grantees, name);
	hosts_drop(d->hosts, name);
	mem_free(g);
	return true;
}

void grantee_unused(struct delivery *d, struct grantee *g, unsigned credits, bool gone)
{
	host_unused(g->host, credits);
	if (!gone)
		grantee_offer(d, g);
	else if (!grantee_forget(d, g))
		grantee_arm(d, g);
}

void grantee_fetch(struct delivery *d, struct job *job)
{
	struct grantee *g = job->grantee;

	job->next = NULL;
	*g->waiting_end = job;
	g->waiting_end = &job->next;
	grantee_offer(d, g);
}

void grantees_due(struct delivery *d)
{
	int64_t now = clock_read(&d->clock).mono;
	struct heap_node *node;

	while ((node = heap_top(&d->timers)) != NULL && node->at <= now) {
		struct grantee *g = HEAP_OWNER(node, struct grantee, timer);

		(void)heap_pop(&d->timers);
		grantee_offer(d, g);
		/* Due again at once would spin: a little later will do. */
		if (heap_holds(&g->timer) && g->timer.at <= now) {
			heap_drop(&d->timers, &g->timer);
			g->timer.at = now + 1;
			(void)heap_push(&d->timers, &g->timer);
		}
	}
}

void grantees_hurry(struct delivery *d)
{
	int64_t now = clock_read(&d->clock).mono;
	struct text key;
	void *value;

	for (size_t at = 0; map_next(d->grantees, &at, &key, &value);) {
		struct grantee *g = value;

		host_hurry(g->host, now);
		grantee_arm(d, g);
	}
}

int64_t grantees_next(const struct delivery *d)
{
	struct heap_node *node = heap_top(&d->timers);

	return node != NULL ? node->at : INT64_MAX;
}

void grantees_free(struct delivery *d)
{
	struct text key;
	void *value;

	for (size_t at = 0; d->grantees != NULL && map_next(d->grantees, &at, &key, &value);) {
		struct grantee *g = value;

		while (g->waiting != NULL) {
			struct job *job = g->waiting;

			g->waiting = job->next;
			job_free(job);
		}
		mem_free(g);
	}
	map_free(d->grantees);
}
