/* SPDX-License-Identifier: Apache-2.0
 *
 * http - one request as the routes see it, and the reply they fill in.
 *
 * Knows nothing of sockets or of the HTTP library: server.c fills a request in and sends the reply.
 *
 * Ownership: a request owns its buffers until request_fini(); header values belong to the
 * connection and live as long as the request. A reply owns its body until reply_fini().
 */
#ifndef SANDBOX_HTTP_H
#define SANDBOX_HTTP_H

#include "tests/sandbox/bounds.h"
#include "tests/sandbox/text.h"

struct arg {
	const char *name;
	const char *value;
};

/* Name-value pairs of a query string or a form body, decoded, in their order. */
struct args {
	char *buffer;
	size_t n;
	struct arg v[ARGS_MAX];
};

struct request {
	char *method;
	char *uri;  /* as it came, with the query */
	char *path; /* as it came, without the query */
	char *split;
	size_t n_segments;
	const char *segments[SEGMENTS_MAX]; /* decoded */
	const char *id;                     /* the segment a route calls {id}, or NULL */
	struct args query;
	char *body; /* terminated, but may hold zero bytes */
	size_t len;
	const char *content_type; /* these: NULL when absent */
	const char *authorization;
	const char *idempotency_key;
	/* Any other header's value, NULL when absent: header(of, name). */
	const char *(*header)(void *of, const char *name);
	void *of;
	const char *host;
	const char *if_none_match;
	const char *if_modified_since;
};

enum cut {
	CUT_NONE,
	CUT_TRUNCATE, /* half of the body under the full length, then close */
	CUT_RESET,    /* TCP reset instead of a reply */
	CUT_CLOSE,    /* end of stream instead of a reply */
};

struct reply {
	int status;
	const char *type;
	struct text body;
	size_t n_headers;
	struct {
		const char *name;
		char value[160];
	} headers[REPLY_HEADERS_MAX];
	enum cut cut;
};

/* Splits `a=1&b=2`; pairs beyond ARGS_MAX are left out. */
void args_parse(struct args *args, const char *s, size_t n);
void args_fini(struct args *args);

/* The last value of that name, NULL if there is none or it is blank. */
const char *args_get(const struct args *args, const char *name);

/* A number of that name in [low, high], or the fallback if absent; clamps. */
int64_t args_int(const struct args *args, const char *name, int64_t fallback, int64_t low,
		 int64_t high);

/* Takes the target of the request line apart; method and uri are set already. */
void request_split(struct request *rq);
void request_fini(struct request *rq);
bool request_is_form(const struct request *rq);

/*
 * The body as a JSON object: JSON, or a Rails form (`workspace[title]=x`) when the content type
 * says so. An empty body is an empty object. NULL with a reason in why for anything else.
 */
json_t *request_object(const struct request *rq, char why[160]);

/* The nested object a Rails form stands for: `a[b]=1`, `a[]=1`, `a[][b]=1`. */
json_t *form_object(const struct args *args);

void reply_fini(struct reply *re);
void reply_header(struct reply *re, const char *name, const char *value);

/* Replaces body and type; the status stays. */
void reply_plain(struct reply *re, int status, const char *text);

/* Starts an empty JSON body of that status and hands it out for writing. */
struct text *reply_json(struct reply *re, int status);

#endif
