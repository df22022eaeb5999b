/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tables - the rows that a test begins with.
 *
 * Rows given for a table that is a file stand for the file, so that a test does
 * not change with the people on the list. */
#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/commands/test_case.h"

static bool is_known(const struct reader *r, const struct rule *rule, const struct yaml_node *key)
{
	const struct table_list *tables = ruleset_tables(rule->set);
	const char *names[LIMIT_TABLES + 1];
	size_t n = 0;

	if (tables_find(tables, key->text) != NULL)
		return true;
	for (; n < tables->count; n++)
		names[n] = tables->items[n]->name.s;
	names[n] = NULL;
	reader_error(r, key, reader_nearest(r->arena, key->text, names),
		     "there is no table \"%.*s\"", TEXT_ARG(key->text));
	return false;
}

static void read_row(const struct reader *r, struct text table, const struct yaml_node *node,
		     struct given_row *out)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_ADMIN_BODY);
	if (!reader_map(r, node, "a row", "workspace_id", "\"7\""))
		return;
	value_write(&json, yaml_value(r->arena, node));
	if (buf_failed(&json))
		reader_error(r, node, "", "the row is too large");
	out->table = table;
	out->json = text_dup(r->arena, buf_view(&json));
}

static void read_rows(const struct reader *r, const struct rule *rule, const struct yaml_pair *pair,
		      struct given *out, struct given_row *rows)
{
	const struct yaml_node *list = pair->val;
	struct text table = text_dup(r->arena, pair->key->text);

	if (!is_known(r, rule, pair->key))
		return;
	if (list->kind != YAML_LIST || list->count == 0) {
		reader_error(r, list, "leave the table out when it is to have no rows",
			     "the rows of a table are a list of maps");
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		read_row(r, table, list->items[i], &rows[out->row_count++]);
}

void test_tables_read(const struct reader *r, const struct rule *rule, const struct yaml_node *map,
		      struct given *out)
{
	struct given_row *rows;
	size_t count = 0;

	assert(r != NULL && rule != NULL && map != NULL && out != NULL);
	if (!reader_map(r, map, "tables", "projects", "[ { workspace_id: \"7\" } ]"))
		return;
	for (size_t i = 0; i < map->count; i++)
		count += map->pairs[i].val->count;
	rows = arena_zero(r->arena, (count + 1) * sizeof(*rows));
	out->rows = rows;
	for (size_t i = 0; rows != NULL && i < map->count; i++)
		read_rows(r, rule, &map->pairs[i], out, rows);
}
