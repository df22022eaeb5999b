/* SPDX-License-Identifier: Apache-2.0
 *
 * env - the names and functions that expressions may use; see cel.h, env.h. */
#include "engine/cel/env.h"

#include <assert.h>

static const struct cel_function *const library[] = {
	cel_functions_core,     cel_functions_text,     cel_functions_time,
	cel_functions_strings,  cel_functions_format,   cel_functions_math,
	cel_functions_lists,    cel_functions_sets,     cel_functions_network,
	cel_functions_encoders, cel_functions_optional, cel_functions_messages,
};

/* Grows an array in the arena by doubling; the old one stays behind. */
static void *grown(struct arena *arena, const void *items, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t more = *room == 0 ? 8 : *room * 2;
	void *copy = arena_array(arena, more, size);

	if (copy == NULL)
		return NULL;
	if (n > 0)
		memcpy(copy, items, n * size);
	*room = more;
	return copy;
}

struct cel_env *cel_env_new(struct arena *arena)
{
	struct cel_env *env;

	assert(arena != NULL);
	env = arena_zero(arena, sizeof(*env));
	if (env == NULL)
		return NULL;
	env->arena = arena;
	for (size_t i = 0; i < sizeof(library) / sizeof(library[0]); i++)
		cel_env_functions(env, library[i]);
	return env;
}

void cel_env_variable(struct cel_env *env, const char *name, enum cel_type type)
{
	assert(env != NULL && name != NULL && name[0] != '\0');
	if (env->variable_count == env->variable_room) {
		void *more = grown(env->arena, env->variables, env->variable_count,
				   &env->variable_room, sizeof(*env->variables));

		if (more == NULL)
			return; /* the arena says so */
		env->variables = more;
	}
	env->variables[env->variable_count++] = (struct cel_variable){ name, type };
	if (strchr(name, '.') != NULL)
		env->dotted = true;
}

/* FNV-1a: names are short. */
static uint32_t head_of(struct text name)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		hash = (hash ^ (unsigned char)name.s[i]) * 16777619u;
	return (hash ^ hash >> 16) % CEL_ENV_HEADS;
}

/* Makes the row known by its name. */
static void add_named(struct cel_env *env, const struct cel_function *function)
{
	uint32_t head = head_of(text_of(function->name)), number;

	if (env->named_count == env->named_room) {
		void *more = grown(env->arena, env->named, env->named_count, &env->named_room,
				   sizeof(*env->named));

		if (more == NULL)
			return; /* the arena says so */
		env->named = more;
	}
	env->named[env->named_count] = (struct cel_named){ .function = function };
	number = ++env->named_count;
	if (env->tails[head] != 0)
		env->named[env->tails[head] - 1].next = number;
	else
		env->heads[head] = number;
	env->tails[head] = number;
}

void cel_env_functions(struct cel_env *env, const struct cel_function *table)
{
	assert(env != NULL && table != NULL);
	if (env->table_count == env->table_room) {
		void *more = grown(env->arena, env->tables, env->table_count, &env->table_room,
				   sizeof(*env->tables));

		if (more == NULL)
			return; /* the arena says so */
		env->tables = more;
	}
	env->tables[env->table_count++] = table;
	for (const struct cel_function *f = table; f->name != NULL; f++)
		add_named(env, f);
}

void cel_env_fields(struct cel_env *env, cel_ask_field ask, void *of)
{
	assert(env != NULL && ask != NULL);
	env->ask_field = ask;
	env->ask_of = of;
}

void cel_env_container(struct cel_env *env, const char *container)
{
	assert(env != NULL && container != NULL);
	env->container = text_of(container);
}

void cel_env_macros(struct cel_env *env, bool on)
{
	assert(env != NULL);
	env->macroless = !on;
}

void cel_env_checks(struct cel_env *env, bool on)
{
	assert(env != NULL);
	env->unchecked = !on;
}

void cel_env_folding(struct cel_env *env, bool on)
{
	assert(env != NULL);
	env->unfolded = !on;
}

uint32_t cel_env_find(const struct cel_env *env, struct text name)
{
	assert(env != NULL);
	for (uint32_t i = 0; i < env->variable_count; i++) {
		if (text_is(name, env->variables[i].name))
			return i;
	}
	return UINT32_MAX;
}

const struct cel_function *cel_env_next(const struct cel_env *env, uint32_t *table, uint32_t *row)
{
	assert(env != NULL && table != NULL && row != NULL);
	while (*table < env->table_count) {
		const struct cel_function *f = &env->tables[*table][*row];

		if (f->name != NULL) {
			++*row;
			return f;
		}
		++*table;
		*row = 0;
	}
	return NULL;
}

const struct cel_function *cel_env_named(const struct cel_env *env, struct text name, uint32_t *at)
{
	uint32_t number;

	assert(env != NULL && at != NULL && *at <= env->named_count);
	number = *at == 0 ? env->heads[head_of(name)] : env->named[*at - 1].next;
	while (number != 0 && !text_is(name, env->named[number - 1].function->name))
		number = env->named[number - 1].next;
	*at = number;
	return number != 0 ? env->named[number - 1].function : NULL;
}

bool cel_env_is_library(const struct cel_function *row)
{
	for (size_t i = 0; i < sizeof(library) / sizeof(library[0]); i++) {
		for (const struct cel_function *f = library[i]; f->name != NULL; f++) {
			if (f == row)
				return true;
		}
	}
	return false;
}

const char *cel_type_name(enum cel_type type)
{
	assert((unsigned)type <= CEL_CIDR);
	if (type == CEL_DYN)
		return "dyn";
	return value_kind_name((enum value_kind)(type - 1));
}

_Static_assert((int)CEL_NULL == (int)VALUE_NULL + 1 && (int)CEL_TEXT == (int)VALUE_TEXT + 1 &&
		   (int)CEL_CIDR == (int)VALUE_CIDR + 1,
	       "static types follow the kinds of values");
