/* SPDX-License-Identifier: Apache-2.0
 *
 * matcher - one event against a set of rules, by way of the index.
 *
 * Slots are filled when a group first asks for one. Each group names the rules
 * whose key fits; they are put in the order loaded, what their atoms don't prove
 * is evaluated, and only then are rules visited, so that a visit may match
 * another event.
 * I1  The rules visited are those for which rule_decide says YES, and, but for
 *     the sample of large groups that miss a field, those for which it says BLIND.
 * Ownership: a matcher belongs to one thread and holds its set. */
#include "engine/rules/index.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/cel/shape.h"
#include "engine/cel/share.h"
#include "engine/rules/evaluate.h"

#define FEW 24 /* sorted by insertion up to here: faster than bits */

struct filled {
	uint32_t moment;
	uint8_t lack; /* of enum lack: ABSENT, ERROR, or 0 */
	struct value value;
};

/* A rule to look at; weight 0: named by its key, otherwise to be decided in full. */
struct hit {
	uint32_t rule, weight;
};

struct hits {
	struct hit *items;
	size_t count, room;
};

struct matcher {
	struct ruleset *set;
	const struct rule_index *index;
	struct cel_memo *memo;
	struct filled *slots;
	uint32_t moment;
	int64_t steps;  /* that the slots of this event took */
	uint64_t *seen; /* events per partition */
	uint64_t turn;  /* of the partition under way */
	uint64_t asked;
	struct hits named, sampled, all;
	uint64_t *bits; /* one per rule, all 0 between events */
	const struct entities *entities;
	struct scope scope;
	struct decision plain; /* of every rule with the default key */
	bool failed;
};

/* ---- Life. ---- */

struct matcher *matcher_new(struct ruleset *set)
{
	struct matcher *m = mem_zero(1, sizeof(*m));

	assert(set != NULL && set->index != NULL);
	if (m == NULL)
		return NULL;
	m->set = ruleset_ref(set);
	m->index = set->index;
	m->memo = cel_memo_new(m->index->cells);
	m->slots = mem_zero(m->index->slot_count + 1, sizeof(*m->slots));
	m->seen = mem_zero(m->index->partition_count + 1, sizeof(*m->seen));
	m->bits = mem_zero(set->count / 64 + 1, sizeof(*m->bits));
	if (m->memo == NULL || m->slots == NULL || m->seen == NULL || m->bits == NULL) {
		matcher_free(m);
		return NULL;
	}
	return m;
}

void matcher_free(struct matcher *matcher)
{
	if (matcher == NULL)
		return;
	cel_memo_free(matcher->memo);
	mem_free(matcher->slots);
	mem_free(matcher->seen);
	mem_free(matcher->bits);
	mem_free(matcher->named.items);
	mem_free(matcher->sampled.items);
	mem_free(matcher->all.items);
	ruleset_free(matcher->set);
	mem_free(matcher);
}

void matcher_entities(struct matcher *matcher, const struct entities *entities)
{
	assert(matcher != NULL);
	matcher->entities = entities;
}

/* ---- Hits. ---- */

static void add(struct matcher *m, struct hits *hits, uint32_t rule, uint32_t weight)
{
	if (hits->count == hits->room) {
		size_t room = hits->room == 0 ? 64 : hits->room * 2;
		struct hit *more = mem_grow(hits->items, room, sizeof(*more));

		if (more == NULL) {
			m->failed = true;
			return;
		}
		hits->items = more;
		hits->room = room;
	}
	hits->items[hits->count++] = (struct hit){ rule, weight };
}

static void name(struct matcher *m, uint32_t rule)
{
	add(m, &m->named, rule, 0);
}

/* ---- Slots. ---- */

static struct value at_path(struct value v, struct text path)
{
	const struct value *found = path.n > 0 ? value_path(v, path) : &v;

	return found != NULL ? *found : value_null();
}

static struct value fill(struct matcher *m, const struct slot *slot)
{
	const struct event_view *event = m->scope.event;
	struct cel_vars vars;

