/* SPDX-License-Identifier: Apache-2.0
 *
 * manifests - what plugins say of themselves, on its way from the bus's thread into
 * the rules.
 *
 * A plugin's HELLO brings a manifest. It is read and checked on the bus's thread, kept
 * by the sequencer (INPUT_MANIFEST) for the next start and for the commands that only
 * check, and the daemon is told that configuration and rules are to be loaded anew.
 * Until then, and where that fails, what was loaded goes on.
 *
 * What counts for a plugin, the first that there is:
 *   what it said since the daemon started, `manifest:` in tappet.yaml, what it said
 *   last before that.
 *
 * Ownership: manifests_free frees all. Functions may be called from any thread. */
#ifndef TAPPET_COMMANDS_MANIFESTS_H
#define TAPPET_COMMANDS_MANIFESTS_H

#include "engine/base/fate.h"
#include "engine/base/queue.h"
#include "engine/rules/config.h"

struct manifests;

/* NULL when memory is out. `changed` is called on the thread that brings a manifest that differs
 * from the one before it. */
struct manifests *manifests_new(void (*changed)(void *of), void *of);
void manifests_free(struct manifests *manifests); /* NULL is fine */

/* Where what is new is kept from now on; NULL: nowhere any more. */
void manifests_keep(struct manifests *manifests, struct queue *inputs);

/* What a plugin says. FATE_REJECT fills `words` (`room` bytes): what is wrong with it; FATE_RETRY:
 * it can't be kept now. */
enum fate manifests_take(struct manifests *manifests, struct text plugin, struct text json,
			 char *words, size_t room);

/* Whether the plugin has such events, with such data (JSON), by what it said since the daemon
 * started. FATE_REJECT fills `words` (`room` bytes); FATE_RETRY: memory is out. One thread at a
 * time. */
enum fate manifests_emits(struct manifests *manifests, struct text plugin, struct text type,
			  struct text data, char *words, size_t room);

/* Gives a configuration that was just read what the plugins said. False: memory is out. */
bool manifests_apply(struct manifests *manifests, struct config *config);

/* The same from the store alone, for plugins without `manifest:`: what can't be read is passed
 * over, and then isn't known. */
void manifests_recall(struct config *config);

#endif
