/* SPDX-License-Identifier: Apache-2.0
 *
 * An object typed in place, with a table, is the object that is typed by searching the fields. */
#include "tests/unit/test_connectors_kit.h"
#include "tests/unit/unit_main.h"

/* The same with the kinds of numbers and times, which value_equal doesn't tell apart. */
static bool identical(struct value a, struct value b)
{
	if (a.kind != b.kind)
		return false;
	if (a.kind == VALUE_MAP && a.n == b.n) {
		for (uint32_t i = 0; i < a.n; i++)
			if (!value_equal(a.pairs[i].key, b.pairs[i].key) ||
			    !identical(a.pairs[i].val, b.pairs[i].val))
				return false;
		return true;
	}
	return value_equal(a, b);
}

static void check_kind(struct typer *typer, const struct object_kind *kind, struct text json)
{
	struct value searched = object_kind_typed(kind, arena, parsed(json));
	struct value in_place = typer_apply(typer, kind, arena, parsed(json));
	struct buf b;

	ck_assert_msg(identical(searched, in_place), "%s: %.*s", kind->name, TEXT_ARG(json));
	/* And twice is once. */
	ck_assert(identical(in_place, object_kind_typed(kind, arena, in_place)));
	buf_init(&b, MIB);
	value_write(&b, in_place);
	ck_assert(identical(in_place, typer_apply(typer, kind, arena, parsed(buf_view(&b)))));
	buf_fini(&b);
}

START_TEST(examples)
{
	struct typer *typer = typer_new();
	size_t kinds = 0;

	setup();
	ck_assert_ptr_nonnull(typer);
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++)
		for (const struct event_type *e = (*c)->events; e != NULL && e->name != NULL; e++) {
			if (e->kind != NULL)
				check_kind(typer, e->kind, text_of(e->example));
			kinds += e->kind != NULL;
		}
	ck_assert_uint_gt(kinds, 5);
	typer_free(typer);
	teardown();
}
END_TEST

static const char *const values[] = { "1",
				      "1.5",
				      "305.0",
				      "9007199254740994.0",
				      "18446744073709551615",
				      "-1",
				      "\"7\"",
				      "\"2026-01-31T09:00:00.5+01:00\"",
				      "\"2026-01-31\"",
				      "1767171600",
				      "1767171600.75",
				      "1e300",
				      "null",
				      "true",
				      "[1]",
				      "{}" };

/* Every field that has no dot, with each of the values in turn, the last one first, and a map
 * with every field in it where dotted names begin; and names that are no fields. */
static void put_all(const struct object_kind *kind, struct buf *json, size_t which)
{
	size_t count = 0;

	while (kind->fields[count].name != NULL)
		count++;
	buf_str(json, "{\"no such field\": 1");
	for (size_t i = count; i > 0; i--) {
		const char *name = kind->fields[i - 1].name;
		const char *dot = strchr(name, '.');
		bool again = false;

		for (size_t k = i; k < count && dot == NULL; k++)
			again = again || strncmp(kind->fields[k].name, name, strlen(name) + 1) == 0;
		if (dot != NULL || again)
			continue;
		buf_printf(json, ", \"%s\": ", name);
		if (which % 4 != 3) {
			buf_str(json, values[(which + i) % (sizeof(values) / sizeof(*values))]);
			continue;
		}
		buf_str(json, "{\"\": 1");
		for (size_t k = 0; k < count; k++)
			if (strncmp(kind->fields[k].name, name, strlen(name)) == 0 &&
			    kind->fields[k].name[strlen(name)] == '.' &&
			    strchr(kind->fields[k].name + strlen(name) + 1, '.') == NULL)
				buf_printf(
				    json, ", \"%s\": %s", kind->fields[k].name + strlen(name) + 1,
				    values[(which + k) % (sizeof(values) / sizeof(*values))]);
		buf_char(json, '}');
	}
	buf_char(json, '}');
}

START_TEST(values_of_any_type)
{
	struct typer *typer = typer_new();
	struct buf json;

	setup();
	ck_assert_ptr_nonnull(typer);
	buf_init(&json, MIB);
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++)
		for (const struct event_type *e = (*c)->events; e != NULL && e->name != NULL; e++)
			for (size_t i = 0; e->kind != NULL && e->kind->fields != NULL && i < 64;
			     i++) {
				buf_clear(&json);
				put_all(e->kind, &json, i);
				check_kind(typer, e->kind, buf_view(&json));
			}
	check_kind(typer, connectors_event(TEXT("kantata.workspace.updated"))->kind, TEXT("null"));
	check_kind(typer, connectors_event(TEXT("kantata.workspace.updated"))->kind, TEXT("[1]"));
	buf_fini(&json);
	typer_free(typer);
	teardown();
}
END_TEST

UNIT_MAIN("connectors_typed", examples, values_of_any_type)
