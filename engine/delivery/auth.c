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

static void put_without(struct buf *out, struct text t, struct text hidden, struct text name)
{
	size_t at;

	while ((at = text_find(t, hidden)) != SIZE_MAX) {
		buf_put(out, t.s, at);
		buf_printf(out, "${secrets.%.*s}", TEXT_ARG(name));
		t = (struct text){ t.s + at + hidden.n, t.n - at - hidden.n };
	}
	buf_text(out, t);
}

/* One after the other, so that the time it takes grows with the reply only. */
static struct text without_both(struct text t, struct text secret, struct text value,
				struct text name, struct buf *out)
{
	AUTO_FINI(buf_fini) struct buf once;

	buf_init(&once, out->limit);
	if (text_find(t, secret) == SIZE_MAX && text_find(t, value) == SIZE_MAX)
		return t;
	put_without(&once, t, secret, name);
	buf_follow(out, &once);
	put_without(out, buf_view(&once), value, name);
	return buf_failed(out) ? TEXT_NONE : buf_view(out);
}

struct text auth_hidden(const struct job *job, struct text t, struct buf *out)
{
	AUTO_FINI(auth_wipe) struct buf sent;
	struct text secret, value;

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
	return without_both(t, secret, value, job->request.auth.secret, out);
}
