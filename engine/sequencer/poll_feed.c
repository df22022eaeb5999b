/* SPDX-License-Identifier: Apache-2.0
 *
 * poll_feed.c - how a feed is polled, and how polls follow its hints.
 *
 * Hints are followed by the poll of the objects they are about, between two of its
 * cycles: with one request of a poll under way at a time, an older page can't overwrite
 * what a newer one told. A cycle that is due goes first.
 *
 * I1  Whenever the feed may have lost something (unread for longer than it goes back,
 *     or refused), the polls that rely on it sweep, and tappet.source.gap says so once.
 *     The wish for a sweep is stored with that event. */
#include "engine/sequencer/poll.h"

/* ---- The feed. ---- */

/* High may be old where little happens: what the feed has is what it keeps. */
void source_begin_feed(struct source *src)
{
	const struct resource *resource = src->poll->resource;
	int64_t oldest = src->began - resource->feed->keeps;
	int64_t back = src->began - resource->feed->look_back;
	bool all = !src->baseline && src->poll->baseline_emits;

	src->kind = PAGE_CHANGES;
	src->after = src->high != INT64_MIN ? src->high - resource->overlap : back;
	if (src->sweeping && src->after > back)
		src->after = back;
	if (all || src->after < oldest)
		src->after = oldest;
	src->high_seen = src->after > src->high ? src->after : src->high;
}

static struct source *source_of(struct sequencer *s, const struct poll_config *poll)
{
	for (size_t i = 0; i < s->source_count; i++)
		if (s->sources[i].poll == poll)
			return &s->sources[i];
	return NULL;
}

bool source_news(struct sequencer *s, struct source *src, struct text id, struct text json,
		 uint64_t asks, const char **why)
{
	struct feed_reading f = {
		.connection = src->connection,
		.poll = src->poll,
		.stock = !src->baseline && !src->poll->baseline_emits,
		.quiet = src->sweeping && src->baseline && asks != src->asks,
		.high = src->high_seen,
	};

	if (!feed_row(s, &f, id, json)) {
		*why = f.why;
		return false;
	}
	src->high_seen = f.high;
	if (f.about != NULL)
		source_of(s, f.about)->hinted = true;
	return true;
}

/* The polls that rely on a feed look for themselves, at everything. */
static void source_reconcile(struct sequencer *s, const struct source *feed)
{
	for (size_t i = 0; i < s->source_count; i++) {
		struct source *src = &s->sources[i];

		if (src->connection != feed->connection || !src->poll->hinted || !src->baseline)
			continue;
		src->reconcile = s->now.wall;
		if (!src->busy)
			src->due = s->now.mono;
		src->resume = s->now.mono;
		source_write(s, src);
	}
}

/* Unread for longer than the feed keeps what it told. */
void source_gap(struct sequencer *s, struct source *src)
{
	int64_t keeps = src->poll->resource->feed->keeps;

	src->off = false;
	if (src->ok_at == 0 || s->now.wall - src->ok_at <= keeps)
		return;
	feed_gap(s, src->poll, "not read for longer than the feed goes back", src->ok_at,
		 s->now.wall - keeps);
	source_reconcile(s, src);
}

/* The feed is not to be had: told once, until it comes back. */
void source_off(struct sequencer *s, struct source *src, struct text why)
{
	const char *reason = text_printf(s->work, "no feed: %.*s", TEXT_ARG(why)).s;

	if (src->off || reason == NULL)
		return;
	src->off = true;
	feed_gap(s, src->poll, reason, src->ok_at, 0);
	source_reconcile(s, src);
}

/* ---- Hints. ---- */

void source_follow(struct sequencer *s, struct source *src)
{
	unsigned room = src->poll->resource->page_size;

	source_ids_clear(src);
	if (room > LIMIT_VERIFY_IDS)
		room = LIMIT_VERIFY_IDS;
	src->hint_count = feed_hints(s, src->poll, src->hints, room, src->ids, &src->id_count);
	src->hinted = src->hint_count > 0;
	if (!src->hinted || s->broken)
		return;
	src->busy = true;
	src->kind = PAGE_VERIFY;
	src->resume = src->due;
	source_fetch(s, src);
}

void source_followed(struct sequencer *s, struct source *src)
{
	struct text shelf = observe_shelf(s, src->connection->name, src->poll->resource->kind);
	struct text lost[LIMIT_VERIFY_IDS];
	unsigned lost_count = 0;
	uint64_t hash;

	for (unsigned i = 0; i < src->id_count; i++) {
		if (src->found[i])
			continue;
		if (store_get_object_hash(s->store, shelf, src->ids[i], &hash))
			source_gone(s, src, src->ids[i]);
		else
			lost[lost_count++] = src->ids[i];
	}
	feed_settle(s, src->connection, src->poll, src->hints, src->hint_count, lost, lost_count);
	source_ids_clear(src);
	src->busy = false;
	src->due = src->resume;
	if (src->failures == 0)
		return;
	source_works(s, src);
	mem_free(src->error);
	src->error = NULL;
	source_write(s, src);
}
