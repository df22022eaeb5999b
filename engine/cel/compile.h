/* SPDX-License-Identifier: Apache-2.0
 *
 * compile - from the checked tree to a program; see compile.c. */
#ifndef TAPPET_CEL_COMPILE_H
#define TAPPET_CEL_COMPILE_H

#include "engine/cel/ast.h"
#include "engine/cel/program.h"

/* A program in `arena`, or NULL with the issue filled. `nodes` is how many the
 * tree has. */
const struct cel_program *cel_emit(const struct cel_env *env, struct arena *scratch,
				   struct arena *arena, struct text text,
				   const struct cel_ast *root, uint32_t nodes,
				   struct cel_issue *issue);

/* ---- paths.c ---- */

/* Notes every constant path the tree reads. False when an arena is spent. */
bool cel_paths_collect(struct arena *scratch, struct arena *arena, const struct cel_ast *root,
		       struct cel_program *program);

#endif
