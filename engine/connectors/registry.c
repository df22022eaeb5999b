/* SPDX-License-Identifier: Apache-2.0
 *
 * registry - all connectors, and finding things in their tables.
 *
 * registry.h has one CONNECTOR(word) line for each word of meson.build; it is
 * expanded twice here, to declare and to list. No constructors, no linker
 * sections: what exists and in which order can be read.
 * Ownership: everything is static. Never: changes after the program started. */
#include "engine/connectors/connector.h"

#include <assert.h>

#define CONNECTOR(word) extern const struct connector connector_##word;
#include "engine/connectors/registry.h"
#undef CONNECTOR

#define CONNECTOR(word) &connector_##word,
static const struct connector *const all[] = {
#include "engine/connectors/registry.h"
	NULL,
};
#undef CONNECTOR

const struct connector *const *connectors_all(void)
{
	return all;
}

const struct connector *connector_find(struct text name)
{
	for (size_t i = 0; all[i] != NULL; i++)
		if (text_is(name, all[i]->name))
			return all[i];
	return NULL;
}

const struct action *connector_action(const struct connector *connector, struct text name)
{
	assert(connector != NULL);
	if (connector->actions == NULL)
		return NULL;
	for (const struct action *a = connector->actions; a->name != NULL; a++)
		if (text_is(name, a->name))
			return a;
	return NULL;
}

const struct resource *connector_resource(const struct connector *connector, struct text name)
{
	assert(connector != NULL);
	if (connector->resources == NULL)
		return NULL;
	for (const struct resource *r = connector->resources; r->name != NULL; r++)
		if (text_is(name, r->name))
			return r;
	return NULL;
}

/* A segment "*" of a row's name takes any one: "hindsite.webhook.*". */
static bool event_takes(const char *name, struct text type)
{
	struct text row = text_of(name), pattern, segment;

	while (row.s != NULL && type.s != NULL) {
		row = text_split(row, '.', &pattern);
		type = text_split(type, '.', &segment);
		if (segment.n == 0 || (!text_is(pattern, "*") && !text_eq(pattern, segment)))
			return false;
	}
	return row.s == NULL && type.s == NULL;
}

/* An exact row goes before a pattern. Asked with every event: what begins otherwise isn't compared,
 * and no pattern begins with a *. */
const struct event_type *connectors_event(struct text type)
{
	const struct event_type *pattern = NULL;

	for (size_t i = 0; all[i] != NULL; i++) {
		if (all[i]->events == NULL)
			continue;
		for (const struct event_type *e = all[i]->events; e->name != NULL; e++) {
			if (type.n == 0 || e->name[0] != type.s[0])
				continue;
			if (text_is(type, e->name))
				return e;
			if (pattern == NULL && strchr(e->name, '*') != NULL &&
			    event_takes(e->name, type))
				pattern = e;
		}
	}
	return pattern;
}

const struct field *object_kind_field(const struct object_kind *kind, struct text path)
{
	assert(kind != NULL);
	if (kind->fields == NULL)
		return NULL;
	for (const struct field *f = kind->fields; f->name != NULL; f++)
		if (text_is(path, f->name))
			return f;
	return NULL;
}

const struct field *object_kind_nearest(const struct object_kind *kind, struct text path)
{
	const struct field *found = object_kind_field(kind, path);

	while (found == NULL && path.n > 0) {
		while (path.n > 0 && path.s[path.n - 1] != '.')
			path.n--;
		if (path.n == 0)
			return NULL;
		path.n--;
		found = object_kind_field(kind, path);
	}
	return found;
}
