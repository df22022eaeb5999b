/* SPDX-License-Identifier: Apache-2.0
 *
 * hand.c - what other threads ask of the bus's thread: outputs of batches, new
 * settings, goodbye. Each becomes an order (order.h). */
#include <assert.h>
#include <string.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/plugins/runtime.h"

bool plugins_post(struct plugins *p, const struct input *input)
{
	struct input *copy = input_new(input);

	if (copy != NULL)
		queue_force(p->parts.inputs, &copy->item);
	return copy != NULL;
}

bool plugins_is_ticket(uint64_t ticket)
{
	return (ticket & TICKET_TOP) != 0;
}

bool plugins_knows(struct plugins *p, struct text target)
{
	bool known;

	assert(p != NULL);
	pthread_mutex_lock(&p->lock);
	known = settings_find(p->shown, target) != NULL;
	pthread_mutex_unlock(&p->lock);
	return known;
}

static bool order(struct plugins *p, const struct order *from)
{
	struct order *copy = order_new(from);

	if (copy != NULL)
		queue_force(p->orders, &copy->item);
	return copy != NULL;
}

/* A tap may miss some: when the thread doesn't keep up, it does. */
static void publish(struct plugins *p, struct text topic, struct text body)
{
	const struct order from = { .kind = ORDER_PUBLISH, .topic = topic, .body = body };
	struct order *copy = order_new(&from);

	if (copy != NULL && !queue_push(p->orders, &copy->item))
		order_free(copy);
}

/* What happens inside of the engine has no method. */
static bool is_job(const struct attempt_out *a)
{
	return a->request.method != NULL && strcmp(a->request.method, PLUGIN_METHOD) == 0;
}

static void hand_attempt(struct plugins *p, const struct attempt_out *a)
{
	const struct order from = { .kind = ORDER_JOB,
				    .plugin = a->target,
				    .action = a->request.url,
				    .key = a->key,
				    .rule = a->rule,
				    .event = a->event,
				    .body = a->request.body,
				    .run = a->run,
				    .step = a->step,
				    .attempt = a->attempt,
				    .timeout = a->timeout > 0 ? a->timeout : 1 };
	struct input input = {
		.kind = INPUT_OUTCOME,
		.outcome = { .run = a->run,
			     .step = a->step,
			     .attempt = a->attempt,
			     .target = a->target,
			     .ending = { .how = END_NO_REPLY,
					 .error = TEXT("memory is out"),
					 .retry_after = -1 } },
	};

	if (!order(p, &from) && !plugins_post(p, &input))
		log_write(LOG_ERROR, "memory is out: an attempt stays open until a restart",
			  LOG_I("run", a->run));
}

/* The states that the protocol tells of. */
static bool is_end(struct text state)
{
	return text_is(state, "DONE") || text_is(state, "DEAD") || text_is(state, "SKIPPED") ||
	       text_is(state, "IN_DOUBT") || text_is(state, "HELD");
}

static void hand_run(struct plugins *p, const struct run_out *r)
{
	AUTO_FINI(buf_fini) struct buf topic, body;

	buf_init(&topic, 64);
	buf_init(&body, 64 * KIB);
	buf_str(&topic, "tappet.run.");
	for (size_t i = 0; i < r->state.n; i++) {
		char c = r->state.s[i];

		buf_char(&topic, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	/* A run's number is given again after a restore, and a run may end more than once. */
	buf_printf(&body, "{\"specversion\":\"1.0\",\"id\":\"run-%lld-%lld-%s\"", (long long)r->run,
		   (long long)r->at, buf_cstr(&topic));
	buf_printf(&body, ",\"source\":\"/tappet\",\"type\":\"%s\"", buf_cstr(&topic));
	buf_printf(&body, ",\"datacontenttype\":\"application/json\",\"data\":{\"run\":\"%lld\"",
		   (long long)r->run);
	buf_str(&body, ",\"rule\":");
	value_write_text(&body, r->rule);
	buf_str(&body, ",\"reason\":");
	value_write_text(&body, r->reason);
	buf_str(&body, "}}");
	if (!buf_failed(&topic) && !buf_failed(&body))
		publish(p, buf_view(&topic), buf_view(&body));
}

static void hand_event(struct plugins *p, const struct event_out *e)
{
	if (e->published.n > 0)
		publish(p, e->type, e->published);
}

static void hand_credit(struct plugins *p, enum order_kind kind, struct text target, unsigned count)
{
	const struct order from = { .kind = kind, .plugin = target, .count = count };

	if (!order(p, &from))
		log_write(LOG_ERROR, "memory is out: credit of a plugin is lost until a restart");
}

void plugins_hand(struct plugins *p, const struct outputs *out)
{
	assert(p != NULL && out != NULL);
	for (size_t i = 0; i < out->unused_count; i++)
		if (out->unused[i].plugin)
			hand_credit(p, ORDER_UNUSED, out->unused[i].target, out->unused[i].credits);
	for (size_t i = 0; i < out->attempt_count; i++)
		if (is_job(&out->attempts[i]))
			hand_attempt(p, &out->attempts[i]);
	for (size_t i = 0; i < out->target_count; i++)
		if (plugins_knows(p, out->targets[i]))
			hand_credit(p, ORDER_WANTED, out->targets[i], out->target_runs[i]);
	for (size_t i = 0; i < out->event_count; i++)
		hand_event(p, &out->events[i]);
	if (out->event_count > 0)
		tally_head(p->tally, out->events[out->event_count - 1].seq);
	if (out->event_count > 0 && p->pager != NULL)
		pager_committed(p->pager, out->events[out->event_count - 1].seq);
	for (size_t i = 0; i < out->run_count && bus_has_taps(p->bus); i++)
		if (is_end(out->runs[i].state))
			hand_run(p, &out->runs[i]);
}

void plugins_reply(struct plugins *p, const struct outputs *out)
{
	assert(p != NULL && out != NULL);
	for (size_t i = 0; i < out->reply_count; i++) {
		const struct reply_out *r = &out->replies[i];
		const struct order from = { .kind = ORDER_REPLY,
					    .ticket = r->ticket,
					    .status = r->status,
					    .body = r->body };

		/* A plugin that gets no answer emits again after its next WELCOME. */
		if (plugins_is_ticket(r->ticket) && !order(p, &from))
			log_write(LOG_ERROR, "memory is out: a plugin isn't answered");
	}
}

bool plugins_reload(struct plugins *p, const struct plugin_setting *settings, size_t count)
{
	struct order from = { .kind = ORDER_SETTINGS };
	struct settings *shown, *old;

	assert(p != NULL);
	from.settings = settings_new(settings, count);
	if (from.settings == NULL)
		return false;
	shown = settings_ref(from.settings);
	if (!order(p, &from)) {
		settings_free(shown);
		settings_free(from.settings);
		return false;
	}
	places_cover(p->tally, p->store, settings, count);
	pthread_mutex_lock(&p->lock);
	old = p->shown;
	p->shown = shown;
	pthread_mutex_unlock(&p->lock);
	settings_free(old);
	return true;
}

void plugins_leave(struct plugins *p, int64_t within)
{
	const struct order from = { .kind = ORDER_LEAVE, .within = within };

	assert(p != NULL && within >= 0);
	if (!order(p, &from))
		log_write(LOG_WARN, "memory is out: plugins aren't told that the engine stops");
}
