/* SPDX-License-Identifier: Apache-2.0
 *
 * issue - what is wrong with an expression, and where.
 *
 * I1  The first refusal of a compilation stays; later ones are ignored.
 * Ownership: none; the issue belongs to the caller of cel_compile. */
#ifndef TAPPET_CEL_ISSUE_H
#define TAPPET_CEL_ISSUE_H

#include "engine/cel/cel.h"

/* Fills the issue unless it is filled already. `hint` may be "". Always false,
 * so that a stage can return it. */
bool cel_refuse(struct cel_issue *issue, size_t offset, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Replaces the hint of an issue without one. */
void cel_hint(struct cel_issue *issue, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The arena's budget is spent. */
bool cel_refuse_size(struct cel_issue *issue, size_t offset);

#endif
