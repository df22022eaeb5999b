/* SPDX-License-Identifier: Apache-2.0
 *
 * test_compare - is what was sent what was expected?
 *
 * What a test writes is a part: maps may hold more than it names, numbers are
 * equal by value, {contains: X} and {matches: RE} stand for many texts. Lists
 * must be equal item by item, in length too.
 * Ownership: none. */
#ifndef TAPPET_COMMANDS_TEST_COMPARE_H
#define TAPPET_COMMANDS_TEST_COMPARE_H

#include "engine/base/buf.h"
#include "engine/rules/yaml.h"

/* True when `sent` fits. Else one line for each difference is appended:
 *   FILE:LINE:COLUMN: PATH: expected X, sent Y */
bool test_compare(struct arena *arena, const struct yaml_node *expected, struct value sent,
		  struct buf *out);

#endif
