/* SPDX-License-Identifier: Apache-2.0
 *
 * rounds.c - polls of products that list no changes: which lists to read, and which
 * objects after them.
 *
 * A round reads the lists the connector names, page by page. They name objects;
 * each that is new, or known and not over, is then read by itself, and what the
 * reply tells is compared with the snapshots (observe.c).
 *
 * What the first reading of a list names is taken stock of, object by object: so a
 * user who is watched from now on brings no events of the past. Of what a settled
 * list names then only the id is kept (a stub).
 *
 * Known objects that no list names any more are read too, until they are over:
 * that they left a list is how most of them end.
 *
 * One object that can't be read doesn't hold up the others: it is left out of the round
 * and read again in the next one. A round in which nothing could be read has failed.
 *
 * I1  What a round knows is in memory only; snapshots move with each object's
 *     commit. After a restart the round begins anew and repeats nothing.
 * I2  A snapshot's hash is OVER exactly when the object is over, or only its id is
 *     known. */
#include "engine/sequencer/internal.h"

#define HEX_SIZE 17 /* of 64 bits, with its end */
#define OVER     1  /* no object's bytes have this hash: round_hash */

struct round_item {
	char *id; /* heap */
	size_t id_size;
	unsigned list; /* the first that named it, or LIST_NONE */
	bool stock;    /* only lists that are new name it */
};

struct round {
	struct map *named; /* id -> its place among the items, plus one */
	struct round_item *items;
	size_t count, room;
	size_t at;      /* the item in hand, once `reading` */
	unsigned tries; /* replies about it that were of no use */
	size_t read;    /* items that were read in this round */
	size_t left;    /* and those left out; */
	bool refused;   /* one of them for another reason than that it may not be read */
	bool reading;
	bool full;
	uint64_t *known; /* names of the lists that were read to their end, hashed */
	size_t known_count;
	/* The list in hand. */
	unsigned list, offset;
	struct round_list now;
	bool first; /* it is new */
	bool fresh; /* its page brought something unknown */
};

/* ---- life ---- */

struct round *round_new(void)
{
	struct round *r = mem_zero(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->named = map_new();
	if (r->named != NULL)
		return r;
	mem_free(r);
	return NULL;
}

static void round_clear(struct round *r)
{
	for (size_t i = 0; i < r->count; i++) {
		(void)map_drop(r->named, (struct text){ r->items[i].id, r->items[i].id_size });
		mem_free(r->items[i].id);
	}
	mem_free(r->items);
	r->items = NULL;
	r->count = r->room = r->at = 0;
	r->tries = 0;
	r->reading = false;
	r->list = r->offset = 0;
}

void round_free(struct round *r)
{
	if (r == NULL)
		return;
	round_clear(r);
	mem_free(r->known);
	map_free(r->named);
	mem_free(r);
}

/* ---- lists that are known ---- */

static uint64_t round_name(struct text name)
{
	return hash64(name.s, name.n, 0x6c697374);
}

static bool round_knows(const struct round *r, uint64_t name)
{
	for (size_t i = 0; i < r->known_count; i++)
		if (r->known[i] == name)
			return true;
	return false;
}

static bool round_learn(struct round *r, uint64_t name)
{
	uint64_t *known;

	if (round_knows(r, name))
		return true;
	known = mem_grow(r->known, r->known_count + 1, sizeof(*known));
	if (known == NULL)
		return false;
	r->known = known;
	known[r->known_count++] = name;
	return true;
}

bool round_restore(struct round *r, struct value lists)
{
	for (uint32_t i = 0; lists.kind == VALUE_LIST && i < lists.n; i++) {
		struct text name = value_as_text(lists.items[i]);
		char hex[HEX_SIZE];

		if (lists.items[i].kind != VALUE_TEXT || name.n >= sizeof(hex))
			continue;
		(void)snprintf(hex, sizeof(hex), "%.*s", TEXT_ARG(name));
		if (!round_learn(r, strtoull(hex, NULL, 16)))
			return false;
	}
	return true;
}

struct value round_names(struct sequencer *s, const struct round *r)
{
	struct value_list_builder names;

