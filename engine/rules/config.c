/* SPDX-License-Identifier: Apache-2.0
 *
 * config - reads tappet.yaml; see config.h.
 *
 * The arena holds everything, this file's struct box included, so that a
 * configuration is freed whole. The YAML tree lives in a second arena that goes
 * when reading is done. */
#include "engine/rules/config_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/mark.h"
#include "engine/rules/overlay.h"
#include "engine/rules/plugin_manifest.h"
#include "engine/rules/words.h"

#define DAY INT64_C(86400000)

struct box {
	struct config config; /* first: a config is its box */
	atomic_int refs;
	struct arena *arena;
	bool bare;
};

/* ---- Life. ---- */

static struct box *box_new(const char *path)
{
	struct arena *arena = arena_new("configuration", LIMIT_CONFIG_ARENA);
	struct box *box = arena != NULL ? arena_zero(arena, sizeof(*box)) : NULL;
	struct config *config;

	if (box == NULL) {
		arena_free(arena);
		return NULL;
	}
	box->arena = arena;
	atomic_init(&box->refs, 1);
	config = &box->config;
	config->file = text_dup(arena, text_of(path));
	config->directory = text_dup(arena, reader_directory(text_of(path)));
	config->listen = TEXT("127.0.0.1:8080");
	config->retain_events = 90 * DAY;
	config->retain_dedupe = 9 * DAY;
	config->body_limit = LIMIT_BODY_DEFAULT;
	config->memory_limit = 256 * MIB;
	config->vars = (struct value){ .kind = VALUE_MAP };
	return box;
}

static void default_paths(struct box *box)
{
	struct config *config = &box->config;
	struct text path = reader_path(box->arena, config->directory, TEXT("tappet.db"));
	struct text *rules = arena_alloc(box->arena, sizeof(*rules));

	config->store = text_printf(box->arena, "sqlite:%.*s", TEXT_ARG(path));
	path = reader_path(box->arena, config->directory, TEXT("tappet.sock"));
	config->admin = text_printf(box->arena, "unix:%.*s", TEXT_ARG(path));
	if (rules != NULL) {
		*rules = reader_path(box->arena, config->directory, TEXT("rules/"));
		config->rule_paths = rules;
		config->rule_path_count = 1;
	}
	config_bus_defaults(config, box->arena);
}

struct config *config_bare(void)
{
	struct box *box = box_new("tappet.yaml");

	if (box == NULL)
		return NULL;
	default_paths(box);
	box->bare = true;
	return &box->config;
}

static const struct box *box_of(const struct config *config)
{
	assert(config != NULL);
	return (const struct box *)config;
}

bool config_is_bare(const struct config *config)
{
	return box_of(config)->bare;
}

struct config *config_ref(struct config *config)
{
	assert(config != NULL);
	atomic_fetch_add(&((struct box *)config)->refs, 1);
	return config;
}

void config_free(struct config *config)
{
	struct box *box = (struct box *)config;

	if (box != NULL && atomic_fetch_sub(&box->refs, 1) == 1)
		arena_free(box->arena);
}

const struct connection *config_connection(const struct config *config, struct text name)
{
	assert(config != NULL);
	for (size_t i = 0; i < config->connection_count; i++)
		if (text_eq(config->connections[i].name, name))
			return &config->connections[i];
	return NULL;
}

const struct hook_config *config_hook(const struct config *config, struct text name)
{
	assert(config != NULL);
	for (size_t i = 0; i < config->hook_count; i++)
		if (text_eq(config->hooks[i].name, name))
			return &config->hooks[i];
	return NULL;
}

const struct plugin_config *config_plugin(const struct config *config, struct text name)
{
	assert(config != NULL);
	for (size_t i = 0; i < config->plugin_count; i++)
		if (text_eq(config->plugins[i].name, name))
			return &config->plugins[i];
	return NULL;
}

const struct declared_secret *config_declared(const struct config *config, struct text name)
{
	assert(config != NULL);
	for (size_t i = 0; i < config->secret_count; i++)
		if (text_eq(config->secrets[i].name, name))
			return &config->secrets[i];
	return NULL;
}

