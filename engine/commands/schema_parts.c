/* SPDX-License-Identifier: Apache-2.0
 *
 * schema_parts - the pieces schemas are made of; see schema.h. */
#include "engine/commands/schema.h"

#include <assert.h>

#include "engine/commands/json.h"

#define DATE_PATTERN   "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
#define SECRET_PATTERN "^\\\\$\\\\{ *secrets\\\\.[A-Za-z_][A-Za-z0-9_]* *\\\\}$"

void schema_put(struct buf *out, const char *body)
{
	assert(out != NULL && body != NULL);
	if (out->n > 0 && strchr("{[,", out->s[out->n - 1]) == NULL)
		buf_char(out, ',');
	for (; *body != '\0'; body++)
		buf_char(out, *body == '\'' ? '"' : *body);
}

void schema_key(struct buf *out, const char *key, const char *doc, const char *body)
{
	assert(out != NULL && key != NULL);
	json_key(out, key);
	json_open(out, '{');
	if (doc != NULL)
		json_str(out, "description", doc);
	if (body != NULL)
		schema_put(out, body);
	json_close(out, '}');
}

void schema_words(struct buf *out, const char *key, const char *const *words)
{
	assert(out != NULL && words != NULL);
	json_key(out, key);
	json_open(out, '[');
	for (; *words != NULL; words++)
		json_item(out, text_of(*words));
	json_close(out, ']');
}

/* ---- Keys. ---- */

static const struct schema_row *row_of(const struct schema_row *rows, const char *key)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, key) == 0)
			return rows;
	return NULL;
}

void schema_properties(struct buf *out, const char *const *keys, const struct schema_row *rows)
{
	assert(out != NULL && keys != NULL && rows != NULL);
	for (; *keys != NULL; keys++) {
		const struct schema_row *row = row_of(rows, *keys);

		schema_key(out, *keys, row != NULL ? row->doc : NULL,
			   row != NULL ? row->body : NULL);
	}
}

void schema_object(struct buf *out, const char *const *keys, const struct schema_row *rows)
{
	schema_put(out, "'type':'object','additionalProperties':false");
	json_key(out, "properties");
	json_open(out, '{');
	schema_properties(out, keys, rows);
	json_close(out, '}');
}

void schema_keyed(struct buf *out, const char *key, const char *const *keys,
		  const struct schema_row *rows, const char *more)
{
	assert(out != NULL && key != NULL);
	json_key(out, key);
	json_open(out, '{');
	schema_object(out, keys, rows);
	if (more != NULL)
		schema_put(out, more);
	json_close(out, '}');
}

/* ---- Parameters. ---- */

/* The parameter, or a member of it, takes a secret: no other ${...} may stand for it. */
static bool holds_secret(const struct param *p)
{
	if (p->secret)
		return true;
	for (const struct param *m = p->members; m != NULL && m->name != NULL; m++)
		if (holds_secret(m))
			return true;
	return false;
}

/* "type": the words, and null where the parameter may be left out of a step. */
static void put_type(struct buf *out, const struct param *p, enum schema_side side,
		     const char *words)
{
	json_key(out, "type");
	buf_char(out, '[');
	schema_put(out, words);
	if (side == SCHEMA_STEP && !p->required)
		buf_str(out, ",\"null\"");
	buf_char(out, ']');
}

/* The value as written out, or one ${...}. */
static void open_value(struct buf *out, enum schema_side side)
{
	if (side != SCHEMA_STEP)
		return;
	json_key(out, "anyOf");
	json_open(out, '[');
	json_open(out, '{');
}

static void close_value(struct buf *out, enum schema_side side)
{
	if (side != SCHEMA_STEP)
		return;
	json_close(out, '}');
	buf_char(out, ',');
	buf_str(out, "{\"$ref\":\"#/$defs/template\"}");
	json_close(out, ']');
}

static void put_choice(struct buf *out, const struct param *p, enum schema_side side)
{
	open_value(out, side);
	json_key(out, "enum");
	json_open(out, '[');
	for (const char *const *c = p->choices; c != NULL && *c != NULL; c++)
		json_item(out, text_of(*c));
	if (side == SCHEMA_STEP && !p->required)
		buf_str(out, ",null");
	json_close(out, ']');
	close_value(out, side);
}

