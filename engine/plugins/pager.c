/* SPDX-License-Identifier: Apache-2.0
 *
 * pager.c - see pager.h.
 *
 * The thread sleeps until it is asked for something or something is committed. The
 * number of the last commit is read before the store is: what it says is committed
 * is in the store's snapshot, so what isn't found up to there is gone. */
#include "engine/plugins/pager.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/rules/rule.h"
#include "engine/sequencer/publish.h"
#include "engine/store/store.h"
#include "engine/value/parse.h"

#define PAUSE 1000 /* ms after the store couldn't be read, or memory was out */

enum pager_ask_kind { ASK_OPEN, ASK_WANT, ASK_CLOSE };

struct pager_ask {
	struct queue_item item; /* first member */
	enum pager_ask_kind kind;
	uint64_t subscription;
	int64_t after;
	unsigned most;
	size_t bytes;
	struct pager_ask *next; /* OPEN: in the thread's list */
	bool waiting;           /* for a page, as the last WANT says */
	size_t type_count;
	struct text types[];
};

struct pager {
	pthread_t thread;
	struct store *store;
	struct queue *requests, *pages;
	atomic_int_fast64_t committed;
	atomic_bool stopping;
	/* The thread's. */
	struct pager_ask *open;
	struct json_parser *parser;
	struct arena *arena;
	bool failed; /* the store, or memory */
};

/* ---- One page. ---- */

struct scan {
	struct pager *pager;
	const struct pager_ask *of;
	struct buf text, entries;
	int64_t next; /* the number that should follow */
	unsigned events, rows;
	bool full;
};

static void add(struct scan *scan, const struct pager_entry *entry)
{
	buf_put(&scan->entries, entry, sizeof(*entry));
}

static void add_gap(struct scan *scan, int64_t before)
{
	const struct pager_entry entry = { .seq = scan->next, .gap_to = before - 1 };

	if (before > scan->next)
		add(scan, &entry);
	scan->next = before;
}

static bool is_wanted(const struct pager_ask *of, struct text type)
{
	for (size_t i = 0; i < of->type_count; i++)
		if (event_glob(of->types[i], type))
			return true;
	return false;
}

static struct value parsed(struct pager *pager, struct text json)
{
	struct json_error error;
	struct value v;

	if (json.n == 0 || text_is(json, "null") ||
	    json_parse(pager->parser, pager->arena, json, &v, &error) != FATE_OK)
		return value_null();
	return v;
}

/* False: there is no more room in the page. */
static bool add_event(struct scan *scan, const struct event_record *event)
{
	struct pager_entry entry = { .seq = event->seq, .at = scan->text.n };
	size_t least = event->data.n + event->before.n;
	struct value before;

	if (scan->events == scan->of->most ||
	    (scan->events > 0 && scan->text.n + least > scan->of->bytes))
		return false;
	arena_reset(scan->pager->arena);
	before = parsed(scan->pager, event->before);
	publish_event(&scan->text, scan->pager->arena, event, before,
		      before.kind != VALUE_NULL ? parsed(scan->pager, event->data) : before);
	entry.n = scan->text.n - entry.at;
	add(scan, &entry);
	scan->events++;
	return true;
}

static bool visit(void *of, const struct event_record *event)
{
	struct scan *scan = of;

	scan->rows++;
	add_gap(scan, event->seq);
	if (is_wanted(scan->of, event->type) && !add_event(scan, event)) {
		scan->full = true;
		return false;
	}
	scan->next = event->seq + 1;
	return !buf_failed(&scan->text) && !buf_failed(&scan->entries);
}

/* Hands the page over. False: memory is out. */
static bool post(struct pager *pager, struct scan *scan)
{
	struct pager_page *page = mem_zero(1, sizeof(*page));
	size_t n = 0;

	if (page == NULL)
		return false;
	page->subscription = scan->of->subscription;
	page->upto = scan->next - 1;
	page->text = buf_take(&scan->text, &n);
	page->entries = (struct pager_entry *)(void *)buf_take(&scan->entries, &n);
	page->count = page->entries != NULL ? n / sizeof(*page->entries) : 0;
	queue_force(pager->pages, &page->item);
	return true;
}