bool config_learn(struct config *config, struct text plugin, struct manifest *manifest)
{
	struct box *box = (struct box *)config;

	assert(config != NULL && manifest != NULL);
	for (size_t i = 0; i < config->plugin_count; i++) {
		if (!text_eq(config->plugins[i].name, plugin))
			continue;
		if (!config_keep_manifest(box->arena, manifest_ref(manifest)))
			return false;
		config->plugins[i].manifest = manifest;
		config->plugins[i].said = true;
	}
	return true;
}

/* ---- Names. ---- */

bool config_name(struct configuring *c, const struct yaml_node *key, const char *what)
{
	const struct connection *other = config_connection(c->config, key->text);
	const struct hook_config *hook = config_hook(c->config, key->text);

	assert(c != NULL && key != NULL && what != NULL);
	if (!reader_is_name(key->text)) {
		reader_error(&c->r, key, "small letters, digits, _ and -, a letter first",
			     "\"%.*s\" is no name for a %s", TEXT_ARG(key->text), what);
		return false;
	}
	if (other == NULL && hook == NULL)
		return true;
	reader_error(&c->r, key, "connections, hooks and plugins share one namespace: rename one",
		     "the name \"%.*s\" is taken by the %s on line %d", TEXT_ARG(key->text),
		     other != NULL ? "connection" : "hook",
		     other != NULL ? other->at.line : hook->at.line);
	return false;
}

/* ---- Addresses and paths. ---- */

struct text config_folder(const struct configuring *c, const struct yaml_node *node)
{
	assert(c != NULL && node != NULL);
	return node->at.file != NULL ? reader_directory(text_of(node->at.file))
				     : c->config->directory;
}

/* "host:port", the port from 0 (any free one) to 65535. */
static bool is_address(struct text t)
{
	size_t colon = t.n;
	int64_t port;

	while (colon > 0 && t.s[colon - 1] != ':')
		colon--;
	if (colon <= 1)
		return false;
	return text_to_int((struct text){ t.s + colon, t.n - colon }, &port) && port >= 0 &&
	       port <= 65535;
}

/* "8080", ":8080": a port alone. */
static const char *address_hint(struct configuring *c, struct text t)
{
	static const char usual[] = "like 127.0.0.1:8080 or unix:tappet.sock";
	struct text hint, port = t;

	if (port.n > 1 && port.s[0] == ':')
		port = (struct text){ t.s + 1, t.n - 1 };
	hint = text_printf(c->r.arena, "127.0.0.1:%.*s", TEXT_ARG(port));
	if (hint.s == NULL || memchr(port.s, ':', port.n) != NULL || !is_address(hint))
		return usual;
	hint = text_printf(c->r.arena, "like %.*s", TEXT_ARG(hint));
	return hint.s != NULL ? hint.s : usual;
}

static void read_address(struct configuring *c, const struct yaml_node *node, struct text *out)
{
	struct text t;

	if (node->kind == YAML_INT)
		t = node->text;
	else if (!config_text(c, node, &t))
		return;
	if (text_starts(t, TEXT("unix:")) && t.n > 5) {
		t = reader_path(c->r.arena, config_folder(c, node),
				(struct text){ t.s + 5, t.n - 5 });
		*out = text_printf(c->r.arena, "unix:%.*s", TEXT_ARG(t));
	} else if (is_address(t)) {
		*out = t;
	} else {
		reader_error(&c->r, node, address_hint(c, t), "\"%.*s\" is no address",
			     TEXT_ARG(t));
	}
}

static void read_admin(struct configuring *c, const struct yaml_node *map)
{
	static const char *const keys[] = { "listen", "token", NULL };
	const struct yaml_node *listen, *token;

	if (!reader_keys(&c->r, map, "admin", keys, NULL))
		return;
	listen = yaml_get(map, "listen");
	token = yaml_get(map, "token");
	if (listen != NULL)
		read_address(c, listen, &c->config->admin);
	if (token != NULL)
		c->config->admin_token = config_secret(c, token);
	else if (!text_starts(c->config->admin, TEXT("unix:")))
		reader_error(&c->r, listen,
			     "token: \"${env:NAME}\", or listen: \"unix:tappet.sock\"",
			     "an admin address on TCP needs a token");
}

