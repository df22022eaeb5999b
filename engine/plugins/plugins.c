/* SPDX-License-Identifier: Apache-2.0
 *
 * plugins.c - the host of the sessions; see plugins.h.
 *
 * All of it but the life of the runtime, at the end, runs on the bus's thread, which
 * alone touches the sessions. Other threads put orders into a queue it watches (hand.c).
 *
 * Credit: a plugin that runs wait for has a demand. Whenever one of its sessions
 * takes more, and before each wait, what the sequencer still lacks is lent to it
 * as a grant; what it doesn't spend in that batch comes back as an order. */
#include "engine/plugins/plugins.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/cleanup.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/plugins/runtime.h"

static struct text work_id(const struct order *order, char room[64])
{
	int n =
	    snprintf(room, 64, "%lld.%d.%d", (long long)order->run, order->step, order->attempt);

	return (struct text){ room, (size_t)n };
}

/* What work_id wrote, also in an earlier session or process. False: it is no such name. */
static bool read_work_id(struct text id, int64_t *run, int *step)
{
	struct text first, second, third = text_split(text_split(id, '.', &first), '.', &second);
	int64_t n, attempt;

	if (!text_to_int(first, run) || !text_to_int(second, &n) || !text_to_int(third, &attempt) ||
	    *run <= 0 || n < 0 || n > INT_MAX)
		return false;
	*step = (int)n;
	return true;
}

/* The time of sessions doesn't pass while the process stands still (a machine that is suspended, a
 * container that is frozen): what plugins said meanwhile waits in the socket, and is no silence. */
static int64_t mono(struct plugins *p)
{
	int64_t now = clock_read(&p->parts.clock).mono;

	if (p->awaited >= 0 && now - p->awaited >= LIMIT_SESSION_BEAT)
		p->stood += now - p->looked;
	p->looked = now;
	return now - p->stood;
}

/* ---- Ends. ---- */

static void write_error(struct buf *body, struct text error)
{
	buf_str(body, "{\"error\":");
	value_write_text(body, error);
	buf_char(body, '}');
}

static void fill_ending(struct ending *e, const struct job_end *end, struct buf *body)
{
	e->error = end->error;
	e->retry_after = -1;
	e->sent = end->fate != JOB_UNSENT;
	e->how = end->fate == JOB_DOUBT || end->fate == JOB_UNSENT ? END_NO_REPLY : END_REPLIED;
	if (e->how == END_NO_REPLY)
		return;
	e->content_type = TEXT("application/json");
	e->body = end->body;
	e->status = 200;
	if (end->fate == JOB_OK)
		return;
	write_error(body, end->error);
	e->body = buf_view(body);
	e->status = end->fate == JOB_RETRY ? 503 : 422;
	if (end->fate == JOB_RETRY)
		e->retry_after = end->after;
}

/* The order is freed. */
static void end_order(struct plugins *p, struct order *order, const struct job_end *end)
{
	AUTO_FINI(buf_fini) struct buf body;
	struct input input = { .kind = INPUT_OUTCOME,
			       .outcome = { .run = order->run,
					    .step = order->step,
					    .attempt = order->attempt,
					    .target = order->plugin } };
	int64_t now = clock_read(&p->parts.clock).wall;

	buf_init(&body, 64 * KIB);
	fill_ending(&input.outcome.ending, end, &body);
	input.outcome.ending.started = order->started > 0 ? order->started : now;
	input.outcome.ending.ended = now;
	if (!plugins_post(p, &input))
		log_write(LOG_ERROR, "memory is out: an attempt stays open until a restart",
			  LOG_I("run", order->run));
	order_free(order);
}

/* ---- Credit. ---- */

static struct demand *demand_of(struct plugins *p, struct text name)
{
	struct demand *demand = map_get(p->demands, name);

	if (demand != NULL)
		return demand;
	demand = mem_zero(1, sizeof(*demand) + name.n);
	if (demand == NULL || !map_put(p->demands, name, demand)) {
		mem_free(demand);
		return NULL;
	}
	demand->name_size = name.n;
	memcpy(demand->name, name.s, name.n);
	return demand;
}

