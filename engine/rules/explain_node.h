/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_node - a traced expression in its author's words; explain.c's own. */
#ifndef TAPPET_RULES_EXPLAIN_NODE_H
#define TAPPET_RULES_EXPLAIN_NODE_H

#include "engine/cel/trace.h"
#include "engine/rules/explain.h"

struct noder {
	struct arena *arena;
	const struct event_view *event;
	bool sugar; /* the expression was made from `match` */
};

/* The parts that && joins, or the whole. On a spent arena (see there) some are missing. */
struct explain_nodes explain_nodes_of(const struct noder *noder, const struct cel_trace *trace);

/* "data.total >= 100 is false (96.0)": what the deciding node says, for a sentence; empty when no
 * node of these decides. */
struct text explain_reason(const struct noder *noder, struct explain_nodes nodes);

#endif
