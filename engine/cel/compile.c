/* SPDX-License-Identifier: Apache-2.0
 *
 * compile - from the checked tree to a program: nodes behind their operands,
 * constants folded, patterns and zones that are constants made ahead.
 *
 * I1  Folding never changes a result: what fails when folded is left to the
 *     evaluation, and only what depends on nothing but constants is tried.
 * I2  All of the work happens in a scratch arena; only the finished program is
 *     copied to the caller's, in exact sizes. */
#include "engine/cel/compile.h"

#include <assert.h>

#include "engine/cel/env.h"
#include "engine/cel/program.h"
#include "engine/cel/trees.h"

#define NOWHERE UINT32_MAX
#define FOLD_STEPS                                                                                 \
	20000 /* steps that folding may take in all: compiling stays below a millisecond */
#define FOLD_SIZE                                                                                  \
	4096 /* a result that takes this much more than what it replaces stays an                  \
		expression: programs stay small */

struct compiler {
	const struct cel_env *env;
	struct arena *scratch, *arena;
	struct cel_issue *issue;
	struct cel_program program; /* its arrays are those below */
	struct cel_node *nodes;
	uint32_t *kids;
	struct value *constants;
	const struct cel_function **candidates;
	uint32_t candidate_room;
	void **prepared;
	uint32_t variables[LIMIT_EXPR_VARIABLES];
	int64_t fold_steps;
};

/* What is known of a node that was emitted. */
struct made {
	uint32_t at;    /* NOWHERE: refused */
	bool pure;      /* depends on constants and locals only */
	uint32_t local; /* the lowest slot it reads, NOWHERE for none */
};

static const struct made refused = { NOWHERE, false, NOWHERE };

static struct made emit(struct compiler *c, const struct cel_ast *ast);

/* ---- Pieces ---- */

static uint32_t add_node(struct compiler *c, const struct cel_ast *ast, struct cel_node node)
{
	node.from = (uint16_t)ast->from;
	node.to = (uint16_t)ast->to;
	c->nodes[c->program.node_count] = node;
	return c->program.node_count++;
}

static uint32_t add_constant(struct compiler *c, struct value v)
{
	c->constants[c->program.constant_count] = v;
	return c->program.constant_count++;
}

static struct made made_leaf(struct compiler *c, const struct cel_ast *ast, enum cel_code code,
			     uint32_t a)
{
	struct cel_node node = { .code = (uint8_t)code, .a = a };

	return (struct made){ add_node(c, ast, node), code != CEL_CODE_VARIABLE,
			      code == CEL_CODE_LOCAL ? a : NOWHERE };
}

/* What holds for a node over both. */
static struct made both(struct made a, struct made b)
{
	return (struct made){ a.at, a.pure && b.pure, a.local < b.local ? a.local : b.local };
}

/* The program's number for a variable of the environment, or NOWHERE. */
static uint32_t variable_slot(struct compiler *c, const struct cel_ast *ast)
{
	struct cel_program *p = &c->program;

	for (uint32_t i = 0; i < p->variable_count; i++) {
		if (c->variables[i] == ast->index)
			return i;
	}
	if (p->variable_count == LIMIT_EXPR_VARIABLES) {
		cel_refuse(c->issue, ast->from, "", "the expression reads more than %d variables",
			   LIMIT_EXPR_VARIABLES);
		return NOWHERE;
	}
	c->variables[p->variable_count] = ast->index;
	return p->variable_count++;
}

/* ---- Folding ---- */

struct mark {
	uint32_t nodes, kids, constants, candidates;
};

static struct mark mark_of(const struct compiler *c)
{
	return (struct mark){ c->program.node_count, c->program.kid_count,
			      c->program.constant_count, c->program.candidate_count };
}

/* Takes the bytes of a copy of v from *room. A small value may still hold one part
 * in many places, so all of them are counted, until the room is gone. */
