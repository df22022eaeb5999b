/* SPDX-License-Identifier: Apache-2.0
 *
 * watch - did files or folders change, and are they quiet again?
 *
 * A fingerprint of names, sizes and modification times; asked twice a second it
 * costs a few stat calls, works on every file system, and can't miss a rename. */
#ifndef TAPPET_COMMANDS_WATCH_H
#define TAPPET_COMMANDS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"

struct watch {
	const struct text *paths; /* borrowed */
	size_t count;
	uint64_t loaded, last; /* marks: of what runs, of the last look */
	uint64_t tried;        /* of the last change that was told: not again, if it was no good */
};

/* `loaded`: the sum of the marks that the paths had before they were read, so that what changed
 * since then is seen. The first time `watch` is all zero; later it goes on. */
void watch_init(struct watch *watch, const struct text *paths, size_t count, uint64_t loaded);

/* True once per change, at the first look at which nothing moved since the look before. */
bool watch_changed(struct watch *watch);

#endif
