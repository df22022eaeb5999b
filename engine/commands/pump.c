/* SPDX-License-Identifier: Apache-2.0
 *
 * pump.c - the sequencer's thread; see pump.h. */
#include "engine/commands/pump.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"

#define PUMP_REPLIES 64 /* answers handed over at once */

struct waiting {
	struct queue_item *first, *last;
	size_t count;
};

struct pump {
	struct pump_parts parts;
	struct waiting ends; /* taken from the queue: what delivery says, */
	struct waiting news; /* and everything else */
	pthread_t thread;
	atomic_bool stopping;
	atomic_int_fast64_t patience;
};

/* ---- How long batches take. ---- */

/* Microseconds: a commit without a disk's flush, up to one that makes people call. */
static const unsigned bounds[PUMP_BUCKETS] = { 100,    250,    500,     1000,   2500,
					       5000,   10000,  25000,   50000,  100000,
					       250000, 500000, 1000000, 2500000 };

static void pump_measure(struct pump_stats *stats, int64_t micros)
{
	size_t i = 0;

	while (i < PUMP_BUCKETS && micros > bounds[i])
		i++;
	stats->slots[i]++;
	stats->micros += (uint64_t)micros;
}

void pump_metrics(const struct pump_stats *stats, struct buf *out)
{
	unsigned long long sum = 0, all;

	assert(stats != NULL && out != NULL);
	all = atomic_load(&stats->micros);
	buf_str(out, "# HELP tappet_commit_duration_seconds From the beginning of a batch until it "
		     "is on disk.\n# TYPE tappet_commit_duration_seconds histogram\n");
	for (size_t i = 0; i < PUMP_BUCKETS; i++) {
		sum += atomic_load(&stats->slots[i]);
		buf_printf(out, "tappet_commit_duration_seconds_bucket{le=\"%g\"} %llu\n",
			   bounds[i] / 1e6, sum);
	}
	sum += atomic_load(&stats->slots[PUMP_BUCKETS]);
	buf_printf(out,
		   "tappet_commit_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
		   "tappet_commit_duration_seconds_sum %llu.%06llu\n"
		   "tappet_commit_duration_seconds_count %llu\n",
		   sum, all / 1000000, all % 1000000, sum);
}

/* ---- Handing out. ---- */

static void pump_reply(struct pump *p, const struct outputs *out)
{
	struct http_server *server = p->parts.server(p->parts.of);
	struct http_reply batch[PUMP_REPLIES];
	size_t n = 0;

	for (size_t i = 0; i < out->reply_count && server != NULL; i++) {
		const struct reply_out *r = &out->replies[i];

		if (!plugins_is_ticket(r->ticket))
			batch[n++] = (struct http_reply){
				.ticket = r->ticket,
				.answer = { .status = r->status,
					    .body = r->body,
					    .retry_after = r->status == 503 ? 5 : 0 },
			};
		if (n > 0 && (n == PUMP_REPLIES || i + 1 == out->reply_count)) {
			http_reply(server, batch, n);
			n = 0;
		}
	}
}

static void pump_log(const struct outputs *out)
{
	for (size_t i = 0; i < out->run_count; i++) {
		const struct run_out *r = &out->runs[i];
		bool bad = text_is(r->state, "DEAD") || text_is(r->state, "IN_DOUBT") ||
			   text_is(r->state, "HELD");

		log_write(bad ? LOG_WARN : LOG_DEBUG, bad ? "a run needs a look" : "run ended",
			  LOG_I("run", r->run), LOG_S("rule", r->rule.s),
			  LOG_S("state", r->state.s), LOG_S("reason", r->reason.s));
	}
}

static bool pump_is_plugins(void *of, struct text target, const char *method)
{
	struct pump *p = of;

	if (method != NULL)
		return strcmp(method, PLUGIN_METHOD) == 0;
	return plugins_knows(p->parts.plugins, target);
}

static void pump_hand(struct pump *p, const struct outputs *out)
{
	const struct delivery_elsewhere plugins = { pump_is_plugins, p };

	delivery_hand(p->parts.delivery, out, p->parts.plugins != NULL ? &plugins : NULL);
	if (p->parts.plugins != NULL)
		plugins_hand(p->parts.plugins, out);
}

static enum fate pump_batch(struct pump *p, struct queue_item *items)
{
	struct outputs out;
	int64_t began;
	enum fate fate;

	if (p->parts.plugins != NULL)
		sequencer_publish(p->parts.sequencer, plugins_has_taps(p->parts.plugins));
	began = clock_micros();
	p->parts.stats->working = began;
	fate = sequencer_batch(p->parts.sequencer, items, clock_read(&p->parts.clock), &out);
	p->parts.stats->working = 0;
	pump_measure(p->parts.stats, clock_micros() - began);

