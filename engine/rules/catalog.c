/* SPDX-License-Identifier: Apache-2.0
 *
 * catalog - which events and actions exist: from the connectors' tables, the
 * configuration's hooks and schedules, and the engine's own.
 *
 * Events may also arrive as CloudEvents of any type, or by hand, so a type is
 * refused only when it claims to be one of ours and isn't, or is a slip of the
 * pen away from one. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/plugin_manifest.h"

#define MAX_TYPES 512 /* known types to compare a word with; all connectors have some 60 */

static const char *const own_types[] = {
	"tappet.source.stalled", "tappet.source.gap",
	"tappet.source.silent",  "tappet.source.back",
	"tappet.run.dead",       "tappet.run.held",
	"tappet.rule.blind",     "tappet.loop",
	"tappet.breaker.open",   "tappet.breaker.closed",
	"tappet.paused",         "tappet.resumed",
	"tappet.restored",       NULL,
};

/* ---- Collecting. ---- */

struct known {
	struct arena *arena;
	const char *types[MAX_TYPES + 1];
	size_t count;
};

static void add(struct known *k, const char *type)
{
	if (k->count < MAX_TYPES && type != NULL)
		k->types[k->count++] = type;
	k->types[k->count] = NULL;
}

static const char *const changes[] = { "created", "updated", "deleted", NULL };

/* Of polls that only the configuration knows. */
static void collect_polls(struct known *k, const struct connection *connection)
{
	if (connection->connector->any_resource == NULL)
		return;
	for (size_t i = 0; i < connection->poll_count; i++)
		for (size_t n = 0; changes[n] != NULL; n++)
			add(k, text_printf(k->arena, "%s.%s",
					   connection->polls[i].resource->kind->name, changes[n])
				   .s);
}

/* Of one that hasn't said yet what it has, any. */
static void collect_plugin(struct known *k, const struct plugin_config *plugin)
{
	const struct event_type *e = manifest_connector(plugin->manifest)->events;

	for (; e->name != NULL; e++)
		add(k, e->name);
	if (!manifest_is_known(plugin->manifest))
		add(k, text_printf(k->arena, "plugin.%.*s.*", TEXT_ARG(plugin->name)).s);
}

static void collect(struct known *k, const struct config *config)
{
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++)
		for (const struct event_type *e = (*c)->events; e != NULL && e->name != NULL; e++)
			add(k, e->name);
	for (size_t i = 0; i < config->hook_count; i++) {
		const struct hook_config *hook = &config->hooks[i];

		if (hook->connection != NULL)
			continue;
		add(k, text_printf(k->arena, "hook.%.*s%s", TEXT_ARG(hook->name),
				   hook->event_header != NULL ? ".*" : "")
			   .s);
	}
	for (size_t i = 0; i < config->schedule_count; i++)
		add(k,
		    text_printf(k->arena, "schedule.%.*s", TEXT_ARG(config->schedules[i].name)).s);
	for (size_t i = 0; own_types[i] != NULL; i++)
		add(k, own_types[i]);
	for (size_t i = 0; i < config->connection_count; i++)
		collect_polls(k, &config->connections[i]);
	for (size_t i = 0; i < config->plugin_count; i++)
		collect_plugin(k, &config->plugins[i]);
}

/* Collected once per set. */
static const struct known *known_types(struct loading *l)
{
	if (l->known == NULL) {
		l->known = arena_zero(l->r.arena, sizeof(*l->known));
		if (l->known == NULL)
			return NULL;
		l->known->arena = l->r.arena;
		collect(l->known, l->config);
	}
	return l->known;
}

const char *const *event_types(struct arena *arena, const struct config *config)
{
	struct known *k = arena_zero(arena, sizeof(*k));

	assert(config != NULL);
	if (k == NULL)
		return NULL;
	k->arena = arena;
	collect(k, config);
	return k->types;
}

/* A segment "*" of a known name stands for any one there. */
static bool is_known(const struct known *k, struct text type)
{
	for (size_t i = 0; i < k->count; i++) {
		struct text name = text_of(k->types[i]);

		if (text_eq(name, type) || (text_ends(name, TEXT(".*")) && event_glob(name, type)))
			return true;
	}
	return false;
}

