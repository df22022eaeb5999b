/* SPDX-License-Identifier: Apache-2.0
 *
 * parser - langdef.md's grammar by recursive descent with precedence climbing.
 *
 * I1  Recursion is bounded by LIMIT_EXPR_DEPTH; chains (a.b.c, a + b + c,
 *     a && b, c ? x : d ? y : z) are loops, and cel_check bounds the depth of the
 *     tree they make.
 * I2  No more than LIMIT_EXPR_NODES nodes are made.
 * I3  The first mistake ends it: NULL travels up, the issue is filled. */
#include "engine/cel/ast.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/cel/lexer.h"

struct parser {
	struct cel_lexer lexer;
	struct cel_token now, before; /* the word to read next and the one read last */
	uint32_t depth, nodes;
	bool macros;
};

struct kids {
	struct cel_ast **items;
	uint32_t n, room;
};

static struct cel_ast *parse_expr(struct parser *p);

const char *cel_op_text(enum cel_op op)
{
	static const char *const texts[] = { "+",  "-", "*",  "/", "%",  "==",
					     "!=", "<", "<=", ">", ">=", "in" };

	assert((unsigned)op < sizeof(texts) / sizeof(texts[0]));
	return texts[op];
}

/* ---- Words ---- */

static void advance(struct parser *p)
{
	p->before = p->now;
	p->now = cel_lexer_next(&p->lexer);
}

static bool at_mark(const struct parser *p, char mark)
{
	return p->now.kind == CEL_TOKEN_MARK && p->now.mark == mark;
}

static bool accept(struct parser *p, char mark)
{
	if (!at_mark(p, mark))
		return false;
	advance(p);
	return true;
}

static struct text spelling(const struct parser *p, const struct cel_token *t)
{
	return (struct text){ p->lexer.in.s + t->from, t->to - t->from };
}

static struct text shortened(struct text t)
{
	return text_head(t, 40);
}

