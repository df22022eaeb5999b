/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.c - see watch.h. */
#include "engine/commands/watch.h"

#include <assert.h>
#include "engine/base/mark.h"

static uint64_t watch_look(const struct watch *watch)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < watch->count; i++)
		sum += mark_of(watch->paths[i]);
	return sum;
}

void watch_init(struct watch *watch, const struct text *paths, size_t count, uint64_t loaded)
{
	assert(watch != NULL);
	watch->paths = paths;
	watch->count = count;
	watch->last = watch_look(watch);
	watch->loaded = watch->last == watch->tried ? watch->tried : loaded;
}

bool watch_changed(struct watch *watch)
{
	uint64_t now = watch_look(watch);
	bool quiet = now == watch->last;

	watch->last = now;
	if (!quiet || now == watch->loaded)
		return false;
	watch->loaded = watch->tried = now;
	return true;
}
