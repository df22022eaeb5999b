/* SPDX-License-Identifier: Apache-2.0
 *
 * order - what other threads have the bus's thread do, one heap block each.
 *
 * Ownership: a pushed order is the queue's, then the thread's. One that is a job is
 * kept until its end. */
#ifndef TAPPET_PLUGINS_ORDER_H
#define TAPPET_PLUGINS_ORDER_H

#include "engine/plugins/plugins.h"

enum order_kind {
	ORDER_JOB,      /* an attempt */
	ORDER_WANTED,   /* credit of a plugin: `count` runs wait for it */
	ORDER_UNUSED,   /* `count` credits come back */
	ORDER_REPLY,    /* the sequencer's answer to an emit */
	ORDER_PUBLISH,  /* a topic and its body */
	ORDER_SETTINGS, /* the configuration has changed */
	ORDER_LEAVE,
};

/* Which plugins there are; one block, immutable, counted. */
struct settings;

struct order {
	struct queue_item item; /* first member */
	enum order_kind kind;
	struct text plugin;                   /* all but REPLY and PUBLISH */
	struct text action, key, rule, event; /* JOB */
	struct text topic, body; /* JOB, REPLY and PUBLISH have a body, PUBLISH a topic */
	int64_t run;             /* JOB, as the next five */
	int step, attempt;
	int64_t timeout;
	int64_t started; /* wall ms; set when it is sent */
	unsigned count;
	uint64_t ticket; /* REPLY */
	int status;
	struct settings *settings; /* SETTINGS: a reference */
	int64_t within;            /* LEAVE: ms */
	char bytes[];
};

/* A copy with its texts behind it; NULL when memory is out. */
struct order *order_new(const struct order *from);
void order_free(struct order *order);

/* ---- Settings. ---- */

struct settings *settings_new(const struct plugin_setting *from, size_t count);
struct settings *settings_ref(struct settings *settings);
void settings_free(struct settings *settings);

const struct plugin_setting *settings_find(const struct settings *settings, struct text name);
bool settings_trust(const struct plugin_setting *setting, struct text key);
/* Any of them does. */
bool settings_trust_any(const struct settings *settings, struct text key);

#endif
