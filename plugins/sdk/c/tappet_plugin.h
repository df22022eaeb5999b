/* SPDX-License-Identifier: Apache-2.0
 *
 * libtappet-plugin - plugins for tappet in C: the plugin's side of PROTOCOL.md.
 * tappet-plugin(3) explains it with an example.
 *
 * One thread: callbacks come from tappet_plugin_run, and everything here is called
 * from them, or before. tappet_plugin_stop alone may be called from anywhere. A
 * callback that takes long calls tappet_plugin_beat now and then.
 *
 * Texts and values given to a callback, or to a function, are borrowed for the call. */
#ifndef TAPPET_PLUGIN_H
#define TAPPET_PLUGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TAPPET_FROM_START 0LL
#define TAPPET_FROM_NOW   (-1LL)

#define TAPPET_API __attribute__((visibility("default")))

struct tappet_plugin;

enum tappet_fate {
	TAPPET_OK,
	TAPPET_RETRY,  /* not now, nothing has happened */
	TAPPET_REJECT, /* never, nothing has happened */
	TAPPET_DOUBT,  /* it may have happened */
};

/* A job at hand, until tappet_job_end, in the callback or later. When the session ends
 * it goes on, given up; if it comes again (same key) meanwhile, it is asked for again. */
struct tappet_job {
	const char *id, *key, *action, *rule, *event; /* rule and event may be empty */
	long long attempt, timeout;                   /* ms */
	json_t *params;                               /* an object */
	bool given_up;                                /* nobody waits for its end */
	void *data;                                   /* the plugin's own */
};

struct tappet_result {
	enum tappet_fate fate;
	json_t *value;     /* TAPPET_OK; NULL is null */
	const char *error; /* the others, words for people; NULL: none */
	long long after;   /* TAPPET_RETRY, ms; 0: as the rule says */
};

struct tappet_action {
	const char *name; /* NULL ends a list */
	void (*run)(void *of, struct tappet_job *job);
};

struct tappet_event {
	const char *cursor;
	long long seq;
	const char *text; /* the CloudEvent, JSON as the engine has written it */
	size_t size;
};

struct tappet_emit {
	const char *id, *type;      /* the same id is the same event */
	const char *subject, *time; /* RFC 3339; NULL: not said */
	json_t *data;
};

/* The answer to an emit: it is on disk, or refused for good. */
struct tappet_emitted {
	const char *id;
	const char *refused; /* why; NULL: it isn't */
	const char *event;
	long long seq;
	bool repeat;
};

struct tappet_subscription {
	const char *cursor;
	const char *const *types; /* patterns, NULL ends the list */
	long long from;           /* a seq or TAPPET_FROM_...; counts when the cursor is new */
	unsigned window;          /* 0: the engine's */
};

/* All may be NULL. */
struct tappet_calls {
	void (*cancelled)(void *of, struct tappet_job *job); /* it was given up: end it soon */
	void (*emitted)(void *of, const struct tappet_emitted *emitted);
	void (*event)(void *of, const struct tappet_event *event);
	/* Acknowledge `to`, or it is told again in the next session. */
	void (*gap)(void *of, const char *cursor, long long from, long long to);
	void (*idle)(void *of); /* what had come is handled: time to write, and to acknowledge */
	void (*stopping)(void *of);              /* BYE follows when all jobs have ended */
	void (*log)(void *of, const char *line); /* NULL: to stderr */
};

struct tappet_options {
	const char *name;     /* TAPPET_PLUGIN in the environment goes before it */
	const char *manifest; /* JSON */
	const struct tappet_action *actions;
	unsigned jobs;  /* at once */
	unsigned grace; /* ms for what is at hand when it is stopped; 0: 10,000 */
	struct tappet_calls calls;
	void *of; /* given to callbacks */
};

/* NULL: errno says why; EINVAL: the manifest or a key in the environment. Blocks SIGTERM and
 * SIGINT in this thread: they stop tappet_plugin_run. So begin threads after it. */
TAPPET_API struct tappet_plugin *tappet_plugin_new(const struct tappet_options *options);
TAPPET_API void tappet_plugin_free(struct tappet_plugin *p);

/* Until it is stopped: 0, or until the engine refuses it for good, or memory is out: 1. */
TAPPET_API int tappet_plugin_run(struct tappet_plugin *p);
TAPPET_API void tappet_plugin_stop(struct tappet_plugin *p);

/* Calls `ready` whenever fd can be read. False: memory is out. */
TAPPET_API bool tappet_plugin_watch(struct tappet_plugin *p, int fd,
				    void (*ready)(void *of, int fd));

/* Tells the engine that the plugin is alive, when it is time. */
TAPPET_API void tappet_plugin_beat(struct tappet_plugin *p);

TAPPET_API void tappet_job_end(struct tappet_job *job, const struct tappet_result *result);
TAPPET_API void tappet_job_progress(struct tappet_job *job);

/* Said again until it is answered. False: EAGAIN, 1024 wait; EINVAL; EMSGSIZE; ENOMEM. */
TAPPET_API bool tappet_emit(struct tappet_plugin *p, const struct tappet_emit *emit);

/* Before tappet_plugin_run. False: memory is out. Each event comes once while the process
 * lives, and again in the next one when it wasn't acknowledged. */
TAPPET_API bool tappet_subscribe(struct tappet_plugin *p,
				 const struct tappet_subscription *subscription);

/* All up to seq are done with; it is told after `idle`. */
TAPPET_API void tappet_ack(struct tappet_plugin *p, const char *cursor, long long seq);

#ifdef __cplusplus
}
#endif
#endif
