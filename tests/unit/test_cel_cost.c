/* SPDX-License-Identifier: Apache-2.0
 *
 * Estimates of what expressions cost: never below what an evaluation takes over
 * data of the assumed sizes, never overflowing, and pointing at the part to
 * change. And the budget: data that is larger than assumed is stopped by it. */
#include "engine/cel/cost.h"

#include "tests/unit/test_cel_world.h"
#include "tests/unit/unit_main.h"

#define ITEMS LIMIT_COST_ITEMS
#define BYTES LIMIT_COST_TEXT

struct costs {
	struct cel_world world;
	struct arena *scratch;
};

static void costs_init(struct costs *c)
{
	world_init(&c->world);
	c->scratch = arena_new("costs", 8 * MIB);
	ck_assert_ptr_nonnull(c->scratch);
}

static void costs_fini(struct costs *c)
{
	arena_free(c->scratch);
	world_fini(&c->world);
}

/* A text of n bytes that differs from its like in its last one only. */
static struct value long_text(struct arena *arena, size_t n, char last)
{
	char *s = arena_alloc(arena, n);

	ck_assert_ptr_nonnull(s);
	memset(s, 'a', n);
	s[n - 1] = last;
	return value_text((struct text){ s, n });
}

static struct value texts(struct arena *arena, size_t n, size_t bytes, char last)
{
	struct value_list_builder b;

	value_list_begin(&b, arena);
	for (size_t i = 0; i < n; i++)
		value_list_add(&b, long_text(arena, bytes, last));
	return value_list_end(&b);
}

static struct value numbers(struct arena *arena, size_t n)
{
	struct value_list_builder b;

	value_list_begin(&b, arena);
	for (size_t i = 0; i < n; i++)
		value_list_add(&b, value_int((int64_t)i));
	return value_list_end(&b);
}

static struct value objects(struct arena *arena, size_t n)
{
	struct value_list_builder b;

	value_list_begin(&b, arena);
	for (size_t i = 0; i < n; i++) {
		struct value_map_builder m;

		value_map_begin(&m, arena);
		value_map_set(&m, "n", value_int((int64_t)i));
		value_map_set(&m, "t", long_text(arena, BYTES, 'y'));
		value_map_set(&m, "l", texts(arena, n, BYTES, 'z'));
		value_map_set(&m, "k", numbers(arena, n));
		value_list_add(&b, value_map_end(&m));
	}
	return value_list_end(&b);
}

static struct value object(struct arena *arena, size_t n)
{
	struct value_map_builder m;

	value_map_begin(&m, arena);
	for (size_t i = 0; i < n; i++) {
		char *key = arena_alloc(arena, BYTES);

		ck_assert_ptr_nonnull(key);
		memset(key, 'k', BYTES);
		key[0] = (char)('0' + i % 64);
		value_map_add(&m, value_text((struct text){ key, BYTES }),
			      long_text(arena, BYTES, 'v'));
	}
	return value_map_end(&m);
}

/* Data of the assumed sizes, or larger: l, j texts; k numbers; o objects with n, t, l, k; m a map;
 * t, u texts; n, d numbers; big a text of `bytes`. */
static void fill(struct costs *c, size_t items, size_t bytes)
{
	struct arena *arena = c->world.arena;
	struct value_map_builder m;

	value_map_begin(&m, arena);
	value_map_set(&m, "l", texts(arena, items, BYTES, 'l'));
	value_map_set(&m, "j", texts(arena, items, BYTES, 'j'));
	value_map_set(&m, "k", numbers(arena, items));
	value_map_set(&m, "o", objects(arena, ITEMS));
	value_map_set(&m, "m", object(arena, ITEMS));
	value_map_set(&m, "t", long_text(arena, BYTES, 't'));
	value_map_set(&m, "u", long_text(arena, BYTES, 'u'));
	value_map_set(&m, "n", value_int(7));
	value_map_set(&m, "d", value_double(7.5));
	value_map_set(&m, "at", value_text(TEXT("2026-11-23T08:00:00Z")));
	value_map_set(&m, "zone", value_text(TEXT("Europe/Berlin")));
	value_map_set(&m, "big", long_text(arena, bytes, 'b'));
	c->world.data = value_map_end(&m);
	ck_assert(!arena_failed(arena));
}

