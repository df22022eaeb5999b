/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_node - see explain_node.h.
 *
 * Constants have no node unless they decide, and a path (data.status.key) is one
 * node. What match.c makes of an entry is turned back:
 *
 *   default(P, null)                      P
 *   default(P, null) != null && E         E, of which P may be missing
 *   default(has(P), false) && E           likewise, where E begins with P
 *   default(has(P), false)                P exists
 *   !default(has(P), false)               P does not exist
 *   type(P) == string ? P.contains(X) : X in P     P contains X
 *
 * The tree is as deep as the program's, which LIMIT_EXPR_TREE bounds. */
#include "engine/rules/explain_node.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/rules/load.h"

#define REASON_VALUES 3   /* so many values are named in a sentence */
#define REASON_TEXT   160 /* bytes of a sub-expression in a sentence */
#define REASON_VALUE  60  /* bytes of a value in a sentence */

typedef const struct explain_node *const *node_list;

/* ---- Looking at traces. ---- */

static bool any_decides(const struct cel_trace *t)
{
	bool any = t->decides;

	for (uint32_t i = 0; i < t->count && !any; i++)
		any = any_decides(t->kids[i]);
	return any;
}

static bool is_constant(const struct cel_trace *t, enum value_kind kind)
{
	return t->part.code == CEL_CODE_CONSTANT && t->part.constant.kind == kind;
}

/* default(P, null) */
static bool is_sought(const struct noder *n, const struct cel_trace *t)
{
	return n->sugar && t->part.code == CEL_CODE_DEFAULT && is_constant(t->kids[1], VALUE_NULL);
}

/* default(has(P), false), or what stands for it where P ends in no plain name */
static bool is_existence(const struct noder *n, const struct cel_trace *t)
{
	return n->sugar && t->part.code == CEL_CODE_DEFAULT && is_constant(t->kids[1], VALUE_BOOL);
}

/* The trace of has(P) in default(has(P), false) or, with `no`, in its negation; else NULL. */
static const struct cel_trace *asked_for(const struct noder *n, const struct cel_trace *t, bool no)
{
	if (no && t->part.code != CEL_CODE_NOT)
		return NULL;
	if (no)
		t = t->kids[0];
	return is_existence(n, t) && t->kids[0]->part.code == CEL_CODE_HAS ? t->kids[0] : NULL;
}

/* P of has(P). */
static struct text has_path(const struct cel_trace *has)
{
	struct text t = has->part.text;

	assert(t.n > 5);
	return (struct text){ t.s + 4, t.n - 5 };
}

/* type(P) == string ? P.contains(X) : X in P */
static bool is_contains(const struct noder *n, const struct cel_trace *t)
{
	return n->sugar && t->part.code == CEL_CODE_CHOOSE &&
	       text_starts(t->part.text, TEXT("type(")) && t->kids[1]->part.code == CEL_CODE_CALL &&
	       text_is(t->kids[1]->part.name, "contains");
}

static bool is_path(const struct cel_trace *t)
{
	switch (t->part.code) {
	case CEL_CODE_VARIABLE:
	case CEL_CODE_LOCAL:
		return true;
	case CEL_CODE_SELECT:
	case CEL_CODE_HAS:
		return is_path(t->kids[0]);
	case CEL_CODE_INDEX:
		return is_path(t->kids[0]) && t->kids[1]->part.code == CEL_CODE_CONSTANT;
	default:
		return false;
	}
}

/* ---- Texts. ---- */

static void put_text(const struct noder *n, struct buf *out, const struct cel_trace *t);

static void put_between(struct buf *out, const char *from, const char *to)
{
	bool blank = false;

	for (; from < to; from++) {
		bool space = *from == ' ' || *from == '\n' || *from == '\t' || *from == '\r';

		if (!space || !blank)
			buf_char(out, space ? ' ' : *from);
		blank = space;
	}
}

/* The part as written, with what stands for its kids in the same manner. */
static void put_rewritten(const struct noder *n, struct buf *out, const struct cel_trace *t)
{
	const char *at = t->part.text.s, *end = at + t->part.text.n;

	for (uint32_t i = 0; i < t->count; i++) {
		struct text kid = t->kids[i]->part.text;

		if (kid.s < at || kid.s + kid.n > end)
			continue;
		put_between(out, at, kid.s);
		put_text(n, out, t->kids[i]);
		at = kid.s + kid.n;
	}
	put_between(out, at, end);
}