/* Some events fit both: "kantata.feed.story.*" and the known name "kantata.feed.*.*". */
static bool meet(struct text glob, struct text name)
{
	return event_glob(glob, name) || event_glob(name, glob);
}

/* An event of a poll that only the configuration knows; there may be more of them than a list of
 * known ones holds. */
static bool is_polled(const struct config *config, struct text type)
{
	for (size_t i = 0; i < config->connection_count; i++) {
		const struct connection *c = &config->connections[i];

		for (size_t p = 0; c->connector->any_resource != NULL && p < c->poll_count; p++) {
			struct text kind = text_of(c->polls[p].resource->kind->name);

			if (!text_starts(type, kind) || type.n <= kind.n || type.s[kind.n] != '.')
				continue;
			for (size_t n = 0; changes[n] != NULL; n++)
				if (text_is(
					(struct text){ type.s + kind.n + 1, type.n - kind.n - 1 },
					changes[n]))
					return true;
		}
	}
	return false;
}

static bool any_known(const struct known *k, struct text glob)
{
	for (size_t i = 0; i < k->count; i++)
		if (meet(glob, text_of(k->types[i])))
			return true;
	return false;
}

/* ---- Checking. ---- */

static bool well_formed(struct text type)
{
	struct text rest = type, segment;

	while (rest.s != NULL) {
		rest = text_split(rest, '.', &segment);
		if (segment.n == 0 ||
		    (memchr(segment.s, '*', segment.n) != NULL && !text_is(segment, "*") &&
		     !(text_is(segment, "**") && rest.s == NULL)))
			return false;
		for (size_t i = 0; i < segment.n; i++)
			if ((unsigned char)segment.s[i] <= ' ')
				return false;
	}
	return type.n > 0;
}

static bool ours(const struct config *config, struct text type)
{
	const struct connector *connector;
	struct text head;

	text_split(type, '.', &head);
	if (text_is(head, "hook") || text_is(head, "schedule") || text_is(head, "plugin"))
		return !config_is_bare(config) && !config->incomplete;
	connector = connector_find(head);
	if (connector != NULL && connector->any_resource != NULL)
		return !config_is_bare(config) && !config->incomplete;
	/* Those that are no product have events of nobody. */
	return text_is(head, "tappet") ||
	       (connector != NULL &&
		(connector->events != NULL || connector->settings->name != NULL));
}

/* Adds ", word" to a list of words. */
static void list_word(struct arena *arena, struct text *list, struct text word)
{
	bool first = list->n > 0 && list->s[list->n - 1] == ':';
	struct text more =
	    text_printf(arena, "%.*s%s %.*s", TEXT_ARG(*list), first ? "" : ",", TEXT_ARG(word));

	if (more.s != NULL)
		*list = more;
}

/* Which events a plugin has, or which plugins there are. */
static const char *plugins_hint(struct loading *l, struct text type)
{
	struct text list, name, rest = (struct text){ type.s + 7, type.n - 7 };
	const struct plugin_config *plugin;
	size_t empty;

	text_split(rest, '.', &name);
	plugin = config_plugin(l->config, name);
	list = plugin != NULL ? TEXT("its events:") : TEXT("plugins in tappet.yaml:");
	empty = list.n;
	for (size_t i = 0; plugin == NULL && i < l->config->plugin_count; i++)
		list_word(l->r.arena, &list, l->config->plugins[i].name);
	if (plugin != NULL)
		for (const struct event_type *e = manifest_connector(plugin->manifest)->events;
		     e->name != NULL && list.n < 200; e++)
			list_word(l->r.arena, &list, text_of(e->name));
	if (list.n > empty)
		return list.s;
	return plugin != NULL ? "its manifest has no events"
			      : "there are no plugins in tappet.yaml";
}

