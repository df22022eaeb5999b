/* SPDX-License-Identifier: Apache-2.0
 *
 * poll.c - when to poll, what to ask, and what the pages mean.
 *
 * A cycle reads either what changed since the cursor (less an overlap), or, now
 * and then, everything (a sweep). The edges only carry out the fetches that a
 * batch hands out; all decisions are here, in the sequencer, so the cursor moves
 * in the commit of the events derived from it, and a test can turn the clock.
 *
 * Paging doesn't skip rows that move: rows are ordered by a time, ascending, and
 * the next page asks from the last row's time on (a row updated meanwhile moves
 * to the end, never into what was read). Where more rows share one time than fit
 * a page, pages overlap by half. Rows read twice cost a hash.
 *
 * A sweep remembers the ids it saw; ids of snapshots it did not see are asked
 * for by name, and only those still missing are reported deleted.
 *
 * The first cycle is a sweep that takes stock and emits nothing (baseline).
 *
 * A source of failed webhook deliveries (catch_up) lists them page by page and has
 * those that are new sent again (undelivered.c). Its baseline leaves alone what failed
 * before tappet looked for the first time. A source in rounds reads lists and then
 * objects one by one (rounds.c).
 *
 * A feed (feed.c) is read page by page from its last row on, less an overlap, and now and
 * then from further back. What it hints at is read by name by the poll of those objects,
 * between its cycles. Where the feed has a gap those polls sweep at once (reconcile).
 *
 * A source of a whole list (resource->whole) reads it from its beginning to its end each
 * time (listing.c).
 *
 * I1  Cursor and snapshots move only together with the events derived from them.
 * I2  A page that isn't what the product promises moves nothing; it is asked for
 *     again, and after POLL_STALLED failures tappet.source.stalled quotes it.
 * I3  The cursor never lies ahead of the batch's clock, whatever the rows say. */
#include "engine/sequencer/poll.h"

#define POLL_STALLED     3      /* failures in a row before people hear of it */
#define POLL_BACKOFF     5000   /* ms: first wait after a failure at most, doubling */
#define POLL_BACKOFF_MAX 300000 /* ms */
#define POLL_TIMEOUT     180000 /* ms: Kantata itself gives up after 3 minutes */

/* ---- The cursor. ---- */

static int64_t cursor_int(struct value cursor, const char *name, int64_t otherwise)
{
	const struct value *v = value_get(cursor, text_of(name));

	return v != NULL && v->kind == VALUE_INT ? v->i : otherwise;
}

/* Bytes behind a text are another one's. */
uint64_t poll_cursor_hash(struct value cursor, const char *name)
{
	const struct value *v = value_get(cursor, text_of(name));
	char hex[17] = "";

	if (v != NULL && v->kind == VALUE_TEXT && v->n < sizeof(hex))
		memcpy(hex, value_as_text(*v).s, v->n);
	return strtoull(hex, NULL, 16);
}

static void source_read(struct sequencer *s, struct source *src)
{
	struct json_error error;
	struct text json;
	struct value v;

	src->high = INT64_MIN;
	if (!store_get_cursor(s->store, s->work, src->poll->source, &json) ||
	    json_parse(s->parser, s->work, json, &v, &error) != FATE_OK)
		return;
	src->baseline = cursor_int(v, "baseline_at", 0) > 0;
	src->high = cursor_int(v, "high", INT64_MIN);
	src->full_at = cursor_int(v, "full_at", 0);
	src->ok_at = cursor_int(v, "ok_at", 0);
	src->failures = cursor_int(v, "failures", 0);
	src->reconcile = cursor_int(v, "reconcile", 0);
	src->off = cursor_int(v, "off_at", 0) > 0;
	src->asks = poll_cursor_hash(v, "asks");
	if (src->listing != NULL)
		listing_read(src->listing, v);
	if (src->round != NULL && value_get(v, TEXT("lists")) != NULL &&
	    !round_restore(src->round, *value_get(v, TEXT("lists"))))
		seq_break(s);
}

