/* SPDX-License-Identifier: Apache-2.0
 *
 * tables.c - rows that rules and operators put into tables and take out again.
 *
 * A row is kept as a map of its cells, each the text it is compared by; what type
 * it has is the table's declaration, today's.
 *
 * I1  A row changes in the batch that ends its step: both are there, or neither.
 * I2  No two rows of a table have the same value in a column that is declared
 *     unique. A declaration that comes later does not touch rows that are there.
 * Never: changes tables that are read from files, or those nobody declares. */
#include "engine/sequencer/internal.h"
#include "engine/sequencer/tables.h"

/* ---- Reading. ---- */

struct row_reading {
	const struct stored_tables *tables;
	struct arena *arena;
	const struct table *table;
	struct value_list_builder list;
	struct text why;
};

static struct value typed_row(struct arena *arena, const struct table *table, struct value cells)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_room(&b, (uint32_t)table->column_count);
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];
		const struct value *cell = value_get(cells, column->name);
		bool there = cell != NULL && value_is(*cell, VALUE_TEXT);

		value_map_add(&b, value_text(column->name),
			      there ? column_value(arena, column, value_as_text(*cell))
				    : value_null());
	}
	return value_map_end(&b);
}

static bool read_row(void *of, struct text key, struct text json)
{
	struct row_reading *r = of;
	struct text kept = text_dup(r->arena, json);
	struct json_error error;
	struct value cells;

	if (json_parse(r->tables->parser, r->arena, kept, &cells, &error) != FATE_OK) {
		r->why = text_printf(r->arena, "row \"%.*s\": %s", TEXT_ARG(key), error.what);
		return false;
	}
	value_list_add(&r->list, typed_row(r->arena, r->table, cells));
	return true;
}

static bool stored(void *of, struct arena *arena, const struct table *table, size_t column,
		   struct text cell, size_t most, struct value *rows, struct text *why)
{
	const struct stored_tables *tables = of;
	struct row_reading r = { .tables = tables, .arena = arena, .table = table };

	value_list_begin(&r.list, arena);
	if (column == SIZE_MAX) {
		store_each_row(tables->store, table->name, most, read_row, &r);
	} else {
		const struct table_cell wanted = { table->columns[column].name, cell };

		store_find_rows(tables->store, table->name, &wanted, most, read_row, &r);
	}
	*rows = value_list_end(&r.list);
	*why = r.why;
	return r.why.n == 0;
}

void stored_tables_init(struct stored_tables *tables, struct store *store,
			struct json_parser *parser, const struct ruleset *set)
{
	assert(tables != NULL && store != NULL && parser != NULL && set != NULL);
	*tables = (struct stored_tables){ .store = store, .parser = parser };
	tables->reader = (struct table_reader){ .set = set, .stored = stored, .of = tables };
}

const struct table_reader *tables_reader(struct sequencer *s)
{
	stored_tables_init(&s->tables, s->store, s->parser, s->rules);
	s->tables.reader.stand_ins = s->options.stand_ins;
	return &s->tables.reader;
}

/* ---- A row to be put. ---- */

struct putting {
	struct sequencer *s;
	const struct table *table;
	struct text cells[LIMIT_TABLE_COLUMNS];
	const char *why; /* NULL: all is well */
};

static bool refuse(struct putting *p, struct text why)
{
	p->why = why.s != NULL ? why.s : "memory is out";
	return false;
}

static bool take_member(struct putting *p, const struct value_pair *member)
{
	struct arena *arena = p->s->work;
	struct text name = value_as_text(member->key);
	size_t i = table_column(p->table, name);
	struct text shown;

	if (i == SIZE_MAX)
		return refuse(p, text_printf(arena, "the table %.*s has no column \"%.*s\"",
					     TEXT_ARG(p->table->name),
					     TEXT_ARG(text_head(name, LIMIT_TABLE_NAME))));
	if (value_is(member->val, VALUE_TEXT) && member->val.n > LIMIT_TABLE_CELL)
		return refuse(p, text_printf(arena, "%.*s is longer than %d bytes", TEXT_ARG(name),
					     LIMIT_TABLE_CELL));
	if (column_cell(arena, &p->table->columns[i], member->val, &p->cells[i]))
		return true;
	shown = seq_quote(p->s, seq_json(p->s, member->val));
	return refuse(p, text_printf(arena, "%.*s must be %s, not %.*s", TEXT_ARG(name),
				     column_type_word(p->table->columns[i].type), TEXT_ARG(shown)));
}

/* The key of another row with the same cell. */
struct other {
	struct arena *arena;
	struct text key, found;
};

static bool is_other(void *of, struct text key, struct text json)
{
	struct other *other = of;

	(void)json;
	if (text_eq(key, other->key))
		return true;
	other->found = text_dup(other->arena, key);
	return false;
}

