/* SPDX-License-Identifier: Apache-2.0
 *
 * program - the compiled form, and the state of one evaluation.
 *
 * A program is an array of 24-byte nodes in which every node stands behind its
 * operands; the last one is the root. Strings, lists and other operands live in
 * side arrays and are named by index.
 *
 * I1  A program is immutable; an evaluation keeps everything it changes in its
 *     struct cel_run, on the stack of cel_eval.
 * Ownership: a program and all it points to live in the arena it was compiled
 * into; patterns and zones are let go by that arena. */
#ifndef TAPPET_CEL_PROGRAM_H
#define TAPPET_CEL_PROGRAM_H

#include "engine/base/limits.h"
#include "engine/cel/ast.h"
#include "engine/cel/cel.h"

enum cel_code {
	CEL_CODE_CONSTANT, /* a: constant */
	CEL_CODE_VARIABLE, /* a: the program's variable */
	CEL_CODE_LOCAL,    /* a: slot */
	CEL_CODE_SELECT,   /* a: operand, b: constant (text) */
	CEL_CODE_HAS,      /* likewise */
	CEL_CODE_INDEX,    /* a: operand, b: key */
	CEL_CODE_BINARY,   /* a, b: operands, extra: enum cel_op */
	CEL_CODE_NOT,
	CEL_CODE_NEGATE,
	CEL_CODE_AND,     /* kids a..a+count-1 */
	CEL_CODE_OR,      /* likewise */
	CEL_CODE_CHOOSE,  /* a ? b : c */
	CEL_CODE_LIST,    /* kids; extra 1: some are MAYBE */
	CEL_CODE_MAP,     /* kids: key, value, ...; likewise for values */
	CEL_CODE_CALL,    /* kids; b: first candidate, extra: how many, c: prepared + 1 */
	CEL_CODE_LOOP,    /* kids: range, ...; b: first slot, c: slots, extra: enum cel_loop */
	CEL_CODE_DEFAULT, /* a, else b */
	CEL_CODE_FAIL,    /* always an error; a: constant (text) */
	CEL_CODE_OPTIONAL_INDEX, /* a[?b] */
	CEL_CODE_MAYBE,          /* ?a, a kid of LIST or MAP: an optional, or an error */
	CEL_CODE_EITHER,         /* a.or(b); extra 1: a.orValue(b) */
};

struct cel_node {
	uint8_t code;  /* enum cel_code */
	uint8_t extra; /* see above */
	uint16_t count;
	uint32_t a, b, c;
	uint16_t from, to; /* bytes of the expression's text: LIMIT_EXPR fits */
	uint32_t memo;     /* cell of a memo, 0: none (share.h) */
};

_Static_assert(LIMIT_EXPR <= UINT16_MAX, "offsets are 16 bits");

struct cel_path {
	struct text variable;
	struct text path;
	bool read; /* false: named by a path function (changed), the variable itself isn't read */
};

struct cel_program {
	struct cel_node *nodes; /* only share.c writes, once: I1 */
	const uint32_t *kids;
	const struct value *constants;
	const struct cel_function *const *candidates;
	void *const *prepared;
	const uint32_t *variables; /* index in the environment */
	const struct text *variable_names;
	const struct cel_path *paths;
	uint32_t node_count, kid_count, constant_count, candidate_count, prepared_count;
	uint32_t variable_count, path_count;
	enum cel_type type;
	struct text type_text; /* TEXT_NONE: as type's name */
	const char *called;    /* the function that the root calls with one argument, or NULL */
	struct text text;
};

/* How a text that names something costly (a pattern, a zone) becomes the thing.
 * `make` returns NULL, with `why`, when the text is malformed. */
struct cel_thing {
	void *(*make)(struct text name, char *why, size_t room);
	void (*drop)(void *thing);
};

#define CEL_MAKE_STEPS 500 /* making one takes about that many times as long as a step */

/* The thing named last at run time, kept until another one is named or the
 * evaluation ends. */
struct cel_kept {
	const struct cel_thing *kind;
	struct text name;
	void *thing;
};

enum { CEL_KEPT_PATTERN, CEL_KEPT_ZONE, CEL_KEPT };

/* Values that programs share: share.h. A cell holds one when its moment is the memo's. */
struct cel_cell {
	uint32_t moment;
	uint32_t steps; /* that the value took */
	struct value value;
};

struct cel_memo {
	uint32_t moment, count;
	struct cel_cell *cells; /* [0] stays unused */
};

