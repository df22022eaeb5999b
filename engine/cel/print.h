/* SPDX-License-Identifier: Apache-2.0
 *
 * print - a syntax tree back as text.
 *
 * I1  Parsing the text gives an equal tree (parse(print(tree)) == tree), for every
 *     tree that cel_parse made, with macros as they were then. Parentheses stand
 *     only where the tree needs them, so the text nests no deeper than the one
 *     the tree was parsed from.
 * Never: keeps comments, blanks or the spelling of a literal. */
#ifndef TAPPET_CEL_PRINT_H
#define TAPPET_CEL_PRINT_H

#include "engine/base/buf.h"
#include "engine/cel/ast.h"

/* Appends the text of a tree that the checker has not seen. */
void cel_print(struct buf *out, const struct cel_ast *root);

#endif
