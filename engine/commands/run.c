/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - `tappet run`: the daemon in the foreground.
 *
 * The main thread loads what is written, starts the parts, then waits for
 * signals: SIGHUP reloads (all or nothing), SIGTERM and SIGINT drain and stop.
 * With `reload: watch` it also looks at the files twice a second and reloads when
 * they changed and have been quiet since. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/mark.h"
#include "engine/base/mem.h"
#include "engine/commands/command.h"
#include "engine/commands/daemon.h"
#include "engine/commands/manifests.h"
#include "engine/commands/watch.h"
#include "engine/io/notify.h"

#define DRAIN_MS   10000
#define WATCH_MS   500
#define STOP_WORDS 512 /* what is wrong with the store, and what to do about it */

struct loaded {
	struct config *config;
	struct ruleset *rules;
	struct manifests *manifests; /* what plugins said; borrowed */
	uint64_t rules_mark;         /* of all paths of rules, from before they were read */
};

static void loaded_drop(struct loaded *loaded)
{
	ruleset_free(loaded->rules);
	config_free(loaded->config);
	loaded->rules = NULL;
	loaded->config = NULL;
}

static bool json_log(const struct context *context)
{
	const char *format = option_value(context, "log-format");

	return format != NULL && strcmp(format, "json") == 0;
}

/* Mistakes with their lines and carets, or, in a log of JSON lines, one line each. */
static void tell(const struct context *context, struct diags *diags)
{
	struct buf text;

	if (json_log(context)) {
		for (size_t i = 0; i < diags_count(diags); i++) {
			const struct diag *d = diags_at(diags, i);

			log_write(d->severity == DIAG_ERROR ? LOG_ERROR : LOG_WARN, d->what,
				  LOG_S("file", d->at.file), LOG_I("line", d->at.line),
				  LOG_I("column", d->at.column), LOG_S("hint", d->hint));
		}
		return;
	}
	buf_init(&text, LIMIT_MISTAKES_TEXT);
	diags_print(diags, &text, context->colour && isatty(STDERR_FILENO));
	(void)fwrite(buf_cstr(&text), 1, text.n, stderr);
	buf_fini(&text);
}

/* Configuration and rules from the files; false after telling what is wrong. */
static bool load(struct context *context, struct loaded *out)
{
	struct diags *diags = diags_new();
	bool fine;

	out->config = NULL;
	out->rules = NULL;
	if (diags == NULL)
		return false;
	out->config = config_load_all(context->config_files, context->config_count,
				      CONFIG_SECRETS_NEEDED, diags);
	out->rules_mark = 0;
	for (size_t i = 0; out->config != NULL && i < out->config->rule_path_count; i++)
		out->rules_mark += mark_of(out->config->rule_paths[i]);
	if (out->config != NULL && manifests_apply(out->manifests, out->config))
		out->rules = ruleset_load(out->config, out->config->rule_paths,
					  out->config->rule_path_count, diags);
	fine = out->rules != NULL && diags_errors(diags) == 0;
	tell(context, diags);
	diags_free(diags);
	if (!fine)
		loaded_drop(out);
	return fine;
}

static bool apply(struct daemon *daemon, struct loaded *current, struct loaded *next)
{
	char why[STOP_WORDS] = "";

	if (!daemon_reload(daemon, next->config, next->rules, why, sizeof(why))) {
		log_write(LOG_ERROR, "reload refused", LOG_S("why", why));
		loaded_drop(next);
		return false;
	}
	loaded_drop(current);
	*current = *next;
	return true;
}

static bool reload(struct context *context, struct daemon *daemon, struct loaded *current)
{
	struct loaded next = { .manifests = current->manifests };

	if (!load(context, &next)) {
		log_write(LOG_ERROR,
			  "reload refused: the files have mistakes; all stays as it was");
		return false;
	}
	if (!apply(daemon, current, &next))
		return false;
	log_write(LOG_INFO, "reloaded", LOG_I("rules", ruleset_count(current->rules)));
	return true;
}

static bool reload_told(struct context *context, struct daemon *daemon, struct loaded *current)
{
	bool changed;

	(void)notify_send("RELOADING=1");
	changed = reload(context, daemon, current);
	(void)notify_send(changed ? "READY=1\nSTATUS=ready"
				  : "READY=1\nSTATUS=ready; the last reload was refused");
	return changed;
}

static const char *first_error(struct diags *diags)
{
	for (size_t i = 0; diags != NULL && i < diags_count(diags); i++)
		if (diags_at(diags, i)->severity == DIAG_ERROR)
			return diags_at(diags, i)->what;
	return "memory is out";
}

/* Files of secrets and certificates changed, or rules can't be loaded for what a plugin said: the
 * configuration as it was read, with what they hold now. */