static void put_text(const struct noder *n, struct buf *out, const struct cel_trace *t)
{
	bool leaf = t->count == 0;

	if (is_sought(n, t)) {
		put_text(n, out, t->kids[0]);
	} else if (asked_for(n, t, false) != NULL) {
		buf_text(out, has_path(asked_for(n, t, false)));
		buf_str(out, " exists");
	} else if (asked_for(n, t, true) != NULL) {
		buf_text(out, has_path(asked_for(n, t, true)));
		buf_str(out, " does not exist");
	} else if (is_existence(n, t)) {
		put_text(n, out, t->kids[0]);
	} else if (is_contains(n, t)) {
		put_text(n, out, t->kids[1]->kids[0]);
		buf_str(out, " contains ");
		put_text(n, out, t->kids[1]->kids[1]);
	} else if (leaf) { /* a constant's blanks are its own */
		buf_text(out, t->part.text);
	} else {
		put_rewritten(n, out, t);
	}
}

static struct text text_of_trace(const struct noder *n, const struct cel_trace *t)
{
	AUTO_FINI(buf_fini) struct buf out;

	buf_init(&out, 2 * LIMIT_EXPR);
	put_text(n, &out, t);
	return text_dup(n->arena, buf_view(&out));
}

/* An error without " (in ...)": the tree shows where. */
static struct value bare(struct value v)
{
	size_t at = v.kind == VALUE_ERROR ? text_find(value_as_text(v), TEXT(" (in ")) : SIZE_MAX;

	if (at != SIZE_MAX)
		v.n = (uint32_t)at;
	return v;
}

/* ---- Nodes. ---- */

