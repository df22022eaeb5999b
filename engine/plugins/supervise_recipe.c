/* SPDX-License-Identifier: Apache-2.0
 *
 * supervise_recipe.c - what is started: a copy of the settings, so that a reload can
 * tell what has changed, and what of it must not be printed. */
#include <assert.h>

#include "engine/base/mem.h"
#include "engine/plugins/supervise_parts.h"

#define MASK_LEAST 4 /* bytes of a line of a longer secret: "}" and "-" are in everything */

void recipe_free(struct recipe *recipe)
{
	if (recipe == NULL)
		return;
	for (size_t i = 0; i < recipe->environment_count; i++)
		secret_free(recipe->environment[i].value);
	arena_free(recipe->arena);
	mem_free(recipe);
}

static void copy_command(struct recipe *r, const struct supervise_setting *from)
{
	r->argv = arena_zero(r->arena, (from->command_count + 1) * sizeof(*r->argv));
	for (size_t i = 0; r->argv != NULL && i < from->command_count; i++) {
		const struct text word = from->command[i];
		char *copy = arena_alloc(r->arena, word.n + 1);

		if (copy == NULL)
			return;
		if (word.n > 0)
			memcpy(copy, word.s, word.n);
		copy[word.n] = '\0';
		r->argv[r->argc++] = copy;
	}
}

static void copy_environment(struct recipe *r, const struct supervise_setting *from)
{
	size_t n = from->environment_count;

	r->environment = arena_array(r->arena, n, sizeof(*r->environment));
	for (size_t i = 0; r->environment != NULL && i < n; i++)
		r->environment[r->environment_count++] =
		    (struct supervise_variable){ text_dup(r->arena, from->environment[i].name),
						 secret_ref(from->environment[i].value),
						 from->environment[i].open };
}

static size_t count_lines(struct text t)
{
	size_t lines = 1;

	for (size_t i = 0; i < t.n; i++)
		lines += t.s[i] == '\n';
	return lines;
}

/* A line of output can hold no more than a line of the secret. */
static void mask_value(struct recipe *r, struct text value)
{
	bool whole = count_lines(value) == 1;

	while (value.n > 0) {
		struct text line, rest = text_split(value, '\n', &line);
		bool more = line.n > LIMIT_PROCESS_SECRET;

		if (line.n > 0 && line.s[line.n - 1] == '\r')
			line.n--;
		if (more)
			line.n = LIMIT_PROCESS_SECRET;
		if (line.n >= (whole ? 1 : MASK_LEAST))
			r->masks[r->mask_count++] = (struct mask){ line, more };
		value = rest;
	}
}

static void find_masks(struct recipe *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->environment_count; i++)
		n += count_lines(secret_reveal(r->environment[i].value));
	r->masks = arena_array(r->arena, n, sizeof(*r->masks));
	for (size_t i = 0; r->masks != NULL && i < r->environment_count; i++)
		if (!r->environment[i].open)
			mask_value(r, secret_reveal(r->environment[i].value));
}

struct recipe *recipe_new(const struct supervise_setting *from)
{
	struct recipe *r = mem_zero(1, sizeof(*r));

	assert(from != NULL && from->command_count > 0);
	assert(from->name.n > 0 && from->name.n <= LIMIT_SESSION_NAME);
	if (r == NULL)
		return NULL;
	r->arena = arena_new("plugin's command", LIMIT_PROCESS_SETTINGS);
	if (r->arena != NULL) {
		r->name = text_dup(r->arena, from->name);
		copy_command(r, from);
		copy_environment(r, from);
		find_masks(r);
	}
	r->memory = from->memory;
	r->files = from->files;
	if (r->arena == NULL || arena_failed(r->arena)) {
		recipe_free(r);
		return NULL;
	}
	return r;
}

bool recipe_same(const struct recipe *a, const struct recipe *b)
{
	assert(a != NULL && b != NULL);
	if (!text_eq(a->name, b->name) || a->argc != b->argc ||
	    a->environment_count != b->environment_count || a->memory != b->memory ||
	    a->files != b->files)
		return false;
	for (size_t i = 0; i < a->argc; i++)
		if (strcmp(a->argv[i], b->argv[i]) != 0)
			return false;
	for (size_t i = 0; i < a->environment_count; i++) {
		const struct supervise_variable *x = &a->environment[i], *y = &b->environment[i];

		if (!text_eq(x->name, y->name) || x->open != y->open ||
		    !secret_equals(x->value, secret_reveal(y->value)))
			return false;
	}
	return true;
}

const struct secret *recipe_variable(const struct recipe *recipe, struct text name)
{
	assert(recipe != NULL);
	for (size_t i = 0; i < recipe->environment_count; i++)
		if (text_eq(recipe->environment[i].name, name))
			return recipe->environment[i].value;
	return NULL;
}
