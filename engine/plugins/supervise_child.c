/* SPDX-License-Identifier: Apache-2.0
 *
 * supervise_child.c - one plugin's process, from start to end.
 *
 * I1  A process is reaped after its group was killed: until then nobody else can have
 *     its number, nor the group's.
 * I2  One read of each descriptor at a time: a process that prints without end
 *     doesn't keep the others waiting. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/plugins/supervise_parts.h"

#define DRAIN_READS 4 /* of what a process has left in a pipe: which holds one, mostly */

struct child *child_new(struct recipe *recipe, const struct surroundings *around, int64_t now)
{
	struct child *c = mem_zero(1, sizeof(*c));

	assert(recipe != NULL && around != NULL);
	if (c == NULL)
		return NULL;
	c->around = around;
	c->recipe = recipe;
	c->state = SUPERVISE_WAITING;
	c->due = now;
	c->process = (struct process){ 0, -1, -1, -1, -1 };
	teller_init(&c->teller, now);
	return c;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void close_process(struct process *p)
{
	shut(&p->pidfd);
	shut(&p->out);
	shut(&p->err);
	shut(&p->born);
	p->pid = 0;
}

void child_free(struct child *child)
{
	if (child == NULL)
		return;
	close_process(&child->process);
	teller_fini(&child->teller);
	recipe_free(child->recipe);
	recipe_free(child->after);
	mem_free(child);
}

/* ---- The start. ---- */

/* The pause until the next one. */
static int64_t pause_for(struct child *c, int64_t lived)
{
	int64_t pause = LIMIT_PROCESS_PAUSE;

	if (lived >= LIMIT_PROCESS_LIVED)
		c->pauses = 0;
	for (unsigned i = 0; i < c->pauses && pause < LIMIT_PROCESS_PAUSES; i++)
		pause *= 2;
	c->pauses++;
	return pause < LIMIT_PROCESS_PAUSES ? pause : LIMIT_PROCESS_PAUSES;
}

static void wait_again(struct child *c, int64_t lived, int64_t now)
{
	c->state = SUPERVISE_WAITING;
	c->due = now + pause_for(c, lived);
	c->failures++;
}

static void not_started(struct child *c, const struct unborn *unborn, int64_t now)
{
	wait_again(c, 0, now);
	unborn_words(unborn, c->recipe, c->words);
	log_write(LOG_ERROR, "a plugin's command can't be started",
		  LOG_S("plugin", c->recipe->name.s), LOG_S("command", c->recipe->argv[0]),
		  LOG_S("why", c->words), LOG_I("again_in_ms", c->due - now));
}

static void start(struct child *c, int64_t now)
{
	struct unborn unborn;

	c->failed = false;
	c->out.n = c->err.n = 0;
	c->out.cut = c->err.cut = 0;
	if (!launch_start(c->recipe, c->around, &c->process, &unborn)) {
		not_started(c, &unborn, now);
		return;
	}
	c->state = SUPERVISE_STARTING;
	c->began = now;
}

/* ---- The end. ---- */

static void signal_group(const struct child *c, int number)
{
	/* Just forked, it has no group yet. */
	if (kill(-c->process.pid, number) != 0)
		(void)kill(c->process.pid, number);
}

void child_stop(struct child *child, int64_t patience, int64_t now)
{
	assert(child != NULL && patience >= 0);
	if (!child_has_process(child))
		return;
	if (child->state == SUPERVISE_STOPPING) {
		if (!child->killed && child->due > now + patience)
			child->due = now + patience;
		return;
	}
	child->state = SUPERVISE_STOPPING;
	child->killed = child->hung = false;
	child->due = now + patience;
	signal_group(child, SIGTERM);
}

void child_hangs(struct child *child, int64_t now)
{
	assert(child != NULL);
	if (child->state != SUPERVISE_RUNNING || now - child->began < LIMIT_SESSION_SILENCE)
		return;
	log_write(LOG_WARN, "a plugin's process hangs: it is stopped and started again",
		  LOG_S("plugin", child->recipe->name.s), LOG_I("pid", child->process.pid));
	child_stop(child, LIMIT_PROCESS_HUNG, now);
	child->hung = true;
}

static void read_stream(struct child *c, int *fd, struct output *o, const char *stream, char *room,
			int64_t now)
{
	ssize_t n = read(*fd, room, LIMIT_PROCESS_READ);

	if (n > 0) {
		output_take(o, &c->teller, c->recipe, stream, (struct text){ room, (size_t)n },
			    now);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		output_end(o, &c->teller, c->recipe, stream, now);
		shut(fd);
	}
}

/* What it has left there; others that it started may go on printing, unheard. */
static void drain(struct child *c, int *fd, struct output *o, const char *stream, char *room,
		  int64_t now)
{
	for (int i = 0; i < DRAIN_READS && *fd >= 0; i++)
		read_stream(c, fd, o, stream, room, now);
	if (*fd >= 0)
		output_end(o, &c->teller, c->recipe, stream, now);
}

static void born(struct child *c)
{
	ssize_t n = read(c->process.born, &c->unborn, sizeof(c->unborn));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->failed = n == (ssize_t)sizeof(c->unborn);
	shut(&c->process.born);
	if (c->failed)
		return; /* its end follows */
	c->starts++;
	if (c->state == SUPERVISE_STARTING)
		c->state = SUPERVISE_RUNNING;
	log_write(LOG_INFO, "a plugin's process was started", LOG_S("plugin", c->recipe->name.s),
		  LOG_I("pid", c->process.pid));
}

static void end_words(const siginfo_t *info, char words[SUPERVISE_WORDS])
{
	const char *name = sigdescr_np(info->si_status);

	if (info->si_code == CLD_EXITED)
		(void)snprintf(words, SUPERVISE_WORDS, "exit status %d", info->si_status);
	else if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
		(void)snprintf(words, SUPERVISE_WORDS, "signal %d (%s)", info->si_status,
			       name != NULL ? name : "unknown");
	else
		(void)snprintf(words, SUPERVISE_WORDS, "nobody knows how");
}

static void tell_end(struct child *c, const siginfo_t *info, int64_t lived, int64_t now)
{
	char words[SUPERVISE_WORDS];

	end_words(info, words);
	if (c->state == SUPERVISE_STOPPING && !c->hung) {
		log_write(LOG_INFO, "a plugin's process was stopped",
			  LOG_S("plugin", c->recipe->name.s), LOG_S("end", words));
		c->state = SUPERVISE_WAITING;
		c->due = now;
		c->pauses = 0;
		return;
	}
	wait_again(c, lived, now);
	(void)snprintf(c->words, sizeof(c->words), "%s%.280s", c->hung ? "it hung: " : "", words);
	c->hung = false;
	log_write(LOG_WARN, "a plugin's process has ended", LOG_S("plugin", c->recipe->name.s),
		  LOG_S("end", words), LOG_I("lived_ms", lived),
		  LOG_I("again_in_ms", c->due - now));
}

static void settle(struct child *c)
{
	if (c->after == NULL)
		return;
	recipe_free(c->recipe);
	c->recipe = c->after;
	c->after = NULL;
}

static void ended(struct child *c, char *room, int64_t now)
{
	const unsigned pidfd = (unsigned)c->process.pidfd;
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
		if (info.si_pid == 0)
			return;
		(void)kill(-c->process.pid, SIGKILL);
		(void)waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG);
	}
	if (c->process.born >= 0)
		born(c);
	drain(c, &c->process.out, &c->out, "out", room, now);
	drain(c, &c->process.err, &c->err, "err", room, now);
	(void)teller_tell(&c->teller, c->recipe, true, now);
	close_process(&c->process);
	if (c->failed && c->state != SUPERVISE_STOPPING)
		not_started(c, &c->unborn, now);
	else
		tell_end(c, &info, now - c->began, now);
	settle(c);
}

