/* SPDX-License-Identifier: Apache-2.0
 *
 * ruleset - the rules of all files.
 *
 * I1  Rules are numbered in the order they were loaded: files sorted by path,
 *     rules as they stand in their file.
 * I2  A set is immutable once loaded. */
#include "engine/rules/load.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/rules/index.h"

/* ---- Types. ---- */

bool event_glob(struct text glob, struct text type)
{
	struct text want, have;

	assert(glob.n == 0 || glob.s != NULL);
	while (glob.s != NULL) {
		glob = text_split(glob, '.', &want);
		if (type.s == NULL)
			return false;
		if (glob.s == NULL && text_is(want, "**"))
			return type.n > 0;
		type = text_split(type, '.', &have);
		if (!text_is(want, "*") && !text_eq(want, have))
			return false;
		if (have.n == 0)
			return false;
	}
	return type.s == NULL;
}

/* ---- Building. ---- */

/* Arrays that grow by doubling; the old ones stay in the arena. */
static void *grown(struct arena *arena, const void *items, size_t count, size_t room, size_t size)
{
	void *more = arena_array(arena, room, size);

	if (more != NULL && count > 0)
		memcpy(more, items, count * size);
	return more;
}

bool ruleset_add(struct ruleset *set, struct rule *rule)
{
	assert(set != NULL && rule != NULL && rule->id.n > 0);
	if (set->count == set->room) {
		size_t room = set->room == 0 ? 64 : set->room * 2;
		const struct rule **more =
		    grown(set->arena, set->rules, set->count, room, sizeof(*more));

		if (more == NULL)
			return false;
		set->rules = more;
		set->room = room;
	}
	if (!map_put(set->by_id, rule->id, rule))
		return false;
	set->has_edges = set->has_edges || (rule->edge != EDGE_NONE && rule->mode != MODE_OFF);
	rule->number = set->count;
	set->rules[set->count++] = rule;
	return true;
}

/* ---- Life. ---- */

static struct ruleset *ruleset_new(const struct config *config)
{
	struct arena *arena = arena_new("rules", LIMIT_RULES_ARENA);
	struct ruleset *set = arena != NULL ? arena_zero(arena, sizeof(*set)) : NULL;

	if (set == NULL) {
		arena_free(arena);
		return NULL;
	}
	atomic_init(&set->refs, 1);
	set->arena = arena;
	set->by_id = map_new();
	set->declared = map_new();
	/* Counting holders is the one thing about a configuration that changes. */
	set->config = config_ref((struct config *)(uintptr_t)config);
	if (set->by_id == NULL || set->declared == NULL) {
		ruleset_free(set);
		return NULL;
	}
	return set;
}

struct ruleset *ruleset_ref(struct ruleset *set)
{
	assert(set != NULL);
	atomic_fetch_add(&set->refs, 1);
	return set;
}

void ruleset_free(struct ruleset *set)
{
	if (set == NULL || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	map_free(set->by_id);
	map_free(set->declared);
	index_free(set->index);
	config_free(set->config);
	arena_free(set->arena);
}

/* ---- Files and folders. ---- */

struct paths {
	struct arena *arena;
	struct diags *diags;
	struct text *items;
	size_t count, room;
};

static void add_path(struct paths *paths, struct text path)
{
	if (paths->count == paths->room) {
		size_t room = paths->room == 0 ? 16 : paths->room * 2;
		struct text *more =
		    grown(paths->arena, paths->items, paths->count, room, sizeof(*more));

		if (more == NULL)
			return;
		paths->items = more;
		paths->room = room;
	}
	paths->items[paths->count++] = path;
}

static bool is_rule_file(const char *name)
{
	struct text t = text_of(name);

	return name[0] != '.' && (text_ends(t, TEXT(".yaml")) || text_ends(t, TEXT(".yml")));
}

/* Rules that can't be looked at are never taken for none: a reload is refused then. */
static void unreadable(struct paths *paths, struct text path, const char *why)
{
	diags_add(paths->diags, DIAG_ERROR, (struct place){ path.s, 0, 0 }, "", "can't be read: %s",
		  why);
}

static void add_folder(struct paths *paths, struct text folder, int depth);

/* An entry that can't be looked at. One that went away meanwhile, or leads nowhere and has
 * no name of a rule file, is nothing to us. */
static void no_entry(struct paths *paths, struct text path, const char *name, int error)
{
	struct stat st;
	bool gone = error == ENOENT && (!is_rule_file(name) || lstat(path.s, &st) != 0);

	if (!gone)
		unreadable(paths, path, strerror(error));
}

static void add_entry(struct paths *paths, struct text folder, const char *name, int depth)
{
	bool slash = text_ends(folder, TEXT("/"));
	struct text path;
	struct stat st;

	if (name[0] == '.')
		return;
	path = text_printf(paths->arena, "%.*s%s%s", TEXT_ARG(folder), slash ? "" : "/", name);
	if (path.s == NULL)
		return;
	if (stat(path.s, &st) != 0)
		no_entry(paths, path, name, errno);
	else if (S_ISDIR(st.st_mode))
		add_folder(paths, path, depth + 1);
	else if (is_rule_file(name))
		add_path(paths, path);
}

static void add_folder(struct paths *paths, struct text folder, int depth)
{
	struct dirent *entry;
	DIR *dir;

	if (depth == LIMIT_FOLDERS) {
		unreadable(paths, folder, "folders are nested too deeply");
		return;
	}
	dir = opendir(folder.s);
	if (dir == NULL) {
		unreadable(paths, folder, strerror(errno));
		return;
	}
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		add_entry(paths, folder, entry->d_name, depth);
		errno = 0;
	}
	if (errno != 0)
		unreadable(paths, folder, strerror(errno));
	closedir(dir);
}