/* False: it has to be tried again. */
static bool read_page(struct pager *pager, struct pager_ask *of)
{
	int64_t committed = atomic_load(&pager->committed);
	const struct event_query query = { .after_seq = of->after, .limit = PAGER_SCAN };
	struct scan scan = { .pager = pager, .of = of, .next = of->after + 1 };
	bool good;

	buf_init(&scan.text, LIMIT_EVENT_ARENA + of->bytes);
	buf_init(&scan.entries, 4 * PAGER_SCAN * sizeof(struct pager_entry));
	good = store_query_events(pager->store, &query, visit, &scan) == FATE_OK;
	if (good && !scan.full && scan.rows < PAGER_SCAN && committed >= scan.next)
		add_gap(&scan, committed + 1);
	good = good && !buf_failed(&scan.text) && !buf_failed(&scan.entries) && post(pager, &scan);
	of->waiting = !good;
	buf_fini(&scan.text);
	buf_fini(&scan.entries);
	return good;
}

/* ---- The thread. ---- */

static struct pager_ask **find(struct pager *pager, uint64_t subscription)
{
	struct pager_ask **at = &pager->open;

	while (*at != NULL && (*at)->subscription != subscription)
		at = &(*at)->next;
	return at;
}

static void obey(struct pager *pager, struct pager_ask *request)
{
	struct pager_ask **at = find(pager, request->subscription), *open = *at;

	switch (request->kind) {
	case ASK_OPEN:
		assert(open == NULL);
		request->next = pager->open;
		pager->open = request;
		return; /* it stays */
	case ASK_WANT:
		assert(open != NULL && !open->waiting);
		open->after = request->after;
		open->most = request->most;
		open->bytes = request->bytes;
		open->waiting = true;
		break;
	case ASK_CLOSE:
		assert(open != NULL);
		*at = open->next;
		mem_free(open);
		break;
	}
	mem_free(request);
}

static void take_requests(struct pager *pager)
{
	struct queue_item *item = queue_take(pager->requests);

	while (item != NULL) {
		struct queue_item *next = item->next;

		obey(pager, (struct pager_ask *)(void *)item);
		item = next;
	}
}

static void read_pages(struct pager *pager)
{
	pager->failed = false;
	for (struct pager_ask *of = pager->open; of != NULL; of = of->next) {
		if (!of->waiting || of->after >= atomic_load(&pager->committed))
			continue;
		if (!read_page(pager, of) && !pager->failed) {
			log_write(LOG_ERROR, "events can't be read for plugins; trying again");
			pager->failed = true;
		}
	}
}

static void *pager_thread(void *of)
{
	struct pager *pager = of;
	struct pollfd fd = { .fd = queue_fd(pager->requests), .events = POLLIN };

	while (!atomic_load(&pager->stopping)) {
		if (poll(&fd, 1, pager->failed ? PAUSE : -1) < 0)
			assert(errno == EINTR);
		take_requests(pager);
		read_pages(pager);
	}
	return NULL;
}

/* ---- For the owner. ---- */

static bool make(struct pager *pager)
{
	pager->requests = queue_new(SIZE_MAX, SIZE_MAX);
	pager->pages = queue_new(SIZE_MAX, SIZE_MAX);
	pager->parser = json_parser_new();
	pager->arena = arena_new("event for a plugin", LIMIT_EVENT_ARENA);
	return pager->requests != NULL && pager->pages != NULL && pager->parser != NULL &&
	       pager->arena != NULL;
}

