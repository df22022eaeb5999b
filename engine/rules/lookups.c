/* SPDX-License-Identifier: Apache-2.0
 *
 * lookups - `lookup:` of a rule: what is read before the rule decides.
 *
 * A look-up is a step, so that it is recorded, tried again and shares the limits of
 * its connection as steps do; this file says what makes it one of its kind. Its
 * names are known before anything that may read them is; the steps are read last.
 * Never: accepts an action that may change something. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/words.h"

static const char example[] =
    "lookup: { ws: { kantata.workspace.show: { id: \"${data.workspace_id}\" } } }";

const char *const lookup_keys[] = { "if",     "via",   "retry",    "timeout", "ok",
				    "result", "cache", "on_error", NULL };

static bool is_option(struct text key)
{
	for (size_t i = 0; lookup_keys[i] != NULL; i++)
		if (text_is(key, lookup_keys[i]))
			return true;
	return false;
}

static bool is_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] == '_' || ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z');

		if (!letter && (i == 0 || t.s[i] < '0' || t.s[i] > '9'))
			return false;
	}
	return t.n > 0;
}

const struct yaml_node *lookups_open(struct loading *l, const struct yaml_node *map)
{
	bool good = true;

	assert(l != NULL);
	l->looked_up = 0;
	l->lookups_wrong = l->looking = false;
	if (map == NULL || map->kind == YAML_NULL)
		return NULL;
	if (map->kind != YAML_MAP) {
		reader_error(&l->r, map, example, "lookup must be a map, not %s",
			     yaml_kind_words(map));
		l->lookups_wrong = true;
		return NULL;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key, *val = map->pairs[i].val;

		if (!is_name(key->text))
			reader_error(&l->r, key, "letters, digits and _, a letter first",
				     "\"%.*s\" is no name for a look-up", TEXT_ARG(key->text));
		else if (val->kind != YAML_MAP)
			reader_error(&l->r, val, example, "a look-up must be a map, not %s",
				     yaml_kind_words(val));
		good = good && is_name(key->text) && val->kind == YAML_MAP;
	}
	l->lookups_wrong = !good;
	return good && map->count > 0 ? map : NULL;
}

struct text lookup_step_name(struct arena *arena, struct text name)
{
	return text_printf(arena, "lookup.%.*s", TEXT_ARG(name));
}

const struct yaml_pair *lookup_action(struct loading *l, const struct yaml_node *map)
{
	const struct yaml_pair *found = NULL;

	assert(l != NULL && map != NULL);
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;

		if (is_option(key->text))
			continue;
		if (memchr(key->text.s, '.', key->text.n) == NULL)
			reader_error(&l->r, key, reader_nearest(l->r.arena, key->text, lookup_keys),
				     "a look-up has no key \"%.*s\"", TEXT_ARG(key->text));
		else if (found != NULL)
			reader_error(&l->r, key, "give it a name of its own",
				     "one look-up reads one thing: it has \"%.*s\" already",
				     TEXT_ARG(found->key->text));
		else
			found = &map->pairs[i];
	}
	if (found == NULL && !map->damaged)
		reader_error(&l->r, map, example, "this look-up names no action");
	return found;
}

/* ---- That it only reads. ---- */

/* With method GET or HEAD, or without a method and a body. */
static bool asks_to_read(const struct yaml_node *params)
{
	static const char *const bodies[] = { "json", "form", "body", "multipart", NULL };
	const struct yaml_node *method =
	    params->kind == YAML_MAP ? yaml_get(params, "method") : NULL;

	if (method != NULL)
		return method->kind == YAML_TEXT &&
		       (text_is(method->text, "GET") || text_is(method->text, "HEAD"));
	for (size_t i = 0; params->kind == YAML_MAP && bodies[i] != NULL; i++)
		if (yaml_get(params, bodies[i]) != NULL)
			return false;
	return true;
}

static void check_reads(struct loading *l, const struct yaml_pair *pair, const struct step *step)
{
	bool by_method = step->action->reads == READS_BY_METHOD;

	if (step->action->reads == READS || (by_method && asks_to_read(pair->val)))
		return;
	reader_error(&l->r, pair->key,
		     by_method ? "a look-up takes method GET or HEAD, and no body"
			       : "do it in a step, after the rule has decided",
		     "%.*s may change something: a look-up only reads", TEXT_ARG(pair->key->text));
}

void lookup_finish(struct loading *l, const struct yaml_node *map, const struct yaml_pair *action,
		   struct step *step)
{
	const struct yaml_node *cache = yaml_get(map, "cache");
	const struct yaml_node *on_error = yaml_get(map, "on_error");

	assert(l != NULL && step != NULL && step->action != NULL);
	check_reads(l, action, step);
	if (cache != NULL && reader_duration(&l->r, cache, 1, &step->cache) &&
	    step->cache > LIMIT_LOOKUP_CACHE)
		reader_error(&l->r, cache, "", "a result can be kept for a day at most");
	if (on_error != NULL && on_error->kind == YAML_TEXT && text_is(on_error->text, "continue"))
		reader_error(&l->r, on_error,
			     "name the statuses under ok: the look-up is null then",
			     "a rule can't decide without a look-up that failed");
}

static bool names_it(const struct param *p, struct text member)
{
	for (size_t i = 0; p->choices != NULL && p->choices[i] != NULL; i++)
		if (text_is(member, p->choices[i]))
			return true;
	return false;
}

/* A template may say anything: it counts as having asked. */
static bool asked_for(const struct yaml_node *list, struct text member)
{
	if (list == NULL || list->kind == YAML_NULL)
		return false;
	if (list->kind != YAML_LIST)
		return true;
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *item = list->items[i];

		if (item->kind != YAML_TEXT || text_eq(item->text, member) ||
		    text_find(item->text, TEXT("${")) != SIZE_MAX)
			return true;
	}
	return false;
}

static const char *action_leaves_out(const struct action *action, const struct yaml_node *given,
				     struct text member)
{
	for (const struct param *p = action->params; p != NULL && p->name != NULL; p++)
		if (p->adds && names_it(p, member) && !asked_for(yaml_get(given, p->name), member))
			return p->name;
	return NULL;
}

const char *lookup_leaves_out(const struct yaml_node *lookup, struct text member)
{
	assert(lookup != NULL);
	if (lookup->kind != YAML_MAP || member.n == 0 || yaml_get(lookup, "result") != NULL)
		return NULL;
	for (size_t i = 0; i < lookup->count; i++) {
		const struct yaml_pair *pair = &lookup->pairs[i];
		struct text first, name = text_split(pair->key->text, '.', &first);
		const struct connector *connector = connector_find(first);
		const struct action *action =
		    connector != NULL ? connector_action(connector, name) : NULL;

		if (action != NULL && pair->val->kind == YAML_MAP)
			return action_leaves_out(action, pair->val, member);
	}
	return NULL;
}