static void source_tell(struct sequencer *s, const struct source *src)
{
	struct board_source *row = board_source(s->board, src->poll->source);

	atomic_store(&row->ok_at, src->ok_at);
	atomic_store(&row->failures, src->failures);
}

void source_write(struct sequencer *s, struct source *src)
{
	struct value_map_builder b;
	struct text json;

	source_tell(s, src);
	value_map_begin(&b, s->work);
	value_map_set(&b, "baseline_at", value_int(src->baseline ? src->full_at : 0));
	if (src->high != INT64_MIN)
		value_map_set(&b, "high", value_int(src->high));
	value_map_set(&b, "full_at", value_int(src->full_at));
	value_map_set(&b, "ok_at", value_int(src->ok_at));
	value_map_set(&b, "failures", value_int(src->failures));
	value_map_set(&b, "every", value_int(src->poll->every));
	value_map_set(&b, "asks",
		      value_text(text_printf(s->work, "%llx", (unsigned long long)src->asks)));
	if (src->reconcile > 0)
		value_map_set(&b, "reconcile", value_int(src->reconcile));
	if (src->off)
		value_map_set(&b, "off_at", value_int(s->now.wall));
	if (src->round != NULL)
		value_map_set(&b, "lists", round_names(s, src->round));
	if (src->error != NULL)
		value_map_set(&b, "error", value_text(text_of(src->error)));
	if (src->listing != NULL)
		listing_write(s, src->listing, &b);
	json = seq_json(s, value_map_end(&b));
	store_put_cursor(s->store, src->poll->source, json);
}

/* ---- Asking. ---- */

static uint64_t asks_signature(const char *const *asks)
{
	uint64_t h = 0x61736b73;

	for (; asks != NULL && *asks != NULL; asks++)
		h = hash64(*asks, strlen(*asks), h);
	return h;
}

static const char *const *source_asks(struct sequencer *s, const struct source *src)
{
	if (src->poll->subjects != NULL)
		return src->poll->subjects;
	return ruleset_asks(s->rules, src->connection->name, src->poll->resource);
}

/* Of what is asked for: with another one, everything is to be read anew. */
static uint64_t source_signature(struct sequencer *s, const struct source *src)
{
	if (src->listing != NULL)
		return listing_signature(s, src->connection, src->poll);
	return asks_signature(source_asks(s, src));
}

struct text source_shelf(struct sequencer *s, const struct source *src)
{
	return observe_shelf(s, src->connection->name, src->poll->resource->kind);
}

static struct page_ask source_ask(struct sequencer *s, struct source *src)
{
	struct page_ask ask = {
		.kind = src->kind,
		.after = src->after,
		.offset = src->offset,
		.ids = src->ids,
		.id_count = src->id_count,
		.asks = source_asks(s, src),
		.settings = src->poll->settings,
		.now = s->now.wall,
	};

	if (src->listing != NULL)
		listing_ask(src->listing, &ask);
	if (src->round != NULL)
		round_ask(s, src->round, source_shelf(s, src), &ask, &src->round_id);
	return ask;
}

struct call *source_call(struct sequencer *s, struct source *src)
{
	struct call *call = arena_zero(s->work, sizeof(*call));

	if (call == NULL) {
		seq_break(s);
		return NULL;
	}
	call->arena = s->work;
	call->parser = s->page_parser; /* it walks a page while objects are parsed */
	call->settings = src->connection->settings;
	call->idempotency_key = "";
	return call;
}

