/* SPDX-License-Identifier: Apache-2.0
 *
 * secrets - where rules may name a secret of tappet.yaml: alone, as "${secrets.NAME}",
 * in a parameter that is declared to take one.
 *
 * I1  What a secret is never gets into a rule set: a parameter keeps the reference,
 *     and delivery reads the secret when it sends the request.
 * I2  No expression reads one, so none can be compared, printed or stored.
 * I3  A secret goes where the rule says, or to a connection: never to a host that an
 *     event names. */
#include "engine/rules/load.h"

#include <assert.h>

static const char where[] = "alone, where a secret is taken: auth: { bearer: \"${secrets.NAME}\" }";

/* The parameter, or a member of it, takes a secret. */
static bool holds(const struct param *row)
{
	if (row->secret)
		return true;
	for (const struct param *p = row->members; p != NULL && p->name != NULL; p++)
		if (holds(p))
			return true;
	return false;
}

bool secret_is_taken(const struct yaml_node *node, const struct param *row)
{
	assert(node != NULL && row != NULL);
	if (row->secret)
		return true;
	return node->kind == YAML_TEXT && template_is_dynamic(node->text) && holds(row);
}

static const char *name_hint(struct loading *l, struct text name)
{
	const char *names[64], *hint;
	size_t n = 0;

	for (size_t i = 0; i < l->config->secret_count && n < 63; i++)
		names[n++] = l->config->secrets[i].name.s;
	names[n] = NULL;
	hint = reader_nearest(l->r.arena, name, names);
	return hint[0] != '\0' ? hint : "add it under secrets in tappet.yaml";
}

/* Something is written there, which may be the secret itself: it isn't shown. */
static void refuse(struct loading *l, const struct yaml_node *node, const struct param *row)
{
	bool reference = node->kind == YAML_TEXT && template_is_dynamic(node->text);

	if (!reference && node->kind != YAML_NULL)
		diags_hide(l->r.diags, node->at, node->to - node->from);
	if (!row->secret)
		reader_error(&l->r, node, "write its members here: { bearer: \"${secrets.NAME}\" }",
			     "\"%s\" holds a secret: it can't come from elsewhere", row->name);
	else
		reader_error(&l->r, node, "a name of secrets in tappet.yaml: \"${secrets.NAME}\"",
			     "\"%s\" takes a declared secret, and nothing beside it", row->name);
}

const struct template *load_secret(struct loading *l, const struct yaml_node *node,
				   const struct param *row)
{
	struct text name, kept;

	assert(l != NULL && node != NULL && row != NULL);
	if (node->kind == YAML_NULL && !row->required)
		return template_constant(l, value_null());
	if (!row->secret || node->kind != YAML_TEXT || !secret_reference(node->text, &name)) {
		refuse(l, node, row);
		return NULL;
	}
	/* A run that began before the secret was taken away says so when it is to be sent. */
	if (!config_is_bare(l->config) && !l->by_itself && !l->config->incomplete &&
	    config_declared(l->config, name) == NULL) {
		reader_error(&l->r, node, name_hint(l, name), "there is no secrets.%.*s",
			     TEXT_ARG(name));
		return NULL;
	}
	kept = text_printf(l->r.arena, "${secrets.%.*s}", TEXT_ARG(name));
	return template_constant(l, value_text(kept));
}

void secrets_refuse(struct loading *l, struct place at, struct text path)
{
	struct text name;

	assert(l != NULL);
	(void)text_split(path, '.', &name);
	if (name.n > 0)
		diags_add(l->r.diags, DIAG_ERROR, at, where,
			  "secrets.%.*s is a secret: no expression can read it", TEXT_ARG(name));
	else
		diags_add(l->r.diags, DIAG_ERROR, at, where,
			  "secrets are secret: no expression can read them");
}

void secrets_step(struct loading *l, const struct step *step, const struct yaml_node *params)
{
	assert(l != NULL && step != NULL && params != NULL);
	for (const struct param *p = step->action->params; p != NULL && p->name != NULL; p++) {
		const struct yaml_node *node =
		    params->kind == YAML_MAP ? yaml_get(params, p->name) : NULL;

		if (node == NULL || node->kind == YAML_NULL || !holds(p))
			continue;
		if (node->kind == YAML_MAP && p->members != NULL && node->count != 1)
			reader_error(&l->r, node, p->doc,
				     "\"%s\" takes one of its members, not %zu", p->name,
				     node->count);
		if (step->connection.n == 0 && !step->literal_host)
			reader_error(&l->r, node,
				     "write out the host of url, or name a connection with via",
				     "a secret isn't sent to a host that the rule doesn't name");
	}
}
