/* SPDX-License-Identifier: Apache-2.0
 *
 * print - a syntax tree back as text; see print.h. The levels are those of
 * langdef.md's grammar, as in parser.c.
 *
 * Recursion is as deep as the tree, which LIMIT_EXPR_NODES bounds. */
#include "engine/cel/print.h"

#include <assert.h>

enum level {
	LEVEL_CHOOSE,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_RELATION,
	LEVEL_ADD,
	LEVEL_MULTIPLY,
	LEVEL_UNARY,
	LEVEL_MEMBER,
};

static void print_at(struct buf *out, const struct cel_ast *node, enum level least);

static enum level binary_level(enum cel_op op)
{
	if (op == CEL_OP_ADD || op == CEL_OP_SUB)
		return LEVEL_ADD;
	if (op == CEL_OP_MUL || op == CEL_OP_DIV || op == CEL_OP_MOD)
		return LEVEL_MULTIPLY;
	return LEVEL_RELATION;
}

static enum level level_of(const struct cel_ast *node)
{
	switch ((enum cel_ast_kind)node->kind) {
	case CEL_AST_CHOOSE:
		return LEVEL_CHOOSE;
	case CEL_AST_OR:
		return LEVEL_OR;
	case CEL_AST_AND:
		return LEVEL_AND;
	case CEL_AST_BINARY:
		return binary_level((enum cel_op)node->op);
	case CEL_AST_NOT:
	case CEL_AST_NEGATE:
		return LEVEL_UNARY;
	default:
		return LEVEL_MEMBER;
	}
}

/* ---- Literals and names ---- */

static void print_bytes(struct buf *out, struct text bytes)
{
	buf_str(out, "b\"");
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.s[i];

		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			buf_printf(out, "\\x%02x", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, '"');
}

/* JSON's spelling is CEL's, but for what JSON has not. */
static void print_literal(struct buf *out, struct value v)
{
	if (v.kind == VALUE_BYTES) {
		print_bytes(out, value_as_text(v));
		return;
	}
	value_write(out, v);
	if (v.kind == VALUE_UINT)
		buf_char(out, 'u');
}

static bool is_plain_name(struct text name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.s[i];
		bool digit = c >= '0' && c <= '9';

		if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (digit && i > 0)))
			return false;
	}
	return name.n > 0 && !text_is(name, "in") && !text_is(name, "true") &&
	       !text_is(name, "false") && !text_is(name, "null");
}

/* A name behind a dot, in backticks where it is no word. */
static void print_word(struct buf *out, struct text name)
{
	buf_printf(out, is_plain_name(name) ? "%.*s" : "`%.*s`", TEXT_ARG(name));
}

static void print_field(struct buf *out, const struct cel_ast *node)
{
	print_at(out, node->kids[0], LEVEL_MEMBER);
	buf_char(out, '.');
	print_word(out, node->name);
}

/* True for what backticks may hold. */
static bool is_field(struct value v)
{
	if (v.kind != VALUE_TEXT || v.n == 0)
		return false;
	for (uint32_t i = 0; i < v.n; i++) {
		char c = v.s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr("_.-/ ", c) != NULL)))
			return false;
	}
	return true;
}

/* a.?b where a[?"b"] may have been written so: it nests less. */
static void print_optional(struct buf *out, const struct cel_ast *node)
{
	const struct cel_ast *key = node->kids[1];

	print_at(out, node->kids[0], LEVEL_MEMBER);
	if (key->kind == CEL_AST_LITERAL && is_field(key->value)) {
		buf_str(out, ".?");
		print_word(out, value_as_text(key->value));
		return;
	}
	buf_str(out, "[?");
	print_at(out, key, LEVEL_CHOOSE);
	buf_char(out, ']');
}

/* ---- Calls ---- */

static void print_kids(struct buf *out, const struct cel_ast *node, uint32_t from)
{
	for (uint32_t i = from; i < node->count; i++) {
		if (i > from)
			buf_str(out, ", ");
		print_at(out, node->kids[i], LEVEL_CHOOSE);
	}
}