static bool is_small(struct value v, uint32_t *room)
{
	bool text = v.kind == VALUE_TEXT || v.kind == VALUE_BYTES;
	uint32_t each = v.kind == VALUE_MAP ? sizeof(struct value_pair) : sizeof(struct value);
	bool small = true;

	if (text || v.kind == VALUE_LIST || v.kind == VALUE_MAP) {
		if (v.n > *room / (text ? 1 : each))
			return false;
		*room -= text ? v.n : v.n * each;
	}
	for (uint32_t i = 0; v.kind == VALUE_LIST && i < v.n && small; i++)
		small = is_small(v.items[i], room);
	for (uint32_t i = 0; v.kind == VALUE_MAP && i < v.n && small; i++)
		small = is_small(v.pairs[i].key, room) && is_small(v.pairs[i].val, room);
	return small && v.kind != VALUE_ERROR && v.kind != VALUE_OPTIONAL;
}

/* Replaces all that was emitted since `since` by its value when that is a small
 * constant. A part that doesn't fold makes everything above it unfoldable. */
static struct made fold(struct compiler *c, const struct cel_ast *ast, struct made m,
			const struct mark *since)
{
	uint32_t room = FOLD_SIZE + (c->program.node_count - since->nodes) *
					(uint32_t)(sizeof(struct cel_node) + sizeof(struct value));
	struct cel_run run;
	struct value v;

	if (m.at == NOWHERE || !m.pure || m.local != NOWHERE)
		return m;
	m.pure = false;
	if (c->fold_steps <= 0)
		return m;
	cel_run_begin(&run, &c->program, c->scratch, NULL);
	run.steps = c->fold_steps;
	v = cel_run_end(&run, cel_eval_node(&run, m.at));
	c->fold_steps = run.steps;
	if (!is_small(v, &room))
		return m;
	c->program.node_count = since->nodes;
	c->program.kid_count = since->kids;
	c->program.constant_count = since->constants;
	c->program.candidate_count = since->candidates;
	return made_leaf(c, ast, CEL_CODE_CONSTANT, add_constant(c, v));
}

/* ---- Kinds of nodes ---- */

static struct made emit_select(struct compiler *c, const struct cel_ast *ast)
{
	struct made m = emit(c, ast->kids[0]);
	struct cel_node node = { .code = ast->kind == CEL_AST_HAS ? CEL_CODE_HAS : CEL_CODE_SELECT,
				 .a = m.at };

	if (m.at == NOWHERE)
		return m;
	node.b = add_constant(c, value_text(ast->name));
	m.at = add_node(c, ast, node);
	return m;
}

/* a[b] with a constant text is a selection. */
static struct made emit_index(struct compiler *c, const struct cel_ast *ast)
{
	struct made a = emit(c, ast->kids[0]), b, m;
	struct cel_node node = { .code = CEL_CODE_INDEX, .a = a.at };

	if (a.at == NOWHERE)
		return a;
	b = emit(c, ast->kids[1]);
	if (b.at == NOWHERE)
		return b;
	node.b = b.at;
	if (c->nodes[b.at].code == CEL_CODE_CONSTANT &&
	    c->constants[c->nodes[b.at].a].kind == VALUE_TEXT) {
		node.code = CEL_CODE_SELECT;
		node.b = c->nodes[b.at].a;
		c->program.node_count--;
	}
	m = both(a, b);
	m.at = add_node(c, ast, node);
	return m;
}

/* One to three operands in a, b, c. */
static struct made emit_fixed(struct compiler *c, const struct cel_ast *ast, enum cel_code code,
			      uint8_t extra)
{
	struct cel_node node = { .code = (uint8_t)code, .extra = extra };
	uint32_t at[3] = { 0 };
	struct made m = { 0, true, NOWHERE };

	assert(ast->count >= 1 && ast->count <= 3);
	for (uint32_t i = 0; i < ast->count; i++) {
		struct made kid = emit(c, ast->kids[i]);

		if (kid.at == NOWHERE)
			return kid;
		at[i] = kid.at;
		m = both(m, kid);
	}
	node.a = at[0];
	node.b = at[1];
	node.c = at[2];
	m.at = add_node(c, ast, node);
	return m;
}

/* Emits the kids and lists them one behind the other; m.at is where in kids. */
static struct made emit_kids(struct compiler *c, const struct cel_ast *ast)
{
	struct made m = { 0, true, NOWHERE };
	uint32_t *at = arena_array(c->scratch, ast->count, sizeof(*at));

