/* SPDX-License-Identifier: Apache-2.0
 *
 * tables - what row() and rows() read of a store.
 *
 * Ownership: borrows store, parser and set, which must outlive it. It is named by
 * its address: it must not move. */
#ifndef TAPPET_SEQUENCER_TABLES_H
#define TAPPET_SEQUENCER_TABLES_H

#include "engine/rules/rule.h"
#include "engine/store/store.h"
#include "engine/value/parse.h"

struct stored_tables {
	struct store *store;
	struct json_parser *parser;
	struct table_reader reader; /* what an event_view points to */
};

void stored_tables_init(struct stored_tables *tables, struct store *store,
			struct json_parser *parser, const struct ruleset *set);

#endif
