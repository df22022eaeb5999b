/* SPDX-License-Identifier: Apache-2.0
 *
 * What programs share: values computed once, steps charged as if each computed them, errors
 * told by everyone in its own words, and nothing kept from one moment to the next. */
#include "engine/cel/program.h"
#include "engine/cel/share.h"
#include "tests/unit/test_cel_world.h"
#include "tests/unit/unit_main.h"

#define PROGRAMS 8

struct shared {
	struct cel_world w;
	const struct cel_program *programs[PROGRAMS];
	size_t count;
	struct cel_memo *memo;
	uint32_t cells;
};

static struct value json_value(struct cel_world *w, const char *json)
{
	struct json_error error;
	struct value v;

	ck_assert_msg(json_parse(w->parser, w->arena, text_of(json), &v, &error) == FATE_OK, "%s",
		      error.what);
	return v;
}

/* Compiles, and shares what reads `variables` only. */
static void share(struct shared *s, const char *const *expressions, uint64_t variables)
{
	struct cel_sharing *sharing = cel_sharing_new(variables);
	struct cel_issue issue;

	*s = (struct shared){ 0 };
	world_init(&s->w);
	ck_assert_ptr_nonnull(sharing);
	for (; expressions[s->count] != NULL; s->count++) {
		ck_assert_msg(cel_compile(s->w.env, s->w.arena, text_of(expressions[s->count]),
					  &s->programs[s->count], &issue) == FATE_OK,
			      "%s: %s", expressions[s->count], issue.what);
		ck_assert(cel_sharing_add(sharing, s->programs[s->count]));
	}
	s->cells = cel_sharing_end(sharing);
	s->memo = cel_memo_new(s->cells);
	ck_assert_ptr_nonnull(s->memo);
}

#define SHARE(s, variables, ...) share(s, (const char *const[]){ __VA_ARGS__, NULL }, variables)

#define ALL UINT64_MAX

static void finish(struct shared *s)
{
	cel_memo_free(s->memo);
	world_fini(&s->w);
}

static struct value eval_one(struct shared *s, size_t i, struct cel_memo *memo, int64_t *steps)
{
	struct cel_vars vars = { world_lookup, &s->w };

	*steps = 0;
	return cel_eval_shared(s->programs[i], s->programs[i]->node_count - 1, s->w.arena, &vars,
			       memo, steps);
}

/* Each program gives the same value, words included, and takes as many steps with the memo,
 * whoever came first. */
static void same_as_plain(struct shared *s)
{
	for (size_t first = 0; first < s->count; first++) {
		cel_memo_next(s->memo);
		for (size_t k = 0; k < s->count; k++) {
			size_t i = (first + k) % s->count;
			int64_t plain_steps, steps;
			struct value plain = eval_one(s, i, NULL, &plain_steps);
			struct value v = eval_one(s, i, s->memo, &steps);

			/* How far beyond the budget is nobody's business. */
			ck_assert(plain_steps == steps ||
				  (plain_steps > LIMIT_EVAL_STEPS && steps > LIMIT_EVAL_STEPS));
			ck_assert_int_eq(plain.kind, v.kind);
			if (plain.kind == VALUE_ERROR)
				ck_assert(text_eq(value_as_text(plain), value_as_text(v)));
			else
				ck_assert(value_equal(plain, v));
		}
	}
}

START_TEST(values_are_computed_once)
{
	struct shared s;
	int64_t steps;

	SHARE(&s, ALL, "data.n == 1 && data.s.k == 'a'", "data.n == 1 && data.s.k == 'b'",
	      "data.s.k == 'a' || data.l.size() == 3");
	ck_assert_uint_gt(s.cells, 2);
	s.w.data = json_value(&s.w, "{\"n\": 1, \"s\": {\"k\": \"a\"}, \"l\": [1, 2, 3]}");
	same_as_plain(&s);
	/* All that the second reads is known from the first. */
	cel_memo_next(s.memo);
	(void)eval_one(&s, 0, s.memo, &steps);
	s.w.lookups[WORLD_DATA] = 0;
	(void)eval_one(&s, 1, s.memo, &steps);
	ck_assert_int_eq(s.w.lookups[WORLD_DATA], 0);
	finish(&s);
}
END_TEST

