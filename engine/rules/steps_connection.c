/* SPDX-License-Identifier: Apache-2.0
 *
 * steps_connection - which connection a step goes through: the one that `via` names,
 * or the only one of its connector. */
#include "engine/rules/load.h"

#include <assert.h>

static const char *connection_names(struct loading *l, const struct connector *connector)
{
	struct text names = TEXT("via: NAME, one of:");
	bool first = true;

	for (size_t i = 0; i < l->config->connection_count; i++) {
		const struct connection *c = &l->config->connections[i];

		if (c->connector != connector || names.s == NULL)
			continue;
		names = text_printf(l->r.arena, "%.*s%s %.*s", TEXT_ARG(names), first ? "" : ",",
				    TEXT_ARG(c->name));
		first = false;
	}
	return names.s != NULL ? names.s : "";
}

void step_via(struct loading *l, const struct yaml_node *node, struct step *step)
{
	const struct connection *c;
	struct text name;

	if (!reader_text(&l->r, node, &name))
		return;
	c = config_connection(l->config, name);
	if (c == NULL && (config_is_bare(l->config) || l->config->incomplete))
		step->connection = name;
	else if (c == NULL)
		reader_error(&l->r, node, connection_names(l, step->connector),
			     "there is no connection \"%.*s\"", TEXT_ARG(name));
	else if (c->connector != step->connector)
		reader_error(&l->r, node, connection_names(l, step->connector),
			     "\"%.*s\" is a %s connection, the action is of %s", TEXT_ARG(name),
			     c->connector->name, step->connector->name);
	else
		step->connection = c->name;
}

void step_only_connection(struct loading *l, const struct yaml_node *key, struct step *step)
{
	const struct connection *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < l->config->connection_count; i++) {
		if (l->config->connections[i].connector == step->connector) {
			found = &l->config->connections[i];
			count++;
		}
	}
	if (count == 1) {
		step->connection = text_dup(l->r.arena, found->name);
	} else if (count > 1 && !step->connector->connection_optional) {
		reader_error(&l->r, key, connection_names(l, step->connector),
			     "several connections use %s: say which with via",
			     step->connector->name);
	} else if (count == 0 && !step->connector->connection_optional) {
		if (config_is_bare(l->config) || l->config->incomplete)
			step->connection = text_of(step->connector->name);
		else
			reader_error(&l->r, key, "add one under connections in tappet.yaml",
				     "no connection uses the connector %s", step->connector->name);
	}
}

/* A path alone leads nowhere without a connection; at run time it could only fail. */
void step_relative_url(struct loading *l, const struct yaml_node *params, const struct step *step)
{
	const struct yaml_node *url = params->kind == YAML_MAP ? yaml_get(params, "url") : NULL;
	const char *hint =
	    "add a connection under connections in tappet.yaml, or write https://HOST/...";

	if (!step->connector->connection_optional || step->connection.n > 0 || url == NULL ||
	    url->kind != YAML_TEXT || !text_starts(url->text, TEXT("/")) || l->by_itself ||
	    config_is_bare(l->config) || l->config->incomplete)
		return;
	for (size_t i = 0; i < l->config->connection_count; i++)
		if (l->config->connections[i].connector == step->connector)
			hint = connection_names(l, step->connector);
	reader_error(&l->r, url, hint, "a URL that names no host needs a connection");
}
