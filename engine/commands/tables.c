/* SPDX-License-Identifier: Apache-2.0
 *
 * tables - the command `table`: which tables there are, their rows, and rows put
 * in or taken out by hand. (table.c draws columns on a terminal.) */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/ask.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/sequencer/tables.h"

/* ---- list ---- */

struct listing_tables {
	struct context *context;
	const struct table_list *declared;
	struct table *out; /* NULL: JSON */
};

static void put_member(struct buf *out, const char *name, struct text t)
{
	buf_printf(out, ",\"%s\":", name);
	if (t.s != NULL)
		value_write_text(out, t);
	else
		buf_str(out, "null");
}

static void list_json(struct buf *out, struct text name, const struct table *table, int64_t rows)
{
	buf_str(out, "{\"table\":");
	value_write_text(out, name);
	put_member(out, "key", table != NULL ? table->columns[table->key].name : TEXT_NONE);
	put_member(out, "file", table != NULL && table->file.n > 0 ? table->file : TEXT_NONE);
	buf_printf(out, ",\"declared\":%s,\"rows\":%lld,\"columns\":{",
		   table != NULL ? "true" : "false", (long long)rows);
	for (size_t i = 0; table != NULL && i < table->column_count; i++) {
		buf_str(out, i > 0 ? "," : "");
		value_write_text(out, table->columns[i].name);
		buf_printf(out, ":\"%s\"", column_type_word(table->columns[i].type));
	}
	buf_str(out, "}}\n");
}

static void list_one(const struct listing_tables *l, struct text name, const struct table *table,
		     int64_t rows)
{
	struct text kept = TEXT("the store");

	if (l->out == NULL) {
		list_json(&l->context->out, name, table, rows);
		return;
	}
	if (table == NULL)
		kept = TEXT("the store, no longer declared");
	else if (table->file.n > 0)
		kept = table->file;
	table_cell(l->out, name, TINT_BOLD);
	table_cell(l->out, table != NULL ? table->columns[table->key].name : TEXT("-"), TINT_NONE);
	table_int(l->out, rows);
	table_cell(l->out, kept, TINT_FAINT);
}

static bool list_undeclared(void *of, struct text name, int64_t rows)
{
	const struct listing_tables *l = of;

	if (rows > 0 && tables_find(l->declared, name) == NULL)
		list_one(l, name, NULL, rows);
	return true;
}

static void list_all(const struct listing_tables *l, struct store *store)
{
	for (size_t i = 0; i < l->declared->count; i++) {
		const struct table *table = l->declared->items[i];

		list_one(l, table->name, table,
			 table->file.n > 0 ? (int64_t)table->row_count
					   : store_count_rows(store, table->name));
	}
	store_each_table(store, list_undeclared, (void *)(uintptr_t)l);
}

static int list(struct context *context, struct store *store, const struct ruleset *rules)
{
	static const char *const titles[] = { "TABLE", "KEY", "ROWS", "KEPT IN", NULL };
	struct listing_tables l = { .context = context, .declared = ruleset_tables(rules) };

	if (context->format == OUTPUT_TEXT && (l.out = table_new(titles)) == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	list_all(&l, store);
	if (l.out != NULL)
		(void)table_write(l.out, &context->out, context->colour);
	table_free(l.out);
	return COMMAND_OK;
}

/* ---- show ---- */

static void show_text(struct context *context, const struct table *table, const struct value *rows,
		      uint32_t count)
{
	const char *titles[TABLE_COLUMNS + 1];
	size_t width = table->column_count < TABLE_COLUMNS ? table->column_count : TABLE_COLUMNS;
	AUTO_FINI(buf_fini) struct buf plain;
	struct table *out;

	buf_init(&plain, LIMIT_TABLE_CELL * 2);
	for (size_t i = 0; i < width; i++)
		titles[i] = text_dup(context->arena, table->columns[i].name).s;
	titles[width] = NULL;
	out = table_new(titles);
	for (uint32_t r = 0; out != NULL && r < count; r++) {
		for (uint32_t i = 0; i < width; i++) {
			struct value v = rows[r].pairs[i].val;

			buf_clear(&plain);
			if (!value_is(v, VALUE_NULL))
				value_write_plain(&plain, v);
			table_cell(out, buf_view(&plain), i == 0 ? TINT_BOLD : TINT_NONE);
		}
	}
	if (out != NULL)
		(void)table_write(out, &context->out, context->colour);
	table_free(out);
}

static struct value rows_of_file(struct arena *arena, const struct table *table, size_t column,
				 struct text cell)
{
	const uint32_t *first = NULL;
	size_t count = table->row_count;
	struct value_list_builder list;

	if (column != SIZE_MAX)
		count = table_rows_with(table, column, cell, &first);
	value_list_begin(&list, arena);
	for (size_t i = 0; i < count; i++)
		value_list_add(&list, table_row(arena, table, first != NULL ? first[i] : i));
	return value_list_end(&list);
}

/* The rows with this key, or all. False after a message. */
static bool rows_wanted(struct context *context, struct store *store, const struct ruleset *rules,
			const struct table *table, const char *key, struct value *out)
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct stored_tables tables;
	struct text cell = TEXT_NONE, why = TEXT_NONE;
	size_t column = key != NULL ? table->key : SIZE_MAX;
	bool fine = true;

	*out = (struct value){ .kind = VALUE_LIST };
	if (parser == NULL) {
		(void)context_fail(context, COMMAND_FAILED, "memory is out");
		return false;
	}
	if (key != NULL && !column_cell(context->arena, &table->columns[table->key],
					value_text(text_of(key)), &cell))
		return true;
	stored_tables_init(&tables, store, parser, rules);
	if (table->file.n > 0)
		*out = rows_of_file(context->arena, table, column, cell);
	else
		fine = tables.reader.stored(tables.reader.of, context->arena, table, column, cell,
					    SIZE_MAX, out, &why);
	if (!fine)
		(void)context_fail(context, COMMAND_FAILED, "%.*s", TEXT_ARG(why));
	return fine;
}