/* What another language's word is called here, or "". */
static const char *foreign_word(struct text word)
{
	static const char *const pairs[][2] = {
		{ "and", "use && for and" },
		{ "AND", "use && for and" },
		{ "or", "use || for or" },
		{ "OR", "use || for or" },
		{ "not", "use ! for not" },
		{ "NOT", "use ! for not" },
		{ "is", "use == to compare" },
		{ "IS", "use == to compare" },
		{ "IN", "write value in [a, b]" },
		{ "eq", "use == to compare" },
		{ "ne", "use != to compare" },
		{ "like", "use text.matches(\"pattern\")" },
		{ "LIKE", "use text.matches(\"pattern\")" },
		{ "matches", "use text.matches(\"pattern\")" },
		{ "contains", "use text.contains(\"part\")" },
		{ "startsWith", "use text.startsWith(\"part\")" },
		{ "endsWith", "use text.endsWith(\"part\")" },
		{ "between", "write x >= low && x <= high" },
		{ "BETWEEN", "write x >= low && x <= high" },
		{ "then", "use condition ? value : other" },
		{ "if", "use condition ? value : other" },
		{ "let", "name a value with define, or with cel.bind(x, value, expression)" },
		{ "var", "name a value with define, or with cel.bind(x, value, expression)" },
		{ "const", "name a value with define, or with cel.bind(x, value, expression)" },
		{ "for",
		  "write list.exists(x, condition), list.all(x, condition) or list.map(x, y)" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (text_is(word, pairs[i][0]))
			return pairs[i][1];
	}
	return "";
}

static bool is_number(const struct cel_token *t)
{
	return t->kind == CEL_TOKEN_INTEGER ||
	       (t->kind == CEL_TOKEN_LITERAL && t->value.kind == VALUE_DOUBLE);
}

/* What may have been meant by the word at p->now, or the one before it. */
static const char *hint_of(const struct parser *p)
{
	struct text word = spelling(p, &p->now);
	const char *hint = "";

	if (p->now.kind == CEL_TOKEN_NAME && (text_is(word, "not") || text_is(word, "NOT")))
		return "put ! in front, with parentheses: !(value in list)";
	if (p->now.kind == CEL_TOKEN_NAME)
		hint = foreign_word(word);
	if (hint[0] == '\0' && p->before.kind == CEL_TOKEN_NAME)
		hint = foreign_word(spelling(p, &p->before));
	if (hint[0] == '\0' && p->before.kind == CEL_TOKEN_MARK && p->before.mark == '%')
		hint = "% divides and gives the remainder: write a percentage as a plain number";
	if (hint[0] == '\0' && at_mark(p, '}') && p->now.to < p->lexer.in.n &&
	    p->lexer.in.s[p->now.to] == '}')
		hint = "this is an expression already: write the name without {{ }}";
	if (hint[0] == '\0' && at_mark(p, ',') && is_number(&p->before))
		hint = "a number has no comma: 50000, or 0.5; a list stands in [ ]";
	else if (hint[0] == '\0' && at_mark(p, ','))
		hint = "a list stands in [ ]";
	return hint;
}

/* Refuses the word that stands at p->now. `wanted` says what would have fitted. */
static struct cel_ast *unexpected(struct parser *p, const char *wanted)
{
	struct cel_issue *issue = p->lexer.issue;
	struct text word = shortened(spelling(p, &p->now));
	const char *hint = hint_of(p);

	if (p->now.kind == CEL_TOKEN_END)
		cel_refuse(issue, p->now.from, hint, "the expression ends where %s should follow",
			   wanted);
	else if (p->now.kind != CEL_TOKEN_ERROR)
		cel_refuse(issue, p->now.from, hint, "unexpected \"%.*s\", expected %s",
			   TEXT_ARG(word), wanted);
	return NULL;
}

static bool expect(struct parser *p, char mark)
{
	char wanted[4] = { '"', mark, '"', '\0' };

	if (accept(p, mark))
		return true;
	unexpected(p, wanted);
	return false;
}

/* ---- Nodes ---- */

static struct cel_ast *node_new(struct parser *p, enum cel_ast_kind kind, uint32_t from)
{
	struct cel_ast *node;

	if (p->nodes == LIMIT_EXPR_NODES) {
		cel_refuse(p->lexer.issue, from, "split it with define",
			   "the expression has more than %u parts", LIMIT_EXPR_NODES);
		return NULL;
	}
	p->nodes++;
	node = arena_zero(p->lexer.arena, sizeof(*node));
	if (node == NULL) {
		cel_refuse_size(p->lexer.issue, from);
		return NULL;
	}
	node->kind = (uint8_t)kind;
	node->from = from;
	node->to = p->before.to;
	return node;
}

static bool kids_add(struct parser *p, struct kids *kids, struct cel_ast *kid)
{
	uint32_t room = kids->room == 0 ? 4 : kids->room * 2;
	struct cel_ast **items;

	if (kid == NULL)
		return false;
	if (kids->n == kids->room) {
		items = arena_array(p->lexer.arena, room, sizeof(*items));
		if (items == NULL)
			return cel_refuse_size(p->lexer.issue, kid->from);
		if (kids->n > 0)
			memcpy(items, kids->items, kids->n * sizeof(*items));
		kids->items = items;
		kids->room = room;
	}
	kids->items[kids->n++] = kid;
	return true;
}

static struct cel_ast *with_kids(struct cel_ast *node, const struct kids *kids)
{
	if (node != NULL) {
		node->kids = kids->items;
		node->count = kids->n;
	}
	return node;
}

/* A node over the kids given (NULL kids beyond the first are left out). */
static struct cel_ast *node_over(struct parser *p, enum cel_ast_kind kind, uint32_t from,
				 struct cel_ast *a, struct cel_ast *b)
{
	struct kids kids = { 0 };

	if (!kids_add(p, &kids, a) || (b != NULL && !kids_add(p, &kids, b)))
		return NULL;
	return with_kids(node_new(p, kind, from), &kids);
}

/* ---- Primary ---- */

static bool is_reserved(struct text word)
{
	static const char *const words[] = { "as",   "break",    "const",     "continue", "else",
					     "for",  "function", "if",        "import",   "let",
					     "loop", "package",  "namespace", "return",   "var",
					     "void", "while" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_is(word, words[i]))
			return true;
	}
	return false;
}

