/* SPDX-License-Identifier: Apache-2.0
 *
 * map - a hash map from bytes to a pointer, in memory only.
 *
 * Open addressing with linear probing and tombstone-free deletion; the hash is
 * keyed with a process-wide constant only, so order must never matter.
 * Ownership: the map copies its keys and borrows its values. */
#ifndef TAPPET_BASE_MAP_H
#define TAPPET_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/text.h"

struct map;

struct map *map_new(void); /* NULL when memory is out */
void map_free(struct map *map);

void *map_get(const struct map *map, struct text key); /* NULL when absent */
bool map_put(struct map *map, struct text key,
	     void *value); /* replaces; false: memory is out; value not NULL */
void *map_drop(struct map *map, struct text key); /* the value that was there, or NULL */
size_t map_count(const struct map *map);

/* Visits all pairs in no particular order; *at starts at 0. False at the end.
 * The map must not change while a visit is under way. */
bool map_next(const struct map *map, size_t *at, struct text *key, void **value);

#endif
