/* SPDX-License-Identifier: Apache-2.0
 *
 * supervise_launch.c - fork and exec, and what lies between.
 *
 * I1  All that the child needs is made before the fork: between fork and exec it
 *     calls only what is safe in a signal handler (signal-safety(7)), because another
 *     thread may have held any lock.
 * I2  What the child can't do it writes to `born`, which exec closes.
 * I3  The environment's bytes are wiped here after the fork; the child's copy ends
 *     with exec. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/crypto.h"
#include "engine/base/fault.h"
#include "engine/base/mem.h"
#include "engine/plugins/supervise_parts.h"

#define OURS 4 /* variables that aren't listed */

enum step { STEP_MEMORY, STEP_PIPES, STEP_FORK, STEP_SEAT, STEP_FOLDER, STEP_LIMITS, STEP_EXEC };

static const char *const step_words[] = {
	"there is no memory for it",   "there are no descriptors for it", "it can't be forked",
	"it can't be given its place", "its folder can't be entered",     "its limits can't be set",
	"it can't be executed",
};

/* All that the child needs. */
struct plan {
	char *const *argv;
	char **envp, **programs; /* each ends with NULL */
	const char *folder;
	int null, out, err, born; /* the child's */
	struct rlimit data, files;
	bool has_data, has_files;
	pid_t parent;
	struct buf paths;  /* of the programs, one after the other with a NUL each */
	char *environment; /* the same of the variables */
	size_t environment_size;
};

/* ---- In the child. ---- */

static _Noreturn void give_up(const struct plan *plan, enum step step)
{
	const struct unborn unborn = { (int)step, errno };
	ssize_t told = write(plan->born, &unborn, sizeof(unborn)); /* one piece: below PIPE_BUF */

	(void)told;
	_exit(127);
}

static bool reset_signals(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &usual, NULL); /* some can't be, and are as they should be */
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Session, signals, descriptors, rights. */
static bool take_seat(const struct plan *plan)
{
	if (setsid() < 0 || !reset_signals())
		return false;
	if (dup2(plan->null, STDIN_FILENO) < 0 || dup2(plan->out, STDOUT_FILENO) < 0 ||
	    dup2(plan->err, STDERR_FILENO) < 0)
		return false;
	if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return false;
	/* Died before that was set? */
	return getppid() == plan->parent;
}

static bool take_limits(const struct plan *plan)
{
	static const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 &&
	       (!plan->has_files || setrlimit(RLIMIT_NOFILE, &plan->files) == 0) &&
	       (!plan->has_data || setrlimit(RLIMIT_DATA, &plan->data) == 0);
}

/* As execvp(3): the next one when this isn't there; that one may not be executed is told when no
 * other is. */
static void execute(const struct plan *plan)
{
	bool forbidden = false;

	for (char **program = plan->programs; *program != NULL; program++) {
		(void)execve(*program, plan->argv, plan->envp);
		forbidden = forbidden || errno == EACCES;
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return;
	}
	errno = forbidden ? EACCES : ENOENT;
}

static _Noreturn void child(const struct plan *plan)
{
	if (!take_seat(plan))
		give_up(plan, STEP_SEAT);
	if (chdir(plan->folder) != 0)
		give_up(plan, STEP_FOLDER);
	if (!take_limits(plan))
		give_up(plan, STEP_LIMITS);
	execute(plan);
	give_up(plan, STEP_EXEC);
}

/* ---- Before the fork. ---- */

struct variable {
	struct text name, value;
};

static struct text search_path(const struct recipe *recipe)
{
	const struct secret *listed = recipe_variable(recipe, TEXT("PATH"));
	const char *ours = getenv("PATH");

	if (listed != NULL)
		return secret_reveal(listed);
	return ours != NULL ? text_of(ours) : TEXT("/usr/local/bin:/usr/bin:/bin");
}

static char *put(char *at, struct text t)
{
	if (t.n > 0)
		memcpy(at, t.s, t.n);
	return at + t.n;
}