/* An item, in lists and maps with a question mark before it when it may be none. */
static struct cel_ast *parse_item(struct parser *p, bool maybe)
{
	uint32_t from = p->now.from;

	if (!maybe || !accept(p, '?'))
		return parse_expr(p);
	return node_over(p, CEL_AST_MAYBE, from, parse_expr(p), NULL);
}

/* The expressions up to `end`, separated by commas; in a list a comma may end them
 * and items may be optional. */
static bool parse_items(struct parser *p, char end, bool list, struct kids *kids)
{
	if (accept(p, end))
		return true;
	for (;;) {
		if (!kids_add(p, kids, parse_item(p, list)))
			return false;
		if (accept(p, end))
			return true;
		if (!at_mark(p, ',')) {
			unexpected(p, end == ')' ? "\",\" or \")\"" : "\",\" or \"]\"");
			return false;
		}
		advance(p);
		if (list && accept(p, end))
			return true;
	}
}

static struct cel_ast *parse_list(struct parser *p)
{
	uint32_t from = p->before.from;
	struct kids kids = { 0 };

	if (!parse_items(p, ']', true, &kids))
		return NULL;
	return with_kids(node_new(p, CEL_AST_LIST, from), &kids);
}

/* key: value, or ?key: value that may be none. */
static bool parse_entry(struct parser *p, struct kids *kids)
{
	uint32_t from = p->now.from;
	bool maybe = accept(p, '?');
	struct cel_ast *value;

	if (!kids_add(p, kids, parse_expr(p)) || !expect(p, ':'))
		return false;
	value = parse_expr(p);
	if (maybe && value != NULL)
		value = node_over(p, CEL_AST_MAYBE, from, value, NULL);
	return kids_add(p, kids, value);
}

static struct cel_ast *parse_map(struct parser *p)
{
	uint32_t from = p->before.from;
	struct kids kids = { 0 };

	while (!accept(p, '}')) {
		if (!parse_entry(p, &kids))
			return NULL;
		if (!at_mark(p, '}') && !at_mark(p, ','))
			return unexpected(p, "\",\" or \"}\"");
		accept(p, ',');
	}
	return with_kids(node_new(p, CEL_AST_MAP, from), &kids);
}

/* A call whose name was just read and whose "(" comes next. */
static struct cel_ast *parse_call(struct parser *p, struct cel_ast *receiver, struct text name,
				  uint32_t from)
{
	uint32_t at = p->before.from;
	struct kids kids = { 0 };
	struct cel_ast *call;

	if (receiver != NULL && !kids_add(p, &kids, receiver))
		return NULL;
	advance(p);
	if (!parse_items(p, ')', false, &kids))
		return NULL;
	call = with_kids(node_new(p, CEL_AST_CALL, from), &kids);
	if (call == NULL)
		return NULL;
	call->name = name;
	call->at = at;
	call->member = receiver != NULL;
	return !p->macros || cel_macro_expand(call, p->lexer.arena, p->lexer.issue) ? call : NULL;
}

/* A name, a call, or either with a leading dot (`root`). */
static struct cel_ast *parse_name(struct parser *p, bool root)
{
	uint32_t from = root ? p->before.from : p->now.from;
	struct text name = spelling(p, &p->now);
	struct cel_ast *node;

	if (p->now.kind != CEL_TOKEN_NAME)
		return unexpected(p, "a name");
	if (is_reserved(name)) {
		cel_refuse(p->lexer.issue, p->now.from, foreign_word(name),
			   "\"%.*s\" is a reserved word", TEXT_ARG(name));
		return NULL;
	}
	advance(p);
	if (at_mark(p, '(')) {
		node = parse_call(p, NULL, name, from);
	} else {
		node = node_new(p, CEL_AST_NAME, from);
		if (node != NULL)
			node->name = name;
	}
	if (node != NULL)
		node->root = root;
	return node;
}

