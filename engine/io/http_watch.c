/* SPDX-License-Identifier: Apache-2.0
 *
 * http_watch - epoll and what it was told; see http_watch.h. */
#include "engine/io/http_watch.h"

#include <assert.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define FIRST_ROOM 64 /* descriptors of a daemon with a few targets */

bool http_watches_init(struct http_watches *watches)
{
	assert(watches != NULL);
	*watches = (struct http_watches){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	return watches->epoll >= 0;
}

void http_watches_fini(struct http_watches *watches)
{
	assert(watches != NULL);
	mem_free(watches->at);
	if (watches->epoll >= 0)
		close(watches->epoll);
}

struct http_watch *http_watch_at(struct http_watches *watches, int fd)
{
	size_t room = watches->room > 0 ? watches->room : FIRST_ROOM;
	struct http_watch *grown;

	assert(fd >= 0);
	if ((size_t)fd < watches->room)
		return &watches->at[fd];
	while (room <= (size_t)fd)
		room *= 2;
	grown = mem_grow(watches->at, room, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	memset(grown + watches->room, 0, (room - watches->room) * sizeof(*grown));
	watches->at = grown;
	watches->room = room;
	return &watches->at[fd];
}

bool http_watch_set(struct http_watches *watches, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	struct http_watch *watch;
	int how;

	assert(fd >= 0 && (size_t)fd < watches->room);
	watch = &watches->at[fd];
	if (watch->events == events)
		return true;
	how = watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (events == 0)
		how = EPOLL_CTL_DEL;
	if (epoll_ctl(watches->epoll, how, fd, &event) != 0)
		return false;
	watch->events = events;
	return true;
}