	if (fate == FATE_OK) {
		pump_hand(p, &out);
		pump_log(&out);
		if (out.pauses_changed && p->parts.paused != NULL)
			p->parts.paused(p->parts.of, out.pauses, out.pause_count);
	}
	pump_reply(p, &out);
	if (p->parts.plugins != NULL)
		plugins_reply(p->parts.plugins, &out);
	return fate;
}

/* ---- The thread. ---- */

static void waiting_add(struct waiting *w, struct queue_item *item)
{
	item->next = NULL;
	if (w->first == NULL)
		w->first = item;
	else
		w->last->next = item;
	w->last = item;
	w->count++;
}

/* Moves the first items, LIMIT_BATCH at most. */
static void waiting_move(struct waiting *from, struct waiting *to)
{
	for (int n = 0; from->first != NULL && n < LIMIT_BATCH; n++) {
		struct queue_item *item = from->first;

		from->first = item->next;
		from->count--;
		waiting_add(to, item);
	}
}

/* What delivery says is in an order of its own: an outcome may tell of an object that a page
 * before it showed. */
static bool is_end(const struct queue_item *item)
{
	const struct input *input = (const struct input *)(const void *)item;

	return input->kind == INPUT_OUTCOME || input->kind == INPUT_GRANT ||
	       input->kind == INPUT_FETCHED || input->kind == INPUT_BREAKER;
}

/* No more wait here than in a full queue. */
static void pump_take(struct pump *p)
{
	struct queue_item *item = p->news.count < LIMIT_QUEUE ? queue_take(p->parts.inputs) : NULL;

	while (item != NULL) {
		struct queue_item *next = item->next;

		waiting_add(is_end(item) ? &p->ends : &p->news, item);
		item = next;
	}
}

/* What ends goes before what begins: with more coming in than can be sent, runs would pile up
 * while the requests that make room for them wait to be noted. */
static struct queue_item *pump_portion(struct pump *p)
{
	struct waiting portion = { 0 };

	waiting_move(&p->ends, &portion);
	waiting_move(&p->news, &portion);
	return portion.first;
}

static void pump_wait(struct pump *p, int64_t until)
{
	struct pollfd fd = { .fd = queue_fd(p->parts.inputs), .events = POLLIN };
	int64_t wait = -1;

	if (until != INT64_MAX) {
		wait = until - clock_read(&p->parts.clock).mono;
		wait = wait < 0 ? 0 : wait > 60000 ? 60000 : wait;
	}
	wait = clock_patience(&p->parts.clock, wait);
	if (poll(&fd, 1, (int)wait) < 0 && errno != EINTR)
		log_write(LOG_ERROR, "poll failed", LOG_I("errno", errno));
}

static void pump_all(struct pump *p)
{
	do {
		pump_take(p);
		(void)pump_batch(p, pump_portion(p));
	} while (p->ends.first != NULL || p->news.first != NULL);
}

static void pump_drain(struct pump *p)
{
	int64_t deadline = clock_read(&p->parts.clock).mono + p->patience;

	sequencer_drain(p->parts.sequencer);
	pump_all(p);
	while (!sequencer_is_quiet(p->parts.sequencer) &&
	       clock_read(&p->parts.clock).mono < deadline) {
		int64_t next = sequencer_next(p->parts.sequencer); /* a failed batch's retry */

		pump_wait(p, next < deadline ? next : deadline);
		pump_all(p);
	}
}

static void *pump_thread(void *of)
{
	struct pump *p = of;

	while (!p->stopping) {
		pump_wait(p, sequencer_next(p->parts.sequencer));
		pump_all(p);
	}
	pump_drain(p);
	return NULL;
}

/* ---- Life. ---- */

enum fate pump_start(const struct pump_parts *parts, struct pump **out)
{
	struct pump *p = mem_zero(1, sizeof(*p));

	assert(parts != NULL && parts->sequencer != NULL && out != NULL);
	if (p == NULL)
		return FATE_RETRY;
	p->parts = *parts;
	if (pump_batch(p, NULL) != FATE_OK ||
	    pthread_create(&p->thread, NULL, pump_thread, p) != 0) {
		mem_free(p);
		return FATE_RETRY;
	}
	*out = p;
	return FATE_OK;
}

size_t pump_stop(struct pump *p, int64_t patience)
{
	if (p == NULL)
		return 0;
	p->patience = patience;
	p->stopping = true;
	queue_wake(p->parts.inputs);
	(void)pthread_join(p->thread, NULL);
	struct queue_item *item = queue_take(p->parts.inputs);

	while (item != NULL) {
		struct queue_item *next = item->next;

		input_free((struct input *)(void *)item);
		item = next;
	}
	size_t cut = sequencer_in_flight(p->parts.sequencer);

	mem_free(p);
	return cut;
}