static struct cel_ast *parse_literal(struct parser *p, struct value value, uint32_t from)
{
	struct cel_ast *node;

	advance(p);
	node = node_new(p, CEL_AST_LITERAL, from);
	if (node != NULL)
		node->value = value;
	return node;
}

static struct cel_ast *parse_integer(struct parser *p, bool negative, uint32_t from)
{
	uint64_t u = p->now.value.u;
	uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);

	if (u > most) {
		cel_refuse(p->lexer.issue, p->now.from,
			   "write it with a u at its end (uint) or with a fraction (double)",
			   "the number is too large for an int");
		return NULL;
	}
	return parse_literal(p, value_int((int64_t)(negative ? 0 - u : u)), from);
}

static struct cel_ast *parse_parens(struct parser *p)
{
	struct cel_ast *inner;

	advance(p);
	inner = parse_expr(p);
	return inner != NULL && expect(p, ')') ? inner : NULL;
}

static struct cel_ast *parse_primary(struct parser *p)
{
	if (p->now.kind == CEL_TOKEN_INTEGER)
		return parse_integer(p, false, p->now.from);
	if (p->now.kind == CEL_TOKEN_LITERAL)
		return parse_literal(p, p->now.value, p->now.from);
	if (p->now.kind == CEL_TOKEN_NAME)
		return parse_name(p, false);
	if (at_mark(p, '('))
		return parse_parens(p);
	if (accept(p, '.'))
		return parse_name(p, true);
	if (accept(p, '['))
		return parse_list(p);
	if (accept(p, '{'))
		return parse_map(p);
	return unexpected(p, "a value");
}

/* ---- Member, unary ---- */

static bool is_type_path(const struct cel_ast *node)
{
	while (node->kind == CEL_AST_SELECT)
		node = node->kids[0];
	return node->kind == CEL_AST_NAME;
}

/* of.?name is of[?"name"]; the name was just read. */
static struct cel_ast *optional_field(struct parser *p, struct cel_ast *of, struct text name,
				      uint32_t from)
{
	struct cel_ast *key = node_new(p, CEL_AST_LITERAL, p->before.from);

	if (key == NULL)
		return NULL;
	key->value = value_text(name);
	return node_over(p, CEL_AST_OPTIONAL_INDEX, from, of, key);
}

/* .field, .?field or .method(...); the dot was just read. */
static struct cel_ast *parse_field(struct parser *p, struct cel_ast *of, uint32_t from)
{
	bool optional = accept(p, '?');
	struct text name = spelling(p, &p->now);
	bool quoted = p->now.kind == CEL_TOKEN_QUOTED;
	uint32_t at = p->now.from;
	struct cel_ast *node;

	if (!quoted && p->now.kind != CEL_TOKEN_NAME) {
		unexpected(p, "a field's name");
		if (p->now.kind == CEL_TOKEN_IN || p->now.kind == CEL_TOKEN_LITERAL)
			cel_hint(p->lexer.issue, "write a[\"%.*s\"] for a field of this name",
				 TEXT_ARG(shortened(name)));
		return NULL;
	}
	advance(p);
	if (quoted)
		name = (struct text){ name.s + 1, name.n - 2 };
	if (optional)
		return optional_field(p, of, name, from);
	if (!quoted && at_mark(p, '('))
		return parse_call(p, of, name, from);
	node = node_over(p, CEL_AST_SELECT, from, of, NULL);
	if (node == NULL)
		return NULL;
	node->name = name;
	node->at = at;
	return node;
}

static struct cel_ast *parse_index(struct parser *p, struct cel_ast *of, uint32_t from)
{
	bool optional = accept(p, '?');
	struct cel_ast *key = parse_expr(p);