static struct explain_node *node_new(const struct noder *n, const struct cel_trace *t)
{
	struct explain_node *node = arena_zero(n->arena, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->text = text_of_trace(n, t);
	node->value = bare(t->value);
	node->known = t->known;
	node->needed = t->needed;
	node->decides = t->decides;
	return node;
}

struct gathering {
	const struct explain_node **items;
	uint32_t count;
};

static void gather(struct gathering *g, const struct explain_node *node)
{
	if (node != NULL && g->items != NULL)
		g->items[g->count++] = node;
}

/* Room for at most `most` nodes. */
static struct gathering gathering_of(const struct noder *n, size_t most)
{
	return (struct gathering){ arena_array(n->arena, most, sizeof(const struct explain_node *)),
				   0 };
}

static void take(struct explain_node *node, const struct gathering *g)
{
	node->kids = g->items;
	node->count = g->count;
}

/* A path: what is beneath it is not shown. */
static const struct explain_node *leaf(const struct noder *n, const struct cel_trace *t)
{
	struct explain_node *node = node_new(n, t);

	if (node == NULL)
		return NULL;
	node->decides = any_decides(t);
	node->missing = node->value.kind == VALUE_ERROR &&
			text_starts(value_as_text(node->value), TEXT("no such key"));
	if (node->missing)
		node->value = value_null();
	return node;
}

/* default(P, null): P is missing whatever the reason. */
static const struct explain_node *sought(const struct noder *n, const struct cel_trace *t)
{
	struct explain_node *node = node_new(n, t->kids[0]);

	if (node == NULL)
		return NULL;
	node->decides = any_decides(t);
	node->needed = t->needed;
	node->missing = node->value.kind == VALUE_ERROR;
	if (node->missing)
		node->value = value_null();
	return node;
}

static const struct explain_node *named(const struct noder *n, struct text text,
					const struct value *value)
{
	struct explain_node *node = arena_zero(n->arena, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->text = text;
	node->known = node->needed = true;
	node->missing = value == NULL;
	node->value = value != NULL ? *value : value_null();
	return node;
}

/* The path that a call such as changed("status.key") looks at, or TEXT_NONE. */
static struct text looked_at(const struct cel_trace *t)
{
	if (t->part.code != CEL_CODE_CALL || t->count == 0 || !is_constant(t->kids[0], VALUE_TEXT))
		return TEXT_NONE;
	for (const struct cel_function *f = rule_functions; f->name != NULL; f++)
		if (f->path_args && text_is(t->part.name, f->name))
			return value_as_text(t->kids[0]->part.constant);
	return TEXT_NONE;
}

/* Both sides of the change that such a call asks about. */
static void gather_change(const struct noder *n, struct gathering *g, const struct cel_trace *t)
{
	struct text path = looked_at(t);

	if (path.n == 0)
		return;
	gather(g, named(n, text_printf(n->arena, "before.%.*s", TEXT_ARG(path)),
			value_path(n->event->before, path)));
	gather(g, named(n, text_printf(n->arena, "data.%.*s", TEXT_ARG(path)),
			value_path(n->event->data, path)));
}

static const struct explain_node *node_of(const struct noder *n, const struct cel_trace *t);

static void gather_element(const struct noder *n, struct gathering *g, const struct cel_trace *t)
{
	if (t->element > 0)
		gather(g,
		       named(n, text_printf(n->arena, "element %u of %u", t->element, t->elements),
			     &t->item));
}

static void gather_kids(const struct noder *n, struct gathering *g, const struct cel_trace *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct cel_trace *kid = t->kids[i];

		if (kid->part.code != CEL_CODE_CONSTANT || kid->decides)
			gather(g, node_of(n, kid));
		if (i == 0 && t->part.code == CEL_CODE_LOOP)
			gather_element(n, g, t);
	}
	gather_change(n, g, t);
}

static const struct explain_node *branch(const struct noder *n, const struct cel_trace *t)
{
	struct explain_node *node = node_new(n, t);
	struct gathering g = gathering_of(n, (size_t)t->count + 2);

	if (node == NULL)
		return NULL;
	node->elements = t->elements;
	node->element = t->element;
	gather_kids(n, &g, t);
	take(node, &g);
	return node;
}

/* P exists; P contains X: of the parts that these were made of only P is shown. */
static const struct explain_node *sugared(const struct noder *n, const struct cel_trace *t,
					  const struct cel_trace *path)
{
	struct explain_node *node = node_new(n, t);
	struct gathering g = gathering_of(n, 1);

	if (node == NULL)
		return NULL;
	node->decides = any_decides(t);
	if (path != NULL)
		gather(&g, named(n, text_of_trace(n, path),
				 path->value.kind == VALUE_ERROR ? NULL : &path->value));
	take(node, &g);
	return node;
}

static const struct explain_node *node_of(const struct noder *n, const struct cel_trace *t)
{
	if (is_path(t))
		return leaf(n, t);
	if (is_sought(n, t))
		return sought(n, t);
	if (is_existence(n, t) || asked_for(n, t, true) != NULL)
		return sugared(n, t, NULL);
	if (is_contains(n, t))
		return sugared(n, t, t->kids[1]->kids[0]);
	return branch(n, t);
}

/* ---- The entries of `match`. ---- */

/* default(P, null) != null: stands before an entry that needs P. */
static bool is_presence(const struct noder *n, const struct cel_trace *t)
{
	return n->sugar && t->part.code == CEL_CODE_BINARY && t->part.op == CEL_OP_NE &&
	       is_sought(n, t->kids[0]) && is_constant(t->kids[1], VALUE_NULL);
}

/* The trace of P when `t` only guards the entry `next`, else NULL. */
static const struct cel_trace *guarded_path(const struct noder *n, const struct cel_trace *t,
					    const struct cel_trace *next)
{
	struct text path;

	if (is_presence(n, t))
		return t->kids[0]->kids[0];
	if (asked_for(n, t, false) == NULL)
		return NULL;
	path = has_path(t->kids[0]);
	if (!text_starts(next->part.text, path) || next->part.text.n == path.n ||
	    next->part.text.s[path.n] != ' ')
		return NULL;
	return t->kids[0];
}

/* The entry `t`, which its guard did not let be asked. */
static const struct explain_node *guarded(const struct noder *n, const struct cel_trace *guard,
					  const struct cel_trace *path, const struct cel_trace *t)
{
	struct explain_node *node = node_new(n, t);
	struct text name = path->part.text;
	struct gathering g = gathering_of(n, 1);
	bool has = path->part.code == CEL_CODE_HAS;

	if (node == NULL)
		return NULL;
	if (has)
		name = has_path(path);
	node->value = guard->value;
	node->known = guard->known;
	node->needed = guard->needed;
	node->decides = any_decides(guard);
	gather(&g, named(n, name, has || path->value.kind == VALUE_ERROR ? NULL : &path->value));
	take(node, &g);
	return node;
}

struct explain_nodes explain_nodes_of(const struct noder *n, const struct cel_trace *trace)
{
	bool joined = trace->part.code == CEL_CODE_AND;
	uint32_t count = joined ? trace->count : 1;
	const struct cel_trace *const *all = (const struct cel_trace *const *)trace->kids;
	struct gathering g = gathering_of(n, count);

