/* SPDX-License-Identifier: Apache-2.0
 *
 * typed - an object as a product sent it becomes one whose known fields have the
 * types the connector's table promises, so that conditions compare like with
 * like: percentages are doubles, ids text, times timestamps.
 *
 * I1  What does not fit its type stays as it is: a vendor's change shows up as a
 *     condition that can't be evaluated, not as a lost field.
 * I2  Typing twice gives the same as typing once, also when the result was
 *     written as JSON in between (snapshots are).
 * A typer does the same to objects that nobody else looks at, in place and with
 * the rows of a kind in a hash table: some hundred nanoseconds for an event.
 * Ownership: the result lives in the arena and borrows from the object. A typer
 * belongs to one thread. */
#include "engine/connectors/connector.h"

#include <assert.h>
#include <math.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/base/timetext.h"

/* Years 1 to 9999, as timestamps of rules and RFC 3339 have them. */
#define SECONDS_MIN INT64_C(-62135596800)
#define SECONDS_MAX INT64_C(253402300799)

/* One segment of a dotted name, beneath another one. */
struct node {
	uint64_t hash;           /* of the segments so far; 0: a free place */
	struct text segment;     /* borrows from the row's name */
	const struct field *row; /* that ends here, or NULL */
	bool beneath;            /* rows go on from here */
};

struct table {
	const struct object_kind *kind;
	struct node *nodes;
	size_t mask;
};

struct typer {
	struct table tables[LIMIT_TYPER_KINDS];
	size_t count;
};

struct typing {
	const struct table *table; /* or NULL: search the fields */
	const struct field *fields;
	const struct field *next; /* tables and objects often have one order: look here first */
	struct arena *arena;
};

/* True when name is prefix + key, or, with *inside, begins with prefix + key + ".". */
static bool names(const char *name, struct text prefix, struct text key, bool *inside)
{
	*inside = false;
	for (size_t i = 0; i < prefix.n; i++)
		if (name[i] == '\0' || name[i] != prefix.s[i])
			return false;
	name += prefix.n;
	for (size_t i = 0; i < key.n; i++)
		if (name[i] == '\0' || name[i] != key.s[i])
			return false;
	*inside = name[key.n] == '.';
	return name[key.n] == '\0';
}

/* The row of prefix + key, or NULL; *beneath: there are rows of what it holds. */
static const struct field *row_of(struct typing *t, struct text prefix, struct text key,
				  bool *beneath)
{
	const struct field *found = NULL;
	bool inside;

	*beneath = false;
	if (t->next->name != NULL && names(t->next->name, prefix, key, &inside) &&
	    t->next->type != FIELD_MAP)
		return t->next++;
	for (const struct field *f = t->fields; f->name != NULL; f++) {
		if (names(f->name, prefix, key, &inside))
			found = f;
		*beneath = *beneath || inside;
	}
	if (found != NULL)
		t->next = found + 1;
	return found;
}

static struct value as_double(struct value v)
{
	if (value_is(v, VALUE_INT))
		return value_double((double)v.i);
	if (value_is(v, VALUE_UINT))
		return value_double((double)v.u);
	return v;
}

/* Beyond 2^53 a double names no single integer. */
static struct value as_int(struct value v)
{
	if (value_is(v, VALUE_DOUBLE) && floor(v.d) == v.d && fabs(v.d) <= 9007199254740992.0)
		return value_int((int64_t)v.d);
	return v;
}

static struct value as_text(struct typing *t, struct value v)
{
	struct text out;

	if ((value_is(v, VALUE_INT) || value_is(v, VALUE_UINT)) && value_id(t->arena, v, &out))
		return value_text(out);
	return v;
}

static struct value timestamp(int64_t seconds, int32_t nanos)
{
	return (struct value){ .kind = VALUE_TIMESTAMP, .n = (uint32_t)nanos, .i = seconds };
}

static struct value from_iso(struct value v)
{
	int64_t seconds;
	int32_t nanos;

	if (value_is(v, VALUE_TEXT) && timetext_parse(value_as_text(v), &seconds, &nanos))
		return timestamp(seconds, nanos);
	return v;
}

/* Whole seconds, also from ISO text: HINDSITE writes one time both ways, in replies and in
 * webhooks, and the finer one must not look like a change. */
static struct value from_unix(struct value v)
{
	struct value iso = from_iso(v);

	if (value_is(iso, VALUE_TIMESTAMP))
		return timestamp(iso.i, 0);
	if (value_is(v, VALUE_DOUBLE) && v.d >= (double)SECONDS_MIN && v.d <= (double)SECONDS_MAX)
		return timestamp((int64_t)floor(v.d), 0);
	if (value_is(v, VALUE_INT) && v.i >= SECONDS_MIN && v.i <= SECONDS_MAX)
		return timestamp(v.i, 0);
	return v;
}

static struct value convert(struct typing *t, enum field_type type, struct value v)
{
	switch (type) {
	case FIELD_TEXT:
		return as_text(t, v);
	case FIELD_INT:
		return as_int(v);
	case FIELD_DOUBLE:
		return as_double(v);
	case FIELD_TIMESTAMP:
		return from_iso(v);
	case FIELD_TIMESTAMP_UNIX:
		return from_unix(v);
	case FIELD_ANY:
	case FIELD_BOOL:
	case FIELD_DATE:
	case FIELD_LIST:
	case FIELD_MAP:
		break;
	}
	return v;
}

