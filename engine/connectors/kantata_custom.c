/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_custom - custom fields by their names.
 *
 * Reading needs nothing beside the values: each names its field, and says how it is
 * shown. `custom` is that, as a map. Writing needs the field's id and type, and the
 * ids of choices: a step that has `custom` reads the sets with their fields first,
 * which also tell what a field is for (a project's field and a task's may share a
 * name), then the choices where one is meant, and sends its own request last.
 *
 * I1  Definitions are read for each step anew and never kept longer: a field that
 *     was renamed or removed is noticed before anything is sent.
 * I2  A name that several fields have is read as the one with the lowest id and
 *     refused in writing.
 * I3  Every page of definitions adds to what was gathered, or fails.
 * I4  Whether a reply holds definitions follows from what was asked for, never from what
 *     it looks like: another reply to that is a failure, not the step's success.
 *
 * Source: developer.kantata.com, Custom Field Sets, Custom Fields, Custom Field
 * Choices, Custom Field Values. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

static const char sets_map[] = "custom_field_sets";
static const char choices_map[] = "custom_field_choices";

/* ---- reading ---- */

/* [cents, CODE] as {cents, currency}. */
static struct value money_of(struct arena *arena, struct value v)
{
	struct value_map_builder map;

	if (!value_is(v, VALUE_LIST) || v.n != 2)
		return v;
	value_map_begin(&map, arena);
	value_map_set(&map, "cents", v.items[0]);
	value_map_set(&map, "currency", v.items[1]);
	return value_map_end(&map);
}

static struct value number_of(struct value v)
{
	int64_t n;

	return value_is(v, VALUE_TEXT) && text_to_int(value_as_text(v), &n) ? value_int(n) : v;
}

/* The labels, which are shown as one text with commas. A label may have one, too: then there are
 * more parts than choices, and the text is the one item. */
static struct value labels_of(struct arena *arena, struct text shown, uint32_t choices)
{
	struct value_list_builder list;
	struct text rest = shown, part;
	uint32_t parts = 0;

	while (rest.n > 0) {
		rest = text_split(rest, ',', &part);
		parts++;
	}
	value_list_begin(&list, arena);
	if (parts != choices && shown.n > 0)
		value_list_add(&list, value_text(shown));
	for (rest = shown; parts == choices && rest.n > 0;) {
		rest = text_split(rest, ',', &part);
		value_list_add(&list, value_text(text_trim(part)));
	}
	return value_list_end(&list);
}

static struct value shown_of(struct arena *arena, struct value row)
{
	struct text type = param_text(row, "type");
	struct text shown = param_text(row, "display_value");
	struct value v = param_value(row, "value");
	struct value chosen = param_value(row, "selected_choice_ids");

	if (!value_is(chosen, VALUE_LIST))
		chosen = v;
	if (value_is(v, VALUE_NULL))
		return v;
	if (text_is(type, "currency"))
		return money_of(arena, v);
	if (text_is(type, "number"))
		return number_of(v);
	if (text_is(type, "multi"))
		return labels_of(arena, shown, value_is(chosen, VALUE_LIST) ? chosen.n : 1);
	return text_is(type, "single") && shown.n > 0 ? value_text(shown) : v;
}

static int64_t field_number(struct value row)
{
	struct value id = param_value(row, "custom_field_id");
	int64_t n;

	if (value_is(id, VALUE_INT))
		return id.i;
	return value_is(id, VALUE_TEXT) && text_to_int(value_as_text(id), &n) ? n : INT64_MAX;
}

/* Each is compared with all: nothing is allocated. True when a field with a lower id, or an earlier
 * row, has the same name. */
static bool is_hidden(struct value rows, uint32_t at)
{
	struct text name = param_text(rows.items[at], "custom_field_name");
	int64_t id = field_number(rows.items[at]);

	for (uint32_t i = 0; i < rows.n; i++) {
		int64_t other = field_number(rows.items[i]);

		if (i != at && (other < id || (other == id && i < at)) &&
		    text_eq(param_text(rows.items[i], "custom_field_name"), name))
			return true;
	}
	return false;
}

struct value kantata_custom(struct arena *arena, struct value rows)
{
	struct value_map_builder map;

	assert(arena != NULL && value_is(rows, VALUE_LIST));
	if (rows.n > LIMIT_CUSTOM_VALUES)
		rows.n = LIMIT_CUSTOM_VALUES;
	value_map_begin(&map, arena);
	for (uint32_t i = 0; i < rows.n; i++) {
		struct text name = param_text(rows.items[i], "custom_field_name");

		if (name.n > 0 && !is_hidden(rows, i))
			value_map_add(&map, value_text(name), shown_of(arena, rows.items[i]));
	}
	return value_map_end(&map);
}

