/* SPDX-License-Identifier: Apache-2.0
 *
 * parts - what the two files of libtappet-plugin share; nothing of it is seen outside.
 *
 *   tappet_plugin.c   sessions, and the loop
 *   work.c            what lasts from one session to the next
 *
 * Everything is the plugin's, and is freed with it (tappet_plugin_free). */
#ifndef TAPPET_PLUGIN_PARTS_H
#define TAPPET_PLUGIN_PARTS_H

#include <limits.h>
#include <zmq.h>

#include "tappet_plugin.h"

#define NEVER LLONG_MAX

/* A job at hand, an emit without an answer, or a cursor. */
struct item {
	struct tappet_job job; /* first: the plugin's pointer is ours */
	struct item *next;
	struct tappet_plugin *plugin;
	json_t *header, *body;                      /* of JOB, EMIT or SUBSCRIBE */
	json_int_t due;                             /* said then, ms; NEVER: it was said */
	json_int_t done, wanted, sent, said, acked; /* of a cursor: see work.c */
};

enum { JOBS, EMITS, CURSORS };
enum { POLL_SOCKET, POLL_SIGNALS, POLL_STOP, POLL_WATCHED };
enum { WATCHED_MOST = 16 };

struct tappet_plugin {
	struct tappet_options o;
	json_t *manifest;
	void *context, *socket; /* NULL: connects again at connect_at */
	bool in_session, leaving;
	enum { RUNNING, ENDED, FAILED } state;
	json_int_t beat, heard, asked;         /* ms */
	json_int_t pause, connect_at, stop_at; /* stop_at: 0 until it stops */
	json_int_t owed;                       /* credit for jobs that isn't given yet */
	json_int_t room;                       /* emits that may be said */
	struct item *lists[3];
	zmq_pollitem_t polled[POLL_WATCHED + WATCHED_MOST];
	int watched;
};

json_int_t plugin_now(void); /* ms, monotonic */

/* Takes header and body. Nothing is said without a session, but HELLO. */
void plugin_say(struct tappet_plugin *p, const char *verb, json_t *header, json_t *body);

/* A message that has come, with the members that it needs. */
typedef void plugin_take(struct tappet_plugin *p, const struct tappet_message *m);

plugin_take work_job, work_cancel, work_emitted, work_subscribed, work_acked, work_event, work_gap,
    work_error;
struct item **work_find(struct tappet_plugin *p, int list, const char *id);
unsigned work_count(const struct tappet_plugin *p, int list);
json_int_t work_say(struct tappet_plugin *p, json_int_t now); /* what is due; when the next is */
void work_over(struct tappet_plugin *p);                      /* the session is */
void work_free(struct tappet_plugin *p);

#endif
