/* SPDX-License-Identifier: Apache-2.0
 *
 * libtappet-plugin - plugins for tappet in C: the plugin's side of PROTOCOL.md.
 * tappet-plugin(3) explains it with an example.
 *
 * One thread: callbacks come from tappet_plugin_run, and everything here is called
 * from them, or before. tappet_plugin_stop alone may be called from anywhere. A
 * callback that takes long calls tappet_plugin_beat now and then.
 *
 * Texts and values given to a callback are borrowed for the call. Functions take the values
 * that they are given, NULL too: json_pack can be written in the call. */
#ifndef TAPPET_PLUGIN_H
#define TAPPET_PLUGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TAPPET_API __attribute__((visibility("default")))

struct tappet_plugin;

/* A message of the engine: its members as PROTOCOL.md has them; those that it doesn't have are
 * NULL, empty or 0. The id of an ERROR is what it is about. */
struct tappet_message {
	const char *id, *key, *action, *rule, *event, *cursor, *session, *code, *message;
	json_int_t attempt, timeout, seq, from, to, heartbeat, emits, after, n;
	int repeat, fatal;
	json_t *header;
	const char *body; /* of an EVENT the CloudEvent, JSON as the engine has written it */
	size_t size;
};

/* A job at hand, until tappet_job_end, in the callback or later. When the
 * session ends it goes on, given up; if it comes again (same key) meanwhile, it is asked for
 * again. */
struct tappet_job {
	struct tappet_message said; /* the last JOB for it, without its body */
	json_t *params;             /* an object */
	bool given_up;              /* nobody waits for its end */
	void *data;                 /* the plugin's own */
};

struct tappet_action {
	const char *name; /* NULL ends a list */
	void (*run)(void *of, struct tappet_job *job);
};

/* It lasts as long as the plugin, and so does what it points to. Callbacks may be NULL. */
struct tappet_options {
	const char *name;                    /* TAPPET_PLUGIN in the environment goes before it */
	const char *manifest;                /* JSON */
	const struct tappet_action *actions; /* NULL: none */
	unsigned jobs;                       /* at once */
	void *of;                            /* given to callbacks */

	void (*cancelled)(void *of, struct tappet_job *job); /* it was given up: end it soon */
	/* EMITTED: it is on disk; or an ERROR, with a code: it is refused for good. */
	void (*emitted)(void *of, const struct tappet_message *m);
	void (*event)(void *of, const struct tappet_message *m);
	/* Acknowledge `to`, or it is told again in the next session. */
	void (*gap)(void *of, const struct tappet_message *m);
	void (*idle)(void *of); /* what had come is handled: time to write, and to acknowledge */
	void (*stopping)(void *of); /* BYE follows when all jobs have ended */
};

/* NULL: errno says why; EINVAL: the manifest. Blocks SIGTERM and SIGINT in this thread: they stop
 * tappet_plugin_run. So begin threads after it. */
TAPPET_API struct tappet_plugin *tappet_plugin_new(const struct tappet_options *options);
TAPPET_API void tappet_plugin_free(struct tappet_plugin *p);

/* Until it is stopped: 0, or until the engine refuses it for good, or memory is out, or the
 * keys in the environment are none: 1. */
TAPPET_API int tappet_plugin_run(struct tappet_plugin *p);
TAPPET_API void tappet_plugin_stop(struct tappet_plugin *p);

/* `idle` is called when fd can be read, too, and reads it. False, and errno: EBADF, or ENOSPC
 * for the 17th. */
TAPPET_API bool tappet_plugin_watch(struct tappet_plugin *p, int fd);

/* Tells the engine that the plugin is alive, when it is time. */
TAPPET_API void tappet_plugin_beat(struct tappet_plugin *p);

/* fate: "ok", "retry", "reject" or "doubt"; more: `error` and `after` as a RESULT has them, NULL:
 * neither; value: of "ok", NULL is null. One that can't be written, or has more than 1 MiB,
 * leaves the job in doubt. */
TAPPET_API void tappet_job_end(struct tappet_job *job, const char *fate, json_t *more,
			       json_t *value);
TAPPET_API void tappet_job_progress(struct tappet_job *job);

/* The header of an EMIT: id, type, and perhaps subject, time, and job: the id of the job that it
 * comes from, by which the engine ends loops. The same id is the same event. Said again until it is
 * answered. False: EAGAIN, 1024 wait; EINVAL; EMSGSIZE; ENOMEM. */
TAPPET_API bool tappet_emit(struct tappet_plugin *p, json_t *header, json_t *data);

/* Before tappet_plugin_run, with the header of a SUBSCRIBE: cursor, types, and perhaps from and
 * window. Each event comes once while the process lives, and again in the next one when it
 * wasn't acknowledged. False: EINVAL, ENOMEM. */
TAPPET_API bool tappet_subscribe(struct tappet_plugin *p, json_t *header);

/* All up to seq are done with; it is told after `idle`. */
TAPPET_API void tappet_ack(struct tappet_plugin *p, const char *cursor, json_int_t seq);

#ifdef __cplusplus
}
#endif
#endif
