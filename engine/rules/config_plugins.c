/* SPDX-License-Identifier: Apache-2.0
 *
 * config_plugins - `bus` and `plugins` of tappet.yaml.
 *
 * I1  tcp without a key is a mistake here: what goes over a network is encrypted.
 * I2  Each plugin has a manifest, be it one that says that nothing is known. */
#include "engine/rules/config_internal.h"

#include <assert.h>
#include <sys/un.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/mark.h"
#include "engine/rules/plugin_manifest.h"
#include "engine/rules/words.h"

static void let_manifest_go(void *of)
{
	manifest_free(of);
}

bool config_keep_manifest(struct arena *arena, struct manifest *manifest)
{
	assert(arena != NULL && manifest != NULL);
	if (arena_on_free(arena, let_manifest_go, manifest))
		return true;
	manifest_free(manifest);
	return false;
}

/* ---- bus ---- */

static struct text socket_path(struct arena *arena, struct text folder, struct text name)
{
	return text_printf(arena, "ipc://%.*s", TEXT_ARG(reader_path(arena, folder, name)));
}

void config_bus_defaults(struct config *config, struct arena *arena)
{
	struct bus_config *bus = &config->bus;

	assert(config != NULL && arena != NULL);
	bus->sessions = socket_path(arena, config->directory, TEXT("tappet-plugins.sock"));
	bus->events = socket_path(arena, config->directory, TEXT("tappet-events.sock"));
	bus->trusted = reader_path(arena, config->directory, TEXT("plugin-keys"));
}

/* "tcp://HOST:PORT"; a port of its own for each: * isn't one that plugins could know. */
static bool is_tcp(struct text t)
{
	size_t colon = t.n;
	int64_t port;

	if (!text_starts(t, TEXT("tcp://")))
		return false;
	while (colon > 6 && t.s[colon - 1] != ':')
		colon--;
	return colon > 7 && text_to_int((struct text){ t.s + colon, t.n - colon }, &port) &&
	       port >= 1 && port <= 65535;
}

static void read_endpoint(struct configuring *c, const struct yaml_node *node, struct text *out)
{
	struct sockaddr_un address;
	struct text t, path;

	if (!config_text(c, node, &t))
		return;
	if (is_tcp(t)) {
		*out = t;
		return;
	}
	if (!text_starts(t, TEXT("ipc://")) || t.n == 6 || t.s[6] == '@') {
		reader_error(&c->r, node, "ipc://tappet-plugins.sock or tcp://10.0.0.5:7601",
			     "\"%.*s\" is no address of a socket", TEXT_ARG(t));
		return;
	}
	path = reader_path(c->r.arena, config_folder(c, node), (struct text){ t.s + 6, t.n - 6 });
	if (path.n >= sizeof(address.sun_path))
		reader_error(&c->r, node, "a shorter path", "a socket's path has at most %zu bytes",
			     sizeof(address.sun_path) - 1);
	else
		*out = text_printf(c->r.arena, "ipc://%.*s", TEXT_ARG(path));
}

const char *const bus_keys[] = { "sessions", "events", "key", "trusted", NULL };

static void need_key(struct configuring *c, const struct yaml_node *node, struct text address)
{
	if (node != NULL && c->config->bus.key == NULL && text_starts(address, TEXT("tcp://")))
		reader_error(&c->r, node,
			     "tappet plugin keygen makes one: key: \"${file:bus.key}\"",
			     "over tcp the bus needs a key");
}

void config_bus(struct configuring *c, const struct yaml_node *map)
{
	struct bus_config *bus = &c->config->bus;
	const struct yaml_node *sessions, *events, *node;
	size_t errors;
	struct text t;

	assert(c != NULL && map != NULL);
	bus->wanted = true;
	if (map->kind == YAML_NULL || !reader_keys(&c->r, map, "bus", bus_keys, NULL))
		return;
	if ((sessions = yaml_get(map, "sessions")) != NULL)
		read_endpoint(c, sessions, &bus->sessions);
	if ((events = yaml_get(map, "events")) != NULL)
		read_endpoint(c, events, &bus->events);
	if (events != NULL && text_eq(bus->sessions, bus->events))
		reader_error(&c->r, events, "give them two", "both sockets have one address");
	errors = diags_errors(c->r.diags);
	if ((node = yaml_get(map, "key")) != NULL)
		bus->key = config_secret(c, node);
	if (errors == diags_errors(c->r.diags)) {
		need_key(c, sessions, bus->sessions);
		need_key(c, events, bus->events);
	}
	if ((node = yaml_get(map, "trusted")) != NULL && config_text(c, node, &t))
		bus->trusted = reader_path(c->r.arena, config_folder(c, node), t);
}

/* ---- plugins: what is started. ---- */

static void read_command(struct configuring *c, const struct yaml_node *node,
			 struct plugin_config *plugin)
{
	size_t n = node->kind == YAML_LIST ? node->count : 1;
	struct text *words = arena_array(c->r.arena, n + 1, sizeof(*words));
	size_t count = 0;

