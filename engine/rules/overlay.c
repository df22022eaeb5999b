/* SPDX-License-Identifier: Apache-2.0
 *
 * overlay - see overlay.h. */
#include "engine/rules/overlay.h"

#include <assert.h>

#include "engine/base/diag.h"

/* ---- Merging. ---- */

struct merging {
	struct arena *arena;
	struct diags *diags;
};

static bool is_map(const struct yaml_node *node)
{
	return node->kind == YAML_MAP;
}

static bool is_scalar(const struct yaml_node *node)
{
	return node->kind != YAML_MAP && node->kind != YAML_LIST && node->kind != YAML_NULL;
}

static void refuse(const struct merging *m, const struct yaml_node *key,
		   const struct yaml_node *base, const struct yaml_node *over)
{
	diags_add(m->diags, DIAG_ERROR, over->at, "write it as it is written there",
		  "\"%.*s\" is %s here, but %s in %s:%d", TEXT_ARG(key->text),
		  yaml_kind_words(over), yaml_kind_words(base), base->at.file, base->at.line);
}

/* May `over` take the place of `base`? */
static bool fits(const struct yaml_node *base, const struct yaml_node *over, bool typed)
{
	if (base->kind == YAML_NULL || over->kind == YAML_NULL)
		return true;
	if (is_map(base) != is_map(over))
		return false;
	if (!typed || (is_scalar(base) && is_scalar(over) && base->kind == over->kind))
		return true;
	return base->kind == over->kind;
}

static struct yaml_pair *pair_of(struct yaml_node *map, struct text key)
{
	for (size_t i = 0; i < map->count; i++)
		if (text_eq(map->pairs[i].key->text, key))
			return &map->pairs[i];
	return NULL;
}

static struct yaml_node *merge_maps(const struct merging *m, struct yaml_node *base,
				    struct yaml_node *over, bool typed);

/* As deep as YAML may be nested. */
static void merge_pair(const struct merging *m, struct yaml_node *out, const struct yaml_pair *over,
		       bool typed)
{
	struct yaml_pair *mine = pair_of(out, over->key->text);
	struct yaml_node *merged;

	if (mine == NULL) {
		if (over->val->kind != YAML_NULL)
			out->pairs[out->count++] = *over;
	} else if (!fits(mine->val, over->val, typed)) {
		refuse(m, over->key, mine->val, over->val);
	} else if (over->val->kind == YAML_NULL) {
		size_t behind = out->count - 1 - (size_t)(mine - out->pairs);

		memmove(mine, mine + 1, behind * sizeof(*mine));
		out->count--;
	} else if (is_map(mine->val) && is_map(over->val)) {
		merged =
		    merge_maps(m, mine->val, over->val, typed || text_is(over->key->text, "vars"));
		if (merged != NULL)
			mine->val = merged;
	} else {
		*mine = *over;
	}
}

static struct yaml_node *merge_maps(const struct merging *m, struct yaml_node *base,
				    struct yaml_node *over, bool typed)
{
	struct yaml_node *out = arena_copy(m->arena, base, sizeof(*base));
	struct yaml_pair *pairs =
	    arena_array(m->arena, base->count + over->count + 1, sizeof(*pairs));

	if (out == NULL || pairs == NULL)
		return NULL;
	if (base->count > 0)
		memcpy(pairs, base->pairs, base->count * sizeof(*pairs));
	out->pairs = pairs;
	out->damaged = base->damaged || over->damaged;
	for (size_t i = 0; i < over->count; i++)
		merge_pair(m, out, &over->pairs[i], typed);
	return out;
}

struct yaml_node *overlay_merge(struct arena *arena, struct diags *diags, struct yaml_node *base,
				struct yaml_node *over)
{
	struct merging m = { arena, diags };

	assert(arena != NULL && diags != NULL && base != NULL && over != NULL);
	if (over->kind == YAML_NULL || !is_map(base))
		return over->kind == YAML_NULL ? base : over;
	return is_map(over) ? merge_maps(&m, base, over, false) : over;
}

/* ---- Printing. ---- */

