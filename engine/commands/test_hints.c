/* SPDX-License-Identifier: Apache-2.0
 *
 * test_hints - what in a test can't be, or can't matter; see test_case.h.
 *
 * A field nobody knows may be one the product added: that, and what is merely in
 * vain, are warnings. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/test_case.h"
#include "engine/rules/field_names.h"

#define UNKNOWN_SHOWN 3 /* fields without a hint that are named for one event */

/* ---- Fields. ---- */

struct fields {
	const struct reader *r;
	const struct object_kind *kind;
	const struct yaml_node *first; /* of those without a hint */
	struct text names;             /* "a", "b" */
	size_t unknown;
};

static void unknown_field(struct fields *f, const struct yaml_node *node, struct text path)
{
	const char *hint = field_hint(f->r->arena, &f->kind, 1, NULL, path);

	if (hint[0] != '\0') {
		reader_warn(f->r, node, hint, "%s has no known field \"%.*s\"", f->kind->name,
			    TEXT_ARG(path));
		return;
	}
	if (f->unknown == 0)
		f->first = node;
	if (f->unknown++ < UNKNOWN_SHOWN)
		f->names = text_printf(f->r->arena, "%.*s%s\"%.*s\"", TEXT_ARG(f->names),
				       f->names.n > 0 ? ", " : "", TEXT_ARG(text_head(path, 100)));
}

/* As deep as YAML may be. */
static void check_map(struct fields *f, const struct yaml_node *map, struct text above)
{
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++) {
		const struct yaml_pair *pair = &map->pairs[i];
		struct text path = above.n > 0
				       ? text_printf(f->r->arena, "%.*s.%.*s", TEXT_ARG(above),
						     TEXT_ARG(pair->key->text))
				       : pair->key->text;

		if (field_is_known(f->kind, path))
			check_map(f, pair->val, path);
		else
			unknown_field(f, pair->key, path);
	}
}

static void check_set(struct fields *f, const struct yaml_node *set)
{
	for (size_t i = 0; set->kind == YAML_MAP && i < set->count; i++) {
		const struct yaml_node *key = set->pairs[i].key;
		struct text head, path = text_split(key->text, '.', &head);

		if (path.n == 0 || (!text_is(head, "data") && !text_is(head, "before")))
			continue;
		if (field_is_known(f->kind, path))
			check_map(f, set->pairs[i].val, path);
		else
			unknown_field(f, key, path);
	}
}

static void check_fields(const struct reader *r, const struct config *config,
			 const struct yaml_node *node, struct text type)
{
	static const char *const members[] = { "data", "before", "set" };
	const struct event_type *row = config_event(config, type);
	struct fields f = { .r = r, .kind = row != NULL ? row->kind : NULL };

	if (f.kind == NULL || f.kind->fields == NULL)
		return;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const struct yaml_node *val = yaml_get(node, members[i]);

		if (val != NULL && i < 2)
			check_map(&f, val, TEXT_NONE);
		else if (val != NULL)
			check_set(&f, val);
	}
	if (f.unknown > UNKNOWN_SHOWN)
		f.names = text_printf(r->arena, "%.*s and %zu more", TEXT_ARG(f.names),
				      f.unknown - UNKNOWN_SHOWN);
	if (f.unknown > 0)
		reader_warn(r, f.first, "a field the product added later works all the same",
			    "%s has no known field %.*s", f.kind->name, TEXT_ARG(f.names));
}

void test_hints_event(const struct reader *r, const struct rule *rule, const struct yaml_node *node,
		      const struct test_event *event)
{
	const struct yaml_node *type = yaml_get(node, "type");
	const struct yaml_node *connection = yaml_get(node, "connection");

	assert(r != NULL && rule != NULL && node != NULL && event != NULL);
	if (event->type.n > 0)
		ruleset_check_type(r, rule, type != NULL ? type : node, event->type);
	if (event->connection.n > 0)
		ruleset_check_connection(r, rule, connection != NULL ? connection : node,
					 event->connection);
	check_fields(r, ruleset_config(rule->set), node, event->type);
}

