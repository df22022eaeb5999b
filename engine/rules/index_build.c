/* SPDX-License-Identifier: Apache-2.0
 *
 * index_build - from the atoms of all rules to the tables that events are looked
 * up in; see index.h.
 *
 * First every rule's atoms are taken and counted: how many values a slot is
 * compared with tells how selective it is. Then each alternative gets the atoms
 * it is found by, as few as select one rule in a thousand or better. At last the
 * postings (group, key, rule) are sorted, and each run of them becomes a bucket.
 *
 * I1  No more than INDEX_SHAPES groups per event type, beyond one for each slot:
 *     shapes that few rules have fall back to their best atom.
 * Ownership: what stays is in the set's arena, the rest in a scratch arena. */
#include "engine/rules/index.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/cleanup.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/cel/share.h"

#define INDEX_SHAPES      48 /* look-ups per event: some 20 ns each */
#define INDEX_SHAPE_RULES 16 /* rules that are worth a group of their own */
#define INDEX_KEYS        64 /* postings of one alternative: `in` lists multiply */
#define INDEX_DERIVED     8  /* rules that are worth evaluating size(data.x) for each event */
#define INDEX_LONG                                                                                 \
	1000000 /* postings of lists longer than INDEX_KEYS, all together: some 100 MiB */

/* How an alternative is found. */
struct chosen {
	uint32_t equals[INDEX_EQUALS]; /* atoms */
	uint32_t equal_count;
	uint32_t second; /* atom, or INDEX_ATOMS for none */
};

struct taken {
	struct conjuncts conjuncts;
	struct cover cover;
	struct chosen *chosen;  /* one per alternative */
	const uint32_t *places; /* partitions */
	uint32_t place_count;
};

struct building {
	struct ruleset *set;
	struct rule_index *index;
	struct arena *arena, *scratch;
	struct arena *once; /* of the rule under way */
	struct slots slots;
	struct taken *taken;
	uint32_t *taken_by; /* per partition: the last rule that is in it, plus one */
	struct map *values; /* slot and value -> seen */
	struct map *shapes_by_key;
	struct shape *shapes;
	uint32_t shape_count, shape_room;
	struct posting *postings; /* heap */
	size_t posting_count, posting_room;
	uint32_t *rules_of; /* per partition: how many rules */
	size_t long_postings;
	bool failed;
};

/* ---- Hashes. ---- */

uint64_t index_hash(uint64_t hash, struct value v)
{
	uint64_t h = (hash ^ value_hash(v)) * UINT64_C(0x9e3779b97f4a7c15);

	return (h ^ h >> 32) | 1; /* 0 marks a free place */
}

/* ---- Partitions. ---- */

static uint32_t partition_of(struct building *b, struct text type)
{
	uintptr_t found = (uintptr_t)map_get(b->index->by_type, type);

	if (found != 0)
		return (uint32_t)found - 1;
	b->index->partitions[b->index->partition_count].type = type;
	if (!map_put(b->index->by_type, type, (void *)((uintptr_t)b->index->partition_count + 1))) {
		b->failed = true;
		return 0;
	}
	return b->index->partition_count++;
}

static void take_places(struct building *b, struct taken *t, uint32_t number)
{
	const struct rule *rule = b->set->rules[number];
	uint32_t *places = arena_array(b->scratch, rule->on_count, sizeof(*places));

	if (places == NULL) {
		b->failed = true;
		return;
	}
	t->places = places;
	for (size_t i = 0; i < rule->on_count; i++) {
		uint32_t p = partition_of(b, rule->on[i]);

		if (b->taken_by[p] != number + 1)
			places[t->place_count++] = p;
		b->taken_by[p] = number + 1;
	}
}

/* ---- Taking. ---- */

static void count_value(struct building *b, uint32_t slot, struct value v)
{
	uint64_t key[2] = { slot, value_hash(v) };
	struct text bytes = { (const char *)key, sizeof(key) };

	if (map_get(b->values, bytes) != NULL)
		return;
	b->slots.items[slot].distinct++;
	b->failed = b->failed || !map_put(b->values, bytes, b);
}

static void count_atoms(struct building *b, const struct cover *cover)
{
	for (uint32_t i = 0; i < cover->count; i++)
		for (uint32_t k = 0; k < cover->items[i].count; k++) {
			const struct atom *atom = &cover->items[i].atoms[k];

			b->slots.items[atom->slot].uses++;
			for (uint32_t v = 0; atom->kind == ATOM_EQUALS && v < atom->count; v++)
				count_value(b, atom->slot, atom->values[v]);
		}
}