	if (node->kind == YAML_LIST && n == 0)
		reader_error(&c->r, node, "command: [python3, inventory.py]",
			     "the command is empty");
	for (size_t i = 0; words != NULL && i < n; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST ? node->items[i] : node;

		if (item->kind != YAML_MAP && item->kind != YAML_LIST && item->kind != YAML_NULL &&
		    item->kind != YAML_TEXT)
			words[count++] = text_dup(c->r.arena, item->text);
		else if (config_text(c, item, &words[count]))
			count++;
	}
	if (count == 1 && node->kind != YAML_LIST && memchr(words[0].s, ' ', words[0].n) != NULL)
		reader_error(&c->r, node, "a list of words: [python3, inventory.py]",
			     "no shell runs this, so its spaces separate nothing");
	if (count > 0 && words[0].n == 0)
		reader_error(&c->r, node, "", "the program's name is empty");
	plugin->command = words;
	plugin->command_count = count;
}

static bool is_variable(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] == '_' || ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z');

		if (!letter && (i == 0 || t.s[i] < '0' || t.s[i] > '9'))
			return false;
	}
	return t.n > 0;
}

/* All but the keys, which the engine doesn't know. */
static bool is_ours(struct text name)
{
	return text_starts(name, TEXT("TAPPET_")) && !text_is(name, "TAPPET_SERVER_KEY") &&
	       !text_is(name, "TAPPET_PUBLIC_KEY") && !text_is(name, "TAPPET_SECRET_KEY");
}

static void read_variable(struct configuring *c, const struct yaml_pair *pair,
			  struct plugin_variable *out)
{
	const struct yaml_node *key = pair->key, *val = pair->val;
	bool literal = true;

	*out = (struct plugin_variable){ .name = text_dup(c->r.arena, key->text) };
	if (!is_variable(key->text))
		reader_error(&c->r, key, "letters, digits and _, a letter first",
			     "\"%.*s\" is no name of a variable", TEXT_ARG(key->text));
	else if (is_ours(key->text))
		reader_error(&c->r, key, "", "variables that begin with TAPPET_ are the engine's");
	/* A number or true is the text it is written as. */
	if (val->kind == YAML_MAP || val->kind == YAML_LIST || val->kind == YAML_NULL)
		reader_refuse(&c->r, val, "a text");
	else if (val->kind == YAML_TEXT)
		out->value = config_secret_text(c, val, &literal);
	else
		out->value = config_keep(c, val->text);
	out->open = literal;
	if (out->value != NULL &&
	    memchr(secret_reveal(out->value).s, '\0', secret_reveal(out->value).n) != NULL)
		reader_error(&c->r, key, "", "the value of %.*s has a NUL byte in it",
			     TEXT_ARG(key->text));
}

static void read_environment(struct configuring *c, const struct yaml_node *map,
			     struct plugin_config *plugin)
{
	struct plugin_variable *all;

	if (map->kind == YAML_NULL ||
	    !config_secret_map(c, map, "environment", "environment: { TZ: UTC }"))
		return;
	all = arena_array(c->r.arena, map->count, sizeof(*all));
	for (size_t i = 0; all != NULL && i < map->count; i++)
		read_variable(c, &map->pairs[i], &all[plugin->environment_count++]);
	plugin->environment = all;
}

static void read_limits(struct configuring *c, const struct yaml_node *map,
			struct plugin_config *plugin)
{
	static const char *const keys[] = { "memory", "files", NULL };
	const struct yaml_node *node;
	int64_t n;

	if (!reader_map(&c->r, map, "limits", "memory", "256MiB") ||
	    !reader_keys(&c->r, map, "limits", keys, NULL))
		return;
	if ((node = yaml_get(map, "memory")) != NULL)
		reader_size(&c->r, node, MIB, SIZE_MAX / 2, &plugin->memory);
	/* Three are open from the start, and ZeroMQ needs some. */
	if ((node = yaml_get(map, "files")) != NULL && reader_int(&c->r, node, 16, 1 << 20, &n))
		plugin->files = (unsigned)n;
}

/* ---- plugins: what they say of themselves. ---- */

static void read_manifest(struct configuring *c, const struct yaml_node *node,
			  struct plugin_config *plugin)
{
	AUTO_FINI(buf_fini) struct buf content;
	char words[MANIFEST_WORDS];
	struct manifest *manifest;
	struct text name;
	const char *why;

