/* SPDX-License-Identifier: Apache-2.0
 *
 * hook - webhooks: what is served below /hooks/ on `listen`.
 *
 * A request is checked (in this order: 404, 405, 413, 415, 401, 400 for
 * malformed headers or gzip, 413 for what is too large once unpacked, 503, 429),
 * becomes an INPUT_HOOK and is parked; the sequencer answers it after the commit
 * that holds it, 202 or 400. Nothing here parses a body. OPTIONS is the handshake
 * of CloudEvents' senders (handshake.h) where the hook allows it.
 * I1  Only requests that verify_request accepts reach the queue, and nothing is
 *     decoded from one before.
 * I2  A refusal says what the sender can do about it, except 401, which says nothing.
 * I3  begin and done look the hook up again: a reload between the two counts.
 * Threads: begin and done on the HTTP server's; hooks_reload and
 * hooks_metrics on any.
 * Ownership: holds a reference to the configuration; the queue, the statistics
 * and what has_room is called with are borrowed and outlive it. */
#ifndef TAPPET_SOURCES_HOOK_H
#define TAPPET_SOURCES_HOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/queue.h"
#include "engine/io/http_server.h"
#include "engine/rules/config.h"
#include "engine/sequencer/sequencer.h"

struct hooks;

struct hooks_parts {
	struct config *config; /* a reference is taken */
	struct queue *inputs;
	const struct sequencer_stats *stats;
	/* False while the sequencer has too much open; called on the HTTP server's
	 * thread for each request, so it must be quick. */
	bool (*has_room)(void *of);
	void *of; /* has_room's */
	struct clock clock;
};

struct hooks *hooks_new(const struct hooks_parts *parts); /* NULL when memory is out */
void hooks_free(struct hooks *hooks);                     /* after the server stopped */

/* The callbacks of struct http_site for paths that start with "/hooks/"; `of` is
 * the struct hooks. */
enum http_next hooks_begin(void *of, const struct http_request *request, size_t *body_limit,
			   struct http_answer *answer);
enum http_next hooks_done(void *of, const struct http_request *request, struct text body,
			  http_ticket ticket, struct http_answer *answer);

/* Requests from now on follow `config` (a reference is taken). False when memory
 * is out: nothing changed then. */
bool hooks_reload(struct hooks *hooks, struct config *config);

/* tappet_hook_requests_total by hook and status as Prometheus text. Status is the
 * one answered here, or "taken" for what went to the sequencer. `of` is the struct hooks. */
void hooks_metrics(void *of, struct buf *out);

#endif
