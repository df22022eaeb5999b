/* SPDX-License-Identifier: Apache-2.0
 *
 * cover.c - what a request has that its reply must not be kept with.
 *
 * Targets quote what they were sent: in errors, in echoes, in links to the next page. The list is
 * made when the request is sent, for credentials may have changed when the reply comes. Not on it:
 * names of users and clients, which are no secrets, and keys that only sign.
 * Sources: RFC 3986, 3 (parts of a URL); RFC 7617 (Basic). */
#include "engine/delivery/internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/hex.h"

#define COVER_SEGMENTS 6 /* of a URL; webhooks of chats have three that are long */

static void cover_wipe(struct buf *b)
{
	if (b->s != NULL)
		bytes_wipe(b->s, b->room);
	buf_fini(b);
}

static void cover_secret(struct concealer *cover, const struct secret *secret)
{
	if (secret != NULL)
		concealer_add(cover, secret_reveal(secret), COVER_WORD);
}

static struct text after(struct text t, size_t n)
{
	return (struct text){ t.s + n, t.n - n };
}

/* "https://" and the host with its port; URLs of configurations have both. */
static size_t url_host_end(struct text url)
{
	size_t at = text_find(url, TEXT("://"));

	for (at = at == SIZE_MAX ? 0 : at + 3; at < url.n && url.s[at] != '/' && url.s[at] != '?';)
		at++;
	return at;
}

/* A URL that is a secret, what it asks of its host, and those parts of it that are long. */
static void cover_url(struct concealer *cover, struct text url)
{
	struct text path = after(url, url_host_end(url));
	unsigned count = 0;

	concealer_add(cover, url, COVER_WORD);
	concealer_add(cover, path, COVER_WORD);
	while (path.n > 0 && count < COVER_SEGMENTS) {
		size_t n = 0;

		while (n < path.n && strchr("/?&=", path.s[n]) == NULL)
			n++;
		if (n >= LIMIT_HIDDEN_SEGMENT) {
			concealer_add(cover, text_head(path, n), COVER_WORD);
			count++;
		}
		path = after(path, n < path.n ? n + 1 : n);
	}
}

/* The password of http://USER:PASSWORD@HOST, decoded as it is sent. */
static void cover_proxy(struct concealer *cover, struct text url)
{
	AUTO_FINI(cover_wipe) struct buf plain;
	size_t from = text_find(url, TEXT("://")), to = url_host_end(url);
	struct text user, password;
	unsigned char byte;
	size_t n;

	buf_init(&plain, url.n);
	while (to > 0 && url.s[to - 1] != '@')
		to--;
	if (from == SIZE_MAX || to <= from + 3)
		return;
	password = text_split((struct text){ url.s + from + 3, to - from - 4 }, ':', &user);
	for (size_t i = 0; i < password.n; i++) {
		bool coded = password.s[i] == '%' && i + 2 < password.n &&
			     hex_decode((struct text){ password.s + i + 1, 2 }, &byte, 1, &n);

		buf_char(&plain, coded ? (char)byte : password.s[i]);
		i += coded ? 2 : 0;
	}
	concealer_add(cover, buf_view(&plain), COVER_WORD);
}

/* What the step itself names, and the header's value that is made of it. */
static void cover_own(struct concealer *cover, const struct job *job)
{
	AUTO_FINI(cover_wipe) struct buf sent, name;
	struct text value;

	buf_init(&sent, 4 * LIMIT_SECRET_FILE + LIMIT_URL);
	buf_init(&name, KIB);
	if (job->secret == NULL || secret_reveal(job->secret).n < LIMIT_HIDDEN_SECRET)
		return;
	buf_printf(&name, "${secrets.%.*s}", TEXT_ARG(job->request.auth.secret));
	auth_put(&sent, job);
	value = after(buf_view(&sent), buf_failed(&sent) ? 0 : job->request.auth.prefix.n);
	concealer_add(cover, secret_reveal(job->secret), buf_view(&name));
	concealer_add(cover, value, buf_view(&name));
}

/* As it is given, and as it is sent: encoded in the query, or in base64 behind "Basic ". */
static void cover_value(struct concealer *cover, const struct connection *c)
{
	struct text value;

	AUTO_FINI(cover_wipe) struct buf sent;

	buf_init(&sent, 4 * LIMIT_SECRET_FILE);
	cover_secret(cover, c->auth_secret);
	if (c->auth_value == NULL)
		return;
	if (c->auth_query.n > 0) {
		url_encode(&sent, secret_reveal(c->auth_value));
		concealer_add(cover, buf_view(&sent), COVER_WORD);
	}
	value = secret_reveal(c->auth_value);
	if (text_starts(value, TEXT("Basic ")))
		concealer_add(cover, after(value, strlen("Basic ")), COVER_WORD);
}

/* In the body, where JSON may escape it; who quotes the body in JSON escapes that. */
static void cover_member(struct concealer *cover, const struct connection *c)
{
	AUTO_FINI(cover_wipe) struct buf sent;

	buf_init(&sent, 8 * LIMIT_SECRET_FILE);
	cover_secret(cover, c->token);
	if (c->token == NULL || c->connector == NULL || c->connector->auth != AUTH_MEMBER)
		return;
	value_write_text(&sent, secret_reveal(c->token));
	if (!buf_failed(&sent))
		concealer_add(cover, (struct text){ sent.s + 1, sent.n - 2 }, COVER_WORD);
}

static void cover_connection(struct concealer *cover, const struct job *job,
			     const struct connection *c)
{
	cover_member(cover, c);
	cover_secret(cover, c->client_secret);
	cover_secret(cover, c->password);
	cover_value(cover, c);
	if (c->url != NULL)
		cover_url(cover, secret_reveal(c->url));
	/* A list's pages name the next one by URLs beneath it, and rows aren't to lose theirs. */
	else if (c->hides_path && job->kind == JOB_ATTEMPT)
		cover_url(cover, c->base_url);
	if (c->transport.proxy != NULL)
		cover_proxy(cover, secret_reveal(c->transport.proxy));
}

/* Most requests on a local network have nothing to hide, and don't pay for it. */
static bool cover_is_needed(const struct job *job, const struct connection *c)
{
	if (job->secret != NULL || job->token != NULL)
		return true;
	return c != NULL && (c->token != NULL || c->client_secret != NULL || c->password != NULL ||
			     c->auth_secret != NULL || c->auth_value != NULL || c->url != NULL ||
			     c->hides_path || c->transport.proxy != NULL);
}

bool cover_take(struct job *job, const struct connection *c)
{
	assert(job != NULL);
	concealer_free(job->cover);
	job->cover = NULL;
	if (!cover_is_needed(job, c))
		return true;
	job->cover = concealer_new();
	if (job->cover == NULL)
		return false;
	if (c != NULL)
		cover_connection(job->cover, job, c);
	if (job->token != NULL)
		cover_secret(job->cover, job->token->secret);
	cover_own(job->cover, job);
	return true;
}

struct concealer *cover_token(const struct connection *c)
{
	struct concealer *cover = concealer_new();

	assert(c != NULL);
	if (cover == NULL)
		return NULL;
	cover_secret(cover, c->client_secret);
	return cover;
}
