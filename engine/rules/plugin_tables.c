/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_tables.c - parameters, fields and results of a manifest as tables; see
 * plugin_manifest.h. */
#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/rules/plugin_parts.h"

/* ---- Parameters. ---- */

static const struct {
	const char *word;
	enum param_type type;
	const char *example;
} param_types[] = {
	{ "text", PARAM_TEXT, "\"...\"" },
	{ "id", PARAM_ID, "\"7\"" },
	{ "int", PARAM_INT, "1" },
	{ "number", PARAM_NUMBER, "1.5" },
	{ "bool", PARAM_BOOL, "true" },
	{ "choice", PARAM_CHOICE, "" },
	{ "date", PARAM_DATE, "\"2026-11-22\"" },
	{ "map", PARAM_MAP, "{}" },
	{ "list", PARAM_LIST, "[]" },
	{ "mail", PARAM_MAIL, "ann@example.com" },
	{ "any", PARAM_ANY, "\"...\"" },
};

#define PARAM_TYPES (sizeof(param_types) / sizeof(*param_types))

static bool read_param_type(struct manifest_reading *r, struct value v, struct param *out)
{
	const struct value *type = value_get(v, TEXT("type"));
	size_t back = manifest_enter(r, "type");
	char room[MANIFEST_SHOWN];

	if (type == NULL || !value_is(*type, VALUE_TEXT))
		return manifest_wrong(r, "must be a text: text, id, int, number, bool, choice, "
					 "date, map, list, mail or any");
	for (size_t i = 0; i < PARAM_TYPES; i++)
		if (text_is(value_as_text(*type), param_types[i].word)) {
			out->type = param_types[i].type;
			manifest_leave(r, back);
			return true;
		}
	return manifest_wrong(r,
			      "there is no type \"%s\": text, id, int, number, bool, choice, date, "
			      "map, list, mail or any",
			      manifest_shown(value_as_text(*type), room));
}

static bool read_choice(struct manifest_reading *r, struct value v, const char **out)
{
	struct value_pair pair = { value_text(TEXT("choice")), v };
	const struct value one = { .kind = VALUE_MAP, .n = 1, .pairs = &pair };

	if (value_is(v, VALUE_TEXT) && v.n == 0)
		return manifest_wrong(r, "a choice is empty");
	if (!value_is(v, VALUE_TEXT))
		return manifest_wrong(r, "must be a list of texts");
	return manifest_text(r, one, "choice", out) && *out != NULL;
}

static bool read_choices(struct manifest_reading *r, struct value v, struct param *out)
{
	const struct value *list = value_get(v, TEXT("choices"));
	size_t back = manifest_enter(r, "choices");
	const char **choices;

	if (out->type != PARAM_CHOICE)
		return list == NULL || manifest_wrong(r, "belongs to the type choice");
	if (list == NULL || !value_is(*list, VALUE_LIST) || list->n == 0)
		return manifest_wrong(r, "must be a list of texts");
	choices = arena_array(r->arena, list->n + 1, sizeof(*choices));
	if (choices == NULL)
		return false;
	for (uint32_t i = 0; i < list->n; i++)
		if (!read_choice(r, list->items[i], &choices[i]))
			return false;
	choices[list->n] = NULL;
	out->choices = choices;
	manifest_leave(r, back);
	return true;
}

static bool read_members(struct manifest_reading *r, struct value v, unsigned depth,
			 struct param *out)
{
	const struct value *members = value_get(v, TEXT("members"));
	size_t back = manifest_enter(r, "members");

	if (members == NULL) {
		manifest_leave(r, back);
		return true;
	}
	if (out->type != PARAM_MAP)
		return manifest_wrong(r, "belongs to the type map");
	out->members = manifest_params(r, *members, depth + 1);
	manifest_leave(r, back);
	return out->members != NULL;
}

static bool read_required(struct manifest_reading *r, struct value v, struct param *out)
{
	const struct value *required = value_get(v, TEXT("required"));
	size_t back = manifest_enter(r, "required");

	if (required != NULL && !value_is(*required, VALUE_BOOL))
		return manifest_wrong(r, "must be true or false");
	manifest_leave(r, back);
	out->required = required != NULL && required->b;
	return true;
}

static bool read_param(struct manifest_reading *r, struct value v, unsigned depth,
		       struct param *out)
{
	static const char *const known[] = {
		"type", "required", "doc", "choices", "members", NULL
	};
	size_t here = r->at;

