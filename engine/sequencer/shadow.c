/* SPDX-License-Identifier: Apache-2.0
 *
 * shadow.c - what a run in shadow would have sent, for its record.
 *
 * It is rendered when it is decided, with the values of that moment, and kept in
 * the place of the record of steps that were done: a JSON list, one entry per step
 * reached: {"i", "as", "action", "state", "request": {"method", "url", "auth", "body"},
 * "needs", "needs_if", "prepares", "cut", "shown_of", "error"}. The state is "unsent", "skipped" or
 * "failed".
 *
 * I1  It never costs a decision: an arena of its own bounds it, and what is too
 *     large is told as such.
 * I2  All entries together hold LIMIT_SHADOW_KEPT bytes of requests and words; what is
 *     cut says so. */
#include "engine/base/cleanup.h"
#include "engine/sequencer/internal.h"

struct shadow_record {
	struct buf out;
	const struct rule *rule;
	size_t left; /* bytes of texts that may still be kept */
};

static const char *state_word(enum render_how how)
{
	return how == RENDER_SKIPPED ? "skipped" : how == RENDER_FAILED ? "failed" : "unsent";
}

/* As much of the text as there is room for, as a JSON string. True: some was cut off. */
static bool put_bounded(struct shadow_record *r, struct text t)
{
	struct text head = text_head(t, r->left);

	r->left -= head.n;
	value_write_text(&r->out, text_is_utf8(head) ? head : TEXT("(not text)"));
	return head.n < t.n;
}

static void put_member(struct shadow_record *r, const char *name, struct text t)
{
	if (t.n == 0)
		return;
	buf_printf(&r->out, ",\"%s\":", name);
	(void)put_bounded(r, t);
}

void shadow_put_auth(struct buf *out, const struct request *r)
{
	AUTO_FINI(buf_fini) struct buf words;

	buf_init(&words, 2 * LIMIT_URL);
	if (r->auth.secret.n == 0)
		return;
	buf_text(&words, r->auth.header);
	buf_str(&words, ": ");
	request_auth_words(r, &words);
	buf_str(out, ",\"auth\":");
	value_write_text(out, buf_view(&words));
}

static void put_request(struct shadow_record *r, const struct request *request)
{
	bool cut;

	buf_printf(&r->out, ",\"request\":{\"method\":\"%s\",\"url\":", request->method);
	cut = put_bounded(r, request_place(request));
	shadow_put_auth(&r->out, request);
	if (request->body.n > 0) {
		buf_str(&r->out, ",\"body\":");
		cut = put_bounded(r, request->body) || cut;
	}
	buf_char(&r->out, '}');
	if (cut)
		buf_str(&r->out, ",\"cut\":true");
}

static void put_rendered(void *of, const struct rendered *rendered)
{
	struct shadow_record *r = of;
	const struct step *step = rendered->step;

	buf_str(&r->out, r->out.n > 1 ? ",{\"i\":" : "{\"i\":");
	buf_int(&r->out, (int)(step - r->rule->steps));
	if (step->name.n > 0) {
		buf_str(&r->out, ",\"as\":");
		value_write_text(&r->out, step->name);
	}
	buf_printf(&r->out, ",\"action\":\"%s\",\"state\":\"%s\"", step->what,
		   state_word(rendered->how));
	if (rendered->how == RENDER_SENT)
		put_request(r, &rendered->request);
	if (rendered->how == RENDER_LOOP)
		buf_printf(&r->out, ",\"shown_of\":%zu", rendered->items);
	put_member(r, "needs", rendered->needs);
	put_member(r, "needs_if", rendered->needs_if);
	if (rendered->prepares)
		buf_str(&r->out, ",\"prepares\":true");
	put_member(r, "error", rendered->why);
	buf_char(&r->out, '}');
}

/* Instead of steps of which some are missing. */
static void put_too_large(struct shadow_record *r, int first)
{
	const struct step *step = &r->rule->steps[first];

	buf_clear(&r->out);
	buf_printf(&r->out, "[{\"i\":%d,\"action\":\"%s\",\"state\":\"failed\",\"error\":", first,
		   step->what);
	buf_str(&r->out, "\"what would be sent takes too much memory to be shown\"}");
}

static struct text steps_of(struct sequencer *s, const struct rule *rule,
			    const struct event_view *event, struct text key, int first,
			    struct value made)
{
	AUTO(arena_free) struct arena *arena = arena_new("shadow", LIMIT_SHADOW_ARENA);
	struct scope scope = { .arena = arena,
			       .rule = rule,
			       .event = event,
			       .entities = &s->entities,
			       .steps = made,
			       .now = s->now.wall };
	const struct rendering rendering = {
		.config = s->config, .parser = s->parser, .scope = &scope, .key = key
	};
	struct shadow_record r = { .rule = rule, .left = LIMIT_SHADOW_KEPT };
	struct text steps = TEXT_NONE;

	assert(first >= 0);
	if (first >= rule->step_count)
		return TEXT_NONE;
	if (arena == NULL) {
		seq_break(s);
		return TEXT_NONE;
	}
	buf_init(&r.out, 8 * LIMIT_SHADOW_KEPT);
	buf_char(&r.out, '[');
	render_steps(&rendering, first, put_rendered, &r);
	if (arena_failed(arena) || buf_failed(&r.out))
		put_too_large(&r, first);
	buf_char(&r.out, ']');
	if (buf_failed(&r.out))
		seq_break(s);
	else
		steps = text_dup(s->work, buf_view(&r.out));
	buf_fini(&r.out);
	return steps;
}

struct text shadow_steps(struct sequencer *s, const struct rule *rule,
			 const struct event_view *event, struct text key, int first)
{
	return steps_of(s, rule, event, key, first, value_null());
}

void shadow_append(struct sequencer *s, struct run *run, int first)
{
	struct event_view event;
	struct text steps;

	if (!emit_load(s, run->event, &event))
		return;
	steps = steps_of(s, run->rule, &event, text_of(run->key), first, steps_value(s, run));
	if (steps.n <= 2)
		return;
	if (run->steps.n > 0)
		buf_char(&run->steps, ',');
	buf_text(&run->steps, (struct text){ steps.s + 1, steps.n - 2 });
	if (buf_failed(&run->steps))
		seq_break(s);
}
