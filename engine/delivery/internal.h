/* SPDX-License-Identifier: Apache-2.0
 *
 * internal - what the files of delivery share; all of it belongs to its thread. */
#ifndef TAPPET_DELIVERY_INTERNAL_H
#define TAPPET_DELIVERY_INTERNAL_H

#include <assert.h>
#include <pthread.h>

#include "engine/base/buf.h"
#include "engine/base/conceal.h"
#include "engine/base/crypto.h"
#include "engine/base/heap.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/delivery/delivery.h"
#include "engine/io/host.h"
#include "engine/io/http_client.h"
#include "engine/io/mail_client.h"
#include "engine/value/parse.h"

enum job_kind { JOB_ATTEMPT, JOB_FETCH, JOB_TARGET, JOB_UNUSED, JOB_CONFIG, JOB_STOP };

/* One heap block: texts behind it (job.c). */
struct job {
	struct queue_item item;
	enum job_kind kind;
	int64_t run;
	int step, attempt;
	unsigned runs; /* JOB_TARGET: how many wait; JOB_UNUSED: credit that comes back */
	bool gone;     /* JOB_UNUSED: the sequencer forgets the target */
	uint64_t fetch;
	struct text source, connection, target, key;
	struct request request;
	int64_t timeout;
	bool allow_private;
	bool inside;           /* nothing is sent: the request's body is the reply's */
	struct config *config; /* JOB_CONFIG: taken over */
	/* While it is under way: */
	struct delivery *of;
	struct grantee *grantee;
	struct token *token;     /* the one it was sent with */
	uint64_t token_number;   /* which of its tokens */
	struct secret *secret;   /* of request.auth, as it was sent */
	struct concealer *cover; /* what its reply is kept without; NULL: no secret went out */
	bool replayed;
	struct job *next; /* in a waiting list */
	int64_t started;  /* wall ms */
	char bytes[];
};

struct job *job_attempt(const struct attempt_out *a);
struct job *job_fetch(const struct fetch_out *f);
struct job *job_plain(enum job_kind kind, struct text target);
void job_free(struct job *job);

/* A target as credit goes (target.c). */
struct grantee {
	struct host *host;
	struct heap_node timer;             /* when host_grant may give more */
	struct job *waiting, **waiting_end; /* fetches that lack credit */
	unsigned demand; /* runs that wait in the sequencer, less what was granted since */
	bool rated;      /* has a token bucket */
	bool fetches_only;
	bool breaker_was_open;
	size_t name_size;
	char name[];
};

/* The OAuth token of a connection (token.c). */
struct token {
	struct secret *secret; /* NULL: none yet */
	uint64_t number;       /* counts tokens, so that a 401 drops the right one */
	int64_t refresh_at;    /* mono ms */
	bool asking, stale;    /* stale: what is being asked for won't do */
	struct job *waiting, **waiting_end;
	struct delivery *of;
	size_t name_size;
	char name[];
};

struct item_list {
	struct queue_item *first, *last;
};

struct delivery {
	pthread_t thread;
	struct clock clock;
	struct config *config;
	struct queue *jobs, *inputs;
	struct item_list posts; /* inputs of this turn, handed over at its end */
	struct http_client *client;
	struct mail_client *mail;
	struct hosts *hosts;
	struct map *grantees; /* target -> struct grantee */
	struct map *tokens;   /* connection -> struct token */
	struct heap timers;
	struct json_parser *parser;
	struct arena *arena;
	bool stopping;
};

/* ---- delivery.c ---- */
void delivery_send(struct delivery *d, struct job *job); /* with credit and token at hand */
void delivery_ended(struct delivery *d, struct job *job, const struct ending *ending,
		    enum host_result result); /* frees the job */
void delivery_not_sent(struct delivery *d, struct job *job, const char *why, bool refused);
void delivery_done(void *of, const struct http_outcome *o); /* of is the job */
enum http_pool delivery_pool(const struct job *job, const struct connection *c);
void delivery_unsent(struct delivery *d, struct job *job,
		     const char *why); /* nothing left: retry */
void delivery_post(struct delivery *d, const struct input *input);

/* The connection's proxy and authorities; c may be NULL. */
void delivery_transport(struct http_call *call, const struct connection *c);

/* ---- ending.c ---- */

#define REDIRECT_SIZE 600 /* what is kept of a Location, with the words before it */

/* "it points to URL" for a redirect that tells where, without its query, and without its path where
 * the URL of the connection (NULL: none) is a secret or its path may be one; else "". Redirects are
 * never followed: the token would go along. */
void ending_redirect(const struct connection *c, const struct http_outcome *o,
		     char out[REDIRECT_SIZE]);
/* The end of a job's request. Texts are those of `o`. */
struct ending ending_of(struct delivery *d, const struct job *job, const struct http_outcome *o);
/* What it says of the host that answered. */
enum host_result ending_result(const struct http_outcome *o);
/* What the product's own reply tells about the target goes before the header and the status. */
void ending_standing(struct delivery *d, const struct job *job, const struct http_outcome *o,
		     struct ending *e, enum host_result *result);

/* ---- auth.c ---- */

/* Takes the secret that the job's request names as it is now. False when there is none any more,
 * with the reason. */
#define AUTH_WHY_SIZE 200 /* a name, cut if need be, and the words around it */
bool auth_take(struct job *job, const struct config *config, char why[AUTH_WHY_SIZE]);

/* The value of the header that carries it. */
void auth_put(struct buf *out, const struct job *job);

/* ---- cover.c ---- */

#define COVER_WORD TEXT("***") /* in the place of a connection's secret; fits JSON and URLs */

/* Everything secret that the job's request has, as it is sent: of the connection (NULL: none), its
 * token, and the step's own. False when memory is out. */
bool cover_take(struct job *job, const struct connection *c);

/* The same of a request for the connection's token; NULL when memory is out. */
struct concealer *cover_token(const struct connection *c);

/* ---- letter.c ---- */
void delivery_start_mail(struct delivery *d, struct job *job, const struct connection *c);
enum host_result delivery_mail_result(const struct http_outcome *o);

/* ---- target.c ---- */
struct grantee *grantee_get(struct delivery *d, const struct job *job);
void grantee_offer(struct delivery *d,
		   struct grantee *g); /* credit that is free now, as an input */
unsigned grantee_ended(struct delivery *d, struct grantee *g, enum host_result result,
		       int64_t retry_after); /* credit that goes back with the outcome */
bool grantee_shut(const struct delivery *d, const struct grantee *g);
void grantee_unused(struct delivery *d, struct grantee *g, unsigned credits, bool gone);
void grantee_fetch(struct delivery *d, struct job *job); /* sends it when there is credit */
void grantees_due(struct delivery *d);
void grantees_hurry(struct delivery *d); /* a new configuration: open breakers ask again at once */
int64_t grantees_next(const struct delivery *d);
void grantees_free(struct delivery *d);

/* ---- token.c ---- */
struct token *token_get(struct delivery *d, const struct connection *connection);
/* True: token->secret may be used now. False: the job waits and is sent later. */
bool token_ready(struct token *token, const struct connection *connection, struct job *job);
void token_refused(struct token *token, uint64_t number); /* a 401 came for this token */
void tokens_forget(struct delivery *d);                   /* credentials may have changed */
void tokens_free(struct delivery *d);

#endif