static void read_store(struct configuring *c, const struct yaml_node *node)
{
	struct text t;

	if (!config_text(c, node, &t))
		return;
	if (!text_starts(t, TEXT("sqlite:")) || t.n == 7) {
		reader_error(&c->r, node, "sqlite:PATH",
			     text_starts(t, TEXT("postgres")) ? "\"%.*s\": not yet supported"
							      : "\"%.*s\" is no store",
			     TEXT_ARG(t));
		return;
	}
	t = reader_path(c->r.arena, config_folder(c, node), (struct text){ t.s + 7, t.n - 7 });
	c->config->store = text_printf(c->r.arena, "sqlite:%.*s", TEXT_ARG(t));
}

static void read_rule_path(struct configuring *c, const struct yaml_node *node, struct text *out)
{
	struct stat st;
	struct text t;

	if (!config_text(c, node, &t))
		return;
	*out = reader_path(c->r.arena, config_folder(c, node), t);
	if (out->s != NULL && stat(out->s, &st) != 0)
		reader_error(&c->r, node, "paths are relative to this file",
			     "there is no file or folder \"%.*s\"", TEXT_ARG(*out));
}

static void read_rules(struct configuring *c, const struct yaml_node *node)
{
	size_t n = node->kind == YAML_LIST ? node->count : 1;
	struct text *paths = arena_array(c->r.arena, n, sizeof(*paths));
	size_t count = 0;

	if (node->kind == YAML_MAP) {
		reader_refuse(&c->r, node, "a path, or a list of paths");
		return;
	}
	for (size_t i = 0; paths != NULL && i < n; i++) {
		paths[count] = TEXT_NONE;
		read_rule_path(c, node->kind == YAML_LIST ? node->items[i] : node, &paths[count]);
		count += paths[count].s != NULL;
	}
	c->config->rule_paths = paths;
	c->config->rule_path_count = count;
}

/* ---- Vars, retention, limits, reload. ---- */

static void refuse_references(struct configuring *c, const struct yaml_node *node)
{
	struct text t;

	for (size_t i = 0; node->kind == YAML_MAP && i < node->count; i++)
		refuse_references(c, node->pairs[i].val);
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		refuse_references(c, node->items[i]);
	if (node->kind == YAML_TEXT)
		config_text(c, node, &t);
}

static void read_vars(struct configuring *c, const struct yaml_node *node)
{
	if (node->kind == YAML_NULL)
		return;
	if (node->kind != YAML_MAP) {
		reader_error(&c->r, node, "vars: { name: value }", "vars must be a map, not %s",
			     yaml_kind_words(node));
		return;
	}
	refuse_references(c, node);
	c->config->vars = yaml_value(c->r.arena, node);
}

static void read_retention(struct configuring *c, const struct yaml_node *map)
{
	static const char *const keys[] = { "events", "dedupe", NULL };
	const struct yaml_node *node;

	if (!reader_keys(&c->r, map, "retention", keys, NULL))
		return;
	if ((node = yaml_get(map, "events")) != NULL)
		reader_duration(&c->r, node, 60000, &c->config->retain_events);
	if ((node = yaml_get(map, "dedupe")) != NULL)
		reader_duration(&c->r, node, 60000, &c->config->retain_dedupe);
}

static void read_limits(struct configuring *c, const struct yaml_node *map)
{
	static const char *const keys[] = { "body", "memory", NULL };
	const struct yaml_node *node;

	if (!reader_keys(&c->r, map, "limits", keys, NULL))
		return;
	if ((node = yaml_get(map, "body")) != NULL)
		reader_size(&c->r, node, KIB, LIMIT_BODY_MAX, &c->config->body_limit);
	if ((node = yaml_get(map, "memory")) != NULL)
		reader_size(&c->r, node, 16 * MIB, SIZE_MAX / 2, &c->config->memory_limit);
}

static void read_reload(struct configuring *c, const struct yaml_node *node)
{
	static const char *const words[] = { "signal", "watch", NULL };
	int choice = 0;

	if (reader_choice(&c->r, node, words, NULL, &choice))
		c->config->watch = choice == 1;
}

/* In the order of enum rule_mode. */
static void read_max_mode(struct configuring *c, const struct yaml_node *node)
{
	static const char *const words[] = { "live", "shadow", "off", NULL };

	(void)reader_choice(&c->r, node, words, NULL, &c->config->max_mode);
}

static void read_tables(struct configuring *c, const struct yaml_node *map)
{
	if (map->kind != YAML_NULL)
		tables_read(&c->r, map, config_folder(c, map), NULL, &c->config->tables);
}

