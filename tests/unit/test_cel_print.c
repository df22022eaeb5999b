/* SPDX-License-Identifier: Apache-2.0
 *
 * Trees as text: what it looks like, and that parsing it gives the same tree. */
#include "tests/unit/test_cel_tree.h"
#include "tests/unit/unit_main.h"

#define BUDGET (16 * MIB)

struct print_row {
	const char *text, *printed;
};

static struct arena *arena;
static struct buf out;

static void setup(void)
{
	arena = arena_new("test", BUDGET);
	ck_assert_ptr_nonnull(arena);
	buf_init(&out, MIB);
}

static void teardown(void)
{
	buf_fini(&out);
	arena_free(arena);
}

static struct cel_ast *parsed(struct text text)
{
	struct cel_issue issue = { 0 };
	uint32_t nodes;
	struct cel_ast *tree = cel_parse(arena, text, true, &nodes, &issue);

	ck_assert_msg(tree != NULL, "%.*s: %s", TEXT_ARG(text), issue.what);
	return tree;
}

static void check_rows(const struct print_row *rows)
{
	for (; rows->text != NULL; rows++) {
		struct cel_ast *tree = parsed(text_of(rows->text));

		buf_clear(&out);
		cel_print(&out, tree);
		ck_assert_str_eq(buf_cstr(&out), rows->printed);
		ck_assert_msg(tree_same(tree, parsed(buf_view(&out))), "%s", rows->text);
	}
}

START_TEST(literals)
{
	static const struct print_row rows[] = {
		{ "0x1f", "31" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "18446744073709551615U", "18446744073709551615u" },
		{ "1e3", "1000.0" },
		{ "1e300", "1e+300" },
		{ ".1", "0.1" },
		{ "4.9406564584124654e-324", "4.94065645841247e-324" },
		{ "r'a\\b' ", "\"a\\\\b\"" },
		{ "'\\u0000\\x7f\"'", "\"\\u0000\x7f\\\"\"" },
		{ "b'\\xff\\000a\"\\\\'", "b\"\\xff\\x00a\\x22\\x5c\"" },
		{ "[ true,null, ]", "[true, null]" },
		{ "{1:2,'a':[{}]}", "{1: 2, \"a\": [{}]}" },
		{ NULL, NULL },
	};

	check_rows(rows);
}
END_TEST

/* Parentheses stand where the tree needs them and nowhere else. */
START_TEST(operators)
{
	static const struct print_row rows[] = {
		{ "(a+b)+(c+d)", "a + b + (c + d)" },
		{ "a - (b - c) - d", "a - (b - c) - d" },
		{ "(a*b)+c", "a * b + c" },
		{ "a*(b+c)", "a * (b + c)" },
		{ "(a<b)<(c<d)", "a < b < (c < d)" },
		{ "a||(b||c)||d&&e", "a || (b || c) || d && e" },
		{ "(a||b)&&!(c&&d)", "(a || b) && !(c && d)" },
		{ "(a?b:c)?(d?e:f):(g?h:i)", "(a ? b : c) ? d ? e : f : g ? h : i" },
		{ "a ? b : c || d", "a ? b : c || d" },
		{ "(a ? b : c) || d", "(a ? b : c) || d" },
		{ "!!-a", "!!-a" },
		{ "-(-1)", "--1" },
		{ "-(1)", "-(1)" },
		{ "-(1u)", "-1u" },
		{ "-(1).a[0].f()", "-(1.a[0].f())" },
		{ "-1.a", "-1.a" },
		{ "-(1+2).a", "-(1 + 2).a" },
		{ "1 - -1", "1 - -1" },
		{ "(a in b) in [c]", "a in b in [c]" },
		{ NULL, NULL },
	};

	check_rows(rows);
}
END_TEST

