/* SPDX-License-Identifier: Apache-2.0
 *
 * supervise_output.c - what a plugin prints, as lines of the log.
 *
 * I1  A secret is masked before a line is cut: LIMIT_PROCESS_SECRET bytes more are kept than
 *     are shown, so that none is seen by halves.
 * I2  A plugin may print LIMIT_PROCESS_LINES at once, and one more each LIMIT_PROCESS_LINE_MS;
 *     what is beyond is read, counted and forgotten, so that printing never holds it up. */
#include <assert.h>
#include <stdio.h>

#include "engine/base/log.h"
#include "engine/plugins/supervise_parts.h"

#define MASKED     "***"
#define TELL_EVERY 1000 /* ms between two lines about lines that were left out */

void teller_init(struct teller *t, int64_t now)
{
	*t = (struct teller){ .since = now, .told = now, .room = LIMIT_PROCESS_LINES };
	buf_init(&t->masked, 4 * LIMIT_PROCESS_LINE);
	buf_init(&t->clean, 16 * LIMIT_PROCESS_LINE);
}

void teller_fini(struct teller *t)
{
	buf_fini(&t->masked);
	buf_fini(&t->clean);
}

static void refill(struct teller *t, int64_t now)
{
	int64_t more = (now - t->since) / LIMIT_PROCESS_LINE_MS;

	if (more <= 0)
		return;
	t->since += more * LIMIT_PROCESS_LINE_MS;
	t->room = more >= LIMIT_PROCESS_LINES - (int64_t)t->room ? LIMIT_PROCESS_LINES
								 : t->room + (unsigned)more;
}

/* The longest that stands here; NULL: none. */
static const struct mask *mask_at(const struct recipe *recipe, struct text line, size_t at)
{
	const struct mask *found = NULL;

	for (size_t i = 0; i < recipe->mask_count; i++) {
		const struct mask *m = &recipe->masks[i];

		if (m->bytes.n <= line.n - at && memcmp(line.s + at, m->bytes.s, m->bytes.n) == 0 &&
		    (found == NULL || m->bytes.n > found->bytes.n))
			found = m;
	}
	return found;
}

/* How many bytes of the line are looked at. */
static size_t mask(struct buf *out, const struct recipe *recipe, struct text line)
{
	size_t at = 0;

	while (at < line.n && at < LIMIT_PROCESS_LINE) {
		const struct mask *m = mask_at(recipe, line, at);

		if (m != NULL)
			buf_str(out, MASKED);
		else
			buf_char(out, line.s[at]);
		if (m != NULL && m->more)
			return line.n;
		at += m != NULL ? m->bytes.n : 1;
	}
	return at;
}

/* Bytes that are no UTF-8, and NUL, as \xNN; the log escapes the rest. */
static void clean(struct buf *out, struct text t)
{
	for (size_t at = 0; at < t.n;) {
		uint32_t code;
		size_t n = text_char(t, at, &code);

		if (n == 0 || code == 0)
			buf_printf(out, "\\x%02x", (unsigned)code & 0xff);
		else
			buf_put(out, t.s + at, n);
		at += n > 0 ? n : 1;
	}
}

static void tell_line(struct output *o, struct teller *t, const struct recipe *recipe,
		      const char *stream)
{
	size_t cut;

	buf_clear(&t->masked);
	buf_clear(&t->clean);
	cut = o->n - mask(&t->masked, recipe, (struct text){ o->line, o->n }) + o->cut;
	clean(&t->clean, buf_view(&t->masked));
	if (cut > 0)
		log_relay(LOG_INFO, "plugin output", LOG_S("plugin", recipe->name.s),
			  LOG_S("stream", stream), LOG_S("text", buf_cstr(&t->clean)),
			  LOG_I("cut", cut));
	else
		log_relay(LOG_INFO, "plugin output", LOG_S("plugin", recipe->name.s),
			  LOG_S("stream", stream), LOG_S("text", buf_cstr(&t->clean)));
}

/* Empty lines say nothing. */
static void end_line(struct output *o, struct teller *t, const struct recipe *recipe,
		     const char *stream, int64_t now)
{
	if (o->cut == 0 && o->n > 0 && o->line[o->n - 1] == '\r')
		o->n--;
	refill(t, now);
	if (o->n > 0 && t->room > 0) {
		t->room--;
		t->lines++;
		tell_line(o, t, recipe, stream);
	} else if (o->n > 0) {
		t->dropped++;
		t->untold++;
	}
	o->n = 0;
	o->cut = 0;
}

static void keep(struct output *o, struct text piece)
{
	size_t room = sizeof(o->line) - o->n, n = piece.n < room ? piece.n : room;

	if (n > 0)
		memcpy(o->line + o->n, piece.s, n);
	o->n += n;
	o->cut += piece.n - n;
}

void output_take(struct output *o, struct teller *t, const struct recipe *recipe,
		 const char *stream, struct text bytes, int64_t now)
{
	assert(o != NULL && t != NULL && recipe != NULL && stream != NULL);
	while (bytes.n > 0) {
		const char *end = memchr(bytes.s, '\n', bytes.n);
		size_t n = end != NULL ? (size_t)(end - bytes.s) : bytes.n;

		keep(o, (struct text){ bytes.s, n });
		if (end != NULL) {
			end_line(o, t, recipe, stream, now);
			n++;
		}
		bytes.s += n;
		bytes.n -= n;
	}
}

void output_end(struct output *o, struct teller *t, const struct recipe *recipe, const char *stream,
		int64_t now)
{
	assert(o != NULL && t != NULL && recipe != NULL && stream != NULL);
	end_line(o, t, recipe, stream, now);
}

int64_t teller_tell(struct teller *t, const struct recipe *recipe, bool final, int64_t now)
{
	assert(t != NULL && recipe != NULL);
	if (t->untold == 0)
		return -1;
	if (!final && now - t->told < TELL_EVERY)
		return t->told + TELL_EVERY;
	log_relay(LOG_WARN, "plugin output was left out", LOG_S("plugin", recipe->name.s),
		  LOG_I("lines", t->untold));
	t->told = now;
	t->untold = 0;
	return -1;
}