static void offer(struct plugins *p, struct demand *demand)
{
	struct text name = { demand->name, demand->name_size };
	struct input input = { .kind = INPUT_GRANT,
			       .grant = { .target = name, .lent = true, .plugin = true } };

	if (demand->runs == 0)
		return;
	input.grant.credits = sessions_lend(p->sessions, name, demand->runs);
	if (input.grant.credits == 0)
		return;
	if (plugins_post(p, &input))
		demand->runs -= input.grant.credits;
	else
		sessions_return(p->sessions, name, input.grant.credits);
}

static void offer_all(struct plugins *p)
{
	struct text name;
	void *demand;

	for (size_t at = 0; map_next(p->demands, &at, &name, &demand);)
		offer(p, demand);
}

static void wanted(struct plugins *p, const struct order *order)
{
	struct demand *demand = demand_of(p, order->plugin);

	if (demand != NULL)
		demand->runs = order->count;
	else
		log_write(LOG_ERROR, "memory is out: runs wait for a plugin");
}

/* ---- The host of the sessions. ---- */

static enum bus_sent on_send(void *of, uint32_t peer, const struct text *frames, size_t count)
{
	struct plugins *p = of;

	return bus_send(p->bus, peer, frames, count);
}

static enum session_admit on_admit(void *of, struct text plugin, struct text key,
				   unsigned *concurrency)
{
	struct plugins *p = of;
	const struct plugin_setting *setting = settings_find(p->settings, plugin);

	if (setting == NULL)
		return SESSION_UNKNOWN;
	*concurrency = setting->concurrency;
	/* Without a key it came by ipc, whose file is the user's alone. */
	return key.n == 0 || settings_trust(setting, key) ? SESSION_ADMITTED : SESSION_UNTRUSTED;
}

static enum session_answer on_manifest(void *of, struct text plugin, struct text json,
				       char words[SESSION_WORDS])
{
	struct plugins *p = of;

	return p->parts.manifest(p->parts.of, plugin, json, words);
}

static void on_began(void *of, struct text plugin, const char *session)
{
	struct plugins *p = of;
	char name[LIMIT_SESSION_NAME + 1];

	tally_began(p->tally, plugin, session, clock_read(&p->parts.clock).wall);
	(void)snprintf(name, sizeof(name), "%.*s", TEXT_ARG(plugin));
	log_write(LOG_INFO, "plugin connected", LOG_S("plugin", name), LOG_S("session", session));
}

static void on_ended(void *of, struct text plugin, const char *code, const char *words)
{
	char name[LIMIT_SESSION_NAME + 1];
	bool usual = strcmp(code, "bye") == 0 || strcmp(code, "stopped") == 0;
	struct plugins *p = of;

	tally_ended(p->tally, plugin, code, clock_read(&p->parts.clock).wall);
	if (strcmp(code, "not-heard") == 0 && p->parts.silent != NULL)
		p->parts.silent(p->parts.of, plugin);
	(void)snprintf(name, sizeof(name), "%.*s", TEXT_ARG(plugin));
	log_write(usual ? LOG_INFO : LOG_WARN, "plugin disconnected", LOG_S("plugin", name),
		  LOG_S("code", code), LOG_S("reason", words));
}

/* Whether the log is to tell of it, or has done so a moment ago. */
static bool is_news(struct plugins *p, struct text who, const char *code)
{
	struct told *slot = &p->told[p->next_told], now = { .at = mono(p) };

	(void)snprintf(now.what, sizeof(now.what), "%.*s %s",
		       TEXT_ARG(text_head(who, LIMIT_SESSION_NAME)), code);
	for (size_t i = 0; i < LIMIT_BUS_REFUSED; i++)
		if (strcmp(p->told[i].what, now.what) == 0 &&
		    now.at - p->told[i].at < LIMIT_BUS_REFUSED_MS)
			return false;
	p->next_told = (p->next_told + 1) % LIMIT_BUS_REFUSED;
	*slot = now;
	return true;
}

