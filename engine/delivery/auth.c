/* SPDX-License-Identifier: Apache-2.0
 *
 * auth.c - the secret that a step itself names, put in when its request is sent.
 *
 * The store and the sequencer know its name only; cover.c sees to it that it stays so.
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
