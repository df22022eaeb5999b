/* SPDX-License-Identifier: Apache-2.0
 *
 * outside.c - see outside.h. */
#include "engine/commands/outside.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/commands/json.h"
#include "engine/plugins/supervise.h"

/* They were told to end when the draining began: this is for those that didn't hear it. */
#define END_MS 2000

struct outside {
	struct manifests *manifests; /* borrowed */
	struct queue *inputs;        /* borrowed */
	struct clock clock;
	struct plugins *plugins;
	pthread_mutex_t lock;
	struct supervise *supervise; /* under the lock for the bus's thread; NULL before
					outside_launch */
};

static enum session_answer outside_manifest(void *of, struct text plugin, struct text json,
					    char words[SESSION_WORDS])
{
	struct outside *o = of;

	switch (manifests_take(o->manifests, plugin, json, words, SESSION_WORDS)) {
	case FATE_OK:
		return SESSION_TAKEN;
	case FATE_RETRY:
		return SESSION_BUSY;
	default:
		return SESSION_WRONG;
	}
}

static enum fate outside_emits(void *of, struct text plugin, struct text type, struct text data,
			       char words[SESSION_WORDS])
{
	struct outside *o = of;

	return manifests_emits(o->manifests, plugin, type, data, words, SESSION_WORDS);
}

static void outside_silent(void *of, struct text plugin)
{
	struct outside *o = of;

	pthread_mutex_lock(&o->lock);
	if (o->supervise != NULL)
		supervise_silent(o->supervise, plugin);
	pthread_mutex_unlock(&o->lock);
}

/* ---- The configuration, as the two parts take it; all of it in `arena`, NULL: memory is out. ----
 */

static struct plugin_setting *sessions_of(const struct config *config, struct arena *arena)
{
	struct plugin_setting *out = arena_array(arena, config->plugin_count + 1, sizeof(*out));

	for (size_t i = 0; out != NULL && i < config->plugin_count; i++)
		out[i] = (struct plugin_setting){ .name = config->plugins[i].name,
						  .concurrency = config->plugins[i].concurrency,
						  .keys = config->plugins[i].keys,
						  .key_count = config->plugins[i].key_count };
	return out;
}

static struct supervise_variable *variables_of(const struct plugin_config *plugin,
					       struct arena *arena)
{
	size_t n = plugin->environment_count;
	struct supervise_variable *out = arena_array(arena, n + 1, sizeof(*out));

	for (size_t i = 0; out != NULL && i < n; i++)
		out[i] = (struct supervise_variable){ .name = plugin->environment[i].name,
						      .value = plugin->environment[i].value,
						      .open = plugin->environment[i].open };
	return out;
}

static struct supervise_setting *processes_of(const struct config *config, struct arena *arena)
{
	struct supervise_setting *out = arena_array(arena, config->plugin_count + 1, sizeof(*out));

	for (size_t i = 0; out != NULL && i < config->plugin_count; i++) {
		const struct plugin_config *plugin = &config->plugins[i];
		const struct supervise_variable *variables = variables_of(plugin, arena);

		if (variables == NULL)
			return NULL;
		out[i] = (struct supervise_setting){ .name = plugin->name,
						     .command = plugin->command,
						     .command_count = plugin->command_count,
						     .environment = variables,
						     .environment_count = plugin->environment_count,
						     .memory = plugin->memory,
						     .files = plugin->files };
	}
	return out;
}

/* ---- Life. ---- */

enum fate outside_open(const struct config *config, struct manifests *manifests,
		       struct queue *inputs, struct clock clock, struct outside **out, char *why,
		       size_t room)
{
	AUTO(arena_free) struct arena *arena = arena_new("plugins", LIMIT_PLUGINS_ARENA);
	struct outside *o = mem_zero(1, sizeof(*o));
	struct plugins_parts parts = { .inputs = inputs,
				       .clock = clock,
				       .manifest = outside_manifest,
				       .emits = outside_emits,
				       .silent = outside_silent,
				       .of = o };
	char words[BUS_WORDS] = "memory is out";
	enum fate fate = FATE_RETRY;

	assert(config != NULL && manifests != NULL && inputs != NULL && out != NULL);
	if (arena != NULL && o != NULL) {
		*o = (struct outside){ .manifests = manifests,
				       .inputs = inputs,
				       .clock = clock,
				       .lock = PTHREAD_MUTEX_INITIALIZER };
		parts.sessions = text_dup(arena, config->bus.sessions).s;
		parts.events = text_dup(arena, config->bus.events).s;
		parts.store = text_dup(arena, config->store).s;
		parts.key = config->bus.key;
		parts.settings = sessions_of(config, arena);
		parts.count = config->plugin_count;
		manifests_keep(manifests, inputs);
	}
	if (parts.sessions != NULL && parts.events != NULL && parts.store != NULL &&
	    parts.settings != NULL)
		fate = plugins_start(&parts, &o->plugins, words);
	if (fate == FATE_OK) {
		*out = o;
		return FATE_OK;
	}
	(void)snprintf(why, room, "%s", words);
	manifests_keep(manifests, NULL);
	mem_free(o);
	return fate;
}