static void on_refused(void *of, struct text plugin, const char *code, const char *words)
{
	struct plugins *p = of;
	char name[LIMIT_SESSION_NAME + 1];

	tally_error(p->tally, code);
	(void)snprintf(name, sizeof(name), "%.*s", TEXT_ARG(plugin));
	if (words != NULL)
		tally_refused(p->tally, plugin, code, words, clock_read(&p->parts.clock).wall);
	/* Who had a session and lost it, in a restart of the engine, says so once and is told. */
	if (words == NULL || strcmp(code, "hello-first") == 0 || strcmp(code, "busy") == 0)
		log_write(LOG_DEBUG, "plugin was told an error", LOG_S("plugin", name),
			  LOG_S("code", code));
	else if (is_news(p, plugin, code))
		log_write(LOG_WARN, "a plugin was refused", LOG_S("plugin", name),
			  LOG_S("code", code), LOG_S("why", words));
}

/* The turn that follows offers it. */
static void on_credit(void *of, struct text plugin)
{
	(void)of;
	(void)plugin;
}

static void on_job_ended(void *of, uint64_t ref, const struct job_end *end)
{
	struct order *order = (struct order *)(uintptr_t)ref;
	struct plugins *p = of;

	tally_job(p->tally, order->plugin, end->fate);
	end_order(p, order, end);
}

/* The sender's id as the event's: the same on every machine, and no other plugin's. */
static void event_id(const struct session_emit *emit, struct text source, char out[HASH_HEX])
{
	const struct text parts[] = { source, emit->id };

	hash_name(parts, 2, out);
}

static enum session_answer on_emit(void *of, const struct session_emit *emit, uint64_t ticket,
				   char words[SESSION_WORDS])
{
	struct plugins *p = of;
	char type[2 * LIMIT_SESSION_NAME + 16], source[LIMIT_SESSION_NAME + 16], id[HASH_HEX];
	struct input input = { .kind = INPUT_EVENT }, *copy;
	enum fate fate = p->parts.emits(p->parts.of, emit->plugin, emit->type, emit->data, words);

	if (fate != FATE_OK)
		return fate == FATE_REJECT ? SESSION_WRONG : SESSION_BUSY;
	(void)snprintf(type, sizeof(type), "plugin.%.*s.%.*s", TEXT_ARG(emit->plugin),
		       TEXT_ARG(emit->type));
	(void)snprintf(source, sizeof(source), "plugin/%.*s", TEXT_ARG(emit->plugin));
	event_id(emit, text_of(source), id);
	input.event = (struct event_input){ .ticket = ticket | TICKET_TOP,
					    .type = text_of(type),
					    .source = text_of(source),
					    .subject = emit->subject,
					    .connection = emit->plugin,
					    .id = text_of(id),
					    .time = emit->time,
					    .data = emit->data };
	if (!read_work_id(emit->job, &input.event.job_run, &input.event.job_step))
		input.event.job_run = 0;
	copy = input_new(&input);
	if (copy != NULL && queue_push(p->parts.inputs, &copy->item)) {
		tally_emit(p->tally, emit->plugin);
		return SESSION_TAKEN;
	}
	input_free(copy);
	return SESSION_BUSY;
}

/* True: the sequencer has it, or will. */
static bool place(struct plugins *p, const struct place_input *what, bool force)
{
	const struct input input = { .kind = INPUT_PLACE, .place = *what };
	struct input *copy = input_new(&input);
	bool taken = copy != NULL;

	if (taken && force)
		queue_force(p->parts.inputs, &copy->item);
	else if (taken)
		taken = queue_push(p->parts.inputs, &copy->item);
	if (!taken)
		input_free(copy);
	return taken;
}

static enum session_answer on_subscribe(void *of, const struct session_subscribe *subscribe,
					uint64_t ticket, char words[SESSION_WORDS])
{
	struct plugins *p = of;
	const struct place_input open = { .op = PLACE_OPEN,
					  .ticket = ticket | TICKET_TOP,
					  .plugin = subscribe->plugin,
					  .cursor = subscribe->cursor,
					  .seq = subscribe->from };

	if (p->pager == NULL) {
		(void)snprintf(words, SESSION_WORDS, "a store in memory can't be read again");
		return SESSION_WRONG;
	}
	if (!pager_open(p->pager, ticket, subscribe->types, subscribe->type_count))
		return SESSION_BUSY;
	if (place(p, &open, false))
		return SESSION_TAKEN;
	pager_close(p->pager, ticket);
	return SESSION_BUSY;
}