	switch (slot->kind) {
	case SLOT_PATH:
		return at_path(event->data, slot->path);
	case SLOT_CHANGED:
		return value_bool(event_changed(event, slot->path));
	case SLOT_FROM:
		return value_text(event_from(event));
	case SLOT_PART:
		break;
	}
	assert(slot->program != NULL);
	vars = scope_vars(&m->scope);
	return cel_eval_shared(slot->program, slot->at, m->scope.arena, &vars, m->memo, &m->steps);
}

/* Why it couldn't be evaluated: what should hold the field is a map, or it is not. */
static enum lack lack_of(struct matcher *m, const struct slot *slot)
{
	struct cel_vars vars = scope_vars(&m->scope);
	struct value of;

	assert(slot->kind == SLOT_PART);
	if (cel_part(slot->program, slot->at).code != CEL_CODE_SELECT)
		return LACK_ERROR;
	of = cel_eval_shared(slot->program, cel_operand(slot->program, slot->at, 0), m->scope.arena,
			     &vars, m->memo, &m->steps);
	return of.kind == VALUE_MAP ? LACK_ABSENT : LACK_ERROR;
}

static const struct filled *slot_at(struct matcher *m, uint32_t number)
{
	struct filled *f = &m->slots[number];

	assert(number < m->index->slot_count);
	if (f->moment == m->moment)
		return f;
	f->moment = m->moment;
	f->value = fill(m, &m->index->slots[number]);
	f->lack = 0;
	if (f->value.kind == VALUE_ERROR)
		f->lack = (uint8_t)lack_of(m, &m->index->slots[number]);
	return f;
}

/* ---- Samples: rules that an event leaves blind. ---- */

static uint32_t sample_size(uint32_t count)
{
	return count < LIMIT_BLIND_SAMPLE ? count : LIMIT_BLIND_SAMPLE;
}

/* Which ones turns with each event of the type, so that all get their turn; so does what is
 * left when the weights are made whole numbers, of which the sum is `count`. */
static uint32_t sample_at(const struct matcher *m, uint32_t count, uint32_t i, uint32_t *weight)
{
	uint64_t take = sample_size(count);
	uint64_t turn = (i + m->turn) % take;

	*weight = (uint32_t)(count * (turn + 1) / take - count * turn / take);
	return (uint32_t)((m->turn * take + i) % count);
}

static void sample(struct matcher *m, const uint32_t *rules, uint32_t count)
{
	for (uint32_t i = 0; i < sample_size(count); i++) {
		uint32_t weight, at = sample_at(m, count, i, &weight);

		add(m, &m->sampled, rules[at], weight);
	}
}

static void sample_bucket(struct matcher *m, const struct group *g, const struct bucket_of *bucket,
			  enum lack lack)
{
	for (uint32_t i = 0; i < sample_size(bucket->count); i++) {
		uint32_t weight, at = bucket->first + sample_at(m, bucket->count, i, &weight);

		if (g->second == ATOM_PREFIX) {
			const struct prefixed *p = &g->prefixes[at];

			if ((p->blind & lack) != 0 && !p->again)
				add(m, &m->sampled, p->rule, weight);
		} else {
			const struct bound *b = &g->bounds[at];

			if ((b->blind & lack) != 0 && !b->again)
				add(m, &m->sampled, b->rule, weight);
		}
	}
}

/* ---- Lookups within a bucket. ---- */

/* A whole number that is no double stands between two of them: whatever either side fits is
 * decided in full. */
static void find_beyond(struct matcher *m, const struct bound *bounds, size_t count, double x)
{
	for (size_t i = 0; i < count; i++)
		if (bounds[i].low <= nextafter(x, INFINITY) &&
		    bounds[i].high >= nextafter(x, -INFINITY))
			add(m, &m->sampled, bounds[i].rule, 1);
}

