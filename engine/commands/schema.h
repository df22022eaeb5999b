/* SPDX-License-Identifier: Apache-2.0
 *
 * schema - what the parts of the command schema share: JSON Schema (draft
 * 2020-12, https://json-schema.org/draft/2020-12) of rules files and tappet.yaml.
 *
 * Which keys there are comes from the loader's own lists (rules/words.h), actions
 * and settings come from the connectors' tables; what stands here is what a key's
 * value looks like.
 * I1  A schema takes everything that the loader takes. It refuses less: names that
 *     exist, expressions and times are the business of check. */
#ifndef TAPPET_COMMANDS_SCHEMA_H
#define TAPPET_COMMANDS_SCHEMA_H

#include "engine/base/buf.h"
#include "engine/connectors/connector.h"

/* One key. */
struct schema_row {
	const char *name; /* NULL ends a table */
	const char *body; /* members of its schema, with ' for "; NULL: anything */
	const char *doc;
};

/* `tables`, in either kind of file. */
#define SCHEMA_TABLES                                                                              \
	"'type':['object','null'],'additionalProperties':{'type':'object',"                        \
	"'additionalProperties':false,'required':['key'],'properties':{"                           \
	"'file':{'type':'string','description':'A CSV file; without one, rules keep the rows.'},"  \
	"'key':{'type':'string','description':'The column that tells rows apart.'},"               \
	"'unique':{'type':['string','array'],'items':{'type':'string'},"                           \
	"'description':'Columns in which no value stands twice.'},"                                \
	"'columns':{'type':'object','description':'Their types.',"                                 \
	"'additionalProperties':{'enum':['text','int','number','bool']}}}}"

enum schema_side {
	SCHEMA_STEP,    /* parameters of an action: ${...} where a value stands */
	SCHEMA_SETTING, /* of a connection */
};

/* ---- schema_parts.c: all write members into an object that is open. ---- */

void schema_put(struct buf *out, const char *body); /* ' is written as " */

/* A key with a schema of its own. */
void schema_key(struct buf *out, const char *key, const char *doc, const char *body);

/* An object with exactly these keys. A key without a row may hold anything. */
void schema_object(struct buf *out, const char *const *keys, const struct schema_row *rows);

/* The properties alone: more may follow. */
void schema_properties(struct buf *out, const char *const *keys, const struct schema_row *rows);

/* Parameters. Those that take a secret are left out of steps. */
void schema_param_properties(struct buf *out, const struct param *table, enum schema_side side);
void schema_params(struct buf *out, const struct param *table, enum schema_side side);
/* "required": those of the table that are, and one more unless NULL. */
void schema_required(struct buf *out, const struct param *table, const char *also);
bool schema_requires(const struct param *table); /* one of them is required */

void schema_words(struct buf *out, const char *key, const char *const *words); /* "enum":[...] */

/* An object under a key: schema_object, and what `more` says unless it is NULL. */
void schema_keyed(struct buf *out, const char *key, const char *const *keys,
		  const struct schema_row *rows, const char *more);

/* ---- schema_tests.c: what rules' tests need under $defs. ---- */

void schema_tests(struct buf *out);

/* ---- schema_rules.c, schema_config.c: the whole of one. ---- */

/* `all` ends with NULL: the connectors, and plugins. */
void schema_rules(struct buf *out, const struct connector *const *all);
void schema_config(struct buf *out);

#endif
