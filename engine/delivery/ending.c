/* SPDX-License-Identifier: Apache-2.0
 *
 * ending.c - what the end of a request means: for the sequencer, and for the target's standing.
 *
 * Texts of an ending are those of the reply: delivery.c takes the secrets out of them.
 * Never: sends, decides about a run (outcome.c does). */
#include "engine/delivery/internal.h"

#include "engine/base/timetext.h"

/* Seconds, or an HTTP date (RFC 9110, 10.2.3). A date is read by the clock of whoever wrote it,
 * where the reply tells what that shows (its Date): ours may be off by any amount. */
static int64_t ending_retry_after(struct text t, struct text date, int64_t now)
{
	int64_t n;

	(void)timetext_parse_http(date, &now);
	if (text_to_int(t, &n) && n >= 0)
		return n < LIMIT_RETRY_AFTER / 1000 ? n * 1000 : LIMIT_RETRY_AFTER;
	if (timetext_parse_http(t, &n))
		return n > now ? n - now : 0;
	return -1;
}

enum host_result ending_result(const struct http_outcome *o)
{
	if (o->end == HTTP_REFUSED || o->end == HTTP_CANCELLED)
		return HOST_NEUTRAL;
	if (o->status == 0 || o->status >= 500)
		return HOST_BAD;
	return o->status == 429 ? HOST_BUSY : HOST_GOOD;
}

/* "https://example.com" of a URL; empty for a reference without a host. */
static struct text redirect_origin(struct text url)
{
	size_t at = text_find(url, TEXT("://")), n = at + 3;

	if (at == SIZE_MAX)
		return TEXT_NONE;
	while (n < url.n && url.s[n] != '/')
		n++;
	return text_head(url, n);
}

void ending_redirect(const struct connection *c, const struct http_outcome *o,
		     char out[REDIRECT_SIZE])
{
	struct text where, rest = text_split(o->location, '?', &where);

	(void)rest;
	(void)text_split(where, '#', &where);
	if (c != NULL && (c->url != NULL || c->hides_path))
		where = redirect_origin(where); /* its path may be the secret's */
	out[0] = '\0';
	if (o->status < 300 || o->status > 399 || where.n == 0 || !url_is_clean(where) ||
	    text_find(where, TEXT("@")) != SIZE_MAX)
		return;
	(void)snprintf(out, REDIRECT_SIZE, "it points to %.*s", TEXT_ARG(where));
}

struct ending ending_of(struct delivery *d, const struct job *job, const struct http_outcome *o)
{
	int64_t now = clock_read(&d->clock).wall;
	struct ending e = {
		.sent = o->sent,
		.status = o->status,
		.body = o->body,
		.content_type = o->content_type,
		.error = text_of(o->error),
		.etag = job->kind == JOB_FETCH ? o->etag : TEXT_NONE,
		.last_modified = job->kind == JOB_FETCH ? o->last_modified : TEXT_NONE,
		.link = job->kind == JOB_FETCH ? o->link : TEXT_NONE,
		.retry_after = ending_retry_after(o->retry_after, o->date, now),
		.started = job->started,
		.ended = now,
	};

	switch (o->end) {
	case HTTP_REPLIED:
		e.how = END_REPLIED;
		break;
	case HTTP_CUT:
	case HTTP_TOO_LARGE:
		e.how = END_CUT;
		break;
	case HTTP_REFUSED:
		e.how = END_REFUSED;
		break;
	case HTTP_NO_REPLY:
	case HTTP_CANCELLED:
		e.how = END_NO_REPLY;
		break;
	}
	return e;
}

void ending_standing(struct delivery *d, const struct job *job, const struct http_outcome *o,
		     struct ending *e, enum host_result *result)
{
	const struct connection *c = config_connection(d->config, job->connection);
	const struct reply reply = { o->status, o->body, o->content_type };
	struct call call = { .arena = d->arena, .parser = d->parser, .idempotency_key = "" };
	struct standing standing = { .retry_after = -1 };

	if (o->end != HTTP_REPLIED || job->kind != JOB_ATTEMPT || c == NULL ||
	    c->connector->standing == NULL)
		return;
	arena_reset(d->arena);
	call.settings = c->settings;
	c->connector->standing(&call, &reply, &standing);
	arena_reset(d->arena);
	if (standing.retry_after > LIMIT_RETRY_AFTER)
		standing.retry_after = LIMIT_RETRY_AFTER;
	if (standing.retry_after >= 0)
		e->retry_after = standing.retry_after;
	if (standing.gone)
		*result = HOST_GONE;
}
