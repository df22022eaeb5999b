/* SPDX-License-Identifier: Apache-2.0
 *
 * eval - walks a program's nodes; langdef.md, "Evaluation".
 *
 * I1  Every node visited costs a step; operations that read many bytes or items
 *     charge for them. When the budget is spent everything returns at once and
 *     the result is that error, whatever && or default() would absorb.
 * I2  The C stack is bounded by LIMIT_EXPR_TREE: nothing recurses over data but
 *     comparing, which is bounded by the depth of documents.
 * I3  A result has at most LIMIT_EVAL_PARTS parts, counted wherever they stand: who
 *     copies or writes it needs no budget.
 * I4  A missing key is common and often absorbed, so its error is only a note of
 *     the node (text NULL) until cel_eval puts it into words.
 * Ownership: results live in the evaluation's arena or borrow from the program
 * and the variables. */
#include "engine/cel/program.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define FEW_ARGS 4  /* more arguments than that are taken from the arena */
#define FEW_KEYS 32 /* up to so many are compared one by one: faster than hashing the key */

/* Rare or heavy: kept out of the walk, whose stack frame should stay small. */
#define APART __attribute__((noinline))

#define SNIPPET     100 /* bytes of a sub-expression shown in an error */
#define ERROR_STEPS 10  /* putting an error into words takes that much longer than a step */

/* ---- Errors ---- */

static struct value error_of(struct text t)
{
	struct value v = value_text(t);

	v.kind = VALUE_ERROR;
	return v;
}

struct value cel_error_budget(void)
{
	return error_of(TEXT("the evaluation takes too many steps"));
}

struct value cel_error_memory(void)
{
	return error_of(TEXT("the evaluation takes too much memory"));
}

static struct text snippet(const struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	struct text t = { run->program->text.s + n->from, (size_t)(n->to - n->from) };

	return text_head(t, SNIPPET);
}

struct value cel_error(struct cel_run *run, const char *format, ...)
{
	struct text where = snippet(run, run->at), what;
	char words[256];
	va_list args;

	assert(run != NULL && format != NULL);
	run->steps -= ERROR_STEPS;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	what = text_printf(run->arena, "%.*s (in %.*s)",
			   TEXT_ARG(text_head(text_of(words), SIZE_MAX)), TEXT_ARG(where));
	return what.s != NULL ? error_of(what) : cel_error_memory();
}

static APART struct value error_at(struct cel_run *run, uint32_t at, const char *what)
{
	run->at = at;
	return cel_error(run, "%s", what);
}

static inline bool is_error(struct value v)
{
	return v.kind == VALUE_ERROR;
}

/* Puts a missing key into words (I4). */
static APART struct value worded(struct cel_run *run, struct value v)
{
	const struct cel_node *n;

	if (!is_error(v) || v.s != NULL)
		return v;
	n = &run->program->nodes[v.n];
	run->at = v.n;
	return cel_error(run, "no such key: %.*s",
			 TEXT_ARG(value_as_text(run->program->constants[n->b])));
}

struct arena *cel_arena(struct cel_run *run)
{
	assert(run != NULL);
	return run->arena;
}

/* ---- Budget ---- */

bool cel_charge(struct cel_run *run, uint64_t n)
{
	run->steps -= n < LIMIT_EVAL_STEPS ? (int64_t)n + 1 : (int64_t)LIMIT_EVAL_STEPS + 1;
	return run->steps >= 0;
}

bool cel_charge_value(struct cel_run *run, struct value v)
{
	if (v.kind == VALUE_TEXT || v.kind == VALUE_BYTES)
		return cel_charge(run, v.n / 64);
	if (v.kind == VALUE_LIST || v.kind == VALUE_OPTIONAL) {
		for (uint32_t i = 0; i < v.n; i++) {
			if (!cel_charge_value(run, v.items[i]))
				return false;
		}
	} else if (v.kind == VALUE_MAP) {
		for (uint32_t i = 0; i < v.n; i++) {
			if (!cel_charge(run, v.pairs[i].key.kind == VALUE_TEXT
						 ? v.pairs[i].key.n / 64
						 : 0) ||
			    !cel_charge_value(run, v.pairs[i].val))
				return false;
		}
	}
	return cel_charge(run, 0);
}

bool cel_charge_key(struct cel_run *run, struct value key)
{
	return key.kind != VALUE_TEXT || key.n <= 64 || cel_charge(run, key.n / 64);
}