	if (at == NULL) {
		cel_refuse_size(c->issue, ast->from);
		return refused;
	}
	for (uint32_t i = 0; i < ast->count; i++) {
		struct made kid = emit(c, ast->kids[i]);

		if (kid.at == NOWHERE)
			return kid;
		at[i] = kid.at;
		m = both(m, kid);
	}
	m.at = c->program.kid_count;
	for (uint32_t i = 0; i < ast->count; i++)
		c->kids[c->program.kid_count++] = at[i];
	return m;
}

static struct made emit_many(struct compiler *c, const struct cel_ast *ast, struct cel_node node)
{
	struct made m = emit_kids(c, ast);

	if (m.at == NOWHERE)
		return m;
	node.a = m.at;
	node.count = (uint16_t)ast->count;
	m.at = add_node(c, ast, node);
	return m;
}

/* A list or a map; extra says that some of it may be none. */
static struct made emit_literal(struct compiler *c, const struct cel_ast *ast, enum cel_code code)
{
	struct cel_node node = { .code = (uint8_t)code };

	for (uint32_t i = 0; i < ast->count; i++) {
		if (ast->kids[i]->kind == CEL_AST_MAYBE)
			node.extra = 1;
	}
	return emit_many(c, ast, node);
}

static struct made emit_loop(struct compiler *c, const struct cel_ast *ast)
{
	struct cel_node node = {
		.code = CEL_CODE_LOOP, .extra = ast->loop, .b = ast->index, .c = ast->slots
	};
	struct made m = emit_many(c, ast, node);

	/* Slots from its own on were the loop's business. */
	if (m.local != NOWHERE && m.local >= ast->index)
		m.local = NOWHERE;
	return m;
}

/* ---- Calls ---- */

static const struct cel_preparation *preparation_of(cel_call call)
{
	const struct cel_preparation *const tables[] = { cel_preparations_text,
							 cel_preparations_time,
							 cel_preparations_messages };

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct cel_preparation *p = tables[t]; p->call != NULL; p++) {
			if (p->call == call)
				return p;
		}
	}
	return NULL;
}

/* Makes the thing that a constant argument names; *out is its number + 1, 0 for
 * none. */
static bool prepare(struct compiler *c, const struct cel_ast *ast, uint32_t kids, uint32_t *out)
{
	const struct cel_preparation *p = preparation_of(ast->candidates[0]->call);
	const struct cel_node *kid;
	char why[100] = "";
	void *thing;

	*out = 0;
	if (p == NULL || p->argument >= ast->count)
		return true;
	kid = &c->nodes[c->kids[kids + p->argument]];
	if (kid->code != CEL_CODE_CONSTANT || c->constants[kid->a].kind != VALUE_TEXT)
		return true;
	thing = p->kind->make(value_as_text(c->constants[kid->a]), why, sizeof(why));
	/* What was computed fails when it is evaluated, folded or not. */
	if (thing == NULL && (c->env->unchecked || ast->kids[p->argument]->kind != CEL_AST_LITERAL))
		return true;
	if (thing == NULL)
		return cel_refuse(c->issue, ast->kids[p->argument]->from, "",
				  "the argument of %s is malformed: %s", ast->candidates[0]->name,
				  why);
	if (!arena_on_free(c->arena, p->kind->drop, thing)) {
		p->kind->drop(thing);
		return cel_refuse_size(c->issue, ast->from);
	}
	c->prepared[c->program.prepared_count++] = thing;
	*out = c->program.prepared_count;
	return true;
}

static bool add_candidates(struct compiler *c, const struct cel_ast *ast)
{
	uint32_t need = c->program.candidate_count + ast->candidate_count;
	const struct cel_function **more;

	if (need > c->candidate_room) {
		more = arena_array(c->scratch, (size_t)need * 2, sizeof(*more));
		if (more == NULL)
			return cel_refuse_size(c->issue, ast->from);
		if (c->program.candidate_count > 0)
			memcpy(more, c->candidates, c->program.candidate_count * sizeof(*more));
		c->candidates = more;
		c->candidate_room = need * 2;
		c->program.candidates = more;
	}
	for (uint32_t i = 0; i < ast->candidate_count; i++)
		c->candidates[c->program.candidate_count++] = ast->candidates[i];
	return true;
}

