/* SPDX-License-Identifier: Apache-2.0
 *
 * feed.c - news of changes: once each, as an event or as a hint.
 *
 * A feed names what changed, minutes late, in any order, some of it twice. A row is
 * known by its id for as long as the product lists it. News of an object that the
 * connection polls is a hint: the object is read again by its poll (so that pages of
 * both can't overtake each other), and the comparison with the last known state tells
 * the change, if the poll has not told it before. All other news are events.
 *
 * Hints wait in the store, as objects without a kind, under "<id of the object>/<id of
 * the row>"; so a crash between a row and the reading it asks for loses nothing.
 *
 * An object that is gone when it is read was deleted: known before, that is its own
 * event. Never known (made and deleted between two looks), nothing can be compared,
 * and the hints become events after all; unless its end had been told already.
 *
 * I1  A row's id, what becomes of it, and the feed's cursor move in one commit each, in
 *     this order: a crash reads rows again and knows those dealt with.
 * I2  A hint is forgotten in the commit of what it made known. One that came while its
 *     object was being read is kept, for the reading may be older. */
#include "engine/sequencer/internal.h"

/* A row is remembered beyond the time it is listed, as clocks differ. */
#define FEED_SLACK (INT64_C(2) * 86400 * 1000)

struct text feed_shelf(struct sequencer *s, const struct poll_config *about)
{
	return text_printf(s->work, "%.*s/hints", TEXT_ARG(about->source));
}

static const struct poll_config *feed_poll(const struct connection *c)
{
	for (size_t i = 0; i < c->poll_count; i++)
		if (c->polls[i].resource->feed != NULL)
			return &c->polls[i];
	return NULL;
}

/* ---- Rows. ---- */

static bool feed_read(struct sequencer *s, const struct connection *c,
		      const struct poll_config *poll, struct text json, struct news *out)
{
	struct call call = { .arena = s->work, .parser = s->parser, .settings = c->settings };
	struct json_error error;
	struct value row;

	return json_parse(s->parser, s->work, json, &row, &error) == FATE_OK &&
	       poll->resource->feed->row(&call, row, out) == FATE_OK;
}

static const struct poll_config *feed_about(const struct connection *c, const struct news *news)
{
	for (size_t i = 0; i < c->poll_count && news->id.n > 0; i++)
		if (c->polls[i].hinted && text_is(news->subject, c->polls[i].resource->subject))
			return &c->polls[i];
	return NULL;
}

static void feed_tell(struct sequencer *s, const struct connection *c,
		      const struct poll_config *poll, struct text id, const struct news *news)
{
	const struct object_kind *kind = poll->resource->kind;
	const struct text parts[2] = { poll->source, id };
	char hex[HASH_HEX];

	hash_name(parts, 2, hex);
	struct emission e = {
		.id = text_of(hex),
		.source = poll->source,
		.type = text_printf(s->work, "%s.%.*s.%.*s", kind->name, TEXT_ARG(news->subject),
				    TEXT_ARG(news->verb)),
		.subject = news->id,
		.connection = c->name,
		.time = news->time != INT64_MIN ? news->time : s->now.wall,
		.data = object_kind_typed(kind, s->work, news->data),
	};

	(void)emit(s, &e);
}

static void feed_hint(struct sequencer *s, const struct poll_config *about, struct text id,
		      struct text json, const struct news *news)
{
	struct text key = text_printf(s->work, "%.*s/%.*s", TEXT_ARG(news->id), TEXT_ARG(id));

	store_put_object(s->store, feed_shelf(s, about), key, 1, json);
}

bool feed_row(struct sequencer *s, struct feed_reading *r, struct text id, struct text json)
{
	const struct feed *feed = r->poll->resource->feed;
	struct news news;
	struct text known;
	int64_t from;

	assert(feed != NULL && r->connection != NULL);
	r->about = NULL;
	if (!feed_read(s, r->connection, r->poll, json, &news)) {
		r->why = "a row is no event";
		return false;
	}
	if (news.at != INT64_MIN && news.at > r->high)
		r->high = news.at;
	if (store_get_seen(s->store, s->work, r->poll->source, id, seq_steady(s), &known))
		return true;
	from = news.at > seq_steady(s) ? news.at : seq_steady(s);
	store_put_seen(s->store, r->poll->source, id, id, from + feed->keeps + FEED_SLACK);
	if (r->stock)
		return true;
	r->about = feed_about(r->connection, &news);
	if (r->about != NULL)
		feed_hint(s, r->about, id, json, &news);
	else if (r->poll->subjects == NULL && !r->quiet)
		feed_tell(s, r->connection, r->poll, id, &news);
	return true;
}