static void put_map(struct buf *out, const struct param *p, enum schema_side side)
{
	bool only_here = side == SCHEMA_STEP && holds_secret(p);

	if (!only_here)
		open_value(out, side);
	put_type(out, p, side, "'object'");
	if (p->members != NULL)
		schema_params(out, p->members, side);
	if (!only_here)
		close_value(out, side);
}

/* Only maps among the items have members to be checked. */
static void put_list(struct buf *out, const struct param *p, enum schema_side side)
{
	open_value(out, side);
	put_type(out, p, side, "'array'");
	if (p->choices != NULL || p->members != NULL) {
		json_key(out, "items");
		json_open(out, '{');
	}
	if (p->choices != NULL) {
		const struct param item = { .type = PARAM_CHOICE,
					    .required = true,
					    .choices = p->choices };

		put_choice(out, &item, side);
	} else if (p->members != NULL) {
		schema_put(out, "'if':{'type':'object'}");
		json_key(out, "then");
		json_open(out, '{');
		schema_params(out, p->members, side);
		json_close(out, '}');
	}
	if (p->choices != NULL || p->members != NULL)
		json_close(out, '}');
	close_value(out, side);
}

static void put_scalar(struct buf *out, const struct param *p, enum schema_side side,
		       const char *types)
{
	open_value(out, side);
	put_type(out, p, side, types);
	if (p->type == PARAM_DATE)
		schema_put(out, "'pattern':'" DATE_PATTERN "'");
	close_value(out, side);
}

static void put_text(struct buf *out, const struct param *p, enum schema_side side)
{
	if (side == SCHEMA_STEP && p->secret) {
		put_type(out, p, side, "'string'");
		schema_put(out, "'pattern':'" SECRET_PATTERN "'");
		return;
	}
	/* Keys may be given several at once while they change. */
	put_type(out, p, side,
		 side == SCHEMA_SETTING && p->secret ? "'string','array'" : "'string'");
}

static void put_param(struct buf *out, const struct param *p, enum schema_side side)
{
	switch (p->type) {
	case PARAM_TEXT:
		put_text(out, p, side);
		break;
	case PARAM_ID:
		put_type(out, p, side, "'string','integer'");
		break;
	case PARAM_INT:
		put_scalar(out, p, side, "'integer'");
		break;
	case PARAM_NUMBER:
		put_scalar(out, p, side, "'number'");
		break;
	case PARAM_BOOL:
		put_scalar(out, p, side, "'boolean'");
		break;
	case PARAM_CHOICE:
		put_choice(out, p, side);
		break;
	case PARAM_DATE:
		put_scalar(out, p, side, "'string'");
		break;
	case PARAM_UNIX:
		put_type(out, p, side, "'integer','string'");
		break;
	case PARAM_MAP:
		put_map(out, p, side);
		break;
	case PARAM_LIST:
		put_list(out, p, side);
		break;
	case PARAM_MAIL:
		put_type(out, p, side, side == SCHEMA_STEP ? "'string','array'" : "'string'");
		break;
	case PARAM_ANY:
		break;
	}
}

void schema_param_properties(struct buf *out, const struct param *table, enum schema_side side)
{
	assert(out != NULL);
	for (const struct param *p = table; p != NULL && p->name != NULL; p++) {
		json_key(out, p->name);
		json_open(out, '{');
		if (p->doc != NULL)
			json_str(out, "description", p->doc);
		put_param(out, p, side);
		json_close(out, '}');
	}
}

void schema_required(struct buf *out, const struct param *table, const char *also)
{
	json_key(out, "required");
	json_open(out, '[');
	if (also != NULL)
		json_item(out, text_of(also));
	for (; table != NULL && table->name != NULL; table++)
		if (table->required)
			json_item(out, text_of(table->name));
	json_close(out, ']');
}

bool schema_requires(const struct param *table)
{
	for (; table != NULL && table->name != NULL; table++)
		if (table->required)
			return true;
	return false;
}

void schema_params(struct buf *out, const struct param *table, enum schema_side side)
{
	assert(out != NULL);
	json_key(out, "properties");
	json_open(out, '{');
	schema_param_properties(out, table, side);
	json_close(out, '}');
	schema_put(out, "'additionalProperties':false");
	schema_required(out, table, NULL);
}