static bool keep_alternative(struct building *b, const struct alternative *from,
			     struct alternative *to)
{
	*to = (struct alternative){
		arena_copy(b->scratch, from->atoms, from->count * sizeof(*from->atoms)), from->count
	};
	for (uint32_t i = 0; to->atoms != NULL && i < to->count; i++) {
		struct atom *atom = &to->atoms[i];

		atom->values =
		    arena_copy(b->scratch, atom->values, atom->count * sizeof(*atom->values));
	}
	return !arena_failed(b->scratch);
}

/* What of a cover is left when the rule's own arena is reset. */
static void keep_cover(struct building *b, struct taken *t, const struct cover *cover)
{
	t->cover = *cover;
	t->cover.items = arena_array(b->scratch, cover->count, sizeof(*t->cover.items));
	b->failed = b->failed || t->cover.items == NULL || arena_failed(b->once);
	for (uint32_t i = 0; i < cover->count && !b->failed; i++)
		b->failed = !keep_alternative(b, &cover->items[i], &t->cover.items[i]);
}

static void take_rule(struct building *b, uint32_t number)
{
	const struct rule *rule = b->set->rules[number];
	struct taken *t = &b->taken[number];
	struct cover cover;

	if (rule->mode == MODE_OFF)
		return;
	t->conjuncts = rule_conjuncts(b->scratch, rule);
	if (t->conjuncts.items == NULL) {
		b->failed = true;
		return;
	}
	take_places(b, t, number);
	cover = rule_cover(b->once, &b->slots, rule, &t->conjuncts);
	keep_cover(b, t, &cover);
	arena_reset(b->once);
	if (!b->failed)
		count_atoms(b, &t->cover);
}

/* ---- Choosing. ---- */

/* The share of events that an atom lets through, as far as the rules tell. */
static double share_of(const struct building *b, const struct atom *atom)
{
	uint32_t distinct = b->slots.items[atom->slot].distinct;

	return (double)atom->count / (distinct > 2 ? distinct : 2);
}

static bool is_usable(const struct building *b, const struct atom *atom)
{
	const struct slot *slot = &b->slots.items[atom->slot];

	return !slot->derived || slot->uses >= INDEX_DERIVED;
}

static bool slot_is_chosen(const struct alternative *a, const struct chosen *c, uint32_t slot)
{
	for (uint32_t i = 0; i < c->equal_count; i++)
		if (a->atoms[c->equals[i]].slot == slot)
			return true;
	return false;
}

/* One long list is worth its postings, as long as there aren't too many in all. */
static bool has_room(const struct building *b, const struct atom *atom, uint32_t keys)
{
	if (atom->count * keys <= INDEX_KEYS)
		return true;
	return keys == 1 && b->long_postings + atom->count <= INDEX_LONG;
}

/* The most selective equality that isn't chosen yet, or INDEX_ATOMS. */
static uint32_t best_equals(const struct building *b, const struct alternative *a,
			    const struct chosen *c, uint32_t keys)
{
	uint32_t best = INDEX_ATOMS;

	for (uint32_t i = 0; i < a->count; i++) {
		const struct atom *atom = &a->atoms[i];

		if (atom->kind != ATOM_EQUALS || !has_room(b, atom, keys) || !is_usable(b, atom) ||
		    slot_is_chosen(a, c, atom->slot))
			continue;
		if (best == INDEX_ATOMS || share_of(b, atom) < share_of(b, &a->atoms[best]))
			best = i;
	}
	return best;
}

static int rank_of(const struct atom *atom)
{
	switch ((enum atom_kind)atom->kind) {
	case ATOM_RISE:
	case ATOM_FALL:
		return 4;
	case ATOM_PREFIX:
		return 3;
	case ATOM_RANGE:
		return isfinite(atom->low) && isfinite(atom->high) ? 2 : 1;
	case ATOM_EQUALS:
	case ATOM_NONE:
		break;
	}
	return 0;
}

static uint32_t best_second(const struct building *b, const struct alternative *a)
{
	uint32_t best = INDEX_ATOMS;

	for (uint32_t i = 0; i < a->count; i++)
		if (rank_of(&a->atoms[i]) > 0 && is_usable(b, &a->atoms[i]) &&
		    (best == INDEX_ATOMS || rank_of(&a->atoms[i]) > rank_of(&a->atoms[best])))
			best = i;
	return best;
}