static void on_want(void *of, uint64_t subscription, int64_t after, unsigned most, size_t bytes)
{
	struct plugins *p = of;

	if (!pager_want(p->pager, subscription, after, most, bytes))
		log_write(LOG_ERROR, "memory is out: a plugin's subscription stands still until "
				     "it connects again");
}

static enum session_answer on_ack(void *of, struct text plugin, struct text cursor, int64_t seq,
				  uint64_t ticket)
{
	const struct place_input move = { .op = PLACE_MOVE,
					  .ticket = ticket != 0 ? ticket | TICKET_TOP : 0,
					  .plugin = plugin,
					  .cursor = cursor,
					  .seq = seq };

	return place(of, &move, false) ? SESSION_TAKEN : SESSION_BUSY;
}

static void on_place(void *of, struct text plugin, struct text cursor, int64_t seq)
{
	struct plugins *p = of;

	tally_place(p->tally, plugin, cursor, seq);
}

static void on_unsubscribe(void *of, uint64_t subscription, struct text plugin, struct text cursor,
			   bool forget)
{
	struct plugins *p = of;
	const struct place_input gone = { .op = PLACE_FORGET, .plugin = plugin, .cursor = cursor };

	pager_close(p->pager, subscription);
	if (forget)
		tally_place(p->tally, plugin, cursor, -1);
	if (forget && !place(p, &gone, true))
		log_write(LOG_ERROR, "memory is out: a plugin's cursor isn't forgotten");
}

/* ---- Pages of the log. ---- */

static void give_page(struct plugins *p, const struct pager_page *page)
{
	bool more = true;

	for (size_t i = 0; i < page->count && more; i++) {
		const struct pager_entry *e = &page->entries[i];
		struct text body = { page->text != NULL ? page->text + e->at : NULL, e->n };

		if (e->gap_to > 0)
			sessions_gap(p->sessions, page->subscription, e->seq, e->gap_to, mono(p));
		else
			more =
			    sessions_event(p->sessions, page->subscription, e->seq, body, mono(p));
	}
	sessions_read(p->sessions, page->subscription, page->upto, mono(p));
}

static void on_pages(void *of)
{
	struct plugins *p = of;
	struct queue_item *item = pager_take(p->pager);

	while (item != NULL) {
		struct queue_item *next = item->next;

		give_page(p, (struct pager_page *)(void *)item);
		pager_page_free((struct pager_page *)(void *)item);
		item = next;
	}
}

/* ---- Orders. ---- */

static void send_job(struct plugins *p, struct order *order)
{
	char room[64];
	const struct session_job job = { .ref = (uint64_t)(uintptr_t)order,
					 .plugin = order->plugin,
					 .id = work_id(order, room),
					 .action = order->action,
					 .key = order->key,
					 .rule = order->rule,
					 .event = order->event,
					 .attempt = order->attempt,
					 .timeout = order->timeout,
					 .body = order->body };

	tally_sent(p->tally, order->plugin);
	order->started = clock_read(&p->parts.clock).wall;
	sessions_job(p->sessions, &job, mono(p));
}

static struct text member_text(struct value v, const char *name)
{
	const struct value *m = value_get(v, text_of(name));

	return m != NULL && m->kind == VALUE_TEXT ? value_as_text(*m) : TEXT("");
}

/* The sequencer's answers are those of an HTTP client: 202 with the event, 200 with a place, or an
 * error. A ticket is of one kind only: the others don't know it. */
static void reply(struct plugins *p, const struct order *order)
{
	struct session_emitted emitted = { .answer = SESSION_TAKEN };
	uint64_t ticket = order->ticket & ~TICKET_TOP;
	const struct value *seq, *repeat;
	struct json_error error;
	struct value v;
	struct text words;

	arena_reset(p->arena);
	if (json_parse(p->parser, p->arena, order->body, &v, &error) != FATE_OK)
		v = value_null();
	seq = value_get(v, TEXT("seq"));
	repeat = value_get(v, TEXT("repeat"));
	emitted.event = member_text(v, "id");
	emitted.seq = seq != NULL && seq->kind == VALUE_INT ? seq->i : 0;
	emitted.repeat = repeat != NULL && repeat->kind == VALUE_BOOL && repeat->b;
	words = text_dup(p->arena, member_text(v, "error"));
	emitted.words = words.s != NULL ? words.s : "";
	if (order->status == 503 || order->status == 429)
		emitted.answer = SESSION_BUSY;
	else if (order->status != 202 && order->status != 200)
		emitted.answer = SESSION_WRONG;
	sessions_emitted(p->sessions, ticket, &emitted, mono(p));
	sessions_subscribed(p->sessions, ticket, emitted.answer, emitted.seq, emitted.words,
			    mono(p));
	sessions_acked(p->sessions, ticket, emitted.answer == SESSION_TAKEN, mono(p));
}

