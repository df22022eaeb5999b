/* SPDX-License-Identifier: Apache-2.0
 *
 * share - what many programs compute alike is computed once.
 *
 * Parts that read the same (data.status.key) or decide the same (a condition
 * that stands in two rules) get one cell. An evaluation that is given a memo
 * keeps their values there for the programs that follow, until the next
 * memo_next: one event, say.
 *
 * I1  A program evaluates to the same value, and takes as many steps, with a memo
 *     as without: what a value took is charged again when it is found.
 * I2  Errors are never kept; they name a place in their own program.
 * Ownership: a memo belongs to one thread. Programs of one sharing are numbered
 * while nobody else has them; afterwards they are immutable again. */
#ifndef TAPPET_CEL_SHARE_H
#define TAPPET_CEL_SHARE_H

#include "engine/cel/cel.h"

struct cel_sharing;

/* Bit i of `variables`: the host's variable i is the same for all programs of a
 * moment. NULL when memory is out. */
struct cel_sharing *cel_sharing_new(uint64_t variables);

/* Notes the parts of a program, which must outlive the sharing and take part in no
 * other one. False when memory is out. */
bool cel_sharing_add(struct cel_sharing *sharing, const struct cel_program *program);

/* Numbers the parts that stand in more than one place, and lets go of the sharing (NULL is
 * fine). Returns how many cells there are. */
uint32_t cel_sharing_end(struct cel_sharing *sharing);

/* True when the part's value is the same for all programs of a moment: it reads only such
 * variables, and no local of a macro around it. */
bool cel_part_is_shared(const struct cel_program *program, uint32_t at, uint64_t variables);

struct cel_memo;

struct cel_memo *cel_memo_new(uint32_t cells); /* NULL when memory is out */
void cel_memo_free(struct cel_memo *memo);

/* Forgets all values: before the next moment, and before the arena they live in is reset. */
void cel_memo_next(struct cel_memo *memo);

/* Evaluates a part, as cel_eval_part does, with a memo (NULL: without). Adds the steps it took
 * to *steps (NULL is fine). */
struct value cel_eval_shared(const struct cel_program *program, uint32_t at, struct arena *arena,
			     const struct cel_vars *vars, struct cel_memo *memo, int64_t *steps);

#endif