static const struct cel_program *compiled(struct costs *c, struct arena *arena, const char *expr)
{
	const struct cel_program *program;
	struct cel_issue issue;

	ck_assert_msg(cel_compile(c->world.env, arena, text_of(expr), &program, &issue) == FATE_OK,
		      "%s: %s", expr, issue.what);
	return program;
}

static struct cel_cost cost_of(struct costs *c, const char *expr)
{
	static struct text kept; /* the program's text dies with the arena */
	struct cel_cost cost;

	arena_reset(c->scratch);
	ck_assert(cel_cost(compiled(c, c->scratch, expr), c->scratch, LIMIT_EVAL_STEPS, &cost));
	kept = (struct text){ expr + cost.offset, cost.text.n };
	ck_assert(text_eq(kept, cost.text));
	cost.text = kept;
	return cost;
}

/* ---- Never below ---- */

static void never_below(struct costs *c, const char *expr)
{
	struct cel_vars vars = { world_lookup, &c->world };
	const struct cel_program *program;
	struct cel_cost cost;
	struct value v;
	int64_t steps;

	arena_reset(c->scratch);
	program = compiled(c, c->scratch, expr);
	ck_assert(cel_cost(program, c->scratch, LIMIT_EVAL_STEPS, &cost));
	v = cel_eval_counted(program, c->scratch, &vars, &steps);
	ck_assert_msg(v.kind != VALUE_ERROR || steps > LIMIT_EVAL_STEPS, "%s: %.*s", expr,
		      TEXT_ARG(value_as_text(v)));
	ck_assert_msg(cost.steps >= (uint64_t)steps, "%s: estimated %llu, took %lld", expr,
		      (unsigned long long)cost.steps, (long long)steps);
	/* An estimate without any relation to the work would be no use. */
	ck_assert_msg(cost.steps <= (uint64_t)steps * 400 + 4000, "%s: estimated %llu, took %lld",
		      expr, (unsigned long long)cost.steps, (long long)steps);
}

static const char *const lists[] = { "data.l",
				     "data.j",
				     "data.k",
				     "data.o",
				     "data.o[3].l",
				     "(data.l + data.j)",
				     "data.l.map(q, q)",
				     "data.o.map(q, q.t)",
				     "data.k.filter(q, q >= 0)",
				     "data.k.map(q, q > 3, q + 1)",
				     "[1, 2, 3]",
				     "['a', data.t, data.u]",
				     "data.m.map(q, q)",
				     "(true ? data.l : [data.t])",
				     "default(data.missing, data.l)",
				     "data['l']" };

static const char *const bodies[] = {
	"x == data.t",
	"x != data.n || x == data.u",
	"data.l + [] == [] + data.j || data.n == x",
	"x in data.l || x in data.j",
	"x in data.k",
	"type(x) == type(data.t)",
	"has(data.t) && has(data.u)",
	"data.t.contains('b') || data.u.startsWith(data.t)",
	"data.t.matches('^b+$') && data.u.endsWith('q')",
	"data.t + data.u == data.u + data.t",
	"size(data.t) + size(data.l) == 1",
	"data.m.map(y, y) == data.m.map(y, y)",
	"!(data.n > 8) && -data.n < data.n * 2 + 1",
	"data.o[data.n].n == 7",
	"[data.n, data.t] == [data.n, data.t]",
	"{'a': x, data.t: data.u}.size() == 2",
	"data.t.substring(3, 100) == data.u.substring(3)",
	"timestamp(data.at).getHours(data.zone) > 1",
	"timestamp(data.at).getFullYear('Europe/Berlin') > 1",
	"date(timestamp(data.at), data.zone) + date(data.at, 'UTC') != data.t",
	"fmt(timestamp(data.at), '%A, %e %B %Y %T %z', data.zone) + fmt(data.at, '%F') != data.t",
	"money(data.n, 'EUR') + data.t != data.u",
	"data.k.sum() + sum(data.k) > round(double(data.n), 2)",
	"duration('1h') + duration('2m') > duration('3s')",
	"changed('t') == 'x'",
	"data.m.exists(y, y == data.t)",
	"data.m.transformMap(k, y, y + data.t).size() == 3",
	"data.m.transformMapEntry(k, y, {k: y, k + k: k}).size() == 2",
	"data.k.exists(y, y == 100)",
	"data.l.all(y, y == x || y != x)",
	"data.l.exists_one(y, y == 'q')",
	"data.l.filter(y, y < data.t || true).size() == 3",
	"int(data.d) + int('12') > 2",
	"data.m.map(y, data.m[y]).size() == 3"
};

