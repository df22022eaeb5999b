/* SPDX-License-Identifier: Apache-2.0
 *
 * auth.c - the secret that a step itself names, put in when its request is sent.
 *
 * The store and the sequencer know its name only. So that it stays so, a target that
 * writes back what it was sent is quoted without it. That covers the secret as it is
 * and the header's whole value, not every way in which it could be spelled.
 * Source: RFC 7617 (Basic). */
#include "engine/delivery/internal.h"

#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/hex.h"

static void auth_wipe(struct buf *b)
{
	if (b->s != NULL)
		bytes_wipe(b->s, b->room);
	buf_fini(b);
}

bool auth_take(struct job *job, const struct config *config, char why[AUTH_WHY_SIZE])
{
	struct text name = job->request.auth.secret;
	const struct declared_secret *declared;

	assert(job != NULL && config != NULL && why != NULL);
	if (name.n == 0)
		return true;
	declared = config_declared(config, name);
	if (declared == NULL || declared->secret == NULL) {
		(void)snprintf(why, AUTH_WHY_SIZE, "the secret %.*s is no longer configured",
			       name.n > 100 ? 100 : (int)name.n, name.s);
		return false;
	}
	secret_free(job->secret);
	job->secret = secret_ref(declared->secret);
	return true;
}

static void put_basic(struct buf *out, struct text user, struct text password)
{
	AUTO_FINI(auth_wipe) struct buf plain;
	char *at;

	buf_init(&plain, LIMIT_URL + 2 * LIMIT_SECRET_FILE);
	buf_text(&plain, user);
	buf_char(&plain, ':');
	buf_text(&plain, password);
	buf_follow(out, &plain);
	at = buf_failed(&plain) ? NULL : buf_reserve(out, BASE64_SIZE(plain.n));
	if (at == NULL)
		return;
	base64_encode(plain.s, plain.n, at);
	out->n += BASE64_SIZE(plain.n) - 1;
}

void auth_put(struct buf *out, const struct job *job)
{
	const struct request_auth *auth = &job->request.auth;

	assert(out != NULL && job->secret != NULL);
	buf_text(out, auth->prefix);
	if (auth->user.n > 0)
		put_basic(out, auth->user, secret_reveal(job->secret));
	else
		buf_text(out, secret_reveal(job->secret));
}

/* Where the nearest of the two begins; *n: its length. */
static size_t nearest(struct text t, struct text one, struct text other, size_t *n)
{
	size_t a = text_find(t, one), b = text_find(t, other);

	*n = a <= b ? one.n : other.n;
	return a <= b ? a : b;
}

static void put_without(struct buf *out, struct text t, struct text secret, struct text value,
			struct text name)
{
	size_t at, n;

	while ((at = nearest(t, secret, value, &n)) != SIZE_MAX) {
		buf_put(out, t.s, at);
		buf_printf(out, "${secrets.%.*s}", TEXT_ARG(name));
		t = (struct text){ t.s + at + n, t.n - at - n };
	}
	buf_text(out, t);
}

struct text auth_hidden(const struct job *job, struct text t, struct buf *out)
{
	AUTO_FINI(auth_wipe) struct buf sent;
	struct text secret, value;
	size_t n;

	assert(job != NULL && out != NULL);
	buf_init(&sent, 4 * LIMIT_SECRET_FILE + LIMIT_URL);
	if (job->secret == NULL || secret_reveal(job->secret).n < LIMIT_HIDDEN_SECRET)
		return t;
	auth_put(&sent, job);
	if (buf_failed(&sent))
		return TEXT_NONE; /* nobody could tell: nothing is kept */
	secret = secret_reveal(job->secret);
	value = buf_view(&sent);
	value.s += job->request.auth.prefix.n;
	value.n -= job->request.auth.prefix.n;
	if (nearest(t, secret, value, &n) == SIZE_MAX)
		return t;
	put_without(out, t, secret, value, job->request.auth.secret);
	return buf_failed(out) ? TEXT_NONE : buf_view(out);
}
