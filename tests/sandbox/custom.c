/* SPDX-License-Identifier: Apache-2.0
 *
 * custom - see custom.h. Follows the published reference of Custom Field Sets, Custom Fields,
 * Custom Field Choices and Custom Field Values at https://developer.kantata.com/. Its warts are
 * kept: a name may be taken several times, by a task's field too, and an obsolete choice is listed
 * unless `active` is asked for.
 */
#include "tests/sandbox/custom.h"

#include "tests/sandbox/kantata.h"
#include "tests/sandbox/query.h"
#include "tests/sandbox/times.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct set {
	int id;
	const char *name;
	const char *subject;
};

static const struct set sets[] = {
	{ 1, "Project fields", "Workspace" },
	{ 2, "Task fields", "Story" },
	{ 3, "More project fields", "Workspace" },
};

struct field {
	int id;
	int set;
	const char *name;
	const char *type;
};

static const struct field fields[] = {
	{ 1, 1, "Contract value", "currency" },
	{ 2, 1, "PO", "string" },
	{ 3, 1, "Region", "single" },
	{ 4, 1, "Products", "multi" },
	{ 5, 1, "Go-live", "date" },
	{ 6, 1, "Seats", "number" },
	{ 7, 2, "PO", "string" },
	{ 8, 1, "Cost centre", "string" },
	{ 9, 3, "Cost centre", "string" },
};

struct choice {
	int id;
	int field;
	const char *label;
	bool active;
};

static const struct choice choices[] = {
	{ 31, 3, "EMEA", true },  { 32, 3, "Americas", true }, { 33, 3, "Overseas", false },
	{ 41, 4, "Basic", true }, { 42, 4, "Pro", true },      { 43, 4, "Training, on site", true },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct field *field_of(int64_t id)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (fields[i].id == id)
			return &fields[i];
	return NULL;
}

static int64_t number_of(const json_t *v)
{
	return json_is_string(v) ? strtoll(json_string_value(v), NULL, 10) : json_integer_value(v);
}

static const struct choice *choice_of(const struct field *f, const json_t *id)
{
	for (size_t i = 0; i < COUNT(choices); i++)
		if (choices[i].field == f->id && choices[i].id == number_of(id))
			return &choices[i];
	return NULL;
}

/* ---- values ---- */

static bool is_digits(const char *s)
{
	s += *s == '-';
	return *s && strspn(s, "0123456789") == strlen(s);
}

static bool fits(const struct field *f, const json_t *v)
{
	const char *s = json_string_value(v);
	const json_t *id;
	int32_t date;
	size_t i;

	if (!strcmp(f->type, "string"))
		return s != NULL;
	if (!strcmp(f->type, "number"))
		return s && is_digits(s);
	if (!strcmp(f->type, "date"))
		return s && times_parse_date(s, &date);
	if (!strcmp(f->type, "currency"))
		return json_array_size(v) == 2 && json_is_integer(json_array_get(v, 0)) &&
		       json_string_length(json_array_get(v, 1)) == 3;
	if (json_array_size(v) == 0 || (!strcmp(f->type, "single") && json_array_size(v) > 1))
		return false;
	json_array_foreach(v, i, id) if (!choice_of(f, id)) return false;
	return true;
}

bool custom_set(struct workspace *ws, const json_t *list)
{
	const json_t *one;
	size_t i;

	assert(ws != NULL);
	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, one)
	{
		const struct field *f =
		    field_of(number_of(json_object_get(one, "custom_field_id")));
		json_t *v = json_object_get(one, "value");
		char key[32];

		if (!f || strcmp(sets[f->set - 1].subject, "Workspace") != 0 || !v ||
		    (!json_is_null(v) && !fits(f, v)))
			return false;
		if (!ws->custom)
			ws->custom = json_object();
		(void)snprintf(key, sizeof(key), "%d", f->id);
		if (json_is_null(v))
			(void)json_object_del(ws->custom, key);
		else if (json_object_set_new(ws->custom, key, json_deep_copy(v)) != 0)
			return false;
	}
	return true;
}

/* One `2:red` of n bytes, with or without parentheses. */
static bool has_text(const struct workspace *ws, const char *s, size_t n)
{
	size_t digits;
	char key[32];
	const char *value;

	if (n >= 2 && s[0] == '(' && s[n - 1] == ')') {
		s++;
		n -= 2;
	}
	digits = strspn(s, "0123456789");
	if (digits == 0 || digits >= sizeof(key) || digits >= n || s[digits] != ':')
		return false;
	(void)snprintf(key, sizeof(key), "%.*s", (int)digits, s);
	value = json_string_value(json_object_get(ws->custom, key));
	return value && strlen(value) == n - digits - 1 &&
	       !strncmp(value, s + digits + 1, n - digits - 1);
}

