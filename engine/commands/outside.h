/* SPDX-License-Identifier: Apache-2.0
 *
 * outside - the plugins of a daemon: the bus, and the processes it starts.
 *
 * The order counts. The bus listens before a process is started, so that none is
 * refused; and it goes on until they have ended, so that what they say last is heard.
 * Ownership: outside_stop frees it; the configuration is not kept. Main thread. */
#ifndef TAPPET_COMMANDS_OUTSIDE_H
#define TAPPET_COMMANDS_OUTSIDE_H

#include "engine/base/clock.h"
#include "engine/base/queue.h"
#include "engine/commands/manifests.h"
#include "engine/plugins/plugins.h"
#include "engine/rules/config.h"

struct outside;

/* Opens the bus; nothing is started yet. Errors as of plugins_start, with `why`. */
enum fate outside_open(const struct config *config, struct manifests *manifests,
		       struct queue *inputs, struct clock clock, struct outside **out, char *why,
		       size_t room);

/* Starts what has a command. */
enum fate outside_launch(struct outside *o, const struct config *config, char *why, size_t room);

struct plugins *outside_plugins(struct outside *o);

/* What can't be done is logged, and then stays as it was. */
void outside_reload(struct outside *o, const struct config *config);

/* The engine stops: sessions are told, and nothing is started again. */
void outside_leave(struct outside *o, int64_t within);

/* For metrics, and for the API: {"sessions","events","plugins":[...],"processes":[...]}. Any
 * thread, from outside_launch to outside_stop. */
void outside_metrics(struct outside *o, struct buf *out);
void outside_list(struct outside *o, struct buf *out);

/* Ends the processes, then the bus. NULL is fine. */
void outside_stop(struct outside *o);

#endif