START_TEST(members_and_macros)
{
	static const struct print_row rows[] = {
		{ "a . b [ c ] . d ( e , f )", "a.b[c].d(e, f)" },
		{ ".a.b", ".a.b" },
		{ ".f(.a)", ".f(.a)" },
		{ "(a+b).c", "(a + b).c" },
		{ "(!a).c", "(!a).c" },
		{ "a.`b-c`.`in`.`d`", "a.`b-c`.`in`.d" },
		{ "has(a.b.`c d`)", "has(a.b.`c d`)" },
		{ "a.all(x,x>1)", "a.all(x, x > 1)" },
		{ "a.existsOne(x,true)", "a.exists_one(x, true)" },
		{ "a.map(x,x>1,x*2).filter(y,y ? z : w)",
		  "a.map(x, x > 1, x * 2).filter(y, y ? z : w)" },
		{ "default(a.b,0)", "default(a.b, 0)" },
		{ "a.?b[?c].?`d e`[?'f']", "a.?b[?c].?`d e`.?f" },
		{ "a[?'b\"']", "a[?\"b\\\"\"]" },
		{ "-(1).?a", "-(1.?a)" },
		{ "[?a,b,?.c]", "[?a, b, ?.c]" },
		{ "{?'a':b,1:2}", "{?\"a\": b, 1: 2}" },
		{ "a.all(k,v,k==v)", "a.all(k, v, k == v)" },
		{ "a.transformList(i,v,i>0,v)", "a.transformList(i, v, i > 0, v)" },
		{ "a.transformMap(k,v,v).transformMapEntry(k,v,{k:v})",
		  "a.transformMap(k, v, v).transformMapEntry(k, v, {k: v})" },
		{ "a.sortBy(x,-x).optMap(x,x).optFlatMap(x,x)",
		  "a.sortBy(x, -x).optMap(x, x).optFlatMap(x, x)" },
		{ "cel.bind(x,1,x+x)", "cel.bind(x, 1, x + x)" },
		{ "-cel.bind(x,1,x)", "-cel.bind(x, 1, x)" },
		{ "cel.block([1,a],cel.index( 0 ).map(cel.iterVar(0,1),cel.iterVar(0,1)))",
		  "cel.block([1, a], cel.index(0).map(cel.iterVar(0, 1), cel.iterVar(0, 1)))" },
		{ "cel.block([],1)", "cel.block([], 1)" },
		{ NULL, NULL },
	};

	check_rows(rows);
}
END_TEST

/* ---- Generated trees ---- */

struct gen {
	uint64_t state;
	int left; /* nodes that may still be made */
};

static uint32_t pick(struct gen *g, uint32_t n)
{
	g->state = g->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(g->state >> 33) % n;
}

static struct cel_ast *make(struct gen *g, int depth);

static struct cel_ast *node(struct gen *g, enum cel_ast_kind kind, uint32_t kids, int depth)
{
	struct cel_ast *n = arena_zero(arena, sizeof(*n));

	n->kind = (uint8_t)kind;
	n->count = kids;
	n->kids = arena_array(arena, kids + 1, sizeof(*n->kids));
	for (uint32_t i = 0; i < kids; i++)
		n->kids[i] = make(g, depth - 1);
	return n;
}

static struct text make_name(struct gen *g)
{
	static const char *const names[] = { "a", "b1", "_c", "data", "inn", "e5" };

	return text_of(names[pick(g, 6)]);
}

/* A name for a variable: blocks have their own. */
static struct text make_variable(struct gen *g)
{
	return pick(g, 8) > 0 ? make_name(g)
			      : text_of(pick(g, 2) == 0 ? "cel.index(3)" : "cel.iterVar(0, 12)");
}

static struct cel_ast *make_literal(struct gen *g)
{
	static const char *const texts[] = { "", "a\"b\\c", "\n\t\x01", "\xc3\xbc`'", "x" };
	static const double doubles[] = { 0.0, 0.1, 1e22, 1.5e-310, 123456789012345678.0 };
	struct cel_ast *n = node(g, CEL_AST_LITERAL, 0, 0);

	switch (pick(g, 7)) {
	case 0:
		n->value = value_int((int64_t)pick(g, 20) - 10);
		break;
	case 1:
		n->value = value_uint(pick(g, 20));
		break;
	case 2:
		n->value = value_double(doubles[pick(g, 5)]);
		break;
	case 3:
		n->value = value_text(text_of(texts[pick(g, 5)]));
		break;
	case 4:
		n->value = value_text(text_of(texts[pick(g, 5)]));
		n->value.kind = VALUE_BYTES;
		break;
	case 5:
		n->value = value_bool(pick(g, 2) == 0);
		break;
	default:
		n->value = value_null();
	}
	return n;
}

static struct cel_ast *make_leaf(struct gen *g)
{
	struct cel_ast *n;

	if (pick(g, 2) == 0)
		return make_literal(g);
	n = node(g, CEL_AST_NAME, 0, 0);
	n->root = pick(g, 5) == 0;
	n->name = n->root ? make_name(g) : make_variable(g);
	return n;
}

static struct cel_ast *make_call(struct gen *g, int depth)
{
	uint32_t kids = pick(g, 4);
	struct cel_ast *n = node(g, CEL_AST_CALL, kids, depth);

	n->name = make_name(g);
	n->member = kids > 0 && pick(g, 2) == 0;
	n->root = !n->member && pick(g, 4) == 0;
	return n;
}

static bool may_filter(const struct cel_ast *loop)
{
	return loop->loop == CEL_LOOP_MAP || loop->loop == CEL_LOOP_MAP_VALUES ||
	       loop->loop == CEL_LOOP_MAP_ENTRIES;
}

static bool may_have_two_names(const struct cel_ast *loop)
{
	return loop->loop <= CEL_LOOP_MAP;
}

static bool needs_two_names(const struct cel_ast *loop)
{
	return loop->loop == CEL_LOOP_MAP_VALUES || loop->loop == CEL_LOOP_MAP_ENTRIES;
}