static bool is_unique(struct putting *p, size_t i)
{
	struct other other = { .arena = p->s->work, .key = p->cells[p->table->key] };
	const struct table_cell cell = { p->table->columns[i].name, p->cells[i] };

	if (i == p->table->key || !p->table->columns[i].unique || cell.value.s == NULL)
		return true;
	store_find_rows(p->s->store, p->table->name, &cell, 2, is_other, &other);
	if (other.found.s == NULL)
		return true;
	return refuse(
	    p, text_printf(p->s->work, "%.*s: the row \"%.*s\" has the %.*s \"%.*s\" already",
			   TEXT_ARG(p->table->name), TEXT_ARG(text_head(other.found, 100)),
			   TEXT_ARG(cell.column), TEXT_ARG(text_head(cell.value, 100))));
}

static bool has_room(struct putting *p)
{
	struct text key = p->cells[p->table->key], json;

	if (store_count_rows(p->s->store, p->table->name) < LIMIT_TABLE_ROWS ||
	    store_get_row(p->s->store, p->s->work, p->table->name, key, &json))
		return true;
	return refuse(p, text_printf(p->s->work, "%.*s is full: it has %d rows",
				     TEXT_ARG(p->table->name), LIMIT_TABLE_ROWS));
}

static bool is_fit(struct putting *p, struct value row)
{
	const struct column *key = &p->table->columns[p->table->key];
	bool fine = true;

	for (uint32_t i = 0; i < row.n && fine; i++)
		fine = take_member(p, &row.pairs[i]);
	if (fine && p->cells[p->table->key].n == 0)
		return refuse(p, text_printf(p->s->work, "a row of %.*s needs \"%.*s\"",
					     TEXT_ARG(p->table->name), TEXT_ARG(key->name)));
	for (size_t i = 0; i < p->table->column_count && fine; i++)
		fine = is_unique(p, i);
	return fine && has_room(p);
}

static void keep(struct putting *p)
{
	struct table_cell cells[LIMIT_TABLE_COLUMNS];
	struct value_map_builder b;
	size_t count = 0;

	value_map_begin(&b, p->s->work);
	for (size_t i = 0; i < p->table->column_count; i++) {
		if (p->cells[i].s == NULL)
			continue;
		cells[count++] = (struct table_cell){ p->table->columns[i].name, p->cells[i] };
		value_map_add(&b, value_text(p->table->columns[i].name), value_text(p->cells[i]));
	}
	store_put_row(p->s->store, p->table->name, p->cells[p->table->key],
		      seq_json(p->s, value_map_end(&b)), cells, count);
}

/* The table, when it is one that can be changed. */
static const struct table *changeable(struct sequencer *s, struct text name, const char **why)
{
	const struct table *table = ruleset_table(s->rules, name);

	if (table == NULL)
		*why = text_printf(s->work, "there is no table \"%.*s\"",
				   TEXT_ARG(text_head(name, LIMIT_TABLE_NAME)))
			   .s;
	else if (table->file.n > 0 && !s->options.stand_ins)
		*why = text_printf(s->work, "the table %.*s is read from a file", TEXT_ARG(name)).s;
	if (*why == NULL)
		return table;
	return NULL;
}

const char *tables_put(struct sequencer *s, struct text name, struct value row)
{
	struct putting p = { .s = s };

	assert(s != NULL);
	p.table = changeable(s, name, &p.why);
	if (p.table == NULL)
		return p.why;
	if (!value_is(row, VALUE_MAP))
		return "a row must be a map of its columns";
	if (is_fit(&p, row))
		keep(&p);
	return p.why;
}

const char *tables_drop(struct sequencer *s, struct text name, struct value key)
{
	const char *why = NULL;
	const struct table *table = changeable(s, name, &why);
	struct text cell;

	if (table == NULL)
		return why;
	if (!column_cell(s->work, &table->columns[table->key], key, &cell) || cell.n == 0)
		return "no row has such a key";
	(void)store_drop_row(s->store, name, cell);
	return NULL;
}

/* ---- Operators. ---- */

static void tables_log(struct sequencer *s, const struct table_input *input)
{
	struct text table = text_dup(s->work, text_head(input->table, LIMIT_TABLE_NAME));

	log_write(LOG_INFO, "an operator asks",
		  LOG_S("for", input->drop ? "table drop" : "table put"), LOG_S("table", table.s));
}

void tables_take(struct sequencer *s, const struct table_input *input)
{
	struct json_error error;
	const char *why = NULL;
	struct value v;

	assert(s != NULL && input != NULL);
	if (!s->options.stand_ins) /* a test says itself what it gives */
		tables_log(s, input);
	if (json_parse(s->parser, s->work, input->json, &v, &error) != FATE_OK)
		why = "this is no JSON";
	else
		why =
		    input->drop ? tables_drop(s, input->table, v) : tables_put(s, input->table, v);
	if (why != NULL)
		seq_refuse(s, input->ticket, 409, why);
	else
		seq_reply(s, input->ticket, 200, "{\"state\":\"%s\"}",
			  input->drop ? "dropped" : "put");
}