/* The thread has ended, or was never started. */
static void free_all(struct pager *pager)
{
	struct queue_item *item = pager->requests != NULL ? queue_take(pager->requests) : NULL;

	for (struct queue_item *next; item != NULL; item = next) {
		next = item->next;
		mem_free(item);
	}
	item = pager->pages != NULL ? queue_take(pager->pages) : NULL;
	for (struct queue_item *next; item != NULL; item = next) {
		next = item->next;
		pager_page_free((struct pager_page *)(void *)item);
	}
	for (struct pager_ask *next; pager->open != NULL; pager->open = next) {
		next = pager->open->next;
		mem_free(pager->open);
	}
	queue_free(pager->requests);
	queue_free(pager->pages);
	json_parser_free(pager->parser);
	arena_free(pager->arena);
	store_close(pager->store);
	mem_free(pager);
}

enum fate pager_start(const char *store, struct pager **out, char *why, size_t room)
{
	struct pager *pager = mem_zero(1, sizeof(*pager));
	struct store_error error;

	assert(store != NULL && out != NULL && why != NULL);
	(void)snprintf(why, room, "memory, descriptors or threads are out");
	if (pager == NULL)
		return FATE_RETRY;
	if (store_open_reader(store, &pager->store, &error) != FATE_OK) {
		(void)snprintf(why, room, "%s", error.text);
		free_all(pager);
		return FATE_REJECT;
	}
	atomic_init(&pager->committed, store_last_event(pager->store));
	if (!make(pager) || pthread_create(&pager->thread, NULL, pager_thread, pager) != 0) {
		free_all(pager);
		return FATE_RETRY;
	}
	*out = pager;
	return FATE_OK;
}

void pager_stop(struct pager *pager)
{
	if (pager == NULL)
		return;
	atomic_store(&pager->stopping, true);
	queue_wake(pager->requests);
	pthread_join(pager->thread, NULL);
	free_all(pager);
}

void pager_committed(struct pager *pager, int64_t seq)
{
	assert(pager != NULL);
	if (seq <= atomic_load(&pager->committed))
		return;
	atomic_store(&pager->committed, seq);
	queue_wake(pager->requests);
}

static bool ask(struct pager *pager, const struct pager_ask *from, const struct text *types,
		size_t count)
{
	size_t bytes = sizeof(*from) + count * sizeof(*types);
	struct pager_ask *request;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += types[i].n;
	request = mem_alloc(bytes);
	if (request == NULL)
		return false;
	*request = *from;
	request->type_count = count;
	at = (char *)(request->types + count);
	for (size_t i = 0; i < count; i++) {
		memcpy(at, types[i].s, types[i].n);
		request->types[i] = (struct text){ at, types[i].n };
		at += types[i].n;
	}
	queue_force(pager->requests, &request->item);
	return true;
}

bool pager_open(struct pager *pager, uint64_t subscription, const struct text *types, size_t count)
{
	const struct pager_ask from = { .kind = ASK_OPEN, .subscription = subscription };

	assert(pager != NULL && types != NULL && count > 0);
	return ask(pager, &from, types, count);
}

bool pager_want(struct pager *pager, uint64_t subscription, int64_t after, unsigned most,
		size_t bytes)
{
	const struct pager_ask from = { .kind = ASK_WANT,
					.subscription = subscription,
					.after = after,
					.most = most,
					.bytes = bytes };

	assert(pager != NULL && most > 0);
	return ask(pager, &from, NULL, 0);
}

void pager_close(struct pager *pager, uint64_t subscription)
{
	const struct pager_ask from = { .kind = ASK_CLOSE, .subscription = subscription };

	assert(pager != NULL);
	/* Without memory it stays open, unasked, until the end. */
	if (!ask(pager, &from, NULL, 0))
		log_write(LOG_ERROR, "memory is out: a plugin's subscription stays open");
}

int pager_fd(const struct pager *pager)
{
	assert(pager != NULL);
	return queue_fd(pager->pages);
}

struct queue_item *pager_take(struct pager *pager)
{
	assert(pager != NULL);
	return queue_take(pager->pages);
}

void pager_page_free(struct pager_page *page)
{
	if (page == NULL)
		return;
	mem_free(page->entries);
	mem_free(page->text);
	mem_free(page);
}