static struct cel_ast *make_loop(struct gen *g, int depth)
{
	struct cel_ast *n = node(g, CEL_AST_LOOP, 3, depth);

	n->loop = (uint8_t)pick(g, CEL_LOOP_OPTIONAL_FLAT_MAP + 1);
	if (!may_filter(n) || pick(g, 2) == 0)
		n->count = 2;
	n->name = make_variable(g);
	if (needs_two_names(n) || (may_have_two_names(n) && pick(g, 2) == 0))
		n->second = TEXT("second");
	return n;
}

/* cel.bind and cel.block. */
static struct cel_ast *make_bind(struct gen *g, int depth)
{
	bool block = pick(g, 2) == 0;
	struct cel_ast *n = node(g, CEL_AST_LOOP, block ? 1 + pick(g, 3) : 2, depth);

	n->loop = CEL_LOOP_BIND;
	n->name = block ? TEXT_NONE : make_variable(g);
	return n;
}

/* Some items of a list, or values of a map, may be none. */
static struct cel_ast *with_maybes(struct gen *g, struct cel_ast *n)
{
	uint32_t step = n->kind == CEL_AST_MAP ? 2 : 1;

	for (uint32_t i = step - 1; i < n->count; i += step) {
		struct cel_ast *maybe;

		if (pick(g, 3) > 0)
			continue;
		maybe = node(g, CEL_AST_MAYBE, 1, 0);
		maybe->kids[0] = n->kids[i];
		n->kids[i] = maybe;
	}
	return n;
}

static struct cel_ast *make_field(struct gen *g, int depth)
{
	static const char *const fields[] = { "a", "in", "true", "x-y", "a b/c.d", "as", "0" };
	struct cel_ast *n = node(g, pick(g, 3) == 0 ? CEL_AST_HAS : CEL_AST_SELECT, 1, depth);

	n->name = text_of(fields[pick(g, 7)]);
	return n;
}

static struct cel_ast *make_binary(struct gen *g, int depth)
{
	struct cel_ast *n = node(g, CEL_AST_BINARY, 2, depth);

	n->op = (uint8_t)pick(g, CEL_OP_IN + 1);
	return n;
}

static struct cel_ast *make(struct gen *g, int depth)
{
	if (depth <= 0 || --g->left <= 0)
		return make_leaf(g);
	switch (pick(g, 15)) {
	case 0:
		return make_call(g, depth);
	case 1:
		return make_loop(g, depth);
	case 2:
		return make_field(g, depth);
	case 3:
		return node(g, CEL_AST_INDEX, 2, depth);
	case 4:
		return with_maybes(g, node(g, CEL_AST_LIST, pick(g, 4), depth));
	case 5:
		return with_maybes(g, node(g, CEL_AST_MAP, 2 * pick(g, 3), depth));
	case 6:
		return node(g, CEL_AST_CHOOSE, 3, depth);
	case 7:
		return node(g, pick(g, 2) == 0 ? CEL_AST_AND : CEL_AST_OR, 2 + pick(g, 2), depth);
	case 8:
		return node(g, CEL_AST_NOT, 1, depth);
	case 9:
		return node(g, CEL_AST_NEGATE, 1, depth);
	case 10:
		return node(g, CEL_AST_OPTIONAL_INDEX, 2, depth);
	case 11:
		return make_bind(g, depth);
	default:
		return make_binary(g, depth);
	}
}

/* -(5) as a tree is the literal -5 once printed and parsed, unless the printer
 * keeps them apart; so are all the other ways in which text can grow together. */
START_TEST(generated_trees_survive)
{
	for (uint64_t seed = 1; seed <= 20000; seed++) {
		struct gen g = { .state = seed * 0x9e3779b97f4a7c15u, .left = 60 };
		struct cel_ast *tree;

		arena_reset(arena);
		buf_clear(&out);
		tree = make(&g, 9);
		cel_print(&out, tree);
		ck_assert_msg(tree_same(tree, parsed(buf_view(&out))), "seed %llu: %s",
			      (unsigned long long)seed, buf_cstr(&out));
	}
}
END_TEST

/* The text nests no deeper than what it was made from, at the limit too. */
START_TEST(deepest)
{
	char text[2 * LIMIT_EXPR_DEPTH];
	size_t n = LIMIT_EXPR_DEPTH - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = '[';
	text[n] = '1';
	memset(text + n + 1, ']', n);
	ck_assert_ptr_null(tree_lost(arena, &out, (struct text){ text, 2 * n + 1 }, true));
	ck_assert_uint_eq(out.n, 2 * n + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_print");
	TCase *cases = tcase_create("cel_print");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, UNIT_TIMEOUT);
	tcase_add_test(cases, literals);
	tcase_add_test(cases, operators);
	tcase_add_test(cases, members_and_macros);
	tcase_add_test(cases, generated_trees_survive);
	tcase_add_test(cases, deepest);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