static void read_listen(struct configuring *c, const struct yaml_node *node)
{
	read_address(c, node, &c->config->listen);
}

/* ---- The whole file. ---- */

static const struct {
	const char *key;
	void (*read)(struct configuring *c, const struct yaml_node *node);
} sections[] = {
	/* In this order: hooks are checked against the names of connections. */
	{ "listen", read_listen },
	{ "tls", config_tls },
	{ "admin", read_admin },
	{ "store", read_store },
	{ "rules", read_rules },
	{ "vars", read_vars },
	{ "secrets", config_secrets },
	{ "retention", read_retention },
	{ "limits", read_limits },
	{ "reload", read_reload },
	{ "max_mode", read_max_mode },
	{ "tables", read_tables },
	{ "connections", config_connections },
	{ "hooks", config_hooks },
	{ "schedules", config_schedules },
	{ "bus", config_bus },
	{ "plugins", config_plugins },
};

#define SECTIONS (sizeof(sections) / sizeof(*sections))

const char *config_section(size_t i)
{
	return i < SECTIONS ? sections[i].key : NULL;
}

static size_t members(const struct yaml_node *root, const char *key)
{
	const struct yaml_node *node = yaml_get(root, key);

	return node != NULL && node->kind == YAML_MAP ? node->count : 0;
}

static bool make_room(struct configuring *c, const struct yaml_node *root)
{
	size_t connections = members(root, "connections"), hooks = members(root, "hooks");

	/* One more of each: the next one is prepared in place. */
	c->connections = arena_array(c->r.arena, connections + 1, sizeof(*c->connections));
	c->hooks = arena_array(c->r.arena, connections + hooks + 1, sizeof(*c->hooks));
	c->schedules =
	    arena_array(c->r.arena, members(root, "schedules") + 1, sizeof(*c->schedules));
	c->config->connections = c->connections;
	c->config->hooks = c->hooks;
	c->config->schedules = c->schedules;
	c->plugins = arena_array(c->r.arena, members(root, "plugins") + 1, sizeof(*c->plugins));
	c->config->plugins = c->plugins;
	c->secret_files = arena_array(c->r.arena, SECRET_FILES, sizeof(*c->secret_files));
	c->config->secret_files = c->secret_files;
	return c->connections != NULL && c->hooks != NULL && c->schedules != NULL &&
	       c->plugins != NULL && c->secret_files != NULL;
}

static void read_sections(struct configuring *c, const struct yaml_node *root)
{
	static const char *const later[] = { "links", "calendars", NULL };
	const char *known[SECTIONS + 1];

	for (size_t i = 0; i < SECTIONS; i++)
		known[i] = sections[i].key;
	known[SECTIONS] = NULL;
	if (root->kind == YAML_NULL || !reader_keys(&c->r, root, "tappet.yaml", known, later))
		return;
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct yaml_node *node = yaml_get(root, sections[i].key);

		if (node != NULL)
			sections[i].read(c, node);
	}
}

/* Rules that name what was left out are not to be blamed for it. */
static bool left_out(const struct config *config, const struct yaml_node *root)
{
	size_t hooks = 0;

	for (size_t i = 0; i < config->hook_count; i++)
		hooks += config->hooks[i].connection == NULL;
	return config->connection_count != members(root, "connections") ||
	       hooks != members(root, "hooks") ||
	       config->schedule_count != members(root, "schedules") ||
	       config->plugin_count != members(root, "plugins");
}

/* ---- The files. ---- */

/* All of them as one tree, or NULL. */
static struct yaml_node *read_trees(struct arena *scratch, const struct config_file *files,
				    size_t count, struct diags *diags)
{
	struct yaml_node *root = NULL;

	for (size_t i = 0; i < count; i++) {
		const char *path = files[i].path.s;
		const char *name = diags_source(diags, path, files[i].content);
		struct yaml_node *tree =
		    yaml_read(scratch, diags, name != NULL ? name : path, files[i].content);

		if (tree == NULL)
			return NULL;
		root = root == NULL ? tree : overlay_merge(scratch, diags, root, tree);
		if (root == NULL)
			return NULL;
	}
	return root;
}

