/* SPDX-License-Identifier: Apache-2.0
 *
 * out - a text that a function makes piece by piece: in the evaluation's arena,
 * at most LIMIT_EXPR_TEXT bytes long, charged by its length.
 *
 * The first failure (budget, arena, ceiling, or one of the function's own)
 * sticks: later writes do nothing, and cel_out_end returns it.
 * Ownership: the bytes belong to the evaluation's arena. */
#ifndef TAPPET_CEL_OUT_H
#define TAPPET_CEL_OUT_H

#include "engine/cel/program.h"

struct cel_out {
	struct cel_run *run;
	char *s;
	size_t n, room;
	size_t owed;      /* bytes written that are not yet charged */
	struct value bad; /* what failed first, else null */
};

void cel_out_begin(struct cel_out *out, struct cel_run *run);

/* Room for n more bytes: the caller writes at most that many there and adds
 * them to out->n. NULL after a failure. Charges n bytes. */
char *cel_out_room(struct cel_out *out, size_t n);

void cel_out_put(struct cel_out *out, struct text t);
void cel_out_fail(struct cel_out *out, struct value error);

static inline bool cel_out_failed(const struct cel_out *out)
{
	return out->bad.kind == VALUE_ERROR;
}

/* Takes n further steps for work that the length doesn't tell; false, and
 * failed, when they are spent. */
bool cel_out_charge(struct cel_out *out, uint64_t n);

/* The text, or the error. */
struct value cel_out_end(struct cel_out *out);

#endif