/* ---- Cells ---- */

static APART struct value eval_into_cell(struct cel_run *run, uint32_t at)
{
	struct cel_cell *cell = &run->memo->cells[run->program->nodes[at].memo];
	int64_t before = run->steps;
	struct value v;

	assert(run->program->nodes[at].memo <= run->memo->count);
	if (cell->moment == run->memo->moment) {
		run->steps -= cell->steps;
		return run->steps >= 0 ? cell->value : cel_error_budget();
	}
	v = cel_eval_node(run, at);
	if (v.kind != VALUE_ERROR && run->steps >= 0)
		*cell = (struct cel_cell){ run->memo->moment, (uint32_t)(before - run->steps), v };
	return v;
}

/* Only for chains of selections and conditions: share.c numbers no others. */
static inline struct value eval_cell(struct cel_run *run, uint32_t at)
{
	return run->memo != NULL && run->program->nodes[at].memo != 0 ? eval_into_cell(run, at)
								      : cel_eval_node(run, at);
}

struct value cel_eval_cell(struct cel_run *run, uint32_t at)
{
	return eval_cell(run, at);
}

/* ---- Names and fields ---- */

static APART struct value look_up(struct cel_run *run, uint32_t at, uint32_t i)
{
	const struct cel_program *p = run->program;
	struct value v;

	assert(i < p->variable_count);
	run->at = at;
	if (run->vars == NULL || !run->vars->lookup(run->vars->of, run->arena, p->variables[i], &v))
		v = cel_error(run, "no such value: %.*s", TEXT_ARG(p->variable_names[i]));
	run->variables[i] = v;
	run->known |= UINT64_C(1) << i;
	return v;
}

/* A leaf is read in place; everything else is a call. */
static inline struct value operand(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];

	if (n->code == CEL_CODE_CONSTANT) {
		run->steps--;
		return run->program->constants[n->a];
	}
	if (n->code == CEL_CODE_VARIABLE && (run->known >> n->a & 1) != 0) {
		run->steps--;
		return run->variables[n->a];
	}
	return eval_cell(run, at);
}

static inline uint64_t eight(const char *s)
{
	uint64_t bytes;

	memcpy(&bytes, s, sizeof(bytes));
	return bytes;
}

/* Most names of more than seven bytes have at most sixteen: two loads each, which may overlap,
 * are faster than a call. */
static inline bool same_bytes(const char *a, const char *b, uint32_t n)
{
	if (n >= 8 && n <= 16)
		return eight(a) == eight(b) && eight(a + n - 8) == eight(b + n - 8);
	return memcmp(a, b, n) == 0;
}

static inline const struct value *find_key(struct value map, const struct value *key)
{
	if (map.n > FEW_KEYS)
		return value_get_value(map, *key);
	for (uint32_t i = 0; i < map.n; i++) {
		const struct value *k = &map.pairs[i].key;

		if (k->n == key->n && k->kind == VALUE_TEXT && same_bytes(k->s, key->s, key->n))
			return &map.pairs[i].val;
	}
	return NULL;
}

static APART struct value no_field(struct cel_run *run, uint32_t at, struct value of)
{
	const struct cel_node *n = &run->program->nodes[at];
	struct text key = text_head(value_as_text(run->program->constants[n->b]), 100);

	run->at = at;
	return cel_error(run, "no such field: %.*s, the value before it is %s", TEXT_ARG(key),
			 of.kind == VALUE_NULL ? "null"
					       : value_kind_name((enum value_kind)of.kind));
}

/* A part of what an optional holds; of anything else there is none. */
static APART struct value select_other(struct cel_run *run, uint32_t at, struct value of)
{
	const struct cel_node *n = &run->program->nodes[at];
	struct value v;

	if (is_error(of))
		return of;
	if (of.kind != VALUE_OPTIONAL)
		return no_field(run, at, of);
	run->at = at;
	v = cel_optional_index(run, of, run->program->constants[n->b]);
	return n->code == CEL_CODE_HAS && !is_error(v) ? value_bool(v.n > 0) : v;
}

static struct value select_key(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	struct value of = operand(run, n->a);
	const struct value *hit;

	if (of.kind == VALUE_MAP) {
		hit = find_key(of, &run->program->constants[n->b]);
		if (n->code == CEL_CODE_HAS)
			return value_bool(hit != NULL);
		return hit != NULL ? *hit : (struct value){ .kind = VALUE_ERROR, .n = at };
	}
	return select_other(run, at, of);
}