	out->doc = "";
	if (!manifest_members(r, v, known) || !read_param_type(r, v, out) ||
	    !read_required(r, v, out) || !manifest_text(r, v, "doc", &out->doc) ||
	    !read_choices(r, v, out))
		return false;
	manifest_leave(r, here);
	return read_members(r, v, depth, out);
}

const struct param *manifest_params(struct manifest_reading *r, struct value map, unsigned depth)
{
	struct param *params;

	assert(r != NULL && depth > 0);
	if (depth > LIMIT_MANIFEST_DEPTH) {
		(void)manifest_wrong(r, "parameters are nested more than %d deep",
				     LIMIT_MANIFEST_DEPTH);
		return NULL;
	}
	if (!manifest_named(r, map, LIMIT_SESSION_MANIFEST, "parameter"))
		return NULL;
	params = arena_array(r->arena, map.n + 1, sizeof(*params));
	if (params == NULL)
		return NULL;
	for (uint32_t i = 0; i < map.n; i++) {
		size_t back;

		params[i] =
		    (struct param){ .name = manifest_keep(r, value_as_text(map.pairs[i].key)) };
		if (params[i].name == NULL)
			return NULL;
		back = manifest_enter(r, params[i].name);
		if (!read_param(r, map.pairs[i].val, depth, &params[i]))
			return NULL;
		manifest_leave(r, back);
	}
	params[map.n] = (struct param){ .name = NULL };
	return params;
}

/* ---- Fields. ---- */

static const struct {
	const char *word;
	enum field_type type;
} field_types[] = {
	{ "text", FIELD_TEXT },
	{ "bool", FIELD_BOOL },
	{ "int", FIELD_INT },
	{ "number", FIELD_DOUBLE },
	{ "timestamp", FIELD_TIMESTAMP },
	{ "date", FIELD_DATE },
	{ "list", FIELD_LIST },
	{ "map", FIELD_MAP },
	{ "any", FIELD_ANY },
};

#define FIELD_TYPES (sizeof(field_types) / sizeof(*field_types))

static const char *field_word(enum field_type type)
{
	for (size_t i = 0; i < FIELD_TYPES; i++)
		if (field_types[i].type == type)
			return field_types[i].word;
	return "any";
}

static bool read_field(struct manifest_reading *r, struct value v, struct field *out)
{
	static const char *const known[] = { "type", "doc", NULL };
	const struct value *type;
	char room[MANIFEST_SHOWN];
	size_t back;

	out->doc = "";
	if (!manifest_members(r, v, known) || !manifest_text(r, v, "doc", &out->doc))
		return false;
	type = value_get(v, TEXT("type"));
	back = manifest_enter(r, "type");
	if (type == NULL || !value_is(*type, VALUE_TEXT))
		return manifest_wrong(r, "must be a text: text, bool, int, number, timestamp, "
					 "date, list, map or any");
	for (size_t i = 0; i < FIELD_TYPES; i++)
		if (text_is(value_as_text(*type), field_types[i].word)) {
			out->type = field_types[i].type;
			manifest_leave(r, back);
			return true;
		}
	return manifest_wrong(r,
			      "there is no type \"%s\": text, bool, int, number, timestamp, date, "
			      "list, map or any",
			      manifest_shown(value_as_text(*type), room));
}

const struct field *manifest_fields(struct manifest_reading *r, struct value map)
{
	struct field *fields;

	assert(r != NULL);
	if (!manifest_named(r, map, LIMIT_SESSION_MANIFEST, "field"))
		return NULL;
	fields = arena_array(r->arena, map.n + 1, sizeof(*fields));
	if (fields == NULL)
		return NULL;
	for (uint32_t i = 0; i < map.n; i++) {
		size_t back;

		fields[i] =
		    (struct field){ .name = manifest_keep(r, value_as_text(map.pairs[i].key)) };
		if (fields[i].name == NULL)
			return NULL;
		back = manifest_enter(r, fields[i].name);
		if (!read_field(r, map.pairs[i].val, &fields[i]))
			return NULL;
		manifest_leave(r, back);
	}
	fields[map.n] = (struct field){ .name = NULL };
	return fields;
}

/* ---- Data and examples. ---- */

static bool is_date(struct text t)
{
	char whole[32];

	if (t.n != 10)
		return false;
	(void)snprintf(whole, sizeof(whole), "%.10sT00:00:00Z", t.s);
	return timetext_parse(text_of(whole), &(int64_t){ 0 }, NULL);
}