	buf_init(&content, LIMIT_SESSION_MANIFEST + 1);
	if (!config_text(c, node, &name))
		return;
	plugin->manifest_file = reader_path(c->r.arena, config_folder(c, node), name);
	plugin->manifest_mark = mark_of(plugin->manifest_file);
	if (!reader_file(plugin->manifest_file, LIMIT_SESSION_MANIFEST + 1, &content, &why)) {
		reader_error(&c->r, node, "paths are relative to this file",
			     "the file %.*s can't be read: %s", TEXT_ARG(plugin->manifest_file),
			     why);
		return;
	}
	manifest = manifest_read(plugin->name, buf_view(&content), words);
	if (manifest == NULL)
		reader_error(&c->r, node, "plugins/PROTOCOL.md says what it has", "%.*s: %s",
			     TEXT_ARG(name), words);
	else if (config_keep_manifest(c->r.arena, manifest))
		plugin->manifest = manifest;
}

static void know_nothing(struct configuring *c, struct plugin_config *plugin)
{
	struct manifest *manifest = manifest_unknown(plugin->name);

	if (manifest == NULL || !config_keep_manifest(c->r.arena, manifest))
		arena_fail(c->r.arena);
	plugin->manifest = manifest;
}

/* ---- plugins ---- */

const char *const plugin_keys[] = { "command",  "environment", "limits",
				    "manifest", "concurrency", NULL };

/* In rules they begin the names of actions and events. */
static bool is_free(struct configuring *c, const struct yaml_node *key)
{
	static const char *const ours[] = { "hook", "schedule", "plugin", "use", "event", NULL };
	bool taken = connector_find(key->text) != NULL;

	if (!config_name(c, key, "plugin"))
		return false;
	if (!manifest_is_name(key->text)) {
		reader_error(&c->r, key, "small letters, digits and _, a letter first",
			     "\"%.*s\" is no name for a plugin", TEXT_ARG(key->text));
		return false;
	}
	for (size_t i = 0; ours[i] != NULL; i++)
		taken = taken || text_is(key->text, ours[i]);
	if (taken)
		reader_error(&c->r, key, "rename it: rules name its actions by it",
			     "\"%.*s\" is built in", TEXT_ARG(key->text));
	return !taken;
}

static void plugin_options(struct configuring *c, const struct yaml_node *map,
			   struct plugin_config *plugin)
{
	const struct yaml_node *node, *command = yaml_get(map, "command");
	static const char *const started[] = { "environment", "limits", NULL };
	int64_t n;

	if (command != NULL)
		read_command(c, command, plugin);
	for (size_t i = 0; started[i] != NULL && command == NULL; i++)
		if (yaml_get(map, started[i]) != NULL)
			reader_error(&c->r, yaml_get(map, started[i]), "add command",
				     "\"%s\" is for a plugin that the engine starts", started[i]);
	if ((node = yaml_get(map, "environment")) != NULL)
		read_environment(c, node, plugin);
	if ((node = yaml_get(map, "limits")) != NULL)
		read_limits(c, node, plugin);
	if ((node = yaml_get(map, "manifest")) != NULL)
		read_manifest(c, node, plugin);
	if ((node = yaml_get(map, "concurrency")) != NULL &&
	    reader_int(&c->r, node, 1, LIMIT_SESSION_JOBS, &n))
		plugin->concurrency = (unsigned)n;
}

/* One with mistakes is there all the same: the rules that name it aren't to be blamed. */
static void read_plugin(struct configuring *c, const struct yaml_node *key,
			const struct yaml_node *map)
{
	struct plugin_config *plugin = &c->plugins[c->config->plugin_count];

	if (!is_free(c, key))
		return;
	if (c->config->plugin_count == LIMIT_PLUGINS) {
		reader_error(&c->r, key, "", "more than %d plugins", LIMIT_PLUGINS);
		return;
	}
	*plugin = (struct plugin_config){ .name = text_dup(c->r.arena, key->text),
					  .at = reader_place(&c->r, key) };
	if (plugin->name.s == NULL)
		return;
	know_nothing(c, plugin);
	if (plugin->manifest == NULL)
		return;
	if (map->kind != YAML_NULL && reader_keys(&c->r, map, "a plugin", plugin_keys, NULL))
		plugin_options(c, map, plugin);
	c->config->plugin_count++;
}

void config_plugins(struct configuring *c, const struct yaml_node *map)
{
	assert(c != NULL && map != NULL);
	c->config->bus.wanted = true;
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		read_plugin(c, map->pairs[i].key, map->pairs[i].val);
	if (map->kind != YAML_MAP && map->kind != YAML_NULL)
		reader_error(&c->r, map, "NAME: { command: [...] }",
			     "plugins must be a map, not %s", yaml_kind_words(map));
	config_trusted(c, map);
}

/* ---- Their events. ---- */

const struct event_type *config_event(const struct config *config, struct text type)
{
	const struct plugin_config *plugin;
	struct text rest, name;

	assert(config != NULL);
	if (!text_starts(type, TEXT("plugin.")))
		return connectors_event(type);
	rest = text_split((struct text){ type.s + 7, type.n - 7 }, '.', &name);
	plugin = config_plugin(config, name);
	return plugin != NULL ? manifest_event(plugin->manifest, rest) : NULL;
}
