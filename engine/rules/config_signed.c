/* SPDX-License-Identifier: Apache-2.0
 *
 * config_signed - "v0:{timestamp}:{body}": what a signature covers, of the
 * requests hooks take and of those connections send.
 *
 * Whoever checks a signature wants no two readings of the same bytes, so a
 * hook's pieces are kept apart. What we send is laid down by its receiver, and
 * taken as it is. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/config_internal.h"

static const char *const placeholders[] = { "",       "{timestamp}", "{id}",
					    "{body}", "{method}",    "{path}" };

_Static_assert(SIGNED_PATH == 5, "placeholders[] follows enum kind");

#define ONLY(kind) (1u << (kind))

/* Two values need something between them that neither can hold, else bytes could
 * move from one to the other under the same signature. */
static const char *template_ambiguous(const struct signed_template *t, int kind)
{
	const struct signed_part *last = t->count > 0 ? &t->parts[t->count - 1] : NULL;

	if (kind == SIGNED_TEXT || t->outgoing)
		return NULL;
	if (last != NULL && last->kind != SIGNED_TEXT)
		return "nothing separates two values";
	if ((t->seen & ONLY(kind)) != 0)
		return "a value is signed twice";
	if ((t->seen & ONLY(SIGNED_BODY)) != 0)
		return "a value stands after the body, whose end nobody can tell";
	return NULL;
}

static void template_add(struct signed_template *t, struct signed_part part)
{
	size_t most = t->outgoing ? LIMIT_SIGNED_PARTS_OUT : LIMIT_SIGNED_PARTS;

	t->wrong =
	    t->count == most ? "this has too many parts" : template_ambiguous(t, (int)part.kind);
	if (t->wrong != NULL)
		return;
	t->seen |= ONLY(part.kind);
	t->parts[t->count++] = part;
}

static int placeholder_at(const struct signed_template *t, struct text at)
{
	int last = t->outgoing ? SIGNED_PATH : SIGNED_BODY;

	for (int kind = SIGNED_TIMESTAMP; kind <= last; kind++)
		if (text_starts(at, text_of(placeholders[kind])))
			return kind;
	return SIGNED_TEXT;
}

static size_t text_length(const struct signed_template *t, struct text source)
{
	size_t n = 0;

	while (n < source.n &&
	       placeholder_at(t, (struct text){ source.s + n, source.n - n }) == SIGNED_TEXT)
		n++;
	return n;
}

static void template_read(struct signed_template *t, struct text source)
{
	while (source.n > 0 && t->wrong == NULL) {
		int kind = placeholder_at(t, source);
		size_t n =
		    kind != SIGNED_TEXT ? strlen(placeholders[kind]) : text_length(t, source);
		struct text piece = { source.s, n };

		if (kind == SIGNED_TEXT && text_find(piece, TEXT("{")) != SIZE_MAX)
			t->wrong = "there is no such value";
		else
			template_add(t, (struct signed_part){ .kind = kind, .text = piece });
		source.s += n;
		source.n -= n;
	}
}

bool config_signed(struct configuring *c, const struct yaml_node *node, struct signed_template *t)
{
	struct text source;

	assert(c != NULL && node != NULL && t != NULL);
	if (!config_text(c, node, &source))
		return false;
	t->parts = arena_array(c->r.arena, LIMIT_SIGNED_PARTS_OUT, sizeof(*t->parts));
	if (t->parts == NULL)
		return false;
	template_read(t, source);
	return true;
}