static void print_call(struct buf *out, const struct cel_ast *node)
{
	if (node->member)
		print_at(out, node->kids[0], LEVEL_MEMBER);
	if (node->member || node->root)
		buf_char(out, '.');
	buf_printf(out, "%.*s(", TEXT_ARG(node->name));
	print_kids(out, node, node->member ? 1 : 0);
	buf_char(out, ')');
}

static const char *loop_name(const struct cel_ast *node)
{
	static const char *const names[] = {
		[CEL_LOOP_ALL] = "all",
		[CEL_LOOP_EXISTS] = "exists",
		[CEL_LOOP_EXISTS_ONE] = "exists_one",
		[CEL_LOOP_MAP] = "map",
		[CEL_LOOP_FILTER] = "filter",
		[CEL_LOOP_SORT_BY] = "sortBy",
		[CEL_LOOP_MAP_VALUES] = "transformMap",
		[CEL_LOOP_MAP_ENTRIES] = "transformMapEntry",
		[CEL_LOOP_OPTIONAL_MAP] = "optMap",
		[CEL_LOOP_OPTIONAL_FLAT_MAP] = "optFlatMap",
	};

	assert(node->loop < sizeof(names) / sizeof(names[0]));
	return node->loop == CEL_LOOP_MAP && node->second.n > 0 ? "transformList"
								: names[node->loop];
}

static void print_bind(struct buf *out, const struct cel_ast *node)
{
	buf_printf(out, "cel.bind(%.*s, ", TEXT_ARG(node->name));
	print_kids(out, node, 0);
	buf_char(out, ')');
}

static void print_block(struct buf *out, const struct cel_ast *node)
{
	buf_str(out, "cel.block([");
	for (uint32_t i = 0; i < node->count; i++) {
		if (i + 1 == node->count)
			buf_str(out, "], ");
		else if (i > 0)
			buf_str(out, ", ");
		print_at(out, node->kids[i], LEVEL_CHOOSE);
	}
	buf_char(out, ')');
}

static void print_range(struct buf *out, const struct cel_ast *node)
{
	print_at(out, node->kids[0], LEVEL_MEMBER);
	buf_printf(out, ".%s(%.*s, ", loop_name(node), TEXT_ARG(node->name));
	if (node->second.n > 0)
		buf_printf(out, "%.*s, ", TEXT_ARG(node->second));
	print_kids(out, node, 1);
	buf_char(out, ')');
}

static void print_loop(struct buf *out, const struct cel_ast *node)
{
	if (node->loop != CEL_LOOP_BIND)
		print_range(out, node);
	else if (node->name.n > 0)
		print_bind(out, node);
	else
		print_block(out, node);
}

/* A value that may be none is marked at its key. */
static void print_map(struct buf *out, const struct cel_ast *node)
{
	buf_char(out, '{');
	for (uint32_t i = 0; i < node->count; i += 2) {
		const struct cel_ast *value = node->kids[i + 1];
		bool maybe = value->kind == CEL_AST_MAYBE;

		buf_str(out, i > 0 ? ", " : "");
		buf_str(out, maybe ? "?" : "");
		print_at(out, node->kids[i], LEVEL_CHOOSE);
		buf_str(out, ": ");
		print_at(out, maybe ? value->kids[0] : value, LEVEL_CHOOSE);
	}
	buf_char(out, '}');
}

static void print_around(struct buf *out, const char *before, const struct cel_ast *node,
			 const char *after)
{
	buf_str(out, before);
	print_kids(out, node, 0);
	buf_str(out, after);
}

/* ---- Operators ---- */

/* True when the operand's text begins with the digits of an int: a minus before
 * it would become part of the number. */
static bool begins_with_int(const struct cel_ast *node)
{
	for (;;) {
		bool member = (node->kind == CEL_AST_CALL && node->member) ||
			      node->kind == CEL_AST_SELECT || node->kind == CEL_AST_INDEX ||
			      node->kind == CEL_AST_OPTIONAL_INDEX ||
			      (node->kind == CEL_AST_LOOP && node->loop != CEL_LOOP_BIND);

		if (!member)
			return node->kind == CEL_AST_LITERAL && node->value.kind == VALUE_INT &&
			       node->value.i >= 0;
		node = node->kids[0];
		if (level_of(node) < LEVEL_MEMBER)
			return false; /* in parentheses */
	}
}

