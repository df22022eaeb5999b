/* SPDX-License-Identifier: Apache-2.0
 *
 * undelivered.c - webhooks that the sender could not deliver: which of them to ask for again.
 *
 * A poll lists the deliveries that failed. Each that was not asked for before is
 * asked for once, oldest first, and arrives as the webhook it was. A delivery
 * that is sent again and fails again is a new one, so that one event may be
 * asked for several times; after LIMIT_UNDELIVERED_TRIES of them it is given up.
 *
 * Deliveries dealt with are remembered as snapshots without content, for as long
 * as the product lists them.
 *
 * I1  A delivery is remembered in the commit after the product has agreed to send
 *     it again: after a crash between the two it is asked for twice, and the
 *     second copy is recognised as a repeat.
 * I2  What can't be had is told once, by tappet.source.gap. */
#include "engine/sequencer/internal.h"

struct delivery_row {
	char *id; /* heap */
	size_t id_size;
	int64_t time;
	uint64_t event; /* hash of its event's id; 0: it has none */
	bool fresh;     /* not dealt with before */
};

struct undelivered {
	struct map *listed; /* id -> the missed itself: only whether it is there matters */
	struct delivery_row *rows;
	size_t count, room;
	size_t at; /* rows before it were handed out */
};

/* ---- Life. ---- */

struct undelivered *undelivered_new(void)
{
	struct undelivered *m = mem_zero(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->listed = map_new();
	if (m->listed != NULL)
		return m;
	mem_free(m);
	return NULL;
}

void undelivered_clear(struct undelivered *m)
{
	assert(m != NULL);
	for (size_t i = 0; i < m->count; i++) {
		const struct delivery_row *row = &m->rows[i];

		(void)map_drop(m->listed, (struct text){ row->id, row->id_size });
		mem_free(row->id);
	}
	mem_free(m->rows);
	m->rows = NULL;
	m->count = m->room = m->at = 0;
}

void undelivered_free(struct undelivered *m)
{
	if (m == NULL)
		return;
	undelivered_clear(m);
	map_free(m->listed);
	mem_free(m);
}

size_t undelivered_listed(const struct undelivered *m)
{
	assert(m != NULL);
	return m->count;
}

/* ---- Rows. ---- */

static struct delivery_row *undelivered_add(struct undelivered *m, struct text id)
{
	struct delivery_row *row;

	if (m->count == m->room) {
		size_t room = m->room == 0 ? 64 : m->room * 2;
		struct delivery_row *rows = mem_grow(m->rows, room, sizeof(*rows));

		if (rows == NULL)
			return NULL;
		m->rows = rows;
		m->room = room;
	}
	row = &m->rows[m->count];
	*row = (struct delivery_row){ .id = text_heap(id), .id_size = id.n };
	if (row->id == NULL || !map_put(m->listed, id, m)) {
		mem_free(row->id);
		return NULL;
	}
	m->count++;
	return row;
}

static struct text undelivered_member(struct value row, const char *name)
{
	const struct value *v = value_get(row, text_of(name));

	return v != NULL && v->kind == VALUE_TEXT ? value_as_text(*v) : TEXT_NONE;
}

static void undelivered_remember(struct sequencer *s, struct text shelf, struct text id)
{
	store_put_object(s->store, shelf, id, 1, TEXT("{}"));
}

bool undelivered_row(struct sequencer *s, struct undelivered *m, const struct poll_config *poll,
		     struct text shelf, struct text id, struct text json, bool stock,
		     const char **why)
{
	const struct catch_up *how = poll->resource->catch_up;
	struct json_error error;
	struct delivery_row *row;
	struct value v;
	uint64_t hash;

	if (map_get(m->listed, id) != NULL)
		return true;
	if (json_parse(s->parser, s->work, json, &v, &error) != FATE_OK) {
		*why = "a row is no delivery";
		return false;
	}
	if (m->count == LIMIT_UNDELIVERED) {
		*why = "more failed deliveries are listed than can be looked through";
		return false;
	}
	row = undelivered_add(m, id);
	if (row == NULL) {
		seq_break(s);
		return false;
	}
	const struct text event = undelivered_member(v, how->event);

	row->event = event.n > 0 ? hash64(event.s, event.n, 0x6d697373) | 1 : 0;
	if (!timetext_parse_ms(undelivered_member(v, how->time), &row->time))
		row->time = INT64_MIN;
	row->fresh = !stock && !store_get_object_hash(s->store, shelf, id, &hash);
	if (stock)
		undelivered_remember(s, shelf, id);
	return true;
}

/* ---- In order, and not for ever. ---- */

static struct text row_id(const struct delivery_row *row)
{
	return (struct text){ row->id, row->id_size };
}

static int by_event(const void *a, const void *b)
{
	const struct delivery_row *x = a, *y = b;

	return (x->event > y->event) - (x->event < y->event);
}

/* The fresh ones first, oldest first. Ids as HINDSITE makes them grow with time, too. */
static int by_time(const void *a, const void *b)
{
	const struct delivery_row *x = a, *y = b;

	if (x->fresh != y->fresh)
		return x->fresh ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return text_cmp(row_id(x), row_id(y));
}

static void undelivered_gap(struct sequencer *s, const struct poll_config *poll, const char *reason,
			    struct value_list_builder *ids, unsigned count)
{
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "source", value_text(poll->source));
	value_map_set(&b, "reason", value_text(text_of(reason)));
	value_map_set(&b, "count", value_int(count));
	value_map_set(&b, "ids", value_list_end(ids));
	emit_own(s, "tappet.source.gap", poll->source, value_map_end(&b), NULL, 0);
	log_write(LOG_WARN, "webhooks are lost", LOG_S("source", text_dup(s->work, poll->source).s),
		  LOG_S("why", reason), LOG_I("count", count));
}

