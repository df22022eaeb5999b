/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_steps - steps whose action is a plugin's: "inventory.reserve".
 *
 * What the manifest doesn't have is a mistake like any other. But a plugin changes by
 * itself: with a lenient configuration (the daemon's), and for a stored revision, what
 * doesn't fit what the plugin said last is a warning, and the step is loaded as it is
 * written. It then fails when it runs, with the reason, unless the manifest of that
 * time takes it.
 *
 * I1  A step of a plugin always has an action, be it one of which only the name is
 *     known. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/rules/plugin_manifest.h"

DEFINE_AUTO(diags_free, struct diags *)

static bool is_lenient(const struct loading *l, const struct plugin_config *plugin)
{
	return l->by_itself || (l->config->lenient && plugin->said);
}

/* A mistake, or a warning where it doesn't stop anything. False for a mistake. */
#define misfit(l, plugin, node, hint, ...)                                                         \
	(diags_add((l)->r.diags, is_lenient(l, plugin) ? DIAG_WARNING : DIAG_ERROR, (node)->at,    \
		   hint, __VA_ARGS__),                                                             \
	 is_lenient(l, plugin))

static const char *nearest_action(struct loading *l, const struct plugin_config *plugin,
				  struct text word)
{
	const struct action *actions = manifest_connector(plugin->manifest)->actions;
	const char *names[LIMIT_MANIFEST_ACTIONS + 1];
	struct text all = TEXT("it has:");
	const char *near;
	size_t n = 0;

	for (; actions[n].name != NULL && n < LIMIT_MANIFEST_ACTIONS; n++)
		names[n] = actions[n].name;
	names[n] = NULL;
	near = reader_nearest(l->r.arena, word, names);
	if (near[0] != '\0')
		return near;
	if (n == 0)
		return "its manifest has no actions";
	for (size_t i = 0; i < n && i < 9 && all.s != NULL; i++)
		all =
		    text_printf(l->r.arena, "%.*s%s %s", TEXT_ARG(all), i > 0 ? "," : "", names[i]);
	return all.s != NULL ? all.s : "";
}

bool plugin_read_action(struct loading *l, const struct yaml_node *key,
			const struct plugin_config *plugin, struct text word, struct step *step)
{
	bool goes_on = true;

	assert(l != NULL && key != NULL && plugin != NULL && step != NULL);
	step->plugin = true;
	step->connector = manifest_connector(plugin->manifest);
	step->action = connector_action(step->connector, word);
	if (step->action != NULL)
		return true;
	if (manifest_is_known(plugin->manifest))
		goes_on = misfit(l, plugin, key, nearest_action(l, plugin, word),
				 "the plugin %.*s has no action \"%.*s\"", TEXT_ARG(plugin->name),
				 TEXT_ARG(word));
	else if (!manifest_is_name(word))
		goes_on = misfit(l, plugin, key, "small letters, digits and _, a letter first",
				 "\"%.*s\" is no name of an action", TEXT_ARG(word));
	else if (!l->by_itself)
		reader_warn(&l->r, key, "let it connect once, or name its manifest in tappet.yaml",
			    "the plugin %.*s hasn't said yet what it has: this isn't checked",
			    TEXT_ARG(plugin->name));
	step->action = manifest_any_action(l->r.arena, word);
	l->failed = l->failed || step->action == NULL;
	return goes_on && step->action != NULL;
}

/* Tells what was told apart, errors as warnings. */
static void tell_again(struct diags *from, struct diags *to)
{
	for (size_t i = 0; i < diags_count(from); i++) {
		const struct diag *d = diags_at(from, i);

		diags_add(to, DIAG_WARNING, d->at, d->hint, "%s", d->what);
	}
}

/* The parameters as the manifest has them, or, where they don't fit it, as any. */
static const struct template *lenient_params(struct loading *l, const struct yaml_node *node,
					     const struct param *table)
{
	AUTO(diags_free) struct diags *apart = diags_new();
	struct diags *all = l->r.diags;
	const struct template *t;

	if (apart == NULL) {
		l->failed = true;
		return NULL;
	}
	l->r.diags = apart;
	t = load_template_map(l, node, table, SLOT_PLAIN);
	l->r.diags = all;
	tell_again(apart, all);
	/* What is wrong whatever the manifest says is an error of this. */
	return diags_errors(apart) > 0 ? load_template_map(l, node, NULL, SLOT_PLAIN) : t;
}

void plugin_params(struct loading *l, const struct yaml_node *node, struct step *step)
{
	const struct plugin_config *plugin;

	assert(l != NULL && node != NULL && step->plugin);
	plugin = config_plugin(l->config, text_of(step->connector->name));
	assert(plugin != NULL);
	if (is_lenient(l, plugin) && step->action->params != NULL)
		step->params = lenient_params(l, node, step->action->params);
	else
		step->params = load_template_map(l, node, step->action->params, SLOT_PLAIN);
}

void plugin_connection(struct loading *l, const struct yaml_node *map, struct step *step)
{
	const struct yaml_node *via = yaml_get(map, "via");

	assert(l != NULL && map != NULL && step->plugin);
	step->connection = text_dup(l->r.arena, text_of(step->connector->name));
	if (via != NULL)
		reader_error(&l->r, via, "leave it out",
			     "an action of a plugin goes to that plugin");
}

const struct action *step_action(const struct config *config, struct arena *arena,
				 const struct step *step, const char **why)
{
	const struct plugin_config *plugin;
	const struct action *now;

	assert(config != NULL && step != NULL && why != NULL);
	if (!step->plugin)
		return step->action;
	plugin = config_plugin(config, step->connection);
	if (plugin == NULL) {
		*why = "its plugin is no longer configured";
		return NULL;
	}
	if (!manifest_is_known(plugin->manifest))
		return step->action;
	now = connector_action(manifest_connector(plugin->manifest), text_of(step->action->name));
	if (now != NULL)
		return now;
	*why = text_printf(arena, "the plugin %.*s has no action \"%s\"", TEXT_ARG(plugin->name),
			   step->action->name)
		   .s;
	if (*why == NULL)
		*why = "its plugin has no such action";
	return NULL;
}
