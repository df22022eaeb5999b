/* SPDX-License-Identifier: Apache-2.0
 *
 * http_listen - listening sockets, TCP and unix, with errors for people.
 *
 * Ownership: the socket belongs to the caller once bound. */
#ifndef TAPPET_IO_HTTP_LISTEN_H
#define TAPPET_IO_HTTP_LISTEN_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "engine/base/fate.h"

struct http_listener {
	int fd;        /* listening, non-blocking, close-on-exec; -1: none */
	unsigned port; /* 0 for unix */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" for TCP */
	dev_t device; /* of the socket file: only our own file is removed */
	ino_t inode;
};

/* Forms: HOST:PORT, [IPV6]:PORT, :PORT (all addresses), unix:PATH (mode 0600; a
 * socket nobody listens on is replaced). FATE_REJECT with a sentence in `why`
 * for an address that can't be served, FATE_RETRY when descriptors are out. */
enum fate http_listen_open(const char *address, struct http_listener *out, char *why,
			   size_t why_room);

/* Removes the socket file if it is still ours, and closes fd unless it is -1. */
void http_listen_close(struct http_listener *listener);

#endif