struct cel_run {
	const struct cel_program *program;
	struct arena *arena;
	const struct cel_vars *vars;
	struct cel_memo *memo; /* or NULL */
	int64_t steps;         /* left */
	uint32_t at;           /* the node whose failure cel_error would tell */
	void *prepared;        /* of the call under way, or NULL */
	uint64_t known;        /* bit i: variables[i] was looked up */
	struct cel_kept kept[CEL_KEPT];
	struct value variables[LIMIT_EXPR_VARIABLES];
	struct value locals[LIMIT_EXPR_LOCALS];
};

_Static_assert(LIMIT_EXPR_VARIABLES <= 64, "known is a word of bits");

/* An evaluation's frame, also used to fold constants. cel_run_end lets go of
 * what was kept and puts a late error into words. */
void cel_run_begin(struct cel_run *run, const struct cel_program *program, struct arena *arena,
		   const struct cel_vars *vars);
struct value cel_run_end(struct cel_run *run, struct value v);

/* Evaluates node `at`. */
struct value cel_eval_node(struct cel_run *run, uint32_t at);

/* The same by way of the memo, when there is one and the node has a cell. */
struct value cel_eval_cell(struct cel_run *run, uint32_t at);

/* Takes n steps from the budget; false when it is spent. */
bool cel_charge(struct cel_run *run, uint64_t n);

/* Charges for finding a key of a map, which reads it: nothing unless it is long. */
bool cel_charge_key(struct cel_run *run, struct value key);

/* What every function returns when the arena is spent. */
struct value cel_error_memory(void);

/* ---- operators.c ---- */

struct value cel_binary(struct cel_run *run, enum cel_op op, struct value a, struct value b);
struct value cel_negate(struct cel_run *run, struct value v);
struct value cel_index(struct cel_run *run, struct value of, struct value key);

/* NULL when the key isn't there; *fits says whether there can be such a key. */
const struct value *cel_find(struct value of, struct value key, bool *fits);
bool cel_is_number(struct value v);

/* ---- functions_optional.c ---- */

struct value cel_optional_of(struct cel_run *run, struct value v);
struct value cel_optional_none(void);

/* of[?key]: an optional, none when the key isn't there, or an error when there can
 * be no such key. Of an optional, the part of its value. */
struct value cel_optional_index(struct cel_run *run, struct value of, struct value key);

/* ---- loops.c ---- */

struct value cel_loop_run(struct cel_run *run, const struct cel_node *node);

/* False for macros that name values or the value of an optional. */
bool cel_loop_is_over_range(enum cel_loop loop);

/* Gives the locals of a loop over a range what they are for element i (below the
 * range's n). */
void cel_loop_bind(struct cel_run *run, const struct cel_node *node, struct value range,
		   uint32_t i);

/* ---- functions_lists.c ---- */

/* The list's items in the order of their keys, one for each item; equal keys keep
 * their order. An error when keys can't be ordered. */
struct value cel_sort(struct cel_run *run, struct value list, const struct value *keys);

/* ---- functions_*.c ---- */

/* A function whose argument number `argument` names a thing: a constant is made
 * into one when the program is compiled. Tables end with a NULL call. */
struct cel_preparation {
	cel_call call;
	uint8_t argument;
	const struct cel_thing *kind;
};

extern const struct cel_preparation cel_preparations_text[];
extern const struct cel_preparation cel_preparations_time[];
extern const struct cel_preparation cel_preparations_messages[];
extern const struct cel_thing cel_zone; /* an IANA name or an offset such as "-07:00" */

/* The thing of the call under way: the prepared one, or one made now and kept in
 * place `which`. NULL (with `why`) when the name is malformed. */
void *cel_thing(struct cel_run *run, int which, const struct cel_thing *kind, struct text name,
		char *why, size_t room);

/* Lets go of what the evaluation kept. */
void cel_drop_kept(struct cel_run *run);

/* Timestamps and durations within CEL's ranges, else an error. Seconds and
 * nanoseconds may have different signs. */
struct value cel_timestamp(struct cel_run *run, int64_t seconds, int64_t nanos);
struct value cel_duration(struct cel_run *run, int64_t seconds, int64_t nanos);

struct civil;

/* What clocks of the zone (NULL: UTC) show then. False with the error in *bad. */
bool cel_civil(struct cel_run *run, int64_t seconds, const struct value *zone, struct civil *out,
	       struct value *bad);

#define CEL_DURATION_TEXT 40 /* the longest duration as text, and a NUL */
void cel_duration_text(struct value v, char out[CEL_DURATION_TEXT]); /* "3.5s" */

/* A number as double(x) and num(x) read it; `words` allows NaN and Infinity. */
bool cel_text_to_double(struct text t, bool words, double *out);

#endif
