/* SPDX-License-Identifier: Apache-2.0
 *
 * params - parameters of steps, as far as they are written literally, against
 * the action's table. What templates make of them is checked by the connector
 * when the step runs. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/timetext.h"
#include "engine/connectors/mailbox.h"

static const char *const type_words[] = {
	"a text",
	"an id",
	"a whole number",
	"a number",
	"true or false",
	"one word",
	"a date (YYYY-MM-DD)",
	"a time (2026-11-22T09:00:00Z, or Unix seconds)",
	"a map ({ ... })",
	"a list ([ ... ])",
	"a mail address, or a list of them",
	"anything",
};

_Static_assert(sizeof(type_words) / sizeof(*type_words) == PARAM_ANY + 1,
	       "type_words[] follows enum param_type");

static bool is_date(struct text t)
{
	static const char pattern[] = "dddd-dd-dd";
	int64_t month, day;

	if (t.n != sizeof(pattern) - 1)
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (pattern[i] == 'd' ? t.s[i] < '0' || t.s[i] > '9' : t.s[i] != '-')
			return false;
	return text_to_int((struct text){ t.s + 5, 2 }, &month) &&
	       text_to_int((struct text){ t.s + 8, 2 }, &day) && month >= 1 && month <= 12 &&
	       day >= 1 && day <= 31;
}

static bool is_time(struct text t)
{
	int64_t ms;

	return timetext_parse_ms(t, &ms);
}

static bool type_fits(const struct yaml_node *node, const struct param *row)
{
	switch (row->type) {
	case PARAM_TEXT:
		return node->kind == YAML_TEXT;
	case PARAM_ID:
		return node->kind == YAML_TEXT || node->kind == YAML_INT;
	case PARAM_INT:
		return node->kind == YAML_INT;
	case PARAM_NUMBER:
		return node->kind == YAML_INT || node->kind == YAML_FLOAT;
	case PARAM_BOOL:
		return node->kind == YAML_BOOL;
	case PARAM_CHOICE:
		return node->kind == YAML_TEXT;
	case PARAM_DATE:
		return node->kind == YAML_TEXT &&
		       (template_is_dynamic(node->text) || is_date(node->text));
	case PARAM_UNIX:
		return node->kind == YAML_INT ||
		       (node->kind == YAML_TEXT &&
			(template_is_dynamic(node->text) || is_time(node->text)));
	case PARAM_MAP:
		return node->kind == YAML_MAP;
	case PARAM_LIST:
		return node->kind == YAML_LIST;
	case PARAM_MAIL:
		return node->kind == YAML_TEXT || node->kind == YAML_LIST;
	case PARAM_ANY:
		return true;
	}
	return false;
}

static bool choice_fits(struct loading *l, const struct yaml_node *node, const struct param *row)
{
	int ignored;

	if (row->choices != NULL && node->kind == YAML_LIST) {
		for (size_t i = 0; i < node->count; i++)
			if (!choice_fits(l, node->items[i], row))
				return false;
		return true;
	}
	if (row->choices == NULL || template_is_dynamic(node->text))
		return true;
	return reader_choice(&l->r, node, row->choices, NULL, &ignored);
}

/* What a template makes of it is known later. */
static bool mail_fits(struct loading *l, const struct yaml_node *node, const struct param *row)
{
	struct mailbox mailbox;
	const char *why = "";
	bool fine = true;

	if (row->type != PARAM_MAIL)
		return true;
	if (node->kind == YAML_LIST) {
		for (size_t i = 0; i < node->count; i++)
			fine = mail_fits(l, node->items[i], row) && fine;
		return fine;
	}
	if (node->kind == YAML_TEXT &&
	    (template_is_dynamic(node->text) || mailbox_parse(node->text, &mailbox, &why)))
		return true;
	reader_error(&l->r, node, "ann@example.com, or \"Ann Example <ann@example.com>\"",
		     "this is no mail address: it %s", why[0] != '\0' ? why : "is no text");
	return false;
}

static bool wrong_type(struct loading *l, const struct yaml_node *node, const struct param *row)
{
	const char *hint = row->doc != NULL ? row->doc : "";

	if (row->type == PARAM_TEXT && node->kind != YAML_MAP && node->kind != YAML_LIST)
		hint = "put it in quotes if a text is meant";
	if (row->type == PARAM_TEXT && node->kind == YAML_MAP)
		hint = "a text that starts with { needs quotes";
	reader_error(&l->r, node, hint, "\"%s\" must be %s, not %s", row->name,
		     type_words[row->type], yaml_kind_words(node));
	return false;
}

bool load_literal(struct loading *l, const struct yaml_node *node, const struct param *row,
		  struct value *out)
{
	assert(l != NULL && node != NULL && row != NULL && out != NULL);
	*out = value_null();
	/* Null clears a field, or says that an optional one isn't given. */
	if (node->kind == YAML_NULL && !row->required)
		return true;
	if (!type_fits(node, row))
		return wrong_type(l, node, row);
	if (!choice_fits(l, node, row) || !mail_fits(l, node, row))
		return false;
	if (node->kind == YAML_MAP || node->kind == YAML_LIST)
		return true;
	*out = row->type == PARAM_ID ? value_text(text_dup(l->r.arena, node->text))
				     : yaml_value(l->r.arena, node);
	return true;
}

static const struct param *row_of(const struct param *table, struct text name)
{
	for (; table->name != NULL; table++)
		if (text_is(name, table->name))
			return table;
	return NULL;
}

static void unknown_member(struct loading *l, const struct yaml_node *key,
			   const struct param *table)
{
	const char *names[128], *hint;
	size_t n = 0;

	if (step_has_key(key->text)) {
		reader_error(&l->r, key, "indent it like the action",
			     "\"%.*s\" belongs beside %.*s, not in it", TEXT_ARG(key->text),
			     TEXT_ARG(l->action));
		return;
	}
	for (; table->name != NULL && n < 127; table++)
		names[n++] = table->name;
	names[n] = NULL;
	hint = reader_nearest(l->r.arena, key->text, names);
	if (hint[0] == '\0' && n > 0 && n <= 9) {
		struct text all = TEXT("it takes:");

		for (size_t i = 0; i < n && all.s != NULL; i++)
			all = text_printf(l->r.arena, "%.*s%s %s", TEXT_ARG(all), i > 0 ? "," : "",
					  names[i]);
		hint = all.s != NULL ? all.s : "";
	}
	reader_error(&l->r, key, hint, "there is no parameter \"%.*s\"", TEXT_ARG(key->text));
}

void load_check_members(struct loading *l, const struct yaml_node *map, const struct param *table)
{
	assert(l != NULL && map != NULL && table != NULL);
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;
		const struct param *row = row_of(table, key->text);

		if (row == NULL)
			unknown_member(l, key, table);
	}
	for (; table->name != NULL; table++)
		if (table->required)
			reader_need(&l->r, map, table->name, table->doc != NULL ? table->doc : "");
}
