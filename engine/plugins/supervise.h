/* SPDX-License-Identifier: Apache-2.0
 *
 * supervise - the processes of plugins that have a `command`: started, watched,
 * started again, stopped.
 *
 * One thread forks, reads what they print and waits for their ends (pidfd_open(2)).
 * It knows nothing of sessions but what supervise_silent says: a process that doesn't
 * say HELLO is told of once, and left alone.
 *
 *   supervise.c         the thread: which process is in which state
 *   supervise_child.c   one of them, from start to end
 *   supervise_recipe.c  what is started: a copy of the settings
 *   supervise_launch.c  fork and exec, and what lies between
 *   supervise_output.c  what it prints, as lines of the log
 *
 *   WAITING --due--> STARTING --exec--> RUNNING --reload, stop--> STOPPING
 *      ^                 |                 |                          |
 *      +----- pause -----+---- its end ----+------- its end ----------+
 *
 * I1  A process has its standard input from /dev/null, its output in pipes, the
 *     folder of tappet.yaml as its working directory, a session and group of its own, and
 *     no other descriptor. Its environment is what is listed, TAPPET_SESSIONS,
 *     TAPPET_EVENTS, TAPPET_PLUGIN and, unless listed, the engine's PATH.
 * I2  It can't gain privileges (PR_SET_NO_NEW_PRIVS), leaves no core, and is killed
 *     when the engine dies, however that comes about (PR_SET_PDEATHSIG, which is about the
 *     thread that forked: so that thread outlives what it starts). What it has started
 *     itself is in its group, which is killed when it ends; when the engine is killed it isn't.
 * I3  Memory is bounded by RLIMIT_DATA, not RLIMIT_AS: runtimes reserve far more
 *     addresses than they use.
 * I4  Pauses before it is started again: LIMIT_PROCESS_PAUSE, doubling to
 *     LIMIT_PROCESS_PAUSES, anew after it has lived LIMIT_PROCESS_LIVED.
 * I5  A process is stopped by SIGTERM to its group, and by SIGKILL after its patience.
 * I6  What it prints is escaped, bounded in length and number, and the values of its
 *     environment that aren't `open` are masked.
 * Ownership: settings are copied, secrets referenced; supervise_stop frees all.
 * Never: prints a value of the environment; blocks on a process. */
#ifndef TAPPET_PLUGINS_SUPERVISE_H
#define TAPPET_PLUGINS_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/fate.h"
#include "engine/base/limits.h"
#include "engine/base/secret.h"
#include "engine/base/text.h"

#define SUPERVISE_WORDS 300 /* bytes that say why a process isn't running */

struct supervise;

struct supervise_variable {
	struct text name;
	struct secret *value;
	bool open; /* it stands in tappet.yaml as it is: what is printed needn't be masked */
};

struct supervise_setting {
	struct text name;           /* of the plugin, at most LIMIT_SESSION_NAME bytes */
	const struct text *command; /* the program and its arguments; count 0: nothing is started */
	size_t command_count;
	const struct supervise_variable *environment;
	size_t environment_count;
	size_t memory;  /* bytes; 0: as the engine */
	unsigned files; /* descriptors; 0: as the engine */
};

struct supervise_parts {
	const char *sessions, *events; /* endpoints, as plugins_sessions and plugins_events */
	struct text folder;            /* of tappet.yaml; empty: the current one */
	const struct supervise_setting *settings;
	size_t count;
	struct clock clock;
};

/* FATE_RETRY: memory, descriptors or threads are out. That a command can't be started is no error
 * here: it is logged, and tried again. */
enum fate supervise_start(const struct supervise_parts *parts, struct supervise **out);

/* ---- Any thread. ---- */

/* What is unchanged lives on, or is tried at once when it waits. False: memory is out, and all
 * stays as it was. */
bool supervise_reload(struct supervise *s, const struct supervise_setting *settings, size_t count);

/* The plugin's session has been silent for too long: if its process is as old as that silence, it
 * hangs, is stopped as in I5, and started again after a pause. */
void supervise_silent(struct supervise *s, struct text plugin);

/* From now on nothing is started: the engine is about to stop, and what was told so may end. */
void supervise_leave(struct supervise *s);

/* Stops what runs, within so many ms and LIMIT_PROCESS_KILLED; joins the thread, frees. NULL is
 * fine. */
void supervise_stop(struct supervise *s, int64_t patience);

enum supervise_state {
	SUPERVISE_WAITING,  /* for its next start */
	SUPERVISE_STARTING, /* forked */
	SUPERVISE_RUNNING,
	SUPERVISE_STOPPING,
};

/* For metrics and `tappet plugin list`. The numbers count since the plugin is configured. */
struct supervise_view {
	char name[LIMIT_SESSION_NAME + 1];
	enum supervise_state state;
	int64_t pid;                 /* 0: none */
	uint64_t starts;             /* that came as far as exec */
	uint64_t failures;           /* starts that failed, and ends that nobody asked for */
	uint64_t lines, dropped;     /* of output: logged, left out */
	char words[SUPERVISE_WORDS]; /* why it failed last; empty: it didn't */
};

/* How many there are; the first `room` of them are written, by name. */
size_t supervise_list(struct supervise *s, struct supervise_view *out, size_t room);

#endif
