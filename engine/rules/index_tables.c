/* SPDX-License-Identifier: Apache-2.0
 *
 * index_tables - sorted postings become groups of buckets; see index.h.
 *
 * A bucket is a run of postings with the same key. Within it the entries are
 * sorted by what they are looked up by: rules by number, ranges and thresholds
 * by their lower end, prefixes by their bytes.
 * I1  Two keys of one hash get two buckets.
 * Ownership: tables live in the set's arena. */
#include "engine/rules/index.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"

struct tables {
	struct ruleset *set;
	struct rule_index *index;
	struct arena *arena;
	const struct shape *shapes;
	struct posting *postings;
	size_t count;
};

/* ---- Order. ---- */

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_entry(const struct posting *a, const struct posting *b)
{
	int order = (a->low > b->low) - (a->low < b->low);

	if (order == 0)
		order = text_cmp(a->prefix, b->prefix);
	return order != 0 ? order : by_number(a->rule, b->rule);
}

static int by_place(const void *one, const void *other)
{
	const struct posting *a = one, *b = other;
	int order = by_number(a->partition, b->partition);

	if (order == 0)
		order = by_number(a->shape, b->shape);
	if (order == 0)
		order = by_number(a->hash, b->hash);
	return order != 0 ? order : by_entry(a, b);
}

static bool same_key(const struct posting *a, const struct posting *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!value_equal(a->key[i], b->key[i]))
			return false;
	return true;
}

/* Moves the postings of the first one's key to the front, in their order; how many. */
static size_t gather(struct posting *run, size_t count, uint32_t equals)
{
	size_t same = 1;

	for (size_t i = 1; i < count; i++) {
		struct posting moved = run[i];

		if (!same_key(&run[0], &moved, equals))
			continue;
		if (i > same)
			memmove(run + same + 1, run + same, (i - same) * sizeof(*run));
		run[same++] = moved;
	}
	return same;
}

/* ---- Entries. ---- */

uint64_t index_head(struct text prefix, size_t from)
{
	uint64_t head = 0;

	for (size_t i = 0; i < 8 && from + i < prefix.n; i++)
		head |= (uint64_t)(unsigned char)prefix.s[from + i] << (56 - 8 * i);
	return head;
}

/* Sorted prefixes: what begins one stands before it, and begins all between the two. */
static void set_up(struct prefixed *p, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		uint32_t up = i;

		while (up != 0 && !text_starts(p[i].prefix, p[up - 1].prefix))
			up = p[up - 1].up;
		p[i].up = up;
	}
}

static double set_reach(struct bound *bounds, size_t low, size_t high)
{
	size_t middle = low + (high - low) / 2;
	double left, right;
	struct bound *b = &bounds[middle];

	if (low == high)
		return -1.0 / 0.0;
	left = set_reach(bounds, low, middle);
	right = set_reach(bounds, middle + 1, high);
	b->reach = left > right ? left : right;
	b->reach = b->high > b->reach ? b->high : b->reach;
	return b->reach;
}

static void put_prefix(struct group *g, uint32_t at, const struct posting *p)
{
	g->prefixes[at] = (struct prefixed){ p->prefix, p->rule, 0, p->blind, false };
	g->heads[at] = index_head(p->prefix, 0);
	g->tails[at] = index_head(p->prefix, 8);
}

static void put_entry(struct group *g, uint32_t at, const struct posting *p)
{
	if (g->second == ATOM_NONE)
		g->rules[at] = p->rule;
	else if (g->second == ATOM_PREFIX)
		put_prefix(g, at, p);
	else
		g->bounds[at] = (struct bound){
			.low = p->low, .high = p->high, .rule = p->rule, .blind = p->blind
		};
}

static void put_bucket(struct group *g, const struct posting *run, size_t count)
{
	uint32_t at = (uint32_t)(run->hash >> 4) & g->mask, first = g->entry_count;

	for (size_t i = 0; i < count; i++)
		put_entry(g, g->entry_count++, &run[i]);
	if (g->second == ATOM_RANGE)
		set_reach(g->bounds + first, 0, count);
	else if (g->second == ATOM_PREFIX)
		set_up(g->prefixes + first, (uint32_t)count);
	while (g->table[at].bucket != 0)
		at = (at + 1) & g->mask;
	g->buckets[g->bucket_count++] = (struct bucket_of){ run->key, first, (uint32_t)count };
	g->table[at] = (struct table_place){ (uint32_t)(run->hash >> 32), g->bucket_count };
}

