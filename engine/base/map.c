/* SPDX-License-Identifier: Apache-2.0
 *
 * map - linear probing over a power of two of slots.
 *
 * I1  A slot is empty exactly when its key is NULL.
 * I2  Between the slot a hash points at and the slot its key is in, no slot is
 *     empty; map_drop restores this by shifting back, so there are no
 *     tombstones.
 * I3  At most three quarters of the slots are in use. */
#include "engine/base/map.h"

#include <assert.h>

#include "engine/base/hash.h"
#include "engine/base/mem.h"

#define FIRST_SLOTS 16
#define SEED        UINT64_C(0x7461707065740001) /* any constant; order must not matter */

struct slot {
	uint64_t hash;
	char *key; /* owned */
	size_t n;
	void *value; /* borrowed */
};

struct map {
	struct slot *slots;
	size_t mask; /* number of slots - 1 */
	size_t count;
};

struct map *map_new(void)
{
	struct map *map = mem_zero(1, sizeof(*map));

	if (map == NULL)
		return NULL;
	map->slots = mem_zero(FIRST_SLOTS, sizeof(*map->slots));
	if (map->slots == NULL) {
		mem_free(map);
		return NULL;
	}
	map->mask = FIRST_SLOTS - 1;
	return map;
}

void map_free(struct map *map)
{
	if (map == NULL)
		return;
	for (size_t i = 0; i <= map->mask; i++)
		mem_free(map->slots[i].key);
	mem_free(map->slots);
	mem_free(map);
}

/* The slot that holds the key, or the empty one where it belongs. */
static size_t find(const struct map *map, uint64_t hash, struct text key)
{
	size_t i = hash & map->mask;

	for (;;) {
		const struct slot *slot = &map->slots[i];

		if (slot->key == NULL)
			return i;
		if (slot->hash == hash && text_eq((struct text){ slot->key, slot->n }, key))
			return i;
		i = (i + 1) & map->mask;
	}
}

void *map_get(const struct map *map, struct text key)
{
	assert(map != NULL);
	return map->slots[find(map, hash64(key.s, key.n, SEED), key)].value;
}

static bool grow(struct map *map)
{
	struct map larger = { .mask = map->mask * 2 + 1, .count = map->count };

	larger.slots = mem_zero(larger.mask + 1, sizeof(*larger.slots));
	if (larger.slots == NULL)
		return false;
	for (size_t i = 0; i <= map->mask; i++) {
		size_t to = map->slots[i].hash & larger.mask;

		if (map->slots[i].key == NULL)
			continue;
		while (larger.slots[to].key != NULL)
			to = (to + 1) & larger.mask;
		larger.slots[to] = map->slots[i];
	}
	mem_free(map->slots);
	*map = larger;
	return true;
}

bool map_put(struct map *map, struct text key, void *value)
{
	uint64_t hash = hash64(key.s, key.n, SEED);
	size_t i;
	char *copy;

	assert(map != NULL);
	assert(value != NULL);
	i = find(map, hash, key);
	if (map->slots[i].key != NULL) {
		map->slots[i].value = value;
		return true;
	}
	if ((map->count + 1) * 4 > (map->mask + 1) * 3) {
		if (!grow(map))
			return false;
		i = find(map, hash, key);
	}
	copy = mem_copy(key.s, key.n);
	if (copy == NULL)
		return false;
	map->slots[i] = (struct slot){ hash, copy, key.n, value };
	map->count++;
	return true;
}

/* Closes the hole: a later entry of the same run moves into it unless that
 * would put it before the slot its hash points at. */
static void shift_back(struct map *map, size_t hole)
{
	size_t i = hole;

	for (;;) {
		size_t home;

		i = (i + 1) & map->mask;
		if (map->slots[i].key == NULL)
			break;
		home = map->slots[i].hash & map->mask;
		if (((i - home) & map->mask) < ((i - hole) & map->mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct slot){ 0 };
}

void *map_drop(struct map *map, struct text key)
{
	void *value;
	size_t i;

	assert(map != NULL);
	i = find(map, hash64(key.s, key.n, SEED), key);
	if (map->slots[i].key == NULL)
		return NULL;
	value = map->slots[i].value;
	mem_free(map->slots[i].key);
	shift_back(map, i);
	map->count--;
	return value;
}

size_t map_count(const struct map *map)
{
	assert(map != NULL);
	return map->count;
}

bool map_next(const struct map *map, size_t *at, struct text *key, void **value)
{
	assert(map != NULL);
	assert(at != NULL);
	for (; *at <= map->mask; (*at)++) {
		const struct slot *slot = &map->slots[*at];

		if (slot->key == NULL)
			continue;
		if (key != NULL)
			*key = (struct text){ slot->key, slot->n };
		if (value != NULL)
			*value = slot->value;
		(*at)++;
		return true;
	}
	return false;
}
