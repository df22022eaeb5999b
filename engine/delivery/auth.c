/* SPDX-License-Identifier: Apache-2.0
 *
 * auth.c - the secret that a step itself names, put in when its request is sent.
 *
 * The store and the sequencer know its name only. So that it stays so, a target that
 * writes back what it was sent is quoted without it. That covers the secret as it is
 * and the header's whole value, both also as JSON may spell them (\/, \u002b), not every
 * other way.
 * Sources: RFC 7617 (Basic), RFC 8259, 7 (escapes of JSON). */
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

static struct text skip(struct text t, size_t n)
{
	return (struct text){ t.s + n, t.n - n };
}

static void put_name(struct buf *out, struct text name)
{
	buf_printf(out, "${secrets.%.*s}", TEXT_ARG(name));
}

static struct text without(struct text t, struct text hidden, struct text name, struct buf *out)
{
	size_t at = text_find(t, hidden);

	if (at == SIZE_MAX)
		return t;
	for (; at != SIZE_MAX; at = text_find(t, hidden)) {
		buf_put(out, t.s, at);
		put_name(out, name);
		t = skip(t, at + hidden.n);
	}
	buf_text(out, t);
	return buf_view(out);
}

/* The bytes of t that stand for one character of a JSON text, which goes to *code: an escape, or a
 * byte as it is. */
static size_t one_of_json(struct text t, unsigned *code)
{
	unsigned char pair[2];
	size_t n;

	*code = (unsigned char)t.s[0];
	if (t.s[0] != '\\' || t.n < 2)
		return 1;
	if (strchr("\"\\/", t.s[1]) != NULL && t.s[1] != '\0') {
		*code = (unsigned char)t.s[1];
		return 2;
	}
	if (t.s[1] != 'u' || t.n < 6 || !hex_decode((struct text){ t.s + 2, 4 }, pair, 2, &n))
		return 1;
	*code = (unsigned)pair[0] << 8 | pair[1];
	return 6;
}

/* As UTF-8; surrogates, which no header has, come out as no text does. Returns how many bytes. */
static size_t utf8_of(unsigned code, bool escaped, char out[3])
{
	if (!escaped || code < 0x80) {
		out[0] = (char)(unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(unsigned char)(0xc0 | code >> 6);
		out[1] = (char)(unsigned char)(0x80 | (code & 0x3f));
		return 2;
	}
	out[0] = (char)(unsigned char)(0xe0 | code >> 12);
	out[1] = (char)(unsigned char)(0x80 | (code >> 6 & 0x3f));
	out[2] = (char)(unsigned char)(0x80 | (code & 0x3f));
	return 3;
}

/* Puts what t says, read as JSON, into `plain` (NULL: nowhere) until it has `most` bytes. Returns
 * how much of t that was. */
static size_t read_json(struct text t, size_t most, struct buf *plain)
{
	size_t from = 0, said = 0;
	char bytes[3];

	while (from < t.n && said < most) {
		unsigned code;
		size_t n = one_of_json(skip(t, from), &code);
		size_t wide = utf8_of(code, n > 1, bytes);

		if (plain != NULL)
			buf_put(plain, bytes, wide);
		from += n;
		said += wide;
	}
	return from;
}

/* The same where JSON spells it otherwise: whoever reads it has the secret again. */
static struct text without_spelled(struct text t, struct text hidden, struct text name,
				   struct buf *out)
{
	AUTO_FINI(auth_wipe) struct buf plain;
	struct text said;
	size_t at;

	buf_init(&plain, t.n);
	if (text_find(t, TEXT("\\")) == SIZE_MAX)
		return t;
	(void)read_json(t, SIZE_MAX, &plain);
	buf_follow(out, &plain);
	said = buf_view(&plain);
	at = text_find(said, hidden);
	if (at == SIZE_MAX || buf_failed(out))
		return t;
	for (; at != SIZE_MAX; at = text_find(said, hidden)) {
		size_t before = read_json(t, at, NULL);

		buf_put(out, t.s, before);
		put_name(out, name);
		t = skip(t, before);
		t = skip(t, read_json(t, hidden.n, NULL));
		said = skip(said, at + hidden.n);
	}
	buf_text(out, t);
	return buf_view(out);
}

/* One after the other, so that the time it takes grows with the reply only. */
static struct text without_all(struct text t, struct text secret, struct text value,
			       struct text name, struct buf *out)
{
	struct text original = t;
	struct buf rooms[4];

	for (size_t i = 0; i < 4; i++) {
		buf_init(&rooms[i], out->limit);
		t = (i < 2 ? without : without_spelled)(t, i % 2 == 0 ? secret : value, name,
							&rooms[i]);
		buf_follow(out, &rooms[i]);
	}
	if (t.s != original.s)
		buf_text(out, t);
	for (size_t i = 0; i < 4; i++)
		auth_wipe(&rooms[i]);
	if (buf_failed(out))
		return TEXT_NONE;
	return t.s != original.s ? buf_view(out) : original;
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
	return without_all(t, secret, value, job->request.auth.secret, out);
}