static bool renew(struct daemon *daemon, struct loaded *current)
{
	struct diags *diags = diags_new();
	struct loaded next = { .manifests = current->manifests };
	bool fine = diags != NULL;

	if (fine)
		next.config = config_again(current->config, diags);
	fine = fine && next.config != NULL && diags_errors(diags) == 0 &&
	       manifests_apply(next.manifests, next.config);
	if (!fine)
		log_write(LOG_ERROR,
			  "a file of secrets or certificates can't be read; the old "
			  "ones stay",
			  LOG_S("why", first_error(diags)));
	diags_free(diags);
	if (!fine) {
		loaded_drop(&next);
		return false;
	}
	next.rules = ruleset_ref(current->rules);
	next.rules_mark = current->rules_mark;
	return apply(daemon, current, &next);
}

/* A plugin said something new of itself: rules are read with it. When files have mistakes just now
 * the loaded rules go on, and their jobs are built as the plugin takes them now. */
static bool learn(struct context *context, struct daemon *daemon, struct loaded *current)
{
	log_write(LOG_INFO, "a plugin has said what it has; rules are checked against it");
	return reload(context, daemon, current) || renew(daemon, current);
}

/* ---- Waiting. ---- */

struct watches {
	struct text *paths; /* heap: the configuration and what it names */
	struct watch files, secrets;
};

/* The configuration, rules, and the files of tables, manifests and keys; as many as there is room
 * for. With the sum of the marks they had when they were read. */
static size_t watched(const struct loaded *loaded, struct text *out, size_t room, uint64_t *mark)
{
	const struct config *config = loaded->config;
	const struct table_list *tables = ruleset_tables(loaded->rules);
	size_t n = 0;

	*mark = loaded->rules_mark;
	for (size_t i = 0; i < config->file_count && n < room; i++) {
		out[n++] = config->files[i].path;
		*mark += config->files[i].mark;
	}
	for (size_t i = 0; i < config->rule_path_count && n < room; i++)
		out[n++] = config->rule_paths[i];
	for (size_t i = 0; i < tables->count && n < room; i++)
		if (tables->items[i]->file.n > 0) {
			out[n++] = tables->items[i]->file;
			*mark += tables->items[i]->file_mark;
		}
	for (size_t i = 0; i < config->plugin_count && n < room; i++)
		if (config->plugins[i].manifest_file.n > 0) {
			out[n++] = config->plugins[i].manifest_file;
			*mark += config->plugins[i].manifest_mark;
		}
	if (config->bus.key != NULL && n < room) {
		out[n++] = config->bus.trusted;
		*mark += config->bus.trusted_mark;
	}
	return n;
}

static void watches_init(struct watches *w, const struct loaded *loaded)
{
	const struct config *config = loaded->config;
	size_t room = config->file_count + config->rule_path_count +
		      ruleset_tables(loaded->rules)->count + config->plugin_count + 1;

	uint64_t mark = 0;
	size_t n = 0;

	mem_free(w->paths);
	w->paths = config->watch ? mem_zero(room, sizeof(*w->paths)) : NULL;
	if (w->paths != NULL)
		n = watched(loaded, w->paths, room, &mark);
	watch_init(&w->files, w->paths, n, mark);
	watch_init(&w->secrets, config->secret_files, config->secret_file_count,
		   config->secrets_mark);
}

/* The service manager's watchdog is fed while batches end. */
static int64_t feed(const struct daemon *daemon)
{
	int64_t every = notify_watchdog();

	if (every > 0 && !daemon_hangs(daemon, every))
		(void)notify_send("WATCHDOG=1");
	return every / 3;
}

/* The next signal, or 0 when it is time to look at the files, to feed the watchdog, or to see what
 * the log left out. */
static int wait_signal(const sigset_t *set, const struct watches *w, const struct daemon *daemon)
{
	int64_t wait = feed(daemon);
	struct timespec most;
	int signal;

	if (wait == 0 || wait > LIMIT_LOG_SETTLE)
		wait = LIMIT_LOG_SETTLE;
	if (w->files.count + w->secrets.count > 0 && wait > WATCH_MS)
		wait = WATCH_MS;
	most = (struct timespec){ .tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000 };
	signal = sigtimedwait(set, NULL, &most);
	log_settle(false);

	return signal > 0 ? signal : 0;
}

