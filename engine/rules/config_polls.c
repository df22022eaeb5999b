/* SPDX-License-Identifier: Apache-2.0
 *
 * config_polls - polls that a connector has under any name, and their own settings.
 *
 * Such a poll is a resource that exists in the configuration only: a copy of the
 * connector's pattern, with a kind of its own ("http.CONNECTION.POLL") whose events
 * are named after it. It lives in the configuration's arena, as the poll does. */
#include "engine/rules/config_internal.h"

#include <assert.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

#define MAX_PARAMS 32 /* of one poll or a map in it; ours have at most 8 */

/* ---- The resource. ---- */

/* The poll's parameter `ignore`, as its kind has it; NULL: nothing. */
static const char *const *ignored(struct configuring *c, struct value settings)
{
	const struct value *list = value_get(settings, TEXT("ignore"));
	const char **words;
	size_t n = 0;

	if (list == NULL || list->kind != VALUE_LIST)
		return NULL;
	words = arena_array(c->r.arena, list->n + 1, sizeof(*words));
	if (words == NULL)
		return NULL;
	for (uint32_t i = 0; i < list->n; i++)
		if (list->items[i].kind == VALUE_TEXT)
			words[n++] = text_dup(c->r.arena, value_as_text(list->items[i])).s;
	words[n] = NULL;
	return words;
}

static bool make_kind(struct configuring *c, const struct connection *conn,
		      struct resource *resource)
{
	struct object_kind *kind = arena_copy(c->r.arena, resource->kind, sizeof(*kind));
	struct text name = text_printf(c->r.arena, "%s.%.*s.%s", conn->connector->name,
				       TEXT_ARG(conn->name), resource->name);

	if (kind == NULL || name.s == NULL)
		return false;
	kind->name = name.s;
	resource->kind = kind;
	return true;
}

const struct resource *config_any_poll(struct configuring *c, const struct connection *conn,
				       const struct yaml_node *key)
{
	struct resource *resource;

	assert(c != NULL && conn != NULL && key != NULL);
	if (conn->connector->any_resource == NULL)
		return NULL;
	if (!reader_is_name(key->text)) {
		reader_error(&c->r, key, "a-z, 0-9, _ and -, beginning with a letter",
			     "\"%.*s\" is no name for a poll", TEXT_ARG(key->text));
		return NULL;
	}
	resource = arena_copy(c->r.arena, conn->connector->any_resource, sizeof(*resource));
	if (resource == NULL)
		return NULL;
	resource->name = text_dup(c->r.arena, key->text).s;
	return resource->name != NULL && make_kind(c, conn, resource) ? resource : NULL;
}

/* ---- Its settings. ---- */

static bool no_insertions(struct configuring *c, const struct yaml_node *node)
{
	struct text t;
	bool fine = true;

	if (node->kind == YAML_TEXT)
		return config_text(c, node, &t);
	for (size_t i = 0; i < node->count && node->kind == YAML_LIST; i++)
		fine = no_insertions(c, node->items[i]) && fine;
	for (size_t i = 0; i < node->count && node->kind == YAML_MAP; i++)
		fine = no_insertions(c, node->pairs[i].val) && fine;
	return fine;
}

static bool type_fits(const struct param *p, const struct yaml_node *node)
{
	switch (p->type) {
	case PARAM_INT:
		return node->kind == YAML_INT;
	case PARAM_BOOL:
		return node->kind == YAML_BOOL;
	case PARAM_MAP:
		return node->kind == YAML_MAP;
	case PARAM_LIST:
		return node->kind == YAML_LIST;
	default:
		return node->kind == YAML_TEXT;
	}
}

static bool all_there(struct configuring *c, const struct yaml_node *map, const struct param *table)
{
	bool fine = true;

	for (const struct param *p = table; p->name != NULL; p++)
		if (p->required && reader_need(&c->r, map, p->name, p->doc) == NULL)
			fine = false;
	return fine;
}

static bool one_fits(struct configuring *c, const struct param *p, const struct yaml_node *node);

/* Bounded: a table's maps nest once. */
static bool members_fit(struct configuring *c, const struct yaml_node *map,
			const struct param *table)
{
	bool fine = all_there(c, map, table);

	for (const struct param *p = table; p->name != NULL; p++) {
		const struct yaml_node *node = yaml_get(map, p->name);

		if (node != NULL)
			fine = one_fits(c, p, node) && fine;
	}
	return fine;
}

static bool one_fits(struct configuring *c, const struct param *p, const struct yaml_node *node)
{
	const char *known[MAX_PARAMS + 1];
	size_t n = 0;
	int choice;

	if (!type_fits(p, node)) {
		reader_error(&c->r, node, p->doc, "\"%s\" has the wrong type: %s", p->name,
			     yaml_kind_words(node));
		return false;
	}
	if (p->type == PARAM_CHOICE)
		return reader_choice(&c->r, node, p->choices, NULL, &choice);
	if (p->members == NULL)
		return no_insertions(c, node);
	for (const struct param *m = p->members; m->name != NULL && n < MAX_PARAMS; m++)
		known[n++] = m->name;
	known[n] = NULL;
	return reader_keys(&c->r, node, p->name, known, NULL) && members_fit(c, node, p->members);
}

/* The node of "page.next", or of what should hold it. */
static const struct yaml_node *node_at(const struct yaml_node *node, const char *at)
{
	struct text rest = text_of(at), segment;

	while (rest.n > 0) {
		const struct yaml_node *found = NULL;

		rest = text_split(rest, '.', &segment);
		for (size_t i = 0; i < node->count && node->kind == YAML_MAP; i++)
			if (text_eq(node->pairs[i].key->text, segment))
				found = node->pairs[i].val;
		if (found == NULL)
			return node;
		node = found;
	}
	return node;
}

static const char *doc_at(const struct param *table, const char *at)
{
	struct text rest = text_of(at), segment;
	const char *doc = "";

	while (rest.n > 0 && table != NULL) {
		const struct param *p = table;

		rest = text_split(rest, '.', &segment);
		while (p->name != NULL && !text_is(segment, p->name))
			p++;
		if (p->name == NULL)
			break;
		doc = p->doc;
		table = p->members;
	}
	return doc;
}

static struct value settings_of(struct configuring *c, const struct yaml_node *node,
				const struct param *table)
{
	struct value_map_builder b;

	value_map_begin(&b, c->r.arena);
	for (const struct param *p = table; p->name != NULL; p++) {
		const struct yaml_node *member = yaml_get(node, p->name);

		if (member != NULL)
			value_map_set(&b, p->name, yaml_value(c->r.arena, member));
	}
	return value_map_end(&b);
}

void config_poll_settings(struct configuring *c, const struct connection *conn,
			  const struct yaml_node *node, struct poll_config *poll)
{
	const struct resource *resource = poll->resource;
	AUTO(arena_free) struct arena *arena = arena_new("poll settings", MIB);
	struct call call = { .arena = arena, .settings = conn->settings, .idempotency_key = "" };
	const char *at = "";

	assert(c != NULL && node != NULL && resource->params != NULL);
	if (arena == NULL || !members_fit(c, node, resource->params))
		return;
	poll->settings = settings_of(c, node, resource->params);
	if (resource->fits != NULL && !resource->fits(&call, poll->settings, &at))
		reader_error(&c->r, node_at(node, at), doc_at(resource->params, at), "%s",
			     call.why);
	/* Made a moment ago by config_any_poll, and nobody else's yet. */
	((struct object_kind *)(uintptr_t)resource->kind)->ignored = ignored(c, poll->settings);
}