bool custom_has_texts(const struct workspace *ws, const char *filter)
{
	bool nested;

	assert(ws != NULL && filter != NULL);
	nested = *filter == '(';
	for (;;) {
		const char *end = nested ? strstr(filter, "):(") : strchr(filter, ';');
		size_t n = end ? (size_t)(end - filter) + nested : strlen(filter);

		if (!has_text(ws, filter, n))
			return false;
		if (!end)
			return true;
		filter = end + (nested ? 2 : 1);
	}
}

static long long value_id(const struct workspace *ws, const struct field *f)
{
	return (long long)ws->id * 100 + f->id;
}

void custom_write_ids(const struct workspace *ws, struct text *out)
{
	const char *key;
	json_t *v;
	bool any = false;

	text_char(out, '[');
	json_object_foreach(ws->custom, key, v)
	{
		const struct field *f = field_of(strtoll(key, NULL, 10));

		text_fmt(out, "%s\"%lld\"", any ? "," : "", value_id(ws, f));
		any = true;
	}
	text_char(out, ']');
}

/* The formatted version of a value. */
static void write_display(const struct field *f, const json_t *v, struct text *out)
{
	struct text shown = { 0 };
	const json_t *id;
	size_t i;

	if (!strcmp(f->type, "currency"))
		text_fmt(&shown, "%lld.%02lld %s",
			 (long long)json_integer_value(json_array_get(v, 0)) / 100,
			 (long long)json_integer_value(json_array_get(v, 0)) % 100,
			 json_string_value(json_array_get(v, 1)));
	else if (json_is_string(v))
		text_add(&shown, json_string_value(v));
	json_array_foreach(v, i, id) if (strcmp(f->type, "currency") != 0)
	    text_fmt(&shown, "%s%s", i ? ", " : "", choice_of(f, id)->label);
	text_quote(out, shown.len ? shown.data : "");
	text_fini(&shown);
}

static void write_chosen(const struct field *f, const json_t *v, struct text *out)
{
	const json_t *id;
	size_t i;

	text_char(out, '[');
	json_array_foreach(v, i, id) if (strcmp(f->type, "currency") != 0)
	    text_fmt(out, "%s\"%lld\"", i ? "," : "", (long long)number_of(id));
	text_char(out, ']');
}

void custom_write_rows(const struct workspace *ws, struct text *out)
{
	const char *key;
	json_t *v;

	json_object_foreach(ws->custom, key, v)
	{
		const struct field *f = field_of(strtoll(key, NULL, 10));

		if (out->data[out->len - 1] != '{')
			text_char(out, ',');
		text_fmt(out,
			 "\"%lld\":{\"id\":\"%lld\",\"account_id\":70001,\"can_edit\":true,"
			 "\"custom_field_id\":\"%d\",\"subject_type\":\"Workspace\",\"subject_id\":"
			 "%lld,\"type\":\"%s\"",
			 value_id(ws, f), value_id(ws, f), f->id, (long long)ws->id, f->type);
		text_key(out, "custom_field_name");
		text_quote(out, f->name);
		text_key(out, "display_value");
		write_display(f, v, out);
		text_key(out, "selected_choice_ids");
		write_chosen(f, v, out);
		text_key(out, "value");
		text_value(out, v);
		text_char(out, '}');
	}
}

/* ---- lists ---- */

static void begin(const struct args *args, const char *plural, const int *ids, size_t n,
		  struct query_page *page, struct text *out)
{
	*page = query_cut(args, args_get(args, "only") != NULL, n);
	query_meta(n, page, out);
	for (size_t i = 0; i < page->n; i++)
		text_fmt(out, "%s{\"key\":\"%s\",\"id\":\"%d\"}", i ? "," : "", plural,
			 ids[page->start + i]);
	text_fmt(out, "],\"%s\":{", plural);
}

static void write_field(const struct field *f, struct text *out)
{
	bool any = false;

	text_fmt(out, "\"%d\":{\"id\":\"%d\",\"custom_field_set_id\":\"%d\",\"value_type\":\"%s\"",
		 f->id, f->id, f->set, f->type);
	text_key(out, "name");
	text_quote(out, f->name);
	text_add(out, ",\"choice_ids\":[");
	for (size_t i = 0; i < COUNT(choices); i++)
		if (choices[i].field == f->id && choices[i].active) {
			text_fmt(out, "%s\"%d\"", any ? "," : "", choices[i].id);
			any = true;
		}
	text_add(out, "],\"default_text\":null,\"unique_constraint\":false}");
}

static void write_choice(const struct choice *c, struct text *out)
{
	text_fmt(out, "\"%d\":{\"id\":\"%d\",\"custom_field_id\":\"%d\",\"position\":%d", c->id,
		 c->id, c->field, c->id % 10);
	text_key(out, "label");
	text_quote(out, c->label);
	text_char(out, '}');
}