void source_fetch(struct sequencer *s, struct source *src)
{
	struct page_ask ask = source_ask(s, src);
	struct call *call = source_call(s, src);
	struct fetch_out *out = vector_add(s, &s->fetches, sizeof(*out));

	if (call == NULL || out == NULL)
		return;
	if (src->poll->resource->ask(call, &ask, &out->request) != FATE_OK) {
		log_write(LOG_ERROR, "a poll can't be asked for", LOG_S("why", call->why));
		s->fetches.n--;
		src->due = s->now.mono + src->poll->every;
		src->busy = false;
		return;
	}
	src->fetch = ++s->last_fetch;
	src->due = INT64_MAX;
	/* Copies: a reload later in this batch may free the configuration. */
	out->source = text_dup(s->batch, src->poll->source);
	out->connection = text_dup(s->batch, src->connection->name);
	out->fetch = src->fetch;
	out->timeout = POLL_TIMEOUT;
	out->request = seq_request(s, &out->request);
}

/* A delivery counts from when it was made, and it fails only when all its attempts have. A wall
 * clock that is put forward while the daemon runs doesn't take the position with it: what fails
 * until it is put right would lie before it. */
static void source_begin_undelivered(const struct sequencer *s, struct source *src)
{
	int64_t from = src->high != INT64_MIN ? src->high : src->began;

	src->kind = PAGE_CHANGES;
	src->after = from - src->poll->resource->overlap;
	src->high_seen = src->began < seq_steady(s) ? src->began : seq_steady(s);
	src->listed = 0;
	undelivered_clear(src->undelivered);
}

/* Another list than the last time takes stock anew. */
static void source_begin_list(struct sequencer *s, struct source *src, bool whole, bool other)
{
	bool silent = !src->baseline || other;

	src->baseline = src->baseline && !other;
	src->kind = PAGE_SWEEP;
	src->sweeping = true;
	src->dropping = false;
	listing_begin(s, src->listing, src->connection, src->poll, silent, whole);
}

static void source_begin_round(struct sequencer *s, struct source *src)
{
	struct call *call = source_call(s, src);

	if (call == NULL)
		return;
	round_begin(s, src->round, src->poll, call, source_shelf(s, src), src->sweeping);
	if (round_is_over(src->round))
		source_done(s, src);
	else if (!s->broken)
		source_fetch(s, src);
}

static void source_begin(struct sequencer *s, struct source *src)
{
	uint64_t asks = source_signature(s, src);
	bool full = !src->baseline || asks != src->asks || src->reconcile != 0 ||
		    s->now.wall - src->full_at >= src->poll->full ||
		    src->full_at > s->now.wall; /* the wall clock was set back */

	src->busy = true;
	src->began = s->now.wall;
	src->sweeping = full;
	src->kind = full ? PAGE_SWEEP : PAGE_CHANGES;
	src->offset = 0;
	src->high_seen = src->high;
	src->after = INT64_MIN;
	if (!full && src->high != INT64_MIN)
		src->after = src->high - src->poll->resource->overlap;
	if (src->undelivered != NULL)
		source_begin_undelivered(s, src);
	if (src->poll->resource->feed != NULL)
		source_begin_feed(src);
	if (src->listing != NULL)
		source_begin_list(s, src, full, asks != src->asks);
	seen_clear(&src->seen);
	if (src->round != NULL)
		source_begin_round(s, src);
	else
		source_fetch(s, src);
}

/* ---- Reading. ---- */

static void texts_clear(struct text *texts, unsigned *count)
{
	for (unsigned i = 0; i < *count; i++)
		mem_free((void *)(uintptr_t)texts[i].s);
	*count = 0;
}

void source_ids_clear(struct source *src)
{
	texts_clear(src->ids, &src->id_count);
	texts_clear(src->hints, &src->hint_count);
	memset(src->found, 0, sizeof(src->found));
}