	assert(n != NULL && n->arena != NULL && n->event != NULL);
	for (uint32_t i = 0; i < count; i++) {
		const struct cel_trace *t = joined ? all[i] : trace;
		const struct cel_trace *path =
		    joined && i + 1 < count ? guarded_path(n, t, all[i + 1]) : NULL;

		if (path != NULL)
			i++;
		if (path != NULL && !(t->value.kind == VALUE_BOOL && t->value.b))
			gather(&g, guarded(n, t, path, all[i]));
		else
			gather(&g, node_of(n, path != NULL ? all[i] : t));
	}
	return (struct explain_nodes){ g.items, g.count };
}

/* ---- A sentence. ---- */

struct text explain_value(struct arena *arena, struct value v, size_t most)
{
	AUTO_FINI(buf_fini) struct buf out;
	bool sized = v.kind == VALUE_LIST || v.kind == VALUE_MAP || v.kind == VALUE_TEXT ||
		     v.kind == VALUE_BYTES;
	size_t cut;

	assert(arena != NULL && most >= 8);
	buf_init(&out, most + KIB);
	if (v.kind == VALUE_ERROR) {
		buf_text(&out, value_as_text(v));
	} else if ((v.kind == VALUE_TEXT || v.kind == VALUE_BYTES) && v.n > most) {
		struct value head = v;

		head.n = (uint32_t)most;
		if (v.kind == VALUE_TEXT)
			head.n = (uint32_t)text_head(value_as_text(v), most).n;
		value_write(&out, head);
	} else {
		value_write(&out, v);
	}
	if (out.n <= most && !buf_failed(&out))
		return text_dup(arena, buf_view(&out));
	cut = text_head(buf_view(&out), most).n;
	if (!sized)
		return text_printf(arena, "%.*s...", (int)cut, out.s);
	return text_printf(arena, "%.*s... (%s of %u)", (int)cut, out.s,
			   value_kind_name((enum value_kind)v.kind), v.n);
}

struct found {
	const struct explain_node *decider, *loop; /* the innermost macro around it that shows an
						      element */
};

static bool find(node_list items, uint32_t count, const struct explain_node *loop,
		 struct found *out)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct explain_node *node = items[i];

		if (node->decides) {
			*out = (struct found){ node, loop };
			return true;
		}
		if (find(node->kids, node->count, node->element > 0 ? node : loop, out))
			return true;
	}
	return false;
}

/* The values beneath a node that were read: those without kids. */
static uint32_t leaves(const struct explain_node *node, const struct explain_node **out,
		       uint32_t count, uint32_t room)
{
	if (node->count == 0 && count < room)
		out[count++] = node;
	for (uint32_t i = 0; i < node->count; i++)
		count = leaves(node->kids[i], out, count, room);
	return count;
}

static void put_seen(const struct noder *n, struct buf *out, const struct explain_node *node)
{
	const struct explain_node *seen[REASON_VALUES];
	uint32_t count = node->count > 0 ? leaves(node, seen, 0, REASON_VALUES) : 0;

	for (uint32_t i = 0; i < count; i++) {
		buf_str(out, i == 0 ? " (" : ", ");
		if (count > 1)
			buf_printf(out, "%.*s = ", TEXT_ARG(seen[i]->text));
		if (seen[i]->missing)
			buf_str(out, "missing");
		else
			buf_text(out, explain_value(n->arena, seen[i]->value, REASON_VALUE));
	}
	if (count > 0)
		buf_char(out, ')');
}

/* The path that kept an entry from being asked, or NULL. */
static const struct explain_node *missing(const struct explain_node *node)
{
	if (node->missing)
		return node;
	return node->count == 1 && node->kids[0]->missing ? node->kids[0] : NULL;
}

struct text explain_reason(const struct noder *n, struct explain_nodes nodes)
{
	AUTO_FINI(buf_fini) struct buf out;
	struct found found;
	struct text text;

	if (!find(nodes.items, nodes.count, NULL, &found))
		return TEXT_NONE;
	buf_init(&out, 4 * KIB);
	text = text_head(found.decider->text, REASON_TEXT);
	if (missing(found.decider) != NULL) {
		buf_printf(&out, "%.*s is missing", TEXT_ARG(missing(found.decider)->text));
	} else {
		buf_printf(&out, "%.*s%s is ", TEXT_ARG(text),
			   text.n < found.decider->text.n ? "..." : "");
		buf_text(&out, explain_value(n->arena, found.decider->value, REASON_VALUE));
		put_seen(n, &out, found.decider);
	}
	if (found.loop != NULL)
		buf_printf(&out, " for element %u of %u", found.loop->element,
			   found.loop->elements);
	return buf_failed(&out) ? text : text_dup(n->arena, buf_view(&out));
}