/* Which hooks or schedules there are, for a type that names another. */
static const char *names_hint(struct loading *l, struct text type)
{
	const struct config *config = l->config;
	struct text list = TEXT("hooks in tappet.yaml:");
	size_t empty = list.n;

	if (text_starts(type, TEXT("hook."))) {
		for (size_t i = 0; i < config->hook_count; i++)
			if (config->hooks[i].connection == NULL)
				list_word(l->r.arena, &list, config->hooks[i].name);
		return list.n > empty ? list.s : "there are no hooks in tappet.yaml";
	}
	if (text_starts(type, TEXT("http.")))
		return "its polls make http.CONNECTION.POLL.created, .updated and .deleted";
	if (text_starts(type, TEXT("plugin.")))
		return plugins_hint(l, type);
	if (!text_starts(type, TEXT("schedule.")))
		return "";
	list = TEXT("schedules in tappet.yaml:");
	empty = list.n;
	for (size_t i = 0; i < config->schedule_count; i++)
		list_word(l->r.arena, &list, config->schedules[i].name);
	return list.n > empty ? list.s : "there are no schedules in tappet.yaml";
}

/* True when no poll of the connector brings such objects. */
static bool by_webhook_only(const struct connector *connector, const struct event_type *event)
{
	for (const struct resource *r = connector->resources; r != NULL && r->name != NULL; r++)
		if (event->kind != NULL && r->kind == event->kind)
			return false;
	return connector->webhook != NULL;
}

/* Events that come by webhook, while no connection of their connector receives any. */
static void check_received(struct loading *l, const struct yaml_node *node, struct text type)
{
	const struct connector *connector;
	struct text head;
	bool any = false;

	text_split(type, '.', &head);
	connector = connector_find(head);
	if (connector == NULL || config_is_bare(l->config) || l->config->incomplete)
		return;
	for (const struct event_type *e = connector->events; e != NULL && e->name != NULL; e++) {
		struct text name = text_of(e->name);

		if (!meet(type, name))
			continue;
		if (!by_webhook_only(connector, e))
			return;
		any = true;
	}
	for (size_t i = 0; any && i < l->config->connection_count; i++)
		any = l->config->connections[i].connector != connector ||
		      l->config->connections[i].webhook_secret_count == 0;
	if (any)
		reader_warn(&l->r, node, "give it webhook: { secret: \"${env:NAME}\" }",
			    "this comes by webhook, and no %s connection receives any",
			    connector->name);
}

/* Of a feed read for hints alone: does it still tell of the subject that rest begins with? */
static bool hinted_subject(const char *const *subjects, struct text rest)
{
	struct text subject;

	text_split(rest, '.', &subject);
	for (; *subjects != NULL; subjects++)
		if (text_is(subject, *subjects))
			return true;
	return memchr(subject.s, '*', subject.n) != NULL;
}

/* Does a connection read the feed that tells "KIND.rest"? */
static bool polls_feed(const struct config *config, const struct connector *connector,
		       struct text rest)
{
	for (size_t i = 0; i < config->connection_count; i++) {
		const struct connection *c = &config->connections[i];

		for (size_t k = 0; c->connector == connector && k < c->poll_count; k++) {
			const struct poll_config *poll = &c->polls[k];

			if (poll->resource->feed != NULL &&
			    (poll->subjects == NULL || hinted_subject(poll->subjects, rest)))
				return true;
		}
	}
	return false;
}

static bool is_of(const struct resource *r, struct text type, struct text *rest)
{
	size_t n = r->feed != NULL ? strlen(r->kind->name) : 0;

	if (n == 0 || type.n <= n || !text_starts(type, text_of(r->kind->name)) || type.s[n] != '.')
		return false;
	*rest = (struct text){ type.s + n + 1, type.n - n - 1 };
	return true;
}

/* Events that only a feed brings, which no connection reads. */
static void check_fed(struct loading *l, const struct yaml_node *node, struct text type)
{
	const struct connector *connector;
	struct text head, rest;

	text_split(type, '.', &head);
	connector = connector_find(head);
	if (connector == NULL || config_is_bare(l->config) || l->config->incomplete)
		return;
	for (const struct resource *r = connector->resources; r != NULL && r->name != NULL; r++)
		if (is_of(r, type, &rest) && !polls_feed(l->config, connector, rest))
			reader_warn(
			    &l->r, node,
			    text_printf(l->r.arena, "poll: { %s: { every: 1m } }", r->name).s,
			    "this comes by the feed, and no %s connection polls it",
			    connector->name);
}

