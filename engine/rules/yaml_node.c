/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_node - reading a YAML tree: keys, plain data, and where in the file the
 * n-th byte of a text stands.
 *
 * Core schema: YAML 1.2.2, 10.3.2. */
#include "engine/rules/yaml.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/rules/walker.h"

struct place walker_to(struct walker *w, const char *file, size_t byte)
{
	assert(byte <= w->in.n);
	if (byte < w->byte)
		*w = walker_of(w->in);
	while (w->byte < byte)
		walker_step(w);
	return (struct place){ file, w->line, w->column };
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	struct text name = text_of(key);

	assert(map != NULL);
	if (map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (text_eq(map->pairs[i].key->text, name))
			return map->pairs[i].val;
	return NULL;
}

const char *yaml_kind_words(const struct yaml_node *node)
{
	static const char *const words[] = { "nothing",    "true or false", "a whole number",
					     "a number",   "a text",        "a list",
					     "a map ({…})" };

	assert(node != NULL && (unsigned)node->kind <= YAML_MAP);
	return words[node->kind];
}

/* ---- Core schema. ---- */

static bool is_one_of(struct text t, const char *const *words)
{
	for (; *words != NULL; words++)
		if (text_is(t, *words))
			return true;
	return false;
}

static size_t digits(struct text t, size_t i)
{
	while (i < t.n && t.s[i] >= '0' && t.s[i] <= '9')
		i++;
	return i;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(struct text t)
{
	size_t i = t.n > 0 && (t.s[0] == '-' || t.s[0] == '+') ? 1 : 0;
	size_t whole = digits(t, i), k;

	if (whole == i) {
		if (i >= t.n || t.s[i] != '.' || digits(t, i + 1) == i + 1)
			return false;
		i = digits(t, i + 1);
	} else {
		i = whole;
		if (i < t.n && t.s[i] == '.')
			i = digits(t, i + 1);
	}
	if (i < t.n && (t.s[i] == 'e' || t.s[i] == 'E')) {
		k = i + 1;
		if (k < t.n && (t.s[k] == '-' || t.s[k] == '+'))
			k++;
		i = digits(t, k);
		if (i == k)
			return false;
	}
	return i == t.n && t.n > 0;
}

static bool is_decimal(struct text t)
{
	size_t i = t.n > 0 && (t.s[0] == '-' || t.s[0] == '+') ? 1 : 0;

	return i < t.n && digits(t, i) == t.n;
}

static struct value to_double(struct arena *arena, struct text t)
{
	struct text z = text_dup(arena, t);
	double d = z.s != NULL ? strtod(z.s, NULL) : 0;

	/* 1e999: no double; the caller refuses what isn't one. */
	return d - d == 0 ? value_double(d) : value_null();
}

static struct value to_number(struct arena *arena, struct text t)
{
	struct text bare = t.s[0] == '+' ? (struct text){ t.s + 1, t.n - 1 } : t;
	uint64_t u = 0;
	int64_t i;

	if (text_to_int(bare, &i))
		return value_int(i);
	for (size_t k = 0; k < bare.n; k++) {
		uint64_t digit;

		if (bare.s[k] < '0' || bare.s[k] > '9')
			return to_double(arena, t);
		digit = (uint64_t)(bare.s[k] - '0');
		if (u > (UINT64_MAX - digit) / 10)
			return to_double(arena, t);
		u = u * 10 + digit;
	}
	return value_uint(u);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* 0x1F, 0o17. */
static bool based(struct text t, struct value *out)
{
	uint64_t base = t.n > 2 && t.s[0] == '0' ? (t.s[1] == 'x' ? 16 : t.s[1] == 'o' ? 8 : 0) : 0;
	uint64_t u = 0;

	if (base == 0)
		return false;
	for (size_t i = 2; i < t.n; i++) {
		uint64_t digit = (uint64_t)digit_of(t.s[i]);

		if (digit >= base || u > (UINT64_MAX - digit) / base)
			return false;
		u = u * base + digit;
	}
	*out = u <= INT64_MAX ? value_int((int64_t)u) : value_uint(u);
	return true;
}

static bool is_special_float(struct text t)
{
	static const char *const words[] = { ".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
					     "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
					     ".NaN",  ".NAN",  NULL };

	return is_one_of(t, words);
}

enum yaml_kind yaml_resolve(struct arena *arena, struct text t, struct value *out)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };

	assert(arena != NULL && out != NULL);
	*out = value_text(t);
	if (t.n > 0 && strchr("~nNtTfF.+-0123456789", t.s[0]) == NULL)
		return YAML_TEXT;
	*out = value_null();
	if (is_one_of(t, nulls))
		return YAML_NULL;
	*out = value_bool(is_one_of(t, trues));
	if (out->b || is_one_of(t, falses))
		return YAML_BOOL;
	if (is_decimal(t)) {
		*out = to_number(arena, t);
		return out->kind == VALUE_INT || out->kind == VALUE_UINT ? YAML_INT : YAML_FLOAT;
	}
	if (based(t, out))
		return YAML_INT;
	if (is_float(t)) {
		*out = to_double(arena, t);
		return YAML_FLOAT;
	}
	*out = is_special_float(t) ? value_null() : value_text(t);
	return is_special_float(t) ? YAML_FLOAT : YAML_TEXT;
}

/* ---- Plain data. ---- */

struct value yaml_value(struct arena *arena, const struct yaml_node *node)
{
	assert(node != NULL);
	if (node->kind == YAML_LIST) {
		struct value_list_builder b;

		value_list_begin(&b, arena);
		for (size_t i = 0; i < node->count; i++)
			value_list_add(&b, yaml_value(arena, node->items[i]));
		return value_list_end(&b);
	}
	if (node->kind == YAML_MAP) {
		struct value_map_builder b;

		value_map_begin(&b, arena);
		for (size_t i = 0; i < node->count; i++)
			value_map_add(&b, value_text(text_dup(arena, node->pairs[i].key->text)),
				      yaml_value(arena, node->pairs[i].val));
		return value_map_end(&b);
	}
	if (node->kind == YAML_TEXT)
		return value_text(text_dup(arena, node->text));
	return node->scalar;
}

static struct text copy_text(struct arena *arena, const struct yaml_node *node, const char *source)
{
	if (node->text.s == node->source && source != NULL)
		return (struct text){ source, node->text.n };
	return text_dup(arena, node->text);
}

static bool copy_scalar(struct arena *arena, const struct yaml_node *node, struct yaml_node *copy)
{
	copy->source = arena_copy(arena, node->source, node->to - node->from);
	copy->text = copy_text(arena, node, copy->source);
	if (node->scalar.kind == VALUE_TEXT)
		copy->scalar = value_text(copy->text);
	return copy->source != NULL;
}

struct yaml_node *yaml_copy(struct arena *arena, const struct yaml_node *node, const char *file)
{
	struct yaml_node *copy = arena_copy(arena, node, sizeof(*node));

