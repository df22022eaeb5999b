/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace tells: the value of each part, which one decided, which were not
 * needed, which element of a list it was; and its bounds. */
#include "engine/cel/trace.h"
#include "tests/unit/test_cel_world.h"
#include "tests/unit/unit_main.h"

/* An expression is traced and shown as "text=value" of the deciding part, then the parts that
 * were not needed: "-text", then "#1/3" for each macro's element. */
struct trace_row {
	const char *expr;
	const char *want;
};

static const struct cel_program *compiled(struct cel_world *w, const char *expr)
{
	const struct cel_program *program;
	struct cel_issue issue;

	ck_assert_msg(cel_compile(w->env, w->arena, text_of(expr), &program, &issue) == FATE_OK,
		      "%s: %s", expr, issue.what);
	return program;
}

static const struct cel_trace *traced(struct cel_world *w, const char *expr)
{
	struct cel_vars vars = { world_lookup, w };
	const struct cel_trace *trace = cel_trace(compiled(w, expr), w->arena, &vars);

	ck_assert_ptr_nonnull(trace);
	return trace;
}

static void put_value(struct buf *out, const struct cel_trace *t)
{
	struct text words = value_as_text(t->value), cut = words;

	buf_printf(out, "%.*s=", TEXT_ARG(t->part.text));
	if (!t->known) {
		buf_char(out, '?');
	} else if (t->value.kind == VALUE_ERROR) {
		cut.n = text_find(words, TEXT(" (in "));
		buf_char(out, '!');
		buf_text(out, cut.n < words.n ? cut : words);
	} else {
		value_write(out, t->value);
	}
}

static unsigned put_rest(struct buf *out, const struct cel_trace *t, bool needed)
{
	unsigned deciding = t->decides ? 1 : 0;

	if (!t->needed && needed)
		buf_printf(out, " -%.*s", TEXT_ARG(t->part.text));
	if (t->part.code == CEL_CODE_LOOP && t->needed)
		buf_printf(out, " #%u/%u", t->element, t->elements);
	for (uint32_t i = 0; i < t->count; i++)
		deciding += put_rest(out, t->kids[i], t->needed);
	return deciding;
}

static void check(struct cel_world *w, const struct trace_row *rows)
{
	for (; rows->expr != NULL; rows++) {
		const struct cel_trace *t = traced(w, rows->expr);
		struct buf out;

		buf_init(&out, MIB);
		put_value(&out, cel_trace_decider(t));
		ck_assert_msg(put_rest(&out, t, true) == 1, "%s: not one decides", rows->expr);
		ck_assert_msg(strcmp(buf_cstr(&out), rows->want) == 0, "%s\n   gave %s\n wanted %s",
			      rows->expr, buf_cstr(&out), rows->want);
		buf_fini(&out);
	}
}

static const struct trace_row decided[] = {
	/* && and ||: the first that settles it; all of them, when all had to be so. */
	{ "data.percent > 100.0", "data.percent > 100.0=true" },
	{ "data.over_budget && data.stage == 'x' && data.percent > 100.0",
	  "data.stage == 'x'=false -data.percent > 100.0" },
	{ "data.over_budget && data.stage == 'project'",
	  "data.over_budget && data.stage == 'project'=true" },
	{ "data.stage == 'x' || data.over_budget || data.id == '7'",
	  "data.over_budget=true -data.id == '7'" },
	{ "data.stage == 'x' || data.id == '8'", "data.stage == 'x' || data.id == '8'=false" },
	{ "data.over_budget && (data.id == '8' || data.stage == 'x')",
	  "data.id == '8' || data.stage == 'x'=false" },
	/* Errors count only when nothing settles it. */
	{ "data.gone > 1 && data.stage == 'x'", "data.stage == 'x'=false" },
	{ "data.gone > 1 || data.over_budget", "data.over_budget=true" },
	{ "data.over_budget && data.gone > 1 && data.also.gone", "data.gone=!no such key: gone" },
	{ "data.over_budget && data.title", "data.title=\"Acme\"" },
	{ "data.title || data.stage == 'x'", "data.title=\"Acme\"" },
	/* ! ?: default */
	{ "!data.over_budget", "!data.over_budget=false" },
	{ "!(data.stage == 'x' || data.over_budget)", "data.over_budget=true" },
	{ "data.over_budget ? data.percent > 200.0 : data.gone",
	  "data.percent > 200.0=false -data.gone" },
	{ "data.stage == 'x' ? data.gone : true", "true=true -data.gone" },
	{ "data.gone ? 1 : 2", "data.gone=!no such key: gone -1 -2" },
	{ "data.title ? 1 : 2", "data.title=\"Acme\" -1 -2" },
	{ "default(data.gone, 3) > 2", "default(data.gone, 3) > 2=true" },
	{ "default(data.percent, data.gone) > 2",
	  "default(data.percent, data.gone) > 2=true -data.gone" },
	{ "default(data.gone, data.lost) > 2", "data.lost=!no such key: lost" },
	/* Every other kind of part fails by its first operand that does, or by itself. */
	{ "data.tags > data.stage", "data.tags > data.stage=!no such overload: list > string" },
	{ "size(data.gone) > 3", "data.gone=!no such key: gone" },
	{ "size(data.percent) > 3", "size(data.percent)=!no such overload: size(double)" },
	{ "[1, data.gone, data.lost].size() == 3", "data.gone=!no such key: gone" },
	{ "{'a': data.gone}.a == 3", "data.gone=!no such key: gone" },
	{ "-data.gone < 3", "data.gone=!no such key: gone" },
	{ "data.tags[data.gone] == 'a'", "data.gone=!no such key: gone" },
	{ "data.status.key.x.y == 1",
	  "data.status.key.x=!no such field: x, the value before it is int" },
	{ "has(data.gone.x)", "data.gone=!no such key: gone" },
	{ "fails() || data.percent > 100.0", "data.percent > 100.0=true" },
	{ "absent == 1", "absent=!no such value: absent" },
	{ NULL, NULL },
};