static int show(struct context *context, struct store *store, const struct ruleset *rules)
{
	const char *name = context->args[1];
	const char *key = context->arg_count > 2 ? context->args[2] : NULL;
	const struct table *table = ruleset_table(rules, text_of(name));
	struct value rows;

	if (table == NULL)
		return context_fail(
		    context, COMMAND_FAILED,
		    "no table \"%s\" is declared; \"tappet table list\" tells which "
		    "there are",
		    name);
	if (!rows_wanted(context, store, rules, table, key, &rows))
		return COMMAND_FAILED;
	if (key != NULL && rows.n == 0)
		return context_fail(context, COMMAND_FAILED, "%s has no row \"%s\"", name, key);
	for (uint32_t i = 0; context->format == OUTPUT_JSON && i < rows.n; i++) {
		value_write(&context->out, rows.items[i]);
		buf_char(&context->out, '\n');
	}
	if (context->format == OUTPUT_TEXT)
		show_text(context, table, rows.items, rows.n);
	return COMMAND_OK;
}

static int look(struct context *context)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	struct ruleset *set = NULL;
	int code = COMMAND_FAILED;
	AUTO(config_free)
	struct config *config =
	    diags != NULL ? setup_rules(context, NULL, 0, diags, &set, &code) : NULL;
	AUTO(ruleset_free) struct ruleset *rules = set;

	if (config == NULL || rules == NULL || diags_errors(diags) > 0) {
		if (diags != NULL)
			(void)setup_complain(diags);
		return config == NULL ? code : COMMAND_FAILED;
	}
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	return context->arg_count > 1 ? show(context, store, rules) : list(context, store, rules);
}

/* ---- put, drop ---- */

static bool put_pair(struct context *context, struct value_map_builder *row, const char *word)
{
	struct text name, value = text_split(text_of(word), '=', &name);

	if (value.s == NULL || name.n == 0) {
		(void)context_usage(context, "\"%s\" is no COLUMN=VALUE", word);
		return false;
	}
	/* Nothing behind the sign: no value. */
	value_map_add(row, value_text(name), value.n > 0 ? value_text(value) : value_null());
	return true;
}

static int change(struct context *context, const char *verb, const char *member, struct value v)
{
	AUTO_FINI(buf_fini) struct buf json;
	struct value_map_builder b;
	struct text what;
	int code;

	buf_init(&json, LIMIT_ADMIN_BODY);
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	value_map_begin(&b, context->arena);
	value_map_set(&b, "table", value_text(text_of(context->args[1])));
	value_map_set(&b, member, v);
	value_write(&json, value_map_end(&b));
	what = text_printf(context->arena, "table %s", context->args[1]);
	if (buf_failed(&json) || what.s == NULL)
		return context_fail(context, COMMAND_FAILED, "the row is too large");
	return ask_decide(context, config, text_printf(context->arena, "/api/v1/tables/%s", verb).s,
			  buf_view(&json), what.s);
}

static int put(struct context *context)
{
	struct value_map_builder row;
	struct value map;

	value_map_begin(&row, context->arena);
	for (int i = 2; i < context->arg_count; i++)
		if (!put_pair(context, &row, context->args[i]))
			return COMMAND_USAGE;
	if (!value_map_end_unique(&row, &map))
		return context_usage(context, "a column is named twice");
	return change(context, "put", "row", map);
}

static int run(struct context *context)
{
	const char *verb = context->arg_count > 0 ? context->args[0] : "list";
	int count = context->arg_count;

	assert(verb != NULL);
	if (strcmp(verb, "list") == 0)
		return count <= 1 ? look(context) : context_usage(context, "list takes no words");
	if (strcmp(verb, "show") == 0)
		return count == 2 || count == 3 ? look(context)
						: context_usage(context, "show NAME [KEY]");
	if (strcmp(verb, "put") == 0)
		return count >= 3 ? put(context)
				  : context_usage(context, "put NAME COLUMN=VALUE...");
	if (strcmp(verb, "drop") == 0)
		return count == 3
			   ? change(context, "drop", "key", value_text(text_of(context->args[2])))
			   : context_usage(context, "drop NAME KEY");
	return context_usage(context, "table knows list, show, put and drop, not \"%s\"", verb);
}

const struct command command_table = {
	.name = "table",
	.arguments = "[list | show NAME [KEY] | put NAME COLUMN=VALUE... | drop NAME KEY]",
	.doc = "Lists tables, shows their rows, and changes those in the store",
	.more =
	    "put and drop need the daemon. put takes the place of the row with its key; a column "
	    "without a\n"
	    "value, as in work_set_id=, is null.",
	.most = -1,
	.run = run,
};
