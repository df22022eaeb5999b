/* SPDX-License-Identifier: Apache-2.0
 *
 * entity_functions - entity(kind, id): the last known state of an object, without a request.
 *
 * What is known comes from polls, webhooks and replies to actions, and is kept by
 * the store under the connection and the kind; the host of an evaluation lends its
 * store (struct entities). Which connection is meant depends on the event and the
 * configuration only, so rules may share what they read.
 * Never: asks the product. Without a host nothing is known, and all is null. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

#define KINDS_TOLD 64 /* kinds of objects in all: 10 connectors have about as many */

/* ---- Kinds. ---- */

static void add_kind(const struct object_kind *kind, const struct object_kind **out, size_t *count)
{
	for (size_t i = 0; kind != NULL && i < *count; i++)
		if (out[i] == kind)
			return;
	if (kind != NULL && *count < KINDS_TOLD)
		out[(*count)++] = kind;
}

static size_t kinds_of_all(const struct object_kind *out[KINDS_TOLD])
{
	const struct connector *const *all = connectors_all();
	size_t n = 0;

	for (size_t i = 0; all[i] != NULL; i++) {
		for (const struct event_type *e = all[i]->events; e != NULL && e->name != NULL; e++)
			add_kind(e->kind, out, &n);
		for (const struct resource *r = all[i]->resources; r != NULL && r->name != NULL;
		     r++)
			add_kind(r->kind, out, &n);
	}
	return n;
}

const struct object_kind *entity_kind(struct text name)
{
	const struct object_kind *kinds[KINDS_TOLD];
	size_t n = kinds_of_all(kinds);

	for (size_t i = 0; i < n; i++)
		if (text_is(name, kinds[i]->name))
			return kinds[i];
	return NULL;
}

const char *entity_kind_hint(struct arena *arena, struct text name)
{
	const struct object_kind *kinds[KINDS_TOLD];
	const char *names[KINDS_TOLD + 1];
	size_t n = kinds_of_all(kinds);

	for (size_t i = 0; i < n; i++)
		names[i] = kinds[i]->name;
	names[n] = NULL;
	return reader_nearest(arena, name, names);
}

/* ---- Which connection. ---- */

/* The event's own where it is of the product, else the only one there is. */
static bool find_connection(const struct scope *scope, struct text product, struct text *out)
{
	const struct config *config = scope->rule->set->config;
	const struct connection *own = config_connection(config, scope->event->connection);
	size_t count = 0;

	*out = scope->event->connection;
	if (own != NULL && text_is(product, own->connector->name))
		return true;
	for (size_t i = 0; i < config->connection_count; i++) {
		if (text_is(product, config->connections[i].connector->name)) {
			*out = config->connections[i].name;
			count++;
		}
	}
	if (count == 0 && config_is_bare(config))
		*out = product;
	return count == 1 || (count == 0 && config_is_bare(config));
}

/* ---- The function. ---- */

static bool id_text(struct arena *arena, struct value id, struct text *out)
{
	AUTO_FINI(buf_fini) struct buf b;

	buf_init(&b, KIB);
	*out = value_is(id, VALUE_TEXT) ? value_as_text(id) : TEXT_NONE;
	if (value_is(id, VALUE_TEXT))
		return true;
	if (!value_is(id, VALUE_INT) && !value_is(id, VALUE_UINT))
		return false;
	value_write_plain(&b, id);
	*out = text_dup(arena, buf_view(&b));
	return true;
}

static struct value fn_entity(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	const struct scope *scope = of;
	const struct object_kind *kind = entity_kind(value_as_text(args[0]));
	struct text product, connection, id;
	struct value found;

	assert(scope != NULL && scope->event != NULL);
	if (scope->asked != NULL)
		*scope->asked = true;
	if (kind == NULL)
		return cel_error(run, "there is no kind of object \"%.*s\"",
				 TEXT_ARG(value_as_text(args[0])));
	if (value_is(args[1], VALUE_NULL))
		return value_null();
	if (!id_text(scope->arena, args[1], &id))
		return cel_error(run, "an id must be text or int; this is %s",
				 value_kind_name((enum value_kind)args[1].kind));
	(void)text_split(text_of(kind->name), '.', &product);
	if (count == 3)
		connection = value_as_text(args[2]);
	else if (!find_connection(scope, product, &connection))
		return cel_error(run,
				 "which connection of %.*s? Name it: entity(kind, id, connection)",
				 TEXT_ARG(product));
	if (scope->entities == NULL)
		return value_null();
	found = scope->entities->get(scope->entities->of, scope->arena, connection, kind, id);
	return cel_charge_value(run, found) ? found : cel_error_budget();
}

const struct cel_function entity_functions[] = {
	{ .name = "entity",
	  .doc = "The last known state of an object, or null; nothing is asked of the product.",
	  .type = CEL_DYN,
	  .least = 2,
	  .most = 3,
	  .args = { CEL_TEXT, CEL_DYN, CEL_TEXT },
	  .call = fn_entity },
	{ .name = NULL },
};
