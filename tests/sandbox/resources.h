/* SPDX-License-Identifier: Apache-2.0
 *
 * resources - the workspace resources of the pretended Kantata account, and its calls for them.
 *
 * A resource ties a user, or nobody yet (an unnamed one), with a role to a project. Ids rise and
 * are never used twice. A resource goes with its project.
 */
#ifndef SANDBOX_RESOURCES_H
#define SANDBOX_RESOURCES_H

#include "tests/sandbox/routes.h"

struct resources;

struct resources *resources_new(void);
void resources_free(struct resources *r);
void resources_clear(struct resources *r);

/* Three for the demo's first project: two people and an unnamed designer. */
void resources_seed(struct sandbox *sb, int64_t workspace, int64_t now);
void resources_drop_workspace(struct sandbox *sb, int64_t workspace);

answer_fn resources_list;
answer_fn resources_create;
answer_fn resources_show;
answer_fn resources_update;
answer_fn resources_delete;
answer_fn resources_allocate;
answer_fn resources_allocate_many;

/* As if somebody had done it by hand: merges, deletes. */
answer_fn resources_merge;
answer_fn resources_remove;

#endif