/* ---- Operators ---- */

/* The result of ordering two numbers or lengths: a - b as -1, 0, 1. */
static inline bool ordered(enum cel_op op, int order)
{
	switch (op) {
	case CEL_OP_EQ:
		return order == 0;
	case CEL_OP_NE:
		return order != 0;
	case CEL_OP_LT:
		return order < 0;
	case CEL_OP_LE:
		return order <= 0;
	case CEL_OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

/* The same for doubles; every order of a NaN is false. */
static inline bool ordered_doubles(enum cel_op op, double a, double b)
{
	switch (op) {
	case CEL_OP_EQ:
		return a == b;
	case CEL_OP_NE:
		return a != b;
	case CEL_OP_LT:
		return a < b;
	case CEL_OP_LE:
		return a <= b;
	case CEL_OP_GT:
		return a > b;
	default:
		return a >= b;
	}
}

static inline bool is_comparison(enum cel_op op)
{
	return op >= CEL_OP_EQ && op <= CEL_OP_GE;
}

static struct value binary(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	enum cel_op op = (enum cel_op)n->extra;
	struct value a = operand(run, n->a), b;

	if (is_error(a))
		return a;
	b = operand(run, n->b);
	if (is_error(b))
		return b;
	if (a.kind == VALUE_INT && b.kind == VALUE_INT && is_comparison(op))
		return value_bool(ordered(op, (a.i > b.i) - (a.i < b.i)));
	if (a.kind == VALUE_DOUBLE && b.kind == VALUE_DOUBLE && is_comparison(op))
		return value_bool(ordered_doubles(op, a.d, b.d));
	if (a.kind == VALUE_TEXT && b.kind == VALUE_TEXT && op == CEL_OP_EQ && a.n < 64)
		return value_bool(a.n == b.n && memcmp(a.s, b.s, a.n) == 0);
	run->at = at;
	return cel_binary(run, op, a, b);
}

/* Every kid is asked until one says `until` (false for &&, true for ||), which
 * decides whatever the others were; only then errors count. */
static struct value logic(struct cel_run *run, const struct cel_node *n, bool until)
{
	const uint32_t *kids = run->program->kids + n->a;
	struct value bad = value_bool(!until);

	for (uint32_t i = 0; i < n->count; i++) {
		struct value v = eval_cell(run, kids[i]);

		if (v.kind == VALUE_BOOL && v.b == until)
			return v;
		if (v.kind == VALUE_BOOL || is_error(bad))
			continue;
		bad = is_error(v)
			  ? v
			  : error_at(run, kids[i], until ? "|| needs a bool" : "&& needs a bool");
	}
	return bad;
}

static struct value choose(struct cel_run *run, const struct cel_node *n)
{
	struct value v = cel_eval_node(run, n->a);

	if (v.kind == VALUE_BOOL)
		return cel_eval_node(run, v.b ? n->b : n->c);
	return is_error(v) ? v : error_at(run, n->a, "?: needs a bool");
}

static APART struct value negation(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	struct value v = operand(run, n->a);

	if (is_error(v))
		return v;
	run->at = at;
	if (n->code == CEL_CODE_NEGATE)
		return cel_negate(run, v);
	return v.kind == VALUE_BOOL ? value_bool(!v.b) : error_at(run, n->a, "! needs a bool");
}

static APART struct value indexed(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	struct value of = operand(run, n->a), key;

	if (is_error(of))
		return of;
	key = operand(run, n->b);
	if (is_error(key))
		return key;
	run->at = at;
	return n->code == CEL_CODE_INDEX ? cel_index(run, of, key)
					 : cel_optional_index(run, of, key);
}

/* What stands before default()'s comma, unless it failed or is null. */
static struct value or_default(struct cel_run *run, const struct cel_node *n)
{
	struct value v = operand(run, n->a);

	return is_error(v) || v.kind == VALUE_NULL ? cel_eval_node(run, n->b) : v;
}

static APART struct value failure(struct cel_run *run, uint32_t at)
{
	struct value what = run->program->constants[run->program->nodes[at].a];

	run->at = at;
	return cel_error(run, "%.*s", TEXT_ARG(value_as_text(what)));
}

/* ---- Optionals ---- */

static APART struct value maybe(struct cel_run *run, uint32_t at)
{
	struct value v = operand(run, run->program->nodes[at].a);

	if (is_error(v) || v.kind == VALUE_OPTIONAL)
		return v;
	return error_at(run, at, "? needs an optional behind it");
}

/* a.or(b), a.orValue(b): b is asked only when a is none. */
static APART struct value either(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	bool whole = n->extra == 0;
	struct value v = operand(run, n->a);

	if (is_error(v))
		return v;
	if (v.kind != VALUE_OPTIONAL)
		return error_at(run, at, "or() and orValue() are of an optional");
	if (v.n > 0)
		return whole ? v : v.items[0];
	v = operand(run, n->b);
	if (is_error(v) || v.kind == VALUE_OPTIONAL || !whole)
		return v;
	return error_at(run, at, "or() takes an optional");
}

/* ---- Lists, maps, calls ---- */

/* Evaluates the kids into `out`; the first error, or null. */
static struct value kids_into(struct cel_run *run, const struct cel_node *n, struct value *out)
{
	for (uint32_t i = 0; i < n->count; i++) {
		out[i] = cel_eval_node(run, run->program->kids[n->a + i]);
		if (is_error(out[i]))
			return out[i];
	}
	return value_null();
}

/* Leaves out the items that are none. */
static struct value compact(const struct cel_run *run, const struct cel_node *n,
			    struct value *items)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->count; i++) {
		bool may = run->program->nodes[run->program->kids[n->a + i]].code == CEL_CODE_MAYBE;

		if (!may)
			items[count++] = items[i];
		else if (items[i].n > 0)
			items[count++] = items[i].items[0];
	}
	return (struct value){ .kind = VALUE_LIST, .n = count, .items = items };
}