/* Events of objects that are only known by a poll, while no connection polls them. */
static const struct resource *resource_of(const struct connector *connector, struct text type)
{
	for (const struct event_type *e = connector->events; e != NULL && e->name != NULL; e++) {
		if (e->kind == NULL || !text_is(type, e->name))
			continue;
		for (const struct resource *r = connector->resources; r != NULL && r->name; r++)
			if (r->kind == e->kind)
				return r;
	}
	return NULL;
}

static void check_polled(struct loading *l, const struct yaml_node *node,
			 const struct connector *connector, struct text type)
{
	const struct resource *r = resource_of(connector, type);

	if (r == NULL || r->feed != NULL || l->config->incomplete)
		return;
	for (size_t i = 0; i < l->config->connection_count; i++) {
		const struct connection *c = &l->config->connections[i];

		for (size_t k = 0; c->connector == connector && k < c->poll_count; k++)
			if (c->polls[k].resource == r)
				return;
	}
	reader_warn(&l->r, node, text_printf(l->r.arena, "poll: { %s: { every: 5m } }", r->name).s,
		    "no %s connection polls %s: only what tappet's own actions change is told",
		    connector->name, r->name);
}

static void check_glob(struct loading *l, const struct yaml_node *node, const struct known *k,
		       struct text glob)
{
	if (any_known(k, glob)) {
		check_received(l, node, glob);
		check_fed(l, node, glob);
	}
	if (any_known(k, glob) || (config_is_bare(l->config) && !ours(l->config, glob)))
		return;
	reader_warn(&l->r, node, "* stands for one segment, a trailing ** for any number",
		    "no known event matches \"%.*s\"", TEXT_ARG(glob));
}

static void check_connected(struct loading *l, const struct yaml_node *node, struct text type)
{
	const struct connector *connector;
	struct text head;

	text_split(type, '.', &head);
	connector = connector_find(head);
	if (connector == NULL || config_is_bare(l->config) || connectors_event(type) == NULL)
		return;
	for (size_t i = 0; i < l->config->connection_count; i++)
		if (l->config->connections[i].connector == connector) {
			check_received(l, node, type);
			check_fed(l, node, type);
			check_polled(l, node, connector, type);
			return;
		}
	reader_warn(&l->r, node, "add one under connections in tappet.yaml",
		    "no connection uses the connector %s, so this never happens", connector->name);
}

/* A first segment that is no word of ours, nor nearly one: somebody else's type. */
static bool foreign(const struct config *config, struct text type)
{
	const char *names[64] = { "hook", "schedule", "tappet", "plugin" };
	size_t n = 4;
	struct text head;

	text_split(type, '.', &head);
	for (const struct connector *const *c = connectors_all(); *c != NULL && n < 63; c++)
		names[n++] = (*c)->name;
	names[n] = NULL;
	return !ours(config, type) && text_nearest(head, names) == NULL;
}

static void unknown_type(struct loading *l, const struct yaml_node *node, const struct known *k,
			 struct text type)
{
	const char *hint =
	    foreign(l->config, type) ? "" : reader_nearest(l->r.arena, type, k->types);

	if (hint[0] != '\0' || ours(l->config, type))
		reader_error(&l->r, node, hint[0] != '\0' ? hint : names_hint(l, type),
			     "there is no event \"%.*s\"", TEXT_ARG(type));
	else if (!config_is_bare(l->config) && !l->config->incomplete && l->config->hook_count == 0)
		emitted_wanted(l, type, reader_place(&l->r, node));
}

/* An event of a plugin that has none of this name, or nobody knows it; false: it is none of a
 * plugin's. */
static bool check_plugin(struct loading *l, const struct yaml_node *node, struct text type)
{
	const struct plugin_config *plugin;
	const char *names[LIMIT_MANIFEST_EVENTS + 1], *hint;
	const struct event_type *events;
	struct text name;
	size_t n = 0;

	if (!text_starts(type, TEXT("plugin.")))
		return false;
	text_split((struct text){ type.s + 7, type.n - 7 }, '.', &name);
	plugin = config_plugin(l->config, name);
	if (plugin == NULL)
		return false;
	if (!manifest_is_known(plugin->manifest)) {
		if (!l->by_itself)
			reader_warn(&l->r, node,
				    "let it connect once, or name its manifest in tappet.yaml",
				    "the plugin %.*s hasn't said yet what it has: this isn't "
				    "checked",
				    TEXT_ARG(name));
		return true;
	}
	events = manifest_connector(plugin->manifest)->events;
	for (; events[n].name != NULL && n < LIMIT_MANIFEST_EVENTS; n++)
		names[n] = events[n].name;
	names[n] = NULL;
	hint = reader_nearest(l->r.arena, type, names);
	diags_add(l->r.diags,
		  l->by_itself || (l->config->lenient && plugin->said) ? DIAG_WARNING : DIAG_ERROR,
		  node->at, hint[0] != '\0' ? hint : plugins_hint(l, type),
		  "there is no event \"%.*s\"", TEXT_ARG(type));
	return true;
}