/* Copies of the files, and their names for places. */
static bool keep_files(struct box *box, struct reader *r, const struct config_file *files,
		       size_t count)
{
	struct config_file *kept = arena_array(box->arena, count, sizeof(*kept));
	const char **names = arena_array(box->arena, count + 1, sizeof(*names));

	if (kept == NULL || names == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		kept[i].path = text_dup(box->arena, files[i].path);
		kept[i].content = text_dup(box->arena, files[i].content);
		kept[i].mark = files[i].mark;
		names[i] = kept[i].path.s;
	}
	names[count] = NULL;
	box->config.files = kept;
	box->config.file_count = count;
	r->files = names;
	return true;
}

static bool is_secret(void *of, const struct yaml_node *node)
{
	const struct configuring *c = of;

	for (size_t i = 0; i < c->secret_node_count; i++)
		if (c->secret_nodes[i] == node)
			return true;
	return false;
}

/* `effective`, unless NULL, gets the merged tree. */
static struct config *read_config(const struct config_file *files, size_t count,
				  enum config_secrets secrets, struct diags *diags,
				  struct buf *effective)
{
	AUTO(arena_free) struct arena *scratch = arena_new("tappet.yaml", LIMIT_CONFIG_ARENA);
	struct configuring c = { .secrets = secrets, .scratch = scratch };
	struct yaml_node *root = scratch != NULL ? read_trees(scratch, files, count, diags) : NULL;
	struct box *box = root != NULL ? box_new(files[0].path.s) : NULL;

	if (box == NULL)
		return NULL;
	c.config = &box->config;
	c.r = (struct reader){ .arena = box->arena, .diags = diags, .file = box->config.file.s };
	default_paths(box);
	if (keep_files(box, &c.r, files, count) && make_room(&c, root))
		read_sections(&c, root);
	c.config->incomplete = left_out(c.config, root);
	if (arena_failed(box->arena) || arena_failed(scratch)) {
		diags_add(diags, DIAG_ERROR, root->at, "", "the file takes too much memory");
		config_free(&box->config);
		return NULL;
	}
	if (effective != NULL && !arena_failed(scratch))
		overlay_print(effective, root, is_secret, &c);
	return &box->config;
}

static bool read_content(struct arena *arena, const char *path, struct diags *diags,
			 struct config_file *out)
{
	AUTO_FINI(buf_fini) struct buf content;
	const char *why;

	out->mark = mark_of(text_of(path));
	if (!reader_file(text_of(path), LIMIT_YAML_FILE, &content, &why)) {
		diags_add(diags, DIAG_ERROR, (struct place){ path, 0, 0 },
			  "name the file with -c FILE", "can't be read: %s", why);
		return false;
	}
	out->path = text_dup(arena, text_of(path));
	out->content = text_dup(arena, buf_view(&content));
	return out->path.s != NULL && out->content.s != NULL;
}

static struct config *load_files(const char *const *paths, size_t count,
				 enum config_secrets secrets, struct diags *diags,
				 struct buf *effective)
{
	AUTO(arena_free) struct arena *arena = arena_new("tappet.yaml", LIMIT_CONFIG_ARENA);
	struct config_file *files =
	    arena != NULL ? arena_array(arena, count, sizeof(*files)) : NULL;

	if (files == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!read_content(arena, paths[i], diags, &files[i]))
			return NULL;
	return read_config(files, count, secrets, diags, effective);
}

struct config *config_load_all(const char *const *paths, size_t count, enum config_secrets secrets,
			       struct diags *diags)
{
	assert(paths != NULL && count > 0 && diags != NULL);
	return load_files(paths, count, secrets, diags, NULL);
}

struct config *config_load(const char *path, enum config_secrets secrets, struct diags *diags)
{
	assert(path != NULL);
	return config_load_all(&path, 1, secrets, diags);
}

bool config_effective(const char *const *paths, size_t count, struct diags *diags, struct buf *out)
{
	struct config *config;

	assert(paths != NULL && count > 0 && diags != NULL && out != NULL);
	config = load_files(paths, count, CONFIG_SECRETS_OPTIONAL, diags, out);
	config_free(config);
	return config != NULL;
}

struct config *config_again(const struct config *config, struct diags *diags)
{
	assert(config != NULL && diags != NULL);
	return read_config(config->files, config->file_count, CONFIG_SECRETS_NEEDED, diags, NULL);
}
