/* SPDX-License-Identifier: Apache-2.0
 *
 * http_watch - a table by descriptor: what it is for and what epoll was told.
 *
 * Keeps the number of epoll_ctl calls low by remembering the registration.
 * Ownership: the table owns the epoll descriptor, never the others. */
#ifndef TAPPET_IO_HTTP_WATCH_H
#define TAPPET_IO_HTTP_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_watch_kind { WATCH_NONE, WATCH_POOL, WATCH_OWNER, WATCH_WAKE };

struct http_watch {
	uint8_t kind;    /* enum http_watch_kind */
	uint8_t index;   /* of the pool or the owner's descriptor */
	bool ours;       /* opened and closed by our callbacks */
	bool wanted;     /* somebody waits for it; else it only idles in a cache */
	uint32_t events; /* registered with epoll; 0: not registered */
};

struct http_watches {
	int epoll;
	struct http_watch *at;
	size_t room;
};

bool http_watches_init(struct http_watches *watches); /* false when descriptors are out */
void http_watches_fini(struct http_watches *watches); /* also after a failed init */

/* The entry of a descriptor, zeroed when it is new; NULL when memory is out.
 * Valid until the next call. */
struct http_watch *http_watch_at(struct http_watches *watches, int fd);

/* Registers for the epoll events, or takes out (0). Level-triggered. */
bool http_watch_set(struct http_watches *watches, int fd, uint32_t events);

#endif
