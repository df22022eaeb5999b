/* SPDX-License-Identifier: Apache-2.0
 *
 * templates_fill - templates become parameter values.
 *
 * A text that is one ${…} keeps the value's type. Elsewhere values print as they
 * read in a sentence: whole doubles without a fraction, lists and maps as JSON.
 * Values are escaped for their slot, the template's own text never is.
 * Ownership: results live in the scope's arena or borrow from the rule. */
#include "engine/rules/evaluate.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

struct filling {
	struct scope *scope;
	struct text *why;
	bool *absent; /* of a look-up: set where a value is null; else NULL */
};

static enum fate fail(const struct filling *f, struct place at, const char *what, struct text more)
{
	*f->why = text_printf(f->scope->arena, "%s:%d:%d: %s%.*s", at.file, at.line, at.column,
			      what, TEXT_ARG(more));
	return FATE_REJECT;
}

/* ---- Escaping. ---- */

/* RFC 3986, 2.3: what needs no encoding. */
static bool unreserved(char c)
{
	char letter = (char)(c | 32);

	return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

static void put_url(struct buf *out, struct text t)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.s[i];

		if (unreserved(t.s[i])) {
			buf_char(out, t.s[i]);
		} else {
			buf_char(out, '%');
			buf_char(out, digits[c >> 4]);
			buf_char(out, digits[c & 15]);
		}
	}
}

/* & < > as entities. */
static void put_entity(struct buf *out, char c)
{
	if (c == '&')
		buf_str(out, "&amp;");
	else if (c == '<')
		buf_str(out, "&lt;");
	else if (c == '>')
		buf_str(out, "&gt;");
	else
		buf_char(out, c);
}

/* Slack: "Escaping text" of its formatting reference. */
static void put_slack(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		put_entity(out, t.s[i]);
}

/* A backslash before every character of `special`, and before what makes a heading, list or
 * quotation at the start of a line. */
static void put_markdown(struct buf *out, struct text t, const char *special)
{
	bool starts = true; /* only blanks since the line began */

	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];

		if (c != '\0' &&
		    (strchr(special, c) != NULL || (starts && strchr("#>-+", c) != NULL)))
			buf_char(out, '\\');
		buf_char(out, c);
		starts = c == '\n' || (starts && (c == ' ' || c == '\t'));
	}
}

/* What follows an @ that Discord reads as a mention: everyone, here, or an id (the < before it and
 * & or ! do not matter). */
static bool mentions(struct text rest)
{
	return text_starts(rest, TEXT("everyone")) || text_starts(rest, TEXT("here")) ||
	       (rest.n > 0 && strchr("!&0123456789", rest.s[0]) != NULL && rest.s[0] != '\0');
}

/* Mentions are found in the text as sent, backslashes or not: a zero-width space (U+200B) in them
 * is what Discord's own libraries put there. */
static void put_discord(struct buf *out, struct text t)
{
	AUTO_FINI(buf_fini) struct buf broken;

	buf_init(&broken, LIMIT_TEMPLATE);
	for (size_t i = 0; i < t.n; i++) {
		buf_char(&broken, t.s[i]);
		if (t.s[i] == '@' && mentions((struct text){ t.s + i + 1, t.n - i - 1 }))
			buf_str(&broken, "\xe2\x80\x8b");
	}
	buf_follow(out, &broken);
	put_markdown(out, buf_view(&broken), "\\*_~`|[]<");
}

/* Google Chat's text has no escapes. Links and mentions begin with <: a zero-width space behind it
 * leaves a plain one. */
static void put_chat(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		buf_char(out, t.s[i]);
		if (t.s[i] == '<')
			buf_str(out, "\xe2\x80\x8b");
	}
}

/* Inside of an element, and of an attribute in either kind of quotes. */
static void put_html(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '"')
			buf_str(out, "&quot;");
		else if (t.s[i] == '\'')
			buf_str(out, "&#39;");
		else
			put_entity(out, t.s[i]);
	}
}

static void put_markup(struct buf *out, enum param_slot slot, struct text t)
{
	if (slot == SLOT_SLACK)
		put_slack(out, t);
	else if (slot == SLOT_TEAMS)
		put_markdown(out, t, "\\*_~`[]");
	else if (slot == SLOT_DISCORD)
		put_discord(out, t);
	else if (slot == SLOT_CHAT)
		put_chat(out, t);
	else if (slot == SLOT_HTML)
		put_html(out, t);
	else
		buf_text(out, t);
}

/* The inside of a JSON string. */
static void put_json_inside(struct buf *out, struct text t)
{
	AUTO_FINI(buf_fini) struct buf quoted;

	buf_init(&quoted, LIMIT_TEMPLATE);
	value_write_text(&quoted, t);
	buf_follow(out, &quoted);
	if (!buf_failed(&quoted))
		buf_put(out, quoted.s + 1, quoted.n - 2);
}

static bool header_safe(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (((unsigned char)t.s[i] < 0x20 && t.s[i] != '\t') || t.s[i] == 0x7f)
			return false;
	return true;
}

static enum fate put_escaped(const struct filling *f, const struct template_part *part,
			     enum param_slot slot, bool json, struct text t, struct buf *out)
{
	if (slot == SLOT_HEADER && !header_safe(t))
		return fail(f, part->at, "a line break or control character in a header", TEXT(""));
	if (part->raw)
		buf_text(out, t);
	else if (slot == SLOT_URL)
		put_url(out, t);
	else if (slot == SLOT_BODY && json && part->in_string)
		put_json_inside(out, t);
	else
		put_markup(out, slot, t);
	return FATE_OK;
}

/* ---- Texts. ---- */

