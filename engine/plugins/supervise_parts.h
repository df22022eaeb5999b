/* SPDX-License-Identifier: Apache-2.0
 *
 * supervise_parts - what the files of supervise share and nobody else includes. */
#ifndef TAPPET_PLUGINS_SUPERVISE_PARTS_H
#define TAPPET_PLUGINS_SUPERVISE_PARTS_H

#include <sys/types.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/plugins/supervise.h"

/* ---- supervise_recipe.c ---- */

/* Bytes that must not be printed: a line of a secret, of which LIMIT_PROCESS_SECRET are looked for.
 */
struct mask {
	struct text bytes;
	bool more; /* there are further ones: what follows isn't printed either */
};

/* A copy of a plugin's settings; immutable. */
struct recipe {
	struct arena *arena;
	struct text name;
	char **argv; /* ends with NULL */
	size_t argc;
	struct supervise_variable *environment; /* holds the secrets */
	size_t environment_count;
	struct mask *masks;
	size_t mask_count;
	size_t memory;
	unsigned files;
};

/* NULL when memory is out. */
struct recipe *recipe_new(const struct supervise_setting *from);
void recipe_free(struct recipe *recipe); /* NULL is fine */
bool recipe_same(const struct recipe *a, const struct recipe *b);
/* The value of a listed variable, or NULL. */
const struct secret *recipe_variable(const struct recipe *recipe, struct text name);

/* ---- supervise_launch.c ---- */

/* What all plugins are started with. */
struct surroundings {
	const char *folder;
	const char *sessions, *events; /* ipc with absolute paths */
};

struct process {
	pid_t pid;    /* 0: none */
	int pidfd;    /* readable when it has ended */
	int out, err; /* what it prints; -1: closed */
	int born; /* ends when it is the program; before, a struct unborn may come; -1: closed */
};

/* Why the program couldn't be started. */
struct unborn {
	int step; /* for unborn_words */
	int why;  /* an errno */
};

/* Forks on the calling thread, which must have blocked all signals and must outlive the process.
 * False fills `unborn`. */
bool launch_start(const struct recipe *recipe, const struct surroundings *around,
		  struct process *out, struct unborn *unborn);

void unborn_words(const struct unborn *unborn, const struct recipe *recipe,
		  char words[SUPERVISE_WORDS]);

/* ---- supervise_output.c ---- */

/* One stream, up to the end of its line. */
struct output {
	size_t n;   /* bytes kept */
	size_t cut; /* bytes of this line beyond them */
	char line[LIMIT_PROCESS_LINE + LIMIT_PROCESS_SECRET];
};

/* What both streams of a plugin share. */
struct teller {
	int64_t since; /* when there was room for `room` lines */
	unsigned room;
	uint64_t lines, dropped;
	uint64_t untold; /* of those dropped */
	int64_t told;
	struct buf masked, clean;
};

void teller_init(struct teller *t, int64_t now);
void teller_fini(struct teller *t);

/* Logs the lines that end in `bytes`; `stream` is "out" or "err". */
void output_take(struct output *o, struct teller *t, const struct recipe *recipe,
		 const char *stream, struct text bytes, int64_t now);
/* There is no more: what is left is a line, too. */
void output_end(struct output *o, struct teller *t, const struct recipe *recipe, const char *stream,
		int64_t now);
/* Tells how many lines were left out, once in a second. The time of the next call, -1: there are
 * none.
 */
int64_t teller_tell(struct teller *t, const struct recipe *recipe, bool final, int64_t now);

/* ---- supervise_child.c ---- */

#define CHILD_FDS 4 /* that are waited for */

/* A plugin and its process, if there is one. Only the thread touches it. */
struct child {
	struct child *next;
	const struct surroundings *around;
	struct recipe *recipe; /* what runs, or is to be started */
	struct recipe *after;  /* STOPPING: what is started then; NULL: the same, or nothing */
	bool gone;             /* not configured any more: freed when it has ended */
	enum supervise_state state;
	int64_t due;     /* WAITING: when it is started; STOPPING: when it is killed, or given up */
	bool killed;     /* STOPPING: SIGKILL was sent */
	bool hung;       /* STOPPING: for its own fault: it is started again after a pause */
	int64_t began;   /* when it was forked */
	unsigned pauses; /* that came one after the other */
	bool failed;     /* `unborn` says why exec didn't come about */
	struct unborn unborn;
	struct process process;
	struct output out, err;
	struct teller teller;
	uint64_t starts, failures;
	char words[SUPERVISE_WORDS];
};

/* Takes the recipe. NULL when memory is out: then the recipe is still the caller's. */
struct child *child_new(struct recipe *recipe, const struct surroundings *around, int64_t now);
void child_free(struct child *child); /* its process must have ended, or is given up */

/* What the configuration says now; takes the recipe. NULL: nothing of it. */
void child_change(struct child *child, struct recipe *recipe, int64_t now);
/* SIGTERM, if it runs, and SIGKILL after `patience`. */
void child_stop(struct child *child, int64_t patience, int64_t now);

/* Its session has heard nothing for LIMIT_SESSION_SILENCE. A process that is younger isn't the
 * one that fell silent. */
void child_hangs(struct child *child, int64_t now);

/* What is due; `start`: that includes starting it. The time of the next call at the latest, -1:
 * none. */
int64_t child_tick(struct child *child, bool start, int64_t now);

/* The descriptors it waits for, -1 for none; then what is said of them. `room` are
 * LIMIT_PROCESS_READ bytes for what is read. */
void child_watch(const struct child *child, int fds[CHILD_FDS]);
void child_ready(struct child *child, const bool ready[CHILD_FDS], char *room, int64_t now);

static inline bool child_has_process(const struct child *child)
{
	return child->process.pid > 0;
}

#endif