struct printing {
	struct buf *out;
	bool (*secret)(void *of, const struct yaml_node *node);
	void *of;
};

static void indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_str(out, "  ");
}

/* Plain only where nothing about it can be read otherwise. */
static bool is_plain(const struct yaml_node *node)
{
	struct text t = node->text;

	if (node->kind != YAML_TEXT)
		return true;
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool word = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
			    (i > 0 && strchr("-_./+", c) != NULL && c != '\0');

		if (!word)
			return false;
	}
	return t.n > 0 && !node->quoted;
}

static void put_scalar_text(struct buf *out, const struct yaml_node *node, struct text t)
{
	if (is_plain(node))
		buf_text(out, t);
	else
		value_write_text(out, t);
}

/* Where a reference that starts at `at` ends, or 0. */
static size_t reference_end(struct text t, size_t at)
{
	if (at + 1 >= t.n || t.s[at] != '$' || t.s[at + 1] != '{')
		return 0;
	while (at < t.n && t.s[at] != '}')
		at++;
	return at < t.n ? at + 1 : 0;
}

/* Everything but references becomes ***. */
static void put_masked(struct buf *out, struct text t)
{
	bool hidden = false;

	buf_char(out, '"');
	for (size_t i = 0; i < t.n;) {
		size_t end = reference_end(t, i);

		if (end == 0 && !hidden)
			buf_str(out, "***");
		hidden = end == 0;
		if (end > 0)
			buf_put(out, t.s + i, end - i);
		i = end > 0 ? end : i + 1;
	}
	buf_char(out, '"');
}

/* Offset of the @ that ends the user and password of a URL, or 0. A password may have one, too: the
 * last is the end (so libcurl reads it). */
static size_t user_end(struct text t, size_t *from)
{
	size_t at = text_find(t, TEXT("://")), end = 0;

	if (at == SIZE_MAX)
		return 0;
	*from = at + 3;
	for (size_t i = at + 3; i < t.n && strchr("/?#", t.s[i]) == NULL; i++)
		if (t.s[i] == '@')
			end = i;
	return end;
}

static void put_scalar(const struct printing *p, const struct yaml_node *node)
{
	size_t from = 0, at = user_end(node->text, &from);

	if (node->kind == YAML_NULL) {
		buf_str(p->out, "null");
	} else if (p->secret(p->of, node)) {
		put_masked(p->out, node->text);
	} else if (at > 0) {
		buf_printf(p->out, "\"%.*s***%.*s\"", (int)from, node->text.s,
			   (int)(node->text.n - at), node->text.s + at);
	} else {
		put_scalar_text(p->out, node, node->text);
	}
	buf_printf(p->out, "  # %s:%d\n", node->at.file, node->at.line);
}

static void put_node(const struct printing *p, const struct yaml_node *node, int depth);

static void put_member(const struct printing *p, const struct yaml_node *node, int depth)
{
	bool nested = (node->kind == YAML_MAP || node->kind == YAML_LIST) && node->count > 0;

	buf_char(p->out, nested ? '\n' : ' ');
	put_node(p, node, nested ? depth + 1 : depth);
}

static void put_node(const struct printing *p, const struct yaml_node *node, int depth)
{
	if (node->kind != YAML_MAP && node->kind != YAML_LIST) {
		put_scalar(p, node);
	} else if (node->count == 0) {
		buf_printf(p->out, "%s  # %s:%d\n", node->kind == YAML_MAP ? "{}" : "[]",
			   node->at.file, node->at.line);
	}
	for (size_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
		indent(p->out, depth);
		put_scalar_text(p->out, node->pairs[i].key, node->pairs[i].key->text);
		buf_char(p->out, ':');
		put_member(p, node->pairs[i].val, depth);
	}
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++) {
		indent(p->out, depth);
		buf_char(p->out, '-');
		put_member(p, node->items[i], depth);
	}
}

void overlay_print(struct buf *out, const struct yaml_node *root,
		   bool (*secret)(void *of, const struct yaml_node *node), void *of)
{
	const struct printing p = { out, secret, of };

	assert(out != NULL && root != NULL && secret != NULL);
	put_node(&p, root, 0);
}