void feed_gap(struct sequencer *s, const struct poll_config *poll, const char *reason, int64_t from,
	      int64_t to)
{
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "source", value_text(poll->source));
	value_map_set(&b, "reason", value_text(text_of(reason)));
	value_map_set(&b, "from", from > 0 ? value_timestamp_ms(from) : value_null());
	value_map_set(&b, "to", to > 0 ? value_timestamp_ms(to) : value_null());
	emit_own(s, "tappet.source.gap", poll->source, value_map_end(&b), NULL, 0);
	log_write(LOG_WARN, "a feed has a gap", LOG_S("source", text_dup(s->work, poll->source).s),
		  LOG_S("why", reason));
}

/* ---- Hints. ---- */

struct hinting {
	struct text *hints, *ids;
	unsigned count, room, id_count;
	bool failed;
};

static struct text hint_object(struct text hint)
{
	struct text id;

	(void)text_split(hint, '/', &id);
	return id;
}

static bool any_visit(void *of, struct text id, uint64_t hash)
{
	(void)id;
	(void)hash;
	*(bool *)of = true;
	return false;
}

bool feed_waits(struct sequencer *s, const struct poll_config *about)
{
	bool any = false;

	(void)store_each_object(s->store, feed_shelf(s, about), TEXT(""), 1, any_visit, &any);
	return any;
}

/* In the order of their keys, so those about one object stand together. */
static bool hint_visit(void *of, struct text id, uint64_t hash)
{
	struct hinting *h = of;
	struct text object = hint_object(id);
	char *copy = text_heap(id);

	(void)hash;
	h->failed = copy == NULL;
	if (h->failed)
		return false;
	h->hints[h->count++] = (struct text){ copy, id.n };
	if (h->id_count > 0 && text_eq(h->ids[h->id_count - 1], object))
		return h->count < h->room;
	copy = text_heap(object);
	h->failed = copy == NULL;
	if (h->failed)
		return false;
	h->ids[h->id_count++] = (struct text){ copy, object.n };
	return h->count < h->room;
}

unsigned feed_hints(struct sequencer *s, const struct poll_config *about, struct text *hints,
		    unsigned room, struct text *ids, unsigned *id_count)
{
	struct hinting h = { .hints = hints, .ids = ids, .room = room };

	assert(room > 0 && id_count != NULL);
	(void)store_each_object(s->store, feed_shelf(s, about), TEXT(""), room, hint_visit, &h);
	if (h.failed)
		seq_break(s);
	*id_count = h.id_count;
	return h.count;
}

/* ---- Followed. ---- */

static struct text grave(struct sequencer *s, struct text id)
{
	return text_printf(s->work, "gone/%.*s", TEXT_ARG(id));
}

void feed_bury(struct sequencer *s, const struct connection *c, const struct poll_config *about,
	       struct text id)
{
	const struct poll_config *poll = feed_poll(c);

	if (poll == NULL)
		return;
	store_put_seen(s->store, about->source, grave(s, id), id,
		       seq_steady(s) + poll->resource->feed->keeps + FEED_SLACK);
}

static bool is_among(const struct text *ids, unsigned count, struct text id)
{
	for (unsigned i = 0; i < count; i++)
		if (text_eq(ids[i], id))
			return true;
	return false;
}

static void tell_hint(struct sequencer *s, const struct connection *c,
		      const struct poll_config *about, struct text hint)
{
	const struct poll_config *poll = feed_poll(c);
	struct text json, object, row = text_split(hint, '/', &object);
	struct text known;
	struct news news;
	uint64_t hash;

	if (poll == NULL || store_get_seen(s->store, s->work, about->source, grave(s, object),
					   seq_steady(s), &known))
		return;
	if (store_get_object(s->store, s->work, feed_shelf(s, about), hint, &hash, &json) &&
	    feed_read(s, c, poll, json, &news))
		feed_tell(s, c, poll, row, &news);
}

void feed_settle(struct sequencer *s, const struct connection *c, const struct poll_config *about,
		 const struct text *hints, unsigned count, const struct text *lost,
		 unsigned lost_count)
{
	struct text shelf = feed_shelf(s, about);
	struct arena *page = s->work;

	for (unsigned i = 0; i < count && !s->broken; i++) {
		if (is_among(lost, lost_count, hint_object(hints[i]))) {
			s->work = s->object;
			tell_hint(s, c, about, hints[i]);
			if (arena_failed(s->object))
				seq_break(s);
			s->work = page;
			arena_reset(s->object);
		}
		store_drop_object(s->store, shelf, hints[i]);
	}
}