static void serve(struct context *context, struct daemon *daemon, struct loaded *current,
		  const sigset_t *set)
{
	struct watches w = { .paths = NULL };
	bool changed = true;

	for (;;) {
		if (changed)
			watches_init(&w, current);
		int signal = wait_signal(set, &w, daemon);

		if (signal == SIGTERM || signal == SIGINT)
			break;
		changed = false;
		if (signal == SIGHUP || watch_changed(&w.files))
			changed = reload_told(context, daemon, current);
		else if (signal == SIGUSR1)
			changed = learn(context, daemon, current);
		else if (watch_changed(&w.secrets) && (changed = renew(daemon, current)))
			log_write(LOG_INFO, "secrets read again");
	}
	mem_free(w.paths);
}

static bool block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	return signal(SIGPIPE, SIG_IGN) != SIG_ERR && signal(SIGXFSZ, SIG_IGN) != SIG_ERR &&
	       sigprocmask(SIG_BLOCK, set, NULL) == 0;
}

/* The bus's thread: the main thread waits for signals and does the work. */
static void ask_to_learn(void *of)
{
	(void)of;
	(void)kill(getpid(), SIGUSR1);
}

/* In builds for tests, TAPPET_CLOCK names the file that turns it. */
static struct clock run_clock(void)
{
	struct clock clock = clock_system();
#ifdef TAPPET_FAULTS
	const char *path = getenv("TAPPET_CLOCK");

	if (path != NULL && !clock_turned(path, &clock))
		log_write(LOG_ERROR, "there is no clock", LOG_S("file", path));
#endif
	return clock;
}

/* Until it is told to stop. */
static int run_with(struct context *context, struct manifests *manifests, const sigset_t *set)
{
	struct loaded loaded = { .manifests = manifests };
	char why[STOP_WORDS] = "";
	struct daemon *daemon;

	if (!load(context, &loaded))
		return COMMAND_FAILED;
	if (daemon_start(loaded.config, loaded.rules, manifests, run_clock(), &daemon, why,
			 sizeof(why)) != FATE_OK) {
		loaded_drop(&loaded);
		return context_fail(context, COMMAND_FAILED, "%s", why);
	}
	log_write(LOG_INFO, "ready", LOG_I("port", daemon_port(daemon)),
		  LOG_I("rules", ruleset_count(loaded.rules)),
		  LOG_I("connections", loaded.config->connection_count),
		  LOG_I("hooks", loaded.config->hook_count));
	(void)notify_send("READY=1\nSTATUS=ready");
	serve(context, daemon, &loaded, set);
	(void)notify_send("STOPPING=1\nSTATUS=lets what is under way end");
	log_write(LOG_INFO, "stopping");
	size_t cut = daemon_stop(daemon, DRAIN_MS);

	if (cut > 0)
		log_write(LOG_WARN, "requests were cut; they are in doubt at the next start",
			  LOG_I("count", cut));
	log_settle(true);
	log_write(LOG_INFO, "stopped");
	loaded_drop(&loaded);
	return COMMAND_OK;
}

/* Secrets are in memory: no core dump, no ptrace by others of this user. */
static bool keep_memory_to_itself(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

static int run(struct context *context)
{
	const char *level = option_value(context, "log-level");
	const char *format = option_value(context, "log-format");
	struct manifests *manifests;
	sigset_t set;
	int code;

	if (format != NULL && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
		return context_usage(context, "--log-format is text or json");
	if (level != NULL && strcmp(level, "info") != 0 && strcmp(level, "debug") != 0)
		return context_usage(context, "--log-level is info or debug");
	for (size_t i = 0; i < context->config_count; i++)
		if (access(context->config_files[i], F_OK) != 0)
			return context_fail(context, COMMAND_USAGE,
					    "there is no %s; name the file with -c",
					    context->config_files[i]);
	if (!block_signals(&set))
		return context_fail(context, COMMAND_FAILED, "signals can't be blocked");
	if (!keep_memory_to_itself())
		return context_fail(context, COMMAND_FAILED, "core dumps can't be switched off");
	log_setup(json_log(context) ? LOG_JSON : LOG_TEXT,
		  level != NULL && strcmp(level, "debug") == 0 ? LOG_DEBUG : LOG_INFO,
		  clock_system());
	manifests = manifests_new(ask_to_learn, NULL);
	if (manifests == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	code = run_with(context, manifests, &set);
	manifests_free(manifests);
	return code;
}

static const struct option_row options[] = {
	{ "log-format", 0, "FORMAT", "text (default) or json, one object a line" },
	{ "log-level", 0, "LEVEL", "info (default) or debug" },
	{ .name = NULL },
};

const struct command command_run = {
	.name = "run",
	.arguments = "",
	.doc = "Runs the engine in the foreground until SIGTERM",
	.more = "SIGHUP reloads configuration and rules, all or nothing; SIGTERM drains for at "
		"most 10 s.\n"
		"Waits for nothing: what was open when it stopped goes on at once.",
	.options = options,
	.run = run,
};