static bool fits(enum field_type type, struct value v)
{
	int64_t ms;

	switch (type) {
	case FIELD_TEXT:
		return value_is(v, VALUE_TEXT);
	case FIELD_BOOL:
		return value_is(v, VALUE_BOOL);
	case FIELD_INT:
		return value_is(v, VALUE_INT) || value_is(v, VALUE_UINT);
	case FIELD_DOUBLE:
		return value_is(v, VALUE_INT) || value_is(v, VALUE_UINT) ||
		       value_is(v, VALUE_DOUBLE);
	case FIELD_TIMESTAMP:
	case FIELD_TIMESTAMP_UNIX:
		return value_is(v, VALUE_TEXT) && timetext_parse_ms(value_as_text(v), &ms);
	case FIELD_DATE:
		return value_is(v, VALUE_TEXT) && is_date(value_as_text(v));
	case FIELD_LIST:
		return value_is(v, VALUE_LIST);
	case FIELD_MAP:
		return value_is(v, VALUE_MAP);
	case FIELD_ANY:
		break;
	}
	return true;
}

bool manifest_fits(const struct event_type *event, struct value data, char words[MANIFEST_WORDS])
{
	assert(event != NULL && words != NULL);
	if (event->kind == NULL)
		return true;
	if (!value_is(data, VALUE_MAP)) {
		(void)snprintf(words, MANIFEST_WORDS, "the data is to be an object");
		return false;
	}
	for (const struct field *f = event->kind->fields; f->name != NULL; f++) {
		const struct value *v = value_get(data, text_of(f->name));

		if (v == NULL || value_is(*v, VALUE_NULL) || fits(f->type, *v))
			continue;
		(void)snprintf(words, MANIFEST_WORDS, "data.%s is not of the type %s", f->name,
			       field_word(f->type));
		return false;
	}
	return true;
}

bool manifest_example(struct manifest_reading *r, const struct field *fields, struct value example)
{
	assert(r != NULL && fields != NULL);
	if (!value_is(example, VALUE_MAP))
		return manifest_wrong(r, "must be an object");
	for (uint32_t i = 0; i < example.n; i++) {
		struct text key = value_as_text(example.pairs[i].key);
		const struct field *f = fields;
		char room[MANIFEST_SHOWN];

		while (f->name != NULL && !text_is(key, f->name))
			f++;
		if (f->name == NULL)
			return manifest_wrong(r, "fields has no \"%s\"", manifest_shown(key, room));
		if (!value_is(example.pairs[i].val, VALUE_NULL) &&
		    !fits(f->type, example.pairs[i].val))
			return manifest_wrong(r, "\"%s\" is not of the type %s", f->name,
					      field_word(f->type));
	}
	return true;
}

static void put_example(struct buf *out, const struct param *p)
{
	buf_str(out, p->name);
	buf_str(out, ": ");
	if (p->type == PARAM_CHOICE) {
		value_write_text(out, text_of(p->choices[0]));
		return;
	}
	for (size_t i = 0; i < PARAM_TYPES; i++)
		if (param_types[i].type == p->type)
			buf_str(out, param_types[i].example);
}

/* The required ones; the first when none is. */
const char *manifest_params_example(struct manifest_reading *r, const struct param *params)
{
	AUTO_FINI(buf_fini) struct buf out;
	bool any = false;

	assert(r != NULL && params != NULL);
	buf_init(&out, 2 * LIMIT_SESSION_MANIFEST);
	buf_str(&out, "{");
	for (const struct param *p = params; p->name != NULL; p++) {
		if (!p->required)
			continue;
		buf_str(&out, any ? ", " : " ");
		put_example(&out, p);
		any = true;
	}
	if (!any && params->name != NULL) {
		buf_char(&out, ' ');
		put_example(&out, params);
	}
	buf_str(&out, params->name != NULL ? " }" : "}");
	if (buf_failed(&out))
		arena_fail(r->arena);
	return buf_failed(&out) ? NULL : manifest_keep(r, buf_view(&out));
}

const char *manifest_result_words(struct manifest_reading *r, const struct field *fields)
{
	AUTO_FINI(buf_fini) struct buf out;

	assert(r != NULL);
	if (fields == NULL)
		return "What the plugin answers.";
	if (fields->name == NULL)
		return "A map without members.";
	buf_init(&out, 2 * LIMIT_SESSION_MANIFEST);
	buf_str(&out, "A map: ");
	for (const struct field *f = fields; f->name != NULL; f++) {
		if (f != fields)
			buf_str(&out, ", ");
		buf_printf(&out, "%s (%s)", f->name, field_word(f->type));
	}
	buf_char(&out, '.');
	if (buf_failed(&out))
		arena_fail(r->arena);
	return buf_failed(&out) ? NULL : manifest_keep(r, buf_view(&out));
}