/* ---- Groups. ---- */

static bool group_room(struct tables *t, struct group *g, const struct posting *run, size_t count)
{
	size_t keys = 0, room = 2;

	for (size_t i = 0; i < count; i++)
		keys += i == 0 || run[i].hash != run[i - 1].hash ||
			!same_key(&run[i - 1], &run[i], g->equal_count);
	while (room < keys * 2)
		room *= 2;
	g->mask = (uint32_t)(room - 1);
	g->table = arena_zero(t->arena, room * sizeof(*g->table));
	g->buckets = arena_array(t->arena, keys, sizeof(*g->buckets));
	if (g->second == ATOM_NONE)
		g->rules = arena_array(t->arena, count, sizeof(*g->rules));
	else if (g->second == ATOM_PREFIX) {
		g->prefixes = arena_array(t->arena, count, sizeof(*g->prefixes));
		g->heads = arena_array(t->arena, count, sizeof(*g->heads));
		g->tails = arena_array(t->arena, count, sizeof(*g->tails));
	} else
		g->bounds = arena_array(t->arena, count, sizeof(*g->bounds));
	return !arena_failed(t->arena);
}

/* ---- Rules that an event may leave blind. ---- */

struct blinding {
	uint32_t rule;
	uint8_t lacks; /* of enum lack */
	uint32_t at;   /* where it stands in its bucket */
};

static int by_rule(const void *one, const void *other)
{
	const struct blinding *a = one, *b = other;
	int order = by_number(a->rule, b->rule);

	return order != 0 ? order : by_number(a->at, b->at);
}

/* Lists the rules that have `wide`, those that have `narrow` too first; each rule once. */
static uint32_t *list_blind(struct tables *t, const struct blinding *items, size_t count,
			    uint8_t narrow, uint8_t wide, uint32_t *narrow_count,
			    uint32_t *wide_count)
{
	uint32_t *rules, n = 0;

	for (size_t i = 0; i < count; i++)
		n += (items[i].lacks & (narrow | wide)) != 0;
	rules = arena_array(t->arena, n, sizeof(*rules));
	n = 0;
	for (size_t i = 0; i < count && rules != NULL; i++)
		if ((items[i].lacks & narrow) != 0)
			rules[n++] = items[i].rule;
	*narrow_count = n;
	for (size_t i = 0; i < count && rules != NULL; i++)
		if ((items[i].lacks & narrow) == 0 && (items[i].lacks & wide) != 0)
			rules[n++] = items[i].rule;
	*wide_count = n;
	return rules;
}

static bool keep_risky(struct tables *t, struct group *g, const struct posting *run, size_t count)
{
	struct blinding *items = mem_zero(count, sizeof(*items));
	size_t n = 0;

	if (items == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		items[i] = (struct blinding){ run[i].rule, run[i].key_blind, 0 };
		g->truths |= run[i].truths;
	}
	qsort(items, count, sizeof(*items), by_rule);
	for (size_t i = 1; i < count; i++) {
		if (items[i].rule == items[n].rule)
			items[n].lacks |= items[i].lacks;
		else
			items[++n] = items[i];
	}
	g->risky =
	    list_blind(t, items, n + 1, LACK_ABSENT, LACK_ERROR, &g->absent_count, &g->risky_count);
	g->unsure =
	    list_blind(t, items, n + 1, LACK_NULL, LACK_KIND, &g->null_count, &g->unsure_count);
	mem_free(items);
	return g->risky != NULL && g->unsure != NULL;
}

/* Notes which entries of a bucket are of a rule that stood there before. Small ones are
 * decided whole, so it doesn't matter there. */
static bool mark_again(struct group *g, const struct bucket_of *bucket)
{
	struct blinding *items;

	if (g->second == ATOM_NONE || bucket->count <= LIMIT_BLIND_SAMPLE)
		return true;
	items = mem_zero(bucket->count, sizeof(*items));
	if (items == NULL)
		return false;
	for (uint32_t i = 0; i < bucket->count; i++) {
		uint32_t at = bucket->first + i;

		items[i].at = at;
		items[i].rule =
		    g->second == ATOM_PREFIX ? g->prefixes[at].rule : g->bounds[at].rule;
	}
	qsort(items, bucket->count, sizeof(*items), by_rule);
	for (uint32_t i = 1; i < bucket->count; i++) {
		bool again = items[i].rule == items[i - 1].rule;

		if (g->second == ATOM_PREFIX)
			g->prefixes[items[i].at].again = again;
		else
			g->bounds[items[i].at].again = again;
	}
	mem_free(items);
	return true;
}

