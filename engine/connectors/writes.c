/* SPDX-License-Identifier: Apache-2.0
 *
 * writes - what a call writes, in the form the object is read in: status_key: 305 is
 * status.key "305".
 *
 * Values are compared as tokens: what products give back differs from what they were
 * given in type (305, "305"), in the blanks around a text and the ends of its lines, in the
 * order of ids, and in how nothing is spelled (null, "", []).
 *
 * I1  A map is written leaf by leaf, as changes are told.
 * I2  A token is short: what is long is named by its hash.
 * Never: reads a reply. */
#include "engine/connectors/connector.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"

#define TOKEN_MAX 64 /* bytes kept as they are: ids, dates, numbers */

static int by_text(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

/* Of a list its members, each once; of one member that itself: a product that takes several may
 * give back the only one without a list. */
static void put_list(struct buf *out, struct arena *arena, struct value list)
{
	struct text *tokens = arena_array(arena, list.n + 1, sizeof(*tokens));
	uint32_t n = 0;

	if (tokens == NULL)
		return;
	for (uint32_t i = 0; i < list.n; i++)
		tokens[i] = written_token(arena, list.items[i]);
	qsort(tokens, list.n, sizeof(*tokens), by_text);
	for (uint32_t i = 0; i < list.n; i++)
		if (i == 0 || !text_eq(tokens[i], tokens[n - 1]))
			tokens[n++] = tokens[i];
	if (n == 1)
		buf_text(out, tokens[0]);
	if (n < 2)
		return;
	buf_char(out, '[');
	for (uint32_t i = 0; i < n; i++)
		value_write_text(out, tokens[i]);
	buf_char(out, ']');
}

/* Forms send CRLF, and have it where LF was written. */
static void put_lines(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.s[i] != '\r' || i + 1 == t.n || t.s[i + 1] != '\n')
			buf_char(out, t.s[i]);
}

static struct text shortened(struct arena *arena, struct text t)
{
	char digits[HASH_HEX];

	if (t.n <= TOKEN_MAX)
		return text_dup(arena, t);
	hash_name(&t, 1, digits);
	return text_printf(arena, "#%s", digits);
}

struct text written_token(struct arena *arena, struct value v)
{
	AUTO_FINI(buf_fini) struct buf out;
	struct text token;

	assert(arena != NULL);
	buf_init(&out, LIMIT_REQUEST);
	if (value_is(v, VALUE_LIST))
		put_list(&out, arena, v);
	else if (value_is(v, VALUE_MAP))
		value_write_canonical(&out, v);
	else if (value_is(v, VALUE_TEXT))
		put_lines(&out, value_as_text(v));
	else if (!value_is(v, VALUE_NULL))
		value_write_plain(&out, v);
	/* What doesn't fit is compared as nothing, so it is nobody's echo. */
	token = buf_failed(&out) ? TEXT("#") : text_trim(buf_view(&out));
	return shortened(arena, token);
}

static bool row_ends(const struct write_field *row)
{
	return row == NULL || (row->member == NULL && row->field == NULL);
}

void writes_member(const struct writes *writes, struct text member,
		   void (*visit)(void *of, struct text field, const struct write_field *row),
		   void *of)
{
	bool named = writes->id != NULL && text_is(member, writes->id);

	assert(writes != NULL && visit != NULL);
	for (const struct write_field *row = writes->fields; !row_ends(row); row++) {
		if (row->member == NULL || !text_is(member, row->member))
			continue;
		named = true;
		if (row->field != NULL)
			visit(of, text_of(row->field), row);
	}
	if (!named && object_kind_field(writes->kind, member) != NULL)
		visit(of, member, NULL);
}

struct composing {
	struct arena *arena;
	struct value value; /* of the member under way */
	struct value_map_builder set;
	struct value_list_builder any, also;
};

static void put_value(struct composing *c, struct text field, struct value v)
{
	/* Where the product decides between a day and a time, nobody knows which it is. */
	if (value_is(v, VALUE_TIMESTAMP)) {
		value_list_add(&c->any, value_text(field));
		return;
	}
	for (uint32_t i = 0; value_is(v, VALUE_MAP) && i < v.n; i++)
		if (value_is(v.pairs[i].key, VALUE_TEXT))
			put_value(c,
				  text_printf(c->arena, "%.*s.%.*s", TEXT_ARG(field),
					      TEXT_ARG(value_as_text(v.pairs[i].key))),
				  v.pairs[i].val);
	if (!value_is(v, VALUE_MAP) || v.n == 0)
		value_map_add(&c->set, value_text(field), value_text(written_token(c->arena, v)));
}

static void put_field(void *of, struct text field, const struct write_field *row)
{
	struct composing *c = of;

	if (row != NULL && row->turns)
		value_list_add(&c->any, value_text(field));
	else if (row != NULL && row->value != NULL)
		put_value(c, field, value_text(text_of(row->value)));
	else if (row != NULL && row->read_form != NULL)
		put_value(c, field, row->read_form(c->arena, c->value));
	else
		put_value(c, field, c->value);
	for (const char *const *also = row != NULL ? row->also : NULL;
	     also != NULL && *also != NULL; also++)
		value_list_add(&c->also, value_text(text_of(*also)));
}

static void put_body(struct composing *c, const struct writes *writes, struct value params)
{
	struct value body = value_null();

	if (writes->body != NULL)
		body = writes->body[0] == '\0' ? params : param_value(params, writes->body);
	for (uint32_t i = 0; value_is(body, VALUE_MAP) && i < body.n; i++) {
		c->value = body.pairs[i].val;
		if (value_is(body.pairs[i].key, VALUE_TEXT))
			writes_member(writes, value_as_text(body.pairs[i].key), put_field, c);
	}
	for (const struct write_field *row = writes->fields; !row_ends(row); row++)
		if (row->member == NULL)
			put_field(c, text_of(row->field), row);
}

/* As the request has them; what doesn't fit is never sent. */
static struct value fitted(const struct action *action, struct arena *arena, struct value given)
{
	struct call *call = arena_zero(arena, sizeof(*call));
	struct value params;

	if (call == NULL)
		return given;
	call->arena = arena;
	return params_fit(call, action->params, given, &params) == FATE_OK ? params : given;
}

struct wrote action_wrote(const struct action *action, struct arena *arena, struct value params)
{
	const struct writes *writes = action->writes;
	struct wrote out = { .set = value_null(), .any = value_null(), .also = value_null() };
	struct composing c = { .arena = arena };

	assert(action != NULL && arena != NULL);
	if (writes == NULL || writes->id == NULL)
		return out;
	params = fitted(action, arena, params);
	out.id = written_token(arena, param_value(params, writes->id));
	value_map_begin(&c.set, arena);
	value_list_begin(&c.any, arena);
	value_list_begin(&c.also, arena);
	if (writes->how == WRITES_FIELDS)
		put_body(&c, writes, params);
	out.set = value_map_end(&c.set);
	out.any = value_list_end(&c.any);
	out.also = value_list_end(&c.also);
	return out;
}