static void find_ranges(struct matcher *m, const struct bound *bounds, size_t count, double x)
{
	size_t middle = count / 2;

	if (count == 0 || bounds[middle].reach < x)
		return;
	find_ranges(m, bounds, middle, x);
	if (bounds[middle].low > x)
		return;
	if (bounds[middle].high >= x)
		name(m, bounds[middle].rule);
	find_ranges(m, bounds + middle + 1, count - middle - 1, x);
}

static size_t first_from(const struct bound *bounds, size_t count, double x)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bounds[middle].low < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void find_thresholds(struct matcher *m, const struct bound *bounds, size_t count, double low,
			    double high)
{
	for (size_t i = first_from(bounds, count, low); i < count && bounds[i].low <= high; i++)
		name(m, bounds[i].rule);
}

/* The first of the sorted heads that isn't below `head`. Without branches: what comes next is
 * half of the list either way. */
static size_t first_head(const uint64_t *heads, size_t count, uint64_t head)
{
	const uint64_t *base = heads;

	if (count == 0)
		return 0;
	for (size_t half; count > 1; count -= half) {
		half = count / 2;
		base += base[half - 1] < head ? half : 0;
	}
	return (size_t)(base - heads) + (*base < head);
}

/* How many of the sorted prefixes are the text or stand before it. */
static size_t count_to(const struct group *g, const struct bucket_of *bucket, struct text text)
{
	const uint64_t *heads = g->heads + bucket->first, *tails = g->tails + bucket->first;
	const struct prefixed *p = g->prefixes + bucket->first;
	uint64_t head = index_head(text, 0), tail = index_head(text, 8);
	size_t low = first_head(heads, bucket->count, head), high;

	/* UTF-8 has no byte 0xff, so adding one doesn't overflow. */
	high = low + first_head(heads + low, bucket->count - low, head + 1);
	low += first_head(tails + low, high - low, tail);
	high = low + first_head(tails + low, high - low, tail + 1);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_cmp(p[middle].prefix, text) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whatever begins the text begins the last prefix before it, or is it. */
static void find_prefixes(struct matcher *m, const struct group *g, const struct bucket_of *bucket,
			  struct text text)
{
	const struct prefixed *p = g->prefixes + bucket->first;
	size_t at = count_to(g, bucket, text);

	while (at != 0 && !text_starts(text, p[at - 1].prefix))
		at = p[at - 1].up;
	for (; at != 0; at = p[at - 1].up)
		name(m, p[at - 1].rule);
}

static bool is_number(struct value v)
{
	return v.kind == VALUE_INT || v.kind == VALUE_UINT || v.kind == VALUE_DOUBLE;
}

/* rose_past and fell_below as change_functions.c has them. */
static void find_passed(struct matcher *m, const struct group *g, const struct bucket_of *bucket)
{
	const struct event_view *event = m->scope.event;
	struct text path = m->index->slots[g->second_slot].path;
	struct value before = at_path(event->before, path), after = at_path(event->data, path);
	double from = -INFINITY, to = 0;

	if (after.kind == VALUE_NULL)
		return;
	if (!is_number(after) || !index_number(after, &to) ||
	    (before.kind != VALUE_NULL && !(is_number(before) && index_number(before, &from)))) {
		sample_bucket(m, g, bucket, LACK_KIND);
		return;
	}
	if (g->second == ATOM_RISE)
		find_thresholds(m, g->bounds + bucket->first, bucket->count, from, to);
	else if (before.kind != VALUE_NULL)
		find_thresholds(m, g->bounds + bucket->first, bucket->count, to, from);
}

static void find_numbers(struct matcher *m, const struct group *g, const struct bucket_of *bucket,
			 double x)
{
	const struct bound *bounds = g->bounds + bucket->first;

	if (fabs(x) < INDEX_EXACT)
		find_ranges(m, bounds, bucket->count, x);
	else
		find_beyond(m, bounds, bucket->count, x);
}

static enum lack lack_in(const struct filled *f)
{
	if (f->lack != 0)
		return (enum lack)f->lack;
	return f->value.kind == VALUE_NULL ? LACK_NULL : LACK_KIND;
}

static void find_in_bucket(struct matcher *m, const struct group *g, const struct bucket_of *bucket)
{
	const struct filled *f;
	double x;

	if (g->second == ATOM_NONE) {
		for (uint32_t i = 0; i < bucket->count; i++)
			name(m, g->rules[bucket->first + i]);
		return;
	}
	if (g->second == ATOM_RISE || g->second == ATOM_FALL) {
		find_passed(m, g, bucket);
		return;
	}
	f = slot_at(m, g->second_slot);
	if (g->second == ATOM_PREFIX && f->value.kind == VALUE_TEXT)
		find_prefixes(m, g, bucket, value_as_text(f->value));
	else if (g->second == ATOM_RANGE && index_line(f->value) == g->line &&
		 index_number(f->value, &x))
		find_numbers(m, g, bucket, x);
	else
		sample_bucket(m, g, bucket, lack_in(f));
}

/* ---- Groups. ---- */

static bool key_fits(struct matcher *m, const struct group *g, const struct bucket_of *bucket)
{
	for (uint32_t i = 0; i < g->equal_count; i++)
		if (!value_equal(bucket->key[i], m->slots[g->equals[i]].value))
			return false;
	return true;
}

/* Samples the rules that a slot of the key leaves blind. */
static void find_blind(struct matcher *m, const struct group *g, const struct filled *f)
{
	if (f->lack == LACK_ABSENT)
		sample(m, g->risky, g->absent_count);
	else if (f->lack != 0)
		sample(m, g->risky, g->risky_count);
	else if (f->value.kind == VALUE_NULL)
		sample(m, g->unsure, g->null_count);
	else if (f->value.kind != VALUE_BOOL)
		sample(m, g->unsure, g->unsure_count);
}

/* The hash of the event's key; 0 when no rule of the group can fire. */
static uint64_t key_hash(struct matcher *m, const struct group *g)
{
	uint64_t hash = g->equal_count == 0;

	for (uint32_t i = 0; i < g->equal_count; i++) {
		const struct filled *f = slot_at(m, g->equals[i]);

		if (f->lack != 0 || (g->truths >> i & 1) != 0)
			find_blind(m, g, f);
		if (f->lack != 0 || !index_is_scalar(f->value))
			return 0; /* equal to no constant */
		hash = index_hash(hash, f->value);
	}
	return hash;
}

static void find_in_group(struct matcher *m, const struct group *g, uint64_t hash)
{
	for (uint32_t at = (uint32_t)(hash >> 4) & g->mask; g->table[at].bucket != 0;
	     at = (at + 1) & g->mask) {
		const struct bucket_of *bucket = &g->buckets[g->table[at].bucket - 1];

		if (g->table[at].tag == (uint32_t)(hash >> 32) && key_fits(m, g, bucket)) {
			find_in_bucket(m, g, bucket);
			return;
		}
	}
}

#define ROUND 16 /* groups whose tables are fetched from memory side by side */

static void find_in_groups(struct matcher *m, const struct group *groups, uint32_t count)
{
	uint64_t hashes[ROUND];

	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = key_hash(m, &groups[i]);
		__builtin_prefetch(&groups[i].table[(uint32_t)(hashes[i] >> 4) & groups[i].mask]);
	}
	for (uint32_t i = 0; i < count; i++)
		if (hashes[i] != 0)
			find_in_group(m, &groups[i], hashes[i]);
}

