/* SPDX-License-Identifier: Apache-2.0
 *
 * places - where the cursors of plugins stand, and where the log of events ends, as
 * the store has it: so that what is told of a plugin's lag is right before it
 * connects.
 *
 * Never: writes; places are the sequencer's. */
#ifndef TAPPET_PLUGINS_PLACES_H
#define TAPPET_PLUGINS_PLACES_H

#include "engine/plugins/tally.h"

/* Rows of the tally for plugins that have none yet, and their places. `store` is the name of the
 * store, NULL: it is in memory. A store that can't be read now leaves them without places, until
 * the plugin subscribes. */
void places_cover(struct tally *tally, const char *store, const struct plugin_setting *settings,
		  size_t count);

#endif