void catalog_check_type(struct loading *l, const struct yaml_node *node, struct text type)
{
	const struct known *k;

	assert(l != NULL && node != NULL);
	/* The usual case, without collecting anything. */
	if (config_event(l->config, type) != NULL && memchr(type.s, '*', type.n) == NULL) {
		check_connected(l, node, type);
		return;
	}
	if (is_polled(l->config, type))
		return;
	if (!well_formed(type)) {
		reader_error(&l->r, node,
			     "segments joined with dots; * is one whole segment, a trailing ** any",
			     "\"%.*s\" is no event type", TEXT_ARG(type));
		return;
	}
	k = known_types(l);
	if (k == NULL)
		return;
	if (memchr(type.s, '*', type.n) != NULL)
		check_glob(l, node, k, type);
	else if (!check_plugin(l, node, type) && !is_known(k, type))
		unknown_type(l, node, k, type);
}

/* ---- Kinds. ---- */

static bool add_kind(const struct object_kind *kind, const struct object_kind **kinds,
		     size_t *count, size_t room)
{
	if (kind == NULL)
		return false;
	for (size_t i = 0; i < *count; i++)
		if (kinds[i] == kind)
			return true;
	if (*count == room)
		return false;
	kinds[(*count)++] = kind;
	return true;
}

/* Whether the glob may take events of the plugin. */
static bool may_be_of(const struct plugin_config *plugin, struct text glob)
{
	struct text head, name, rest = text_split(glob, '.', &head);

	text_split(rest, '.', &name);
	return text_is(head, "*") || text_is(head, "**") ||
	       (text_is(head, "plugin") &&
		(memchr(name.s != NULL ? name.s : "", '*', name.n) != NULL ||
		 text_eq(name, plugin->name)));
}

/* Those of one connector or plugin that the glob takes; *known: none of them is unknown. */
static bool glob_kinds(const struct event_type *events, struct text glob, bool *known,
		       const struct object_kind **kinds, size_t *count, size_t room)
{
	bool any = false;

	for (const struct event_type *e = events; e != NULL && e->name != NULL; e++) {
		if (!meet(glob, text_of(e->name)))
			continue;
		any = true;
		*known = add_kind(e->kind, kinds, count, room) && *known;
	}
	return any;
}

bool catalog_kinds(const struct config *config, struct text type, const struct object_kind **kinds,
		   size_t *count, size_t room)
{
	const struct event_type *exact;
	bool known = true, any = false;

	assert(kinds != NULL && count != NULL);
	if (memchr(type.s, '*', type.n) == NULL) {
		exact = config_event(config, type);
		return exact != NULL && add_kind(exact->kind, kinds, count, room);
	}
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++)
		any = glob_kinds((*c)->events, type, &known, kinds, count, room) || any;
	for (size_t i = 0; i < config->plugin_count; i++) {
		const struct manifest *m = config->plugins[i].manifest;

		any = glob_kinds(manifest_connector(m)->events, type, &known, kinds, count, room) ||
		      any;
		known = known && (manifest_is_known(m) || !may_be_of(&config->plugins[i], type));
	}
	return any && known;
}

/* ---- Hints. ---- */

const char *catalog_connector_hint(struct loading *l, struct text word)
{
	struct text list = TEXT("connectors:");
	struct arena *arena = l->r.arena;
	const char *names[64 + LIMIT_PLUGINS];
	size_t n = 0;

	assert(arena != NULL);
	for (size_t i = 0; i < l->config->plugin_count; i++)
		names[n++] = l->config->plugins[i].name.s;
	for (const struct connector *const *c = connectors_all();
	     *c != NULL && n < 63 + LIMIT_PLUGINS; c++)
		names[n++] = (*c)->name;
	names[n] = NULL;
	if (text_nearest(word, names) != NULL)
		return reader_nearest(arena, word, names);
	for (size_t i = 0; i < n; i++)
		list_word(arena, &list, text_of(names[i]));
	return list.s;
}