static const struct trace_row elements[] = {
	{ "data.items.all(x, x.n < 2)", "x.n < 2=false #2/3" },
	{ "data.items.all(x, x.n < 9)", "data.items.all(x, x.n < 9)=true #0/3" },
	{ "data.items.all(x, x.done || x.n == 2)", "x.done=!no such key: done #3/3" },
	/* false && error is false, in macros as well. */
	{ "data.items.all(x, x.gone || x.n == 1) && data.stage == 'x'",
	  "data.stage == 'x'=false #2/3" },
	{ "data.items.exists(x, x.n == 2)", "x.n == 2=true #2/3" },
	{ "data.items.exists(x, x.n == 9)", "data.items.exists(x, x.n == 9)=false #0/3" },
	{ "data.items.exists(x, x.done && x.n > 1)", "x.done=!no such key: done #3/3" },
	{ "data.items.exists_one(x, x.n == 2)", "x.n == 2=true #2/3" },
	{ "data.items.exists_one(x, x.n < 3)", "x.n < 3=true #2/3" },
	{ "data.items.exists_one(x, x.n > 3)", "data.items.exists_one(x, x.n > 3)=false #0/3" },
	{ "data.items.exists_one(x, x.done)", "x.done=!no such key: done #3/3" },
	{ "data.items.map(x, x.done) == []", "x.done=!no such key: done #3/3" },
	{ "data.items.map(x, x.n > 1, x.done) == []", "x.done=!no such key: done #3/3" },
	{ "data.items.filter(x, x.n > 1).size() == 2",
	  "data.items.filter(x, x.n > 1).size() == 2=true #0/3" },
	{ "data.items.filter(x, x.n).size() == 2", "x.n=1 #1/3" },
	{ "data.status.exists(k, k == 'name')", "k == 'name'=true #2/2" },
	{ "data.gone.all(x, x)", "data.gone=!no such key: gone #0/0" },
	{ "data.title.all(x, x)",
	  "data.title.all(x, x)=!a macro goes over a list or a map, not string #0/0" },
	/* Nested: the inner one of the element that decided; names in between stay right. */
	{ "data.items.exists(x, data.tags.exists(t, t == 'b' && x.n == 2))",
	  "t == 'b' && x.n == 2=true #2/3 #2/3" },
	{ "data.items.exists(x, data.tags.map(y, y).exists(y, y == 'c') && x.n == 3)",
	  "data.tags.map(y, y).exists(y, y == 'c') && x.n == 3=true #3/3 #3/3 #0/3" },
	{ "data.items.filter(x, x.n > 1).exists(x, x.n == 3)", "x.n == 3=true #2/2 #0/3" },
	{ "data.items.sortBy(x, x.n).size() == 3",
	  "data.items.sortBy(x, x.n).size() == 3=true #0/3" },
	{ "data.items.sortBy(x, x.done).size() == 3", "x.done=!no such key: done #3/3" },
	/* Two names. */
	{ "data.items.all(i, x, x.n == i + 1 && i < 1)", "i < 1=false #2/3" },
	{ "data.status.exists(k, v, k == 'name' && v == 'Red')",
	  "k == 'name' && v == 'Red'=true #2/2" },
	{ "data.items.transformMap(i, x, x.done) == {}", "x.done=!no such key: done #3/3" },
	/* Names for values, and for what an optional has. */
	{ "cel.bind(s, data.status, s.key > 400 || s.key == 305)", "s.key == 305=true #0/0" },
	{ "cel.bind(s, data.gone, data.over_budget || s == 1)",
	  "data.over_budget=true #0/0 -s == 1" },
	{ "cel.bind(s, data.gone, s == 1)", "s=!no such key: gone #0/0" },
	{ "cel.block([data.status, cel.index(0).key], cel.index(1) == 305)",
	  "cel.index(1) == 305=true #0/0" },
	{ "data.?status.optMap(s, s.gone).hasValue()", "s.gone=!no such key: gone #0/0" },
	{ "data.?gone.optMap(s, s.gone).hasValue()",
	  "data.?gone.optMap(s, s.gone).hasValue()=false #0/0" },
	{ "data.title.optMap(s, s).hasValue()",
	  "data.title.optMap(s, s)=!the macro is for an optional, not string #0/0" },
	{ "data.?title.orValue(data.gone) == 'Acme'",
	  "data.?title.orValue(data.gone) == 'Acme'=true -data.gone" },
	{ "data.?gone.orValue(data.lost) == 'Acme'", "data.lost=!no such key: lost" },
	{ NULL, NULL },
};

