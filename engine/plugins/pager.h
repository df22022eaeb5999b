/* SPDX-License-Identifier: Apache-2.0
 *
 * pager - pages of the log of events for durable subscriptions, read on a thread
 * and a connection of their own.
 *
 * A subscription wants the events behind a place; it gets one page for it, as soon
 * as there is anything behind that place. A page looks through at most PAGER_SCAN
 * events, so that one subscription can't keep the others waiting.
 *
 * I1  Entries come in the order of seq. What isn't there any more is told as a gap:
 *     numbers are given without holes, so a hole is what retention has deleted.
 * I2  Up to pager_page.upto nothing is left out but events of other types.
 * Ownership: pager_stop frees it; a page is its taker's. */
#ifndef TAPPET_PLUGINS_PAGER_H
#define TAPPET_PLUGINS_PAGER_H

#include "engine/base/fate.h"
#include "engine/base/queue.h"
#include "engine/base/text.h"

#define PAGER_SCAN 1000 /* events: some 10 ms */

struct pager;

struct pager_entry {
	int64_t seq;
	int64_t gap_to; /* not 0: all from seq up to this are gone */
	size_t at, n;   /* of an event: where it stands in the page's text */
};

struct pager_page {
	struct queue_item item; /* first member */
	uint64_t subscription;
	int64_t upto;
	struct pager_entry *entries;
	size_t count;
	char *text;
};

/* Opens the store for reading and starts the thread. FATE_REJECT: it can't be opened (`why`, `room`
 * bytes); FATE_RETRY: memory, descriptors or threads are out. */
enum fate pager_start(const char *store, struct pager **out, char *why, size_t room);
void pager_stop(struct pager *pager); /* NULL is fine */

/* ---- Any thread. ---- */

/* All up to `seq` is committed. */
void pager_committed(struct pager *pager, int64_t seq);

/* ---- One thread: the owner's. ---- */

/* False: memory is out. */
bool pager_open(struct pager *pager, uint64_t subscription, const struct text *types, size_t count);
bool pager_want(struct pager *pager, uint64_t subscription, int64_t after, unsigned most,
		size_t bytes);
void pager_close(struct pager *pager, uint64_t subscription);

int pager_fd(const struct pager *pager);            /* readable while there are pages */
struct queue_item *pager_take(struct pager *pager); /* pages, linked by item.next */
void pager_page_free(struct pager_page *page);

#endif