static APART struct value list(struct cel_run *run, const struct cel_node *n)
{
	struct value *items = arena_array(run->arena, n->count, sizeof(*items));
	struct value bad;

	if (items == NULL)
		return cel_error_memory();
	bad = kids_into(run, n, items);
	if (is_error(bad))
		return bad;
	if (n->extra != 0)
		return compact(run, n, items);
	return (struct value){ .kind = VALUE_LIST, .n = n->count, .items = items };
}

static bool is_key(struct value v)
{
	return v.kind == VALUE_TEXT || v.kind == VALUE_INT || v.kind == VALUE_UINT ||
	       v.kind == VALUE_BOOL;
}

static APART struct value map(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	const uint32_t *kids = run->program->kids + n->a;
	struct value_map_builder b;
	struct value v;

	value_map_begin(&b, run->arena);
	for (uint32_t i = 0; i < n->count; i += 2) {
		struct value key = cel_eval_node(run, kids[i]), val;

		if (is_error(key))
			return key;
		if (!is_key(key))
			return error_at(run, kids[i], "a map's key is text, int, uint or bool");
		if (!cel_charge_key(run, key))
			return cel_error_budget();
		val = cel_eval_node(run, kids[i + 1]);
		if (is_error(val))
			return val;
		if (run->program->nodes[kids[i + 1]].code != CEL_CODE_MAYBE)
			value_map_add(&b, key, val);
		else if (val.n > 0)
			value_map_add(&b, key, val.items[0]);
	}
	return value_map_end_unique(&b, &v) ? v : error_at(run, at, "a map's key stands twice");
}

static bool arguments_fit(const struct cel_function *f, const struct value *args, uint32_t count)
{
	if (count < f->least || count > f->most)
		return false;
	for (uint32_t i = 0; i < count && i < 4; i++) {
		if (f->args[i] != CEL_DYN && (unsigned)f->args[i] != args[i].kind + 1u)
			return false;
	}
	return true;
}

static APART struct value no_overload(struct cel_run *run, uint32_t at, const struct value *args)
{
	const struct cel_node *n = &run->program->nodes[at];
	char types[120] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < n->count && used < sizeof(types); i++)
		used +=
		    (size_t)snprintf(types + used, sizeof(types) - used, "%s%s", i > 0 ? ", " : "",
				     value_kind_name((enum value_kind)args[i].kind));
	run->at = at;
	return cel_error(run, "no such overload: %s(%s)", run->program->candidates[n->b]->name,
			 types);
}

static struct value call_with(struct cel_run *run, uint32_t at, struct value *args)
{
	const struct cel_node *n = &run->program->nodes[at];
	const struct cel_program *p = run->program;
	struct value bad = kids_into(run, n, args);