void source_done(struct sequencer *s, struct source *src)
{
	int64_t high = src->high_seen;

	if (src->poll->resource->feed != NULL)
		source_gap(s, src);
	/* What changed while a sweep went on may lie before rows it saw late. */
	if (src->sweeping && high > src->began)
		high = src->began;
	if (high > s->now.wall)
		high = s->now.wall;
	if (high > src->high)
		src->high = high;
	if (src->sweeping) {
		src->full_at = s->now.wall;
		src->asks = source_signature(s, src);
		src->baseline = true;
		if (src->reconcile <= src->began || src->reconcile > s->now.wall)
			src->reconcile = 0;
	}
	src->ok_at = s->now.wall;
	source_works(s, src);
	mem_free(src->error);
	src->error = NULL;
	if (src->round != NULL)
		source_tell_left(s, src);
	src->busy = src->sweeping = src->dropping = false;
	seen_clear(&src->seen);
	s->stats.polls_ok++;
	source_write(s, src);
	silence_heard(s, src->poll->source);
	src->due = s->now.mono + (src->reconcile != 0 ? 0 : src->poll->every);
}

struct candidates {
	struct source *src;
	struct buf last;
	unsigned limit;
	bool failed;
};

static bool candidate_visit(void *of, struct text id, uint64_t hash)
{
	struct candidates *c = of;
	struct source *src = c->src;

	(void)hash;
	buf_clear(&c->last);
	buf_text(&c->last, id);
	if (seen_has(&src->seen, id))
		return true;
	char *copy = text_heap(id);

	if (copy == NULL) {
		c->failed = true;
		return false;
	}
	src->ids[src->id_count++] = (struct text){ copy, id.n };
	return src->id_count < c->limit;
}

/* Where the ids that were looked at end; without a text when memory is out. */
static void source_verify_after(struct source *src, struct text id)
{
	char *copy = text_heap(id);

	mem_free((void *)(uintptr_t)src->verify_after.s);
	src->verify_after = (struct text){ copy, copy != NULL ? id.n : 0 };
}

/* The next ids that the sweep did not see, or the end of the cycle. */
static void source_verify(struct sequencer *s, struct source *src)
{
	struct candidates c = { .src = src, .limit = src->poll->resource->page_size };
	struct text shelf = observe_shelf(s, src->connection->name, src->poll->resource->kind);

	if (c.limit > LIMIT_VERIFY_IDS)
		c.limit = LIMIT_VERIFY_IDS;
	source_ids_clear(src);
	buf_init(&c.last, LIMIT_RUN_KEY);
	(void)store_each_object(s->store, shelf, src->verify_after, SIZE_MAX, candidate_visit, &c);
	source_verify_after(src, buf_view(&c.last));
	buf_fini(&c.last);
	if (c.failed || src->verify_after.s == NULL) {
		seq_break(s);
		return;
	}
	if (src->id_count == 0) {
		source_done(s, src);
		return;
	}
	src->kind = PAGE_VERIFY;
	source_fetch(s, src);
}

void source_gone(struct sequencer *s, struct source *src, struct text id)
{
	if (src->poll->hinted)
		feed_bury(s, src->connection, src->poll, id);
	observe_gone(s, src->poll->resource->kind, src->connection->name, src->poll->source, id);
}

static void source_verified(struct sequencer *s, struct source *src)
{
	for (unsigned i = 0; i < src->id_count; i++)
		if (!src->found[i])
			source_gone(s, src, src->ids[i]);
	source_verify(s, src);
}

/* The next of what is to be sent again, or the end of the cycle. */
static void source_again(struct sequencer *s, struct source *src, struct text shelf)
{
	unsigned room = src->poll->resource->page_size;

	source_ids_clear(src);
	src->id_count = undelivered_next(s, src->undelivered, src->ids,
					 room < LIMIT_VERIFY_IDS ? room : LIMIT_VERIFY_IDS);
	if (src->id_count > 0) {
		src->kind = PAGE_AGAIN;
		source_fetch(s, src);
		return;
	}
	undelivered_forget(s, src->undelivered, shelf);
	undelivered_clear(src->undelivered);
	source_done(s, src);
}

/* A page without a delivery that was not on an earlier one is the last, whatever it says: the
 * product may not know the page's number. */