/* Atoms until less than one rule of `rules` is expected to be found in vain. */
static struct chosen choose(struct building *b, const struct alternative *a, double rules,
			    uint32_t most)
{
	struct chosen c = { .second = INDEX_ATOMS };
	uint32_t keys = 1, next;

	while (c.equal_count < most && rules >= 1) {
		next = best_equals(b, a, &c, keys);
		if (next == INDEX_ATOMS)
			break;
		c.equals[c.equal_count++] = next;
		keys *= a->atoms[next].count;
		b->long_postings += keys > INDEX_KEYS ? keys : 0;
		rules *= share_of(b, &a->atoms[next]);
	}
	if (c.equal_count == 0 || (rules >= 1 && most == INDEX_EQUALS))
		c.second = best_second(b, a);
	return c;
}

static double rules_beside(const struct building *b, const struct taken *t)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < t->place_count; i++)
		if (b->rules_of[t->places[i]] > most)
			most = b->rules_of[t->places[i]];
	return most;
}

static bool is_found(const struct taken *t)
{
	for (uint32_t i = 0; i < t->cover.count; i++)
		if (t->chosen[i].equal_count == 0 && t->chosen[i].second == INDEX_ATOMS)
			return false;
	return t->cover.count > 0;
}

static void choose_rule(struct building *b, struct taken *t, uint32_t most)
{
	for (uint32_t i = 0; i < t->cover.count; i++)
		t->chosen[i] = choose(b, &t->cover.items[i], rules_beside(b, t), most);
	/* One alternative that can't be looked up leaves the rule to be asked always. */
	if (!is_found(t))
		t->cover.count = 0;
}

/* ---- Shapes. ---- */

static struct shape shape_of(const struct alternative *a, struct chosen *c)
{
	struct shape s = { .equal_count = c->equal_count };

	/* Rising slots: the same shape whatever the order in the rule. */
	for (uint32_t i = 1; i < c->equal_count; i++)
		for (uint32_t k = i;
		     k > 0 && a->atoms[c->equals[k - 1]].slot > a->atoms[c->equals[k]].slot; k--) {
			uint32_t swap = c->equals[k];

			c->equals[k] = c->equals[k - 1];
			c->equals[k - 1] = swap;
		}
	for (uint32_t i = 0; i < c->equal_count; i++)
		s.equals[i] = a->atoms[c->equals[i]].slot;
	if (c->second != INDEX_ATOMS) {
		s.second = a->atoms[c->second].kind;
		s.line = a->atoms[c->second].line;
		s.second_slot = a->atoms[c->second].slot;
	}
	return s;
}

static uint32_t shape_number(struct building *b, const struct shape *shape)
{
	struct text key = { (const char *)shape, sizeof(*shape) };
	uintptr_t found = (uintptr_t)map_get(b->shapes_by_key, key);

	if (found != 0)
		return (uint32_t)found - 1;
	if (b->shape_count == b->shape_room) {
		uint32_t room = b->shape_room == 0 ? 64 : b->shape_room * 2;
		struct shape *more = arena_array(b->scratch, room, sizeof(*more));

		if (more == NULL) {
			b->failed = true;
			return 0;
		}
		if (b->shape_count > 0)
			memcpy(more, b->shapes, b->shape_count * sizeof(*more));
		b->shapes = more;
		b->shape_room = room;
	}
	if (!map_put(b->shapes_by_key, key, (void *)((uintptr_t)b->shape_count + 1))) {
		b->failed = true;
		return 0;
	}
	b->shapes[b->shape_count] = *shape;
	return b->shape_count++;
}

/* ---- Counting shapes, and falling back. ---- */

struct tally {
	uint32_t rules;
};

static struct tally *tally_of(struct building *b, struct map *tallies, uint32_t partition,
			      uint32_t shape)
{
	uint32_t key[2] = { partition, shape };
	struct text bytes = { (const char *)key, sizeof(key) };
	struct tally *tally = map_get(tallies, bytes);

	if (tally != NULL)
		return tally;
	tally = arena_zero(b->scratch, sizeof(*tally));
	if (tally == NULL || !map_put(tallies, bytes, tally)) {
		b->failed = true;
		return NULL;
	}
	return tally;
}

