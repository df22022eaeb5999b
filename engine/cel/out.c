/* SPDX-License-Identifier: Apache-2.0
 *
 * out - a text that a function makes piece by piece; see out.h. */
#include "engine/cel/out.h"

#include <assert.h>

#define FIRST_ROOM 64 /* bytes: most texts that rules make fit */

void cel_out_begin(struct cel_out *out, struct cel_run *run)
{
	assert(out != NULL && run != NULL);
	*out = (struct cel_out){ .run = run, .bad = value_null() };
}

void cel_out_fail(struct cel_out *out, struct value error)
{
	assert(out != NULL && error.kind == VALUE_ERROR);
	if (!cel_out_failed(out))
		out->bad = error;
}

bool cel_out_charge(struct cel_out *out, uint64_t n)
{
	assert(out != NULL);
	if (!cel_charge(out->run, n))
		cel_out_fail(out, cel_error_budget());
	return !cel_out_failed(out);
}

/* Grows the room to at least n bytes in all; what was there stays behind. */
static bool grow(struct cel_out *out, size_t n)
{
	size_t room = out->room * 2 > FIRST_ROOM ? out->room * 2 : FIRST_ROOM;
	char *s;

	room = room > n ? room : n;
	s = arena_alloc(out->run->arena, room);
	if (s == NULL) {
		cel_out_fail(out, cel_error_memory());
		return false;
	}
	if (out->n > 0)
		memcpy(s, out->s, out->n);
	out->s = s;
	out->room = room;
	return true;
}

char *cel_out_room(struct cel_out *out, size_t n)
{
	assert(out != NULL && out->n <= LIMIT_EXPR_TEXT);
	if (cel_out_failed(out))
		return NULL;
	if (n > LIMIT_EXPR_TEXT - out->n) {
		cel_out_fail(out, cel_error(out->run, "a text of more than %u bytes is too long",
					    LIMIT_EXPR_TEXT));
		return NULL;
	}
	out->owed += n;
	if (out->owed >= 64 && !cel_out_charge(out, out->owed / 64 - 1))
		return NULL;
	out->owed %= 64;
	if ((out->s == NULL || n > out->room - out->n) && !grow(out, out->n + n))
		return NULL;
	return out->s + out->n;
}

void cel_out_put(struct cel_out *out, struct text t)
{
	char *to;

	if (t.n == 0)
		return;
	to = cel_out_room(out, t.n);
	if (to == NULL)
		return;
	memcpy(to, t.s, t.n);
	out->n += t.n;
}

struct value cel_out_end(struct cel_out *out)
{
	assert(out != NULL);
	if (cel_out_failed(out))
		return out->bad;
	return value_text((struct text){ out->s != NULL ? out->s : "", out->n });
}