static void find_in_partition(struct matcher *m, uint32_t number)
{
	const struct partition *p = &m->index->partitions[number];

	m->turn = ++m->seen[number];
	for (uint32_t i = 0; i < p->group_count; i += ROUND)
		find_in_groups(m, &p->groups[i],
			       p->group_count - i < ROUND ? p->group_count - i : ROUND);
	for (uint32_t i = 0; i < p->always_count; i++)
		name(m, p->always[i]);
}

static void find_all(struct matcher *m)
{
	struct text type = m->scope.event->type;
	uintptr_t exact = (uintptr_t)map_get(m->index->by_type, type);

	/* A type with a star in it is nobody's glob. */
	if (exact != 0 && memchr(type.s, '*', type.n) == NULL)
		find_in_partition(m, (uint32_t)exact - 1);
	for (uint32_t i = 0; i < m->index->glob_count; i++)
		if (event_glob(m->index->partitions[m->index->globs[i]].type, type))
			find_in_partition(m, m->index->globs[i]);
}

/* ---- Order. ---- */

static void sort_few(struct hits *hits)
{
	for (size_t i = 1; i < hits->count; i++) {
		struct hit moved = hits->items[i];
		size_t k = i;

		for (; k > 0 && hits->items[k - 1].rule > moved.rule; k--)
			hits->items[k] = hits->items[k - 1];
		hits->items[k] = moved;
	}
}

