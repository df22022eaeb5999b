/* SPDX-License-Identifier: Apache-2.0
 *
 * manifests - see manifests.h. */
#include "engine/commands/manifests.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/commands/setup.h"
#include "engine/rules/plugin_manifest.h"
#include "engine/sequencer/record.h"
#include "engine/value/parse.h"

DEFINE_AUTO(manifest_free, struct manifest *)

struct manifests {
	pthread_mutex_t lock;
	struct map *said;     /* plugin -> struct manifest, each with a reference */
	struct queue *inputs; /* of the sequencer, or NULL */
	struct json_parser *parser;
	struct arena *arena; /* of one event's data */
	void (*changed)(void *of);
	void *of;
};

struct manifests *manifests_new(void (*changed)(void *of), void *of)
{
	struct manifests *m = mem_zero(1, sizeof(*m));

	assert(changed != NULL);
	if (m == NULL)
		return NULL;
	m->said = map_new();
	m->parser = json_parser_new();
	m->arena = arena_new("plugin's event", LIMIT_EMIT_ARENA);
	m->changed = changed;
	m->of = of;
	if (m->said != NULL && m->parser != NULL && m->arena != NULL &&
	    pthread_mutex_init(&m->lock, NULL) == 0)
		return m;
	map_free(m->said);
	json_parser_free(m->parser);
	arena_free(m->arena);
	mem_free(m);
	return NULL;
}

void manifests_free(struct manifests *m)
{
	struct text plugin;
	void *manifest;

	if (m == NULL)
		return;
	for (size_t at = 0; map_next(m->said, &at, &plugin, &manifest);)
		manifest_free(manifest);
	map_free(m->said);
	json_parser_free(m->parser);
	arena_free(m->arena);
	(void)pthread_mutex_destroy(&m->lock);
	mem_free(m);
}

void manifests_keep(struct manifests *m, struct queue *inputs)
{
	assert(m != NULL);
	(void)pthread_mutex_lock(&m->lock);
	m->inputs = inputs;
	(void)pthread_mutex_unlock(&m->lock);
}

/* ---- Taking. ---- */

static bool is_same(struct manifests *m, struct text plugin, struct text json)
{
	const struct manifest *known = map_get(m->said, plugin);

	return known != NULL && text_eq(manifest_json(known), json);
}

/* By the queue that may be full: the plugin then comes again. */
static bool keep(struct manifests *m, struct text plugin, struct text json)
{
	const struct input input = { .kind = INPUT_MANIFEST, .manifest = { 0, plugin, json } };
	struct input *copy;

	if (m->inputs == NULL)
		return true;
	copy = input_new(&input);
	if (copy != NULL && queue_push(m->inputs, &copy->item))
		return true;
	input_free(copy);
	return false;
}

/* Takes over the reference. */
static bool put(struct manifests *m, struct text plugin, struct manifest *manifest)
{
	struct manifest *before = map_get(m->said, plugin);

	if (!keep(m, plugin, manifest_json(manifest)) || !map_put(m->said, plugin, manifest)) {
		manifest_free(manifest);
		return false;
	}
	manifest_free(before);
	return true;
}

enum fate manifests_take(struct manifests *m, struct text plugin, struct text json, char *words,
			 size_t room)
{
	char why[MANIFEST_WORDS] = "";
	struct manifest *manifest;
	bool same, fine;

	assert(m != NULL && words != NULL && plugin.n > 0);
	(void)pthread_mutex_lock(&m->lock);
	same = is_same(m, plugin, json);
	(void)pthread_mutex_unlock(&m->lock);
	if (same)
		return FATE_OK;
	manifest = manifest_read(plugin, json, why);
	if (manifest == NULL) {
		(void)snprintf(words, room, "%s", why);
		return FATE_REJECT;
	}
	(void)pthread_mutex_lock(&m->lock);
	fine = put(m, plugin, manifest);
	(void)pthread_mutex_unlock(&m->lock);
	if (fine)
		m->changed(m->of);
	return fine ? FATE_OK : FATE_RETRY;
}

/* The caller's reference, NULL: it hasn't said anything yet. */
static struct manifest *said_by(struct manifests *m, struct text plugin)
{
	struct manifest *manifest;

	(void)pthread_mutex_lock(&m->lock);
	manifest = map_get(m->said, plugin);
	if (manifest != NULL)
		manifest = manifest_ref(manifest);
	(void)pthread_mutex_unlock(&m->lock);
	return manifest;
}

static enum fate check_data(struct manifests *m, const struct event_type *event, struct text data,
			    char *words, size_t room)
{
	char why[MANIFEST_WORDS] = "";
	struct json_error error;
	enum fate fate = FATE_OK;
	struct value v;

	if (event->kind == NULL)
		return FATE_OK;
	/* That it is JSON was checked; what can go wrong here is memory. */
	if (json_parse(m->parser, m->arena, data, &v, &error) != FATE_OK) {
		fate = FATE_RETRY;
	} else if (!manifest_fits(event, v, why)) {
		(void)snprintf(words, room, "%s", why);
		fate = FATE_REJECT;
	}
	arena_reset(m->arena);
	return fate;
}

enum fate manifests_emits(struct manifests *m, struct text plugin, struct text type,
			  struct text data, char *words, size_t room)
{
	AUTO(manifest_free) struct manifest *manifest = NULL;
	const struct event_type *event;

	assert(m != NULL && words != NULL && data.n > 0);
	manifest = said_by(m, plugin);
	event = manifest != NULL ? manifest_event(manifest, type) : NULL;
	if (event != NULL)
		return check_data(m, event, data, words, room);
	(void)snprintf(words, room, "the manifest has no event of this type");
	return FATE_REJECT;
}

/* ---- Giving. ---- */

bool manifests_apply(struct manifests *m, struct config *config)
{
	struct text plugin;
	void *manifest;
	bool fine = true;

	assert(m != NULL && config != NULL);
	manifests_recall(config);
	config->lenient = true;
	(void)pthread_mutex_lock(&m->lock);
	for (size_t at = 0; map_next(m->said, &at, &plugin, &manifest);)
		fine = config_learn(config, plugin, manifest) && fine;
	(void)pthread_mutex_unlock(&m->lock);
	return fine;
}

/* One that an older version kept, and this one refuses, is as good as none. */
static void recall(struct config *config, struct store *store, struct arena *arena,
		   struct text plugin)
{
	char words[MANIFEST_WORDS];
	struct manifest *manifest;
	struct text json;
	int64_t seen;

	if (!store_get_manifest(store, arena, plugin, &json, &seen))
		return;
	manifest = manifest_read(plugin, json, words);
	if (manifest == NULL)
		return;
	(void)config_learn(config, plugin, manifest);
	manifest_free(manifest);
}

void manifests_recall(struct config *config)
{
	AUTO(arena_free) struct arena *arena = NULL;
	AUTO(store_close) struct store *store = NULL;
	struct store_error error;
	bool any = false;

	assert(config != NULL);
	for (size_t i = 0; i < config->plugin_count; i++)
		any = any || !manifest_is_known(config->plugins[i].manifest);
	arena = any ? arena_new("manifests", LIMIT_MANIFEST_ARENA) : NULL;
	if (arena == NULL ||
	    store_open_reader(text_dup(arena, config->store).s, &store, &error) != FATE_OK)
		return;
	for (size_t i = 0; i < config->plugin_count; i++) {
		arena_reset(arena);
		if (!manifest_is_known(config->plugins[i].manifest))
			recall(config, store, arena, config->plugins[i].name);
	}
}
