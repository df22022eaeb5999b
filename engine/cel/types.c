/* SPDX-License-Identifier: Apache-2.0
 *
 * types - which operators take which static types; see types.h. */
#include "engine/cel/types.h"

#include <assert.h>

bool cel_types_number(enum cel_type type)
{
	return type == CEL_INT || type == CEL_UINT || type == CEL_DOUBLE;
}

bool cel_types_key(enum cel_type type)
{
	return type == CEL_DYN || type == CEL_TEXT || type == CEL_BOOL || cel_types_number(type);
}

struct row {
	uint8_t op, a, b, result;
};

/* The arithmetic that exists; comparisons follow rules of their own. */
static const struct row rows[] = {
	{ CEL_OP_ADD, CEL_INT, CEL_INT, CEL_INT },
	{ CEL_OP_ADD, CEL_UINT, CEL_UINT, CEL_UINT },
	{ CEL_OP_ADD, CEL_DOUBLE, CEL_DOUBLE, CEL_DOUBLE },
	{ CEL_OP_ADD, CEL_TEXT, CEL_TEXT, CEL_TEXT },
	{ CEL_OP_ADD, CEL_BYTES, CEL_BYTES, CEL_BYTES },
	{ CEL_OP_ADD, CEL_LIST, CEL_LIST, CEL_LIST },
	{ CEL_OP_ADD, CEL_TIMESTAMP, CEL_DURATION, CEL_TIMESTAMP },
	{ CEL_OP_ADD, CEL_DURATION, CEL_TIMESTAMP, CEL_TIMESTAMP },
	{ CEL_OP_ADD, CEL_DURATION, CEL_DURATION, CEL_DURATION },
	{ CEL_OP_SUB, CEL_INT, CEL_INT, CEL_INT },
	{ CEL_OP_SUB, CEL_UINT, CEL_UINT, CEL_UINT },
	{ CEL_OP_SUB, CEL_DOUBLE, CEL_DOUBLE, CEL_DOUBLE },
	{ CEL_OP_SUB, CEL_TIMESTAMP, CEL_TIMESTAMP, CEL_DURATION },
	{ CEL_OP_SUB, CEL_TIMESTAMP, CEL_DURATION, CEL_TIMESTAMP },
	{ CEL_OP_SUB, CEL_DURATION, CEL_DURATION, CEL_DURATION },
	{ CEL_OP_MUL, CEL_INT, CEL_INT, CEL_INT },
	{ CEL_OP_MUL, CEL_UINT, CEL_UINT, CEL_UINT },
	{ CEL_OP_MUL, CEL_DOUBLE, CEL_DOUBLE, CEL_DOUBLE },
	{ CEL_OP_DIV, CEL_INT, CEL_INT, CEL_INT },
	{ CEL_OP_DIV, CEL_UINT, CEL_UINT, CEL_UINT },
	{ CEL_OP_DIV, CEL_DOUBLE, CEL_DOUBLE, CEL_DOUBLE },
	{ CEL_OP_MOD, CEL_INT, CEL_INT, CEL_INT },
	{ CEL_OP_MOD, CEL_UINT, CEL_UINT, CEL_UINT },
};

static bool arithmetic(enum cel_op op, enum cel_type a, enum cel_type b, enum cel_type *result)
{
	bool found = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (r->op != op || (a != CEL_DYN && a != r->a) || (b != CEL_DYN && b != r->b))
			continue;
		*result = found && *result != (enum cel_type)r->result ? CEL_DYN
								       : (enum cel_type)r->result;
		if (found && *result == CEL_DYN)
			return true;
		found = true;
	}
	return found;
}

static bool comparable(enum cel_type a, enum cel_type b)
{
	return a == b || a == CEL_DYN || b == CEL_DYN ||
	       (cel_types_number(a) && cel_types_number(b));
}

static bool orderable(enum cel_type type)
{
	return type == CEL_DYN || type == CEL_BOOL || type == CEL_TEXT || type == CEL_BYTES ||
	       type == CEL_TIMESTAMP || type == CEL_DURATION || cel_types_number(type);
}

bool cel_types_binary(enum cel_op op, enum cel_type a, enum cel_type b, enum cel_type *result)
{
	assert(result != NULL);
	*result = CEL_BOOL;
	switch (op) {
	case CEL_OP_EQ:
	case CEL_OP_NE:
		/* Anything may be null: data often is. */
		return comparable(a, b) || a == CEL_NULL || b == CEL_NULL;
	case CEL_OP_LT:
	case CEL_OP_LE:
	case CEL_OP_GT:
	case CEL_OP_GE:
		return comparable(a, b) && orderable(a) && orderable(b);
	case CEL_OP_IN:
		if (b == CEL_MAP)
			return cel_types_key(a);
		return b == CEL_LIST || b == CEL_DYN;
	default:
		return arithmetic(op, a, b, result);
	}
}

const char *cel_types_hint(enum cel_op op, enum cel_type a, enum cel_type b)
{
	bool text = a == CEL_TEXT || b == CEL_TEXT;
	bool number = cel_types_number(a) || cel_types_number(b);

	if (op == CEL_OP_IN)
		return b == CEL_TEXT ? "write text.contains(part)" : "";
	if (cel_types_number(a) && cel_types_number(b) && a != b)
		return "convert one of them: num(...), double(...) or int(...)";
	if (a == CEL_OPTIONAL || b == CEL_OPTIONAL)
		return "write .orValue(other) behind the optional";
	if (text && number)
		return op == CEL_OP_ADD ? "write string(...) around the number"
					: "write num(...) around the text, or quote the number";
	if (text && (a == CEL_TIMESTAMP || b == CEL_TIMESTAMP))
		return "write timestamp(\"...\")";
	if (text && (a == CEL_DURATION || b == CEL_DURATION))
		return "write duration(\"...\")";
	if (text && op == CEL_OP_ADD)
		return "write string(...) around the other one";
	return "";
}

bool cel_types_is_namespace(const struct cel_ast *node)
{
	while (node->kind == CEL_AST_SELECT)
		node = node->kids[0];
	return node->kind == CEL_AST_NAME &&
	       (text_is(node->name, "google") || text_is(node->name, "net"));
}