static const char loop_words[][12] = { "exists", "filter", "map", "exists_one" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(never_below_the_work)
{
	struct costs c;
	char expr[600];

	costs_init(&c);
	fill(&c, ITEMS, BYTES);
	for (size_t l = 0; l < COUNT(lists); l++) {
		never_below(&c, lists[l]);
		for (size_t b = 0; b < COUNT(bodies); b++) {
			/* None is true for all, so every one goes round to the end. */
			snprintf(expr, sizeof(expr), "%s.%s(x, (%s) && false)", lists[l],
				 loop_words[(l + b) % COUNT(loop_words)], bodies[b]);
			never_below(&c, expr);
		}
	}
	costs_fini(&c);
}
END_TEST

START_TEST(never_below_by_itself)
{
	static const char *const exprs[] = {
		"data.l.join()",
		"data.l.join(', ')",
		"(data.l + data.j).join(data.t)",
		"data.l.map(x, x + data.t).join(data.u)",
		"data.l.map(x, data.k.map(y, x)).size()",
		"data.l.map(x, data.j.map(y, x + y))",
		"data.l.map(x, data.k.map(y, y)) == data.l.map(x, data.k.map(y, y))",
		"data.o.map(x, x.l).exists(x, x.exists(y, y == 'q'))",
		"data.o.exists(x, data.o.exists(y, x.n == y.n && x.t == 'q'))",
		"data.t.matches(data.u)",
		"data.l.map(x, x.matches(x + '|' + data.t))",
		"data.t + data.t + data.t + data.t == data.u + data.u",
		"bytes(data.t) == bytes(data.t)",
		"[data.t, data.u] in [[data.u], [data.t, data.t]]",
		"data.t in [data.u, data.t]",
		"data.l.flatten()",
		"cel.bind(q, data.l.map(x, x + data.t), q.exists(y, y == data.t) || q.size() == 1)",
		"data.l.all(x, cel.bind(q, data.l.map(y, y), q.size() == 64))",
		"data.o.all(i, x, i == x.n && data.l.exists(y, y != x.t))",
		"data.m.exists(k, v, k == v)",
		"data.l.transformList(i, x, i > 3, x + data.t).join()",
		"data.m.transformMap(k, v, v + k)",
		"data.m.transformMap(k, v, v + k).exists(k, v, v == data.t)",
		"data.l.transformMapEntry(i, x, {string(i): x, string(i) + '-': x})",
		"data.?l.orValue([]).exists(x, x == 'q')",
		"data.?l.optMap(x, x + x).orValue([]).exists(x, x == 'q')",
		"data.?missing.or(optional.of(data.l)).value().exists(x, x == 'q')",
		"data.l[?3].optFlatMap(x, optional.of(x)).hasValue()",
		"[?data.?t, ?data.l[?200], data.u].exists(x, x == 'q')",
		"{?'a': data.?t}.exists(k, k == 'q')",
		"data.l.first().value() + data.l.last().orValue('x')",
		"optional.unwrap(data.l.map(x, optional.of(x))).exists(x, x == 'q')",
		"data.o.map(x, x.l).flatten().size()",
		"data.o.map(x, x.l).flatten(2).exists(y, y == 'q')",
		"[[data.l], [data.j]].flatten(1).size()",
		"lists.range(1000).exists(x, x == data.n - 8)",
		"lists.range(data.n).map(x, [x]).flatten()",
		"data.l.sort()",
		"data.o.map(x, x.t).sort().size()",
		"data.k.map(x, 0 - x).sort()",
		"data.o.sortBy(x, x.n).size()",
		"data.o.sortBy(x, x.t).size()",
		"data.l.reverse().slice(2, 5)",
		"data.l.distinct()",
		"data.k.distinct().size()",
		"sets.contains(data.l, data.j)",
		"sets.equivalent(data.l, data.l)",
		"sets.intersects(data.k, data.k.map(x, x + 1000))",
		"math.greatest(data.k) + math.least(data.k.map(x, x * 2))",
		"math.abs(data.n) + math.greatest(1, data.n, 3)",
		"data.o.map(x, math.least(data.k) + math.greatest(data.k))",
		"data.t.split('').exists(x, data.u.split('').exists(y, false))",
		"data.j.join(data.u) in data.m",
		"data.t.lowerAscii() + data.u.upperAscii()",
		"data.t.trim() + '  x  '.trim()",
		"data.t.reverse() == data.u.reverse()",
		"data.t.replace('a', 'bc')",
		"data.t.replace('a', data.u)",
		"data.t.replace('', data.u)",
		"data.t.replace('aaaa', data.u, 3)",
		"data.t.indexOf('t') + data.t.lastIndexOf('q')",
		"data.t.charAt(200) == 'a'",
		"(data.t + '/' + data.u).split('/')",
		"data.t.split('a', 9)",
		"strings.quote(data.t)",
		"base64.encode(bytes(data.t))",
		"base64.decode(base64.encode(bytes(data.t)))",
		"'%s and %d and %s'.format([data.t, data.n, data.k + []])",
		"'%s'.format([data.l + []])",
		"'%s %.3f %e'.format([{'a': data.t, 'b': [data.d]}, data.d, data.d])",
		"data.l.map(x, '%s'.format([x])).join(', ').size()",
		"ip('10.0.0.1') == ip('10.0.0.2')",
		"cidr('10.0.0.0/8').containsIP('10.1.2.3') && isIP('x' + string(data.n)) == false",
		"cidr('10.0.0.0/8').masked().prefixLength() + ip('::1').family()",
		"data.t in data.m",
		"(data.t + data.u).contains(data.t + 'x')",
	};
	struct costs c;

	costs_init(&c);
	fill(&c, ITEMS, BYTES);
	for (size_t i = 0; i < COUNT(exprs); i++)
		never_below(&c, exprs[i]);
	costs_fini(&c);
}
END_TEST

/* ---- What it says ---- */

START_TEST(nesting_is_priced)
{
	struct costs c;
	struct cel_cost cost;

	costs_init(&c);
	cost = cost_of(&c, "data.a.exists(x, x.id == 5 && x.name != data.name)");
	ck_assert_uint_lt(cost.steps, 2000);
	ck_assert_uint_eq(cost.loops, 1);
	cost = cost_of(&c, "data.a.exists(x, data.b.exists(y, x.id == y.id && x.n != y.n))");
	ck_assert_uint_gt(cost.steps, ITEMS * ITEMS);
	ck_assert_uint_le(cost.steps, LIMIT_EVAL_STEPS);
	cost = cost_of(&c, "data.n > 1 && data.a.exists(x, data.b.exists(y, "
			   "data.c.exists(z, x == y && y == z)))");
	ck_assert_uint_gt(cost.steps, LIMIT_EVAL_STEPS);
	ck_assert_uint_eq(cost.loops, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(cost.items[i], ITEMS);
	ck_assert_uint_eq(cost.offset, strlen("data.n > 1 && "));
	ck_assert(text_starts(cost.text, TEXT("data.a.exists(x, data.b")));
	ck_assert(text_ends(cost.text, TEXT(")))")));
	ck_assert_uint_le(cost.part_steps, cost.steps);
	costs_fini(&c);
}
END_TEST

START_TEST(the_costly_part_is_named)
{
	static const struct {
		const char *expr, *part;
		uint32_t loops;
	} rows[] = {
		{ "data.x == 1 || data.a.all(x, data.b.all(y, data.c.all(z, z > x + y)))",
		  "data.a.all(x, data.b.all(y, data.c.all(z, z > x + y)))", 3 },
		/* What is gone over, not the loop over it. */
		{ "data.a.map(x, data.b.map(y, data.c.map(z, z))).exists(q, size(q) == 1)",
		  "data.a.map(x, data.b.map(y, data.c.map(z, z)))", 3 },
		/* Names go over nothing. */
		{ "cel.bind(q, data.t + 'x', data.a.all(x, data.b.all(y, data.c.all(z, z > x + "
		  "y))))",
		  "data.a.all(x, data.b.all(y, data.c.all(z, z > x + y)))", 3 },
		/* Of two the one that takes more. */
		{ "data.a.all(x, data.b.all(y, y == x)) && data.c.all(x, data.b.all(y, "
		  "data.d.all(z, y == x && z == x)))",
		  "data.c.all(x, data.b.all(y, data.d.all(z, y == x && z == x)))", 3 },
		{ "size(data.a.filter(x, data.b.exists(y, x in data.c && y in data.d))) > 1",
		  "data.a.filter(x, data.b.exists(y, x in data.c && y in data.d))", 2 },
		{ "size(data.a.map(x, data.b.map(y, x))) == size(data.c.map(x, x))",
		  "data.a.map(x, data.b.map(y, x))", 2 },
		/* Comparing takes more than making what is compared. */
		{ "data.a.map(x, data.b.map(y, x)) == data.c.map(x, data.d.map(y, x))",
		  "data.a.map(x, data.b.map(y, x)) == data.c.map(x, data.d.map(y, x))", 2 },
	};
	struct costs c;

	costs_init(&c);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cel_cost cost = cost_of(&c, rows[i].expr);

		ck_assert_msg(text_is(cost.text, rows[i].part), "%s: %.*s", rows[i].expr,
			      TEXT_ARG(cost.text));
		ck_assert_uint_eq(cost.loops, rows[i].loops);
	}
	costs_fini(&c);
}
END_TEST

START_TEST(own_sizes_count)
{
	struct costs c;
	struct buf b;

	costs_init(&c);
	ck_assert_uint_lt(
	    cost_of(&c, "[1, 2].all(x, [3, 4].all(y, [5, 6].all(z, data.a > x + y + z)))").steps,
	    400);
	ck_assert_uint_lt(
	    cost_of(&c, "data.a.exists(x, ['a', 'b'].exists(y, ['c'].exists(z, x == y + z)))")
		.steps,
	    LIMIT_EVAL_STEPS);
	buf_init(&b, MIB);
	buf_char(&b, '[');
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%s%d", i > 0 ? "," : "", i);
	buf_str(&b, "].all(x, [1, 2, 3].all(y, data.a != x + y))");
	ck_assert_uint_gt(cost_of(&c, buf_cstr(&b)).steps, 15000);
	buf_fini(&b);
	costs_fini(&c);
}
END_TEST

/* More loops than any number holds the product of. */
START_TEST(it_saturates)
{
	struct costs c;
	struct cel_cost cost;
	struct buf b;

	costs_init(&c);
	buf_init(&b, MIB);
	for (int i = 0; i < 30; i++)
		buf_printf(&b, "data.a.map(x%d, ", i);
	buf_str(&b, "data.t");
	for (int i = 0; i < 30; i++)
		buf_char(&b, ')');
	cost = cost_of(&c, buf_cstr(&b));
	ck_assert(cost.steps == CEL_COST_MAX);
	ck_assert_uint_eq(cost.loops, 30);
	ck_assert_uint_eq(cost.items[CEL_COST_LOOPS - 1], ITEMS);
	buf_clear(&b);
	buf_str(&b, "data.t");
	for (int i = 0; i < 500; i++)
		buf_str(&b, " + data.t");
	ck_assert_uint_gt(cost_of(&c, buf_cstr(&b)).steps, LIMIT_EVAL_STEPS); /* grows each time */
	buf_clear(&b);
	buf_str(&b, "data.a");
	for (int i = 0; i < 15; i++)
		buf_str(&b, ".map(x, data.b.map(y, x))");
	cost = cost_of(&c, buf_cstr(&b));
	ck_assert_uint_gt(cost.steps, ITEMS * ITEMS);
	buf_fini(&b);
	costs_fini(&c);
}
END_TEST

START_TEST(a_small_arena_is_told)
{
	struct arena *none = arena_new("none", 8);
	struct cel_cost cost;
	struct costs c;

	costs_init(&c);
	ck_assert(!cel_cost(compiled(&c, c.scratch, "data.a.map(x, [x])"), none, 1, &cost));
	arena_free(none);
	costs_fini(&c);
}
END_TEST

/* ---- The budget ---- */

static bool stopped(struct text error)
{
	return text_is(error, "the evaluation takes too many steps") ||
	       text_is(error, "the evaluation takes too much memory") ||
	       text_starts(error, TEXT("a text of more than 1048576 bytes"));
}

START_TEST(explosions_are_stopped)
{
	static const char *const exprs[] = {
		"data.k.all(x, data.k.all(y, x + y >= 0))",
		"data.k.map(x, data.k.map(y, [x, y]))",
		"data.k.exists(x, data.l == data.j && false)",
		"data.k.exists(x, data.big == data.big + 'x')",
		"data.k.exists(x, bytes(data.big) == bytes(data.big + 'x') || x < 0)",
		"data.k.exists(x, data.big in data.m)",
		"data.k.exists(x, {data.big: x}.size() == 2)",
		"data.k.exists(x, data.m[data.big] == x)",
		"data.k.exists(x, data.big.contains('x' + string(x)))",
		"data.k.exists(x, data.big.matches('^(a|b)*c$'))",
		"data.k.exists(x, size(data.big) == x)",
		"data.k.exists(x, data.l.join(data.big) == '')",
		"data.k.map(x, data.l + data.l)",
		"data.k.map(x, data.big + data.big)",
		"data.k.exists(x, data.big.substring(1000) == '')",
		"data.k.exists(x, x in data.l)",
		"data.k.exists(x, data.big.replace('a', data.big) == '')",
		"data.k.exists(x, data.t.replace('', data.big) == '')",
		"data.k.exists(x, '%s%s'.format([data.big, data.l]) == '')",
		"data.k.exists(x, data.big.split('a').size() == x)",
		"data.k.exists(x, data.big.lowerAscii() == '')",
		"data.k.exists(x, lists.range(100000000).size() == x)",
		"data.k.map(x, data.l).flatten().sort().size()",
		"data.k.exists(x, sets.contains(data.l, data.j) || data.j.distinct() == data.l)",
		"data.k.exists(x, base64.encode(bytes(data.big)) == '')",
		"default(data.k.map(x, data.k.map(y, y)), 1) == 1 || true",
	};
	struct cel_vars vars;
	struct costs c;

	costs_init(&c);
	fill(&c, 2000, 4 * MIB);
	vars = (struct cel_vars){ world_lookup, &c.world };
	for (size_t i = 0; i < COUNT(exprs); i++) {
		int64_t steps;
		struct value v;

		arena_reset(c.scratch);
		v = cel_eval_counted(compiled(&c, c.scratch, exprs[i]), c.scratch, &vars, &steps);
		ck_assert_int_eq(v.kind, VALUE_ERROR);
		ck_assert_msg(stopped(value_as_text(v)), "%s: %.*s", exprs[i],
			      TEXT_ARG(value_as_text(v)));
	}
	costs_fini(&c);
}
END_TEST

/* Backtracking over this would outlast the sun. */
START_TEST(patterns_take_linear_time)
{
	struct cel_vars vars;
	struct costs c;
	int64_t steps, more;
	struct value v;

	costs_init(&c);
	fill(&c, 1, MIB + 1);
	vars = (struct cel_vars){ world_lookup, &c.world };
	v = cel_eval_counted(compiled(&c, c.scratch, "data.big.matches('(a+)+$')"), c.scratch,
			     &vars, &steps);
	ck_assert(v.kind == VALUE_BOOL && !v.b);
	ck_assert_int_ge(steps, MIB / 32);
	ck_assert_int_le(steps, MIB / 32 + 10);
	v = cel_eval_counted(compiled(&c, c.scratch, "data.big.matches('(a+)+b$')"), c.scratch,
			     &vars, &more);
	ck_assert(v.kind == VALUE_BOOL && v.b);
	ck_assert_int_eq(steps, more);
	costs_fini(&c);
}
END_TEST

UNIT_MAIN("cel_cost", never_below_the_work, never_below_by_itself, nesting_is_priced,
	  the_costly_part_is_named, own_sizes_count, it_saturates, a_small_arena_is_told,
	  explosions_are_stopped, patterns_take_linear_time)
