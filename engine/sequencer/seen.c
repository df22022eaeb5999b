/* SPDX-License-Identifier: Apache-2.0
 *
 * seen.c - the ids that a sweep came across, as 64-bit hashes.
 *
 * Open addressing, at most half full. Two ids of one hash look like one: an object
 * whose id shares its hash with another's would not be missed when it is deleted. Among a
 * million ids there is such a pair with a probability of one in 30 million. */
#include "engine/sequencer/internal.h"

static bool seen_room(struct seen *seen)
{
	size_t room = seen->room == 0 ? 1024 : seen->room * 2;
	uint64_t *slots;

	if (seen->count * 2 < seen->room)
		return true;
	slots = mem_zero(room, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (size_t i = 0; i < seen->room; i++) {
		if (seen->slots[i] == 0)
			continue;
		size_t at = seen->slots[i] & (room - 1);

		while (slots[at] != 0)
			at = (at + 1) & (room - 1);
		slots[at] = seen->slots[i];
	}
	mem_free(seen->slots);
	seen->slots = slots;
	seen->room = room;
	return true;
}

static uint64_t seen_name(struct text id)
{
	uint64_t h = hash64(id.s, id.n, 0x7365656e);

	return h != 0 ? h : 1;
}

bool seen_has(const struct seen *seen, struct text id)
{
	uint64_t h = seen_name(id);

	if (seen->room == 0)
		return false;
	for (size_t at = h & (seen->room - 1); seen->slots[at] != 0;
	     at = (at + 1) & (seen->room - 1))
		if (seen->slots[at] == h)
			return true;
	return false;
}

bool seen_add(struct seen *seen, struct text id)
{
	uint64_t h = seen_name(id);
	size_t at;

	if (!seen_room(seen))
		return false;
	for (at = h & (seen->room - 1); seen->slots[at] != 0; at = (at + 1) & (seen->room - 1))
		if (seen->slots[at] == h)
			return true;
	seen->slots[at] = h;
	seen->count++;
	return true;
}

void seen_clear(struct seen *seen)
{
	mem_free(seen->slots);
	*seen = (struct seen){ 0 };
}
