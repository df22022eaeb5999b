/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_write - see yaml_write.h. The recursion is bounded by the depth of JSON. */
#include "engine/commands/yaml_write.h"

#include <assert.h>

#include "engine/base/limits.h"

#define LINE_MOST  88 /* bytes of a map or list in one line */
#define ITEMS_MOST 6  /* members of one */

static bool is_word(struct text t)
{
	static const char *const others[] = { "true", "false", "null", "yes", "no",  "on",
					      "off",  "y",     "n",    "inf", "nan", NULL };

	if (t.n == 0 || t.n > LINE_MOST)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';

		if (!letter && (i == 0 || strchr("0123456789.-", c) == NULL))
			return false;
	}
	for (size_t i = 0; others[i] != NULL; i++)
		if (text_ieq(t, text_of(others[i])))
			return false;
	return true;
}

/* What YAML doesn't take as it is, though JSON does: DEL, C1, and what isn't a character. */
static bool is_unprintable(uint32_t code)
{
	return (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
	       code == 0xFEFF || (code >= 0xFFFE && code <= 0xFFFF);
}

static void put_quoted(struct buf *out, struct text t)
{
	uint32_t code;
	size_t n;

	buf_char(out, '"');
	for (size_t i = 0; i < t.n; i += n) {
		n = text_char(t, i, &code);
		if (n == 0)
			n = 1;
		if (code == '"' || code == '\\')
			buf_printf(out, "\\%c", (char)code);
		else if (code == '\n')
			buf_str(out, "\\n");
		else if (code < 0x20 || is_unprintable(code))
			buf_printf(out, "\\u%04X", code);
		else
			buf_put(out, t.s + i, n);
	}
	buf_char(out, '"');
}

void yaml_write_text(struct buf *out, struct text t)
{
	assert(out != NULL);
	if (is_word(t))
		buf_text(out, t);
	else
		put_quoted(out, t);
}

void yaml_write_indent(struct buf *out, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		buf_char(out, ' ');
}

static bool is_container(struct value v)
{
	return v.kind == VALUE_MAP || v.kind == VALUE_LIST;
}

static void put_scalar(struct buf *out, struct value v)
{
	if (v.kind == VALUE_TEXT)
		yaml_write_text(out, value_as_text(v));
	else
		value_write(out, v);
}

static void put_key(struct buf *out, struct value key)
{
	put_scalar(out, key);
	buf_char(out, ':');
}

static struct value item_of(struct value v, uint32_t i)
{
	return v.kind == VALUE_MAP ? v.pairs[i].val : v.items[i];
}

static bool is_flat(struct value v)
{
	for (uint32_t i = 0; i < v.n && v.n <= ITEMS_MOST; i++)
		if (is_container(item_of(v, i)) && item_of(v, i).n > 0)
			return false;
	return v.n <= ITEMS_MOST;
}

static void put_flat(struct buf *out, struct value v)
{
	bool map = v.kind == VALUE_MAP;

	buf_char(out, map ? '{' : '[');
	for (uint32_t i = 0; i < v.n; i++) {
		struct value item = item_of(v, i);

		buf_str(out, i > 0 ? ", " : " ");
		if (map) {
			put_key(out, v.pairs[i].key);
			buf_char(out, ' ');
		}
		if (is_container(item))
			put_flat(out, item); /* an empty one */
		else
			put_scalar(out, item);
	}
	if (v.n > 0)
		buf_char(out, ' ');
	buf_char(out, map ? '}' : ']');
}

/* In one line, where it is short and holds no containers. */
static bool put_line(struct buf *out, struct value v)
{
	size_t begin = out->n;

	if (!is_flat(v))
		return false;
	buf_char(out, ' ');
	put_flat(out, v);
	buf_char(out, '\n');
	if (v.n == 0 || out->n - begin <= LINE_MOST)
		return true;
	buf_cut(out, begin);
	return false;
}

static void put_block(struct buf *out, struct value v, unsigned indent, bool begun);

/* An item of a list: a map begins beside its dash. */
static void put_item(struct buf *out, struct value item, unsigned indent)
{
	buf_char(out, '-');
	if (item.kind != VALUE_MAP || put_line(out, item)) {
		if (item.kind != VALUE_MAP)
			yaml_write(out, item, indent);
		return;
	}
	buf_char(out, ' ');
	put_block(out, item, indent, true);
}

/* `begun`: the first line has its indent already. */
static void put_block(struct buf *out, struct value v, unsigned indent, bool begun)
{
	for (uint32_t i = 0; i < v.n && !buf_failed(out); i++) {
		if (i > 0 || !begun)
			yaml_write_indent(out, indent);
		if (v.kind == VALUE_LIST) {
			put_item(out, v.items[i], indent + 2);
		} else {
			put_key(out, v.pairs[i].key);
			yaml_write(out, v.pairs[i].val, indent + 2);
		}
	}
}

void yaml_write(struct buf *out, struct value v, unsigned indent)
{
	assert(out != NULL);
	if (!is_container(v)) {
		buf_char(out, ' ');
		put_scalar(out, v);
		buf_char(out, '\n');
		return;
	}
	if (put_line(out, v))
		return;
	buf_char(out, '\n');
	put_block(out, v, indent, false);
}