static bool pack(struct plan *plan, const struct variable *all, size_t count)
{
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < count; i++)
		size += all[i].name.n + all[i].value.n + 2;
	plan->environment = mem_alloc(size);
	plan->environment_size = size;
	plan->envp = mem_zero(count + 1, sizeof(*plan->envp));
	if (plan->environment == NULL || plan->envp == NULL)
		return false;
	at = plan->environment;
	for (size_t i = 0; i < count; i++) {
		plan->envp[i] = at;
		at = put(at, all[i].name);
		*at++ = '=';
		at = put(at, all[i].value);
		*at++ = '\0';
	}
	return true;
}

static bool plan_environment(struct plan *plan, const struct recipe *recipe,
			     const struct surroundings *around)
{
	const struct variable ours[OURS] = {
		{ TEXT("TAPPET_SESSIONS"), text_of(around->sessions) },
		{ TEXT("TAPPET_EVENTS"), text_of(around->events) },
		{ TEXT("TAPPET_PLUGIN"), recipe->name },
		{ TEXT("PATH"), search_path(recipe) },
	};
	bool listed = recipe_variable(recipe, TEXT("PATH")) != NULL;
	size_t n = OURS - listed;
	struct variable *all = mem_zero(n + recipe->environment_count, sizeof(*all));
	bool packed;

	if (all == NULL)
		return false;
	memcpy(all, ours, n * sizeof(*all));
	for (size_t i = 0; i < recipe->environment_count; i++)
		all[n + i] = (struct variable){ recipe->environment[i].name,
						secret_reveal(recipe->environment[i].value) };
	packed = pack(plan, all, n + recipe->environment_count);
	mem_free(all);
	return packed;
}

/* Where the program may be: a name with a slash is a path, another is looked for in PATH. An empty
 * part of PATH is the working directory. */
static bool plan_programs(struct plan *plan, const struct recipe *recipe)
{
	const char *program = recipe->argv[0];
	struct text rest = search_path(recipe), part;
	size_t count = 0, parts = 1;

	for (size_t i = 0; i < rest.n; i++)
		parts += rest.s[i] == ':';
	if (strchr(program, '/') != NULL) {
		rest = TEXT_NONE;
		parts = 1;
	}
	plan->programs = mem_zero(parts + 1, sizeof(*plan->programs));
	if (plan->programs == NULL)
		return false;
	for (size_t i = 0; i < parts; i++) {
		rest = text_split(rest, ':', &part);
		buf_text(&plan->paths, part);
		buf_str(&plan->paths, part.n > 0 ? "/" : "");
		buf_put(&plan->paths, program, strlen(program) + 1);
	}
	for (size_t at = 0; !buf_failed(&plan->paths) && count < parts; count++) {
		plan->programs[count] = plan->paths.s + at;
		at += strlen(plan->paths.s + at) + 1;
	}
	return !buf_failed(&plan->paths);
}

/* What is more than the engine itself may have is what it may have. */
static struct rlimit capped(__rlimit_resource_t what, size_t wanted)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	(void)getrlimit(what, &limit);
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted)
		limit.rlim_max = wanted;
	limit.rlim_cur = limit.rlim_max;
	return limit;
}

static bool make_plan(struct plan *plan, const struct recipe *recipe,
		      const struct surroundings *around)
{
	plan->argv = recipe->argv;
	plan->folder = around->folder;
	plan->parent = getpid();
	plan->has_data = recipe->memory > 0;
	plan->has_files = recipe->files > 0;
	plan->data = capped(RLIMIT_DATA, recipe->memory);
	plan->files = capped(RLIMIT_NOFILE, recipe->files);
	return plan_environment(plan, recipe, around) && plan_programs(plan, recipe);
}

static void drop_plan(struct plan *plan)
{
	if (plan->environment != NULL)
		bytes_wipe(plan->environment, plan->environment_size);
	mem_free(plan->environment);
	mem_free(plan->envp);
	mem_free(plan->programs);
	buf_fini(&plan->paths);
}