static void note_routes(struct tables *t, const struct group *g, const struct posting *run,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct route *route = &t->index->routes[run[i].rule];

		if (route->postings++ == 0)
			route->group = g;
		route->groups += route->last != g;
		route->last = g;
	}
}

static bool build_group(struct tables *t, struct group *g, struct posting *run, size_t count)
{
	const struct shape *shape = &t->shapes[run->shape];
	size_t done = 0;

	g->equal_count = shape->equal_count;
	memcpy(g->equals, shape->equals, sizeof(g->equals));
	g->second = (enum atom_kind)shape->second;
	g->second_slot = shape->second_slot;
	g->line = (enum index_line)shape->line;
	if (!group_room(t, g, run, count) || !keep_risky(t, g, run, count))
		return false;
	while (done < count) {
		size_t end = done, same;

		while (end < count && run[end].hash == run[done].hash)
			end++;
		same = gather(run + done, end - done, g->equal_count);
		put_bucket(g, run + done, same);
		if (!mark_again(g, &g->buckets[g->bucket_count - 1]))
			return false;
		done += same;
	}
	note_routes(t, g, run, count);
	return true;
}

static bool build_partition(struct tables *t, struct posting *run, size_t count)
{
	struct partition *p = &t->index->partitions[run->partition];
	size_t groups = 1, done = 0;

	for (size_t i = 1; i < count; i++)
		groups += run[i].shape != run[i - 1].shape;
	p->groups = arena_zero(t->arena, groups * sizeof(*p->groups));
	if (p->groups == NULL)
		return false;
	while (done < count) {
		size_t end = done;

		while (end < count && run[end].shape == run[done].shape)
			end++;
		if (!build_group(t, &p->groups[p->group_count++], run + done, end - done))
			return false;
		done = end;
	}
	return true;
}

/* ---- Rules without postings, and globs. ---- */

static bool is_always(const struct tables *t, uint32_t rule)
{
	return t->index->routes[rule].postings == 0 && t->set->rules[rule]->mode != MODE_OFF;
}

static struct partition *partition_at(const struct tables *t, struct text type)
{
	uintptr_t found = (uintptr_t)map_get(t->index->by_type, type);

	assert(found != 0);
	return &t->index->partitions[found - 1];
}

/* Visits the partitions of rules that are always asked: once to count, once to list. */
static void list_always(const struct tables *t, bool count_only)
{
	for (uint32_t r = 0; r < t->set->count; r++) {
		const struct rule *rule = t->set->rules[r];

		for (size_t i = 0; i < rule->on_count && is_always(t, r); i++) {
			struct partition *p = partition_at(t, rule->on[i]);
			bool listed = !count_only && p->always_count > 0 &&
				      p->always[p->always_count - 1] == r;

			if (!count_only && !listed)
				p->always[p->always_count] = r;
			p->always_count += !listed;
		}
	}
}

static bool build_always(struct tables *t)
{
	list_always(t, true);
	for (uint32_t i = 0; i < t->index->partition_count; i++) {
		struct partition *p = &t->index->partitions[i];

		p->always = arena_array(t->arena, p->always_count, sizeof(*p->always));
		if (p->always == NULL)
			return false;
		p->always_count = 0;
	}
	list_always(t, false);
	return true;
}

static bool build_globs(struct tables *t)
{
	struct rule_index *index = t->index;

	index->globs = arena_array(t->arena, index->partition_count, sizeof(*index->globs));
	if (index->globs == NULL)
		return false;
	for (uint32_t i = 0; i < index->partition_count; i++)
		if (memchr(index->partitions[i].type.s, '*', index->partitions[i].type.n) != NULL)
			index->globs[index->glob_count++] = i;
	return true;
}

bool index_tables(struct ruleset *set, const struct shape *shapes, struct posting *postings,
		  size_t count)
{
	struct tables t = { set, set->index, set->arena, shapes, postings, count };
	size_t done = 0;

	assert(set->index != NULL && (count == 0 || (postings != NULL && shapes != NULL)));
	if (count > 0)
		qsort(postings, count, sizeof(*postings), by_place);
	while (done < count) {
		size_t end = done;

		while (end < count && postings[end].partition == postings[done].partition)
			end++;
		if (!build_partition(&t, postings + done, end - done))
			return false;
		done = end;
	}
	return build_always(&t) && build_globs(&t);
}
