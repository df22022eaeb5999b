/* SPDX-License-Identifier: Apache-2.0
 *
 * sent.c - what is known of the attempt in hand until its outcome is recorded.
 *
 * One heap block of the run: the idempotency key, NUL, and the JSON of the request as its attempt's
 * record has it. With it an outcome needs neither the event nor another rendering of the step.
 *
 * I1  No credential gets here: the request is what the connector built.
 * I2  After a restart it is made again, from the event (run_request). */
#include "engine/sequencer/internal.h"

#define KEPT_MORE 128 /* bytes around the URL and the body */

const char *sent_request(const struct run *run)
{
	return run->sent != NULL ? run->sent + HASH_HEX : NULL;
}

/* The event's data, passed on as they are, are in the store already. */
static bool sent_passes_on(const struct request *r, const struct event_view *event)
{
	return r->body.n > 0 && r->body.n <= LIMIT_REQUEST_KEPT && text_eq(r->body, event->json);
}

/* The request as it is kept with its attempt: no credentials ever get here. */
void sent_keep(struct run *run, const char key[HASH_HEX], const struct request *r,
	       const struct event_view *event)
{
	struct text body = text_head(r->body, LIMIT_REQUEST_KEPT);
	bool data = sent_passes_on(r, event);
	struct buf b;
	size_t n;

	buf_init(&b, 8 * LIMIT_REQUEST_KEPT);
	(void)buf_reserve(&b, HASH_HEX + r->url.n + (data ? 0 : body.n + body.n / 8) + KEPT_MORE);
	buf_put(&b, key, HASH_HEX);
	buf_printf(&b, "{\"method\":\"%s\",\"url\":", r->method);
	value_write_text(&b, request_place(r));
	shadow_put_auth(&b, r);
	run->data_at = data && !buf_failed(&b) ? b.n - HASH_HEX : 0;
	if (body.n > 0 && !data) {
		buf_str(&b, ",\"body\":");
		value_write_text(&b, text_is_utf8(body) ? body : TEXT("(not text)"));
	}
	if (run->rule->steps[run->step].within >= 0)
		buf_printf(&b, ",\"item\":%d", run->loop->at);
	buf_char(&b, '}');
	mem_free(run->sent);
	run->sent = buf_failed(&b) ? NULL : buf_take(&b, &n);
	buf_fini(&b);
}