START_TEST(the_part_that_decided)
{
	struct cel_world w;

	world_init(&w);
	check(&w, decided);
	world_fini(&w);
}
END_TEST

START_TEST(the_element_that_decided)
{
	struct cel_world w;

	world_init(&w);
	check(&w, elements);
	world_fini(&w);
}
END_TEST

START_TEST(values_are_those_of_evaluation)
{
	static const char *const exprs[] = { "data.percent + 1.5",
					     "data.items.map(x, x.n * 2)",
					     "data.title + '!' == 'Acme!' ? size(data.tags) : 0",
					     "data.gone",
					     "[1, 2].exists(x, x == data.status.key)",
					     "{'a': data.tags}['a'][1]" };
	struct cel_world w;

	world_init(&w);
	for (size_t i = 0; i < sizeof(exprs) / sizeof(exprs[0]); i++) {
		char want[400];

		snprintf(want, sizeof(want), "%s", world_eval(&w, exprs[i]));
		ck_assert_str_eq(world_show(&w, traced(&w, exprs[i])->value), want);
	}
	world_fini(&w);
}
END_TEST

START_TEST(locals_have_the_values_of_the_element)
{
	struct cel_world w;
	const struct cel_trace *t;

	world_init(&w);
	t = traced(&w, "data.items.exists(x, x.n == 2 && !x.done)");
	ck_assert_str_eq(world_show(&w, t->item), "{\"n\":2,\"done\":false}");
	ck_assert_uint_eq(t->count, 2);
	ck_assert_str_eq(world_show(&w, t->kids[1]->kids[0]->kids[0]->value), "2");
	ck_assert_str_eq(world_show(&w, t->kids[1]->kids[1]->value), "true");
	world_fini(&w);
}
END_TEST

/* ---- Bounds. ---- */

static const char heavy[] = "data.big.all(a, data.big.all(b, data.big.all(c, a + b + c >= 0)))";

static struct value numbers(struct cel_world *w, int n)
{
	struct value_list_builder b;

	value_list_begin(&b, w->arena);
	for (int i = 0; i < n; i++)
		value_list_add(&b, value_int(i));
	return value_list_end(&b);
}

static void with_big(struct cel_world *w, int n)
{
	struct value_map_builder b;

	value_map_begin(&b, w->arena);
	value_map_set(&b, "big", numbers(w, n));
	w->data = value_map_end(&b);
}

/* The verdict is evaluation's: too many steps, whatever a part by itself would say. */
START_TEST(steps_are_bounded)
{
	struct cel_world w;
	const struct cel_trace *t;

	world_init(&w);
	with_big(&w, 1000);
	t = traced(&w, heavy);
	ck_assert_str_eq(world_show(&w, t->value), "!the evaluation takes too many steps");
	ck_assert_ptr_nonnull(cel_trace_decider(t));
	/* Each part fits; all together don't. */
	with_big(&w, 20);
	t = traced(&w, "data.big.all(a, data.big.all(b, data.big.all(c, a + b + c < 57)))");
	ck_assert_str_eq(world_show(&w, t->value), "false");
	world_fini(&w);
}
END_TEST

static uint32_t unknown(const struct cel_trace *t)
{
	uint32_t n = t->known ? 0 : 1;

	for (uint32_t i = 0; i < t->count; i++)
		n += unknown(t->kids[i]);
	return n;
}

START_TEST(what_is_beyond_is_not_known)
{
	struct cel_world w;
	const struct cel_trace *t;
	struct buf expr;

	world_init(&w);
	with_big(&w, 140);
	buf_init(&expr, LIMIT_EXPR);
	for (int i = 0; i < 40; i++)
		buf_printf(&expr, "%sdata.big.all(a, data.big.all(b, a + b < 278))",
			   i > 0 ? " || " : "");
	t = traced(&w, buf_cstr(&expr));
	ck_assert(t->known);
	ck_assert_uint_gt(unknown(t), 0);
	ck_assert_ptr_nonnull(cel_trace_decider(t));
	buf_fini(&expr);
	world_fini(&w);
}
END_TEST

START_TEST(a_spent_arena_gives_no_trace)
{
	struct arena *small = arena_new("small", 6 * KIB);
	struct cel_world w;
	struct cel_vars vars = { world_lookup, &w };

	world_init(&w);
	ck_assert_ptr_null(cel_trace(
	    compiled(&w, "data.items.map(x, data.items.map(y, data.items.map(z, [x, y, z]))) == []"
			 " || data.tags.map(x, x + x + x + x) == data.tags"),
	    small, &vars));
	arena_free(small);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("cel_trace", the_part_that_decided, the_element_that_decided,
	  values_are_those_of_evaluation, locals_have_the_values_of_the_element, steps_are_bounded,
	  what_is_beyond_is_not_known, a_spent_arena_gives_no_trace)