/* By setting a bit for each rule and reading the bits in order. */
static void sort_many(struct matcher *m, struct hits *hits)
{
	uint32_t low = UINT32_MAX, high = 0;

	for (size_t i = 0; i < hits->count; i++) {
		uint32_t word = hits->items[i].rule / 64;

		m->bits[word] |= UINT64_C(1) << hits->items[i].rule % 64;
		low = word < low ? word : low;
		high = word > high ? word : high;
	}
	hits->count = 0;
	for (uint32_t word = low; word <= high; word++) {
		for (uint64_t bits = m->bits[word]; bits != 0; bits &= bits - 1)
			hits->items[hits->count++] =
			    (struct hit){ word * 64 + (uint32_t)__builtin_ctzll(bits), 0 };
		m->bits[word] = 0;
	}
}

static int by_rule(const void *one, const void *other)
{
	const struct hit *a = one, *b = other;

	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void merge_one(struct matcher *m, struct hit hit)
{
	struct hits *all = &m->all;

	if (all->count > 0 && all->items[all->count - 1].rule == hit.rule) {
		struct hit *last = &all->items[all->count - 1];

		/* To be decided in full is the more careful of the two. */
		last->weight = last->weight > hit.weight ? last->weight : hit.weight;
		return;
	}
	add(m, all, hit.rule, hit.weight);
}

/* Both lists in the order loaded, each rule once. */
static void merge(struct matcher *m)
{
	size_t a = 0, b = 0;

	if (m->named.count <= FEW)
		sort_few(&m->named);
	else
		sort_many(m, &m->named);
	if (m->sampled.count > 1)
		qsort(m->sampled.items, m->sampled.count, sizeof(*m->sampled.items), by_rule);
	m->all.count = 0;
	while (a < m->named.count || b < m->sampled.count) {
		bool first =
		    b == m->sampled.count ||
		    (a < m->named.count && m->named.items[a].rule <= m->sampled.items[b].rule);

		merge_one(m, first ? m->named.items[a++] : m->sampled.items[b++]);
	}
}

/* ---- Verifying. ---- */

struct found {
	const struct rule *rule;
	struct decision decision;
};

/* A rule that the index named: what its key doesn't prove must be true. NO, YES or, when
 * something can't be evaluated, BLIND. */
static enum verdict verify(struct matcher *m, const struct verification *v)
{
	struct cel_vars vars = scope_vars(&m->scope);
	enum verdict verdict = VERDICT_YES;
	int64_t steps = m->steps;

	for (uint32_t i = 0; i < v->count; i++) {
		const struct conjunct *c = &m->index->conjuncts[v->first + i];
		struct value value =
		    cel_eval_shared(c->program, c->at, m->scope.arena, &vars, m->memo, &steps);

		if (value.kind != VALUE_BOOL)
			verdict = VERDICT_BLIND;
		else if (!value.b)
			return VERDICT_NO;
	}
	/* Here each part has a budget of its own. */
	return steps > LIMIT_EVAL_STEPS / 2 ? VERDICT_BLIND : verdict;
}

/* False when the rule doesn't fire. */
static bool decide(struct matcher *m, struct hit hit, struct found *out)
{
	const struct verification *v = &m->index->rules[hit.rule];
	enum verdict verdict = VERDICT_BLIND;

	m->scope.rule = m->set->rules[hit.rule];
	m->scope.cache = NULL;
	if (hit.weight == 0 && v->from && !text_eq(m->scope.rule->from, event_from(m->scope.event)))
		return false;
	if (hit.weight == 0)
		verdict =
		    v->count == 0 && m->steps < LIMIT_EVAL_STEPS / 2 ? VERDICT_YES : verify(m, v);
	if (verdict == VERDICT_NO)
		return false;
	out->rule = m->scope.rule;
	if (m->scope.rule->lookup_first >= 0)
		verdict = VERDICT_BLIND; /* `when` isn't among what was verified */
	if (verdict == VERDICT_YES && !v->keyed)
		out->decision = m->plain;
	else
		out->decision =
		    verdict == VERDICT_YES ? rule_decide_key(&m->scope) : rule_decide(&m->scope);
	if (hit.weight > 1)
		out->decision.weight = hit.weight;
	return out->decision.verdict != VERDICT_NO;
}

static size_t decide_all(struct matcher *m, struct found *found)
{
	size_t count = 0;

	for (size_t i = 0; i < m->all.count; i++)
		count += decide(m, m->all.items[i], &found[count]);
	return count;
}

static void begin(struct matcher *m, struct arena *arena, const struct event_view *event,
		  int64_t now)
{
	m->scope = (struct scope){
		.arena = arena, .event = event, .now = now, .entities = m->entities, .memo = m->memo
	};
	/* Slots ask for what doesn't depend on the rule: any will do. */
	m->scope.rule = m->set->count > 0 ? m->set->rules[0] : NULL;
	m->plain = (struct decision){
		.verdict = VERDICT_YES, .part = "", .key = event_key(event), .weight = 1
	};
	m->named.count = m->sampled.count = 0;
	m->steps = 0;
	cel_memo_next(m->memo);
	if (++m->moment != 0)
		return;
	for (uint32_t i = 0; i < m->index->slot_count; i++)
		m->slots[i].moment = 0;
	m->moment = 1;
}

bool matcher_each(struct matcher *matcher, struct arena *arena, const struct event_view *event,
		  int64_t now,
		  bool (*visit)(void *of, const struct rule *rule, const struct decision *decision),
		  void *of)
{
	struct matcher *m = matcher;
	struct found *found;
	size_t count;

	assert(m != NULL && arena != NULL && event != NULL && visit != NULL);
	begin(m, arena, event, now);
	find_all(m);
	merge(m);
	m->asked += m->all.count;
	if (m->all.count == 0 || m->failed) {
		bool good = !m->failed;

		m->failed = false;
		return good;
	}
	found = arena_array(arena, m->all.count, sizeof(*found));
	if (found == NULL)
		return false;
	count = decide_all(m, found);
	m->failed = false;
	for (size_t i = 0; i < count; i++)
		if (!visit(of, found[i].rule, &found[i].decision))
			break;
	return true;
}

void matcher_forget(struct matcher *matcher)
{
	assert(matcher != NULL);
	for (uint32_t i = 0; i < matcher->index->partition_count; i++)
		matcher->seen[i] = 0;
}

uint64_t matcher_seen(const struct matcher *matcher, const struct rule *rule)
{
	uint64_t seen = 0;

	assert(matcher != NULL && rule != NULL);
	for (size_t i = 0; i < rule->on_count; i++) {
		uintptr_t found = (uintptr_t)map_get(matcher->index->by_type, rule->on[i]);

		seen += found != 0 ? matcher->seen[found - 1] : 0;
	}
	return seen;
}

uint64_t matcher_asked(const struct matcher *matcher)
{
	assert(matcher != NULL);
	return matcher->asked;
}
