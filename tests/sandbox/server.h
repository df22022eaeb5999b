/* SPDX-License-Identifier: Apache-2.0
 *
 * server - the only code that knows libmicrohttpd: collects requests, hands them to their routes,
 * sends replies, and does to connections what faults ask for.
 *
 * One thread of the library's polls all connections. It uses poll(), not the library's epoll mode,
 * which can stall in 0.9.75 when a full batch of 128 events is ready. Replies that are to come late
 * wait as suspended connections; whoever owns the server resumes them in time.
 */
#ifndef SANDBOX_SERVER_H
#define SANDBOX_SERVER_H

#include "tests/sandbox/sandbox.h"

struct server;

/* Listens where the options say; NULL with a message on stderr if that fails. */
struct server *server_start(struct sandbox *sb);

/* The port it listens on. */
uint16_t server_port(const struct server *srv);

/* Becomes readable when a reply was put off, so that the time to wait has to be worked out anew. */
int server_wake_fd(const struct server *srv);

/* Resumes what is due; milliseconds until the next is, -1 for nothing waiting. */
int64_t server_resume_due(struct server *srv);

/* Closes all connections and waits for the thread. */
void server_stop(struct server *srv);

#endif