static int by_path(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

/* A path that can't be looked at; that one of the configuration isn't there was told when it
 * was read, unless it is the default. */
static void no_path(struct paths *paths, struct text path, int error, bool of_config)
{
	if (error != ENOENT && error != ENOTDIR)
		unreadable(paths, path, strerror(error));
	else if (!of_config)
		diags_add(paths->diags, DIAG_ERROR, (struct place){ path.s, 0, 0 }, "",
			  "there is no such file or folder");
}

/* Files named directly come in the order given; those of a folder sorted. */
static void add_given(struct paths *paths, struct text given, bool of_config)
{
	struct text path = text_dup(paths->arena, given);
	size_t before = paths->count, errors = diags_errors(paths->diags);
	struct stat st;

	if (path.s == NULL)
		return;
	if (stat(path.s, &st) != 0)
		no_path(paths, path, errno, of_config);
	else if (S_ISDIR(st.st_mode))
		add_folder(paths, path, 0);
	else
		add_path(paths, path);
	if (paths->count > before)
		qsort(paths->items + before, paths->count - before, sizeof(*paths->items), by_path);
	else if (of_config && errors == 0 && diags_errors(paths->diags) == 0)
		diags_add(paths->diags, DIAG_WARNING, (struct place){ path.s, 0, 0 },
			  "rules are read from files that end in .yaml or .yml",
			  "there is no rule file here");
}

size_t ruleset_files(struct arena *arena, struct text path, struct diags *diags,
		     const struct text **files)
{
	struct paths paths = { .arena = arena, .diags = diags };

	assert(arena != NULL && diags != NULL);
	assert(files != NULL);
	add_given(&paths, path, false);
	*files = paths.items;
	return paths.count;
}

static bool loading_init(struct loading *l, struct ruleset *set, struct arena *scratch,
			 struct arena *env, struct diags *diags)
{
	*l = (struct loading){ .set = set, .config = set->config, .scratch = scratch };
	l->r = (struct reader){ .arena = set->arena, .diags = diags, .file = "" };
	l->plain = load_env(l, env);
	value_map_begin(&l->stand_ins, set->arena);
	l->pending = arena_array(env, LIMIT_STEPS, sizeof(*l->pending));
	l->steps = arena_array(env, LIMIT_STEPS, sizeof(*l->steps));
	return l->plain != NULL && l->steps != NULL && l->pending != NULL;
}

/* A set to load into; NULL when memory is out. */
static struct ruleset *loading_new(struct loading *l, const struct config *config,
				   struct arena *scratch, struct arena *once, struct diags *diags)
{
	struct ruleset *set = scratch != NULL && once != NULL ? ruleset_new(config) : NULL;

	if (set == NULL || !loading_init(l, set, scratch, once, diags)) {
		ruleset_free(set);
		return NULL;
	}
	return set;
}

/* Adds what files declare a default for. Rules checked and tested on their own have no vars: each
 * one they read stands for itself, as the text of its name. */
static void load_stand_ins(struct loading *l)
{
	struct value own = l->config->vars;

	l->set->vars = own;
	if (l->stand_ins.n == 0)
		return;
	for (uint32_t i = 0; i < own.n; i++)
		value_map_add(&l->stand_ins, own.pairs[i].key, own.pairs[i].val);
	l->set->vars = value_map_end(&l->stand_ins);
}

static void load_all(struct loading *l, const struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++) {
		bool twice = false;

		for (size_t k = 0; k < i && paths->count < 1000; k++)
			twice = twice || text_eq(paths->items[k], paths->items[i]);
		if (!twice)
			load_file(l, paths->items[i]);
	}
	if (l->failed || arena_failed(paths->arena) || arena_failed(l->r.arena) ||
	    !ruleset_index_asks(l->set))
		diags_add(l->r.diags, DIAG_ERROR, (struct place){ "rules", 0, 0 }, "",
			  "the rules take too much memory");
}