/* Calls visit for each (alternative, partition) with its tally. */
static void tally_rules(struct building *b, struct map *tallies, uint32_t *shapes_of)
{
	for (size_t r = 0; r < b->set->count && !b->failed; r++) {
		struct taken *t = &b->taken[r];

		for (uint32_t i = 0; i < t->cover.count; i++) {
			struct shape shape = shape_of(&t->cover.items[i], &t->chosen[i]);
			uint32_t number = shape_number(b, &shape);

			for (uint32_t k = 0; k < t->place_count && !b->failed; k++) {
				struct tally *tally = tally_of(b, tallies, t->places[k], number);

				if (tally != NULL && tally->rules++ == 0)
					shapes_of[t->places[k]]++;
			}
		}
	}
}

static bool is_rare(struct building *b, struct map *tallies, const uint32_t *shapes_of,
		    struct taken *t)
{
	for (uint32_t i = 0; i < t->cover.count; i++) {
		struct shape shape = shape_of(&t->cover.items[i], &t->chosen[i]);
		uint32_t number = shape_number(b, &shape);

		for (uint32_t k = 0; k < t->place_count; k++) {
			const struct tally *tally = tally_of(b, tallies, t->places[k], number);

			if (shapes_of[t->places[k]] > INDEX_SHAPES && tally != NULL &&
			    tally->rules < INDEX_SHAPE_RULES)
				return true;
		}
	}
	return false;
}

static void fall_back(struct building *b)
{
	struct map *tallies = map_new();
	uint32_t *shapes_of =
	    arena_zero(b->scratch, (b->index->partition_count + 1) * sizeof(*shapes_of));

	b->failed = tallies == NULL || shapes_of == NULL;
	if (!b->failed)
		tally_rules(b, tallies, shapes_of);
	for (size_t r = 0; r < b->set->count && !b->failed; r++)
		if (is_rare(b, tallies, shapes_of, &b->taken[r]))
			choose_rule(b, &b->taken[r], 1);
	map_free(tallies);
}

static void choose_all(struct building *b)
{
	b->rules_of =
	    arena_zero(b->scratch, (b->index->partition_count + 1) * sizeof(*b->rules_of));
	if (b->rules_of == NULL) {
		b->failed = true;
		return;
	}
	for (size_t r = 0; r < b->set->count; r++)
		for (uint32_t k = 0; k < b->taken[r].place_count; k++)
			b->rules_of[b->taken[r].places[k]]++;
	for (size_t r = 0; r < b->set->count && !b->failed; r++) {
		struct taken *t = &b->taken[r];

		t->chosen = arena_array(b->scratch, t->cover.count, sizeof(*t->chosen));
		if (t->chosen == NULL)
			b->failed = true;
		else
			choose_rule(b, t, INDEX_EQUALS);
	}
	fall_back(b);
}

/* ---- Postings. ---- */

static struct posting *post(struct building *b)
{
	size_t room = b->posting_room == 0 ? 256 : b->posting_room * 2;
	struct posting *more;

	if (b->posting_count < b->posting_room)
		return &b->postings[b->posting_count++];
	more = mem_grow(b->postings, room, sizeof(*more));
	if (more == NULL) {
		b->failed = true;
		return NULL;
	}
	b->postings = more;
	b->posting_room = room;
	return &b->postings[b->posting_count++];
}

/* One key of the product of the chosen lists: `which` counts through them. */
static const struct value *key_of(struct building *b, const struct alternative *a,
				  const struct chosen *c, uint32_t which, uint64_t *hash)
{
	struct value *key = arena_array(b->arena, c->equal_count, sizeof(*key));

	*hash = c->equal_count == 0;
	if (key == NULL) {
		b->failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < c->equal_count; i++) {
		const struct atom *atom = &a->atoms[c->equals[i]];

		/* Constants live with their programs, in the same arena. */
		key[i] = atom->values[which % atom->count];
		which /= atom->count;
		*hash = index_hash(*hash, key[i]);
	}
	return key;
}

static uint8_t key_blind(const struct alternative *a, const struct chosen *c)
{
	uint8_t blind = 0;

	for (uint32_t i = 0; i < c->equal_count; i++)
		blind |= a->atoms[c->equals[i]].blind;
	return blind;
}

