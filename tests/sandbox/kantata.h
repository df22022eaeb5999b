/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata - the workspace calls of the Kantata OX API under /api/v1.
 */
#ifndef SANDBOX_KANTATA_H
#define SANDBOX_KANTATA_H

#include "tests/sandbox/routes.h"

struct workspace;

extern const struct vendor kantata;

answer_fn kantata_list;
answer_fn kantata_create;
answer_fn kantata_show;
answer_fn kantata_update;
answer_fn kantata_delete;

/* Applies the members of an object; false with the reason and the member's name filled in. */
bool kantata_apply(struct workspace *ws, const json_t *patch, bool any_member, const char **field,
		   char why[160]);

#endif
