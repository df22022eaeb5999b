/* SPDX-License-Identifier: Apache-2.0
 *
 * table_uses - whether the tables and columns that rules name exist.
 *
 * Tables belong to all files, so what a rule says of them is noted with its place
 * and checked when the last file is read. Stored revisions were accepted once:
 * nothing is said of them.
 * Ownership: notes live in the set's arena. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/load.h"

struct table_use {
	struct table_use *next;
	struct text table, column; /* column.s is NULL: none is named */
	struct place at, column_at;
	bool writes; /* a step changes the table */
	bool beside; /* another use tells when there is no such table */
	bool puts;   /* a row with these columns: */
	const struct text *members;
	size_t member_count;
};

static struct table_use *note(struct loading *l, struct text table, struct place at)
{
	struct table_use *use = arena_zero(l->r.arena, sizeof(*use));

	if (use == NULL)
		return NULL;
	use->table = text_dup(l->r.arena, table);
	use->at = at;
	use->next = l->set->table_uses;
	l->set->table_uses = use;
	return use;
}

void table_uses_call(struct loading *l, struct text table, struct place at, struct text column,
		     struct place column_at)
{
	struct table_use *use;

	assert(l != NULL && table.s != NULL);
	use = note(l, table, at);
	if (use == NULL || column.s == NULL)
		return;
	use->column = text_dup(l->r.arena, column);
	use->column_at = column_at;
}

/* The row of table.put, when its columns are written out. */
static void note_row(struct loading *l, struct text table, const struct yaml_node *row)
{
	struct text *members = arena_array(l->r.arena, row->count, sizeof(*members));
	struct table_use *use = note(l, table, row->at);

	if (members == NULL || use == NULL)
		return;
	for (size_t i = 0; i < row->count; i++) {
		const struct yaml_node *key = row->pairs[i].key;

		members[i] = text_dup(l->r.arena, key->text);
		table_uses_call(l, table, key->at, key->text, key->at);
		if (l->set->table_uses != NULL)
			l->set->table_uses->beside = true;
	}
	use->beside = use->puts = true;
	use->members = members;
	use->member_count = row->count;
}

void table_uses_step(struct loading *l, const struct step *step, const struct yaml_node *params)
{
	const struct yaml_node *table, *row;
	struct table_use *use;

	assert(l != NULL && step != NULL && params != NULL);
	if (l->by_itself || !text_is(text_of(step->connector->name), "table") ||
	    params->kind != YAML_MAP)
		return;
	table = yaml_get(params, "table");
	row = yaml_get(params, "row");
	if (table == NULL || table->kind != YAML_TEXT)
		return; /* told already */
	if (template_is_dynamic(table->text)) {
		reader_error(&l->r, table, "which table is changed can then be checked",
			     "the table is written out");
		return;
	}
	use = note(l, table->text, table->at);
	if (use != NULL)
		use->writes = true;
	if (row != NULL && row->kind == YAML_MAP)
		note_row(l, table->text, row);
}

/* ---- When all is read. ---- */

static void no_table(struct loading *l, const struct table_use *use)
{
	const struct table_list *tables = &l->set->tables;
	const char *names[LIMIT_TABLES + 1], *hint;
	size_t n = 0;

	for (; n < tables->count; n++)
		names[n] = tables->items[n]->name.s;
	names[n] = NULL;
	hint = reader_nearest(l->r.arena, use->table, names);
	diags_add(l->r.diags, DIAG_ERROR, use->at,
		  hint[0] != '\0' ? hint : "declare it under tables, here or in tappet.yaml",
		  "there is no table \"%.*s\"", TEXT_ARG(use->table));
}

static void no_column(struct loading *l, const struct table_use *use, const struct table *table)
{
	const char *names[LIMIT_TABLE_COLUMNS + 1];
	size_t n = 0;

	for (; n < table->column_count; n++)
		names[n] = table->columns[n].name.s;
	names[n] = NULL;
	diags_add(
	    l->r.diags, DIAG_ERROR, use->column_at, reader_nearest(l->r.arena, use->column, names),
	    "the table %.*s has no column \"%.*s\"", TEXT_ARG(table->name), TEXT_ARG(use->column));
}

static void check_key(struct loading *l, const struct table_use *use, const struct table *table)
{
	struct text key = table->columns[table->key].name;

	for (size_t i = 0; i < use->member_count; i++)
		if (text_eq(use->members[i], key))
			return;
	diags_add(l->r.diags, DIAG_ERROR, use->at, "the key tells which row is meant",
		  "a row of %.*s needs \"%.*s\"", TEXT_ARG(table->name), TEXT_ARG(key));
}

static void check_use(struct loading *l, const struct table_use *use)
{
	const struct table *table = tables_find(&l->set->tables, use->table);

	if (table == NULL && !use->beside)
		no_table(l, use);
	if (table == NULL || table->broken)
		return;
	if (use->writes && table->file.n > 0)
		diags_add(l->r.diags, DIAG_ERROR, use->at, "change the file itself",
			  "the table %.*s is read from %.*s", TEXT_ARG(table->name),
			  TEXT_ARG(table->file));
	if (use->column.s != NULL && table_column(table, use->column) == SIZE_MAX)
		no_column(l, use, table);
	if (use->puts)
		check_key(l, use, table);
}

void table_uses_check(struct loading *l)
{
	assert(l != NULL);
	for (const struct table_use *use = l->set->table_uses; use != NULL; use = use->next)
		check_use(l, use);
	l->set->table_uses = NULL;
}