	value_list_begin(&names, s->work);
	for (size_t i = 0; i < r->known_count; i++)
		value_list_add(&names, value_text(text_printf(s->work, "%llx",
							      (unsigned long long)r->known[i])));
	return value_list_end(&names);
}

/* ---- objects ---- */

static bool round_add(struct sequencer *s, struct round *r, struct text id, unsigned list,
		      bool stock)
{
	uintptr_t place = (uintptr_t)map_get(r->named, id);
	struct round_item *item;

	if (place > 0) {
		r->items[place - 1].stock = r->items[place - 1].stock && stock;
		return true;
	}
	if (r->count == r->room) {
		size_t room = r->room == 0 ? 64 : r->room * 2;

		item = mem_grow(r->items, room, sizeof(*item));
		if (item == NULL) {
			seq_break(s);
			return false;
		}
		r->items = item;
		r->room = room;
	}
	item = &r->items[r->count];
	*item = (struct round_item){
		.id = text_heap(id), .id_size = id.n, .list = list, .stock = stock
	};
	if (item->id == NULL || !map_put(r->named, id, (void *)(uintptr_t)(r->count + 1))) {
		mem_free(item->id);
		seq_break(s);
		return false;
	}
	r->count++;
	return true;
}

bool round_row(struct sequencer *s, struct round *r, struct text shelf, struct text id,
	       bool baseline_emits)
{
	bool stock = r->first && !baseline_emits;
	uint64_t hash;
	bool known = store_get_object_hash(s->store, shelf, id, &hash);

	r->fresh = r->fresh || !known;
	if (r->count >= LIMIT_ROUND)
		return true; /* refused at the page's end */
	if (!r->now.settled)
		return round_add(s, r, id, r->list, stock && !known);
	if (!known && stock && map_get(r->named, id) == NULL)
		store_put_object(s->store, shelf, id, OVER, TEXT("{}"));
	else if (!known)
		return round_add(s, r, id, r->list, stock);
	return true;
}

struct open_ones {
	struct sequencer *s;
	struct round *r;
};

static bool open_visit(void *of, struct text id, uint64_t hash)
{
	struct open_ones *open = of;

	return hash == OVER || round_add(open->s, open->r, id, LIST_NONE, false);
}

/* ---- the way ---- */

/* Takes the list in hand, or goes over to the objects when there is none. */
static void round_list_begin(struct sequencer *s, struct round *r, const struct poll_config *poll,
			     struct call *call, struct text shelf)
{
	struct open_ones open = { .s = s, .r = r };

	r->offset = 0;
	r->now = (struct round_list){ .settled = false };
	if (poll->resource->rounds->list(call, r->list, &r->now)) {
		r->first = !round_knows(r, round_name(r->now.name));
		return;
	}
	r->reading = true;
	r->at = 0;
	(void)store_each_object(s->store, shelf, TEXT(""), SIZE_MAX, open_visit, &open);
}

void round_begin(struct sequencer *s, struct round *r, const struct poll_config *poll,
		 struct call *call, struct text shelf, bool full)
{
	round_clear(r);
	r->full = full;
	r->fresh = r->refused = false;
	r->read = r->left = 0;
	round_list_begin(s, r, poll, call, shelf);
}

bool round_is_over(const struct round *r)
{
	return r->reading && r->at >= r->count;
}

static void round_known(struct sequencer *s, struct text shelf, struct text id, struct value *out)
{
	struct json_error error;
	struct text json;
	uint64_t hash;

	*out = value_null();
	if (store_get_object(s->store, s->work, shelf, id, &hash, &json))
		(void)json_parse(s->parser, s->work, json, out, &error);
}

void round_ask(struct sequencer *s, struct round *r, struct text shelf, struct page_ask *ask,
	       struct text *id)
{
	const struct round_item *item;

