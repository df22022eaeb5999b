/* SPDX-License-Identifier: Apache-2.0
 *
 * fields - the declared types of what expressions read: the connectors' tables
 * for data, before and object, our own for the rest.
 *
 * A type is known only when all kinds of objects that the rule's events carry
 * agree on it. Stored revisions were accepted once and are not typed: a table that has
 * grown since must not stop their runs.
 * Never: what an action's result is; no table says. */
#include "engine/rules/load.h"

#include <assert.h>

struct row {
	const char *name;
	enum cel_type type;
};

static const struct row event_rows[] = {
	{ "id", CEL_TEXT },      { "source", CEL_TEXT },    { "type", CEL_TEXT },
	{ "subject", CEL_TEXT }, { "time", CEL_TIMESTAMP }, { "connection", CEL_TEXT },
	{ "seq", CEL_INT },      { "depth", CEL_INT },      { NULL, CEL_DYN },
};

static const struct row ctx_rows[] = { { "now", CEL_TIMESTAMP }, { NULL, CEL_DYN } };

static const struct row error_rows[] = { { "step", CEL_TEXT },
					 { "action", CEL_TEXT },
					 { "message", CEL_TEXT },
					 { "status", CEL_INT },
					 { NULL, CEL_DYN } };

static const struct row step_rows[] = { { "status", CEL_INT },
					{ "error", CEL_TEXT },
					{ NULL, CEL_DYN } };

static enum cel_type in_rows(const struct row *rows, struct text name)
{
	while (rows->name != NULL && !text_is(name, rows->name))
		rows++;
	return rows->type;
}

static enum cel_type type_of_field(enum field_type type)
{
	switch (type) {
	case FIELD_TEXT:
	case FIELD_DATE:
		return CEL_TEXT;
	case FIELD_BOOL:
		return CEL_BOOL;
	case FIELD_INT:
		return CEL_INT;
	case FIELD_DOUBLE:
		return CEL_DOUBLE;
	case FIELD_TIMESTAMP:
	case FIELD_TIMESTAMP_UNIX:
		return CEL_TIMESTAMP;
	case FIELD_LIST:
		return CEL_LIST;
	case FIELD_MAP:
		return CEL_MAP;
	case FIELD_ANY:
		break;
	}
	return CEL_DYN;
}

const struct field *load_field(const struct loading *l, struct text path)
{
	const struct field *found = NULL;

	assert(l != NULL);
	for (size_t i = 0; i < l->kind_count; i++) {
		const struct field *field = object_kind_field(l->kinds[i], path);

		if (field == NULL || (found != NULL && field->type != found->type))
			return NULL;
		found = field;
	}
	return found;
}

static enum cel_type in_kinds(const struct loading *l, struct text path)
{
	const struct field *field = l->kinds_known ? load_field(l, path) : NULL;

	return field != NULL ? type_of_field(field->type) : CEL_DYN;
}

/* A bare configuration has stand-ins for vars, an incomplete one lacks some. */
static enum cel_type in_vars(const struct loading *l, struct text path)
{
	const struct value *v = value_path(l->config->vars, path);

	if (v == NULL || v->kind == VALUE_NULL || config_is_bare(l->config) ||
	    l->config->incomplete)
		return CEL_DYN;
	return (enum cel_type)(v->kind + 1);
}

static enum cel_type ask(void *of, uint32_t variable, struct text path)
{
	const struct loading *l = of;
	struct text name;

	if (l->by_itself)
		return CEL_DYN;
	switch ((enum variable)variable) {
	case VAR_EVENT:
		return in_rows(event_rows, path);
	case VAR_DATA:
	case VAR_BEFORE:
	case VAR_OBJECT:
		return in_kinds(l, path);
	case VAR_VARS:
		return in_vars(l, path);
	case VAR_CTX:
		return in_rows(ctx_rows, path);
	case VAR_STEPS:
		return in_rows(step_rows, text_split(path, '.', &name));
	case VAR_ERROR:
		return in_rows(error_rows, path);
	case VAR_CHANGED:
	case VAR_PARAMS:
	case VAR_LOOKUP:
	case VAR_SECRETS:
	case VARIABLES:
		break;
	}
	return CEL_DYN;
}

enum cel_type load_field_type(struct loading *l, struct text variable, struct text path)
{
	static const struct {
		const char *name;
		enum variable variable;
	} names[] = { { "data", VAR_DATA },
		      { "before", VAR_BEFORE },
		      { "object", VAR_OBJECT },
		      { "event", VAR_EVENT },
		      { "vars", VAR_VARS } };

	assert(l != NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_is(variable, names[i].name))
			return ask(l, names[i].variable, path);
	return CEL_DYN;
}

void load_field_types(struct loading *l, struct cel_env *env)
{
	assert(l != NULL && env != NULL);
	cel_env_fields(env, ask, l);
}