static bool all_library(const struct cel_ast *ast)
{
	for (uint32_t i = 0; i < ast->candidate_count; i++) {
		if (!cel_env_is_library(ast->candidates[i]))
			return false;
	}
	return true;
}

static struct made emit_call(struct compiler *c, const struct cel_ast *ast)
{
	struct made m = emit_kids(c, ast);
	struct cel_node node = { .code = CEL_CODE_CALL,
				 .extra = (uint8_t)ast->candidate_count,
				 .count = (uint16_t)ast->count,
				 .a = m.at };

	if (m.at == NOWHERE)
		return m;
	if (ast->candidate_count > UINT8_MAX) {
		cel_refuse(c->issue, ast->from, "", "the function has too many overloads");
		return refused;
	}
	node.b = c->program.candidate_count;
	if (!add_candidates(c, ast) || !prepare(c, ast, m.at, &node.c))
		return refused;
	m.pure = m.pure && all_library(ast);
	m.at = add_node(c, ast, node);
	return m;
}

/* Never folded: what isn't pure isn't tried. */
static struct made emit_fail(struct compiler *c, const struct cel_ast *ast)
{
	struct cel_node node = { .code = CEL_CODE_FAIL, .a = add_constant(c, ast->value) };

	return (struct made){ add_node(c, ast, node), false, NOWHERE };
}

/* ---- The tree ---- */

static struct made emit_kind(struct compiler *c, const struct cel_ast *ast)
{
	uint32_t slot;

	switch ((enum cel_ast_kind)ast->kind) {
	case CEL_AST_VARIABLE:
		slot = variable_slot(c, ast);
		return slot != NOWHERE ? made_leaf(c, ast, CEL_CODE_VARIABLE, slot) : refused;
	case CEL_AST_LOCAL:
		return made_leaf(c, ast, CEL_CODE_LOCAL, ast->index);
	case CEL_AST_SELECT:
	case CEL_AST_HAS:
		return emit_select(c, ast);
	case CEL_AST_INDEX:
		return emit_index(c, ast);
	case CEL_AST_OPTIONAL_INDEX:
		return emit_fixed(c, ast, CEL_CODE_OPTIONAL_INDEX, 0);
	case CEL_AST_MAYBE:
		return emit_fixed(c, ast, CEL_CODE_MAYBE, 0);
	case CEL_AST_CALL:
		if (ast->candidates[0]->call == NULL)
			return emit_fixed(c, ast, CEL_CODE_EITHER,
					  ast->candidates[0]->type != CEL_OPTIONAL);
		return emit_call(c, ast);
	case CEL_AST_LIST:
		return emit_literal(c, ast, CEL_CODE_LIST);
	case CEL_AST_MAP:
		return emit_literal(c, ast, CEL_CODE_MAP);
	case CEL_AST_AND:
		return emit_many(c, ast, (struct cel_node){ .code = CEL_CODE_AND });
	case CEL_AST_OR:
		return emit_many(c, ast, (struct cel_node){ .code = CEL_CODE_OR });
	case CEL_AST_NOT:
		return emit_fixed(c, ast, CEL_CODE_NOT, 0);
	case CEL_AST_NEGATE:
		return emit_fixed(c, ast, CEL_CODE_NEGATE, 0);
	case CEL_AST_BINARY:
		return emit_fixed(c, ast, CEL_CODE_BINARY, ast->op);
	case CEL_AST_CHOOSE:
		return emit_fixed(c, ast, CEL_CODE_CHOOSE, 0);
	case CEL_AST_DEFAULT:
		return emit_fixed(c, ast, CEL_CODE_DEFAULT, 0);
	case CEL_AST_LOOP:
		return emit_loop(c, ast);
	case CEL_AST_FAIL:
		return emit_fail(c, ast);
	case CEL_AST_LITERAL:
	case CEL_AST_NAME:
		break;
	}
	assert(ast->kind == CEL_AST_LITERAL);
	return made_leaf(c, ast, CEL_CODE_CONSTANT, add_constant(c, ast->value));
}