/* ---- Parameters. ---- */

static const struct step *step_named(const struct rule *rule, struct text name)
{
	for (int i = 0; i < rule->step_count; i++)
		if (test_step_is(&rule->steps[i], name))
			return &rule->steps[i];
	return NULL;
}

static bool has_param(const struct param *params, struct text name)
{
	for (; params != NULL && params->name != NULL; params++)
		if (text_is(name, params->name))
			return true;
	return false;
}

void test_hints_expected(const struct reader *r, const struct rule *rule, struct text name,
			 const struct yaml_node *params)
{
	const struct step *step = step_named(rule, name);
	const char *names[LIMIT_TEST_PARAMS + 1];
	size_t n = 0;

	assert(r != NULL && rule != NULL && params != NULL);
	if (step == NULL || step->action == NULL || step->action->params == NULL ||
	    params->kind != YAML_MAP)
		return;
	for (const struct param *p = step->action->params;
	     p != NULL && p->name != NULL && n < LIMIT_TEST_PARAMS; p++)
		names[n++] = p->name;
	names[n] = NULL;
	for (size_t i = 0; i < params->count; i++) {
		const struct yaml_node *key = params->pairs[i].key;

		if (!has_param(step->action->params, key->text))
			reader_error(r, key, reader_nearest(r->arena, key->text, names),
				     "%s has no parameter \"%.*s\"", step->what,
				     TEXT_ARG(key->text));
	}
}

/* ---- In vain. ---- */

void test_hints_answer(const struct reader *r, const struct yaml_node *node,
		       const struct answered *answer)
{
	const struct yaml_node *result = yaml_get(node, "result");
	const struct yaml_node *wait = yaml_get(node, "retry_after");

	assert(r != NULL && node != NULL && answer != NULL);
	if (answer->drop && (result != NULL || yaml_get(node, "status") != NULL))
		reader_warn(r, result != NULL ? result : yaml_get(node, "status"),
			    "leave drop out, or the reply",
			    "drop: true cuts the connection: no reply comes back");
	else if (wait != NULL && answer->status < 300)
		reader_warn(r, wait, "status: 429", "a success is not tried again");
}

static bool is_answered(const struct test_case *test, struct text name)
{
	for (size_t i = 0; i < test->answers_count; i++)
		if (text_eq(test->answers[i].name, name))
			return true;
	return false;
}

/* A reply by action, while each step of it has one by its own name. */
static bool is_hidden(const struct rule *rule, const struct test_case *test, struct text name)
{
	bool any = false;

	for (int i = 0; i < rule->step_count; i++) {
		const struct step *step = &rule->steps[i];

		if (!test_step_is(step, name))
			continue;
		if (text_eq(step->name, name) || step->name.n == 0 ||
		    !is_answered(test, step->name))
			return false;
		any = true;
	}
	return any;
}

void test_hints_case(const struct reader *r, const struct rule *rule, const struct yaml_node *node,
		     const struct test_case *test)
{
	const struct yaml_node *reply = yaml_get(node, "reply");
	bool event = false;

	assert(r != NULL && rule != NULL && node != NULL && test != NULL);
	for (size_t i = 0; i < test->given_count; i++)
		event = event || test->given[i].kind == GIVEN_EVENT;
	if (!event && yaml_get(node, "given") != NULL)
		reader_warn(r, yaml_get(node, "given"), "given: [ { event: { data: {} } } ]",
			    "without an event nothing happens");
	for (size_t i = 0; reply != NULL && reply->kind == YAML_MAP && i < reply->count; i++) {
		const struct yaml_node *key = reply->pairs[i].key;

		if (is_hidden(rule, test, key->text))
			reader_warn(r, key, "",
				    "every %.*s has a reply by its own name: this one is never "
				    "used",
				    TEXT_ARG(key->text));
	}
}
