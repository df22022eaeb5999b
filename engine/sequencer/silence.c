/* SPDX-License-Identifier: Apache-2.0
 *
 * silence.c - hooks and polls that should speak and don't (silent_after).
 *
 * A hook is heard when a delivery whose sender is proven comes in, repeats included;
 * a poll when a round of it succeeds, whether it found anything or not. Silence for
 * silent_after is told once, by tappet.source.silent, and what ends it by
 * tappet.source.back. Both are in one commit with the watch's row, so that neither is
 * told twice or lost across a crash.
 *
 * Nothing can be heard while the daemon is down: after its start a source is given
 * SILENCE_GRACE (or silent_after, when that is shorter) to speak before it counts as
 * silent. Restarts don't begin the count anew, or one that often restarts would never
 * tell.
 *
 * The row is written when something turns, and while all is well only now and then: a
 * busy hook costs no write for each of its deliveries.
 *
 * I1  Between two tappet.source.silent of a source there is a tappet.source.back.
 * Never: looks at what a source brings; a list that stays as it is, is no silence. */
#include "engine/sequencer/poll.h"

#define SILENCE_GRACE                                                                              \
	300000            /* ms after the daemon's start: senders come back at their own pace      \
			   */
#define SILENCE_WRITES 16 /* writes in silent_after at most, while all is well */

struct watch {
	struct text source;     /* of s->config */
	struct text connection; /* of a poll */
	bool hook;
	int64_t after;   /* ms */
	int64_t heard;   /* wall ms: last, or when it was first looked at */
	int64_t written; /* the same, as the store has it; 0: nothing */
	bool silent;
	int64_t due; /* mono ms: it counts as silent then */
};

static struct text watch_row(struct sequencer *s, const struct watch *w)
{
	return text_printf(s->work, SILENCE_ROWS "%.*s", TEXT_ARG(w->source));
}

static void watch_write(struct sequencer *s, struct watch *w)
{
	store_put_cursor(s->store, watch_row(s, w),
			 text_printf(s->work, "{\"heard_at\":%lld,\"silent\":%s}",
				     (long long)w->heard, w->silent ? "true" : "false"));
	w->written = w->heard;
}

/* Why a poll is silent, in the words of its last failure, or null. */
static struct value watch_error(const struct sequencer *s, const struct watch *w)
{
	for (size_t i = 0; i < s->source_count && !w->hook; i++)
		if (text_eq(s->sources[i].poll->source, w->source) && s->sources[i].error != NULL)
			return value_text(text_of(s->sources[i].error));
	return value_null();
}

static void watch_tell(struct sequencer *s, const struct watch *w, const char *type)
{
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "source", value_text(w->source));
	value_map_set(&b, "kind", value_text(w->hook ? TEXT("hook") : TEXT("poll")));
	value_map_set(&b, "heard_at", value_timestamp_ms(w->heard));
	if (w->silent)
		value_map_set(&b, "error", watch_error(s, w));
	emit_own(s, type, w->source, value_map_end(&b), NULL, 0);
}

static void watch_log(struct sequencer *s, const struct watch *w)
{
	char heard[TIMETEXT_MAX];

	timetext_format_ms(w->heard, heard);
	if (w->silent)
		log_write(LOG_WARN, "a source is silent",
			  LOG_S("source", text_dup(s->work, w->source).s),
			  LOG_S("heard_at", heard));
	else
		log_write(LOG_INFO, "a source is back",
			  LOG_S("source", text_dup(s->work, w->source).s),
			  LOG_S("heard_at", heard));
}

void silence_heard(struct sequencer *s, struct text source)
{
	for (size_t i = 0; i < s->watch_count; i++) {
		struct watch *w = &s->watches[i];

		if (!text_eq(w->source, source))
			continue;
		if (w->silent) {
			w->silent = false;
			watch_tell(s, w, "tappet.source.back");
			watch_log(s, w);
			w->written = 0;
		}
		w->heard = s->now.wall;
		w->due = s->now.mono + w->after;
		/* A clock that was set back is written at once, too. */
		if (w->heard - w->written >= w->after / SILENCE_WRITES || w->heard < w->written)
			watch_write(s, w);
		return;
	}
}

/* Nobody asks it anything. */
static bool is_paused(const struct sequencer *s, const struct watch *w)
{
	return !w->hook && pause_of_connection(s, w->connection);
}

static int64_t grace_of(const struct watch *w)
{
	return w->after < SILENCE_GRACE ? w->after : SILENCE_GRACE;
}