	if (key == NULL || !expect(p, ']'))
		return NULL;
	return node_over(p, optional ? CEL_AST_OPTIONAL_INDEX : CEL_AST_INDEX, from, of, key);
}

static struct cel_ast *parse_member(struct parser *p, struct cel_ast *node, uint32_t from)
{
	while (node != NULL) {
		if (accept(p, '.'))
			node = parse_field(p, node, from);
		else if (accept(p, '['))
			node = parse_index(p, node, from);
		else
			break;
	}
	if (node != NULL && at_mark(p, '{') && is_type_path(node)) {
		cel_refuse(p->lexer.issue, p->now.from,
			   text_is(node->name, "Timestamp")  ? "write timestamp(\"...\")"
			   : text_is(node->name, "Duration") ? "write duration(\"...\")"
							     : "write a map: {\"key\": value}",
			   "protobuf messages aren't supported: none can be built here");
		return NULL;
	}
	return node;
}

/* The signs before a term, read into `signs`; false when there are too many. */
static bool parse_signs(struct parser *p, char signs[LIMIT_EXPR_DEPTH],
			uint32_t starts[LIMIT_EXPR_DEPTH], uint32_t *n)
{
	for (*n = 0; at_mark(p, '!') || at_mark(p, '-'); (*n)++) {
		if (*n == LIMIT_EXPR_DEPTH)
			return cel_refuse(p->lexer.issue, p->now.from, "",
					  "more than %d signs in a row", LIMIT_EXPR_DEPTH);
		signs[*n] = p->now.mark;
		starts[*n] = p->now.from;
		advance(p);
	}
	return true;
}

static struct cel_ast *parse_unary(struct parser *p)
{
	char signs[LIMIT_EXPR_DEPTH];
	uint32_t starts[LIMIT_EXPR_DEPTH], n, from;
	struct cel_ast *node;

	if (!parse_signs(p, signs, starts, &n))
		return NULL;
	from = p->now.from;
	if (n > 0 && signs[n - 1] == '-' && p->now.kind == CEL_TOKEN_INTEGER) {
		from = starts[--n];
		node = parse_integer(p, true, from);
	} else {
		node = parse_primary(p);
	}
	node = parse_member(p, node, from);
	while (node != NULL && n-- > 0)
		node = node_over(p, signs[n] == '!' ? CEL_AST_NOT : CEL_AST_NEGATE, starts[n], node,
				 NULL);
	return node;
}

/* ---- Binary, ternary ---- */

/* Binding strength of the operator at p->now, 0 when there is none. */
static int operator_at(const struct parser *p, enum cel_op *op)
{
	static const struct {
		char mark;
		enum cel_op op;
		int level;
	} marks[] = { { '+', CEL_OP_ADD, 4 },
		      { '-', CEL_OP_SUB, 4 },
		      { '*', CEL_OP_MUL, 5 },
		      { '/', CEL_OP_DIV, 5 },
		      { '%', CEL_OP_MOD, 5 } };

	if (p->now.kind == CEL_TOKEN_OR)
		return 1;
	if (p->now.kind == CEL_TOKEN_AND)
		return 2;
	if (p->now.kind == CEL_TOKEN_IN) {
		*op = CEL_OP_IN;
		return 3;
	}
	if (p->now.kind >= CEL_TOKEN_EQ && p->now.kind <= CEL_TOKEN_GE) {
		*op = (enum cel_op)(CEL_OP_EQ + (p->now.kind - CEL_TOKEN_EQ));
		return 3;
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (at_mark(p, marks[i].mark)) {
			*op = marks[i].op;
			return marks[i].level;
		}
	}
	return 0;
}

static struct cel_ast *parse_binary(struct parser *p, int least);

/* left && b && c ... as one node; level 1 is ||, 2 is &&. */
static struct cel_ast *parse_chain(struct parser *p, struct cel_ast *left, int level, uint32_t from)
{
	enum cel_token_kind kind = level == 1 ? CEL_TOKEN_OR : CEL_TOKEN_AND;
	struct kids kids = { 0 };