static void write_set(const struct set *set, struct text *out)
{
	bool any = false;

	text_fmt(out, "\"%d\":{\"id\":\"%d\",\"subject_type\":\"%s\",\"name\":\"%s\"", set->id,
		 set->id, set->subject, set->name);
	text_add(out, ",\"custom_field_ids\":[");
	for (size_t i = 0; i < COUNT(fields); i++)
		if (fields[i].set == set->id) {
			text_fmt(out, "%s\"%d\"", any ? "," : "", fields[i].id);
			any = true;
		}
	text_add(out, "]}");
}

static void comma(size_t i, struct text *out)
{
	if (i)
		text_char(out, ',');
}

void custom_sets(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct text *out = reply_json(re, 200);
	struct query_page page;
	int ids[COUNT(sets)];
	size_t n = 0;

	(void)sb;
	for (size_t i = 0; i < COUNT(sets); i++)
		if (query_listed(args_get(&rq->query, "only"), sets[i].id))
			ids[n++] = sets[i].id;
	begin(&rq->query, "custom_field_sets", ids, n, &page, out);
	for (size_t i = 0; i < page.n; i++) {
		comma(i, out);
		write_set(&sets[ids[page.start + i] - 1], out);
	}
	text_char(out, '}');
	if (query_names(args_get(&rq->query, "include"), "custom_fields")) {
		text_add(out, ",\"custom_fields\":{");
		for (size_t i = 0; i < COUNT(fields); i++) {
			comma(i, out);
			write_field(&fields[i], out);
		}
		text_char(out, '}');
	}
	text_char(out, '}');
}

void custom_fields(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct text *out = reply_json(re, 200);
	struct query_page page;
	int ids[COUNT(fields)];
	size_t n = 0;

	(void)sb;
	for (size_t i = 0; i < COUNT(fields); i++)
		if (query_listed(args_get(&rq->query, "only"), fields[i].id))
			ids[n++] = fields[i].id;
	begin(&rq->query, "custom_fields", ids, n, &page, out);
	for (size_t i = 0; i < page.n; i++) {
		comma(i, out);
		write_field(field_of(ids[page.start + i]), out);
	}
	text_char(out, '}');
	if (query_names(args_get(&rq->query, "include"), "choices")) {
		text_add(out, ",\"custom_field_choices\":{");
		for (size_t i = 0; i < COUNT(choices); i++) {
			comma(i, out);
			write_choice(&choices[i], out);
		}
		text_char(out, '}');
	}
	text_char(out, '}');
}

static bool listed(const struct args *args, const struct choice *c)
{
	const char *active = args_get(args, "active");

	return query_listed(args_get(args, "only"), c->id) &&
	       query_listed(args_get(args, "for_custom_fields"), c->field) &&
	       (!active || strcmp(active, "true") != 0 || c->active);
}

void custom_choices(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct text *out = reply_json(re, 200);
	struct query_page page;
	int ids[COUNT(choices)], rows[COUNT(choices)];
	size_t n = 0;

	(void)sb;
	for (size_t i = 0; i < COUNT(choices); i++)
		if (listed(&rq->query, &choices[i])) {
			rows[n] = (int)i;
			ids[n++] = choices[i].id;
		}
	begin(&rq->query, "custom_field_choices", ids, n, &page, out);
	for (size_t i = 0; i < page.n; i++) {
		comma(i, out);
		write_choice(&choices[rows[page.start + i]], out);
	}
	text_add(out, "}}");
}

/* subject_type is required; values of projects only are kept here. */
void custom_values(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *subject = args_get(&rq->query, "subject_type");
	struct workspace *const *ws;
	struct text ids = { 0 }, rows = { 0 };
	struct query_page page;
	size_t count, n = 0;

	if (!subject) {
		kantata.refuse(re, 400, "subject_type is required");
		return;
	}
	ws = world_sorted(sb->world, WORLD_BY_ID, &count);
	text_char(&rows, '{');
	for (size_t i = 0; i < count && !strcmp(subject, "Workspace"); i++) {
		const char *key;
		json_t *v;

		custom_write_rows(ws[i], &rows);
		json_object_foreach(ws[i]->custom, key, v)
		    text_fmt(&ids, "%s{\"key\":\"custom_field_values\",\"id\":\"%lld\"}",
			     n++ ? "," : "", value_id(ws[i], field_of(strtoll(key, NULL, 10))));
	}
	page = (struct query_page){ .n = n, .size = (int64_t)n, .number = 1 };
	query_meta(n, &page, reply_json(re, 200));
	text_fmt(&re->body, "%s],\"custom_field_values\":%s}}", n ? ids.data : "", rows.data);
	text_fini(&ids);
	text_fini(&rows);
}
