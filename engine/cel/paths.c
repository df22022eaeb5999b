/* SPDX-License-Identifier: Apache-2.0
 *
 * paths - which fields an expression reads, so that a poll can ask for them and
 * an index can find the rules that a change concerns.
 *
 * A path ends before the first key that is computed, is no text, is empty or
 * holds a dot: what lies beneath is read as a whole then.
 * I1  Taken from the tree before folding, so nothing that is written is missed. */
#include "engine/cel/compile.h"

#include <assert.h>

#define PATH_KEYS 64 /* a longer path is cut: it reads its beginning as a whole */
#define RECENT    32 /* a path is not noted again when it is among the last so many */

struct noted {
	const char *variable; /* NULL: beneath data, through a path function */
	struct text path;
	struct noted *before;
};

struct collector {
	struct arena *scratch;
	struct noted *last;
	uint32_t count;
	bool failed;
};

static bool is_noted(const struct collector *c, const char *variable, struct text path)
{
	const struct noted *n = c->last;

	for (int i = 0; n != NULL && i < RECENT; i++, n = n->before) {
		bool same = n->variable == variable || (n->variable != NULL && variable != NULL &&
							strcmp(n->variable, variable) == 0);

		if (same && text_eq(n->path, path))
			return true;
	}
	return false;
}

static void note(struct collector *c, const char *variable, struct text path)
{
	struct noted *n;

	if (is_noted(c, variable, path))
		return;
	n = arena_alloc(c->scratch, sizeof(*n));
	if (n == NULL) {
		c->failed = true;
		return;
	}
	*n = (struct noted){ variable, path, c->last };
	c->last = n;
	c->count++;
}

/* The key that a link of a chain selects by; false when it ends the path. */
static bool link_key(const struct cel_ast *link, struct text *key)
{
	if (link->kind != CEL_AST_SELECT && link->kind != CEL_AST_HAS) {
		if (link->kids[1]->kind != CEL_AST_LITERAL ||
		    link->kids[1]->value.kind != VALUE_TEXT)
			return false;
		*key = value_as_text(link->kids[1]->value);
	} else {
		*key = link->name;
	}
	return key->n > 0 && memchr(key->s, '.', key->n) == NULL;
}

/* Joins the keys of the links, the outermost first in `links`. */
static struct text join(struct collector *c, const struct cel_ast *const *links, uint32_t n)
{
	struct text keys[PATH_KEYS];
	size_t bytes = 0, used = 0;
	uint32_t count = 0;
	char *s;

	while (n > 0 && count < PATH_KEYS && link_key(links[n - 1], &keys[count])) {
		bytes += keys[count++].n + 1;
		n--;
	}
	s = arena_alloc(c->scratch, bytes);
	if (s == NULL) {
		c->failed = true;
		return TEXT("");
	}
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			s[used++] = '.';
		memcpy(s + used, keys[i].s, keys[i].n);
		used += keys[i].n;
	}
	return (struct text){ s, used };
}

static bool is_link(const struct cel_ast *ast)
{
	return ast->kind == CEL_AST_SELECT || ast->kind == CEL_AST_HAS ||
	       ast->kind == CEL_AST_INDEX || ast->kind == CEL_AST_OPTIONAL_INDEX;
}

static void walk(struct collector *c, const struct cel_ast *ast);

/* A chain of selections; `ast` is its outermost link, or a variable alone. */
static void walk_chain(struct collector *c, const struct cel_ast *ast)
{
	const struct cel_ast **links, *root = ast;
	uint32_t n = 0;

	for (; is_link(root); root = root->kids[0])
		n++;
	links = arena_array(c->scratch, n, sizeof(*links));
	if (links == NULL) {
		c->failed = true;
		return;
	}
	n = 0;
	for (; is_link(ast); ast = ast->kids[0]) {
		links[n++] = ast;
		if (ast->count > 1)
			walk(c, ast->kids[1]);
	}
	if (root->kind == CEL_AST_VARIABLE)
		note(c, root->name.s, join(c, links, n));
	else
		walk(c, root);
}

/* changed("a.b") and the like read beneath data. */
static void note_argument(struct collector *c, const struct cel_ast *call)
{
	const struct cel_ast *path = call->kids[0];
	bool literal = path->kind == CEL_AST_LITERAL && path->value.kind == VALUE_TEXT;

	note(c, NULL, literal ? value_as_text(path->value) : TEXT(""));
}

static void walk(struct collector *c, const struct cel_ast *ast)
{
	if (is_link(ast) || ast->kind == CEL_AST_VARIABLE) {
		walk_chain(c, ast);
		return;
	}
	if (ast->kind == CEL_AST_CALL && ast->count > 0 && ast->candidates[0]->path_args)
		note_argument(c, ast);
	for (uint32_t i = 0; i < ast->count; i++)
		walk(c, ast->kids[i]);
}

bool cel_paths_collect(struct arena *scratch, struct arena *arena, const struct cel_ast *root,
		       struct cel_program *program)
{
	struct collector c = { .scratch = scratch };
	struct cel_path *paths;
	uint32_t at;

	assert(scratch != NULL && arena != NULL && root != NULL && program != NULL);
	walk(&c, root);
	paths = arena_array(arena, c.count, sizeof(*paths));
	if (c.failed || paths == NULL)
		return false;
	at = c.count;
	for (const struct noted *n = c.last; n != NULL; n = n->before) {
		paths[--at].path = text_dup(arena, n->path);
		paths[at].variable =
		    text_dup(arena, text_of(n->variable != NULL ? n->variable : "data"));
		paths[at].read = n->variable != NULL;
	}
	program->paths = paths;
	program->path_count = c.count;
	return !arena_failed(arena);
}

static bool is_named_before(const struct cel_program *program, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++) {
		if (program->paths[k].read &&
		    text_eq(program->paths[k].variable, program->paths[i].variable))
			return true;
	}
	return false;
}

void cel_program_paths(const struct cel_program *program, const char *name,
		       void (*visit)(void *of, struct text path), void *of)
{
	assert(program != NULL && visit != NULL);
	for (uint32_t i = 0; i < program->path_count; i++) {
		const struct cel_path *p = &program->paths[i];

		if (name == NULL) {
			if (p->read && !is_named_before(program, i))
				visit(of, p->variable);
		} else if (text_is(p->variable, name)) {
			visit(of, p->path);
		}
	}
}