/* ---- asking for definitions ---- */

/* What of a step's definitions was read so far. */
struct known {
	struct value fields;   /* a list of {id, name, type}, of projects */
	struct value choices;  /* a list of {id, field, label} */
	int64_t sets, labels;  /* rows read */
	bool all_sets, chosen; /* read to the end */
};

static struct known known_of(struct value gathered)
{
	struct value sets = param_value(gathered, "sets");
	struct value labels = param_value(gathered, "labels");

	return (struct known){
		.fields = param_value(gathered, "fields"),
		.choices = param_value(gathered, "choices"),
		.sets = value_is(sets, VALUE_INT) ? sets.i : 0,
		.labels = value_is(labels, VALUE_INT) ? labels.i : 0,
		.all_sets = value_is(param_value(gathered, "all_sets"), VALUE_BOOL),
		.chosen = value_is(param_value(gathered, "all_labels"), VALUE_BOOL),
	};
}

/* What was read, as it is kept. `asked`: which rows come next; NULL: it isn't known. */
static struct value known_value(struct call *call, const struct known *known, const char *asked)
{
	struct value_map_builder map;

	value_map_begin(&map, call->arena);
	if (asked != NULL)
		value_map_set(&map, "asked", value_text(text_of(asked)));
	value_map_set(&map, "fields", known->fields);
	value_map_set(&map, "sets", value_int(known->sets));
	if (known->all_sets)
		value_map_set(&map, "all_sets", value_bool(true));
	if (value_is(known->choices, VALUE_LIST)) {
		value_map_set(&map, "choices", known->choices);
		value_map_set(&map, "labels", value_int(known->labels));
	}
	if (known->chosen)
		value_map_set(&map, "all_labels", value_bool(true));
	return value_map_end(&map);
}

static enum fate ask_rows(struct call *call, const struct known *known, const char *query,
			  struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	int64_t offset = known->all_sets ? known->labels : known->sets;

	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	out->keep = known_value(call, known, known->all_sets ? choices_map : sets_map);
	buf_str(&url, query);
	if (offset > 0)
		buf_printf(&url, "&limit=%d&offset=%lld", KANTATA_PAGE, (long long)offset);
	else
		buf_printf(&url, "&per_page=%d", KANTATA_PAGE);
	return request_url(call, out, &url);
}

/* ---- writing ---- */

static const char *custom_name(struct call *call, struct text name)
{
	struct text shown =
	    text_printf(call->arena, "custom.%.*s", name.n > 60 ? 60 : (int)name.n, name.s);

	return shown.s != NULL ? shown.s : "custom";
}

/* The field of a name among those known. */
static enum fate find_field(struct call *call, const struct known *known, struct text name,
			    struct value *out)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < known->fields.n; i++) {
		if (!text_eq(param_text(known->fields.items[i], "name"), name))
			continue;
		*out = known->fields.items[i];
		found++;
	}
	if (found == 0)
		return call_fail(call, FATE_REJECT,
				 "%s: no custom field of projects has this name, or the token's "
				 "user may not see it",
				 custom_name(call, name));
	if (found > 1)
		return call_fail(call, FATE_REJECT,
				 "%s: %u custom fields of projects have this name; give "
				 "custom_fields with the id",
				 custom_name(call, name), found);
	return FATE_OK;
}

static bool has_choices(struct value field)
{
	struct text type = param_text(field, "type");

	return text_is(type, "single") || text_is(type, "multi");
}

/* One value as a parameter of that type; the message names the field. */
static enum fate fit_as(struct call *call, struct text name, enum param_type type, struct value *v)
{
	const struct param table[] = {
		{ .name = custom_name(call, name), .type = type },
		{ .name = NULL },
	};
	struct value_map_builder map;
	struct value fit;
	enum fate fate;

	value_map_begin(&map, call->arena);
	value_map_set(&map, table[0].name, *v);
	fate = params_fit(call, table, value_map_end(&map), &fit);
	if (fate == FATE_OK)
		*v = param_value(fit, table[0].name);
	return fate;
}

/* {cents, currency} or [cents, CODE] as [cents, CODE]. */
static enum fate put_money(struct call *call, struct text name, struct value *v)
{
	struct value_list_builder list;
	struct value cents = param_value(*v, "cents");
	struct value code = param_value(*v, "currency");