	if (is_error(bad))
		return bad;
	for (uint32_t i = 0; i < n->extra; i++) {
		const struct cel_function *f = p->candidates[n->b + i];

		if (!arguments_fit(f, args, n->count))
			continue;
		run->at = at;
		run->prepared = n->c > 0 ? p->prepared[n->c - 1] : NULL;
		return f->call(run, run->vars != NULL ? run->vars->of : NULL, args, n->count);
	}
	return no_overload(run, at, args);
}

static APART struct value call(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];
	struct value few[FEW_ARGS], *args = few;

	if (n->count > FEW_ARGS)
		args = arena_array(run->arena, n->count, sizeof(*args));
	return args != NULL ? call_with(run, at, args) : cel_error_memory();
}

/* ---- The walk ---- */

struct value cel_eval_node(struct cel_run *run, uint32_t at)
{
	const struct cel_node *n = &run->program->nodes[at];

	assert(at < run->program->node_count);
	if (--run->steps < 0)
		return cel_error_budget();
	switch ((enum cel_code)n->code) {
	case CEL_CODE_CONSTANT:
		return run->program->constants[n->a];
	case CEL_CODE_VARIABLE:
		return (run->known >> n->a & 1) != 0 ? run->variables[n->a]
						     : look_up(run, at, n->a);
	case CEL_CODE_LOCAL:
		return run->locals[n->a];
	case CEL_CODE_SELECT:
	case CEL_CODE_HAS:
		return select_key(run, at);
	case CEL_CODE_INDEX:
	case CEL_CODE_OPTIONAL_INDEX:
		return indexed(run, at);
	case CEL_CODE_BINARY:
		return binary(run, at);
	case CEL_CODE_NOT:
	case CEL_CODE_NEGATE:
		return negation(run, at);
	case CEL_CODE_AND:
		return logic(run, n, false);
	case CEL_CODE_OR:
		return logic(run, n, true);
	case CEL_CODE_CHOOSE:
		return choose(run, n);
	case CEL_CODE_LIST:
		return list(run, n);
	case CEL_CODE_MAP:
		return map(run, at);
	case CEL_CODE_CALL:
		return call(run, at);
	case CEL_CODE_LOOP:
		return cel_loop_run(run, n);
	case CEL_CODE_DEFAULT:
		return or_default(run, n);
	case CEL_CODE_FAIL:
		return failure(run, at);
	case CEL_CODE_MAYBE:
		return maybe(run, at);
	case CEL_CODE_EITHER:
		return either(run, at);
	}
	return cel_error_budget(); /* no such code: unreachable */
}

void cel_run_begin(struct cel_run *run, const struct cel_program *program, struct arena *arena,
		   const struct cel_vars *vars)
{
	run->program = program;
	run->arena = arena;
	run->vars = vars;
	run->memo = NULL;
	run->steps = LIMIT_EVAL_STEPS;
	run->at = 0;
	run->prepared = NULL;
	run->known = 0;
	for (int i = 0; i < CEL_KEPT; i++)
		run->kept[i].thing = NULL;
}

/* Takes the parts of v from *room; false when it isn't enough. */
static bool has_room(struct value v, uint32_t *room)
{
	bool map = v.kind == VALUE_MAP, fits;

	if (!map && v.kind != VALUE_LIST && v.kind != VALUE_OPTIONAL)
		return true;
	fits = v.n <= *room;
	*room -= fits ? v.n : *room;
	for (uint32_t i = 0; i < v.n && fits; i++)
		fits = has_room(map ? v.pairs[i].val : v.items[i], room);
	return fits;
}

struct value cel_run_end(struct cel_run *run, struct value v)
{
	uint32_t room = LIMIT_EVAL_PARTS;

	cel_drop_kept(run);
	if (run->steps < 0)
		return cel_error_budget();
	if (!has_room(v, &room))
		return error_of(TEXT("the result has too many parts"));
	v = worded(run, v);
	return arena_failed(run->arena) ? cel_error_memory() : v;
}

struct value cel_eval(const struct cel_program *program, struct arena *arena,
		      const struct cel_vars *vars)
{
	struct cel_run run;

	assert(program != NULL && arena != NULL);
	assert(program->node_count > 0);
	cel_run_begin(&run, program, arena, vars);
	return cel_run_end(&run, cel_eval_node(&run, program->node_count - 1));
}
