/* SPDX-License-Identifier: Apache-2.0
 *
 * listing.c - a list that is read whole: its rounds, its end, and what is gone from it.
 *
 * A round reads the list's pages one after the other. What a complete round did not
 * see is gone. A list of several pages can shift while it is read (a row deleted
 * from the first page moves one from the second to it, unseen), so there the list is
 * read once more, and only what neither round saw counts as gone.
 *
 * A list of one page can be asked for with the validators of the last time (ETag, else
 * Last-Modified): then "not modified" ends the round, and nothing has changed. Now and
 * then (`full`) it is read without, for servers that are wrong about it.
 *
 * I1  Nothing is reported gone by a round that did not reach the end of the list.
 * I2  Rounds end: a cursor that came before in the round, a full page without a new
 *     row, too many pages or rows are failures.
 * I3  Validators are kept in the commit that ends their round, never earlier.
 * I4  A list that is another one (path, query, items or id were changed) takes stock
 *     anew; rows of the old one go without an event.
 * Source: RFC 9110, 8.8.2.2 and 13.1. */
#include "engine/sequencer/internal.h"

#define VALIDATOR_AGE 60000 /* ms: a time that is younger may hide a second change within it */

struct listing {
	struct seen round, before; /* ids of this round; of the one it makes sure of */
	struct seen nexts;
	struct text next; /* heap; empty: the first page, or one asked for by its number */
	unsigned pages, rows;
	size_t known; /* ids before the page in hand */
	bool silent, sure, conditional;
	struct text after; /* heap: up to here everything gone was reported; empty: not begun */
	/* Kept: */
	struct text etag, modified; /* heap, or empty */
	uint64_t read_as;           /* hash of how the list was read when they came */
	uint64_t reads_as;          /* and of how it is read now */
};

/* ---- Life. ---- */

struct listing *listing_new(void)
{
	return mem_zero(1, sizeof(struct listing));
}

static void listing_forget(struct text *text)
{
	mem_free((void *)(uintptr_t)text->s);
	*text = TEXT_NONE;
}

/* With its length: a product may put U+0000 into it. False when memory is out. */
static bool listing_copy(struct text *to, struct text t)
{
	listing_forget(to);
	if (t.n == 0)
		return true;
	to->s = text_heap(t);
	to->n = to->s != NULL ? t.n : 0;
	return to->s != NULL;
}

static void listing_keep(struct sequencer *s, struct text *to, struct text t)
{
	if (!listing_copy(to, t))
		seq_break(s);
}

static void listing_rewind(struct listing *l)
{
	seen_clear(&l->round);
	seen_clear(&l->nexts);
	listing_forget(&l->next);
	listing_forget(&l->after);
	l->pages = l->rows = 0;
	l->known = 0;
}

void listing_free(struct listing *l)
{
	if (l == NULL)
		return;
	listing_rewind(l);
	seen_clear(&l->before);
	listing_forget(&l->etag);
	listing_forget(&l->modified);
	mem_free(l);
}

static struct text listing_text(struct value cursor, const char *name)
{
	const struct value *v = value_get(cursor, text_of(name));

	return v != NULL && v->kind == VALUE_TEXT ? value_as_text(*v) : TEXT_NONE;
}

void listing_read(struct listing *l, struct value cursor)
{
	assert(l != NULL);
	/* Without memory for them the list is read, which is always right. */
	(void)listing_copy(&l->etag, listing_text(cursor, "etag"));
	(void)listing_copy(&l->modified, listing_text(cursor, "modified"));
	l->read_as = poll_cursor_hash(cursor, "read_as");
}

void listing_write(struct sequencer *s, const struct listing *l, struct value_map_builder *cursor)
{
	assert(l != NULL && cursor != NULL);
	if (l->etag.n > 0)
		value_map_set(cursor, "etag", value_text(l->etag));
	if (l->modified.n > 0)
		value_map_set(cursor, "modified", value_text(l->modified));
	value_map_set(cursor, "read_as",
		      value_text(text_printf(s->work, "%llx", (unsigned long long)l->read_as)));
}

/* ---- Which list it is. ---- */

static uint64_t listing_hash(struct sequencer *s, struct value settings, const char *name,
			     uint64_t seed)
{
	const struct value *v = value_get(settings, text_of(name));
	struct text json = v != NULL ? seq_json(s, *v) : TEXT_NONE;

	return hash64(json.s != NULL ? json.s : "", json.n, seed);
}

uint64_t listing_signature(struct sequencer *s, const struct connection *connection,
			   const struct poll_config *poll)
{
	static const char *const what[] = { "path", "query", "items", "id", NULL };
	uint64_t h = listing_hash(s, connection->settings, "base_url", 0x6c697374);

	for (size_t i = 0; what[i] != NULL; i++)
		h = listing_hash(s, poll->settings, what[i], h);
	return h;
}

/* ---- A round. ---- */

void listing_begin(struct sequencer *s, struct listing *l, const struct connection *connection,
		   const struct poll_config *poll, bool silent, bool whole)
{
	struct text json = seq_json(s, poll->settings);

	assert(l != NULL);
	listing_rewind(l);
	seen_clear(&l->before);
	l->silent = silent;
	l->sure = false;
	l->reads_as =
	    hash64(json.s != NULL ? json.s : "", json.n, listing_signature(s, connection, poll));
	l->conditional =
	    !whole && l->read_as == l->reads_as && (l->etag.n > 0 || l->modified.n > 0);
}