	if (!kids_add(p, &kids, left))
		return NULL;
	while (p->now.kind == kind) {
		advance(p);
		if (!kids_add(p, &kids, parse_binary(p, level + 1)))
			return NULL;
	}
	return with_kids(node_new(p, level == 1 ? CEL_AST_OR : CEL_AST_AND, from), &kids);
}

static struct cel_ast *parse_binary(struct parser *p, int least)
{
	uint32_t from = p->now.from;
	struct cel_ast *left = parse_unary(p), *right;
	enum cel_op op = CEL_OP_ADD;
	int level;

	while (left != NULL && (level = operator_at(p, &op)) >= least && level > 0) {
		if (level <= 2) {
			left = parse_chain(p, left, level, from);
			continue;
		}
		advance(p);
		right = parse_binary(p, level + 1);
		if (right == NULL)
			return NULL;
		left = node_over(p, CEL_AST_BINARY, from, left, right);
		if (left != NULL)
			left->op = (uint8_t)op;
	}
	return left;
}

/* Choices are made before their last kid is read: they end where it ends. */
static struct cel_ast *close_choices(const struct parser *p, struct cel_ast *root)
{
	for (struct cel_ast *n = root; n->kind == CEL_AST_CHOOSE; n = n->kids[2])
		n->to = p->before.to;
	return root;
}

/* cond ? a : cond ? b : c; the chain of elses is a loop. */
static struct cel_ast *parse_choices(struct parser *p)
{
	struct cel_ast *root = NULL, **slot = &root;

	for (;;) {
		uint32_t from = p->now.from;
		struct cel_ast *node = parse_binary(p, 1), *yes;
		struct kids kids = { 0 };

		if (node == NULL || !at_mark(p, '?')) {
			*slot = node;
			return node != NULL ? close_choices(p, root) : NULL;
		}
		advance(p);
		if (at_mark(p, '.') && p->now.from == p->before.to) {
			cel_refuse(p->lexer.issue, p->before.from,
				   "write a.?b, default(a.b, other) or has(a.b)",
				   "unexpected \"?.\"");
			return NULL;
		}
		yes = parse_expr(p);
		if (yes == NULL || !expect(p, ':'))
			return NULL;
		if (!kids_add(p, &kids, node) || !kids_add(p, &kids, yes) ||
		    !kids_add(p, &kids, yes)) /* the third place is filled by the next turn */
			return NULL;
		*slot = with_kids(node_new(p, CEL_AST_CHOOSE, from), &kids);
		if (*slot == NULL)
			return NULL;
		slot = &kids.items[2];
	}
}

static struct cel_ast *parse_expr(struct parser *p)
{
	struct cel_ast *node;

	if (p->depth == LIMIT_EXPR_DEPTH) {
		cel_refuse(p->lexer.issue, p->now.from, "split it with define",
			   "nested more than %d deep", LIMIT_EXPR_DEPTH);
		return NULL;
	}
	p->depth++;
	node = parse_choices(p);
	p->depth--;
	return node;
}

struct cel_ast *cel_parse(struct arena *scratch, struct text text, bool macros, uint32_t *nodes,
			  struct cel_issue *issue)
{
	struct parser p = { .macros = macros };
	struct cel_ast *root;

	assert(scratch != NULL && nodes != NULL && issue != NULL);
	assert(text.n <= LIMIT_EXPR);
	if (!cel_lexer_begin(&p.lexer, scratch, text, issue))
		return NULL;
	advance(&p);
	if (p.now.kind == CEL_TOKEN_END) {
		cel_refuse(issue, 0, "", "the expression is empty");
		return NULL;
	}
	root = parse_expr(&p);
	if (root != NULL && p.now.kind != CEL_TOKEN_END)
		root = unexpected(&p, "an operator or the end");
	*nodes = p.nodes;
	return root;
}