static void new_settings(struct plugins *p, struct order *order)
{
	settings_free(p->settings);
	p->settings = order->settings;
	order->settings = NULL;
	sessions_reload(p->sessions, mono(p));
}

static void obey(struct plugins *p, struct order *order)
{
	switch (order->kind) {
	case ORDER_JOB:
		send_job(p, order);
		return; /* its end frees it */
	case ORDER_WANTED:
		wanted(p, order);
		break;
	case ORDER_UNUSED:
		sessions_return(p->sessions, order->plugin, order->count);
		break;
	case ORDER_REPLY:
		reply(p, order);
		break;
	case ORDER_PUBLISH:
		bus_publish(p->bus, order->topic, order->body);
		break;
	case ORDER_SETTINGS:
		new_settings(p, order);
		break;
	case ORDER_LEAVE:
		sessions_stop(p->sessions, order->within, mono(p));
		break;
	}
	order_free(order);
}

static void on_orders(void *of)
{
	struct plugins *p = of;
	struct queue_item *item = queue_take(p->orders);

	while (item != NULL) {
		struct queue_item *next = item->next;

		obey(p, (struct order *)(void *)item);
		item = next;
	}
}

/* ---- The handler of the bus. ---- */

static void on_message(void *of, const struct bus_message *message)
{
	struct plugins *p = of;

	sessions_message(p->sessions, message, mono(p));
}

static int64_t on_turn(void *of, int64_t now)
{
	struct plugins *p = of;
	int64_t due = sessions_tick(p->sessions, mono(p));

	offer_all(p);
	if (due >= 0)
		due += p->stood;
	/* Looked at often enough to see that time was lost. */
	if (due > now + LIMIT_SESSION_BEAT)
		due = now + LIMIT_SESSION_BEAT;
	p->awaited = due > now || due < 0 ? due : now;
	return due;
}

static bool on_trusts(void *of, struct text key)
{
	struct plugins *p = of;
	bool trusted = settings_trust_any(p->settings, key);

	if (trusted)
		return true;
	tally_key(p->tally);
	if (is_news(p, key, "")) {
		char shown[BUS_KEY];

		(void)snprintf(shown, sizeof(shown), "%.*s", TEXT_ARG(key));
		log_write(LOG_WARN, "a client was refused: no plugin is trusted with its key",
			  LOG_S("public_key", shown));
	}
	return false;
}

static void on_named(void *of)
{
	struct plugins *p = of;

	on_refused(p, TEXT_NONE, "bad-frame", "its socket has a routing id of its own");
}

static void on_closing(void *of)
{
	struct plugins *p = of;

	sessions_stop(p->sessions, 0, mono(p));
	(void)sessions_tick(p->sessions, mono(p));
}

/* ---- Life. ---- */

static void free_demands(struct map *demands)
{
	struct text name;
	void *demand;

	if (demands == NULL)
		return;
	for (size_t at = 0; map_next(demands, &at, &name, &demand);)
		mem_free(demand);
	map_free(demands);
}

void plugins_stop(struct plugins *p)
{
	struct queue_item *item;

	if (p == NULL)
		return;
	bus_stop(p->bus);
	sessions_free(p->sessions);
	pager_stop(p->pager);
	item = p->orders != NULL ? queue_take(p->orders) : NULL;
	while (item != NULL) {
		struct queue_item *next = item->next;

		order_free((struct order *)(void *)item);
		item = next;
	}
	queue_free(p->orders);
	free_demands(p->demands);
	settings_free(p->settings);
	settings_free(p->shown);
	json_parser_free(p->parser);
	arena_free(p->arena);
	tally_free(p->tally);
	pthread_mutex_destroy(&p->lock);
	mem_free(p->store);
	mem_free(p);
}

