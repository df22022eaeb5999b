/* SPDX-License-Identifier: Apache-2.0
 *
 * cel - compiling an expression, stage by stage, and asking a program about
 * itself; see cel.h. */
#include "engine/cel/cel.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/cel/ast.h"
#include "engine/cel/compile.h"
#include "engine/cel/env.h"
#include "engine/cel/program.h"

static bool check_text(struct text text, struct cel_issue *issue)
{
	if (text.n > LIMIT_EXPR)
		return cel_refuse(issue, LIMIT_EXPR, "split it with define",
				  "the expression is longer than %u bytes", LIMIT_EXPR);
	if (!text_is_utf8(text))
		return cel_refuse(issue, 0, "", "the expression is no valid UTF-8");
	return true;
}

static const struct cel_program *compile(const struct cel_env *env, struct arena *scratch,
					 struct arena *arena, struct text text,
					 struct cel_issue *issue)
{
	uint32_t nodes;
	struct cel_ast *root = cel_parse(scratch, text, !env->macroless, &nodes, issue);

	issue->parsed = root != NULL;
	if (root == NULL || !cel_check(env, scratch, root, issue))
		return NULL;
	return cel_emit(env, scratch, arena, text, root, nodes, issue);
}

enum fate cel_compile(const struct cel_env *env, struct arena *arena, struct text text,
		      const struct cel_program **out, struct cel_issue *issue)
{
	struct arena *scratch;

	assert(env != NULL && arena != NULL && out != NULL && issue != NULL);
	memset(issue, 0, sizeof(*issue));
	*out = NULL;
	if (!check_text(text, issue))
		return FATE_REJECT;
	scratch = arena_new("expression", LIMIT_EXPR_SCRATCH);
	if (scratch == NULL) {
		cel_refuse_size(issue, 0);
		return FATE_RETRY;
	}
	*out = compile(env, scratch, arena, text, issue);
	arena_free(scratch);
	return *out != NULL ? FATE_OK : FATE_REJECT;
}

enum cel_type cel_program_type(const struct cel_program *program)
{
	assert(program != NULL);
	return program->type;
}

struct text cel_program_type_text(const struct cel_program *program)
{
	assert(program != NULL);
	if (program->type_text.s != NULL)
		return program->type_text;
	return text_of(cel_type_name(program->type));
}

struct text cel_program_text(const struct cel_program *program)
{
	assert(program != NULL);
	return program->text;
}

bool cel_program_is_call(const struct cel_program *program, const char *name)
{
	assert(program != NULL && name != NULL);
	return program->called != NULL && strcmp(program->called, name) == 0;
}
