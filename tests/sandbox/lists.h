/* SPDX-License-Identifier: Apache-2.0
 *
 * lists - lists of anything at /lists/NAME, paged as control calls say: nobody's API, and what many
 * do. README.md describes it.
 */
#ifndef SANDBOX_LISTS_H
#define SANDBOX_LISTS_H

#include "tests/sandbox/routes.h"

extern const struct vendor lists;

struct lists *lists_new(void);
void lists_free(struct lists *l);
void lists_clear(struct lists *l);

answer_fn lists_read;
answer_fn lists_set;    /* control: rows and behaviour */
answer_fn lists_merge;  /* control: one row */
answer_fn lists_remove; /* control: one row */

#endif