static void source_next_undelivered(struct sequencer *s, struct source *src,
				    const struct page *page)
{
	struct text shelf = observe_shelf(s, src->connection->name, src->poll->resource->kind);
	size_t listed = undelivered_listed(src->undelivered);

	if (src->kind == PAGE_AGAIN) {
		undelivered_asked(s, src->poll, shelf, src->ids, src->found, src->id_count);
		source_again(s, src, shelf);
	} else if (page->more && listed > src->listed) {
		src->listed = listed;
		src->offset++;
		source_fetch(s, src);
	} else {
		undelivered_sort(s, src->undelivered, src->poll, shelf);
		source_again(s, src, shelf);
	}
}

static void source_next_page(struct sequencer *s, struct source *src, const struct page *page)
{
	if (src->undelivered != NULL) {
		source_next_undelivered(s, src, page);
		return;
	}
	if (src->round != NULL) {
		source_round_next(s, src, page);
		return;
	}
	if (src->kind == PAGE_CHANGES && page->high > src->high_seen)
		src->high_seen = page->high;
	if (src->poll->resource->feed != NULL && page->more) {
		src->offset++;
		source_fetch(s, src);
	} else if (src->kind == PAGE_VERIFY && src->hint_count > 0) {
		source_followed(s, src);
	} else if (src->kind == PAGE_VERIFY) {
		source_verified(s, src);
	} else if (page->more && page->items > 0) {
		if (page->high > src->after) {
			src->after = page->high;
			src->offset = 0;
		} else {
			src->offset += page->items / 2 + 1;
		}
		source_fetch(s, src);
	} else if (src->sweeping && src->baseline && src->poll->resource->feed == NULL) {
		source_verify_after(src, TEXT(""));
		source_verify(s, src);
	} else {
		source_done(s, src);
	}
}

/* ---- Failing. ---- */

static void source_stalled(struct sequencer *s, struct source *src)
{
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "source", value_text(src->poll->source));
	value_map_set(&b, "error", value_text(text_of(src->error)));
	value_map_set(&b, "failures", value_int(src->failures));
	value_map_set(&b, "ok_at", src->ok_at > 0 ? value_timestamp_ms(src->ok_at) : value_null());
	emit_own(s, "tappet.source.stalled", src->poll->source, value_map_end(&b), NULL, 0);
}

void source_works(struct sequencer *s, struct source *src)
{
	assert(s != NULL && src != NULL);
	if (src->failures > 0)
		log_write(LOG_INFO, "a poll works again",
			  LOG_S("source", text_dup(s->work, src->poll->source).s),
			  LOG_I("failures", src->failures));
	src->failures = 0;
}

void source_failed(struct sequencer *s, struct source *src, struct text why, int64_t retry_after)
{
	/* A failing poll asks no sooner than one that works. */
	int64_t wait = src->poll->every < POLL_BACKOFF ? src->poll->every : POLL_BACKOFF;

	for (int64_t i = 0; i < src->failures && wait < POLL_BACKOFF_MAX; i++)
		wait *= 2;
	if (wait > POLL_BACKOFF_MAX)
		wait = POLL_BACKOFF_MAX;
	if (retry_after > LIMIT_RETRY_AFTER)
		retry_after = LIMIT_RETRY_AFTER;
	src->failures++;
	src->due = s->now.mono + (retry_after > wait ? retry_after : wait);
	mem_free(src->error);
	src->error = text_heap(why);
	s->stats.polls_failed++;
	if (src->error == NULL)
		seq_break(s);
	log_write(LOG_WARN, "a poll failed",
		  LOG_S("source", text_dup(s->work, src->poll->source).s), LOG_S("why", src->error),
		  LOG_I("failures", src->failures));
	source_write(s, src);
	if (src->failures == POLL_STALLED)
		source_stalled(s, src);
}

/* A list's page is asked for again only when it may come: a cursor may have expired, and after a
 * page that can't be used nothing that follows is of use. The round then begins anew. */
static void source_list_failed(struct source *src, int status)
{
	bool again =
	    status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;

	if (src->listing != NULL && (!again || src->failures % POLL_STALLED == 0))
		src->busy = false;
}

