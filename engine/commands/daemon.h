/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon - the parts of `tappet run`, put together and taken apart in order.
 *
 * Start: store, sequencer, delivery, the listening sockets, the bus, then the pump with recovery as
 * its first batch: nothing leaves before tappet can listen, and what comes in is decided
 * after what was open is known. Stop: no new requests, what is under way ends (for a
 * while), then everything else in reverse.
 * Ownership: daemon_stop frees it. */
#ifndef TAPPET_COMMANDS_DAEMON_H
#define TAPPET_COMMANDS_DAEMON_H

#include "engine/base/clock.h"
#include "engine/commands/manifests.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"

struct daemon;

/* FATE_OK, or FATE_REJECT / FATE_RETRY with `why` for people. Config and rules are referenced;
 * `manifests` is borrowed. */
enum fate daemon_start(struct config *config, struct ruleset *rules, struct manifests *manifests,
		       struct clock clock, struct daemon **out, char *why, size_t why_room);

/* The batch in hand takes longer than that: a disk that hangs, or a fault. */
bool daemon_hangs(const struct daemon *daemon, int64_t ms);

/* Replaces configuration and rules, all or nothing; they were checked. False with why when
 * something differs that can't change while running (listen, admin, store, bus). */
bool daemon_reload(struct daemon *daemon, struct config *config, struct ruleset *rules, char *why,
		   size_t why_room);

unsigned daemon_port(const struct daemon *daemon); /* of `listen` */

/* Returns how many requests were cut (they are in doubt at the next start). */
size_t daemon_stop(struct daemon *daemon, int64_t patience_ms);

#endif