	assert(node != NULL && file != NULL);
	if (copy == NULL)
		return NULL;
	copy->at.file = file;
	if (node->kind == YAML_MAP) {
		copy->pairs = arena_array(arena, node->count, sizeof(*copy->pairs));
		for (size_t i = 0; copy->pairs != NULL && i < node->count; i++) {
			copy->pairs[i].key = yaml_copy(arena, node->pairs[i].key, file);
			copy->pairs[i].val = yaml_copy(arena, node->pairs[i].val, file);
			if (copy->pairs[i].val != NULL)
				copy->pairs[i].val->key = copy->pairs[i].key;
		}
	} else if (node->kind == YAML_LIST) {
		copy->items = arena_array(arena, node->count, sizeof(*copy->items));
		for (size_t i = 0; copy->items != NULL && i < node->count; i++)
			copy->items[i] = yaml_copy(arena, node->items[i], file);
	}
	if (node->kind == YAML_MAP || node->kind == YAML_LIST)
		copy->source = arena_copy(arena, "", 1);
	else if (!copy_scalar(arena, node, copy))
		return NULL;
	return arena_failed(arena) ? NULL : copy;
}

/* ---- Where the n-th byte of a text stands. ---- */

struct inside {
	struct walker w; /* over the source */
	char style;      /* '"', '\'', '|', '>' or 0: plain */
	size_t indent;   /* of a block's lines */
};

/* Bytes that a double-quoted escape stands for; *width: of the escape itself. */
static size_t escape_size(struct text s, size_t at, size_t *width)
{
	uint32_t code = 0;
	char c = at + 1 < s.n ? s.s[at + 1] : '\\';
	size_t hex = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;

	*width = 2 + hex;
	if (hex == 0)
		return c == 'N' || c == '_' ? 2 : c == 'L' || c == 'P' ? 3 : 1;
	for (size_t i = 0; i < hex && at + 2 + i < s.n; i++)
		code = code * 16 + (uint32_t)(digit_of(s.s[at + 2 + i]) & 15);
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/* Blanks and line breaks from `at`, if they hold a break: how many bytes they fold to. */
static bool folds(struct text s, size_t at, size_t *width, size_t *size)
{
	size_t breaks = 0, i = at;

	while (i < s.n && (s.s[i] == ' ' || s.s[i] == '\t' || s.s[i] == '\r' || s.s[i] == '\n'))
		breaks += s.s[i++] == '\n';
	*width = i - at;
	*size = breaks == 1 ? 1 : breaks - 1;
	return breaks > 0;
}

/* One unit of a plain or quoted scalar: bytes of source, and of text. */
static void flow_unit(const struct inside *in, size_t *width, size_t *size)
{
	struct text s = in->w.in;
	size_t at = in->w.byte;

	*width = *size = 1;
	if (folds(s, at, width, size))
		return;
	*width = *size = 1;
	if (in->style == '\'' && s.s[at] == '\'')
		*width = 2;
	if (in->style != '"' || s.s[at] != '\\')
		return;
	if (at + 1 < s.n && (s.s[at + 1] == '\n' || s.s[at + 1] == '\r')) {
		folds(s, at + 1, width, size);
		*width += 1;
		*size = 0;
		return;
	}
	*size = escape_size(s, at, width);
}

/* Of a block scalar: like the above, each line's indentation skipped. */
static void block_unit(const struct inside *in, size_t *width, size_t *size)
{
	struct text s = in->w.in;
	size_t at = in->w.byte, line = at;

	*width = *size = 1;
	if (in->style == '>' && s.s[at] == '\n' && folds(s, at, width, size))
		return;
	while (line > 0 && s.s[line - 1] != '\n')
		line--;
	if (at == line && s.s[at] == ' ') {
		*width = 0;
		while (*width < in->indent && at + *width < s.n && s.s[at + *width] == ' ')
			(*width)++;
		*size = 0;
	}
	if (*width == 0)
		*width = *size = 1;
}

static void skip(struct inside *in, size_t bytes)
{
	while (bytes-- > 0 && in->w.byte < in->w.in.n)
		walker_step(&in->w);
}

/* The header line is skipped, the indentation taken from the first line with text. */
static void enter_block(struct inside *in)
{
	struct text s = in->w.in;
	size_t i, line;

	while (in->w.byte < s.n && s.s[in->w.byte] != '\n')
		walker_step(&in->w);
	skip(in, 1);
	for (i = line = in->w.byte; i < s.n && (s.s[i] == ' ' || s.s[i] == '\n'); i++)
		if (s.s[i] == '\n')
			line = i + 1;
	in->indent = i - line;
}

struct place yaml_inside(const struct yaml_node *scalar, size_t offset)
{
	struct inside in = { .w = walker_of(
				 (struct text){ scalar->source, scalar->to - scalar->from }) };
	size_t made = 0, width, size;

	assert(scalar->source != NULL);
	in.w.line = scalar->at.line;
	in.w.column = scalar->at.column;
	if (scalar->quoted && in.w.in.n > 0)
		in.style = scalar->source[0];
	if (scalar->block)
		enter_block(&in);
	else if (scalar->quoted)
		skip(&in, 1);
	while (in.w.byte < in.w.in.n) {
		if (scalar->block)
			block_unit(&in, &width, &size);
		else
			flow_unit(&in, &width, &size);
		if (made + size > offset)
			break;
		made += size;
		skip(&in, width);
	}
	return (struct place){ scalar->at.file, in.w.line, in.w.column };
}