	if (value_is(*v, VALUE_LIST) && v->n == 2) {
		cents = v->items[0];
		code = v->items[1];
	}
	if (value_is(cents, VALUE_NULL) || !value_is(code, VALUE_TEXT) || code.n != 3)
		return call_fail(call, FATE_REJECT,
				 "%s must be cents and a currency: { cents: 5000, currency: USD }",
				 custom_name(call, name));
	if (fit_as(call, name, PARAM_INT, &cents) != FATE_OK)
		return FATE_REJECT;
	value_list_begin(&list, call->arena);
	value_list_add(&list, cents);
	value_list_add(&list, code);
	*v = value_list_end(&list);
	return FATE_OK;
}

static enum fate put_choice(struct call *call, const struct known *known, struct text name,
			    struct text field, struct value label, struct value_list_builder *ids)
{
	struct text word = TEXT_NONE;
	struct value id = value_null();
	uint32_t found = 0;

	if (value_id(call->arena, label, &word))
		for (uint32_t i = 0; i < known->choices.n; i++) {
			struct value row = known->choices.items[i];

			if (!text_eq(param_text(row, "field"), field) ||
			    !text_eq(param_text(row, "label"), word))
				continue;
			id = param_value(row, "id");
			found++;
		}
	if (found != 1)
		return call_fail(call, FATE_REJECT, "%s: %s \"%.*s\"", custom_name(call, name),
				 found == 0 ? "there is no choice" : "several choices are",
				 word.n > 60 ? 60 : (int)word.n, word.s);
	value_list_add(ids, id);
	return FATE_OK;
}

/* Labels as ids; none clears the field. */
static enum fate put_choices(struct call *call, const struct known *known, struct text name,
			     struct value field, struct value *v)
{
	struct text id = param_text(field, "id");
	struct value_list_builder ids;
	enum fate fate = FATE_OK;
	uint32_t n = value_is(*v, VALUE_LIST) ? v->n : 1;

	if (n > 1 && text_is(param_text(field, "type"), "single"))
		return call_fail(call, FATE_REJECT, "%s takes one choice, not %u",
				 custom_name(call, name), n);
	value_list_begin(&ids, call->arena);
	for (uint32_t i = 0; i < n && fate == FATE_OK; i++)
		fate = put_choice(call, known, name, id,
				  value_is(*v, VALUE_LIST) ? v->items[i] : *v, &ids);
	*v = n > 0 ? value_list_end(&ids) : value_null();
	return fate;
}

static enum fate encode(struct call *call, const struct known *known, struct text name,
			struct value field, struct value *v)
{
	struct text type = param_text(field, "type");
	struct text digits;
	enum fate fate;

	if (value_is(*v, VALUE_NULL))
		return FATE_OK;
	if (has_choices(field))
		return put_choices(call, known, name, field, v);
	if (text_is(type, "currency"))
		return put_money(call, name, v);
	if (text_is(type, "date"))
		return fit_as(call, name, PARAM_DATE, v);
	if (!text_is(type, "number")) {
		if (!value_id(call->arena, *v, &digits))
			return fit_as(call, name, PARAM_TEXT, v);
		*v = value_text(digits);
		return FATE_OK;
	}
	fate = fit_as(call, name, PARAM_INT, v);
	if (fate == FATE_OK)
		*v = value_text(text_printf(call->arena, "%lld", (long long)v->i));
	return fate;
}

/* One of custom_fields, unless the step gives it there, too. */
static enum fate add_value(struct call *call, const struct known *known, struct value pair[2],
			   struct value given, struct value_list_builder *list)
{
	struct text name = value_as_text(pair[0]);
	struct value_map_builder one;
	struct value field = value_null();
	enum fate fate = find_field(call, known, name, &field);

	if (fate == FATE_OK)
		fate = encode(call, known, name, field, &pair[1]);
	for (uint32_t i = 0; fate == FATE_OK && i < given.n; i++)
		if (text_eq(param_text(given.items[i], "custom_field_id"), param_text(field, "id")))
			fate = call_fail(call, FATE_REJECT, "%s: custom_fields has it, too",
					 custom_name(call, name));
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&one, call->arena);
	value_map_set(&one, "custom_field_id", param_value(field, "id"));
	value_map_set(&one, "value", pair[1]);
	value_list_add(list, value_map_end(&one));
	return FATE_OK;
}