/* ---- What is due. ---- */

static void stop_harder(struct child *c, int64_t now)
{
	const char *name = c->recipe->name.s;

	if (!c->killed) {
		log_write(LOG_WARN, "a plugin's process is killed: it hasn't ended when told to",
			  LOG_S("plugin", name), LOG_I("pid", c->process.pid));
		signal_group(c, SIGKILL);
		c->killed = true;
		c->due = now + LIMIT_PROCESS_KILLED;
		return;
	}
	log_write(LOG_ERROR, "a plugin's process doesn't end, killed or not; it is left alone",
		  LOG_S("plugin", name), LOG_I("pid", c->process.pid));
	close_process(&c->process);
	c->state = SUPERVISE_WAITING;
	c->due = now;
	settle(c);
}

int64_t child_tick(struct child *child, bool start_it, int64_t now)
{
	int64_t next = -1, telling;

	assert(child != NULL);
	if (child->state == SUPERVISE_STOPPING && now >= child->due)
		stop_harder(child, now);
	else if (child->state == SUPERVISE_WAITING && start_it && !child->gone && now >= child->due)
		start(child, now);
	if (child->state == SUPERVISE_STOPPING ||
	    (child->state == SUPERVISE_WAITING && start_it && !child->gone))
		next = child->due;
	telling = teller_tell(&child->teller, child->recipe, false, now);
	return telling >= 0 && (next < 0 || telling < next) ? telling : next;
}

/* ---- What happens. ---- */

void child_change(struct child *child, struct recipe *recipe, int64_t now)
{
	bool same;

	assert(child != NULL);
	child->gone = recipe == NULL;
	same = recipe != NULL && recipe_same(child->recipe, recipe);
	if (child->state == SUPERVISE_WAITING)
		child->due = now; /* who has mended it doesn't wait */
	if (same && child->state != SUPERVISE_STOPPING) {
		recipe_free(recipe);
		return;
	}
	recipe_free(child->after);
	child->after = recipe;
	if (child_has_process(child))
		child_stop(child, LIMIT_PROCESS_PATIENCE, now);
	else
		settle(child);
}

void child_watch(const struct child *child, int fds[CHILD_FDS])
{
	assert(child != NULL && fds != NULL);
	fds[0] = child->process.born;
	fds[1] = child->process.out;
	fds[2] = child->process.err;
	fds[3] = child->process.pidfd;
}

void child_ready(struct child *child, const bool ready[CHILD_FDS], char *room, int64_t now)
{
	struct process *p;

	assert(child != NULL && ready != NULL && room != NULL);
	p = &child->process;
	if (ready[0] && p->born >= 0)
		born(child);
	if (ready[1] && p->out >= 0)
		read_stream(child, &p->out, &child->out, "out", room, now);
	if (ready[2] && p->err >= 0)
		read_stream(child, &p->err, &child->err, "err", room, now);
	if (ready[3] && p->pidfd >= 0)
		ended(child, room, now);
}