void silence_spare(struct sequencer *s, struct text connection)
{
	for (size_t i = 0; i < s->watch_count; i++) {
		struct watch *w = &s->watches[i];

		if (!w->hook && text_eq(w->connection, connection) &&
		    w->due < s->now.mono + grace_of(w))
			w->due = s->now.mono + grace_of(w);
	}
}

void silence_timers(struct sequencer *s)
{
	for (size_t i = 0; i < s->watch_count && !s->broken; i++) {
		struct watch *w = &s->watches[i];

		if (w->silent || w->due > s->now.mono || is_paused(s, w))
			continue;
		w->silent = true;
		watch_tell(s, w, "tappet.source.silent");
		watch_log(s, w);
		watch_write(s, w);
		seq_clear(s);
	}
}

int64_t silence_next(const struct sequencer *s)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < s->watch_count; i++)
		if (!s->watches[i].silent && s->watches[i].due < next &&
		    !is_paused(s, &s->watches[i]))
			next = s->watches[i].due;
	return next;
}

void silence_free(struct sequencer *s)
{
	mem_free(s->watches);
	s->watches = NULL;
	s->watch_count = 0;
}

/* An empty row is none. */
static void watch_read(struct sequencer *s, struct watch *w)
{
	struct json_error error;
	struct text json;
	struct value v;

	if (!store_get_cursor(s->store, s->work, watch_row(s, w), &json) ||
	    json_parse(s->parser, s->work, json, &v, &error) != FATE_OK)
		return;
	const struct value *heard = value_get(v, TEXT("heard_at"));
	const struct value *silent = value_get(v, TEXT("silent"));

	if (heard == NULL || heard->kind != VALUE_INT)
		return;
	if (heard->i < w->heard) /* else the clock was set back */
		w->heard = heard->i;
	w->written = w->heard;
	w->silent = silent != NULL && silent->kind == VALUE_BOOL && silent->b;
}

/* What was known before a reload: the row may be older, as it isn't written each time. */
struct watches {
	const struct watch *items;
	size_t count;
};

static const struct watch *watch_find(struct watches all, struct text source)
{
	for (size_t i = 0; i < all.count; i++)
		if (text_eq(all.items[i].source, source))
			return &all.items[i];
	return NULL;
}

static void watch_add(struct sequencer *s, struct watches old, struct text source,
		      const struct connection *polled, int64_t after)
{
	const struct watch *known = watch_find(old, source);
	struct watch *w = &s->watches[s->watch_count++];
	int64_t grace = s->began + (after < SILENCE_GRACE ? after : SILENCE_GRACE);

	*w = (struct watch){ .source = source, .hook = polled == NULL, .after = after };
	if (polled != NULL)
		w->connection = polled->name;
	w->heard = s->now.wall;
	watch_read(s, w);
	if (known != NULL && known->heard > w->heard && known->heard <= s->now.wall)
		w->heard = known->heard;
	if (w->written == 0)
		watch_write(s, w);
	w->due = s->now.mono + after - (s->now.wall - w->heard);
	if (w->due < grace)
		w->due = grace;
}

static void watch_all(struct sequencer *s, const struct config *config, struct watches old)
{
	for (size_t i = 0; i < config->hook_count; i++)
		if (config->hooks[i].silent_after > 0)
			watch_add(s, old, config->hooks[i].name, NULL,
				  config->hooks[i].silent_after);
	for (size_t i = 0; i < config->connection_count; i++) {
		const struct connection *c = &config->connections[i];

		for (size_t k = 0; k < c->poll_count; k++)
			if (c->polls[k].silent_after > 0)
				watch_add(s, old, c->polls[k].source, c, c->polls[k].silent_after);
	}
}

/* A reload took it out: should it come back one day, it begins anew. */
static void watch_end(struct sequencer *s, const struct watch *old)
{
	if (watch_find((struct watches){ s->watches, s->watch_count }, old->source) != NULL)
		return;
	store_put_cursor(s->store, watch_row(s, old), TEXT("{}"));
}

bool silence_setup(struct sequencer *s)
{
	const struct config *config = s->config;
	struct watch *old = s->watches;
	size_t old_count = s->watch_count, room = config->hook_count;

	s->watches = NULL;
	s->watch_count = 0;
	for (size_t i = 0; i < config->connection_count; i++)
		room += config->connections[i].poll_count;
	/* In a rule's tests the engine speaks of nothing by itself. */
	if (room > 0 && s->options.schedules) {
		s->watches = mem_zero(room, sizeof(*s->watches));
		if (s->watches == NULL) {
			mem_free(old);
			return false;
		}
		watch_all(s, config, (struct watches){ old, old_count });
	}
	for (size_t i = 0; i < old_count; i++)
		watch_end(s, &old[i]);
	mem_free(old);
	return true;
}