const char *catalog_action_hint(struct loading *l, struct text word)
{
	struct arena *arena = l->r.arena;
	const char *names[MAX_TYPES + 1];
	size_t n = 0;

	assert(arena != NULL);
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++) {
		for (const struct action *a = (*c)->actions; a != NULL && a->name != NULL; a++) {
			struct text name = text_printf(arena, "%s.%s", (*c)->name, a->name);

			if (n < MAX_TYPES && name.s != NULL)
				names[n++] = name.s;
		}
	}
	for (size_t i = 0; i < l->config->plugin_count; i++) {
		const struct connector *c = manifest_connector(l->config->plugins[i].manifest);

		for (const struct action *a = c->actions; a->name != NULL; a++) {
			struct text name = text_printf(arena, "%s.%s", c->name, a->name);

			if (n < MAX_TYPES && name.s != NULL)
				names[n++] = name.s;
		}
	}
	names[n] = NULL;
	return reader_nearest(arena, word, names);
}

/* ---- Tests. ---- */

static bool is_taken(const struct ruleset *set, struct text type)
{
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *rule = ruleset_at(set, i);

		for (size_t k = 0; k < rule->on_count; k++)
			if (event_glob(rule->on[k], type))
				return true;
	}
	return false;
}

/* What the rule itself takes is meant more likely than anything else. */
static const char *test_type_hint(struct arena *arena, const struct known *k,
				  const struct rule *rule, struct text type)
{
	const char **own = arena_array(arena, rule->on_count + 1, sizeof(*own));
	const char *hint;

	if (own == NULL)
		return "";
	for (size_t i = 0; i < rule->on_count; i++)
		own[i] = text_dup(arena, rule->on[i]).s;
	own[rule->on_count] = NULL;
	hint = reader_nearest(arena, type, own);
	return hint[0] != '\0' ? hint : reader_nearest(arena, type, k->types);
}

void ruleset_check_type(const struct reader *r, const struct rule *rule,
			const struct yaml_node *node, struct text type)
{
	const struct config *config = rule->set->config;
	struct known k = { .arena = r->arena };
	const char *hint;

	assert(r != NULL && rule != NULL && node != NULL);
	if (config_event(config, type) != NULL || is_polled(config, type) ||
	    is_taken(rule->set, type))
		return;
	collect(&k, config);
	if (!well_formed(type) || memchr(type.s, '*', type.n) != NULL) {
		reader_error(r, node, "segments joined with dots", "\"%.*s\" is no event's type",
			     TEXT_ARG(type));
		return;
	}
	if (is_known(&k, type))
		return;
	hint = test_type_hint(r->arena, &k, rule, type);
	if (ours(config, type) && !text_starts(type, TEXT("hook.")) &&
	    !text_starts(type, TEXT("schedule.")) && !text_starts(type, TEXT("plugin.")))
		reader_error(r, node, hint, "there is no event \"%.*s\"", TEXT_ARG(type));
	else if (hint[0] != '\0')
		reader_warn(r, node, hint, "no rule takes \"%.*s\", and nothing here sends it",
			    TEXT_ARG(type));
}

void ruleset_check_connection(const struct reader *r, const struct rule *rule,
			      const struct yaml_node *node, struct text name)
{
	const struct config *config = rule->set->config;
	const char *names[MAX_TYPES + 1];
	size_t n = 0;

	assert(r != NULL && rule != NULL && node != NULL);
	if (config_is_bare(config) || config->incomplete || name.n == 0 ||
	    config_connection(config, name) != NULL || config_hook(config, name) != NULL ||
	    config_plugin(config, name) != NULL)
		return;
	for (; n < config->connection_count && n < MAX_TYPES; n++)
		names[n] = text_dup(r->arena, config->connections[n].name).s;
	names[n] = NULL;
	reader_warn(r, node, reader_nearest(r->arena, name, names),
		    "there is no connection \"%.*s\"", TEXT_ARG(name));
}
