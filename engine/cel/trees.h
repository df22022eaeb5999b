/* SPDX-License-Identifier: Apache-2.0
 *
 * trees - static types with their parts: list(int), map(string, dyn). Values know
 * only the coarse type (enum cel_type); the parts live in the checker.
 *
 * Source: langdef.md, "Gradual Type Checking"; joining follows cel-go's checker
 * as far as types without messages go.
 * I1  No tree is deeper than CEL_TREE_DEPTH: what lies beneath is dyn.
 * Ownership: trees are immutable and live in the scratch arena of a compilation,
 * or are static. */
#ifndef TAPPET_CEL_TREES_H
#define TAPPET_CEL_TREES_H

#include "engine/cel/cel.h"

#define CEL_TREE_DEPTH 32 /* more than anybody reads; bounds every walk */

struct cel_tree {
	uint8_t type;  /* enum cel_type */
	uint8_t depth; /* 0: no parts */
	bool open;     /* nothing is known yet and anything may come: the items of [] */
	const struct cel_tree *a, *b; /* of a list or optional the item; of a map key and value */
};

/* A type of whose parts nothing is known. */
const struct cel_tree *cel_tree_plain(enum cel_type type);
const struct cel_tree *cel_tree_open(void);

/* A list, map or optional; b only of a map. Plain when the arena is spent. */
const struct cel_tree *cel_tree_of(struct arena *arena, enum cel_type type,
				   const struct cel_tree *a, const struct cel_tree *b);

/* The type of a value that is one or the other: dyn when they don't agree, in
 * parts or as a whole. */
const struct cel_tree *cel_tree_join(struct arena *arena, const struct cel_tree *x,
				     const struct cel_tree *y);

/* The coarse type. */
enum cel_type cel_tree_type(const struct cel_tree *tree);

/* What a list, optional or the values of a map hold; of anything else dyn. */
const struct cel_tree *cel_tree_item(const struct cel_tree *tree);
const struct cel_tree *cel_tree_key(const struct cel_tree *tree);

/* "map(string, list(int))"; TEXT_NONE when the arena is spent. */
struct text cel_tree_text(struct arena *arena, const struct cel_tree *tree);

#endif