static struct value typed_map(struct typing *t, struct text prefix, struct value map);

/* One member. Recursion ends with the dotted names of the table. */
static struct value typed_member(struct typing *t, struct text prefix, struct text key,
				 struct value v)
{
	bool beneath;
	const struct field *row = row_of(t, prefix, key, &beneath);
	struct text deeper;

	if (row != NULL)
		v = convert(t, row->type, v);
	if (!beneath || !value_is(v, VALUE_MAP))
		return v;
	deeper = text_printf(t->arena, "%.*s%.*s.", TEXT_ARG(prefix), TEXT_ARG(key));
	return deeper.s != NULL ? typed_map(t, deeper, v) : v;
}

static struct value typed_map(struct typing *t, struct text prefix, struct value map)
{
	struct value_map_builder out;

	value_map_begin(&out, t->arena);
	for (uint32_t i = 0; i < map.n; i++) {
		struct value key = map.pairs[i].key;
		struct value v = map.pairs[i].val;

		if (value_is(key, VALUE_TEXT))
			v = typed_member(t, prefix, value_as_text(key), v);
		value_map_add(&out, key, v);
	}
	return value_map_end(&out);
}

struct value object_kind_typed(const struct object_kind *kind, struct arena *arena,
			       struct value object)
{
	static const struct field none[] = { { .name = NULL } };
	struct typing t = { .arena = arena };

	assert(kind != NULL && arena != NULL);
	t.fields = kind->fields != NULL ? kind->fields : none;
	t.next = t.fields;
	if (!value_is(object, VALUE_MAP))
		return object;
	return typed_map(&t, TEXT(""), object);
}

/* ---- With a table, in place. ---- */

/* Where the segment beneath `parent` stands, or could stand. */
static struct node *node_of(const struct table *table, uint64_t parent, struct text segment)
{
	uint64_t hash = hash64(segment.s, segment.n, parent) | 1;
	size_t at = hash & table->mask;

	while (table->nodes[at].hash != 0 &&
	       (table->nodes[at].hash != hash || !text_eq(table->nodes[at].segment, segment)))
		at = (at + 1) & table->mask;
	return &table->nodes[at];
}

static void table_add(struct table *table, const struct field *row)
{
	struct text rest = text_of(row->name), segment;
	uint64_t parent = 0;

	while (rest.s != NULL) {
		struct node *node;

		rest = text_split(rest, '.', &segment);
		node = node_of(table, parent, segment);
		node->hash = hash64(segment.s, segment.n, parent) | 1;
		node->segment = segment;
		if (rest.s == NULL)
			node->row = row;
		else
			node->beneath = true;
		parent = node->hash;
	}
}

static bool table_init(struct table *table, const struct object_kind *kind)
{
	size_t segments = 0, room = 8;

	for (const struct field *f = kind->fields; f != NULL && f->name != NULL; f++) {
		segments++;
		for (const char *s = f->name; *s != '\0'; s++)
			segments += *s == '.';
	}
	while (room < segments * 2)
		room *= 2;
	table->nodes = mem_zero(room, sizeof(*table->nodes));
	table->mask = room - 1;
	table->kind = kind;
	for (const struct field *f = kind->fields;
	     table->nodes != NULL && f != NULL && f->name != NULL; f++)
		table_add(table, f);
	return table->nodes != NULL;
}

static const struct table *table_of(struct typer *typer, const struct object_kind *kind)
{
	for (size_t i = 0; i < typer->count; i++)
		if (typer->tables[i].kind == kind)
			return &typer->tables[i];
	if (typer->count == LIMIT_TYPER_KINDS || !table_init(&typer->tables[typer->count], kind))
		return NULL;
	return &typer->tables[typer->count++];
}

/* Recursion ends with the dotted names of the table. */
static void type_members(struct typing *t, uint64_t parent, struct value map)
{
	/* The object is the caller's own, fresh from its parser. */
	struct value_pair *pairs = (struct value_pair *)(uintptr_t)map.pairs;

	for (uint32_t i = 0; i < map.n; i++) {
		const struct node *node;

		if (!value_is(pairs[i].key, VALUE_TEXT))
			continue;
		node = node_of(t->table, parent, value_as_text(pairs[i].key));
		if (node->hash == 0)
			continue;
		if (node->row != NULL)
			pairs[i].val = convert(t, node->row->type, pairs[i].val);
		if (node->beneath && value_is(pairs[i].val, VALUE_MAP))
			type_members(t, node->hash, pairs[i].val);
	}
}

struct typer *typer_new(void)
{
	return mem_zero(1, sizeof(struct typer));
}

void typer_free(struct typer *typer)
{
	if (typer == NULL)
		return;
	for (size_t i = 0; i < typer->count; i++)
		mem_free(typer->tables[i].nodes);
	mem_free(typer);
}

struct value typer_apply(struct typer *typer, const struct object_kind *kind, struct arena *arena,
			 struct value object)
{
	struct typing t = { .arena = arena };

	assert(typer != NULL && kind != NULL && arena != NULL);
	if (!value_is(object, VALUE_MAP))
		return object;
	t.table = table_of(typer, kind);
	if (t.table == NULL)
		return object_kind_typed(kind, arena, object);
	type_members(&t, 0, object);
	return object;
}
