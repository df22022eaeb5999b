/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c - what a batch says to those who wait for it, and copies that live as long. */
#include <stdarg.h>

#include "engine/sequencer/internal.h"

void seq_answer(struct sequencer *s, uint64_t ticket, int status, struct text body)
{
	struct reply_out *out = ticket != 0 ? vector_add(s, &s->replies, sizeof(*out)) : NULL;

	if (out == NULL)
		return;
	out->ticket = ticket;
	out->status = status;
	out->body = text_dup(s->batch, body);
}

void seq_reply(struct sequencer *s, uint64_t ticket, int status, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (ticket == 0)
		return;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert(n >= 0 && (size_t)n < sizeof(text));
	seq_answer(s, ticket, status, (struct text){ text, (size_t)n });
}

void seq_refuse(struct sequencer *s, uint64_t ticket, int status, const char *why)
{
	struct buf b;

	buf_init(&b, 900);
	value_write_text(&b, text_of(why));
	seq_reply(s, ticket, status, "{\"error\":%s}",
		  buf_failed(&b) ? "\"refused\"" : buf_cstr(&b));
	buf_fini(&b);
}

struct text seq_json(struct sequencer *s, struct value v)
{
	struct text t = TEXT("null");

	if (v.kind == VALUE_NULL)
		return t;
	value_write(&s->json, v);
	if (buf_failed(&s->json))
		seq_break(s);
	else
		t = text_dup(s->work, buf_view(&s->json));
	if (s->json.room > LIMIT_HTTP_KEEP)
		buf_fini(&s->json);
	buf_clear(&s->json);
	if (t.s == NULL) {
		seq_break(s);
		t = TEXT("null");
	}
	return t;
}

struct request seq_request(struct sequencer *s, const struct request *r)
{
	struct request copy = *r;

	copy.url = text_dup(s->batch, r->url);
	copy.body = text_dup(s->batch, r->body);
	copy.mail_from = text_dup(s->batch, r->mail_from);
	copy.mail_to = text_dup(s->batch, r->mail_to);
	copy.auth.secret = text_dup(s->batch, r->auth.secret);
	copy.auth.header = text_dup(s->batch, r->auth.header);
	copy.auth.prefix = text_dup(s->batch, r->auth.prefix);
	copy.auth.user = text_dup(s->batch, r->auth.user);
	for (unsigned i = 0; i < r->header_count; i++) {
		copy.headers[i].name = text_dup(s->batch, r->headers[i].name);
		copy.headers[i].value = text_dup(s->batch, r->headers[i].value);
	}
	return copy;
}