static uint8_t key_truths(const struct alternative *a, const struct chosen *c)
{
	uint8_t truths = 0;

	for (uint32_t i = 0; i < c->equal_count; i++)
		if ((a->atoms[c->equals[i]].blind & (LACK_NULL | LACK_KIND)) != 0)
			truths |= (uint8_t)(1u << i);
	return truths;
}

static void post_key(struct building *b, struct posting p, const struct atom *second)
{
	uint32_t count = second != NULL && second->kind >= ATOM_RISE ? second->count : 1;

	for (uint32_t i = 0; i < count; i++) {
		struct posting *made = post(b);

		if (made == NULL)
			return;
		if (second != NULL && second->kind >= ATOM_RISE) {
			(void)index_number(second->values[i], &p.low);
			p.high = p.low;
		}
		*made = p;
	}
}

static void post_alternative(struct building *b, uint32_t rule, uint32_t partition, uint32_t which)
{
	struct taken *t = &b->taken[rule];
	const struct alternative *a = &t->cover.items[which];
	struct chosen *c = &t->chosen[which];
	struct shape shape = shape_of(a, c);
	const struct atom *second = c->second != INDEX_ATOMS ? &a->atoms[c->second] : NULL;
	struct posting p = { .partition = partition, .rule = rule, .key_blind = key_blind(a, c) };

	uint32_t keys = 1;

	p.truths = key_truths(a, c); /* in the order that shape_of gave the slots */
	p.shape = shape_number(b, &shape);
	if (second != NULL) {
		p.low = second->low;
		p.high = second->high;
		p.prefix = second->prefix;
		p.blind = second->blind;
	}
	for (uint32_t i = 0; i < c->equal_count; i++)
		keys *= a->atoms[c->equals[i]].count;
	for (uint32_t i = 0; i < keys && !b->failed; i++) {
		p.key = key_of(b, a, c, i, &p.hash);
		post_key(b, p, second);
	}
}

static void post_all(struct building *b)
{
	for (uint32_t r = 0; r < b->set->count && !b->failed; r++)
		for (uint32_t k = 0; k < b->taken[r].place_count; k++)
			for (uint32_t i = 0; i < b->taken[r].cover.count && !b->failed; i++)
				post_alternative(b, r, b->taken[r].places[k], i);
}

/* ---- What is left to verify. ---- */

static bool proves(const struct atom *atom, uint32_t conjunct)
{
	return atom->proves[0] == conjunct || atom->proves[1] == conjunct;
}

static bool is_proved(const struct taken *t, uint32_t conjunct)
{
	const struct alternative *a = &t->cover.items[0];
	const struct chosen *c = &t->chosen[0];

	if (t->cover.count != 1)
		return false;
	for (uint32_t i = 0; i < c->equal_count; i++)
		if (proves(&a->atoms[c->equals[i]], conjunct))
			return true;
	return c->second != INDEX_ATOMS && proves(&a->atoms[c->second], conjunct);
}

/* True when an alternative may be found by a key that doesn't hold the connection. */
static bool is_from_left(const struct building *b, const struct taken *t, const struct rule *rule)
{
	bool left = t->cover.count == 0;

	for (uint32_t i = 0; i < t->cover.count && !left; i++) {
		const struct alternative *a = &t->cover.items[i];
		const struct chosen *c = &t->chosen[i];

		left = true;
		for (uint32_t k = 0; k < c->equal_count; k++)
			if (b->slots.items[a->atoms[c->equals[k]].slot].kind == SLOT_FROM)
				left = false;
	}
	return left && rule->from.n > 0;
}

_Static_assert(2 * LIMIT_EXPR_NODES <= UINT16_MAX,
	       "conjuncts of match and when are counted in 16 bits");

static void keep_verification(struct building *b, uint32_t rule, uint32_t *used)
{
	const struct taken *t = &b->taken[rule];
	struct verification *v = &b->index->rules[rule];

	v->first = *used;
	v->keyed = b->set->rules[rule]->key != NULL;
	v->from = is_from_left(b, t, b->set->rules[rule]);
	for (uint32_t i = 0; i < t->conjuncts.count; i++)
		if (!is_proved(t, i))
			b->index->conjuncts[(*used)++] = t->conjuncts.items[i];
	v->count = (uint16_t)(*used - v->first);
}

