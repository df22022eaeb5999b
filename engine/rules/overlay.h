/* SPDX-License-Identifier: Apache-2.0
 *
 * overlay - several configuration files as one: later ones win.
 *
 * Maps are merged member by member; a list or a scalar takes the place of what
 * was there; null takes a member out. A map never takes the place of something
 * else, nor the other way round, and under `vars` a value keeps its type: rules
 * were checked with it. */
#ifndef TAPPET_RULES_OVERLAY_H
#define TAPPET_RULES_OVERLAY_H

#include "engine/base/buf.h"
#include "engine/rules/yaml.h"

/* The merged tree: in the arena, borrowing from both. NULL when memory is out; mistakes are
 * reported, and what they concern stays as it was in `base`. */
struct yaml_node *overlay_merge(struct arena *arena, struct diags *diags, struct yaml_node *base,
				struct yaml_node *over);

/* The tree as YAML in block style, each scalar with the file and line it came from. `secret` says
 * which scalars are secrets: of them only references (${env:NAME}) are shown. */
void overlay_print(struct buf *out, const struct yaml_node *root,
		   bool (*secret)(void *of, const struct yaml_node *node), void *of);

#endif