/* Why the reply is of no use as a page, or TEXT_NONE. */
static struct text source_refusal(struct sequencer *s, struct source *src, const struct ending *end)
{
	const struct reply reply = { end->status, end->body, end->content_type };
	struct text words = TEXT_NONE;
	struct call *call;

	if (end->how == END_NO_REPLY || end->how == END_REFUSED)
		return end->error;
	if (end->how == END_CUT)
		return text_printf(s->work, "status %d, the reply was cut off", end->status);
	if (end->status >= 200 && end->status < 300)
		return TEXT_NONE;
	if (end->status >= 300 && end->status < 400 && end->error.n > 0)
		return text_printf(s->work, "status %d: set the connection's base_url, %.*s",
				   end->status, TEXT_ARG(end->error));
	call = source_call(s, src);
	if (call != NULL && src->connection->connector->error_words != NULL)
		words = src->connection->connector->error_words(call, &reply);
	if (words.n == 0)
		words = seq_quote(s, end->body);
	return text_printf(s->work, "status %d: %.*s", end->status, TEXT_ARG(words));
}

static struct source *source_find(struct sequencer *s, struct text name)
{
	for (size_t i = 0; i < s->source_count; i++)
		if (text_eq(s->sources[i].poll->source, name))
			return &s->sources[i];
	return NULL;
}

/* Some of what is gone at a time: all of it may be more than one commit should hold. */
static void source_drop(struct sequencer *s, struct source *src)
{
	src->dropping = true;
	src->due = s->now.mono;
	if (listing_gone(s, src->listing, src->connection, src->poll))
		source_done(s, src);
}

static void source_next_of_list(struct sequencer *s, struct source *src, const struct page *page,
				const struct ending *end)
{
	struct text shelf = observe_shelf(s, src->connection->name, src->poll->resource->kind);
	const char *why = "";

	switch (listing_page(s, src->listing, page, end, shelf, &why)) {
	case LISTING_MORE:
		source_fetch(s, src);
		break;
	case LISTING_END:
		source_drop(s, src);
		break;
	case LISTING_FAILED:
		source_failed(s, src, text_of(why), -1);
		src->busy = false;
		break;
	}
}

static void source_page(struct sequencer *s, struct source *src, const struct ending *end)
{
	const struct reply reply = { end->status, end->body, end->content_type };
	struct page_ask ask = source_ask(s, src);
	struct call *call = source_call(s, src);
	struct page page = { .high = INT64_MIN };
	const struct resource *resource = src->poll->resource;
	enum fate fate;
	struct reading_page r = {
		.s = s,
		.src = src,
		.seed = asks_signature(ask.asks),
		.shelf = source_shelf(s, src),
	};

	if (call == NULL)
		return;
	call->link = end->link;
	if (ask.kind == PAGE_ONE)
		fate = resource->rounds->read(call, &ask, &reply, page_part, &r);
	else
		fate = resource->read(call, &ask, &reply, page_visit, &r, &page);
	if (fate != FATE_OK || r.failed) {
		struct text why =
		    text_printf(s->work, "%s: %.*s", r.why != NULL ? r.why : call->why,
				TEXT_ARG(seq_quote(s, end->body)));

		if (src->round != NULL && source_round_skip(s, src, end, why))
			return;
		source_failed(s, src, why, -1);
		source_list_failed(src, end->status);
		return;
	}
	if (src->listing != NULL)
		source_next_of_list(s, src, &page, end);
	else
		source_next_page(s, src, &page);
}

/* "Not modified", where that was asked. */
static bool source_unchanged(struct sequencer *s, struct source *src, const struct ending *end)
{
	struct page_ask ask = source_ask(s, src);

	if (src->listing == NULL || end->how != END_REPLIED || end->status != 304 ||
	    ask.etag.n + ask.last_modified.n == 0)
		return false;
	src->sweeping = false;
	source_done(s, src);
	return true;
}