static void keep_verifications(struct building *b)
{
	size_t all = 0;
	uint32_t used = 0;

	for (size_t r = 0; r < b->set->count; r++)
		all += b->taken[r].conjuncts.count;
	b->index->conjuncts = arena_array(b->arena, all, sizeof(*b->index->conjuncts));
	if (b->index->conjuncts == NULL) {
		b->failed = true;
		return;
	}
	for (uint32_t r = 0; r < b->set->count; r++)
		keep_verification(b, r, &used);
}

/* ---- Sharing. ---- */

static bool share_rule(struct cel_sharing *sharing, const struct rule *rule)
{
	bool good = true;

	if (rule->mode == MODE_OFF)
		return true;
	if (rule->match != NULL)
		good = cel_sharing_add(sharing, rule->match);
	if (good && rule->when != NULL)
		good = cel_sharing_add(sharing, rule->when);
	if (good && rule->key != NULL)
		good = cel_sharing_add(sharing, rule->key);
	for (size_t i = 0; good && i < rule->define_count; i++)
		good = cel_sharing_add(sharing, rule->defines[i].program);
	return good;
}

static void share_all(struct building *b)
{
	struct cel_sharing *sharing = cel_sharing_new(scope_shared_variables());

	for (size_t r = 0; r < b->set->count && sharing != NULL && !b->failed; r++)
		b->failed = !share_rule(sharing, b->set->rules[r]);
	b->failed = b->failed || sharing == NULL;
	b->index->cells = cel_sharing_end(sharing);
}

/* ---- All. ---- */

static bool building_init(struct building *b, struct ruleset *set, struct arena *scratch,
			  struct arena *once)
{
	size_t places = 1;

	*b = (struct building){ .set = set, .arena = set->arena, .scratch = scratch, .once = once };
	for (size_t i = 0; i < set->count; i++)
		places += set->rules[i]->on_count;
	b->index = arena_zero(set->arena, sizeof(*b->index));
	if (b->index == NULL)
		return false;
	set->index = b->index;
	b->index->by_type = map_new();
	b->index->partitions = arena_zero(set->arena, places * sizeof(*b->index->partitions));
	b->index->rules = arena_zero(set->arena, (set->count + 1) * sizeof(*b->index->rules));
	b->index->routes = arena_zero(set->arena, (set->count + 1) * sizeof(*b->index->routes));
	b->taken = arena_zero(scratch, (set->count + 1) * sizeof(*b->taken));
	b->taken_by = arena_zero(scratch, places * sizeof(*b->taken_by));
	b->slots.arena = set->arena;
	b->slots.by_key = map_new();
	b->values = map_new();
	b->shapes_by_key = map_new();
	return b->index->by_type != NULL && b->slots.by_key != NULL && b->values != NULL &&
	       b->shapes_by_key != NULL && !arena_failed(set->arena) && !arena_failed(scratch);
}

static void build(struct building *b)
{
	for (uint32_t r = 0; r < b->set->count && !b->failed; r++)
		take_rule(b, r);
	b->failed = b->failed || b->slots.failed;
	if (!b->failed)
		choose_all(b);
	if (!b->failed)
		post_all(b);
	if (!b->failed)
		keep_verifications(b);
	if (!b->failed)
		share_all(b);
	b->index->slots = b->slots.items;
	b->index->slot_count = b->slots.count;
}

bool index_build(struct ruleset *set)
{
	AUTO(arena_free) struct arena *scratch = arena_new("rule index", LIMIT_RULES_ARENA);
	AUTO(arena_free) struct arena *once = arena_new("index of a rule", LIMIT_RULES_ARENA);
	struct clock clock = clock_system();
	int64_t began = clock_read(&clock).mono;
	size_t before;
	struct building b;
	bool good = false;

	assert(set != NULL && set->index == NULL);
	if (scratch == NULL || once == NULL)
		return false;
	before = arena_used(set->arena);
	if (building_init(&b, set, scratch, once)) {
		build(&b);
		good = !b.failed && !b.slots.failed &&
		       index_tables(set, b.shapes, b.postings, b.posting_count) &&
		       !arena_failed(scratch) && !arena_failed(set->arena);
		b.index->bytes = arena_used(set->arena) - before;
		b.index->build_ms = clock_read(&clock).mono - began;
	}
	map_free(b.slots.by_key);
	map_free(b.values);
	map_free(b.shapes_by_key);
	mem_free(b.postings);
	return good;
}

void index_free(struct rule_index *index)
{
	if (index != NULL)
		map_free(index->by_type);
}
