/* SPDX-License-Identifier: Apache-2.0
 *
 * form.c - pairs of names and values; see form.h.
 *
 * Repeats are found by sorting the fields by name, so a hostile form costs no
 * more than n log n comparisons. */
#include "engine/value/form.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/hex.h"
#include "engine/base/limits.h"

struct field {
	struct text name, value;
	uint32_t number; /* in the form */
	uint32_t first;  /* of the same name: the lowest number */
	uint32_t next;   /* of the same name: the next higher one, or 0 */
};

/* Decoded, into the arena; s NULL: memory or malformed, see *why. */
static struct text decode(struct arena *arena, struct text t, const char **why)
{
	char *s = arena_alloc(arena, t.n + 1);
	size_t n = 0, got;

	for (size_t i = 0; s != NULL && i < t.n; i++, n++) {
		s[n] = t.s[i] == '+' ? ' ' : t.s[i];
		if (t.s[i] != '%')
			continue;
		if (t.n - i < 3 || !hex_decode((struct text){ t.s + i + 1, 2 }, s + n, 1, &got)) {
			*why = "the form holds a % that is no escape";
			return TEXT_NONE;
		}
		i += 2;
	}
	if (s != NULL && !text_is_utf8((struct text){ s, n })) {
		*why = "the form is not UTF-8";
		return TEXT_NONE;
	}
	return (struct text){ s, n };
}

static uint32_t count_fields(struct text form)
{
	uint32_t n = 1;

	for (size_t i = 0; i < form.n; i++)
		n += form.s[i] == '&';
	return n;
}

/* How many there are; *why tells what is wrong. */
static uint32_t read_fields(struct arena *arena, struct text form, struct field *fields,
			    const char **why)
{
	uint32_t n = 0;

	while (form.n > 0 && *why == NULL && !arena_failed(arena)) {
		struct text one, name, value;

		form = text_split(form, '&', &one);
		if (one.n == 0)
			continue;
		value = text_split(one, '=', &name);
		fields[n] = (struct field){ .number = n, .first = n };
		fields[n].name = decode(arena, name, why);
		if (*why == NULL)
			fields[n].value = decode(arena, value, why);
		n++;
	}
	return n;
}

static int by_name(const void *a, const void *b)
{
	const struct field *x = *(const struct field *const *)a;
	const struct field *y = *(const struct field *const *)b;
	int order = text_cmp(x->name, y->name);

	if (order != 0)
		return order;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Chains the fields of one name. */
static bool link_fields(struct arena *arena, struct field *fields, uint32_t n)
{
	struct field **sorted = arena_array(arena, n, sizeof(struct field *));

	if (sorted == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = &fields[i];
	qsort(sorted, n, sizeof(struct field *), by_name);
	for (uint32_t i = 1; i < n; i++) {
		if (!text_eq(sorted[i]->name, sorted[i - 1]->name))
			continue;
		sorted[i]->first = sorted[i - 1]->first;
		sorted[i - 1]->next = sorted[i]->number;
	}
	return true;
}

static struct value field_value(struct arena *arena, const struct field *fields, uint32_t at)
{
	struct value_list_builder list;

	if (fields[at].next == 0)
		return value_text(fields[at].value);
	value_list_begin(&list, arena);
	value_list_add(&list, value_text(fields[at].value));
	for (uint32_t i = fields[at].next; i != 0; i = fields[i].next)
		value_list_add(&list, value_text(fields[i].value));
	return value_list_end(&list);
}

const char *form_parse(struct arena *arena, struct text form, struct value *out)
{
	struct value_map_builder map;
	struct field *fields;
	const char *why = NULL;
	uint32_t n;

	assert(arena != NULL && out != NULL);
	assert(form.n <= LIMIT_BODY_MAX);
	*out = value_null();
	if (count_fields(form) > LIMIT_FORM_FIELDS)
		return "the form has too many fields";
	fields = arena_array(arena, count_fields(form), sizeof(*fields));
	if (fields == NULL)
		return NULL;
	n = read_fields(arena, form, fields, &why);
	if (why != NULL || arena_failed(arena) || !link_fields(arena, fields, n))
		return why;
	value_map_begin(&map, arena);
	for (uint32_t i = 0; i < n; i++)
		if (fields[i].first == i)
			value_map_add(&map, value_text(fields[i].name),
				      field_value(arena, fields, i));
	*out = value_map_end(&map);
	return NULL;
}