void listing_ask(const struct listing *l, struct page_ask *ask)
{
	assert(l != NULL && ask != NULL);
	ask->next = l->next;
	ask->pages = l->pages;
	ask->offset = l->rows;
	if (l->conditional && l->pages == 0) {
		ask->etag = l->etag;
		ask->last_modified = l->modified;
	}
}

bool listing_row(struct sequencer *s, struct listing *l, struct text id)
{
	if (seen_add(&l->round, id))
		return true;
	seq_break(s);
	return false;
}

/* A weak moment of the clock's must not hide a change (RFC 9110, 8.8.2.2). */
static struct text listing_modified(const struct ending *end)
{
	int64_t ms;

	if (!timetext_parse_http(end->last_modified, &ms) || end->ended - ms < VALIDATOR_AGE)
		return TEXT_NONE;
	return end->last_modified;
}

static void listing_validators(struct sequencer *s, struct listing *l, const struct page *page,
			       const struct ending *end)
{
	bool valid = l->pages == 1 && page->validates;

	listing_keep(s, &l->etag, valid ? end->etag : TEXT_NONE);
	listing_keep(s, &l->modified, valid ? listing_modified(end) : TEXT_NONE);
	l->read_as = l->reads_as;
}

struct missing {
	const struct listing *l;
	struct text ids[LIMIT_VERIFY_IDS]; /* heap */
	size_t count, most;
	struct text last; /* heap: the last id looked at */
	bool failed;
};

static bool listing_visit(void *of, struct text id, uint64_t hash)
{
	struct missing *m = of;

	(void)hash;
	if (!listing_copy(&m->last, id)) {
		m->failed = true;
		return false;
	}
	if (seen_has(&m->l->round, id) || (m->l->sure && seen_has(&m->l->before, id)))
		return true;
	m->ids[m->count].s = text_heap(id);
	m->ids[m->count].n = id.n;
	m->failed = m->ids[m->count].s == NULL;
	m->count += !m->failed;
	return !m->failed && m->count < m->most;
}

static void listing_drop(struct missing *m)
{
	for (size_t i = 0; i < m->count; i++)
		mem_free((void *)(uintptr_t)m->ids[i].s);
	listing_forget(&m->last);
}

static bool listing_any_missing(struct sequencer *s, const struct listing *l, struct text shelf)
{
	struct missing m = { .l = l, .most = 1 };
	bool any;

	(void)store_each_object(s->store, shelf, TEXT(""), SIZE_MAX, listing_visit, &m);
	any = m.count > 0;
	if (m.failed)
		seq_break(s);
	listing_drop(&m);
	return any;
}

bool listing_gone(struct sequencer *s, struct listing *l, const struct connection *connection,
		  const struct poll_config *poll)
{
	const struct object_kind *kind = poll->resource->kind;
	struct text shelf = observe_shelf(s, connection->name, kind);
	struct missing m = { .l = l, .most = LIMIT_VERIFY_IDS };
	bool all;

	(void)store_each_object(s->store, shelf, l->after.n > 0 ? l->after : TEXT(""), SIZE_MAX,
				listing_visit, &m);
	for (size_t i = 0; i < m.count && !m.failed; i++) {
		if (l->silent)
			store_drop_object(s->store, shelf, m.ids[i]);
		else
			observe_gone(s, kind, connection->name, poll->source, m.ids[i]);
	}
	all = m.count < m.most;
	listing_keep(s, &l->after, m.last);
	if (m.failed)
		seq_break(s);
	listing_drop(&m);
	return all;
}

/* The end of the list. */
static enum listing_turn listing_ended(struct sequencer *s, struct listing *l, struct text shelf)
{
	if (l->pages > 1 && !l->sure && !l->silent && listing_any_missing(s, l, shelf)) {
		l->before = l->round;
		l->round = (struct seen){ 0 };
		listing_rewind(l);
		l->sure = true;
		return LISTING_MORE;
	}
	return LISTING_END;
}

static enum listing_turn listing_failed(const char **why, const char *words)
{
	*why = words;
	return LISTING_FAILED;
}

enum listing_turn listing_page(struct sequencer *s, struct listing *l, const struct page *page,
			       const struct ending *end, struct text shelf, const char **why)
{
	size_t nexts = l->nexts.count, known = l->known;

	assert(l != NULL && page != NULL && end != NULL);
	l->pages++;
	l->rows += page->items;
	l->known = l->round.count;
	l->conditional = false;
	listing_forget(&l->next);
	if (l->rows > LIMIT_LIST_ROWS)
		return listing_failed(why, "the list has too many rows");
	if (!page->more) {
		listing_validators(s, l, page, end);
		return listing_ended(s, l, shelf);
	}
	if (l->pages == LIMIT_LIST_PAGES)
		return listing_failed(why, "the list has too many pages");
	if (page->items > 0 && l->known == known)
		return listing_failed(why, "all rows of the page were on earlier ones");
	if (page->next.n > 0 && !seen_add(&l->nexts, page->next))
		seq_break(s);
	if (page->next.n > 0 && l->nexts.count == nexts)
		return listing_failed(why, "the next page's cursor or URL came before");
	listing_keep(s, &l->next, page->next);
	return LISTING_MORE;
}
