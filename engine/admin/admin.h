/* SPDX-License-Identifier: Apache-2.0
 *
 * admin - health and metrics for everybody, the admin API for the operator.
 *
 * Two sites. The public part of `listen`: /healthz, /readyz, /metrics, which tell
 * states and counts and nothing of events. And all of `admin`: /api/v1/..., which
 * changes things, behind a bearer token when there is one (always with TCP).
 * What changes something becomes an input of the sequencer and is answered after
 * its commit; nothing here decides.
 * I1  Without the right token the API answers 401 to everything, before it looks
 *     at anything else.
 * I2  Inputs are bounded: LIMIT_ADMIN_BODY, the queue, and for events has_room.
 * Threads: the callbacks on the HTTP server's thread (one server serves both);
 * admin_set_state and admin_reload on any.
 * Ownership: admin_free frees it; what the parts name is borrowed and outlives
 * it, but the token is referenced.
 * Never: blocks, reads the store, writes a secret. */
#ifndef TAPPET_ADMIN_ADMIN_H
#define TAPPET_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/queue.h"
#include "engine/base/secret.h"
#include "engine/io/http_server.h"
#include "engine/sequencer/sequencer.h"

struct admin;

enum admin_state { ADMIN_STARTING, ADMIN_READY, ADMIN_DRAINING };

/* Somebody else's counters for /metrics: appends whole families in the Prometheus
 * text format 0.0.4. Called on the HTTP server's thread, must not block. */
struct admin_metrics {
	void (*write)(void *of, struct buf *out);
	void *of;
};

struct admin_parts {
	const struct config *config; /* its admin_token; not kept */
	struct queue *inputs;
	const struct sequencer_stats *stats;
	bool (*has_room)(void *of); /* as for hooks */
	/* The server whose counters are shown, or NULL before it is known. */
	struct http_server *(*server)(void *of);
	void (*reload)(void *of);            /* asks for the same as SIGHUP; must not block */
	void *of;                            /* what the three are called with */
	const struct admin_metrics *metrics; /* copied; at most LIMIT_ADMIN_METRICS */
	size_t metrics_count;
	/* Who is connected, as JSON; `write` NULL: nobody ever is. As metrics. */
	struct admin_metrics plugins;
	struct clock clock;
};

/* Starts as ADMIN_STARTING. NULL when memory is out. */
struct admin *admin_new(const struct admin_parts *parts);
void admin_free(struct admin *admin); /* after the server stopped */

void admin_set_state(struct admin *admin, enum admin_state state);

/* What is paused from now on; any thread. */
struct pause_row;
void admin_set_pauses(struct admin *admin, const struct pause_row *pauses, size_t count);

/* From now on the token of `config` counts. */
void admin_reload(struct admin *admin, const struct config *config);

/* Callbacks of struct http_site; `of` is the struct admin.
 *
 * Public: GET and HEAD of
 *   /healthz   200 {"status":"ok"}: the process answers
 *   /readyz    200 {"status":"ready"}, or 503 {"status":"not ready","reason":TEXT}
 *   /metrics   Prometheus text 0.0.4 */
enum http_next admin_public_begin(void *of, const struct http_request *request, size_t *body_limit,
				  struct http_answer *answer);
enum http_next admin_public_done(void *of, const struct http_request *request, struct text body,
				 http_ticket ticket, struct http_answer *answer);

/* API; bodies are JSON, answers and errors ({"error": TEXT}) too.
 *   POST /api/v1/events {"type","subject"?,"data"?,"id"?}        202 {"id"}
 *   POST /api/v1/runs/ID/resolve {"decision":"done|repeat|drop"} 200 {"id","state"}, 404, 409
 *   POST /api/v1/runs/ID/cancel                                  the same
 *   POST /api/v1/dead/ID/retry, /api/v1/dead/ID/drop             the same
 *   POST /api/v1/reload                                          202, the outcome is logged
 *   POST /api/v1/pause {"name","of"?,"for"?,"why","who"?}         200
 * {"state","kind","name","until"} POST /api/v1/resume {"name","of"?,"who"?}                     the
 * same GET  /api/v1/pauses                                          what is paused GET
 * /api/v1/plugins                                         who is connected, what runs GET
 * /api/v1/status                                          version, state, counts */
enum http_next admin_api_begin(void *of, const struct http_request *request, size_t *body_limit,
			       struct http_answer *answer);
enum http_next admin_api_done(void *of, const struct http_request *request, struct text body,
			      http_ticket ticket, struct http_answer *answer);

#endif