/* ---- Descriptors. ---- */

static void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Those of a child are above 2, where dup2 doesn't overwrite one with another. */
static bool lift(int *fd)
{
	int high;

	if (*fd > STDERR_FILENO)
		return true;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	(void)close(*fd);
	*fd = high;
	return high >= 0;
}

static bool open_pipe(int *ours, int *theirs)
{
	int ends[2];

	if (fault_point("pipe") || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*ours = ends[0];
	*theirs = ends[1];
	return lift(theirs) && fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool open_all(struct plan *plan, struct process *p)
{
	plan->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return plan->null >= 0 && lift(&plan->null) && open_pipe(&p->out, &plan->out) &&
	       open_pipe(&p->err, &plan->err) && open_pipe(&p->born, &plan->born);
}

static void close_theirs(struct plan *plan)
{
	shut(&plan->null);
	shut(&plan->out);
	shut(&plan->err);
	shut(&plan->born);
}

static void close_ours(struct process *p)
{
	shut(&p->out);
	shut(&p->err);
	shut(&p->born);
}

/* ---- The fork. ---- */

/* A process that can't be watched isn't kept. */
static bool watch(struct process *p)
{
	int why;

	errno = EMFILE;
	p->pidfd = fault_point("pidfd") ? -1 : pidfd_open(p->pid, 0);
	if (p->pidfd >= 0)
		return true;
	why = errno;
	(void)kill(p->pid, SIGKILL);
	(void)waitpid(p->pid, NULL, 0);
	errno = why;
	return false;
}

static bool fork_child(const struct plan *plan, struct process *p)
{
	errno = EAGAIN; /* unless the call says otherwise */
	p->pid = fault_point("fork") ? -1 : fork();
	if (p->pid == 0)
		child(plan);
	return p->pid > 0 && watch(p);
}

bool launch_start(const struct recipe *recipe, const struct surroundings *around,
		  struct process *out, struct unborn *unborn)
{
	struct plan plan = { .null = -1, .out = -1, .err = -1, .born = -1 };
	struct process p = { 0, -1, -1, -1, -1 };
	enum step step = STEP_MEMORY;
	bool done = false;

	assert(recipe != NULL && around != NULL && out != NULL && unborn != NULL);
	buf_init(&plan.paths, LIMIT_PROCESS_SETTINGS);
	errno = ENOMEM;
	if (make_plan(&plan, recipe, around)) {
		errno = EMFILE; /* unless a call says otherwise */
		step = open_all(&plan, &p) ? STEP_FORK : STEP_PIPES;
		done = step == STEP_FORK && fork_child(&plan, &p);
	}
	*unborn = (struct unborn){ (int)step, errno };
	close_theirs(&plan);
	drop_plan(&plan);
	if (done)
		*out = p;
	else
		close_ours(&p);
	return done;
}

/* Mostly it is a name that is wrong. */
static const char *explain_exec(int why, const struct recipe *recipe)
{
	if (why == ENOENT && strchr(recipe->argv[0], '/') == NULL)
		return "there is no such program in PATH";
	if (why == ENOENT)
		return "there is no such file, or no interpreter as in its first line";
	if (why == ENOEXEC)
		return "it is no program, nor a script that begins with #!";
	return strerror(why);
}

void unborn_words(const struct unborn *unborn, const struct recipe *recipe,
		  char words[SUPERVISE_WORDS])
{
	enum step step;

	assert(unborn != NULL && recipe != NULL && words != NULL);
	assert(unborn->step >= 0 && unborn->step <= STEP_EXEC);
	step = (enum step)unborn->step;
	(void)snprintf(words, SUPERVISE_WORDS, "%s: %s", step_words[step],
		       step == STEP_EXEC ? explain_exec(unborn->why, recipe)
					 : strerror(unborn->why));
}
