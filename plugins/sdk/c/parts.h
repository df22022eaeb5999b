/* SPDX-License-Identifier: Apache-2.0
 *
 * parts - what the files of libtappet-plugin share; nothing of it is seen outside.
 *
 *   tappet_plugin.c   the loop: what is waited for, how it ends
 *   session.c         the connection: messages in and out, heartbeats
 *   work.c            what lasts from one session to the next
 *
 * Everything is the plugin's, and is freed with it (tappet_plugin_free). */
#ifndef TAPPET_PLUGIN_PARTS_H
#define TAPPET_PLUGIN_PARTS_H

#include <zmq.h>

#include "tappet_plugin.h"

enum {
	BODY_MOST = 1048576,
	HEADER_MOST = 16384,
	WORDS_MOST = 1000, /* bytes of what is wrong with a job */
	EMITS_MOST = 1024, /* that wait: four times what an engine takes at once */
	BEAT_FIRST = 1000, /* ms, until WELCOME says */
	PAUSE_FIRST = 100,
	PAUSE_MOST = 5000,
	TURN = 256, /* messages before others have their turn */
};

struct job {
	struct tappet_job job; /* first: the plugin's pointer is ours */
	struct job *next;
	struct tappet_plugin *plugin;
	json_t *header; /* owns the texts of job */
};

struct emit {
	struct emit *next;
	char *header, *body;
	bool said;
	long long not_before;
	char id[];
};

struct cursor {
	struct cursor *next;
	char *name;
	json_t *header; /* of SUBSCRIBE */
	bool open;
	long long done, wanted, sent, said, acked;
	long long again; /* when what the engine had no room for is said again; 0: nothing is */
};

struct watch {
	int fd;
	void (*ready)(void *of, int fd);
};

struct tappet_plugin {
	struct tappet_options o;
	char *name, *manifest, *address, *keys[3];
	void *context, *socket;
	bool in_session, pinged, stopping, leaving, ended, failed;
	long long beat, heard, spoke, asked; /* ms */
	long long pause, connect_at, stop_at;
	long long owed; /* credit that can't be given before WELCOME */
	long long room; /* emits that may be said */
	struct job *jobs;
	unsigned working;
	struct emit *emits;
	unsigned waiting;
	struct cursor *cursors;
	struct watch *watches;
	size_t watch_count;
	int signals, stop;
};

/* ---- tappet_plugin.c ---- */

long long plugin_now(void); /* ms, monotonic */
void plugin_tell(struct tappet_plugin *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- session.c ---- */

/* Nothing is said without a session. */
void session_say_text(struct tappet_plugin *p, const char *verb, const char *header,
		      const char *body);
void session_say(struct tappet_plugin *p, const char *verb, json_t *header, const char *body);
void session_open(struct tappet_plugin *p); /* a new socket, and HELLO */
void session_hang_up(struct tappet_plugin *p, const char *why);
void session_read(struct tappet_plugin *p); /* what has come */
void session_beat(struct tappet_plugin *p, long long now);

/* ---- work.c: those that take a header return false when it isn't as it should be. ---- */

void work_credit(struct tappet_plugin *p, int more);
void work_emits(struct tappet_plugin *p, long long now); /* says those there is room for */
void work_acks(struct tappet_plugin *p);
void work_again(struct tappet_plugin *p, long long now); /* what the engine had no room for */
bool work_job(struct tappet_plugin *p, json_t *header, json_t *body);
void work_cancel(struct tappet_plugin *p, json_t *header);
bool work_emitted(struct tappet_plugin *p, json_t *header);
bool work_cursor(struct tappet_plugin *p, const char *verb, json_t *header);
bool work_event(struct tappet_plugin *p, json_t *header, zmq_msg_t *body);
void work_about(struct tappet_plugin *p, json_t *header, const char *code, const char *words);
void work_welcome(struct tappet_plugin *p);
void work_over(struct tappet_plugin *p);
void work_free(struct tappet_plugin *p);

#endif
