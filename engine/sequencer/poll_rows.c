/* SPDX-License-Identifier: Apache-2.0
 *
 * poll_rows.c - what the rows of a page mean: objects that are compared with their
 * snapshots, failed deliveries, news of a feed.
 *
 * A row whose bytes are those of the last time costs a hash and a look-up. The
 * cursor and the pages are poll.c's; nothing here moves them. */
#include "engine/sequencer/poll.h"

static void page_found(struct source *src, struct text id)
{
	for (unsigned i = 0; i < src->id_count; i++)
		if (text_eq(src->ids[i], id))
			src->found[i] = true;
}

/* The change time of an object whose tree was built. */
static void page_high(struct source *src, struct value object)
{
	struct value typed = object;
	const struct value *at = value_get(typed, TEXT("updated_at"));
	int64_t ms;

	if (at == NULL || at->kind != VALUE_TEXT || !timetext_parse_ms(value_as_text(*at), &ms))
		return;
	if (ms > src->high_seen)
		src->high_seen = ms;
}

static enum observed page_how(const struct reading_page *r)
{
	bool emits = r->src->baseline || r->src->poll->baseline_emits;

	if (r->src->round != NULL)
		emits = r->src->poll->baseline_emits || !round_stock(r->src->round);
	return emits ? OBSERVED_POLL : OBSERVED_STOCK;
}

static void page_object(struct reading_page *r, const struct object_kind *kind, struct text id,
			struct text json, uint64_t hash)
{
	struct sequencer *s = r->s;
	struct json_error error;
	struct value object;

	if (json_parse(s->parser, s->work, json, &object, &error) != FATE_OK) {
		r->failed = !arena_failed(s->work);
		return;
	}
	const struct resource *resource = r->src->poll->resource;
	bool in_round = r->src->round != NULL && kind == resource->kind;
	const struct observation o = {
		.kind = kind,
		.connection = r->src->connection->name,
		.source = r->src->poll->source,
		.object = object,
		.id = r->src->listing != NULL ? id : TEXT_NONE,
		.hash = in_round ? round_hash(resource->rounds, object, hash) : hash,
		.how = page_how(r),
		.whole = true,
		.time = INT64_MIN,
	};

	if (r->src->listing == NULL)
		page_high(r->src, object);
	(void)observe(s, &o, NULL);
}

static bool page_delivery(struct reading_page *r, struct text id, struct text json)
{
	bool stock = !r->src->baseline && !r->src->poll->baseline_emits;

	if (r->src->kind != PAGE_AGAIN && !undelivered_row(r->s, r->src->undelivered, r->src->poll,
							   r->shelf, id, json, stock, &r->why))
		r->failed = true;
	return !r->s->broken && !r->failed;
}

/* Each object's trees for themselves: a page of 200 large ones is more than fits. Without a kind it
 * is a row of a feed. */
static void page_observe(struct reading_page *r, const struct object_kind *kind, struct text id,
			 struct text json, uint64_t hash)
{
	struct sequencer *s = r->s;
	struct arena *page = s->work;

	s->work = s->object;
	if (kind == NULL)
		r->failed = !source_news(s, r->src, id, json, r->seed, &r->why);
	else
		page_object(r, kind, id, json, hash);
	if (arena_failed(s->object))
		seq_break(s);
	s->work = page;
	arena_reset(s->object);
}

/* The object in hand of a round, or what belongs to it. */
bool page_part(void *of, const struct object_kind *kind, struct text id, struct text json)
{
	struct reading_page *r = of;
	struct text shelf = observe_shelf(r->s, r->src->connection->name, kind);
	uint64_t hash = hash64(json.s, json.n, r->seed), known;

	if (!store_get_object_hash(r->s->store, shelf, id, &known) || known != hash)
		page_observe(r, kind, id, json, hash != 0 ? hash : 1);
	return !r->s->broken && !r->failed;
}

bool page_visit(void *of, struct text id, struct text json)
{
	struct reading_page *r = of;
	struct sequencer *s = r->s;
	uint64_t hash = hash64(json.s, json.n, r->seed), known;
	bool news = r->src->poll->resource->feed != NULL;

	if (r->src->round != NULL)
		return round_row(s, r->src->round, r->shelf, id, r->src->poll->baseline_emits);
	if (r->src->kind == PAGE_VERIFY || r->src->kind == PAGE_AGAIN)
		page_found(r->src, id);
	if (r->src->undelivered != NULL)
		return page_delivery(r, id, json);
	if (r->src->listing != NULL && !listing_row(s, r->src->listing, id))
		return false;
	if (r->src->listing == NULL && r->src->sweeping && !news && !seen_add(&r->src->seen, id))
		seq_break(s);
	if (hash == 0)
		hash = 1;
	if (!news && store_get_object_hash(s->store, r->shelf, id, &known) && known == hash)
		return !s->broken;
	page_observe(r, news ? NULL : r->src->poll->resource->kind, id, json, hash);
	return !s->broken && !r->failed;
}