START_TEST(errors_are_not_kept)
{
	struct shared s;
	int64_t steps;

	SHARE(&s, ALL, "data.x.y == 1 && true", "data.n > 0 && data.x.y == 1",
	      "default(data.x.y, 5) == 5", "data.n / 0 == data.n / 0 || data.x.y == 1");
	s.w.data = json_value(&s.w, "{\"n\": 1}");
	same_as_plain(&s);
	/* Neither is what came of one: asked again, it is looked up again. */
	cel_memo_next(s.memo);
	ck_assert_int_eq(eval_one(&s, 0, s.memo, &steps).kind, VALUE_ERROR);
	s.w.data = json_value(&s.w, "{\"n\": 1, \"x\": {\"y\": 1}}");
	ck_assert(value_equal(eval_one(&s, 0, s.memo, &steps), value_bool(true)));
	finish(&s);
}
END_TEST

START_TEST(moments_are_apart)
{
	struct shared s;
	int64_t steps;

	SHARE(&s, ALL, "data.n == 1", "data.n == 1", "data.n");
	s.w.data = json_value(&s.w, "{\"n\": 1}");
	cel_memo_next(s.memo);
	ck_assert(value_equal(eval_one(&s, 0, s.memo, &steps), value_bool(true)));
	s.w.data = json_value(&s.w, "{\"n\": 2}");
	/* Within the moment the old value stands, and afterwards the new one. */
	ck_assert(value_equal(eval_one(&s, 1, s.memo, &steps), value_bool(true)));
	cel_memo_next(s.memo);
	ck_assert(value_equal(eval_one(&s, 1, s.memo, &steps), value_bool(false)));
	/* Also when the count of moments runs over. */
	s.memo->moment = UINT32_MAX;
	ck_assert(value_equal(eval_one(&s, 0, s.memo, &steps), value_bool(false)));
	s.w.data = json_value(&s.w, "{\"n\": 1}");
	for (int i = 0; i < 2; i++)
		cel_memo_next(s.memo);
	ck_assert(value_equal(eval_one(&s, 0, s.memo, &steps), value_bool(true)));
	finish(&s);
}
END_TEST

/* Only the variables named are the same for all programs. */
START_TEST(other_variables_are_not_shared)
{
	struct shared s;
	uint32_t root;

	SHARE(&s, UINT64_C(1) << WORLD_DATA, "vars.n == 1", "vars.n == 1", "before.n == data.n",
	      "before.n == data.n", "data.n == 1");
	ck_assert_uint_eq(s.cells, 1); /* data.n */
	for (size_t i = 0; i < s.count; i++) {
		root = s.programs[i]->node_count - 1;
		ck_assert(cel_part_is_shared(s.programs[i], root, ALL));
		ck_assert_int_eq(cel_part_is_shared(s.programs[i], root, UINT64_C(1) << WORLD_DATA),
				 i == 4);
	}
	finish(&s);
}
END_TEST

/* A macro's own names hide others, and never get out. */
START_TEST(names_of_macros)
{
	struct shared s;

	SHARE(&s, ALL, "data.l.all(data, data == 1 || data == 2)",
	      "data.l.exists(x, data.l.exists(y, x == y && y == 2)) && data.n == 1",
	      "data.l.exists(x, data.m.exists(y, x == y && y == 2)) && data.n == 1",
	      "data.l.map(x, x + 1).exists(x, x == 3)", "cel.bind(x, data.n, x == 1)",
	      "cel.bind(x, 2, data.l.exists(y, y == x))", "data.l.exists(y, y == data.n)",
	      "cel.bind(data, {'n': 7}, data.n == 1)");
	s.w.data = json_value(&s.w, "{\"n\": 1, \"l\": [1, 2], \"m\": [3]}");
	same_as_plain(&s);
	s.w.data = json_value(&s.w, "{\"n\": 7, \"l\": [1], \"m\": [2]}");
	same_as_plain(&s);
	finish(&s);
}
END_TEST

/* What was found in a memo is charged: whether a program ends in its budget must not depend on
 * who came before. */
START_TEST(budgets_are_the_same)
{
	struct shared s;
	struct buf json;

	SHARE(&s, ALL, "data.l.all(i, i >= 0)", "data.l.all(i, i >= 0) && data.l.all(i, i >= 0)",
	      "data.l.all(i, i >= 0) && data.l.all(i, i > -1)",
	      "default(data.l.all(i, i >= 0) && data.l.all(i, i > -1), true)",
	      "data.l.all(i, i >= 0) && data.n == 1");
	buf_init(&json, MIB);
	buf_str(&json, "{\"n\": 1, \"l\": [0");
	for (int i = 0; i < 20000; i++)
		buf_str(&json, ",1");
	buf_str(&json, "]}");
	s.w.data = json_value(&s.w, buf_cstr(&json));
	same_as_plain(&s);
	buf_fini(&json);
	finish(&s);
}
END_TEST

UNIT_MAIN("cel_share", values_are_computed_once, errors_are_not_kept, moments_are_apart,
	  other_variables_are_not_shared, names_of_macros, budgets_are_the_same)