static struct made emit(struct compiler *c, const struct cel_ast *ast)
{
	struct mark since = mark_of(c);
	struct made m = emit_kind(c, ast);

	if (ast->kind == CEL_AST_LITERAL)
		return m;
	return fold(c, ast, m, &since);
}

/* ---- Finishing ---- */

static void *copied(struct compiler *c, const void *items, uint32_t count, size_t size)
{
	void *copy = arena_array(c->arena, count, size);

	if (copy != NULL && count > 0)
		memcpy(copy, items, count * size);
	return copy;
}

static bool copy_constants(struct compiler *c)
{
	struct value *copy = arena_array(c->arena, c->program.constant_count, sizeof(struct value));

	if (copy == NULL)
		return false;
	for (uint32_t i = 0; i < c->program.constant_count; i++)
		copy[i] = value_copy(c->arena, c->constants[i]);
	c->program.constants = copy;
	return !arena_failed(c->arena);
}

static bool copy_names(struct compiler *c)
{
	struct cel_program *p = &c->program;
	struct text *names = arena_array(c->arena, p->variable_count, sizeof(*names));

	if (names == NULL)
		return false;
	for (uint32_t i = 0; i < p->variable_count; i++)
		names[i] = text_dup(c->arena, text_of(c->env->variables[c->variables[i]].name));
	p->variable_names = names;
	p->variables = copied(c, c->variables, p->variable_count, sizeof(uint32_t));
	return !arena_failed(c->arena);
}

static const struct cel_program *finish(struct compiler *c)
{
	struct cel_program *p = &c->program;

	p->nodes = copied(c, c->nodes, p->node_count, sizeof(*c->nodes));
	p->kids = copied(c, c->kids, p->kid_count, sizeof(*c->kids));
	p->candidates = copied(c, c->candidates, p->candidate_count, sizeof(*c->candidates));
	p->prepared = copied(c, c->prepared, p->prepared_count, sizeof(*c->prepared));
	p->text = text_dup(c->arena, p->text);
	if (p->type_text.s != NULL)
		p->type_text = text_dup(c->arena, p->type_text);
	if (p->called != NULL)
		p->called = text_dup(c->arena, text_of(p->called)).s;
	if (!copy_constants(c) || !copy_names(c))
		return NULL;
	return copied(c, p, 1, sizeof(*p));
}

/* Room for what `nodes` tree nodes can become. */
static bool begin(struct compiler *c, uint32_t nodes)
{
	c->nodes = arena_array(c->scratch, nodes, sizeof(*c->nodes));
	c->kids = arena_array(c->scratch, nodes, sizeof(*c->kids));
	c->constants = arena_array(c->scratch, nodes, sizeof(*c->constants));
	c->prepared = arena_array(c->scratch, nodes, sizeof(*c->prepared));
	c->program.nodes = c->nodes;
	c->program.kids = c->kids;
	c->program.constants = c->constants;
	c->program.prepared = c->prepared;
	return !arena_failed(c->scratch);
}

const struct cel_program *cel_emit(const struct cel_env *env, struct arena *scratch,
				   struct arena *arena, struct text text,
				   const struct cel_ast *root, uint32_t nodes,
				   struct cel_issue *issue)
{
	struct compiler c = { .env = env,
			      .scratch = scratch,
			      .arena = arena,
			      .issue = issue,
			      .fold_steps = env->unfolded ? 0 : FOLD_STEPS };
	const struct cel_program *program = NULL;
	const struct cel_tree *tree;

	assert(env != NULL && scratch != NULL && arena != NULL && root != NULL);
	c.program.text = text;
	c.program.type = (enum cel_type)root->type;
	tree = root->tree != NULL ? root->tree : cel_tree_plain(c.program.type);
	if (tree->depth > 0)
		c.program.type_text = cel_tree_text(scratch, tree);
	if (root->kind == CEL_AST_CALL && root->count == 1 && !root->member)
		c.program.called = root->candidates[0]->name;
	if (begin(&c, nodes) && cel_paths_collect(scratch, arena, root, &c.program) &&
	    emit(&c, root).at != NOWHERE)
		program = finish(&c);
	if (program == NULL)
		cel_refuse_size(issue, 0);
	return program;
}