enum fate outside_launch(struct outside *o, const struct config *config, char *why, size_t room)
{
	AUTO(arena_free) struct arena *arena = arena_new("plugins", LIMIT_PLUGINS_ARENA);
	struct supervise_parts parts = { .sessions = plugins_sessions(o->plugins),
					 .events = plugins_events(o->plugins),
					 .folder = config->directory,
					 .count = config->plugin_count,
					 .clock = o->clock };
	struct supervise *supervise = NULL;
	enum fate fate = FATE_RETRY;

	assert(o->supervise == NULL);
	parts.settings = arena != NULL ? processes_of(config, arena) : NULL;
	if (parts.settings != NULL)
		fate = supervise_start(&parts, &supervise);
	pthread_mutex_lock(&o->lock);
	o->supervise = supervise;
	pthread_mutex_unlock(&o->lock);
	if (fate != FATE_OK)
		(void)snprintf(why, room, "memory, threads or descriptors are out");
	return fate;
}

struct plugins *outside_plugins(struct outside *o)
{
	return o != NULL ? o->plugins : NULL;
}

/* Names first: what is started anew is to be let in, and what was taken out is told so while its
 * process still lives. */
void outside_reload(struct outside *o, const struct config *config)
{
	AUTO(arena_free) struct arena *arena = arena_new("plugins", LIMIT_PLUGINS_ARENA);
	const struct plugin_setting *sessions = NULL;
	const struct supervise_setting *processes = NULL;

	assert(o != NULL && o->supervise != NULL && config != NULL);
	if (arena != NULL) {
		sessions = sessions_of(config, arena);
		processes = processes_of(config, arena);
	}
	if (sessions == NULL || processes == NULL ||
	    !plugins_reload(o->plugins, sessions, config->plugin_count))
		log_write(LOG_ERROR, "memory is out: plugins stay as they were");
	else if (!supervise_reload(o->supervise, processes, config->plugin_count))
		log_write(LOG_ERROR, "memory is out: processes of plugins stay as they were");
}

/* ---- What is told. ---- */

static const char *const states[] = { "waiting", "starting", "running", "stopping" };

void outside_metrics(struct outside *o, struct buf *out)
{
	static const struct {
		const char *name, *type, *help;
	} families[] = {
		{ "tappet_plugin_process_running", "gauge", "1 while the plugin's process runs." },
		{ "tappet_plugin_process_starts_total", "counter", "Starts of its process." },
		{ "tappet_plugin_process_failures_total", "counter",
		  "Starts that failed, and ends that nobody asked for." },
		{ "tappet_plugin_output_dropped_total", "counter", "Lines of output left out." },
	};
	struct supervise_view views[LIMIT_PLUGINS];
	size_t n = supervise_list(o->supervise, views, LIMIT_PLUGINS);

	n = n < LIMIT_PLUGINS ? n : LIMIT_PLUGINS;
	plugins_metrics(o->plugins, out);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", families[i].name, families[i].help,
			   families[i].name, families[i].type);
		for (size_t k = 0; k < n; k++) {
			const uint64_t numbers[] = { views[k].state == SUPERVISE_RUNNING,
						     views[k].starts, views[k].failures,
						     views[k].dropped };

			buf_printf(out, "%s{plugin=\"%s\"} %llu\n", families[i].name, views[k].name,
				   (unsigned long long)numbers[i]);
		}
	}
}

void outside_list(struct outside *o, struct buf *out)
{
	struct supervise_view views[LIMIT_PLUGINS];
	size_t n = supervise_list(o->supervise, views, LIMIT_PLUGINS);

	json_open(out, '{');
	json_str(out, "sessions", plugins_sessions(o->plugins));
	json_str(out, "events", plugins_events(o->plugins));
	json_key(out, "plugins");
	buf_char(out, '[');
	plugins_list(o->plugins, out);
	buf_str(out, "]");
	json_key(out, "processes");
	json_open(out, '[');
	for (size_t i = 0; i < n && i < LIMIT_PLUGINS; i++) {
		json_open(out, '{');
		json_str(out, "name", views[i].name);
		json_str(out, "state", states[views[i].state]);
		json_int(out, "pid", views[i].pid);
		json_int(out, "starts", (int64_t)views[i].starts);
		json_int(out, "failures", (int64_t)views[i].failures);
		json_maybe(out, "why", text_of(views[i].words));
		json_close(out, '}');
	}
	json_close(out, ']');
	json_close(out, '}');
}

void outside_leave(struct outside *o, int64_t within)
{
	assert(o != NULL);
	if (o->supervise != NULL)
		supervise_leave(o->supervise);
	plugins_leave(o->plugins, within);
}

void outside_stop(struct outside *o)
{
	struct supervise *supervise;

	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	supervise = o->supervise;
	o->supervise = NULL;
	pthread_mutex_unlock(&o->lock);
	supervise_stop(supervise, END_MS);
	plugins_stop(o->plugins);
	manifests_keep(o->manifests, NULL);
	mem_free(o);
}
