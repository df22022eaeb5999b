/* SPDX-License-Identifier: Apache-2.0
 *
 * cel - the condition language: Google's Common Expression Language, as a small
 * library that knows nothing of rules or events.
 *
 * Text is compiled once against an environment (which names exist, which
 * functions) and evaluated many times. Evaluation is pure: it reads its
 * variables, allocates only from the arena given, and ends within a budget of
 * steps on any input.
 *
 * Specification: github.com/google/cel-spec, doc/langdef.md.
 *
 * Ownership: an environment borrows its tables for its whole life; a program
 * lives in the arena it was compiled into and borrows nothing from its text.
 * Programs and environments are immutable once built, so any thread may
 * evaluate. Never: reads a clock, a file or the network. */
#ifndef TAPPET_CEL_CEL_H
#define TAPPET_CEL_CEL_H

#include "engine/base/fate.h"
#include "engine/value/value.h"

/* A static type, as far as it is known. CEL_DYN: anything. */
enum cel_type {
	CEL_DYN,
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_TEXT,
	CEL_BYTES,
	CEL_LIST,
	CEL_MAP,
	CEL_TIMESTAMP,
	CEL_DURATION,
	CEL_TYPE,
	CEL_OPTIONAL,
	CEL_IP,
	CEL_CIDR,
};

struct cel_variable {
	const char *name; /* "data", "event", "vars" */
	enum cel_type type;
};

struct cel_run; /* one evaluation under way */

/* A function of the host or of the library. `args` are never VALUE_ERROR for a
 * strict function. Returns the result or cel_error(run, ...). `of` is the
 * pointer given to cel_eval, so that a function can see the host's context. */
typedef struct value (*cel_call)(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count);

struct cel_function {
	const char *name;
	const char *doc;     /* one sentence for the reference page */
	bool member;         /* receiver style: args[0] is what stands before the dot */
	enum cel_type type;  /* of the result */
	uint8_t least, most; /* number of arguments, the receiver included */
	enum cel_type args[4];
	cel_call call; /* NULL: the evaluator's own, as it doesn't always ask its arguments */
	bool
	    path_args; /* host hint: the first argument, a literal text, is a path beneath `data` */
};

struct cel_env; /* names and functions that an expression may use */

struct cel_env *cel_env_new(struct arena *arena);
void cel_env_variable(struct cel_env *env, const char *name, enum cel_type type);
void cel_env_functions(struct cel_env *env,
		       const struct cel_function *table); /* ends with a NULL name */

/* Says what is known of fields ahead of any data: `ask` gets the number of a
 * variable and a dotted path beneath it, and returns the type the field is
 * declared to have, CEL_DYN when that is unknown. Null and absent remain possible
 * for every field. Asked while compiling only. */
typedef enum cel_type (*cel_ask_field)(void *of, uint32_t variable, struct text path);
void cel_env_fields(struct cel_env *env, cel_ask_field ask, void *of);

/* For trying the language itself; rules need none of these. */

/* Names are looked up in `container` first ("a.b": a.b.name, a.name, name), the
 * name's text is borrowed. A leading dot in an expression goes past it. */
void cel_env_container(struct cel_env *env, const char *container);

/* Without macros has(x) and the like are calls of unknown functions. */
void cel_env_macros(struct cel_env *env, bool on);

/* Without checks an unknown name or function, or types that can't fit, are no
 * refusals but errors of the evaluation, which && || and ?: may absorb. */
void cel_env_checks(struct cel_env *env, bool on);

/* Without folding nothing is evaluated when an expression is compiled: what comes
 * out must be the same, at a later time. */
void cel_env_folding(struct cel_env *env, bool on);

struct cel_issue {
	size_t offset; /* byte offset in the expression's text */
	char what[160];
	char hint[160];
	bool parsed; /* the text is an expression; its names or types are wrong */
};

struct cel_program;

/* Compiles `text` (at most LIMIT_EXPR bytes). On FATE_REJECT `issue` says what and
 * where: syntax, an unknown name or function (with "did you mean"), a wrong
 * number of arguments, types that can never fit. */
enum fate cel_compile(const struct cel_env *env, struct arena *arena, struct text text,
		      const struct cel_program **out, struct cel_issue *issue);

enum cel_type cel_program_type(const struct cel_program *program);

/* The same with what is known of its parts: "map(string, list(int))". */
struct text cel_program_type_text(const struct cel_program *program);

struct text cel_program_text(const struct cel_program *program); /* as compiled */

/* True when the root is a call of `name` with one argument (raw(x)); used by
 * templates. */
bool cel_program_is_call(const struct cel_program *program, const char *name);

/* Every constant path the program reads beneath the variable `name`:
 * data.status.key and changed("status.key") (a path_args function) both give
 * "status.key"; `visit` may see one path several times. Reading the variable
 * whole, or with a computed key, gives "". Tells which variables are used, too:
 * `name` NULL visits the names of all variables. */
void cel_program_paths(const struct cel_program *program, const char *name,
		       void (*visit)(void *of, struct text path), void *of);

/* The variables of one evaluation: cel_lookup returns a value for variable
 * number `index` (the order of cel_env_variable), or false when it has none
 * (the evaluation then errs with "no such ..."). Called at most once per
 * variable and evaluation. */
struct cel_vars {
	bool (*lookup)(void *of, struct arena *arena, uint32_t index, struct value *out);
	void *of;
};

/* Evaluates. The result is an ordinary value, or VALUE_ERROR whose text says why
 * (with the offending sub-expression's text where known). */
struct value cel_eval(const struct cel_program *program, struct arena *arena,
		      const struct cel_vars *vars);

struct value cel_error(struct cel_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct arena *cel_arena(struct cel_run *run);

/* Takes the steps of reading every part of v from the budget, before comparing, joining or
 * printing it. False when the budget is spent: the function returns cel_error_budget(). */
bool cel_charge_value(struct cel_run *run, struct value v);
struct value cel_error_budget(void);

/* Whether a text written out as an argument (numbered from 0) of fmt, money or days_until can be
 * one: a format, a currency, a zone. False with a sentence; true for every other function. */
bool cel_word_fits(struct text function, uint32_t argument, struct text word, char *why,
		   size_t room);

/* The day that v is: days since 1970-01-01 of a timestamp in the zone (NULL: UTC), or of text
 * such as "2026-12-18" or RFC 3339's. False with the error in *bad. */
bool cel_day(struct cel_run *run, struct value v, const struct value *zone, int64_t *day,
	     struct value *bad);

const char *cel_type_name(enum cel_type type);

#endif
