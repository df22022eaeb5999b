/* SPDX-License-Identifier: Apache-2.0
 *
 * pauses - what `tappet pause`, `tappet resume` and those that show pauses share. */
#ifndef TAPPET_COMMANDS_PAUSES_H
#define TAPPET_COMMANDS_PAUSES_H

#include "engine/commands/command.h"
#include "engine/sequencer/pause.h"
#include "engine/store/store.h"

struct pauses {
	const struct pause_row *rows; /* in the context's arena */
	size_t count;
};

/* All pauses that the store holds. False when memory is out. */
bool pauses_gather(struct context *context, struct store *store, struct pauses *out);

/* That of the name and kind ("rule", "connection", "plugin"), or NULL. */
const struct pause_row *pauses_find(const struct pauses *pauses, const char *kind,
				    struct text name);

/* Opens {"name", "of"?, "who" of the first argument and of who runs the command; the caller adds
 * its own members, and closes it. */
void pauses_open(struct context *context, struct buf *body);

/* Posts it, and tells what the daemon made of it. The exit code. */
int pauses_post(struct context *context, const char *path, struct buf *body);

#endif