/* An object of a body with custom_fields in place of `custom`. */
static enum fate put_fields(struct call *call, const struct known *known, struct value *object)
{
	struct value custom = param_value(*object, "custom");
	struct value given = param_value(*object, "custom_fields");
	struct value_list_builder list;
	struct value_map_builder map;
	enum fate fate = FATE_OK;

	if (value_get(*object, TEXT("custom")) == NULL)
		return FATE_OK;
	value_list_begin(&list, call->arena);
	for (uint32_t i = 0; value_is(given, VALUE_LIST) && i < given.n; i++)
		value_list_add(&list, given.items[i]);
	for (uint32_t i = 0; i < custom.n && fate == FATE_OK; i++) {
		struct value pair[2] = { custom.pairs[i].key, custom.pairs[i].val };

		fate = add_value(call, known, pair, given, &list);
	}
	value_map_begin(&map, call->arena);
	for (uint32_t i = 0; i < object->n; i++)
		if (!text_is(value_as_text(object->pairs[i].key), "custom") &&
		    !text_is(value_as_text(object->pairs[i].key), "custom_fields"))
			value_map_add(&map, object->pairs[i].key, object->pairs[i].val);
	value_map_set(&map, "custom_fields", value_list_end(&list));
	*object = value_map_end(&map);
	return fate;
}

/* ---- the step ---- */

/* Every name has one field (refused else); *ids: those with choices, separated by commas. */
static enum fate wanted_of(struct call *call, const struct known *known, struct value custom,
			   struct buf *ids)
{
	enum fate fate = FATE_OK;

	for (uint32_t i = 0; known->all_sets && i < custom.n && fate == FATE_OK; i++) {
		struct value field = value_null();

		if (!value_is(custom.pairs[i].key, VALUE_TEXT))
			return call_fail(call, FATE_REJECT, "custom: a name is no text");
		fate = find_field(call, known, value_as_text(custom.pairs[i].key), &field);
		if (fate == FATE_OK && has_choices(field))
			buf_printf(ids, "%s%.*s", ids->n > 0 ? "," : "",
				   TEXT_ARG(param_text(field, "id")));
	}
	return fate;
}

static enum fate wanted(struct call *call, const struct known *known, struct value body, bool *any,
			struct buf *ids)
{
	uint32_t n = value_is(body, VALUE_LIST) ? body.n : 1;
	enum fate fate = FATE_OK;

	for (uint32_t i = 0; i < n && fate == FATE_OK; i++) {
		struct value custom =
		    param_value(value_is(body, VALUE_LIST) ? body.items[i] : body, "custom");

		*any = *any || custom.n > 0;
		fate = wanted_of(call, known, custom, ids);
	}
	return fate;
}

static enum fate put_objects(struct call *call, const struct known *known, struct value *body)
{
	struct value_list_builder list;
	enum fate fate = FATE_OK;

	if (!value_is(*body, VALUE_LIST))
		return put_fields(call, known, body);
	value_list_begin(&list, call->arena);
	for (uint32_t i = 0; i < body->n && fate == FATE_OK; i++) {
		struct value object = body->items[i];

		fate = put_fields(call, known, &object);
		value_list_add(&list, object);
	}
	*body = value_list_end(&list);
	return fate;
}

enum fate kantata_custom_put(struct call *call, struct value *body, struct request *out,
			     bool *asked)
{
	AUTO_FINI(buf_fini) struct buf ids, query;
	struct known known;
	bool any = false;
	enum fate fate;

	assert(call != NULL && body != NULL && out != NULL && asked != NULL);
	buf_init(&ids, LIMIT_URL);
	buf_init(&query, LIMIT_URL);
	known = known_of(call->gathered);
	fate = wanted(call, &known, *body, &any, &ids);
	if (ids.starved)
		fate = call_starved(call);
	*asked = fate == FATE_OK && any && (!known.all_sets || (ids.n > 0 && !known.chosen));
	if (fate != FATE_OK)
		return fate;
	if (!*asked)
		return put_objects(call, &known, body);
	if (!known.all_sets)
		return ask_rows(call, &known, "/custom_field_sets?include=custom_fields", out);
	buf_printf(&query, "/custom_field_choices?active=true&for_custom_fields=%.*s",
		   TEXT_ARG(buf_view(&ids)));
	if (query.starved)
		return call_starved(call);
	if (buf_failed(&ids) || buf_failed(&query))
		return call_fail(call, FATE_REJECT, "custom: too many fields with choices");
	return ask_rows(call, &known, buf_cstr(&query), out);
}

/* ---- reading definitions ---- */