static void print_unary(struct buf *out, const struct cel_ast *node)
{
	bool negate = node->kind == CEL_AST_NEGATE;
	bool parens = negate && begins_with_int(node->kids[0]);

	buf_char(out, negate ? '-' : '!');
	if (parens)
		buf_char(out, '(');
	print_at(out, node->kids[0], LEVEL_UNARY);
	if (parens)
		buf_char(out, ')');
}

static void print_binary(struct buf *out, const struct cel_ast *node)
{
	enum level level = binary_level((enum cel_op)node->op);

	print_at(out, node->kids[0], level);
	buf_printf(out, " %s ", cel_op_text((enum cel_op)node->op));
	print_at(out, node->kids[1], level + 1);
}

static void print_chain(struct buf *out, const struct cel_ast *node)
{
	bool any = node->kind == CEL_AST_OR;

	for (uint32_t i = 0; i < node->count; i++) {
		if (i > 0)
			buf_str(out, any ? " || " : " && ");
		print_at(out, node->kids[i], any ? LEVEL_AND : LEVEL_RELATION);
	}
}

static void print_choose(struct buf *out, const struct cel_ast *node)
{
	print_at(out, node->kids[0], LEVEL_OR);
	buf_str(out, " ? ");
	print_at(out, node->kids[1], LEVEL_CHOOSE);
	buf_str(out, " : ");
	print_at(out, node->kids[2], LEVEL_CHOOSE);
}

/* ---- Any node ---- */

static void print_index(struct buf *out, const struct cel_ast *node)
{
	print_at(out, node->kids[0], LEVEL_MEMBER);
	buf_char(out, '[');
	print_at(out, node->kids[1], LEVEL_CHOOSE);
	buf_char(out, ']');
}

static void print_has(struct buf *out, const struct cel_ast *node)
{
	buf_str(out, "has(");
	print_field(out, node);
	buf_char(out, ')');
}

static void print_name(struct buf *out, const struct cel_ast *node)
{
	if (node->root)
		buf_char(out, '.');
	buf_text(out, node->name);
}

static void print_node(struct buf *out, const struct cel_ast *node)
{
	switch ((enum cel_ast_kind)node->kind) {
	case CEL_AST_LITERAL:
		print_literal(out, node->value);
		return;
	case CEL_AST_NAME:
		print_name(out, node);
		return;
	case CEL_AST_SELECT:
		print_field(out, node);
		return;
	case CEL_AST_HAS:
		print_has(out, node);
		return;
	case CEL_AST_INDEX:
		print_index(out, node);
		return;
	case CEL_AST_OPTIONAL_INDEX:
		print_optional(out, node);
		return;
	case CEL_AST_MAYBE:
		print_around(out, "?", node, "");
		return;
	case CEL_AST_CALL:
		print_call(out, node);
		return;
	case CEL_AST_LIST:
		print_around(out, "[", node, "]");
		return;
	case CEL_AST_MAP:
		print_map(out, node);
		return;
	case CEL_AST_NOT:
	case CEL_AST_NEGATE:
		print_unary(out, node);
		return;
	case CEL_AST_BINARY:
		print_binary(out, node);
		return;
	case CEL_AST_AND:
	case CEL_AST_OR:
		print_chain(out, node);
		return;
	case CEL_AST_CHOOSE:
		print_choose(out, node);
		return;
	case CEL_AST_LOOP:
		print_loop(out, node);
		return;
	case CEL_AST_DEFAULT:
		print_around(out, "default(", node, ")");
		return;
	case CEL_AST_VARIABLE:
	case CEL_AST_LOCAL:
	case CEL_AST_FAIL:
		break;
	}
	assert(false && "a tree that the checker has not seen");
}

static void print_at(struct buf *out, const struct cel_ast *node, enum level least)
{
	bool parens = level_of(node) < least;

	if (parens)
		buf_char(out, '(');
	print_node(out, node);
	if (parens)
		buf_char(out, ')');
}

void cel_print(struct buf *out, const struct cel_ast *root)
{
	assert(out != NULL && root != NULL);
	print_at(out, root, LEVEL_CHOOSE);
}
