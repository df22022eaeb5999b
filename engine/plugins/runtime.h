/* SPDX-License-Identifier: Apache-2.0
 *
 * runtime - what plugins.c and hand.c share and nobody else includes. */
#ifndef TAPPET_PLUGINS_RUNTIME_H
#define TAPPET_PLUGINS_RUNTIME_H

#include <pthread.h>

#include "engine/base/arena.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/plugins/order.h"
#include "engine/plugins/pager.h"
#include "engine/plugins/places.h"
#include "engine/plugins/plugins.h"
#include "engine/plugins/tally.h"
#include "engine/value/parse.h"

#define TICKET_TOP (UINT64_C(1) << 63)

/* Runs that wait for a plugin. */
struct demand {
	unsigned runs; /* that wait, less what was lent since */
	size_t name_size;
	char name[];
};

/* What the log has told of: who isn't let in tries again. */
struct told {
	char what[LIMIT_SESSION_NAME + 32];
	int64_t at;
};

struct plugins {
	struct plugins_parts parts; /* its settings, endpoints and store aren't kept */
	char *store;                /* NULL: it is in memory */
	struct bus *bus;
	struct pager *pager; /* NULL: the store is in memory */
	struct queue *orders;
	struct tally *tally;
	pthread_mutex_t lock;
	struct settings *shown; /* under the lock: what plugins_knows knows */

	/* The thread's. */
	int64_t looked;  /* when the clock was read last */
	int64_t awaited; /* when it was to be read again at the latest; -1: any time */
	int64_t stood;   /* ms that it was read too late, all together */
	struct settings *settings;
	struct sessions *sessions;
	struct map *demands;
	struct json_parser *parser;
	struct arena *arena;
	struct told told[LIMIT_BUS_REFUSED];
	size_t next_told;
};

/* By queue_force: facts, bounded by what was begun. False: memory is out. Any thread. */
bool plugins_post(struct plugins *plugins, const struct input *input);

#endif
