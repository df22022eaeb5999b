/* SPDX-License-Identifier: Apache-2.0
 *
 * things - what texts name that is costly to make: patterns and time zones. One
 * of each is kept during an evaluation, so a loop makes it once.
 *
 * Ownership: a kept thing belongs to the run until another one takes its place
 * or cel_drop_kept. */
#include "engine/cel/program.h"

#include <assert.h>
#include <stdio.h>

static void drop(struct cel_kept *kept)
{
	if (kept->thing != NULL)
		kept->kind->drop(kept->thing);
	kept->thing = NULL;
}

void *cel_thing(struct cel_run *run, int which, const struct cel_thing *kind, struct text name,
		char *why, size_t room)
{
	struct cel_kept *kept;

	assert(run != NULL && kind != NULL && which >= 0 && which < CEL_KEPT);
	if (run->prepared != NULL)
		return run->prepared;
	kept = &run->kept[which];
	if (kept->thing != NULL && text_eq(kept->name, name))
		return kept->thing;
	drop(kept);
	if (!cel_charge(run, CEL_MAKE_STEPS + name.n)) {
		snprintf(why, room, "the evaluation takes too many steps");
		return NULL;
	}
	kept->kind = kind;
	kept->name = name;
	kept->thing = kind->make(name, why, room);
	return kept->thing;
}

void cel_drop_kept(struct cel_run *run)
{
	assert(run != NULL);
	for (int i = 0; i < CEL_KEPT; i++)
		drop(&run->kept[i]);
}
