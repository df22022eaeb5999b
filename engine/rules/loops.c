/* SPDX-License-Identifier: Apache-2.0
 *
 * loops - for_each: its keys, and the list it goes through.
 *
 * The steps of a for_each stand behind the list it is in (steps.c). They see the item as a variable
 * of its own, the one behind the rule's defines. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/evaluate.h"
#include "engine/rules/words.h"

const char *const loop_keys[] = { "as",   "if",  "on_error",      "for_each",
				  "item", "max", "on_item_error", "do",
				  NULL };

static bool stands_right(struct loading *l, const struct yaml_node *map)
{
	const struct yaml_node *node = yaml_get(map, "for_each");

	if (l->handled >= 0)
		reader_error(&l->r, node, "", "a step of on_error can't be a for_each");
	else if (l->within >= 0)
		reader_error(&l->r, node, "make one list of both, or two rules of it",
			     "a for_each can't stand inside another");
	return l->handled < 0 && l->within < 0;
}

static void read_list(struct loading *l, const struct yaml_node *node, struct loop *loop)
{
	enum cel_type type;

	if (node->kind == YAML_MAP || node->kind == YAML_LIST || node->kind == YAML_NULL) {
		reader_error(&l->r, node, "like steps.due.result.items",
			     "for_each must be an expression, not %s", yaml_kind_words(node));
		return;
	}
	loop->list = load_expression(l, node, node->text, 0);
	if (loop->list == NULL)
		return;
	type = cel_program_type(loop->list);
	if (type != CEL_DYN && type != CEL_LIST)
		reader_error(&l->r, node, "", "for_each goes through a list; this is %s",
			     cel_type_name(type));
}

static void read_item(struct loading *l, const struct yaml_node *node, struct loop *loop)
{
	struct text name;

	if (!reader_text(&l->r, node, &name) || !load_name_fits(l, node))
		return;
	for (size_t i = 0; i < l->rule->define_count; i++)
		if (text_eq(l->rule->defines[i].name, name))
			reader_error(&l->r, node, "", "define has the name \"%.*s\" already",
				     TEXT_ARG(name));
	loop->item = name;
}

static void read_options(struct loading *l, const struct yaml_node *map, struct loop *loop)
{
	static const char *const words[] = { "stop", "continue", NULL };
	const struct yaml_node *node;
	int64_t max;
	int choice;

	if ((node = yaml_get(map, "item")) != NULL)
		read_item(l, node, loop);
	if ((node = yaml_get(map, "max")) != NULL && reader_int(&l->r, node, 1, LIMIT_ITEMS, &max))
		loop->max = (int)max;
	if ((node = yaml_get(map, "on_item_error")) != NULL &&
	    reader_choice(&l->r, node, words, NULL, &choice))
		loop->go_on = choice == 1;
}

struct loop *load_loop(struct loading *l, const struct yaml_node *map)
{
	static const char example[] = "do: [ { slack.post: { text: \"${item.title}\" } } ]";
	struct loop *loop = arena_zero(l->r.arena, sizeof(*loop));
	const struct yaml_node *steps;

	assert(map != NULL && map->kind == YAML_MAP);
	if (loop == NULL || !reader_keys(&l->r, map, "a for_each", loop_keys, NULL) ||
	    !stands_right(l, map))
		return NULL;
	loop->item = TEXT("item");
	loop->max = LIMIT_ITEMS_USUAL;
	read_list(l, yaml_get(map, "for_each"), loop);
	read_options(l, map, loop);
	steps = reader_need(&l->r, map, "do", example);
	if (steps == NULL)
		return NULL;
	if (steps->kind == YAML_LIST && steps->count > 0)
		return loop;
	reader_error(&l->r, steps, example, "the steps for each item must be a list, not %s",
		     steps->kind == YAML_LIST ? "an empty one" : yaml_kind_words(steps));
	return NULL;
}

bool load_in_strict_loop(const struct loading *l)
{
	assert(l != NULL);
	return l->within >= 0 && !l->steps[l->within].loop->go_on;
}

struct cel_env *load_loop_env(struct loading *l, const struct loop *loop)
{
	struct cel_env *env = load_env(l, l->scratch);

	assert(loop != NULL);
	for (size_t i = 0; env != NULL && i < l->rule->define_count; i++) {
		const struct define *define = &l->rule->defines[i];

		cel_env_variable(env, define->name.s,
				 define->program != NULL ? cel_program_type(define->program)
							 : CEL_DYN);
	}
	if (env != NULL)
		cel_env_variable(env, loop->item.s, CEL_DYN);
	return env;
}

enum fate step_list(struct scope *scope, const struct step *step, struct value *out,
		    struct text *why)
{
	assert(scope != NULL && step != NULL && step->loop != NULL);
	assert(out != NULL && why != NULL);
	*out = scope_eval(scope, step->loop->list);
	if (value_is(*out, VALUE_LIST))
		return FATE_OK;
	*why = value_is(*out, VALUE_ERROR)
		   ? value_as_text(*out)
		   : text_printf(scope->arena, "it must be a list; this is %s",
				 value_is(*out, VALUE_NULL)
				     ? "null"
				     : value_kind_name((enum value_kind)out->kind));
	return FATE_REJECT;
}