static void undelivered_name(struct sequencer *s, struct value_list_builder *ids, unsigned n,
			     struct text id)
{
	if (n <= LIMIT_UNDELIVERED_TOLD)
		value_list_add(ids, value_text(text_dup(s->work, id)));
}

/* Fresh rows of an event that failed too often. Rows are in the order of their events. */
static void undelivered_give_up(struct sequencer *s, struct undelivered *m,
				const struct poll_config *poll, struct text shelf)
{
	struct value_list_builder ids;
	unsigned count = 0;
	size_t first = 0;

	value_list_begin(&ids, s->work);
	for (size_t i = 0; i < m->count; i++) {
		if (m->rows[i].event != m->rows[first].event)
			first = i;
		if (m->rows[i].event == 0 || i - first + 1 < LIMIT_UNDELIVERED_TRIES)
			continue;
		for (size_t k = first; k <= i; k++) {
			if (!m->rows[k].fresh)
				continue;
			m->rows[k].fresh = false;
			undelivered_remember(s, shelf, row_id(&m->rows[k]));
			undelivered_name(s, &ids, ++count, row_id(&m->rows[k]));
		}
	}
	if (count > 0)
		undelivered_gap(s, poll, "sent again and again in vain", &ids, count);
}

void undelivered_sort(struct sequencer *s, struct undelivered *m, const struct poll_config *poll,
		      struct text shelf)
{
	if (m->count == 0)
		return;
	qsort(m->rows, m->count, sizeof(*m->rows), by_event);
	undelivered_give_up(s, m, poll, shelf);
	qsort(m->rows, m->count, sizeof(*m->rows), by_time);
	m->at = 0;
}

unsigned undelivered_next(struct sequencer *s, struct undelivered *m, struct text *ids,
			  unsigned room)
{
	unsigned n = 0;

	for (; m->at < m->count && m->rows[m->at].fresh && n < room; m->at++) {
		const struct delivery_row *row = &m->rows[m->at];
		char *copy = text_heap(row_id(row));

		if (copy == NULL) {
			seq_break(s);
			break;
		}
		ids[n++] = (struct text){ copy, row->id_size };
	}
	return n;
}

/* ---- Remembering. ---- */

void undelivered_asked(struct sequencer *s, const struct poll_config *poll, struct text shelf,
		       const struct text *ids, const bool *dropped, unsigned count)
{
	struct value_list_builder lost;
	unsigned lost_count = 0;

	value_list_begin(&lost, s->work);
	for (unsigned i = 0; i < count; i++) {
		undelivered_remember(s, shelf, ids[i]);
		if (dropped[i])
			undelivered_name(s, &lost, ++lost_count, ids[i]);
	}
	if (lost_count > 0)
		undelivered_gap(s, poll, "refused to send them again", &lost, lost_count);
	log_write(LOG_INFO, "missed webhooks were asked for",
		  LOG_S("source", text_dup(s->work, poll->source).s),
		  LOG_I("count", count - lost_count));
}

struct forgetting {
	struct sequencer *s;
	const struct undelivered *m;
	struct vector gone; /* struct text, in the batch arena */
};

static bool forget_visit(void *of, struct text id, uint64_t hash)
{
	struct forgetting *f = of;
	struct text *gone;

	(void)hash;
	if (map_get(f->m->listed, id) != NULL)
		return true;
	gone = vector_add(f->s, &f->gone, sizeof(*gone));
	if (gone == NULL)
		return false;
	*gone = text_dup(f->s->batch, id);
	return true;
}

void undelivered_forget(struct sequencer *s, const struct undelivered *m, struct text shelf)
{
	struct forgetting f = { .s = s, .m = m };
	const struct text *gone;

	(void)store_each_object(s->store, shelf, TEXT(""), SIZE_MAX, forget_visit, &f);
	gone = f.gone.items;
	for (size_t i = 0; i < f.gone.n; i++)
		store_drop_object(s->store, shelf, gone[i]);
}