void poll_fetched(struct sequencer *s, const struct fetched_input *f)
{
	struct source *src = source_find(s, f->source);

	/* A fetch from before a reload or a failed batch: asked for again already. One that made
	 * the batch fail has the number of those that are not. */
	if (src == NULL || src->fetch != f->fetch)
		return;
	src->fetch = 0;
	if (source_unchanged(s, src, &f->ending))
		return;
	if (src->round != NULL && f->ending.how == END_REPLIED &&
	    round_missing(s, src->round, src->poll->resource->rounds, source_shelf(s, src),
			  f->ending.status)) {
		source_round_on(s, src);
		return;
	}
	struct text why = source_refusal(s, src, &f->ending);
	const struct reply reply = { f->ending.status, f->ending.body, f->ending.content_type };

	if (src->poll->resource->feed != NULL && f->ending.how == END_REPLIED &&
	    src->poll->resource->feed->off(&reply))
		source_off(s, src, why);
	if (why.n > 0) {
		if (src->round != NULL && source_round_skip(s, src, &f->ending, why))
			return;
		source_failed(s, src, why, f->ending.retry_after);
		source_list_failed(src, f->ending.status);
	} else {
		source_page(s, src, &f->ending);
	}
}

/* ---- Time and set-up. ---- */

void poll_timers(struct sequencer *s)
{
	for (size_t i = 0; i < s->source_count && !s->broken; i++) {
		struct source *src = &s->sources[i];

		bool follow = src->hinted && src->baseline && !src->busy;

		if ((src->due > s->now.mono && !follow) ||
		    pause_of_connection(s, src->connection->name))
			continue;
		if (src->busy && src->dropping)
			source_drop(s, src);
		else if (src->busy)
			source_fetch(s, src);
		else if (src->due > s->now.mono)
			source_follow(s, src);
		else
			source_begin(s, src);
		seq_clear(s);
	}
}

int64_t poll_next(const struct sequencer *s)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < s->source_count; i++)
		if (s->sources[i].due < next &&
		    !pause_of_connection(s, s->sources[i].connection->name))
			next = s->sources[i].due;
	return next;
}

void poll_free(struct sequencer *s)
{
	for (size_t i = 0; i < s->source_count; i++) {
		struct source *src = &s->sources[i];

		source_ids_clear(src);
		seen_clear(&src->seen);
		mem_free(src->error);
		mem_free((void *)(uintptr_t)src->verify_after.s);
		undelivered_free(src->undelivered);
		listing_free(src->listing);
		round_free(src->round);
		mem_free(src->left_out);
	}
	mem_free(s->sources);
	s->sources = NULL;
	s->source_count = 0;
}

bool poll_setup(struct sequencer *s)
{
	size_t count = 0;

	poll_free(s);
	for (size_t i = 0; i < s->config->connection_count && s->options.polls; i++)
		count += s->config->connections[i].poll_count;
	if (count == 0)
		return true;
	s->sources = mem_zero(count, sizeof(*s->sources));
	if (s->sources == NULL)
		return false;
	for (size_t i = 0; i < s->config->connection_count; i++) {
		const struct connection *c = &s->config->connections[i];

		for (size_t k = 0; k < c->poll_count; k++) {
			struct source *src = &s->sources[s->source_count++];

			src->connection = c;
			src->poll = &c->polls[k];
			if (src->poll->resource->catch_up != NULL &&
			    (src->undelivered = undelivered_new()) == NULL)
				return false;
			if (src->poll->resource->whole && (src->listing = listing_new()) == NULL)
				return false;
			if (src->poll->resource->rounds != NULL &&
			    (src->round = round_new()) == NULL)
				return false;
			source_read(s, src);
			source_tell(s, src);
			src->hinted = src->poll->hinted && feed_waits(s, src->poll);
			src->due = s->now.mono;
			if (src->reconcile == 0 && src->ok_at > 0 && src->ok_at <= s->now.wall &&
			    s->now.wall - src->ok_at < src->poll->every)
				src->due += src->poll->every - (s->now.wall - src->ok_at);
		}
	}
	return true;
}