static bool make(struct plugins *p, const struct plugins_parts *parts)
{
	const struct session_host host = { p,           on_send,      on_admit,
					   on_manifest, on_began,     on_ended,
					   on_refused,  on_credit,    on_job_ended,
					   on_emit,     on_subscribe, on_want,
					   on_ack,      on_place,     on_unsubscribe };
	static const struct text refusal[] = {
		{ "ERROR", 5 },
		{ "{\"code\":\"bad-frame\",\"message\":\"the socket has a routing id of its own: "
		  "don't set one\",\"fatal\":true}",
		  sizeof("{\"code\":\"bad-frame\",\"message\":\"the socket has a routing id of its "
			 "own: don't set one\",\"fatal\":true}") -
		      1 },
	};
	const struct bus_settings settings = { parts->sessions, parts->events, parts->key, refusal,
					       2 };
	const struct bus_handler handler = {
		p, on_message, on_turn, on_trusts, on_named, on_closing
	};
	struct instant now = clock_read(&parts->clock);

	p->settings = settings_new(parts->settings, parts->count);
	p->shown = p->settings != NULL ? settings_ref(p->settings) : NULL;
	/* What is more than that isn't published; everything else is always taken, and bounded by
	 * credit and by what plugins have under way. */
	p->orders = queue_new(LIMIT_BUS_PUBLISH, LIMIT_PUBLISH);
	p->sessions = sessions_new(&host, (uint64_t)now.wall);
	p->demands = map_new();
	p->tally = tally_new();
	p->store = parts->store != NULL ? text_heap(text_of(parts->store)) : NULL;
	if (p->tally != NULL)
		places_cover(p->tally, p->store, parts->settings, parts->count);
	p->parser = json_parser_new();
	p->arena = arena_new("plugin's answer", MIB);
	p->bus = bus_new(&settings, &handler, parts->clock);
	return p->settings != NULL && p->tally != NULL && p->orders != NULL &&
	       p->sessions != NULL && p->demands != NULL && p->parser != NULL && p->arena != NULL &&
	       p->bus != NULL && (p->store != NULL || parts->store == NULL) &&
	       bus_watch(p->bus, queue_fd(p->orders), on_orders, p);
}

static enum fate open_pager(struct plugins *p, const char *store, char words[BUS_WORDS])
{
	enum fate fate;

	if (store == NULL)
		return FATE_OK;
	fate = pager_start(store, &p->pager, words, BUS_WORDS);
	if (fate == FATE_OK && !bus_watch(p->bus, pager_fd(p->pager), on_pages, p))
		fate = FATE_RETRY;
	return fate;
}

enum fate plugins_start(const struct plugins_parts *parts, struct plugins **out,
			char words[BUS_WORDS])
{
	struct plugins *p = mem_zero(1, sizeof(*p));
	enum fate fate;

	assert(parts != NULL && parts->inputs != NULL && out != NULL && words != NULL);
	assert(parts->manifest != NULL && parts->emits != NULL);
	(void)snprintf(words, BUS_WORDS, "memory or descriptors are out");
	if (p == NULL)
		return FATE_RETRY;
	p->parts = *parts;
	p->awaited = -1;
	pthread_mutex_init(&p->lock, NULL);
	fate = make(p, parts) ? open_pager(p, parts->store, words) : FATE_RETRY;
	if (fate == FATE_OK)
		fate = bus_start(p->bus, words);
	if (fate != FATE_OK) {
		plugins_stop(p);
		return fate;
	}
	*out = p;
	return FATE_OK;
}

bool plugins_has_taps(const struct plugins *p)
{
	assert(p != NULL);
	return bus_has_taps(p->bus);
}

void plugins_metrics(struct plugins *p, struct buf *out)
{
	assert(p != NULL);
	tally_metrics(p->tally, out);
}

void plugins_list(struct plugins *p, struct buf *out)
{
	assert(p != NULL);
	tally_list(p->tally, out);
}

const char *plugins_sessions(const struct plugins *p)
{
	assert(p != NULL);
	return bus_sessions(p->bus);
}

const char *plugins_events(const struct plugins *p)
{
	assert(p != NULL);
	return bus_events(p->bus);
}
