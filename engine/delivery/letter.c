/* SPDX-License-Identifier: Apache-2.0
 *
 * letter.c - an attempt of a connection over SMTP: its message with the
 * connection's login, handed to mail_client.
 *
 * The end comes back as any other, to delivery_done. */
#include "engine/delivery/internal.h"

static enum mail_wire letter_wire(enum mail_security security)
{
	switch (security) {
	case MAIL_STARTTLS:
		return MAIL_WIRE_STARTTLS;
	case MAIL_IMPLICIT:
		return MAIL_WIRE_IMPLICIT;
	case MAIL_PLAIN:
		break;
	}
	return MAIL_WIRE_PLAIN;
}

static struct text letter_secret(const struct secret *secret)
{
	return secret != NULL ? secret_reveal(secret) : TEXT("");
}

void delivery_start_mail(struct delivery *d, struct job *job, const struct connection *c)
{
	const struct mail_call call = {
		.url = c->base_url,
		.wire = letter_wire(c->security),
		.hello = c->hello,
		.username = letter_secret(c->username),
		.password = letter_secret(c->password),
		.ca = c->transport.ca,
		.from = job->request.mail_from,
		.to = job->request.mail_to,
		.message = job->request.body,
		.pool = delivery_pool(job, c),
		.timeout_ms = job->timeout,
	};

	job->started = clock_read(&d->clock).wall;
	if (job->request.mail_to.n == 0)
		delivery_not_sent(d, job, "the connection is for mail, and this is none", true);
	else if (!mail_client_start(d->mail, &call, delivery_done, job))
		delivery_not_sent(d, job, "memory is out", false);
}

/* 421 is the server's farewell (RFC 5321, 3.8); other refusals are about this message. */
enum host_result delivery_mail_result(const struct http_outcome *o)
{
	if (o->end == HTTP_REFUSED || o->end == HTTP_CANCELLED)
		return HOST_NEUTRAL;
	if (o->status == 0 || o->status == 421)
		return HOST_BAD;
	return o->status >= 400 && o->status < 500 ? HOST_NEUTRAL : HOST_GOOD;
}