static enum fate evaluate(const struct filling *f, const struct template_part *part,
			  struct value *out)
{
	*out = scope_eval(f->scope, part->program);
	if (f->absent != NULL &&
	    (value_is(*out, VALUE_NULL) ||
	     (value_is(*out, VALUE_ERROR) && scope_reads_null(f->scope, part->program)))) {
		*f->absent = true;
		*out = value_null();
	}
	if (value_is(*out, VALUE_ERROR))
		return fail(f, part->at, "", value_as_text(*out));
	return FATE_OK;
}

static enum fate put_value(const struct filling *f, const struct template *t,
			   const struct template_part *part, struct buf *out)
{
	AUTO_FINI(buf_fini) struct buf plain;
	bool json = value_is(t->value, VALUE_BOOL) && t->value.b;
	struct value v;
	enum fate fate = evaluate(f, part, &v);

	buf_init(&plain, LIMIT_TEMPLATE);
	if (fate != FATE_OK)
		return fate;
	/* Outside of its strings, a text in a JSON body is a JSON text. */
	if (json && !part->in_string && !part->raw && value_is(v, VALUE_TEXT))
		value_write_text(&plain, value_as_text(v));
	else
		value_write_plain(&plain, v);
	if (plain.starved)
		arena_fail(f->scope->arena);
	if (buf_failed(&plain))
		return fail(f, part->at, "the value is too long", TEXT(""));
	return put_escaped(f, part, t->slot, json, buf_view(&plain), out);
}

static enum fate fill_text(const struct filling *f, const struct template *t, struct value *out)
{
	AUTO_FINI(buf_fini) struct buf b;
	struct text text;

	buf_init(&b, LIMIT_TEMPLATE);
	for (size_t i = 0; i < t->count; i++) {
		const struct template_part *part = &t->parts[i];
		enum fate fate = FATE_OK;

		if (part->program == NULL)
			buf_text(&b, part->literal);
		else
			fate = put_value(f, t, part, &b);
		if (fate != FATE_OK)
			return fate;
	}
	if (b.starved)
		arena_fail(f->scope->arena);
	text = text_dup(f->scope->arena, buf_view(&b));
	if (buf_failed(&b) || text.s == NULL) {
		*f->why = TEXT("a text is too long");
		return FATE_REJECT;
	}
	*out = value_text(text);
	return FATE_OK;
}

/* One ${…}: the value itself; a text is escaped all the same. */
static enum fate fill_whole(const struct filling *f, const struct template *t, struct value *out)
{
	const struct template_part *part = &t->parts[0];
	enum fate fate = evaluate(f, part, out);

	if (fate != FATE_OK || !value_is(*out, VALUE_TEXT) || t->slot == SLOT_PLAIN ||
	    t->slot == SLOT_BODY)
		return fate;
	return fill_text(f, t, out);
}

/* ---- Trees. ---- */

static enum fate fill(const struct filling *f, const struct template *t, struct value *out);

static enum fate fill_map(const struct filling *f, const struct template *t, struct value *out)
{
	struct value_map_builder b;

	value_map_begin(&b, f->scope->arena);
	for (size_t i = 0; i < t->count; i++) {
		struct value v;
		enum fate fate = fill(f, t->items[i], &v);

		if (fate != FATE_OK)
			return fate;
		value_map_add(&b, value_text(t->keys[i]), v);
	}
	*out = value_map_end(&b);
	return FATE_OK;
}

static enum fate fill_list(const struct filling *f, const struct template *t, struct value *out)
{
	struct value_list_builder b;

	value_list_begin(&b, f->scope->arena);
	for (size_t i = 0; i < t->count; i++) {
		struct value v;
		enum fate fate = fill(f, t->items[i], &v);

		if (fate != FATE_OK)
			return fate;
		value_list_add(&b, v);
	}
	*out = value_list_end(&b);
	return FATE_OK;
}

/* As deep as the YAML it was made from: LIMIT_YAML_DEPTH. */
static enum fate fill(const struct filling *f, const struct template *t, struct value *out)
{
	switch (t->kind) {
	case TEMPLATE_VALUE:
		*out = t->value;
		return FATE_OK;
	case TEMPLATE_WHOLE:
		return fill_whole(f, t, out);
	case TEMPLATE_TEXT:
		return fill_text(f, t, out);
	case TEMPLATE_LIST:
		return fill_list(f, t, out);
	case TEMPLATE_MAP:
		return fill_map(f, t, out);
	}
	return FATE_BUG;
}

static enum fate fill_all(struct scope *scope, const struct template *t, struct value *out,
			  struct text *why, bool *absent)
{
	struct filling f = { scope, why, absent };
	enum fate fate;

	assert(scope != NULL && t != NULL);
	assert(out != NULL && why != NULL);
	*why = TEXT_NONE;
	fate = fill(&f, t, out);
	if (fate == FATE_OK && arena_failed(scope->arena)) {
		*why = TEXT("the parameters take too much memory");
		return FATE_REJECT;
	}
	return fate;
}

enum fate template_fill(struct scope *scope, const struct template *t, struct value *out,
			struct text *why)
{
	return fill_all(scope, t, out, why, NULL);
}

enum fate step_params(struct scope *scope, const struct step *step, struct value *out,
		      struct text *why)
{
	bool absent = false;
	enum fate fate;

	assert(scope != NULL && step != NULL);
	assert(out != NULL && why != NULL);
	*why = TEXT_NONE;
	*out = (struct value){ .kind = VALUE_MAP };
	if (step->params == NULL)
		return FATE_OK;
	fate = fill_all(scope, step->params, out, why, step->reads ? &absent : NULL);
	if (absent)
		*out = value_null();
	return absent ? FATE_OK : fate;
}
