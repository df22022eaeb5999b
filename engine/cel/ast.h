/* SPDX-License-Identifier: Apache-2.0
 *
 * ast - the syntax tree: what the parser makes, the checker annotates and the
 * compiler flattens.
 *
 * I1  Every node knows the bytes of the expression it was made from.
 * I2  Chains of && and of || are one node with many kids, so a long condition is
 *     not a deep one.
 * Ownership: all nodes live in the compilation's scratch arena and borrow the
 * expression's text; none outlives cel_compile. */
#ifndef TAPPET_CEL_AST_H
#define TAPPET_CEL_AST_H

#include "engine/cel/issue.h"

struct cel_tree;

enum cel_ast_kind {
	CEL_AST_LITERAL,        /* value */
	CEL_AST_NAME,           /* name */
	CEL_AST_SELECT,         /* kids[0].name */
	CEL_AST_HAS,            /* has(kids[0].name) */
	CEL_AST_INDEX,          /* kids[0][kids[1]] */
	CEL_AST_OPTIONAL_INDEX, /* kids[0][?kids[1]]; kids[0].?name likewise, with a literal */
	CEL_AST_MAYBE,          /* ?kids[0], an item of a list or a value of a map */
	CEL_AST_CALL,           /* name(kids...); member: kids[0] is the receiver */
	CEL_AST_LIST,
	CEL_AST_MAP, /* key, value, key, value, ... */
	CEL_AST_NOT,
	CEL_AST_NEGATE,
	CEL_AST_BINARY, /* op */
	CEL_AST_AND,
	CEL_AST_OR,
	CEL_AST_CHOOSE,  /* kids[0] ? kids[1] : kids[2] */
	CEL_AST_LOOP,    /* a comprehension: kids[0] is the range, loop says which */
	CEL_AST_DEFAULT, /* default(kids[0], kids[1]) */
	/* Made by the checker out of names: */
	CEL_AST_VARIABLE, /* index in the environment */
	CEL_AST_LOCAL,    /* index = slot */
	CEL_AST_FAIL,     /* value: what is wrong; without checks only */
};

enum cel_op {
	CEL_OP_ADD,
	CEL_OP_SUB,
	CEL_OP_MUL,
	CEL_OP_DIV,
	CEL_OP_MOD,
	CEL_OP_EQ,
	CEL_OP_NE,
	CEL_OP_LT,
	CEL_OP_LE,
	CEL_OP_GT,
	CEL_OP_GE,
	CEL_OP_IN,
};

enum cel_loop {
	CEL_LOOP_ALL,
	CEL_LOOP_EXISTS,
	CEL_LOOP_EXISTS_ONE,
	CEL_LOOP_MAP, /* behind the range: transform, or filter and transform */
	CEL_LOOP_FILTER,
	CEL_LOOP_SORT_BY,     /* of a list; the second kid is the key */
	CEL_LOOP_MAP_VALUES,  /* transformMap: as MAP, the keys stay */
	CEL_LOOP_MAP_ENTRIES, /* transformMapEntry: as MAP, of maps that are joined */
	/* These go over no range: */
	CEL_LOOP_OPTIONAL_MAP,      /* an optional, what to make of its value */
	CEL_LOOP_OPTIONAL_FLAT_MAP, /* likewise, giving an optional */
	CEL_LOOP_BIND,              /* one value for each slot, then the expression */
};

struct cel_ast {
	uint8_t kind; /* enum cel_ast_kind */
	uint8_t type; /* enum cel_type; set by the checker */
	union {
		uint8_t op;   /* enum cel_op */
		uint8_t loop; /* enum cel_loop */
		bool member;  /* CEL_AST_CALL */
	};
	bool root; /* CEL_AST_NAME, CEL_AST_CALL: written with a leading dot */
	uint32_t from, to;
	uint32_t at; /* CEL_AST_CALL, CEL_AST_SELECT: where its name stands */
	uint32_t count;
	struct cel_ast **kids;
	struct text name;   /* identifier, field, function, or a loop's variable */
	struct text second; /* a loop's other variable, or TEXT_NONE */
	struct value value;
	uint32_t index;                         /* variable, or first slot */
	uint32_t slots;                         /* CEL_AST_LOOP: how many names it binds */
	const struct cel_tree *tree;            /* the type with its parts, or NULL; likewise */
	const struct cel_function **candidates; /* CEL_AST_CALL: rows that may fit */
	uint32_t candidate_count;
};

const char *cel_op_text(enum cel_op op); /* "+", "==", "in" */

/* Parses into nodes of `scratch`, with `macros` expanded or left as calls; NULL
 * when refused (the issue is filled). *nodes is how many were made. */
struct cel_ast *cel_parse(struct arena *scratch, struct text text, bool macros, uint32_t *nodes,
			  struct cel_issue *issue);

/* ---- macros.c ---- */

/* Rewrites a call that is a macro's (has, all, map, cel.bind, ...) in place. False
 * when it is malformed (the issue is filled); calls of other names stay as they
 * are. */
bool cel_macro_expand(struct cel_ast *call, struct arena *scratch, struct cel_issue *issue);

/* How the macro with this name is written, or NULL: for hints. `space` is the name
 * before the dot ("cel" of cel.bind), or TEXT_NONE. */
const char *cel_macro_usage(struct text space, struct text name);

/* The name that a slot of cel.block has; no expression can spell it. */
struct text cel_macro_index(struct arena *scratch, uint32_t i);

/* ---- checker.c ---- */

/* Resolves names and functions and sets the types. False when refused. */
bool cel_check(const struct cel_env *env, struct arena *scratch, struct cel_ast *root,
	       struct cel_issue *issue);

#endif