	ask->kind = r->reading ? PAGE_ONE : PAGE_LIST;
	ask->list = r->list;
	ask->offset = r->offset;
	ask->id_count = 0;
	if (!r->reading)
		return;
	assert(r->at < r->count);
	item = &r->items[r->at];
	*id = (struct text){ item->id, item->id_size };
	ask->ids = id;
	ask->id_count = 1;
	ask->list = item->list;
	ask->offset = 0;
	round_known(s, shelf, *id, &ask->known);
	/* Of a stub nothing is known but that it was there before us. */
	if (ask->known.kind == VALUE_MAP && ask->known.n == 0)
		r->items[r->at].stock = true;
}

bool round_stock(const struct round *r)
{
	assert(r->reading && r->at < r->count);
	return r->items[r->at].stock;
}

uint64_t round_hash(const struct rounds *rounds, struct value object, uint64_t hash)
{
	const struct value *over = value_path(object, text_of(rounds->over));

	if (over != NULL && over->kind == VALUE_BOOL && over->b)
		return OVER;
	return hash > OVER ? hash : OVER + 1;
}

static void round_pass(struct round *r)
{
	r->at++;
	r->tries = 0;
}

bool round_missing(struct sequencer *s, struct round *r, const struct rounds *rounds,
		   struct text shelf, int status)
{
	const struct round_item *item;
	struct text json;
	uint64_t hash;

	if (!r->reading || r->at >= r->count || status == 0 ||
	    (status != rounds->gone && status != rounds->hidden))
		return false;
	item = &r->items[r->at];
	const struct text id = { item->id, item->id_size };

	if (item->list != LIST_NONE)
		return false; /* somebody lists it: round_skip */
	if (status == rounds->gone)
		store_drop_object(s->store, shelf, id);
	/* Nobody lists it and nobody may see it: not asked for again until somebody does. */
	else if (store_get_object(s->store, s->work, shelf, id, &hash, &json))
		store_put_object(s->store, shelf, id, OVER, json);
	round_pass(r);
	return true;
}

/* A refusal of this object: others may be fine. */
static bool is_about_object(int status)
{
	return status >= 400 && status < 500 && status != 401 && status != 407 && status != 408 &&
	       status != 425 && status != 429;
}

bool round_skip(struct sequencer *s, struct round *r, const struct rounds *rounds,
		struct text shelf, const struct ending *end)
{
	bool told = end->how == END_REPLIED || end->how == END_CUT;
	const struct round_item *item;
	uint64_t hash;

	/* Without a reply, or with one about our credentials or our pace, none would be read. */
	if (!r->reading || r->at >= r->count || !told || end->status == 401 || end->status == 407 ||
	    end->status == 429)
		return false;
	if (!is_about_object(end->status) && ++r->tries < LIMIT_ROUND_TRIES)
		return false;
	item = &r->items[r->at];
	const struct text id = { item->id, item->id_size };

	/* Nothing is known of it but that it was there before us. */
	if (item->stock && !store_get_object_hash(s->store, shelf, id, &hash))
		store_put_object(s->store, shelf, id, OVER, TEXT("{}"));
	r->left++;
	r->refused = r->refused || (end->status != rounds->gone && end->status != rounds->hidden);
	round_pass(r);
	return true;
}

bool round_is_reading(const struct round *r)
{
	return r->reading;
}

size_t round_left(const struct round *r)
{
	return r->left;
}

bool round_is_barren(const struct round *r)
{
	return r->refused && r->read == 0;
}

/* The list goes on behind this page. */
static bool round_list_goes_on(const struct round *r, const struct page *page)
{
	if (!page->more || page->items == 0)
		return false;
	return !r->now.settled || r->full || r->first || r->fresh;
}

const char *round_next(struct sequencer *s, struct round *r, const struct poll_config *poll,
		       struct call *call, struct text shelf, const struct page *page)
{
	if (r->reading) {
		r->read++;
		round_pass(r);
		return NULL;
	}
	if (r->count >= LIMIT_ROUND || r->offset >= LIMIT_ROUND)
		return "more is listed than can be read one by one";
	if (round_list_goes_on(r, page)) {
		r->offset += page->items;
		r->fresh = false;
		return NULL;
	}
	r->list++;
	r->fresh = false;
	round_list_begin(s, r, poll, call, shelf);
	return NULL;
}

bool round_done(struct round *r, const struct poll_config *poll, struct call *call)
{
	struct round_list list;
	bool learnt = true;

	r->known_count = 0; /* a list that is gone is new when it comes back */
	for (unsigned i = 0; poll->resource->rounds->list(call, i, &list); i++)
		learnt = learnt && round_learn(r, round_name(list.name));
	round_clear(r);
	return learnt;
}