struct ruleset *ruleset_load(const struct config *config, const struct text *paths, size_t count,
			     struct diags *diags)
{
	AUTO(arena_free) struct arena *scratch = arena_new("rule file", LIMIT_RULES_ARENA);
	AUTO(arena_free) struct arena *once = arena_new("rule files", LIMIT_RULES_ARENA);
	struct paths all = { .arena = once, .diags = diags };
	size_t errors = diags_errors(diags);
	struct ruleset *set;
	struct loading l;

	assert(config != NULL && diags != NULL);
	set = loading_new(&l, config, scratch, once, diags);
	if (set == NULL)
		return NULL;
	set->tables = config->tables;
	/* The configuration's own paths were checked, with positions, when it was read. */
	for (size_t i = 0; i < count; i++)
		add_given(&all, paths[i], paths == config->rule_paths);
	load_all(&l, &all);
	load_stand_ins(&l);
	table_uses_check(&l);
	emitted_check(&l);
	if (diags_errors(diags) == errors && !index_build(set)) {
		ruleset_free(set);
		return NULL;
	}
	return set;
}

/* The tables that stand in no file of this name: they belong to all files. */
static void take_tables(struct ruleset *set, const struct ruleset *beside, struct text path)
{
	const struct table_list *all = &beside->tables;
	const struct table **items = arena_array(set->arena, all->count + 1, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; items != NULL && i < all->count; i++)
		if (!text_is(path, all->items[i]->at.file))
			items[n++] = all->items[i];
	set->tables = (struct table_list){ items, n };
}

struct ruleset *ruleset_load_text(const struct config *config, struct text path,
				  struct text content, struct diags *diags)
{
	return ruleset_load_beside(config, NULL, path, content, diags);
}

struct ruleset *ruleset_load_beside(const struct config *config, const struct ruleset *beside,
				    struct text path, struct text content, struct diags *diags)
{
	AUTO(arena_free) struct arena *scratch = arena_new("rule text", LIMIT_RULES_ARENA);
	AUTO(arena_free) struct arena *once = arena_new("rule text", LIMIT_RULES_ARENA);
	size_t errors = diags_errors(diags);
	struct paths none = { .arena = once, .diags = diags };
	struct ruleset *set;
	struct loading l;

	assert(config != NULL && diags != NULL);
	set = loading_new(&l, config, scratch, once, diags);
	if (set == NULL)
		return NULL;
	if (beside != NULL)
		take_tables(set, beside, path);
	else
		set->tables = config->tables;
	load_text(&l, path, content);
	load_all(&l, &none);
	load_stand_ins(&l);
	table_uses_check(&l);
	emitted_check(&l);
	if (diags_errors(diags) > errors || !index_build(set)) {
		ruleset_free(set);
		return NULL;
	}
	return set;
}

struct ruleset *ruleset_load_revision(const struct config *config, struct text id,
				      struct text source, struct diags *diags)
{
	AUTO(arena_free) struct arena *scratch = arena_new("rule text", LIMIT_RULES_ARENA);
	AUTO(arena_free) struct arena *once = arena_new("rule text", LIMIT_RULES_ARENA);
	size_t errors = diags_errors(diags);
	struct ruleset *set;
	struct loading l;

	assert(config != NULL && diags != NULL);
	set = loading_new(&l, config, scratch, once, diags);
	if (set == NULL)
		return NULL;
	l.by_itself = true;
	load_source(&l, id, source);
	load_stand_ins(&l);
	if (diags_errors(diags) > errors || set->count != 1 || l.failed || arena_failed(once) ||
	    arena_failed(set->arena)) {
		ruleset_free(set);
		return NULL;
	}
	return set;
}

/* ---- Reading. ---- */

const struct config *ruleset_config(const struct ruleset *set)
{
	assert(set != NULL);
	return set->config;
}

size_t ruleset_count(const struct ruleset *set)
{
	assert(set != NULL);
	return set->count;
}

const struct rule *ruleset_at(const struct ruleset *set, size_t i)
{
	assert(set != NULL && i < set->count);
	return set->rules[i];
}

const struct rule *ruleset_find(const struct ruleset *set, struct text id)
{
	assert(set != NULL);
	return map_get(set->by_id, id);
}

const struct table *ruleset_table(const struct ruleset *set, struct text name)
{
	assert(set != NULL);
	return tables_find(&set->tables, name);
}

const struct table_list *ruleset_tables(const struct ruleset *set)
{
	assert(set != NULL);
	return &set->tables;
}

bool ruleset_has_edges(const struct ruleset *set)
{
	assert(set != NULL);
	return set->has_edges;
}

struct value ruleset_vars(const struct ruleset *set)
{
	assert(set != NULL);
	return set->vars;
}