/* The fields of a set that is of projects; those the token's user may not see are not there. */
static void add_fields(struct call *call, struct value doc, struct value set,
		       struct value_list_builder *list)
{
	struct value ids = param_value(set, "custom_field_ids");

	if (!text_is(param_text(set, "subject_type"), "Workspace"))
		return;
	for (uint32_t i = 0; value_is(ids, VALUE_LIST) && i < ids.n; i++) {
		struct value_map_builder one;
		const struct value *field;
		struct text id;

		if (!value_id(call->arena, ids.items[i], &id))
			continue;
		field = kantata_object(doc, "custom_fields", id);
		if (field == NULL)
			continue;
		value_map_begin(&one, call->arena);
		value_map_set(&one, "id", value_text(id));
		value_map_set(&one, "name", param_value(*field, "name"));
		value_map_set(&one, "type", param_value(*field, "value_type"));
		value_list_add(list, value_map_end(&one));
	}
}

static void add_label(struct call *call, struct text id, struct value choice,
		      struct value_list_builder *list)
{
	struct value_map_builder one;
	struct text field;

	if (!value_id(call->arena, param_value(choice, "custom_field_id"), &field))
		return;
	value_map_begin(&one, call->arena);
	value_map_set(&one, "id", value_text(id));
	value_map_set(&one, "field", value_text(field));
	value_map_set(&one, "label", param_value(choice, "label"));
	value_list_add(list, value_map_end(&one));
}

/* The rows of a page behind those that were known. */
static enum fate add_rows(struct call *call, struct value doc, const char *plural, int64_t *seen,
			  struct value *list)
{
	struct value results = param_value(doc, "results");
	struct value before = *list;
	struct value_list_builder rows;

	value_list_begin(&rows, call->arena);
	for (uint32_t i = 0; value_is(before, VALUE_LIST) && i < before.n; i++)
		value_list_add(&rows, before.items[i]);
	if (results.n == 0 && !value_is(param_value(doc, plural), VALUE_MAP))
		return call_fail(call, FATE_RETRY, "the reply has no %s", plural);
	for (uint32_t i = 0; i < results.n; i++) {
		const struct value *row = NULL;
		struct text id;

		if (kantata_result_id(call->arena, plural, results.items[i], &id))
			row = kantata_object(doc, plural, id);
		if (row == NULL)
			return call_fail(call, FATE_RETRY, "result %u is none of %s", i + 1,
					 plural);
		if (plural == sets_map)
			add_fields(call, doc, *row, &rows);
		else
			add_label(call, id, *row, &rows);
	}
	*seen += results.n;
	*list = value_list_end(&rows);
	return FATE_OK;
}

static enum fate read_rows(struct call *call, struct value doc, const char *plural,
			   struct reading *out)
{
	struct known known = known_of(call->gathered);
	bool sets = plural == sets_map;
	int64_t *seen = sets ? &known.sets : &known.labels;
	struct value count = param_value(doc, "count");
	int64_t before = *seen;
	enum fate fate;

	if (!value_is(param_value(doc, "results"), VALUE_LIST) || !value_is(count, VALUE_INT))
		return call_fail(call, FATE_RETRY, "the reply has no results and count");
	if (count.i > LIMIT_LIST_ITEMS)
		return call_fail(call, FATE_REJECT, "custom: more than %d %s", LIMIT_LIST_ITEMS,
				 plural);
	fate = add_rows(call, doc, plural, seen, sets ? &known.fields : &known.choices);
	if (fate != FATE_OK)
		return fate;
	if (*seen == before && count.i > *seen)
		return call_fail(call, FATE_RETRY, "%lld of %lld %s could be read",
				 (long long)*seen, (long long)count.i, plural);
	*(sets ? &known.all_sets : &known.chosen) = *seen >= count.i;
	*out = (struct reading){ .result = known_value(call, &known, NULL),
				 .object = value_null(),
				 .more = true };
	return arena_failed(call->arena)
		   ? call_fail(call, FATE_RETRY, "the reply takes too much memory")
		   : FATE_OK;
}

bool kantata_custom_read(struct call *call, const struct reply *reply, struct reading *out,
			 enum fate *fate)
{
	struct text asked;
	struct value doc;

	assert(call != NULL && reply != NULL && out != NULL && fate != NULL);
	asked = param_text(call->gathered, "asked");
	if (asked.n == 0)
		return false;
	*fate = kantata_doc(call, reply, &doc);
	if (*fate == FATE_OK)
		*fate =
		    read_rows(call, doc, text_is(asked, sets_map) ? sets_map : choices_map, out);
	return true;
}
